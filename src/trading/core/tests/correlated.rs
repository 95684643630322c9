//! The correlation filter of a running strategy: whose bars are asked for, what holds entries back, what is refused.

use serde_json::{Value, json};

use super::terminal::decimal;
use super::world::World;
use super::{buying_rules, cid_of, start_args};
use crate::core::snapshot::CommandState;
use crate::core::{Allowances, Config, Event};
use crate::market::{Bar, Position, Side, TerminalEvent, Timeframe};

/// A terminal with a symbol that goes with EURUSD, one that goes against it and one that has hardly any bars.
fn world() -> World {
    let mut world = World::ready();
    world.terminal_down();
    let bars = world.terminal.bars.clone();
    let turned = |close: &dyn Fn(f64) -> f64| -> Vec<Bar> {
        let bars = bars.iter();
        bars.map(|bar| Bar {
            close: close(bar.close),
            ..*bar
        })
        .collect()
    };
    let others = &mut world.terminal.others;
    others.insert("GBPUSD", turned(&|close| close * 1.2));
    others.insert("USDCHF", turned(&|close| 1.0 / close));
    others.insert("NZDUSD", bars[bars.len() - 12..].to_vec());
    world.terminal_up();
    world
}

fn start(symbols: &Value) -> Value {
    let mut rules = buying_rules();
    rules["correlationFilter"] = json!({
        "enabled": true, "maxCorrelation": 0.7, "checkPairs": symbols, "lookbackPeriod": 5, "minDataPoints": 20,
    });
    start_args("c", &rules)
}

/// Another strategy's position.
fn hold(world: &mut World, symbol: &str, side: Side) {
    world.terminal.holds(500, cid_of("other", 1).0, "0");
    let held = world.terminal.positions.last_mut().unwrap();
    (held.symbol, held.side) = (symbol.to_owned(), side);
    world.send_book();
}

fn said(world: &mut World) -> String {
    let snapshot = world.state.snapshot(world.now);
    snapshot.strategies[0].last_decision.clone()
}

#[test]
fn a_correlated_position_holds_entries_back_until_it_is_closed() {
    for (symbol, side, opens) in [
        ("GBPUSD", Side::Buy, 0),
        ("GBPUSD", Side::Sell, 1),
        ("USDCHF", Side::Sell, 0),
        ("USDCHF", Side::Buy, 1),
        // Nobody asked about this one.
        ("NZDUSD", Side::Buy, 1),
    ] {
        let mut world = world();
        world.pusher(
            "start",
            "START_STRATEGY",
            &start(&json!(["GBPUSD", "USDCHF"])),
        );
        world.assert_executed("start");
        hold(&mut world, symbol, side);
        world.next_bar();
        assert_eq!(
            world.terminal.opens(),
            opens,
            "{symbol} {side:?}: {}",
            said(&mut world)
        );
        if opens == 0 {
            let value = if symbol == "GBPUSD" {
                "GBPUSD 1 with a BUY"
            } else {
                "USDCHF -1 with a SELL"
            };
            assert!(said(&mut world).contains(value), "{}", said(&mut world));
            world.terminal.positions.clear();
            world.send_book();
            world.next_bar();
            assert_eq!(world.terminal.opens(), 1);
        }
    }
}

