//! Hides secrets in a text: those it was told of, and whatever is shaped like one of ours.
//!
//! It would rather hide too much: any run of 64 hexadecimal digits goes, though it may be an innocent hash.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use secrecy::{ExposeSecret as _, SecretString};

const MASK: &str = "[hidden]";

/// Shorter values would hide ordinary words.
const SHORTEST: usize = 6;

/// A named value without quotes that is shorter is taken for a word.
const SHORTEST_BARE: usize = 8;

/// Names whose values are secrets, in any spelling of case.
const NAMES: [&str; 6] = [
    "apisecret",
    "api_secret",
    "api-secret",
    "apikey",
    "api_key",
    "api-key",
];

#[derive(Default)]
pub struct Redactor {
    known: RwLock<Vec<SecretString>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    /// From now on this value is hidden, as it is and as it looks in an address or in JSON; of an address also its
    /// password alone.
    pub fn register(&self, secret: &SecretString) {
        let plain = secret.expose_secret().trim();
        if let Ok(address) = url::Url::parse(plain)
            && let Some(password) = address.password()
        {
            self.register(&SecretString::from(password));
        }
        if plain.len() < SHORTEST {
            return;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(plain.as_bytes()).collect();
        let percent = encoded.replace('+', "%20");
        let json = serde_json::Value::from(plain).to_string();
        let json = json.trim_matches('"').to_owned();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for form in [plain.to_owned(), encoded, percent, json] {
            if !known.iter().any(|seen| seen.expose_secret() == form) {
                known.push(SecretString::from(form));
            }
        }
    }

    pub fn clean<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut hidden = Vec::new();
        {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            for secret in known.iter() {
                let value = secret.expose_secret();
                hidden.extend(
                    text.match_indices(value)
                        .map(|(start, _)| start..start + value.len()),
                );
            }
        }
        find_hex(text, &mut hidden);
        find_named(text, &mut hidden);
        find_passwords(text, &mut hidden);
        mask(text, hidden)
    }
}

fn mask(text: &str, mut hidden: Vec<Range<usize>>) -> Cow<'_, str> {
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    hidden.sort_by_key(|range| range.start);
    let mut clean = String::with_capacity(text.len());
    let mut shown_to = 0;
    for range in hidden {
        // An overlap or a neighbour belongs to the mask before it.
        if range.start > shown_to || clean.is_empty() {
            clean.push_str(&text[shown_to..range.start]);
            clean.push_str(MASK);
        }
        shown_to = shown_to.max(range.end);
    }
    clean.push_str(&text[shown_to..]);
    Cow::Owned(clean)
}

/// API keys (`exe_` and 32 digits), API secrets and signatures (64 digits).
fn find_hex(text: &str, hidden: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut start = 0;
    while start < bytes.len() {
        let length = bytes[start..]
            .iter()
            .take_while(|byte| byte.is_ascii_hexdigit())
            .count();
        let is_key = length >= 32 && text[..start].ends_with("exe_");
        if is_key || length >= 64 {
            hidden.push(start..start + length);
        }
        start += length.max(1);
        while !text.is_char_boundary(start) {
            start += 1;
        }
    }
}

/// `apiSecret: value`, `"apiSecret":"value"`, `X-API-Secret=value`.
fn find_named(text: &str, hidden: &mut Vec<Range<usize>>) {
    let lower = text.to_ascii_lowercase();
    for name in NAMES {
        for (at, _) in lower.match_indices(name) {
            let after_name = at + name.len();
            let rest = &text[after_name..];
            let before = rest.trim_start_matches(['"', '\'', '\\', ' ']);
            let Some(assigned) = before.strip_prefix([':', '=']) else {
                continue;
            };
            let value = assigned.trim_start_matches(['"', '\'', '\\', ' ']);
            let quoted = assigned.trim_start().starts_with(['"', '\'', '\\']);
            let end = value
                .find(|c: char| match c {
                    '"' | '\'' | '\\' => true,
                    ',' | '&' | ';' | ')' | '}' => !quoted,
                    c => !quoted && c.is_whitespace(),
                })
                .unwrap_or(value.len());
            // A short bare word is prose: "apiSecret: It is missing."
            let shortest = if quoted { 1 } else { SHORTEST_BARE };
            if end >= shortest {
                let start = text.len() - value.len();
                hidden.push(start..start + end);
            }
        }
    }
}

