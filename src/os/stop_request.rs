//! A second process asks the running one to stop everything: a file in the data folder, so that no network is needed.

use std::io::Write as _;
use std::path::{Path, PathBuf};

const NAME: &str = "stop-all.request";
/// The reason is text for a person; more than this is not read.
const MOST_BYTES: usize = 500;

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// Puts the request down, whole or not at all.
pub fn write(data_dir: &Path, reason: &str) -> std::io::Result<()> {
    let part = data_dir.join("stop-all.request.part");
    let mut file = std::fs::File::create(&part)?;
    file.write_all(reason.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&part, path(data_dir))
}

/// Whether a request has not been taken yet.
pub fn is_waiting(data_dir: &Path) -> bool {
    path(data_dir).exists()
}

/// The reason of a waiting request. It stays until [`clear`], so that a request is not lost when the program dies between.
pub fn read(data_dir: &Path) -> Option<String> {
    let bytes = std::fs::read(path(data_dir)).ok()?;
    let text = String::from_utf8_lossy(bytes.get(..MOST_BYTES).unwrap_or(&bytes))
        .trim()
        .to_owned();
    Some(if text.is_empty() {
        "no reason given".to_owned()
    } else {
        text
    })
}

pub fn clear(data_dir: &Path) -> std::io::Result<()> {
    std::fs::remove_file(path(data_dir))
}
