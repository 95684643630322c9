//! The bodies of the platform's executor calls, as both sides of the wire write and read them.
//!
//! Reading is lenient where a missing decoration must not cost a command, and strict where the contract is. Nothing
//! here may ever write `null` for an absent value: the platform answers 400 to it and then forgets the heartbeat.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The most rows that one heartbeat hands out; this many means that more are waiting.
pub const ROWS_PER_BEAT: usize = 10;

/// Answer of `GET /api/executor/config`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ConfigAnswer {
    pub success: bool,
    pub config: ExecutorConfig,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
}

/// What the platform says about this executor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExecutorConfig {
    pub executor_id: String,
    #[serde(default, deserialize_with = "text_or_empty")]
    pub executor_name: String,
    #[serde(
        default,
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub platform_url: Option<String>,
    #[serde(
        default,
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub pusher_key: Option<String>,
    #[serde(
        default,
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub pusher_cluster: Option<String>,
    /// Seconds.
    #[serde(
        default,
        deserialize_with = "whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub heartbeat_interval: Option<u64>,
    /// Seconds.
    #[serde(
        default,
        deserialize_with = "whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub heartbeat_timeout: Option<u64>,
    #[serde(
        default,
        deserialize_with = "moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub server_time: Option<Timestamp>,
    #[serde(
        default,
        deserialize_with = "text",
        skip_serializing_if = "Option::is_none"
    )]
    pub executor_status: Option<String>,
}

/// Answer of `POST /api/pusher/auth`.
#[derive(Clone, Serialize, Deserialize)]
pub struct AuthAnswer {
    pub auth: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel_data: Option<String>,
}

impl std::fmt::Debug for AuthAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthAnswer")
            .field("channel_data", &self.channel_data)
            .finish_non_exhaustive()
    }
}

/// The `user_id` part of `channel_data`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChannelData {
    pub user_id: String,
}

/// Body of a heartbeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeartbeatRequest {
    pub status: BeatStatus,
    #[serde(default)]
    pub metadata: BeatMetadata,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BeatStatus {
    Online,
    /// A clean end of the program.
    Offline,
    /// Alive, but something keeps it from trading.
    Error,
}

/// Numbers that ride on a heartbeat; the platform logs and forgets them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BeatMetadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Account currency.
    #[serde(with = "number", skip_serializing_if = "Option::is_none")]
    pub account_balance: Option<Decimal>,
    /// Account currency.
    #[serde(with = "number", skip_serializing_if = "Option::is_none")]
    pub account_equity: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_positions: Option<u32>,
    /// Per cent of one core.
    #[serde(with = "number", skip_serializing_if = "Option::is_none")]
    pub cpu_usage: Option<Decimal>,
    /// Megabytes.
    #[serde(with = "number", skip_serializing_if = "Option::is_none")]
    pub memory_usage: Option<Decimal>,
}

/// Answer of a heartbeat. Rows keep their text byte for byte, so that the journal holds what really came.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "BTreeMap<String, Box<RawValue>>")]
pub struct HeartbeatBody {
    pub success: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub executor: Option<Value>,
    pub pending_commands: Option<Vec<Box<RawValue>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
}

/// Field by field: nothing beside the rows may cost them. Of a field that comes twice the last counts, as in JavaScript.
impl TryFrom<BTreeMap<String, Box<RawValue>>> for HeartbeatBody {
    type Error = serde_json::Error;

    fn try_from(fields: BTreeMap<String, Box<RawValue>>) -> Result<Self, Self::Error> {
        let text = |name: &str| fields.get(name).map_or("null", |raw| raw.get());
        let moment: Option<String> = serde_json::from_str(text("timestamp")).ok();
        Ok(Self {
            success: serde_json::from_str(text("success"))?,
            executor: serde_json::from_str(text("executor")).unwrap_or_default(),
            pending_commands: serde_json::from_str(text("pendingCommands"))?,
            timestamp: moment.and_then(|text| text.parse().ok()),
        })
    }
}

