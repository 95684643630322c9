//! The emergency stop as it is remembered: in the journal, and once more beside it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::closing::Target;

/// The latched emergency stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyStop {
    pub reason: String,
    pub since: Timestamp,
    /// A stale order closes only what was opened before it was given (contract C4).
    pub opened_before: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    /// Commands that were answered as failed before it was complete.
    #[serde(default)]
    pub told_failed: Vec<String>,
    /// When a stop was given for the last time while it is on, by the platform's clock; unknown where that was.
    #[serde(default)]
    pub last_given: Option<Timestamp>,
    /// What it found gone so far, so that its answer names every ticket, over restarts too.
    #[serde(default)]
    pub gone: Vec<Gone>,
}

impl EmergencyStop {
    /// One that spares nothing, as a person at this machine gives it. What the platform's clock shows then nobody says: no
    /// RESUME is surely later.
    pub const fn given(reason: String, since: Timestamp) -> Self {
        Self {
            reason,
            since,
            opened_before: None,
            completed_at: None,
            told_failed: Vec::new(),
            last_given: None,
            gone: Vec::new(),
        }
    }
}

/// A ticket that is not open any more, and how that came, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    pub target: Target,
    pub how: String,
    /// An order of ours ended it.
    pub by_us: bool,
}
