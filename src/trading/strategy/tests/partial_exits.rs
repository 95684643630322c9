//! The enhanced partial exits: what each stored shape becomes, and what is closed when.

use serde_json::json;

use super::exits::{part, stop_after, with_exit};
use super::refusals::{one, reasons};
use super::*;

fn enhanced(partial: &Value) -> Value {
    let mut rules = one(&super::refusals::condition("price", "gt", &json!(1.1)));
    rules["exit"]["enhancedPartialExits"] = partial.clone();
    rules
}

fn level(value: &Value) -> Value {
    enhanced(&json!({ "levels": [value] }))
}

#[test]
fn r12_each_shape_is_known_by_its_keys() {
    let trigger = |kind: &str, key: &str, target: Value| {
        json!({ "id": "a", "name": "first", "percentage": 30, "triggerType": kind, key: target,
            "isActive": true, "priority": 1 })
    };
    for (stored, said) in [
        // From the form.
        (
            trigger(
                "profit",
                "profitTarget",
                json!({ "type": "pips", "value": 12 }),
            ),
            "takes 30 % at 12 pips",
        ),
        (
            trigger(
                "profit",
                "profitTarget",
                json!({ "type": "percentage", "value": "0.5" }),
            ),
            "takes 30 % at 0.5 % of the price",
        ),
        (
            trigger(
                "profit",
                "profitTarget",
                json!({ "type": "rr_ratio", "value": 1.5 }),
            ),
            "takes 30 % at 1.5 times the stop",
        ),
        (
            trigger(
                "profit",
                "profitTarget",
                json!({ "type": "amount", "value": 40 }),
            ),
            "takes 30 % at a profit of 40 in account currency",
        ),
        (
            trigger(
                "time",
                "timeTarget",
                json!({ "type": "duration", "value": "2", "timeUnit": "hours" }),
            ),
            "takes 30 % at 2 hours after opening",
        ),
        (
            trigger(
                "time",
                "timeTarget",
                json!({ "type": "specific_time", "value": "16:30" }),
            ),
            "takes 30 % at 16:30 UTC",
        ),
        (
            trigger(
                "time",
                "timeTarget",
                json!({ "type": "session_end", "value": 0, "sessionType": "london" }),
            ),
            "takes 30 % at the end of London (17:00 UTC)",
        ),
        (
            trigger(
                "price",
                "priceTarget",
                json!({ "type": "absolute", "value": 1.3 }),
            ),
            "takes 30 % at the price 1.3",
        ),
        (
            trigger(
                "price",
                "priceTarget",
                json!({ "type": "resistance", "lookback": 30 }),
            ),
            "takes 30 % at the highest high of 30 bars",
        ),
        (
            trigger("price", "priceTarget", json!({ "type": "support" })),
            "takes 30 % at the lowest low of 20 bars",
        ),
        (
            trigger(
                "atr",
                "atrTarget",
                json!({ "multiplier": 2, "direction": "profit" }),
            ),
            "takes 30 % at a profit of 2 times ATR 14",
        ),
        (
            trigger(
                "atr",
                "atrTarget",
                json!({ "multiplier": 1, "direction": "loss" }),
            ),
            "takes 30 % at a loss of 1 times ATR 14",
        ),
        // From the seeds.
        (
            json!({ "percentage": 30, "type": "rr_ratio", "value": 1, "moveStopToBreakeven": true }),
            "takes 30 % at 1 times the stop and moves the stop to the open price",
        ),
        // From the platform's partial-exit page.
        (
            json!({ "percentage": 30, "trigger": { "type": "pips", "value": 20, "operator": ">=" }, "moveStopToBreakEven": true, "reduceAfterExit": false }),
            "takes 30 % at 20 pips and moves the stop to the open price",
        ),
        (
            json!({ "percentage": 30, "trigger": { "type": "time", "value": 45, "timeUnit": "minutes" } }),
            "takes 30 % at 45 minutes after opening",
        ),
        (
            json!({ "percentage": 30, "trigger": { "type": "atr", "atrMultiplier": 1.5 } }),
            "takes 30 % at a profit of 1.5 times ATR 14",
        ),
        // From the first executor.
        (
            json!({ "percentage": 30, "triggerType": "rr", "triggerValue": 1.2 }),
            "takes 30 % at 1.2 times the stop",
        ),
        (
            json!({ "percentage": 30, "triggerType": "pips", "triggerValue": 15 }),
            "takes 30 % at 15 pips",
        ),
        (
            json!({ "percentage": 30, "triggerType": "atr", "triggerValue": 1 }),
            "takes 30 % at a profit of 1 times ATR 14",
        ),
    ] {
        let sentence = rules_planned(&level(&stored), None).map(|plan| plan.sentence());
        let sentence = sentence.unwrap_or_else(|refusal| panic!("{stored}: {refusal}"));
        assert!(
            sentence.contains(&format!("{said}; target 30 pips")),
            "{stored}: {sentence}"
        );
    }
}

