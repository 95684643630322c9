//! Another account under the terminal, and real money: nothing opens before a person says so.

use std::time::Duration;

use serde_json::json;

use super::world::{buy, is};
use super::{BOTH, Kind, LONG, Whole};
use crate::emulated::Options;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_account_stops_entries_until_a_person_resumes() {
    for kind in BOTH {
        let options = Options::default().setup("account 2002 balance=5000 kind=demo");
        let mut whole = Whole::with(kind, options).await;
        let ticket = whole.open(buy()).await;
        whole.terminal.cmd("login 2002");
        whole
            .hears("Terminal connected: account …002 on Broker-Demo")
            .await;
        let words =
            "the terminal is logged in to account …002 on Broker-Demo now, before it was …001";
        whole.trading_says(words).await;
        let reason = whole.fails_to_open().await;
        assert!(reason.contains(words), "{reason}");
        // The platform cannot wave it through.
        let reason = whole.fails("RESUME", json!({})).await;
        assert!(reason.contains("only a person at the executor"), "{reason}");
        assert!(whole.terminal.truth("deals 2002").is_empty());

        whole.terminal.cmd("login 1001");
        whole
            .hears("Terminal connected: account …001 on Broker-Demo")
            .await;
        assert!(whole.position(ticket).is_some());
        whole
            .executes("CLOSE_POSITION", json!({"ticket": ticket}))
            .await;
        let reason = whole.fails_to_open().await;
        assert!(reason.contains("trading is paused"), "{reason}");
        let mut resume = whole.platform.start(&["resume", "--yes"]).go();
        let status = resume.ends(LONG).await;
        assert_eq!(status.code(), Some(0), "{}", resume.printed());
        whole.trading_says("on").await;
        whole.open(buy()).await;
        assert_eq!(whole.entries().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_money_waits_for_a_confirmation() {
    let options = Options::default().setup("account 1001 kind=real");
    let whole = Whole::with(Kind::Pipe, options).await;
    let reason = whole.fails_to_open().await;
    assert!(
        reason.contains("account …001 on Broker-Demo holds real money; allow trading on it once"),
        "{reason}"
    );
    assert!(whole.terminal.truth("deals").is_empty());
    assert_eq!(whole.terminal.stat("sends"), 0);
}

/// A second opening would merge with the first and take the place of its stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_netting_account_holds_one_position_of_a_symbol() {
    let options = Options::default().setup("account 1001 margin_mode=netting");
    let whole = Whole::with(Kind::Tcp, options).await;
    let ticket = whole.open(buy()).await;
    let reason = whole.fails_to_open().await;
    assert!(
        reason.contains("this is a netting account and EURUSD already has position"),
        "{reason}"
    );
    let other = json!({"symbol": "USDJPY", "type": "SELL", "volume": 0.1, "stopLoss": 155});
    whole.open(other).await;
    whole
        .executes("CLOSE_POSITION", json!({"ticket": ticket}))
        .await;
    assert!(whole.position(ticket).is_none());
    assert_eq!((whole.entries().len(), whole.exits().len()), (2, 1));
}

async fn netting() -> Whole {
    let options = Options::default().setup("account 1001 margin_mode=netting");
    Whole::with(Kind::Tcp, options).await
}

/// What the trader does by hand, and time for it to be told.
async fn by_hand(whole: &Whole, words: &str) {
    whole.terminal.cmd(&format!("by_hand {words}"));
    tokio::time::sleep(Duration::from_secs(1)).await;
}

/// The only position has so many lots.
fn holds_only(whole: &Whole, lots: f64) -> bool {
    let positions = whole.terminal.truth("positions");
    positions.len() == 1 && is(&positions[0], "vol", lots)
}

/// The trader adds to what is ours: closing and the emergency stop take ours and leave his, over a restart too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_netting_account_the_traders_own_lots_stay() {
    let mut whole = netting().await;
    let ticket = whole.open(buy()).await;
    by_hand(&whole, "buy EURUSD 1.0").await;
    let result = whole
        .executes("CLOSE_POSITION", json!({"ticket": ticket}))
        .await;
    let message = result["message"].as_str().unwrap();
    assert!(
        message.contains("1 position closed") && message.contains("0.1 lots closed at"),
        "{message}"
    );
    assert!(message.contains("are not ours and stay"), "{message}");
    assert!(holds_only(&whole, 1.0), "{}", whole.terminal.picture());
    let reason = whole
        .fails("CLOSE_POSITION", json!({"ticket": ticket}))
        .await;
    assert!(reason.contains("is left alone"), "{reason}");

    by_hand(&whole, &format!("close {ticket}")).await;
    whole.open(buy()).await;
    by_hand(&whole, "buy EURUSD 0.5").await;
    by_hand(&whole, "sell EURUSD 0.04").await;
    whole.executor_again().await;
    let id = whole.platform.world.emergency_stop("drill").await.unwrap();
    let result = whole.is_executed(&id).await;
    let message = result["message"].as_str().unwrap();
    assert!(
        message.contains("0.1 lots closed at")
            && message.contains("the 0.46 lots there are not ours and stay"),
        "{message}"
    );
    assert!(holds_only(&whole, 0.46), "{}", whole.terminal.picture());
}

/// He turns it round as our close arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_netting_account_a_turned_position_is_not_called_closed() {
    let whole = netting().await;
    let ticket = whole.open(buy()).await;
    whole
        .terminal
        .cmd("hook PositionSelectByTicket 1 by_hand sell EURUSD 1.0");
    let close = whole
        .send("CLOSE_POSITION", json!({"ticket": ticket}))
        .await;
    let status = whole.platform.final_status(&close, LONG).await;
    let message = whole.platform.message(&close);
    // Only the order meets it, or it is in sight by then: the same position by its identifier, and all of it his.
    let met = status == "executed" && message.starts_with("nothing was closed");
    let seen = status == "failed" && message.starts_with("nothing of position");
    assert!(met || seen, "{status}: {message}");
    // Nothing of ours: there is nothing more to do either.
    let result = whole.executes("CLOSE_ALL_POSITIONS", json!({})).await;
    let message = result["message"].as_str().unwrap();
    assert!(message.contains("nothing to close"), "{message}");
}

