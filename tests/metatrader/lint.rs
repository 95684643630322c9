//! Rules the Expert Advisor's file must hold before it is compiled at all: what MetaEditor would refuse and cannot be
//! asked here, and what a review must not forget. The tables in `lint/` are the MQL5 Reference's names and signatures.

mod tests;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use super::preprocess;
use tokens::{Function, Kind, Source};

const SIGNATURES: &str = include_str!("lint/signatures.txt");
const BUILTINS: &str = include_str!("lint/builtins.txt");
pub const EXPERT_ADVISOR: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/assets/mql5/FX-Executor.mq5");

/// Words before `(` that are no calls.
const NOT_CALLED: &[&str] = &[
    "if", "for", "while", "switch", "return", "sizeof", "do", "else", "case",
];

/// Built-ins that this Expert Advisor must do without, with the reason.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "Sleep",
        "the Expert Advisor never sleeps: an order would wait behind it",
    ),
    (
        "OrderSendAsync",
        "its outcome is known only by events, which may be lost",
    ),
    (
        "WebRequest",
        "it blocks, and needs the list of allowed addresses",
    ),
    ("MessageBox", "it blocks until somebody clicks"),
    (
        "ExpertRemove",
        "the trader decides when the Expert Advisor goes",
    ),
    ("TerminalClose", "the terminal is the trader's"),
    (
        "CopyTicks",
        "it may block for 45 seconds on first use of a symbol",
    ),
    (
        "CopyTicksRange",
        "it may block for 45 seconds on first use of a symbol",
    ),
];

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    pub line: usize,
    pub rule: &'static str,
    pub text: String,
}

/// How many arguments the documented forms of a function take; `usize::MAX` = any number.
type Forms = BTreeMap<String, Vec<(usize, usize)>>;

/// Everything in `text` that breaks a rule, by line. `version` is the program's, e.g. `0.1.0`.
pub fn check(text: &str, version: &str) -> Vec<Finding> {
    let mut found: BTreeSet<Finding> = BTreeSet::new();
    if let Err(refusals) = preprocess::translate(text, "FX-Executor.mq5") {
        found.extend(refusals.into_iter().map(|refusal| Finding {
            line: refusal.line,
            rule: "subset",
            text: refusal.why,
        }));
    }
    let source = tokens::read(text);
    let functions = source.functions();
    let mut add = |line: usize, rule: &'static str, text: String| {
        found.insert(Finding { line, rule, text });
    };
    directives(&source, version, &mut add);
    version_in_hello(&source, &mut add);
    ascii(text, &mut add);
    names(&source, &functions, &mut add);
    calls(&source, &functions, &mut add);
    plain_structs(&source, &mut add);
    order_send(&source, &functions, &mut add);
    found.into_iter().collect()
}

fn documented(section: &str) -> BTreeSet<&'static str> {
    BUILTINS
        .split("# ")
        .find_map(|part| part.strip_prefix(section))
        .map(|part| part.split_whitespace().collect())
        .unwrap_or_default()
}

fn documented_forms() -> Forms {
    let mut forms = Forms::new();
    for line in SIGNATURES
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let source = tokens::read(line);
        let arguments = source.parts(2);
        let open_ended = line.contains("...");
        let least = arguments
            .iter()
            .filter(|part| {
                !(*part)
                    .clone()
                    .any(|at| source.is(at, "=") || source.is(at, "."))
            })
            .count();
        forms
            .entry(source.tokens[1].text.clone())
            .or_default()
            .push((
                least,
                if open_ended {
                    usize::MAX
                } else {
                    arguments.len()
                },
            ));
    }
    forms
}

fn own_forms(source: &Source, functions: &[Function]) -> Forms {
    let mut forms = Forms::new();
    for function in functions {
        let parameters = source.parts(function.parameters.start);
        let least = parameters
            .iter()
            .filter(|part| !(*part).clone().any(|at| source.is(at, "=")))
            .count();
        forms
            .entry(function.name.clone())
            .or_default()
            .push((least, parameters.len()));
    }
    forms
}

