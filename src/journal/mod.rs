//! The journal: every record in order, in SQLite (WAL, `synchronous=FULL`), written by the engine's loop alone. The list of
//! commands is read off the records afterwards (`synchronous=NORMAL`), and made good at the next start where it could not.
//!
//! Its owner waits for the disk before anything else happens, so a thread in between would only make every command
//! later. It stores and reads; it decides nothing. What is acknowledged is on the disk. A damaged file is kept under another name
//! and said so, never silently replaced; a lost one is noticed by what stands beside it.

mod beside;
mod emergency_watch;
#[cfg(test)]
mod loss_tests;
mod projection;
mod reading;
mod schema;
#[cfg(test)]
mod tests;
mod writing;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use beside::{stop_beside, stop_stands};
pub use emergency_watch::{EmergencyStatus, EmergencyWatch};

use jiff::Timestamp;
use serde_json::Value;

use crate::core::snapshot::{CommandDetail, CommandRow, Counts};
use crate::core::{Durable, Record};

#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("the journal {path} cannot be used: {source}")]
    Sqlite {
        path: PathBuf,
        source: rusqlite::Error,
    },
    #[error("the folder of the journal {path} cannot be made: {source}")]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the damaged journal {path} cannot be put aside: {source}")]
    Aside {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("a record cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What a journal held when it was opened.
#[derive(Debug)]
pub struct Loaded {
    pub durable: Durable,
    /// The newest commands, newest first.
    pub rows: Vec<CommandRow>,
    pub counts: Counts,
    /// A damaged journal was found and kept here; what it held is not known to this one.
    pub damaged: Option<PathBuf>,
    /// Records that were stored before are gone: the file, or a part of it, was removed or replaced.
    pub lost: bool,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    identity: Option<(u64, u64)>,
    connection: rusqlite::Connection,
    beside: beside::Beside,
    /// Records were lost, and nobody has heard of it yet: until then the mark stays as it was.
    untold: bool,
    /// The number of the last record, when the tables that follow the records do not know of it yet.
    ahead: Option<i64>,
    lag_told: bool,
    /// A stop that is on by what stands beside the journal, and that could not be written into it yet.
    unwritten: Option<Record>,
    /// What is written now need not be on the disk when it returns.
    relaxed: bool,
}

/// How long the clean end waits for another program that holds the file.
const CLOSE_PATIENCE: Duration = Duration::from_millis(500);
/// Rows in one page of older commands.
const PAGE: usize = 200;

impl Journal {
    /// Opens or makes the journal at `path` and reads what it holds.
    pub fn open(path: &Path) -> Result<(Self, Loaded), JournalError> {
        let mut beside = beside::Beside::of(path);
        let (mut connection, damaged) = schema::open(path)?;
        let sqlite = |source| JournalError::Sqlite {
            path: path.to_owned(),
            source,
        };
        let (mut durable, mut last) = reading::load_to_end(&connection).map_err(sqlite)?;
        let lost = beside.misses_records(last);
        let mut unwritten = None;
        if let Some(stop) = beside.forgotten_stop(&durable, Timestamp::now()) {
            let again = Record::EmergencyStopped { stop };
            durable.apply(&again);
            match writing::append(&mut connection, std::slice::from_ref(&again)) {
                Ok(written) => last = written,
                Err(error) => {
                    tracing::warn!(target: "journal", "The emergency stop that stands beside the journal cannot be written into it yet: {error}. It is on all the same.");
                    unwritten = Some(again);
                }
            }
        }
        beside.stands_for(&durable);
        // Another program may hold the file, or the disk be full: then it follows later.
        let followed = projection::follow(&connection);
        let loaded = Loaded {
            rows: reading::newest(&connection, crate::core::State::ROWS).map_err(sqlite)?,
            counts: reading::counts(&connection).map_err(sqlite)?,
            durable,
            damaged,
            lost,
        };
        let journal = Self {
            path: path.to_owned(),
            identity: identity(path),
            connection,
            beside,
            untold: lost,
            ahead: followed.is_err().then_some(last),
            lag_told: false,
            unwritten,
            relaxed: false,
        };
        Ok((journal, loaded))
    }

    /// The next records say that some were lost.
    pub const fn tells_of_the_loss(&mut self) {
        self.untold = false;
    }

    /// Stores records in one transaction; on `Ok` they are on the disk. Waits for the disk, and no longer than `patience`
    /// for another program that holds the file.
    pub fn append(&mut self, records: &[Record], patience: Duration) -> Result<(), String> {
        self.beside.before(records);
        // Where an open file may be deleted, what is written to it afterwards is gone with the program.
        if identity(&self.path) != self.identity {
            return Err(format!(
                "{} was deleted or is another file now; end this program, put the file back if you have it, and start again",
                self.path.display()
            ));
        }
        let set = self.connection.busy_timeout(patience);
        set.and_then(|()| self.write_through())
            .map_err(|error| error.to_string())?;
        let last = match &self.unwritten {
            Some(stop) => writing::append(
                &mut self.connection,
                &[std::slice::from_ref(stop), records].concat(),
            ),
            None => writing::append(&mut self.connection, records),
        };
        let last = last.map_err(|error| error.to_string())?;
        self.unwritten = None;
        self.beside.after(records);
        self.ahead = Some(last);
        Ok(())
    }

    /// Brings what is read off the records up to them; for when what waited for them has left. Waits for nobody: what cannot
    /// be done now is done with the next records, or at the next start.
    pub fn catch_up(&mut self) {
        let Some(last) = self.ahead else {
            return;
        };
        if !self.untold {
            self.beside.reach(last);
        }
        let followed = self.follow();
        // Where this fails, the next records try again and are not acknowledged before.
        let _tried_again = self.write_through();
        match followed {
            Ok(()) => {
                self.ahead = None;
                self.lag_told = false;
            }
            Err(error) if !std::mem::replace(&mut self.lag_told, true) => {
                tracing::warn!(target: "journal", "The list of older commands cannot be kept up to date: {error}. The records are stored; the list follows them later.");
            }
            Err(_) => {}
        }
    }

    fn follow(&mut self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(Duration::ZERO)?;
        // The records have all of it: this waits for no disk.
        self.relaxed = true;
        schema::set_synchronous(&self.connection, "NORMAL")?;
        projection::follow(&self.connection)
    }

    fn write_through(&mut self) -> rusqlite::Result<()> {
        if self.relaxed {
            schema::set_synchronous(&self.connection, "FULL")?;
            self.relaxed = false;
        }
        Ok(())
    }

    /// Whether records were stored that [`Self::catch_up`] has not seen.
    pub const fn is_ahead(&self) -> bool {
        self.ahead.is_some()
    }

    /// The final answer of a command: status and result.
    pub fn answer(&mut self, id: &str) -> Option<(String, Value)> {
        self.catch_up();
        said(reading::answer(&self.connection, id))
    }

    pub fn detail(&mut self, id: &str) -> Option<CommandDetail> {
        self.catch_up();
        said(reading::detail(&self.connection, id))
    }

    /// Commands received before a moment, newest first.
    pub fn page(&mut self, before: Timestamp) -> Vec<CommandRow> {
        self.catch_up();
        said(reading::before(&self.connection, before, PAGE).map(Some)).unwrap_or_default()
    }

    /// The clean end: stores the sum of all records, so that the next start reads one row.
    pub fn close(mut self) {
        self.catch_up();
        let set = self.connection.busy_timeout(CLOSE_PATIENCE);
        if let Err(error) = set
            .and_then(|()| self.write_through())
            .map_err(writing::WriteError::from)
            .and_then(|()| writing::checkpoint(&self.connection))
        {
            tracing::warn!(target: "journal", "The journal's checkpoint could not be written: {error}. The next start reads a little longer.");
        }
    }
}

/// What a journal says, which another process may be writing; nothing is changed.
///
/// # Errors
/// It cannot be read.
pub fn read(path: &Path) -> Result<Durable, JournalError> {
    look(path, reading::load_to_end).map(|(durable, _)| durable)
}

/// The latest commands of a journal that another process may be writing, newest first.
///
/// # Errors
/// It cannot be read.
pub fn latest(path: &Path, most: usize) -> Result<Vec<CommandRow>, JournalError> {
    look(path, |connection| {
        projection::follow_apart(connection)?;
        reading::newest(connection, most)
    })
}

fn look<T>(
    path: &Path,
    read: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>,
) -> Result<T, JournalError> {
    let flags =
        rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    rusqlite::Connection::open_with_flags(path, flags)
        .and_then(|connection| read(&connection))
        .map_err(|source| JournalError::Sqlite {
            path: path.to_owned(),
            source,
        })
}

/// Which file stands under this name; always the same where an open file keeps its name.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

#[cfg(not(unix))]
const fn identity(_path: &Path) -> Option<(u64, u64)> {
    None
}

fn said<T>(result: rusqlite::Result<Option<T>>) -> Option<T> {
    result.unwrap_or_else(|error| {
        tracing::error!(target: "journal", "The journal could not be read: {error}");
        None
    })
}
