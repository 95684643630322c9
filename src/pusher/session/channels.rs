//! The subscriptions of one session: authorize, send, await the confirmation, retry. Pure; knows nothing of sockets.
//!
//! Each authorization carries a ticket that only the newest request of a channel holds, so an answer for an older
//! socket id can never reach the wire.

use std::time::Duration;

use super::{
    Action, Cx,
    channel::{Channel, Phase, check_key, fail, retry},
};
use crate::pusher::{
    Authorization, AuthorizeError, Event, Gap, Timing,
    closing::Pace,
    frame::{self, ServerError},
};
use jiff::Timestamp;

/// Refusals by the server in a row before a channel counts as refused for good.
const REFUSALS: u32 = 5;

/// What the channels need to know of their connection.
#[derive(Clone, Copy, Debug)]
pub struct Wire<'a> {
    pub generation: u64,
    pub socket_id: &'a str,
    /// Signatures begin with it.
    pub key: &'a str,
    pub timing: &'a Timing,
}

/// What became of an event's channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Subscribed,
    Foreign,
}

#[derive(Clone, Debug, Default)]
pub struct Channels {
    list: Vec<Channel>,
    tickets: u64,
}

impl Channels {
    pub fn new(names: Vec<String>) -> Self {
        let mut channels = Self::default();
        for name in names {
            if channels.find(&name).is_none() {
                channels.list.push(Channel::new(name));
            }
        }
        channels
    }

    fn find(&mut self, name: &str) -> Option<&mut Channel> {
        self.list.iter_mut().find(|channel| channel.name == name)
    }

    /// Every wanted channel is subscribed or refused for good.
    pub fn settled(&self) -> bool {
        self.list
            .iter()
            .all(|channel| matches!(channel.phase, Phase::Subscribed | Phase::Failed { .. }))
    }

    pub fn next_deadline(&self) -> Option<Duration> {
        self.list.iter().filter_map(Channel::deadline).min()
    }

    pub fn subscribe(&mut self, name: String, wire: Option<Wire<'_>>, cx: &mut Cx<'_>) {
        match self.find(&name) {
            // On the wire already: the final intent counts, one subscription is enough.
            Some(channel) => {
                channel.wanted = true;
                if let (Phase::Failed { .. } | Phase::Retrying { .. }, Some(_)) =
                    (&channel.phase, &wire)
                {
                    channel.phase = Phase::Queued;
                    channel.renewed = false;
                    channel.backoff.reset();
                }
            }
            None => {
                let mut channel = Channel::new(name);
                if wire.is_some() {
                    channel.phase = Phase::Queued;
                }
                self.list.push(channel);
            }
        }
        self.advance(wire, cx);
    }

    pub fn unsubscribe(&mut self, name: &str, wire: Option<Wire<'_>>, cx: &mut Cx<'_>) {
        let Some(index) = self.list.iter().position(|channel| channel.name == name) else {
            return;
        };
        match self.list[index].phase {
            // Undone after its confirmation, so that the two never cross on the wire.
            Phase::Sent { .. } => self.list[index].wanted = false,
            Phase::Subscribed => {
                if let Some(wire) = &wire {
                    cx.send(wire.generation, frame::unsubscribe(name));
                }
                self.list.remove(index);
            }
            _ => {
                self.list.remove(index);
            }
        }
        self.advance(wire, cx);
    }

    /// A new socket id: everything again, each with a fresh signature.
    pub fn connected(&mut self, from: Timestamp, wire: Wire<'_>, cx: &mut Cx<'_>) {
        self.disconnected(from, "the server gave a new socket id");
        for channel in &mut self.list {
            channel.phase = Phase::Queued;
        }
        self.advance(Some(wire), cx);
    }

    /// The connection is gone; `from` is its last proof of life.
    pub fn disconnected(&mut self, from: Timestamp, reason: &str) {
        self.list.retain(|channel| channel.wanted);
        for channel in &mut self.list {
            channel.leave(from, reason);
            channel.phase = Phase::Idle;
            channel.backoff.reset();
            channel.renewed = false;
            channel.renew_next = false;
            channel.unconfirmed = 0;
        }
    }

