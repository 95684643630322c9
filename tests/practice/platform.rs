//! The platform's contract, call by call.

use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::world::{Answer, hmac_hex, send, start};

#[tokio::test]
async fn the_configuration_call_answers_by_the_contract() {
    let world = start().await;
    let path = "/api/executor/config";
    let answer = send(world.own("GET", path)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let body = answer.json();
    assert_eq!(body["success"], true);
    let config = &body["config"];
    assert_eq!(config["executorId"], world.executor_id);
    assert_eq!(config["platformUrl"], world.platform_url);
    assert_eq!(config["pusherKey"], world.pusher_key);
    assert_eq!(config["pusherCluster"], world.pusher_cluster);
    assert_eq!(
        (&config["heartbeatInterval"], &config["commandTimeout"]),
        (&json!(60), &json!(30_000))
    );
    let server_time: Timestamp = config["serverTime"].as_str().unwrap().parse().unwrap();
    assert!((Timestamp::now().as_second() - server_time.as_second()).abs() < 5);
    for secret in [&world.api_secret, &world.pusher_secret] {
        assert!(!answer.text.contains(secret.expose_secret()));
    }
    assert!(
        !answer.text.contains(&world.user_id),
        "no user id before channel_data"
    );

    let key = world.api_key.expose_secret();
    for (headers, status, code) in [
        (vec![], 401, "MISSING_CREDENTIALS"),
        (vec![("X-API-Key", key)], 401, "MISSING_CREDENTIALS"),
        (
            vec![("X-API-Key", "abc"), ("X-API-Secret", "x")],
            400,
            "INVALID_API_KEY_FORMAT",
        ),
        (
            vec![("X-API-Key", "exe_0"), ("X-API-Secret", "x")],
            404,
            "EXECUTOR_NOT_FOUND",
        ),
        (
            vec![("X-API-Key", key), ("X-API-Secret", "x")],
            401,
            "INVALID_CREDENTIALS",
        ),
    ] {
        let mut request = world.bare("GET", path);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = send(request).await;
        assert_eq!(
            (answer.status, answer.code().as_deref()),
            (status, Some(code))
        );
    }
}

#[tokio::test]
async fn the_eleventh_configuration_call_in_a_minute_is_refused_even_with_a_wrong_secret() {
    let world = start().await;
    let wrong = || {
        world
            .bare("GET", "/api/executor/config")
            .header("X-API-Key", world.api_key.expose_secret())
            .header("X-API-Secret", "wrong")
    };
    for _ in 0..10 {
        assert_eq!(send(wrong()).await.status, 401);
    }
    for request in [wrong(), world.own("GET", "/api/executor/config")] {
        let answer = send(request).await;
        assert_eq!(
            (answer.status, answer.code().as_deref()),
            (429, Some("RATE_LIMIT_EXCEEDED"))
        );
        assert!(!answer.headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn a_channel_is_signed_over_three_parts_with_the_owners_id_in_the_data() {
    let world = start().await;
    let channel = world.executor_channel();
    let answer = world.sign("123.456", &channel).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    let data = format!(
        r#"{{"user_id":"{}","user_info":{{"authType":"api-key","executorId":"{}"}}}}"#,
        world.user_id, world.executor_id
    );
    assert_eq!(body["channel_data"], data);
    let signature = hmac_hex(
        world.pusher_secret.expose_secret(),
        &format!("123.456:{channel}:{data}"),
    );
    assert_eq!(body["auth"], format!("{}:{signature}", world.pusher_key));

    for (channel, status) in [
        (format!("private-user-{}", world.user_id), 200),
        ("presence-anything".to_owned(), 200),
        ("private-executor-other".to_owned(), 403),
        ("executors".to_owned(), 403),
        (
            format!("private-encrypted-executor-{}", world.executor_id),
            403,
        ),
    ] {
        assert_eq!(
            world.sign("1.2", &channel).await.status,
            status,
            "{channel}"
        );
    }
}

#[tokio::test]
async fn the_auth_route_refuses_as_the_platform_does() {
    let world = start().await;
    let path = "/api/pusher/auth";
    let channel = world.executor_channel();
    let json_body = json!({"socket_id": "1.2", "channel_name": channel});
    assert_eq!(
        send(world.own("POST", path).json(&json_body)).await.status,
        500
    );
    assert_eq!(send(world.own("POST", path)).await.status, 500);
    assert_eq!(
        send(world.own("POST", path).form(&[("socket_id", "1.2")]))
            .await
            .status,
        400
    );
    assert_eq!(world.sign("not-a-socket-id", &channel).await.status, 500);
    let form = [("socket_id", "1.2"), ("channel_name", channel.as_str())];
    let unknown = send(world.bare("POST", path).form(&form)).await;
    assert_eq!(unknown.status, 401);
    assert_eq!(
        unknown.json(),
        json!({"error": "Unauthorized: Invalid credentials"})
    );
}

#[tokio::test]
async fn a_heartbeat_hands_out_pending_rows_until_somebody_reports_them() {
    let world = start().await;
    let id = world
        .command("GET_STATUS", json!({}), "NORMAL")
        .await
        .unwrap();
    let answer = world
        .heartbeat(&json!({"status": "online", "metadata": {"openPositions": 1}}))
        .await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(
        (&body["success"], &body["executor"]["status"]),
        (&json!(true), &json!("online"))
    );
    let row = &body["pendingCommands"][0];
    let mut keys: Vec<&String> = row.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(
        keys,
        ["command", "createdAt", "id", "parameters", "priority"]
    );
    assert_eq!(row["id"], id);
    assert!(world.command_row(&id).unwrap().acknowledged_at.is_some());
    assert_eq!(world.command_row(&id).unwrap().status, "pending");

    assert_eq!(world.pending().await.len(), 1, "handed out again");
    let result = json!({"success": true, "message": "fine"});
    let reported = world
        .report(&json!({"commandId": id, "status": "executed", "result": result}))
        .await;
    assert_eq!(reported.status, 200);
    let command = &reported.json()["command"];
    assert_eq!(command["user"]["id"], world.user_id);
    assert_eq!(command["result"], result);
    assert!(command["executedAt"].is_string());
    assert!(world.pending().await.is_empty());
}

#[tokio::test]
async fn a_refused_heartbeat_does_not_count_as_one() {
    let world = start().await;
    for beat in [
        json!({"status": "active"}),
        json!({"status": null}),
        json!({"metadata": {"accountBalance": null}}),
    ] {
        let answer = world.heartbeat(&beat).await;
        assert_eq!(
            (answer.status, answer.code().as_deref()),
            (400, Some("VALIDATION_ERROR"))
        );
        assert!(
            answer.json()["meta"]
                .as_object()
                .is_some_and(|meta| !meta.is_empty())
        );
    }
    assert_eq!(world.executor_row().last_heartbeat, None);

    let path = format!("/api/executor/{}/heartbeat", world.executor_id);
    let broken = send(world.own("POST", &path).body("{not json")).await;
    assert_eq!(broken.status, 200, "a broken body counts as empty");
    assert!(world.executor_row().last_heartbeat.is_some());

    let other = send(
        world
            .own("POST", "/api/executor/other/heartbeat")
            .json(&json!({})),
    )
    .await;
    assert_eq!(
        (other.status, other.code().as_deref()),
        (404, Some("EXECUTOR_NOT_FOUND"))
    );
    let missing = send(world.bare("POST", &path).json(&json!({}))).await;
    assert_eq!(
        (missing.status, missing.code().as_deref()),
        (401, Some("MISSING_CREDENTIALS"))
    );
}

#[tokio::test]
async fn ten_normal_rows_starve_a_start_until_they_are_reported() {
    let world = start().await;
    let now = Timestamp::now();
    let mut normal = Vec::new();
    for _ in 0..10 {
        normal.push(world.insert_pending("PAUSE", None, "NORMAL", now).unwrap());
    }
    let start = world.activate("practice-scalper").await.unwrap();
    for _ in 0..2 {
        let handed = world.pending().await;
        assert_eq!(handed.len(), 10);
        assert!(handed.iter().all(|row| row["id"] != start));
        assert_eq!(handed[0]["parameters"], Value::Null);
    }
    world
        .report(&json!({"commandId": normal[0], "status": "failed", "result": {}}))
        .await;
    assert_eq!(world.pending().await[9]["id"], start);
}

#[tokio::test]
async fn a_backlog_of_two_thousand_rows_is_drained_oldest_first() {
    const ROWS: usize = 2_000;
    let world = start().await;
    let mut expected = Vec::new();
    for number in 0..ROWS {
        let at = Timestamp::from_second(1_760_000_000 + i64::try_from(number).unwrap()).unwrap();
        expected.push(
            world
                .insert_pending("GET_STATUS", None, "NORMAL", at)
                .unwrap(),
        );
    }
    let mut drained: Vec<String> = Vec::new();
    while world.pending_count() > 0 {
        for row in world.pending().await {
            let id = row["id"].as_str().unwrap().to_owned();
            world
                .report(&json!({"commandId": id, "status": "failed", "result": {}}))
                .await;
            drained.push(id);
        }
    }
    assert!(drained == expected);
}

#[tokio::test]
async fn a_row_of_another_user_is_handed_out_like_any_and_only_the_report_names_its_issuer() {
    let world = start().await;
    let id = world
        .insert_pending_from(
            "somebody-else",
            "START_STRATEGY",
            Some(json!({})),
            "HIGH",
            Timestamp::now(),
        )
        .unwrap();
    let handed = world.pending().await;
    assert!(handed[0]["id"] == id && !handed[0].to_string().contains("somebody-else"));
    let reported = world
        .report(&json!({"commandId": id, "status": "failed", "result": {}}))
        .await;
    assert_eq!(reported.json()["command"]["userId"], "somebody-else");
}

#[tokio::test]
async fn a_report_needs_no_credentials_and_only_executed_sets_the_time() {
    let world = start().await;
    let id = world.command("PAUSE", json!({}), "NORMAL").await.unwrap();
    for (body, status) in [
        (json!({"commandId": id}), 400),
        (json!({"status": "executed"}), 400),
        (json!({"commandId": "", "status": "executed"}), 400),
        (json!({"commandId": id, "status": 1}), 500),
    ] {
        assert_eq!(world.report(&body).await.status, status, "{body}");
    }
    let path = format!("/api/executor/{}/command", world.executor_id);
    assert_eq!(send(world.bare("PATCH", &path).body("{")).await.status, 500);
    let unknown = world
        .report(&json!({"commandId": "nope", "status": "executed"}))
        .await;
    assert_eq!(
        (unknown.status, unknown.code().as_deref()),
        (404, Some("COMMAND_NOT_FOUND"))
    );

    world
        .report(&json!({"commandId": id, "status": "executed", "result": {"a": 1}}))
        .await;
    assert!(world.command_row(&id).unwrap().executed_at.is_some());
    world
        .report(&json!({"commandId": id, "status": "anything at all", "result": 0}))
        .await;
    let row = world.command_row(&id).unwrap();
    assert_eq!(
        (row.status.as_str(), row.executed_at, row.result),
        ("anything at all", None, None)
    );
}

#[tokio::test]
async fn routes_that_an_executor_cannot_use_answer_as_on_the_platform() {
    let world = start().await;
    let id = &world.executor_id;
    for (method, path, status) in [
        ("GET", format!("/api/executor/{id}"), 401),
        ("PATCH", format!("/api/executor/{id}"), 401),
        ("GET", "/api/executor".to_owned(), 401),
        ("GET", format!("/api/executor/{id}/command"), 401),
        ("GET", "/api/command/x".to_owned(), 401),
        ("GET", "/api/strategy".to_owned(), 401),
        ("GET", "/api/trades".to_owned(), 401),
        ("POST", "/api/alerts".to_owned(), 401),
        ("GET", "/api/signals".to_owned(), 401),
        ("POST", "/api/executor/register".to_owned(), 405),
        ("POST", "/api/executor/heartbeat".to_owned(), 405),
        ("POST", "/api/executor/trades".to_owned(), 405),
        ("POST", "/api/trades".to_owned(), 405),
        ("GET", format!("/api/executor/{id}/ping"), 404),
        ("GET", format!("/api/executor/{id}/commands/pending"), 404),
        ("GET", "/api/strategies".to_owned(), 404),
        ("GET", "/api/time".to_owned(), 404),
        ("GET", "/api/strategy/x".to_owned(), 307),
        ("GET", "/api/signals/x".to_owned(), 307),
        ("GET", "/api/dashboard/stats".to_owned(), 307),
    ] {
        let answer = send(world.own(method, &path)).await;
        assert_eq!(answer.status, status, "{method} {path}");
        match status {
            401 => assert!(answer.json()["error"].is_string()),
            404 => assert!(answer.content_type.starts_with("text/html"), "{path}"),
            405 => assert_eq!(answer.text, ""),
            _ => assert!(
                answer.headers["location"]
                    .to_str()
                    .unwrap()
                    .starts_with("/login?callbackUrl=%2Fapi%2F")
            ),
        }
        assert!(answer.headers.contains_key("x-ratelimit-limit"));
    }
    let preflight = send(world.bare("OPTIONS", "/api/executor/config")).await;
    let allowed = preflight.headers["access-control-allow-headers"]
        .to_str()
        .unwrap();
    assert!(!allowed.contains("X-API-Secret"));
}

#[tokio::test]
async fn public_reads_prove_little() {
    let world = start().await;
    world.activate("practice-scalper").await.unwrap();
    let path = format!("/api/executor/{}/active-strategies", world.executor_id);
    let active = send(world.bare("GET", &path)).await.json();
    assert_eq!(
        (&active["strategies"], &active["count"]),
        (&json!([]), &json!(0))
    );
    assert_eq!(
        send(world.bare("GET", "/api/health")).await.json()["status"],
        "healthy"
    );
    assert_eq!(
        send(world.bare("GET", "/api/market/quotes?symbols=EURUSD"))
            .await
            .status,
        503
    );
}

#[tokio::test]
async fn another_sites_script_may_not_press_the_buttons() {
    let world = start().await;
    let press = |origin: String| {
        world
            .bare("POST", "/api/executor/emergency-stop")
            .header("Origin", origin)
    };
    assert_eq!(
        send(press("https://evil.example".to_owned())).await.status,
        403
    );
    assert_eq!(world.pending_count(), 0);
    assert_eq!(send(press(world.platform_url.clone())).await.status, 200);
    assert_eq!(world.pending_count(), 1);
    // Nor may a site whose name was turned to this machine read anything.
    let by_name = world
        .bare("GET", "/practice/state")
        .header("Host", "evil.example");
    assert_eq!(send(by_name).await.status, 403);
}

#[tokio::test]
async fn the_page_and_its_state_are_served() {
    let world = start().await;
    world
        .command("GET_STATUS", json!({}), "NORMAL")
        .await
        .unwrap();
    let page: Answer = send(world.bare("GET", "/")).await;
    assert!(page.content_type.starts_with("text/html"));
    assert!(
        !page.text.contains("http://") && !page.text.contains("https://"),
        "no outside assets"
    );
    let state = send(world.bare("GET", "/practice/state")).await;
    let body = state.json();
    assert_eq!(body["commands"][0]["command"], "GET_STATUS");
    assert_eq!(body["strategies"][0]["key"], "practice-scalper");
    for secret in [&world.api_secret, &world.pusher_secret] {
        assert!(!state.text.contains(secret.expose_secret()));
    }
}
