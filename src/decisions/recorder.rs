//! Writes decisions from a thread of its own; the engine never waits for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::{Connection, params};

use super::{DecisionsError, schema};
use crate::core::Decided;

/// Decisions that may wait to be written; a thousand strategies may decide at one bar.
const QUEUE: usize = 4_096;
/// Written in one transaction.
const BATCH: usize = 512;
/// The file is kept below this size.
pub(super) const MOST_BYTES: u64 = 64 * 1_024 * 1_024;
/// Batches between two looks at the size.
const LOOK: u32 = 16;

/// The end of the program waits so long for what is still to be written.
const LAST_WORDS: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub struct Recorder {
    queue: Option<SyncSender<Arc<Decided>>>,
    /// Closed once everything is written.
    written: Option<Receiver<()>>,
    full: bool,
}

impl Recorder {
    /// # Errors
    /// The file cannot be opened; then there is nothing to write to.
    pub fn start(path: &Path) -> Result<Self, DecisionsError> {
        let connection = schema::open(path)?;
        let (queue, decided) = sync_channel(QUEUE);
        let (ended, written) = sync_channel(0);
        let thread = std::thread::Builder::new()
            .name("decisions".to_owned())
            .spawn(move || {
                write_all(connection, &decided);
                drop::<SyncSender<()>>(ended);
            });
        Ok(match thread {
            Ok(_) => Self {
                queue: Some(queue),
                written: Some(written),
                full: false,
            },
            Err(error) => {
                tracing::error!(target: "decisions", "No thread to keep decisions with: {error}. They are not kept.");
                Self::none()
            }
        })
    }

    /// Keeps nothing.
    pub const fn none() -> Self {
        Self {
            queue: None,
            written: None,
            full: false,
        }
    }

    pub fn keep(&mut self, decided: Arc<Decided>) {
        let Some(queue) = &self.queue else {
            return;
        };
        let full = queue.try_send(decided).is_err();
        if full && !std::mem::replace(&mut self.full, full) {
            tracing::warn!(target: "decisions", "Decisions come faster than they can be kept; some are left out of \"explain\".");
        }
        self.full = full;
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(written) = self.written.take()
            && written.recv_timeout(LAST_WORDS) == Err(RecvTimeoutError::Timeout)
        {
            tracing::warn!(target: "decisions", "The last decisions could not be kept within {} s.", LAST_WORDS.as_secs());
        }
    }
}

fn write_all(mut connection: Connection, decided: &Receiver<Arc<Decided>>) {
    let mut failed = false;
    let mut batches = 0_u32;
    while let Ok(first) = decided.recv() {
        let mut batch = vec![first];
        batch.extend(decided.try_iter().take(BATCH - 1));
        let mut written = write(&mut connection, &batch);
        batches = batches.wrapping_add(1);
        if batches.is_multiple_of(LOOK) {
            written = written.and_then(|()| shrink(&connection, MOST_BYTES));
        }
        match written {
            Ok(()) => failed = false,
            Err(error) if !std::mem::replace(&mut failed, true) => {
                tracing::warn!(target: "decisions", "Decisions cannot be kept: {error}. Trading goes on; \"explain\" lacks them.");
            }
            Err(_) => {}
        }
    }
}

pub(super) fn write(connection: &mut Connection, batch: &[Arc<Decided>]) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    {
        let mut add_words =
            transaction.prepare_cached("INSERT OR IGNORE INTO words (body) VALUES (?1)")?;
        let mut find_words = transaction.prepare_cached("SELECT id FROM words WHERE body = ?1")?;
        let mut add = transaction.prepare_cached(
            "INSERT OR REPLACE INTO decision VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?;
        for one in batch {
            let words: Vec<(&str, usize, &str)> = one
                .conditions
                .iter()
                .map(|condition| {
                    (
                        condition.side.name(),
                        condition.alternative,
                        &*condition.text,
                    )
                })
                .collect();
            let words = serde_json::to_string(&words).unwrap_or_default();
            let filters: Vec<(bool, &str)> = one
                .filters
                .iter()
                .map(|filter| (filter.passes, filter.text.as_str()))
                .collect();
            let filters = serde_json::to_string(&filters).unwrap_or_default();
            let findings = schema::pack(
                one.conditions
                    .iter()
                    .map(|condition| (condition.value, condition.left, condition.right)),
            );
            add_words.execute([&words])?;
            let words: i64 = find_words.query_row([&words], |row| row.get(0))?;
            add.execute(params![
                one.strategy,
                one.bar.as_second(),
                one.at.as_millisecond(),
                one.name,
                one.symbol,
                one.timeframe.name(),
                one.shadow,
                one.entered,
                one.verdict,
                words,
                findings,
                filters,
            ])?;
        }
    }
    transaction.commit()
}

/// Forgets the oldest tenth when the file has grown too large; freed pages are used again.
pub(super) fn shrink(connection: &Connection, most: u64) -> rusqlite::Result<()> {
    let pragma = |name: &str| -> rusqlite::Result<u64> {
        let number: i64 = connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or_default())
    };
    let used = (pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?;
    if used <= most {
        return Ok(());
    }
    connection.execute(
        "DELETE FROM decision WHERE at <= (SELECT at FROM decision ORDER BY at LIMIT 1 OFFSET (SELECT count(*) / 10 FROM decision))",
        [],
    )?;
    connection.execute(
        "DELETE FROM words WHERE id NOT IN (SELECT words FROM decision)",
        [],
    )?;
    Ok(())
}
