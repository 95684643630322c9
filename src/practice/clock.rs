//! The only place of the practice world that reads the computer's clocks: like the real platform, it has its own.

use std::time::Instant;

use jiff::Timestamp;

#[allow(
    clippy::disallowed_methods,
    reason = "the practice world is another computer with its own clock"
)]
pub(super) fn utc() -> Timestamp {
    Timestamp::now()
}

#[allow(
    clippy::disallowed_methods,
    reason = "the practice world is another computer with its own clock"
)]
pub(super) fn monotonic() -> Instant {
    Instant::now()
}
