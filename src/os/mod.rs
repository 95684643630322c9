//! What the operating system gives: requests between processes, signals. Honest no-ops where a system lacks something.

pub mod stop_request;
