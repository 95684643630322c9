//! The stop of a new position is looked for in the terminal's list, set again where the broker left it out, and without
//! one nothing stays open.

use super::buy;
use super::terminal::{Manner, decimal};
use super::world::World;
use crate::core::snapshot::{CommandState, Severity};
use crate::market::{IntentAction, RefusalClass};

/// An order whose stop the broker leaves out; what becomes of the next ones.
fn without_stop(next: &[Manner]) -> World {
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::FillWithoutStop);
    world.terminal.manners.extend(next);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.wait(3);
    world
}

fn changes(world: &World) -> usize {
    let sent = world.terminal.submitted.iter();
    sent.filter(|intent| matches!(intent.action, IntentAction::Modify { .. }))
        .count()
}

#[test]
fn a_stop_that_stands_needs_nothing() {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    world.wait(3);
    assert_eq!(world.terminal.submitted.len(), 1);
    assert!(world.state.durable().unproven.is_empty());
    // What the trader does to it later is his word.
    world.terminal.positions[0].stop_loss = None;
    world.send_book();
    world.wait(3);
    assert_eq!(world.terminal.submitted.len(), 1);
}

#[test]
fn a_stop_that_was_left_out_is_set_at_once_and_told() {
    for next in [&[][..], &[Manner::Refuse(RefusalClass::PriceMoved)]] {
        let mut world = without_stop(next);
        assert_eq!(changes(&world), 1 + next.len());
        let open = &world.terminal.positions[0];
        assert_eq!(open.stop_loss, Some(decimal("1.09")));
        assert_eq!(open.take_profit, Some(decimal("1.12")));
        world.assert_ends(
            "o",
            CommandState::Executed,
            "left out its stop loss; it was set again at 1.09",
        );
        assert!(
            world.report("o").1["message"]
                .to_string()
                .contains("set again")
        );
        assert!(world.has_logged("the broker left out its stop loss"));
    }
}

#[test]
fn a_position_whose_stop_cannot_be_set_is_closed() {
    let refused = Manner::Refuse(RefusalClass::Fix);
    let moved = Manner::Refuse(RefusalClass::PriceMoved);
    for (next, tries) in [(vec![refused], 1), (vec![moved; 3], 3)] {
        let mut world = without_stop(&next);
        assert_eq!(changes(&world), tries);
        assert!(world.terminal.positions.is_empty());
        world.assert_ends(
            "o",
            CommandState::Failed,
            "it cannot be set (Market is closed); the position is being closed",
        );
        assert_eq!(world.report("o").0, "failed");
        let notices = &world.state.notices;
        assert!(
            notices.iter().any(|one| one.severity == Severity::Error
                && one.text.contains("left out its stop loss"))
        );
    }
}

#[test]
fn the_stop_is_looked_for_after_a_restart_too() {
    let mut world = World::ready();
    world.terminal.keeps_book = true;
    world.terminal.manners.push_back(Manner::FillWithoutStop);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.restart();
    world.terminal.keeps_book = false;
    world.terminal_up();
    world.wait(3);
    assert_eq!(world.terminal.positions[0].stop_loss, Some(decimal("1.09")));
}

/// A report of the first word is on its way when the second one comes.
#[test]
fn a_report_that_was_overtaken_does_not_settle_the_one_that_counts() {
    let mut world = World::ready();
    world.patching = super::world::Patching::Silent;
    world.terminal.manners.push_back(Manner::FillWithoutStop);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.wait(3);
    world.patching = super::world::Patching::Works;
    let outcome = crate::core::ReportOutcome::Accepted {
        user_id: None,
        given_at: None,
    };
    world.happens(crate::core::Event::ReportAnswered {
        id: "o".to_owned(),
        interim: false,
        outcome,
    });
    world.wait(1);
    assert!(
        world.report("o").1["message"]
            .to_string()
            .contains("set again")
    );
    assert!(world.state.durable().reports.is_empty());
}
