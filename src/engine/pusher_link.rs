//! Listens on Pusher: gives the client its signatures, and translates what it hears for the core.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::knocking::{self, Knocking};
use super::network::{Identity, Shared, later};
use crate::core::health::{Leg, LinkReport, Phase};
use crate::core::snapshot::{Notice, Severity, Source, UiCommand};
use crate::core::{Delivery, Event};
use crate::platform::{CallErrorKind, owner_of};
use crate::pusher::{
    self, Authorization, AuthorizeError, Authorizer, Command, ConnectionState, StateChange, Timing,
};

/// The public channel that carries `emergency-stop`, and much noise.
const PUBLIC: &str = "executors";
/// The notice that it was refused.
const PUBLIC_REFUSED: &str = "public-channel";
/// Failed attempts after which the configuration may have changed.
const ATTEMPTS_BEFORE_REFETCH: u32 = 4;
/// Pauses before a refused channel is asked for again.
const FIRST_RETRY: Duration = Duration::from_secs(5);
const LAST_RETRY: Duration = Duration::from_secs(300);

pub(super) fn private_channel(executor_id: &str) -> String {
    format!("private-executor-{executor_id}")
}

/// Asks the platform; its answer for our own channel names the owner, whose emergency stops are ours.
struct PlatformAuthorizer {
    shared: Shared,
    private: String,
}

impl Authorizer for PlatformAuthorizer {
    fn authorize(
        &self,
        socket_id: String,
        channel: String,
    ) -> BoxFuture<'static, Result<Authorization, AuthorizeError>> {
        let shared = self.shared.clone();
        let is_own = channel == self.private;
        async move {
            match shared.client.authorize(&socket_id, &channel).await {
                Ok(auth) => {
                    let owner = auth.channel_data.as_deref().and_then(owner_of);
                    if let Some(user_id) = owner.filter(|_| is_own) {
                        shared.tell(Event::OwnerLearned { user_id }).await;
                    }
                    Ok(Authorization {
                        auth: auth.auth,
                        channel_data: auth.channel_data,
                    })
                }
                Err(error) => Err(match (&error.kind, error.status()) {
                    (CallErrorKind::Unauthorized | CallErrorKind::Forbidden, Some(status)) => {
                        AuthorizeError::Denied {
                            status,
                            reason: error.to_string(),
                        }
                    }
                    (CallErrorKind::NotJson { .. } | CallErrorKind::InvalidAnswer { .. }, _) => {
                        AuthorizeError::Invalid {
                            reason: error.to_string(),
                        }
                    }
                    _ => AuthorizeError::Retry {
                        reason: error.to_string(),
                        after: error.retry_after(),
                    },
                }),
            }
        }
        .boxed()
    }
}

pub(super) async fn run(
    shared: Shared,
    executor_id: String,
    mut identity: watch::Receiver<Option<Identity>>,
) {
    shared.link(Leg::Pusher, Phase::Connecting, "").await;
    let wait = identity.wait_for(|identity| {
        identity
            .as_ref()
            .is_some_and(|identity| identity.endpoint.is_some())
    });
    let Some(Ok(known)) = shared
        .cancel
        .run_until_cancelled(wait)
        .await
        .map(|known| known.map(|known| known.clone()))
    else {
        return;
    };
    let Some(endpoint) = known.and_then(|known| known.endpoint) else {
        return;
    };
    let private = private_channel(&executor_id);
    let authorizer = Arc::new(PlatformAuthorizer {
        shared: shared.clone(),
        private: private.clone(),
    });
    let channels = vec![private.clone(), PUBLIC.to_owned()];
    let mut client = pusher::spawn(
        endpoint,
        Timing::default(),
        authorizer,
        Arc::clone(&shared.tls),
        channels,
    );
    let mut ear = Ear {
        shared: shared.clone(),
        private,
        connected: false,
        subscribed: false,
        refusals: 0,
        try_again: None,
        knocking: Knocking::default(),
    };
    loop {
        tokio::select! {
            biased;
            () = shared.cancel.cancelled() => break,
            event = client.events.recv() => match event {
                Some(event) => ear.hear(event).await,
                None => break,
            },
            () = sleep_until(ear.try_again.unwrap_or_else(Instant::now)), if ear.try_again.is_some() => {
                ear.try_again = None;
                let private = ear.private.clone();
                drop(client.commands.send(Command::Unsubscribe(private.clone())).await);
                drop(client.commands.send(Command::Subscribe(private)).await);
            }
            () = sleep_until(ear.knocking.at().unwrap_or_else(Instant::now)), if ear.knocking.at().is_some() => {
                if ear.knock_again() {
                    drop(client.commands.send(Command::Connect).await);
                }
            }
            Ok(()) = identity.changed() => {
                let endpoint = identity.borrow_and_update().as_ref().and_then(|identity| identity.endpoint.clone());
                if let Some(endpoint) = endpoint {
                    drop(client.commands.send(Command::SetEndpoint(endpoint)).await);
                }
            }
        }
    }
    drop(client.commands.send(Command::Disconnect).await);
}

struct Ear {
    shared: Shared,
    private: String,
    connected: bool,
    subscribed: bool,
    /// Refusals of our channel since it was last subscribed.
    refusals: u32,
    /// When a refused channel is asked for again: the platform's 401 and 403 may be its own trouble (contract T3).
    try_again: Option<Instant>,
    /// While the server refuses the connection for good.
    knocking: Knocking,
}

