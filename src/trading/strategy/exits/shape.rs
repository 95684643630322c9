//! When one level of the enhanced partial exits is due, in each of its four stored shapes; they are told apart by their keys.

use rust_decimal::Decimal;

use super::Distance;
use super::following::{Start, Trailing};
use super::level::When;
use super::read::{
    atr_period, bars, kind, minutes, percent, pips, ratio, time_of_day, use_keys, word,
};
use crate::strategy::filters::Session;
use crate::strategy::indicator::{LEVEL_BARS, normalised};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Rule, quoted};

/// The length of an ATR for which the stored shapes have no key.
const ATR_PERIOD: u32 = 14;

#[derive(Clone, Copy, Debug)]
pub(super) enum Due {
    When(When),
    /// The part is closed by a stop that trails it.
    Trailed(Trailing),
}

pub(super) fn read_due(reader: &mut Reader, level: &Node<'_>) -> Option<Due> {
    if let Some(trigger) = level.child("trigger") {
        return read_trigger(reader, &trigger).map(Due::When);
    }
    let trigger = word(level, "triggerType");
    if !trigger.is_empty() && level.child("triggerValue").is_some() {
        let text = "when the part is closed";
        use_keys(reader, level, &["triggerType"], text);
        return read_named(reader, level, &trigger, "triggerValue").map(Due::When);
    }
    if !trigger.is_empty() {
        return read_target(reader, level, &trigger);
    }
    let kind = kind(level);
    if kind.is_empty() {
        let text = "does not say when the part is closed";
        reader.refuse(&level.path, Rule::PartialExits, text);
        return None;
    }
    use_keys(reader, level, &["type"], "when the part is closed");
    read_named(reader, level, &kind, "value").map(Due::When)
}

/// A kind by name with its number under `key`.
fn read_named(reader: &mut Reader, node: &Node<'_>, kind: &str, key: &str) -> Option<When> {
    let when = match kind {
        "pips" | "fixed" => When::Pips(pips(reader, node, key)?),
        "percentage" | "percent" => When::Percent(percent(reader, node, key)?),
        "rr_ratio" | "rr" => When::Ratio(ratio(reader, node, key)?),
        "amount" => When::Amount(amount(reader, node, key)?),
        "atr" => {
            let key = if node.child("atrMultiplier").is_some() {
                "atrMultiplier"
            } else {
                key
            };
            let multiplier = ratio(reader, node, key)?;
            let period = atr_period(reader, node)?;
            let keys = [key, "atrPeriod", "period"];
            use_keys(reader, node, &keys, "when the part is closed");
            When::Atr {
                period,
                multiplier,
                against: false,
            }
        }
        "price" => When::Price(amount(reader, node, key)?),
        "time" | "duration" => read_duration(reader, node, key)?,
        other => return unknown(reader, node, other),
    };
    use_keys(reader, node, &[key], "when the part is closed");
    Some(when)
}

/// A number above zero: money, or a price.
fn amount(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    let number = reader.positive(node, key, Rule::PartialExits);
    if node.child(key).is_none() {
        let text = format!("has no \"{key}\"");
        reader.refuse(&node.path, Rule::PartialExits, text);
    }
    number
}

fn unknown<T>(reader: &mut Reader, node: &Node<'_>, kind: &str) -> Option<T> {
    let text = match kind {
        "profit" => "the unit of this profit is not stored (pips, percentage, rr_ratio or amount)"
            .to_owned(),
        "regime" => "a part by market regime cannot be followed".to_owned(),
        "swing" => "rules do not say how many bars make a swing".to_owned(),
        "trailing" => "the unit of this trailing distance is not stored".to_owned(),
        other => format!("a part by {} is not known", quoted(other)),
    };
    reader.refuse(&node.path, Rule::PartialExits, text);
    None
}

