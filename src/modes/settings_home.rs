//! Where the settings live, and how they become a configuration.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::alerts::AlertKinds;
use crate::core::snapshot::{SettingsStatus, TerminalMode};
use crate::core::{Config, Limits, NewsCalendar};
use crate::engine::Connection;
use crate::logs;
use crate::os::{self, Autostart};
use crate::settings::{self, CloseButton, SecretStore, Settings};

#[derive(Debug)]
pub(super) struct SettingsHome {
    pub data_dir: PathBuf,
    pub path: PathBuf,
    pub store: Box<dyn SecretStore>,
    pub redactor: Arc<logs::Redactor>,
    pub practice_page: Option<String>,
    /// How often the file was read, so that the window sees that it was.
    pub readings: AtomicU64,
    /// What starts this program with these folders again; the practice world has none.
    pub start_command: Option<String>,
    /// By the last settings that could be used.
    pub keep_awake: AtomicBool,
    pub restart_when_hung: AtomicBool,
    pub close_button: Mutex<CloseButton>,
    pub toasts: Mutex<AlertKinds>,
}

/// Settings as they were found.
pub(super) struct Found {
    pub config: Config,
    pub settings: Option<Settings>,
    /// With these a program that opens nothing reaches the platform: they may be mistaken in everything else.
    pub reachable: Option<Settings>,
}

impl SettingsHome {
    /// Reads the file; whatever is wrong is in the configuration's status, never an early end.
    pub fn read(&self) -> Found {
        let mut status = SettingsStatus {
            file: Some(self.path.display().to_string()),
            problem: None,
            overrides: Vec::new(),
            secret_place: self.store.place(),
            notes: Vec::new(),
            reading: self.readings.fetch_add(1, Ordering::Relaxed) + 1,
        };
        let (mut usable, mut reachable) = (None, None);
        // Paper is a choice, and the start of somebody who has chosen nothing yet; never what an error leads to.
        let mut meant = TerminalMode::Unknown;
        match settings::load(&self.path, self.store.as_ref()) {
            Ok(loaded) => {
                status.notes.clone_from(&loaded.notices);
                if let Some(terminal) = loaded.draft.terminal() {
                    meant = terminal;
                }
                for secret in loaded.draft.secrets() {
                    self.redactor.register(secret);
                }
                reachable = loaded.draft.reachable();
                match loaded.draft.settings() {
                    Ok(settings) => usable = Some(settings),
                    Err(problems) if loaded.exists => {
                        let problems: Vec<String> =
                            problems.iter().map(ToString::to_string).collect();
                        status.problem = Some(problems.join(" "));
                    }
                    Err(_) => {
                        status.problem = Some(format!(
                            "There are no settings yet ({}). Fill in the platform's address, the API key and the secret; or try the practice world first: fx-executor practice.",
                            self.path.display()
                        ));
                    }
                }
            }
            Err(error) => {
                status.problem = Some(error.to_string());
            }
        }
        let news = usable
            .as_ref()
            .and_then(|settings| settings.news_calendar.as_deref())
            .and_then(|path| {
                read_calendar(path)
                    .map_err(|note| status.notes.push(note))
                    .ok()
            });
        Found {
            config: Config {
                mode: usable.as_ref().map_or(meant, |settings| settings.terminal),
                limits: usable.as_ref().map(limits_of).unwrap_or_default(),
                resume_lifts_stop: usable
                    .as_ref()
                    .is_some_and(|settings| settings.resume_lifts_stop),
                symbol_map: usable
                    .as_ref()
                    .map(|settings| settings.symbol_map.clone())
                    .unwrap_or_default(),
                default_direction: usable.as_ref().and_then(|one| one.default_direction),
                guards: usable
                    .as_ref()
                    .map(|settings| settings.guards.clone())
                    .unwrap_or_default(),
                run_without: usable
                    .as_ref()
                    .map(|settings| settings.run_without)
                    .unwrap_or_default(),
                news,
                settings: status,
                practice_page: self.practice_page.clone(),
            },
            settings: usable,
            reachable,
        }
    }

    /// What the settings ask of the system: keeping it awake, and starting at sign-in. Settings that cannot be used ask for
    /// nothing new.
    pub fn arrange_system(&self, settings: Option<&Settings>) {
        let Some(settings) = settings else { return };
        self.keep_awake
            .store(settings.keep_awake, Ordering::Relaxed);
        self.restart_when_hung
            .store(settings.restart_when_hung, Ordering::Relaxed);
        *self
            .close_button
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = settings.close_button;
        (self.toasts.lock().unwrap_or_else(PoisonError::into_inner)).clone_from(&settings.toasts);
        if let Some(command) = &self.start_command {
            arrange_autostart(settings, command);
        }
    }

