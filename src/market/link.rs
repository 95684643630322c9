//! What is said to a terminal and what a terminal says: the one interface that the paper terminal and MetaTrader share.
//!
//! A terminal is two bounded channels: [`TerminalRequest`]s in, [`TerminalEvent`]s out. Events are hints and
//! the [`Book`] is the truth. An answer may be lost ([`Outcome::Unknown`]); then [`TerminalRequest::Find`] is asked
//! until it gives a definite [`Found`].

use jiff::Timestamp;

use super::{
    Account, Bar, Book, Cid, Deal, Found, OrderIntent, Outcome, Permissions, Quote, SymbolSpec,
    Timeframe,
};

#[derive(Clone, Debug, PartialEq)]
pub enum TerminalRequest {
    /// Send the last `history` closed bars of this series (as [`TerminalEvent::Bars`]), then every bar as it closes,
    /// and the symbol's quotes. Asking again only sends the bars again.
    Watch {
        symbol: String,
        timeframe: Timeframe,
        history: usize,
    },
    Unwatch {
        symbol: String,
        timeframe: Timeframe,
    },
    /// Execute an order at most once. The same client id again is answered from memory, never executed again.
    Submit(OrderIntent),
    /// What became of this client id?
    Find { cid: Cid },
    /// Send the book now.
    SendBook,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TerminalEvent {
    /// The link is up and authenticated; sent first, and again after every reconnection.
    Up {
        account: Account,
        permissions: Permissions,
        symbols: Vec<SymbolSpec>,
    },
    Down {
        reason: String,
    },
    /// Proof of life, at least once a second while up.
    Alive {
        account: Account,
        permissions: Permissions,
        /// The market's own clock, in UTC.
        market_time: Timestamp,
        /// Round trip to the terminal, milliseconds.
        latency_ms: u32,
    },
    /// Closed bars, oldest first, without the forming one. Replaces what was known of the series.
    Bars {
        symbol: String,
        timeframe: Timeframe,
        bars: Vec<Bar>,
    },
    BarClosed {
        symbol: String,
        timeframe: Timeframe,
        bar: Bar,
    },
    Quote {
        symbol: String,
        quote: Quote,
    },
    Book(Book),
    Deal(Deal),
    Answer {
        cid: Cid,
        outcome: Outcome,
    },
    Found {
        cid: Cid,
        found: Found,
    },
}
