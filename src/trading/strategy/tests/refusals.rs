//! What is refused, by rule number, in which words; and what is only left out.

use serde_json::json;

use super::*;
use crate::strategy::{Language, NO_DIRECTION, Reason};

pub(super) fn condition(indicator: &str, operator: &str, value: &Value) -> Value {
    json!({ "indicator": indicator, "condition": operator, "value": value, "description": "BUY" })
}

pub(super) fn one(condition: &Value) -> Value {
    rules_with(&json!({ "logic": "AND", "conditions": [condition] }))
}

pub(super) fn reasons(rules: &Value) -> Vec<Reason> {
    rules_planned(rules, None).unwrap_err().reasons
}

/// The only reason, as the trader reads it.
pub(super) fn only(rules: &Value) -> String {
    let reasons = reasons(rules);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    reasons[0].to_string()
}

/// Complete, accepted rules with one place changed.
pub(super) fn changed(pointer: &str, value: Value) -> Value {
    let mut rules = fixture("quarter_hour_scalper")["rules"].clone();
    let (holder, key) = pointer.rsplit_once('/').unwrap();
    rules.pointer_mut(holder).unwrap()[key] = value;
    rules
}

#[test]
fn r1_no_direction_is_refused_until_the_trader_chooses() {
    let refusal = planned(&fixture("oversold_demo"), None).unwrap_err();
    assert!(refusal.needs_direction);
    assert_eq!(refusal.to_string(), format!("{NO_DIRECTION} (R1)"));
    assert!(planned(&fixture("oversold_demo"), Some(Side::Sell)).is_ok());
}

#[test]
fn r1_the_first_word_of_the_description_is_the_direction() {
    for (description, side) in [
        ("BUY: up", Some(Side::Buy)),
        ("BUY/SELL: either", None),
        ("Sell or buy", None),
        ("Buy the dip, sell the top", None),
        ("Short-term EMA above", None),
        ("Buy Signal: up", Some(Side::Buy)),
        ("SELL 3: down", Some(Side::Sell)),
        ("🚀 long: above", Some(Side::Buy)),
        ("short above", None),
        ("Short", Some(Side::Sell)),
        ("do not sell here", None),
        ("Buyers are strong", None),
        ("", None),
    ] {
        let rules = rules_with(&json!({ "conditions": [
            { "indicator": "rsi", "condition": "gt", "value": 50, "description": description },
        ]}));
        let found = rules_planned(&rules, None).ok().map(|plan| {
            if plan.trigger(Side::Buy).is_some() {
                Side::Buy
            } else {
                Side::Sell
            }
        });
        assert_eq!(found, side, "{description:?}");
    }
}

#[test]
fn r1_group_names_and_actions_are_directions() {
    let conditions = json!([{ "indicator": "rsi", "operator": "gt", "value": 50 }]);
    let grouped = rules_with(&json!({ "logic": "OR", "groups": [
        { "name": "short_entry", "logic": "AND", "conditions": conditions },
    ]}));
    let plan = rules_planned(&grouped, None).unwrap();
    assert!(plan.trigger(Side::Sell).is_some() && plan.trigger(Side::Buy).is_none());

    let mut by_action = rules_with(&Value::Null);
    by_action["rules"] = json!([
        { "name": "up", "conditions": conditions, "action": { "type": "buy" } },
    ]);
    let plan = rules_planned(&by_action, None).unwrap();
    assert!(plan.trigger(Side::Buy).is_some() && plan.trigger(Side::Sell).is_none());

    by_action["rules"][0]["action"]["type"] = "close".into();
    assert_eq!(
        only(&by_action),
        "rules[0].action.type: action \"close\" cannot be followed yet (R4)"
    );
}

