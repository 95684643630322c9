//! History files as brokers and spreadsheets write them, and what is said of broken ones.

use std::io::{Cursor, Write as _};
use std::sync::Arc;

use proptest::prelude::*;

use super::super::field::{self, number};
use super::super::{BarReader, Continuity, History, HistoryError, ServerClock};
use super::*;
use crate::market::Timeframe;

const EXPORT: &str = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n\
2026.03.02\t08:00:00\t1.09900\t1.09920\t1.09880\t1.09910\t100\t0\t8\r\n\
2026.03.02\t08:15:00\t1.09910\t1.09960\t1.09900\t1.09950\t120\t0\t9\r\n";

fn reader(text: &[u8]) -> BarReader {
    let input = Box::new(Cursor::new(text.to_vec()));
    BarReader::new(
        "bars.csv".to_owned(),
        input,
        ServerClock::utc(),
        Some(Timeframe::M15),
    )
}

fn read(text: &[u8]) -> Result<(Vec<HistoryBar>, Continuity), HistoryError> {
    let mut reader = reader(text);
    let mut bars = Vec::new();
    while let Some(bar) = reader.next_bar()? {
        bars.push(bar);
    }
    Ok((bars, reader.continuity))
}

#[test]
fn every_usual_shape_gives_the_same_bars() {
    let wanted: Vec<Bar> = read(EXPORT.as_bytes())
        .unwrap()
        .0
        .iter()
        .map(|read| read.bar)
        .collect();
    assert_eq!(wanted.len(), 2);
    assert_eq!(wanted[1].time.as_second(), MONDAY + QUARTER);
    assert_eq!((wanted[1].close, wanted[1].tick_volume), (1.0995, 120));
    let shapes = [
        "time,open,high,low,close,tick_volume\n2026-03-02 08:00,1.099,1.0992,1.0988,1.0991,100\n2026-03-02 08:15,1.0991,1.0996,1.099,1.0995,120\n",
        "\u{feff}\"Date\";\"Time\";\"Open\";\"High\";\"Low\";\"Close\";\"Volume\"\n2026-03-02;8:00;1.099;1.0992;1.0988;1.0991;100.0\n2026-03-02;8:15;1.0991;1.0996;1.099;1.0995;120.0\n",
        "timestamp,low,high,open,close,volume\n1772438400,1.0988,1.0992,1.099,1.0991,100\n1772439300000,1.099,1.0996,1.0991,1.0995,120\n",
        "datetime,open,high,low,close,v\n2026-03-02T08:00:00Z,1.099,1.0992,1.0988,1.0991,100\n\n2026-03-02T08:15:00.000Z,10991e-4,1.0996,1.099,1.0995,120",
        "2026.03.02,08:00,1.09900,1.09920,1.09880,1.09910,100\n2026.03.02,08:15,1.09910,1.09960,1.09900,1.09950,120\n",
    ];
    for shape in shapes {
        let bars: Vec<Bar> = read(shape.as_bytes())
            .unwrap()
            .0
            .iter()
            .map(|read| read.bar)
            .collect();
        assert_eq!(bars, wanted, "{shape}");
    }
}

#[test]
fn the_exports_spread_is_kept() {
    let bars = read(EXPORT.as_bytes()).unwrap().0;
    assert_eq!(bars[0].spread_points, Some(8));
}

