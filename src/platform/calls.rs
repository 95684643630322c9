//! What goes over the wire when a call goes right, and how its answer is read.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::json;

use super::scripted::{JSON, KEY, SECRET, Server, answer, client, report};
use super::*;

#[tokio::test]
async fn the_configuration_is_fetched_with_both_headers() {
    let body = r#"{"success":true,"config":{"executorId":"c1","executorName":"Desk","pusherKey":"k","pusherCluster":"ap1",
        "heartbeatInterval":60,"serverTime":"2001-01-01T00:00:00.000Z"}}"#;
    let server = Server::start(answer(200, JSON, body)).await.unwrap();
    let fetched = client(&server.url).config().await.unwrap();
    assert_eq!(fetched.config.executor_id, "c1");
    assert_eq!(fetched.config.pusher_cluster.as_deref(), Some("ap1"));
    assert_eq!(fetched.config.heartbeat_interval, Some(60));
    assert!(fetched.clock_offset.unwrap().as_hours() < -24 * 365 * 20);

    let request = &server.requests()[0];
    assert!(request.starts_with("GET /api/executor/config HTTP/1.1\r\n"));
    assert!(request.contains(&format!("x-api-key: {KEY}\r\n")));
    assert!(request.contains(&format!("x-api-secret: {SECRET}\r\n")));
}

#[tokio::test]
async fn half_an_emoji_in_a_name_does_not_cost_the_configuration() {
    let body = r#"{"success":true,"config":{"executorId":"c1","executorName":"Desk \ud83d"}}"#;
    let server = Server::start(answer(200, JSON, body)).await.unwrap();
    let fetched = client(&server.url).config().await.unwrap();
    assert_eq!(fetched.config.executor_id, "c1");
}

#[tokio::test]
async fn authorization_is_a_form_and_channel_data_comes_back_byte_for_byte() {
    let channel_data =
        r#"{"user_id":"u1",  "user_info":{"authType":"api-key","executorId":"c1","x":"é/\\"}}"#;
    let body = json!({"auth": "key:00ff", "channel_data": channel_data}).to_string();
    let server = Server::start(answer(200, JSON, &body)).await.unwrap();
    let auth = client(&server.url)
        .authorize("123.456", "private-executor-c1+ä")
        .await
        .unwrap();
    assert_eq!(auth.auth, "key:00ff");
    assert_eq!(auth.channel_data.as_deref(), Some(channel_data));
    assert_eq!(owner_of(channel_data).as_deref(), Some("u1"));
    assert!(!format!("{auth:?}").contains("00ff"));

    let request = &server.requests()[0];
    assert!(request.starts_with("POST /api/pusher/auth HTTP/1.1\r\n"));
    assert!(request.contains("content-type: application/x-www-form-urlencoded\r\n"));
    assert!(
        request.ends_with("\r\n\r\nsocket_id=123.456&channel_name=private-executor-c1%2B%C3%A4")
    );
}

#[tokio::test]
async fn an_authorization_without_a_signature_is_refused() {
    for body in [r#"{"auth":""}"#, r#"{"auth":"key:"}"#, r#"{"auth":"abc"}"#] {
        let server = Server::start(answer(200, JSON, body)).await.unwrap();
        let error = client(&server.url)
            .authorize("1.2", "private-executor-c1")
            .await
            .unwrap_err();
        assert!(
            matches!(error.kind, CallErrorKind::InvalidAnswer { .. }),
            "{body}"
        );
    }
}

