//! Replay equals live: the running program's core and the paper terminal trade the practice market, a replay is given the bars
//! that they saw, and every decision and deal is compared.
//!
//! Bars are walked in two ways. Straight, as replay assumes it: there nothing may differ but what is named for a strategy. And
//! as the practice market walks them: there the differences are those of "What replay cannot know" (docs/replay.md), each
//! explained where it happens, and few.

mod compare;
mod deals;
mod found;
mod program;
mod strategies;

use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::Value;

use self::compare::compare;
use self::found::{Compared, Why};
use self::program::{Looks, Setup, run};
use self::strategies::{
    crossing, gold_in_groups, levels, mirrored_gold, parts, reverse, scalper, slow, timed, trailing,
};
use super::dec;
use crate::market::Timeframe::{self, H1, M1, M15};
use crate::terminal::market::Market;

/// A Monday, before London opens.
const START: &str = "2026-03-02T06:00:00Z";

struct Case {
    name: &'static str,
    rules: Value,
    symbol: &'static str,
    timeframe: Timeframe,
    bars: usize,
    seeds: &'static [u64],
    /// Profits in price at which a part is due.
    profits: &'static [&'static str],
    /// What closes positions, all of it at least once.
    exits: &'static [&'static str],
    /// Differences that must be explained, and may be.
    may: &'static [Why],
}

impl Case {
    fn compared(&self, market: Market, looks: Looks) -> Compared {
        let setup = Setup {
            rules: &self.rules,
            symbol: self.symbol,
            timeframe: self.timeframe,
            market,
            looks,
            start: START.parse().unwrap(),
            bars: self.bars,
            balance: dec("10000"),
        };
        compare(&setup, &run(&setup))
    }

    fn straight(&self, seed: u64) -> Compared {
        let profits = self.profits.iter().map(|one| dec(one)).collect();
        let market = Market::straight(seed, self.timeframe);
        self.compared(market, Looks::AtTurns { profits })
    }
}

/// All of a case's seeds, compared by `compared`, together.
fn together(case: &Case, compared: impl Fn(u64) -> Compared) -> Compared {
    let mut sum = Compared::default();
    for seed in case.seeds {
        sum.add(compared(*seed));
    }
    for exit in case.exits {
        let name = case.name;
        assert!(sum.exits_by.contains_key(exit), "{name}: no {exit}");
    }
    sum
}

