//! The web platform as an executor meets it: its API with its traps, its own buttons, its page.
//!
//! What it answers is the platform's real behaviour (contract sections are named where a rule comes from), not a
//! friendlier one. It must never be reachable from another machine, and never talk to one.

mod answers;
mod assignments;
mod auth;
mod console;
mod envelopes;
mod executor_api;
mod market;
mod page;
pub(super) mod publisher;
mod store;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, delete, get, patch, post};
use jiff::Timestamp;
use tokio::sync::watch;

pub(super) use console::NewRow;
pub use market::MarketSource;
pub use store::{CommandRow, ExecutorRow, MAX_ROWS, StrategyRow, TableFull};

use super::clock;
use super::faults::{Call, Faults, Server, apply_http};
use super::identity::Identity;
use super::pusher::PusherServer;
use super::strategies::Fixture;
use answers::{ApiError, missing, no_session, to_login};
use executor_api::ConfigLimit;
use publisher::Publisher;
use store::Store;

/// Lines that the platform's log keeps.
const LOG_LINES: usize = 1_000;

/// The largest request body, in bytes.
const MAX_BODY: usize = 128 * 1_024;

/// Paths that the middleware sends to the login page when something follows (contract §3.0).
const GUARDED: [&str; 5] = [
    "/api/dashboard/",
    "/api/strategy/",
    "/api/signals/",
    "/api/commands/",
    "/api/ws/",
];

/// A line of the platform's log, as its terminal shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: Timestamp,
    pub text: String,
}

/// What the platform is made of.
pub(super) struct Parts {
    pub identity: Identity,
    pub url: String,
    pub fixtures: Vec<Fixture>,
    pub publisher: Publisher,
    pub pusher: PusherServer,
    pub faults: Faults,
    pub market: Option<Arc<dyn MarketSource>>,
    pub speed: f64,
    pub changes: watch::Sender<u64>,
}

/// The platform; clones are the same platform.
#[derive(Clone)]
pub(super) struct Platform(Arc<Inner>);

pub(super) struct Inner {
    pub(super) identity: Identity,
    url: String,
    store: Mutex<Store>,
    log: Mutex<VecDeque<LogLine>>,
    config_limit: Mutex<ConfigLimit>,
    pub(super) publisher: Publisher,
    pub(super) pusher: PusherServer,
    pub(super) faults: Faults,
    market: Option<Arc<dyn MarketSource>>,
    speed: f64,
    changes: watch::Sender<u64>,
    started: Instant,
}

impl std::ops::Deref for Platform {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Platform {
    pub(super) fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner {
            identity: parts.identity,
            url: parts.url,
            store: Mutex::new(Store::new(parts.fixtures)),
            log: Mutex::new(VecDeque::new()),
            config_limit: Mutex::new(ConfigLimit::default()),
            publisher: parts.publisher,
            pusher: parts.pusher,
            faults: parts.faults,
            market: parts.market,
            speed: parts.speed,
            changes: parts.changes,
            started: clock::monotonic(),
        }))
    }

    pub(super) fn router(&self) -> Router {
        Router::new()
            .merge(executor_routes())
            .merge(console_routes())
            .merge(session_routes())
            .fallback(missing)
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .layer(middleware::from_fn_with_state(self.clone(), faulty))
            .layer(middleware::from_fn_with_state(self.clone(), front))
            .with_state(self.clone())
    }

    pub(super) fn executor_channel(&self) -> String {
        format!("private-executor-{}", self.identity.executor_id)
    }

    pub(super) fn executor_is_subscribed(&self) -> bool {
        self.pusher
            .channels()
            .contains_key(&self.executor_channel())
    }

    pub(super) fn command(&self, id: &str) -> Option<CommandRow> {
        self.store().command(id)
    }

    pub(super) fn commands(&self) -> Vec<CommandRow> {
        self.store().newest(MAX_ROWS)
    }

    pub(super) fn pending(&self) -> usize {
        self.store().pending()
    }

    pub(super) fn strategies(&self) -> Vec<StrategyRow> {
        self.store().strategies().to_vec()
    }

    pub(super) fn executor(&self) -> ExecutorRow {
        self.store().executor.clone()
    }

    pub(super) fn log_lines(&self) -> Vec<LogLine> {
        self.lines().iter().cloned().collect()
    }

    /// The platform's own clock, which a fault can set wrong.
    pub(super) fn now(&self) -> Timestamp {
        clock::utc()
            .checked_add(self.faults.clock_error())
            .unwrap_or(Timestamp::MAX)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn config_limit(&self) -> MutexGuard<'_, ConfigLimit> {
        self.config_limit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<LogLine>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A line that a person waits for.
    fn say(&self, text: String) {
        tracing::info!(target: "practice", "{text}");
        self.keep(text);
    }

    fn complain(&self, text: String) {
        tracing::warn!(target: "practice", "{text}");
        self.keep(text);
    }

    /// A line for the platform's own log.
    fn note(&self, text: String) {
        tracing::debug!(target: "practice", "{text}");
        self.keep(text);
    }

    fn keep(&self, text: String) {
        let mut lines = self.lines();
        if lines.len() >= LOG_LINES {
            lines.pop_front();
        }
        lines.push_back(LogLine {
            at: self.now(),
            text,
        });
        drop(lines);
        self.changed();
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }
}

