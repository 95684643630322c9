//! Stops, targets and exits that are refused, and what is said then.

use serde_json::json;

use super::refusals::{changed, condition, one, reasons};
use super::*;

#[test]
fn r10_no_valid_stop_loss_no_plan() {
    let with_stop = |stop: Value| {
        let mut rules = one(&condition("rsi", "gt", &json!(50)));
        rules["exit"]["stopLoss"] = stop;
        rules
    };
    for (stop, said) in [
        (json!(null), "exit.stopLoss: there is no stop loss (R10)"),
        (
            json!({ "type": "pips" }),
            "exit.stopLoss: has no \"value\" (R10)",
        ),
        (
            json!({ "type": "pips", "value": 0 }),
            "exit.stopLoss.value: 0 must be above zero (R10)",
        ),
        (
            json!({ "type": "pips", "value": -5 }),
            "exit.stopLoss.value: -5 must be above zero (R10)",
        ),
        (
            json!({ "type": "pips", "value": "many" }),
            "exit.stopLoss.value: is not a usable number (R20)",
        ),
        (
            json!({ "type": "pips", "value": 1e300 }),
            "exit.stopLoss.value: is not a usable number (R20)",
        ),
        (
            json!({ "type": "percentage", "value": 100 }),
            "exit.stopLoss: 100 % of the price is no usable distance (R10)",
        ),
        (
            json!({ "type": "pips", "value": 20, "minPips": 30, "maxPips": 10 }),
            "exit.stopLoss: minPips is above maxPips (R10)",
        ),
        (
            json!({ "type": "dynamic", "value": "sma_200_minus_2" }),
            "exit.stopLoss.value: \"sma_200_minus_2\" is not like \"ema_200_minus_2\" (R4)",
        ),
        // For a buy this is on the near side of the average.
        (
            json!({ "type": "dynamic", "value": "ema_200_plus_2" }),
            "exit.stopLoss.value: \"ema_200_plus_2\" is not like \"ema_200_minus_2\" (R4)",
        ),
        (
            json!({ "type": "dynamic", "value": "ema_5000_minus_2" }),
            "exit.stopLoss.value: \"ema_5000_minus_2\" is not like \"ema_200_minus_2\" (R4)",
        ),
        (
            json!({ "type": "atr", "value": 2, "period": 2.5 }),
            "exit.stopLoss.period: is not a whole number of bars from 1 to 1000 (R20)",
        ),
        (
            json!({ "type": "atr_based", "value": 2 }),
            "exit.stopLoss: has no \"atrMultiplier\" (R10)",
        ),
        (
            json!({ "type": "price", "value": 1.05 }),
            "exit.stopLoss: a distance of type \"price\" is not known (R10)",
        ),
    ] {
        assert_eq!(reasons(&with_stop(stop))[0].to_string(), said);
    }
}

#[test]
fn r12_a_target_in_parts_needs_its_levels() {
    let with_target = |target: Value| {
        let mut rules = one(&condition("rsi", "gt", &json!(50)));
        rules["exit"]["takeProfit"] = target;
        rules
    };
    assert_eq!(
        reasons(&with_target(json!({ "type": "partial" })))[0].to_string(),
        "exit.takeProfit: has no \"levels\" (R12)"
    );
    for levels in [
        json!([]),
        json!(7),
        json!([{ "percentage": 100 }]),
        json!([{ "percentage": 50, "rrRatio": 1 }, { "percentage": 60, "rrRatio": 2 }]),
    ] {
        let target = json!({ "type": "partial", "levels": levels });
        assert!(rules_planned(&with_target(target), None).is_err());
    }
    let target = json!({ "type": "partial", "levels": [
        { "percentage": 40, "rrRatio": 1 }, { "percentage": 60, "rrRatio": 2 },
    ]});
    let plan = rules_planned(&with_target(target), None).unwrap();
    assert!(
        plan.sentence()
            .contains("takes 40 % at 1 times the stop; the rest at 2 times the stop")
    );
}

#[test]
fn r10_a_smart_stop_that_is_incomplete_leaves_the_plain_one() {
    let mut rules = changed("/exit/smartExit/stopLoss/fixedPips", Value::Null);
    rules["exit"]["stopLoss"]["value"] = json!(33);
    let plan = rules_planned(&rules, None).unwrap();
    assert!(plan.sentence().contains("Stop 33 pips"));

    for (kind, said) in [
        (
            "chandelier",
            "exit.smartExit.stopLoss: a stop loss of type \"chandelier\" is not known (R10)",
        ),
        ("ema", ""),
        ("trailing", ""),
    ] {
        let rules = changed("/exit/smartExit/stopLoss/type", json!(kind));
        match rules_planned(&rules, None) {
            Ok(plan) => assert!(plan.sentence().contains("Stop 25 pips") && said.is_empty()),
            Err(refusal) => assert_eq!(refusal.reasons[0].to_string(), said),
        }
    }
}

#[test]
fn exits_that_cannot_be_followed_are_refused_by_name() {
    for (pointer, value, said) in [
        (
            "/exit/smartExit/weekendSpecific",
            json!({ "closeAllBySunday": true }),
            "exit.smartExit.weekendSpecific: has no \"sundayCloseTime\" (R10)",
        ),
        (
            "/exit/smartExit/weekendSpecific",
            json!({ "closeAllBySunday": true, "sundayCloseTime": "late" }),
            "exit.smartExit.weekendSpecific.sundayCloseTime: is not a time of day like 22:00 (R10)",
        ),
        (
            "/exit/smartExit/timeExit",
            json!({ "exitIfNoProgress": true, "checkEveryMinutes": 15 }),
            "exit.smartExit.timeExit: has no \"minProgressPips\" (R10)",
        ),
        (
            "/exit/smartExit/volatilityExit",
            json!({ "exitOnHighVolatility": true, "volatilityThreshold": 4 }),
            "exit.smartExit.volatilityExit.volatilityThreshold: is not a fraction of the price below 1 (R10)",
        ),
        (
            "/exit/smartExit/takeProfit/type",
            json!("fibonacci"),
            "exit.smartExit.takeProfit: a take profit of type \"fibonacci\" is not known (R10)",
        ),
        (
            "/exit/smartExit/newExit",
            json!({ "enabled": true }),
            "exit.smartExit.newExit.enabled: this key is not known (R4)",
        ),
        (
            "/exit/enhancedPartialExits",
            json!({ "enabled": false, "levels": [{ "percentage": 50 }] }),
            "exit.enhancedPartialExits.levels[0]: does not say when the part is closed (R12)",
        ),
        (
            "/exit/smartExit/takeProfit/partialExits",
            json!([{ "percentage": 70, "atRR": 1.2 }]),
            "exit.smartExit.takeProfit.partialExits: the parts add up to 70 % instead of 100 % (R12)",
        ),
        (
            "/exit/trailing/type",
            json!("chandelier"),
            "exit.trailing.type: a trailing stop of type \"chandelier\" is not known (R10)",
        ),
        (
            "/riskManagement/maxDrawdown",
            json!(5),
            "riskManagement.maxDrawdown: doesn't say whether it is money or per cent, nor from where it is counted; use maxDailyLoss, maxWeeklyLoss or maxMonthlyLoss (R17)",
        ),
    ] {
        assert_eq!(reasons(&changed(pointer, value))[0].to_string(), said);
    }
}
