//! The network loops of one set of settings: identify, beat, listen, report. Restarted as a whole when settings change.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::clock::Clock;
use super::config_pace::{ConfigPace, PAUSE};
use super::{beats, pusher_link, reports};
use crate::core::health::{Leg, LinkReport, Phase};
use crate::core::snapshot::{Snapshot, UiCommand};
use crate::core::{BeatCause, Event};
use crate::platform::{BeatMetadata, CallError, Class, FetchedConfig, PlatformClient, owner_of};
use crate::pusher::Endpoint;
use crate::settings::{Settings, keep_fetched, kept_fetched};

/// Everything needed to reach the platform and Pusher.
#[derive(Clone, Debug)]
pub struct Connection {
    pub settings: Settings,
    /// Where the platform's configuration is kept.
    pub data_dir: PathBuf,
}

/// Who this executor is and where its events come from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Identity {
    pub executor_id: String,
    pub executor_name: Option<String>,
    pub endpoint: Option<Endpoint>,
    pub heartbeat: Option<Duration>,
    pub overrides: Vec<String>,
}

/// What the loops share.
#[derive(Clone)]
pub(super) struct Shared {
    pub client: PlatformClient,
    pub clock: Clock,
    pub events: mpsc::Sender<Event>,
    pub cancel: CancellationToken,
    pub metadata: watch::Receiver<BeatMetadata>,
    pub tls: Arc<rustls::ClientConfig>,
    /// Asks for the configuration to be fetched again.
    pub refetch: Arc<Notify>,
    pub api_secret: SecretString,
}

impl Shared {
    /// What came from outside is stored as it is, but never with our own secret in it.
    pub fn without_secret(&self, text: String) -> String {
        let secret = self.api_secret.expose_secret();
        if !secret.is_empty() && text.contains(secret) {
            tracing::warn!(target: "platform", "The platform sent this executor's own API secret in a command; it is hidden. Make a new key on the platform.");
            return text.replace(secret, "[hidden]");
        }
        text
    }

    /// Hands an event to the engine; waits while the engine is busy, so that nothing is lost.
    pub async fn tell(&self, event: Event) {
        // The engine is gone only when the program ends.
        drop(self.events.send(event).await);
    }

    pub async fn link(&self, leg: Leg, phase: Phase, detail: impl Into<String>) {
        let report = LinkReport {
            leg,
            phase,
            detail: detail.into(),
            latency_ms: None,
            retry_at: None,
            attempts: 0,
        };
        self.tell(Event::Link(report)).await;
    }

    /// A failed call, as its light shows it.
    pub async fn call_failed(&self, error: &CallError, retry_in: Duration, attempts: u32) {
        let now = self.clock.now().utc;
        let report = LinkReport {
            leg: Leg::Platform,
            phase: Phase::Retrying,
            detail: error.to_string(),
            latency_ms: None,
            retry_at: later(now, retry_in),
            attempts,
        };
        self.tell(Event::Link(report)).await;
    }
}

pub(super) fn later(now: Timestamp, pause: Duration) -> Option<Timestamp> {
    let pause = SignedDuration::try_from(pause).ok()?;
    now.checked_add(pause).ok()
}

/// Handle to the running loops.
pub(super) struct Network {
    cancel: CancellationToken,
    beat: mpsc::Sender<BeatCause>,
    metadata: watch::Sender<BeatMetadata>,
    reports: mpsc::Sender<reports::Job>,
    tasks: TaskTracker,
}

/// Reports that may wait; the core has only a few on their way at one time.
const REPORT_QUEUE: usize = 32;
const BEAT_QUEUE: usize = 8;

impl Network {
    pub fn start(
        connection: Connection,
        clock: Clock,
        pace: ConfigPace,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let cancel = CancellationToken::new();
        let (beat, beats) = mpsc::channel(BEAT_QUEUE);
        let (metadata, metadata_out) = watch::channel(BeatMetadata::default());
        let (reports, queue) = mpsc::channel(REPORT_QUEUE);
        let tasks = TaskTracker::new();
        tasks.spawn(run(
            connection,
            clock,
            pace,
            events,
            beats,
            cancel.clone(),
            metadata_out,
            queue,
            tasks.clone(),
        ));
        Self {
            cancel,
            beat,
            metadata,
            reports,
            tasks,
        }
    }

