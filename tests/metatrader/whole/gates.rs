//! What keeps an order from passing is named in the platform's answer; closing goes on as soon as it can.

use std::time::Duration;

use serde_json::json;

use super::world::buy;
use super::{BOTH, Kind, LONG, Whole};
use crate::emulated::Options;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_switch_that_is_off_is_named() {
    for kind in BOTH {
        let mut whole = Whole::start(kind).await;
        for (off, on, words) in [
            (
                "algo off",
                "algo on",
                "Algo Trading button is off; press it",
            ),
            (
                "expert off",
                "expert on",
                "press F7 on its chart and tick Allow Algo Trading",
            ),
            (
                "account 1001 trade=0",
                "account 1001 trade=1",
                "the broker does not allow trading on this account",
            ),
            (
                "account 1001 expert=0",
                "account 1001 expert=1",
                "does not allow Expert Advisors",
            ),
        ] {
            whole.terminal.cmd(off);
            whole.hears("No orders can pass").await;
            whole.trading_says(words).await;
            let reason = whole.fails_to_open().await;
            assert!(reason.contains(words), "{off}: {reason}");
            assert_eq!(whole.entries().len(), 0);
            whole.terminal.cmd(on);
            whole.trading_says("on").await;
        }
        whole.open(buy()).await;
    }
}

/// Pressed again while a close waits: the close happens, once, by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_waits_for_the_algo_button() {
    let mut whole = Whole::start(Kind::Pipe).await;
    let ticket = whole.open(buy()).await;
    whole.terminal.cmd("algo off");
    whole.hears("No orders can pass").await;
    let close = whole.send("CLOSE_ALL_POSITIONS", json!({})).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(whole.position(ticket).is_some());
    whole.terminal.cmd("algo on");
    whole.is_executed(&close).await;
    assert_eq!(whole.exits().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_trade_server_nothing_opens_and_closing_waits() {
    let mut whole = Whole::start(Kind::Tcp).await;
    let ticket = whole.open(buy()).await;
    whole.terminal.cmd("broker off");
    whole.hears("no connection to its trade server").await;
    whole
        .trading_says("no connection to its trade server")
        .await;
    let reason = whole.fails_to_open().await;
    assert!(
        reason.contains("no connection to its trade server"),
        "{reason}"
    );
    let close = whole
        .send("CLOSE_POSITION", json!({"ticket": ticket}))
        .await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    whole.terminal.cmd("broker on");
    whole.is_executed(&close).await;
    whole.trading_says("on").await;
    whole.open(buy()).await;
    assert_eq!((whole.entries().len(), whole.exits().len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_market_is_told_with_its_opening() {
    // Thursday was day 4 of the epoch's first week.
    let today = (jiff::Timestamp::now().as_second() / 86_400 + 4) % 7;
    let weekend = (today + 3) % 7;
    let sessions = format!("symbol GBPUSD tsess={weekend}:0:1440 qsess={weekend}:0:1440");
    let whole = Whole::with(Kind::Pipe, Options::default().setup(&sessions)).await;
    let order = json!({"symbol": "GBPUSD", "type": "BUY", "volume": 0.1});
    let reason = whole.fails("OPEN_POSITION", order).await;
    assert!(
        reason.contains("the market for GBPUSD is closed and opens in"),
        "{reason}"
    );
    assert!(whole.entries().is_empty());
    // Another market is open.
    whole.open(buy()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_money_and_a_wrong_stop_are_told_before_anything_is_sent() {
    let options = Options::default().setup("account 1001 balance=200");
    let whole = Whole::with(Kind::Tcp, options).await;
    let sends = whole.terminal.stat("sends");
    let order = json!({"symbol": "EURUSD", "type": "BUY", "volume": 5, "stopLoss": 1.09});
    let reason = whole.fails("OPEN_POSITION", order).await;
    assert!(reason.contains("10019"), "{reason}");
    let order = json!({"symbol": "USDJPY", "type": "BUY", "volume": 0.01, "stopLoss": 151.0});
    let reason = whole.fails("OPEN_POSITION", order).await;
    assert!(
        reason.contains("the stop loss is on the wrong side of the price"),
        "{reason}"
    );
    let order = json!({"symbol": "USDJPY", "type": "BUY", "volume": 0.01, "stopLoss": 149.99});
    let reason = whole.fails("OPEN_POSITION", order).await;
    assert!(reason.contains("10016"), "{reason}");
    assert_eq!(whole.terminal.stat("sends"), sends);
    // A requote is answered by a new order, inside the deviation.
    whole.terminal.cmd("fault requote");
    let order = json!({"symbol": "EURUSD", "type": "BUY", "volume": 0.01, "stopLoss": 1.09});
    let id = whole.send("OPEN_POSITION", order).await;
    whole.platform.is_executed(&id, LONG).await;
    assert_eq!(whole.entries().len(), 1);
}
