//! The answers of a trade server (MQL5 reference, "Return Codes of the Trade Server") and the bridge's own negative
//! codes: one table with what each allows next and a sentence for the trader.
//!
//! A code that the table does not know never counts as a refusal: look first.

use crate::market::{Refusal, RefusalClass};

/// The request itself was not understood or is forbidden by the bridge (no valid stop).
pub const BAD_ARGUMENTS: i32 = -1;
/// The order came after its time to live.
pub const LATE: i32 = -2;
/// The id was used before with other parameters.
pub const OTHER_PARAMETERS: i32 = -3;
/// A switch of the terminal is off; the text names it.
pub const NOT_PERMITTED: i32 = -5;
/// Nobody knows yet what became of it.
pub const OUTCOME_UNKNOWN: i32 = -10;
/// The bridge does not know the symbol.
pub const UNKNOWN_SYMBOL: i32 = -6;
/// The terminal is not connected, or not yet synchronised.
pub const NOT_SYNCHRONISED: i32 = -7;
/// The terminal could not store the order, so it did not execute it.
pub const NOT_STORED: i32 = -8;
pub const SPREAD: i32 = -12;
pub const REQUOTE: i32 = 10_004;
pub const REJECT: i32 = 10_006;
pub const PLACED: i32 = 10_008;
pub const DONE: i32 = 10_009;
pub const DONE_PARTIAL: i32 = 10_010;
pub const INVALID_VOLUME: i32 = 10_014;
pub const INVALID_PRICE: i32 = 10_015;
pub const INVALID_STOPS: i32 = 10_016;
pub const TRADE_DISABLED: i32 = 10_017;
pub const MARKET_CLOSED: i32 = 10_018;
pub const NO_MONEY: i32 = 10_019;
pub const PRICE_OFF: i32 = 10_021;
pub const NO_CHANGES: i32 = 10_025;
pub const SERVER_DISABLES_AT: i32 = 10_026;
pub const CLIENT_DISABLES_AT: i32 = 10_027;
pub const FROZEN: i32 = 10_029;
pub const INVALID_FILL: i32 = 10_030;
pub const LIMIT_VOLUME: i32 = 10_034;
pub const INVALID_ORDER: i32 = 10_035;
pub const POSITION_CLOSED: i32 = 10_036;
pub const INVALID_CLOSE_VOLUME: i32 = 10_038;
pub const LONG_ONLY: i32 = 10_042;
pub const SHORT_ONLY: i32 = 10_043;
pub const CLOSE_ONLY: i32 = 10_044;
pub const FIFO_CLOSE: i32 = 10_045;

/// What a code says about the order and what may come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Executed, wholly or in part.
    Done,
    /// Accepted. Says nothing yet about a deal.
    Accepted,
    /// Certainly not executed: this refusal.
    Refused(RefusalClass),
    /// It may or may not have been executed.
    LookFirst,
}

#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub code: i32,
    /// MetaQuotes' name without its prefix; ours for the bridge's codes.
    pub name: &'static str,
    pub class: Class,
    /// What happened and what to do, for the trader.
    pub sentence: &'static str,
}

const fn row(code: i32, name: &'static str, class: Class, sentence: &'static str) -> Row {
    Row {
        code,
        name,
        class,
        sentence,
    }
}

const MOVED: Class = Class::Refused(RefusalClass::PriceMoved);
const WAIT: Class = Class::Refused(RefusalClass::Wait);
const FIX: Class = Class::Refused(RefusalClass::Fix);
const FORBIDDEN: Class = Class::Refused(RefusalClass::Permission);
const SO: Class = Class::Refused(RefusalClass::AlreadySo);
const OLDEST: Class = Class::Refused(RefusalClass::OldestFirst);

