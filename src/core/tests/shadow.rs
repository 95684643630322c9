//! Shadow mode: everything but the order.

use std::sync::Arc;

use serde_json::json;

use super::world::World;
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
