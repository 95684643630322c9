//! The other side of every wire, on this machine: the web platform's API and a Pusher server, with faults to
//! switch on.
//!
//! Both speak the real protocols over real sockets on 127.0.0.1 only. It shares no logic with the program's own
//! clients: what those misunderstand must show here.

mod clock;
mod faults;
mod gate;
mod identity;
mod platform;
mod pusher;
mod start;
mod strategies;
mod world;

pub use faults::{
    Call, Fault, FaultError, Faults, HttpFault, MAX_FAULTS, PusherFault, Server, StandingFault,
};
pub use platform::{CommandRow, ExecutorRow, MAX_ROWS, MarketSource, StrategyRow, TableFull};
pub use pusher::ConsoleEvent;
pub use start::{PracticeError, PracticeOptions, start};
pub use strategies::SCALPER;
pub use world::{PracticeWorld, config_file};
