//! What the exits of a running strategy do at the terminal, restarted in the middle.

use jiff::SignedDuration;
use serde_json::json;

use super::terminal::{Manner, Memory, decimal};
use super::world::World;
use super::{buying_rules, cid_of, start_args};
use crate::core::snapshot::UiCommand;
use crate::core::{Config, Event};
use crate::market::{Quote, TerminalEvent};
use crate::strategy::Allowances;

fn quote(world: &mut World, bid: rust_decimal::Decimal) {
    world.wait(2);
    world.terminal_says(vec![TerminalEvent::Quote {
        symbol: "EURUSD".to_owned(),
        quote: Quote {
            bid,
            ask: bid + decimal("0.0001"),
            time: world.now.utc,
        },
    }]);
}

#[test]
fn parts_and_the_open_price_are_taken_once_though_it_restarts_in_between() {
    let mut rules = buying_rules();
    rules["exit"] = json!({
        "stopLoss": { "type": "pips", "value": 20 },
        "enhancedPartialExits": { "enabled": false, "levels": [
            { "percentage": 50, "type": "rr_ratio", "value": 1, "moveStopToBreakeven": true },
            { "percentage": 30, "type": "rr_ratio", "value": 2 },
        ], "trailRemaining": true, "trailDistance": 15 },
    });
    let mut world = World::ready();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &rules));
    world.assert_executed("a");
    world.next_bar();
    let opened = world.terminal.positions[0].clone();
    let risk = opened.open_price - opened.stop_loss.unwrap();
    let at = |times: &str| opened.open_price + risk * decimal(times);
    let held = |world: &World| {
        let position = &world.terminal.positions[0];
        (position.volume, position.stop_loss.unwrap())
    };
    let stop = opened.stop_loss.unwrap();
    quote(&mut world, at("1"));
    assert_eq!(held(&world), (decimal("0.05"), stop));
    world.restart();
    world.terminal_up();
    quote(&mut world, at("0.5"));
    assert_eq!(held(&world), (decimal("0.05"), opened.open_price));
    quote(&mut world, at("1.5"));
    assert_eq!(held(&world), (decimal("0.05"), opened.open_price));
    quote(&mut world, at("2"));
    assert_eq!(held(&world), (decimal("0.02"), opened.open_price));
    world.restart();
    world.terminal_up();
    quote(&mut world, at("2"));
    let trailed = at("2") - decimal("0.0015");
    assert_eq!(held(&world), (decimal("0.02"), trailed));
    quote(&mut world, at("1.8"));
    assert_eq!(held(&world), (decimal("0.02"), trailed), "never back");
}

#[test]
fn a_change_of_levels_in_doubt_holds_up_no_time_exit_and_does_a_new_stop() {
    let mut timed = buying_rules();
    timed["exit"]["smartExit"] =
        json!({ "timeExit": { "enabled": true, "maxHoldingMinutes": 12 } });
    let mut trailing = buying_rules();
    trailing["exit"]["trailing"] = json!({ "enabled": true, "distance": 15, "step": 1 });
    for (rules, pips, closes) in [(&timed, "0", true), (&trailing, "0.0050", false)] {
        let mut world = World::ready();
        world.pusher("a", "START_STRATEGY", &start_args("s1", rules));
        world.assert_executed("a");
        world.next_bar();
        let position = world.terminal.positions[0].clone();
        world.terminal.manners.push_back(Manner::LoseOrder);
        world.terminal.memory = Memory::NotYet;
        let args = json!({ "ticket": position.ticket.0, "takeProfit": 1.2 });
        world.pusher("m", "MODIFY_POSITION", &args);
        world.wait(60);
        world.jump(780);
        let sent = world.terminal.submitted.len();
        quote(&mut world, position.open_price + decimal(pips));
        assert_eq!(world.terminal.positions.is_empty(), closes);
        assert_eq!(world.terminal.submitted.len() - sent, usize::from(closes));
        // Once it is known, the stop follows.
        world.terminal.memory = Memory::Works;
        world.wait(40);
        quote(&mut world, position.open_price + decimal(pips));
        let stop = world.terminal.positions.first().map(|open| open.stop_loss);
        assert!(
            stop.is_none_or(|stop| stop > position.stop_loss),
            "{stop:?}"
        );
    }
}

