//! Filters: which are refused, which are read, which pass.

use serde_json::json;

use super::refusals::{changed, condition, one, only, reasons};
use super::times::buying;
use super::*;

#[test]
fn r13_unknown_or_impossible_sessions_are_refused() {
    let sessions = |names: Value| only(&changed("/sessionFilter/allowedSessions", names));
    assert_eq!(
        sessions(json!(["London", "Mars"])),
        "sessionFilter.allowedSessions[1]: session \"Mars\" is not known (R13)"
    );
    assert_eq!(
        sessions(json!([])),
        "sessionFilter: is switched on and allows no session (R13)"
    );
    assert_eq!(
        sessions(json!(["Tokyo"])),
        "sessionFilter.useOptimalPairs: EURUSD is an optimal pair in none of the allowed sessions, so it would never trade (R13)"
    );
}

#[test]
fn r14_the_pair_list_does_not_stop_what_it_does_not_list() {
    let mut row = fixture("quarter_hour_scalper");
    row["symbol"] = json!("XAUUSD.m");
    row["rules"]["sessionFilter"]["allowedSessions"] = json!(["Tokyo"]);
    let plan = planned(&row, None).unwrap();
    assert!(plan.sentence().contains("only in Tokyo"));
}

#[test]
fn r15_filters_that_cannot_be_computed_refuse_while_on_and_pass_while_off() {
    for key in ["newsFilter", "riskSentimentMonitor", "mtfSettings"] {
        for on in [
            json!({ "enabled": true, "strength": 3 }),
            json!({ "strength": 3 }),
        ] {
            let reasons = reasons(&changed(&format!("/{key}"), on));
            assert_eq!(reasons.len(), 1);
            assert_eq!(
                (reasons[0].rule.code(), reasons[0].key.as_str()),
                ("R15", key)
            );
        }
        let off = changed(
            &format!("/{key}"),
            json!({ "enabled": false, "strength": 3 }),
        );
        assert!(rules_planned(&off, None).is_ok(), "{key}");
    }
}

#[test]
fn r15_nested_filters_are_read_too() {
    let mut rules = one(&condition("rsi", "gt", &json!(50)));
    rules["filters"] = json!({
        "spreadFilter": { "enabled": true, "maxSpread": 2 },
        "newsFilter": { "enabled": true },
    });
    assert_eq!(reasons(&rules)[0].key, "filters.newsFilter");
    rules["filters"]["newsFilter"]["enabled"] = json!(false);
    let plan = rules_planned(&rules, None).unwrap();
    assert!(
        plan.sentence()
            .contains("skips when the spread is over 2 pips")
    );
}

#[test]
fn high_volatility_stops_entries_where_rules_do_not_say_how_much_to_reduce() {
    let mut rules = one(&condition("price", "gt", &json!(1.1)));
    rules["dynamicRisk"] = json!({ "reduceInHighVolatility": true, "volatilityThreshold": 0.02 });
    let plan = rules_planned(&rules, None).unwrap();
    let with_range = |range: f64| decide(&plan, &bars(&[1.25; 400], Timeframe::M15, MONDAY, range));
    assert_eq!(side_of(&with_range(0.0249)), Some(Side::Buy));
    assert_eq!(
        why(&with_range(0.0251)),
        "ATR 14 is 2.008 % of the price, at most 2 %"
    );
    rules["dynamicRisk"]["volatilityThreshold"] = json!(null);
    assert_eq!(
        only(&rules),
        "dynamicRisk: reduces in high volatility but has no \"volatilityThreshold\" (R18)"
    );
}

#[test]
fn a_filter_that_would_only_reduce_the_volume_stops_entries_and_says_so() {
    let mut rules = one(&condition("price", "gt", &json!(1.1)));
    rules["volatilityFilter"] = json!({
        "enabled": true, "maxATR": 30, "action": { "aboveMax": "REDUCE_SIZE" },
    });
    let plan = rules_planned(&rules, None).unwrap();
    assert_eq!(
        plan.skipped()[0].to_string(),
        "volatilityFilter.action.aboveMax: rules don't say by how much to reduce the volume, so nothing is opened then (R15)"
    );
    let wild = decide(&plan, &bars(&[1.25; 400], Timeframe::M15, MONDAY, 0.0040));
    assert_eq!(why(&wild), "ATR 14 40 pips, at most 30");
}

#[test]
fn what_is_no_list_or_no_object_is_never_passed_over() {
    for (key, filter, said) in [
        (
            "sessionFilter",
            json!({ "avoidTimes": { "day": "Monday", "startHour": 1, "endHour": 2 } }),
            "sessionFilter.avoidTimes: is not a list",
        ),
        (
            "regimeDetection",
            json!({ "confirmationTimeframes": "H4" }),
            "regimeDetection.confirmationTimeframes: is not a list",
        ),
        (
            "regimeDetection",
            json!(false),
            "regimeDetection: is not an object",
        ),
        (
            "spreadFilter",
            json!(true),
            "spreadFilter: is not an object",
        ),
    ] {
        let refused = only(&buying(key, filter));
        assert!(refused.starts_with(said), "{refused}");
    }
}

#[test]
fn the_same_filter_twice_is_refused_also_where_one_asks_for_nothing() {
    let nothing = json!({ "minVolumeMultiplier": 2, "required": false });
    let mut rules = buying("volumeConfirmation", nothing);
    rules["filters"] = json!({ "volumeConfirmation": { "minVolumeMultiplier": 1.1 } });
    let refused = only(&rules);
    assert!(
        refused.starts_with("filters.volumeConfirmation: is given twice"),
        "{refused}"
    );
}

#[test]
fn r16_a_part_may_say_that_it_is_on_or_off() {
    let with = |enabled: Value| {
        let filter = json!({
            "minATR": 1, "volatilitySpike": { "enabled": enabled, "threshold": 3, "resumeAfter": 60 },
        });
        let plan = rules_planned(&buying("volatilityFilter", filter), None).unwrap();
        plan.filters().all.len()
    };
    assert_eq!(with(json!(true)), 2);
    assert_eq!(with(json!(false)), 1);
    assert_eq!(with(json!("false")), 1);
}
