//! What the terminal says: it is up or away, its account, its book, its deals, its answers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::effect::{Effect, LogLevel};
use super::orders::LOOK_AGAIN;
use super::record::Record;
use super::snapshot::Severity;
use super::state::State;
use super::step::Turn;
use crate::market::{Account, LinkFacts, Permissions, SymbolSpec, TerminalEvent, TerminalRequest};

/// A book that was answered and does not show an order yet is asked for again so soon.
const SHOWN_SOON: Duration = Duration::from_millis(200);

impl State {
    /// What to add to the message of what is closed while the Expert Advisor's journal cannot be written.
    pub(super) const fn beside_journal(&self) -> &'static str {
        if self.terminal.facts.unwritten {
            "; the Expert Advisor cannot write its journal (is the terminal's disk full?)"
        } else {
            ""
        }
    }
}

impl Turn<'_> {
    pub fn terminal(&mut self, event: TerminalEvent) {
        match event {
            TerminalEvent::Up {
                account,
                permissions,
                symbols,
            } => self.terminal_up(account, permissions, symbols),
            TerminalEvent::Down { reason } => self.terminal_down(&reason),
            TerminalEvent::Alive {
                account,
                permissions,
                market_time,
                ..
            } => {
                self.see_account(&account);
                let view = &mut self.state.terminal;
                view.permissions = Some(permissions);
                view.market_time = Some(market_time);
                self.watch_guards(&account);
                self.state.terminal.account = Some(account);
            }
            TerminalEvent::Bars {
                symbol,
                timeframe,
                bars,
            } => self.bars_arrived(&symbol, timeframe, &bars),
            TerminalEvent::BarClosed {
                symbol,
                timeframe,
                bar,
            } => {
                let closed = SignedDuration::from_secs(timeframe.seconds());
                self.market_reached(bar.time.saturating_add(closed).unwrap_or(bar.time));
                self.bar_closed(&symbol, timeframe, bar);
            }
            TerminalEvent::Quote { symbol, quote } => {
                self.market_reached(quote.time);
                self.quoted(&symbol, quote);
            }
            TerminalEvent::Book(mut book) => {
                let known = self.take_list(&mut book);
                self.state.see_book(Some(book));
                self.state.book_behind = !known;
                self.note_held();
                self.correct_by_book();
                self.watch_open_symbols();
                self.forget_closed();
                self.tell_unmanaged();
            }
            // Told again after a crash or a new connection.
            TerminalEvent::Deal(deal) if self.durable().day.knows(deal.ticket) => {}
            TerminalEvent::Deal(deal) => {
                let text = format!(
                    "Deal {} {} {} {} at {} (position {}, {:?}, profit {})",
                    deal.ticket,
                    deal.side.name(),
                    deal.volume,
                    deal.symbol,
                    deal.price,
                    deal.position,
                    deal.reason,
                    deal.profit
                );
                self.log(LogLevel::Info, "terminal", text);
                self.seen_closed(&deal);
                self.correct_by_deal(&deal);
                // A deal is told before the balance that it changes. The other way round a loss looks a little larger, in
                // per cent, than it was.
                let account = self.state.terminal.account.as_ref();
                self.record(Record::Dealt {
                    deal: deal.clone(),
                    balance: account.map(|account| account.balance + deal.profit),
                });
                self.net(deal);
                self.note_held();
            }
            TerminalEvent::Priced { cid, price } => self.priced(cid, price),
            TerminalEvent::Answer { cid, outcome } => self.answered(cid, outcome),
            TerminalEvent::Found { cid, found } => self.found(cid, found),
            TerminalEvent::Link(facts) => self.see_link(facts),
            TerminalEvent::SelfTested(test) => self.self_tested(&test),
        }
    }

    fn see_link(&mut self, facts: LinkFacts) {
        const KEY: &str = "terminal-journal";
        let before = self.state.terminal.facts.unwritten;
        let now = facts.unwritten;
        self.state.terminal.facts = facts;
        if now && !before {
            let text = "The Expert Advisor cannot write its journal: nothing is opened; positions are closed without it.";
            self.log(LogLevel::Error, "terminal", text.to_owned());
            let remedy =
                "Make room on the terminal's disk, or free the folder MQL5\\Files\\FX-Executor.";
            self.notice(KEY, Severity::Error, text, remedy);
        }
        if before && !now {
            let text = "The Expert Advisor no longer says that its journal cannot be written.";
            self.log(LogLevel::Info, "terminal", text.to_owned());
            self.drop_notice(KEY);
        }
    }

    /// The market is at least at this moment. Its clock comes once a second; bars and quotes come at once, and a bar
    /// that is judged by the clock of a moment before looks as if it had not closed.
    fn market_reached(&mut self, time: Timestamp) {
        let known = &mut self.state.terminal.market_time;
        *known = Some(known.map_or(time, |known| known.max(time)));
    }

    fn terminal_up(
        &mut self,
        account: Account,
        permissions: Permissions,
        symbols: Vec<SymbolSpec>,
    ) {
        self.log(
            LogLevel::Info,
            "terminal",
            format!("Terminal connected: account {}", account.id().masked()),
        );
        self.see_account(&account);
        self.watch_guards(&account);
        let view = &mut self.state.terminal;
        view.up = true;
        view.account = Some(account);
        view.permissions = Some(permissions);
        view.symbols = symbols
            .into_iter()
            .map(|symbol| (symbol.name.clone(), symbol))
            .collect();
        self.state.see_book(None);
        self.rename_symbols();
        // Whatever was on its way when the link broke is looked for before anything else is believed.
        self.state.looked_at.clear();
        self.hear_of_orders_first();
        self.ask_for_book();
        self.watch_again();
    }

    fn terminal_down(&mut self, reason: &str) {
        let (level, what) = if self.state.terminal.up {
            (LogLevel::Warning, "lost")
        } else {
            (LogLevel::Info, "not ready")
        };
        self.log(level, "terminal", format!("Terminal {what}: {reason}"));
        self.state.terminal.up = false;
        self.state.see_book(None);
        self.state.terminal.quotes.clear();
        self.state.profits_asked.clear();
    }

    /// Until the book comes, nobody decides by positions.
    pub fn ask_for_book(&mut self) {
        self.state.book_behind = true;
        self.state.book_asked_at = self.now.mono;
        self.effect(Effect::Terminal(TerminalRequest::SendBook));
    }

    /// Asks again for a book that does not come.
    pub fn progress_book(&mut self) {
        let waited = self.now.mono.saturating_sub(self.state.book_asked_at);
        let awaits = !self.state.awaited.is_empty();
        let pause = if awaits && self.state.book_behind {
            SHOWN_SOON
        } else {
            LOOK_AGAIN
        };
        let asks = self.state.book_behind || awaits;
        if self.state.terminal.up && asks && waited >= pause {
            self.ask_for_book();
        }
    }
}
