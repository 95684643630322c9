//! The platform's clock, by which orders are compared: how far it is from ours, and what is done when it was put back.
//!
//! What was ordered while it ran ahead carries times that are still to come, and would look later than every order given
//! from now on: a stop would be set aside as the earlier one. So those times go back with the clock, together, because
//! among each other they are right.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Now;
use super::command::{Command, Urgency};
use super::durable::{Durable, OpenCommand};
use super::effect::LogLevel;
use super::latched::EmergencyStop;
use super::opened::Given;
use super::record::Record;
use super::snapshot::{CommandState, Severity, Source};
use super::state::State;
use super::step::Turn;
use super::superseding::PastOrder;

/// Two clocks may differ by so much and nobody need care.
pub(super) const WORTH_TELLING: SignedDuration = SignedDuration::from_secs(2);
/// A command waits no longer for the platform's clock.
pub(super) const CLOCK_PATIENCE: Duration = Duration::from_secs(3);

/// A command that looks older than the last order before it came, by the clock that nobody sets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    last: Timestamp,
    came: Duration,
}

impl Durable {
    /// Every remembered moment of the platform's clock: when something was ordered. That of the emergency stop stays: a clock
    /// that was put back may have been wrong only then, and a RESUME of before the stop must not look later than it.
    fn ordered_at(&mut self) -> impl Iterator<Item = &mut Timestamp> {
        let past = self.past.iter_mut();
        let past = past.filter(|past| !past.by_own_clock);
        let given = self.given.values_mut();
        let strategies = self.strategies.values_mut();
        past.map(|past| &mut past.made_at)
            .chain(given.filter_map(|given| given.at.as_mut()))
            .chain(strategies.filter_map(|strategy| strategy.given_at.as_mut()))
            .chain(&mut self.resumed_by_platform)
    }

    pub(super) fn last_ordered_at(&self) -> Option<Timestamp> {
        let past = self.past.iter().filter(|past| !past.by_own_clock);
        let open = self.open.values();
        past.map(|past| past.made_at)
            .chain(self.given.values().filter_map(|given| given.at))
            .chain(self.strategies.values().filter_map(|one| one.given_at))
            .chain(open.filter_map(|open| open.command.created_at))
            .chain(self.given.values().filter_map(|given| given.ordered_at))
            .chain(self.lifted_by_platform)
            .max()
    }

    /// What this program did while the clock ran ahead. By how much it did so then nobody knows for certain, so these moments
    /// are forgotten: in doubt a stop is obeyed, and closes.
    fn forget_the_future(&mut self, after: Timestamp) {
        let is_past = |time: &Timestamp| *time <= after;
        self.lifted_by_platform = self.lifted_by_platform.filter(is_past);
        for given in self.given.values_mut() {
            given.ordered_at = given.ordered_at.filter(is_past);
        }
    }

    /// Whether it would make a difference to know when this command was given.
    pub fn lacks_date(&self, id: &str) -> bool {
        self.open
            .get(id)
            .is_some_and(|open| open.command.told_at().is_none())
            || self.past.iter().any(|past| past.id == id && !past.told)
            || self.ordered_by(id).any(|given| given.at.is_none())
    }

    fn ordered_by<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Given> {
        self.given
            .values()
            .filter(move |given| given.command.as_deref() == Some(id))
    }

    pub(super) fn date(&mut self, id: &str, at: Timestamp) {
        if let Some(open) = self.open.get_mut(id) {
            open.command.created_at = Some(at);
            open.command.dated_here = false;
        }
        if let Some(found) = self.past.iter().position(|past| past.id == id) {
            let undated = self.past.remove(found);
            self.remember(PastOrder {
                made_at: at,
                by_own_clock: false,
                told: true,
                ..undated
            });
        }
        for given in self.given.values_mut() {
            if given.command.as_deref() == Some(id) {
                given.at = Some(at);
            }
        }
    }

