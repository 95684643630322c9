//! The command traps C12-C21 of the platform contract, §9.2: one test a number.

use serde_json::json;

use super::terminal::{Manner, decimal};
use super::traps::{buy, left, own};
use super::world::World;
use super::{buying_rules, cid_of, start_args};
use crate::core::snapshot::{CommandState, StrategyState, UiCommand};
use crate::core::{Effect, Event};

#[test]
fn c12_an_emergency_stop_with_a_strategy_stops_only_that_one() {
    let mut world = World::with_strategy("s1");
    world.pusher("b", "START_STRATEGY", &start_args("s2", &buying_rules()));
    own(&mut world, &[(11, "1")]);
    world.terminal.holds(12, cid_of("s2", 12).0, "1");
    world.send_book();
    world.pusher(
        "e",
        "EMERGENCY_STOP",
        &json!({ "strategyId": "s1", "reason": "r" }),
    );
    assert_eq!(left(&world), [12]);
    assert!(world.state.durable().stop.is_none());
    assert_eq!(
        world.state.durable().strategies["s2"].state,
        StrategyState::Running
    );
    world.pusher("all", "EMERGENCY_STOP", &json!({ "reason": "r" }));
    world.pusher("again", "EMERGENCY_STOP", &json!({ "reason": "r" }));
    world.wait(1);
    assert!(left(&world).is_empty() && world.state.durable().stop.is_some());
    for id in ["e", "all", "again"] {
        world.assert_executed(id);
    }
}

#[test]
fn c13_stop_all_keeps_positions_pause_keeps_strategies_and_resume_lifts_a_pause_only() {
    let mut world = World::with_strategy("s1");
    own(&mut world, &[(11, "1")]);
    world.pusher("p", "PAUSE", &json!({}));
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Running
    );
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    world.pusher("s", "STOP_ALL", &json!({}));
    world.pusher("r", "RESUME", &json!({}));
    assert!(world.state.durable().pause.is_none());
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Stopped
    );
    assert_eq!(left(&world), [11]);
    world.pusher("x", "RESTART", &json!({}));
    assert_eq!(
        (
            world.restarts_of_loops,
            world.state.durable().strategies.len()
        ),
        (1, 1)
    );
}

#[test]
fn c14_a_strategy_resumes_from_what_is_kept_here() {
    let mut world = World::with_strategy("s1");
    let one = json!({ "strategyId": "s1", "strategyName": "n" });
    world.pusher("p", "PAUSE_STRATEGY", &one);
    world.restart();
    world.terminal_up();
    world.pusher("r", "RESUME_STRATEGY", &one);
    world.assert_executed("r");
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
    world.pusher(
        "u",
        "RESUME_STRATEGY",
        &json!({ "strategyId": "never-seen" }),
    );
    world.assert_ends("u", CommandState::Waiting, "waiting for its activation");
    world.wait(12);
    world.assert_ends("u", CommandState::Failed, "not known here");
}

#[test]
fn c15_the_same_rules_run_on_and_different_ones_replace_them() {
    let mut world = World::with_strategy("s1");
    world.pusher("same", "START_STRATEGY", &start_args("s1", &buying_rules()));
    assert!(world.assert_executed("same").starts_with("already running"));
    let mut rules = buying_rules();
    rules["riskManagement"]["lotSize"] = json!(0.3);
    world.pusher("new", "START_STRATEGY", &start_args("s1", &rules));
    assert!(
        world
            .assert_executed("new")
            .starts_with("rules replaced for new entries")
    );
    world.next_bar();
    assert_eq!(world.terminal.positions[0].volume, decimal("0.3"));
    world.pusher("bad", "START_STRATEGY", &start_args("s1", &json!({})));
    world.assert_ends("bad", CommandState::Failed, "goes on with its old rules");
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Running
    );
}

#[test]
fn c16_an_empty_answer_of_the_platform_means_nothing() {
    let mut world = World::with_strategy("s1");
    world.heartbeat_raw(Vec::new());
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Running
    );
}

#[test]
fn c17_closing_twice_within_seconds_closes_once() {
    let mut world = World::ready();
    own(&mut world, &[(11, "5")]);
    world.terminal.manners.push_back(Manner::FillSilently);
    let args = json!({ "minProfit": 0 });
    world.pusher("a", "CLOSE_PROFITABLE", &args);
    world.pusher("b", "CLOSE_PROFITABLE", &args);
    assert_eq!(world.terminal.closes(), 1, "the first is still on its way");
    world.wait(35);
    world.assert_executed("a");
    world.assert_executed("b");
    assert_eq!(world.terminal.closes(), 1);
    world.pusher("c", "CLOSE_PROFITABLE", &args);
    assert!(world.assert_executed("c").contains("nothing to close"));
}

#[test]
fn c18_a_strategy_can_be_stopped_here_when_the_platforms_button_fails() {
    let mut world = World::with_strategy("s1");
    own(&mut world, &[(11, "5")]);
    world.ui(UiCommand::StopStrategy {
        id: "s1".to_owned(),
        close_positions: true,
    });
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Stopped
    );
    assert!(left(&world).is_empty());
}

