//! Settings as texts, the way a person edits them and a file holds them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;

use super::check::check_field;
use super::document::Document;
use super::field::Field;
use super::values::Settings;

/// One thing that keeps a draft from being used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub field: Field,
    /// What is wrong and what to do, as a sentence.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field.key(), self.what)
    }
}

/// A secret and whether it still has to be put into the store.
#[derive(Clone, Default)]
pub(super) struct Held {
    pub(super) value: Option<SecretString>,
    pub(super) unsaved: bool,
}

/// Texts by field; empty means absent. Secrets are apart from the texts and never shown.
#[derive(Clone, Default)]
pub struct Draft {
    texts: BTreeMap<Field, String>,
    /// Values in the file that are no text, number or switch.
    pub(super) misshapen: Vec<Problem>,
    /// Fields that were given another value than the file's: only such a word settles what stands under a misspelt name.
    settled: BTreeSet<Field>,
    pub(super) api_secret: Held,
    /// The proxy's whole address when it has a password, which is never used for another address.
    pub(super) proxy_address: Held,
    /// Where the draft came from, with its unknown keys.
    pub(super) document: Document,
}

impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.texts.keys().map(|field| field.key()).collect();
        f.debug_struct("Draft")
            .field("filled", &keys)
            .finish_non_exhaustive()
    }
}

impl Draft {
    /// The checked values, or everything that is wrong.
    ///
    /// # Errors
    /// Every field that cannot be used.
    pub fn settings(&self) -> Result<Settings, Vec<Problem>> {
        let problems = self.problems();
        if problems.is_empty() {
            self.values()
        } else {
            Err(problems)
        }
    }

    /// What leads to the platform, although something else is wrong: a stop must arrive all the same. Only for a program that
    /// opens nothing, because limits may be missing.
    pub fn reachable(&self) -> Option<Settings> {
        let in_the_way = |problem: &Problem| !problem.field.is_local();
        if self.problems().iter().any(in_the_way) {
            return None;
        }
        self.values().ok()
    }

    pub(super) fn of(document: Document) -> Self {
        let mut draft = Self::default();
        let pusher = nested_pusher(&document);
        for field in Field::ALL {
            let flat = document.get(field.key()).filter(|raw| *raw != "null");
            let nested = || {
                let key = field.key_in_pusher()?;
                pusher.as_ref()?.get(key).filter(|raw| *raw != "null")
            };
            let Some(raw) = flat.or_else(nested) else {
                continue;
            };
            match plain_text(raw) {
                Some(text) if field == Field::ApiSecret => draft.set_secret(text.trim()),
                Some(text) => draft.set(field, text.trim()),
                None => draft.misshapen.push(Problem {
                    field,
                    what: "The value must be a text, a number, true or false.".to_owned(),
                }),
            }
        }
        for key in document.keys() {
            if let Some(field) = Field::misspelt(key).filter(|field| field.is_local()) {
                draft.misshapen.push(Problem {
                    field,
                    what: format!(
                        "The file says \"{key}\", which means nothing; did you mean \"{}\"? Name it so or take it out in the file, or give \"{}\" another value in Settings.",
                        field.key(),
                        field.key()
                    ),
                });
            }
        }
        draft.document = document;
        draft.part_proxy_password();
        draft
    }

    /// The field's text; always empty for the secret.
    pub fn get(&self, field: Field) -> &str {
        self.texts.get(&field).map_or("", String::as_str)
    }

    /// Sets a field's text as typed. The secret has its own way, [`Draft::set_secret`]. The same text again is no word on
    /// what is wrong with the field in the file.
    pub fn set(&mut self, field: Field, text: &str) {
        if field == Field::ApiSecret {
            self.set_secret(text);
            return;
        }
        if self.get(field) != text {
            self.misshapen.retain(|problem| problem.field != field);
            self.settled.insert(field);
        }
        if text.is_empty() {
            self.texts.remove(&field);
        } else {
            self.texts.insert(field, text.to_owned());
        }
    }

    /// Replaces the API secret; an empty text takes it away.
    pub fn set_secret(&mut self, text: &str) {
        self.misshapen
            .retain(|problem| problem.field != Field::ApiSecret);
        self.api_secret = Held {
            value: (!text.is_empty()).then(|| SecretString::from(text)),
            unsaved: true,
        };
    }

    pub const fn secret(&self) -> Option<&SecretString> {
        self.api_secret.value.as_ref()
    }

