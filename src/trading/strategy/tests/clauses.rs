//! What single conditions come to: operators, their keys, and what each key became.

use serde_json::{Value, json};

use super::*;
use crate::strategy::{Fate, Language};

fn of(condition: &Value) -> Result<Plan, PlanRefusal> {
    let entry = json!({ "conditions": [condition] });
    rules_planned(&rules_with(&entry), Some(Side::Buy))
}

fn words(condition: &Value) -> Vec<String> {
    let plan = of(condition).unwrap_or_else(|refusal| panic!("{condition}: {refusal}"));
    let words = plan
        .conditions()
        .map(|(_, _, one)| one.words(plan.timeframe(), Language::English));
    words.collect()
}

#[test]
fn operators_come_down_to_comparisons() {
    for (condition, expected) in [
        (
            json!({ "indicator": "bollinger_bands", "condition": "squeeze_expansion_down" }),
            vec![
                "the age in bars of the narrowest Bollinger bands 20/2 was below 5",
                "the width of the Bollinger bands 20/2 rises",
                "the close is below the lower Bollinger band 20/2",
            ],
        ),
        (
            json!({ "indicator": "price", "condition": "bounces_from", "value": "ema_50", "tolerance": 5 }),
            vec![
                "the low is at or above EMA 50 minus 5 pips",
                "the low is at or below EMA 50 plus 5 pips",
                "the close is above EMA 50",
                "the close is above the open",
            ],
        ),
        (
            json!({ "indicator": "stochastic", "condition": "k_crosses_above_d", "fromLevel": 30 }),
            vec![
                "Stochastic %K 14/3/3 crosses above its %D",
                "Stochastic %K 14/3/3 was below 30",
            ],
        ),
        (
            json!({ "indicator": "price", "condition": "breaks_above", "value": "h1_high", "volumeConfirmation": true }),
            vec![
                "the close crosses above the high of the last H1 bar before",
                "the volume is above its average of 20 bars",
            ],
        ),
        (
            json!({ "indicator": "rsi", "condition": "gt", "value": 50, "timeframes": ["H1", "H4", "H1"] }),
            vec!["RSI 14 on H1 is above 50", "RSI 14 on H4 is above 50"],
        ),
        (
            json!({ "indicator": "volume", "condition": ">", "value": "average_volume_1.5x", "multiplier": 2 }),
            vec!["the volume is above 3 times its average of 20 bars"],
        ),
        // What stands on the left, or beside another series, is named in full.
        (
            json!({ "indicator": "volume_ma", "condition": ">", "value": 100 }),
            vec!["the average volume of 20 bars is above 100"],
        ),
        (
            json!({ "indicator": "macd_signal", "condition": ">", "value": 0 }),
            vec!["the MACD signal 12/26/9 is above 0"],
        ),
        (
            json!({ "indicator": "macd_histogram", "condition": ">", "value": "macd_signal" }),
            vec!["the MACD histogram 12/26/9 is above the MACD signal 12/26/9"],
        ),
        (
            json!({ "indicator": "stochastic_d", "condition": ">", "value": 20 }),
            vec!["the Stochastic %D 14/3/3 is above 20"],
        ),
        (
            json!({ "indicator": "d1_trend", "condition": "bullish" }),
            vec!["EMA 20 on D1 is above EMA 50 on D1"],
        ),
    ] {
        assert_eq!(words(&condition), expected, "{condition}");
    }
}

#[test]
fn a_key_that_says_a_length_is_used_and_one_beside_a_name_with_its_own_is_not() {
    let fate = |condition: Value| {
        let plan = of(&condition).unwrap();
        let key = plan.keys().iter().find(|key| key.path.ends_with(".period"));
        key.unwrap().fate.clone()
    };
    let used = |fate: &Fate| matches!(fate, Fate::Used(_));
    let stochastic = |more: Value| {
        let mut condition =
            json!({ "indicator": "Stochastic", "condition": "lt", "value": 20, "period": 21 });
        condition
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        condition
    };
    assert!(used(&fate(stochastic(json!({})))));
    assert_eq!(
        words(&stochastic(json!({}))),
        ["Stochastic %K 21/3/3 is below 20"]
    );
    assert!(!used(&fate(stochastic(json!({ "kPeriod": 9 })))));
    assert!(used(&fate(
        json!({ "indicator": "RSI", "condition": "lt", "value": 30, "period": 9 })
    )));
}

