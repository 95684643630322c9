//! A stored strategy over synthetic quarter-hours: bars a second without and with decisions written, the reading of CSV by
//! itself, and how much memory grows.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use fx_executor::market::{Bar, Timeframe};
use fx_executor::replay::{
    BarReader, Decided, DecisionTable, HistoryBar, Replay, ServerClock, Settings, Sink, Tables,
    Trade, terms,
};
use fx_executor::strategy::{Plan, PlanRequest, plan};
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::table::Row;

const QUARTER: i64 = 900;
const WEEK: i64 = 7 * 86_400;
/// Sunday, 4 January 2004, 22:00 UTC: the market opens.
const OPENS: i64 = 1_073_253_600;
/// Bars of a week until Friday, 22:00.
const OF_A_WEEK: i64 = 5 * 96;
const STRATEGY: &str = include_str!("../../tests/fixtures/strategies/quarter_hour_scalper.json");

pub struct Nothing;

impl Sink for Nothing {
    fn traded(&mut self, _: &Trade) -> io::Result<()> {
        Ok(())
    }

    fn reads_findings(&self) -> bool {
        false
    }

    fn decided(&mut self, _: &Decided<'_>) -> io::Result<()> {
        Ok(())
    }
}

pub fn rows(quick: bool) -> Vec<Row> {
    let base = if quick { 200_000 } else { 1_000_000 };
    let rounds = if quick { 1 } else { 5 };
    let bars = synthetic(base);
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    vec![
        without(&bars, rounds),
        with_decisions(&bars, folder.path()),
        reading(&bars, folder.path()),
    ]
}

fn without(bars: &[HistoryBar], rounds: usize) -> Row {
    let mut replay = replay();
    let before = resident_kb();
    let began = busy();
    for round in 0..rounds {
        feed(&mut replay, bars, round, &mut Nothing);
    }
    replay.finish(&mut Nothing).unwrap();
    let count = bars.len() * rounds;
    let rate = count as f64 / (busy() - began);
    let grown = resident_kb().saturating_sub(before);
    row(
        "replay, quarter-hour scalper, one core",
        "≥ 3 million bars/s",
        format!("{:.2} million bars/s", rate / 1e6),
        rate >= 3e6,
        format!(
            "{count} bars from memory, {} positions, nothing written; memory grew by {grown} kB",
            replay.positions()
        ),
    )
}

fn with_decisions(bars: &[HistoryBar], folder: &Path) -> Row {
    let mut replay = replay();
    let file =
        |name: &str| BufWriter::with_capacity(1 << 18, File::create(folder.join(name)).unwrap());
    let decisions = DecisionTable::new(file("decisions.csv"), replay.plan()).unwrap();
    let mut tables = Tables::new(file("trades.csv"), Some(decisions)).unwrap();
    let began = busy();
    feed(&mut replay, bars, 0, &mut tables);
    replay.finish(&mut tables).unwrap();
    tables.finish().unwrap();
    let rate = bars.len() as f64 / (busy() - began);
    let size = std::fs::metadata(folder.join("decisions.csv"))
        .unwrap()
        .len();
    row(
        "the same with decisions written",
        "≥ 1 million bars/s",
        format!("{:.2} million bars/s", rate / 1e6),
        rate >= 1e6,
        format!("{} bars, {} MB of decisions", bars.len(), size / 1_000_000),
    )
}

/// The bars as MetaTrader exports them.
pub fn write_export(bars: &[HistoryBar], path: &Path) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    writeln!(
        file,
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
    )
    .unwrap();
    for read in bars {
        let bar = &read.bar;
        let at = jiff::tz::Offset::UTC.to_datetime(bar.time);
        writeln!(
            file,
            "{:04}.{:02}.{:02}\t{:02}:{:02}:00\t{:.5}\t{:.5}\t{:.5}\t{:.5}\t{}\t0\t8",
            at.year(),
            at.month(),
            at.day(),
            at.hour(),
            at.minute(),
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.tick_volume
        )
        .unwrap();
    }
    file.flush().unwrap();
}

