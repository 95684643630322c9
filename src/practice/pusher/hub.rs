//! Who is connected and who listens to what. Delivers events; reads and writes no socket.
//!
//! Every queue is bounded: a connection that does not take its events in time is closed with 4100, as a full
//! server does, and the publisher waits for it no longer than [`SLOW_CONSUMER`].

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::super::clock;

/// Frames waiting for one connection.
pub(super) const QUEUE: usize = 1_024;

/// Channels that one connection may listen to.
pub(super) const MAX_CHANNELS: usize = 100;

/// How long a publisher waits for a connection whose queue is full.
const SLOW_CONSUMER: Duration = Duration::from_secs(5);

/// Events that the debug console keeps, and how much of each one's data.
const CONSOLE_EVENTS: usize = 500;
const CONSOLE_DATA: usize = 2_048;

/// One event as Pusher's debug console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsoleEvent {
    pub at: Timestamp,
    pub channel: String,
    pub event: String,
    /// The `id` in the data, if it is a JSON object that has one.
    pub id: Option<String>,
    /// The data's text, cut to 2 KiB.
    pub data: String,
    /// Connections it was handed to.
    pub delivered_to: usize,
}

#[derive(Debug)]
pub(super) enum Outbound {
    Event(Utf8Bytes),
    Close { code: u16, reason: String },
}

#[derive(Debug)]
struct Connection {
    outbound: mpsc::Sender<Outbound>,
    channels: BTreeSet<String>,
}

#[derive(Debug, Default)]
struct Rooms {
    connections: HashMap<String, Connection>,
    /// Channel name to the socket ids that listen, in the order they came.
    channels: BTreeMap<String, Vec<String>>,
    console: VecDeque<ConsoleEvent>,
}

#[derive(Debug)]
pub(super) struct Hub {
    rooms: Mutex<Rooms>,
    next: AtomicU32,
    changes: watch::Sender<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    Now,
    Already,
    TooMany,
}

impl Hub {
    pub(super) fn new(changes: watch::Sender<u64>) -> Arc<Self> {
        Arc::new(Self {
            rooms: Mutex::new(Rooms::default()),
            next: AtomicU32::new(fastrand::u32(1_000..100_000)),
            changes,
        })
    }

    /// Registers a connection and gives it its socket id.
    pub(super) fn connect(&self) -> (String, mpsc::Receiver<Outbound>) {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let socket_id = format!("{first}.{}", fastrand::u32(1_000_000..100_000_000));
        let (outbound, queue) = mpsc::channel(QUEUE);
        self.rooms().connections.insert(
            socket_id.clone(),
            Connection {
                outbound,
                channels: BTreeSet::new(),
            },
        );
        self.changed();
        (socket_id, queue)
    }

    pub(super) fn disconnect(&self, socket_id: &str) {
        let mut rooms = self.rooms();
        if let Some(connection) = rooms.connections.remove(socket_id) {
            for channel in &connection.channels {
                leave(&mut rooms.channels, channel, socket_id);
            }
        }
        drop(rooms);
        self.changed();
    }

    pub(super) fn subscribe(&self, socket_id: &str, channel: &str) -> Joined {
        let mut rooms = self.rooms();
        let Some(connection) = rooms.connections.get_mut(socket_id) else {
            return Joined::TooMany;
        };
        if connection.channels.contains(channel) {
            return Joined::Already;
        }
        if connection.channels.len() >= MAX_CHANNELS {
            return Joined::TooMany;
        }
        connection.channels.insert(channel.to_owned());
        rooms
            .channels
            .entry(channel.to_owned())
            .or_default()
            .push(socket_id.to_owned());
        drop(rooms);
        self.changed();
        Joined::Now
    }

    pub(super) fn unsubscribe(&self, socket_id: &str, channel: &str) {
        let mut rooms = self.rooms();
        if let Some(connection) = rooms.connections.get_mut(socket_id) {
            connection.channels.remove(channel);
        }
        leave(&mut rooms.channels, channel, socket_id);
        drop(rooms);
        self.changed();
    }

    pub(super) fn is_subscribed(&self, socket_id: &str, channel: &str) -> bool {
        self.rooms()
            .connections
            .get(socket_id)
            .is_some_and(|connection| connection.channels.contains(channel))
    }

    /// Delivers an event to everybody on the channel but `except` and shows it on the console. Returns how many
    /// took it.
    pub(super) async fn publish(
        &self,
        channel: &str,
        event: &str,
        data: &Value,
        except: Option<&str>,
    ) -> usize {
        let delivered = self.deliver(channel, event, data, except).await;
        self.note(channel, event, data, delivered);
        delivered
    }

