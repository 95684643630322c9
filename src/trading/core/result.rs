//! The result body of a report. The platform shows only `message`, and publishes the body again, so it stays small
//! (contract C7).

use serde_json::{Map, Value, json};

/// Bytes that a result body never exceeds.
pub const MAX_BODY: usize = 8 * 1024 - 1;
/// Bytes of the message inside the body, as JSON.
const MAX_MESSAGE: usize = 4 * 1024;

/// `{success, message, …details}`; details that would make it too large are left out, which the body then says.
pub fn body(success: bool, message: &str, details: Map<String, Value>) -> Value {
    let message = shortened(message);
    let mut body = details;
    body.insert("success".to_owned(), Value::Bool(success));
    body.insert("message".to_owned(), Value::String(message.clone()));
    let body = Value::Object(body);
    if body.to_string().len() <= MAX_BODY {
        body
    } else {
        json!({ "success": success, "message": message, "truncated": true })
    }
}

fn shortened(message: &str) -> String {
    let mut size = 0;
    let fits = |c: &char| {
        size += match c {
            '"' | '\\' => 2,
            c if c.is_ascii_control() => 6,
            c => c.len_utf8(),
        };
        size <= MAX_MESSAGE
    };
    let mut short: String = message.chars().take_while(fits).collect();
    if short.len() < message.len() {
        short.push('…');
    }
    short
}
