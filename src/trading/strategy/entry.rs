//! When to open: for each direction, alternatives of which one must hold whole. Every stored shape comes to that one form.

use serde::Serialize;

use super::clause::{Context, read_condition};
use super::condition::Condition;
use super::direction::first_word_side;
use super::language::Language;
use super::ledger::{Node, Reader};
use super::mirror::{Halves, read_halves};
use super::reason::{NO_DIRECTION, Reason, Rule, Skipped};
use super::shapes::{Group, Logic, read_shape};
use crate::market::{Side, Timeframe};

/// Conditions that must all hold. Never empty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Term {
    all_of: Vec<Condition>,
}

impl Term {
    fn new(all_of: Vec<Condition>) -> Option<Self> {
        (!all_of.is_empty()).then_some(Self { all_of })
    }

    pub fn conditions(&self) -> &[Condition] {
        &self.all_of
    }

    fn is_part_of(&self, other: &Self) -> bool {
        let mut own = self.all_of.iter();
        own.all(|condition| other.all_of.contains(condition))
    }
}

/// Alternatives of which one must hold. Never empty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trigger {
    any_of: Vec<Term>,
}

impl Trigger {
    fn new(any_of: Vec<Term>) -> Option<Self> {
        (!any_of.is_empty()).then_some(Self { any_of })
    }

    pub fn terms(&self) -> &[Term] {
        &self.any_of
    }

    /// Whether the other one holds wherever this one does.
    fn implies(&self, other: &Self) -> bool {
        let implied = |term: &Term| other.any_of.iter().any(|wider| wider.is_part_of(term));
        self.any_of.iter().all(implied)
    }
}

/// What the entry section came to.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub buys: Option<Trigger>,
    pub sells: Option<Trigger>,
    /// Listed conditions that are followed.
    pub rules: usize,
}

/// A condition that was understood.
struct Item {
    path: String,
    side: Option<Side>,
    conditions: Vec<Condition>,
}

pub(super) fn read_entry(
    reader: &mut Reader,
    rules: &Node<'_>,
    context: Context,
    local: Option<Side>,
) -> Entry {
    let groups = read_shape(reader, rules);
    let alone = groups.len() == 1;
    let mut terms = Terms::default();
    for group in &groups {
        match group.logic {
            Logic::And => read_all_of(reader, group, context, local, alone, &mut terms),
            Logic::Or => read_any_of(reader, group, context, local, &mut terms),
        }
    }
    let entry = Entry {
        buys: Trigger::new(terms.buys),
        sells: Trigger::new(terms.sells),
        rules: terms.rules,
    };
    if entry.buys.is_none() && entry.sells.is_none() && reader.reasons.is_empty() {
        refuse_when_nothing_is_left(reader);
    }
    if let (Some(buys), Some(sells)) = (&entry.buys, &entry.sells) {
        refuse_what_never_opens(reader, buys, sells);
    }
    entry
}

/// Both directions at once are no trade: one that never holds without the other never opens anything.
fn refuse_what_never_opens(reader: &mut Reader, buys: &Trigger, sells: &Trigger) {
    let sides = [(Side::Buy, buys, sells), (Side::Sell, sells, buys)];
    let never = sides
        .into_iter()
        .filter(|(_, own, other)| own.implies(other));
    for (side, ..) in never {
        let [own, other] = [side, side.opposite()].map(|side| side.name().to_ascii_lowercase());
        let text = format!(
            "every bar that would {own} would {other} too, and both at once are no trade, so it would never {own}; the two directions need conditions that differ"
        );
        reader.refuse("entry", Rule::Conditions, text);
    }
}

#[derive(Default)]
struct Terms {
    buys: Vec<Term>,
    sells: Vec<Term>,
    rules: usize,
}

impl Terms {
    fn add(&mut self, side: Side, conditions: Vec<Condition>) {
        let terms = match side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        };
        terms.extend(Term::new(conditions));
    }
}

