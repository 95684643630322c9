//! The last step: subscribe to our channel with the program's own Pusher client.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::checks::{Finding, channel, fine, wrong};
use crate::platform::PlatformClient;
use crate::pusher::{self, Authorization, AuthorizeError, Authorizer, Endpoint, Timing};
use crate::settings::{PusherTarget, Resolved, Settings};

struct Signer(PlatformClient);

impl Authorizer for Signer {
    fn authorize(
        &self,
        socket_id: String,
        channel: String,
    ) -> BoxFuture<'static, Result<Authorization, AuthorizeError>> {
        let client = self.0.clone();
        async move {
            let auth = client
                .authorize(&socket_id, &channel)
                .await
                .map_err(|error| AuthorizeError::Invalid {
                    reason: error.to_string(),
                })?;
            Ok(Authorization {
                auth: auth.auth,
                channel_data: auth.channel_data,
            })
        }
        .boxed()
    }
}

pub(super) async fn subscribe(
    client: Option<PlatformClient>,
    settings: &Settings,
    resolved: &Resolved,
    target: Option<PusherTarget>,
) -> (Finding, Option<()>) {
    const REMEDY: &str = "Check pusherKey and pusherCluster; a signature from another app or secret is refused by Pusher.";
    let (Some(client), Some(target)) = (client, target) else {
        return (wrong("no address", REMEDY), None);
    };
    let tls = match crate::net::tls::client_config() {
        Ok(tls) => tls,
        Err(error) => return (wrong(error.to_string(), REMEDY), None),
    };
    let endpoint = Endpoint {
        key: target.key,
        host: target.host,
        port: target.port,
        tls: target.tls,
        path: target.path,
        proxy: settings.proxy.clone(),
    };
    let name = channel(resolved);
    let mut running = pusher::spawn(
        endpoint,
        Timing::default(),
        Arc::new(Signer(client)),
        tls,
        vec![name.clone()],
    );
    let mut last = "no answer".to_owned();
    // The step's own limit ends this; a refusal ends it at once.
    while let Some(event) = running.events.recv().await {
        match event {
            pusher::Event::Subscribed { channel, .. } if channel == name => {
                return (fine(format!("subscribed to {name}")), Some(()));
            }
            pusher::Event::SubscriptionFailed { status, reason, .. } => {
                let status = status
                    .map(|status| format!("status {status}: "))
                    .unwrap_or_default();
                return (wrong(format!("{status}{reason}"), REMEDY), None);
            }
            pusher::Event::State(change) => {
                if change.state == pusher::ConnectionState::Failed || change.attempt >= 3 {
                    let reason = change.reason.unwrap_or(last);
                    let remedy = if reason.contains("quota") {
                        "Too many programs use this Pusher application: close some, or ask the platform's administrator for a larger plan."
                    } else {
                        REMEDY
                    };
                    return (wrong(reason, remedy), None);
                }
                last = change.reason.unwrap_or(last);
            }
            _ => {}
        }
    }
    (wrong(last, REMEDY), None)
}
