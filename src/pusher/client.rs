//! How the engine starts a client and what it holds of it.

use std::sync::Arc;

use rustls::ClientConfig;
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use super::{
    Authorizer, Command, Endpoint, Event, Timing,
    dedup::IdOf,
    delivery::{self, Delivery},
    diagnostics::Diagnostics,
    running::Running,
    session::{Filter, Session},
};
use crate::net::connect;

const COMMANDS: usize = 64;

/// What is rarely changed.
#[derive(Clone, Debug)]
pub struct Options {
    /// Channel and event name of events that are dropped before their data is decoded.
    pub ignore: Vec<(String, String)>,
    /// Recognises an application's message ids, to drop repeats. Off by default.
    pub id_of: Option<IdOf>,
    pub delivery: delivery::Limits,
    pub connect: connect::Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // One per heartbeat of every executor of every user (platform contract §1.2): noise to all of them.
            ignore: vec![("executors".to_owned(), "status-update".to_owned())],
            id_of: None,
            delivery: delivery::Limits::default(),
            connect: connect::Limits::default(),
        }
    }
}

/// A running client. It ends, and closes its socket, when `commands` or `events` is dropped.
#[derive(Debug)]
pub struct Client {
    pub commands: mpsc::Sender<Command>,
    pub events: mpsc::Receiver<Event>,
    /// Counters and the latest transitions, renewed at every change of state and every proof of life.
    pub diagnostics: watch::Receiver<Arc<Diagnostics>>,
    /// The loop itself; finished once the socket is closed.
    pub task: JoinHandle<()>,
}

/// Starts a client that connects at once and keeps `channels` subscribed.
pub fn spawn(
    endpoint: Endpoint,
    timing: Timing,
    authorizer: Arc<dyn Authorizer>,
    tls: Arc<ClientConfig>,
    channels: Vec<String>,
) -> Client {
    spawn_with(
        endpoint,
        timing,
        authorizer,
        tls,
        channels,
        Options::default(),
    )
}

/// [`spawn`] with [`Options`].
pub fn spawn_with(
    endpoint: Endpoint,
    timing: Timing,
    authorizer: Arc<dyn Authorizer>,
    tls: Arc<ClientConfig>,
    channels: Vec<String>,
    options: Options,
) -> Client {
    let (commands, orders) = mpsc::channel(COMMANDS);
    let (delivery, events) = Delivery::new(options.delivery);
    let (shown, diagnostics) = watch::channel(Arc::default());
    let filter = Filter {
        ignore: options.ignore,
        id_of: options.id_of,
    };
    let session = Session::new(endpoint, timing.clone(), channels, filter);
    let running = Running::new(
        session,
        timing,
        options.connect,
        authorizer,
        tls,
        delivery,
        shown,
    );
    let task = tokio::spawn(running.run(orders));
    Client {
        commands,
        events,
        diagnostics,
        task,
    }
}
