//! What the computer does to a running executor: sleep and waking, clocks that jump, the person's session, the end. And what the
//! executor asks of the computer: to stay awake while strategies run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::again::Successor;
use super::settings_home::SettingsHome;
use super::silence::{Silence, SilenceNews};
use crate::cli::exit;
use crate::core::snapshot::{Snapshot, StrategyState, UiCommand};
use crate::engine::Engine;
use crate::os::{self, ClockWatch, SystemEvent, SystemWatch};

const LOOK: Duration = Duration::from_secs(1);
/// Events of the system that may wait; they come one by one, and are only told.
const EVENTS: usize = 32;
/// Windows gives five seconds; the goodbye and the journal take less than two.
const ENDED_WITHIN: Duration = Duration::from_millis(2_800);
/// The last words of the log are written by then.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// One waking is told by the computer, by the person and by the clocks.
const ONE_WAKING: Duration = Duration::from_secs(10);

pub(super) struct Attending {
    pub thread: JoinHandle<()>,
    pub held_awake: Arc<AtomicBool>,
    /// To be dropped when the program has ended: the system is then told that it may go on.
    pub alive: SyncSender<()>,
}

/// Attends to the system until `end`, or until the engine ends.
///
/// # Errors
/// The thread cannot be started.
pub(super) fn attend(
    home: Arc<SettingsHome>,
    engine: &Engine,
    successor: Option<Successor>,
    end: CancellationToken,
) -> std::io::Result<Attending> {
    let (alive, gone) = sync_channel(1);
    let held_awake = Arc::new(AtomicBool::new(false));
    let (heard, events) = mpsc::channel(EVENTS);
    let ended = engine.shutdown_token();
    let watch = os::watch_system(listener(heard.clone(), ended.clone(), gone))
        .map_err(|error| {
            tracing::warn!(target: "engine", "The system's sleep and shutdown cannot be heard: {error}");
        })
        .ok();
    let attendant = Attendant {
        home,
        snapshot: engine.snapshot.clone(),
        commands: engine.commands.clone(),
        successor,
        started: Instant::now(),
        watch,
        held_awake: Arc::clone(&held_awake),
        asked: false,
        woken: None,
    };
    let thread = std::thread::Builder::new()
        .name("system".to_owned())
        .spawn(move || {
            // Kept, so that the channel lives where the system tells nothing.
            let _heard = heard;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build();
            match runtime {
                Ok(runtime) => runtime.block_on(attendant.run(events, &end, &ended)),
                Err(error) => {
                    tracing::error!(target: "engine", "Sleep and clocks cannot be watched: {error}");
                }
            }
        })?;
    Ok(Attending {
        thread,
        held_awake,
        alive,
    })
}

/// Passes on what happens. At the end it returns only when the program has ended, or after 2.8 s.
fn listener(
    heard: mpsc::Sender<SystemEvent>,
    ended: CancellationToken,
    gone: Receiver<()>,
) -> Box<dyn Fn(SystemEvent) + Send> {
    Box::new(move |event| {
        if let SystemEvent::Ending(reason) = event {
            tracing::info!(target: "engine", "Ending: {reason}. Open positions stay as they are.");
            ended.cancel();
            // Nothing is ever sent; the sender goes with the program.
            if gone.recv_timeout(ENDED_WITHIN) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                tracing::error!(target: "engine", "The end takes longer than the system waits for.");
            }
        } else if heard.try_send(event).is_err() {
            tracing::warn!(target: "engine", "The system tells more than is listened to: {event:?}");
        }
    })
}

struct Attendant {
    home: Arc<SettingsHome>,
    snapshot: tokio::sync::watch::Receiver<Arc<Snapshot>>,
    commands: mpsc::Sender<UiCommand>,
    /// The practice world has none.
    successor: Option<Successor>,
    started: Instant,
    watch: Option<SystemWatch>,
    held_awake: Arc<AtomicBool>,
    /// What was asked of the system last.
    asked: bool,
    /// When the last waking was acted on.
    woken: Option<Instant>,
}

