//! The journal cannot be written; the key is refused; the clock is off.

use serde_json::json;

use super::World;
use super::cid_of;
use super::terminal::decimal;
use crate::core::Event;
use crate::core::health::{Leg, LinkReport, Phase};
use crate::core::snapshot::{CommandState, Trading, UiCommand};

fn broken() -> World {
    let mut world = World::with_strategy("s1");
    world.terminal.holds(11, cid_of("s1", 900).0, "0");
    world.send_book();
    fail(&mut world);
    world
}

fn fail(world: &mut World) {
    world.happens(Event::JournalFailed {
        reason: "disk full".to_owned(),
    });
}

#[test]
fn without_a_journal_no_command_is_taken_and_nothing_opens() {
    let mut world = broken();
    let known = world.records.len();
    world.pusher(
        "o",
        "OPEN_POSITION",
        &json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 }),
    );
    world.heartbeat(&[("p", "PAUSE", json!({}), 1)]);
    world.pusher_raw("garbage");
    world.next_bar();
    assert_eq!(world.records.len(), known);
    assert_eq!(world.terminal.opens(), 0);
    let snapshot = world.state.snapshot(world.now);
    assert!(
        matches!(snapshot.trading, Trading::Blocked { reason, .. } if reason.contains("disk full"))
    );
    assert!(
        snapshot
            .notices
            .iter()
            .any(|notice| notice.key == "journal")
    );
}

/// A stop may be among the rows.
#[test]
fn without_a_journal_the_rows_are_asked_for_as_ever() {
    let mut world = broken();
    let beats = world.beats;
    world.pusher("p", "PAUSE", &json!({}));
    assert!(world.beats > beats, "after an event");
    let beats = world.beats;
    world.happens(Event::Subscribed);
    assert!(world.beats > beats, "after a subscription");
    world.ui(UiCommand::ReconnectNow);
    assert_eq!(world.restarts_of_loops, 1);
}

#[test]
fn closing_by_hand_still_goes_out() {
    let mut world = broken();
    world.ui(UiCommand::StopEverything {
        reason: "r".to_owned(),
    });
    world.wait(1);
    assert!(world.terminal.positions.is_empty());
}

#[test]
fn an_emergency_row_is_obeyed_even_so_and_answered_later() {
    let mut world = broken();
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 1)]);
    world.wait(1);
    assert!(world.terminal.positions.is_empty());
    assert!(
        world.reports.iter().all(|(id, ..)| id != "e"),
        "nothing is acknowledged before it is stored"
    );
    world.happens(Event::JournalRecovered);
    assert_eq!(world.report("e").0, "executed");
}

#[test]
fn after_recovery_commands_are_taken_again() {
    let mut world = broken();
    world.heartbeat(&[("p", "PAUSE", json!({}), 1)]);
    let beats = world.beats;
    world.happens(Event::JournalRecovered);
    assert_eq!(
        world.beats,
        beats + 1,
        "what was refused is fetched at once"
    );
    world.heartbeat(&[("p", "PAUSE", json!({}), 2)]);
    world.assert_executed("p");
    assert_eq!(world.report("p").0, "executed");
}

/// The journal breaks in the very round that made an order: the order is held back, and later proven absent.
#[test]
fn an_order_that_was_held_back_is_looked_for_and_not_assumed() {
    let mut world = World::ready();
    world.terminal_down();
    world.pusher(
        "o",
        "OPEN_POSITION",
        &json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 }),
    );
    world.terminal.keeps_book = true;
    world.terminal_up();
    world.terminal.keeps_book = false;
    let book = world.terminal.book().unwrap();
    // Both events are of one round of the engine, so its effects are judged after the failure.
    let made = crate::core::step(&mut world.state, Event::Terminal(book), world.now);
    world.adopt(made.records);
    fail(&mut world);
    world.wait(31);
    assert_eq!(world.terminal.opens(), 0);
    world.assert_ends("o", CommandState::Failed, "not executed");
}

#[test]
fn a_refused_key_stops_entries_only() {
    let mut world = World::with_strategy("s1");
    world.happens(Event::KeyRefused {
        reason: "401".to_owned(),
    });
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    world.happens(Event::KeyAccepted);
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
}

