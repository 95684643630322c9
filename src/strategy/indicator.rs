//! The series that conditions compare: how each is named, computed and how many bars it needs. Indicators are
//! TA-Lib's; where MetaTrader's own differ (ATR averages simply, the MACD signal is a simple average), TA-Lib is the
//! truth here.

use serde::Serialize;
use ta_lib::Core;

use super::ledger::Node;
use super::reason::{Reason, Rule, quoted};
use crate::market::Bar;

/// Longest period taken from rules; more could never warm up on a terminal's history.
const LONGEST_PERIOD: u32 = 500;

/// One number per closed bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Series {
    /// The bar's close.
    Price,
    /// Exponential moving average of the close; TA-Lib EMA.
    Ema(u32),
    /// Simple moving average of the close; TA-Lib SMA.
    Sma(u32),
    /// Relative strength index after Wilder; TA-Lib RSI. 50 while the market is flat.
    Rsi(u32),
    /// EMA(fast) − EMA(slow) of the close; TA-Lib MACD.
    Macd { fast: u32, slow: u32, signal: u32 },
    /// EMA(signal) of that difference; TA-Lib MACD.
    MacdSignal { fast: u32, slow: u32, signal: u32 },
    /// Average true range after Wilder, in price units; TA-Lib ATR.
    Atr(u32),
}

/// What a series' numbers are numbers of. Only like is compared with like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Price,
    /// 0 to 100.
    Percent,
    /// A difference of prices.
    Difference,
}

impl Series {
    pub(super) const fn scale(self) -> Scale {
        match self {
            Self::Price | Self::Ema(_) | Self::Sma(_) => Scale::Price,
            Self::Rsi(_) => Scale::Percent,
            Self::Macd { .. } | Self::MacdSignal { .. } | Self::Atr(_) => Scale::Difference,
        }
    }

    /// Closed bars after which the value no longer depends, to 1e-9 of its scale, on where the history began.
    ///
    /// An EMA forgets its start by (1 − 2/(n+1)) a bar, e⁻²¹ after 10.5 n bars; Wilder's averages by (1 − 1/n),
    /// so they need twice that.
    pub const fn warmup(self) -> usize {
        match self {
            Self::Price => 2,
            Self::Sma(period) => period as usize + 1,
            Self::Ema(period) => 11 * period as usize + 1,
            Self::Rsi(period) | Self::Atr(period) => 21 * period as usize + 2,
            Self::Macd { slow, signal, .. } | Self::MacdSignal { slow, signal, .. } => {
                11 * (slow as usize + signal as usize) + 1
            }
        }
    }

    /// The name in a sentence.
    pub fn name(self) -> String {
        match self {
            Self::Price => "the close".to_owned(),
            Self::Ema(period) => format!("EMA {period}"),
            Self::Sma(period) => format!("SMA {period}"),
            Self::Rsi(period) => format!("RSI {period}"),
            Self::Macd { fast, slow, .. } => format!("MACD {fast}/{slow}"),
            Self::MacdSignal { signal, .. } => format!("its signal {signal}"),
            Self::Atr(period) => format!("ATR {period}"),
        }
    }

    /// The values at the closed bars, oldest first, right-aligned: the last value belongs to the last bar. Bars before
    /// the first value have none, so the result may be shorter than `bars`.
    pub fn values(self, bars: &[Bar]) -> Vec<f64> {
        let close: Vec<f64> = bars.iter().map(|bar| bar.close).collect();
        let Some(last) = bars.len().checked_sub(1) else {
            return Vec::new();
        };
        let core = Core::new();
        let mut out = vec![0.0; bars.len()];
        let range = match self {
            Self::Price => return close,
            Self::Ema(period) => core.ema(0, last, &close, length(period), &mut out),
            Self::Sma(period) => core.sma(0, last, &close, length(period), &mut out),
            Self::Rsi(period) => core.rsi(0, last, &close, length(period), &mut out),
            Self::Atr(period) => {
                let high: Vec<f64> = bars.iter().map(|bar| bar.high).collect();
                let low: Vec<f64> = bars.iter().map(|bar| bar.low).collect();
                core.atr(0, last, &high, &low, &close, length(period), &mut out)
            }
            Self::Macd { fast, slow, signal } | Self::MacdSignal { fast, slow, signal } => {
                let mut signals = vec![0.0; bars.len()];
                let mut histogram = vec![0.0; bars.len()];
                let range = core.macd(
                    0,
                    last,
                    &close,
                    length(fast),
                    length(slow),
                    length(signal),
                    &mut out,
                    &mut signals,
                    &mut histogram,
                );
                if matches!(self, Self::MacdSignal { .. }) {
                    out = signals;
                }
                range
            }
        };
        out.truncate(range.map_or(0, |range| range.count));
        out
    }
}

