//! The terminal is logged in to another account, and positions of ours are open on the one that it left.

use serde_json::json;

use super::emergency::stop_here;
use super::terminal::{Manner, Memory};
use super::world::World;
use super::{buy, cid_of};
use crate::core::snapshot::{CommandState, Trading, UiCommand};
use crate::market::{Cid, Position, Ticket};

const LEFT: &str =
    "position #1001 is on account …77 on Demo, and the terminal is logged in to …78 on Demo";

/// The terminal logs in to the other account; the positions of this one come back.
fn log_in(world: &mut World, login: u64, positions: Vec<Position>) -> Vec<Position> {
    if world.terminal.is_up {
        world.terminal_down();
    }
    world.terminal.account.login = login;
    let left = std::mem::replace(&mut world.terminal.positions, positions);
    world.terminal_up();
    left
}

/// One position is open on account 77, and the terminal is on 78 now.
fn left_behind() -> (World, Vec<Position>) {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    let left = log_in(&mut world, 78, Vec::new());
    (world, left)
}

fn complete(world: &World) -> bool {
    let stop = world.state.durable().stop.as_ref();
    stop.is_some_and(|stop| stop.completed_at.is_some())
}

#[test]
fn a_close_waits_for_the_account_of_its_position() {
    let (mut world, left) = left_behind();
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 1001 }));
    let change = json!({ "ticket": 1001, "stopLoss": 1.08 });
    world.pusher("m", "MODIFY_POSITION", &change);
    world.wait(20);
    world.assert_ends("c", CommandState::Waiting, LEFT);
    world.assert_ends("m", CommandState::Waiting, LEFT);
    log_in(&mut world, 77, left);
    world.wait(3);
    assert!(world.assert_executed("c").starts_with("1 position closed"));
    assert!(world.terminal.positions.is_empty());
}

#[test]
fn a_close_fails_with_the_account_when_its_time_is_over() {
    let (mut world, _) = left_behind();
    world.clock_is_known();
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 1001 }));
    world.ui(UiCommand::ClosePosition {
        ticket: Ticket(1_001),
    });
    let by_hand = world.newest().id;
    world.wait(310);
    world.assert_ends("c", CommandState::Expired, LEFT);
    assert_eq!(world.report("c").0, "failed");
    world.assert_ends(&by_hand, CommandState::Failed, LEFT);
}

/// It is known over a restart, and a position that was closed there meanwhile is told as such.
#[test]
fn what_is_open_elsewhere_is_known_after_a_restart_until_its_account_shows_it_closed() {
    let (mut world, _) = left_behind();
    world.restart();
    world.terminal_up();
    world.happens(crate::core::Event::OwnerLearned {
        user_id: super::world::OWNER.to_owned(),
    });
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 1001 }));
    world.assert_ends("c", CommandState::Waiting, LEFT);
    world.pusher("s", "GET_STATUS", &json!({}));
    assert!(world.assert_executed("s").contains(LEFT));
    world.pusher("n", "CLOSE_POSITION", &json!({ "ticket": 4 }));
    assert!(
        world
            .assert_executed("n")
            .contains("is not open (any more)")
    );
    log_in(&mut world, 77, Vec::new());
    world.wait(3);
    assert!(
        world
            .assert_executed("c")
            .contains("is not open (any more)")
    );
    let left = log_in(&mut world, 78, Vec::new());
    assert!(left.is_empty());
    world.pusher("d", "CLOSE_ALL_POSITIONS", &json!({}));
    assert!(world.assert_executed("d").contains("nothing to close"));
}

/// The broker gave his server another name: the same position is here.
#[test]
fn a_position_that_is_shown_here_is_not_elsewhere() {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.terminal_down();
    world.terminal.account.server = "Demo-2".to_owned();
    world.terminal_up();
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 1001 }));
    assert!(world.assert_executed("c").starts_with("1 position closed"));
    world.pusher("e", "EMERGENCY_STOP", &json!({}));
    world.wait(2);
    assert!(complete(&world));
    world.assert_executed("e");
}

/// The terminal left before a list showed the new position.
#[test]
fn a_position_that_no_list_has_shown_counts() {
    let mut world = World::ready();
    world.terminal.keeps_book = false;
    world.send_book();
    world.terminal.lags(50);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    world.terminal.lags(0);
    log_in(&mut world, 78, Vec::new());
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    world.assert_ends("c", CommandState::Executing, LEFT);
}

#[test]
fn the_emergency_stop_is_not_done_before_the_other_account_is_flat() {
    for back in [true, false] {
        let (mut world, left) = left_behind();
        world.terminal.holds(201, Cid::new(0, 51).0, "5");
        world.send_book();
        world.pusher("e", "EMERGENCY_STOP", &json!({ "reason": "drill" }));
        world.wait(5);
        assert!(
            world.terminal.positions.is_empty(),
            "what is here is closed"
        );
        world.assert_ends("e", CommandState::Executing, LEFT);
        assert!(!complete(&world));
        let Trading::Stopped { remaining, .. } = world.state.snapshot(world.now).trading else {
            panic!("the stop is on");
        };
        assert_eq!(remaining, [LEFT]);
        if !back {
            world.wait(310);
            world.assert_ends("e", CommandState::Failed, LEFT);
            assert!(!complete(&world), "it stays");
        }
        log_in(&mut world, 77, left);
        world.wait(5);
        assert!(world.terminal.positions.is_empty());
        assert!(complete(&world));
        if back {
            let said = world.assert_executed("e");
            assert!(said.contains("#201") && said.contains("#1001"), "{said}");
        }
    }
}