/// One row of `pendingCommands` as the platform writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingCommand {
    pub id: String,
    pub command: String,
    pub parameters: Option<Value>,
    pub priority: String,
    pub created_at: Timestamp,
}

/// Body of `PATCH /api/executor/{id}/command`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    pub command_id: String,
    pub status: ReportStatus,
    /// `{success, message, …}`, under 8 KB. The platform shows `message` and nothing else.
    pub result: Value,
}

/// The statuses that are ever reported. `executed` alone counts as success on the platform; anything that is not
/// final takes the row out of its queue (contract C6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportStatus {
    Executing,
    Executed,
    Failed,
}

impl ReportStatus {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Executing => "executing",
            Self::Executed => "executed",
            Self::Failed => "failed",
        }
    }
}

/// Answer of a report: the row as the platform holds it, which tells who issued the command.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReportBody {
    pub success: bool,
    #[serde(default)]
    pub command: Option<ReportedCommand>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReportedCommand {
    #[serde(deserialize_with = "text")]
    pub id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub user_id: Option<String>,
    #[serde(deserialize_with = "text")]
    pub command: Option<String>,
    #[serde(deserialize_with = "within_reach")]
    pub parameters: Option<Value>,
    #[serde(deserialize_with = "text")]
    pub status: Option<String>,
    #[serde(deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
}

/// Error body of the executor routes. Its text is never shown or logged; its code is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    pub error: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// Answer of `GET /api/health`: proves that a web process answers, nothing more (contract T10).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HealthBody {
    pub status: String,
    #[serde(
        default,
        deserialize_with = "moment",
        skip_serializing_if = "Option::is_none"
    )]
    pub timestamp: Option<Timestamp>,
}

/// Money goes over this wire as a JSON number, though it is a decimal everywhere else.
mod number {
    use rust_decimal::Decimal;
    use rust_decimal::prelude::{FromPrimitive as _, ToPrimitive as _};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::ref_option, reason = "serde's shape for `with`")]
    pub fn serialize<S: Serializer>(
        value: &Option<Decimal>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value
            .and_then(|value| value.to_f64())
            .filter(|value| value.is_finite())
            .unwrap_or_default()
            .serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Decimal>, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Ok(Decimal::from_f64(value))
    }
}

/// A text, or nothing when it is anything else: what is not needed must not spoil what is.
fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

fn text_or_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(text(deserializer)?.unwrap_or_default())
}

/// Any value, or nothing when it is null or nested deeper than can be read: the platform repeats what a command carried.
fn within_reach<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Value>, D::Error> {
    let raw = Box::<RawValue>::deserialize(deserializer)?;
    let value = serde_json::from_str::<Value>(raw.get()).ok();
    Ok(value.filter(|value| !value.is_null()))
}