    /// The network may be better now: waiting retries go at once.
    pub fn hurry(&mut self, wire: Wire<'_>, cx: &mut Cx<'_>) {
        for channel in &mut self.list {
            if matches!(channel.phase, Phase::Retrying { .. }) {
                channel.phase = Phase::Queued;
            }
        }
        self.advance(Some(wire), cx);
    }

    /// Sends what can be sent and asks for what may be asked.
    fn advance(&mut self, wire: Option<Wire<'_>>, cx: &mut Cx<'_>) {
        let Some(wire) = wire else { return };
        let mut running = self
            .list
            .iter()
            .filter(|channel| matches!(channel.phase, Phase::Authorizing { .. }))
            .count();
        let now = cx.now.mono;
        for channel in self
            .list
            .iter_mut()
            .filter(|channel| channel.phase == Phase::Queued)
        {
            if !channel.needs_authorization() {
                cx.send(wire.generation, frame::subscribe(&channel.name, None));
                channel.phase = Phase::Sent {
                    until: now + wire.timing.acknowledge_within,
                };
            } else if running < wire.timing.parallel_authorizations.max(1) {
                running += 1;
                self.tickets += 1;
                channel.phase = Phase::Authorizing {
                    ticket: self.tickets,
                    until: now + wire.timing.authorize_within,
                };
                cx.out.push(Action::Authorize {
                    ticket: self.tickets,
                    socket_id: wire.socket_id.to_owned(),
                    channel: channel.name.clone(),
                    renew: std::mem::take(&mut channel.renew_next),
                });
            }
        }
    }

    /// The answer to [`Action::Authorize`]. False when nobody waits for it any more.
    pub fn authorized(
        &mut self,
        ticket: u64,
        answer: Result<Authorization, AuthorizeError>,
        wire: Wire<'_>,
        cx: &mut Cx<'_>,
    ) -> bool {
        let awaited = |channel: &&mut Channel| matches!(channel.phase, Phase::Authorizing { ticket: held, .. } if held == ticket);
        let Some(channel) = self.list.iter_mut().find(awaited) else {
            return false;
        };
        match answer.and_then(|given| check_key(given, wire.key)) {
            Ok(given) => {
                cx.send(
                    wire.generation,
                    frame::subscribe(&channel.name, Some(&given)),
                );
                channel.phase = Phase::Sent {
                    until: cx.now.mono + wire.timing.acknowledge_within,
                };
            }
            Err(AuthorizeError::Denied { .. }) if !channel.renewed => {
                channel.renewed = true;
                channel.renew_next = true;
                channel.phase = Phase::Queued;
            }
            Err(AuthorizeError::Denied { status, reason }) => {
                fail(channel, Some(status), reason, wire.timing, cx);
            }
            Err(AuthorizeError::Retry { reason, after }) => {
                let pace = after.map_or(Pace::Backoff, Pace::After);
                retry(channel, None, reason, pace, wire.timing, cx);
            }
            Err(AuthorizeError::Invalid { reason }) => {
                let pace = Pace::NotBefore(Duration::from_secs(5));
                retry(channel, None, reason, pace, wire.timing, cx);
            }
        }
        self.advance(Some(wire), cx);
        true
    }

    /// `pusher_internal:subscription_succeeded`, or an event that proves the same.
    pub fn confirmed(&mut self, name: &str, wire: Wire<'_>, cx: &mut Cx<'_>) {
        let Some(index) = self.list.iter().position(|channel| channel.name == name) else {
            return;
        };
        let channel = &mut self.list[index];
        if !channel.may_be_confirmed() {
            return;
        }
        if !channel.wanted {
            cx.send(wire.generation, frame::unsubscribe(name));
            self.list.remove(index);
            return;
        }
        channel.phase = Phase::Subscribed;
        channel.unconfirmed = 0;
        channel.refusals = 0;
        channel.renewed = false;
        channel.backoff.reset();
        let to = cx.now.utc;
        let gap = channel
            .away
            .take()
            .map(|(from, reason)| Gap { from, to, reason });
        cx.tell(Event::Subscribed {
            channel: name.to_owned(),
            gap,
        });
    }