/// A key that is called used changes what is decided.
#[test]
fn what_a_name_says_by_itself_is_not_said_by_the_key_beside_it() {
    let settled = |condition: Value, key: &str| {
        let plan = of(&condition).unwrap_or_else(|refusal| panic!("{condition}: {refusal}"));
        let keys = plan.keys();
        let found = keys
            .iter()
            .find(|found| found.path.ends_with(&format!(".{key}")));
        matches!(found.unwrap().fate, Fate::Used(_))
    };
    for (mut condition, key, other) in [
        (
            json!({ "indicator": "price", "condition": "gt", "value": "ema_50", "period": 14 }),
            "period",
            "ema",
        ),
        (
            json!({ "indicator": "ema_9", "condition": "gt", "value": "ema_50", "comparePeriod": 14 }),
            "comparePeriod",
            "ema",
        ),
    ] {
        assert!(!settled(condition.clone(), key), "{condition}");
        condition["value"] = json!(other);
        assert!(settled(condition.clone(), key), "{condition}");
    }
    let compared = |name: &str| json!({ "indicator": "price", "condition": "gt", "compareIndicator": name, "comparePeriod": 14 });
    assert!(!settled(compared("ema_50"), "comparePeriod"));
    assert!(settled(compared("ema"), "comparePeriod"));
    let named = |name: &str, timeframe: &str| json!({ "indicator": name, "condition": "bullish", "timeframe": timeframe });
    for name in ["h4_candle", "h4_trend"] {
        assert!(settled(named(name, "H4"), "timeframe"));
        assert!(!settled(named(name, "M15"), "timeframe"));
        let refusal = of(&named(name, "H1")).unwrap_err().to_string();
        assert!(refusal.contains("asks for H1"), "{refusal}");
    }
    let broken =
        json!({ "indicator": "price", "condition": "gt", "value": "h4_high", "timeframe": "H1" });
    assert!(settled(broken, "timeframe"));
}

#[test]
fn both_bounds_of_a_range_must_be_prices_of_the_symbol() {
    let holds = |value: Value| {
        let plan =
            of(&json!({ "indicator": "price", "condition": "between", "value": value })).unwrap();
        decide(&plan, &bars(&[1.1; 5], Timeframe::M15, MONDAY, 0.001)).conditions[0].value
    };
    assert_eq!(holds(json!([1.0, 1.2])), Some(true));
    assert_eq!(holds(json!([1.15, 1.2])), Some(false));
    // A bound that is far from any price of the symbol may mean something else (R6).
    assert_eq!(holds(json!([0.01, 1.2])), None);
    assert_eq!(holds(json!([1.0, 50])), None);
}

/// A range is a difference of prices; 15 is none of a bar of M15 at a price of 1.1 or of 150, and may have been meant in
/// pips (R6). In gold it is one.
#[test]
fn a_number_against_a_range_must_be_a_difference_of_prices() {
    let holds = |indicator: &str, price: f64, value: f64| {
        let plan = of(&json!({ "indicator": indicator, "condition": "less_than", "value": value }))
            .unwrap();
        let closes: Vec<f64> = (0..600)
            .map(|bar| price * (1.0 + f64::from(bar % 7) * 0.001))
            .collect();
        let all = bars(&closes, Timeframe::M15, MONDAY, price * 0.001);
        decide(&plan, &all).conditions[0].value
    };
    for (indicator, price, value, expected) in [
        ("atr", 1.1, 0.008, Some(true)),
        ("atr", 1.1, 0.0001, Some(false)),
        ("atr", 1.1, -0.008, None),
        ("atr", 1.1, 12.0, None),
        ("atr", 150.0, 1.2, Some(true)),
        ("atr", 150.0, 15.0, None),
        ("atr", 2_400.0, 15.0, Some(true)),
        ("atr", 2_400.0, 50.0, None),
        ("macd", 150.0, 1.2, Some(true)),
        ("macd", 150.0, -1.2, Some(false)),
        ("macd", 150.0, 15.0, None),
        ("macd", 150.0, -15.0, None),
        ("macd_histogram", 1.1, 5.0, None),
        ("macd_histogram", 1.1, 0.0, Some(false)),
    ] {
        assert_eq!(
            holds(indicator, price, value),
            expected,
            "{indicator} below {value} at {price}"
        );
    }
}
