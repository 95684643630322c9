//! How closely two symbols go together, against Python's `statistics.correlation` of the same returns.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::strategy::{Closes, Correlation, Window};

const OWN: [f64; 8] = [
    1.1000, 1.1012, 1.1007, 1.1021, 1.1015, 1.1030, 1.1024, 1.1041,
];
const POUND: [f64; 8] = [
    1.2500, 1.2521, 1.2509, 1.2530, 1.2527, 1.2544, 1.2531, 1.2560,
];
const FRANC: [f64; 8] = [
    0.9000, 0.8992, 0.8996, 0.8983, 0.8990, 0.8976, 0.8981, 0.8969,
];
const YEN: [f64; 8] = [
    150.00, 150.10, 150.25, 150.12, 150.30, 150.22, 150.41, 150.35,
];
const HOUR: i64 = 3_600;
const EVERYTHING: Window = Window {
    after: 0,
    until: i64::MAX,
};

/// Hourly closes from Monday on, without those of the numbers left out.
fn closes(values: &[f64], left_out: &[i64]) -> Closes {
    let mut closes = Closes::new(Timeframe::H1);
    for (number, value) in (0..).zip(values) {
        if !left_out.contains(&number) {
            closes.push(&at(MONDAY + number * HOUR, *value));
        }
    }
    closes
}

fn at(second: i64, close: f64) -> Bar {
    Bar {
        time: Timestamp::from_second(second).unwrap(),
        open: close,
        high: close,
        low: close,
        close,
        tick_volume: 1,
    }
}

fn known(correlation: Correlation) -> f64 {
    match correlation {
        Correlation::Known(value) => value,
        other => panic!("{other:?}"),
    }
}

/// Closes with these returns.
fn moving(returns: &[f64]) -> Vec<f64> {
    let mut all = vec![100.0];
    for one in returns {
        all.push(all.last().unwrap() * (1.0 + one));
    }
    all
}

#[test]
fn the_correlation_is_that_of_the_returns() {
    let first = moving(&[0.01, -0.01, 0.02, 0.0]);
    let second = moving(&[0.02, 0.0, 0.01, -0.01]);
    for (own, other, expected) in [
        (&OWN[..], &POUND[..], 0.965_889_297_094_435_5),
        (&OWN, &FRANC, -0.985_528_673_568_364_2),
        (&OWN, &YEN, -0.887_057_712_389_916_5),
        (&OWN, &OWN, 1.0),
        // By hand: 3e-4 / 5e-4.
        (&first, &second, 0.6),
    ] {
        let value = closes(own, &[]).correlation(&closes(other, &[]), EVERYTHING, 4);
        assert!((known(value) - expected).abs() < 1e-9, "{value:?}");
    }
}

#[test]
fn only_bars_that_both_have_within_the_window_count() {
    let own = closes(&OWN, &[3]);
    let pound = closes(&POUND, &[2, 5]);
    let with_gaps = known(own.correlation(&pound, EVERYTHING, 4));
    assert!(
        (with_gaps - 0.871_188_206_169_700_9).abs() < 1e-9,
        "{with_gaps}"
    );
    let (own, pound) = (closes(&OWN, &[]), closes(&POUND, &[]));
    for (from, to, expected) in [
        (2, 8, 0.961_701_108_758_097_6),
        (0, 6, 0.951_430_162_416_279_6),
    ] {
        // A bar belongs to the window in which it closes.
        let window = Window {
            after: MONDAY + from * HOUR,
            until: MONDAY + to * HOUR,
        };
        let value = known(own.correlation(&pound, window, 6));
        assert!((value - expected).abs() < 1e-9, "{value}");
        let too_few = own.correlation(&pound, window, 7);
        assert_eq!(too_few, Correlation::Unknown { pairs: 6 });
    }
}

#[test]
fn what_stands_still_or_is_not_there_is_unknown() {
    let own = closes(&OWN, &[]);
    let flat = closes(&[1.1; 8], &[]);
    let growing = closes(&moving(&[0.001; 7]), &[]);
    for other in [&flat, &growing] {
        let unknown = Correlation::Unknown { pairs: 8 };
        assert_eq!(own.correlation(other, EVERYTHING, 4), unknown);
        assert_eq!(other.correlation(&own, EVERYTHING, 4), unknown);
    }
    let nothing = closes(&[], &[]);
    let unknown = Correlation::Unknown { pairs: 0 };
    assert_eq!(own.correlation(&nothing, EVERYTHING, 4), unknown);
    assert_eq!(nothing.correlation(&nothing, EVERYTHING, 0), unknown);
}

#[test]
fn old_and_unusable_bars_are_not_taken() {
    let mut own = closes(&OWN, &[]);
    for (number, close) in [(3, 2.0), (7, 2.0), (8, f64::NAN), (9, 0.0), (10, -1.0)] {
        own.push(&at(MONDAY + number * HOUR, close));
    }
    let pairs = own.correlation(&closes(&OWN, &[]), EVERYTHING, 4);
    assert!((known(pairs) - 1.0).abs() < 1e-12);
    assert_eq!(
        own.correlation(&own, EVERYTHING, 9),
        Correlation::Unknown { pairs: 8 }
    );
}

#[test]
fn memory_is_flat_and_more_is_asked_for_only_once() {
    let mut closes = Closes::new(Timeframe::H1);
    assert!(closes.keep(100));
    assert!(!closes.keep(100) && !closes.keep(50));
    assert!(closes.keep(101));
    for number in 0..5_000 {
        closes.push(&at(MONDAY + number * HOUR, 1.0 + number as f64));
    }
    let all = closes.correlation(&closes, EVERYTHING, usize::MAX);
    assert_eq!(all, Correlation::Unknown { pairs: 1_101 });
}

proptest! {
    /// Whatever the prices: none, or a number from -1 to 1, the same both ways, and its opposite for the turned price.
    #[test]
    fn a_correlation_is_one(prices in vec((0.5_f64..2.0, 0.5_f64..2.0), 0..60), least in 4_usize..30) {
        let own: Vec<f64> = prices.iter().map(|one| one.0).collect();
        let other: Vec<f64> = prices.iter().map(|one| one.1).collect();
        let (own, other) = (closes(&own, &[]), closes(&other, &[]));
        let one = own.correlation(&other, EVERYTHING, least);
        prop_assert_eq!(one, other.correlation(&own, EVERYTHING, least));
        match one {
            Correlation::Known(value) => prop_assert!((-1.0..=1.0).contains(&value) && prices.len() >= least),
            Correlation::Unknown { pairs } => prop_assert_eq!(pairs, prices.len()),
            Correlation::NoSymbol => prop_assert!(false),
        }
    }
}
