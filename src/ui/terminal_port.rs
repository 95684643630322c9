//! What the MetaTrader page needs to find terminals and to install the Expert Advisor. The page calls everything here
//! on a thread of its own, so implementations may read files and wait.

use tokio::sync::mpsc;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalPresence {
    Closed,
    Running,
    /// A terminal runs that cannot be looked at; it may be this one.
    Unknown,
}

/// What a terminal has of the Expert Advisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpertInTerminal {
    Absent,
    NotCompiled,
    /// Compiled, but not from this program's source.
    Other {
        version: String,
    },
    Current {
        version: String,
    },
}

/// One terminal, in words for the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundTerminal {
    pub id: String,
    pub name: String,
    pub install_dir: String,
    /// None: it was never started.
    pub data_dir: Option<String>,
    pub portable: bool,
    pub build: Option<u32>,
    pub broker: Option<String>,
    pub server: Option<String>,
    pub presence: TerminalPresence,
    pub expert: ExpertInTerminal,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundTerminals {
    pub terminals: Vec<FoundTerminal>,
    /// What else was seen, in words.
    pub notes: Vec<String>,
}

/// What is wanted of one terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupWish {
    /// Write and compile the Expert Advisor; then start the terminal when it is closed and `start` says so.
    Install {
        terminal: String,
        start: bool,
    },
    Remove {
        terminal: String,
    },
}

impl SetupWish {
    pub fn terminal(&self) -> &str {
        match self {
            Self::Install { terminal, .. } | Self::Remove { terminal } => terminal,
        }
    }
}

/// What would be done. Nothing has been done yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Names exactly these steps: consent is to nothing else.
    pub number: u64,
    pub wish: SetupWish,
    pub steps: Vec<PreviewStep>,
    /// The terminal is closed, so that it could be started as well.
    pub can_start: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewStep {
    pub title: String,
    pub detail: String,
}

/// One step while it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupStep {
    pub name: String,
    /// `None` while it runs; a later step of the same name replaces it.
    pub ok: Option<bool>,
    pub detail: String,
}

pub trait TerminalSetup: Send + Sync {
    fn find(&self) -> FoundTerminals;

    /// Looks what the wish takes, and changes nothing.
    fn preview(&self, wish: &SetupWish) -> Result<Preview, String>;

    /// A person agreed to the preview of this number. The channel closes when all is done or a step failed.
    fn carry_out(&self, preview: u64) -> mpsc::Receiver<SetupStep>;
}
