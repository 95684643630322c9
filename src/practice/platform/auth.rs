//! `POST /api/pusher/auth` (contract §2): signs a private channel for an executor.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::super::pusher::signature::{channel_text, hmac_hex, same_text};
use super::Platform;
use super::answers::ApiError;

pub(super) fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .filter(|text| !text.is_empty())
}

impl Platform {
    pub(super) fn secret_is_right(&self, sent: &str) -> bool {
        same_text(self.identity.api_secret.expose_secret(), sent)
    }

    /// The exact text: key order and missing blanks are part of the signature.
    fn channel_data(&self) -> String {
        format!(
            r#"{{"user_id":"{}","user_info":{{"authType":"api-key","executorId":"{}"}}}}"#,
            self.identity.user_id, self.identity.executor_id
        )
    }

    fn may_listen(&self, channel: &str) -> bool {
        channel == self.executor_channel()
            || channel == format!("private-user-{}", self.identity.user_id)
            || channel.starts_with("presence-")
    }
}

/// A form is read, JSON is not: as on the platform it ends in 500, not 400. (The platform's reader takes
/// multipart too; no executor sends it and this one does not.)
pub(super) async fn authorize(
    State(platform): State<Platform>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match sign(&platform, &headers, &body) {
        Ok(answer) => answer,
        Err(error) => {
            platform.note(format!("Pusher auth refused: {error:?}"));
            error.into_response()
        }
    }
}

fn sign(platform: &Platform, headers: &HeaderMap, body: &Bytes) -> Result<Response, ApiError> {
    let is_form = header_text(headers, header::CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(ApiError::internal());
    }
    let (mut socket_id, mut channel) = (None, None);
    for (name, value) in url::form_urlencoded::parse(body) {
        match name.as_ref() {
            "socket_id" => socket_id = Some(value.into_owned()),
            "channel_name" => channel = Some(value.into_owned()),
            _ => {}
        }
    }
    let present = |field: Option<String>| field.filter(|text| !text.is_empty());
    let (Some(socket_id), Some(channel)) = (present(socket_id), present(channel)) else {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "Missing socket_id or channel_name",
        ));
    };
    let known = header_text(headers, "x-api-key") == Some(platform.identity.api_key.as_str())
        && header_text(headers, "x-api-secret").is_some_and(|sent| platform.secret_is_right(sent));
    if !known {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "Unauthorized: Invalid credentials",
        ));
    }
    if !platform.may_listen(&channel) {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "Forbidden: You do not have access to this channel",
        ));
    }
    let is_socket_id = socket_id.split_once('.').is_some_and(|(first, second)| {
        let digits =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits(first) && digits(second)
    });
    if !is_socket_id {
        return Err(ApiError::internal());
    }
    let data = platform.channel_data();
    let signature = hmac_hex(
        platform.identity.pusher_secret.expose_secret(),
        &channel_text(&socket_id, &channel, Some(&data)),
    );
    let auth = format!("{}:{signature}", platform.identity.pusher_key);
    Ok(Json(json!({"auth": auth, "channel_data": data})).into_response())
}
