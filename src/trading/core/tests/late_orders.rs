//! Orders that come in after later ones: the platform's last word on a strategy, a position or a pause stands (contract C5).

use serde_json::{Value, json};

use super::terminal::Manner;
use super::world::{OWNER, Patching, World};
use super::{buy, buying_rules, start_args};
use crate::core::snapshot::{CommandState, StrategyState, UiCommand};
use crate::core::{Event, ReportOutcome};

/// Seconds.
const LATE: i64 = 10;

fn state(world: &World) -> StrategyState {
    world.state.durable().strategies["s1"].state
}

fn one() -> Value {
    json!({ "strategyId": "s1" })
}

#[test]
fn an_earlier_stop_or_pause_does_not_end_a_later_start() {
    for name in ["STOP_STRATEGY", "PAUSE_STRATEGY"] {
        let mut world = World::with_strategy("s1");
        world.heartbeat(&[("late", name, one(), LATE)]);
        world.assert_ends(
            "late",
            CommandState::Failed,
            "superseded by the later START_STRATEGY",
        );
        assert_eq!(state(&world), StrategyState::Running, "{name}");
    }
}

#[test]
fn an_earlier_stop_of_everything_spares_what_was_started_later() {
    let mut world = World::with_strategy("s1");
    world.wait(20);
    world.pusher("b", "START_STRATEGY", &start_args("s2", &buying_rules()));
    world.assert_executed("b");
    world.heartbeat(&[("late", "STOP_ALL", json!({}), LATE)]);
    world.assert_executed("late");
    assert_eq!(state(&world), StrategyState::Stopped);
    let later = world.state.durable().strategies["s2"].state;
    assert_eq!(later, StrategyState::Running);
}

/// The time of one that tells none is when it came, which may be long after it was given.
#[test]
fn only_a_start_that_tells_its_time_stands_against_a_stop() {
    let mut world = World::with_strategy("s1");
    world.wait(60);
    let args = start_args("s1", &buying_rules());
    let mut again = world.envelope("again", "START_STRATEGY", &args, 0, OWNER);
    for key in ["createdAt", "timestamp", "expiresAt"] {
        again.as_object_mut().unwrap().remove(key);
    }
    world.platform_knows("again", OWNER);
    world.pusher_raw(&again.to_string());
    world.assert_executed("again");
    world.heartbeat(&[("stop", "STOP_STRATEGY", one(), LATE)]);
    world.assert_executed("stop");
    assert_eq!(state(&world), StrategyState::Stopped);
}

#[test]
fn what_was_to_open_during_a_pause_opens_nothing_after_it() {
    for (given, opens) in [(40, 1), (20, 0), (5, 1)] {
        let mut world = World::ready();
        world.wait(60);
        world.pusher("p", "PAUSE", &json!({}));
        world.wait(20);
        world.pusher("r", "RESUME", &json!({}));
        world.wait(10);
        world.heartbeat(&[("late", "OPEN_POSITION", buy(), given)]);
        world.wait(1);
        assert_eq!(world.terminal.opens(), opens, "given {given} s ago");
    }
}

#[test]
fn a_start_that_comes_after_a_pause_and_a_resume_runs() {
    let mut world = World::ready();
    world.pusher("p", "PAUSE_STRATEGY", &one());
    world.wait(1);
    world.pusher("r", "RESUME_STRATEGY", &one());
    world.heartbeat(&[(
        "late",
        "START_STRATEGY",
        start_args("s1", &buying_rules()),
        LATE,
    )]);
    world.assert_executed("late");
    world.wait(1);
    world.assert_executed("r");
    assert_eq!(state(&world), StrategyState::Running);
}

