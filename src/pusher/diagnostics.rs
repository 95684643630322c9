//! What happened lately, for the window and the support bundle. Holds no secrets: reasons are built from codes,
//! addresses and cleaned server messages.

use std::{collections::VecDeque, time::Duration};

use jiff::Timestamp;

use super::{ConnectionState, Event, StateChange};

const KEPT: usize = 64;

/// One change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    pub at: Timestamp,
    pub state: ConnectionState,
    pub reason: Option<String>,
    pub attempt: u32,
    pub retry_in: Option<Duration>,
    pub latency: Option<Duration>,
}

/// Counters since the start and the latest transitions, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    pub transitions: VecDeque<Transition>,
    /// Of the latest answered ping.
    pub latency: Option<Duration>,
    /// Sockets opened or tried.
    pub attempts: u64,
    pub connections: u64,
    pub frames: u64,
    pub delivered: u64,
    /// Unwanted, foreign or late events.
    pub ignored: u64,
    pub malformed: u64,
    pub binary: u64,
    pub duplicates: u64,
    /// Authorization answers that came for an older socket.
    pub stale_answers: u64,
    /// Messages lost to a receiver that stood still too long.
    pub dropped: u64,
}

impl Diagnostics {
    pub(super) fn record(&mut self, transition: Transition) {
        if self.transitions.len() >= KEPT {
            self.transitions.pop_front();
        }
        self.transitions.push_back(transition);
    }
}

/// The log's line for an event, if it has one. The exact words of the subscription lines are relied upon.
pub(super) fn log(event: &Event) {
    match event {
        Event::State(change) => log_state(change),
        Event::Subscribed { channel, gap } => {
            tracing::info!(target: "pusher", "Successfully subscribed to channel: {channel}");
            if let Some(gap) = gap {
                tracing::warn!(
                    target: "pusher",
                    "Events on {channel} may have been missed from {} to {}: {}",
                    gap.from, gap.to, gap.reason
                );
            }
        }
        Event::SubscriptionFailed {
            channel,
            status,
            reason,
            retry_in,
            permanent,
        } => {
            tracing::error!(target: "pusher", "Channel subscription error");
            match status {
                Some(status) => {
                    tracing::error!(target: "pusher", "pusher:subscription_error: Status {status}");
                }
                None => tracing::error!(target: "pusher", "pusher:subscription_error: {reason}"),
            }
            let next = match (retry_in, permanent) {
                (Some(delay), false) => format!("next try in {delay:.1?}"),
                (Some(delay), true) => {
                    format!("somebody must change something; looking again in {delay:.0?}")
                }
                (None, _) => "no further try".to_owned(),
            };
            tracing::warn!(target: "pusher", "{channel}: {reason}; {next}");
        }
        Event::ServerError { code, message } => {
            let code = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
            tracing::warn!(target: "pusher", "pusher:error: {message} (code {code})");
        }
        Event::BadFrame { reason } => tracing::warn!(target: "pusher", "Skipped: {reason}"),
        // Logged where it happens.
        Event::Dropped { .. } | Event::Message { .. } | Event::Alive { .. } => {}
    }
}

fn log_state(change: &StateChange) {
    let reason = change.reason.as_deref().unwrap_or_default();
    match (change.state, change.retry_in) {
        (ConnectionState::Connected, _) => tracing::info!(target: "pusher", "Connected to Pusher"),
        (ConnectionState::Failed, _) => {
            tracing::error!(target: "pusher", "Pusher connection failed: {reason}");
        }
        (ConnectionState::Disconnected, _) => {
            tracing::info!(target: "pusher", "Disconnected from Pusher");
        }
        (_, Some(delay)) => {
            tracing::warn!(target: "pusher", "No Pusher connection: {reason}; attempt {} in {delay:.1?}", change.attempt + 1);
        }
        (state, None) => {
            tracing::debug!(target: "pusher", "Pusher {}, attempt {}", state.name(), change.attempt);
        }
    }
}
