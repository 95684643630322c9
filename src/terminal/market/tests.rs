#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests")]

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};

use super::{Market, MarketClock};
use crate::market::{Bar, Timeframe};

const SYMBOLS: [&str; 5] = ["EURUSD", "GBPUSD", "USDJPY", "XAUUSD", "BTCUSD"];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn later(time: Timestamp, seconds: i64) -> Timestamp {
    time + SignedDuration::from_secs(seconds)
}

fn show(bars: &[Bar]) -> String {
    bars.iter()
        .map(|bar| {
            format!(
                "{} {} {} {} {} {}\n",
                bar.time, bar.open, bar.high, bar.low, bar.close, bar.tick_volume
            )
        })
        .collect()
}

/// The bar that the given shorter ones add up to.
fn sum(bars: &[Bar]) -> Bar {
    let first = bars.first().unwrap();
    Bar {
        time: first.time,
        open: first.open,
        high: bars.iter().map(|bar| bar.high).fold(first.high, f64::max),
        low: bars.iter().map(|bar| bar.low).fold(first.low, f64::min),
        close: bars.last().unwrap().close,
        tick_volume: bars.iter().map(|bar| bar.tick_volume).sum(),
    }
}

#[test]
fn the_same_seed_is_the_same_market_on_every_machine() {
    let market = Market::new(7);
    let now = at("2026-03-11T14:31:00Z");
    let mut text = String::new();
    for symbol in SYMBOLS {
        for timeframe in [Timeframe::M1, Timeframe::M15, Timeframe::D1] {
            text += &format!("{symbol} {timeframe}\n");
            text += &show(&market.last_bars(symbol, timeframe, 3, now));
        }
    }
    insta::assert_snapshot!(text);
    let other = Market::new(8).last_bars("EURUSD", Timeframe::M15, 3, now);
    assert_ne!(other, market.last_bars("EURUSD", Timeframe::M15, 3, now));
}

#[test]
fn a_bar_is_the_sum_of_its_minutes_in_every_timeframe() {
    let market = Market::new(1);
    let now = at("2026-03-12T00:00:00Z");
    for symbol in SYMBOLS {
        for timeframe in Timeframe::ALL {
            for bar in market.last_bars(symbol, timeframe, 3, now) {
                let end = later(bar.time, timeframe.seconds());
                let minutes = market.closed_bars(symbol, Timeframe::M1, bar.time, end);
                let mut whole = sum(&minutes);
                whole.time = bar.time;
                assert_eq!(bar, whole, "{symbol} {timeframe}");
            }
        }
    }
}

#[test]
fn a_minute_is_made_of_its_ticks() {
    let market = Market::new(3);
    let now = at("2026-03-11T15:00:00Z");
    for symbol in SYMBOLS {
        for bar in market.last_bars(symbol, Timeframe::M1, 180, now) {
            let start = bar.time.as_millisecond();
            let ticks = market.ticks(symbol, start - 1, start + 59_999);
            let bids: Vec<f64> = ticks
                .iter()
                .map(|tick| tick.bid.to_string().parse().unwrap())
                .collect();
            assert_eq!(bids.len() as u64, bar.tick_volume);
            assert_eq!(ticks.first().unwrap().at_ms, start);
            assert!(ticks.is_sorted_by_key(|tick| tick.at_ms));
            assert_eq!(*bids.first().unwrap(), bar.open);
            assert_eq!(*bids.last().unwrap(), bar.close);
            assert_eq!(bids.iter().copied().fold(f64::MIN, f64::max), bar.high);
            assert_eq!(bids.iter().copied().fold(f64::MAX, f64::min), bar.low);
            let range = market.range(symbol, start, start + 59_999, false).unwrap();
            for tick in ticks {
                assert!(tick.ask > tick.bid);
                assert!(tick.ask >= range.ask_low && tick.ask <= range.ask_high);
                assert!(tick.bid >= range.bid_low && tick.bid <= range.bid_high);
            }
        }
    }
}

