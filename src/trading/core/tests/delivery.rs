//! Order inside a batch, redelivery, expiry, and draining full pages.

use serde_json::json;

use super::world::{OWNER, Patching, World};
use super::{buy, buying_rules, start_args};
use crate::core::BeatCause;
use crate::core::snapshot::{CommandState, StrategyState, UiCommand};

#[test]
fn a_batch_is_worked_on_by_our_own_order() {
    let mut world = World::with_strategy("s1");
    let ids = ["status", "resume", "close", "stop", "emergency"];
    world.heartbeat(&[
        ("status", "GET_STATUS", json!({}), 50),
        ("resume", "RESUME", json!({}), 40),
        ("close", "CLOSE_ALL_POSITIONS", json!({}), 30),
        ("stop", "STOP_ALL", json!({}), 20),
        (
            "emergency",
            "EMERGENCY_STOP",
            json!({ "reason": "test" }),
            10,
        ),
    ]);
    let order: Vec<_> = world
        .reports
        .iter()
        .map(|(id, ..)| id.as_str())
        .filter(|id| ids.contains(id))
        .collect();
    assert_eq!(order.len(), 5, "every row gets a final status");
    let received: Vec<_> = world
        .logs
        .iter()
        .filter_map(|line| line.strip_prefix("Command received: "))
        .skip(1)
        .collect();
    assert_eq!(
        received,
        [
            "EMERGENCY_STOP",
            "CLOSE_ALL_POSITIONS",
            "STOP_ALL",
            "GET_STATUS",
            "RESUME"
        ]
    );
    world.assert_ends(
        "resume",
        CommandState::Failed,
        "superseded by the later EMERGENCY_STOP",
    );
}

#[test]
fn redelivery_executes_nothing_and_sends_the_stored_answer_again() {
    let mut world = World::ready();
    let args = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 });
    world.pusher("open", "OPEN_POSITION", &args);
    world.assert_executed("open");
    let first = world.report("open").1.clone();
    for _ in 0..3 {
        world.heartbeat(&[("open", "OPEN_POSITION", args.clone(), 5)]);
    }
    assert_eq!(world.terminal.opens(), 1);
    assert_eq!(world.reports.len(), 4);
    assert!(
        world
            .reports
            .iter()
            .all(|(_, status, result)| status == "executed" && *result == first)
    );
    assert_eq!(world.command("open").repeats, 3);
}

#[test]
fn redelivery_after_a_restart_is_recognised_too() {
    let mut world = World::ready();
    let args = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 });
    world.pusher("open", "OPEN_POSITION", &args);
    world.restart();
    world.terminal_up();
    world.heartbeat(&[("open", "OPEN_POSITION", args, 5)]);
    assert_eq!(world.terminal.opens(), 1);
    assert_eq!(world.reports.len(), 2);
}

#[test]
fn a_repetition_while_its_report_is_due_adds_nothing() {
    let mut world = World::ready();
    world.patching = Patching::Fails;
    for _ in 0..3 {
        world.heartbeat(&[("p", "PAUSE", json!({}), 1)]);
    }
    assert_eq!(world.state.durable().reports.len(), 1);
    world.patching = Patching::Works;
    world.wait(10);
    assert_eq!(world.reports.len(), 1);
}

#[test]
fn full_pages_are_drained_at_once_and_a_partial_one_ends_it() {
    let mut world = World::ready();
    let page = |prefix: &str, count: usize| -> Vec<(String, String)> {
        (0..count)
            .map(|n| (format!("{prefix}{n}"), "GET_STATUS".to_owned()))
            .collect()
    };
    for (prefix, count, beats) in [("a", 10, 1), ("b", 10, 1), ("c", 4, 0)] {
        let before = world.beats;
        let rows = page(prefix, count);
        let rows: Vec<_> = rows
            .iter()
            .map(|(id, name)| (id.as_str(), name.as_str(), json!({}), 9))
            .collect();
        world.heartbeat(&rows);
        assert_eq!(world.beats - before, beats, "page {prefix}");
    }
    assert_eq!(world.reports.len(), 24);
}

#[test]
fn a_full_page_of_old_unknown_and_unreadable_rows_drains_as_well() {
    let mut world = World::ready();
    world.clock_is_known();
    let mut rows = Vec::new();
    for n in 0..10 {
        let id = format!("r{n}");
        world.platform_knows(&id, OWNER);
        rows.push(match n % 3 {
            0 => world.row(&id, "OPEN_POSITION", &json!({}), 900_000),
            1 => world.row(&id, "PING", &json!({}), 5),
            _ => json!({ "id": id, "command": null }).to_string(),
        });
    }
    let before = world.beats;
    world.heartbeat_raw(rows);
    assert_eq!(world.reports.len(), 10);
    assert!(
        world
            .reports
            .iter()
            .all(|(_, status, _)| status == "failed")
    );
    assert_eq!(world.beats - before, 1);
}

