//! A practice world in this process, a data folder with the settings for it, and the waits that the tests share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fx_executor::practice::{self, CommandRow, PracticeOptions, PracticeWorld};
use fx_executor::settings::{self, DataDir, Draft, Field};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::executor::{Executor, Start};
use super::ledger::Ledger;

/// More than any single command needs, retries included.
pub const LONG: Duration = Duration::from_secs(40);

pub struct Rig {
    pub world: PracticeWorld,
    folder: TempDir,
    end: CancellationToken,
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Rig {
    /// A world and an executor's folder, settings filled in.
    pub async fn new() -> Self {
        Self::with_seed(1).await
    }

    pub async fn with_seed(seed: u64) -> Self {
        let rig = Self::without_settings(seed).await;
        rig.write_settings(|_| {});
        rig
    }

    pub async fn without_settings(seed: u64) -> Self {
        let end = CancellationToken::new();
        let options = PracticeOptions {
            seed,
            ..PracticeOptions::default()
        };
        let world = practice::start(options, end.clone()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("prints")).unwrap();
        DataDir::open(Some(&folder.path().join("data"))).unwrap();
        Self { world, folder, end }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn prints(&self) -> PathBuf {
        self.folder.path().join("prints")
    }

    /// Everything that was written: data folder and prints.
    pub fn everything(&self) -> &Path {
        self.folder.path()
    }

    pub fn settings_file(&self) -> PathBuf {
        settings::locate(None, &self.data(), Path::new(""))
    }

    /// The settings as a person would fill them in, with changes.
    pub fn write_settings(&self, change: impl FnOnce(&mut Draft)) {
        let world = &self.world;
        let store = settings::secret_store(&self.data());
        let mut draft = Draft::default();
        draft.set(Field::PlatformUrl, &world.platform_url);
        draft.set(Field::ApiKey, world.api_key.expose_secret());
        draft.set_secret(world.api_secret.expose_secret());
        draft.set(Field::PusherHost, &world.pusher_host);
        draft.set(Field::PusherPort, &world.pusher_port.to_string());
        draft.set(Field::PusherTls, "false");
        draft.set(Field::Terminal, "paper");
        change(&mut draft);
        settings::save(
            &self.settings_file(),
            &draft,
            store.as_ref(),
            Timestamp::now(),
        )
        .unwrap();
    }

    pub fn start(&self, arguments: &[&str]) -> Start {
        let data = self.data();
        let mut all = vec!["--data-dir", data.to_str().unwrap()];
        all.extend(arguments);
        Start::program(&all, &self.prints())
    }

    pub fn headless(&self) -> Executor {
        self.start(&["--headless"]).go()
    }

    /// Headless, and subscribed to its channel.
    pub async fn subscribed(&self) -> Executor {
        let executor = self.headless();
        self.is_subscribed().await;
        executor
    }

    pub async fn is_subscribed(&self) {
        let found = self
            .world
            .wait_for(LONG, |world| world.executor_is_subscribed().then_some(()))
            .await;
        assert!(found.is_some(), "not subscribed within {LONG:?}");
    }

    /// Sends a command as the platform's buttons do.
    pub async fn send(&self, name: &str, parameters: Value) -> String {
        self.world
            .command(name, parameters, "NORMAL")
            .await
            .unwrap()
    }

    /// Writes the row only: the heartbeat must bring it.
    pub fn row_only(&self, name: &str, parameters: Value) -> String {
        self.world
            .insert_pending(name, Some(parameters), "NORMAL", Timestamp::now())
            .unwrap()
    }

    /// Waits for the platform's final status of a command.
    pub async fn final_status(&self, id: &str, limit: Duration) -> String {
        let status = self
            .world
            .wait_for(limit, |world| {
                let row = world.command_row(id)?;
                is_ended(&row).then_some(row.status)
            })
            .await;
        status.unwrap_or_else(|| {
            panic!(
                "no final status within {limit:?}: {:?}",
                self.world.command_row(id)
            )
        })
    }

    pub async fn is_executed(&self, id: &str, limit: Duration) {
        let status = self.final_status(id, limit).await;
        assert_eq!(status, "executed", "{}", self.message(id));
    }

    pub fn message(&self, id: &str) -> String {
        self.world
            .command_row(id)
            .and_then(|row| row.result)
            .and_then(|result| result["message"].as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    pub fn ledger(&self) -> Ledger {
        Ledger::read(&self.data())
    }
}

/// A status that the executor does not change any more: of what takes long it says "failed", too, and that it is not over.
pub fn is_ended(row: &CommandRow) -> bool {
    let interim = row
        .result
        .as_ref()
        .is_some_and(|result| result["interim"] == true);
    is_final(&row.status) && !interim
}

pub fn is_final(status: &str) -> bool {
    matches!(status, "executed" | "failed")
}

/// An order of the smallest size.
pub fn small_buy() -> Value {
    json!({"symbol": "EURUSD", "type": "BUY", "volume": 0.01})
}

/// Plain HTTP to loopback.
pub fn http_client() -> reqwest::Client {
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}
