//! The `dynamicRisk` section: sizing by risk, which only ever makes the fixed lots smaller.

use rust_decimal::Decimal;

use super::{AtrRisk, read_lots, read_percent, used};
use crate::strategy::filters::HighVolatility;
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule};

/// Bars of the ATR that sizes a position.
const ATR_BARS: u32 = 14;

/// What the section asks for.
#[derive(Debug, Default)]
pub(super) struct Dynamic {
    pub lots: Option<Decimal>,
    /// Most of the balance that the stop may cost, in per cent.
    pub risk: Option<Decimal>,
    pub by_atr: Option<AtrRisk>,
    pub weekend_factor: Option<Decimal>,
    pub high_volatility: Option<HighVolatility>,
}

/// Where rules ask to "reduce" in high volatility and do not say by how much, nothing is opened then.
pub(super) fn read_dynamic_risk(reader: &mut Reader, rules: &Node<'_>) -> Dynamic {
    let Some(node) = rules.child("dynamicRisk") else {
        return Dynamic::default();
    };
    if !node.enabled() {
        reader.informational(&node, "switched off");
        return Dynamic::default();
    }
    let mut dynamic = Dynamic {
        lots: read_lots(reader, &node, "maxPositionSize"),
        ..Dynamic::default()
    };
    read_risk(reader, &node, &mut dynamic);
    dynamic.weekend_factor = read_weekend(reader, &node);
    if reader.flag(&node, "reduceInHighVolatility") {
        dynamic.high_volatility = read_threshold(reader, &node);
    }
    let parameters = [
        "enabled",
        "useATRSizing",
        "atrMultiplier",
        "riskPercentage",
        "volatilityThreshold",
        "useFixedFractional",
        "autoAdjustLotSize",
        "reduceInHighVolatility",
    ];
    reader.child_informational(&node, &parameters, "nothing that needs it is switched on");
    dynamic
}

fn read_risk(reader: &mut Reader, node: &Node<'_>, dynamic: &mut Dynamic) {
    let by_atr = reader.flag(node, "useATRSizing");
    let by_stop = ["useFixedFractional", "autoAdjustLotSize"].map(|key| {
        let on = reader.flag(node, key);
        if on {
            used(reader, node, key, "caps the lots by the risk percentage");
        }
        on
    });
    if !by_atr && !by_stop.contains(&true) {
        return;
    }
    if node.child("riskPercentage").is_none() {
        let text = "sizes by risk but has no \"riskPercentage\"";
        reader.refuse(&node.path, Rule::Volume, text);
        return;
    }
    let Some(percent) = read_percent(reader, node, "riskPercentage") else {
        return;
    };
    if by_stop.contains(&true) {
        dynamic.risk = Some(percent);
    }
    let Some(flag) = node.child("useATRSizing").filter(|_| by_atr) else {
        return;
    };
    if node.child("atrMultiplier").is_some() {
        let multiplier = reader.positive(node, "atrMultiplier", Rule::Volume);
        let text = "caps the lots so that so many ATR 14 cost the risk percentage";
        used(reader, node, "atrMultiplier", text);
        reader.used(&flag, text);
        dynamic.by_atr = multiplier.map(|multiplier| AtrRisk {
            percent,
            multiplier,
            period: ATR_BARS,
        });
    } else {
        reader.skip(Reason::new(
            Rule::Volume,
            &flag.path,
            "rules name no \"atrMultiplier\", so the lots are capped by what the stop costs instead",
        ));
        dynamic.risk = Some(percent);
    }
}

/// On Saturdays and Sundays (UTC); it may make the volume smaller, never larger than the lots that rules name.
fn read_weekend(reader: &mut Reader, node: &Node<'_>) -> Option<Decimal> {
    let key = "weekendMultiplier";
    let child = node.child(key)?;
    let factor = reader.positive(node, key, Rule::Volume)?;
    if factor > Decimal::ONE {
        let text = format!(
            "the volume is not multiplied by {factor}; it never exceeds the lots that the rules name"
        );
        reader.skip(Reason::new(Rule::Volume, &child.path, text));
        return None;
    }
    reader.used(&child, "multiplies the volume on Saturday and Sunday (UTC)");
    (factor < Decimal::ONE).then_some(factor)
}

fn read_threshold(reader: &mut Reader, node: &Node<'_>) -> Option<HighVolatility> {
    let key = "volatilityThreshold";
    let threshold = reader.positive(node, key, Rule::Volume);
    match threshold {
        Some(threshold) if threshold < Decimal::ONE => {
            let text = "no entry while ATR is above this fraction of the price; rules do not say by how much to reduce";
            used(reader, node, key, text);
            used(reader, node, "reduceInHighVolatility", text);
            Some(HighVolatility {
                above_percent: (threshold * Decimal::ONE_HUNDRED).normalize().into(),
            })
        }
        Some(threshold) => {
            let text = format!("{threshold} is not a fraction below 1");
            reader.refuse(&format!("{}.{key}", node.path), Rule::Volume, text);
            None
        }
        None => {
            if node.child(key).is_none() {
                let text = format!("reduces in high volatility but has no \"{key}\"");
                reader.refuse(&node.path, Rule::Volume, text);
            }
            None
        }
    }
}
