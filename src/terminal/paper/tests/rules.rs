use std::time::Duration;

use super::{
    SATURDAY, WEDNESDAY, arrival, at, cid, close, dec, exchange, exchange_at, filled, intent, open,
    open_with, quote, refused, submit,
};
use crate::market::{
    Found, IntentAction, LevelChange, Outcome, PendingOrder, PendingType, Permissions,
    RefusalClass, Side, Ticket, TradeMode,
};
use crate::terminal::paper::faults::Fate;
use crate::terminal::paper::orders::Arrival;

use RefusalClass::{AlreadySo, Fix, Permission, PriceMoved, Wait};

#[test]
fn an_entry_is_refused_with_the_trade_servers_code() {
    let here = quote(&exchange_at(WEDNESDAY), "EURUSD");
    let near = dec("0.00009");
    let far = dec("0.00200");
    let levels = |stop, target| open_with("EURUSD", Side::Buy, "0.10", stop, target);
    let cases: Vec<(&str, IntentAction, i32, RefusalClass)> = vec![
        (
            "unknown symbol",
            open("EURUSD.r", Side::Buy, "0.10"),
            -6,
            Fix,
        ),
        ("no volume", open("EURUSD", Side::Buy, "0"), 10_014, Fix),
        (
            "volume below least",
            open("EURUSD", Side::Buy, "0.001"),
            10_014,
            Fix,
        ),
        (
            "volume above greatest",
            open("EURUSD", Side::Buy, "100.01"),
            10_014,
            Fix,
        ),
        (
            "volume off step",
            open("EURUSD", Side::Buy, "0.015"),
            10_014,
            Fix,
        ),
        (
            "stop off the tick grid",
            levels(Some(dec("1.000005")), None),
            10_015,
            Fix,
        ),
        ("negative stop", levels(Some(dec("-1")), None), 10_015, Fix),
        (
            "stop above a buy",
            levels(Some(here.ask + far), None),
            10_016,
            Fix,
        ),
        (
            "stop too near",
            levels(Some(here.bid - near), None),
            10_016,
            Fix,
        ),
        (
            "target below a buy",
            levels(None, Some(here.bid - far)),
            10_016,
            Fix,
        ),
        (
            "target too near",
            levels(None, Some(here.bid + near)),
            10_016,
            Fix,
        ),
        (
            "stop below a sell",
            open_with("EURUSD", Side::Sell, "0.10", Some(here.bid - far), None),
            10_016,
            Fix,
        ),
        (
            "target above a sell",
            open_with("EURUSD", Side::Sell, "0.10", None, Some(here.ask + far)),
            10_016,
            Fix,
        ),
        (
            "bitcoin's tick is ten points",
            open_with("BTCUSD", Side::Buy, "0.10", Some(dec("10000.05")), None),
            10_015,
            Fix,
        ),
        (
            "not enough money",
            open("EURUSD", Side::Buy, "9.10"),
            10_019,
            Permission,
        ),
    ];
    for (name, action, retcode, class) in cases {
        let mut exchange = exchange_at(WEDNESDAY);
        let refusal = refused(submit(&mut exchange, &intent(1, action)));
        assert_eq!(
            (refusal.retcode, refusal.class),
            (retcode, class),
            "{name}: {}",
            refusal.message
        );
        assert!(
            exchange.ledger.deals.is_empty() && exchange.ledger.positions.is_empty(),
            "{name}"
        );
        assert_eq!(exchange.find(cid(1)), Found::Absent, "{name}");
    }
}

#[test]
fn levels_exactly_at_the_stops_level_are_accepted() {
    let mut exchange = exchange_at(WEDNESDAY);
    let here = quote(&exchange, "EURUSD");
    let distance = dec("0.00010");
    let action = open_with(
        "EURUSD",
        Side::Buy,
        "0.10",
        Some(here.bid - distance),
        Some(here.bid + distance),
    );
    filled(submit(&mut exchange, &intent(1, action)));
}

