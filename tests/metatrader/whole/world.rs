//! Platform, executor, terminal and broker together, and the looks at each that the tests share.

use std::time::Duration;

use fx_executor::settings::Field;
use serde_json::{Value, json};

use super::executor::{Executor, until};
use super::rig::Rig;
use super::{Kind, LONG};
use crate::emulated::{Emulated, Folders, Options, Row};

pub struct Whole {
    pub executor: Executor,
    pub terminal: Emulated,
    pub platform: Rig,
    /// Where in the executor's prints the current wait begins.
    heard: usize,
}

impl Whole {
    /// All of it, connected over this link.
    pub async fn start(kind: Kind) -> Self {
        Self::with(kind, Options::default()).await
    }

    pub async fn with(kind: Kind, options: Options) -> Self {
        let mut whole = Self::unconnected(kind, options).await;
        whole.comes_up().await;
        whole
    }

    /// Without waiting for the terminal.
    pub async fn unconnected(kind: Kind, options: Options) -> Self {
        let folders = Folders::new();
        let platform = Rig::without_settings(fastrand::u64(..)).await;
        let common = folders.common().join("Files");
        platform.write_settings(|draft| {
            draft.set(Field::Terminal, "metatrader");
            draft.set(Field::CommonFiles, common.to_str().unwrap());
        });
        // The terminal first, as a trader has it open already; it waits for the executor.
        let options = options.input("InpTcp", kind == Kind::Tcp);
        let terminal = Emulated::start(folders, options);
        let executor = platform.subscribed().await;
        Self {
            executor,
            terminal,
            platform,
            heard: 0,
        }
    }

    /// Waits until the terminal is there and the platform hears so.
    pub async fn comes_up(&mut self) {
        self.hears("Terminal connected: account").await;
    }

    /// Waits until the executor prints these words, after those of the wait before.
    pub async fn hears(&mut self, words: &str) {
        self.hears_within(words, LONG).await;
    }

    pub async fn hears_within(&mut self, words: &str, limit: Duration) {
        let found = until(limit, || {
            let printed = self.executor.printed();
            let rest = printed.get(self.heard..).unwrap_or_default();
            rest.find(words).map(|at| self.heard + at + words.len())
        });
        self.heard = found.await.unwrap_or_else(|| {
            panic!("the executor did not say \"{words}\" within {limit:?}");
        });
    }

    /// From here on only what is printed now counts.
    pub fn forget(&mut self) {
        self.heard = self.executor.printed().len();
    }

    /// Another run of the executor over the same folders.
    pub async fn executor_again(&mut self) {
        self.executor.kill();
        self.executor = self.platform.headless();
        self.heard = 0;
        self.comes_up().await;
        self.platform.is_subscribed().await;
    }

    pub async fn send(&self, name: &str, parameters: Value) -> String {
        self.platform.send(name, parameters).await
    }

    /// Sends a command, waits for `executed`, gives the platform's result.
    pub async fn executes(&self, name: &str, parameters: Value) -> Value {
        let id = self.send(name, parameters).await;
        self.is_executed(&id).await
    }

    pub async fn is_executed(&self, id: &str) -> Value {
        self.platform.is_executed(id, LONG).await;
        self.platform
            .world
            .command_row(id)
            .and_then(|row| row.result)
            .unwrap()
    }

    /// Sends a command, waits for `failed`, gives the reason.
    pub async fn fails(&self, name: &str, parameters: Value) -> String {
        let id = self.send(name, parameters).await;
        self.is_failed(&id).await
    }

    pub async fn is_failed(&self, id: &str) -> String {
        let status = self.platform.final_status(id, LONG).await;
        let message = self.platform.message(id);
        assert_eq!(status, "failed", "{message}");
        message
    }

    /// What GET_STATUS says of trading.
    pub async fn trading(&self) -> String {
        let result = self.executes("GET_STATUS", json!({})).await;
        result["trading"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until GET_STATUS says of trading something with these words.
    pub async fn trading_says(&self, words: &str) {
        let began = std::time::Instant::now();
        loop {
            let said = self.trading().await;
            if said == words || (words != "on" && said.contains(words)) {
                return;
            }
            assert!(began.elapsed() < LONG, "trading is \"{said}\"");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Opens a position of ours; its ticket.
    pub async fn open(&self, parameters: Value) -> u64 {
        let result = self.executes("OPEN_POSITION", parameters).await;
        result["ticket"].as_u64().unwrap()
    }

    pub async fn fails_to_open(&self) -> String {
        self.fails("OPEN_POSITION", buy()).await
    }

    /// Deals of ours that opened something.
    pub fn entries(&self) -> Vec<Row> {
        self.own_deals("0")
    }

    /// Deals of ours that closed something.
    pub fn exits(&self) -> Vec<Row> {
        self.own_deals("1")
    }

    fn own_deals(&self, entry: &str) -> Vec<Row> {
        let mut deals = self.terminal.truth("deals");
        deals.retain(|deal| is_own(deal) && deal["entry"] == entry);
        deals
    }

    pub fn own_positions(&self) -> Vec<Row> {
        let mut positions = self.terminal.truth("positions");
        positions.retain(is_own);
        positions
    }

    pub fn position(&self, ticket: u64) -> Option<Row> {
        let ticket = ticket.to_string();
        let mut all = self.terminal.truth("positions").into_iter();
        all.find(|row| row["ticket"] == ticket)
    }
}

/// Whether a broker's row carries a magic number of this program.
pub fn is_own(row: &Row) -> bool {
    row["magic"].parse::<u64>().unwrap() >> 56 == 0x46
}

/// 0.1 lots of EURUSD with a stop.
pub fn buy() -> Value {
    json!({"symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.09})
}

/// Whether a row's number is this one.
pub fn is(row: &Row, key: &str, wanted: f64) -> bool {
    (row[key].parse::<f64>().unwrap() - wanted).abs() < 1e-9
}
