//! A condition object on one timeframe: its operator, applied to its indicator, as comparisons.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::super::condition::{Condition, Operand, Operator};
use super::super::indicator::{Band, Named, Scale, Series, Source, read_source};
use super::super::ledger::Node;
use super::super::reason::{Reason, Rule, quoted};
use super::operands::{bollinger, candle, check_operands, has_length, may_be_a_length};
use super::word::Word;
use super::{Reading, VOLUME_BARS, check_timeframe, trend};
use crate::market::{Side, Timeframe};

/// Pips around a level that count as touching it, where rules name none.
const TOUCH_PIPS: f64 = 10.0;
/// A squeeze ended not longer ago than this many bars when the bands widen.
const SQUEEZE_ENDED: f64 = 5.0;

/// One condition object on one timeframe.
pub(super) struct Subject<'a, 'n> {
    pub node: &'a Node<'n>,
    pub indicator: &'a Node<'n>,
    /// The operator, quoted.
    pub said: &'a str,
    pub timeframe: Timeframe,
    pub own: Timeframe,
    pub numbers_are_averages: bool,
}

impl Subject<'_, '_> {
    pub fn read(&self, left: Named, word: Word, reading: &mut Reading) -> Result<(), Reason> {
        match (word, left) {
            (Word::Compare(operator), _) => self.compare(left, operator, reading),
            (Word::Between { inside }, _) => self.between(left, inside, reading),
            (Word::Touches(side), Named::Series(Series::Price)) => self.touch(side, reading),
            (Word::Candle(side), Named::Candle(timeframe)) => {
                check_timeframe(timeframe, self.own, &self.indicator.path)?;
                self.add(reading, candle(timeframe, side));
                Ok(())
            }
            (Word::Candle(side), Named::Series(Series::Price)) => {
                self.add(reading, candle(self.timeframe, side));
                Ok(())
            }
            (Word::Candle(side), Named::Trend(timeframe)) => {
                check_timeframe(timeframe, self.own, &self.indicator.path)?;
                self.add(reading, trend(timeframe, side));
                Ok(())
            }
            (Word::Squeeze(side), Named::Bands { period, deviations }) => {
                let line = |band| self.source(bollinger(period, deviations, band));
                self.add(
                    reading,
                    Condition {
                        left: line(Band::SinceNarrowest),
                        operator: Operator::WasBelow,
                        right: Operand::Number(SQUEEZE_ENDED),
                    },
                );
                self.add(
                    reading,
                    Condition {
                        left: line(Band::Width),
                        operator: Operator::Rises,
                        right: Operand::Number(0.0),
                    },
                );
                let outside = match side {
                    Side::Buy => (Operator::Greater, Band::Upper),
                    Side::Sell => (Operator::Less, Band::Lower),
                };
                self.add(
                    reading,
                    Condition {
                        left: self.source(Series::Price),
                        operator: outside.0,
                        right: Operand::of(line(outside.1)),
                    },
                );
                Ok(())
            }
            (Word::BreaksBand(side), Named::Bands { period, deviations }) => {
                self.break_band(side, period, deviations, reading)
            }
            (Word::Histogram(side), Named::Series(series)) => {
                let (Series::Macd { fast, slow, signal }
                | Series::MacdHistogram { fast, slow, signal }) = series
                else {
                    return Err(self.does_not_apply());
                };
                let operator = match side {
                    Side::Buy => Operator::Greater,
                    Side::Sell => Operator::Less,
                };
                self.add(
                    reading,
                    Condition {
                        left: self.source(Series::MacdHistogram { fast, slow, signal }),
                        operator,
                        right: Operand::Number(0.0),
                    },
                );
                Ok(())
            }
            (Word::KCrossesD(side), Named::Series(Series::StochasticK { k, slowing, d })) => {
                self.k_crosses_d(side, (k, slowing, d), reading)
            }
            _ => Err(self.does_not_apply()),
        }
    }

    fn add(&self, reading: &mut Reading, condition: Condition) {
        reading.conditions.push(condition);
    }

    fn source(&self, series: Series) -> Source {
        Source::new(series, self.timeframe)
    }

    fn does_not_apply(&self) -> Reason {
        Reason::new(
            Rule::UnknownName,
            &self.node.path,
            format!(
                "{} says nothing about {}",
                self.said,
                quoted(self.indicator.text().unwrap_or_default())
            ),
        )
    }