/// `#property strict`, the two versions, and no directive that brings in another file.
fn directives(source: &Source, version: &str, add: &mut impl FnMut(usize, &'static str, String)) {
    let mut strict = false;
    let mut shown = None;
    let mut defined = None;
    let mut described = false;
    for directive in &source.directives {
        let words: Vec<&str> = directive.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["import" | "include" | "resource", ..] => {
                add(
                    directive.line,
                    "one file",
                    format!("#{} brings in another file", words[0]),
                );
            }
            ["property", "strict"] => strict = true,
            ["property", "version", value] => shown = Some((directive.line, (*value).to_owned())),
            ["property", "description", ..] => described = true,
            ["define", "EA_VERSION", value] => {
                defined = Some((directive.line, (*value).to_owned()));
            }
            ["define", name, value] if is_plain(name) && is_literal(value) => {}
            ["property", ..] => {}
            [word, ..] => add(
                directive.line,
                "macro",
                format!(
                    "#{word}: only a name for one number or text, so that a call is always seen as one"
                ),
            ),
            [] => {}
        }
    }
    if !strict {
        add(1, "strict", "#property strict is missing".into());
    }
    if !described {
        add(1, "description", "#property description is missing".into());
    }
    let wanted = format!("\"{}\"", metatrader_version(version));
    match shown {
        Some((_, value)) if value == wanted => {}
        Some((line, value)) => add(
            line,
            "version",
            format!("#property version is {value}, the program's is {wanted}"),
        ),
        None => add(1, "version", "#property version is missing".into()),
    }
    match defined {
        Some((_, value)) if value == format!("\"{version}\"") => {}
        Some((line, value)) => add(
            line,
            "version",
            format!("EA_VERSION is {value}, the program's is \"{version}\""),
        ),
        None => add(1, "version", "EA_VERSION is not defined".into()),
    }
}

fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_literal(value: &str) -> bool {
    let number = value.strip_prefix('-').unwrap_or(value);
    let is_number = number.starts_with(|c: char| c.is_ascii_digit())
        && number
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '.');
    let inner = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    is_number || inner.is_some_and(|inner| !inner.contains('"'))
}

/// MetaTrader wants `N.NN`: the major version, then minor and patch in one figure each.
fn metatrader_version(version: &str) -> String {
    let mut parts = version.split('.');
    let major = parts.next().unwrap_or_default();
    format!("{major}.{}", parts.collect::<String>())
}

