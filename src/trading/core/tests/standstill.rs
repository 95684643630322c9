//! The computer slept, or the program was held up: what waited meanwhile comes all at once.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::world::{OWNER, Patching, World};
use super::{buy, buying_rules, cid_of, start_args};
use crate::core::Event;
use crate::core::health::{Leg, LinkReport, Phase};
use crate::core::snapshot::{CommandState, UiCommand};

impl World {
    fn connects_anew(&mut self) {
        self.happens(Event::Link(LinkReport {
            leg: Leg::Pusher,
            phase: Phase::Connecting,
            detail: String::new(),
            latency_ms: None,
            retry_at: None,
            attempts: 0,
        }));
    }

    /// The platform's clock is known, and then the computer sleeps.
    fn slept(seconds: i64) -> Self {
        let mut world = Self::ready();
        world.clock_is_known();
        world.wait(1);
        world.now.utc += SignedDuration::from_secs(seconds);
        world
    }
}

/// Frames wait in a connection while the computer sleeps: what tells no time of its own is done when its row says that it is
/// new, and not before.
#[test]
fn after_a_standstill_an_order_without_a_time_waits_for_its_row() {
    for slept in [6, 400, 10_800] {
        for (row, ends) in [
            (Some(3), CommandState::Executed),
            (
                Some(slept),
                if slept > 300 {
                    CommandState::Expired
                } else {
                    CommandState::Executed
                },
            ),
            (None, CommandState::Expired),
        ] {
            let mut world = World::ready();
            world.clock_is_known();
            world.wait(1);
            world.now.utc += SignedDuration::from_secs(slept);
            let raw = json!({ "id": "o", "command": "OPEN_POSITION", "parameters": buy() });
            world.pusher_raw(&raw.to_string());
            world.wait(4);
            world.assert_ends("o", CommandState::Waiting, "to say when it was given");
            assert!(world.terminal.submitted.is_empty());
            if let Some(age) = row {
                world.clock_is_known();
                world.heartbeat(&[("o", "OPEN_POSITION", buy(), age + 4)]);
            }
            world.wait(61);
            let (state, message) = world.outcome("o");
            assert_eq!(state, ends, "{slept} s, {row:?}: {message}");
        }
        // A stop is obeyed at once.
        let mut world = World::ready();
        world.clock_is_known();
        world.wait(1);
        world.now.utc += SignedDuration::from_secs(slept);
        world.pusher_raw(&json!({ "id": "p", "command": "PAUSE", "parameters": {} }).to_string());
        world.assert_executed("p");
    }
}

/// Bars that closed while the program stood still are read one after the other, and none of them is traded on.
#[test]
fn bars_of_a_standstill_open_nothing() {
    for stood in [0, 322] {
        let mut world = World::ready();
        world.pusher("a", "START_STRATEGY", &start_args("s1", &buying_rules()));
        world.assert_executed("a");
        world.wait(1);
        world.now.utc += SignedDuration::from_secs(stood);
        world.now.mono += Duration::from_secs(u64::try_from(stood).unwrap());
        world.next_bar();
        assert_eq!(world.terminal.positions.is_empty(), stood > 0, "{stood}");
        world.wait(4);
        world.next_bar();
        assert_eq!(world.terminal.positions.len(), 1, "{stood}: it goes on");
    }
}

/// What makes the risk smaller is done after a moment, though nobody can say when it was given; and what comes over a later
/// connection is new.
#[test]
fn after_a_standstill_closing_waits_for_a_moment_only() {
    let close = json!({ "id": "c", "command": "CLOSE_ALL_POSITIONS", "parameters": {} });
    for again in [false, true] {
        let mut world = World::ready();
        world.clock_is_known();
        world.pusher("o", "OPEN_POSITION", &buy());
        world.assert_executed("o");
        world.wait(1);
        world.now.utc += SignedDuration::from_secs(7);
        world.now.mono += Duration::from_secs(7);
        world.wait(4);
        if again {
            world.connects_anew();
            world.happens(Event::Subscribed);
            world.pusher_raw(&close.to_string());
        } else {
            world.pusher_raw(&close.to_string());
            world.assert_ends("c", CommandState::Waiting, "to say when it was given");
            world.wait(4);
        }
        world.wait(1);
        world.assert_executed("c");
        assert!(world.terminal.positions.is_empty(), "{again}");
    }
}

/// A stop may lie in the old connection: that is dropped only after it had time to be read.
#[test]
fn after_a_sleep_the_old_connection_is_read_before_it_is_dropped() {
    let mut world = World::ready();
    world.ui(UiCommand::AfterSleep);
    assert_eq!(world.restarts_of_loops, 0);
    world.wait(2);
    assert_eq!(world.restarts_of_loops, 1);
}

