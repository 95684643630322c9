//! The icon beside the clock of a running executor: what it shows, and what is chosen there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::session::Session;
use super::settings_home::SettingsHome;
use crate::core::snapshot::{Snapshot, Trading, UiCommand};
use crate::os::{self, TrayPicture, TrayShape, TrayWish};
use crate::settings::{self, CloseButton, Field};
use crate::ui::{TrayPort, Waker};

/// The icon is not changed more often.
const LOOK: Duration = Duration::from_secs(1);
/// Answers to the question of the close button that may wait; a person gives one.
const ANSWERS: usize = 4;

/// Behind the window's close button.
pub(super) struct TrayDesk {
    home: Arc<SettingsHome>,
    is_there: Arc<AtomicBool>,
    answers: mpsc::Sender<CloseButton>,
}

impl TrayPort for TrayDesk {
    fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    fn close_button(&self) -> CloseButton {
        *self
            .home
            .close_button
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, answer: CloseButton) {
        *self
            .home
            .close_button
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = answer;
        if self.answers.try_send(answer).is_err() {
            tracing::warn!(target: "settings", "What the close button does could not be kept.");
        }
    }
}

/// Puts the icon beside the clock, where the system has such a place, until the engine ends.
pub(super) fn start(session: &Session) -> TrayDesk {
    let ended = session.engine.shutdown_token();
    let snapshot = session.engine.snapshot.clone();
    let first = picture_of(&snapshot.borrow());
    let listener = listener(
        session.waker.clone(),
        session.engine.commands.clone(),
        ended.clone(),
    );
    let tray = match os::show_tray(first.clone(), listener) {
        Ok(tray) => Some(tray),
        Err(error) => {
            if cfg!(windows) {
                tracing::warn!(target: "ui", "There is no icon beside the clock: {error}");
            }
            None
        }
    };
    let is_there = tray.as_ref().map(os::Tray::is_there).unwrap_or_default();
    let (answers, answered) = mpsc::channel(ANSWERS);
    let home = Arc::clone(&session.settings);
    let spawned = std::thread::Builder::new()
        .name("tray-picture".to_owned())
        .spawn(move || follow(tray.as_ref(), first, &snapshot, answered, &home, &ended));
    if let Err(error) = spawned {
        tracing::warn!(target: "ui", "The icon beside the clock cannot follow what happens: {error}");
    }
    TrayDesk {
        home: Arc::clone(&session.settings),
        is_there,
        answers,
    }
}

fn listener(
    window: Waker,
    commands: mpsc::Sender<UiCommand>,
    ended: CancellationToken,
) -> Box<dyn Fn(TrayWish) + Send> {
    Box::new(move |wish| {
        let command = match wish {
            TrayWish::Show => {
                if !window.show() {
                    tracing::warn!(target: "ui", "There is no window to show; the program goes on without one.");
                }
                return;
            }
            TrayWish::Quit => {
                tracing::info!(target: "engine", "Ending, as chosen beside the clock. Open positions stay as they are.");
                ended.cancel();
                return;
            }
            TrayWish::Pause => UiCommand::PauseTrading,
            TrayWish::Resume => UiCommand::ResumeTrading,
            TrayWish::StopEverything => UiCommand::StopEverything {
                reason: "chosen beside the clock".to_owned(),
            },
        };
        if commands.try_send(command).is_err() {
            tracing::error!(target: "engine", "The engine takes no commands now; {wish:?} was not obeyed. Choose it again.");
        }
    })
}

/// Shows what the snapshot says, and keeps the person's answers.
fn follow(
    tray: Option<&os::Tray>,
    first: TrayPicture,
    snapshot: &watch::Receiver<Arc<Snapshot>>,
    mut answered: mpsc::Receiver<CloseButton>,
    home: &SettingsHome,
    ended: &CancellationToken,
) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
    else {
        return;
    };
    let mut shown = first;
    runtime.block_on(async {
        loop {
            tokio::select! {
                // What was answered is kept, even when the answer ends the program.
                biased;
                Some(answer) = answered.recv() => keep(home, answer),
                () = ended.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let picture = picture_of(&snapshot.borrow());
            if let Some(tray) = tray
                && picture != shown
            {
                tray.picture(picture.clone());
                shown = picture;
            }
        }
    });
}

/// Into the settings file, where the watcher finds and applies it.
fn keep(home: &SettingsHome, answer: CloseButton) {
    let word = match answer {
        CloseButton::Ask => "ask",
        CloseButton::Tray => "tray",
        CloseButton::End => "end",
    };
    let kept = settings::load(&home.path, home.store.as_ref())
        .map_err(|error| error.to_string())
        .and_then(|loaded| {
            let mut draft = loaded.draft;
            draft.set(Field::CloseButton, word);
            let now = jiff::Timestamp::now();
            settings::save(&home.path, &draft, home.store.as_ref(), now)
                .map_err(|error| error.to_string())
        });
    if let Err(error) = kept {
        tracing::warn!(target: "settings", "What the close button does could not be kept: {error}");
    }
}

fn picture_of(snapshot: &Snapshot) -> TrayPicture {
    let (shape, text, paused) = match &snapshot.trading {
        Trading::On => (TrayShape::Trading, "trading".to_owned(), false),
        Trading::Paused { reason, .. } => (TrayShape::Paused, format!("paused ({reason})"), true),
        Trading::Stopped { reason, .. } => (
            TrayShape::Problem,
            format!("emergency stop ({reason})"),
            false,
        ),
        Trading::Blocked { reason, .. } => (
            TrayShape::Problem,
            format!("no new positions ({reason})"),
            false,
        ),
    };
    TrayPicture {
        shape,
        tip: format!("FX Executor: {text}"),
        paused,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use jiff::Timestamp;

    use super::*;
    use crate::core::snapshot::TerminalMode;

    #[test]
    fn the_icon_shows_whether_the_program_trades_and_why_not() {
        let since = Timestamp::UNIX_EPOCH;
        let reason = "by hand".to_owned();
        let mut snapshot = Snapshot::empty(since, TerminalMode::Paper);
        assert_eq!(picture_of(&snapshot).shape, TrayShape::Problem);
        snapshot.trading = Trading::On;
        assert_eq!(picture_of(&snapshot).shape, TrayShape::Trading);
        snapshot.trading = Trading::Paused {
            since,
            reason: reason.clone(),
        };
        let picture = picture_of(&snapshot);
        assert_eq!(picture.shape, TrayShape::Paused);
        assert!(picture.paused && picture.tip.contains("by hand"));
        snapshot.trading = Trading::Stopped {
            since,
            reason,
            remaining: Vec::new(),
            complete: true,
        };
        assert_eq!(picture_of(&snapshot).shape, TrayShape::Problem);
    }

    #[test]
    fn what_is_chosen_there_reaches_the_engine() {
        let (commands, mut asked) = mpsc::channel(8);
        let ended = CancellationToken::new();
        let choose = listener(Waker::default(), commands, ended.clone());
        choose(TrayWish::Show);
        choose(TrayWish::Pause);
        choose(TrayWish::Resume);
        choose(TrayWish::StopEverything);
        assert_eq!(asked.try_recv().unwrap(), UiCommand::PauseTrading);
        assert_eq!(asked.try_recv().unwrap(), UiCommand::ResumeTrading);
        assert!(matches!(
            asked.try_recv().unwrap(),
            UiCommand::StopEverything { .. }
        ));
        assert!(!ended.is_cancelled());
        choose(TrayWish::Quit);
        assert!(ended.is_cancelled());
    }
}
