//! Writes records, and the table of commands that the window pages through, in one transaction.

use rusqlite::{Connection, Transaction, params};

use super::{JournalError, reading};
use crate::core::Record;
use crate::core::snapshot::CommandState;

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
        project(&transaction, record)?;
    }
    let last = match records {
        [] => transaction
            .prepare_cached("SELECT coalesce(max(seq), 0) FROM record")?
            .query_row([], |row| row.get(0))?,
        // The table of commands has no numbers of its own that could come in between.
        _ => transaction.last_insert_rowid(),
    };
    transaction.commit()?;
    Ok(last)
}

/// Keeps the table of commands in step with the records.
fn project(transaction: &Transaction<'_>, record: &Record) -> rusqlite::Result<()> {
    match record {
        Record::Received { command } => {
            transaction
                .prepare_cached(
                    "INSERT INTO command (id, received_ms, name, subject, source, state, message)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, '') ON CONFLICT (id) DO NOTHING",
                )?
                .execute(params![
                    command.id,
                    command.received_at.as_millisecond(),
                    command.name,
                    command.subject(),
                    reading::source_text(command.source),
                    CommandState::Received.name(),
                ])?;
        }
        Record::Moved {
            id,
            state,
            reason,
            at,
        } => {
            transaction
                .prepare_cached(
                    "UPDATE command SET state = ?2, message = ?3,
                     duration_ms = CASE WHEN ?4 THEN max(0, ?5 - received_ms) END WHERE id = ?1",
                )?
                .execute(params![
                    id,
                    state.name(),
                    reason,
                    state.is_final(),
                    at.as_millisecond()
                ])?;
        }
        Record::ReportDue { id, .. } => set_reported(transaction, id, Some(false))?,
        Record::ReportSettled { id, accepted, .. } => {
            set_reported(transaction, id, accepted.then_some(true))?;
        }
        _ => {}
    }
    Ok(())
}

fn set_reported(
    transaction: &Transaction<'_>,
    id: &str,
    reported: Option<bool>,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE command SET reported = ?2 WHERE id = ?1")?
        .execute(params![id, reported])?;
    Ok(())
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