    /// The same without the console.
    pub(super) async fn deliver(
        &self,
        channel: &str,
        event: &str,
        data: &Value,
        except: Option<&str>,
    ) -> usize {
        let frame =
            Utf8Bytes::from(json!({"event": event, "channel": channel, "data": data}).to_string());
        let listeners: Vec<(String, mpsc::Sender<Outbound>)> = {
            let rooms = self.rooms();
            let ids = rooms.channels.get(channel).map(Vec::as_slice);
            ids.unwrap_or_default()
                .iter()
                .filter(|id| Some(id.as_str()) != except)
                .filter_map(|id| {
                    let connection = rooms.connections.get(id)?;
                    Some((id.clone(), connection.outbound.clone()))
                })
                .collect()
        };
        let mut delivered = 0;
        for (socket_id, outbound) in listeners {
            let sending = outbound.send_timeout(Outbound::Event(frame.clone()), SLOW_CONSUMER);
            match sending.await {
                Ok(()) => delivered += 1,
                Err(_) => self.disconnect(&socket_id),
            }
        }
        delivered
    }

    /// Asks every connection to close; those that are frozen or full close when they can.
    pub(super) fn close_all(&self, code: u16, reason: &str) {
        for connection in self.rooms().connections.values() {
            let close = Outbound::Close {
                code,
                reason: reason.to_owned(),
            };
            if connection.outbound.try_send(close).is_err() {
                tracing::debug!(target: "practice", "a full connection was not told to close");
            }
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.rooms().connections.len()
    }

    /// Every occupied channel with its number of subscriptions.
    pub(super) fn channels(&self) -> BTreeMap<String, usize> {
        self.rooms()
            .channels
            .iter()
            .map(|(name, ids)| (name.clone(), ids.len()))
            .collect()
    }

    pub(super) fn console(&self) -> Vec<ConsoleEvent> {
        self.rooms().console.iter().cloned().collect()
    }

    pub(super) fn note(&self, channel: &str, event: &str, data: &Value, delivered_to: usize) {
        let mut data = match data {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let id = serde_json::from_str::<Value>(&data)
            .ok()
            .and_then(|data| data.get("id")?.as_str().map(ToOwned::to_owned));
        let mut end = CONSOLE_DATA.min(data.len());
        while !data.is_char_boundary(end) {
            end -= 1;
        }
        data.truncate(end);
        let mut rooms = self.rooms();
        if rooms.console.len() >= CONSOLE_EVENTS {
            rooms.console.pop_front();
        }
        rooms.console.push_back(ConsoleEvent {
            at: clock::utc(),
            channel: channel.to_owned(),
            event: event.to_owned(),
            id,
            data,
            delivered_to,
        });
        drop(rooms);
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn leave(channels: &mut BTreeMap<String, Vec<String>>, channel: &str, socket_id: &str) {
    if let Some(listeners) = channels.get_mut(channel) {
        listeners.retain(|listener| listener != socket_id);
        if listeners.is_empty() {
            channels.remove(channel);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn event_of(outbound: Outbound) -> Value {
        match outbound {
            Outbound::Event(text) => serde_json::from_str(&text).unwrap(),
            Outbound::Close { code, .. } => json!(code),
        }
    }

    #[tokio::test]
    async fn an_event_reaches_listeners_only_and_not_its_sender() {
        let hub = Hub::new(watch::Sender::new(0));
        let (one, mut one_queue) = hub.connect();
        let (two, mut two_queue) = hub.connect();
        let (_three, mut three_queue) = hub.connect();
        assert_eq!(hub.subscribe(&one, "c"), Joined::Now);
        assert_eq!(hub.subscribe(&one, "c"), Joined::Already);
        assert_eq!(hub.subscribe(&two, "c"), Joined::Now);
        let delivered = hub.publish("c", "e", &json!("text"), Some(&two)).await;
        assert_eq!(delivered, 1);
        assert_eq!(
            event_of(one_queue.recv().await.unwrap()),
            json!({"event":"e","channel":"c","data":"text"})
        );
        assert!(two_queue.try_recv().is_err());
        assert!(three_queue.try_recv().is_err());
        hub.disconnect(&one);
        hub.unsubscribe(&two, "c");
        assert!(hub.channels().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_takes_nothing_is_dropped_and_does_not_hold_the_others() {
        let hub = Hub::new(watch::Sender::new(0));
        let (stuck, _never_read) = hub.connect();
        hub.subscribe(&stuck, "c");
        for _ in 0..QUEUE {
            assert_eq!(hub.publish("c", "e", &json!("x"), None).await, 1);
        }
        let (live, mut queue) = hub.connect();
        hub.subscribe(&live, "c");
        assert_eq!(hub.publish("c", "e", &json!("x"), None).await, 1);
        assert!(queue.recv().await.is_some());
        assert_eq!(hub.connections(), 1);
        assert_eq!(hub.console().len(), CONSOLE_EVENTS);
    }
}
