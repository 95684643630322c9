//! Parts of a position: how much is closed, and when.

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Distance, Target, extremes};
use crate::market::SymbolSpec;
use crate::strategy::filters::Session;
use crate::strategy::indicator::Series;

/// When a part is due. Profit is counted at the price where the position could be closed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum When {
    /// The profit is so many pips.
    Pips(Decimal),
    /// The profit is so many per cent of the open price.
    Percent(Decimal),
    /// The profit is so many times the stop's distance at opening.
    Ratio(Decimal),
    /// The profit of the original volume is so much money in account currency.
    Amount(Decimal),
    /// The profit (`against`: the loss) is a multiple of the ATR at the last closed bar.
    Atr {
        period: u32,
        multiplier: Decimal,
        against: bool,
    },
    /// This price is reached, from whichever side the position was opened.
    Price(Decimal),
    /// The price has risen to the highest high of so many closed bars.
    Resistance { bars: u32 },
    /// The price has fallen to the lowest low of so many closed bars.
    Support { bars: u32 },
    /// So many minutes after opening.
    After { minutes: i64 },
    /// The first time after opening that it is so many minutes after midnight, UTC.
    TimeOfDay { minute: i64 },
    /// The first end of this session after opening.
    SessionEnd(Session),
}

impl When {
    pub(super) fn series(&self) -> Vec<Series> {
        match self {
            Self::Atr { period, .. } => vec![Series::Atr(*period)],
            Self::Resistance { bars } | Self::Support { bars } => extremes(*bars).to_vec(),
            _ => Vec::new(),
        }
    }

    /// A distance that is fixed when the position opens and that a broker's take profit can stand for.
    pub(in crate::strategy) const fn as_target(&self) -> Option<Target> {
        match *self {
            Self::Pips(pips) => Some(Target::Distance(Distance::Pips(pips))),
            Self::Percent(percent) => Some(Target::Distance(Distance::Percent(percent))),
            Self::Ratio(ratio) => Some(Target::Ratio(ratio)),
            _ => None,
        }
    }

    /// Whether the price reaches this one first for sure, so that nobody need be told that the later one waits for it.
    pub(super) fn is_nearer_than(&self, later: &Self) -> bool {
        match (self.profit(), later.profit()) {
            (Some((unit, near)), Some((other, far))) => unit == other && near < far,
            _ => false,
        }
    }

    /// The number of a profit, and what it is a number of: only like can be put in order.
    pub(super) const fn profit(&self) -> Option<(u8, Decimal)> {
        match *self {
            Self::Pips(number) => Some((0, number)),
            Self::Percent(number) => Some((1, number)),
            Self::Ratio(number) => Some((2, number)),
            Self::Amount(number) => Some((3, number)),
            _ => None,
        }
    }
}

/// A part of the position's original volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PartialLevel {
    pub percent: Decimal,
    pub when: When,
    /// With it the stop moves to the open price.
    pub breakeven: bool,
}

/// Parts in the order in which they are taken: one is looked at only when those before it are done. That, and nothing else
/// that is remembered, tells which of them are done from the volume that is left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Parts {
    pub levels: Vec<PartialLevel>,
    /// The last level is the broker's take profit.
    pub last_at_broker: bool,
    /// A part that leaves less than this, in per cent of the original volume, is not closed unless it leaves nothing.
    pub least_left_percent: Option<Decimal>,
}

impl Parts {
    /// The levels that this program closes itself.
    pub(in crate::strategy) fn own(&self) -> &[PartialLevel] {
        match self.levels.split_last() {
            Some((_, before)) if self.last_at_broker => before,
            _ => &self.levels,
        }
    }

    /// The program's own levels, each with the volume that is closed once it has been taken; `None` where its part is too
    /// small to close, or would leave too little, and is left for the next one (R11). All of it is of the original volume,
    /// rounded down to whole steps.
    pub(in crate::strategy) fn cuts<'a>(
        &'a self,
        original: Decimal,
        spec: &'a SymbolSpec,
    ) -> impl Iterator<Item = (&'a PartialLevel, Option<Decimal>)> {
        let mut percent = Decimal::ZERO;
        let mut before = Decimal::ZERO;
        let kept = self.least_left_percent.map_or(Decimal::ZERO, |least| {
            least * original / Decimal::ONE_HUNDRED
        });
        // Of less than two smallest volumes nothing can be closed but all.
        let is_whole = original < spec.volume_min + spec.volume_min;
        self.own().iter().map(move |level| {
            percent += level.percent;
            if is_whole && percent < Decimal::ONE_HUNDRED {
                return (level, None);
            }
            let closed = if percent >= Decimal::ONE_HUNDRED {
                original
            } else {
                spec.floor_volume(original * percent / Decimal::ONE_HUNDRED)
            };
            let (part, left) = (closed - before, original - closed);
            let enough = part > Decimal::ZERO && part >= spec.volume_min;
            let stays = left.is_zero() || (left >= spec.volume_min && left >= kept);
            let cut = (enough && stays).then_some(closed);
            before = cut.unwrap_or(before);
            (level, cut)
        })
    }
}
