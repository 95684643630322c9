//! What is judged after the storm: the journal, the platform and the broker tell the same story, and each order once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::is_own;
use super::ledger::journal_file;
use super::rig::{Rig, is_ended};
use crate::emulated::Row;

/// An intent as the journal tells its life.
#[derive(Debug, Default)]
pub struct Intent {
    pub opens: bool,
    pub command: String,
    pub done: u32,
    pub failed: u32,
}

pub fn intents(platform: &Rig) -> BTreeMap<u64, Intent> {
    let database = rusqlite::Connection::open(journal_file(&platform.data())).unwrap();
    let mut query = database
        .prepare("SELECT body FROM record WHERE body ->> 'record' LIKE 'intent_%' ORDER BY seq")
        .unwrap();
    let rows = query.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut intents: BTreeMap<u64, Intent> = BTreeMap::new();
    for row in rows {
        let body: Value = serde_json::from_str(&row.unwrap()).unwrap();
        let cid = body["cid"].as_u64().or(body["intent"]["cid"].as_u64());
        let intent = intents.entry(cid.unwrap()).or_default();
        match body["record"].as_str().unwrap() {
            "intent_made" => {
                intent.opens = body["intent"]["action"]["action"] == "open";
                let id = body["purpose"]["id"].as_str();
                intent.command = id.unwrap_or_default().to_owned();
            }
            "intent_done" => intent.done += 1,
            "intent_failed" => intent.failed += 1,
            _ => {}
        }
    }
    intents
}

/// The tickets that a closing command sent orders for.
pub fn closed_by(platform: &Rig, command: &str) -> BTreeSet<u64> {
    let database = rusqlite::Connection::open(journal_file(&platform.data())).unwrap();
    let mut query = database
        .prepare(
            "SELECT body ->> '$.intent.action.ticket' FROM record
             WHERE body ->> 'record' = 'intent_made' AND body ->> '$.purpose.id' = ?1",
        )
        .unwrap();
    let tickets = query
        .query_map([command], |row| row.get::<_, i64>(0))
        .unwrap();
    tickets
        .map(|ticket| ticket.unwrap().unsigned_abs())
        .collect()
}

/// What must be nought.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wrongs {
    /// Reported as executed, and there is no deal; or received and never ended.
    pub lost: usize,
    /// More than one deal of an intent, or of a command.
    pub doubled: usize,
    /// A deal that the platform was not told of, or a command without a final status.
    pub unreported: usize,
    /// Intents without exactly one final state.
    pub undecided: usize,
}

pub fn count_wrongs(platform: &Rig, deals: &[Row], intents: &BTreeMap<u64, Intent>) -> Wrongs {
    let mut wrongs = Wrongs::default();
    let mut wrong = |count: &mut dyn FnMut(&mut Wrongs), what: String| {
        println!("  WRONG: {what}");
        count(&mut wrongs);
    };
    let mut of_cid: BTreeMap<u64, usize> = BTreeMap::new();
    for deal in deals.iter().filter(|deal| is_own(deal)) {
        let magic = deal["magic"].parse().unwrap();
        *of_cid.entry(magic).or_default() += 1;
        if !intents.contains_key(&magic) {
            wrong(
                &mut |w| w.unreported += 1,
                format!("no intent for {deal:?}"),
            );
        }
    }
    let mut of_command: BTreeMap<&str, usize> = BTreeMap::new();
    for (cid, intent) in intents {
        let found = of_cid.get(cid).copied().unwrap_or_default();
        if found > 1 {
            wrong(
                &mut |w| w.doubled += 1,
                format!("{found} deals of {cid} {intent:?}"),
            );
        }
        if intent.done + intent.failed != 1 {
            wrong(&mut |w| w.undecided += 1, format!("{cid} {intent:?}"));
        }
        if intent.opens {
            *of_command.entry(&intent.command).or_default() += found;
            if intent.done > 0 && found == 0 {
                wrong(
                    &mut |w| w.lost += 1,
                    format!("done without a deal: {cid} {intent:?}"),
                );
            }
        }
        if intent.failed > 0 && found > 0 {
            wrong(
                &mut |w| w.unreported += 1,
                format!("failed with a deal: {cid} {intent:?}"),
            );
        }
    }
    // A position is closed by one deal, for all of it.
    let mut exits: BTreeMap<&str, usize> = BTreeMap::new();
    for deal in deals.iter().filter(|deal| deal["entry"] == "1") {
        *exits.entry(&deal["pos"]).or_default() += 1;
    }
    for row in platform.world.command_rows() {
        if !is_ended(&row) {
            wrong(
                &mut |w| w.unreported += 1,
                format!("{} is {}", row.command, row.status),
            );
            continue;
        }
        if row.command == "CLOSE_POSITION" && row.status == "executed" {
            let ticket = row.parameters.as_ref().unwrap()["ticket"].to_string();
            if !exits.contains_key(ticket.as_str()) {
                wrong(&mut |w| w.lost += 1, format!("closed, no deal: {row:?}"));
            }
        }
        if row.command != "OPEN_POSITION" {
            continue;
        }
        let found = of_command.get(row.id.as_str()).copied().unwrap_or_default();
        match (row.status.as_str(), found) {
            ("executed", 1) | ("failed", 0) => {}
            ("executed", 0) => wrong(&mut |w| w.lost += 1, format!("executed, no deal: {row:?}")),
            ("failed", _) => wrong(
                &mut |w| w.unreported += 1,
                format!("failed, {found} deals: {row:?}"),
            ),
            _ => wrong(&mut |w| w.doubled += 1, format!("{found} deals of {row:?}")),
        }
    }
    for (position, count) in exits.iter().filter(|(_, count)| **count > 1) {
        wrong(
            &mut |w| w.doubled += 1,
            format!("position {position} closed {count} times"),
        );
    }
    wrongs
}

/// Tickets of the positions that are ours.
pub fn tickets(positions: &[Row]) -> BTreeSet<u64> {
    let own = positions.iter().filter(|row| is_own(row));
    own.map(|row| row["ticket"].parse().unwrap()).collect()
}
