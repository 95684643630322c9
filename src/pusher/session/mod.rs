//! The protocol as a pure state machine: inputs in, actions out. Time, chance and generation numbers make every run
//! repeatable. It never performs IO and never has two sockets: each one carries a generation, and whatever comes
//! from an older one is nobody's.

pub mod backoff;
mod channel;
mod channels;
mod commands;
mod control;
mod io;
mod liveness;

pub use io::{Action, Cx, Filter, Input};

use std::time::Duration;

use self::{
    backoff::Backoff,
    channels::{Channels, Wire},
    liveness::{Due, Liveness},
};
use super::{
    ConnectionState, Endpoint, Event, StateChange, Timing,
    closing::{self, Ended, Pace},
    dedup::RecentIds,
    diagnostics::{Diagnostics, Transition},
    frame::{self, ServerError},
};

/// Equal silent refusals before we say what they look like.
const SILENT_CUTS: u32 = 3;
/// Attempts over TLS, asked for by the server, after which the way of the settings is tried again.
const SECURED_ATTEMPTS: u32 = 4;
/// How long an error event explains the close that follows.
const ERROR_EXPLAINS: Duration = Duration::from_secs(5);

#[derive(Debug)]
enum Link {
    Off,
    Waiting {
        until: Duration,
    },
    Opening {
        until: Duration,
    },
    /// Open, but not greeted.
    Greeting {
        until: Duration,
    },
    Up(Box<Up>),
    Failed {
        probe_at: Duration,
    },
}

#[derive(Debug)]
struct Up {
    socket_id: String,
    liveness: Liveness,
    /// Since when everything wanted is subscribed.
    settled_since: Option<Duration>,
}

#[derive(Debug)]
pub struct Session {
    timing: Timing,
    endpoint: Endpoint,
    filter: Filter,
    recent: RecentIds,
    /// The server asked for TLS (4000).
    secured: bool,
    generation: u64,
    link: Link,
    channels: Channels,
    backoff: Backoff,
    attempt: u32,
    opened_at: Duration,
    /// Not connected, though wanted.
    down_since: Option<Duration>,
    /// Not stable; how long decides the pace of retries.
    unstable_since: Option<Duration>,
    state: ConnectionState,
    reason: Option<String>,
    silent_cuts: u32,
    /// The one renewal after close code 4009 was used.
    renewed: bool,
    renew_next: bool,
    last_error: Option<(Duration, ServerError)>,
    alive_told: Option<Duration>,
    bad_told: Option<Duration>,
    diagnostics: Diagnostics,
}

impl Session {
    pub fn new(endpoint: Endpoint, timing: Timing, channels: Vec<String>, filter: Filter) -> Self {
        Self {
            timing,
            endpoint,
            filter,
            recent: RecentIds::new(1024),
            secured: false,
            generation: 0,
            link: Link::Off,
            channels: Channels::new(channels),
            backoff: Backoff::default(),
            attempt: 0,
            opened_at: Duration::ZERO,
            down_since: None,
            unstable_since: None,
            state: ConnectionState::Initialized,
            reason: None,
            silent_cuts: 0,
            renewed: false,
            renew_next: false,
            last_error: None,
            alive_told: None,
            bad_told: None,
            diagnostics: Diagnostics::default(),
        }
    }

    pub const fn state(&self) -> ConnectionState {
        self.state
    }

    pub const fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    /// When [`Input::Timer`] is due.
    pub fn deadline(&self) -> Option<Duration> {
        let link = match &self.link {
            Link::Off => return None,
            Link::Waiting { until } | Link::Opening { until } | Link::Greeting { until } => *until,
            Link::Failed { probe_at } => return Some(*probe_at),
            Link::Up(up) => {
                let stable = (self.unstable_since.is_some() || self.attempt > 0)
                    .then_some(up.settled_since)
                    .flatten()
                    .map(|since| since + self.timing.stable_after);
                return [
                    Some(up.liveness.next_deadline(&self.timing)),
                    self.channels.next_deadline(),
                    stable,
                ]
                .into_iter()
                .flatten()
                .min();
            }
        };
        let unavailable = self
            .down_since
            .filter(|_| self.state == ConnectionState::Connecting)
            .map(|since| since + self.timing.unavailable_after);
        Some(unavailable.map_or(link, |at| at.min(link)))
    }

