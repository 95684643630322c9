//! The disk is full, the database locked or damaged: entries stop, the trader is told, nothing acknowledged is lost, and it
//! recovers by itself.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::executor::{Executor, until};
use super::ledger::{journal_file, lives};
use super::rig::{LONG, Rig, is_final, small_buy};

const STOPPED: &str = "The journal cannot be written";
const RECOVERED: &str = "The journal can be written again";

async fn open_one(rig: &Rig) -> String {
    let id = rig.send("OPEN_POSITION", small_buy()).await;
    rig.is_executed(&id, LONG).await;
    id
}

/// No file of this process may grow beyond so many bytes: a full disk, for a test without a disk of its own.
fn limit_files(executor: &Executor, bytes: &str) {
    let limited = Command::new("prlimit")
        .args([
            format!("--pid={}", executor.pid()),
            format!("--fsize={bytes}:unlimited"),
        ])
        .status()
        .unwrap();
    assert!(limited.success());
}

fn wal_size(rig: &Rig) -> u64 {
    let mut name = journal_file(&rig.data()).into_os_string();
    name.push("-wal");
    fs::metadata(name).map_or(0, |metadata| metadata.len())
}

/// Every command was received once, ended once, and the platform has it.
fn each_once(rig: &Rig) {
    let lives = lives(&rig.data());
    for row in rig.world.command_rows() {
        let life = lives.get(&row.id).copied().unwrap_or_default();
        assert_eq!((life.received, life.ended), (1, 1), "{row:?}");
        assert!(is_final(&row.status), "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_stops_entries_and_loses_nothing() {
    let rig = Rig::new().await;
    let mut executor = rig.start_surviving_full_disks();
    rig.is_subscribed().await;
    let mut done = 0;
    // The journal must be the file that meets the limit first.
    while wal_size(&rig) < 128 * 1_024 {
        open_one(&rig).await;
        done += 1;
    }
    limit_files(&executor, &wal_size(&rig).to_string());
    let first = rig.send("OPEN_POSITION", small_buy()).await;
    executor.says(STOPPED, LONG).await;
    let second = rig.send("OPEN_POSITION", small_buy()).await;
    executor
        .says(
            "A command arrived while the journal cannot be written",
            LONG,
        )
        .await;
    for id in [&first, &second] {
        assert_eq!(rig.world.command_row(id).unwrap().status, "pending");
    }
    assert_eq!(
        rig.ledger().entries().len(),
        done,
        "opened without a journal"
    );

    limit_files(&executor, "unlimited");
    executor.says(RECOVERED, LONG).await;
    for id in [&first, &second] {
        rig.is_executed(id, LONG).await;
    }
    assert_eq!(rig.ledger().entries().len(), done + 2);

    // The same, but the program dies while the disk is full.
    limit_files(&executor, &wal_size(&rig).to_string());
    let third = rig.send("OPEN_POSITION", small_buy()).await;
    let stopped = until(LONG, || {
        (executor.printed().matches(STOPPED).count() >= 2).then_some(())
    });
    assert!(stopped.await.is_some(), "the second time was not told");
    executor.kill();
    let mut again = rig.subscribed().await;
    rig.is_executed(&third, LONG).await;
    assert_eq!(rig.ledger().entries().len(), done + 3);
    again.end_cleanly().await;
    each_once(&rig);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_database_stops_entries_but_not_the_stop() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    open_one(&rig).await;
    let lock = rusqlite::Connection::open(journal_file(&rig.data())).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held = rig.send("OPEN_POSITION", small_buy()).await;
    executor.says(STOPPED, LONG).await;
    assert_eq!(rig.ledger().entries().len(), 1);
    assert_eq!(rig.world.command_row(&held).unwrap().status, "pending");

    // What makes risk smaller needs no journal.
    let mut stop = rig.start(&["stop-all", "--reason", "locked"]).go();
    let closed = until(LONG, || rig.ledger().open().is_empty().then_some(())).await;
    assert!(closed.is_some(), "the stop waited for the journal");
    lock.execute_batch("ROLLBACK").unwrap();
    executor.says(RECOVERED, LONG).await;
    let status = stop.ends(LONG).await;
    assert_eq!(status.code(), Some(0), "{}", stop.printed());
    // The stop came before the order could begin: it must not open now.
    assert_eq!(rig.final_status(&held, LONG).await, "failed");
    assert_eq!(rig.ledger().entries().len(), 1);
    executor.end_cleanly().await;
    each_once(&rig);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_goes_away_costs_nothing() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    let lock = {
        open_one(&rig).await;
        rusqlite::Connection::open(journal_file(&rig.data())).unwrap()
    };
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ids = [
        rig.send("OPEN_POSITION", small_buy()).await,
        rig.row_only("OPEN_POSITION", small_buy()),
        rig.send("GET_STATUS", json!({})).await,
    ];
    executor.says(STOPPED, LONG).await;
    lock.execute_batch("ROLLBACK").unwrap();
    for id in &ids {
        rig.is_executed(id, LONG).await;
    }
    assert_eq!(rig.ledger().entries().len(), 3);
    executor.end_cleanly().await;
    each_once(&rig);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_any_length_is_noticed_when_it_ends() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    open_one(&rig).await;
    let lock = rusqlite::Connection::open(journal_file(&rig.data())).unwrap();
    // Shorter than the program waits, within what it waits at a second attempt, and longer than both.
    for millis in [500, 1_500, 2_500, 4_500] {
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        let during = rig.send("GET_STATUS", json!({})).await;
        tokio::time::sleep(Duration::from_millis(millis)).await;
        lock.execute_batch("ROLLBACK").unwrap();
        let after = rig.send("GET_STATUS", json!({})).await;
        for id in [&during, &after] {
            rig.is_executed(id, LONG).await;
        }
    }
    open_one(&rig).await;
    executor.end_cleanly().await;
    each_once(&rig);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_positions_are_closed_at_once_while_the_database_is_locked() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    let opened: Vec<String> = {
        let mut ids = Vec::new();
        for _ in 0..40 {
            ids.push(rig.send("OPEN_POSITION", small_buy()).await);
        }
        ids
    };
    for id in &opened {
        rig.is_executed(id, LONG).await;
    }
    let lock = rusqlite::Connection::open(journal_file(&rig.data())).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut stop = rig.start(&["stop-all", "--reason", "locked"]).go();
    let limit = Duration::from_secs(10);
    let closed = until(limit, || rig.ledger().open().is_empty().then_some(())).await;
    assert!(closed.is_some(), "{} left", rig.ledger().open().len());
    lock.execute_batch("ROLLBACK").unwrap();
    assert_eq!(stop.ends(LONG).await.code(), Some(0), "{}", stop.printed());
    executor.end_cleanly().await;
    each_once(&rig);
}

fn put_aside(rig: &Rig) -> Vec<PathBuf> {
    let entries = fs::read_dir(rig.data()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.to_string_lossy().contains("journal.sqlite.corrupt-"))
        .collect()
}

/// Spoils a part of the stored journal; the program is not running.
async fn a_spoiled_journal_pauses_trading(spoil: impl FnOnce(&mut Vec<u8>)) {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    for _ in 0..3 {
        open_one(&rig).await;
    }
    executor.end_cleanly().await;
    let file = journal_file(&rig.data());
    let mut bytes = fs::read(&file).unwrap();
    spoil(&mut bytes);
    fs::write(&file, &bytes).unwrap();

    let mut executor = rig.subscribed().await;
    executor.says("damaged", LONG).await;
    let kept = put_aside(&rig);
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert!(fs::read(&kept[0]).unwrap() == bytes, "it is evidence");
    let open = rig.send("OPEN_POSITION", small_buy()).await;
    assert_eq!(rig.final_status(&open, LONG).await, "failed");
    assert!(
        rig.message(&open).contains("paused"),
        "{}",
        rig.message(&open)
    );
    assert_eq!(rig.ledger().entries().len(), 3, "nothing is done twice");
    let close = rig.send("CLOSE_ALL_POSITIONS", json!({})).await;
    rig.is_executed(&close, LONG).await;
    assert!(
        rig.ledger().open().is_empty(),
        "own positions are known without it"
    );
    assert!(
        !executor.printed().contains("was used before"),
        "a client id came again: {}",
        executor.printed()
    );
    // Nobody knows whether a stop was on, so the platform's word is not enough.
    let resume = rig.send("RESUME", json!({})).await;
    assert_eq!(rig.final_status(&resume, LONG).await, "failed");
    // A person has looked and resumes: it trades again.
    let mut resume = rig.start(&["resume"]).go();
    let status = resume.ends(LONG).await;
    assert_eq!(status.code(), Some(0), "{}", resume.printed());
    open_one(&rig).await;
    let entries = rig.ledger().entries();
    let different: std::collections::BTreeSet<u64> = entries.iter().copied().collect();
    assert_eq!((entries.len(), different.len()), (4, 4));
    executor.end_cleanly().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_with_a_spoiled_head_is_kept_and_trading_paused() {
    a_spoiled_journal_pauses_trading(|bytes| bytes[..100].fill(0x2a)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_with_spoiled_pages_is_kept_and_trading_paused() {
    a_spoiled_journal_pauses_trading(|bytes| {
        assert!(bytes.len() > 3 * 4_096);
        bytes[4_096..].fill(0xa5);
    })
    .await;
}

impl Rig {
    /// A write beyond the limit must be an error for it, as on a full disk, not a signal.
    fn start_surviving_full_disks(&self) -> Executor {
        let data = self.data();
        let arguments = ["--headless", "--data-dir", data.to_str().unwrap()];
        super::executor::Start::deaf_to_file_limits(&arguments, &self.prints()).go()
    }
}
