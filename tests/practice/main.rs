//! The practice world over its real sockets: the platform's contract, the Pusher protocol, the faults, and the
//! official Pusher libraries against it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod commands;
mod faults;
mod interop;
mod platform;
mod pusher;
mod rest;
mod world;
