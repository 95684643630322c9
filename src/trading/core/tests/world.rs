//! The driver: a virtual clock, a platform and a terminal around [`State`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::terminal::{Terminal, decimal};
use crate::core::snapshot::{CommandRow, CommandState, Counts, Source, TerminalMode, UiCommand};
use crate::core::{
    BeatCause, Config, Delivery, Durable, Effect, Event, Limits, Now, Purpose, Record,
    ReportOutcome, State, step,
};
use crate::market::{
    Cid, IntentAction, Outcome, Quote, Refusal, RefusalClass, TerminalEvent, TerminalRequest, Twice,
};

pub const OWNER: &str = "user-owner";
pub const EXECUTOR: &str = "executor-own";
/// Monday, while London is open.
const START: &str = "2026-03-02T09:00:00Z";

/// What the platform does with a report.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Patching {
    /// Takes it when it has the command, else answers 404.
    Works,
    Fails,
    /// No answer ever comes.
    Silent,
}

pub struct World {
    pub state: State,
    pub now: Now,
    pub config: Config,
    pub terminal: Terminal,
    pub patching: Patching,
    /// Commands in the platform's database, with their issuer.
    known: BTreeMap<String, Option<String>>,
    /// Final reports as the platform got them.
    pub reports: Vec<(String, String, Value)>,
    pub interims: Vec<String>,
    pub records: Vec<Record>,
    pub logs: Vec<String>,
    pub beats: usize,
    pub beat_cause: Option<BeatCause>,
    pub restarts_of_loops: usize,
    pub finds: Vec<Cid>,
    /// What the last search said of doing it twice.
    pub searched: Option<Twice>,
    pub queue: VecDeque<Event>,
    /// The state by the records alone.
    replayed: Durable,
    opened: BTreeMap<Cid, Purpose>,
    failed: BTreeSet<Cid>,
    stored: BTreeSet<Cid>,
    unstored: bool,
}

impl World {
    pub fn new(config: Config) -> Self {
        let now = Now {
            mono: Duration::ZERO,
            utc: START.parse().unwrap(),
        };
        Self {
            state: State::new(
                Durable::default(),
                config.clone(),
                Vec::new(),
                Counts::default(),
                now,
            ),
            now,
            config,
            terminal: Terminal::new(),
            patching: Patching::Works,
            known: BTreeMap::new(),
            reports: Vec::new(),
            interims: Vec::new(),
            records: Vec::new(),
            logs: Vec::new(),
            beats: 0,
            beat_cause: None,
            restarts_of_loops: 0,
            finds: Vec::new(),
            searched: None,
            queue: VecDeque::new(),
            replayed: Durable::default(),
            opened: BTreeMap::new(),
            failed: BTreeSet::new(),
            stored: BTreeSet::new(),
            unstored: false,
        }
    }

    /// Started, identified, its owner known, the terminal connected.
    pub fn ready() -> Self {
        Self::ready_with(Config {
            mode: TerminalMode::MetaTrader,
            ..Config::default()
        })
    }

    pub fn ready_with(config: Config) -> Self {
        let mut world = Self::new(config);
        world.come_up();
        world.happens(Event::OwnerLearned {
            user_id: OWNER.to_owned(),
        });
        world.terminal_up();
        world
    }

    /// A trader who allows one position at a time.
    pub fn with_one_position_allowed() -> Self {
        let limits = Limits {
            max_positions: Some(1),
            ..Limits::default()
        };
        Self::ready_with(Config {
            limits,
            ..Config::default()
        })
    }

    pub fn come_up(&mut self) {
        self.happens(Event::Started);
        self.happens(Event::Identified {
            executor_id: EXECUTOR.to_owned(),
            executor_name: None,
            platform_url: "https://platform.example".to_owned(),
            overrides: Vec::new(),
        });
    }

    /// The platform has told its clock, which is this computer's to 20 ms.
    pub fn clock_is_known(&mut self) {
        self.happens(Event::ClockMeasured {
            offset_ms: 0,
            within_ms: 20,
        });
    }

    pub fn terminal_up(&mut self) {
        let up = self.terminal.up();
        self.happens(Event::Terminal(up));
    }

    pub fn terminal_down(&mut self) {
        let down = self.terminal.down();
        self.happens(Event::Terminal(down));
    }

    /// The program ends at this moment and starts again from its journal.
    pub fn restart(&mut self) {
        let durable = self.replayed.clone();
        let rows = self.state.rows.iter().cloned().collect();
        self.queue.clear();
        self.now.mono = Duration::ZERO;
        self.state = State::new(
            durable,
            self.config.clone(),
            rows,
            Counts::default(),
            self.now,
        );
        self.come_up();
    }

    pub fn has_logged(&self, words: &str) -> bool {
        self.logs.iter().any(|line| line.contains(words))
    }

    /// Whether entries are blocked for this reason.
    pub fn is_blocked_by(&self, reason: &str) -> bool {
        self.state
            .entry_block(self.now)
            .is_some_and(|block| block.contains(reason))
    }

