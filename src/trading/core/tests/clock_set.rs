//! This computer's clock is wrong, or is set while the program runs: an emergency stop is obeyed all the same, and closes
//! what was open when it was given.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::emergency::{exposed, stop_here};
use super::world::{OWNER, Patching, World};
use super::{buy, buying_rules, start_args};

use crate::core::snapshot::{CommandState, StrategyState, UiCommand};
use crate::core::{Event, ReportOutcome};

/// Seconds that this computer's clock is ahead of the platform's: at first, and once it was set.
const CLOCKS: [(i64, i64); 8] = [
    (0, 0),
    (3_600, 3_600),
    (-3_600, -3_600),
    (3_600, 0),
    (0, -3_600),
    (40, 0),
    (-3_600, 0),
    (0, 3_600),
];

/// A world beside the platform's clock.
struct Beside {
    world: World,
    /// Seconds that ours is ahead.
    ahead: i64,
}

impl Beside {
    fn new(world: World, ahead: i64) -> Self {
        let mut beside = Self { world, ahead };
        beside.world.now.utc += SignedDuration::from_secs(ahead);
        beside.measure();
        beside
    }

    fn measure(&mut self) {
        self.world.happens(Event::ClockMeasured {
            offset_ms: -self.ahead * 1_000,
            within_ms: 10,
        });
    }

    fn set(&mut self, ahead: i64) {
        self.world.now.utc += SignedDuration::from_secs(ahead - self.ahead);
        self.ahead = ahead;
    }

    /// The platform's clock.
    fn platform(&self) -> Timestamp {
        self.world.ago(self.ahead)
    }

    fn give(&mut self, how: &str, id: &str, name: &str, args: &serde_json::Value, at: Timestamp) {
        let world = &mut self.world;
        world.platform_knows(id, OWNER);
        let row = json!({
            "id": id, "command": name, "parameters": args, "createdAt": at,
            "metadata": { "userId": OWNER },
        });
        match how {
            "row" => world.heartbeat_raw(vec![row.to_string()]),
            "event" => world.pusher_raw(&row.to_string()),
            _ => {
                let data = json!({ "userId": OWNER, "reason": "r", "timestamp": at }).to_string();
                world.happens(Event::EmergencyBroadcast { data });
            }
        }
        world.wait(1);
    }

    fn is_stopped(&self) -> bool {
        self.world.state.durable().stop.is_some()
    }
}

#[test]
fn a_stop_after_the_lift_is_obeyed_and_one_before_it_is_past() {
    for (first, then) in CLOCKS {
        for how in ["row", "event", "public"] {
            for measured in [true, false] {
                for restarts in [false, true] {
                    let case = format!("{first} {then} {how} {measured} {restarts}");
                    let mut beside = Beside::new(exposed(), first);
                    let before = beside.platform();
                    beside.world.wait(3);
                    stop_here(&mut beside.world);
                    beside.world.wait(3);
                    beside.world.ui(UiCommand::LiftStop);
                    beside.set(then);
                    if restarts {
                        beside.world.restart();
                        beside.world.terminal_up();
                    }
                    beside.world.wait(2);
                    if measured {
                        beside.measure();
                    }
                    // A row comes with an answer that told the platform's time; in doubt a stop is obeyed.
                    if how == "public" || how == "row" && measured {
                        beside.give(how, "past", "EMERGENCY_STOP", &json!({}), before);
                        assert!(!beside.is_stopped(), "{case}");
                    }
                    beside.world.wait(6);
                    let now = beside.platform();
                    beside.give(how, "new", "EMERGENCY_STOP", &json!({}), now);
                    assert!(beside.is_stopped(), "{case}");
                }
            }
        }
    }
}

#[test]
fn a_late_row_closes_what_was_opened_before_it_was_given_and_nothing_else() {
    for (first, then) in CLOCKS {
        for after in [true, false] {
            let mut beside = Beside::new(World::ready(), first);
            let given_before = beside.platform();
            beside.world.wait(20);
            let now = beside.platform();
            beside.give("event", "open", "OPEN_POSITION", &buy(), now);
            beside.world.assert_executed("open");
            beside.world.wait(20);
            let given_after = beside.platform();
            beside.set(then);
            beside.world.now.utc += SignedDuration::from_hours(3);
            beside.world.restart();
            beside.world.terminal_up();
            beside.measure();
            let given = if after { given_after } else { given_before };
            beside.give("row", "stop", "EMERGENCY_STOP", &json!({}), given);
            beside.world.wait(2);
            let left = beside.world.terminal.positions.len();
            let case = format!("{first} {then} {after}");
            assert_eq!(left, usize::from(!after), "{case}");
            let (state, message) = beside.world.outcome("stop");
            assert_eq!(state, CommandState::Executed, "{case}: {message}");
            assert_eq!(
                message.contains("1 position opened after this old stop"),
                !after,
                "{case}: {message}"
            );
        }
    }
}

