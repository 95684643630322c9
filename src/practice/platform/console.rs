//! What people do on the platform: activate, deactivate, send a command, stop everything, debug.
//!
//! On the platform these routes want a browser session; here they want none, it is practice. A row is written
//! before anything is published (contract §4.3), and an answer says success whether or not Pusher took it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::identity::{fresh_activation_id, fresh_cuid};
use super::Platform;
use super::answers::ApiError;
use super::envelopes::{self, Activation, COMMANDS, PRIORITIES};
use super::store::{CommandRow, StrategyRow, TableFull, iso};

impl From<TableFull> for ApiError {
    fn from(full: TableFull) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, full.to_string())
    }
}

/// What is known of a command when its row is written.
#[derive(Debug)]
pub(in crate::practice) struct NewRow<'a> {
    pub id: &'a str,
    pub user_id: &'a str,
    pub command: &'a str,
    pub parameters: Option<Value>,
    pub priority: &'a str,
    pub created_at: Timestamp,
}

/// An absent body counts as `{}`; one that is not a JSON object fails as on the platform.
pub(super) fn object(body: &Bytes) -> Result<Value, ApiError> {
    if body.is_empty() {
        return Ok(json!({}));
    }
    serde_json::from_slice::<Value>(body)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(ApiError::internal)
}

fn object_field(body: &Value, name: &str) -> Result<Value, ApiError> {
    match body.get(name) {
        None => Ok(json!({})),
        Some(value) if value.is_object() => Ok(value.clone()),
        Some(_) => Err(ApiError::invalid(name, "Expected object")),
    }
}

fn priority(body: &Value) -> Result<&str, ApiError> {
    let sent = body.get("priority").map_or(Some("NORMAL"), Value::as_str);
    sent.filter(|name| PRIORITIES.contains(name))
        .ok_or_else(|| {
            ApiError::invalid("priority", "Expected 'LOW' | 'NORMAL' | 'HIGH' | 'URGENT'")
        })
}

impl Platform {
    /// Writes a pending row for the practice executor.
    pub(in crate::practice) fn insert_row(&self, new: NewRow<'_>) -> Result<(), TableFull> {
        let row = CommandRow {
            id: new.id.to_owned(),
            user_id: new.user_id.to_owned(),
            executor_id: self.identity.executor_id.clone(),
            command: new.command.to_owned(),
            parameters: new.parameters,
            priority: new.priority.to_owned(),
            status: "pending".to_owned(),
            result: None,
            created_at: new.created_at,
            executed_at: None,
            acknowledged_at: None,
        };
        let inserted = self.store().insert(row);
        self.changed();
        inserted
    }

    /// Writes a row of the practice executor's owner.
    fn insert_own(
        &self,
        id: &str,
        command: &str,
        parameters: &Value,
        priority: &str,
        created_at: Timestamp,
    ) -> Result<(), TableFull> {
        self.insert_row(NewRow {
            id,
            user_id: &self.identity.user_id,
            command,
            parameters: Some(parameters.clone()),
            priority,
            created_at,
        })
    }

    /// Writes a row and publishes envelope B. Returns the row's id.
    pub(super) async fn issue(
        &self,
        command: &str,
        parameters: &Value,
        priority: &str,
    ) -> Result<String, TableFull> {
        let created_at = self.now();
        let id = fresh_cuid(created_at);
        self.insert_own(&id, command, parameters, priority, created_at)?;
        let envelope = envelopes::command(&id, command, parameters, priority);
        self.send_to_executor(&envelope).await;
        Ok(id)
    }

    /// Publishes on the executor's private channel and logs what became of it.
    async fn send_to_executor(&self, envelope: &Value) {
        let channel = self.executor_channel();
        match self
            .publisher
            .trigger(&channel, "command-received", envelope)
            .await
        {
            Ok(()) => {
                let id = envelope
                    .get("id")
                    .and_then(Value::as_str)
                    .unwrap_or("(none)");
                self.say(format!(
                    "✅ Command sent to executor {}: {{ commandId: '{id}', channel: '{channel}', event: 'command-received' }}",
                    self.identity.executor_id
                ));
            }
            Err(error) => self.complain(format!("❌ Command not sent to {channel}: {error}")),
        }
    }

    async fn start_or_stop(
        &self,
        strategy: &StrategyRow,
        command: &str,
        parameters: Value,
    ) -> Result<String, ApiError> {
        let created_at = self.now();
        let id = fresh_activation_id(created_at);
        self.insert_own(&id, command, &parameters, "HIGH", created_at)?;
        // Set before anybody confirmed anything, and never taken back.
        let (status, assignment) = match command {
            "START_STRATEGY" => ("active", "active"),
            _ => ("inactive", "stopped"),
        };
        self.store().set_strategy(&strategy.id, status, assignment);
        let envelope = envelopes::activation(Activation {
            id: &id,
            command,
            executor_id: &self.identity.executor_id,
            user_id: &self.identity.user_id,
            assignment_id: &strategy.assignment_id,
            parameters: &parameters,
            created_at,
            published_at: self.now(),
        });
        self.send_to_executor(&envelope).await;
        Ok(id)
    }

    pub(super) fn strategy_or_404(&self, id: &str) -> Result<StrategyRow, ApiError> {
        self.store()
            .strategy(id)
            .cloned()
            .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "Strategy not found"))
    }
}

