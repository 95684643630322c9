//! Reads every shape in which a command may arrive (contract §4.2, envelopes A-J) by one rule.
//!
//! Lenient about form, strict about meaning: nothing is guessed. Whatever cannot be read becomes [`Unreadable`], which
//! the trader sees with its raw text.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::command::{Command, CommandName, decimal_of};
use super::readable::{object_of, readable_part};
use super::snapshot::Source;

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

/// A stop is obeyed though something beside it cannot be read. Where that is its scope it stops everything.
fn stop_in(raw: &str) -> Option<Map<String, Value>> {
    let object = readable_part(raw)?;
    let name = name_of(&object)?;
    (CommandName::parse(&name) == Some(CommandName::EmergencyStop)).then_some(object)
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
