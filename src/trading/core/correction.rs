//! Orders that were said not to be executed and were, after all: a broker may carry one out minutes after everything showed
//! it absent. What was said is taken back, where it can be seen.

use serde_json::json;

use super::durable::{Durable, IntentEntry, Purpose};
use super::effect::LogLevel;
use super::handle::details;
use super::record::Record;
use super::snapshot::{CommandState, Severity};
use super::step::Turn;
use crate::market::{Cid, Deal, DealEntry, DealReason, Fill, IntentAction};

/// Orders that are remembered after they ended without a deal.
const MOST: usize = 200;

impl Durable {
    pub(super) fn deny(&mut self, entry: IntentEntry) {
        self.denied.insert(entry.intent.cid, entry);
        if self.denied.len() > MOST {
            let oldest = self.denied.values().min_by_key(|entry| entry.made_at);
            if let Some(cid) = oldest.map(|entry| entry.intent.cid) {
                self.denied.remove(&cid);
            }
        }
    }
}

impl Turn<'_> {
    pub(super) fn correct_by_deal(&mut self, deal: &Deal) {
        let Some(entry) = self.durable().denied.get(&Cid(deal.magic)) else {
            return;
        };
        if !entry.intent.action.may_be_of(&deal.symbol, Some(deal.side)) {
            return;
        }
        // The stop of a position tells the position's id. Where positions are netted, an opening may meet somebody else's.
        let is_its_own = match entry.intent.action {
            IntentAction::Open { .. } => {
                deal.entry == DealEntry::In || deal.reason == DealReason::Order
            }
            IntentAction::Close { .. } => deal.entry == DealEntry::Out,
            IntentAction::Modify { .. } | IntentAction::Cancel { .. } => false,
        };
        if is_its_own {
            let fill = Fill {
                ticket: deal.position,
                deal: Some(deal.ticket),
                volume: deal.volume,
                price: deal.price,
                profit: deal.profit,
            };
            self.correct(&entry.clone(), &fill);
        }
    }

    /// The list of positions may be sooner than the deals.
    pub(super) fn correct_by_book(&mut self) {
        let denied = &self.durable().denied;
        let shown: Vec<(IntentEntry, Fill)> = self
            .state
            .own_positions()
            .filter_map(|position| {
                let entry = denied.get(&Cid(position.magic))?;
                let side = (!self.state.nets()).then_some(position.side);
                if !entry.intent.action.may_be_of(&position.symbol, side) {
                    return None;
                }
                let fill = Fill {
                    volume: position.volume,
                    price: position.open_price,
                    ..Fill::without_deal(position.ticket)
                };
                Some((entry.clone(), fill))
            })
            .collect();
        for (entry, fill) in shown {
            self.correct(&entry, &fill);
        }
    }

    fn correct(&mut self, entry: &IntentEntry, fill: &Fill) {
        let cid = entry.intent.cid;
        let said = format!(
            "{} was said not to be executed and was carried out late: {} lots at {}, position {}",
            entry.intent.action, fill.volume, fill.price, fill.ticket
        );
        self.log(LogLevel::Error, "terminal", format!("Correction: {said}."));
        self.notice(
            &format!("late:{cid}"),
            Severity::Error,
            &format!("Correction: {said}."),
            "It counts like any other of this program's. If you do not want it, close it on the Positions page.",
        );
        self.expect_stop(entry);
        self.record(Record::IntentDone {
            cid,
            fill: fill.clone(),
            at: self.now.utc,
        });
        self.ask_for_book();
        match &entry.purpose {
            Purpose::Command { id } => {
                let details = details(&[
                    ("ticket", json!(fill.ticket.0)),
                    ("volume", json!(fill.volume.to_string())),
                    ("price", json!(fill.price.to_string())),
                ]);
                self.amend(id, CommandState::Executed, &said, details);
            }
            Purpose::Entry { strategy } => self.decided(strategy, said),
            Purpose::Exit { .. }
            | Purpose::Stop { .. }
            | Purpose::Closing { .. }
            | Purpose::Emergency => {}
        }
    }
}
