//! The public emergency-stop event, which carries everybody's stops.

use serde_json::json;

use super::emergency::{OWN, assert_stopped_and_flat, exposed, stop_here};
use super::world::{OWNER, World};
use crate::core::snapshot::{CommandState, UiCommand};
use crate::core::{Config, Event};

fn broadcast(world: &mut World, user: &str) {
    let data =
        json!({ "userId": user, "reason": "all out", "timestamp": world.ago(0) }).to_string();
    world.happens(Event::EmergencyBroadcast { data });
}

#[test]
fn from_the_public_event_of_our_own_user() {
    let mut world = exposed();
    let beats = world.beats;
    broadcast(&mut world, OWNER);
    world.wait(1);
    assert_stopped_and_flat(&mut world);
    assert!(world.beats > beats, "and the row is fetched");
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 2)]);
    world.wait(1);
    world.assert_ends("e", CommandState::Executed, "closed #");
    assert_eq!(world.terminal.closes(), 2, "once only");
}

#[test]
fn the_public_event_may_be_encoded_twice() {
    let mut world = exposed();
    let data = json!({ "userId": OWNER, "reason": "all out" }).to_string();
    let data = serde_json::Value::String(data).to_string();
    world.happens(Event::EmergencyBroadcast { data });
    world.wait(1);
    assert_stopped_and_flat(&mut world);
}

#[test]
fn the_public_event_may_carry_what_cannot_be_read() {
    let mut world = exposed();
    let data = format!(r#"{{"userId":"{OWNER}","reason":1e999,"timestamp":{{"at":-1e999}}}}"#);
    world.happens(Event::EmergencyBroadcast { data });
    world.wait(1);
    assert_stopped_and_flat(&mut world);
}

#[test]
fn somebody_elses_public_event_changes_nothing() {
    let mut world = exposed();
    let before = world.state.durable().clone();
    broadcast(&mut world, "user-foreign");
    let data = r#"{"userId":"user-foreign","reason":1e999}"#.to_owned();
    world.happens(Event::EmergencyBroadcast { data });
    assert_eq!(*world.state.durable(), before);
}

#[test]
fn with_an_unknown_owner_entries_freeze_and_the_rows_are_fetched() {
    let mut world = World::new(Config::default());
    world.come_up();
    world.terminal_up();
    let beats = world.beats;
    broadcast(&mut world, OWNER);
    assert!(world.is_blocked_by("before this executor knows its owner"));
    assert!(world.state.durable().stop.is_none());
    assert_eq!(world.beats, beats + 1);
    world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), 1)]);
    assert!(world.state.durable().stop.is_some());
}

#[test]
fn an_event_that_came_before_the_owner_was_known_is_judged_once_he_is() {
    for (sender, stopped) in [(OWNER, true), ("user-foreign", false)] {
        let mut world = World::new(Config::default());
        world.come_up();
        world.terminal_up();
        broadcast(&mut world, sender);
        world.happens(Event::OwnerLearned {
            user_id: OWNER.to_owned(),
        });
        assert_eq!(world.state.durable().stop.is_some(), stopped, "{sender}");
        assert!(!world.is_blocked_by("before this executor knows its owner"));
        assert!(world.state.durable().pause.is_none());
    }
}

#[test]
fn a_fresh_public_event_reaches_further_than_a_stale_stop() {
    let mut world = World::ready();
    world.terminal.holds(11, OWN, "5");
    world.send_book();
    world.heartbeat(&[("old", "EMERGENCY_STOP", json!({}), 7_200)]);
    world.wait(1);
    assert_eq!(world.terminal.positions.len(), 1);
    broadcast(&mut world, OWNER);
    world.wait(1);
    assert!(world.terminal.positions.is_empty());
    let stops = world.count_logs("Command received: EMERGENCY_STOP");
    broadcast(&mut world, OWNER);
    assert_eq!(world.count_logs("the stop is on already"), 1);
    assert_eq!(world.count_logs("Command received: EMERGENCY_STOP"), stops);
}

#[test]
fn a_public_event_from_before_the_lift_is_past() {
    let mut world = World::ready();
    world.happens(Event::ClockMeasured {
        offset_ms: 60_000,
        within_ms: 10,
    });
    stop_here(&mut world);
    world.wait(5);
    world.ui(UiCommand::LiftStop);
    for (after_the_lift, stops) in [(-3, false), (3, true)] {
        // On the platform's clock, which is a minute ahead.
        let timestamp = world.ago(-60 - after_the_lift);
        let data = json!({ "userId": OWNER, "reason": "r", "timestamp": timestamp }).to_string();
        world.happens(Event::EmergencyBroadcast { data });
        assert_eq!(world.state.durable().stop.is_some(), stops);
    }
}

