//! The terminal's lists are later than its answers: nothing may be done twice by them.

use serde_json::json;

use super::rig::Rig;
use super::world::buy;
use super::{Kind, LONG, Whole};
use crate::emulated::Options;

const ACCOUNTS: [&str; 2] = [
    "account 1001 margin_mode=hedging",
    "account 1001 margin_mode=netting",
];
/// Milliseconds: less than a round trip of ours takes, and much more.
const LAGS: [u32; 3] = [20, 300, 1_500];

async fn with_position(account: &str, lag: u32) -> (Whole, u64) {
    let whole = Whole::with(Kind::Tcp, Options::default().setup(account)).await;
    let ticket = whole.open(buy()).await;
    // The list of positions has it before the lists become late.
    let began = std::time::Instant::now();
    loop {
        let status = whole.executes("GET_STATUS", json!({})).await;
        if status["message"]
            .as_str()
            .unwrap()
            .contains("1 position open")
        {
            break;
        }
        assert!(began.elapsed() < LONG, "{status}");
    }
    whole.terminal.cmd(&format!("lag book {lag}"));
    (whole, ticket)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_is_closed_once() {
    for account in ACCOUNTS {
        for lag in LAGS {
            let (whole, ticket) = with_position(account, lag).await;
            whole
                .executes("CLOSE_POSITION", json!({ "ticket": ticket }))
                .await;
            assert!(whole.own_positions().is_empty(), "{account}, {lag} ms");
            assert_eq!(whole.entries().len(), 1, "{account}, {lag} ms");
            assert_eq!(whole.exits().len(), 1, "{account}, {lag} ms");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_emergency_stop_closes_each_once() {
    for account in ACCOUNTS {
        for lag in LAGS {
            let (whole, _) = with_position(account, lag).await;
            let id = whole.platform.world.emergency_stop("late").await.unwrap();
            Rig::is_executed(&whole.platform, &id, LONG).await;
            assert!(whole.own_positions().is_empty(), "{account}, {lag} ms");
            assert_eq!(whole.exits().len(), 1, "{account}, {lag} ms");
        }
    }
}

/// A netting account takes one position a symbol.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_opening_sees_the_first() {
    for lag in LAGS {
        let whole = Whole::with(Kind::Tcp, Options::default().setup(ACCOUNTS[1])).await;
        whole.terminal.cmd(&format!("lag book {lag}"));
        whole.open(buy()).await;
        let reason = whole.fails_to_open().await;
        assert!(reason.contains("netting account"), "{lag} ms: {reason}");
        assert_eq!(whole.entries().len(), 1, "{lag} ms");
    }
}

/// Longer than anybody has patience with a list: what was opened is open all the same, and is closed when it can be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_opened_is_never_called_closed() {
    tokio::join!(
        is_never_called_closed(ACCOUNTS[0]),
        is_never_called_closed(ACCOUNTS[1])
    );
}

async fn is_never_called_closed(account: &str) {
    let whole = Whole::with(Kind::Tcp, Options::default().setup(account)).await;
    whole.terminal.cmd("lag book 16000");
    let ticket = whole.open(buy()).await;
    tokio::time::sleep(std::time::Duration::from_secs(12)).await;
    if account == ACCOUNTS[1] {
        let reason = whole.fails_to_open().await;
        assert!(reason.contains("netting account"), "{reason}");
    }
    let all = whole.send("CLOSE_ALL_POSITIONS", json!({})).await;
    let status = whole.platform.final_status(&all, 2 * LONG).await;
    let message = whole.platform.message(&all);
    assert_eq!(status, "executed", "{account}: {message}");
    assert!(
        message.contains(&ticket.to_string()),
        "{account}: {message}"
    );
    assert!(whole.own_positions().is_empty(), "{account}: {message}");
    assert_eq!(whole.entries().len(), 1, "{account}");
    assert_eq!(whole.exits().len(), 1, "{account}");
}

/// What is awaited of a list is known after a restart, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_nothing_that_no_list_has_shown() {
    for account in ACCOUNTS {
        let mut whole = Whole::with(Kind::Tcp, Options::default().setup(account)).await;
        whole.terminal.cmd("lag book 5000");
        whole.open(buy()).await;
        whole.executor_again().await;
        let all = whole.send("CLOSE_ALL_POSITIONS", json!({})).await;
        let status = whole.platform.final_status(&all, 2 * LONG).await;
        let message = whole.platform.message(&all);
        assert_eq!(status, "executed", "{account}: {message}");
        assert!(
            message.contains("1 position closed"),
            "{account}: {message}"
        );
        assert!(whole.own_positions().is_empty(), "{account}: {message}");
    }
}
