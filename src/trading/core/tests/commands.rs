//! All twenty names of contract §4.1: a real effect, or a refusal that names what is missing.

use serde_json::{Value, json};

use super::world::{OWNER, World};
use super::{buying_rules, cid_of, start_args};
use crate::core::CommandName;
use crate::core::rules::first_number;
use crate::core::snapshot::{CommandState, StrategyState};
use crate::market::{Cid, Ticket};

/// A strategy runs with one winning and one losing position; a hand-made order of ours is open too.
fn busy() -> World {
    let mut world = World::with_strategy("s1");
    world.terminal.holds(11, cid_of("s1", 901).0, "7");
    world.terminal.holds(12, cid_of("s1", 902).0, "-7");
    world.terminal.holds(13, Cid::new(0, 903).0, "0");
    world.send_book();
    world
}

fn left(world: &World) -> Vec<u64> {
    world
        .terminal
        .positions
        .iter()
        .map(|open| open.ticket.0)
        .collect()
}

type Check = fn(&World) -> bool;

#[test]
fn each_name_has_its_effect() {
    let one = json!({ "strategyId": "s1", "strategyName": "One" });
    let mut rules = buying_rules();
    rules["riskManagement"]["lotSize"] = json!(0.2);
    let state = |world: &World| world.state.durable().strategies["s1"].state;
    let _: fn(&World) -> StrategyState = state;
    let cases: [(&str, Value, Check); 20] = [
        (
            "START_STRATEGY",
            start_args("s2", &buying_rules()),
            |world| world.state.durable().strategies["s2"].state == StrategyState::Running,
        ),
        ("STOP_STRATEGY", one.clone(), |world| {
            world.state.durable().strategies["s1"].state == StrategyState::Stopped
        }),
        ("PAUSE_STRATEGY", one.clone(), |world| {
            world.state.durable().strategies["s1"].state == StrategyState::Paused
        }),
        ("RESUME_STRATEGY", one.clone(), |world| {
            world.state.durable().strategies["s1"].state == StrategyState::Running
        }),
        (
            "UPDATE_STRATEGY",
            json!({ "strategyId": "s1", "updates": { "rules": rules } }),
            |world| {
                world.state.durable().strategies["s1"].rules["riskManagement"]["lotSize"] == 0.2
            },
        ),
        (
            "UPDATE_PARAMETERS",
            json!({ "strategyId": "s1", "newParameters": rules }),
            |world| {
                world.state.durable().strategies["s1"].rules["riskManagement"]["lotSize"] == 0.2
            },
        ),
        ("PAUSE", json!({}), |world| {
            world.state.durable().pause.is_some()
        }),
        ("RESUME", json!({}), |world| {
            world.state.durable().pause.is_none()
        }),
        ("STOP_ALL", json!({}), |world| {
            world.state.durable().strategies["s1"].state == StrategyState::Stopped
                && left(world) == [11, 12, 13]
        }),
        ("CLOSE_ALL_POSITIONS", json!({}), |world| {
            left(world).is_empty()
        }),
        ("GET_STATUS", json!({}), |world| {
            world.report("x").1["openPositions"] == 3
        }),
        ("RESTART", json!({}), |world| world.restarts_of_loops == 1),
        ("CLOSE_PROFITABLE", json!({ "minProfit": 0 }), |world| {
            left(world) == [12, 13]
        }),
        ("CLOSE_LOSING", json!({ "maxLoss": 0 }), |world| {
            left(world) == [11, 13]
        }),
        ("CLOSE_BY_STRATEGY", one, |world| left(world) == [13]),
        ("CLOSE_BY_SYMBOL", json!({ "symbol": "eurusd" }), |world| {
            left(world).is_empty()
        }),
        (
            "OPEN_POSITION",
            json!({ "symbol": "EURUSD", "type": "SELL", "volume": 0.2 }),
            |world| left(world).len() == 4,
        ),
        ("CLOSE_POSITION", json!({ "ticket": 12 }), |world| {
            left(world) == [11, 13]
        }),
        (
            "MODIFY_POSITION",
            json!({ "ticket": 12, "stopLoss": 1.095 }),
            |world| {
                world.terminal.positions[1].stop_loss == Some(super::terminal::decimal("1.095"))
            },
        ),
        ("EMERGENCY_STOP", json!({ "reason": "r" }), |world| {
            left(world).is_empty() && world.state.durable().stop.is_some()
        }),
    ];
    for (name, args, check) in cases {
        assert!(CommandName::parse(name).is_some(), "{name}");
        let mut world = busy();
        world.pusher("x", name, &args);
        world.wait(2);
        world.assert_executed("x");
        assert_eq!(world.report("x").0, "executed", "{name}");
        assert!(check(&world), "{name} had no effect");
    }
}

