//! The link as one state machine above pipe and TCP. Pure: lines, ticks and requests go in; lines to send, events and
//! closings come out. No answer is ever invented: what is not known is said to be unknown.
//!
//! One Expert Advisor is served at a time. Whoever connects is a guest until it has proven the secret (`guests`); then
//! it is the active one (`active`), which first tells everything (`opening`) and only then is up.

mod active;
mod book;
mod finding;
mod guests;
mod life;
mod memory;
mod opening;
mod orders;
mod outcome;
mod selftest;
mod series;
mod status;
#[cfg(test)]
pub(super) mod tests;
pub mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::handshake::LinkSecret;
use super::line::LineError;
use super::presend::MarginReserve;
use crate::market::{Found, LinkFacts, Outcome, TerminalEvent, TerminalRequest};
use crate::terminal::retcode::{self, refusal};
use active::Active;
use guests::Guest;
use memory::Memory;

/// One connection, numbered by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerId(pub u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since the program's start.
    pub mono: Duration,
    pub utc: Timestamp,
}

#[derive(Clone, Debug)]
pub enum Input {
    /// At least one of pipe and port can be reached; the note says which cannot.
    Listening {
        note: String,
    },
    /// Neither can.
    NotListening {
        reason: String,
    },
    Connected {
        peer: PeerId,
        /// `pipe` or `tcp`.
        link: &'static str,
        /// Fresh random bytes for the handshake.
        nonce: [u8; 32],
    },
    /// One line without its LF.
    Line {
        peer: PeerId,
        bytes: Vec<u8>,
    },
    /// The stream cannot be cut into lines any more.
    Damaged {
        peer: PeerId,
        error: LineError,
    },
    Closed {
        peer: PeerId,
        why: String,
    },
    /// Several times a second.
    Tick,
    Request(TerminalRequest),
    /// The program ends.
    Shutdown,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    Send {
        peer: PeerId,
        line: String,
    },
    /// After what was sent to it has left.
    Close {
        peer: PeerId,
    },
    Emit(TerminalEvent),
    Log {
        warning: bool,
        text: String,
    },
}

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub handshake: Duration,
    /// A heartbeat is sent after so long without another line.
    pub quiet: Duration,
    /// Silence that ends the link.
    pub dead: Duration,
    /// The same while the EA is inside OrderSend.
    pub dead_busy: Duration,
    /// Each step of the opening.
    pub opening: Duration,
    /// A snapshot, history or find without an answer is asked for again.
    pub answer: Duration,
    /// No list of positions for so long, though one was asked for, ends the link.
    pub listing: Duration,
    /// Between two snapshots that hints ask for.
    pub hint_pause: Duration,
    /// Looks for an order before its absence counts as proven, and the time they must span.
    pub looks: u32,
    pub looks_over: Duration,
    /// The same where believing it too early could cost a position.
    pub sent_over: Duration,
    /// Damaged or lost lines within a minute that end the link.
    pub damage: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(5),
            quiet: Duration::from_secs(1),
            dead: Duration::from_secs(5),
            dead_busy: Duration::from_secs(60),
            opening: Duration::from_secs(30),
            answer: Duration::from_secs(10),
            listing: Duration::from_secs(30),
            hint_pause: Duration::from_millis(50),
            looks: 3,
            looks_over: Duration::from_secs(30),
            sent_over: Duration::from_secs(300),
            damage: 5,
        }
    }
}

/// What the session is told once.
#[derive(Clone, Debug)]
pub struct Setup {
    pub secret: LinkSecret,
    pub limits: Limits,
    pub margin_reserve: MarginReserve,
    /// The last deal that the journal knows; history is asked for from there. `None`: the last day.
    pub deals_since: Option<Timestamp>,
}

/// What every part of the session sees in one step.
struct Context<'a> {
    now: Moment,
    setup: &'a Setup,
    memory: &'a mut Memory,
    out: Vec<Output>,
}

impl Context<'_> {
    fn emit(&mut self, event: TerminalEvent) {
        self.out.push(Output::Emit(event));
    }

    fn log(&mut self, warning: bool, text: impl Into<String>) {
        self.out.push(Output::Log {
            warning,
            text: text.into(),
        });
    }

    fn close(&mut self, peer: PeerId, bye: Option<&str>) {
        if let Some(reason) = bye {
            self.out.push(Output::Send {
                peer,
                line: super::request::bye(reason),
            });
        }
        self.out.push(Output::Close { peer });
    }
}

/// Why the active link ended.
#[derive(Debug)]
struct End {
    bye: Option<&'static str>,
    /// For the trader, with what to do.
    reason: String,
}

impl End {
    fn new(bye: Option<&'static str>, reason: impl Into<String>) -> Self {
        Self {
            bye,
            reason: reason.into(),
        }
    }
}

