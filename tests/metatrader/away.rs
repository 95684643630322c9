//! The broker's limits, its clock, and what happens while the terminal is not connected to it.

use crate::broker::{codes, run};
use crate::emulated::SOON;

#[test]
fn limits_of_account_and_symbol() {
    let terminal = run(
        &[
            "account 1001 limit_orders=1 fifo=on",
            "symbol GBPUSD vlimit=0.3",
        ],
        r#"
   Send(TRADE_ACTION_PENDING, "EURUSD", ORDER_TYPE_BUY_LIMIT, 0.1, 1.05, 0, 0, ORDER_FILLING_RETURN, 0, 0);
   Send(TRADE_ACTION_PENDING, "EURUSD", ORDER_TYPE_BUY_LIMIT, 0.1, 1.04, 0, 0, ORDER_FILLING_RETURN, 0, 0);
   Deal("GBPUSD", ORDER_TYPE_BUY, 0.2, ORDER_FILLING_IOC, 0);
   ulong first = g_r.order;
   Deal("GBPUSD", ORDER_TYPE_BUY, 0.2, ORDER_FILLING_IOC, 0);
   Deal("GBPUSD", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);
   ulong second = g_r.order;
   Deal("GBPUSD", ORDER_TYPE_SELL, 0.1, ORDER_FILLING_IOC, second);
   Deal("GBPUSD", ORDER_TYPE_SELL, 0.2, ORDER_FILLING_IOC, first);
"#,
    );
    let codes = codes(&terminal);
    assert_eq!(codes[..5], ["10009", "10033", "10009", "10034", "10009"]);
    assert_eq!(codes[6], "10009", "the oldest may be closed");
    assert_eq!(codes[5], "10045", "another may not");
}

#[test]
fn an_account_without_hedging_refuses_the_other_side() {
    let terminal = run(
        &["account 1001 hedge=off"],
        "Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);\nDeal(\"EURUSD\", ORDER_TYPE_SELL, 0.1, ORDER_FILLING_IOC, 0);",
    );
    assert_eq!(codes(&terminal), ["10009", "10046"]);
}

#[test]
fn a_stop_limit_becomes_a_limit_and_an_old_order_expires() {
    let terminal = run(
        &["price EURUSD 1.10000 1.10010"],
        r#"
   MqlTradeRequest q = {};
   q.action = TRADE_ACTION_PENDING; q.symbol = "EURUSD"; q.volume = 0.1; q.type = ORDER_TYPE_BUY_STOP_LIMIT;
   q.price = 1.10100; q.stoplimit = 1.10050; q.type_filling = ORDER_FILLING_RETURN;
   Print(OrderSend(q, g_r));
   q.type = ORDER_TYPE_BUY_LIMIT; q.price = 1.09000; q.stoplimit = 0; q.type_time = ORDER_TIME_SPECIFIED;
   q.expiration = TimeTradeServer() + 100;
   Print(OrderSend(q, g_r));
   q.expiration = TimeTradeServer() - 1;
   bool late = OrderSend(q, g_r);
   Print(late, " ", g_r.retcode);
   q.symbol = "AUDUSD"; q.price = 0.6; q.expiration = TimeTradeServer() + 100;
   bool kind = OrderSend(q, g_r);
   Print(kind, " ", g_r.retcode);
"#,
    );
    assert_eq!(codes(&terminal), ["1", "1", "0 10022", "0 10022"]);
    terminal.cmd("price EURUSD 1.10090 1.10100");
    assert_eq!(terminal.truth("positions").len(), 0, "only armed");
    terminal.cmd("price EURUSD 1.10040 1.10050");
    assert_eq!(terminal.truth("positions")[0]["open"], "1.1005");
    terminal.cmd("clock shift 200");
    terminal.cmd("price EURUSD 1.10040 1.10050");
    assert!(terminal.truth("orders").is_empty());
    assert!(
        terminal
            .truth("history")
            .iter()
            .any(|order| order["state"] == "6"),
        "expired"
    );
}

