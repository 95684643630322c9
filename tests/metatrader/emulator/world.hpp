// The broker's truth: symbols, accounts, positions, orders, deals. It survives the terminal (storage.cpp) and moves on while an
// Expert Advisor waits. Everything here is touched under `world.lock` only.
#pragma once
#include "wires.hpp"
#include <condition_variable>
#include <deque>
#include <random>
#include <unordered_map>

namespace mql {
struct Session { int day, from, to; };  // minutes of the day
struct Bar { long time; double o, h, l, c; long tv; int sp; long rv; };

struct SymbolState {
  std::string name, path = "Forex\\Majors", desc, base = "EUR", profit = "USD", margin = "EUR";
  int digits = 5, stops = 0, freeze = 0, exe = SYMBOL_TRADE_EXECUTION_MARKET, fill = 3, takes = -1, orders = 127, exp = 15, gtc = 0, mode = 4, calc = 0;
  double tick_size = 0.00001, contract = 100000, vmin = 0.01, vmax = 100, vstep = 0.01, vlimit = 0, swap_long = -6.2, swap_short = 1.1;
  double rate = 1;        // profit currency in account currency
  double margin_rate = 1;
  double liquidity = -1;  // lots that can be filled at once, -1 = any
  bool selected = false;
  std::vector<Session> trade, quote;
  double bid = 0, ask = 0, last = 0;
  ulong volume = 0;
  long tick_ms = 0;
  uint tick_flags = 0;
  std::vector<Bar> m1;
  std::map<int, int> late;  // per timeframe: CopyRates calls answered so far while history is late
  std::deque<MqlTick> ticks;
  double point() const;
  double norm(double p) const;
};

struct Position {
  ulong ticket = 0, ident = 0;
  std::string sym;
  int type = 0;
  double vol = 0, open = 0, sl = 0, tp = 0, swap = 0;
  long magic = 0;
  std::string comment;
  long ms = 0, changed_ms = 0;
  int reason = POSITION_REASON_EXPERT;
};
struct Order {
  ulong ticket = 0;
  std::string sym;
  int type = 0, state = ORDER_STATE_PLACED;
  double vol0 = 0, vol = 0, price = 0, stoplimit = 0, sl = 0, tp = 0;
  int fill = 0, ttype = 0;
  long exp = 0, magic = 0;
  std::string comment;
  ulong pos = 0, pos_by = 0;
  long ms = 0, done_ms = 0;
  int reason = ORDER_REASON_EXPERT;
  bool activated = false;  // a stop-limit whose stop price was reached
  long seen_from = 0;      // the terminal's history shows it from this moment (mono_us), LONG_MAX = after a reconnect
};
struct Deal {
  ulong ticket = 0, order = 0, pos = 0;
  std::string sym;
  int type = 0, entry = 0, reason = DEAL_REASON_EXPERT;
  double vol = 0, price = 0, profit = 0, swap = 0, commission = 0, fee = 0, sl = 0, tp = 0;
  long magic = 0;
  std::string comment;
  long ms = 0, seen_from = 0;
};
struct Account {
  long login = 0;
  std::string server = "Broker-Demo", company = "Broker Ltd", name = "Trader", ccy = "USD";
  int digits = 2, margin_mode = ACCOUNT_MARGIN_MODE_RETAIL_HEDGING, leverage = 100, kind = ACCOUNT_TRADE_MODE_DEMO, so_mode = 0, limit_orders = 0;
  double balance = 10000, credit = 0, so_call = 50, so_so = 30, commission = 0, fee = 0;
  bool trade = true, expert = true, fifo = false, hedge = true;
  std::string comment_rule = "keep";  // keep | drop | append:TEXT
  std::vector<Position> positions;
  std::vector<Order> orders, history;
  std::vector<Deal> deals;
  Position *position(ulong ticket);
  Order *order(ulong ticket);
  bool netting() const { return margin_mode != ACCOUNT_MARGIN_MODE_RETAIL_HEDGING; }
};

// A fault for the next OrderSend (or each, by chance). `code` is what the terminal answers.
struct Fault {
  std::string kind;  // lost | unsent | late | reject | requote | changed | partial | placed | slip
  uint code = 0;
  double amount = 0;
};
struct Chances {
  std::map<std::string, double> of;  // kind -> probability per OrderSend
  double duplicated_txn = 0, late_txn_ms = 0, lost_txn = 0;
};

// What the terminal shows of positions and orders: the broker's lists of a moment ago.
struct View {
  std::vector<Position> positions;
  std::vector<Order> orders;
};

struct World {
  std::recursive_mutex lock;
  std::condition_variable_any wake;  // the market thread waits here
  std::mt19937_64 rng{1};
  std::deque<SymbolState> symbols;
  std::unordered_map<std::string, SymbolState *> by_name;
  std::map<long, Account> accounts;
  long current = 0;  // the login the terminal has
  ulong next_ticket = 5000, next_deal = 900000;
  uint next_request = 0;
  View view;
  bool connected = true, late_history = false;
  long offset_s = 3 * 3600, shift_ms = 0, stands_ms = 0;  // stands_ms: the server's clock stands there; 0 = it runs
  long latency_us = 0, latency_jitter_us = 0, book_lag_ms = 0, history_lag_ms = 0;
  std::deque<Fault> faults;
  Chances chances;
  double tick_rate = 0;  // per symbol and second; 0 = prices move only when told
  int tick_symbols = 0;  // how many symbols, 0 = all selected
  long sends = 0, send_max_us = 0;
  std::multimap<long, std::function<void()>> later;  // mono_us -> what happens then
  bool ending = false;

