// What an Expert Advisor asks about symbols, prices, bars, the account and the terminal.
#include "terminal.hpp"
#include "world.hpp"
#include <climits>

namespace mql {
static SymbolState *find(const string &name) {
  SymbolState *s = world.symbol(name.null ? terminal.chart_symbol : name.to8());
  if (!s) set_error(ERR_MARKET_UNKNOWN_SYMBOL);
  return s;
}
string Symbol() { return string::from8(terminal.chart_symbol); }
ENUM_TIMEFRAMES Period() { return PERIOD_H1; }
int Digits() { SymbolState *s = world.symbol(terminal.chart_symbol); return s ? s->digits : 5; }
double Point() { SymbolState *s = world.symbol(terminal.chart_symbol); return s ? s->point() : 0.00001; }
long ChartID() { return 130000000000000001L; }
int PeriodSeconds(ENUM_TIMEFRAMES tf) { return (int)period_of(tf == PERIOD_CURRENT ? PERIOD_H1 : tf); }

int SymbolsTotal(bool selected) {
  Call call("SymbolsTotal");
  int n = 0;
  for (auto &s : world.symbols) n += !selected || s.selected;
  return n;
}
string SymbolName(int i, bool selected) {
  Call call("SymbolName");
  for (auto &s : world.symbols)
    if ((!selected || s.selected) && i-- == 0) return string::from8(s.name);
  return fail(ERR_MARKET_UNKNOWN_SYMBOL, string(u""));
}
bool SymbolSelect(const string &name, bool select) {
  Call call("SymbolSelect");
  SymbolState *s = find(name);
  if (!s) return false;
  if (!select)
    for (auto &p : world.view.positions) if (p.sym == s->name) return fail(ERR_MARKET_SELECT_ERROR, false);
  s->selected = select;
  return true;
}
bool SymbolExist(const string &name, bool &is_custom) { Call call("SymbolExist"); is_custom = false; return world.symbol(name.to8()) != nullptr; }
bool SymbolIsSynchronized(const string &name) { Call call("SymbolIsSynchronized"); return find(name) && world.connected; }

bool SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER p, long &v) {
  Call call("SymbolInfoInteger");
  if (p == SYMBOL_EXIST) { v = world.symbol(name.to8()) != nullptr; return true; }
  SymbolState *s = find(name);
  v = 0;
  if (!s) return false;
  switch (p) {
    case SYMBOL_SELECT: case SYMBOL_VISIBLE: v = s->selected; break;
    case SYMBOL_CUSTOM: v = 0; break;
    case SYMBOL_DIGITS: v = s->digits; break;
    case SYMBOL_SPREAD: v = (long)((s->ask - s->bid) / s->point() + 0.5); break;
    case SYMBOL_SPREAD_FLOAT: v = 1; break;
    case SYMBOL_TRADE_CALC_MODE: v = s->calc; break;
    case SYMBOL_TRADE_MODE: v = s->mode; break;
    case SYMBOL_TRADE_STOPS_LEVEL: v = s->stops; break;
    case SYMBOL_TRADE_FREEZE_LEVEL: v = s->freeze; break;
    case SYMBOL_TRADE_EXEMODE: v = s->exe; break;
    case SYMBOL_SWAP_MODE: v = 1; break;
    case SYMBOL_SWAP_ROLLOVER3DAYS: v = WEDNESDAY; break;
    case SYMBOL_EXPIRATION_MODE: v = s->exp; break;
    case SYMBOL_FILLING_MODE: v = s->fill; break;
    case SYMBOL_ORDER_MODE: v = s->orders; break;
    case SYMBOL_ORDER_GTC_MODE: v = s->gtc; break;
    case SYMBOL_TIME: v = s->tick_ms / 1000; break;
    case SYMBOL_TIME_MSC: v = s->tick_ms; break;
    case SYMBOL_VOLUME: v = (long)s->volume; break;
    case SYMBOL_START_TIME: case SYMBOL_EXPIRATION_TIME: case SYMBOL_TICKS_BOOKDEPTH: case SYMBOL_MARGIN_HEDGED_USE_LEG: v = 0; break;
    default: return fail(ERR_MARKET_WRONG_PROPERTY, false);
  }
  return true;
}
long SymbolInfoInteger(const string &name, ENUM_SYMBOL_INFO_INTEGER p) { long v; SymbolInfoInteger(name, p, v); return v; }
bool SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE p, double &v) {
  Call call("SymbolInfoDouble");
  SymbolState *s = find(name);
  v = 0;
  if (!s) return false;
  double tick_value = s->tick_size * s->contract * s->rate;
  switch (p) {
    case SYMBOL_BID: v = s->bid; break;
    case SYMBOL_ASK: v = s->ask; break;
    case SYMBOL_LAST: v = s->last; break;
    case SYMBOL_POINT: v = s->point(); break;
    case SYMBOL_TRADE_TICK_VALUE: case SYMBOL_TRADE_TICK_VALUE_PROFIT: case SYMBOL_TRADE_TICK_VALUE_LOSS: v = tick_value; break;
    case SYMBOL_TRADE_TICK_SIZE: v = s->tick_size; break;
    case SYMBOL_TRADE_CONTRACT_SIZE: v = s->contract; break;
    case SYMBOL_VOLUME_MIN: v = s->vmin; break;
    case SYMBOL_VOLUME_MAX: v = s->vmax; break;
    case SYMBOL_VOLUME_STEP: v = s->vstep; break;
    case SYMBOL_VOLUME_LIMIT: v = s->vlimit; break;
    case SYMBOL_SWAP_LONG: v = s->swap_long; break;
    case SYMBOL_SWAP_SHORT: v = s->swap_short; break;
    case SYMBOL_VOLUME_REAL: v = (double)s->volume; break;
    default: v = 0; break;
  }
  return true;
}
double SymbolInfoDouble(const string &name, ENUM_SYMBOL_INFO_DOUBLE p) { double v; SymbolInfoDouble(name, p, v); return v; }
bool SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING p, string &v) {
  Call call("SymbolInfoString");
  SymbolState *s = find(name);
  v = string(u"");
  if (!s) return false;
  switch (p) {
    case SYMBOL_CURRENCY_BASE: v = string::from8(s->base); break;
    case SYMBOL_CURRENCY_PROFIT: v = string::from8(s->profit); break;
    case SYMBOL_CURRENCY_MARGIN: v = string::from8(s->margin); break;
    case SYMBOL_DESCRIPTION: v = string::from8(s->desc); break;
    case SYMBOL_PATH: v = string::from8(s->path); break;
    default: break;
  }
  return true;
}
string SymbolInfoString(const string &name, ENUM_SYMBOL_INFO_STRING p) { string v; SymbolInfoString(name, p, v); return v; }
bool SymbolInfoTick(const string &name, MqlTick &t) {
  Call call("SymbolInfoTick");
  SymbolState *s = find(name);
  if (!s) return false;
  if (s->tick_ms == 0 || s->bid <= 0) return fail(ERR_MARKET_LASTTIME_UNKNOWN, false);
  if (!s->selected) return fail(ERR_MARKET_NOT_SELECTED, false);  // prices come only for symbols of the Market Watch
  t = MqlTick{datetime(s->tick_ms / 1000), s->bid, s->ask, s->last, s->volume, s->tick_ms, s->tick_flags, (double)s->volume};
  return true;
}
static bool session(const std::vector<Session> SymbolState::*table, const string &name, int day, uint i, datetime &from, datetime &to) {
  SymbolState *s = find(name);
  if (!s) return false;
  for (auto &x : s->*table)
    if (x.day == day && i-- == 0) { from = datetime(x.from * 60L); to = datetime(x.to * 60L); return true; }
  return false;
}
bool SymbolInfoSessionQuote(const string &name, ENUM_DAY_OF_WEEK day, uint i, datetime &from, datetime &to) { Call call("SymbolInfoSessionQuote"); return session(&SymbolState::quote, name, day, i, from, to); }
bool SymbolInfoSessionTrade(const string &name, ENUM_DAY_OF_WEEK day, uint i, datetime &from, datetime &to) { Call call("SymbolInfoSessionTrade"); return session(&SymbolState::trade, name, day, i, from, to); }