impl Attendant {
    async fn run(
        mut self,
        mut events: mpsc::Receiver<SystemEvent>,
        end: &CancellationToken,
        ended: &CancellationToken,
    ) {
        let started = self.started;
        let mut clocks = ClockWatch::new(started.elapsed(), SystemTime::now());
        let mut silence = Silence::since(started.elapsed());
        loop {
            let event = tokio::select! {
                () = end.cancelled() => return,
                () = ended.cancelled() => return,
                event = events.recv() => event,
                () = tokio::time::sleep(LOOK) => None,
            };
            if let Some(event) = event {
                self.hear(event).await;
            }
            if let Some(news) = clocks.look(started.elapsed(), SystemTime::now()) {
                tracing::warn!(target: "engine", "{news}");
                if news.may_have_slept() {
                    silence.begin_anew(started.elapsed());
                    self.wake().await;
                }
            }
            if self.snapshot.has_changed().is_err() && !ended.is_cancelled() {
                tracing::error!(target: "engine", "{DEATH}");
                self.give_way().await;
                os::show_message("FX Executor", DEATH);
                return;
            }
            let speaks = self.snapshot.has_changed().unwrap_or_default();
            self.snapshot.mark_unchanged();
            if let Some(news) = silence.look(started.elapsed(), speaks) {
                tell_silence(news);
                if news == SilenceNews::Silent {
                    self.give_way().await;
                }
            }
            self.keep_awake();
        }
    }

    /// Where the settings ask for it, another process takes the place of this one, whose engine executes nothing any more.
    #[expect(
        clippy::disallowed_methods,
        reason = "what hangs cannot end in order; the journal is complete at every moment"
    )]
    async fn give_way(&self) {
        let Some(successor) = &self.successor else {
            return;
        };
        if !self.home.restart_when_hung.load(Ordering::Relaxed) {
            return;
        }
        if !successor.may_start(self.started.elapsed()) {
            tracing::error!(target: "engine", "It was started again for the same reason less than ten minutes ago, so it is not once more. Send this log to the program's makers.");
            return;
        }
        match successor.start() {
            Ok(()) => {
                tracing::error!(target: "engine", "This process ends, and the program is started again, as the setting restartWhenHung asks for.");
                tokio::time::sleep(LAST_WORDS).await;
                std::process::exit(exit::FAILED.into());
            }
            Err(error) => {
                tracing::error!(target: "engine", "The program cannot be started again: {error}. Start it by hand.");
            }
        }
    }

    async fn hear(&mut self, event: SystemEvent) {
        match event {
            SystemEvent::Suspending => {
                tracing::info!(target: "engine", "The computer goes to sleep. Nothing is executed until it wakes; stops lie at the broker.");
            }
            SystemEvent::Resumed => {
                tracing::info!(target: "engine", "The computer woke up.");
                self.wake().await;
            }
            SystemEvent::EndAsked(reason) => {
                tracing::info!(target: "engine", "The system wants to end the program: {reason}.");
            }
            SystemEvent::EndCancelled => {
                tracing::info!(target: "engine", "The program is not ended after all.");
            }
            SystemEvent::Session(change) => {
                tracing::info!(target: "engine", "{change} Trading goes on.");
            }
            SystemEvent::Ending(_) => {}
        }
    }

    /// Once for one waking, however often it is told.
    async fn wake(&mut self) {
        if self.woken.is_some_and(|at| at.elapsed() < ONE_WAKING) {
            return;
        }
        self.woken = Some(Instant::now());
        // The engine is gone only when the program ends.
        drop(self.commands.send(UiCommand::AfterSleep).await);
    }

    fn keep_awake(&mut self) {
        let Some(watch) = &self.watch else { return };
        let wanted = self.home.keep_awake.load(Ordering::Relaxed) && works(&self.snapshot.borrow());
        if wanted == self.asked {
            return;
        }
        self.asked = wanted;
        let held = watch.hold_awake(wanted);
        self.held_awake.store(held, Ordering::Relaxed);
        match (wanted, held) {
            (true, true) => {
                tracing::info!(target: "engine", "Sleep is held off while strategies run.");
            }
            (true, false) if cfg!(windows) => {
                tracing::warn!(target: "engine", "Sleep cannot be held off; set the computer's power plan so that it stays awake.");
            }
            (false, _) if cfg!(windows) => {
                tracing::info!(target: "engine", "Sleep is no longer held off.");
            }
            _ => {}
        }
    }
}

