//! How long nobody needs to ask.

use rust_decimal::Decimal;

use super::holding::{Holding, Reach};
use super::{PositionView, closes, parts, stops};
use crate::market::{Side, number_of};
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
}

impl Touch {
    const ALWAYS: Self = Self {
        lower: f64::INFINITY,
        upper: f64::NEG_INFINITY,
        second: i64::MIN,
        part: None,
        lost_part: None,
    };

    /// Whether `manage` must be asked at this price and second.
    pub fn is_reached(&self, price: f64, second: i64) -> bool {
        !(price > self.lower && price < self.upper) || second >= self.second
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
    if let Some(gain) = stops::next_gain(&holding, &walk, closed) {
        // One tick nearer: a stop rounded to ticks may be worth its step a little before.
        let tick = view.spec.tick_size.max(view.spec.point);
        let gain = gain.saturating_sub(tick);
        rises_to = Some(rises_to.map_or(gain, |known| known.min(gain)));
    }
    let price = |gain: Decimal| view.position.open_price.saturating_add(holding.along(gain));
    let number = |gain: Decimal| number_of(price(gain));
    let below = |gain: Option<Decimal>| match gain {
        None => f64::NEG_INFINITY,
        Some(gain) => {
            let price = number(gain);
            price + price.abs() * SLACK
        }
    };
    let above = |gain: Option<Decimal>| match gain {
        None => f64::INFINITY,
        Some(gain) => {
            let price = number(gain);
            price - price.abs() * SLACK
        }
    };
    let (lower, upper) = if view.position.side == Side::Buy {
        (below(falls_to), above(rises_to))
    } else {
        (below(rises_to), above(falls_to))
    };
    Touch {
        lower,
        upper,
        second,
        part: part.map(price),
        lost_part: lost_part.map(price),
    }
}
