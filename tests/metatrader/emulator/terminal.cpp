// One queue of events and one thread that hands them to the Expert Advisor, one at a time. Loading it anew gives it fresh variables,
// as a new start of it in the terminal does.
#include "terminal.hpp"
#include "world.hpp"
#include <csignal>
#include <dlfcn.h>
#include <fstream>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

namespace mql {
Terminal terminal;
static Handlers handlers{};
static thread_local int depth = 0;

void critical(const std::string &why) {
  tell("critical " + why);
  fprintf(stderr, "critical error: %s\n", why.c_str());
  fflush(stdout);
  _exit(86);
}
void set_error(int code) { terminal.error = code; }
int GetLastError() { return terminal.error; }
void ResetLastError() { terminal.error = 0; }
void SetUserError(ushort code) { terminal.error = 65536 + code; }
bool IsStopped() { return terminal.stopping; }
int UninitializeReason() { return terminal.reason; }
void ExpertRemove() { Call call("ExpertRemove"); terminal.removed = true; }
void print_line(const std::string &line) { tell("log " + line); }
void Sleep(int ms) { usleep((useconds_t)ms * 1000); }

ulong GetMicrosecondCount() { static long start = mono_us(); return (ulong)(mono_us() - start); }
ulong GetTickCount64() { return (ulong)mono_us() / 1000; }
uint GetTickCount() { return (uint)GetTickCount64(); }
datetime TimeGMT() { return datetime((world.now_ms() - world.offset_s * 1000) / 1000); }
datetime TimeLocal() { return TimeGMT(); }
int TimeGMTOffset() { return 0; }
int TimeDaylightSavings() { return 0; }
datetime TimeTradeServer() { return datetime(world.now_ms() / 1000); }
datetime TimeCurrent() {  // the server time of the last quote: it stands still when nothing is quoted
  Call call("TimeCurrent");
  long newest = 0;
  for (auto &s : world.symbols) if (s.selected) newest = std::max(newest, s.tick_ms);
  return datetime(newest / 1000);
}

Call::Call(const char *name) {
  world.lock.lock();
  if (depth++ > 0) return;
  auto count = terminal.calls.find(std::string_view(name));
  if (count == terminal.calls.end()) count = terminal.calls.emplace(name, 0).first;
  long n = ++count->second;
  for (size_t i = 0; i < terminal.hooks.size(); i++) {
    if (terminal.hooks[i].function != name || terminal.hooks[i].nth != n) continue;
    std::vector<std::string> what = terminal.hooks[i].what;
    terminal.hooks.erase(terminal.hooks.begin() + (long)i--);
    if (what[0] == "kill") raise(SIGKILL);
    if (what[0] == "stall" && what.size() > 1) {
      world.lock.unlock();
      usleep((useconds_t)atol(what[1].c_str()) * 1000);
      world.lock.lock();
      continue;
    }
    std::string line;
    for (auto &w : what) line += (line.empty() ? "" : " ") + w;
    command(line);
  }
}
Call::~Call() { depth--; world.lock.unlock(); }

bool EventSetMillisecondTimer(int ms) {
  Call call("EventSetMillisecondTimer");
  if (ms <= 0) return fail(ERR_INVALID_PARAMETER, false);
  std::lock_guard guard(terminal.lock);
  terminal.timer_us = std::max(TIMER_FLOOR_US, (long)ms * 1000);
  terminal.next_timer = mono_us() + terminal.timer_us;
  return true;
}
bool EventSetTimer(int seconds) { return EventSetMillisecondTimer(seconds * 1000); }
void EventKillTimer() {
  Call call("EventKillTimer");
  std::lock_guard guard(terminal.lock);
  terminal.timer_us = 0;
}

// ---- variables of the terminal: in the data folder, as gvariables.dat is; written when flushed and at a clean end only
static std::map<std::string, double> variables;
static bool variables_read = false;
static std::string variables_path() { return folders.data + "/gvariables.txt"; }
static std::map<std::string, double> &all_variables() {
  if (!variables_read) {
    variables_read = true;
    std::ifstream in(variables_path());
    std::string name;
    double v;
    while (in >> name >> v) variables[name] = v;
  }
  return variables;
}
bool GlobalVariableCheck(const string &n) { Call call("GlobalVariableCheck"); return all_variables().count(n.to8()) > 0; }
double GlobalVariableGet(const string &n) {
  Call call("GlobalVariableGet");
  auto &v = all_variables();
  auto i = v.find(n.to8());
  return i == v.end() ? fail(ERR_GLOBALVARIABLE_NOT_FOUND, 0.0) : i->second;
}
datetime GlobalVariableSet(const string &n, double v) { Call call("GlobalVariableSet"); all_variables()[n.to8()] = v; return TimeLocal(); }
bool GlobalVariableDel(const string &n) { Call call("GlobalVariableDel"); return all_variables().erase(n.to8()) > 0; }
bool GlobalVariableTemp(const string &n) { Call call("GlobalVariableTemp"); return all_variables().emplace(n.to8(), 0.0).second; }
bool GlobalVariableSetOnCondition(const string &n, double v, double expected) {
  Call call("GlobalVariableSetOnCondition");
  auto &all = all_variables();
  auto i = all.find(n.to8());
  if (i == all.end() || i->second != expected) return false;
  i->second = v;
  return true;
}
void GlobalVariablesFlush() {
  Call call("GlobalVariablesFlush");
  std::ofstream out(variables_path());
  out.precision(17);
  for (auto &[n, v] : all_variables()) out << n << ' ' << v << '\n';
}

// ---- the queue
void Terminal::post(Event e) {
  std::lock_guard guard(lock);
  if (e.kind == Event::Tick) { if (tick_queued) return; tick_queued = true; }
  if (e.kind == Event::Transaction) {
    if (transactions_queued >= MOST_TRANSACTIONS) { counters.dropped++; return; }
    transactions_queued++;
  }
  queue.push_back(std::move(e));
  wake.notify_all();
}
void post_tick(const std::string &symbol) {
  if (symbol == terminal.chart_symbol) terminal.post(Event{Event::Tick});
}
// Transactions of one change arrive in any order, sometimes late, sometimes twice, sometimes not at all.
void post_transactions(std::vector<Txn> txns) {
  if (!world.connected) return;
  for (size_t i = txns.size(); i > 1; i--) std::swap(txns[i - 1], txns[world.rng() % i]);
  for (auto &x : txns) {
    if (world.chances.lost_txn > 0 && world.chance() < world.chances.lost_txn) continue;
    int copies = world.chances.duplicated_txn > 0 && world.chance() < world.chances.duplicated_txn ? 2 : 1;
    for (int i = 0; i < copies; i++) {
      Event e{Event::Transaction};
      e.txn = x;
      if (world.chances.late_txn_ms > 0) world.after_ms(world.chance() * world.chances.late_txn_ms, [e] { terminal.post(e); });
      else terminal.post(e);
    }
  }
}
bool Terminal::idle_within(long ms) {
  std::unique_lock guard(lock);
  return wake.wait_for(guard, std::chrono::milliseconds(ms), [this] { return queue.empty() && !busy; });
}

const Handlers &expert() { return handlers; }
void load() {
  static int copy = 0;
  // A copy of its own each time: a module loaded under a new name has variables of its own.
  std::string own = folders.data + "/loaded-" + std::to_string(getpid()) + "-" + std::to_string(++copy) + ".so";
  std::ifstream in(terminal.module, std::ios::binary);
  std::ofstream(own, std::ios::binary) << in.rdbuf();
  MqlInput::all().clear();
  void *module = dlopen(own.c_str(), RTLD_NOW | RTLD_LOCAL);
  unlink(own.c_str());
  if (!module) critical(std::string("the Expert Advisor cannot be loaded: ") + dlerror());
  auto table = (Handlers (*)())dlsym(module, "fx_handlers");
  if (!table) critical("the Expert Advisor has no table of handlers");
  handlers = table();
}
void set_inputs() {
  for (auto &[name, v] : terminal.inputs) {
    auto i = MqlInput::all().find(name);
    if (i == MqlInput::all().end()) critical("the Expert Advisor has no input " + name);
    i->second(v);
  }
}
static void stop(int reason);
static void start() {
  terminal.stopping = false;
  terminal.removed = false;
  terminal.counters.inits++;
  int code = handlers.init ? handlers.init() : INIT_SUCCEEDED;
  tell("init " + std::to_string(code));
  if (code != INIT_SUCCEEDED) {
    terminal.removed = true;
    stop(REASON_INITFAILED);
  }
}
static void stop(int reason) {
  if (terminal.stopping.exchange(true)) return;  // removed already
  terminal.reason = reason;
  if (handlers.deinit) handlers.deinit(reason);
  close_all_handles();
  std::lock_guard guard(terminal.lock);
  terminal.timer_us = 0;
}
static void forget_events() {
  std::lock_guard guard(terminal.lock);
  std::erase_if(terminal.queue, [](const Event &e) { return e.kind <= Event::Transaction; });
  terminal.tick_queued = terminal.timer_queued = false;
  terminal.transactions_queued = 0;
}
static long thread_cpu_us() { timespec t; clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); return t.tv_sec * 1000000 + t.tv_nsec / 1000; }

