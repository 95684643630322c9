// What others do on the account: the trader, another program, the broker's desk. It goes around the checks of an Expert Advisor's requests.
#include "world.hpp"

namespace mql {
static double number(const std::string &s) { return strtod(s.c_str(), nullptr); }
static std::string value(const std::vector<std::string> &words, const std::string &key, const std::string &otherwise = "0") {
  for (auto &w : words) if (w.rfind(key + "=", 0) == 0) return w.substr(key.size() + 1);
  return otherwise;
}
// What somebody else does on the same account: the trader's own hand, another program, the broker's desk.
//   by_hand buy|sell|buy_limit.. SYM VOL [price= sl= tp= magic= comment= fill=ioc|return]   close TICKET [vol=]   sltp TICKET sl= tp=   cancel TICKET
//           swap TICKET MONEY   reopen TICKET   fill TICKET VOL
bool by_hand(const std::vector<std::string> &w, std::string &answer) {
  static const char *TYPES[] = {"buy", "sell", "buy_limit", "sell_limit", "buy_stop", "sell_stop", "buy_stop_limit", "sell_stop_limit"};
  if (w.size() < 3) { answer = "too few words"; return false; }
  Account &a = world.account();
  std::vector<Txn> txns;
  MqlTradeResult r{};
  ulong ticket = strtoul(w[2].c_str(), nullptr, 10);
  int type = -1;
  for (int i = 0; i < 8; i++) if (w[1] == TYPES[i]) type = i;
  if (type >= 0 && w.size() >= 4) {
    SymbolState *s = world.symbol(w[2]);
    if (!s) { answer = "no symbol " + w[2]; return false; }
    MqlTradeRequest q{};
    q.action = type <= 1 ? TRADE_ACTION_DEAL : TRADE_ACTION_PENDING;
    q.symbol = string::from8(w[2]);
    q.type = (ENUM_ORDER_TYPE)type;
    q.volume = number(w[3]);
    q.price = number(value(w, "price"));
    q.stoplimit = number(value(w, "stoplimit"));
    q.sl = number(value(w, "sl"));
    q.tp = number(value(w, "tp"));
    q.magic = strtoul(value(w, "magic").c_str(), nullptr, 10);
    q.comment = string::from8(value(w, "comment", ""));
    q.type_filling = value(w, "fill", "ioc") == "return" ? ORDER_FILLING_RETURN : ORDER_FILLING_IOC;
    execute(a, q, r, txns);
    answer = std::to_string(r.order);
    post_transactions(txns);
    return true;
  }
  if (w[1] == "close") {
    Position *p = a.position(ticket);
    if (!p) { answer = "no position"; return false; }
    SymbolState &s = *world.symbol(p->sym);
    Position part = *p;
    double vol = number(value(w, "vol"));
    if (vol > 0) part.vol = std::min(vol, part.vol);
    close_at(a, part, part.type == POSITION_TYPE_BUY ? s.bid : s.ask, DEAL_REASON_CLIENT, "");
    return true;
  }
  if (w[1] == "cancel" || w[1] == "fill") {
    Order *o = a.order(ticket);
    if (!o) { answer = "no order"; return false; }
    if (w[1] == "fill") { fill_rest(a, *o, w.size() > 3 ? number(w[3]) : o->vol); return true; }
    Order gone = *o;
    to_history(a, gone, ORDER_STATE_CANCELED, txns, true);
  } else {
    Position *p = a.position(ticket);
    if (!p) { answer = "no position"; return false; }
    if (w[1] == "sltp") { p->sl = number(value(w, "sl")); p->tp = number(value(w, "tp")); }
    else if (w[1] == "swap" && w.size() > 3) p->swap = number(w[3]);
    else if (w[1] == "reopen") { save(a, *p, true); p->ticket = ++world.next_ticket; answer = std::to_string(p->ticket); }
    else { answer = "unknown word " + w[1]; return false; }
    save(a, *p);
    txns.push_back(position_txn(*p));
  }
  publish();
  post_transactions(txns);
  return true;
}
} // namespace mql