#[test]
fn a_start_that_comes_after_a_later_pause_begins_paused() {
    let mut world = World::ready();
    world.pusher("p", "PAUSE_STRATEGY", &one());
    world.assert_executed("p");
    world.heartbeat(&[(
        "late",
        "START_STRATEGY",
        start_args("s1", &buying_rules()),
        LATE,
    )]);
    world.assert_executed("late");
    assert_eq!(state(&world), StrategyState::Paused);
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    world.wait(1);
    world.pusher("r", "RESUME_STRATEGY", &one());
    world.assert_executed("r");
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
}

#[test]
fn closing_spares_what_a_later_order_opened() {
    for (name, args) in [
        ("CLOSE_ALL_POSITIONS", json!({})),
        ("CLOSE_BY_SYMBOL", json!({ "symbol": "EURUSD" })),
    ] {
        let mut world = World::ready();
        let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.0 });
        world.pusher("before", "OPEN_POSITION", &order);
        world.wait(20);
        world.pusher("after", "OPEN_POSITION", &order);
        world.assert_executed("after");
        world.heartbeat(&[("late", name, args, LATE)]);
        world.wait(1);
        world.assert_executed("late");
        assert_eq!(world.terminal.positions.len(), 1, "{name}");
        assert_eq!(world.terminal.closes(), 1);
        world.pusher("now", "CLOSE_ALL_POSITIONS", &json!({}));
        world.wait(1);
        assert!(world.terminal.positions.is_empty());
    }
}

#[test]
fn an_earlier_change_does_not_undo_a_later_one() {
    let mut world = World::ready();
    let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.05 });
    world.pusher("o", "OPEN_POSITION", &order);
    world.wait(20);
    let ticket = world.terminal.positions[0].ticket.0;
    let change = |stop: f64| json!({ "ticket": ticket, "stopLoss": stop });
    world.pusher("tight", "MODIFY_POSITION", &change(1.08));
    world.wait(1);
    world.assert_executed("tight");
    world.heartbeat(&[("loose", "MODIFY_POSITION", change(1.01), LATE)]);
    world.assert_ends(
        "loose",
        CommandState::Failed,
        "superseded by the later MODIFY_POSITION",
    );
    // It says nothing about the target, so an earlier word on that still counts.
    let target = json!({ "ticket": ticket, "takeProfit": 1.9 });
    world.heartbeat(&[("target", "MODIFY_POSITION", target, LATE)]);
    world.wait(1);
    world.assert_executed("target");
    let position = &world.terminal.positions[0];
    assert_eq!(position.stop_loss, Some("1.08".parse().unwrap()));
}

#[test]
fn earlier_rules_do_not_take_the_place_of_later_ones() {
    let mut world = World::with_strategy("s1");
    world.wait(30);
    let with_lots = |lots: f64| {
        let mut rules = buying_rules();
        rules["riskManagement"]["lotSize"] = json!(lots);
        json!({ "strategyId": "s1", "rules": rules })
    };
    world.pusher("small", "UPDATE_STRATEGY", &with_lots(0.02));
    world.assert_executed("small");
    world.heartbeat(&[("large", "UPDATE_STRATEGY", with_lots(0.5), LATE)]);
    world.assert_ends(
        "large",
        CommandState::Failed,
        "superseded by the later UPDATE_STRATEGY",
    );
    let rules = &world.state.durable().strategies["s1"].rules;
    assert_eq!(rules["riskManagement"]["lotSize"], json!(0.02));
}

#[test]
fn an_earlier_pause_does_not_undo_a_later_resume() {
    let mut world = World::with_strategy("s1");
    world.wait(20);
    world.pusher("p", "PAUSE", &json!({}));
    world.wait(20);
    world.pusher("r", "RESUME", &json!({}));
    world.assert_executed("r");
    world.heartbeat(&[("late", "PAUSE", json!({}), LATE)]);
    world.assert_ends(
        "late",
        CommandState::Failed,
        "superseded by the later RESUME",
    );
    assert!(world.state.durable().pause.is_none());
}