/// Sorted by code; the whole documentation and nothing else.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    row(-13, "OTHER_PROGRAM", FIX, "Another program on this account uses the number of this order, so nothing was sent; the next order has another number."),
    row(-12, "SPREAD", WAIT, "The spread was above the limit; the order waits for a better one."),
    row(-11, "STOPPED", FORBIDDEN, "Trading is stopped by the emergency stop in the Expert Advisor; resume it first."),
    row(-10, "OUTCOME_UNKNOWN", Class::LookFirst, "The Expert Advisor does not know yet what became of the order; it is looked for."),
    row(-9, "BUSY", WAIT, "The Expert Advisor was busy with another order."),
    row(-8, "JOURNAL", WAIT, "The Expert Advisor could not write its journal, so nothing was sent; is the disk full or the folder locked?"),
    row(-7, "NOT_SYNCHRONISED", WAIT, "The terminal is not synchronised with its trade server yet."),
    row(-6, "UNKNOWN_SYMBOL", FIX, "The broker has no symbol of this name."),
    row(-5, "NOT_PERMITTED", FORBIDDEN, "A switch of the terminal forbids trading."),
    row(-4, "OTHER_ACCOUNT", FORBIDDEN, "The order was made for another account than the terminal is logged in to."),
    row(-3, "OTHER_PARAMETERS", Class::LookFirst, "An order with this number was seen before with other parameters; it is looked for."),
    row(-2, "LATE", MOVED, "The order reached the terminal too late and was not sent."),
    row(-1, "BAD_ARGUMENTS", FIX, "The Expert Advisor cannot use this order as it is."),
    row(0, "NO_ANSWER", Class::LookFirst, "The terminal gave no answer; the order is looked for."),
    row(10_004, "REQUOTE", MOVED, "The price moved before the broker accepted the order (requote)."),
    row(10_006, "REJECT", FIX, "The broker rejected the order."),
    row(10_007, "CANCEL", FIX, "The order was cancelled by the trader or the dealer."),
    row(10_008, "PLACED", Class::Accepted, "The broker accepted the order; the deal is awaited."),
    row(10_009, "DONE", Class::Done, "The order was executed."),
    row(10_010, "DONE_PARTIAL", Class::Done, "The order was executed in part."),
    row(10_011, "ERROR", Class::LookFirst, "The terminal reported a common error; the order is looked for."),
    row(10_012, "TIMEOUT", Class::LookFirst, "The broker did not answer in time; the order is looked for."),
    row(10_013, "INVALID", FIX, "The broker calls the order invalid."),
    row(10_014, "INVALID_VOLUME", FIX, "The volume is not one the broker takes for this symbol."),
    row(10_015, "INVALID_PRICE", FIX, "The price is not one the broker takes for this symbol."),
    row(10_016, "INVALID_STOPS", FIX, "The stop loss or take profit is too near to the price or on the wrong side of it."),
    row(10_017, "TRADE_DISABLED", FORBIDDEN, "Trading is disabled for this symbol or account; ask the broker."),
    row(10_018, "MARKET_CLOSED", WAIT, "The market is closed."),
    row(10_019, "NO_MONEY", FORBIDDEN, "There is not enough free margin for this order."),
    row(10_020, "PRICE_CHANGED", MOVED, "The price changed before the broker accepted the order."),
    row(10_021, "PRICE_OFF", WAIT, "There is no price for this symbol now."),
    row(10_022, "INVALID_EXPIRATION", FIX, "The broker does not take this expiration."),
    row(10_023, "ORDER_CHANGED", Class::LookFirst, "The order's state changed meanwhile; it is looked at again."),
    row(10_024, "TOO_MANY_REQUESTS", WAIT, "Too many requests in a short time; the broker wants a pause."),
    row(10_025, "NO_CHANGES", SO, "The levels are already as asked for."),
    row(10_026, "SERVER_DISABLES_AT", FORBIDDEN, "The broker does not allow automatic trading on this account; ask the broker."),
    row(10_027, "CLIENT_DISABLES_AT", FORBIDDEN, "Algo Trading is off in the terminal; press its button, and tick Allow Algo Trading for the Expert Advisor."),
    row(10_028, "LOCKED", Class::LookFirst, "The order is locked for processing; it is looked at again."),
    row(10_029, "FROZEN", WAIT, "The price is so near that the broker has frozen this order or position."),
    row(10_030, "INVALID_FILL", FIX, "The broker does not take this filling mode for the symbol."),
    row(10_031, "CONNECTION", Class::LookFirst, "The terminal had no connection to its trade server; the order is looked for."),
    row(10_032, "ONLY_REAL", FORBIDDEN, "The broker allows this on real accounts only."),
    row(10_033, "LIMIT_ORDERS", FORBIDDEN, "The broker's limit of pending orders is reached."),
    row(10_034, "LIMIT_VOLUME", FORBIDDEN, "The broker's limit of volume in this symbol is reached."),
    row(10_035, "INVALID_ORDER", FIX, "The order type is wrong or forbidden, or the order is gone."),
    row(10_036, "POSITION_CLOSED", SO, "The position is closed already."),
    row(10_038, "INVALID_CLOSE_VOLUME", FIX, "The volume to close is more than the position has."),
    row(10_039, "CLOSE_ORDER_EXIST", Class::LookFirst, "A closing order for this position exists already; it is looked at first."),
    row(10_040, "LIMIT_POSITIONS", FORBIDDEN, "The broker's limit of open positions is reached."),
    row(10_041, "REJECT_CANCEL", FIX, "The activation of the pending order was rejected and the order cancelled."),
    row(10_042, "LONG_ONLY", FORBIDDEN, "The broker allows only buying of this symbol."),
    row(10_043, "SHORT_ONLY", FORBIDDEN, "The broker allows only selling of this symbol."),
    row(10_044, "CLOSE_ONLY", FORBIDDEN, "The broker allows only closing of positions in this symbol."),
    row(10_045, "FIFO_CLOSE", OLDEST, "This account must close the oldest position of a symbol first."),
    row(10_046, "HEDGE_PROHIBITED", FORBIDDEN, "This account may not hold opposite positions in one symbol."),
];