    /// Takes one input; what is to be done is appended to `cx.out`.
    pub fn handle(&mut self, input: Input<'_>, cx: &mut Cx<'_>) {
        match input {
            Input::Text { generation, text } if generation == self.generation => {
                self.text(text, cx);
            }
            Input::Other { generation, binary } if generation == self.generation => {
                self.diagnostics.frames += 1;
                if binary {
                    self.diagnostics.binary += 1;
                }
                self.frame_seen(None, cx);
            }
            Input::Held { generation } if generation == self.generation => {
                if let Link::Up(up) = &mut self.link {
                    up.liveness.held(cx.now.mono);
                }
            }
            Input::Opened { generation } if generation == self.generation => {
                if matches!(self.link, Link::Opening { .. }) {
                    self.link = Link::Greeting {
                        until: cx.now.mono + self.timing.greeting_within,
                    };
                }
            }
            Input::OpenFailed {
                generation,
                reason,
                pace,
            } if generation == self.generation => {
                if matches!(self.link, Link::Opening { .. }) {
                    self.lost(reason, pace, cx);
                }
            }
            Input::Ended { generation, ended } if generation == self.generation => {
                self.ended(&ended, cx);
            }
            // An older socket's last words.
            Input::Text { .. }
            | Input::Other { .. }
            | Input::Held { .. }
            | Input::Opened { .. }
            | Input::OpenFailed { .. }
            | Input::Ended { .. } => {}
            Input::Authorized { ticket, answer } => self.authorized(ticket, answer, cx),
            Input::Command(command) => self.command(command, cx),
            Input::Timer => self.timer(cx),
        }
        self.note_settled(cx.now.mono);
    }

    fn start_afresh(&mut self, cx: &mut Cx<'_>) {
        self.forget_trouble();
        self.open(cx);
    }

    fn forget_trouble(&mut self) {
        self.backoff.reset();
        self.attempt = 0;
        self.silent_cuts = 0;
        self.renewed = false;
        self.unstable_since = None;
        self.last_error = None;
    }

    fn open(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now.mono;
        self.generation += 1;
        self.opened_at = now;
        self.last_error = None;
        self.diagnostics.attempts += 1;
        self.down_since.get_or_insert(now);
        self.unstable_since.get_or_insert(now);
        self.link = Link::Opening {
            until: now + self.timing.open_within,
        };
        cx.out.push(Action::Open {
            generation: self.generation,
            endpoint: if self.secured {
                self.endpoint.secured()
            } else {
                self.endpoint.clone()
            },
            renew: std::mem::take(&mut self.renew_next),
        });
        self.tell_state(self.trying(now), None, cx);
    }

    /// `connecting`, or `unavailable` when that has lasted.
    fn trying(&self, now: Duration) -> ConnectionState {
        match self.down_since {
            Some(since) if now >= since + self.timing.unavailable_after => {
                ConnectionState::Unavailable
            }
            _ => ConnectionState::Connecting,
        }
    }

    fn tell_state(&mut self, state: ConnectionState, retry_in: Option<Duration>, cx: &mut Cx<'_>) {
        self.state = state;
        let socket_id = match &self.link {
            Link::Up(up) => Some(up.socket_id.clone()),
            _ => None,
        };
        let reason = self
            .reason
            .clone()
            .filter(|_| state != ConnectionState::Connected);
        self.diagnostics.record(Transition {
            at: cx.now.utc,
            state,
            reason: reason.clone(),
            attempt: self.attempt,
            retry_in,
            latency: self.diagnostics.latency,
        });
        cx.tell(Event::State(StateChange {
            state,
            reason,
            attempt: self.attempt,
            retry_in,
            socket_id,
        }));
    }

    fn close(&mut self, cx: &mut Cx<'_>) {
        self.close_because("switched off", cx);
    }

    /// Drops the socket, if there is one, without planning another.
    fn close_because(&mut self, reason: &str, cx: &mut Cx<'_>) {
        if matches!(
            self.link,
            Link::Opening { .. } | Link::Greeting { .. } | Link::Up(_)
        ) {
            cx.out.push(Action::Close {
                generation: self.generation,
            });
        }
        self.channels_lost(reason, cx);
        // Whatever the old socket still says is nobody's.
        self.generation += 1;
        self.down_since.get_or_insert(cx.now.mono);
    }

    fn channels_lost(&mut self, reason: &str, cx: &Cx<'_>) {
        let from = match &self.link {
            Link::Up(up) => up.liveness.seen.utc,
            _ => cx.now.utc,
        };
        self.channels.disconnected(from, reason);
    }

    /// The socket is given up by us.
    fn drop_socket(&mut self, reason: String, pace: Pace, cx: &mut Cx<'_>) {
        cx.out.push(Action::Close {
            generation: self.generation,
        });
        self.lost(reason, pace, cx);
    }

    /// The socket or the attempt is gone: plan the next.
    fn lost(&mut self, reason: String, pace: Pace, cx: &mut Cx<'_>) {
        let now = cx.now.mono;
        self.become_stable(now);
        self.attempt += 1;
        self.channels_lost(&reason, cx);
        self.generation += 1;
        self.down_since.get_or_insert(now);
        let unstable_since = *self.unstable_since.get_or_insert(now);
        self.reason = Some(reason);
        // The server asked for TLS, and nothing is there: the way of the settings gets its turn again.
        if self.secured && pace == Pace::Backoff && self.attempt.is_multiple_of(SECURED_ATTEMPTS) {
            self.secured = false;
        }
        let pace = match pace {
            Pace::OverTls if !self.endpoint.tls && !self.secured => {
                self.secured = true;
                Pace::OverTls
            }
            Pace::Renew if !self.renewed => {
                self.renewed = true;
                self.renew_next = true;
                Pace::Renew
            }
            Pace::OverTls | Pace::Renew => Pace::Stop,
            other => other,
        };
        let outage = now.saturating_sub(unstable_since);
        let delay = self.backoff.next(pace, outage, &self.timing, cx.rng);
        let until = now + delay;
        if pace == Pace::Stop {
            self.link = Link::Failed { probe_at: until };
            self.tell_state(ConnectionState::Failed, Some(delay), cx);
        } else {
            self.link = Link::Waiting { until };
            self.tell_state(self.trying(now), Some(delay), cx);
        }
    }

