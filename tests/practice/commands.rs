//! What the platform's buttons put on the wire: every envelope, and the rows behind them.

use serde_json::{Value, json};

use crate::world::{send, start};

#[tokio::test]
async fn an_activation_reaches_the_executor_as_envelope_a_with_its_row_already_there() {
    let world = start().await;
    let mut client = world.executor_client().await;
    let id = world.activate("practice-scalper").await.unwrap();
    let envelope = client.command().await;
    assert_eq!(envelope["id"], id);
    assert_eq!(
        (&envelope["command"], &envelope["type"]),
        (&json!("START_STRATEGY"), &json!("START_STRATEGY"))
    );
    assert_eq!(envelope["priority"], "HIGH");
    assert_eq!(envelope["executorId"], world.executor_id);
    assert_eq!(envelope["parameters"], envelope["payload"]);
    assert_eq!(envelope["metadata"]["userId"], world.user_id);
    assert_eq!(envelope["metadata"]["source"], "web_platform");
    let parameters = &envelope["parameters"];
    assert_eq!(
        (&parameters["symbol"], &parameters["timeframe"]),
        (&json!("EURUSD"), &json!("M1"))
    );
    assert_eq!(
        (&parameters["enabled"], &parameters["options"]),
        (&json!(true), &json!({}))
    );
    let at =
        |field: &str| -> jiff::Timestamp { envelope[field].as_str().unwrap().parse().unwrap() };
    assert_eq!(
        at("expiresAt").as_millisecond() - at("createdAt").as_millisecond(),
        300_000
    );
    assert_eq!(world.command_row(&id).unwrap().status, "pending");
    assert!(world.pusher_saw(&world.executor_channel(), "command-received", &id));
    let line = format!(
        "✅ Command sent to executor {}: {{ commandId: '{id}', channel: '{}', event: 'command-received' }}",
        world.executor_id,
        world.executor_channel()
    );
    assert!(
        world.platform_log().contains(&line),
        "{:?}",
        world.platform_log()
    );
    assert_eq!(world.strategies()[0].status, "active");

    let stop = world.deactivate("practice-scalper", false).await.unwrap();
    let envelope = client.command().await;
    assert_eq!(
        (&envelope["id"], &envelope["command"]),
        (&json!(stop), &json!("STOP_STRATEGY"))
    );
    assert_eq!(envelope["payload"]["closePositions"], false);
    assert_eq!(world.strategies()[0].status, "inactive");
}

#[tokio::test]
async fn every_other_envelope_has_its_own_shape() {
    let world = start().await;
    let mut client = world.executor_client().await;
    let keys = |envelope: &Value| -> Vec<String> {
        envelope.as_object().unwrap().keys().cloned().collect()
    };

    let id = world
        .command("CLOSE_PROFITABLE", json!({"minProfit": 0}), "HIGH")
        .await
        .unwrap();
    let b = client.command().await;
    assert_eq!(keys(&b), ["command", "id", "parameters", "priority"]);
    assert_eq!(b["id"], id);

    let stop =
        json!({"command": "EMERGENCY_STOP", "parameters": {"reason": "r"}, "priority": "URGENT"});
    world.post("/practice/supervisor", &stop).await.unwrap();
    let c = client.command().await;
    assert_eq!(keys(&c), ["command", "parameters", "priority"]);

    world
        .post("/api/debug/pusher-test", &json!({}))
        .await
        .unwrap();
    let d = client.command().await;
    assert_eq!((d.get("command"), &d["type"]), (None, &json!("GET_STATUS")));
    assert!(d["id"].as_str().unwrap().starts_with("test_"));

    let id = world.emergency_stop("by hand").await.unwrap();
    let f = client.event("emergency-stop").await;
    assert_eq!(f["channel"], "executors");
    let data: Value = serde_json::from_str(f["data"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&data["userId"], &data["reason"]),
        (&json!(world.user_id), &json!("by hand"))
    );
    let row = world.command_row(&id).unwrap();
    assert_eq!(
        (row.command.as_str(), row.priority.as_str()),
        ("EMERGENCY_STOP", "URGENT")
    );
    assert_eq!(world.command_rows().len(), 2, "C and D have no row");

    let refused = world.command("EMERGENCY_STOP", json!({}), "URGENT").await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("VALIDATION_ERROR")
    );
}

#[tokio::test]
async fn an_assignment_pauses_resumes_and_stops_without_saying_what_becomes_of_positions() {
    let world = start().await;
    let mut client = world.executor_client().await;
    let strategy = world.strategy_id("practice-scalper").unwrap();
    let path = format!("/api/strategy/{strategy}/assignments/{}", world.executor_id);
    let change = |status: &str| send(world.bare("PATCH", &path).json(&json!({"status": status})));
    assert_eq!(change("paused").await.status, 404, "never activated");
    world.activate("practice-scalper").await.unwrap();
    client.command().await;
    for (status, command) in [
        ("paused", "PAUSE_STRATEGY"),
        ("active", "RESUME_STRATEGY"),
        ("stopped", "STOP_STRATEGY"),
    ] {
        assert_eq!(change(status).await.status, 200);
        let envelope = client.command().await;
        assert_eq!(
            (&envelope["command"], &envelope["priority"]),
            (&json!(command), &json!("HIGH"))
        );
        let parameters = json!({"strategyId": strategy, "strategyName": "Practice scalper"});
        assert_eq!(envelope["parameters"], parameters);
    }
    assert_eq!(change("else").await.status, 400);
    assert_eq!(send(world.bare("DELETE", &path)).await.status, 200);
    assert_eq!(client.command().await["command"], "STOP_STRATEGY");
}

#[tokio::test]
async fn heartbeats_and_reports_are_announced() {
    let world = start().await;
    let mut client = world.executor_client().await;
    let channel = format!("private-user-{}", world.user_id);
    let signed = world.sign(&client.socket_id, &channel).await.json();
    client
        .say(&json!({"event": "pusher:subscribe", "data": {
            "channel": channel, "auth": signed["auth"], "channel_data": signed["channel_data"]}}))
        .await;
    client.event("pusher_internal:subscription_succeeded").await;
    world.heartbeat(&json!({"status": "error"})).await;
    let update = client.event("status-update").await;
    let data: Value = serde_json::from_str(update["data"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&data["executorId"], &data["status"]),
        (&json!(world.executor_id), &json!("error"))
    );
    let id = world.command("PAUSE", json!({}), "NORMAL").await.unwrap();
    world
        .report(&json!({"commandId": id, "status": "failed", "result": {"message": "no"}}))
        .await;
    let completed = client.event("execution-completed").await;
    let data: Value = serde_json::from_str(completed["data"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&data["commandId"], &data["success"]),
        (&json!(id), &json!(false))
    );
}

#[tokio::test]
async fn rules_too_long_for_pusher_are_lost_there_silently_and_come_by_heartbeat() {
    let world = start().await;
    let mut client = world.executor_client().await;
    let long = world.activate("LONG_RULES").await.unwrap();
    let short = world.activate("DEMO_RSI").await.unwrap();
    assert_eq!(
        client.command().await["id"],
        short,
        "the long one was not delivered"
    );
    assert!(world.platform_log().iter().any(|line| line.contains("413")));
    assert!(world.pending().await.iter().any(|row| row["id"] == long));
}
