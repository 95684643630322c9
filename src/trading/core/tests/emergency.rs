//! The emergency stop: from four sides, to its end, over every obstacle.

use serde_json::json;

use super::terminal::{Manner, Memory};
use super::world::{OWNER, World};
use super::{buying_rules, start_args};
use crate::core::snapshot::{CommandState, StrategyState, Trading, UiCommand};
use crate::core::{Config, EmergencyStop, Event, Record};
use crate::market::{Cid, RefusalClass, Ticket};

pub const OWN: u64 = Cid::new(1, 5).0;

/// A strategy runs; two own positions, a foreign one and an own pending order are open.
pub fn exposed() -> World {
    let mut world = World::with_strategy("s1");
    world.terminal.holds(11, OWN, "5");
    world.terminal.holds(12, OWN + 1, "-3");
    world.terminal.holds(13, 999, "1");
    world.terminal.holds_order(21, OWN + 2);
    world.send_book();
    world
}

pub fn assert_stopped_and_flat(world: &mut World) {
    let left: Vec<_> = world
        .terminal
        .positions
        .iter()
        .map(|open| open.ticket)
        .collect();
    assert_eq!(
        left,
        [Ticket(13)],
        "own ones closed, the foreign one left alone"
    );
    assert!(world.terminal.orders.is_empty());
    assert!(is_complete(world));
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Stopped
    );
    let snapshot = world.state.snapshot(world.now);
    assert!(matches!(
        snapshot.trading,
        Trading::Stopped { complete: true, .. }
    ));
}

#[test]
fn one_whose_time_cannot_be_read_is_obeyed_all_the_same() {
    let mut world = exposed();
    let mut stop = world.envelope("e", "EMERGENCY_STOP", &json!({}), 0, OWNER);
    for key in ["createdAt", "timestamp", "expiresAt"] {
        stop[key] = json!("soon");
    }
    world.platform_knows("e", OWNER);
    world.pusher_raw(&stop.to_string());
    world.wait(2);
    world.assert_executed("e");
    assert_stopped_and_flat(&mut world);
}

pub fn stop_here(world: &mut World) {
    world.ui(UiCommand::StopEverything {
        reason: "by hand".to_owned(),
    });
}

/// Whether the stop has closed everything.
fn is_complete(world: &World) -> bool {
    let stop = world.state.durable().stop.as_ref();
    stop.is_some_and(|stop| stop.completed_at.is_some())
}

#[test]
fn from_a_heartbeat_row() {
    let mut world = exposed();
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({ "reason": "all out" }), 2)]);
    world.wait(1);
    assert_stopped_and_flat(&mut world);
    let message = world.assert_executed("e");
    for ticket in ["#11", "#12", "#21 cancelled"] {
        assert!(message.contains(ticket), "{message}");
    }
    assert_eq!(world.report("e").0, "executed");
}

#[test]
fn from_the_window_in_the_same_step() {
    let mut world = exposed();
    stop_here(&mut world);
    assert_stopped_and_flat(&mut world);
    assert!(
        world.reports.iter().all(|(id, ..)| id == "start"),
        "a local order is not reported"
    );
}

#[test]
fn with_platform_and_pusher_away() {
    let mut world = World::new(Config::default());
    world.happens(Event::Started);
    world.terminal.holds(11, OWN, "5");
    world.terminal_up();
    stop_here(&mut world);
    world.wait(1);
    assert!(world.terminal.positions.is_empty());
}