    pub fn beat(&self, cause: BeatCause) {
        if self.beat.try_send(cause).is_err() {
            tracing::debug!(target: "platform", "Heartbeats are asked for faster than they are sent.");
        }
    }

    /// False when the queue is full or the loops have ended.
    pub fn report(&self, id: String, executed: bool, result: Value, interim: bool) -> bool {
        let job = reports::Job {
            id,
            executed,
            result,
            interim,
        };
        self.reports.try_send(job).is_ok()
    }

    /// The numbers of the next heartbeat.
    pub fn describe(&self, snapshot: &Snapshot) {
        let metadata = BeatMetadata {
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            platform: Some(std::env::consts::OS.to_owned()),
            account_balance: snapshot.account.as_ref().map(|account| account.balance),
            account_equity: snapshot.account.as_ref().map(|account| account.equity),
            open_positions: u32::try_from(snapshot.positions.len()).ok(),
            ..BeatMetadata::default()
        };
        self.metadata.send_if_modified(|known| {
            let changed = *known != metadata;
            if changed {
                *known = metadata;
            }
            changed
        });
    }

    /// Ends the loops at once, without a goodbye.
    pub fn stop(self) {
        self.cancel.cancel();
        self.tasks.close();
    }

    /// Ends the loops; the heartbeat loop says `offline` as its last word.
    pub async fn farewell(self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one set of loops, used once"
)]
async fn run(
    connection: Connection,
    clock: Clock,
    pace: ConfigPace,
    events: mpsc::Sender<Event>,
    beat: mpsc::Receiver<BeatCause>,
    cancel: CancellationToken,
    metadata: watch::Receiver<BeatMetadata>,
    queue: mpsc::Receiver<reports::Job>,
    tasks: TaskTracker,
) {
    let prepared = crate::net::tls::client_config()
        .map_err(|error| error.to_string())
        .and_then(|tls| {
            let settings = &connection.settings;
            let client = PlatformClient::new(
                &settings.platform_url,
                &settings.credentials,
                &tls,
                &settings.proxy,
            );
            client
                .map(|client| (client, tls))
                .map_err(|error| error.to_string())
        });
    let (client, tls) = match prepared {
        Ok(prepared) => prepared,
        Err(reason) => {
            let report = LinkReport {
                leg: Leg::Platform,
                phase: Phase::Failed,
                detail: reason,
                latency_ms: None,
                retry_at: None,
                attempts: 0,
            };
            drop(events.send(Event::Link(report)).await);
            return;
        }
    };
    let shared = Shared {
        client,
        clock,
        events,
        cancel: cancel.clone(),
        metadata,
        tls,
        refetch: Arc::new(Notify::new()),
        api_secret: connection.settings.credentials.api_secret.clone(),
    };
    shared
        .link(
            Leg::Platform,
            Phase::Connecting,
            "asking the platform who this executor is",
        )
        .await;
    let (identity_in, identity) = watch::channel(None);
    tasks.spawn(cancel.clone().run_until_cancelled_owned(identify(
        connection,
        shared.clone(),
        pace,
        identity_in,
    )));
    let mut first = identity.clone();
    let known = cancel
        .run_until_cancelled(first.wait_for(Option::is_some))
        .await;
    let Some(Ok(identity_now)) = known.map(|result| result.map(|identity| identity.clone())) else {
        return;
    };
    let Some(identity_now) = identity_now else {
        return;
    };
    let executor_id = identity_now.executor_id;
    tasks.spawn(beats::run(
        shared.clone(),
        executor_id.clone(),
        identity_now.heartbeat,
        beat,
    ));
    tasks.spawn(reports::run(shared.clone(), executor_id.clone(), queue));
    tasks.spawn(pusher_link::run(
        shared.clone(),
        executor_id.clone(),
        identity,
    ));
    tasks.spawn(cancel.run_until_cancelled_owned(learn_owner(shared, executor_id)));
}

