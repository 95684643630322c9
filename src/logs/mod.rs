//! Where the program's log goes: the console, a daily file, and a feed for the window.
//!
//! Every line passes one [`Redactor`] before any of the three sees it. Writing must never block the caller: a console
//! that somebody stopped, or a slow disk, may cost log lines but never a command.

mod crash;
mod feed;
mod layer;
mod redact;

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::sync::Arc;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

pub use feed::{Feed, LogLine};
pub use redact::Redactor;

use layer::{Console, LogFile, LogLayer, Sink};

/// The environment variable that overrides the level, in `tracing`'s filter syntax (`debug`, `pusher=trace,info`).
pub const LEVEL_VARIABLE: &str = "FX_EXECUTOR_LOG";

/// Libraries of which only what is wrong is logged.
const QUIET: [&str; 13] = [
    "eframe",
    "egui_glow",
    "egui_wgpu",
    "h2",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "tungstenite",
    "wgpu",
    "wgpu_core",
    "wgpu_hal",
    "winit",
];

/// Daily files that are kept.
const DAYS_KEPT: usize = 30;

/// Lines that may wait for a slow console or disk; beyond it they are dropped.
const LINES_WAITING: usize = 20_000;

#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether lines go to the standard output.
    pub console: bool,
    /// Holds `logs/` and `crash/`; without it neither is written.
    pub data_dir: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error("{LEVEL_VARIABLE} is not a log filter: {0}")]
    Filter(String),
    #[error("logging was set up before in this process")]
    Twice,
}

/// Keeps the writers alive; dropping it writes what is still waiting.
#[derive(Debug)]
pub struct Guard {
    feed: Feed,
    console: Console,
    redactor: Arc<Redactor>,
    folder: Option<PathBuf>,
    file_problem: Option<String>,
    _writers: Vec<WorkerGuard>,
}

impl Guard {
    /// The lines for the window.
    pub fn feed(&self) -> Feed {
        self.feed.clone()
    }

    /// The log goes to the standard output from now on, the latest lines first: no window shows it.
    pub fn show_on_console(&self) {
        self.console.switch_on(&self.feed.subscribe().0);
    }

    /// Where secrets are registered before anything can log them.
    pub fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// The folder of the daily files.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Why no log file is written, in words.
    pub fn file_problem(&self) -> Option<&str> {
        self.file_problem.as_deref()
    }
}

/// Sets up logging for the whole process, and the crash file for panics.
pub fn init(options: &Options) -> Result<Guard, LogsError> {
    let filter = match std::env::var(LEVEL_VARIABLE) {
        Ok(text) if !text.trim().is_empty() => {
            Targets::from_str(text.trim()).map_err(|error| LogsError::Filter(error.to_string()))?
        }
        _ => default_filter(),
    };
    let (subscriber, guard) = assemble(options, filter);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogsError::Twice)?;
    crash::install_hook(
        options.data_dir.as_deref().map(|dir| dir.join("crash")),
        guard.redactor(),
    );
    if let Some(problem) = guard.file_problem() {
        tracing::warn!(target: "logs", "No log file is written: {problem}");
    }
    Ok(guard)
}

/// Ours from `info`.
fn default_filter() -> Targets {
    Targets::new()
        .with_default(LevelFilter::INFO)
        .with_targets(QUIET.map(|library| (library, LevelFilter::WARN)))
}

/// The subscriber and its guard, not yet installed.
fn assemble(options: &Options, filter: Targets) -> (impl tracing::Subscriber + use<>, Guard) {
    let redactor = Arc::new(Redactor::default());
    let feed = Feed::default();
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(feed.clone())];
    let mut writers = Vec::new();
    let (out, guard) = patient("log-console").finish(std::io::stdout());
    let console = Console::new(out, options.console);
    sinks.push(Box::new(console.clone()));
    writers.push(guard);
    let folder = options.data_dir.as_deref().map(|dir| dir.join("logs"));
    let mut file_problem = None;
    match folder.as_deref().map(daily_file) {
        Some(Ok(appender)) => {
            let (out, guard) = patient("log-file").finish(appender);
            sinks.push(Box::new(LogFile::new(out)));
            writers.push(guard);
        }
        Some(Err(problem)) => file_problem = Some(problem),
        None => {}
    }
    let layer = LogLayer::new(Arc::clone(&redactor), sinks);
    let guard = Guard {
        feed,
        console,
        redactor,
        folder,
        file_problem,
        _writers: writers,
    };
    (Registry::default().with(filter).with(layer), guard)
}

