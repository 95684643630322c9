//! How much: lots, number of positions, risk a trade, loss a day. Of two limits on the same thing the stricter counts;
//! the START settings can only tighten what the rules say.

use rust_decimal::Decimal;
use serde::Serialize;

use super::filters::HighVolatility;
use super::ledger::{Node, Reader};
use super::reason::Rule;

/// More lots, or more positions, than this are a mistake.
const MOST_LOTS: Decimal = Decimal::from_parts(10_000, 0, 0, false, 0);
const MOST_POSITIONS: u32 = 1_000;

/// Limits that rules may set and that cannot be kept yet; following rules without them would risk more than they allow.
const LIMITS_NOT_KEPT: [&str; 8] = [
    "maxWeeklyLoss",
    "maxMonthlyLoss",
    "maxCorrelatedPositions",
    "recoveryMode",
    "maxDailyTrades",
    "maxDrawdown",
    "maxPositionsPerSymbol",
    "maxConsecutiveLosses",
];

/// A loss after which the strategy opens nothing more on that UTC day. The unit follows the origin: rules of the
/// platform's form speak of account currency, START settings and grouped rules of per cent of the balance (C21, R17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum LossLimit {
    Money(Decimal),
    PercentOfBalance(Decimal),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sizing {
    pub lots: Decimal,
    /// Of this strategy, both directions together; there is never more than one each way (R8).
    pub max_positions: u32,
    /// Most of the balance, in per cent, that the stop loss of one position may cost; it only makes `lots` smaller.
    pub risk_percent: Option<Decimal>,
    pub daily_loss: Vec<LossLimit>,
}

pub(super) fn read_sizing(
    reader: &mut Reader,
    rules: &Node<'_>,
    settings: &Node<'_>,
    options: &Node<'_>,
) -> (Option<Sizing>, Option<HighVolatility>) {
    let mut lots = Vec::new();
    let mut positions = Vec::new();
    let mut risk = Vec::new();
    let mut daily_loss = Vec::new();
    if let Some(node) = rules.child("riskManagement") {
        read_risk_management(
            reader,
            &node,
            (&mut lots, &mut positions, &mut risk, &mut daily_loss),
        );
    }
    let volatility = rules
        .child("dynamicRisk")
        .and_then(|node| read_dynamic_risk(reader, &node, &mut lots, &mut risk));
    lots.extend(read_lots(reader, settings, "lotSize"));
    positions.extend(read_count(reader, settings, "maxOpenTrades"));
    risk.extend(read_percent(reader, settings, "maxRisk"));
    daily_loss
        .extend(read_percent(reader, settings, "maxDailyLoss").map(LossLimit::PercentOfBalance));
    read_options(reader, options, &mut positions);

    let Some(lots) = lots.into_iter().min() else {
        if reader.reasons.is_empty() {
            reader.refuse(
                "riskManagement.lotSize",
                Rule::Volume,
                "neither the rules nor the START settings say how many lots to trade",
            );
        }
        return (None, volatility);
    };
    let sizing = Sizing {
        lots,
        max_positions: positions.into_iter().min().unwrap_or(1),
        risk_percent: risk.into_iter().min(),
        daily_loss,
    };
    (Some(sizing), volatility)
}

type Limits<'a> = (
    &'a mut Vec<Decimal>,
    &'a mut Vec<u32>,
    &'a mut Vec<Decimal>,
    &'a mut Vec<LossLimit>,
);

fn read_risk_management(
    reader: &mut Reader,
    node: &Node<'_>,
    (lots, positions, risk, daily_loss): Limits<'_>,
) {
    let grouped = node.child("baseLotSize").is_some();
    for key in ["lotSize", "baseLotSize", "maxLotSize"] {
        lots.extend(read_lots(reader, node, key));
    }
    positions.extend(read_count(reader, node, "maxPositions"));
    risk.extend(read_percent(reader, node, "riskPercentage"));
    if grouped {
        daily_loss
            .extend(read_percent(reader, node, "maxDailyLoss").map(LossLimit::PercentOfBalance));
    } else if let Some(money) = reader.positive(node, "maxDailyLoss", Rule::DailyLoss) {
        used(reader, node, "maxDailyLoss", "a day, in account currency");
        daily_loss.push(LossLimit::Money(money));
    }
    for limit in LIMITS_NOT_KEPT.iter().filter_map(|key| node.child(key)) {
        if limit.enabled() {
            reader.refuse(
                &limit.path,
                Rule::DailyLoss,
                "this limit cannot be kept yet",
            );
        } else {
            reader.informational(&limit, "switched off");
        }
    }
}

