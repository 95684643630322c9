//! The rules of strategies as they are kept: those that count, and those that counted before for positions that were opened
//! then.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::durable::Durable;
use super::snapshot::StrategyState;
use crate::market::Side;

/// An accepted strategy with all it needs to run again after a restart; the platform has no copy we could ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategyEntry {
    pub id: String,
    /// Its number in client ids; 1-65535.
    pub number: u16,
    pub name: String,
    /// The broker's name.
    pub symbol: String,
    /// The platform's name; empty in old journals, where it was the same.
    #[serde(default)]
    pub ordered_symbol: String,
    pub timeframe: String,
    pub rules: Value,
    pub settings: Value,
    pub options: Value,
    /// The direction of rules that have none, as it was chosen when the strategy was accepted. What is chosen later counts
    /// from the next activation. Empty in old journals.
    #[serde(default)]
    pub direction: Option<Side>,
    pub state: StrategyState,
    pub reason: String,
    pub updated_at: Timestamp,
    /// When the platform gave the order to start it, where it told.
    #[serde(default)]
    pub given_at: Option<Timestamp>,
}

impl StrategyEntry {
    /// Whether a position opened under one has the exits of the other.
    pub fn has_same_rules(&self, other: &Self) -> bool {
        self.rules == other.rules
            && self.settings == other.settings
            && self.options == other.options
            && self.direction == other.direction
            && self.symbol == other.symbol
            && self.timeframe == other.timeframe
    }
}

/// Rules that a strategy ran on until client ids reached a counter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FormerRules {
    /// Orders with a smaller counter were made under these rules.
    pub before: u64,
    pub strategy: StrategyEntry,
}

impl FormerRules {
    pub fn key(&self) -> (String, u64) {
        (self.strategy.id.clone(), self.before)
    }
}

impl Durable {
    /// New rules are for new entries (contract C15).
    pub(super) fn keep_former(&mut self, fresh: &StrategyEntry) {
        let Some(known) = self.strategies.get(&fresh.id) else {
            return;
        };
        if known.has_same_rules(fresh) {
            return;
        }
        // Nothing was ordered since the last change, so no position was opened under what ran in between.
        let unused =
            |one: &FormerRules| one.strategy.id == fresh.id && one.before == self.next_counter;
        if self.former.iter().any(unused) {
            return;
        }
        self.former.push(FormerRules {
            before: self.next_counter,
            strategy: known.clone(),
        });
    }

    /// The number of a strategy, also of one that has none yet.
    pub fn strategy_number(&self, id: &str) -> u16 {
        if let Some(known) = self.strategies.get(id) {
            return known.number;
        }
        let first = first_number(id);
        let mut candidates = (first..=u16::MAX).chain(1..first);
        let is_used = |number: &u16| self.strategy_by_number(*number).is_some();
        candidates
            .find(|number| !is_used(number))
            .unwrap_or(u16::MAX)
    }
}

/// The number that a strategy gets if it is free, 1-65535. It comes from the strategy's id: after the journal was lost, a
/// strategy does not get the number, and with it the open positions, of another one.
pub fn first_number(id: &str) -> u16 {
    let digest = Sha256::digest(id.as_bytes());
    u16::from_be_bytes([digest[0], digest[1]]).max(1)
}
