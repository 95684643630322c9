use rust_decimal::Decimal;

use super::{
    WEDNESDAY, at, dec, exchange, exchange_at, filled, intent, open, open_with, quote, submit,
};
use crate::market::{DealEntry, DealReason, PendingOrder, PendingType, Side, Ticket};
use crate::terminal::paper::exchange::Exchange;

const MONTH_MS: i64 = 30 * 86_400_000;

fn last_deal(exchange: &Exchange) -> crate::market::Deal {
    exchange.ledger.deals.last().unwrap().clone()
}

#[test]
fn entries_fill_at_the_ask_and_exits_at_the_bid_within_half_a_spread() {
    for seed in 0..40 {
        for (side, symbol) in [
            (Side::Buy, "EURUSD"),
            (Side::Sell, "XAUUSD"),
            (Side::Buy, "BTCUSD"),
        ] {
            let mut exchange = exchange(seed, WEDNESDAY, "10000");
            let here = quote(&exchange, symbol);
            let half = (here.ask - here.bid) / Decimal::TWO;
            let fill = filled(submit(
                &mut exchange,
                &intent(seed + 1, open(symbol, side, "0.10")),
            ));
            let expected = if side == Side::Buy {
                here.ask
            } else {
                here.bid
            };
            assert!(
                (fill.price - expected).abs() <= half,
                "{symbol}: {} for {expected}",
                fill.price
            );
            let spec = exchange.market.spec(symbol).unwrap();
            assert_eq!(spec.round_price(fill.price), fill.price);
            assert!(exchange.position(fill.ticket).unwrap().opened_at == exchange.now());
        }
    }
}

#[test]
fn profit_is_ticks_times_tick_value_times_lots() {
    for (symbol, side) in [
        ("EURUSD", Side::Buy),
        ("USDJPY", Side::Sell),
        ("XAUUSD", Side::Buy),
        ("BTCUSD", Side::Sell),
    ] {
        let mut exchange = exchange_at(WEDNESDAY);
        let fill = filled(submit(
            &mut exchange,
            &intent(1, open(symbol, side, "0.20")),
        ));
        exchange.advance(exchange.ledger.now_ms + 3_600_000);
        let spec = exchange.market.spec(symbol).unwrap().clone();
        let here = quote(&exchange, symbol);
        let floating = exchange.book().positions[0].profit;
        let rise = match side {
            Side::Buy => here.bid - fill.price,
            Side::Sell => fill.price - here.ask,
        };
        let expected = (rise / spec.tick_size * spec.tick_value * dec("0.20")).round_dp(2);
        assert_eq!(floating, expected, "{symbol}");
        let account = exchange.account();
        assert_eq!(account.equity, account.balance + floating);
        assert_eq!(account.margin, spec.margin_per_lot * dec("0.20"));
        assert_eq!(account.margin_free, account.equity - account.margin);
    }
}