    /// Every secret in it, so that the log can be told to hide them.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.api_secret
            .value
            .iter()
            .chain(self.proxy_address.value.iter())
    }

    /// Takes over the secrets that an import brought, or that it takes away, and the keys that nobody knows.
    pub fn take_import(&mut self, imported: &Self) {
        for (ours, theirs) in [
            (&mut self.api_secret, &imported.api_secret),
            (&mut self.proxy_address, &imported.proxy_address),
        ] {
            if theirs.unsaved {
                ours.clone_from(theirs);
            }
        }
        self.document.fill_from(&imported.document);
    }

    /// What is wrong, field by field, in the order in which a person fills them in.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = self.misshapen.clone();
        for field in Field::ALL {
            if problems.iter().any(|problem| problem.field == field) {
                continue;
            }
            let text = if field == Field::ApiSecret {
                self.secret().map_or("", |secret| secret.expose_secret())
            } else {
                self.get(field)
            };
            let checked = if text.trim().is_empty() && field.is_required() {
                Err("It is missing.".to_owned())
            } else {
                check_field(field, text)
            };
            if let Err(what) = checked {
                problems.push(Problem { field, what });
            }
        }
        problems.sort_by_key(|problem| problem.field);
        problems
    }

    /// Moves a password that stands in the proxy's address out of the text.
    pub(super) fn part_proxy_password(&mut self) {
        let address = self.get(Field::Proxy).trim().to_owned();
        if let Some(bare) = without_password(&address) {
            self.proxy_address = Held {
                value: Some(SecretString::from(address)),
                unsaved: true,
            };
            self.set(Field::Proxy, &bare);
        }
    }

    /// The proxy's address, with the password that belongs to this very address.
    pub(super) fn proxy_address(&self) -> &str {
        let bare = self.get(Field::Proxy).trim();
        self.proxy_address
            .value
            .as_ref()
            .map(SecretString::expose_secret)
            .filter(|whole| without_password(whole).as_deref() == Some(bare))
            .unwrap_or(bare)
    }

    /// Writes the texts into a document and gives the misspelt keys that went from it; the secrets stay out of it, and what
    /// is already there as it should be is not touched, nor what is wrong and was not settled.
    pub(super) fn write_into(&self, document: &mut Document) -> Vec<String> {
        document.remove(Field::ApiSecret.key());
        // Once the right name was given a value; until then the key may be all that is left of a limit.
        let misspelt = |key: &&str| {
            let meant = Field::misspelt(key).filter(|field| field.is_local());
            meant.is_some_and(|field| {
                self.settled.contains(&field) && !self.get(field).trim().is_empty()
            })
        };
        let misspelt: Vec<String> = document
            .keys()
            .filter(misspelt)
            .map(str::to_owned)
            .collect();
        for key in &misspelt {
            document.remove(key);
        }
        let before = Self::of(document.clone());
        for field in Field::ALL {
            let text = self.get(field).trim();
            let is_wrong = |draft: &Self| draft.misshapen.iter().any(|one| one.field == field);
            if is_wrong(self) {
                continue;
            }
            let misshapen = is_wrong(&before);
            let unchanged =
                before.get(field) == text && !misshapen && !before.proxy_was_parted(field);
            if field == Field::ApiSecret || unchanged {
                continue;
            }
            if let Some(key) = field.key_in_pusher()
                && let Some(mut pusher) = nested_pusher(document)
            {
                // The flat key takes its place, so that there is one truth.
                pusher.remove(key);
                if let Ok(rest) = RawValue::from_string(pusher.to_line()) {
                    document.set("pusher", rest);
                }
            }
            if text.is_empty() {
                document.remove(field.key());
            } else if let Some(raw) = json_of(field, text) {
                document.set(field.key(), raw);
            }
        }
        misspelt
    }

    const fn proxy_was_parted(&self, field: Field) -> bool {
        matches!(field, Field::Proxy) && self.proxy_address.value.is_some()
    }
}

/// The address as it may stand in the file; `None` when it has no password.
fn without_password(address: &str) -> Option<String> {
    let mut url = Url::parse(address).ok()?;
    url.password()?;
    url.set_password(None).ok()?;
    Some(url.as_str().trim_end_matches('/').to_owned())
}

fn nested_pusher(document: &Document) -> Option<Document> {
    Document::parse_text(document.get("pusher")?).ok()
}

/// A text, number or switch as a text.
fn plain_text(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'{' | b'[' => None,
        _ => Some(raw.to_owned()),
    }
}

