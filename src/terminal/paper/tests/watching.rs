use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{WEDNESDAY, arrival, at, exchange_at};
use crate::market::{Bar, TerminalEvent, TerminalRequest, Timeframe};
use crate::terminal::market::Market;
use crate::terminal::paper::desk::{Arrived, Desk, Turn};
use crate::terminal::paper::faults::Fate;
use crate::terminal::paper::feed::Feed;
use crate::terminal::paper::store::Forgetful;

fn after(seconds: i64) -> Timestamp {
    at(WEDNESDAY) + SignedDuration::from_secs(seconds)
}

fn closed(events: &[TerminalEvent], wanted: Timeframe) -> Vec<Bar> {
    events
        .iter()
        .filter_map(|event| match event {
            TerminalEvent::BarClosed { timeframe, bar, .. } if *timeframe == wanted => Some(*bar),
            _ => None,
        })
        .collect()
}

fn history(events: &[TerminalEvent]) -> Vec<&Vec<Bar>> {
    events
        .iter()
        .filter_map(|event| match event {
            TerminalEvent::Bars { bars, .. } => Some(bars),
            _ => None,
        })
        .collect()
}

#[test]
fn every_bar_comes_once_in_order_at_any_speed() {
    let market = Market::new(1);
    // Looks are seconds of market time apart: one a second, every few minutes, and days.
    for step in [1, 7, 61, 433, 90_000] {
        let mut feed = Feed::default();
        for timeframe in [Timeframe::M1, Timeframe::M15] {
            feed.watch("EURUSD".to_owned(), timeframe, 5, after(0));
        }
        let mut events = Vec::new();
        let mut moment = 0;
        let end = (step * 50).max(2_000);
        while moment < end {
            moment += step;
            loop {
                let (new, more) = feed.bars(&market, after(moment));
                events.extend(new);
                if !more {
                    break;
                }
            }
        }
        for timeframe in [Timeframe::M1, Timeframe::M15] {
            let expected = market.closed_bars("EURUSD", timeframe, after(0), after(moment));
            assert!(!expected.is_empty());
            assert_eq!(
                closed(&events, timeframe),
                expected,
                "{timeframe} every {step} s"
            );
        }
        let closings: Vec<i64> = events
            .iter()
            .filter_map(|event| match event {
                TerminalEvent::BarClosed { timeframe, bar, .. } => {
                    Some(bar.time.as_second() + timeframe.seconds())
                }
                _ => None,
            })
            .collect();
        assert!(closings.is_sorted(), "every {step} s");
    }
}

#[test]
fn history_ends_where_the_closing_bars_begin() {
    let market = Market::new(1);
    let mut feed = Feed::default();
    feed.watch("XAUUSD".to_owned(), Timeframe::M5, 100, after(42));
    let (events, more) = feed.bars(&market, after(42));
    assert!(!more);
    assert_eq!(
        history(&events),
        [&market.last_bars("XAUUSD", Timeframe::M5, 100, after(42))]
    );
    assert!(closed(&events, Timeframe::M5).is_empty());
    let last = history(&events)[0].last().unwrap().time;
    let (events, _) = feed.bars(&market, after(400));
    assert_eq!(
        closed(&events, Timeframe::M5)[0].time.as_second(),
        last.as_second() + 300
    );
    assert!(history(&events).is_empty());
    // Asking again sends the bars again; no bar closes twice.
    feed.watch("XAUUSD".to_owned(), Timeframe::M5, 3, after(400));
    let (events, _) = feed.bars(&market, after(400));
    assert_eq!(history(&events)[0].len(), 3);
    assert!(closed(&events, Timeframe::M5).is_empty());
}

#[test]
fn an_unknown_symbol_has_no_bars_and_an_unwatched_one_is_silent() {
    let market = Market::new(1);
    let mut feed = Feed::default();
    feed.watch("NOPE".to_owned(), Timeframe::M1, 10, after(0));
    let (events, _) = feed.bars(&market, after(0));
    assert_eq!(history(&events), [&Vec::new()]);
    feed.watch("EURUSD".to_owned(), Timeframe::M1, 10, after(0));
    feed.unwatch("EURUSD", Timeframe::M1);
    feed.unwatch("NOPE", Timeframe::M1);
    assert!(feed.is_idle());
    assert!(feed.bars(&market, after(600)).0.is_empty());
    assert!(
        feed.quotes(&market, after(600), Duration::from_secs(9))
            .is_empty()
    );
}