/// The platform's answer to the report dates it.
#[test]
fn an_event_that_tells_no_time_is_dated_by_the_platforms_record() {
    let mut world = World::ready();
    let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.0 });
    let given = world.ago(0);
    let event = json!({ "id": "o", "command": "OPEN_POSITION", "parameters": order });
    // The report of the order is on its way when the late one comes in.
    world.patching = Patching::Silent;
    world.pusher_raw(&event.to_string());
    world.assert_executed("o");
    world.heartbeat(&[("late", "CLOSE_ALL_POSITIONS", json!({}), LATE)]);
    world.assert_ends(
        "late",
        CommandState::Waiting,
        "which of two orders is the later",
    );
    world.happens(Event::ReportAnswered {
        id: "o".to_owned(),
        interim: false,
        outcome: ReportOutcome::Accepted {
            user_id: Some(OWNER.to_owned()),
            given_at: Some(given),
        },
    });
    world.wait(1);
    world.assert_executed("late");
    assert_eq!(world.terminal.positions.len(), 1);
}

#[test]
fn without_that_answer_what_is_open_is_closed() {
    let mut world = World::ready();
    let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.0 });
    let event = json!({ "id": "o", "command": "OPEN_POSITION", "parameters": order });
    world.patching = Patching::Silent;
    world.pusher_raw(&event.to_string());
    world.heartbeat(&[("late", "CLOSE_ALL_POSITIONS", json!({}), LATE)]);
    world.wait(4);
    world.assert_executed("late");
    assert!(world.terminal.positions.is_empty());
}

#[test]
fn an_earlier_change_waits_for_the_later_one_that_is_being_made() {
    let mut world = World::ready();
    let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.05 });
    world.pusher("o", "OPEN_POSITION", &order);
    world.wait(20);
    let ticket = world.terminal.positions[0].ticket.0;
    let change = |stop: f64| json!({ "ticket": ticket, "stopLoss": stop });
    world.terminal.manners.push_back(Manner::FillSilently);
    world.pusher("tight", "MODIFY_POSITION", &change(1.08));
    world.heartbeat(&[("loose", "MODIFY_POSITION", change(1.01), LATE)]);
    world.wait(40);
    world.assert_executed("tight");
    world.assert_ends(
        "loose",
        CommandState::Failed,
        "superseded by the later MODIFY_POSITION",
    );
    let position = &world.terminal.positions[0];
    assert_eq!(position.stop_loss, Some("1.08".parse().unwrap()));
}

#[test]
fn a_start_of_what_runs_counts_against_an_earlier_stop_of_everything() {
    let mut world = World::with_strategy("s1");
    world.wait(20);
    world.pusher(
        "again",
        "START_STRATEGY",
        &start_args("s1", &buying_rules()),
    );
    world.assert_executed("again");
    world.heartbeat(&[("late", "STOP_ALL", json!({}), LATE)]);
    world.assert_executed("late");
    assert_eq!(state(&world), StrategyState::Running);
}

/// A START undoes an earlier stop, not the closing of what was there before it.
#[test]
fn an_earlier_stop_closes_what_the_strategy_had_opened_before() {
    let mut world = World::with_strategy("s1");
    world.quote();
    world.next_bar();
    assert_eq!(world.terminal.positions.len(), 1);
    world.wait(20);
    world.pusher(
        "again",
        "START_STRATEGY",
        &start_args("s1", &buying_rules()),
    );
    world.assert_executed("again");
    let closing = json!({ "strategyId": "s1", "closePositions": true });
    world.heartbeat(&[("late", "STOP_STRATEGY", closing, LATE)]);
    world.wait(1);
    world.assert_executed("late");
    assert!(world.terminal.positions.is_empty());
    assert_eq!(state(&world), StrategyState::Running);
}