static bool handle(Event &e) {
  switch (e.kind) {
    case Event::Tick: terminal.counters.ticks++; if (handlers.tick) handlers.tick(); break;
    case Event::Timer: terminal.counters.timers++; if (handlers.timer) handlers.timer(); break;
    case Event::Transaction: terminal.counters.transactions++; if (handlers.transaction) handlers.transaction(e.txn.t, e.txn.q, e.txn.r); break;
    case Event::Stop: stop(e.reason); return false;
    case Event::Parameters: stop(REASON_PARAMETERS); for (auto &i : e.inputs) terminal.inputs.push_back(i); set_inputs(); start(); break;
    case Event::Chart: stop(REASON_CHARTCHANGE); start(); break;
    case Event::Reload: stop(e.reason); forget_events(); load(); set_inputs(); start(); break;
    case Event::Login:
      stop(REASON_ACCOUNT);
      forget_events();
      {
        std::lock_guard guard(world.lock);
        world.current = e.login;
        publish();
      }
      load();
      set_inputs();
      start();
      break;
  }
  return true;
}
void Terminal::run() {
  load();
  set_inputs();
  start();
  for (bool on = true; on;) {
    Event e{Event::Tick};
    {
      std::unique_lock guard(lock);
      for (;;) {
        long now = mono_us();
        if (timer_us && now >= next_timer) {
          // A timer event is not queued again while one waits; the terminal does not make up for missed ones.
          if (!timer_queued) { timer_queued = true; queue.push_back(Event{Event::Timer}); }
          next_timer += timer_us;
          if (next_timer <= now) next_timer = now + timer_us;
        }
        if (!queue.empty()) break;
        busy = false;
        wake.notify_all();
        if (timer_us) wake.wait_for(guard, std::chrono::microseconds(std::max(1L, next_timer - now)));
        else wake.wait(guard);
      }
      e = std::move(queue.front());
      queue.pop_front();
      busy = true;
      if (e.kind == Event::Tick) tick_queued = false;
      if (e.kind == Event::Transaction) transactions_queued--;
    }
    if (removed && e.kind <= Event::Transaction) { std::lock_guard guard(lock); if (e.kind == Event::Timer) timer_queued = false; continue; }
    long began = mono_us();
    on = handle(e);
    long took = mono_us() - began;
    if (took > counters.longest_us) counters.longest_us = took;
    counters.cpu_us = thread_cpu_us();
    if (e.kind == Event::Timer) { std::lock_guard guard(lock); timer_queued = false; }  // only now: not while it runs
    if (removed && on && e.kind != Event::Stop && handlers.deinit && !stopping) stop(REASON_PROGRAM);
  }
  GlobalVariablesFlush();
  std::lock_guard guard(lock);
  busy = false;
  queue.clear();
  wake.notify_all();
}
} // namespace mql
