//! Everything about the paper account that survives a restart.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::market::{Cid, Deal, IntentAction, OrderIntent, Outcome, PendingOrder, Position};

/// The form of the state file; another number is refused.
pub const VERSION: u32 = 1;

/// An order that was answered for good. Its client id is never forgotten, so it can never be executed again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    pub action: IntentAction,
    pub comment: String,
    pub parent: Option<Cid>,
    pub outcome: Outcome,
}

impl Remembered {
    pub fn is_for(&self, intent: &OrderIntent) -> bool {
        self.action == intent.action
            && self.comment == intent.comment
            && self.parent == intent.parent
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub version: u32,
    /// The market that these prices belong to.
    pub seed: u64,
    /// Every price change up to this moment has been acted on (milliseconds since the epoch).
    pub now_ms: i64,
    /// The market's clock goes on from here after a restart; never before a moment that was shown already.
    pub resume_ms: i64,
    pub deposit: Decimal,
    pub balance: Decimal,
    pub next_ticket: u64,
    pub revision: u64,
    pub positions: Vec<Position>,
    pub orders: Vec<PendingOrder>,
    pub deals: Vec<Deal>,
    /// How many of the deals the reader has certainly been told of.
    #[serde(default)]
    pub told: usize,
    pub answers: BTreeMap<Cid, Remembered>,
}

impl Ledger {
    pub fn new(seed: u64, start_ms: i64, deposit: Decimal) -> Self {
        Self {
            version: VERSION,
            seed,
            now_ms: start_ms,
            resume_ms: start_ms,
            deposit,
            balance: deposit,
            next_ticket: 1_000,
            revision: 1,
            positions: Vec::new(),
            orders: Vec::new(),
            deals: Vec::new(),
            told: 0,
            answers: BTreeMap::new(),
        }
    }
}

/// Where a ledger stood, to go back to when what came after could not be stored. Deals and answers only grow, so their number
/// is enough.
#[derive(Clone, Debug)]
pub struct Mark {
    now_ms: i64,
    resume_ms: i64,
    balance: Decimal,
    next_ticket: u64,
    revision: u64,
    positions: Vec<Position>,
    orders: Vec<PendingOrder>,
    deals: usize,
    answers: usize,
}

impl Ledger {
    pub fn mark(&self) -> Mark {
        Mark {
            now_ms: self.now_ms,
            resume_ms: self.resume_ms,
            balance: self.balance,
            next_ticket: self.next_ticket,
            revision: self.revision,
            positions: self.positions.clone(),
            orders: self.orders.clone(),
            deals: self.deals.len(),
            answers: self.answers.len(),
        }
    }

    /// Whether something happened since the mark that a restart must not forget.
    pub fn changed_since(&self, mark: &Mark) -> bool {
        self.book_changed_since(mark)
            || self.deals.len() != mark.deals
            || self.answers.len() != mark.answers
    }

    pub const fn book_changed_since(&self, mark: &Mark) -> bool {
        self.revision != mark.revision
    }

    /// Undoes everything since the mark; `answered` is the client id answered since then.
    pub fn roll_back(&mut self, mark: Mark, answered: Option<Cid>) {
        if let Some(cid) = answered
            && self.answers.len() > mark.answers
        {
            self.answers.remove(&cid);
        }
        self.deals.truncate(mark.deals);
        self.now_ms = mark.now_ms;
        self.resume_ms = mark.resume_ms;
        self.balance = mark.balance;
        self.next_ticket = mark.next_ticket;
        self.revision = mark.revision;
        self.positions = mark.positions;
        self.orders = mark.orders;
    }
}
