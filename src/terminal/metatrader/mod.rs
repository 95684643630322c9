//! MetaTrader 5 through the project's own Expert Advisor: the wire (docs/metatrader-link.md), the session above it, and
//! the pipe and port it is served on. Nothing here decides to trade, and no answer is ever invented.

pub mod handshake;
pub mod line;
pub mod message;
pub mod presend;
pub mod request;
pub mod session;
