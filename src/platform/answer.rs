//! What the calls bring back.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::wire::{ChannelData, ExecutorConfig, ROWS_PER_BEAT};

/// Answer of the configuration call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchedConfig {
    #[serde(flatten)]
    pub config: ExecutorConfig,
    pub fetched_at: Timestamp,
    #[serde(skip)]
    pub latency: Duration,
    #[serde(skip)]
    pub clock_offset: Option<SignedDuration>,
}

/// What Pusher wants to see when our private channel is subscribed.
#[derive(Clone, PartialEq, Eq)]
pub struct ChannelAuth {
    /// `key:signature`
    pub auth: String,
    /// To be sent on byte for byte: the signature covers this very text (contract T1).
    pub channel_data: Option<String>,
}

impl fmt::Debug for ChannelAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelAuth")
            .field("channel_data", &self.channel_data)
            .finish_non_exhaustive()
    }
}

/// One command waiting on the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingRow {
    /// `None` when the row has no id; it is shown and never reported.
    pub id: Option<String>,
    /// The row's JSON text as it came.
    pub raw: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeartbeatAnswer {
    pub rows: Vec<PendingRow>,
    pub server_time: Option<Timestamp>,
    pub latency: Duration,
    /// Platform clock minus ours.
    pub clock_offset: Option<SignedDuration>,
}

impl HeartbeatAnswer {
    /// A full page: more rows wait, and the next heartbeat should follow once these are reported (contract C3).
    pub const fn more_waiting(&self) -> bool {
        self.rows.len() >= ROWS_PER_BEAT
    }
}

/// What the platform holds about a reported command. Its `user_id` proves who issued it (contract C9); its status
/// proves nothing (C10) and is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportAnswer {
    pub user_id: Option<String>,
    pub command: Option<String>,
    pub parameters: Option<Value>,
    pub created_at: Option<Timestamp>,
    pub latency: Duration,
}

/// Answer of the public health page; never a reason to trade or not to (contract T10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub status: String,
    pub latency: Duration,
    pub clock_offset: Option<SignedDuration>,
}

/// The owner's user id, which only `channel_data` tells before any command.
pub fn owner_of(channel_data: &str) -> Option<String> {
    serde_json::from_str::<ChannelData>(channel_data)
        .ok()
        .map(|data| data.user_id)
        .filter(|user| !user.is_empty())
}

impl PendingRow {
    pub(super) fn new(raw: &str) -> Self {
        #[derive(Deserialize)]
        struct Identity {
            #[serde(default)]
            id: Value,
        }
        let id = match serde_json::from_str::<Identity>(raw).map(|row| row.id) {
            Ok(Value::String(id)) if !id.is_empty() => Some(id),
            Ok(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        Self {
            id,
            raw: raw.to_owned(),
        }
    }
}