/// He sells just before our order to buy arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_netting_account_an_opening_that_opened_nothing_says_so() {
    let whole = netting().await;
    whole
        .terminal
        .cmd("hook OrderSend 1 by_hand sell EURUSD 0.3");
    let reason = whole.fails_to_open().await;
    assert!(
        reason.contains("it only reduced a SELL position that somebody else had opened"),
        "{reason}"
    );
    let result = whole.executes("CLOSE_ALL_POSITIONS", json!({})).await;
    let message = result["message"].as_str().unwrap();
    assert!(message.contains("nothing to close"), "{message}");
    assert!(holds_only(&whole, 0.2), "{}", whole.terminal.picture());
}

/// What is open on the account that the terminal left is neither closed nor forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_on_the_account_that_was_left_is_not_called_closed() {
    let options = Options::default().setup("account 2002 balance=5000 kind=demo");
    let mut whole = Whole::with(Kind::Pipe, options).await;
    let ticket = whole.open(buy()).await;
    whole.terminal.cmd("login 2002");
    whole
        .hears("Terminal connected: account …002 on Broker-Demo")
        .await;
    let left = format!(
        "position #{ticket} is on account …001 on Broker-Demo, and the terminal is logged in to …002 on Broker-Demo"
    );
    let close = whole
        .send("CLOSE_POSITION", json!({"ticket": ticket}))
        .await;
    let all = whole.send("CLOSE_ALL_POSITIONS", json!({})).await;
    let stop = whole.platform.world.emergency_stop("drill").await.unwrap();
    whole.trading_says("the emergency stop is on").await;
    let status = whole.executes("GET_STATUS", json!({})).await;
    let message = status["message"].as_str().unwrap();
    assert!(message.contains(&left), "{message}");
    assert!(whole.exits().is_empty());

    // It is known after a restart, too.
    whole.executor_again().await;
    whole.terminal.cmd("login 1001");
    for id in [&close, &all, &stop] {
        whole.is_executed(id).await;
    }
    assert!(whole.own_positions().is_empty());
    assert_eq!(whole.exits().len(), 1);
}
