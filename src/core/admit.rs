//! How commands come in: read, recognise, refuse, order; and how they end. Redelivery of a known id executes nothing.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::command::{Command, CommandName, Urgency};
use super::durable::OpenCommand;
use super::effect::{BeatCause, Effect, LogLevel};
use super::envelope;
use super::event::Delivery;
use super::handle::Verdict;
use super::record::Record;
use super::result;
use super::snapshot::{CommandRow, CommandState, Source};
use super::step::Turn;
use super::superseding::{self, PastOrder};

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
            self.state.draining = reported.map(|command| command.id.clone()).collect();
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
        {
            command.created_at = Some(self.state.platform_time(self.now));
            command.dated_here = true;
        }
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
        self.record(Record::Received {
            command: command.clone(),
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
        let command = Command {
            id: self.durable().local_id(0),
            local: true,
            name: text.to_owned(),
            raw: Value::Object(args.clone()).to_string(),
            args,
            source,
            issuer: None,
            addressee: None,
            // On the platform's clock, on which it is compared with the platform's commands.
            created_at: self
                .state
                .clock_within_ms
                .is_some()
                .then(|| self.state.platform_time(self.now)),
            dated_here: false,
            expires_at: None,
            received_at: self.now.utc,
        };
        let id = command.id.clone();
        self.push_row(&command);
        self.record(Record::Received { command });
        id
    }

    /// Every command without a final state: can it go on now?
    pub fn progress_commands(&mut self) {
        if self.durable().open.is_empty() {
            return;
        }
        let mut waiting: Vec<(Urgency, Timestamp, String)> = self
            .durable()
            .open
            .values()
            .map(|open| {
                let urgency = open
                    .command
                    .known()
                    .map_or(Urgency::Other, CommandName::urgency);
                (urgency, open.command.made(), open.command.id.clone())
            })
            .collect();
        waiting.sort();
        // Before anything is carried out: what ends a command must not be done and forgotten first.
        for (_, _, id) in &waiting {
            self.end_if_superseded(id);
        }
        for (_, _, id) in waiting {
            // By one that was carried out just now, too.
            self.end_if_superseded(&id);
            if let Some(open) = self.durable().open.get(&id).cloned() {
                self.proceed(&open);
            }
        }
    }

    fn proceed(&mut self, open: &OpenCommand) {
        let command = &open.command;
        let Some(name) = command.known() else {
            return;
        };
        if open.state != CommandState::Executing
            && !name.never_stale()
            && !(command.local && command.source == Source::Local)
            && self.state.time_for(command, self.now) > command.expiry()
        {
            let reason = self.expiry_message(open);
            self.finish(&command.id, CommandState::Expired, &reason, Map::new());
            return;
        }
        if name.needs_origin() {
            match self.origin(open) {
                Origin::Own => {}
                Origin::Foreign(reason) => {
                    self.finish(&command.id, CommandState::Refused, &reason, Map::new());
                    return;
                }
                Origin::Unproven => {
                    let reason = "waiting for the platform to say who sent it";
                    self.move_to(open, CommandState::Waiting, reason);
                    self.want_interim(&command.id, reason);
                    return;
                }
            }
        }
        if let Some(reason) = self.foreign_by_its_own_word(command, name) {
            self.finish(&command.id, CommandState::Refused, &reason, Map::new());
            return;
        }
        if self.awaits_a_date(open) {
            self.wait(
                open,
                "waiting for the platform to say which of two orders is the later one",
            );
            return;
        }
        match self.handle(open, name) {
            Verdict::Done { message, details } => {
                self.finish(&command.id, CommandState::Executed, &message, details);
            }
            Verdict::Failed { message, details } => {
                self.finish(&command.id, CommandState::Failed, &message, details);
            }
            Verdict::Wait { reason } => self.wait(open, &reason),
            Verdict::Busy { what } => self.busy(open, &what),
        }
    }

    fn end_if_superseded(&mut self, id: &str) {
        if let Some(later) = self.superseded_by(id) {
            let reason = format!(
                "superseded by the later {} ({}); nothing was done",
                later.name, later.id
            );
            self.finish(id, CommandState::Failed, &reason, Map::new());
        }
    }

    /// A later order, still open or carried out already, that undoes this one (contract C5).
    fn superseded_by(&self, id: &str) -> Option<PastOrder> {
        let open = self.durable().open.get(id)?;
        if open.state == CommandState::Executing || open.command.source == Source::Local {
            return None;
        }
        self.undone_by(&open.command)
    }

    /// A later order, carried out or sure to be, that undoes this one.
    pub fn undone_by(&self, command: &Command) -> Option<PastOrder> {
        let state = &self.state;
        let open = self.durable().open.values();
        open.filter(|other| superseding::is_certain(other))
            .map(|other| PastOrder::of(&other.command))
            .find(|later| later.undoes(command, state))
            .or_else(|| {
                let mut past = self.durable().past.iter();
                past.find(|later| later.undoes(command, state)).cloned()
            })
    }

    /// Another order, or the one behind a position that this would close, came by an event that told no time, and the
    /// platform is about to tell it with its answer to the report. A moment's patience then decides which one stands.
    fn awaits_a_date(&self, open: &OpenCommand) -> bool {
        const PATIENCE: SignedDuration = SignedDuration::from_secs(3);
        let command = &open.command;
        if open.state == CommandState::Executing
            || command.told_at().is_none()
            || command.source == Source::Local
            || self.now.utc.duration_since(command.received_at) >= PATIENCE
        {
            return false;
        }
        let durable = self.durable();
        let is_rival = |other: &PastOrder| {
            let kind = other.kind_against(command, self.state);
            !other.told && other.id != command.id && kind == superseding::Kind::WhenTold
        };
        let mut at_work = durable
            .open
            .values()
            .map(|open| PastOrder::of(&open.command));
        let mut past = durable.past.iter();
        if at_work.any(|other| is_rival(&other))
            || past.any(|other| is_rival(other) && durable.reports.contains_key(&other.id))
        {
            return true;
        }
        command.known().is_some_and(CommandName::closes)
            && durable.given.values().any(|given| {
                let ordered = given.command.as_ref().filter(|_| given.at.is_none());
                ordered.is_some_and(|id| durable.reports.contains_key(id))
            })
    }

    fn expiry_message(&self, open: &OpenCommand) -> String {
        let age = self
            .state
            .time_for(&open.command, self.now)
            .duration_since(open.command.made());
        let waited = if open.state == CommandState::Waiting {
            format!(" while {}", open.reason)
        } else {
            String::new()
        };
        let besides = match open.command.known() {
            Some(CommandName::StartStrategy) => self.wanted(&open.command).err(),
            _ => None,
        };
        format!(
            "expired{waited}: it was made {} ago and held until {}; nothing was done{}",
            age_in_words(age),
            open.command.expiry().strftime("%Y-%m-%d %H:%M:%S UTC"),
            besides.map_or_else(String::new, |reason| format!(". Besides, {reason}")),
        )
    }

    /// Nobody has to prove who sends an order to close, but who says that he is somebody else is not obeyed. Stops and
    /// pauses are: obeying one too many does no harm.
    fn foreign_by_its_own_word(&self, command: &Command, name: CommandName) -> Option<String> {
        let (issuer, owner) = (command.issuer.as_ref()?, self.durable().owner.as_ref()?);
        (issuer != owner && !name.never_stale()).then(|| {
            format!(
                "it was sent by user {issuer}, who does not own this executor; nothing was done"
            )
        })
    }

    fn origin(&self, open: &OpenCommand) -> Origin {
        let command = &open.command;
        if command.source == Source::Local {
            return Origin::Own;
        }
        let Some(owner) = &self.durable().owner else {
            return Origin::Unproven;
        };
        let proven = open
            .interim
            .as_ref()
            .and_then(|interim| interim.issuer.as_ref());
        match proven.or(command.issuer.as_ref()) {
            Some(issuer) if issuer == owner => Origin::Own,
            Some(issuer) => Origin::Foreign(format!(
                "it was sent by user {issuer}, who does not own this executor; nothing was done"
            )),
            None if open.interim.is_some() => Origin::Foreign(
                "the platform does not say who sent it, so it cannot be trusted; nothing was done"
                    .to_owned(),
            ),
            None => Origin::Unproven,
        }
    }

    /// Keeps the command. When that lasts, the platform is told once, so that the row does not block its queue
    /// (contract C3); not before, because its page marks every interim status red (C6).
    fn wait(&mut self, open: &OpenCommand, reason: &str) {
        const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
        self.move_to(open, CommandState::Waiting, reason);
        if self.now.utc.duration_since(open.command.received_at) >= PATIENCE {
            self.want_interim(&open.command.id, reason);
        }
    }

    /// Begun and not ended. An order in doubt may take minutes, and ten rows that wait for theirs fill a heartbeat's page:
    /// the platform is told once, so that the rows behind them are handed out (contract C3).
    fn busy(&mut self, open: &OpenCommand, what: &str) {
        const PATIENCE: SignedDuration = SignedDuration::from_secs(15);
        self.move_to(open, CommandState::Executing, what);
        if self.now.utc.duration_since(open.command.received_at) >= PATIENCE {
            self.want_interim(&open.command.id, what);
        }
    }

    fn move_to(&mut self, open: &OpenCommand, state: CommandState, reason: &str) {
        let id = &open.command.id;
        let Some(current) = self.durable().open.get(id) else {
            return;
        };
        if current.state == state && current.reason == reason {
            return;
        }
        self.record(Record::Moved {
            id: id.clone(),
            state,
            reason: reason.to_owned(),
            at: self.now.utc,
        });
        self.change_row(id, |row| {
            row.state = state;
            reason.clone_into(&mut row.message);
        });
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

enum Origin {
    Own,
    Foreign(String),
    Unproven,
}

fn batch_order(a: &Command, b: &Command) -> Ordering {
    let urgency = |command: &Command| command.known().map_or(Urgency::Other, CommandName::urgency);
    urgency(a)
        .cmp(&urgency(b))
        .then_with(|| a.made().cmp(&b.made()))
        .then_with(|| a.id.cmp(&b.id))
}

fn age_in_words(age: SignedDuration) -> String {
    let seconds = age.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