impl Ear {
    async fn hear(&mut self, event: pusher::Event) {
        match event {
            pusher::Event::Message {
                channel,
                event,
                data,
                ..
            } => self.message(&channel, &event, data).await,
            pusher::Event::Alive { latency } => self.alive(latency).await,
            pusher::Event::State(change) => self.state(change).await,
            pusher::Event::Subscribed { channel, .. } => {
                if channel == self.private {
                    self.subscribed = true;
                    self.refusals = 0;
                    self.try_again = None;
                    self.shared.link(Leg::Channel, Phase::Up, "").await;
                    self.shared.tell(Event::Subscribed).await;
                } else {
                    let key = PUBLIC_REFUSED.to_owned();
                    let heard = UiCommand::DismissNotice { key };
                    self.shared.tell(Event::Ui(heard)).await;
                }
            }
            pusher::Event::SubscriptionFailed {
                channel,
                reason,
                retry_in,
                permanent,
                ..
            } => {
                if channel == self.private {
                    self.refused(reason, retry_in, permanent).await;
                } else if permanent {
                    self.public_refused(&reason).await;
                }
            }
            pusher::Event::Dropped { .. } => self.shared.tell(Event::Subscribed).await,
            pusher::Event::ServerError { .. } | pusher::Event::BadFrame { .. } => {}
        }
    }

    /// Our channel was refused. A refusal for good is asked again all the same, after 5 s, 10 s … 5 min.
    async fn refused(&mut self, reason: String, retry_in: Option<Duration>, permanent: bool) {
        self.subscribed = false;
        if !permanent {
            self.report(Leg::Channel, Phase::Retrying, reason, retry_in, 0)
                .await;
            return;
        }
        let pause = FIRST_RETRY
            .saturating_mul(1 << self.refusals.min(6))
            .min(LAST_RETRY);
        self.refusals += 1;
        self.try_again = Some(Instant::now() + pause);
        self.report(
            Leg::Channel,
            Phase::Failed,
            reason,
            Some(pause),
            self.refusals,
        )
        .await;
    }

    /// No light shows this channel, so words do.
    async fn public_refused(&self, reason: &str) {
        let text = format!(
            "The channel {PUBLIC}, over which emergency stops come at once, was refused: {reason}."
        );
        tracing::warn!(target: "pusher", "{text}");
        let notice = Notice {
            key: PUBLIC_REFUSED.to_owned(),
            severity: Severity::Warning,
            text,
            remedy: "A stop given on the platform is heard of by the next heartbeat, within a minute; the one in this window works at once.".to_owned(),
            at: self.shared.clock.now().utc,
        };
        self.shared.tell(Event::Noticed(notice)).await;
    }

    async fn message(&self, channel: &str, event: &str, data: String) {
        if channel == self.private {
            if event == "command-received" {
                let source = Source::Pusher;
                let raw = self.shared.without_secret(data);
                self.shared
                    .tell(Event::Delivered(Delivery { source, raw }))
                    .await;
            } else {
                let name = event.to_owned();
                self.shared.tell(Event::StrangeEvent { name }).await;
            }
        } else if channel == PUBLIC && event == "emergency-stop" {
            self.shared.tell(Event::EmergencyBroadcast { data }).await;
        }
    }

    async fn alive(&self, latency: Option<Duration>) {
        if !self.connected {
            return;
        }
        let latency_ms = latency.and_then(|latency| u32::try_from(latency.as_millis()).ok());
        for leg in [Leg::Pusher, Leg::Channel] {
            if leg == Leg::Channel && !self.subscribed {
                continue;
            }
            let report = LinkReport {
                leg,
                phase: Phase::Up,
                detail: String::new(),
                latency_ms,
                retry_at: None,
                attempts: 0,
            };
            self.shared.tell(Event::Link(report)).await;
        }
    }

    /// Asks for the configuration again; `true` when the connection itself is due to be tried once more.
    fn knock_again(&mut self) -> bool {
        self.shared.refetch.notify_one();
        self.knocking.knock()
    }

    async fn state(&mut self, change: StateChange) {
        let reason = change.reason.unwrap_or_default();
        self.connected = change.state == ConnectionState::Connected;
        match change.state {
            ConnectionState::Failed if self.knocking.refused() => {
                self.shared.refetch.notify_one();
            }
            ConnectionState::Connected => self.knocking.connected(),
            _ => {}
        }
        if !self.connected {
            self.subscribed = false;
            if change.attempt >= ATTEMPTS_BEFORE_REFETCH {
                self.shared.refetch.notify_one();
            }
        }
        let refused = change.state == ConnectionState::Failed;
        let phase = match change.state {
            ConnectionState::Connected => Phase::Up,
            ConnectionState::Initialized => Phase::Connecting,
            ConnectionState::Connecting if change.attempt == 0 => Phase::Connecting,
            ConnectionState::Connecting | ConnectionState::Unavailable => Phase::Retrying,
            ConnectionState::Failed => Phase::Failed,
            ConnectionState::Disconnected => Phase::Off,
        };
        self.report(
            Leg::Pusher,
            phase,
            reason.clone(),
            change.retry_in.or(refused.then_some(knocking::PAUSE)),
            change.attempt,
        )
        .await;
        let channel = match phase {
            Phase::Up => Phase::Connecting,
            other => other,
        };
        let detail = if phase == Phase::Up {
            "subscribing"
        } else {
            "Pusher is not connected"
        };
        self.report(Leg::Channel, channel, detail.to_owned(), None, 0)
            .await;
    }

    async fn report(
        &self,
        leg: Leg,
        phase: Phase,
        detail: String,
        retry_in: Option<Duration>,
        attempts: u32,
    ) {
        let now = self.shared.clock.now().utc;
        let report = LinkReport {
            leg,
            phase,
            detail,
            latency_ms: None,
            retry_at: retry_in.and_then(|pause| later(now, pause)),
            attempts,
        };
        self.shared.tell(Event::Link(report)).await;
    }
}