#[test]
fn in_bars_walked_as_replay_assumes_it_every_decision_and_deal_is_the_same() {
    let cases = [
        Case {
            name: "stop and target",
            rules: crossing(&levels(8, 10)),
            symbol: "EURUSD",
            timeframe: M1,
            bars: 500,
            seeds: &[1, 2],
            profits: &[],
            exits: &["stop", "target"],
            may: &[],
        },
        Case {
            name: "stop and target",
            rules: crossing(&levels(20, 25)),
            symbol: "XAUUSD",
            timeframe: M1,
            bars: 500,
            seeds: &[1, 2],
            profits: &[],
            exits: &["stop", "target"],
            may: &[],
        },
        Case {
            name: "parts",
            rules: crossing(&parts()),
            symbol: "EURUSD",
            timeframe: M1,
            bars: 500,
            seeds: &[2, 3],
            profits: &["0.0008", "0.0016"],
            exits: &["part", "stop", "target"],
            may: &[],
        },
        Case {
            name: "trailing",
            rules: crossing(&trailing()),
            symbol: "EURUSD",
            timeframe: M1,
            bars: 500,
            seeds: &[6, 7],
            profits: &[],
            exits: &["stop"],
            may: &[],
        },
        Case {
            name: "time",
            rules: crossing(&timed()),
            symbol: "XAUUSD",
            timeframe: M1,
            bars: 500,
            seeds: &[4],
            profits: &[],
            exits: &["rules", "stop"],
            may: &[],
        },
        Case {
            name: "progress",
            rules: crossing(&slow()),
            symbol: "EURUSD",
            timeframe: M1,
            bars: 500,
            seeds: &[5],
            profits: &[],
            exits: &["rules", "stop", "target"],
            may: &[],
        },
        Case {
            name: "reverse signal",
            rules: crossing(&reverse()),
            symbol: "XAUUSD",
            timeframe: M1,
            bars: 500,
            seeds: &[6],
            profits: &[],
            exits: &["rules"],
            may: &[],
        },
        Case {
            name: "stop and target for weeks",
            rules: crossing(&levels(25, 30)),
            symbol: "EURUSD",
            timeframe: M15,
            bars: 1_920,
            seeds: &[1],
            profits: &[],
            exits: &["stop", "target"],
            may: &[],
        },
        Case {
            name: "stop and target for weeks",
            rules: crossing(&levels(75, 90)),
            symbol: "XAUUSD",
            timeframe: M15,
            bars: 960,
            seeds: &[2],
            profits: &[],
            exits: &["stop", "target"],
            may: &[],
        },
        Case {
            name: "scalper",
            rules: scalper(),
            symbol: "EURUSD",
            timeframe: M15,
            bars: 1_920,
            seeds: &[1, 2],
            profits: &["0.0030", "0.0050"],
            exits: &["stop", "rules"],
            may: &[Why::StopFirst],
        },
        Case {
            name: "gold in groups",
            rules: gold_in_groups(),
            symbol: "XAUUSD",
            timeframe: M15,
            bars: 1_920,
            seeds: &[1, 2],
            profits: &[],
            exits: &["stop", "target"],
            may: &[Why::WeekEnds],
        },
        Case {
            name: "mirrored gold",
            rules: mirrored_gold(),
            symbol: "XAUUSD",
            timeframe: H1,
            bars: 960,
            seeds: &[1, 2],
            profits: &[],
            exits: &["stop", "target"],
            may: &[],
        },
    ];
    let mut all = Compared::default();
    for case in &cases {
        let sum = together(case, |seed| case.straight(seed));
        for why in sum.differences.keys() {
            assert!(case.may.contains(why), "{}: {why:?}", case.name);
        }
        all.add(sum);
    }
    assert!(all.is_at_most_different(1), "{all:?}");
    assert!(all.decisions > 15_000 && all.entries > 600, "{all:?}");
}

#[test]
fn on_the_practice_market_what_differs_is_explained_and_rare() {
    let plain = |name, rules, symbol, timeframe, bars, seeds| Case {
        name,
        rules,
        symbol,
        timeframe,
        bars,
        seeds,
        profits: &[],
        exits: &["stop", "target"],
        may: &[],
    };
    let cases = [
        plain(
            "plain",
            crossing(&levels(8, 10)),
            "EURUSD",
            M1,
            500,
            &[1, 2],
        ),
        plain(
            "plain",
            crossing(&levels(20, 25)),
            "XAUUSD",
            M1,
            500,
            &[1, 2],
        ),
        plain(
            "plain",
            crossing(&levels(25, 30)),
            "EURUSD",
            M15,
            1_920,
            &[1, 2],
        ),
        plain(
            "plain",
            crossing(&levels(90, 120)),
            "XAUUSD",
            M15,
            1_920,
            &[1],
        ),
        plain("groups", gold_in_groups(), "XAUUSD", M15, 1_920, &[1, 2]),
        plain("mirrored", mirrored_gold(), "XAUUSD", H1, 960, &[1, 2]),
    ];
    let mut all = Compared::default();
    for case in &cases {
        let sum = together(case, |seed| {
            case.compared(Market::new(seed), Looks::AtCloses)
        });
        let stops = Decimal::from(sum.exits_by["stop"]);
        let most = dec(if case.symbol == "EURUSD" {
            "0.0002"
        } else {
            "0.5"
        });
        assert!(sum.jumped <= stops * most, "{}: {sum:?}", case.name);
        all.add(sum);
    }
    assert!(all.is_at_most_different(3), "{all:?}");
    // A stop that follows sees other prices; still every decision's conditions, and what comes after, are the same.
    let follows = Case {
        name: "trailing",
        rules: crossing(&trailing()),
        symbol: "EURUSD",
        timeframe: M1,
        bars: 400,
        seeds: &[1],
        profits: &[],
        exits: &["stop"],
        may: &[],
    };
    let sum = together(&follows, |seed| {
        let pause = Looks::Every(Duration::from_secs(5));
        follows.compared(Market::new(seed), pause)
    });
    assert!(sum.is_at_most_different(60) && sum.entries > 10, "{sum:?}");
}
