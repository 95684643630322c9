//! Reads the state back, and pages and timelines for the window.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::Value;

use crate::core::snapshot::{
    CommandDetail, CommandRow, CommandState, Counts, Source, TimelineStep,
};
use crate::core::{Durable, Record};

const COLUMNS: &str =
    "id, received_ms, name, subject, source, state, duration_ms, message, reported";

/// The last checkpoint and every record after it.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Durable> {
    Ok(load_to_end(connection)?.0)
}

/// The same, and the number of the last record.
pub(super) fn load_to_end(connection: &Connection) -> rusqlite::Result<(Durable, i64)> {
    let checkpoint = connection
        .query_row("SELECT seq, body FROM checkpoint", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })
        .optional()?;
    // A checkpoint that this version cannot read is only a shortcut lost: the records are the truth.
    let (after, mut durable) = checkpoint
        .and_then(|(seq, body)| Some((seq, serde_json::from_str(&body).ok()?)))
        .unwrap_or((0, Durable::default()));
    let last = follow(connection, &mut durable, after, |_, _| {})?;
    Ok((durable, last))
}

/// Takes in every record after the one of this number, each `seen` before; the number of the last one.
pub(super) fn follow(
    connection: &Connection,
    durable: &mut Durable,
    after: i64,
    mut seen: impl FnMut(&Durable, &Record),
) -> rusqlite::Result<i64> {
    each_after(connection, after, |_, record| {
        seen(durable, record);
        durable.apply(record);
        Ok(())
    })
}

/// Every record after the one of this number, with its own; the number of the last one.
pub(super) fn each_after(
    connection: &Connection,
    after: i64,
    mut take: impl FnMut(i64, &Record) -> rusqlite::Result<()>,
) -> rusqlite::Result<i64> {
    let mut statement =
        connection.prepare_cached("SELECT seq, body FROM record WHERE seq > ?1 ORDER BY seq")?;
    let mut rows = statement.query([after])?;
    let mut last = after;
    while let Some(row) = rows.next()? {
        last = row.get(0)?;
        let body: String = row.get(1)?;
        take(last, &parse(&body)?)?;
    }
    Ok(last)
}

fn parse(body: &str) -> rusqlite::Result<Record> {
    serde_json::from_str(body).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
    })
}

pub(super) fn newest(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<CommandRow>> {
    before(connection, Timestamp::MAX, limit)
}

pub(super) fn before(
    connection: &Connection,
    before: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<CommandRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM command WHERE received_ms < ?1 ORDER BY received_ms DESC, id DESC LIMIT ?2"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![before.as_millisecond(), limit], row_of)?;
    rows.collect()
}

pub(super) fn counts(connection: &Connection) -> rusqlite::Result<Counts> {
    let mut counts = Counts::default();
    let mut statement = connection.prepare("SELECT state, count(*) FROM command GROUP BY state")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
        counts.received += number;
        match state_of(&row.get::<_, String>(0)?) {
            CommandState::Executed => counts.executed += number,
            CommandState::Failed => counts.failed += number,
            CommandState::Expired => counts.expired += number,
            CommandState::Refused => counts.refused += number,
            CommandState::Received | CommandState::Waiting | CommandState::Executing => {}
        }
    }
    Ok(counts)
}

/// The last answer that was due for a command.
pub(super) fn answer(
    connection: &Connection,
    id: &str,
) -> rusqlite::Result<Option<(String, Value)>> {
    let mut found = None;
    for record in records_of(connection, id)? {
        if let Record::ReportDue { status, result, .. } = record {
            found = Some((status, result));
        }
    }
    Ok(found)
}

pub(super) fn detail(connection: &Connection, id: &str) -> rusqlite::Result<Option<CommandDetail>> {
    let sql = format!("SELECT {COLUMNS} FROM command WHERE id = ?1");
    let Some(row) = connection.query_row(&sql, [id], row_of).optional()? else {
        return Ok(None);
    };
    let mut detail = CommandDetail {
        row,
        timeline: Vec::new(),
        raw: String::new(),
        result: None,
    };
    for record in records_of(connection, id)? {
        if let Record::Received { command } = &record {
            detail.raw.clone_from(&command.raw);
        }
        if let Record::ReportDue { result, .. } = &record {
            detail.result = Some(result.to_string());
        }
        detail.timeline.extend(step_of(&record));
    }
    Ok(Some(detail))
}

fn records_of(connection: &Connection, id: &str) -> rusqlite::Result<Vec<Record>> {
    // The last ones may not be in the story yet.
    let mut statement = connection.prepare_cached(
        "SELECT body FROM record WHERE seq IN (SELECT seq FROM story WHERE command_id = ?1)
         OR (seq > (SELECT seq FROM projected) AND command_id = ?1) ORDER BY seq",
    )?;
    let bodies = statement.query_map([id], |row| row.get::<_, String>(0))?;
    bodies.map(|body| parse(&body?)).collect()
}

/// A record as a step that a trader understands.
fn step_of(record: &Record) -> Option<TimelineStep> {
    let step = |at: Timestamp, title: &str, detail: &str| {
        Some(TimelineStep {
            at,
            title: title.to_owned(),
            detail: detail.to_owned(),
        })
    };
    match record {
        Record::Received { command } => {
            step(command.received_at, "received", command.source.name())
        }
        Record::Moved {
            state, reason, at, ..
        } => step(*at, state.name(), reason),
        Record::InterimReported { issuer, at, .. } => step(
            *at,
            "acknowledged to the platform",
            &issuer.as_ref().map_or_else(
                || "the platform does not say who sent it".to_owned(),
                |issuer| format!("sent by user {issuer}"),
            ),
        ),
        Record::ReportDue { status, at, .. } => step(*at, "answer ready", status),
        Record::ReportSettled { accepted, at, .. } => step(
            *at,
            "reported",
            if *accepted {
                "the platform has the status"
            } else {
                "the platform knows no such command"
            },
        ),
        Record::IntentMade { intent, at, .. } => step(
            *at,
            "order",
            &format!("sent to the terminal as {}", intent.cid),
        ),
        _ => None,
    }
}

fn row_of(row: &Row<'_>) -> rusqlite::Result<CommandRow> {
    let received_ms: i64 = row.get(1)?;
    let duration: Option<i64> = row.get(6)?;
    Ok(CommandRow {
        id: row.get(0)?,
        received_at: Timestamp::from_millisecond(received_ms).unwrap_or(Timestamp::UNIX_EPOCH),
        name: row.get(2)?,
        subject: row.get(3)?,
        source: source_of(&row.get::<_, String>(4)?),
        state: state_of(&row.get::<_, String>(5)?),
        duration_ms: duration.and_then(|duration| u64::try_from(duration).ok()),
        message: row.get(7)?,
        repeats: 0,
        reported: row.get(8)?,
    })
}

pub(super) const fn source_text(source: Source) -> &'static str {
    match source {
        Source::Pusher => "pusher",
        Source::Heartbeat => "heartbeat",
        Source::Broadcast => "broadcast",
        Source::Local => "local",
    }
}

fn source_of(text: &str) -> Source {
    match text {
        "pusher" => Source::Pusher,
        "heartbeat" => Source::Heartbeat,
        "broadcast" => Source::Broadcast,
        _ => Source::Local,
    }
}

fn state_of(text: &str) -> CommandState {
    [
        CommandState::Received,
        CommandState::Waiting,
        CommandState::Executing,
        CommandState::Executed,
        CommandState::Expired,
        CommandState::Refused,
    ]
    .into_iter()
    .find(|state| state.name() == text)
    .unwrap_or(CommandState::Failed)
}
