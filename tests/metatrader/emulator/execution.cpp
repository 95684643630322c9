// What happens to an accepted request, and to orders and stops when a price moves. Every change is stored before anybody is told.
#include "world.hpp"
#include <climits>
#include <cmath>

namespace mql {
static double round_vol(double v) { return round(v * 1e8) / 1e8; }
static bool order_is_buy(int t) { return t == ORDER_TYPE_BUY || t == ORDER_TYPE_BUY_LIMIT || t == ORDER_TYPE_BUY_STOP || t == ORDER_TYPE_BUY_STOP_LIMIT; }
static long visible_from() { return world.connected ? mono_us() + world.history_lag_ms * 1000 : LONG_MAX; }

// The terminal's lists follow the broker's, later when a lag is set, and not at all while the broker is away.
void publish() {
  commit();
  if (!world.connected) return;
  if (world.book_lag_ms <= 0) {
    world.view.positions = world.account().positions;
    world.view.orders = world.account().orders;
    return;
  }
  View then{world.account().positions, world.account().orders};
  long login = world.current;
  world.after_ms((double)world.book_lag_ms, [then, login] { if (world.connected && world.current == login) world.view = then; });
}
std::string comment_by_rule(const Account &a, const std::string &comment) {
  string c = string::from8(comment);
  if (a.comment_rule == "drop") return "";
  if (a.comment_rule.rfind("append:", 0) == 0) c += string::from8(a.comment_rule.substr(7));
  return string(c.u.substr(0, 31)).to8();
}
Txn order_txn(const Order &o, ENUM_TRADE_TRANSACTION_TYPE type) {
  Txn x;
  x.t.type = type;
  x.t.order = o.ticket;
  x.t.symbol = string::from8(o.sym);
  x.t.order_type = (ENUM_ORDER_TYPE)o.type;
  x.t.order_state = (ENUM_ORDER_STATE)o.state;
  x.t.time_type = (ENUM_ORDER_TYPE_TIME)o.ttype;
  x.t.time_expiration = datetime(o.exp);
  x.t.price = o.price;
  x.t.price_trigger = o.stoplimit;
  x.t.price_sl = o.sl;
  x.t.price_tp = o.tp;
  x.t.volume = o.vol;
  x.t.position = o.pos;
  x.t.position_by = o.pos_by;
  return x;
}
static Txn deal_txn(const Deal &d) {
  Txn x;
  x.t.type = TRADE_TRANSACTION_DEAL_ADD;
  x.t.deal = d.ticket;
  x.t.order = d.order;
  x.t.symbol = string::from8(d.sym);
  x.t.deal_type = (ENUM_DEAL_TYPE)d.type;
  x.t.order_type = (ENUM_ORDER_TYPE)d.type;
  x.t.price = d.price;
  x.t.price_sl = d.sl;
  x.t.price_tp = d.tp;
  x.t.volume = d.vol;
  x.t.position = d.pos;
  return x;
}
Txn position_txn(const Position &p) {
  Txn x;
  x.t.type = TRADE_TRANSACTION_POSITION;
  x.t.symbol = string::from8(p.sym);
  x.t.price = p.open;
  x.t.price_sl = p.sl;
  x.t.price_tp = p.tp;
  x.t.volume = p.vol;
  x.t.position = p.ticket;
  x.t.deal_type = (ENUM_DEAL_TYPE)p.type;
  return x;
}

static void remove_position(Account &a, ulong ticket) {
  for (size_t i = 0; i < a.positions.size(); i++)
    if (a.positions[i].ticket == ticket) {
      save(a, a.positions[i], true);
      a.positions.erase(a.positions.begin() + (long)i);
      return;
    }
}
static Deal &book_deal(Account &a, Deal d) {
  d.ticket = ++world.next_deal;
  d.ms = world.now_ms();
  d.seen_from = visible_from();
  d.commission = NormalizeDouble(-a.commission * d.vol, 2);
  d.fee = NormalizeDouble(-a.fee * d.vol, 2);
  a.balance = NormalizeDouble(a.balance + d.profit + d.swap + d.commission + d.fee, 2);
  a.deals.push_back(d);
  save(a, d);
  save(a);
  return a.deals.back();
}
void to_history(Account &a, const Order &o, int state, std::vector<Txn> &txns, bool was_working) {
  Order h = o;
  h.state = state;
  h.done_ms = world.now_ms();
  h.seen_from = visible_from();
  if (was_working) {
    txns.push_back(order_txn(h, TRADE_TRANSACTION_ORDER_DELETE));
    for (size_t i = 0; i < a.orders.size(); i++) if (a.orders[i].ticket == o.ticket) { a.orders.erase(a.orders.begin() + (long)i); break; }
  }
  a.history.push_back(h);
  save(a, h, false);
  txns.push_back(order_txn(h, TRADE_TRANSACTION_HISTORY_ADD));
}

static Position open_position(const Order &o, double vol, double price) {
  Position p;
  p.ticket = p.ident = o.ticket;
  p.sym = o.sym;
  p.type = order_is_buy(o.type) ? POSITION_TYPE_BUY : POSITION_TYPE_SELL;
  p.vol = vol;
  p.open = price;
  p.sl = o.sl;
  p.tp = o.tp;
  p.magic = o.magic;
  p.comment = o.comment;
  p.ms = p.changed_ms = world.now_ms();
  p.reason = o.reason > POSITION_REASON_EXPERT ? POSITION_REASON_CLIENT : o.reason;
  return p;
}
// One fill of `o`: its deal, and what it does to the positions of the account.
static Deal fill(Account &a, Order &o, double vol, double price, std::vector<Txn> &txns) {
  SymbolState &s = *world.symbol(o.sym);
  bool buy = order_is_buy(o.type);
  Deal d;
  d.order = o.ticket;
  d.sym = o.sym;
  d.type = buy ? DEAL_TYPE_BUY : DEAL_TYPE_SELL;
  d.vol = vol;
  d.price = price;
  d.magic = o.magic;
  d.comment = o.comment;
  d.reason = o.reason;
  d.sl = o.sl;
  d.tp = o.tp;
  Position *p = nullptr;
  if (a.netting()) { for (auto &x : a.positions) if (x.sym == o.sym) p = &x; }
  else if (o.pos) p = a.position(o.pos);
  else for (auto &x : a.positions) if (x.ticket == o.ticket) p = &x;  // a later fill of the same order
  o.vol = round_vol(o.vol - vol);
  if (!p) {
    Position fresh = open_position(o, vol, price);
    d.pos = fresh.ident;
    d.entry = DEAL_ENTRY_IN;
    a.positions.push_back(fresh);
    save(a, fresh);
  } else if ((p->type == POSITION_TYPE_BUY) == buy) {
    p->open = s.norm((p->open * p->vol + price * vol) / (p->vol + vol));
    p->vol = round_vol(p->vol + vol);
    if (o.sl) p->sl = o.sl;
    if (o.tp) p->tp = o.tp;
    p->changed_ms = world.now_ms();
    d.pos = p->ident;
    d.entry = DEAL_ENTRY_IN;
    save(a, *p);
  } else {
    double closed = std::min(vol, p->vol);
    d.pos = p->ident;
    d.profit = profit_of(s, p->type, closed, p->open, price);
    d.swap = NormalizeDouble(p->swap * closed / p->vol, 2);
    p->swap -= d.swap;
    p->changed_ms = world.now_ms();
    if (vol > p->vol + 1e-9) {  // netting: the position turns; its ticket is the turning order's, its identifier stays
      d.entry = DEAL_ENTRY_INOUT;
      Position turned = open_position(o, round_vol(vol - p->vol), price);
      turned.ident = p->ident;
      remove_position(a, p->ticket);
      a.positions.push_back(turned);
      save(a, turned);
    } else {
      d.entry = DEAL_ENTRY_OUT;
      p->vol = round_vol(p->vol - closed);
      if (p->vol < 1e-9) remove_position(a, p->ticket);
      else save(a, *p);
    }
  }
  Deal &booked = book_deal(a, d);
  txns.push_back(deal_txn(booked));
  return booked;
}

static Order order_of(Account &a, const MqlTradeRequest &q, int reason) {
  Order o;
  o.ticket = ++world.next_ticket;
  o.sym = q.symbol.to8();
  o.type = q.type;
  o.vol0 = o.vol = round_vol(q.volume);
  SymbolState &s = *world.symbol(o.sym);
  o.price = q.action == TRADE_ACTION_PENDING ? s.norm(q.price) : (q.type == ORDER_TYPE_BUY ? s.ask : s.bid);
  o.stoplimit = s.norm(q.stoplimit);
  o.sl = s.norm(q.sl);
  o.tp = s.norm(q.tp);
  o.fill = q.type_filling;
  o.ttype = q.type_time;
  o.exp = q.expiration.v;
  o.magic = (long)q.magic;
  o.comment = comment_by_rule(a, q.comment.to8());
  o.pos = q.position;
  o.pos_by = q.position_by;
  o.ms = world.now_ms();
  o.reason = reason;
  return o;
}
static uint deal(Account &a, const MqlTradeRequest &q, MqlTradeResult &r, std::vector<Txn> &txns, double ratio, double slip) {
  SymbolState &s = *world.symbol(q.symbol.to8());
  Order o = order_of(a, q, ORDER_REASON_EXPERT);
  if (a.netting()) { o.pos = 0; for (auto &p : a.positions) if (p.sym == o.sym) o.pos = p.ident; }
  bool buy = q.type == ORDER_TYPE_BUY;
  double price = s.norm((buy ? s.ask : s.bid) + (buy ? slip : -slip) * s.point());
  double can = s.liquidity < 0 ? o.vol : std::min(o.vol, s.liquidity);
  if (ratio < 1) can = std::min(can, floor(o.vol * ratio / s.vstep + 1e-9) * s.vstep);
  can = round_vol(can);
  r.order = o.ticket;
  r.bid = s.bid;
  r.ask = s.ask;
  txns.push_back(order_txn(o, TRADE_TRANSACTION_ORDER_ADD));
  if (can < 1e-9 || (q.type_filling == ORDER_FILLING_FOK && can < o.vol - 1e-9)) {
    to_history(a, o, ORDER_STATE_CANCELED, txns, true);
    return TRADE_RETCODE_REJECT;
  }
  if (s.liquidity >= 0) s.liquidity = round_vol(s.liquidity - can);
  ulong pos = o.pos;
  Deal d = fill(a, o, can, price, txns);
  if (!pos) o.pos = d.pos;
  r.deal = d.ticket;
  r.volume = can;
  r.price = price;
  if (o.vol < 1e-9) {
    to_history(a, o, ORDER_STATE_FILLED, txns, true);
    return TRADE_RETCODE_DONE;
  }
  if (q.type_filling == ORDER_FILLING_RETURN) {
    o.state = ORDER_STATE_PARTIAL;
    a.orders.push_back(o);
    save(a, o, true);
    txns.push_back(order_txn(o, TRADE_TRANSACTION_ORDER_UPDATE));
  } else to_history(a, o, ORDER_STATE_CANCELED, txns, true);
  return TRADE_RETCODE_DONE_PARTIAL;
}
static uint close_by(Account &a, const MqlTradeRequest &q, MqlTradeResult &r, std::vector<Txn> &txns) {
  Position p = *a.position(q.position), by = *a.position(q.position_by);
  SymbolState &s = *world.symbol(p.sym);
  MqlTradeRequest as = q;
  as.type = ORDER_TYPE_CLOSE_BY;
  as.symbol = string::from8(p.sym);
  as.volume = std::min(p.vol, by.vol);
  Order o = order_of(a, as, ORDER_REASON_EXPERT);
  o.vol = 0;
  r.order = o.ticket;
  r.volume = as.volume;
  txns.push_back(order_txn(o, TRADE_TRANSACTION_ORDER_ADD));
  for (const Position *one : {&p, &by}) {
    Deal d;
    d.order = o.ticket;
    d.sym = o.sym;
    d.type = one->type == POSITION_TYPE_BUY ? DEAL_TYPE_SELL : DEAL_TYPE_BUY;
    d.entry = DEAL_ENTRY_OUT_BY;
    d.vol = as.volume;
    d.price = one == &p ? by.open : p.open;
    d.profit = one == &p ? profit_of(s, p.type, as.volume, p.open, by.open) : 0;
    d.pos = one->ident;
    d.magic = o.magic;
    d.comment = o.comment;
    Deal &booked = book_deal(a, d);
    if (!r.deal) r.deal = booked.ticket;
    r.price = d.price;
    txns.push_back(deal_txn(booked));
    Position *live = a.position(one->ticket);
    live->vol = round_vol(live->vol - as.volume);
    if (live->vol < 1e-9) remove_position(a, one->ticket);
    else save(a, *live);
  }
  to_history(a, o, ORDER_STATE_FILLED, txns, true);
  return TRADE_RETCODE_DONE;
}

// Carries out what `refuse` let pass. `fill_ratio` and `slip` (points against the trader) come from tests.
uint execute(Account &a, const MqlTradeRequest &q, MqlTradeResult &r, std::vector<Txn> &txns, double fill_ratio, double slip) {
  uint code = TRADE_RETCODE_DONE;
  if (SymbolState *s = world.symbol(q.symbol.to8())) { r.bid = s->bid; r.ask = s->ask; }
  switch (q.action) {
    case TRADE_ACTION_DEAL: code = deal(a, q, r, txns, fill_ratio, slip); break;
    case TRADE_ACTION_CLOSE_BY: code = close_by(a, q, r, txns); break;
    case TRADE_ACTION_PENDING: {
      Order o = order_of(a, q, ORDER_REASON_EXPERT);
      a.orders.push_back(o);
      save(a, o, true);
      r.order = o.ticket;
      r.volume = o.vol0;
      r.price = o.price;
      txns.push_back(order_txn(o, TRADE_TRANSACTION_ORDER_ADD));
      break;
    }
    case TRADE_ACTION_SLTP: {
      Position *p = q.position ? a.position(q.position) : nullptr;
      if (!p) for (auto &x : a.positions) if (x.sym == q.symbol.to8()) p = &x;
      SymbolState &s = *world.symbol(p->sym);
      p->sl = s.norm(q.sl);
      p->tp = s.norm(q.tp);
      p->changed_ms = world.now_ms();
      save(a, *p);
      txns.push_back(position_txn(*p));
      break;
    }
    case TRADE_ACTION_MODIFY: {
      Order *o = a.order(q.order);
      SymbolState &s = *world.symbol(o->sym);
      o->price = s.norm(q.price);
      o->stoplimit = s.norm(q.stoplimit);
      o->sl = s.norm(q.sl);
      o->tp = s.norm(q.tp);
      o->ttype = q.type_time;
      o->exp = q.expiration.v;
      save(a, *o, true);
      r.order = o->ticket;
      txns.push_back(order_txn(*o, TRADE_TRANSACTION_ORDER_UPDATE));
      break;
    }
    case TRADE_ACTION_REMOVE: {
      Order o = *a.order(q.order);
      r.order = o.ticket;
      to_history(a, o, ORDER_STATE_CANCELED, txns, true);
      break;
    }
  }
  publish();
  return code;
}

void fill_rest(Account &a, Order &working, double vol) {
  std::vector<Txn> txns;
  Order o = working;
  SymbolState &s = *world.symbol(o.sym);
  o.reason = working.reason;
  fill(a, o, std::min(vol, o.vol), order_is_buy(o.type) ? s.ask : s.bid, txns);
  if (o.vol < 1e-9) to_history(a, o, ORDER_STATE_FILLED, txns, true);
  else {
    o.state = ORDER_STATE_PARTIAL;
    if (Order *again = a.order(o.ticket)) *again = o;
    save(a, o, true);
    txns.push_back(order_txn(o, TRADE_TRANSACTION_ORDER_UPDATE));
  }
  publish();
  post_transactions(txns);
}

static long machine_ms() { return world.now_ms() - world.shift_ms - world.offset_s * 1000; }
static void schedule(ulong id) {
  world.after_ms((double)std::max(0L, late_requests[id].due_ms - machine_ms()), [id] {
    Late late = late_requests[id];
    late_requests.erase(id);
    save(id, late, true);
    Account &a = world.accounts[late.login];
    std::vector<Txn> txns;
    MqlTradeResult r{};
    if (refuse(a, late.q) == 0) execute(a, late.q, r, txns);
    else commit();
    post_transactions(txns);
  });
}
void execute_later(long login, const MqlTradeRequest &q, double ms) {
  ulong id = ++world.next_deal;
  late_requests[id] = Late{login, machine_ms() + (long)ms, q};
  save(id, late_requests[id], false);
  commit();
  schedule(id);
}
void resume_late() {
  for (auto &[id, _] : late_requests) schedule(id);
}

void close_at(Account &a, const Position &p, double price, int reason, const std::string &comment) {
  std::vector<Txn> txns;
  Order o;
  o.ticket = ++world.next_ticket;
  o.sym = p.sym;
  o.type = p.type == POSITION_TYPE_BUY ? ORDER_TYPE_SELL : ORDER_TYPE_BUY;
  o.vol0 = o.vol = p.vol;
  o.price = price;
  o.magic = p.magic;
  o.pos = p.ticket;
  o.comment = comment;
  o.ms = world.now_ms();
  o.reason = reason;
  txns.push_back(order_txn(o, TRADE_TRANSACTION_ORDER_ADD));
  ulong ident = p.ident;
  fill(a, o, p.vol, price, txns);
  o.pos = ident;
  to_history(a, o, ORDER_STATE_FILLED, txns, true);
  publish();
  post_transactions(txns);
}
static std::string level(const char *name, double price, int digits) { char b[64]; snprintf(b, sizeof b, "[%s %.*f]", name, digits, price); return b; }

static bool reached(const SymbolState &s, const Order &o) {
  switch (o.type) {
    case ORDER_TYPE_BUY_LIMIT: return s.ask <= o.price;
    case ORDER_TYPE_SELL_LIMIT: return s.bid >= o.price;
    case ORDER_TYPE_BUY_STOP: return s.ask >= o.price;
    case ORDER_TYPE_SELL_STOP: return s.bid <= o.price;
    case ORDER_TYPE_BUY_STOP_LIMIT: return o.activated ? s.ask <= o.stoplimit : s.ask >= o.price;
    case ORDER_TYPE_SELL_STOP_LIMIT: return o.activated ? s.bid >= o.stoplimit : s.bid <= o.price;
    default: return false;
  }
}
static void orders_on_price(Account &a, SymbolState &s) {
  std::vector<ulong> due;
  for (auto &o : a.orders) if (o.sym == s.name) due.push_back(o.ticket);
  for (ulong ticket : due) {
    Order *o = a.order(ticket);
    if (!o) continue;
    std::vector<Txn> txns;
    bool expired = (o->ttype == ORDER_TIME_SPECIFIED || o->ttype == ORDER_TIME_SPECIFIED_DAY) ? o->exp * 1000 <= world.now_ms()
                 : o->ttype == ORDER_TIME_DAY ? o->ms / 86400000 != world.now_ms() / 86400000 : false;
    if (expired) {
      Order gone = *o;
      to_history(a, gone, ORDER_STATE_EXPIRED, txns, true);
    } else if (reached(s, *o) && in_session(s.trade, world.now_ms())) {
      bool waits = (o->type == ORDER_TYPE_BUY_STOP_LIMIT || o->type == ORDER_TYPE_SELL_STOP_LIMIT) && !o->activated;
      if (waits) {
        o->activated = true;
        save(a, *o, true);
        txns.push_back(order_txn(*o, TRADE_TRANSACTION_ORDER_UPDATE));
      } else { fill_rest(a, *o, o->vol); continue; }
    } else continue;
    publish();
    post_transactions(txns);
  }
}
void price_moved(SymbolState &s) {
  for (auto &[login, a] : world.accounts) {
    if (!a.orders.empty()) orders_on_price(a, s);
    std::vector<Position> mine;
    for (auto &p : a.positions) if (p.sym == s.name && (p.sl || p.tp)) mine.push_back(p);
    for (auto &p : mine) {
      bool buy = p.type == POSITION_TYPE_BUY;
      double now = buy ? s.bid : s.ask;
      if (p.sl && (buy ? now <= p.sl : now >= p.sl)) close_at(a, p, now, DEAL_REASON_SL, level("sl", p.sl, s.digits));
      else if (p.tp && (buy ? now >= p.tp : now <= p.tp)) close_at(a, p, p.tp, DEAL_REASON_TP, level("tp", p.tp, s.digits));
    }
    if (a.positions.empty()) continue;
    for (Figures f = figures(a); f.margin > 0 && f.level < a.so_so && !a.positions.empty(); f = figures(a)) {
      Position worst = a.positions[0];
      double least = 0;
      for (auto &p : a.positions)
        if (auto *x = world.symbol(p.sym)) {
          double profit = profit_of(*x, p.type, p.vol, p.open, p.type == POSITION_TYPE_BUY ? x->bid : x->ask);
          if (profit < least) { least = profit; worst = p; }
        }
      SymbolState *x = world.symbol(worst.sym);
      close_at(a, worst, worst.type == POSITION_TYPE_BUY ? x->bid : x->ask, DEAL_REASON_SO, "[so]");
    }
  }
}
} // namespace mql