    /// Its own word is not believed.
    pub(super) fn date_by_arrival(&mut self, id: &str, at: Timestamp) {
        if let Some(open) = self.open.get_mut(id) {
            open.command.came_at(at);
        }
        let by_own_clock = |past: &PastOrder| past.id == id && past.by_own_clock;
        if let Some(found) = self.past.iter().position(by_own_clock) {
            let undated = self.past.remove(found);
            self.remember(PastOrder {
                made_at: at,
                by_own_clock: false,
                ..undated
            });
        }
    }

    pub(super) fn put_back(&mut self, after: Timestamp, by: SignedDuration, all: bool) {
        let back = |time: Timestamp| time.checked_sub(by).unwrap_or(after);
        // Less is the error of one look against that of another.
        if by >= WORTH_TELLING {
            self.forget_the_future(if all { Timestamp::MIN } else { after });
        }
        for time in self.ordered_at().filter(|time| all || **time > after) {
            *time = back(*time);
        }
        let known = self.past.iter_mut().map(|past| &mut past.given_after);
        let waiting = self.open.values_mut();
        let waiting = waiting.map(|open| &mut open.command.given_after);
        for given in known.chain(waiting).flatten() {
            if all || *given > after {
                *given = back(*given);
            }
        }
        for open in self.open.values_mut() {
            let command = &mut open.command;
            if let Some(made) = command.created_at.filter(|made| *made > after) {
                command.created_at = Some(back(made));
                command.expires_at = command.expires_at.map(back);
            }
        }
    }
}

impl State {
    /// The latest that the platform's clock can show now, by how well it is known; `None` while it is not.
    pub(super) fn latest_moment(&self, now: Now) -> Option<Timestamp> {
        let within = SignedDuration::from_millis(self.clock_within_ms?);
        let latest = self.platform_time(now).checked_add(within + WORTH_TELLING);
        latest.ok()
    }

    /// When an order was given that came just now and tells no time: after all that came before it, as far as the platform's
    /// clock may be ahead of what is known of it.
    pub(super) fn given_now(&self, now: Now) -> Timestamp {
        let known = self.platform_time(now);
        let last = self.durable.last_ordered_at();
        let after = last.and_then(|last| last.checked_add(Duration::from_millis(1)).ok());
        let possible = after.zip(self.latest_moment(now));
        let after = possible.filter(|(after, latest)| after <= latest);
        after.map_or(known, |(after, _)| after.max(known))
    }
}

