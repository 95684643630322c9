//! Every fault as a client meets it, through the control API.

use std::time::{Duration, Instant};

use fx_executor::practice::{Call, HttpFault, PracticeOptions, PusherFault, Server};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::world::{Client, End, LIMIT, World, send, start};

async fn switch_on(world: &World, fault: &Value) {
    world.post("/practice/faults", fault).await.unwrap();
}

/// The executor's five calls.
fn calls(world: &World) -> Vec<(&'static str, reqwest::RequestBuilder)> {
    let id = &world.executor_id;
    let form = [
        ("socket_id", "1.2".to_owned()),
        ("channel_name", world.executor_channel()),
    ];
    vec![
        ("config", world.own("GET", "/api/executor/config")),
        (
            "pusher-auth",
            world.own("POST", "/api/pusher/auth").form(&form),
        ),
        (
            "heartbeat",
            world
                .own("POST", &format!("/api/executor/{id}/heartbeat"))
                .json(&json!({})),
        ),
        (
            "command-report",
            world
                .bare("PATCH", &format!("/api/executor/{id}/command"))
                .json(&json!({"commandId": "unknown", "status": "executed"})),
        ),
        (
            "active-strategies",
            world.bare("GET", &format!("/api/executor/{id}/active-strategies")),
        ),
    ]
}

#[tokio::test]
async fn each_call_can_answer_each_status_html_nothing_or_be_reset_and_then_recovers() {
    let world = start().await;
    for (name, request) in calls(&world) {
        let again = || request.try_clone().unwrap();
        for status in [401, 403, 404, 429, 500] {
            switch_on(
                &world,
                &json!({"on": name, "fault": "status", "status": status, "times": 1}),
            )
            .await;
            let answer = send(again()).await;
            assert_eq!(answer.status, status, "{name}");
            assert!(answer.json()["error"].is_string());
        }
        switch_on(&world, &json!({"on": name, "fault": "html", "times": 1})).await;
        let html = send(again()).await;
        assert!(
            html.status == 200 && html.content_type.starts_with("text/html"),
            "{name}"
        );
        switch_on(&world, &json!({"on": name, "fault": "empty", "times": 1})).await;
        let empty = send(again()).await;
        assert_eq!((empty.status, empty.text.as_str()), (200, ""), "{name}");
        switch_on(&world, &json!({"on": name, "fault": "reset", "times": 1})).await;
        assert!(again().send().await.is_err(), "{name}");
        let healthy = send(again()).await;
        assert!(
            healthy.content_type.starts_with("application/json"),
            "{name} recovers"
        );
    }
    assert!(world.faults.list().is_empty());
}

#[tokio::test]
async fn a_lost_answer_was_processed_and_a_reset_was_not() {
    let world = start().await;
    for (fault, status) in [("reset", "pending"), ("lost-answer", "executed")] {
        let id = world.command("PAUSE", json!({}), "NORMAL").await.unwrap();
        switch_on(
            &world,
            &json!({"on": "command-report", "fault": fault, "times": 1}),
        )
        .await;
        let path = format!("/api/executor/{}/command", world.executor_id);
        let body = json!({"commandId": id, "status": "executed", "result": {"message": "x"}});
        assert!(
            world.bare("PATCH", &path).json(&body).send().await.is_err(),
            "{fault}"
        );
        assert_eq!(world.command_row(&id).unwrap().status, status, "{fault}");
    }
}