#[test]
fn currencies_rest_from_friday_night_to_sunday_night_and_bitcoin_never() {
    let market = Market::new(1);
    for (time, open) in [
        ("2026-03-13T21:59:59Z", true),
        ("2026-03-13T22:00:00Z", false),
        ("2026-03-14T12:00:00Z", false),
        ("2026-03-15T21:59:59Z", false),
        ("2026-03-15T22:00:00Z", true),
    ] {
        assert_eq!(market.is_open("EURUSD", at(time)), open, "{time}");
        assert!(market.is_open("BTCUSD", at(time)));
    }
    let friday = at("2026-03-13T22:00:00Z");
    let sunday = at("2026-03-15T22:00:00Z");
    assert!(
        market
            .closed_bars("XAUUSD", Timeframe::M1, friday, sunday)
            .is_empty()
    );
    assert_eq!(
        market
            .closed_bars("BTCUSD", Timeframe::M1, friday, sunday)
            .len(),
        48 * 60
    );
    // The last price stays while the market is closed.
    let closing = market
        .quote("EURUSD", at("2026-03-13T21:59:59.999Z"))
        .unwrap();
    assert_eq!(
        market.quote("EURUSD", at("2026-03-15T03:00:00Z")).unwrap(),
        closing
    );
}

#[test]
fn weekends_leave_gaps_and_they_are_not_absurd() {
    let market = Market::new(1);
    let days = market.last_bars("EURUSD", Timeframe::D1, 600, at("2026-03-11T00:00:00Z"));
    let gaps: Vec<f64> = days
        .windows(2)
        .filter(|pair| pair[1].time.as_second() - pair[0].time.as_second() > 86_400)
        .map(|pair| (pair[1].open - pair[0].close).abs() * 10_000.0)
        .collect();
    assert!(gaps.len() >= 90);
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    assert!((3.0..40.0).contains(&mean), "mean weekend gap {mean} pips");
}

#[test]
fn minutes_sometimes_jump() {
    let market = Market::new(1);
    let bars = market.last_bars("EURUSD", Timeframe::M1, 30_000, at("2026-03-11T00:00:00Z"));
    let jumps = bars
        .windows(2)
        .filter(|pair| pair[1].time.as_second() - pair[0].time.as_second() == 60)
        .filter(|pair| (pair[1].open - pair[0].close).abs() > 0.000_15)
        .count();
    assert!((5..300).contains(&jumps), "{jumps} jumps in 30,000 minutes");
}

/// Wilder's RSI of 14 and crossings of EMA 9 and 21: what the first strategies live on.
#[test]
fn strategies_get_signals_both_ways_in_every_month() {
    let market = Market::new(1);
    for month in 1..=6 {
        let now = at(&format!("2026-{month:02}-28T00:00:00Z"));
        for symbol in SYMBOLS {
            let closes: Vec<f64> = market
                .last_bars(symbol, Timeframe::M15, 2_000, now)
                .iter()
                .map(|bar| bar.close)
                .collect();
            let (mut gain, mut loss) = (0.0, 0.0);
            let (mut fast, mut slow) = (closes[0], closes[0]);
            let (mut low, mut high, mut up, mut down) = (0, 0, 0, 0);
            for (index, pair) in closes.windows(2).enumerate() {
                let change = pair[1] - pair[0];
                gain = (gain * 13.0 + change.max(0.0)) / 14.0;
                loss = (loss * 13.0 + (-change).max(0.0)) / 14.0;
                let before = fast > slow;
                fast += (pair[1] - fast) * 2.0 / 10.0;
                slow += (pair[1] - slow) * 2.0 / 22.0;
                if index < 50 {
                    continue;
                }
                let rsi = 100.0 * gain / (gain + loss);
                low += i32::from(rsi < 30.0);
                high += i32::from(rsi > 70.0);
                up += i32::from(!before && fast > slow);
                down += i32::from(before && fast <= slow);
            }
            assert!(
                low > 10 && high > 10 && up > 20 && down > 20,
                "{symbol} month {month}: RSI<30 {low}, RSI>70 {high}, crosses {up}/{down}"
            );
        }
    }
}

