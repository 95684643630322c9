//! What closes a whole position: time, the week, volatility, a signal the other way.

use serde_json::json;

use super::*;

/// Buys above 1.2, sells below; with these smart exits.
fn both_ways(smart: &Value) -> Plan {
    let mut rules = rules_with(&json!({ "logic": "OR", "conditions": [
        { "indicator": "price", "condition": ">", "value": 1.2, "description": "BUY" },
        { "indicator": "price", "condition": "<", "value": 1.2, "description": "SELL" },
    ]}));
    rules["exit"] = json!({ "stopLoss": { "type": "pips", "value": 50 }, "smartExit": smart });
    rules_planned(&rules, None).unwrap()
}

/// A buy at 1.2400 opened at `opened`, when the last of these bars has just closed at `now`.
fn said(plan: &Plan, opened: i64, closes: &[f64], range: f64, now: i64) -> Option<String> {
    let mut long = position(Side::Buy, "1.2400", Some("1.2350"), "0.10");
    long.opened_at = Timestamp::from_second(opened).unwrap();
    let scene = Scene::new(
        plan.clone(),
        long,
        &bars(closes, Timeframe::M15, now, range),
    );
    match scene.at("1.2400", now)? {
        Adjustment::Close { volume: None, why } => Some(why),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_position_is_closed_at_the_first_closing_time_of_the_week_after_its_opening() {
    let plan = both_ways(&json!({ "weekendSpecific": {
        "closeAllBySunday": true, "sundayCloseTime": "22:00", "fridayCloseTime": "21:30",
    } }));
    let at = |days: i64, hours: i64, minutes: i64| {
        MONDAY - 8 * 3_600 + days * 86_400 + hours * 3_600 + minutes * 60
    };
    for (opened, now, closed) in [
        (at(0, 8, 0), at(4, 21, 29), false),
        (at(0, 8, 0), at(4, 21, 30), true),
        (at(5, 8, 0), at(6, 21, 59), false),
        (at(5, 8, 0), at(6, 22, 0), true),
        // The program was away on Sunday.
        (at(5, 8, 0), at(8, 3, 0), true),
        (at(7, 0, 0), at(7, 8, 0), false),
        // Decided before the closing time, filled after it.
        (at(6, 22, 1), at(6, 22, 2), true),
    ] {
        let why = said(&plan, opened, &[1.25], 0.001, now);
        assert_eq!(why.is_some(), closed, "{opened} {now}");
    }
}

#[test]
fn a_position_without_progress_is_closed_at_its_checks_only() {
    let plan = both_ways(&json!({ "timeExit": {
        "enabled": true, "maxHoldingMinutes": 240, "checkEveryMinutes": 30,
        "exitIfNoProgress": true, "minProgressPips": 20,
    } }));
    let opened = MONDAY + 5;
    for (minutes, close, closed) in [
        (15, 1.2401, false),
        (30, 1.2401, false),
        // The first bar that closes after half an hour.
        (45, 1.2401, true),
        (45, 1.2419, true),
        (45, 1.2420, false),
        (60, 1.2401, false),
        (75, 1.2401, true),
        (240, 1.2500, false),
        (255, 1.2500, true),
    ] {
        let why = said(&plan, opened, &[close; 3], 0.001, MONDAY + minutes * 60);
        assert_eq!(why.is_some(), closed, "{minutes} {close}: {why:?}");
    }
}

#[test]
fn what_was_sold_has_gained_what_the_ask_says() {
    let plan = both_ways(&json!({ "timeExit": {
        "enabled": true, "maxHoldingMinutes": 240, "checkEveryMinutes": 30,
        "exitIfNoProgress": true, "minProgressPips": 20,
    } }));
    let closes = MONDAY + 45 * 60;
    for (close, spread, late, closed) in [
        (1.2379, 1, 0, false),
        (1.2379, 2, 0, true),
        (1.2380, 1, 0, true),
        // It widened after the close.
        (1.2379, 9, 120, false),
        (1.2381, 1, 120, true),
    ] {
        let mut short = position(Side::Sell, "1.2400", Some("1.2450"), "0.10");
        short.opened_at = Timestamp::from_second(MONDAY + 5).unwrap();
        let bars = bars(&[close; 3], Timeframe::M15, closes, 0.001);
        let scene = Scene::new(plan.clone(), short, &bars);
        let bid = decimal(&close.to_string());
        let ask = bid + Decimal::new(spread, 4);
        let asked = scene.quoted(bid, ask, closes + late);
        assert_eq!(
            asked.is_some(),
            closed,
            "{close} {spread} {late}: {asked:?}"
        );
    }
}

/// The last bar of the week may be told only when the market opens again; nothing else has closed since.
#[test]
fn what_the_last_bar_of_the_week_said_closes_at_the_next_opening() {
    let plan = both_ways(&json!({ "patternExit": { "exitOnReverseSignal": true } }));
    let friday = MONDAY + 4 * 86_400 + 12 * 3_600;
    let mut long = position(Side::Buy, "1.2400", Some("1.2350"), "0.10");
    long.opened_at = Timestamp::from_second(friday - 7_200).unwrap();
    let closes = bars(&[1.25, 1.25, 1.19], Timeframe::M15, friday, 0.001);
    let mut scene = Scene::new(plan, long, &closes);
    let why = |scene: &Scene, days: i64| match scene.at("1.1900", friday + days * 86_400) {
        Some(Adjustment::Close { volume: None, why }) => Some(why),
        other => {
            assert_eq!(other, None);
            None
        }
    };
    assert_eq!(why(&scene, 0).as_deref(), Some("SELL signal"));
    assert_eq!(why(&scene, 2).as_deref(), Some("SELL signal"));
    assert_eq!(why(&scene, 5), None);

    // The terminal was away: other bars may have closed.
    scene.panel.expect_history();
    assert_eq!(why(&scene, 0).as_deref(), Some("SELL signal"));
    assert_eq!(why(&scene, 2), None);
}

#[test]
fn high_volatility_closes_a_position_at_a_closed_bar() {
    let plan = both_ways(&json!({ "volatilityExit": {
        "enabled": true, "exitOnHighVolatility": true, "volatilityThreshold": 0.04, "protectProfitAbove": 50,
    } }));
    let why = |range: f64| said(&plan, MONDAY, &[1.25; 310], range, MONDAY + 900);
    assert_eq!(why(0.049), None);
    assert_eq!(
        why(0.051).as_deref(),
        Some("ATR 14 is 4.0800 % of the price, over 4 %")
    );
    assert_eq!(
        said(&plan, MONDAY + 900, &[1.25; 310], 0.051, MONDAY + 900),
        None,
        "no bar has closed since"
    );
    assert_eq!(
        plan.skipped()[0].to_string(),
        "exit.smartExit.volatilityExit.protectProfitAbove: rules do not say how a profit is protected; volatility closes the position, whatever its profit (R10)"
    );
}

#[test]
fn a_signal_the_other_way_closes_a_position() {
    let pattern = json!({ "patternExit": {
        "enabled": true, "exitOnReverseSignal": true, "exitOnWeakeningMomentum": true, "rsiDivergence": true,
    } });
    let plan = both_ways(&pattern);
    let why = |close: f64| said(&plan, MONDAY, &[1.25, 1.25, close], 0.001, MONDAY + 900);
    assert_eq!(why(1.21), None);
    assert_eq!(why(1.19).as_deref(), Some("SELL signal"));
    assert_eq!(plan.skipped().len(), 2, "nobody says what these mean");

    let one_way = super::levels::entering(
        "BUY",
        &json!({ "stopLoss": { "type": "pips", "value": 50 }, "smartExit": pattern }),
    );
    assert!(!one_way.sentence().contains("other direction"));
}

#[test]
fn the_stored_gold_scalpers_exits_are_said_in_plain_words() {
    let plan = both_ways(&json!({
        "timeExit": { "enabled": true, "maxHoldingMinutes": 240, "checkEveryMinutes": 15, "exitIfNoProgress": true, "minProgressPips": 20 },
        "volatilityExit": { "enabled": true, "exitOnHighVolatility": true, "volatilityThreshold": 0.04 },
        "patternExit": { "enabled": true, "exitOnReverseSignal": true },
        "weekendSpecific": { "closeAllBySunday": true, "sundayCloseTime": "22:00", "avoidFridayEntry": true },
    }));
    let sentence = plan.sentence();
    assert!(
        sentence.contains(
            "Stop 50 pips; no target; closes after 4 hours; closes what has not gained 20 pips at the first close of a bar after every 15 minutes; closes on Sunday at 22:00 UTC and opens nothing more on that day; opens nothing on a Friday (UTC); closes when ATR 14 is over 4 % of the price at the close of a bar; closes when the conditions of the other direction hold;"
        ),
        "{sentence}"
    );
}
