//! START: proof of origin, terminal, bars, and the words of its end.

use serde_json::{Value, json};

use super::world::{EXECUTOR, OWNER, Patching, World};
use super::{buying_rules, start_args};
use crate::core::snapshot::{CommandState, StrategyState, UiCommand};
use crate::core::{Config, Event};
use crate::market::{Side, TerminalEvent};

fn scalper() -> Value {
    let text = include_str!("../../../../tests/fixtures/strategies/quarter_hour_scalper.json");
    let row: Value = serde_json::from_str(text).unwrap();
    row["rules"].clone()
}

#[test]
fn a_start_says_what_runs() {
    let mut world = World::ready();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &scalper()));
    let message = world.assert_executed("a");
    assert!(
        message.starts_with("running on EURUSD M15; 6 rules; skipped: "),
        "{message}"
    );
    assert_eq!(world.report("a").0, "executed");
    assert!(
        world.interims.is_empty(),
        "a short command gets no interim status (C6)"
    );
    assert_eq!(world.count_logs("Command received: START_STRATEGY"), 1);
}

#[test]
fn nothing_skipped_is_said_too() {
    let mut world = World::with_strategy("s1");
    assert_eq!(
        world.assert_executed("start"),
        "running on EURUSD M15; 1 rule; skipped: none"
    );
}

#[test]
fn a_start_says_what_keeps_it_from_opening_anything() {
    let mut world = World::ready();
    world.pusher("p", "PAUSE", &json!({}));
    world.pusher("a", "START_STRATEGY", &start_args("s1", &buying_rules()));
    let message = world.assert_executed("a");
    assert!(
        message.contains("; nothing is opened now: trading is paused ("),
        "{message}"
    );
}

#[test]
fn a_start_waits_for_the_terminal_and_says_so() {
    let mut world = World::ready();
    world.terminal_down();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &buying_rules()));
    world.assert_ends("a", CommandState::Waiting, "waiting for the terminal");
    assert!(world.interims.is_empty());
    world.wait(8);
    assert_eq!(world.interims, ["a"], "one interim at most");
    world.terminal_up();
    world.assert_executed("a");
    assert_eq!(world.report("a").0, "executed");
}

#[test]
fn a_start_that_waited_too_long_fails_with_the_reason() {
    let mut world = World::ready();
    world.clock_is_known();
    world.terminal_down();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &buying_rules()));
    world.wait(302);
    world.assert_ends("a", CommandState::Expired, "while waiting for the terminal");
    let (status, result) = world.report("a");
    assert_eq!((status, &result["success"]), ("failed", &json!(false)));
}

#[test]
fn a_start_waits_for_enough_bars() {
    let mut world = World::ready();
    let all = std::mem::take(&mut world.terminal.bars);
    world.terminal.bars = all[..2].to_vec();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &scalper()));
    world.assert_ends(
        "a",
        CommandState::Waiting,
        "waiting for bars of EURUSD M15: 2 of",
    );
    world.terminal_says(vec![TerminalEvent::Bars {
        symbol: "EURUSD".to_owned(),
        timeframe: crate::market::Timeframe::M15,
        bars: all,
    }]);
    world.assert_executed("a");
}

#[test]
fn an_unknown_symbol_is_refused_by_name() {
    let mut world = World::ready();
    let mut args = start_args("s1", &buying_rules());
    args["symbol"] = json!("XYZABC");
    world.pusher("a", "START_STRATEGY", &args);
    world.assert_ends("a", CommandState::Failed, "no symbol for XYZABC");
}

#[test]
fn a_start_from_the_heartbeat_is_proved_by_the_interim_answer() {
    let mut world = World::ready();
    world.patching = Patching::Silent;
    world.heartbeat(&[("a", "START_STRATEGY", start_args("s1", &buying_rules()), 5)]);
    world.assert_ends("a", CommandState::Waiting, "who sent it");
    assert_eq!(world.interims, ["a"]);
    assert_eq!(
        world.state.durable().strategies.len(),
        0,
        "nothing runs before it is proved"
    );
    world.patching = Patching::Works;
    world.wait(61);
    assert_eq!(
        world.interims,
        ["a", "a"],
        "a lost answer is asked for again"
    );
    world.assert_executed("a");
}