/// What a position was opened with counts until it is closed, whatever becomes of the settings that allowed to open it.
#[test]
fn a_position_keeps_its_exits_when_the_settings_allow_its_rules_no_more() {
    let mut rules = buying_rules();
    rules["newsFilter"] =
        json!({ "enabled": true, "pauseBeforeMinutes": 30, "pauseAfterMinutes": 30 });
    rules["exit"]["smartExit"] =
        json!({ "timeExit": { "enabled": true, "maxHoldingMinutes": 12 } });
    for case in ["runs", "stopped", "new rules", "new rules at once"] {
        let mut world = World::ready_with(Config {
            run_without: Allowances::without("news").unwrap(),
            ..Config::default()
        });
        world.pusher("a", "START_STRATEGY", &start_args("s1", &rules));
        world.assert_executed("a");
        world.next_bar();
        let price = world.terminal.positions[0].open_price;
        let replaced = |world: &mut World| {
            world.wait(1);
            world.pusher("b", "START_STRATEGY", &start_args("s1", &buying_rules()));
            world.assert_executed("b");
        };
        match case {
            "stopped" => {
                world.pusher("b", "STOP_STRATEGY", &json!({ "strategyId": "s1" }));
                world.assert_executed("b");
            }
            "new rules" => replaced(&mut world),
            _ => {}
        }
        world.config.run_without = Allowances::default();
        if case == "new rules at once" {
            world.happens(Event::Configured(world.config.clone()));
            assert!(world.has_logged("ran before the settings changed and cannot run now"));
            replaced(&mut world);
        } else {
            world.restart();
            world.terminal_up();
        }
        if case == "runs" {
            assert!(world.has_logged("ran before the restart and cannot run now"));
            world.next_bar();
            assert_eq!(world.terminal.opens(), 1, "it opens nothing");
        }
        world.jump(780);
        quote(&mut world, price);
        assert!(world.terminal.positions.is_empty(), "{case}");
        assert!(!world.has_logged("Only its stop and target"), "{case}");
    }
}

#[test]
fn a_position_keeps_its_exits_over_a_hundred_later_ones() {
    let mut slow = buying_rules();
    slow["exit"]["smartExit"] = json!({ "timeExit": { "enabled": true, "maxHoldingMinutes": 12 } });
    slow["riskManagement"]["maxPositions"] = json!(1);
    let mut world = World::ready();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &slow));
    world.next_bar();
    let first = world.terminal.positions[0].clone();
    for n in 0..130 {
        world.pusher(&format!("o{n}"), "OPEN_POSITION", &super::buy());
        let ticket = world.terminal.positions.last().unwrap().ticket.0;
        assert_ne!(ticket, first.ticket.0);
        world.pusher(
            &format!("c{n}"),
            "CLOSE_POSITION",
            &json!({ "ticket": ticket }),
        );
        world.send_book();
    }
    assert_eq!(world.terminal.positions.len(), 1);
    assert!(world.state.durable().openings.len() <= 101);
    assert!(world.state.durable().given.len() <= 101);
    world.restart();
    world.terminal_up();
    world.jump(780);
    quote(&mut world, first.open_price);
    assert!(world.terminal.positions.is_empty());
}

#[test]
fn a_position_that_is_seen_before_its_answer_is_no_stranger() {
    let mut timed = buying_rules();
    timed["exit"]["smartExit"] =
        json!({ "timeExit": { "enabled": true, "maxHoldingMinutes": 12 } });
    let mut world = World::ready();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &timed));
    world.terminal.manners.push_back(Manner::FillSilently);
    world.next_bar();
    world.send_book();
    assert_eq!(world.terminal.positions.len(), 1);
    world.wait(40);
    assert!(!world.has_logged("Only its stop and target"));
}

