//! Strategies in the practice platform's store: one of each common shape, and one that soon trades.

use serde_json::{Value, json};

use super::identity::seeded_cuid;

/// The strategy that the practice world activates by itself.
pub const SCALPER: &str = "practice-scalper";

/// A strategy row before it is stored.
#[derive(Clone, Debug)]
pub(super) struct Fixture {
    pub id: String,
    pub assignment_id: String,
    pub key: String,
    pub name: String,
    pub symbol: String,
    pub timeframe: String,
    pub rules: Value,
}

/// Ids come from the seed, so an executor recognises its strategies after a restart.
pub(super) fn fixtures(seed: u64) -> Vec<Fixture> {
    let mut rng = fastrand::Rng::with_seed(seed ^ 0x7374_7261_7465_6779);
    [
        (SCALPER, "Practice scalper", "M1", scalper()),
        ("DEMO_RSI", "Oversold demo", "H1", oversold_demo()),
        (
            "SCALP_WEEKDAY",
            "Weekday scalping",
            "M15",
            weekday_scalping(),
        ),
        (
            "FORM_RSI_OVERSOLD",
            "Oversold bounce",
            "H1",
            oversold_form(),
        ),
        (
            "LONG_RULES",
            "Rules too long for Pusher",
            "M15",
            long_rules(),
        ),
    ]
    .into_iter()
    .map(|(key, name, timeframe, rules)| Fixture {
        id: seeded_cuid(&mut rng),
        assignment_id: seeded_cuid(&mut rng),
        key: key.to_owned(),
        name: name.to_owned(),
        symbol: "EURUSD".to_owned(),
        timeframe: timeframe.to_owned(),
        rules,
    })
    .collect()
}

/// Both directions, fast averages, no session: it finds a trade within minutes of any market.
fn scalper() -> Value {
    json!({
        "entry": {
            "logic": "OR",
            "conditions": [
                {
                    "indicator": "ema_5",
                    "condition": "crosses_above",
                    "value": "ema_13",
                    "description": "BUY: EMA 5 crosses above EMA 13",
                },
                {
                    "indicator": "ema_5",
                    "condition": "crosses_below",
                    "value": "ema_13",
                    "description": "SELL: EMA 5 crosses below EMA 13",
                },
            ],
        },
        "exit": {
            "stopLoss": {"type": "pips", "value": 12},
            "takeProfit": {"type": "pips", "value": 18},
        },
        "riskManagement": {"lotSize": 0.01, "maxPositions": 2, "maxDailyLoss": 200},
    })
}

/// One condition and no direction: an executor must refuse it or ask its trader.
fn oversold_demo() -> Value {
    json!({
        "entry": {
            "conditions": [
                {"indicator": "RSI", "condition": "less_than", "value": 28, "period": 14},
            ],
            "logic": "AND",
        },
        "exit": {
            "takeProfit": {"type": "pips", "value": 45},
            "stopLoss": {"type": "pips", "value": 22},
        },
        "riskManagement": {"lotSize": 0.1, "maxPositions": 4, "maxDailyLoss": 400},
    })
}

fn weekday_scalping() -> Value {
    json!({
        "entry": {"logic": "OR", "conditions": weekday_conditions()},
        "exit": {
            "stopLoss": {"type": "pips", "value": 22},
            "takeProfit": {"type": "pips", "value": 36},
            "trailing": {"enabled": true, "distance": 14},
            "smartExit": {
                "stopLoss": {
                    "type": "fixed",
                    "fixedPips": 22,
                    "atrMultiplier": 1.5,
                    "maxHoldingHours": 4,
                },
                "takeProfit": {
                    "type": "partial",
                    "rrRatio": 1.6,
                    "partialExits": [
                        {"percentage": 60, "atRR": 1.2},
                        {"percentage": 40, "atRR": 2},
                    ],
                },
            },
        },
        "riskManagement": {"lotSize": 0.02, "maxPositions": 3, "maxDailyLoss": 250},
        "dynamicRisk": {
            "useATRSizing": false,
            "useFixedFractional": true,
            "riskPercentage": 0.5,
            "autoAdjustLotSize": true,
            "reduceInHighVolatility": true,
            "volatilityThreshold": 0.015,
        },
        "sessionFilter": {
            "enabled": true,
            "allowedSessions": ["London", "NewYork"],
            "useOptimalPairs": true,
            "aggressivenessMultiplier": {"optimal": 1, "suboptimal": 0},
        },
        "spreadFilter": {"enabled": true, "maxSpread": 2, "action": "SKIP"},
        "volatilityFilter": {
            "enabled": true,
            "minATR": 8,
            "maxATR": 32,
            "optimalATRRange": [12, 24],
            "action": {"belowMin": "SKIP", "aboveMax": "SKIP", "inOptimal": "NORMAL"},
        },
    })
}

