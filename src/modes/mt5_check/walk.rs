//! What the link tells while the items are tried: every wait has a limit, and the last word on everything is kept.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout, timeout_at};

use crate::market::{
    Account, Book, LinkFacts, Permissions, Quote, SymbolSpec, TerminalEvent, TerminalRequest,
};
use crate::os::say;
use crate::terminal::Terminal;

#[derive(Debug, Default)]
pub struct Seen {
    pub account: Option<Account>,
    pub permissions: Option<Permissions>,
    pub symbols: Vec<SymbolSpec>,
    pub facts: LinkFacts,
    pub latency_ms: Option<u32>,
    /// The market's clock, and this computer's when it was told.
    pub clock: Option<(Timestamp, Timestamp)>,
    pub book: Option<Book>,
    pub quotes: BTreeMap<String, Quote>,
}

#[derive(Debug)]
pub struct Walk {
    terminal: Terminal,
    pub seen: Seen,
}

impl Walk {
    pub fn new(terminal: Terminal) -> Self {
        Self {
            terminal,
            seen: Seen::default(),
        }
    }

    pub async fn ask(&self, request: TerminalRequest) -> Result<(), String> {
        self.terminal
            .requests
            .send(request)
            .await
            .map_err(|_closed| "the link has ended".to_owned())
    }

    /// Waits until `pick` takes something from an event. A link that goes down ends the wait.
    pub async fn until<T>(
        &mut self,
        limit: Duration,
        mut pick: impl FnMut(&TerminalEvent) -> Option<T>,
    ) -> Result<T, String> {
        let until = Instant::now() + limit;
        loop {
            let event = self.next(until).await?;
            if let Some(taken) = pick(&event) {
                return Ok(taken);
            }
            if let TerminalEvent::Down { reason } = event {
                return Err(reason);
            }
        }
    }

    /// Waits until the link is up, and says what it waits for.
    pub async fn connect(&mut self, limit: Duration) -> Result<Duration, String> {
        let began = Instant::now();
        let mut waits_for = String::new();
        loop {
            match self.next(began + limit).await {
                Ok(TerminalEvent::Up { .. }) => break,
                Ok(TerminalEvent::Down { reason }) if reason != waits_for => {
                    say(format!("… {reason}"));
                    waits_for = reason;
                }
                Ok(_) => {}
                Err(late) if waits_for.is_empty() => return Err(late),
                Err(late) => return Err(format!("{late}; still {waits_for}")),
            }
        }
        let took = began.elapsed();
        // The facts follow at once.
        self.until(Duration::from_secs(5), |event| {
            matches!(event, TerminalEvent::Link(_)).then_some(())
        })
        .await?;
        Ok(took)
    }

    async fn next(&mut self, until: Instant) -> Result<TerminalEvent, String> {
        let began = Instant::now();
        let event = timeout_at(until, self.terminal.events.recv())
            .await
            .map_err(|_elapsed| {
                let waited = until.saturating_duration_since(began).as_secs();
                format!("nothing came for the last {waited} s")
            })?
            .ok_or_else(|| "the link has ended".to_owned())?;
        self.see(&event);
        Ok(event)
    }

    fn see(&mut self, event: &TerminalEvent) {
        let seen = &mut self.seen;
        match event {
            TerminalEvent::Up {
                account,
                permissions,
                symbols,
            } => {
                seen.account = Some(account.clone());
                seen.permissions = Some(*permissions);
                seen.symbols.clone_from(symbols);
            }
            TerminalEvent::Alive {
                account,
                permissions,
                market_time,
                latency_ms,
            } => {
                seen.account = Some(account.clone());
                seen.permissions = Some(*permissions);
                seen.clock = Some((*market_time, Timestamp::now()));
                seen.latency_ms = Some(*latency_ms);
            }
            TerminalEvent::Link(facts) => seen.facts = facts.clone(),
            TerminalEvent::Book(book) => seen.book = Some(book.clone()),
            TerminalEvent::Quote { symbol, quote } => {
                seen.quotes.insert(symbol.clone(), *quote);
            }
            _ => {}
        }
    }

    /// Lets the link say good-bye.
    pub async fn ended(mut self, limit: Duration) {
        let rest = async { while self.terminal.events.recv().await.is_some() {} };
        timeout(limit, rest).await.ok();
    }
}
