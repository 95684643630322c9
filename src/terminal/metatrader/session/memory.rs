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
    /// When it was last said that strangers connect and do not greet.
    pub silence_told: Option<Duration>,
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
    /// The Expert Advisor said that it called OrderSend, or was about to.
    pub surely: bool,
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
    /// The newest deal by the broker's clock, as that stood at `offset_s`.
    last_ms: i64,
    /// How far the broker's clock was ahead of UTC.
    offset_s: Option<i32>,
    told: BTreeSet<u64>,
}

impl DealMark {
    /// A clock that is put back deals out times that have been; one put forward only makes more be read than need be.
    fn clock_at(&mut self, offset_s: i32) {
        if let Some(before) = self.offset_s.replace(offset_s) {
            self.last_ms += i64::from((offset_s - before).min(0)) * 1_000;
        }
    }
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

    /// The Expert Advisor said that this one went on to the broker.
    pub fn surely_sent(&mut self, cid: Cid) {
        if let Some(order) = self.sent.get_mut(&cid) {
            order.surely = true;
        }
    }

    /// From where deals of an account are not known; `None` before the first history.
    pub fn deals_from(&mut self, account: &str, offset_s: i32) -> Option<i64> {
        let mark = self.deals.get_mut(account)?;
        mark.clock_at(offset_s);
        Some(mark.last_ms)
    }

    /// Whether this deal was not told before.
    pub fn is_new_deal(&mut self, account: &str, ticket: u64, ms: i64, offset_s: i32) -> bool {
        let mark = self.deals.entry(account.to_owned()).or_default();
        mark.clock_at(offset_s);
        mark.last_ms = mark.last_ms.max(ms);
        let new = mark.told.insert(ticket);
        if mark.told.len() > MOST {
            // Tickets grow with time: the oldest is behind the mark.
            mark.told.pop_first();
        }
        new
    }

    /// History without any deal still was read up to here.
    pub fn history_read(&mut self, account: &str, from_ms: i64, offset_s: i32) {
        let mark = self.deals.entry(account.to_owned()).or_default();
        mark.clock_at(offset_s);
        mark.last_ms = mark.last_ms.max(from_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_put_back_hides_no_deal() {
        const HOUR: i64 = 3_600_000;
        let mut memory = Memory::default();
        assert!(memory.is_new_deal("a", 1, 10 * HOUR, 10_800));
        assert_eq!(memory.deals_from("a", 7_200), Some(9 * HOUR));
        // By the clock of now this one came after it.
        assert!(memory.is_new_deal("a", 2, 9 * HOUR + 1, 7_200));
        assert!(!memory.is_new_deal("a", 1, 10 * HOUR, 7_200));
        memory.history_read("a", 11 * HOUR, 7_200);
        assert_eq!(memory.deals_from("a", 10_800), Some(11 * HOUR));
    }
}
