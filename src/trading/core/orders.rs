//! Orders: stored before they are sent, at most one deal per client id, and after a doubtful outcome look first.

use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::json;

use super::client_id::free_counter;
use super::doubts::doubt_key;
use super::durable::{IntentEntry, Progress, Purpose};
use super::effect::{Effect, LogLevel};
use super::handle::{details, strategy_of};
use super::record::Record;
use super::snapshot::{CommandState, StrategyState, TerminalMode};
use super::step::Turn;
use crate::market::{
    Cid, Fill, IntentAction, MarginMode, OrderIntent, Outcome, Refusal, RefusalClass, Side,
    TerminalRequest, Twice,
};

/// Milliseconds in which the terminal may still execute an order.
pub(super) const ORDER_LIFE_MS: u64 = 10_000;
/// An order without an answer for so long is looked for.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Attempts at one command's order: the first and its children.
const MOST_TRIES: u32 = 3;

/// How an order ended.
pub(super) enum OrderEnd {
    Done(Fill),
    Refused(Refusal),
    /// Proven absent at the terminal.
    NotExecuted(String),
    /// Nobody knows it, and nobody will.
    GivenUp(String),
    /// Executed, but on a net position that others had changed meanwhile: what was asked for did not come of it.
    Astray {
        fill: Fill,
        words: String,
    },
}

