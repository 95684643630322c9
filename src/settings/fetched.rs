//! The platform's last word about this executor, kept so that a start without the platform can still reach Pusher.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::durable;
use super::values::Settings;
use crate::platform::FetchedConfig;

#[derive(Serialize, Deserialize)]
struct Kept {
    /// Says for which platform and key it was told, without showing the key.
    told_to: String,
    #[serde(flatten)]
    fetched: FetchedConfig,
}

/// Keeps what was fetched with these settings.
///
/// # Errors
/// The file cannot be written, or the platform put our own secret into its answer: that stays out of every file.
pub fn keep_fetched(
    data_dir: &Path,
    settings: &Settings,
    fetched: &FetchedConfig,
) -> io::Result<()> {
    let kept = Kept {
        told_to: told_to(settings),
        fetched: fetched.clone(),
    };
    let text = serde_json::to_string_pretty(&kept).map_err(io::Error::other)?;
    let secret = settings.credentials.api_secret.expose_secret();
    if !secret.is_empty() && text.contains(secret) {
        return Err(io::Error::other(
            "it holds the API secret, which stays out of every file; the platform should not tell it",
        ));
    }
    durable::write(&path(data_dir), text.as_bytes())
}

/// What was kept for these settings; another platform's or key's is nothing.
pub fn kept_fetched(data_dir: &Path, settings: &Settings) -> Option<FetchedConfig> {
    let bytes = fs::read(path(data_dir)).ok()?;
    let kept: Kept = serde_json::from_slice(&bytes).ok()?;
    (kept.told_to == told_to(settings)).then_some(kept.fetched)
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("platform-config.json")
}

fn told_to(settings: &Settings) -> String {
    let mut digest = Sha256::new();
    digest.update(settings.platform_url.as_str());
    digest.update([0]);
    digest.update(settings.credentials.api_key.expose_secret());
    hex::encode(&digest.finalize()[..8])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::settings::draft::Draft;
    use crate::settings::field::Field;

    fn settings(key: &str) -> Settings {
        let mut draft = Draft::default();
        draft.set(Field::PlatformUrl, "https://fx.example.com");
        draft.set(Field::ApiKey, key);
        draft.set_secret("yyy");
        draft.settings().unwrap()
    }

    #[test]
    fn it_is_kept_for_the_key_that_it_was_told_to() {
        let dir = tempfile::tempdir().unwrap();
        let fetched: FetchedConfig = serde_json::from_str(
            r#"{"executorId":"c1","pusherKey":"k","fetched_at":"2026-01-05T10:00:00Z"}"#,
        )
        .unwrap();
        assert_eq!(kept_fetched(dir.path(), &settings("exe_1")), None);
        keep_fetched(dir.path(), &settings("exe_1"), &fetched).unwrap();
        assert_eq!(kept_fetched(dir.path(), &settings("exe_1")), Some(fetched));
        assert_eq!(kept_fetched(dir.path(), &settings("exe_2")), None);
        assert!(
            !fs::read_to_string(path(dir.path()))
                .unwrap()
                .contains("exe_1")
        );
    }

    #[test]
    fn a_damaged_one_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(path(dir.path()), "{").unwrap();
        assert_eq!(kept_fetched(dir.path(), &settings("exe_1")), None);
    }
}
