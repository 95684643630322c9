//! One handler a command name: a real effect on the terminal, or a refusal that names what is missing.
//!
//! Handlers are asked again after every event until they give a final verdict, so each looks at the state and never
//! at what it did before.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::closing::Target;
use super::command::{Command, CommandName};
use super::durable::OpenCommand;
use super::record::Record;
use super::snapshot::{CommandState, Source, StrategyState};
use super::step::Turn;
use crate::market::{Cid, IntentAction, Position, Ticket};

pub(super) enum Verdict {
    Done {
        message: String,
        details: Map<String, Value>,
    },
    Failed {
        message: String,
        details: Map<String, Value>,
    },
    /// Something it needs is away.
    Wait { reason: String },
    /// Under way at the terminal.
    Busy { what: String },
}

impl Verdict {
    pub fn done(message: impl Into<String>) -> Self {
        Self::Done {
            message: message.into(),
            details: Map::new(),
        }
    }

    pub fn failed(message: impl Into<String>) -> Self {
        Self::Failed {
            message: message.into(),
            details: Map::new(),
        }
    }
}

impl Turn<'_> {
    pub fn handle(&mut self, open: &OpenCommand, name: CommandName) -> Verdict {
        let command = &open.command;
        if let Some(known) = name.arguments()
            && let Err(error) = command.only(known)
        {
            return Verdict::failed(format!("{error} Nothing was done."));
        }
        match name {
            CommandName::StartStrategy => self.start_strategy(open),
            CommandName::UpdateStrategy | CommandName::UpdateParameters => {
                self.update_strategy(open)
            }
            CommandName::StopStrategy => self.stop_strategy(open),
            CommandName::PauseStrategy => self.pause_strategy(command),
            CommandName::ResumeStrategy => self.resume_strategy(command),
            CommandName::Pause => {
                self.pause("paused by the platform");
                Verdict::done("trading is paused: no new positions; exits stay managed")
            }
            CommandName::Resume => self.resume(),
            CommandName::StopAll => self.stop_all(command),
            CommandName::EmergencyStop => self.emergency_command(open),
            CommandName::CloseAllPositions => self.close_matching(open, |_| true),
            CommandName::CloseProfitable => self.close_profitable(open),
            CommandName::CloseLosing => self.close_losing(open),
            CommandName::CloseByStrategy => self.close_by_strategy(open),
            CommandName::CloseBySymbol => self.close_by_symbol(open),
            CommandName::ClosePosition => self.close_position(open),
            CommandName::OpenPosition => self.open_position(open),
            CommandName::ModifyPosition => self.modify_position(open),
            CommandName::GetStatus => self.get_status(),
            CommandName::Restart => {
                self.restart_loops();
                Verdict::done(
                    "the executor's connections are being restarted; strategies and journal stay",
                )
            }
        }
    }

    fn stop_all(&mut self, command: &Command) -> Verdict {
        let told = command
            .told_at()
            .filter(|_| command.source != Source::Local);
        let mut running = self.strategies_in(&[StrategyState::Running, StrategyState::Paused]);
        // Those that were activated after it are not meant.
        running.retain(|id| {
            let given = self
                .durable()
                .strategies
                .get(id)
                .and_then(|one| one.given_at);
            given.zip(told).is_none_or(|(given, told)| given <= told)
        });
        for id in &running {
            self.record(Record::StrategyMoved {
                id: id.clone(),
                state: StrategyState::Stopped,
                reason: "stopped by STOP_ALL".to_owned(),
                at: self.now.utc,
            });
        }
        let kept = self.state.own_positions().count();
        let bare: Vec<String> = self
            .state
            .own_positions()
            .filter(|position| position.stop_loss.is_none())
            .map(|position| position.ticket.to_string())
            .collect();
        let protection = match (kept, bare.is_empty()) {
            (0, _) => String::new(),
            (_, true) => ", each with its stop loss in place".to_owned(),
            (_, false) => format!("; without a stop loss: {}", bare.join(", ")),
        };
        Verdict::Done {
            message: format!(
                "{} stopped; {} kept{protection}",
                count(running.len(), "strategy", "strategies"),
                count(kept, "position", "positions"),
            ),
            details: details(&[("stopped", json!(running))]),
        }
    }

    pub fn strategies_in(&self, states: &[StrategyState]) -> Vec<String> {
        self.durable()
            .strategies
            .values()
            .filter(|strategy| states.contains(&strategy.state))
            .map(|strategy| strategy.id.clone())
            .collect()
    }

    pub fn pause(&mut self, reason: &str) {
        if self.durable().pause.is_none() {
            self.set_pause(reason, false);
        }
    }

    /// A pause that only a person at this machine ends.
    pub fn pause_until_resumed_here(&mut self, reason: &str) {
        if !self
            .durable()
            .pause
            .as_ref()
            .is_some_and(|pause| pause.by_hand_only)
        {
            self.set_pause(reason, true);
        }
    }

    fn set_pause(&mut self, reason: &str, by_hand_only: bool) {
        self.record(Record::Paused {
            reason: reason.to_owned(),
            by_hand_only,
            at: self.now.utc,
        });
        self.log(
            super::LogLevel::Warning,
            "engine",
            format!("Trading {reason}: no new positions."),
        );
    }

    pub fn unpause(&mut self, reason: &str) {
        if self.durable().pause.is_some() {
            self.record(Record::Unpaused { at: self.now.utc });
            self.log(
                super::LogLevel::Info,
                "engine",
                format!("Trading {reason}."),
            );
        }
    }

    fn resume(&mut self) -> Verdict {
        if self.durable().stop.is_some() {
            if !self.state.config.resume_lifts_stop {
                return Verdict::failed(
                    "the emergency stop is on; it can be lifted only at the executor's own window (Settings can allow RESUME to lift it)",
                );
            }
            self.lift_stop("lifted by RESUME");
        }
        if let Some(pause) = self
            .durable()
            .pause
            .as_ref()
            .filter(|pause| pause.by_hand_only)
        {
            return Verdict::failed(format!(
                "trading stays off ({}); only a person at the executor can resume it",
                pause.reason
            ));
        }
        self.unpause("resumed by the platform");
        Verdict::done("trading is on")
    }

    fn get_status(&self) -> Verdict {
        let strategies: Vec<Value> = self
            .durable()
            .strategies
            .values()
            .take(20)
            .map(|strategy| json!({ "id": strategy.id, "symbol": strategy.symbol, "timeframe": strategy.timeframe, "state": strategy.state }))
            .collect();
        let account = self.state.terminal.account.as_ref();
        let trading = self
            .state
            .entry_block(self.now)
            .map_or_else(|| "on".to_owned(), |reason| format!("off: {reason}"));
        let own = self.state.own_positions().count();
        let message = format!(
            "trading {trading}; terminal {}; {}; {} open",
            if self.state.terminal.up {
                "connected"
            } else {
                "away"
            },
            count(
                self.strategies_in(&[StrategyState::Running]).len(),
                "strategy running",
                "strategies running"
            ),
            count(own, "position", "positions"),
        );
        Verdict::Done {
            message,
            details: details(&[
                ("version", json!(env!("CARGO_PKG_VERSION"))),
                ("trading", json!(trading)),
                ("terminalConnected", json!(self.state.terminal.up)),
                (
                    "balance",
                    json!(account.map(|account| account.balance.to_string())),
                ),
                (
                    "equity",
                    json!(account.map(|account| account.equity.to_string())),
                ),
                ("openPositions", json!(own)),
                ("unreported", json!(self.durable().reports.len())),
                ("strategies", Value::Array(strategies)),
            ]),
        }
    }

    fn close_profitable(&mut self, open: &OpenCommand) -> Verdict {
        match open.command.decimal(&["minProfit"]) {
            Ok(least) => {
                let least = least.unwrap_or_default();
                if let Some(wait) = self.wait_for_profits(open) {
                    return wait;
                }
                self.close_matching(open, |position| position.profit > least)
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
        let first = self.state.terminal.up && self.state.profits_asked.insert(id.clone());
        first.then(|| {
            self.ask_for_book();
            Verdict::Wait {
                reason: "asking the terminal for the profits of this moment".to_owned(),
            }
        })
    }

    fn close_losing(&mut self, open: &OpenCommand) -> Verdict {
        match open.command.decimal(&["maxLoss"]) {
            Ok(most) => {
                let bound = -most.unwrap_or_default().abs();
                if let Some(wait) = self.wait_for_profits(open) {
                    return wait;
                }
                self.close_matching(open, |position| position.profit < bound)
            }
            Err(error) => Verdict::failed(error.to_string()),
        }
    }

    fn close_by_strategy(&mut self, open: &OpenCommand) -> Verdict {
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

    fn close_by_symbol(&mut self, open: &OpenCommand) -> Verdict {
        match open.command.text("symbol") {
            Ok(symbol) => {
                let symbol = symbol.to_owned();
                let broker: BTreeSet<String> = self
                    .state
                    .own_positions()
                    .map(|position| position.symbol.clone())
                    .filter(|broker| self.state.is_symbol(&symbol, broker))
                    .collect();
                self.close_matching(open, |position| broker.contains(&position.symbol))
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
        let id = open.command.id.clone();
        let awaited = self.openings_on_their_way(&open.command);
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
            (Some((mut tickets, awaited)), Some(book)) => {
                let first = open.tickets.is_none();
                let late = |position: &Position| open.awaited.contains(&Cid(position.magic));
                let chosen = book
                    .positions
                    .iter()
                    .filter(|position| position.is_own() && (first || late(position)))
                    .filter(|position| wanted(position))
                    .filter(|position| !self.was_given_later(Cid(position.magic), &open.command))
                    .map(|position| position.ticket);
                tickets.extend(chosen);
                if tickets.is_empty() && awaited.is_empty() {
                    return Verdict::done("nothing to close: no own position matches");
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
        self.advance_closing(id, &targets)
    }

    fn close_position(&mut self, open: &OpenCommand) -> Verdict {
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
            let Some(position) = book
                .positions
                .iter()
                .find(|position| position.ticket == ticket)
            else {
                return Verdict::done(format!("position {ticket} is not open (any more)"));
            };
            let asked_here = open.command.source == super::snapshot::Source::Local;
            if !position.is_own() && !asked_here {
                return Verdict::failed(format!(
                    "position {ticket} was not opened by this executor; it is left alone"
                ));
            }
            match open.command.decimal(&["volume", "lots", "lotSize"]) {
                Ok(Some(part)) if part < position.volume => {
                    return Verdict::failed(format!(
                        "closing a part ({part} of {} lots) is not supported; nothing was closed",
                        position.volume
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

pub(super) fn ticket_of(command: &Command) -> Result<Ticket, String> {
    let number = command
        .decimal(&["ticket", "positionId", "position"])
        .map_err(|error| error.to_string())?
        .ok_or("\"ticket\" is missing")?;
    number
        .is_integer()
        .then(|| u64::try_from(number).ok())
        .flatten()
        .map(Ticket)
        .ok_or_else(|| format!("\"ticket\" is not a ticket number: {number}"))
}

pub(super) fn strategy_of(position: &Position) -> u16 {
    crate::market::Cid(position.magic).strategy()
}

pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

pub(super) fn details(pairs: &[(&str, Value)]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

/// Whether a command may still begin something new.
pub(super) const fn not_begun(state: CommandState) -> bool {
    matches!(state, CommandState::Received | CommandState::Waiting)
}
