//! The loop: an event, a step, the journal, the effects, a snapshot.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::config_pace::ConfigPace;
use super::failpoint;
use super::gate::{JournalGate, Stored};
use super::last_words::last_words;
use super::network::{Connection, Network};
use super::terminals::Terminals;
use super::{FAREWELL, Reconfigure};
use crate::core::health::{Leg, LinkReport, Phase};
use crate::core::snapshot::{CommandDetail, CommandRow, Snapshot, TerminalMode, UiCommand};
use crate::core::{Effect, Event, LogLevel, ReportOutcome, State, step};
use crate::decisions::Recorder;
use crate::market::{Outcome, TerminalEvent, TerminalRequest};

/// Events worked on before the journal is written once for all of them.
const BATCH: usize = 64;
/// Events from the network that may wait; beyond it the senders wait.
const NETWORK_QUEUE: usize = 1_024;
const TICK: Duration = Duration::from_millis(500);
/// Between the end of a terminal that nobody ended and its next start.
const TERMINAL_PAUSE: Duration = Duration::from_secs(2);
/// Time for a terminal to end before another one takes its place.
const TERMINAL_END: Duration = Duration::from_secs(2);
/// The window is not told more often than this.
const PUBLISH_PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Outputs {
    pub snapshot: watch::Sender<Arc<Snapshot>>,
    pub detail: watch::Sender<Option<Arc<CommandDetail>>>,
    pub page: watch::Sender<Option<Arc<Vec<CommandRow>>>>,
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

pub(super) struct Inputs {
    pub ui: mpsc::Receiver<UiCommand>,
    pub reconfigured: mpsc::Receiver<Reconfigure>,
    pub terminal: mpsc::Receiver<TerminalEvent>,
    pub first: Vec<Event>,
}

pub(super) struct Owner {
    pub state: State,
    pub clock: Clock,
    pub gate: JournalGate,
    pub terminals: Terminals,
    pub terminal_requests: mpsc::Sender<TerminalRequest>,
    pub network: Option<Network>,
    pub config_pace: ConfigPace,
    pub outputs: Outputs,
    pub decisions: Recorder,
    pub shutdown: CancellationToken,
}

enum Input {
    Shutdown,
    Ui(UiCommand),
    Terminal(TerminalEvent),
    TerminalGone,
    TerminalAgain,
    Network(Event),
    Reconfigure(Box<Reconfigure>),
    Tick,
    Publish,
}

impl Owner {
    pub async fn run(mut self, mut inputs: Inputs, connection: Option<Connection>) {
        let (network_in, mut network_out) = mpsc::channel::<Event>(NETWORK_QUEUE);
        let mut connection = connection;
        let mut first = vec![Event::Started];
        first.append(&mut inputs.first);
        self.work(first, &network_in);
        self.restart_network(connection.as_ref(), &network_in);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut published = Instant::now();
        let mut unpublished = true;
        let mut terminal_again: Option<Instant> = None;
        loop {
            let input = tokio::select! {
                biased;
                () = self.shutdown.cancelled() => Input::Shutdown,
                Some(command) = inputs.ui.recv() => Input::Ui(command),
                event = inputs.terminal.recv(), if terminal_again.is_none() => event.map_or(Input::TerminalGone, Input::Terminal),
                Some(change) = inputs.reconfigured.recv() => Input::Reconfigure(Box::new(change)),
                () = sleep_until(terminal_again.unwrap_or(published)), if terminal_again.is_some() => Input::TerminalAgain,
                () = sleep_until(published + PUBLISH_PAUSE), if unpublished => Input::Publish,
                Some(event) = network_out.recv() => Input::Network(event),
                _ = ticks.tick() => Input::Tick,
            };
            let mut events = Vec::new();
            match input {
                Input::Shutdown => {
                    let last = last_words(&mut inputs.ui, &mut network_out);
                    self.work(last, &network_in);
                    break;
                }
                Input::Publish => {
                    self.publish();
                    published = Instant::now();
                    unpublished = false;
                    continue;
                }
                Input::Ui(command) => {
                    self.show(&command);
                    events.push(Event::Ui(command));
                }
                Input::Terminal(event) => events.push(Event::Terminal(event)),
                Input::TerminalGone => {
                    terminal_again = Some(Instant::now() + TERMINAL_PAUSE);
                    tracing::error!(target: "terminal", "The link to the terminal ended by an error of this program (see the crash file); it is started again.");
                    let reason =
                        "the terminal's link ended by an error and is started again".to_owned();
                    events.push(Event::Terminal(TerminalEvent::Down { reason }));
                }
                Input::TerminalAgain => {
                    terminal_again = None;
                    // What the one before began to listen on ends with its token.
                    self.terminals.end_current();
                    self.start_terminal(self.terminals.mode(), &mut inputs.terminal);
                }
                Input::Reconfigure(change) => {
                    let moved =
                        common_files(connection.as_ref()) != common_files(Some(&change.connection));
                    let mode = change.config.mode;
                    if mode != self.terminals.mode() || (moved && mode == TerminalMode::MetaTrader)
                    {
                        let down = self.change_terminal(mode, &mut inputs.terminal);
                        events.push(down.await);
                        terminal_again = None;
                    }
                    events.push(Event::Configured(change.config));
                    events.extend(change.notices.into_iter().map(Event::Noticed));
                    let restart = needs_restart(connection.as_ref(), &change.connection);
                    connection = Some(change.connection);
                    if restart {
                        // By way of the core, which then knows that what was on its way is lost.
                        events.push(Event::Ui(UiCommand::ReconnectNow));
                    }
                }
                Input::Network(event) => events.push(event),
                Input::Tick => {
                    failpoint::fails_at("engine");
                    events.push(Event::Tick);
                }
            }
            while events.len() < BATCH {
                if let Ok(event) = inputs.terminal.try_recv() {
                    events.push(Event::Terminal(event));
                } else if let Ok(event) = network_out.try_recv() {
                    events.push(event);
                } else {
                    break;
                }
            }
            let restart = self.work(events, &network_in);
            if restart {
                self.restart_network(connection.as_ref(), &network_in);
            }
            unpublished = true;
        }
        self.farewell(network_out).await;
        self.gate.journal.close();
    }

    /// Another kind of terminal from now on. The core hears that the one before is gone before it hears of the new.
    async fn change_terminal(
        &mut self,
        mode: TerminalMode,
        events: &mut mpsc::Receiver<TerminalEvent>,
    ) -> Event {
        self.terminals.end_current();
        // The paper terminal writes its account when it ends; the next one must find it complete.
        let ended = async { while events.recv().await.is_some() {} };
        if tokio::time::timeout(TERMINAL_END, ended).await.is_err() {
            tracing::warn!(target: "terminal", "The terminal before did not end in time.");
        }
        self.start_terminal(mode, events);
        let reason = "another kind of terminal was chosen in Settings".to_owned();
        Event::Terminal(TerminalEvent::Down { reason })
    }

    fn start_terminal(&mut self, mode: TerminalMode, events: &mut mpsc::Receiver<TerminalEvent>) {
        let terminal = self.terminals.start(mode, self.state.deals_since());
        self.terminal_requests = terminal.requests;
        *events = terminal.events;
    }

    /// One round. True when the network loops are to be restarted.
    fn work(&mut self, events: Vec<Event>, back: &mpsc::Sender<Event>) -> bool {
        let mut records = Vec::new();
        let mut effects = Vec::new();
        let mut links = Vec::new();
        for event in events {
            if let Event::Terminal(event) = &event {
                links.extend(terminal_link(event));
            }
            let step = step(&mut self.state, event, self.clock.now());
            records.extend(step.records);
            effects.extend(step.effects);
        }
        for link in links {
            let step = step(&mut self.state, Event::Link(link), self.clock.now());
            records.extend(step.records);
            effects.extend(step.effects);
        }
        if !records.is_empty() {
            failpoint::reached("before-journal");
        }
        let had_records = !records.is_empty();
        let mut stored = self.gate.store(records);
        if had_records {
            failpoint::reached("after-journal");
        }
        // The core hears of every change, or it would go on believing in a state of the journal that is past.
        loop {
            let event = match stored {
                Stored::Yes => break,
                Stored::Recovered => Event::JournalRecovered,
                Stored::No { reason } => {
                    let event = Event::JournalFailed { reason };
                    let step = step(&mut self.state, event, self.clock.now());
                    self.gate.keep(step.records);
                    effects.extend(step.effects);
                    break;
                }
            };
            let step = step(&mut self.state, event, self.clock.now());
            effects.extend(step.effects);
            stored = self.gate.store(step.records);
        }
        // An order waits for no line of the log.
        effects.sort_by_key(|effect| !matches!(effect, Effect::Terminal(_)));
        let mut restart = false;
        for effect in self.gate.pass(effects) {
            restart |= matches!(effect, Effect::RestartLoops);
            self.run_effect(effect, back);
        }
        self.gate.catch_up();
        restart
    }

    fn run_effect(&mut self, effect: Effect, back: &mpsc::Sender<Event>) {
        match effect {
            Effect::Log {
                level,
                source,
                text,
            } => log(level, source, &text),
            Effect::Terminal(request) => self.to_terminal(request, back),
            Effect::Decided(decided) => self.decisions.keep(decided),
            Effect::Beat(cause) => {
                if let Some(network) = &self.network {
                    network.beat(cause);
                }
            }
            Effect::Report { id, status, result } => {
                failpoint::reached("before-report");
                self.report(id, status == "executed", result, false, back);
            }
            Effect::ReportInterim { id, message } => {
                let result =
                    serde_json::json!({ "success": true, "message": message, "interim": true });
                self.report(id, false, result, true, back);
            }
            Effect::FetchAnswer { id } => {
                if let Some((status, result)) = self.gate.journal.answer(&id) {
                    give_back(back, Event::StoredAnswer { id, status, result });
                }
            }
            Effect::RestartLoops => {}
        }
    }

    fn to_terminal(&self, request: TerminalRequest, back: &mpsc::Sender<Event>) {
        let cid = match &request {
            TerminalRequest::Submit(intent) => Some(intent.cid),
            _ => None,
        };
        if cid.is_some() {
            failpoint::reached("before-send");
        }
        let refused = self.terminal_requests.try_send(request).is_err();
        if cid.is_some() {
            failpoint::reached("after-send");
        }
        if refused {
            tracing::warn!(target: "terminal", "The terminal takes no requests now.");
            if let Some(cid) = cid {
                let outcome = Outcome::Unknown {
                    reason: "the terminal took no request".to_owned(),
                };
                give_back(
                    back,
                    Event::Terminal(TerminalEvent::Answer { cid, outcome }),
                );
            }
        }
    }

    fn report(
        &self,
        id: String,
        executed: bool,
        result: serde_json::Value,
        interim: bool,
        back: &mpsc::Sender<Event>,
    ) {
        let sent = self
            .network
            .as_ref()
            .is_some_and(|network| network.report(id.clone(), executed, result, interim));
        if !sent {
            let outcome = ReportOutcome::Failed {
                reason: "no connection to the platform is set up".to_owned(),
                retry_at: None,
            };
            give_back(
                back,
                Event::ReportAnswered {
                    id,
                    interim,
                    outcome,
                },
            );
        }
    }

    /// Details and older pages are read from the journal, never carried in the snapshot.
    fn show(&mut self, command: &UiCommand) {
        match command {
            UiCommand::ShowCommand { id } => {
                let detail = self.gate.journal.detail(id);
                self.outputs.detail.send_replace(detail.map(Arc::new));
                (self.outputs.wake)();
            }
            UiCommand::ShowCommandsBefore { before } => {
                let page = self.gate.journal.page(*before);
                self.outputs.page.send_replace(Some(Arc::new(page)));
                (self.outputs.wake)();
            }
            UiCommand::Quit => self.shutdown.cancel(),
            _ => {}
        }
    }

    fn restart_network(&mut self, connection: Option<&Connection>, events: &mpsc::Sender<Event>) {
        if let Some(network) = self.network.take() {
            network.stop();
        }
        self.network = connection.map(|connection| {
            Network::start(
                connection.clone(),
                self.clock,
                self.config_pace.clone(),
                events.clone(),
            )
        });
    }

    fn publish(&mut self) {
        let snapshot = self.state.snapshot(self.clock.now());
        if let Some(network) = &self.network {
            network.describe(&snapshot);
        }
        self.outputs.snapshot.send_replace(Arc::new(snapshot));
        (self.outputs.wake)();
    }

    /// The clean end: what is on its way may arrive, the platform hears goodbye.
    async fn farewell(&mut self, mut network_out: mpsc::Receiver<Event>) {
        let Some(network) = self.network.take() else {
            return;
        };
        let (nowhere, _kept) = mpsc::channel(1);
        let goodbye = network.farewell();
        let collect = async {
            while let Some(event) = network_out.recv().await {
                if matches!(event, Event::ReportAnswered { .. }) {
                    self.work(vec![event], &nowhere);
                }
            }
        };
        let both = async {
            tokio::select! {
                () = goodbye => {}
                () = collect => {}
            }
        };
        if tokio::time::timeout(FAREWELL, both).await.is_err() {
            tracing::info!(target: "engine", "The platform did not answer the goodbye in time.");
        }
        // What the platform has is written down, in one go; commands that are still in the queue come again.
        let answers: Vec<Event> = std::iter::from_fn(|| network_out.try_recv().ok())
            .filter(|event| matches!(event, Event::ReportAnswered { .. }))
            .collect();
        self.work(answers, &nowhere);
    }
}

/// Where MetaTrader's shared folder is, by the settings.
fn common_files(connection: Option<&Connection>) -> Option<&std::path::Path> {
    connection?.settings.common_files.as_deref()
}

/// The network loops start anew only when something of theirs changed.
fn needs_restart(before: Option<&Connection>, after: &Connection) -> bool {
    before.is_none_or(|before| {
        let changed = after.settings.changed_from(&before.settings);
        changed.platform || changed.pusher
    })
}

/// Hands an event back to the loop. The queue cannot be waited for from inside the loop; when it is full the core's own
/// time limits bring the matter up again.
fn give_back(back: &mpsc::Sender<Event>, event: Event) {
    if back.try_send(event).is_err() {
        tracing::warn!(target: "engine", "The event queue is full; the matter is looked at again later.");
    }
}

fn terminal_link(event: &TerminalEvent) -> Option<LinkReport> {
    let report = |phase, detail: &str, latency_ms| {
        Some(LinkReport {
            leg: Leg::Terminal,
            phase,
            detail: detail.to_owned(),
            latency_ms,
            retry_at: None,
            attempts: 0,
        })
    };
    match event {
        TerminalEvent::Up { .. } => report(Phase::Up, "", None),
        TerminalEvent::Alive { latency_ms, .. } => report(Phase::Up, "", Some(*latency_ms)),
        TerminalEvent::Down { reason } => report(Phase::Retrying, reason, None),
        _ => None,
    }
}

fn log(level: LogLevel, source: &'static str, text: &str) {
    // `tracing` wants its target at compile time.
    macro_rules! say {
        ($($name:literal),*) => {
            match (source, level) {
                $(
                    ($name, LogLevel::Info) => tracing::info!(target: $name, "{text}"),
                    ($name, LogLevel::Warning) => tracing::warn!(target: $name, "{text}"),
                    ($name, LogLevel::Error) => tracing::error!(target: $name, "{text}"),
                )*
                (_, LogLevel::Info) => tracing::info!(target: "engine", "{text}"),
                (_, LogLevel::Warning) => tracing::warn!(target: "engine", "{text}"),
                (_, LogLevel::Error) => tracing::error!(target: "engine", "{text}"),
            }
        };
    }
    say!("pusher", "platform", "terminal", "strategy", "journal");
}
