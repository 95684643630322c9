//! The calls of an executor: configuration, heartbeat, command report, active strategies (contract §3.1).

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use super::super::clock;
use super::Platform;
use super::answers::ApiError;
use super::auth::header_text;
use super::store::iso;

/// Configuration calls in one window, per executor.
const CONFIG_CALLS: u32 = 10;
const CONFIG_WINDOW: Duration = Duration::from_secs(60);

/// Counts configuration calls: a window opens with its first call.
#[derive(Debug, Default)]
pub(super) struct ConfigLimit {
    window: Option<(Instant, u32)>,
}

impl ConfigLimit {
    fn allows(&mut self, now: Instant) -> bool {
        match &mut self.window {
            Some((opened, calls)) if now.duration_since(*opened) < CONFIG_WINDOW => {
                *calls = calls.saturating_add(1);
                *calls <= CONFIG_CALLS
            }
            window => {
                *window = Some((now, 1));
                true
            }
        }
    }
}

fn credentials(headers: &HeaderMap) -> Result<(&str, &str), ApiError> {
    header_text(headers, "x-api-key")
        .zip(header_text(headers, "x-api-secret"))
        .ok_or_else(|| {
            ApiError::coded(
                StatusCode::UNAUTHORIZED,
                "MISSING_CREDENTIALS",
                "Missing API credentials",
            )
        })
}

fn no_executor() -> ApiError {
    ApiError::coded(
        StatusCode::NOT_FOUND,
        "EXECUTOR_NOT_FOUND",
        "Executor not found",
    )
}

fn wrong_secret() -> ApiError {
    ApiError::coded(
        StatusCode::UNAUTHORIZED,
        "INVALID_CREDENTIALS",
        "Invalid API credentials",
    )
}

pub(super) async fn config(
    State(platform): State<Platform>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let started = clock::monotonic();
    let (key, secret) = credentials(&headers)?;
    if !key.starts_with("exe_") {
        return Err(ApiError::coded(
            StatusCode::BAD_REQUEST,
            "INVALID_API_KEY_FORMAT",
            "Invalid API key format",
        ));
    }
    if key != platform.identity.api_key {
        return Err(no_executor());
    }
    // Counted before the secret is looked at, and without a Retry-After.
    if !platform.config_limit().allows(started) {
        return Err(ApiError::coded(
            StatusCode::TOO_MANY_REQUESTS,
            "RATE_LIMIT_EXCEEDED",
            "Too many requests. Please try again later.",
        ));
    }
    if !platform.secret_is_right(secret) {
        return Err(wrong_secret());
    }
    let (now, identity) = (platform.now(), &platform.identity);
    let status = platform.store().executor.status.clone();
    let body = json!({
        "success": true,
        "config": {
            "executorId": identity.executor_id,
            "executorName": identity.executor_name,
            "platformUrl": platform.url,
            "pusherKey": identity.pusher_key,
            "pusherCluster": identity.pusher_cluster,
            "zmqPort": 5555,
            "zmqHost": "tcp://localhost",
            "heartbeatInterval": 60,
            "heartbeatTimeout": 120,
            "commandTimeout": 30000,
            "connectionTimeout": 10000,
            "autoReconnect": true,
            "retryAttempts": 5,
            "retryBackoffMs": 2000,
            "maxReconnectAttempts": 10,
            "features": {
                "autoInstallEA": true,
                "autoAttachEA": true,
                "safetyChecks": true,
                "monitoring": true,
                "logging": true,
            },
            "serverTime": iso(now),
            "executorCreatedAt": iso(identity.created_at),
            "executorStatus": status,
        },
        "metadata": {
            "requestProcessingTime": u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "timestamp": iso(now),
        },
    });
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response())
}

pub(super) async fn heartbeat(
    State(platform): State<Platform>,
    Path(executor_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let (key, secret) = credentials(&headers)?;
    let identity = &platform.identity;
    if key != identity.api_key || executor_id != identity.executor_id {
        return Err(no_executor());
    }
    if !platform.secret_is_right(secret) {
        return Err(wrong_secret());
    }
    // A body that is missing or is not JSON counts as `{}`.
    let beat = serde_json::from_slice(&body).unwrap_or_else(|_| json!({}));
    let sent_status = checked_heartbeat(&beat).map_err(ApiError::validation)?;
    let now = platform.now();
    let (executor, rows) = {
        let mut store = platform.store();
        if let Some(status) = sent_status {
            status.clone_into(&mut store.executor.status);
        }
        store.executor.last_heartbeat = Some(now);
        store.executor.heartbeats = store.executor.heartbeats.saturating_add(1);
        let rows = store.hand_out(now);
        (store.executor.clone(), rows)
    };
    platform.changed();
    platform.publisher.notice(
        "executors".to_owned(),
        "status-update",
        json!({
            "executorId": executor_id,
            "status": sent_status.unwrap_or("online"),
            "timestamp": iso(now),
        }),
    );
    let pending: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "id": row.id,
                "command": row.command,
                "parameters": row.parameters,
                "priority": row.priority,
                "createdAt": iso(row.created_at),
            })
        })
        .collect();
    let body = json!({
        "success": true,
        "executor": {
            "id": executor_id,
            "name": identity.executor_name,
            "status": executor.status,
            "lastHeartbeat": iso(now),
        },
        "pendingCommands": pending,
        "timestamp": iso(now),
    });
    Ok(Json(body).into_response())
}

