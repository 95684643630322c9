//! Positions of strategies whose exits nobody here carries out. Stop and target stay at the broker; following stops,
//! parts and times do not happen by themselves, and the trader must know.

use std::collections::BTreeSet;

use super::effect::LogLevel;
use super::snapshot::Severity;
use super::step::Turn;
use crate::market::{Cid, Position};

const NOTICE: &str = "unmanaged";

impl Turn<'_> {
    /// Says which positions are without care, each once in the log, as long as they are open in the window.
    pub fn tell_unmanaged(&mut self) {
        if self.state.fresh_book().is_none() {
            return;
        }
        let found: Vec<(u64, String)> = self
            .state
            .own_positions()
            .filter_map(|position| {
                let why = self.why_unmanaged(position)?;
                let words = format!(
                    "{} {} {} {}: {why}",
                    position.ticket,
                    position.side.name(),
                    position.volume,
                    position.symbol
                );
                Some((position.ticket.0, words))
            })
            .collect();
        let tickets: BTreeSet<u64> = found.iter().map(|(ticket, _)| *ticket).collect();
        if tickets == self.state.unmanaged {
            return;
        }
        for (ticket, words) in &found {
            if !self.state.unmanaged.contains(ticket) {
                let text =
                    format!("Position {words}. Only its stop and target at the broker work.");
                self.log(LogLevel::Error, "strategy", text);
            }
        }
        self.state.unmanaged = tickets;
        if found.is_empty() {
            self.drop_notice(NOTICE);
            return;
        }
        let words: Vec<String> = found.into_iter().map(|(_, words)| words).collect();
        self.notice(
            NOTICE,
            Severity::Error,
            &format!(
                "Open positions whose exits are not carried out here, but for stop and target at the broker: {}.",
                words.join("; ")
            ),
            "Watch them yourself, or close them on the Positions page.",
        );
    }

    fn why_unmanaged(&self, position: &Position) -> Option<String> {
        let cid = Cid(position.magic);
        // Opened by a command, it has no exits but those at the broker; and the answer to the order that opens it may
        // still be on its way.
        if cid.strategy() == 0 || self.durable().intents.contains_key(&cid) {
            return None;
        }
        let Some(strategy) = self.durable().strategy_by_number(cid.strategy()) else {
            return Some("its strategy is not known here (was the journal lost?)".to_owned());
        };
        let former = self.durable().former_of(&strategy.id, cid);
        let former = former.map(super::rules::FormerRules::key);
        let Some(runtime) = self.state.exits_of(&strategy.id, former.as_ref()) else {
            return Some(format!(
                "the rules of \"{}\" cannot be read now",
                strategy.name
            ));
        };
        let known = self.durable().openings.contains_key(&cid);
        (!known && runtime.plan.exits().need_care()).then(|| {
            format!(
                "how \"{}\" opened it is not known here (was the journal lost?)",
                strategy.name
            )
        })
    }
}
