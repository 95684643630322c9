//! What a START and an UPDATE may say beside the rules. What is not followed is refused by name, never left out.

use serde_json::{Map, Value};

use super::rules::StrategyEntry;

/// What a START consists of (contract, table of commands), and switches that stand on.
const FOLLOWED: [&str; 7] = [
    "strategyId",
    "strategyName",
    "symbol",
    "timeframe",
    "rules",
    "settings",
    "options",
];
/// Words about it that change nothing, as are those that end in `Id`, `At` or `By`.
const NOTES: [&str; 18] = [
    "id",
    "category",
    "author",
    "metadata",
    "isPublic",
    "isSystem",
    "isDefault",
    "isTemplate",
    "performance",
    "name",
    "description",
    "comment",
    "note",
    "notes",
    "reason",
    "source",
    "version",
    "tags",
];
/// Switches, in small letters without separators: those that are off at `false`, and those that are off at `true`.
const ON_SWITCHES: [&str; 5] = ["enabled", "isenabled", "enable", "active", "isactive"];
const OFF_SWITCHES: [&str; 4] = ["disabled", "isdisabled", "paused", "ispaused"];

/// # Errors
/// Something is switched off, or asked for where nothing here looks.
pub(super) fn check_start(args: &Map<String, Value>) -> Result<(), String> {
    if let Some(path) = switched_off(args) {
        return Err(format!(
            "it says \"enabled\": false{path}; switch it on on the platform, then activate it"
        ));
    }
    match args.iter().find(|(key, value)| !is_of_a_start(key, value)) {
        Some((key, _)) => Err(format!(
            "it says \"{key}\" beside its rules and settings, where nothing is followed; put it into \"settings\" or the rules"
        )),
        None => Ok(()),
    }
}

fn is_of_a_start(key: &str, value: &Value) -> bool {
    let is_note = NOTES.contains(&key) || ["Id", "At", "By"].iter().any(|end| key.ends_with(end));
    FOLLOWED.contains(&key) || is_note || is_empty(value) || stands_on(key, value) == Some(true)
}

/// What a switch says; `None`: it is none, or it says neither.
fn stands_on(key: &str, value: &Value) -> Option<bool> {
    let key = key.replace(['_', '-'], "").to_ascii_lowercase();
    let says = match value {
        Value::Bool(said) => *said,
        Value::Number(number) if number.as_f64() == Some(1.0) => true,
        Value::Number(number) if number.as_f64() == Some(0.0) => false,
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => true,
            "false" | "off" | "no" | "0" => false,
            _ => return None,
        },
        _ => return None,
    };
    if ON_SWITCHES.contains(&key.as_str()) {
        Some(says)
    } else if OFF_SWITCHES.contains(&key.as_str()) {
        Some(!says)
    } else {
        None
    }
}

/// The rules of an update of this strategy.
///
/// # Errors
/// It has none, has different ones in two places, switches something off, or asks for more than new rules.
pub(super) fn rules_of_update<'a>(
    args: &'a Map<String, Value>,
    known: &StrategyEntry,
) -> Result<&'a Value, String> {
    let updates = match args.get("updates") {
        None => None,
        Some(value) if is_empty(value) => None,
        Some(Value::Object(updates)) => Some(updates),
        Some(_) => {
            return Err(
                "its \"updates\" is no object, so what is to be updated is not known; nothing was changed"
                    .to_owned(),
            );
        }
    };
    let places = [
        args.get("rules"),
        args.get("newParameters"),
        updates.and_then(|updates| updates.get("rules")),
    ];
    let mut said = places
        .into_iter()
        .flatten()
        .filter(|value| !is_empty(value));
    let Some(rules) = said.next().filter(|rules| rules.is_object()) else {
        return Err(
            "\"rules\" (or \"newParameters\") is missing, so there is nothing to update".to_owned(),
        );
    };
    if said.any(|other| other != rules) {
        return Err(
            "it carries different rules in two places, so which are meant is not known; nothing was changed"
                .to_owned(),
        );
    }
    let mut asked = args.iter().chain(updates.into_iter().flatten());
    if let Some((key, _)) = asked.find(|(key, value)| !is_of_an_update(known, key, value)) {
        return Err(format!(
            "an update replaces the rules and nothing else, and this one says \"{key}\", too; nothing was changed. Stop the strategy and activate it again"
        ));
    }
    if let Some(path) = switched_off(args).or_else(|| updates.and_then(switched_off)) {
        return Err(format!(
            "it says \"enabled\": false{path}; nothing was changed. To end the strategy, stop it"
        ));
    }
    Ok(rules)
}

/// Where something is switched off, as the end of a sentence.
fn switched_off(args: &Map<String, Value>) -> Option<String> {
    if is_off(args) {
        return Some(String::new());
    }
    let parts = ["rules", "newParameters", "settings", "options"].into_iter();
    let mut parts = parts.filter_map(|key| Some((key, args.get(key)?.as_object()?)));
    parts.find_map(|(key, part)| {
        let entry = part.get("entry").and_then(Value::as_object);
        (is_off(part) || entry.is_some_and(is_off)).then(|| format!(" in \"{key}\""))
    })
}

fn is_off(holder: &Map<String, Value>) -> bool {
    let mut switches = holder.iter();
    switches.any(|(key, value)| stands_on(key, value) == Some(false))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// Whether an update may say this: what it replaces, and what is so already.
fn is_of_an_update(known: &StrategyEntry, key: &str, value: &Value) -> bool {
    let says = |text: &str| value.as_str().is_some_and(|value| value.trim() == text);
    let empty = value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
    match key {
        "strategyId" | "strategyName" | "name" | "rules" | "newParameters" | "updates"
        | "reason" | "comment" => true,
        "enabled" => value == &Value::Bool(true),
        "symbol" => says(&known.symbol) || says(&known.ordered_symbol),
        "timeframe" => says(&known.timeframe),
        "settings" => empty || value == &known.settings,
        // The platform's older form says whether to go on watching, which an update always does.
        "options" => {
            let only = |map: &serde_json::Map<String, Value>| {
                map.keys().all(|key| key == "restartMonitoring")
            };
            value == &known.options || empty || value.as_object().is_some_and(only)
        }
        _ => empty,
    }
}