/// A duration whose unit is said; nothing stored says which one is meant without it.
fn read_duration(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<When> {
    let unit_key = if node.child("timeUnit").is_some() {
        "timeUnit"
    } else {
        "unit"
    };
    let each = match word(node, unit_key).as_str() {
        "minute" | "minutes" | "min" | "m" => 1,
        "hour" | "hours" | "h" => 60,
        "day" | "days" | "d" => 1_440,
        _ => {
            let text = "the unit of this duration is not stored (timeUnit: minutes, hours or days)";
            reader.refuse(&node.path, Rule::PartialExits, text);
            return None;
        }
    };
    let minutes = minutes(reader, node, key, each)?;
    use_keys(reader, node, &[key, unit_key], "when the part is closed");
    Some(When::After { minutes })
}

/// `trigger: {type, value, …}`.
fn read_trigger(reader: &mut Reader, trigger: &Node<'_>) -> Option<When> {
    let when = read_named(reader, trigger, &kind(trigger), "value")?;
    if let Some(operator) = trigger.child("operator") {
        let word = operator.text().map(normalised).unwrap_or_default();
        let rises = matches!(
            word.as_str(),
            "" | ">" | ">=" | "gt" | "gte" | "greater_than" | "greater_than_or_equal" | "above"
        );
        if !rises || matches!(when, When::Price(_)) {
            let text = "this comparison cannot be followed here";
            reader.refuse(&operator.path, Rule::PartialExits, text);
            return None;
        }
        reader.used(&operator, "when the part is closed");
    }
    use_keys(reader, trigger, &["type"], "when the part is closed");
    let other = ["timeUnit", "atrMultiplier", "trailingDistance", "regimes"];
    reader.child_informational(trigger, &other, "belongs to another trigger");
    Some(when)
}

/// `triggerType` with `profitTarget`, `timeTarget`, `priceTarget`, `atrTarget` or `trailingTarget`.
fn read_target(reader: &mut Reader, level: &Node<'_>, trigger: &str) -> Option<Due> {
    let key = match trigger {
        "profit" => "profitTarget",
        "time" => "timeTarget",
        "price" => "priceTarget",
        "atr" => "atrTarget",
        "trailing" => "trailingTarget",
        other => return unknown(reader, level, other),
    };
    let Some(target) = level.child(key) else {
        let text = format!("has no \"{key}\"");
        reader.refuse(&level.path, Rule::PartialExits, text);
        return None;
    };
    let due = match trigger {
        "profit" => Due::When(read_profit(reader, &target)?),
        "time" => Due::When(read_time(reader, &target)?),
        "price" => Due::When(read_price(reader, &target)?),
        "atr" => Due::When(read_atr(reader, &target)?),
        _ => Due::Trailed(read_trailed(reader, &target)?),
    };
    use_keys(reader, level, &["triggerType"], "when the part is closed");
    let others = [
        "profitTarget",
        "timeTarget",
        "priceTarget",
        "atrTarget",
        "trailingTarget",
        "regimeTarget",
    ];
    for other in others.into_iter().filter(|other| *other != key) {
        reader.child_informational(level, &[other], "belongs to another trigger");
    }
    Some(due)
}

fn read_profit(reader: &mut Reader, target: &Node<'_>) -> Option<When> {
    let kind = kind(target);
    let known = matches!(
        kind.as_str(),
        "pips" | "percentage" | "percent" | "rr_ratio" | "rr" | "amount"
    );
    if !known {
        return unknown(reader, target, &kind);
    }
    use_keys(reader, target, &["type"], "when the part is closed");
    read_named(reader, target, &kind, "value")
}

fn read_time(reader: &mut Reader, target: &Node<'_>) -> Option<When> {
    let when = match kind(target).as_str() {
        "duration" => read_duration(reader, target, "value")?,
        "specific_time" => When::TimeOfDay {
            minute: time_of_day(reader, target, "value")?,
        },
        "session_end" => {
            let session = match word(target, "sessionType").as_str() {
                "sydney" => Session::Sydney,
                "tokyo" => Session::Tokyo,
                "london" => Session::London,
                "newyork" => Session::NewYork,
                _ => {
                    let text = "does not name one session whose end is meant";
                    reader.refuse(&target.path, Rule::PartialExits, text);
                    return None;
                }
            };
            When::SessionEnd(session)
        }
        other => return unknown(reader, target, other),
    };
    let keys: &[&str] = match when {
        When::SessionEnd(_) => &["type", "sessionType"],
        _ => &["type", "value"],
    };
    use_keys(reader, target, keys, "when the part is closed, UTC");
    let other = ["value", "sessionType"];
    reader.child_informational(target, &other, "belongs to another kind of time");
    Some(when)
}

fn read_price(reader: &mut Reader, target: &Node<'_>) -> Option<When> {
    let (when, keys): (_, &[&str]) = match kind(target).as_str() {
        "absolute" => (When::Price(amount(reader, target, "value")?), &["value"]),
        "resistance" => {
            let bars = bars(reader, target, "lookback", LEVEL_BARS, 2)?;
            (When::Resistance { bars }, &["lookback"])
        }
        "support" => {
            let bars = bars(reader, target, "lookback", LEVEL_BARS, 2)?;
            (When::Support { bars }, &["lookback"])
        }
        "relative" => {
            let text = "the unit of a relative price is not stored";
            reader.refuse(&target.path, Rule::PartialExits, text);
            return None;
        }
        other => return unknown(reader, target, other),
    };
    use_keys(reader, target, &["type"], "when the part is closed");
    use_keys(reader, target, keys, "when the part is closed");
    let other = ["value", "lookback"];
    reader.child_informational(target, &other, "belongs to another kind of price");
    Some(when)
}

fn read_atr(reader: &mut Reader, target: &Node<'_>) -> Option<When> {
    let multiplier = ratio(reader, target, "multiplier")?;
    let against = match word(target, "direction").as_str() {
        "" | "profit" => false,
        "loss" => true,
        other => return unknown(reader, target, other),
    };
    let keys = ["multiplier", "direction"];
    use_keys(reader, target, &keys, "when the part is closed");
    Some(When::Atr {
        period: ATR_PERIOD,
        multiplier,
        against,
    })
}

fn read_trailed(reader: &mut Reader, target: &Node<'_>) -> Option<Trailing> {
    let distance = match word(target, "distanceType").as_str() {
        "" | "pips" => Distance::Pips(pips(reader, target, "distance")?),
        "percentage" => Distance::Percent(percent(reader, target, "distance")?),
        "atr" => Distance::Atr {
            period: ATR_PERIOD,
            multiplier: ratio(reader, target, "distance")?,
        },
        other => return unknown(reader, target, other),
    };
    let key = "activationPoint";
    let at_once = target
        .child(key)
        .is_none_or(|point| point.number() == Some(Decimal::ZERO));
    let start = match word(target, "activationType").as_str() {
        _ if at_once => Start::AfterParts,
        "" | "pips" => Start::AfterPartsAtProfit(Distance::Pips(pips(reader, target, key)?)),
        "percentage" => Start::AfterPartsAtProfit(Distance::Percent(percent(reader, target, key)?)),
        "rr_ratio" => Start::AfterPartsAtRatio(ratio(reader, target, key)?),
        other => return unknown(reader, target, other),
    };
    let keys = ["distance", "distanceType", key, "activationType"];
    use_keys(reader, target, &keys, "trails what is left");
    Some(Trailing {
        distance,
        min_pips: None,
        step_pips: Decimal::ONE,
        start,
    })
}
