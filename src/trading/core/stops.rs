//! The stop of a position that was just opened. Some brokers fill an order and leave out its stop: it is compared with
//! the terminal's list, set again, and where that cannot be done the position is closed. A stop that cannot be placed
//! means no entry.

use rust_decimal::Decimal;
use serde_json::json;

use super::durable::{IntentEntry, Purpose};
use super::effect::LogLevel;
use super::handle::details;
use super::orders::OrderEnd;
use super::record::Record;
use super::snapshot::{CommandState, Severity};
use super::step::Turn;
use crate::market::{Cid, IntentAction, LevelChange, Position, RefusalClass};

/// Attempts to set one.
const MOST_TRIES: u32 = 3;

/// How far the setting of a stop that was left out has come.
#[derive(Debug, Default)]
pub(super) struct StopTry {
    tries: u32,
    /// Why it could not be set.
    error: String,
}

/// The levels that an opening asked for, if it asked for a stop.
const fn asked_for(entry: &IntentEntry) -> Option<(Decimal, Option<Decimal>)> {
    match entry.intent.action {
        IntentAction::Open {
            stop_loss: Some(stop),
            take_profit,
            ..
        } => Some((stop, take_profit)),
        _ => None,
    }
}

fn notice_key(cid: Cid) -> String {
    format!("stop:{cid}")
}

impl Turn<'_> {
    /// An opening is done: from now on its stop is looked for, over a restart too.
    pub(super) fn expect_stop(&mut self, entry: &IntentEntry) {
        if asked_for(entry).is_some() {
            let cid = entry.intent.cid;
            let at = self.now.utc;
            self.record(Record::StopDue { cid, at });
        }
    }

    pub(super) fn progress_stops(&mut self) {
        let entries = self.durable().unproven.values();
        let due: Vec<IntentEntry> = entries.filter(|one| self.is_here(one)).cloned().collect();
        for entry in due {
            if self.state.fresh_book().is_none() {
                return;
            }
            // Of a net position that somebody else opened, our part tells the order that it began with.
            let mut positions = self.state.own_positions();
            let position = positions
                .find(|one| one.magic == entry.intent.cid.0)
                .cloned();
            drop(positions);
            match position {
                // Its stop is known when a list shows it.
                Some(position) if self.state.is_unshown(position.ticket) => {}
                Some(position) => self.look_at_stop(&entry, &position),
                // Closed already.
                None => self.settle_stop(entry.intent.cid),
            }
        }
    }

    fn look_at_stop(&mut self, entry: &IntentEntry, position: &Position) {
        let cid = entry.intent.cid;
        let Some((stop, target)) = asked_for(entry) else {
            return self.settle_stop(cid);
        };
        let tried = self.state.stop_tries.get(&cid);
        let tries = tried.map_or(0, |tried| tried.tries);
        let what = format!("{}, position {}", entry.intent.action, position.ticket);
        if let Some(stands) = position.stop_loss {
            if tries > 0 {
                let text = format!(
                    "{what}: the broker left out its stop loss; it was set again at {stands}"
                );
                self.tell_stop((entry, position), CommandState::Executed, &text);
                self.drop_notice(&notice_key(cid));
            } else if stands != stop {
                let text =
                    format!("{what}: its stop loss stands at {stands}, not at {stop} as ordered.");
                self.log(LogLevel::Warning, "terminal", text);
            }
            return self.settle_stop(cid);
        }
        // It is being changed or closed, or the emergency stop closes it.
        if self.position_has_order(position.ticket) || self.durable().stop.is_some() {
            return;
        }
        if tries >= MOST_TRIES {
            let error = tried.map_or("", |tried| &tried.error);
            let text = format!(
                "{what}: the broker left out its stop loss at {stop} and it cannot be set ({error}); the position is being closed"
            );
            self.tell_stop((entry, position), CommandState::Failed, &text);
            let remedy = "See on the Positions page that it is closed. Orders of this symbol will end so again: ask the broker whether it takes a stop with the order.";
            let text = format!("{text}.");
            self.notice(&notice_key(cid), Severity::Error, &text, remedy);
            self.settle_stop(cid);
            return self.close_by_hand(position.ticket);
        }
        if tries == 0 {
            let text =
                format!("{what}: the broker left out its stop loss; it is being set at {stop}.");
            self.log(LogLevel::Error, "terminal", text.clone());
            let remedy = "Nothing to do: where it cannot be set, the position is closed.";
            self.notice(&notice_key(cid), Severity::Error, &text, remedy);
        }
        self.state.stop_tries.entry(cid).or_default().tries += 1;
        let levels = IntentAction::Modify {
            ticket: position.ticket,
            stop_loss: LevelChange::At(stop),
            take_profit: match target {
                Some(target) if position.take_profit.is_none() => LevelChange::At(target),
                _ => LevelChange::Keep,
            },
        };
        self.submit(levels, Purpose::Stop { opening: cid });
    }

    /// An attempt to set it ended. Whether it stands is seen in the list; only a price that moved is a reason to try again
    /// what was refused.
    pub(super) fn stop_set(&mut self, opening: Cid, end: &OrderEnd) {
        let (again, error) = match end {
            OrderEnd::Done(_) => (true, "the terminal said that it was set"),
            OrderEnd::Refused(refusal) => (
                matches!(
                    refusal.class,
                    RefusalClass::PriceMoved | RefusalClass::AlreadySo
                ),
                refusal.message.as_str(),
            ),
            OrderEnd::NotExecuted(words)
            | OrderEnd::GivenUp(words)
            | OrderEnd::Astray { words, .. } => (false, words.as_str()),
        };
        let tried = self.state.stop_tries.entry(opening).or_default();
        error.clone_into(&mut tried.error);
        if !again {
            tried.tries = MOST_TRIES;
        }
    }

    fn tell_stop(
        &mut self,
        (entry, position): (&IntentEntry, &Position),
        state: CommandState,
        text: &str,
    ) {
        let level = if state == CommandState::Executed {
            LogLevel::Warning
        } else {
            LogLevel::Error
        };
        self.log(level, "terminal", format!("{text}."));
        match &entry.purpose {
            Purpose::Command { id } => {
                let details = details(&[
                    ("ticket", json!(position.ticket.0)),
                    ("volume", json!(position.volume.to_string())),
                    ("price", json!(position.open_price.to_string())),
                ]);
                self.amend(id, state, text, details);
            }
            Purpose::Entry { strategy } => self.decided(strategy, text.to_owned()),
            Purpose::Exit { .. }
            | Purpose::Stop { .. }
            | Purpose::Closing { .. }
            | Purpose::Emergency => {}
        }
    }

    fn settle_stop(&mut self, cid: Cid) {
        self.state.stop_tries.remove(&cid);
        let at = self.now.utc;
        self.record(Record::StopSettled { cid, at });
    }
}
