//! What a comparison with a live run over the same bars looks at, and how it goes on after a difference.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::account::Account;
use super::run::Replay;
use crate::market::{Deal, DealEntry, Position, Side};

impl Replay {
    /// What is open, each with the stop that it was opened with.
    pub fn open_positions(&self) -> impl Iterator<Item = (&Position, Decimal)> {
        let holdings = self.holdings.iter();
        holdings.map(|holding| (&holding.position, holding.opened.stop_loss))
    }

    /// The conditions in the order in which they are looked at: direction, alternative, words.
    pub fn condition_words(&self) -> &[(Side, usize, Arc<str>)] {
        self.program.words()
    }

    /// Account currency, of closed deals.
    pub const fn balance(&self) -> Decimal {
        self.account.balance
    }

    /// From now on the account is one of this balance on which these deals were made.
    pub fn restate(&mut self, balance: Decimal, deals: &[&Deal]) {
        let mut account = Account::new(balance);
        for deal in deals {
            let after = account.balance + deal.profit;
            account.ledger.count(deal, Some(after));
            if deal.entry != DealEntry::In {
                account.book(deal.profit, deal.time);
            }
        }
        self.account = account;
    }

    /// Books money that a deal elsewhere brought.
    pub fn adjust(&mut self, money: Decimal, at: Timestamp) {
        self.account.book(money, at);
    }
}
