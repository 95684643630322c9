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
    ] {
        assert_eq!(reasons(&with_stop(stop))[0].to_string(), said);
    }
    let dynamic = with_stop(json!({ "type": "dynamic", "value": "ema_200_minus_2" }));
    assert_eq!(
        reasons(&dynamic)[0].to_string(),
        "exit.stopLoss: a distance of type \"dynamic\" cannot be followed yet (R10)"
    );
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

    let support = changed("/exit/smartExit/stopLoss/type", json!("support"));
    assert_eq!(
        reasons(&support)[0].to_string(),
        "exit.smartExit.stopLoss: a stop loss of type \"support\" cannot be followed yet (R10)"
    );
}

#[test]
fn exits_that_cannot_be_followed_are_refused_by_name() {
    for (pointer, value, said) in [
        (
            "/exit/smartExit/weekendSpecific",
            json!({ "closeAllBySunday": true, "sundayCloseTime": "22:00" }),
            "exit.smartExit.weekendSpecific: this exit cannot be followed yet (R10)",
        ),
        (
            "/exit/enhancedPartialExits",
            json!({ "enabled": false, "levels": [{ "percentage": 50 }] }),
            "exit.enhancedPartialExits: these partial exits cannot be followed yet (R12)",
        ),
        (
            "/exit/smartExit/takeProfit/partialExits",
            json!([{ "percentage": 70, "atRR": 1.2 }]),
            "exit.smartExit.takeProfit.partialExits: the parts add up to 70 % instead of 100 % (R12)",
        ),
        (
            "/exit/trailing/type",
            json!("atr"),
            "exit.trailing.type: a trailing stop of this type cannot be followed yet (R10)",
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