    /// The left side of a plain comparison.
    fn left(&self, named: Named) -> Result<Source, Reason> {
        match named {
            Named::Series(series) => Ok(self.source(series)),
            Named::Level(source) => {
                check_timeframe(source.timeframe, self.own, &self.indicator.path)?;
                Ok(source)
            }
            Named::Bands { .. } => Err(Reason::new(
                Rule::AmbiguousOperand,
                &self.indicator.path,
                "the Bollinger bands have several lines; name one: bollinger_upper, bollinger_middle or bollinger_lower",
            )),
            Named::AverageVolume { .. } | Named::Candle(_) | Named::Trend(_) => {
                Err(self.does_not_apply())
            }
        }
    }

    fn compare(
        &self,
        left: Named,
        operator: Operator,
        reading: &mut Reading,
    ) -> Result<(), Reason> {
        let left = self.left(left)?;
        let right = self.right(left, reading)?;
        check_operands(self.node, self.own, left, right)?;
        self.add(
            reading,
            Condition {
                left,
                operator,
                right,
            },
        );
        Ok(())
    }

    /// The form's "EMA 20 crosses above 50", where the trader said here that 50 is a length (R6).
    fn average_of(&self, left: Series, number: f64) -> Option<Series> {
        let period = Decimal::try_from(number)
            .ok()
            .filter(|_| self.numbers_are_averages && may_be_a_length(number))
            .and_then(|number| number.to_u32())?;
        match left {
            Series::Ema(_) => Some(Series::Ema(period)),
            Series::Sma(_) => Some(Series::Sma(period)),
            _ => None,
        }
    }

    fn right(&self, left: Source, reading: &mut Reading) -> Result<Operand, Reason> {
        let (value, compared) = (
            self.node.child("value"),
            self.node.child("compareIndicator"),
        );
        let (name, period_key) = match (value, compared) {
            (Some(_), Some(_)) => {
                return Err(Reason::new(
                    Rule::AmbiguousOperand,
                    &self.node.path,
                    "has both \"value\" and \"compareIndicator\"",
                ));
            }
            (None, None) => {
                return Err(Reason::new(
                    Rule::MissingValue,
                    &format!("{}.value", self.node.path),
                    format!("{} is compared with nothing", left.name(self.own)),
                ));
            }
            (None, Some(compared)) => {
                reading.keys.push("compareIndicator");
                reading.lengths.push("comparePeriod");
                (compared, "comparePeriod")
            }
            (Some(value), None) => {
                reading.keys.push("value");
                if let Some(number) = value.number().and_then(|number| number.to_f64()) {
                    let meant = self.average_of(left.series, number);
                    return Ok(meant.map_or(Operand::Number(number), |series| {
                        Operand::of(self.source(series))
                    }));
                }
                // The length belongs to the left side where that has one.
                let own = has_length(left.series);
                (value, if own { "comparePeriod" } else { "period" })
            }
        };
        let mut times = 1.0;
        let source = match read_source(&name, self.node, period_key, &mut reading.keys)? {
            Named::Series(series) => {
                reading.lengths.push(period_key);
                self.source(series)
            }
            Named::AverageVolume { times: factor } => {
                times = factor;
                self.source(Series::VolumeSma(VOLUME_BARS))
            }
            Named::Level(source) => {
                check_timeframe(source.timeframe, self.own, &name.path)?;
                source
            }
            Named::Bands { .. } | Named::Candle(_) | Named::Trend(_) => {
                return Err(Reason::new(
                    Rule::AmbiguousOperand,
                    &name.path,
                    format!(
                        "{} is not one line that can be compared with",
                        quoted(name.text().unwrap_or_default())
                    ),
                ));
            }
        };
        if let Some(factor) = self.positive("multiplier")? {
            reading.keys.push("multiplier");
            times *= factor;
        }
        Ok(Operand::Series {
            source,
            times,
            plus_pips: 0.0,
        })
    }

