//! Writes records, in one transaction that touches nothing else: an order waits for it.

use rusqlite::{Connection, params};

use super::{JournalError, reading};
use crate::core::Record;

#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{0}")]
    Journal(#[from] JournalError),
}

/// The number of the last record.
pub(super) fn append(connection: &mut Connection, records: &[Record]) -> Result<i64, WriteError> {
    let transaction = connection.transaction()?;
    for record in records {
        let body = serde_json::to_string(record).map_err(JournalError::from)?;
        transaction
            .prepare_cached("INSERT INTO record (command_id, body) VALUES (?1, ?2)")?
            .execute(params![record.command_id(), body])?;
    }
    let last = match records {
        [] => transaction
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM record")?
            .query_row([], |row| row.get(0))?,
        _ => transaction.last_insert_rowid(),
    };
    transaction.commit()?;
    Ok(last)
}

/// Stores the sum of all records so far, so that the next start need not read them again.
pub(super) fn checkpoint(connection: &Connection) -> Result<(), WriteError> {
    let durable = reading::load(connection)?;
    let body = serde_json::to_string(&durable).map_err(JournalError::from)?;
    connection.execute(
        "INSERT INTO checkpoint (one, seq, body) VALUES (1, (SELECT coalesce(max(seq), 0) FROM record), ?1)
         ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, body = excluded.body",
        params![body],
    )?;
    Ok(())
}
