#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use jiff::Timestamp;

use super::{Reader, Recorder, recorder, schema};
use crate::core::Decided;
use crate::market::{Side, Timeframe};
use crate::strategy::{ConditionTruth, FilterVerdict};

fn bar(number: i64) -> Timestamp {
    Timestamp::from_second(1_772_438_400 + number * 900).unwrap()
}

fn condition(text: &str, alternative: usize, value: Option<bool>) -> ConditionTruth {
    ConditionTruth {
        side: Side::Buy,
        alternative,
        text: text.into(),
        value,
        left: Some(1.25),
        right: value.map(|_| 1.5),
    }
}

fn decided(number: i64, conditions: Vec<ConditionTruth>, entered: bool) -> Arc<Decided> {
    Arc::new(Decided {
        strategy: "s1".to_owned(),
        name: "Scalper".to_owned(),
        symbol: "EURUSD".to_owned(),
        timeframe: Timeframe::M15,
        bar: bar(number),
        at: bar(number + 1),
        shadow: false,
        entered,
        verdict: if entered {
            "BUY"
        } else {
            "no entry condition holds"
        }
        .to_owned(),
        conditions,
        filters: vec![FilterVerdict {
            passes: true,
            text: "spread 1 pips, at most 2".to_owned(),
        }],
    })
}

#[test]
fn a_bar_is_read_back_as_it_was_decided() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(super::FILE);
    let mut recorder = Recorder::start(&path).unwrap();
    recorder.keep(decided(0, vec![condition("a", 0, Some(true))], true));
    recorder.keep(decided(
        1,
        vec![condition("a", 0, Some(false)), condition("b", 1, None)],
        false,
    ));
    drop(recorder);

    let reader = Reader::open(&path).unwrap();
    let kept = reader.strategies().unwrap();
    assert_eq!((kept[0].name.as_str(), kept[0].decisions), ("Scalper", 2));
    // A moment inside the next bar asks for the last one that had begun.
    let moment = Timestamp::from_second(bar(1).as_second() + 600).unwrap();
    let explained = reader.at("s1", moment).unwrap().unwrap();
    assert_eq!(explained.bar, bar(1));
    assert_eq!(explained.verdict, "no entry condition holds");
    assert_eq!(
        explained.conditions[0].3,
        (Some(false), Some(1.25), Some(1.5))
    );
    assert_eq!(explained.conditions[1].3, (None, Some(1.25), None));
    assert!(explained.filters[0].0);
    assert_eq!(reader.at("s1", bar(-1)).unwrap(), None);
}

#[test]
fn a_file_that_somebody_holds_locked_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(super::FILE);
    let mut recorder = Recorder::start(&path).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // More than two batches, each of which waits for the lock.
    for number in 0..2_000 {
        recorder.keep(decided(number, vec![condition("a", 0, Some(true))], false));
    }
    let begun = std::time::Instant::now();
    drop(recorder);
    assert!(begun.elapsed() < std::time::Duration::from_secs(4));
}

#[test]
fn the_condition_that_alone_was_missing_is_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(super::FILE);
    let mut connection = schema::open(&path).unwrap();
    let all: Vec<_> = [
        (Some(true), Some(false)),
        (Some(true), Some(false)),
        (Some(false), Some(false)),
        (Some(true), Some(true)),
    ]
    .into_iter()
    .zip(0..)
    .map(|((a, b), number)| {
        decided(
            number,
            vec![condition("a", 0, a), condition("b", 0, b)],
            number == 3,
        )
    })
    .collect();
    recorder::write(&mut connection, &all).unwrap();
    let reader = Reader::open(&path).unwrap();
    let tally = reader.tally("s1", bar(0), bar(3)).unwrap();
    assert_eq!((tally.bars, tally.entered), (4, 1));
    let counts = |text: &str| tally.conditions[&("BUY".to_owned(), 0, text.to_owned())];
    assert_eq!(counts("a"), (3, 0));
    assert_eq!(counts("b"), (1, 2));
    assert_eq!(tally.verdicts["no entry condition holds"], 3);
    let before = reader.tally("s1", bar(1), bar(2)).unwrap();
    assert_eq!(
        (before.bars, before.entered),
        (2, 0),
        "nothing of what came after"
    );
}

#[test]
fn the_oldest_are_forgotten_when_the_file_is_too_large() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(super::FILE);
    let mut connection = schema::open(&path).unwrap();
    let all: Vec<_> = (0..1_000)
        .map(|number| decided(number, vec![condition("a", 0, Some(false))], false))
        .collect();
    recorder::write(&mut connection, &all).unwrap();
    recorder::shrink(&connection, 1).unwrap();
    let reader = Reader::open(&path).unwrap();
    assert_eq!(reader.strategies().unwrap()[0].decisions, 899);
    assert_eq!(reader.at("s1", bar(0)).unwrap(), None);
    assert!(reader.at("s1", bar(999)).unwrap().is_some());
    recorder::shrink(&connection, u64::MAX).unwrap();
    assert_eq!(reader.strategies().unwrap()[0].decisions, 899);
}

#[test]
fn one_obstacle_is_counted_once_whichever_position_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(super::FILE);
    let mut recorder = Recorder::start(&path).unwrap();
    for (number, verdict) in (0..).zip(["#7 is open", "#12 is open", "rule # 1"]) {
        let mut one = (*decided(number, Vec::new(), false)).clone();
        one.verdict = verdict.to_owned();
        recorder.keep(Arc::new(one));
    }
    drop(recorder);
    let reader = Reader::open(&path).unwrap();
    let tally = reader.tally("s1", bar(0), bar(9)).unwrap();
    assert_eq!(tally.verdicts["#… is open"], 2);
    assert_eq!(tally.verdicts["rule # 1"], 1);
}
