// Symbols, prices and bars, and the thread on which the market moves by itself.
#include "world.hpp"
#include <climits>
#include <cmath>

namespace mql {
World world;

double SymbolState::point() const { return pow(10, -digits); }
double SymbolState::norm(double p) const { return NormalizeDouble(p, digits); }
Account &World::account() { return accounts[current]; }
SymbolState *World::symbol(const std::string &name) {
  auto i = by_name.find(name);
  if (i != by_name.end()) return i->second;
  for (auto &s : symbols) if (s.name == name) return by_name[name] = &s;  // a deque's elements stay where they are
  return nullptr;
}
long clock_skew_us = 0;
long mono_us() { return clock_skew_us + std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count(); }
long World::now_ms() const {
  if (stands_ms) return stands_ms;
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count() + shift_ms + offset_s * 1000;
}
void World::after_ms(double ms, std::function<void()> what) {
  later.emplace(mono_us() + (long)(ms * 1000), std::move(what));
  wake.notify_all();
}

static SymbolState &add(const char *name, const char *path, const char *base, const char *profit, int digits, double bid, double spread_points) {
  SymbolState s;
  s.name = name;
  s.path = std::string(path) + "\\" + name;
  s.desc = std::string(base) + " vs " + profit;
  s.base = base; s.profit = profit; s.margin = base;
  s.digits = digits;
  s.tick_size = s.point();
  s.rate = std::string(profit) == "JPY" ? 1 / 150.0 : std::string(profit) == "EUR" ? 1.1 : 1;
  for (int d = 0; d < 7; d++) { s.trade.push_back({d, 0, 1440}); s.quote.push_back({d, 0, 1440}); }
  s.bid = bid;
  s.ask = s.norm(bid + spread_points * s.point());
  world.symbols.push_back(s);
  return world.symbols.back();
}
// The broker of the tests. Each symbol has something that breaks a careless Expert Advisor.
void seed_symbols() {
  add("EURUSD", "Forex\\Majors", "EUR", "USD", 5, 1.10000, 10).selected = true;
  auto &jpy = add("USDJPY", "Forex\\Majors", "USD", "JPY", 3, 150.000, 12);
  jpy.fill = SYMBOL_FILLING_IOC; jpy.stops = 20; jpy.freeze = 10;
  auto &gold = add("XAUUSD.r", "Metals", "XAU", "USD", 2, 2400.00, 25);
  gold.exe = SYMBOL_TRADE_EXECUTION_INSTANT; gold.contract = 100; gold.stops = 50; gold.vmax = 20; gold.calc = SYMBOL_CALC_MODE_CFDLEVERAGE;
  auto &dax = add("DE40", "Indices", "EUR", "EUR", 1, 18500.0, 8);
  dax.exe = SYMBOL_TRADE_EXECUTION_EXCHANGE; dax.fill = SYMBOL_FILLING_IOC; dax.tick_size = 0.5; dax.ask = 18501.0; dax.contract = 1;
  dax.vmin = 0.1; dax.vstep = 0.1; dax.vmax = 50; dax.calc = SYMBOL_CALC_MODE_CFDINDEX; dax.last = 18500.5;
  auto &aud = add("AUDUSD", "Forex\\Majors", "AUD", "USD", 5, 0.66000, 12);
  aud.exe = SYMBOL_TRADE_EXECUTION_REQUEST; aud.exp = SYMBOL_EXPIRATION_GTC | SYMBOL_EXPIRATION_DAY;
  auto &twin = add("EURUSD.v", "View only", "EUR", "USD", 5, 1.10000, 10);
  twin.mode = SYMBOL_TRADE_MODE_DISABLED;
  add("GBPUSD", "Forex\\Majors", "GBP", "USD", 5, 1.27000, 14);
  for (auto &s : world.symbols) { s.tick_ms = world.now_ms(); make_history(s, 1500); }
}

static void into_bar(SymbolState &s, long seconds, double price) {
  long minute = seconds / 60 * 60;
  if (s.m1.empty() || s.m1.back().time < minute) s.m1.push_back({minute, price, price, price, price, 0, 0, 0});
  Bar &b = s.m1.back();
  b.c = price;
  b.h = std::max(b.h, price);
  b.l = std::min(b.l, price);
  b.tv++;
  b.sp = (int)lround((s.ask - s.bid) / s.point());
  if (s.m1.size() > 20000) s.m1.erase(s.m1.begin(), s.m1.begin() + 5000);
}
void make_history(SymbolState &s, int bars) {
  std::mt19937_64 rng(std::hash<std::string>()(s.name));
  s.m1.clear();
  long last = world.now_ms() / 1000 / 60 * 60 - 60;
  double p = s.bid;
  for (int i = 0; i < bars; i++) {
    double step = s.tick_size * (double)((long)(rng() % 21) - 10);
    double o = s.norm(p - step), h = std::max(o, p) + s.tick_size * (double)(rng() % 5), l = std::min(o, p) - s.tick_size * (double)(rng() % 5);
    s.m1.push_back({last - 60L * i, o, s.norm(h), s.norm(l), s.norm(p), 10 + (long)(rng() % 90), 10, 0});
    p = o;
  }
  std::reverse(s.m1.begin(), s.m1.end());
}
void set_price(SymbolState &s, double bid, double ask, double last) {
  s.tick_flags = (bid != s.bid ? TICK_FLAG_BID : 0u) | (ask != s.ask ? TICK_FLAG_ASK : 0u) | (last != s.last ? TICK_FLAG_LAST : 0u);
  s.bid = s.norm(bid);
  s.ask = s.norm(ask);
  s.last = s.norm(last);
  s.tick_ms = std::max(world.now_ms(), s.tick_ms + 1);
  into_bar(s, s.tick_ms / 1000, s.bid);
  s.ticks.push_back({datetime(s.tick_ms / 1000), s.bid, s.ask, s.last, s.volume, s.tick_ms, s.tick_flags, (double)s.volume});
  if (s.ticks.size() > 2000) s.ticks.pop_front();
  price_moved(s);
  if (world.connected) post_tick(s.name);
}
bool in_session(const std::vector<Session> &table, long ms) {
  long minute = ms / 60000 % 1440, day = (ms / 86400000 + 4) % 7;
  for (auto &x : table) if (x.day == day && minute >= x.from && minute < (x.to > x.from ? x.to : 1440)) return true;
  return false;
}
long period_of(ENUM_TIMEFRAMES tf) {
  int v = tf == PERIOD_CURRENT ? PERIOD_M1 : tf;
  return v < 16384 ? v * 60L : v < 32768 ? (v - 16384) * 3600L : v == PERIOD_W1 ? 604800L : 2592000L;
}
// The bars of a timeframe, oldest first, out of the minutes; `most` newest ones.
std::vector<Bar> bars_of(const SymbolState &s, ENUM_TIMEFRAMES tf, size_t most) {
  std::vector<Bar> out;
  long period = period_of(tf);
  for (size_t i = s.m1.size(); i-- > 0;) {
    const Bar &m = s.m1[i];
    long start = period == 604800 ? (m.time + 4 * 86400) / period * period - 4 * 86400 : m.time / period * period;
    if (out.empty() || out.back().time != start) {
      if (out.size() == most) break;
      out.push_back(m);
      out.back().time = start;
    } else {
      Bar &b = out.back();
      b.o = m.o;
      b.h = std::max(b.h, m.h);
      b.l = std::min(b.l, m.l);
      b.tv += m.tv;
      b.rv += m.rv;
    }
  }
  std::reverse(out.begin(), out.end());
  return out;
}

static void walk(SymbolState &s) {
  double step = s.tick_size * (double)((long)(world.rng() % 5) - 2), spread = s.ask - s.bid;
  set_price(s, s.bid + step, s.bid + step + spread, s.last > 0 ? s.bid + step : 0);
}
void market_thread() {
  std::unique_lock lock(world.lock);
  long next_walk = mono_us();
  size_t turn = 0;
  while (!world.ending) {
    long now = mono_us();
    while (!world.later.empty() && world.later.begin()->first <= now) {
      auto what = std::move(world.later.begin()->second);
      world.later.erase(world.later.begin());
      what();
      now = mono_us();
    }
    long until = now + 200000;
    if (!world.later.empty()) until = std::min(until, world.later.begin()->first);
    if (world.tick_rate > 0 && !world.symbols.empty()) {
      size_t n = world.tick_symbols > 0 ? std::min((size_t)world.tick_symbols, world.symbols.size()) : world.symbols.size();
      long gap = (long)(1e6 / (world.tick_rate * (double)n));
      if (next_walk < now - 1000000) next_walk = now;
      for (; next_walk <= now; next_walk += gap) walk(world.symbols[turn++ % n]);
      until = std::min(until, next_walk);
    }
    until = std::max(until, now + 500);
    world.wake.wait_for(lock, std::chrono::microseconds(until - now));
  }
}
} // namespace mql
