//! What undoes earlier orders is remembered however much was ordered since, and takes no more room for it (contract C4, C5).

use serde_json::{Value, json};

use super::world::World;
use super::{buy, buying_rules, start_args};
use crate::core::snapshot::CommandState;

/// Seconds ago.
const EARLIER: i64 = 120;
const THEN: i64 = 110;

/// So many later orders about other things, told and untold ones, as rows of a heartbeat and as events.
fn later_orders(world: &mut World, number: usize) {
    for each in 0..number {
        let id = format!("later-{each}");
        let strategy = json!({ "strategyId": format!("other-{}", each % 5) });
        match each % 4 {
            0 => world.heartbeat(&[(&id, "PAUSE_STRATEGY", strategy, 50)]),
            1 => world.heartbeat(&[(&id, "STOP_STRATEGY", strategy, 40)]),
            2 => world.heartbeat(&[(&id, "RESUME", json!({}), 30)]),
            _ => world.heartbeat(&[(&id, "PAUSE_STRATEGY", strategy, 20)]),
        }
    }
}

#[test]
fn no_number_of_later_orders_lets_an_undone_one_through() {
    let one = || json!({ "strategyId": "s1" });
    let start = || start_args("s1", &buying_rules());
    let cases: [(&str, Value, &str, Value); 8] = [
        ("START_STRATEGY", start(), "STOP_ALL", json!({})),
        ("START_STRATEGY", start(), "STOP_STRATEGY", one()),
        ("START_STRATEGY", start(), "EMERGENCY_STOP", one()),
        ("RESUME_STRATEGY", one(), "PAUSE_STRATEGY", one()),
        ("RESUME", json!({}), "PAUSE", json!({})),
        ("OPEN_POSITION", buy(), "CLOSE_ALL_POSITIONS", json!({})),
        (
            "OPEN_POSITION",
            buy(),
            "CLOSE_BY_SYMBOL",
            json!({ "symbol": "EURUSD" }),
        ),
        ("STOP_STRATEGY", one(), "START_STRATEGY", start()),
    ];
    for (earlier, earlier_args, later, later_args) in cases {
        let mut world = World::ready();
        world.heartbeat(&[("then", later, later_args, THEN)]);
        world.wait(1);
        world.assert_executed("then");
        later_orders(&mut world, 250);
        world.heartbeat(&[("late", earlier, earlier_args, EARLIER)]);
        world.assert_ends(
            "late",
            CommandState::Failed,
            &format!("superseded by the later {later}"),
        );
    }
}

#[test]
fn the_memory_is_as_large_as_the_things_that_were_ordered_about() {
    let mut world = World::ready();
    for each in 0..2_000 {
        let id = format!("later-{each}");
        let strategy = json!({ "strategyId": format!("s{}", each % 5) });
        world.heartbeat(&[(&id, "PAUSE_STRATEGY", strategy, 20)]);
        world.jump(1);
    }
    assert_eq!(world.state.durable().past.len(), 5);
}
