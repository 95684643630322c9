//! The enhanced partial exits: four shapes of levels in two places (contract §6.4), one meaning (R12). Presence means on,
//! whatever `enabled` inside says: the form writes false there even when its switch is on.

use rust_decimal::Decimal;

use super::Distance;
use super::following::{Start, Trailing};
use super::level::{PartialLevel, Parts};
use super::read::{pips, use_keys, word};
use super::shape::{Due, read_due};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule, quoted};

pub(super) struct Enhanced {
    pub parts: Parts,
    /// Where each of the levels stands in the rules.
    pub paths: Vec<String>,
    /// What the rest is trailed by.
    pub trailing: Option<Trailing>,
}

struct Level {
    path: String,
    percent: Decimal,
    due: Due,
    breakeven: bool,
    priority: Option<Decimal>,
}

/// The ones inside `exit` come first; `None` where there are none, or none with an active level.
pub(super) fn read_enhanced(
    reader: &mut Reader,
    rules: &Node<'_>,
    exit: &Node<'_>,
) -> Option<Enhanced> {
    let key = "enhancedPartialExits";
    let inner = exit.child(key).and_then(|node| read(reader, &node));
    let outer = rules.child(key);
    match (inner, outer) {
        (Some(inner), Some(outer)) => {
            reader.informational(&outer, "the partial exits inside \"exit\" count");
            Some(inner)
        }
        (Some(inner), None) => Some(inner),
        (None, outer) => read(reader, &outer?),
    }
}

fn read(reader: &mut Reader, node: &Node<'_>) -> Option<Enhanced> {
    let levels = node.child("levels");
    let listed = levels
        .as_ref()
        .is_none_or(|levels| levels.items().is_some());
    if !node.value.is_object() || !listed {
        let path = levels.map_or_else(|| node.path.clone(), |levels| levels.path);
        reader.refuse(&path, Rule::PartialExits, "is no list of levels");
        return None;
    }
    let all = node.child("levels").and_then(|levels| levels.items());
    let active: Vec<Node<'_>> = all
        .unwrap_or_default()
        .into_iter()
        .filter(|level| {
            let off = level
                .child("isActive")
                .is_some_and(|flag| flag.flag() == Some(false));
            if off {
                reader.informational(level, "switched off");
            }
            !off
        })
        .collect();
    if active.is_empty() {
        reader.informational(node, "has no levels");
        return None;
    }
    use_keys(reader, node, &["enabled"], "present means on (R12)");
    let mut levels: Vec<Level> = active
        .iter()
        .filter_map(|level| read_level(reader, level))
        .collect();
    put_in_order(reader, node, &mut levels);
    let mut parts = Parts {
        least_left_percent: read_settings(reader, node),
        ..Parts::default()
    };
    read_limits(reader, node, active.len());
    let notes = ["performanceTracking", "integration"];
    reader.child_informational(node, &notes, "a note that asks for nothing");
    let sum: Decimal = levels.iter().map(|level| level.percent).sum();
    if sum > Decimal::ONE_HUNDRED {
        let text = format!("the parts add up to {} %, over 100 %", sum.normalize());
        reader.refuse(&format!("{}.levels", node.path), Rule::PartialExits, text);
    }
    let all = sum == Decimal::ONE_HUNDRED;
    let mut trailing = read_trailed_rest(reader, node, all);
    let count = levels.len();
    let mut paths = Vec::new();
    for (at, level) in levels.into_iter().enumerate() {
        match level.due {
            Due::When(when) => {
                paths.push(level.path);
                parts.levels.push(PartialLevel {
                    percent: level.percent,
                    when,
                    breakeven: level.breakeven,
                });
            }
            Due::Trailed(trailed) if all && at + 1 == count => trailing = Some(trailed),
            Due::Trailed(_) => {
                let text = "a part that trails needs the best price since opening, which is not kept; only the last part, of all that is left, can trail";
                reader.refuse(&level.path, Rule::PartialExits, text);
            }
        }
    }
    parts.last_at_broker = all && trailing.is_none() && rises(&parts.levels);
    Some(Enhanced {
        parts,
        paths,
        trailing,
    })
}

/// Whether a broker's take profit can stand at the last level: all are profits of one unit, each further than the one before.
fn rises(levels: &[PartialLevel]) -> bool {
    let placed = levels.iter().all(|level| level.when.as_target().is_some());
    placed
        && levels
            .windows(2)
            .all(|pair| pair[0].when.is_nearer_than(&pair[1].when))
}

fn read_level(reader: &mut Reader, level: &Node<'_>) -> Option<Level> {
    let due = read_due(reader, level)?;
    let Some(percent) = reader.positive(level, "percentage", Rule::PartialExits) else {
        if level.child("percentage").is_none() {
            reader.refuse(&level.path, Rule::PartialExits, "needs \"percentage\"");
        }
        return None;
    };
    let text = "a part of the original volume";
    use_keys(reader, level, &["percentage", "isActive"], text);
    let mut breakeven = false;
    for key in ["moveStopToBreakeven", "moveStopToBreakEven"] {
        breakeven |= reader.flag(level, key);
        let text = "with this part the stop moves to the open price";
        use_keys(reader, level, &[key], text);
    }
    for key in [
        "conditions",
        "dynamicAdjustments",
        "reduceAfterExit",
        "trailingAfterExit",
    ] {
        if let Some(node) = level.child(key).filter(asks_for_something) {
            let text = "this part of a partial exit is not known";
            reader.refuse(&node.path, Rule::PartialExits, text);
        }
    }
    let priority = reader.number(level, "priority");
    use_keys(reader, level, &["priority"], "the order of the parts");
    let notes = ["id", "name", "description"];
    reader.child_informational(level, &notes, "a note that asks for nothing");
    Some(Level {
        path: level.path.clone(),
        percent,
        due,
        breakeven,
        priority,
    })
}

