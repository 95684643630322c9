//! Reads and writes the protocol's text frames. Pure, and lenient towards every server seen: `data` may be a string,
//! any other JSON, or absent. Finds event and channel first and leaves `data` as received, so that an unwanted event
//! costs no decoding.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::core::mend_surrogates;

/// A received frame, borrowed from its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    pub event: Cow<'a, str>,
    pub channel: Option<Cow<'a, str>>,
    /// The JSON of `data` exactly as received.
    raw_data: Option<&'a str>,
    /// The whole frame; some servers put an error's members beside `event`.
    text: &'a str,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error("a frame is not JSON: {0}")]
    Malformed(String),
    /// Valid JSON that is no event: an array, a number, an object without an event name.
    #[error("a frame is JSON but no event")]
    NotAnEvent,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    event: Option<&'a RawValue>,
    #[serde(borrow, default)]
    channel: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl<'a> Frame<'a> {
    /// # Errors
    /// [`FrameError::Malformed`] when the text is not JSON, [`FrameError::NotAnEvent`] when it names no event.
    pub fn parse(text: &'a str) -> Result<Self, FrameError> {
        if !text.trim_ascii_start().starts_with('{') {
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(malformed)?;
            return Err(FrameError::NotAnEvent);
        }
        let envelope: Envelope<'a> = serde_json::from_str(text).map_err(malformed)?;
        let event = envelope
            .event
            .and_then(|raw| decode_string(raw.get()))
            .ok_or(FrameError::NotAnEvent)?;
        Ok(Self {
            event: event.text,
            channel: envelope
                .channel
                .and_then(|raw| decode_string(raw.get()))
                .map(|channel| channel.text),
            raw_data: envelope.data.map(RawValue::get),
            text,
        })
    }

    /// The text of `data`: a string decoded once, anything else as its JSON, absent or `null` as empty.
    pub fn data(&self) -> Decoded<'a> {
        match self.raw_data {
            None | Some("null") => Decoded {
                text: Cow::Borrowed(""),
                damaged: false,
            },
            Some(raw) => decode_string(raw).unwrap_or(Decoded {
                text: Cow::Borrowed(raw),
                damaged: false,
            }),
        }
    }

    /// `data` as a value of its own, whether it came as an object or as a string that holds one.
    fn data_as<T: serde::de::DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(&self.data().text).ok()
    }

    /// Reads `pusher:connection_established`.
    pub fn greeting(&self) -> Option<Greeting> {
        self.data_as::<GreetingData>().and_then(|data| {
            Some(Greeting {
                socket_id: data.socket_id.filter(|id| !id.is_empty())?,
                activity_timeout: data.activity_timeout.as_ref().and_then(number),
            })
        })
    }

    /// Reads `pusher:error` and `pusher:subscription_error`: members in `data`, beside `event`, or plain text.
    pub fn error(&self) -> ServerError {
        let data = self.data();
        let members = serde_json::from_str::<ErrorData>(&data.text)
            .ok()
            .or_else(|| serde_json::from_str::<ErrorData>(self.text).ok())
            .unwrap_or_default();
        let message = match members.message.or(members.error) {
            Some(serde_json::Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => data.text.into_owned(),
        };
        ServerError {
            code: members.code.as_ref().and_then(number).map(to_integer),
            status: members
                .status
                .as_ref()
                .and_then(number)
                .map(to_integer)
                .and_then(|status| u16::try_from(status).ok()),
            message: without_signatures(&message),
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
fn malformed(error: serde_json::Error) -> FrameError {
    // Only kind and place: the text around it may hold anything.
    FrameError::Malformed(format!(
        "{:?} error at column {}",
        error.classify(),
        error.column()
    ))
}

/// Text decoded from a JSON string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    pub text: Cow<'a, str>,
    /// It held half a surrogate pair, which is no character; U+FFFD stands in its place.
    pub damaged: bool,
}

/// Decodes a JSON string literal; `None` when `raw` is another kind of value.
fn decode_string(raw: &str) -> Option<Decoded<'_>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(Decoded {
            text: Cow::Borrowed(inner),
            damaged: false,
        });
    }
    match serde_json::from_str::<String>(raw) {
        Ok(text) => Some(Decoded {
            text: Cow::Owned(text),
            damaged: false,
        }),
        // The syntax was checked with the frame, so only lone surrogates are left to go wrong.
        Err(_) => serde_json::from_str::<String>(&mend_surrogates(raw))
            .ok()
            .map(|text| Decoded {
                text: Cow::Owned(text),
                damaged: true,
            }),
    }
}

#[derive(Deserialize)]
struct GreetingData {
    #[serde(default)]
    socket_id: Option<String>,
    #[serde(default)]
    activity_timeout: Option<serde_json::Value>,
}

/// `pusher:connection_established`.
#[derive(Clone, Debug, PartialEq)]
pub struct Greeting {
    /// Opaque: its numbers may exceed 64 bits or begin with zeros.
    pub socket_id: String,
    /// Seconds, as sent: absent, negative and absurd values occur.
    pub activity_timeout: Option<f64>,
}

#[derive(Default, Deserialize)]
struct ErrorData {
    #[serde(default)]
    code: Option<serde_json::Value>,
    #[serde(default)]
    status: Option<serde_json::Value>,
    #[serde(default)]
    message: Option<serde_json::Value>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

/// What a server complains about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    pub code: Option<i64>,
    pub status: Option<u16>,
    /// Without the signatures that servers like to quote.
    pub message: String,
}

fn number(value: &serde_json::Value) -> Option<f64> {
    match value {
        serde_json::Value::Number(number) => number.as_f64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "codes are small; a cast saturates"
)]
fn to_integer(number: f64) -> i64 {
    number as i64
}

/// Shortens a message and blanks runs of 32 and more hex digits.
fn without_signatures(message: &str) -> String {
    const LONGEST: usize = 300;
    let mut clean = String::with_capacity(message.len().min(LONGEST));
    let mut run = String::new();
    for character in message.chars().chain(std::iter::once('\n')) {
        if character.is_ascii_hexdigit() {
            run.push(character);
            continue;
        }
        clean.push_str(if run.len() >= 32 { "…" } else { &run });
        run.clear();
        clean.push(character);
        if clean.len() >= LONGEST {
            clean.push('…');
            break;
        }
    }
    clean.trim_end().to_owned()
}

#[derive(Serialize)]
struct Subscribe<'a> {
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_data: Option<&'a str>,
}

#[derive(Serialize)]
struct Outgoing<'a, T: Serialize> {
    event: &'a str,
    data: T,
}

fn encode<T: Serialize>(event: &str, data: T) -> String {
    serde_json::to_string(&Outgoing { event, data }).unwrap_or_default()
}

pub const PING: &str = r#"{"event":"pusher:ping","data":{}}"#;
pub const PONG: &str = r#"{"event":"pusher:pong","data":{}}"#;

/// `pusher:subscribe`; `auth` only for private and presence channels.
pub fn subscribe(channel: &str, authorization: Option<&super::Authorization>) -> String {
    encode(
        "pusher:subscribe",
        Subscribe {
            channel,
            auth: authorization.map(|given| given.auth.as_str()),
            channel_data: authorization.and_then(|given| given.channel_data.as_deref()),
        },
    )
}

pub fn unsubscribe(channel: &str) -> String {
    encode(
        "pusher:unsubscribe",
        Subscribe {
            channel,
            auth: None,
            channel_data: None,
        },
    )
}
