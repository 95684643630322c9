//! What the trader reads of orders whose outcome nobody knows. Each is in sight as long as that is so.

use super::State;
use super::durable::{IntentEntry, Progress};
use super::snapshot::{Notice, Severity};
use crate::market::Cid;

/// What the trader reads below an order in doubt.
pub(super) const DOUBT_REMEDY: &str = "Nothing to do: it is looked for at the terminal. Until it is found or proven absent, its strategy opens nothing; closing works.";

pub(super) fn doubt_key(cid: Cid) -> String {
    format!("{}{cid}", Notice::ORDER)
}

impl State {
    /// Orders of which nobody knows what became of them, and that no notice tells of: those of before a restart, and those
    /// that wait for a terminal or an account that is not there.
    pub(super) fn untold_doubts(&self) -> impl Iterator<Item = Notice> {
        let told = |key: &str| self.notices.iter().any(|notice| notice.key == key);
        self.durable
            .intents
            .values()
            .filter(|entry| entry.progress == Progress::Unknown || !self.terminal.up)
            .map(|entry| (entry, doubt_key(entry.intent.cid)))
            .filter(move |(_, key)| !told(key))
            .map(|(entry, key)| Notice {
                key,
                severity: Severity::Warning,
                text: format!(
                    "{} has no certain outcome: {}.",
                    entry.intent.action,
                    self.why_in_doubt(entry)
                ),
                remedy: DOUBT_REMEDY.to_owned(),
                at: entry.made_at,
            })
    }

    fn why_in_doubt(&self, entry: &IntentEntry) -> String {
        match (&entry.account, &self.durable.account) {
            (Some(sent), Some(now)) if sent != now => format!(
                "it was sent on account {}, and the terminal is on {}",
                sent.masked(),
                now.masked()
            ),
            _ if !self.terminal.up => "the terminal is away and cannot be asked".to_owned(),
            _ => "the terminal is being asked".to_owned(),
        }
    }
}
