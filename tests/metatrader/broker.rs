//! The simulated broker's own rules, asked by small Expert Advisors: the codes, deals and positions a trade server would give.

use crate::emulated::{Emulated, Folders, Options, SOON};

/// Helpers of the tests' Expert Advisors. `Send` prints the return code and gives the result.
const HELPERS: &str = r#"
MqlTradeResult g_r;
uint Send(ENUM_TRADE_REQUEST_ACTIONS action, string sym, ENUM_ORDER_TYPE type, double vol, double price, double sl, double tp, ENUM_ORDER_TYPE_FILLING fill, ulong ticket, ulong dev)
  {
   MqlTradeRequest q = {};
   q.action = action; q.symbol = sym; q.type = type; q.volume = vol; q.price = price; q.sl = sl; q.tp = tp; q.type_filling = fill;
   q.position = ticket; q.order = ticket; q.deviation = dev; q.magic = 4611686018427387911; q.comment = "cid";
   bool ok = OrderSend(q, g_r);
   Print(g_r.retcode);
   return g_r.retcode;
  }
uint Deal(string sym, ENUM_ORDER_TYPE type, double vol, ENUM_ORDER_TYPE_FILLING fill, ulong ticket) { return Send(TRADE_ACTION_DEAL, sym, type, vol, 0, 0, 0, fill, ticket, 0); }
double Ask(string s) { return SymbolInfoDouble(s, SYMBOL_ASK); }
double Bid(string s) { return SymbolInfoDouble(s, SYMBOL_BID); }
"#;

pub fn run(setup: &[&str], body: &str) -> Emulated {
    let source =
        format!("{HELPERS}\nint OnInit()\n  {{\n{body}\n   return INIT_SUCCEEDED;\n  }}\n{AFTER}");
    let mut options = Options::default().text(source).fast();
    for command in setup {
        options = options.setup(command);
    }
    let terminal = Emulated::start(Folders::new(), options);
    terminal.await_line("init 0", SOON);
    terminal
}

/// Transactions are counted by type, so that tests can see that they come after the handler.
const AFTER: &str = r#"
void OnTradeTransaction(const MqlTradeTransaction &t, const MqlTradeRequest &q, const MqlTradeResult &r)
  {
   Print("txn ", (int)t.type, " deal ", t.deal, " order ", t.order, " magic ", q.magic);
  }
"#;

/// Return codes of the run's requests, in order.
pub fn codes(terminal: &Emulated) -> Vec<String> {
    terminal
        .logs()
        .into_iter()
        .filter(|line| !line.starts_with("txn"))
        .collect()
}

#[test]
fn a_request_is_refused_for_its_reason() {
    let terminal = run(
        &[
            "symbol GBPUSD mode=3",
            "symbol AUDUSD mode=1",
            "symbol DE40 tsess=",
            "account 1001 balance=1000",
        ],
        r#"
   Deal("EURUSD", ORDER_TYPE_BUY, 0.015, ORDER_FILLING_IOC, 0);                                       // not a step
   Deal("EURUSD", ORDER_TYPE_BUY, 0.001, ORDER_FILLING_IOC, 0);                                       // below the least
   Deal("EURUSD", ORDER_TYPE_BUY, 0.01, ORDER_FILLING_RETURN, 0);                                     // market execution
   Deal("USDJPY", ORDER_TYPE_BUY, 0.01, ORDER_FILLING_FOK, 0);                                        // the mask has IOC only
   Deal("EURUSD.v", ORDER_TYPE_BUY, 0.01, ORDER_FILLING_IOC, 0);                                      // view only
   Deal("GBPUSD", ORDER_TYPE_BUY, 0.01, ORDER_FILLING_IOC, 0);                                        // close only
   Send(TRADE_ACTION_DEAL, "AUDUSD", ORDER_TYPE_SELL, 0.01, Bid("AUDUSD"), 0, 0, ORDER_FILLING_IOC, 0, 5);  // long only
   Deal("DE40", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);                                           // no session
   Deal("NOPE", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);                                           // no such symbol
   Deal("EURUSD", ORDER_TYPE_BUY, 90, ORDER_FILLING_IOC, 0);                                          // no money
   Send(TRADE_ACTION_DEAL, "EURUSD", ORDER_TYPE_BUY, 0.01, 0, Ask("EURUSD") + 0.001, 0, ORDER_FILLING_IOC, 0, 0);  // stop on the wrong side
   Send(TRADE_ACTION_DEAL, "USDJPY", ORDER_TYPE_BUY, 0.01, 0, Bid("USDJPY") - 0.019, 0, ORDER_FILLING_IOC, 0, 0);  // stop too near
   Send(TRADE_ACTION_DEAL, "XAUUSD.r", ORDER_TYPE_BUY, 0.01, Ask("XAUUSD.r") - 0.5, 0, 0, ORDER_FILLING_FOK, 0, 10);  // price moved
   Send(TRADE_ACTION_DEAL, "XAUUSD.r", ORDER_TYPE_BUY, 0.01, Ask("XAUUSD.r") - 0.05, 0, 0, ORDER_FILLING_FOK, 0, 10);  // inside the deviation
   Deal("EURUSD", ORDER_TYPE_SELL, 0.01, ORDER_FILLING_IOC, 77);                                      // no such position
   Send(TRADE_ACTION_PENDING, "EURUSD", ORDER_TYPE_BUY_LIMIT, 0.01, Ask("EURUSD") + 0.001, 0, 0, ORDER_FILLING_RETURN, 0, 0);  // wrong side
   Send(TRADE_ACTION_REMOVE, "EURUSD", ORDER_TYPE_BUY, 0, 0, 0, 0, ORDER_FILLING_RETURN, 99, 0);      // no such order
"#,
    );
    assert_eq!(
        codes(&terminal),
        [
            "10014", "10014", "10030", "10030", "10017", "10044", "10042", "10018", "10013",
            "10019", "10016", "10016", "10004", "10009", "10036", "10015", "10035"
        ]
    );
    assert_eq!(
        terminal.truth("positions").len(),
        1,
        "only the gold order was taken"
    );
}

