//! The paper terminal's task: carries requests to the desk after their way through the "network", and events back.
//! It decides nothing about orders.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::control::{Outage, PaperControl};
use super::desk::{Arrived, Desk, Turn};
use super::faults::Fate;
use super::orders::Arrival;
use super::store::Store;
use crate::market::{TerminalEvent, TerminalRequest};
use crate::terminal::market::{MarketClock, Noise};

/// Requests on their way at one time; more wait in the channel.
const MOST_ON_THE_WAY: usize = 256;
/// Events that may wait for a slow reader before bars and quotes pause.
const MOST_WAITING: usize = 2_048;
const BUSY_PAUSE: Duration = Duration::from_millis(250);
const CATCH_UP_PAUSE: Duration = Duration::from_millis(1);
const IDLE_PAUSE: Duration = Duration::from_millis(900);

enum Next {
    End,
    Wait,
    Turn,
}

#[derive(Debug)]
struct OnTheWay {
    request: TerminalRequest,
    number: u64,
    sent: Instant,
    due: Instant,
}

pub(super) struct Task<S> {
    pub requests: mpsc::Receiver<TerminalRequest>,
    pub events: mpsc::Sender<TerminalEvent>,
    pub control: PaperControl,
    pub clock: MarketClock,
    pub noise: Noise,
    pub end: CancellationToken,
    pub started: Instant,
    /// Away while it takes a turn; gone for good when a turn panicked.
    pub desk: Option<Desk<S>>,
}

/// What is on its way in either direction.
#[derive(Debug, Default)]
struct Way {
    /// Only the first one can arrive, so requests never overtake each other.
    requests: VecDeque<OnTheWay>,
    events: VecDeque<TerminalEvent>,
    /// Requests ever received; seeds each one's luck.
    count: u64,
    /// The last second whose luck was drawn.
    second: u64,
    latency: Duration,
}

impl<S: Store> Task<S> {
    pub async fn run(mut self) {
        let mut way = Way::default();
        let mut next_turn = self.started;
        loop {
            let due = way
                .requests
                .front()
                .map_or(next_turn, |first| first.due.min(next_turn));
            let next = tokio::select! {
                biased;
                () = self.end.cancelled() => Next::End,
                permit = self.events.reserve(), if !way.events.is_empty() => match permit {
                    Ok(permit) => {
                        if let Some(event) = way.events.pop_front() {
                            permit.send(event);
                        }
                        Next::Wait
                    }
                    Err(_) => Next::End,
                },
                request = self.requests.recv(), if way.takes_requests() => {
                    request.map_or(Next::End, |request| {
                        self.receive(&mut way, request);
                        Next::Wait
                    })
                }
                () = self.control.changed() => Next::Turn,
                () = sleep_until(due) => Next::Turn,
            };
            match next {
                Next::End => break,
                Next::Wait => {}
                Next::Turn => {
                    if !self.turn(&mut way).await {
                        return;
                    }
                    next_turn = Instant::now() + self.pause();
                }
            }
        }
        let unread = way.events.len() + self.events.max_capacity() - self.events.capacity();
        if let Some(mut desk) = self.desk.take()
            && let Err(error) = tokio::task::spawn_blocking(move || desk.close(unread)).await
        {
            tracing::error!(target: "terminal", "The paper terminal did not end cleanly: {error}");
        }
    }

    /// One turn of the desk, on a thread that may block. `false` when the desk was lost.
    async fn turn(&mut self, way: &mut Way) -> bool {
        let Some(mut desk) = self.desk.take() else {
            return false;
        };
        let turn = self.next_turn(way);
        let done = tokio::task::spawn_blocking(move || {
            let events = desk.turn(turn);
            (desk, events)
        });
        match done.await {
            Ok((desk, events)) => {
                self.desk = Some(desk);
                way.events.extend(events);
                true
            }
            Err(error) => {
                tracing::error!(target: "terminal", "The paper terminal failed: {error}");
                false
            }
        }
    }

    fn next_turn(&self, way: &mut Way) -> Turn {
        let now = Instant::now();
        let mono = now.duration_since(self.started);
        let mut wishes = self.control.wishes();
        if wishes
            .outage
            .as_ref()
            .is_some_and(|outage| outage.until.is_some_and(|until| until <= now))
        {
            wishes.outage = None;
        }
        if way.second != mono.as_secs() && wishes.outage.is_none() {
            way.second = mono.as_secs();
            wishes.outage = wishes
                .rates
                .outage(self.noise, way.second)
                .map(|length| Outage {
                    reason: "the connection was lost".to_owned(),
                    until: Some(now + length),
                });
        }
        let mut requests = Vec::new();
        while let Some(first) = way.requests.pop_front_if(|first| first.due <= now) {
            let fate = match &first.request {
                TerminalRequest::Submit(intent) => {
                    wishes.next_fates.pop_front().unwrap_or_else(|| {
                        wishes.rates.fate(self.noise.with(first.number), intent.cid)
                    })
                }
                _ => Fate::Delivered,
            };
            requests.push(Arrived {
                request: first.request,
                arrival: Arrival {
                    sent_at: self.clock.at(first.sent.duration_since(self.started)),
                    waited: now.duration_since(first.sent),
                    fate,
                },
            });
        }
        Turn {
            market_ms: self.clock.at(mono).as_millisecond(),
            mono,
            requests,
            down: wishes.outage.as_ref().map(|outage| outage.reason.clone()),
            switches: wishes.switches.clone(),
            placed: std::mem::take(&mut wishes.placed),
            latency_ms: u32::try_from(way.latency.as_millis()).unwrap_or(u32::MAX),
            room: way.events.len() < MOST_WAITING,
        }
    }

    fn pause(&self) -> Duration {
        match &self.desk {
            Some(desk) if desk.is_behind() => CATCH_UP_PAUSE,
            Some(desk) if !desk.is_idle() => BUSY_PAUSE,
            _ => IDLE_PAUSE,
        }
    }

    fn receive(&self, way: &mut Way, request: TerminalRequest) {
        let sent = Instant::now();
        way.count += 1;
        way.latency = self.control.wishes().rates.latency(self.noise, way.count);
        way.requests.push_back(OnTheWay {
            request,
            number: way.count,
            sent,
            due: sent + way.latency,
        });
    }
}

impl Way {
    fn takes_requests(&self) -> bool {
        self.requests.len() < MOST_ON_THE_WAY && self.events.len() < 2 * MOST_WAITING
    }
}
