//! The platform's tables, in memory: one user, one executor, its strategies and their commands.
//!
//! The rules are the database's and the routes' (contract §5): text-ordered priorities, ten rows a beat, no
//! expiry, last writer wins. Bounded: when [`MAX_ROWS`] commands are kept, the oldest finished one goes, and if
//! none is finished a new one is refused.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::super::strategies::Fixture;

/// Command rows that are kept.
pub const MAX_ROWS: usize = 20_000;

/// Rows that one heartbeat hands out.
pub(super) const ROWS_A_BEAT: usize = 10;

/// An executor counts as online while its last heartbeat is younger than this (contract §7).
const ONLINE_SECONDS: i64 = 300;

/// A row of the `Command` table.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandRow {
    pub id: String,
    pub user_id: String,
    pub executor_id: String,
    pub command: String,
    pub parameters: Option<Value>,
    pub priority: String,
    pub status: String,
    pub result: Option<Value>,
    #[serde(serialize_with = "iso_field")]
    pub created_at: Timestamp,
    #[serde(serialize_with = "iso_option")]
    pub executed_at: Option<Timestamp>,
    #[serde(serialize_with = "iso_option")]
    pub acknowledged_at: Option<Timestamp>,
}

/// A row of the `Strategy` table with its assignment to the practice executor.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StrategyRow {
    pub id: String,
    pub assignment_id: String,
    /// A short name for command lines and tests; the real platform has none.
    pub key: String,
    pub name: String,
    pub symbol: String,
    pub timeframe: String,
    /// `draft`, `active`, `inactive`
    pub status: String,
    /// `null` until first activated, then `active` or `stopped`
    pub assignment: Option<String>,
    pub rules: Value,
}

impl StrategyRow {
    /// By id, or by key or name without regard to case.
    pub fn is(&self, wanted: &str) -> bool {
        self.id == wanted
            || self.key.eq_ignore_ascii_case(wanted)
            || self.name.eq_ignore_ascii_case(wanted)
    }
}

/// The `Executor` row's changing part.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutorRow {
    pub status: String,
    #[serde(serialize_with = "iso_option")]
    pub last_heartbeat: Option<Timestamp>,
    pub heartbeats: u64,
}

impl ExecutorRow {
    /// As every page of the platform computes it.
    pub fn is_online(&self, now: Timestamp) -> bool {
        self.last_heartbeat
            .is_some_and(|last| now.as_second() - last.as_second() < ONLINE_SECONDS)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_ROWS} commands are waiting already; none can be added")]
pub struct TableFull;

/// Where a pending row stands in the queue: priority descending *as text*, then oldest first.
type Turn = (Reverse<String>, Timestamp, u64);

#[derive(Debug)]
pub(super) struct Store {
    /// By the order they were inserted in.
    commands: BTreeMap<u64, CommandRow>,
    next: u64,
    by_id: HashMap<String, u64>,
    pending: BTreeSet<Turn>,
    finished: BTreeSet<u64>,
    strategies: Vec<StrategyRow>,
    pub(super) executor: ExecutorRow,
}

impl Store {
    pub(super) fn new(fixtures: Vec<Fixture>) -> Self {
        let strategies = fixtures
            .into_iter()
            .map(|fixture| StrategyRow {
                id: fixture.id,
                assignment_id: fixture.assignment_id,
                key: fixture.key,
                name: fixture.name,
                symbol: fixture.symbol,
                timeframe: fixture.timeframe,
                status: "draft".to_owned(),
                assignment: None,
                rules: fixture.rules,
            })
            .collect();
        Self {
            commands: BTreeMap::new(),
            next: 0,
            by_id: HashMap::new(),
            pending: BTreeSet::new(),
            finished: BTreeSet::new(),
            strategies,
            executor: ExecutorRow {
                status: "offline".to_owned(),
                last_heartbeat: None,
                heartbeats: 0,
            },
        }
    }

    pub(super) fn insert(&mut self, row: CommandRow) -> Result<(), TableFull> {
        if self.commands.len() >= MAX_ROWS {
            let oldest = self.finished.pop_first().ok_or(TableFull)?;
            if let Some(gone) = self.commands.remove(&oldest) {
                self.by_id.remove(&gone.id);
            }
        }
        let number = self.next;
        self.next += 1;
        self.by_id.insert(row.id.clone(), number);
        self.queue(number, &row);
        self.commands.insert(number, row);
        Ok(())
    }

    fn queue(&mut self, number: u64, row: &CommandRow) {
        let turn = (Reverse(row.priority.clone()), row.created_at, number);
        if row.status == "pending" {
            self.finished.remove(&number);
            self.pending.insert(turn);
        } else {
            self.pending.remove(&turn);
            self.finished.insert(number);
        }
    }

    /// The first ten pending rows; marks them acknowledged and leaves them pending.
    pub(super) fn hand_out(&mut self, now: Timestamp) -> Vec<CommandRow> {
        let mut handed = Vec::new();
        for (_, _, number) in self.pending.iter().take(ROWS_A_BEAT) {
            if let Some(row) = self.commands.get_mut(number) {
                row.acknowledged_at = Some(now);
                handed.push(row.clone());
            }
        }
        handed
    }

