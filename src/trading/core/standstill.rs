//! The program stood still: the computer slept, or something held the program up. What waited meanwhile comes all at once
//! and looks as if it were new.

use std::time::Duration;

use jiff::SignedDuration;

use super::Now;
use super::clock::CLOCK_PATIENCE;
use super::command::{Command, DEFAULT_LIFE, Urgency};
use super::durable::OpenCommand;
use super::record::Record;
use super::snapshot::{CommandState, Source};
use super::state::State;
use super::step::Turn;

/// Something happens twice a second; where nothing did for so long, by either clock, the program stood still. A clock that was
/// put back meanwhile may hide a sleep, while which the other one stands on some systems.
const STOOD_STILL: Duration = Duration::from_secs(5);
/// Bars and prices that waited are read within this time.
const CATCHING_UP: Duration = Duration::from_secs(3);
/// A frame that waited in the old connection is read within this time.
const OLD_FRAMES: Duration = Duration::from_secs(15);
/// The row of a command is asked for at once; so long it is waited for.
const ROW_WITHIN: Duration = Duration::from_secs(60);

/// What becomes of a command whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LooksOld {
    /// Only by this computer's clock, which may be hours wrong: the heartbeat that every event causes is about to tell the
    /// platform's.
    Unproven,
    /// The platform did not tell its clock in time. Pusher keeps no events, so what it brings over a connection that was read all
    /// the time was given just now; and this makes the risk smaller.
    TakenForNew,
    Expired,
}

impl State {
    fn stood_still_within(&self, span: Duration, now: Now) -> bool {
        let stood = self.stood_still_at;
        stood.is_some_and(|at| now.mono.saturating_sub(at) < span)
    }

    /// Bars that closed meanwhile are taken in and not traded on: their prices are past.
    pub(super) fn catches_up(&self, now: Now) -> bool {
        self.stood_still_within(CATCHING_UP, now)
    }
}

