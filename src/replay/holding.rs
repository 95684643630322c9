//! An open position of a replay, with the prices at which anything can happen to it as plain numbers, so that a quiet bar
//! costs a few comparisons.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::market::{Position, Side, SymbolSpec};
use crate::strategy::{Exits, Opened, Plan};

/// A trailing stop in numbers.
#[derive(Clone, Copy, Debug)]
struct Trail {
    /// Profit, in price, from which on it follows.
    starts_at: f64,
    distance: f64,
    step: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Holding {
    pub number: u64,
    pub position: Position,
    pub opened: Opened,
    /// Profit of the parts closed so far, commission taken off.
    pub net: Decimal,
    /// +1 for a buy, −1 for a sell.
    pub sign: f64,
    entry: f64,
    pub stop: f64,
    target: Option<f64>,
    /// Where parts are due, nearest first; those behind are gone.
    levels: Vec<(Decimal, f64)>,
    trail: Option<Trail>,
    /// Second from which on it has been held too long.
    pub due: i64,
    /// The stop is no longer the one it was opened with.
    pub moved: bool,
    /// Account currency for a rise of 1 in price, of what is open.
    pub worth: f64,
}

impl Holding {
    pub fn new(plan: &Plan, number: u64, position: Position, spec: &SymbolSpec) -> Self {
        // Named one by one: an exit that is new here must get its numbers, or bars would pass it by.
        let Exits {
            stop_loss: _,
            target: _,
            partials,
            trailing,
            max_holding_minutes,
        } = plan.exits();
        let stop_loss = position.stop_loss.unwrap_or_default();
        let sign = match position.side {
            Side::Buy => Decimal::ONE,
            Side::Sell => Decimal::NEGATIVE_ONE,
        };
        let risk = (position.open_price - stop_loss) * sign;
        let before_last = partials.split_last().map_or(&[][..], |(_, before)| before);
        let levels = before_last
            .iter()
            .map(|level| {
                let price = position.open_price + sign * level.ratio * risk;
                let price = not_nearer(price, sign, spec);
                (price, number_of(price))
            })
            .collect();
        let trail = trailing.as_ref().map(|trailing| {
            let distance = trailing.distance_pips * spec.pip();
            let starts_at = trailing
                .activate_at_ratio
                .map_or(distance, |ratio| ratio * risk);
            let least = Decimal::from(spec.stops_level) * spec.point;
            Trail {
                starts_at: number_of(starts_at),
                distance: number_of(distance.max(least)),
                step: number_of(trailing.step_pips * spec.pip()),
            }
        });
        let opened_at = position.opened_at.as_second();
        let mut holding = Self {
            number,
            opened: Opened {
                volume: position.volume,
                stop_loss,
            },
            net: Decimal::ZERO,
            sign: number_of(sign),
            entry: number_of(position.open_price),
            stop: number_of(stop_loss),
            target: position.take_profit.map(number_of),
            levels,
            trail,
            due: max_holding_minutes.map_or(i64::MAX, |minutes| opened_at + minutes * 60),
            moved: false,
            worth: 0.0,
            position,
        };
        holding.weigh(spec);
        holding
    }

    /// After the volume or the tick's value changed.
    pub fn weigh(&mut self, spec: &SymbolSpec) {
        let per_price = spec
            .tick_value
            .checked_div(spec.tick_size)
            .and_then(|per_lot| per_lot.checked_mul(self.position.volume));
        self.worth = per_price.map_or(f64::NAN, number_of);
    }

    pub fn move_stop(&mut self, stop_loss: Decimal) {
        self.position.stop_loss = Some(stop_loss);
        self.stop = number_of(stop_loss);
        self.moved = true;
    }

    /// What it is worth more or less than at its opening, were it closed at this price.
    pub fn floating(&self, price: f64) -> f64 {
        (price - self.entry) * self.sign * self.worth
    }

    /// The stop is at this price or before it.
    pub fn is_stopped_at(&self, price: f64, slack: f64) -> bool {
        (price - self.stop) * self.sign <= slack
    }

    pub fn reaches_target(&self, price: f64, slack: f64) -> bool {
        self.target
            .is_some_and(|target| (price - target) * self.sign >= -slack)
    }

    pub fn reaches_level(&self, price: f64, slack: f64) -> bool {
        self.levels
            .first()
            .is_some_and(|(_, level)| (price - level) * self.sign >= -slack)
    }

    /// The nearest level for a part, if this price is at it or beyond; it is not asked about again.
    pub fn pass_level(&mut self, price: f64, slack: f64) -> Option<Decimal> {
        if !self.reaches_level(price, slack) {
            return None;
        }
        Some(self.levels.remove(0).0)
    }

    /// Whether the trailing stop may move at this price.
    pub fn may_trail(&self, price: f64, slack: f64) -> bool {
        self.trail.is_some_and(|trail| {
            let profit = (price - self.entry) * self.sign;
            let better = (price - self.stop) * self.sign - trail.distance;
            profit >= trail.starts_at - slack && better >= trail.step - slack
        })
    }

    pub fn is_due(&self, at: Timestamp) -> bool {
        at.as_second() >= self.due
    }
}

/// The price that the symbol's ticks allow, not short of the one asked for.
fn not_nearer(price: Decimal, sign: Decimal, spec: &SymbolSpec) -> Decimal {
    let rounded = spec.round_price(price);
    if (rounded - price) * sign < Decimal::ZERO {
        rounded + sign * spec.tick_size
    } else {
        rounded
    }
}

pub(super) fn number_of(decimal: Decimal) -> f64 {
    decimal.to_f64().unwrap_or(f64::NAN)
}