/// Lifted before the platform's clock was known: in this run it is dated as soon as it is, unless this computer's clock was
/// set or it slept since; otherwise a stop is obeyed.
#[test]
fn a_lift_before_the_clock_was_known_hides_no_later_stop() {
    for (first, then) in CLOCKS {
        for offline in [false, true] {
            let case = format!("{first} {then} {offline}");
            let mut world = exposed();
            world.now.utc += SignedDuration::from_secs(first);
            let mut beside = Beside {
                world,
                ahead: first,
            };
            let before = beside.platform();
            beside.world.wait(3);
            stop_here(&mut beside.world);
            beside.world.wait(3);
            beside.world.ui(UiCommand::LiftStop);
            beside.set(then);
            if offline {
                beside.world.restart();
                beside.world.terminal_up();
            }
            beside.world.wait(2);
            beside.measure();
            if !offline && first == then {
                beside.give("row", "past", "EMERGENCY_STOP", &json!({}), before);
                assert!(!beside.is_stopped(), "{case}");
            }
            let now = beside.platform();
            beside.give("row", "new", "EMERGENCY_STOP", &json!({}), now);
            assert!(beside.is_stopped(), "{case}");
        }
    }
}

/// The platform's clock ran ahead while the stop was lifted and a position was opened, and was put right since.
#[test]
fn a_platforms_clock_that_was_put_back_hides_no_stop_and_keeps_no_position() {
    for (ahead, minutes) in [(3_600, 10), (600, 8), (3_600, 35)] {
        for restarts in [true, false] {
            let case = format!("{ahead} {minutes} {restarts}");
            let mut world = exposed();
            world.happens(Event::ClockMeasured {
                offset_ms: ahead * 1_000,
                within_ms: 10,
            });
            stop_here(&mut world);
            world.wait(1_800);
            world.ui(UiCommand::LiftStop);
            world.wait(10);
            // Dated by the platform, whose clock is ahead.
            world.pusher_made("open", "OPEN_POSITION", &buy(), -ahead);
            world.wait(1);
            world.assert_executed("open");
            let mut beside = Beside { world, ahead: 0 };
            beside.world.wait(2);
            let given = beside.platform();
            let away = SignedDuration::from_mins(minutes);
            beside.world.now.utc += away;
            beside.world.now.mono += std::time::Duration::try_from(away).unwrap();
            if restarts {
                beside.world.restart();
                beside.world.terminal_up();
            }
            beside.measure();
            beside.give("row", "new", "EMERGENCY_STOP", &json!({}), given);
            beside.world.wait(2);
            assert!(beside.is_stopped(), "{case}");
            let own = beside.world.state.own_positions().count();
            assert_eq!(own, 0, "{case}");
        }
    }
}

/// The platform's clock was put back by less than has passed until it was looked at again: nothing lies in the future, and
/// what was ordered since is the later word all the same.
#[test]
fn a_clock_that_was_put_back_and_has_caught_up_hides_nothing() {
    let mut world = exposed();
    world.happens(Event::ClockMeasured {
        offset_ms: 0,
        within_ms: 10,
    });
    stop_here(&mut world);
    world.wait(3);
    world.ui(UiCommand::LiftStop);
    world.wait(3);
    let start = super::start_args("s2", &super::buying_rules());
    world.pusher_made("start", "START_STRATEGY", &start, 0);
    world.wait(1);
    world.assert_executed("start");
    // Heartbeats fail; three seconds later somebody orders, by a clock that is 20 s behind now.
    world.wait(3);
    let given = world.ago(20);
    world.wait(22);
    world.happens(Event::ClockMeasured {
        offset_ms: -20_000,
        within_ms: 10,
    });
    let mut beside = Beside { world, ahead: 20 };
    let one = json!({ "strategyId": "s2" });
    beside.give("row", "halt", "STOP_STRATEGY", &one, given);
    let message = beside.world.assert_executed("halt");
    assert!(!message.contains("superseded"), "{message}");
    beside.give("row", "stop", "EMERGENCY_STOP", &json!({}), given);
    assert!(beside.is_stopped());
}

