//! Reading a stored condition object: its operator's meaning in comparisons, its nested `and`, its timeframe, and what each
//! of its keys became. `docs/rules.md` has the same table of operators in words.

mod operands;
mod subject;
mod word;

use super::condition::{Condition, Operand, Operator};
use super::indicator::{Series, Source, read_source};
use super::language::Language;
use super::ledger::{Node, Reader};
use super::reason::{Reason, Rule, quoted};
use crate::market::Timeframe;
pub(super) use operands::trend;
use subject::Subject;
use word::read_word;

/// How deep `and` may nest.
const DEEPEST: usize = 8;
/// Bars of the average that a volume is confirmed by.
const VOLUME_BARS: u32 = 20;

/// What the reader of conditions must know about the strategy.
#[derive(Clone, Copy)]
pub(super) struct Context {
    pub timeframe: Timeframe,
    /// Where a condition is looked at when it names no timeframe itself: the strategy's, or a confirmation's.
    pub on: Timeframe,
    /// The factor on the average volume that confirms a break.
    pub volume_factor: f64,
    /// The trader's word on a moving average against a bare number (R6).
    pub numbers_are_averages: bool,
}
/// Reads a condition object with its nested `and`; all of the result must hold. The keys are settled only when the
/// whole of it is understood.
pub(super) fn read_condition(
    reader: &mut Reader,
    node: &Node<'_>,
    context: Context,
) -> Result<Vec<Condition>, Reason> {
    let mut conditions = Vec::new();
    let mut next = Some(node.clone());
    let mut depth = 0;
    while let Some(node) = next {
        if depth == DEEPEST {
            return Err(Reason::new(
                Rule::Conditions,
                &node.path,
                format!("\"and\" nests deeper than {DEEPEST}"),
            ));
        }
        depth += 1;
        conditions.extend(read_one(reader, &node, context)?);
        next = node.child("and");
    }
    Ok(conditions)
}

/// Comparisons, the keys that said them, and those that would have said the length of a name without one.
#[derive(Default)]
struct Reading {
    conditions: Vec<Condition>,
    keys: Vec<&'static str>,
    lengths: Vec<&'static str>,
}

fn read_one(
    reader: &mut Reader,
    node: &Node<'_>,
    context: Context,
) -> Result<Vec<Condition>, Reason> {
    if !node.value.is_object() {
        return Err(Reason::new(
            Rule::Conditions,
            &node.path,
            "is not a condition",
        ));
    }
    let Some(indicator) = node.child("indicator") else {
        return Err(Reason::new(
            Rule::Conditions,
            &node.path,
            "names no indicator",
        ));
    };
    let (word, said) = read_word(node)?;
    let mut reading = Reading::default();
    for timeframe in timeframes(node, context)? {
        let from = reading.conditions.len();
        let subject = Subject {
            node,
            indicator: &indicator,
            said: &said,
            timeframe,
            own: context.timeframe,
            numbers_are_averages: context.numbers_are_averages,
        };
        let left = read_source(&indicator, node, "period", &mut reading.keys)?;
        subject.read(left, word, &mut reading)?;
        let mut sources = reading.conditions[from..]
            .iter()
            .flat_map(Condition::sources);
        if sources.any(|source| source.timeframe == timeframe) {
            reading.keys.extend(["timeframe", "timeframes"]);
        } else if ![context.timeframe, context.on].contains(&timeframe) {
            return Err(Reason::new(
                Rule::AmbiguousOperand,
                &node.path,
                format!("asks for {timeframe}, and what it names is of another timeframe"),
            ));
        }
    }
    if node
        .child("volumeConfirmation")
        .and_then(|flag| flag.flag())
        == Some(true)
    {
        reading.keys.push("volumeConfirmation");
        reading.conditions.push(Condition {
            left: Source::new(Series::Volume, context.timeframe),
            operator: Operator::Greater,
            right: Operand::Series {
                source: Source::new(Series::VolumeSma(VOLUME_BARS), context.timeframe),
                times: context.volume_factor,
                plus_pips: 0.0,
            },
        });
    }
    settle(reader, node, &reading, context)?;
    Ok(reading.conditions)
}

fn settle(
    reader: &mut Reader,
    node: &Node<'_>,
    reading: &Reading,
    context: Context,
) -> Result<(), Reason> {
    let words: Vec<String> = reading
        .conditions
        .iter()
        .map(|condition| condition.words(context.timeframe, Language::English))
        .collect();
    let words = words.join(" and ");
    let always = ["indicator", "condition", "operator"];
    for key in always.iter().chain(&reading.keys) {
        if let Some(child) = node.child(key) {
            reader.used(&child, words.clone());
        }
    }
    // The form writes a period of 14 beside every name that has its own (R5).
    let text = "the name says its own length, or has none";
    reader.child_informational(node, &["period"], text);
    reader.child_informational(node, &reading.lengths, text);
    let text = "the name says its own timeframe";
    reader.child_informational(node, &["timeframe", "timeframes"], text);
    reader.child_informational(node, &["description", "name", "id"], "a note to people");
    if !reading.keys.contains(&"value") {
        reader.child_informational(node, &["value"], "the operator needs no value");
    }
    if let Some(switch) = node.child("isActive").filter(|on| on.flag() == Some(true)) {
        reader.informational(&switch, "it is switched on");
    }
    if let Some(free) = node.child("confirmation") {
        let is_words = free
            .text()
            .is_some_and(|text| !text.starts_with(['{', '[']));
        if !is_words && free.flag() != Some(false) {
            return Err(Reason::new(
                Rule::UnknownName,
                &free.path,
                "asks for a condition of its own, which is not read in this place; put it under \"and\"",
            ));
        }
        reader.skip(Reason::new(
            Rule::UnknownName,
            &free.path,
            "is free text, which no program can follow",
        ));
    }
    match reader.first_unread(node, &["and", "enabled"]) {
        None => Ok(()),
        Some(unread) => Err(Reason::new(
            Rule::UnknownName,
            &unread,
            "changes the condition in a way that is not known",
        )),
    }
}

/// The timeframes on which the condition must hold: its own keys', else the strategy's.
fn timeframes(node: &Node<'_>, context: Context) -> Result<Vec<Timeframe>, Reason> {
    let own = context.timeframe;
    let mut wanted: Vec<Node<'_>> = node.child("timeframe").into_iter().collect();
    if let Some(several) = node.child("timeframes") {
        wanted.extend(several.items().unwrap_or_else(|| vec![several.clone()]));
    }
    let mut read = Vec::new();
    for node in wanted {
        let shown = node
            .text()
            .map_or_else(|| node.value.to_string(), str::to_owned);
        let Some(timeframe) = node.text().and_then(|text| text.parse::<Timeframe>().ok()) else {
            return Err(Reason::new(
                Rule::UnknownName,
                &node.path,
                format!("timeframe {} is not known", quoted(&shown)),
            ));
        };
        check_timeframe(timeframe, own, &node.path)?;
        if !read.contains(&timeframe) {
            read.push(timeframe);
        }
    }
    if read.is_empty() {
        check_timeframe(context.on, own, &node.path)?;
        read.push(context.on);
    }
    Ok(read)
}

/// Within a bar of the strategy several shorter bars close, and rules do not say which one counts.
fn check_timeframe(timeframe: Timeframe, own: Timeframe, path: &str) -> Result<(), Reason> {
    if timeframe >= own {
        return Ok(());
    }
    Err(Reason::new(
        Rule::UnknownName,
        path,
        format!("asks for {timeframe}, which is shorter than the strategy's {own}"),
    ))
}