#[test]
fn shapes_that_cannot_be_followed_yet_are_named() {
    let several = rules_with(&json!({
        "primary": [condition("rsi", "gt", &json!(50))],
        "confirmation": [{ "timeframe": "H4", "required": true }],
    }));
    assert_eq!(
        reasons(&several)[0].to_string(),
        "entry.confirmation[0]: a confirmation needs a known timeframe and a condition (R3)"
    );

    let mut nested = condition("rsi", "gt", &json!(50));
    nested["confirmation"] = condition("price", "gt", &json!("ema_50"));
    let nested = rules_with(&json!({ "conditions": [nested] }));
    assert_eq!(
        reasons(&nested)[0].to_string(),
        "entry.conditions[0].confirmation: asks for a condition of its own, which is not read in this place; put it under \"and\" (R4)"
    );
}

#[test]
fn a_confirmation_opens_nothing_by_itself() {
    let with = |primary: &str, confirms: &str| {
        let said = |indicator: &str, says: &str| {
            let mut one = condition(indicator, "lt", &json!(50));
            one["description"] = says.into();
            one
        };
        rules_with(&json!({
            "primary": [said("rsi", primary)],
            "confirmation": [{ "timeframe": "H1", "required": true, "condition": said("rsi", confirms) }],
        }))
    };
    assert_eq!(
        reasons(&with("BUY: dip", "SELL: H1 weak"))[0].to_string(),
        "entry: a confirmation is for a SELL and no primary condition is, so it would open by itself; give both one direction (R1)"
    );
    let plan = rules_planned(&with("BUY: dip", "H1 weak"), None).unwrap();
    assert!(plan.trigger(Side::Buy).is_some() && plan.trigger(Side::Sell).is_none());
    let plan = rules_planned(&with("dip", "SELL: H1 weak"), None).unwrap();
    assert!(plan.trigger(Side::Sell).is_some() && plan.trigger(Side::Buy).is_none());
}

#[test]
fn r1_mirrored_halves_are_one_direction_each() {
    let half = |over: &str, crosses: &str, level: i32| {
        [
            json!({ "indicator": "ema_50", "condition": over, "value": "ema_110" }),
            json!({ "indicator": "rsi", "condition": crosses, "value": level }),
        ]
    };
    let up = half("greater_than", "crosses_above", 30);
    let down = half("less_than", "crosses_below", 70);
    let of = |first: &[Value], second: &[Value]| {
        let all = [first, second].concat();
        rules_planned(
            &rules_with(&json!({ "logic": "AND", "conditions": all })),
            None,
        )
    };
    let plan = of(&up, &down).unwrap();
    let text = |side| {
        plan.trigger(side).unwrap().terms()[0].conditions()[0]
            .words(Timeframe::M15, Language::English)
    };
    assert_eq!(text(Side::Buy), "EMA 50 is above EMA 110");
    assert_eq!(text(Side::Sell), "EMA 50 is below EMA 110");
    let turned = of(&down, &up).unwrap();
    assert_eq!(turned.trigger(Side::Buy), plan.trigger(Side::Buy));

    // The averages of one half disagree: nothing says which half buys.
    let odd = |one: &str, other: &str| {
        [
            json!({ "indicator": "ema_50", "condition": one, "value": "ema_110" }),
            json!({ "indicator": "price", "condition": other, "value": "ema_50" }),
        ]
    };
    let disagreeing = of(&odd("gt", "lt"), &odd("lt", "gt"));
    assert!(disagreeing.unwrap_err().needs_direction);
    // The two ends of a scale: whoever buys at RSI over 70 follows the market, whoever buys under 30 waits for its return.
    let end = |over: &str, beyond: &str, level: i32| {
        [
            json!({ "indicator": "price", "condition": over, "value": "ema_50" }),
            json!({ "indicator": "rsi", "condition": beyond, "value": level }),
        ]
    };
    let reversal = of(&end("lt", "lt", 30), &end("gt", "gt", 70));
    assert!(reversal.unwrap_err().needs_direction);
    let momentum = of(&end("gt", "gt", 45), &end("lt", "lt", 55));
    assert!(momentum.unwrap().trigger(Side::Buy).is_some());
    // Beyond a band is no trend.
    let beyond_band =
        |over: &str| [json!({ "indicator": "price", "condition": over, "value": "bb_lower" })];
    let banded = of(&beyond_band("lt"), &beyond_band("gt"));
    assert!(banded.unwrap_err().needs_direction);
    assert!(of(&up, &up).unwrap_err().needs_direction, "not mirrored");
    assert!(
        of(&up[1..], &down[1..]).unwrap_err().needs_direction,
        "no trend says which is which"
    );
}

