//! What the operating system gives: requests between processes, signals. Honest no-ops where a system lacks something.

mod console;
mod request;

pub use console::say;
pub use request::Request;