#[test]
fn what_cannot_be_closed_is_named_per_ticket_and_tried_on() {
    let mut world = exposed();
    world
        .terminal
        .positions
        .retain(|open| open.ticket != Ticket(13));
    world.terminal.orders.clear();
    world.send_book();
    world.terminal.manners = [Manner::Fill].into();
    world
        .terminal
        .manners
        .extend([Manner::Refuse(RefusalClass::Wait); 6]);
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 2)]);
    world.wait(70);
    let (state, message) = world.outcome("e");
    assert_eq!(state, CommandState::Failed);
    assert!(
        message.contains("#12: Market is closed (tried 5 times)") && !message.contains("#11"),
        "{message}"
    );
    assert!(message.contains("closing goes on"));
    let (_, result) = world.report("e");
    assert_eq!(result["closed"].as_array().unwrap().len(), 1);
    let snapshot = world.state.snapshot(world.now);
    assert!(
        matches!(&snapshot.trading, Trading::Stopped { remaining, complete: false, .. } if remaining.len() == 1)
    );
    world.wait(90);
    assert!(world.terminal.positions.is_empty());
    assert!(is_complete(&world));
    // What was told as failed is put right, at the platform too.
    let message = world.assert_executed("e");
    assert!(message.contains("#12 closed at"), "{message}");
    let (status, result) = world.report("e");
    assert_eq!(status, "executed");
    assert_eq!(result["closed"].as_array().unwrap().len(), 2);
}

#[test]
fn a_close_in_part_is_not_taken_for_the_whole() {
    let mut world = World::ready();
    world.terminal.holds(11, OWN, "5");
    world.send_book();
    world.terminal.manners.push_back(Manner::FillHalf);
    stop_here(&mut world);
    world.wait(3);
    assert!(world.terminal.positions.is_empty());
    assert_eq!(world.terminal.closes(), 2);
}

#[test]
fn the_terminal_away_and_back_again() {
    let mut world = exposed();
    world.terminal_down();
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 2)]);
    world.assert_ends("e", CommandState::Executing, "waiting for the terminal");
    world.wait(301);
    world.assert_ends(
        "e",
        CommandState::Failed,
        "not everything is closed yet: the terminal is away",
    );
    world.terminal_up();
    world.wait(1);
    assert_stopped_and_flat(&mut world);
}

#[test]
fn it_stays_on_over_a_restart_and_completes_by_itself() {
    let mut world = exposed();
    world.terminal_down();
    stop_here(&mut world);
    world.restart();
    assert!(world.state.durable().stop.is_some());
    assert!(
        world
            .state
            .snapshot(world.now)
            .notices
            .iter()
            .any(|notice| notice.key == "emergency")
    );
    world.terminal_up();
    world.wait(1);
    assert_stopped_and_flat(&mut world);
    world.restart();
    world.terminal_up();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
}

#[test]
fn closes_on_their_way_at_a_restart_are_looked_for_not_doubled() {
    let mut world = exposed();
    world.terminal.manners = [Manner::FillSilently; 4].into();
    stop_here(&mut world);
    assert_eq!(world.terminal.submitted.len(), 3);
    world.restart();
    world.terminal_up();
    world.wait(3);
    assert_eq!(world.finds.len(), 3);
    assert_eq!(world.terminal.submitted.len(), 3);
    assert_stopped_and_flat(&mut world);
}

#[test]
fn an_open_order_on_its_way_is_closed_when_it_turns_out_to_be_filled() {
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::FillSilently);
    world.pusher(
        "o",
        "OPEN_POSITION",
        &json!({ "symbol": "EURUSD", "type": "SELL", "volume": 0.1 }),
    );
    stop_here(&mut world);
    assert!(
        world
            .state
            .durable()
            .stop
            .as_ref()
            .unwrap()
            .completed_at
            .is_none(),
        "an order is still on its way"
    );
    world.wait(35);
    assert!(world.terminal.positions.is_empty());
    assert!(is_complete(&world));
    world.assert_executed("o");
}

#[test]
fn an_order_that_failed_during_the_stop_is_not_tried_again() {
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::Swallow);
    world.pusher(
        "o",
        "OPEN_POSITION",
        &json!({ "symbol": "EURUSD", "type": "SELL", "volume": 0.1 }),
    );
    stop_here(&mut world);
    world.wait(35);
    assert_eq!(world.terminal.opens(), 1);
    world.assert_ends("o", CommandState::Failed, "not executed");
}

