//! Orders: one deal at most, whatever becomes of the answer.

use serde_json::{Value, json};

use super::terminal::{Manner, Memory, decimal};
use super::world::World;
use crate::core::snapshot::{CommandState, Notice, UiCommand};
use crate::core::{Config, Event, Limits};
use crate::market::{Cid, IntentAction, RefusalClass, Ticket};

fn buy() -> Value {
    json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.09, "takeProfit": 1.12 })
}

fn world_with(manners: &[Manner]) -> World {
    let mut world = World::ready();
    world.terminal.manners.extend(manners);
    world.pusher("o", "OPEN_POSITION", &buy());
    world
}

#[test]
fn a_filled_order_is_reported_with_ticket_and_price() {
    let mut world = world_with(&[]);
    assert_eq!(
        world.assert_executed("o"),
        "BUY 0.1 EURUSD filled at 1.1, ticket #1001"
    );
    assert_eq!(world.report("o").1["ticket"], 1001);
}

#[test]
fn a_journal_that_was_lost_brings_no_client_id_back() {
    let mut before = world_with(&[]);
    before.jump(60);
    before.pusher("p", "OPEN_POSITION", &buy());
    let mut after = World::new(Config::default());
    after.jump(120);
    after.come_up();
    after.terminal_up();
    after.happens(Event::OwnerLearned {
        user_id: super::world::OWNER.to_owned(),
    });
    after.pusher("q", "OPEN_POSITION", &buy());
    let used: Vec<Cid> = before
        .terminal
        .submitted
        .iter()
        .map(|sent| sent.cid)
        .collect();
    let new = after.terminal.submitted[0].cid;
    assert!(
        used.iter().all(|cid| cid.counter() < new.counter()),
        "{used:?} {new}"
    );
}

#[test]
fn a_lost_answer_of_a_filled_order_is_found_and_not_sent_again() {
    let mut world = world_with(&[Manner::LoseAnswer]);
    world.assert_executed("o");
    assert_eq!((world.finds.len(), world.terminal.opens()), (1, 1));
}

#[test]
fn a_lost_order_is_proven_absent_before_it_is_sent_again_under_a_new_id() {
    let mut world = world_with(&[Manner::LoseOrder]);
    world.assert_executed("o");
    assert_eq!((world.finds.len(), world.terminal.opens()), (1, 2));
    let sent = &world.terminal.submitted;
    assert_eq!(sent[1].parent, Some(sent[0].cid));
}

#[test]
fn while_the_terminal_cannot_tell_nothing_is_sent() {
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::LoseOrder);
    world.terminal.memory = Memory::NotYet;
    world.pusher("o", "OPEN_POSITION", &buy());
    world.wait(20);
    assert_eq!(world.terminal.opens(), 1);
    assert!(world.finds.len() >= 8, "it keeps asking");
    world.assert_ends("o", CommandState::Executing, "at the terminal");
    world.terminal.memory = Memory::Works;
    world.wait(3);
    assert_eq!(world.terminal.opens(), 2);
    world.assert_executed("o");
}

#[test]
fn silence_is_looked_into_after_the_answer_limit() {
    let mut world = world_with(&[Manner::FillSilently]);
    world.wait(29);
    assert!(world.finds.is_empty());
    world.wait(2);
    assert_eq!((world.finds.len(), world.terminal.opens()), (1, 1));
    world.assert_executed("o");
}

#[test]
fn a_moved_price_is_tried_three_times_other_refusals_once() {
    let mut world = world_with(&[Manner::Refuse(RefusalClass::PriceMoved); 5]);
    world.assert_ends("o", CommandState::Failed, "Market is closed (10018)");
    assert_eq!(world.terminal.opens(), 3);
    let mut world = world_with(&[Manner::Refuse(RefusalClass::Fix)]);
    world.assert_ends("o", CommandState::Failed, "the terminal refused it");
    assert_eq!(world.terminal.opens(), 1);
}

#[test]
fn after_a_restart_an_order_without_outcome_is_looked_for_first() {
    for (manner, opens) in [(Manner::FillSilently, 1), (Manner::Swallow, 2)] {
        let mut world = world_with(&[manner]);
        world.restart();
        assert!(world.finds.is_empty(), "the terminal is not there yet");
        world.terminal_up();
        assert_eq!(world.finds.len(), 1);
        world.assert_executed("o");
        assert_eq!(
            (world.terminal.opens(), world.terminal.positions.len()),
            (opens, 1),
            "{manner:?}"
        );
    }
}

#[test]
fn a_broken_link_is_followed_by_a_look_too() {
    let mut world = world_with(&[Manner::FillSilently]);
    world.terminal_down();
    world.terminal_up();
    assert_eq!((world.finds.len(), world.terminal.opens()), (1, 1));
    world.assert_executed("o");
}

