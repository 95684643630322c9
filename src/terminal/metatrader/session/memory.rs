//! What outlives a connection: which orders were sent, how far they were looked for, which deals were told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::market::{Cid, Ticket};
use crate::terminal::metatrader::presend::{FillMode, Fillings};

/// Orders and deals that are remembered.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub struct Memory {
    /// Orders of this run by client id.
    sent: BTreeMap<Cid, SentOrder>,
    pub looks: BTreeMap<Cid, Looks>,
    pub fillings: Fillings,
    /// Accounts whose broker closes the oldest first.
    pub fifo: BTreeSet<String>,
    deals: BTreeMap<String, DealMark>,
}

#[derive(Clone, Debug)]
pub struct SentOrder {
    /// When the core gave it.
    pub made: Timestamp,
    pub sent: Duration,
    pub ttl: Duration,
    /// Frozen with the order.
    pub fill: FillMode,
    pub price: Option<Decimal>,
    /// The position or order that it changes.
    pub ticket: Option<Ticket>,
    pub account: String,
}

/// How often and since when an order was looked for in vain, without a break.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    pub first: Duration,
    pub last: Duration,
    pub count: u32,
}

#[derive(Debug, Default)]
struct DealMark {
    /// The newest deal by the broker's clock.
    last_ms: i64,
    told: BTreeSet<u64>,
}

impl Memory {
    pub fn sent(&self, cid: Cid) -> Option<&SentOrder> {
        self.sent.get(&cid)
    }

    pub fn remember(&mut self, cid: Cid, order: SentOrder) {
        self.sent.insert(cid, order);
        if self.sent.len() > MOST {
            // Client ids grow, but not over strategies: the oldest in time goes.
            let oldest = self.sent.iter().min_by_key(|(_, order)| order.sent);
            if let Some(cid) = oldest.map(|(cid, _)| *cid) {
                self.sent.remove(&cid);
            }
        }
    }

    /// From where deals of an account are not known; `None` before the first history.
    pub fn deals_from(&self, account: &str) -> Option<i64> {
        self.deals.get(account).map(|mark| mark.last_ms)
    }

    /// Whether this deal was not told before.
    pub fn is_new_deal(&mut self, account: &str, ticket: u64, ms: i64) -> bool {
        let mark = self.deals.entry(account.to_owned()).or_default();
        mark.last_ms = mark.last_ms.max(ms);
        let new = mark.told.insert(ticket);
        if mark.told.len() > MOST {
            // Tickets grow with time: the oldest is behind the mark.
            mark.told.pop_first();
        }
        new
    }

    /// History without any deal still was read up to here.
    pub fn history_read(&mut self, account: &str, from_ms: i64) {
        let mark = self.deals.entry(account.to_owned()).or_default();
        mark.last_ms = mark.last_ms.max(from_ms);
    }
}
