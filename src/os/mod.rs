//! What the operating system gives: requests between processes, signals. Honest no-ops where a system lacks something.

mod autostart;
mod console;
mod request;
#[cfg(windows)]
mod windows_autostart;
#[cfg(windows)]
mod windows_console;
#[cfg(windows)]
mod windows_foreground;

pub use autostart::{Autostart, start_command};
pub use console::say;
pub use request::Request;
#[cfg(windows)]
pub use windows_autostart::{autostart, forget_autostart, set_autostart};
#[cfg(windows)]
pub use windows_console::attach_console;
#[cfg(windows)]
pub use windows_foreground::allow_foreground;
#[cfg(not(windows))]
pub use without_windows::{autostart, forget_autostart, set_autostart};

/// A program of this system has its console from the beginning.
#[cfg(not(windows))]
pub const fn attach_console() {}

/// A program of this system may ask for the foreground by itself.
#[cfg(not(windows))]
pub const fn allow_foreground(_pid: u32) {}

#[cfg(not(windows))]
mod without_windows {
    use std::io;
    use std::path::Path;

    use super::Autostart;

    /// Starting at sign-in is the desktop's matter here.
    ///
    /// # Errors
    /// None; on Windows there are some.
    pub const fn autostart(_command: &str) -> io::Result<Autostart> {
        Ok(Autostart::NotHere)
    }

    /// Changes nothing here.
    ///
    /// # Errors
    /// None; on Windows there are some.
    pub const fn set_autostart(_on: bool, _command: &str) -> io::Result<Autostart> {
        Ok(Autostart::NotHere)
    }

    /// There is no entry here.
    ///
    /// # Errors
    /// None; on Windows there are some.
    pub const fn forget_autostart(_program: &Path) -> io::Result<bool> {
        Ok(false)
    }
}