#[test]
fn an_owner_is_read_only_where_there_is_one() {
    for (text, owner) in [
        (r#"{"user_id":"u1"}"#, Some("u1")),
        (r#"{"user_id":""}"#, None),
        (r#"{"user_id":5}"#, None),
        ("{}", None),
        ("", None),
    ] {
        assert_eq!(owner_of(text).as_deref(), owner, "{text}");
    }
}

#[tokio::test]
async fn a_heartbeat_brings_rows_with_their_text_and_the_clock() {
    let row =
        |n: usize| format!(r#"{{"id":"c{n}","command":"PAUSE","parameters":null, "n":1.10}}"#);
    let rows: Vec<String> = (0..10).map(row).collect();
    let body = format!(
        r#"{{"success":true,"executor":{{}},"pendingCommands":[{}],"timestamp":"{}"}}"#,
        rows.join(","),
        jiff::Timestamp::now() + Duration::from_secs(100)
    );
    let server = Server::start(answer(200, JSON, &body)).await.unwrap();
    let beat = client(&server.url)
        .heartbeat("a/../b c", BeatStatus::Online, &BeatMetadata::default())
        .await
        .unwrap();
    assert!(beat.more_waiting());
    assert_eq!(beat.rows[3].id.as_deref(), Some("c3"));
    assert_eq!(beat.rows[3].raw, row(3));
    let offset = beat.clock_offset.unwrap().as_secs();
    assert!((95..=101).contains(&offset), "{offset}");

    let request = &server.requests()[0];
    assert!(request.starts_with("POST /api/executor/a%2F..%2Fb%20c/heartbeat HTTP/1.1\r\n"));
    assert!(request.ends_with("\r\n\r\n{\"status\":\"online\",\"metadata\":{}}"));
}

#[tokio::test]
async fn a_heartbeat_without_rows_or_with_odd_ones_is_still_an_answer() {
    for (pending, expected) in [
        ("", vec![]),
        (r#","pendingCommands":null"#, vec![]),
        (r#","pendingCommands":[]"#, vec![]),
        (
            r#","pendingCommands":[7,{"id":null},{"id":12}]"#,
            vec![None, None, Some("12")],
        ),
    ] {
        let body = format!(r#"{{"success":true{pending}}}"#);
        let server = Server::start(answer(200, JSON, &body)).await.unwrap();
        let beat = client(&server.url)
            .heartbeat("c1", BeatStatus::Error, &BeatMetadata::default())
            .await
            .unwrap();
        let ids: Vec<_> = beat.rows.iter().map(|row| row.id.as_deref()).collect();
        assert_eq!(ids, expected, "{pending}");
        assert!(!beat.more_waiting());
        assert_eq!(beat.clock_offset, None);
    }
}

#[tokio::test]
async fn a_report_tells_who_issued_the_command() {
    let body = r#"{"success":true,"command":{"id":"cmd_1","userId":"u1","command":"START_STRATEGY",
        "parameters":{"strategyId":"s1"},"status":"executed","createdAt":"2026-01-05T10:00:00.000Z","user":{"id":"u1"}}}"#;
    let server = Server::start(answer(200, JSON, body)).await.unwrap();
    let told = client(&server.url).report("c1", &report()).await.unwrap();
    assert_eq!(told.user_id.as_deref(), Some("u1"));
    assert_eq!(told.parameters, Some(json!({"strategyId": "s1"})));
    assert_eq!(
        told.created_at,
        Some("2026-01-05T10:00:00Z".parse().unwrap())
    );

    let request = &server.requests()[0];
    assert!(request.starts_with("PATCH /api/executor/c1/command HTTP/1.1\r\n"));
    assert!(request.ends_with(
        r#"{"commandId":"cmd_1","status":"executed","result":{"message":"done","success":true}}"#
    ));
}

#[tokio::test]
async fn health_is_asked_without_our_credentials() {
    let server = Server::start(answer(200, JSON, r#"{"status":"healthy"}"#))
        .await
        .unwrap();
    let health = client(&server.url).health().await.unwrap();
    assert_eq!(health.status, "healthy");
    assert!(!server.requests()[0].contains("x-api"));
}

#[tokio::test]
async fn a_platform_under_a_path_is_called_under_it() {
    let server = Server::start(answer(200, JSON, r#"{"status":"healthy"}"#))
        .await
        .unwrap();
    for path in ["fx", "fx/", "fx/?a=b#c"] {
        client(&server.url.join(path).unwrap())
            .health()
            .await
            .unwrap();
    }
    for request in server.requests() {
        assert!(
            request.starts_with("GET /fx/api/health HTTP/1.1\r\n"),
            "{request}"
        );
    }
}
