//! What an open position is asked to do.

use serde_json::json;

use super::*;

pub(super) fn with_exit(exit: &Value) -> Plan {
    let mut rules = rules_with(&json!({ "conditions": [
        { "indicator": "price", "condition": ">", "value": 1.1, "description": "BUY" },
    ]}));
    rules["exit"] = exit.clone();
    rules_planned(&rules, None).unwrap()
}

fn trailing() -> Plan {
    with_exit(&json!({
        "stopLoss": { "type": "pips", "value": 25 },
        "trailing": { "enabled": true, "distance": 15 },
    }))
}

fn asked(
    plan: &Plan,
    position: &Position,
    bid: &str,
    opened: &str,
    stop: &str,
) -> Option<Adjustment> {
    scene(plan, position, opened, stop).at(bid, MONDAY)
}

fn scene(plan: &Plan, position: &Position, opened: &str, stop: &str) -> Scene {
    let mut scene = Scene::new(plan.clone(), position.clone(), &[]);
    scene.opened = Opened {
        volume: decimal(opened),
        stop_loss: decimal(stop),
    };
    scene
}

pub(super) fn stop_after(adjustment: Option<Adjustment>) -> Option<Decimal> {
    match adjustment {
        Some(Adjustment::MoveStop { stop_loss, .. }) => Some(stop_loss),
        Some(close @ Adjustment::Close { .. }) => panic!("{close:?}"),
        None => None,
    }
}

#[test]
fn a_trailing_stop_follows_a_buy_up_and_never_down() {
    let plan = trailing();
    let mut long = position(Side::Buy, "1.1000", Some("1.0975"), "0.1");
    let stop = |long: &Position, bid: &str| stop_after(asked(&plan, long, bid, "0.1", "1.0975"));
    assert_eq!(stop(&long, "1.10149"), None, "not 15 pips in profit yet");
    assert_eq!(stop(&long, "1.1015"), Some(decimal("1.1000")));
    long.stop_loss = Some(decimal("1.1000"));
    assert_eq!(stop(&long, "1.10159"), None, "less than a pip better");
    assert_eq!(stop(&long, "1.1020"), Some(decimal("1.1005")));
    long.stop_loss = Some(decimal("1.1005"));
    assert_eq!(stop(&long, "1.1016"), None, "never back");
}

#[test]
fn a_trailing_stop_follows_a_sell_down() {
    let plan = trailing();
    let short = position(Side::Sell, "1.1000", Some("1.1025"), "0.1");
    // A sell is closed at the ask, one pip above the bid.
    let stop = |bid: &str| stop_after(asked(&plan, &short, bid, "0.1", "1.1025"));
    assert_eq!(stop("1.0985"), None);
    assert_eq!(stop("1.0984"), Some(decimal("1.1000")));
    assert_eq!(stop("1.0974"), Some(decimal("1.0990")));
}

#[test]
fn a_trailing_stop_keeps_the_brokers_least_distance() {
    let plan = trailing();
    let long = position(Side::Buy, "1.1000", Some("1.0975"), "0.1");
    let mut scene = scene(&plan, &long, "0.1", "1.0975");
    scene.spec.stops_level = 300;
    let asked = scene.at("1.1040", MONDAY);
    assert_eq!(stop_after(asked), Some(decimal("1.1010")));
}

#[test]
fn a_trailing_stop_waits_for_its_multiple_of_the_risk() {
    let plan = with_exit(&json!({
        "stopLoss": { "type": "pips", "value": 25 },
        "trailing": { "enabled": true, "distance": 15, "activateAtRR": 2 },
    }));
    let long = position(Side::Buy, "1.1000", Some("1.0975"), "0.1");
    let stop = |bid: &str| stop_after(asked(&plan, &long, bid, "0.1", "1.0975"));
    assert_eq!(stop("1.1049"), None);
    assert_eq!(stop("1.1050"), Some(decimal("1.1035")));
}

fn in_parts() -> Plan {
    with_exit(&json!({
        "stopLoss": { "type": "pips", "value": 20 },
        "smartExit": { "takeProfit": { "type": "partial", "partialExits": [
            { "percentage": 30, "atRR": 3 },
            { "percentage": 50, "atRR": 1 },
            { "percentage": 20, "atRR": 2 },
        ] } },
    }))
}

pub(super) fn part(adjustment: Option<Adjustment>) -> Option<Decimal> {
    match adjustment {
        Some(Adjustment::Close { volume, .. }) => volume,
        Some(moved @ Adjustment::MoveStop { .. }) => panic!("{moved:?}"),
        None => None,
    }
}

#[test]
fn r11_parts_are_of_the_original_volume_and_taken_once() {
    let plan = in_parts();
    let at = |volume: &str, bid: &str| {
        let long = position(Side::Buy, "1.1000", Some("1.0980"), volume);
        part(asked(&plan, &long, bid, "0.10", "1.0980"))
    };
    assert_eq!(at("0.10", "1.1019"), None);
    assert_eq!(at("0.10", "1.1020"), Some(decimal("0.05")));
    assert_eq!(at("0.05", "1.1020"), None, "already taken");
    assert_eq!(at("0.05", "1.1040"), Some(decimal("0.02")));
    assert_eq!(
        at("0.10", "1.1040"),
        Some(decimal("0.07")),
        "a gap takes both"
    );
    assert_eq!(at("0.03", "1.1070"), None, "the last level is the broker's");
}