#[test]
fn lifting_is_local_and_holds() {
    let mut world = exposed();
    world.terminal_down();
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 2)]);
    world.ui(UiCommand::LiftStop);
    assert!(world.state.durable().stop.is_none());
    world.wait(2);
    assert!(
        world.state.durable().stop.is_none(),
        "the waiting command must not engage it again"
    );
    world.assert_ends("e", CommandState::Failed, "lifted before it was complete");
    world.terminal_up();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0, "strategies stay stopped");
    world.wait(1);
    world.pusher(
        "again",
        "START_STRATEGY",
        &start_args("s1", &buying_rules()),
    );
    world.assert_executed("again");
}

#[test]
fn resume_lifts_it_only_by_setting() {
    let mut world = World::ready();
    world.happens(Event::ClockMeasured {
        offset_ms: 0,
        within_ms: 20,
    });
    world.wait(1);
    stop_here(&mut world);
    world.wait(2);
    world.pusher("r1", "RESUME", &json!({}));
    world.assert_ends("r1", CommandState::Failed, "the emergency stop is on");
    let config = Config {
        resume_lifts_stop: true,
        ..Config::default()
    };
    world.happens(Event::Configured(config));
    world.pusher("r2", "RESUME", &json!({}));
    world.assert_executed("r2");
    assert!(world.state.durable().stop.is_none());
}

/// An event without a time may be older than the stop that a person gave meanwhile.
#[test]
fn an_undated_resume_lifts_no_stop_before_its_row_says_that_it_is_later() {
    for (row, lifts) in [(Some(8), false), (Some(1), true), (None, false)] {
        let mut world = World::ready_with(Config {
            resume_lifts_stop: true,
            ..Config::default()
        });
        world.happens(Event::ClockMeasured {
            offset_ms: 0,
            within_ms: 20,
        });
        world.wait(1);
        stop_here(&mut world);
        world.wait(5);
        let raw = json!({ "id": "r", "command": "RESUME", "parameters": {} });
        world.pusher_raw(&raw.to_string());
        world.wait(1);
        assert!(world.state.durable().stop.is_some(), "{row:?}");
        if let Some(age) = row {
            world.heartbeat(&[("r", "RESUME", json!({}), age)]);
        }
        world.wait(62);
        assert_eq!(world.state.durable().stop.is_none(), lifts, "{row:?}");
        let (state, message) = world.outcome("r");
        assert_eq!(state == CommandState::Executed, lifts, "{row:?}: {message}");
    }
}

/// The stop is on, a RESUME is given, and then another stop; whichever way and whenever each arrives, the stop stands.
#[test]
fn a_stop_that_was_given_after_a_resume_stands() {
    for order in ["row before", "row after", "public before", "public after"] {
        let mut world = World::ready_with(Config {
            resume_lifts_stop: true,
            ..Config::default()
        });
        world.happens(Event::ClockMeasured {
            offset_ms: 0,
            within_ms: 20,
        });
        world.wait(1);
        stop_here(&mut world);
        world.wait(10);
        let given = world.now.utc - jiff::SignedDuration::from_secs(2);
        let stops = |world: &mut World| {
            if order.starts_with("row") {
                world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 2)]);
            } else {
                let data = json!({ "userId": OWNER, "reason": "again", "timestamp": given });
                world.happens(Event::EmergencyBroadcast {
                    data: data.to_string(),
                });
            }
        };
        let before = order.ends_with("before");
        if before {
            stops(&mut world);
        }
        world.heartbeat(&[("r", "RESUME", json!({}), 3)]);
        if !before {
            stops(&mut world);
        }
        world.wait(1);
        assert!(world.state.durable().stop.is_some(), "{order}");
        world.pusher(
            "o",
            "OPEN_POSITION",
            &json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 }),
        );
        world.assert_ends("o", CommandState::Failed, "the emergency stop is on");
    }
}