#[test]
fn a_start_of_somebody_else_is_refused() {
    let mut world = World::ready();
    let args = start_args("s1", &buying_rules());
    let envelope = world.envelope("pushed", "START_STRATEGY", &args, 0, "user-foreign");
    world.pusher_raw(&envelope.to_string());
    world.assert_ends("pushed", CommandState::Refused, "user-foreign");
    world.platform_knows("row", "user-foreign");
    let row = world.row("row", "START_STRATEGY", &args, 1);
    world.heartbeat_raw(vec![row]);
    world.assert_ends("row", CommandState::Refused, "user-foreign");
    world.heartbeat_raw(vec![
        json!({ "id": "nobody", "command": "START_STRATEGY", "parameters": args }).to_string(),
    ]);
    world.assert_ends("nobody", CommandState::Refused, "does not say who sent it");
    assert!(world.state.durable().strategies.is_empty());
}

#[test]
fn the_pusher_copy_may_bring_the_sender_that_the_row_lacked() {
    let mut world = World::ready();
    world.patching = Patching::Silent;
    let args = start_args("s1", &buying_rules());
    world.heartbeat(&[("a", "START_STRATEGY", args.clone(), 5)]);
    let envelope = world.envelope("a", "START_STRATEGY", &args, 5, OWNER);
    world.pusher_raw(&envelope.to_string());
    world.assert_executed("a");
}

#[test]
fn a_command_for_another_executor_is_refused() {
    let mut world = World::ready();
    let mut envelope = world.envelope("a", "PAUSE", &json!({}), 0, OWNER);
    envelope["executorId"] = json!("executor-other");
    world.pusher_raw(&envelope.to_string());
    world.assert_ends(
        "a",
        CommandState::Refused,
        "addressed to executor executor-other",
    );
    assert!(world.state.durable().pause.is_none());
}

/// The manual test of the Pusher dashboard: a type only, no rules, more than a year old, unknown to the platform.
#[test]
fn the_manual_test_event_is_received_refused_with_reasons_and_ends() {
    let mut world = World::ready();
    world.clock_is_known();
    world.pusher_raw(
        &json!({
            "id": "manual-1", "type": "START_STRATEGY", "executorId": EXECUTOR,
            "payload": { "strategyId": "test", "strategyName": "By hand", "symbol": "EURUSD", "timeframe": "M15" },
            "timestamp": "2025-01-20T10:00:00Z",
        })
        .to_string(),
    );
    assert!(
        world
            .logs
            .contains(&"Command received: START_STRATEGY".to_owned())
    );
    world.assert_ends(
        "manual-1",
        CommandState::Expired,
        "it was made 405 days ago",
    );
    world.assert_ends("manual-1", CommandState::Expired, "it carries no rules");
    assert!(world.terminal.submitted.is_empty());
    assert!(
        world.reports.is_empty() && world.state.durable().reports.is_empty(),
        "404 is final"
    );
    assert_eq!(
        world.count_logs("The platform knows no command manual-1"),
        1
    );
    world.jump(1_000);
    assert_eq!(world.count_logs("manual-1"), 1, "and it is not asked again");
}

#[test]
fn a_fresh_test_event_without_rules_is_refused_for_that() {
    let mut world = World::ready();
    let args = json!({ "strategyId": "test", "symbol": "EURUSD", "timeframe": "M15" });
    world.pusher("a", "START_STRATEGY", &args);
    world.assert_ends("a", CommandState::Failed, "carries no rules");
}

#[test]
fn without_direction_it_is_refused_until_the_trader_chooses() {
    let mut world = World::ready();
    let mut rules = buying_rules();
    rules["entry"]["conditions"][0]["description"] = json!("above the average");
    world.pusher("a", "START_STRATEGY", &start_args("s1", &rules));
    world.assert_ends("a", CommandState::Failed, crate::strategy::NO_DIRECTION);
    let strategy = world.state.snapshot(world.now).strategies[0].clone();
    assert!(strategy.needs_direction);
    world.ui(crate::core::snapshot::UiCommand::ChooseDirection {
        id: "s1".to_owned(),
        side: Some(crate::market::Side::Buy),
    });
    world.pusher("b", "START_STRATEGY", &start_args("s1", &rules));
    world.assert_executed("b");
}

#[test]
fn running_strategies_go_on_after_a_restart() {
    let mut world = World::with_strategy("s1");
    world.restart();
    world.terminal_up();
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Running
    );
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
    world.happens(Event::Tick);
}

