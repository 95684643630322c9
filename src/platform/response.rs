//! Reading an answer's status and headers: what kind of answer it is, before its body means anything.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};

use super::error::{CallErrorKind, ConnectProblem};
use super::wire::ErrorBody;

/// Statuses that mean the same with any body.
pub(super) fn refused_by_status(response: &Response) -> Option<CallErrorKind> {
    let status = response.status();
    if status.is_redirection() {
        return Some(CallErrorKind::Redirected {
            to: redirect_target(response),
        });
    }
    match status {
        StatusCode::METHOD_NOT_ALLOWED => Some(CallErrorKind::MethodNotAllowed),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Some(CallErrorKind::Connect(ConnectProblem::Proxy))
        }
        StatusCode::REQUEST_TIMEOUT => Some(CallErrorKind::Timeout),
        StatusCode::TOO_MANY_REQUESTS => Some(CallErrorKind::RateLimited {
            retry_after: retry_after(response.headers(), Timestamp::now()),
        }),
        status if status.is_server_error() && !is_json(response.headers()) => {
            Some(CallErrorKind::Server {
                status: status.as_u16(),
                retry_after: retry_after(response.headers(), Timestamp::now()),
            })
        }
        _ => None,
    }
}

pub(super) fn kind_of(status: StatusCode, retry_after: Option<Duration>) -> CallErrorKind {
    match status.as_u16() {
        400 | 422 => CallErrorKind::BadRequest,
        401 => CallErrorKind::Unauthorized,
        403 => CallErrorKind::Forbidden,
        404 => CallErrorKind::NotFound,
        status @ 500..=599 => CallErrorKind::Server {
            status,
            retry_after,
        },
        status => CallErrorKind::Unexpected { status },
    }
}

/// The media type without its parameters. One that is too long to be shown is not cut: the half of a secret would not be
/// recognised as one.
pub(super) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let media = value.split(';').next().unwrap_or_default().trim();
    (!media.is_empty()).then(|| {
        if media.len() > 60 {
            "a type of over 60 characters".to_owned()
        } else {
            media.to_lowercase()
        }
    })
}

pub(super) fn is_json(headers: &HeaderMap) -> bool {
    content_type(headers)
        .is_some_and(|media| media == "application/json" || media.ends_with("+json"))
}

/// `Retry-After` in seconds or as a date, never more than a minute: a trader's order may wait behind it.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let until = jiff::fmt::rfc2822::DateTimeParser::new()
                .parse_timestamp(value)
                .ok()?;
            Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(Duration::from_secs(60)))
}

/// Where a redirect leads: origin and path, no query (`/login?callbackUrl=…`).
fn redirect_target(response: &Response) -> String {
    let target = response
        .headers()
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| response.url().join(value).ok());
    target.map_or_else(
        || "no address".to_owned(),
        |mut url| {
            url.set_query(None);
            url.set_fragment(None);
            let bare = url.set_username("").is_ok() && url.set_password(None).is_ok();
            match (bare, url.as_str()) {
                (true, text) if text.len() <= 120 => text.to_owned(),
                (true, _) => format!("a long address at {}", url.host_str().unwrap_or_default()),
                (false, _) => "no address".to_owned(),
            }
        },
    )
}

/// The platform's error code; anything that does not look like one is dropped, for bodies are never shown.
pub(super) fn error_code(body: &[u8]) -> Option<String> {
    let code = serde_json::from_slice::<ErrorBody>(body).ok()?.code?;
    let plain = code.len() <= 40
        && code
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    plain.then_some(code)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_absurd() {
        let now = "2026-01-05T10:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("60", Some(60)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("999999999", Some(60)),
            ("Mon, 05 Jan 2026 10:00:30 GMT", Some(30)),
            ("Mon, 05 Jan 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
            let wait = retry_after(&headers, now);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn json_is_recognised_in_its_spellings() {
        for (value, json) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/problem+json", true),
            ("text/json-ish", false),
            ("text/html", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
            assert_eq!(is_json(&headers), json, "{value}");
        }
    }

    #[test]
    fn what_is_too_long_to_be_shown_is_not_cut() {
        let secret = "5ec2e7ab".repeat(8);
        for (value, shown) in [
            ("Text/HTML; charset=utf-8".to_owned(), "text/html"),
            (format!("text/{secret}"), "a type of over 60 characters"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(&value).unwrap());
            assert_eq!(content_type(&headers).unwrap(), shown);
        }
    }
}
