//! Finds the MetaTrader 5 terminals of a computer: data folders by their `origin.txt`, portable copies, installations
//! that were never started. Reads, and changes nothing.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::expert::{ExpertSource, ExpertState};
use super::facts::{common_ini, facts};
use super::places::{Places, RunningPrograms, TERMINAL};
use super::text_file::decode;

/// Folders beside the data folders that belong to no terminal.
const SHARED: [&str; 3] = ["common", "community", "help"];

/// One terminal with its own data; two of these may share a program (started normally and with `/portable`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// The data folder's name, which the terminal derives from its place; `portable-…` or `new-…` otherwise.
    pub id: String,
    /// The folder that it is installed in, as brokers name it.
    pub name: String,
    pub install_dir: PathBuf,
    pub data: DataFolder,
    pub build: Option<u32>,
    /// The company that the program was started for.
    pub broker: Option<String>,
    /// The trade server that it was logged in to last.
    pub server: Option<String>,
    pub presence: Presence,
    pub expert: ExpertState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataFolder {
    /// Below `%APPDATA%\MetaQuotes\Terminal`.
    Roaming(PathBuf),
    /// Beside the program.
    Portable,
    /// It was never started: there is no place for an Expert Advisor yet.
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Closed,
    Running,
    /// A terminal runs whose place may not be read; it may be this one.
    Unknown,
}

impl Terminal {
    pub fn data_dir(&self) -> Option<&Path> {
        match &self.data {
            DataFolder::Roaming(path) => Some(path),
            DataFolder::Portable => Some(&self.install_dir),
            DataFolder::None => None,
        }
    }

    pub fn program(&self) -> PathBuf {
        self.install_dir.join(TERMINAL)
    }

    pub fn metaeditor(&self) -> PathBuf {
        self.install_dir.join("metaeditor64.exe")
    }

    pub fn is_portable(&self) -> bool {
        self.data == DataFolder::Portable
    }
}

/// What was found, and what looked like a terminal and is none any more.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub terminals: Vec<Terminal>,
    /// Data folders whose program is gone, in words.
    pub leftovers: Vec<String>,
}

/// Looks through `places` for terminals; `expert` is what an installed Expert Advisor is compared with.
pub fn find(places: &Places, expert: ExpertSource) -> Found {
    let mut found = Found::default();
    let mut with_data = BTreeSet::new();
    for folder in places.data_root.iter().flat_map(|root| folders(root)) {
        let Some(install_dir) = origin(&folder) else {
            continue;
        };
        if !install_dir.join(TERMINAL).is_file() {
            // MetaTrader 4 keeps its data in the same place; it is not ours and not gone.
            if !folder.join("MQL4").is_dir() && !install_dir.join("terminal.exe").is_file() {
                found.leftovers.push(format!(
                    "{} belongs to a terminal that is no longer in {}",
                    folder.display(),
                    install_dir.display()
                ));
            }
            continue;
        }
        with_data.insert(key(&install_dir));
        let id = name_of(&folder);
        let data = DataFolder::Roaming(folder);
        found
            .terminals
            .push(terminal(id, install_dir, data, places, expert));
    }
    let mut seen = BTreeSet::new();
    for install_dir in candidates(places) {
        if !install_dir.join(TERMINAL).is_file() || !seen.insert(key(&install_dir)) {
            continue;
        }
        // An installation carries an MQL5 folder as a model for new data; only a started terminal writes its settings.
        let portable = common_ini(&install_dir).is_some();
        let (kind, data) = match portable {
            true => ("portable", DataFolder::Portable),
            false if with_data.contains(&key(&install_dir)) => continue,
            false => ("new", DataFolder::None),
        };
        let id = format!("{kind}-{}", short_hash(&install_dir));
        found
            .terminals
            .push(terminal(id, install_dir, data, places, expert));
    }
    found
        .terminals
        .sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    found
}

fn terminal(
    id: String,
    install_dir: PathBuf,
    data: DataFolder,
    places: &Places,
    expert: ExpertSource,
) -> Terminal {
    let mut terminal = Terminal {
        id,
        name: name_of(&install_dir),
        presence: presence(&install_dir, &places.running),
        install_dir,
        data,
        build: None,
        broker: None,
        server: None,
        expert: ExpertState::Absent,
    };
    if let Some(data) = terminal.data_dir() {
        let facts = facts(data);
        terminal.expert = ExpertState::of(data, expert);
        (terminal.build, terminal.broker, terminal.server) =
            (facts.build, facts.broker, facts.server);
    }
    terminal
}

impl RunningPrograms {
    /// Whether the terminal of this folder runs.
    pub fn presence_of(&self, install_dir: &Path) -> Presence {
        presence(install_dir, self)
    }
}

fn presence(install_dir: &Path, running: &RunningPrograms) -> Presence {
    let program = install_dir.join(TERMINAL);
    if running.programs.iter().any(|one| same_path(one, &program)) {
        Presence::Running
    } else if running.hidden {
        Presence::Unknown
    } else {
        Presence::Closed
    }
}

/// The data folders that a root may hold.
fn folders(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else {
        return Vec::new();
    };
    let mut folders: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .filter(|path| !SHARED.contains(&name_of(path).to_ascii_lowercase().as_str()))
        .collect();
    folders.sort();
    folders
}

/// The install folder that a data folder names.
fn origin(folder: &Path) -> Option<PathBuf> {
    let text = decode(&std::fs::read(folder.join("origin.txt")).ok()?);
    let line = text.lines().next()?.trim_matches(|letter: char| {
        letter.is_whitespace() || letter == '\0' || letter == '\u{FEFF}'
    });
    (!line.is_empty()).then(|| PathBuf::from(line))
}

/// Folders with a program that no data folder may name.
fn candidates(places: &Places) -> Vec<PathBuf> {
    let running = places.running.programs.iter();
    let running = running.filter_map(|program| program.parent().map(Path::to_owned));
    places.installs.iter().cloned().chain(running).collect()
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Windows compares paths without regard to case; both separators and a trailing one are the same.
fn key(path: &Path) -> String {
    let text = path.to_string_lossy().replace('/', "\\").to_lowercase();
    let text = text.strip_prefix(r"\\?\").unwrap_or(&text);
    text.trim_end_matches('\\').to_owned()
}

pub fn same_path(one: &Path, other: &Path) -> bool {
    key(one) == key(other)
}

fn short_hash(path: &Path) -> String {
    hex::encode(&Sha256::digest(key(path).as_bytes())[..4])
}
