// The broker's memory on disk: one line per change, written before anybody is told. A killed terminal finds the same broker.
#include "world.hpp"
#include <climits>
#include <fcntl.h>
#include <sstream>
#include <unistd.h>

namespace mql {
std::map<ulong, Late> late_requests;
static int journal = -1;
static std::string pending;

static std::string num(double v) { char b[64]; snprintf(b, sizeof b, "%.10g", v); return b; }
static std::string txt(const std::string &s) { std::string o; for (char c : s) o += c == '\t' || c == '\n' ? ' ' : c; return o; }
static void put(const std::string &kind, const Account &a, const std::string &line) {
  if (journal < 0) return;
  std::string all = kind + "\tlogin=" + std::to_string(a.login) + "\tnext=" + std::to_string(world.next_ticket) + "\tnext_deal=" + std::to_string(world.next_deal) + "\t" + line + "\n";
  pending += all;
}
// One write for one change of the broker's books, however many lines: a kill never leaves half of a deal.
void commit() {
  for (size_t at = 0; at < pending.size();) {
    ssize_t n = write(journal, pending.data() + at, pending.size() - at);
    if (n <= 0) critical("the broker's journal cannot be written");
    at += (size_t)n;
  }
  pending.clear();
}
std::string line_of(const Account &a) {
  return "server=" + txt(a.server) + "\tcompany=" + txt(a.company) + "\tccy=" + a.ccy + "\tdigits=" + std::to_string(a.digits) + "\tmargin_mode=" + std::to_string(a.margin_mode) +
         "\tleverage=" + std::to_string(a.leverage) + "\tkind=" + std::to_string(a.kind) + "\tbalance=" + num(a.balance) + "\tcredit=" + num(a.credit);
}
std::string line_of(const Position &p) {
  return "ticket=" + std::to_string(p.ticket) + "\tident=" + std::to_string(p.ident) + "\tsym=" + txt(p.sym) + "\ttype=" + std::to_string(p.type) + "\tvol=" + num(p.vol) +
         "\topen=" + num(p.open) + "\tsl=" + num(p.sl) + "\ttp=" + num(p.tp) + "\tswap=" + num(p.swap) + "\tmagic=" + std::to_string(p.magic) + "\tms=" + std::to_string(p.ms) +
         "\tchanged_ms=" + std::to_string(p.changed_ms) + "\treason=" + std::to_string(p.reason) + "\tcomment=" + txt(p.comment);
}
std::string line_of(const Order &o) {
  return "ticket=" + std::to_string(o.ticket) + "\tsym=" + txt(o.sym) + "\ttype=" + std::to_string(o.type) + "\tstate=" + std::to_string(o.state) + "\tvol0=" + num(o.vol0) +
         "\tvol=" + num(o.vol) + "\tprice=" + num(o.price) + "\tstoplimit=" + num(o.stoplimit) + "\tsl=" + num(o.sl) + "\ttp=" + num(o.tp) + "\tfill=" + std::to_string(o.fill) +
         "\tttype=" + std::to_string(o.ttype) + "\texp=" + std::to_string(o.exp) + "\tmagic=" + std::to_string(o.magic) + "\tpos=" + std::to_string(o.pos) + "\tpos_by=" + std::to_string(o.pos_by) +
         "\tms=" + std::to_string(o.ms) + "\tdone_ms=" + std::to_string(o.done_ms) + "\treason=" + std::to_string(o.reason) + "\tactivated=" + std::to_string(o.activated) + "\tcomment=" + txt(o.comment);
}
std::string line_of(const Deal &d) {
  return "ticket=" + std::to_string(d.ticket) + "\torder=" + std::to_string(d.order) + "\tpos=" + std::to_string(d.pos) + "\tsym=" + txt(d.sym) + "\ttype=" + std::to_string(d.type) +
         "\tentry=" + std::to_string(d.entry) + "\treason=" + std::to_string(d.reason) + "\tvol=" + num(d.vol) + "\tprice=" + num(d.price) + "\tprofit=" + num(d.profit) + "\tswap=" + num(d.swap) +
         "\tcommission=" + num(d.commission) + "\tfee=" + num(d.fee) + "\tsl=" + num(d.sl) + "\ttp=" + num(d.tp) + "\tmagic=" + std::to_string(d.magic) + "\tms=" + std::to_string(d.ms) + "\tcomment=" + txt(d.comment);
}
void save(const Account &a) { put("account", a, line_of(a)); }
void save(const Account &a, const Position &p, bool gone) { put(gone ? "gone" : "position", a, line_of(p)); }
void save(const Account &a, const Order &o, bool working) { put(working ? "order" : "history", a, line_of(o)); }
void save(const Account &a, const Deal &d) { put("deal", a, line_of(d)); }
void save(ulong id, const Late &l, bool done) {
  const MqlTradeRequest &q = l.q;
  put(done ? "late_done" : "late", world.accounts[l.login],
      "id=" + std::to_string(id) + "\tdue_ms=" + std::to_string(l.due_ms) + "\taction=" + std::to_string(q.action) + "\tmagic=" + std::to_string(q.magic) + "\torder=" + std::to_string(q.order) +
          "\tsym=" + q.symbol.to8() + "\tvol=" + num(q.volume) + "\tprice=" + num(q.price) + "\tstoplimit=" + num(q.stoplimit) + "\tsl=" + num(q.sl) + "\ttp=" + num(q.tp) +
          "\tdev=" + std::to_string(q.deviation) + "\ttype=" + std::to_string(q.type) + "\tfill=" + std::to_string(q.type_filling) + "\tttype=" + std::to_string(q.type_time) +
          "\texp=" + std::to_string(q.expiration.v) + "\tpos=" + std::to_string(q.position) + "\tpos_by=" + std::to_string(q.position_by) + "\tcomment=" + txt(q.comment.to8()));
}

struct Line {
  std::string what;
  std::map<std::string, std::string> of;
  explicit Line(const std::string &line) {
    std::istringstream in(line);
    std::string field;
    std::getline(in, what, '\t');
    while (std::getline(in, field, '\t')) {
      size_t eq = field.find('=');
      if (eq != std::string::npos) of[field.substr(0, eq)] = field.substr(eq + 1);
    }
  }
  double d(const char *k) { return strtod(of[k].c_str(), nullptr); }
  long l(const char *k) { return strtol(of[k].c_str(), nullptr, 10); }
  ulong u(const char *k) { return strtoul(of[k].c_str(), nullptr, 10); }
  int i(const char *k) { return (int)l(k); }
};
template <class T> static void upsert(std::vector<T> &list, const T &x) {
  for (auto &y : list) if (y.ticket == x.ticket) { y = x; return; }
  list.push_back(x);
}
static Order order_from(Line &x) {
  Order o;
  o.ticket = x.u("ticket"); o.sym = x.of["sym"]; o.type = x.i("type"); o.state = x.i("state"); o.vol0 = x.d("vol0"); o.vol = x.d("vol"); o.price = x.d("price");
  o.stoplimit = x.d("stoplimit"); o.sl = x.d("sl"); o.tp = x.d("tp"); o.fill = x.i("fill"); o.ttype = x.i("ttype"); o.exp = x.l("exp"); o.magic = x.l("magic");
  o.pos = x.u("pos"); o.pos_by = x.u("pos_by"); o.ms = x.l("ms"); o.done_ms = x.l("done_ms"); o.reason = x.i("reason"); o.activated = x.i("activated"); o.comment = x.of["comment"];
  return o;
}
static void replay(const std::string &text) {
  Line x(text);
  Account &a = world.accounts[x.l("login")];
  a.login = x.l("login");
  world.next_ticket = std::max(world.next_ticket, x.u("next"));
  world.next_deal = std::max(world.next_deal, x.u("next_deal"));
  const std::string &kind = x.what;
  if (kind == "account") {
    a.server = x.of["server"]; a.company = x.of["company"]; a.ccy = x.of["ccy"]; a.digits = x.i("digits"); a.margin_mode = x.i("margin_mode");
    a.leverage = x.i("leverage"); a.kind = x.i("kind"); a.balance = x.d("balance"); a.credit = x.d("credit");
  } else if (kind == "position" || kind == "gone") {
    Position p;
    p.ticket = x.u("ticket"); p.ident = x.u("ident"); p.sym = x.of["sym"]; p.type = x.i("type"); p.vol = x.d("vol"); p.open = x.d("open"); p.sl = x.d("sl"); p.tp = x.d("tp");
    p.swap = x.d("swap"); p.magic = x.l("magic"); p.ms = x.l("ms"); p.changed_ms = x.l("changed_ms"); p.reason = x.i("reason"); p.comment = x.of["comment"];
    if (kind == "position") upsert(a.positions, p);
    else std::erase_if(a.positions, [&](const Position &y) { return y.ticket == p.ticket; });
  } else if (kind == "order") upsert(a.orders, order_from(x));
  else if (kind == "history") {
    Order o = order_from(x);
    std::erase_if(a.orders, [&](const Order &y) { return y.ticket == o.ticket; });
    a.history.push_back(o);
  } else if (kind == "late_done") late_requests.erase(x.u("id"));
  else if (kind == "late") {
    Late l;
    l.login = a.login;
    l.due_ms = x.l("due_ms");
    MqlTradeRequest &q = l.q;
    q.action = (ENUM_TRADE_REQUEST_ACTIONS)x.i("action"); q.magic = x.u("magic"); q.order = x.u("order"); q.symbol = string::from8(x.of["sym"]); q.volume = x.d("vol"); q.price = x.d("price");
    q.stoplimit = x.d("stoplimit"); q.sl = x.d("sl"); q.tp = x.d("tp"); q.deviation = x.u("dev"); q.type = (ENUM_ORDER_TYPE)x.i("type"); q.type_filling = (ENUM_ORDER_TYPE_FILLING)x.i("fill");
    q.type_time = (ENUM_ORDER_TYPE_TIME)x.i("ttype"); q.expiration = datetime(x.l("exp")); q.position = x.u("pos"); q.position_by = x.u("pos_by"); q.comment = string::from8(x.of["comment"]);
    late_requests[x.u("id")] = l;
  } else if (kind == "deal") {
    Deal d;
    d.ticket = x.u("ticket"); d.order = x.u("order"); d.pos = x.u("pos"); d.sym = x.of["sym"]; d.type = x.i("type"); d.entry = x.i("entry"); d.reason = x.i("reason"); d.vol = x.d("vol");
    d.price = x.d("price"); d.profit = x.d("profit"); d.swap = x.d("swap"); d.commission = x.d("commission"); d.fee = x.d("fee"); d.sl = x.d("sl"); d.tp = x.d("tp"); d.magic = x.l("magic"); d.ms = x.l("ms");
    d.comment = x.of["comment"];
    a.deals.push_back(d);
  }
}
void open_storage(const std::string &folder) {
  std::string path = folder + "/broker.log";
  if (FILE *f = fopen(path.c_str(), "rb")) {
    std::string line;
    for (int c; (c = fgetc(f)) != EOF;) {
      if (c == '\n') { replay(line); line.clear(); }
      else line += (char)c;
    }
    fclose(f);
  }
  journal = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (journal < 0) critical("the broker's journal cannot be opened: " + path);
}
} // namespace mql