/// Everything was skipped: then nothing runs, and each reason for skipping is a reason for refusing.
fn refuse_when_nothing_is_left(reader: &mut Reader) {
    let skipped = std::mem::take(&mut reader.skipped);
    reader
        .reasons
        .extend(skipped.into_iter().map(|Skipped(reason)| reason));
    if reader.reasons.is_empty() {
        reader.refuse(
            "entry",
            Rule::Conditions,
            "no condition is left to evaluate",
        );
    }
}

/// AND: one condition that is not understood makes the whole list unusable (R4). With both directions in one list each
/// direction is a list of its own (R2); a condition without a direction restricts both.
fn read_all_of(
    reader: &mut Reader,
    group: &Group<'_>,
    context: Context,
    local: Option<Side>,
    alone: bool,
    terms: &mut Terms,
) {
    let mut items = Vec::new();
    let mut failed = Vec::new();
    let own = group.items.iter().map(|node| (node, context.on, None));
    let besides = group.confirmations.iter();
    let besides = besides.map(|(node, on, key)| (node, *on, Some(key)));
    for (node, on, key) in own.chain(besides) {
        match read_item(reader, node, group.side, Context { on, ..context }) {
            Ok(item) => {
                if let Some(key) = key {
                    settle_timeframe(reader, key, on, &item.conditions);
                }
                items.push(item);
            }
            Err(reason) => failed.push(reason),
        }
    }
    if !failed.is_empty() {
        return leave_out(reader, group, alone, failed);
    }
    let doubt = mirrored_halves(&mut items, context.timeframe);
    let mut sides: Vec<Side> = [Side::Buy, Side::Sell]
        .into_iter()
        .filter(|side| items.iter().any(|item| item.side == Some(*side)))
        .collect();
    if sides.is_empty() {
        match local {
            Some(side) => sides.push(side),
            None => return refuse_direction(reader, doubt),
        }
    }
    let primary = &items[..group.items.len().min(items.len())];
    let has_primary = |side: &Side| {
        primary
            .iter()
            .any(|item| item.side.is_none_or(|own| own == *side))
    };
    if let Some(side) = sides.iter().find(|side| !has_primary(side)) {
        let text = format!(
            "a confirmation is for a {} and no primary condition is, so it would open by itself; give both one direction",
            side.name()
        );
        let reason = Reason::new(Rule::Direction, &group.path, text);
        return leave_out(reader, group, alone, vec![reason]);
    }
    let of = |side| -> Vec<Condition> {
        let own = items
            .iter()
            .filter(|item| item.side.is_none_or(|own| own == side));
        own.flat_map(|item| item.conditions.iter().copied())
            .collect()
    };
    let never = sides.iter().find_map(|side| contradiction(&of(*side)));
    if let Some((one, other)) = never {
        let words = |condition: Condition| condition.words(context.timeframe, Language::English);
        let text = format!(
            "\"{}\" and \"{}\" never hold at the same bar, so nothing would ever be opened; where one is for buying and the other for selling, begin each description with BUY or SELL",
            words(one),
            words(other)
        );
        let reason = Reason::new(Rule::Conditions, &group.path, text);
        return leave_out(reader, group, alone, vec![reason]);
    }
    for side in sides {
        terms.add(side, of(side));
    }
    terms.rules += items.len();
}

/// A list whose conditions must all hold is of no use without one of them: it alone refuses the rules, beside others it is
/// left out.
fn leave_out(reader: &mut Reader, group: &Group<'_>, alone: bool, reasons: Vec<Reason>) {
    if alone {
        for reason in reasons {
            reader.refuse(&reason.key, reason.rule, reason.text);
        }
        return;
    }
    for reason in reasons {
        reader.skip(reason);
    }
    let text = "the whole group is left out with it";
    reader.skip(Reason::new(Rule::UnknownName, &group.path, text));
    reader.drop_part(&group.path, text);
}

/// Two conditions that never hold together.
fn contradiction(all_of: &[Condition]) -> Option<(Condition, Condition)> {
    all_of.iter().enumerate().find_map(|(at, one)| {
        let mut later = all_of.iter().skip(at + 1);
        let other = later.find(|other| one.excludes(other))?;
        Some((*one, *other))
    })
}

