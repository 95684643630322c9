//! Another account under the terminal, and real money: nothing opens before a person says so.

use serde_json::json;

use super::world::buy;
use super::{BOTH, Kind, LONG, Whole};
use crate::emulated::Options;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_account_stops_entries_until_a_person_resumes() {
    for kind in BOTH {
        let options = Options::default().setup("account 2002 balance=5000 kind=demo");
        let mut whole = Whole::with(kind, options).await;
        let ticket = whole.open(buy()).await;
        whole.terminal.cmd("login 2002");
        whole.hears("account 2002 on Broker-Demo").await;
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
        whole.hears("account 1001 on Broker-Demo").await;
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
