//! The emergency stop from the platform and from a second process: all of ours gone, nothing of others touched.

use std::time::Duration;

use super::world::buy;
use super::{BOTH, Kind, LONG, Whole, is_own};

/// Two positions and two working orders of ours, and a position and an order of somebody else.
async fn fill(whole: &Whole) {
    for _ in 0..2 {
        whole.open(buy()).await;
    }
    // As an earlier run or a strategy's grid would have left them.
    let magic = 0x46_u64 << 56 | 99;
    for command in [
        format!("by_hand buy_limit EURUSD 0.1 price=1.05 magic={magic}"),
        format!("by_hand sell_limit USDJPY 0.1 price=160 magic={magic}"),
        "by_hand buy EURUSD 0.5 magic=777".to_owned(),
        "by_hand buy_limit EURUSD 0.1 price=1.04".to_owned(),
    ] {
        whole.terminal.cmd(&command);
    }
    assert_eq!(whole.own_positions().len(), 2);
    assert_eq!(own_orders(whole), 2);
    // The hints are taken in.
    tokio::time::sleep(Duration::from_millis(500)).await;
}

fn own_orders(whole: &Whole) -> usize {
    let orders = whole.terminal.truth("orders");
    orders.iter().filter(|order| is_own(order)).count()
}

fn only_others_are_left(whole: &Whole) {
    assert!(
        whole.own_positions().is_empty(),
        "{}",
        whole.terminal.picture()
    );
    assert_eq!(own_orders(whole), 0, "{}", whole.terminal.picture());
    assert_eq!(whole.terminal.truth("positions").len(), 1);
    assert_eq!(whole.terminal.truth("orders").len(), 1);
    assert_eq!(whole.exits().len(), 2, "each is closed once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platforms_emergency_stop_leaves_nothing_of_ours() {
    for kind in BOTH {
        let whole = Whole::start(kind).await;
        fill(&whole).await;
        let id = whole.platform.world.emergency_stop("drill").await.unwrap();
        let result = whole.is_executed(&id).await;
        only_others_are_left(&whole);
        let message = result["message"].as_str().unwrap();
        assert!(message.contains("entries locked, closed"), "{message}");
        let reason = whole.fails_to_open().await;
        assert!(
            reason.contains("the emergency stop is on (drill)"),
            "{reason}"
        );
        assert_eq!(whole.entries().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_all_from_a_second_process_survives_a_kill() {
    let mut whole = Whole::start(Kind::Pipe).await;
    fill(&whole).await;
    let stop = ["stop-all", "--reason", "from the console"];
    let mut second = whole.platform.start(&stop).go();
    let status = second.ends(Duration::from_secs(45)).await;
    assert_eq!(status.code(), Some(0), "{}", second.printed());
    only_others_are_left(&whole);
    whole.executor_again().await;
    let reason = whole.fails_to_open().await;
    assert!(reason.contains("from the console"), "{reason}");
    let mut lift = whole
        .platform
        .start(&["resume", "--lift-stop", "--yes"])
        .go();
    assert_eq!(lift.ends(LONG).await.code(), Some(0), "{}", lift.printed());
    whole.open(buy()).await;
}

/// The terminal is away when the stop comes: entries are locked at once, and it is completed when the terminal is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_without_a_terminal_waits_for_it() {
    let mut whole = Whole::start(Kind::Tcp).await;
    fill(&whole).await;
    whole.terminal.kill9();
    whole.hears("Terminal lost").await;
    let id = whole.platform.world.emergency_stop("blind").await.unwrap();
    whole.hears("EMERGENCY STOP: blind").await;
    whole.terminal.restart();
    whole.is_executed(&id).await;
    only_others_are_left(&whole);
}