#[test]
fn a_symbol_is_traded_under_the_brokers_name_and_told_under_both() {
    let mut world = World::ready();
    world.terminal_down();
    world.terminal.symbol = "EURUSDm";
    world.terminal_up();
    world.pusher("s", "START_STRATEGY", &start_args("s1", &buying_rules()));
    let message = world.assert_executed("s");
    assert!(
        message.contains("on EURUSDm (the platform's EURUSD) M15"),
        "{message}"
    );
    world.pusher(
        "o",
        "OPEN_POSITION",
        &json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 }),
    );
    world.assert_executed("o");
    assert_eq!(world.terminal.positions[0].symbol, "EURUSDm");
    world.pusher("c", "CLOSE_BY_SYMBOL", &json!({ "symbol": "EURUSD" }));
    world.assert_executed("c");
    assert!(world.terminal.positions.is_empty());

    // Another broker, another name.
    world.terminal_down();
    world.terminal.symbol = "EURUSD.r";
    world.terminal_up();
    assert_eq!(world.state.durable().strategies["s1"].symbol, "EURUSD.r");
}

#[test]
fn a_strategy_that_is_switched_off_is_not_run() {
    for holder in ["", "/rules", "/rules/entry", "/settings", "/options"] {
        for (key, off) in [
            ("enabled", json!(false)),
            ("Enabled", json!("False")),
            ("enabled", json!(0)),
            ("enabled", json!("off")),
            ("isActive", json!(false)),
            ("paused", json!(true)),
            ("isEnabled", json!(false)),
            ("is_active", json!("no")),
            ("enabled", json!("0")),
            ("isDisabled", json!(true)),
        ] {
            let mut world = World::ready();
            let mut args = start_args("s1", &buying_rules());
            args.pointer_mut(holder).unwrap()[key] = off;
            world.pusher("a", "START_STRATEGY", &args);
            world.assert_ends("a", CommandState::Failed, "\"enabled\": false");
        }
    }
}

/// Money that a START speaks of where nothing looks is not left out in silence.
#[test]
fn a_start_that_says_more_than_is_followed_is_refused_by_name() {
    for (key, value) in [
        ("lotSize", json!(3)),
        ("leverage", json!("5")),
        ("maxOpenTrades", json!(9)),
        ("stopLoss", json!({ "pips": 5 })),
        ("direction", json!("SELL")),
        ("trailing_stop", json!(5)),
        ("newParameters", json!({ "entry": {} })),
        ("riskPerTrade", json!(2)),
        ("maxDailyLos", json!(50)),
        ("paperTrading", json!(true)),
        ("startImmediately", json!(false)),
        ("action", json!("SELL")),
        ("status", json!("inactive")),
        ("enabled", json!("inactive")),
        ("active", json!("tidak")),
        ("disabled", json!(2)),
        ("Settings", json!({ "lotSize": 1 })),
        ("sessionFilter", json!({ "sessions": ["London"] })),
    ] {
        let mut world = World::ready();
        let mut args = start_args("s1", &buying_rules());
        args[key] = value;
        let told = match key {
            "stopLoss" => "\"stopLoss\"".to_owned(),
            key => format!("it says \"{key}\" beside its rules"),
        };
        world.pusher("a", "START_STRATEGY", &args);
        world.assert_ends("a", CommandState::Failed, &told);
    }
    let mut world = World::ready();
    let mut args = start_args("s1", &buying_rules());
    for key in [
        "description",
        "terminalId",
        "createdBy",
        "updatedAt",
        "notes",
        "version",
        "id",
        "metadata",
        "isPublic",
    ] {
        args[key] = json!("a note");
    }
    args["leverage"] = json!(null);
    world.pusher("a", "START_STRATEGY", &args);
    world.assert_executed("a");
}

#[test]
fn a_pause_that_comes_while_its_start_waits_makes_it_begin_paused() {
    let mut world = World::ready();
    world.terminal_down();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &buying_rules()));
    world.pusher("p", "PAUSE_STRATEGY", &json!({ "strategyId": "s1" }));
    world.assert_executed("p");
    world.terminal_up();
    world.assert_executed("a");
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        crate::core::snapshot::StrategyState::Paused
    );
}

#[test]
fn who_says_that_he_is_somebody_else_opens_and_closes_nothing() {
    let mut world = World::ready();
    let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 });
    let foreign = json!({
        "id": "o", "command": "OPEN_POSITION", "parameters": order,
        "metadata": { "userId": "user-foreign" },
    });
    world.pusher_raw(&foreign.to_string());
    world.assert_ends("o", CommandState::Refused, "who does not own this executor");
    assert!(world.terminal.submitted.is_empty());
}