#[test]
fn two_changes_at_once_keep_both_levels() {
    let mut world = World::ready();
    let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.05 });
    world.pusher("o", "OPEN_POSITION", &order);
    world.wait(1);
    let ticket = world.terminal.positions[0].ticket.0;
    world.heartbeat(&[
        (
            "stop",
            "MODIFY_POSITION",
            json!({ "ticket": ticket, "stopLoss": 1.08 }),
            1,
        ),
        (
            "target",
            "MODIFY_POSITION",
            json!({ "ticket": ticket, "takeProfit": 1.9 }),
            0,
        ),
    ]);
    world.wait(2);
    world.assert_executed("stop");
    world.assert_executed("target");
    let position = &world.terminal.positions[0];
    assert_eq!(position.stop_loss, Some("1.08".parse().unwrap()));
    assert_eq!(position.take_profit, Some("1.9".parse().unwrap()));
}

#[test]
fn of_an_earlier_change_only_what_the_later_one_left_counts() {
    let mut world = World::ready();
    let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.05 });
    world.pusher("o", "OPEN_POSITION", &order);
    world.wait(20);
    let ticket = world.terminal.positions[0].ticket.0;
    let later = json!({ "ticket": ticket, "stopLoss": 1.08, "takeProfit": null });
    world.pusher("later", "MODIFY_POSITION", &later);
    world.wait(1);
    let both = json!({ "ticket": ticket, "stopLoss": 1.01, "takeProfit": 1.9 });
    world.heartbeat(&[("late", "MODIFY_POSITION", both, LATE)]);
    world.wait(1);
    world.assert_executed("late");
    let position = &world.terminal.positions[0];
    assert_eq!(position.stop_loss, Some("1.08".parse().unwrap()));
    assert_eq!(position.take_profit, Some("1.9".parse().unwrap()));
}

#[test]
fn an_activation_takes_the_rules_of_a_later_update() {
    let small = json!({ "strategyId": "s1", "rules": {} });
    let with_lots = |lots: f64| {
        let mut rules = buying_rules();
        rules["riskManagement"]["lotSize"] = json!(lots);
        rules
    };
    for known in [false, true] {
        let mut world = if known {
            let mut world = World::with_strategy("s1");
            world.wait(20);
            world.pusher("end", "STOP_STRATEGY", &one());
            world.wait(20);
            world
        } else {
            World::ready()
        };
        let mut update = small.clone();
        update["rules"] = with_lots(0.02);
        world.pusher("update", "UPDATE_STRATEGY", &update);
        let start = start_args("s1", &with_lots(0.5));
        world.heartbeat(&[("late", "START_STRATEGY", start, LATE)]);
        world.wait(1);
        world.assert_executed("late");
        world.assert_executed("update");
        let strategy = &world.state.durable().strategies["s1"];
        assert_eq!(strategy.rules["riskManagement"]["lotSize"], json!(0.02));
        assert_eq!(
            strategy.state,
            StrategyState::Running,
            "known before: {known}"
        );
    }
}

#[test]
fn an_update_of_what_was_never_activated_fails_in_time() {
    let mut world = World::ready();
    world.pusher(
        "u",
        "UPDATE_STRATEGY",
        &json!({ "strategyId": "zz", "rules": {} }),
    );
    world.wait(11);
    world.assert_ends(
        "u",
        CommandState::Failed,
        "not known here; activate it first",
    );
}

#[test]
fn a_pause_counts_at_once_while_the_same_strategy_is_activated_again() {
    let mut world = World::with_strategy("s1");
    let mut other = buying_rules();
    other["riskManagement"]["lotSize"] = json!(0.2);
    world.terminal_down();
    world.pusher("again", "START_STRATEGY", &start_args("s1", &other));
    world.wait(1);
    world.pusher("p", "PAUSE_STRATEGY", &one());
    world.assert_executed("p");
    assert_eq!(state(&world), StrategyState::Paused);
    world.terminal_up();
    world.assert_executed("again");
    assert_eq!(state(&world), StrategyState::Paused);
}

