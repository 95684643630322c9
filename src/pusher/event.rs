//! What the engine tells the client and what it hears from it.

use std::time::Duration;

use jiff::Timestamp;

use super::Endpoint;

/// The names of pusher-js, so that its documentation helps; the reason and the next attempt are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    Initialized,
    /// An attempt runs or a retry waits.
    Connecting,
    /// The server has greeted us and given a socket id.
    Connected,
    /// Connecting for longer than [`super::Timing::unavailable_after`]; attempts go on.
    Unavailable,
    /// Refused in a way that repeating cannot cure; a slow probe goes on in case somebody cures it there.
    Failed,
    /// Switched off by us.
    Disconnected,
}

impl ConnectionState {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initialized => "initialized",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Unavailable => "unavailable",
            Self::Failed => "failed",
            Self::Disconnected => "disconnected",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    pub state: ConnectionState,
    /// Why the connection is not (or no longer) up, in words.
    pub reason: Option<String>,
    /// Failed attempts and lost connections since it was last stable.
    pub attempt: u32,
    /// When the next attempt starts, from now; `None` while one runs and when none is planned.
    pub retry_in: Option<Duration>,
    pub socket_id: Option<String>,
}

/// The time in which events of a channel may have been missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last moment at which the old subscription was known to deliver.
    pub from: Timestamp,
    pub to: Timestamp,
    pub reason: String,
}

/// What the engine receives, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    State(StateChange),
    /// The server has confirmed. The gap, if any, comes before the first live event of the new subscription.
    Subscribed {
        channel: String,
        gap: Option<Gap>,
    },
    SubscriptionFailed {
        channel: String,
        /// Of the authorization request or of the server's `pusher:subscription_error`.
        status: Option<u16>,
        reason: String,
        retry_in: Option<Duration>,
        /// Refused: it will not succeed until somebody changes something. `retry_in` is then a slow probe.
        permanent: bool,
    },
    Message {
        channel: String,
        event: String,
        /// The text of `data`: a string is decoded once, anything else is the JSON as received, absent is empty.
        data: String,
        received: tokio::time::Instant,
    },
    /// Proof of life: some frame arrived. At most about one a second, and one for each answered ping.
    Alive {
        latency: Option<Duration>,
    },
    /// `pusher:error`. On a running connection it is a notice, not a close.
    ServerError {
        code: Option<i64>,
        message: String,
    },
    /// A frame was not understood and skipped; the connection goes on.
    BadFrame {
        reason: String,
    },
    /// The receiver was too slow for too long: this many messages are missing at this point.
    Dropped {
        messages: u64,
    },
}

/// What the engine asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Connect now; cuts a waiting retry short, does nothing while connected or connecting.
    Connect,
    /// Close and stay closed.
    Disconnect,
    /// Close and connect again at once.
    Reconnect(String),
    /// Connect there from now on; nothing happens when it is the same.
    SetEndpoint(Endpoint),
    Subscribe(String),
    Unsubscribe(String),
    /// The computer's network changed: prove the connection or make a new one.
    NetworkChanged,
    /// The computer woke from sleep: the same.
    Resumed,
}