/// The platform's clock is not known, and this computer's is behind: what tells no time is judged by its coming, so no order of
/// before stands against it.
#[test]
fn with_an_unknown_clock_what_comes_without_a_time_is_the_later_order() {
    let of_s1 = json!({ "strategyId": "s1" });
    for behind in [10, 60, 7_200] {
        for restarts in [false, true] {
            for (name, closes) in [
                ("STOP_STRATEGY", false),
                ("STOP_STRATEGY", true),
                ("PAUSE_STRATEGY", false),
                ("PAUSE", false),
                ("window", true),
            ] {
                let case = format!("{behind} {restarts} {name} {closes}");
                let mut world = World::ready();
                // Given by a clock that is ahead of ours.
                let rules = start_args("s1", &buying_rules());
                world.pusher_made("p", "PAUSE", &json!({}), -behind);
                world.pusher_made("r", "RESUME", &json!({}), -behind - 1);
                world.pusher_made("s", "START_STRATEGY", &rules, -behind);
                world.assert_executed("r");
                world.assert_executed("s");
                world.wait(2);
                if restarts {
                    world.restart();
                    world.terminal_up();
                }
                if name == "window" {
                    world.ui(UiCommand::StopStrategy {
                        id: "s1".to_owned(),
                        close_positions: closes,
                    });
                } else {
                    let mut parameters = of_s1.clone();
                    parameters["closePositions"] = closes.into();
                    let parameters = if name == "PAUSE" {
                        json!({})
                    } else {
                        parameters
                    };
                    let raw = json!({ "id": "x", "command": name, "parameters": parameters });
                    world.platform_knows("x", OWNER);
                    world.pusher_raw(&raw.to_string());
                    world.assert_executed("x");
                }
                world.wait(2);
                let durable = world.state.durable();
                let runs = durable.strategies["s1"].state == StrategyState::Running;
                assert!(!runs || durable.pause.is_some(), "{case}");
                // It stays so once the platform's clock is known.
                world.happens(Event::ClockMeasured {
                    offset_ms: behind * 1_000,
                    within_ms: 20,
                });
                world.wait(2);
                let durable = world.state.durable();
                let runs = durable.strategies["s1"].state == StrategyState::Running;
                assert!(!runs || durable.pause.is_some(), "{case}");
            }
        }
    }
}

fn undated(world: &mut World, id: &str, name: &str) {
    world.platform_knows(id, OWNER);
    let args = json!({ "strategyId": "s1" });
    let args = if name == "STOP_STRATEGY" {
        args
    } else {
        json!({})
    };
    let raw = json!({ "id": id, "command": name, "parameters": args });
    world.pusher_raw(&raw.to_string());
}

fn dated(world: &mut World, id: &str, at: Timestamp) {
    world.happens(Event::ReportAnswered {
        id: id.to_owned(),
        interim: false,
        outcome: ReportOutcome::Accepted {
            user_id: Some(OWNER.to_owned()),
            given_at: Some(at),
        },
    });
}

/// The platform's own word on when a stop was given is believed although it is later than this computer's clock, or than
/// what is known of the platform's: an order of before, which comes after it, does not stand against it.
#[test]
fn an_earlier_order_that_comes_after_a_stop_is_past() {
    let rules = start_args("s1", &buying_rules());
    for (behind, within) in [(10, None), (3, None), (0, Some(2_000))] {
        let mut world = World::ready();
        if let Some(within_ms) = within {
            world.happens(Event::ClockMeasured {
                offset_ms: -within_ms,
                within_ms,
            });
        }
        world.wait(20);
        world.patching = Patching::Silent;
        let given_at = world.ago(-behind);
        for (id, name) in [("st", "STOP_STRATEGY"), ("pa", "PAUSE")] {
            undated(&mut world, id, name);
            world.assert_executed(id);
        }
        world.pusher_made("s", "START_STRATEGY", &rules, 1 - behind);
        world.pusher_made("r", "RESUME", &json!({}), 1 - behind);
        for id in ["s", "r"] {
            world.assert_ends(id, CommandState::Waiting, "the later one");
        }
        for id in ["st", "pa"] {
            dated(&mut world, id, given_at);
        }
        for id in ["s", "r"] {
            world.assert_ends(id, CommandState::Failed, "superseded");
        }
        assert!(world.state.durable().pause.is_some(), "{behind}");
    }
}

