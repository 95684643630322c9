//! The program is about to end for an update: nothing new is opened, what is under way comes to its end, and nothing is lost.

use serde_json::json;

use super::terminal::Manner;
use super::world::World;
use super::{buy, buying_rules, start_args};
use crate::core::Event;
use crate::core::snapshot::{CommandState, UiCommand};

fn can_end(world: &mut World) -> bool {
    world.state.snapshot(world.now).can_end
}

#[test]
fn before_an_update_orders_wait_for_the_next_run() {
    let mut world = World::ready();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &buying_rules()));
    world.assert_executed("a");
    world.wait(1);
    assert!(!can_end(&mut world));
    world.ui(UiCommand::EndSoon { on: true });
    assert!(can_end(&mut world));
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_ends(
        "o",
        CommandState::Waiting,
        "an update is about to be installed",
    );
    world.next_bar();
    assert_eq!(world.terminal.opens(), 0);
    assert!(can_end(&mut world));

    world.restart();
    world.happens(Event::ClockMeasured {
        offset_ms: 0,
        within_ms: 20,
    });
    world.terminal_up();
    world.wait(1);
    world.assert_executed("o");
    assert!(!can_end(&mut world));
}

#[test]
fn while_an_order_is_under_way_the_program_stays() {
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::Swallow);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.ui(UiCommand::EndSoon { on: true });
    assert!(!can_end(&mut world), "its answer is to come");
    // Nobody waits any longer: trading goes on.
    world.ui(UiCommand::EndSoon { on: false });
    world.pusher("p", "PAUSE", &json!({}));
    world.assert_executed("p");
    assert!(!world.is_blocked_by("update"));
}

#[test]
fn stops_and_closes_are_obeyed_until_the_end() {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    world.wait(1);
    world.ui(UiCommand::EndSoon { on: true });
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    world.wait(1);
    world.assert_executed("c");
    assert!(world.terminal.positions.is_empty());
    assert!(can_end(&mut world));
}
