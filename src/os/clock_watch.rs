//! Two clocks side by side: one that only runs, one that can be set. Where they part, the clock was set or the computer slept.

use std::time::{Duration, SystemTime};

/// Clocks are set back and forth by so much all the time.
const WORTH_TELLING: Duration = Duration::from_secs(2);
/// Between two looks that are meant to be a second apart; a busy computer needs less.
const LONG_PAUSE: Duration = Duration::from_secs(20);

/// What two looks in a row showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockNews {
    /// The wall clock went ahead by so much: it was set, or it went on while everything slept.
    Ahead(Duration),
    Back(Duration),
    /// Nobody looked for so long: the computer slept, or stood still.
    StoodStill(Duration),
}

impl ClockNews {
    /// Whether connections may have died in between.
    pub fn may_have_slept(self) -> bool {
        match self {
            Self::Ahead(by) => by >= LONG_PAUSE,
            Self::StoodStill(_) => true,
            Self::Back(_) => false,
        }
    }
}

impl std::fmt::Display for ClockNews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ahead(by) => write!(
                f,
                "This computer's clock went ahead by {:.1} s: it was set, or the computer slept.",
                by.as_secs_f64()
            ),
            Self::Back(by) => write!(
                f,
                "This computer's clock was put back by {:.1} s.",
                by.as_secs_f64()
            ),
            Self::StoodStill(by) => write!(
                f,
                "This program stood still for {:.1} s: the computer slept, or was very busy.",
                by.as_secs_f64()
            ),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct ClockWatch {
    running: Duration,
    wall: SystemTime,
}

impl ClockWatch {
    /// `running`: of a clock that is never set.
    pub const fn new(running: Duration, wall: SystemTime) -> Self {
        Self { running, wall }
    }

    /// To be called about once a second. Each jump is told once.
    pub fn look(&mut self, running: Duration, wall: SystemTime) -> Option<ClockNews> {
        let passed = running.saturating_sub(self.running);
        let expected = self.wall + passed;
        *self = Self { running, wall };
        match wall.duration_since(expected) {
            Ok(ahead) if ahead >= WORTH_TELLING => Some(ClockNews::Ahead(ahead)),
            Err(error) if error.duration() >= WORTH_TELLING => {
                Some(ClockNews::Back(error.duration()))
            }
            _ => (passed >= LONG_PAUSE).then_some(ClockNews::StoodStill(passed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_jump_is_told_once_and_a_slow_drift_never() {
        let start = SystemTime::UNIX_EPOCH + seconds(1_000_000.0);
        let mut watch = ClockWatch::new(seconds(5.0), start);
        let mut look = |running, wall| watch.look(seconds(running), start + seconds(wall));
        assert_eq!(look(6.0, 1.0), None);
        // Corrected step by step, as time servers do.
        assert_eq!(look(7.0, 2.5), None);
        assert_eq!(look(8.0, 4.0), None);
        assert_eq!(look(9.0, 65.0), Some(ClockNews::Ahead(seconds(60.0))));
        assert_eq!(look(10.0, 66.0), None);
        assert_eq!(look(11.0, 37.0), Some(ClockNews::Back(seconds(30.0))));
        assert_eq!(look(12.0, 38.0), None);
        // Both clocks ran through a sleep.
        assert_eq!(
            look(3_612.0, 3_638.0),
            Some(ClockNews::StoodStill(seconds(3_600.0)))
        );
        assert_eq!(look(3_613.0, 3_639.0), None);
    }

    #[test]
    fn only_what_can_be_a_sleep_costs_the_connections() {
        assert!(ClockNews::Ahead(seconds(600.0)).may_have_slept());
        assert!(ClockNews::StoodStill(seconds(21.0)).may_have_slept());
        assert!(!ClockNews::Ahead(seconds(3.0)).may_have_slept());
        assert!(!ClockNews::Back(seconds(600.0)).may_have_slept());
    }
}
