// Positions, orders and history as the terminal shows them, and OrderSend with everything that can go wrong between the terminal
// and the broker.
#include "terminal.hpp"
#include "world.hpp"
#include <climits>
#include <csignal>
#include <unistd.h>
#include <unordered_map>

namespace mql {
// ---- positions
static Position chosen_position;
static bool position_chosen = false;
static bool choose(const Position *p) {
  position_chosen = p != nullptr;
  if (p) chosen_position = *p;
  return p ? true : fail(ERR_TRADE_POSITION_NOT_FOUND, false);
}
int PositionsTotal() { Call call("PositionsTotal"); return (int)world.view.positions.size(); }
ulong PositionGetTicket(int i) {
  Call call("PositionGetTicket");
  auto &v = world.view.positions;
  return choose(i >= 0 && i < (int)v.size() ? &v[(size_t)i] : nullptr) ? chosen_position.ticket : 0;
}
string PositionGetSymbol(int i) { Call call("PositionGetSymbol"); return PositionGetTicket(i) ? string::from8(chosen_position.sym) : string(u""); }
bool PositionSelectByTicket(ulong ticket) {
  Call call("PositionSelectByTicket");
  for (auto &p : world.view.positions) if (p.ticket == ticket) return choose(&p);
  return choose((const Position *)nullptr);
}
bool PositionSelect(const string &name) {
  Call call("PositionSelect");
  for (auto &p : world.view.positions) if (p.sym == name.to8()) return choose(&p);
  return choose((const Position *)nullptr);
}
static double position_price(const Position &p) { SymbolState *s = world.symbol(p.sym); return !s ? 0 : p.type == POSITION_TYPE_BUY ? s->bid : s->ask; }
long PositionGetInteger(ENUM_POSITION_PROPERTY_INTEGER k) {
  Call call("PositionGetInteger");
  if (!position_chosen) return fail(ERR_TRADE_POSITION_NOT_FOUND, 0L);
  const Position &p = chosen_position;
  switch (k) {
    case POSITION_TICKET: return (long)p.ticket;
    case POSITION_TIME: return p.ms / 1000;
    case POSITION_TIME_MSC: return p.ms;
    case POSITION_TIME_UPDATE: return p.changed_ms / 1000;
    case POSITION_TIME_UPDATE_MSC: return p.changed_ms;
    case POSITION_TYPE: return p.type;
    case POSITION_MAGIC: return p.magic;
    case POSITION_IDENTIFIER: return (long)p.ident;
    case POSITION_REASON: return p.reason;
  }
  return 0;
}
double PositionGetDouble(ENUM_POSITION_PROPERTY_DOUBLE k) {
  Call call("PositionGetDouble");
  if (!position_chosen) return fail(ERR_TRADE_POSITION_NOT_FOUND, 0.0);
  const Position &p = chosen_position;
  SymbolState *s = world.symbol(p.sym);
  switch (k) {
    case POSITION_VOLUME: return p.vol;
    case POSITION_PRICE_OPEN: return p.open;
    case POSITION_SL: return p.sl;
    case POSITION_TP: return p.tp;
    case POSITION_PRICE_CURRENT: return position_price(p);
    case POSITION_SWAP: return p.swap;
    case POSITION_PROFIT: return s ? profit_of(*s, p.type, p.vol, p.open, position_price(p)) : 0;
  }
  return 0;
}
string PositionGetString(ENUM_POSITION_PROPERTY_STRING k) {
  Call call("PositionGetString");
  if (!position_chosen) return fail(ERR_TRADE_POSITION_NOT_FOUND, string(u""));
  return string::from8(k == POSITION_SYMBOL ? chosen_position.sym : k == POSITION_COMMENT ? chosen_position.comment : "");
}

// ---- working orders
static Order chosen_order;
static bool order_chosen = false;
static bool choose(const Order *o) {
  order_chosen = o != nullptr;
  if (o) chosen_order = *o;
  return o ? true : fail(ERR_TRADE_ORDER_NOT_FOUND, false);
}
int OrdersTotal() { Call call("OrdersTotal"); return (int)world.view.orders.size(); }
ulong OrderGetTicket(int i) {
  Call call("OrderGetTicket");
  auto &v = world.view.orders;
  return choose(i >= 0 && i < (int)v.size() ? &v[(size_t)i] : nullptr) ? chosen_order.ticket : 0;
}
bool OrderSelect(ulong ticket) {
  Call call("OrderSelect");
  for (auto &o : world.view.orders) if (o.ticket == ticket) return choose(&o);
  return choose((const Order *)nullptr);
}
static long order_integer(const Order &o, ENUM_ORDER_PROPERTY_INTEGER k) {
  switch (k) {
    case ORDER_TICKET: return (long)o.ticket;
    case ORDER_TIME_SETUP: return o.ms / 1000;
    case ORDER_TIME_SETUP_MSC: return o.ms;
    case ORDER_TYPE: return o.type;
    case ORDER_STATE: return o.state;
    case ORDER_TIME_EXPIRATION: return o.exp;
    case ORDER_TIME_DONE: return o.done_ms / 1000;
    case ORDER_TIME_DONE_MSC: return o.done_ms;
    case ORDER_TYPE_FILLING: return o.fill;
    case ORDER_TYPE_TIME: return o.ttype;
    case ORDER_MAGIC: return o.magic;
    case ORDER_REASON: return o.reason;
    case ORDER_POSITION_ID: return (long)o.pos;
    case ORDER_POSITION_BY_ID: return (long)o.pos_by;
  }
  return 0;
}
static double order_double(const Order &o, ENUM_ORDER_PROPERTY_DOUBLE k) {
  SymbolState *s = world.symbol(o.sym);
  switch (k) {
    case ORDER_VOLUME_INITIAL: return o.vol0;
    case ORDER_VOLUME_CURRENT: return o.vol;
    case ORDER_PRICE_OPEN: return o.price;
    case ORDER_SL: return o.sl;
    case ORDER_TP: return o.tp;
    case ORDER_PRICE_CURRENT: return s ? s->bid : 0;
    case ORDER_PRICE_STOPLIMIT: return o.stoplimit;
  }
  return 0;
}
static string order_string(const Order &o, ENUM_ORDER_PROPERTY_STRING k) { return string::from8(k == ORDER_SYMBOL ? o.sym : k == ORDER_COMMENT ? o.comment : ""); }
long OrderGetInteger(ENUM_ORDER_PROPERTY_INTEGER k) { Call call("OrderGetInteger"); return order_chosen ? order_integer(chosen_order, k) : fail(ERR_TRADE_ORDER_NOT_FOUND, 0L); }
double OrderGetDouble(ENUM_ORDER_PROPERTY_DOUBLE k) { Call call("OrderGetDouble"); return order_chosen ? order_double(chosen_order, k) : fail(ERR_TRADE_ORDER_NOT_FOUND, 0.0); }
string OrderGetString(ENUM_ORDER_PROPERTY_STRING k) { Call call("OrderGetString"); return order_chosen ? order_string(chosen_order, k) : fail(ERR_TRADE_ORDER_NOT_FOUND, string(u"")); }

// ---- history: a selection by time, and single tickets
struct Selection {
  long login = 0;
  std::vector<size_t> orders, deals;
  std::unordered_map<ulong, size_t> order_at, deal_at;  // what Get functions may see
};
static Selection chosen;
static bool shown_now(long seen_from) { return seen_from <= mono_us(); }
static void select_where(const std::function<bool(const Order &)> &order, const std::function<bool(const Deal &)> &deal) {
  Account &a = world.account();
  chosen = Selection{};
  chosen.login = a.login;
  for (size_t i = 0; i < a.history.size(); i++)
    if (shown_now(a.history[i].seen_from) && order(a.history[i])) { chosen.orders.push_back(i); chosen.order_at[a.history[i].ticket] = i; }
  for (size_t i = 0; i < a.deals.size(); i++)
    if (shown_now(a.deals[i].seen_from) && deal(a.deals[i])) { chosen.deals.push_back(i); chosen.deal_at[a.deals[i].ticket] = i; }
}
bool HistorySelect(datetime from, datetime to) {
  Call call("HistorySelect");
  if (!quirks.history) { chosen = Selection{}; return fail(ERR_HISTORY_NOT_FOUND, false); }
  auto within = [&](long ms) { return ms / 1000 >= from.v && ms / 1000 <= to.v; };
  select_where([&](const Order &o) { return within(o.done_ms); }, [&](const Deal &d) { return within(d.ms); });
  return true;
}
bool HistorySelectByPosition(long position_id) {
  Call call("HistorySelectByPosition");
  select_where([&](const Order &o) { return (long)o.pos == position_id || (long)o.ticket == position_id; }, [&](const Deal &d) { return (long)d.pos == position_id; });
  return true;
}
bool HistoryOrderSelect(ulong ticket) {
  Call call("HistoryOrderSelect");
  auto &h = world.account().history;
  for (size_t i = h.size(); i-- > 0;) if (h[i].ticket == ticket && shown_now(h[i].seen_from)) { chosen.order_at[ticket] = i; return true; }
  return fail(ERR_TRADE_ORDER_NOT_FOUND, false);
}
bool HistoryDealSelect(ulong ticket) {
  Call call("HistoryDealSelect");
  auto &d = world.account().deals;
  for (size_t i = d.size(); i-- > 0;) if (d[i].ticket == ticket && shown_now(d[i].seen_from)) { chosen.deal_at[ticket] = i; return true; }
  return fail(ERR_TRADE_DEAL_NOT_FOUND, false);
}
int HistoryOrdersTotal() { Call call("HistoryOrdersTotal"); return (int)chosen.orders.size(); }
int HistoryDealsTotal() { Call call("HistoryDealsTotal"); return (int)chosen.deals.size(); }
ulong HistoryOrderGetTicket(int i) {
  Call call("HistoryOrderGetTicket");
  return i >= 0 && i < (int)chosen.orders.size() ? world.account().history[chosen.orders[(size_t)i]].ticket : fail(ERR_TRADE_ORDER_NOT_FOUND, 0ul);
}
ulong HistoryDealGetTicket(int i) {
  Call call("HistoryDealGetTicket");
  return i >= 0 && i < (int)chosen.deals.size() ? world.account().deals[chosen.deals[(size_t)i]].ticket : fail(ERR_TRADE_DEAL_NOT_FOUND, 0ul);
}
static const Order *history_order(ulong ticket) {
  auto i = chosen.order_at.find(ticket);
  if (i == chosen.order_at.end()) return fail(ERR_TRADE_ORDER_NOT_FOUND, (const Order *)nullptr);
  return &world.account().history[i->second];
}
static const Deal *history_deal(ulong ticket) {
  auto i = chosen.deal_at.find(ticket);
  if (i == chosen.deal_at.end()) return fail(ERR_TRADE_DEAL_NOT_FOUND, (const Deal *)nullptr);
  return &world.account().deals[i->second];
}
long HistoryOrderGetInteger(ulong t, ENUM_ORDER_PROPERTY_INTEGER k) { Call call("HistoryOrderGetInteger"); auto *o = history_order(t); return o ? order_integer(*o, k) : 0; }
double HistoryOrderGetDouble(ulong t, ENUM_ORDER_PROPERTY_DOUBLE k) { Call call("HistoryOrderGetDouble"); auto *o = history_order(t); return o ? order_double(*o, k) : 0; }
string HistoryOrderGetString(ulong t, ENUM_ORDER_PROPERTY_STRING k) { Call call("HistoryOrderGetString"); auto *o = history_order(t); return o ? order_string(*o, k) : string(u""); }
long HistoryDealGetInteger(ulong t, ENUM_DEAL_PROPERTY_INTEGER k) {
  Call call("HistoryDealGetInteger");
  auto *d = history_deal(t);
  if (!d) return 0;
  switch (k) {
    case DEAL_TICKET: return (long)d->ticket;
    case DEAL_ORDER: return (long)d->order;
    case DEAL_TIME: return d->ms / 1000;
    case DEAL_TIME_MSC: return d->ms;
    case DEAL_TYPE: return d->type;
    case DEAL_ENTRY: return d->entry;
    case DEAL_MAGIC: return d->magic;
    case DEAL_REASON: return d->reason;
    case DEAL_POSITION_ID: return (long)d->pos;
  }
  return 0;
}
double HistoryDealGetDouble(ulong t, ENUM_DEAL_PROPERTY_DOUBLE k) {
  Call call("HistoryDealGetDouble");
  auto *d = history_deal(t);
  if (!d) return 0;
  switch (k) {
    case DEAL_VOLUME: return d->vol;
    case DEAL_PRICE: return d->price;
    case DEAL_COMMISSION: return d->commission;
    case DEAL_SWAP: return d->swap;
    case DEAL_PROFIT: return d->profit;
    case DEAL_FEE: return d->fee;
    case DEAL_SL: return d->sl;
    case DEAL_TP: return d->tp;
  }
  return 0;
}
string HistoryDealGetString(ulong t, ENUM_DEAL_PROPERTY_STRING k) {
  Call call("HistoryDealGetString");
  auto *d = history_deal(t);
  return !d ? string(u"") : string::from8(k == DEAL_SYMBOL ? d->sym : k == DEAL_COMMENT ? d->comment : "");
}

// ---- trade requests
bool OrderCalcMargin(ENUM_ORDER_TYPE, const string &name, double volume, double price, double &margin) {
  Call call("OrderCalcMargin");
  SymbolState *s = world.symbol(name.to8());
  margin = 0;
  if (!s || volume <= 0 || price <= 0) return fail(s ? ERR_TRADE_CALC_FAILED : ERR_MARKET_UNKNOWN_SYMBOL, false);
  margin = margin_of(world.account(), *s, volume, price);
  return true;
}
bool OrderCalcProfit(ENUM_ORDER_TYPE type, const string &name, double volume, double open, double close, double &profit) {
  Call call("OrderCalcProfit");
  SymbolState *s = world.symbol(name.to8());
  profit = 0;
  if (!s) return fail(ERR_MARKET_UNKNOWN_SYMBOL, false);
  profit = profit_of(*s, type == ORDER_TYPE_BUY ? 0 : 1, volume, open, close);
  return true;
}
bool OrderCheck(const MqlTradeRequest &q, MqlTradeCheckResult &r) {
  Call call("OrderCheck");
  r = MqlTradeCheckResult{};
  Account &a = world.account();
  Figures f = figures(a);
  SymbolState *s = world.symbol(q.symbol.to8());
  double extra = s && q.action == TRADE_ACTION_DEAL && !q.position ? margin_of(a, *s, q.volume, q.type == ORDER_TYPE_BUY ? s->ask : s->bid) : 0;
  r.balance = a.balance;
  r.equity = f.equity;
  r.profit = f.profit;
  r.margin = f.margin + extra;
  r.margin_free = f.equity - r.margin;
  r.margin_level = r.margin > 0 ? f.equity / r.margin * 100 : 0;
  r.retcode = refuse(a, q);
  // The terminal checks by what it knows: prices move and sessions close on the server.
  if (r.retcode == TRADE_RETCODE_REQUOTE) r.retcode = 0;
  r.comment = string::from8(r.retcode ? "refused" : "Done");
  return r.retcode == 0 || fail(ERR_TRADE_SEND_FAILED, false);
}

static Fault next_fault() {
  if (!world.faults.empty()) {
    Fault f = world.faults.front();
    world.faults.pop_front();
    return f;
  }
  double x = world.chance();
  for (auto &[kind, p] : world.chances.of) {
    if (x < p) {
      static const uint doubtful[] = {TRADE_RETCODE_TIMEOUT, TRADE_RETCODE_CONNECTION, 0, TRADE_RETCODE_ERROR};
      Fault f{kind, 0, 0};
      if (kind == "lost" || kind == "unsent" || kind == "late") f.code = doubtful[world.rng() % 4];
      if (kind == "late") f.amount = 1 + (double)(world.rng() % 400);
      if (kind == "reject") f.code = TRADE_RETCODE_REJECT;
      if (kind == "partial") f.amount = 0.5;
      if (kind == "slip") f.amount = 1 + (double)(world.rng() % 3);
      return f;
    }
    x -= p;
  }
  return {};
}
static void wait_us(long us) { if (us > 0) usleep((useconds_t)us); }
static const char *words_of(uint code) {
  switch (code) {
    case TRADE_RETCODE_DONE: return "Request executed";
    case TRADE_RETCODE_PLACED: return "Request placed";
    case TRADE_RETCODE_DONE_PARTIAL: return "Request executed partially";
    case TRADE_RETCODE_REQUOTE: return "Requote";
    case TRADE_RETCODE_NO_MONEY: return "No money";
    case TRADE_RETCODE_MARKET_CLOSED: return "Market closed";
    default: return "Request not executed";
  }
}
static void kill_self() { raise(SIGKILL); }

bool OrderSend(MqlTradeRequest &q, MqlTradeResult &r) {
  long began = mono_us(), half;
  {
    Call call("OrderSend");
    r = MqlTradeResult{};
    world.sends++;
    if (!terminal.algo || !terminal.expert) { r.retcode = quirks.mute ? 0u : (uint)TRADE_RETCODE_CLIENT_DISABLES_AT; return fail(ERR_TRADE_DISABLED, false); }
    r.request_id = ++world.next_request;
    if (!world.connected) { r.retcode = TRADE_RETCODE_CONNECTION; return fail(ERR_TRADE_SEND_FAILED, false); }
    half = (world.latency_us + (world.latency_jitter_us ? (long)(world.rng() % (ulong)world.latency_jitter_us) : 0)) / 2;
  }
  wait_us(half);
  {
    Call call("OrderSend.broker");  // the request has reached the broker
    Account &a = world.account();
    std::vector<Txn> txns;
    Fault f = next_fault();
    if (f.kind == "kill_before") kill_self();
    if (!world.connected) f = {"unsent", TRADE_RETCODE_CONNECTION, 0};
    uint code = f.kind == "reject" ? f.code : f.kind == "requote" ? TRADE_RETCODE_REQUOTE : f.kind == "changed" ? TRADE_RETCODE_PRICE_CHANGED : 0u;
    if (!code && f.kind != "unsent") code = refuse(a, q);
    SymbolState *s = world.symbol(q.symbol.to8());
    if (s) { r.bid = s->bid; r.ask = s->ask; }
    if (code || f.kind == "unsent") r.retcode = code ? code : f.code;
    else if (f.kind == "late" || f.kind == "placed") {
      execute_later(world.current, q, f.amount);
      r.retcode = f.kind == "placed" ? TRADE_RETCODE_PLACED : f.code;
    } else {
      r.retcode = execute(a, q, r, txns, f.kind == "partial" ? f.amount : 1, f.kind == "slip" ? f.amount : 0);
      if (f.kind == "lost") { uint id = r.request_id; r = MqlTradeResult{}; r.request_id = id; r.retcode = f.code; }
    }
    r.comment = string::from8(words_of(r.retcode));
    Txn x;
    x.t.type = TRADE_TRANSACTION_REQUEST;
    x.t.symbol = q.symbol;
    x.q = q;
    x.r = r;
    if (f.kind != "lost" && f.kind != "unsent") txns.push_back(x);
    post_transactions(txns);
    if (f.kind == "kill_after") kill_self();
  }
  wait_us(half);
  Call call("OrderSend.after");  // the answer has reached the terminal
  if (!world.connected && r.retcode) { uint id = r.request_id; r = MqlTradeResult{}; r.request_id = id; r.retcode = TRADE_RETCODE_CONNECTION; }
  world.send_max_us = std::max(world.send_max_us, mono_us() - began);
  bool taken = r.retcode == TRADE_RETCODE_DONE || r.retcode == TRADE_RETCODE_DONE_PARTIAL || r.retcode == TRADE_RETCODE_PLACED;
  return taken || fail(ERR_TRADE_SEND_FAILED, false);
}
} // namespace mql
