//! The account of every key: what each leaf of the rules became. A leaf that no reader settled is refused at the
//! end, so nothing in foreign rules is ever passed over in silence.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::reason::{Reason, Rule, Skipped, quoted};

/// Beyond this a number in rules is a mistake, and arithmetic on it could overflow.
const LARGEST: Decimal = Decimal::from_parts(0xD4A5_1000, 0xE8, 0, false, 0); // 10^12

/// What a key became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Fate {
    /// It steers the plan, in the way said.
    Used(String),
    /// It steers nothing, for the reason said.
    Informational(String),
    /// It is not followed although it asks for something.
    Refused(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    pub path: String,
    pub fate: Fate,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (word, text) = match &self.fate {
            Fate::Used(text) => ("used", text),
            Fate::Informational(text) => ("informational", text),
            Fate::Refused(text) => ("refused", text),
        };
        write!(f, "{}: {word}, {text}", self.path)
    }
}

struct Leaf {
    fate: Option<Fate>,
    /// It asks for nothing: null, false, empty, or inside something switched off.
    inert: bool,
}

/// A place in the JSON under its path.
#[derive(Clone)]
pub(super) struct Node<'a> {
    pub path: String,
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    pub fn root(path: &str, value: &'a Value) -> Self {
        Self {
            path: path.to_owned(),
            value,
        }
    }

    /// The value under a key; `None` when it is absent or null.
    pub fn child(&self, key: &str) -> Option<Self> {
        match self.value.get(key) {
            None | Some(Value::Null) => None,
            Some(value) => Some(Self {
                path: join(&self.path, key),
                value,
            }),
        }
    }

    pub fn items(&self) -> Option<Vec<Self>> {
        let items = self.value.as_array()?.iter().enumerate();
        Some(
            items
                .map(|(index, value)| Self {
                    path: format!("{}[{index}]", self.path),
                    value,
                })
                .collect(),
        )
    }

    pub fn text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// A number, also when it is written as a string (R20).
    pub fn number(&self) -> Option<Decimal> {
        let text = match self.value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.trim().to_owned(),
            _ => return None,
        };
        let number = text
            .parse::<Decimal>()
            .or_else(|_| Decimal::from_scientific(&text))
            .ok()?;
        (number.abs() <= LARGEST).then(|| number.normalize())
    }

    pub fn flag(&self) -> Option<bool> {
        match self.value {
            Value::Bool(flag) => Some(*flag),
            Value::Number(number) if number.as_f64() == Some(1.0) => Some(true),
            Value::Number(number) if number.as_f64() == Some(0.0) => Some(false),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// Whether this object is switched on; absent counts as on (R16).
    pub fn enabled(&self) -> bool {
        self.child("enabled")
            .is_none_or(|flag| flag.flag() != Some(false))
    }
}

/// Collects what the readers find: the fate of each key, the reasons to refuse, the parts left out.
pub(super) struct Reader {
    leaves: BTreeMap<String, Leaf>,
    /// Objects that say of themselves that they are off.
    switched_off: Vec<String>,
    /// Switches that stand neither on nor off.
    unclear_switches: Vec<String>,
    pub reasons: Vec<Reason>,
    pub skipped: Vec<Skipped>,
}

impl Reader {
    pub fn new(roots: &[&Node<'_>]) -> Self {
        let mut leaves = BTreeMap::new();
        let mut switched_off = Vec::new();
        let mut unclear_switches = Vec::new();
        for root in roots.iter().filter(|root| !root.value.is_null()) {
            note_leaves(&mut leaves, &root.path, root.value, false);
            note_switches(&mut switched_off, &root.path, root.value);
            note_unclear_switches(&mut unclear_switches, &root.path, root.value);
        }
        Self {
            leaves,
            switched_off,
            unclear_switches,
            reasons: Vec::new(),
            skipped: Vec::new(),
        }
    }

    /// This value was read; what stands inside of it has to be read by name.
    pub fn used(&mut self, node: &Node<'_>, text: impl Into<String>) {
        if let Some(leaf) = self.leaves.get_mut(&node.path) {
            leaf.fate.get_or_insert_with(|| Fate::Used(text.into()));
        }
    }

    pub fn informational(&mut self, node: &Node<'_>, text: impl Into<String>) {
        self.settle(&node.path, &Fate::Informational(text.into()));
    }

    pub fn child_informational(&mut self, node: &Node<'_>, keys: &[&str], text: &str) {
        for key in keys {
            self.settle(
                &join(&node.path, key),
                &Fate::Informational(text.to_owned()),
            );
        }
    }

    /// The rules cannot run because of this key.
    pub fn refuse(&mut self, path: &str, rule: Rule, text: impl Into<String>) {
        let text = text.into();
        self.settle(path, &Fate::Refused(text.clone()));
        self.reasons.push(Reason::new(rule, path, text));
    }

    /// The rules run without this part, and say so.
    pub fn skip(&mut self, reason: Reason) {
        self.settle(
            &reason.key,
            &Fate::Refused(format!("skipped: {}", reason.text)),
        );
        self.skipped.push(Skipped(reason));
    }

    /// What was understood below this path is not followed after all.
    pub fn drop_part(&mut self, path: &str, why: &str) {
        for (leaf_path, leaf) in &mut self.leaves {
            if is_within(leaf_path, path) {
                leaf.fate = Some(Fate::Refused(format!("skipped: {why}")));
            }
        }
    }

    /// An optional number; anything that is not one is refused (R20).
    pub fn number(&mut self, parent: &Node<'_>, key: &str) -> Option<Decimal> {
        let node = parent.child(key)?;
        let number = node.number();
        if number.is_none() {
            self.refuse(&node.path, Rule::NotANumber, "is not a usable number");
        }
        number
    }

    /// An optional number that must lie above zero.
    pub fn positive(&mut self, parent: &Node<'_>, key: &str, rule: Rule) -> Option<Decimal> {
        let number = self.number(parent, key)?;
        if number > Decimal::ZERO {
            return Some(number);
        }
        let path = join(&parent.path, key);
        self.refuse(&path, rule, format!("{number} must be above zero"));
        None
    }

    pub fn flag(&mut self, parent: &Node<'_>, key: &str) -> bool {
        let Some(node) = parent.child(key) else {
            return false;
        };
        if let Some(flag) = node.flag() {
            return flag;
        }
        self.refuse(&node.path, Rule::UnknownName, "must be true or false");
        false
    }

    /// Gives this path, and everything below it that has no fate yet, its fate.
    fn settle(&mut self, path: &str, fate: &Fate) {
        if path.is_empty() {
            for leaf in self.leaves.values_mut() {
                leaf.fate.get_or_insert_with(|| fate.clone());
            }
            return;
        }
        let below = self
            .leaves
            .range_mut::<str, _>((std::ops::Bound::Included(path), std::ops::Bound::Unbounded))
            .take_while(|(leaf, _)| leaf.starts_with(path));
        for (leaf_path, leaf) in below {
            if is_within(leaf_path, path) {
                leaf.fate.get_or_insert_with(|| fate.clone());
            }
        }
    }

    /// Refuses what nobody read. Keys that ask for nothing are let pass as informational; keys beside a refused one were
    /// not reached, which is no reason of its own.
    pub fn close(&mut self) {
        self.refuse_unheard_switches();
        self.refuse_unclear_switches();
        let broken: Vec<&str> = self
            .reasons
            .iter()
            .filter_map(|reason| Some(reason.key.rsplit_once('.')?.0))
            .collect();
        let mut unread = Vec::new();
        for (path, leaf) in &mut self.leaves {
            if leaf.fate.is_some() {
                continue;
            }
            leaf.fate = Some(if leaf.inert {
                Fate::Informational("asks for nothing".to_owned())
            } else if broken.iter().any(|place| is_within(path, place)) {
                Fate::Refused("not read: a key beside it is refused".to_owned())
            } else {
                let text = "this key is not known";
                unread.push(Reason::new(Rule::UnknownName, path, text));
                Fate::Refused(text.to_owned())
            });
        }
        self.reasons.append(&mut unread);
    }

    /// What is switched off and followed all the same: its reader knows no such switch.
    fn refuse_unheard_switches(&mut self) {
        for place in std::mem::take(&mut self.switched_off) {
            let switch = join(&place, "enabled");
            let inside =
                |path: &str| path != switch && (place.is_empty() || is_within(path, &place));
            // A reader that has a word of its own on the switch knows it (R12: present means on).
            let is_unread = self
                .leaves
                .get(&switch)
                .is_some_and(|leaf| leaf.fate.is_none());
            let mut leaves = self.leaves.iter();
            let is_followed = is_unread
                && leaves
                    .any(|(path, leaf)| inside(path) && matches!(leaf.fate, Some(Fate::Used(_))));
            if !is_followed {
                continue;
            }
            let text = "this part cannot be switched off by itself; take it out, or switch the strategy off";
            if let Some(leaf) = self.leaves.get_mut(&switch) {
                leaf.fate = Some(Fate::Refused(text.to_owned()));
            }
            self.reasons
                .push(Reason::new(Rule::UnknownName, &switch, text));
        }
    }

    fn refuse_unclear_switches(&mut self) {
        for switch in std::mem::take(&mut self.unclear_switches) {
            let text = "must be true or false";
            let known = self.reasons.iter().any(|reason| reason.key == switch);
            if let Some(leaf) = self.leaves.get_mut(&switch).filter(|_| !known) {
                leaf.fate = Some(Fate::Refused(text.to_owned()));
                self.reasons
                    .push(Reason::new(Rule::UnknownName, &switch, text));
            }
        }
    }

    pub fn into_keys(self) -> Vec<Key> {
        self.leaves
            .into_iter()
            .filter_map(|(path, leaf)| leaf.fate.map(|fate| Key { path, fate }))
            .collect()
    }

    /// The first leaf of this object that asks for something and has no fate, leaving out the named children.
    pub fn first_unread(&self, node: &Node<'_>, but: &[&str]) -> Option<String> {
        let inside = format!("{}.", node.path);
        let left_out: Vec<String> = but.iter().map(|key| join(&node.path, key)).collect();
        self.leaves
            .range::<str, _>((
                std::ops::Bound::Included(inside.as_str()),
                std::ops::Bound::Unbounded,
            ))
            .take_while(|(path, _)| path.starts_with(&inside))
            .filter(|(path, _)| !left_out.iter().any(|out| is_within(path, out)))
            .find(|(_, leaf)| leaf.fate.is_none() && !leaf.inert)
            .map(|(path, _)| path.clone())
    }
}

/// Whether an object says of itself that it is off. The form writes so into partial exits that are on (R12).
fn is_off(path: &str, value: &Value) -> bool {
    !path.ends_with("enhancedPartialExits") && !Node::root(path, value).enabled()
}

fn note_switches(off: &mut Vec<String>, path: &str, value: &Value) {
    match value {
        Value::Object(map) => {
            if is_off(path, value) {
                off.push(path.to_owned());
            }
            for (key, value) in map {
                note_switches(off, &join(path, key), value);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                note_switches(off, &format!("{path}[{index}]"), value);
            }
        }
        _ => {}
    }
}

/// Of everything that is not switched off as a whole.
fn note_unclear_switches(unclear: &mut Vec<String>, path: &str, value: &Value) {
    match value {
        Value::Object(map) => {
            let here = Node::root(path, value);
            if is_off(path, value) {
                return;
            }
            let switches = ["enabled", "isActive"].into_iter();
            unclear.extend(
                switches
                    .filter_map(|key| here.child(key))
                    .filter(|switch| switch.flag().is_none())
                    .map(|switch| switch.path),
            );
            for (key, value) in map {
                note_unclear_switches(unclear, &join(path, key), value);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                note_unclear_switches(unclear, &format!("{path}[{index}]"), value);
            }
        }
        _ => {}
    }
}

fn note_leaves(leaves: &mut BTreeMap<String, Leaf>, path: &str, value: &Value, off: bool) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let off = off || is_off(path, value);
            for (key, value) in map {
                let place = join(path, key);
                note_leaves(leaves, &place, value, off);
                if !off
                    && value == &Value::Bool(false)
                    && is_switch(key)
                    && let Some(leaf) = leaves.get_mut(&place)
                {
                    leaf.inert = false;
                }
            }
        }
        Value::Array(items) if items.iter().any(|item| item.is_object() || item.is_array()) => {
            for (index, value) in items.iter().enumerate() {
                note_leaves(leaves, &format!("{path}[{index}]"), value, off);
            }
        }
        // The roots themselves are no keys.
        _ if path.is_empty() => {}
        _ => {
            let empty = match value {
                Value::Null | Value::Bool(false) => true,
                Value::String(text) => text.is_empty(),
                Value::Array(items) => items.is_empty(),
                Value::Object(map) => map.is_empty(),
                _ => false,
            };
            let inert = off || empty;
            // Two odd keys may share one shortened path; then neither may hide the other.
            leaves
                .entry(path.to_owned())
                .and_modify(|leaf| leaf.inert &= inert)
                .or_insert(Leaf { fate: None, inert });
        }
    }
}

/// `false` says nothing, unless it may switch off what it stands in: `isEnabled`, `allowBuy`.
fn is_switch(key: &str) -> bool {
    const PARTS: [&str; 10] = [
        "enabl",
        "activ",
        "aktif",
        "allow",
        "autotrad",
        "cantrad",
        "shouldtrad",
        "execut",
        "armed",
        "running",
    ];
    let key = key.replace(['_', '-'], "").to_ascii_lowercase();
    ["use", "on", "ison", "live", "islive", "trade"].contains(&key.as_str())
        || PARTS.iter().any(|part| key.contains(part))
}

/// Whether a path is this place or lies below it.
fn is_within(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn join(path: &str, key: &str) -> String {
    let plain = !key.is_empty()
        && key.len() <= 40
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    let key = if plain { key.to_owned() } else { quoted(key) };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}
