//! Stops that move while a position is open.

use serde_json::json;

use super::exits::stop_after;
use super::levels::entering;
use super::*;
use crate::strategy::exits::Trailing;

/// A position at 1.2400 opened at [`MONDAY`], when one more bar has closed.
fn scene(plan: Plan, closes: &[f64]) -> Scene {
    let all = bars(closes, Timeframe::M15, MONDAY + 900, 0.004);
    Scene::new(
        plan,
        position(Side::Buy, "1.2400", Some("1.2350"), "0.10"),
        &all,
    )
}

#[test]
fn a_trailing_stop_by_atr_keeps_its_least_distance_and_step() {
    let plan = |least: u32| {
        entering(
            "BUY",
            &json!({
                "stopLoss": { "type": "pips", "value": 50 },
                "trailing": { "enabled": true, "activateAtRR": 1.2, "type": "atr", "atrPeriod": 14,
                    "atrMultiplier": 1, "minDistance": least, "stepSize": 10 },
            }),
        )
    };
    let stop = |least: u32, standing: &str, bid: &str| {
        let mut scene = scene(plan(least), &[1.25; 300]);
        scene.position.stop_loss = Some(decimal(standing));
        stop_after(scene.at(bid, MONDAY + 900))
    };
    assert_eq!(stop(30, "1.2350", "1.2459"), None, "not 1.2 times the risk");
    assert_eq!(stop(30, "1.2350", "1.2460"), Some(decimal("1.2420")));
    assert_eq!(stop(50, "1.2350", "1.2460"), Some(decimal("1.2410")));
    assert_eq!(stop(50, "1.2401", "1.2460"), None, "less than the step");
    assert_eq!(stop(50, "1.2400", "1.2460"), Some(decimal("1.2410")));
    // Without bars there is no ATR.
    let blind = Scene::new(
        plan(30),
        position(Side::Buy, "1.2400", Some("1.2350"), "0.10"),
        &[],
    );
    assert_eq!(blind.at("1.2500", MONDAY + 900), None);
}

fn following(update: bool) -> Plan {
    entering(
        "BUY",
        &json!({ "smartExit": { "stopLoss": {
            "type": "ema", "emaReference": "ema_20", "distancePips": 2, "minPips": 10,
            "maxPips": 95, "updateOnCandle": update,
        } } }),
    )
}

#[test]
fn a_stop_behind_an_average_follows_it_at_each_closed_bar_and_never_back() {
    let mut rising = vec![1.24; 299];
    rising.push(1.25);
    let after_close = MONDAY + 900;
    for (update, closes, stop) in [
        (true, vec![1.25; 300], Some("1.2490")),
        // Two pips below an average of 1.24095.
        (true, rising.clone(), Some("1.24075")),
        (false, rising.clone(), None),
    ] {
        let scene = scene(following(update), &closes);
        assert_eq!(
            stop_after(scene.at("1.2500", after_close)),
            stop.map(decimal)
        );
    }
    let mut scene = scene(following(true), &rising);
    scene.position.stop_loss = Some(decimal("1.2410"));
    assert_eq!(scene.at("1.2500", after_close), None, "never back");
    scene.position.stop_loss = Some(decimal("1.2350"));
    assert_eq!(
        scene.at("1.2408", after_close),
        None,
        "too near to the price"
    );
    scene.position.opened_at = Timestamp::from_second(after_close).unwrap();
    assert_eq!(
        scene.at("1.2500", after_close),
        None,
        "no bar has closed since it was opened"
    );
}

#[test]
fn a_stop_of_the_trailing_type_follows_from_the_opening_on() {
    let plan = entering(
        "BUY",
        &json!({ "smartExit": { "stopLoss": { "type": "trailing", "trailDistance": 30 } } }),
    );
    let mut scene = scene(plan, &[1.25; 10]);
    scene.position.stop_loss = Some(decimal("1.2370"));
    assert_eq!(
        stop_after(scene.at("1.2409", MONDAY)),
        Some(decimal("1.2379"))
    );
    assert_eq!(scene.at("1.2400", MONDAY), None);
}

#[test]
fn what_must_happen_first_is_told_in_numbers() {
    let plan = super::exits::with_exit(&json!({
        "stopLoss": { "type": "pips", "value": 50 },
        "trailing": { "distance": 40, "activateAtRR": 1.2 },
        "enhancedPartialExits": { "levels": [{ "percentage": 50, "type": "pips", "value": 30, "moveStopToBreakeven": true }] },
        "smartExit": { "timeExit": { "maxHoldingMinutes": 90 } },
    }));
    assert!(!plan.exits().look_at_bars());
    for (side, stop, (part, moved), breakeven) in [
        (Side::Buy, "1.2350", ("1.2430", 1.24599), 1.24009),
        (Side::Sell, "1.2450", ("1.2370", 1.23401), 1.23991),
    ] {
        let near = |found: f64, wanted: f64| (found - wanted).abs() < 1e-9;
        let mut scene = Scene::new(
            plan.clone(),
            position(side, "1.2400", Some(stop), "0.10"),
            &[],
        );
        let ahead = |touch: Touch| match side {
            Side::Buy => touch.upper,
            Side::Sell => touch.lower,
        };
        let touch = scene.touch();
        assert_eq!(touch.part, Some(decimal(part)));
        assert_eq!(touch.second, MONDAY + 90 * 60);
        assert!(near(ahead(touch), part.parse().unwrap()), "{touch:?}");
        // After the part, the stop goes to the open price as soon as the broker's ten points allow it.
        scene.position.volume = decimal("0.05");
        let touch = scene.touch();
        assert_eq!(touch.part, None);
        assert!(near(ahead(touch), breakeven), "{touch:?}");
        scene.position.stop_loss = Some(decimal("1.2400"));
        assert!(near(ahead(scene.touch()), moved), "{touch:?}");
        assert!(!scene.touch().is_reached(1.2400, MONDAY));
    }
}

#[test]
fn a_part_left_for_the_next_one_is_asked_about_only_where_a_stop_waits_for_it() {
    for (breakeven, follows, asks) in [
        (false, false, false),
        (true, false, true),
        (false, true, true),
    ] {
        let mut exit = json!({
            "stopLoss": { "type": "pips", "value": 50 },
            "enhancedPartialExits": { "levels": [
                { "percentage": 50, "type": "pips", "value": 30, "moveStopToBreakeven": breakeven }
            ] },
        });
        if follows {
            exit["enhancedPartialExits"]["trailRemaining"] = json!(true);
            exit["enhancedPartialExits"]["trailDistance"] = json!(15);
        }
        let plan = super::exits::with_exit(&exit);
        let waits = plan.exits().trailing.iter().any(Trailing::waits);
        assert_eq!(waits, follows);
        // Half of the smallest volume cannot be closed.
        let position = position(Side::Buy, "1.2400", Some("1.2350"), "0.01");
        let touch = Scene::new(plan, position, &[]).touch();
        assert_eq!(touch.part, Some(decimal("1.2430")));
        assert_eq!(touch.is_reached(1.2431, MONDAY), asks, "{touch:?}");
    }
}
