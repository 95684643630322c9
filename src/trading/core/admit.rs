//! How commands come in: read, recognise, refuse, order; and how they end. Redelivery of a known id executes nothing.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::command::{Command, CommandName, Urgency};
use super::effect::{BeatCause, Effect, LogLevel};
use super::envelope;
use super::event::Delivery;
use super::record::Record;
use super::result;
use super::snapshot::{CommandRow, CommandState, Source};
use super::step::Turn;

impl Turn<'_> {
    /// One envelope. `wake`: a Pusher event is only a wake-up, the heartbeat is the dependable channel (contract T4).
    pub fn deliver(&mut self, delivery: Delivery, wake: bool) {
        if wake {
            self.effect(Effect::Beat(BeatCause::Event));
        }
        let command = self.read(delivery, 0);
        self.receive(&command);
    }

    /// The rows of one heartbeat, in our own order (contract C3).
    pub fn deliver_batch(&mut self, rows: Vec<Delivery>) {
        const FULL_PAGE: usize = 10;
        let full = rows.len() >= FULL_PAGE;
        let mut commands: Vec<Command> = Vec::new();
        for row in rows {
            let unnamed = commands.iter().filter(|command| command.local).count();
            commands.push(self.read(row, unnamed));
        }
        commands.sort_by(batch_order);
        if full && self.state.journal_broken.is_none() {
            let reported = commands.iter().filter(|command| !command.local);
            let rows: BTreeSet<String> = reported.map(|command| command.id.clone()).collect();
            // A platform that hands the same rows out for ever is not asked for them in a circle.
            let any_new = rows.iter().any(|id| !self.durable().knows(id));
            self.state.drained = if any_new {
                BeatCause::Drained
            } else {
                BeatCause::Event
            };
            self.state.draining = rows;
        }
        for command in &commands {
            self.receive(command);
        }
    }

    /// `unnamed` commands without an id were read before this one and are not received yet.
    fn read(&self, delivery: Delivery, unnamed: usize) -> Command {
        let Delivery { source, raw } = delivery;
        let at = self.now.utc;
        let local_id = || self.durable().local_id(unnamed);
        let mut command = envelope::read(&raw, source, at, local_id)
            .unwrap_or_else(|_| envelope::unreadable(raw, source, at, local_id));
        // One that tells no time of its own was made just now, and the platform's clock is the one it is compared by.
        if self.state.clock_within_ms.is_some()
            && command.created_at.is_none()
            && command.expires_at.is_none()
            && !self.may_be_old(&command)
        {
            command.created_at = Some(self.state.given_now(self.now));
            command.dated_here = true;
        }
        self.not_from_the_future(&mut command);
        command
    }

    fn receive(&mut self, command: &Command) {
        let id = command.id.clone();
        // An emergency stop is obeyed even so: doing it twice does no harm, not doing it may.
        if self.state.journal_broken.is_some()
            && command.known() != Some(CommandName::EmergencyStop)
        {
            if !std::mem::replace(&mut self.state.held_back_told, true) {
                self.log(
                    LogLevel::Warning,
                    "engine",
                    "A command arrived while the journal cannot be written; it stays pending on the platform, as all do until it can.",
                );
            }
            return;
        }
        if self.durable().finished.contains_key(&id) {
            self.learn_date(&id, command.told_at());
            self.count_repeat(&id);
            if !command.local && !self.durable().reports.contains_key(&id) {
                self.effect(Effect::FetchAnswer { id });
            }
            return;
        }
        if let Some(open) = self.durable().open.get(&id) {
            // A later copy may carry the sender that the first one lacked.
            if let (None, Some(issuer)) = (&open.command.issuer, &command.issuer) {
                let issuer = issuer.clone();
                self.record(Record::IssuerNamed {
                    id: id.clone(),
                    issuer,
                });
            }
            self.learn_date(&id, command.told_at());
            self.count_repeat(&id);
            return;
        }
        if !command.name.is_empty() {
            let text = format!("Command received: {}", command.name);
            self.log(LogLevel::Info, "engine", text);
        }
        self.push_row(command);
        let doubted = self.doubt_its_time(command);
        self.await_its_age(command);
        let given_after = self.given_after(command.created_at);
        if command.created_at.is_none() {
            self.date_when_known(&id);
        }
        self.record(Record::Received {
            command: Command {
                doubted,
                given_after,
                ..command.clone()
            },
        });
        if let Some(reason) = self.refusal_at_the_door(command) {
            self.finish(&id, CommandState::Refused, &reason, Map::new());
        }
    }

    /// What is refused whatever the circumstances.
    fn refusal_at_the_door(&self, command: &Command) -> Option<String> {
        if command.name.is_empty() {
            let again = envelope::read(&command.raw, command.source, self.now.utc, String::new);
            let reason = again.err()?;
            return Some(format!("the envelope cannot be read: {reason}"));
        }
        let Some(name) = command.known() else {
            return Some(format!(
                "\"{}\" is not a command this program executes; nothing was done",
                command.name
            ));
        };
        if let (Some(addressee), Some(own)) = (&command.addressee, &self.state.executor_id)
            && addressee != own
        {
            return Some(format!(
                "it is addressed to executor {addressee}, this is {own}; nothing was done"
            ));
        }
        if command.local && command.source != Source::Local && name != CommandName::EmergencyStop {
            return Some(format!(
                "{} came without an id, so it cannot be done exactly once nor reported; only an emergency stop is obeyed without one",
                command.name
            ));
        }
        None
    }

    /// An order given at this machine, kept in the journal like any other.
    pub fn local_command(
        &mut self,
        name: CommandName,
        args: Map<String, Value>,
        source: Source,
    ) -> String {
        let text = CommandName::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, text)| text);
        // On the platform's clock, on which it is compared with the platform's commands.
        let created_at =
            (self.state.clock_within_ms.is_some()).then(|| self.state.given_now(self.now));
        let command = Command {
            id: self.durable().local_id(0),
            local: true,
            name: text.to_owned(),
            raw: Value::Object(args.clone()).to_string(),
            args,
            source,
            issuer: None,
            addressee: None,
            created_at,
            given_after: self.given_after(created_at),
            dated_here: false,
            doubted: None,
            expires_at: None,
            received_at: self.now.utc,
        };
        let id = command.id.clone();
        self.push_row(&command);
        self.date_when_known(&id);
        self.record(Record::Received { command });
        id
    }

    /// What tells no time was given after all that came before it.
    fn given_after(&self, told: Option<Timestamp>) -> Option<Timestamp> {
        match told {
            None => self.state.last_order(),
            Some(_) => None,
        }
    }

    /// The end of a command: its final state, and the answer that the platform must get.
    pub fn finish(
        &mut self,
        id: &str,
        state: CommandState,
        message: &str,
        details: Map<String, Value>,
    ) {
        let Some(open) = self.durable().open.get(id) else {
            return;
        };
        let (local, name) = (open.command.local, open.command.name.clone());
        let received_at = open.command.received_at;
        let success = state == CommandState::Executed;
        self.record(Record::Moved {
            id: id.to_owned(),
            state,
            reason: message.to_owned(),
            at: self.now.utc,
        });
        if !local {
            self.record(Record::ReportDue {
                id: id.to_owned(),
                status: if success { "executed" } else { "failed" }.to_owned(),
                result: result::body(success, message, details),
                at: self.now.utc,
            });
        }
        self.state.closings.remove(id);
        self.state.candidates.remove(id);
        self.state
            .interims
            .retain(|other, interim| other != id || interim.in_flight);
        let counts = &mut self.state.counts;
        match state {
            CommandState::Executed => counts.executed += 1,
            CommandState::Expired => counts.expired += 1,
            CommandState::Refused => counts.refused += 1,
            _ => counts.failed += 1,
        }
        let level = if success {
            LogLevel::Info
        } else {
            LogLevel::Warning
        };
        let shown = if name.is_empty() {
            "An envelope"
        } else {
            &name
        };
        self.log(
            level,
            "engine",
            format!("{shown} {}: {message}", state.name()),
        );
        let duration = self.now.utc.duration_since(received_at).as_millis();
        self.change_row(id, |row| {
            row.state = state;
            message.clone_into(&mut row.message);
            row.duration_ms = u64::try_from(duration).ok();
            row.reported = (!local).then_some(false);
        });
    }

    fn push_row(&mut self, command: &Command) {
        let row = CommandRow {
            id: command.id.clone(),
            received_at: command.received_at,
            name: command.name.clone(),
            subject: command.subject(),
            source: command.source,
            state: CommandState::Received,
            duration_ms: None,
            message: String::new(),
            repeats: 0,
            reported: None,
        };
        self.state.counts.received += 1;
        self.state.rows.push_front(row);
        self.state.rows.truncate(super::State::ROWS);
        self.state.rows_shared = None;
    }

    pub fn change_row(&mut self, id: &str, change: impl FnOnce(&mut CommandRow)) {
        if let Some(row) = self.state.rows.iter_mut().find(|row| row.id == id) {
            change(row);
            self.state.rows_shared = None;
        }
    }

    fn count_repeat(&mut self, id: &str) {
        self.change_row(id, |row| row.repeats += 1);
    }
}

fn batch_order(a: &Command, b: &Command) -> Ordering {
    let urgency = |command: &Command| command.known().map_or(Urgency::Other, CommandName::urgency);
    urgency(a)
        .cmp(&urgency(b))
        .then_with(|| a.made().cmp(&b.made()))
        .then_with(|| a.id.cmp(&b.id))
}
