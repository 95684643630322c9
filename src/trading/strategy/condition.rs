//! One comparison: a series, an operator, and a number or another series. Every stored operator comes down to some of these
//! ([`super::clause`]). The truth has three values; what cannot be known is `None`, and `None` is never treated as true.

use std::ops::RangeInclusive;

use serde::Serialize;

use super::indicator::{Scale, Series, Source};
use super::language::{Language, tell};
use crate::market::{Side, Timeframe};

/// A level further than this factor from the last close cannot be a price of the symbol (R6): the number was meant in pips,
/// perhaps.
const PLAUSIBLE_FACTOR: f64 = 5.0;
/// A difference of prices of more than this share of the last close is none of a bar of a day; in other timeframes it grows with
/// the square root of the time, as ranges do (R6). Ten times what currencies and metals move.
const PLAUSIBLE_SHARE_OF_A_DAY: f64 = 0.1;
/// Two numbers this near are equal.
const EQUAL_WITHIN: f64 = 1e-4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Operator {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// Within 0.0001.
    Equal,
    NotEqual,
    /// At or below at the previous closed bar, above at this one.
    CrossesAbove,
    /// At or above at the previous closed bar, below at this one.
    CrossesBelow,
    /// Above at the previous closed bar.
    WasAbove,
    /// Below at the previous closed bar.
    WasBelow,
    /// Between the two numbers, both included.
    Inside,
    Outside,
    /// Above its own value at the previous closed bar; the right side does not count.
    Rises,
}

