//! Which later order undoes an earlier one, in whatever sequence the two arrive (contract C5).
//!
//! Commands travel on two roads, so a START may come in after the STOP that was meant to end it. What was carried out
//! is therefore remembered for a while by the moment it was made.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::command::{Command, CommandName};

/// An order that was carried out and undoes earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastOrder {
    pub id: String,
    pub name: String,
    pub strategy: Option<String>,
    pub made_at: Timestamp,
}

impl PastOrder {
    pub fn of(command: &Command) -> Self {
        Self {
            id: command.id.clone(),
            name: command.name.clone(),
            strategy: command.text("strategyId").ok().map(str::to_owned),
            made_at: command.made(),
        }
    }

    /// Whether `earlier` was made before this and must not be carried out after it.
    pub fn undoes(&self, earlier: &Command) -> bool {
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
            (C::EmergencyStop, C::StartStrategy | C::ResumeStrategy) => everything || same,
            (C::EmergencyStop, C::OpenPosition | C::Resume) => everything,
            (C::StopStrategy, C::StartStrategy | C::ResumeStrategy)
            | (C::StartStrategy, C::StartStrategy)
            | (C::PauseStrategy, C::ResumeStrategy) => same,
            _ => false,
        };
        undone && earlier.id != self.id && earlier.made() < self.made_at
    }
}

/// What a command that is still open undoes already: only orders that are sure to be carried out.
pub(super) fn is_certain(command: &Command) -> bool {
    command
        .known()
        .is_some_and(|name| name.never_stale() || name == CommandName::CloseAllPositions)
}
