//! Where to take profit: one target, or parts of the position at multiples of the risk.

use rust_decimal::Decimal;
use serde::Serialize;

use super::Distance;
use super::level::{PartialLevel, Parts, When};
use super::read::{bars, distance, kind, pips, ratio, use_keys};
use crate::strategy::indicator::LEVEL_BARS;
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule, quoted};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Target {
    Distance(Distance),
    /// A multiple of the stop's distance (risk-reward ratio).
    Ratio(Decimal),
    /// The highest high of the last closed bars, for a sell the lowest low. Where it is nearer than the stop's distance,
    /// nothing is opened.
    Level {
        bars: u32,
    },
}

/// The take profit of `smartExit` where it is complete for its type, else the plain one (R10).
pub(super) fn read_target(
    reader: &mut Reader,
    exit: &Node<'_>,
    smart: Option<&Node<'_>>,
) -> (Option<Target>, Parts) {
    let plain = exit.child("takeProfit");
    if let Some(smart) = smart {
        let kind = kind(smart);
        if is_complete(smart, &kind) {
            if let Some(plain) = &plain {
                reader.informational(plain, "the smart exit's take profit counts");
            }
            return read_smart_target(reader, smart, &kind);
        }
        let text = "incomplete for its type; the plain take profit counts";
        reader.skip(Reason::new(Rule::Exits, &smart.path, text));
    }
    let Some(plain) = plain else {
        return (None, Parts::default());
    };
    if kind(&plain) == "partial" {
        let Some(levels) = plain.child("levels") else {
            reader.refuse(&plain.path, Rule::PartialExits, "has no \"levels\"");
            return (None, Parts::default());
        };
        let parts = read_levels(reader, &levels, "rrRatio");
        use_keys(reader, &plain, &["type"], "take profit in parts");
        reader.child_informational(&plain, &["value"], "the parts count");
        return (last_level(&parts), parts);
    }
    (read_plain_target(reader, &plain), Parts::default())
}

/// The target of what the enhanced partial exits leave. They are not combined with other parts (R12).
pub(super) fn read_target_beside_parts(
    reader: &mut Reader,
    exit: &Node<'_>,
    smart: Option<&Node<'_>>,
    parts: &Parts,
    rest_is_trailed: bool,
) -> Option<Target> {
    let plain = exit.child("takeProfit");
    let last = parts
        .last_at_broker
        .then(|| parts.levels.last().and_then(|level| level.when.as_target()))
        .flatten();
    if last.is_some() || rest_is_trailed {
        let text = if rest_is_trailed {
            "the rest is trailed instead"
        } else {
            "the enhanced partial exits count"
        };
        for node in smart.into_iter().chain(&plain) {
            reader.informational(node, text);
        }
        return last;
    }
    if let Some(smart) = smart {
        let kind = kind(smart);
        if kind != "partial" && is_complete(smart, &kind) {
            if let Some(plain) = &plain {
                reader.informational(plain, "the smart exit's take profit counts");
            }
            return read_smart_target(reader, smart, &kind).0;
        }
        reader.informational(smart, "the enhanced partial exits count");
    }
    let plain = plain?;
    if kind(&plain) == "partial" {
        reader.informational(&plain, "the enhanced partial exits count");
        return None;
    }
    read_plain_target(reader, &plain)
}

/// The take profit closes all that is left: a part that is known to lie beyond it is never taken, and that is said.
pub(super) fn leave_out_unreached(
    reader: &mut Reader,
    parts: &mut Parts,
    paths: &[String],
    (target, stop_pips): (Option<Target>, Option<Decimal>),
) {
    if parts.last_at_broker {
        return;
    }
    // Multiples of a stop in pips are pips.
    let of = |when: When| match (when, stop_pips) {
        (When::Ratio(ratio), Some(stop)) => When::Pips(ratio.checked_mul(stop)?).profit(),
        (when, _) => when.profit(),
    };
    let when = match target {
        Some(Target::Distance(Distance::Pips(pips))) => When::Pips(pips),
        Some(Target::Distance(Distance::Percent(percent))) => When::Percent(percent),
        Some(Target::Ratio(ratio)) => When::Ratio(ratio),
        Some(Target::Distance(Distance::Atr { .. }) | Target::Level { .. }) | None => return,
    };
    let Some((unit, end)) = of(when) else {
        return;
    };
    let mut at = 0;
    parts.levels.retain(|level| {
        let path = paths.get(at).map_or("exit", String::as_str);
        at += 1;
        let unreached = of(level.when).is_some_and(|(own, away)| own == unit && away > end);
        if unreached {
            let text = "lies beyond the take profit, which closes all that is left before; this part is never taken";
            reader.skip(Reason::new(Rule::PartialExits, path, text));
            reader.drop_part(path, text);
        }
        !unreached
    });
}

