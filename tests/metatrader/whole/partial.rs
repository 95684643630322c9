//! Half of an order is filled and the rest stays working at the exchange (RETURN): nothing of it may come later.

use serde_json::json;

use super::executor::until;
use super::{Kind, LONG, Whole, is_own};
use crate::emulated::Options;

/// An exchange symbol that takes RETURN alone.
fn options(account: &str) -> Options {
    Options::default()
        .setup(account)
        .setup("symbol DE40 fill=0")
        .setup("price DE40 18000 18001")
}

const HALF: &str = "fault partial 10010 0.5";
const ACCOUNTS: [&str; 2] = [
    "account 1001 margin_mode=hedging",
    "account 1001 margin_mode=netting",
];

fn working(whole: &Whole) -> usize {
    let orders = whole.terminal.truth("orders");
    orders.iter().filter(|order| is_own(order)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_rest_of_an_opening_is_cancelled_and_the_half_is_told() {
    let whole = Whole::with(Kind::Tcp, options(ACCOUNTS[0])).await;
    whole.terminal.cmd(HALF);
    let order = json!({"symbol": "DE40", "type": "BUY", "volume": 1.0, "stopLoss": 17900});
    let result = whole.executes("OPEN_POSITION", order).await;
    assert!(
        result["message"].as_str().unwrap().contains("BUY 0.5 DE40"),
        "{result}"
    );
    assert_eq!(working(&whole), 0, "{}", whole.terminal.picture());
    assert_eq!(whole.own_positions().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_closed_position_is_closed_and_nothing_comes_after_it() {
    for account in ACCOUNTS {
        let whole = Whole::with(Kind::Tcp, options(account)).await;
        let order = json!({"symbol": "DE40", "type": "BUY", "volume": 1.0, "stopLoss": 17900});
        let ticket = whole.open(order).await;
        whole.terminal.cmd(HALF);
        whole
            .executes("CLOSE_POSITION", json!({"ticket": ticket}))
            .await;
        assert!(whole.own_positions().is_empty(), "{account}");
        assert_eq!(working(&whole), 0, "{}", whole.terminal.picture());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_emergency_stop_leaves_no_rest() {
    for account in ACCOUNTS {
        let whole = Whole::with(Kind::Tcp, options(account)).await;
        let order = json!({"symbol": "DE40", "type": "BUY", "volume": 1.0, "stopLoss": 17900});
        whole.open(order).await;
        whole.terminal.cmd(HALF);
        let id = whole.platform.world.emergency_stop("drill").await.unwrap();
        whole.platform.is_executed(&id, LONG).await;
        assert!(whole.own_positions().is_empty(), "{account}");
        assert_eq!(working(&whole), 0, "{}", whole.terminal.picture());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_closes_the_oldest_first_is_emptied() {
    let whole = Whole::with(Kind::Tcp, Options::default().setup("account 1001 fifo=1")).await;
    for _ in 0..7 {
        whole.open(super::world::buy()).await;
    }
    let id = whole.platform.world.emergency_stop("drill").await.unwrap();
    whole.platform.is_executed(&id, LONG).await;
    assert!(whole.own_positions().is_empty());
    assert_eq!(whole.exits().len(), 7, "each is closed once");
}

/// The terminal dies after the half fill, before its rest can be cancelled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rest_that_a_crash_left_at_work_is_cancelled() {
    let mut whole = Whole::with(Kind::Tcp, options(ACCOUNTS[0])).await;
    whole.terminal.cmd(HALF);
    whole.terminal.cmd("hook OrderSend.after 1 kill");
    let order = json!({"symbol": "DE40", "type": "BUY", "volume": 1.0, "stopLoss": 17900});
    let id = whole.send("OPEN_POSITION", order).await;
    let died = until(LONG, || (!whole.terminal.is_alive()).then_some(())).await;
    assert!(died.is_some(), "the hook was not reached");
    whole.terminal.restart();
    assert_eq!(working(&whole), 1, "{}", whole.terminal.picture());
    let gone = until(LONG, || (working(&whole) == 0).then_some(())).await;
    assert!(gone.is_some(), "{}", whole.terminal.picture());
    whole.platform.is_executed(&id, LONG).await;
    assert_eq!(whole.entries().len(), 1);
}

/// Nobody is there to ask for it: the Expert Advisor cancels it by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rest_is_cancelled_though_the_executor_is_away() {
    let mut whole = Whole::with(Kind::Tcp, options(ACCOUNTS[0])).await;
    whole.terminal.cmd(HALF);
    whole.terminal.cmd("hook OrderSend.after 1 kill");
    let order = json!({"symbol": "DE40", "type": "BUY", "volume": 1.0, "stopLoss": 17900});
    whole.send("OPEN_POSITION", order).await;
    let died = until(LONG, || (!whole.terminal.is_alive()).then_some(())).await;
    assert!(died.is_some(), "the hook was not reached");
    whole.executor.kill();
    whole.terminal.restart();
    assert_eq!(working(&whole), 1, "{}", whole.terminal.picture());
    let gone = until(LONG, || (working(&whole) == 0).then_some(())).await;
    assert!(gone.is_some(), "{}", whole.terminal.picture());
}

/// A change leaves no deal that could be searched for; the book shows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_was_lost_is_reported_as_done() {
    let whole = Whole::start(Kind::Tcp).await;
    let ticket = whole.open(super::world::buy()).await;
    whole.terminal.cmd("fault lost 10012");
    let change = json!({"ticket": ticket, "stopLoss": 1.095});
    whole.executes("MODIFY_POSITION", change).await;
    assert_eq!(
        whole.own_positions()[0]["sl"].trim_end_matches('0'),
        "1.095"
    );
}
