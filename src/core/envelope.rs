//! Reads every shape in which a command may arrive (contract §4.2, envelopes A-J) by one rule.
//!
//! Lenient about form, strict about meaning: nothing is guessed. Whatever cannot be read becomes [`Unreadable`], which
//! the trader sees with its raw text.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::command::{Command, CommandName, decimal_of};
use super::snapshot::Source;
use super::surrogates::mend_surrogates;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is not JSON: {0}")]
    NotJson(String),
    #[error("it is {0}, not an object")]
    NotAnObject(&'static str),
    #[error(
        "it names no command: neither \"command\" nor \"type\" nor \"command.action\" is a text"
    )]
    NoName,
    #[error("its \"{0}\" is no time: {1}")]
    NoTime(&'static str, String),
}

/// Reads an envelope. `local_id` becomes the id when the envelope has none; such a command is never reported.
pub fn read(
    raw: &str,
    source: Source,
    received_at: Timestamp,
    local_id: impl FnOnce() -> String,
) -> Result<Command, Unreadable> {
    let object = object_of(raw).or_else(|error| match error {
        Unreadable::NotJson(_) => stop_in(raw).ok_or(error),
        _ => Err(error),
    })?;
    let name = name_of(&object).ok_or(Unreadable::NoName)?;
    // Stops and pauses are obeyed whatever their age (contract C4).
    let ageless = CommandName::parse(&name).is_some_and(CommandName::never_stale);
    let time = |key| match time(&object, key) {
        Err(_) if ageless => Ok(None),
        told => told,
    };
    let created_at = time("createdAt")?.or(time("timestamp")?);
    let expires_at = time("expiresAt")?.or_else(|| {
        let life = object.get("expiry").and_then(decimal_of)?;
        let life = SignedDuration::from_millis(i64::try_from(life.trunc()).ok()?);
        created_at.unwrap_or(received_at).checked_add(life).ok()
    });
    let issuer = object
        .get("metadata")
        .and_then(|metadata| metadata.get("userId"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    let id = object.get("id").and_then(id_of);
    Ok(Command {
        local: id.is_none(),
        id: id.unwrap_or_else(local_id),
        name,
        args: args_of(&object),
        source,
        issuer,
        addressee: object
            .get("executorId")
            .and_then(Value::as_str)
            .map(str::to_owned),
        created_at,
        dated_here: false,
        given_after: None,
        doubted: None,
        expires_at,
        received_at,
        raw: raw.to_owned(),
    })
}

/// What is kept of an envelope that cannot be read: its raw text, and its id where one can be seen, so that the platform
/// hears of it and does not hand it out for ever (contract C3). It has no name.
pub fn unreadable(
    raw: String,
    source: Source,
    received_at: Timestamp,
    local_id: impl FnOnce() -> String,
) -> Command {
    let id = visible_id(&raw);
    Command {
        local: id.is_none(),
        id: id.unwrap_or_else(local_id),
        name: String::new(),
        args: Map::new(),
        source,
        issuer: None,
        addressee: None,
        created_at: None,
        dated_here: false,
        given_after: None,
        doubted: None,
        expires_at: None,
        received_at,
        raw,
    }
}

/// The id of an envelope, whatever else is in it: what is passed over may be nested deeper than can be read.
fn visible_id(raw: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Id {
        id: Value,
    }
    let read = |text: &str| serde_json::from_str::<Id>(text).ok();
    let found = read(raw).or_else(|| read(&serde_json::from_str::<String>(raw).ok()?));
    id_of(&found?.id)
}

/// Nothing that a command means lies deeper. What does is cut off: a record must be readable again, and it holds the command
/// one level down.
const DEEPEST: usize = 48;

/// A stop is obeyed though something beside it cannot be read. Where that is its scope it stops everything.
fn stop_in(raw: &str) -> Option<Map<String, Value>> {
    #[derive(Deserialize, Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Told {
        id: Option<Value>,
        command: Option<String>,
        r#type: Option<String>,
        executor_id: Option<Value>,
        metadata: Option<Value>,
        created_at: Option<Value>,
        timestamp: Option<Value>,
        expires_at: Option<Value>,
    }
    #[derive(Deserialize, Serialize)]
    struct Scope {
        parameters: Option<Value>,
        payload: Option<Value>,
    }
    // A list would be read as the fields in their order.
    if !raw.trim_start().starts_with('{') {
        return None;
    }
    let told: Told = serde_json::from_str(raw).ok()?;
    let scope = serde_json::from_str::<Scope>(raw);
    let scope = scope.and_then(serde_json::to_value).unwrap_or_default();
    let mut value = serde_json::to_value(told).ok()?;
    cut_off(&mut value, DEEPEST);
    let (Value::Object(mut object), mut scope) = (value, scope) else {
        return None;
    };
    cut_off(&mut scope, DEEPEST);
    if let Value::Object(scope) = scope {
        object.extend(scope);
    }
    let name = name_of(&object)?;
    (CommandName::parse(&name) == Some(CommandName::EmergencyStop)).then_some(object)
}

/// What stands for what was cut off: no key or list that somebody reads.
const CUT_OFF: &str = "(nested too deeply to be read)";

const PARSERS_OWN: &str = "$serde_json::private::";

fn cut_off(value: &mut Value, levels: usize) {
    if levels == 0 && (value.is_array() || value.is_object()) {
        *value = Value::String(CUT_OFF.to_owned());
    }
    let levels = levels.saturating_sub(1);
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| cut_off(value, levels)),
        Value::Object(object) => {
            // The parser would take such an object for something of its own when the record is read.
            object.retain(|key, _| !key.starts_with(PARSERS_OWN));
            for value in object.values_mut() {
                cut_off(value, levels);
            }
        }
        _ => {}
    }
}

