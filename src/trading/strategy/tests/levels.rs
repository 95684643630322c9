//! Where the broker's stop loss and take profit stand when a position opens, for every stored type.

use serde_json::json;

use super::*;

/// Rules that enter at every bar in one direction.
pub(super) fn entering(side: &str, exit: &Value) -> Plan {
    let mut rules = rules_with(&json!({ "conditions": [
        { "indicator": "price", "condition": ">", "value": 1.1, "description": side },
    ]}));
    rules["exit"] = exit.clone();
    rules_planned(&rules, None).unwrap()
}

/// At a bid of 1.2500 and an ask of 1.2501, after bars of 40 pips from high to low.
fn levels(side: &str, exit: &Value, closes: &[f64]) -> Result<(String, Option<String>), String> {
    let all = bars(closes, Timeframe::M15, MONDAY, 0.004);
    let rich = |view: &mut MarketView<'_>| view.balance = decimal("1000000");
    match decide_with(&entering(side, exit), &all, rich).decision {
        Decision::Enter {
            stop_loss,
            take_profit,
            ..
        } => Ok((
            stop_loss.normalize().to_string(),
            take_profit.map(|price| price.normalize().to_string()),
        )),
        Decision::Stay { why } => Err(why),
    }
}

fn flat() -> Vec<f64> {
    vec![1.25; 2_300]
}

/// At 1.24 for long, then one bar up to 1.25.
fn jumped(from: f64) -> Vec<f64> {
    let mut closes = vec![from; 2_299];
    closes.push(1.25);
    closes
}

#[test]
fn r10_the_stop_of_every_type_stands_where_its_author_meant() {
    let smart = |stop: Value| json!({ "smartExit": { "stopLoss": stop } });
    let plain = |stop: Value| json!({ "stopLoss": stop });
    let line = json!({ "type": "ema", "emaReference": "ema_200", "distancePips": 2 });
    let bounded =
        json!({ "type": "dynamic", "value": "ema_200_minus_2", "minPips": 15, "maxPips": 40 });
    let dynamic = json!({ "type": "dynamic", "value": "ema_200_minus_2" });
    for (side, exit, closes, stop) in [
        (
            "BUY",
            plain(json!({ "type": "pips", "value": 25 })),
            flat(),
            "1.2476",
        ),
        (
            "SELL",
            plain(json!({ "type": "pips", "value": 25 })),
            flat(),
            "1.2525",
        ),
        (
            "BUY",
            plain(json!({ "type": "percentage", "value": 1 })),
            flat(),
            "1.2376",
        ),
        (
            "BUY",
            plain(json!({ "type": "atr", "value": 2 })),
            flat(),
            "1.2421",
        ),
        (
            "SELL",
            plain(json!({ "type": "atr", "value": 2, "period": 7 })),
            flat(),
            "1.258",
        ),
        (
            "BUY",
            plain(
                json!({ "type": "atr_based", "atrPeriod": 14, "atrMultiplier": 1.5,
            "minPips": 70, "maxPips": 120, "adjustForVolatility": true }),
            ),
            flat(),
            "1.2431",
        ),
        // Two pips below an average at 1.2401, and above one at 1.2599.
        ("BUY", plain(dynamic.clone()), jumped(1.24), "1.2399"),
        ("SELL", plain(dynamic.clone()), jumped(1.26), "1.2601"),
        ("BUY", plain(bounded.clone()), jumped(1.24), "1.2461"),
        ("BUY", plain(bounded.clone()), flat(), "1.2486"),
        // The average is on the wrong side: the least distance holds.
        ("BUY", plain(bounded.clone()), jumped(1.26), "1.2486"),
        ("SELL", plain(bounded), jumped(1.24), "1.2515"),
        ("BUY", smart(line), jumped(1.24), "1.2399"),
        (
            "BUY",
            smart(json!({ "type": "support", "swingLookback": 5 })),
            flat(),
            "1.248",
        ),
        (
            "SELL",
            smart(json!({ "type": "support", "useSwingPoints": true })),
            flat(),
            "1.252",
        ),
        (
            "BUY",
            smart(json!({ "type": "support", "distancePips": 3 })),
            flat(),
            "1.2477",
        ),
        (
            "BUY",
            smart(json!({ "type": "support", "minPips": 30 })),
            flat(),
            "1.2471",
        ),
        // The bar that has just closed belongs to the swing.
        (
            "BUY",
            smart(json!({ "type": "support", "swingLookback": 5 })),
            jumped(1.26),
            "1.248",
        ),
        (
            "BUY",
            smart(json!({ "type": "trailing", "trailDistance": 30 })),
            flat(),
            "1.2471",
        ),
    ] {
        assert_eq!(
            levels(side, &exit, &closes).map(|(stop, _)| stop),
            Ok(stop.to_owned()),
            "{side} {exit}"
        );
    }
    let wrong = plain(dynamic);
    assert_eq!(
        levels("BUY", &wrong, &jumped(1.26)),
        Err("BUY: the stop's distance cannot be computed at this bar, or lies on the wrong side of the price".to_owned())
    );
}

