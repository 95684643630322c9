//! The stored shapes of entry rules: a flat list, named groups, the AI writer's rules. Each is brought to groups of
//! conditions under one logic, with the direction where the shape carries it.

use super::direction::{first_word_side, name_side};
use super::ledger::{Node, Reader};
use super::reason::{Reason, Rule, quoted};
use crate::market::{Side, Timeframe};

/// More conditions than this in one list are a mistake.
const MOST_CONDITIONS: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Logic {
    And,
    Or,
}

/// A list of conditions under one logic, as each stored shape has them.
pub(super) struct Group<'a> {
    pub path: String,
    pub side: Option<Side>,
    pub logic: Logic,
    pub items: Vec<Node<'a>>,
    /// Conditions that must hold besides, each on a timeframe of its own, with the key that says it.
    pub confirmations: Vec<(Node<'a>, Timeframe, Node<'a>)>,
}

/// Finds the entry rules, whichever shape they have; empty when they are refused.
pub(super) fn read_shape<'a>(reader: &mut Reader, rules: &Node<'a>) -> Vec<Group<'a>> {
    match (rules.child("entry"), rules.child("rules")) {
        (Some(entry), None) => read_groups(reader, &entry),
        (None, Some(list)) => read_ai_rules(reader, &list),
        (Some(entry), Some(list)) => {
            let text = "two sets of entry rules (\"entry\" and \"rules\")";
            reader.refuse(&list.path, Rule::Conditions, text);
            reader.informational(&entry, text);
            Vec::new()
        }
        (None, None) => {
            reader.refuse("entry", Rule::Conditions, "there are no entry rules");
            Vec::new()
        }
    }
}

/// `entry.conditions`, or `entry.groups` whose names carry the direction.
fn read_groups<'a>(reader: &mut Reader, entry: &Node<'a>) -> Vec<Group<'a>> {
    let (conditions, groups) = (entry.child("conditions"), entry.child("groups"));
    match (conditions, groups) {
        (Some(conditions), None) => read_group(reader, entry, &conditions, None)
            .into_iter()
            .collect(),
        (None, Some(groups)) => {
            let nodes = groups.items().unwrap_or_default();
            if nodes.is_empty() {
                reader.refuse(
                    &groups.path,
                    Rule::Conditions,
                    "holds no group of conditions",
                );
                return Vec::new();
            }
            let logic = read_logic(reader, entry);
            if nodes.len() > 1 && logic != Some(Logic::Or) {
                reader.refuse(
                    &entry.path,
                    Rule::Conditions,
                    "groups can only be followed as alternatives (\"logic\": \"OR\")",
                );
                return Vec::new();
            }
            nodes
                .iter()
                .filter_map(|group| {
                    let side = group.child("name").and_then(|name| {
                        let side = name_side(name.text()?);
                        if side.is_some() {
                            reader.used(&name, "the direction of the group");
                        } else {
                            reader.informational(&name, "a note to people");
                        }
                        side
                    });
                    let Some(conditions) = group.child("conditions") else {
                        reader.refuse(&group.path, Rule::Conditions, "holds no conditions");
                        return None;
                    };
                    read_group(reader, group, &conditions, side)
                })
                .collect()
        }
        (Some(_), Some(_)) => {
            reader.refuse(
                &entry.path,
                Rule::Conditions,
                "two sets of entry rules (\"conditions\" and \"groups\")",
            );
            Vec::new()
        }
        (None, None) => {
            if let Some(primary) = entry.child("primary") {
                return read_primary(reader, entry, &primary).into_iter().collect();
            }
            reader.refuse(&entry.path, Rule::Conditions, "holds no conditions");
            Vec::new()
        }
    }
}

/// `entry.primary`, all of which must hold, and the required ones of `entry.confirmation`, each on its timeframe.
fn read_primary<'a>(
    reader: &mut Reader,
    entry: &Node<'a>,
    primary: &Node<'a>,
) -> Option<Group<'a>> {
    let mut group = read_items(reader, &entry.path, primary, None, Logic::And)?;
    for item in entry
        .child("confirmation")
        .and_then(|list| list.items())
        .unwrap_or_default()
    {
        let required = item.child("required").and_then(|flag| flag.flag());
        if required == Some(false) {
            let text = "is not required, so it confirms nothing that counts";
            reader.skip(Reason::new(Rule::Conditions, &item.path, text));
            continue;
        }
        let timeframe = item.child("timeframe");
        let known = timeframe
            .as_ref()
            .and_then(|node| node.text()?.parse::<Timeframe>().ok());
        let (Some(known), Some(node), Some(condition)) =
            (known, timeframe, item.child("condition"))
        else {
            let text = "a confirmation needs a known timeframe and a condition";
            reader.refuse(&item.path, Rule::Conditions, text);
            continue;
        };
        if let Some(flag) = item.child("required") {
            reader.used(&flag, "it must hold");
        }
        group.confirmations.push((condition, known, node));
    }
    if let Some(logic) = entry.child("logic") {
        let text = "all primary and required conditions must hold";
        let asks_for_less = logic
            .text()
            .is_some_and(|word| word.trim().eq_ignore_ascii_case("or"));
        if asks_for_less {
            reader.skip(Reason::new(Rule::Conditions, &logic.path, text));
        } else {
            reader.informational(&logic, text);
        }
    }
    Some(group)
}

