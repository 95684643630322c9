//! Stops that move: behind the price, to the open price, after an average. Never back, never nearer than the broker allows,
//! and only by a step worth sending.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::Serialize;

use super::Adjustment;
use super::holding::Holding;
use super::parts::Walk;
use crate::strategy::exits::{Start, Trailing};
use crate::strategy::language::Language;

/// A stop wanted at this price.
struct Wish {
    stop_loss: Decimal,
    /// Least improvement, in price.
    step: Decimal,
    why: MovedBy,
}

/// What moves a stop. Put into words only where somebody reads them: a replay moves thousands a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum MovedBy {
    /// It follows the price.
    Trailing(Trailing),
    /// A part was taken.
    Breakeven,
    /// A bar has closed, and the stop is computed anew from it.
    Average,
}

impl std::fmt::Display for MovedBy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Trailing(trailing) => {
                write!(
                    f,
                    "trails the price by {}",
                    trailing.words(Language::English)
                )
            }
            Self::Breakeven => f.write_str("a part was taken, the stop moves to the open price"),
            Self::Average => f.write_str("the stop follows its average at the close of a bar"),
        }
    }
}

/// The wish nearest to the price.
pub(super) fn moved(
    holding: &Holding<'_>,
    walk: &Walk<'_>,
    price: Decimal,
    now: i64,
) -> Option<Adjustment> {
    let trailed = holding
        .plan
        .exits
        .trailing
        .iter()
        .filter_map(|trailing| trailed(trailing, holding, walk, price));
    let standing = [breakeven(holding, walk), after_average(holding, now)];
    let best = trailed
        .chain(standing.into_iter().flatten())
        .filter(|wish| is_allowed(wish, holding, price))
        .max_by_key(|wish| holding.along(wish.stop_loss))?;
    Some(Adjustment::MoveStop {
        stop_loss: best.stop_loss,
        why: best.why,
    })
}

fn is_allowed(wish: &Wish, holding: &Holding<'_>, price: Decimal) -> bool {
    let room = holding.along(price - wish.stop_loss);
    let better = holding.view.position.stop_loss.is_none_or(|standing| {
        let improvement = holding.along(wish.stop_loss - standing);
        improvement > Decimal::ZERO && improvement >= wish.step
    });
    wish.stop_loss > Decimal::ZERO
        && room > Decimal::ZERO
        && room >= holding.least_distance()
        && better
}

/// How one stop follows the price, in price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Follow {
    /// The profit from which on it follows.
    from: Decimal,
    distance: Decimal,
    /// Least improvement.
    step: Decimal,
}

impl Follow {
    fn of(trailing: &Trailing, holding: &Holding<'_>, complete: bool) -> Option<Self> {
        let (distance, from) = reach(trailing, holding, complete)?;
        Some(Self {
            from,
            distance,
            step: trailing.step_pips * holding.pip,
        })
    }

    /// The least profit at which it moves a stop that stands at this one.
    pub fn next_gain(&self, standing: Option<Decimal>) -> Decimal {
        let better = standing.map_or(Decimal::MIN, |standing| {
            standing + self.step + self.distance
        });
        self.from.max(better)
    }
}

/// How far behind the price it stays, and the profit from which on it follows.
fn reach(trailing: &Trailing, holding: &Holding<'_>, complete: bool) -> Option<(Decimal, Decimal)> {
    if trailing.waits() && !complete {
        return None;
    }
    let pip = holding.pip;
    let distance = holding.in_price(trailing.distance)?;
    let distance = trailing
        .min_pips
        .map_or(distance, |min| distance.max(min * pip));
    let of_risk = |ratio| holding.risk?.checked_mul(ratio);
    let from = match trailing.start {
        Start::AtOnce | Start::AfterParts => Decimal::MIN,
        Start::AtDistance => distance,
        Start::AtRatio(ratio) | Start::AfterPartsAtRatio(ratio) => of_risk(ratio)?,
        Start::AfterPartsAtProfit(profit) => holding.in_price(profit)?,
    };
    let distance = distance.max(holding.least_distance());
    (distance > Decimal::ZERO).then_some((distance, from))
}

fn trailed(
    trailing: &Trailing,
    holding: &Holding<'_>,
    walk: &Walk<'_>,
    price: Decimal,
) -> Option<Wish> {
    let (distance, from) = reach(trailing, holding, walk.complete)?;
    if holding.gain(price) < from {
        return None;
    }
    Some(Wish {
        stop_loss: holding.spec().round_price(price - holding.along(distance)),
        step: trailing.step_pips * holding.pip,
        why: MovedBy::Trailing(*trailing),
    })
}

fn breakeven(holding: &Holding<'_>, walk: &Walk<'_>) -> Option<Wish> {
    walk.breakeven.then(|| Wish {
        stop_loss: holding.spec().round_price(holding.view.position.open_price),
        step: Decimal::ZERO,
        why: MovedBy::Breakeven,
    })
}

/// The stop computed anew from the last closed bar.
fn after_average(holding: &Holding<'_>, now: i64) -> Option<Wish> {
    let stop = holding.plan.exits.stop_loss;
    if !stop.follows {
        return None;
    }
    let bar = holding.bar(now)?;
    let (view, spec) = (holding.view, holding.spec());
    let close = Decimal::from_f64(bar.close)?;
    let distance = stop.in_price(view.position.side, close, spec, view.panel)?;
    Some(Wish {
        stop_loss: spec.round_price(close - holding.along(distance)),
        step: Decimal::ZERO,
        why: MovedBy::Average,
    })
}

/// The least profit, in price, at which a stop could move, as far as nothing but the price changes; and what moves it, where
/// that is one alone.
pub(super) fn next_gain(
    holding: &Holding<'_>,
    walk: &Walk<'_>,
    now: i64,
) -> (Option<Decimal>, Option<Follow>) {
    let exits = &holding.plan.exits;
    let standing = holding
        .view
        .position
        .stop_loss
        .map(|stop| holding.gain(stop));
    let follow = |trailing| Follow::of(trailing, holding, walk.complete);
    if let ([trailing], false, false) = (&*exits.trailing, walk.breakeven, exits.stop_loss.follows)
    {
        let alone = follow(trailing);
        return (alone.map(|alone| alone.next_gain(standing)), alone);
    }
    let trailed = (exits.trailing.iter())
        .filter_map(follow)
        .map(|one| one.next_gain(standing));
    let fixed = [breakeven(holding, walk), after_average(holding, now)]
        .into_iter()
        .flatten()
        .map(|wish| holding.gain(wish.stop_loss))
        .filter(|gain| standing.is_none_or(|standing| *gain > standing))
        .map(|gain| gain + holding.least_distance());
    (trailed.chain(fixed).min(), None)
}
