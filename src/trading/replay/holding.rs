//! An open position of a replay, with the prices at which anything can happen to it as plain numbers, so that a quiet bar
//! costs a few comparisons.

use rust_decimal::Decimal;

use crate::market::{Position, Side, SymbolSpec, number_of};
use crate::strategy::{Opened, Touch};

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
    /// Until when and where the exits have nothing to ask for.
    touch: Touch,
    /// Where the next part is due, as a number, and the price at which it can be closed, once that was asked for.
    part: f64,
    part_at: Option<(Decimal, f64)>,
    /// The stop is no longer the one it was opened with.
    pub moved: bool,
    /// Account currency for a rise of 1 in price, of what is open.
    pub worth: f64,
}

impl Holding {
    pub fn new(number: u64, position: Position, spec: &SymbolSpec) -> Self {
        let stop_loss = position.stop_loss.unwrap_or_default();
        let sign = match position.side {
            Side::Buy => 1.0,
            Side::Sell => -1.0,
        };
        let mut holding = Self {
            number,
            opened: Opened {
                volume: position.volume,
                stop_loss,
            },
            net: Decimal::ZERO,
            sign,
            entry: number_of(position.open_price),
            stop: number_of(stop_loss),
            target: position.take_profit.map(number_of),
            touch: Touch::ALWAYS,
            part: f64::NAN,
            part_at: None,
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

    /// Until when and where the exits have nothing to ask for from now on.
    pub fn look_ahead(&mut self, touch: Touch) {
        self.part = touch.part.map_or(f64::NAN, number_of);
        self.part_at = None;
        self.touch = touch;
    }

    /// The same once the stop has moved and nothing else has changed. `false`: the exits themselves must be asked.
    pub fn look_on(&mut self, spec: &SymbolSpec) -> bool {
        let touch = self.touch.after_move(&self.position, spec);
        if let Some(touch) = touch {
            self.touch = touch;
        }
        touch.is_some()
    }

    /// Whether the exits could ask for anything at this price.
    pub fn must_ask(&self, price: f64, second: i64) -> bool {
        self.touch.is_reached(price, second)
    }

    /// Whether nothing happens to it on any way between its worst and its best price, up to this second: no stop, no target,
    /// no part, nothing to ask for.
    pub fn is_quiet(&self, (worst, best): (f64, f64), second: i64, slack: f64) -> bool {
        !self.must_ask(worst, second)
            && !self.must_ask(best, second)
            && !self.is_stopped_at(worst, slack)
            && !self.reaches_target(best, slack)
            && self.is_short_of_part(best, slack)
    }

    /// The price at which a part can be closed is never short of the part itself, so a price that is short of it needs no
    /// exact look.
    fn is_short_of_part(&self, price: f64, slack: f64) -> bool {
        self.touch.part.is_none() || (price - self.part) * self.sign < -2.0 * slack
    }

    /// Where the next part is due, if this price is at it or beyond: a price that the symbol's ticks allow.
    pub fn part_reached(&mut self, price: f64, slack: f64, spec: &SymbolSpec) -> Option<Decimal> {
        if self.is_short_of_part(price, slack) {
            return None;
        }
        let (part, number) = match self.part_at {
            Some(known) => known,
            None => {
                let part = not_nearer(self.touch.part?, self.position.side, spec);
                *self.part_at.insert((part, number_of(part)))
            }
        };
        let reached = (price - number) * self.sign >= -slack;
        reached.then_some(part)
    }

    /// The same of a part that is closed at a loss.
    pub fn lost_part_reached(&self, price: f64, slack: f64, spec: &SymbolSpec) -> Option<Decimal> {
        let against = match self.position.side {
            Side::Buy => Side::Sell,
            Side::Sell => Side::Buy,
        };
        let part = not_nearer(self.touch.lost_part?, against, spec);
        let reached = (price - number_of(part)) * self.sign <= slack;
        reached.then_some(part)
    }
}

/// The price that the symbol's ticks allow, not short of the one asked for.
fn not_nearer(price: Decimal, side: Side, spec: &SymbolSpec) -> Decimal {
    let rounded = spec.round_price(price);
    match side {
        Side::Buy if rounded < price => rounded + spec.tick_size,
        Side::Sell if rounded > price => rounded - spec.tick_size,
        _ => rounded,
    }
}