#[test]
fn r12_what_cannot_be_done_exactly_is_refused_by_name() {
    let of = |level: Value| format!("{}", reasons(&self::level(&level))[0]);
    let target = |kind: &str, key: &str, target: Value| {
        of(json!({ "percentage": 30, "triggerType": kind, key: target }))
    };
    let place = "exit.enhancedPartialExits.levels[0]";
    for (found, said) in [
        (
            of(json!({ "percentage": 30 })),
            ": does not say when the part is closed",
        ),
        (
            of(json!({ "type": "pips", "value": 5 })),
            ": needs \"percentage\"",
        ),
        (
            of(json!({ "percentage": 30, "type": "moon", "value": 5 })),
            ": a part by \"moon\" is not known",
        ),
        (
            of(
                json!({ "percentage": 30, "triggerType": "regime", "regimeTarget": { "regime": "ranging" } }),
            ),
            ": a part by market regime cannot be followed",
        ),
        (
            of(json!({ "percentage": 30, "triggerType": "swing", "triggerValue": 5 })),
            ": rules do not say how many bars make a swing",
        ),
        (
            of(json!({ "percentage": 30, "triggerType": "time", "triggerValue": 5 })),
            ": the unit of this duration is not stored (timeUnit: minutes, hours or days)",
        ),
        (
            target(
                "time",
                "timeTarget",
                json!({ "type": "duration", "value": 5 }),
            ),
            ".timeTarget: the unit of this duration is not stored (timeUnit: minutes, hours or days)",
        ),
        (
            target(
                "time",
                "timeTarget",
                json!({ "type": "session_end", "sessionType": "any" }),
            ),
            ".timeTarget: does not name one session whose end is meant",
        ),
        (
            target(
                "price",
                "priceTarget",
                json!({ "type": "relative", "value": 5 }),
            ),
            ".priceTarget: the unit of a relative price is not stored",
        ),
        (
            target(
                "profit",
                "profitTarget",
                json!({ "type": "moons", "value": 5 }),
            ),
            ".profitTarget: a part by \"moons\" is not known",
        ),
        (
            target(
                "trailing",
                "trailingTarget",
                json!({ "distance": 5, "distanceType": "pips" }),
            ),
            ": a part that trails needs the best price since opening, which is not kept; only the last part, of all that is left, can trail",
        ),
        (
            of(json!({ "percentage": 30, "trigger": { "type": "profit", "value": 5 } })),
            ".trigger: the unit of this profit is not stored (pips, percentage, rr_ratio or amount)",
        ),
        (
            of(
                json!({ "percentage": 30, "trigger": { "type": "price", "value": 5, "operator": "<" } }),
            ),
            ".trigger.operator: this comparison cannot be followed here",
        ),
        (
            of(json!({ "percentage": 30, "type": "pips", "value": 5, "conditions": [{ "a": 1 }] })),
            ".conditions: this part of a partial exit is not known",
        ),
        (
            of(json!({ "percentage": 30, "type": "pips", "value": 5, "trailingAfterExit": true })),
            ".trailingAfterExit: this part of a partial exit is not known",
        ),
    ] {
        assert_eq!(
            found.rsplit_once(" (R").unwrap().0,
            format!("{place}{said}")
        );
    }
    let whole = |partial: Value| reasons(&enhanced(&partial))[0].to_string();
    let pips = json!({ "percentage": 60, "type": "pips", "value": 10 });
    let time =
        json!({ "percentage": 30, "trigger": { "type": "time", "value": 1, "timeUnit": "hours" } });
    for (partial, said) in [
        (
            json!({ "levels": [pips, pips] }),
            ".levels: the parts add up to 120 %, over 100 % (R12)",
        ),
        (
            json!({ "levels": [pips, time], "strategy": "parallel" }),
            ".strategy: parts in parallel are followed only when all are profits of one unit; which of them are done could not be told otherwise (R12)",
        ),
        (
            json!({ "levels": [pips], "strategy": "conditional" }),
            ".strategy: partial exits of kind \"conditional\" cannot be followed (R12)",
        ),
        (
            json!({ "levels": [pips], "trailRemaining": true }),
            ": has no \"trailDistance\" (R10)",
        ),
        (
            json!({ "levels": [pips, time], "riskManagement": { "maxPartialExits": 1 } }),
            ".riskManagement.maxPartialExits: there are 2 levels, more than 1 (R12)",
        ),
        (
            json!({ "levels": [pips], "riskManagement": { "emergencyExit": { "enabled": true, "drawdown": 5 } } }),
            ".riskManagement.emergencyExit: this exit is not known (R12)",
        ),
    ] {
        assert_eq!(whole(partial), format!("exit.enhancedPartialExits{said}"));
    }
}