#[test]
fn r1_a_direction_for_all_is_the_traders_word_too() {
    let mut rules = buying_rules();
    let condition = &mut rules["entry"]["conditions"][0];
    condition.as_object_mut().unwrap().remove("description");
    for (chosen, state) in [
        (None, CommandState::Failed),
        (Some(crate::market::Side::Sell), CommandState::Executed),
    ] {
        let mut world = World::ready_with(Config {
            default_direction: chosen,
            ..Config::default()
        });
        world.pusher("a", "START_STRATEGY", &start_args("s1", &rules));
        world.assert_ends(
            "a",
            state,
            if chosen.is_some() {
                "running on"
            } else {
                "whether it buys or sells"
            },
        );
    }
}

/// What was accepted as buying buys until it is activated again, whatever is chosen meanwhile.
#[test]
fn r1_a_direction_chosen_later_counts_from_the_next_activation() {
    let mut rules = buying_rules();
    rules["entry"]["conditions"][0]["description"] = json!("above the average");
    for change in ["default", "own choice", "none"] {
        let mut world = World::ready_with(Config {
            default_direction: Some(Side::Buy),
            ..Config::default()
        });
        world.pusher("a", "START_STRATEGY", &start_args("s1", &rules));
        world.assert_executed("a");
        match change {
            "default" => world.config.default_direction = Some(Side::Sell),
            "own choice" => world.happens(Event::Ui(UiCommand::ChooseDirection {
                id: "s1".to_owned(),
                side: Some(Side::Sell),
            })),
            _ => world.config.default_direction = None,
        }
        world.happens(Event::Configured(world.config.clone()));
        world.restart();
        world.terminal_up();
        world.next_bar();
        let sides: Vec<Side> = world
            .terminal
            .positions
            .iter()
            .map(|open| open.side)
            .collect();
        assert_eq!(sides, [Side::Buy], "{change}");
        if change != "none" {
            world.wait(1);
            world.pusher("b", "START_STRATEGY", &start_args("s1", &rules));
            world.assert_ends("b", CommandState::Executed, "rules replaced");
        }
    }
}

#[test]
fn settings_that_cannot_be_read_are_no_absent_ones() {
    for (key, value, runs) in [
        ("settings", json!([1]), false),
        ("settings", json!("lot 0.1"), false),
        ("options", json!(7), false),
        ("settings", json!([]), true),
        ("options", json!(null), true),
    ] {
        let mut world = World::ready();
        let mut args = super::start_args("s1", &super::buying_rules());
        args[key] = value.clone();
        world.pusher("a", "START_STRATEGY", &args);
        if runs {
            world.assert_executed("a");
        } else {
            let told = format!("its \"{key}\" is no object");
            world.assert_ends("a", CommandState::Failed, &told);
        }
    }
}

#[test]
fn an_update_that_asks_for_more_than_rules_changes_nothing() {
    let mut switched_off = super::buying_rules();
    switched_off["enabled"] = json!(false);
    for (more, refused) in [
        (json!({ "settings": { "lotSize": 0.01 } }), Some("settings")),
        (json!({ "enabled": false }), Some("enabled")),
        (json!({ "symbol": "USDJPY" }), Some("symbol")),
        (json!({ "lotSize": 0.01 }), Some("lotSize")),
        (
            json!({ "updates": { "status": "paused" } }),
            Some("says \"status\""),
        ),
        (
            json!({ "updates": [{ "symbol": "USDJPY" }] }),
            Some("\"updates\" is no object"),
        ),
        (
            json!({ "updates": { "enabled": false } }),
            Some("says \"enabled\""),
        ),
        (json!({ "rules": switched_off }), Some("in \"rules\"")),
        (
            json!({ "newParameters": { "entry": {} } }),
            Some("different rules in two places"),
        ),
        (
            json!({ "updates": { "rules": { "entry": {} } } }),
            Some("different rules in two places"),
        ),
        (json!({ "newParameters": super::buying_rules() }), None),
        (json!({ "newParameters": {}, "updates": [] }), None),
        (
            json!({ "enabled": true, "symbol": "EURUSD", "timeframe": "M15", "settings": {} }),
            None,
        ),
    ] {
        let mut world = World::with_strategy("s1");
        let before = world.state.durable().strategies["s1"].clone();
        let mut args = json!({ "strategyId": "s1", "rules": super::buying_rules() });
        for (key, value) in more.as_object().unwrap() {
            args[key] = value.clone();
        }
        world.pusher("u", "UPDATE_STRATEGY", &args);
        if let Some(key) = refused {
            world.assert_ends("u", CommandState::Failed, key);
            assert_eq!(world.state.durable().strategies["s1"], before);
        } else {
            world.assert_executed("u");
        }
    }
}