/// Fetches the configuration at the start and whenever asked, at most once a minute.
async fn identify(
    connection: Connection,
    shared: Shared,
    pace: ConfigPace,
    identity: watch::Sender<Option<Identity>>,
) {
    let settings = &connection.settings;
    let kept = kept_fetched(&connection.data_dir, settings);
    if let Some(first) = identity_of(settings, kept.as_ref()) {
        introduce(settings, &shared, &identity, first).await;
    }
    let mut failures = 0_u32;
    loop {
        tokio::time::sleep(pace.wait(settings)).await;
        let answer = shared.client.config().await;
        // A call that was not answered may have been counted all the same.
        let was_made = answer
            .as_ref()
            .map_or_else(CallError::reached_the_platform, |_| true);
        if was_made {
            pace.called(settings);
        }
        match answer {
            Ok(fetched) => {
                // Whether this executor is still wanted, only an answered heartbeat tells (contract T3).
                failures = 0;
                if let Some(offset) = fetched.clock_offset {
                    shared.tell(clock_event(offset, fetched.latency)).await;
                }
                if let Err(error) = keep_fetched(&connection.data_dir, settings, &fetched) {
                    tracing::warn!(target: "settings", "The platform's configuration could not be kept for the next start: {error}");
                }
                if let Some(fresh) = identity_of(settings, Some(&fetched)) {
                    let known = identity.borrow().clone();
                    if known.is_some_and(|known| known.executor_id != fresh.executor_id) {
                        // All loops speak for one executor: they begin anew, with what was just kept.
                        tracing::warn!(target: "platform", "The platform says that this executor is {} now; connecting anew.", fresh.executor_id);
                        shared.tell(Event::Ui(UiCommand::ReconnectNow)).await;
                        return;
                    }
                    introduce(settings, &shared, &identity, fresh).await;
                }
                tokio::time::sleep(PAUSE).await;
                shared.refetch.notified().await;
            }
            Err(error) => {
                failures += 1;
                let short = Duration::from_secs(1 << failures.min(6));
                let pause = if was_made { PAUSE } else { short.min(PAUSE) };
                let pause = error
                    .retry_after()
                    .unwrap_or(pause)
                    .max(Duration::from_secs(1));
                if identity.borrow().is_none() {
                    shared.call_failed(&error, pause, failures).await;
                    if error.class() == Class::Revoked || error.class() == Class::Permanent {
                        shared
                            .tell(Event::KeyRefused {
                                reason: error.to_string(),
                            })
                            .await;
                    }
                }
                if failures == 1 {
                    tracing::warn!(target: "platform", "{}", error.advice());
                }
                tokio::time::sleep(pause).await;
            }
        }
    }
}

async fn introduce(
    settings: &Settings,
    shared: &Shared,
    identity: &watch::Sender<Option<Identity>>,
    fresh: Identity,
) {
    shared
        .tell(Event::Identified {
            executor_id: fresh.executor_id.clone(),
            executor_name: fresh.executor_name.clone(),
            platform_url: settings.platform_url.to_string(),
            overrides: fresh.overrides.clone(),
        })
        .await;
    identity.send_if_modified(|known| {
        let changed = known.as_ref() != Some(&fresh);
        if changed {
            *known = Some(fresh);
        }
        changed
    });
}

fn identity_of(settings: &Settings, fetched: Option<&FetchedConfig>) -> Option<Identity> {
    let resolved = settings.resolve(fetched);
    Some(Identity {
        executor_id: resolved.executor_id?,
        executor_name: resolved.executor_name,
        endpoint: resolved.pusher.map(|target| Endpoint {
            key: target.key,
            host: target.host,
            port: target.port,
            tls: target.tls,
            path: target.path,
            proxy: settings.proxy.clone(),
        }),
        heartbeat: fetched
            .and_then(|fetched| fetched.config.heartbeat_interval)
            .map(Duration::from_secs),
        overrides: resolved.overrides,
    })
}

/// The authorization of our own channel names the owner, even while Pusher is down (contract §2).
async fn learn_owner(shared: Shared, executor_id: String) {
    const LONGEST: Duration = Duration::from_secs(30);
    let channel = pusher_link::private_channel(&executor_id);
    let mut pause = Duration::from_secs(1);
    loop {
        if let Ok(auth) = shared.client.authorize("1.1", &channel).await
            && let Some(user_id) = auth.channel_data.as_deref().and_then(owner_of)
        {
            shared.tell(Event::OwnerLearned { user_id }).await;
            return;
        }
        tokio::time::sleep(pause).await;
        pause = LONGEST.min(pause * 2);
    }
}

pub(super) fn clock_event(offset: SignedDuration, round_trip: Duration) -> Event {
    Event::ClockMeasured {
        offset_ms: i64::try_from(offset.as_millis()).unwrap_or(i64::MAX),
        within_ms: i64::try_from((round_trip / 2).as_millis()).unwrap_or(i64::MAX),
    }
}