fn reading(bars: &[HistoryBar], folder: &Path) -> Row {
    let path = folder.join("EURUSD_M15.csv");
    write_export(bars, &path);
    let size = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
    let began = busy();
    let mut reader = BarReader::open(
        &path,
        ServerClock::utc(),
        Some(Timeframe::M15),
        Arc::default(),
    )
    .unwrap();
    let mut count = 0;
    while reader.next_bar().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, bars.len());
    let rate = size / (busy() - began);
    row(
        "reading MetaTrader's export",
        "≥ 100 MB/s",
        format!("{rate:.0} MB/s"),
        rate >= 100.0,
        format!("{size:.0} MB, {count} bars"),
    )
}

fn row(what: &str, must_be: &str, ours: String, holds: bool, how: String) -> Row {
    Row {
        what: what.to_owned(),
        must_be: must_be.to_owned(),
        ours,
        theirs: "–".to_owned(),
        ratio: "–".to_owned(),
        holds,
        how,
    }
}

/// Feeds the bars once more, as many weeks later as they are long.
pub fn feed<S: Sink>(replay: &mut Replay, bars: &[HistoryBar], round: usize, sink: &mut S) {
    let weeks = bars.len() as i64 / OF_A_WEEK + 1;
    let later = round as i64 * weeks * WEEK;
    for read in bars {
        let pushed = if later == 0 {
            replay.push(read, sink)
        } else {
            let mut read = *read;
            read.bar.time = Timestamp::from_second(read.bar.time.as_second() + later).unwrap();
            replay.push(&read, sink)
        };
        assert!(pushed.unwrap());
    }
}

pub fn replay() -> Replay {
    Replay::new(
        planned(),
        Settings {
            terms: terms("EURUSD", None).unwrap(),
            balance: Decimal::from(10_000_000),
            spread_pips: Some(Decimal::new(8, 1)),
            commission: Decimal::from(7),
            from: None,
            to: None,
            news: None,
        },
    )
}

fn planned() -> Plan {
    let row: serde_json::Value = serde_json::from_str(STRATEGY).unwrap();
    plan(&PlanRequest {
        rules: &row["rules"],
        settings: &row["settings"],
        options: &row["options"],
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: None,
        allowances: fx_executor::strategy::Allowances::default(),
    })
    .unwrap()
}

/// About as lively as EURUSD: six pips a bar by day, half of it by night, calmer and wilder weeks, weekends left out; drawn back
/// to 1.10.
pub fn synthetic(count: usize) -> Vec<HistoryBar> {
    let mut random = fastrand::Rng::with_seed(7);
    let mut bell = move || (0..6).map(|_| random.f64()).sum::<f64>() / 3.0 - 1.0;
    let rounded = |price: f64| (price * 1e5).round() / 1e5;
    let mut price = 1.10;
    (0..count as i64)
        .map(|at| {
            let second = OPENS + at / OF_A_WEEK * WEEK + at % OF_A_WEEK * QUARTER;
            let hour = second.rem_euclid(86_400) / 3_600;
            let by_day = if (7..20).contains(&hour) {
                0.0026
            } else {
                0.0013
            };
            let size = by_day * (0.6 + ((at / OF_A_WEEK * 37) % 11) as f64 / 10.0);
            let open = rounded(price);
            let close = rounded(price + size * bell() + (1.10 - price) * 0.0002);
            let high = rounded(open.max(close) + size * 0.4 * bell().abs());
            let low = rounded(open.min(close) - size * 0.4 * bell().abs());
            price = close;
            HistoryBar {
                bar: Bar {
                    time: Timestamp::from_second(second).unwrap(),
                    open,
                    high,
                    low,
                    close,
                    tick_volume: 500,
                },
                spread_points: None,
                offset_s: 0,
            }
        })
        .collect()
}

/// Seconds that this thread has kept a core busy; other programs on it do not count.
pub fn busy() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn resident_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}
