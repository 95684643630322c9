//! Orders: one deal at most, whatever becomes of the answer.

use rust_decimal::Decimal;
use serde_json::json;

use super::buy;
use super::terminal::{Manner, Memory, decimal};
use super::world::World;
use crate::core::snapshot::{CommandState, Notice, Severity, UiCommand};
use crate::core::{Config, Event};
use crate::market::{
    Cid, Deal, DealEntry, DealReason, Found, MarginMode, RefusalClass, Side, TerminalEvent, Ticket,
    Twice,
};

fn world_with(manners: &[Manner]) -> World {
    let mut world = World::ready();
    world.quote();
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

/// Nobody watches the symbol: the terminal tells the first price, and every further try is measured by it.
#[test]
fn the_deviation_counts_from_the_first_price_over_a_restart_or_nothing_is_tried_again() {
    for (known, bound) in [(true, true), (false, true), (false, false)] {
        let mut order = buy();
        if bound {
            order["deviation"] = json!(5);
        }
        let mut world = World::ready();
        world.terminal.prices = known;
        world.terminal.memory = Memory::NotYet;
        world.terminal.manners.push_back(Manner::LoseOrder);
        world.pusher("o", "OPEN_POSITION", &order);
        world.restart();
        world.terminal_up();
        world.requote(world.terminal.submitted[0].cid);
        world.wait(10);
        let sent = &world.terminal.submitted;
        assert_eq!(sent[0].price, None);
        if known || !bound {
            assert_eq!(sent[1].price, known.then(|| decimal("1.1")));
            world.assert_executed("o");
        } else {
            assert_eq!(sent.len(), 1);
            world.assert_ends("o", CommandState::Failed, "refused it");
        }
    }
}

/// What became of the one before may be a position by now.
#[test]
fn an_order_waits_for_one_of_the_same_symbol_that_is_in_doubt() {
    let mut world = World::ready();
    world.terminal.memory = Memory::NotYet;
    world.terminal.manners.push_back(Manner::LoseAnswer);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.pusher("p", "OPEN_POSITION", &buy());
    world.assert_ends("p", CommandState::Waiting, "no certain outcome yet");
    world.terminal.memory = Memory::Works;
    world.wait(5);
    world.assert_executed("o");
    world.assert_executed("p");
    assert_eq!(world.terminal.positions.len(), 2);
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
fn an_order_that_is_proven_absent_has_failed_and_is_not_sent_again() {
    let mut world = world_with(&[Manner::LoseOrder]);
    world.assert_ends("o", CommandState::Failed, "shows that it was not executed");
    world.wait(60);
    assert_eq!((world.finds.len(), world.terminal.opens()), (1, 1));
}

#[test]
fn a_requote_is_tried_again_under_a_new_id_at_the_first_price() {
    let mut world = world_with(&[Manner::Refuse(RefusalClass::PriceMoved)]);
    world.assert_executed("o");
    let sent = &world.terminal.submitted;
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[1].parent, Some(sent[0].cid));
    assert_eq!(sent[1].price, Some(decimal("1.1001")), "that of the first");
}

/// A broker may carry an order out when everything has shown for minutes that it did not.
#[test]
fn an_order_that_is_carried_out_after_all_is_corrected_loudly() {
    for book_first in [true, false] {
        let mut world = world_with(&[Manner::LoseOrder]);
        world.assert_ends("o", CommandState::Failed, "not executed");
        assert_eq!(world.report("o").0, "failed");
        let intent = world.terminal.submitted[0].clone();
        let fill = world.terminal.fill(&intent, Decimal::ONE).unwrap();
        if book_first {
            world.send_book();
        }
        let deal = Deal {
            ticket: fill.deal.unwrap(),
            position: fill.ticket,
            symbol: "EURUSD".to_owned(),
            side: Side::Buy,
            entry: DealEntry::In,
            reason: DealReason::Order,
            volume: fill.volume,
            price: fill.price,
            profit: Decimal::ZERO,
            magic: intent.cid.0,
            time: world.now.utc,
        };
        world.terminal_says(vec![TerminalEvent::Deal(deal)]);
        world.assert_ends("o", CommandState::Executed, "was carried out late");
        let (status, result) = world.report("o");
        assert_eq!(
            (status, &result["ticket"]),
            ("executed", &json!(fill.ticket.0))
        );
        assert_eq!(world.count_logs("Correction: BUY 0.1 EURUSD"), 1);
        let notice = &world.state.notices[0];
        assert_eq!(notice.severity, Severity::Error);
        assert!(
            notice.text.contains("said not to be executed"),
            "{notice:?}"
        );
        // It is ours: its stop is known, and closing takes it.
        assert!(world.state.durable().openings.contains_key(&intent.cid));
        world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
        world.wait(1);
        assert!(world.terminal.positions.is_empty());
    }
}

#[test]
fn a_change_whose_answer_was_lost_is_seen_in_the_book() {
    for (manner, done) in [(Manner::LoseAnswer, true), (Manner::LoseOrder, false)] {
        let mut world = World::ready();
        world.terminal.holds(11, Cid::new(0, 1).0, "0");
        world.send_book();
        // The search proves nothing: a change leaves no deal.
        world.terminal.memory = Memory::NotYet;
        world.terminal.manners.push_back(manner);
        let change = json!({ "ticket": 11, "stopLoss": 1.095 });
        world.pusher("m", "MODIFY_POSITION", &change);
        world.wait(5);
        if done {
            world.assert_executed("m");
        } else {
            world.assert_ends("m", CommandState::Executing, "at the terminal");
            world.terminal.memory = Memory::Works;
            world.wait(5);
            world.assert_ends("m", CommandState::Failed, "its outcome stays unknown");
        }
        assert_eq!(world.terminal.submitted.len(), 1);
    }
}

/// Executed, its answer lost, and changed again by the trader: nobody may say that it was not executed.
#[test]
fn a_change_that_was_overtaken_is_not_called_not_executed() {
    let mut world = World::ready();
    world.terminal.holds(11, Cid::new(0, 1).0, "0");
    world.send_book();
    world.terminal.memory = Memory::NotYet;
    world.terminal.manners.push_back(Manner::LoseAnswer);
    let change = json!({ "ticket": 11, "stopLoss": 1.095 });
    world.pusher("m", "MODIFY_POSITION", &change);
    world.terminal.positions[0].stop_loss = Some(decimal("1.097"));
    world.send_book();
    world.terminal.memory = Memory::Works;
    // A change leaves no deal that the search could find.
    world.terminal.executed.clear();
    world.wait(10);
    world.assert_ends("m", CommandState::Failed, "its outcome stays unknown");
}

/// The trader sets a level, the list does not show it yet, and a command names the other one.
#[test]
fn a_level_that_no_command_names_stays_as_the_terminal_has_it() {
    let mut world = World::ready();
    world.terminal.holds(11, Cid::new(0, 1).0, "0");
    world.terminal.positions[0].stop_loss = None;
    world.send_book();
    world.terminal.positions[0].stop_loss = Some(decimal("1.097"));
    let change = json!({ "ticket": 11, "takeProfit": 1.2 });
    world.pusher("m", "MODIFY_POSITION", &change);
    world.wait(3);
    let message = world.assert_executed("m");
    assert!(
        message.contains("stop loss unchanged, take profit 1.2"),
        "{message}"
    );
    let position = &world.terminal.positions[0];
    assert_eq!(position.stop_loss, Some(decimal("1.097")));
    assert_eq!(position.take_profit, Some(decimal("1.2")));
}

#[test]
fn while_the_terminal_cannot_tell_nothing_is_sent() {
    let mut world = World::ready();
    world.quote();
    world.terminal.manners.push_back(Manner::LoseOrder);
    world.terminal.memory = Memory::NotYet;
    world.pusher("o", "OPEN_POSITION", &buy());
    world.wait(20);
    assert_eq!(world.terminal.opens(), 1);
    assert!(world.finds.len() >= 8, "it keeps asking");
    world.assert_ends("o", CommandState::Executing, "at the terminal");
    world.terminal.memory = Memory::Works;
    world.wait(3);
    assert_eq!(world.terminal.opens(), 1);
    world.assert_ends("o", CommandState::Failed, "not executed");
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
    for (manner, open) in [(Manner::FillSilently, 1), (Manner::Swallow, 0)] {
        let mut world = world_with(&[manner]);
        world.restart();
        assert!(world.finds.is_empty(), "the terminal is not there yet");
        world.terminal_up();
        assert_eq!(world.finds.len(), 1);
        if open == 0 {
            world.assert_ends("o", CommandState::Failed, "not executed");
        } else {
            world.assert_executed("o");
        }
        assert_eq!(
            (world.terminal.opens(), world.terminal.positions.len()),
            (1, open),
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

/// How much proof an absence needs depends on what a second one could do.
#[test]
fn a_search_tells_what_a_second_order_could_do() {
    for (mode, close) in [
        (MarginMode::Hedging, Twice::Harmless),
        (MarginMode::Netting, Twice::Reverses),
    ] {
        let mut world = World::ready();
        world.terminal.account.margin_mode = mode;
        world.terminal_up();
        world.terminal.memory = Memory::NotYet;
        world.terminal.holds(11, Cid::new(0, 900).0, "0");
        world.send_book();
        for (id, name, args, wanted) in [
            (
                "m",
                "MODIFY_POSITION",
                json!({ "ticket": 11, "stopLoss": 1.08 }),
                Twice::Harmless,
            ),
            ("c", "CLOSE_POSITION", json!({ "ticket": 11 }), close),
        ] {
            world.terminal.manners.push_back(Manner::LoseOrder);
            world.pusher(id, name, &args);
            world.wait(1);
            assert_eq!(world.searched, Some(wanted), "{mode:?} {name}");
            world.terminal.memory = Memory::Works;
            world.wait(3);
            world.terminal.memory = Memory::NotYet;
        }
    }
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::LoseOrder);
    world.pusher("o", "OPEN_POSITION", &buy());
    assert_eq!(world.searched, Some(Twice::Opens));
}

/// On a netting account a second close could open the other way, so the first one's end is awaited, and that is said.
#[test]
fn a_close_in_doubt_on_a_netting_account_is_told_and_not_repeated() {
    for (mode, closes) in [(MarginMode::Netting, 1), (MarginMode::Hedging, 2)] {
        let mut world = World::ready();
        world.terminal.account.margin_mode = mode;
        world.terminal_up();
        world.terminal.holds(11, Cid::new(0, 900).0, "0");
        world.send_book();
        world.terminal.memory = Memory::NotYet;
        world.terminal.manners.push_back(Manner::LoseOrder);
        let reason = "test".to_owned();
        world.ui(UiCommand::StopEverything { reason });
        world.wait(15);
        assert_eq!(world.terminal.closes(), closes, "{mode:?}");
        if mode == MarginMode::Netting {
            let left = world.state.remaining();
            assert!(
                left[0].contains("outcome of the last try is not known"),
                "{left:?}"
            );
            let doubt = world
                .state
                .notices
                .iter()
                .find(|one| one.is_doubt())
                .unwrap();
            assert!(doubt.remedy.contains("open a position the other way"));
        }
    }
}

/// A stop of 0 may be meant as none or be a mistake; none is opened without a stop on a guess, and one that is says so.
#[test]
fn an_opening_without_a_stop_says_so_and_one_with_a_stop_of_zero_is_refused() {
    let mut world = World::ready();
    for (id, zero) in [("a", json!(0)), ("b", json!("0.0"))] {
        let args = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1, "stopLoss": zero });
        world.pusher(id, "OPEN_POSITION", &args);
        let words = "stopLoss is 0: name a price, or leave it out to open without a stop";
        world.assert_ends(id, CommandState::Failed, words);
    }
    assert_eq!(world.terminal.opens(), 0);
    let bare = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 });
    world.pusher("c", "OPEN_POSITION", &bare);
    let said = world.assert_executed("c");
    assert!(said.contains("without a stop loss"), "{said}");
    world.pusher("d", "OPEN_POSITION", &buy());
    let said = world.assert_executed("d");
    assert!(!said.contains("without a stop loss"), "{said}");
}