#[test]
fn trade_modes_allow_what_they_say() {
    let cases = [
        (TradeMode::Disabled, Side::Buy, Some(10_017)),
        (TradeMode::LongOnly, Side::Sell, Some(10_042)),
        (TradeMode::LongOnly, Side::Buy, None),
        (TradeMode::ShortOnly, Side::Buy, Some(10_043)),
        (TradeMode::ShortOnly, Side::Sell, None),
        (TradeMode::CloseOnly, Side::Buy, Some(10_044)),
        (TradeMode::Full, Side::Sell, None),
    ];
    for (mode, side, expected) in cases {
        let mut exchange = exchange_at(WEDNESDAY);
        exchange
            .switches
            .trade_modes
            .insert("EURUSD".to_owned(), mode);
        let shown = exchange
            .specs()
            .into_iter()
            .find(|spec| spec.name == "EURUSD")
            .unwrap();
        assert_eq!(shown.trade_mode, mode);
        let outcome = submit(&mut exchange, &intent(1, open("EURUSD", side, "0.10")));
        match expected {
            None => drop(filled(outcome)),
            Some(code) => {
                let refusal = refused(outcome);
                assert_eq!(
                    (refusal.retcode, refusal.class),
                    (code, Permission),
                    "{mode:?}"
                );
            }
        }
    }
    // Closing is always possible but in a disabled symbol.
    let mut exchange = exchange_at(WEDNESDAY);
    let fill = filled(submit(
        &mut exchange,
        &intent(1, open("EURUSD", Side::Buy, "0.10")),
    ));
    exchange
        .switches
        .trade_modes
        .insert("EURUSD".to_owned(), TradeMode::Disabled);
    assert_eq!(
        refused(submit(&mut exchange, &intent(2, close(fill.ticket)))).retcode,
        10_017
    );
    exchange
        .switches
        .trade_modes
        .insert("EURUSD".to_owned(), TradeMode::CloseOnly);
    filled(submit(&mut exchange, &intent(3, close(fill.ticket))));
}

#[test]
fn switches_that_are_off_refuse_everything() {
    for (permissions, code) in [
        (
            Permissions {
                algo_trading: false,
                ..Permissions::ALL
            },
            10_027,
        ),
        (
            Permissions {
                expert: false,
                ..Permissions::ALL
            },
            10_027,
        ),
        (
            Permissions {
                account: false,
                ..Permissions::ALL
            },
            10_026,
        ),
    ] {
        let mut exchange = exchange_at(WEDNESDAY);
        exchange.switches.permissions = permissions;
        let refusal = refused(submit(
            &mut exchange,
            &intent(1, open("EURUSD", Side::Buy, "0.10")),
        ));
        assert_eq!((refusal.retcode, refusal.class), (code, Permission));
    }
}

#[test]
fn a_closed_market_says_wait_for_every_action() {
    let mut exchange = exchange_at(WEDNESDAY);
    let fill = filled(submit(
        &mut exchange,
        &intent(1, open("EURUSD", Side::Buy, "0.10")),
    ));
    let order = exchange.place(PendingOrder {
        ticket: Ticket(0),
        symbol: "EURUSD".to_owned(),
        side: Side::Buy,
        kind: PendingType::Limit,
        volume: dec("0.10"),
        price: dec("0.50000"),
        stop_loss: None,
        take_profit: None,
        magic: 0,
        placed_at: exchange.now(),
    });
    exchange.advance(at(SATURDAY).as_millisecond());
    let stop = Some(quote(&exchange, "EURUSD").bid - dec("0.01000"));
    let actions = [
        open("EURUSD", Side::Buy, "0.10"),
        close(fill.ticket),
        IntentAction::Modify {
            ticket: fill.ticket,
            stop_loss: LevelChange::exactly(stop),
            take_profit: LevelChange::Remove,
        },
        IntentAction::Cancel { ticket: order },
    ];
    for (counter, action) in (10..).zip(actions) {
        let refusal = refused(submit(&mut exchange, &intent(counter, action)));
        assert_eq!((refusal.retcode, refusal.class), (10_018, Wait));
    }
    // Bitcoin trades all week.
    filled(submit(
        &mut exchange,
        &intent(20, open("BTCUSD", Side::Buy, "0.10")),
    ));
}

#[test]
fn a_market_closed_by_hand_opens_again() {
    let mut exchange = exchange_at(WEDNESDAY);
    exchange.switches.halted = true;
    let refusal = refused(submit(
        &mut exchange,
        &intent(1, open("EURUSD", Side::Buy, "0.10")),
    ));
    assert_eq!(refusal.retcode, 10_018);
    exchange.switches.halted = false;
    filled(submit(
        &mut exchange,
        &intent(2, open("EURUSD", Side::Buy, "0.10")),
    ));
}

#[test]
fn positions_that_are_gone_answer_by_what_was_asked() {
    let mut exchange = exchange_at(WEDNESDAY);
    let gone = Ticket(77);
    let cases = [
        (close(gone), 10_036, AlreadySo),
        (
            IntentAction::Modify {
                ticket: gone,
                stop_loss: LevelChange::Remove,
                take_profit: LevelChange::Remove,
            },
            10_036,
            Fix,
        ),
        (IntentAction::Cancel { ticket: gone }, 10_035, Fix),
    ];
    for (counter, (action, code, class)) in (1..).zip(cases) {
        let refusal = refused(submit(&mut exchange, &intent(counter, action)));
        assert_eq!((refusal.retcode, refusal.class), (code, class));
    }
}

