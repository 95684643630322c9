//! The loop that gives the session a socket, a clock and chance. It moves bytes and messages and decides nothing: every
//! decision is an action of [`Session`].

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::FutureExt as _;
use jiff::Timestamp;
use rustls::ClientConfig;
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, Sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Authorization, AuthorizeError, Authorizer, Command, Event, Timing,
    closing::Ended,
    delivery::{Delivery, Gone},
    diagnostics::Diagnostics,
    session::{Action, Cx, Input, Session},
    socket::{self, OpenError, Received, Socket},
    wake::{SleepDetector, TICK},
};
use crate::{core::Now, net::connect};

/// Frames handled before the loop looks at its other sources again.
const FRAMES_AT_ONCE: usize = 256;

type Opening = AbortOnDropHandle<Result<Box<Socket>, OpenError>>;

/// The one socket, or the attempt at one.
#[derive(Debug)]
enum Wire {
    Opening(Opening),
    Open(Box<Socket>),
}

#[derive(Debug)]
struct Link {
    generation: u64,
    wire: Wire,
}

type Answer = (u64, Result<Authorization, AuthorizeError>);

pub(super) struct Running {
    session: Session,
    timing: Timing,
    limits: connect::Limits,
    authorizer: Arc<dyn Authorizer>,
    tls: Arc<ClientConfig>,
    started: Instant,
    rng: fastrand::Rng,
    actions: Vec<Action>,
    delivery: Delivery,
    shown: watch::Sender<Arc<Diagnostics>>,
    link: Option<Link>,
    answers: JoinSet<Answer>,
    goodbyes: JoinSet<()>,
    sleep: SleepDetector,
}

enum Woken {
    Command(Option<Command>),
    Opened(Result<Box<Socket>, OpenError>),
    Received(Received),
    Answer(Answer),
    Timer,
    Tick,
    Drained(Result<(), Gone>),
}

impl Running {
    pub(super) fn new(
        session: Session,
        timing: Timing,
        limits: connect::Limits,
        authorizer: Arc<dyn Authorizer>,
        tls: Arc<ClientConfig>,
        delivery: Delivery,
        shown: watch::Sender<Arc<Diagnostics>>,
    ) -> Self {
        Self {
            session,
            timing,
            limits,
            authorizer,
            tls,
            started: Instant::now(),
            rng: fastrand::Rng::new(),
            actions: Vec::new(),
            delivery,
            shown,
            link: None,
            answers: JoinSet::new(),
            goodbyes: JoinSet::new(),
            sleep: SleepDetector::default(),
        }
    }

    pub(super) async fn run(mut self, mut orders: mpsc::Receiver<Command>) {
        let mut alarm = Box::pin(tokio::time::sleep(Duration::ZERO));
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut outcome = self.handle(Input::Command(Command::Connect));
        while outcome.is_ok() {
            self.set_alarm(&mut alarm);
            outcome = match self.next(&mut orders, &mut alarm, &mut ticks).await {
                Woken::Command(Some(command)) => self.handle(Input::Command(command)),
                Woken::Command(None) => break,
                Woken::Opened(result) => self.opened(result),
                Woken::Received(received) => self.received_many(received),
                Woken::Answer((ticket, answer)) => {
                    self.handle(Input::Authorized { ticket, answer })
                }
                Woken::Timer => self.alarm_rang(),
                Woken::Tick => self.tick(),
                Woken::Drained(result) => result,
            };
        }
        self.farewell().await;
    }

