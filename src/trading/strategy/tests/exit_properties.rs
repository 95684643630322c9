//! What holds for the exits of any plan on any path of prices.

use proptest::prelude::*;
use rust_decimal::prelude::ToPrimitive;
use serde_json::json;

use super::levels::entering;
use super::properties::{json, places};
use super::*;

fn partial() -> impl Strategy<Value = Value> {
    let level = (1_u32..60, 0_usize..7, 1_u32..30, any::<bool>()).prop_map(
        |(percent, kind, number, breakeven)| {
            let (kind, value) = match kind {
                0 => ("pips", f64::from(number)),
                1 => ("percentage", f64::from(number) / 100.0),
                2 => ("rr_ratio", f64::from(number) / 10.0),
                3 => ("amount", f64::from(number)),
                4 => ("atr", f64::from(number) / 10.0),
                5 => ("price", 1.235 + f64::from(number) / 3_000.0),
                _ => {
                    let due = json!({ "type": "time", "value": number, "timeUnit": "minutes" });
                    return json!({ "percentage": percent, "trigger": due, "moveStopToBreakeven": breakeven });
                }
            };
            json!({ "percentage": percent, "type": kind, "value": value, "moveStopToBreakeven": breakeven })
        },
    );
    (prop::collection::vec(level, 1..4), 0_u32..60, 0_u32..40).prop_map(|(levels, kept, trail)| {
        json!({
            "levels": levels,
            "globalSettings": { "minRemainingPosition": kept },
            "trailRemaining": trail > 4,
            "trailDistance": trail,
        })
    })
}

fn exits() -> impl Strategy<Value = Value> {
    let stop = prop_oneof![
        Just(json!({ "type": "fixed", "fixedPips": 20 })),
        Just(json!({ "type": "trailing", "trailDistance": 12 })),
        Just(
            json!({ "type": "ema", "emaReference": "ema_5", "distancePips": 1, "minPips": 5, "maxPips": 30,
            "updateOnCandle": true })
        ),
    ];
    let trailing = prop_oneof![
        Just(json!(null)),
        (1_u32..30, 0_u32..6, 0_u32..30).prop_map(|(distance, step, from)| json!({
            "distance": distance, "step": step, "activateAtRR": f64::from(from) / 10.0 })),
        (1_u32..30, 0_u32..30).prop_map(|(times, least)| json!({
            "type": "atr", "atrMultiplier": f64::from(times) / 10.0, "minDistance": least })),
    ];
    let most = prop_oneof![
        Just(json!(null)),
        (1_u32..3_000).prop_map(|most| json!(most))
    ];
    (stop, trailing, partial(), any::<bool>(), most, any::<bool>()).prop_map(
        |(stop, trailing, partial, in_parts, most, checked)| {
            json!({
                "trailing": trailing,
                "smartExit": {
                    "stopLoss": stop,
                    "timeExit": { "maxHoldingMinutes": most, "exitIfNoProgress": checked, "minProgressPips": 3 },
                },
                "enhancedPartialExits": if in_parts { partial } else { Value::Null },
            })
        },
    )
}