#[test]
fn what_is_wrong_is_said_with_line_and_column() {
    let head = "time,open,high,low,close\n2026-03-02 08:00,1.1,1.2,1.0,1.1\n";
    let cases = [
        ("2026-13-02 08:15,1.1,1.2,1.0,1.1", 1, "a moment like"),
        ("2026-02-29 08:15,1.1,1.2,1.0,1.1", 1, "a moment like"),
        ("2026-03-02 25:15,1.1,1.2,1.0,1.1", 1, "a moment like"),
        ("2026-03-02 08:15,x,1.2,1.0,1.1", 18, "a price above zero"),
        ("2026-03-02 08:15,1.1,,1.0,1.1", 22, "a price above zero"),
        (
            "2026-03-02 08:15,1.1,1.2,-1.0,1.1",
            26,
            "a price above zero",
        ),
        ("2026-03-02 08:15,1.1,1.2,0,1.1", 26, "a price above zero"),
        ("2026-03-02 08:15,1.1,1.2,NaN,1.1", 26, "a price above zero"),
        (
            "2026-03-02 08:15,1.1,1.0,1.2,1.1",
            22,
            "a high that no other price is above",
        ),
        (
            "2026-03-02 08:15,1.3,1.2,1.0,1.1",
            22,
            "a high that no other price is above",
        ),
        ("2026-03-02 08:15,1.1,1.2", 25, "5 columns, found 3"),
        ("2026-03-02 07:45,1.1,1.2,1.0,1.1", 1, "in order"),
        ("2026-03-02 08:05,1.1,1.2,1.0,1.1", 1, "at least 15 minutes"),
    ];
    for (line, at, wanted) in cases {
        let Err(HistoryError::BadLine {
            line: number,
            column,
            expected,
            ..
        }) = read(format!("{head}{line}\n").as_bytes())
        else {
            unreachable!("{line} was taken");
        };
        assert_eq!((number, column), (3, at), "{line}");
        assert!(expected.contains(wanted), "{line}: {expected}");
    }
    let whole = [
        ("no header at all", "columns separated"),
        ("date,open,high,low\n", "\"close\""),
        ("open,high,low,close\n", "\"date\" or \"time\""),
        ("2026.03.02,08:00,1.1\n", "a header, or date"),
        ("\u{fffd}", "columns separated"),
    ];
    for (text, wanted) in whole {
        let error = read(text.as_bytes()).unwrap_err().to_string();
        assert!(
            error.starts_with("bars.csv, line 1, column 1: found"),
            "{error}"
        );
        assert!(error.contains(wanted), "{error}");
    }
    let utf_16 = read(&[0xFF, 0xFE, b'<', 0, b'D', 0])
        .unwrap_err()
        .to_string();
    assert!(utf_16.contains("UTF-16"), "{utf_16}");
    let long = "a".repeat(10_000);
    assert!(
        read(long.as_bytes())
            .unwrap_err()
            .to_string()
            .contains("4096")
    );
    assert!(read(b"").unwrap().0.is_empty());
}

#[test]
fn gaps_and_duplicates_are_counted() {
    // Friday 2026-03-06 21:30 and 21:45, again 21:45, Monday 00:00, 00:15, then an hour is missing.
    let text = "time,open,high,low,close\n\
        2026-03-06 21:30,1.1,1.2,1.0,1.1\n2026-03-06 21:45,1.1,1.2,1.0,1.1\n2026-03-06 21:45,1.1,1.2,1.0,1.15\n\
        2026-03-09 00:00,1.1,1.2,1.0,1.1\n2026-03-09 00:15,1.1,1.2,1.0,1.1\n2026-03-09 01:30,1.1,1.2,1.0,1.1\n";
    let (bars, continuity) = read(text.as_bytes()).unwrap();
    assert_eq!(bars.len(), 5);
    assert!(bars[1].bar.close < 1.12, "the first of two counts");
    assert_eq!(
        (continuity.duplicates, continuity.weekends, continuity.gaps),
        (1, 1, 1)
    );
    assert_eq!(continuity.longest_gap_minutes, 60);
    assert_eq!(
        continuity.first_gaps[0].from.to_string(),
        "2026-03-09T00:30:00Z"
    );
}

#[test]
fn files_are_told_apart_by_name_and_gaps_and_go_on_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, from: i64, count: i64, step: i64| {
        let path = folder.path().join(name);
        let mut text = "time,open,high,low,close\n".to_owned();
        for number in 0..count {
            text.push_str(&format!(
                "{},1.1,1.2,1.0,1.1\n",
                MONDAY + from + number * step
            ));
        }
        if name.ends_with("gz") {
            let file = std::fs::File::create(&path).unwrap();
            let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
            packed.write_all(text.as_bytes()).unwrap();
            packed.finish().unwrap();
        } else {
            std::fs::write(&path, text).unwrap();
        }
        path
    };
    let paths = [
        file("EURUSD.r_M15_second.csv.gz", 8 * QUARTER, 10, QUARTER),
        file("first.csv", 0, 10, QUARTER),
        file("EURUSD_H1.csv", 0, 5, 3_600),
        file("GBPUSD_M15.csv", 0, 5, QUARTER),
        file("APPLE.O_M15.csv", 0, 5, QUARTER),
    ];
    let mut history = History::open(
        &paths,
        "EURUSD",
        Timeframe::M15,
        &[],
        &ServerClock::utc(),
        &Arc::default(),
    )
    .unwrap();
    let unused = history.unused.join("\n");
    assert!(
        unused.contains("bars of GBPUSD")
            && unused.contains("bars of APPLE")
            && unused.contains("bars of H1"),
        "{unused}"
    );
    let mut replay = Replay::new(crossing(&plain_exit(), Side::Buy), settings());
    let mut bars = 0;
    history
        .run(&mut replay, &mut Kept::default(), |number| bars = number)
        .unwrap();
    assert_eq!(bars, 18);
    let own = history.continuity();
    assert_eq!(
        (own.bars, own.duplicates, own.gaps),
        (18, 2, 0),
        "two bars are in both files"
    );
    let none = History::open(
        &paths[2..],
        "EURUSD",
        Timeframe::M15,
        &[],
        &ServerClock::utc(),
        &Arc::default(),
    );
    let error = none.unwrap_err().to_string();
    assert!(error.contains("no file has bars of EURUSD M15"), "{error}");
}

