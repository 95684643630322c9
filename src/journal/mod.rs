//! The journal: every record in order, in SQLite (WAL, `synchronous=FULL`), written by one thread.
//!
//! It stores and reads; it decides nothing. What is acknowledged is on the disk. A damaged file is kept under another name
//! and said so, never silently replaced.

mod reading;
mod schema;
#[cfg(test)]
mod tests;
mod writing;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

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
    #[error("the journal's thread cannot be started: {0}")]
    Thread(std::io::Error),
    #[error("the journal's thread has ended")]
    Gone,
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
}

/// One request to the journal's thread.
enum Job {
    Append(Vec<Record>, oneshot::Sender<Result<(), String>>),
    Answer(String, oneshot::Sender<Option<(String, Value)>>),
    Detail(String, oneshot::Sender<Option<CommandDetail>>),
    Page(Timestamp, oneshot::Sender<Vec<CommandRow>>),
}

/// A handle to the journal's thread.
#[derive(Clone, Debug)]
pub struct Journal {
    jobs: mpsc::Sender<Job>,
}

/// Requests that may wait at one time; the engine waits for each of its own, so few are ever used.
const QUEUE: usize = 64;
/// Rows in one page of older commands.
const PAGE: usize = 200;

impl Journal {
    /// Opens or makes the journal at `path` and reads what it holds. The join handle ends when every [`Journal`] is dropped.
    pub fn open(path: &Path) -> Result<(Self, Loaded, std::thread::JoinHandle<()>), JournalError> {
        let (mut connection, damaged) = schema::open(path)?;
        let sqlite = |source| JournalError::Sqlite {
            path: path.to_owned(),
            source,
        };
        let durable = reading::load(&mut connection).map_err(sqlite)?;
        let loaded = Loaded {
            rows: reading::newest(&connection, crate::core::State::ROWS).map_err(sqlite)?,
            counts: reading::counts(&connection).map_err(sqlite)?,
            durable,
            damaged,
        };
        let (jobs, queue) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || work(connection, queue))
            .map_err(JournalError::Thread)?;
        Ok((Self { jobs }, loaded, thread))
    }

    /// Stores records in one transaction; on `Ok` they are on the disk.
    pub async fn append(&self, records: Vec<Record>) -> Result<(), String> {
        self.ask(|reply| Job::Append(records, reply))
            .await
            .unwrap_or_else(|| Err(JournalError::Gone.to_string()))
    }

    /// The final answer of a command: status and result.
    pub async fn answer(&self, id: String) -> Option<(String, Value)> {
        self.ask(|reply| Job::Answer(id, reply)).await.flatten()
    }

    pub async fn detail(&self, id: String) -> Option<CommandDetail> {
        self.ask(|reply| Job::Detail(id, reply)).await.flatten()
    }

    /// Commands received before a moment, newest first.
    pub async fn page(&self, before: Timestamp) -> Vec<CommandRow> {
        self.ask(|reply| Job::Page(before, reply))
            .await
            .unwrap_or_default()
    }

    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).await.ok()?;
        answer.await.ok()
    }
}

/// How far the emergency stop of a journal is, read while its owner is running.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmergencyStatus {
    pub latched: bool,
    pub complete: bool,
    /// Orders of the stop that have no certain outcome yet.
    pub troubles: Vec<String>,
}

/// Reads the emergency stop from a journal that another process writes.
pub fn emergency_status(path: &Path) -> Result<EmergencyStatus, JournalError> {
    let sqlite = |source| JournalError::Sqlite {
        path: path.to_owned(),
        source,
    };
    let flags =
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = rusqlite::Connection::open_with_flags(path, flags).map_err(sqlite)?;
    let durable = reading::load(&mut connection).map_err(sqlite)?;
    let waiting = durable
        .intents
        .values()
        .filter(|entry| entry.purpose == crate::core::Purpose::Emergency);
    Ok(EmergencyStatus {
        latched: durable.stop.is_some(),
        complete: durable
            .stop
            .as_ref()
            .is_some_and(|stop| stop.completed_at.is_some()),
        troubles: waiting
            .map(|entry| format!("{:?} has no certain outcome yet", entry.intent.action))
            .collect(),
    })
}

fn work(mut connection: rusqlite::Connection, mut queue: mpsc::Receiver<Job>) {
    // A reply that nobody waits for any more is dropped: the asker was cancelled.
    while let Some(job) = queue.blocking_recv() {
        match job {
            Job::Append(records, reply) => {
                let result = writing::append(&mut connection, &records);
                drop(reply.send(result.map_err(|error| error.to_string())));
            }
            Job::Answer(id, reply) => drop(reply.send(said(reading::answer(&connection, &id)))),
            Job::Detail(id, reply) => drop(reply.send(said(reading::detail(&connection, &id)))),
            Job::Page(before, reply) => {
                let page = reading::before(&connection, before, PAGE).map(Some);
                drop(reply.send(said(page).unwrap_or_default()));
            }
        }
    }
    if let Err(error) = writing::checkpoint(&mut connection) {
        tracing::warn!(target: "journal", "The journal's checkpoint could not be written: {error}. The next start reads a little longer.");
    }
}

fn said<T>(result: rusqlite::Result<Option<T>>) -> Option<T> {
    result.unwrap_or_else(|error| {
        tracing::error!(target: "journal", "The journal could not be read: {error}");
        None
    })
}
