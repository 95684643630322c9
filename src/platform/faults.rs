//! Every way in which a call can go wrong, in every call.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::scripted::{
    Act, HTML, JSON, KEY, PAGE, SECRET, Server, answer, answer_with, client_with, hasty, patient,
    report, tls,
};
use super::*;
use crate::net::proxy::ProxySetting;

async fn make(client: &PlatformClient, call: Call) -> Result<(), CallError> {
    match call {
        Call::Config => client.config().await.map(drop),
        Call::Authorize => client
            .authorize("123.456", "private-executor-c1")
            .await
            .map(drop),
        Call::Heartbeat => client
            .heartbeat("c1", BeatStatus::Online, &BeatMetadata::default())
            .await
            .map(drop),
        Call::Report => client.report("c1", &report()).await.map(drop),
        Call::Health => client.health().await.map(drop),
    }
}

/// The failure of each call, in the order of [`Call::ALL`], when the server does `act` every time.
async fn failures(act: Act) -> Vec<CallError> {
    let limits = match act {
        Act::Silence | Act::Drip => hasty(),
        _ => patient(),
    };
    let server = Server::start(act).await.unwrap();
    let client = client_with(&server.url, &ProxySetting::None, &tls(&[]), limits);
    let calls = Call::ALL.map(|call| make(&client, call));
    let failed = futures_util::future::join_all(calls).await;
    Call::ALL
        .into_iter()
        .zip(failed)
        .map(|(call, result)| {
            let error = result.unwrap_err();
            assert_eq!(error.call, call);
            error
        })
        .collect()
}

