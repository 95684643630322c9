//! What strategies decided, bar by bar, kept for whoever asks why: a file of its own beside the journal, bounded in size.
//!
//! Nothing depends on it: when it cannot be written, trading goes on and the log says so once.

mod reading;
mod recorder;
mod schema;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

pub use reading::{Explanation, Kept, Reader, Tally};
pub use recorder::Recorder;

/// The file in the data folder.
pub const FILE: &str = "decisions.sqlite";

#[derive(Debug, thiserror::Error)]
#[error("the decisions in {path} cannot be used: {source}")]
pub struct DecisionsError {
    pub path: PathBuf,
    pub source: rusqlite::Error,
}