#[test]
fn an_emergency_stop_waits_for_the_outcome_of_an_opening_on_the_other_account() {
    let mut world = World::ready();
    world.terminal.memory = Memory::NotYet;
    world.terminal.manners.push_back(Manner::LoseAnswer);
    world.pusher("o", "OPEN_POSITION", &buy());
    let left = log_in(&mut world, 78, Vec::new());
    stop_here(&mut world);
    world.wait(10);
    assert!(!complete(&world));
    let words = "BUY 0.1 EURUSD was sent on account …77 on Demo and has no certain outcome";
    let row = world.newest();
    assert!(row.message.contains(words), "{}", row.message);
    world.terminal.memory = Memory::Works;
    log_in(&mut world, 77, left);
    world.wait(15);
    assert!(complete(&world));
    assert!(world.terminal.positions.is_empty());
}

#[test]
fn closing_commands_close_what_is_here_and_wait_for_the_rest() {
    for (name, args) in [
        ("CLOSE_ALL_POSITIONS", json!({})),
        ("CLOSE_BY_SYMBOL", json!({ "symbol": "EURUSD" })),
        ("CLOSE_PROFITABLE", json!({})),
        ("CLOSE_LOSING", json!({ "maxLoss": -100 })),
    ] {
        for back in [true, false] {
            let (mut world, mut left) = left_behind();
            let profit = if name == "CLOSE_LOSING" { "-200" } else { "7" };
            left[0].profit = super::terminal::decimal(profit);
            world.terminal.holds(201, Cid::new(0, 51).0, profit);
            world.send_book();
            world.pusher("c", name, &args);
            world.wait(10);
            assert!(world.terminal.positions.is_empty(), "{name}");
            world.assert_ends("c", CommandState::Executing, LEFT);
            if back {
                log_in(&mut world, 77, left);
                world.wait(5);
                let said = world.assert_executed("c");
                assert!(said.starts_with("2 positions closed"), "{name}: {said}");
                assert!(world.terminal.positions.is_empty(), "{name}");
            } else {
                world.wait(310);
                world.assert_ends("c", CommandState::Failed, LEFT);
                world.assert_ends("c", CommandState::Failed, "1 position closed: #201");
                log_in(&mut world, 77, left);
                world.wait(5);
                assert_eq!(world.terminal.positions.len(), 1, "it has been answered");
            }
        }
    }
}

#[test]
fn a_strategy_is_stopped_at_once_and_its_positions_elsewhere_are_closed_when_they_can_be() {
    for name in ["STOP_STRATEGY", "CLOSE_BY_STRATEGY", "EMERGENCY_STOP"] {
        let mut world = World::with_strategy("s1");
        world.terminal.holds(1_001, cid_of("s1", 1).0, "5");
        world.terminal.holds(1_002, Cid::new(0, 7).0, "5");
        world.send_book();
        let left = log_in(&mut world, 78, Vec::new());
        let args = json!({ "strategyId": "s1", "closePositions": true });
        let args = match name {
            "STOP_STRATEGY" => args,
            _ => json!({ "strategyId": "s1" }),
        };
        world.pusher("c", name, &args);
        world.wait(5);
        world.assert_ends("c", CommandState::Executing, LEFT);
        log_in(&mut world, 77, left);
        world.wait(5);
        let said = world.assert_executed("c");
        assert!(said.contains("1 position closed"), "{name}: {said}");
        assert_eq!(world.terminal.positions.len(), 1, "{name}: the other stays");
    }
}

#[test]
fn a_stop_that_keeps_positions_names_those_elsewhere() {
    let mut world = World::with_strategy("s1");
    world.terminal.holds(1_001, cid_of("s1", 1).0, "5");
    world.send_book();
    log_in(&mut world, 78, Vec::new());
    world.pusher("c", "STOP_STRATEGY", &json!({ "strategyId": "s1" }));
    assert!(world.assert_executed("c").contains(LEFT));
    world.pusher("a", "STOP_ALL", &json!({}));
    assert!(world.assert_executed("a").contains(LEFT));
}