/// After the journal was lost nothing is known of them, and nobody may take them for another strategy's.
#[test]
fn positions_of_a_lost_journal_are_nobody_elses_and_are_told() {
    let mut world = World::ready();
    world.terminal.holds(11, cid_of("s1", 900).0, "0");
    world.send_book();
    assert!(world.has_logged("#11 BUY 0.10 EURUSD: its strategy is not known here"));
    assert!(
        world
            .state
            .notices
            .iter()
            .any(|notice| notice.key == "unmanaged")
    );
    world.pusher("a", "START_STRATEGY", &start_args("s2", &buying_rules()));
    world.assert_executed("a");
    for (id, name, args) in [
        ("c", "CLOSE_BY_STRATEGY", json!({ "strategyId": "s2" })),
        (
            "x",
            "STOP_STRATEGY",
            json!({ "strategyId": "s2", "closePositions": true }),
        ),
    ] {
        world.pusher(id, name, &args);
        world.assert_executed(id);
        assert_eq!(world.terminal.positions.len(), 1, "{name}");
    }
    let told = world.logs.len();
    world.send_book();
    assert_eq!(world.logs.len(), told, "it is told once");
    world.terminal.positions.clear();
    world.send_book();
    assert!(
        world
            .state
            .notices
            .iter()
            .all(|notice| notice.key != "unmanaged")
    );
}

/// Contract C15: different rules replace those that run, for new entries.
#[test]
fn a_position_keeps_the_exits_that_it_was_opened_with() {
    let lasting = buying_rules();
    let mut hurried = buying_rules();
    hurried["exit"]["smartExit"] =
        json!({ "timeExit": { "enabled": true, "maxHoldingMinutes": 12 } });
    for (first, then, closed) in [(&lasting, &hurried, false), (&hurried, &lasting, true)] {
        for by_update in [false, true] {
            let mut world = World::ready();
            world.pusher("a", "START_STRATEGY", &start_args("s1", first));
            world.next_bar();
            assert_eq!(world.terminal.positions.len(), 1);
            let price = world.terminal.positions[0].open_price;
            world.wait(1);
            if by_update {
                let args = json!({ "strategyId": "s1", "rules": then });
                world.pusher("b", "UPDATE_STRATEGY", &args);
            } else {
                world.pusher("b", "START_STRATEGY", &start_args("s1", then));
            }
            world.assert_executed("b");
            // And once more, with nothing ordered in between.
            let mut third = buying_rules();
            third["riskManagement"]["lotSize"] = json!(0.2);
            let args = json!({ "strategyId": "s1", "rules": third });
            world.wait(1);
            world.pusher("c", "UPDATE_STRATEGY", &args);
            world.assert_executed("c");
            world.restart();
            world.terminal_up();
            world.jump(780);
            quote(&mut world, price);
            assert_eq!(
                world.terminal.positions.is_empty(),
                closed,
                "by UPDATE: {by_update}"
            );
        }
    }
}

/// As a replay does it at the next bar's open: the price that brings the close is there already.
#[test]
fn exits_that_look_at_bars_are_asked_when_a_bar_closes_and_not_at_the_next_price() {
    let mut slow = buying_rules();
    slow["exit"]["smartExit"] = json!({ "timeExit": {
        "enabled": true, "checkEveryMinutes": 15, "exitIfNoProgress": true, "minProgressPips": 1000,
    } });
    for (rules, shadow, closes) in [
        (&slow, false, true),
        (&slow, true, true),
        (&buying_rules(), false, false),
    ] {
        let mut world = World::ready();
        world.pusher("a", "START_STRATEGY", &start_args("s1", rules));
        world.assert_executed("a");
        let id = "s1".to_owned();
        world.ui(UiCommand::SetShadow { id, on: shadow });
        world.next_bar();
        assert_eq!(world.terminal.positions.len(), usize::from(!shadow));
        let opened_at = world.terminal.bars.last().unwrap().time + SignedDuration::from_mins(15);
        for position in &mut world.terminal.positions {
            position.opened_at = opened_at;
        }
        world.send_book();
        world.wait(2);
        let mut events = world.terminal.next_bar();
        let close = events.pop().unwrap();
        world.terminal_says(events);
        let has_closed = |world: &World| {
            world.has_logged("it has gained less than 1000 pips")
                && world.terminal.positions.is_empty()
        };
        assert!(!has_closed(&world), "the bar has not closed");
        world.terminal_says(vec![close]);
        assert_eq!(has_closed(&world), closes, "shadow: {shadow}");
    }
}
