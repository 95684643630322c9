//! Closing commands: which positions they mean, and no others.

use serde_json::json;

use super::buy;
use super::emergency::stop_here;
use super::terminal::{Manner, Memory, decimal};
use super::world::World;
use crate::core::snapshot::{CommandState, UiCommand};
use crate::market::{
    Cid, Deal, DealEntry, DealReason, IntentAction, MarginMode, TerminalEvent, Ticket,
};

/// The Expert Advisor closes nothing that is not ours, so an order to do it is refused at once, also one given here.
#[test]
fn a_foreign_position_is_refused_at_once_whoever_asks() {
    const WORDS: &str = "was not opened by this program; close it in MetaTrader";
    let mut world = World::ready();
    world.terminal.holds(11, 999, "0");
    world.send_book();
    world.ui(UiCommand::ClosePosition { ticket: Ticket(11) });
    let row = world.newest();
    assert_eq!(row.state, CommandState::Failed);
    assert!(row.message.contains(WORDS), "{}", row.message);
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 11 }));
    world.assert_ends("c", CommandState::Failed, WORDS);
    assert!(world.terminal.submitted.is_empty());
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

/// A close that is done and still listed is not given again: on a netting account it would open the other way.
#[test]
fn what_is_done_and_still_listed_is_not_done_again() {
    for mode in [MarginMode::Hedging, MarginMode::Netting] {
        for stop in [false, true] {
            let mut world = World::ready();
            world.terminal.account.margin_mode = mode;
            world.terminal.holds(11, Cid::new(0, 900).0, "0");
            world.terminal.lags(6);
            world.send_book();
            if stop {
                stop_here(&mut world);
            } else {
                world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 11 }));
            }
            world.wait(12);
            assert_eq!(world.terminal.closes(), 1, "{mode:?}, stop: {stop}");
            if !stop {
                world.assert_executed("c");
            }
        }
    }
}

/// Nor is one more position opened than the trader allows.
#[test]
fn a_position_that_is_not_listed_yet_counts() {
    let mut world = World::with_one_position_allowed();
    world.terminal.lags(6);
    world.send_book();
    world.pusher("a", "OPEN_POSITION", &buy());
    world.assert_executed("a");
    world.pusher("b", "OPEN_POSITION", &buy());
    world.assert_ends("b", CommandState::Waiting, "list of positions");
    world.wait(12);
    world.assert_ends("b", CommandState::Failed, "not opened");
    assert_eq!(world.terminal.positions.len(), 1);
}

/// The list is late for minutes. A position that was opened is open until a deal closes it: not "nothing to close", no second
/// one on a net account; and the stop of an emergency is not complete. So it is after a restart.
#[test]
fn what_was_opened_is_open_although_no_list_shows_it() {
    for restarted in [false, true] {
        let mut world = World::ready();
        world.terminal.lags(1_000);
        world.send_book();
        world.pusher("o", "OPEN_POSITION", &buy());
        world.assert_executed("o");
        if restarted {
            world.restart();
            world.terminal_up();
        }
        world.wait(12);
        assert!(world.has_logged("which was opened; it counts as open"));
        assert_eq!(world.state.own_positions().count(), 1);
        world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
        world.wait(12);
        let said = world.assert_executed("c");
        assert!(said.contains("1 position closed"), "{restarted}: {said}");
        assert!(world.terminal.positions.is_empty());
        assert_eq!(world.state.own_positions().count(), 0);
    }
}

/// Until a deal says that it was closed, or minutes have passed.
#[test]
fn what_was_opened_and_closed_before_any_list_showed_it_is_gone() {
    for told in [true, false] {
        let mut world = World::ready();
        world.terminal.lags(1_000);
        world.send_book();
        world.pusher("o", "OPEN_POSITION", &buy());
        world.assert_executed("o");
        let position = world.terminal.positions.remove(0);
        world.wait(12);
        assert_eq!(world.state.own_positions().count(), 1);
        if told {
            let deal = crate::market::Deal {
                ticket: crate::market::Ticket(9_001),
                position: position.ticket,
                symbol: position.symbol.clone(),
                side: position.side.opposite(),
                entry: crate::market::DealEntry::Out,
                reason: crate::market::DealReason::StopLoss,
                volume: position.volume,
                price: position.open_price,
                profit: decimal("-1"),
                magic: position.magic,
                time: position.opened_at,
            };
            world.terminal_says(vec![crate::market::TerminalEvent::Deal(deal)]);
            world.send_book();
        } else {
            world.wait(300);
        }
        assert_eq!(world.state.own_positions().count(), 0, "{told}");
    }
}

