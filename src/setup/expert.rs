//! The Expert Advisor's source, as this program carries it, and what a terminal has of it.

use std::path::{Path, PathBuf};

/// The folder below `MQL5\Experts` that is ours alone.
pub const FOLDER: &str = "FX-Executor";
pub const SOURCE: &str = "FX-Executor.mq5";
pub const PROGRAM: &str = "FX-Executor.ex5";
/// As the terminal names it: relative to `MQL5\Experts`, without its ending.
pub const EXPERT: &str = r"FX-Executor\FX-Executor";

/// The source that is to be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpertSource {
    pub text: &'static str,
}

impl ExpertSource {
    /// The source that this program was built with.
    pub const EMBEDDED: Self = Self {
        text: include_str!("../../assets/mql5/FX-Executor.mq5"),
    };

    /// The version that the source says it has.
    pub fn version(self) -> Option<&'static str> {
        version_of(self.text)
    }
}

/// The value of `#property version "…"`.
pub(super) fn version_of(source: &str) -> Option<&str> {
    source.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix("#property")?.trim_start();
        let rest = rest.strip_prefix("version")?.trim_start();
        rest.strip_prefix('"')?.split('"').next()
    })
}

/// What a terminal has of the Expert Advisor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpertState {
    Absent,
    /// The source is there; the terminal cannot run it yet.
    NotCompiled {
        version: Option<String>,
    },
    Compiled {
        version: Option<String>,
        /// The source is this program's own, byte for byte.
        current: bool,
    },
}

/// Our folder in a data folder.
pub fn folder(data: &Path) -> PathBuf {
    data.join("MQL5").join("Experts").join(FOLDER)
}

impl ExpertState {
    /// Looks into a data folder. A compiled program older than its source counts as not compiled.
    pub fn of(data: &Path, expert: ExpertSource) -> Self {
        let folder = folder(data);
        let Ok(bytes) = std::fs::read(folder.join(SOURCE)) else {
            return Self::Absent;
        };
        let text = super::decode(&bytes);
        let version = version_of(&text).map(str::to_owned);
        let changed = |name| {
            std::fs::metadata(folder.join(name))
                .ok()
                .filter(|file| file.len() > 0)
                .and_then(|file| file.modified().ok())
        };
        match (changed(SOURCE), changed(PROGRAM)) {
            (Some(source), Some(program)) if program >= source => Self::Compiled {
                version,
                current: bytes == expert.text.as_bytes(),
            },
            _ => Self::NotCompiled { version },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ExpertSource, version_of};

    #[test]
    fn the_source_is_plain_and_says_its_version() {
        let source = ExpertSource::EMBEDDED;
        // MetaEditor reads a file without a byte order mark in the computer's own code page.
        assert!(source.text.is_ascii());
        assert!(!source.text.starts_with('\u{FEFF}'));
        assert!(source.version().is_some());
    }

    #[test]
    fn the_version_is_read_from_the_property() {
        let source = "//+---+\n#property strict\n#property  version   \"0.10\"\nint OnInit()";
        assert_eq!(version_of(source), Some("0.10"));
        assert_eq!(version_of("#property copyright \"x\""), None);
    }
}