  Account &account();
  SymbolState *symbol(const std::string &name);
  double chance() { return (double)(rng() >> 11) / 9007199254740992.0; }
  long now_ms() const;
  void after_ms(double ms, std::function<void()> what);
};
extern World world;

// symbols.cpp
void seed_symbols();
void set_price(SymbolState &s, double bid, double ask, double last = 0);
void make_history(SymbolState &s, int bars);
bool in_session(const std::vector<Session> &table, long ms);
long period_of(ENUM_TIMEFRAMES tf);
std::vector<Bar> bars_of(const SymbolState &s, ENUM_TIMEFRAMES tf, size_t most);
void market_thread();

// rules.cpp
struct Figures { double profit, equity, margin, free, level; };
Figures figures(Account &a);
double profit_of(const SymbolState &s, int type, double vol, double open, double close);
double margin_of(const Account &a, const SymbolState &s, double vol, double price);
uint refuse(Account &a, const MqlTradeRequest &q);  // 0 = the broker takes it

// execution.cpp
uint execute(Account &a, const MqlTradeRequest &q, MqlTradeResult &r, std::vector<Txn> &txns, double fill_ratio = 1, double slip = 0);
void price_moved(SymbolState &s);
void fill_rest(Account &a, Order &o, double vol);
void execute_later(long login, const MqlTradeRequest &q, double ms);  // however often the terminal is killed meanwhile
void resume_late();
Txn order_txn(const Order &o, ENUM_TRADE_TRANSACTION_TYPE type);
std::string comment_by_rule(const Account &a, const std::string &comment);
void publish();
void to_history(Account &a, const Order &o, int state, std::vector<Txn> &txns, bool was_working);
void close_at(Account &a, const Position &p, double price, int reason, const std::string &comment);
Txn position_txn(const Position &p);

// by_hand.cpp
bool by_hand(const std::vector<std::string> &words, std::string &answer);

// storage.cpp
void open_storage(const std::string &folder);
void commit();
struct Late {  // a request that the broker has and has not carried out yet
  long login = 0, due_ms = 0;  // by the machine's clock
  MqlTradeRequest q{};
};
extern std::map<ulong, Late> late_requests;
void save(ulong id, const Late &late, bool done);
void save(const Account &a);
void save(const Account &a, const Position &p, bool gone = false);
void save(const Account &a, const Order &o, bool working);
void save(const Account &a, const Deal &d);
std::string line_of(const Account &a);
std::string line_of(const Position &p);
std::string line_of(const Order &o);
std::string line_of(const Deal &d);
} // namespace mql