/// A part of it was closed by hand, say.
#[test]
fn the_rest_of_what_was_opened_is_open_although_no_list_shows_it() {
    for (end, told) in [
        ("CLOSE_ALL_POSITIONS", "1 position closed"),
        ("EMERGENCY_STOP", "closed"),
    ] {
        let mut world = World::ready();
        world.terminal.lags(1_000);
        world.send_book();
        world.pusher("o", "OPEN_POSITION", &buy());
        world.assert_executed("o");
        let deal = world.taken_by_hand("0.04");
        world.terminal_says(vec![TerminalEvent::Deal(deal)]);
        world.wait(12);
        let own: Vec<_> = world.state.own_positions().map(|one| one.volume).collect();
        assert_eq!(own, [decimal("0.06")]);
        world.pusher("c", end, &json!({}));
        world.wait(12);
        let said = world.assert_executed("c");
        assert!(said.contains(told), "{said}");
        assert!(world.terminal.positions.is_empty(), "{end}");
    }
}

/// The order was in doubt; its position ended before anybody knew that it began.
#[test]
fn what_ended_before_it_was_found_is_no_ghost() {
    for (taken, left) in [("0.1", None), ("0.04", Some("0.06"))] {
        for restarted in [false, true] {
            let mut world = World::ready();
            world.terminal.manners.push_back(Manner::FillSilently);
            world.terminal.memory = Memory::Silent;
            world.pusher("o", "OPEN_POSITION", &buy());
            let deal = world.taken_by_hand(taken);
            world.terminal.lags(1_000);
            world.send_book();
            world.terminal_says(vec![TerminalEvent::Deal(deal)]);
            if restarted {
                world.restart();
            }
            world.terminal.memory = Memory::Works;
            if restarted {
                world.terminal_up();
            }
            world.wait(40);
            world.assert_executed("o");
            let own: Vec<_> = world.state.own_positions().map(|one| one.volume).collect();
            let left: Vec<_> = left.map(decimal).into_iter().collect();
            assert_eq!(own, left, "{taken} {restarted}");
        }
    }
}

#[test]
fn who_chooses_by_profit_waits_for_a_list_that_tells_it() {
    let mut world = World::ready();
    world.terminal.lags(1_000);
    world.send_book();
    world.pusher("o", "OPEN_POSITION", &buy());
    world.assert_executed("o");
    world.wait(12);
    for name in ["CLOSE_PROFITABLE", "CLOSE_LOSING"] {
        world.pusher(name, name, &json!({}));
        world.wait(2);
        world.assert_ends(name, CommandState::Waiting, "the terminal's list is late");
    }
    world.terminal.positions[0].profit = decimal("5");
    world.terminal.lags(0);
    world.send_book();
    world.wait(2);
    world.assert_executed("CLOSE_PROFITABLE");
    assert!(world.terminal.positions.is_empty());
}

/// A list that never shows an order is believed in the end.
#[test]
fn a_close_that_the_list_denies_is_tried_again() {
    let mut world = World::ready();
    world.terminal.holds(11, Cid::new(0, 900).0, "0");
    world.terminal.lags(1_000);
    world.send_book();
    world.pusher("c", "CLOSE_POSITION", &json!({ "ticket": 11 }));
    world.wait(9);
    assert_eq!(world.terminal.closes(), 1);
    world.wait(20);
    assert!(world.terminal.closes() > 1);
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
fn closing_waits_for_the_order_that_follows_a_requoted_one() {
    for name in ["CLOSE_BY_SYMBOL", "CLOSE_ALL_POSITIONS"] {
        let mut world = World::ready();
        world.quote();
        world.terminal.manners.push_back(Manner::Swallow);
        world.pusher("o", "OPEN_POSITION", &buy());
        let args = if name == "CLOSE_BY_SYMBOL" {
            json!({ "symbol": "EURUSD" })
        } else {
            json!({})
        };
        world.pusher("c", name, &args);
        world.assert_ends("c", CommandState::Executing, "an order that was on its way");
        let cid = world.terminal.submitted[0].cid;
        world.requote(cid);
        world.wait(3);
        world.assert_executed("c");
        assert!(world.terminal.positions.is_empty(), "{name}");
    }
}

#[test]
fn an_order_made_before_its_symbol_was_closed_is_not_opened_after_it() {
    for (standing, name) in [
        (false, "EURUSD"),
        (true, "EURUSD"),
        (false, "EUR/USD"),
        (true, "eurusd"),
    ] {
        let mut world = World::ready();
        if standing {
            world.terminal.holds(11, Cid::new(0, 1).0, "5");
            world.send_book();
        }
        let close = world.row("c", "CLOSE_BY_SYMBOL", &json!({ "symbol": name }), 1);
        let open = world.row("o", "OPEN_POSITION", &buy(), 2);
        let other = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 });
        let later = world.row("l", "OPEN_POSITION", &other, 0);
        world.heartbeat_raw(vec![open, close, later]);
        world.wait(1);
        world.assert_executed("c");
        world.assert_ends("o", CommandState::Failed, "superseded by the later");
        world.assert_executed("l");
        assert_eq!(world.terminal.positions.len(), 1, "{name} {standing}");
    }
}