// History that arrives late: nothing at the first question, half at the second, all from the third on.
static double arrived(SymbolState &s, ENUM_TIMEFRAMES tf, bool asked) {
  if (!world.late_history) return 1;
  int &n = s.late[tf];
  if (asked && n < 3) n++;
  return n <= 1 ? 0 : n == 2 ? 0.5 : 1;
}
static int rates(SymbolState *s, ENUM_TIMEFRAMES tf, const std::vector<Bar> &bars, size_t from, size_t to, MqlArr<MqlRates> &r) {
  double part = arrived(*s, tf, true);
  if (part <= 0) return fail(ERR_HISTORY_NOT_FOUND, -1);
  if (to <= from) return fail(ERR_HISTORY_NOT_FOUND, -1);
  size_t n = to - from;
  if (part < 1 && n > 1) { from = to - std::max((size_t)1, (size_t)((double)n * part)); n = to - from; }
  if (r.fixed && r.d.size() < n) n = r.d.size();
  if (!r.fixed) r.d.resize(n);
  for (size_t i = 0; i < n; i++) {
    const Bar &b = bars[from + i];
    MqlRates x{datetime(b.time), b.o, b.h, b.l, b.c, b.tv, b.sp, b.rv};
    r.d[i].v = x;  // always oldest first in memory; the series flag only turns the index
  }
  return (int)n;
}
int CopyRates(const string &name, ENUM_TIMEFRAMES tf, int start, int count, MqlArr<MqlRates> &r) {
  Call call("CopyRates");
  SymbolState *s = find(name);
  if (!s || start < 0 || count <= 0) return -1;
  auto bars = bars_of(*s, tf, (size_t)start + (size_t)count);
  if ((size_t)start >= bars.size()) return fail(ERR_HISTORY_NOT_FOUND, -1);
  return rates(s, tf, bars, 0, bars.size() - (size_t)start, r);
}
int CopyRates(const string &name, ENUM_TIMEFRAMES tf, datetime from, int count, MqlArr<MqlRates> &r) {
  Call call("CopyRates");
  SymbolState *s = find(name);
  if (!s || count <= 0) return -1;
  auto bars = bars_of(*s, tf, SIZE_MAX);
  size_t to = 0;
  while (to < bars.size() && bars[to].time <= from.v) to++;
  return rates(s, tf, bars, to - std::min(to, (size_t)count), to, r);
}
int CopyRates(const string &name, ENUM_TIMEFRAMES tf, datetime from, datetime until, MqlArr<MqlRates> &r) {
  Call call("CopyRates");
  SymbolState *s = find(name);
  if (!s) return -1;
  auto bars = bars_of(*s, tf, SIZE_MAX);
  size_t a = 0, b = 0;
  while (a < bars.size() && bars[a].time < from.v) a++;
  while (b < bars.size() && bars[b].time <= until.v) b++;
  return rates(s, tf, bars, a, b, r);
}
int CopyTicks(const string &name, MqlArr<MqlTick> &t, uint, ulong from_ms, uint count) {
  Call call("CopyTicks");
  SymbolState *s = find(name);
  if (!s) return -1;
  std::vector<MqlTick> some;
  for (auto &x : s->ticks) if (!from_ms || (ulong)x.time_msc >= from_ms) some.push_back(x);
  size_t n = std::min(some.size(), count ? (size_t)count : (size_t)2000), first = from_ms ? 0 : some.size() - n;
  t.d.clear();
  for (size_t i = 0; i < n; i++) t.d.push_back({some[first + i]});
  return (int)n;
}
int Bars(const string &name, ENUM_TIMEFRAMES tf) { Call call("Bars"); SymbolState *s = find(name); return s ? (int)((double)bars_of(*s, tf, SIZE_MAX).size() * arrived(*s, tf, false)) : 0; }
datetime iTime(const string &name, ENUM_TIMEFRAMES tf, int shift) {
  Call call("iTime");
  SymbolState *s = find(name);
  if (!s || shift < 0 || arrived(*s, tf, true) <= 0) return fail(ERR_HISTORY_NOT_FOUND, datetime(0));
  auto bars = bars_of(*s, tf, (size_t)shift + 1);
  return bars.size() == (size_t)shift + 1 ? datetime(bars[0].time) : datetime(0);
}
int iBarShift(const string &name, ENUM_TIMEFRAMES tf, datetime t, bool exact) {
  Call call("iBarShift");
  SymbolState *s = find(name);
  if (!s) return -1;
  auto bars = bars_of(*s, tf, SIZE_MAX);
  for (size_t i = bars.size(); i-- > 0;)
    if (bars[i].time <= t.v) return exact && bars[i].time != t.v ? -1 : (int)(bars.size() - 1 - i);
  return exact ? -1 : (int)bars.size() - 1;
}
bool SeriesInfoInteger(const string &name, ENUM_TIMEFRAMES tf, ENUM_SERIES_INFO_INTEGER p, long &v) {
  Call call("SeriesInfoInteger");
  SymbolState *s = find(name);
  v = 0;
  if (!s) return false;
  double part = arrived(*s, tf, false);
  if (p == SERIES_SYNCHRONIZED) { v = world.connected && part >= 1; return true; }
  if (p == SERIES_LASTBAR_DATE) {
    auto newest = bars_of(*s, tf, 1);
    v = newest.empty() ? 0 : newest[0].time;
    return true;
  }
  auto bars = bars_of(*s, tf, SIZE_MAX);
  if (p == SERIES_BARS_COUNT) v = (long)((double)bars.size() * part);
  else if (!bars.empty()) v = bars.front().time;
  return true;
}
long SeriesInfoInteger(const string &name, ENUM_TIMEFRAMES tf, ENUM_SERIES_INFO_INTEGER p) { long v; SeriesInfoInteger(name, tf, p, v); return v; }

