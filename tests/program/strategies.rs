//! Every stored strategy through the whole program: activated on the platform, deciding at its bars in a fast market, killed
//! in the middle, stopped with and without its positions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fx_executor::decisions::{FILE, Reader};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::executor::{Executor, Start, until};
use super::ledger::Ledger;
use super::rig::LONG;

/// Market seconds in a second: an M15 bar closes every 0.6 s, an H4 bar every 10 s.
const SPEED: &str = "1500";
/// By heartbeat the longest ones come, up to ten rows a beat.
const STARTED: Duration = Duration::from_secs(240);

/// Names of the fixtures, and the direction of those that say none comes from the settings.
fn stored() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/strategies");
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(path).unwrap();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect()
}

/// `fx-executor practice` as a child process, spoken to over HTTP.
struct Practice {
    folder: TempDir,
    program: Executor,
    page: String,
    executor: String,
    http: reqwest::Client,
}

impl Practice {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = Self::program(&folder);
        let mut practice = Self {
            folder,
            program,
            page: String::new(),
            executor: String::new(),
            http: super::rig::http_client(),
        };
        practice.is_up().await;
        practice
    }

    fn program(folder: &TempDir) -> Executor {
        let data = folder.path().join("data");
        let arguments = [
            "--headless",
            "--data-dir",
            data.to_str().unwrap(),
            "practice",
            "--no-activate",
            "--speed",
            SPEED,
        ];
        Start::program(&arguments, folder.path()).go()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    async fn is_up(&mut self) {
        let channel = "Successfully subscribed to channel: private-executor-";
        self.program.says(channel, LONG).await;
        let printed = self.program.printed();
        let place = printed.find("http://127.0.0.1:").unwrap();
        let page = printed[place..].split_whitespace().next().unwrap();
        self.page = page.trim_end_matches(['/', '.', ',']).to_owned();
        self.executor = self.state().await["executor"]["id"]
            .as_str()
            .unwrap()
            .to_owned();
    }

    async fn state(&self) -> Value {
        let url = format!("{}/practice/state", self.page);
        self.http
            .get(url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.page);
        let answer = self.http.post(url).json(body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Sends a command; its id.
    async fn command(&self, name: &str, parameters: Value) -> String {
        let path = format!("/api/executor/{}/command", self.executor);
        let body = json!({"command": name, "parameters": parameters, "priority": "NORMAL"});
        let answer = self.post(&path, &body).await;
        let id = answer["command"]["id"].as_str();
        id.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// Waits for the end of a command; what the platform shows of it.
    async fn ended(&self, id: &str) -> (String, String) {
        let begun = std::time::Instant::now();
        loop {
            let state = self.state().await;
            let rows = state["commands"].as_array().unwrap();
            let row = rows.iter().find(|row| row["id"] == id).unwrap();
            let status = row["status"].as_str().unwrap();
            if status == "executed" || status == "failed" {
                let message = row["result"]["message"].as_str().unwrap_or_default();
                return (status.to_owned(), message.to_owned());
            }
            assert!(begun.elapsed() < STARTED, "{row}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Decisions kept so far, by strategy.
    fn decisions(&self) -> BTreeMap<String, u64> {
        let Ok(reader) = Reader::open(&self.data().join(FILE)) else {
            return BTreeMap::new();
        };
        let kept = reader.strategies().unwrap_or_default();
        kept.into_iter()
            .map(|one| (one.id, one.decisions))
            .collect()
    }

    /// Waits until every strategy has decided `more` bars more than `before`.
    async fn decide(&self, ids: &[String], before: &BTreeMap<String, u64>, more: u64) {
        let missing = || -> Vec<String> {
            let now = self.decisions();
            let count = |of: &BTreeMap<String, u64>, id| of.get(id).copied().unwrap_or(0);
            ids.iter()
                .filter(|id| count(&now, *id) < count(before, *id) + more)
                .cloned()
                .collect()
        };
        let all = until(STARTED, || missing().is_empty().then_some(())).await;
        assert!(all.is_some(), "no decisions of {:?}", missing());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stored_strategy_starts_decides_survives_a_kill_and_stops() {
    let mut practice = Practice::start().await;
    let settings = practice.data().join("config").join("executor-config.json");
    let text = std::fs::read_to_string(&settings).unwrap();
    let trader =
        r#"{"defaultDirection":"buy","runWithout":"news,correlation,riskSentiment,regime","#;
    std::fs::write(&settings, text.replacen('{', trader, 1)).unwrap();
    practice
        .program
        .says("The settings file changed", LONG)
        .await;

    let mut ids = Vec::new();
    let mut starts = Vec::new();
    for (name, row) in stored() {
        let parameters = json!({
            "strategyId": name, "strategyName": row["name"], "symbol": row["symbol"],
            "timeframe": row["timeframe"], "rules": row["rules"], "options": {}, "settings": {}, "enabled": true,
        });
        starts.push((
            name.clone(),
            practice.command("START_STRATEGY", parameters).await,
        ));
        ids.push(name);
    }
    let state = practice.state().await;
    let long = state["strategies"].as_array().unwrap().iter();
    let long = long.clone().find(|row| row["key"] == "LONG_RULES").unwrap();
    let long = long["id"].as_str().unwrap().to_owned();
    let path = format!("/api/strategy/{long}/activate");
    let answer = practice.post(&path, &json!({})).await;
    starts.push((
        long.clone(),
        answer["commandId"].as_str().unwrap().to_owned(),
    ));
    ids.push(long);
    for (name, id) in &starts {
        let (status, message) = practice.ended(id).await;
        assert_eq!(status, "executed", "{name}: {message}");
        assert!(message.contains("running on"), "{name}: {message}");
        println!("{name}: {message}");
    }

    practice.decide(&ids, &BTreeMap::new(), 2).await;
    practice.program.kill();
    let before = practice.decisions();
    practice.program = Practice::program(&practice.folder);
    practice.is_up().await;
    practice.decide(&ids, &before, 2).await;

    for (number, id) in ids.iter().enumerate() {
        let closes = number % 2 == 0;
        let parameters = json!({ "strategyId": id, "closePositions": closes });
        let stop = practice.command("STOP_STRATEGY", parameters).await;
        let (status, message) = practice.ended(&stop).await;
        assert_eq!(status, "executed", "{id}: {message}");
        println!("{id}: {message}");
        assert!(!closes || !message.contains("kept"), "{id}: {message}");
    }
    let all = practice.command("CLOSE_ALL_POSITIONS", json!({})).await;
    let (status, message) = practice.ended(&all).await;
    assert_eq!(status, "executed", "{message}");
    practice.program.end_cleanly().await;

    let ledger = Ledger::read(&practice.data());
    assert!(ledger.open().is_empty(), "{:?}", ledger.open());
    let (entries, exits) = (ledger.entries(), ledger.exits());
    assert!(!entries.is_empty(), "nobody traded");
    for position in &entries {
        let doubled = entries.iter().filter(|other| *other == position);
        assert_eq!(doubled.count(), 1, "position {position}");
        assert!(exits.contains(position), "{position} was not closed");
    }
}
