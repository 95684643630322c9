//! The session's inputs and actions.

use std::borrow::Cow;

use crate::{
    core::Now,
    pusher::{
        Authorization, AuthorizeError, Command, Endpoint, Event,
        closing::{Ended, Pace},
        dedup::IdOf,
    },
};

/// What happened.
#[derive(Debug)]
pub enum Input<'a> {
    Command(Command),
    /// The WebSocket is open; the server has not greeted yet.
    Opened {
        generation: u64,
    },
    OpenFailed {
        generation: u64,
        reason: String,
        pace: Pace,
    },
    Text {
        generation: u64,
        text: &'a str,
    },
    /// A frame that is no text: a WebSocket ping or pong, or a binary frame.
    Other {
        generation: u64,
        binary: bool,
    },
    /// We pause reading because the receiver is slow.
    Held {
        generation: u64,
    },
    Ended {
        generation: u64,
        ended: Ended,
    },
    Authorized {
        ticket: u64,
        answer: Result<Authorization, AuthorizeError>,
    },
    /// [`super::Session::deadline`] has come.
    Timer,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Open {
        generation: u64,
        endpoint: Endpoint,
        renew: bool,
    },
    Send {
        generation: u64,
        text: Cow<'static, str>,
    },
    /// Also stops an attempt that is still opening.
    Close {
        generation: u64,
    },
    Authorize {
        ticket: u64,
        socket_id: String,
        channel: String,
        renew: bool,
    },
    Deliver {
        channel: String,
        event: String,
        data: String,
    },
    Tell(Event),
}

/// What the machine may use while it handles one input.
#[derive(Debug)]
pub struct Cx<'a> {
    pub now: Now,
    pub rng: &'a mut fastrand::Rng,
    pub out: &'a mut Vec<Action>,
}

impl Cx<'_> {
    pub(super) fn send(&mut self, generation: u64, text: impl Into<Cow<'static, str>>) {
        self.out.push(Action::Send {
            generation,
            text: text.into(),
        });
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.out.push(Action::Tell(event));
    }
}

/// Which events are never delivered, and how ids are found.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Channel and event; dropped before their data is decoded.
    pub ignore: Vec<(String, String)>,
    pub id_of: Option<IdOf>,
}
