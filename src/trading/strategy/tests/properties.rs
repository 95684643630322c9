//! What holds for any input, however broken.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Any JSON, with the words of real rules among the keys and values so that readers get far.
pub(super) fn json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("entry"),
        Just("conditions"),
        Just("logic"),
        Just("groups"),
        Just("rules"),
        Just("and"),
        Just("indicator"),
        Just("condition"),
        Just("value"),
        Just("period"),
        Just("description"),
        Just("exit"),
        Just("stopLoss"),
        Just("takeProfit"),
        Just("smartExit"),
        Just("trailing"),
        Just("type"),
        Just("enabled"),
        Just("distance"),
        Just("fixedPips"),
        Just("partialExits"),
        Just("riskManagement"),
        Just("lotSize"),
        Just("maxPositions"),
        Just("maxDailyLoss"),
        Just("sessionFilter"),
        Just("allowedSessions"),
        Just("spreadFilter"),
        Just("maxSpread"),
        Just("BUY: x"),
        Just("SELL"),
        Just("AND"),
        Just("OR"),
        Just("rsi"),
        Just("ema_9"),
        Just("EMA"),
        Just("macd"),
        Just("macd_signal"),
        Just("greater_than"),
        Just("crosses_above"),
        Just("pips"),
        Just("London"),
        Just("ema_99999999999"),
        Just(""),
        Just("a.b[0]"),
    ];
    let text = prop_oneof![4 => word.clone().prop_map(str::to_owned), 1 => ".{0,60}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-10_i32..200).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Every place inside a JSON value, as JSON pointers.
pub(super) fn places(value: &Value, at: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let place = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                all.push(place.clone());
                places(value, &place, all);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                let place = format!("{at}/{index}");
                all.push(place.clone());
                places(value, &place, all);
            }
        }
        _ => {}
    }
}

/// Real rules with a few places replaced by anything.
fn damaged() -> impl Strategy<Value = Value> {
    let names = [
        "quarter_hour_scalper",
        "oversold_demo",
        "oversold_form",
        "both_ways_in_one_list",
    ];
    let damage = prop::collection::vec((any::<prop::sample::Index>(), json()), 0..4);
    (prop::sample::select(names.to_vec()), damage).prop_map(|(name, damage)| {
        let mut rules = fixture(name)["rules"].clone();
        for (index, value) in damage {
            let mut all = Vec::new();
            places(&rules, "", &mut all);
            if all.is_empty() {
                break;
            }
            *rules.pointer_mut(&all[index.index(all.len())]).unwrap() = value;
        }
        rules
    })
}

fn side() -> impl Strategy<Value = Option<Side>> {
    prop_oneof![Just(None), Just(Some(Side::Buy)), Just(Some(Side::Sell))]
}

/// A plan, whatever it came from, can only enter on conditions, with a stop and a volume; and all keys have a fate.
fn assert_complete(rules: &Value, plan: &Plan) {
    let triggers: Vec<_> = [Side::Buy, Side::Sell]
        .into_iter()
        .filter_map(|side| plan.trigger(side))
        .collect();
    assert!(!triggers.is_empty());
    for trigger in triggers {
        assert!(!trigger.terms().is_empty());
        assert!(
            trigger
                .terms()
                .iter()
                .all(|term| !term.conditions().is_empty())
        );
    }
    assert!(plan.rule_count() > 0);
    assert!(plan.sizing().lots > Decimal::ZERO);
    assert!(plan.warmup_bars() >= 2);
    assert!(plan.sentence().contains("Stop "));
    let mut all = Vec::new();
    places(rules, "", &mut all);
    let leaves = all
        .iter()
        .filter(|place| !rules.pointer(place).unwrap().is_object())
        .count();
    assert!(plan.keys().len() <= leaves + all.len());
    assert!(!plan.keys().is_empty());
}

