//! Which bars open a position, with which order, and why the others do not.

use serde_json::json;

use super::indicators::{ema, rsi};
use super::*;
use crate::strategy::Session;

/// A market that trends, turns and rests, so that every kind of condition holds somewhere.
fn market(count: usize) -> Vec<f64> {
    (0..count)
        .map(|i| {
            let t = f64::from(u32::try_from(i).unwrap());
            let price =
                1.1 + 0.012 * (t / 31.0).sin() + 0.004 * (t / 7.0).sin() + 0.0006 * (t * 1.9).cos();
            (price * 100_000.0).round() / 100_000.0
        })
        .collect()
}

/// The side that every bar from `from` on enters, deciding bar after bar as they close.
fn entries(plan: &Plan, all: &[Bar], from: usize) -> Vec<(usize, Side)> {
    (from..all.len())
        .filter_map(|last| Some((last, side_of(&decide(plan, &all[..=last]))?)))
        .collect()
}

/// Values aligned with the closes; NaN before the first.
fn aligned(values: &[f64], count: usize) -> Vec<f64> {
    let mut out = vec![f64::NAN; count - values.len()];
    out.extend_from_slice(values);
    out
}

#[test]
fn the_demo_buys_exactly_where_rsi_is_below_30() {
    let plan = planned(&fixture("oversold_demo"), Some(Side::Buy)).unwrap();
    let closes = market(1_000);
    let all = bars(&closes, Timeframe::H1, MONDAY, 0.0015);
    let by_hand = aligned(&rsi(&closes, 14), closes.len());
    let from = plan.warmup_bars();
    let expected: Vec<(usize, Side)> = (from..closes.len())
        .filter(|bar| by_hand[*bar] < 30.0)
        .map(|bar| (bar, Side::Buy))
        .collect();
    assert!(expected.len() > 20);
    assert_eq!(entries(&plan, &all, from), expected);
}

#[test]
fn the_scalper_enters_exactly_where_its_words_say() {
    let plan = planned(&fixture("quarter_hour_scalper"), None).unwrap();
    let closes = market(1_100);
    let count = closes.len();
    let all = bars(&closes, Timeframe::M15, MONDAY, 0.0015);
    let average = |period| aligned(&ema(&closes, period), count);
    let (ema9, ema21, ema50) = (average(9), average(21), average(50));
    let rsi14 = aligned(&rsi(&closes, 14), count);
    let line: Vec<f64> = ema(&closes[14..], 12)
        .iter()
        .zip(&ema(&closes, 26))
        .map(|(fast, slow)| fast - slow)
        .collect();
    let (macd, signal) = (aligned(&line, count), aligned(&ema(&line, 9), count));
    let up = |a: &[f64], b: &[f64], i: usize| a[i - 1] <= b[i - 1] && a[i] > b[i];

    let from = plan.warmup_bars();
    let expected: Vec<(usize, Side)> = (from..count)
        .filter_map(|i| {
            let buys = up(&ema9, &ema21, i)
                || (closes[i] > ema50[i] && rsi14[i] > 50.0)
                || up(&macd, &signal, i);
            let sells = up(&ema21, &ema9, i)
                || (closes[i] < ema50[i] && rsi14[i] < 50.0)
                || up(&signal, &macd, i);
            let hour = (all[i].time.as_second() + 900).rem_euclid(86_400) / 3_600;
            let side = if buys { Side::Buy } else { Side::Sell };
            ((8..22).contains(&hour) && buys != sells).then_some((i, side))
        })
        .collect();
    for side in [Side::Buy, Side::Sell] {
        assert!(expected.iter().filter(|(_, own)| *own == side).count() > 50);
    }
    assert_eq!(entries(&plan, &all, from), expected);
}

#[test]
fn r8_a_cross_fires_at_one_bar_only() {
    let plan = rules_planned(
        &rules_with(&json!({ "logic": "AND", "conditions": [
            { "indicator": "ema_3", "condition": "crosses_above", "value": "ema_8" },
        ]})),
        Some(Side::Buy),
    )
    .unwrap();
    let closes: Vec<f64> = (0..200)
        .map(|i| 1.2 + 0.0002 * f64::from((i - 120_i32).abs()))
        .collect();
    let all = bars(&closes, Timeframe::M15, MONDAY, 0.001);
    assert_eq!(entries(&plan, &all, plan.warmup_bars()).len(), 1);
}

