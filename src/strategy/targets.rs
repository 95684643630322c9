//! Where to take profit: one target, or parts of the position at multiples of the risk.

use rust_decimal::Decimal;

use super::exits::{PartialLevel, Target, kind, pips, ratio, read_distance, use_keys};
use super::ledger::{Node, Reader};
use super::reason::{Rule, quoted};

pub(super) fn read_target(
    reader: &mut Reader,
    exit: &Node<'_>,
    smart: Option<&Node<'_>>,
) -> (Option<Target>, Vec<PartialLevel>) {
    let plain = exit.child("takeProfit");
    if let Some(smart) = smart {
        let kind = kind(smart);
        let complete = match kind.as_str() {
            "fixed" => smart.child("fixedPips").is_some(),
            "rr_ratio" => smart.child("rrRatio").is_some(),
            "partial" => smart
                .child("partialExits")
                .and_then(|levels| levels.items())
                .is_some_and(|levels| !levels.is_empty()),
            _ => true,
        };
        if complete {
            if let Some(plain) = &plain {
                reader.informational(plain, "the smart exit's take profit counts");
            }
            return read_smart_target(reader, smart, &kind);
        }
        reader.informational(
            smart,
            "incomplete for its type; the plain take profit counts",
        );
    }
    let Some(plain) = plain else {
        return (None, Vec::new());
    };
    if kind(&plain) == "partial" {
        let Some(levels) = plain.child("levels") else {
            reader.refuse(&plain.path, Rule::PartialExits, "has no \"levels\"");
            return (None, Vec::new());
        };
        let partials = read_levels(reader, &levels, "rrRatio");
        use_keys(reader, &plain, &["type"], "take profit in parts");
        return (last_level(&partials), partials);
    }
    let target = if kind(&plain) == "rr_ratio" {
        ratio(reader, &plain, "value").map(Target::Ratio)
    } else {
        read_distance(reader, &plain).map(Target::Distance)
    };
    if target.is_some() {
        use_keys(reader, &plain, &["type", "value"], "take profit");
    }
    (target, Vec::new())
}

fn read_smart_target(
    reader: &mut Reader,
    smart: &Node<'_>,
    kind: &str,
) -> (Option<Target>, Vec<PartialLevel>) {
    let (target, partials, used): (_, _, &[&str]) = match kind {
        "fixed" => (
            pips(reader, smart, "fixedPips").map(Target::Distance),
            Vec::new(),
            &["type", "fixedPips"],
        ),
        "rr_ratio" => (
            ratio(reader, smart, "rrRatio").map(Target::Ratio),
            Vec::new(),
            &["type", "rrRatio"],
        ),
        "partial" => {
            let partials = smart
                .child("partialExits")
                .map(|levels| read_levels(reader, &levels, "atRR"))
                .unwrap_or_default();
            (last_level(&partials), partials, &["type"])
        }
        other => {
            reader.refuse(
                &smart.path,
                Rule::Exits,
                format!(
                    "a take profit of type {} cannot be followed yet",
                    quoted(other)
                ),
            );
            return (None, Vec::new());
        }
    };
    use_keys(reader, smart, used, "take profit");
    let parameters: &[&str] = match kind {
        "partial" => &["rrRatio", "fixedPips"],
        _ => &["rrRatio", "fixedPips", "partialExits"],
    };
    reader.child_informational(smart, parameters, "belongs to another type of target");
    (target, partials)
}

/// The broker's take profit stands at the last level; the levels before it are closed by this program (R11).
fn last_level(partials: &[PartialLevel]) -> Option<Target> {
    partials.last().map(|level| Target::Ratio(level.ratio))
}

fn read_levels(reader: &mut Reader, levels: &Node<'_>, ratio_key: &str) -> Vec<PartialLevel> {
    let mut read = Vec::new();
    for level in levels.items().unwrap_or_default() {
        let percent = reader.positive(&level, "percentage", Rule::PartialExits);
        let ratio = ratio(reader, &level, ratio_key);
        if let (Some(percent), Some(ratio)) = (percent, ratio) {
            read.push(PartialLevel { percent, ratio });
            use_keys(
                reader,
                &level,
                &["percentage", ratio_key],
                "a part of the take profit",
            );
        } else if reader.reasons.is_empty() {
            reader.refuse(
                &level.path,
                Rule::PartialExits,
                format!("needs \"percentage\" and \"{ratio_key}\""),
            );
        }
    }
    read.sort_by_key(|level| level.ratio);
    let sum: Decimal = read.iter().map(|level| level.percent).sum();
    if sum != Decimal::ONE_HUNDRED {
        reader.refuse(
            &levels.path,
            Rule::PartialExits,
            format!("the parts add up to {} % instead of 100 %", sum.normalize()),
        );
    }
    read
}
