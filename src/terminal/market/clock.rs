//! The market's own clock: real time, times a speed.

use std::time::Duration;

use jiff::Timestamp;

use super::calendar::after_open_time;

/// Market time as a function of real time since the program's start. It only goes forward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarketClock {
    start: Timestamp,
    speed: f64,
    skip_weekends: bool,
}

impl MarketClock {
    /// `speed` is market seconds in a real second; what is not a positive number counts as 1.
    /// `skip_weekends` leaps over the time when the currency markets are closed.
    pub fn new(start: Timestamp, speed: f64, skip_weekends: bool) -> Self {
        let speed = if speed.is_finite() && speed > 0.0 {
            speed.min(100_000.0)
        } else {
            1.0
        };
        Self {
            start,
            speed,
            skip_weekends,
        }
    }

    pub const fn speed(&self) -> f64 {
        self.speed
    }

    /// The market's time when `elapsed` real time has passed.
    pub fn at(&self, elapsed: Duration) -> Timestamp {
        let millis = (elapsed.as_secs_f64() * self.speed * 1_000.0) as i64;
        let start = self.start.as_millisecond();
        let now = if self.skip_weekends {
            after_open_time(start, millis)
        } else {
            start.saturating_add(millis)
        };
        Timestamp::from_millisecond(now).unwrap_or(Timestamp::MAX)
    }
}