#[test]
fn switches_of_terminal_and_account_refuse() {
    for (setup, code, sends) in [
        ("algo off", "10027", 1),
        ("expert off", "10027", 1),
        ("account 1001 expert=off", "10026", 1),
        ("account 1001 trade=off", "10017", 1),
        ("broker off", "10031", 1),
    ] {
        let terminal = run(
            &[setup],
            "Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);",
        );
        assert_eq!(codes(&terminal), [code], "{setup}");
        assert_eq!(terminal.stat("sends"), sends);
        assert!(terminal.truth("deals").is_empty(), "{setup}");
    }
}

#[test]
fn hedging_opens_closes_and_closes_by() {
    let terminal = run(
        &[],
        r#"
   Deal("EURUSD", ORDER_TYPE_BUY, 0.3, ORDER_FILLING_FOK, 0);
   ulong long_ticket = g_r.order;
   Deal("EURUSD", ORDER_TYPE_SELL, 0.1, ORDER_FILLING_IOC, 0);
   ulong short_ticket = g_r.order;
   Deal("EURUSD", ORDER_TYPE_SELL, 0.5, ORDER_FILLING_IOC, long_ticket);
   Deal("EURUSD", ORDER_TYPE_SELL, 0.05, ORDER_FILLING_IOC, long_ticket);
   Deal("EURUSD", ORDER_TYPE_BUY, 0.05, ORDER_FILLING_IOC, long_ticket);
   MqlTradeRequest q = {};
   q.action = TRADE_ACTION_CLOSE_BY; q.position = long_ticket; q.position_by = short_ticket; q.symbol = "EURUSD";
   if(!OrderSend(q, g_r)) Print("close by failed");
   Print(g_r.retcode, " ", PositionsTotal());
   PositionSelectByTicket(long_ticket);
   Print(PositionGetDouble(POSITION_VOLUME), " ", PositionGetInteger(POSITION_MAGIC));
"#,
    );
    assert_eq!(
        codes(&terminal),
        [
            "10009",
            "10009",
            "10038",
            "10009",
            "10013",
            "10009 1",
            "0.15 4611686018427387911"
        ]
    );
    let entries: Vec<String> = terminal
        .truth("deals")
        .iter()
        .map(|deal| format!("{}:{}", deal["entry"], deal["vol"]))
        .collect();
    assert_eq!(entries, ["0:0.3", "0:0.1", "1:0.05", "3:0.1", "3:0.1"]);
}