#[test]
fn r1_under_or_a_condition_without_direction_is_left_out_beside_others() {
    let rules = rules_with(&json!({ "logic": "OR", "conditions": [
        condition("rsi", "gt", &json!(50)),
        { "indicator": "rsi", "condition": "gt", "value": 60 },
    ]}));
    assert_eq!(
        rules_planned(&rules, Some(Side::Sell)),
        rules_planned(&rules, None),
        "the trader's choice is for rules without any direction"
    );
    let plan = rules_planned(&rules, None).unwrap();
    assert_eq!(plan.rule_count(), 1);
    assert_eq!(
        plan.skipped()[0].to_string(),
        "entry.conditions[1]: doesn't say whether it buys or sells, unlike the other conditions (R1)"
    );
}

#[test]
fn r3_nothing_to_evaluate_is_refused() {
    for rules in [
        json!(null),
        json!({}),
        json!("buy"),
        json!([]),
        rules_with(&json!({})),
        rules_with(&json!({ "logic": "AND", "conditions": [] })),
        rules_with(&json!({ "logic": "AND", "conditions": {} })),
        rules_with(&json!({ "logic": "AND", "conditions": [null] })),
        rules_with(&json!({ "logic": "AND", "conditions": [{}] })),
        rules_with(&json!({ "logic": "OR", "conditions": [{}, 5] })),
        rules_with(&json!({ "logic": "OR", "groups": [] })),
        rules_with(&json!({ "logic": "AND", "conditions": [
            { "indicator": "rsi", "condition": "gt", "value": 50, "enabled": false },
        ]})),
        rules_with(&json!({ "logic": "XOR", "conditions": [condition("rsi", "gt", &json!(50))] })),
        rules_with(&json!({ "conditions": [
            condition("rsi", "gt", &json!(50)), condition("rsi", "gt", &json!(60)),
        ]})),
    ] {
        for local in [None, Some(Side::Buy)] {
            let refusal = rules_planned(&rules, local).unwrap_err();
            assert!(
                refusal
                    .reasons
                    .iter()
                    .any(|reason| reason.rule.code() == "R3"),
                "{rules}: {refusal}"
            );
        }
    }
}

#[test]
fn r4_unknown_names_refuse_under_and() {
    assert_eq!(
        only(&one(&condition("moon_phase", "gt", &json!(1)))),
        "entry.conditions[0].indicator: indicator \"moon_phase\" is not known to this program (R4)"
    );
    assert_eq!(
        only(&one(&condition("rsi", "hovers_near", &json!(50)))),
        "entry.conditions[0].condition: operator \"hovers_near\" is not known to this program (R4)"
    );
    assert_eq!(
        only(&one(&condition("price", "gt", &json!("gravity")))),
        "entry.conditions[0].value: indicator \"gravity\" is not known to this program (R4)"
    );
    let mut nested = condition("rsi", "gt", &json!(50));
    nested["and"] = json!({ "indicator": "moon", "condition": "gt", "value": 1 });
    assert_eq!(
        only(&one(&nested)),
        "entry.conditions[0].and.indicator: indicator \"moon\" is not known to this program (R4)"
    );
    let mut elsewhere = condition("rsi", "gt", &json!(50));
    elsewhere["timeframe"] = json!("M5");
    assert_eq!(
        only(&one(&elsewhere)),
        "entry.conditions[0].timeframe: asks for M5, which is shorter than the strategy's M15 (R4)"
    );
    let mut more = condition("rsi", "gt", &json!(50));
    more["moodConfirmation"] = json!(true);
    assert_eq!(
        only(&one(&more)),
        "entry.conditions[0].moodConfirmation: changes the condition in a way that is not known (R4)"
    );
}