/// Refused only where the parts are more than the whole.
fn plan_of(exits: &Value, buy: bool) -> Option<Plan> {
    let partial = &exits["enhancedPartialExits"];
    let sum: u64 = partial["levels"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|level| level["percentage"].as_u64())
        .sum();
    (sum <= 100).then(|| entering(if buy { "BUY" } else { "SELL" }, exits))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn exits_only_ever_reduce_risk_and_nobody_asks_in_vain(
        exits in exits(),
        buy in any::<bool>(),
        steps in prop::collection::vec((-60_i64..60, 1_i64..400), 30..90),
        lots in 1_i64..40,
        least_lots in 1_i64..6,
        stops_level in prop_oneof![Just(0_u32), 1_u32..60],
    ) {
        let Some(plan) = plan_of(&exits, buy) else {
            return Ok(());
        };
        let side = if buy { Side::Buy } else { Side::Sell };
        let stop = if buy { "1.2380" } else { "1.2420" };
        let volume = Decimal::new(lots * least_lots, 2);
        let long = position(side, "1.2400", Some(stop), &volume.to_string());
        let flat = vec![1.24; 400];
        let mut scene = Scene::new(plan, long, &bars(&flat, Timeframe::M15, MONDAY, 0.0015));
        scene.spec.volume_min = Decimal::new(least_lots, 2);
        scene.spec.stops_level = stops_level;
        let sign = if buy { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
        let mut now = MONDAY;
        let mut bid = Decimal::new(124_000, 5);
        let mut touch = scene.touch();
        for (step, seconds) in steps {
            let before = now / 900;
            now += seconds;
            bid += Decimal::new(step, 5);
            if now / 900 > before {
                let close = bid.to_f64().unwrap();
                let closed = bars(&[close], Timeframe::M15, now / 900 * 900, 0.0015);
                scene.panel.push(&closed[0], 0).unwrap();
                if scene.plan.exits().look_at_bars() {
                    touch = scene.touch();
                }
            }
            let ask = bid + Decimal::new(5, 5);
            let price = if buy { bid } else { ask };
            let asked = scene.quoted(bid, ask, now);
            if !touch.is_reached(price.to_f64().unwrap(), now) {
                prop_assert_eq!(asked, None, "nobody would have asked: {:?}", touch);
                continue;
            }
            match asked {
                None => {}
                Some(Adjustment::MoveStop { stop_loss, .. }) => {
                    let standing = scene.position.stop_loss.unwrap();
                    prop_assert!((stop_loss - standing) * sign > Decimal::ZERO);
                    let room = (price - stop_loss) * sign;
                    prop_assert!(room > Decimal::ZERO);
                    prop_assert!(room >= Decimal::from(stops_level) * scene.spec.point);
                    scene.position.stop_loss = Some(stop_loss);
                }
                Some(Adjustment::Close { volume: Some(part), .. }) => {
                    let left = scene.position.volume - part;
                    prop_assert!(part >= scene.spec.volume_min && left >= scene.spec.volume_min);
                    prop_assert!((part % scene.spec.volume_step).is_zero());
                    scene.position.volume = left;
                    let closed = scene.opened.volume - left;
                    let parts = &scene.plan.exits().parts;
                    let known = parts
                        .cuts(scene.opened.volume, &scene.spec)
                        .any(|(_, cut)| cut == Some(closed));
                    prop_assert!(known, "{closed} is closed, which no level asks for");
                }
                Some(Adjustment::Close { volume: None, .. }) => break,
            }
            touch = scene.touch();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn closed_parts_add_up_to_the_levels_reached(
        mut levels in prop::collection::vec((1_u32..30, 1_i64..60), 1..4),
        steps in prop::collection::vec(-150_i64..160, 1..40),
        lots in 10_i64..100,
    ) {
        let stored: Vec<Value> = levels
            .iter()
            .map(|(percent, pips)| json!({ "percentage": percent, "type": "pips", "value": pips }))
            .collect();
        let plan = entering("BUY", &json!({
            "stopLoss": { "type": "pips", "value": 500 },
            "enhancedPartialExits": { "levels": stored },
        }));
        let volume = Decimal::new(lots, 2);
        let long = position(Side::Buy, "1.2400", Some("1.1900"), &volume.to_string());
        let mut scene = Scene::new(plan, long, &[]);
        levels.sort_by_key(|(_, pips)| *pips);
        let (mut points, mut best) = (0, 0);
        for step in steps {
            points += step;
            best = best.max(points);
            let bid = Decimal::new(124_000 + points, 5);
            while let Some(asked) = scene.quoted(bid, bid, MONDAY) {
                let Adjustment::Close { volume: Some(part), .. } = asked else {
                    panic!("{asked:?}");
                };
                prop_assert!(part > Decimal::ZERO && part <= scene.position.volume);
                scene.position.volume -= part;
            }
            let percent: u32 = levels
                .iter()
                .filter(|(_, pips)| best >= pips * 10)
                .map(|(percent, _)| percent)
                .sum();
            // Of the original volume, in whole steps of 0.01 lots.
            let expected = Decimal::new(lots * i64::from(percent) / 100, 2);
            prop_assert_eq!(volume - scene.position.volume, expected);
        }
    }
}

/// Exits of every kind, with a few places replaced by anything.
fn damaged() -> impl Strategy<Value = Value> {
    let whole = json!({
        "stopLoss": { "type": "dynamic", "value": "ema_200_minus_2", "minPips": 15, "maxPips": 40 },
        "takeProfit": { "type": "atr", "value": 3, "atrPeriod": 14 },
        "trailing": { "enabled": true, "type": "atr", "atrMultiplier": 1, "minDistance": 50, "stepSize": 10, "activateAtRR": 1 },
        "smartExit": {
            "stopLoss": { "type": "support", "useSwingPoints": true, "swingLookback": 10, "distancePips": 2, "maxHoldingHours": 4 },
            "takeProfit": { "type": "resistance", "swingLookback": 10 },
            "timeExit": { "maxHoldingMinutes": 240, "checkEveryMinutes": 15, "exitIfNoProgress": true, "minProgressPips": 20 },
            "volatilityExit": { "exitOnHighVolatility": true, "volatilityThreshold": 0.04, "protectProfitAbove": 50 },
            "patternExit": { "exitOnReverseSignal": true },
            "weekendSpecific": { "closeAllBySunday": true, "sundayCloseTime": "22:00", "fridayCloseTime": "21:00" },
        },
        "enhancedPartialExits": { "strategy": "sequential", "levels": [
            { "percentage": 10, "triggerType": "profit", "profitTarget": { "type": "amount", "value": 12 } },
            { "percentage": 10, "triggerType": "price", "priceTarget": { "type": "absolute", "value": 1.3 } },
            { "percentage": 10, "triggerType": "atr", "atrTarget": { "multiplier": 2, "direction": "loss" } },
            { "percentage": 10, "trigger": { "type": "time", "value": 5, "timeUnit": "hours" } },
        ], "globalSettings": { "minRemainingPosition": 10 } },
    });
    let damage = prop::collection::vec((any::<prop::sample::Index>(), anything()), 0..4);
    damage.prop_map(move |damage| {
        let mut exits = whole.clone();
        for (index, value) in damage {
            let mut all = Vec::new();
            places(&exits, "", &mut all);
            if !all.is_empty() {
                *exits.pointer_mut(&all[index.index(all.len())]).unwrap() = value;
            }
        }
        exits
    })
}

/// What a broken rule may hold: also numbers as large as any that are taken.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        2 => json(),
        1 => Just(json!(1e12)),
        1 => Just(json!(1e-12)),
        1 => Just(json!(99.999)),
        1 => (1_i64..2_000_000).prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn damaged_exits_are_refused_or_followed_without_a_fault(exits in damaged(), buy in any::<bool>(), tick_value in prop_oneof![Just("0"), Just("1"), Just("0.0000001")]) {
        let mut rules = rules_with(&json!({ "conditions": [
            { "indicator": "price", "condition": ">", "value": 1.1, "description": if buy { "BUY" } else { "SELL" } },
        ]}));
        rules["exit"] = exits;
        let Ok(plan) = rules_planned(&rules, None) else {
            return Ok(());
        };
        prop_assert!(plan.sentence().contains("Stop "));
        let all = bars(&[1.24; 120], Timeframe::M15, MONDAY, 0.0015);
        drop(decide(&plan, &all));
        let side = if buy { Side::Buy } else { Side::Sell };
        let stop = if buy { "1.2380" } else { "1.2420" };
        let mut scene = Scene::new(plan, position(side, "1.2400", Some(stop), "0.10"), &all);
        scene.spec.tick_value = decimal(tick_value);
        scene.position.opened_at = Timestamp::from_second(MONDAY - 3_600).unwrap();
        let _told = scene.plan.fit(&scene.spec);
        for bid in ["1.2000", "1.2400", "1.2401", "1.3500"] {
            let touch = scene.touch();
            if let Some(asked) = scene.at(bid, MONDAY) {
                let price = decimal(bid) + if buy { Decimal::ZERO } else { decimal("0.0001") };
                prop_assert!(touch.is_reached(price.to_f64().unwrap(), MONDAY), "{asked:?} {touch:?}");
            }
        }
    }
}