#[test]
fn netting_adds_reduces_and_turns() {
    let terminal = run(
        &["account 1001 margin_mode=netting"],
        r#"
   Deal("EURUSD", ORDER_TYPE_BUY, 0.2, ORDER_FILLING_IOC, 0);
   Deal("EURUSD", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);
   Deal("EURUSD", ORDER_TYPE_SELL, 0.1, ORDER_FILLING_IOC, 0);
   PositionSelect("EURUSD");
   long before = PositionGetInteger(POSITION_IDENTIFIER);
   Print(PositionsTotal(), " ", PositionGetDouble(POSITION_VOLUME));
   Deal("EURUSD", ORDER_TYPE_SELL, 0.5, ORDER_FILLING_IOC, 0);
   PositionSelect("EURUSD");
   Print(PositionGetInteger(POSITION_TYPE), " ", PositionGetDouble(POSITION_VOLUME), " ", before == PositionGetInteger(POSITION_IDENTIFIER), " ", before == PositionGetInteger(POSITION_TICKET));
   Deal("EURUSD", ORDER_TYPE_BUY, 0.3, ORDER_FILLING_IOC, 0);
   Print(PositionsTotal());
"#,
    );
    assert_eq!(
        codes(&terminal),
        [
            "10009",
            "10009",
            "10009",
            "1 0.2",
            "10009",
            "1 0.3 1 0",
            "10009",
            "0"
        ]
    );
    let entries: Vec<String> = terminal
        .truth("deals")
        .iter()
        .map(|deal| deal["entry"].clone())
        .collect();
    assert_eq!(entries, ["0", "0", "1", "2", "1"]);
}

#[test]
fn thin_liquidity_fills_in_part_by_the_filling() {
    let body = r#"
   Deal("EURUSD", ORDER_TYPE_BUY, 0.5, ORDER_FILLING_FOK, 0);
   Deal("EURUSD", ORDER_TYPE_BUY, 0.5, ORDER_FILLING_IOC, 0);
   Print(g_r.volume, " ", OrdersTotal(), " ", PositionsTotal());
"#;
    let terminal = run(&["symbol EURUSD liquidity=0.2"], body);
    assert_eq!(codes(&terminal), ["10006", "10010", "0.2 0 1"]);
    let states: Vec<String> = terminal
        .truth("history")
        .iter()
        .map(|order| format!("{} {}", order["state"], order["vol"]))
        .collect();
    assert_eq!(
        states,
        ["2 0.5", "2 0.3"],
        "the killed order and the rest of the other are cancelled"
    );

    let terminal = run(
        &[
            "symbol DE40 liquidity=0.3",
            "account 1001 margin_mode=exchange balance=100000",
        ],
        "Deal(\"DE40\", ORDER_TYPE_BUY, 1.0, ORDER_FILLING_RETURN, 0);\nPrint(g_r.volume, \" \", OrdersTotal(), \" \", PositionsTotal());",
    );
    assert_eq!(codes(&terminal), ["10010", "0.3 1 1"]);
    let ticket = terminal.truth("orders")[0]["ticket"].clone();
    terminal.cmd(&format!("by_hand fill {ticket}"));
    assert!(terminal.truth("orders").is_empty());
    assert_eq!(
        terminal.truth("positions")[0]["vol"],
        "1",
        "the working rest was filled into the same position"
    );
}

#[test]
fn pending_orders_wait_for_their_price_and_stops_close() {
    let terminal = run(
        &["price EURUSD 1.10000 1.10010"],
        r#"
   Send(TRADE_ACTION_PENDING, "EURUSD", ORDER_TYPE_BUY_LIMIT, 0.1, 1.09500, 1.09000, 1.10000, ORDER_FILLING_RETURN, 0, 0);
   Send(TRADE_ACTION_PENDING, "EURUSD", ORDER_TYPE_SELL_STOP, 0.2, 1.09400, 0, 0, ORDER_FILLING_RETURN, 0, 0);
   Print(OrdersTotal(), " ", PositionsTotal());
"#,
    );
    assert_eq!(codes(&terminal), ["10009", "10009", "2 0"]);
    terminal.cmd("price EURUSD 1.09480 1.09490");
    let position = &terminal.truth("positions")[0];
    assert_eq!(
        (
            position["open"].as_str(),
            position["sl"].as_str(),
            position["magic"].as_str()
        ),
        ("1.0949", "1.09", "4611686018427387911")
    );
    terminal.cmd("price EURUSD 1.08900 1.08910");
    let deals = terminal.truth("deals");
    let stopped = deals
        .iter()
        .find(|deal| deal["reason"] == "4")
        .expect("the stop closed the position");
    assert_eq!(
        (
            stopped["comment"].as_str(),
            stopped["magic"].as_str(),
            stopped["price"].as_str()
        ),
        ("[sl 1.09000]", "4611686018427387911", "1.089")
    );
    assert_eq!(
        terminal.truth("positions").len(),
        1,
        "the sell stop has become a position"
    );
    assert!(terminal.truth("orders").is_empty());
}

