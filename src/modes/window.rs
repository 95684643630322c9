//! The window mode: the engine on its own threads, the window on this one. The window may die; the engine goes on.

use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tracing::Level;

use super::renderer::Renderers;
use super::session::{Session, wait_for_signal};
use super::settings_desk::SettingsDesk;
use super::terminal_desk::TerminalDesk;
use super::update::UpdateDesk;
use crate::logs::{Feed, LogLine};
use crate::os::say;
use crate::ui::{
    self, LogLevel, LogSource, Renderer, UiLinks, WindowEnd, WindowError, WindowOptions,
};

/// Windows that are opened again after one died; after that the engine goes on without.
const MOST_REOPENED: u32 = 3;
/// Lines that a slow window may fall behind.
const LINES_WAITING: usize = 2_048;

/// Why no window can be shown on this computer, when that is known beforehand.
pub(super) fn missing_display() -> Option<String> {
    let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    (cfg!(target_os = "linux") && unset("DISPLAY"))
        .then(|| "there is no display (DISPLAY is not set)".to_owned())
}

/// Shows the window until it is closed, then ends the session. Without a usable display the engine goes on headless.
pub(super) fn run(session: Session) -> ExitCode {
    let ended = session.engine.shutdown_token();
    end_on_signal(&ended);
    let links = UiLinks {
        snapshot: session.engine.snapshot.clone(),
        detail: session.engine.detail.clone(),
        page: session.engine.page.clone(),
        commands: session.engine.commands.clone(),
        logs: Arc::new(LogFeed::start(session.logs.feed(), ended.clone())),
        log_dir: session
            .logs
            .folder()
            .unwrap_or(&session.settings.data_dir)
            .to_owned(),
        settings: Arc::new(SettingsDesk::new(
            Arc::clone(&session.settings),
            session.engine.reconfigure.clone(),
        )),
        updates: Arc::new(UpdateDesk(Arc::clone(&session.settings))),
        terminals: Arc::new(TerminalDesk::new(Arc::new(|| {
            crate::setup::this_computer(&[])
        }))),
        held_awake: Arc::clone(&session.held_awake),
        tray: Arc::new(super::tray::start(&session)),
        waker: session.waker.clone(),
    };
    super::toasts::start(&session);
    close_with_engine(&links, &ended);
    let log_dir = links.log_dir.clone();
    let data_dir = session.settings.data_dir.clone();
    let session = Arc::new(Mutex::new(Some(session)));
    #[cfg(target_os = "linux")]
    {
        let (session, ended, log_dir) = (Arc::clone(&session), ended.clone(), log_dir.clone());
        let waker = links.waker.clone();
        crate::os::on_display_lost(move || {
            // Whoever starts the program a second time must not be told that its window came forward.
            waker.lost();
            go_on_without(&session, &ended, "the display is gone", &log_dir);
            end(&session);
        });
    }
    let renderers = Renderers::of(&data_dir);
    let mut order = renderers.order().into_iter();
    let mut renderer = order.next().unwrap_or(Renderer::Glow);
    let mut deaths = 0;
    loop {
        renderers.starts(renderer);
        let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            if renderer == Renderer::Glow && fails("glow") {
                return Err(WindowError::NoOpenGl(
                    "as the environment asks for".to_owned(),
                ));
            }
            ui::run(links.clone(), options(&renderers, renderer))
        }));
        if shown.is_ok() {
            renderers.ended();
        }
        match shown {
            Ok(Ok(WindowEnd::Closed)) => break,
            Ok(Ok(WindowEnd::Died)) if deaths < MOST_REOPENED && !ended.is_cancelled() => {
                deaths += 1;
                tracing::error!(target: "ui", "The window died (see the crash file); opening it again, {deaths} of {MOST_REOPENED}. Trading goes on.");
            }
            Ok(Ok(WindowEnd::Died)) => {
                go_on_without(&session, &ended, "it died too often", &log_dir);
                break;
            }
            Ok(Err(error)) if let Some(next) = order.next() => {
                tracing::warn!(target: "ui", "{renderer} cannot draw the window ({error}); trying {next}.");
                renderer = next;
            }
            Ok(Err(error)) => {
                go_on_without(&session, &ended, &error.to_string(), &log_dir);
                break;
            }
            // The event loop itself: there is no other one in a process.
            Err(_panic) => {
                go_on_without(&session, &ended, "its event loop failed", &log_dir);
                break;
            }
        }
    }
    end(&session);
    ExitCode::SUCCESS
}

