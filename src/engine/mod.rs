//! The engine: the only owner of the state, on threads of its own, alive without any window.
//!
//! It takes an event, lets the core decide, stores the records, and only then runs the effects. It decides nothing
//! itself.

mod beats;
mod clock;
mod config_pace;
mod failpoint;
mod gate;
mod knocking;
mod last_words;
mod network;
mod owner;
mod pusher_link;
mod reports;
mod terminals;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::core::snapshot::{CommandDetail, CommandRow, Notice, Severity, Snapshot, UiCommand};
use crate::core::{Config, Event};
use crate::decisions::{self, Recorder};
use crate::journal::{Journal, JournalError};

pub use network::Connection;
pub use terminals::TerminalMaker;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("the engine's runtime cannot be started: {0}")]
    Runtime(std::io::Error),
    #[error("the engine's thread cannot be started: {0}")]
    Thread(std::io::Error),
    #[error(transparent)]
    Terminal(#[from] crate::terminal::PaperError),
}

/// What the engine needs to start.
pub struct EngineOptions {
    pub data_dir: PathBuf,
    pub config: Config,
    /// `None` while the settings lack something: the engine then runs without a platform.
    pub connection: Option<Connection>,
    /// Makes the terminals, inside the engine's runtime.
    pub terminal: TerminalMaker,
    pub notices: Vec<Notice>,
    /// Called whenever a new snapshot is there; wakes the window.
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EngineOptions")
            .field("data_dir", &self.data_dir)
            .field("config", &self.config)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

/// Applies new settings to a running engine.
#[derive(Debug)]
pub struct Reconfigure {
    pub config: Config,
    /// Settings that cannot be used change nothing: what runs keeps its connection.
    pub connection: Connection,
    /// What a person should know of the change.
    pub notices: Vec<Notice>,
}

/// The running engine.
#[derive(Debug)]
pub struct Engine {
    pub snapshot: watch::Receiver<Arc<Snapshot>>,
    pub detail: watch::Receiver<Option<Arc<CommandDetail>>>,
    pub page: watch::Receiver<Option<Arc<Vec<CommandRow>>>>,
    pub commands: mpsc::Sender<UiCommand>,
    pub reconfigure: mpsc::Sender<Reconfigure>,
    shutdown: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// UI commands that may wait at one time.
const UI_QUEUE: usize = 64;
/// Time for the last reports and the goodbye at a clean end.
const FAREWELL: Duration = Duration::from_millis(1_200);

/// Starts the engine on threads of its own.
pub fn start(options: EngineOptions) -> Result<Engine, EngineError> {
    let clock = clock::Clock::start();
    let (mut journal, loaded) = Journal::open(&options.data_dir.join("journal.sqlite"))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("engine-worker")
        .enable_all()
        .build()
        .map_err(EngineError::Runtime)?;
    let shutdown = CancellationToken::new();
    let now = clock.now();
    let (terminals, terminal) = {
        let _inside = runtime.enter();
        let mode = options.config.mode;
        let since = loaded.durable.deals_since();
        terminals::Terminals::first(options.terminal, mode, since, &shutdown)?
    };
    let first = Arc::new(Snapshot::empty(now.utc, options.config.mode));
    let (snapshot_out, snapshot) = watch::channel(first);
    let (detail_out, detail) = watch::channel(None);
    let (page_out, page) = watch::channel(None);
    let (commands, ui) = mpsc::channel(UI_QUEUE);
    let (reconfigure, reconfigured) = mpsc::channel(4);
    let mut notices = options.notices;
    let mut first_events = Vec::new();
    if loaded.damaged.is_some() || loaded.lost {
        let notice = lost_notice(loaded.damaged.as_deref(), now.utc);
        // Without a window the log is where the trader reads it.
        tracing::error!(target: "journal", "{} {}", notice.text, notice.remedy);
        notices.push(notice);
        first_events.push(Event::JournalLost);
        journal.tells_of_the_loss();
    }
    first_events.extend(notices.into_iter().map(Event::Noticed));
    let state = crate::core::State::new(
        loaded.durable,
        options.config,
        loaded.rows,
        loaded.counts,
        now,
    )
    .with_id_bits(fastrand::u16(..));
    let decisions = Recorder::start(&options.data_dir.join(decisions::FILE)).unwrap_or_else(|error| {
        tracing::warn!(target: "decisions", "{error}. Trading goes on; \"explain\" has nothing to say.");
        Recorder::none()
    });
    let owner = owner::Owner {
        state,
        decisions,
        clock,
        gate: gate::JournalGate::new(journal),
        terminals,
        terminal_requests: terminal.requests,
        network: None,
        config_pace: config_pace::ConfigPace::default(),
        outputs: owner::Outputs {
            snapshot: snapshot_out,
            detail: detail_out,
            page: page_out,
            wake: options.wake,
        },
        shutdown: shutdown.clone(),
    };
    let inputs = owner::Inputs {
        ui,
        reconfigured,
        terminal: terminal.events,
        first: first_events,
    };
    let connection = options.connection;
    let thread = std::thread::Builder::new()
        .name("engine".to_owned())
        .spawn(move || {
            // On a worker: an event then reaches the loop on the processor that read it, without waking another.
            let running = runtime.spawn(owner.run(inputs, connection));
            let ended = runtime.block_on(running);
            runtime.shutdown_timeout(Duration::from_millis(300));
            if let Err(error) = ended
                && let Ok(panic) = error.try_into_panic()
            {
                std::panic::resume_unwind(panic);
            }
        })
        .map_err(EngineError::Thread)?;
    Ok(Engine {
        snapshot,
        detail,
        page,
        commands,
        reconfigure,
        shutdown,
        thread: Some(thread),
    })
}

impl Engine {
    /// Whether the engine's thread has ended.
    pub fn is_finished(&self) -> bool {
        self.thread
            .as_ref()
            .is_none_or(std::thread::JoinHandle::is_finished)
    }

    /// A token that is cancelled when the engine ends, and that ends the engine when cancelled.
    pub fn shutdown_token(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Ends cleanly: says goodbye to the platform, writes the journal's checkpoint.
    pub fn stop(mut self) {
        self.shutdown.cancel();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(target: "engine", "The engine's thread ended in a panic; see the crash file.");
        }
    }
}

fn lost_notice(kept: Option<&std::path::Path>, at: Timestamp) -> Notice {
    let what = kept.map_or_else(
        || "The journal, or a part of it, is gone: it knows less than was stored.".to_owned(),
        |kept| format!("The journal was damaged. It is kept as {}.", kept.display()),
    );
    Notice {
        key: "journal-damaged".to_owned(),
        severity: Severity::Error,
        text: format!("{what} Trading is paused, because what was done before is not known."),
        remedy: "Compare the account with the platform's command list, then resume trading here."
            .to_owned(),
        at,
    }
}
