//! The reader rule of contract §4.2, one test for each shape in which a command may arrive.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::World;
use crate::core::snapshot::{CommandState, Source};
use crate::core::{Command, Unreadable, read_envelope};

const RECEIVED: &str = "2026-03-02T09:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn try_read(raw: &str) -> Result<Command, Unreadable> {
    read_envelope(raw, Source::Pusher, at(RECEIVED), || "local-0".to_owned())
}

fn read(envelope: &Value) -> Command {
    try_read(&envelope.to_string()).unwrap()
}

#[test]
fn envelope_a_activation_has_everything_twice() {
    let args =
        json!({ "strategyId": "s1", "strategyName": "Morning", "symbol": "EURUSD", "rules": {} });
    let command = read(&json!({
        "id": "cmd_17_abc", "command": "START_STRATEGY", "type": "START_STRATEGY", "priority": "HIGH",
        "executorId": "ex1", "parameters": args, "payload": args,
        "metadata": { "source": "web_platform", "userId": "u1", "assignmentId": "a1" },
        "createdAt": "2026-03-02T08:59:00.000Z", "timestamp": "2026-03-02T08:59:00.120Z",
        "expiresAt": "2026-03-02T09:04:00.000Z",
    }));
    assert_eq!(command.name, "START_STRATEGY");
    assert!(!command.local);
    assert_eq!(command.id, "cmd_17_abc");
    assert_eq!(command.issuer.as_deref(), Some("u1"));
    assert_eq!(command.addressee.as_deref(), Some("ex1"));
    assert_eq!(command.made(), at("2026-03-02T08:59:00Z"));
    assert_eq!(command.expiry(), at("2026-03-02T09:04:00Z"));
    assert_eq!(command.subject(), "Morning");
}

#[test]
fn envelope_b_has_no_time_and_lives_five_minutes_from_its_receipt() {
    let command = read(&json!({
        "id": "cmb1", "command": "CLOSE_PROFITABLE", "parameters": { "minProfit": 0 }, "priority": "HIGH",
    }));
    assert_eq!(command.created_at, None);
    assert_eq!(command.made(), at(RECEIVED));
    assert_eq!(command.expiry(), at("2026-03-02T09:05:00Z"));
    assert_eq!(command.args["minProfit"], 0);
}

#[test]
fn envelope_c_without_id_gets_a_local_one() {
    let command = read(&json!({
        "command": "EMERGENCY_STOP", "parameters": { "strategyId": "s1", "reason": "drawdown" }, "priority": "URGENT",
    }));
    assert!(command.local);
    assert_eq!(command.id, "local-0");
    assert_eq!(command.text("strategyId"), Ok("s1"));
}

#[test]
fn envelope_d_has_only_a_type_and_a_payload() {
    let command = read(&json!({
        "id": "test_17", "type": "GET_STATUS", "priority": "NORMAL", "executorId": "ex1",
        "payload": { "test": true }, "metadata": { "source": "debug-api", "userId": "u1" },
        "timestamp": "2026-03-02T08:59:30.000Z", "expiresAt": "2026-03-02T09:04:30.000Z",
    }));
    assert_eq!(command.name, "GET_STATUS");
    assert_eq!(command.args["test"], true);
    assert_eq!(command.made(), at("2026-03-02T08:59:30Z"));
}

#[test]
fn envelope_e_heartbeat_row_with_and_without_parameters() {
    for parameters in [json!({}), Value::Null] {
        let command = read(&json!({
            "id": "cme1", "command": "PAUSE", "parameters": parameters, "priority": "NORMAL",
            "createdAt": "2026-03-02T08:58:00.000Z",
        }));
        assert_eq!(command.name, "PAUSE");
        assert!(command.args.values().all(|value| *value == json!({})));
        assert_eq!(command.issuer, None);
    }
}

#[test]
fn envelope_f_is_no_command() {
    let raw = json!({ "userId": "u1", "reason": "panic", "timestamp": RECEIVED }).to_string();
    assert_eq!(try_read(&raw), Err(Unreadable::NoName));
}

#[test]
fn envelope_g_legacy_keeps_its_order_inside_command() {
    let command = read(&json!({
        "id": "cmd_g", "strategyId": "s1", "executorId": "ex1", "type": "TRADE_SIGNAL", "priority": "HIGH",
        "command": { "action": "OPEN_POSITION", "symbol": "EURUSD", "type": "BUY", "volume": 0.01 },
        "timestamp": "2026-03-02T08:59:59.000Z", "expiry": 5000,
    }));
    assert_eq!(
        command.name, "TRADE_SIGNAL",
        "the first text among command, type, command.action"
    );
    assert_eq!(command.args["symbol"], "EURUSD");
    assert_eq!(command.expiry(), at("2026-03-02T09:00:04Z"));
}