/// What came while the platform's clock was not known is dated by a clock that nobody sets, once it is: this computer's may
/// have been set meanwhile.
#[test]
fn a_clock_set_right_changes_no_sequence() {
    let rules = start_args("s1", &buying_rules());
    for wrong in [-7_200, -30, 30, 7_200] {
        for here in [true, false] {
            let mut world = World::ready();
            world.now.utc += SignedDuration::from_secs(wrong);
            world.restart();
            world.terminal_up();
            world.wait(20);
            if here {
                world.ui(UiCommand::StopStrategy {
                    id: "s1".to_owned(),
                    close_positions: true,
                });
            } else {
                undated(&mut world, "st", "STOP_STRATEGY");
                world.assert_executed("st");
            }
            world.wait(2);
            world.now.utc -= SignedDuration::from_secs(wrong);
            world.wait(2);
            world.clock_is_known();
            world.heartbeat(&[("before", "START_STRATEGY", rules.clone(), 6)]);
            world.assert_ends("before", CommandState::Failed, "superseded");
            world.pusher_made("after", "START_STRATEGY", &rules, 0);
            world.wait(4);
            world.assert_executed("after");
        }
    }
}

/// A person's word counts, however wrong this computer's clock is.
#[test]
fn a_person_resumes_whatever_the_clock_says() {
    for behind in [60, 7_200] {
        let mut world = World::ready();
        let rules = start_args("s1", &buying_rules());
        world.pusher_made("s", "START_STRATEGY", &rules, -behind);
        world.assert_executed("s");
        undated(&mut world, "pa", "PAUSE");
        world.assert_executed("pa");
        world.wait(1);
        world.ui(UiCommand::ResumeTrading);
        world.wait(1);
        world.pusher_made("told", "OPEN_POSITION", &buy(), -behind - 2);
        world.assert_executed("told");
        let raw = json!({ "id": "untold", "command": "OPEN_POSITION", "parameters": buy() });
        world.platform_knows("untold", OWNER);
        world.pusher_raw(&raw.to_string());
        world.assert_executed("untold");
        // The pause is dated when the platform's clock is known, and so is the resume.
        world.happens(Event::ClockMeasured {
            offset_ms: behind * 1_000 + 50,
            within_ms: 20,
        });
        world.wait(1);
        world.pusher_made("later", "OPEN_POSITION", &buy(), -behind);
        world.assert_executed("later");
    }
}

/// What is known of the platform's clock is two seconds behind it. The answers to the reports tell that the first orders were
/// given ahead of that, and what comes after them is later all the same.
#[test]
fn a_clock_that_is_known_late_sets_no_later_stop_aside() {
    let rules = start_args("s1", &buying_rules());
    for told in [false, true] {
        let mut world = World::ready();
        world.happens(Event::ClockMeasured {
            offset_ms: -2_000,
            within_ms: 2_000,
        });
        world.wait(20);
        for (id, name, args) in [("s", "START_STRATEGY", &rules), ("r", "RESUME", &json!({}))] {
            world.patching = Patching::Silent;
            world.pusher_made(id, name, args, 0);
            world.assert_executed(id);
            let at = world.now.utc;
            dated(&mut world, id, at);
        }
        world.patching = Patching::Works;
        world.now.utc += SignedDuration::from_millis(100);
        world.now.mono += std::time::Duration::from_millis(100);
        if told {
            world.pusher_made("st", "STOP_STRATEGY", &json!({ "strategyId": "s1" }), 0);
            world.pusher_made("pa", "PAUSE", &json!({}), 0);
        } else {
            undated(&mut world, "st", "STOP_STRATEGY");
            undated(&mut world, "pa", "PAUSE");
        }
        world.assert_executed("st");
        world.assert_executed("pa");
        let durable = world.state.durable();
        assert_eq!(durable.strategies["s1"].state, StrategyState::Stopped);
        assert!(durable.pause.is_some());
        // And a START after those is later still.
        world.now.utc += SignedDuration::from_millis(300);
        world.now.mono += std::time::Duration::from_millis(300);
        world.pusher_made("again", "START_STRATEGY", &rules, 0);
        world.wait(4);
        world.assert_executed("again");
    }
}