#[test]
fn within_the_freeze_level_nothing_changes() {
    let terminal = run(
        &[
            "price USDJPY 150.000 150.010",
            "hook OrdersTotal 1 price USDJPY 149.985 149.989",
            "hook OrdersTotal 2 price USDJPY 150.000 150.010",
        ],
        r#"
   Send(TRADE_ACTION_PENDING, "USDJPY", ORDER_TYPE_BUY_LIMIT, 0.1, 149.980, 0, 0, ORDER_FILLING_RETURN, 0, 0);
   ulong order = g_r.order;
   Send(TRADE_ACTION_DEAL, "USDJPY", ORDER_TYPE_BUY, 0.1, 0, 149.975, 0, ORDER_FILLING_IOC, 0, 0);
   ulong position = g_r.order;
   OrdersTotal();
   Send(TRADE_ACTION_REMOVE, "USDJPY", ORDER_TYPE_BUY, 0, 0, 0, 0, ORDER_FILLING_RETURN, order, 0);
   Send(TRADE_ACTION_MODIFY, "USDJPY", ORDER_TYPE_BUY_LIMIT, 0.1, 149.900, 0, 0, ORDER_FILLING_RETURN, order, 0);
   Send(TRADE_ACTION_SLTP, "USDJPY", ORDER_TYPE_BUY, 0, 0, 149.900, 0, ORDER_FILLING_IOC, position, 0);
   Deal("USDJPY", ORDER_TYPE_SELL, 0.1, ORDER_FILLING_IOC, position);
   OrdersTotal();
   Send(TRADE_ACTION_SLTP, "USDJPY", ORDER_TYPE_BUY, 0, 0, 149.975, 0, ORDER_FILLING_IOC, position, 0);
   Send(TRADE_ACTION_SLTP, "USDJPY", ORDER_TYPE_BUY, 0, 0, 149.990, 0, ORDER_FILLING_IOC, position, 0);
   Send(TRADE_ACTION_SLTP, "USDJPY", ORDER_TYPE_BUY, 0, 0, 149.960, 0, ORDER_FILLING_IOC, position, 0);
   Send(TRADE_ACTION_MODIFY, "USDJPY", ORDER_TYPE_BUY_LIMIT, 0.1, 149.900, 0, 0, ORDER_FILLING_RETURN, order, 0);
   Send(TRADE_ACTION_REMOVE, "USDJPY", ORDER_TYPE_BUY, 0, 0, 0, 0, ORDER_FILLING_RETURN, order, 0);
   Deal("USDJPY", ORDER_TYPE_SELL, 0.1, ORDER_FILLING_IOC, position);
"#,
    );
    let codes = codes(&terminal);
    assert_eq!(codes[..2], ["10009", "10009"]);
    assert_eq!(codes[2..6], ["10029"; 4], "near the level");
    assert_eq!(codes[6..8], ["10025", "10016"], "no change; too near");
    assert_eq!(codes[8..], ["10009"; 4], "far from it");
    assert!(terminal.truth("positions").is_empty() && terminal.truth("orders").is_empty());
}

#[test]
fn a_lost_answer_hides_a_deal_and_an_unsent_one_hides_none() {
    for (fault, code, deals) in [
        ("lost 10012", "10012", 1),
        ("lost 0", "0", 1),
        ("unsent 10031", "10031", 0),
        ("reject 10006", "10006", 0),
        ("requote", "10004", 0),
        ("changed", "10020", 0),
    ] {
        let terminal = run(
            &[&format!("fault {fault}")],
            "Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);\nPrint(g_r.order);",
        );
        assert_eq!(codes(&terminal)[0], code, "{fault}");
        assert_eq!(
            codes(&terminal)[1] == "0",
            code != "10009",
            "{fault}: no order is named"
        );
        assert_eq!(
            terminal.deals_of(4_611_686_018_427_387_911).len(),
            deals,
            "{fault}"
        );
    }
}

#[test]
fn a_late_execution_comes_after_the_answer() {
    let terminal = run(
        &["fault late 10012 300"],
        "Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);\nPrint(PositionsTotal());",
    );
    assert_eq!(codes(&terminal), ["10012", "0"]);
    terminal.await_line("txn 6 deal", SOON);
    assert_eq!(terminal.deals_of(4_611_686_018_427_387_911).len(), 1);
}