fn weekday_conditions() -> Value {
    json!([
        {
            "indicator": "ema_9",
            "condition": "crosses_above",
            "value": "ema_21",
            "description": "BUY: fast average turns up through the slow one",
        },
        {
            "indicator": "price",
            "condition": "greater_than",
            "value": "ema_50",
            "and": {"indicator": "rsi", "condition": "greater_than", "value": 55},
            "description": "BUY: above the long average with strength",
        },
        {
            "indicator": "macd",
            "condition": "crosses_above",
            "value": "macd_signal",
            "description": "BUY: MACD turns up",
        },
        {
            "indicator": "ema_9",
            "condition": "crosses_below",
            "value": "ema_21",
            "description": "SELL: fast average turns down through the slow one",
        },
        {
            "indicator": "price",
            "condition": "less_than",
            "value": "ema_50",
            "and": {"indicator": "rsi", "condition": "less_than", "value": 45},
            "description": "SELL: below the long average with weakness",
        },
        {
            "indicator": "macd",
            "condition": "crosses_below",
            "value": "macd_signal",
            "description": "SELL: MACD turns down",
        },
    ])
}

/// What the platform's form writes: every block present, most of them off, and no direction.
fn oversold_form() -> Value {
    json!({
        "entry": {
            "conditions": [
                {"indicator": "RSI", "condition": "less_than", "value": 32, "period": 14},
            ],
            "logic": "AND",
        },
        "exit": {
            "takeProfit": {"type": "pips", "value": 28},
            "stopLoss": {"type": "pips", "value": 14},
            "trailing": {"enabled": false, "distance": 10},
        },
        "riskManagement": {"lotSize": 0.01, "maxPositions": 2, "maxDailyLoss": 120},
        "dynamicRisk": {
            "useATRSizing": false,
            "atrMultiplier": 2,
            "riskPercentage": 1,
            "autoAdjustLotSize": false,
            "reduceInHighVolatility": false,
            "volatilityThreshold": 0.02,
        },
        "sessionFilter": {
            "enabled": false,
            "allowedSessions": ["london", "newYork"],
            "useOptimalPairs": true,
            "aggressivenessMultiplier": {"optimal": 1.1, "suboptimal": 0.9},
        },
        "correlationFilter": {
            "enabled": false,
            "maxCorrelation": 0.75,
            "checkPairs": [],
            "skipHighlyCorrelated": true,
            "timeframes": ["H1", "H4"],
            "lookbackPeriod": 30,
            "minDataPoints": 20,
            "updateFrequency": 24,
            "dynamicThreshold": false,
            "groupByCurrency": true,
        },
    })
}

/// The weekday rules with so many conditions that, sent twice, they pass Pusher's 10 KiB: the event is lost
/// silently and only a heartbeat delivers the command.
fn long_rules() -> Value {
    let mut rules = weekday_scalping();
    let conditions: Vec<Value> = (0..45)
        .map(|step| {
            let (side, condition) = if step % 2 == 0 {
                ("BUY", "crosses_above")
            } else {
                ("SELL", "crosses_below")
            };
            json!({
                "indicator": format!("ema_{}", 5 + step),
                "condition": condition,
                "value": format!("ema_{}", 50 + 2 * step),
                "description": format!("{side}: average {} against average {}", 5 + step, 50 + 2 * step),
            })
        })
        .collect();
    rules["entry"]["conditions"] = conditions.into();
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_belong_to_the_seed_and_the_long_rules_do_not_fit_pusher() {
        let ids = |seed| {
            fixtures(seed)
                .into_iter()
                .map(|fixture| fixture.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(1), ids(1));
        assert_ne!(ids(1), ids(2));
        let sizes: Vec<usize> = fixtures(1)
            .iter()
            .map(|fixture| 2 * fixture.rules.to_string().len())
            .collect();
        let (long, others) = sizes.split_last().unwrap_or((&0, &[]));
        assert!(
            *long > 10_240 && others.iter().all(|size| *size < 9_000),
            "{sizes:?}"
        );
    }
}
