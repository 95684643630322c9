//! Client of the Pusher Channels protocol, version 7: connects, authorizes, subscribes, reconnects, and hands over every
//! event in the order it came. It decides nothing about what an event means and never opens a second socket while
//! one lives.
//!
//! [`session`] is the whole protocol as a pure state machine; [`client`] starts the thin loop that gives it a
//! socket, a clock and chance. Nothing in protocol 7 replays what was missed, so every re-subscription carries a [`Gap`].

pub mod auth;
pub mod client;
pub mod closing;
pub mod dedup;
pub mod delivery;
pub mod diagnostics;
mod endpoint;
mod event;
pub mod frame;
mod running;
pub mod session;
pub mod socket;
mod timing;
pub mod wake;

pub use auth::{Authorization, AuthorizeError, Authorizer};
pub use client::{Client, Options, spawn, spawn_with};
pub use endpoint::Endpoint;
pub use event::{Command, ConnectionState, Event, Gap, StateChange};
pub use timing::Timing;
