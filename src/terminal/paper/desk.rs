//! One turn of the paper terminal: move the account to the present, store what happened, then say it.
//!
//! Nothing is said before it is stored. What cannot be stored is undone and either refused (an order) or done
//! again at the next turn (a stop). Deals are told in the order of their tickets and at least once: after a crash the
//! last ones are told again. Blocking, because storing is; the task runs it off the runtime's threads.

use std::time::Duration;

use super::exchange::{Exchange, Switches};
use super::feed::Feed;
use super::orders::Arrival;
use super::retcode::{self, refusal};
use super::store::{Store, StoreError};
use crate::market::{
    Cid, Found, OrderIntent, Outcome, PendingOrder, SelfTest, TerminalEvent, TerminalRequest,
    TestItem,
};

/// Real time between two signs of life.
/// Long after this an event was either read or its reader is gone.
const SETTLED_AFTER: Duration = Duration::from_secs(60);
const ALIVE_PAUSE: Duration = Duration::from_millis(850);

/// A request that has reached the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrived {
    pub request: TerminalRequest,
    pub arrival: Arrival,
}

/// What a turn is given.
#[derive(Debug, Default)]
pub struct Turn {
    pub market_ms: i64,
    /// Real time since the terminal's start.
    pub mono: Duration,
    pub requests: Vec<Arrived>,
    /// Why the connection is down, if it is.
    pub down: Option<String>,
    pub switches: Switches,
    /// Orders that somebody else places at the terminal.
    pub placed: Vec<PendingOrder>,
    pub latency_ms: u32,
    /// Whether the reader keeps up; if not, quotes and bars wait.
    pub room: bool,
}

#[derive(Debug)]
pub struct Desk<S> {
    exchange: Exchange,
    store: S,
    feed: Feed,
    up: bool,
    /// Whether the link's state was ever told.
    told: bool,
    /// How many deals were handed over in this run.
    deals_told: usize,
    /// How many were at a moment of this run; they settle some time after it.
    settling: (Duration, usize),
    alive_at: Option<Duration>,
    /// How far ahead of the ledger a restart may continue, milliseconds of market time; 0 when the clock needs no such
    /// promise.
    lease_ms: i64,
    /// Whether bars that closed are still owed.
    behind: bool,
    storing_failed: bool,
}

impl<S: Store> Desk<S> {
    pub fn new(exchange: Exchange, store: S, lease_ms: i64) -> Self {
        let deals_told = exchange.ledger.told;
        Self {
            deals_told,
            settling: (Duration::ZERO, deals_told),
            exchange,
            store,
            feed: Feed::default(),
            up: false,
            told: false,
            alive_at: None,
            lease_ms,
            behind: false,
            storing_failed: false,
        }
    }

    #[cfg(test)]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// Whether nobody watches and nothing is at stake.
    pub fn is_idle(&self) -> bool {
        self.feed.is_idle()
            && self.exchange.ledger.positions.is_empty()
            && self.exchange.ledger.orders.is_empty()
    }

    pub const fn is_behind(&self) -> bool {
        self.behind
    }

    pub fn turn(&mut self, turn: Turn) -> Vec<TerminalEvent> {
        let mut events = Vec::new();
        self.exchange.switches = turn.switches;
        self.behind = false;
        self.settle_told(turn.mono);
        self.keep_lease(turn.market_ms);
        self.follow_link(turn.down.as_deref(), &mut events);
        let current = self.act(None, &mut events, |exchange| {
            exchange.advance(turn.market_ms);
        });
        for order in turn.placed {
            if let Err(problem) = self.act(None, &mut events, |exchange| exchange.place(order)) {
                tracing::warn!(target: "terminal", "A pending order was not placed: {problem}");
            }
        }
        for arrived in turn.requests {
            self.answer(arrived, current.is_ok(), turn.down.as_deref(), &mut events);
        }
        if self.up {
            self.say_alive(turn.mono, turn.latency_ms, &mut events);
            if turn.room {
                let now = self.exchange.now();
                // As the Expert Advisor tells them: what is decided at a bar's close is decided at the price that is there then.
                events.extend(self.feed.quotes(&self.exchange.market, now, turn.mono));
                let (bars, behind) = self.feed.bars(&self.exchange.market, now);
                self.behind = behind;
                events.extend(bars);
            }
        }
        events
    }