#[test]
fn volatility_volume_and_spread_follow_the_day() {
    let market = Market::new(1);
    let days = market.last_bars("EURUSD", Timeframe::D1, 260, at("2026-03-11T00:00:00Z"));
    let full: Vec<&Bar> = days.iter().filter(|bar| bar.tick_volume > 20_000).collect();
    let mean = full
        .iter()
        .map(|bar| (bar.high - bar.low) * 10_000.0)
        .sum::<f64>()
        / full.len() as f64;
    assert!((50.0..140.0).contains(&mean), "mean day {mean} pips");
    let hours = market.last_bars("EURUSD", Timeframe::H1, 2_000, at("2026-03-11T00:00:00Z"));
    let volume = |hour: i64| {
        let chosen: Vec<u64> = hours
            .iter()
            .filter(|bar| bar.time.as_second().div_euclid(3_600).rem_euclid(24) == hour)
            .map(|bar| bar.tick_volume)
            .collect();
        chosen.iter().sum::<u64>() / chosen.len() as u64
    };
    assert!(volume(14) > 2 * volume(4), "{} {}", volume(14), volume(4));
    let spread = |time: &str| {
        let quote = market.quote("EURUSD", at(time)).unwrap();
        quote.ask - quote.bid
    };
    assert!(spread("2026-03-11T22:05:00Z") > spread("2026-03-11T14:05:00Z"));
}

#[test]
fn the_clock_runs_at_its_speed_from_its_start() {
    let start = at("2026-03-11T10:00:00Z");
    let clock = MarketClock::new(start, 60.0, false);
    let minute = std::time::Duration::from_secs(60);
    assert_eq!(clock.at(minute), at("2026-03-11T11:00:00Z"));
    assert_eq!(
        MarketClock::new(start, f64::NAN, false).at(minute),
        at("2026-03-11T10:01:00Z")
    );
}

#[test]
fn a_clock_that_skips_weekends_goes_from_friday_night_to_sunday_night() {
    for (start, hours, end) in [
        ("2026-03-13T20:00:00Z", 1, "2026-03-13T21:00:00Z"),
        ("2026-03-13T20:00:00Z", 2, "2026-03-15T22:00:00Z"),
        ("2026-03-13T20:00:00Z", 3, "2026-03-15T23:00:00Z"),
        ("2026-03-14T12:00:00Z", 0, "2026-03-15T22:00:00Z"),
        ("2026-03-14T12:00:00Z", 1, "2026-03-15T23:00:00Z"),
        ("2026-03-15T22:00:00Z", 24, "2026-03-16T22:00:00Z"),
        ("2026-03-11T10:00:00Z", 240, "2026-03-25T10:00:00Z"),
    ] {
        let clock = MarketClock::new(at(start), 3_600.0, true);
        let elapsed = std::time::Duration::from_secs(hours);
        assert_eq!(clock.at(elapsed), at(end), "{start} and {hours} hours");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_moment_is_the_same_however_it_is_reached(
        seed in any::<u64>(),
        minute in 24_000_000_i64..32_000_000,
        which in 0_usize..5,
        frame in 0_usize..8,
    ) {
        let market = Market::new(seed);
        let symbol = SYMBOLS[which];
        let timeframe = Timeframe::ALL[frame];
        let now = Timestamp::from_second(minute * 60).unwrap();
        let far = market.last_bars(symbol, timeframe, 40, now);
        prop_assert_eq!(far.len(), 40);
        prop_assert!(far.is_sorted_by_key(|bar| bar.time));
        for bar in &far {
            prop_assert!([bar.open, bar.high, bar.low, bar.close].iter().all(|price| price.is_finite() && *price > 0.0));
            prop_assert!(bar.high >= bar.open.max(bar.close) && bar.low <= bar.open.min(bar.close));
            prop_assert!(later(bar.time, timeframe.seconds()) <= now);
            let alone = market.closed_bars(symbol, timeframe, bar.time, later(bar.time, timeframe.seconds()));
            prop_assert_eq!(&alone, &vec![*bar]);
        }
    }

    #[test]
    fn one_tick_follows_the_other(seed in any::<u64>(), minute in 29_000_000_i64..31_000_000, cut in 1_i64..240_000) {
        let market = Market::new(seed);
        let start = minute * 60_000;
        let whole = market.ticks("BTCUSD", start, start + 240_000);
        let mut parts = market.ticks("BTCUSD", start, start + cut);
        parts.extend(market.ticks("BTCUSD", start + cut, start + 240_000));
        prop_assert_eq!(&parts, &whole);
        let moment = Timestamp::from_millisecond(start + cut).unwrap();
        let quote = market.quote("BTCUSD", moment).unwrap();
        if let Some(last) = whole.iter().rfind(|tick| tick.at_ms <= start + cut) {
            prop_assert_eq!((quote.bid, quote.ask), (last.bid, last.ask));
        }
    }
}
