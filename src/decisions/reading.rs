//! Reading decisions back: one bar in full, and what stood in the way most often.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};

use super::{DecisionsError, schema};
use crate::core::only_missing;

/// A strategy that decisions are kept of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub id: String,
    pub name: String,
    pub decisions: u64,
    pub last_bar: Timestamp,
}

/// One condition as it was at a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub name: String,
    pub symbol: String,
    pub timeframe: String,
    pub bar: Timestamp,
    pub shadow: bool,
    pub entered: bool,
    pub verdict: String,
    /// Direction, alternative, words, truth, left and right value.
    pub conditions: Vec<(String, usize, String, schema::Packed)>,
    pub filters: Vec<(bool, String)>,
}

/// What happened at the bars since a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    pub bars: u64,
    pub entered: u64,
    /// By the words of a condition: how often it held, and how often it was the only one of its alternative that did not.
    pub conditions: BTreeMap<(String, usize, String), (u64, u64)>,
    /// By verdict, how often.
    pub verdicts: BTreeMap<String, u64>,
}

/// Decisions of another process, or of an earlier run.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

type Words = Vec<(String, usize, String)>;

impl Reader {
    /// # Errors
    /// There are none yet, or the file cannot be read.
    pub fn open(path: &Path) -> Result<Self, DecisionsError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags);
        opened
            .map(|connection| Self { connection })
            .map_err(|source| DecisionsError {
                path: path.to_owned(),
                source,
            })
    }

    pub fn strategies(&self) -> rusqlite::Result<Vec<Kept>> {
        let mut query = self.connection.prepare(
            "SELECT strategy, name, count(*), max(bar) FROM decision GROUP BY strategy ORDER BY max(at) DESC",
        )?;
        let rows = query.query_map([], |row| {
            Ok(Kept {
                id: row.get(0)?,
                name: row.get(1)?,
                decisions: u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default(),
                last_bar: second(row.get(3)?),
            })
        })?;
        rows.collect()
    }

    /// The decision at the last bar that began at or before this moment.
    pub fn at(&self, strategy: &str, moment: Timestamp) -> rusqlite::Result<Option<Explanation>> {
        self.connection
            .query_row(
                "SELECT name, symbol, timeframe, bar, shadow, entered, verdict, findings, filters, body
                 FROM decision JOIN words ON words.id = decision.words
                 WHERE strategy = ?1 AND bar <= ?2 ORDER BY bar DESC LIMIT 1",
                params![strategy, moment.as_second()],
                explanation,
            )
            .optional()
    }

    /// Of the bars that began at `since` or later, and at `until` or earlier.
    pub fn tally(
        &self,
        strategy: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> rusqlite::Result<Tally> {
        let mut query = self.connection.prepare(
            "SELECT entered, verdict, findings, body FROM decision JOIN words ON words.id = decision.words
             WHERE strategy = ?1 AND bar BETWEEN ?2 AND ?3",
        )?;
        let bounds = params![strategy, since.as_second(), until.as_second()];
        let mut rows = query.query(bounds)?;
        let mut tally = Tally::default();
        while let Some(row) = rows.next()? {
            let words: Words = json(row, 3)?;
            let findings = schema::unpack(&row.get::<_, Vec<u8>>(2)?);
            tally.bars += 1;
            tally.entered += u64::from(row.get::<_, bool>(0)?);
            let verdict: String = row.get(1)?;
            *tally.verdicts.entry(of_any_position(&verdict)).or_default() += 1;
            let keyed = words
                .iter()
                .zip(&findings)
                .map(|((side, at, _), (truth, _, _))| ((side.as_str(), *at), *truth));
            let missing = only_missing(&keyed);
            for (at, (words, (truth, _, _))) in words.iter().zip(&findings).enumerate() {
                let counts = tally.conditions.entry(words.clone()).or_default();
                counts.0 += u64::from(*truth == Some(true));
                counts.1 += u64::from(missing.contains(&at));
            }
        }
        Ok(tally)
    }
}

/// An obstacle is one and the same whichever position it names: `#1234` is told as `#…`.
fn of_any_position(verdict: &str) -> String {
    let mut parts = verdict.split('#');
    let mut told = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|letter: char| letter.is_ascii_digit());
        told.push('#');
        if rest.len() < part.len() {
            told.push('…');
        }
        told.push_str(rest);
    }
    told
}

fn explanation(row: &Row<'_>) -> rusqlite::Result<Explanation> {
    let words: Words = json(row, 9)?;
    let findings = schema::unpack(&row.get::<_, Vec<u8>>(7)?);
    Ok(Explanation {
        name: row.get(0)?,
        symbol: row.get(1)?,
        timeframe: row.get(2)?,
        bar: second(row.get(3)?),
        shadow: row.get(4)?,
        entered: row.get(5)?,
        verdict: row.get(6)?,
        conditions: words
            .into_iter()
            .zip(findings)
            .map(|((side, at, words), finding)| (side, at, words, finding))
            .collect(),
        filters: json(row, 8)?,
    })
}

fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(error),
        )
    })
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
}
