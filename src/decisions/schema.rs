//! The tables, and how a decision's numbers are packed: the words of a plan once, a bar's truths and values as bytes.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::DecisionsError;

const VERSION: i64 = 1;
const BUSY: Duration = Duration::from_secs(2);

const TABLES: &str = "
    CREATE TABLE words (
        id INTEGER PRIMARY KEY,
        body TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE decision (
        strategy TEXT NOT NULL,
        bar INTEGER NOT NULL,
        at INTEGER NOT NULL,
        name TEXT NOT NULL,
        symbol TEXT NOT NULL,
        timeframe TEXT NOT NULL,
        shadow INTEGER NOT NULL,
        entered INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        words INTEGER NOT NULL,
        findings BLOB NOT NULL,
        filters TEXT NOT NULL,
        PRIMARY KEY (strategy, bar)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX decision_at ON decision (at);
";

pub(super) fn open(path: &Path) -> Result<Connection, DecisionsError> {
    connect(path).map_err(|source| DecisionsError {
        path: path.to_owned(),
        source,
    })
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // What the last second before a power cut decided is no loss.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version == 0 {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
        ))?;
    }
    Ok(connection)
}

/// Truth and both values of one condition.
pub(super) type Packed = (Option<bool>, Option<f64>, Option<f64>);

const BYTES: usize = 17;

pub(super) fn pack(findings: impl Iterator<Item = Packed>) -> Vec<u8> {
    findings
        .flat_map(|(truth, left, right)| {
            let mut bytes = [0_u8; BYTES];
            bytes[0] = match truth {
                None => 2,
                Some(holds) => u8::from(holds),
            };
            bytes[1..9].copy_from_slice(&left.unwrap_or(f64::NAN).to_le_bytes());
            bytes[9..].copy_from_slice(&right.unwrap_or(f64::NAN).to_le_bytes());
            bytes
        })
        .collect()
}

pub(super) fn unpack(bytes: &[u8]) -> Vec<Packed> {
    let number = |bytes: &[u8]| {
        let number = f64::from_le_bytes(bytes.try_into().unwrap_or_default());
        number.is_finite().then_some(number)
    };
    bytes
        .chunks_exact(BYTES)
        .map(|one| {
            let truth = match one[0] {
                0 => Some(false),
                1 => Some(true),
                _ => None,
            };
            (truth, number(&one[1..9]), number(&one[9..]))
        })
        .collect()
}