/// The terminal is back: what became of the order in doubt is heard first, and only then is anything opened, in any symbol.
#[test]
fn entries_wait_until_each_order_in_doubt_was_asked_for() {
    for answered in [true, false] {
        let mut world = World::ready();
        world.terminal.others.insert("GBPUSD", Vec::new());
        world.terminal.memory = Memory::NotYet;
        world.terminal.manners.push_back(Manner::LoseOrder);
        world.pusher("o", "OPEN_POSITION", &buy());
        world.restart();
        world.terminal.is_up = false;
        world.happens(Event::OwnerLearned {
            user_id: super::world::OWNER.to_owned(),
        });
        let other = json!({ "symbol": "GBPUSD", "type": "BUY", "volume": 0.1, "stopLoss": 1.09 });
        world.pusher("p", "OPEN_POSITION", &other);
        world.pusher("q", "OPEN_POSITION", &buy());
        world.terminal.memory = Memory::Silent;
        world.terminal_up();
        world.wait(5);
        world.assert_ends(
            "p",
            CommandState::Waiting,
            "looked for at the terminal first",
        );
        assert!(world.is_blocked_by("looked for at the terminal first"));
        assert_eq!(world.terminal.opens(), 1);
        if answered {
            let cid = world.terminal.submitted[0].cid;
            let reason = "history is loading".to_owned();
            let found = Found::NotYet { reason };
            world.terminal_says(vec![TerminalEvent::Found { cid, found }]);
        } else {
            world.wait(30);
        }
        world.assert_executed("p");
        // Its own symbol waits on.
        world.assert_ends("q", CommandState::Waiting, "no certain outcome yet");
        assert_eq!(world.terminal.opens(), 2);
    }
}