/// The confirmation of the subscription lay in the old connection, too, before the frames that are old.
#[test]
fn a_confirmation_that_waited_with_the_frames_makes_none_of_them_new() {
    let mut world = World::slept(7_200);
    world.happens(Event::Subscribed);
    let resume = json!({ "id": "r", "command": "RESUME", "parameters": {} });
    world.pusher_raw(&resume.to_string());
    world.wait(1);
    world.assert_ends("r", CommandState::Waiting, "to say when it was given");
    world.clock_is_known();
    world.heartbeat(&[("r", "RESUME", json!({}), 7_201)]);
    world.assert_ends("r", CommandState::Expired, "");
    // Over the next connection they are new.
    world.connects_anew();
    world.happens(Event::Subscribed);
    let resume = json!({ "id": "n", "command": "RESUME", "parameters": {} });
    world.pusher_raw(&resume.to_string());
    world.assert_executed("n");
}

/// The next run knows as little of when it was given, and would count its age from its coming.
#[test]
fn what_waits_for_its_row_goes_on_waiting_after_a_restart() {
    for (row, ends) in [
        (None, CommandState::Expired),
        (Some(7_210), CommandState::Expired),
        (Some(20), CommandState::Executed),
    ] {
        let mut world = World::slept(7_200);
        for (id, command) in [("o", "OPEN_POSITION"), ("c", "CLOSE_BY_SYMBOL")] {
            let args = if id == "o" {
                buy()
            } else {
                json!({ "symbol": "GBPUSD" })
            };
            let raw = json!({ "id": id, "command": command, "parameters": args });
            world.pusher_raw(&raw.to_string());
        }
        world.wait(1);
        world.assert_ends("o", CommandState::Waiting, "to say when it was given");
        world.restart();
        world.terminal_up();
        world.clock_is_known();
        world.wait(4);
        world.assert_ends("o", CommandState::Waiting, "to say when it was given");
        assert!(world.terminal.submitted.is_empty(), "{row:?}");
        // Closing waits for a moment only.
        world.assert_executed("c");
        if let Some(age) = row {
            world.heartbeat(&[("o", "OPEN_POSITION", buy(), age)]);
        }
        world.wait(61);
        let (state, message) = world.outcome("o");
        assert_eq!(state, ends, "{row:?}: {message}");
    }
}

/// The clock that nobody sets stands while the computer sleeps, on some systems, and the other one is put back meanwhile.
#[test]
fn a_sleep_behind_a_clock_that_was_put_back_is_noticed() {
    let mut world = World::slept(-18_000);
    let open = json!({ "id": "o", "command": "OPEN_POSITION", "parameters": buy() });
    world.pusher_raw(&open.to_string());
    let start = start_args("s1", &buying_rules());
    // Given before the sleep of two hours, by its own word.
    world.pusher_made("s", "START_STRATEGY", &start, -18_000 + 5);
    world.pusher_made("p", "PAUSE", &json!({}), -18_000 + 5);
    world.wait(1);
    world.assert_executed("p");
    world.assert_ends("o", CommandState::Waiting, "");
    world.assert_ends(
        "s",
        CommandState::Waiting,
        "waiting for the platform's clock",
    );
    // The platform tells its clock with the rows.
    world.happens(Event::ClockMeasured {
        offset_ms: (18_000 + 7_200) * 1_000,
        within_ms: 20,
    });
    world.assert_ends("s", CommandState::Expired, "");
    world.heartbeat(&[("o", "OPEN_POSITION", buy(), -18_000)]);
    world.wait(61);
    world.assert_ends("o", CommandState::Expired, "");

    // Nobody tells it.
    let mut world = World::slept(-18_000);
    world.pusher_made("s", "START_STRATEGY", &start, 0);
    world.wait(61);
    world.assert_ends("s", CommandState::Expired, "does not tell its clock");
}

/// This computer's clock is wrong, as the last run knew; the next one knows it only when the platform has told its own.
#[test]
fn the_age_of_what_the_last_run_left_is_judged_by_the_platforms_clock() {
    for measured in [true, false] {
        // An hour behind: an order of eleven minutes ago looks as if it were still to come.
        let mut world = World::ready();
        world.happens(Event::ClockMeasured {
            offset_ms: 3_600_000,
            within_ms: 20,
        });
        world.terminal_down();
        world.pusher_made("o", "OPEN_POSITION", &buy(), -3_600);
        world.assert_ends("o", CommandState::Waiting, "");
        world.now.utc += SignedDuration::from_mins(11);
        world.restart();
        world.terminal_up();
        world.wait(4);
        world.assert_ends(
            "o",
            CommandState::Waiting,
            "waiting for the platform's clock",
        );
        if measured {
            world.happens(Event::ClockMeasured {
                offset_ms: 3_600_000,
                within_ms: 20,
            });
        }
        world.wait(61);
        world.assert_ends("o", CommandState::Expired, "");
        assert!(world.terminal.submitted.is_empty());

        // Ten minutes ahead: a fresh close looks old.
        let mut world = World::ready();
        world.happens(Event::ClockMeasured {
            offset_ms: -600_000,
            within_ms: 20,
        });
        world.pusher_made("o", "OPEN_POSITION", &buy(), 600);
        world.assert_executed("o");
        world.terminal_down();
        world.wait(2);
        world.pusher_made("c", "CLOSE_ALL_POSITIONS", &json!({}), 600);
        world.pusher_made("n", "OPEN_POSITION", &buy(), 599);
        world.restart();
        world.terminal_up();
        if !measured {
            continue;
        }
        world.happens(Event::ClockMeasured {
            offset_ms: -600_000,
            within_ms: 20,
        });
        world.wait(2);
        world.assert_executed("c");
        world.assert_executed("n");
    }
}