/// The program learns the version from HELLO's `ea`: it must be the defined one.
fn version_in_hello(source: &Source, add: &mut impl FnMut(usize, &'static str, String)) {
    let tokens = &source.tokens;
    let said = tokens
        .windows(3)
        .find(|three| three[0].text == "\"ea\"" && three[1].text == ",");
    match said {
        Some(three) if three[2].text == "EA_VERSION" => {}
        Some(three) => add(
            three[0].line,
            "version",
            "HELLO does not say EA_VERSION".into(),
        ),
        None => add(1, "version", "HELLO has no field \"ea\"".into()),
    }
}

/// MetaEditor takes a file without a byte order mark for the local code page.
fn ascii(text: &str, add: &mut impl FnMut(usize, &'static str, String)) {
    for (at, line) in text.lines().enumerate() {
        if !line.is_ascii() {
            add(
                at + 1,
                "ascii",
                "a character outside ASCII depends on the trader's code page".into(),
            );
        }
    }
}

/// Nothing of ours is called like something of MQL5's, and every constant in capitals is documented or ours.
fn names(
    source: &Source,
    functions: &[Function],
    add: &mut impl FnMut(usize, &'static str, String),
) {
    let mut taken = documented("functions");
    let constants = documented("constants");
    let enumerations = documented("enumerations");
    taken.extend(&constants);
    taken.extend(&enumerations);
    let defined: BTreeSet<&str> = source
        .directives
        .iter()
        .filter(|directive| directive.words.first().is_some_and(|word| word == "define"))
        .filter_map(|directive| directive.words.get(1).map(String::as_str))
        .collect();
    for directive in &source.directives {
        if let [word, name, ..] = directive.words.as_slice()
            && word == "define"
            && taken.contains(name.as_str())
        {
            add(
                directive.line,
                "built-in",
                format!("{name} belongs to MQL5"),
            );
        }
    }
    for function in functions {
        if taken.contains(function.name.as_str()) {
            add(
                function.line,
                "built-in",
                format!("{} belongs to MQL5", function.name),
            );
        }
    }
    for (at, token) in source
        .tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.kind == Kind::Word)
    {
        let declared = at > 0
            && (source
                .word(at - 1)
                .is_some_and(|before| !NOT_CALLED.contains(&before))
                || source.is(at - 1, "&"))
            && ["=", ";", ",", ")", "["]
                .iter()
                .any(|sign| source.is(at + 1, sign));
        let is_operand = source.is(at.wrapping_sub(1), "&")
            && at > 1
            && (source.is(at - 2, "&") || source.is(at - 2, ")"));
        if declared
            && !is_operand
            && taken.contains(token.text.as_str())
            && !constants.contains(token.text.as_str())
        {
            add(
                token.line,
                "built-in",
                format!("{} belongs to MQL5", token.text),
            );
        }
        let shouted = token.text.contains('_')
            && token
                .text
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            && token.text.starts_with(|c: char| c.is_ascii_uppercase());
        if shouted && !taken.contains(token.text.as_str()) && !defined.contains(token.text.as_str())
        {
            add(
                token.line,
                "constant",
                format!("{} is neither documented nor defined here", token.text),
            );
        }
    }
}

/// Every call is of our own function or of a documented one, with a number of arguments that it takes; whether their types
/// fit is the compiler's to say.
fn calls(
    source: &Source,
    functions: &[Function],
    add: &mut impl FnMut(usize, &'static str, String),
) {
    let documented = documented_forms();
    let own = own_forms(source, functions);
    let defined: BTreeSet<usize> = functions.iter().map(|function| function.at).collect();
    for (at, token) in source.tokens.iter().enumerate() {
        let Some(name) = source.word(at).filter(|_| !defined.contains(&at)) else {
            continue;
        };
        let known = own.contains_key(name) || documented.contains_key(name);
        if known && !source.is(at + 1, "(") {
            add(
                token.line,
                "bare call",
                format!("{name} is named without being called"),
            );
        }
        if !source.is(at + 1, "(") || NOT_CALLED.contains(&name) {
            continue;
        }
        if !functions.iter().any(|one| one.body.contains(&at)) {
            add(
                token.line,
                "outside",
                format!("{name} is called outside of any function, where no rule sees when"),
            );
            continue;
        }
        if let Some((_, why)) = FORBIDDEN.iter().find(|(forbidden, _)| *forbidden == name) {
            add(token.line, "forbidden", format!("{name}: {why}"));
            continue;
        }
        let given = source.parts(at + 1).len();
        match own.get(name).or_else(|| documented.get(name)) {
            None => add(
                token.line,
                "unknown call",
                format!("{name} is neither in this file nor in the table of signatures"),
            ),
            Some(forms)
                if !forms
                    .iter()
                    .any(|(least, most)| (*least..=*most).contains(&given)) =>
            {
                add(
                    token.line,
                    "arguments",
                    format!("{name} does not take {given} argument(s)"),
                );
            }
            Some(_) => {}
        }
    }
}

/// Structs hold data alone and nothing is a class, so that every line that does something stands in a plain function.
fn plain_structs(source: &Source, add: &mut impl FnMut(usize, &'static str, String)) {
    const CLASSES: &[&str] = &["class", "interface", "union", "operator", "virtual", "this"];
    for (at, token) in source.tokens.iter().enumerate() {
        let Some(word) = source.word(at) else {
            continue;
        };
        if CLASSES.contains(&word) {
            add(
                token.line,
                "plain",
                format!("{word}: only functions and structs of data are used"),
            );
        }
        if word == "struct" && !source.is(at + 2, "{") {
            add(token.line, "plain", "a struct made from another".into());
        } else if word == "struct" {
            let end = source.after_bracket(at + 2);
            if let Some(method) = (at + 2..end).find(|&inside| source.is(inside, "(")) {
                add(
                    source.tokens[method].line,
                    "plain",
                    "a struct with a function of its own".into(),
                );
            }
        }
    }
}

/// A trade request leaves in one place only, between "sent" in the journal and the result in the journal.
fn order_send(
    source: &Source,
    functions: &[Function],
    add: &mut impl FnMut(usize, &'static str, String),
) {
    let mut places = Vec::new();
    for function in functions {
        let called = |name: &str| -> Vec<usize> {
            function
                .body
                .clone()
                .filter(|&at| source.is(at, name) && source.is(at + 1, "("))
                .collect()
        };
        for sent in called("OrderSend") {
            places.push(source.tokens[sent].line);
            let line = source.tokens[sent].line;
            let before = |name: &str| called(name).iter().any(|&at| at < sent);
            let after = |name: &str| called(name).iter().any(|&at| at > sent);
            if !before("JournalSent") {
                add(
                    line,
                    "journal first",
                    "OrderSend without JournalSent before it".into(),
                );
            }
            let busy = function
                .body
                .clone()
                .any(|at| at < sent && source.tokens[at].text == "\"BUSY\"");
            if !busy {
                add(
                    line,
                    "journal first",
                    "OrderSend without BUSY before it".into(),
                );
            }
            if source.loops().iter().any(|extent| extent.contains(&sent)) {
                add(
                    line,
                    "journal first",
                    "OrderSend in a loop: one record in the journal is one request".into(),
                );
            }
            if !after("JournalResult") {
                add(
                    line,
                    "journal first",
                    "OrderSend without JournalResult after it".into(),
                );
            }
        }
    }
    for line in places.into_iter().skip(1) {
        add(
            line,
            "journal first",
            "OrderSend is called in a second place".into(),
        );
    }
}
