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
