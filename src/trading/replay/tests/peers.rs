//! The correlation filter over history: whose files are read, and what cannot be told yet.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::replay::{Files, History, ServerClock};
use crate::strategy::Allowances;

/// Buys at every bar, beside these symbols, with hourly bars compared.
fn beside(symbols: &[&str], timeframe: &str, allowances: Allowances) -> Plan {
    let rules = json!({
        "entry": { "logic": "AND", "conditions": [
            { "indicator": "price", "condition": "greater_than", "value": 1 }
        ] },
        "exit": plain_exit(),
        "riskManagement": { "lotSize": 0.1, "maxPositions": 1 },
        "correlationFilter": {
            "enabled": true, "maxCorrelation": 0.7, "checkPairs": symbols, "timeframes": [timeframe],
            "lookbackPeriod": 5, "minDataPoints": 20,
        },
    });
    plan(&PlanRequest {
        rules: &rules,
        settings: &Value::Null,
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: Some(Side::Buy),
        allowances,
    })
    .unwrap()
}

struct Folder(tempfile::TempDir);

impl Folder {
    /// Bars of a restless market from Monday on.
    fn file(&self, name: &str, count: i64, step: i64) -> PathBuf {
        let path = self.0.path().join(name);
        let mut text = "time,open,high,low,close\n".to_owned();
        for number in 0..count {
            let close = 1.1 + f64::from(i32::try_from(number * 7 % 5).unwrap()) / 10_000.0;
            let time = MONDAY + number * step;
            text.push_str(&format!("{time},{close},{close},{close},{close}\n"));
        }
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// What is missing, what is not used, and the verdicts by their numbers.
type Told = (Vec<String>, Vec<String>, Vec<(i64, Verdict)>);

fn replayed(plan: Plan, paths: &[PathBuf]) -> Told {
    let mut replay = Replay::new(plan, settings());
    let clock = ServerClock::utc();
    let files = Files::of(replay.plan(), paths);
    let (plan, higher) = (replay.plan(), replay.higher());
    let mut history = History::open(
        &files.own,
        plan.symbol(),
        plan.timeframe(),
        &higher,
        &clock,
        &Arc::default(),
    )
    .unwrap();
    let missing = history.compare(&mut replay, &files, &clock).unwrap();
    let mut kept = Kept::default();
    history.run(&mut replay, &mut kept, |_| {}).unwrap();
    (missing, history.unused.clone(), kept.verdicts)
}

fn first_opened(verdicts: &[(i64, Verdict)]) -> Option<i64> {
    let opened = |(_, verdict): &&(i64, Verdict)| matches!(verdict, Verdict::Opened(..));
    verdicts.iter().find(opened).map(|(number, _)| *number)
}

#[test]
fn what_cannot_be_told_yet_holds_entries_back() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let own = folder.file("EURUSD_M15.csv", 200, QUARTER);
    let hours = folder.file("EURUSD_H1.csv", 50, 3_600);
    let pound = folder.file("GBPUSD_H1.csv", 50, 3_600);
    let plan = || beside(&["GBPUSD"], "H1", Allowances::default());
    let (missing, unused, verdicts) = replayed(plan(), &[own.clone(), hours, pound]);
    assert!(
        missing.is_empty() && unused.is_empty(),
        "{missing:?} {unused:?}"
    );
    // The 20th hour ends when bar 80 begins.
    assert_eq!(verdicts[79], (79, Verdict::Filtered(Side::Buy, 0)));
    assert_eq!(first_opened(&verdicts), Some(80));
    // With the strategy's own timeframe the 20th bar is known one bar later.
    let pound = folder.file("GBPUSD_M15.csv", 200, QUARTER);
    let plan = beside(&["GBPUSD"], "M15", Allowances::default());
    let (missing, _, verdicts) = replayed(plan, &[own, pound]);
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(first_opened(&verdicts), Some(20));
}

#[test]
fn symbols_without_a_file_are_named() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let own = folder.file("EURUSD_M15.csv", 100, QUARTER);
    let index = folder.file("DXY_M15.csv", 100, QUARTER);
    let hours = folder.file("GBPUSD_H1.csv", 50, 3_600);
    let plan = || beside(&["DXY", "GBPUSD", "EURUSD"], "M15", Allowances::default());
    let paths = [own.clone(), index, hours];
    let (missing, unused, verdicts) = replayed(plan(), &paths);
    assert_eq!(missing, ["no file has bars of GBPUSD M15"]);
    assert!(unused[0].ends_with(
        "GBPUSD_H1.csv: bars of another timeframe than M15, which the correlation filter compares"
    ));
    assert_eq!(first_opened(&verdicts), None);
    assert_eq!(
        plan().fit_symbols(&missing).unwrap_err().to_string(),
        "correlationFilter: a correlation cannot be computed: no file has bars of GBPUSD M15; or allow running without it in Settings (R15)"
    );
    let allowed = Allowances::without("correlation").unwrap();
    let (missing, _, verdicts) = replayed(beside(&["DXY", "GBPUSD"], "M15", allowed), &paths);
    assert_eq!(missing.len(), 1);
    assert_eq!(
        first_opened(&verdicts),
        Some(20),
        "those that are there count"
    );
    let (missing, _, verdicts) = replayed(beside(&["DXY"], "H1", allowed), &paths);
    assert_eq!(
        missing,
        ["no file has bars of EURUSD H1 to compare those of DXY with"]
    );
    assert_eq!(first_opened(&verdicts), Some(1));
}

#[test]
fn without_names_no_other_file_is_needed() {
    let folder = Folder(tempfile::tempdir().unwrap());
    let own = folder.file("EURUSD_M15.csv", 100, QUARTER);
    let (missing, _, verdicts) = replayed(beside(&[], "H4", Allowances::default()), &[own]);
    assert!(missing.is_empty());
    assert_eq!(first_opened(&verdicts), Some(1));
}
