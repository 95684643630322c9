//! Reading a stored condition object: its operator's meaning in comparisons, its nested `and`, its timeframe, and what each
//! of its keys became. `docs/rules.md` has the same table of operators in words.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::condition::{Condition, Operand, Operator};
use super::indicator::{Band, Named, Scale, Series, Source, normalised, read_source};
use super::ledger::{Node, Reader};
use super::reason::{Reason, Rule, quoted};
use crate::market::{Side, Timeframe};

/// How deep `and` may nest.
const DEEPEST: usize = 8;
/// Bars of the average that a volume is confirmed by.
const VOLUME_BARS: u32 = 20;
/// Pips around a level that count as touching it, where rules name none.
const TOUCH_PIPS: f64 = 10.0;
/// The fast and the slow average of a trend.
const TREND: (u32, u32) = (20, 50);
/// A squeeze ended not longer ago than this many bars when the bands widen.
const SQUEEZE_ENDED: f64 = 5.0;

/// What the reader of conditions must know about the strategy.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub timeframe: Timeframe,
    /// Where a condition is looked at when it names no timeframe itself: the strategy's, or a confirmation's.
    pub on: Timeframe,
    /// The factor on the average volume that confirms a break.
    pub volume_factor: f64,
}

/// An operator as rules write it, before it is known what it is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Compare(Operator),
    Between {
        inside: bool,
    },
    /// The bar touches the level and closes back on this side.
    Touches(Side),
    Squeeze(Side),
    Candle(Side),
    BreaksBand(Side),
    Histogram(Side),
    KCrossesD(Side),
}

/// Every spelling found in stored rules, the form, the AI writer and the other executors (contract §6.2).
fn word_of(name: &str) -> Option<Word> {
    use Operator as Op;
    Some(match normalised(name).as_str() {
        "greater_than" | "gt" | ">" | "above" => Word::Compare(Op::Greater),
        "greater_than_or_equal" | "greater_or_equal" | "gte" | ">=" => {
            Word::Compare(Op::GreaterOrEqual)
        }
        "less_than" | "lt" | "<" | "below" => Word::Compare(Op::Less),
        "less_than_or_equal" | "less_or_equal" | "lte" | "<=" => Word::Compare(Op::LessOrEqual),
        "equals" | "equal" | "eq" | "==" | "=" => Word::Compare(Op::Equal),
        "not_equals" | "not_equal" | "ne" | "!=" => Word::Compare(Op::NotEqual),
        "crosses_above" | "breaks_above" => Word::Compare(Op::CrossesAbove),
        "crosses_below" | "breaks_below" => Word::Compare(Op::CrossesBelow),
        "between" => Word::Between { inside: true },
        "outside" => Word::Between { inside: false },
        "bounces_from" => Word::Touches(Side::Buy),
        "rejects_from" => Word::Touches(Side::Sell),
        "squeeze_expansion_up" => Word::Squeeze(Side::Buy),
        "squeeze_expansion_down" => Word::Squeeze(Side::Sell),
        "bullish" => Word::Candle(Side::Buy),
        "bearish" => Word::Candle(Side::Sell),
        "price_breaks_upper" => Word::BreaksBand(Side::Buy),
        "price_breaks_lower" => Word::BreaksBand(Side::Sell),
        "histogram_positive" => Word::Histogram(Side::Buy),
        "histogram_negative" => Word::Histogram(Side::Sell),
        "k_crosses_above_d" => Word::KCrossesD(Side::Buy),
        "k_crosses_below_d" => Word::KCrossesD(Side::Sell),
        _ => return None,
    })
}

/// Reads a condition object with its nested `and`; all of the result must hold. The keys are settled only when the
/// whole of it is understood.
pub(super) fn read_condition(
    reader: &mut Reader,
    node: &Node<'_>,
    context: Context,
) -> Result<Vec<Condition>, Reason> {
    let mut conditions = Vec::new();
    let mut next = Some(node.clone());
    let mut depth = 0;
    while let Some(node) = next {
        if depth == DEEPEST {
            return Err(Reason::new(
                Rule::Conditions,
                &node.path,
                format!("\"and\" nests deeper than {DEEPEST}"),
            ));
        }
        depth += 1;
        conditions.extend(read_one(reader, &node, context)?);
        next = node.child("and");
    }
    Ok(conditions)
}

/// Comparisons, and the keys that said them.
#[derive(Default)]
struct Reading {
    conditions: Vec<Condition>,
    keys: Vec<&'static str>,
}

