//! Orders whose outcome nobody knows: each is looked for, and in sight of the trader as long as that is so.

use std::time::Duration;

use super::durable::{IntentEntry, Progress};
use super::orders::OrderEnd;
use super::record::Record;
use super::snapshot::{Notice, Severity};
use super::step::Turn;
use super::{Now, State};
use crate::market::{Cid, Fill, Found, IntentAction, MarginMode, Position, Ticket};

/// What the trader reads below an order in doubt.
const DOUBT_REMEDY: &str = "Nothing to do: it is looked for at the terminal. Until it is found or proven absent, its strategy opens nothing; closing works.";

/// A terminal that came back and tells nothing of an order for so long holds up its own symbol and strategy alone.
const HEARD_WITHIN: Duration = Duration::from_secs(30);

pub(super) fn doubt_key(cid: Cid) -> String {
    format!("{}{cid}", Notice::ORDER)
}

/// The same for a close where positions are netted.
const CLOSE_REMEDY: &str = "It is looked for at the terminal. On a netting account a second close could open a position the other way, so none is sent until this one is found or proven absent, for up to five minutes. To be out at once, look at the position in MetaTrader and close it there.";

impl State {
    /// Orders of which nobody knows what became of them, and that no notice tells of: those of before a restart, and those
    /// that wait for a terminal or an account that is not there.
    pub(super) fn untold_doubts(&self) -> impl Iterator<Item = Notice> {
        let told = |key: &str| self.notices.iter().any(|notice| notice.key == key);
        self.durable
            .intents
            .values()
            .filter(|entry| entry.progress == Progress::Unknown || !self.terminal.up)
            .map(|entry| (entry, doubt_key(entry.intent.cid)))
            .filter(move |(_, key)| !told(key))
            .map(|(entry, key)| Notice {
                key,
                severity: Severity::Warning,
                text: format!(
                    "{} has no certain outcome: {}.",
                    entry.intent.action,
                    self.why_in_doubt(entry)
                ),
                remedy: self.doubt_remedy(&entry.intent.action).to_owned(),
                at: entry.made_at,
            })
    }

    fn doubt_remedy(&self, action: &IntentAction) -> &'static str {
        let account = self.terminal.account.as_ref();
        let nets = account.is_some_and(|account| account.margin_mode == MarginMode::Netting);
        if nets && matches!(action, IntentAction::Close { .. }) {
            CLOSE_REMEDY
        } else {
            DOUBT_REMEDY
        }
    }

    fn why_in_doubt(&self, entry: &IntentEntry) -> String {
        match (&entry.account, &self.durable.account) {
            (Some(sent), Some(now)) if sent != now => format!(
                "it was sent on account {}, and the terminal is on {}",
                sent.masked(),
                now.masked()
            ),
            _ if !self.terminal.up => "the terminal is away and cannot be asked".to_owned(),
            _ => "the terminal is being asked".to_owned(),
        }
    }
}

impl State {
    /// What is over in a moment: the terminal is back, and what became of the orders that are without outcome is asked first: an order that is sent
    /// before could be one too many.
    pub(super) fn search_block(&self, now: Now) -> Option<&'static str> {
        if self.ends_soon {
            return Some("an update is about to be installed; it is opened after that");
        }
        if self.catches_up(now) {
            return Some("this program stood still; what came meanwhile is read first");
        }
        let orders = &self.durable.intents;
        let mut unheard = self.unheard.iter();
        let waits = now.mono < self.unheard_until && unheard.any(|cid| orders.contains_key(cid));
        waits.then_some("orders without outcome are looked for at the terminal first")
    }
}

impl Turn<'_> {
    pub(super) fn hear_of_orders_first(&mut self) {
        let orders = self.durable().intents.values();
        let here = orders.filter(|entry| self.is_here(entry));
        self.state.unheard = here.map(|entry| entry.intent.cid).collect();
        self.state.unheard_until = self.now.mono + HEARD_WITHIN;
    }

    /// Nobody knows whether it happened: no new risk for its strategy until it is known, and the trader sees why.
    pub(super) fn doubt(&mut self, cid: Cid, reason: String) {
        if let Some(entry) = self.durable().intents.get(&cid) {
            let action = &entry.intent.action;
            let text = format!("{action} has no certain outcome: {reason}.");
            let remedy = self.state.doubt_remedy(action);
            self.notice(&doubt_key(cid), Severity::Warning, &text, remedy);
        }
        self.record(Record::IntentUnknown {
            cid,
            reason,
            at: self.now.utc,
        });
    }

    /// What the search for an order brought to light.
    pub(super) fn found(&mut self, cid: Cid, found: Found) {
        self.state.unheard.remove(&cid);
        let Some(entry) = self.durable().intents.get(&cid).cloned() else {
            return;
        };
        match found {
            Found::Executed(fill) => self.order_ended(entry, OrderEnd::Done(fill)),
            Found::Absent | Found::NotYet { .. }
                if let Some(ticket) = self.shown_done(&entry.intent.action) =>
            {
                self.order_ended(entry, OrderEnd::Done(Fill::without_deal(ticket)));
            }
            // A change leaves nothing that could be found: it may have been executed, and the position closed or changed since.
            Found::Absent
                if matches!(entry.intent.action, IntentAction::Modify { .. })
                    && entry.progress == Progress::Unknown =>
            {
                let reason = "the terminal's answer was lost, and the position does not show the change now; it may have been closed or changed again since".to_owned();
                self.order_ended(entry, OrderEnd::GivenUp(reason));
            }
            Found::Absent => {
                let reason = "the terminal shows that it was not executed".to_owned();
                self.order_ended(entry, OrderEnd::NotExecuted(reason));
            }
            Found::NotYet { .. } => {
                self.state.looked_at.insert(cid, self.now.mono);
                if entry.intent.action.leaves_no_deal() {
                    self.ask_for_book();
                }
            }
        }
    }

    /// The ticket of a change or a cancellation that the book of this moment shows as done. Neither leaves a deal that
    /// could be found, so this is where its outcome is seen.
    fn shown_done(&self, action: &IntentAction) -> Option<Ticket> {
        let book = self.state.fresh_book()?;
        let (ticket, done) = match action {
            IntentAction::Modify {
                ticket,
                stop_loss,
                take_profit,
            } => {
                let is_so = book.positions.iter().any(|position| {
                    position.ticket == *ticket
                        && stop_loss.is_met_by(position.stop_loss)
                        && take_profit.is_met_by(position.take_profit)
                });
                (*ticket, is_so)
            }
            IntentAction::Cancel { ticket } => {
                let works = book.orders.iter().any(|order| order.ticket == *ticket);
                // An order that filled has become a position of its own number.
                let filled = |position: &Position| position.ticket == *ticket;
                (*ticket, !works && !book.positions.iter().any(filled))
            }
            IntentAction::Open { .. } | IntentAction::Close { .. } => return None,
        };
        done.then_some(ticket)
    }
}
