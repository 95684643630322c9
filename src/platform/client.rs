//! The calls themselves. Thin: one request, one typed answer.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

use super::answer::{
    ChannelAuth, FetchedConfig, Health, HeartbeatAnswer, PendingRow, ReportAnswer,
};
use super::clock::clock_offset;
use super::error::{Call, CallError, CallErrorKind, from_transport};
use super::response::{content_type, error_code, is_json, kind_of, refused_by_status, retry_after};
use super::wire::{
    AuthAnswer, BeatMetadata, BeatStatus, ConfigAnswer, HealthBody, HeartbeatBody,
    HeartbeatRequest, Report, ReportBody,
};
use crate::core::mend_surrogates;
use crate::net::http;
use crate::net::proxy::ProxySetting;

/// What the platform gave to this executor when it was created.
#[derive(Clone)]
pub struct Credentials {
    pub api_key: SecretString,
    pub api_secret: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

/// How long a call may take and how much it may bring.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect: Duration,
    /// The longest silence while an answer is being read.
    pub silence: Duration,
    /// From the first byte out to the last byte in.
    pub total: Duration,
    /// Bytes of an answer's body: far beyond ten honest rows, since a limit that a queue could reach would cut us off
    /// from that queue for good.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(15),
            total: Duration::from_secs(30),
            body: 16 * 1024 * 1024,
        }
    }
}

/// A client that cannot be built from its settings.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error(
        "platformUrl {0} cannot be called: it must begin with http:// or https:// and name a host"
    )]
    Url(String),
    #[error("{0} holds characters that cannot be sent; copy it again from the platform")]
    Credential(&'static str),
    #[error("the proxy address in Settings cannot be used; it must look like http://host:port")]
    Proxy,
    #[error("the HTTP client cannot be set up: {0}")]
    Client(String),
}

/// The web platform, seen by one executor. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct PlatformClient {
    http: reqwest::Client,
    base: Url,
    headers: HeaderMap,
    limits: Limits,
    explicit_proxy: bool,
}

impl fmt::Debug for PlatformClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PlatformClient")
            .field("host", &self.base.host_str())
            .finish_non_exhaustive()
    }
}

impl PlatformClient {
    pub fn new(
        base: &Url,
        credentials: &Credentials,
        tls: &Arc<rustls::ClientConfig>,
        proxy: &ProxySetting,
    ) -> Result<Self, SetupError> {
        Self::with_limits(base, credentials, tls, proxy, Limits::default())
    }

    pub fn with_limits(
        base: &Url,
        credentials: &Credentials,
        tls: &Arc<rustls::ClientConfig>,
        proxy: &ProxySetting,
        limits: Limits,
    ) -> Result<Self, SetupError> {
        let callable = matches!(base.scheme(), "http" | "https") && base.host().is_some();
        if !callable {
            return Err(SetupError::Url(base.origin().ascii_serialization()));
        }
        let mut headers = HeaderMap::new();
        headers.insert("x-api-key", sensitive(&credentials.api_key, "apiKey")?);
        headers.insert(
            "x-api-secret",
            sensitive(&credentials.api_secret, "apiSecret")?,
        );

        let (builder, explicit_proxy) =
            http::client_for(base, tls, proxy).map_err(|_| SetupError::Proxy)?;
        let builder = builder
            .connect_timeout(limits.connect)
            .read_timeout(limits.silence)
            .timeout(limits.total)
            // The platform's hosts close idle connections after a minute; ours go first.
            .pool_idle_timeout(Duration::from_secs(45));
        Ok(Self {
            http: builder
                .build()
                .map_err(|error| SetupError::Client(error.without_url().to_string()))?,
            base: base.clone(),
            headers,
            limits,
            explicit_proxy,
        })
    }

    /// Who we are and where Pusher is. The platform allows ten of these calls a minute.
    pub async fn config(&self) -> Result<FetchedConfig, CallError> {
        let request = self
            .request(Call::Config, Method::GET, &["api", "executor", "config"])?
            .headers(self.headers.clone());
        let (answer, timing) = self.json::<ConfigAnswer>(Call::Config, request).await?;
        if answer.config.executor_id.is_empty() {
            return Err(invalid(Call::Config, "executorId is empty"));
        }
        Ok(FetchedConfig {
            clock_offset: timing.offset(answer.config.server_time),
            config: answer.config,
            fetched_at: timing.answered_at,
            latency: timing.latency,
        })
    }

