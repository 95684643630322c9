//! Strategies that trade often, and some of the stored ones.

use serde_json::{Value, json};

/// Turns with two averages, both ways.
pub fn crossing(exit: &Value) -> Value {
    json!({
        "entry": { "logic": "OR", "conditions": [
            { "indicator": "ema_3", "condition": "crosses_above", "value": "ema_8", "description": "BUY: up" },
            { "indicator": "ema_3", "condition": "crosses_below", "value": "ema_8", "description": "SELL: down" },
        ] },
        "exit": exit,
        "riskManagement": { "lotSize": 0.1, "maxPositions": 2 },
    })
}

/// A stop and a target, in pips.
pub fn levels(stop: u32, target: u32) -> Value {
    json!({
        "stopLoss": { "type": "pips", "value": stop },
        "takeProfit": { "type": "pips", "value": target },
    })
}

/// Half at once the risk, then the stop at the open price; a part at twice the risk; the rest at the target.
pub fn parts() -> Value {
    let mut exit = levels(8, 20);
    exit["enhancedPartialExits"] = json!({ "enabled": false, "levels": [
        { "percentage": 50, "type": "rr_ratio", "value": 1, "moveStopToBreakeven": true },
        { "percentage": 30, "type": "rr_ratio", "value": 2 },
    ] });
    exit
}

pub fn trailing() -> Value {
    let mut exit = levels(8, 20);
    exit["trailing"] = json!({ "enabled": true, "distance": 5, "step": 1 });
    exit
}

/// Held for twelve minutes at most.
pub fn timed() -> Value {
    let mut exit = levels(20, 25);
    exit["smartExit"] = json!({ "timeExit": { "enabled": true, "maxHoldingMinutes": 12 } });
    exit
}

/// Closed when it has not gained enough.
pub fn slow() -> Value {
    let mut exit = levels(8, 10);
    exit["smartExit"] = json!({ "timeExit": {
        "enabled": true, "maxHoldingMinutes": 60, "checkEveryMinutes": 10, "exitIfNoProgress": true, "minProgressPips": 2,
    } });
    exit
}

/// Closed by a signal the other way.
pub fn reverse() -> Value {
    let mut exit = levels(20, 25);
    exit["smartExit"] = json!({ "patternExit": { "enabled": true, "exitOnReverseSignal": true } });
    exit
}

pub fn scalper() -> Value {
    stored(include_str!(
        "../../../../../tests/fixtures/strategies/quarter_hour_scalper.json"
    ))
}

pub fn gold_in_groups() -> Value {
    stored(include_str!(
        "../../../../../tests/fixtures/strategies/gold_in_groups.json"
    ))
}

pub fn mirrored_gold() -> Value {
    stored(include_str!(
        "../../../../../tests/fixtures/strategies/mirrored_gold.json"
    ))
}

fn stored(text: &str) -> Value {
    let row: Value = serde_json::from_str(text).unwrap();
    row["rules"].clone()
}