#[tokio::test]
async fn every_fault_in_every_call_is_a_typed_error_that_shows_nothing_secret() {
    use CallErrorKind as Kind;
    let not_json = |status, kind: Option<&str>| Kind::NotJson {
        status,
        content_type: kind.map(str::to_owned),
    };
    let leaky = format!(r#"{{"error":"{SECRET} {KEY}","code":"marked {SECRET}"}}"#);
    let server_fault = |status| Kind::Server {
        status,
        retry_after: None,
    };
    let table: Vec<(&str, Act, Kind)> = vec![
        ("400", answer(400, JSON, &leaky), Kind::BadRequest),
        ("401", answer(401, JSON, &leaky), Kind::Unauthorized),
        (
            "401 of a gateway",
            answer(401, HTML, PAGE),
            not_json(401, Some("text/html")),
        ),
        ("403", answer(403, JSON, &leaky), Kind::Forbidden),
        ("404", answer(404, JSON, &leaky), Kind::NotFound),
        (
            "404 page",
            answer(404, HTML, PAGE),
            not_json(404, Some("text/html")),
        ),
        ("405", answer(405, None, ""), Kind::MethodNotAllowed),
        (
            "418",
            answer(418, JSON, "{}"),
            Kind::Unexpected { status: 418 },
        ),
        (
            "429 text",
            answer_with(429, Some("text/plain"), &leaky, "Retry-After: 60\r\n"),
            Kind::RateLimited {
                retry_after: Some(Duration::from_secs(60)),
            },
        ),
        (
            "429 bare",
            answer(429, None, ""),
            Kind::RateLimited { retry_after: None },
        ),
        ("500", answer(500, JSON, &leaky), server_fault(500)),
        ("500 page", answer(500, HTML, PAGE), server_fault(500)),
        (
            "503",
            answer_with(503, JSON, "{}", "Retry-After: 7\r\n"),
            Kind::Server {
                status: 503,
                retry_after: Some(Duration::from_secs(7)),
            },
        ),
        (
            "page as answer",
            answer(200, HTML, PAGE),
            not_json(200, Some("text/html")),
        ),
        ("empty", answer(200, None, ""), not_json(200, None)),
        ("no content", answer(204, None, ""), not_json(204, None)),
        (
            "empty JSON",
            answer(200, JSON, ""),
            Kind::InvalidAnswer {
                what: "not readable at line 1 column 0".to_owned(),
            },
        ),
        (
            "broken JSON",
            answer(200, JSON, "{\"success\":tr"),
            Kind::InvalidAnswer {
                what: "not readable at line 1 column 13".to_owned(),
            },
        ),
        ("silence", Act::Silence, Kind::Timeout),
        ("one byte now and then", Act::Drip, Kind::Timeout),
        ("reset", Act::Reset, Kind::Interrupted),
        ("half a body", Act::HalfBody, Kind::Interrupted),
        ("endless", Act::Flood, Kind::TooLarge { limit: 64 * 1024 }),
        (
            "announced too large",
            answer(200, JSON, &" ".repeat(70_000)),
            Kind::TooLarge { limit: 64 * 1024 },
        ),
    ];
    for (name, act, kind) in table {
        for error in failures(act).await {
            assert_eq!(error.kind, kind, "{name} in {:?}", error.call);
            let shown = format!("{error} {error:?} {}", error.remedy());
            for hidden in [SECRET, KEY, "marked"] {
                assert!(!shown.contains(hidden), "{name}: {shown}");
            }
        }
    }
}

#[tokio::test]
async fn a_redirect_is_reported_and_never_followed() {
    let login = Server::start(answer(200, JSON, "{}")).await.unwrap();
    let location = format!("Location: {}login?callbackUrl=secret\r\n", login.url);
    for status in [301, 302, 303, 307, 308] {
        for error in failures(answer_with(status, None, "", &location)).await {
            let to = format!("{}login", login.url);
            assert_eq!(error.kind, CallErrorKind::Redirected { to });
        }
    }
    assert_eq!(login.requests(), [""; 0]);
}

#[tokio::test]
async fn the_platforms_error_code_is_kept() {
    let body = r#"{"error":"Unauthorized","code":"INVALID_CREDENTIALS"}"#;
    for error in failures(answer(401, JSON, body)).await {
        assert_eq!(error.code.as_deref(), Some("INVALID_CREDENTIALS"));
    }
}

#[test]
fn classes_follow_the_contract() {
    use Class::{Permanent, Retry, Revoked};
    let server = CallErrorKind::Server {
        status: 500,
        retry_after: None,
    };
    let gateway = |status| CallErrorKind::NotJson {
        status,
        content_type: None,
    };
    // In the order of `Call::ALL`: config, authorize, heartbeat, report, health.
    for (kind, classes) in [
        (
            CallErrorKind::Unauthorized,
            [Revoked, Revoked, Revoked, Retry, Retry],
        ),
        (
            CallErrorKind::Forbidden,
            [Retry, Retry, Revoked, Retry, Retry],
        ),
        (gateway(401), [Retry, Retry, Revoked, Retry, Retry]),
        (gateway(403), [Retry, Retry, Revoked, Retry, Retry]),
        (gateway(404), [Retry; 5]),
        (
            CallErrorKind::NotFound,
            [Revoked, Retry, Revoked, Permanent, Retry],
        ),
        (CallErrorKind::BadRequest, [Permanent; 5]),
        (CallErrorKind::MethodNotAllowed, [Retry; 5]),
        (server, [Retry; 5]),
        (CallErrorKind::Timeout, [Retry; 5]),
    ] {
        for (call, class) in Call::ALL.into_iter().zip(classes) {
            let error = CallError::new(call, kind.clone());
            assert_eq!(error.class(), class, "{kind:?} in {call:?}");
        }
    }
}

#[test]
fn credentials_that_cannot_be_headers_are_named_and_not_shown() {
    let credentials = Credentials {
        api_key: SecretString::from(KEY),
        api_secret: SecretString::from("line\nbreak"),
    };
    let url = Url::parse("https://platform.example").unwrap();
    let error =
        PlatformClient::new(&url, &credentials, &tls(&[]), &ProxySetting::System).unwrap_err();
    insta::assert_snapshot!(error.to_string(), @"apiSecret holds characters that cannot be sent; copy it again from the platform");
}

#[test]
fn failures_read_as_sentences() {
    let shown: Vec<String> = [
        (Call::Heartbeat, CallErrorKind::NotFound),
        (Call::Authorize, CallErrorKind::Forbidden),
        (
            Call::Config,
            CallErrorKind::NotJson {
                status: 404,
                content_type: Some("text/html".to_owned()),
            },
        ),
        (Call::Heartbeat, CallErrorKind::Interrupted),
        (
            Call::Report,
            CallErrorKind::Connect(ConnectProblem::Tls(
                "the certificate has expired".to_owned(),
            )),
        ),
    ]
    .into_iter()
    .map(|(call, kind)| CallError::new(call, kind).advice())
    .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    The heartbeat failed: the platform knows no executor with this id and API key (404). Check apiKey and executorId in Settings. The executor may have been deleted on the platform.
    The channel authorization failed: the platform refuses this channel to this API key (403). Clear executorId in Settings, or set it to the id that belongs to this API key.
    Fetching the executor's configuration failed: the answer is text/html instead of JSON (status 404). Check platformUrl in Settings: it must be the platform's own address, with https and without a path.
    The heartbeat failed: the connection ended before the answer was complete. Try again; if it stays so, check the connection, the firewall and any proxy on the way.
    Reporting a command's status failed: the secure connection failed: the certificate has expired. Check this computer's date and time, and whether a virus scanner or a company proxy replaces certificates.
    ");
}
