//! A clock was put back, the platform's or this computer's: what was ordered before must not look later than all that follows.

use serde_json::{Value, json};

use super::world::World;
use super::{buy, buying_rules, start_args};
use crate::core::Event;
use crate::core::snapshot::{CommandState, StrategyState};

impl World {
    fn clock_is_ahead_by(&mut self, seconds: i64) {
        self.happens(Event::ClockMeasured {
            offset_ms: seconds * 1_000,
            within_ms: 20,
        });
    }
}

fn one() -> Value {
    json!({ "strategyId": "s1" })
}

fn state(world: &World) -> StrategyState {
    world.state.durable().strategies["s1"].state
}

/// A strategy that was started and resumed, a position, a pause that was lifted: all while the clock ran ahead.
fn ordered_ahead(ahead: i64) -> World {
    let mut world = World::ready();
    world.clock_is_ahead_by(ahead);
    let start = start_args("s1", &buying_rules());
    let orders = [
        ("start", "START_STRATEGY", start),
        ("p1", "PAUSE_STRATEGY", one()),
        ("r1", "RESUME_STRATEGY", one()),
        ("p", "PAUSE", json!({})),
        ("r", "RESUME", json!({})),
        ("o", "OPEN_POSITION", buy()),
    ];
    for (id, name, args) in orders {
        world.pusher_made(id, name, &args, -ahead);
        world.wait(1);
        world.assert_executed(id);
    }
    assert_eq!(state(&world), StrategyState::Running);
    world
}

type Holds = fn(&World) -> bool;