/// The engine is gone and nobody ended it.
const DEATH: &str = "The engine failed (see the crash file). Nothing is executed, and no command to stop is heard. Look after open positions in MetaTrader, then end this program and start it again; the journal goes on from where it was.";

fn tell_silence(news: SilenceNews) {
    match news {
        SilenceNews::Silent => {
            tracing::error!(target: "engine", "The engine has said nothing for 30 s: it hangs. Nothing is executed, and no command to stop is heard. Look after open positions in MetaTrader, then end this program and start it again; the journal goes on from where it was.");
        }
        SilenceNews::SpeaksAgain { after } => {
            tracing::error!(target: "engine", "The engine goes on after {} s of silence. Send this log to the program's makers.", after.as_secs());
        }
    }
}

/// Whether a strategy would miss its bars while the computer sleeps.
fn works(snapshot: &Snapshot) -> bool {
    let mut strategies = snapshot.strategies.iter();
    strategies.any(|strategy| strategy.state == StrategyState::Running)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::core::snapshot::TerminalMode;
    use crate::os::{EndReason, SessionChange};
    use crate::settings;

    fn attendant(commands: mpsc::Sender<UiCommand>) -> Attendant {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = Snapshot::empty(jiff::Timestamp::UNIX_EPOCH, TerminalMode::Paper);
        Attendant {
            home: Arc::new(SettingsHome {
                data_dir: folder.path().to_owned(),
                path: folder.path().join("settings.json"),
                store: settings::secret_store(folder.path()),
                redactor: Arc::default(),
                practice_page: None,
                readings: Default::default(),
                start_command: None,
                keep_awake: true.into(),
                restart_when_hung: false.into(),
                close_button: std::sync::Mutex::default(),
                toasts: std::sync::Mutex::default(),
            }),
            snapshot: tokio::sync::watch::channel(Arc::new(snapshot)).1,
            commands,
            successor: None,
            started: Instant::now(),
            watch: None,
            held_awake: Arc::default(),
            asked: false,
            woken: None,
        }
    }

    #[tokio::test]
    async fn a_waking_that_is_told_three_times_connects_anew_once() {
        let (commands, mut asked) = mpsc::channel(8);
        let mut attendant = attendant(commands);
        for event in [
            SystemEvent::Suspending,
            SystemEvent::Resumed,
            SystemEvent::Resumed,
            SystemEvent::Session(SessionChange::Unlocked),
        ] {
            attendant.hear(event).await;
        }
        attendant.wake().await;
        drop(attendant);
        assert_eq!(asked.recv().await, Some(UiCommand::AfterSleep));
        assert_eq!(asked.recv().await, None);
    }

    #[test]
    fn the_system_waits_for_the_end_and_for_nothing_else() {
        let (heard, mut events) = mpsc::channel(8);
        let ended = CancellationToken::new();
        let (alive, gone) = sync_channel(1);
        let tell = listener(heard, ended.clone(), gone);
        tell(SystemEvent::EndAsked(EndReason::Shutdown));
        assert!(!ended.is_cancelled(), "it may change its mind");
        assert_eq!(
            events.try_recv().unwrap(),
            SystemEvent::EndAsked(EndReason::Shutdown)
        );
        let ending = ended.clone();
        let program = std::thread::Builder::new()
            .spawn(move || {
                while !ending.is_cancelled() {
                    std::thread::yield_now();
                }
                drop(alive);
            })
            .unwrap();
        let began = Instant::now();
        tell(SystemEvent::Ending(EndReason::Shutdown));
        assert!(began.elapsed() < ENDED_WITHIN);
        program.join().unwrap();
    }
}
