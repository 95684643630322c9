//! Every command without a final state, again after each event: is it past, undone by a later one, proven; can it go on?

use jiff::{SignedDuration, Timestamp};
use serde_json::Map;

use super::command::{Command, CommandName, Urgency};
use super::durable::OpenCommand;
use super::handle::Verdict;
use super::record::Record;
use super::snapshot::{CommandState, Source};
use super::standstill::LooksOld;
use super::step::Turn;
use super::superseding::{self, Kind, PastOrder};

enum Origin {
    Own,
    Foreign(String),
    Unproven,
}

impl Turn<'_> {
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
        self.forget_dated();
        for (_, _, id) in &waiting {
            self.take_for_new(id);
            self.date_by_arrival(id);
        }
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
        if self.awaits_the_clock(open) {
            self.wait(open, "waiting for the platform's clock");
            return;
        }
        let awaits_clock = self.awaits_a_sure_clock(open);
        if awaits_clock || self.awaits_its_row(open) {
            let (waits, lacks) = if awaits_clock {
                (
                    "waiting for the platform's clock",
                    "the platform does not tell its clock",
                )
            } else {
                (
                    "waiting for the platform to say when it was given",
                    "the platform does not say when it was given",
                )
            };
            if self.waited_for_its_age(open) {
                let reason = format!(
                    "it may be old, because this program stood still or was ended, or the clock was set, and {lacks}; nothing was done, send it again if it is meant"
                );
                self.finish(&command.id, CommandState::Expired, &reason, Map::new());
            } else {
                self.wait(open, waits);
            }
            return;
        }
        if open.state != CommandState::Executing
            && !name.never_stale()
            && !(command.local && command.source == Source::Local)
            && self.state.time_for(command, self.now) > command.expiry()
        {
            match self.looks_old(open) {
                LooksOld::Unproven => {
                    self.wait(open, "waiting for the platform's clock");
                    return;
                }
                LooksOld::TakenForNew => {}
                LooksOld::Expired => {
                    let reason = self.expiry_message(open);
                    self.finish(&command.id, CommandState::Expired, &reason, Map::new());
                    return;
                }
            }
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
        if open.state == CommandState::Executing
            || open.command.source == Source::Local
            || self.awaits_the_clock(open)
        {
            return None;
        }
        let later = self.undone_by(&open.command)?;
        // That one may turn out to be the earlier.
        (later.told || !self.awaits_a_date(open)).then_some(later)
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

    /// Which levels of the position a later order has set: the stop loss, the take profit.
    pub fn levels_set_later(&self, command: &Command) -> (bool, bool) {
        let past = self.durable().past.iter();
        past.filter(|past| past.changes_same_position(command) && past.told)
            .filter(|past| past.is_later_than(command, self.state))
            .fold((false, false), |set, past| {
                (set.0 || past.levels.0, set.1 || past.levels.1)
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
            || self.now.utc.duration_since(command.received_at).abs() >= PATIENCE
        {
            return false;
        }
        let durable = self.durable();
        let is_rival = |other: &PastOrder| {
            let stands = match other.kind_against(command, self.state) {
                Kind::Nothing => false,
                Kind::Always => other.may_be_later_than(command, self.state),
                Kind::WhenTold => true,
            };
            stands && !other.told && other.id != command.id
        };
        // Of what was ordered here the platform tells nothing.
        let at_work = durable.open.values().filter(|open| !open.command.local);
        let mut at_work = at_work.map(|open| PastOrder::of(&open.command));
        let mut past = durable.past.iter();
        if at_work.any(|other| is_rival(&other))
            || past.any(|other| is_rival(other) && durable.reports.contains_key(&other.id))
        {
            return true;
        }
        // With the pause that is about to be lifted it would be refused.
        if command.known() == Some(CommandName::OpenPosition)
            && durable.open.values().any(|other| {
                other.command.known() == Some(CommandName::Resume)
                    && other.command.made() <= command.made()
            })
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