/// A number or switch is written as one, a number without passing through a float; the rest as a text.
fn json_of(field: Field, text: &str) -> Option<Box<RawValue>> {
    let bare = matches!(
        field,
        Field::PusherPort
            | Field::PusherTls
            | Field::MaxLots
            | Field::MaxPositions
            | Field::MaxDailyLoss
            | Field::ResumeLiftsStop
    );
    if bare
        && check_field(field, text).is_ok()
        && let Ok(raw) = RawValue::from_string(text.to_owned())
    {
        return Some(raw);
    }
    RawValue::from_string(Value::from(text).to_string()).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn draft(text: &str) -> Draft {
        Draft::of(Document::parse(text.as_bytes()).unwrap())
    }

    #[test]
    fn the_flat_form_wins_over_the_nested_one() {
        let draft = draft(
            r#"{"pusherKey":"flat","pusher":{"key":"nested","cluster":"ap1","port":6001,"tls":false},
                "maxLots":0.10,"executorId":null,"proxy":" none "}"#,
        );
        for (field, text) in [
            (Field::PusherKey, "flat"),
            (Field::PusherCluster, "ap1"),
            (Field::PusherPort, "6001"),
            (Field::PusherTls, "false"),
            (Field::MaxLots, "0.10"),
            (Field::ExecutorId, ""),
            (Field::Proxy, "none"),
        ] {
            assert_eq!(draft.get(field), text, "{field:?}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let mut draft = draft(r#"{"apiKey":["x"],"platformUrl":"localhost:3000","pusherPort":0}"#);
        let problems: Vec<String> = draft.problems().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(problems.join("\n"), @"
        platformUrl: The address must begin with http://, as in http://localhost:3000.
        apiKey: The value must be a text, a number, true or false.
        apiSecret: It is missing.
        pusherPort: A port is a whole number from 1 to 65535.
        ");
        draft.set(Field::ApiKey, "exe_1");
        draft.set(Field::PlatformUrl, "http://localhost:3000");
        draft.set_secret("yyy");
        draft.set(Field::PusherPort, "");
        assert_eq!(draft.problems(), []);
    }

    #[test]
    fn writing_changes_only_what_was_changed() {
        let text = r#"{"_comment":"mine","platformUrl":"http://localhost:3000","apiSecret":"yyy","maxLots":0.10,
            "pusher":{"key":"k","cluster":"ap1","extra":[1, 2]},"theme":{"dark":true}}"#;
        let mut edited = draft(text);
        edited.set(Field::PusherCluster, "eu");
        edited.set(Field::PusherKey, "");
        edited.set(Field::MaxPositions, "3");
        edited.set(Field::ExecutorId, "c1");
        let mut document = Document::parse(text.as_bytes()).unwrap();
        edited.write_into(&mut document);
        insta::assert_snapshot!(document.to_text(), @r#"
        {
          "_comment": "mine",
          "platformUrl": "http://localhost:3000",
          "maxLots": 0.10,
          "pusher": {"extra": [1, 2]},
          "theme": {"dark":true},
          "executorId": "c1",
          "pusherCluster": "eu",
          "maxPositions": 3
        }
        "#);
    }

    #[test]
    fn a_proxy_password_is_kept_apart_from_the_text() {
        let mut draft = draft(r#"{"proxy":"http://joe:p%40ss@proxy:8080"}"#);
        assert_eq!(draft.get(Field::Proxy), "http://joe@proxy:8080");
        assert_eq!(draft.proxy_address(), "http://joe:p%40ss@proxy:8080");
        draft.set(Field::Proxy, "http://joe@elsewhere:8080");
        assert_eq!(draft.proxy_address(), "http://joe@elsewhere:8080");
    }

    #[test]
    fn a_draft_shows_no_value_when_debugged() {
        let draft = draft(r#"{"apiKey":"exe_marked","apiSecret":"marked"}"#);
        assert!(!format!("{draft:?}").contains("marked"));
    }

    proptest! {
        /// Whatever the file holds: unknown keys keep their text, the secret leaves, and what is written reads the same.
        #[test]
        fn a_save_keeps_what_it_does_not_know(
            unknown in proptest::collection::btree_map("[a-z_]{1,6}x", "[ -~]{0,8}", 0..6),
            url in "[ -~]{0,20}", port in any::<i32>(), secret in "[A-Z]{8}"
        ) {
            let mut object = serde_json::Map::new();
            for (key, value) in &unknown {
                object.insert(key.clone(), serde_json::json!({"inner": [value]}));
            }
            object.insert("platformUrl".to_owned(), url.into());
            object.insert("pusherPort".to_owned(), port.into());
            object.insert("apiSecret".to_owned(), secret.clone().into());
            let bytes = serde_json::to_vec(&object).unwrap();

            let read = Draft::of(Document::parse(&bytes).unwrap());
            let mut document = Document::parse(&bytes).unwrap();
            read.write_into(&mut document);
            let text = document.to_text();
            prop_assert!(!text.contains(&secret));
            let again: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
            for key in unknown.keys() {
                prop_assert_eq!(again.get(key), object.get(key));
            }
            let reread = Draft::of(Document::parse(text.as_bytes()).unwrap());
            prop_assert_eq!(reread.texts, read.texts);
        }
    }
}
