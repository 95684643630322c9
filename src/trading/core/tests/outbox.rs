//! Reports to the platform: kept, tried again, ended by 404.

use jiff::SignedDuration;
use serde_json::json;

use super::terminal::{Manner, Memory};
use super::world::{Patching, World};
use super::{buying_rules, start_args};
use crate::core::snapshot::UiCommand;
use crate::core::{Event, ReportOutcome};

#[test]
fn a_failed_report_is_tried_again_with_growing_pauses() {
    let mut world = World::ready();
    world.patching = Patching::Fails;
    world.pusher("p", "PAUSE", &json!({}));
    assert_eq!(world.command("p").reported, Some(false));
    world.wait(120);
    // 0, 1, 3, 7, 15, 31, 63 s.
    let attempts = world.state.deliveries["p"].attempts;
    assert_eq!(attempts, 7);
    assert_eq!(
        world.count_logs("not reported yet"),
        1,
        "said once, not at each attempt"
    );
    world.patching = Patching::Works;
    world.wait(10);
    assert_eq!(world.reports.len(), 1);
    assert_eq!(world.command("p").reported, Some(true));
    assert!(world.state.durable().reports.is_empty());
}

#[test]
fn the_platforms_own_pause_is_kept() {
    let mut world = World::ready();
    world.patching = Patching::Silent;
    world.pusher("p", "PAUSE", &json!({}));
    let retry_at = world.now.utc + SignedDuration::from_secs(40);
    world.happens(Event::ReportAnswered {
        id: "p".to_owned(),
        interim: false,
        outcome: ReportOutcome::Failed {
            reason: "429".to_owned(),
            retry_at: Some(retry_at),
        },
    });
    world.patching = Patching::Works;
    world.wait(38);
    assert!(world.reports.is_empty());
    world.wait(3);
    assert_eq!(world.reports.len(), 1);
}

#[test]
fn a_report_without_any_answer_is_sent_again() {
    let mut world = World::ready();
    world.patching = Patching::Silent;
    world.pusher("p", "PAUSE", &json!({}));
    world.patching = Patching::Works;
    world.wait(58);
    assert!(world.reports.is_empty());
    world.wait(4);
    assert_eq!(world.reports.len(), 1);
}

#[test]
fn reports_survive_a_restart() {
    let mut world = World::ready();
    world.patching = Patching::Fails;
    world.pusher("p", "PAUSE", &json!({}));
    world.patching = Patching::Works;
    world.restart();
    assert_eq!(world.report("p").0, "executed");
}

#[test]
fn not_found_is_final() {
    let mut world = World::ready();
    world.pusher_raw(&json!({ "id": "test_1", "type": "GET_STATUS" }).to_string());
    assert!(world.state.durable().reports.is_empty());
    assert_eq!(world.command("test_1").reported, None);
    world.jump(600);
    assert_eq!(world.count_logs("test_1"), 1);
}

#[test]
fn only_a_few_are_on_their_way_at_once() {
    let mut world = World::ready();
    world.patching = Patching::Silent;
    let ids: Vec<_> = (0..9).map(|n| format!("g{n}")).collect();
    let rows: Vec<_> = ids
        .iter()
        .map(|id| (id.as_str(), "GET_STATUS", json!({}), 1))
        .collect();
    world.heartbeat(&rows);
    let flying = world
        .state
        .deliveries
        .values()
        .filter(|delivery| delivery.in_flight)
        .count();
    assert_eq!(flying, 4);
    world.patching = Patching::Works;
    world.wait(62);
    assert_eq!(world.reports.len(), 9);
}

/// Ten rows without an answer fill a page of the heartbeat, and what comes behind them would not be handed out.
#[test]
fn an_order_in_doubt_does_not_hold_up_the_rows_behind_it() {
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::LoseOrder);
    world.terminal.memory = Memory::NotYet;
    let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.01 });
    world.pusher("o", "OPEN_POSITION", &order);
    world.wait(14);
    assert!(world.interims.is_empty(), "most orders end before");
    world.wait(60);
    assert_eq!(world.interims, ["o"], "once");
    world.terminal.memory = Memory::Works;
    world.wait(3);
    assert_eq!(world.report("o").0, "failed", "proven absent");
}

/// The platform keeps the last status it is sent, so an interim one must not arrive after the final one.
#[test]
fn the_final_report_waits_for_the_interim_one() {
    let mut world = World::ready();
    world.patching = Patching::Silent;
    world.heartbeat(&[("s", "START_STRATEGY", start_args("s1", &buying_rules()), 1)]);
    assert_eq!(world.interims, ["s"]);
    world.patching = Patching::Works;
    world.pusher("stop", "STOP_ALL", &json!({}));
    assert!(
        world.reports.iter().all(|(id, ..)| id != "s"),
        "the interim report is still on its way"
    );
    world.happens(Event::ReportAnswered {
        id: "s".to_owned(),
        interim: true,
        outcome: ReportOutcome::Accepted {
            user_id: None,
            given_at: None,
        },
    });
    assert_eq!(world.report("s").0, "failed");
}

#[test]
fn restarting_the_loops_does_not_lose_the_report_of_it() {
    let mut world = World::ready();
    world.pusher("r", "RESTART", &json!({}));
    assert_eq!(world.restarts_of_loops, 1);
    assert!(
        world.reports.is_empty(),
        "it would be lost with the loop that sends it"
    );
    world.wait(2);
    assert_eq!(world.report("r").0, "executed");
}

#[test]
fn a_huge_message_still_fits() {
    let mut world = World::ready();
    for (id, filler) in [("q", "\""), ("c", "\u{1}"), ("u", "€"), ("b", "\\")] {
        world.pusher(
            id,
            &filler.repeat(20_000),
            &json!({ "ticket": filler.repeat(9_000) }),
        );
        assert!(world.report(id).1.to_string().len() < 8 * 1024, "{id}");
    }
}

#[test]
fn after_a_sleep_everything_is_connected_anew_and_nobody_decides_by_the_old_book() {
    let mut world = World::with_strategy("s1");
    world.terminal.keeps_book = true;
    world.ui(UiCommand::AfterSleep);
    world.wait(1);
    assert_eq!(world.restarts_of_loops, 1);
    world.next_bar();
    assert_eq!(
        world.terminal.opens(),
        0,
        "positions may have changed while the computer slept"
    );
    world.terminal.keeps_book = false;
    world.send_book();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
}