    /// The other side closed, or the transport broke.
    fn ended(&mut self, ended: &Ended, cx: &mut Cx<'_>) {
        if matches!(
            self.link,
            Link::Off | Link::Waiting { .. } | Link::Failed { .. }
        ) {
            return;
        }
        let greeted = matches!(self.link, Link::Up(_));
        // Some servers explain in an event and then close without a code.
        let explained = self
            .last_error
            .take()
            .filter(|(at, _)| cx.now.mono.saturating_sub(*at) <= ERROR_EXPLAINS)
            .and_then(|(_, error)| error.code.map(|code| (code, error.message)))
            .filter(|(code, _)| closing::ends_handshake(*code));
        let (code, words) = match (ended.code, explained) {
            (Some(code), _) => (Some(i64::from(code)), ended.reason.clone()),
            (None, Some((code, words))) => (Some(code), words),
            (None, None) => (None, ended.reason.clone()),
        };
        if let Some(code) = code {
            self.silent_cuts = 0;
            return self.lost(closing::describe(code, &words), closing::pace_of(code), cx);
        }
        if !greeted {
            self.silent_cuts += 1;
        }
        let reason = if self.silent_cuts >= SILENT_CUTS {
            format!(
                "the server accepts the connection and cuts it at once ({} times): \
                 is the Pusher key right, the application enabled, its quota free?",
                self.silent_cuts
            )
        } else {
            words
        };
        self.lost(reason, Pace::Backoff, cx);
    }

    fn timer(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now.mono;
        match &mut self.link {
            Link::Off => {}
            Link::Waiting { until } | Link::Failed { probe_at: until } if now >= *until => {
                self.open(cx);
            }
            Link::Opening { until } if now >= *until => {
                let reason = format!("no connection within {:?}", self.timing.open_within);
                self.drop_socket(reason, Pace::Backoff, cx);
            }
            Link::Greeting { until } if now >= *until => {
                let reason = format!(
                    "the server accepted the connection but did not greet within {:?}; is this a Pusher server?",
                    self.timing.greeting_within
                );
                self.drop_socket(reason, Pace::Backoff, cx);
            }
            Link::Up(up) => match up.liveness.due(now, &self.timing) {
                Due::Dead => {
                    let silence = now.saturating_sub(up.liveness.seen.mono);
                    let reason = format!(
                        "the server has been silent for {} s and does not answer our ping",
                        silence.as_secs()
                    );
                    self.drop_socket(reason, Pace::Backoff, cx);
                }
                due => {
                    if due == Due::Ping {
                        up.liveness.pinged(now, self.timing.pong_within);
                        cx.send(self.generation, frame::PING);
                    }
                    let (channels, wire) = self.parts();
                    let outcome = wire.map_or(Ok(()), |wire| channels.due(wire, cx));
                    if let Err(reason) = outcome {
                        self.drop_socket(reason, Pace::Backoff, cx);
                    }
                }
            },
            Link::Waiting { .. }
            | Link::Failed { .. }
            | Link::Opening { .. }
            | Link::Greeting { .. } => {}
        }
        if self.state == ConnectionState::Connecting
            && self.trying(now) == ConnectionState::Unavailable
        {
            let retry_in = match self.link {
                Link::Waiting { until } => Some(until.saturating_sub(now)),
                _ => None,
            };
            self.tell_state(ConnectionState::Unavailable, retry_in, cx);
        }
    }

    /// The channels, and the wire they may use if the connection is up.
    fn parts(&mut self) -> (&mut Channels, Option<Wire<'_>>) {
        let wire = match &self.link {
            Link::Up(up) => Some(Wire {
                generation: self.generation,
                socket_id: &up.socket_id,
                key: &self.endpoint.key,
                timing: &self.timing,
            }),
            _ => None,
        };
        (&mut self.channels, wire)
    }

    fn note_settled(&mut self, now: Duration) {
        let settled = self.channels.settled();
        if let Link::Up(up) = &mut self.link {
            if settled {
                up.settled_since.get_or_insert(now);
            } else {
                up.settled_since = None;
            }
        }
        self.become_stable(now);
    }

    /// Only a connection that has held forgives the past: greeting alone does not.
    fn become_stable(&mut self, now: Duration) {
        let Link::Up(up) = &self.link else { return };
        let troubled = self.attempt > 0 || self.unstable_since.is_some();
        let held = |since: Duration| now >= since + self.timing.stable_after;
        if troubled && up.settled_since.is_some_and(held) {
            self.forget_trouble();
        }
    }
}
