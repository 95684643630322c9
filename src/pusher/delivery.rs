//! Hands events to the receiver without ever letting it stop the protocol.
//!
//! The policy, from gentle to hard:
//! 1. The receiver's channel (bounded) takes events as long as it has room.
//! 2. Then a backlog holds them, bounded in number and bytes; frames are still read and pings answered.
//! 3. With the backlog full, reading stops: TCP holds the server back, nothing is lost. Not longer than
//!    [`Limits::hold`], which is far below any server's patience for our pong.
//! 4. Then reading goes on so that the connection lives, and messages that find no room are dropped. A single
//!    [`Event::Dropped`] with their number stands exactly where they are missing.
//!
//! Order is never changed. Only messages and signs of life are ever dropped while the receiver lives.

use std::{collections::VecDeque, time::Duration};

use tokio::{sync::mpsc, time::Instant};

use super::Event;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Room of the receiver's channel, in events.
    pub channel: usize,
    pub backlog_events: usize,
    pub backlog_bytes: usize,
    /// How long reading may stop.
    pub hold: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            channel: 1024,
            backlog_events: 8192,
            backlog_bytes: 16 * 1024 * 1024,
            hold: Duration::from_secs(10),
        }
    }
}

/// The receiver is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;

#[derive(Debug)]
pub struct Delivery {
    receiver: mpsc::Sender<Event>,
    backlog: VecDeque<Event>,
    bytes: usize,
    limits: Limits,
    /// Since when the backlog has been full.
    full_since: Option<Instant>,
    dropped: u64,
}

impl Delivery {
    pub fn new(limits: Limits) -> (Self, mpsc::Receiver<Event>) {
        let (receiver, events) = mpsc::channel(limits.channel.max(1));
        let delivery = Self {
            receiver,
            backlog: VecDeque::new(),
            bytes: 0,
            limits,
            full_since: None,
            dropped: 0,
        };
        (delivery, events)
    }

    /// # Errors
    /// [`Gone`] when nobody receives any more.
    pub fn push(&mut self, event: Event, now: Instant) -> Result<(), Gone> {
        let event = if self.backlog.is_empty() {
            match self.receiver.try_send(event) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Closed(_)) => return Err(Gone),
                Err(mpsc::error::TrySendError::Full(event)) => event,
            }
        } else {
            event
        };
        match event {
            // News of the past by the time it is read.
            Event::Alive { .. } => {}
            Event::Message { .. } if self.is_full() && !self.may_hold(now) => self.drop_one(),
            // Messages are kept below the limit; the rest gets as much room again before the oldest state goes.
            other if self.backlog.len() >= self.limits.backlog_events * 2 => {
                if let Some(old) = self
                    .backlog
                    .iter()
                    .position(|event| matches!(event, Event::State(_)))
                {
                    self.backlog.remove(old);
                }
                self.keep(other, now);
            }
            other => self.keep(other, now),
        }
        Ok(())
    }

    fn keep(&mut self, event: Event, now: Instant) {
        self.bytes += weight(&event);
        self.backlog.push_back(event);
        if self.is_full() {
            self.full_since.get_or_insert(now);
        }
    }

    fn drop_one(&mut self) {
        self.dropped += 1;
        if let Some(Event::Dropped { messages }) = self.backlog.back_mut() {
            *messages += 1;
        } else {
            tracing::error!(target: "pusher", "Messages are being dropped: nobody has taken them for {:?}", self.limits.hold);
            self.backlog.push_back(Event::Dropped { messages: 1 });
        }
    }

    fn is_full(&self) -> bool {
        self.backlog.len() >= self.limits.backlog_events || self.bytes >= self.limits.backlog_bytes
    }

    fn may_hold(&self, now: Instant) -> bool {
        self.full_since
            .is_none_or(|since| now.saturating_duration_since(since) < self.limits.hold)
    }

    /// Until when reading must pause, if it must.
    pub fn hold_until(&self, now: Instant) -> Option<Instant> {
        self.full_since
            .map(|since| since + self.limits.hold)
            .filter(|until| self.is_full() && *until > now)
    }

    pub fn has_backlog(&self) -> bool {
        !self.backlog.is_empty()
    }

    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Waits until the receiver takes some of the backlog. Cancel safe: an event leaves the backlog only into a slot.
    ///
    /// # Errors
    /// [`Gone`] when nobody receives any more.
    pub async fn drain(&mut self) -> Result<(), Gone> {
        let slot = self.receiver.reserve().await.map_err(|_| Gone)?;
        if let Some(event) = self.backlog.pop_front() {
            self.bytes = self.bytes.saturating_sub(weight(&event));
            slot.send(event);
        } else {
            drop(slot);
        }
        while !self.backlog.is_empty() {
            let Ok(slot) = self.receiver.try_reserve() else {
                break;
            };
            if let Some(event) = self.backlog.pop_front() {
                self.bytes = self.bytes.saturating_sub(weight(&event));
                slot.send(event);
            }
        }
        if self.backlog.len() <= self.limits.backlog_events / 2
            && self.bytes <= self.limits.backlog_bytes / 2
        {
            self.full_since = None;
        }
        Ok(())
    }

    /// Completes when nobody receives any more.
    pub async fn gone(&self) {
        self.receiver.closed().await;
    }
}

fn weight(event: &Event) -> usize {
    match event {
        Event::Message {
            channel,
            event,
            data,
            ..
        } => channel.len() + event.len() + data.len(),
        _ => 0,
    }
}
