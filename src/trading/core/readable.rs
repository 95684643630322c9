//! What of a JSON text can be read: an object, its texts with half an emoji, nothing so deep or so odd that the record of it
//! could not be read again; and, for what must be obeyed, the fields beside one that is broken.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::envelope::Unreadable;
use super::surrogates::mend_surrogates;

/// Nothing that a command means lies deeper. What does is cut off: a record must be readable again, and it holds the command
/// one level down.
const DEEPEST: usize = 48;

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
pub fn object_of(raw: &str) -> Result<Map<String, Value>, Unreadable> {
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

/// The fields of an object that can be read, and those of objects within it; what cannot is left out. For a text of which
/// [`object_of`] can make nothing.
pub fn readable_part(raw: &str) -> Option<Map<String, Value>> {
    /// Nothing that such an object means lies deeper.
    const LEVELS: u32 = 2;
    let mended = mend_surrogates(raw);
    let inner = serde_json::from_str::<String>(&mended);
    let mut part = Value::Object(readable_fields(
        inner.as_deref().unwrap_or(&mended),
        LEVELS,
    )?);
    cut_off(&mut part, DEEPEST);
    match part {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn readable_fields(raw: &str, levels: u32) -> Option<Map<String, Value>> {
    // What is not looked into may be anything that begins and ends.
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(raw).ok()?;
    let read = fields.into_iter().filter_map(|(key, raw)| {
        let whole = serde_json::from_str(raw.get()).ok();
        let part = || readable_fields(raw.get(), levels.checked_sub(1)?).map(Value::Object);
        Some((key, whole.or_else(part)?))
    });
    Some(read.collect())
}