#[test]
fn r8_a_level_that_touches_from_above_is_no_cross() {
    let rules = rules_with(&json!({ "logic": "AND", "conditions": [
        { "indicator": "price", "condition": "crosses_above", "value": 1.2 },
    ]}));
    let plan = rules_planned(&rules, Some(Side::Buy)).unwrap();
    let fires = |closes: &[f64]| {
        side_of(&decide(&plan, &bars(closes, Timeframe::M15, MONDAY, 0.001))).is_some()
    };
    assert!(fires(&[1.199, 1.201]));
    assert!(fires(&[1.2, 1.201]), "from the level itself");
    assert!(!fires(&[1.201, 1.202]), "already above");
    assert!(!fires(&[1.199, 1.2]), "only reached");
    assert!(!fires(&[1.201, 1.199]), "the other way");
}

/// Buys above 1.1 and sells below 1.2; between them both hold.
pub(super) fn crossing_levels() -> Plan {
    let rules = rules_with(&json!({ "logic": "OR", "conditions": [
        { "indicator": "price", "condition": "gt", "value": 1.1, "description": "Long: high" },
        { "indicator": "price", "condition": "lt", "value": 1.2, "description": "short when low" },
    ]}));
    rules_planned(&rules, None).unwrap()
}

#[test]
fn r2_both_directions_at_once_are_no_trade() {
    let plan = crossing_levels();
    let at = |close: f64| decide(&plan, &bars(&[close, close], Timeframe::M15, MONDAY, 0.001));
    assert_eq!(side_of(&at(1.25)), Some(Side::Buy));
    assert_eq!(side_of(&at(1.05)), Some(Side::Sell));
    assert_eq!(
        why(&at(1.15)),
        "buying and selling conditions hold at the same bar"
    );
}

#[test]
fn the_order_has_its_levels_on_the_right_side() {
    let plan = crossing_levels();
    let at =
        |close: f64| decide(&plan, &bars(&[close, close], Timeframe::M15, MONDAY, 0.001)).decision;
    // Bought at the ask of 1.25010, sold at the bid of 1.05000.
    assert_eq!(
        at(1.25),
        Decision::Enter {
            side: Side::Buy,
            volume: decimal("0.1"),
            stop_loss: decimal("1.24810"),
            take_profit: Some(decimal("1.25310")),
        }
    );
    assert_eq!(
        at(1.05),
        Decision::Enter {
            side: Side::Sell,
            volume: decimal("0.1"),
            stop_loss: decimal("1.05200"),
            take_profit: Some(decimal("1.04700")),
        }
    );
}

#[test]
fn nothing_is_decided_before_the_warm_up() {
    let plan = planned(&fixture("oversold_demo"), Some(Side::Buy)).unwrap();
    let needed = plan.warmup_bars();
    let falling: Vec<f64> = (0..needed)
        .map(|i| 1.3 - 0.0001 * f64::from(u32::try_from(i).unwrap()))
        .collect();
    let all = bars(&falling, Timeframe::H1, MONDAY, 0.001);
    let early = decide(&plan, &all[1..]);
    assert_eq!(
        why(&early),
        format!("warming up {}/{needed} bars", needed - 1)
    );
    assert!(early.conditions.is_empty());
    assert_eq!(side_of(&decide(&plan, &all)), Some(Side::Buy));
}

