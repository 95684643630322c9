//! Windows' list of programs that start when the person signs in. Nothing for other users, so nothing that needs an
//! administrator.

use std::io;
use std::path::Path;

use windows_registry::CURRENT_USER;

use super::autostart::{Autostart, Change, Entry, starts, too_long};

const RUN: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
/// Where Task Manager keeps what the person switched off.
const APPROVED: &str = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";
/// Our entry in both. The installer's removal and `tests/wine` know it too.
const NAME: &str = "FX Executor";
/// `HRESULT_FROM_WIN32(ERROR_FILE_NOT_FOUND)`.
const NOT_FOUND: u32 = 0x8007_0002;

/// What Windows has for a program that is started by `command`.
///
/// # Errors
/// The registry cannot be read.
pub fn autostart(command: &str) -> io::Result<Autostart> {
    Ok(entry()?.judge(command))
}

/// Makes the list as wanted, and says what Windows has then.
///
/// # Errors
/// The registry cannot be read or written, or the command is longer than Windows starts.
pub fn set_autostart(on: bool, command: &str) -> io::Result<Autostart> {
    match entry()?.change(on, command) {
        Change::Nothing => {}
        Change::Write => {
            if let Some(reason) = too_long(command) {
                return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
            }
            CURRENT_USER
                .create(RUN)
                .and_then(|key| key.set_string(NAME, command))?;
        }
        Change::Remove => remove()?,
    }
    autostart(command)
}

/// Takes the entry of this program away, whatever its arguments. True when there was one.
///
/// # Errors
/// The registry cannot be read or written.
pub fn forget_autostart(program: &Path) -> io::Result<bool> {
    let ours = entry()?
        .command
        .is_some_and(|command| starts(&command, program));
    if ours {
        remove()?;
    }
    Ok(ours)
}

fn remove() -> io::Result<()> {
    let key = CURRENT_USER.options().read().write().open(RUN)?;
    Ok(key.remove_value(NAME)?)
}

fn entry() -> io::Result<Entry> {
    let command = found(CURRENT_USER.open(RUN).and_then(|key| key.get_string(NAME)))?;
    let approved = found(
        CURRENT_USER
            .open(APPROVED)
            .and_then(|key| key.get_value(NAME)),
    )?;
    Ok(Entry {
        command,
        approved: approved.map(|value| value.to_vec()),
    })
}

/// A key or value that is not there is no error.
fn found<T>(read: windows_registry::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code().0.cast_unsigned() == NOT_FOUND => Ok(None),
        Err(error) => Err(error.into()),
    }
}
