//! Switches: off, on, or neither, where something looks for them and where nothing does.

use serde_json::json;

use super::refusals::{condition, one, reasons};
use super::*;

/// A switch of another name that is off: what it stands in may be meant to be off, too.
#[test]
fn r4_a_switch_of_another_name_that_is_off_is_refused() {
    for (key, place) in [
        ("isEnabled", "/entry"),
        ("allowBuy", "/entry/conditions/0"),
        ("is_active", ""),
        ("autoTrade", "/exit"),
    ] {
        let mut off = one(&condition("rsi", "gt", &json!(50)));
        off.pointer_mut(place).unwrap()[key] = json!(false);
        let refused = reasons(&off);
        assert!(
            refused.iter().any(|reason| reason.key.ends_with(key)),
            "{key}: {refused:?}"
        );
    }
}

/// What is switched off where nobody looks for a switch is neither followed nor passed over, nor is what stands beside it.
#[test]
fn r4_a_switch_that_nobody_hears_is_refused() {
    for place in [
        "",
        "/entry",
        "/exit",
        "/exit/stopLoss",
        "/exit/takeProfit",
        "/riskManagement",
    ] {
        let mut rules = one(&condition("rsi", "gt", &json!(50)));
        rules["exit"]["takeProfit"] = json!({ "type": "pips", "value": 40 });
        rules["riskManagement"] = json!({ "lotSize": 0.02 });
        assert!(rules_planned(&rules, None).is_ok(), "{place}");
        let holder = rules.pointer_mut(place).unwrap();
        holder["enabled"] = json!(false);
        holder["hardStop"] = json!(3);
        let refused = reasons(&rules);
        let switch = format!("{}.enabled", place.replace('/', ".").trim_matches('.'));
        let switch = switch.trim_matches('.');
        assert!(
            refused.iter().any(|reason| reason.key == switch),
            "{switch}: {refused:?}"
        );
    }
    let mut joined = condition("rsi", "gt", &json!(50));
    joined["and"] = condition("rsi", "lt", &json!(80));
    joined["and"]["enabled"] = json!(false);
    let refused = reasons(&one(&joined));
    assert!(refused[0].key.ends_with("and.enabled"), "{refused:?}");
}

/// Who writes "no" means off; who writes "on" means on. Nothing is traded on that takes the one for the other.
#[test]
fn r4_a_switch_that_stands_neither_on_nor_off_is_refused() {
    let rules = || {
        let mut rules = one(&condition("rsi", "gt", &json!(50)));
        rules["exit"]["trailing"] = json!({ "distance": 15 });
        rules["filters"] = json!({ "spreadFilter": { "maxSpread": 2 } });
        rules
    };
    assert!(rules_planned(&rules(), None).is_ok());
    for (place, key) in [
        ("/entry/conditions/0", "enabled"),
        ("/entry/conditions/0", "isActive"),
        ("/exit/trailing", "enabled"),
        ("/filters/spreadFilter", "enabled"),
    ] {
        for unclear in [json!("no"), json!("on"), json!(2), json!("")] {
            let mut rules = rules();
            rules.pointer_mut(place).unwrap()[key] = unclear.clone();
            let path = format!(
                "{}.{key}",
                place[1..].replace("/0", "[0]").replace('/', ".")
            );
            let refused = reasons(&rules);
            assert!(
                refused.iter().any(|reason| reason.key == path),
                "{path} {unclear}: {refused:?}"
            );
        }
    }
    let mut on = rules();
    on["entry"]["conditions"][0]["isActive"] = json!(true);
    assert!(rules_planned(&on, None).is_ok());

    // Within what is off as a whole nothing is looked at.
    let mut off = rules();
    off["filters"]["spreadFilter"]["enabled"] = json!(false);
    off["filters"]["spreadFilter"]["inner"] = json!({ "enabled": "no" });
    assert!(rules_planned(&off, None).is_ok());
}