    /// Signs one channel for one socket id; every new socket id needs a new call.
    pub async fn authorize(
        &self,
        socket_id: &str,
        channel: &str,
    ) -> Result<ChannelAuth, CallError> {
        let request = self
            .request(Call::Authorize, Method::POST, &["api", "pusher", "auth"])?
            .headers(self.headers.clone())
            .form(&[("socket_id", socket_id), ("channel_name", channel)]);
        let (answer, _) = self.json::<AuthAnswer>(Call::Authorize, request).await?;
        let signed = answer
            .auth
            .split_once(':')
            .is_some_and(|(key, signature)| !key.is_empty() && !signature.is_empty());
        if !signed {
            return Err(invalid(Call::Authorize, "auth is not key:signature"));
        }
        Ok(ChannelAuth {
            auth: answer.auth,
            channel_data: answer.channel_data,
        })
    }

    /// Says that we are alive and brings the commands that wait, ten at most.
    pub async fn heartbeat(
        &self,
        executor_id: &str,
        status: BeatStatus,
        metadata: &BeatMetadata,
    ) -> Result<HeartbeatAnswer, CallError> {
        let path = ["api", "executor", executor_id, "heartbeat"];
        let request = self
            .request(Call::Heartbeat, Method::POST, &path)?
            .headers(self.headers.clone())
            .json(&HeartbeatRequest {
                status,
                metadata: metadata.clone(),
            });
        let (answer, timing) = self.json::<HeartbeatBody>(Call::Heartbeat, request).await?;
        if !answer.success {
            return Err(invalid(Call::Heartbeat, "success is not true"));
        }
        Ok(HeartbeatAnswer {
            rows: answer
                .pending_commands
                .unwrap_or_default()
                .iter()
                .map(|row| PendingRow::new(row.get()))
                .collect(),
            server_time: answer.timestamp,
            latency: timing.latency,
            clock_offset: timing.offset(answer.timestamp),
        })
    }

    /// Tells a command's status; repeating it is harmless.
    pub async fn report(
        &self,
        executor_id: &str,
        report: &Report,
    ) -> Result<ReportAnswer, CallError> {
        let path = ["api", "executor", executor_id, "command"];
        let request = self
            .request(Call::Report, Method::PATCH, &path)?
            .headers(self.headers.clone())
            .json(report);
        let (answer, timing) = self.json::<ReportBody>(Call::Report, request).await?;
        if !answer.success {
            return Err(invalid(Call::Report, "success is not true"));
        }
        let command = answer.command.unwrap_or_default();
        Ok(ReportAnswer {
            user_id: command.user_id.filter(|user| !user.is_empty()),
            command: command.command,
            parameters: command.parameters,
            created_at: command.created_at,
            latency: timing.latency,
        })
    }

    /// Whether a web process answers at the address, without showing it our credentials.
    pub async fn health(&self) -> Result<Health, CallError> {
        let request = self.request(Call::Health, Method::GET, &["api", "health"])?;
        let (answer, timing) = self.json::<HealthBody>(Call::Health, request).await?;
        Ok(Health {
            status: answer.status.chars().take(40).collect(),
            latency: timing.latency,
            clock_offset: timing.offset(answer.timestamp),
        })
    }

    fn request(
        &self,
        call: Call,
        method: Method,
        path: &[&str],
    ) -> Result<RequestBuilder, CallError> {
        let mut url = self.base.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.path_segments_mut()
            .map_err(|()| invalid(call, "platformUrl cannot carry a path"))?
            .pop_if_empty()
            .extend(path);
        Ok(self
            .http
            .request(method, url)
            .header("accept", "application/json"))
    }

