//! The REST API: publish one event or a batch, and list channels. Every request's signature is checked.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::clock;
use super::super::faults::PusherFault;
use super::PusherServer;
use super::connection::valid_channel;
use super::signature::{RestRequest, check_rest};

/// The largest event, in bytes of `data` (HTTP API, "Publish an event").
pub(in crate::practice) const MAX_DATA: usize = 10_240;

const MAX_NAME: usize = 200;
const MAX_CHANNELS_A_PUBLISH: usize = 100;
const MAX_BATCH: usize = 10;

type Parameters = BTreeMap<String, String>;

#[derive(Debug, Deserialize)]
struct Publish {
    name: String,
    data: String,
    channel: Option<String>,
    #[serde(default)]
    channels: Vec<String>,
    socket_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Batch {
    batch: Vec<Publish>,
}

/// A refusal in Pusher's manner: a status and a line of plain text.
#[derive(Debug)]
struct Refusal(StatusCode, String);

pub(super) async fn events(
    State(server): State<PusherServer>,
    method: Method,
    uri: Uri,
    Query(query): Query<Parameters>,
    body: Bytes,
) -> Response {
    let done = async {
        check(&server, &method, &uri, &query, &body)?;
        let publish: Publish = read(&body)?;
        let channels = checked(&publish)?;
        deliver(&server, &publish, &channels).await;
        Ok(json!({}))
    };
    answer(done.await)
}

pub(super) async fn batch_events(
    State(server): State<PusherServer>,
    method: Method,
    uri: Uri,
    Query(query): Query<Parameters>,
    body: Bytes,
) -> Response {
    let done = async {
        check(&server, &method, &uri, &query, &body)?;
        let Batch { batch } = read(&body)?;
        if batch.len() > MAX_BATCH {
            let text = format!("Batch too large ({} > {MAX_BATCH})", batch.len());
            return Err(Refusal(StatusCode::BAD_REQUEST, text));
        }
        let mut checked_batch = Vec::new();
        for publish in &batch {
            checked_batch.push((publish, checked(publish)?));
        }
        for (publish, channels) in checked_batch {
            deliver(&server, publish, &channels).await;
        }
        Ok(json!({}))
    };
    answer(done.await)
}

pub(super) async fn channels(
    State(server): State<PusherServer>,
    method: Method,
    uri: Uri,
    Query(query): Query<Parameters>,
) -> Response {
    let done = check(&server, &method, &uri, &query, &[]).map(|()| {
        let prefix = query.get("filter_by_prefix").map_or("", String::as_str);
        let counted = wants_count(&query);
        let listed: serde_json::Map<String, Value> = server
            .hub
            .channels()
            .into_iter()
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, count)| {
                let info = if counted {
                    json!({"subscription_count": count})
                } else {
                    json!({})
                };
                (name, info)
            })
            .collect();
        json!({"channels": listed})
    });
    answer(done)
}

pub(super) async fn channel(
    State(server): State<PusherServer>,
    Path((_, name)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    Query(query): Query<Parameters>,
) -> Response {
    let done = check(&server, &method, &uri, &query, &[]).map(|()| {
        let count = server.hub.channels().get(&name).copied().unwrap_or(0);
        if wants_count(&query) {
            json!({"occupied": count > 0, "subscription_count": count})
        } else {
            json!({"occupied": count > 0})
        }
    });
    answer(done)
}

fn wants_count(query: &Parameters) -> bool {
    query
        .get("info")
        .is_some_and(|info| info.split(',').any(|wish| wish == "subscription_count"))
}

fn check(
    server: &PusherServer,
    method: &Method,
    uri: &Uri,
    query: &Parameters,
    body: &[u8],
) -> Result<(), Refusal> {
    let app = uri.path().split('/').nth(2).unwrap_or_default();
    if app != server.app.id {
        return Err(Refusal(
            StatusCode::NOT_FOUND,
            format!("No app with id {app}"),
        ));
    }
    let request = RestRequest {
        method: method.as_str(),
        path: uri.path(),
        query,
        body,
        now: clock::utc().as_second(),
    };
    check_rest(&server.app.key, server.app.secret.expose_secret(), request)
        .map_err(|refusal| Refusal(StatusCode::UNAUTHORIZED, refusal.to_string()))
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal(StatusCode::BAD_REQUEST, format!("Invalid body: {error}")))
}

/// Checks one event's limits and returns its channels.
fn checked(publish: &Publish) -> Result<Vec<&str>, Refusal> {
    let channels: Vec<&str> = publish
        .channel
        .iter()
        .chain(&publish.channels)
        .map(String::as_str)
        .collect();
    let bad = |text: String| Err(Refusal(StatusCode::BAD_REQUEST, text));
    if channels.is_empty() || channels.len() > MAX_CHANNELS_A_PUBLISH {
        return bad(format!(
            "An event needs 1 to {MAX_CHANNELS_A_PUBLISH} channels"
        ));
    }
    if let Some(wrong) = channels.iter().find(|name| !valid_channel(name)) {
        return bad(format!("Invalid channel name: {wrong}"));
    }
    if publish.name.is_empty() || publish.name.len() > MAX_NAME {
        return bad(format!("An event's name has 1 to {MAX_NAME} characters"));
    }
    if publish.data.len() > MAX_DATA {
        return Err(Refusal(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "The data content of this event exceeds the allowed maximum ({MAX_DATA} bytes)"
            ),
        ));
    }
    Ok(channels)
}

async fn deliver(server: &PusherServer, publish: &Publish, channels: &[&str]) {
    let data = Value::String(publish.data.clone());
    for channel in channels {
        let lost = server
            .faults
            .take_pusher(|fault| matches!(fault, PusherFault::LoseEvent).then_some(()));
        if lost.is_some() {
            server.hub.note(channel, &publish.name, &data, 0);
            continue;
        }
        server
            .hub
            .publish(channel, &publish.name, &data, publish.socket_id.as_deref())
            .await;
    }
}

fn answer(done: Result<Value, Refusal>) -> Response {
    match done {
        Ok(body) => Json(body).into_response(),
        Err(Refusal(status, text)) => (status, text).into_response(),
    }
}
