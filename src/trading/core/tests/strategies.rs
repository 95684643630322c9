//! Running strategies: one decision a bar, no second entry while the book lags, care for open positions.

use serde_json::json;

use super::terminal::{Manner, decimal};
use super::world::World;
use super::{buying_rules, start_args};
use crate::core::rules::first_number;
use crate::core::snapshot::{CommandState, StrategyState, UiCommand};
use crate::core::{Allowances, Config, Event, Limits, NewsCalendar};
use crate::market::{IntentAction, Quote, RefusalClass, TerminalEvent};

fn decided(world: &mut World) -> std::sync::Arc<crate::core::Decided> {
    let row = &world.state.snapshot(world.now).strategies[0];
    row.decided.clone().unwrap()
}

fn last_decision(world: &mut World) -> String {
    world.state.snapshot(world.now).strategies[0]
        .last_decision
        .clone()
}

#[test]
fn one_decision_at_each_closed_bar_and_one_position_each_way() {
    let mut world = World::with_strategy("s1");
    assert_eq!(world.terminal.opens(), 0, "nothing before a bar closes");
    let bar = world.terminal.next_bar();
    world.terminal_says(bar.clone());
    assert_eq!(world.terminal.opens(), 1);
    world.terminal.positions.clear();
    world.send_book();
    world.terminal_says(bar);
    assert_eq!(
        world.terminal.opens(),
        1,
        "the same bar again decides nothing"
    );
    world.next_bar();
    assert_eq!(world.terminal.opens(), 2);
    world.next_bar();
    assert_eq!(world.terminal.opens(), 2);
    assert!(last_decision(&mut world).contains("already has a BUY position"));
}

#[test]
fn the_entry_carries_its_stop_loss_and_the_strategys_number() {
    let mut world = World::with_strategy("s1");
    world.next_bar();
    let IntentAction::Open {
        stop_loss,
        take_profit,
        volume,
        ..
    } = &world.terminal.submitted[0].action
    else {
        panic!("not an entry");
    };
    assert!(stop_loss.is_some() && take_profit.is_some());
    assert_eq!(*volume, decimal("0.1"));
    assert_eq!(
        world.terminal.submitted[0].cid.strategy(),
        first_number("s1")
    );
}

#[test]
fn while_the_book_lags_nothing_is_decided() {
    let mut world = World::with_strategy("s1");
    world.terminal.keeps_book = true;
    world.next_bar();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
    assert!(last_decision(&mut world).contains("not up to date"));
    world.terminal.keeps_book = false;
    world.send_book();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1, "the position is seen now");
}

#[test]
fn while_an_order_is_in_doubt_nothing_is_decided() {
    let mut world = World::with_strategy("s1");
    world.terminal.manners.push_back(Manner::Swallow);
    world.next_bar();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
    assert!(last_decision(&mut world).contains("no certain outcome"));
    world.wait(35);
    world.next_bar();
    assert_eq!(world.terminal.opens(), 2, "it was proven absent");
}

#[test]
fn a_refused_entry_is_not_repeated_within_its_bar() {
    let mut world = World::with_strategy("s1");
    world
        .terminal
        .manners
        .push_back(Manner::Refuse(RefusalClass::Wait));
    world.next_bar();
    world.wait(20);
    assert_eq!(world.terminal.opens(), 1);
    assert!(last_decision(&mut world).contains("the terminal refused the order"));
    let decided = decided(&mut world);
    assert!(!decided.entered, "no position came of it");
    assert!(decided.verdict.contains("ordered, and refused: "));
}

#[test]
fn a_decision_is_an_entry_once_a_position_came_of_its_order() {
    let mut world = World::with_strategy("s1");
    world.next_bar();
    world.wait(5);
    assert_eq!(world.terminal.opens(), 1);
    let decided = decided(&mut world);
    assert!(decided.entered);
    assert!(decided.verdict.starts_with("BUY ") && decided.verdict.ends_with(" EURUSD"));
}

