//! Health of the links, made so that a light cannot lie: `Up` counts only while its last proof is young enough.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

/// One connection that the program depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Leg {
    /// HTTP to the web platform, proven by an answered heartbeat.
    Platform,
    /// The Pusher socket, proven by any received frame.
    Pusher,
    /// The subscription of our private channel, proven together with the socket.
    Channel,
    /// The MetaTrader or paper terminal, proven by its sign of life.
    Terminal,
}

impl Leg {
    pub const ALL: [Self; 4] = [Self::Platform, Self::Pusher, Self::Channel, Self::Terminal];

    /// How old the last proof may be before "up" is no longer claimed.
    pub const fn proof_window(self) -> SignedDuration {
        SignedDuration::from_secs(match self {
            Self::Platform => 90,
            Self::Pusher | Self::Channel => 30,
            Self::Terminal => 5,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Phase {
    /// Not configured or switched off.
    Off,
    Connecting,
    Up,
    /// Lost; a retry is scheduled or running.
    Retrying,
    /// Refused for good: somebody must change something.
    Failed,
}

/// What is known of one leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkHealth {
    pub phase: Phase,
    /// When this phase began.
    pub since: Timestamp,
    /// Why, in words, when it is not up.
    pub detail: String,
    pub latency_ms: Option<u32>,
    /// The last moment at which something measured showed the leg working.
    pub last_proof: Option<Timestamp>,
    pub retry_at: Option<Timestamp>,
    /// Failed attempts since it was last up.
    pub attempts: u32,
}

/// What a light may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Light {
    Off,
    Working,
    Good,
    /// It was up, but its last proof is too old to say so now.
    Stale,
    Bad,
}

impl LinkHealth {
    pub const fn off(since: Timestamp) -> Self {
        Self {
            phase: Phase::Off,
            since,
            detail: String::new(),
            latency_ms: None,
            last_proof: None,
            retry_at: None,
            attempts: 0,
        }
    }

    /// Seconds since the last proof, never negative.
    pub fn proof_age(&self, now: Timestamp) -> Option<SignedDuration> {
        self.last_proof
            .map(|proof| now.duration_since(proof).max(SignedDuration::ZERO))
    }

    pub fn light(&self, leg: Leg, now: Timestamp) -> Light {
        match self.phase {
            Phase::Off => Light::Off,
            Phase::Connecting => Light::Working,
            Phase::Retrying | Phase::Failed => Light::Bad,
            Phase::Up => match self.proof_age(now) {
                Some(age) if age <= leg.proof_window() => Light::Good,
                _ => Light::Stale,
            },
        }
    }
}

/// A shell's report about its leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkReport {
    pub leg: Leg,
    pub phase: Phase,
    pub detail: String,
    pub latency_ms: Option<u32>,
    pub retry_at: Option<Timestamp>,
    pub attempts: u32,
}
