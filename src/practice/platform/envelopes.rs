//! The message shapes that the platform publishes (contract §4.2), pure.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::store::iso;

/// An activation is meant for this long.
const EXPIRY: Duration = Duration::from_secs(300);

/// Names that the command route accepts; anything else is a validation error.
pub(super) const COMMANDS: [&str; 18] = [
    "START_STRATEGY",
    "STOP_STRATEGY",
    "PAUSE_STRATEGY",
    "RESUME_STRATEGY",
    "UPDATE_STRATEGY",
    "PAUSE",
    "RESUME",
    "STOP_ALL",
    "CLOSE_ALL_POSITIONS",
    "GET_STATUS",
    "RESTART",
    "CLOSE_PROFITABLE",
    "CLOSE_LOSING",
    "CLOSE_BY_STRATEGY",
    "CLOSE_BY_SYMBOL",
    "OPEN_POSITION",
    "CLOSE_POSITION",
    "MODIFY_POSITION",
];

pub(super) const PRIORITIES: [&str; 4] = ["LOW", "NORMAL", "HIGH", "URGENT"];

/// What an activation or deactivation needs to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Activation<'a> {
    pub id: &'a str,
    pub command: &'a str,
    pub executor_id: &'a str,
    pub user_id: &'a str,
    pub assignment_id: &'a str,
    pub parameters: &'a Value,
    pub created_at: Timestamp,
    pub published_at: Timestamp,
}

/// Envelope A: the parameters twice, the kind twice, and an expiry.
pub(super) fn activation(of: Activation<'_>) -> Value {
    let expires = of.created_at.checked_add(EXPIRY).unwrap_or(of.created_at);
    json!({
        "id": of.id,
        "command": of.command,
        "type": of.command,
        "priority": "HIGH",
        "executorId": of.executor_id,
        "parameters": of.parameters,
        "payload": of.parameters,
        "metadata": {
            "source": "web_platform",
            "userId": of.user_id,
            "assignmentId": of.assignment_id,
        },
        "createdAt": iso(of.created_at),
        "timestamp": iso(of.published_at),
        "expiresAt": iso(expires),
    })
}

/// Envelope B: the least that the command route sends.
pub(super) fn command(id: &str, command: &str, parameters: &Value, priority: &str) -> Value {
    json!({"id": id, "command": command, "parameters": parameters, "priority": priority})
}

/// Envelope C: supervisor and circuit breaker, without an id and without a row.
pub(super) fn supervisor(command: &str, parameters: &Value, priority: &str) -> Value {
    json!({"command": command, "parameters": parameters, "priority": priority})
}

/// Envelope D: the debug route, with a type only and without a row.
pub(super) fn debug(executor_id: &str, user_id: &str, now: Timestamp) -> Value {
    let expires = now.checked_add(EXPIRY).unwrap_or(now);
    json!({
        "id": format!("test_{}", now.as_millisecond()),
        "type": "GET_STATUS",
        "priority": "NORMAL",
        "executorId": executor_id,
        "payload": {"test": true, "timestamp": iso(now)},
        "metadata": {
            "source": "debug-api",
            "userId": user_id,
            "description": "Test command of the debug page",
        },
        "timestamp": iso(now),
        "expiresAt": iso(expires),
    })
}
