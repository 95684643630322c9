//! One running executor: its data folder, log, settings and engine, started and ended in order.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;

use super::after_crash;
use super::again::{self, Successor};
use super::settings_home::SettingsHome;
use super::system;
use super::watching::watch_files;
use crate::core::snapshot::{Notice, Severity, TerminalMode};
use crate::engine::{self, Engine, EngineError, EngineOptions};
use crate::logs;
use crate::settings::{self, DataDir, DataDirError, DataDirLock, Draft, Field};
use crate::terminal::metatrader::session::Limits as LinkLimits;
use crate::terminal::{self, MetaTraderOptions, PaperOptions, Terminal};
use crate::ui::Waker;

#[derive(Debug, thiserror::Error)]
pub(super) enum StartError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error(transparent)]
    Logs(#[from] logs::LogsError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error("the settings' watcher cannot be started: {0}")]
    Watcher(std::io::Error),
    #[error(
        "{0} holds settings that are not practice's, and practice would replace them; give it another --data-dir, or none"
    )]
    NotPractice(PathBuf),
    #[error("the practice settings cannot be written: {0}")]
    PracticeSettings(#[from] settings::SaveError),
    #[error("{path} cannot be written: {source}")]
    PracticeMark {
        path: PathBuf,
        source: std::io::Error,
    },
}

pub(super) struct SessionOptions<'a> {
    pub data_dir: Option<&'a Path>,
    pub config: Option<&'a Path>,
    /// Whether the log goes to the console too.
    pub console: bool,
    pub headless: bool,
    /// Started by one whose engine hangs or has failed.
    pub after_failure: bool,
    pub practice: Option<PracticeMarket>,
}

/// The practice world this executor belongs to.
#[derive(Clone, Debug)]
pub(super) struct PracticeMarket {
    pub page: String,
    pub settings: Draft,
    pub paper: PaperOptions,
}

pub(super) struct Session {
    pub engine: Engine,
    pub logs: logs::Guard,
    pub settings: Arc<SettingsHome>,
    pub waker: Waker,
    pub held_awake: Arc<AtomicBool>,
    end: CancellationToken,
    helpers: Vec<std::thread::JoinHandle<()>>,
    _lock: DataDirLock,
    /// The system's end of the session waits for it, so it goes last.
    _alive: SyncSender<()>,
}

/// Serves the Expert Advisor. Where MetaTrader's shared folder is not known, somebody has to say it first.
fn metatrader(
    home: &SettingsHome,
    deals_since: Option<Timestamp>,
    end: CancellationToken,
) -> Terminal {
    // Read by itself: something else in the settings may be wrong, and the terminal is needed to get out.
    let chosen = settings::load(&home.path, home.store.as_ref())
        .ok()
        .map(|loaded| loaded.draft.get(Field::CommonFiles).trim().to_owned())
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from);
    match chosen.or_else(terminal::common_files) {
        Some(folder) => {
            let mut options = MetaTraderOptions::new(folder);
            options.limits = impatient(options.limits);
            options.deals_since = deals_since;
            terminal::spawn_metatrader(options, end)
        }
        None => terminal::spawn_absent(
            "where MetaTrader 5 keeps its shared files is not known on this computer; name the folder in Settings (MetaTrader's shared folder), or choose the paper terminal",
        ),
    }
}

/// `FX_EXECUTOR_LINK_LOOKS=3,8` makes a test less patient before it believes that an order is absent: seconds when nobody
/// knows of it, and when the Expert Advisor had it as sent. Only debug builds look at it.
fn impatient(limits: LinkLimits) -> LinkLimits {
    let told = std::env::var("FX_EXECUTOR_LINK_LOOKS").unwrap_or_default();
    let seconds = told
        .split_once(',')
        .and_then(|(looks, sent)| Some((looks.parse().ok()?, sent.parse().ok()?)));
    match seconds {
        Some((looks, sent)) if cfg!(debug_assertions) => LinkLimits {
            looks_over: Duration::from_secs(looks),
            sent_over: Duration::from_secs(sent),
            ..limits
        },
        _ => limits,
    }
}

/// `FX_EXECUTOR_PAPER_SKIPS_WEEKENDS=1` lets tests trade on paper on any day. Only debug builds look at it.
fn without_weekends(options: PaperOptions) -> PaperOptions {
    let asked = std::env::var("FX_EXECUTOR_PAPER_SKIPS_WEEKENDS").is_ok_and(|value| value == "1");
    PaperOptions {
        skip_weekends: cfg!(debug_assertions) && asked,
        ..options
    }
}

/// Puts the practice world's settings into a folder that is new or practice's own; the secret goes into the store.
fn move_in(home: &SettingsHome, practice: &Draft) -> Result<(), StartError> {
    let mark = home.data_dir.join("practice");
    if home.path.exists() && !mark.exists() {
        return Err(StartError::NotPractice(home.path.clone()));
    }
    std::fs::write(&mark, "This folder belongs to fx-executor practice.\n")
        .map_err(|source| StartError::PracticeMark { path: mark, source })?;
    // What the trader changed in an earlier run, his limits among it, stays.
    let mut draft = settings::load(&home.path, home.store.as_ref())
        .map(|loaded| loaded.draft)
        .unwrap_or_default();
    for field in Field::ALL {
        let value = practice.get(field);
        if !value.is_empty() {
            draft.set(field, value);
        }
    }
    if let Some(secret) = practice.secret() {
        draft.set_secret(secret.expose_secret());
    }
    settings::save(&home.path, &draft, home.store.as_ref(), now())?;
    Ok(())
}

