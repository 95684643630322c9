//! What the operating system gives: requests between processes, signals. Honest no-ops where a system lacks something.

mod request;

pub use request::Request;
