//! Shadow mode: everything but the order.

use std::sync::Arc;

use serde_json::json;

use super::world::World;
use super::{buying_rules, start_args};
use crate::core::snapshot::UiCommand;

fn shadowed() -> World {
    let mut world = World::with_strategy("s1");
    let id = "s1".to_owned();
    world.ui(UiCommand::SetShadow { id, on: true });
    world
}

fn row(world: &mut World) -> crate::core::snapshot::StrategyRow {
    world.state.snapshot(world.now).strategies[0].clone()
}

#[test]
fn it_decides_and_orders_nothing() {
    let mut world = shadowed();
    world.quote();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    let decided = row(&mut world).decided.unwrap();
    assert!(decided.shadow && decided.entered);
    assert!(decided.verdict.contains("shadow: nothing was ordered"));
    assert_eq!(decided.conditions[0].value, Some(true));
    // One position at most, thought or real.
    world.next_bar();
    let again = row(&mut world).decided.unwrap();
    assert!(!again.entered);
    assert!(again.verdict.contains("already has a BUY position open"));
}

#[test]
fn it_outlives_a_restart_and_ends_by_hand_alone() {
    let mut world = shadowed();
    world.restart();
    world.terminal_up();
    world.quote();
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    let id = "s1".to_owned();
    world.ui(UiCommand::SetShadow { id, on: false });
    world.next_bar();
    assert_eq!(world.terminal.opens(), 1);
    assert_eq!(row(&mut world).shadow, None);
}

#[test]
fn a_thought_position_ends_at_its_stop_with_its_result() {
    let mut world = shadowed();
    world.quote();
    world.next_bar();
    assert_eq!(
        row(&mut world).shadow,
        Some((0, rust_decimal::Decimal::ZERO))
    );
    world.quote_at("1.0000", "1.0001");
    let (trades, profit) = row(&mut world).shadow.unwrap();
    assert_eq!(trades, 1);
    assert!(profit.is_sign_negative(), "{profit}");
    assert_eq!(world.terminal.submitted.len(), 0);
}

#[test]
fn every_decision_says_what_stood_in_the_way() {
    let mut world = World::with_strategy("s1");
    world.pusher("p", "PAUSE", &json!({}));
    world.quote();
    world.next_bar();
    let decided: Arc<_> = row(&mut world).decided.unwrap();
    assert!(decided.verdict.contains("paused"), "{}", decided.verdict);
    assert_eq!(decided.conditions[0].value, Some(true));
    assert!(decided.only_missing().is_empty());
}

/// Buys above the average and sells below it, with a stop and a target 600 pips away.
fn both_ways(limits: &serde_json::Value) -> World {
    let mut rules = buying_rules();
    rules["entry"] = json!({ "logic": "OR", "conditions": [
        { "indicator": "price", "condition": "gt", "value": "ema_3", "description": "BUY" },
        { "indicator": "price", "condition": "lt", "value": "ema_3", "description": "SELL" },
    ] });
    rules["exit"] = json!({
        "stopLoss": { "type": "pips", "value": 600 }, "takeProfit": { "type": "pips", "value": 600 },
    });
    rules["riskManagement"] = limits.clone();
    let mut world = World::ready();
    world.pusher("start", "START_STRATEGY", &start_args("s1", &rules));
    world.assert_executed("start");
    let id = "s1".to_owned();
    world.ui(UiCommand::SetShadow { id, on: true });
    world.quote();
    world.next_bar();
    world
}

/// The next bar closes far below the average.
fn falls(world: &mut World) {
    world.terminal.bars.last_mut().unwrap().close -= 0.03;
    world.next_bar();
}

#[test]
fn positions_of_both_directions_are_thought_and_each_ends_with_its_result() {
    let mut world = both_ways(&json!({ "lotSize": 0.1, "maxPositions": 2 }));
    assert!(row(&mut world).decided.unwrap().verdict.starts_with("BUY"));
    falls(&mut world);
    let second = row(&mut world).decided.unwrap();
    assert!(second.entered, "{}", second.verdict);
    assert!(second.verdict.starts_with("SELL"));
    world.quote_at("1.3000", "1.3001");
    let (trades, profit) = row(&mut world).shadow.unwrap();
    assert_eq!(trades, 2);
    // One gained 0.2 and the other lost 0.23, of 0.1 lots.
    assert!(profit.is_sign_negative(), "{profit}");
    let results = world.logs.iter().filter(|text| text.contains("result "));
    assert_eq!(results.count(), 2);
}

#[test]
fn one_thought_position_is_all_where_rules_allow_one() {
    let mut world = both_ways(&json!({ "lotSize": 0.1, "maxPositions": 1 }));
    falls(&mut world);
    let second = row(&mut world).decided.unwrap();
    assert!(!second.entered, "{}", second.verdict);
}

#[test]
fn its_own_limits_go_by_what_was_thought() {
    for limits in [
        json!({ "lotSize": 0.1, "maxPositions": 2, "maxDailyTrades": 1 }),
        json!({ "lotSize": 0.1, "maxPositions": 2, "maxDailyLoss": 100 }),
    ] {
        let mut world = both_ways(&limits);
        world.quote_at("1.0000", "1.0001");
        assert_eq!(row(&mut world).shadow.unwrap().0, 1);
        world.next_bar();
        let after = row(&mut world).decided.unwrap();
        assert!(!after.entered, "{limits}: {}", after.verdict);
        assert_eq!(world.terminal.submitted.len(), 0);
    }
}
