//! Strategies by command: stopped, with or without their positions, paused and resumed.

use serde_json::json;

use super::command::Command;
use super::durable::OpenCommand;
use super::handle::{Verdict, count, details, strategy_of};
use super::snapshot::StrategyState;
use super::step::Turn;

/// An UPDATE or RESUME waits so long for the activation that was given before it and may come in after it.
const ACTIVATION_PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

impl Turn<'_> {
    pub fn stop_strategy(&mut self, open: &OpenCommand) -> Verdict {
        let id = match open.command.text("strategyId") {
            Ok(id) => id.to_owned(),
            Err(error) => return Verdict::failed(error.to_string()),
        };
        // Absent counts as "keep" (contract C11).
        if open.command.flag("closePositions") == Some(true) {
            return self.stop_and_close(open, &id, "stopped by the platform");
        }
        let Some(number) = self
            .durable()
            .strategies
            .get(&id)
            .map(|strategy| strategy.number)
        else {
            return Verdict::done(format!("strategy {id} was not running here"));
        };
        self.set_strategy(&id, StrategyState::Stopped, "stopped by the platform");
        let kept: Vec<String> = self
            .state
            .own_positions()
            .filter(|position| strategy_of(position) == number)
            .map(|position| position.ticket.to_string())
            .collect();
        let unclear = open.command.unclear_flag("closePositions");
        let unclear = unclear.map_or_else(String::new, |value| {
            format!(
                "; \"closePositions\" is neither true nor false ({value}), so nothing is closed"
            )
        });
        let away = self
            .state
            .away(|_, held| strategy_of(held) == number, |_| false)
            .words();
        let (here, unclear) = match away {
            Some(words) => (" here", format!("; {words}{unclear}")),
            None => ("", unclear),
        };
        Verdict::Done {
            message: if kept.is_empty() {
                format!("stopped; no position of it is open{here}{unclear}")
            } else {
                format!(
                    "stopped; {} kept and still managed: {}{unclear}",
                    count(kept.len(), "position", "positions"),
                    kept.join(", ")
                )
            },
            details: details(&[("kept", json!(kept))]),
        }
    }

    /// At once, also while an activation waits: that one then begins paused.
    pub fn pause_strategy(&mut self, command: &Command) -> Verdict {
        match self.known_strategy(command) {
            Ok((id, StrategyState::Running)) => {
                self.set_strategy(&id, StrategyState::Paused, "paused by the platform");
                Verdict::done("paused: no new positions of this strategy; exits stay managed")
            }
            Ok((_, state)) => Verdict::done(format!(
                "nothing to pause: the strategy is {}",
                state_words(state)
            )),
            // Its START may still be on its way.
            Err(_) if command.text("strategyId").is_ok() => Verdict::done(
                "this strategy does not run here; should an earlier START still come in, it is started paused",
            ),
            Err(reason) => Verdict::failed(reason),
        }
    }

    pub fn resume_strategy(&mut self, command: &Command) -> Verdict {
        if self.durable().stop.is_some() {
            return Verdict::failed("not resumed: the emergency stop is on");
        }
        match self.known_strategy(command) {
            Ok((_, StrategyState::Running)) => Verdict::done("already running"),
            Ok((id, StrategyState::Paused)) => {
                self.set_strategy(&id, StrategyState::Running, "resumed by the platform");
                Verdict::done("running again")
            }
            Ok((_, state)) => Verdict::failed(format!(
                "the strategy is {}; RESUME carries no rules, so activate it again",
                state_words(state)
            )),
            Err(reason) => match command.text("strategyId") {
                Ok(id) => self.await_activation(command, id),
                Err(_) => Verdict::failed(reason),
            },
        }
    }

    /// The activation that was given before this command may come in after it.
    pub fn await_activation(&self, command: &Command, id: &str) -> Verdict {
        let waited = self.now.utc.duration_since(command.received_at);
        if waited < ACTIVATION_PATIENCE {
            return Verdict::Wait {
                reason: format!("strategy {id} is not known here; waiting for its activation"),
            };
        }
        Verdict::failed(format!(
            "strategy {id} is not known here; activate it first"
        ))
    }

    fn known_strategy(&self, command: &Command) -> Result<(String, StrategyState), String> {
        let id = command
            .text("strategyId")
            .map_err(|error| error.to_string())?;
        self.durable()
            .strategies
            .get(id)
            .map(|strategy| (id.to_owned(), strategy.state))
            .ok_or_else(|| format!("strategy {id} is not known here; activate it first"))
    }
}

const fn state_words(state: StrategyState) -> &'static str {
    match state {
        StrategyState::Running => "running",
        StrategyState::Paused => "paused already",
        StrategyState::Stopped => "stopped",
        StrategyState::Refused => "refused",
    }
}
