//! Follows the emergency stop in a journal that another process writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{JournalError, reading};
use crate::core::{Durable, Purpose, Record};
use crate::market::{IntentAction, Ticket};

/// How far the emergency stop of a journal is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmergencyStatus {
    pub latched: bool,
    pub completed_at: Option<Timestamp>,
    /// What is still open, each ticket with the reason as far as it is known.
    pub troubles: Vec<String>,
    /// What is open on accounts that were forgotten; no stop waits for it.
    pub forgotten: Vec<String>,
}

#[derive(Debug)]
pub struct EmergencyWatch {
    path: PathBuf,
    connection: rusqlite::Connection,
    durable: Durable,
    /// The last record that was taken in.
    seq: i64,
    /// Why the last attempt on a ticket failed.
    failed: BTreeMap<Ticket, String>,
}

impl EmergencyWatch {
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let sqlite = |source| JournalError::Sqlite {
            path: path.to_owned(),
            source,
        };
        let flags =
            rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = rusqlite::Connection::open_with_flags(path, flags).map_err(sqlite)?;
        let (durable, seq) = reading::load_to_end(&connection).map_err(sqlite)?;
        Ok(Self {
            path: path.to_owned(),
            connection,
            durable,
            seq,
            failed: BTreeMap::new(),
        })
    }

    /// What is so now; reads only what was written since the last look.
    pub fn look(&mut self) -> Result<EmergencyStatus, JournalError> {
        let failed = &mut self.failed;
        let see = |known: &Durable, record: &Record| note_attempt(failed, known, record);
        let followed = reading::follow(&self.connection, &mut self.durable, self.seq, see);
        self.seq = followed.map_err(|source| JournalError::Sqlite {
            path: self.path.clone(),
            source,
        })?;
        let stop = self.durable.stop.as_ref();
        Ok(EmergencyStatus {
            latched: stop.is_some(),
            completed_at: stop.and_then(|stop| stop.completed_at),
            troubles: self.troubles(),
            forgotten: self.shown(true),
        })
    }

    fn troubles(&self) -> Vec<String> {
        let orders = self.durable.intents.values();
        let waiting = orders
            .filter(|entry| entry.purpose == Purpose::Emergency)
            .map(|entry| format!("{}: no certain outcome yet", entry.intent.action));
        let failed = self.failed.iter();
        failed
            .map(|(ticket, reason)| format!("{ticket}: {reason}"))
            .chain(waiting)
            .chain(self.shown(false))
            .collect()
    }

    /// Positions as the list of their account showed them last.
    fn shown(&self, forgotten: bool) -> Vec<String> {
        let stop = self.durable.stop.as_ref();
        let before = stop.and_then(|stop| stop.opened_before);
        self.durable
            .positions_shown()
            .filter(|(account, _)| self.durable.forgotten.contains(account) == forgotten)
            .filter(|(_, position)| before.is_none_or(|limit| position.opened_at < limit))
            .filter(|(_, position)| !self.failed.contains_key(&position.ticket))
            .map(|(account, position)| {
                format!(
                    "{} {} {} {} on account {}, as its list showed it last",
                    position.ticket,
                    position.side.name(),
                    position.volume,
                    position.symbol,
                    account.masked()
                )
            })
            .collect()
    }
}

/// Takes in how an attempt of the stop on a ticket ended, before the record is.
fn note_attempt(failed: &mut BTreeMap<Ticket, String>, known: &Durable, record: &Record) {
    let (cid, reason) = match record {
        Record::IntentFailed { cid, reason, .. } => (cid, Some(reason)),
        Record::IntentDone { cid, .. } => (cid, None),
        Record::Held { gone, .. } => {
            failed.retain(|ticket, _| !gone.contains(ticket));
            return;
        }
        _ => return,
    };
    let Some(entry) = known.intents.get(cid) else {
        return;
    };
    let (IntentAction::Close { ticket, .. } | IntentAction::Cancel { ticket }) =
        entry.intent.action
    else {
        return;
    };
    match reason {
        Some(reason) if entry.purpose == Purpose::Emergency => {
            failed.insert(ticket, reason.clone());
        }
        Some(_) => {}
        None => {
            failed.remove(&ticket);
        }
    }
}
