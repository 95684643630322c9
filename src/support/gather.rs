//! Where the texts come from. What cannot be read says so in its place; nothing keeps the rest from being sent.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::bundle::Part;
use crate::settings::{Draft, Field};

/// Of each log file the last bytes.
const MOST_OF_A_LOG: u64 = 2 * 1024 * 1024;
/// Files of the latest days.
const LOGS: usize = 3;
const CRASHES: usize = 5;

/// The end of the latest log files.
pub fn logs(data_dir: &Path) -> Vec<Part> {
    latest(&data_dir.join("logs"), "log", LOGS, "logs")
}

pub fn crashes(data_dir: &Path) -> Vec<Part> {
    latest(&data_dir.join("crash"), "txt", CRASHES, "crash")
}

/// Every crash file that is kept, the latest last.
pub fn crash_files(data_dir: &Path) -> Vec<PathBuf> {
    files(&data_dir.join("crash"), "txt").unwrap_or_default()
}

/// The settings as they count, without secrets and without the keys of others, of which nobody knows what they are.
pub fn settings(draft: &Draft) -> String {
    let mut text = String::new();
    for field in Field::ALL {
        let shown = match field {
            Field::ApiSecret if draft.secret().is_some() => "(there is one)",
            Field::ApiSecret => "(none)",
            // Enough to tell two keys apart.
            Field::ApiKey => draft.get(field).get(..8).unwrap_or_default(),
            _ => draft.get(field),
        };
        text.push_str(&format!("{}: {shown}\n", field.key()));
    }
    for problem in draft.problems() {
        text.push_str(&format!("wrong: {problem}\n"));
    }
    text
}

fn files(folder: &Path, kind: &str) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|found| found == kind))
        .collect();
    // Both kinds have their day in the name.
    files.sort();
    Ok(files)
}

fn latest(folder: &Path, kind: &str, most: usize, under: &str) -> Vec<Part> {
    let files = match files(folder, kind) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            let text = format!("{} cannot be read: {error}\n", folder.display());
            return vec![part(under, "unreadable.txt", text)];
        }
    };
    let kept = files.len().saturating_sub(most);
    let latest = files.into_iter().skip(kept);
    latest
        .map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let text = end_of(&path)
                .unwrap_or_else(|error| format!("{} cannot be read: {error}\n", path.display()));
            part(under, &name, text)
        })
        .collect()
}

fn part(under: &str, name: &str, text: String) -> Part {
    Part {
        name: format!("{under}/{name}"),
        text,
    }
}

/// The last part of a file, from the beginning of a line on: half a line may hold half a secret.
fn end_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(MOST_OF_A_LOG);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(MOST_OF_A_LOG).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(match text.split_once('\n') {
        Some((_, whole)) if from > 0 => whole.to_owned(),
        _ => text.into_owned(),
    })
}
