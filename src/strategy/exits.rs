//! When to get out: stop loss, take profit, partial closes, trailing, longest holding time.

use rust_decimal::Decimal;
use serde::Serialize;

use super::ledger::{Node, Reader};
use super::reason::{Rule, quoted};
use super::targets::read_target;

/// The usual ATR length where rules name none.
const ATR_PERIOD: u32 = 14;

/// A stop or a target further away than this many pips, or this many times the stop, is a mistake.
const MOST_PIPS: Decimal = Decimal::from_parts(1_000_000, 0, 0, false, 0);
const MOST_RATIO: Decimal = Decimal::from_parts(1_000, 0, 0, false, 0);

/// A distance from the entry price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Distance {
    Pips(Decimal),
    /// Per cent of the entry price.
    Percent(Decimal),
    /// A multiple of the average true range at the entry's bar.
    Atr {
        period: u32,
        multiplier: Decimal,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StopLoss {
    pub distance: Distance,
    /// Bounds on the distance, in pips.
    pub min_pips: Option<Decimal>,
    pub max_pips: Option<Decimal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Target {
    Distance(Distance),
    /// A multiple of the stop's distance (risk-reward ratio).
    Ratio(Decimal),
}

/// A part of the position's original volume, closed at a multiple of the stop's distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PartialLevel {
    pub percent: Decimal,
    pub ratio: Decimal,
}

/// A stop that follows the price at a distance. Like MetaTrader's own, it starts once the profit has reached the distance,
/// or a multiple of the stop's distance where rules say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Trailing {
    pub distance_pips: Decimal,
    /// Least improvement worth a modification, in pips; above zero, so that a stop never moves back.
    pub step_pips: Decimal,
    pub activate_at_ratio: Option<Decimal>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exits {
    pub stop_loss: StopLoss,
    pub target: Option<Target>,
    /// In the order of their ratios, the last one included; empty when the target takes all.
    pub partials: Vec<PartialLevel>,
    pub trailing: Option<Trailing>,
    pub max_holding_minutes: Option<i64>,
}

pub(super) fn read_exits(reader: &mut Reader, rules: &Node<'_>) -> Option<Exits> {
    refuse_partial_exits(reader, rules);
    let Some(exit) = rules.child("exit") else {
        reader.refuse("exit", Rule::Exits, "there is no stop loss");
        return None;
    };
    refuse_partial_exits(reader, &exit);
    let smart = exit.child("smartExit").filter(|smart| {
        let on = smart.enabled();
        if !on {
            reader.informational(smart, "switched off");
        }
        on
    });
    let smart_stop = smart.as_ref().and_then(|smart| smart.child("stopLoss"));
    let smart_target = smart.as_ref().and_then(|smart| smart.child("takeProfit"));
    let max_holding_minutes = smart_stop
        .as_ref()
        .and_then(|stop| read_holding(reader, stop));
    let stop_loss = read_stop(reader, &exit, smart_stop.as_ref());
    let (target, partials) = read_target(reader, &exit, smart_target.as_ref());
    let trailing = exit
        .child("trailing")
        .and_then(|trailing| read_trailing(reader, &trailing));
    if let Some(smart) = &smart {
        if let Some(flag) = smart.child("enabled") {
            reader.used(&flag, "smart exits are on");
        }
        for key in [
            "weekendSpecific",
            "timeExit",
            "volatilityExit",
            "patternExit",
        ] {
            refuse_while_on(reader, smart, key);
        }
    }
    let Some(stop_loss) = stop_loss else {
        if reader.reasons.is_empty() {
            reader.refuse("exit.stopLoss", Rule::Exits, "there is no stop loss");
        }
        return None;
    };
    Some(Exits {
        stop_loss,
        target,
        partials,
        trailing,
        max_holding_minutes,
    })
}

/// The stop of `smartExit` where it is complete for its type, else the plain one (R10).
fn read_stop(reader: &mut Reader, exit: &Node<'_>, smart: Option<&Node<'_>>) -> Option<StopLoss> {
    let plain = exit.child("stopLoss");
    if let Some(smart) = smart {
        let kind = kind(smart);
        let complete = match kind.as_str() {
            "fixed" => smart.child("fixedPips").is_some(),
            "atr" => smart.child("atrMultiplier").is_some(),
            _ => true,
        };
        if complete {
            if let Some(plain) = &plain {
                reader.informational(plain, "the smart exit's stop loss counts");
            }
            return read_smart_stop(reader, smart, &kind);
        }
        reader.informational(smart, "incomplete for its type; the plain stop loss counts");
    }
    let plain = plain?;
    let distance = read_distance(reader, &plain)?;
    let stop = bounded(reader, &plain, distance);
    use_keys(
        reader,
        &plain,
        &["type", "value", "minPips", "maxPips"],
        "stop loss",
    );
    Some(stop)
}

fn read_smart_stop(reader: &mut Reader, smart: &Node<'_>, kind: &str) -> Option<StopLoss> {
    let distance = match kind {
        "fixed" => pips(reader, smart, "fixedPips")?,
        "atr" => {
            let multiplier = ratio(reader, smart, "atrMultiplier")?;
            let period = read_atr_period(reader, smart)?;
            Distance::Atr { period, multiplier }
        }
        other => {
            reader.refuse(
                &smart.path,
                Rule::Exits,
                format!(
                    "a stop loss of type {} cannot be followed yet",
                    quoted(other)
                ),
            );
            return None;
        }
    };
    let stop = bounded(reader, smart, distance);
    let used: &[&str] = match kind {
        "fixed" => &["type", "fixedPips", "minPips", "maxPips"],
        _ => &["type", "atrMultiplier", "atrPeriod", "minPips", "maxPips"],
    };
    use_keys(reader, smart, used, "stop loss");
    let parameters = [
        "atrMultiplier",
        "atrPeriod",
        "fixedPips",
        "useSwingPoints",
        "swingLookback",
        "emaReference",
        "distancePips",
        "trailDistance",
        "updateOnCandle",
    ];
    reader.child_informational(smart, &parameters, "belongs to another type of stop");
    Some(stop)
}

fn read_atr_period(reader: &mut Reader, node: &Node<'_>) -> Option<u32> {
    let key = if node.child("atrPeriod").is_some() {
        "atrPeriod"
    } else {
        "period"
    };
    let Some(number) = reader.number(node, key) else {
        return reader.reasons.is_empty().then_some(ATR_PERIOD);
    };
    let period = u32::try_from(number)
        .ok()
        .filter(|period| number.is_integer() && (1..=1_000).contains(period));
    if period.is_none() {
        let path = format!("{}.{key}", node.path);
        reader.refuse(&path, Rule::NotANumber, "is not a whole number of bars");
    }
    period
}

fn bounded(reader: &mut Reader, node: &Node<'_>, distance: Distance) -> StopLoss {
    let min_pips = reader.positive(node, "minPips", Rule::Exits);
    let max_pips = reader.positive(node, "maxPips", Rule::Exits);
    if let (Some(min), Some(max)) = (min_pips, max_pips)
        && min > max
    {
        reader.refuse(&node.path, Rule::Exits, "minPips is above maxPips");
    }
    StopLoss {
        distance,
        min_pips,
        max_pips,
    }
}

fn read_trailing(reader: &mut Reader, node: &Node<'_>) -> Option<Trailing> {
    if !node.enabled() {
        reader.informational(node, "switched off");
        return None;
    }
    if let Some(kind) = node
        .child("type")
        .filter(|kind| kind.text() != Some("pips"))
    {
        reader.refuse(
            &kind.path,
            Rule::Exits,
            "a trailing stop of this type cannot be followed yet",
        );
        return None;
    }
    let Distance::Pips(distance_pips) = pips(reader, node, "distance")? else {
        return None;
    };
    let step_pips = reader
        .positive(node, "step", Rule::Exits)
        .unwrap_or(Decimal::ONE);
    let activate_at_ratio = reader.positive(node, "activateAtRR", Rule::Exits);
    let used = ["enabled", "type", "distance", "step", "activateAtRR"];
    use_keys(reader, node, &used, "trailing stop");
    Some(Trailing {
        distance_pips,
        step_pips,
        activate_at_ratio,
    })
}

fn read_holding(reader: &mut Reader, stop: &Node<'_>) -> Option<i64> {
    let hours = reader.positive(stop, "maxHoldingHours", Rule::Exits)?;
    let node = stop.child("maxHoldingHours")?;
    let minutes = i64::try_from((hours * Decimal::from(60)).ceil()).ok();
    reader.used(&node, format!("closed after {hours} hours"));
    minutes
}

pub(super) fn read_distance(reader: &mut Reader, node: &Node<'_>) -> Option<Distance> {
    match kind(node).as_str() {
        "pips" | "fixed" => pips(reader, node, "value"),
        "percentage" | "percent" => {
            let percent = reader.positive(node, "value", Rule::Exits);
            match percent {
                Some(percent) if percent < Decimal::ONE_HUNDRED => Some(Distance::Percent(percent)),
                Some(percent) => {
                    reader.refuse(
                        &node.path,
                        Rule::Exits,
                        format!("{percent} % of the price is no usable distance"),
                    );
                    None
                }
                None => missing(reader, node, "value"),
            }
        }
        other => {
            reader.refuse(
                &node.path,
                Rule::Exits,
                format!(
                    "a distance of type {} cannot be followed yet",
                    quoted(other)
                ),
            );
            None
        }
    }
}

pub(super) fn pips(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Distance> {
    match reader.positive(node, key, Rule::Exits) {
        Some(pips) if pips <= MOST_PIPS => Some(Distance::Pips(pips)),
        Some(pips) => {
            let path = format!("{}.{key}", node.path);
            reader.refuse(&path, Rule::Exits, format!("{pips} pips are too many"));
            None
        }
        None => missing(reader, node, key),
    }
}

pub(super) fn ratio(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    match reader.positive(node, key, Rule::Exits) {
        Some(ratio) if ratio <= MOST_RATIO => Some(ratio),
        Some(ratio) => {
            let path = format!("{}.{key}", node.path);
            reader.refuse(&path, Rule::Exits, format!("{ratio} is too large"));
            None
        }
        None => missing(reader, node, key),
    }
}

fn missing<T>(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<T> {
    if node.child(key).is_none() {
        reader.refuse(&node.path, Rule::Exits, format!("has no \"{key}\""));
    }
    None
}

pub(super) fn use_keys(reader: &mut Reader, node: &Node<'_>, keys: &[&str], text: &str) {
    for child in keys.iter().filter_map(|key| node.child(key)) {
        reader.used(&child, text);
    }
}

pub(super) fn kind(node: &Node<'_>) -> String {
    node.child("type")
        .and_then(|kind| kind.text().map(|text| text.trim().to_ascii_lowercase()))
        .unwrap_or_default()
}

/// Present means on, whatever `enabled` inside says: the form writes false there even when its switch is on (R12).
fn refuse_partial_exits(reader: &mut Reader, holder: &Node<'_>) {
    let Some(node) = holder.child("enhancedPartialExits") else {
        return;
    };
    let no_levels = node
        .child("levels")
        .and_then(|levels| levels.items())
        .is_none_or(|levels| levels.is_empty());
    if no_levels {
        reader.informational(&node, "has no levels");
    } else {
        reader.refuse(
            &node.path,
            Rule::PartialExits,
            "these partial exits cannot be followed yet",
        );
    }
}

fn refuse_while_on(reader: &mut Reader, holder: &Node<'_>, key: &str) {
    let Some(node) = holder.child(key) else {
        return;
    };
    if node.enabled() {
        reader.refuse(&node.path, Rule::Exits, "this exit cannot be followed yet");
    } else {
        reader.informational(&node, "switched off");
    }
}