fn asks_for_something(node: &Node<'_>) -> bool {
    let empty = match node.value {
        serde_json::Value::Array(items) => items.is_empty(),
        serde_json::Value::Object(map) => map.is_empty(),
        serde_json::Value::Bool(flag) => !flag,
        _ => node.number() == Some(Decimal::ZERO) || node.text() == Some(""),
    };
    !empty && node.enabled()
}

/// By priority where every level has one, else by the profit where all are profits of one unit, else as listed. Levels that
/// run in parallel can only be told apart from the volume that is left when they are such profits.
fn put_in_order(reader: &mut Reader, node: &Node<'_>, levels: &mut [Level]) {
    let profit = |level: &Level| match level.due {
        Due::When(when) => when.profit(),
        Due::Trailed(_) => None,
    };
    let unit = levels.first().and_then(profit).map(|(unit, _)| unit);
    let of_one_unit = unit.is_some()
        && levels
            .iter()
            .all(|level| profit(level).map(|(unit, _)| unit) == unit);
    let strategy = word(node, "strategy");
    let text = match strategy.as_str() {
        "" | "sequential" => "one part after the other",
        "parallel" if of_one_unit => "each part at its own profit",
        "parallel" => {
            let path = format!("{}.strategy", node.path);
            let text = "parts in parallel are followed only when all are profits of one unit; which of them are done could not be told otherwise";
            reader.refuse(&path, Rule::PartialExits, text);
            return;
        }
        other => {
            let path = format!("{}.strategy", node.path);
            let text = format!("partial exits of kind {} cannot be followed", quoted(other));
            reader.refuse(&path, Rule::PartialExits, text);
            return;
        }
    };
    use_keys(reader, node, &["strategy"], text);
    let ranked = levels.iter().all(|level| level.priority.is_some());
    if of_one_unit && (strategy == "parallel" || !ranked) {
        levels.sort_by_key(profit);
    } else if ranked {
        levels.sort_by_key(|level| level.priority);
    }
}

/// What must stay open, in per cent; the other settings are reported where they ask for something.
fn read_settings(reader: &mut Reader, node: &Node<'_>) -> Option<Decimal> {
    let settings = node.child("globalSettings")?;
    for (key, text) in [
        (
            "maxDailyPartialExits",
            "parts are taken however many there are on a day",
        ),
        ("cooldownPeriod", "there is no pause between two parts"),
        (
            "reduceInHighVolatility",
            "parts do not depend on volatility",
        ),
        ("adjustForSpread", "parts do not depend on the spread"),
        (
            "respectMarketSessions",
            "parts are taken whenever the market is open",
        ),
        ("avoidNewsEvents", "parts do not depend on the news"),
    ] {
        if let Some(child) = settings.child(key).filter(asks_for_something) {
            reader.skip(Reason::new(Rule::PartialExits, &child.path, text));
        }
    }
    let parameters = [
        "maxDailyPartialExits",
        "cooldownPeriod",
        "volatilityThreshold",
        "maxSpreadPercentage",
        "newsBufferMinutes",
    ];
    reader.child_informational(&settings, &parameters, "nothing that needs it is followed");
    let text = "new positions follow the entry conditions";
    reader.child_informational(&settings, &["allowReentry"], text);
    let key = "minRemainingPosition";
    let least = reader.number(&settings, key)?;
    if least < Decimal::ZERO || least > Decimal::ONE_HUNDRED {
        let path = format!("{}.{key}", settings.path);
        reader.refuse(&path, Rule::PartialExits, "is not from 0 to 100 per cent");
        return None;
    }
    let text =
        "a part that leaves less, in per cent of the original volume, is left for the next one";
    use_keys(reader, &settings, &[key], text);
    (least > Decimal::ZERO).then_some(least)
}

fn read_limits(reader: &mut Reader, node: &Node<'_>, levels: usize) {
    let Some(limits) = node.child("riskManagement") else {
        return;
    };
    if let Some(most) = reader.number(&limits, "maxPartialExits") {
        if most < Decimal::from(levels) {
            let path = format!("{}.maxPartialExits", limits.path);
            let text = format!("there are {levels} levels, more than {most}");
            reader.refuse(&path, Rule::PartialExits, text);
        }
        use_keys(reader, &limits, &["maxPartialExits"], "most parts");
    }
    if let Some(size) = limits.child("minRemainingSize").filter(asks_for_something) {
        let text =
            "its unit is not stored; what is left is never below the broker's smallest volume";
        reader.skip(Reason::new(Rule::PartialExits, &size.path, text));
    }
    if let Some(exit) = limits.child("emergencyExit").filter(asks_for_something) {
        reader.refuse(&exit.path, Rule::PartialExits, "this exit is not known");
    }
}

fn read_trailed_rest(reader: &mut Reader, node: &Node<'_>, all: bool) -> Option<Trailing> {
    let on = reader.flag(node, "trailRemaining");
    if !on || all {
        let text = if on {
            "the parts leave nothing to trail"
        } else {
            "trailRemaining is off"
        };
        reader.child_informational(node, &["trailRemaining", "trailDistance"], text);
        return None;
    }
    let distance = pips(reader, node, "trailDistance")?;
    let text = "trails what the parts leave";
    use_keys(reader, node, &["trailRemaining", "trailDistance"], text);
    Some(Trailing {
        distance: Distance::Pips(distance),
        min_pips: None,
        step_pips: Decimal::ONE,
        start: Start::AfterParts,
    })
}
