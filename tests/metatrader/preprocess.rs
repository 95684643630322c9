//! Turns the MQL5 subset of the Expert Advisor into C++ for the emulated terminal, line by line: line 200 of the `.mq5` is
//! line 200 of the result, so that a compiler's error names the trader's file. Constructs outside the subset are refused
//! here, with their line. It must never repair anything: what MetaEditor would refuse must not become valid on the way.

mod lexer;

use std::fmt::Write as _;

use lexer::{Kind, Token, tokens_of};

/// Why a source is not in the subset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub line: usize,
    pub why: String,
}

/// Words that begin a statement and are therefore no type of a declaration.
const NOT_A_TYPE: &[&str] = &[
    "return",
    "else",
    "case",
    "sizeof",
    "do",
    "if",
    "while",
    "for",
    "switch",
    "break",
    "continue",
    "default",
    "struct",
    "class",
    "enum",
    "public",
    "private",
    "protected",
    "define",
    "undef",
    "ifdef",
    "ifndef",
    "endif",
];

/// Words of C++ or of the rest of MQL5 that the subset does not have, with the reason.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &["new", "delete", "GetPointer", "CheckPointer"],
        "object pointers are outside the subset",
    ),
    (
        &[
            "auto",
            "nullptr",
            "std",
            "constexpr",
            "try",
            "catch",
            "throw",
            "decltype",
            "static_assert",
            "goto",
            "using",
            "static_cast",
            "reinterpret_cast",
            "const_cast",
            "mutable",
            "friend",
            "unsigned",
            "signed",
            "inline",
            "explicit",
            "noexcept",
            "asm",
            "namespace",
            "size_t",
            "int8_t",
            "int16_t",
            "int32_t",
            "int64_t",
            "uint8_t",
            "uint16_t",
            "uint32_t",
            "uint64_t",
            "wchar_t",
            "char16_t",
            "char32_t",
            "typedef",
            "volatile",
            "register",
            "extern",
        ],
        "this word is C++ and not in the subset",
    ),
    (
        &[
            "template",
            "typename",
            "virtual",
            "override",
            "interface",
            "union",
            "pack",
            "operator",
        ],
        "this MQL5 construct is outside the subset",
    ),
    (
        &[
            "ArrayPrint",
            "EnumToString",
            "StructToCharArray",
            "CharArrayToStruct",
            "FileWriteStruct",
            "FileReadStruct",
            "FileLoad",
            "FileSave",
        ],
        "this function depends on layouts or types and is outside the subset",
    ),
];

/// The C++ of an `.mq5` source, or everything in it that is outside the subset.
pub fn translate(source: &str, shown_path: &str) -> Result<String, Vec<Refusal>> {
    let mut refusals = Vec::new();
    let tokens = tokens_of(source, &mut refusals);
    refuse_words(&tokens, &mut refusals);
    let mut out: Vec<String> = tokens.iter().map(literal).collect();
    let code: Vec<usize> = (0..tokens.len())
        .filter(|&i| !matches!(tokens[i].kind, Kind::Space | Kind::Comment | Kind::Property))
        .collect();
    rewrite_references(&tokens, &code, &mut out);
    rewrite_declarations(&tokens, &code, &mut out, &mut refusals);
    refuse_brackets(&tokens, &code, &out, &mut refusals);
    if !refusals.is_empty() {
        refusals.sort_by_key(|refusal| refusal.line);
        return Err(refusals);
    }
    let mut text = String::new();
    let _ = writeln!(text, "#line 1 \"{shown_path}\"");
    text.extend(out);
    Ok(text)
}

/// Whether the source defines the function `name` (used for the event handlers).
pub fn defines(source: &str, name: &str) -> bool {
    let tokens = tokens_of(source, &mut Vec::new());
    let code: Vec<&Token> = tokens
        .iter()
        .filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment))
        .collect();
    code.windows(3).any(|three| {
        matches!(three[0].text.as_str(), "int" | "void")
            && three[1].text == name
            && three[2].text == "("
    })
}