#[derive(Debug)]
pub struct Link {
    setup: Setup,
    memory: Memory,
    guests: BTreeMap<PeerId, Guest>,
    active: Option<Box<Active>>,
    /// Why nothing is up, with what to do.
    waits_for: String,
}

impl Link {
    pub fn new(setup: Setup) -> Self {
        Self {
            setup,
            memory: Memory::default(),
            guests: BTreeMap::new(),
            active: None,
            waits_for: words::STARTING.to_owned(),
        }
    }

    pub fn step(&mut self, input: Input, now: Moment) -> Vec<Output> {
        let active_peer = self.active.as_ref().map(|active| active.peer);
        let mut c = Context {
            now,
            setup: &self.setup,
            memory: &mut self.memory,
            out: Vec::new(),
        };
        let mut ended = None;
        let mut waits = None;
        match input {
            Input::Listening { note } => {
                if !note.is_empty() {
                    c.log(true, note);
                }
                waits = Some(words::WAITING.to_owned());
            }
            Input::NotListening { reason } => waits = Some(words::not_listening(&reason)),
            Input::Connected { peer, link, nonce } => {
                guests::connected(&mut self.guests, peer, link, nonce, &mut c);
            }
            Input::Line { peer, bytes } => {
                if let Some(active) = self.active.as_mut().filter(|active| active.peer == peer) {
                    ended = active.line(&bytes, &mut c).err();
                } else if let Some(guest) = self.guests.remove(&peer) {
                    match guest.line(peer, &bytes, self.active.as_deref(), &mut c) {
                        guests::Next::Stays(guest) => {
                            self.guests.insert(peer, guest);
                        }
                        guests::Next::Gone(why) => waits = why,
                        guests::Next::Welcome(welcome) => {
                            self.active = Some(Box::new(Active::new(peer, *welcome, &mut c)));
                            waits = Some(words::OPENING.to_owned());
                        }
                    }
                }
            }
            Input::Damaged { peer, error } => {
                if active_peer == Some(peer) {
                    ended = Some(End::new(Some("proto"), words::damaged(&error.to_string())));
                } else if self.guests.remove(&peer).is_some() {
                    c.close(peer, None);
                }
            }
            Input::Closed { peer, why } => {
                self.guests.remove(&peer);
                if active_peer == Some(peer) {
                    ended = Some(End::new(None, words::lost(&why)));
                }
            }
            Input::Tick => {
                guests::tick(&mut self.guests, &mut c);
                if let Some(active) = &mut self.active {
                    ended = active.tick(&mut c).err();
                }
            }
            Input::Request(request) => match &mut self.active {
                Some(active) if active.is_up() => active.request(request, &mut c),
                _ => not_up(request, &self.waits_for, &mut c),
            },
            Input::Shutdown => {
                for peer in std::mem::take(&mut self.guests).into_keys() {
                    c.close(peer, Some("shutdown"));
                }
                if self.active.is_some() {
                    ended = Some(End::new(Some("shutdown"), words::PROGRAM_ENDS));
                }
            }
        }
        if let Some(end) = ended
            && let Some(mut active) = self.active.take()
        {
            active.ended(&end, &mut c);
            waits = Some(end.reason);
        }
        if let Some(waits) = waits
            && (self.active.is_none() || waits == words::OPENING)
            && waits != self.waits_for
        {
            c.emit(TerminalEvent::Down {
                reason: waits.clone(),
            });
            c.emit(TerminalEvent::Link(LinkFacts {
                waits_for: waits.clone(),
                ..self
                    .active
                    .as_ref()
                    .map_or_else(LinkFacts::default, |active| active.facts())
            }));
            self.waits_for = waits;
        }
        c.out
    }
}

/// Nothing is up: orders are certainly not executed, and nobody can tell what became of others.
fn not_up(request: TerminalRequest, reason: &str, c: &mut Context<'_>) {
    match request {
        TerminalRequest::Submit(intent) => c.emit(TerminalEvent::Answer {
            cid: intent.cid,
            outcome: Outcome::Refused(refusal(retcode::NOT_SYNCHRONISED, reason)),
        }),
        TerminalRequest::Find { cid, .. } => c.emit(TerminalEvent::Found {
            cid,
            found: Found::NotYet {
                reason: reason.to_owned(),
            },
        }),
        TerminalRequest::SelfTest => {
            c.emit(TerminalEvent::SelfTested(selftest::without_link(reason)));
        }
        // Asked again when the link is up.
        TerminalRequest::Watch { .. }
        | TerminalRequest::Unwatch { .. }
        | TerminalRequest::Recall { .. }
        | TerminalRequest::SendBook => {}
    }
}
