//! The link's lines: escaping, limits and damage. Pure text; what a line means is `message`'s business.
//!
//! A line is `TYPE<TAB>key=value<TAB>…<LF>` (docs/metatrader-link.md, "Lines").

/// The longest line, its LF included.
pub const LONGEST: usize = 65_536;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    #[error("the line is longer than {LONGEST} bytes")]
    TooLong,
    #[error("the line is not UTF-8")]
    NotUtf8,
    #[error("the line has no type of A-Z and 0-9")]
    NoType,
    #[error("a field is not key=value with a key of a-z, 0-9 and _")]
    NoKey,
    #[error("a key stands twice")]
    DoubledKey,
    #[error("a value has a wrong escape or a forbidden character")]
    BadValue,
}

/// A line taken apart; values are unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    kind: String,
    fields: Vec<(String, String)>,
}

impl Line {
    /// `bytes` is one line without its LF.
    pub fn parse(bytes: &[u8]) -> Result<Self, LineError> {
        if bytes.len() >= LONGEST {
            return Err(LineError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_bytes| LineError::NotUtf8)?;
        let mut parts = text.split('\t');
        let kind = parts.next().unwrap_or_default();
        if !is_type(kind) {
            return Err(LineError::NoType);
        }
        let mut fields: Vec<(String, String)> = Vec::new();
        for part in parts {
            let (key, value) = part.split_once('=').ok_or(LineError::NoKey)?;
            if !is_key(key) {
                return Err(LineError::NoKey);
            }
            if fields.iter().any(|(known, _)| known == key) {
                return Err(LineError::DoubledKey);
            }
            fields.push((key.to_owned(), unescape(value)?));
        }
        Ok(Self {
            kind: kind.to_owned(),
            fields,
        })
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }
}

fn is_type(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn unescape(value: &str) -> Result<String, LineError> {
    if value.contains(['\r', '\0', '\n']) {
        return Err(LineError::BadValue);
    }
    let mut text = String::with_capacity(value.len());
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            text.push(letter);
            continue;
        }
        text.push(match letters.next() {
            Some('\\') => '\\',
            Some('t') => '\t',
            Some('n') => '\n',
            _ => return Err(LineError::BadValue),
        });
    }
    Ok(text)
}

/// A line being written. CR and NUL, which never occur, become spaces; a value that would make the line too long is
/// cut at the end of the line's room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineText(String);

impl LineText {
    /// `kind` and every key are constants of this program.
    pub fn new(kind: &str) -> Self {
        debug_assert!(is_type(kind));
        Self(kind.to_owned())
    }

    #[must_use]
    pub fn with(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        debug_assert!(is_key(key));
        let escaped = escape(&value.to_string());
        let room = (LONGEST - 1).saturating_sub(self.0.len() + key.len() + 2);
        if escaped.len() <= room {
            self.0.push('\t');
            self.0.push_str(key);
            self.0.push('=');
            self.0.push_str(&escaped);
        }
        self
    }

    /// The line with its LF.
    pub fn finish(mut self) -> String {
        self.0.push('\n');
        self.0
    }
}

fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        match letter {
            '\\' => escaped.push_str("\\\\"),
            '\t' => escaped.push_str("\\t"),
            '\n' => escaped.push_str("\\n"),
            '\r' | '\0' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Cuts a stream of bytes into lines.
#[derive(Debug, Default)]
pub struct Splitter {
    rest: Vec<u8>,
    /// Bytes of `rest` known to hold no LF.
    searched: usize,
}

impl Splitter {
    pub fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// The next whole line without its LF; an error when it is too long, after which the stream is of no use.
    pub fn next_line(&mut self) -> Option<Result<Vec<u8>, LineError>> {
        let found = self.rest[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        let Some(end) = found.map(|at| at + self.searched) else {
            self.searched = self.rest.len();
            return (self.rest.len() >= LONGEST).then_some(Err(LineError::TooLong));
        };
        if end >= LONGEST {
            return Some(Err(LineError::TooLong));
        }
        let mut line: Vec<u8> = self.rest.drain(..=end).collect();
        line.pop();
        self.searched = 0;
        Some(Ok(line))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_its_type_and_its_fields() {
        let line = Line::parse(b"LOG\tq=3\ttext=a\\tb\\\\c\\nd=e\tempty=").unwrap();
        assert_eq!(line.kind(), "LOG");
        assert_eq!(line.get("q"), Some("3"));
        assert_eq!(line.get("text"), Some("a\tb\\c\nd=e"));
        assert_eq!(line.get("empty"), Some(""));
        assert_eq!(line.get("other"), None);
    }

    #[test]
    fn damage_is_named() {
        for (bytes, error) in [
            (&b""[..], LineError::NoType),
            (b"\ta=1", LineError::NoType),
            (b"log\ta=1", LineError::NoType),
            (b"LOG\ta", LineError::NoKey),
            (b"LOG\t=1", LineError::NoKey),
            (b"LOG\tA=1", LineError::NoKey),
            (b"LOG\t", LineError::NoKey),
            (b"LOG\ta=1\ta=1", LineError::DoubledKey),
            (b"LOG\ta=\\x", LineError::BadValue),
            (b"LOG\ta=\\", LineError::BadValue),
            (b"LOG\ta=1\r", LineError::BadValue),
            (b"LOG\ta=\0", LineError::BadValue),
            (b"LOG\ta=\xff", LineError::NotUtf8),
        ] {
            assert_eq!(Line::parse(bytes), Err(error), "{bytes:?}");
        }
        assert_eq!(Line::parse(&vec![b'A'; LONGEST]), Err(LineError::TooLong));
        assert!(Line::parse(&vec![b'A'; LONGEST - 1]).is_ok());
    }

    #[test]
    fn a_value_that_does_not_fit_is_left_out_and_the_line_stays_whole() {
        let text = LineText::new("LOG")
            .with("id", 1)
            .with("text", "x".repeat(LONGEST))
            .with("end", 2)
            .finish();
        assert_eq!(text, "LOG\tid=1\tend=2\n");
    }

    #[test]
    fn a_stream_without_an_end_of_line_is_given_up() {
        let mut splitter = Splitter::default();
        splitter.push(&vec![b'A'; LONGEST - 1]);
        assert_eq!(splitter.next_line(), None);
        splitter.push(b"A\n");
        assert_eq!(splitter.next_line(), Some(Err(LineError::TooLong)));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in prop::collection::vec("[^\r\0]{0,40}", 0..6)) {
            let mut text = LineText::new("RES");
            for (number, value) in values.iter().enumerate() {
                text = text.with(&format!("k{number}"), value);
            }
            let text = text.finish();
            let bytes = text.strip_suffix('\n').unwrap().as_bytes();
            prop_assert!(!bytes.contains(&b'\n'));
            let line = Line::parse(bytes).unwrap();
            for (number, value) in values.iter().enumerate() {
                prop_assert_eq!(line.get(&format!("k{number}")), Some(value.as_str()));
            }
        }

        #[test]
        fn any_bytes_are_a_line_or_damage(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(line) = Line::parse(&bytes) {
                prop_assert!(is_type(line.kind()));
            }
        }

        #[test]
        fn chunks_do_not_matter(text in "([A-Z]{1,5}\n){0,8}", cut in 1_usize..7) {
            let mut whole = Splitter::default();
            whole.push(text.as_bytes());
            let mut parts = Splitter::default();
            let mut by_parts = Vec::new();
            for chunk in text.as_bytes().chunks(cut) {
                parts.push(chunk);
                by_parts.extend(std::iter::from_fn(|| parts.next_line()));
            }
            let at_once: Vec<_> = std::iter::from_fn(|| whole.next_line()).collect();
            prop_assert_eq!(at_once, by_parts);
        }
    }
}