#[test]
fn a_requoted_entry_is_tried_three_times_from_the_price_that_was_decided_on() {
    let mut world = World::with_strategy("s1");
    for _ in 0..5 {
        let refused = Manner::Refuse(RefusalClass::PriceMoved);
        world.terminal.manners.push_back(refused);
    }
    world.next_bar();
    world.wait(20);
    let sent = &world.terminal.submitted;
    assert_eq!(sent.len(), 3);
    assert!(sent[0].price.is_some());
    for (parent, child) in sent.iter().zip(&sent[1..]) {
        assert_eq!(child.parent, Some(parent.cid));
        assert_ne!(child.cid, parent.cid);
        assert_eq!((&child.action, child.price), (&parent.action, parent.price));
    }
    assert!(last_decision(&mut world).contains("the terminal refused the order"));
}

#[test]
fn a_requoted_entry_is_not_tried_again_once_its_strategy_is_held() {
    for held in [
        UiCommand::PauseStrategy {
            id: "s1".to_owned(),
        },
        UiCommand::StopStrategy {
            id: "s1".to_owned(),
            close_positions: false,
        },
    ] {
        let mut world = World::with_strategy("s1");
        world.terminal.manners.push_back(Manner::Swallow);
        world.next_bar();
        world.ui(held);
        let cid = world.terminal.submitted[0].cid;
        world.requote(cid);
        world.wait(3);
        assert_eq!(world.terminal.opens(), 1);
    }
}

#[test]
fn paused_stopped_and_limited_strategies_do_not_enter() {
    let one = || "s1".to_owned();
    for command in [
        UiCommand::PauseTrading,
        UiCommand::PauseStrategy { id: one() },
        UiCommand::StopStrategy {
            id: one(),
            close_positions: false,
        },
    ] {
        let mut world = World::with_strategy("s1");
        world.ui(command);
        world.next_bar();
        assert_eq!(world.terminal.opens(), 0);
    }
    for limits in [
        Limits {
            max_lots: Some(decimal("0.05")),
            ..Limits::default()
        },
        Limits {
            max_positions: Some(0),
            ..Limits::default()
        },
    ] {
        let mut world = World::ready_with(Config {
            limits,
            ..Config::default()
        });
        world.pusher("a", "START_STRATEGY", &start_args("s1", &buying_rules()));
        world.next_bar();
        assert_eq!(world.terminal.opens(), 0);
        assert!(last_decision(&mut world).contains("limit"));
    }
}

#[test]
fn two_strategies_share_the_local_limit_in_one_bar() {
    let mut world = World::with_one_position_allowed();
    for id in ["s1", "s2"] {
        world.pusher(id, "START_STRATEGY", &start_args(id, &buying_rules()));
        world.assert_executed(id);
    }
    let numbers: Vec<_> = world
        .state
        .durable()
        .strategies
        .values()
        .map(|strategy| strategy.number)
        .collect();
    assert_ne!(numbers[0], numbers[1]);
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
}

#[test]
fn the_entry_in_flight_of_a_stopped_strategy_is_closed_with_it() {
    let mut world = World::with_strategy("s1");
    world.terminal.manners.push_back(Manner::FillSilently);
    world.next_bar();
    world.pusher(
        "x",
        "STOP_STRATEGY",
        &json!({ "strategyId": "s1", "closePositions": true }),
    );
    world.wait(35);
    world.assert_executed("x");
    assert!(world.terminal.positions.is_empty());
}

#[test]
fn a_start_after_a_stop_that_still_closes_is_not_undone_by_it() {
    let mut world = World::with_strategy("s1");
    world.next_bar();
    world.terminal.manners.push_back(Manner::FillSilently);
    world.pusher_made(
        "x",
        "STOP_STRATEGY",
        &json!({ "strategyId": "s1", "closePositions": true }),
        -1,
    );
    world.pusher_made(
        "y",
        "START_STRATEGY",
        &start_args("s1", &buying_rules()),
        -2,
    );
    world.assert_executed("y");
    world.wait(35);
    world.assert_executed("x");
    assert_eq!(
        world.state.durable().strategies["s1"].state,
        StrategyState::Running
    );
}

#[test]
fn trailing_goes_on_for_a_stopped_strategy() {
    let mut rules = buying_rules();
    rules["exit"]["trailing"] = json!({ "enabled": true, "distance": 10 });
    let mut world = World::ready();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &rules));
    world.assert_executed("a");
    world.next_bar();
    assert_eq!(world.terminal.positions.len(), 1);
    world.ui(UiCommand::StopStrategy {
        id: "s1".to_owned(),
        close_positions: false,
    });
    let before = world.terminal.positions[0].stop_loss.unwrap();
    world.wait(2);
    let bid = before + decimal("0.0080");
    world.terminal_says(vec![TerminalEvent::Quote {
        symbol: "EURUSD".to_owned(),
        quote: Quote {
            bid,
            ask: bid + decimal("0.0001"),
            time: world.now.utc,
        },
    }]);
    let after = world.terminal.positions[0].stop_loss.unwrap();
    assert!(after > before, "{before} -> {after}");
}