#[test]
fn r11_what_is_left_is_never_smaller_than_the_broker_allows() {
    let long = position(Side::Buy, "1.1000", Some("1.0980"), "0.10");
    let mut whole = scene(&in_parts(), &long, "0.10", "1.0980");
    whole.spec.volume_min = decimal("0.04");
    let at = |bid: &str| part(whole.at(bid, MONDAY));
    assert_eq!(at("1.1020"), Some(decimal("0.05")));
    assert_eq!(at("1.1040"), Some(decimal("0.05")), "0.07 would leave 0.03");
    // With half already closed, another 0.02 is below the smallest volume.
    let rest = position(Side::Buy, "1.1000", Some("1.0980"), "0.05");
    let mut half = scene(&in_parts(), &rest, "0.10", "1.0980");
    half.spec.volume_min = decimal("0.03");
    assert_eq!(part(half.at("1.1040", MONDAY)), None);
}

#[test]
fn r11_the_broker_takes_profit_at_the_last_level() {
    let decided = decide(
        &in_parts(),
        &bars(&[1.25, 1.25], Timeframe::M15, MONDAY, 0.001),
    );
    match decided.decision {
        Decision::Enter { take_profit, .. } => {
            assert_eq!(take_profit, Some(decimal("1.25610")));
        }
        Decision::Stay { why } => panic!("{why}"),
    }
}

#[test]
fn r11_a_part_too_small_is_left_for_the_next_level_and_said_before() {
    let plan = in_parts();
    let at = |volume: &str, bid: &str| {
        let long = position(Side::Buy, "1.1000", Some("1.0980"), volume);
        part(asked(&plan, &long, bid, "0.01", "1.0980"))
    };
    assert_eq!(at("0.01", "1.1040"), None);

    let scalper = planned(&fixture("quarter_hour_scalper"), None).unwrap();
    insta::assert_debug_snapshot!(scalper.fit(&eurusd()).unwrap());
}

#[test]
fn a_position_is_closed_after_its_longest_holding_time() {
    let plan = planned(&fixture("quarter_hour_scalper"), None).unwrap();
    let long = position(Side::Buy, "1.1000", Some("1.0975"), "0.01");
    let scene = scene(&plan, &long, "0.01", "1.0975");
    let after = |minutes: i64| scene.at("1.1000", MONDAY + minutes * 60);
    assert_eq!(after(239), None);
    assert!(matches!(
        after(240),
        Some(Adjustment::Close { volume: None, .. })
    ));
}

#[test]
fn r10_a_smart_stop_by_atr_is_kept_within_its_bounds() {
    let plan = planned(&fixture("both_ways_in_one_list"), None).unwrap();
    let rising: Vec<f64> = (0..600).map(|i| 1.1 + 0.0001 * f64::from(i)).collect();
    let distance = |range: f64| {
        let all = bars(&rising, Timeframe::H4, MONDAY, range);
        match decide_with(&plan, &all, |view| view.balance = decimal("1000000")).decision {
            Decision::Enter {
                stop_loss,
                take_profit,
                ..
            } => {
                let ask = decimal("1.1599") + decimal("0.0001");
                (ask - stop_loss, take_profit.unwrap() - ask)
            }
            Decision::Stay { why } => panic!("{why}"),
        }
    };
    // 2.5 times an ATR of 40 pips; the target is 2.5 times the stop.
    assert_eq!(distance(0.004), (decimal("0.0100"), decimal("0.0250")));
    assert_eq!(distance(0.002).0, decimal("0.0080"), "at least 80 pips");
    assert_eq!(distance(0.020).0, decimal("0.0200"), "at most 200 pips");
}

#[test]
fn distances_in_per_cent_are_of_the_entry_price() {
    let plan = with_exit(&json!({
        "stopLoss": { "type": "percentage", "value": 1 },
        "takeProfit": { "type": "percentage", "value": "2.5" },
    }));
    match decide(
        &plan,
        &bars(&[1.2499, 1.2499], Timeframe::M15, MONDAY, 0.001),
    )
    .decision
    {
        Decision::Enter {
            stop_loss,
            take_profit,
            ..
        } => {
            assert_eq!(stop_loss, decimal("1.2375"));
            assert_eq!(take_profit, Some(decimal("1.28125")));
        }
        Decision::Stay { why } => panic!("{why}"),
    }
}

#[test]
fn r9_pips_of_gold_and_yen_follow_the_platforms_table() {
    let plan = trailing();
    for (name, profit, digits, said) in [
        (
            "XAUUSD",
            "USD",
            2,
            "a stop of 25 pips is 2.5 in the price of XAUUSD",
        ),
        (
            "USDJPY",
            "JPY",
            3,
            "a stop of 25 pips is 0.25 in the price of USDJPY",
        ),
        (
            "BTCUSD",
            "USD",
            2,
            "a stop of 25 pips is 25 in the price of BTCUSD",
        ),
    ] {
        let mut spec = eurusd();
        spec.name = name.to_owned();
        spec.currency_profit = profit.to_owned();
        spec.digits = digits;
        assert_eq!(plan.fit(&spec).unwrap(), [said]);
    }
}

#[test]
fn r18_a_volume_below_the_brokers_least_is_refused_before_it_starts() {
    let plan = planned(&fixture("quarter_hour_scalper"), None).unwrap();
    let mut spec = eurusd();
    spec.volume_min = decimal("0.1");
    let refusal = plan.fit(&spec).unwrap_err();
    assert_eq!(refusal.reasons[0].rule.code(), "R18");
}
