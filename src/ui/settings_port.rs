//! What the Settings page needs from the stored settings: values and a trial run. The page calls everything here on a
//! thread of its own, so implementations may read files and wait.

use std::path::Path;

use secrecy::SecretString;
use secrecy::zeroize::Zeroize;
use tokio::sync::mpsc;

use crate::settings::{Field, PerField};

/// One field as the page shows it. A secret's `text` is always empty here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldState {
    pub text: String,
    /// The value that the platform supplied, used while `text` is empty.
    pub fetched: Option<String>,
    /// What the operating system has to say about it.
    pub note: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsForm {
    pub fields: PerField<FieldState>,
    /// Whether a secret is in the store already.
    pub secret_stored: bool,
    /// Changes with the stored secret.
    pub secret_turn: u32,
    /// A secret typed now; empty keeps the stored one.
    pub new_secret: SecretText,
}

impl SettingsForm {
    pub fn field(&self, field: Field) -> &FieldState {
        &self.fields[field]
    }

    pub fn field_mut(&mut self, field: Field) -> &mut FieldState {
        &mut self.fields[field]
    }
}

/// The text of a secret while it is being typed: never shown by `Debug`, wiped when dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretText(pub(super) String);

impl SecretText {
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn to_secret(&self) -> SecretString {
        SecretString::from(self.0.as_str())
    }
}

impl From<String> for SecretText {
    fn from(typed: String) -> Self {
        Self(typed)
    }
}

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "empty" } else { "typed" })
    }
}

/// One step of a trial run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestStep {
    pub name: String,
    /// `None` while it runs; a later step of the same name replaces it.
    pub ok: Option<bool>,
    pub detail: String,
}

/// What a save has to tell, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaveNote {
    /// Somebody has to do something about it.
    pub warning: bool,
    pub text: String,
}

/// How a save ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaveEnd {
    Saved(Vec<SaveNote>),
    /// Nothing was written: the same was changed in the file meanwhile, which holds these values now.
    Changed(Box<SettingsForm>),
}

pub trait SettingsPort: Send + Sync {
    fn load(&self) -> Result<SettingsForm, String>;

    /// The same, and nothing of an import stays behind.
    fn undo(&self) -> Result<SettingsForm, String>;

    /// Write what differs between `loaded` and `form`, and the secret; everything else stays as the file has it now. The
    /// window then sends `ReloadSettings`.
    fn save(&self, loaded: &SettingsForm, form: &SettingsForm) -> Result<SaveEnd, String>;

    /// The stored secret, for a person who asked to see it.
    fn reveal(&self) -> Result<SecretText, String>;

    /// Try the edited values without saving them; the channel closes when the trial is over.
    fn test(&self, form: &SettingsForm) -> mpsc::Receiver<TestStep>;

    fn import(&self, path: &Path) -> Result<SettingsForm, String>;

    fn export(&self, path: &Path, with_secret: bool) -> Result<(), String>;
}
