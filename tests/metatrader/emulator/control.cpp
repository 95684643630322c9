// The harness's line: one command per line on stdin, on stdout `ok ...` or `err ...` for each, `row ...` before an ok with rows, and in
// between `log`, `init` and `critical` lines of the Expert Advisor. The words are listed in ../README.md.
#include "terminal.hpp"
#include "world.hpp"
#include <climits>
#include <iostream>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace mql {
static std::mutex out_lock;
static std::atomic<bool> started{false};
static std::thread terminal_runs;

void tell(const std::string &line) {
  std::string clean = line;
  for (char &c : clean) if (c == '\n' || c == '\r') c = ' ';
  clean += '\n';
  std::lock_guard guard(out_lock);
  fwrite(clean.data(), 1, clean.size(), stdout);
  fflush(stdout);
}
static void reply(const std::string &text) {
  std::lock_guard guard(out_lock);
  fwrite(text.data(), 1, text.size(), stdout);
  fputc('\n', stdout);
  fflush(stdout);
}
using Words = std::vector<std::string>;
static double num(const std::string &s) { return strtod(s.c_str(), nullptr); }
static long whole(const std::string &s) { return strtol(s.c_str(), nullptr, 10); }
static bool on(const std::string &s) { return s == "on" || s == "1"; }
template <class F> static std::string each_pair(const Words &w, size_t from, F set) {
  for (size_t i = from; i < w.size(); i++) {
    size_t eq = w[i].find('=');
    if (eq == std::string::npos || !set(w[i].substr(0, eq), w[i].substr(eq + 1))) return "err unknown " + w[i];
  }
  return "ok";
}
static std::vector<Session> sessions(const std::string &text) {  // day:from:to,...
  std::vector<Session> out;
  std::istringstream in(text);
  std::string one;
  while (std::getline(in, one, ',')) {
    Session s{};
    if (sscanf(one.c_str(), "%d:%d:%d", &s.day, &s.from, &s.to) == 3) out.push_back(s);
  }
  return out;
}
static std::string set_symbol(const Words &w) {
  if (w.size() < 2) return "err symbol NAME key=value...";
  SymbolState *s = world.symbol(w[1]);
  if (!s) {
    SymbolState fresh = *world.symbol("EURUSD");
    fresh.name = w[1];
    fresh.path = "Other\\" + w[1];
    fresh.selected = false;
    fresh.ticks.clear();
    world.symbols.push_back(fresh);
    s = &world.symbols.back();
  }
  return each_pair(w, 2, [s](const std::string &k, const std::string &v) {
    static const std::map<std::string, int SymbolState::*> ints = {{"digits", &SymbolState::digits}, {"stops", &SymbolState::stops}, {"freeze", &SymbolState::freeze}, {"exe", &SymbolState::exe}, {"fill", &SymbolState::fill}, {"takes", &SymbolState::takes}, {"orders", &SymbolState::orders}, {"exp", &SymbolState::exp}, {"gtc", &SymbolState::gtc}, {"mode", &SymbolState::mode}, {"calc", &SymbolState::calc}};
    static const std::map<std::string, double SymbolState::*> reals = {{"tick_size", &SymbolState::tick_size}, {"contract", &SymbolState::contract}, {"vmin", &SymbolState::vmin}, {"vmax", &SymbolState::vmax}, {"vstep", &SymbolState::vstep}, {"vlimit", &SymbolState::vlimit}, {"liquidity", &SymbolState::liquidity}, {"rate", &SymbolState::rate}, {"margin_rate", &SymbolState::margin_rate}};
    static const std::map<std::string, std::string SymbolState::*> texts = {{"path", &SymbolState::path}, {"desc", &SymbolState::desc}, {"base", &SymbolState::base}, {"profit", &SymbolState::profit}, {"margin", &SymbolState::margin}};
    if (auto i = ints.find(k); i != ints.end()) s->*i->second = (int)whole(v);
    else if (auto r = reals.find(k); r != reals.end()) s->*r->second = num(v);
    else if (auto t = texts.find(k); t != texts.end()) s->*t->second = v;
    else if (k == "tsess") s->trade = sessions(v);
    else if (k == "qsess") s->quote = sessions(v);
    else if (k == "selected") s->selected = on(v);
    else if (k == "tick_ms") s->tick_ms = whole(v);
    else if (k == "bars") make_history(*s, (int)whole(v));
    else return false;
    return true;
  });
}
static std::string set_account(const Words &w) {
  if (w.size() < 2) return "err account LOGIN key=value...";
  Account &a = world.accounts[whole(w[1])];
  a.login = whole(w[1]);
  std::string answer = each_pair(w, 2, [&a](const std::string &k, const std::string &v) {
    if (k == "server") a.server = v;
    else if (k == "company") a.company = v;
    else if (k == "ccy") a.ccy = v;
    else if (k == "digits") a.digits = (int)whole(v);
    else if (k == "margin_mode") a.margin_mode = v == "netting" ? 0 : v == "exchange" ? 1 : 2;
    else if (k == "leverage") a.leverage = (int)whole(v);
    else if (k == "kind") a.kind = v == "demo" ? 0 : v == "contest" ? 1 : 2;
    else if (k == "balance") a.balance = num(v);
    else if (k == "credit") a.credit = num(v);
    else if (k == "commission") a.commission = num(v);
    else if (k == "fee") a.fee = num(v);
    else if (k == "so") a.so_so = num(v);
    else if (k == "limit_orders") a.limit_orders = (int)whole(v);
    else if (k == "trade") a.trade = on(v);
    else if (k == "expert") a.expert = on(v);
    else if (k == "fifo") a.fifo = on(v);
    else if (k == "hedge") a.hedge = on(v);
    else if (k == "comment") a.comment_rule = v;
    else return false;
    return true;
  });
  save(a);
  publish();
  return answer;
}
static std::string truth(const Words &w) {
  Account &a = w.size() > 2 ? world.accounts[whole(w[2])] : world.account();
  std::string rows;
  long n = 0;
  auto row = [&](const std::string &line) { rows += "row " + line + "\n"; n++; };
  if (w[1] == "positions") for (auto &p : a.positions) row(line_of(p));
  else if (w[1] == "orders") for (auto &o : a.orders) row(line_of(o));
  else if (w[1] == "history") for (auto &o : a.history) row(line_of(o));
  else if (w[1] == "deals") for (auto &d : a.deals) row(line_of(d));
  else if (w[1] == "account") {
    Figures f = figures(a);
    char b[256];
    snprintf(b, sizeof b, "\tlogin=%ld\tequity=%.2f\tmargin=%.2f\tfree=%.2f\tprofit=%.2f", a.login, f.equity, f.margin, f.free, f.profit);
    row(line_of(a) + b);
  } else return "err truth positions|orders|history|deals|account";
  return rows + "ok " + std::to_string(n);
}
static std::string stats() {
  Counters &c = terminal.counters;
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  std::ostringstream o;
  o << "ok sends=" << world.sends << " send_max_us=" << world.send_max_us << " ticks=" << c.ticks << " timers=" << c.timers << " transactions=" << c.transactions << " dropped=" << c.dropped
    << " inits=" << c.inits << " longest_us=" << c.longest_us << " ea_cpu_us=" << c.cpu_us << " cpu_us=" << u.ru_utime.tv_sec * 1000000 + u.ru_utime.tv_usec + u.ru_stime.tv_sec * 1000000 + u.ru_stime.tv_usec
    << " pipe_turns_missed=" << pipe_turns_missed << " late=" << late_requests.size() << " server_ms=" << world.now_ms();
  return o.str();
}
static void connect_broker(bool connected) {
  world.connected = connected;
  if (!connected) return;
  for (auto &[_, a] : world.accounts) {
    long from = mono_us() + world.history_lag_ms * 1000;
    for (auto &o : a.history) if (o.seen_from == LONG_MAX) o.seen_from = from;
    for (auto &d : a.deals) if (d.seen_from == LONG_MAX) d.seen_from = from;
  }
  publish();
}
static std::string set_quirk(const Words &w) {
  return each_pair(w, 1, [](const std::string &k, const std::string &v) {
    if (k == "allow_localhost") quirks.allow_localhost = on(v);
    else if (k == "speculative_readable") quirks.speculative_readable = on(v);
    else if (k == "short_send") quirks.short_send = (uint)whole(v);
    else if (k == "short_read") quirks.short_read = (uint)whole(v);
    else if (k == "pipes") quirks.pipes = on(v);
    else if (k == "disk_full") quirks.disk_full = on(v);
    else if (k == "locked") quirks.locked = v;
    else if (k == "unreadable") quirks.unreadable = v;
    else if (k == "mute") quirks.mute = on(v);
    else if (k == "history") quirks.history = on(v);
    else return false;
    return true;
  });
}
static std::string set_price_by(const Words &w) {
  SymbolState *s = w.size() >= 4 ? world.symbol(w[1]) : nullptr;
  if (!s) return "err price SYMBOL BID ASK [LAST]";
  double last = w.size() > 4 ? num(w[4]) : s->last;
  if (started) set_price(*s, num(w[2]), num(w[3]), last);
  else { s->bid = num(w[2]); s->ask = num(w[3]); s->last = last; s->tick_ms = world.now_ms(); }
  return "ok";
}
static std::string event(Event e, const std::string &detail = "") { terminal.post(std::move(e)); return "ok" + detail; }

