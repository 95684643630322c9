//! The emergency stop: entries locked, own orders cancelled, own positions closed, verified and retried without end.
//!
//! It is latched in the journal, works without platform and Pusher, and completes by itself once the terminal is back.
//! Only a person at this machine lifts it (or RESUME, when a setting allows that).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::closing::{Sweep, Target};
use super::command::{Command, CommandName};
use super::durable::{OpenCommand, Purpose};
use super::effect::LogLevel;
use super::handle::{Verdict, count, details, not_begun};
use super::latched::{EmergencyStop, Gone};
use super::record::Record;
use super::snapshot::{CommandState, Severity, Source, StrategyState};
use super::step::Turn;
use crate::market::{IntentAction, Position};

/// Attempts after which the platform is told what could not be closed; closing goes on.
const TELL_AFTER_TRIES: u32 = 5;
/// The platform is told after so long in any case.
const TELL_AFTER: SignedDuration = SignedDuration::from_mins(5);

impl Turn<'_> {
    pub fn stop_by_hand(&mut self, reason: &str) {
        let mut args = Map::new();
        args.insert("reason".to_owned(), Value::String(reason.to_owned()));
        self.local_command(CommandName::EmergencyStop, args, Source::Local);
    }

    pub fn emergency_command(&mut self, open: &OpenCommand) -> Verdict {
        if let Ok(strategy) = open.command.text("strategyId") {
            let strategy = strategy.to_owned();
            return self.stop_and_close(open, &strategy, "stopped by an emergency stop");
        }
        let opened_before = self.opened_before(open);
        let begun = open.state == CommandState::Executing;
        let surely_new = match open.command.source {
            // A public event was judged when it came.
            Source::Local | Source::Broadcast => true,
            Source::Pusher => self.came_after_the_lift(self.arrived(&open.command)),
            Source::Heartbeat => false,
        };
        match self.durable().stop.clone() {
            None if begun => {
                return Verdict::failed("the emergency stop was lifted before it was complete");
            }
            Some(_) if begun => {}
            // The row of a stop that its public event brought long before, say; what was opened since is not meant.
            _ if !surely_new
                && (open.command.told_at()).is_some_and(|given| self.was_lifted_after(given)) =>
            {
                return Verdict::failed(
                    "this emergency stop was given before the stop was lifted at the executor; nothing was done now",
                );
            }
            // It is on already: whether all is closed is looked at once more.
            Some(stop) if !reaches_further(opened_before, &stop) => {
                let last_given = self.given_at_last(told_by_platform(&open.command));
                self.stop_was_given_again(last_given);
                self.look_once_more(EmergencyStop { last_given, ..stop });
            }
            None | Some(_) => self.engage(open, opened_before),
        }
        let verdict = self.report_emergency(open);
        if matches!(verdict, Verdict::Failed { .. }) && open.command.source != Source::Local {
            self.record(Record::EmergencyToldFailed {
                id: open.command.id.clone(),
                at: self.now.utc,
            });
        }
        verdict
    }

    /// A stale order closes only what was opened before it was given (contract C4). What Pusher brings was given just now: it
    /// keeps no events, and only a clock that is wrong makes it look old.
    fn opened_before(&self, open: &OpenCommand) -> Option<Timestamp> {
        let command = &open.command;
        let stale = self.state.time_for(command, self.now) > command.expiry()
            && !matches!(command.source, Source::Local | Source::Pusher);
        command.created_at.filter(|_| stale)
    }

    fn engage(&mut self, open: &OpenCommand, opened_before: Option<Timestamp>) {
        let command = &open.command;
        let reason = command
            .text("reason")
            .unwrap_or("no reason given")
            .to_owned();
        self.log(
            LogLevel::Error,
            "engine",
            format!("EMERGENCY STOP: {reason}. Entries are locked; own orders are cancelled and own positions closed."),
        );
        let last_given = self.given_at_last(told_by_platform(command));
        self.record(Record::EmergencyStopped {
            stop: EmergencyStop {
                reason,
                since: self.now.utc,
                opened_before,
                completed_at: None,
                told_failed: Vec::new(),
                gone: Vec::new(),
                last_given,
            },
        });
        self.stop_strategies();
        self.state.emergency = Sweep::default();
        self.notice(
            "emergency",
            Severity::Error,
            "The emergency stop is on. No position can be opened.",
            "When you have looked at the account, lift it here.",
        );
        self.progress_emergency();
    }

    /// The latest moment at which a stop may have been given, by the platform's clock: what its row tells, else now, by how well
    /// that clock is known. One of an unknown moment may be the last, so all are unknown with it.
    pub fn given_at_last(&self, told: Option<Timestamp>) -> Option<Timestamp> {
        let latest = told.or_else(|| {
            let within = self.state.clock_within_ms?.saturating_add(2);
            let moment = self.state.platform_moment(self.now)?;
            moment.checked_add(SignedDuration::from_millis(within)).ok()
        });
        match &self.durable().stop {
            None => latest,
            Some(stop) => stop
                .last_given
                .zip(latest)
                .map(|(known, new)| known.max(new)),
        }
    }

    /// While it is on: a RESUME of before is no lift.
    pub fn stop_was_given_again(&mut self, last_given: Option<Timestamp>) {
        if let Some(stop) = self.durable().stop.clone()
            && stop.last_given != last_given
        {
            self.record(Record::EmergencyStopped {
                stop: EmergencyStop { last_given, ..stop },
            });
        }
    }

    /// Also at a start: the stop may have been latched while no executor ran, or be all that is left of a lost journal.
    pub fn stop_strategies(&mut self) {
        for id in self.strategies_in(&[StrategyState::Running, StrategyState::Paused]) {
            self.record(Record::StrategyMoved {
                id,
                state: StrategyState::Stopped,
                reason: "stopped by the emergency stop".to_owned(),
                at: self.now.utc,
            });
        }
    }

    /// What was closed already stays in the sweep: the answer to every order to stop tells it.
    fn look_once_more(&mut self, stop: EmergencyStop) {
        if stop.completed_at.is_some() {
            self.record(Record::EmergencyStopped {
                stop: EmergencyStop {
                    completed_at: None,
                    ..stop
                },
            });
        }
        self.progress_emergency();
    }

    /// The answer to the command that asked for the stop; the stop itself goes on without it.
    fn report_emergency(&self, open: &OpenCommand) -> Verdict {
        let closed = self.state.emergency.closed();
        let beside = self.state.beside_journal();
        if self
            .durable()
            .stop
            .as_ref()
            .is_some_and(|stop| stop.completed_at.is_some())
        {
            let (message, details) = self.emergency_done();
            return Verdict::Done { message, details };
        }
        let elsewhere = self.state.left_elsewhere();
        let mut troubles = self.state.emergency.troubles();
        if !troubles.is_empty() && self.state.emergency.least_tries() >= TELL_AFTER_TRIES {
            troubles.extend(elsewhere.lines);
            return Verdict::Failed {
                message: format!(
                    "emergency stop: entries are locked, but still open: {}; closing goes on{beside}",
                    troubles.join("; ")
                ),
                details: details(&[("closed", json!(closed)), ("open", json!(troubles))]),
            };
        }
        let waited = self.now.utc.duration_since(open.command.received_at);
        if waited > TELL_AFTER {
            let remaining = self.state.remaining();
            return Verdict::Failed {
                message: format!(
                    "emergency stop: entries are locked, but not everything is closed yet: {}; closing goes on{beside}",
                    remaining.join("; ")
                ),
                details: details(&[("closed", json!(closed)), ("open", json!(remaining))]),
            };
        }
        // Never "waiting": the entries are locked, so it has begun, and a lift must not make it begin again.
        let what = if self.state.terminal.up {
            "closing everything"
        } else {
            "entries are locked; waiting for the terminal to close positions"
        };
        Verdict::Busy {
            what: match elsewhere.words() {
                Some(words) => format!("{what}; {words}"),
                None => what.to_owned(),
            },
        }
    }

    /// What a complete stop answers.
    fn emergency_done(&self) -> (String, Map<String, Value>) {
        let closed = self.state.emergency.closed();
        let beside = self.state.beside_journal();
        let kept = self.state.own_positions().count();
        let kept = if kept == 0 {
            String::new()
        } else {
            format!(
                "; {} opened after this old stop was given and kept",
                count(kept, "position", "positions")
            )
        };
        let left = self.state.forgotten(|_| true);
        let left: String = left.iter().map(|line| format!("; {line}")).collect();
        let message = format!(
            "emergency stop: entries locked, {}{kept}{left}; the lock is lifted only at the executor{beside}",
            if closed.is_empty() {
                "nothing to close".to_owned()
            } else {
                format!("{} {}", self.state.emergency.verb(), closed.join("; "))
            }
        );
        (message, details(&[("closed", json!(closed))]))
    }

    pub fn progress_emergency(&mut self) {
        let Some(stop) = self.durable().stop.clone() else {
            return;
        };
        if !self.state.terminal.up {
            return;
        }
        let Some(targets) = self.emergency_targets(&stop) else {
            return;
        };
        if stop.completed_at.is_some() {
            if targets.is_empty() {
                return;
            }
            // An order turned out to be filled, or the terminal is on another account: the stop holds for what shows now, too.
            let found = count(targets.len(), "own ticket", "own tickets");
            self.log(
                LogLevel::Error,
                "engine",
                format!("{found} appeared while the emergency stop is on; closing goes on."),
            );
            self.look_once_more(stop);
            return;
        }
        let mut sweep = std::mem::take(&mut self.state.emergency);
        self.settle_sweep(&mut sweep, &targets, &Purpose::Emergency);
        self.send_sweep(&mut sweep, &Purpose::Emergency);
        self.state.emergency = sweep;
        self.keep_gone();
        let opening = self.durable().intents.values().any(|entry| {
            matches!(entry.intent.action, IntentAction::Open { .. }) && self.is_here(entry)
        });
        if targets.is_empty()
            && !opening
            && self.state.left_elsewhere().lines.is_empty()
            && !self.has_orders(&Purpose::Emergency)
            && !self.state.book_behind
        {
            let told_failed = stop.told_failed;
            self.record(Record::EmergencyCompleted { at: self.now.utc });
            for id in told_failed {
                let (message, details) = self.emergency_done();
                self.amend(&id, CommandState::Executed, &message, details);
            }
            self.log(
                LogLevel::Warning,
                "engine",
                format!(
                    "Emergency stop complete: {}. Entries stay locked.",
                    count(
                        self.state.emergency.closed().len(),
                        "ticket closed",
                        "tickets closed"
                    )
                ),
            );
        }
    }

    /// Stores what became gone, or is shown again, since that was done last.
    fn keep_gone(&mut self) {
        let stop = self.durable().stop.as_ref();
        let known = stop.map_or_else(Vec::new, |stop| stop.gone.clone());
        let now: Vec<Gone> = self.state.emergency.gone().collect();
        for gone in now.iter().filter(|gone| !known.contains(gone)) {
            self.record(Record::EmergencyTicket {
                target: gone.target,
                gone: Some(gone.clone()),
            });
        }
        for Gone { target, .. } in &known {
            if now.iter().all(|gone| gone.target != *target) {
                self.record(Record::EmergencyTicket {
                    target: *target,
                    gone: None,
                });
            }
        }
    }

    /// Everything of ours that is open now and falls under the stop.
    fn emergency_targets(&self, stop: &EmergencyStop) -> Option<Vec<Target>> {
        let book = self.state.terminal.book.as_ref()?;
        let within = |position: &Position| {
            stop.opened_before
                .is_none_or(|limit| self.state.ordered_at(position) < limit)
        };
        let orders = book
            .orders
            .iter()
            .filter(|order| order.is_own())
            .map(|order| Target::Order(order.ticket));
        let positions = self
            .state
            .own_positions()
            .filter(|position| within(position))
            .map(|position| Target::Position(position.ticket));
        Some(orders.chain(positions).collect())
    }

    /// Stops one strategy and closes its positions.
    pub fn stop_and_close(&mut self, open: &OpenCommand, strategy: &str, reason: &str) -> Verdict {
        let Some(number) = self
            .durable()
            .strategies
            .get(strategy)
            .map(|entry| entry.number)
        else {
            return Verdict::done(format!(
                "strategy {strategy} never ran here; nothing to stop"
            ));
        };
        // Once: a START given while this still closes must not be undone by it.
        let runs_on = self.was_started_later(open);
        if not_begun(open.state) && !runs_on {
            self.set_strategy(strategy, StrategyState::Stopped, reason);
        }
        let closing = self.close_matching(open, |position| {
            super::handle::strategy_of(position) == number
        });
        match closing {
            Verdict::Failed { message, details } if !runs_on => Verdict::Failed {
                message: format!("the strategy is stopped; {message}"),
                details,
            },
            Verdict::Done { message, details } => Verdict::Done {
                message: if runs_on {
                    format!(
                        "a later activation stands, so the strategy runs on; of the positions before it: {message}"
                    )
                } else {
                    format!("the strategy is stopped; {message}")
                },
                details,
            },
            other => other,
        }
    }

    pub fn set_strategy(&mut self, id: &str, state: StrategyState, reason: &str) {
        let known = self
            .durable()
            .strategies
            .get(id)
            .map(|strategy| strategy.state);
        if known.is_some_and(|known| known != state) {
            self.record(Record::StrategyMoved {
                id: id.to_owned(),
                state,
                reason: reason.to_owned(),
                at: self.now.utc,
            });
        }
    }
}

/// The moment of an order of this machine, and of a public event, is concluded from its coming.
fn told_by_platform(command: &Command) -> Option<Timestamp> {
    let by_row = matches!(command.source, Source::Pusher | Source::Heartbeat);
    command.told_at().filter(|_| by_row)
}

/// Whether a stop that closes what was opened before this moment closes more than the one that is on.
pub(super) fn reaches_further(opened_before: Option<Timestamp>, stop: &EmergencyStop) -> bool {
    match (stop.opened_before, opened_before) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(on), Some(new)) => new > on,
    }
}
