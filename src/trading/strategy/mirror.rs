//! The last evidence of a direction (R1): a list whose second half is the first one turned round holds one direction in each.
//! Which is which is concluded only where every pair of conditions says the same and none can be meant either way.

use super::condition::{Condition, Operand, Operator};
use super::indicator::{Band, Ichimoku, Series, Source};
use crate::market::Side;

/// What two halves that mirror each other say.
#[derive(Debug)]
pub(super) enum Halves {
    /// The direction of the first half; the second one has the other.
    First(Side),
    /// A pair of conditions that speaks for neither direction.
    EitherWay(Condition),
    /// Two conditions of the first half that point in different directions.
    Opposed { buys: Condition, sells: Condition },
}

/// `None` where the halves are no mirror, or where no comparison of prices and averages says which is which.
pub(super) fn read_halves<'a>(
    pairs: impl Iterator<Item = (&'a [Condition], &'a [Condition])>,
) -> Option<Halves> {
    let mut all = Vec::new();
    for (one, other) in pairs {
        if one.len() != other.len() {
            return None;
        }
        all.extend(one.iter().zip(other));
    }
    if !all.iter().all(|(one, other)| are_mirrored(one, other)) || !all.iter().any(is_trend) {
        return None;
    }
    let mut found = None;
    for (one, other) in all {
        let Some(side) = points(one).filter(|side| points(other) == Some(side.opposite())) else {
            return Some(Halves::EitherWay(*one));
        };
        match found {
            None => found = Some((side, *one)),
            Some((first, _)) if first == side => {}
            Some((Side::Buy, buys)) => return Some(Halves::Opposed { buys, sells: *one }),
            Some((Side::Sell, sells)) => return Some(Halves::Opposed { buys: *one, sells }),
        }
    }
    found.map(|(side, _)| Halves::First(side))
}

fn are_mirrored(one: &Condition, other: &Condition) -> bool {
    let numbers =
        matches!(one.right, Operand::Number(_)) && matches!(other.right, Operand::Number(_));
    one.left == other.left
        && one.operator.mirrored() == Some(other.operator)
        && (numbers || one.right == other.right)
}

fn is_trend((one, _): &(&Condition, &Condition)) -> bool {
    let right = one.right.source();
    one.left.series.leads() && right.is_some_and(|right| right.series.leads())
}

/// The direction that a condition speaks for; `None` where it speaks for none, or could be meant either way.
fn points(condition: &Condition) -> Option<Side> {
    let side = condition.operator.points()?;
    match condition.right {
        Operand::Number(number) => speaks(condition, side, number).then_some(side),
        Operand::Series {
            source,
            times,
            plus_pips,
        } => {
            // A distance from a line is a trend or too far from it.
            let moved = (times - 1.0).abs() > f64::EPSILON || plus_pips != 0.0;
            let leads = leads(condition.left, source).filter(|_| !moved)?;
            Some(if leads { side } else { side.opposite() })
        }
        Operand::Range { .. } => None,
    }
}

/// An oscillator on the way from its low end up speaks for rising prices. Beyond its middle (RSI under 30, over 70) it may
/// follow the market or wait for its return.
fn speaks(condition: &Condition, side: Side, number: f64) -> bool {
    let middle = match condition.left.series {
        Series::Rsi(_) | Series::StochasticK { .. } | Series::StochasticD { .. } => 50.0,
        Series::WilliamsR(_) => -50.0,
        Series::Cci(_)
        | Series::Macd { .. }
        | Series::MacdSignal { .. }
        | Series::MacdHistogram { .. } => 0.0,
        _ => return false,
    };
    let before = matches!(condition.operator, Operator::WasAbove | Operator::WasBelow);
    !before
        && match side {
            Side::Buy => number <= middle,
            Side::Sell => number >= middle,
        }
}

/// Whether the left one turns first when the market does; `None` where neither is known to.
fn leads(left: Source, right: Source) -> Option<bool> {
    if left.timeframe != right.timeframe || left.earlier || right.earlier {
        return None;
    }
    match (left.series, right.series) {
        (
            Series::Macd { fast, slow, signal },
            Series::MacdSignal {
                fast: f,
                slow: s,
                signal: n,
            },
        ) => ((fast, slow, signal) == (f, s, n)).then_some(true),
        (Series::MacdSignal { .. }, Series::Macd { .. })
        | (Series::StochasticD { .. }, Series::StochasticK { .. })
        | (Series::Ichimoku(Ichimoku::Kijun), Series::Ichimoku(Ichimoku::Tenkan))
        | (Series::Ichimoku(Ichimoku::SpanB), Series::Ichimoku(Ichimoku::SpanA)) => {
            leads(right, left).map(|first| !first)
        }
        (Series::Ichimoku(Ichimoku::Tenkan), Series::Ichimoku(Ichimoku::Kijun))
        | (Series::Ichimoku(Ichimoku::SpanA), Series::Ichimoku(Ichimoku::SpanB)) => Some(true),
        (
            Series::StochasticK { k, slowing, d },
            Series::StochasticD {
                k: own,
                slowing: s,
                d: n,
            },
        ) => ((k, slowing, d) == (own, s, n)).then_some(true),
        (left, right) => {
            let (left, right) = (pace(left)?, pace(right)?);
            let (first, last) = (left.min(right), left.max(right));
            let known = match last {
                // No close is above the high of its own bar.
                HIGH_OR_LOW => false,
                A_LINE => first <= HIGH_OR_LOW,
                _ => first != last,
            };
            known.then_some(left < right)
        }
    }
}

const HIGH_OR_LOW: u32 = 2;
/// Longer than any average of closes.
const A_LINE: u32 = 1_000;

/// How late a series of prices follows the market: closes first, then averages by their length, then lines that only a
/// price of the bar is known to lead.
const fn pace(series: Series) -> Option<u32> {
    Some(match series {
        Series::Price => 0,
        Series::Open => 1,
        Series::High | Series::Low => HIGH_OR_LOW,
        Series::Ema(period)
        | Series::Sma(period)
        | Series::Bollinger {
            period,
            band: Band::Middle,
            ..
        } => HIGH_OR_LOW + period,
        Series::Vwap | Series::Sar | Series::Ichimoku(_) => A_LINE,
        _ => return None,
    })
}
