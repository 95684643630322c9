//! Rules with conditions on higher timeframes: the form's primary and confirming conditions, and single conditions.

use serde_json::{Value, json};

use super::*;
use crate::strategy::Fate;

fn trend_up(required: bool) -> Value {
    json!({ "timeframe": "H1", "required": required, "condition":
        { "indicator": "price", "condition": "greater_than", "value": "sma_2" } })
}

fn mtf(confirmation: &[Value]) -> Value {
    rules_with(&json!({
        "primary": [ { "indicator": "price", "condition": "greater_than", "value": 1.0, "description": "BUY above par" } ],
        "confirmation": confirmation,
    }))
}

/// Quarter-hour bars with these closes; the last one ends a full hour.
fn quarters(closes: &[f64]) -> Vec<Bar> {
    bars(closes, Timeframe::M15, MONDAY, 0.0002)
}

#[test]
fn a_required_confirmation_holds_entries_back() {
    let plan = rules_planned(&mtf(&[trend_up(true)]), None).unwrap();
    assert!(
        plan.sentence()
            .contains("the close is above 1 and the close on H1 is above SMA 2 on H1"),
        "{}",
        plan.sentence()
    );
    let rising: Vec<f64> = (0..24).map(|n| 1.1 + f64::from(n) * 0.001).collect();
    assert_eq!(side_of(&decide(&plan, &quarters(&rising))), Some(Side::Buy));
    let falling: Vec<f64> = rising.iter().rev().copied().collect();
    let stays = decide(&plan, &quarters(&falling));
    assert_eq!(why(&stays), "no entry condition holds");
    // Its hour alone moves; a quarter before its end the hour before still counts.
    let mut turned = falling;
    turned.push(1.5);
    let inside = bars(&turned, Timeframe::M15, MONDAY + 900, 0.0002);
    assert_eq!(why(&decide(&plan, &inside)), "no entry condition holds");
}

#[test]
fn a_confirmation_whose_condition_has_its_own_timeframe_is_not_told_as_holding_on_another() {
    for (own, is_used) in [("price", true), ("d1_candle", false)] {
        let condition = json!({ "indicator": own, "condition": "bullish" });
        let plan = rules_planned(
            &mtf(&[json!({ "timeframe": "H1", "condition": condition })]),
            None,
        );
        let plan = plan.unwrap();
        let key = plan
            .keys()
            .iter()
            .find(|key| key.path.ends_with("confirmation[0].timeframe"));
        let fate = &key.unwrap().fate;
        assert_eq!(matches!(fate, Fate::Used(_)), is_used, "{own}: {fate:?}");
    }
}

#[test]
fn an_optional_confirmation_is_left_out_and_told() {
    let plan = rules_planned(&mtf(&[trend_up(false)]), None).unwrap();
    assert_eq!(plan.skipped().len(), 1);
    assert!(!plan.sentence().contains("H1"), "{}", plan.sentence());
}

#[test]
fn a_confirmation_needs_a_timeframe_and_a_condition() {
    for odd in [
        json!({ "timeframe": "H1" }),
        json!({ "condition": { "indicator": "rsi", "condition": "gt", "value": 50 } }),
        json!({ "timeframe": "H7", "condition": { "indicator": "rsi", "condition": "gt", "value": 50 } }),
    ] {
        let refusal = rules_planned(&mtf(&[odd]), None).unwrap_err().to_string();
        assert!(
            refusal.contains("a known timeframe and a condition"),
            "{refusal}"
        );
    }
    let shorter = json!({ "timeframe": "M1", "condition": { "indicator": "rsi", "condition": "gt", "value": 50 } });
    let refusal = rules_planned(&mtf(&[shorter]), None)
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("shorter than the strategy's M15"),
        "{refusal}"
    );
}

#[test]
fn bars_of_each_timeframe_are_waited_for() {
    let plan = rules_planned(&mtf(&[trend_up(true)]), None).unwrap();
    let few = decide(&plan, &quarters(&[1.1; 6]));
    assert_eq!(why(&few), "warming up 1/3 bars of H1");
}
