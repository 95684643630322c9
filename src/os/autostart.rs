//! Starting the program when the person signs in: what Windows has, and what is to be changed in it. A switch that the
//! person turned off in Windows itself is told and never turned on again from here.

use std::fmt;
use std::path::Path;

/// The longest command that Windows starts from its list, in UTF-16 units.
const LONGEST_COMMAND: usize = 260;

/// What Windows does with the program when the person signs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Autostart {
    Off,
    On,
    /// In the list, and switched off in Task Manager or in Windows' settings.
    SwitchedOff,
    /// The list has another FX Executor, or this one with other arguments.
    Another {
        command: String,
    },
    /// Not a matter of this system.
    NotHere,
}

impl fmt::Display for Autostart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("Windows does not start FX Executor when you sign in."),
            Self::On => f.write_str("Windows starts FX Executor when you sign in."),
            Self::SwitchedOff => f.write_str(
                "Windows does not start FX Executor: it is switched off among the startup apps (Task Manager, or Settings, Apps, Startup). Only you can switch it on there.",
            ),
            Self::Another { command } => {
                write!(f, "When you sign in, Windows starts another FX Executor: {command}")
            }
            Self::NotHere => f.write_str("Only on Windows; on this system it does nothing."),
        }
    }
}

/// What Windows' two lists hold: the command, and the person's switch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// The value under `Run`.
    pub command: Option<String>,
    /// The value under `StartupApproved\Run`; most often there is none.
    pub approved: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    Write,
    Remove,
}

#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows only"))]
impl Entry {
    /// What it means for a program that is started by `wanted`.
    pub fn judge(&self, wanted: &str) -> Autostart {
        match &self.command {
            None => Autostart::Off,
            Some(command) if command != wanted => Autostart::Another {
                command: command.clone(),
            },
            Some(_) if self.is_switched_off() => Autostart::SwitchedOff,
            Some(_) => Autostart::On,
        }
    }

    /// What makes the list as it is wanted. The person's switch stays as it is; another program's entry goes only when
    /// this one takes its place.
    pub fn change(&self, on: bool, wanted: &str) -> Change {
        match (on, self.command.as_deref()) {
            (true, Some(command)) if command == wanted => Change::Nothing,
            (true, _) => Change::Write,
            (false, Some(command)) if command == wanted => Change::Remove,
            (false, _) => Change::Nothing,
        }
    }

    /// Windows marks an entry that is switched off by an odd first byte (03 and a time); 02 and 06 are on.
    fn is_switched_off(&self) -> bool {
        let first = self.approved.as_ref().and_then(|bytes| bytes.first());
        first.is_some_and(|byte| byte % 2 == 1)
    }
}

/// The command that starts the program with these arguments, every path in quotes.
pub fn start_command(program: &Path, options: &[(&str, &Path)]) -> String {
    let mut command = quoted(program);
    for (name, path) in options {
        command = format!("{command} {name} {}", quoted(path));
    }
    command
}

/// A path cannot hold a quote; a backslash before the closing one would be taken for its escape.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    let slashes = path.len() - path.trim_end_matches('\\').len();
    format!("\"{path}{}\"", "\\".repeat(slashes))
}

/// Whether a command of the list starts this program.
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows only"))]
pub(super) fn starts(command: &str, program: &Path) -> bool {
    let named = match command.strip_prefix('"') {
        Some(rest) => rest.split('"').next(),
        None => command.split(' ').next(),
    };
    let program = program.display().to_string();
    named.is_some_and(|named| named.to_lowercase() == program.to_lowercase())
}

/// Why a command cannot be put into the list, if so.
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows only"))]
pub(super) fn too_long(command: &str) -> Option<String> {
    let length = command.encode_utf16().count();
    (length > LONGEST_COMMAND).then(|| {
        format!("the command has {length} characters, and Windows starts none beyond {LONGEST_COMMAND}; use shorter paths")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = r#""C:\Users\Ayu Dewi\FX Executor\fx-executor.exe""#;
    const THEIRS: &str = r#""D:\old\fx-executor.exe""#;

    fn entry(command: Option<&str>, approved: Option<&[u8]>) -> Entry {
        Entry {
            command: command.map(str::to_owned),
            approved: approved.map(<[u8]>::to_vec),
        }
    }

    #[test]
    fn what_windows_has_is_told_as_it_is() {
        let other = Autostart::Another {
            command: THEIRS.to_owned(),
        };
        for (command, approved, told) in [
            (None, None, Autostart::Off),
            // What Windows keeps after an entry went.
            (None, Some(&[3, 0, 0][..]), Autostart::Off),
            (Some(OURS), None, Autostart::On),
            (Some(OURS), Some(&[][..]), Autostart::On),
            (Some(OURS), Some(&[2, 0, 0][..]), Autostart::On),
            (Some(OURS), Some(&[6, 0, 0][..]), Autostart::On),
            (
                Some(OURS),
                Some(&[3, 0, 0, 0, 1][..]),
                Autostart::SwitchedOff,
            ),
            (Some(OURS), Some(&[7][..]), Autostart::SwitchedOff),
            (Some(THEIRS), None, other),
        ] {
            assert_eq!(
                entry(command, approved).judge(OURS),
                told,
                "{command:?} {approved:?}"
            );
        }
    }

    #[test]
    fn only_what_is_ours_is_taken_away_and_a_switch_is_never_fought() {
        let off = Some(&[3_u8, 0][..]);
        for (command, approved, on, change) in [
            (None, None, true, Change::Write),
            (None, None, false, Change::Nothing),
            (Some(OURS), None, true, Change::Nothing),
            (Some(OURS), off, true, Change::Nothing),
            (Some(OURS), off, false, Change::Remove),
            (Some(THEIRS), None, true, Change::Write),
            (Some(THEIRS), None, false, Change::Nothing),
        ] {
            let found = entry(command, approved).change(on, OURS);
            assert_eq!(found, change, "{command:?} {on}");
        }
    }

    #[test]
    fn a_path_with_blanks_stays_one_argument() {
        let program = Path::new(r"C:\Program Files\fx-executor.exe");
        let data = Path::new(r"D:\my data\");
        assert_eq!(
            start_command(program, &[("--data-dir", data)]),
            r#""C:\Program Files\fx-executor.exe" --data-dir "D:\my data\\""#
        );
    }

    #[test]
    fn the_program_of_a_command_is_known_in_any_case_of_letters() {
        let program = Path::new(r"C:\Apps\FX Executor\fx-executor.exe");
        for (command, ours) in [
            (
                r#""c:\apps\fx executor\FX-Executor.exe" --data-dir "D:\x""#,
                true,
            ),
            (r#""C:\Apps\FX Executor\fx-executor.exe""#, true),
            (r#""C:\Apps\Other\fx-executor.exe""#, false),
            ("", false),
        ] {
            assert_eq!(starts(command, program), ours, "{command}");
        }
    }

    #[test]
    fn a_command_that_windows_would_not_start_is_refused_in_words() {
        assert_eq!(too_long(OURS), None);
        let told = too_long(&"x".repeat(261)).unwrap_or_default();
        assert!(told.contains("261") && told.contains("260"), "{told}");
    }
}
