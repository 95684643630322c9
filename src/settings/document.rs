//! The text of a settings file: a JSON object whose keys keep their order and whose unknown parts stay as they are.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::field::Field;

/// Bytes of a file beyond which nothing of it is read.
pub(super) const LARGEST: usize = 1024 * 1024;

/// A text that is not a JSON object, and where it stops being one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {what}")]
pub struct BrokenText {
    pub line: usize,
    pub column: usize,
    pub what: String,
}

/// Keys and the JSON text of their values, in the file's order.
#[derive(Clone, Default)]
pub(super) struct Document {
    entries: Vec<(String, Box<RawValue>)>,
}

impl Document {
    /// Reads UTF-8 with or without a byte order mark, and UTF-16 as Notepad writes it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, BrokenText> {
        if bytes.len() > LARGEST {
            return Err(BrokenText {
                line: 1,
                column: 1,
                what: "larger than 1 MB; this is not a settings file".to_owned(),
            });
        }
        let text = decode(bytes)?;
        Self::parse_text(&text)
    }

    pub(super) fn parse_text(text: &str) -> Result<Self, BrokenText> {
        if text.trim().is_empty() {
            return Err(BrokenText {
                line: 1,
                column: 1,
                what: "the file is empty".to_owned(),
            });
        }
        serde_json::from_str(text).map_err(|error| {
            let words = error.to_string();
            let place = format!(" at line {} column {}", error.line(), error.column());
            let what = words.strip_suffix(&place).unwrap_or(&words);
            // "invalid type: string "…", expected …": what was found may be a secret.
            let what = match what.split_once(", expected ") {
                Some((_, expected)) if error.is_data() => format!("expected {expected}"),
                _ => what.to_owned(),
            };
            BrokenText {
                line: error.line(),
                column: error.column(),
                what,
            }
        })
    }

    /// The JSON text of a key's value.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.get())
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    pub(super) fn set(&mut self, key: &str, value: Box<RawValue>) {
        match self.entries.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.entries.push((key.to_owned(), value)),
        }
    }

    pub(super) fn remove(&mut self, key: &str) {
        self.entries.retain(|(name, _)| name != key);
    }

    /// Takes over what `other` has and this one lacks.
    pub(super) fn fill_from(&mut self, other: &Self) {
        for (key, value) in &other.entries {
            if self.get(key).is_none() {
                self.entries.push((key.clone(), value.clone()));
            }
        }
    }

    /// One key a line; the values' own text is untouched.
    pub(super) fn to_text(&self) -> String {
        if self.entries.is_empty() {
            return "{}\n".to_owned();
        }
        format!("{{\n  {}\n}}\n", self.pairs().join(",\n  "))
    }

    /// All on one line, for an object inside another.
    pub(super) fn to_line(&self) -> String {
        format!("{{{}}}", self.pairs().join(", "))
    }

    fn pairs(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|(key, value)| format!("{}: {value}", serde_json::Value::from(key.as_str())))
            .collect()
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Document;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object: {\"platformUrl\": …}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
                let mut document = Document::default();
                while let Some(key) = map.next_key::<String>()? {
                    // Either of the two may be the one that is meant; with the other one a limit would be gone.
                    if document.get(&key).is_some() {
                        // A key of nobody's may be a secret in the wrong place.
                        let known = Field::ALL.iter().any(|field| field.key() == key);
                        let what = if known { &key } else { "a key" };
                        let twice = format!("{what} stands here twice; remove one of the two");
                        return Err(serde::de::Error::custom(twice));
                    }
                    document.entries.push((key, map.next_value()?));
                }
                Ok(document)
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

fn decode(bytes: &[u8]) -> Result<String, BrokenText> {
    match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest),
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // A JSON object begins with an ASCII character: a zero beside it is the other half of a UTF-16 unit.
        [first, 0, ..] if *first != 0 => utf16(bytes, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => utf16(bytes, u16::from_be_bytes),
        _ => utf8(bytes),
    }
}

