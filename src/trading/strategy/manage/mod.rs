//! What the exits ask for while a position is open: a stop to move, a part to close, all to close. Stop loss and take
//! profit themselves stand at the broker.
//!
//! Stateless: everything is derived from the terminal's position, from how it was opened and from the closed bars, so a
//! restart in the middle goes on exactly where it was. While an adjustment is under way the caller must not ask again for
//! the same position: the book does not show it yet.

mod closes;
mod holding;
mod parts;
mod stops;
mod touch;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use self::holding::Holding;
use super::panel::Panel;
use super::plan::Plan;
use super::program::Program;
use crate::market::{Position, Quote, Side, SymbolSpec};

pub use self::stops::MovedBy;
pub use self::touch::{Touch, next_touch};

/// How the position was opened, from its opening deal and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Opened {
    pub volume: Decimal,
    /// The stop loss it was opened with; multiples of the risk are counted from it.
    pub stop_loss: Decimal,
}

/// Everything but the price that the exits of one position look at.
#[derive(Clone, Copy, Debug)]
pub struct PositionView<'a> {
    pub position: &'a Position,
    pub opened: Opened,
    pub spec: &'a SymbolSpec,
    /// The closed bars, as they stand.
    pub panel: &'a Panel,
    /// The plan, made ready for this panel.
    pub program: &'a Program,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Adjustment {
    /// Always nearer to the price than the stop that stands.
    MoveStop { stop_loss: Decimal, why: MovedBy },
    /// `None` closes all that is left.
    Close {
        volume: Option<Decimal>,
        why: String,
    },
}

/// The most urgent thing that the exits ask for now, or nothing. `market_time` is the market's own clock. Where that is a stop
/// to move, nothing more is asked for at this price and moment once it has been moved.
pub fn manage(
    plan: &Plan,
    view: &PositionView<'_>,
    quote: Quote,
    market_time: Timestamp,
) -> Option<Adjustment> {
    let holding = Holding::of(plan, view);
    let now = market_time.as_second();
    closes::due(&holding, quote, now).or_else(|| {
        if quote.bid <= Decimal::ZERO || quote.ask < quote.bid {
            return None;
        }
        let price = match view.position.side {
            Side::Buy => quote.bid,
            Side::Sell => quote.ask,
        };
        let gain = holding.gain(price);
        let walk = parts::walk(&holding, |reach, _| reach.is_reached(gain, now));
        walk.adjustment()
            .or_else(|| stops::moved(&holding, &walk, price, now))
    })
}