#[test]
fn an_order_on_its_way_counts_as_a_position() {
    let mut world = world();
    world.pusher("start", "START_STRATEGY", &start(&json!(["GBPUSD"])));
    world
        .terminal
        .manners
        .push_back(super::terminal::Manner::Swallow);
    let order = json!({ "symbol": "GBPUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.09 });
    world.pusher("order", "OPEN_POSITION", &order);
    world.next_bar();
    assert_eq!(
        world.terminal.opens(),
        1,
        "the order alone: {}",
        said(&mut world)
    );
    assert!(
        said(&mut world).contains("GBPUSD 1 with a BUY position"),
        "{}",
        said(&mut world)
    );
}

#[test]
fn each_series_is_asked_for_once_and_long_enough() {
    let mut world = world();
    world.terminal.watched.clear();
    world.pusher(
        "start",
        "START_STRATEGY",
        &start(&json!(["GBPUSD", "USDCHF"])),
    );
    world.assert_executed("start");
    let bars = 5 * 96 + 50;
    let mut watched = std::mem::take(&mut world.terminal.watched);
    watched.sort();
    let expected = ["EURUSD", "GBPUSD", "USDCHF"].map(|one| (one.to_owned(), Timeframe::M15, bars));
    assert_eq!(watched, expected);
    // A second strategy that compares the same finds everything there.
    let mut second = start(&json!(["GBPUSD"]));
    second["strategyId"] = json!("d");
    world.pusher("second", "START_STRATEGY", &second);
    world.assert_executed("second");
    assert_eq!(world.terminal.watched, []);
    world.terminal_down();
    world.terminal_up();
    assert_eq!(
        world.terminal.watched.len(),
        3,
        "all again for a new connection"
    );
}

#[test]
fn too_few_bars_open_nothing() {
    let mut world = world();
    world.pusher("start", "START_STRATEGY", &start(&json!(["NZDUSD"])));
    world.assert_executed("start");
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    let told = said(&mut world);
    assert!(
        told.contains("NZDUSD unknown (12 of at least 20 pairs of bars)"),
        "{told}"
    );
    // The bars that are missing come as they close; those of the last one do not count yet.
    for _ in 0..8 {
        world.next_bar();
        let bar = *world.terminal.bars.last().unwrap();
        world.terminal_says(vec![TerminalEvent::BarClosed {
            symbol: "NZDUSD".to_owned(),
            timeframe: Timeframe::M15,
            bar,
        }]);
    }
    assert_eq!(world.terminal.opens(), 0);
    world.next_bar();
    let told = said(&mut world);
    assert_eq!(world.terminal.opens(), 1, "{told}");
}

#[test]
fn r15_a_symbol_that_the_terminal_lacks_refuses_the_start_by_name() {
    let mut world = world();
    let start = start(&json!(["GBPUSD", "DXY"]));
    world.pusher("refused", "START_STRATEGY", &start);
    world.assert_ends(
        "refused",
        CommandState::Failed,
        "correlationFilter: a correlation cannot be computed: the terminal has no symbol for DXY; name the broker's in the symbol map of the settings; or allow running without it in Settings (R15)",
    );
    let config = Config {
        run_without: Allowances::without("correlation").unwrap(),
        ..world.config.clone()
    };
    world.happens(Event::Configured(config));
    world.pusher("allowed", "START_STRATEGY", &start);
    let told = world.assert_executed("allowed");
    let skipped = "skipped: correlationFilter: positions in one symbol hold nothing back, as Settings allow: the terminal has no symbol for DXY";
    assert!(told.contains(skipped), "{told}");
    world.pusher("again", "START_STRATEGY", &start);
    let told = world.assert_executed("again");
    assert!(
        told.starts_with("already running") && told.contains(skipped),
        "{told}"
    );
    // What is there is looked at all the same.
    hold(&mut world, "GBPUSD", Side::Buy);
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    let told = said(&mut world);
    assert!(told.contains("DXY not found"), "{told}");
}

#[test]
fn a_symbol_that_nobody_may_trade_is_compared_all_the_same() {
    let mut world = world();
    world.terminal.view_only = true;
    world.terminal_down();
    world.terminal_up();
    world.pusher("start", "START_STRATEGY", &start(&json!(["USDCHF"])));
    world.assert_executed("start");
    world.quote();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1, "{}", said(&mut world));
}

#[test]
fn the_trader_names_the_brokers_symbol() {
    let mut world = world();
    let map = [("DXY".to_owned(), "USDCHF".to_owned())].into();
    let config = Config {
        symbol_map: map,
        ..world.config.clone()
    };
    world.happens(Event::Configured(config));
    world.pusher("start", "START_STRATEGY", &start(&json!(["DXY"])));
    world.assert_executed("start");
    hold(&mut world, "USDCHF", Side::Sell);
    world.next_bar();
    assert!(
        said(&mut world).contains("DXY -1 with a SELL position"),
        "{}",
        said(&mut world)
    );
}

#[test]
fn at_a_broker_without_the_symbol_nothing_is_opened() {
    let mut world = world();
    world.pusher("start", "START_STRATEGY", &start(&json!(["GBPUSD"])));
    world.assert_executed("start");
    world.restart();
    world.terminal.others.clear();
    world.terminal_up();
    world.quote();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    assert!(
        said(&mut world).contains("GBPUSD not found"),
        "{}",
        said(&mut world)
    );
}

#[test]
fn without_names_every_open_position_counts() {
    let mut world = world();
    world.pusher("start", "START_STRATEGY", &start(&json!([])));
    world.assert_executed("start");
    world.terminal.watched.clear();
    hold(&mut world, "GBPUSD", Side::Buy);
    let bars = 5 * 96 + 50;
    let asked = ("GBPUSD".to_owned(), Timeframe::M15, bars);
    assert_eq!(
        world.terminal.watched,
        [asked],
        "asked for when the position is seen"
    );
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    assert!(
        said(&mut world).contains("GBPUSD 1 with a BUY"),
        "{}",
        said(&mut world)
    );
    world.terminal.positions.clear();
    hold(&mut world, "NZDUSD", Side::Sell);
    world.next_bar();
    assert!(
        said(&mut world).contains("NZDUSD unknown"),
        "{}",
        said(&mut world)
    );
    world.terminal.positions.clear();
    // Another strategy's position in the own symbol goes the same way by itself.
    hold(&mut world, "EURUSD", Side::Buy);
    world.next_bar();
    assert!(
        said(&mut world).contains("EURUSD 1 with a BUY"),
        "{}",
        said(&mut world)
    );
    world.terminal.positions.clear();
    world.send_book();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
}

#[test]
fn positions_that_are_not_of_this_program_hold_nothing_back() {
    let mut world = world();
    world.pusher("start", "START_STRATEGY", &start(&json!([])));
    world.terminal.holds(500, 0, "0");
    let held: &mut Position = world.terminal.positions.last_mut().unwrap();
    held.symbol = "GBPUSD".to_owned();
    held.volume = decimal("1");
    world.send_book();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1, "{}", said(&mut world));
}
