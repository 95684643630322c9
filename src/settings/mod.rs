//! `executor-config.json` and the secrets that belong to it.
//!
//! A [`Draft`] is what a person edits: texts by field. A [`Settings`] is what the program runs on: checked values. The
//! file is read leniently and written carefully: unknown keys stay, a broken file is never overwritten, and no secret
//! is written into it. This module must never log or show a secret, and never talk to the network.

mod check;
mod data_dir;
mod document;
mod draft;
mod durable;
mod fallback;
mod fetched;
mod field;
mod file;
mod merge;
mod secret;
mod transfer;
mod values;
mod watch;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
mod windows_dpapi;

pub use check::{check_field, doubt_field};
pub use data_dir::{DataDir, DataDirError, DataDirLock};
pub use document::BrokenText;
pub use draft::{Draft, Problem};
pub use fetched::{keep_fetched, kept_fetched};
pub use field::{Field, PerField};
pub use file::{
    FILE_NAME, LoadError, Loaded, SaveError, Saved, load, locate, read_bounded, save, start_over,
};
pub use merge::{Whose, merge, three_way};
pub use secret::{FileStore, SecretName, SecretStore, SecretStoreError, secret_store};
pub use transfer::{export, export_to, import};
pub use values::{
    Changed, CloseButton, LocalLimits, PusherSettings, PusherTarget, Resolved, Settings,
};
pub use watch::FileWatch;