#[test]
fn the_market_goes_on_while_the_terminal_is_away() {
    let terminal = run(
        &["price EURUSD 1.10000 1.10010"],
        r#"
   Send(TRADE_ACTION_DEAL, "EURUSD", ORDER_TYPE_BUY, 0.1, 0, 1.09000, 0, ORDER_FILLING_IOC, 0, 0);
   EventSetMillisecondTimer(10);
   return INIT_SUCCEEDED;
  }
int g_seen = -1;
void OnTimer()
  {
   HistorySelect(0, TimeTradeServer() + 600);
   int state = (int)TerminalInfoInteger(TERMINAL_CONNECTED) * 100 + PositionsTotal() * 10 + HistoryDealsTotal();
   if(state != g_seen) Print("state ", state);
   g_seen = state;
  }
int Unused()
  {
"#,
    );
    terminal.await_line("state 111", SOON);
    terminal.cmd("broker off");
    terminal.await_line("state 11", SOON);
    terminal.sync();
    let told = terminal.stat("transactions");
    terminal.cmd("price EURUSD 1.08900 1.08910");
    assert!(
        terminal.truth("positions").is_empty(),
        "the stop was executed by the broker"
    );
    terminal.cmd("broker on");
    terminal.await_line("state 102", SOON);
    assert_eq!(
        terminal.stat("transactions"),
        told,
        "nobody was told: transactions are hints"
    );
}

#[test]
fn a_connection_lost_during_an_order_hides_its_answer() {
    for (hook, deals) in [("OrderSend.broker", 0), ("OrderSend.after", 1)] {
        let terminal = run(
            &[&format!("hook {hook} 1 broker off")],
            "Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);",
        );
        assert_eq!(codes(&terminal), ["10031"], "{hook}");
        assert_eq!(terminal.truth("deals").len(), deals, "{hook}");
    }
}

#[test]
fn a_position_that_the_broker_opens_again_keeps_its_identifier() {
    let terminal = run(
        &[],
        "Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);",
    );
    let before = terminal.truth("positions")[0].clone();
    terminal.cmd(&format!("by_hand reopen {}", before["ticket"]));
    let after = &terminal.truth("positions")[0];
    assert_ne!(before["ticket"], after["ticket"]);
    assert_eq!(before["ident"], after["ident"]);
}

#[test]
fn a_position_closed_between_two_questions_is_gone() {
    let terminal = run(
        &["hook PositionGetTicket 2 by_hand close 5001"],
        r#"
   Deal("EURUSD", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);
   Deal("EURUSD", ORDER_TYPE_BUY, 0.2, ORDER_FILLING_IOC, 0);
   int n = PositionsTotal();
   for(int i = 0; i < n; i++) { ulong ticket = PositionGetTicket(i); Print(ticket); }
"#,
    );
    assert_eq!(codes(&terminal), ["10009", "10009", "5001", "0"]);
}

#[test]
fn an_answer_takes_its_time_and_the_queue_waits() {
    let terminal = run(
        &["latency 80000"],
        r#"
   ulong began = GetTickCount64();
   Deal("EURUSD", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0);
   Print(GetTickCount64() - began >= 79);
"#,
    );
    assert_eq!(codes(&terminal), ["10009", "1"]);
    assert!(terminal.stat("send_max_us") >= 79_000);
}

#[test]
fn a_request_that_the_broker_has_is_executed_though_the_terminal_died() {
    let mut terminal = run(
        &["fault late 10012 1500"],
        "if(!GlobalVariableCheck(\"sent\")) { GlobalVariableSet(\"sent\", 1); GlobalVariablesFlush(); Deal(\"EURUSD\", ORDER_TYPE_BUY, 0.1, ORDER_FILLING_IOC, 0); }\nPrint(\"positions \", PositionsTotal());",
    );
    terminal.kill9();
    terminal.restart();
    terminal.await_line("txn 6 deal", SOON);
    let deals = terminal.truth("deals");
    assert_eq!((deals.len(), deals[0]["vol"].as_str()), (1, "0.1"));
    terminal.kill9();
    terminal.restart();
    assert_eq!(terminal.truth("deals").len(), 1, "once");
}
