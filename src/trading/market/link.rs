//! What is said to a terminal and what a terminal says: the one interface that the paper terminal and MetaTrader share.
//!
//! A terminal is two bounded channels: [`TerminalRequest`]s in, [`TerminalEvent`]s out. Events are hints and
//! the [`Book`] is the truth. An answer may be lost ([`Outcome::Unknown`]); then [`TerminalRequest::Find`] is asked
//! until it gives a definite [`Found`].

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{
    Account, Bar, Book, Cid, Deal, Found, IntentAction, OrderIntent, Outcome, Permissions, Quote,
    SymbolSpec, Timeframe,
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
    /// What became of this client id? `since` is when it was made, where that is known: history is searched from
    /// there, and absence can be proven only with it.
    Find {
        cid: Cid,
        since: Option<Timestamp>,
        twice: Twice,
        /// What was ordered under it: another program may use the same number. `None`: not known.
        ordered: Option<IntentAction>,
    },
    /// Do not send this opening to the market any more, if it has not been sent: it is then answered as refused. One that
    /// was sent is not touched.
    Recall { cid: Cid },
    /// Send the book now.
    SendBook,
    /// Try everything that can be tried without trading; answered by [`TerminalEvent::SelfTested`].
    SelfTest,
}

/// What could come of it if an order that counts as absent were carried out late, beside the one that took its place:
/// how much proof its absence needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twice {
    /// A second position. Its absence is believed late, whoever remembers it.
    Opens,
    /// A position the other way, where positions are netted, or more closed than was meant, where a part is. Believed late if
    /// it was surely sent; one that was not must not hold up getting out.
    Reverses,
    /// Nothing: a change, a cancellation, a close of all of the position that it names. Better sent again soon.
    Harmless,
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
    /// What an order that named no price is being decided at, before it is sent: its deviation counts from there.
    Priced {
        cid: Cid,
        price: Decimal,
    },
    Answer {
        cid: Cid,
        outcome: Outcome,
    },
    Found {
        cid: Cid,
        found: Found,
    },
    /// What is known of the terminal and the way to it; sent when something of it changes.
    Link(LinkFacts),
    SelfTested(SelfTest),
}

/// The terminal behind the link, beside its account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkFacts {
    /// `pipe` or `tcp`; empty while nothing is connected.
    pub link: String,
    /// The Expert Advisor's version.
    pub ea: String,
    /// The terminal's build.
    pub build: u32,
    pub terminal_path: String,
    pub leverage: u32,
    /// A contest account: neither demo nor real money.
    pub contest: bool,
    pub dll_allowed: bool,
    /// The broker's clock is so many seconds ahead of UTC.
    pub clock_offset_s: i32,
    /// The order that the terminal is executing; it hears nothing else meanwhile.
    pub busy: Option<Cid>,
    /// The Expert Advisor cannot write its journal: it opens nothing, and closes without it.
    pub unwritten: bool,
    /// What the link waits for, with what to do; empty while it is up.
    pub waits_for: String,
}

/// The harmless test of a link: what was tried and what came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelfTest {
    pub items: Vec<TestItem>,
    /// Round trips in microseconds: the middle one and the one that 95 of 100 were not above.
    pub median_us: u64,
    pub p95_us: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestItem {
    pub name: String,
    pub passed: bool,
    pub detail: String,
}

impl SelfTest {
    pub fn passed(&self) -> bool {
        !self.items.is_empty() && self.items.iter().all(|item| item.passed)
    }
}