#[test]
fn a_position_is_closed_in_parts_and_never_more_than_there_is() {
    let mut exchange = exchange_at(WEDNESDAY);
    let ticket = filled(submit(
        &mut exchange,
        &intent(1, open("EURUSD", Side::Sell, "0.30")),
    ))
    .ticket;
    let part = |volume: &str| IntentAction::Close {
        ticket,
        volume: Some(dec(volume)),
    };
    let cases = [("0.31", 10_038), ("0.005", 10_014), ("0.015", 10_014)];
    for (counter, (volume, code)) in (10..).zip(cases) {
        assert_eq!(
            refused(submit(&mut exchange, &intent(counter, part(volume)))).retcode,
            code
        );
    }
    let first = filled(submit(&mut exchange, &intent(2, part("0.10"))));
    assert_eq!(first.volume, dec("0.10"));
    assert_eq!(exchange.position(ticket).unwrap().volume, dec("0.20"));
    let last = filled(submit(&mut exchange, &intent(3, close(ticket))));
    assert_eq!(last.volume, dec("0.20"));
    assert!(exchange.position(ticket).is_none());
    assert_eq!(
        exchange.ledger.balance,
        dec("10000") + first.profit + last.profit
    );
    let magics: Vec<u64> = exchange
        .ledger
        .deals
        .iter()
        .map(|deal| deal.magic)
        .collect();
    assert_eq!(magics, [cid(1).0, cid(2).0, cid(3).0]);
}

#[test]
fn levels_are_changed_removed_and_not_set_twice() {
    let mut exchange = exchange_at(WEDNESDAY);
    let ticket = filled(submit(
        &mut exchange,
        &intent(1, open("USDJPY", Side::Buy, "0.10")),
    ))
    .ticket;
    let here = quote(&exchange, "USDJPY");
    let stop = Some(here.bid - dec("0.500"));
    let modify = |stop_loss, take_profit| IntentAction::Modify {
        ticket,
        stop_loss: LevelChange::exactly(stop_loss),
        take_profit: LevelChange::exactly(take_profit),
    };
    filled(submit(&mut exchange, &intent(2, modify(stop, None))));
    assert_eq!(exchange.position(ticket).unwrap().stop_loss, stop);
    let again = refused(submit(&mut exchange, &intent(3, modify(stop, None))));
    assert_eq!((again.retcode, again.class), (10_025, AlreadySo));
    let near = refused(submit(
        &mut exchange,
        &intent(4, modify(Some(here.bid), None)),
    ));
    assert_eq!(near.retcode, 10_016);
    filled(submit(&mut exchange, &intent(5, modify(None, None))));
    assert_eq!(exchange.position(ticket).unwrap().stop_loss, None);
}

#[test]
fn an_order_that_comes_too_late_is_not_executed_and_stays_so() {
    let mut exchange = exchange_at(WEDNESDAY);
    let order = intent(1, open("EURUSD", Side::Buy, "0.10"));
    let late = Arrival {
        waited: Duration::from_millis(5_001),
        ..arrival(&exchange, Fate::Delivered)
    };
    let refusal = refused(exchange.submit(&order, late));
    assert_eq!((refusal.retcode, refusal.class), (-2, PriceMoved));
    assert_eq!(refused(submit(&mut exchange, &order)).retcode, -2);
    assert!(exchange.ledger.deals.is_empty());
    let in_time = Arrival {
        waited: Duration::from_millis(5_000),
        ..late
    };
    filled(exchange.submit(&intent(2, open("EURUSD", Side::Buy, "0.10")), in_time));
}

#[test]
fn the_same_client_id_is_answered_from_memory_and_other_parameters_are_refused() {
    let mut exchange = exchange_at(WEDNESDAY);
    let order = intent(1, open("EURUSD", Side::Buy, "0.10"));
    let first = submit(&mut exchange, &order);
    exchange.advance(exchange.ledger.now_ms + 600_000);
    assert_eq!(submit(&mut exchange, &order), first);
    let mut other = order.clone();
    other.action = open("EURUSD", Side::Buy, "0.20");
    let refusal = refused(submit(&mut exchange, &other));
    assert_eq!((refusal.retcode, refusal.class), (-3, Fix));
    // And the first answer is still the one that counts.
    assert_eq!(submit(&mut exchange, &order), first);
    assert_eq!(exchange.ledger.deals.len(), 1);
}