#[test]
fn bars_that_cannot_be_trusted_decide_nothing() {
    let plan = crossing_levels();
    let good = bars(&[1.25, 1.25, 1.25], Timeframe::M15, MONDAY, 0.001);

    let mut broken = good.clone();
    broken[2].close = f64::NAN;
    assert!(why(&decide(&plan, &broken)).contains("no usable prices"));
    let mut broken_before = good.clone();
    broken_before[1].close = f64::NAN;
    assert_eq!(why(&decide(&plan, &broken_before)), "warming up 1/2 bars");

    let at = |seconds: i64| {
        decide_with(&plan, &good, |view| {
            view.market_time = Timestamp::from_second(MONDAY + seconds).unwrap();
        })
    };
    assert!(why(&at(-1)).contains("has not closed"));
    assert_eq!(side_of(&at(0)), Some(Side::Buy));
    assert_eq!(side_of(&at(899)), Some(Side::Buy));
    assert!(why(&at(900)).contains("the last closed bar is old"));
    let quoted = |seconds: i64| {
        decide_with(&plan, &good, |view| {
            view.quote.time = Timestamp::from_second(MONDAY - seconds).unwrap();
        })
    };
    assert_eq!(side_of(&quoted(899)), Some(Side::Buy));
    assert!(why(&quoted(900)).contains("the last price is 15 minutes old"));
    assert!(
        why(&decide_with(&plan, &good, |view| view.quote.ask = Decimal::ZERO))
            .contains("no usable price")
    );
}

#[test]
fn a_bar_before_the_weekend_counts_on_monday_only_when_it_is_a_day_long() {
    let at_monday = |timeframe: Timeframe| {
        let mut row = fixture("both_ways_in_one_list");
        row["timeframe"] = json!(timeframe.name());
        row["rules"] = rules_with(&json!({ "conditions": [
            { "indicator": "price", "condition": ">", "value": 1.1, "description": "BUY" },
        ]}));
        let plan = planned(&row, None).unwrap();
        let saturday = MONDAY - 56 * 3_600;
        let all = bars(&[1.25, 1.25], timeframe, saturday, 0.001);
        side_of(&decide_with(&plan, &all, |view| {
            view.market_time = Timestamp::from_second(MONDAY).unwrap();
            view.quote.time = view.market_time;
        }))
    };
    assert_eq!(at_monday(Timeframe::D1), Some(Side::Buy));
    assert_eq!(at_monday(Timeframe::H4), None);
    assert_eq!(at_monday(Timeframe::M1), None);
}

#[test]
fn a_known_side_waits_while_the_other_is_unknown() {
    let rules = rules_with(&json!({ "logic": "OR", "conditions": [
        { "indicator": "price", "condition": "gt", "value": 1.1, "description": "BUY" },
        { "indicator": "ema_3", "condition": "lt", "value": 0.05, "description": "SELL" },
    ]}));
    let plan = rules_planned(&rules, None).unwrap();
    let decided = decide(&plan, &bars(&[1.2; 60], Timeframe::M15, MONDAY, 0.001));
    assert_eq!(decided.conditions[0].value, Some(true));
    assert!(
        why(&decided).contains("cannot be known at this bar"),
        "{}",
        why(&decided)
    );
}

#[test]
fn a_value_that_is_no_number_makes_a_condition_unknown() {
    use crate::strategy::Operator;
    use crate::strategy::condition::{Comparison, truth};

    let above = Comparison::of(Operator::Greater);
    let (level, near) = ((1.1, 1.1), Some(0.24..=6.0));
    assert_eq!(truth(above, (1.2, 1.2), level, near.clone()), Some(true));
    for odd in [f64::NAN, f64::INFINITY] {
        assert_eq!(truth(above, (1.2, odd), level, near.clone()), None);
        assert_eq!(truth(above, (odd, 1.2), level, near.clone()), None);
    }
}

#[test]
fn a_flat_market_enters_nothing() {
    let flat = |timeframe| bars(&[1.1; 700], timeframe, MONDAY + 3_600, 0.0015);
    let demo = planned(&fixture("oversold_demo"), Some(Side::Buy)).unwrap();
    assert_eq!(
        why(&decide(&demo, &flat(Timeframe::H1))),
        "no entry condition holds"
    );
    let scalper = planned(&fixture("quarter_hour_scalper"), None).unwrap();
    assert_eq!(
        why(&decide(&scalper, &flat(Timeframe::M15))),
        "no entry condition holds"
    );
}

