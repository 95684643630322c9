//! One subscription: where it stands, and what a failure does to it.

use std::time::Duration;

use jiff::Timestamp;

use super::{Cx, backoff::Backoff};
use crate::pusher::{Authorization, AuthorizeError, Event, Timing, closing::Pace};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// No connection.
    Idle,
    /// Its turn for authorization comes.
    Queued,
    Authorizing {
        ticket: u64,
        until: Duration,
    },
    Sent {
        until: Duration,
    },
    Subscribed,
    Retrying {
        until: Duration,
    },
    /// Refused for good; looked at again seldom.
    Failed {
        probe_at: Duration,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) name: String,
    /// False while a subscription is on the wire that is to be undone once confirmed.
    pub(super) wanted: bool,
    pub(super) phase: Phase,
    pub(super) backoff: Backoff,
    /// The one renewal of credentials after a refusal was used.
    pub(super) renewed: bool,
    pub(super) renew_next: bool,
    /// Subscriptions sent on this connection that were never confirmed.
    pub(super) unconfirmed: u32,
    pub(super) refusals: u32,
    /// Since when and why events may be missing.
    pub(super) away: Option<(Timestamp, String)>,
}

impl Channel {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            wanted: true,
            phase: Phase::Idle,
            backoff: Backoff::default(),
            renewed: false,
            renew_next: false,
            unconfirmed: 0,
            refusals: 0,
            away: None,
        }
    }

    pub(super) fn needs_authorization(&self) -> bool {
        self.name.starts_with("private-") || self.name.starts_with("presence-")
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        match self.phase {
            Phase::Authorizing { until, .. }
            | Phase::Sent { until }
            | Phase::Retrying { until } => Some(until),
            Phase::Failed { probe_at } => Some(probe_at),
            Phase::Idle | Phase::Queued | Phase::Subscribed => None,
        }
    }

    /// A subscription to it is on this connection and was not confirmed. A late confirmation is as good as one in time: the
    /// server sends what is published from then on, whether or not it is being asked again.
    pub(super) const fn may_be_confirmed(&self) -> bool {
        match self.phase {
            Phase::Sent { .. } => true,
            Phase::Queued
            | Phase::Authorizing { .. }
            | Phase::Retrying { .. }
            | Phase::Failed { .. } => self.unconfirmed > 0,
            Phase::Idle | Phase::Subscribed => false,
        }
    }

    /// Marks the subscription as gone since `from`; the first loss counts.
    pub(super) fn leave(&mut self, from: Timestamp, reason: &str) {
        if self.phase == Phase::Subscribed && self.away.is_none() {
            self.away = Some((from, reason.to_owned()));
        }
    }
}

pub(super) fn retry(
    channel: &mut Channel,
    status: Option<u16>,
    reason: String,
    pace: Pace,
    timing: &Timing,
    cx: &mut Cx<'_>,
) {
    let delay = channel.backoff.next(pace, Duration::MAX, timing, cx.rng);
    channel.phase = Phase::Retrying {
        until: cx.now.mono + delay,
    };
    cx.tell(Event::SubscriptionFailed {
        channel: channel.name.clone(),
        status,
        reason,
        retry_in: Some(delay),
        permanent: false,
    });
}

pub(super) fn fail(
    channel: &mut Channel,
    status: Option<u16>,
    reason: String,
    timing: &Timing,
    cx: &mut Cx<'_>,
) {
    let delay = channel.backoff.probe(timing, cx.rng);
    channel.phase = Phase::Failed {
        probe_at: cx.now.mono + delay,
    };
    cx.tell(Event::SubscriptionFailed {
        channel: channel.name.clone(),
        status,
        reason,
        retry_in: Some(delay),
        permanent: true,
    });
}

/// A signature of another application would only be refused by the server, with less to go by.
pub(super) fn check_key(given: Authorization, key: &str) -> Result<Authorization, AuthorizeError> {
    match given.auth.split_once(':') {
        Some((prefix, signature)) if prefix == key && !signature.is_empty() => Ok(given),
        _ => Err(AuthorizeError::Invalid {
            reason: "the authorization is not for this Pusher key; pusherKey differs from the platform's".to_owned(),
        }),
    }
}
