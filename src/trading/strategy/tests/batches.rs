//! Bar by bar is the same as all at once: each series against TA-Lib's batch functions over the same bars, bit for bit.

use proptest::prelude::*;
use ta_lib::{Core, MAType, OutRange, RetCode};

use super::*;
use crate::strategy::{Band, Series, Source};

/// What the batch functions give for each bar; NaN before the first.
fn batch(series: Series, bars: &[Bar]) -> Vec<f64> {
    let core = Core::new();
    let column = |of: fn(&Bar) -> f64| bars.iter().map(of).collect::<Vec<f64>>();
    let (high, low, close) = (column(|b| b.high), column(|b| b.low), column(|b| b.close));
    let last = bars.len() - 1;
    let spread = |run: &dyn Fn(&mut [f64]) -> Result<OutRange, RetCode>| {
        let mut packed = vec![0.0; bars.len()];
        let range = run(&mut packed).unwrap();
        let mut out = vec![f64::NAN; bars.len()];
        if range.count > 0 {
            out[range.beg_idx..range.beg_idx + range.count].copy_from_slice(&packed[..range.count]);
        }
        out
    };
    let n = |period: u32| i32::try_from(period).unwrap();
    let unused = || vec![0.0; bars.len()];
    match series {
        Series::Ema(p) => spread(&|out| core.ema(0, last, &close, n(p), out)),
        Series::Sma(p) => spread(&|out| core.sma(0, last, &close, n(p), out)),
        Series::VolumeSma(p) => {
            let volume = column(|bar| f64::from(u32::try_from(bar.tick_volume).unwrap()));
            spread(&|out| core.sma(0, last, &volume, n(p), out))
        }
        Series::Rsi(p) => spread(&|out| core.rsi(0, last, &close, n(p), out)),
        Series::Atr(p) => spread(&|out| core.atr(0, last, &high, &low, &close, n(p), out)),
        Series::Adx(p) => spread(&|out| core.adx(0, last, &high, &low, &close, n(p), out)),
        Series::Cci(p) => spread(&|out| core.cci(0, last, &high, &low, &close, n(p), out)),
        Series::WilliamsR(p) => spread(&|out| core.willr(0, last, &high, &low, &close, n(p), out)),
        Series::Sar => spread(&|out| core.sar(0, last, &high, &low, 0.02, 0.2, out)),
        Series::MacdSignal { fast, slow, signal } => spread(&|out| {
            let (mut line, mut histogram) = (unused(), unused());
            let (f, s, g) = (n(fast), n(slow), n(signal));
            core.macd(0, last, &close, f, s, g, &mut line, out, &mut histogram)
        }),
        Series::Bollinger {
            period, deviations, ..
        } => spread(&|out| {
            let (mut middle, mut lower) = (unused(), unused());
            let away = f64::from(deviations) / 1_000.0;
            let (p, average) = (n(period), MAType::SMA);
            core.bbands(
                0,
                last,
                &close,
                p,
                away,
                away,
                average,
                out,
                &mut middle,
                &mut lower,
            )
        }),
        Series::StochasticD { k, slowing, d } => spread(&|out| {
            let (mut fast, average) = (unused(), MAType::SMA);
            let (k, s, d) = (n(k), n(slowing), n(d));
            core.stoch(
                0, last, &high, &low, &close, k, s, average, d, average, &mut fast, out,
            )
        }),
        Series::Resistance(p) => {
            // Of the bars before this one.
            let mut highest = spread(&|out| core.max(0, last, &high, n(p), out));
            highest.rotate_right(1);
            highest[0] = f64::NAN;
            highest
        }
        other => panic!("no batch of {other:?}"),
    }
}

fn every(period: u32) -> [Series; 13] {
    let (fast, slow, signal) = (period, period * 2, 9);
    [
        Series::Ema(period),
        Series::Sma(period),
        Series::VolumeSma(period),
        Series::Rsi(period),
        Series::Atr(period),
        Series::Adx(period),
        Series::Cci(period),
        Series::WilliamsR(period),
        Series::Sar,
        Series::MacdSignal { fast, slow, signal },
        Series::Bollinger {
            period,
            deviations: 2_000,
            band: Band::Upper,
        },
        Series::StochasticD {
            k: period,
            slowing: 3,
            d: 3,
        },
        Series::Resistance(period),
    ]
}

/// Bars with flat stretches, gaps and spikes; the volume may be zero.
fn market() -> impl Strategy<Value = Vec<Bar>> {
    let step = prop_oneof![3 => Just(0.0), 6 => -0.002..0.002, 1 => -0.3..0.5];
    let bar = (step, prop_oneof![Just(0.0), 0.0..0.003], 0_u64..500);
    prop::collection::vec(bar, 1..300).prop_map(|steps| {
        let mut close = 1.1;
        (0_i64..)
            .zip(steps)
            .map(|(at, (step, range, tick_volume))| {
                let open = close;
                close *= 1.0 + step;
                Bar {
                    time: Timestamp::from_second(MONDAY + at * 900).unwrap(),
                    open,
                    high: f64::max(open, close) + range,
                    low: f64::min(open, close) * (1.0 - range),
                    close,
                    tick_volume,
                }
            })
            .collect()
    })
}

/// To the bit; on Windows to the last place: the C library there rounds a multiplication and addition in one (`fma`) wrongly
/// where the processor's own is not used, as it is not bar by bar.
fn is_the_same(ours: f64, theirs: f64) -> bool {
    let last_place = cfg!(windows) && (ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0);
    ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()) || last_place
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn bar_by_bar_is_the_same_as_all_at_once(bars in market(), period in 2_u32..60) {
        let mut panel = Panel::new(Timeframe::M15);
        let series = every(period);
        let places = series.map(|one| panel.require(Source::new(one, Timeframe::M15)));
        let expected = series.map(|one| batch(one, &bars));
        for (at, bar) in bars.iter().enumerate() {
            panel.push(bar, 0).unwrap();
            for (number, place) in places.into_iter().enumerate() {
                let (ours, theirs) = (panel.pair(place).1, expected[number][at]);
                prop_assert!(
                    is_the_same(ours, theirs),
                    "{:?} at bar {at}: {ours} and {theirs}", series[number]
                );
            }
        }
    }
}
