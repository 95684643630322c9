//! Whether the other side is still there (Pusher protocol, "Ping and pong messages"). Pure.
//!
//! Any received frame is life. Pings are protocol events, not WebSocket pings: some servers count only those.

use std::time::Duration;

use crate::{core::Now, pusher::Timing};

#[derive(Clone, Debug)]
pub struct Liveness {
    /// The last received frame.
    pub seen: Now,
    /// Silence counts from here: the last frame, or our own pause in reading.
    quiet_since: Duration,
    ping_after: Duration,
    last_ping: Duration,
    /// Until when some frame must arrive.
    answer_by: Option<Duration>,
    /// The ping whose pong tells the latency.
    measured_from: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    Nothing,
    Ping,
    Dead,
}

impl Liveness {
    /// `server_timeout` is the greeting's `activity_timeout` in seconds, as sent.
    pub fn new(now: Now, server_timeout: Option<f64>, timing: &Timing) -> Self {
        Self {
            seen: now,
            quiet_since: now.mono,
            ping_after: ping_after(server_timeout, timing),
            last_ping: now.mono,
            answer_by: None,
            measured_from: None,
        }
    }

    pub fn frame(&mut self, now: Now) {
        self.seen = now;
        self.quiet_since = now.mono;
        self.answer_by = None;
    }

    /// The latency, if this pong answers a ping of ours.
    pub fn pong(&mut self, now: Now) -> Option<Duration> {
        self.measured_from
            .take()
            .and_then(|from| now.mono.checked_sub(from))
    }

    /// We do not read on purpose: silence proves nothing.
    pub fn held(&mut self, now: Duration) {
        self.quiet_since = now;
        self.answer_by = None;
    }

    /// A ping is sent now; its answer must come within `limit`.
    pub fn pinged(&mut self, now: Duration, limit: Duration) {
        let by = now + limit;
        self.answer_by = Some(self.answer_by.map_or(by, |earlier| earlier.min(by)));
        self.last_ping = now;
        self.measured_from = Some(now);
    }

    pub fn next_deadline(&self, timing: &Timing) -> Duration {
        self.answer_by.unwrap_or_else(|| {
            (self.quiet_since + self.ping_after).min(self.last_ping + timing.ping_at_least_every)
        })
    }

    pub fn due(&self, now: Duration, timing: &Timing) -> Due {
        if now < self.next_deadline(timing) {
            Due::Nothing
        } else if self.answer_by.is_some() {
            Due::Dead
        } else {
            Due::Ping
        }
    }
}

/// Our own limit or the server's, whichever is shorter; the server's is believed between 5 s and 120 s.
fn ping_after(server: Option<f64>, timing: &Timing) -> Duration {
    let server = server
        .filter(|seconds| !seconds.is_nan())
        .map_or(timing.ping_after, |seconds| {
            Duration::from_secs_f64(seconds.clamp(5.0, 120.0))
        });
    timing.ping_after.min(server)
}