#[test]
fn envelope_g_without_type_is_named_by_its_action() {
    let command =
        read(&json!({ "id": "g2", "command": { "action": "close_position", "ticket": 5 } }));
    assert_eq!(command.name, "CLOSE_POSITION");
}

#[test]
fn envelope_h_broadcast_is_any_command_with_a_timestamp() {
    let command =
        read(&json!({ "id": "h1", "command": "STOP_ALL", "timestamp": "2026-03-02T08:59:00Z" }));
    assert_eq!(
        (command.name.as_str(), command.made()),
        ("STOP_ALL", at("2026-03-02T08:59:00Z"))
    );
}

#[test]
fn envelope_i_extra_fields_are_let_be() {
    let command = read(&json!({
        "id": "i1", "command": "GET_STATUS", "timeout": 30000, "maxRetries": 3, "retryCount": 0,
        "eventType": "command-received", "somethingNew": { "deep": [1, 2] },
    }));
    assert_eq!(command.name, "GET_STATUS");
    let raw = json!({ "commandId": "cmd_x", "reason": "r" }).to_string();
    assert_eq!(try_read(&raw), Err(Unreadable::NoName));
}

#[test]
fn envelope_j_from_documents_has_neither_id_nor_parameters() {
    let command = read(
        &json!({ "command": "OPEN_POSITION", "symbol": "EURUSD", "action": "BUY", "lotSize": 0.1 }),
    );
    assert!(command.local);
    assert!(
        command.args.is_empty(),
        "a flat envelope has no arguments by the reader rule"
    );
}

#[test]
fn forms_that_are_forgiven() {
    let plain = json!({ "id": "x", "command": "PAUSE" });
    let twice = Value::String(plain.to_string()).to_string();
    let cases = [
        ("doubly encoded", twice, "x"),
        ("lower case", json!({ "id": "x", "command": " pause " }).to_string(), "x"),
        ("numeric id", json!({ "id": 7, "command": "PAUSE" }).to_string(), "7"),
        ("empty command, type instead", json!({ "id": "x", "command": "", "type": "PAUSE" }).to_string(), "x"),
        ("blank id", json!({ "id": " ", "command": "PAUSE" }).to_string(), "local-0"),
        ("null everywhere", json!({ "id": null, "command": "PAUSE", "parameters": null, "payload": null, "metadata": null, "createdAt": null, "expiresAt": null }).to_string(), "local-0"),
        ("time in milliseconds", json!({ "id": "x", "command": "PAUSE", "createdAt": 1_772_441_940_000_i64 }).to_string(), "x"),
    ];
    for (what, raw, id) in cases {
        let command = try_read(&raw).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(
            (command.name.as_str(), command.id.as_str()),
            ("PAUSE", id),
            "{what}"
        );
        assert_eq!(command.raw, raw, "{what}");
    }
}

#[test]
fn garbage_becomes_a_visible_refused_line_with_its_raw_text() {
    for raw in [
        "",
        "not json",
        "null",
        "[1]",
        "17",
        "\"text\"",
        "{}",
        "{\"command\":{}}",
        "{\"command\":5}",
    ] {
        let mut world = World::ready();
        world.pusher_raw(raw);
        let row = world.newest();
        assert_eq!(row.state, CommandState::Refused, "{raw}");
        assert!(row.message.contains("cannot be read"), "{}", row.message);
        assert_eq!(row.reported, None, "without an id nobody can be told");
        let received = world.records.iter().find_map(|record| match record {
            crate::core::Record::Received { command } => Some(command.raw.clone()),
            _ => None,
        });
        assert_eq!(received.as_deref(), Some(raw));
    }
}

#[test]
fn an_unreadable_row_with_an_id_is_answered_once() {
    let mut world = World::ready();
    world.platform_knows("odd", super::OWNER);
    let row =
        json!({ "id": "odd", "command": { "no": "name" }, "createdAt": RECEIVED }).to_string();
    world.heartbeat_raw(vec![row.clone()]);
    assert_eq!(world.report("odd").0, "failed");
    world.heartbeat_raw(vec![row]);
    assert_eq!(
        world.command("odd").repeats,
        1,
        "the same line, not a new one each beat"
    );
}

#[test]
fn envelopes_without_id_in_one_batch_stay_two() {
    let mut world = World::ready();
    let row = json!({ "command": "PAUSE" }).to_string();
    world.heartbeat_raw(vec![row.clone(), row]);
    let ids: Vec<_> = world
        .state
        .snapshot(world.now)
        .commands
        .iter()
        .map(|row| row.id.clone())
        .collect();
    assert_eq!(ids, ["local-1", "local-0"]);
}

