//! What the operating system gives: requests between processes, signals. Honest no-ops where a system lacks something.

mod console;
mod request;
#[cfg(windows)]
mod windows_console;
#[cfg(windows)]
mod windows_foreground;

pub use console::say;
pub use request::Request;
#[cfg(windows)]
pub use windows_console::attach_console;
#[cfg(windows)]
pub use windows_foreground::allow_foreground;

/// A program of this system has its console from the beginning.
#[cfg(not(windows))]
pub const fn attach_console() {}

/// A program of this system may ask for the foreground by itself.
#[cfg(not(windows))]
pub const fn allow_foreground(_pid: u32) {}
