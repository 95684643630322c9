//! The handle on a practice world that tests and `practice --check` hold: clicks, looks and faults.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::faults::Faults;
use super::identity::fresh_cuid;
use super::platform::{CommandRow, ExecutorRow, NewRow, Platform, StrategyRow, TableFull};
use super::pusher::ConsoleEvent;
use super::start::PracticeError;

/// The handle on a running practice world; clones are the same world. Dropping it does not end the world; its
/// cancellation token does.
#[derive(Clone, Debug)]
pub struct PracticeWorld {
    /// `http://127.0.0.1:<port>`
    pub platform_url: String,
    pub pusher_host: String,
    pub pusher_port: u16,
    pub executor_id: String,
    /// The owner, whom the executor learns from `channel_data` only.
    pub user_id: String,
    pub api_key: SecretString,
    pub api_secret: SecretString,
    pub pusher_app_id: String,
    pub pusher_key: String,
    pub pusher_secret: SecretString,
    pub pusher_cluster: String,
    pub faults: Faults,
    pub(super) platform: Platform,
    pub(super) client: reqwest::Client,
    pub(super) changes: watch::Sender<u64>,
    pub(super) tasks: TaskTracker,
}

/// The seed's flat `executor-config.json` for this world. It holds the API secret in clear text.
pub fn config_file(world: &PracticeWorld) -> Value {
    json!({
        "executorId": world.executor_id,
        "apiKey": world.api_key.expose_secret(),
        "apiSecret": world.api_secret.expose_secret(),
        "platformUrl": world.platform_url,
        "pusherKey": world.pusher_key,
        "pusherCluster": world.pusher_cluster,
        "pusherHost": world.pusher_host,
        "pusherPort": world.pusher_port,
        "pusherTls": false,
    })
}

impl PracticeWorld {
    /// Clicks "Activate" on a strategy (by id, key or name), over HTTP, and returns the command's id.
    pub async fn activate(&self, strategy: &str) -> Result<String, PracticeError> {
        self.activation(strategy, "activate", &json!({})).await
    }

    /// Clicks "Deactivate", over HTTP, and returns the command's id.
    pub async fn deactivate(
        &self,
        strategy: &str,
        close_positions: bool,
    ) -> Result<String, PracticeError> {
        let body = json!({"closePositions": close_positions});
        self.activation(strategy, "deactivate", &body).await
    }

    async fn activation(
        &self,
        strategy: &str,
        action: &str,
        body: &Value,
    ) -> Result<String, PracticeError> {
        let id = self
            .strategy_id(strategy)
            .unwrap_or_else(|| strategy.to_owned());
        let answer = self
            .post(&format!("/api/strategy/{id}/{action}"), body)
            .await?;
        command_id(&answer["commandId"], action)
    }

    /// Sends a command as the platform's buttons do, over HTTP, and returns its id.
    pub async fn command(
        &self,
        name: &str,
        parameters: Value,
        priority: &str,
    ) -> Result<String, PracticeError> {
        let body = json!({"command": name, "parameters": parameters, "priority": priority});
        let path = format!("/api/executor/{}/command", self.executor_id);
        let answer = self.post(&path, &body).await?;
        command_id(&answer["command"]["id"], name)
    }

    /// Presses the platform's emergency stop, over HTTP, and returns the row's id.
    pub async fn emergency_stop(&self, reason: &str) -> Result<String, PracticeError> {
        let body = json!({"reason": reason});
        let answer = self.post("/api/executor/emergency-stop", &body).await?;
        command_id(&answer["commandIds"][0], "emergency stop")
    }

    /// Publishes any event, as the event creator of Pusher's dashboard does.
    pub async fn trigger(
        &self,
        channel: &str,
        event: &str,
        data: &Value,
    ) -> Result<(), PracticeError> {
        Ok(self
            .platform
            .publisher
            .trigger(channel, event, data)
            .await?)
    }

