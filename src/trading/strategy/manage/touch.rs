//! How long nobody needs to ask.

use rust_decimal::Decimal;

use super::holding::{Holding, Reach};
use super::stops::Follow;
use super::{PositionView, closes, parts, stops};
use crate::market::{Position, Side, SymbolSpec, number_of};
use crate::strategy::exits::along;
use crate::strategy::plan::Plan;

/// [`manage`](super::manage) has nothing to ask for while all of this holds: the price at which the position could be closed
/// (the bid for a buy, the ask for a sell) lies strictly between `lower` and `upper`, the market's clock is before
/// `second`, no bar has closed (where [`Exits::look_at_bars`](crate::strategy::Exits::look_at_bars)) and the position is the
/// same. Beyond it, `manage` must be asked; it may still answer with
/// nothing. The stop loss and the take profit that stand at the broker are not in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Touch {
    pub lower: f64,
    pub upper: f64,
    /// Seconds since 1970 UTC; `i64::MAX` when time alone changes nothing.
    pub second: i64,
    /// Where the next part is due, when that is a price and no bar or moment: exactly, not rounded to ticks. It lies at one of
    /// the bounds or beyond, unless it is left for the next one and nothing comes of it. Reached by winning.
    pub part: Option<Decimal>,
    /// The same, reached by losing.
    pub lost_part: Option<Decimal>,
    /// The profit at which the next part is due, and what alone moves the stop.
    part_gain: Option<Decimal>,
    follow: Option<Follow>,
}

impl Touch {
    /// Nobody has looked yet.
    pub const ALWAYS: Self = Self {
        lower: f64::INFINITY,
        upper: f64::NEG_INFINITY,
        second: i64::MIN,
        part: None,
        lost_part: None,
        part_gain: None,
        follow: None,
    };

    /// Whether `manage` must be asked at this price and second.
    pub fn is_reached(&self, price: f64, second: i64) -> bool {
        !(price > self.lower && price < self.upper) || second >= self.second
    }

    /// The same once the position's stop has moved and nothing else has changed (see
    /// [`Exits::stand_still`](crate::strategy::Exits::stand_still)). `None`: [`next_touch`] must tell.
    pub fn after_move(&self, position: &Position, spec: &SymbolSpec) -> Option<Self> {
        let standing = position.stop_loss.map(|stop| stop - position.open_price);
        let standing = standing.map(|distance| along(position.side, distance));
        let moves_at = self.follow?.next_gain(standing);
        let bound = bound(
            position,
            nearer(self.part_gain, moves_at, spec),
            position.side,
        );
        let (lower, upper) = match position.side {
            Side::Buy => (self.lower, bound),
            Side::Sell => (bound, self.upper),
        };
        Some(Self {
            lower,
            upper,
            ..*self
        })
    }
}

/// The nearer one of the profits at which a part is due and at which a stop moves, one tick nearer: a stop rounded to ticks may
/// be worth its step a little before.
fn nearer(part: Option<Decimal>, moves_at: Decimal, spec: &SymbolSpec) -> Option<Decimal> {
    let tick = spec.tick_size.max(spec.point);
    let moves_at = moves_at.saturating_sub(tick);
    Some(part.map_or(moves_at, |part| part.min(moves_at)))
}

/// The price of a profit.
fn price(position: &Position, gain: Decimal) -> Decimal {
    let away = along(position.side, gain);
    position.open_price.saturating_add(away)
}

/// A bound above (for a buy) or below.
fn bound(position: &Position, gain: Option<Decimal>, towards: Side) -> f64 {
    let sign = match towards {
        Side::Buy => 1.0,
        Side::Sell => -1.0,
    };
    match gain {
        None => sign * f64::INFINITY,
        Some(gain) => {
            let price = number_of(price(position, gain));
            price - sign * price.abs() * SLACK
        }
    }
}

/// What turning a price into a binary fraction may take, of the price.
const SLACK: f64 = 1e-12;

/// What must happen before the exits of this position can ask for something.
pub fn next_touch(plan: &Plan, view: &PositionView<'_>) -> Touch {
    let holding = Holding::of(plan, view);
    let length = plan.timeframe().seconds();
    let bar = view.panel.last_bar();
    let closed = bar.map_or(i64::MIN, |bar| bar.time.as_second().saturating_add(length));
    if closes::by_bar(&holding, None, closed).is_some() {
        return Touch::ALWAYS;
    }
    let mut second = closes::closing_second(&holding).unwrap_or(i64::MAX);
    if closes::needs_the_ask(&holding, closed) {
        second = second.min(closed);
    }
    let mut falls_to: Option<Decimal> = None;
    let mut rises_to: Option<Decimal> = None;
    let (mut part, mut lost_part) = (None, None);
    let walk = parts::walk(&holding, |reach, matters| {
        (part, lost_part) = match reach {
            Reach::AtLeast(gain) => (Some(gain), None),
            Reach::AtMost(gain) => (None, Some(gain)),
            Reach::At(_) | Reach::Unknown => (None, None),
        };
        match reach {
            _ if !matters => {}
            Reach::AtLeast(gain) => {
                rises_to = Some(rises_to.map_or(gain, |known| known.min(gain)));
            }
            Reach::AtMost(gain) => {
                falls_to = Some(falls_to.map_or(gain, |known| known.max(gain)));
            }
            Reach::At(at) => second = second.min(at),
            Reach::Unknown => {}
        }
        false
    });
    let part_gain = rises_to;
    let (moves_at, follow) = stops::next_gain(&holding, &walk, closed);
    if let Some(gain) = moves_at {
        rises_to = nearer(part_gain, gain, view.spec);
    }
    let position = view.position;
    let won = bound(position, rises_to, position.side);
    let lost = bound(position, falls_to, position.side.opposite());
    let (lower, upper) = match position.side {
        Side::Buy => (lost, won),
        Side::Sell => (won, lost),
    };
    Touch {
        lower,
        upper,
        second,
        part: part.map(|gain| price(position, gain)),
        lost_part: lost_part.map(|gain| price(position, gain)),
        part_gain,
        follow,
    }
}
