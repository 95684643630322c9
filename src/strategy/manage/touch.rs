//! How long nobody needs to ask.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::holding::{Holding, Reach};
use super::{PositionView, closes, parts, stops};
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
}

impl Touch {
    const ALWAYS: Self = Self {
        lower: f64::INFINITY,
        upper: f64::NEG_INFINITY,
        second: i64::MIN,
    };

    /// Whether `manage` must be asked at this price and second.
    pub fn is_reached(&self, price: f64, second: i64) -> bool {
        !(price > self.lower && price < self.upper) || second >= self.second
    }
}

/// What must happen before the exits of this position can ask for something.
pub fn next_touch(plan: &Plan, view: &PositionView<'_>) -> Touch {
    let holding = Holding::of(plan, view);
    let length = plan.timeframe().seconds();
    let bar = view.panel.last_bar();
    let closed = bar.map_or(i64::MIN, |bar| bar.time.as_second().saturating_add(length));
    if closes::by_bar(&holding, closed).is_some() {
        return Touch::ALWAYS;
    }
    let mut second = closes::closing_second(&holding).unwrap_or(i64::MAX);
    let mut falls_to: Option<Decimal> = None;
    let mut rises_to: Option<Decimal> = None;
    let walk = parts::walk(&holding, |reach| {
        match reach {
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
        rises_to = Some(rises_to.map_or(gain, |known| known.min(gain)));
    }
    // One tick nearer, for what rounding to ticks and to binary fractions may take.
    let tick = view.spec.tick_size.max(view.spec.point);
    let price = |gain: Decimal| {
        gain.checked_mul(holding.sign)
            .and_then(|move_| view.position.open_price.checked_add(move_))
            .and_then(|price| price.to_f64())
    };
    let rise = rises_to.and_then(|gain| Some(price(gain.checked_sub(tick)?)));
    let fall = falls_to.and_then(|gain| Some(price(gain.checked_add(tick)?)));
    // What cannot be told in numbers is always asked about.
    let bound = |asked: Option<Decimal>, found: Option<Option<f64>>, never: f64| match asked {
        None => never,
        Some(_) => found.flatten().unwrap_or(-never),
    };
    let (lower, upper) = if holding.sign.is_sign_positive() {
        (
            bound(falls_to, fall, f64::NEG_INFINITY),
            bound(rises_to, rise, f64::INFINITY),
        )
    } else {
        (
            bound(rises_to, rise, f64::NEG_INFINITY),
            bound(falls_to, fall, f64::INFINITY),
        )
    };
    Touch {
        lower,
        upper,
        second,
    }
}