/// `POST /api/strategy/{id}/activate` with optional `{executorId, settings, options}`. Envelope A.
pub(super) async fn activate(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body = object(&body)?;
    let strategy = platform.strategy_or_404(&id)?;
    if let Some(wanted) = body.get("executorId")
        && wanted.as_str() != Some(platform.identity.executor_id.as_str())
    {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "Executor not found"));
    }
    let parameters = json!({
        "strategyId": strategy.id,
        "strategyName": strategy.name,
        "symbol": strategy.symbol,
        "timeframe": strategy.timeframe,
        "rules": strategy.rules,
        "enabled": true,
        "options": object_field(&body, "options")?,
        "settings": object_field(&body, "settings")?,
    });
    let command_id = platform
        .start_or_stop(&strategy, "START_STRATEGY", parameters)
        .await?;
    Ok(activation_answer(
        &platform,
        &strategy,
        &command_id,
        "activated",
    ))
}

/// `POST /api/strategy/{id}/deactivate` with optional `{closePositions}`, which is true when absent. Envelope A.
pub(super) async fn deactivate(
    State(platform): State<Platform>,
    Path(id): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body = object(&body)?;
    let strategy = platform.strategy_or_404(&id)?;
    let close = body
        .get("closePositions")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let parameters = json!({
        "strategyId": strategy.id,
        "strategyName": strategy.name,
        "closePositions": close,
    });
    let command_id = platform
        .start_or_stop(&strategy, "STOP_STRATEGY", parameters)
        .await?;
    Ok(activation_answer(
        &platform,
        &strategy,
        &command_id,
        "deactivated",
    ))
}

fn activation_answer(
    platform: &Platform,
    strategy: &StrategyRow,
    command_id: &str,
    what: &str,
) -> Response {
    Json(json!({
        "success": true,
        "message": format!("Strategy {what}"),
        "strategyId": strategy.id,
        "assignmentId": strategy.assignment_id,
        "executorId": platform.identity.executor_id,
        "commandId": command_id,
    }))
    .into_response()
}

/// `POST /api/executor/{id}/command` with `{command, parameters?, priority?}`. Envelope B. The answer has no
/// `success`.
pub(super) async fn command(
    State(platform): State<Platform>,
    Path(executor_id): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body = object(&body)?;
    if executor_id != platform.identity.executor_id {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "Executor not found"));
    }
    let name = body
        .get("command")
        .and_then(Value::as_str)
        .filter(|name| COMMANDS.contains(name))
        .ok_or_else(|| ApiError::invalid("command", "Unknown command"))?;
    let (parameters, priority) = (object_field(&body, "parameters")?, priority(&body)?);
    let id = platform.issue(name, &parameters, priority).await?;
    let online = platform.store().executor.is_online(platform.now());
    let message = if online {
        "Command sent to executor"
    } else {
        "Executor is offline; the command will be delivered later"
    };
    let row = platform.store().command(&id);
    Ok(Json(json!({"command": row, "message": message})).into_response())
}

/// `POST /api/executor/emergency-stop` with optional `{reason}`: a row for the executor, then the public event.
pub(super) async fn emergency_stop(
    State(platform): State<Platform>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body = object(&body)?;
    let reason = body
        .get("reason")
        .and_then(Value::as_str)
        .unwrap_or("Emergency stop pressed on the platform");
    let now = platform.now();
    let id = fresh_cuid(now);
    let parameters = json!({"reason": reason});
    platform.insert_own(&id, "EMERGENCY_STOP", &parameters, "URGENT", now)?;
    let event = json!({
        "userId": platform.identity.user_id,
        "reason": reason,
        "timestamp": iso(now),
    });
    match platform
        .publisher
        .trigger("executors", "emergency-stop", &event)
        .await
    {
        Ok(()) => platform.say(format!("Emergency stop broadcast: {reason}")),
        Err(error) => platform.complain(format!("❌ Emergency stop not broadcast: {error}")),
    }
    Ok(Json(json!({
        "success": true,
        "message": "Emergency stop sent to 1 executor",
        "executorsAffected": 1,
        "commandIds": [id],
    }))
    .into_response())
}

/// `POST /api/debug/pusher-test`. Envelope D: no row.
pub(super) async fn pusher_test(State(platform): State<Platform>) -> Response {
    let identity = &platform.identity;
    let envelope = envelopes::debug(&identity.executor_id, &identity.user_id, platform.now());
    platform.send_to_executor(&envelope).await;
    Json(json!({"success": true, "commandId": envelope["id"]})).into_response()
}

/// `POST /practice/supervisor` with `{command, parameters?, priority?}`: what the supervisor and the circuit breaker
/// publish. Envelope C: no id, no row.
pub(super) async fn supervisor(
    State(platform): State<Platform>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body = object(&body)?;
    let name = body
        .get("command")
        .and_then(Value::as_str)
        .ok_or_else(|| ApiError::invalid("command", "Required"))?;
    let parameters = object_field(&body, "parameters")?;
    let envelope = envelopes::supervisor(name, &parameters, priority(&body)?);
    platform.send_to_executor(&envelope).await;
    Ok(Json(json!({"success": true})).into_response())
}

/// `POST /practice/trigger` with `{channel, event, data}`: the event creator of Pusher's dashboard.
pub(super) async fn trigger(
    State(platform): State<Platform>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let body = object(&body)?;
    let text = |name: &str| {
        body.get(name)
            .and_then(Value::as_str)
            .ok_or_else(|| ApiError::invalid(name, "Required"))
    };
    let (channel, event) = (text("channel")?, text("event")?);
    let data = body.get("data").cloned().unwrap_or_default();
    match platform.publisher.trigger(channel, event, &data).await {
        Ok(()) => Ok(Json(json!({"success": true})).into_response()),
        Err(error) => Err(ApiError::new(StatusCode::BAD_GATEWAY, error.to_string())),
    }
}