impl Operator {
    pub const fn words(self, language: Language) -> &'static str {
        match self {
            Self::Greater => language.pick("is above", "di atas"),
            Self::GreaterOrEqual => language.pick("is at or above", "di atas atau sama dengan"),
            Self::Less => language.pick("is below", "di bawah"),
            Self::LessOrEqual => language.pick("is at or below", "di bawah atau sama dengan"),
            Self::Equal => language.pick("equals", "sama dengan"),
            Self::NotEqual => language.pick("is not", "tidak sama dengan"),
            Self::CrossesAbove => language.pick("crosses above", "menembus ke atas"),
            Self::CrossesBelow => language.pick("crosses below", "menembus ke bawah"),
            Self::WasAbove => language.pick("was above", "pada bar sebelumnya di atas"),
            Self::WasBelow => language.pick("was below", "pada bar sebelumnya di bawah"),
            Self::Inside => language.pick("is between", "dalam rentang"),
            Self::Outside => language.pick("is outside", "di luar rentang"),
            Self::Rises => language.pick("rises", "naik"),
        }
    }

    /// The same comparison the other way round; `None` when it has no other way.
    pub(super) const fn mirrored(self) -> Option<Self> {
        Some(match self {
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::CrossesAbove => Self::CrossesBelow,
            Self::CrossesBelow => Self::CrossesAbove,
            Self::WasAbove => Self::WasBelow,
            Self::WasBelow => Self::WasAbove,
            Self::Equal | Self::NotEqual | Self::Inside | Self::Outside | Self::Rises => {
                return None;
            }
        })
    }

    const fn level(self) -> Option<Level> {
        match self {
            Self::Greater | Self::CrossesAbove => Some(Level::Above { or_at: false }),
            Self::GreaterOrEqual => Some(Level::Above { or_at: true }),
            Self::Less | Self::CrossesBelow => Some(Level::Below { or_at: false }),
            Self::LessOrEqual => Some(Level::Below { or_at: true }),
            _ => None,
        }
    }

    /// The direction of a market in which the left side leads.
    pub(super) const fn points(self) -> Option<Side> {
        match self {
            Self::Greater | Self::GreaterOrEqual | Self::CrossesAbove | Self::WasAbove => {
                Some(Side::Buy)
            }
            Self::Less | Self::LessOrEqual | Self::CrossesBelow | Self::WasBelow => {
                Some(Side::Sell)
            }
            Self::Equal | Self::NotEqual | Self::Inside | Self::Outside | Self::Rises => None,
        }
    }

    /// The values of both sides at the previous and at the last closed bar; for a range its two bounds.
    pub(super) fn holds(self, left: Pair, right: Pair) -> bool {
        match self {
            Self::Greater => left.1 > right.1,
            Self::GreaterOrEqual => left.1 >= right.1,
            Self::Less => left.1 < right.1,
            Self::LessOrEqual => left.1 <= right.1,
            Self::Equal => (left.1 - right.1).abs() <= EQUAL_WITHIN,
            Self::NotEqual => (left.1 - right.1).abs() > EQUAL_WITHIN,
            Self::CrossesAbove => left.0 <= right.0 && left.1 > right.1,
            Self::CrossesBelow => left.0 >= right.0 && left.1 < right.1,
            Self::WasAbove => left.0 > right.0,
            Self::WasBelow => left.0 < right.0,
            Self::Inside => (right.0..=right.1).contains(&left.1),
            Self::Outside => !(right.0..=right.1).contains(&left.1),
            Self::Rises => left.1 > left.0,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Operand {
    Number(f64),
    Range {
        low: f64,
        high: f64,
    },
    Series {
        source: Source,
        /// Factor on the series' value.
        times: f64,
        /// Added to it, in pips of the symbol.
        plus_pips: f64,
    },
}

impl Operand {
    pub const fn of(source: Source) -> Self {
        Self::Series {
            source,
            times: 1.0,
            plus_pips: 0.0,
        }
    }

    pub const fn source(self) -> Option<Source> {
        match self {
            Self::Number(_) | Self::Range { .. } => None,
            Self::Series { source, .. } => Some(source),
        }
    }

    fn words(self, subject: Source, own: Timeframe, language: Language) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Range { low, high } => {
                tell!(language; "{low} and {high}"; "{low} sampai {high}")
            }
            Self::Series {
                source,
                times,
                plus_pips,
            } => {
                let mut words = source.words_beside(subject, own, language);
                if (times - 1.0).abs() > f64::EPSILON {
                    words = tell!(language; "{times} times {words}"; "{times} kali {words}");
                }
                let pips = plus_pips.abs();
                if plus_pips > 0.0 {
                    words += &tell!(language; " plus {pips} pips"; " ditambah {pips} pip");
                } else if plus_pips < 0.0 {
                    words += &tell!(language; " minus {pips} pips"; " dikurangi {pips} pip");
                }
                words
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Condition {
    pub left: Source,
    pub operator: Operator,
    pub right: Operand,
}

/// The values of one operand at the previous and at the last closed bar.
pub(super) type Pair = (f64, f64);

impl Condition {
    /// "EMA 9 crosses above EMA 21", in a strategy of this timeframe.
    pub fn words(&self, own: Timeframe, language: Language) -> String {
        let left = self.left.words(own, language);
        let operator = self.operator.words(language);
        if self.operator == Operator::Rises {
            return format!("{left} {operator}");
        }
        let right = self.right.words(self.left, own, language);
        format!("{left} {operator} {right}")
    }

    pub fn sources(&self) -> impl Iterator<Item = Source> {
        [Some(self.left), self.right.source()].into_iter().flatten()
    }

    /// Whether the two never hold at the same bar: the same value above one level, and below it or a lower one.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let (above, below) = match (self.operator.level(), other.operator.level()) {
            (Some(Level::Above { .. }), Some(Level::Below { .. })) => (self, other),
            (Some(Level::Below { .. }), Some(Level::Above { .. })) => (other, self),
            _ => return false,
        };
        let touching = above.operator.level() == Some(Level::Above { or_at: true })
            && below.operator.level() == Some(Level::Below { or_at: true });
        above.left == below.left
            && match (above.right, below.right) {
                (Operand::Number(least), Operand::Number(most)) => {
                    most < least || (most <= least && !touching)
                }
                (one @ Operand::Series { .. }, other) => one == other && !touching,
                _ => false,
            }
    }

    /// What a bare number stands for here, which is then checked against the last close (R6).
    pub(super) fn bare_number(&self) -> BareNumber {
        let Source {
            series, timeframe, ..
        } = self.left;
        match (self.right, series.scale()) {
            (Operand::Series { .. }, _) => BareNumber::Any,
            (_, Scale::Price) => BareNumber::Price,
            (_, Scale::Difference) => {
                let most = plausible_share(timeframe);
                let least = if matches!(series, Series::Atr(_)) {
                    0.0
                } else {
                    -most
                };
                BareNumber::Difference { least, most }
            }
            _ => BareNumber::Any,
        }
    }
}

fn plausible_share(timeframe: Timeframe) -> f64 {
    // A week has 10,080 minutes.
    let minutes = u16::try_from(timeframe.minutes()).unwrap_or(u16::MAX);
    PLAUSIBLE_SHARE_OF_A_DAY * (f64::from(minutes) / 1_440.0).sqrt()
}

/// On which side of the right one the left side is at the last closed bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Above { or_at: bool },
    Below { or_at: bool },
}

/// What a bare number on the right side must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum BareNumber {
    Any,
    Price,
    /// A difference of prices, within these shares of the last close.
    Difference {
        least: f64,
        most: f64,
    },
}

