//! What a trader wants to hear of when he does not look at the window.
//!
//! [`AlertWatch`] compares what the engine publishes with what it published before. It decides nothing about trading, and
//! nothing waits for it.

mod kinds;
mod watch;

#[cfg(test)]
mod tests;

pub use kinds::{Alert, AlertKind, AlertKinds, Place};
pub use watch::AlertWatch;
