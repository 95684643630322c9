//! What the Settings page shows of this program and of a newer one. The page calls [`UpdatePort::look`] on a thread of its own.

use tokio::sync::mpsc;

/// What is known of this build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    pub version: String,
    /// Whether its file carries a signature; `None` where programs carry none.
    pub is_signed: Option<bool>,
}

/// What the address offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Newest {
    /// The one that runs.
    Running,
    /// Older than the one that runs; never installed.
    Older { version: String },
    Newer {
        version: String,
        /// In words.
        size: String,
        changes: Vec<String>,
    },
}

/// How far an installation is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installing {
    /// Of the bytes that are offered, in percent.
    Fetching(u8),
    /// Proved; the program ends as soon as no order is under way.
    Ending,
    Failed(String),
}

pub trait UpdatePort: Send + Sync {
    fn build(&self) -> Build;

    fn look(&self) -> Result<Newest, String>;

    /// A person agreed to this version and no other. The channel closes when nothing more happens.
    fn install(&self, version: &str) -> mpsc::Receiver<Installing>;
}