impl BareNumber {
    /// The numbers that it can be when this was the last close; `None`: all.
    #[inline(always)]
    pub fn plausible(self, close: f64) -> Option<RangeInclusive<f64>> {
        match self {
            Self::Any => None,
            Self::Price => Some(close / PLAUSIBLE_FACTOR..=close * PLAUSIBLE_FACTOR),
            Self::Difference { least, most } => Some(close * least..=close * most),
        }
    }
}

/// The truth for these operand values; `None` when one of them is not a number, or when a bare number is not one of the
/// `plausible` ones.
#[inline(always)]
pub(super) fn truth(
    comparison: Comparison,
    left: Pair,
    right: Pair,
    plausible: Option<RangeInclusive<f64>>,
) -> Option<bool> {
    are_known(left, right, plausible).then(|| comparison.holds(left, right))
}

/// Whether all of them are numbers, and a bare number one of the `plausible` ones.
#[inline(always)]
pub(super) fn are_known(left: Pair, right: Pair, plausible: Option<RangeInclusive<f64>>) -> bool {
    are_finite([left.0, left.1, right.0, right.1])
        && plausible.is_none_or(|one| one.contains(&right.0) && one.contains(&right.1))
}

/// Times zero a finite number is zero and any other is none, which a sum keeps: one comparison for all of them.
#[inline(always)]
fn are_finite(values: [f64; 4]) -> bool {
    let [a, b, c, d] = values.map(|value| value * 0.0);
    !((a + b) + (c + d)).is_nan()
}

/// An operator made ready to be asked at every bar. Markets are as good as random to a processor that guesses how a comparison
/// comes out, so where an operator goes by the order of the two sides alone, its answers stand in a table.
#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    /// A bit for each order at the previous and at the last closed bar, at its [`place`].
    Orders(u16),
    Other(Operator),
}

impl Comparison {
    pub fn of(operator: Operator) -> Self {
        match operator {
            Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Less
            | Operator::LessOrEqual
            | Operator::CrossesAbove
            | Operator::CrossesBelow
            | Operator::WasAbove
            | Operator::WasBelow => {
                let sides = [-1.0, 0.0, 1.0];
                let pairs = sides.map(|before| sides.map(|last| (before, last)));
                let holding = pairs.as_flattened().iter();
                Self::Orders(
                    holding
                        .filter(|left| operator.holds(**left, (0.0, 0.0)))
                        .fold(0, |table, left| table | 1 << place(*left, (0.0, 0.0))),
                )
            }
            Operator::Equal
            | Operator::NotEqual
            | Operator::Inside
            | Operator::Outside
            | Operator::Rises => Self::Other(operator),
        }
    }

    #[inline(always)]
    fn holds(self, left: Pair, right: Pair) -> bool {
        match self {
            Self::Orders(table) => table >> place(left, right) & 1 == 1,
            Self::Other(operator) => operator.holds(left, right),
        }
    }
}

/// More than any [`place`].
pub(super) const ORDERS: usize = 16;

/// Which of the orders this is: below, even or above, at the previous and at the last closed bar.
#[inline(always)]
pub(super) fn place(left: Pair, right: Pair) -> u16 {
    let order = |left: f64, right: f64| u16::from(left > right) | u16::from(left < right) << 1;
    order(left.0, right.0) | order(left.1, right.1) << 2
}