/// The clock was put back while nothing slept, and only Pusher works: after a moment orders are new again.
#[test]
fn a_step_of_the_clock_makes_later_orders_no_older() {
    let mut world = World::slept(-10);
    world.wait(20);
    world.pusher_made("o", "OPEN_POSITION", &buy(), -10);
    world.pusher_made("g", "GET_STATUS", &json!({}), -10);
    world.wait(1);
    world.assert_executed("o");
    world.assert_executed("g");
}

/// This computer's clock is wrong, and nothing is known of the platform's yet: what looks too old may be fresh. Closing waits
/// for a moment and opening for a minute.
#[test]
fn what_looks_old_before_the_platform_told_its_clock_waits_for_it() {
    for (told_after, ahead) in [(2, 7_200), (2, 0), (70, 7_200)] {
        let mut world = World::ready();
        world.terminal.holds(11, cid_of("s1", 900).0, "0");
        world.send_book();
        world.pusher_made("c", "CLOSE_ALL_POSITIONS", &json!({}), 7_200);
        world.pusher_made("n", "OPEN_POSITION", &buy(), 7_199);
        world.wait(told_after);
        if told_after < 3 {
            for id in ["c", "n"] {
                world.assert_ends(id, CommandState::Waiting, "for the platform's clock");
            }
            world.happens(Event::ClockMeasured {
                offset_ms: -ahead * 1_000,
                within_ms: 20,
            });
            world.wait(2);
        }
        let (closes, opens) = match (told_after, ahead) {
            (2, 0) => (CommandState::Expired, CommandState::Expired),
            (2, _) => (CommandState::Executed, CommandState::Executed),
            _ => (CommandState::Executed, CommandState::Expired),
        };
        world.assert_ends("c", closes, "");
        world.assert_ends("n", opens, "");
    }
}

/// This computer's clock is set while the program runs: nothing that was given just now is too old by it.
#[test]
fn a_clock_that_is_set_forward_expires_nothing() {
    for (passed, measured) in [(0, true), (1, true), (20, true), (20, false)] {
        let mut world = World::ready();
        world.clock_is_known();
        world.terminal.holds(11, cid_of("s1", 900).0, "0");
        world.send_book();
        world.wait(1);
        world.now.utc += SignedDuration::from_secs(7_200);
        world.wait(passed);
        world.pusher_made("c", "CLOSE_ALL_POSITIONS", &json!({}), 7_200);
        world.pusher_made("n", "OPEN_POSITION", &buy(), 7_199);
        world.wait(1);
        for id in ["c", "n"] {
            world.assert_ends(id, CommandState::Waiting, "for the platform's clock");
        }
        if measured {
            world.happens(Event::ClockMeasured {
                offset_ms: -7_200_000,
                within_ms: 20,
            });
        }
        world.wait(3);
        world.assert_executed("c");
        let opened = world.outcome("n").0 == CommandState::Executed;
        assert_eq!(opened, measured, "{passed}");
    }
}

/// A close that waited in the connection, and an order to open right behind it: the close is dated by its coming, not by the end
/// of its waiting.
#[test]
fn an_order_that_came_behind_a_close_is_the_later_one() {
    let mut world = World::slept(7);
    world.now.mono += Duration::from_secs(7);
    let close =
        json!({ "id": "c", "command": "CLOSE_BY_SYMBOL", "parameters": { "symbol": "EURUSD" } });
    world.patching = Patching::Fails;
    world.platform_knows("c", OWNER);
    world.pusher_raw(&close.to_string());
    world.wait(1);
    world.pusher_made("o", "OPEN_POSITION", &buy(), 0);
    world.wait(10);
    world.clock_is_known();
    world.wait(10);
    world.assert_executed("c");
    world.assert_executed("o");
    assert_eq!(world.terminal.positions.len(), 1);
}
