//! What happens to our positions while nobody can tell: the broker is away, a transaction is lost, a swap gives another
//! ticket, the terminal starts again with an empty Market Watch.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::buy;
use super::{Kind, LONG, Whole};
use crate::emulated::Options;

fn yen() -> Value {
    json!({ "symbol": "USDJPY", "type": "SELL", "volume": 0.1, "stopLoss": 155 })
}

/// Waits until the program counts so many open positions.
async fn counts(whole: &Whole, positions: usize) {
    let began = std::time::Instant::now();
    loop {
        let status = whole.executes("GET_STATUS", json!({})).await;
        if status["openPositions"] == json!(positions) {
            return;
        }
        assert!(began.elapsed() < LONG, "{status}");
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happened_while_the_broker_was_away_is_read_when_it_is_back() {
    for mode in ["hedging", "netting"] {
        let options = Options::default().setup(&format!("account 1001 margin_mode={mode}"));
        let mut whole = Whole::with(Kind::Tcp, options).await;
        let ticket = whole.open(buy()).await;
        whole.terminal.cmd("broker off");
        whole.hears("no connection to its trade server").await;
        whole.terminal.cmd(&format!("by_hand close {ticket}"));
        whole.terminal.cmd("broker on");
        counts(&whole, 0).await;
        whole.hears("Deal ").await;
        assert_eq!(
            whole.executor.printed().matches("Deal ").count(),
            2,
            "{mode}"
        );
        whole.trading_says("on").await;
        whole.open(buy()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_no_transaction_tells_is_seen_all_the_same() {
    let mut whole = Whole::start(Kind::Tcp).await;
    let ticket = whole.open(buy()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    whole.terminal.cmd("chance lost_txn=1");
    whole.terminal.cmd(&format!("by_hand close {ticket}"));
    counts(&whole, 0).await;
    whole.hears("Deal ").await;
}

/// A broker that charges swap by closing and opening again: another ticket, the same identifier.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_with_another_ticket_is_still_ours_under_both() {
    for named in ["opening", "now"] {
        let mut whole = Whole::start(Kind::Tcp).await;
        let ticket = whole.open(buy()).await;
        whole.terminal.cmd(&format!("by_hand reopen {ticket}"));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now: u64 = whole.own_positions()[0]["ticket"].parse().unwrap();
        assert_ne!(now, ticket);
        whole.executor_again().await;
        counts(&whole, 1).await;
        let named = if named == "now" { now } else { ticket };
        whole
            .executes(
                "MODIFY_POSITION",
                json!({ "ticket": named, "stopLoss": 1.095 }),
            )
            .await;
        let closed = whole
            .executes("CLOSE_POSITION", json!({ "ticket": named }))
            .await;
        let message = closed["message"].as_str().unwrap();
        assert!(message.starts_with("1 position closed"), "{message}");
        assert!(whole.own_positions().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_that_gets_another_ticket_under_its_close_is_closed() {
    for hook in ["OrderSend", "PositionSelectByTicket"] {
        let whole = Whole::start(Kind::Tcp).await;
        let ticket = whole.open(buy()).await;
        whole
            .terminal
            .cmd(&format!("hook {hook} 1 by_hand reopen {ticket}"));
        whole
            .executes("CLOSE_POSITION", json!({ "ticket": ticket }))
            .await;
        assert!(whole.own_positions().is_empty(), "{hook}");
        assert_eq!(whole.exits().len(), 1, "{hook}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_outside_the_market_watch_can_be_closed() {
    let mut whole = Whole::start(Kind::Tcp).await;
    let ticket = whole.open(yen()).await;
    whole.terminal.kill9();
    whole.hears("Terminal lost").await;
    whole.terminal.restart();
    whole.comes_up().await;
    whole
        .executes("CLOSE_POSITION", json!({ "ticket": ticket }))
        .await;
    assert!(whole.own_positions().is_empty());
}

/// While the terminal is busy with one order, the next one is only checked: a stop or a pause overtakes it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_was_only_checked_is_not_sent_after_a_stop_or_a_pause() {
    for what in ["stop", "pause"] {
        let whole = Whole::start(Kind::Tcp).await;
        whole.terminal.cmd("latency 4000000");
        let first = whole.send("OPEN_POSITION", buy()).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        let second = whole.send("OPEN_POSITION", yen()).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
        if what == "stop" {
            whole.platform.world.emergency_stop("drill").await.unwrap();
        } else {
            whole.executes("PAUSE", json!({})).await;
        }
        let reason = whole.is_failed(&second).await;
        assert!(reason.contains("withdrawn before it was sent"), "{reason}");
        whole.terminal.cmd("latency 20000");
        whole.is_executed(&first).await;
        let opened = whole.entries();
        assert!(
            opened.iter().all(|deal| deal["sym"] == "EURUSD"),
            "{what}: {opened:?}"
        );
        drop(whole);
    }
}

/// The trader sets a stop, and a command that names the target alone arrives before the list shows it, or while the
/// terminal is busy with another order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_that_names_the_target_leaves_the_traders_stop() {
    for busy in [false, true] {
        let whole = Whole::start(Kind::Tcp).await;
        let open = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 });
        let ticket = whole.open(open).await;
        counts(&whole, 1).await;
        let hand = format!("by_hand sltp {ticket} sl=1.0985 tp=0");
        if busy {
            whole.terminal.cmd("latency 1500000");
            whole
                .terminal
                .cmd(&format!("hook OrderSend.broker 1 {hand}"));
            let sends = whole.terminal.stat("sends");
            whole.send("OPEN_POSITION", yen()).await;
            let began = std::time::Instant::now();
            while whole.terminal.stat("sends") == sends {
                assert!(began.elapsed() < LONG, "the order is not sent");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        } else {
            whole.terminal.cmd("chance lost_txn=1");
            whole.terminal.cmd(&hand);
            whole.terminal.cmd("chance lost_txn=0");
        }
        let change = json!({ "ticket": ticket, "takeProfit": 1.2 });
        whole.executes("MODIFY_POSITION", change).await;
        let position = whole.position(ticket).unwrap();
        assert_eq!(position["sl"].parse(), Ok(1.0985), "{position:?}");
        assert_eq!(position["tp"].parse(), Ok(1.2), "{position:?}");
    }
}
