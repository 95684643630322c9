//! The words of an MQL5 source: literals, comments, names and signs, each with its line. What cannot be one of them is
//! refused here.

use super::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Space,
    Comment,
    Text,
    Char,
    Date,
    Color,
    Number,
    Word,
    Sign,
    Property,
    /// The end of a preprocessor line: a statement begins after it.
    DirectiveEnd,
}

#[derive(Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) line: usize,
}

const DIRECTIVES: &[&str] = &[
    "property", "define", "undef", "ifdef", "ifndef", "else", "endif",
];

/// The tokens of `source`; together they are the source again.
pub(super) fn tokens_of(source: &str, refusals: &mut Vec<Refusal>) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut line = 1;
    let mut at = 0;
    let mut in_directive = false;
    let mut fresh_line = true;
    while at < chars.len() {
        let start = at;
        let c = chars[at];
        let next = chars.get(at + 1).copied();
        let kind = if c == '\n' && in_directive {
            in_directive = false;
            tokens.push(Token {
                kind: Kind::DirectiveEnd,
                text: String::new(),
                line,
            });
            at += 1;
            Kind::Space
        } else if c.is_whitespace() {
            at += 1;
            Kind::Space
        } else if c == '/' && next == Some('/') {
            at += chars[at..]
                .iter()
                .position(|&c| c == '\n')
                .unwrap_or(chars.len() - at);
            Kind::Comment
        } else if c == '/' && next == Some('*') {
            at += 2;
            while at < chars.len() && !(chars[at] == '*' && chars.get(at + 1) == Some(&'/')) {
                at += 1;
            }
            if at >= chars.len() {
                refusals.push(Refusal {
                    line,
                    why: "the comment does not end".into(),
                });
            }
            at = (at + 2).min(chars.len());
            Kind::Comment
        } else if c == '"' {
            at = quoted(&chars, at, line, refusals);
            Kind::Text
        } else if c == '\'' {
            at = quoted(&chars, at, line, refusals);
            Kind::Char
        } else if (c == 'D' || c == 'C') && next == Some('\'') {
            at = quoted(&chars, at + 1, line, refusals);
            if c == 'D' { Kind::Date } else { Kind::Color }
        } else if c.is_ascii_alphabetic() || c == '_' {
            while at < chars.len() && (chars[at].is_ascii_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            Kind::Word
        } else if c.is_ascii_digit() || (c == '.' && next.is_some_and(|c| c.is_ascii_digit())) {
            at = number(&chars, at);
            Kind::Number
        } else if c == '#' && fresh_line {
            let word: String = chars[at + 1..]
                .iter()
                .skip_while(|&&c| c == ' ' || c == '\t')
                .take_while(|c| c.is_ascii_alphanumeric())
                .collect();
            if !DIRECTIVES.contains(&word.as_str()) {
                refusals.push(Refusal {
                    line,
                    why: format!("#{word} is outside the subset"),
                });
            }
            if word == "property" {
                at += chars[at..]
                    .iter()
                    .position(|&c| c == '\n')
                    .unwrap_or(chars.len() - at);
                Kind::Property
            } else {
                in_directive = true;
                at += 1;
                Kind::Sign
            }
        } else {
            at += if (c == '-' && next == Some('>')) || (c == ':' && next == Some(':')) {
                2
            } else {
                1
            };
            Kind::Sign
        };
        let text: String = chars[start..at].iter().collect();
        let lines = text.matches('\n').count();
        fresh_line = if lines > 0 {
            true
        } else {
            fresh_line && kind == Kind::Space
        };
        tokens.push(Token { kind, text, line });
        line += lines;
    }
    tokens
}

/// The position after a literal that begins with its quote at `at`.
fn quoted(chars: &[char], at: usize, line: usize, refusals: &mut Vec<Refusal>) -> usize {
    let quote = chars[at];
    let mut end = at + 1;
    while end < chars.len() && chars[end] != quote && chars[end] != '\n' {
        if chars[end] == '\\' {
            end += 1;
            if !matches!(chars.get(end), Some('n' | 't' | 'r' | '\\' | '"' | '\'')) {
                refusals.push(Refusal {
                    line,
                    why: "only \\n \\t \\r \\\\ \\\" \\' are in the subset".into(),
                });
            }
        }
        end += 1;
    }
    if chars.get(end) != Some(&quote) {
        refusals.push(Refusal {
            line,
            why: "the literal does not end on its line".into(),
        });
        return end.min(chars.len());
    }
    end + 1
}

fn number(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        let c = chars[at];
        let exponent = matches!(c, '+' | '-') && matches!(chars[at - 1], 'e' | 'E');
        let hexadecimal = chars[..at]
            .iter()
            .rev()
            .take_while(|c| c.is_ascii_alphanumeric())
            .any(|&c| c == 'x');
        if !(c.is_ascii_alphanumeric() || c == '.' || (exponent && !hexadecimal)) {
            break;
        }
        at += 1;
    }
    at
}