/// OR: each condition is a trigger of its own; those not understood are left out and reported (R4).
fn read_any_of(
    reader: &mut Reader,
    group: &Group<'_>,
    context: Context,
    local: Option<Side>,
    terms: &mut Terms,
) {
    let mut items = Vec::new();
    for node in &group.items {
        match read_item(reader, node, group.side, context) {
            Ok(item) => items.push(item),
            Err(reason) => {
                // Whatever of the condition was understood before is not followed either.
                reader.skip(reason.clone());
                reader.drop_part(&node.path, &reason.text);
            }
        }
    }
    // The trader's choice is for rules without any direction; beside others it would be a guess.
    let undirected = items.iter().all(|item| item.side.is_none());
    let local = local.filter(|_| undirected);
    if undirected && local.is_none() && !items.is_empty() {
        return refuse_direction(reader, None);
    }
    for item in items {
        match item.side.or(local) {
            Some(side) => {
                terms.add(side, item.conditions);
                terms.rules += 1;
            }
            None => {
                let text = "doesn't say whether it buys or sells, unlike the other conditions";
                reader.skip(Reason::new(Rule::Direction, &item.path, text));
                reader.drop_part(&item.path, text);
            }
        }
    }
}

fn refuse_direction(reader: &mut Reader, doubt: Option<String>) {
    if !reader.reasons.iter().any(|r| r.rule == Rule::Direction) {
        let doubt = doubt.map(|doubt| format!(": {doubt}")).unwrap_or_default();
        reader.refuse("", Rule::Direction, format!("{NO_DIRECTION}{doubt}"));
    }
}

/// A confirmation's timeframe, which its condition may have for itself.
fn settle_timeframe(
    reader: &mut Reader,
    key: &Node<'_>,
    timeframe: Timeframe,
    conditions: &[Condition],
) {
    let mut sources = conditions.iter().flat_map(Condition::sources);
    if sources.any(|source| source.timeframe == timeframe) {
        reader.used(key, "the timeframe on which it must hold");
    } else {
        reader.informational(key, "the condition says its own timeframe");
    }
}

fn read_item(
    reader: &mut Reader,
    node: &Node<'_>,
    group: Option<Side>,
    context: Context,
) -> Result<Item, Reason> {
    let description = node.child("description");
    let described = description
        .as_ref()
        .and_then(|description| first_word_side(description.text()?));
    if let (Some(description), Some(side), None) = (&description, described, group) {
        reader.used(description, format!("the direction, {}", side.name()));
    }
    let conditions = read_condition(reader, node, context)?;
    Ok(Item {
        path: node.path.clone(),
        side: group.or(described),
        conditions,
    })
}

/// Gives each half of a list without any direction the one that mirrored halves say (R1); otherwise why they say none.
fn mirrored_halves(items: &mut [Item], own: Timeframe) -> Option<String> {
    let half = items.len() / 2;
    if !items.len().is_multiple_of(2) || items.iter().any(|item| item.side.is_some()) {
        return None;
    }
    let (first, second) = items.split_at_mut(half);
    let pairs = first.iter().zip(second.iter());
    let halves = read_halves(pairs.map(|(one, other)| (&*one.conditions, &*other.conditions)))?;
    let words = |condition: Condition| condition.words(own, Language::English);
    let why = match halves {
        Halves::First(side) => {
            first.iter_mut().for_each(|item| item.side = Some(side));
            second
                .iter_mut()
                .for_each(|item| item.side = Some(side.opposite()));
            return None;
        }
        Halves::EitherWay(one) => {
            format!(
                "the second half turns the first one round, but \"{}\" can be meant either way",
                words(one)
            )
        }
        Halves::Opposed { buys, sells } => format!(
            "the second half turns the first one round, but in one half \"{}\" speaks for buying and \"{}\" for selling",
            words(buys),
            words(sells)
        ),
    };
    Some(format!("{why}; or begin each description with BUY or SELL"))
}
