//! Reading single values of exits: distances, multiples, whole numbers, times of day.

use rust_decimal::Decimal;

use super::Distance;
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Rule, quoted};

/// The usual ATR length where rules name none.
const ATR_PERIOD: u32 = 14;
/// More bars than this are a mistake.
const MOST_BARS: u32 = 1_000;
/// A stop or a target further away than this many pips, or this many times the stop, is a mistake.
const MOST_PIPS: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
const MOST_RATIO: Decimal = Decimal::from_parts(1_000, 0, 0, false, 0);
/// A longest holding time beyond this many minutes (ten years) is a mistake.
const MOST_MINUTES: Decimal = Decimal::from_parts(5_256_000, 0, 0, false, 0);

pub(super) fn distance(reader: &mut Reader, node: &Node<'_>) -> Option<Distance> {
    match kind(node).as_str() {
        "pips" | "fixed" => pips(reader, node, "value").map(Distance::Pips),
        "percentage" | "percent" => percent(reader, node, "value").map(Distance::Percent),
        "atr" => {
            let multiplier = ratio(reader, node, "value")?;
            let period = atr_period(reader, node)?;
            Some(Distance::Atr { period, multiplier })
        }
        "atr_based" => {
            let multiplier = ratio(reader, node, "atrMultiplier")?;
            let period = atr_period(reader, node)?;
            Some(Distance::Atr { period, multiplier })
        }
        other => {
            let text = format!("a distance of type {} is not known", quoted(other));
            reader.refuse(&node.path, Rule::Exits, text);
            None
        }
    }
}

pub(super) fn pips(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    within(reader, node, key, MOST_PIPS, |pips| {
        format!("{pips} pips are too many")
    })
}

/// An optional distance in pips; one of zero asks for nothing.
pub(super) fn optional_pips(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    let child = node.child(key)?;
    if child.number() == Some(Decimal::ZERO) {
        reader.informational(&child, "zero asks for nothing");
        return None;
    }
    pips(reader, node, key)
}

pub(super) fn ratio(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    within(reader, node, key, MOST_RATIO, |ratio| {
        format!("{ratio} is too large")
    })
}

pub(super) fn percent(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    match reader.positive(node, key, Rule::Exits) {
        Some(percent) if percent < Decimal::ONE_HUNDRED => Some(percent),
        Some(percent) => {
            let text = format!("{percent} % of the price is no usable distance");
            reader.refuse(&node.path, Rule::Exits, text);
            None
        }
        None => missing(reader, node, key),
    }
}

pub(super) fn minutes(
    reader: &mut Reader,
    node: &Node<'_>,
    key: &str,
    minutes_each: i64,
) -> Option<i64> {
    let most = MOST_MINUTES / Decimal::from(minutes_each);
    let number = within(reader, node, key, most, |_| "is too long".to_owned())?;
    i64::try_from((number * Decimal::from(minutes_each)).ceil()).ok()
}

fn within(
    reader: &mut Reader,
    node: &Node<'_>,
    key: &str,
    most: Decimal,
    too_much: impl Fn(Decimal) -> String,
) -> Option<Decimal> {
    match reader.positive(node, key, Rule::Exits) {
        Some(number) if number <= most => Some(number),
        Some(number) => {
            let path = format!("{}.{key}", node.path);
            reader.refuse(&path, Rule::Exits, too_much(number));
            None
        }
        None => missing(reader, node, key),
    }
}

pub(super) fn missing<T>(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<T> {
    if node.child(key).is_none() {
        reader.refuse(&node.path, Rule::Exits, format!("has no \"{key}\""));
    }
    None
}

/// The length of the ATR: `atrPeriod`, else `period`, else 14.
pub(super) fn atr_period(reader: &mut Reader, node: &Node<'_>) -> Option<u32> {
    let key = if node.child("atrPeriod").is_some() {
        "atrPeriod"
    } else {
        "period"
    };
    bars(reader, node, key, ATR_PERIOD, 1)
}

/// A whole number of bars, `usual` where none is named.
pub(super) fn bars(
    reader: &mut Reader,
    node: &Node<'_>,
    key: &str,
    usual: u32,
    least: u32,
) -> Option<u32> {
    let child = node.child(key);
    let Some(child) = child else {
        return Some(usual);
    };
    let number = reader.number(node, key)?;
    let bars = u32::try_from(number)
        .ok()
        .filter(|bars| number.is_integer() && (least..=MOST_BARS).contains(bars));
    if bars.is_none() {
        let text = format!("is not a whole number of bars from {least} to {MOST_BARS}");
        reader.refuse(&child.path, Rule::NotANumber, text);
    }
    bars
}

/// A time of day "HH:MM" as minutes after midnight.
pub(super) fn time_of_day(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<i64> {
    let child = node.child(key).or_else(|| missing(reader, node, key))?;
    let minutes = child.text().and_then(|text| {
        let (hours, minutes) = text.trim().split_once(':')?;
        let hours: i64 = hours.parse().ok()?;
        let minutes: i64 = minutes.parse().ok()?;
        let known = (0..24).contains(&hours) && (0..60).contains(&minutes);
        known.then_some(hours * 60 + minutes)
    });
    if minutes.is_none() {
        reader.refuse(&child.path, Rule::Exits, "is not a time of day like 22:00");
    }
    minutes
}

pub(super) fn use_keys(reader: &mut Reader, node: &Node<'_>, keys: &[&str], text: &str) {
    for child in keys.iter().filter_map(|key| node.child(key)) {
        reader.used(&child, text);
    }
}

/// The type, in lower case; empty when there is none.
pub(super) fn kind(node: &Node<'_>) -> String {
    word(node, "type")
}

pub(super) fn word(node: &Node<'_>, key: &str) -> String {
    node.child(key)
        .and_then(|kind| kind.text().map(|text| text.trim().to_ascii_lowercase()))
        .unwrap_or_default()
}