    async fn next(
        &mut self,
        orders: &mut mpsc::Receiver<Command>,
        alarm: &mut Pin<Box<Sleep>>,
        ticks: &mut tokio::time::Interval,
    ) -> Woken {
        let reading = self.delivery.hold_until(Instant::now()).is_none();
        let has_backlog = self.delivery.has_backlog();
        let link = &mut self.link;
        let wire = poll_fn(|cx| match link {
            None => std::task::Poll::Pending,
            Some(Link {
                wire: Wire::Opening(attempt),
                ..
            }) => attempt.poll_unpin(cx).map(|joined| {
                Woken::Opened(joined.unwrap_or_else(|error| {
                    Err(OpenError::Protocol(format!(
                        "the attempt failed inside: {error}"
                    )))
                }))
            }),
            Some(Link {
                wire: Wire::Open(socket),
                ..
            }) => socket.poll(cx, reading).map(Woken::Received),
        });
        let delivery = &mut self.delivery;
        let drained = async {
            if has_backlog {
                delivery.drain().await
            } else {
                delivery.gone().await;
                Err(Gone)
            }
        };
        // Rare sources first: a flood of frames must not starve a command or a timer.
        tokio::select! {
            biased;
            command = orders.recv() => Woken::Command(command),
            () = alarm.as_mut() => Woken::Timer,
            result = drained => Woken::Drained(result),
            Some(answer) = self.answers.join_next() => match answer {
                Ok(answer) => Woken::Answer(answer),
                Err(error) => {
                    tracing::error!(target: "pusher", "an authorization task failed: {error}");
                    Woken::Timer
                }
            },
            woken = wire => woken,
            _ = ticks.tick() => Woken::Tick,
            Some(_) = self.goodbyes.join_next() => Woken::Timer,
        }
    }

    /// The session's next deadline, the end of a pause in reading, or that of a blocked write.
    fn set_alarm(&self, alarm: &mut Pin<Box<Sleep>>) {
        let session = self.session.deadline().map(|at| self.started + at);
        let hold = self.delivery.hold_until(Instant::now());
        let write = self.write_deadline();
        let at = [session, hold, write]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
        if alarm.deadline() != at {
            alarm.as_mut().reset(at);
        }
    }

    fn write_deadline(&self) -> Option<Instant> {
        match &self.link {
            Some(Link {
                wire: Wire::Open(socket),
                ..
            }) => socket
                .blocked_since()
                .map(|since| since + self.timing.write_within),
            _ => None,
        }
    }

    fn alarm_rang(&mut self) -> Result<(), Gone> {
        let now = Instant::now();
        if self.write_deadline().is_some_and(|at| now >= at) {
            let reason = format!(
                "our bytes could not be sent for {:?}",
                self.timing.write_within
            );
            return self.ended(Ended { code: None, reason });
        }
        if self.delivery.hold_until(now).is_some()
            && let Some(generation) = self.generation()
        {
            self.handle(Input::Held { generation })?;
        }
        let due = self
            .session
            .deadline()
            .is_some_and(|at| now >= self.started + at);
        if due {
            self.handle(Input::Timer)
        } else {
            Ok(())
        }
    }

    fn tick(&mut self) -> Result<(), Gone> {
        let wall = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        match self.sleep.tick(wall) {
            Some(slept) => {
                tracing::info!(target: "pusher", "The computer slept for about {} s; checking the connection", slept.as_secs());
                self.handle(Input::Command(Command::Resumed))
            }
            None => Ok(()),
        }
    }

    fn generation(&self) -> Option<u64> {
        self.link.as_ref().map(|link| link.generation)
    }

    fn opened(&mut self, result: Result<Box<Socket>, OpenError>) -> Result<(), Gone> {
        let Some(generation) = self.generation() else {
            return Ok(());
        };
        match result {
            Ok(socket) => {
                self.link = Some(Link {
                    generation,
                    wire: Wire::Open(socket),
                });
                self.handle(Input::Opened { generation })
            }
            Err(error) => {
                self.link = None;
                self.handle(Input::OpenFailed {
                    generation,
                    reason: error.to_string(),
                    pace: error.pace(),
                })
            }
        }
    }

    /// Handles the frame and those right behind it, without a round through the scheduler for each.
    fn received_many(&mut self, first: Received) -> Result<(), Gone> {
        self.received(first)?;
        for _ in 1..FRAMES_AT_ONCE {
            if self.delivery.has_backlog() {
                break;
            }
            let Some(Link {
                wire: Wire::Open(socket),
                ..
            }) = &mut self.link
            else {
                break;
            };
            let Some(received) = poll_fn(|cx| socket.poll(cx, true)).now_or_never() else {
                break;
            };
            self.received(received)?;
        }
        Ok(())
    }

    fn received(&mut self, received: Received) -> Result<(), Gone> {
        let Some(generation) = self.generation() else {
            return Ok(());
        };
        match received {
            Received::Text(text) => self.handle(Input::Text {
                generation,
                text: text.as_str(),
            }),
            Received::Other { binary } => self.handle(Input::Other { generation, binary }),
            Received::Ended(ended) => self.ended(ended),
        }
    }

