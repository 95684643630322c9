//! What a replay trades: one deal for each time that a position or a part of it was closed.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::market::Side;

/// What closed a position or a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExitReason {
    StopLoss,
    /// The stop, after it had followed the price.
    TrailingStop,
    TakeProfit,
    /// A part at its level.
    Part,
    /// All of it, for a reason of the rules.
    Rules,
    /// Nothing was left of the account; a broker closes before that.
    Ruin,
    /// Still open when the history ended.
    End,
}

impl ExitReason {
    pub const fn words(self) -> &'static str {
        match self {
            Self::StopLoss => "stop loss",
            Self::TrailingStop => "trailing stop",
            Self::TakeProfit => "take profit",
            Self::Part => "part",
            Self::Rules => "rules",
            Self::Ruin => "account empty",
            Self::End => "end of history",
        }
    }
}

/// A closed position, or a closed part of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trade {
    /// The position's number; parts of one have the same.
    pub number: u64,
    pub side: Side,
    pub opened_at: Timestamp,
    pub open_price: Decimal,
    /// Lots closed here.
    pub volume: Decimal,
    /// The stop that it was opened with.
    pub stop_loss: Decimal,
    pub take_profit: Option<Decimal>,
    pub closed_at: Timestamp,
    pub close_price: Decimal,
    /// In account currency, commission not taken off.
    pub profit: Decimal,
    pub commission: Decimal,
    pub balance: Decimal,
    pub reason: ExitReason,
    /// More about it.
    pub note: String,
    /// Nothing of the position is left.
    pub is_last: bool,
}