fn utf8(bytes: &[u8]) -> Result<String, BrokenText> {
    std::str::from_utf8(bytes)
        .map(str::to_owned)
        .map_err(|error| {
            let good = &bytes[..error.valid_up_to()];
            let line_start = good.iter().rposition(|byte| *byte == b'\n');
            BrokenText {
                line: good.iter().filter(|byte| **byte == b'\n').count() + 1,
                column: good.len() - line_start.map_or(0, |at| at + 1) + 1,
                what: "a character that is not UTF-8; save the file as UTF-8".to_owned(),
            }
        })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, BrokenText> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let broken = || BrokenText {
        line: 1,
        column: 1,
        what: "the file looks like UTF-16 but is damaged; save it as UTF-8".to_owned(),
    };
    if !rest.is_empty() {
        return Err(broken());
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| broken())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn every_encoding_that_an_editor_writes_is_read() {
        let text = "{\r\n  \"apiKey\": \"ä€𝄞\"\r\n}";
        let units: Vec<u16> = text.encode_utf16().collect();
        let le: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        let be: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
        for (name, bytes) in [
            ("UTF-8", text.as_bytes().to_vec()),
            ("UTF-8 BOM", [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat()),
            ("UTF-16 LE BOM", [&[0xFF, 0xFE], le.as_slice()].concat()),
            ("UTF-16 BE BOM", [&[0xFE, 0xFF], be.as_slice()].concat()),
            ("UTF-16 LE", le),
            ("UTF-16 BE", be),
        ] {
            let document = Document::parse(&bytes).unwrap();
            assert_eq!(document.get("apiKey"), Some("\"ä€𝄞\""), "{name}");
        }
    }

    #[test]
    fn a_broken_text_says_where() {
        for (bytes, line, column, what) in [
            (b"".as_slice(), 1, 1, "the file is empty"),
            (b" \r\n ", 1, 1, "the file is empty"),
            (b"[]", 1, 0, "expected an object: {\"platformUrl\": …}"),
            (
                b"\"a secret, perhaps\"",
                1,
                19,
                "expected an object: {\"platformUrl\": …}",
            ),
            (b"{\n  \"a\": 1\n  \"b\": 2\n}", 3, 3, "expected `,` or `}`"),
            (b"{\"a\": 1,}", 1, 9, "trailing comma"),
            (b"{\"a\": 1} x", 1, 10, "trailing characters"),
            (
                b"{\n\"a\": \"\xE4\"}",
                2,
                7,
                "a character that is not UTF-8; save the file as UTF-8",
            ),
            (
                b"\xFF\xFE{",
                1,
                1,
                "the file looks like UTF-16 but is damaged; save it as UTF-8",
            ),
        ] {
            let broken = Document::parse(bytes).map(drop).unwrap_err();
            assert_eq!(
                (broken.line, broken.column, broken.what.as_str()),
                (line, column, what)
            );
        }
    }

    #[test]
    fn order_and_the_text_of_values_stay() {
        let mut document =
            Document::parse(br#"{"z":{"b":1.10, "a":[]},"_note":"x","a":null,"z2":1e2}"#).unwrap();
        document.set("a", raw("7"));
        document.set("new", raw("true"));
        document.remove("_note");
        insta::assert_snapshot!(document.to_text(), @r#"
        {
          "z": {"b":1.10, "a":[]},
          "a": 7,
          "z2": 1e2,
          "new": true
        }
        "#);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(document) = Document::parse(&bytes) {
                prop_assert!(Document::parse(document.to_text().as_bytes()).is_ok());
            }
        }

        #[test]
        fn near_json_does_not_make_it_panic(text in "[\\[\\]{}\":, \\\\a0-9.eE+-]{0,60}") {
            if let Ok(document) = Document::parse(text.as_bytes()) {
                prop_assert!(Document::parse(document.to_text().as_bytes()).is_ok());
            }
        }

        #[test]
        fn writing_and_reading_again_gives_the_same(
            keys in proptest::collection::vec(".{0,8}", 0..8), values in proptest::collection::vec(any::<i64>(), 8)
        ) {
            let mut document = Document::default();
            for (key, value) in keys.iter().zip(&values) {
                document.set(key, raw(&value.to_string()));
            }
            let again = Document::parse(document.to_text().as_bytes()).unwrap();
            prop_assert_eq!(again.to_text(), document.to_text());
        }
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_with_its_place() {
        for text in [
            "{\n  \"maxLots\": 0.1,\n  \"maxLots\": null\n}",
            "{\n  \"maxLots\": 0.1,\n  \"maxLots\": 0.1\n}",
        ] {
            let broken = Document::parse(text.as_bytes()).map(|_| ()).unwrap_err();
            assert_eq!(broken.line, 3, "{broken}");
            assert!(
                broken.what.contains("maxLots stands here twice"),
                "{broken}"
            );
        }
    }
}
