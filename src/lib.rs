//! FX Executor: executes a trading platform's commands on MetaTrader 5, exactly once, and shows everything that happened.
//!
//! The package `fx-trading` (`core`, `strategy`, …) decides and is pure; the shells (`pusher`, `platform`, `terminal`,
//! `journal`, `settings`, `setup`, `os`) translate and decide nothing; `engine` owns the state and runs the loop; `ui` draws
//! it. `practice` is the other side of every wire, on this machine. See ARCHITECTURE.md.

pub mod alerts;
pub mod cli;
pub mod decisions;
pub mod doctor;
pub mod engine;
pub mod journal;
pub mod logs;
pub mod modes;
pub mod net;
pub mod os;
pub mod platform;
pub mod practice;
pub mod pusher;
pub mod settings;
pub mod setup;
pub mod support;
pub mod terminal;
pub mod ui;
pub mod update;

pub use fx_trading::{core, market, replay, strategy};
