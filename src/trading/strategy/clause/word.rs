//! Every spelling of an operator, and what it asks for.

use super::super::condition::Operator;
use super::super::indicator::normalised;
use super::super::ledger::Node;
use super::super::reason::{Reason, Rule, quoted};
use crate::market::Side;

/// An operator as rules write it, before it is known what it is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
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

pub(super) fn read_word(node: &Node<'_>) -> Result<(Word, String), Reason> {
    let Some(operator) = node.child("condition").or_else(|| node.child("operator")) else {
        return Err(Reason::new(Rule::Conditions, &node.path, "has no operator"));
    };
    let name = operator.text().unwrap_or_default();
    let word = word_of(name);
    let also = node
        .child("operator")
        .filter(|also| also.path != operator.path);
    if let Some(also) = also
        && word_of(also.text().unwrap_or_default()) != word
    {
        return Err(Reason::new(
            Rule::Conditions,
            &also.path,
            format!("contradicts the condition {}", quoted(name)),
        ));
    }
    match word {
        Some(word) => Ok((word, quoted(name))),
        None => Err(Reason::new(
            Rule::UnknownName,
            &operator.path,
            format!("operator {} is not known to this program", quoted(name)),
        )),
    }
}