#[test]
fn r4_under_or_unknown_conditions_are_left_out_and_told() {
    let rules = rules_with(&json!({ "logic": "OR", "conditions": [
        condition("moon_phase", "gt", &json!(1)),
        condition("rsi", "gt", &json!(50)),
    ]}));
    let plan = rules_planned(&rules, None).unwrap();
    assert_eq!(plan.rule_count(), 1);
    assert_eq!(plan.skipped().len(), 1);
    assert!(plan.skipped()[0].to_string().contains("\"moon_phase\""));
    assert!(plan.sentence().contains("RSI 14 is above 50"));

    let nothing_left = rules_with(&json!({ "logic": "OR", "conditions": [
        condition("moon_phase", "gt", &json!(1)),
        condition("rsi", "sees", &json!(50)),
    ]}));
    assert_eq!(reasons(&nothing_left).len(), 2);
}

#[test]
fn r4_a_key_that_nobody_knows_is_refused() {
    let mut rules = one(&condition("rsi", "gt", &json!(50)));
    rules["exit"]["stopLoss"]["guaranteed"] = json!(true);
    rules["moonPhase"] = json!({ "enabled": true, "phase": "full" });
    let keys: Vec<String> = reasons(&rules)
        .into_iter()
        .map(|reason| reason.key)
        .collect();
    assert_eq!(
        keys,
        [
            "exit.stopLoss.guaranteed",
            "moonPhase.enabled",
            "moonPhase.phase"
        ]
    );
    rules["exit"]["stopLoss"]["guaranteed"] = json!(false);
    rules["moonPhase"]["enabled"] = json!(false);
    assert!(rules_planned(&rules, None).is_ok(), "asks for nothing now");
}

#[test]
fn r4_two_odd_keys_with_one_shortened_name_do_not_hide_each_other() {
    let mut rules = one(&condition("rsi", "gt", &json!(50)));
    let long = "key ".repeat(30);
    rules[format!("{long}a")] = json!(true);
    rules[format!("{long}b")] = json!(null);
    assert!(only(&rules).ends_with("this key is not known (R4)"));
}

#[test]
fn r5_the_number_in_the_name_beats_the_period() {
    let mut ema = condition("EMA 9", "crosses_above", &json!("ema_21"));
    ema["period"] = json!(14);
    let plan = rules_planned(&one(&ema), None).unwrap();
    assert!(
        plan.sentence().contains("EMA 9 crosses above EMA 21"),
        "{}",
        plan.sentence()
    );

    let mut ema = condition("EMA", "crosses_above", &json!("ema_21"));
    ema["period"] = json!("14");
    let plan = rules_planned(&one(&ema), None).unwrap();
    assert!(plan.sentence().contains("EMA 14 crosses above EMA 21"));

    let nameless = one(&condition("EMA", "crosses_above", &json!("ema_21")));
    assert_eq!(
        only(&nameless),
        "entry.conditions[0].indicator: \"EMA\" has no period (R7)"
    );
}