    async fn json<T: DeserializeOwned>(
        &self,
        call: Call,
        request: RequestBuilder,
    ) -> Result<(T, Timing), CallError> {
        let (started, asked_at) = (Instant::now(), Timestamp::now());
        let response = request
            .send()
            .await
            .map_err(|error| self.transport(call, &error))?;
        // The headers' arrival is the answer's moment: a long body must not look like a slow clock.
        let timing = Timing::since(started, asked_at);
        let status = response.status();
        if let Some(kind) = refused_by_status(&response) {
            return Err(CallError::new(call, kind));
        }
        if !is_json(response.headers()) {
            return Err(CallError::new(
                call,
                CallErrorKind::NotJson {
                    status: status.as_u16(),
                    content_type: content_type(response.headers()),
                },
            ));
        }
        let wait = retry_after(response.headers(), Timestamp::now());
        let body = self.body(call, response).await?;
        if status.is_success() {
            return Ok((readable(call, &body)?, timing));
        }
        Err(CallError {
            call,
            kind: kind_of(status, wait),
            code: error_code(&body),
        })
    }

    async fn body(&self, call: Call, mut response: Response) -> Result<Vec<u8>, CallError> {
        let too_large = || {
            CallError::new(
                call,
                CallErrorKind::TooLarge {
                    limit: self.limits.body,
                },
            )
        };
        let announced = response.content_length().unwrap_or_default();
        if announced > self.limits.body as u64 {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| self.transport(call, &error))?
        {
            if body.len() + chunk.len() > self.limits.body {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn transport(&self, call: Call, error: &reqwest::Error) -> CallError {
        CallError::new(call, from_transport(error, self.explicit_proxy))
    }
}

#[derive(Clone, Copy)]
struct Timing {
    latency: Duration,
    answered_at: Timestamp,
    /// Both clocks of this computer counted the same meanwhile: it did not sleep and none was set.
    steady: bool,
}

impl Timing {
    /// Two clocks may differ by so much over one call.
    const APART: SignedDuration = SignedDuration::from_secs(1);

    fn since(started: Instant, asked_at: Timestamp) -> Self {
        Self::between(asked_at, Timestamp::now(), started.elapsed())
    }

    fn between(asked_at: Timestamp, answered_at: Timestamp, latency: Duration) -> Self {
        let by_wall = answered_at.duration_since(asked_at);
        let counted = SignedDuration::try_from(latency).unwrap_or(SignedDuration::MAX);
        Self {
            latency,
            answered_at,
            steady: by_wall.saturating_sub(counted).abs() <= Self::APART,
        }
    }

    /// An answer that waited through a sleep says nothing of the clock: its time is that before the sleep.
    fn offset(&self, server: Option<Timestamp>) -> Option<SignedDuration> {
        server
            .filter(|_| self.steady)
            .map(|server| clock_offset(server, self.answered_at, self.latency))
    }
}

fn sensitive(secret: &SecretString, field: &'static str) -> Result<HeaderValue, SetupError> {
    let mut value = HeaderValue::from_str(secret.expose_secret().trim())
        .map_err(|_| SetupError::Credential(field))?;
    value.set_sensitive(true);
    Ok(value)
}

/// An answer's body. One half of an emoji in a name, or bytes that are no text, must not cost the answer: a stop may be in it.
fn readable<T: DeserializeOwned>(call: Call, body: &[u8]) -> Result<T, CallError> {
    serde_json::from_slice(body).or_else(|error| {
        let mended = mend_surrogates(&String::from_utf8_lossy(body));
        serde_json::from_str(&mended).map_err(|_| {
            let (line, column) = (error.line(), error.column());
            invalid(
                call,
                &format!("not readable at line {line} column {column}"),
            )
        })
    })
}

fn invalid(call: Call, what: &str) -> CallError {
    CallError::new(
        call,
        CallErrorKind::InvalidAnswer {
            what: what.to_owned(),
        },
    )
}

#[cfg(test)]
mod timing_tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn an_answer_that_waited_through_a_sleep_tells_no_time() {
        let asked: Timestamp = "2026-03-02T10:00:00Z".parse().unwrap();
        for (slept, told) in [(0, true), (400, false), (10_800, false), (-30, false)] {
            let answered =
                asked + SignedDuration::from_secs(slept) + SignedDuration::from_millis(80);
            let timing = Timing::between(asked, answered, Duration::from_millis(80));
            assert_eq!(timing.offset(Some(asked)).is_some(), told, "{slept} s");
        }
    }
}
