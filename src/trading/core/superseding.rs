//! Which later order undoes an earlier one, in whatever sequence the two arrive (contract C5).
//!
//! Commands travel on two roads, so a START may come in after the STOP that was meant to end it, and a STOP after the START
//! that was meant to begin anew. What was carried out is therefore remembered by the moment it was made, and each own
//! position by the moment at which its order, or its strategy's activation, was given. Stops never go stale, so there is no
//! age and no number of orders after which this may be forgotten; the latest order of a kind for a thing says all that
//! those before it said.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::State;
use super::clock::WORTH_TELLING;
use super::command::{Command, CommandName};
use super::durable::OpenCommand;
use super::handle::ticket_of;
use super::snapshot::{CommandState, Source};
use super::step::Turn;

/// An order that was carried out and undoes earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastOrder {
    pub id: String,
    pub name: String,
    pub strategy: Option<String>,
    #[serde(default)]
    pub symbol: Option<String>,
    pub made_at: Timestamp,
    /// `made_at` was read from this computer's clock, because the platform's was not known.
    #[serde(default)]
    pub by_own_clock: bool,
    /// `made_at` is the command's own word, not the moment it came.
    #[serde(default)]
    pub told: bool,
    /// The last order that was known when it came, where `made_at` is by this computer's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_after: Option<Timestamp>,
    /// The position it changes.
    #[serde(default)]
    pub ticket: Option<String>,
    /// It sets the stop loss, the take profit.
    #[serde(default)]
    pub levels: (bool, bool),
}

/// How two orders stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Nothing,
    /// The later one stands.
    Always,
    /// It takes the place of a restraint, or of another word on the same thing: it stands when it has said itself, or the
    /// platform for it, that it is the later one.
    WhenTold,
}

impl PastOrder {
    pub fn of(command: &Command) -> Self {
        Self {
            id: command.id.clone(),
            name: command.name.clone(),
            strategy: command.text("strategyId").ok().map(str::to_owned),
            symbol: command.text("symbol").ok().map(str::to_owned),
            made_at: command.made(),
            by_own_clock: command.created_at.is_none(),
            told: command.told_at().is_some(),
            given_after: command.given_after,
            ticket: ticket(command),
            levels: levels(command),
        }
    }

    /// Whether nothing is lost when `earlier` is forgotten now that this is known.
    pub fn replaces(&self, earlier: &Self) -> bool {
        /// An order to open that comes late is judged by the pauses of its time, and a time that is not told yet may
        /// turn out to be another one; longer than this no order waits for either.
        const SETTLES_WITHIN: SignedDuration = SignedDuration::from_hours(1);
        /// Positions come and go, and no change of one holds so long.
        const CHANGES_HOLD: SignedDuration = SignedDuration::from_hours(24);
        if self.by_own_clock != earlier.by_own_clock || self.made_at < earlier.made_at {
            return false;
        }
        let older_by = self.made_at.duration_since(earlier.made_at);
        let name = CommandName::parse(&earlier.name);
        if name == Some(CommandName::ModifyPosition) && older_by > CHANGES_HOLD {
            return true;
        }
        let same = self.name == earlier.name
            && self.strategy == earlier.strategy
            && self.symbol == earlier.symbol
            && self.ticket == earlier.ticket
            && (self.levels.0 || !earlier.levels.0)
            && (self.levels.1 || !earlier.levels.1)
            && (self.told || !earlier.told);
        let settled = self.told && !matches!(name, Some(CommandName::Pause | CommandName::Resume));
        same && (settled || older_by > SETTLES_WITHIN)
    }

    /// Whether a command of this name undoes any other.
    pub const fn counts(name: CommandName) -> bool {
        use CommandName as C;
        matches!(
            name,
            C::StopAll
                | C::Pause
                | C::CloseAllPositions
                | C::CloseBySymbol
                | C::EmergencyStop
                | C::StopStrategy
                | C::StartStrategy
                | C::PauseStrategy
                | C::ResumeStrategy
                | C::Resume
                | C::UpdateStrategy
                | C::UpdateParameters
                | C::ModifyPosition
        )
    }

    /// Whether `earlier` was made before this and must not be carried out after it. The state knows what the symbols mean,
    /// and how far the platform's clock is from this computer's, by which some of the two times may have been read.
    pub fn undoes(&self, earlier: &Command, state: &State) -> bool {
        match self.kind_against(earlier, state) {
            Kind::Nothing => false,
            Kind::Always => self.is_later_than(earlier, state),
            Kind::WhenTold => self.told && self.is_later_than(earlier, state),
        }
    }

