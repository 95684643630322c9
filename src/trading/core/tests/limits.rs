//! What a trader allows at all: so many positions, so many lots, these accounts.

use serde_json::json;

use super::buy;
use super::terminal::{Manner, Memory, decimal};
use super::world::World;
use crate::core::snapshot::{CommandState, UiCommand};
use crate::core::{Config, Event, Limits};

#[test]
fn local_limits_hold_whatever_a_command_says() {
    let limits = Limits {
        max_lots: Some(decimal("0.05")),
        max_positions: Some(1),
        max_daily_loss: None,
    };
    let mut world = World::ready_with(Config {
        limits,
        ..Config::default()
    });
    world.pusher("big", "OPEN_POSITION", &buy());
    world.assert_ends("big", CommandState::Failed, "over the local limit of 0.05");
    let small = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.05 });
    world.pusher("one", "OPEN_POSITION", &small);
    world.assert_executed("one");
    world.pusher("two", "OPEN_POSITION", &small);
    world.assert_ends("two", CommandState::Failed, "the local limit is 1");
}

#[test]
fn another_account_stops_entries_and_keeps_its_orders_to_itself() {
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::LoseAnswer);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    world.terminal.memory = Memory::NotYet;
    world.terminal.manners.push_back(Manner::LoseAnswer);
    world.pusher("p", "OPEN_POSITION", &buy());
    assert!(
        world
            .state
            .notices
            .iter()
            .any(|notice| notice.text.contains("has no certain outcome"))
    );
    world.terminal_down();
    world.terminal.account.login += 1;
    world.terminal.memory = Memory::Works;
    world.terminal_up();
    let finds = world.finds.len();
    world.wait(60);
    assert_eq!(world.finds.len(), finds, "another account cannot tell");
    world.assert_ends("p", CommandState::Executing, "at the terminal");
    assert!(world.is_blocked_by("is logged in to account"));
    world.pusher("r", "RESUME", &json!({}));
    assert!(
        world.is_blocked_by("is logged in to account"),
        "not by the platform's word"
    );
    world.ui(UiCommand::ResumeTrading);
    assert!(!world.is_blocked_by(""));
    assert!(world.has_logged("Terminal connected: account …78 on Demo"));

    world.terminal_down();
    world.terminal.account.login -= 1;
    world.terminal_up();
    world.wait(3);
    world.assert_executed("p");
    assert!(
        !world
            .state
            .notices
            .iter()
            .any(|notice| notice.text.contains("has no certain outcome"))
    );
}

#[test]
fn real_money_is_traded_only_after_a_word_for_that_account() {
    let mut world = World::ready();
    world.terminal_down();
    world.terminal.account.demo = false;
    world.terminal_up();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_ends("o", CommandState::Failed, "holds real money");
    world.pusher("r", "RESUME", &json!({}));
    let said = world.assert_executed("r");
    assert!(
        said.contains("trading is off: account …77 on Demo holds real money"),
        "{said}"
    );
    let account = world.terminal.account.id();
    world.ui(UiCommand::ConfirmAccount { account });
    world.pusher("p", "OPEN_POSITION", &buy());
    world.assert_executed("p");
    world.restart();
    world.terminal_up();
    world.happens(Event::OwnerLearned {
        user_id: super::world::OWNER.to_owned(),
    });
    world.pusher("q", "OPEN_POSITION", &buy());
    world.assert_executed("q");
}

#[test]
fn on_a_netting_account_a_symbol_takes_one_position() {
    let mut world = World::ready();
    world.terminal_down();
    world.terminal.account.margin_mode = crate::market::MarginMode::Netting;
    world.terminal_up();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    world.pusher("p", "OPEN_POSITION", &buy());
    world.assert_ends(
        "p",
        CommandState::Failed,
        "would merge with it and replace its stop",
    );
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    world.assert_executed("c");
    world.pusher("q", "OPEN_POSITION", &buy());
    world.assert_executed("q");
}

#[test]
fn limits_count_the_order_that_was_filled_a_moment_ago() {
    let mut world = World::with_one_position_allowed();
    world.terminal.keeps_book = true;
    world.pusher("one", "OPEN_POSITION", &buy());
    world.pusher("two", "OPEN_POSITION", &buy());
    world.assert_ends("two", CommandState::Waiting, "list of positions");
    world.terminal.keeps_book = false;
    world.send_book();
    world.assert_executed("one");
    world.assert_ends("two", CommandState::Failed, "the local limit is 1");
    assert_eq!(world.terminal.opens(), 1);
}
