//! Decides everything about commands, orders and locks. Pure: no IO, no clock, no randomness.
//!
//! [`step()`] takes one event and answers with [`Record`]s, which the journal stores in one transaction, and
//! [`Effect`]s, which the shells run only after that. What survives a restart is [`Durable`], and it changes only
//! by applying records: replaying the journal gives the same state.

mod account;
mod admit;
mod awaiting;
mod by_hand;
mod charts;
mod choosing;
mod client_id;
mod clock;
mod closing;
mod command;
mod correction;
mod decided;
mod desk;
mod doubts;
mod durable;
mod effect;
mod elsewhere;
mod emergency;
mod entries;
mod envelope;
mod event;
mod forgetting;
mod guards;
mod handle;
pub mod health;
pub mod hours;
mod latched;
mod ledger;
mod lifting;
mod netting;
mod opened;
mod orders;
mod outbox;
mod own_book;
mod peers;
mod picture;
mod progress;
mod public_stop;
mod readable;
mod record;
mod restart;
mod result;
mod rules;
mod shadow;
pub mod snapshot;
mod standstill;
mod start_words;
mod starting;
mod state;
mod step;
mod stopping;
mod stops;
mod superseding;
mod surrogates;
mod symbols;
mod terminal;
#[cfg(test)]
mod tests;
mod trading;
mod unmanaged;

use std::time::Duration;

use jiff::Timestamp;

pub use command::{Command, CommandName, Urgency};
pub use decided::{Decided, only_missing};
pub use durable::{Durable, IntentEntry, Progress, Purpose, Report};
pub use effect::{BeatCause, Effect, LogLevel};
pub use envelope::{Unreadable, read as read_envelope};
pub use event::{Delivery, Event, ReportOutcome};
pub use guards::{Amount, Guard, GuardDay, Guards};
pub use latched::{EmergencyStop, Gone};
pub use ledger::StrategyLedger;
pub use record::Record;
pub use rules::StrategyEntry;
pub use state::{Config, Limits, State};
pub use step::{Step, step};
pub use surrogates::mend_surrogates;

pub use crate::market::Side;
pub use crate::strategy::{Allowances, NewsCalendar};

/// The moment of an event: `mono` for waiting, `utc` for records and expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Time since the program started.
    pub mono: Duration,
    pub utc: Timestamp,
}