fn length(period: u32) -> i32 {
    i32::try_from(period).unwrap_or(i32::MAX)
}

/// A name as rules write it: case, blanks and signs do not matter (R5).
pub(super) fn normalised(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            ' ' | '-' | '_' if plain.ends_with('_') => {}
            ' ' | '-' | '_' => plain.push('_'),
            '%' => {}
            c => plain.extend(c.to_lowercase()),
        }
    }
    plain.trim_matches('_').to_owned()
}

/// Reads an indicator name, with the period from `period_key` of the same condition where the name has none.
pub(super) fn read_series(
    name: &Node<'_>,
    condition: &Node<'_>,
    period_key: &str,
) -> Result<Series, Reason> {
    let Some(text) = name.text() else {
        return Err(Reason::new(
            Rule::UnknownName,
            &name.path,
            "is not the name of an indicator",
        ));
    };
    let plain = normalised(text);
    let negative = text
        .trim()
        .rsplit_once("_-")
        .is_some_and(|(_, digits)| digits.starts_with(|c: char| c.is_ascii_digit()));
    if negative {
        return Err(Reason::new(
            Rule::UnknownName,
            &name.path,
            format!("{} has a negative period", quoted(text)),
        ));
    }
    let (base, suffix) = split_suffix(&plain);
    let period = |shortest: u32, usual: Option<u32>| -> Result<u32, Reason> {
        if let Some(suffix) = suffix {
            return in_range(suffix, shortest, &name.path);
        }
        let Some(node) = condition.child(period_key) else {
            return usual.ok_or_else(|| {
                Reason::new(
                    Rule::MissingValue,
                    &name.path,
                    format!("{} has no period", quoted(text)),
                )
            });
        };
        let whole = node
            .number()
            .filter(rust_decimal::Decimal::is_integer)
            .and_then(|number| u32::try_from(number).ok());
        match whole {
            Some(whole) => in_range(whole, shortest, &node.path),
            None => Err(Reason::new(
                Rule::NotANumber,
                &node.path,
                "is not a whole number of bars",
            )),
        }
    };
    let macd = (12, 26, 9);
    match (base, suffix) {
        ("price" | "close", None) => Ok(Series::Price),
        ("ema", _) => Ok(Series::Ema(period(1, None)?)),
        ("sma", _) => Ok(Series::Sma(period(1, None)?)),
        ("rsi", _) => Ok(Series::Rsi(period(2, Some(14))?)),
        ("macd", None) => Ok(Series::Macd {
            fast: macd.0,
            slow: macd.1,
            signal: macd.2,
        }),
        ("macd_signal", None) => Ok(Series::MacdSignal {
            fast: macd.0,
            slow: macd.1,
            signal: macd.2,
        }),
        _ => Err(Reason::new(
            Rule::UnknownName,
            &name.path,
            format!("indicator {} is not known to this program", quoted(text)),
        )),
    }
}

fn in_range(period: u32, shortest: u32, path: &str) -> Result<u32, Reason> {
    if (shortest..=LONGEST_PERIOD).contains(&period) {
        Ok(period)
    } else {
        Err(Reason::new(
            Rule::UnknownName,
            path,
            format!("period {period} is not between {shortest} and {LONGEST_PERIOD}"),
        ))
    }
}

/// `ema_50` → (`ema`, 50); a suffix too large to be a number stays part of the name, which is then unknown.
fn split_suffix(plain: &str) -> (&str, Option<u32>) {
    if let Some((base, digits)) = plain.rsplit_once('_')
        && digits.chars().all(|c| c.is_ascii_digit())
        && let Ok(period) = digits.parse()
    {
        return (base, Some(period));
    }
    (plain, None)
}
