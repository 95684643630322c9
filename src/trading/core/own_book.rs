//! What of an account's net positions is ours. Where positions are netted a symbol has one, the sum of what everybody did
//! in it, and only its deals tell whose it is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::market::{Cid, Deal, DealEntry, Position, Side, Ticket};

/// Deals that are remembered, so that none counts twice.
const MOST_COUNTED: usize = 500;
/// A position and the deal that opened it may be told with moments so far from each other.
const JITTER: SignedDuration = SignedDuration::from_secs(1);

/// Ours on one account, counted from its deals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OwnBook {
    /// By symbol.
    holdings: BTreeMap<String, Holding>,
    counted: BTreeSet<Ticket>,
}

/// One net position. Lots that are sold count below zero; what we and what others did never stands against each other,
/// because opposite volumes meet: what is left of both is the position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Holding {
    /// The position's identifier, which is its ticket until it turns round.
    position: Ticket,
    /// The order that ours began with.
    cid: Cid,
    own: Decimal,
    others: Decimal,
    /// Of the first and the last deal that is known.
    since: Timestamp,
    last: Timestamp,
}

/// What deals of an order did, in lots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    pub volume: Decimal,
    /// Became ours on the side of the deal.
    pub grown: Decimal,
    /// Was ours on the other side, and is not any more.
    pub reduced: Decimal,
}

impl Change {
    pub(super) fn add(&mut self, other: &Self) {
        self.volume = self.volume.saturating_add(other.volume);
        self.grown = self.grown.saturating_add(other.grown);
        self.reduced = self.reduced.saturating_add(other.reduced);
    }
}

impl OwnBook {
    pub(super) fn count(&mut self, deal: &Deal) -> Change {
        if !self.counted.insert(deal.ticket) {
            return Change::default();
        }
        if self.counted.len() > MOST_COUNTED {
            self.counted.pop_first();
        }
        let holding = self
            .holdings
            .entry(deal.symbol.clone())
            .or_insert_with(|| Holding::begun_by(deal));
        if holding.position != deal.position {
            if deal.time < holding.last {
                // Told late, of a position that is gone.
                return Change {
                    volume: deal.volume,
                    ..Change::default()
                };
            }
            *holding = Holding::begun_by(deal);
        }
        holding.count(deal)
    }

    /// What of this position is ours; `late` are lots that orders of ours are known to have filled and that no deal tells
    /// yet, below zero when sold. `None`: no deal of it is known.
    pub(super) fn part_of(&self, position: &Position, late: Decimal) -> Option<Part> {
        let holding = self.holdings.get(&position.symbol);
        let holding = holding.filter(|holding| holding.speaks_of(position));
        holding.map(|holding| holding.part_of(position, late))
    }

    /// Symbol and side of what we hold in this position.
    pub(super) fn held_in(&self, position: Ticket) -> Option<(String, Side)> {
        let mut holdings = self.holdings.iter();
        let (symbol, holding) =
            holdings.find(|(_, one)| one.position == position && !one.own.is_zero())?;
        let sold = holding.own < Decimal::ZERO;
        let side = if sold { Side::Sell } else { Side::Buy };
        Some((symbol.clone(), side))
    }
}

/// Our part of a net position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub volume: Decimal,
    /// The order that it began with.
    pub cid: Cid,
    /// Told by what our orders filled. Otherwise no close names this volume: the terminal knows better.
    pub sure: bool,
}

impl Holding {
    const fn begun_by(deal: &Deal) -> Self {
        Self {
            position: deal.position,
            cid: Cid(deal.magic),
            own: Decimal::ZERO,
            others: Decimal::ZERO,
            since: deal.time,
            last: deal.time,
        }
    }

    fn count(&mut self, deal: &Deal) -> Change {
        let before = self.own;
        let volume = signed(deal.side, deal.volume);
        let pile = if Cid(deal.magic).is_own() {
            &mut self.own
        } else {
            &mut self.others
        };
        *pile = pile.saturating_add(volume);
        let against = |side: Side| {
            !on(side, self.own).is_zero() && !on(side.opposite(), self.others).is_zero()
        };
        if against(Side::Buy) || against(Side::Sell) {
            let rest = self.own.saturating_add(self.others);
            let ours = self.own.abs() > self.others.abs();
            self.own = if ours { rest } else { Decimal::ZERO };
            self.others = if ours { Decimal::ZERO } else { rest };
        }
        // The deal tells on which side the position is now; what stands on the other is gone, whatever is not known.
        let side = match deal.entry {
            DealEntry::In | DealEntry::InOut => deal.side,
            DealEntry::Out => deal.side.opposite(),
        };
        self.own = signed(side, on(side, self.own));
        self.others = signed(side, on(side, self.others));
        let (grown, reduced) = (
            on(deal.side, self.own) - on(deal.side, before),
            on(deal.side.opposite(), before) - on(deal.side.opposite(), self.own),
        );
        if grown > Decimal::ZERO && on(deal.side, before).is_zero() {
            self.cid = Cid(deal.magic);
        }
        self.since = self.since.min(deal.time);
        self.last = self.last.max(deal.time);
        Change {
            volume: deal.volume,
            grown: grown.max(Decimal::ZERO),
            reduced: reduced.max(Decimal::ZERO),
        }
    }

    /// Whether it is this position that the deals were of, and not one that was opened after them.
    fn speaks_of(&self, position: &Position) -> bool {
        let opened = position.opened_at.duration_since(self.last);
        self.position == position.ticket || opened <= JITTER
    }

    fn part_of(&self, position: &Position, late: Decimal) -> Part {
        let mut own = on(position.side, self.own.saturating_add(late));
        let opener = Cid(position.magic);
        // Opened before the first deal that is known (the journal was lost): what the deals do not explain is the opener's.
        let unknown = self.since.duration_since(position.opened_at) > JITTER;
        if unknown && opener.is_own() {
            let known = self.own.saturating_add(self.others);
            let explained = signed(position.side, known.saturating_add(late));
            own += (position.volume.saturating_sub(explained)).max(Decimal::ZERO);
        }
        Part {
            volume: own.min(position.volume),
            cid: if self.own.is_zero() { opener } else { self.cid },
            sure: !(unknown && opener.is_own()),
        }
    }
}

/// Lots with the sign of this side; the other way round, signed lots as this side sees them.
pub(super) fn signed(side: Side, volume: Decimal) -> Decimal {
    match side {
        Side::Buy => volume,
        Side::Sell => -volume,
    }
}

/// What of signed lots is on this side, never below zero.
pub(super) fn on(side: Side, volume: Decimal) -> Decimal {
    signed(side, volume).max(Decimal::ZERO)
}
