//! The stop loss: at a distance from the entry, behind a moving average, or behind the last swing.

use rust_decimal::Decimal;
use serde::Serialize;

use super::following::{Start, Trailing};
use super::read::{
    atr_period, bars, distance, kind, missing, optional_pips, pips, ratio, use_keys,
};
use super::{Distance, extremes};
use crate::strategy::indicator::{LEVEL_BARS, Series, normalised};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule, quoted};

/// More bars than this in an average are a mistake.
const LONGEST_AVERAGE: u32 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum StopAt {
    Distance(Distance),
    /// So many pips beyond the exponential average of the close: below it for a buy, above it for a sell.
    Average {
        period: u32,
        beyond_pips: Decimal,
    },
    /// So many pips beyond the lowest low (for a sell the highest high) of the last closed bars.
    Swing {
        bars: u32,
        beyond_pips: Decimal,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct StopLoss {
    pub at: StopAt,
    /// Bounds on the distance, in pips.
    pub min_pips: Option<Decimal>,
    pub max_pips: Option<Decimal>,
    /// Computed anew from the close of each bar, within the same bounds; it only ever moves towards the price.
    pub follows: bool,
}

impl StopLoss {
    /// Its distance, where that is the same for every entry.
    pub(super) fn fixed_pips(&self) -> Option<Decimal> {
        let StopAt::Distance(Distance::Pips(pips)) = self.at else {
            return None;
        };
        let least = self.min_pips.map_or(pips, |min| pips.max(min));
        Some(self.max_pips.map_or(least, |max| least.min(max)))
    }

    pub(super) fn series(&self) -> Vec<Series> {
        match self.at {
            StopAt::Distance(Distance::Atr { period, .. }) => vec![Series::Atr(period)],
            StopAt::Distance(Distance::Pips(_) | Distance::Percent(_)) => Vec::new(),
            StopAt::Average { period, .. } => vec![Series::Ema(period)],
            StopAt::Swing { bars, .. } => extremes(bars).to_vec(),
        }
    }
}

/// A stop, and what follows the price from the opening on where its type asks for that.
pub(super) struct ReadStop {
    pub stop_loss: StopLoss,
    pub trailing: Option<Trailing>,
}

impl ReadStop {
    const fn standing(stop_loss: StopLoss) -> Self {
        Self {
            stop_loss,
            trailing: None,
        }
    }
}

/// The stop of `smartExit` where it is complete for its type, else the plain one (R10).
pub(super) fn read_stop(
    reader: &mut Reader,
    exit: &Node<'_>,
    smart: Option<&Node<'_>>,
) -> Option<ReadStop> {
    let plain = exit.child("stopLoss");
    if let Some(smart) = smart {
        let kind = kind(smart);
        if is_complete(smart, &kind) {
            if let Some(plain) = &plain {
                reader.informational(plain, "the smart exit's stop loss counts");
            }
            return read_smart_stop(reader, smart, &kind);
        }
        let text = "incomplete for its type; the plain stop loss counts";
        reader.skip(Reason::new(Rule::Exits, &smart.path, text));
    }
    read_plain_stop(reader, &plain?).map(ReadStop::standing)
}

fn is_complete(smart: &Node<'_>, kind: &str) -> bool {
    let has = |key: &str| smart.child(key).is_some();
    match kind {
        "fixed" => has("fixedPips"),
        "atr" => has("atrMultiplier"),
        "ema" => has("emaReference"),
        "trailing" => has("trailDistance"),
        // Without swing points nothing says where the level is.
        "support" => smart
            .child("useSwingPoints")
            .is_none_or(|flag| flag.flag() != Some(false)),
        _ => true,
    }
}

fn read_plain_stop(reader: &mut Reader, plain: &Node<'_>) -> Option<StopLoss> {
    let kind = kind(plain);
    let at = if kind == "dynamic" {
        read_dynamic(reader, plain)?
    } else {
        StopAt::Distance(distance(reader, plain)?)
    };
    let stop = bounded(reader, plain, at, false);
    let used: &[&str] = match kind.as_str() {
        "atr" => &["type", "value", "atrPeriod", "period", "minPips", "maxPips"],
        "atr_based" => {
            if let Some(flag) = plain.child("adjustForVolatility") {
                reader.informational(&flag, "a stop by ATR follows the volatility by itself");
            }
            &[
                "type",
                "atrMultiplier",
                "atrPeriod",
                "period",
                "minPips",
                "maxPips",
            ]
        }
        _ => &["type", "value", "minPips", "maxPips"],
    };
    use_keys(reader, plain, used, "stop loss");
    Some(stop)
}

/// `ema_200_minus_2`: two pips beyond the average, which is below it for a buy and above it for a sell.
fn read_dynamic(reader: &mut Reader, node: &Node<'_>) -> Option<StopAt> {
    let value = node
        .child("value")
        .or_else(|| missing(reader, node, "value"))?;
    let text = value.text().map(normalised).unwrap_or_default();
    let read = text.split_once("_minus_").and_then(|(average, beyond)| {
        let beyond_pips: Decimal = beyond.parse().ok()?;
        let sane = beyond_pips >= Decimal::ZERO && beyond_pips <= Decimal::from(1_000_000);
        let period = average_period(average)?;
        sane.then_some(StopAt::Average {
            period,
            beyond_pips,
        })
    });
    if read.is_none() {
        let said = value.text().map_or_else(
            || "its value is not like \"ema_200_minus_2\"".to_owned(),
            |text| format!("{} is not like \"ema_200_minus_2\"", quoted(text)),
        );
        reader.refuse(&value.path, Rule::UnknownName, said);
    }
    read
}

fn average_period(name: &str) -> Option<u32> {
    let period = normalised(name).strip_prefix("ema_")?.parse().ok()?;
    (1..=LONGEST_AVERAGE).contains(&period).then_some(period)
}

fn read_smart_stop(reader: &mut Reader, smart: &Node<'_>, kind: &str) -> Option<ReadStop> {
    let mut trailing = None;
    let mut follows = false;
    let (at, used): (_, &[&str]) = match kind {
        "fixed" => {
            let pips = pips(reader, smart, "fixedPips")?;
            (StopAt::Distance(Distance::Pips(pips)), &["fixedPips"])
        }
        "atr" => {
            let multiplier = ratio(reader, smart, "atrMultiplier")?;
            let period = atr_period(reader, smart)?;
            (
                StopAt::Distance(Distance::Atr { period, multiplier }),
                &["atrMultiplier", "atrPeriod", "period"],
            )
        }
        "support" => {
            let bars = bars(reader, smart, "swingLookback", LEVEL_BARS, 2)?;
            let beyond_pips = optional_pips(reader, smart, "distancePips").unwrap_or_default();
            (
                StopAt::Swing { bars, beyond_pips },
                &["useSwingPoints", "swingLookback", "distancePips"],
            )
        }
        "ema" => {
            follows = reader.flag(smart, "updateOnCandle");
            (
                read_average(reader, smart)?,
                &["emaReference", "distancePips", "updateOnCandle"],
            )
        }
        "trailing" => {
            let pips = pips(reader, smart, "trailDistance")?;
            trailing = Some(Trailing {
                distance: Distance::Pips(pips),
                min_pips: None,
                step_pips: Decimal::ONE,
                start: Start::AtOnce,
            });
            (StopAt::Distance(Distance::Pips(pips)), &["trailDistance"])
        }
        other => {
            let text = format!("a stop loss of type {} is not known", quoted(other));
            reader.refuse(&smart.path, Rule::Exits, text);
            return None;
        }
    };
    let stop_loss = bounded(reader, smart, at, follows);
    use_keys(reader, smart, &["type", "minPips", "maxPips"], "stop loss");
    use_keys(reader, smart, used, "stop loss");
    let parameters = [
        "atrMultiplier",
        "atrPeriod",
        "period",
        "fixedPips",
        "useSwingPoints",
        "swingLookback",
        "emaReference",
        "distancePips",
        "trailDistance",
        "updateOnCandle",
    ];
    reader.child_informational(smart, &parameters, "belongs to another type of stop");
    Some(ReadStop {
        stop_loss,
        trailing,
    })
}

fn read_average(reader: &mut Reader, smart: &Node<'_>) -> Option<StopAt> {
    let name = smart.child("emaReference")?;
    let Some(period) = name.text().and_then(average_period) else {
        let text = "is no exponential average like \"ema_200\"";
        reader.refuse(&name.path, Rule::UnknownName, text);
        return None;
    };
    let beyond_pips = optional_pips(reader, smart, "distancePips").unwrap_or_default();
    Some(StopAt::Average {
        period,
        beyond_pips,
    })
}

fn bounded(reader: &mut Reader, node: &Node<'_>, at: StopAt, follows: bool) -> StopLoss {
    let min_pips = reader.positive(node, "minPips", Rule::Exits);
    let max_pips = reader.positive(node, "maxPips", Rule::Exits);
    if let (Some(min), Some(max)) = (min_pips, max_pips)
        && min > max
    {
        reader.refuse(&node.path, Rule::Exits, "minPips is above maxPips");
    }
    StopLoss {
        at,
        min_pips,
        max_pips,
        follows,
    }
}
