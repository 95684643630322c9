//! What every page gets to draw from in one frame.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::text::Text;
use crate::core::snapshot::Snapshot;

/// Tells the time; tests put their own in.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// One frame's facts. `now` is the wall clock, not the snapshot's moment, so that a frozen engine cannot keep a
/// light green.
pub struct View<'a> {
    pub snapshot: &'a Arc<Snapshot>,
    pub now: Timestamp,
    pub zone: &'a TimeZone,
    pub text: &'static Text,
}
