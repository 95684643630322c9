//! One comparison: a series, an operator, and a number or another series. Its truth has three values; what cannot be
//! known is `None`, and `None` is never treated as true.

use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use super::indicator::{Scale, Series, normalised, read_series};
use super::ledger::{Node, Reader};
use super::reason::{Reason, Rule, quoted};
use crate::market::{Side, Timeframe};

/// A level further than this factor from the last close cannot be a price of the symbol (R6).
const PLAUSIBLE_FACTOR: f64 = 5.0;

/// How deep `and` may nest.
const DEEPEST: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Operator {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// At or below at the previous closed bar, above at this one.
    CrossesAbove,
    /// At or above at the previous closed bar, below at this one.
    CrossesBelow,
}

impl Operator {
    /// Every spelling found in stored rules, the form, the AI writer and the other executors.
    fn from_name(name: &str) -> Option<Self> {
        Some(match normalised(name).as_str() {
            "greater_than" | "gt" | ">" | "above" => Self::Greater,
            "greater_than_or_equal" | "greater_or_equal" | "gte" | ">=" => Self::GreaterOrEqual,
            "less_than" | "lt" | "<" | "below" => Self::Less,
            "less_than_or_equal" | "less_or_equal" | "lte" | "<=" => Self::LessOrEqual,
            "crosses_above" => Self::CrossesAbove,
            "crosses_below" => Self::CrossesBelow,
            _ => return None,
        })
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::Greater => "is above",
            Self::GreaterOrEqual => "is at or above",
            Self::Less => "is below",
            Self::LessOrEqual => "is at or below",
            Self::CrossesAbove => "crosses above",
            Self::CrossesBelow => "crosses below",
        }
    }

    /// The same comparison the other way round.
    pub(super) const fn mirrored(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::CrossesAbove => Self::CrossesBelow,
            Self::CrossesBelow => Self::CrossesAbove,
        }
    }

    /// The direction of a market in which the left side leads.
    pub(super) const fn points(self) -> Side {
        match self {
            Self::Greater | Self::GreaterOrEqual | Self::CrossesAbove => Side::Buy,
            Self::Less | Self::LessOrEqual | Self::CrossesBelow => Side::Sell,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Operand {
    Number(f64),
    Series(Series),
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Condition {
    pub left: Series,
    pub operator: Operator,
    pub right: Operand,
}

/// The values of one operand at the previous and at the last closed bar.
pub(super) type Pair = (f64, f64);

impl Condition {
    /// "EMA 9 crosses above EMA 21".
    pub fn words(&self) -> String {
        let right = match self.right {
            Operand::Number(number) => number.to_string(),
            Operand::Series(series) => series.name(),
        };
        format!("{} {} {right}", self.left.name(), self.operator.words())
    }

    pub fn series(&self) -> impl Iterator<Item = Series> {
        let right = match self.right {
            Operand::Series(series) => Some(series),
            Operand::Number(_) => None,
        };
        [Some(self.left), right].into_iter().flatten()
    }

    /// The truth for these operand values; `None` when one of them is not a number or cannot be meant.
    pub(super) fn truth(&self, left: Pair, right: Pair, close: f64) -> Option<bool> {
        let values = [left.0, left.1, right.0, right.1];
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        if let Operand::Number(level) = self.right
            && self.left.scale() == Scale::Price
            && !(close / PLAUSIBLE_FACTOR..=close * PLAUSIBLE_FACTOR).contains(&level)
        {
            return None;
        }
        Some(match self.operator {
            Operator::Greater => left.1 > right.1,
            Operator::GreaterOrEqual => left.1 >= right.1,
            Operator::Less => left.1 < right.1,
            Operator::LessOrEqual => left.1 <= right.1,
            Operator::CrossesAbove => left.0 <= right.0 && left.1 > right.1,
            Operator::CrossesBelow => left.0 >= right.0 && left.1 < right.1,
        })
    }
}

/// Reads a condition object with its nested `and`; all of the result must hold. The keys are settled only when the
/// whole of it is understood.
pub(super) fn read_condition(
    reader: &mut Reader,
    node: &Node<'_>,
    timeframe: Timeframe,
) -> Result<Vec<Condition>, Reason> {
    let mut conditions = Vec::new();
    let mut next = Some(node.clone());
    while let Some(node) = next {
        if conditions.len() >= DEEPEST {
            return Err(Reason::new(
                Rule::Conditions,
                &node.path,
                format!("\"and\" nests deeper than {DEEPEST}"),
            ));
        }
        conditions.push(read_one(reader, &node, timeframe)?);
        next = node.child("and");
    }
    Ok(conditions)
}

fn read_one(
    reader: &mut Reader,
    node: &Node<'_>,
    timeframe: Timeframe,
) -> Result<Condition, Reason> {
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
    let left = read_series(&indicator, node, "period")?;
    let operator = read_operator(node)?;
    let right = read_right(node, left)?;
    check_timeframe(node, timeframe)?;
    check_operands(node, left, right)?;

    let condition = Condition {
        left,
        operator,
        right,
    };
    let words = condition.words();
    for key in [
        "indicator",
        "condition",
        "operator",
        "value",
        "compareIndicator",
        "comparePeriod",
        "timeframe",
        "timeframes",
    ] {
        if let Some(child) = node.child(key) {
            reader.used(&child, words.clone());
        }
    }
    settle_period(reader, node, left);
    reader.child_informational(node, &["description", "name", "id"], "a note to people");
    if let Some(unread) = reader.first_unread(node, &["and", "enabled"]) {
        return Err(Reason::new(
            Rule::UnknownName,
            &unread,
            "changes the condition in a way that is not known",
        ));
    }
    Ok(condition)
}

fn settle_period(reader: &mut Reader, node: &Node<'_>, left: Series) {
    let Some(period) = node.child("period") else {
        return;
    };
    let own = period.number().and_then(|number| number.to_u32());
    match left {
        Series::Ema(used) | Series::Sma(used) | Series::Rsi(used) | Series::Atr(used) => {
            if own == Some(used) {
                reader.used(&period, left.name());
            } else {
                reader.informational(&period, format!("the name says {used}, which counts"));
            }
        }
        Series::Price | Series::Macd { .. } | Series::MacdSignal { .. } => {
            reader.informational(&period, format!("{} has no single period", left.name()));
        }
    }
}

fn read_operator(node: &Node<'_>) -> Result<Operator, Reason> {
    let Some(operator) = node.child("condition").or_else(|| node.child("operator")) else {
        return Err(Reason::new(Rule::Conditions, &node.path, "has no operator"));
    };
    let name = operator.text().unwrap_or_default();
    Operator::from_name(name).ok_or_else(|| {
        Reason::new(
            Rule::UnknownName,
            &operator.path,
            format!("operator {} is not known to this program", quoted(name)),
        )
    })
}

fn read_right(node: &Node<'_>, left: Series) -> Result<Operand, Reason> {
    if let Some(series) = node.child("compareIndicator") {
        if node.child("value").is_some() {
            return Err(Reason::new(
                Rule::AmbiguousOperand,
                &node.path,
                "has both \"value\" and \"compareIndicator\"",
            ));
        }
        return read_series(&series, node, "comparePeriod").map(Operand::Series);
    }
    let Some(value) = node.child("value") else {
        return Err(Reason::new(
            Rule::MissingValue,
            &format!("{}.value", node.path),
            format!("{} is compared with nothing", left.name()),
        ));
    };
    if let Some(number) = value.number().and_then(|number| number.to_f64()) {
        return Ok(Operand::Number(number));
    }
    // A name on the right has no period of its own: the `period` key belongs to the left side.
    read_series(&value, node, "comparePeriod").map(Operand::Series)
}

fn check_timeframe(node: &Node<'_>, timeframe: Timeframe) -> Result<(), Reason> {
    let mut wanted: Vec<Node<'_>> = node.child("timeframe").into_iter().collect();
    if let Some(several) = node.child("timeframes") {
        wanted.extend(several.items().unwrap_or_else(|| vec![several.clone()]));
    }
    for node in wanted {
        let same = node
            .text()
            .and_then(|text| text.parse::<Timeframe>().ok())
            .is_some_and(|own| own == timeframe);
        if !same {
            let shown = node
                .text()
                .map_or_else(|| node.value.to_string(), str::to_owned);
            return Err(Reason::new(
                Rule::UnknownName,
                &node.path,
                format!(
                    "asks for the timeframe {}; conditions on another timeframe than the strategy's {timeframe} cannot be followed yet",
                    quoted(&shown)
                ),
            ));
        }
    }
    Ok(())
}

/// Refuses comparisons that cannot mean what they say (R6).
fn check_operands(node: &Node<'_>, left: Series, right: Operand) -> Result<(), Reason> {
    let ambiguous = |text: String| {
        Err(Reason::new(
            Rule::AmbiguousOperand,
            &format!("{}.value", node.path),
            text,
        ))
    };
    let name = left.name();
    match (left.scale(), right) {
        (_, Operand::Series(other)) if other == left => {
            ambiguous(format!("{name} is compared with itself"))
        }
        (scale, Operand::Series(other)) if other.scale() != scale => ambiguous(format!(
            "{name} and {} are numbers of different kinds",
            other.name()
        )),
        (Scale::Price, Operand::Number(number)) if number <= 0.0 => {
            ambiguous(format!("{number} cannot be a price"))
        }
        (Scale::Price, Operand::Number(number))
            if left != Series::Price
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
        _ => Ok(()),
    }
}
