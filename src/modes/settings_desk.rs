//! The real settings behind the window's Settings page.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;

use super::settings_home::SettingsHome;
use crate::core::snapshot::{Notice, Severity};
use crate::engine::Reconfigure;
use crate::os;
use crate::settings::{self, Draft, Field, LoadError};
use crate::ui::{FieldState, SaveEnd, SaveNote, SecretText, SettingsForm, SettingsPort, TestStep};

pub(super) struct SettingsDesk {
    home: Arc<SettingsHome>,
    reconfigure: mpsc::Sender<Reconfigure>,
    held: Mutex<Held>,
}

/// What the page works on, with everything that it does not show.
#[derive(Default)]
struct Held {
    /// What was loaded last.
    loaded: Draft,
    /// Imported and not saved yet.
    imported: Option<Draft>,
    /// There was a file once in this run.
    existed: bool,
    /// Counts the changes of the stored secret.
    secret_turn: u32,
}

/// More than a trial has steps, each told twice: when it begins and when it has ended.
const STEPS_WAITING: usize = 64;
const STEP_LIMIT: Duration = Duration::from_secs(15);

impl SettingsDesk {
    pub fn new(home: Arc<SettingsHome>, reconfigure: mpsc::Sender<Reconfigure>) -> Self {
        Self {
            home,
            reconfigure,
            held: Mutex::default(),
        }
    }

    fn form_of(&self, draft: &Draft) -> SettingsForm {
        let fetched = draft.settings().ok().map(|settings| {
            let kept = settings::kept_fetched(&self.home.data_dir, &settings);
            kept.map(|kept| kept.config).unwrap_or_default()
        });
        let mut form = SettingsForm {
            secret_stored: draft.secret().is_some(),
            secret_turn: self.held().secret_turn,
            ..SettingsForm::default()
        };
        for field in Field::ALL {
            *form.field_mut(field) = FieldState {
                text: draft.get(field).to_owned(),
                fetched: fetched.as_ref().and_then(|config| match field {
                    Field::ExecutorId => {
                        Some(config.executor_id.clone()).filter(|id| !id.is_empty())
                    }
                    Field::PusherKey => config.pusher_key.clone(),
                    Field::PusherCluster => config.pusher_cluster.clone(),
                    _ => None,
                }),
                note: match field {
                    Field::Autostart => Some(self.home.autostart_note()),
                    Field::KeepAwake if !cfg!(windows) => Some(os::Autostart::NotHere.to_string()),
                    _ => None,
                },
            };
        }
        form
    }

    /// The page's values over everything it does not show.
    fn draft_of(&self, form: &SettingsForm) -> Draft {
        let mut draft = self.current();
        for field in Field::ALL {
            if !field.is_secret() {
                draft.set(field, form.field(field).text.trim());
            }
        }
        if !form.new_secret.is_empty() {
            draft.set_secret(form.new_secret.to_secret().expose_secret());
        }
        for secret in draft.secrets() {
            self.home.redactor.register(secret);
        }
        draft
    }

    /// What is to be saved: the file as it stands now, with what the person edited since `loaded` and nothing else.
    /// The error is the file's draft, when both changed the same. A file that is gone or broken holds nothing that could
    /// be kept: then it is all that the page shows.
    fn merged<'a>(
        &self,
        loaded: &'a SettingsForm,
        form: &'a SettingsForm,
    ) -> Result<Result<Draft, Box<Draft>>, String> {
        let filed = match settings::load(&self.home.path, self.home.store.as_ref()) {
            Ok(found) if found.exists => found.draft,
            Ok(_) | Err(LoadError::Broken { .. }) => return Ok(Ok(self.draft_of(form))),
            Err(error) => return Err(error.to_string()),
        };
        let texts = |field| {
            let text = |form: &'a SettingsForm| form.field(field).text.as_str();
            (text(loaded), text(form))
        };
        let held = self.held();
        let typed = form.new_secret.to_secret();
        let is_typed = !form.new_secret.is_empty();
        let asked_secret = is_typed
            && !same_secret(filed.secret(), held.loaded.secret())
            && !same_secret(filed.secret(), Some(&typed));
        let Ok(mut draft) = settings::merge(&filed, &held.loaded, texts) else {
            return Ok(Err(Box::new(filed)));
        };
        if asked_secret {
            return Ok(Err(Box::new(filed)));
        }
        if let Some(imported) = &held.imported {
            draft.take_import(imported);
        }
        if is_typed {
            draft.set_secret(typed.expose_secret());
        }
        for secret in draft.secrets() {
            self.home.redactor.register(secret);
        }
        Ok(Ok(draft))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> Draft {
        let held = self.held();
        held.imported.as_ref().unwrap_or(&held.loaded).clone()
    }

    fn remember(&self, draft: &Draft) {
        let mut held = self.held();
        if !same_secret(held.loaded.secret(), draft.secret()) {
            held.secret_turn += 1;
        }
        held.loaded.clone_from(draft);
    }
}