#[test]
fn only_a_backlog_that_can_be_sent_makes_the_next_turn_come_at_once() {
    let mut desk = Desk::new(exchange_at(WEDNESDAY), Forgetful, 0);
    let minutes = |minutes: i64| after(minutes * 60).as_millisecond();
    let turn = |market_ms: i64| Turn {
        market_ms,
        room: true,
        ..Turn::default()
    };
    desk.turn(Turn {
        requests: vec![Arrived {
            request: TerminalRequest::Watch {
                symbol: "BTCUSD".to_owned(),
                timeframe: Timeframe::M1,
                history: 0,
            },
            arrival: arrival(desk.exchange(), Fate::Delivered),
        }],
        ..turn(minutes(0))
    });
    assert!(!desk.is_behind());
    let mut events = desk.turn(turn(minutes(1_200)));
    assert!(desk.is_behind());
    desk.turn(Turn {
        down: Some("night".to_owned()),
        ..turn(minutes(1_200))
    });
    assert!(
        !desk.is_behind(),
        "a connection that is down must not be waited for in a loop"
    );
    events.extend(desk.turn(turn(minutes(1_200))));
    assert!(desk.is_behind());
    events.extend(desk.turn(Turn {
        room: false,
        ..turn(minutes(1_200))
    }));
    assert!(!desk.is_behind(), "nor a reader that is slow");
    events.extend(desk.turn(turn(minutes(1_200))));
    assert!(!desk.is_behind());
    let market = Market::new(1);
    let expected = market.closed_bars("BTCUSD", Timeframe::M1, after(0), after(72_000));
    assert_eq!(closed(&events, Timeframe::M1), expected);
}

/// A decision at a bar's close is made at the price that is there then, not at the last one of the bar before.
#[test]
fn the_price_of_a_closing_bars_moment_comes_before_the_bar() {
    let mut desk = Desk::new(exchange_at(WEDNESDAY), Forgetful, 0);
    let request = TerminalRequest::Watch {
        symbol: "EURUSD".to_owned(),
        timeframe: Timeframe::M1,
        history: 0,
    };
    let mut turns = vec![vec![Arrived {
        request,
        arrival: arrival(desk.exchange(), Fate::Delivered),
    }]];
    turns.resize_with(20, Vec::new);
    let mut told = 0;
    for (minute, requests) in (0..).zip(turns) {
        let now = after(60 * minute);
        let events = desk.turn(Turn {
            market_ms: now.as_millisecond(),
            mono: Duration::from_secs(minute.unsigned_abs()),
            requests,
            room: true,
            ..Turn::default()
        });
        let Some(bar) = events
            .iter()
            .position(|event| matches!(event, TerminalEvent::BarClosed { .. }))
        else {
            continue;
        };
        let quote = events.iter().find_map(|event| match event {
            TerminalEvent::Quote { quote, .. } => Some(*quote),
            _ => None,
        });
        assert_eq!(quote, Market::new(1).quote("EURUSD", now));
        assert!(matches!(events[bar - 1], TerminalEvent::Quote { .. }));
        told += 1;
    }
    assert_eq!(told, 19);
}

#[test]
fn quotes_come_at_most_four_times_a_second_and_only_when_they_changed() {
    let market = Market::new(1);
    let mut feed = Feed::default();
    for symbol in ["EURUSD", "BTCUSD"] {
        for timeframe in [Timeframe::M1, Timeframe::H1] {
            feed.watch(symbol.to_owned(), timeframe, 0, after(0));
        }
    }
    let mut count = 0;
    for ms in (0..10_000).step_by(10) {
        let now = at(WEDNESDAY) + SignedDuration::from_millis(ms * 60);
        count += feed
            .quotes(&market, now, Duration::from_millis(ms.unsigned_abs()))
            .len();
    }
    assert!(
        (60..=80).contains(&count),
        "{count} quotes of two symbols in ten seconds"
    );
    // On a closed market the price stands still.
    let saturday = at(super::SATURDAY);
    let mut feed = Feed::default();
    feed.watch("EURUSD".to_owned(), Timeframe::M1, 0, saturday);
    let count: usize = (0..20)
        .map(|second| {
            let now = saturday + SignedDuration::from_secs(second);
            feed.quotes(&market, now, Duration::from_secs(second.unsigned_abs()))
                .len()
        })
        .sum();
    assert_eq!(count, 1);
    // A new connection is told the price again.
    feed.forget_quotes();
    assert_eq!(
        feed.quotes(&market, saturday, Duration::from_secs(60))
            .len(),
        1
    );
}