fn scalping_by_hours(times: &str, time: &Value) -> Value {
    let mut rules = one(&condition("rsi", "gt", &json!(50)));
    rules["sessionFilter"] = json!({ "mode": "weekend", "allowedDays": ["Monday", "Tuesday"],
        "aggressivenessMultiplier": { "optimal": 1, "suboptimal": 0.5 } });
    rules["sessionFilter"][times] =
        json!([{ "day": "Tuesday", "startHour": 8, "endHour": 12 }, time]);
    rules
}

/// Hours that are switched off are neither avoided nor the best; what else stands beside them is read or refused.
#[test]
fn r13_hours_that_are_switched_off_do_not_count() {
    for times in ["avoidTimes", "optimalTimes"] {
        let mut time =
            json!({ "day": "Monday", "startHour": 8, "endHour": 12, "description": "x" });
        let on = rules_planned(&scalping_by_hours(times, &time), None).unwrap();
        assert!(on.sentence().contains("Monday 08:00"), "{}", on.sentence());
        time["enabled"] = json!(true);
        let still = rules_planned(&scalping_by_hours(times, &time), None).unwrap();
        assert_eq!(on.sentence(), still.sentence());
        time["enabled"] = json!(false);
        let off = rules_planned(&scalping_by_hours(times, &time), None).unwrap();
        assert!(
            !off.sentence().contains("Monday 08:00"),
            "{}",
            off.sentence()
        );
        for (key, value) in [
            ("isActive", json!(false)),
            ("enabled", json!("no")),
            ("zzz", json!(7)),
        ] {
            let mut time = json!({ "day": "Monday", "startHour": 8, "endHour": 12 });
            time[key] = value;
            let path = format!("sessionFilter.{times}[1].{key}");
            let refused = reasons(&scalping_by_hours(times, &time));
            assert!(
                refused.iter().any(|one| one.key == path),
                "{path}: {refused:?}"
            );
        }
    }
}

/// The form writes `enabled: false` into partial exits that are on (R12); what stands in them is read all the same.
#[test]
fn r12_nothing_hides_in_partial_exits_that_call_themselves_off() {
    let with = |enabled: &Value, pointer: &str, key: &str, value: &Value| {
        let mut rules = one(&condition("rsi", "gt", &json!(50)));
        rules["exit"]["enhancedPartialExits"] = json!({
            "enabled": enabled,
            "levels": [{
                "percentage": 50, "triggerType": "profit",
                "profitTarget": { "type": "pips", "value": 10 },
                "timeTarget": { "type": "duration", "value": 4 },
            }],
        });
        if !key.is_empty() {
            let exits = &mut rules["exit"]["enhancedPartialExits"];
            exits.pointer_mut(pointer).unwrap()[key] = value.clone();
        }
        rules
    };
    for enabled in [json!(false), json!(true), Value::Null] {
        let plain = rules_planned(&with(&enabled, "", "", &Value::Null), None).unwrap();
        assert!(
            plain.sentence().contains("50 % at 10 pips"),
            "{}",
            plain.sentence()
        );
        for (pointer, key, value) in [
            ("/levels/0", "isActive", json!("no")),
            ("/levels/0", "enabled", json!("no")),
            ("/levels/0", "enabled", json!(false)),
            ("", "isActive", json!(false)),
            ("/levels/0", "onlyAboveRsi", json!(70)),
            ("/levels/0", "moveStopToPips", json!(5)),
            ("", "closeRestAtPips", json!(25)),
            ("/levels/0/profitTarget", "minBars", json!(3)),
            ("/levels/0/profitTarget", "enabled", json!(false)),
            ("/levels/0/profitTarget", "onlyWhen", json!({ "rsi": 70 })),
        ] {
            let rules = with(&enabled, pointer, key, &value);
            let refused = rules_planned(&rules, None).err();
            assert!(refused.is_some(), "{enabled} {pointer} {key}: {value}");
        }
    }
}
