//! Which account the terminal is logged in to: a change stops entries until the trader says so, and real money is
//! traded only on accounts that he allowed once.

use super::State;
use super::effect::LogLevel;
use super::record::Record;
use super::snapshot::Severity;
use super::step::Turn;
use crate::market::{Account, AccountId};

impl State {
    /// The terminal's account, when it holds real money and nobody allowed trading on it.
    pub(super) fn unconfirmed_account(&self) -> Option<AccountId> {
        let account = self.terminal.account.as_ref()?;
        let id = account.id();
        (!account.demo && !self.durable.confirmed.contains(&id)).then_some(id)
    }
}

impl Turn<'_> {
    /// The terminal came up with this account.
    pub fn see_account(&mut self, account: &Account) {
        let id = account.id();
        let before = self.durable().account.clone();
        if before.as_ref() == Some(&id) {
            return;
        }
        self.record(Record::AccountSeen {
            account: id.clone(),
            at: self.now.utc,
        });
        let Some(before) = before else { return };
        self.pause_until_resumed_here(&format!(
            "paused: the terminal is logged in to account {} now, before it was {}",
            id.masked(),
            before.masked()
        ));
        self.notice(
            "account",
            Severity::Warning,
            &format!(
                "The terminal is logged in to another account: {} ({}), before it was {}.",
                id.masked(),
                if account.demo { "demo" } else { "real money" },
                before.masked()
            ),
            "Strategies opened nothing there. When this account is meant, resume trading; positions and orders without outcome of the other account wait until it is back.",
        );
    }

    pub fn confirm_account(&mut self, account: AccountId) {
        if self.durable().confirmed.contains(&account) {
            return;
        }
        self.log(
            LogLevel::Warning,
            "engine",
            format!(
                "Trading with real money is allowed on account {}.",
                account.masked()
            ),
        );
        self.record(Record::AccountConfirmed {
            account,
            at: self.now.utc,
        });
    }
}
