//! The public emergency-stop event: everybody's stops come by it, so only our owner's counts (contract T5).

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::command::CommandName;
use super::effect::{BeatCause, Effect, LogLevel};
use super::emergency::reaches_further;
use super::readable::{object_of, readable_part};
use super::snapshot::Source;
use super::step::Turn;

impl Turn<'_> {
    pub fn emergency_broadcast(&mut self, data: &str) {
        self.judge_broadcast(data, self.now.mono);
    }

    fn judge_broadcast(&mut self, data: &str, arrived: Duration) {
        let Some(event) = object_of(data).ok().or_else(|| readable_part(data)) else {
            self.log(
                LogLevel::Warning,
                "pusher",
                "An emergency-stop event could not be read.",
            );
            return;
        };
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        let reason = text("reason").unwrap_or("no reason given");
        let Some(owner) = self.durable().owner.clone() else {
            self.hold_broadcast(data);
            return;
        };
        let Some(sender) = text("userId") else {
            self.log(
                LogLevel::Warning,
                "pusher",
                "An emergency-stop event names no user; it is not obeyed.",
            );
            return;
        };
        if sender != owner {
            return;
        }
        self.effect(Effect::Beat(BeatCause::Event));
        let given = text("timestamp").and_then(|time| time.parse::<Timestamp>().ok());
        let past = !self.came_after_the_lift(arrived)
            && given.is_some_and(|given| self.was_lifted_after(given));
        let stop = self.durable().stop.as_ref();
        let known = if past {
            Some("it was given before the stop was lifted here")
        } else if stop.is_some_and(|stop| !reaches_further(None, stop)) {
            Some("the stop is on already")
        } else {
            None
        };
        if let Some(why) = known {
            if !past {
                let last_given = self.given_at_last(given);
                self.stop_was_given_again(last_given);
            }
            let text = format!("An emergency-stop event arrived: {why}.");
            self.log(LogLevel::Info, "engine", text);
            return;
        }
        let mut args = Map::new();
        args.insert("reason".to_owned(), Value::String(reason.to_owned()));
        self.log(
            LogLevel::Warning,
            "engine",
            "Command received: EMERGENCY_STOP",
        );
        self.local_command(CommandName::EmergencyStop, args, Source::Broadcast);
    }

    /// Until the owner is known, every stop may be meant for us: nothing opens, and it is judged as soon as we know.
    fn hold_broadcast(&mut self, data: &str) {
        const MOST_HELD: usize = 16;
        self.log(
            LogLevel::Warning,
            "engine",
            "An emergency stop arrived before this executor knows its owner; nothing opens until that is known.",
        );
        let held = &mut self.state.held_broadcasts;
        if held.len() == MOST_HELD {
            held.remove(0);
        }
        held.push((self.now.mono, data.to_owned()));
        self.effect(Effect::Beat(BeatCause::Event));
    }

    /// The owner is known now.
    pub fn judge_held_broadcasts(&mut self) {
        for (arrived, data) in std::mem::take(&mut self.state.held_broadcasts) {
            self.judge_broadcast(&data, arrived);
        }
    }
}
