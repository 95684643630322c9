// The terminal around the Expert Advisor: which chart, which switches, one queue of events, handled one at a time.
#pragma once
#include "wires.hpp"
#include <atomic>
#include <condition_variable>
#include <deque>

namespace mql {
struct Event {
  enum Kind { Tick, Timer, Transaction, Stop, Reload, Parameters, Chart, Login } kind;
  Txn txn{};
  int reason = 0;
  long login = 0;
  std::vector<std::pair<std::string, std::string>> inputs{};
};
struct Hook {  // a thing that happens at the n-th call of a function of the API
  std::string function;
  long nth;
  std::vector<std::string> what;
};
struct Counters {
  std::atomic<long> ticks{0}, timers{0}, transactions{0}, dropped{0}, cpu_us{0}, longest_us{0}, inits{0};
};
struct Terminal {
  std::string chart_symbol = "EURUSD", module;  // the compiled Expert Advisor
  bool algo = true, expert = true;
  std::vector<std::pair<std::string, std::string>> inputs;

  std::mutex lock;  // of the queue
  std::condition_variable wake;
  std::deque<Event> queue;
  bool tick_queued = false, timer_queued = false, busy = false;
  int transactions_queued = 0;
  long timer_us = 0, next_timer = 0;
  std::atomic<bool> stopping{false};
  bool removed = false;
  int reason = 0, error = 0;
  Counters counters;
  std::map<std::string, long, std::less<>> calls;
  std::vector<Hook> hooks;

  void run();  // until a Stop event
  void post(Event e);
  bool idle_within(long ms);  // waits until the queue is empty and no handler runs
};
extern Terminal terminal;
const int MOST_TRANSACTIONS = 1024;
const long TIMER_FLOOR_US = 10000;
void load();
void set_inputs();
const Handlers &expert();
int fuzz(ulong seed, long cases, const std::string &trace);
std::string command(const std::string &line);
} // namespace mql