#[test]
fn the_row_of_a_stop_that_was_lifted_closes_nothing_that_was_opened_since() {
    for (ago, source) in [(10, "row"), (10, "event"), (0, "row"), (0, "event")] {
        let mut world = exposed();
        world.happens(Event::ClockMeasured {
            offset_ms: 0,
            within_ms: 10,
        });
        broadcast(&mut world, OWNER);
        world.wait(5);
        assert_stopped_and_flat(&mut world);
        world.ui(UiCommand::LiftStop);
        world.wait(2);
        world.pusher("o", "OPEN_POSITION", &super::buy());
        world.wait(1);
        world.assert_executed("o");
        if source == "row" {
            world.heartbeat(&[("e", "EMERGENCY_STOP", json!({}), ago)]);
        } else {
            world.pusher_made("e", "EMERGENCY_STOP", &json!({}), ago);
        }
        world.wait(1);
        let stops = ago == 0;
        assert_eq!(
            world.state.durable().stop.is_some(),
            stops,
            "{ago} {source}"
        );
        assert_eq!(world.state.own_positions().count() == 0, stops);
        if !stops {
            world.assert_ends("e", CommandState::Failed, "before the stop was lifted");
        }
    }
}

/// A slow platform's clock is known to seconds only: a stop that may have come after the lift is obeyed.
#[test]
fn a_stop_after_a_lift_is_obeyed_however_badly_the_clock_is_known() {
    for (ago, stops) in [(1, true), (30, false)] {
        let mut world = exposed();
        // Its answer was stamped two seconds after the middle of the call.
        world.happens(Event::ClockMeasured {
            offset_ms: 2_000,
            within_ms: 2_000,
        });
        stop_here(&mut world);
        world.wait(5);
        world.ui(UiCommand::LiftStop);
        world.wait(2);
        let timestamp = world.ago(ago);
        let data = json!({ "userId": OWNER, "reason": "r", "timestamp": timestamp }).to_string();
        world.happens(Event::EmergencyBroadcast { data });
        assert_eq!(world.state.durable().stop.is_some(), stops, "{ago} s ago");
    }
}

/// The platform's clock was put back since it was measured: what it stamps now looks older than the lift, and is not.
#[test]
fn a_stop_that_arrives_well_after_a_lift_is_obeyed_whatever_its_time_says() {
    for (source, ago) in [("public", 90), ("public", 3_600), ("event", 90)] {
        let mut world = exposed();
        world.happens(Event::ClockMeasured {
            offset_ms: 0,
            within_ms: 10,
        });
        stop_here(&mut world);
        world.wait(5);
        world.ui(UiCommand::LiftStop);
        world.wait(6);
        if source == "public" {
            let timestamp = world.ago(ago);
            let data = json!({ "userId": OWNER, "reason": "r", "timestamp": timestamp });
            let data = data.to_string();
            world.happens(Event::EmergencyBroadcast { data });
        } else {
            world.pusher_made("e", "EMERGENCY_STOP", &json!({}), ago);
        }
        world.wait(1);
        assert!(world.state.durable().stop.is_some(), "{source} {ago}");
    }
}

/// Half an emoji, as JavaScript cuts texts (`"Panik \ud83d".slice(0, 7)`), is no reason not to stop.
#[test]
fn a_reason_that_was_cut_in_an_emoji_stops_all_the_same() {
    let cut = r#""Panik \ud83d""#;
    let mut world = exposed();
    let data = format!(r#"{{"userId":"{OWNER}","reason":{cut}}}"#);
    world.happens(Event::EmergencyBroadcast { data });
    world.wait(1);
    assert_stopped_and_flat(&mut world);
    let mut world = exposed();
    world.pusher_raw(&format!(
        r#"{{"type":"EMERGENCY_STOP","payload":{{"reason":{cut}}}}}"#
    ));
    world.wait(1);
    assert_stopped_and_flat(&mut world);
    let mut world = exposed();
    world.heartbeat_raw(vec![format!(
        r#"{{"id":"p","command":"PAUSE","parameters":{{"reason":{cut}}},"createdAt":"{}"}}"#,
        world.ago(1)
    )]);
    world.wait(1);
    world.assert_executed("p");
}

/// This computer's clock is ten minutes ahead and the platform's was never heard: the stop looks old, and arrives now.
#[test]
fn a_stop_that_pusher_brings_closes_everything_however_old_it_looks() {
    for ago in [600, 25_200] {
        let mut world = exposed();
        world.pusher_made("e", "EMERGENCY_STOP", &json!({}), ago);
        world.wait(2);
        assert_stopped_and_flat(&mut world);
        world.assert_executed("e");
    }
}
