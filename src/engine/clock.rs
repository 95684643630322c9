//! The only place that reads the clocks.

use std::time::Instant;

use jiff::Timestamp;

use crate::core::Now;

#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
}

impl Clock {
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub fn now(self) -> Now {
        Now {
            mono: self.started.elapsed(),
            utc: Timestamp::now(),
        }
    }
}