    /// Any POST to the platform; the answer must be a JSON success.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, PracticeError> {
        let refused = |reason: String| PracticeError::Click {
            what: path.to_owned(),
            reason,
        };
        let answer = self
            .client
            .post(format!("{}{path}", self.platform_url))
            .json(body)
            .send()
            .await
            .map_err(|error| refused(error.to_string()))?;
        let status = answer.status();
        let text = answer
            .text()
            .await
            .map_err(|error| refused(error.to_string()))?;
        if !status.is_success() {
            return Err(refused(format!("{status}: {text}")));
        }
        serde_json::from_str(&text).map_err(|error| refused(error.to_string()))
    }

    /// Writes a pending row without publishing: a command that only a heartbeat delivers, as old as wished.
    pub fn insert_pending(
        &self,
        command: &str,
        parameters: Option<Value>,
        priority: &str,
        created_at: Timestamp,
    ) -> Result<String, TableFull> {
        self.insert_pending_from(&self.user_id, command, parameters, priority, created_at)
    }

    /// The same as another user's doing: the platform lets anybody command any executor.
    pub fn insert_pending_from(
        &self,
        user_id: &str,
        command: &str,
        parameters: Option<Value>,
        priority: &str,
        created_at: Timestamp,
    ) -> Result<String, TableFull> {
        let id = fresh_cuid(created_at);
        self.platform.insert_row(NewRow {
            id: &id,
            user_id,
            command,
            parameters,
            priority,
            created_at,
        })?;
        Ok(id)
    }

    /// The row in the platform's database.
    pub fn command_row(&self, id: &str) -> Option<CommandRow> {
        self.platform.command(id)
    }

    /// All rows, newest first.
    pub fn command_rows(&self) -> Vec<CommandRow> {
        self.platform.commands()
    }

    pub fn pending_count(&self) -> usize {
        self.platform.pending()
    }

    pub fn strategies(&self) -> Vec<StrategyRow> {
        self.platform.strategies()
    }

    /// By id, key or name.
    pub fn strategy_id(&self, wanted: &str) -> Option<String> {
        self.strategies()
            .into_iter()
            .find(|row| row.is(wanted))
            .map(|row| row.id)
    }

    /// Status and last heartbeat as the platform has them.
    pub fn executor_row(&self) -> ExecutorRow {
        self.platform.executor()
    }

    /// The platform's log, oldest line first.
    pub fn platform_log(&self) -> Vec<String> {
        let lines = self.platform.log_lines();
        lines.into_iter().map(|line| line.text).collect()
    }

    /// A command line that activates a strategy (by id, key or name) on the platform.
    pub fn activate_curl(&self, strategy: &str) -> String {
        let id = self
            .strategy_id(strategy)
            .unwrap_or_else(|| strategy.to_owned());
        format!(
            "curl -X POST {}/api/strategy/{id}/activate",
            self.platform_url
        )
    }

    /// The channel that commands come on.
    pub fn executor_channel(&self) -> String {
        self.platform.executor_channel()
    }

    pub fn executor_is_subscribed(&self) -> bool {
        self.platform.executor_is_subscribed()
    }

    pub fn subscriptions(&self, channel: &str) -> usize {
        self.platform
            .pusher
            .channels()
            .get(channel)
            .copied()
            .unwrap_or(0)
    }

    pub fn pusher_connections(&self) -> usize {
        self.platform.pusher.connections()
    }

    /// What Pusher's debug console shows, oldest event first.
    pub fn pusher_events(&self) -> Vec<ConsoleEvent> {
        self.platform.pusher.console()
    }

    /// Did an event with this id in its data go over the channel?
    pub fn pusher_saw(&self, channel: &str, event: &str, id: &str) -> bool {
        self.pusher_events().iter().any(|seen| {
            seen.channel == channel && seen.event == event && seen.id.as_deref() == Some(id)
        })
    }

    /// Delivers an event without the REST API, its limits and the console, for measuring bursts. Waits for room in the
    /// listeners' queues and returns how many took it.
    pub async fn deliver(&self, channel: &str, event: &str, data: &Value) -> usize {
        self.platform.pusher.deliver(channel, event, data).await
    }

    /// Closes every open Pusher connection now.
    pub fn close_pusher(&self, code: u16, reason: &str) {
        self.platform.pusher.close_all(code, reason);
    }

    /// Ticks whenever anything in the world changed: rows, log, connections, events.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Waits until `wanted` gives something, at most `limit`.
    pub async fn wait_for<T>(
        &self,
        limit: Duration,
        mut wanted: impl FnMut(&Self) -> Option<T>,
    ) -> Option<T> {
        let mut changes = self.changes();
        let waiting = async {
            loop {
                if let Some(found) = wanted(self) {
                    return Some(found);
                }
                changes.changed().await.ok()?;
            }
        };
        tokio::time::timeout(limit, waiting).await.ok().flatten()
    }

    /// Waits until both servers and all their connections have ended; cancel the token first.
    pub async fn ended(&self) {
        self.tasks.wait().await;
    }
}

fn command_id(field: &Value, what: &str) -> Result<String, PracticeError> {
    field
        .as_str()
        .map(ToOwned::to_owned)
        .ok_or_else(|| PracticeError::Click {
            what: what.to_owned(),
            reason: "the answer names no command".to_owned(),
        })
}