/// A whole number in any JSON clothing, or nothing.
fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64().or_else(|| {
            number
                .as_f64()
                .filter(|value| (0.0..1e9).contains(value))
                .map(|value| value as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// An ISO 8601 moment, or nothing when it is absent or unreadable.
fn moment<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn what_is_not_needed_of_a_heartbeat_may_be_anything() {
        let deep = "[".repeat(300) + &"]".repeat(300);
        let text = format!(
            r#"{{"success":true,"executor":{deep},"z":{deep},"pendingCommands":[{{"id":"a"}}],"timestamp":1e999}}"#
        );
        let body: HeartbeatBody = serde_json::from_str(&text).unwrap();
        assert_eq!(body.pending_commands.unwrap().len(), 1);
        let twice = r#"{"success":false,"executor":1,"timestamp":"2026-01-05T10:00:00Z","pendingCommands":[{"id":"a"}],
            "success":true,"executor":{},"timestamp":"2026-01-05T10:00:01Z"}"#;
        let body: HeartbeatBody = serde_json::from_str(twice).unwrap();
        assert!(body.success);
        assert_eq!(body.pending_commands.unwrap().len(), 1);
        assert_eq!(body.timestamp, "2026-01-05T10:00:01Z".parse().ok());
        let without: Result<HeartbeatBody, _> = serde_json::from_str(r#"{"pendingCommands":[]}"#);
        assert!(
            without.is_err(),
            "an answer that says nothing is no success"
        );
    }

    /// From a text and from a value already parsed.
    #[test]
    fn the_moment_of_a_configuration_is_read() {
        let text = r#"{"success":true,"config":{"executorId":"c1","serverTime":"2026-01-05T10:00:00.000Z"}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        let answer: ConfigAnswer = serde_json::from_value(value).unwrap();
        assert_eq!(
            answer.config.server_time,
            "2026-01-05T10:00:00Z".parse().ok()
        );
        let answer: ConfigAnswer = serde_json::from_str(text).unwrap();
        assert_eq!(
            answer.config.server_time,
            "2026-01-05T10:00:00Z".parse().ok()
        );
    }

    #[test]
    fn absent_metadata_is_left_out_and_never_null() {
        let request = HeartbeatRequest {
            status: BeatStatus::Online,
            metadata: BeatMetadata {
                version: Some("0.1.0".to_owned()),
                account_balance: Some("10000.25".parse().unwrap()),
                open_positions: Some(2),
                ..BeatMetadata::default()
            },
        };
        insta::assert_snapshot!(
            serde_json::to_string(&request).unwrap(),
            @r#"{"status":"online","metadata":{"version":"0.1.0","accountBalance":10000.25,"openPositions":2}}"#
        );
    }

    #[test]
    fn what_is_not_needed_does_not_spoil_what_is() {
        let config: ExecutorConfig = serde_json::from_str(
            r#"{"executorId":"c1","executorName":null,"platformUrl":7,"pusherKey":"k","pusherCluster":[],"heartbeatInterval":{},"serverTime":5,"executorStatus":true}"#,
        )
        .unwrap();
        assert_eq!(
            (config.executor_id.as_str(), config.pusher_key.as_deref()),
            ("c1", Some("k"))
        );
        assert_eq!((config.platform_url, config.pusher_cluster), (None, None));
        let body: ReportBody = serde_json::from_str(
            r#"{"success":true,"command":{"userId":17,"command":null,"parameters":3,"createdAt":"never"}}"#,
        )
        .unwrap();
        assert_eq!(body.command.unwrap().user_id, None);
        let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
        let body: ReportBody = serde_json::from_str(&format!(
            r#"{{"success":true,"command":{{"userId":"u1","parameters":{{"a":{deep}}}}}}}"#
        ))
        .unwrap();
        assert_eq!(body.command.unwrap().user_id.as_deref(), Some("u1"));
    }

    #[test]
    fn an_empty_metadata_is_an_empty_object() {
        let request = HeartbeatRequest {
            status: BeatStatus::Offline,
            metadata: BeatMetadata::default(),
        };
        assert_eq!(
            serde_json::to_string(&request).unwrap(),
            r#"{"status":"offline","metadata":{}}"#
        );
    }

    #[test]
    fn odd_decorations_do_not_cost_the_configuration() {
        let answer: ConfigAnswer = serde_json::from_str(
            r#"{"success":true,"config":{"executorId":"c1","heartbeatInterval":"60","heartbeatTimeout":120.0,
                "serverTime":"yesterday","features":{"x":1},"zmqPort":5555}}"#,
        )
        .unwrap();
        assert_eq!(answer.config.heartbeat_interval, Some(60));
        assert_eq!(answer.config.heartbeat_timeout, Some(120));
        assert_eq!(answer.config.server_time, None);
        assert_eq!(answer.config.pusher_key, None);
    }

    #[test]
    fn a_pending_row_keeps_its_text() {
        let text = r#"{"success":true,"pendingCommands":[{"id":"a", "n":1.10,"z":1,"a":2}],"timestamp":"2026-01-05T10:00:00.000Z"}"#;
        let body: HeartbeatBody = serde_json::from_str(text).unwrap();
        assert_eq!(
            body.pending_commands.unwrap()[0].get(),
            r#"{"id":"a", "n":1.10,"z":1,"a":2}"#
        );
    }
}
