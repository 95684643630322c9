//! Which positions a closing command means: chosen once, then closed, each verified and retried.

use std::collections::BTreeSet;

use serde_json::json;

use super::closing::{Sweep, Target};
use super::command::Command;
use super::durable::{OpenCommand, Purpose};
use super::handle::{Verdict, details, strategy_of, ticket_of};
use super::record::Record;
use super::snapshot::Source;
use super::step::Turn;
use crate::market::{Cid, IntentAction, Position};

impl Turn<'_> {
    pub fn close_profitable(&mut self, open: &OpenCommand) -> Verdict {
        match open.command.decimal(&["minProfit"]) {
            Ok(least) => {
                let least = least.unwrap_or_default();
                if let Some(wait) = self.wait_for_profits(open) {
                    return wait;
                }
                self.close_chosen(open, |position| position.profit > least, |_| true)
            }
            Err(error) => Verdict::failed(error.to_string()),
        }
    }

    /// Profits move with every tick, so who chooses by them asks for a list of positions of this moment first.
    fn wait_for_profits(&mut self, open: &OpenCommand) -> Option<Verdict> {
        let id = &open.command.id;
        if open.tickets.is_some() {
            self.state.profits_asked.remove(id);
            return None;
        }
        if self.state.terminal.up && self.state.has_unshown() {
            return Some(Verdict::Wait {
                reason: "the terminal's list is late: what a position is worth is not known yet"
                    .to_owned(),
            });
        }
        let first = self.state.terminal.up && self.state.profits_asked.insert(id.clone());
        first.then(|| {
            self.ask_for_book();
            Verdict::Wait {
                reason: "asking the terminal for the profits of this moment".to_owned(),
            }
        })
    }

    pub fn close_losing(&mut self, open: &OpenCommand) -> Verdict {
        match open.command.decimal(&["maxLoss"]) {
            Ok(most) => {
                let bound = -most.unwrap_or_default().abs();
                if let Some(wait) = self.wait_for_profits(open) {
                    return wait;
                }
                self.close_chosen(open, |position| position.profit < bound, |_| true)
            }
            Err(error) => Verdict::failed(error.to_string()),
        }
    }

    pub fn close_by_strategy(&mut self, open: &OpenCommand) -> Verdict {
        let id = match open.command.text("strategyId") {
            Ok(id) => id,
            Err(error) => return Verdict::failed(error.to_string()),
        };
        let Some(number) = self
            .durable()
            .strategies
            .get(id)
            .map(|strategy| strategy.number)
        else {
            return Verdict::done(format!(
                "strategy {id} never ran here, so it has no positions"
            ));
        };
        self.close_matching(open, |position| strategy_of(position) == number)
    }

    pub fn close_by_symbol(&mut self, open: &OpenCommand) -> Verdict {
        match open.command.text("symbol") {
            Ok(symbol) => {
                let symbol = symbol.to_owned();
                let own = self.state.own_positions();
                let broker: BTreeSet<String> = own
                    .map(|position| position.symbol.clone())
                    .filter(|broker| self.state.is_symbol(&symbol, broker))
                    .collect();
                let held = self.state.held_elsewhere();
                let elsewhere: BTreeSet<String> = held
                    .map(|(_, position)| position.symbol.clone())
                    .filter(|broker| self.state.may_be_symbol(&symbol, broker))
                    .collect();
                self.close_chosen(
                    open,
                    |position| broker.contains(&position.symbol),
                    |position| elsewhere.contains(&position.symbol),
                )
            }
            Err(error) => Verdict::failed(error.to_string()),
        }
    }

    /// Chooses own positions once, then closes them, each verified and retried.
    pub fn close_matching(
        &mut self,
        open: &OpenCommand,
        wanted: impl Fn(&Position) -> bool,
    ) -> Verdict {
        self.close_chosen(open, &wanted, &wanted)
    }

    /// `elsewhere` chooses among those of other accounts, of which less is known; they are looked at by `wanted` when the
    /// terminal is back there.
    fn close_chosen(
        &mut self,
        open: &OpenCommand,
        wanted: impl Fn(&Position) -> bool,
        elsewhere: impl Fn(&Position) -> bool,
    ) -> Verdict {
        let id = open.command.id.clone();
        let mut awaited = self.openings_on_their_way(&open.command);
        // What it was waiting for when the account was forgotten is told, not left out.
        let meant = |account, position: &Position| {
            elsewhere(position)
                && (open.awaited.contains(&Cid(position.magic))
                    || !self.state.is_forgotten(account))
        };
        let held = self.state.held_elsewhere();
        let held = held.filter(|(account, position)| meant(account, position));
        let held = held.map(|(_, position)| Cid(position.magic));
        awaited.extend(held.filter(|cid| !self.was_given_later(*cid, &open.command)));
        let awaits_nothing = !open.awaited.iter().any(|cid| awaited.contains(cid));
        let plan = match &open.tickets {
            None => Some((Vec::new(), awaited)),
            // The orders that were on their way have ended: what became positions is closed too.
            Some(known) if !open.awaited.is_empty() && awaits_nothing => {
                Some((known.clone(), Vec::new()))
            }
            Some(_) => None,
        };
        match (plan, self.state.fresh_book()) {
            (None, _) => {}
            (Some(_), None) if open.tickets.is_none() => {
                return Verdict::Wait {
                    reason: if self.state.terminal.up {
                        "waiting for the terminal's list of positions".to_owned()
                    } else {
                        "waiting for the terminal".to_owned()
                    },
                };
            }
            (Some(_), None) => {}
            (Some((mut tickets, awaited)), Some(_)) => {
                let first = open.tickets.is_none();
                let late = |position: &Position| open.awaited.contains(&Cid(position.magic));
                let chosen = self
                    .state
                    .own_positions()
                    .filter(|position| first || late(position))
                    .filter(|position| wanted(position))
                    .filter(|position| !self.was_given_later(Cid(position.magic), &open.command))
                    .map(|position| position.ticket);
                tickets.extend(chosen);
                if tickets.is_empty() && awaited.is_empty() {
                    let left = self.state.forgotten(&elsewhere);
                    let left: String = left.iter().map(|line| format!("; {line}")).collect();
                    return Verdict::done(format!(
                        "nothing to close: no own position matches{left}"
                    ));
                }
                self.record(Record::ClosingPlanned {
                    id: id.clone(),
                    tickets,
                    awaited,
                });
            }
        }
        let awaits = |open: &OpenCommand| !open.awaited.is_empty();
        match self.continue_closing(&id) {
            Verdict::Done { .. } if self.durable().open.get(&id).is_some_and(awaits) => {
                Verdict::Busy {
                    what: "waiting for the outcome of an order that was on its way".to_owned(),
                }
            }
            verdict => verdict,
        }
    }

    fn openings_on_their_way(&self, command: &Command) -> Vec<Cid> {
        let entries = self.durable().intents.values();
        entries
            .filter(|entry| matches!(entry.intent.action, IntentAction::Open { .. }))
            .map(|entry| entry.intent.cid)
            .filter(|cid| !self.was_given_later(*cid, command))
            .collect()
    }

    /// Whether the platform gave the order behind an own position, or activated its strategy, after this command: one that
    /// comes in late closes only what was there for it to close.
    fn was_given_later(&self, cid: Cid, command: &Command) -> bool {
        let given = self.durable().given.get(&cid).and_then(|given| given.at);
        let told = command
            .told_at()
            .filter(|_| command.source != Source::Local);
        given.zip(told).is_some_and(|(given, told)| given > told)
    }

    pub fn continue_closing(&mut self, id: &str) -> Verdict {
        let Some(tickets) = self
            .durable()
            .open
            .get(id)
            .and_then(|open| open.tickets.clone())
        else {
            return Verdict::failed("nothing was chosen to close");
        };
        let targets: Vec<Target> = tickets.into_iter().map(Target::Position).collect();
        let verdict = self.advance_closing(id, &targets);
        self.and_elsewhere(id, verdict)
    }

    /// What is open on another account is neither closed nor given up before the command's time is over.
    fn and_elsewhere(&self, id: &str, verdict: Verdict) -> Verdict {
        let Some(open) = self.durable().open.get(id) else {
            return verdict;
        };
        let away = self.closes_elsewhere(open);
        let Some(words) = away.words() else {
            return verdict;
        };
        let mut chosen = open.tickets.iter().flatten();
        let at_work = chosen.any(|ticket| self.state.own_position(*ticket).is_some())
            || self.has_orders(&Purpose::Closing { id: id.to_owned() });
        match verdict {
            Verdict::Failed { message, details } => Verdict::Failed {
                message: format!("{message}; {words}"),
                details,
            },
            Verdict::Done { .. } | Verdict::Busy { .. }
                if !at_work && self.is_over(&open.command, &away) =>
            {
                let sweep = self.state.closings.get(id);
                let closed = sweep.map(Sweep::closed).unwrap_or_default();
                let done = sweep.filter(|_| !closed.is_empty()).map_or_else(
                    || "nothing was closed".to_owned(),
                    |sweep| format!("{}: {}", sweep.headline(), closed.join("; ")),
                );
                Verdict::Failed {
                    message: format!("{done}; still open: {words}"),
                    details: details(&[
                        ("closed", json!(closed)),
                        ("open", json!(away.lines)),
                        ("tickets", json!(away.tickets)),
                    ]),
                }
            }
            Verdict::Busy { what } if at_work => Verdict::Busy {
                what: format!("{what}; {words}"),
            },
            Verdict::Done { .. } | Verdict::Busy { .. } | Verdict::Wait { .. } => Verdict::Busy {
                what: format!("waiting: {words}"),
            },
        }
    }

    /// A command that names a ticket and the symbol of another position is not obeyed on a guess (contract C20).
    pub fn names_another_symbol(&self, command: &Command, position: &Position) -> Option<String> {
        let named = command.text("symbol").ok()?;
        let found = self.state.symbol(named).ok()?;
        (found.name != position.symbol).then(|| {
            format!(
                "the command names {named}, and position {} is {}",
                position.ticket, position.symbol
            )
        })
    }

    pub fn close_position(&mut self, open: &OpenCommand) -> Verdict {
        if open.tickets.is_none() {
            let ticket = match ticket_of(&open.command) {
                Ok(ticket) => ticket,
                Err(error) => return Verdict::failed(error),
            };
            let Some(book) = self.state.fresh_book() else {
                return Verdict::Wait {
                    reason: "waiting for the terminal".to_owned(),
                };
            };
            let ticket = book.known_as(ticket);
            if let Some(wait) = self.wait_for_account(&open.command, ticket) {
                return wait;
            }
            let Some(position) = book
                .positions
                .iter()
                .find(|position| position.ticket == ticket)
            else {
                return Verdict::done(format!("position {ticket} is not open (any more)"));
            };
            let own = self.state.own_position(ticket);
            let Some(own) = own else {
                return Verdict::failed(if self.state.nets() {
                    format!(
                        "nothing of position {ticket} is this program's; it is left alone: close it in MetaTrader"
                    )
                } else {
                    format!(
                        "position {ticket} was not opened by this program; close it in MetaTrader"
                    )
                });
            };
            let ours = own.volume;
            if let Some(contradiction) = self.names_another_symbol(&open.command, position) {
                return Verdict::failed(format!("{contradiction}; nothing was closed"));
            }
            match open.command.decimal(&["volume", "lots", "lotSize"]) {
                Ok(Some(part)) if part < ours => {
                    return Verdict::failed(format!(
                        "closing a part ({part} of {ours} lots) is not supported; nothing was closed"
                    ));
                }
                Ok(_) => {}
                Err(error) => return Verdict::failed(error.to_string()),
            }
            self.record(Record::ClosingPlanned {
                id: open.command.id.clone(),
                tickets: vec![ticket],
                awaited: Vec::new(),
            });
        }
        self.continue_closing(&open.command.id)
    }
}