#[test]
fn r12_levels_that_are_no_list_are_refused() {
    let level = json!({ "percentage": 50, "triggerType": "profit", "profitTarget": { "type": "pips", "value": 20 } });
    for wrong in [
        json!({ "levels": { "one": level } }),
        json!({ "levels": "50 % at 20" }),
        json!([level]),
    ] {
        let refusal = rules_planned(&enhanced(&wrong), None).unwrap_err();
        let told = refusal.to_string();
        assert!(
            told.contains("is no list of levels (R12)"),
            "{wrong}: {told}"
        );
    }
}

#[test]
fn r12_the_form_with_all_its_settings_says_what_it_follows() {
    let rules = enhanced(&json!({
        "enabled": false,
        "strategy": "sequential",
        "levels": [
            { "id": "1", "name": "one", "percentage": 50, "triggerType": "profit", "priority": 1, "isActive": true,
              "profitTarget": { "type": "pips", "value": 20 }, "conditions": [], "description": "" },
            { "id": "2", "name": "off", "percentage": 50, "triggerType": "regime", "priority": 2, "isActive": false,
              "regimeTarget": { "regime": "ranging", "confidence": 70, "action": "skip" } },
            { "id": "3", "name": "rest", "percentage": 50, "triggerType": "trailing", "priority": 3, "isActive": true,
              "trailingTarget": { "distance": 15, "distanceType": "pips", "activationPoint": 1.5, "activationType": "rr_ratio" } },
        ],
        "globalSettings": { "allowReentry": false, "minRemainingPosition": 10, "maxDailyPartialExits": 10,
            "cooldownPeriod": 0, "reduceInHighVolatility": true, "volatilityThreshold": 0.03, "adjustForSpread": false,
            "maxSpreadPercentage": 0.1, "respectMarketSessions": false, "avoidNewsEvents": false, "newsBufferMinutes": 30 },
        "performanceTracking": { "trackPartialExits": true },
        "integration": { "withSmartExits": true, "withTrailingStops": true },
    }));
    let plan = rules_planned(&rules, None).unwrap();
    let sentence = plan.sentence();
    assert!(
        sentence.contains(
            "Stop 20 pips; takes 50 % at 20 pips; no part leaves less than 10 %; no target; trails by 15 pips once the parts are taken and the profit is 1.5 times the stop;"
        ),
        "{sentence}"
    );
    let skipped: Vec<String> = plan.skipped().iter().map(ToString::to_string).collect();
    assert_eq!(
        skipped,
        [
            "exit.enhancedPartialExits.globalSettings.maxDailyPartialExits: parts are taken however many there are on a day (R12)",
            "exit.enhancedPartialExits.globalSettings.reduceInHighVolatility: parts do not depend on volatility (R12)",
        ]
    );
}

#[test]
fn r12_the_place_inside_exit_comes_first_and_nothing_is_combined() {
    let at = |pips: u32| json!({ "levels": [{ "percentage": 40, "type": "pips", "value": pips }] });
    let smart = json!({ "takeProfit": { "type": "partial", "rrRatio": 3, "partialExits": [
        { "percentage": 50, "atRR": 1 }, { "percentage": 50, "atRR": 2 } ] } });
    let mut rules = enhanced(&at(10));
    rules["enhancedPartialExits"] = at(11);
    rules["exit"]["smartExit"] = smart;
    let sentence = |rules: &Value| rules_planned(rules, None).unwrap().sentence();
    assert!(sentence(&rules).contains("takes 40 % at 10 pips; target 30 pips;"));
    rules["exit"]["enhancedPartialExits"] = json!({ "levels": [] });
    assert!(sentence(&rules).contains("takes 40 % at 11 pips; target 30 pips;"));
    rules["enhancedPartialExits"] = json!({ "levels": [] });
    assert!(
        sentence(&rules).contains("takes 50 % at 1 times the stop; the rest at 2 times the stop;")
    );
}