    /// Whether the two are such that the later one stands, whichever that is.
    pub fn kind_against(&self, earlier: &Command, state: &State) -> Kind {
        use CommandName as C;
        let (Some(later), Some(name)) = (CommandName::parse(&self.name), earlier.known()) else {
            return Kind::Nothing;
        };
        let everything = self.strategy.is_none();
        let same = self
            .strategy
            .as_deref()
            .is_some_and(|own| earlier.text("strategyId").ok() == Some(own));
        let always = match (later, name) {
            (C::StopAll, C::StartStrategy | C::ResumeStrategy)
            | (C::Pause, C::Resume)
            | (C::CloseAllPositions, C::OpenPosition) => true,
            (C::CloseBySymbol, C::OpenPosition) => self
                .symbol
                .as_deref()
                .zip(earlier.text("symbol").ok())
                .is_some_and(|(closed, opened)| state.is_same_symbol(closed, opened)),
            (C::EmergencyStop, C::StartStrategy | C::ResumeStrategy) => everything || same,
            (C::EmergencyStop, C::OpenPosition | C::Resume) => everything,
            (C::StopStrategy, C::StartStrategy | C::ResumeStrategy)
            | (C::StartStrategy, C::StartStrategy)
            | (C::PauseStrategy, C::ResumeStrategy) => same,
            _ => false,
        };
        if always {
            return Kind::Always;
        }
        let when_told = match (later, name) {
            // What is to be closed is closed all the same, as far as it was there before.
            (C::StartStrategy, C::StopStrategy) => {
                same && earlier.flag("closePositions") != Some(true)
            }
            (C::StartStrategy, C::PauseStrategy)
            | (C::ResumeStrategy, C::PauseStrategy)
            | (
                C::StartStrategy | C::UpdateStrategy | C::UpdateParameters,
                C::UpdateStrategy | C::UpdateParameters,
            ) => same,
            (C::Resume, C::Pause) => true,
            (C::ModifyPosition, C::ModifyPosition) => {
                let earlier_levels = levels(earlier);
                self.changes_same_position(earlier)
                    && (self.levels.0 || !earlier_levels.0)
                    && (self.levels.1 || !earlier_levels.1)
            }
            _ => false,
        };
        if when_told {
            Kind::WhenTold
        } else {
            Kind::Nothing
        }
    }

    pub fn changes_same_position(&self, other: &Command) -> bool {
        CommandName::parse(&self.name) == Some(CommandName::ModifyPosition)
            && self.ticket.is_some()
            && self.ticket == ticket(other)
    }

    pub fn is_later_than(&self, earlier: &Command, state: &State) -> bool {
        earlier.id != self.id && state.given_at(earlier) < self.by_the_platform(state)
    }

    /// Whether it may turn out to be the later one once its time is told, by how well the platform's clock is known.
    pub fn may_be_later_than(&self, earlier: &Command, state: &State) -> bool {
        let Some(within) = state.clock_within_ms.filter(|_| !state.clock_is_unsure) else {
            return earlier.id != self.id;
        };
        let latest = self
            .by_the_platform(state)
            .checked_add(SignedDuration::from_millis(within) + WORTH_TELLING);
        earlier.id != self.id && latest.is_ok_and(|latest| state.given_at(earlier) < latest)
    }

    /// When it was made, by the platform's clock.
    pub fn by_the_platform(&self, state: &State) -> Timestamp {
        if self.by_own_clock {
            state.by_platform_clock_after(self.made_at, self.given_after)
        } else {
            self.made_at
        }
    }
}

impl State {
    /// When a command was given, by the platform's clock.
    fn given_at(&self, command: &Command) -> Timestamp {
        command.created_at.unwrap_or_else(|| {
            self.by_platform_clock_after(command.received_at, command.given_after)
        })
    }

    /// This computer's clock may be wrong, and by how much nobody knows before the platform has told its own; the sequence in
    /// which orders came is known.
    fn by_platform_clock_after(&self, time: Timestamp, known: Option<Timestamp>) -> Timestamp {
        let read = self.by_platform_clock(time);
        let after = known.and_then(|known| known.checked_add(Duration::from_millis(1)).ok());
        after.map_or(read, |after| after.max(read))
    }

