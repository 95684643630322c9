//! Publishes through the Pusher server's REST API, over HTTP, as the platform does: failures are logged and
//! swallowed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::super::clock;
use super::super::pusher::signature::{hmac_hex, md5_hex, rest_text};

/// Longest wait for the Pusher server; then the event is lost.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Notices (status updates, completed executions) on their way at a time; further ones are lost.
const NOTICES: usize = 64;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
    #[error("Pusher cannot be reached: {0}")]
    Unreachable(reqwest::Error),
    #[error("Pusher answered {status}: {text}")]
    Refused { status: u16, text: String },
}

#[derive(Clone, Debug)]
pub(in crate::practice) struct Publisher {
    client: reqwest::Client,
    base: String,
    app_id: String,
    key: String,
    secret: SecretString,
    notices: Arc<Semaphore>,
}

impl Publisher {
    pub(in crate::practice) fn new(
        pusher_port: u16,
        app_id: &str,
        key: &str,
        secret: SecretString,
    ) -> Result<Self, PublishError> {
        Ok(Self {
            client: loopback_client(TIMEOUT)?,
            base: format!("http://127.0.0.1:{pusher_port}"),
            app_id: app_id.to_owned(),
            key: key.to_owned(),
            secret,
            notices: Arc::new(Semaphore::new(NOTICES)),
        })
    }

    /// Publishes one event with a JSON value as its data.
    pub(in crate::practice) async fn trigger(
        &self,
        channel: &str,
        event: &str,
        data: &Value,
    ) -> Result<(), PublishError> {
        let text = match data {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let body = json!({"name": event, "data": text, "channels": [channel]}).to_string();
        let path = format!("/apps/{}/events", self.app_id);
        let mut query: BTreeMap<String, String> = [
            ("auth_key", self.key.clone()),
            ("auth_timestamp", clock::utc().as_second().to_string()),
            ("auth_version", "1.0".to_owned()),
            ("body_md5", md5_hex(body.as_bytes())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let signature = hmac_hex(
            self.secret.expose_secret(),
            &rest_text("POST", &path, &query),
        );
        query.insert("auth_signature".to_owned(), signature);
        let encoded: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&query)
            .finish();
        let answer = self
            .client
            .post(format!("{}{path}?{encoded}", self.base))
            .header("Content-Type", "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| PublishError::Unreachable(error.without_url()))?;
        if answer.status().is_success() {
            return Ok(());
        }
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap_or_default();
        Err(PublishError::Refused {
            status,
            text: text.chars().take(300).collect(),
        })
    }

    /// Publishes without making anybody wait. Lost when too many are on their way.
    pub(super) fn notice(&self, channel: String, event: &'static str, data: Value) {
        let Ok(permit) = Arc::clone(&self.notices).try_acquire_owned() else {
            tracing::debug!(target: "practice", "{event} on {channel} was lost: too many on their way");
            return;
        };
        let publisher = self.clone();
        tokio::spawn(async move {
            if let Err(error) = publisher.trigger(&channel, event, &data).await {
                tracing::debug!(target: "practice", "{event} on {channel} was lost: {error}");
            }
            drop(permit);
        });
    }
}

/// An HTTP client for this machine only: no proxy, no redirects, and TLS that trusts nobody.
pub(in crate::practice) fn loopback_client(
    timeout: Duration,
) -> Result<reqwest::Client, PublishError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| PublishError::Client(error.to_string()))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout)
        .build()
        .map_err(|error| PublishError::Client(error.to_string()))
}
