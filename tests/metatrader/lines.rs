//! Lines of the link as a test reads them. The rules are those of docs/metatrader-link.md, written down a second time on purpose: a
//! mistake in the program's own reader must not hide one of the Expert Advisor.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A line, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub kind: String,
    pub fields: BTreeMap<String, String>,
    pub raw: String,
}

impl Line {
    pub fn parse(raw: &str) -> Self {
        let mut parts = raw.split('\t');
        let kind = parts.next().unwrap_or_default().to_owned();
        let fields = parts
            .map(|part| {
                let (key, value) = part
                    .split_once('=')
                    .unwrap_or_else(|| panic!("a field without `=`: {raw:?}"));
                (key.to_owned(), unescape(value))
            })
            .collect::<Vec<_>>();
        let count = fields.len();
        let fields: BTreeMap<_, _> = fields.into_iter().collect();
        assert_eq!(fields.len(), count, "a key twice: {raw:?}");
        Self {
            kind,
            fields,
            raw: raw.to_owned(),
        }
    }

    /// The value of a field that must be there.
    pub fn get(&self, key: &str) -> &str {
        self.fields
            .get(key)
            .unwrap_or_else(|| panic!("no {key} in {:?}", self.raw))
    }

    pub fn is(&self, kind: &str, id: u64) -> bool {
        self.kind == kind
            && self
                .fields
                .get("id")
                .is_some_and(|value| *value == id.to_string())
    }
}

pub fn unescape(value: &str) -> String {
    let mut out = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('t')) => out.push('\t'),
            ('\\', Some('n')) => out.push('\n'),
            ('\\', Some('\\')) => out.push('\\'),
            ('\\', other) => panic!("an unknown escape {other:?} in {value:?}"),
            (c, _) => out.push(c),
        }
    }
    out
}

/// HMAC-SHA256 in hex, keyed by the text of the secret.
pub fn mac(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
