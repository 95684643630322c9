// What the broker accepts: the checks of a trade request in the order of a trade server, each with its return code.
#include "world.hpp"
#include <cmath>

namespace mql {
Position *Account::position(ulong ticket) {
  for (auto &p : positions) if (p.ticket == ticket) return &p;
  return nullptr;
}
Order *Account::order(ulong ticket) {
  for (auto &o : orders) if (o.ticket == ticket) return &o;
  return nullptr;
}
double profit_of(const SymbolState &s, int type, double vol, double open, double close) {
  double p = (type == POSITION_TYPE_BUY ? close - open : open - close) * vol * s.contract * s.rate;
  return NormalizeDouble(p, 2);
}
double margin_of(const Account &a, const SymbolState &s, double vol, double price) {
  double value = vol * s.contract * (s.base == a.ccy ? 1 : price * s.rate);
  return NormalizeDouble(value * s.margin_rate / std::max(a.leverage, 1), 2);
}
Figures figures(Account &a) {
  Figures f{};
  for (auto &p : a.positions)
    if (auto *s = world.symbol(p.sym)) {
      f.profit += profit_of(*s, p.type, p.vol, p.open, p.type == POSITION_TYPE_BUY ? s->bid : s->ask) + p.swap;
      f.margin += margin_of(a, *s, p.vol, p.open);
    }
  f.equity = a.balance + a.credit + f.profit;
  f.free = f.equity - f.margin;
  f.level = f.margin > 0 ? f.equity / f.margin * 100 : 0;
  return f;
}

static bool multiple(double v, double step) { return step <= 0 || fabs(v / step - round(v / step)) < 1e-6; }
static bool is_buy(int type) { return type == ORDER_TYPE_BUY || type == ORDER_TYPE_BUY_LIMIT || type == ORDER_TYPE_BUY_STOP || type == ORDER_TYPE_BUY_STOP_LIMIT; }

// Stops against the price they start from: the price on which a position of that side would be closed.
static bool stops_valid(const SymbolState &s, bool buy, double from, double sl, double tp) {
  double gap = s.stops * s.point() - s.point() / 2;
  if ((sl && !multiple(sl, s.tick_size)) || (tp && !multiple(tp, s.tick_size))) return false;
  if (sl && (buy ? from - sl < std::max(gap, s.point() / 2) : sl - from < std::max(gap, s.point() / 2))) return false;
  if (tp && (buy ? tp - from < std::max(gap, s.point() / 2) : from - tp < std::max(gap, s.point() / 2))) return false;
  if ((sl && !(s.orders & SYMBOL_ORDER_SL)) || (tp && !(s.orders & SYMBOL_ORDER_TP))) return false;
  return true;
}
static bool frozen(const SymbolState &s, double price, double level) {
  return s.freeze > 0 && level > 0 && fabs(price - level) <= s.freeze * s.point() + s.point() / 2;
}
static bool position_frozen(const SymbolState &s, const Position &p) {
  double now = p.type == POSITION_TYPE_BUY ? s.bid : s.ask;
  return frozen(s, now, p.sl) || frozen(s, now, p.tp);
}
static bool order_frozen(const SymbolState &s, const Order &o) { return frozen(s, is_buy(o.type) ? s.ask : s.bid, o.price); }

static uint refuse_volume(const SymbolState &s, double v) {
  if (v < s.vmin - 1e-9 || v > s.vmax + 1e-9 || !multiple(v, s.vstep)) return TRADE_RETCODE_INVALID_VOLUME;
  return 0;
}
static uint refuse_filling(const SymbolState &s, const MqlTradeRequest &q) {
  bool market = q.action == TRADE_ACTION_DEAL;
  if (market && s.takes >= 0) return s.takes & 1 << q.type_filling ? 0u : TRADE_RETCODE_INVALID_FILL;
  switch (q.type_filling) {
    case ORDER_FILLING_RETURN: return market && s.exe == SYMBOL_TRADE_EXECUTION_MARKET ? TRADE_RETCODE_INVALID_FILL : 0u;
    case ORDER_FILLING_BOC: {
      bool limit = q.type == ORDER_TYPE_BUY_LIMIT || q.type == ORDER_TYPE_SELL_LIMIT || q.type == ORDER_TYPE_BUY_STOP_LIMIT || q.type == ORDER_TYPE_SELL_STOP_LIMIT;
      return limit && s.fill & SYMBOL_FILLING_BOC ? 0u : TRADE_RETCODE_INVALID_FILL;
    }
    case ORDER_FILLING_FOK:
    case ORDER_FILLING_IOC: {
      if (s.exe == SYMBOL_TRADE_EXECUTION_REQUEST || s.exe == SYMBOL_TRADE_EXECUTION_INSTANT) return 0;
      int needed = q.type_filling == ORDER_FILLING_FOK ? SYMBOL_FILLING_FOK : SYMBOL_FILLING_IOC;
      return s.fill & needed ? 0u : TRADE_RETCODE_INVALID_FILL;
    }
  }
  return TRADE_RETCODE_INVALID_FILL;
}
static uint refuse_direction(const SymbolState &s, bool buy, bool closing) {
  if (s.mode == SYMBOL_TRADE_MODE_DISABLED) return TRADE_RETCODE_TRADE_DISABLED;
  if (closing) return 0;
  if (s.mode == SYMBOL_TRADE_MODE_CLOSEONLY) return TRADE_RETCODE_CLOSE_ONLY;
  if (s.mode == SYMBOL_TRADE_MODE_LONGONLY && !buy) return TRADE_RETCODE_LONG_ONLY;
  if (s.mode == SYMBOL_TRADE_MODE_SHORTONLY && buy) return TRADE_RETCODE_SHORT_ONLY;
  return 0;
}
static double volume_in_use(const Account &a, const std::string &sym, bool buy) {
  double v = 0;
  for (auto &p : a.positions) if (p.sym == sym && (p.type == POSITION_TYPE_BUY) == buy) v += p.vol;
  for (auto &o : a.orders) if (o.sym == sym && is_buy(o.type) == buy) v += o.vol;
  return v;
}

static uint refuse_deal(Account &a, const SymbolState &s, const MqlTradeRequest &q) {
  if (q.type != ORDER_TYPE_BUY && q.type != ORDER_TYPE_SELL) return TRADE_RETCODE_INVALID_ORDER;
  bool buy = q.type == ORDER_TYPE_BUY;
  Position *closing = nullptr;
  if (a.netting()) {
    for (auto &p : a.positions) if (p.sym == s.name && (p.type == POSITION_TYPE_BUY) != buy) closing = &p;
  } else if (q.position) {
    closing = a.position(q.position);
    if (!closing) return TRADE_RETCODE_POSITION_CLOSED;
    if (closing->sym != s.name || (closing->type == POSITION_TYPE_BUY) == buy) return TRADE_RETCODE_INVALID;
    if (q.volume > closing->vol + 1e-9) return TRADE_RETCODE_INVALID_CLOSE_VOLUME;
    if (a.fifo)
      for (auto &p : a.positions)
        if (p.sym == s.name && p.type == closing->type && p.ident < closing->ident) return TRADE_RETCODE_FIFO_CLOSE;
  } else if (!a.hedge) {
    for (auto &p : a.positions) if (p.sym == s.name && (p.type == POSITION_TYPE_BUY) != buy) return TRADE_RETCODE_HEDGE_PROHIBITED;
  }
  bool only_closes = closing && q.volume <= closing->vol + 1e-9;
  if (uint code = refuse_direction(s, buy, only_closes)) return code;
  if (!in_session(s.trade, world.now_ms())) return TRADE_RETCODE_MARKET_CLOSED;
  if (!(s.orders & SYMBOL_ORDER_MARKET)) return TRADE_RETCODE_INVALID_ORDER;
  bool whole = closing && fabs(q.volume - closing->vol) < 1e-9;
  if (!whole) if (uint code = refuse_volume(s, q.volume)) return code;
  if (uint code = refuse_filling(s, q)) return code;
  double now = buy ? s.ask : s.bid;
  if (now <= 0) return TRADE_RETCODE_PRICE_OFF;
  if (s.exe == SYMBOL_TRADE_EXECUTION_INSTANT || s.exe == SYMBOL_TRADE_EXECUTION_REQUEST) {
    if (q.price <= 0 || !multiple(q.price, s.tick_size)) return TRADE_RETCODE_INVALID_PRICE;
    if (fabs(q.price - now) > (double)q.deviation * s.point() + s.point() / 2) return TRADE_RETCODE_REQUOTE;
  }
  if (only_closes && position_frozen(s, *closing)) return TRADE_RETCODE_FROZEN;
  if (!only_closes) {
    if (!stops_valid(s, buy, buy ? s.bid : s.ask, q.sl, q.tp)) return TRADE_RETCODE_INVALID_STOPS;
    if (s.vlimit > 0 && volume_in_use(a, s.name, buy) + q.volume > s.vlimit + 1e-9) return TRADE_RETCODE_LIMIT_VOLUME;
    double extra = q.volume - (closing ? closing->vol : 0);
    if (margin_of(a, s, extra, now) > figures(a).free) return TRADE_RETCODE_NO_MONEY;
  }
  return 0;
}

// Where a pending order may stand, seen from the current price.
static bool pending_price_valid(const SymbolState &s, int type, double price, double stoplimit) {
  double gap = s.stops * s.point() - s.point() / 2;
  if (price <= 0 || !multiple(price, s.tick_size)) return false;
  switch (type) {
    case ORDER_TYPE_BUY_LIMIT: return s.ask - price >= gap;
    case ORDER_TYPE_SELL_LIMIT: return price - s.bid >= gap;
    case ORDER_TYPE_BUY_STOP: return price - s.ask >= gap;
    case ORDER_TYPE_SELL_STOP: return s.bid - price >= gap;
    case ORDER_TYPE_BUY_STOP_LIMIT: return price - s.ask >= gap && stoplimit > 0 && stoplimit <= price && multiple(stoplimit, s.tick_size);
    case ORDER_TYPE_SELL_STOP_LIMIT: return s.bid - price >= gap && stoplimit >= price && multiple(stoplimit, s.tick_size);
    default: return false;
  }
}
static uint refuse_expiration(const SymbolState &s, int time_type, long expiration) {
  if (!(s.exp & (1 << time_type))) return TRADE_RETCODE_INVALID_EXPIRATION;
  if ((time_type == ORDER_TIME_SPECIFIED || time_type == ORDER_TIME_SPECIFIED_DAY) && expiration * 1000 <= world.now_ms()) return TRADE_RETCODE_INVALID_EXPIRATION;
  return 0;
}
static uint refuse_pending(Account &a, const SymbolState &s, const MqlTradeRequest &q) {
  bool buy = is_buy(q.type);
  if (q.type <= ORDER_TYPE_SELL || q.type > ORDER_TYPE_SELL_STOP_LIMIT) return TRADE_RETCODE_INVALID_ORDER;
  int kind = q.type <= ORDER_TYPE_SELL_LIMIT ? SYMBOL_ORDER_LIMIT : q.type <= ORDER_TYPE_SELL_STOP ? SYMBOL_ORDER_STOP : SYMBOL_ORDER_STOP_LIMIT;
  if (!(s.orders & kind)) return TRADE_RETCODE_INVALID_ORDER;
  if (uint code = refuse_direction(s, buy, false)) return code;
  if (!in_session(s.trade, world.now_ms())) return TRADE_RETCODE_MARKET_CLOSED;
  if (uint code = refuse_volume(s, q.volume)) return code;
  if (uint code = refuse_filling(s, q)) return code;
  if (!pending_price_valid(s, q.type, q.price, q.stoplimit)) return TRADE_RETCODE_INVALID_PRICE;
  if (!stops_valid(s, buy, q.stoplimit > 0 ? q.stoplimit : q.price, q.sl, q.tp)) return TRADE_RETCODE_INVALID_STOPS;
  if (uint code = refuse_expiration(s, q.type_time, q.expiration.v)) return code;
  if (a.limit_orders > 0 && (int)a.orders.size() >= a.limit_orders) return TRADE_RETCODE_LIMIT_ORDERS;
  if (s.vlimit > 0 && volume_in_use(a, s.name, buy) + q.volume > s.vlimit + 1e-9) return TRADE_RETCODE_LIMIT_VOLUME;
  return 0;
}
static uint refuse_sltp(Account &a, const MqlTradeRequest &q) {
  Position *p = nullptr;
  if (q.position) p = a.position(q.position);
  else if (a.netting()) { for (auto &x : a.positions) if (x.sym == q.symbol.to8()) p = &x; }
  if (!p) return TRADE_RETCODE_POSITION_CLOSED;
  SymbolState *s = world.symbol(p->sym);
  if (!s || p->sym != q.symbol.to8()) return TRADE_RETCODE_INVALID;
  if (s->mode == SYMBOL_TRADE_MODE_DISABLED) return TRADE_RETCODE_TRADE_DISABLED;
  if (!in_session(s->trade, world.now_ms())) return TRADE_RETCODE_MARKET_CLOSED;
  if (s->norm(q.sl) == p->sl && s->norm(q.tp) == p->tp) return TRADE_RETCODE_NO_CHANGES;
  if (position_frozen(*s, *p)) return TRADE_RETCODE_FROZEN;
  bool buy = p->type == POSITION_TYPE_BUY;
  return stops_valid(*s, buy, buy ? s->bid : s->ask, q.sl, q.tp) ? 0u : TRADE_RETCODE_INVALID_STOPS;
}
static uint refuse_order_change(Account &a, const MqlTradeRequest &q) {
  Order *o = a.order(q.order);
  if (!o) return TRADE_RETCODE_INVALID_ORDER;
  SymbolState *s = world.symbol(o->sym);
  if (!s) return TRADE_RETCODE_INVALID;
  if (!in_session(s->trade, world.now_ms())) return TRADE_RETCODE_MARKET_CLOSED;
  if (order_frozen(*s, *o)) return TRADE_RETCODE_FROZEN;
  if (q.action == TRADE_ACTION_REMOVE) return 0;
  if (s->norm(q.price) == o->price && s->norm(q.sl) == o->sl && s->norm(q.tp) == o->tp && s->norm(q.stoplimit) == o->stoplimit &&
      q.type_time == o->ttype && (q.type_time == ORDER_TIME_GTC || q.expiration.v == o->exp))
    return TRADE_RETCODE_NO_CHANGES;
  if (!pending_price_valid(*s, o->type, q.price, q.stoplimit)) return TRADE_RETCODE_INVALID_PRICE;
  if (!stops_valid(*s, is_buy(o->type), q.stoplimit > 0 ? q.stoplimit : q.price, q.sl, q.tp)) return TRADE_RETCODE_INVALID_STOPS;
  return refuse_expiration(*s, q.type_time, q.expiration.v);
}
static uint refuse_close_by(Account &a, const MqlTradeRequest &q) {
  if (a.netting()) return TRADE_RETCODE_INVALID;
  Position *p = a.position(q.position), *by = a.position(q.position_by);
  if (!p || !by) return TRADE_RETCODE_POSITION_CLOSED;
  if (p->sym != by->sym || p->type == by->type) return TRADE_RETCODE_INVALID;
  SymbolState *s = world.symbol(p->sym);
  if (!s || !(s->orders & SYMBOL_ORDER_CLOSEBY)) return TRADE_RETCODE_INVALID_ORDER;
  return in_session(s->trade, world.now_ms()) ? 0u : TRADE_RETCODE_MARKET_CLOSED;
}

uint refuse(Account &a, const MqlTradeRequest &q) {
  if (!a.trade) return TRADE_RETCODE_TRADE_DISABLED;
  if (!a.expert) return TRADE_RETCODE_SERVER_DISABLES_AT;
  SymbolState *s = world.symbol(q.symbol.to8());
  switch (q.action) {
    case TRADE_ACTION_DEAL: return s ? refuse_deal(a, *s, q) : TRADE_RETCODE_INVALID;
    case TRADE_ACTION_PENDING: return s ? refuse_pending(a, *s, q) : TRADE_RETCODE_INVALID;
    case TRADE_ACTION_SLTP: return refuse_sltp(a, q);
    case TRADE_ACTION_MODIFY:
    case TRADE_ACTION_REMOVE: return refuse_order_change(a, q);
    case TRADE_ACTION_CLOSE_BY: return refuse_close_by(a, q);
  }
  return TRADE_RETCODE_INVALID;
}
} // namespace mql
