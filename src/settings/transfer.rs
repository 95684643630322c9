//! Taking settings to another computer and bringing them from one.

use std::io;
use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use serde_json::value::RawValue;

use super::check::platform_url;
use super::document::{BrokenText, Document};
use super::draft::{Draft, Held};
use super::durable;
use super::field::Field;

/// Why a file is not taken over.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Broken(#[from] BrokenText),
    #[error("it is not imported, because a value in it means nothing: {0}")]
    Wrong(String),
}

/// The draft as a file's text. The secrets are in it only when asked for; as they may be, it is a secret itself.
pub fn export(draft: &Draft, with_secrets: bool) -> SecretString {
    let mut draft = draft.clone();
    draft.part_proxy_password();
    let mut document = draft.document.clone();
    let _misspelt = draft.write_into(&mut document);
    if with_secrets {
        let mut add = |field: Field, text: &str| {
            if let Ok(raw) = RawValue::from_string(Value::from(text).to_string()) {
                document.set(field.key(), raw);
            }
        };
        if let Some(secret) = draft.secret() {
            add(Field::ApiSecret, secret.expose_secret());
        }
        if draft.proxy_address() != draft.get(Field::Proxy) {
            add(Field::Proxy, draft.proxy_address());
        }
    }
    SecretString::from(document.to_text())
}

/// Writes [`export`] to a file. With secrets in it, only its owner can read it.
pub fn export_to(path: &Path, draft: &Draft, with_secrets: bool) -> io::Result<()> {
    durable::write(path, export(draft, with_secrets).expose_secret().as_bytes())?;
    #[cfg(unix)]
    if with_secrets {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Reads a file's bytes into a draft for Settings; nothing is saved. A file without a secret keeps the one at hand
/// when it is for the same API key on the same platform: nobody's file may send our secret elsewhere. What the file does not
/// say of this computer's trading, its limits above all, stays as it is at hand.
///
/// # Errors
/// It is no settings file, or a value or a limit's name in it is wrong: what it means is not guessed.
pub fn import(bytes: &[u8], current: &Draft) -> Result<Draft, ImportError> {
    let mut draft = Draft::of(Document::parse(bytes)?);
    if let Some(problem) = draft.misshapen.first() {
        return Err(ImportError::Wrong(problem.to_string()));
    }
    for field in Field::ALL.into_iter().filter(|field| field.is_local()) {
        if draft.get(field).is_empty() {
            draft.set(field, current.get(field));
        }
    }
    let same = |field: Field| draft.get(field).trim() == current.get(field).trim();
    let same_key = same(Field::ApiKey) && same_platform(&draft, current);
    let same_proxy = same(Field::Proxy);
    for (held, ours, same) in [
        (&mut draft.api_secret, &current.api_secret, same_key),
        (&mut draft.proxy_address, &current.proxy_address, same_proxy),
    ] {
        if held.value.is_none() {
            *held = if same {
                ours.clone()
            } else {
                // Saving takes the stored one away: it belongs to another key.
                Held {
                    value: None,
                    unsaved: true,
                }
            };
        }
    }
    Ok(draft)
}

fn same_platform(one: &Draft, other: &Draft) -> bool {
    let url = |draft: &Draft| platform_url(draft.get(Field::PlatformUrl).trim()).ok();
    url(one).is_some() && url(one) == url(other)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    const FILE: &[u8] =
        br#"{"_note":"mine","platformUrl":"https://x","apiKey":"exe_1","apiSecret":"marked-1",
        "proxy":"http://joe:marked-2@proxy:8080"}"#;

    fn draft() -> Draft {
        import(FILE, &Draft::default()).unwrap()
    }

    #[test]
    fn an_export_has_no_secret_unless_asked() {
        let plain = export(&draft(), false);
        assert!(!plain.expose_secret().contains("marked"));
        assert!(plain.expose_secret().contains("\"_note\": \"mine\""));
        let full = export(&draft(), true);
        for secret in ["\"marked-1\"", "http://joe:marked-2@proxy:8080"] {
            assert!(full.expose_secret().contains(secret), "{secret}");
        }
    }

    #[test]
    fn what_was_exported_with_secrets_comes_back_whole() {
        let back = import(
            export(&draft(), true).expose_secret().as_bytes(),
            &Draft::default(),
        );
        let back = back.unwrap();
        let (ours, theirs) = (draft().settings().unwrap(), back.settings().unwrap());
        assert!(!theirs.changed_from(&ours).anything());
    }

    #[test]
    fn an_import_without_a_secret_keeps_ours_for_the_same_key_only() {
        for (file, kept) in [
            (r#"{"platformUrl":"https://x/","apiKey":"exe_1"}"#, true),
            (r#"{"platformUrl":"https://x","apiKey":"exe_2"}"#, false),
            (
                r#"{"platformUrl":"https://elsewhere","apiKey":"exe_1"}"#,
                false,
            ),
            (r#"{"apiKey":"exe_1"}"#, false),
        ] {
            let draft = import(file.as_bytes(), &draft()).unwrap();
            assert_eq!(draft.secret().is_some(), kept, "{file}");
        }
    }

    #[test]
    fn a_broken_import_says_where() {
        let error = import(b"{,}", &Draft::default()).unwrap_err();
        let ImportError::Broken(error) = error else {
            unreachable!("{error}");
        };
        assert_eq!((error.line, error.column), (1, 2));
    }

    /// A limit that the file does not name stays, and one that it names wrongly is not guessed at.
    #[test]
    fn an_import_takes_no_limit_away() {
        let mut ours = draft();
        ours.set(Field::MaxLots, "0.05");
        let theirs = br#"{"apiKey":"exe_9","maxPositions":3}"#;
        let draft = import(theirs, &ours).unwrap();
        assert_eq!(draft.get(Field::MaxLots), "0.05");
        assert_eq!(draft.get(Field::MaxPositions), "3");
        for wrong in [
            r#"{"maxLots":[0.01]}"#,
            r#"{"maxLots":{"max":0.01}}"#,
            r#"{"MaxLots":0.01}"#,
            r#"{"guardDailyLoss":["5%"]}"#,
        ] {
            let error = import(wrong.as_bytes(), &ours).unwrap_err().to_string();
            assert!(error.contains("it is not imported"), "{wrong}: {error}");
        }
    }
}
