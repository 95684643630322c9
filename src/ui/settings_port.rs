//! What the Settings page needs from the real settings: values, checks, a trial run. The page calls everything here
//! except [`SettingsPort::check`] on a thread of its own, so implementations may read files and wait.

use std::path::Path;

use secrecy::SecretString;
use secrecy::zeroize::Zeroize;
use tokio::sync::mpsc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingsField {
    PlatformUrl,
    ApiKey,
    ApiSecret,
    ExecutorId,
    PusherKey,
    PusherCluster,
    PusherHost,
    PusherPort,
    PusherPath,
    Proxy,
    Terminal,
    MaxLots,
    MaxPositions,
    MaxDailyLoss,
    ResumeLiftsStop,
}

impl SettingsField {
    /// In the order of the page; `self as usize` is the place in this list.
    pub const ALL: [Self; 15] = [
        Self::PlatformUrl,
        Self::ApiKey,
        Self::ApiSecret,
        Self::ExecutorId,
        Self::PusherKey,
        Self::PusherCluster,
        Self::PusherHost,
        Self::PusherPort,
        Self::PusherPath,
        Self::Proxy,
        Self::Terminal,
        Self::MaxLots,
        Self::MaxPositions,
        Self::MaxDailyLoss,
        Self::ResumeLiftsStop,
    ];

    /// What can be chosen, when that is a short list; the first is what an empty text means.
    pub const fn choices(self) -> &'static [&'static str] {
        match self {
            Self::Terminal => &["paper", "metatrader"],
            Self::ResumeLiftsStop => &["false", "true"],
            _ => &[],
        }
    }

    /// About this computer's trading, not about the way to the platform.
    pub const fn is_local(self) -> bool {
        matches!(
            self,
            Self::Terminal
                | Self::MaxLots
                | Self::MaxPositions
                | Self::MaxDailyLoss
                | Self::ResumeLiftsStop
        )
    }

    /// What a newcomer has to fill in; the platform supplies the rest.
    pub const fn is_needed(self) -> bool {
        matches!(self, Self::PlatformUrl | Self::ApiKey | Self::ApiSecret)
    }

    pub const fn is_secret(self) -> bool {
        matches!(self, Self::ApiSecret)
    }
}

/// One field as the page shows it. A secret's `text` is always empty here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldState {
    pub text: String,
    /// The value that the platform supplied, used while `text` is empty.
    pub fetched: Option<String>,
}

#[derive(Clone, Debug)]
pub struct SettingsForm {
    /// In the order of [`SettingsField::ALL`].
    pub fields: [FieldState; 15],
    /// Whether a secret is in the store already.
    pub secret_stored: bool,
    /// A secret typed now; empty keeps the stored one.
    pub new_secret: SecretText,
    /// `wss` (true) or `ws`; plain only for a server on this machine.
    pub pusher_tls: bool,
}

impl Default for SettingsForm {
    fn default() -> Self {
        Self {
            fields: Default::default(),
            secret_stored: false,
            new_secret: SecretText::default(),
            pusher_tls: true,
        }
    }
}

impl SettingsForm {
    pub const fn field(&self, field: SettingsField) -> &FieldState {
        &self.fields[field as usize]
    }

    pub const fn field_mut(&mut self, field: SettingsField) -> &mut FieldState {
        &mut self.fields[field as usize]
    }
}

/// The text of a secret while it is being typed: never shown by `Debug`, wiped when dropped.
#[derive(Clone, Default)]
pub struct SecretText(pub(super) String);

impl SecretText {
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn to_secret(&self) -> SecretString {
        SecretString::from(self.0.as_str())
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

pub trait SettingsPort: Send + Sync {
    fn load(&self) -> Result<SettingsForm, String>;

    /// Whether this text can stand in this field; pure and fast, called while typing.
    fn check(&self, field: SettingsField, text: &str) -> Result<(), String>;

    /// Write the settings and the secret. The window then sends `ReloadSettings`.
    fn save(&self, form: &SettingsForm) -> Result<(), String>;

    /// Try the edited values without saving them; the channel closes when the trial is over.
    fn test(&self, form: &SettingsForm) -> mpsc::Receiver<TestStep>;

    fn import(&self, path: &Path) -> Result<SettingsForm, String>;

    fn export(&self, path: &Path, with_secret: bool) -> Result<(), String>;
}
