//! Many commands at once: ten thousand wait when the program starts; hundreds are under way when it ends.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::json;

use super::ledger::received_in_order;
use super::rig::{Rig, small_buy};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_waiting_commands_are_drained_in_order() {
    const ROWS: usize = 10_000;
    let rig = Rig::new().await;
    // A millisecond apart: rows of the same moment have no order to keep.
    let first = Timestamp::now() - Duration::from_millis(ROWS as u64);
    let ids: Vec<String> = (0..ROWS)
        .map(|n| {
            let made = first + Duration::from_millis(n as u64);
            rig.world
                .insert_pending("GET_STATUS", Some(json!({})), "NORMAL", made)
                .unwrap()
        })
        .collect();
    let began = Instant::now();
    let mut executor = rig.headless();
    let drained = rig
        .world
        .wait_for(Duration::from_secs(240), |world| {
            (world.pending_count() == 0).then_some(())
        })
        .await;
    let took = began.elapsed();
    assert!(
        drained.is_some(),
        "{} still wait",
        rig.world.pending_count()
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", executor.pid())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!(
        "{ROWS} rows drained in {:.1} s; {}",
        took.as_secs_f64(),
        peak.unwrap_or("")
    );
    executor.end_cleanly().await;
    let rows = rig.world.command_rows();
    assert!(rows.iter().all(|row| row.status == "executed"));
    let received = received_in_order(&rig.data());
    assert_eq!(received.len(), ids.len());
    let astray = received
        .iter()
        .zip(&ids)
        .position(|(got, sent)| got != sent);
    assert_eq!(astray, None, "the first one out of order");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_does_not_wait_for_the_queue() {
    let rig = Rig::new().await;
    let mut executor = rig.subscribed().await;
    for _ in 0..300 {
        rig.send("OPEN_POSITION", small_buy()).await;
    }
    let pressed = Instant::now();
    executor.end_cleanly().await;
    let took = pressed.elapsed();
    assert!(took < Duration::from_secs(4), "it took {took:?}");
}
