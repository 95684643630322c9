//! Netting accounts whose history comes late: what our orders filled is ours, and not what the trader did beside it.

use rust_decimal::Decimal;
use serde_json::json;

use super::buy;
use super::emergency::stop_here;
use super::terminal::decimal;
use super::world::World;
use crate::market::Side;

/// Ours is opened, the trader adds to it, and no deal is told for so many seconds.
fn opened_with_late_deals(wait: u64) -> World {
    let mut world = World::netting();
    world.terminal.tells_no_deals = true;
    world.pusher("o", "OPEN_POSITION", &buy());
    world.by_hand(Side::Buy, "1");
    world.wait(wait);
    world
}

fn deals_come(world: &mut World) {
    world.terminal.tells_no_deals = false;
    let deals = world.terminal.deals();
    world.terminal_says(deals);
    world.send_book();
    world.wait(40);
}

#[test]
fn what_is_not_told_yet_is_not_ours() {
    for before in [0, 1, 8] {
        for stops in [true, false] {
            let mut world = opened_with_late_deals(before);
            let case = format!("after {before} s, stop: {stops}");
            let ours = world.shown().and_then(|(ours, _)| ours);
            assert_eq!(ours, Some(decimal("0.1")), "{case}");
            let ticket = world.terminal.positions[0].ticket.0;
            if stops {
                stop_here(&mut world);
            } else {
                world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": ticket }));
            }
            world.wait(30);
            assert_eq!(world.terminal.net_lots(), Decimal::ONE, "{case}");
            deals_come(&mut world);
            assert_eq!(world.terminal.net_lots(), Decimal::ONE, "{case}");
            assert_eq!(world.terminal.closes(), 1, "{case}");
            assert_eq!(world.shown(), Some((None, Decimal::ONE)), "{case}");
            if !stops {
                world.assert_executed("c");
            }
        }
    }
}

/// A journal that was lost knows no fill: the terminal is asked to close what is ours, and asked again until it can tell.
#[test]
fn what_nobody_knows_waits_for_the_history() {
    let mut world = World::netting();
    world.terminal.tells_no_deals = true;
    let foreign = crate::market::Cid::new(0, 900).0;
    world.terminal.net(Side::Buy, decimal("0.1"), foreign, None);
    world.send_book();
    stop_here(&mut world);
    world.wait(120);
    assert_eq!(world.terminal.net_lots(), decimal("0.1"));
    deals_come(&mut world);
    world.wait(60);
    assert_eq!(world.terminal.net_lots(), Decimal::ZERO);
}