pub fn lookup(code: i32) -> Option<&'static Row> {
    TABLE
        .binary_search_by_key(&code, |row| row.code)
        .ok()
        .and_then(|index| TABLE.get(index))
}

/// An unknown code leaves doubt.
pub fn class_of(code: i32) -> Class {
    lookup(code).map_or(Class::LookFirst, |row| row.class)
}

pub fn sentence(code: i32) -> &'static str {
    lookup(code).map_or(
        "The broker answered with a code that MetaTrader's documentation does not have; the order is looked for.",
        |row| row.sentence,
    )
}

/// A definite refusal. For a code that leaves doubt somebody else has made sure that nothing was executed.
pub fn refusal(retcode: i32, message: impl Into<String>) -> Refusal {
    let class = match class_of(retcode) {
        Class::Refused(class) => class,
        Class::Done | Class::Accepted | Class::LookFirst => RefusalClass::Fix,
    };
    Refusal {
        retcode,
        class,
        message: message.into(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// MQL5 reference, "Return Codes of the Trade Server": every code there is.
    const DOCUMENTED: &[i32] = &[
        10_004, 10_006, 10_007, 10_008, 10_009, 10_010, 10_011, 10_012, 10_013, 10_014, 10_015,
        10_016, 10_017, 10_018, 10_019, 10_020, 10_021, 10_022, 10_023, 10_024, 10_025, 10_026,
        10_027, 10_028, 10_029, 10_030, 10_031, 10_032, 10_033, 10_034, 10_035, 10_036, 10_038,
        10_039, 10_040, 10_041, 10_042, 10_043, 10_044, 10_045, 10_046,
    ];

    #[test]
    fn every_documented_code_is_there_once_and_in_order() {
        assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
        let codes: Vec<i32> = TABLE.iter().map(|row| row.code).collect();
        let mut wanted: Vec<i32> = (-13..=0).collect();
        wanted.extend(DOCUMENTED);
        assert_eq!(codes, wanted);
        let mut sentences: Vec<&str> = TABLE.iter().map(|row| row.sentence).collect();
        sentences.sort_unstable();
        sentences.dedup();
        assert_eq!(sentences.len(), TABLE.len(), "a sentence stands twice");
        assert!(TABLE.iter().all(|row| row.sentence.ends_with(['.', '?'])));
    }

    #[test]
    fn a_code_that_leaves_doubt_is_never_a_refusal() {
        for code in [
            -10,
            -3,
            0,
            10_011,
            10_012,
            10_023,
            10_028,
            10_031,
            10_037,
            10_039,
            10_005,
            77,
            i32::MAX,
        ] {
            assert_eq!(class_of(code), Class::LookFirst, "{code}");
        }
        assert_eq!(class_of(PLACED), Class::Accepted);
    }

    #[test]
    fn only_what_certainly_did_not_happen_may_be_tried_again() {
        let again: Vec<i32> = TABLE
            .iter()
            .filter(|row| row.class == MOVED)
            .map(|row| row.code)
            .collect();
        assert_eq!(again, [LATE, REQUOTE, 10_020]);
        let wait: Vec<i32> = TABLE
            .iter()
            .filter(|row| row.class == WAIT)
            .map(|row| row.code)
            .collect();
        assert_eq!(wait, [-12, -9, -8, -7, 10_018, 10_021, 10_024, 10_029]);
        assert_eq!(lookup(10_035).unwrap().name, "INVALID_ORDER");
    }
}