impl Turn<'_> {
    /// It tells no time of its own, and the platform's clock is not known: once it is, it was given when it came, by a clock
    /// that nobody sets.
    pub(super) fn date_when_known(&mut self, id: &str) {
        const MOST: usize = 1_024;
        if self.state.clock_within_ms.is_some() {
            return;
        }
        let came = &mut self.state.came_undated;
        came.insert(id.to_owned(), self.now.mono);
        if came.len() > MOST
            && let Some((oldest, _)) = came.iter().min_by_key(|(_, came)| **came)
        {
            let oldest = oldest.clone();
            came.remove(&oldest);
        }
    }

    fn date_undated(&mut self) {
        let now = self.state.platform_time(self.now);
        if let Some(resumed) = self.state.resumed_undated.take() {
            let ago = self.now.mono.saturating_sub(resumed);
            if let Ok(platform_at) = now.checked_sub(ago) {
                let at = self.now.utc;
                self.record(Record::ResumeDated { platform_at, at });
            }
        }
        for (id, came) in std::mem::take(&mut self.state.came_undated) {
            let durable = self.durable();
            let lacks = durable
                .open
                .get(&id)
                .is_some_and(|open| open.command.created_at.is_none())
                || durable
                    .past
                    .iter()
                    .any(|past| past.id == id && past.by_own_clock);
            let ago = self.now.mono.saturating_sub(came);
            if let Ok(at) = now.checked_sub(ago)
                && lacks
            {
                self.record(Record::DatedByArrival { id, at });
            }
        }
    }

    /// A slow answer that does not contradict a better measurement says nothing new.
    pub fn measure_clock(&mut self, offset_ms: i64, within_ms: i64) {
        let known_ms = i64::try_from(self.state.clock_offset.as_millis()).unwrap_or(i64::MAX);
        let agrees = offset_ms.abs_diff(known_ms) <= within_ms.unsigned_abs();
        let expected = self.state.platform_moment(self.now);
        let expected = expected.zip(self.state.clock_within_ms);
        self.state.clock_measured_at = Some(self.now.utc);
        self.state.clock_measured_mono = self.now.mono;
        self.state.clock_is_unsure = false;
        let doubtful = std::mem::take(&mut self.state.doubtful);
        if agrees
            && self
                .state
                .clock_within_ms
                .is_some_and(|known| known < within_ms)
        {
            return;
        }
        let offset = SignedDuration::from_millis(offset_ms);
        self.state.clock_offset = offset;
        self.state.clock_within_ms = Some(within_ms);
        self.date_undated();
        self.forget_when_stopped(expected, within_ms);
        let put_back = self.take_back_the_future(expected, within_ms);
        if put_back && expected.is_none() {
            self.date_doubtful(doubtful);
        }
        self.date_the_lift();
        if offset.abs() > WORTH_TELLING {
            let text = format!(
                "This computer's clock is {:.1} s {} the platform's.",
                offset_ms.unsigned_abs() as f64 / 1_000.0,
                if offset_ms > 0 { "behind" } else { "ahead of" }
            );
            if !self
                .state
                .notices
                .iter()
                .any(|notice| notice.key == "clock")
            {
                self.log(LogLevel::Warning, "engine", text.clone());
            }
            self.notice(
                "clock",
                Severity::Warning,
                &text,
                "Switch on automatic time in the system's settings; expiry is judged by the platform's clock meanwhile.",
            );
        } else {
            self.drop_notice("clock");
        }
    }

    /// The clock was behind when the stop's moment was read from it: a RESUME of before would look later.
    fn forget_when_stopped(&mut self, expected: Option<(Timestamp, i64)>, within_ms: i64) {
        let now = self.state.platform_time(self.now);
        let jumped = expected.is_some_and(|(expected, known_ms)| {
            let error = SignedDuration::from_millis(within_ms.saturating_add(known_ms));
            now.duration_since(expected) >= WORTH_TELLING + error
        });
        if let Some(stop) = self.durable().stop.clone()
            && jumped
            && stop.last_given.is_some()
        {
            self.record(Record::EmergencyStopped {
                stop: EmergencyStop {
                    last_given: None,
                    ..stop
                },
            });
        }
    }

    /// Nothing is given after it came: what lies ahead of the clock now was given before the clock was put back. One that is
    /// behind what was `expected` of it, by a clock that nobody sets and by how well both were known, was put back although
    /// it has caught up with the last order since: then nobody knows which orders came before, and all go back.
    fn take_back_the_future(&mut self, expected: Option<(Timestamp, i64)>, within_ms: i64) -> bool {
        let now = self.state.platform_time(self.now);
        let within = SignedDuration::from_millis(within_ms);
        let surely = now.checked_add(within).unwrap_or(now);
        let dropped = expected.and_then(|(expected, known_ms)| {
            let dropped = expected.duration_since(now);
            let error = within + SignedDuration::from_millis(known_ms);
            (dropped >= WORTH_TELLING + error).then_some(dropped)
        });
        let last = self.durable().last_ordered_at();
        let ahead = last
            .filter(|last| *last > surely)
            .map(|last| last.duration_since(now));
        let Some(by) = dropped.max(ahead) else {
            return false;
        };
        self.state.put_back_by = by;
        self.record(Record::ClockPutBack {
            after: now,
            by,
            all: dropped.is_some(),
            at: self.now.utc,
        });
        // Less is the error of one look against that of another.
        if by < WORTH_TELLING {
            return false;
        }
        self.log(
            LogLevel::Warning,
            "engine",
            format!(
                "The platform's clock was put back by {:.1} s; what was ordered before is dated back with it.",
                by.as_millis() as f64 / 1_000.0
            ),
        );
        true
    }

    /// Nothing is given after it came. A little more than the clocks may differ, and its time is not believed at all: it could
    /// make every later stop look like an earlier one.
    pub fn not_from_the_future(&self, command: &mut Command) {
        if self.state.clock_within_ms.is_none() {
            return;
        }
        let now = self.state.platform_time(self.now);
        let latest = self.state.latest_moment(self.now).unwrap_or(now);
        let Some(made) = command.created_at.filter(|made| *made > latest) else {
            return;
        };
        command.dated_here = true;
        // Perhaps from before the clock was put back; what would add to the risk must not gain by that.
        let adds = command
            .known()
            .is_none_or(|name| name.urgency() == Urgency::Other);
        let given = made.checked_sub(self.state.put_back_by).unwrap_or(made);
        command.created_at = Some(if adds { given.min(now) } else { now });
    }

    /// A command that makes the risk smaller came by an event and would give way to what was ordered before it came. Whether
    /// that is so depends on the clock, and the heartbeat that every event causes is about to tell it.
    /// Returns the moment of the last such order.
    pub fn doubt_its_time(&mut self, command: &Command) -> Option<Timestamp> {
        let reduces = command
            .known()
            .is_some_and(|name| name.urgency() == Urgency::ReducesRisk);
        let last = self.durable().last_ordered_at()?;
        if !reduces
            || command.source != Source::Pusher
            || command.told_at().is_none_or(|told| told >= last)
        {
            return None;
        }
        let came = self.now.mono;
        self.state
            .doubtful
            .insert(command.id.clone(), Doubt { last, came });
        Some(last)
    }

    /// The last run may have ended while a command waited for the platform's clock: it waits again.
    pub fn doubt_times_after_restart(&mut self) {
        let came = self.now.mono;
        let open = self.state.durable.open.values();
        let doubted = open.filter(|open| open.state != CommandState::Executing);
        let doubted = doubted.filter_map(|open| {
            let last = open.command.doubted?;
            open.command.told_at()?;
            Some((open.command.id.clone(), Doubt { last, came }))
        });
        self.state.doubtful = doubted.collect();
    }

    /// The clock was put back, and by how much is known only by what was ordered last: what came after that was given after
    /// it.
    fn date_doubtful(&mut self, doubtful: BTreeMap<String, Doubt>) {
        let now = self.state.platform_time(self.now);
        let at = now.checked_add(Duration::from_millis(1)).unwrap_or(now);
        for id in doubtful.into_keys() {
            self.record(Record::DatedByArrival { id, at });
        }
    }

    pub fn awaits_the_clock(&self, open: &OpenCommand) -> bool {
        open.state != CommandState::Executing
            && (self.state.doubtful.get(&open.command.id))
                .is_some_and(|doubt| self.now.mono.saturating_sub(doubt.came) < CLOCK_PATIENCE)
    }

    /// The clock was not told in time, so the platform's may have been put back since. Pusher keeps no events and sends them
    /// in their order: one that was on its way for seconds, by its own word, and came after the later one, was not; it was
    /// given when it came.
    pub fn date_by_arrival(&mut self, id: &str) {
        let Some(open) = self.durable().open.get(id) else {
            self.state.doubtful.remove(id);
            return;
        };
        if self.awaits_the_clock(open) {
            return;
        }
        let Some(Doubt { last, came }) = self.state.doubtful.get(id).copied() else {
            return;
        };
        let command = &open.command;
        let waited = self.now.mono.saturating_sub(came);
        let moment = self.state.platform_moment(self.now);
        let came = moment.and_then(|moment| moment.checked_sub(waited).ok());
        let known_ms = self.state.clock_within_ms.unwrap_or_default();
        let longest = WORTH_TELLING + SignedDuration::from_millis(known_ms);
        let on_its_way = came
            .zip(command.told_at())
            .map(|(came, told)| came.duration_since(told));
        let in_time = on_its_way.is_some_and(|long| long <= longest);
        let begun = open.state == CommandState::Executing;
        self.state.doubtful.remove(id);
        if in_time || begun {
            return;
        }
        let after_all = last.checked_add(Duration::from_millis(1)).unwrap_or(last);
        let at = came.map_or(after_all, |came| came.max(after_all));
        let id = id.to_owned();
        self.record(Record::DatedByArrival { id, at });
    }
}
