//! HTTP client of the web platform: the calls that an executor's key and secret open.
//!
//! Translates calls into typed answers and typed errors; decides nothing about commands. It must never follow a
//! redirect, believe an answer that is not JSON, wait without a limit, or put a key, a secret or an answer's body into
//! an error.
//!
//! Contract C16: `active-strategies` is left out on purpose. It always answers an empty list, and an empty list from it
//! means nothing; a program that believed it would stop everything that runs.

mod answer;
pub mod beat;
mod client;
mod clock;
mod error;
mod response;
pub mod wire;

#[cfg(test)]
mod calls;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod scripted;

pub use answer::{
    ChannelAuth, FetchedConfig, Health, HeartbeatAnswer, PendingRow, ReportAnswer, owner_of,
};
pub use client::{Credentials, Limits, PlatformClient, SetupError};
pub use clock::clock_offset;
pub use error::{Call, CallError, CallErrorKind, Class, ConnectProblem};
pub use wire::{BeatMetadata, BeatStatus, Report, ReportStatus};