#[test]
fn each_refusal_names_what_is_missing() {
    let cases = [
        ("START_STRATEGY", json!({}), "\"strategyId\" is missing"),
        (
            "START_STRATEGY",
            json!({ "strategyId": "s9", "rules": {}, "timeframe": "M15" }),
            "\"symbol\" is missing",
        ),
        (
            "START_STRATEGY",
            json!({ "strategyId": "s9", "rules": {}, "symbol": "EURUSD" }),
            "\"timeframe\" is missing",
        ),
        ("STOP_STRATEGY", json!({}), "\"strategyId\" is missing"),
        (
            "PAUSE_STRATEGY",
            json!({ "strategyId": " " }),
            "\"strategyId\" is missing",
        ),
        (
            "RESUME_STRATEGY",
            json!({ "strategyId": 5 }),
            "\"strategyId\" is not a text",
        ),
        (
            "UPDATE_STRATEGY",
            json!({ "strategyId": "s1" }),
            "\"rules\"",
        ),
        (
            "CLOSE_PROFITABLE",
            json!({ "minProfit": "lots" }),
            "\"minProfit\" is not a number",
        ),
        (
            "CLOSE_LOSING",
            json!({ "maxLoss": {} }),
            "\"maxLoss\" is not a number",
        ),
        ("CLOSE_BY_STRATEGY", json!({}), "\"strategyId\" is missing"),
        ("CLOSE_BY_SYMBOL", json!({}), "\"symbol\" is missing"),
        ("OPEN_POSITION", json!({}), "\"symbol\" is missing"),
        ("CLOSE_POSITION", json!({}), "\"ticket\" is missing"),
        (
            "CLOSE_POSITION",
            json!({ "ticket": -4 }),
            "not a ticket number",
        ),
        (
            "CLOSE_POSITION",
            json!({ "ticket": 12, "volume": 0.01 }),
            "closing a part",
        ),
        (
            "MODIFY_POSITION",
            json!({ "ticket": 12 }),
            "neither \"stopLoss\" nor \"takeProfit\"",
        ),
        (
            "MODIFY_POSITION",
            json!({ "ticket": 99, "stopLoss": 1 }),
            "position #99 is not open",
        ),
    ];
    for (name, args, words) in cases {
        let mut world = busy();
        let sent = world.terminal.submitted.len();
        world.pusher("x", name, &args);
        world.assert_ends("x", CommandState::Failed, words);
        assert_eq!(world.report("x").0, "failed");
        assert_eq!(world.terminal.submitted.len(), sent, "{name} {args}");
    }
}

#[test]
fn foreign_positions_are_left_alone_by_commands() {
    let mut world = World::ready();
    world.terminal.holds(50, 0, "5");
    world.send_book();
    for (id, name, args) in [
        ("a", "CLOSE_ALL_POSITIONS", json!({})),
        ("b", "CLOSE_PROFITABLE", json!({})),
        ("c", "CLOSE_BY_SYMBOL", json!({ "symbol": "EURUSD" })),
        ("d", "CLOSE_POSITION", json!({ "ticket": 50 })),
        (
            "e",
            "MODIFY_POSITION",
            json!({ "ticket": 50, "stopLoss": 1.0 }),
        ),
        ("f", "EMERGENCY_STOP", json!({})),
    ] {
        world.pusher(id, name, &args);
    }
    world.wait(2);
    assert_eq!(world.terminal.positions[0].ticket, Ticket(50));
    assert!(world.terminal.submitted.is_empty());
    world.assert_ends("d", CommandState::Failed, "close it in MetaTrader");
    world.assert_ends("e", CommandState::Failed, "left alone");
}

#[test]
fn closing_without_a_terminal_waits_and_then_expires() {
    let mut world = busy();
    world.clock_is_known();
    world.terminal_down();
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    world.assert_ends("c", CommandState::Waiting, "waiting for the terminal");
    world.jump(301);
    world.assert_ends("c", CommandState::Expired, "while waiting for the terminal");
}

#[test]
fn closing_in_part_is_told_per_ticket() {
    use super::terminal::Manner;
    use crate::market::RefusalClass;
    let mut world = busy();
    world.terminal.manners.push_back(Manner::Fill);
    world
        .terminal
        .manners
        .extend([Manner::Refuse(RefusalClass::Wait)].repeat(20));
    world.pusher("c", "CLOSE_BY_STRATEGY", &json!({ "strategyId": "s1" }));
    world.wait(90);
    world.assert_ends(
        "c",
        CommandState::Failed,
        "1 of 2 closed; still open: #12: Market is closed (tried 5 times)",
    );
}

