//! The platform's page: buttons, tables and the log, for a person's browser. And the state behind it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::{Value, json};

use super::super::faults::{FaultError, Server};
use super::Platform;
use super::answers::ApiError;
use super::store::iso;

/// Rows and lines that the page shows.
const ROWS: usize = 100;

const PAGE: &str = include_str!("page.html");

pub(super) async fn page() -> Html<&'static str> {
    Html(PAGE)
}

pub(super) async fn state(State(platform): State<Platform>) -> Response {
    let now = platform.now();
    let identity = &platform.identity;
    let (executor, online, commands, strategies, pending) = {
        let store = platform.store();
        let strategies: Vec<Value> = store
            .strategies()
            .iter()
            .map(|row| {
                json!({
                    "id": row.id,
                    "key": row.key,
                    "name": row.name,
                    "symbol": row.symbol,
                    "timeframe": row.timeframe,
                    "status": row.status,
                    "assignment": row.assignment,
                })
            })
            .collect();
        (
            store.executor.clone(),
            store.executor.is_online(now),
            store.newest(ROWS),
            strategies,
            store.pending(),
        )
    };
    let mut events = platform.pusher.console();
    events.reverse();
    events.truncate(ROWS);
    let log: Vec<Value> = platform
        .log_lines()
        .into_iter()
        .rev()
        .take(ROWS)
        .map(|line| json!({"at": iso(line.at), "text": line.text}))
        .collect();
    let door = |server| {
        let (refusing, frozen) = platform.faults.door(server);
        json!({"refusing": refusing, "frozen": frozen})
    };
    Json(json!({
        "now": iso(now),
        "marketSpeed": platform.speed,
        "executor": {
            "id": identity.executor_id,
            "name": identity.executor_name,
            "userId": identity.user_id,
            "online": online,
            "row": executor,
        },
        "pusher": {
            "connections": platform.pusher.connections(),
            "channels": platform.pusher.channels(),
            "subscribed": platform.executor_is_subscribed(),
            "events": events,
        },
        "strategies": strategies,
        "commands": commands,
        "pending": pending,
        "log": log,
        "faults": platform.faults.list(),
        "clockErrorMs": i64::try_from(platform.faults.clock_error().as_millis()).unwrap_or(0),
        "doors": {"platform": door(Server::Platform), "pusher": door(Server::Pusher)},
    }))
    .into_response()
}

impl From<FaultError> for ApiError {
    fn from(error: FaultError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

/// `POST /practice/faults`: one fault, for example `{"on":"heartbeat","fault":"status","status":500,"times":3}`.
pub(super) async fn add_fault(
    State(platform): State<Platform>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let request: Value =
        serde_json::from_slice(&body).map_err(|error| FaultError::Unreadable(error.to_string()))?;
    platform.faults.read(&request)?;
    platform.note(format!("Fault switched on: {request}"));
    Ok(Json(json!({"success": true, "faults": platform.faults.list()})).into_response())
}

/// `GET /practice/faults`
pub(super) async fn list_faults(State(platform): State<Platform>) -> Response {
    Json(json!({"faults": platform.faults.list()})).into_response()
}

/// `DELETE /practice/faults`: everything works again.
pub(super) async fn clear_faults(State(platform): State<Platform>) -> Response {
    platform.faults.clear();
    platform.note("Faults cleared".to_owned());
    Json(json!({"success": true, "faults": []})).into_response()
}

/// `DELETE /practice/faults/{id}`
pub(super) async fn clear_fault(
    State(platform): State<Platform>,
    Path(id): Path<u64>,
) -> Result<Response, ApiError> {
    if !platform.faults.clear_one(id) {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "No such fault"));
    }
    Ok(Json(json!({"success": true, "faults": platform.faults.list()})).into_response())
}