#[test]
fn a_later_order_is_remembered_over_any_number_of_others() {
    let mut world = World::ready();
    let close = world.row("c", "CLOSE_ALL_POSITIONS", &json!({}), 1);
    world.heartbeat_raw(vec![close]);
    for number in 0..250 {
        world.pusher(&format!("g{number}"), "GET_STATUS", &json!({}));
    }
    let open = world.row("o", "OPEN_POSITION", &buy(), 30);
    world.heartbeat_raw(vec![open]);
    world.assert_ends("o", CommandState::Failed, "superseded by the later");
}

#[test]
fn an_account_that_closes_the_oldest_first_gets_them_in_that_order() {
    let mut world = World::ready();
    for ticket in 1..=12 {
        world.terminal.holds(ticket, Cid::new(0, ticket).0, "5");
    }
    world.terminal.oldest_first = true;
    world.send_book();
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    world.wait(3);
    let message = world.assert_executed("c");
    assert!(message.contains("12 positions closed"), "{message}");
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

/// Closes that were on their way on another account when the program died are looked for when it is back; here they hold
/// up nothing.
#[test]
fn closes_on_their_way_on_another_account_hold_up_none_here() {
    let mut world = World::ready();
    for number in 0..9 {
        world
            .terminal
            .holds(100 + number, Cid::new(0, 1 + number).0, "5");
    }
    world.send_book();
    world.terminal.manners = [Manner::FillSilently; 9].into();
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    world.restart();
    world.terminal.account.login += 1;
    world.terminal.positions.clear();
    world.terminal.manners.clear();
    world.terminal.holds(200, Cid::new(0, 50).0, "5");
    world.terminal.holds(201, Cid::new(0, 51).0, "5");
    world.terminal_up();
    world.ui(UiCommand::StopEverything {
        reason: "out".to_owned(),
    });
    world.wait(3);
    assert!(world.terminal.positions.is_empty());
}

/// Its answer is lost and the position goes: that it was our close is told once the terminal knows.
#[test]
fn what_our_own_close_ended_is_not_called_closed_by_somebody_else() {
    for stops in [false, true] {
        let mut world = World::ready();
        world.terminal.holds(11, Cid::new(0, 1).0, "5");
        world.send_book();
        world.terminal.memory = Memory::NotYet;
        world.terminal.manners.push_back(Manner::LoseAnswer);
        if stops {
            world.heartbeat(&[("c", "EMERGENCY_STOP", json!({}), 2)]);
        } else {
            world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
        }
        world.wait(25);
        assert!(world.terminal.positions.is_empty());
        world.assert_ends("c", CommandState::Executing, "");
        world.terminal.memory = Memory::Works;
        world.wait(5);
        let message = world.assert_executed("c");
        assert!(message.contains("closed at"), "{message}");
        assert!(!message.contains("nothing was closed"), "{message}");
    }
}

/// The Expert Advisor's journal cannot be written: closing goes on, and its message and the log say why nothing is opened.
#[test]
fn a_journal_that_cannot_be_written_is_named() {
    let mut world = World::ready();
    world.pusher("open", "OPEN_POSITION", &buy());
    world.assert_executed("open");
    let facts = |unwritten| {
        crate::market::TerminalEvent::Link(crate::market::LinkFacts {
            unwritten,
            ..crate::market::LinkFacts::default()
        })
    };
    world.terminal_says(vec![facts(true)]);
    assert!(world.has_logged("cannot write its journal"));
    world.pusher("c", "CLOSE_ALL_POSITIONS", &json!({}));
    world.wait(2);
    let message = world.assert_executed("c");
    assert!(message.contains("cannot write its journal"), "{message}");
    let has_notice = |world: &mut World| {
        let notices = world.state.snapshot(world.now).notices;
        notices.iter().any(|one| one.key == "terminal-journal")
    };
    assert!(has_notice(&mut world));
    world.terminal_says(vec![facts(false)]);
    assert!(!has_notice(&mut world));
}

impl World {
    /// The trader closes so much of the first position; the deal of it.
    fn taken_by_hand(&mut self, volume: &str) -> Deal {
        let volume = decimal(volume);
        let position = &mut self.terminal.positions[0];
        let deal = Deal {
            ticket: Ticket(9_001),
            position: position.ticket,
            symbol: position.symbol.clone(),
            side: position.side.opposite(),
            entry: DealEntry::Out,
            reason: DealReason::Order,
            volume,
            price: position.open_price,
            profit: decimal("-1"),
            magic: 0,
            time: position.opened_at,
        };
        position.volume -= volume;
        self.terminal.positions.retain(|one| !one.volume.is_zero());
        deal
    }
}