    fn between(&self, left: Named, inside: bool, reading: &mut Reading) -> Result<(), Reason> {
        let left = self.left(left)?;
        let value = self.node.child("value").and_then(|value| value.items());
        let bounds: Vec<f64> = value
            .iter()
            .flatten()
            .filter_map(|bound| bound.number().and_then(|number| number.to_f64()))
            .collect();
        let [low, high] = bounds[..] else {
            return Err(Reason::new(
                Rule::MissingValue,
                &format!("{}.value", self.node.path),
                "needs two numbers, [low, high]",
            ));
        };
        if low >= high {
            return Err(Reason::new(
                Rule::AmbiguousOperand,
                &format!("{}.value", self.node.path),
                format!("{low} is not below {high}"),
            ));
        }
        reading.keys.push("value");
        for bound in [low, high] {
            check_operands(self.node, self.own, left, Operand::Number(bound))?;
        }
        let operator = if inside {
            Operator::Inside
        } else {
            Operator::Outside
        };
        self.add(
            reading,
            Condition {
                left,
                operator,
                right: Operand::Range { low, high },
            },
        );
        Ok(())
    }

    /// The bar's low (high) comes within the tolerance of the level, and the bar closes above (below) the level and its own
    /// open.
    fn touch(&self, side: Side, reading: &mut Reading) -> Result<(), Reason> {
        let price = self.source(Series::Price);
        let level = self.right(price, reading)?;
        let Operand::Series { source, times, .. } = level else {
            return Err(Reason::new(
                Rule::AmbiguousOperand,
                &format!("{}.value", self.node.path),
                "a bounce needs a line or a level, not a number",
            ));
        };
        if source.series.scale() != Scale::Price {
            return Err(Reason::new(
                Rule::AmbiguousOperand,
                &format!("{}.value", self.node.path),
                format!("{} is not a price", source.name(self.own)),
            ));
        }
        let pips = self.positive("tolerance")?.unwrap_or(TOUCH_PIPS);
        reading.keys.push("tolerance");
        let at = |plus_pips| Operand::Series {
            source,
            times,
            plus_pips,
        };
        let (extreme, beyond) = match side {
            Side::Buy => (Series::Low, Operator::Greater),
            Side::Sell => (Series::High, Operator::Less),
        };
        let extreme = self.source(extreme);
        for (left, operator, right) in [
            (extreme, Operator::GreaterOrEqual, at(-pips)),
            (extreme, Operator::LessOrEqual, at(pips)),
            (price, beyond, at(0.0)),
            (price, beyond, Operand::of(self.source(Series::Open))),
        ] {
            self.add(
                reading,
                Condition {
                    left,
                    operator,
                    right,
                },
            );
        }
        Ok(())
    }

    fn break_band(
        &self,
        side: Side,
        period: u32,
        deviations: u32,
        reading: &mut Reading,
    ) -> Result<(), Reason> {
        let pips = self.positive("minBreakPips")?.unwrap_or(0.0);
        reading.keys.push("minBreakPips");
        let (operator, band, plus_pips) = match side {
            Side::Buy => (Operator::CrossesAbove, Band::Upper, pips),
            Side::Sell => (Operator::CrossesBelow, Band::Lower, -pips),
        };
        self.add(
            reading,
            Condition {
                left: self.source(Series::Price),
                operator,
                right: Operand::Series {
                    source: self.source(bollinger(period, deviations, band)),
                    times: 1.0,
                    plus_pips,
                },
            },
        );
        Ok(())
    }

    fn k_crosses_d(
        &self,
        side: Side,
        (k, slowing, d): (u32, u32, u32),
        reading: &mut Reading,
    ) -> Result<(), Reason> {
        let series = Series::StochasticK { k, slowing, d };
        let left = self.source(series);
        let (crosses, was) = match side {
            Side::Buy => (Operator::CrossesAbove, Operator::WasBelow),
            Side::Sell => (Operator::CrossesBelow, Operator::WasAbove),
        };
        self.add(
            reading,
            Condition {
                left,
                operator: crosses,
                right: Operand::of(self.source(Series::StochasticD { k, slowing, d })),
            },
        );
        if let Some(level) = self.positive("fromLevel")? {
            reading.keys.push("fromLevel");
            let right = Operand::Number(level);
            check_operands(self.node, self.own, left, right)?;
            self.add(
                reading,
                Condition {
                    left,
                    operator: was,
                    right,
                },
            );
        }
        Ok(())
    }

    fn positive(&self, key: &str) -> Result<Option<f64>, Reason> {
        let Some(node) = self.node.child(key) else {
            return Ok(None);
        };
        let number = node
            .number()
            .filter(|number| *number > Decimal::ZERO)
            .and_then(|number| number.to_f64());
        number
            .map(Some)
            .ok_or_else(|| Reason::new(Rule::NotANumber, &node.path, "is not a number above zero"))
    }
}