#[test]
fn a_page_of_waiting_starts_does_not_block_the_queue() {
    let mut world = World::ready();
    world.terminal_down();
    let rows: Vec<_> = (0..10).map(|n| format!("w{n}")).collect();
    let before = world.beats;
    let rows: Vec<_> = rows
        .iter()
        .map(|id| {
            (
                id.as_str(),
                "START_STRATEGY",
                start_args(id, &buying_rules()),
                1,
            )
        })
        .collect();
    world.heartbeat(&rows);
    world.wait(2);
    assert_eq!(world.interims.len(), 10);
    assert_eq!(world.beats - before, 1);
}

#[test]
fn a_stop_that_arrives_first_still_ends_the_older_start() {
    let mut world = World::ready();
    world.pusher("stop", "STOP_STRATEGY", &json!({ "strategyId": "s1" }));
    world.assert_executed("stop");
    // Its rules were too large for Pusher, so the heartbeat brings it late.
    world.heartbeat(&[(
        "start",
        "START_STRATEGY",
        start_args("s1", &buying_rules()),
        3,
    )]);
    world.assert_ends(
        "start",
        CommandState::Failed,
        "superseded by the later STOP_STRATEGY",
    );
    world.heartbeat(&[(
        "again",
        "START_STRATEGY",
        start_args("s1", &buying_rules()),
        -1,
    )]);
    world.assert_executed("again");
}

#[test]
fn a_stop_of_everything_ends_what_was_started_before_it() {
    let mut world = World::ready();
    world.heartbeat(&[
        (
            "start",
            "START_STRATEGY",
            start_args("s1", &buying_rules()),
            20,
        ),
        ("stop", "STOP_ALL", json!({}), 10),
    ]);
    world.assert_ends(
        "start",
        CommandState::Failed,
        "superseded by the later STOP_ALL",
    );
    assert!(world.state.durable().strategies.is_empty());
}

#[test]
fn a_resume_does_not_lift_a_later_pause() {
    let mut world = World::with_strategy("s1");
    world.wait(60);
    let one = json!({ "strategyId": "s1" });
    world.heartbeat(&[
        ("resume", "RESUME", json!({}), 20),
        ("pause", "PAUSE", json!({}), 10),
        ("resume-one", "RESUME_STRATEGY", one.clone(), 20),
        ("pause-one", "PAUSE_STRATEGY", one, 10),
    ]);
    assert!(world.state.durable().pause.is_some());
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Paused
    );
    world.assert_ends("resume", CommandState::Failed, "superseded");
    world.assert_ends("resume-one", CommandState::Failed, "superseded");
}

/// The platform hands ten rows out for ever, whatever it is told: they are asked for once a second and not in a circle.
#[test]
fn a_page_of_known_rows_is_no_reason_to_ask_at_once() {
    let mut world = World::ready();
    let rows: Vec<_> = (0..10).map(|n| format!("r{n}")).collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|id| (id.as_str(), "GET_STATUS", json!({}), 9))
        .collect();
    for cause in [BeatCause::Drained, BeatCause::Event, BeatCause::Event] {
        let before = world.beats;
        world.heartbeat(&rows);
        assert_eq!(world.beats - before, 1);
        assert_eq!(world.beat_cause, Some(cause));
    }
}

/// Its id is plain to see; without an answer it would hold its place in the page for ever.
#[test]
fn a_row_that_is_nested_too_deep_is_answered() {
    let mut world = World::ready();
    let deep = format!("{}1{}", "[".repeat(140), "]".repeat(140));
    let row = format!(
        r#"{{"id":"deep","command":"GET_STATUS","parameters":{{"a":{deep}}},"priority":"NORMAL"}}"#
    );
    world.platform_knows("deep", OWNER);
    world.heartbeat_raw(vec![row]);
    assert_eq!(world.report("deep").0, "failed");
}

/// The platform pauses, a person here resumes: what the platform orders from then on is done, over a restart too.
#[test]
fn what_is_ordered_after_a_resume_at_this_machine_is_done() {
    for clock in [None, Some(0), Some(60_000)] {
        for by_hand in [false, true] {
            let mut world = World::ready();
            let measure = |world: &mut World| {
                if let Some(offset_ms) = clock {
                    world.happens(crate::core::Event::ClockMeasured {
                        offset_ms,
                        within_ms: 10,
                    });
                }
            };
            measure(&mut world);
            let ahead = -clock.unwrap_or(0) / 1_000;
            if by_hand {
                world.ui(UiCommand::PauseTrading);
            } else {
                world.pusher_made("p", "PAUSE", &json!({}), ahead);
            }
            world.wait(3);
            world.pusher_made("in", "OPEN_POSITION", &buy(), ahead);
            world.wait(3);
            world.assert_ends("in", CommandState::Failed, "");
            world.ui(UiCommand::ResumeTrading);
            world.wait(3);
            world.pusher_made("o1", "OPEN_POSITION", &buy(), ahead);
            world.wait(3);
            world.assert_executed("o1");
            world.restart();
            world.terminal_up();
            measure(&mut world);
            world.pusher_made("o2", "OPEN_POSITION", &buy(), ahead);
            world.wait(3);
            world.assert_executed("o2");
        }
    }
}