#[tokio::test]
async fn a_slow_call_is_answered_late_and_a_hanging_one_not_at_all() {
    let world = start().await;
    world
        .faults
        .http(Call::Heartbeat, HttpFault::Slow { ms: 300 }, Some(1))
        .unwrap();
    let started = Instant::now();
    assert_eq!(world.heartbeat(&json!({})).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(300));
    world
        .faults
        .http(Call::Heartbeat, HttpFault::Hang, Some(1))
        .unwrap();
    let path = format!("/api/executor/{}/heartbeat", world.executor_id);
    let hanging = world
        .own("POST", &path)
        .json(&json!({}))
        .timeout(Duration::from_millis(300));
    assert!(hanging.send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_fault_stands_until_it_is_cleared() {
    let world = start().await;
    world
        .faults
        .http(
            Call::Any,
            HttpFault::Status {
                status: 503,
                retry_after: None,
            },
            None,
        )
        .unwrap();
    for _ in 0..3 {
        assert_eq!(world.heartbeat(&json!({})).await.status, 503);
    }
    let cleared = send(world.bare("DELETE", "/practice/faults")).await;
    assert_eq!(
        cleared.status, 200,
        "the control API itself is never faulty"
    );
    assert_eq!(world.heartbeat(&json!({})).await.status, 200);
    let unreadable = send(
        world
            .bare("POST", "/practice/faults")
            .json(&json!({"on": "nothing"})),
    )
    .await;
    assert_eq!(unreadable.status, 400);
    let id = world
        .faults
        .http(Call::Config, HttpFault::Html, None)
        .unwrap();
    for status in [200, 404] {
        let answer = send(world.bare("DELETE", &format!("/practice/faults/{id}"))).await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn open_pusher_connections_are_closed_with_any_code_or_cut() {
    let world = start().await;
    for code in [1001, 4001, 4100, 4200, 4300] {
        let mut client = world.connect().await;
        client.established().await;
        switch_on(
            &world,
            &json!({"on": "pusher", "fault": "close", "code": code, "times": 1}),
        )
        .await;
        assert_eq!(client.end().await, End::Code(code));
    }
    let mut client = world.connect().await;
    client.established().await;
    switch_on(
        &world,
        &json!({"on": "pusher", "fault": "drop", "times": 1}),
    )
    .await;
    assert_eq!(client.end().await, End::Cut);

    switch_on(
        &world,
        &json!({"on": "pusher", "fault": "close", "code": 4200, "times": 2}),
    )
    .await;
    for _ in 0..2 {
        let mut client = world.connect().await;
        assert_eq!(client.end().await, End::Code(4200), "the next ones too");
    }
    world.connect().await.established().await;
}

#[tokio::test]
async fn a_refusing_pusher_is_a_closed_port_that_opens_again() {
    let world = start().await;
    let mut open = world.executor_client().await;
    world.faults.refuse(Server::Pusher, true);
    let address = ("127.0.0.1", world.pusher_port);
    let refused = async {
        loop {
            if tokio::net::TcpStream::connect(address).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, refused)
        .await
        .expect("the port closes");
    open.say(&json!({"event": "pusher:ping"})).await;
    assert_eq!(
        open.next().await["event"],
        "pusher:pong",
        "open connections stay"
    );
    assert!(
        world.activate("practice-scalper").await.is_ok(),
        "the platform says success anyway"
    );
    assert!(
        world
            .platform_log()
            .iter()
            .any(|line| line.starts_with("❌ Command not sent"))
    );
    world.faults.refuse(Server::Pusher, false);
    let reopened = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, reopened)
        .await
        .expect("the port opens again");
    world.activate("practice-scalper").await.unwrap();
    assert_eq!(open.command().await["command"], "START_STRATEGY");
}

#[tokio::test]
async fn a_frozen_pusher_takes_bytes_and_answers_nothing_until_it_thaws() {
    let world = start().await;
    let mut client = world.connect().await;
    client.established().await;
    world.faults.freeze(Server::Pusher, true);
    client.say(&json!({"event": "pusher:ping"})).await;
    let silence = tokio::time::timeout(Duration::from_millis(300), client.next()).await;
    assert!(silence.is_err(), "{silence:?}");
    let path = format!("/app/{}?protocol=7", world.pusher_key);
    let opening = tokio::time::timeout(
        Duration::from_millis(300),
        Client::open(world.pusher_port, &path),
    );
    assert!(opening.await.is_err(), "new ones hang too");
    world.faults.freeze(Server::Pusher, false);
    assert_eq!(client.next().await["event"], "pusher:pong");
}

#[tokio::test]
async fn a_platform_can_freeze_and_refuse_for_a_time_and_comes_back_by_itself() {
    let world = start().await;
    let path = format!("/api/executor/{}/heartbeat", world.executor_id);
    let beat = || world.own("POST", &path).json(&json!({}));
    switch_on(
        &world,
        &json!({"on": "platform", "fault": "freeze", "ms": 500}),
    )
    .await;
    let hanging = beat().timeout(Duration::from_millis(200)).send().await;
    assert!(hanging.unwrap_err().is_timeout());
    assert_eq!(send(beat()).await.status, 200, "answered when it thaws");

    switch_on(
        &world,
        &json!({"on": "platform", "fault": "refuse", "ms": 500}),
    )
    .await;
    assert_eq!(world.faults.door(Server::Platform), (true, false));
    let reopened = world.wait_for(LIMIT, |world| {
        (world.faults.door(Server::Platform) == (false, false)).then_some(())
    });
    assert!(reopened.await.is_some());
    let answered = async {
        while beat().send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, answered)
        .await
        .expect("the platform is back");
}

#[tokio::test]
async fn a_status_can_say_when_to_come_back_and_the_clock_can_be_wrong() {
    let world = start().await;
    let busy =
        json!({"on": "heartbeat", "fault": "status", "status": 503, "retryAfter": 7, "times": 1});
    switch_on(&world, &busy).await;
    let answer = world.heartbeat(&json!({})).await;
    assert_eq!(
        (
            answer.status,
            answer.headers["retry-after"].to_str().unwrap()
        ),
        (503, "7")
    );

    for (error_ms, seconds) in [(-90_000, -90), (3_600_000, 3_600)] {
        switch_on(
            &world,
            &json!({"on": "platform", "fault": "clock", "ms": error_ms}),
        )
        .await;
        let answer = world.heartbeat(&json!({})).await;
        let timestamp: Timestamp = answer.json()["timestamp"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        let date = answer.headers["date"].to_str().unwrap();
        let date = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
        for told in [timestamp, date] {
            let off = told.as_second() - Timestamp::now().as_second();
            assert!((off - seconds).abs() <= 2, "{off} s");
        }
    }
    world.faults.clear();
    let answer = world.heartbeat(&json!({})).await.json();
    let timestamp: Timestamp = answer["timestamp"].as_str().unwrap().parse().unwrap();
    assert!((timestamp.as_second() - Timestamp::now().as_second()).abs() <= 2);
}

#[tokio::test]
async fn the_end_of_the_world_does_not_wait_for_what_is_frozen() {
    let end = tokio_util::sync::CancellationToken::new();
    let world = fx_executor::practice::start(PracticeOptions::default(), end.clone())
        .await
        .unwrap();
    let path = format!("/app/{}?protocol=7", world.pusher_key);
    let mut client = Client::open(world.pusher_port, &path).await;
    client.established().await;
    world.faults.freeze(Server::Pusher, true);
    world.faults.freeze(Server::Platform, true);
    client.say(&json!({"event": "pusher:ping"})).await;
    let silence = tokio::time::timeout(Duration::from_millis(200), client.next()).await;
    assert!(silence.is_err(), "frozen");
    end.cancel();
    tokio::time::timeout(Duration::from_secs(2), world.ended())
        .await
        .expect("it ends");
    assert_eq!(client.end().await, End::Cut);
}

#[tokio::test]
async fn signatures_are_rejected_events_delayed_and_events_lost_as_often_as_asked() {
    let world = start().await;
    let mut client = world.connect().await;
    client.established().await;
    let channel = world.executor_channel();
    let signed = world.sign(&client.socket_id, &channel).await.json();
    let wish = json!({"event": "pusher:subscribe", "data": {
        "channel": channel, "auth": signed["auth"], "channel_data": signed["channel_data"]}});
    world
        .faults
        .pusher(PusherFault::RejectSignature, Some(1))
        .unwrap();
    client.say(&wish).await;
    let rejected = client.next().await;
    assert!(
        rejected["data"]["message"]
            .as_str()
            .unwrap()
            .starts_with("Invalid signature")
    );
    client.say(&wish).await;
    assert_eq!(
        client.next().await["event"],
        "pusher_internal:subscription_succeeded"
    );

    world
        .faults
        .pusher(PusherFault::LoseEvent, Some(1))
        .unwrap();
    let lost = world.activate("DEMO_RSI").await.unwrap();
    let delivered = world.activate("DEMO_RSI").await.unwrap();
    assert_eq!(client.command().await["id"], delivered);
    assert!(
        world.command_row(&lost).is_some(),
        "the row waits for a heartbeat"
    );

    world
        .faults
        .pusher(PusherFault::Delay { ms: 300 }, Some(1))
        .unwrap();
    let started = Instant::now();
    world.activate("DEMO_RSI").await.unwrap();
    client.command().await;
    assert!(started.elapsed() >= Duration::from_millis(300));
}