#[test]
fn a_lost_answer_hides_what_find_then_tells() {
    for (fate, deals) in [(Fate::LostAfter, 1), (Fate::LostBefore, 0)] {
        let mut exchange = exchange_at(WEDNESDAY);
        let order = intent(1, open("EURUSD", Side::Buy, "0.10"));
        let arrival = arrival(&exchange, fate);
        assert!(matches!(
            exchange.submit(&order, arrival),
            Outcome::Unknown { .. }
        ));
        assert_eq!(exchange.ledger.deals.len(), deals);
        match (exchange.find(cid(1)), deals) {
            (Found::Executed(fill), 1) => {
                assert_eq!(exchange.position(fill.ticket).unwrap().magic, cid(1).0);
            }
            (Found::Absent, 0) => {}
            (found, _) => panic!("{fate:?}: {found:?}"),
        }
        // Asking again with the same id still makes one deal at most.
        filled(submit(&mut exchange, &order));
        assert_eq!(exchange.ledger.deals.len(), 1);
    }
}

#[test]
fn requotes_and_rejects_come_after_the_orders_own_checks() {
    for (fate, code, class) in [
        (Fate::Requoted, 10_004, PriceMoved),
        (Fate::Rejected(10_006), 10_006, Fix),
        (Fate::Rejected(10_024), 10_024, Wait),
    ] {
        let mut exchange = exchange_at(WEDNESDAY);
        let arrival = arrival(&exchange, fate);
        let refusal =
            refused(exchange.submit(&intent(1, open("EURUSD", Side::Buy, "0.10")), arrival));
        assert_eq!((refusal.retcode, refusal.class), (code, class));
        let own = refused(exchange.submit(&intent(2, open("EURUSD", Side::Buy, "0")), arrival));
        assert_eq!(own.retcode, 10_014);
    }
}

#[test]
fn a_price_that_ran_away_on_the_way_is_requoted_within_no_deviation_and_filled_within_enough() {
    let mut filled_count = 0;
    let mut requoted_count = 0;
    for seed in 0..20 {
        let mut exchange = exchange(seed, WEDNESDAY, "10000");
        let sent_at = exchange.now();
        exchange.advance(exchange.ledger.now_ms + 120_000);
        let arrival = Arrival {
            sent_at,
            waited: Duration::from_secs(1),
            fate: Fate::Delivered,
        };
        let expected = exchange.market.quote("EURUSD", sent_at).unwrap().ask;
        let mut strict = intent(1, open("EURUSD", Side::Buy, "0.10"));
        if let IntentAction::Open { deviation, .. } = &mut strict.action {
            *deviation = 0;
        }
        match exchange.submit(&strict, arrival) {
            Outcome::Done(fill) => {
                filled_count += 1;
                assert!(fill.price <= expected);
            }
            Outcome::Refused(refusal) => {
                requoted_count += 1;
                assert_eq!((refusal.retcode, refusal.class), (10_004, PriceMoved));
                assert!(exchange.ledger.deals.is_empty());
            }
            Outcome::Unknown { .. } => panic!("nothing was lost"),
        }
        let mut patient = intent(2, open("EURUSD", Side::Buy, "0.10"));
        if let IntentAction::Open { deviation, .. } = &mut patient.action {
            *deviation = 100_000;
        }
        filled(exchange.submit(&patient, arrival));
    }
    assert!(
        filled_count > 2 && requoted_count > 2,
        "{filled_count} filled, {requoted_count} requoted"
    );
}

#[test]
fn a_pending_order_is_cancelled_once() {
    let mut exchange = exchange_at(WEDNESDAY);
    let ticket = exchange.place(PendingOrder {
        ticket: Ticket(0),
        symbol: "XAUUSD".to_owned(),
        side: Side::Sell,
        kind: PendingType::Limit,
        volume: dec("0.10"),
        price: dec("9000"),
        stop_loss: None,
        take_profit: None,
        magic: 0,
        placed_at: exchange.now(),
    });
    assert_eq!(exchange.book().orders.len(), 1);
    let fill = filled(submit(
        &mut exchange,
        &intent(1, IntentAction::Cancel { ticket }),
    ));
    assert_eq!((fill.ticket, fill.deal), (ticket, None));
    assert!(exchange.book().orders.is_empty());
    assert_eq!(
        refused(submit(
            &mut exchange,
            &intent(2, IntentAction::Cancel { ticket })
        ))
        .retcode,
        10_035
    );
}