fn same_secret(one: Option<&SecretString>, other: Option<&SecretString>) -> bool {
    one.map(SecretString::expose_secret) == other.map(SecretString::expose_secret)
}

impl SettingsPort for SettingsDesk {
    fn load(&self) -> Result<SettingsForm, String> {
        let loaded = settings::load(&self.home.path, self.home.store.as_ref())
            .map_err(|error| error.to_string())?;
        self.remember(&loaded.draft);
        self.held().existed |= loaded.exists;
        Ok(self.form_of(&loaded.draft))
    }

    fn undo(&self) -> Result<SettingsForm, String> {
        self.held().imported = None;
        self.load()
    }

    fn reveal(&self) -> Result<SecretText, String> {
        let found = settings::load(&self.home.path, self.home.store.as_ref())
            .map_err(|error| error.to_string())?;
        let secret = found.draft.secret().ok_or("there is no stored secret")?;
        Ok(SecretText::from(secret.expose_secret().to_owned()))
    }

    fn save(&self, loaded: &SettingsForm, form: &SettingsForm) -> Result<SaveEnd, String> {
        let draft = match self.merged(loaded, form)? {
            Ok(draft) => draft,
            Err(filed) => {
                self.remember(&filed);
                return Ok(SaveEnd::Changed(Box::new(self.form_of(&filed))));
            }
        };
        // What cannot be run on is not stored: it would take the place of what can.
        draft.settings().map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!("not saved: {}", problems.join(" "))
        })?;
        let is_gone = self.held().existed && !self.home.path.exists();
        let mut saved = settings::save(&self.home.path, &draft, self.home.store.as_ref(), now())
            .map_err(|error| error.to_string())?;
        if is_gone {
            saved.warnings.push("The settings file was gone. Limits and everything else that stood in it count only as Settings shows them now: fill in what is missing.".to_owned());
        }
        for text in &saved.notices {
            tracing::info!(target: "settings", "{text}");
        }
        for text in &saved.warnings {
            tracing::warn!(target: "settings", "{text}");
        }
        self.remember(&draft);
        self.held().imported = None;
        let found = self.home.read();
        self.home.arrange_system(found.settings.as_ref());
        let Some(settings) = found.settings else {
            // What runs goes on as it is, as with any file that cannot be used.
            let problem = found.config.settings.problem.unwrap_or_default();
            return Err(format!(
                "saved, but not obeyed: {problem} The last good settings stay in use."
            ));
        };
        let change = Reconfigure {
            connection: self.home.connection(settings),
            config: found.config,
            notices: saved.warnings.iter().map(|text| lost(text)).collect(),
        };
        // A full queue holds a later state of the same file.
        self.reconfigure.try_send(change).map_err(|error| {
            format!(
                "saved, but not applied yet: {error}. {}",
                saved.warnings.join(" ")
            )
        })?;
        let note = |warning| move |text| SaveNote { warning, text };
        let warnings = saved.warnings.into_iter().map(note(true));
        let notices = saved.notices.into_iter().map(note(false));
        Ok(SaveEnd::Saved(warnings.chain(notices).collect()))
    }

    fn test(&self, form: &SettingsForm) -> mpsc::Receiver<TestStep> {
        let (steps, out) = mpsc::channel(STEPS_WAITING);
        let draft = self.draft_of(form);
        let spawned = std::thread::Builder::new()
            .name("settings-test".to_owned())
            .spawn(move || {
                // The trial's own connection must not look like the program's in the log; the page tells its steps.
                let _quiet =
                    tracing::subscriber::set_default(tracing::subscriber::NoSubscriber::new());
                crate::doctor::try_settings(&draft, STEP_LIMIT, |step| {
                    // Called on a runtime, so it must not wait. The page may be gone; the trial then ends by itself.
                    drop(steps.try_send(TestStep {
                        name: step.title,
                        ok: step.ok,
                        detail: step.detail,
                    }));
                });
            });
        if let Err(error) = spawned {
            tracing::error!(target: "settings", "The test cannot be run: {error}");
        }
        out
    }

    fn import(&self, path: &Path) -> Result<SettingsForm, String> {
        let bytes = settings::read_bounded(path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        let current = self.current();
        let draft = settings::import(&bytes, &current).map_err(|error| error.to_string())?;
        self.held().imported = Some(draft.clone());
        Ok(self.form_of(&draft))
    }

    fn export(&self, path: &Path, with_secret: bool) -> Result<(), String> {
        let draft = self.current();
        settings::export_to(path, &draft, with_secret)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }
}

/// What somebody has to look at, until he says that he did.
fn lost(text: &str) -> Notice {
    Notice {
        key: "settings-lost".to_owned(),
        severity: Severity::Warning,
        text: text.to_owned(),
        remedy: "Look through every field of Settings, your limits above all; then dismiss this."
            .to_owned(),
        at: now(),
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
#[path = "settings_desk_tests.rs"]
mod tests;
