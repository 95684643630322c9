//! A Pusher Channels server, protocol 7: WebSocket subscriptions and the REST API that publishes.
//!
//! One application, one port, loopback only. Private channels need a signature; presence and encrypted
//! channels, webhooks and user sign-in are not offered and are refused by name.

mod connection;
mod hub;
mod rest;
pub(super) mod signature;
mod upgrade;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use secrecy::SecretString;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use hub::ConsoleEvent;

use super::faults::{Call, Faults, Server, apply_http};
use hub::Hub;

/// The largest REST request, in bytes: a full batch with room for escapes.
const MAX_BODY: usize = 512 * 1_024;

/// Protocol, "Closing codes".
mod code {
    pub(super) const UNKNOWN_APP: u16 = 4001;
    pub(super) const UNSUPPORTED_PROTOCOL: u16 = 4007;
    pub(super) const NO_PROTOCOL: u16 = 4008;
    pub(super) const OVER_CAPACITY: u16 = 4100;
    pub(super) const RECONNECT: u16 = 4200;
    pub(super) const PONG_MISSING: u16 = 4201;
    /// An error event, not a closing code: a client event was refused.
    pub(super) const CLIENT_EVENT_REFUSED: u16 = 4301;
}

/// The application that the server serves.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub id: String,
    pub key: String,
    pub secret: SecretString,
    pub activity_timeout: Duration,
}

/// The server's state; clones are the same server.
#[derive(Clone, Debug)]
pub(super) struct PusherServer {
    app: Arc<App>,
    hub: Arc<Hub>,
    faults: Faults,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl PusherServer {
    pub(super) fn new(
        app: App,
        faults: Faults,
        changes: watch::Sender<u64>,
        shutdown: CancellationToken,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            app: Arc::new(app),
            hub: Hub::new(changes),
            faults,
            shutdown,
            tasks,
        }
    }

    pub(super) fn router(&self) -> Router {
        let rest = Router::new()
            .route("/apps/{id}/events", post(rest::events))
            .route("/apps/{id}/batch_events", post(rest::batch_events))
            .route("/apps/{id}/channels", get(rest::channels))
            .route("/apps/{id}/channels/{channel}", get(rest::channel))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(middleware::from_fn_with_state(self.clone(), faulty_rest));
        Router::new()
            .route("/app/{key}", get(upgrade::open))
            .merge(rest)
            .layer(middleware::from_fn_with_state(self.clone(), frozen))
            .with_state(self.clone())
    }

    /// Delivers without the REST API and without the console.
    pub(super) async fn deliver(
        &self,
        channel: &str,
        event: &str,
        data: &serde_json::Value,
    ) -> usize {
        self.hub.deliver(channel, event, data, None).await
    }

    pub(super) fn connections(&self) -> usize {
        self.hub.connections()
    }

    pub(super) fn channels(&self) -> std::collections::BTreeMap<String, usize> {
        self.hub.channels()
    }

    pub(super) fn console(&self) -> Vec<ConsoleEvent> {
        self.hub.console()
    }

    pub(super) fn close_all(&self, code: u16, reason: &str) {
        self.hub.close_all(code, reason);
    }
}

async fn frozen(State(server): State<PusherServer>, request: Request, next: Next) -> Response {
    server.faults.gate(Server::Pusher).thawed().await;
    next.run(request).await
}

async fn faulty_rest(State(server): State<PusherServer>, request: Request, next: Next) -> Response {
    apply_http(&server.faults, Call::PusherRest, request, next).await
}
