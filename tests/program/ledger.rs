//! What really happened, read from the two files that hold it: the paper account's deals and the journal's records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The paper account as it is stored.
pub struct Ledger(Value);

impl Ledger {
    pub fn read(data: &Path) -> Self {
        let text = std::fs::read(data.join("paper-account.json")).unwrap();
        Self(serde_json::from_slice(&text).unwrap())
    }

    /// Tickets of the open positions.
    pub fn open(&self) -> Vec<u64> {
        numbers(&self.0["positions"], |_| true, "ticket")
    }

    /// The position of each entry deal, in order: twice the same would be a doubled order.
    pub fn entries(&self) -> Vec<u64> {
        numbers(
            &self.0["deals"],
            |deal| deal["entry"] == "In" || deal["entry"] == "in",
            "position",
        )
    }

    /// The position of each exit deal.
    pub fn exits(&self) -> Vec<u64> {
        numbers(
            &self.0["deals"],
            |deal| deal["entry"] == "Out" || deal["entry"] == "out",
            "position",
        )
    }
}

fn numbers(rows: &Value, wanted: impl Fn(&Value) -> bool, key: &str) -> Vec<u64> {
    let rows = rows.as_array().unwrap();
    let found = rows.iter().filter(|row| wanted(row));
    found.map(|row| row[key].as_u64().unwrap()).collect()
}

/// How often the journal says a command was received and how often it ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Life {
    pub received: usize,
    pub ended: usize,
    /// Answers settled with the platform; a repeated delivery settles again.
    pub settled: usize,
}

pub fn journal_file(data: &Path) -> PathBuf {
    data.join("journal.sqlite")
}

/// Every command's life, by id.
pub fn lives(data: &Path) -> BTreeMap<String, Life> {
    lives_in(&journal_file(data))
}

/// The same from a copy, so that looking recovers nothing in the place of the program that comes next.
pub fn lives_of_the_dead(data: &Path, scratch: &Path) -> BTreeMap<String, Life> {
    let (file, copy) = (journal_file(data), scratch.join("copy.sqlite"));
    for suffix in ["", "-wal"] {
        let beside = |path: &Path| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        if beside(&file).exists() {
            std::fs::copy(beside(&file), beside(&copy)).unwrap();
        } else if beside(&copy).exists() {
            std::fs::remove_file(beside(&copy)).unwrap();
        }
    }
    lives_in(&copy)
}

fn lives_in(file: &Path) -> BTreeMap<String, Life> {
    let database = rusqlite::Connection::open(file).unwrap();
    let mut query = database
        .prepare("SELECT command_id, body FROM record WHERE command_id IS NOT NULL ORDER BY seq")
        .unwrap();
    let rows = query
        .query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        })
        .unwrap();
    let mut lives: BTreeMap<String, Life> = BTreeMap::new();
    for row in rows {
        let (id, body) = row.unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        let life = lives.entry(id).or_default();
        match body["record"].as_str().unwrap() {
            "received" => life.received += 1,
            "moved" => {
                let state = body["state"].as_str().unwrap();
                if matches!(state, "executed" | "failed" | "expired" | "refused") {
                    life.ended += 1;
                }
            }
            "report_settled" => life.settled += 1,
            _ => {}
        }
    }
    lives
}

/// How many records of a kind the journal holds.
pub fn count_records(data: &Path, kind: &str) -> usize {
    let database = rusqlite::Connection::open(journal_file(data)).unwrap();
    let count = database.query_row(
        "SELECT count(*) FROM record WHERE body ->> 'record' = ?1",
        [kind],
        |row| row.get::<_, i64>(0),
    );
    usize::try_from(count.unwrap()).unwrap()
}

/// The ids of all commands, in the order in which they were received.
pub fn received_in_order(data: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(journal_file(data)).unwrap();
    let mut query = database
        .prepare("SELECT command_id FROM record WHERE body ->> 'record' = 'received' ORDER BY seq")
        .unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
