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
        let saved = settings::save(&self.home.path, &draft, self.home.store.as_ref(), now())
            .map_err(|error| error.to_string())?;
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
        let change = Reconfigure {
            connection: self.home.connection(found.settings),
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
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

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
            readings: Default::default(),
            start_command: None,
            keep_awake: true.into(),
            close_button: Mutex::default(),
            toasts: Mutex::default(),
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
        desk.save(&SettingsForm::default(), &form).unwrap();
        let stored = desk.load().unwrap();
        let other = folder.path().join("other.json");
        std::fs::write(
            &other,
            r#"{"platformUrl": "https://fx.example.com", "apiKey": "exe_two"}"#,
        )
        .unwrap();
        let imported = desk.import(&other).unwrap();
        assert!(!imported.secret_stored, "it belongs to another key");
        assert!(
            desk.save(&stored, &imported)
                .unwrap_err()
                .contains("not saved")
        );
        // The page's "Undo changes" reads the file again.
        let undone = desk.undo().unwrap();
        assert!(undone.secret_stored);
        desk.save(&undone, &undone).unwrap();
        assert!(desk.load().unwrap().secret_stored);
    }

    const FILE: &str = r#"{"platformUrl": "https://fx.example.com", "apiKey": "exe_one", "apiSecret": "yyy-one",
        "maxLots": 1, "terminal": "metatrader", "mine": [1]}"#;

    fn edited(form: &SettingsForm, field: Field, text: &str) -> SettingsForm {
        let mut form = form.clone();
        text.clone_into(&mut form.field_mut(field).text);
        form
    }

    #[test]
    fn a_save_undoes_nothing_that_was_changed_in_the_file_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let (desk, file) = (
            desk(folder.path()),
            folder.path().join("executor-config.json"),
        );
        std::fs::write(&file, FILE).unwrap();
        let loaded = desk.load().unwrap();
        let tighter = FILE
            .replace("\"maxLots\": 1", "\"maxLots\": 0.1, \"maxPositions\": 2")
            .replace("metatrader", "paper")
            .replace("[1]", "[2]");
        std::fs::write(&file, tighter).unwrap();
        let form = edited(&loaded, Field::MaxDailyLoss, "50");
        assert!(matches!(desk.save(&loaded, &form), Ok(SaveEnd::Saved(_))));
        let text = std::fs::read_to_string(&file).unwrap();
        for part in [
            "\"maxLots\": 0.1",
            "\"maxPositions\": 2",
            "\"paper\"",
            "\"maxDailyLoss\": 50",
            "\"mine\": [2]",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn what_both_changed_is_asked_first_and_then_the_persons() {
        let folder = tempfile::tempdir().unwrap();
        let (desk, file) = (
            desk(folder.path()),
            folder.path().join("executor-config.json"),
        );
        std::fs::write(&file, FILE).unwrap();
        let loaded = desk.load().unwrap();
        let theirs = FILE.replace("\"maxLots\": 1", "\"maxLots\": 0.1");
        std::fs::write(&file, &theirs).unwrap();
        let form = edited(&loaded, Field::MaxLots, "5");
        let Ok(SaveEnd::Changed(fresh)) = desk.save(&loaded, &form) else {
            panic!("it was not asked");
        };
        assert_eq!(fresh.field(Field::MaxLots).text, "0.1");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), theirs);
        let form = edited(&fresh, Field::MaxLots, "5");
        assert!(matches!(desk.save(&fresh, &form), Ok(SaveEnd::Saved(_))));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains("\"maxLots\": 5"), "{text}");
    }

    #[test]
    fn a_typed_secret_does_not_silently_replace_another_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let (desk, file) = (
            desk(folder.path()),
            folder.path().join("executor-config.json"),
        );
        std::fs::write(&file, FILE).unwrap();
        let loaded = desk.load().unwrap();
        std::fs::write(&file, FILE.replace("yyy-one", "yyy-two")).unwrap();
        let mut form = loaded.clone();
        form.new_secret = SecretText::from("yyy-three".to_owned());
        let Ok(SaveEnd::Changed(fresh)) = desk.save(&loaded, &form) else {
            panic!("it was not asked");
        };
        assert_ne!(fresh.secret_turn, loaded.secret_turn);
        assert!(matches!(desk.save(&fresh, &form), Ok(SaveEnd::Saved(_))));
        assert_eq!(desk.reveal().unwrap(), form.new_secret);
    }

    #[test]
    fn a_save_over_a_broken_file_says_what_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let (desk, file) = (
            desk(folder.path()),
            folder.path().join("executor-config.json"),
        );
        std::fs::write(&file, FILE).unwrap();
        let loaded = desk.load().unwrap();
        std::fs::write(&file, FILE.replace("1,", "1,,")).unwrap();
        let Ok(SaveEnd::Saved(notes)) = desk.save(&loaded, &loaded) else {
            panic!("it was not saved");
        };
        assert!(
            notes
                .iter()
                .any(|note| note.warning && note.text.contains("fill in what is missing")),
            "{notes:?}"
        );
        // What the page showed is what counts.
        assert_eq!(desk.load().unwrap().field(Field::MaxLots).text, "1");
    }
}