#[test]
fn a_foreign_envelope_cannot_take_a_local_id() {
    let mut world = World::ready();
    world.pusher_raw(&json!({ "id": "local-0", "command": "GET_STATUS" }).to_string());
    world.pusher_raw(&json!({ "command": "EMERGENCY_STOP" }).to_string());
    assert!(
        world.state.durable().stop.is_some(),
        "taken for a repetition"
    );
}

#[test]
fn a_time_may_be_text_seconds_or_milliseconds() {
    let wanted: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
    for time in [
        json!("2026-11-24T12:00:00Z"),
        json!(wanted.as_second()),
        json!(wanted.as_millisecond()),
    ] {
        let raw = json!({ "id": "a", "command": "PAUSE", "createdAt": time }).to_string();
        let command =
            crate::core::read_envelope(&raw, Source::Pusher, wanted, String::new).unwrap();
        assert_eq!(command.created_at, Some(wanted));
    }
}

#[test]
fn a_time_that_is_none_is_refused_and_not_taken_for_missing() {
    for key in ["expiresAt", "createdAt"] {
        let mut envelope = json!({ "id": "a", "command": "OPEN_POSITION" });
        envelope[key] = json!("yesterday");
        let error = try_read(&envelope.to_string()).unwrap_err();
        assert!(error.to_string().contains(key), "{error}");
    }
}

/// A stop stays a stop whatever hangs below it, and what is cut off is no list that somebody reads.
#[test]
fn what_is_nested_too_deeply_is_cut_off_and_the_rest_is_read() {
    let nested = (0..100).fold(json!([]), |inner, _| json!([inner]));
    let command = read(&json!({
        "id": "c1", "command": "EMERGENCY_STOP", "parameters": { "why": nested, "near": [[1]] },
    }));
    assert_eq!(command.name, "EMERGENCY_STOP");
    assert_eq!(command.args["near"], json!([[1]]));
    let kept = command.args["why"].to_string();
    assert!(
        kept.contains("nested too deeply") && kept.len() < 150,
        "{kept}"
    );
}

#[test]
fn a_stop_beside_which_nothing_can_be_read_is_a_stop() {
    let deep = "[".repeat(300) + &"]".repeat(300);
    for garbage in [
        "1e999",
        deep.as_str(),
        r#"{"$serde_json::private::RawValue":5}"#,
    ] {
        let raw = |name: &str| {
            format!(
                r#"{{"id":"c1","command":"{name}","parameters":{{"x":{garbage}}},"metadata":{{"userId":"u"}},"createdAt":"{RECEIVED}"}}"#
            )
        };
        let command = try_read(&raw("EMERGENCY_STOP")).unwrap();
        assert_eq!(command.name, "EMERGENCY_STOP");
        assert_eq!(command.issuer.as_deref(), Some("u"));
        assert!(command.args.values().all(|value| *value == json!({})));
        assert!(try_read(&raw("OPEN_POSITION")).is_err(), "{garbage}");
        let one = format!(
            r#"{{"id":"c1","command":"EMERGENCY_STOP","parameters":{{"strategyId":"s"}},"z":{garbage}}}"#
        );
        let scope = &try_read(&one).unwrap().args["strategyId"];
        assert_eq!(scope, "s", "{garbage}");
        for elsewhere in [
            format!(
                r#"{{"id":"c1","command":"EMERGENCY_STOP","parameters":{{"strategyId":"s","z":{garbage}}}}}"#
            ),
            format!(
                r#"{{"id":"c1","command":"EMERGENCY_STOP","parameters":{{"strategyId":"s"}},"createdAt":{garbage}}}"#
            ),
            format!(
                r#"{{"id":"c1","command":"EMERGENCY_STOP","parameters":{{"strategyId":"s"}},"metadata":{{"z":{garbage}}}}}"#
            ),
            format!(
                r#"{{"id":"c1","command":{{"action":"EMERGENCY_STOP","strategyId":"s","z":{garbage}}}}}"#
            ),
        ] {
            for raw in [&elsewhere, &json!(elsewhere).to_string()] {
                let stop = try_read(raw).unwrap_or_else(|error| panic!("{raw}: {error}"));
                assert_eq!(stop.id, "c1", "{raw}");
                assert_eq!(stop.args["strategyId"], "s", "{raw}");
            }
        }
    }
    // No envelope at all.
    let list = r#"["x","EMERGENCY_STOP",null,null,null,null,null,null]"#;
    assert!(try_read(list).is_err());
    assert!(try_read(&list.replace("null,null]", "null,1e999]")).is_err());
}