long TerminalInfoInteger(ENUM_TERMINAL_INFO_INTEGER p) {
  Call call("TerminalInfoInteger");
  switch (p) {
    case TERMINAL_BUILD: return 5800;
    case TERMINAL_CONNECTED: return world.connected;
    case TERMINAL_DLLS_ALLOWED: return 0;
    case TERMINAL_TRADE_ALLOWED: return terminal.algo;
    case TERMINAL_PING_LAST: return 23000;
    case TERMINAL_X64: return 1;
    case TERMINAL_MAXBARS: return 100000;
    case TERMINAL_CPU_CORES: return 2;
    default: return 0;
  }
}
double TerminalInfoDouble(ENUM_TERMINAL_INFO_DOUBLE) { return 0; }
string TerminalInfoString(ENUM_TERMINAL_INFO_STRING p) {
  Call call("TerminalInfoString");
  switch (p) {
    case TERMINAL_PATH: return string::from8("C:\\Program Files\\MetaTrader 5");
    case TERMINAL_DATA_PATH: return string::from8(folders.data);
    case TERMINAL_COMMONDATA_PATH: return string::from8(folders.common);
    case TERMINAL_NAME: return string::from8("MetaTrader 5");
    case TERMINAL_COMPANY: return string::from8("MetaQuotes Ltd.");
    default: return string::from8("English");
  }
}
long MQLInfoInteger(ENUM_MQL_INFO_INTEGER p) {
  Call call("MQLInfoInteger");
  return p == MQL_TRADE_ALLOWED ? terminal.expert : p == MQL_PROGRAM_TYPE ? 2 : 0;
}
string MQLInfoString(ENUM_MQL_INFO_STRING p) { return string::from8(p == MQL_PROGRAM_NAME ? "FX-Executor" : "Experts\\FX-Executor.ex5"); }
long AccountInfoInteger(ENUM_ACCOUNT_INFO_INTEGER p) {
  Call call("AccountInfoInteger");
  Account &a = world.account();
  switch (p) {
    case ACCOUNT_LOGIN: return a.login;
    case ACCOUNT_TRADE_MODE: return a.kind;
    case ACCOUNT_LEVERAGE: return a.leverage;
    case ACCOUNT_LIMIT_ORDERS: return a.limit_orders;
    case ACCOUNT_MARGIN_SO_MODE: return a.so_mode;
    case ACCOUNT_TRADE_ALLOWED: return a.trade;
    case ACCOUNT_TRADE_EXPERT: return a.expert;
    case ACCOUNT_MARGIN_MODE: return a.margin_mode;
    case ACCOUNT_CURRENCY_DIGITS: return a.digits;
    case ACCOUNT_FIFO_CLOSE: return a.fifo;
    case ACCOUNT_HEDGE_ALLOWED: return a.hedge;
  }
  return 0;
}
double AccountInfoDouble(ENUM_ACCOUNT_INFO_DOUBLE p) {
  Call call("AccountInfoDouble");
  Account &a = world.account();
  Figures f = figures(a);
  switch (p) {
    case ACCOUNT_BALANCE: return a.balance;
    case ACCOUNT_CREDIT: return a.credit;
    case ACCOUNT_PROFIT: return f.profit;
    case ACCOUNT_EQUITY: return f.equity;
    case ACCOUNT_MARGIN: return f.margin;
    case ACCOUNT_MARGIN_FREE: return f.free;
    case ACCOUNT_MARGIN_LEVEL: return f.level;
    case ACCOUNT_MARGIN_SO_CALL: return a.so_call;
    case ACCOUNT_MARGIN_SO_SO: return a.so_so;
    default: return 0;
  }
}
string AccountInfoString(ENUM_ACCOUNT_INFO_STRING p) {
  Call call("AccountInfoString");
  Account &a = world.account();
  return string::from8(p == ACCOUNT_NAME ? a.name : p == ACCOUNT_SERVER ? a.server : p == ACCOUNT_CURRENCY ? a.ccy : a.company);
}
} // namespace mql
