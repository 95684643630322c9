//! Stops that follow the price.

use rust_decimal::Decimal;
use serde::Serialize;

use super::Distance;
use super::read::{atr_period, kind, optional_pips, pips, ratio, use_keys};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Rule, quoted};

/// When a stop begins to follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Start {
    AtOnce,
    /// Once the profit has reached the distance, as MetaTrader's own does.
    AtDistance,
    /// Once the profit is so many times the stop's distance.
    AtRatio(Decimal),
    /// Once every part has been taken.
    AfterParts,
    /// The same, and the profit has come so far.
    AfterPartsAtRatio(Decimal),
    AfterPartsAtProfit(Distance),
}

/// A stop that follows the price at a distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Trailing {
    pub distance: Distance,
    /// Never nearer than this.
    pub min_pips: Option<Decimal>,
    /// Least improvement worth a modification, in pips; above zero, so that a stop never moves back.
    pub step_pips: Decimal,
    pub start: Start,
}

impl Trailing {
    /// It does not begin before every part has been taken.
    pub(in crate::strategy) const fn waits(&self) -> bool {
        matches!(
            self.start,
            Start::AfterParts | Start::AfterPartsAtRatio(_) | Start::AfterPartsAtProfit(_)
        )
    }
}

pub(super) fn read_trailing(reader: &mut Reader, node: &Node<'_>) -> Option<Trailing> {
    if !node.enabled() {
        reader.informational(node, "switched off");
        return None;
    }
    let kind = kind(node);
    let (distance, min_pips, step_key, used): (_, _, _, &[&str]) = match kind.as_str() {
        "" | "pips" | "fixed" => {
            let distance = Distance::Pips(pips(reader, node, "distance")?);
            (distance, None, "step", &["distance"])
        }
        "atr" => {
            let multiplier = ratio(reader, node, "atrMultiplier")?;
            let period = atr_period(reader, node)?;
            let least = optional_pips(reader, node, "minDistance");
            let distance = Distance::Atr { period, multiplier };
            (
                distance,
                least,
                "stepSize",
                &["atrMultiplier", "atrPeriod", "period", "minDistance"],
            )
        }
        other => {
            let text = format!("a trailing stop of type {} is not known", quoted(other));
            reader.refuse(&format!("{}.type", node.path), Rule::Exits, text);
            return None;
        }
    };
    let step_pips = optional_pips(reader, node, step_key).unwrap_or(Decimal::ONE);
    let start = match optional_pips(reader, node, "activateAtRR") {
        Some(ratio) => Start::AtRatio(ratio),
        None => Start::AtDistance,
    };
    use_keys(
        reader,
        node,
        &["enabled", "type", step_key, "activateAtRR"],
        "trailing stop",
    );
    use_keys(reader, node, used, "trailing stop");
    if kind == "atr" {
        reader.child_informational(
            node,
            &["distance", "step"],
            "belongs to another type of trailing stop",
        );
    } else {
        let other = [
            "atrMultiplier",
            "atrPeriod",
            "period",
            "minDistance",
            "stepSize",
        ];
        reader.child_informational(node, &other, "belongs to another type of trailing stop");
    }
    Some(Trailing {
        distance,
        min_pips,
        step_pips,
        start,
    })
}
