//! The table of commands that the window pages through, and which records are a command's: read off the records after
//! they are stored, when nothing waits for the disk any more.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::{reading, schema};
use crate::core::Record;
use crate::core::snapshot::CommandState;

/// Takes in every record that was not yet. What of it the power cuts off is taken in again: the records have it.
pub(super) fn follow(connection: &Connection) -> rusqlite::Result<()> {
    if !lags(connection)? {
        return Ok(());
    }
    // What begins by reading and then writes is refused at once where another program writes: it would not wait.
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let last = reading::each_after(&transaction, reached(&transaction)?, |seq, record| {
        if let Some(id) = record.command_id() {
            transaction
                .prepare_cached("INSERT INTO story (command_id, seq) VALUES (?1, ?2)")?
                .execute(params![id, seq])?;
        }
        project(&transaction, record)
    })?;
    transaction
        .prepare_cached("UPDATE projected SET seq = ?1")?
        .execute([last])?;
    transaction.commit()
}

/// The same for this connection alone, which may only read: in tables of its own that hide the stored ones.
pub(super) fn follow_apart(connection: &Connection) -> rusqlite::Result<()> {
    if !lags(connection)? {
        return Ok(());
    }
    connection.execute_batch(&format!(
        "PRAGMA temp_store = MEMORY; {}; INSERT INTO temp.command SELECT * FROM main.command;",
        schema::COMMANDS.replacen("command", "temp.command", 1)
    ))?;
    reading::each_after(connection, reached(connection)?, |_, record| {
        project(connection, record)
    })
    .map(|_| ())
}

fn reached(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT seq FROM projected")?
        .query_row([], |row| row.get(0))
}

fn lags(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT coalesce(max(seq), 0) > (SELECT seq FROM projected) FROM record")?
        .query_row([], |row| row.get(0))
}

fn project(transaction: &Connection, record: &Record) -> rusqlite::Result<()> {
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
    transaction: &Connection,
    id: &str,
    reported: Option<bool>,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("UPDATE command SET reported = ?2 WHERE id = ?1")?
        .execute(params![id, reported])?;
    Ok(())
}
