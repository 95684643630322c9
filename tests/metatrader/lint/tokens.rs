//! The words of an MQL5 source with their lines: enough to find definitions and calls, no more. Comments are dropped.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Word,
    Number,
    Text,
    Sign,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
}

/// One line that begins with `#`, without its comment.
#[derive(Clone, Debug)]
pub struct Directive {
    pub words: Vec<String>,
    pub line: usize,
}

#[derive(Debug, Default)]
pub struct Source {
    pub tokens: Vec<Token>,
    pub directives: Vec<Directive>,
}

/// A function of the file: where its parameters and its body stand among the tokens.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    pub line: usize,
    /// Where its name stands.
    pub at: usize,
    pub parameters: std::ops::Range<usize>,
    pub body: std::ops::Range<usize>,
}

pub fn read(text: &str) -> Source {
    let chars: Vec<char> = text.chars().collect();
    let mut source = Source::default();
    let (mut at, mut line, mut fresh) = (0, 1, true);
    while at < chars.len() {
        let c = chars[at];
        let next = chars.get(at + 1).copied();
        let end = |from: usize, stop: &dyn Fn(char) -> bool| {
            (from..chars.len())
                .find(|&i| stop(chars[i]))
                .unwrap_or(chars.len())
        };
        if c == '\n' {
            (line, fresh) = (line + 1, true);
            at += 1;
        } else if c.is_whitespace() {
            at += 1;
        } else if c == '/' && next == Some('/') {
            at = end(at, &|c| c == '\n');
        } else if c == '/' && next == Some('*') {
            let close = (at + 2..chars.len())
                .find(|&i| chars[i] == '*' && chars.get(i + 1) == Some(&'/'))
                .map_or(chars.len(), |i| i + 2);
            line += chars[at..close].iter().filter(|&&c| c == '\n').count();
            at = close;
        } else if c == '#' && fresh {
            let stop = end(at, &|c| c == '\n');
            let written: String = chars[at + 1..stop].iter().collect();
            let bare = written.split("//").next().unwrap_or_default();
            source.directives.push(Directive {
                words: bare.split_whitespace().map(str::to_owned).collect(),
                line,
            });
            at = stop;
        } else {
            fresh = false;
            let (kind, stop) = if c == '"' || c == '\'' {
                (Kind::Text, closing_quote(&chars, at))
            } else if c.is_ascii_alphabetic() || c == '_' {
                (
                    Kind::Word,
                    end(at, &|c| !c.is_ascii_alphanumeric() && c != '_'),
                )
            } else if c.is_ascii_digit() {
                (
                    Kind::Number,
                    end(at, &|c| !c.is_ascii_alphanumeric() && c != '.'),
                )
            } else {
                (Kind::Sign, at + 1)
            };
            source.tokens.push(Token {
                kind,
                text: chars[at..stop].iter().collect(),
                line,
            });
            at = stop;
        }
    }
    source
}

fn closing_quote(chars: &[char], open: usize) -> usize {
    let mut at = open + 1;
    while at < chars.len() && chars[at] != chars[open] {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

impl Source {
    pub fn is(&self, at: usize, text: &str) -> bool {
        self.tokens
            .get(at)
            .is_some_and(|token| token.kind != Kind::Text && token.text == text)
    }

    pub fn word(&self, at: usize) -> Option<&str> {
        self.tokens
            .get(at)
            .filter(|token| token.kind == Kind::Word)
            .map(|token| token.text.as_str())
    }

    /// The token after the bracket that closes the one at `open`.
    pub fn after_bracket(&self, open: usize) -> usize {
        let mut depth = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(open) {
            if token.kind != Kind::Sign {
                continue;
            }
            match token.text.as_str() {
                "(" | "{" | "[" => depth += 1,
                ")" | "}" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    /// What each `for`, `while` and `do` repeats: its head and its body, with or without braces.
    pub fn loops(&self) -> Vec<std::ops::Range<usize>> {
        (0..self.tokens.len())
            .filter(|&at| matches!(self.word(at), Some("for" | "while" | "do")))
            .map(|at| at..self.after_statement(at))
            .collect()
    }

    /// The token after the statement that begins at `at`.
    fn after_statement(&self, at: usize) -> usize {
        match self.word(at) {
            Some("for" | "while" | "switch") => self.after_statement(self.after_bracket(at + 1)),
            Some("do") => {
                // `while`, its condition and a semicolon.
                let body = self.after_statement(at + 1);
                self.after_bracket(body + 1) + 1
            }
            Some("if") => {
                let then = self.after_statement(self.after_bracket(at + 1));
                match self.word(then) {
                    Some("else") => self.after_statement(then + 1),
                    _ => then,
                }
            }
            _ if self.is(at, "{") => self.after_bracket(at),
            _ => {
                let mut at = at;
                while at < self.tokens.len() && !self.is(at, ";") {
                    at = match ["(", "{", "["].iter().any(|open| self.is(at, open)) {
                        true => self.after_bracket(at),
                        false => at + 1,
                    };
                }
                (at + 1).min(self.tokens.len())
            }
        }
    }

    /// The comma-separated parts between the bracket at `open` and its end; none for an empty pair.
    pub fn parts(&self, open: usize) -> Vec<std::ops::Range<usize>> {
        let close = self.after_bracket(open) - 1;
        let mut parts = Vec::new();
        let mut from = open + 1;
        let mut at = from;
        while at < close {
            if self.is(at, "(") || self.is(at, "{") || self.is(at, "[") {
                at = self.after_bracket(at);
                continue;
            }
            if self.is(at, ",") {
                parts.push(from..at);
                from = at + 1;
            }
            at += 1;
        }
        if close > open + 1 {
            parts.push(from..close);
        }
        parts
    }

    pub fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            if self.word(at).is_some() && self.word(at + 1).is_some() && self.is(at + 2, "(") {
                let body = self.after_bracket(at + 2);
                if self.is(body, "{") {
                    let end = self.after_bracket(body);
                    found.push(Function {
                        name: self.tokens[at + 1].text.clone(),
                        line: self.tokens[at + 1].line,
                        at: at + 1,
                        parameters: at + 2..body,
                        body: body..end,
                    });
                    at = end;
                    continue;
                }
            }
            at = if self.is(at, "{") || self.is(at, "(") {
                self.after_bracket(at)
            } else {
                at + 1
            };
        }
        found
    }
}
