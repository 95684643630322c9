//! Strategy assignments: pausing, resuming and stopping a strategy without its `closePositions`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use super::Platform;
use super::answers::ApiError;
use super::console::object;

/// `PATCH /api/strategy/{id}/assignments/{executorId}` with `{status}`: `active`, `paused` or `stopped`. Envelope B.
pub(super) async fn change(
    State(platform): State<Platform>,
    Path((id, executor_id)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body = object(&body)?;
    let status = body
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let command = match status {
        "active" => "RESUME_STRATEGY",
        "paused" => "PAUSE_STRATEGY",
        "stopped" => "STOP_STRATEGY",
        _ => {
            let text = "Expected 'active' | 'paused' | 'stopped'";
            return Err(ApiError::invalid("status", text));
        }
    };
    tell(&platform, &id, &executor_id, command, status).await
}

/// `DELETE /api/strategy/{id}/assignments/{executorId}`: the strategy stops. Envelope B.
pub(super) async fn remove(
    State(platform): State<Platform>,
    Path((id, executor_id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    tell(&platform, &id, &executor_id, "STOP_STRATEGY", "stopped").await
}

async fn tell(
    platform: &Platform,
    strategy_id: &str,
    executor_id: &str,
    command: &str,
    status: &str,
) -> Result<Response, ApiError> {
    let strategy = platform.strategy_or_404(strategy_id)?;
    if executor_id != platform.identity.executor_id || strategy.assignment.is_none() {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "Assignment not found"));
    }
    // Only the assignment changes; the strategy's own status does not.
    platform
        .store()
        .set_strategy(&strategy.id, &strategy.status, status);
    let parameters = json!({"strategyId": strategy.id, "strategyName": strategy.name});
    let id = platform.issue(command, &parameters, "HIGH").await?;
    let body = json!({"success": true, "commandId": id, "assignment": {"status": status}});
    Ok(Json(body).into_response())
}
