//! The order of an entry: side, volume, stop loss, take profit. What the broker would refuse is not sent.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::evaluate::{Decision, MarketView, longest_wait};
use super::exits::{Distance, StopLoss, Target};
use super::indicator::Series;
use super::panel::Panel;
use super::plan::Plan;
use super::risk::volume;
use crate::market::{Side, SymbolSpec};

/// The order itself: levels on the right side of the price and outside the broker's least distance, volume in whole steps.
pub(super) fn order(plan: &Plan, view: &MarketView<'_>, side: Side) -> Result<Decision, String> {
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
    let stop = plan
        .exits
        .stop_loss
        .in_price(entry, spec, view.panel)
        .ok_or("the stop's distance cannot be computed at this bar")?;
    let target = plan
        .exits
        .target
        .map(|target| {
            match target {
                Target::Ratio(ratio) => stop.checked_mul(ratio),
                Target::Distance(distance) => distance.in_price(entry, spec, view.panel),
            }
            .ok_or("the target's distance cannot be computed at this bar")
        })
        .transpose()?;
    let sign = match side {
        Side::Buy => Decimal::ONE,
        Side::Sell => Decimal::NEGATIVE_ONE,
    };
    let stop_loss = spec.round_price(entry - sign * stop);
    let take_profit = target.map(|target| spec.round_price(entry + sign * target));
    let least = Decimal::from(spec.stops_level) * spec.point;
    let room = (exit - stop_loss) * sign;
    if stop_loss <= Decimal::ZERO || room <= Decimal::ZERO || room < least {
        return Err(format!(
            "a stop loss at {stop_loss} is too close to the price {exit} (least distance {least})"
        ));
    }
    if let Some(take_profit) = take_profit {
        let room = (take_profit - exit) * sign;
        if take_profit <= Decimal::ZERO || room <= Decimal::ZERO || room < least {
            return Err(format!(
                "a take profit at {take_profit} is too close to the price {exit} or below zero (least distance {least})"
            ));
        }
    }
    let volume = volume(plan, view, side, (entry - stop_loss).abs())?;
    Ok(Decision::Enter {
        side,
        volume,
        stop_loss,
        take_profit,
    })
}

impl Distance {
    fn in_price(self, entry: Decimal, spec: &SymbolSpec, panel: &Panel) -> Option<Decimal> {
        match self {
            Self::Pips(pips) => pips.checked_mul(spec.pip()),
            Self::Percent(percent) => entry
                .checked_mul(percent)?
                .checked_div(Decimal::ONE_HUNDRED),
            Self::Atr { period, multiplier } => {
                let atr = panel.own(Series::Atr(period));
                Decimal::from_f64(atr)?.checked_mul(multiplier)
            }
        }
    }
}

impl StopLoss {
    fn in_price(&self, entry: Decimal, spec: &SymbolSpec, panel: &Panel) -> Option<Decimal> {
        let distance = self.distance.in_price(entry, spec, panel)?;
        let distance = self.bounded(distance, spec);
        (distance > Decimal::ZERO).then_some(distance)
    }

    /// The distance within `minPips` and `maxPips`.
    pub(super) fn bounded(&self, distance: Decimal, spec: &SymbolSpec) -> Decimal {
        let pip = spec.pip();
        let distance = self
            .min_pips
            .map_or(distance, |min| distance.max(min * pip));
        self.max_pips
            .map_or(distance, |max| distance.min(max * pip))
    }
}
