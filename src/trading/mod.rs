//! The pure middle of FX Executor: what is decided, and nothing that touches the world.
//!
//! [`market`] has the words, [`strategy`] reads stored rules and decides at each closed bar, [`core`] decides on commands and
//! orders, [`replay`] runs the same decisions over history. A package of its own: what is not among its dependencies (a
//! runtime, sockets, a database, a window) cannot be used here.

pub mod core;
pub mod market;
pub mod replay;
pub mod strategy;
