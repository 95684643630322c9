//! The words of the market: symbols, bars, quotes, orders, positions, accounts.
//!
//! Plain values that every other part speaks. Pure: no IO, no clock, and nothing here decides anything
//! about trading. Prices, volumes and money are [`rust_decimal::Decimal`]; indicators and what is compared with them
//! use `f64`.

mod account;
mod bar;
mod link;
mod number;
mod order;
mod position;
mod resolve;
mod symbol;

pub use account::{Account, AccountId, MarginMode, Permissions};
pub use bar::{Bar, Quote, Timeframe, UnknownTimeframe};
pub use link::{LinkFacts, SelfTest, TerminalEvent, TerminalRequest, TestItem, Twice};
pub use number::{number_of, roughly};
pub use order::{
    Cid, Fill, Found, IntentAction, LevelChange, OrderIntent, Outcome, Refusal, RefusalClass, Side,
    Ticket,
};
pub use position::{Book, Deal, DealEntry, DealReason, PendingOrder, PendingType, Position};
pub use resolve::{Unresolved, resolve};
pub use symbol::{Execution, Session, SymbolSpec, SymbolTerms, TradeMode};
