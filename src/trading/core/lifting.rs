//! Lifting the emergency stop, and which stops were given before it: those are past.
//!
//! The lift happens by this computer's clock and a stop is given by the platform's; either may be wrong or be set. So the
//! lift is written down by the platform's clock, carried on by a clock that nobody sets, and where it cannot be, no stop
//! is taken for an older one.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::clock::CLOCK_PATIENCE;
use super::closing::Sweep;
use super::command::Command;
use super::effect::LogLevel;
use super::record::Record;
use super::step::Turn;

/// An event of Pusher takes no longer from the platform to here.
const LONGEST_ON_ITS_WAY: Duration = Duration::from_secs(5);

impl Turn<'_> {
    pub fn lift_stop(&mut self, how: &str) {
        let moment = self.state.platform_moment(self.now);
        let platform_at = moment.and_then(|moment| self.surely_reached(moment));
        self.lift_stop_as_of(platform_at, how);
    }

    /// The stop was lifted by an order that was given at this moment of the platform's clock: what was given after it stands.
    pub(super) fn lift_stop_as_of(&mut self, platform_at: Option<Timestamp>, how: &str) {
        if self.durable().stop.is_none() {
            return;
        }
        self.record(Record::EmergencyLifted {
            platform_at,
            at: self.now.utc,
        });
        self.state.lifted_mono = Some(self.now.mono);
        self.state.emergency = Sweep::default();
        self.drop_notice("emergency");
        self.log(
            LogLevel::Warning,
            "engine",
            format!("The emergency stop was {how}. Strategies stay stopped until they are activated again."),
        );
    }

    /// A person lifted the stop after this moment of the platform's clock: had a stop of that moment come in time, it would
    /// have been lifted with it. What may have come after it, by what is known of the two clocks, is obeyed.
    pub(super) fn was_lifted_after(&self, given: Timestamp) -> bool {
        let lifted = self.durable().lifted_by_platform;
        lifted.is_some_and(|lifted| given < lifted)
    }

    /// The platform's clock is known now: what it showed at a lift of this run that came before it was known.
    pub(super) fn date_the_lift(&mut self) {
        if self.durable().lifted_by_platform.is_some() {
            return;
        }
        let passed = self.state.lifted_mono;
        let passed = passed
            .map(|lifted| self.now.mono.saturating_sub(lifted))
            .filter(|passed| self.ran_evenly(*passed));
        let lifted = passed
            .zip(self.state.platform_moment(self.now))
            .and_then(|(passed, now)| self.surely_reached(now.checked_sub(passed).ok()?));
        if let Some(platform_at) = lifted {
            self.record(Record::LiftDated {
                platform_at,
                at: self.now.utc,
            });
        }
    }

    /// Whether this computer's clock counted as much since the lift. Else it was set, or the computer slept, while which the
    /// clock that nobody sets may have stood.
    fn ran_evenly(&self, passed: Duration) -> bool {
        const MOST: SignedDuration = SignedDuration::from_secs(2);
        let counted = self
            .durable()
            .lifted_at
            .map(|at| self.now.utc.duration_since(at));
        counted
            .zip(SignedDuration::try_from(passed).ok())
            .is_some_and(|(counted, passed)| (counted - passed).abs() <= MOST)
    }

    /// The earliest that the platform's clock can have shown at a moment of it, by how well it is known.
    fn surely_reached(&self, time: Timestamp) -> Option<Timestamp> {
        // Both clocks are cut to milliseconds.
        let within = self.state.clock_within_ms?.saturating_add(2);
        time.checked_sub(SignedDuration::from_millis(within)).ok()
    }

    /// Pusher keeps no events: what arrives so long after the lift was given after it, whatever its time says. Counted by a
    /// clock that nobody sets; a lift of an earlier run was before this one.
    pub(super) fn came_after_the_lift(&self, arrived: Duration) -> bool {
        let lifted = self.state.lifted_mono.unwrap_or_default();
        self.durable().lifted_at.is_some() && arrived.saturating_sub(lifted) > LONGEST_ON_ITS_WAY
    }

    /// When a command came, by the clock that nobody sets; it waited here for the platform's clock at most.
    pub(super) fn arrived(&self, command: &Command) -> Duration {
        let waited = self.now.utc.duration_since(command.received_at);
        let waited = Duration::try_from(waited)
            .unwrap_or_default()
            .min(CLOCK_PATIENCE);
        self.now.mono.saturating_sub(waited)
    }
}