/// The AI writer's list: each rule with its own conditions and an action that says the direction.
fn read_ai_rules<'a>(reader: &mut Reader, list: &Node<'a>) -> Vec<Group<'a>> {
    let nodes = list.items().unwrap_or_default();
    if nodes.is_empty() {
        reader.refuse(&list.path, Rule::Conditions, "holds no rule");
    }
    let mut groups = Vec::new();
    for node in nodes {
        reader.child_informational(&node, &["name", "description"], "a note to people");
        let action = node.child("action").and_then(|action| action.child("type"));
        let side = action
            .as_ref()
            .and_then(|action| first_word_side(action.text()?));
        if let Some(action) = &action {
            if side.is_some() {
                reader.used(action, "the direction of the rule");
            } else {
                let shown = action.text().unwrap_or_default();
                reader.refuse(
                    &action.path,
                    Rule::UnknownName,
                    format!("action {} cannot be followed yet", quoted(shown)),
                );
                reader.informational(&node, "its rule is refused");
                continue;
            }
        }
        if let Some(size) = node
            .child("action")
            .and_then(|action| action.child("parameters"))
            .and_then(|parameters| parameters.child("size"))
        {
            let text = "a size without a unit; the lots of the START settings count";
            reader.skip(Reason::new(Rule::Volume, &size.path, text));
        }
        match node.child("conditions") {
            Some(conditions) => groups.extend(read_group(reader, &node, &conditions, side)),
            None => reader.refuse(&node.path, Rule::Conditions, "holds no conditions"),
        }
    }
    groups
}

fn read_group<'a>(
    reader: &mut Reader,
    holder: &Node<'_>,
    conditions: &Node<'a>,
    side: Option<Side>,
) -> Option<Group<'a>> {
    let group = read_items(reader, &holder.path, conditions, side, Logic::And)?;
    let logic = match read_logic(reader, holder) {
        Some(logic) => logic,
        None if group.items.len() == 1 || holder.child("action").is_some() => Logic::And,
        None => {
            reader.refuse(
                &holder.path,
                Rule::Conditions,
                "doesn't say whether all conditions must hold (AND) or any one (OR)",
            );
            return None;
        }
    };
    Some(Group { logic, ..group })
}

/// The conditions of a list that are switched on.
fn read_items<'a>(
    reader: &mut Reader,
    path: &str,
    conditions: &Node<'a>,
    side: Option<Side>,
    logic: Logic,
) -> Option<Group<'a>> {
    let Some(all) = conditions.items() else {
        reader.refuse(
            &conditions.path,
            Rule::Conditions,
            "is not a list of conditions",
        );
        return None;
    };
    let mut items = Vec::new();
    for item in all {
        if item.enabled() {
            if let Some(flag) = item.child("enabled") {
                reader.used(&flag, "the condition is on");
            }
            items.push(item);
        } else {
            reader.informational(&item, "the condition is switched off");
        }
    }
    if items.is_empty() {
        reader.refuse(
            &conditions.path,
            Rule::Conditions,
            "holds no condition; an empty list is never true",
        );
        return None;
    }
    if items.len() > MOST_CONDITIONS {
        reader.refuse(
            &conditions.path,
            Rule::Conditions,
            format!("{} conditions are more than {MOST_CONDITIONS}", items.len()),
        );
        return None;
    }
    Some(Group {
        path: path.to_owned(),
        side,
        logic,
        items,
        confirmations: Vec::new(),
    })
}

fn read_logic(reader: &mut Reader, holder: &Node<'_>) -> Option<Logic> {
    let node = holder.child("logic")?;
    let text = node.text().unwrap_or_default();
    let (logic, words) = match text.trim().to_ascii_uppercase().as_str() {
        "AND" => (Logic::And, "all conditions of a direction must hold"),
        "OR" => (Logic::Or, "any one of the conditions is enough"),
        _ => {
            reader.refuse(
                &node.path,
                Rule::Conditions,
                format!("{} is neither AND nor OR", quoted(text)),
            );
            return None;
        }
    };
    reader.used(&node, words);
    Some(logic)
}