fn read_one(
    reader: &mut Reader,
    node: &Node<'_>,
    context: Context,
) -> Result<Vec<Condition>, Reason> {
    if !node.value.is_object() {
        return Err(Reason::new(
            Rule::Conditions,
            &node.path,
            "is not a condition",
        ));
    }
    let Some(indicator) = node.child("indicator") else {
        return Err(Reason::new(
            Rule::Conditions,
            &node.path,
            "names no indicator",
        ));
    };
    let (word, said) = read_word(node)?;
    let mut reading = Reading::default();
    for timeframe in timeframes(node, context)? {
        let subject = Subject {
            node,
            indicator: &indicator,
            said: &said,
            timeframe,
            own: context.timeframe,
        };
        let left = read_source(&indicator, node, "period")?;
        subject.read(left, word, &mut reading)?;
    }
    if node
        .child("volumeConfirmation")
        .and_then(|flag| flag.flag())
        == Some(true)
    {
        reading.keys.push("volumeConfirmation");
        reading.conditions.push(Condition {
            left: Source::new(Series::Volume, context.timeframe),
            operator: Operator::Greater,
            right: Operand::Series {
                source: Source::new(Series::VolumeSma(VOLUME_BARS), context.timeframe),
                times: context.volume_factor,
                plus_pips: 0.0,
            },
        });
    }
    settle(reader, node, &reading, context)?;
    Ok(reading.conditions)
}

fn settle(
    reader: &mut Reader,
    node: &Node<'_>,
    reading: &Reading,
    context: Context,
) -> Result<(), Reason> {
    let words: Vec<String> = reading
        .conditions
        .iter()
        .map(|condition| condition.words(context.timeframe))
        .collect();
    let words = words.join(" and ");
    let always = [
        "indicator",
        "condition",
        "operator",
        "timeframe",
        "timeframes",
    ];
    for key in always.iter().chain(&reading.keys) {
        if let Some(child) = node.child(key) {
            reader.used(&child, words.clone());
        }
    }
    // The form writes a period of 14 beside every name that has its own (R5).
    let text = "the name says its own length, or has none";
    reader.child_informational(node, &["period"], text);
    reader.child_informational(node, &["description", "name", "id"], "a note to people");
    if !reading.keys.contains(&"value") {
        reader.child_informational(node, &["value"], "the operator needs no value");
    }
    if let Some(free) = node.child("confirmation") {
        reader.skip(Reason::new(
            Rule::UnknownName,
            &free.path,
            "is free text, which no program can follow",
        ));
    }
    match reader.first_unread(node, &["and", "enabled"]) {
        None => Ok(()),
        Some(unread) => Err(Reason::new(
            Rule::UnknownName,
            &unread,
            "changes the condition in a way that is not known",
        )),
    }
}

fn read_word(node: &Node<'_>) -> Result<(Word, String), Reason> {
    let Some(operator) = node.child("condition").or_else(|| node.child("operator")) else {
        return Err(Reason::new(Rule::Conditions, &node.path, "has no operator"));
    };
    let name = operator.text().unwrap_or_default();
    match word_of(name) {
        Some(word) => Ok((word, quoted(name))),
        None => Err(Reason::new(
            Rule::UnknownName,
            &operator.path,
            format!("operator {} is not known to this program", quoted(name)),
        )),
    }
}

/// The timeframes on which the condition must hold: its own keys', else the strategy's.
fn timeframes(node: &Node<'_>, context: Context) -> Result<Vec<Timeframe>, Reason> {
    let own = context.timeframe;
    let mut wanted: Vec<Node<'_>> = node.child("timeframe").into_iter().collect();
    if let Some(several) = node.child("timeframes") {
        wanted.extend(several.items().unwrap_or_else(|| vec![several.clone()]));
    }
    let mut read = Vec::new();
    for node in wanted {
        let shown = node
            .text()
            .map_or_else(|| node.value.to_string(), str::to_owned);
        let Some(timeframe) = node.text().and_then(|text| text.parse::<Timeframe>().ok()) else {
            return Err(Reason::new(
                Rule::UnknownName,
                &node.path,
                format!("timeframe {} is not known", quoted(&shown)),
            ));
        };
        check_timeframe(timeframe, own, &node.path)?;
        if !read.contains(&timeframe) {
            read.push(timeframe);
        }
    }
    if read.is_empty() {
        check_timeframe(context.on, own, &node.path)?;
        read.push(context.on);
    }
    Ok(read)
}

