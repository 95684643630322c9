//! What the operating system gives: requests between processes, signals. Honest no-ops where a system lacks something.

mod console;
mod request;
#[cfg(windows)]
mod windows_console;

pub use console::say;
pub use request::Request;
#[cfg(windows)]
pub use windows_console::attach_console;

/// A program of this system has its console from the beginning.
#[cfg(not(windows))]
pub const fn attach_console() {}
