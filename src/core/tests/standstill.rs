//! The computer slept, or the program was held up: what waited meanwhile comes all at once.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::json;

use super::world::World;
use super::{buy, buying_rules, start_args};
use crate::core::Event;
use crate::core::snapshot::{CommandState, UiCommand};

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
            world.happens(Event::ClockMeasured {
                offset_ms: 0,
                within_ms: 20,
            });
            world.wait(1);
            world.now.utc += SignedDuration::from_secs(slept);
            let raw = json!({ "id": "o", "command": "OPEN_POSITION", "parameters": buy() });
            world.pusher_raw(&raw.to_string());
            world.wait(4);
            world.assert_ends("o", CommandState::Waiting, "to say when it was given");
            assert!(world.terminal.submitted.is_empty());
            if let Some(age) = row {
                world.heartbeat(&[("o", "OPEN_POSITION", buy(), age + 4)]);
            }
            world.wait(61);
            let (state, message) = world.outcome("o");
            assert_eq!(state, ends, "{slept} s, {row:?}: {message}");
        }
        // A stop is obeyed at once.
        let mut world = World::ready();
        world.happens(Event::ClockMeasured {
            offset_ms: 0,
            within_ms: 20,
        });
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
        world.happens(Event::ClockMeasured {
            offset_ms: 0,
            within_ms: 20,
        });
        world.pusher("o", "OPEN_POSITION", &buy());
        world.assert_executed("o");
        world.wait(1);
        world.now.utc += SignedDuration::from_secs(7);
        world.now.mono += Duration::from_secs(7);
        world.wait(4);
        if again {
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
