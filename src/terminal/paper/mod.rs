//! The paper terminal: a broker in the program, on a simulated market, with real rules and seeded misfortune.
//!
//! It must answer as truthfully as a real terminal: at most one deal for a client id whatever happens, and nothing said
//! that is not stored. It never decides to trade.

mod account;
mod checks;
mod control;
mod desk;
mod exchange;
mod faults;
mod feed;
mod ledger;
mod orders;
mod store;
mod task;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use control::PaperControl;
pub use faults::FaultRates;

use super::Terminal;
use super::market::{Market, MarketClock, Noise};
use super::retcode;
use desk::Desk;
use exchange::Exchange;
use ledger::Ledger;
use store::{FileStore, Forgetful, Store};
use task::Task;

/// Requests and events that may wait in the channels.
const REQUESTS: usize = 256;
const EVENTS: usize = 1_024;
/// Real seconds by which a restart after a crash may find a market ahead that runs faster than real time. (At real speed
/// the present time, given as the start, is never behind what was shown.)
const LEASE_SECONDS: f64 = 60.0;

#[derive(Clone, Debug)]
pub struct PaperOptions {
    /// Chooses the market; the same seed is the same market.
    pub seed: u64,
    /// Market seconds in a real second.
    pub speed: f64,
    /// The market's time at the start; an account that was stored later goes on from there instead. At real speed give
    /// the present time.
    pub start: Timestamp,
    pub faults: FaultRates,
    /// Whether the clock leaps over the weekends of the currency markets, so that a practice never meets a closed one.
    pub skip_weekends: bool,
    /// Where the account is kept; `None` forgets it at the end.
    pub state_file: Option<PathBuf>,
    /// What a new account begins with, in its currency.
    pub balance: Decimal,
    /// Whether the reader knows of no deal, as after its journal was lost: then all are told again.
    pub retell_deals: bool,
}

impl PaperOptions {
    /// The present time, real speed, no faults, and the account kept in `folder`.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            seed: 1,
            speed: 1.0,
            start: Timestamp::now(),
            faults: FaultRates::default(),
            skip_weekends: false,
            state_file: Some(folder.join("paper-account.json")),
            balance: Decimal::from(10_000),
            retell_deals: false,
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    #[error("the paper account {} cannot be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error(
        "the paper account {} cannot be understood ({problem}); it is kept as {}, and the next start makes a new account",
        .path.display(), .kept.display()
    )]
    Broken {
        path: PathBuf,
        kept: PathBuf,
        problem: String,
    },
    #[error(
        "the paper account {} belongs to the market with seed {found}, not {wanted}; use that seed or move the file away",
        .path.display()
    )]
    OtherMarket {
        path: PathBuf,
        found: u64,
        wanted: u64,
    },
    #[error(transparent)]
    NotStored(#[from] store::StoreError),
    #[error("the paper terminal needs a tokio runtime to run in")]
    NoRuntime,
}

/// Starts a paper terminal on the current tokio runtime; it runs until `end` or until its channels are dropped.
pub fn spawn(
    mut options: PaperOptions,
    end: CancellationToken,
) -> Result<(Terminal, PaperControl), PaperError> {
    match options.state_file.take() {
        None => start(&options, None, Forgetful, end),
        Some(path) => {
            let mut store = FileStore::new(path.clone());
            let ledger = store.load()?;
            if let Some(ledger) = &ledger
                && ledger.seed != options.seed
            {
                return Err(PaperError::OtherMarket {
                    path,
                    found: ledger.seed,
                    wanted: options.seed,
                });
            }
            if ledger.is_none() {
                // A folder that cannot be written to is said now, not at the first order.
                store.save(&fresh(&options))?;
            }
            start(&options, ledger, store, end)
        }
    }
}

fn fresh(options: &PaperOptions) -> Ledger {
    Ledger::new(
        options.seed,
        options.start.as_millisecond(),
        options.balance,
    )
}

fn start<S: Store>(
    options: &PaperOptions,
    ledger: Option<Ledger>,
    store: S,
    end: CancellationToken,
) -> Result<(Terminal, PaperControl), PaperError> {
    let runtime =
        tokio::runtime::Handle::try_current().map_err(|_no_runtime| PaperError::NoRuntime)?;
    let mut ledger = ledger.unwrap_or_else(|| fresh(options));
    if options.retell_deals {
        ledger.told = 0;
    }
    let resumed = Timestamp::from_millisecond(ledger.resume_ms).unwrap_or(options.start);
    let clock = MarketClock::new(
        options.start.max(resumed),
        options.speed,
        options.skip_weekends,
    );
    let lease_ms = if clock.speed() > 1.0 {
        (LEASE_SECONDS * 1_000.0 * clock.speed()) as i64
    } else {
        0
    };
    let exchange = Exchange::new(Market::new(options.seed), ledger);
    tracing::info!(
        target: "terminal",
        "Paper account: balance {}, {} open positions, market time {}",
        exchange.account().balance,
        exchange.book().positions.len(),
        clock.at(Duration::ZERO)
    );
    let control = PaperControl::new(options.faults);
    let (request_sender, requests) = mpsc::channel(REQUESTS);
    let (events, event_receiver) = mpsc::channel(EVENTS);
    let task = Task {
        requests,
        events,
        control: control.clone(),
        clock,
        noise: Noise::new(options.seed).with(0x66_61_75_6c_74),
        end,
        started: Instant::now(),
        desk: Some(Desk::new(exchange, store, lease_ms)),
    };
    runtime.spawn(task.run());
    let terminal = Terminal {
        requests: request_sender,
        events: event_receiver,
    };
    Ok((terminal, control))
}
