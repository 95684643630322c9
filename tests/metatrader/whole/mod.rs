//! The whole program over the real Expert Advisor: practice platform → Pusher → the executor's binary → pipe or TCP →
//! `FX-Executor.mq5` in the emulated terminal → a deal in the broker's books → the platform's final status.
//!
//! What counts is what a trader would look at: the broker's deals, what the platform says, and the executor's own words.

#[path = "../../program/executor.rs"]
#[expect(dead_code, reason = "written for the tests of the program")]
mod executor;
#[path = "../../program/ledger.rs"]
#[expect(dead_code, reason = "written for the tests of the program")]
mod ledger;
#[path = "../../program/rig.rs"]
#[expect(dead_code, reason = "written for the tests of the program")]
mod rig;

mod accounts;
mod away;
mod chaos;
mod doubt;
mod gates;
mod late_lists;
pub mod numbers;
mod partial;
mod peers;
mod stop;
mod trade;
mod unseen;
mod verdict;
mod world;

use std::time::Duration;

pub use crate::scripted::Kind;
pub use world::{Whole, is_own};

/// More than any step needs on a busy machine.
const LONG: Duration = Duration::from_secs(40);

const BOTH: [Kind; 2] = [Kind::Pipe, Kind::Tcp];
