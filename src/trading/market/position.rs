//! What the terminal holds: positions, pending orders and deals. The terminal's book is the truth; what we
//! intended never counts as a position.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Cid, Side, Ticket};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub ticket: Ticket,
    pub symbol: String,
    pub side: Side,
    pub volume: Decimal,
    pub open_price: Decimal,
    pub stop_loss: Option<Decimal>,
    pub take_profit: Option<Decimal>,
    /// Floating profit in account currency, swap included.
    pub profit: Decimal,
    /// The price at which that profit was counted; zero while it is not known.
    #[serde(default)]
    pub price: Decimal,
    /// The client id of the order that opened it; foreign positions carry somebody else's number or 0.
    pub magic: u64,
    pub comment: String,
    pub opened_at: Timestamp,
}

impl Position {
    pub fn is_own(&self) -> bool {
        Cid(self.magic).is_own()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PendingType {
    Limit,
    Stop,
    /// At the market and still working: the exchange has not filled all of it.
    Market,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingOrder {
    pub ticket: Ticket,
    pub symbol: String,
    pub side: Side,
    pub kind: PendingType,
    pub volume: Decimal,
    pub price: Decimal,
    pub stop_loss: Option<Decimal>,
    pub take_profit: Option<Decimal>,
    pub magic: u64,
    pub placed_at: Timestamp,
}

impl PendingOrder {
    pub fn is_own(&self) -> bool {
        Cid(self.magic).is_own()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DealEntry {
    In,
    Out,
    /// Closed a net position and opened the rest the other way.
    InOut,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DealReason {
    /// One of our orders.
    Order,
    StopLoss,
    TakeProfit,
    StopOut,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deal {
    pub ticket: Ticket,
    pub position: Ticket,
    pub symbol: String,
    pub side: Side,
    pub entry: DealEntry,
    pub reason: DealReason,
    pub volume: Decimal,
    pub price: Decimal,
    /// Realised profit in account currency; zero for an entry.
    pub profit: Decimal,
    /// The client id of the order that made this deal; for a stop, the position's.
    pub magic: u64,
    pub time: Timestamp,
}

/// Everything open on the account at one moment. `revision` grows with every change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    pub revision: u64,
    pub positions: Vec<Position>,
    pub orders: Vec<PendingOrder>,
    /// Tickets that positions have now and that the market shows, where they are not the ones they were opened with.
    #[serde(default)]
    pub renumbered: BTreeMap<Ticket, Ticket>,
}

impl Book {
    /// The ticket that a position was opened with, by which it is known here; whoever reads it in the market may name another.
    pub fn known_as(&self, ticket: Ticket) -> Ticket {
        self.renumbered.get(&ticket).copied().unwrap_or(ticket)
    }
}
