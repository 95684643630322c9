//! Pusher's signatures, pure: channel authorisation (protocol, "Private channels") and the REST API's request
//! signatures ("HTTP API, authentication").

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha2::{Digest as _, Sha256};

/// HMAC-SHA256's block: longer keys are hashed first (RFC 2104).
const BLOCK: usize = 64;

/// How far a publisher's clock may be off, in seconds (HTTP API, `auth_timestamp`).
pub(super) const TIMESTAMP_GRACE: i64 = 600;

/// Why a REST request is refused; the texts are what Pusher answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum RestRefusal {
    #[error("auth_key should be specified, but you sent none")]
    NoKey,
    #[error("Unknown auth_key {0}")]
    UnknownKey(String),
    #[error("auth_version should be 1.0")]
    Version,
    #[error(
        "Timestamp expired: Given timestamp ({given}) not within {TIMESTAMP_GRACE}s of server time ({now})"
    )]
    Expired { given: i64, now: i64 },
    #[error("auth_timestamp should be a Unix time, but you sent \"{0}\"")]
    Timestamp(String),
    #[error("Invalid body_md5: you sent \"{sent}\", the body's is \"{real}\"")]
    Body { sent: String, real: String },
    #[error(
        "Invalid signature: you should have sent HmacSHA256Hex({signed:?}, your_secret_key), but you sent {sent:?}"
    )]
    Signature { signed: String, sent: String },
}

/// What a REST request's signature is checked against.
#[derive(Clone, Copy, Debug)]
pub(super) struct RestRequest<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
    /// Unix seconds of the server's clock.
    pub now: i64,
}

pub(in crate::practice) fn hmac_hex(secret: &str, text: &str) -> String {
    let mut block = [0_u8; BLOCK];
    if secret.len() > BLOCK {
        let digest = Sha256::digest(secret.as_bytes());
        for (to, from) in block.iter_mut().zip(digest) {
            *to = from;
        }
    } else {
        for (to, from) in block.iter_mut().zip(secret.bytes()) {
            *to = from;
        }
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// What a channel's signature is over: two parts, or three when channel data was given.
pub(in crate::practice) fn channel_text(
    socket_id: &str,
    channel: &str,
    channel_data: Option<&str>,
) -> String {
    match channel_data {
        Some(data) => format!("{socket_id}:{channel}:{data}"),
        None => format!("{socket_id}:{channel}"),
    }
}

pub(in crate::practice) fn md5_hex(bytes: &[u8]) -> String {
    hex::encode(Md5::digest(bytes))
}

/// The text that a REST request signs: method, path and the sorted parameters without the signature itself.
pub(in crate::practice) fn rest_text(
    method: &str,
    path: &str,
    query: &BTreeMap<String, String>,
) -> String {
    let parameters: Vec<String> = query
        .iter()
        .filter(|(name, _)| *name != "auth_signature")
        .map(|(name, value)| format!("{}={value}", name.to_lowercase()))
        .collect();
    format!("{method}\n{path}\n{}", parameters.join("&"))
}

/// Compares without telling by time where two texts differ.
pub(in crate::practice) fn same_text(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .fold(0_u8, |difference, (a, b)| difference | (a ^ b))
            == 0
}

pub(super) fn check_rest(
    key: &str,
    secret: &str,
    request: RestRequest<'_>,
) -> Result<(), RestRefusal> {
    let field = |name: &str| request.query.get(name).map(String::as_str);
    match field("auth_key") {
        None => return Err(RestRefusal::NoKey),
        Some(sent) if sent != key => return Err(RestRefusal::UnknownKey(sent.to_owned())),
        Some(_) => {}
    }
    if field("auth_version") != Some("1.0") {
        return Err(RestRefusal::Version);
    }
    let sent = field("auth_timestamp").unwrap_or_default();
    let given: i64 = sent
        .parse()
        .map_err(|_| RestRefusal::Timestamp(sent.to_owned()))?;
    if given.saturating_sub(request.now).saturating_abs() > TIMESTAMP_GRACE {
        return Err(RestRefusal::Expired {
            given,
            now: request.now,
        });
    }
    if !request.body.is_empty() {
        let real = md5_hex(request.body);
        let sent = field("body_md5").unwrap_or_default();
        if sent != real {
            return Err(RestRefusal::Body {
                sent: sent.to_owned(),
                real,
            });
        }
    }
    let signed = rest_text(request.method, request.path, request.query);
    let sent = field("auth_signature").unwrap_or_default();
    if !same_text(&hmac_hex(secret, &signed), sent) {
        return Err(RestRefusal::Signature {
            signed,
            sent: sent.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with the official npm `pusher` 5.2.0.
    #[test]
    fn a_private_channel_with_channel_data_signs_three_parts() {
        let secret = "appsecret0123456789a";
        let data = r#"{"user_id":"cm2k9x3a40003l208abcd1234","user_info":{"authType":"api-key","executorId":"cm2k9x3a40002l208abcd1234"}}"#;
        let channel = "private-executor-cm2k9x3a40002l208abcd1234";
        let sign = |data| hmac_hex(secret, &channel_text("123456.7890123", channel, data));
        assert_eq!(
            sign(Some(data)),
            "23dc2e720fb130f6455a86a895f48795be789b308c17af2a4b0fe824333266df"
        );
        assert_eq!(
            sign(None),
            "281fda9322b7d1982bc09b090e3271c352868df6b06b1fe9d3b2a1d0794b15ed"
        );
    }

    /// The worked example of the HTTP API's documentation.
    #[test]
    fn the_documented_rest_example_is_accepted_and_any_change_is_not() {
        let body = br#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
        let query: BTreeMap<String, String> = [
            ("auth_key", "278d425bdf160c739803"),
            ("auth_timestamp", "1353088179"),
            ("auth_version", "1.0"),
            ("body_md5", "ec365a775a4cd0599faeb73354201b6f"),
            (
                "auth_signature",
                "da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c",
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let check = |body: &[u8], query: &BTreeMap<String, String>, now| {
            check_rest(
                "278d425bdf160c739803",
                "7ad3773142a6692b25b8",
                RestRequest {
                    method: "POST",
                    path: "/apps/3/events",
                    query,
                    body,
                    now,
                },
            )
        };
        assert_eq!(check(body, &query, 1_353_088_200), Ok(()));
        assert!(matches!(
            check(b"{}", &query, 1_353_088_200),
            Err(RestRefusal::Body { .. })
        ));
        assert!(matches!(
            check(body, &query, 1_353_088_179 + TIMESTAMP_GRACE + 1),
            Err(RestRefusal::Expired { .. })
        ));
        for (name, refused) in [
            ("auth_key", "Unknown auth_key x"),
            ("auth_version", "auth_version should be 1.0"),
            (
                "auth_timestamp",
                "auth_timestamp should be a Unix time, but you sent \"x\"",
            ),
        ] {
            let mut changed = query.clone();
            changed.insert(name.to_owned(), "x".to_owned());
            let refusal = check(body, &changed, 1_353_088_200).map_err(|error| error.to_string());
            assert_eq!(refusal, Err(refused.to_owned()));
        }
        let mut changed = query.clone();
        changed.insert("extra".to_owned(), "1".to_owned());
        assert!(matches!(
            check(body, &changed, 1_353_088_200),
            Err(RestRefusal::Signature { .. })
        ));
    }
}