/// Within a bar of the strategy several shorter bars close, and rules do not say which one counts.
fn check_timeframe(timeframe: Timeframe, own: Timeframe, path: &str) -> Result<(), Reason> {
    if timeframe >= own {
        return Ok(());
    }
    Err(Reason::new(
        Rule::UnknownName,
        path,
        format!("asks for {timeframe}, which is shorter than the strategy's {own}"),
    ))
}

/// One condition object on one timeframe.
struct Subject<'a, 'n> {
    node: &'a Node<'n>,
    indicator: &'a Node<'n>,
    /// The operator, quoted.
    said: &'a str,
    timeframe: Timeframe,
    own: Timeframe,
}

impl Subject<'_, '_> {
    fn read(&self, left: Named, word: Word, reading: &mut Reading) -> Result<(), Reason> {
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
                reading.keys.extend(["period", "stdDev"]);
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
                reading
                    .keys
                    .extend(["fastPeriod", "slowPeriod", "signalPeriod"]);
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

    /// The left side of a plain comparison, with the keys that it took.
    fn left(&self, named: Named, reading: &mut Reading) -> Result<Source, Reason> {
        match named {
            Named::Series(series) => {
                reading.keys.extend(parameters(series));
                Ok(self.source(series))
            }
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
        let left = self.left(left, reading)?;
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
                reading.keys.extend(["compareIndicator", "comparePeriod"]);
                (compared, "comparePeriod")
            }
            (Some(value), None) => {
                reading.keys.push("value");
                if let Some(number) = value.number().and_then(|number| number.to_f64()) {
                    return Ok(Operand::Number(number));
                }
                // The length belongs to the left side where that has one.
                let own = parameters(left.series).contains(&"period");
                (value, if own { "comparePeriod" } else { "period" })
            }
        };
        let mut times = 1.0;
        let source = match read_source(&name, self.node, period_key)? {
            Named::Series(series) => {
                reading.keys.extend(parameters(series));
                reading.keys.push(period_key_of(period_key));
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
        let left = self.left(left, reading)?;
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
        reading.keys.extend(["period", "stdDev", "minBreakPips"]);
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
        reading.keys.extend(["kPeriod", "dPeriod", "slowing"]);
        let left = self.source(Series::StochasticK { k, slowing, d });
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

fn period_key_of(key: &str) -> &'static str {
    if key == "period" {
        "period"
    } else {
        "comparePeriod"
    }
}

/// The keys beside an indicator's name that say its lengths.
const fn parameters(series: Series) -> &'static [&'static str] {
    match series {
        Series::Ema(_)
        | Series::Sma(_)
        | Series::VolumeSma(_)
        | Series::Rsi(_)
        | Series::Atr(_)
        | Series::Adx(_)
        | Series::Cci(_)
        | Series::WilliamsR(_)
        | Series::Resistance(_)
        | Series::Support(_) => &["period"],
        Series::Bollinger { .. } => &["period", "stdDev"],
        Series::Macd { .. } | Series::MacdSignal { .. } | Series::MacdHistogram { .. } => {
            &["fastPeriod", "slowPeriod", "signalPeriod"]
        }
        Series::StochasticK { .. } | Series::StochasticD { .. } => {
            &["kPeriod", "dPeriod", "slowing"]
        }
        Series::Open
        | Series::High
        | Series::Low
        | Series::Price
        | Series::Volume
        | Series::Sar
        | Series::Vwap
        | Series::Ichimoku(_) => &[],
    }
}

const fn bollinger(period: u32, deviations: u32, band: Band) -> Series {
    Series::Bollinger {
        period,
        deviations,
        band,
    }
}

fn candle(timeframe: Timeframe, side: Side) -> Condition {
    Condition {
        left: Source::new(Series::Price, timeframe),
        operator: above(side),
        right: Operand::of(Source::new(Series::Open, timeframe)),
    }
}

/// A trend is up while the average of 20 bars is above that of 50.
pub(super) fn trend(timeframe: Timeframe, side: Side) -> Condition {
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

/// Refuses comparisons that cannot mean what they say (R6).
fn check_operands(
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
            if left.series != Series::Price
                && (2.0..=400.0).contains(&number)
                && number.fract().abs() < f64::EPSILON =>
        {
            ambiguous(format!(
                "{name} against {number} may mean the price {number} or a moving average of {number} bars; name the average (\"ema_{number}\") or the exact price"
            ))
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