/// The password in `scheme://user:password@host`.
fn find_passwords(text: &str, hidden: &mut Vec<Range<usize>>) {
    for (at, separator) in text.match_indices("://") {
        let start = at + separator.len();
        let rest = &text[start..];
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '<' | '>'))
            .unwrap_or(rest.len());
        let Some(host_at) = rest[..end].rfind('@') else {
            continue;
        };
        if let Some(colon) = rest[..host_at].find(':')
            && colon + 1 < host_at
        {
            hidden.push(start + colon + 1..start + host_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEX: &str = "00112233445566778899aabbccddeeff";

    #[test]
    fn shapes_of_our_secrets_are_hidden() {
        let redactor = Redactor::default();
        for (text, clean) in [
            ("nothing to hide", "nothing to hide".to_owned()),
            (&format!("key exe_{HEX}."), "key exe_[hidden].".to_owned()),
            (&format!("{HEX}{HEX}"), "[hidden]".to_owned()),
            (
                &format!("a hash {HEX} stays"),
                format!("a hash {HEX} stays"),
            ),
            (
                &format!(r#"{{"auth":"appkey:{HEX}{HEX}"}}"#),
                r#"{"auth":"appkey:[hidden]"}"#.to_owned(),
            ),
            (
                "http://joe:pa:ss@wd@proxy:8080/x http://a:b@c",
                "http://joe:[hidden]@proxy:8080/x http://a:[hidden]@c".to_owned(),
            ),
            ("http://joe@proxy:8080", "http://joe@proxy:8080".to_owned()),
            (
                r#""apiSecret": "two words", "x": 1"#,
                r#""apiSecret": "[hidden]", "x": 1"#.to_owned(),
            ),
            (
                "X-API-Secret: abcdefgh rest",
                "X-API-Secret: [hidden] rest".to_owned(),
            ),
            ("api_key=abcdefgh&x=1", "api_key=[hidden]&x=1".to_owned()),
            (
                "apiSecret is missing, and apiKey: ",
                "apiSecret is missing, and apiKey: ".to_owned(),
            ),
            (
                "apiSecret: It is missing.",
                "apiSecret: It is missing.".to_owned(),
            ),
            ("é exe_ü", "é exe_ü".to_owned()),
        ] {
            assert_eq!(redactor.clean(text), clean);
        }
    }

    #[test]
    fn a_known_secret_is_hidden_in_every_form() {
        let redactor = Redactor::default();
        redactor.register(&SecretString::from("pä\"ss w&rd"));
        for text in [
            "x pä\"ss w&rd y",
            "x p%C3%A4%22ss+w%26rd y",
            "x p%C3%A4%22ss%20w%26rd y",
            "x pä\\\"ss w&rd y",
        ] {
            assert_eq!(redactor.clean(text), "x [hidden] y");
        }
    }

    #[test]
    fn the_password_of_a_known_address_is_hidden_alone_too() {
        let redactor = Redactor::default();
        redactor.register(&SecretString::from("http://joe:pass%40word@proxy:8080"));
        assert_eq!(
            redactor.clean("the proxy at proxy:8080 refuses pass%40word"),
            "the proxy at proxy:8080 refuses [hidden]"
        );
    }

    #[test]
    fn a_value_too_short_to_be_a_secret_hides_no_words() {
        let redactor = Redactor::default();
        redactor.register(&SecretString::from("a"));
        assert_eq!(redactor.clean("a cat"), "a cat");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail(text in ".*") {
            let redactor = Redactor::default();
            let clean = redactor.clean(&text);
            prop_assert_eq!(redactor.clean(&clean), clean.clone());
        }

        #[test]
        fn a_known_secret_never_gets_through(
            before in "[ a-zé\"]*", secret in "[A-Z0-9/+\"]{6,20}", after in "[ a-zé\"]*"
        ) {
            let redactor = Redactor::default();
            redactor.register(&SecretString::from(secret.clone()));
            let text = format!("{before}{secret}{after}{secret}");
            prop_assert!(!redactor.clean(&text).contains(&secret));
        }
    }
}
