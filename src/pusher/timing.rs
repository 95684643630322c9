//! Every time limit of the client in one place.

use std::time::Duration;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Limits and intervals. The defaults find a dead connection within 23 s of its last frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Silence before we ping; the server's `activity_timeout` can only shorten it.
    pub ping_after: Duration,
    /// How long the answer to a ping may take.
    pub pong_within: Duration,
    /// The same after a wake from sleep or a change of network.
    pub urgent_pong_within: Duration,
    /// We ping this often even under steady traffic, so that a dead write side shows.
    pub ping_at_least_every: Duration,
    /// DNS, TCP, proxy, TLS and upgrade together; each step has its own limit too.
    pub open_within: Duration,
    /// From the upgrade to `pusher:connection_established`.
    pub greeting_within: Duration,
    /// How long our own bytes may wait for the socket.
    pub write_within: Duration,
    /// Connecting for longer is shown as `unavailable`.
    pub unavailable_after: Duration,
    /// Connected and subscribed for this long: the next loss starts with a short delay again.
    pub stable_after: Duration,
    /// Retry delays double from here …
    pub first_retry: Duration,
    /// … stay below this while the outage is young, because most are short …
    pub young_retry: Duration,
    pub young_outage: Duration,
    /// … and never exceed this.
    pub longest_retry: Duration,
    /// Shortest delay after answers that only a person can change soon (TLS, 404, redirects).
    pub slow_retry: Duration,
    /// A refused channel is looked at again after this, then ever more seldom …
    pub first_probe: Duration,
    /// … but at least this often; in `failed`, always.
    pub probe_every: Duration,
    pub authorize_within: Duration,
    /// From `pusher:subscribe` to its confirmation.
    pub acknowledge_within: Duration,
    /// Authorization requests at the same time.
    pub parallel_authorizations: usize,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            ping_after: secs(15),
            pong_within: secs(8),
            urgent_pong_within: secs(4),
            ping_at_least_every: secs(60),
            open_within: secs(20),
            greeting_within: secs(8),
            write_within: secs(8),
            unavailable_after: secs(10),
            stable_after: secs(10),
            first_retry: Duration::from_millis(500),
            young_retry: Duration::from_millis(1500),
            young_outage: secs(10),
            longest_retry: secs(20),
            slow_retry: secs(30),
            first_probe: secs(2),
            probe_every: secs(300),
            authorize_within: secs(10),
            acknowledge_within: secs(8),
            parallel_authorizations: 6,
        }
    }
}