/// The heartbeat's schema: optional fields may be absent, never `null`. Returns the status, or each field's
/// complaint.
fn checked_heartbeat(beat: &Value) -> Result<Option<&str>, Map<String, Value>> {
    const STATUSES: [&str; 3] = ["online", "offline", "error"];
    const TEXTS: [&str; 2] = ["version", "platform"];
    const NUMBERS: [&str; 5] = [
        "accountBalance",
        "accountEquity",
        "openPositions",
        "cpuUsage",
        "memoryUsage",
    ];
    let mut complaints = Map::new();
    let mut complain = |field: String, text: String| {
        complaints.insert(field, json!([text]));
    };
    let Some(fields) = beat.as_object() else {
        complain(
            String::new(),
            format!("Expected object, received {}", kind(beat)),
        );
        return Err(complaints);
    };
    let status = fields.get("status");
    if let Some(sent) = status
        && !sent.as_str().is_some_and(|text| STATUSES.contains(&text))
    {
        complain(
            "status".to_owned(),
            format!("Expected 'online' | 'offline' | 'error', received {sent}"),
        );
    }
    match fields.get("metadata") {
        None => {}
        Some(Value::Object(metadata)) => {
            for (name, value) in metadata {
                let wanted = if TEXTS.contains(&name.as_str()) && !value.is_string() {
                    "string"
                } else if NUMBERS.contains(&name.as_str()) && !value.is_number() {
                    "number"
                } else {
                    continue;
                };
                complain(
                    format!("metadata.{name}"),
                    format!("Expected {wanted}, received {}", kind(value)),
                );
            }
        }
        Some(other) => complain(
            "metadata".to_owned(),
            format!("Expected object, received {}", kind(other)),
        ),
    }
    if complaints.is_empty() {
        Ok(status.and_then(Value::as_str))
    } else {
        Err(complaints)
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Reports a command. No credentials are read: knowing both ids is the only barrier.
pub(super) async fn report(
    State(platform): State<Platform>,
    Path(executor_id): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let report: Value = serde_json::from_slice(&body).map_err(|_| ApiError::internal())?;
    let field = |name: &str| report.get(name).filter(|value| is_truthy(value));
    let (Some(command_id), Some(status)) = (field("commandId"), field("status")) else {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "Command ID and status are required",
        ));
    };
    // Anything but a text fails in the database.
    let (Some(command_id), Some(status)) = (command_id.as_str(), status.as_str()) else {
        return Err(ApiError::internal());
    };
    let (now, result) = (platform.now(), field("result").cloned());
    let row = platform
        .store()
        .report(&executor_id, command_id, status, result, now)
        .ok_or_else(|| {
            ApiError::coded(
                StatusCode::NOT_FOUND,
                "COMMAND_NOT_FOUND",
                "Command not found",
            )
        })?;
    platform.note(format!(
        "Command {} ({}): {}",
        row.id, row.command, row.status
    ));
    platform.publisher.notice(
        format!("private-user-{}", row.user_id),
        "execution-completed",
        json!({
            "commandId": row.id,
            "executorId": row.executor_id,
            "command": row.command,
            "success": row.status == "executed",
            "result": row.result,
            "timestamp": iso(now),
        }),
    );
    let mut command = serde_json::to_value(&row).map_err(|_| ApiError::internal())?;
    command["user"] = json!({"id": row.user_id});
    Ok(Json(json!({"success": true, "command": command})).into_response())
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64().is_some_and(|number| number.abs() > 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Always empty: the route looks the assignments up and then does not use them.
pub(super) async fn active_strategies(State(platform): State<Platform>) -> Response {
    platform.note("Active strategies asked for; the answer is always empty".to_owned());
    Json(json!({
        "success": true,
        "strategies": [],
        "count": 0,
        "message": "Strategies are sent as commands",
    }))
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_configuration_calls_a_minute_and_no_more() {
        let (mut limit, start) = (ConfigLimit::default(), clock::monotonic());
        let allowed = (0..15).filter(|_| limit.allows(start)).count();
        assert_eq!(allowed, 10);
        assert!(!limit.allows(start + Duration::from_secs(59)));
        assert!(limit.allows(start + Duration::from_secs(60)));
    }

    #[test]
    fn a_heartbeat_may_leave_fields_out_but_not_send_null() {
        for (beat, accepted) in [
            (json!({}), true),
            (json!({"status": "offline", "unknown": null}), true),
            (
                json!({"metadata": {"openPositions": 0, "extra": null}}),
                true,
            ),
            (json!({"status": null}), false),
            (json!({"status": "active"}), false),
            (json!({"metadata": null}), false),
            (json!({"metadata": {"accountBalance": null}}), false),
            (json!({"metadata": {"accountBalance": "1000"}}), false),
            (json!({"metadata": {"version": 1}}), false),
            (json!([]), false),
        ] {
            assert_eq!(checked_heartbeat(&beat).is_ok(), accepted, "{beat}");
        }
    }
}