#[test]
fn a_bar_is_judged_at_its_close_though_clock_and_price_are_older() {
    let mut world = World::with_strategy("s1");
    let minute = jiff::SignedDuration::from_secs(60);
    let events = world
        .terminal
        .next_bar()
        .into_iter()
        .map(|event| match event {
            TerminalEvent::Alive {
                account,
                permissions,
                market_time,
                latency_ms,
            } => TerminalEvent::Alive {
                account,
                permissions,
                market_time: market_time - minute,
                latency_ms,
            },
            TerminalEvent::Quote { symbol, quote } => TerminalEvent::Quote {
                symbol,
                quote: Quote {
                    time: quote.time - minute,
                    ..quote
                },
            },
            bar => bar,
        });
    world.terminal_says(events.collect());
    assert_eq!(world.terminal.opens(), 1, "{}", last_decision(&mut world));
}

#[test]
fn without_usable_settings_nothing_opens_because_no_limit_is_known() {
    let mut world = World::with_strategy("s1");
    let mut config = world.config.clone();
    config.settings.problem = Some("maxPositions: A whole number.".to_owned());
    world.happens(crate::core::Event::Configured(config));
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    assert!(last_decision(&mut world).contains("no limit of yours is known"));
}

#[test]
fn what_other_strategies_hold_in_the_symbol_counts_for_a_limit_on_the_symbol() {
    let mut world = World::ready();
    let mut limited = buying_rules();
    limited["riskManagement"]["maxPositionsPerSymbol"] = json!(1);
    world.pusher("a", "START_STRATEGY", &start_args("a", &buying_rules()));
    world.pusher("b", "START_STRATEGY", &start_args("b", &limited));
    world.assert_executed("b");
    world.next_bar();
    assert_eq!(
        world.terminal.opens(),
        1,
        "the other one's order is on its way"
    );
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
    let said = world.state.snapshot(world.now).strategies[1]
        .last_decision
        .clone();
    assert!(said.contains("1 positions are open in EURUSD"), "{said}");
}

#[test]
fn a_news_filter_needs_a_calendar_or_the_traders_leave() {
    let mut rules = buying_rules();
    rules["newsFilter"] =
        json!({ "enabled": true, "pauseBeforeMinutes": 30, "highImpactOnly": true });
    let start = start_args("n", &rules);
    let mut world = World::ready();
    world.pusher("none", "START_STRATEGY", &start);
    world.assert_ends(
        "none",
        CommandState::Failed,
        "there is no news calendar here",
    );
    let run_without = Allowances::without("news").unwrap();
    let config = Config {
        run_without,
        ..world.config.clone()
    };
    world.happens(Event::Configured(config));
    world.pusher("leave", "START_STRATEGY", &start);
    let said = world.assert_executed("leave");
    assert!(
        said.contains("skipped: newsFilter: the news filter is not followed"),
        "{said}"
    );
}

#[test]
fn a_calendar_imported_later_counts_from_the_next_start() {
    let mut rules = buying_rules();
    rules["newsFilter"] =
        json!({ "enabled": true, "pauseBeforeMinutes": 30, "highImpactOnly": true });
    let start = start_args("n", &rules);
    let mut world = World::ready();
    let without = Config {
        run_without: Allowances::without("news").unwrap(),
        ..world.config.clone()
    };
    world.happens(Event::Configured(without.clone()));
    world.pusher("first", "START_STRATEGY", &start);
    world.assert_executed("first");
    let text = "time,currency,impact,title\n2020-01-01 10:00,USD,high,CPI\n";
    let news = NewsCalendar::parse(text).unwrap();
    world.happens(Event::Configured(Config {
        news: Some(std::sync::Arc::new(news)),
        ..without
    }));
    world.pusher("again", "START_STRATEGY", &start);
    let said = world.assert_executed("again");
    assert!(said.contains("skipped: none"), "{said}");
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    assert!(last_decision(&mut world).contains("the news calendar does not reach this day"));
}
