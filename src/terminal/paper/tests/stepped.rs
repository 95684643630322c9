//! A paper terminal that is moved by hand: the same desk on the same market, in a time that its test makes up. Orders arrive
//! at once and are filled at the quote.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::market::{TerminalEvent, TerminalRequest};
use crate::terminal::market::Market;
use crate::terminal::paper::desk::{Arrived, Desk, Turn};
use crate::terminal::paper::exchange::{Exchange, Switches};
use crate::terminal::paper::faults::Fate;
use crate::terminal::paper::ledger::Ledger;
use crate::terminal::paper::orders::Arrival;
use crate::terminal::paper::store::Forgetful;

#[derive(Debug)]
pub(crate) struct Stepped {
    desk: Desk<Forgetful>,
}

impl Stepped {
    pub(crate) fn new(market: Market, start: Timestamp, balance: Decimal) -> Self {
        let ledger = Ledger::new(market.seed(), start.as_millisecond(), balance);
        Self {
            desk: Desk::new(Exchange::new(market, ledger), Forgetful, 0),
        }
    }

    /// One turn at this moment of the market and this moment since the start.
    pub(crate) fn turn(
        &mut self,
        market_ms: i64,
        mono: Duration,
        requests: Vec<TerminalRequest>,
    ) -> Vec<TerminalEvent> {
        let arrival = Arrival {
            sent_at: Timestamp::from_millisecond(market_ms).unwrap(),
            waited: Duration::ZERO,
            fate: Fate::Delivered,
        };
        let requests = requests
            .into_iter()
            .map(|request| Arrived { request, arrival })
            .collect();
        self.desk.turn(Turn {
            market_ms,
            mono,
            requests,
            switches: Switches {
                without_slippage: true,
                ..Switches::default()
            },
            room: true,
            ..Turn::default()
        })
    }
}
