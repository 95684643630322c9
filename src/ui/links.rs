//! Everything the window is connected to. Cloning it is how a new window takes the place of a dead one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use tokio::sync::{broadcast, mpsc, watch};

use super::settings_port::SettingsPort;
use super::terminal_port::TerminalSetup;
use super::update_port::UpdatePort;
use super::wake::Waker;
use crate::core::snapshot::{CommandDetail, CommandRow, Snapshot, UiCommand};
use crate::settings::CloseButton;

#[derive(Clone)]
pub struct UiLinks {
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    /// The answer to [`UiCommand::ShowCommand`].
    pub detail: watch::Receiver<Option<Arc<CommandDetail>>>,
    /// The answer to [`UiCommand::ShowCommandsBefore`].
    pub page: watch::Receiver<Option<Arc<Vec<CommandRow>>>>,
    pub commands: mpsc::Sender<UiCommand>,
    pub logs: Arc<dyn LogSource>,
    /// The folder of the log files, for "Open folder".
    pub log_dir: PathBuf,
    pub settings: Arc<dyn SettingsPort>,
    pub terminals: Arc<dyn TerminalSetup>,
    pub updates: Arc<dyn UpdatePort>,
    /// Whether the system's sleep is held off now.
    pub held_awake: Arc<AtomicBool>,
    /// The icon beside the clock.
    pub tray: Arc<dyn TrayPort>,
    /// Filled by the window while it lives; the engine calls [`Waker::wake`] after publishing.
    pub waker: Waker,
}

impl std::fmt::Debug for UiLinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UiLinks")
            .field("log_dir", &self.log_dir)
            .finish_non_exhaustive()
    }
}

/// What closing the window comes to. Nothing here waits.
pub trait TrayPort: Send + Sync {
    /// Whether the window could be found again there.
    fn is_there(&self) -> bool;
    fn close_button(&self) -> CloseButton;
    /// Keeps the person's answer in the settings.
    fn remember(&self, answer: CloseButton);
}

/// Where the Journal page gets its lines from.
pub trait LogSource: Send + Sync {
    /// The latest lines, oldest first; at most a few thousand.
    fn recent(&self) -> Vec<Arc<LogLine>>;
    /// Lines from now on. A slow window loses lines and says so.
    fn subscribe(&self) -> broadcast::Receiver<Arc<LogLine>>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: Timestamp,
    pub level: LogLevel,
    pub source: String,
    pub text: String,
}