#[test]
fn the_target_of_every_type_stands_where_its_author_meant() {
    let with = |stop: u32, target: Value| json!({ "stopLoss": { "type": "pips", "value": stop }, "takeProfit": target });
    let resistance = |stop: u32| {
        json!({
            "stopLoss": { "type": "pips", "value": stop },
            "smartExit": { "takeProfit": { "type": "resistance" } },
        })
    };
    for (side, exit, target) in [
        (
            "BUY",
            with(20, json!({ "type": "pips", "value": 30 })),
            "1.2531",
        ),
        (
            "SELL",
            with(20, json!({ "type": "percentage", "value": 2 })),
            "1.225",
        ),
        (
            "BUY",
            with(20, json!({ "type": "atr", "value": 3 })),
            "1.2621",
        ),
        (
            "SELL",
            with(20, json!({ "type": "rr_ratio", "value": 2.5 })),
            "1.245",
        ),
        (
            "BUY",
            with(
                20,
                json!({ "type": "partial", "levels": [
            { "percentage": 50, "rrRatio": 1.5 }, { "percentage": 50, "rrRatio": 2 },
        ] }),
            ),
            "1.2541",
        ),
        ("BUY", resistance(15), "1.252"),
        ("SELL", resistance(15), "1.248"),
        // The target of what is left stands where it is said, whatever parts lie beyond it.
        (
            "BUY",
            json!({
                "stopLoss": { "type": "pips", "value": 20 },
                "takeProfit": { "type": "pips", "value": 30 },
                "enhancedPartialExits": { "levels": [
                    { "percentage": 30, "type": "rr_ratio", "value": 1 },
                    { "percentage": 30, "type": "rr_ratio", "value": 3 },
                ] },
            }),
            "1.2531",
        ),
        (
            "BUY",
            json!({
                "stopLoss": { "type": "pips", "value": 20 },
                "takeProfit": { "type": "pips", "value": 100 },
                "enhancedPartialExits": { "levels": [
                    { "percentage": 30, "type": "rr_ratio", "value": 1 },
                    { "percentage": 70, "type": "rr_ratio", "value": 3 },
                ] },
            }),
            "1.2561",
        ),
    ] {
        let (_, found) = levels(side, &exit, &flat()).unwrap();
        assert_eq!(found.as_deref(), Some(target), "{side} {exit}");
    }
    assert_eq!(
        levels("BUY", &resistance(25), &flat()),
        Err("BUY: the target at 1.25200 is nearer than the stop".to_owned())
    );
}

#[test]
fn nothing_is_opened_on_a_friday_where_the_rules_avoid_it() {
    let plan = entering(
        "BUY",
        &json!({
            "stopLoss": { "type": "pips", "value": 20 },
            "smartExit": { "weekendSpecific": { "avoidFridayEntry": true } },
        }),
    );
    let on = |days: i64| {
        let at = MONDAY + days * 86_400;
        decide(&plan, &bars(&[1.25, 1.25], Timeframe::M15, at, 0.001))
    };
    assert_eq!(why(&on(4)), "BUY: nothing is opened on a Friday (UTC)");
    assert_eq!(side_of(&on(3)), Some(Side::Buy));
    assert_eq!(side_of(&on(5)), Some(Side::Buy));
}

#[test]
fn what_is_closed_before_the_weekend_is_not_opened_again_on_that_day() {
    let plan = entering(
        "BUY",
        &json!({
            "stopLoss": { "type": "pips", "value": 20 },
            "smartExit": { "weekendSpecific": { "fridayCloseTime": "20:00" } },
        }),
    );
    let on = |days: i64, hours: i64, minutes: i64| {
        let at = MONDAY - 8 * 3_600 + days * 86_400 + hours * 3_600 + minutes * 60;
        decide(&plan, &bars(&[1.25, 1.25], Timeframe::M15, at, 0.001))
    };
    let closed =
        "BUY: the closing time of the week has come; nothing more is opened on this day (UTC)";
    assert_eq!(side_of(&on(4, 19, 59)), Some(Side::Buy));
    assert_eq!(why(&on(4, 20, 0)), closed);
    assert_eq!(why(&on(4, 23, 59)), closed);
    assert_eq!(side_of(&on(3, 20, 15)), Some(Side::Buy));
    assert_eq!(side_of(&on(6, 22, 5)), Some(Side::Buy));
}

#[test]
fn r10_a_stop_that_protects_nothing_opens_nothing() {
    let stop = |pips: u32| json!({ "stopLoss": { "type": "pips", "value": pips } });
    assert!(levels("BUY", &stop(6_000), &flat()).is_ok());
    for side in ["BUY", "SELL"] {
        let error = levels(side, &stop(10_999), &flat()).unwrap_err();
        assert!(error.contains("protects nothing (R10)"), "{error}");
    }
}
