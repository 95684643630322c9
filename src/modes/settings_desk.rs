//! The real settings behind the window's Settings page.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;

use super::settings_home::SettingsHome;
use crate::engine::Reconfigure;
use crate::os;
use crate::settings::{self, Draft, Field};
use crate::ui::{FieldState, SettingsForm, SettingsPort, TestStep};

pub(super) struct SettingsDesk {
    home: Arc<SettingsHome>,
    reconfigure: mpsc::Sender<Reconfigure>,
    /// What was loaded last, with everything the page does not show.
    draft: Mutex<Draft>,
}

/// More than a trial has steps, each told twice: when it begins and when it has ended.
const STEPS_WAITING: usize = 64;
const STEP_LIMIT: Duration = Duration::from_secs(15);

impl SettingsDesk {
    pub fn new(home: Arc<SettingsHome>, reconfigure: mpsc::Sender<Reconfigure>) -> Self {
        Self {
            home,
            reconfigure,
            draft: Mutex::default(),
        }
    }

    fn form_of(&self, draft: &Draft) -> SettingsForm {
        let fetched = draft.settings().ok().map(|settings| {
            let kept = settings::kept_fetched(&self.home.data_dir, &settings);
            kept.map(|kept| kept.config).unwrap_or_default()
        });
        let mut form = SettingsForm {
            secret_stored: draft.secret().is_some(),
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
        let mut draft = self
            .draft
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
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

    fn remember(&self, draft: &Draft) {
        self.draft
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(draft);
    }
}

impl SettingsPort for SettingsDesk {
    fn load(&self) -> Result<SettingsForm, String> {
        let loaded = settings::load(&self.home.path, self.home.store.as_ref())
            .map_err(|error| error.to_string())?;
        self.remember(&loaded.draft);
        Ok(self.form_of(&loaded.draft))
    }

    fn save(&self, form: &SettingsForm) -> Result<(), String> {
        let draft = self.draft_of(form);
        // What cannot be run on is not stored: it would take the place of what can.
        draft.settings().map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            format!("not saved: {}", problems.join(" "))
        })?;
        let saved = settings::save(&self.home.path, &draft, self.home.store.as_ref(), now())
            .map_err(|error| error.to_string())?;
        for text in saved.notices {
            tracing::info!(target: "settings", "{text}");
        }
        self.remember(&draft);
        let found = self.home.read();
        self.home.arrange_system(found.settings.as_ref());
        let change = Reconfigure {
            connection: self.home.connection(found.settings),
            config: found.config,
        };
        // A full queue holds a later state of the same file.
        self.reconfigure
            .try_send(change)
            .map_err(|error| format!("saved, but not applied yet: {error}"))
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
        let current = self
            .draft
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let draft = settings::import(&bytes, &current).map_err(|error| error.to_string())?;
        self.remember(&draft);
        Ok(self.form_of(&draft))
    }

    fn export(&self, path: &Path, with_secret: bool) -> Result<(), String> {
        let draft = self
            .draft
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        settings::export_to(path, &draft, with_secret)
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::practice::{self, PracticeOptions};

    fn desk(folder: &Path) -> SettingsDesk {
        let home = SettingsHome {
            data_dir: folder.to_owned(),
            path: folder.join("executor-config.json"),
            store: settings::secret_store(folder),
            redactor: Arc::default(),
            practice_page: None,
            start_command: None,
            keep_awake: true.into(),
            close_button: Mutex::default(),
        };
        let (reconfigure, queue) = mpsc::channel(8);
        // Nobody takes the changes; they only must find room.
        Box::leak(Box::new(queue));
        SettingsDesk::new(Arc::new(home), reconfigure)
    }

    /// The last word on each step, as the page keeps it.
    async fn tried(desk: &SettingsDesk, form: &SettingsForm) -> Vec<TestStep> {
        let mut out = desk.test(form);
        let mut steps: Vec<TestStep> = Vec::new();
        while let Some(step) = tokio::time::timeout(Duration::from_secs(60), out.recv())
            .await
            .unwrap()
        {
            match steps.iter_mut().find(|old| old.name == step.name) {
                Some(old) => *old = step,
                None => steps.push(step),
            }
        }
        steps
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_trial_walks_every_step_and_a_wrong_secret_fails_at_its_step() {
        let folder = tempfile::tempdir().unwrap();
        let end = CancellationToken::new();
        let world = practice::start(PracticeOptions::default(), end.clone())
            .await
            .unwrap();
        let desk = desk(folder.path());
        let file = folder.path().join("executor-config.json");
        std::fs::write(&file, practice::config_file(&world).to_string()).unwrap();
        let mut form = desk.load().unwrap();
        let steps = tried(&desk, &form).await;
        assert!(steps.len() >= 4, "{steps:?}");
        assert!(steps.iter().all(|step| step.ok == Some(true)), "{steps:?}");

        form.new_secret = crate::ui::SecretText::from("0".repeat(64));
        let steps = tried(&desk, &form).await;
        assert!(steps.iter().any(|step| step.ok == Some(false)), "{steps:?}");
        end.cancel();
    }

    #[test]
    fn what_cannot_be_run_on_is_not_saved_and_costs_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let desk = desk(folder.path());
        let mut form = SettingsForm::default();
        form.field_mut(Field::PlatformUrl).text = "https://fx.example.com".to_owned();
        form.field_mut(Field::ApiKey).text = "exe_one".to_owned();
        form.new_secret = crate::ui::SecretText::from("5".repeat(64));
        desk.save(&form).unwrap();
        let other = folder.path().join("other.json");
        std::fs::write(
            &other,
            r#"{"platformUrl": "https://fx.example.com", "apiKey": "exe_two"}"#,
        )
        .unwrap();
        let imported = desk.import(&other).unwrap();
        assert!(!imported.secret_stored, "it belongs to another key");
        assert!(desk.save(&imported).unwrap_err().contains("not saved"));
        // The page's "Undo changes" reads the file again.
        let undone = desk.load().unwrap();
        assert!(undone.secret_stored);
        desk.save(&undone).unwrap();
        assert!(desk.load().unwrap().secret_stored);
    }
}
