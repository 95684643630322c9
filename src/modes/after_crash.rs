//! What a start says of a part of the program that failed since the last one.

use std::fs;
use std::path::Path;

use crate::core::snapshot::{Notice, Severity};
use crate::support;

/// Beside the crash files: the name of the last one that was told.
const TOLD: &str = "told";

/// A word on the crash files that nobody was told of yet; each is told once.
pub(super) fn notice(data_dir: &Path, at: jiff::Timestamp) -> Option<Notice> {
    let files = support::crash_files(data_dir);
    let last = files.last()?;
    let name = last.file_name()?.to_string_lossy().into_owned();
    let mark = data_dir.join("crash").join(TOLD);
    let told = fs::read_to_string(&mark).unwrap_or_default();
    if name.as_str() <= told.trim() {
        return None;
    }
    if let Err(error) = fs::write(&mark, &name) {
        tracing::warn!(target: "program", "{} cannot be written: {error}; the crash is told again at the next start.", mark.display());
    }
    let text = fs::read_to_string(last).unwrap_or_default();
    let line = |key: &str| {
        let found = text.lines().find_map(|line| line.strip_prefix(key));
        found.map(|rest| rest.trim().to_owned())
    };
    let what = line("message").unwrap_or_else(|| "no message".to_owned());
    let when = line("at ").map_or_else(String::new, |when| format!(" at {when}"));
    let text = format!("A part of the program failed{when}: {what}.");
    tracing::warn!(target: "program", "{text} See {}.", last.display());
    Some(Notice {
        key: "crash".to_owned(),
        severity: Severity::Warning,
        text,
        remedy: format!(
            "fx-executor support-bundle writes one file for the program's makers, without secrets. The report alone is {}.",
            last.display()
        ),
        at,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn each_crash_is_told_once_at_the_start_after_it() {
        let folder = tempfile::tempdir().unwrap();
        let now = jiff::Timestamp::UNIX_EPOCH;
        assert_eq!(notice(folder.path(), now), None);
        let crash = folder.path().join("crash");
        fs::create_dir(&crash).unwrap();
        let text = "FX Executor 0.1.0\n\nat      2026-03-02T09:00:00Z\nthread  engine\nmessage out of range\n";
        fs::write(crash.join("crash-20260302-090000.1.txt"), text).unwrap();
        let told = notice(folder.path(), now).unwrap();
        assert!(
            told.text
                .contains("failed at 2026-03-02T09:00:00Z: out of range."),
            "{}",
            told.text
        );
        assert!(told.remedy.contains("support-bundle"));
        assert_eq!(notice(folder.path(), now), None);
        fs::write(crash.join("crash-20260302-090001.1.txt"), text).unwrap();
        assert!(notice(folder.path(), now).is_some());
    }
}
