//! The real settings behind the window's Settings page.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use tokio::sync::mpsc;

use super::session::SettingsHome;
use crate::engine::Reconfigure;
use crate::settings::{self, Draft, Field, check_field};
use crate::ui::{FieldState, SettingsField, SettingsForm, SettingsPort, TestStep};

pub(super) struct SettingsDesk {
    home: Arc<SettingsHome>,
    reconfigure: mpsc::Sender<Reconfigure>,
    /// What was loaded last, with everything the page does not show.
    draft: Mutex<Draft>,
}

const STEPS_WAITING: usize = 16;
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
            pusher_tls: draft.get(Field::PusherTls) != "false",
            ..SettingsForm::default()
        };
        for field in SettingsField::ALL {
            *form.field_mut(field) = FieldState {
                text: draft.get(real(field)).to_owned(),
                fetched: fetched.as_ref().and_then(|config| match field {
                    SettingsField::ExecutorId => {
                        Some(config.executor_id.clone()).filter(|id| !id.is_empty())
                    }
                    SettingsField::PusherKey => config.pusher_key.clone(),
                    SettingsField::PusherCluster => config.pusher_cluster.clone(),
                    _ => None,
                }),
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
        for field in SettingsField::ALL {
            if !field.is_secret() {
                draft.set(real(field), form.field(field).text.trim());
            }
        }
        if !form.new_secret.is_empty() {
            draft.set_secret(form.new_secret.to_secret().expose_secret());
        }
        if !form.pusher_tls || !draft.get(Field::PusherTls).is_empty() {
            draft.set(
                Field::PusherTls,
                if form.pusher_tls { "true" } else { "false" },
            );
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

const fn real(field: SettingsField) -> Field {
    match field {
        SettingsField::PlatformUrl => Field::PlatformUrl,
        SettingsField::ApiKey => Field::ApiKey,
        SettingsField::ApiSecret => Field::ApiSecret,
        SettingsField::ExecutorId => Field::ExecutorId,
        SettingsField::PusherKey => Field::PusherKey,
        SettingsField::PusherCluster => Field::PusherCluster,
        SettingsField::PusherHost => Field::PusherHost,
        SettingsField::PusherPort => Field::PusherPort,
        SettingsField::PusherPath => Field::PusherPath,
        SettingsField::Proxy => Field::Proxy,
        SettingsField::Terminal => Field::Terminal,
        SettingsField::MaxLots => Field::MaxLots,
        SettingsField::MaxPositions => Field::MaxPositions,
        SettingsField::MaxDailyLoss => Field::MaxDailyLoss,
        SettingsField::ResumeLiftsStop => Field::ResumeLiftsStop,
    }
}

impl SettingsPort for SettingsDesk {
    fn load(&self) -> Result<SettingsForm, String> {
        let loaded = settings::load(&self.home.path, self.home.store.as_ref())
            .map_err(|error| error.to_string())?;
        self.remember(&loaded.draft);
        Ok(self.form_of(&loaded.draft))
    }

    fn check(&self, field: SettingsField, text: &str) -> Result<(), String> {
        check_field(real(field), text)
    }

    fn save(&self, form: &SettingsForm) -> Result<(), String> {
        let draft = self.draft_of(form);
        let saved = settings::save(&self.home.path, &draft, self.home.store.as_ref(), now())
            .map_err(|error| error.to_string())?;
        for text in saved.notices {
            tracing::info!(target: "settings", "{text}");
        }
        self.remember(&draft);
        let found = self.home.read();
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
                crate::doctor::try_settings(&draft, STEP_LIMIT, |step| {
                    // The page may be gone; the trial then ends by itself.
                    drop(steps.blocking_send(TestStep {
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
        let bytes = std::fs::read(path)
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
        let text = settings::export(&draft, with_secret);
        std::fs::write(path, text.expose_secret())
            .map_err(|error| format!("{} cannot be written: {error}", path.display()))
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}
