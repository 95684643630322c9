//! `stop-all` from a second process: everything closed, entries locked, over restarts and without any network.

use std::process::ExitStatus;
use std::time::Duration;

use fx_executor::practice::{SCALPER, Server};
use serde_json::json;

use super::executor::until;
use super::rig::{LONG, Rig, small_buy};

async fn stop_all(rig: &Rig, reason: &str) -> (ExitStatus, String) {
    let mut stop = rig.start(&["stop-all", "--reason", reason]).go();
    let status = stop.ends(Duration::from_secs(45)).await;
    (status, stop.printed())
}

async fn open_two(rig: &Rig) {
    for _ in 0..2 {
        let id = rig.send("OPEN_POSITION", small_buy()).await;
        rig.is_executed(&id, LONG).await;
    }
    assert_eq!(rig.ledger().open().len(), 2);
}

/// Nothing starts and nothing opens, and the platform is told why.
async fn is_latched(rig: &Rig, reason: &str) {
    let entries = rig.ledger().entries().len();
    let start = rig.world.activate(SCALPER).await.unwrap();
    let open = rig.send("OPEN_POSITION", small_buy()).await;
    let resume = rig.send("RESUME", json!({})).await;
    for id in [&start, &open, &resume] {
        let status = rig.final_status(id, LONG).await;
        assert_eq!(status, "failed", "{}", rig.message(id));
        assert!(
            rig.message(id).contains("emergency stop"),
            "{}",
            rig.message(id)
        );
    }
    assert!(
        rig.message(&open).contains(reason),
        "{}",
        rig.message(&open)
    );
    assert_eq!(rig.ledger().entries().len(), entries);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_stops_the_running_executor_for_good() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    open_two(&rig).await;
    let (status, text) = stop_all(&rig, "drill from a second process").await;
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(rig.ledger().open().is_empty(), "{text}");
    is_latched(&rig, "drill from a second process").await;
    executor.kill();
    let mut again = rig.subscribed().await;
    is_latched(&rig, "drill from a second process").await;

    // Nobody is there to type yes, so it stays on; with the word given it is lifted.
    for (arguments, code, told) in [
        (&["resume"][..], 0, "The emergency stop stays on"),
        (&["resume", "--lift-stop"][..], 1, "stays on"),
        (&["resume", "--lift-stop", "--yes"][..], 0, "has it"),
    ] {
        is_latched(&rig, "drill from a second process").await;
        let mut resume = rig.start(arguments).go();
        let status = resume.ends(LONG).await;
        let printed = resume.printed();
        assert_eq!(status.code(), Some(code), "{printed}");
        assert!(printed.contains(told), "{printed}");
    }
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    again.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_request_to_lift_never_ends_a_later_stop() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    let (status, text) = stop_all(&rig, "drill one").await;
    assert_eq!(status.code(), Some(0), "{text}");
    // As `resume --lift-stop` puts it down, and nobody has looked yet.
    std::fs::write(rig.data().join("lift-stop.request"), "fx-executor resume").unwrap();
    let (status, text) = stop_all(&rig, "drill two").await;
    assert_eq!(status.code(), Some(0), "{text}");
    is_latched(&rig, "drill").await;
    executor.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_without_a_running_executor_waits_for_the_next_start() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    open_two(&rig).await;
    executor.end_cleanly().await;
    let (status, text) = stop_all(&rig, "nobody home").await;
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(text.contains("latched"), "{text}");
    assert_eq!(rig.ledger().open().len(), 2, "nobody was there to close");
    let _executor = rig.subscribed().await;
    let closed = until(LONG, || rig.ledger().open().is_empty().then_some(())).await;
    assert!(closed.is_some(), "the stop did not complete by itself");
    is_latched(&rig, "nobody home").await;
}

/// Nobody who asked for a stop is told that it failed when the next start obeys it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_beside_a_journal_that_another_program_holds_is_latched() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    open_two(&rig).await;
    executor.end_cleanly().await;
    let lock = rusqlite::Connection::open(rig.data().join("journal.sqlite")).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let (status, text) = stop_all(&rig, "held").await;
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(
        text.contains("beside it") && text.contains("latched"),
        "{text}"
    );
    drop(lock);
    let _executor = rig.subscribed().await;
    let closed = until(LONG, || rig.ledger().open().is_empty().then_some(())).await;
    assert!(closed.is_some(), "the stop did not complete by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stop_needs_neither_platform_nor_pusher() {
    let rig = Rig::new().await;
    let _executor = rig.subscribed().await;
    open_two(&rig).await;
    for server in [Server::Platform, Server::Pusher] {
        rig.world.faults.freeze(server, true);
    }
    let (status, text) = stop_all(&rig, "no network").await;
    assert_eq!(status.code(), Some(0), "{text}");
    assert!(rig.ledger().open().is_empty(), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lift_that_nobody_took_lifts_no_later_stop() {
    let rig = Rig::new().await;
    let (status, text) = stop_all(&rig, "nobody home").await;
    assert_eq!(status.code(), Some(0), "{text}");
    std::fs::write(rig.data().join("lift-stop.request"), "from before").unwrap();
    let _executor = rig.subscribed().await;
    is_latched(&rig, "nobody home").await;
}

/// While another program holds the journal the engine takes a moment to hear of it; whoever asked was told that it was taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_that_was_taken_outlives_the_end_that_follows() {
    for killed in [true, false] {
        let rig = Rig::new().await;
        let mut executor = rig.subscribed().await;
        open_two(&rig).await;
        let journal = rusqlite::Connection::open(rig.data().join("journal.sqlite")).unwrap();
        journal.execute_batch("BEGIN IMMEDIATE").unwrap();
        rig.send("GET_STATUS", json!({})).await;
        let mut stop = rig.start(&["stop-all", "--reason", "taken"]).go();
        let request = rig.data().join("stop-all.request");
        let laid = until(LONG, || request.exists().then_some(())).await;
        assert!(laid.is_some(), "{}", stop.printed());
        until(LONG, || (!request.exists()).then_some(())).await;
        if killed {
            executor.kill();
        } else {
            executor.interrupt();
            executor.ends(LONG).await;
        }
        stop.kill();
        journal.execute_batch("ROLLBACK").unwrap();
        let mut again = rig.subscribed().await;
        let flat = until(LONG, || rig.ledger().open().is_empty().then_some(())).await;
        assert!(flat.is_some(), "killed: {killed}");
        is_latched(&rig, "taken").await;
        again.end_cleanly().await;
    }
}
