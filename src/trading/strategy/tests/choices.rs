//! What the trader decides at this machine, and the AI writer's rules, which leave much open.

use serde_json::{Value, json};

use super::*;
use crate::strategy::Rule;

fn cross(number: &Value) -> Value {
    rules_with(&json!({ "logic": "AND", "conditions": [
        { "indicator": "EMA", "period": 20, "condition": "crosses_above", "value": number, "description": "BUY" },
    ]}))
}

fn planned_with(rules: &Value, averages: bool) -> Result<Plan, PlanRefusal> {
    plan(&PlanRequest {
        rules,
        settings: &json!({ "lotSize": 0.1 }),
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: None,
        allowances: Allowances {
            numbers_are_averages: averages,
            ..Allowances::default()
        },
    })
}

#[test]
fn r6_a_number_beside_an_average_is_asked_about_and_then_followed() {
    let rules = cross(&json!(50));
    let refusal = planned_with(&rules, false).unwrap_err();
    assert!(refusal.needs_reading);
    assert_eq!(refusal.reasons[0].rule, Rule::AverageOrPrice);
    assert_eq!(refusal.reasons[0].rule.code(), "R6");
    let plan = planned_with(&rules, true).unwrap();
    assert!(
        plan.sentence().contains("EMA 20 crosses above EMA 50"),
        "{}",
        plan.sentence()
    );
    // A price stays a price.
    let plan = planned_with(&cross(&json!(1.125)), true).unwrap();
    assert!(plan.sentence().contains("EMA 20 crosses above 1.125"));
}

fn raw(parameters: &Value) -> Value {
    json!({
        "rules": [{
            "name": "oversold", "logic": "AND",
            "conditions": [{ "indicator": "rsi", "operator": "lt", "value": 30, "timeframes": ["M15", "H1"] }],
            "action": { "type": "buy", "parameters": { "size": 0.3 } },
        }],
        "parameters": parameters,
    })
}

#[test]
fn the_ai_writers_rules_run_by_their_parameters() {
    let rules = raw(&json!({
        "stopLoss": 0.0025, "takeProfit": 0.005, "maxPositions": 1, "maxDailyLoss": 200, "riskPerTrade": 1,
    }));
    let plan = planned_with(&rules, false).unwrap();
    let words = plan.sentence();
    for part in [
        "RSI 14 is below 30 and RSI 14 on H1 is below 30",
        "Stop 25 pips; target 50 pips",
        "at most 1 % of the balance",
        "has lost 200",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert_eq!(plan.skipped().len(), 1, "the size without a unit");
}

#[test]
fn r10_the_ai_writers_rules_need_a_stop_too() {
    for parameters in [json!({ "takeProfit": 0.005 }), json!({ "stopLoss": 25 })] {
        let refusal = planned_with(&raw(&parameters), false).unwrap_err();
        let exits = refusal
            .reasons
            .iter()
            .any(|reason| reason.rule == Rule::Exits);
        assert!(exits, "{refusal}");
    }
}