/// The list of one account says nothing of a close that was begun on the other.
#[test]
fn a_close_that_is_on_its_way_when_the_account_changes_is_not_called_done() {
    for stop in [false, true] {
        let mut world = World::ready();
        world.pusher("o", "OPEN_POSITION", &buy());
        world.terminal.memory = Memory::NotYet;
        world.terminal.manners.push_back(Manner::Swallow);
        if stop {
            world.pusher("c", "EMERGENCY_STOP", &json!({}));
        } else {
            world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 1001 }));
        }
        let left = log_in(&mut world, 78, Vec::new());
        world.wait(20);
        world.assert_ends("c", CommandState::Executing, LEFT);
        world.terminal.memory = Memory::Works;
        log_in(&mut world, 77, left);
        world.wait(20);
        world.assert_executed("c");
        assert!(world.terminal.positions.is_empty());
    }
}

fn forget(world: &mut World) {
    let away = world.state.snapshot(world.now).accounts_away;
    let [away] = away.as_slice() else {
        panic!("one account is away: {away:?}");
    };
    assert!(!away.is_forgotten);
    world.ui(UiCommand::ForgetAccount {
        account: away.account.clone(),
    });
}

const FORGOTTEN: &str = "position #1001 is on account …77 on Demo, which was forgotten at this machine: close it in MetaTrader";

/// A demo account that ended never comes back.
#[test]
fn nothing_waits_for_an_account_that_was_forgotten() {
    for restarts in [false, true] {
        let (mut world, left) = left_behind();
        world.terminal.holds(201, Cid::new(0, 51).0, "5");
        world.send_book();
        world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
        world.pusher("t", "CLOSE_POSITION", &json!({ "ticket": 1001 }));
        world.pusher(
            "m",
            "MODIFY_POSITION",
            &json!({ "ticket": 1001, "stopLoss": 1.08 }),
        );
        world.pusher("e", "EMERGENCY_STOP", &json!({}));
        world.wait(10);
        assert!(!complete(&world));
        forget(&mut world);
        world.wait(2);
        world.assert_ends("c", CommandState::Failed, FORGOTTEN);
        world.assert_ends("c", CommandState::Failed, "#201");
        world.assert_ends("t", CommandState::Failed, FORGOTTEN);
        world.assert_ends("m", CommandState::Failed, FORGOTTEN);
        assert!(complete(&world));
        world.assert_executed("e");
        if restarts {
            world.restart();
            world.terminal_up();
        }
        let shown = world.state.snapshot(world.now);
        assert!(shown.accounts_away.iter().all(|away| away.is_forgotten));
        assert!(
            matches!(&shown.trading, Trading::Stopped { remaining, complete: true, .. } if remaining == &[FORGOTTEN])
        );
        world.pusher("t2", "CLOSE_POSITION", &json!({ "ticket": 1001 }));
        world.assert_ends("t2", CommandState::Failed, FORGOTTEN);
        world.pusher("c2", "CLOSE_ALL_POSITIONS", &json!({}));
        let said = world.assert_executed("c2");
        assert!(
            said.contains("nothing to close") && said.contains(FORGOTTEN),
            "{said}"
        );
        world.pusher("e2", "EMERGENCY_STOP", &json!({}));
        world.wait(2);
        assert!(world.assert_executed("e2").contains(FORGOTTEN));
        // It came back after all: the stop holds for it as for any other.
        log_in(&mut world, 77, left);
        world.wait(5);
        assert!(world.terminal.positions.is_empty());
    }
}

#[test]
fn an_order_without_outcome_is_given_up_with_its_account() {
    let mut world = World::ready();
    world.terminal.memory = Memory::NotYet;
    world.terminal.manners.push_back(Manner::LoseAnswer);
    world.pusher("o", "OPEN_POSITION", &buy());
    let left = log_in(&mut world, 78, Vec::new());
    stop_here(&mut world);
    world.wait(10);
    assert!(!complete(&world));
    forget(&mut world);
    world.wait(2);
    let words =
        "its outcome stays unknown: it was sent on account …77 on Demo, which was forgotten";
    world.assert_ends("o", CommandState::Failed, words);
    assert!(complete(&world));
    world.wait(60);
    assert!(world.terminal.positions.is_empty(), "it is not tried again");
    log_in(&mut world, 77, left);
    world.wait(5);
    assert!(world.terminal.positions.is_empty(), "it had been opened");
}

#[test]
fn the_account_of_now_is_not_forgotten() {
    let (mut world, left) = left_behind();
    let account = world.state.snapshot(world.now).accounts_away[0]
        .account
        .clone();
    log_in(&mut world, 77, left);
    world.ui(UiCommand::ForgetAccount { account });
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 1001 }));
    world.wait(3);
    assert!(world.assert_executed("c").starts_with("1 position closed"));
}

/// Only a close without outcome is there: that is forgotten, too.
#[test]
fn an_account_with_nothing_but_a_close_in_doubt_is_forgotten_too() {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.terminal.memory = Memory::NotYet;
    world.terminal.manners.push_back(Manner::Swallow);
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 1001 }));
    log_in(&mut world, 78, Vec::new());
    forget(&mut world);
    world.wait(2);
    world.assert_ends("c", CommandState::Failed, FORGOTTEN);
    assert!(world.state.durable().intents.is_empty());
    assert!(world.state.durable().accounts_left().is_empty());
}