/// A stop whose moment is not known may be later than any RESUME, whatever is known of an earlier one.
#[test]
fn a_stop_of_an_unknown_moment_is_lifted_by_no_resume() {
    let config = Config {
        resume_lifts_stop: true,
        ..Config::default()
    };
    let mut world = World::ready_with(config);
    world.terminal_down();
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 5)]);
    // The platform's clock is not known when somebody stops here, too.
    stop_here(&mut world);
    world.wait(1);
    world.happens(Event::ClockMeasured {
        offset_ms: 0,
        within_ms: 20,
    });
    world.heartbeat(&[("r", "RESUME", json!({}), 1)]);
    world.wait(1);
    world.assert_ends("r", CommandState::Failed, "");
    assert!(world.state.durable().stop.is_some());
}

/// The clock is known to two seconds: a RESUME of a second before a stop here may not lift it.
#[test]
fn a_clock_that_is_badly_known_lifts_nothing() {
    let mut world = World::ready_with(Config {
        resume_lifts_stop: true,
        ..Config::default()
    });
    world.happens(Event::ClockMeasured {
        offset_ms: -2_000,
        within_ms: 2_000,
    });
    world.wait(1);
    let data = json!({ "userId": OWNER, "reason": "r", "timestamp": world.now.utc });
    world.happens(Event::EmergencyBroadcast {
        data: data.to_string(),
    });
    world.heartbeat(&[("r", "RESUME", json!({}), 1)]);
    world.wait(1);
    world.assert_ends("r", CommandState::Failed, "");
    assert!(world.state.durable().stop.is_some());
}

/// One wrong look at the platform's clock, as of one of several servers, makes no RESUME of before the stop a later one.
#[test]
fn a_clock_that_is_put_back_lifts_no_stop() {
    for (back, wrong_first) in [
        (60_000, false),
        (3_600_000, false),
        (60_000, true),
        (10_000, true),
    ] {
        let mut world = World::ready_with(Config {
            resume_lifts_stop: true,
            ..Config::default()
        });
        world.happens(Event::ClockMeasured {
            offset_ms: if wrong_first { -back } else { 0 },
            within_ms: 20,
        });
        world.wait(6);
        stop_here(&mut world);
        world.wait(1);
        for offset_ms in [-back, 0] {
            world.happens(Event::ClockMeasured {
                offset_ms,
                within_ms: 20,
            });
        }
        world.heartbeat(&[("r", "RESUME", json!({}), 3)]);
        world.wait(1);
        world.assert_ends("r", CommandState::Failed, "");
        assert!(world.state.durable().stop.is_some(), "{back}");
    }
}

#[test]
fn while_it_is_on_nothing_starts_resumes_or_opens() {
    let mut world = exposed();
    stop_here(&mut world);
    world.wait(2);
    world.pusher("s", "START_STRATEGY", &start_args("s2", &buying_rules()));
    world.assert_ends("s", CommandState::Failed, "the emergency stop is on");
    world.pusher("r", "RESUME_STRATEGY", &json!({ "strategyId": "s1" }));
    world.assert_ends("r", CommandState::Failed, "the emergency stop is on");
    world.pusher(
        "o",
        "OPEN_POSITION",
        &json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 }),
    );
    world.assert_ends("o", CommandState::Failed, "the emergency stop is on");
    world.pusher(
        "u",
        "UPDATE_STRATEGY",
        &json!({ "strategyId": "s1", "rules": buying_rules() }),
    );
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Stopped
    );
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
}

#[test]
fn a_fresh_stop_reaches_further_than_a_stale_one() {
    let mut world = World::ready();
    world.terminal.holds(11, OWN, "5");
    world.send_book();
    // Stale: made before the position was opened.
    world.heartbeat(&[("old", "EMERGENCY_STOP", json!({}), 7_200)]);
    world.wait(1);
    world.assert_executed("old");
    assert_eq!(world.terminal.positions.len(), 1);
    world.heartbeat(&[("new", "EMERGENCY_STOP", json!({}), 1)]);
    world.wait(1);
    world.assert_executed("new");
    assert!(world.terminal.positions.is_empty());
}

