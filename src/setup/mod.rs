//! Getting the Expert Advisor onto the trader's own MetaTrader 5 terminal: finding terminals, saying what would be done,
//! doing it after a person agreed, and taking it back.
//!
//! It must never change anything that was not agreed to, never touch the terminal's list of allowed addresses, never
//! end a running terminal, and never remove a file that it did not write. Everything that looks at files takes its
//! folders as arguments; only [`this_computer`] asks the operating system where they are.

mod detect;
mod expert;
mod facts;
mod install;
mod manifest;
mod metaeditor;
mod places;
mod plan;
#[cfg(windows)]
mod processes;
mod start_ini;
#[cfg(test)]
mod tests;
mod text_file;
mod uninstall;

pub use detect::{DataFolder, Found, Presence, Terminal, find, same_path};
pub use expert::{ExpertSource, ExpertState};
pub use install::{Agreed, InstallError, Installed, Progress};
pub use manifest::{Manifest, ManifestError};
pub use metaeditor::{CompileError, Compiled, compile};
pub use places::{Places, RunningPrograms, UninstallEntry, this_computer};
pub use plan::{Change, Plan, PlanError, Step, WhyByHand, Wish};
pub use start_ini::{StartIni, SymbolChoice, choose_symbol};
pub use text_file::{decode, encode};
pub use uninstall::{Fate, Removal, RemovalAgreed, Removed};
