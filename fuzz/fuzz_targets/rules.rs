#![no_main]
//! Any JSON as rules, or as a stored strategy with its rules: never a panic, and what is planned has a direction, a condition
//! in each of its alternatives, a volume and a stop. `fuzz/run` begins with the stored strategies of the tests.

use fx_executor::market::Side;
use fx_executor::strategy::{Allowances, PlanRequest, plan};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Ok(read) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let rules = match &read {
        Value::Object(row) if row.contains_key("symbol") => row.get("rules").unwrap_or(&read),
        _ => &read,
    };
    let request = PlanRequest {
        rules,
        settings: &Value::Null,
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: None,
        allowances: Allowances::default(),
    };
    if let Ok(plan) = plan(&request) {
        assert!(plan.rule_count() > 0);
        let triggers = [Side::Buy, Side::Sell].map(|side| plan.trigger(side));
        assert!(triggers.iter().any(Option::is_some), "a direction");
        for term in triggers.iter().flatten().flat_map(|trigger| trigger.terms()) {
            assert!(!term.conditions().is_empty(), "a condition");
        }
        assert!(!plan.sizing().lots.is_zero(), "a volume");
        assert!(plan.sentence().contains("top "), "a stop: {}", plan.sentence());
        assert!(!plan.sentence().is_empty());
    }
});
