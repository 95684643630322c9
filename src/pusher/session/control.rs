//! What the session does with each received frame.

use std::time::Duration;

use super::{Action, Cx, Link, Session, Up, channels::Standing, liveness::Liveness};
use crate::pusher::{
    Authorization, AuthorizeError, ConnectionState, Event, closing,
    frame::{self, Frame, Greeting, ServerError},
};

/// Proof of life and complaints are told at most this often.
const TOLD_EVERY: Duration = Duration::from_secs(1);

impl Session {
    pub(super) fn text(&mut self, text: &str, cx: &mut Cx<'_>) {
        self.diagnostics.frames += 1;
        self.frame_seen(None, cx);
        match Frame::parse(text) {
            Err(error) => {
                self.diagnostics.malformed += 1;
                self.tell_bad(error.to_string(), cx);
            }
            Ok(frame) => match &self.link {
                Link::Greeting { .. } => self.before_greeting(&frame, cx),
                Link::Up(_) => self.after_greeting(&frame, cx),
                Link::Off | Link::Waiting { .. } | Link::Opening { .. } | Link::Failed { .. } => {}
            },
        }
    }

    /// Any frame is life.
    pub(super) fn frame_seen(&mut self, latency: Option<Duration>, cx: &mut Cx<'_>) {
        let Link::Up(up) = &mut self.link else { return };
        up.liveness.frame(cx.now);
        let fresh = self
            .alive_told
            .is_some_and(|told| cx.now.mono.saturating_sub(told) < TOLD_EVERY);
        if latency.is_some() || !fresh {
            self.alive_told = Some(cx.now.mono);
            cx.tell(Event::Alive { latency });
        }
    }

    fn tell_bad(&mut self, reason: String, cx: &mut Cx<'_>) {
        let fresh = self
            .bad_told
            .is_some_and(|told| cx.now.mono.saturating_sub(told) < TOLD_EVERY);
        if !fresh {
            self.bad_told = Some(cx.now.mono);
            cx.tell(Event::BadFrame { reason });
        }
    }

    fn before_greeting(&mut self, frame: &Frame<'_>, cx: &mut Cx<'_>) {
        match frame.event.as_ref() {
            "pusher:connection_established" => match frame.greeting() {
                Some(greeting) => self.greeted(greeting, cx),
                None => self.tell_bad("the greeting has no socket id".to_owned(), cx),
            },
            "pusher:error" => {
                let error = frame.error();
                match error.code {
                    Some(code) if closing::ends_handshake(code) => {
                        self.silent_cuts = 0;
                        self.drop_socket(
                            closing::describe(code, &error.message),
                            closing::pace_of(code),
                            cx,
                        );
                    }
                    _ => self.note_error(error, cx),
                }
            }
            "pusher:ping" => cx.send(self.generation, frame::PONG),
            _ => self.diagnostics.ignored += 1,
        }
    }

    fn greeted(&mut self, greeting: Greeting, cx: &mut Cx<'_>) {
        self.silent_cuts = 0;
        self.down_since = None;
        self.diagnostics.connections += 1;
        self.link = Link::Up(Box::new(Up {
            socket_id: greeting.socket_id,
            liveness: Liveness::new(cx.now, greeting.activity_timeout, &self.timing),
            settled_since: None,
        }));
        self.tell_state(ConnectionState::Connected, None, cx);
        self.alive_told = Some(cx.now.mono);
        let from = cx.now.utc;
        let (channels, wire) = self.parts();
        if let Some(wire) = wire {
            channels.connected(from, wire, cx);
        }
    }