#[test]
fn orders_that_cannot_be_are_refused_before_they_are_sent() {
    let cases = [
        (
            json!({ "type": "BUY", "volume": 0.1 }),
            "\"symbol\" is missing",
        ),
        (
            json!({ "symbol": "EURUSD", "volume": 0.1 }),
            "\"type\" is missing",
        ),
        (
            json!({ "symbol": "EURUSD", "type": "HOLD", "volume": 0.1 }),
            "BUY or SELL",
        ),
        (
            json!({ "symbol": "EURUSD", "type": "BUY" }),
            "\"volume\" is missing",
        ),
        (
            json!({ "symbol": "EURUSD", "type": "BUY", "volume": "much" }),
            "a number",
        ),
        (
            json!({ "symbol": "NOSUCH", "type": "BUY", "volume": 0.1 }),
            "no symbol for NOSUCH",
        ),
        (
            json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.001 }),
            "below the broker's minimum",
        ),
        (
            json!({ "symbol": "EURUSD", "type": "BUY", "volume": 500 }),
            "above the broker's maximum",
        ),
        (
            json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.015 }),
            "not a multiple",
        ),
        (
            json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": -5 }),
            "\"stopLoss\" is not a price",
        ),
    ];
    for (args, words) in cases {
        let mut world = World::ready();
        world.pusher("o", "OPEN_POSITION", &args);
        world.assert_ends("o", CommandState::Failed, words);
        assert!(world.terminal.submitted.is_empty(), "{args}");
    }
}

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
fn modify_keeps_the_level_that_is_not_named_and_zero_removes_one() {
    let mut world = World::ready();
    world.terminal.holds(11, Cid::new(0, 1).0, "0");
    world.send_book();
    world.pusher(
        "m",
        "MODIFY_POSITION",
        &json!({ "ticket": "11", "stopLoss": 1.095 }),
    );
    world.assert_executed("m");
    let open = &world.terminal.positions[0];
    assert_eq!(
        (open.stop_loss, open.take_profit),
        (Some(decimal("1.095")), Some(decimal("1.12")))
    );
    world.pusher(
        "m2",
        "MODIFY_POSITION",
        &json!({ "ticket": 11, "takeProfit": 0 }),
    );
    world.assert_executed("m2");
    let open = &world.terminal.positions[0];
    assert_eq!(
        (open.stop_loss, open.take_profit),
        (Some(decimal("1.095")), None)
    );
}

#[test]
fn levels_that_are_as_asked_for_already_are_a_success_and_an_opening_never_is() {
    let mut world = World::ready();
    world.terminal.holds(11, Cid::new(0, 1).0, "0");
    world.send_book();
    let so = Manner::Refuse(RefusalClass::AlreadySo);
    world.terminal.manners.push_back(so);
    let change = json!({ "ticket": 11, "stopLoss": 1.095 });
    world.pusher("m", "MODIFY_POSITION", &change);
    world.assert_executed("m");
    let mut world = world_with(&[so]);
    world.assert_ends("o", CommandState::Failed, "the terminal refused it");
}

#[test]
fn a_position_by_hand_may_be_a_foreign_one() {
    let mut world = World::ready();
    world.terminal.holds(11, 999, "0");
    world.send_book();
    world.ui(UiCommand::ClosePosition { ticket: Ticket(11) });
    assert!(world.terminal.positions.is_empty());
}

#[test]
fn closing_waits_for_a_book_that_knows_the_last_order() {
    let mut world = World::ready();
    world.terminal.keeps_book = true;
    world.pusher("o", "OPEN_POSITION", &buy());
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    world.assert_ends("c", CommandState::Waiting, "list of positions");
    world.terminal.keeps_book = false;
    world.send_book();
    world.wait(1);
    world.assert_executed("c");
    assert!(world.terminal.positions.is_empty());
}

#[test]
fn closing_takes_in_an_order_that_was_on_its_way_but_no_later_one() {
    let mut world = World::ready();
    world.terminal.holds(11, Cid::new(0, 900).0, "0");
    world.send_book();
    world.terminal.manners.push_back(Manner::FillSilently);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    world.wait(1);
    assert_eq!(
        world.terminal.positions.len(),
        1,
        "what is seen is closed without delay"
    );
    world.assert_ends("c", CommandState::Executing, "an order that was on its way");
    world.pusher("later", "OPEN_POSITION", &buy());
    world.assert_executed("later");
    world.wait(40);
    world.assert_executed("c");
    let left: Vec<_> = world
        .terminal
        .positions
        .iter()
        .map(|open| open.magic)
        .collect();
    let later = world
        .terminal
        .submitted
        .iter()
        .rfind(|sent| matches!(sent.action, IntentAction::Open { .. }));
    assert_eq!(left, [later.unwrap().cid.0]);
}

#[test]
fn a_reply_nobody_waits_for_is_let_be() {
    let mut world = world_with(&[]);
    let cid = world.terminal.submitted[0].cid;
    let before = world.state.durable().clone();
    world.happens(Event::Terminal(crate::market::TerminalEvent::Found {
        cid,
        found: crate::market::Found::Absent,
    }));
    assert_eq!(*world.state.durable(), before);
}

