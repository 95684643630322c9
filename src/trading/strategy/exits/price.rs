//! Distances and levels of exits in price.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;

use super::Distance;
use super::level::When;
use super::stop::{StopAt, StopLoss};
use crate::market::{Side, SymbolSpec};
use crate::strategy::indicator::Series;
use crate::strategy::panel::Panel;

/// A distance the way that a position of this direction gains: up for a buy, down for a sell. And back.
pub(in crate::strategy) fn along(side: Side, distance: Decimal) -> Decimal {
    match side {
        Side::Buy => distance,
        Side::Sell => -distance,
    }
}

impl Distance {
    /// `None`: it cannot be known at this bar.
    pub(in crate::strategy) fn in_price(
        self,
        entry: Decimal,
        spec: &SymbolSpec,
        panel: &Panel,
    ) -> Option<Decimal> {
        match self {
            Self::Pips(pips) => pips.checked_mul(spec.pip()),
            Self::Percent(percent) => entry
                .checked_mul(percent)?
                .checked_div(Decimal::ONE_HUNDRED),
            Self::Atr { period, multiplier } => {
                Decimal::from_f64(panel.own(Series::Atr(period)))?.checked_mul(multiplier)
            }
        }
    }
}

impl StopLoss {
    /// Its distance from this price, within the bounds and above zero. `None`: it cannot be known, or what it stands
    /// behind is on the wrong side of the price and no least distance is named.
    pub(in crate::strategy) fn in_price(
        &self,
        side: Side,
        price: Decimal,
        spec: &SymbolSpec,
        panel: &Panel,
    ) -> Option<Decimal> {
        let beyond = |level: Option<Decimal>, pips: Decimal| {
            let beyond = pips.checked_mul(spec.pip())?;
            along(side, price - level?).checked_add(beyond)
        };
        let distance = match self.at {
            StopAt::Distance(distance) => distance.in_price(price, spec, panel)?,
            StopAt::Average {
                period,
                beyond_pips,
            } => beyond(
                Decimal::from_f64(panel.own(Series::Ema(period))),
                beyond_pips,
            )?,
            StopAt::Swing { bars, beyond_pips } => {
                let level = match side {
                    Side::Buy => lowest(panel, bars),
                    Side::Sell => highest(panel, bars),
                };
                beyond(level, beyond_pips)?
            }
        };
        let distance = self.bounded(distance, spec);
        (distance > Decimal::ZERO).then_some(distance)
    }

    /// The distance within `minPips` and `maxPips`.
    pub(in crate::strategy) fn bounded(&self, distance: Decimal, spec: &SymbolSpec) -> Decimal {
        let at_least = |min| distance.max(min * spec.pip());
        let distance = self.min_pips.map_or(distance, at_least);
        let at_most = |max| distance.min(max * spec.pip());
        self.max_pips.map_or(distance, at_most)
    }
}

/// The lowest low of the last closed bars.
pub(in crate::strategy) fn lowest(panel: &Panel, bars: u32) -> Option<Decimal> {
    let before = Decimal::from_f64(panel.own(Series::Support(bars - 1)))?;
    Some(before.min(Decimal::from_f64(panel.own(Series::Low))?))
}

/// The highest high of the last closed bars.
pub(in crate::strategy) fn highest(panel: &Panel, bars: u32) -> Option<Decimal> {
    let before = Decimal::from_f64(panel.own(Series::Resistance(bars - 1)))?;
    Some(before.max(Decimal::from_f64(panel.own(Series::High))?))
}

impl When {
    /// The profit, in price, at which it is due, where that is fixed at opening. `risk` is the stop's distance, `volume` the
    /// original one.
    pub(in crate::strategy) fn fixed_gain(
        &self,
        open_price: Decimal,
        risk: Option<Decimal>,
        volume: Decimal,
        spec: &SymbolSpec,
    ) -> Option<Decimal> {
        match *self {
            Self::Pips(pips) => pips.checked_mul(spec.pip()),
            Self::Percent(percent) => open_price
                .checked_mul(percent)?
                .checked_div(Decimal::ONE_HUNDRED),
            Self::Ratio(ratio) => risk?.checked_mul(ratio),
            Self::Amount(amount) => {
                let of_a_tick = volume.checked_mul(spec.tick_value)?;
                amount.checked_mul(spec.tick_size)?.checked_div(of_a_tick)
            }
            _ => None,
        }
    }
}