fn is_complete(smart: &Node<'_>, kind: &str) -> bool {
    match kind {
        "fixed" => smart.child("fixedPips").is_some(),
        "rr_ratio" => smart.child("rrRatio").is_some(),
        "partial" => smart
            .child("partialExits")
            .and_then(|levels| levels.items())
            .is_some_and(|levels| !levels.is_empty()),
        _ => true,
    }
}

fn read_plain_target(reader: &mut Reader, plain: &Node<'_>) -> Option<Target> {
    let kind = kind(plain);
    let target = if matches!(kind.as_str(), "rr_ratio" | "ratio") {
        Target::Ratio(ratio(reader, plain, "value")?)
    } else {
        Target::Distance(distance(reader, plain)?)
    };
    let used: &[&str] = match kind.as_str() {
        "atr" => &["type", "value", "atrPeriod", "period"],
        "atr_based" => &["type", "atrMultiplier", "atrPeriod", "period"],
        _ => &["type", "value"],
    };
    use_keys(reader, plain, used, "take profit");
    Some(target)
}

fn read_smart_target(reader: &mut Reader, smart: &Node<'_>, kind: &str) -> (Option<Target>, Parts) {
    let mut parts = Parts::default();
    let (target, used): (_, &[&str]) = match kind {
        "fixed" => (
            pips(reader, smart, "fixedPips").map(|pips| Target::Distance(Distance::Pips(pips))),
            &["fixedPips"],
        ),
        "rr_ratio" => (
            ratio(reader, smart, "rrRatio").map(Target::Ratio),
            &["rrRatio"],
        ),
        "resistance" => (
            bars(reader, smart, "swingLookback", LEVEL_BARS, 2).map(|bars| Target::Level { bars }),
            &["swingLookback"],
        ),
        "partial" => {
            if let Some(levels) = smart.child("partialExits") {
                parts = read_levels(reader, &levels, "atRR");
            }
            (last_level(&parts), &[])
        }
        other => {
            let text = format!("a take profit of type {} is not known", quoted(other));
            reader.refuse(&smart.path, Rule::Exits, text);
            return (None, parts);
        }
    };
    use_keys(reader, smart, &["type"], "take profit");
    use_keys(reader, smart, used, "take profit");
    let parameters: &[&str] = match kind {
        "partial" => &["rrRatio", "fixedPips", "swingLookback"],
        _ => &["rrRatio", "fixedPips", "partialExits", "swingLookback"],
    };
    reader.child_informational(smart, parameters, "belongs to another type of target");
    (target, parts)
}

/// The broker's take profit stands at the last level; the levels before it are closed by this program (R11).
fn last_level(parts: &Parts) -> Option<Target> {
    parts.levels.last().and_then(|level| level.when.as_target())
}

fn read_levels(reader: &mut Reader, levels: &Node<'_>, ratio_key: &str) -> Parts {
    let mut read = Vec::new();
    for level in levels.items().unwrap_or_default() {
        let percent = reader.positive(&level, "percentage", Rule::PartialExits);
        let ratio = ratio(reader, &level, ratio_key);
        if let (Some(percent), Some(ratio)) = (percent, ratio) {
            read.push((ratio, percent));
            let text = "a part of the take profit";
            use_keys(reader, &level, &["percentage", ratio_key], text);
        } else if reader.reasons.is_empty() {
            let text = format!("needs \"percentage\" and \"{ratio_key}\"");
            reader.refuse(&level.path, Rule::PartialExits, text);
        }
    }
    read.sort_by_key(|(ratio, _)| *ratio);
    let sum: Decimal = read.iter().map(|(_, percent)| percent).sum();
    if sum != Decimal::ONE_HUNDRED {
        reader.refuse(
            &levels.path,
            Rule::PartialExits,
            format!("the parts add up to {} % instead of 100 %", sum.normalize()),
        );
    }
    let level = |(ratio, percent)| PartialLevel {
        percent,
        when: When::Ratio(ratio),
        breakeven: false,
    };
    Parts {
        levels: read.into_iter().map(level).collect(),
        last_at_broker: true,
        least_left_percent: None,
    }
}
