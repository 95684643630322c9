//! What holds for the exits of any plan on any path of prices.

use proptest::prelude::*;
use rust_decimal::prelude::ToPrimitive;
use serde_json::json;

use super::levels::entering;
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
        for (step, seconds) in steps {
            let before = now / 900;
            now += seconds;
            bid += Decimal::new(step, 5);
            if now / 900 > before {
                let close = bid.to_f64().unwrap();
                let closed = bars(&[close], Timeframe::M15, now / 900 * 900, 0.0015);
                scene.panel.push(&closed[0], 0).unwrap();
            }
            let ask = bid + Decimal::new(5, 5);
            let price = if buy { bid } else { ask };
            let touch = scene.touch();
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
        }
    }
}