fn refuse_words(tokens: &[Token], refusals: &mut Vec<Refusal>) {
    let code: Vec<&Token> = tokens
        .iter()
        .filter(|token| !matches!(token.kind, Kind::Space | Kind::Comment))
        .collect();
    for (i, token) in code.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| code[i]);
        let after = code.get(i + 1).map_or("", |token| token.text.as_str());
        let why = match (token.kind, token.text.as_str()) {
            (Kind::Sign, "->") => Some("-> does not exist in MQL5".to_owned()),
            (Kind::Sign, "::") if before.is_none_or(|before| before.kind != Kind::Word) => {
                Some("a leading :: is outside the subset".to_owned())
            }
            (Kind::Word, "this") if after == "." => {
                Some("`this.` is outside the subset".to_owned())
            }
            (Kind::Word, "long" | "short") if matches!(after, "long" | "int") => {
                Some("MQL5 has no types of two words".to_owned())
            }
            (Kind::Word, word) => REFUSED
                .iter()
                .find(|(words, _)| words.contains(&word))
                .map(|(_, why)| format!("{word}: {why}")),
            (Kind::Number, number)
                if !number.starts_with("0x") && number.ends_with(['u', 'U', 'l', 'L']) =>
            {
                Some(format!("{number}: MQL5 has no such suffix"))
            }
            (Kind::Char, text)
                if text.chars().count() != 3
                    && !(text.chars().count() == 4 && text.starts_with("'\\")) =>
            {
                Some("a character literal holds one character".to_owned())
            }
            _ => None,
        };
        if let Some(why) = why {
            refusals.push(Refusal {
                line: token.line,
                why,
            });
        }
    }
}

/// A token as C++ has it.
fn literal(token: &Token) -> String {
    let text = &token.text;
    match token.kind {
        // Every string literal is an MQL5 string: `"n=" + 5` must not become pointer arithmetic.
        Kind::Text => format!("{text}_S"),
        Kind::Char => format!("ushort(u{text})"),
        Kind::Date => format!("MqlDate(\"{}\")", &text[2..text.len() - 1]),
        Kind::Color => format!("MqlColor({})", &text[2..text.len() - 1]),
        Kind::Property => String::new(),
        _ => text.clone(),
    }
}

/// `T &name[]` in a parameter list.
fn rewrite_references(tokens: &[Token], code: &[usize], out: &mut [String]) {
    for five in code.windows(5) {
        let text = |i: usize| tokens[five[i]].text.as_str();
        let word = |i: usize| tokens[five[i]].kind == Kind::Word;
        if word(0) && text(1) == "&" && word(2) && text(3) == "[" && text(4) == "]" {
            out[five[0]] = format!("MqlArr<{}>", text(0));
            out[five[3]].clear();
            out[five[4]].clear();
        }
    }
}

struct Declarator {
    name: usize,
    /// Positions (in the code) of `[`, the size if any, and `]`.
    array: Option<(usize, Option<usize>, usize)>,
    /// First and last position of the initial value.
    value: Option<(usize, usize)>,
    /// The position of the `,` or `;` behind.
    end: usize,
}

/// Declarations with arrays, and inputs.
fn rewrite_declarations(
    tokens: &[Token],
    code: &[usize],
    out: &mut [String],
    refusals: &mut Vec<Refusal>,
) {
    let text = |i: usize| code.get(i).map_or("", |&token| tokens[token].text.as_str());
    let is_word = |i: usize| {
        code.get(i)
            .is_some_and(|&token| tokens[token].kind == Kind::Word)
    };
    let mut i = 0;
    while i < code.len() {
        let starts = i == 0
            || matches!(text(i - 1), ";" | "{" | "}" | ")" | ":")
            || tokens[code[i - 1]].kind == Kind::DirectiveEnd;
        if !starts || !is_word(i) {
            i += 1;
            continue;
        }
        let first = i;
        while matches!(text(i), "static" | "const" | "input" | "sinput") {
            i += 1;
        }
        let is_input = (first..i).any(|i| matches!(text(i), "input" | "sinput"));
        if is_input && text(i) == "group" {
            for &token in &code[first..=i + 1] {
                out[token].clear();
            }
            if text(i + 2) == ";" {
                out[code[i + 2]].clear();
            }
            i += 2;
            continue;
        }
        if NOT_A_TYPE.contains(&text(i)) || !is_word(i) || !is_word(i + 1) {
            i = first + 1;
            continue;
        }
        let Some(declarators) = declarators(tokens, code, i + 1, refusals) else {
            i = first + 1;
            continue;
        };
        let kind = text(i).to_owned();
        let qualifiers: String = (first..i).fold(String::new(), |all, i| all + text(i) + " ");
        if is_input {
            input(tokens, code, first, &kind, &declarators, out, refusals);
        } else if declarators.iter().any(|one| one.array.is_some()) {
            arrays(tokens, code, i, &kind, &qualifiers, &declarators, out);
        }
        i = declarators.last().map_or(first + 1, |last| last.end);
    }
}

