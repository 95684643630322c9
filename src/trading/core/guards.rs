//! Guards of the account as a whole, like those of funded accounts: how far equity may fall below where the firm's day began,
//! and below the start balance, each with a warning before. A guard that is reached stops entries until a person here
//! resumes trading, and stops them again while equity is still so low. No command loosens them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::effect::LogLevel;
use super::record::Record;
use super::snapshot::Severity;
use super::step::Turn;
use crate::market::{Account, AccountId};

/// A loss, in account currency or per cent of the start balance (of where the day began, where no start balance is known).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    Money(Decimal),
    Percent(Decimal),
}

impl Amount {
    fn of(self, base: Decimal) -> Decimal {
        match self {
            Self::Money(money) => money,
            Self::Percent(percent) => base * percent / Decimal::ONE_HUNDRED,
        }
    }
}

impl std::str::FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            Decimal::from_str_exact(text.trim())
                .ok()
                .filter(|number| *number > Decimal::ZERO)
        };
        match text.trim().strip_suffix('%') {
            Some(percent) => number(percent)
                .filter(|percent| *percent <= Decimal::ONE_HUNDRED)
                .map(Self::Percent),
            None => number(text).map(Self::Money),
        }
        .ok_or_else(|| {
            "An amount above 0, such as 500, or per cent, such as 5%; empty for none.".to_owned()
        })
    }
}

/// A loss that stops entries, and one that warns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    pub most: Option<Amount>,
    pub warning: Option<Amount>,
}

impl Guard {
    const fn is_on(self) -> bool {
        self.most.is_some() || self.warning.is_some()
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Guards {
    /// Below where the firm's day began: the balance or the equity then, whichever was higher.
    pub daily: Guard,
    /// Below the start balance.
    pub total: Guard,
    /// In account currency.
    pub start_balance: Option<Decimal>,
    /// By whose midnight the firm's day begins.
    pub zone: TimeZone,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            daily: Guard::default(),
            total: Guard::default(),
            start_balance: None,
            zone: TimeZone::UTC,
        }
    }
}

/// Where a day of an account began.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardDay {
    pub account: AccountId,
    /// By the firm's clock.
    pub day: Date,
    pub base: Decimal,
}

/// A guard's level that equity has fallen to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Warning(Decimal),
    Reached(Decimal),
}

impl Guards {
    pub(super) fn day(&self, time: Timestamp) -> Date {
        self.zone.to_datetime(time).date()
    }

    /// Why the guards cannot be kept as they are set.
    pub(super) fn gap(&self) -> Option<&'static str> {
        (self.total.is_on() && self.start_balance.is_none()).then_some(
            "the guard of the total loss needs the start balance; fill it in under Settings",
        )
    }

    /// What the daily guard says when the day began at `base`.
    pub(super) fn daily(&self, equity: Decimal, base: Decimal) -> Option<Level> {
        level(
            self.daily,
            base - equity,
            self.start_balance.unwrap_or(base),
        )
    }

    pub(super) fn total(&self, equity: Decimal) -> Option<Level> {
        let start = self.start_balance?;
        level(self.total, start - equity, start)
    }
}

fn level(guard: Guard, lost: Decimal, base: Decimal) -> Option<Level> {
    let reached = |amount: Option<Amount>| {
        let limit = amount?.of(base);
        (lost >= limit).then(|| limit.round_dp(2).normalize())
    };
    reached(guard.most)
        .map(Level::Reached)
        .or_else(|| reached(guard.warning).map(Level::Warning))
}

impl Turn<'_> {
    /// The account as it is now.
    pub fn watch_guards(&mut self, account: &Account) {
        let guards = self.state.config.guards.clone();
        if !guards.daily.is_on() && !guards.total.is_on() {
            return;
        }
        if let Some(base) = self.day_base(&guards, account) {
            self.heed(
                "guard:daily",
                "today's loss",
                guards.daily(account.equity, base),
            );
        }
        self.heed(
            "guard:total",
            "the total loss",
            guards.total(account.equity),
        );
    }

    /// Where the account's day began. A day begins by the market's clock alone: the first words after a start come before that
    /// clock is known. And it does not begin again when a clock was put back over midnight: what was lost on it would be
    /// forgotten.
    fn day_base(&mut self, guards: &Guards, account: &Account) -> Option<Decimal> {
        let id = account.id();
        let known = self.durable().guard_days.get(&id);
        let known = known.map(|began| (began.day, began.base));
        let Some(day) = self.state.terminal.market_time.map(|time| guards.day(time)) else {
            return known.map(|(_, base)| base);
        };
        let goes_on = |began: Date| began == day || day.tomorrow().is_ok_and(|next| next == began);
        if let Some((_, base)) = known.filter(|(began, _)| goes_on(*began)) {
            return Some(base);
        }
        let base = account.balance.max(account.equity);
        self.record(Record::GuardDayBegan {
            began: GuardDay {
                account: id,
                day,
                base,
            },
            at: self.now.utc,
        });
        Some(base)
    }

    fn heed(&mut self, key: &'static str, what: &str, level: Option<Level>) {
        let Some(level) = level else {
            if self.state.guards_told.remove(key).is_some() {
                self.drop_notice(key);
            }
            return;
        };
        let (severity, text, remedy) = match level {
            Level::Warning(limit) => (
                Severity::Warning,
                format!("The account's equity shows {what} at the warning level of {limit}."),
                "Nothing is stopped yet; look at what is open.",
            ),
            Level::Reached(limit) => {
                self.pause_until_resumed_here(&format!(
                    "paused: {what} on equity has reached the account's guard of {limit}"
                ));
                (
                    Severity::Error,
                    format!(
                        "The account's equity shows {what} at the guard of {limit}. No position is opened."
                    ),
                    "Exits stay managed. Resume trading here when you have looked at the account; while equity is so low, it stops again.",
                )
            }
        };
        // The account is told every second; a notice that was read stays away until it says something else.
        if self.state.guards_told.get(key) != Some(&text) {
            let level = match severity {
                Severity::Error => LogLevel::Error,
                _ => LogLevel::Warning,
            };
            self.log(level, "guards", text.clone());
            self.notice(key, severity, &text, remedy);
            self.state.guards_told.insert(key, text);
        }
    }
}
