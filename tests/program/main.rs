//! The whole program from outside: the real binary, killed, starved and lied to, against a practice world that lives in
//! the test and so outlasts it. What counts is what a trader would count: deals, and the platform's final statuses.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

mod executor;
mod forget;
mod ledger;
mod rig;

mod backlog;
mod clocks;
mod crash;
mod disk;
mod history;
mod kills;
mod modes;
mod mt5;
mod platform;
mod pusher;
mod secrets;
mod settings;
mod stop;
mod strategies;
mod update;
mod window;