static std::string locked_command(const Words &w) {
  const std::string &c = w[0];
  std::string first = w.size() > 1 ? w[1] : "";
  if (c == "price") return set_price_by(w);
  if (c == "symbol") return set_symbol(w);
  if (c == "account") return set_account(w);
  if (c == "truth" && w.size() > 1) return truth(w);
  if (c == "stats") return stats();
  if (c == "quirk") return set_quirk(w);
  if (c == "seed") { world.rng.seed(strtoul(first.c_str(), nullptr, 10)); return "ok"; }
  if (c == "many") {
    for (int i = 1; i <= whole(first); i++) {
      char name[16];
      snprintf(name, sizeof name, "S%03d", i);
      set_symbol({"symbol", name, "selected=on"});
    }
    return "ok";
  }
  if (c == "broker") { connect_broker(on(first)); return "ok"; }
  if (c == "algo") { terminal.algo = on(first); return "ok"; }
  if (c == "expert") { terminal.expert = on(first); return "ok"; }
  if (c == "fault" && w.size() > 1) { world.faults.push_back({first, w.size() > 2 ? (uint)whole(w[2]) : 0u, w.size() > 3 ? num(w[3]) : 0}); return "ok"; }
  if (c == "chance") return each_pair(w, 1, [](const std::string &k, const std::string &v) {
    if (k == "duplicated_txn") world.chances.duplicated_txn = num(v);
    else if (k == "late_txn_ms") world.chances.late_txn_ms = num(v);
    else if (k == "lost_txn") world.chances.lost_txn = num(v);
    else world.chances.of[k] = num(v);
    return true;
  });
  if (c == "latency") { world.latency_us = whole(first); world.latency_jitter_us = w.size() > 2 ? whole(w[2]) : 0; return "ok"; }
  if ((c == "hide_history" || c == "hide_deals") && w.size() > 1) {
    long from = mono_us() + whole(w[1]) * 1000;
    for (auto &[_, a] : world.accounts) {
      if (c == "hide_history") for (auto &o : a.history) o.seen_from = from;
      for (auto &d : a.deals) d.seen_from = from;
    }
    return "ok";
  }
  if (c == "lag" && w.size() > 2) { (first == "book" ? world.book_lag_ms : world.history_lag_ms) = whole(w[2]); return "ok"; }
  if (c == "late_history") { world.late_history = on(first); for (auto &s : world.symbols) s.late.clear(); return "ok"; }
  if (c == "ticks") { world.tick_rate = num(first); world.tick_symbols = w.size() > 2 ? (int)whole(w[2]) : 0; world.wake.notify_all(); return "ok"; }
  if (c == "clock" && w.size() > 2) {
    if (first == "offset") world.offset_s = whole(w[2]);
    else if (first == "stand") world.stands_ms = whole(w[2]);
    else world.shift_ms = whole(w[2]) * 1000;
    return "ok";
  }
  if (c == "hook" && w.size() > 3) { terminal.hooks.push_back({first, terminal.calls[first] + whole(w[2]), Words(w.begin() + 3, w.end())}); return "ok"; }
  if (c == "calls") return "ok " + std::to_string(terminal.calls[first]);
  if (c == "by_hand") { std::string answer; return by_hand(w, answer) ? "ok " + answer : "err " + answer; }
  if (c == "chart_symbol") { terminal.chart_symbol = first; return "ok"; }
  if (c == "input" || c == "params") {
    std::vector<std::pair<std::string, std::string>> pairs;
    std::string answer = each_pair(w, 1, [&](const std::string &k, const std::string &v) { pairs.push_back({k, v}); return true; });
    if (c == "input") { for (auto &p : pairs) terminal.inputs.push_back(p); return answer; }
    Event e{Event::Parameters};
    e.inputs = pairs;
    return event(e);
  }
  if (c == "reload") { Event e{Event::Reload}; e.reason = first.empty() ? REASON_RECOMPILE : (int)whole(first); return event(e); }
  if (c == "chart") return event(Event{Event::Chart});
  if (c == "tick") return event(Event{Event::Tick});
  if (c == "flood") { for (long i = 0; i < whole(first); i++) { Event e{Event::Transaction}; e.txn.t.type = TRADE_TRANSACTION_ORDER_UPDATE; terminal.post(e); } return "ok"; }
  if (c == "next_ticket") { world.next_ticket = strtoul(first.c_str(), nullptr, 10) - 1; return "ok"; }
  if (c == "login" || c == "login_now") {
    if (!world.accounts.count(whole(first))) return "err no account " + first;
    if (!started || c == "login_now") { world.current = whole(first); publish(); }
    if (!started) return "ok";
    Event e{Event::Login};
    e.login = whole(first);
    return event(e);
  }
  return "err unknown command " + c;
}
std::string command(const std::string &line) {
  Words w;
  std::istringstream in(line);
  for (std::string word; in >> word;) w.push_back(word);
  if (w.empty()) return "err empty";
  if (w[0] == "sync") return terminal.idle_within(w.size() > 1 ? whole(w[1]) : 5000) ? "ok" : "err still busy";
  std::lock_guard guard(world.lock);
  return locked_command(w);
}
} // namespace mql