impl Turn<'_> {
    /// Stores an order and sends it.
    pub fn submit(&mut self, action: IntentAction, purpose: Purpose) -> Cid {
        self.send(action, purpose, None, None)
    }

    /// Sends a refused order again, as a child of it. Its deviation still counts from the price that the first of them
    /// was decided at.
    fn send_again(&mut self, entry: IntentEntry) {
        let intent = entry.intent;
        self.send(intent.action, entry.purpose, Some(intent.cid), intent.price);
    }

    /// Where the market is for an opening.
    fn price_seen(&self, action: &IntentAction) -> Option<Decimal> {
        let IntentAction::Open { symbol, side, .. } = action else {
            return None;
        };
        let quote = self.state.terminal.quotes.get(symbol)?;
        Some(match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        })
    }

    fn send(
        &mut self,
        action: IntentAction,
        purpose: Purpose,
        parent: Option<Cid>,
        price: Option<Decimal>,
    ) -> Cid {
        let action = self.of_ours_alone(action);
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
        let counter = free_counter(
            self.durable().next_counter,
            self.now.utc,
            self.state.id_bits,
        );
        let cid = Cid::new(number, counter);
        let intent = OrderIntent {
            cid,
            comment: format!("FX {:x}", cid.counter()),
            price: price.or_else(|| self.price_seen(&action)),
            action,
            ttl_ms: ORDER_LIFE_MS,
            parent,
        };
        self.record(Record::IntentMade {
            intent: intent.clone(),
            purpose,
            account: self.durable().account.clone(),
            platform_at: self.state.platform_moment(self.now),
            at: self.now.utc,
        });
        self.note_volume(cid, &intent.action);
        self.state.looked_at.insert(cid, self.now.mono);
        self.effect(Effect::Terminal(TerminalRequest::Submit(intent)));
        cid
    }

    /// Openings that a stop or a pause overtook: one that the terminal has only checked is not sent to the market.
    pub fn recall_openings(&mut self) {
        let due: Vec<Cid> = self
            .durable()
            .intents
            .values()
            .filter(|entry| matches!(entry.intent.action, IntentAction::Open { .. }))
            .filter(|entry| entry.progress == Progress::Made && self.is_here(entry))
            .filter(|entry| self.is_overtaken(&entry.purpose))
            .map(|entry| entry.intent.cid)
            .filter(|cid| !self.state.recalled.contains(cid))
            .collect();
        for cid in due {
            self.state.recalled.insert(cid);
            self.effect(Effect::Terminal(TerminalRequest::Recall { cid }));
        }
    }

    fn is_overtaken(&self, purpose: &Purpose) -> bool {
        let durable = self.durable();
        let runs = match purpose {
            Purpose::Entry { strategy } => durable
                .strategies
                .get(strategy)
                .is_some_and(|entry| entry.state == StrategyState::Running),
            _ => true,
        };
        durable.stop.is_some() || durable.pause.is_some() || !runs
    }

    /// Orders whose outcome is open: ask the terminal what became of them.
    pub fn progress_orders(&mut self) {
        if !self.state.terminal.up || self.durable().intents.is_empty() {
            return;
        }
        let now = self.now.mono;
        let due: Vec<(IntentEntry, bool)> = self
            .durable()
            .intents
            .values()
            .filter(|entry| self.is_here(entry))
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
                let first_look = entry.progress == Progress::Made;
                waited
                    .is_none_or(|waited| waited >= limit)
                    .then(|| (entry.clone(), first_look))
            })
            .collect();
        for (entry, first_look) in due {
            let cid = entry.intent.cid;
            if first_look {
                self.doubt(cid, "no answer came".to_owned());
            }
            self.state.looked_at.insert(cid, now);
            self.effect(Effect::Terminal(TerminalRequest::Find {
                cid,
                since: Some(entry.made_at),
                twice: self.if_done_twice(&entry.intent.action),
                ordered: Some(entry.intent.action),
            }));
        }
    }

    fn if_done_twice(&self, action: &IntentAction) -> Twice {
        let account = self.state.terminal.account.as_ref();
        let nets = account.is_none_or(|account| account.margin_mode == MarginMode::Netting);
        match action {
            IntentAction::Open { .. } => Twice::Opens,
            IntentAction::Close { .. } if nets => Twice::Reverses,
            // A part of a part more would be gone.
            IntentAction::Close {
                volume: Some(_), ..
            } => Twice::Reverses,
            IntentAction::Close { .. }
            | IntentAction::Modify { .. }
            | IntentAction::Cancel { .. } => Twice::Harmless,
        }
    }

    /// The first price that anybody saw; kept, so that no further try counts its deviation from a later one.
    pub(super) fn priced(&mut self, cid: Cid, price: Decimal) {
        let known = self.durable().intents.get(&cid);
        if known.is_some_and(|entry| entry.intent.price.is_none()) {
            let at = self.now.utc;
            self.record(Record::IntentPriced { cid, price, at });
        }
    }

    pub(super) fn answered(&mut self, cid: Cid, outcome: Outcome) {
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
                self.doubt(cid, reason);
                self.state.looked_at.remove(&cid);
            }
        }
    }

    /// Whether the order was sent to the account that the terminal is logged in to now.
    pub fn is_here(&self, entry: &IntentEntry) -> bool {
        entry.account.is_none() || entry.account == self.durable().account
    }

    pub(super) fn order_ended(&mut self, entry: IntentEntry, end: OrderEnd) {
        let cid = entry.intent.cid;
        let Some(end) = self.by_its_deals(&entry, end) else {
            return;
        };
        if matches!(end, OrderEnd::Done(_)) {
            self.expect_stop(&entry);
        }
        if let OrderEnd::Done(fill) = &end {
            self.hold_opened(&entry, fill);
        }
        self.record(match &end {
            OrderEnd::Done(fill) | OrderEnd::Astray { fill, .. } => Record::IntentDone {
                cid,
                fill: fill.clone(),
                at: self.now.utc,
            },
            OrderEnd::Refused(refusal) => Record::IntentFailed {
                cid,
                reason: format!("{} ({})", refusal.message, refusal.retcode),
                at: self.now.utc,
            },
            OrderEnd::NotExecuted(reason) | OrderEnd::GivenUp(reason) => Record::IntentFailed {
                cid,
                reason: reason.clone(),
                at: self.now.utc,
            },
        });
        self.state.looked_at.remove(&cid);
        self.state.recalled.remove(&cid);
        self.drop_notice(&doubt_key(cid));
        self.await_in_book(&entry, &end);
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
                let runs = self
                    .durable()
                    .strategies
                    .get(&strategy)
                    .is_some_and(|entry| entry.state == StrategyState::Running);
                if matches!(&end, OrderEnd::Refused(refusal) if refusal.class == RefusalClass::PriceMoved)
                    && entry.generation < MOST_TRIES
                    && entry.intent.price.is_some()
                    && runs
                    && self.state.entry_block(self.now).is_none()
                {
                    self.send_again(entry);
                } else {
                    self.entry_ended(&strategy, &end);
                }
            }
            Purpose::Stop { opening } => self.stop_set(*opening, &end),
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
        let opens = matches!(entry.intent.action, IntentAction::Open { .. });
        // One that was known to be sent and then proven absent is not: a proof is made of waiting, and what was sent may still
        // come. One that nobody ever answered, and that the terminal does not know, was no attempt. The paper terminal forgets
        // nothing, so what it does not know is not on its way.
        let again = match &end {
            OrderEnd::Refused(refusal) => refusal.class == RefusalClass::PriceMoved,
            OrderEnd::NotExecuted(_) => {
                entry.progress == Progress::Made || self.state.config.mode == TerminalMode::Paper
            }
            OrderEnd::Done(_) | OrderEnd::GivenUp(_) | OrderEnd::Astray { .. } => false,
        };
        if again && self.may_try_again(id, &entry) {
            self.send_again(entry);
            return;
        }
        match end {
            OrderEnd::Done(fill) => {
                let mut message = describe_fill(&entry.intent.action, &fill);
                message.push_str(&self.shared_with_others(&entry.intent.action));
                if let Some(ordered) = self.other_name(id, &entry.intent.action) {
                    message.push_str(&format!(" (ordered as {ordered})"));
                }
                let details = details(&[
                    ("ticket", json!(fill.ticket.0)),
                    ("volume", json!(fill.volume.to_string())),
                    ("price", json!(fill.price.to_string())),
                ]);
                self.finish(id, CommandState::Executed, &message, details);
            }
            // The position has these levels: what was asked for is so.
            OrderEnd::Refused(refusal) if refusal.class == RefusalClass::AlreadySo && !opens => {
                let details = details(&[("retcode", json!(refusal.retcode))]);
                self.finish(id, CommandState::Executed, &refusal.message, details);
            }
            OrderEnd::Refused(refusal) => {
                let details = details(&[("retcode", json!(refusal.retcode))]);
                let message = format!(
                    "the terminal refused it: {} ({})",
                    refusal.message, refusal.retcode
                );
                self.finish(id, CommandState::Failed, &message, details);
            }
            OrderEnd::Astray { fill, words } => {
                let details = details(&[
                    ("deal", json!(fill.deal.map(|deal| deal.0))),
                    ("volume", json!(fill.volume.to_string())),
                    ("price", json!(fill.price.to_string())),
                ]);
                self.finish(id, CommandState::Failed, &words, details);
            }
            OrderEnd::GivenUp(reason) => {
                let message = format!("its outcome stays unknown: {reason}");
                self.finish(id, CommandState::Failed, &message, details(&[]));
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

    /// The command's name of the symbol, where the broker's is another.
    fn other_name(&self, id: &str, action: &IntentAction) -> Option<String> {
        let IntentAction::Open { symbol, .. } = action else {
            return None;
        };
        let ordered = self.durable().open.get(id)?.command.text("symbol").ok()?;
        (!ordered.trim().eq_ignore_ascii_case(symbol)).then(|| ordered.trim().to_owned())
    }

    fn may_try_again(&self, id: &str, entry: &IntentEntry) -> bool {
        let Some(open) = self.durable().open.get(id) else {
            return false;
        };
        let opens = matches!(entry.intent.action, IntentAction::Open { .. });
        // What was meant to end it may have been carried out since.
        if opens && self.undone_by(&open.command).is_some() {
            return false;
        }
        let allowed = !opens || self.state.entry_block(self.now).is_none();
        let fresh = self.state.time_for(&open.command, self.now) <= open.command.expiry();
        // Without the first price nobody could say how far it has moved, and the command says how far it may.
        let deviation = open.command.decimal(&["deviation", "slippage"]);
        let bound = opens && !matches!(deviation, Ok(None));
        let priced = !bound || entry.intent.price.is_some();
        allowed && fresh && priced && entry.generation < MOST_TRIES
    }
}

fn describe_fill(action: &IntentAction, fill: &Fill) -> String {
    match action {
        IntentAction::Open {
            symbol,
            side,
            stop_loss,
            ..
        } => format!(
            "{} {} {symbol} filled at {}, ticket {}{}",
            side.name(),
            fill.volume,
            fill.price,
            fill.ticket,
            if stop_loss.is_none() {
                ", without a stop loss"
            } else {
                ""
            }
        ),
        IntentAction::Modify {
            stop_loss,
            take_profit,
            ..
        } => format!(
            "position {} changed: stop loss {stop_loss}, take profit {take_profit}",
            fill.ticket
        ),
        IntentAction::Close { .. } => format!("position {} closed at {}", fill.ticket, fill.price),
        IntentAction::Cancel { .. } => format!("order {} cancelled", fill.ticket),
    }
}