/// More with `FX_RULES_CASES=1000000 cargo test --lib strategy::tests::properties`.
fn cases() -> ProptestConfig {
    let wanted = std::env::var("FX_RULES_CASES").ok();
    ProptestConfig::with_cases(wanted.map_or(2_000, |cases| cases.parse().unwrap()))
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn any_json_is_planned_or_refused(rules in json(), settings in json(), options in json(), local in side()) {
        let planned = plan(&PlanRequest {
            rules: &rules, settings: &settings, options: &options,
            symbol: "EURUSD", timeframe: "M15", local_direction: local,
            allowances: Allowances::default(),
        });
        match planned {
            Ok(plan) => assert_complete(&rules, &plan),
            Err(refusal) => {
                prop_assert!(!refusal.reasons.is_empty());
                prop_assert!(refusal.to_string().len() < 8_000);
            }
        }
    }

    #[test]
    fn damaged_rules_are_planned_or_refused(rules in damaged(), local in side()) {
        match rules_planned(&rules, local) {
            Ok(plan) => assert_complete(&rules, &plan),
            Err(refusal) => prop_assert!(!refusal.reasons.is_empty()),
        }
    }

    #[test]
    fn without_evidence_and_without_a_choice_nothing_is_planned(mut rules in damaged()) {
        fn silence(value: &mut Value) {
            match value {
                Value::Object(map) => {
                    // Without a condition that is switched off the list could be even.
                    for key in ["description", "name", "action", "enabled"] {
                        map.remove(key);
                    }
                    map.values_mut().for_each(silence);
                }
                Value::Array(items) => items.iter_mut().for_each(silence),
                _ => {}
            }
        }
        silence(&mut rules);
        // Two mirrored halves would be evidence without a word; an odd number has no halves. What is switched off is in none.
        if let Some(Value::Array(list)) = rules.pointer_mut("/entry/conditions") {
            list.retain(|one| one.get("enabled") != Some(&Value::Bool(false)));
            if list.len().is_multiple_of(2) {
                list.pop();
            }
        }
        prop_assert!(rules_planned(&rules, None).is_err());
    }
}

fn market() -> impl Strategy<Value = Vec<f64>> {
    let step = prop_oneof![
        20 => -0.004_f64..0.004,
        2 => Just(0.0),
        1 => Just(f64::NAN),
    ];
    // Mostly without NaN, or nothing would ever be entered.
    (prop::collection::vec(step, 60..140), any::<bool>()).prop_map(|(steps, clean)| {
        let mut price = 1.2;
        steps
            .into_iter()
            .map(|step| {
                if step.is_nan() {
                    if clean { price } else { f64::NAN }
                } else {
                    price = (price + step).clamp(0.5, 2.0);
                    price
                }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn an_entry_rests_on_known_conditions_and_sound_levels(
        closes in market(),
        lots in 1_u32..400,
        step in 1_u32..30,
        min_steps in 1_u32..5,
        level in 0_u32..400,
        spread in 0_u32..300,
        unknown in any::<bool>(),
    ) {
        let far = if unknown { 0.01 } else { 1.2 };
        let mut rules = rules_with(&json!({ "logic": "AND", "conditions": [
            { "indicator": "ema_3", "condition": "gt", "value": far, "description": "BUY" },
            { "indicator": "price", "condition": "lt", "value": "ema_3", "description": "SELL" },
        ]}));
        rules["riskManagement"]["lotSize"] = json!(f64::from(lots) / 1_000.0);
        let plan = rules_planned(&rules, None).unwrap();
        let mut spec = eurusd();
        spec.volume_step = Decimal::new(step.into(), 3);
        spec.volume_min = spec.volume_step * Decimal::from(min_steps);
        spec.stops_level = level;
        let spec: &'static SymbolSpec = Box::leak(Box::new(spec));
        let all = bars(&closes, Timeframe::M15, MONDAY, 0.001);
        let evaluation = decide_with(&plan, &all, |view| {
            view.spec = spec;
            view.quote.ask = view.quote.bid + Decimal::new(spread.into(), 5);
        });
        let Decision::Enter { side, volume, stop_loss, take_profit } = evaluation.decision else {
            return Ok(());
        };
        let looked_at = &closes[closes.len() - plan.warmup_bars()..];
        prop_assert!(looked_at.iter().all(|close| close.is_finite()));
        let own: Vec<_> = evaluation.conditions.iter().filter(|c| c.side == side).collect();
        prop_assert!(!own.is_empty());
        prop_assert!(own.iter().all(|c| c.value == Some(true)));
        prop_assert!(!(side == Side::Buy && unknown));
        prop_assert!(evaluation.conditions.iter().any(|c| c.side != side && c.value == Some(false)));

        prop_assert!((volume % spec.volume_step).is_zero());
        prop_assert!(volume >= spec.volume_min && volume <= plan.sizing().lots);
        let bid = Decimal::try_from(*closes.last().unwrap()).unwrap().round_dp(5);
        let ask = bid + Decimal::new(spread.into(), 5);
        let least = Decimal::from(level) * spec.point;
        let take_profit = take_profit.unwrap();
        match side {
            Side::Buy => {
                prop_assert!(bid - stop_loss >= least && stop_loss < bid);
                prop_assert!(take_profit - bid >= least && take_profit > bid);
            }
            Side::Sell => {
                prop_assert!(stop_loss - ask >= least && stop_loss > ask);
                prop_assert!(ask - take_profit >= least && take_profit < ask);
            }
        }
    }
}
