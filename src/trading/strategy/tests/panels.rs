//! Higher timeframes as a strategy sees them: across the broker's change of clock, behind a history that begins within a bar,
//! and around a bar that cannot be used.

use super::*;
use crate::strategy::panel::Place;
use crate::strategy::{BarFault, Series, Source};

const HOUR: i64 = 3_600;

fn quarter(at: i64, close: f64) -> Bar {
    Bar {
        time: Timestamp::from_second(at).unwrap(),
        open: close,
        high: close + 0.001,
        low: close - 0.001,
        close,
        tick_volume: 1,
    }
}

/// A panel of quarter-hour bars that looks at the close and the open of a higher timeframe.
fn looking_at(higher: Timeframe) -> (Panel, Place, Place) {
    let mut panel = Panel::new(Timeframe::M15);
    let close = panel.require(Source::new(Series::Price, higher));
    let open = panel.require(Source::new(Series::Open, higher));
    (panel, close, open)
}

/// The closes of the higher bars, each with the moment at which it began to count.
fn closes(
    (mut panel, place, _): (Panel, Place, Place),
    bars: impl Iterator<Item = (Bar, i64)>,
) -> Vec<(i64, f64)> {
    let mut seen: Vec<(i64, f64)> = Vec::new();
    for (bar, offset_s) in bars {
        panel.push(&bar, offset_s).unwrap();
        let value = panel.pair(place).1;
        if value.is_finite()
            && seen
                .last()
                .is_none_or(|(_, last)| (last - value).abs() > 1e-9)
        {
            seen.push((bar.time.as_second() + 900, value));
        }
    }
    seen
}

/// 2026-03-29, 01:00 UTC: Europe's clocks go forward; 2026-10-25, 01:00 UTC: back.
const FORWARD: i64 = 1_774_746_000;
const BACK: i64 = 1_792_890_000;

fn round_the_clock(change: i64, before: i64, after: i64) -> impl Iterator<Item = (Bar, i64)> {
    // From the broker's midnight two days before the change to that two days after it.
    let first = change - 4 * HOUR - (before - 3 * HOUR) - 48 * HOUR;
    (0_i64..)
        .map(move |n| first + n * 900)
        .take_while(move |at| *at < change + 60 * HOUR)
        .map(move |at| {
            let offset_s = if at < change { before } else { after };
            let number = f64::from(u32::try_from((at - first) / 900).unwrap());
            (quarter(at, 1.0 + number * 0.001), offset_s)
        })
}

#[test]
fn a_day_stays_one_bar_where_the_brokers_clock_changes() {
    for (change, before, after, hours) in [
        (FORWARD, 2 * HOUR, 3 * HOUR, 23),
        (BACK, 3 * HOUR, 2 * HOUR, 25),
    ] {
        let seen = closes(
            looking_at(Timeframe::D1),
            round_the_clock(change, before, after),
        );
        let ends: Vec<i64> = seen.iter().map(|(at, _)| *at).collect();
        let lengths: Vec<i64> = ends
            .windows(2)
            .map(|pair| (pair[1] - pair[0]) / HOUR)
            .collect();
        assert!(lengths.contains(&hours), "{lengths:?}");
        assert!(
            lengths.iter().all(|one| *one == 24 || *one == hours),
            "{lengths:?}"
        );
        for (at, _) in seen {
            let offset_s = if at <= change { before } else { after };
            assert_eq!(
                (at + offset_s).rem_euclid(24 * HOUR),
                0,
                "a day ends at midnight"
            );
        }
    }
}

#[test]
fn the_hour_that_comes_twice_makes_no_second_bar() {
    let seen = closes(
        looking_at(Timeframe::H4),
        round_the_clock(BACK, 3 * HOUR, 2 * HOUR),
    );
    let around: Vec<i64> = seen
        .iter()
        .map(|(at, _)| (at - BACK) / HOUR)
        .filter(|at| (-4..=9).contains(at))
        .collect();
    // The bar from 00:00 closes when the clock reaches 04:00; the next one when it reaches 08:00, five hours later.
    assert_eq!(around, [-4, 0, 5, 9]);
}

#[test]
fn a_history_that_begins_within_a_bar_takes_the_terminals_at_its_close() {
    let hour = |start: i64, close: f64| Bar {
        time: Timestamp::from_second(MONDAY + start * HOUR).unwrap(),
        ..quarter(MONDAY, close)
    };
    let terminal = [hour(-2, 1.2), hour(-1, 1.3), hour(0, 1.4)];
    // From a quarter past the hour until the next one is full.
    let own: Vec<Bar> = (1..8).map(|n| quarter(MONDAY + n * 900, 1.5)).collect();
    for (bars, expected) in [
        (2, (1.3, 1.3)),
        // The bar that closes the hour sees it closed, as it would have while running.
        (3, (1.3, 1.4)),
        (4, (1.4, 1.4)),
        (7, (1.4, 1.5)),
    ] {
        let (mut panel, close, _) = looking_at(Timeframe::H1);
        panel.load(
            &[(Timeframe::M15, &own[..bars]), (Timeframe::H1, &terminal)],
            0,
        );
        assert_eq!(panel.pair(close), expected, "after {bars} bars");
        assert!(!panel.awaits(Timeframe::H1), "after {bars} bars");
    }
}

#[test]
fn without_the_terminals_bar_the_decision_waits_for_it() {
    let own: Vec<Bar> = (1..4).map(|n| quarter(MONDAY + n * 900, 1.5)).collect();
    let (mut panel, close, _) = looking_at(Timeframe::H1);
    panel.load(&[(Timeframe::M15, &own)], 0);
    assert!(panel.awaits(Timeframe::H1));
    panel.push_from_terminal(Timeframe::H1, &quarter(MONDAY, 1.4));
    assert!(!panel.awaits(Timeframe::H1));
    assert!((panel.pair(close).1 - 1.4).abs() < 1e-12);
}

#[test]
fn a_bar_that_cannot_be_used_is_refused_and_everything_begins_anew() {
    for broken in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0] {
        for place in 0..4 {
            let mut panel = Panel::new(Timeframe::M15);
            let average = panel.require(Source::new(Series::Sma(3), Timeframe::M15));
            for n in 0..3 {
                panel.push(&quarter(MONDAY + n * 900, 1.5), 0).unwrap();
            }
            assert!((panel.pair(average).1 - 1.5).abs() < 1e-12);
            let mut bar = quarter(MONDAY + 3 * 900, 1.5);
            *[&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close][place] = broken;
            assert_eq!(panel.push(&bar, 0), Err(BarFault::Unusable(bar.time)));
            assert!(panel.pair(average).1.is_nan());
            for n in 4..6 {
                panel.push(&quarter(MONDAY + n * 900, 1.7), 0).unwrap();
                assert!(panel.pair(average).1.is_nan());
            }
            panel.push(&quarter(MONDAY + 6 * 900, 1.7), 0).unwrap();
            assert!((panel.pair(average).1 - 1.7).abs() < 1e-12);
        }
    }
}