/// What was ordered before the stop stays undone after the lift, and what was ordered after it is done, whatever this
/// computer's clock says.
#[test]
fn a_stop_here_and_commands_of_the_platform_are_compared_on_one_clock() {
    let offsets = [-60_000, -5_000, 0, 5_000, 60_000];
    let cases = offsets
        .iter()
        .flat_map(|offset| [(*offset, true), (*offset, false)]);
    for (offset_ms, measured_before) in cases {
        let mut world = World::ready();
        if measured_before {
            world.happens(Event::ClockMeasured {
                offset_ms,
                within_ms: 10,
            });
        }
        let platform = |world: &World| world.ago(-offset_ms / 1_000);
        let order = |id: &str, made: jiff::Timestamp| {
            json!({
                "id": id, "command": "OPEN_POSITION", "createdAt": made,
                "parameters": { "symbol": "EURUSD", "type": "BUY", "volume": 0.1 },
            })
            .to_string()
        };
        let before = order("before", platform(&world));
        world.wait(1);
        stop_here(&mut world);
        world.wait(1);
        world.ui(UiCommand::LiftStop);
        world.wait(1);
        // The platform may have been away until now.
        world.happens(Event::ClockMeasured {
            offset_ms,
            within_ms: 10,
        });
        let after = order("after", platform(&world));
        world.pusher_raw(&before);
        world.pusher_raw(&after);
        world.assert_ends("before", CommandState::Failed, "superseded by the later");
        world.assert_executed("after");
    }
}

#[test]
fn a_close_in_doubt_holds_the_stop_up_no_longer_than_its_life() {
    for (mode, closes) in [
        (crate::market::MarginMode::Hedging, 2),
        (crate::market::MarginMode::Netting, 1),
    ] {
        let mut world = World::ready();
        world.terminal_down();
        world.terminal.account.margin_mode = mode;
        world.terminal.holds(11, Cid::new(0, 1).0, "5");
        world.terminal_up();
        world.terminal.memory = Memory::NotYet;
        world.terminal.manners.push_back(Manner::LoseOrder);
        stop_here(&mut world);
        world.wait(8);
        assert_eq!(world.terminal.closes(), 1, "it may still happen");
        world.wait(8);
        assert_eq!(world.terminal.closes(), closes, "{mode:?}");
        if closes == 2 {
            assert!(world.terminal.positions.is_empty());
        }
    }
}

#[test]
fn hundreds_of_positions_are_closed_without_flooding_the_terminal() {
    let mut world = World::ready();
    for ticket in 1..=300 {
        world.terminal.holds(ticket, Cid::new(0, ticket).0, "5");
    }
    world.send_book();
    world.terminal.manners.extend([Manner::Swallow; 150]);
    stop_here(&mut world);
    assert_eq!(world.terminal.closes(), 8, "the rest waits for answers");

    let mut world = World::ready();
    for ticket in 1..=300 {
        world.terminal.holds(ticket, Cid::new(0, ticket).0, "5");
    }
    world.send_book();
    stop_here(&mut world);
    world.wait(10);
    assert!(world.terminal.positions.is_empty());
    assert!(is_complete(&world));
}

#[test]
fn own_positions_that_appear_while_it_is_on_are_closed_too() {
    let mut world = exposed();
    stop_here(&mut world);
    world.wait(2);
    assert_stopped_and_flat(&mut world);
    let closes = world.terminal.closes();
    world.terminal.holds(77, OWN, "0");
    world.send_book();
    world.wait(2);
    assert_eq!(world.terminal.closes(), closes + 1);
    assert_stopped_and_flat(&mut world);
}

#[test]
fn a_second_stop_looks_once_more_whether_all_is_closed() {
    let mut world = exposed();
    stop_here(&mut world);
    world.wait(2);
    world.terminal_down();
    world.terminal.holds(77, OWN, "0");
    world.heartbeat(&[("again", "EMERGENCY_STOP", json!({}), 1)]);
    assert!(
        !is_complete(&world),
        "nobody can know while the terminal is away"
    );
    world.terminal_up();
    world.wait(2);
    world.assert_executed("again");
    assert_stopped_and_flat(&mut world);
}

