//! The pure session on a clock that the test turns.

use std::time::Duration;

use fx_executor::{
    core::Now,
    pusher::{
        Authorization, AuthorizeError, Command, ConnectionState, Endpoint, Event, StateChange,
        Timing,
        closing::{Ended, Pace},
        session::{Action, Cx, Filter, Input, Session},
    },
};
use jiff::Timestamp;

pub const PRIVATE: &str = "private-executor-1";
pub const PUBLIC: &str = "executors";

pub fn secs(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

pub fn endpoint() -> Endpoint {
    Endpoint {
        tls: false,
        port: 80,
        ..Endpoint::for_cluster("key", "ap1")
    }
}

pub struct Machine {
    pub session: Session,
    pub now: Duration,
    pub generation: u64,
    pub tickets: Vec<(u64, String, String, bool)>,
    /// Everything since the last [`Self::take`].
    pub out: Vec<Action>,
    rng: fastrand::Rng,
}

impl Machine {
    pub fn new(channels: &[&str]) -> Self {
        Self::with(channels, endpoint(), 7)
    }

    pub fn with(channels: &[&str], endpoint: Endpoint, seed: u64) -> Self {
        let channels = channels.iter().map(|name| (*name).to_owned()).collect();
        let filter = Filter {
            ignore: vec![(PUBLIC.to_owned(), "status-update".to_owned())],
            id_of: None,
        };
        Self {
            session: Session::new(endpoint, Timing::default(), channels, filter),
            now: Duration::ZERO,
            generation: 0,
            tickets: Vec::new(),
            out: Vec::new(),
            rng: fastrand::Rng::with_seed(seed),
        }
    }

    pub fn handle(&mut self, input: Input<'_>) {
        let utc = Timestamp::from_second(1_800_000_000).unwrap() + self.now;
        let start = self.out.len();
        let now = Now {
            mono: self.now,
            utc,
        };
        self.session.handle(
            input,
            &mut Cx {
                now,
                rng: &mut self.rng,
                out: &mut self.out,
            },
        );
        for action in &self.out[start..] {
            match action {
                Action::Open { generation, .. } => self.generation = *generation,
                Action::Authorize {
                    ticket,
                    socket_id,
                    channel,
                    renew,
                } => {
                    self.tickets
                        .push((*ticket, socket_id.clone(), channel.clone(), *renew));
                }
                _ => {}
            }
        }
    }

    pub fn command(&mut self, command: Command) {
        self.handle(Input::Command(command));
    }

    pub fn text(&mut self, text: &str) {
        let generation = self.generation;
        self.handle(Input::Text { generation, text });
    }

    /// Lets time pass, firing every deadline on the way.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut fired = 0;
        while let Some(at) = self.session.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.handle(Input::Timer);
            fired += 1;
            assert!(fired < 10_000, "the session's timer fires without end");
        }
        self.now = end;
    }

    /// Lets time pass to the next deadline and fires it; gives how long that was.
    pub fn pass_to_deadline(&mut self) -> Duration {
        let at = self.session.deadline().expect("a deadline");
        let waited = at.saturating_sub(self.now);
        self.now = self.now.max(at);
        self.handle(Input::Timer);
        waited
    }

    /// Lets time pass until the next attempt starts.
    pub fn pass_until_open(&mut self) {
        let before = opens(&self.out);
        while opens(&self.out) == before {
            self.pass_to_deadline();
        }
    }

    pub fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.out)
    }

    pub fn greet(&mut self, socket_id: &str) {
        self.text(&format!(
            r#"{{"event":"pusher:connection_established","data":"{{\"socket_id\":\"{socket_id}\",\"activity_timeout\":120}}"}}"#
        ));
    }

    pub fn opened(&mut self) {
        let generation = self.generation;
        self.handle(Input::Opened { generation });
    }

    /// From nothing or from a waiting retry to a greeted connection.
    pub fn connect(&mut self, socket_id: &str) {
        self.command(Command::Connect);
        self.opened();
        self.greet(socket_id);
        assert_eq!(self.session.state(), ConnectionState::Connected);
    }

    /// Answers the newest authorization request well.
    pub fn authorize(&mut self) {
        let (ticket, ..) = self.tickets.last().expect("a request").clone();
        self.answer(ticket, Ok(signed()));
    }

    pub fn answer(&mut self, ticket: u64, answer: Result<Authorization, AuthorizeError>) {
        self.handle(Input::Authorized { ticket, answer });
    }

    pub fn confirm(&mut self, channel: &str) {
        self.text(&format!(
            r#"{{"event":"pusher_internal:subscription_succeeded","channel":"{channel}","data":"{{}}"}}"#
        ));
    }

    /// Connected, with [`PRIVATE`] subscribed.
    pub fn subscribed(&mut self, socket_id: &str) {
        self.connect(socket_id);
        self.authorize();
        self.confirm(PRIVATE);
        self.take();
    }

    pub fn ended(&mut self, code: Option<u16>) {
        let generation = self.generation;
        self.handle(Input::Ended {
            generation,
            ended: Ended {
                code,
                reason: String::new(),
            },
        });
    }

    pub fn open_failed(&mut self, pace: Pace) {
        let generation = self.generation;
        self.handle(Input::OpenFailed {
            generation,
            reason: "refused".to_owned(),
            pace,
        });
    }

    /// The delay of the retry that is announced last.
    pub fn retry_in(&self) -> Duration {
        self.last_state().retry_in.expect("a planned retry")
    }

    pub fn last_state(&self) -> &StateChange {
        states(&self.out)
            .last()
            .copied()
            .expect("a change of state")
    }
}

pub fn signed() -> Authorization {
    Authorization {
        auth: "key:0123".to_owned(),
        channel_data: None,
    }
}

pub fn states(actions: &[Action]) -> Vec<&StateChange> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Tell(Event::State(change)) => Some(change),
            _ => None,
        })
        .collect()
}

pub fn opens(actions: &[Action]) -> usize {
    actions
        .iter()
        .filter(|action| matches!(action, Action::Open { .. }))
        .count()
}

/// Sent frames that contain `part`.
pub fn sent(actions: &[Action], part: &str) -> usize {
    actions
        .iter()
        .filter(|action| matches!(action, Action::Send { text, .. } if text.contains(part)))
        .count()
}

pub fn told(actions: &[Action]) -> Vec<&Event> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Tell(event) => Some(event),
            _ => None,
        })
        .collect()
}

pub fn delivered(actions: &[Action]) -> Vec<&str> {
    actions
        .iter()
        .filter_map(|action| match action {
            Action::Deliver { data, .. } => Some(data.as_str()),
            _ => None,
        })
        .collect()
}