    /// Whether events of this channel are wanted. The first event before the confirmation counts as one.
    pub fn standing(&mut self, name: &str, wire: Wire<'_>, cx: &mut Cx<'_>) -> Standing {
        match self.find(name) {
            Some(Channel {
                phase: Phase::Subscribed,
                wanted: true,
                ..
            }) => Standing::Subscribed,
            Some(channel) if channel.wanted && channel.may_be_confirmed() => {
                self.confirmed(name, wire, cx);
                Standing::Subscribed
            }
            _ => Standing::Foreign,
        }
    }

    /// The server refused a subscription, by name or by [`Self::blame`].
    pub fn refused(
        &mut self,
        name: &str,
        error: &ServerError,
        alive: Timestamp,
        wire: Wire<'_>,
        cx: &mut Cx<'_>,
    ) {
        let Some(channel) = self.find(name) else {
            return;
        };
        if !matches!(channel.phase, Phase::Sent { .. } | Phase::Subscribed) {
            return;
        }
        if !channel.wanted {
            self.list.retain(|channel| channel.name != name);
            return;
        }
        channel.leave(alive, "the server ended the subscription");
        channel.refusals += 1;
        let reason = if error.message.is_empty() {
            "the server refused the subscription".to_owned()
        } else {
            error.message.clone()
        };
        if channel.refusals >= REFUSALS {
            fail(channel, error.status, reason, wire.timing, cx);
        } else {
            retry(
                channel,
                error.status,
                reason,
                Pace::Backoff,
                wire.timing,
                cx,
            );
        }
        self.advance(Some(wire), cx);
    }

    /// The channel that a `pusher:error` is about: named by the frame or in its words, or the only one that waits when
    /// the error is about authorization.
    pub fn blame(&self, named: Option<&str>, error: &ServerError) -> Option<String> {
        let waiting = || {
            self.list
                .iter()
                .filter(|channel| matches!(channel.phase, Phase::Sent { .. }))
        };
        let by_name = waiting().find(|channel| {
            named == Some(channel.name.as_str()) || error.message.contains(channel.name.as_str())
        });
        if let Some(channel) = by_name {
            return Some(channel.name.clone());
        }
        let words = error.message.to_ascii_lowercase();
        let about_authorization = matches!(error.code, Some(4009 | 409 | 401 | 403))
            || ["signature", "auth", "subscri"]
                .iter()
                .any(|word| words.contains(word));
        let mut waiting = waiting();
        match (waiting.next(), waiting.next()) {
            (Some(only), None) if about_authorization => Some(only.name.clone()),
            _ => None,
        }
    }

    /// Runs what is due. An error text asks to give the connection up.
    pub fn due(&mut self, wire: Wire<'_>, cx: &mut Cx<'_>) -> Result<(), String> {
        let now = cx.now.mono;
        self.list
            .retain(|channel| channel.wanted || channel.deadline().is_none_or(|until| until > now));
        for channel in &mut self.list {
            if channel.deadline().is_none_or(|until| until > now) {
                continue;
            }
            match channel.phase {
                Phase::Authorizing { .. } => {
                    let reason = format!(
                        "the authorization was not answered within {:?}",
                        wire.timing.authorize_within
                    );
                    retry(channel, None, reason, Pace::Backoff, wire.timing, cx);
                }
                Phase::Sent { .. } if channel.unconfirmed > 0 => {
                    return Err(format!(
                        "the server does not answer the subscription to {}",
                        channel.name
                    ));
                }
                Phase::Sent { .. } => {
                    channel.unconfirmed += 1;
                    channel.phase = Phase::Queued;
                }
                Phase::Retrying { .. } | Phase::Failed { .. } => channel.phase = Phase::Queued,
                Phase::Idle | Phase::Queued | Phase::Subscribed => {}
            }
        }
        self.advance(Some(wire), cx);
        Ok(())
    }
}