    fn ended(&mut self, ended: Ended) -> Result<(), Gone> {
        let Some(link) = self.link.take() else {
            return Ok(());
        };
        let generation = link.generation;
        self.say_goodbye(link);
        self.handle(Input::Ended { generation, ended })
    }

    /// Lets an open socket close in its own time; an attempt is stopped.
    fn say_goodbye(&mut self, link: Link) {
        if let Wire::Open(socket) = link.wire {
            self.goodbyes.spawn(socket.close());
        }
    }

    fn handle(&mut self, input: Input<'_>) -> Result<(), Gone> {
        let now = Now {
            mono: self.started.elapsed(),
            utc: Timestamp::now(),
        };
        let mut actions = std::mem::take(&mut self.actions);
        self.session.handle(
            input,
            &mut Cx {
                now,
                rng: &mut self.rng,
                out: &mut actions,
            },
        );
        let mut outcome = Ok(());
        for action in actions.drain(..) {
            outcome = outcome.and(self.act(action));
        }
        self.actions = actions;
        outcome
    }

    fn act(&mut self, action: Action) -> Result<(), Gone> {
        match action {
            Action::Deliver {
                channel,
                event,
                data,
            } => {
                let received = Instant::now();
                return self.delivery.push(
                    Event::Message {
                        channel,
                        event,
                        data,
                        received,
                    },
                    received,
                );
            }
            Action::Tell(event) => {
                super::diagnostics::log(&event);
                if matches!(
                    event,
                    Event::State(_) | Event::Alive { .. } | Event::SubscriptionFailed { .. }
                ) {
                    self.show_diagnostics();
                }
                return self.delivery.push(event, Instant::now());
            }
            Action::Open {
                generation,
                endpoint,
                renew,
            } => {
                let (tls, limits) = (Arc::clone(&self.tls), self.limits);
                let authorizer = renew.then(|| Arc::clone(&self.authorizer));
                let attempt = tokio::spawn(async move {
                    if let Some(authorizer) = authorizer {
                        authorizer.refresh().await;
                    }
                    socket::open(&endpoint, &tls, &limits).await.map(Box::new)
                });
                self.link = Some(Link {
                    generation,
                    wire: Wire::Opening(AbortOnDropHandle::new(attempt)),
                });
            }
            Action::Send { generation, text } => {
                if let Some(Link {
                    generation: held,
                    wire: Wire::Open(socket),
                }) = &mut self.link
                    && *held == generation
                {
                    socket.send(text.into_owned());
                }
            }
            Action::Close { generation } => {
                if self.generation() == Some(generation)
                    && let Some(link) = self.link.take()
                {
                    self.say_goodbye(link);
                }
            }
            Action::Authorize {
                ticket,
                socket_id,
                channel,
                renew,
            } => {
                let authorizer = Arc::clone(&self.authorizer);
                let limit = self.timing.authorize_within;
                self.answers.spawn(authorize(
                    authorizer, ticket, socket_id, channel, renew, limit,
                ));
            }
        }
        Ok(())
    }

    fn show_diagnostics(&self) {
        let mut diagnostics = self.session.diagnostics().clone();
        diagnostics.dropped = self.delivery.dropped();
        self.shown.send_replace(Arc::new(diagnostics));
    }

    /// Nobody needs us any more: close the socket and wait a moment for it.
    async fn farewell(mut self) {
        if let Some(link) = self.link.take() {
            self.say_goodbye(link);
        }
        while self.goodbyes.join_next().await.is_some() {}
    }
}

/// Asks the authorizer; a panic or an endless wait inside it becomes an answer like any other.
async fn authorize(
    authorizer: Arc<dyn Authorizer>,
    ticket: u64,
    socket_id: String,
    channel: String,
    renew: bool,
    limit: Duration,
) -> Answer {
    let asking = async move {
        if renew {
            authorizer.refresh().await;
        }
        authorizer.authorize(socket_id, channel).await
    };
    let asking = std::panic::AssertUnwindSafe(asking).catch_unwind();
    let answer = match timeout(limit, asking).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(AuthorizeError::Retry {
            reason: "the authorization failed inside".to_owned(),
            after: None,
        }),
        Err(_) => Err(AuthorizeError::Retry {
            reason: format!("the authorization was not answered within {limit:?}"),
            after: None,
        }),
    };
    (ticket, answer)
}
