//! One handler a command name: a real effect on the terminal, or a refusal that names what is missing.
//!
//! Handlers are asked again after every event until they give a final verdict, so each looks at the state and never
//! at what it did before.

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::command::{Command, CommandName};
use super::durable::OpenCommand;
use super::record::Record;
use super::rules::StrategyEntry;
use super::snapshot::{CommandState, Source, StrategyState};
use super::step::Turn;
use crate::market::{Position, Ticket};

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
                if command.source == Source::Local {
                    self.pause_until_resumed_here("paused at this machine");
                } else {
                    self.pause("paused by the platform");
                }
                Verdict::done("trading is paused: no new positions; exits stay managed")
            }
            CommandName::Resume => self.resume(open),
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
                "{} stopped; {} kept{protection}{}",
                count(running.len(), "strategy", "strategies"),
                count(kept, "position", "positions"),
                self.state.and_elsewhere(),
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
            self.record(Record::Unpaused {
                here: false,
                platform_at: None,
                at: self.now.utc,
            });
            self.log(
                super::LogLevel::Info,
                "engine",
                format!("Trading {reason}."),
            );
        }
    }

    /// A person's word: what is given from now on is not given in the pause, though the platform's last word was PAUSE.
    pub fn unpause_here(&mut self) {
        if self.durable().pause.is_some() {
            if self.state.clock_within_ms.is_none() {
                self.state.resumed_undated = Some(self.now.mono);
            }
            self.record(Record::Unpaused {
                here: true,
                platform_at: self
                    .state
                    .platform_moment(self.now)
                    .or_else(|| self.state.last_order()),
                at: self.now.utc,
            });
            self.log(
                super::LogLevel::Info,
                "engine",
                "Trading resumed at this machine.".to_owned(),
            );
        }
    }

    /// It may have been given before the stop; its row is about to tell. Only what was surely given after it lifts it.
    fn undated_resume(&self, open: &OpenCommand) -> Verdict {
        const ROW_WITHIN: SignedDuration = SignedDuration::from_secs(60);
        let waited = self.now.utc.duration_since(open.command.received_at);
        if waited.abs() < ROW_WITHIN {
            return Verdict::Wait {
                reason: "waiting for the platform to say whether it was given after the stop"
                    .to_owned(),
            };
        }
        Verdict::failed(
            "the emergency stop stays on: the platform does not say when this was given, so it may be older than the stop",
        )
    }

    fn resume(&mut self, open: &OpenCommand) -> Verdict {
        if self.durable().stop.is_some() {
            if !self.state.config.resume_lifts_stop {
                return Verdict::failed(
                    "the emergency stop is on; it can be lifted only at the executor's own window (Settings can allow RESUME to lift it)",
                );
            }
            let Some(told) = open.command.told_at() else {
                return self.undated_resume(open);
            };
            let last = self
                .durable()
                .stop
                .as_ref()
                .and_then(|stop| stop.last_given);
            if last.is_none_or(|last| told <= last) {
                return Verdict::failed(
                    "the emergency stop stays on: it is not known to be older than this RESUME; lift it at the executor's own window",
                );
            }
            self.lift_stop_as_of(Some(told), "lifted by RESUME");
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
        Verdict::done(match self.state.standing_block(self.now) {
            None => "trading is on".to_owned(),
            Some(reason) => format!("no pause is on, but trading is off: {reason}"),
        })
    }

    fn get_status(&self) -> Verdict {
        const MOST_LISTED: usize = 20;
        // What runs first; the answer must stay small.
        let mut all: Vec<&StrategyEntry> = self.durable().strategies.values().collect();
        all.sort_by_key(|strategy| match strategy.state {
            StrategyState::Running => 0,
            StrategyState::Paused => 1,
            StrategyState::Stopped | StrategyState::Refused => 2,
        });
        let unlisted = all.len().saturating_sub(MOST_LISTED);
        let strategies: Vec<Value> = all
            .into_iter()
            .take(MOST_LISTED)
            .map(|strategy| json!({ "id": strategy.id, "symbol": strategy.symbol, "timeframe": strategy.timeframe, "state": strategy.state }))
            .collect();
        let account = self.state.terminal.account.as_ref();
        let trading = self
            .state
            .standing_block(self.now)
            .map_or_else(|| "on".to_owned(), |reason| format!("off: {reason}"));
        let own = self.state.own_positions().count();
        let message = format!(
            "trading {trading}; terminal {}; {}; {} open{}",
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
            self.state.and_elsewhere(),
        );
        Verdict::Done {
            message,
            details: details(&[
                ("strategiesNotListed", json!(unlisted)),
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
