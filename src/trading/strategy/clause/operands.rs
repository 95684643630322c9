//! What may be compared with what, and the comparisons that several operators share.

use super::super::condition::{Condition, Operand, Operator};
use super::super::indicator::{Band, Scale, Series, Source};
use super::super::ledger::Node;
use super::super::reason::{AVERAGE_OR_PRICE, Reason, Rule};
use crate::market::{Side, Timeframe};

/// The fast and the slow average of a trend.
const TREND: (u32, u32) = (20, 50);

/// Whether `period` beside an indicator's name says how many bars it looks back.
pub(super) const fn has_length(series: Series) -> bool {
    matches!(
        series,
        Series::Ema(_)
            | Series::Sma(_)
            | Series::VolumeSma(_)
            | Series::Rsi(_)
            | Series::Atr(_)
            | Series::Adx(_)
            | Series::Cci(_)
            | Series::WilliamsR(_)
            | Series::Resistance(_)
            | Series::Support(_)
            | Series::Bollinger { .. }
    )
}

pub(super) const fn bollinger(period: u32, deviations: u32, band: Band) -> Series {
    Series::Bollinger {
        period,
        deviations,
        band,
    }
}

pub(super) fn candle(timeframe: Timeframe, side: Side) -> Condition {
    Condition {
        left: Source::new(Series::Price, timeframe),
        operator: above(side),
        right: Operand::of(Source::new(Series::Open, timeframe)),
    }
}

/// A trend is up while the average of 20 bars is above that of 50.
pub(in crate::strategy) fn trend(timeframe: Timeframe, side: Side) -> Condition {
    Condition {
        left: Source::new(Series::Ema(TREND.0), timeframe),
        operator: above(side),
        right: Operand::of(Source::new(Series::Ema(TREND.1), timeframe)),
    }
}

const fn above(side: Side) -> Operator {
    match side {
        Side::Buy => Operator::Greater,
        Side::Sell => Operator::Less,
    }
}

/// A whole number that a moving average could be long.
pub(super) fn may_be_a_length(number: f64) -> bool {
    (2.0..=400.0).contains(&number) && number.fract().abs() < f64::EPSILON
}

/// Refuses comparisons that cannot mean what they say (R6).
pub(super) fn check_operands(
    node: &Node<'_>,
    own: Timeframe,
    left: Source,
    right: Operand,
) -> Result<(), Reason> {
    let ambiguous = |text: String| {
        Err(Reason::new(
            Rule::AmbiguousOperand,
            &format!("{}.value", node.path),
            text,
        ))
    };
    let name = left.name(own);
    match (left.series.scale(), right) {
        (scale, Operand::Series { source, times, .. }) => {
            if source == left && (times - 1.0).abs() < f64::EPSILON {
                return ambiguous(format!("{name} is compared with itself"));
            }
            if source.series.scale() != scale {
                return ambiguous(format!(
                    "{name} and {} are numbers of different kinds",
                    source.name(own)
                ));
            }
            Ok(())
        }
        (Scale::Price, Operand::Number(number)) if number <= 0.0 => {
            ambiguous(format!("{number} cannot be a price"))
        }
        (Scale::Price, Operand::Number(number))
            if left.series != Series::Price && may_be_a_length(number) =>
        {
            let text = format!(
                "{name} against {number} may mean the price {number} {AVERAGE_OR_PRICE} {number} bars; name the average (\"ema_{number}\") or the exact price, or choose in Strategies"
            );
            let is_average = matches!(left.series, Series::Ema(_) | Series::Sma(_));
            let rule = if is_average {
                Rule::AverageOrPrice
            } else {
                Rule::AmbiguousOperand
            };
            Err(Reason::new(rule, &format!("{}.value", node.path), text))
        }
        (Scale::Percent, Operand::Number(number)) if number <= 0.0 || number >= 100.0 => ambiguous(
            format!("{name} lies between 0 and 100 and is compared with {number}"),
        ),
        (Scale::NegativePercent, Operand::Number(number)) if number <= -100.0 || number >= 0.0 => {
            ambiguous(format!(
                "{name} lies between -100 and 0 and is compared with {number}"
            ))
        }
        (Scale::Volume, Operand::Number(number)) if number < 0.0 => {
            ambiguous(format!("{number} cannot be a volume"))
        }
        _ => Ok(()),
    }
}
