//! What the exits ask for while a position is open: a stop to move, a part to close, all to close. Stop loss and take
//! profit themselves stand at the broker.
//!
//! Stateless: everything is derived from the terminal's position and from how it was opened, so a restart in the middle
//! goes on exactly where it was. While an adjustment is under way the caller must not ask again for the same position:
//! the book does not show it yet.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::exits::{PartialLevel, Trailing};
use super::plan::Plan;
use crate::market::{Position, Quote, Side, SymbolSpec};

/// How the position was opened, from its opening deal and order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Opened {
    pub volume: Decimal,
    /// The stop loss it was opened with; multiples of the risk are counted from it.
    pub stop_loss: Decimal,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Adjustment {
    /// Always nearer to the price than the stop that stands.
    MoveStop { stop_loss: Decimal, why: String },
    /// `None` closes all that is left.
    Close {
        volume: Option<Decimal>,
        why: String,
    },
}

/// The most urgent thing that the exits ask for now, or nothing.
pub fn manage(
    plan: &Plan,
    position: &Position,
    opened: &Opened,
    quote: Quote,
    spec: &SymbolSpec,
    market_time: Timestamp,
) -> Option<Adjustment> {
    held_too_long(plan, position, market_time).or_else(|| {
        let holding = Holding::of(position, opened, quote)?;
        take_part(&plan.exits.partials, &holding, spec)
            .or_else(|| trail(plan.exits.trailing.as_ref()?, &holding, spec))
    })
}

/// A position at this quote.
struct Holding<'a> {
    position: &'a Position,
    opened: &'a Opened,
    /// Where it could be closed now.
    price: Decimal,
    /// +1 for a buy, −1 for a sell.
    sign: Decimal,
    /// In price, positive when it wins.
    profit: Decimal,
    /// In price: what the stop would have cost at opening; `None` when that stop was not a loss.
    risk: Option<Decimal>,
}

impl<'a> Holding<'a> {
    fn of(position: &'a Position, opened: &'a Opened, quote: Quote) -> Option<Self> {
        if quote.bid <= Decimal::ZERO || quote.ask < quote.bid {
            return None;
        }
        let (price, sign) = match position.side {
            Side::Buy => (quote.bid, Decimal::ONE),
            Side::Sell => (quote.ask, Decimal::NEGATIVE_ONE),
        };
        let risk = (position.open_price - opened.stop_loss) * sign;
        Some(Self {
            position,
            opened,
            price,
            sign,
            profit: (price - position.open_price) * sign,
            risk: (risk > Decimal::ZERO).then_some(risk),
        })
    }
}

fn held_too_long(plan: &Plan, position: &Position, now: Timestamp) -> Option<Adjustment> {
    let most = plan.exits.max_holding_minutes?;
    let held = (now.as_second() - position.opened_at.as_second()) / 60;
    (held >= most).then(|| Adjustment::Close {
        volume: None,
        why: format!("held for {held} minutes, at most {most}"),
    })
}

/// Closes what the levels reached so far ask for and is not closed yet. Parts are of the original volume, rounded down to
/// whole steps; a part that the broker cannot close, or that would leave too little, is left for the next level (R11). The
/// last level is the broker's take profit.
fn take_part(
    levels: &[PartialLevel],
    holding: &Holding<'_>,
    spec: &SymbolSpec,
) -> Option<Adjustment> {
    let risk = holding.risk?;
    let (_, before_last) = levels.split_last()?;
    let closed = holding.opened.volume - holding.position.volume;
    let mut percent = Decimal::ZERO;
    let mut due = None;
    for level in before_last
        .iter()
        .take_while(|level| holding.profit >= level.ratio * risk)
    {
        percent += level.percent;
        let wanted = spec.floor_volume(holding.opened.volume * percent / Decimal::ONE_HUNDRED);
        let part = spec.floor_volume(wanted - closed).normalize();
        let left = holding.position.volume - part;
        if part > Decimal::ZERO && part >= spec.volume_min && left >= spec.volume_min {
            due = Some((part, percent, level.ratio));
        }
    }
    let (part, percent, ratio) = due?;
    Some(Adjustment::Close {
        volume: Some(part),
        why: format!("{} % taken at {ratio} times the risk", percent.normalize()),
    })
}

/// Moves the stop behind the price: never back, never nearer than the broker allows, and only by a step worth sending.
fn trail(trailing: &Trailing, holding: &Holding<'_>, spec: &SymbolSpec) -> Option<Adjustment> {
    let pip = spec.pip();
    let distance = trailing.distance_pips * pip;
    let starts_at = match trailing.activate_at_ratio {
        Some(ratio) => holding.risk?.checked_mul(ratio)?,
        None => distance,
    };
    if holding.profit < starts_at {
        return None;
    }
    let least = Decimal::from(spec.stops_level) * spec.point;
    let stop_loss = spec.round_price(holding.price - holding.sign * distance.max(least));
    if (holding.price - stop_loss) * holding.sign < least || stop_loss <= Decimal::ZERO {
        return None;
    }
    let better = holding
        .position
        .stop_loss
        .is_none_or(|standing| (stop_loss - standing) * holding.sign >= trailing.step_pips * pip);
    better.then(|| Adjustment::MoveStop {
        stop_loss,
        why: format!("trails the price by {} pips", trailing.distance_pips),
    })
}