using namespace mql;
static void make_folders() {
  for (std::string f : {folders.data, folders.data + "/MQL5", folders.data + "/MQL5/Files", folders.common, folders.common + "/Files", folders.common + "/pipe"}) mkdir(f.c_str(), 0755);
}
int main(int argc, char **argv) {
  std::string fuzz_seed, fuzz_cases, trace;
  for (int i = 1; i + 1 < argc; i += 2) {
    std::string k = argv[i], v = argv[i + 1];
    if (k == "--data") folders.data = v;
    else if (k == "--common") folders.common = v;
    else if (k == "--module") terminal.module = v;
    else if (k == "--fuzz-seed") fuzz_seed = v;
    else if (k == "--fuzz-cases") fuzz_cases = v;
    else if (k == "--fuzz-trace") trace = v;
    else { fprintf(stderr, "unknown argument %s\n", k.c_str()); return 2; }
  }
  make_folders();
  {
    std::lock_guard guard(world.lock);
    open_storage(folders.data);
    seed_symbols();
    if (world.accounts.empty()) { Account &a = world.accounts[1001]; a.login = 1001; save(a); }
    world.current = world.accounts.begin()->first;
    publish();
    resume_late();
  }
  if (!fuzz_seed.empty()) return fuzz(strtoul(fuzz_seed.c_str(), nullptr, 10), strtol(fuzz_cases.c_str(), nullptr, 10), trace);
  std::thread market(market_thread);
  std::string line;
  bool ended = false;
  while (std::getline(std::cin, line)) {
    if (line == "start") {
      reply("ok");
      if (!started.exchange(true)) terminal_runs = std::thread([] { terminal.run(); });
    } else if (line.rfind("quit", 0) == 0) {
      ended = true;
      break;
    } else reply(command(line));
  }
  if (started && ended) {
    Event e{Event::Stop};
    e.reason = REASON_CLOSE;
    terminal.post(e);
    terminal_runs.join();
    reply("ok");
  }
  { std::lock_guard guard(world.lock); world.ending = true; world.wake.notify_all(); }
  if (ended) market.join();
  fflush(stdout);
  _exit(0);
}
