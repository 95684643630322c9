//! A second process asks the running one for something: a file in the data folder, so that no network is needed.

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    StopEverything,
    /// Trading goes on after a pause.
    Resume,
    /// The emergency stop is lifted, and trading goes on.
    LiftStop,
    /// Nothing waits any longer for an account: its login and server.
    ForgetAccount,
    /// Real money may be traded on an account: its login and server.
    AllowReal,
    /// The executor ends, as when its window is closed.
    End,
    /// The same as soon as no order is under way; until then nothing is opened. Whoever asks may withdraw it.
    EndForUpdate,
    /// The window comes to the front; one without a window leaves the request lying.
    Show,
}

/// The text of a request is for a person; more than this is not read.
const MOST_BYTES: usize = 500;

impl Request {
    /// In the order in which they are obeyed.
    pub const ALL: [Self; 8] = [
        Self::StopEverything,
        Self::Resume,
        Self::LiftStop,
        Self::ForgetAccount,
        Self::AllowReal,
        Self::End,
        Self::EndForUpdate,
        Self::Show,
    ];

    fn path(self, data_dir: &Path) -> PathBuf {
        data_dir.join(match self {
            Self::StopEverything => "stop-all.request",
            Self::Resume => "resume.request",
            Self::LiftStop => "lift-stop.request",
            Self::ForgetAccount => "forget-account.request",
            Self::AllowReal => "allow-real.request",
            Self::End => "end.request",
            Self::EndForUpdate => "end-for-update.request",
            Self::Show => "show.request",
        })
    }

    /// Puts the request down with its text; on a full disk without one, because an empty file says enough.
    pub fn write(self, data_dir: &Path, text: &str) -> std::io::Result<()> {
        let path = self.path(data_dir);
        write_whole(&path, text).or_else(|_| std::fs::File::create(path).map(drop))
    }

    /// Whether a request has not been taken yet.
    pub fn is_waiting(self, data_dir: &Path) -> bool {
        self.path(data_dir).exists()
    }

    /// The text of a waiting request. It stays until [`Request::clear`], so that a request is not lost when the program
    /// dies between.
    pub fn read(self, data_dir: &Path) -> Option<String> {
        let bytes = std::fs::read(self.path(data_dir)).ok()?;
        let text = String::from_utf8_lossy(bytes.get(..MOST_BYTES).unwrap_or(&bytes))
            .trim()
            .to_owned();
        Some(if text.is_empty() {
            "no reason given".to_owned()
        } else {
            text
        })
    }

    pub fn clear(self, data_dir: &Path) -> std::io::Result<()> {
        std::fs::remove_file(self.path(data_dir))
    }
}

fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    // Two may ask at the same moment.
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let mut file = std::fs::File::create(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, path)
}