#[test]
fn r6_operands_that_cannot_be_meant_are_refused() {
    for (indicator, value) in [
        ("ema_20", json!(50)),
        ("sma_20", json!("200")),
        ("price", json!(0)),
        ("price", json!(-1.1)),
        ("rsi", json!(150)),
        ("rsi", json!(0)),
        ("rsi", json!(100)),
        ("rsi", json!("ema_50")),
        ("ema_9", json!("ema_9")),
        ("macd", json!("price")),
    ] {
        let reasons = reasons(&one(&condition(indicator, "greater_than", &value)));
        assert_eq!(
            reasons[0].rule.code(),
            "R6",
            "{indicator} {value}: {reasons:?}"
        );
    }
    for (indicator, value) in [
        ("ema_20", json!(1.25)),
        ("price", json!(150)),
        ("macd", json!(0)),
    ] {
        let rules = one(&condition(indicator, "greater_than", &value));
        assert!(rules_planned(&rules, None).is_ok(), "{indicator} {value}");
    }
}

#[test]
fn r7_a_comparison_with_nothing_is_refused() {
    assert_eq!(
        only(&one(&condition("rsi", "gt", &Value::Null))),
        "entry.conditions[0].value: RSI 14 is compared with nothing (R7)"
    );
    let absent = json!({ "indicator": "rsi", "condition": "gt", "description": "BUY" });
    assert_eq!(
        only(&one(&absent)),
        "entry.conditions[0].value: RSI 14 is compared with nothing (R7)"
    );
}

#[test]
fn r18_a_missing_or_senseless_volume_is_refused() {
    let lots = |value: Value| reasons(&changed("/riskManagement/lotSize", value))[0].to_string();
    assert_eq!(
        lots(json!(null)),
        "riskManagement.lotSize: neither the rules nor the START settings say how many lots to trade (R18)"
    );
    assert_eq!(
        lots(json!(0)),
        "riskManagement.lotSize: 0 must be above zero (R18)"
    );
    assert_eq!(
        lots(json!(1e9)),
        "riskManagement.lotSize: 1000000000 lots are too many (R18)"
    );
}

#[test]
fn start_settings_and_options_are_read_strictly() {
    let row = fixture("oversold_demo");
    let with = |settings: &Value, options: &Value| {
        plan(&PlanRequest {
            rules: &row["rules"],
            settings,
            options,
            symbol: "EURUSD",
            timeframe: "H1",
            local_direction: Some(Side::Buy),
            allowances: Allowances::default(),
        })
        .map_err(|refusal| refusal.to_string())
    };
    let none = json!({});
    assert!(
        with(
            &none,
            &json!({ "startImmediately": true, "paperTrading": false })
        )
        .is_ok()
    );
    assert_eq!(
        with(&json!({ "leverage": 500 }), &none).unwrap_err(),
        "(settings).leverage: this key is not known (R4)"
    );
    assert_eq!(
        with(&json!({ "maxDailyLoss": 500 }), &none).unwrap_err(),
        "(settings).maxDailyLoss: 500 % is too much (R17)"
    );
    assert_eq!(
        with(&none, &json!({ "paperTrading": true })).unwrap_err(),
        "(options).paperTrading: paper trading is a switch of the whole program, not of one strategy (R4)"
    );
    assert_eq!(
        with(&none, &json!({ "startImmediately": false })).unwrap_err(),
        "(options).startImmediately: asks for a later start; a strategy starts at the next closed bar, so activate it when it is to trade (R4)"
    );
    assert_eq!(
        with(&none, &json!({ "startImmediately": "later" })).unwrap_err(),
        "(options).startImmediately: must be true or false (R4)"
    );
    assert!(with(&none, &json!({ "startImmediately": null })).is_ok());
}

#[test]
fn a_timeframe_or_symbol_that_is_none_is_refused() {
    let mut row = fixture("oversold_demo");
    row["timeframe"] = json!("M7");
    assert_eq!(
        planned(&row, Some(Side::Buy)).unwrap_err().to_string(),
        "timeframe: timeframe \"M7\" is not one of M1 M5 M15 M30 H1 H4 D1 W1 (R4)"
    );
    row["timeframe"] = json!("h1");
    row["symbol"] = json!(" ");
    assert!(planned(&row, Some(Side::Buy)).is_err());
}