impl Turn<'_> {
    pub(super) fn notice_standstill(&mut self) {
        let before = self.state.last_step.replace(self.now);
        let Some(before) = before else { return };
        let by_utc = self.now.utc.duration_since(before.utc);
        let by_mono = self.now.mono.saturating_sub(before.mono);
        if by_utc.unsigned_abs().max(by_mono) < STOOD_STILL {
            return;
        }
        let state = &mut self.state;
        state.stood_still_at = Some(self.now.mono);
        state.connects_anew = false;
        state.frames_are_new = false;
        // A sleep and a clock that was set look alike where the other clock stands meanwhile.
        let counted = SignedDuration::try_from(by_mono).unwrap_or(SignedDuration::MAX);
        state.clock_is_unsure |= (by_utc - counted).unsigned_abs() >= STOOD_STILL;
    }

    /// Commands of the last run have waited since, nobody knows how long: the platform's clock is not known yet, and this
    /// computer's may have been set.
    pub(super) fn doubt_ages_after_restart(&mut self) {
        let came = self.now.mono;
        let open = self.state.durable.open.values();
        let doubted = open.filter(|open| {
            let command = &open.command;
            command.source != Source::Local
                && !command.local
                && command.known().is_some_and(|name| !name.never_stale())
        });
        let doubted = doubted.map(|open| (open.command.id.clone(), came));
        self.state.undated = doubted.collect();
        self.state.clock_is_unsure = true;
    }

    /// It tells when it was given, and how long ago that is cannot be said before the platform's clock is known.
    pub(super) fn awaits_a_sure_clock(&self, open: &OpenCommand) -> bool {
        open.command.created_at.is_some() && self.is_of_doubtful_age(open)
    }

    fn is_of_doubtful_age(&self, open: &OpenCommand) -> bool {
        open.state != CommandState::Executing && self.state.undated.contains_key(&open.command.id)
    }

    /// Whether an event that tells no time of its own may have waited in a connection while the program stood still. Stops and
    /// pauses are obeyed however old they are.
    pub(super) fn may_be_old(&self, command: &Command) -> bool {
        let goes_stale = command.known().is_some_and(|name| !name.never_stale());
        goes_stale
            && command.source == Source::Pusher
            && !command.local
            && !self.state.frames_are_new
            && self.state.stood_still_within(OLD_FRAMES, self.now)
    }

    /// It may be old, and its age is not known: nothing is done before it is.
    pub(super) fn await_its_age(&mut self, command: &Command) {
        let tells_none = command.created_at.is_none() && command.expires_at.is_none();
        if (tells_none || self.state.clock_is_unsure) && self.may_be_old(command) {
            let came = self.now.mono;
            self.state.undated.insert(command.id.clone(), came);
        }
        let reduces = command
            .known()
            .is_some_and(|name| name.urgency() == Urgency::ReducesRisk);
        if reduces && command.source == Source::Pusher && !self.may_be_old(command) {
            self.state.came_new.insert(command.id.clone());
        }
    }

    /// Its row tells when it was given, and every event has the rows asked for.
    pub(super) fn awaits_its_row(&self, open: &OpenCommand) -> bool {
        open.command.created_at.is_none() && self.is_of_doubtful_age(open)
    }

    pub(super) fn waited_for_its_age(&self, open: &OpenCommand) -> bool {
        self.waited_for(open, ROW_WITHIN)
    }

    /// What makes the risk smaller waits for a moment only, and is then as new as it looks.
    pub(super) fn take_for_new(&mut self, id: &str) {
        let Some(open) = self.durable().open.get(id) else {
            return;
        };
        let reduces =
            (open.command.known()).is_some_and(|name| name.urgency() == Urgency::ReducesRisk);
        if !reduces || !self.is_of_doubtful_age(open) || !self.waited_for(open, CLOCK_PATIENCE) {
            return;
        }
        let tells_none = open.command.created_at.is_none();
        let came = self.state.undated.remove(id).unwrap_or(self.now.mono);
        // When it came: what came after it, and tells its time, was given after it.
        let ago = self.now.mono.saturating_sub(came);
        let at = self.state.platform_time(self.now).checked_sub(ago);
        if let Ok(at) = at
            && tells_none
        {
            let id = id.to_owned();
            self.record(Record::DatedByArrival { id, at });
        }
    }

    /// A command whose time is over, by the clock that is known.
    pub(super) fn looks_old(&mut self, open: &OpenCommand) -> LooksOld {
        if self.state.clock_within_ms.is_some() && !self.state.clock_is_unsure {
            return LooksOld::Expired;
        }
        let id = &open.command.id;
        let now = self.now.mono;
        let since = *self.state.unproven_old.entry(id.clone()).or_insert(now);
        let waited = now.saturating_sub(since);
        let is_new = self.state.came_new.contains(id);
        if waited < CLOCK_PATIENCE || (!is_new && waited < ROW_WITHIN) {
            LooksOld::Unproven
        } else if is_new && waited < DEFAULT_LIFE.unsigned_abs() {
            LooksOld::TakenForNew
        } else {
            LooksOld::Expired
        }
    }

    fn waited_for(&self, open: &OpenCommand, span: Duration) -> bool {
        let came = self.state.undated.get(&open.command.id);
        came.is_some_and(|came| self.now.mono.saturating_sub(*came) >= span)
    }

    /// Commands that ended, or whose age is known now, are waited for no longer.
    pub(super) fn forget_dated(&mut self) {
        let (open, unsure) = (&self.state.durable.open, self.state.clock_is_unsure);
        self.state.undated.retain(|id, _| {
            open.get(id)
                .is_some_and(|open| unsure || open.command.created_at.is_none())
        });
        self.state
            .unproven_old
            .retain(|id, _| open.contains_key(id));
        self.state.came_new.retain(|id| open.contains_key(id));
    }
}
