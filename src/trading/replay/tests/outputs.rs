//! The files that a replay writes: the same bytes each time, nothing from elsewhere, nothing of the future.

use std::io::Cursor;

use super::super::{BarReader, DecisionTable, History, Report, ServerClock, Tables, page};
use super::*;
use crate::market::Timeframe;

/// A wavy market, Monday to Friday.
pub(super) fn wavy(count: i64) -> Vec<HistoryBar> {
    let price = |at: i64| {
        let at = at as f64;
        let price = 1.1 + 0.006 * (at / 37.0).sin() + 0.002 * (at / 5.3).sin();
        (price * 1e5).round() / 1e5
    };
    (0..count)
        .map(|at| {
            let (open, close) = (price(at), price(at + 1));
            let mut read = bar(
                at / 480 * 672 + at % 480,
                [
                    open,
                    open.max(close) + 0.0007,
                    open.min(close) - 0.0007,
                    close,
                ],
            );
            read.spread_points = Some(6 + (at % 3) as u32);
            read
        })
        .collect()
}

pub(super) fn scalper() -> Plan {
    let text = include_str!("../../../../tests/fixtures/strategies/quarter_hour_scalper.json");
    let row: Value = serde_json::from_str(text).unwrap();
    plan(&PlanRequest {
        rules: &row["rules"],
        settings: &Value::Null,
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: None,
        allowances: crate::strategy::Allowances::default(),
    })
    .unwrap()
}

fn export(bars: &[HistoryBar]) -> String {
    let mut text = "time,open,high,low,close,volume,spread\n".to_owned();
    for HistoryBar {
        bar, spread_points, ..
    } in bars
    {
        text.push_str(&format!(
            "{},{},{},{},{},{},{}\n",
            bar.time.as_second(),
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.tick_volume,
            spread_points.unwrap_or(0)
        ));
    }
    text
}

struct Written {
    trades: String,
    decisions: String,
    report: Value,
    html: String,
}

fn replayed(bars: &[HistoryBar], name: &str) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("EURUSD_M15.csv");
    std::fs::write(&path, export(bars)).unwrap();
    let mut replay = Replay::new(
        scalper(),
        Settings {
            spread_pips: None,
            ..settings()
        },
    );
    let mut history = History::open(
        &[path],
        "EURUSD",
        Timeframe::M15,
        &replay.higher(),
        &ServerClock::utc(),
        &std::sync::Arc::default(),
    )
    .unwrap();
    let decisions = DecisionTable::new(Vec::new(), replay.plan()).unwrap();
    let mut tables = Tables::new(Vec::new(), Some(decisions)).unwrap();
    history.run(&mut replay, &mut tables, |_| {}).unwrap();
    let report = Report::new(name, &replay, &history, "UTC");
    let (trades, decisions) = tables.finish().unwrap();
    Written {
        trades: String::from_utf8(trades).unwrap(),
        decisions: String::from_utf8(decisions.unwrap()).unwrap(),
        report: serde_json::to_value(&report).unwrap(),
        html: page(&report, &replay),
    }
}

#[test]
fn the_same_history_gives_the_same_bytes() {
    let bars = wavy(3_000);
    let (one, other) = (replayed(&bars, "Scalper"), replayed(&bars, "Scalper"));
    assert!(one.trades.lines().count() > 20, "{}", one.trades);
    assert_eq!(one.trades, other.trades);
    assert_eq!(one.decisions, other.decisions);
    assert_eq!(one.report, other.report);
    assert_eq!(one.html, other.html);
}

#[test]
fn the_page_needs_nothing_from_elsewhere_and_shows_names_as_they_are() {
    let html = replayed(&wavy(3_000), "<script>alert(\"1\")</script>").html;
    for word in [
        "http", "src=", "href", "url(", "@import", "<script", "<link", "<iframe", "//",
    ] {
        assert!(!html.contains(word), "the page has {word}");
    }
    for part in [
        "&lt;script&gt;",
        "aria-label=\"Equity\"",
        "aria-label=\"Drawdown\"",
        "aria-label=\"Prices\"",
        "Months",
        "Alone missing",
    ] {
        assert!(html.contains(part), "the page lacks {part}");
    }
    assert!(!html.contains("NaN"));
}

#[test]
fn no_decision_knows_a_later_bar() {
    let bars = wavy(2_400);
    let (half, whole) = (replayed(&bars[..1_900], "Half"), replayed(&bars, "Whole"));
    // The last bar waits for a price to open at, and what is open is closed at the end.
    let lines: Vec<&str> = half.decisions.lines().collect();
    let known = lines[..lines.len() - 1].join("\n");
    assert!(whole.decisions.starts_with(&known));
    let closed: Vec<&str> = half
        .trades
        .lines()
        .filter(|line| !line.contains("end of history"))
        .collect();
    assert!(whole.trades.starts_with(&closed.join("\n")));
}

#[test]
fn the_sums_agree_with_the_deals() {
    let written = replayed(&wavy(3_000), "Scalper");
    let mut net = Decimal::ZERO;
    let mut positions = 0;
    for line in written.trades.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        net += decimal(cells[9]) - decimal(cells[10]);
        positions += u64::from(line.ends_with("true"));
    }
    let report = &written.report;
    assert_eq!(decimal(report["results"]["net"].as_str().unwrap()), net);
    assert_eq!(
        decimal(report["balance_after"].as_str().unwrap()),
        decimal("10000") + net
    );
    assert_eq!(report["results"]["positions"], positions);
    let months: Decimal = report["months"]
        .as_array()
        .unwrap()
        .iter()
        .map(|month| decimal(month["net"].as_str().unwrap()))
        .sum();
    assert_eq!(months, net);
    assert_eq!(
        written.decisions.lines().count() as u64 - 1,
        report["history"]["bars"].as_u64().unwrap(),
        "one line for each bar"
    );
    assert_eq!(report["verdicts"]["opened"].as_u64().unwrap(), positions);
}

#[test]
fn decisions_show_values_and_truths() {
    let written = replayed(&wavy(1_000), "Scalper");
    let mut lines = written.decisions.lines();
    let header = lines.next().unwrap();
    assert!(
        header.starts_with("bar,close,verdict,side,detail,1: EMA 9 crosses above EMA 21"),
        "{header}"
    );
    assert!(header.contains(",EMA 9,EMA 21,"), "{header}");
    let columns = header.split(',').count();
    let last = lines.next_back().unwrap();
    assert_eq!(last.split(',').count(), columns, "{last}");
    assert!(
        !last.contains(",,,,,,"),
        "all is known after the warm-up: {last}"
    );
}

#[test]
fn a_reader_on_bytes_is_as_good_as_one_on_a_file() {
    let text = export(&wavy(100));
    let mut reader = BarReader::new(
        "bars".to_owned(),
        Box::new(Cursor::new(text.into_bytes())),
        ServerClock::utc(),
        Some(Timeframe::M15),
    );
    let mut read = Vec::new();
    while let Some(bar) = reader.next_bar().unwrap() {
        read.push(bar);
    }
    assert_eq!(read, wavy(100));
}
