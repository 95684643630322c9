//! Which account the terminal is logged in to: a change stops entries until the trader says so, and real money is
//! traded only on accounts that he allowed once.

use jiff::{SignedDuration, Timestamp};

use super::State;
use super::durable::Durable;
use super::effect::LogLevel;
use super::record::Record;
use super::snapshot::{SELF_TEST, Severity};
use super::step::Turn;
use crate::market::{Account, AccountId, IntentAction, MarginMode, SelfTest};

impl Durable {
    /// The last deal that is known, of the account that knows the oldest one: a terminal's history is read from there, with
    /// a day to spare for clocks that were moved.
    pub fn deals_since(&self) -> Option<Timestamp> {
        let ledgers = self.other_days.values().chain([&self.day]);
        let last = ledgers.filter_map(|ledger| ledger.last_deal_at).min()?;
        last.checked_sub(SignedDuration::from_hours(24)).ok()
    }

    /// Each account has a daily ledger of its own; deals of another one must not count.
    pub(super) fn see_account(&mut self, account: &AccountId) {
        self.forgotten.remove(account);
        let before = self.account.replace(account.clone());
        if let Some(before) = before.filter(|before| before != account) {
            let day = self.other_days.remove(account).unwrap_or_default();
            self.other_days
                .insert(before, std::mem::replace(&mut self.day, day));
        }
    }
}

impl State {
    /// The terminal's account, when it holds real money and nobody allowed trading on it.
    pub(super) fn unconfirmed_account(&self) -> Option<AccountId> {
        let account = self.terminal.account.as_ref()?;
        let id = account.id();
        (!account.demo && !self.durable.confirmed.contains(&id)).then_some(id)
    }
}

impl State {
    /// Why a symbol takes no further opening on a netting account. There a second one would merge with what is open, and
    /// its stop would take the place of the first one's (MetaTrader 5, "Position accounting systems").
    pub(super) fn netting_conflict(&self, symbol: &str) -> Option<String> {
        let account = self.terminal.account.as_ref()?;
        if account.margin_mode != MarginMode::Netting {
            return None;
        }
        let open = self.terminal.book.as_ref()?.positions.iter();
        let mut taken = open.filter(|position| position.symbol == symbol);
        let opening = self.durable.intents.values().any(|entry| {
            matches!(&entry.intent.action, IntentAction::Open { symbol: other, .. } if other == symbol)
        });
        match taken.next() {
            Some(position) => Some(format!(
                "this is a netting account and {symbol} already has position {}; a second one would merge with it and replace its stop",
                position.ticket
            )),
            None => opening.then(|| {
                format!("this is a netting account and an order for {symbol} is on its way already")
            }),
        }
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
        self.await_nothing();
        self.pause_until_resumed_here(&format!(
            "paused: the terminal is logged in to account {} now, before it was {}",
            id.masked(),
            before.masked()
        ));
        let left = self
            .state
            .away(|account, _| !self.state.is_forgotten(account), |_| true)
            .words();
        let left = left.map_or_else(String::new, |words| format!(" Still open: {words}."));
        self.notice(
            "account",
            Severity::Warning,
            &format!(
                "The terminal is logged in to another account: {} ({}), before it was {}.{left}",
                id.masked(),
                if account.demo { "demo" } else { "real money" },
                before.masked()
            ),
            "Strategies opened nothing there. When this account is meant, resume trading; positions and orders without outcome of the other account wait until it is back.",
        );
    }

    /// What a harmless trial of the link found.
    pub fn self_tested(&mut self, test: &SelfTest) {
        let items: Vec<String> = test
            .items
            .iter()
            .map(|item| {
                let mark = if item.passed { "✓" } else { "✗" };
                format!("{mark} {}: {}", item.name, item.detail)
            })
            .collect();
        let (severity, remedy) = if test.passed() {
            (Severity::Info, "")
        } else {
            (
                Severity::Warning,
                "See the first ✗; the checklist on the MetaTrader page says what to do.",
            )
        };
        let log = format!("Self-test: {}", items.join("; "));
        self.log(LogLevel::Info, "terminal", log);
        self.notice(SELF_TEST, severity, &items.join("\n"), remedy);
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
