//! The Pusher server by protocol 7, with a bare client.

use std::time::Duration;

use fx_executor::practice::PracticeOptions;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::world::{Client, End, LIMIT, hmac_hex, start, start_with};

#[tokio::test]
async fn a_client_is_greeted_and_its_ping_is_answered() {
    let world = start().await;
    let mut client = world.connect().await;
    assert_eq!(client.established().await, 120);
    let (first, second) = client.socket_id.split_once('.').unwrap();
    assert!(
        [first, second]
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    );
    client
        .say(&json!({"event": "pusher:ping", "data": {}}))
        .await;
    assert_eq!(client.next().await["event"], "pusher:pong");
}

#[tokio::test]
async fn an_unknown_key_and_a_wrong_protocol_end_with_their_codes() {
    let world = start().await;
    let key = &world.pusher_key;
    for (path, code) in [
        ("/app/unknown?protocol=7".to_owned(), 4001),
        (format!("/app/{key}"), 4008),
        (format!("/app/{key}?protocol=3"), 4007),
    ] {
        let mut client = Client::open(world.pusher_port, &path).await;
        let error = client.event("pusher:error").await;
        assert_eq!(error["data"]["code"], code, "{path}");
        assert_eq!(client.end().await, End::Code(code), "{path}");
    }
    assert_eq!(world.pusher_connections(), 0);
}

#[tokio::test]
async fn a_private_channel_needs_the_right_signature_over_the_channel_data() {
    let world = start().await;
    let mut client = world.connect().await;
    client.established().await;
    let channel = world.executor_channel();
    let signed = world.sign(&client.socket_id, &channel).await.json();
    let (auth, data) = (
        signed["auth"].as_str().unwrap(),
        signed["channel_data"].as_str().unwrap(),
    );
    let stale = world.sign("1.1", &channel).await.json()["auth"].clone();
    let right = hmac_hex(
        world.pusher_secret.expose_secret(),
        &format!("{}:{channel}:{data}", client.socket_id),
    );
    for (auth, data, refusal) in [
        (Value::Null, json!(data), "Auth info required".to_owned()),
        (
            json!(format!("other:{right}")),
            json!(data),
            "Invalid key in subscription auth data: 'other'".to_owned(),
        ),
        (
            json!(auth),
            Value::Null,
            format!(
                "Invalid signature: Expected HMAC SHA256 hex digest of {}:{channel}, but got {right}",
                client.socket_id
            ),
        ),
        (
            json!(auth),
            json!(data.replace(':', ": ")),
            "Invalid signature".to_owned(),
        ),
        (stale, json!(data), "Invalid signature".to_owned()),
    ] {
        client
            .say(&json!({"event": "pusher:subscribe", "data": {"channel": channel, "auth": auth, "channel_data": data}}))
            .await;
        let error = client.next().await;
        assert_eq!(
            (&error["event"], &error["data"]["code"]),
            (&json!("pusher:error"), &Value::Null)
        );
        let text = error["data"]["message"].as_str().unwrap();
        assert!(text.starts_with(&refusal), "{text}");
    }
    assert!(!world.executor_is_subscribed());
    let wish = json!({"event": "pusher:subscribe", "data": {"channel": channel, "auth": auth, "channel_data": data}});
    client.say(&wish).await;
    let done = client.next().await;
    assert_eq!(done["event"], "pusher_internal:subscription_succeeded");
    assert_eq!(done["channel"], channel);
    assert!(world.executor_is_subscribed());
    client.say(&wish).await;
    let twice = client.next().await;
    assert_eq!(
        twice["data"]["message"],
        format!("Existing subscription to channel {channel}")
    );

    client
        .say(&json!({"event": "pusher:unsubscribe", "data": {"channel": channel}}))
        .await;
    let gone = world
        .wait_for(LIMIT, |world| {
            (!world.executor_is_subscribed()).then_some(())
        })
        .await;
    assert!(gone.is_some());
}

#[tokio::test]
async fn channels_that_are_not_offered_are_refused_by_name() {
    let world = start().await;
    let mut client = world.connect().await;
    client.established().await;
    for channel in ["presence-room", "private-encrypted-x", "bad name", "", "#x"] {
        client
            .say(&json!({"event": "pusher:subscribe", "data": {"channel": channel}}))
            .await;
        assert_eq!(client.next().await["event"], "pusher:error", "{channel}");
    }
    for wrong in ["[]", "null", "{}", "not json", "\"x\""] {
        client.socket_send(wrong).await;
        assert_eq!(client.next().await["event"], "pusher:error", "{wrong}");
    }
    client.say(&json!({"event": "pusher:ping"})).await;
    assert_eq!(client.next().await["event"], "pusher:pong", "still alive");
}

#[tokio::test]
async fn a_silent_client_is_pinged_and_then_closed_with_4201() {
    let world = start_with(PracticeOptions {
        activity_timeout: Duration::from_secs(1),
        ..PracticeOptions::default()
    })
    .await;
    let mut client = world.connect().await;
    assert_eq!(client.established().await, 1);
    assert_eq!(client.next().await["event"], "pusher:ping");
    client.say(&json!({"event": "pusher:pong"})).await;
    assert_eq!(
        client.next().await["event"],
        "pusher:ping",
        "a pong counts as life"
    );
}

#[tokio::test]
async fn the_end_of_the_world_closes_clients_with_4200_and_takes_under_a_second() {
    let end = tokio_util::sync::CancellationToken::new();
    let world = fx_executor::practice::start(PracticeOptions::default(), end.clone())
        .await
        .unwrap();
    let path = format!("/app/{}?protocol=7", world.pusher_key);
    let mut client = Client::open(world.pusher_port, &path).await;
    client.established().await;
    end.cancel();
    assert_eq!(client.end().await, End::Code(4200));
    tokio::time::timeout(Duration::from_secs(2), world.ended())
        .await
        .unwrap();
}

#[tokio::test]
async fn client_events_go_to_the_others_and_are_limited() {
    let world = start().await;
    let (mut one, mut two) = (world.executor_client().await, world.executor_client().await);
    let channel = world.executor_channel();
    let event = json!({"event": "client-hello", "channel": channel, "data": {"n": 1}});
    one.say(&event).await;
    assert_eq!(two.event("client-hello").await["data"], json!({"n": 1}));
    let public = json!({"event": "client-hello", "channel": "executors", "data": {}});
    one.say(&public).await;
    assert_eq!(one.event("pusher:error").await["data"]["code"], 4301);
    for _ in 0..12 {
        one.say(&event).await;
    }
    let limited = one.event("pusher:error").await;
    assert_eq!(
        limited["data"]["message"],
        "Client event rejected - rate limit exceeded"
    );
}

#[tokio::test]
async fn a_burst_arrives_whole_and_in_order() {
    const EVENTS: usize = 20_000;
    let world = start().await;
    let mut client = world.executor_client().await;
    let channel = world.executor_channel();
    let reading = async {
        for number in 0..EVENTS {
            let frame = client.next().await;
            assert_eq!(frame["data"], number.to_string());
        }
    };
    let sending = async {
        for number in 0..EVENTS {
            let data = json!(number.to_string());
            assert_eq!(world.deliver(&channel, "burst", &data).await, 1);
        }
    };
    tokio::join!(reading, sending);
}
