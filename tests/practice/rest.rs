//! The Pusher server's REST API with hand-made signatures.

use std::collections::BTreeMap;

use md5::Digest as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::world::{World, hmac_hex, send, start};

/// A signed REST request. `spoiled` replaces a query field after signing.
async fn rest(
    world: &World,
    (method, path, body): (&str, &str, &str),
    extra: &[(&str, &str)],
    spoiled: Option<(&str, &str)>,
) -> (u16, String) {
    let mut query: BTreeMap<String, String> = extra
        .iter()
        .chain(&[
            ("auth_key", world.pusher_key.as_str()),
            ("auth_version", "1.0"),
        ])
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let now = jiff::Timestamp::now().as_second();
    query.insert("auth_timestamp".to_owned(), now.to_string());
    if !body.is_empty() {
        let digest = hex::encode(md5::Md5::digest(body.as_bytes()));
        query.insert("body_md5".to_owned(), digest);
    }
    let joined: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let text = format!("{method}\n{path}\n{}", joined.join("&"));
    let signature = hmac_hex(world.pusher_secret.expose_secret(), &text);
    query.insert("auth_signature".to_owned(), signature);
    if let Some((name, value)) = spoiled {
        query.insert(name.to_owned(), value.to_owned());
    }
    let encoded: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&query)
        .finish();
    let url = format!("http://127.0.0.1:{}{path}?{encoded}", world.pusher_port);
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let answer = send(world.http.request(method, url).body(body.to_owned())).await;
    (answer.status, answer.text)
}

#[tokio::test]
async fn the_rest_api_publishes_one_event_or_a_batch_and_lists_channels() {
    let world = start().await;
    let mut client = world.executor_client().await;
    let (base, channel) = (
        format!("/apps/{}", world.pusher_app_id),
        world.executor_channel(),
    );
    let path = format!("{base}/events");
    let publish = async |path: &str, body: &Value| {
        rest(&world, ("POST", path, &body.to_string()), &[], None).await
    };

    let event = json!({"name": "e1", "channels": [channel, "executors"], "data": "plain text"});
    assert_eq!(publish(&path, &event).await, (200, "{}".to_owned()));
    assert_eq!(client.event("e1").await["data"], "plain text");
    assert_eq!(client.event("e1").await["channel"], "executors");

    let batch = json!({"batch": [
        {"name": "e2", "channel": channel, "data": "1"},
        {"name": "e3", "channel": channel, "data": "2"},
    ]});
    assert_eq!(
        publish(&format!("{base}/batch_events"), &batch).await.0,
        200
    );
    assert_eq!(client.event("e2").await["data"], "1");
    assert_eq!(client.event("e3").await["data"], "2");

    let own =
        json!({"name": "e4", "channels": [channel], "data": "x", "socket_id": client.socket_id});
    assert_eq!(publish(&path, &own).await.0, 200);
    let after = json!({"name": "e5", "channels": [channel], "data": "x"});
    assert_eq!(publish(&path, &after).await.0, 200);
    assert_eq!(
        client.next().await["event"],
        "e5",
        "not sent to the excluded socket"
    );

    let wishes = [
        ("filter_by_prefix", "private-"),
        ("info", "subscription_count"),
    ];
    let listed = rest(
        &world,
        ("GET", &format!("{base}/channels"), ""),
        &wishes,
        None,
    )
    .await;
    let expected = json!({"channels": {channel: {"subscription_count": 1}}});
    assert_eq!(serde_json::from_str::<Value>(&listed.1).unwrap(), expected);
    let nobody = format!("{base}/channels/nobody");
    let one = rest(&world, ("GET", &nobody, ""), &[], None).await;
    assert_eq!(one, (200, r#"{"occupied":false}"#.to_owned()));
}

#[tokio::test]
async fn the_rest_api_refuses_forged_old_and_large_requests() {
    let world = start().await;
    let path = format!("/apps/{}/events", world.pusher_app_id);
    let event = json!({"name": "e", "channels": ["c"], "data": "x"}).to_string();
    for (name, value, text) in [
        ("auth_signature", "0", "Invalid signature"),
        ("auth_key", "other", "Unknown auth_key"),
        ("auth_timestamp", "1", "Timestamp expired"),
        ("body_md5", "0", "Invalid body_md5"),
        ("auth_version", "2", "auth_version should be 1.0"),
    ] {
        let forged = rest(&world, ("POST", &path, &event), &[], Some((name, value))).await;
        assert!(
            forged.0 == 401 && forged.1.starts_with(text),
            "{name}: {forged:?}"
        );
    }
    let other_app = rest(&world, ("POST", "/apps/0/events", &event), &[], None).await;
    assert_eq!(other_app.0, 404);
    for (length, status) in [(10_240, 200), (10_241, 413)] {
        let body = json!({"name": "e", "channels": ["c"], "data": "x".repeat(length)}).to_string();
        assert_eq!(
            rest(&world, ("POST", &path, &body), &[], None).await.0,
            status
        );
    }
    for body in [
        json!({"name": "e", "data": "x"}),
        json!({"name": "", "channels": ["c"], "data": "x"}),
        json!({"name": "e", "channels": ["no good"], "data": "x"}),
        json!({"name": "e", "channels": ["c"], "data": {"not": "text"}}),
        json!([]),
    ] {
        let refused = rest(&world, ("POST", &path, &body.to_string()), &[], None).await;
        assert_eq!(refused.0, 400, "{body}");
    }
}
