#![no_main]
//! Any JSON as rules: never a panic, and a plan always has at least one condition.

use fx_executor::strategy::{Allowances, PlanRequest, plan};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &str| {
    let Ok(rules) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let request = PlanRequest {
        rules: &rules,
        settings: &Value::Null,
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: None,
        allowances: Allowances::default(),
    };
    if let Ok(plan) = plan(&request) {
        assert!(plan.rule_count() > 0);
        assert!(!plan.sentence().is_empty());
    }
});
