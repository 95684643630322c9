//! What a close code asks of the client (Pusher protocol, "Connection closure"). Pure.

use std::time::Duration;

/// How soon the next attempt may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Short jittered delay, doubling.
    Backoff,
    /// At once, but only once in a row: a server that is draining answers the same every time.
    AtOnce,
    /// The server asked for patience: not before this, doubling.
    NotBefore(Duration),
    /// The server named a time (`Retry-After`).
    After(Duration),
    /// Only a person can change this soon.
    Slow,
    /// The server wants TLS.
    OverTls,
    /// Our credentials were refused: renew them, one retry, then stop.
    Renew,
    /// Repeating is pointless.
    Stop,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The code of the close frame; `None` when there was none (1005, 1006).
    pub code: Option<u16>,
    /// The close frame's words, or what went wrong with the transport.
    pub reason: String,
}

/// By number, listed or not: the ranges carry the meaning.
pub const fn pace_of(code: i64) -> Pace {
    match code {
        4000 => Pace::OverTls,
        4009 => Pace::Renew,
        4001..=4099 => Pace::Stop,
        4100..=4199 => Pace::NotBefore(Duration::from_secs(1)),
        4200..=4299 => Pace::AtOnce,
        _ => Pace::Backoff,
    }
}

/// Whether a `pusher:error` with this code ends a handshake. 43xx and unknown codes are notices.
pub const fn ends_handshake(code: i64) -> bool {
    matches!(code, 4000..=4299)
}

/// What the code means, for the trader.
pub const fn meaning(code: i64) -> Option<&'static str> {
    Some(match code {
        1001 => "the server is going away",
        1009 => "a message was too big",
        1011 => "the server had an internal error",
        1012 => "the server is restarting",
        4000 => "the server accepts only TLS connections",
        4001 => "the server does not know this Pusher key; check pusherKey and pusherCluster",
        4003 => "the Pusher application is disabled",
        4004 => "the Pusher application is over its connection quota",
        4005 => "the server does not know this path; check pusherPath",
        4006..=4008 => "the server does not support this protocol version",
        4009 => "the server does not authorize this connection",
        4100 => "the server is over capacity",
        4200 => "the server asks to connect again",
        4201 => "the server got no answer to its ping",
        4202 => "the server closed the connection after inactivity",
        4002 | 4010..=4099 => "the server refuses the connection for good",
        4101..=4199 => "the server asks to come back later",
        4203..=4299 => "the server asks to connect again",
        _ => return None,
    })
}

/// "closed with 4001: the server does not know this Pusher key (its words)".
pub fn describe(code: i64, words: &str) -> String {
    let mut text = match meaning(code) {
        Some(meaning) => format!("{meaning} (code {code}"),
        None => format!("the server closed the connection (code {code}"),
    };
    if !words.is_empty() {
        text.push_str(": ");
        text.push_str(words);
    }
    text.push(')');
    text
}
