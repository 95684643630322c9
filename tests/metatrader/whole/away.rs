//! Expert Advisor, terminal and executor go and come back: positions are adopted, orders wait or end with a reason.

use serde_json::json;

use super::world::{buy, is};
use super::{BOTH, Kind, LONG, Whole};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reloaded_expert_advisor_comes_back_by_itself() {
    for kind in BOTH {
        let mut whole = Whole::start(kind).await;
        let ticket = whole.open(buy()).await;
        whole.terminal.reload();
        whole
            .hears("is being loaded anew; it comes back by itself")
            .await;
        whole.comes_up().await;
        whole
            .executes("CLOSE_POSITION", json!({"ticket": ticket}))
            .await;
        whole.open(buy()).await;
        assert_eq!((whole.entries().len(), whole.exits().len()), (2, 1));
    }
}

/// Killed with positions open; meanwhile one is closed at the broker and the stop of another is moved by hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_died_is_taken_up_as_it_is() {
    for kind in BOTH {
        let mut whole = Whole::start(kind).await;
        let (kept, gone) = (whole.open(buy()).await, whole.open(buy()).await);
        whole.terminal.kill9();
        whole.hears("is MetaTrader 5 still running").await;
        let waiting = whole.send("OPEN_POSITION", buy()).await;
        whole.terminal.restart();
        whole.comes_up().await;
        whole.is_executed(&waiting).await;
        assert_eq!(whole.entries().len(), 3);
        whole.terminal.cmd(&format!("by_hand close {gone}"));
        whole
            .terminal
            .cmd(&format!("by_hand sltp {kept} sl=1.08 tp=1.2"));
        // The stop that somebody set stays when only the other level is changed.
        whole.forget();
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let change = json!({"ticket": kept, "takeProfit": 1.3});
        whole.executes("MODIFY_POSITION", change).await;
        let position = whole.position(kept).unwrap();
        assert!(is(&position, "sl", 1.08), "{position:?}");
        assert!(is(&position, "tp", 1.3), "{position:?}");
        let result = whole
            .executes("CLOSE_POSITION", json!({"ticket": gone}))
            .await;
        let message = result["message"].as_str().unwrap();
        assert!(message.contains("is not open (any more)"), "{message}");
        whole.executes("CLOSE_ALL_POSITIONS", json!({})).await;
        assert!(whole.own_positions().is_empty());
        assert_eq!(whole.entries().len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_that_died_adopts_its_positions() {
    let mut whole = Whole::start(Kind::Pipe).await;
    let ticket = whole.open(buy()).await;
    whole.executor_again().await;
    let status = whole.executes("GET_STATUS", json!({})).await;
    assert_eq!(status["openPositions"], 1);
    whole
        .executes("CLOSE_POSITION", json!({"ticket": ticket}))
        .await;
    whole.executor.end_cleanly().await;
    assert_eq!((whole.entries().len(), whole.exits().len()), (1, 1));
}

/// A frozen terminal is noticed by its silence; thawed, it is taken up again and nothing was done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_terminal_is_noticed_and_comes_back() {
    let mut whole = Whole::start(Kind::Tcp).await;
    whole.open(buy()).await;
    whole.terminal.freeze();
    whole
        .hears("was silent for 5 s; is MetaTrader 5 frozen")
        .await;
    let waiting = whole.send("OPEN_POSITION", buy()).await;
    whole
        .trading_says("the terminal is away: the Expert Advisor was silent")
        .await;
    whole.terminal.thaw();
    whole.comes_up().await;
    whole.platform.is_executed(&waiting, LONG).await;
    assert_eq!(whole.entries().len(), 2);
}
