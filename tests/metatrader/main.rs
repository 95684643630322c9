//! The Expert Advisor's real source, compiled and run on an emulated terminal with a simulated broker; see README.md beside this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::let_underscore_must_use,
    clippy::needless_pass_by_value,
    reason = "tests"
)]

mod compile;
mod emulated;
mod harness;
mod lines;
mod preprocess;
mod scripted;

mod defects;
mod lint;
mod scenarios;

mod away;
mod broker;
mod chaos;
mod check;
mod fuzz;
mod link;
mod numbers;
mod shim;
mod whole;
