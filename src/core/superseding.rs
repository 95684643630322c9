//! Which later order undoes an earlier one, in whatever sequence the two arrive (contract C5).
//!
//! Commands travel on two roads, so a START may come in after the STOP that was meant to end it. What was carried out
//! is therefore remembered for a while by the moment it was made.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::command::{Command, CommandName};

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
}

impl PastOrder {
    pub fn of(command: &Command) -> Self {
        Self {
            id: command.id.clone(),
            name: command.name.clone(),
            strategy: command.text("strategyId").ok().map(str::to_owned),
            symbol: command.text("symbol").ok().map(str::to_ascii_uppercase),
            made_at: command.made(),
            by_own_clock: command.created_at.is_none(),
        }
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
        )
    }

    /// Whether `earlier` was made before this and must not be carried out after it. `clock_offset` is what the platform's
    /// clock is ahead of this computer's, by which some of the two times may have been read.
    pub fn undoes(&self, earlier: &Command, clock_offset: SignedDuration) -> bool {
        use CommandName as C;
        let (Some(later), Some(name)) = (CommandName::parse(&self.name), earlier.known()) else {
            return false;
        };
        let everything = self.strategy.is_none();
        let same = self.strategy.as_deref() == earlier.text("strategyId").ok();
        let undone = match (later, name) {
            (C::StopAll, C::StartStrategy | C::ResumeStrategy)
            | (C::Pause, C::Resume)
            | (C::CloseAllPositions, C::OpenPosition) => true,
            (C::CloseBySymbol, C::OpenPosition) => {
                let symbol = earlier.text("symbol").ok().map(str::to_ascii_uppercase);
                symbol.is_some() && self.symbol == symbol
            }
            (C::EmergencyStop, C::StartStrategy | C::ResumeStrategy) => everything || same,
            (C::EmergencyStop, C::OpenPosition | C::Resume) => everything,
            (C::StopStrategy, C::StartStrategy | C::ResumeStrategy)
            | (C::StartStrategy, C::StartStrategy)
            | (C::PauseStrategy, C::ResumeStrategy) => same,
            _ => false,
        };
        let by_the_platform = |time: Timestamp, by_own_clock: bool| {
            let offset = if by_own_clock {
                clock_offset
            } else {
                SignedDuration::ZERO
            };
            time.checked_add(offset).unwrap_or(time)
        };
        undone
            && earlier.id != self.id
            && by_the_platform(earlier.made(), earlier.created_at.is_none())
                < by_the_platform(self.made_at, self.by_own_clock)
    }
}

/// What a command that is still open undoes already: only orders that are sure to be carried out.
pub(super) fn is_certain(command: &Command) -> bool {
    command
        .known()
        .is_some_and(|name| name.never_stale() || name == CommandName::CloseAllPositions)
}
