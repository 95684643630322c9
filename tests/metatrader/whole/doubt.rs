//! Nobody knows whether the broker did it: the order is looked for and never sent again.

use super::world::buy;
use super::{BOTH, LONG, Whole};

/// Executed at the broker, and the answer says something else or never comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_whose_answer_was_lost_is_found() {
    for kind in BOTH {
        let mut whole = Whole::start(kind).await;
        let mut expected = 0;
        for fault in [
            // Timeout and no connection: the broker did it all the same.
            "fault lost 10012",
            "fault lost 10031",
            // Carried out two seconds after the answer that nobody knows.
            "fault late 10012 2000",
            "lag history 1500",
        ] {
            whole.terminal.cmd(fault);
            if fault.starts_with("lag") {
                whole.terminal.cmd("fault lost 10012");
            }
            let id = whole.send("OPEN_POSITION", buy()).await;
            whole.platform.is_executed(&id, LONG).await;
            expected += 1;
            assert_eq!(whole.entries().len(), expected, "{kind:?} {fault}");
            assert_eq!(whole.terminal.stat("sends"), expected as i64, "{fault}");
        }
        whole.hears("Looking for it before anything else").await;
    }
}

/// The terminal dies between the broker's deed and the answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_terminal_that_dies_with_the_deal_done_is_asked_when_it_is_back() {
    for kind in BOTH {
        let mut whole = Whole::start(kind).await;
        whole.terminal.cmd("hook OrderSend.after 1 kill");
        let id = whole.send("OPEN_POSITION", buy()).await;
        whole.hears("Looking for it before anything else").await;
        whole.terminal.restart();
        whole.platform.is_executed(&id, LONG).await;
        assert_eq!(whole.entries().len(), 1, "{kind:?}");
    }
}

/// The executor dies between sending and hearing; the next one finds what it did.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_executor_that_dies_with_the_order_sent_finds_it() {
    for kind in BOTH {
        let mut whole = Whole::start(kind).await;
        whole.executor.end_cleanly().await;
        whole.executor = whole
            .platform
            .start(&["--headless"])
            .env("FX_EXECUTOR_FAILPOINT", "after-send")
            .go();
        whole.platform.is_subscribed().await;
        let id = whole.send("OPEN_POSITION", buy()).await;
        whole.executor.ends(LONG).await;
        // What may have been sent is believed absent after five minutes; here sooner.
        whole.executor = whole
            .platform
            .start(&["--headless"])
            .env("FX_EXECUTOR_LINK_LOOKS", "3,8")
            .go();
        // Whether the line left before the process died is chance; that what is told is what the broker did is not.
        let status = whole
            .platform
            .final_status(&id, std::time::Duration::from_secs(120))
            .await;
        let told = (status.as_str(), whole.entries().len());
        assert!(
            told == ("executed", 1) || told == ("failed", 0),
            "{kind:?}: {told:?}"
        );
    }
}