#[test]
fn the_history_can_come_later_than_the_deal() {
    let terminal = run(
        &["lag history 400"],
        r#"
   Deal("EURUSD", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);
   HistorySelect(0, TimeTradeServer() + 60);
   Print(HistoryDealsTotal(), " ", HistoryOrdersTotal());
   ulong until = GetTickCount64() + 450;
   while(GetTickCount64() < until) { }
   HistorySelect(0, TimeTradeServer() + 60);
   Print(HistoryDealsTotal(), " ", HistoryOrdersTotal(), " ", HistoryDealGetInteger(HistoryDealGetTicket(0), DEAL_MAGIC));
"#,
    );
    assert_eq!(
        codes(&terminal),
        ["10009", "0 0", "1 1 4611686018427387911"]
    );
}

#[test]
fn bars_may_come_short_at_first_use() {
    let terminal = run(
        &["late_history on"],
        r#"
   MqlRates r[];
   for(int i = 0; i < 3; i++) { int n = CopyRates("EURUSD", PERIOD_M5, 1, 100, r); Print(n, " ", SeriesInfoInteger("EURUSD", PERIOD_M5, SERIES_SYNCHRONIZED)); }
"#,
    );
    assert_eq!(codes(&terminal), ["-1 0", "50 0", "100 1"]);
}

#[test]
fn transactions_come_after_the_handler_and_in_no_fixed_order() {
    let order_of = |seed: &str| {
        let terminal = run(
            &[seed],
            "Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);\nPrint(\"returned\");",
        );
        terminal.sync();
        let logs = terminal.logs();
        let returned = logs.iter().position(|line| line == "returned").unwrap();
        let kinds: Vec<String> = logs
            .iter()
            .filter_map(|line| line.strip_prefix("txn "))
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .collect();
        assert!(
            logs.iter()
                .skip(returned)
                .filter(|line| line.starts_with("txn"))
                .count()
                == kinds.len(),
            "{logs:?}"
        );
        kinds
    };
    let first = order_of("seed 1");
    let mut sorted = first.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        ["0", "10", "2", "3", "6"],
        "ORDER_ADD, REQUEST, ORDER_DELETE, HISTORY_ADD, DEAL_ADD"
    );
    assert_eq!(first, order_of("seed 1"), "a seed repeats");
    assert!(
        (2..12).any(|seed| order_of(&format!("seed {seed}")) != first),
        "the order of arrival is not fixed"
    );
}

#[test]
fn the_broker_survives_the_terminal() {
    let mut terminal = run(
        &["account 1001 balance=5000 commission=7 kind=real"],
        "if(PositionsTotal() == 0) Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);\nPrint(\"positions \", PositionsTotal());",
    );
    let before = (
        terminal.truth("positions"),
        terminal.truth("deals"),
        terminal.truth("account")[0]["balance"].clone(),
    );
    terminal.kill9();
    terminal.restart();
    let again = (
        terminal.truth("positions"),
        terminal.truth("deals"),
        terminal.truth("account")[0]["balance"].clone(),
    );
    assert_eq!(before, again);
    assert_eq!(terminal.stat("sends"), 0, "a new terminal");
}

#[test]
fn margin_runs_out_and_the_broker_closes() {
    let terminal = run(
        &["account 1001 balance=1200", "price EURUSD 1.10000 1.10010"],
        "Deal(\"EURUSD\", ORDER_TYPE_BUY, 1.0, ORDER_FILLING_IOC, 0);",
    );
    assert_eq!(codes(&terminal), ["10009"]);
    terminal.cmd("price EURUSD 1.09000 1.09010");
    assert!(terminal.truth("positions").is_empty());
    assert_eq!(terminal.truth("deals")[1]["reason"], "6");
}

#[test]
fn comments_follow_the_brokers_rule() {
    for (rule, comment) in [("keep", "cid"), ("drop", ""), ("append:[x]", "cid[x]")] {
        let terminal = run(
            &[&format!("account 1001 comment={rule}")],
            "Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);",
        );
        assert_eq!(terminal.truth("positions")[0]["comment"], comment);
    }
    let terminal = run(
        &[],
        "MqlTradeRequest q = {};\nq.action = TRADE_ACTION_DEAL; q.symbol = \"EURUSD\"; q.volume = 0.1; q.type_filling = ORDER_FILLING_IOC; q.comment = \"1234567890123456789012345678901234567890\";\nPrint(OrderSend(q, g_r));",
    );
    assert_eq!(terminal.truth("positions")[0]["comment"].len(), 31);
}