#[test]
fn a_resume_after_the_pause_lets_a_late_start_run() {
    let mut world = World::with_strategy("s1");
    world.wait(20);
    world.pusher("p", "PAUSE_STRATEGY", &one());
    world.wait(5);
    world.pusher("r", "RESUME_STRATEGY", &one());
    world.assert_executed("r");
    world.heartbeat(&[(
        "late",
        "START_STRATEGY",
        start_args("s1", &buying_rules()),
        LATE,
    )]);
    world.assert_executed("late");
    assert_eq!(state(&world), StrategyState::Running);
}

#[test]
fn a_pause_at_this_machine_outlives_an_earlier_resume() {
    let mut world = World::ready();
    world.wait(20);
    world.ui(UiCommand::PauseTrading);
    assert!(world.state.durable().pause.is_some());
    world.heartbeat(&[("late", "RESUME", json!({}), LATE)]);
    world.assert_ends(
        "late",
        CommandState::Failed,
        "superseded by the later PAUSE",
    );
    assert!(world.state.durable().pause.is_some());
}

#[test]
fn a_start_from_the_future_cannot_outlive_a_stop() {
    for ahead in [1, 3_600] {
        let mut world = World::ready();
        world.happens(Event::ClockMeasured {
            offset_ms: 0,
            within_ms: 10,
        });
        world.pusher_made(
            "s",
            "START_STRATEGY",
            &start_args("s1", &buying_rules()),
            -ahead,
        );
        world.assert_executed("s");
        world.wait(1);
        world.heartbeat(&[("stop", "STOP_STRATEGY", one(), 0)]);
        world.assert_executed("stop");
        assert_eq!(state(&world), StrategyState::Stopped, "{ahead} s ahead");
    }
}

/// Held up together on their way: the stops tell no time and look as if they were given when they came. The answers to their
/// reports tell that they are the earlier ones.
#[test]
fn a_later_order_waits_for_the_time_of_a_stop_that_came_with_it() {
    for (told, given_before) in [(true, 3), (true, -1), (false, 0)] {
        let mut world = World::with_strategy("s1");
        world.clock_is_known();
        world.wait(20);
        world.patching = Patching::Silent;
        let orders = [
            ("stop", "STOP_STRATEGY", one()),
            ("pause", "PAUSE", json!({})),
            ("close", "CLOSE_ALL_POSITIONS", json!({})),
        ];
        for (id, name, args) in orders {
            world.platform_knows(id, OWNER);
            let raw = json!({ "id": id, "command": name, "parameters": args });
            world.pusher_raw(&raw.to_string());
            world.assert_executed(id);
        }
        let stops_at = world.ago(4 + given_before);
        world.pusher_made(
            "again",
            "START_STRATEGY",
            &start_args("s1", &buying_rules()),
            4,
        );
        world.pusher_made("resume", "RESUME", &json!({}), 4);
        world.pusher_made("open", "OPEN_POSITION", &buy(), 3);
        for id in ["again", "resume", "open"] {
            world.assert_ends(
                id,
                CommandState::Waiting,
                "which of two orders is the later",
            );
        }
        for id in ["stop", "pause", "close"].into_iter().filter(|_| told) {
            world.happens(Event::ReportAnswered {
                id: id.to_owned(),
                interim: false,
                outcome: ReportOutcome::Accepted {
                    user_id: Some(OWNER.to_owned()),
                    given_at: Some(stops_at),
                },
            });
        }
        world.wait(4);
        let stands = told && given_before > 0;
        assert_eq!(
            state(&world) == StrategyState::Running,
            stands,
            "{told} {given_before}"
        );
        let opened = world.outcome("open").0 == CommandState::Executed;
        assert_eq!(opened, stands, "{told} {given_before}");
        assert_eq!(
            world.state.durable().pause.is_none(),
            stands,
            "{told} {given_before}"
        );
    }
}
