//! The order of an entry: side, volume, stop loss, take profit. What the broker would refuse is not sent.

use rust_decimal::Decimal;

use super::evaluate::{Decision, MarketView, longest_wait};
use super::exits::{Target, along, highest, lowest};
use super::plan::Plan;
use super::risk::volume;
use crate::market::Side;

/// The price is at least so many times as far from zero as the stop is from the price.
const FURTHEST_STOP: Decimal = Decimal::TWO;

/// The order itself: levels on the right side of the price and outside the broker's least distance, volume in whole steps.
/// `factor` is that of the filters on the volume.
pub(super) fn order(
    plan: &Plan,
    view: &MarketView<'_>,
    side: Side,
    factor: Decimal,
) -> Result<Decision, String> {
    let (quote, spec) = (view.quote, view.spec);
    if quote.bid <= Decimal::ZERO || quote.ask < quote.bid {
        return Err(format!("no usable price ({}/{})", quote.bid, quote.ask));
    }
    let age = view.market_time.as_second() - quote.time.as_second();
    if age >= longest_wait(plan.timeframe) {
        return Err(format!("the last price is {} minutes old", age / 60));
    }
    // A position is closed at the other side of the quote, which is what its levels are measured against.
    let (entry, exit) = match side {
        Side::Buy => (quote.ask, quote.bid),
        Side::Sell => (quote.bid, quote.ask),
    };
    if plan.exits.closing.no_friday_entry && is_friday(view.market_time.as_second()) {
        return Err("nothing is opened on a Friday (UTC)".to_owned());
    }
    let weekly = &plan.exits.closing.weekly;
    if (weekly.iter()).any(|moment| moment.has_come(view.market_time.as_second())) {
        return Err(
            "the closing time of the week has come; nothing more is opened on this day (UTC)"
                .to_owned(),
        );
    }
    let stop = plan
        .exits
        .stop_loss
        .in_price(side, entry, spec, view.panel)
        .ok_or("the stop's distance cannot be computed at this bar, or lies on the wrong side of the price")?;
    let stop_loss = spec.round_price(entry - along(side, stop));
    let away = (entry - stop_loss).abs();
    if away.saturating_mul(FURTHEST_STOP) > entry {
        return Err(format!(
            "a stop loss at {stop_loss} is further from the price {entry} than half of it, which protects nothing (R10)"
        ));
    }
    let volume = volume(plan, view, away, factor)?;
    let target = target(plan, view, (side, entry), stop)?;
    let take_profit = target.map(|target| spec.round_price(entry + along(side, target)));
    let least = Decimal::from(spec.stops_level) * spec.point;
    let room = along(side, exit - stop_loss);
    if stop_loss <= Decimal::ZERO || room <= Decimal::ZERO || room < least {
        return Err(format!(
            "a stop loss at {stop_loss} is too close to the price {exit} (least distance {least})"
        ));
    }
    if let Some(take_profit) = take_profit {
        let room = along(side, take_profit - exit);
        if take_profit <= Decimal::ZERO || room <= Decimal::ZERO || room < least {
            return Err(format!(
                "a take profit at {take_profit} is too close to the price {exit} or below zero (least distance {least})"
            ));
        }
    }
    Ok(Decision::Enter {
        side,
        volume,
        stop_loss,
        take_profit,
    })
}

/// The distance of the broker's take profit, as the sentence says it.
fn target(
    plan: &Plan,
    view: &MarketView<'_>,
    (side, entry): (Side, Decimal),
    stop: Decimal,
) -> Result<Option<Decimal>, String> {
    const UNKNOWN: &str = "the target's distance cannot be computed at this bar";
    let spec = view.spec;
    let distance = match plan.exits.target {
        None => return Ok(None),
        Some(Target::Ratio(ratio)) => stop.checked_mul(ratio),
        Some(Target::Distance(distance)) => distance.in_price(entry, spec, view.panel),
        Some(Target::Level { bars }) => {
            let level = match side {
                Side::Buy => highest(view.panel, bars),
                Side::Sell => lowest(view.panel, bars),
            };
            let level = level.ok_or(UNKNOWN)?;
            let away = along(side, level - entry);
            if away < stop {
                return Err(format!(
                    "the target at {} is nearer than the stop",
                    spec.round_price(level)
                ));
            }
            Some(away)
        }
    };
    distance.map(Some).ok_or_else(|| UNKNOWN.to_owned())
}

/// 1 January 1970 was a Thursday.
const fn is_friday(second: i64) -> bool {
    second.div_euclid(86_400).rem_euclid(7) == 1
}