/// What makes the risk smaller, and what must hold once it is obeyed.
fn reducing() -> [(&'static str, Value, Holds); 8] {
    [
        ("STOP_STRATEGY", one(), |world| {
            state(world) == StrategyState::Stopped
        }),
        (
            "STOP_STRATEGY",
            json!({ "strategyId": "s1", "closePositions": true }),
            |world| state(world) == StrategyState::Stopped,
        ),
        ("PAUSE_STRATEGY", one(), |world| {
            state(world) == StrategyState::Paused
        }),
        ("PAUSE", json!({}), |world| {
            world.state.durable().pause.is_some()
        }),
        ("STOP_ALL", json!({}), |world| {
            state(world) == StrategyState::Stopped
        }),
        ("CLOSE_ALL_POSITIONS", json!({}), |world| {
            world.terminal.positions.is_empty()
        }),
        ("CLOSE_BY_SYMBOL", json!({ "symbol": "EURUSD" }), |world| {
            world.terminal.positions.is_empty()
        }),
        ("EMERGENCY_STOP", one(), |world| {
            state(world) == StrategyState::Stopped
        }),
    ]
}

#[test]
fn what_makes_the_risk_smaller_is_obeyed_after_the_clock_was_put_back() {
    for ahead in [5, 60, 3_600] {
        for (name, args, holds) in &reducing() {
            for measured_first in [true, false] {
                for restarted in [true, false] {
                    let case = format!("{name}, {ahead} s, {measured_first}, {restarted}");
                    let mut world = ordered_ahead(ahead);
                    if restarted {
                        world.restart();
                        world.clock_is_ahead_by(ahead);
                        world.terminal_up();
                    }
                    world.wait(1);
                    if measured_first {
                        world.clock_is_ahead_by(0);
                        world.wait(1);
                    }
                    world.pusher("now", name, args);
                    world.clock_is_ahead_by(0);
                    world.wait(2);
                    let (_, message) = world.outcome("now");
                    assert!(holds(&world), "{case}: {message}");
                    world.assert_executed("now");
                }
            }
        }
    }
}

#[test]
fn a_row_that_comes_with_the_first_right_time_is_obeyed() {
    let mut world = ordered_ahead(60);
    world.restart();
    world.terminal_up();
    world.wait(1);
    world.clock_is_ahead_by(0);
    world.heartbeat(&[("now", "STOP_STRATEGY", one(), 0)]);
    world.wait(1);
    world.assert_executed("now");
    assert_eq!(state(&world), StrategyState::Stopped);
}

#[test]
fn an_earlier_start_that_was_held_up_stays_undone() {
    for measured in [3_600, 0] {
        let mut world = ordered_ahead(3_600);
        world.pusher_made("stop", "STOP_STRATEGY", &one(), -3_600);
        world.assert_executed("stop");
        world.wait(2);
        world.clock_is_ahead_by(measured);
        let start = start_args("s1", &buying_rules());
        world.heartbeat(&[("held", "START_STRATEGY", start.clone(), -3_595)]);
        world.wait(1);
        world.assert_ends(
            "held",
            CommandState::Failed,
            "superseded by the later STOP_STRATEGY",
        );
        world.clock_is_ahead_by(0);
        world.pusher("again", "START_STRATEGY", &start);
        world.wait(1);
        world.assert_executed("again");
        assert_eq!(state(&world), StrategyState::Running);
    }
}

/// The clock was put back and no heartbeat says so: the order comes by Pusher alone, with a time before the others.
#[test]
fn what_makes_the_risk_smaller_is_obeyed_though_nobody_tells_that_the_clock_was_put_back() {
    for ahead in [3, 5, 12, 20, 3_600] {
        for (name, args, holds) in &reducing() {
            for restarted in [true, false] {
                let case = format!("{name}, {ahead} s, restarted: {restarted}");
                let mut world = ordered_ahead(ahead);
                if restarted {
                    world.restart();
                    world.terminal_up();
                }
                world.pusher("now", name, args);
                world.wait(4);
                let (_, message) = world.outcome("now");
                assert!(holds(&world), "{case}: {message}");
                world.assert_executed("now");

                // What the clock tells later changes nothing of it.
                world.clock_is_ahead_by(0);
                world.wait(1);
                world.heartbeat(&[("now", name, args.clone(), -5)]);
                world.wait(4);
                assert!(holds(&world), "{case}: later");
            }
        }
    }
}

/// It came after the later one, but its time agrees with its arrival: the two were only given at the same time.
#[test]
fn a_stop_that_was_on_its_way_for_a_moment_stays_the_earlier_one() {
    let mut world = World::ready();
    world.clock_is_ahead_by(0);
    world.wait(1);
    let start = start_args("s1", &buying_rules());
    world.pusher("start", "START_STRATEGY", &start);
    world.assert_executed("start");
    world.pusher_made("stop", "STOP_STRATEGY", &one(), 1);
    world.wait(4);
    world.assert_ends(
        "stop",
        CommandState::Failed,
        "superseded by the later START_STRATEGY",
    );
    assert_eq!(state(&world), StrategyState::Running);
}

/// Before anybody has looked at the platform's clock again.
#[test]
fn what_makes_the_risk_smaller_is_obeyed_after_this_computers_clock_was_put_back() {
    for back in [3, 5, 30, 3_600] {
        for (name, args, holds) in &reducing() {
            for (after, dated) in [(0, true), (25, true), (0, false), (25, false)] {
                let case = format!("{name}, {back} s, {after} s later, dated: {dated}");
                let mut world = ordered_ahead(0);
                world.wait(2);
                world.now.utc -= jiff::SignedDuration::from_secs(back);
                world.wait(after);
                if dated {
                    world.pusher_made("now", name, args, -back);
                } else {
                    world.pusher_raw(
                        &json!({ "id": "now", "command": name, "parameters": args }).to_string(),
                    );
                }
                // Closing waits for its row for a moment: a sleep may hide behind the clock.
                world.wait(4);
                let (_, message) = world.outcome("now");
                assert!(holds(&world), "{case}: {message}");
                world.assert_executed("now");
                assert!(!message.contains("a later activation stands"), "{case}");
                world.clock_is_ahead_by(back);
                world.heartbeat(&[("now", name, args.clone(), -back)]);
                world.wait(4);
                assert!(holds(&world), "{case}: later");
            }
        }
    }
}

/// The program was killed while the stop waited for the platform's clock.
#[test]
fn a_stop_that_was_in_doubt_is_obeyed_by_the_next_run() {
    for (name, args, holds) in &reducing() {
        for measured in [true, false] {
            let case = format!("{name}, {measured}");
            let mut world = ordered_ahead(3_600);
            world.wait(60);
            world.pusher("now", name, args);
            world.restart();
            if measured {
                world.clock_is_ahead_by(0);
            }
            world.terminal_up();
            world.wait(4);
            let (_, message) = world.outcome("now");
            assert!(holds(&world), "{case}: {message}");
            world.assert_executed("now");
            world.clock_is_ahead_by(0);
            world.heartbeat(&[("now", name, args.clone(), 5)]);
            world.wait(4);
            assert!(holds(&world), "{case}: later");
        }
    }
}

/// The clock was told and the doubt is over; the next run comes to the same.
#[test]
fn a_doubt_that_the_clock_has_settled_is_not_revived_by_a_restart() {
    for restarted in [false, true] {
        let mut world = World::ready();
        world.clock_is_ahead_by(0);
        world.wait(10);
        world.terminal_down();
        world.pusher_made("open", "OPEN_POSITION", &buy(), 0);
        // Given before it, and late.
        world.pusher_made("close", "CLOSE_ALL_POSITIONS", &json!({}), 6);
        world.clock_is_ahead_by(0);
        world.wait(1);
        if restarted {
            world.restart();
            world.clock_is_ahead_by(0);
        }
        world.terminal_up();
        world.wait(2);
        world.assert_executed("open");
        world.assert_executed("close");
        assert_eq!(world.terminal.positions.len(), 1, "{restarted}");
    }
}