#[test]
fn a_stop_that_was_latched_while_no_executor_ran_stops_the_strategies_for_good() {
    let mut world = World::with_strategy("s1");
    let stop = EmergencyStop {
        reason: "stop-all".to_owned(),
        since: world.now.utc,
        opened_before: None,
        completed_at: None,
        told_failed: Vec::new(),
        gone: Vec::new(),
        last_given: None,
    };
    world.adopt(vec![Record::EmergencyStopped { stop }]);
    world.restart();
    world.terminal_up();
    world.ui(UiCommand::LiftStop);
    let strategy = &world.state.durable().strategies["s1"];
    assert_eq!(strategy.state, StrategyState::Stopped);
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
}

/// A pending order whose cancelling got no answer fills: it is a position now, is closed, and nobody says "cancelled".
#[test]
fn an_order_that_fills_while_its_cancelling_is_in_doubt_is_closed_and_not_called_cancelled() {
    let mut world = World::with_strategy("s1");
    world.terminal.holds_order(21, OWN + 2);
    world.send_book();
    world.terminal.manners.push_back(Manner::LoseOrder);
    world.terminal.memory = Memory::NotYet;
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 2)]);
    assert_eq!(world.terminal.submitted.len(), 1, "the cancelling");
    world.terminal.orders.clear();
    world.terminal.holds(21, OWN + 2, "1");
    world.send_book();
    world.terminal.memory = Memory::Works;
    world.wait(400);
    assert!(world.terminal.positions.is_empty());
    assert!(is_complete(&world));
    let told = world.report("e").1.to_string();
    assert!(!told.contains("#21 cancelled"), "{told}");
    assert!(told.contains("#21 closed"), "{told}");
}

#[test]
fn the_answer_names_what_was_closed_before_a_restart_too() {
    let mut world = World::with_strategy("s1");
    for ticket in [31, 32] {
        world.terminal.holds(ticket, OWN + ticket, "1");
    }
    world.send_book();
    let wait = Manner::Refuse(RefusalClass::Wait);
    world.terminal.manners.extend([Manner::Fill, wait]);
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 2)]);
    assert_eq!(world.terminal.positions.len(), 1);
    world.restart();
    world.terminal_up();
    world.wait(60);
    assert!(is_complete(&world));
    let told = world.report("e").1.to_string();
    for ticket in ["#31 closed at", "#32 closed at"] {
        assert!(told.contains(ticket), "{told}");
    }
}

/// It was answered, and the program died before the book showed so.
#[test]
fn the_answer_names_what_the_terminal_answered_last_before_a_restart() {
    let mut world = World::with_strategy("s1");
    world.terminal.holds(31, OWN + 31, "1");
    world.send_book();
    world.terminal.keeps_book = true;
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 2)]);
    assert!(world.terminal.positions.is_empty() && !is_complete(&world));
    world.terminal.keeps_book = false;
    world.restart();
    world.terminal_up();
    world.wait(60);
    assert!(is_complete(&world));
    let told = world.report("e").1.to_string();
    assert!(told.contains("#31 closed at"), "{told}");
}

/// After an opening no decision is made before the list shows it; a stop must not wait for that.
#[test]
fn what_the_last_list_showed_is_closed_though_no_newer_one_comes() {
    let mut world = World::with_strategy("s1");
    world.terminal.holds(11, OWN, "5");
    world.send_book();
    world.terminal.keeps_book = true;
    world.pusher_made("open", "OPEN_POSITION", &super::buy(), 0);
    world.wait(1);
    stop_here(&mut world);
    world.wait(3);
    let held = |world: &World, ticket| {
        world
            .terminal
            .positions
            .iter()
            .any(|open| open.ticket == Ticket(ticket))
    };
    assert!(!held(&world, 11), "listed before");
    assert!(!is_complete(&world));
    world.terminal.keeps_book = false;
    world.wait(12);
    assert!(world.terminal.positions.is_empty() && is_complete(&world));
    assert_eq!(world.terminal.closes(), 2);
}
