//! Where this computer may have terminals: the data root, uninstall entries, running programs. Looks, and changes
//! nothing.

use std::path::{Path, PathBuf};

/// The terminal's program, as MetaQuotes and the brokers name it.
pub const TERMINAL: &str = "terminal64.exe";

/// Where to look for terminals.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// `%APPDATA%\MetaQuotes\Terminal`, the parent of the data folders.
    pub data_root: Option<PathBuf>,
    /// Folders that may hold `terminal64.exe`: from uninstall entries, or named by a person.
    pub installs: Vec<PathBuf>,
    pub running: RunningPrograms,
}

/// Terminals that run now.
#[derive(Clone, Debug, Default)]
pub struct RunningPrograms {
    /// Full paths of their programs.
    pub programs: Vec<PathBuf>,
    /// A terminal runs whose path may not be read (another user, or as administrator).
    pub hidden: bool,
}

/// What an uninstall key says about a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UninstallEntry {
    pub install_location: String,
    pub display_icon: String,
    pub uninstall_string: String,
}

impl UninstallEntry {
    /// The folder of the program, when one of the values names it. Brokers fill in different ones.
    pub fn folder(&self) -> Option<PathBuf> {
        let location = unquoted(&self.install_location);
        if !location.is_empty() {
            return Some(PathBuf::from(location));
        }
        [&self.display_icon, &self.uninstall_string]
            .into_iter()
            .map(|value| unquoted(value))
            .filter(|value| value.to_ascii_lowercase().contains(".exe"))
            .find_map(|value| folder_of(&value))
    }
}

/// The program of a command line: what stands in quotes, or everything up to `.exe`; an icon's `,0` is dropped.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    if let Some(rest) = value.strip_prefix('"') {
        return rest.split('"').next().unwrap_or_default().to_owned();
    }
    match value.to_ascii_lowercase().find(".exe") {
        Some(place) => value[..place + 4].to_owned(),
        None => value.to_owned(),
    }
}

/// The folder part, by either separator: these texts are Windows paths wherever they are read.
fn folder_of(program: &str) -> Option<PathBuf> {
    let cut = program.rfind(['\\', '/'])?;
    Some(PathBuf::from(&program[..cut]))
}

/// Looks around on this computer. `also` are folders that a person named.
///
/// The data root comes from the environment (`APPDATA`); processes and uninstall keys exist on Windows alone.
pub fn this_computer(also: &[PathBuf]) -> Places {
    let data_root = std::env::var_os("APPDATA")
        .filter(|value| !value.is_empty())
        .map(|roaming| Path::new(&roaming).join("MetaQuotes").join("Terminal"));
    let mut installs = also.to_vec();
    installs.extend(
        uninstall_entries()
            .iter()
            .filter_map(UninstallEntry::folder),
    );
    Places {
        data_root,
        installs,
        running: running_programs(),
    }
}

#[cfg(windows)]
fn running_programs() -> RunningPrograms {
    super::processes::running(TERMINAL)
}

/// A terminal under Wine cannot be told from here.
#[cfg(not(windows))]
fn running_programs() -> RunningPrograms {
    RunningPrograms {
        programs: Vec::new(),
        hidden: true,
    }
}

#[cfg(windows)]
fn uninstall_entries() -> Vec<UninstallEntry> {
    use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};

    const KEYS: [&str; 2] = [
        r"Software\Microsoft\Windows\CurrentVersion\Uninstall",
        r"Software\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
    ];
    let read = |parent: &Key, name: &str| {
        let key = parent.open(name).ok()?;
        let value = |name| key.get_string(name).unwrap_or_default();
        Some(UninstallEntry {
            install_location: value("InstallLocation"),
            display_icon: value("DisplayIcon"),
            uninstall_string: value("UninstallString"),
        })
    };
    let mut entries = Vec::new();
    for hive in [CURRENT_USER, LOCAL_MACHINE] {
        for key in KEYS {
            let Ok(parent) = hive.open(key) else { continue };
            let Ok(names) = parent.keys() else { continue };
            entries.extend(names.filter_map(|name| read(&parent, &name)));
        }
    }
    entries
}

#[cfg(not(windows))]
fn uninstall_entries() -> Vec<UninstallEntry> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(location: &str, icon: &str, uninstall: &str) -> UninstallEntry {
        UninstallEntry {
            install_location: location.to_owned(),
            display_icon: icon.to_owned(),
            uninstall_string: uninstall.to_owned(),
        }
    }

    #[test]
    fn a_brokers_uninstall_key_names_its_folder_in_one_way_or_another() {
        let cases = [
            (entry(r"C:\Broker MT5", "", ""), Some(r"C:\Broker MT5")),
            (
                entry("", r#""C:\Program Files\Broker MT5\Terminal64.exe",0"#, ""),
                Some(r"C:\Program Files\Broker MT5"),
            ),
            (
                entry("", r"C:\Program Files\Broker MT5\terminal64.exe,0", ""),
                Some(r"C:\Program Files\Broker MT5"),
            ),
            (
                entry("", "", r#""C:\B\uninstall.exe" /silent"#),
                Some(r"C:\B"),
            ),
            (entry("", "icon.ico", "MsiExec.exe /X{0}"), None),
            (entry("", "", ""), None),
        ];
        for (entry, folder) in cases {
            assert_eq!(entry.folder(), folder.map(PathBuf::from), "{entry:?}");
        }
    }
}