#[test]
fn a_part_beyond_the_take_profit_is_left_out_and_said() {
    let planned = |target: Value, second: Value| {
        with_exit(&json!({
            "stopLoss": { "type": "pips", "value": 25 },
            "takeProfit": target,
            "enhancedPartialExits": { "levels": [
                { "percentage": 50, "type": "pips", "value": 20 }, second,
            ] },
        }))
    };
    let at = |kind: &str, value: u32| json!({ "percentage": 30, "type": kind, "value": value });
    let pips = json!({ "type": "pips", "value": 50 });
    for (target, second) in [
        (pips.clone(), at("pips", 70)),
        // 3 times 25 pips.
        (pips.clone(), at("rr_ratio", 3)),
        (json!({ "type": "rr_ratio", "value": 2 }), at("pips", 70)),
    ] {
        let plan = planned(target, second);
        let sentence = plan.sentence();
        assert!(
            sentence.contains("takes 50 % at 20 pips; target 50 pips;")
                || sentence.contains("takes 50 % at 20 pips; target 2 times the stop;"),
            "{sentence}"
        );
        assert_eq!(
            plan.skipped()[0].to_string(),
            "exit.enhancedPartialExits.levels[1]: lies beyond the take profit, which closes all that is left before; this part is never taken (R12)"
        );
    }
    let kept = planned(pips, at("rr_ratio", 2));
    assert!(kept.skipped().is_empty(), "not beyond it");
}

/// As seeds store it: two parts, the stop to the open price after the first, the rest trailed.
fn seeded() -> Plan {
    with_exit(&json!({
        "stopLoss": { "type": "pips", "value": 20 },
        "takeProfit": { "type": "pips", "value": 100 },
        "enhancedPartialExits": {
            "levels": [
                { "percentage": 50, "type": "rr_ratio", "value": 1, "moveStopToBreakeven": true },
                { "percentage": 30, "type": "rr_ratio", "value": 2 },
            ],
            "trailRemaining": true,
            "trailDistance": 15,
        },
    }))
}

fn scene(plan: Plan, side: Side, stop: &str, volume: &str) -> Scene {
    Scene::new(plan, position(side, "1.1000", Some(stop), volume), &[])
}

#[test]
fn parts_then_the_open_price_then_the_rest_is_trailed() {
    let mut scene = scene(seeded(), Side::Buy, "1.0980", "0.10");
    assert_eq!(scene.at("1.1019", MONDAY), None);
    assert_eq!(part(scene.at("1.1020", MONDAY)), Some(decimal("0.05")));
    scene.position.volume = decimal("0.05");
    // Also after a restart, and when the price has come back.
    assert_eq!(stop_after(scene.at("1.1005", MONDAY)), Some(decimal("1.1")));
    assert_eq!(scene.at("1.10005", MONDAY), None, "too near to the price");
    scene.position.stop_loss = Some(decimal("1.1"));
    assert_eq!(scene.at("1.1039", MONDAY), None);
    assert_eq!(part(scene.at("1.1040", MONDAY)), Some(decimal("0.03")));
    scene.position.volume = decimal("0.02");
    assert_eq!(
        stop_after(scene.at("1.1030", MONDAY)),
        Some(decimal("1.1015"))
    );
    scene.position.stop_loss = Some(decimal("1.1015"));
    assert_eq!(scene.at("1.1029", MONDAY), None, "never back");
}

#[test]
fn r11_parts_too_small_to_close_still_move_the_stop() {
    let mut scene = scene(seeded(), Side::Sell, "1.1020", "0.01");
    // The ask is a pip above the bid.
    assert_eq!(scene.at("1.0980", MONDAY), None);
    assert_eq!(stop_after(scene.at("1.0979", MONDAY)), Some(decimal("1.1")));
    scene.position.stop_loss = Some(decimal("1.1"));
    assert_eq!(scene.at("1.0960", MONDAY), None);
    assert_eq!(
        stop_after(scene.at("1.0959", MONDAY)),
        Some(decimal("1.0975"))
    );
    let told = scene.plan.fit(&SymbolSpec {
        volume_min: decimal("0.06"),
        ..eurusd()
    });
    assert_eq!(
        told.unwrap()[1..],
        [
            "50 % of 0.1 lots is too small to close alone at 1 times the stop, so it is left for the next level",
            "30 % of 0.1 lots is too small to close alone at 2 times the stop, so it is left for the next level",
        ]
    );
}

