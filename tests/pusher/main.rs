//! The Pusher client against the behaviours that servers really show, one test for each row of the conformance list
//! (`row_NN_…`). Rules of time and order run on the pure session, the wire runs on a scripted server on 127.0.0.1.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod machine;
mod script;

mod delivery;
mod frames;
mod handshake;
mod interop;
mod keepalive;
mod logs;
mod network;
mod properties;
mod reconnect;
mod subscribe;