    /// One event and everything that follows from it at once.
    pub fn happens(&mut self, event: Event) {
        self.step(event);
        self.settle();
    }

    pub fn settle(&mut self) {
        let mut steps = 0;
        while let Some(event) = self.queue.pop_front() {
            self.step(event);
            steps += 1;
            assert!(
                steps < 5_000,
                "the core and its surroundings never come to rest"
            );
        }
    }

    /// Time passes, with a tick each half second.
    pub fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds * 2 {
            self.now.mono += Duration::from_millis(500);
            self.now.utc += SignedDuration::from_millis(500);
            self.happens(Event::Tick);
        }
    }

    /// Time passes at once, with a single tick.
    pub fn jump(&mut self, seconds: u64) {
        self.now.mono += Duration::from_secs(seconds);
        self.now.utc += SignedDuration::from_secs(i64::try_from(seconds).unwrap());
        self.happens(Event::Tick);
    }

    /// One step, and what must hold after each: (a) the records alone give the same state, also through JSON; (b) no
    /// order is sent before it is stored; (c) no command has two orders that may both open; (d) nothing opens while
    /// trading is stopped or paused.
    pub fn step(&mut self, event: Event) {
        let recovered = event == Event::JournalRecovered;
        let done = step(&mut self.state, event, self.now);
        for record in &done.records {
            let text = serde_json::to_string(record).unwrap();
            let again: Record = serde_json::from_str(&text).unwrap();
            assert_eq!(again, *record);
            self.replayed.apply(&again);
            self.note(record);
        }
        assert_eq!(self.replayed, *self.state.durable(), "replay differs");
        let text = serde_json::to_string(self.state.durable()).unwrap();
        assert_eq!(
            serde_json::from_str::<Durable>(&text).unwrap(),
            self.replayed
        );
        self.records.extend(done.records);
        self.unstored = self.state.journal_broken.is_some() && !recovered;
        for effect in done.effects {
            if self.unstored && !effect.runs_unjournaled() {
                continue;
            }
            self.run(effect);
        }
    }

    /// Takes in records of a step that was made past this driver, whose effects are lost.
    pub fn adopt(&mut self, records: Vec<Record>) {
        for record in &records {
            self.replayed.apply(record);
            self.note(record);
        }
        self.records.extend(records);
    }

    fn note(&mut self, record: &Record) {
        match record {
            Record::IntentMade {
                intent, purpose, ..
            } => {
                self.stored.insert(intent.cid);
                if matches!(intent.action, IntentAction::Open { .. }) {
                    if let Purpose::Command { id } = purpose {
                        let live = self.opened.iter().filter(|(cid, known)| {
                            known.command_id() == Some(id) && !self.failed.contains(cid)
                        });
                        assert_eq!(live.count(), 0, "{id} has two orders");
                    }
                    self.opened.insert(intent.cid, purpose.clone());
                }
            }
            Record::IntentFailed { cid, .. } => {
                self.failed.insert(*cid);
            }
            Record::ReportDue { result, .. } => {
                assert!(result.to_string().len() < 8 * 1024, "too large: {result}");
                assert!(result["message"].is_string() && result["success"].is_boolean());
            }
            _ => {}
        }
    }

    fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Decided(_) => {}
            Effect::Log { text, .. } => self.logs.push(text),
            Effect::Beat(cause) => {
                self.beats += 1;
                self.beat_cause = Some(cause);
            }
            Effect::RestartLoops => self.restarts_of_loops += 1,
            Effect::Report { id, status, result } => {
                let outcome = self.patched(&id);
                if matches!(outcome, Some(ReportOutcome::Accepted { .. })) {
                    self.reports.push((id.clone(), status.to_owned(), result));
                }
                self.answer_report(id, false, outcome);
            }
            Effect::ReportInterim { id, .. } => {
                self.interims.push(id.clone());
                let outcome = self.patched(&id);
                self.answer_report(id, true, outcome);
            }
            Effect::FetchAnswer { id } => {
                let found = self.records.iter().rev().find_map(|record| match record {
                    Record::ReportDue {
                        id: other,
                        status,
                        result,
                        ..
                    } if *other == id => Some((status.clone(), result.clone())),
                    _ => None,
                });
                let (status, result) = found.unwrap();
                self.queue
                    .push_back(Event::StoredAnswer { id, status, result });
            }
            Effect::Terminal(request) => {
                self.check_request(&request);
                if let TerminalRequest::Find { cid, twice, .. } = request {
                    self.searched = Some(twice);
                    self.finds.push(cid);
                }
                self.queue.extend(
                    self.terminal
                        .asked(request)
                        .into_iter()
                        .map(Event::Terminal),
                );
            }
        }
    }

    fn check_request(&self, request: &TerminalRequest) {
        let TerminalRequest::Submit(intent) = request else {
            return;
        };
        assert!(
            self.stored.contains(&intent.cid),
            "sent before it was stored"
        );
        if matches!(intent.action, IntentAction::Open { .. }) {
            let durable = self.state.durable();
            assert!(durable.stop.is_none(), "opens although stopped");
            assert!(durable.pause.is_none(), "opens although paused");
            assert!(!self.unstored, "opens without a journal");
        }
    }

    fn patched(&self, id: &str) -> Option<ReportOutcome> {
        match self.patching {
            Patching::Silent => None,
            Patching::Fails => Some(ReportOutcome::Failed {
                reason: "500".to_owned(),
                retry_at: None,
            }),
            Patching::Works => Some(self.known.get(id).map_or(
                ReportOutcome::NoSuchCommand,
                |user| ReportOutcome::Accepted {
                    user_id: user.clone(),
                    given_at: None,
                },
            )),
        }
    }

    fn answer_report(&mut self, id: String, interim: bool, outcome: Option<ReportOutcome>) {
        if let Some(outcome) = outcome {
            self.queue.push_back(Event::ReportAnswered {
                id,
                interim,
                outcome,
            });
        }
    }

    /// The platform's database has this command.
    pub fn platform_knows(&mut self, id: &str, user: &str) {
        self.known.insert(id.to_owned(), Some(user.to_owned()));
    }

    pub fn pusher_raw(&mut self, raw: &str) {
        self.happens(Event::Delivered(Delivery {
            source: Source::Pusher,
            raw: raw.to_owned(),
        }));
    }

    pub fn heartbeat_raw(&mut self, rows: Vec<String>) {
        let rows = rows
            .into_iter()
            .map(|raw| Delivery {
                source: Source::Heartbeat,
                raw,
            })
            .collect();
        self.happens(Event::HeartbeatAnswered { rows });
    }

    pub fn ui(&mut self, command: UiCommand) {
        self.happens(Event::Ui(command));
    }

    pub fn terminal_says(&mut self, events: Vec<TerminalEvent>) {
        for event in events {
            self.happens(Event::Terminal(event));
        }
    }

    /// A price of EURUSD comes.
    pub fn quote(&mut self) {
        self.quote_at("1.1000", "1.1001");
    }

    pub fn quote_at(&mut self, bid: &str, ask: &str) {
        let quote = Quote {
            bid: decimal(bid),
            ask: decimal(ask),
            time: self.now.utc,
        };
        let symbol = "EURUSD".to_owned();
        self.terminal_says(vec![TerminalEvent::Quote { symbol, quote }]);
    }

    /// The answer to an order: the price has moved.
    pub fn requote(&mut self, cid: Cid) {
        let outcome = Outcome::Refused(Refusal {
            retcode: 10_004,
            class: RefusalClass::PriceMoved,
            message: "Requote".to_owned(),
        });
        self.terminal_says(vec![TerminalEvent::Answer { cid, outcome }]);
    }

    /// The next bar closes.
    pub fn next_bar(&mut self) {
        let events = self.terminal.next_bar();
        self.terminal_says(events);
    }

    /// The terminal sends what it holds.
    pub fn send_book(&mut self) {
        let book = self.terminal.book();
        self.terminal_says(book.into_iter().collect());
    }

    /// The moment so many seconds before now.
    pub fn ago(&self, seconds: i64) -> Timestamp {
        self.now.utc - SignedDuration::from_secs(seconds)
    }

    /// The line of a command in the window.
    pub fn command(&mut self, id: &str) -> CommandRow {
        let snapshot = self.state.snapshot(self.now);
        let row = snapshot.commands.iter().find(|row| row.id == id);
        row.unwrap_or_else(|| panic!("no row for {id}")).clone()
    }

    /// Its state and its message.
    pub fn outcome(&mut self, id: &str) -> (CommandState, String) {
        let row = self.command(id);
        (row.state, row.message)
    }

    /// The newest line of the window's command log.
    pub fn newest(&mut self) -> CommandRow {
        self.state
            .snapshot(self.now)
            .commands
            .first()
            .unwrap()
            .clone()
    }

    pub fn assert_executed(&mut self, id: &str) -> String {
        let (state, message) = self.outcome(id);
        assert_eq!(state, CommandState::Executed, "{message}");
        message
    }

    pub fn assert_ends(&mut self, id: &str, wanted: CommandState, words: &str) {
        let (state, message) = self.outcome(id);
        assert_eq!(state, wanted, "{message}");
        assert!(message.contains(words), "{message:?} lacks {words:?}");
    }

    /// The last final report of a command: status and result.
    pub fn report(&self, id: &str) -> (&str, &Value) {
        let report = self.reports.iter().rev().find(|(other, ..)| other == id);
        let (_, status, result) = report.unwrap_or_else(|| panic!("{id} was never reported"));
        (status, result)
    }

    pub fn count_logs(&self, text: &str) -> usize {
        self.logs.iter().filter(|line| line.contains(text)).count()
    }
}