#[test]
fn a_refusal_stays_readable_however_much_is_wrong() {
    let mut rules = one(&condition("rsi", "gt", &json!(50)));
    for index in 0..5_000 {
        rules[format!("junk {index} {}", "x".repeat(500))] = json!(1);
    }
    let refusal = rules_planned(&rules, None).unwrap_err();
    assert!(refusal.to_string().len() < 2_000);
    assert!(refusal.to_string().ends_with("more"));
}

/// Halves that no evidence parts, with the trader's word that all of it is for buying: that could never open anything (R3).
#[test]
fn conditions_of_one_list_that_exclude_each_other_are_refused() {
    let rsi = |operator: &str, value: Value| json!({ "indicator": "RSI", "period": 14, "condition": operator, "value": value });
    let ema =
        |operator: &str| json!({ "indicator": "ema_9", "condition": operator, "value": "ema_21" });
    let refused = |conditions: Value| {
        let rules = rules_with(&json!({ "logic": "AND", "conditions": conditions }));
        match rules_planned(&rules, Some(Side::Buy)) {
            Ok(_) => String::new(),
            Err(refusal) => refusal.to_string(),
        }
    };
    for (conditions, words) in [
        (
            json!([rsi("greater_than", json!(70)), rsi("less_than", json!(30))]),
            "\"RSI 14 is above 70\" and \"RSI 14 is below 30\" never hold at the same bar",
        ),
        (
            json!([ema("crosses_above"), ema("less_than")]),
            "never hold",
        ),
        (
            json!([
                rsi("greater_than", json!(50)),
                rsi("less_or_equal", json!(50))
            ]),
            "never hold",
        ),
        (
            json!([rsi("greater_than", json!(30)), rsi("less_than", json!(70))]),
            "",
        ),
        (
            json!([
                rsi("greater_or_equal", json!(50)),
                rsi("less_or_equal", json!(50))
            ]),
            "",
        ),
    ] {
        let said = refused(conditions);
        assert!(
            said.contains(words) && said.is_empty() == words.is_empty(),
            "{words}: {said}"
        );
    }
}

/// Both directions at once are no trade, so a direction that never holds alone would never open anything (R3).
#[test]
fn a_direction_that_never_holds_without_the_other_is_refused() {
    let rsi = |side: &str, value: u32| json!({ "indicator": "RSI", "period": 14, "condition": "less_than", "value": value, "description": format!("{side}: dip") });
    let ema = |side: &str| json!({ "indicator": "ema_9", "condition": "crosses_above", "value": "ema_21", "description": side });
    let buys = "never buy;";
    let sells = "never sell;";
    for (logic, conditions, words) in [
        (
            "OR",
            json!([rsi("BUY", 30), rsi("SELL", 30)]),
            &[buys, sells][..],
        ),
        (
            "AND",
            json!([rsi("BUY", 30), rsi("SELL", 30)]),
            &[buys, sells],
        ),
        (
            "AND",
            json!([rsi("BUY", 30), ema("BUY"), rsi("SELL", 30)]),
            &[buys],
        ),
        (
            "OR",
            json!([rsi("BUY", 30), ema("BUY"), ema("SELL")]),
            &[sells],
        ),
        ("OR", json!([rsi("BUY", 30), rsi("SELL", 31)]), &[]),
        (
            "AND",
            json!([rsi("BUY", 30), ema("BUY"), rsi("SELL", 31)]),
            &[],
        ),
    ] {
        let rules = rules_with(&json!({ "logic": logic, "conditions": conditions }));
        let said = rules_planned(&rules, None)
            .map_or_else(|refusal| refusal.to_string(), |_| String::new());
        for side in [buys, sells] {
            assert_eq!(
                said.contains(side),
                words.contains(&side),
                "{conditions}: {said}"
            );
        }
        assert_eq!(said.is_empty(), words.is_empty(), "{said}");
    }
}
