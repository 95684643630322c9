//! The command traps C1-C11 of the platform contract, §9.2: one test a number.

use serde_json::{Value, json};

use super::world::{OWNER, Patching, World};
use super::{buying_rules, cid_of, start_args};
use crate::core::snapshot::{CommandState, StrategyState};
use crate::market::Cid;

pub(super) fn own(world: &mut World, tickets: &[(u64, &str)]) {
    for (ticket, profit) in tickets {
        world
            .terminal
            .holds(*ticket, cid_of("s1", *ticket).0, profit);
    }
    world.send_book();
}

pub(super) fn left(world: &World) -> Vec<u64> {
    world
        .terminal
        .positions
        .iter()
        .map(|open| open.ticket.0)
        .collect()
}

pub(super) fn buy() -> Value {
    json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 })
}

#[test]
fn c1_the_same_command_by_pusher_and_by_every_heartbeat_happens_once() {
    let mut world = World::ready();
    world.patching = Patching::Fails;
    world.pusher("o", "OPEN_POSITION", &buy());
    for _ in 0..4 {
        world.heartbeat(&[("o", "OPEN_POSITION", buy(), 3)]);
        world.wait(5);
    }
    assert_eq!(world.terminal.opens(), 1);
    assert_eq!(world.command("o").repeats, 4);
}

#[test]
fn c2_a_report_that_failed_is_sent_until_the_platform_has_it() {
    let mut world = World::ready();
    world.patching = Patching::Fails;
    world.pusher("p", "PAUSE", &json!({}));
    world.wait(40);
    world.patching = Patching::Works;
    world.wait(40);
    assert_eq!(world.report("p").0, "executed");
}

#[test]
fn c3_every_row_leaves_pending_also_unknown_and_stale_ones() {
    let mut world = World::ready();
    world.clock_is_known();
    world.heartbeat(&[
        ("unknown", "MAKE_COFFEE", json!({}), 1),
        (
            "stale",
            "CLOSE_PROFITABLE",
            json!({ "minProfit": 0 }),
            86_400,
        ),
        ("unsupported", "TRADE_SIGNAL", json!({}), 1),
        ("broken", "CLOSE_POSITION", json!({ "ticket": "abc" }), 1),
    ]);
    for id in ["unknown", "stale", "unsupported", "broken"] {
        let (status, result) = world.report(id);
        assert_eq!(
            (status, &result["success"]),
            ("failed", &json!(false)),
            "{id}"
        );
    }
    world.assert_ends(
        "unknown",
        CommandState::Refused,
        "\"MAKE_COFFEE\" is not a command",
    );
}

#[test]
fn c4_old_commands_expire_but_stops_and_pauses_are_honoured() {
    let mut world = World::with_strategy("s1");
    world.clock_is_known();
    world.terminal.holds(11, cid_of("s1", 900).0, "0");
    world.terminal.holds(12, cid_of("s1", 901).0, "0");
    for name in [
        "START_STRATEGY",
        "OPEN_POSITION",
        "RESUME",
        "RESUME_STRATEGY",
        "CLOSE_ALL_POSITIONS",
        "GET_STATUS",
        "RESTART",
    ] {
        world.heartbeat(&[(name, name, start_args("s9", &buying_rules()), 301)]);
        world.assert_ends(name, CommandState::Expired, "nothing was done");
    }
    world.wait(600);
    world.terminal.positions[1].opened_at = world.ago(60);
    world.send_book();
    for name in ["PAUSE_STRATEGY", "PAUSE", "STOP_STRATEGY", "STOP_ALL"] {
        world.heartbeat(&[(name, name, json!({ "strategyId": "s1" }), 400)]);
        world.assert_executed(name);
    }
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 600)]);
    world.wait(1);
    world.assert_executed("e");
    assert!(
        world.state.durable().stop.is_some(),
        "a stale emergency stop locks entries"
    );
    assert_eq!(
        left(&world),
        [12],
        "and closes only what was open before it was given"
    );
}

#[test]
fn c5_the_latest_of_start_and_stop_counts() {
    let args = start_args("s1", &buying_rules());
    for (start, stop, running) in [(20, 10, false), (10, 20, true)] {
        let mut world = World::with_strategy("s1");
        world.heartbeat(&[
            ("a", "START_STRATEGY", args.clone(), start - 60),
            (
                "b",
                "STOP_STRATEGY",
                json!({ "strategyId": "s1" }),
                stop - 60,
            ),
        ]);
        let state = world.state.durable().strategies["s1"].state;
        assert_eq!(
            state == StrategyState::Running,
            running,
            "start {start} s ago, stop {stop} s ago"
        );
    }
}