#[test]
fn parts_by_time_and_price_are_taken_one_after_the_other() {
    let plan = with_exit(&json!({
        "stopLoss": { "type": "pips", "value": 50 },
        "enhancedPartialExits": { "levels": [
            { "percentage": 20, "triggerType": "time", "priority": 2,
              "timeTarget": { "type": "specific_time", "value": "09:00" } },
            { "percentage": 30, "triggerType": "price", "priority": 1,
              "priceTarget": { "type": "absolute", "value": 1.0990 } },
            { "percentage": 50, "triggerType": "profit", "priority": 3,
              "profitTarget": { "type": "amount", "value": 25 } },
        ] },
    }));
    let mut scene = scene(plan, Side::Buy, "1.0950", "0.10");
    let nine = MONDAY + 3_600;
    assert_eq!(scene.at("1.1000", nine), None, "the price comes first");
    assert_eq!(part(scene.at("1.0990", nine - 1)), Some(decimal("0.03")));
    scene.position.volume = decimal("0.07");
    assert_eq!(scene.at("1.0995", nine - 1), None);
    assert_eq!(part(scene.at("1.0995", nine)), Some(decimal("0.02")));
    scene.position.volume = decimal("0.05");
    // A tick is worth a unit of money for a lot: 25 for 0.1 lots is 25 pips.
    assert_eq!(scene.at("1.1024", nine), None);
    assert!(matches!(
        scene.at("1.1025", nine),
        Some(Adjustment::Close { volume: None, .. })
    ));
}

#[test]
fn a_part_that_would_leave_less_than_the_rules_keep_waits_for_the_next() {
    let plan = with_exit(&json!({
        "stopLoss": { "type": "pips", "value": 20 },
        "enhancedPartialExits": {
            "levels": [
                { "percentage": 50, "type": "pips", "value": 10 },
                { "percentage": 20, "type": "pips", "value": 20 },
            ],
            "globalSettings": { "minRemainingPosition": 40 },
        },
    }));
    let scene = scene(plan, Side::Buy, "1.0980", "0.10");
    assert_eq!(part(scene.at("1.1020", MONDAY)), Some(decimal("0.05")));
    assert_eq!(
        scene.plan.fit(&eurusd()).unwrap().last().unwrap(),
        "20 % of 0.1 lots is too small to close alone at 20 pips, so it is left for the next level"
    );
}

/// Parts wait for those before them; where the price may come to a later one first, a reader must be told.
#[test]
fn a_part_that_waits_for_the_one_before_says_so() {
    let of = |kind: &str, value: f64| json!({ "percentage": 40, "triggerType": kind, "triggerValue": value });
    let sentence = |first: Value, second: Value| {
        let rules = enhanced(&json!({ "levels": [first, second] }));
        rules_planned(&rules, None).unwrap().sentence()
    };
    let told = sentence(of("rr", 1.0), of("pips", 20.0));
    let words = "takes 40 % at 1 times the stop; after that takes 40 % at 20 pips";
    assert!(told.contains(words), "{told}");
    let told = sentence(of("pips", 20.0), of("pips", 10.0));
    let words = "takes 40 % at 10 pips; takes 40 % at 20 pips";
    assert!(told.contains(words), "{told}");
}

/// The plain ones count then, and a reader is told (R10).
#[test]
fn an_incomplete_smart_exit_is_named_among_what_is_not_followed() {
    let mut rules = one(&super::refusals::condition("price", "gt", &json!(1.1)));
    rules["exit"]["smartExit"] = json!({ "enabled": true,
        "stopLoss": { "type": "atr", "atrMultiplierX": 2 }, "takeProfit": { "type": "rr_ratio" } });
    let plan = rules_planned(&rules, None).unwrap();
    let said: Vec<_> = plan.skipped().iter().map(ToString::to_string).collect();
    for key in ["exit.smartExit.stopLoss", "exit.smartExit.takeProfit"] {
        assert!(said.iter().any(|line| line.contains(key)), "{said:?}");
    }
}