    /// Stores the moment of a clean end, so that the market goes on from just there. `unread` is how many events the
    /// reader may not have seen.
    pub fn close(&mut self, unread: usize) {
        self.exchange.ledger.told = self.deals_told.saturating_sub(unread);
        self.exchange.ledger.resume_ms = self.exchange.ledger.now_ms;
        if let Err(error) = self.store.save(&self.exchange.ledger) {
            self.not_saved(&error);
        }
    }

    /// Does something with the account and stores it. `Err` when it could not be stored, and so was undone.
    fn act<T>(
        &mut self,
        answered: Option<Cid>,
        events: &mut Vec<TerminalEvent>,
        action: impl FnOnce(&mut Exchange) -> T,
    ) -> Result<T, String> {
        let mark = self.exchange.ledger.mark();
        let result = action(&mut self.exchange);
        if !self.exchange.ledger.changed_since(&mark) {
            return Ok(result);
        }
        self.exchange.ledger.resume_ms = self.exchange.ledger.now_ms + self.lease_ms;
        if let Err(error) = self.store.save(&self.exchange.ledger) {
            self.not_saved(&error);
            self.exchange.ledger.roll_back(mark, answered);
            return Err(error.to_string());
        }
        self.storing_failed = false;
        if self.up {
            self.tell_deals(events);
            if self.exchange.ledger.book_changed_since(&mark) {
                // Balance and equity belong to the book that follows.
                self.alive_at = None;
                events.push(TerminalEvent::Book(self.exchange.book()));
            }
        }
        Ok(result)
    }

    fn answer(
        &mut self,
        arrived: Arrived,
        current: bool,
        down: Option<&str>,
        events: &mut Vec<TerminalEvent>,
    ) {
        match arrived.request {
            TerminalRequest::Watch {
                symbol,
                timeframe,
                history,
            } => {
                let now = self.exchange.now();
                self.feed.watch(symbol, timeframe, history, now);
            }
            TerminalRequest::Unwatch { symbol, timeframe } => {
                self.feed.unwatch(&symbol, timeframe);
            }
            TerminalRequest::Submit(intent) => {
                let cid = intent.cid;
                if let Some(price) = self.exchange.entry_price(&intent.action)
                    && intent.price.is_none()
                    && down.is_none()
                {
                    events.push(TerminalEvent::Priced { cid, price });
                }
                let outcome = match down {
                    Some(reason) => Outcome::Unknown {
                        reason: format!("the connection is down: {reason}"),
                    },
                    None if !current => Outcome::Refused(not_stored("earlier changes")),
                    None => self.submit(&intent, arrived.arrival, events),
                };
                events.push(TerminalEvent::Answer {
                    cid: intent.cid,
                    outcome,
                });
            }
            TerminalRequest::Find { cid, .. } => {
                let found = down.map_or_else(
                    || self.exchange.find(cid),
                    |reason| Found::NotYet {
                        reason: format!("the connection is down: {reason}"),
                    },
                );
                events.push(TerminalEvent::Found { cid, found });
            }
            // An order goes to the paper market at once.
            TerminalRequest::Recall { .. } => {}
            TerminalRequest::SendBook => {
                if self.up {
                    events.push(TerminalEvent::Book(self.exchange.book()));
                }
            }
            TerminalRequest::SelfTest => {
                events.push(TerminalEvent::SelfTested(SelfTest {
                    items: vec![TestItem {
                        name: "paper".to_owned(),
                        passed: self.up,
                        detail:
                            "the paper terminal is inside the program; there is no link to test"
                                .to_owned(),
                    }],
                    ..SelfTest::default()
                }));
            }
        }
    }

