//! MetaTrader 5 through the project's own Expert Advisor: the wire (docs/metatrader-link.md), the session above it, and
//! the pipe and port it is served on. Nothing here decides to trade, and no answer is ever invented.

pub mod handshake;
pub mod line;
mod link_file;
mod listen_pipe;
mod listen_tcp;
pub mod message;
mod peer;
pub mod presend;
pub mod request;
mod server;
pub mod session;
#[cfg(test)]
mod tests;
#[cfg(windows)]
mod windows;

use std::path::PathBuf;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Terminal;
use presend::MarginReserve;
use session::Limits;

/// Requests and events that may wait in the channels.
const REQUESTS: usize = 256;
const EVENTS: usize = 1_024;

#[derive(Clone, Debug)]
pub struct MetaTraderOptions {
    /// The terminals' common folder, `Common\Files`; `FX-Executor\link.txt` is written into it.
    pub common_files: PathBuf,
    /// Serve the named pipe. Elsewhere than on Windows a Unix socket `pipe/<name>` beside `common_files` stands
    /// in for it.
    pub pipe: bool,
    /// Serve TCP on 127.0.0.1 at this port; 0 takes any free one.
    pub tcp: Option<u16>,
    /// Acknowledge what the EA sends over TCP at once. Its sockets cannot switch Nagle's algorithm off, so a delayed
    /// acknowledgement holds its next line up (Windows up to 200 ms, Linux 40 ms).
    pub immediate_ack: bool,
    /// Per cent of the free margin that an entry must leave.
    pub margin_reserve_percent: u32,
    /// The last deal that the journal knows; later ones are told after connecting. `None`: those of the last day.
    pub deals_since: Option<Timestamp>,
    pub limits: Limits,
}

impl MetaTraderOptions {
    /// Pipe and TCP at any free port.
    pub fn new(common_files: PathBuf) -> Self {
        Self {
            common_files,
            pipe: true,
            tcp: Some(0),
            immediate_ack: true,
            margin_reserve_percent: 10,
            deals_since: None,
            limits: Limits::default(),
        }
    }
}

/// Where all MetaTrader 5 terminals of this user share files; `None` where there is no such place.
pub fn common_files() -> Option<PathBuf> {
    let roaming = std::env::var_os("APPDATA")?;
    Some(
        PathBuf::from(roaming)
            .join("MetaQuotes")
            .join("Terminal")
            .join("Common")
            .join("Files"),
    )
}

/// See [`super::spawn_metatrader`].
pub(super) fn spawn(options: MetaTraderOptions, end: CancellationToken) -> Terminal {
    let (request_sender, requests) = mpsc::channel(REQUESTS);
    let (events, event_receiver) = mpsc::channel(EVENTS);
    tokio::spawn(server::run(options, requests, events, end));
    Terminal {
        requests: request_sender,
        events: event_receiver,
    }
}

impl MetaTraderOptions {
    const fn margin_reserve(&self) -> MarginReserve {
        MarginReserve {
            percent: self.margin_reserve_percent,
        }
    }
}
