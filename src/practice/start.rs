//! Starts a practice world: two servers on loopback, wired to each other over HTTP only.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::faults::Faults;
use super::gate::{ConnectionSwitch, Gate, LoopbackListener};
use super::identity::Identity;
use super::platform::publisher::{PublishError, Publisher, loopback_client};
use super::platform::{MarketSource, Parts, Platform};
use super::pusher::{App, PusherServer};
use super::strategies::fixtures;
use super::world::PracticeWorld;

/// Longest wait for open requests when the world ends.
const ENDING: Duration = Duration::from_millis(500);

/// Longest wait for the platform when a person's click is played.
const CLICK: Duration = Duration::from_secs(10);

/// How a practice world is made.
#[derive(Clone)]
pub struct PracticeOptions {
    /// The platform's port on 127.0.0.1; 0 = any free one.
    pub port: u16,
    /// The Pusher server's port on 127.0.0.1; 0 = any free one.
    pub pusher_port: u16,
    /// Ids, keys and secrets come from it: the same seed is the same world.
    pub seed: u64,
    /// How fast the market of this world runs, for the page to say.
    pub speed: f64,
    /// What the Pusher server tells its clients and holds itself to.
    pub activity_timeout: Duration,
    /// Where the platform's quotes and bars come from; without one they answer 503.
    pub market: Option<Arc<dyn MarketSource>>,
}

impl Default for PracticeOptions {
    fn default() -> Self {
        Self {
            port: 0,
            pusher_port: 0,
            seed: 1,
            speed: 1.0,
            activity_timeout: Duration::from_secs(120),
            market: None,
        }
    }
}

impl std::fmt::Debug for PracticeOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PracticeOptions")
            .field("port", &self.port)
            .field("pusher_port", &self.pusher_port)
            .field("seed", &self.seed)
            .field("speed", &self.speed)
            .field("activity_timeout", &self.activity_timeout)
            .field("market", &self.market.is_some())
            .finish()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum PracticeError {
    #[error(
        "the practice {server} cannot listen on 127.0.0.1:{port}: {source}; choose another port"
    )]
    Bind {
        server: &'static str,
        port: u16,
        source: io::Error,
    },
    #[error("the practice world cannot publish: {0}")]
    Publish(String),
    #[error("the practice platform did not take the click on {what}: {reason}")]
    Click { what: String, reason: String },
}

impl From<PublishError> for PracticeError {
    fn from(error: PublishError) -> Self {
        Self::Publish(error.to_string())
    }
}

/// Starts both servers. They end when `shutdown` is cancelled.
pub async fn start(
    options: PracticeOptions,
    shutdown: CancellationToken,
) -> Result<PracticeWorld, PracticeError> {
    let (platform_gate, pusher_gate) = (Gate::new(shutdown.clone()), Gate::new(shutdown.clone()));
    let platform_listener = bind("platform", options.port, &platform_gate).await?;
    let pusher_listener = bind("Pusher server", options.pusher_port, &pusher_gate).await?;
    let identity = Identity::from_seed(options.seed);
    let changes = watch::Sender::new(0);
    let faults = Faults::new(platform_gate, pusher_gate, changes.clone());
    let tasks = TaskTracker::new();
    let app = App {
        id: identity.pusher_app_id.clone(),
        key: identity.pusher_key.clone(),
        secret: identity.pusher_secret.clone(),
        activity_timeout: options.activity_timeout,
    };
    let pusher = PusherServer::new(
        app,
        faults.clone(),
        changes.clone(),
        shutdown.clone(),
        tasks.clone(),
    );
    let pusher_port = pusher_listener.port();
    let publisher = Publisher::new(
        pusher_port,
        &identity.pusher_app_id,
        &identity.pusher_key,
        identity.pusher_secret.clone(),
    )?;
    let platform_url = format!("http://127.0.0.1:{}", platform_listener.port());
    let platform = Platform::new(Parts {
        identity: identity.clone(),
        url: platform_url.clone(),
        fixtures: fixtures(options.seed),
        publisher,
        pusher: pusher.clone(),
        faults: faults.clone(),
        market: options.market,
        speed: options.speed,
        changes: changes.clone(),
    });
    tasks.spawn(serve(
        platform_listener,
        platform.router(),
        shutdown.clone(),
    ));
    tasks.spawn(serve(pusher_listener, pusher.router(), shutdown));
    tasks.close();
    Ok(PracticeWorld {
        platform_url,
        pusher_host: "127.0.0.1".to_owned(),
        pusher_port,
        executor_id: identity.executor_id,
        user_id: identity.user_id,
        api_key: identity.api_key.into(),
        api_secret: identity.api_secret,
        pusher_app_id: identity.pusher_app_id,
        pusher_key: identity.pusher_key,
        pusher_secret: identity.pusher_secret,
        pusher_cluster: identity.pusher_cluster,
        faults,
        platform,
        client: loopback_client(CLICK)?,
        changes,
        tasks,
    })
}

async fn bind(
    server: &'static str,
    port: u16,
    gate: &Gate,
) -> Result<LoopbackListener, PracticeError> {
    LoopbackListener::bind(port, gate)
        .await
        .map_err(|source| PracticeError::Bind {
            server,
            port,
            source,
        })
}

async fn serve(listener: LoopbackListener, router: Router, shutdown: CancellationToken) {
    let service = router.into_make_service_with_connect_info::<ConnectionSwitch>();
    let serving = axum::serve(listener, service)
        .with_graceful_shutdown(shutdown.clone().cancelled_owned())
        .into_future();
    let limit = async {
        shutdown.cancelled().await;
        tokio::time::sleep(ENDING).await;
    };
    tokio::select! {
        ended = serving => {
            if let Err(error) = ended {
                tracing::error!(target: "practice", "a practice server ended: {error}");
            }
        }
        () = limit => {}
    }
}