    /// Writes what a report says; nobody is asked who reports. `None` if there is no such row.
    pub(super) fn report(
        &mut self,
        executor_id: &str,
        command_id: &str,
        status: &str,
        result: Option<Value>,
        now: Timestamp,
    ) -> Option<CommandRow> {
        let number = *self.by_id.get(command_id)?;
        let row = self.commands.get_mut(&number)?;
        if row.executor_id != executor_id {
            return None;
        }
        status.clone_into(&mut row.status);
        row.result = result;
        row.executed_at = (status == "executed").then_some(now);
        let row = row.clone();
        self.queue(number, &row);
        Some(row)
    }

    pub(super) fn command(&self, id: &str) -> Option<CommandRow> {
        self.commands.get(self.by_id.get(id)?).cloned()
    }

    /// The newest rows first.
    pub(super) fn newest(&self, limit: usize) -> Vec<CommandRow> {
        self.commands.values().rev().take(limit).cloned().collect()
    }

    pub(super) fn pending(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn strategies(&self) -> &[StrategyRow] {
        &self.strategies
    }

    pub(super) fn strategy(&self, wanted: &str) -> Option<&StrategyRow> {
        self.strategies.iter().find(|row| row.is(wanted))
    }

    pub(super) fn set_strategy(&mut self, id: &str, status: &str, assignment: &str) {
        if let Some(row) = self.strategies.iter_mut().find(|row| row.id == id) {
            status.clone_into(&mut row.status);
            row.assignment = Some(assignment.to_owned());
        }
    }
}

/// A moment as JavaScript writes it: `2025-10-25T13:46:40.120Z`.
pub(in crate::practice) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn iso_field<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&iso(*at))
}

fn iso_option<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.serialize_some(&iso(*at)),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_761_400_000 + second).unwrap()
    }

    fn row(id: &str, priority: &str, second: i64) -> CommandRow {
        CommandRow {
            id: id.to_owned(),
            user_id: "u".to_owned(),
            executor_id: "e".to_owned(),
            command: "PAUSE".to_owned(),
            parameters: None,
            priority: priority.to_owned(),
            status: "pending".to_owned(),
            result: None,
            created_at: at(second),
            executed_at: None,
            acknowledged_at: None,
        }
    }

    #[test]
    fn priorities_are_ordered_as_text_so_high_comes_last() {
        let mut store = Store::new(Vec::new());
        for (id, priority, second) in [
            ("high", "HIGH", 0),
            ("low", "LOW", 1),
            ("normal-late", "NORMAL", 9),
            ("normal", "NORMAL", 2),
            ("urgent", "URGENT", 3),
        ] {
            store.insert(row(id, priority, second)).unwrap();
        }
        let handed: Vec<String> = store
            .hand_out(at(10))
            .into_iter()
            .map(|row| row.id)
            .collect();
        assert_eq!(handed, ["urgent", "normal", "normal-late", "low", "high"]);
    }

    #[test]
    fn ten_stuck_rows_starve_a_high_one_until_somebody_reports() {
        let mut store = Store::new(Vec::new());
        for number in 0..10 {
            store
                .insert(row(&format!("n{number}"), "NORMAL", number))
                .unwrap();
        }
        store.insert(row("start", "HIGH", -100)).unwrap();
        assert!(store.hand_out(at(20)).iter().all(|row| row.id != "start"));
        assert!(store.hand_out(at(21)).iter().all(|row| row.id != "start"));
        store.report("e", "n0", "failed", None, at(22)).unwrap();
        let handed = store.hand_out(at(23));
        assert_eq!(handed.last().unwrap().id, "start");
        assert_eq!(handed.last().unwrap().acknowledged_at, Some(at(23)));
    }

    #[test]
    fn only_executed_sets_the_moment_of_execution_and_the_last_writer_wins() {
        let mut store = Store::new(Vec::new());
        store.insert(row("c", "NORMAL", 0)).unwrap();
        let done = store
            .report("e", "c", "executed", Some(json!({"success": true})), at(1))
            .unwrap();
        assert_eq!(done.executed_at, Some(at(1)));
        let again = store.report("e", "c", "whatever", None, at(2)).unwrap();
        assert_eq!((again.executed_at, again.result), (None, None));
        assert_eq!(store.report("other", "c", "executed", None, at(3)), None);
        assert_eq!(store.report("e", "unknown", "executed", None, at(3)), None);
    }

    #[test]
    fn a_full_table_drops_finished_rows_and_never_waiting_ones() {
        let mut store = Store::new(Vec::new());
        for number in 0..MAX_ROWS {
            store.insert(row(&number.to_string(), "NORMAL", 0)).unwrap();
        }
        assert_eq!(store.insert(row("more", "NORMAL", 0)), Err(TableFull));
        store.report("e", "5", "failed", None, at(1)).unwrap();
        store.insert(row("more", "NORMAL", 0)).unwrap();
        assert_eq!(store.command("5"), None);
        assert!(store.command("more").is_some());
    }

    #[test]
    fn moments_are_written_as_javascript_writes_them() {
        let moment = Timestamp::from_millisecond(1_761_400_000_120).unwrap();
        assert_eq!(iso(moment), "2025-10-25T13:46:40.120Z");
        assert_eq!(iso(at(0)), "2025-10-25T13:46:40.000Z");
    }
}