/// The engine, which the window does not own.
type SharedSession = Mutex<Option<Session>>;

/// Until Ctrl-C or the engine's end.
fn go_on_without(session: &SharedSession, ended: &CancellationToken, reason: &str, log_dir: &Path) {
    if ended.is_cancelled() {
        return;
    }
    say(format!(
        "No window: {reason}. Going on without one; the log follows, and is in {}.",
        log_dir.display()
    ));
    tracing::warn!(target: "ui", "No window: {reason}. Trading goes on without one.");
    let held = session.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(session) = held.as_ref() {
        session.logs.show_on_console();
    }
    drop(held);
    wait_for_signal(ended);
}

fn end(session: &SharedSession) {
    let session = session
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(session) = session {
        session.end();
    }
}

/// Whether a part is to fail, for the tests: `FX_EXECUTOR_FAILPOINT`, which only debug builds look at.
fn fails(part: &str) -> bool {
    cfg!(debug_assertions) && std::env::var("FX_EXECUTOR_FAILPOINT").as_deref() == Ok(part)
}

fn options(renderers: &Renderers, renderer: Renderer) -> WindowOptions {
    let renderers = renderers.clone();
    let usual = WindowOptions {
        renderer,
        drawn: Arc::new(move || renderers.works(renderer)),
        ..WindowOptions::default()
    };
    if !fails("draw") {
        return usual;
    }
    let drawn = std::sync::atomic::AtomicU32::new(0);
    WindowOptions {
        clock: Arc::new(move || {
            let drawn = drawn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            assert!(drawn < 20, "drawing fails, as the environment asks for");
            Timestamp::now()
        }),
        ..usual
    }
}

/// Ctrl-C ends the engine; the window closes after it.
fn end_on_signal(ended: &CancellationToken) {
    let token = ended.clone();
    let spawned = std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            wait_for_signal(&token);
            token.cancel();
        });
    if let Err(error) = spawned {
        tracing::warn!(target: "engine", "Ctrl-C cannot be heard: {error}");
    }
}

/// Wakes the window once the engine has ended, so that it closes.
fn close_with_engine(links: &UiLinks, ended: &CancellationToken) {
    let (token, waker) = (ended.clone(), links.waker.clone());
    let spawned = std::thread::Builder::new()
        .name("closing".to_owned())
        .spawn(move || {
            wait_for_signal(&token);
            waker.close();
        });
    if let Err(error) = spawned {
        tracing::warn!(target: "ui", "The window cannot be closed from outside: {error}");
    }
}

/// The log's feed in the window's words.
struct LogFeed {
    feed: Feed,
    lines: broadcast::Sender<Arc<ui::LogLine>>,
}

impl LogFeed {
    fn start(feed: Feed, ended: CancellationToken) -> Self {
        let (lines, _) = broadcast::channel(LINES_WAITING);
        let out = lines.clone();
        let (_, mut source) = feed.subscribe();
        let spawned = std::thread::Builder::new()
            .name("log-feed".to_owned())
            .spawn(move || {
                while !ended.is_cancelled() {
                    match source.blocking_recv() {
                        // Nobody listens while there is no window; the recent lines are kept in the feed.
                        Ok(line) => drop(out.send(Arc::new(shown(&line)))),
                        Err(broadcast::error::RecvError::Lagged(_)) => {}
                        Err(broadcast::error::RecvError::Closed) => return,
                    }
                }
            });
        if let Err(error) = spawned {
            tracing::warn!(target: "ui", "The window's journal cannot follow the log: {error}");
        }
        Self { feed, lines }
    }
}

impl LogSource for LogFeed {
    fn recent(&self) -> Vec<Arc<ui::LogLine>> {
        self.feed
            .subscribe()
            .0
            .iter()
            .map(|line| Arc::new(shown(line)))
            .collect()
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<ui::LogLine>> {
        self.lines.subscribe()
    }
}

fn shown(line: &LogLine) -> ui::LogLine {
    ui::LogLine {
        at: line.at,
        level: match line.level {
            Level::ERROR => LogLevel::Error,
            Level::WARN => LogLevel::Warning,
            Level::INFO => LogLevel::Info,
            _ => LogLevel::Debug,
        },
        source: line.source.clone(),
        text: line.text.clone(),
    }
}
