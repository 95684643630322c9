// Damaged and hostile lines for the Expert Advisor's parser, through a pipe inside the process: millions in minutes. The peer does the
// handshake, so that everything behind it is reached; whenever the Expert Advisor drops the link, it greets anew.
#include "terminal.hpp"
#include "world.hpp"
#include <sys/stat.h>

namespace mql {
static const char *SECRET = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
static std::mt19937_64 rng;
static ulong below(ulong n) { return n ? rng() % n : 0; }
static std::string any(std::initializer_list<const char *> l) { return l.begin()[below(l.size())]; }

static std::string number() {
  switch (below(9)) {
    case 0: return std::to_string(below(10));
    case 1: return std::to_string(rng());
    case 2: return "-" + std::to_string(rng());
    case 3: return "99999999999999999999999999";
    case 4: return "0.0" + std::to_string(below(10));
    case 5: return any({"", "1e308", "nan", "inf", "0x10", "1.1.1", "+", "-", ".", "1,5", "-0", "1e-400"});
    case 6: return "1." + std::to_string(below(100000));
    default: return std::to_string(below(100000));
  }
}
static std::string symbol() { return any({"EURUSD", "USDJPY", "XAUUSD.r", "DE40", "EURUSD.v", "NOPE", "", "\xc3\xa9", "A\\tB"}); }
static std::string cid() { return below(2) ? std::to_string(4611686018427387904ul + below(200)) : number(); }
static std::string ticket() { return below(4) ? std::to_string(5001 + below(60)) : number(); }
// A request that can be carried out as it stands.
static std::string good() {
  static ulong next = 0;
  std::string head = "\tid=" + std::to_string(below(1000000)) + "\tcid=" + std::to_string(144115188075855872ul + ++next) + "\tacct=1001@Broker-Demo\tttl_ms=60000\tmade_ms=0";
  std::string tail = "\tdev=20\tfill=auto\tttype=gtc\texp=0\ttag=\tmax_spread=\tnostop=1";
  switch (below(7)) {
    case 0: return "ORDER" + head + "\taction=pending\tsym=EURUSD\ttype=buy_limit\tvol=0.01\tprice=1.05\tstoplimit=\tsl=1.04\ttp=" + tail;
    case 1: return "CLOSE" + head + "\tticket=" + ticket() + "\tident=" + ticket() + "\tvol=\tdev=20\tfill=auto";
    case 2: return "SLTP" + head + "\tticket=" + ticket() + "\tident=" + ticket() + "\tsl=1.0" + std::to_string(below(10)) + "\ttp=0";
    case 3: return "CANCEL" + head + "\tticket=" + ticket();
    case 4: return "MODIFY" + head + "\tticket=" + ticket() + "\tprice=1.0" + std::to_string(below(9)) + "\tstoplimit=\tsl=\ttp=\tttype=gtc\texp=0";
    default: return "ORDER" + head + "\taction=deal\tsym=" + any({"EURUSD", "GBPUSD"}) + "\ttype=" + any({"buy", "sell"}) + "\tvol=0.01\tprice=\tstoplimit=\tsl=\ttp=" + tail;
  }
}
static std::string line() {
  if (below(8) == 0) return good();
  std::string id = "id=" + std::to_string(below(1000000));
  std::string order = "\t" + id + "\tcid=" + cid() + "\tacct=1001@Broker-Demo\tttl_ms=" + any({"60000", "0", "-1", "99999999999"}) + "\tmade_ms=" + number();
  switch (below(18)) {
    case 0: return "PING\t" + id + "\tx=" + number();
    case 1: return "HB\tn=" + number() + "\tack=" + number();
    case 2: return "SYM\t" + id + "\tsym=" + symbol();
    case 3: return "SUB\t" + id + "\tsym=" + symbol() + "\tticks=" + any({"0", "1", "2", ""}) + "\tbars=" + any({"M1", "M1,M5,H1", "", ",", "M7", "MN1,W1,D1"});
    case 4: return "UNSUB\t" + id + "\tsym=" + symbol();
    case 5: return "RATES\t" + id + "\tsym=" + symbol() + "\ttf=" + any({"M1", "M5", "X", ""}) + "\tfrom=" + number() + "\tcount=" + any({"1", "5", "500", "501", "-1", "0"});
    case 6: return "SNAP\t" + id;
    case 7: return "HIST\t" + id + "\tfrom_ms=" + number() + "\tto_ms=" + number() + "\twhat=" + any({"deals", "orders", "x", ""});
    case 8: return "FIND\t" + id + "\tcid=" + cid() + "\tsince_ms=" + number();
    case 9: return "CLOSE" + order + "\tticket=" + ticket() + "\tident=" + number() + "\tvol=" + number() + "\tdev=" + number() + "\tfill=auto";
    case 10: return "CLOSEBY" + order + "\tticket=" + ticket() + "\tby=" + number();
    case 11: return "SLTP" + order + "\tticket=" + ticket() + "\tident=" + number() + "\tsl=" + number() + "\ttp=" + number();
    case 12: return "MODIFY" + order + "\tticket=" + ticket() + "\tprice=" + number() + "\tstoplimit=\tsl=" + number() + "\ttp=" + number() + "\tttype=gtc\texp=0";
    case 13: return "CANCEL" + order + "\tticket=" + ticket();
    case 14: return "FLAT" + order + "\treason=x\ton=" + (below(20) ? "0" : "1");
    default:
      return any({"ORDER", "CHECK"}) + order + "\taction=" + any({"deal", "pending", "x"}) + "\tsym=" + symbol() + "\ttype=" + any({"buy", "sell", "buy_limit", "sell_stop", "buy_stop_limit", ""}) +
             "\tvol=" + any({"0.01", "0", "-1", "1e9", "0.015", ""}) + "\tprice=" + number() + "\tstoplimit=\tsl=" + any({"1.09", "0", "", "2"}) + "\ttp=" + number() + "\tdev=" + number() +
             "\tfill=" + any({"auto", "fok", "ioc", "return", "boc", "?"}) + "\tttype=" + any({"gtc", "day", "specified", "0", ""}) + "\texp=" + number() + "\ttag=t\tmax_spread=" + number() + "\tnostop=" + any({"0", "1"});
  }
}
static std::string damaged() {
  std::string l = line();
  for (ulong n = below(4); n-- > 0;) {
    ulong at = below(l.size());
    switch (below(10)) {
      case 0: if (!l.empty()) l[at] = (char)rng(); break;
      case 1: l.erase(at, 1 + below(5)); break;
      case 2: l.insert(at, any({"\t", "=", "\\", "\\\\", "\\x", "\\n", "\xff\xfe", "\xe2\x82", "\xf0\x9f\x98\x80", ":", ","})); break;
      case 3: l.insert(at, 1, '\0'); break;
      case 4: l = l.substr(0, at); break;
      case 5: l += "\t" + l.substr(at); break;
      case 6: l.insert(at, number()); break;
      case 7: l += "\t" + any({"id=1", "cid=5", "=", "x", "sym=EURUSD", "UPPER=1", "k=\\"}); break;
      case 8: if (below(200) == 0) l.insert(at, below(70000), 'a'); break;
      default: l.insert(at, 1, (char)rng()); break;
    }
  }
  return l;
}
static std::string field(const std::string &l, const std::string &key) {
  size_t p = l.find("\t" + key + "=");
  if (p == std::string::npos) return "";
  p += key.size() + 2;
  return l.substr(p, l.find_first_of("\t\n", p) - p);
}
// Answers what the Expert Advisor said; true while it is past the handshake.
static std::map<std::string, long> codes;
static bool converse(MemoryPipe &pipe, bool open, std::string &ea_nonce, long &answers) {
  const std::string mine(64, '7');
  size_t end;
  while ((end = pipe.from_ea.find('\n')) != std::string::npos) {
    std::string l = pipe.from_ea.substr(0, end);
    pipe.from_ea.erase(0, end + 1);
    if (l.rfind("HELLO\t", 0) == 0) { ea_nonce = field(l, "nonce"); pipe.to_ea = "CHAL\tnonce=" + mine + "\n"; open = false; }
    else if (l.rfind("AUTH\t", 0) == 0) { pipe.to_ea = "OK\tmac=" + hex(hmac_sha256(SECRET, "ex|" + mine + "|" + ea_nonce)) + "\tsid=1\n"; open = true; }
    else if (l.rfind("BYE\t", 0) == 0) open = false;
    else {
      answers++;
      if (l.rfind("RES\t", 0) == 0) codes[field(l, "retcode")]++;
    }
  }
  return open;
}
int fuzz(ulong seed, long cases, const std::string &trace) {
  rng.seed(seed);
  world.rng.seed(seed);
  std::string folder = folders.common + "/Files/FX-Executor";
  mkdir(folder.c_str(), 0755);
  if (FILE *f = fopen((folder + "/link.txt").c_str(), "wb")) { fprintf(f, "proto=1\npipe=fuzz\nport=1\nsecret=%s\n", SECRET); fclose(f); }
  MemoryPipe pipe;
  memory_pipe = &pipe;
  load();
  set_inputs();
  if (expert().init() != INIT_SUCCEEDED) critical("OnInit failed");
  std::string ea_nonce;
  long done = 0, answers = 0, handshakes = 0, quiet = 0;
  bool open = false;
  while (done < cases) {
    clock_skew_us += 12000;
    if (!open) clock_skew_us += 600000;
    else {
      std::string batch;
      ulong n = 1 + below(30);
      for (ulong i = 0; i < n; i++) batch += (below(4) ? damaged() : line()) + "\n";
      if (below(50) == 0) batch.resize(below(batch.size()));  // the link may end a delivery anywhere
      if (!trace.empty()) if (FILE *f = fopen(trace.c_str(), "wb")) { fwrite(batch.data(), 1, batch.size(), f); fclose(f); }
      pipe.to_ea += batch;
      done += (long)n;
    }
    if (below(20) == 0) { SymbolState &s = world.symbols[below(world.symbols.size())]; set_price(s, s.bid, s.ask); expert().tick ? expert().tick() : (void)0; }
    expert().timer();
    while (!terminal.queue.empty()) {  // transactions that its orders have caused
      Event e = terminal.queue.front();
      terminal.queue.pop_front();
      if (e.kind == Event::Transaction) { terminal.transactions_queued--; expert().transaction(e.txn.t, e.txn.q, e.txn.r); }
      else terminal.tick_queued = false;
    }
    bool was = open;
    open = converse(pipe, open, ea_nonce, answers);
    if (open && !was) handshakes++;
    quiet = open ? 0 : quiet + 1;
    if (quiet > 2000) critical("the Expert Advisor does not come back after case " + std::to_string(done));
    if (world.account().positions.size() + world.account().orders.size() > 60) {  // a fresh account: the numbers of tickets begin again
      world.account() = Account{};
      world.account().login = 1001;
      world.next_ticket = 5000;
      publish();
    }
  }
  expert().deinit(REASON_CLOSE);
  std::string by_code;
  for (auto &[code, n] : codes) by_code += (by_code.empty() ? "" : ",") + code + ":" + std::to_string(n);
  tell("ok cases=" + std::to_string(done) + " answers=" + std::to_string(answers) + " handshakes=" + std::to_string(handshakes) + " sends=" + std::to_string(world.sends) + " pipe_turns_missed=" + std::to_string(pipe_turns_missed) + " codes=" + by_code);
  fflush(stdout);
  _exit(0);
}
} // namespace mql