impl Session {
    pub fn start(options: SessionOptions<'_>) -> Result<Self, StartError> {
        let data_dir = DataDir::open(options.data_dir)?;
        let lock = if options.after_failure {
            again::lock_after_failure(&data_dir)?
        } else {
            data_dir.lock()?
        };
        let logs = logs::init(&logs::Options {
            console: options.console,
            data_dir: Some(data_dir.path().to_owned()),
        })?;
        // A practice run looks nowhere but into its own folder.
        let working = match options.practice {
            Some(_) => PathBuf::new(),
            None => std::env::current_dir().unwrap_or_default(),
        };
        let home = Arc::new(SettingsHome {
            path: settings::locate(options.config, data_dir.path(), &working),
            data_dir: data_dir.path().to_owned(),
            store: settings::secret_store(data_dir.path()),
            redactor: logs.redactor(),
            practice_page: options
                .practice
                .as_ref()
                .map(|practice| practice.page.clone()),
            readings: AtomicU64::new(0),
            start_command: options
                .practice
                .is_none()
                .then(|| super::autostart::command(options.data_dir, options.config))
                .flatten(),
            keep_awake: true.into(),
            restart_when_hung: false.into(),
            close_button: Mutex::default(),
            toasts: Mutex::default(),
        });
        if let Some(practice) = &options.practice {
            move_in(&home, &practice.settings)?;
        }
        let is_real = options.practice.is_none();
        let found = home.read();
        home.arrange_system(found.settings.as_ref());
        let problem = logs.file_problem();
        let notices = problem.map(|problem| notice("logs", problem)).into_iter();
        let notices = notices.chain(after_crash::notice(data_dir.path(), now()));
        let paper = options.practice.map_or_else(
            || without_weekends(PaperOptions::in_folder(data_dir.path())),
            |practice| practice.paper,
        );
        let waker = Waker::default();
        let engine = engine::start(EngineOptions {
            data_dir: data_dir.path().to_owned(),
            connection: (found.reachable).map(|settings| home.connection(settings)),
            config: found.config,
            terminal: {
                let home = Arc::clone(&home);
                Box::new(move |mode, deals_since, end| match mode {
                    TerminalMode::Paper => terminal::spawn_paper(
                        PaperOptions {
                            retell_deals: deals_since.is_none(),
                            ..paper.clone()
                        },
                        end,
                    ),
                    TerminalMode::MetaTrader => Ok(metatrader(&home, deals_since, end)),
                    TerminalMode::Unknown => Ok(terminal::spawn_absent(
                        "the settings cannot be read, so which terminal is meant is not known; mend them first",
                    )),
                })
            },
            notices: notices.collect(),
            wake: {
                let waker = waker.clone();
                Arc::new(move || waker.wake())
            },
        })?;
        let end = CancellationToken::new();
        let successor = is_real.then(|| Successor {
            data_dir: data_dir.path().to_owned(),
            config: options.config.map(Path::to_owned),
            headless: options.headless,
            is_one: options.after_failure,
        });
        let attending = system::attend(Arc::clone(&home), &engine, successor, end.clone())
            .map_err(StartError::Watcher)?;
        let helpers = vec![
            attending.thread,
            watch_files(Arc::clone(&home), &engine, waker.clone(), end.clone())
                .map_err(StartError::Watcher)?,
        ];
        Ok(Self {
            engine,
            logs,
            settings: home,
            waker,
            held_awake: attending.held_awake,
            end,
            helpers,
            _lock: lock,
            _alive: attending.alive,
        })
    }

    /// What is wrong with the settings, and whether the platform can be reached with them all the same.
    pub fn settings_problem(&self) -> Option<(String, bool)> {
        let found = self.settings.read();
        let problem = found.config.settings.problem?;
        Some((problem, found.reachable.is_some()))
    }

    /// Runs until Ctrl-C or until the engine ends.
    pub fn run_headless(self) {
        wait_for_signal(&self.engine.shutdown_token());
        self.end();
    }

    /// Ends everything in order: helpers, engine (with its goodbye), log.
    pub fn end(self) {
        self.end.cancel();
        self.engine.stop();
        for helper in self.helpers {
            if helper.join().is_err() {
                tracing::error!(target: "engine", "A helper thread ended in a panic.");
            }
        }
    }
}

/// Returns at Ctrl-C, at a request to terminate, or when the token is cancelled.
pub(super) fn wait_for_signal(ended: &CancellationToken) {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(target: "engine", "Signals cannot be heard: {error}");
            return;
        }
    };
    runtime.block_on(async {
        tokio::select! {
            () = interrupted() => {}
            () = ended.cancelled() => {}
        }
    });
}

pub(super) async fn interrupted() {
    let ctrl_c = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(target: "engine", "Ctrl-C cannot be heard: {error}");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        use tokio::signal::unix::SignalKind;
        tokio::select! {
            () = ctrl_c => {}
            () = heard(SignalKind::terminate()) => {}
            // The console was closed.
            () = heard(SignalKind::hangup()) => {}
        }
    }
    #[cfg(windows)]
    tokio::select! {
        () = ctrl_c => {}
        () = console_closed() => {}
    }
}

/// Windows ends the program soon after.
#[cfg(windows)]
async fn console_closed() {
    match tokio::signal::windows::ctrl_close() {
        Ok(mut closed) => {
            closed.recv().await;
        }
        Err(error) => {
            tracing::error!(target: "engine", "The closing of the console cannot be heard: {error}");
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
async fn heard(kind: tokio::signal::unix::SignalKind) {
    match tokio::signal::unix::signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => {
            tracing::error!(target: "engine", "Signal {} cannot be heard: {error}", kind.as_raw_value());
            std::future::pending::<()>().await;
        }
    }
}

fn notice(key: &str, text: &str) -> Notice {
    Notice {
        key: key.to_owned(),
        severity: Severity::Warning,
        text: text.to_owned(),
        remedy: String::new(),
        at: now(),
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}