#[test]
fn r6_a_level_far_from_the_price_is_unknown_and_never_true() {
    let rules = rules_with(&json!({ "logic": "AND", "conditions": [
        { "indicator": "ema_3", "condition": "greater_than", "value": 0.05 },
    ]}));
    let plan = rules_planned(&rules, Some(Side::Buy)).unwrap();
    let decided = decide(&plan, &bars(&[1.2; 60], Timeframe::M15, MONDAY, 0.001));
    assert!(
        why(&decided).contains("cannot be known at this bar"),
        "{}",
        why(&decided)
    );
    assert_eq!(decided.conditions[0].value, None);
}

#[test]
fn why_no_trade_shows_each_condition_with_its_values() {
    let plan = planned(&fixture("both_ways_in_one_list"), None).unwrap();
    let rising: Vec<f64> = (0..600).map(|i| 1.1003 + 0.00011 * f64::from(i)).collect();
    let decided = decide(&plan, &bars(&rising, Timeframe::H4, MONDAY, 0.004));
    let told: Vec<String> = decided
        .conditions
        .iter()
        .map(|c| {
            format!(
                "{} {}: {:?} ({:.4} / {:.4})",
                c.side.name(),
                c.text,
                c.value,
                c.left.unwrap(),
                c.right.unwrap()
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_stands_in_the_way_is_said() {
    let all = bars(&[1.25, 1.25], Timeframe::M15, MONDAY, 0.001);
    let plan = crossing_levels();
    let paused = decide_with(&plan, &all, |view| {
        view.entries_blocked = Some("paused by the trader");
    });
    assert_eq!(why(&paused), "paused by the trader");
    assert_eq!(paused.conditions[0].value, Some(true));

    let mut spec = eurusd();
    spec.trade_mode = TradeMode::ShortOnly;
    let spec: &'static SymbolSpec = Box::leak(Box::new(spec));
    let long = decide_with(&plan, &all, |view| view.spec = spec);
    assert!(why(&long).contains("does not allow opening a BUY position"));
}

#[test]
fn r13_r14_r15_filters_stop_entries() {
    let mut rules = rules_with(&json!({ "conditions": [
        { "indicator": "price", "condition": ">", "value": 1.1, "description": "BUY" },
    ]}));
    rules["sessionFilter"] = json!({ "enabled": true, "allowedSessions": ["new_york"] });
    rules["spreadFilter"] = json!({ "enabled": true, "maxSpread": 1.5, "action": "SKIP" });
    rules["volatilityFilter"] = json!({ "enabled": true, "minATR": 10, "maxATR": 30 });
    let plan = rules_planned(&rules, None).unwrap();
    let noon = MONDAY + 5 * 3_600;
    let at = |close_at: i64, range: f64, spread: &str| {
        let all = bars(&[1.25; 400], Timeframe::M15, close_at, range);
        decide_with(&plan, &all, |view| {
            view.quote.ask = view.quote.bid + decimal(spread);
        })
    };
    assert_eq!(side_of(&at(noon, 0.0015, "0.00015")), Some(Side::Buy));
    assert_eq!(
        why(&at(noon - 1, 0.0015, "0.0001")),
        "outside the sessions (New York)"
    );
    assert_eq!(
        why(&at(noon, 0.0015, "0.00016")),
        "spread 1.6 pips, at most 1.5"
    );
    assert_eq!(
        why(&at(noon, 0.0009, "0.0001")),
        "ATR 14 9 pips, between 10 and 30"
    );
    assert_eq!(
        why(&at(noon, 0.0031, "0.0001")),
        "ATR 14 31 pips, between 10 and 30"
    );
    assert_eq!(at(noon, 0.0031, "0.0001").filters.len(), 3);
}

#[test]
fn r13_session_windows_are_utc_and_end_exclusive() {
    let open = |session: Session, hour: i64, minute: i64| {
        session.is_open(MONDAY - 8 * 3_600 + hour * 3_600 + minute * 60)
    };
    for (session, opens, closes) in [
        (Session::Sydney, 22, 7),
        (Session::Tokyo, 0, 9),
        (Session::London, 8, 17),
        (Session::NewYork, 13, 22),
    ] {
        assert!(open(session, opens, 0), "{session:?}");
        assert!(!open(session, opens + 23, 59), "{session:?}");
        assert!(open(session, closes + 23, 59), "{session:?}");
        assert!(!open(session, closes, 0), "{session:?}");
    }
}