    fn after_greeting(&mut self, frame: &Frame<'_>, cx: &mut Cx<'_>) {
        let event = frame.event.as_ref();
        if !event.starts_with("pusher:") && !event.starts_with("pusher_internal:") {
            return self.deliver(frame, cx);
        }
        match event {
            "pusher:ping" => cx.send(self.generation, frame::PONG),
            "pusher:pong" => {
                if let Link::Up(up) = &mut self.link
                    && let Some(latency) = up.liveness.pong(cx.now)
                {
                    self.diagnostics.latency = Some(latency);
                    self.frame_seen(Some(latency), cx);
                }
            }
            "pusher_internal:subscription_succeeded" => {
                let (channels, wire) = self.parts();
                if let (Some(wire), Some(channel)) = (wire, &frame.channel) {
                    channels.confirmed(channel, wire, cx);
                }
            }
            "pusher:subscription_error" | "pusher_internal:subscription_error" => {
                if let Some(channel) = &frame.channel {
                    self.refuse(channel, &frame.error(), cx);
                }
            }
            "pusher:error" => self.error(frame, cx),
            // A new socket id makes every signature void.
            "pusher:connection_established" => {
                if let Some(greeting) = frame.greeting() {
                    self.greeted(greeting, cx);
                }
            }
            _ => self.diagnostics.ignored += 1,
        }
    }

    fn deliver(&mut self, frame: &Frame<'_>, cx: &mut Cx<'_>) {
        let Some(channel) = frame.channel.as_deref() else {
            self.diagnostics.ignored += 1;
            return;
        };
        let unwanted = |(of, event): &(String, String)| *of == channel && *event == frame.event;
        if self.filter.ignore.iter().any(unwanted) {
            self.diagnostics.ignored += 1;
            return;
        }
        let (channels, wire) = self.parts();
        let standing = wire.map_or(Standing::Foreign, |wire| {
            channels.standing(channel, wire, cx)
        });
        if standing == Standing::Foreign {
            self.diagnostics.ignored += 1;
            return;
        }
        let data = frame.data();
        if data.damaged {
            self.tell_bad(
                format!("an event on {channel} holds half a character; it is shown as U+FFFD"),
                cx,
            );
        }
        if let Some(id_of) = self.filter.id_of
            && let Some(id) = id_of(&frame.event, &data.text)
            && !self.recent.insert(id)
        {
            self.diagnostics.duplicates += 1;
            return;
        }
        self.diagnostics.delivered += 1;
        cx.out.push(Action::Deliver {
            channel: channel.to_owned(),
            event: frame.event.clone().into_owned(),
            data: data.text.into_owned(),
        });
    }

    /// On a running connection an error is a notice; it may explain a refused subscription or the close to come.
    fn error(&mut self, frame: &Frame<'_>, cx: &mut Cx<'_>) {
        let error = frame.error();
        let about = self.channels.blame(frame.channel.as_deref(), &error);
        if error.message.contains("Existing subscription")
            && let Some(channel) = &about
        {
            let (channels, wire) = self.parts();
            if let Some(wire) = wire {
                channels.confirmed(channel, wire, cx);
            }
            return;
        }
        if let Some(channel) = about {
            self.refuse(&channel, &error, cx);
        }
        self.note_error(error, cx);
    }

    fn refuse(&mut self, channel: &str, error: &ServerError, cx: &mut Cx<'_>) {
        let alive = cx.now.utc;
        let (channels, wire) = self.parts();
        if let Some(wire) = wire {
            channels.refused(channel, error, alive, wire, cx);
        }
    }

    fn note_error(&mut self, error: ServerError, cx: &mut Cx<'_>) {
        cx.tell(Event::ServerError {
            code: error.code,
            message: error.message.clone(),
        });
        self.last_error = Some((cx.now.mono, error));
    }

    pub(super) fn authorized(
        &mut self,
        ticket: u64,
        answer: Result<Authorization, AuthorizeError>,
        cx: &mut Cx<'_>,
    ) {
        let (channels, wire) = self.parts();
        let awaited = wire.is_some_and(|wire| channels.authorized(ticket, answer, wire, cx));
        if !awaited {
            self.diagnostics.stale_answers += 1;
        }
    }
}