fn declarators(
    tokens: &[Token],
    code: &[usize],
    mut i: usize,
    refusals: &mut Vec<Refusal>,
) -> Option<Vec<Declarator>> {
    let text = |i: usize| code.get(i).map_or("", |&token| tokens[token].text.as_str());
    let mut found = Vec::new();
    loop {
        if code
            .get(i)
            .is_none_or(|&token| tokens[token].kind != Kind::Word)
        {
            return None;
        }
        let mut one = Declarator {
            name: i,
            array: None,
            value: None,
            end: 0,
        };
        i += 1;
        if text(i) == "[" {
            let close = if text(i + 1) == "]" { i + 1 } else { i + 2 };
            if text(close) != "]" {
                refusals.push(Refusal {
                    line: tokens[code[i]].line,
                    why: "the size of an array is one number or name".into(),
                });
                return None;
            }
            one.array = Some((i, (close == i + 2).then_some(i + 1), close));
            i = close + 1;
            if text(i) == "[" {
                refusals.push(Refusal {
                    line: tokens[code[i]].line,
                    why: "arrays of more dimensions are outside the subset".into(),
                });
                return None;
            }
        }
        if text(i) == "=" {
            let begin = i + 1;
            let mut depth = 0_i32;
            loop {
                i += 1;
                match text(i) {
                    "" if code.get(i).is_none() => return None,
                    "(" | "{" | "[" => depth += 1,
                    ")" | "}" | "]" => depth -= 1,
                    "," | ";" if depth == 0 => break,
                    _ => {}
                }
            }
            one.value = Some((begin, i - 1));
        }
        one.end = i;
        let end = text(i);
        let last = end == ";";
        if !last && end != "," {
            return None;
        }
        found.push(one);
        if last {
            return Some(found);
        }
        i += 1;
    }
}

/// An input is a constant for the Expert Advisor, and the driver may set it before OnInit.
fn input(
    tokens: &[Token],
    code: &[usize],
    first: usize,
    kind: &str,
    declarators: &[Declarator],
    out: &mut [String],
    refusals: &mut Vec<Refusal>,
) {
    let [one] = declarators else {
        refusals.push(Refusal {
            line: tokens[code[first]].line,
            why: "one input in a declaration".into(),
        });
        return;
    };
    if one.array.is_some() || one.value.is_none() {
        refusals.push(Refusal {
            line: tokens[code[first]].line,
            why: "an input is no array and has a value".into(),
        });
        return;
    }
    let name = tokens[code[one.name]].text.clone();
    out[code[first]] = "static".to_owned();
    out[code[one.name]] = format!("in_{name}");
    out[code[one.end]] = format!(
        "; static const {kind} &{name} = in_{name}; static MqlInput set_{name}(\"{name}\", in_{name});"
    );
}

/// Each declarator becomes a declaration of its own, on the line where it was.
fn arrays(
    tokens: &[Token],
    code: &[usize],
    kind_at: usize,
    kind: &str,
    qualifiers: &str,
    declarators: &[Declarator],
    out: &mut [String],
) {
    for (number, one) in declarators.iter().enumerate() {
        let size = one
            .array
            .and_then(|(_, size, _)| size)
            .map(|size| tokens[code[size]].text.clone());
        let of = match (&one.array, &size) {
            (None, _) => kind.to_owned(),
            (Some(_), None) => format!("MqlArr<{kind}>"),
            (Some(_), Some(size)) => format!("MqlFix<{kind},{size}>"),
        };
        if number == 0 {
            out[code[kind_at]] = of;
        } else {
            let name = &tokens[code[one.name]].text;
            out[code[one.name]] = format!("{qualifiers}{of} {name}");
        }
        if let Some((open, _, close)) = one.array {
            for &token in &code[open..=close] {
                out[token].clear();
            }
        }
        // `= {}` fills a fixed array with zeros; without a value it holds what it holds.
        if let (Some(_), Some((from, to))) = (&size, one.value)
            && to == from + 1
            && tokens[code[from]].text == "{"
        {
            out[code[from]] = format!("{{{kind}()");
        }
        if number + 1 < declarators.len() {
            out[code[one.end]] = ";".to_owned();
        }
    }
}

fn refuse_brackets(tokens: &[Token], code: &[usize], out: &[String], refusals: &mut Vec<Refusal>) {
    for two in code.windows(2) {
        let why = match (out[two[0]].as_str(), out[two[1]].as_str()) {
            ("[", "]") => {
                "this form of an array is outside the subset (arrays are passed as `T &name[]`)"
            }
            ("]", "[") => "arrays of more dimensions are outside the subset",
            _ => continue,
        };
        refusals.push(Refusal {
            line: tokens[two[0]].line,
            why: why.to_owned(),
        });
    }
}

#[cfg(test)]
mod tests;