#[test]
fn c5_a_foreign_start_cannot_undo_a_stop() {
    let mut world = World::with_strategy("s1");
    world.platform_knows("a", "user-foreign");
    world.platform_knows("b", OWNER);
    let start = world.row(
        "a",
        "START_STRATEGY",
        &start_args("s1", &buying_rules()),
        -2,
    );
    let stop = world.row("b", "STOP_STRATEGY", &json!({ "strategyId": "s1" }), -1);
    world.heartbeat_raw(vec![start, stop]);
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Stopped
    );
}

#[test]
fn c6_short_commands_get_only_a_final_status() {
    let mut world = World::with_strategy("s1");
    own(&mut world, &[(11, "1")]);
    for name in [
        "PAUSE",
        "RESUME",
        "GET_STATUS",
        "CLOSE_ALL_POSITIONS",
        "OPEN_POSITION",
    ] {
        let args = if name == "OPEN_POSITION" {
            buy()
        } else {
            json!({})
        };
        world.pusher(name, name, &args);
    }
    assert!(world.interims.is_empty());
    assert!(
        world
            .reports
            .iter()
            .all(|(_, status, _)| status == "executed")
    );
}

#[test]
fn c7_every_result_has_success_and_message_and_is_small() {
    let mut world = World::ready();
    let long = "x".repeat(20_000);
    world.pusher("u", &format!("NO_{long}"), &json!({}));
    world.pusher(
        "s",
        "START_STRATEGY",
        &start_args(&long, &json!({ long.clone(): 1 })),
    );
    for id in ["u", "s"] {
        let (_, result) = world.report(id);
        assert!(result["success"].is_boolean() && result["message"].is_string());
        assert!(result.to_string().len() < 8 * 1024);
    }
}

#[test]
fn c8_without_an_id_only_an_emergency_stop_is_obeyed_and_nothing_is_reported() {
    let mut world = World::with_strategy("s1");
    own(&mut world, &[(11, "1")]);
    let reports = world.reports.len();
    world.pusher_raw(&json!({ "command": "UPDATE_PARAMETERS", "parameters": { "strategyId": "s1", "newParameters": {} } }).to_string());
    let row = world.newest();
    assert_eq!(row.state, CommandState::Refused);
    assert!(row.message.contains("without an id"));
    world.pusher_raw(&json!({ "command": "EMERGENCY_STOP", "parameters": { "strategyId": "s1", "reason": "loss" } }).to_string());
    world.wait(1);
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Stopped
    );
    assert!(left(&world).is_empty());
    assert_eq!(world.reports.len(), reports);
    world.pusher_raw(&json!({ "id": "test_1", "type": "GET_STATUS", "payload": {} }).to_string());
    assert_eq!(world.count_logs("The platform knows no command test_1"), 1);
}

#[test]
fn c9_a_start_of_a_foreign_user_runs_on_neither_road() {
    let mut world = World::ready();
    let args = start_args("s1", &buying_rules());
    let pushed = world.envelope("a", "START_STRATEGY", &args, 0, "user-foreign");
    world.pusher_raw(&pushed.to_string());
    world.platform_knows("b", "user-foreign");
    let row = world.row("b", "START_STRATEGY", &args, 0);
    world.heartbeat_raw(vec![row]);
    assert!(world.state.durable().strategies.is_empty());
}

#[test]
fn c10_what_the_platform_says_about_a_status_changes_nothing_here() {
    let mut world = World::with_strategy("s1");
    let before = world.state.durable().strategies.clone();
    world.heartbeat_raw(vec![
        json!({ "id": "start", "command": "START_STRATEGY", "status": "failed", "result": { "success": false }, "parameters": null }).to_string(),
    ]);
    assert_eq!(world.state.durable().strategies, before);
    assert_eq!(
        world.report("start").0,
        "executed",
        "the true status is sent again"
    );
}

#[test]
fn c11_positions_are_closed_only_when_the_stop_says_so() {
    for (args, closes) in [
        (json!({ "strategyId": "s1" }), false),
        (
            json!({ "strategyId": "s1", "closePositions": false }),
            false,
        ),
        (json!({ "strategyId": "s1", "closePositions": null }), false),
        (json!({ "strategyId": "s1", "closePositions": true }), true),
        (
            json!({ "strategyId": "s1", "closePositions": "true" }),
            true,
        ),
    ] {
        let mut world = World::with_strategy("s1");
        own(&mut world, &[(11, "1")]);
        world.terminal.holds(12, Cid::new(7, 12).0, "1");
        world.send_book();
        world.pusher("x", "STOP_STRATEGY", &args);
        let message = world.assert_executed("x");
        assert_eq!(
            left(&world),
            if closes { vec![12] } else { vec![11, 12] },
            "{args}"
        );
        assert_eq!(message.contains("kept"), !closes, "{message}");
    }
}
