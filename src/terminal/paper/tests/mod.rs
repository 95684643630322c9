//! The paper terminal under test: rules by table, safety by property, the task over its real channels.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod fills;
mod killed;
mod live;
mod properties;
mod rules;
mod stepped;
mod stored;
mod task;
mod watching;

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::exchange::Exchange;
use super::faults::Fate;
use super::ledger::Ledger;
use super::orders::Arrival;
use crate::market::{Cid, Fill, IntentAction, OrderIntent, Outcome, Quote, Refusal, Side, Ticket};
use crate::terminal::market::Market;

/// A Wednesday afternoon, all markets open.
const WEDNESDAY: &str = "2026-03-11T14:30:00Z";
/// A Saturday.
const SATURDAY: &str = "2026-03-14T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn exchange_at(time: &str) -> Exchange {
    exchange(1, time, "10000")
}

fn exchange(seed: u64, time: &str, balance: &str) -> Exchange {
    let start = at(time).as_millisecond();
    Exchange::new(Market::new(seed), Ledger::new(seed, start, dec(balance)))
}

fn cid(counter: u64) -> Cid {
    Cid::new(1, counter)
}

fn intent(counter: u64, action: IntentAction) -> OrderIntent {
    OrderIntent {
        price: None,
        cid: cid(counter),
        action,
        comment: "test".to_owned(),
        ttl_ms: 5_000,
        parent: None,
    }
}

fn open(symbol: &str, side: Side, volume: &str) -> IntentAction {
    open_with(symbol, side, volume, None, None)
}

fn open_with(
    symbol: &str,
    side: Side,
    volume: &str,
    stop_loss: Option<Decimal>,
    take_profit: Option<Decimal>,
) -> IntentAction {
    IntentAction::Open {
        symbol: symbol.to_owned(),
        side,
        volume: dec(volume),
        stop_loss,
        take_profit,
        deviation: 2_000,
    }
}

fn close(ticket: Ticket) -> IntentAction {
    IntentAction::Close {
        ticket,
        volume: None,
    }
}

fn arrival(exchange: &Exchange, fate: Fate) -> Arrival {
    Arrival {
        sent_at: exchange.now(),
        waited: Duration::ZERO,
        fate,
    }
}

fn submit(exchange: &mut Exchange, intent: &OrderIntent) -> Outcome {
    let arrival = arrival(exchange, Fate::Delivered);
    exchange.submit(intent, arrival)
}

fn filled(outcome: Outcome) -> Fill {
    match outcome {
        Outcome::Done(fill) => fill,
        other => panic!("not done: {other:?}"),
    }
}

fn refused(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn quote(exchange: &Exchange, symbol: &str) -> Quote {
    exchange.market.quote(symbol, exchange.now()).unwrap()
}