fn patient(thread: &str) -> NonBlockingBuilder {
    NonBlockingBuilder::default()
        .buffered_lines_limit(LINES_WAITING)
        .lossy(true)
        .thread_name(thread)
}

fn daily_file(folder: &Path) -> Result<RollingFileAppender, String> {
    let words = |error: &dyn std::fmt::Display| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(|error| words(&error))?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("fx-executor")
        .filename_suffix("log")
        .max_log_files(DAYS_KEPT)
        .build(folder)
        .map_err(|error| words(&error))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use secrecy::SecretString;

    use super::*;

    fn log_of(dir: &Path) -> String {
        let entry = fs::read_dir(dir.join("logs")).unwrap().next().unwrap();
        fs::read_to_string(entry.unwrap().path()).unwrap()
    }

    fn options(dir: &Path) -> Options {
        Options {
            console: false,
            data_dir: Some(dir.to_owned()),
        }
    }

    #[test]
    fn a_line_reaches_the_file_and_the_window() {
        let dir = tempfile::tempdir().unwrap();
        let (subscriber, guard) = assemble(&options(dir.path()), default_filter());
        let feed = guard.feed();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(target: "pusher", "Successfully subscribed to channel: {}", "private-executor-c1");
            tracing::debug!(target: "pusher", "too fine");
            tracing::error!(target: "engine", ticket = 12, reason = "no money", "Closing failed\nat once");
            tracing::info!(target: "hyper_util::client", "library chatter");
        });
        drop(guard);

        let (lines, _) = feed.subscribe();
        let shown: Vec<String> = lines.iter().map(|line| line.console_text()).collect();
        assert_eq!(
            shown,
            [
                "[INFO] Successfully subscribed to channel: private-executor-c1",
                "[ERROR] Closing failed\\nat once ticket=12 reason=no money",
            ]
        );
        assert_eq!(lines[0].source, "pusher");

        let file = log_of(dir.path());
        let written: Vec<&str> = file.lines().map(|line| &line[24..]).collect();
        assert_eq!(
            written,
            [
                " [INFO] pusher: Successfully subscribed to channel: private-executor-c1",
                " [ERROR] engine: Closing failed\\nat once ticket=12 reason=no money",
            ]
        );
        let stamp: Result<jiff::Timestamp, _> = file[..24].parse();
        assert!(stamp.is_ok(), "{file}");
    }

    #[test]
    fn a_marked_secret_reaches_no_sink() {
        let dir = tempfile::tempdir().unwrap();
        let (subscriber, guard) = assemble(
            &options(dir.path()),
            Targets::new().with_default(LevelFilter::TRACE),
        );
        let feed = guard.feed();
        let marked = "Marked Secret #1";
        guard.redactor().register(&SecretString::from(marked));
        tracing::subscriber::with_default(subscriber, || {
            let secret = marked;
            tracing::info!("in the text: {secret}");
            tracing::info!(field = secret, "in a field");
            tracing::info!(field = ?secret, "in a debugged field");
            tracing::info!(field = %secret, "in a displayed field");
            tracing::info!("percent-encoded: Marked%20Secret%20%231");
        });
        drop(guard);
        let (lines, _) = feed.subscribe();
        assert_eq!(lines.len(), 5);
        let mut everything = log_of(dir.path());
        for line in lines {
            everything.push_str(&line.text);
        }
        assert!(!everything.contains("Secret"), "{everything}");
        assert_eq!(everything.matches("[hidden]").count(), 10, "{everything}");
    }

    #[test]
    fn without_a_place_for_files_the_window_still_gets_its_lines() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("logs"), "in the way").unwrap();
        let (subscriber, guard) = assemble(
            &options(dir.path()),
            Targets::new().with_default(LevelFilter::INFO),
        );
        tracing::subscriber::with_default(subscriber, || tracing::info!("still here"));
        assert!(guard.file_problem().is_some());
        assert_eq!(guard.feed().subscribe().0.len(), 1);
    }
}