    /// The last order that is known, by the platform's clock.
    pub(super) fn last_order(&self) -> Option<Timestamp> {
        let own = self.durable.past.iter().filter(|past| past.by_own_clock);
        own.map(|past| past.by_the_platform(self))
            .chain(self.durable.last_ordered_at())
            .chain(self.durable.resumed_by_platform)
            .max()
    }
}

impl Turn<'_> {
    /// A PAUSE that was given after this START came in before it, and nothing has lifted it since.
    pub fn was_paused_later(&self, start: &Command) -> bool {
        let paused = self.last_given(start, &[CommandName::PauseStrategy]);
        let resumed = self.last_given(start, &[CommandName::ResumeStrategy]);
        paused.is_some_and(|paused| {
            !self.is_later(start, paused)
                && resumed.is_none_or(|resumed| {
                    paused.by_the_platform(self.state) > resumed.by_the_platform(self.state)
                })
        })
    }

    /// Trading was paused when this was given: it would have been refused, had it come in time.
    pub fn was_given_in_pause(&self, command: &Command) -> bool {
        let past = self.durable().past.iter();
        let last = past
            .filter_map(|past| Some((CommandName::parse(&past.name)?, past)))
            .filter(|(name, _)| matches!(name, CommandName::Pause | CommandName::Resume))
            .filter(|(name, past)| {
                let given = self.state.given_at(command);
                let then = past.by_the_platform(self.state);
                given > then || given == then && *name == CommandName::Resume
            })
            .max_by_key(|(_, past)| past.by_the_platform(self.state));
        let Some((CommandName::Pause, pause)) = last else {
            return false;
        };
        let durable = self.durable();
        let resumed = durable.resumed_by_platform.or_else(|| {
            let at = durable.resumed_at?;
            Some(self.state.by_platform_clock(at))
        });
        let made = self.state.given_at(command);
        !resumed
            .is_some_and(|resumed| pause.by_the_platform(self.state) <= resumed && resumed < made)
    }

    fn is_later(&self, command: &Command, past: &PastOrder) -> bool {
        self.state.given_at(command) > past.by_the_platform(self.state)
    }

    /// An activation that was given after this STOP stands: it undoes the stop, not the closing of what was there before.
    pub fn was_started_later(&self, open: &OpenCommand) -> bool {
        let stop = &open.command;
        // Who stops it here knows that it runs.
        if stop.known() != Some(CommandName::StopStrategy) || stop.source == Source::Local {
            return false;
        }
        self.last_given(stop, &[CommandName::StartStrategy])
            .is_some_and(|start| start.told && start.is_later_than(stop, self.state))
    }

    pub fn was_updated_later(&self, start: &Command) -> bool {
        let updates = [CommandName::UpdateStrategy, CommandName::UpdateParameters];
        self.last_given(start, &updates)
            .is_some_and(|update| update.told && update.is_later_than(start, self.state))
    }

    /// The last order of these names, by when it was given, that was carried out for the same strategy.
    fn last_given(&self, command: &Command, names: &[CommandName]) -> Option<&PastOrder> {
        let strategy = command.text("strategyId").ok()?;
        let past = self.durable().past.iter().filter(|past| {
            past.strategy.as_deref() == Some(strategy)
                && CommandName::parse(&past.name).is_some_and(|name| names.contains(&name))
        });
        past.max_by_key(|past| past.by_the_platform(self.state))
    }
}

fn ticket(command: &Command) -> Option<String> {
    ticket_of(command).ok().map(|ticket| ticket.to_string())
}

fn levels(command: &Command) -> (bool, bool) {
    let sets = |keys: [&str; 2]| {
        let named = |key: &&str| command.args.get(*key).is_some_and(|value| !value.is_null());
        keys.iter().any(named)
    };
    (sets(["stopLoss", "sl"]), sets(["takeProfit", "tp"]))
}

/// What a command that is still open undoes already: only orders that are sure to be carried out. One that names what it
/// closes may name nothing that exists; once it is being carried out it is sure, too.
pub(super) fn is_certain(open: &OpenCommand) -> bool {
    use CommandName as C;
    open.command.known().is_some_and(|name| match name {
        C::CloseAllPositions => true,
        C::CloseBySymbol | C::ModifyPosition => open.state == CommandState::Executing,
        name => name.never_stale(),
    })
}