/// Sizing by risk only ever makes the fixed lot smaller. Where rules ask to "reduce" in high volatility and do not say by
/// how much, nothing is opened then.
fn read_dynamic_risk(
    reader: &mut Reader,
    node: &Node<'_>,
    lots: &mut Vec<Decimal>,
    risk: &mut Vec<Decimal>,
) -> Option<HighVolatility> {
    if !node.enabled() {
        reader.informational(node, "switched off");
        return None;
    }
    lots.extend(read_lots(reader, node, "maxPositionSize"));
    if reader.flag(node, "useATRSizing") {
        reader.refuse(
            &format!("{}.useATRSizing", node.path),
            Rule::Volume,
            "sizing by ATR cannot be followed yet",
        );
    }
    let by_risk = ["useFixedFractional", "autoAdjustLotSize"].map(|key| {
        let on = reader.flag(node, key);
        if on {
            used(reader, node, key, "caps the lots by the risk percentage");
        }
        on
    });
    if by_risk.contains(&true) {
        match read_percent(reader, node, "riskPercentage") {
            Some(percent) => risk.push(percent),
            None if node.child("riskPercentage").is_none() => reader.refuse(
                &node.path,
                Rule::Volume,
                "sizes by risk but has no \"riskPercentage\"",
            ),
            None => {}
        }
    }
    let volatility = reader
        .flag(node, "reduceInHighVolatility")
        .then(|| read_threshold(reader, node))
        .flatten();
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
    reader.child_informational(node, &parameters, "nothing that needs it is switched on");
    volatility
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
                above_percent: (threshold * Decimal::ONE_HUNDRED).normalize(),
            })
        }
        Some(threshold) => {
            reader.refuse(
                &format!("{}.{key}", node.path),
                Rule::Volume,
                format!("{threshold} is not a fraction below 1"),
            );
            None
        }
        None => {
            if node.child(key).is_none() {
                reader.refuse(
                    &node.path,
                    Rule::Volume,
                    format!("reduces in high volatility but has no \"{key}\""),
                );
            }
            None
        }
    }
}

/// The platform's own page sends no options; what another caller sends may only tighten.
fn read_options(reader: &mut Reader, options: &Node<'_>, positions: &mut Vec<u32>) {
    positions.extend(read_count(reader, options, "maxPositions"));
    if reader.flag(options, "paperTrading") {
        reader.refuse(
            &format!("{}.paperTrading", options.path),
            Rule::UnknownName,
            "paper trading is a switch of the whole program, not of one strategy",
        );
    }
    if let Some(limit) = options.child("maxDailyLoss") {
        reader.refuse(
            &limit.path,
            Rule::DailyLoss,
            "doesn't say whether it is money or per cent",
        );
    }
    if let Some(now) = options.child("startImmediately") {
        reader.informational(&now, "every strategy starts at the next closed bar");
    }
}

fn read_lots(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    let lots = reader.positive(node, key, Rule::Volume)?;
    if lots > MOST_LOTS {
        let path = format!("{}.{key}", node.path);
        reader.refuse(&path, Rule::Volume, format!("{lots} lots are too many"));
        return None;
    }
    used(reader, node, key, "lots; the smallest one counts");
    Some(lots)
}

fn read_count(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<u32> {
    let number = reader.positive(node, key, Rule::Volume)?;
    let count = u32::try_from(number)
        .ok()
        .filter(|count| number.is_integer() && *count <= MOST_POSITIONS);
    if count.is_none() {
        let path = format!("{}.{key}", node.path);
        reader.refuse(
            &path,
            Rule::NotANumber,
            "is not a whole number of positions",
        );
        return None;
    }
    used(
        reader,
        node,
        key,
        "most open positions, and never more than one each way; the smallest one counts",
    );
    count
}

fn read_percent(reader: &mut Reader, node: &Node<'_>, key: &str) -> Option<Decimal> {
    let percent = reader.positive(node, key, Rule::DailyLoss)?;
    if percent > Decimal::ONE_HUNDRED {
        let path = format!("{}.{key}", node.path);
        reader.refuse(&path, Rule::DailyLoss, format!("{percent} % is too much"));
        return None;
    }
    used(
        reader,
        node,
        key,
        "per cent of the balance; the smallest one counts",
    );
    Some(percent)
}

fn used(reader: &mut Reader, node: &Node<'_>, key: &str, text: &str) {
    if let Some(child) = node.child(key) {
        reader.used(&child, text);
    }
}
