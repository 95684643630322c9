//! Indicators against the formulas written out by hand.

use super::*;
use crate::strategy::{Panel, Series, Source};

/// The values bar by bar, without those that are not known.
fn values(series: Series, bars: &[Bar]) -> Vec<f64> {
    let mut panel = Panel::new(Timeframe::M15);
    let at = panel.require(Source::new(series, Timeframe::M15));
    bars.iter()
        .map(|bar| {
            panel.push(bar, 0).unwrap();
            panel.pair(at).1
        })
        .filter(|value| value.is_finite())
        .collect()
}

fn wave(count: usize) -> Vec<f64> {
    (0..count)
        .map(|i| {
            let t = f64::from(u32::try_from(i).unwrap());
            1.1 + 0.01 * (t / 9.0).sin() + 0.002 * (t * 1.7).cos()
        })
        .collect()
}

pub(super) fn ema(values: &[f64], period: usize) -> Vec<f64> {
    let weight = 2.0 / (period as f64 + 1.0);
    let mut average = values[..period].iter().sum::<f64>() / period as f64;
    let mut out = vec![average];
    for value in &values[period..] {
        average += weight * (value - average);
        out.push(average);
    }
    out
}

pub(super) fn rsi(values: &[f64], period: usize) -> Vec<f64> {
    let changes: Vec<f64> = values.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let n = period as f64;
    let mut gain = changes[..period].iter().map(|c| c.max(0.0)).sum::<f64>() / n;
    let mut loss = changes[..period].iter().map(|c| (-c).max(0.0)).sum::<f64>() / n;
    let mut out = vec![100.0 * gain / (gain + loss)];
    for change in &changes[period..] {
        gain = (gain * (n - 1.0) + change.max(0.0)) / n;
        loss = (loss * (n - 1.0) + (-change).max(0.0)) / n;
        out.push(100.0 * gain / (gain + loss));
    }
    out
}

fn atr(bars: &[Bar], period: usize) -> Vec<f64> {
    let ranges: Vec<f64> = bars
        .windows(2)
        .map(|pair| {
            let (before, bar) = (pair[0].close, pair[1]);
            (bar.high - bar.low)
                .max((bar.high - before).abs())
                .max((bar.low - before).abs())
        })
        .collect();
    let n = period as f64;
    let mut average = ranges[..period].iter().sum::<f64>() / n;
    let mut out = vec![average];
    for range in &ranges[period..] {
        average = (average * (n - 1.0) + range) / n;
        out.push(average);
    }
    out
}

fn assert_same(ours: &[f64], by_hand: &[f64]) {
    assert_eq!(ours.len(), by_hand.len());
    for (index, (a, b)) in ours.iter().zip(by_hand).enumerate() {
        assert!((a - b).abs() < 1e-9, "value {index}: {a} against {b}");
    }
}

#[test]
fn ema_rsi_and_atr_equal_the_formulas() {
    let closes = wave(400);
    let bars = bars(&closes, Timeframe::M15, MONDAY, 0.003);
    assert_same(&values(Series::Ema(21), &bars), &ema(&closes, 21));
    assert_same(&values(Series::Rsi(14), &bars), &rsi(&closes, 14));
    assert_same(&values(Series::Atr(14), &bars), &atr(&bars, 14));
}

#[test]
fn macd_and_its_signal_equal_the_formulas() {
    let closes = wave(600);
    let bars = bars(&closes, Timeframe::M15, MONDAY, 0.003);
    let macd = |signal| {
        let (fast, slow, length) = (12, 26, 9);
        let series = if signal {
            Series::MacdSignal {
                fast,
                slow,
                signal: length,
            }
        } else {
            Series::Macd {
                fast,
                slow,
                signal: length,
            }
        };
        values(series, &bars)
    };
    // The fast average starts together with the slow one, seeded by its own last 12 closes.
    let fast = ema(&closes[14..], 12);
    let slow = ema(&closes, 26);
    let line: Vec<f64> = fast.iter().zip(&slow).map(|(f, s)| f - s).collect();
    let signal = ema(&line, 9);
    assert_same(&macd(false), &line[8..]);
    assert_same(&macd(true), &signal);
}

#[test]
fn a_longer_history_changes_a_warm_value_by_less_than_a_billionth() {
    let closes = wave(3_000);
    let all = bars(&closes, Timeframe::M15, MONDAY, 0.003);
    let signal = Series::MacdSignal {
        fast: 12,
        slow: 26,
        signal: 9,
    };
    for series in [
        Series::Ema(50),
        Series::Rsi(14),
        Series::Atr(14),
        Series::Vwap,
        signal,
    ] {
        let short = &all[all.len() - series.warmup(Timeframe::M15)..];
        let warm = *values(series, short).last().unwrap();
        let longer = *values(series, &all).last().unwrap();
        let scale = longer.abs().max(1.0);
        assert!(
            (warm - longer).abs() < 1e-9 * scale,
            "{series:?}: {warm} against {longer}"
        );
    }
}

#[test]
fn rsi_of_a_flat_market_is_neutral_and_not_oversold() {
    let flat = bars(&[1.1; 400], Timeframe::M15, MONDAY, 0.001);
    for value in values(Series::Rsi(14), &flat) {
        assert!((value - 50.0).abs() < 1e-9);
    }
}

#[test]
fn too_few_bars_give_no_values() {
    let one = bars(&[1.1], Timeframe::M15, MONDAY, 0.001);
    assert!(values(Series::Ema(9), &one).is_empty());
    assert!(values(Series::Rsi(14), &[]).is_empty());
    let signal = Series::MacdSignal {
        fast: 12,
        slow: 26,
        signal: 9,
    };
    assert!(values(signal, &one).is_empty());
}

/// Wherever the history began: the average of the day needs the day's first bar.
#[test]
fn vwap_is_warm_with_a_whole_day_of_bars() {
    for (timeframe, bars) in [
        (Timeframe::M1, 1_501),
        (Timeframe::M15, 101),
        (Timeframe::H1, 26),
        (Timeframe::H4, 7),
        (Timeframe::D1, 2),
        (Timeframe::W1, 2),
    ] {
        assert_eq!(Series::Vwap.warmup(timeframe), bars, "{timeframe}");
    }
}