fn executor_routes() -> Router<Platform> {
    Router::new()
        .route("/api/executor/config", get(executor_api::config))
        .route("/api/pusher/auth", post(auth::authorize))
        .route(
            "/api/executor/{id}/heartbeat",
            post(executor_api::heartbeat),
        )
        .route(
            "/api/executor/{id}/command",
            post(console::command)
                .patch(executor_api::report)
                .get(no_session),
        )
        .route(
            "/api/executor/{id}/active-strategies",
            get(executor_api::active_strategies),
        )
        .route("/api/health", get(market::health))
        .route("/api/beta/config", get(market::beta_config))
        .route("/api/market/quotes", get(market::quotes))
        .route("/api/market/history", get(market::history))
}

fn console_routes() -> Router<Platform> {
    Router::new()
        .route("/", get(page::page))
        .route("/login", get(page::page))
        .route("/api/strategy/{id}/activate", post(console::activate))
        .route("/api/strategy/{id}/deactivate", post(console::deactivate))
        .route(
            "/api/strategy/{id}/assignments/{executor}",
            patch(assignments::change).delete(assignments::remove),
        )
        .route(
            "/api/executor/emergency-stop",
            post(console::emergency_stop),
        )
        .route("/api/debug/pusher-test", post(console::pusher_test))
        .route("/practice/supervisor", post(console::supervisor))
        .route("/practice/trigger", post(console::trigger))
        .route("/practice/state", get(page::state))
        .route(
            "/practice/faults",
            get(page::list_faults)
                .post(page::add_fault)
                .delete(page::clear_faults),
        )
        .route("/practice/faults/{id}", delete(page::clear_fault))
}

/// Routes that exist and want a browser session (contract §3.2).
fn session_routes() -> Router<Platform> {
    let mut routes = Router::new()
        .route("/api/executor", get(no_session).post(no_session))
        .route(
            "/api/executor/{id}",
            get(no_session).patch(no_session).delete(no_session),
        )
        .route("/api/command/{id}", get(no_session).patch(no_session))
        .route("/api/alerts", get(no_session).post(no_session))
        .route("/api/account/balance", get(no_session).post(no_session));
    for path in [
        "/api/strategy",
        "/api/trades",
        "/api/positions",
        "/api/risk/exposure",
    ] {
        routes = routes.route(path, get(no_session));
    }
    for path in ["/api/commands", "/api/signals", "/api/ws"] {
        routes = routes.route(path, any(no_session));
    }
    routes
}

/// The platform's middleware: guards, CORS preflight and the decorative rate-limit headers. Also turns away
/// other sites' scripts: this server acts without a login.
async fn front(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    platform.faults.gate(Server::Platform).thawed().await;
    let path = request.uri().path().to_owned();
    let is_api = path.starts_with("/api/");
    let mut response = if is_foreign(&request, &platform.url) {
        ApiError::new(StatusCode::FORBIDDEN, "Only this page may use this server").into_response()
    } else if is_api && request.method() == Method::OPTIONS {
        preflight()
    } else if is_guarded(request.method(), &path) {
        to_login(&path)
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if !platform.faults.clock_error().is_zero() {
        let date = platform
            .now()
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string();
        if let Ok(date) = HeaderValue::try_from(date) {
            headers.insert(header::DATE, date);
        }
    }
    if is_api {
        headers.insert("x-ratelimit-limit", HeaderValue::from_static("100"));
        headers.insert("x-ratelimit-window", HeaderValue::from_static("60000"));
    }
    response
}

/// A browser names the page that sends a request, where programs do not; and it names the host that it believes to
/// speak to, which a site that lets its name point here cannot change.
fn is_foreign(request: &Request, own: &str) -> bool {
    let by_name = own.replace("127.0.0.1", "localhost");
    let ours = [own, by_name.as_str()];
    let headers = request.headers();
    let foreign_page = headers
        .get(header::ORIGIN)
        .is_some_and(|origin| ours.iter().all(|own| origin != own));
    let foreign_host = headers.get(header::HOST).is_some_and(|host| {
        ours.iter()
            .all(|own| Some(host.as_bytes()) != own.strip_prefix("http://").map(str::as_bytes))
    });
    foreign_page || foreign_host
}

fn preflight() -> Response {
    let headers = [
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            "GET, POST, PUT, DELETE, OPTIONS",
        ),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, Authorization, X-API-Key",
        ),
    ];
    (StatusCode::OK, headers).into_response()
}

/// The buttons of this world are let through: they need no session here.
fn is_guarded(method: &Method, path: &str) -> bool {
    let is_button = path.contains("/assignments/")
        || (*method == Method::POST
            && (path.ends_with("/activate") || path.ends_with("/deactivate")));
    !is_button
        && GUARDED
            .iter()
            .any(|prefix| path.len() > prefix.len() && path.starts_with(prefix))
}

async fn faulty(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    match call_of(request.method(), request.uri().path()) {
        Some(call) => apply_http(&platform.faults, call, request, next).await,
        None => next.run(request).await,
    }
}

/// Which of an executor's calls this is.
fn call_of(method: &Method, path: &str) -> Option<Call> {
    let rest = path.strip_prefix("/api/")?;
    match rest {
        "executor/config" => Some(Call::Config),
        "pusher/auth" => Some(Call::PusherAuth),
        "health" => Some(Call::Health),
        _ if rest.starts_with("market/") => Some(Call::Market),
        _ => {
            let (id, last) = rest.strip_prefix("executor/")?.split_once('/')?;
            match (last, method == Method::PATCH) {
                _ if id.is_empty() => None,
                ("heartbeat", _) => Some(Call::Heartbeat),
                ("command", true) => Some(Call::CommandReport),
                ("active-strategies", _) => Some(Call::ActiveStrategies),
                _ => None,
            }
        }
    }
}
