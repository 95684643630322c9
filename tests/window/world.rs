//! A picture of a trading day, made by hand: what the tests and `examples/window_preview.rs` show.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fx_executor::core::Decided;
use fx_executor::core::health::{Leg, LinkHealth, Phase};
use fx_executor::core::snapshot::{
    CommandDetail, CommandRow, CommandState, Counts, Notice, PositionRow, SettingsStatus, Severity,
    Snapshot, Source, StrategyRow, StrategyState, TerminalMode, TimelineStep, Trading, UiCommand,
};
use fx_executor::market::{
    Account, Cid, LinkFacts, MarginMode, PendingOrder, PendingType, Permissions, Position, Side,
    Ticket, Timeframe,
};
use fx_executor::settings::{CloseButton, Field};
use fx_executor::strategy::{ConditionTruth, FilterVerdict};
use fx_executor::ui::{
    Build, ExpertInTerminal, FoundTerminal, FoundTerminals, Installing, LogLevel, LogLine,
    LogSource, Newest, Preview, PreviewStep, SaveEnd, SaveNote, SecretText, SettingsForm,
    SettingsPort, SetupStep, SetupWish, TerminalPresence, TerminalSetup, TestStep, TrayPort,
    UiLinks, UpdatePort, Waker,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tokio::sync::{broadcast, mpsc, watch};

pub const PAGE: &str = "http://127.0.0.1:8700/";

/// The moment at which the tests look.
pub fn noon() -> Timestamp {
    Timestamp::from_second(1_795_521_600).unwrap()
}

pub fn ago(now: Timestamp, seconds: i64) -> Timestamp {
    now - SignedDuration::from_secs(seconds)
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn up(now: Timestamp, ms: u32) -> LinkHealth {
    LinkHealth {
        phase: Phase::Up,
        latency_ms: Some(ms),
        last_proof: Some(ago(now, 1)),
        ..LinkHealth::off(ago(now, 7_512))
    }
}

pub fn row(
    now: Timestamp,
    seconds: i64,
    name: &str,
    subject: &str,
    state: CommandState,
) -> CommandRow {
    CommandRow {
        id: format!("cmd_{seconds:06}"),
        received_at: ago(now, seconds),
        name: name.to_owned(),
        subject: subject.to_owned(),
        source: if seconds % 3 == 0 {
            Source::Heartbeat
        } else {
            Source::Pusher
        },
        state,
        duration_ms: state
            .is_final()
            .then_some(38 + seconds.unsigned_abs() % 400),
        message: String::new(),
        repeats: u32::from(seconds % 7 == 0),
        reported: Some(state.is_final()),
    }
}

fn commands(now: Timestamp) -> Vec<CommandRow> {
    use CommandState::{Executed, Expired, Failed, Refused, Waiting};
    let list = [
        (
            42,
            "START_STRATEGY",
            "DEMO_RSI",
            Executed,
            "running on EURUSD M15; 6 rules; skipped: none",
        ),
        (
            95,
            "CLOSE_POSITION",
            "#50123",
            Executed,
            "closed 0.10 EURUSD at 1.08452, profit +12.40",
        ),
        (
            260,
            "OPEN_POSITION",
            "XAUUSD",
            Failed,
            "the market is closed until Sunday 22:00 UTC",
        ),
        (
            611,
            "START_STRATEGY",
            "EMA_CROSS_V2",
            Refused,
            "operator \"crosses_near\" is not known; nothing was started",
        ),
        (900, "", "", Refused, "the envelope has no command name"),
        (
            1_300,
            "UPDATE_STRATEGY",
            "SCALP_WEEKDAY",
            Waiting,
            "waiting for the terminal until 12:40:00",
        ),
        (
            2_004,
            "GET_STATUS",
            "",
            Executed,
            "2 strategies, 3 positions, trading on",
        ),
        (
            3_605,
            "START_STRATEGY",
            "SCALP_WEEKDAY",
            Executed,
            "running on GBPUSD M5; 4 rules; skipped: none",
        ),
        (
            5_200,
            "MODIFY_POSITION",
            "#50120",
            Expired,
            "its time ran out 34 s before it arrived",
        ),
        (7_212, "RESUME", "", Executed, "trading is on"),
    ];
    list.into_iter()
        .map(|(seconds, name, subject, state, message)| CommandRow {
            message: message.to_owned(),
            ..row(now, seconds, name, subject, state)
        })
        .collect()
}

pub fn detail(row: &CommandRow) -> CommandDetail {
    let step = |ms: i64, title: &str, detail: &str| TimelineStep {
        at: row.received_at + SignedDuration::from_millis(ms),
        title: title.to_owned(),
        detail: detail.to_owned(),
    };
    CommandDetail {
        row: row.clone(),
        timeline: vec![
            step(0, "Received", "over Pusher, private-executor-exe_7f3a"),
            step(3, "Written to the journal", ""),
            step(4, "Origin proved", "the platform lists the same command"),
            step(31, "Rules planned", "6 rules; skipped: none"),
            step(74, "Executed", "running on EURUSD M15"),
            step(212, "Reported", "the platform answered 200"),
        ],
        raw: format!(
            r#"{{"id":"{}","type":"{}","priority":"NORMAL","parameters":{{"strategyId":"stg_demo_rsi","symbol":"EURUSD","timeframe":"M15"}}}}"#,
            row.id, row.name
        ),
        result: Some(format!(r#"{{"success":true,"message":"{}"}}"#, row.message)),
    }
}

/// What one strategy decided at its last bar.
fn decided() -> Decided {
    let condition = |text: &str, alternative, value, left, right| ConditionTruth {
        side: Side::Buy,
        alternative,
        text: text.into(),
        value: Some(value),
        left: Some(left),
        right: Some(right),
    };
    Decided {
        strategy: "s1".to_owned(),
        name: "Scalper".to_owned(),
        symbol: "EURUSD".to_owned(),
        timeframe: Timeframe::M15,
        bar: ago(noon(), 900),
        at: noon(),
        shadow: false,
        entered: false,
        verdict: "no entry condition holds".to_owned(),
        conditions: vec![
            condition("EMA 9 crosses above EMA 21", 0, false, 1.08541, 1.08555),
            condition("the close is above EMA 50", 1, true, 1.08556, 1.08512),
            condition("RSI 14 is above 50", 1, false, 48.2, 50.0),
        ],
        filters: vec![FilterVerdict {
            passes: true,
            text: "spread 1.2 pips, at most 2".to_owned(),
        }],
    }
}

fn strategies() -> Vec<StrategyRow> {
    let base = StrategyRow {
        id: "stg_demo_rsi".to_owned(),
        name: "DEMO_RSI".to_owned(),
        symbol: "EURUSD".to_owned(),
        timeframe: Some(Timeframe::M15),
        state: StrategyState::Running,
        sentence: "Buys 0.10 lots when RSI(14) is below 30 and the price is above EMA(50); stop 20 pips, target 40 pips.".to_owned(),
        last_decision: "No entry at 11:45: RSI(14) is 41.2, needed below 30.".to_owned(),
        decided: Some(Arc::new(decided())),
        shadow: None,
        warmup: (200, 200),
        positions: 1,
        profit: decimal("12.40"),
        direction: Some(Side::Buy),
        needs_direction: false,
        needs_reading: false,
        averages: false,
        skipped: Vec::new(),
    };
    vec![
        StrategyRow {
            id: "stg_scalp".to_owned(),
            name: "SCALP_WEEKDAY".to_owned(),
            symbol: "GBPUSD".to_owned(),
            timeframe: Some(Timeframe::M5),
            sentence: "Buys when EMA(9) crosses above EMA(21), sells when it crosses below; London session only.".to_owned(),
            decided: None,
            shadow: Some((3, decimal("-1.10"))),
            last_decision: "Bought 0.05 at 11:40: EMA(9) crossed above EMA(21), spread 0.8 pips.".to_owned(),
            warmup: (34, 120),
            profit: decimal("-3.15"),
            direction: None,
            ..base.clone()
        },
        StrategyRow {
            id: "stg_form".to_owned(),
            name: "FORM_RSI_OVERSOLD".to_owned(),
            state: StrategyState::Paused,
            sentence: "RSI(14) below 30, stop 25 pips, target 50 pips.".to_owned(),
            last_decision: String::new(),
            positions: 0,
            profit: Decimal::ZERO,
            direction: None,
            needs_direction: true,
            skipped: vec!["newsFilter.impact".to_owned()],
            ..base.clone()
        },
        base,
    ]
}

fn position(
    now: Timestamp,
    ticket: u64,
    symbol: &str,
    side: Side,
    prices: [&str; 4],
    profit: &str,
    own: bool,
) -> PositionRow {
    PositionRow {
        part: None,
        position: Position {
            ticket: Ticket(ticket),
            symbol: symbol.to_owned(),
            side,
            volume: decimal("0.10"),
            open_price: decimal(prices[0]),
            stop_loss: Some(decimal(prices[2])),
            take_profit: Some(decimal(prices[3])),
            price: Decimal::ZERO,
            profit: decimal(profit),
            magic: if own { Cid::new(1, ticket).0 } else { 0 },
            comment: String::new(),
            opened_at: ago(now, 4_000),
        },
        own,
        strategy: own.then(|| "DEMO_RSI".to_owned()),
        current_price: Some(decimal(prices[1])),
    }
}

pub fn snapshot(now: Timestamp) -> Snapshot {
    let mut links = std::array::from_fn(|_| up(now, 38));
    links[Leg::Pusher as usize].latency_ms = Some(21);
    links[Leg::Terminal as usize].latency_ms = Some(1);
    let own = |ticket, symbol, side, prices, profit| {
        position(now, ticket, symbol, side, prices, profit, true)
    };
    Snapshot {
        practice_page: Some(PAGE.to_owned()),
        executor_id: Some("exe_7f3a91c2".to_owned()),
        executor_name: Some("Office VPS".to_owned()),
        platform_url: Some("http://127.0.0.1:8700".to_owned()),
        links,
        trading: Trading::On,
        clock_offset_ms: Some(120),
        account: Some(Account {
            login: 5_001_234,
            server: "Practice-Demo".to_owned(),
            company: "Practice".to_owned(),
            currency: "USD".to_owned(),
            demo: true,
            margin_mode: MarginMode::Hedging,
            balance: decimal("10000.00"),
            equity: decimal("10009.25"),
            margin: decimal("216.84"),
            margin_free: decimal("9792.41"),
        }),
        permissions: Some(Permissions::ALL),
        terminal: LinkFacts {
            link: "pipe".to_owned(),
            ea: env!("CARGO_PKG_VERSION").to_owned(),
            build: 6140,
            terminal_path: r"C:\Program Files\MetaTrader 5".to_owned(),
            leverage: 100,
            clock_offset_s: 10_800,
            ..LinkFacts::default()
        },
        account_confirmed: true,
        market_time: Some(now),
        commands: Arc::new(commands(now)),
        counts: Counts {
            received: 128,
            executed: 119,
            failed: 3,
            refused: 4,
            expired: 1,
            unreported: 1,
        },
        strategies: strategies(),
        positions: vec![
            own(
                50_123,
                "EURUSD",
                Side::Buy,
                ["1.08412", "1.0845", "1.08212", "1.08812"],
                "12.40",
            ),
            own(
                50_124,
                "GBPUSD",
                Side::Sell,
                ["1.26115", "1.26147", "1.26315", "1.25715"],
                "-3.15",
            ),
            position(
                now,
                50_077,
                "XAUUSD",
                Side::Buy,
                ["2031.40", "2031.4", "2021.00", "2051.00"],
                "0.00",
                false,
            ),
        ],
        orders: vec![PendingOrder {
            ticket: Ticket(50_125),
            symbol: "USDJPY".to_owned(),
            side: Side::Buy,
            kind: PendingType::Limit,
            volume: decimal("0.10"),
            price: decimal("147.250"),
            stop_loss: Some(decimal("146.850")),
            take_profit: None,
            magic: Cid::new(1, 9).0,
            placed_at: ago(now, 600),
        }],
        notices: vec![
            Notice {
                key: "event-name".to_owned(),
                severity: Severity::Warning,
                text: "An event arrived under a name nobody listens to: Command-Received"
                    .to_owned(),
                remedy: "Ask the platform's admin to publish it as command-received.".to_owned(),
                at: ago(now, 300),
            },
            Notice {
                key: "secret".to_owned(),
                severity: Severity::Info,
                text: "The API secret was moved out of the settings file into the secret store."
                    .to_owned(),
                remedy: String::new(),
                at: ago(now, 7_000),
            },
        ],
        settings: SettingsStatus {
            notes: Vec::new(),
            reading: 1,
            file: Some(
                "/home/trader/.local/share/fx-executor/config/executor-config.json".to_owned(),
            ),
            problem: None,
            overrides: vec!["pusherCluster: the file says eu, the platform says ap1".to_owned()],
            secret_place: "a file that only you can read (0600)".to_owned(),
        },
        ..Snapshot::empty(now, TerminalMode::Paper)
    }
}

/// The engine's side of a window.
pub struct World {
    pub links: UiLinks,
    pub snapshot: watch::Sender<Arc<Snapshot>>,
    pub detail: watch::Sender<Option<Arc<CommandDetail>>>,
    pub page: watch::Sender<Option<Arc<Vec<CommandRow>>>>,
    pub asked: mpsc::Receiver<UiCommand>,
    pub log: broadcast::Sender<Arc<LogLine>>,
    pub settings: Arc<FakeSettings>,
    pub terminals: Arc<FakeTerminals>,
    pub tray: Arc<Tray>,
    pub updates: Arc<FakeUpdates>,
}

impl World {
    pub fn new(first: Snapshot) -> Self {
        let now = first.at;
        let (snapshot, snapshot_link) = watch::channel(Arc::new(first));
        let (detail, detail_link) = watch::channel(None);
        let (page, page_link) = watch::channel(None);
        let (commands, asked) = mpsc::channel(32);
        let (log, _) = broadcast::channel(1_024);
        let settings = Arc::new(FakeSettings::default());
        let terminals = Arc::new(FakeTerminals::default());
        let tray = Arc::new(Tray::default());
        let updates = Arc::new(FakeUpdates::default());
        let links = UiLinks {
            held_awake: Arc::default(),
            tray: Arc::clone(&tray) as Arc<dyn TrayPort>,
            snapshot: snapshot_link,
            detail: detail_link,
            page: page_link,
            commands,
            logs: Arc::new(FakeLog {
                lines: log_lines(now),
                sender: log.clone(),
            }),
            log_dir: PathBuf::from("/nowhere"),
            settings: Arc::clone(&settings) as Arc<dyn SettingsPort>,
            terminals: Arc::clone(&terminals) as Arc<dyn TerminalSetup>,
            updates: Arc::clone(&updates) as Arc<dyn UpdatePort>,
            waker: Waker::default(),
        };
        Self {
            links,
            snapshot,
            detail,
            page,
            asked,
            log,
            settings,
            terminals,
            tray,
            updates,
        }
    }
}

pub fn log_line(at: Timestamp, level: LogLevel, source: &str, text: &str) -> Arc<LogLine> {
    Arc::new(LogLine {
        at,
        level,
        source: source.to_owned(),
        text: text.to_owned(),
    })
}

fn log_lines(now: Timestamp) -> Vec<Arc<LogLine>> {
    use LogLevel::{Error, Info, Warning};
    let lines = [
        (
            7_520,
            Info,
            "settings",
            "Read /home/trader/.local/share/fx-executor/config/executor-config.json",
        ),
        (7_519, Info, "platform", "Heartbeat answered in 38 ms"),
        (7_514, Error, "pusher", "Channel subscription error"),
        (
            7_514,
            Error,
            "pusher",
            "pusher:subscription_error: Status 403",
        ),
        (
            7_512,
            Info,
            "pusher",
            "Successfully subscribed to channel: private-executor-exe_7f3a91c2",
        ),
        (3_605, Info, "pusher", "Command received: START_STRATEGY"),
        (
            3_604,
            Info,
            "engine",
            "SCALP_WEEKDAY runs on GBPUSD M5; 4 rules; skipped: none",
        ),
        (
            611,
            Warning,
            "strategy",
            "EMA_CROSS_V2 refused: operator \"crosses_near\" is not known",
        ),
        (
            300,
            Warning,
            "pusher",
            "An event arrived under a name nobody listens to: Command-Received",
        ),
        (42, Info, "pusher", "Command received: START_STRATEGY"),
        (
            41,
            Info,
            "engine",
            "DEMO_RSI runs on EURUSD M15; 6 rules; skipped: none",
        ),
    ];
    lines
        .into_iter()
        .map(|(seconds, level, source, text)| log_line(ago(now, seconds), level, source, text))
        .collect()
}

struct FakeLog {
    lines: Vec<Arc<LogLine>>,
    sender: broadcast::Sender<Arc<LogLine>>,
}

impl LogSource for FakeLog {
    fn recent(&self) -> Vec<Arc<LogLine>> {
        self.lines.clone()
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<LogLine>> {
        self.sender.subscribe()
    }
}

/// Settings in memory.
#[derive(Default)]
pub struct FakeSettings {
    pub saved: Mutex<Vec<SettingsForm>>,
    /// How often the page has read them.
    pub loads: AtomicUsize,
    /// What the file holds, when it is not what was saved last.
    pub file: Mutex<Option<SettingsForm>>,
    /// The next save finds that the file says this.
    pub clash: Mutex<Option<SettingsForm>>,
    /// What the next save has to tell.
    pub notes: Mutex<Vec<SaveNote>>,
}

impl SettingsPort for FakeSettings {
    fn load(&self) -> Result<SettingsForm, String> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        if let Some(file) = self.file.lock().unwrap().clone() {
            return Ok(file);
        }
        if let Some(saved) = self.saved.lock().unwrap().last() {
            return Ok(saved.clone());
        }
        let mut form = SettingsForm {
            secret_stored: true,
            ..Default::default()
        };
        form.field_mut(Field::PlatformUrl).text = "http://127.0.0.1:8700".to_owned();
        form.field_mut(Field::ApiKey).text = "exe_practice_key".to_owned();
        form.field_mut(Field::PusherCluster).text = "eu".to_owned();
        form.field_mut(Field::ExecutorId).fetched = Some("exe_7f3a91c2".to_owned());
        form.field_mut(Field::PusherKey).fetched = Some("practice".to_owned());
        Ok(form)
    }

    fn undo(&self) -> Result<SettingsForm, String> {
        self.load()
    }

    fn save(&self, _loaded: &SettingsForm, form: &SettingsForm) -> Result<SaveEnd, String> {
        if let Some(clash) = self.clash.lock().unwrap().take() {
            return Ok(SaveEnd::Changed(Box::new(clash)));
        }
        self.saved.lock().unwrap().push(form.clone());
        *self.file.lock().unwrap() = None;
        Ok(SaveEnd::Saved(std::mem::take(
            &mut *self.notes.lock().unwrap(),
        )))
    }

    fn reveal(&self) -> Result<SecretText, String> {
        Ok(SecretText::from("stored-secret-0815".to_owned()))
    }

    fn test(&self, _form: &SettingsForm) -> mpsc::Receiver<TestStep> {
        let (sender, receiver) = mpsc::channel(4);
        let step = |name: &str, ok, detail: &str| TestStep {
            name: name.to_owned(),
            ok: Some(ok),
            detail: detail.to_owned(),
        };
        sender
            .try_send(step("Settings from the platform", true, "in 41 ms"))
            .unwrap();
        sender
            .try_send(step(
                "Channel signature",
                false,
                "HTTP 403: the key does not belong to this executor",
            ))
            .unwrap();
        receiver
    }

    fn import(&self, _path: &Path) -> Result<SettingsForm, String> {
        self.load()
    }

    fn export(&self, _path: &Path, _with_secret: bool) -> Result<(), String> {
        Ok(())
    }
}

/// A computer with terminals, in memory.
/// An address that offers what the test says.
#[derive(Default)]
pub struct FakeUpdates {
    pub offered: Mutex<Option<Newest>>,
    pub is_signed: Mutex<Option<bool>>,
    /// What a person agreed to.
    pub agreed: Mutex<Vec<String>>,
    /// How the installation ends.
    pub steps: Mutex<Vec<Installing>>,
}

impl UpdatePort for FakeUpdates {
    fn build(&self) -> Build {
        Build {
            version: "0.1.0".to_owned(),
            is_signed: *self.is_signed.lock().unwrap(),
        }
    }

    fn look(&self) -> Result<Newest, String> {
        let offered = self.offered.lock().unwrap().clone();
        offered.ok_or_else(|| "updates are off: no address is set".to_owned())
    }

    fn install(&self, version: &str) -> mpsc::Receiver<Installing> {
        self.agreed.lock().unwrap().push(version.to_owned());
        let (steps, out) = mpsc::channel(8);
        for step in self.steps.lock().unwrap().drain(..) {
            steps.try_send(step).unwrap();
        }
        out
    }
}

pub struct FakeTerminals {
    pub found: Mutex<FoundTerminals>,
    /// What a person agreed to.
    pub agreed: Mutex<Vec<SetupWish>>,
    /// The last preview; its number is how many there were.
    previewed: Mutex<(u64, Option<SetupWish>)>,
    /// What the compiler finds fault with.
    pub compile_error: Mutex<Option<String>>,
}

impl Default for FakeTerminals {
    fn default() -> Self {
        Self {
            found: Mutex::new(FoundTerminals {
                terminals: vec![terminal("D0E8209F77C8", "MetaTrader 5")],
                notes: Vec::new(),
            }),
            agreed: Mutex::default(),
            previewed: Mutex::default(),
            compile_error: Mutex::default(),
        }
    }
}

pub fn terminal(id: &str, name: &str) -> FoundTerminal {
    FoundTerminal {
        id: id.to_owned(),
        name: name.to_owned(),
        install_dir: format!(r"C:\Program Files\{name}"),
        data_dir: Some(format!(
            r"C:\Users\trader\AppData\Roaming\MetaQuotes\Terminal\{id}"
        )),
        portable: false,
        build: Some(6140),
        broker: Some("Practice Markets Ltd".to_owned()),
        server: Some("Practice-Demo".to_owned()),
        presence: TerminalPresence::Closed,
        expert: ExpertInTerminal::Absent,
    }
}

pub fn compiled() -> ExpertInTerminal {
    ExpertInTerminal::Current {
        version: "0.10".to_owned(),
    }
}

impl TerminalSetup for FakeTerminals {
    fn find(&self) -> FoundTerminals {
        self.found.lock().unwrap().clone()
    }

    fn preview(&self, wish: &SetupWish) -> Result<Preview, String> {
        let mut previewed = self.previewed.lock().unwrap();
        *previewed = (previewed.0 + 1, Some(wish.clone()));
        let step = |title: &str, detail: &str| PreviewStep {
            title: title.to_owned(),
            detail: detail.to_owned(),
        };
        let folder = r"C:\Users\trader\AppData\Roaming\MetaQuotes\Terminal\D0E8209F77C8\MQL5\Experts\FX-Executor";
        let source = format!(r"{folder}\FX-Executor.mq5");
        let steps = match wish {
            SetupWish::Install { start, .. } => vec![
                step("Write the Expert Advisor 0.10", &source),
                step(
                    "Compile it by this terminal's own MetaEditor",
                    r"C:\Program Files\MetaTrader 5\metaeditor64.exe compiles FX-Executor.mq5; it counts only with 0 errors and a new FX-Executor.ex5",
                ),
                if *start {
                    step(
                        "Start the terminal with the Expert Advisor on a EURUSD chart",
                        "",
                    )
                } else {
                    step(
                        "Then you drag it onto a chart",
                        "From Navigator, Expert Advisors, FX-Executor.",
                    )
                },
            ],
            SetupWish::Remove { .. } => vec![step("Remove FX-Executor.mq5", &source)],
        };
        Ok(Preview {
            number: previewed.0,
            wish: wish.clone(),
            steps,
            can_start: true,
        })
    }

    fn carry_out(&self, preview: u64) -> mpsc::Receiver<SetupStep> {
        let (sender, receiver) = mpsc::channel(8);
        let previewed = self.previewed.lock().unwrap();
        assert_eq!(preview, previewed.0, "consent is to the last preview alone");
        let wish = previewed.1.clone().unwrap();
        let error = self.compile_error.lock().unwrap().clone();
        let step = |name: &str, ok, detail: &str| {
            sender
                .try_send(SetupStep {
                    name: name.to_owned(),
                    ok,
                    detail: detail.to_owned(),
                })
                .unwrap();
        };
        step("Write the Expert Advisor 0.10", Some(true), "");
        step("Compile it by this terminal's own MetaEditor", None, "");
        let detail = error
            .as_deref()
            .unwrap_or("0 errors, a new FX-Executor.ex5 in 1.2 s");
        step(
            "Compile it by this terminal's own MetaEditor",
            Some(error.is_none()),
            detail,
        );
        let expert = match &wish {
            SetupWish::Remove { .. } => ExpertInTerminal::Absent,
            SetupWish::Install { .. } if error.is_some() => ExpertInTerminal::NotCompiled,
            SetupWish::Install { .. } => compiled(),
        };
        for terminal in &mut self.found.lock().unwrap().terminals {
            if terminal.id == wish.terminal() {
                terminal.expert = expert.clone();
            }
        }
        self.agreed.lock().unwrap().push(wish);
        receiver
    }
}

/// A place beside the clock, or none, and what is remembered of the close button.
#[derive(Default)]
pub struct Tray {
    pub is_there: std::sync::atomic::AtomicBool,
    pub answer: Mutex<CloseButton>,
}

impl TrayPort for Tray {
    fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    fn close_button(&self) -> CloseButton {
        *self.answer.lock().unwrap()
    }

    fn remember(&self, answer: CloseButton) {
        *self.answer.lock().unwrap() = answer;
    }
}