/// The object inside `raw`, which may be encoded twice.
pub(super) fn object_of(raw: &str) -> Result<Map<String, Value>, Unreadable> {
    let mut value = value_of(raw)?;
    if let Value::String(inner) = &value {
        value = value_of(inner)?;
    }
    cut_off(&mut value, DEEPEST);
    match value {
        Value::Object(object) => Ok(object),
        Value::Null => Err(Unreadable::NotAnObject("null")),
        Value::Bool(_) => Err(Unreadable::NotAnObject("true or false")),
        Value::Number(_) => Err(Unreadable::NotAnObject("a number")),
        Value::String(_) => Err(Unreadable::NotAnObject("a text")),
        Value::Array(_) => Err(Unreadable::NotAnObject("a list")),
    }
}

/// A decoration must not cost a stop: half an emoji is read as a mark that something is missing.
fn value_of(text: &str) -> Result<Value, Unreadable> {
    let read = serde_json::from_str(text);
    read.or_else(|error| {
        serde_json::from_str(&mend_surrogates(text))
            .map_err(|_| Unreadable::NotJson(error.to_string()))
    })
}

/// The first text among `command`, `type`, `command.action`.
fn name_of(object: &Map<String, Value>) -> Option<String> {
    let command = object.get("command");
    [
        command,
        object.get("type"),
        command.and_then(|command| command.get("action")),
    ]
    .into_iter()
    .flatten()
    .filter_map(Value::as_str)
    .map(str::trim)
    .find(|name| !name.is_empty())
    .map(str::to_ascii_uppercase)
}

/// `parameters` if an object, else `payload`; a legacy envelope keeps its arguments inside `command`.
fn args_of(object: &Map<String, Value>) -> Map<String, Value> {
    ["parameters", "payload", "command"]
        .into_iter()
        .find_map(|key| object.get(key).and_then(Value::as_object))
        .cloned()
        .unwrap_or_default()
}

fn id_of(value: &Value) -> Option<String> {
    match value {
        Value::String(id) if !id.trim().is_empty() => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// `None`: it is not there. Something there that is no time is not guessed at: it may be the time after which nothing
/// may happen.
fn time(object: &Map<String, Value>, key: &'static str) -> Result<Option<Timestamp>, Unreadable> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => moment(value)
            .map(Some)
            .ok_or_else(|| Unreadable::NoTime(key, value.to_string())),
    }
}

fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        // JavaScript counts milliseconds, most others seconds; no second of this century has twelve digits.
        Value::Number(number) => match number.as_i64()? {
            seconds if seconds.abs() < 100_000_000_000 => Timestamp::from_second(seconds).ok(),
            millis => Timestamp::from_millisecond(millis).ok(),
        },
        _ => None,
    }
}