/// An hourly average of five needs 56 hours: 25 can be built from the strategy's 100 bars, the others come from their own file.
#[test]
fn files_of_higher_timeframes_are_their_history() {
    let rules = json!({
        "entry": { "logic": "AND", "conditions": [
            { "indicator": "ema_5", "condition": "greater_than", "value": 1, "timeframe": "H1" }
        ] },
        "exit": plain_exit(),
        "riskManagement": { "lotSize": 0.1, "maxPositions": 1 },
    });
    let plan = plan(&PlanRequest {
        rules: &rules,
        settings: &Value::Null,
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: Some(Side::Buy),
        allowances: crate::strategy::Allowances::default(),
    })
    .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, from: i64, count: i64, step: i64| {
        let path = folder.path().join(name);
        let mut text = "time,open,high,low,close\n".to_owned();
        for number in 0..count {
            text.push_str(&format!(
                "{},1.1,1.1005,1.0995,1.1\n",
                MONDAY + from + number * step
            ));
        }
        std::fs::write(&path, text).unwrap();
        path
    };
    let own = file("EURUSD_M15.csv", 0, 100, QUARTER);
    let hours = file("EURUSD_H1.csv", -60 * 3_600, 90, 3_600);
    let warming_up = |paths: &[std::path::PathBuf]| {
        let mut replay = Replay::new(plan.clone(), settings());
        let clock = ServerClock::utc();
        let higher = replay.higher();
        let mut history = History::open(
            paths,
            "EURUSD",
            Timeframe::M15,
            &higher,
            &clock,
            &Arc::default(),
        )
        .unwrap();
        let mut kept = Kept::default();
        history.run(&mut replay, &mut kept, |_| {}).unwrap();
        let warming = |(_, verdict): &&(i64, Verdict)| *verdict == Verdict::WarmingUp;
        kept.verdicts.iter().filter(warming).count()
    };
    assert_eq!(warming_up(std::slice::from_ref(&own)), 100);
    assert!(warming_up(&[hours, own]) <= 1);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(text in proptest::collection::vec(any::<u8>(), 0..400)) {
        drop(read(&text));
    }

    #[test]
    fn whatever_is_put_into_a_good_file_every_bar_read_is_sound(
        at in 0..EXPORT.len(), cut in 0..12_usize, put in "[0-9.:\\t\\n,-<Ee]{0,12}"
    ) {
        let end = (at + cut).min(EXPORT.len());
        let text = format!("{}{put}{}", &EXPORT[..at], &EXPORT[end..]);
        let mut reader = reader(text.as_bytes());
        let mut last = i64::MIN;
        while let Ok(Some(HistoryBar { bar, .. })) = reader.next_bar() {
            prop_assert!(bar.low > 0.0 && bar.low <= bar.open && bar.open <= bar.high);
            prop_assert!(bar.low <= bar.close && bar.close <= bar.high && bar.high.is_finite());
            prop_assert!(bar.time.as_second() > last);
            last = bar.time.as_second();
        }
    }

    #[test]
    fn numbers_are_those_of_the_standard_library(whole in 0..10_000_000_u64, part in 0..1_000_000_u64, digits in 0..7_usize) {
        let text = if digits == 0 { whole.to_string() } else { format!("{whole}.{:0digits$}", part % 10_u64.pow(digits as u32)) };
        prop_assert_eq!(number(text.as_bytes()), text.parse().ok());
    }

    #[test]
    fn dates_are_those_of_the_calendar(second in 0..7_000_000_000_i64) {
        let moment = Timestamp::from_second(second).unwrap();
        let text = jiff::tz::Offset::UTC.to_datetime(moment).strftime("%Y.%m.%d %H:%M:%S").to_string();
        prop_assert_eq!(field::moment(text.as_bytes()), Some(field::Moment::Server(second)));
    }
}
