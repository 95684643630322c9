//! Journal before effect, always. While the journal cannot be written, records wait and only what makes risk smaller
//! goes through.

use std::time::Duration;

use tokio::task::block_in_place;

use crate::core::{Effect, Record};
use crate::journal::Journal;

/// Another program (a backup, a viewer) may hold the file so long and nobody notices.
const PATIENCE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct JournalGate {
    pub journal: Journal,
    /// Records that could not be stored yet, in order. The core makes few while it knows that the journal is broken.
    backlog: Vec<Record>,
    broken: bool,
}

/// What happened to the journal by this attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Yes,
    /// It works again.
    Recovered,
    No {
        reason: String,
    },
}

impl JournalGate {
    pub const fn new(journal: Journal) -> Self {
        Self {
            journal,
            backlog: Vec::new(),
            broken: false,
        }
    }

    /// Stores these records after all that still wait.
    pub fn store(&mut self, records: Vec<Record>) -> Stored {
        self.backlog.extend(records);
        if self.backlog.is_empty() && !self.broken {
            return Stored::Yes;
        }
        // While it is known to be held nobody waits for it: closing must go on at full speed.
        let patience = if self.broken {
            Duration::ZERO
        } else {
            PATIENCE
        };
        // Other tasks of this worker go on elsewhere while the disk is waited for.
        match block_in_place(|| self.journal.append(&self.backlog, patience)) {
            Ok(()) => {
                self.backlog.clear();
                if std::mem::take(&mut self.broken) {
                    Stored::Recovered
                } else {
                    Stored::Yes
                }
            }
            Err(reason) => {
                self.broken = true;
                Stored::No { reason }
            }
        }
    }

    /// Brings what is read off the records up to them, once nothing waits for these any more.
    pub fn catch_up(&mut self) {
        if !self.broken && self.journal.is_ahead() {
            block_in_place(|| self.journal.catch_up());
        }
    }

    /// Keeps records for the next attempt.
    pub fn keep(&mut self, records: Vec<Record>) {
        self.backlog.extend(records);
    }

    /// What may run now.
    pub fn pass(&self, effects: Vec<Effect>) -> Vec<Effect> {
        if self.broken {
            effects
                .into_iter()
                .filter(Effect::runs_unjournaled)
                .collect()
        } else {
            effects
        }
    }
}
