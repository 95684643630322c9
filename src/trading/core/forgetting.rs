//! An account that does not come back, such as a demo account that ended: the trader says so, and nothing waits for it any
//! longer. What was open there is still told to whoever asks for it by its ticket.

use std::collections::BTreeSet;

use super::durable::{Durable, IntentEntry};
use super::effect::LogLevel;
use super::orders::OrderEnd;
use super::record::Record;
use super::snapshot::{AccountAway, Severity};
use super::state::State;
use super::step::Turn;
use crate::market::{AccountId, IntentAction};

impl Durable {
    /// The accounts with something of ours that the terminal is not logged in to.
    pub fn accounts_left(&self) -> Vec<&AccountId> {
        let Some(here) = &self.account else {
            return Vec::new();
        };
        let ordered = self.intents.values();
        let accounts = (self.held.keys()).chain(ordered.filter_map(|entry| entry.account.as_ref()));
        let left: BTreeSet<&AccountId> = accounts
            .filter(|account| *account != here && !self.forgotten.contains(account))
            .collect();
        left.into_iter().collect()
    }
}

impl State {
    /// What waits for each account that the terminal is not logged in to.
    pub(super) fn accounts_away(&self) -> Vec<AccountAway> {
        let left = self.durable.accounts_left();
        let forgotten = self.durable.forgotten.iter();
        let accounts = left.into_iter().map(|account| (account, false));
        let accounts = accounts.chain(forgotten.map(|account| (account, true)));
        let rows = accounts.map(|(account, is_forgotten)| {
            let of = |entry: &IntentEntry| entry.account.as_ref() == Some(account);
            let mut lines = self.away(|held, _| held == account, of).lines;
            let orders = self.durable.intents.values().filter(|entry| of(entry));
            let others =
                orders.filter(|entry| !matches!(entry.intent.action, IntentAction::Open { .. }));
            lines.extend(others.map(|entry| {
                format!(
                    "{} was sent on account {} and has no certain outcome",
                    entry.intent.action,
                    account.masked()
                )
            }));
            AccountAway {
                account: account.clone(),
                lines,
                is_forgotten,
            }
        });
        rows.filter(|row| !row.lines.is_empty()).collect()
    }
}

impl Turn<'_> {
    pub(super) fn forget_account(&mut self, account: &AccountId) {
        let mut away = self.state.accounts_away().into_iter();
        let Some(away) = away.find(|away| away.account == *account && !away.is_forgotten) else {
            self.log(
                LogLevel::Warning,
                "engine",
                format!(
                    "Account {} was not forgotten: nothing waits for it.",
                    account.masked()
                ),
            );
            return;
        };
        let what = away.lines.join("; ");
        self.record(Record::AccountForgotten {
            account: account.clone(),
            at: self.now.utc,
        });
        let orders = self.durable().intents.values();
        let orders = orders.filter(|entry| entry.account.as_ref() == Some(account));
        let orders: Vec<IntentEntry> = orders.cloned().collect();
        for entry in orders {
            let reason = format!(
                "it was sent on account {}, which was forgotten at this machine; look in MetaTrader whether it was executed",
                account.masked()
            );
            self.order_ended(entry, OrderEnd::GivenUp(reason));
        }
        let text = format!(
            "Account {} was forgotten. Nothing waits for it any longer: {what}.",
            account.masked()
        );
        self.log(LogLevel::Warning, "engine", text.clone());
        self.notice(
            "forgotten",
            Severity::Warning,
            &text,
            "What is open there stays open: close it in MetaTrader. Once the terminal is logged in to it again, it is looked after as before.",
        );
    }
}