/// Stops and targets against the whole tick path, looked through one by one.
#[test]
fn stops_and_targets_fill_at_the_first_price_that_reaches_them() {
    let (mut stops, mut targets) = (0, 0);
    for seed in 0..24 {
        for (symbol, side, distance) in [
            ("EURUSD", Side::Buy, "0.00150"),
            ("GBPUSD", Side::Sell, "0.00150"),
            ("XAUUSD", Side::Sell, "6.00"),
            ("BTCUSD", Side::Buy, "300.0"),
        ] {
            let mut exchange = exchange(seed, WEDNESDAY, "10000");
            let start = exchange.ledger.now_ms;
            let here = quote(&exchange, symbol);
            let (away, price) = match side {
                Side::Buy => (dec(distance), here.bid),
                Side::Sell => (-dec(distance), here.ask),
            };
            let (stop, target) = (price - away, price + away);
            filled(submit(
                &mut exchange,
                &intent(1, open_with(symbol, side, "0.05", Some(stop), Some(target))),
            ));
            exchange.advance(start + 10 * 86_400_000);
            let deal = last_deal(&exchange);
            assert_eq!(
                deal.entry,
                DealEntry::Out,
                "{symbol} {seed}: nothing reached in ten days"
            );
            assert_eq!(deal.side, side.opposite());

            let moment = deal.time.as_millisecond();
            let reached = |tick: &crate::terminal::market::Tick| match side {
                Side::Buy => tick.bid <= stop || tick.bid >= target,
                Side::Sell => tick.ask >= stop || tick.ask <= target,
            };
            let path = exchange.market.ticks(symbol, start, moment);
            let first = path.iter().find(|tick| reached(tick)).unwrap();
            assert_eq!(first.at_ms, moment, "{symbol} {seed}");
            let exit = match side {
                Side::Buy => first.bid,
                Side::Sell => first.ask,
            };
            match deal.reason {
                DealReason::StopLoss => {
                    stops += 1;
                    assert_eq!(deal.price, exit);
                }
                DealReason::TakeProfit => {
                    targets += 1;
                    assert_eq!(deal.price, target);
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(exchange.ledger.balance, dec("10000") + deal.profit);
        }
    }
    assert!(
        stops > 20 && targets > 20,
        "{stops} stops, {targets} targets"
    );
}

#[test]
fn a_stop_in_the_weekends_gap_fills_at_the_opening_price() {
    let mut gapped = 0;
    for seed in 0..60 {
        let mut exchange = exchange(seed, "2026-03-13T21:59:59.5Z", "10000");
        let friday = quote(&exchange, "EURUSD");
        let opening = exchange
            .market
            .quote("EURUSD", at("2026-03-15T22:00:00Z"))
            .unwrap();
        let stop = friday.bid - dec("0.00030");
        if opening.bid >= stop {
            continue;
        }
        gapped += 1;
        filled(submit(
            &mut exchange,
            &intent(1, open_with("EURUSD", Side::Buy, "0.10", Some(stop), None)),
        ));
        exchange.advance(at("2026-03-15T22:01:00Z").as_millisecond());
        let deal = last_deal(&exchange);
        assert_eq!(deal.reason, DealReason::StopLoss);
        assert_eq!(
            (deal.price, deal.time),
            (opening.bid, at("2026-03-15T22:00:00Z"))
        );
    }
    assert!(gapped >= 5, "only {gapped} gaps in 60 markets");
}

#[test]
fn advancing_in_steps_or_at_once_is_the_same() {
    let run = |step: i64| {
        let mut exchange = exchange(5, WEDNESDAY, "10000");
        let start = exchange.ledger.now_ms;
        for (counter, symbol, distance) in [
            (1, "EURUSD", "0.00200"),
            (2, "XAUUSD", "9.00"),
            (3, "BTCUSD", "500.0"),
        ] {
            let here = quote(&exchange, symbol).bid;
            let (stop, target) = (here - dec(distance), here + dec(distance));
            filled(submit(
                &mut exchange,
                &intent(
                    counter,
                    open_with(symbol, Side::Buy, "0.05", Some(stop), Some(target)),
                ),
            ));
        }
        let end = start + 3 * 86_400_000;
        let mut moment = start;
        while moment < end {
            moment = (moment + step).min(end);
            exchange.advance(moment);
        }
        exchange.ledger
    };
    let whole = run(i64::MAX / 4);
    assert!(whole.deals.len() > 3);
    for step in [7_777, 60_000, 3_600_001] {
        assert_eq!(run(step), whole, "in steps of {step} ms");
    }
}

#[test]
fn the_broker_closes_the_worst_position_at_half_the_margin() {
    let mut stopped = 0;
    for seed in 0..10 {
        let mut exchange = exchange(seed, WEDNESDAY, "1200");
        filled(submit(
            &mut exchange,
            &intent(1, open("EURUSD", Side::Buy, "0.50")),
        ));
        filled(submit(
            &mut exchange,
            &intent(2, open("GBPUSD", Side::Sell, "0.40")),
        ));
        exchange.advance(exchange.ledger.now_ms + 3 * MONTH_MS);
        let Some(first) = exchange
            .ledger
            .deals
            .iter()
            .find(|deal| deal.entry == DealEntry::Out)
        else {
            continue;
        };
        stopped += 1;
        assert_eq!(first.reason, DealReason::StopOut);
        assert!(first.profit < Decimal::ZERO);
        let account = exchange.account();
        assert!(account.equity >= account.margin / Decimal::TWO || account.margin.is_zero());
    }
    assert!(stopped >= 3, "only {stopped} stop-outs");
}

#[test]
fn pending_orders_become_positions_when_their_price_comes() {
    let mut kinds = 0;
    for seed in 0..6 {
        for (side, kind, shift) in [
            (Side::Buy, PendingType::Limit, "-0.00100"),
            (Side::Buy, PendingType::Stop, "0.00100"),
            (Side::Sell, PendingType::Limit, "0.00100"),
            (Side::Sell, PendingType::Stop, "-0.00100"),
        ] {
            let mut exchange = exchange(seed, WEDNESDAY, "10000");
            let here = quote(&exchange, "EURUSD");
            let price = if side == Side::Buy {
                here.ask
            } else {
                here.bid
            } + dec(shift);
            let ticket = exchange.place(PendingOrder {
                ticket: Ticket(0),
                symbol: "EURUSD".to_owned(),
                side,
                kind,
                volume: dec("0.10"),
                price,
                stop_loss: None,
                take_profit: None,
                magic: 42,
                placed_at: exchange.now(),
            });
            exchange.advance(exchange.ledger.now_ms + 86_400_000);
            let Some(deal) = exchange.ledger.deals.first() else {
                continue;
            };
            kinds += 1;
            assert_eq!((deal.position, deal.side, deal.magic), (ticket, side, 42));
            match (kind, side) {
                (PendingType::Limit, _) => assert_eq!(deal.price, price),
                (PendingType::Stop, Side::Buy) => assert!(deal.price >= price),
                (PendingType::Stop, Side::Sell) => assert!(deal.price <= price),
                (PendingType::Market, _) => unreachable!("none is placed here"),
            }
            assert!(exchange.ledger.orders.is_empty());
        }
    }
    assert!(kinds >= 12, "only {kinds} of 24 were reached");
}

#[test]
fn stops_wait_while_the_session_is_halted_and_then_fill_at_the_price_that_is_there() {
    let mut exchange = exchange(3, WEDNESDAY, "10000");
    let here = quote(&exchange, "EURUSD").bid;
    let (stop, target) = (here - dec("0.00050"), here + dec("0.00050"));
    filled(submit(
        &mut exchange,
        &intent(
            1,
            open_with("EURUSD", Side::Buy, "0.10", Some(stop), Some(target)),
        ),
    ));
    exchange.switches.halted = true;
    exchange.advance(exchange.ledger.now_ms + 86_400_000);
    assert_eq!(exchange.ledger.positions.len(), 1);
    exchange.switches.halted = false;
    exchange.advance(exchange.ledger.now_ms + 10 * 86_400_000);
    assert!(exchange.ledger.positions.is_empty());
    assert!(last_deal(&exchange).price <= target);
}
