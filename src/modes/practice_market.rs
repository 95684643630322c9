//! The market that the practice platform shows: the same as the paper terminal's, at the same time.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::core::snapshot::Snapshot;
use crate::market::{Bar, Quote, Timeframe};
use crate::practice::MarketSource;
use crate::terminal::market::{Market, MarketClock};

pub(super) struct PracticeMarket {
    market: Market,
    /// Tells the time while no executor runs.
    clock: MarketClock,
    started: Instant,
    executor: OnceLock<watch::Receiver<Arc<Snapshot>>>,
}

impl PracticeMarket {
    pub fn new(seed: u64, speed: f64, start: Timestamp) -> Self {
        Self {
            market: Market::new(seed),
            clock: MarketClock::new(start, speed, true),
            started: Instant::now(),
            executor: OnceLock::new(),
        }
    }

    /// From now on the executor's terminal tells the time; an account that goes on from an earlier run has its own.
    pub fn follow(&self, snapshot: watch::Receiver<Arc<Snapshot>>) {
        self.executor.get_or_init(|| snapshot);
    }

    fn now(&self) -> Timestamp {
        self.executor
            .get()
            .and_then(|snapshot| snapshot.borrow().market_time)
            .unwrap_or_else(|| self.clock.at(self.started.elapsed()))
    }
}

impl MarketSource for PracticeMarket {
    fn quote(&self, symbol: &str) -> Option<Quote> {
        self.market.quote(symbol, self.now())
    }

    fn bars(&self, symbol: &str, timeframe: Timeframe, limit: usize) -> Vec<Bar> {
        self.market.last_bars(symbol, timeframe, limit, self.now())
    }
}