    /// What the system does at sign-in, for the Settings page.
    pub fn autostart_note(&self) -> String {
        match &self.start_command {
            None => "The practice world is never started by itself.".to_owned(),
            Some(command) => os::autostart(command).map_or_else(
                |error| format!("Windows' list of startup apps cannot be read: {error}"),
                |found| found.to_string(),
            ),
        }
    }

    pub fn connection(&self, settings: Settings) -> Connection {
        Connection {
            settings,
            data_dir: self.data_dir.clone(),
        }
    }
}

/// Brings Windows' list of programs that start at sign-in in line with the settings, and says in the log what Windows makes
/// of it.
fn arrange_autostart(settings: &Settings, command: &str) {
    let before = os::autostart(command).ok();
    match os::set_autostart(settings.autostart, command) {
        Ok(Autostart::NotHere) if !settings.autostart => {}
        Ok(Autostart::NotHere) => {
            tracing::warn!(target: "settings", "\"autostart\" is on. {}", Autostart::NotHere);
        }
        Ok(found @ Autostart::SwitchedOff) => tracing::warn!(target: "settings", "{found}"),
        Ok(found) if before.as_ref() != Some(&found) => {
            tracing::info!(target: "settings", "{found}");
        }
        Ok(_) => {}
        Err(error) => {
            tracing::warn!(target: "settings", "Whether Windows starts FX Executor could not be changed: {error}");
        }
    }
}

/// The calendar of economic news, or what is wrong with it; a notice, as strategies that need it are refused by themselves.
pub(super) fn read_calendar(path: &Path) -> Result<Arc<NewsCalendar>, String> {
    let wrong = |what: String| {
        format!(
            "The news calendar {} cannot be used: {what}. Strategies that ask for news do not run without it.",
            path.display()
        )
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    NewsCalendar::parse(&text)
        .map(Arc::new)
        .map_err(|fault| wrong(fault.to_string()))
}

fn limits_of(settings: &Settings) -> Limits {
    Limits {
        max_lots: settings.limits.max_lots,
        max_positions: settings
            .limits
            .max_positions
            .and_then(|most| usize::try_from(most).ok()),
        max_daily_loss: settings.limits.max_daily_loss,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn no_mistake_in_the_file_leads_to_another_terminal() {
        let whole = |rest: &str| {
            format!(
                r#"{{"platformUrl":"https://fx.example.com","apiKey":"exe_1","apiSecret":"yyy"{rest}}}"#
            )
        };
        let mistyped = r#","terminal":"metatrader","maxLots":"0,5""#;
        for (text, mode, usable) in [
            (None, TerminalMode::Paper, false),
            (Some(whole("")), TerminalMode::Paper, true),
            (Some(whole(mistyped)), TerminalMode::MetaTrader, false),
            (
                Some(whole(r#","terminal":"mt5""#)),
                TerminalMode::Unknown,
                false,
            ),
            (
                Some(whole(r#","terminal":{}"#)),
                TerminalMode::Unknown,
                false,
            ),
            (Some(whole(",,")), TerminalMode::Unknown, false),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let home = SettingsHome {
                data_dir: folder.path().to_owned(),
                path: folder.path().join("settings.json"),
                store: settings::secret_store(folder.path()),
                redactor: Arc::default(),
                practice_page: None,
                readings: AtomicU64::new(0),
                start_command: None,
                keep_awake: true.into(),
                restart_when_hung: false.into(),
                close_button: Mutex::default(),
                toasts: Mutex::default(),
            };
            if let Some(text) = &text {
                std::fs::write(&home.path, text).unwrap();
            }
            let found = home.read();
            assert_eq!(found.config.mode, mode, "{text:?}");
            assert_eq!(found.settings.is_some(), usable, "{text:?}");
            // A stop must arrive, whatever is wrong with a limit; the address of nobody leads nowhere.
            let leads = text.is_some() && text.as_deref() != Some(whole(",,").as_str());
            assert_eq!(found.reachable.is_some(), leads, "{text:?}");
            assert_eq!(found.config.settings.problem.is_none(), usable, "{text:?}");
        }
    }
}