#[test]
fn c19_profit_and_loss_bounds_of_own_positions() {
    let all = [(1, "10"), (2, "0.5"), (3, "0"), (4, "-2"), (5, "-20")];
    let cases = [
        ("CLOSE_PROFITABLE", json!({ "minProfit": 0 }), vec![3, 4, 5]),
        (
            "CLOSE_PROFITABLE",
            json!({ "minProfit": 5 }),
            vec![2, 3, 4, 5],
        ),
        (
            "CLOSE_PROFITABLE",
            json!({ "minProfit": "10" }),
            vec![1, 2, 3, 4, 5],
        ),
        ("CLOSE_LOSING", json!({ "maxLoss": 0 }), vec![1, 2, 3]),
        ("CLOSE_LOSING", json!({ "maxLoss": 5 }), vec![1, 2, 3, 4]),
        ("CLOSE_LOSING", json!({ "maxLoss": -5 }), vec![1, 2, 3, 4]),
        ("CLOSE_LOSING", json!({}), vec![1, 2, 3]),
    ];
    for (name, args, mut kept) in cases {
        let mut world = World::ready();
        own(&mut world, &all);
        world
            .terminal
            .holds(6, 4_711, if name == "CLOSE_LOSING" { "-99" } else { "99" });
        world.send_book();
        world.pusher("x", name, &args);
        world.assert_executed("x");
        kept.push(6);
        assert_eq!(left(&world), kept, "{name} {args}");
    }
}

#[test]
fn c20_names_for_the_same_thing_are_taken_and_contradictions_refused() {
    for args in [
        json!({ "symbol": "eurusd", "type": "buy", "volume": "0.1" }),
        json!({ "symbol": "EURUSD", "action": "BUY", "lots": 0.1 }),
        json!({ "symbol": "EURUSD", "action": "BUY", "type": "BUY", "lotSize": 0.10, "volume": "0.1" }),
    ] {
        let mut world = World::ready();
        world.pusher("o", "OPEN_POSITION", &args);
        world.assert_executed("o");
        assert_eq!(world.terminal.positions[0].volume, decimal("0.1"), "{args}");
    }
    for args in [
        json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "lots": 0.2 }),
        json!({ "symbol": "EURUSD", "type": "BUY", "action": "SELL", "volume": 0.1 }),
    ] {
        let mut world = World::ready();
        world.pusher("o", "OPEN_POSITION", &args);
        world.assert_ends("o", CommandState::Failed, "contradict each other");
    }
    for ticket in [json!(11), json!("11"), json!(11.0)] {
        let mut world = World::ready();
        own(&mut world, &[(11, "1")]);
        world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": ticket }));
        world.assert_executed("c");
        assert!(left(&world).is_empty());
    }
    let mut world = World::ready();
    own(&mut world, &[(11, "1")]);
    world.terminal.positions[0].symbol = "GBPUSD".to_owned();
    world.send_book();
    let close = json!({ "ticket": 11, "symbol": "EURUSD" });
    let modify = json!({ "ticket": 11, "symbol": "EURUSD", "stopLoss": 1.0 });
    for (id, name, args) in [
        ("c", "CLOSE_POSITION", close),
        ("m", "MODIFY_POSITION", modify),
    ] {
        world.pusher(id, name, &args);
        world.assert_ends(
            id,
            CommandState::Failed,
            "names EURUSD, and position #11 is GBPUSD",
        );
    }
    assert_eq!(left(&world), [11]);
}

#[test]
fn c21_the_stricter_daily_loss_counts_whatever_its_unit() {
    // 1 % of 10,000 in the settings against 500 USD in the rules.
    let mut rules = buying_rules();
    rules["riskManagement"]["maxDailyLoss"] = json!(500);
    let mut args = start_args("s1", &rules);
    args["settings"] = json!({ "maxDailyLoss": 1 });
    for (loss, opens) in [("-99", 1), ("-100", 0)] {
        let mut world = World::ready();
        world.pusher("a", "START_STRATEGY", &args);
        world.assert_executed("a");
        world.happens(Event::Terminal(crate::market::TerminalEvent::Deal(
            crate::market::Deal {
                ticket: crate::market::Ticket(5),
                position: crate::market::Ticket(1),
                symbol: "EURUSD".to_owned(),
                side: crate::market::Side::Sell,
                entry: crate::market::DealEntry::Out,
                reason: crate::market::DealReason::StopLoss,
                volume: decimal("0.1"),
                price: decimal("1.09"),
                profit: decimal(loss),
                magic: cid_of("s1", 1).0,
                time: "2026-03-02T09:10:00Z".parse().unwrap(),
            },
        )));
        world.next_bar();
        assert_eq!(world.terminal.opens(), opens, "{loss}");
    }
}

#[test]
fn closes_and_cancels_alone_go_out_without_a_journal() {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    let sent = world.terminal.submitted[0].clone();
    let open = Effect::Terminal(crate::market::TerminalRequest::Submit(sent));
    assert!(!open.runs_unjournaled());
}

#[test]
fn a_slow_clock_here_makes_no_command_without_a_time_old() {
    for measured in [true, false] {
        let mut world = World::ready();
        if measured {
            world.happens(Event::ClockMeasured {
                offset_ms: 3 * 86_400_000,
                within_ms: 10,
            });
        }
        let raw = json!({ "id": "g", "command": "GET_STATUS", "parameters": {} }).to_string();
        world.pusher_raw(&raw);
        if !measured {
            world.happens(Event::ClockMeasured {
                offset_ms: 3 * 86_400_000,
                within_ms: 10,
            });
        }
        world.wait(1);
        world.assert_executed("g");
    }
}