#[test]
fn expiry_is_judged_by_the_platforms_clock() {
    let mut world = World::ready();
    // The platform is ten minutes ahead, so a command of one minute ago (by us) is eleven minutes old.
    world.happens(Event::ClockMeasured {
        offset_ms: 600_000,
        within_ms: 10,
    });
    world.heartbeat(&[("g", "GET_STATUS", json!({}), 60)]);
    world.assert_ends("g", CommandState::Expired, "made 11 min ago");
    assert!(
        world
            .state
            .snapshot(world.now)
            .notices
            .iter()
            .any(|notice| notice.key == "clock")
    );
    world.happens(Event::ClockMeasured {
        offset_ms: 100,
        within_ms: 10,
    });
    world.heartbeat(&[("h", "GET_STATUS", json!({}), 60)]);
    world.assert_executed("h");
    assert!(world.state.snapshot(world.now).notices.is_empty());
}

#[test]
fn a_slow_answer_does_not_move_a_clock_that_is_known_better() {
    let offset_after = |offset_ms, within_ms| {
        let mut world = World::ready();
        for (offset_ms, within_ms) in [(100, 10), (offset_ms, within_ms)] {
            world.happens(Event::ClockMeasured {
                offset_ms,
                within_ms,
            });
        }
        world.state.snapshot(world.now).clock_offset_ms
    };
    assert_eq!(offset_after(4_000, 5_000), Some(100));
    // It may be coarse, but our clock was set meanwhile: the two contradict each other.
    assert_eq!(offset_after(60_000, 5_000), Some(60_000));
    assert_eq!(offset_after(150, 10), Some(150));
}

#[test]
fn an_event_under_a_strange_name_is_said_once() {
    let mut world = World::ready();
    for _ in 0..3 {
        world.happens(Event::StrangeEvent {
            name: "Command-Received".to_owned(),
        });
    }
    assert_eq!(
        world.count_logs("under a name nobody listens to: \"Command-Received\""),
        1
    );
}

#[test]
fn the_daily_loss_limit_stops_entries_until_the_next_day() {
    let mut world = World::with_strategy("s1");
    let mut config = world.config.clone();
    config.limits.max_daily_loss = Some(decimal("50"));
    world.happens(Event::Configured(config));
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
    let deal = |ticket, profit| crate::market::Deal {
        ticket: crate::market::Ticket(ticket),
        position: crate::market::Ticket(1),
        symbol: "EURUSD".to_owned(),
        side: crate::market::Side::Sell,
        entry: crate::market::DealEntry::Out,
        reason: crate::market::DealReason::StopLoss,
        volume: decimal("0.1"),
        price: decimal("1.09"),
        profit: decimal(profit),
        magic: cid_of("s1", 1).0,
        time: "2026-03-02T09:20:00Z".parse().unwrap(),
    };
    let say = |deal| vec![crate::market::TerminalEvent::Deal(deal)];
    world.terminal.positions.clear();
    world.terminal_says(say(deal(5, "-30")));
    world.terminal_says(say(deal(5, "-30")));
    world.send_book();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 2, "the repeated deal counts once");
    world.terminal.positions.clear();
    world.terminal_says(say(deal(6, "-20")));
    world.send_book();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 2);
    let snapshot = world.state.snapshot(world.now);
    assert!(
        snapshot.strategies[0]
            .last_decision
            .contains("today's loss 50"),
        "{}",
        snapshot.strategies[0].last_decision
    );
}

#[test]
fn new_settings_keep_what_the_platform_said_about_them() {
    let mut world = World::ready();
    let overrides = vec!["pusherHost of the file wins".to_owned()];
    world.happens(Event::Identified {
        executor_id: super::EXECUTOR.to_owned(),
        executor_name: None,
        platform_url: "https://platform.example".to_owned(),
        overrides: overrides.clone(),
    });
    world.happens(Event::Configured(crate::core::Config::default()));
    assert_eq!(
        world.state.snapshot(world.now).settings.overrides,
        overrides
    );
}

/// The platform may be long in answering; until then nothing is connected.
#[test]
fn lights_of_connections_that_were_cut_are_not_green() {
    let mut world = World::ready();
    for leg in [Leg::Pusher, Leg::Channel] {
        world.happens(Event::Link(LinkReport {
            leg,
            phase: Phase::Up,
            detail: String::new(),
            latency_ms: None,
            retry_at: None,
            attempts: 0,
        }));
    }
    let phase = |world: &mut World, leg| world.state.snapshot(world.now).links[leg as usize].phase;
    assert_eq!(phase(&mut world, Leg::Channel), Phase::Up);
    world.ui(UiCommand::ReconnectNow);
    for leg in [Leg::Pusher, Leg::Channel] {
        assert_eq!(phase(&mut world, leg), Phase::Connecting);
    }
}
