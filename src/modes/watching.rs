//! What reaches a running executor through files: requests of other processes, changed settings.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::forget_account;
use super::settings_home::SettingsHome;
use crate::core::EmergencyStop;
use crate::core::snapshot::{Notice, SETTINGS_REFUSED, Severity, Snapshot, UiCommand};
use crate::engine::{Engine, Reconfigure};
use crate::journal::stop_beside;
use crate::os::Request;
use crate::settings::FileWatch;
use crate::ui::Waker;

/// Where requests are passed on to.
struct Requests {
    commands: mpsc::Sender<UiCommand>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
    window: Waker,
    journal: PathBuf,
    ended: CancellationToken,
    /// The engine was told that it ends for an update.
    ends_soon: bool,
}

impl Requests {
    /// Ends the program as soon as no order is under way; true then. A request that was withdrawn lets trading go on.
    async fn end_for_update(&mut self, is_asked: bool) -> bool {
        if self.ends_soon != is_asked {
            let told = UiCommand::EndSoon { on: is_asked };
            if self.commands.send(told).await.is_ok() {
                self.ends_soon = is_asked;
            }
            // The engine answers with a picture that is newer than this one.
            return false;
        }
        if !is_asked || !self.snapshot.borrow().can_end {
            return false;
        }
        tracing::info!(target: "engine", "Ending, because an update is installed. Open positions stay as they are; trading goes on with the new version.");
        self.ended.cancel();
        true
    }

    /// The request's file goes before the engine has stored the stop: until then this one stands for it.
    fn latch(&self, reason: &str) {
        let stop = EmergencyStop::given(reason.to_owned(), jiff::Timestamp::now());
        if let Err(error) = stop_beside(&self.journal, &stop) {
            tracing::error!(target: "engine", "The stop cannot be written beside the journal: {error}. It is obeyed all the same.");
        }
    }

    /// True when it was obeyed, so that its file can go.
    async fn pass_on(&mut self, request: Request, text: String) -> bool {
        let asked = match request {
            Request::EndForUpdate => return self.end_for_update(true).await,
            Request::End => {
                tracing::info!(target: "engine", "Ending, as asked by another process. Open positions stay as they are.");
                self.ended.cancel();
                return true;
            }
            // Without a window it is left, and whoever asks withdraws it.
            Request::Show => {
                let shown = self.window.show();
                if shown {
                    tracing::info!(target: "ui", "The window was brought to the front, as asked by another process.");
                }
                return shown;
            }
            Request::StopEverything => {
                self.latch(&text);
                vec![UiCommand::StopEverything { reason: text }]
            }
            Request::Resume => vec![UiCommand::ResumeTrading],
            Request::ForgetAccount => forget_account::account_of(&text)
                .map(|account| UiCommand::ForgetAccount { account })
                .into_iter()
                .collect(),
            Request::AllowReal => forget_account::account_of(&text)
                .map(|account| UiCommand::ConfirmAccount { account })
                .into_iter()
                .collect(),
            Request::LiftStop => vec![UiCommand::LiftStop, UiCommand::ResumeTrading],
        };
        for command in asked {
            if self.commands.send(command).await.is_err() {
                return false;
            }
        }
        true
    }
}

/// Looks for a changed settings file and for requests of another process, twice a second, until `end` or the engine's end.
///
/// # Errors
/// The thread cannot be started.
pub(super) fn watch_files(
    home: Arc<SettingsHome>,
    engine: &Engine,
    window: Waker,
    end: CancellationToken,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    const LOOK: Duration = Duration::from_millis(500);
    let commands = engine.commands.clone();
    let reconfigure = engine.reconfigure.clone();
    let ended = engine.shutdown_token();
    let mut requests = Requests {
        commands: engine.commands.clone(),
        snapshot: engine.snapshot.clone(),
        window,
        journal: home.data_dir.join("journal.sqlite"),
        ended: engine.shutdown_token(),
        ends_soon: false,
    };
    std::thread::Builder::new().name("files".to_owned()).spawn(move || {
        let mut watch = FileWatch::new(&home.path);
        // Left by a process that was killed while it asked: what allows trading, or ends the program, holds only for the
        // executor it asked.
        let stale = [Request::Resume, Request::LiftStop, Request::ForgetAccount, Request::AllowReal, Request::End, Request::EndForUpdate, Request::Show];
        for stale in stale {
            if stale.is_waiting(&home.data_dir)
                && let Err(error) = stale.clear(&home.data_dir)
            {
                tracing::error!(target: "engine", "An old request ({stale:?}) cannot be removed: {error}");
            }
        }
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_time().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                tracing::error!(target: "settings", "Changed settings cannot be noticed: {error}");
                return;
            }
        };
        runtime.block_on(async {
            loop {
                tokio::select! {
                    () = end.cancelled() => return,
                    () = ended.cancelled() => return,
                    () = tokio::time::sleep(LOOK) => {}
                }
                for request in Request::ALL {
                    let Some(text) = request.read(&home.data_dir) else {
                        if request == Request::EndForUpdate {
                            requests.end_for_update(false).await;
                        }
                        continue;
                    };
                    if requests.pass_on(request, text).await
                        && let Err(error) = request.clear(&home.data_dir)
                    {
                        tracing::error!(target: "engine", "A request was obeyed but its file cannot be removed: {error}");
                    }
                }
                if watch.poll() {
                    tracing::info!(target: "settings", "The settings file changed; applying it.");
                    let found = home.read();
                    home.arrange_system(found.settings.as_ref());
                    let Some(settings) = found.settings else {
                        // Half saved by an editor, or mistaken: what runs goes on as it is, its limits above all.
                        let problem = found.config.settings.problem.unwrap_or_default();
                        tracing::error!(target: "settings", "{problem} The last good settings stay in use.");
                        let notice = Notice {
                            key: SETTINGS_REFUSED.to_owned(),
                            severity: Severity::Error,
                            text: format!("The settings file was changed and is not obeyed: {problem} The last good settings stay in use."),
                            remedy: "Mend the file, or give the named fields another value in Settings and save; until then the limits of before hold.".to_owned(),
                            at: jiff::Timestamp::now(),
                        };
                        drop(commands.send(UiCommand::Tell { notice }).await);
                        continue;
                    };
                    let key = SETTINGS_REFUSED.to_owned();
                    drop(commands.send(UiCommand::DismissNotice { key }).await);
                    let change = Reconfigure {
                        connection: home.connection(settings),
                        config: found.config,
                        notices: Vec::new(),
                    };
                    drop(reconfigure.send(change).await);
                }
            }
        });
    })
}