#[test]
fn status_is_full_and_small() {
    let mut world = World::ready();
    for n in 0..40 {
        let id = format!("strategy-{n:03}-with-a-rather-long-identifier");
        world.pusher(
            &format!("a{n}"),
            "START_STRATEGY",
            &start_args(&id, &buying_rules()),
        );
    }
    world.pusher("g", "GET_STATUS", &json!({}));
    let (_, result) = world.report("g");
    let text = result.to_string();
    assert!(text.len() < 4 * 1024, "{} bytes", text.len());
    for key in [
        "version",
        "trading",
        "terminalConnected",
        "balance",
        "equity",
        "openPositions",
        "unreported",
        "strategies",
    ] {
        assert!(!result[key].is_null(), "{key}");
    }
    assert_eq!(
        result["message"],
        "trading on; terminal connected; 40 strategies running; 0 positions open"
    );
}

#[test]
fn an_update_does_not_wake_a_stopped_or_paused_strategy() {
    let mut rules = buying_rules();
    rules["riskManagement"]["lotSize"] = json!(0.2);
    let update = json!({ "strategyId": "s1", "rules": rules });
    for (name, state) in [
        ("STOP_STRATEGY", StrategyState::Stopped),
        ("PAUSE_STRATEGY", StrategyState::Paused),
    ] {
        let mut world = World::with_strategy("s1");
        world.pusher("x", name, &json!({ "strategyId": "s1" }));
        world.pusher("u", "UPDATE_STRATEGY", &update);
        world.assert_executed("u");
        assert_eq!(world.state.durable().strategies["s1"].state, state);
        world.next_bar();
        assert_eq!(world.terminal.opens(), 0);
    }
}

/// The terminal books a closing deal under the closing order's number, and the daily loss is counted by strategy.
#[test]
fn the_result_of_a_close_belongs_to_the_strategy_that_opened() {
    let mut world = busy();
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    let numbers: Vec<_> = world
        .terminal
        .submitted
        .iter()
        .map(|sent| sent.cid.strategy())
        .collect();
    let own = first_number("s1");
    assert_eq!(numbers, [own, own, 0]);
}

#[test]
fn an_argument_that_would_be_dropped_refuses_the_order() {
    let buy = |key: &str, value: Value| {
        let mut args = super::buy();
        args[key] = value;
        args
    };
    let cases = [
        (
            "OPEN_POSITION",
            buy("strategyId", json!("s1")),
            "belongs to no strategy",
        ),
        (
            "OPEN_POSITION",
            buy("strategyName", json!("S")),
            "belongs to no strategy",
        ),
        (
            "OPEN_POSITION",
            buy("deviation", json!(-5)),
            "not a whole number of points",
        ),
        (
            "OPEN_POSITION",
            buy("deviation", json!(1e12)),
            "not a whole number of points",
        ),
        (
            "OPEN_POSITION",
            buy("slippage", json!(0.5)),
            "not a whole number of points",
        ),
        (
            "RESUME",
            json!({ "strategyId": "s1" }),
            "\"strategyId\" means nothing here",
        ),
    ];
    for (name, args, words) in cases {
        let mut world = World::with_strategy("s1");
        world.pusher("p", "PAUSE", &json!({}));
        if name == "OPEN_POSITION" {
            world.pusher("r", "RESUME", &json!({}));
            world.assert_executed("r");
        }
        world.pusher("c", name, &args);
        world.wait(1);
        world.assert_ends("c", CommandState::Failed, words);
        assert_eq!(world.terminal.opens(), 0);
        assert_eq!(world.state.durable().pause.is_some(), name == "RESUME");
    }
    for args in [
        buy("strategyId", Value::Null),
        buy("deviation", json!("20")),
    ] {
        let mut world = World::ready();
        world.pusher("c", "OPEN_POSITION", &args);
        world.wait(1);
        world.assert_executed("c");
    }
}

#[test]
fn a_stop_says_when_it_cannot_read_whether_to_close() {
    for (value, unclear) in [
        (json!("yes"), true),
        (json!(1), true),
        (json!("1"), true),
        (json!(false), false),
        (json!("FALSE "), false),
        (Value::Null, false),
    ] {
        let mut world = World::with_strategy("s1");
        let args = json!({ "strategyId": "s1", "closePositions": value });
        world.pusher("c", "STOP_STRATEGY", &args);
        let message = world.assert_executed("c");
        let told = message.contains("neither true nor false");
        assert_eq!(told, unclear, "{message}");
    }
}

#[test]
fn stops_and_pauses_are_obeyed_with_a_time_that_nobody_can_read() {
    for name in [
        "STOP_ALL",
        "PAUSE",
        "PAUSE_STRATEGY",
        "STOP_STRATEGY",
        "EMERGENCY_STOP",
    ] {
        let mut world = World::with_strategy("s1");
        world.platform_knows("c", OWNER);
        let row = json!({
            "id": "c", "command": name, "parameters": { "strategyId": "s1" }, "createdAt": "yesterday",
        });
        world.heartbeat_raw(vec![row.to_string()]);
        world.wait(1);
        world.assert_executed("c");
    }
}
