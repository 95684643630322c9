//! Orders: stored before they are sent, at most one deal per client id, and after a doubtful outcome look first.

use std::time::Duration;

use serde_json::json;

use super::durable::{IntentEntry, Progress, Purpose};
use super::effect::{Effect, LogLevel};
use super::handle::{details, strategy_of};
use super::record::Record;
use super::snapshot::CommandState;
use super::step::Turn;
use crate::market::{
    Cid, Fill, Found, IntentAction, OrderIntent, Outcome, Refusal, RefusalClass, TerminalEvent,
    TerminalRequest,
};

/// Milliseconds in which the terminal may still execute an order.
const ORDER_LIFE_MS: u64 = 10_000;
/// An order without an answer for so long is looked for.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Attempts at one command's order: the first and its children.
const MOST_TRIES: u32 = 3;

/// How an order certainly ended.
pub(super) enum OrderEnd {
    Done(Fill),
    Refused(Refusal),
    /// Proven absent at the terminal.
    NotExecuted(String),
}

impl Turn<'_> {
    /// Stores an order and sends it. A retry names the order it follows as `parent`.
    pub fn submit(&mut self, action: IntentAction, purpose: Purpose, parent: Option<Cid>) -> Cid {
        let number = match (&purpose, &action) {
            (Purpose::Entry { strategy } | Purpose::Exit { strategy }, _) => {
                self.durable().strategy_number(strategy)
            }
            // Whoever closes it: the result belongs to the strategy that opened it.
            (_, IntentAction::Close { ticket, .. }) => self
                .state
                .own_positions()
                .find(|position| position.ticket == *ticket)
                .map_or(0, strategy_of),
            _ => 0,
        };
        let cid = Cid::new(number, self.durable().next_counter);
        let intent = OrderIntent {
            cid,
            action,
            comment: format!("FX {:x}", cid.counter()),
            ttl_ms: ORDER_LIFE_MS,
            parent,
        };
        self.record(Record::IntentMade {
            intent: intent.clone(),
            purpose,
            at: self.now.utc,
        });
        self.state.looked_at.insert(cid, self.now.mono);
        self.effect(Effect::Terminal(TerminalRequest::Submit(intent)));
        cid
    }

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
                let view = &mut self.state.terminal;
                view.account = Some(account);
                view.permissions = Some(permissions);
                view.market_time = Some(market_time);
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
            } => self.bar_closed(&symbol, timeframe, bar),
            TerminalEvent::Quote { symbol, quote } => self.quoted(&symbol, quote),
            TerminalEvent::Book(book) => {
                self.state.terminal.book = Some(book);
                self.state.book_behind = false;
            }
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
                self.record(Record::Dealt { deal });
            }
            TerminalEvent::Answer { cid, outcome } => self.answered(cid, outcome),
            TerminalEvent::Found { cid, found } => self.found(cid, found),
            TerminalEvent::Link(_) | TerminalEvent::SelfTested(_) => {}
        }
    }

    fn terminal_up(
        &mut self,
        account: crate::market::Account,
        permissions: crate::market::Permissions,
        symbols: Vec<crate::market::SymbolSpec>,
    ) {
        self.log(
            LogLevel::Info,
            "terminal",
            format!(
                "Terminal connected: account {} on {}",
                account.login, account.server
            ),
        );
        let view = &mut self.state.terminal;
        view.up = true;
        view.account = Some(account);
        view.permissions = Some(permissions);
        view.symbols = symbols
            .into_iter()
            .map(|symbol| (symbol.name.clone(), symbol))
            .collect();
        view.book = None;
        // Whatever was on its way when the link broke is looked for before anything else is believed.
        self.state.looked_at.clear();
        self.ask_for_book();
        self.watch_again();
    }

    fn terminal_down(&mut self, reason: &str) {
        if self.state.terminal.up {
            self.log(
                LogLevel::Warning,
                "terminal",
                format!("Terminal lost: {reason}"),
            );
        }
        self.state.terminal.up = false;
        self.state.terminal.book = None;
        self.state.terminal.quotes.clear();
    }

    /// Until the book comes, nobody decides by positions.
    fn ask_for_book(&mut self) {
        self.state.book_behind = true;
        self.state.book_asked_at = self.now.mono;
        self.effect(Effect::Terminal(TerminalRequest::SendBook));
    }

    /// Asks again for a book that does not come.
    pub fn progress_book(&mut self) {
        let waited = self.now.mono.saturating_sub(self.state.book_asked_at);
        if self.state.terminal.up && self.state.book_behind && waited >= LOOK_AGAIN {
            self.ask_for_book();
        }
    }

    /// Orders whose outcome is open: ask the terminal what became of them.
    pub fn progress_orders(&mut self) {
        if !self.state.terminal.up || self.durable().intents.is_empty() {
            return;
        }
        let now = self.now.mono;
        let due: Vec<(Cid, bool)> = self
            .durable()
            .intents
            .values()
            .filter_map(|entry| {
                let cid = entry.intent.cid;
                let waited = self
                    .state
                    .looked_at
                    .get(&cid)
                    .map(|looked| now.saturating_sub(*looked));
                let limit = match entry.progress {
                    Progress::Made => ANSWER_LIMIT,
                    Progress::Unknown => LOOK_AGAIN,
                };
                waited
                    .is_none_or(|waited| waited >= limit)
                    .then_some((cid, entry.progress == Progress::Made))
            })
            .collect();
        for (cid, first_look) in due {
            if first_look {
                self.record(Record::IntentUnknown {
                    cid,
                    reason: "no answer came; looking for it at the terminal".to_owned(),
                    at: self.now.utc,
                });
            }
            self.state.looked_at.insert(cid, now);
            self.effect(Effect::Terminal(TerminalRequest::Find { cid, since: None }));
        }
    }

    fn answered(&mut self, cid: Cid, outcome: Outcome) {
        let Some(entry) = self.durable().intents.get(&cid).cloned() else {
            return;
        };
        match outcome {
            Outcome::Done(fill) => self.order_ended(entry, OrderEnd::Done(fill)),
            Outcome::Refused(refusal) => self.order_ended(entry, OrderEnd::Refused(refusal)),
            Outcome::Unknown { reason } => {
                self.log(
                    LogLevel::Warning,
                    "terminal",
                    format!("Order {cid}: {reason}. Looking for it before anything else."),
                );
                self.record(Record::IntentUnknown {
                    cid,
                    reason,
                    at: self.now.utc,
                });
                self.state.looked_at.remove(&cid);
            }
        }
    }

    fn found(&mut self, cid: Cid, found: Found) {
        let Some(entry) = self.durable().intents.get(&cid).cloned() else {
            return;
        };
        match found {
            Found::Executed(fill) => self.order_ended(entry, OrderEnd::Done(fill)),
            Found::Absent => {
                let reason = "the terminal shows that it was not executed".to_owned();
                self.order_ended(entry, OrderEnd::NotExecuted(reason));
            }
            Found::NotYet { .. } => {
                self.state.looked_at.insert(cid, self.now.mono);
            }
        }
    }

    fn order_ended(&mut self, entry: IntentEntry, end: OrderEnd) {
        let cid = entry.intent.cid;
        self.record(match &end {
            OrderEnd::Done(fill) => Record::IntentDone {
                cid,
                fill: fill.clone(),
                at: self.now.utc,
            },
            OrderEnd::Refused(refusal) => Record::IntentFailed {
                cid,
                reason: format!("{} ({})", refusal.message, refusal.retcode),
                at: self.now.utc,
            },
            OrderEnd::NotExecuted(reason) => Record::IntentFailed {
                cid,
                reason: reason.clone(),
                at: self.now.utc,
            },
        });
        self.state.looked_at.remove(&cid);
        self.ask_for_book();
        let mono = self.now.mono;
        match &entry.purpose {
            Purpose::Command { id } => {
                let id = id.clone();
                self.command_order_ended(&id, entry, end);
            }
            Purpose::Closing { id } => {
                if let Some(sweep) = self.state.closings.get_mut(id) {
                    sweep.ended(cid, &end, mono);
                }
            }
            Purpose::Emergency => self.state.emergency.ended(cid, &end, mono),
            Purpose::Entry { strategy } => {
                let strategy = strategy.clone();
                self.entry_ended(&strategy, &end);
            }
            Purpose::Exit { strategy } => {
                if let OrderEnd::Refused(refusal) = &end {
                    let text = format!(
                        "{strategy}: the stop could not be moved: {}",
                        refusal.message
                    );
                    self.log(LogLevel::Warning, "strategy", text);
                }
            }
        }
    }

    /// The order of an OPEN_POSITION or MODIFY_POSITION.
    fn command_order_ended(&mut self, id: &str, entry: IntentEntry, end: OrderEnd) {
        let cid = entry.intent.cid;
        let again = match &end {
            OrderEnd::Done(_) => false,
            OrderEnd::Refused(refusal) => refusal.class == RefusalClass::PriceMoved,
            OrderEnd::NotExecuted(_) => true,
        };
        if again && self.may_try_again(id, &entry) {
            self.submit(entry.intent.action, entry.purpose, Some(cid));
            return;
        }
        match end {
            OrderEnd::Done(fill) => {
                let message = describe_fill(&entry.intent.action, &fill);
                let details = details(&[
                    ("ticket", json!(fill.ticket.0)),
                    ("volume", json!(fill.volume.to_string())),
                    ("price", json!(fill.price.to_string())),
                ]);
                self.finish(id, CommandState::Executed, &message, details);
            }
            OrderEnd::Refused(refusal) => {
                let details = details(&[("retcode", json!(refusal.retcode))]);
                let message = format!(
                    "the terminal refused it: {} ({})",
                    refusal.message, refusal.retcode
                );
                self.finish(id, CommandState::Failed, &message, details);
            }
            OrderEnd::NotExecuted(reason) => {
                self.finish(
                    id,
                    CommandState::Failed,
                    &format!("not executed: {reason}"),
                    details(&[]),
                );
            }
        }
    }

    fn may_try_again(&self, id: &str, entry: &IntentEntry) -> bool {
        let Some(open) = self.durable().open.get(id) else {
            return false;
        };
        let opens = matches!(entry.intent.action, IntentAction::Open { .. });
        let allowed = !opens || self.state.entry_block(self.now).is_none();
        let fresh = self.state.platform_time(self.now) <= open.command.expiry();
        allowed && fresh && entry.generation < MOST_TRIES
    }
}

fn describe_fill(action: &IntentAction, fill: &Fill) -> String {
    match action {
        IntentAction::Open { symbol, side, .. } => format!(
            "{} {} {symbol} filled at {}, ticket {}",
            side.name(),
            fill.volume,
            fill.price,
            fill.ticket
        ),
        IntentAction::Modify { .. } => format!("position {} changed", fill.ticket),
        IntentAction::Close { .. } => format!("position {} closed at {}", fill.ticket, fill.price),
        IntentAction::Cancel { .. } => format!("order {} cancelled", fill.ticket),
    }
}
