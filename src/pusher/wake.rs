//! Notices that the computer slept, from two readings of the wall clock. Pure.
//!
//! The monotonic clock stops during sleep on Linux and macOS and runs on Windows; on all of them a tick that should
//! come every second then comes with the wall clock far ahead. A clock set forward looks the same and costs one ping.

use std::time::Duration;

/// How often [`SleepDetector::tick`] is to be called.
pub const TICK: Duration = Duration::from_secs(2);
const SLEPT: Duration = Duration::from_secs(5);

#[derive(Clone, Debug, Default)]
pub struct SleepDetector {
    last: Option<Duration>,
}

impl SleepDetector {
    /// `wall` is the time since any fixed date. How long the computer slept, if it did since the last call.
    pub fn tick(&mut self, wall: Duration) -> Option<Duration> {
        let last = self.last.replace(wall)?;
        let beyond = wall.checked_sub(last)?.checked_sub(TICK)?;
        (beyond > SLEPT).then_some(beyond)
    }
}