/// The terminal has checked it and not sent it when trading is stopped, paused, or its strategy ends.
#[test]
fn an_opening_that_a_stop_or_a_pause_overtook_is_recalled() {
    for name in ["EMERGENCY_STOP", "PAUSE"] {
        let mut world = World::ready();
        world.terminal.manners.push_back(Manner::OnlyCheck);
        world.pusher("o", "OPEN_POSITION", &buy());
        world.wait(1);
        assert!(world.command("o").state == CommandState::Executing);
        world.pusher("s", name, &json!({}));
        world.wait(2);
        world.assert_ends("o", CommandState::Failed, "withdrawn before it was sent");
        assert!(world.terminal.positions.is_empty(), "{name}");
        assert_eq!(world.terminal.submitted.len(), 1, "{name}: not tried again");
    }
    // One that was sent is looked for as ever.
    let mut world = World::ready();
    world.terminal.manners.push_back(Manner::FillSilently);
    world.pusher("o", "OPEN_POSITION", &buy());
    world.pusher("s", "PAUSE", &json!({}));
    world.wait(30);
    world.assert_executed("o");
}

/// A swap closed and opened it again: MetaTrader shows another ticket.
#[test]
fn a_position_is_found_under_the_ticket_that_the_market_shows_now() {
    let mut world = World::ready();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    world.terminal.renumbered = [(Ticket(2_002), Ticket(1_001))].into();
    world.send_book();
    let change = json!({ "ticket": 2002, "stopLoss": 1.08 });
    world.pusher("m", "MODIFY_POSITION", &change);
    world.wait(2);
    world.assert_executed("m");
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 2002 }));
    world.wait(2);
    assert!(world.assert_executed("c").starts_with("1 position closed"));
}