    fn submit(
        &mut self,
        intent: &OrderIntent,
        arrival: Arrival,
        events: &mut Vec<TerminalEvent>,
    ) -> Outcome {
        self.act(Some(intent.cid), events, |exchange| {
            exchange.submit(intent, arrival)
        })
        .unwrap_or_else(|problem| Outcome::Refused(not_stored(&problem)))
    }

    fn follow_link(&mut self, down: Option<&str>, events: &mut Vec<TerminalEvent>) {
        match down {
            Some(reason) if self.up || !self.told => {
                tracing::warn!(target: "terminal", "Paper terminal down: {reason}");
                events.push(TerminalEvent::Down {
                    reason: reason.to_owned(),
                });
                self.up = false;
                self.told = true;
            }
            None if !self.up => {
                tracing::info!(target: "terminal", "Paper terminal up");
                self.up = true;
                self.told = true;
                self.alive_at = None;
                self.feed.forget_quotes();
                events.push(TerminalEvent::Up {
                    account: self.exchange.account(),
                    permissions: self.exchange.switches.permissions,
                    symbols: self.exchange.specs(),
                });
                events.push(TerminalEvent::Book(self.exchange.book()));
                self.tell_deals(events);
            }
            Some(_) | None => {}
        }
    }

    /// Every deal that was not told yet: those of an outage too, and those of a moment before a crash.
    fn tell_deals(&mut self, events: &mut Vec<TerminalEvent>) {
        let deals = &self.exchange.ledger.deals;
        let news = deals.get(self.deals_told..).unwrap_or_default();
        events.extend(news.iter().cloned().map(TerminalEvent::Deal));
        self.deals_told = deals.len();
    }

    /// What was told a while ago was certainly read. Only that is stored: after a crash the rest is told again.
    fn settle_told(&mut self, mono: Duration) {
        let (since, told) = self.settling;
        if mono.saturating_sub(since) >= SETTLED_AFTER {
            self.exchange.ledger.told = told;
            self.settling = (mono, self.deals_told);
        }
    }

    fn say_alive(&mut self, mono: Duration, latency_ms: u32, events: &mut Vec<TerminalEvent>) {
        if self
            .alive_at
            .is_some_and(|at| mono.saturating_sub(at) < ALIVE_PAUSE)
        {
            return;
        }
        self.alive_at = Some(mono);
        events.push(TerminalEvent::Alive {
            account: self.exchange.account(),
            permissions: self.exchange.switches.permissions,
            market_time: self.exchange.now(),
            latency_ms,
        });
        // Floating profits move with the market, not only with orders.
        if !self.exchange.ledger.positions.is_empty() {
            events.push(TerminalEvent::Book(self.exchange.book()));
        }
    }

    /// No moment is shown that a restart after a crash would come before.
    fn keep_lease(&mut self, market_ms: i64) {
        let promised = self.exchange.ledger.resume_ms;
        if self.lease_ms == 0 || market_ms + self.lease_ms / 2 <= promised {
            return;
        }
        self.exchange.ledger.resume_ms = market_ms + self.lease_ms;
        if let Err(error) = self.store.save(&self.exchange.ledger) {
            self.exchange.ledger.resume_ms = promised;
            self.not_saved(&error);
        }
    }

    /// Said once, until storing works again.
    fn not_saved(&mut self, error: &StoreError) {
        if !self.storing_failed {
            tracing::error!(target: "terminal", "{error}");
        }
        self.storing_failed = true;
    }
}

fn not_stored(problem: &str) -> crate::market::Refusal {
    refusal(
        retcode::NOT_STORED,
        format!("not executed, because the paper account cannot be stored: {problem}"),
    )
}
