//! Replay: a plan over stored bars. Plan, panel, decisions, orders and exits are the running program's own; here are the
//! history's files, the fills, and the report. How a bar is walked is said in [`run`].
//!
//! What must never happen here: a decision that looks at a bar which has not closed, a fill at a price that the bar did not
//! have, an output that differs between two runs over the same files.

mod account;
mod chart;
mod clock;
mod comparison;
mod continuity;
mod field;
mod history;
mod holding;
mod layout;
mod overview;
mod page;
mod peers;
mod reader;
mod report;
pub mod run;
mod symbols;
mod tables;
mod tally;
#[cfg(test)]
mod tests;
mod trade;
mod verdict;
mod walk;

pub use account::Drawdown;
pub use clock::ServerClock;
pub use continuity::{Continuity, Gap};
pub use history::{History, ReplayError};
pub use page::page;
pub use peers::Files;
pub use reader::{BarReader, HistoryBar, HistoryError};
pub use report::Report;
pub use run::{Decided, Replay, Settings, Sink};
pub use symbols::{Terms, terms};
pub use tables::{DecisionTable, Tables};
pub use tally::{ConditionCount, Month, Results};
pub use trade::{ExitReason, Trade};
pub use verdict::{Verdict, Verdicts};