#[test]
fn an_order_in_doubt_stays_in_sight_over_dismissal_and_restart() {
    fn doubts(world: &mut World) -> Vec<String> {
        let now = world.now;
        let notices = world.state.snapshot(now).notices;
        let doubts = notices.into_iter().filter(Notice::is_doubt);
        doubts.map(|notice| notice.text).collect()
    }
    let mut world = world_with(&[]);
    world.terminal.memory = Memory::NotYet;
    world.terminal.manners.push_back(Manner::LoseAnswer);
    world.pusher("p", "OPEN_POSITION", &buy());
    assert_eq!(doubts(&mut world).len(), 1);
    let key = world.state.notices.iter().find(|one| one.is_doubt());
    let key = key.unwrap().key.clone();
    world.ui(UiCommand::DismissNotice { key });
    assert_eq!(doubts(&mut world).len(), 1, "it cannot be dismissed");

    world.restart();
    let told = doubts(&mut world);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("has no certain outcome: the terminal is away"),
        "{told:?}"
    );
    world.terminal.memory = Memory::Works;
    world.terminal_up();
    world.wait(3);
    world.assert_executed("p");
    assert_eq!(doubts(&mut world), [""; 0], "known, so it goes");
}

#[test]
fn another_account_stops_entries_and_keeps_its_orders_to_itself() {
    let mut world = world_with(&[Manner::LoseAnswer]);
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
fn closing_by_profit_looks_at_the_profits_of_this_moment() {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    // The market turned after the last list of positions came.
    world.terminal.positions[0].profit = decimal("-5");
    world.pusher("w", "CLOSE_PROFITABLE", &json!({ "minProfit": -1 }));
    world.assert_executed("w");
    assert_eq!(
        world.terminal.positions.len(),
        1,
        "it is not a winner any more"
    );
    world.pusher("l", "CLOSE_LOSING", &json!({ "maxLoss": 1 }));
    world.assert_executed("l");
    assert!(world.terminal.positions.is_empty());
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
fn no_command_takes_a_stop_away() {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    world.pusher(
        "m",
        "MODIFY_POSITION",
        &json!({ "ticket": 1001, "stopLoss": 0 }),
    );
    world.assert_ends(
        "m",
        CommandState::Failed,
        "would take the position's protection away",
    );
    assert!(world.terminal.positions[0].stop_loss.is_some());
}

#[test]
fn a_misspelt_protection_is_refused_and_not_left_out() {
    let mut world = World::ready();
    let order = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "STOPLOSS": 1.09 });
    world.pusher("o", "OPEN_POSITION", &order);
    world.assert_ends("o", CommandState::Failed, "\"STOPLOSS\" means nothing here");
    assert!(world.terminal.submitted.is_empty());
}

#[test]
fn a_fraction_of_a_ticket_is_no_ticket() {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 1001.9 }));
    world.assert_ends("c", CommandState::Failed, "is not a ticket number");
    assert_eq!(world.terminal.positions.len(), 1);
}

#[test]
fn an_argument_that_is_not_known_does_not_make_an_order_do_more() {
    for (name, args, word) in [
        (
            "CLOSE_ALL_POSITIONS",
            json!({ "symbol": "USDJPY" }),
            "symbol",
        ),
        (
            "CLOSE_LOSING",
            json!({ "maxLoss": 0, "symbol": "GBPUSD" }),
            "symbol",
        ),
        (
            "CLOSE_POSITION",
            json!({ "ticket": 1001, "percent": 50 }),
            "percent",
        ),
        (
            "MODIFY_POSITION",
            json!({ "ticket": 1001, "stopLoss": 1.09, "takeprofit": 1.5 }),
            "takeprofit",
        ),
    ] {
        let mut world = World::ready();
        world.pusher("o", "OPEN_POSITION", &buy());
        world.assert_executed("o");
        world.pusher("c", name, &args);
        world.assert_ends(
            "c",
            CommandState::Failed,
            &format!("\"{word}\" means nothing here"),
        );
        assert_eq!(world.terminal.positions.len(), 1, "{name}");
    }
}

#[test]
fn an_order_that_was_lost_is_not_sent_again_after_everything_was_closed() {
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::LoseOrder);
    world.terminal.memory = Memory::NotYet;
    let row = world.row("o", "OPEN_POSITION", &buy(), 2);
    world.heartbeat_raw(vec![row]);
    let row = world.row("c", "CLOSE_ALL_POSITIONS", &json!({}), 1);
    world.heartbeat_raw(vec![row]);
    world.wait(3);
    world.terminal.memory = Memory::Works;
    world.wait(5);
    world.assert_executed("c");
    world.assert_ends("o", CommandState::Failed, "not executed");
    assert_eq!(world.terminal.opens(), 1);
    assert!(world.terminal.positions.is_empty());
}
