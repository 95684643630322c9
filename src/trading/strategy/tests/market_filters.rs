//! Filters that look at the market: spread, volatility, volume, regime, trends of several timeframes.

use serde_json::json;

use super::refusals::only;
use super::times::buying;
use super::*;

fn quiet(count: usize) -> Vec<Bar> {
    bars(&vec![1.25; count], Timeframe::M15, MONDAY, 0.001)
}

#[test]
fn a_wide_spread_skips_or_reduces_as_the_rules_say() {
    let with = |action: Value, factor: Value, spread: &str| {
        let filter =
            json!({ "enabled": true, "maxSpread": 2, "action": action, "reduceFactor": factor });
        let plan = rules_planned(&buying("spreadFilter", filter), None).unwrap();
        let evaluation = decide_with(&plan, &quiet(2), |view| {
            view.quote.ask = view.quote.bid + decimal(spread);
        });
        match evaluation.decision {
            Decision::Enter { volume, .. } => Ok(volume),
            Decision::Stay { why } => Err(why),
        }
    };
    let whole = Ok(decimal("0.1"));
    let skipped = Err("spread 2.1 pips, at most 2".to_owned());
    assert_eq!(with(json!("SKIP"), Value::Null, "0.00020"), whole);
    assert_eq!(with(json!("SKIP"), Value::Null, "0.00021"), skipped);
    assert_eq!(with(json!("REDUCE_SIZE"), Value::Null, "0.00021"), skipped);
    assert_eq!(with(json!("REDUCE_SIZE"), json!(0.5), "0.00020"), whole);
    assert_eq!(
        with(json!("REDUCE_SIZE"), json!(0.5), "0.00021"),
        Ok(decimal("0.05"))
    );
    let unclear =
        json!({ "enabled": true, "maxSpread": 2, "action": "REDUCE_SIZE", "reduceFactor": 50 });
    assert_eq!(
        only(&buying("spreadFilter", unclear)),
        "spreadFilter.reduceFactor: 50 is not a factor between 0 and 1 (R15)"
    );
}

#[test]
fn r15_a_spread_limit_by_session_is_reported_as_not_followed() {
    let filter = json!({ "enabled": true, "maxSpread": 3, "adjustForSession": true });
    let plan = rules_planned(&buying("spreadFilter", filter), None).unwrap();
    assert_eq!(
        plan.skipped()[0].to_string(),
        "spreadFilter.adjustForSession: rules don't say how the limit differs by session, so the same one counts in all of them (R15)"
    );
}

#[test]
fn a_spike_pauses_for_so_many_minutes_and_no_longer() {
    let filter = json!({
        "enabled": true, "minATR": 1,
        "volatilitySpike": { "threshold": 3, "action": "PAUSE", "resumeAfter": 60 },
    });
    let plan = rules_planned(&buying("volatilityFilter", filter), None).unwrap();
    assert!(plan.sentence().ends_with(
        "opens nothing for 60 minutes after a bar that moved over 3 times the average ATR 14 of 20 bars."
    ), "{}", plan.sentence());
    let count = plan.warmup_bars();
    let after = |bars_ago: usize, range: f64| {
        let mut all = quiet(count);
        let spike = &mut all[count - 1 - bars_ago];
        spike.high = spike.close + range / 2.0;
        spike.low = spike.close - range / 2.0;
        decide(&plan, &all)
    };
    assert_eq!(
        why(&after(0, 0.0031)),
        "0 bars since one moved over 3 times the average ATR, pauses for 4"
    );
    for (bars_ago, range, opens) in [(0, 0.0029, true), (3, 0.0031, false), (4, 0.0031, true)] {
        assert_eq!(
            side_of(&after(bars_ago, range)).is_some(),
            opens,
            "{bars_ago} {range}"
        );
    }
    let broken = json!({ "enabled": true, "minATR": 1, "volatilitySpike": { "threshold": 3 } });
    assert_eq!(
        only(&buying("volatilityFilter", broken)),
        "volatilityFilter.volatilitySpike: is switched on and has no \"resumeAfter\" (R15)"
    );
}

#[test]
fn a_bar_without_the_volume_is_not_traded() {
    let filter = |required: bool| json!({ "enabled": true, "minVolumeMultiplier": 1.5, "required": required });
    let with = |required: bool, volume: u64| {
        let plan = rules_planned(&buying("volumeConfirmation", filter(required)), None).unwrap();
        let mut all = quiet(plan.warmup_bars());
        all.last_mut().unwrap().tick_volume = volume;
        decide(&plan, &all)
    };
    // 19 bars of 100 and one of 155: 1.51 times the average of 102.75.
    assert_eq!(side_of(&with(true, 155)), Some(Side::Buy));
    assert_eq!(
        why(&with(true, 150)),
        "volume 1.46 times its average of 20 bars, at least 1.5"
    );
    assert_eq!(side_of(&with(false, 1)), Some(Side::Buy));
    assert_eq!(
        only(&buying("volumeConfirmation", json!({ "enabled": true }))),
        "volumeConfirmation: is switched on and has no \"minVolumeMultiplier\" (R15)"
    );
}

#[test]
fn the_volume_multiplier_counts_for_conditions_that_ask_for_volume() {
    let mut rules = rules_with(&json!({ "conditions": [
        { "indicator": "price", "condition": "breaks_above", "value": "resistance", "description": "BUY", "volumeConfirmation": true },
    ]}));
    for (multiplier, words) in [
        (Value::Null, "above its average"),
        (json!(1.5), "above 1.5 times its average"),
    ] {
        rules["volumeConfirmation"] =
            json!({ "enabled": true, "minVolumeMultiplier": multiplier, "required": false });
        if multiplier.is_null() {
            rules["volumeConfirmation"]["enabled"] = json!(false);
        }
        let sentence = rules_planned(&rules, None).unwrap().sentence();
        assert!(sentence.contains(words), "{sentence}");
    }
}

/// Closes that rise, fall or stand by so much a bar.
fn moving(count: usize, step: f64) -> Vec<f64> {
    let mut close = 1.25;
    (0..count)
        .map(|_| {
            close += step;
            close
        })
        .collect()
}

#[test]
fn the_regime_must_be_one_that_is_preferred_and_clear_enough() {
    let with = |preferred: Value, least: u32, step: f64, range: f64, last: usize| {
        let filter =
            json!({ "enabled": true, "preferredRegimes": preferred, "minConfidence": least });
        let plan = rules_planned(&buying("regimeDetection", filter), None).unwrap();
        let count = plan.warmup_bars();
        let mut all = bars(&moving(count, step), Timeframe::M15, MONDAY, 0.0005);
        for bar in all.iter_mut().rev().take(last) {
            bar.high = bar.close + range / 2.0;
            bar.low = bar.close - range / 2.0;
        }
        decide(&plan, &all)
    };
    let up = 0.0004;
    for (preferred, least, step, range, last, opens) in [
        (json!(["TRENDING"]), 70, up, 0.0005, 0, true),
        (json!(["TRENDING"]), 70, -up / 20.0, 0.0005, 0, true),
        (json!(["trending_up"]), 70, up, 0.0005, 0, true),
        (json!(["trending_down"]), 70, up, 0.0005, 0, false),
        (json!(["ranging"]), 70, up, 0.0005, 0, false),
        (json!(["ranging"]), 70, 0.0, 0.0005, 0, true),
        (json!(["TRENDING"]), 0, 0.0, 0.0005, 0, false),
        (json!(["volatile"]), 50, 0.0, 0.0030, 8, true),
        (json!(["ranging"]), 0, 0.0, 0.0030, 8, false),
        (json!(["volatile"]), 100, 0.0, 0.0010, 8, false),
        (Value::Null, 70, up, 0.0005, 0, true),
    ] {
        let evaluation = with(preferred.clone(), least, step, range, last);
        assert_eq!(
            side_of(&evaluation).is_some(),
            opens,
            "{preferred} {step}: {evaluation:?}"
        );
    }
    assert_eq!(
        why(&with(json!(["ranging"]), 70, up, 0.0005, 0)),
        "M15 is trending up (confidence 100); only while M15 is ranging with a confidence of at least 70"
    );
}

#[test]
fn the_regime_is_confirmed_by_longer_timeframes() {
    let filter = json!({
        "enabled": true, "enableMTFAnalysis": true, "primaryTimeframe": "M15", "confirmationTimeframes": ["M30"],
        "minConfidence": 50, "preferredRegimes": ["TRENDING"], "weightTrend": 0.7, "updateFrequency": 5,
    });
    let rules = buying("regimeDetection", filter);
    let plan = rules_planned(&rules, None).unwrap();
    assert_eq!(
        plan.warmup(),
        [(Timeframe::M15, 590), (Timeframe::M30, 590)]
    );
    assert!(plan.sentence().ends_with(
        "only while M15 is trending up or trending down with a confidence of at least 50 and M30 too."
    ));
    assert_eq!(plan.skipped().len(), 1, "the weights are reported");
    let rising = bars(&moving(1_200, 0.0004), Timeframe::M15, MONDAY, 0.0005);
    assert_eq!(side_of(&decide(&plan, &rising)), Some(Side::Buy));
    let mut shorter = rules.clone();
    shorter["regimeDetection"]["primaryTimeframe"] = json!("M5");
    assert_eq!(
        only(&shorter),
        "regimeDetection.primaryTimeframe: asks for M5, which is shorter than the strategy's M15 (R15)"
    );
    let mut unknown = rules;
    unknown["regimeDetection"]["preferredRegimes"] = json!(["SIDEWAYS"]);
    assert_eq!(
        only(&unknown),
        "regimeDetection.preferredRegimes[0]: regime \"SIDEWAYS\" is not known (R15)"
    );
}

#[test]
fn enough_timeframes_must_go_the_entrys_way() {
    let mut rules = rules_with(&json!({ "conditions": [
        { "indicator": "price", "condition": ">", "value": 1.1, "description": "BUY" },
        { "indicator": "price", "condition": ">", "value": 1.9, "description": "SELL" },
    ], "logic": "OR" }));
    rules["multiTimeframe"] = json!({
        "enabled": true,
        "timeframes": { "primary": "M15", "secondary": "M30" },
        "confirmations": { "trendAlignment": true, "minimumAligned": 2, "weightedScore": true, "weights": { "M15": 0.6, "M30": 0.4 } },
    });
    let plan = rules_planned(&rules, None).unwrap();
    assert_eq!(plan.skipped().len(), 1, "the score is reported");
    let with = |step: f64| {
        decide(
            &plan,
            &bars(&moving(1_200, step), Timeframe::M15, MONDAY, 0.0005),
        )
    };
    let rising = with(0.0004);
    assert_eq!(side_of(&rising), Some(Side::Buy));
    let told: Vec<(bool, &str)> = rising
        .filters
        .iter()
        .map(|one| (one.passes, one.text.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                true,
                "BUY: trend M15 up, M30 up, at least 2 of 2 the same way"
            ),
            (
                false,
                "SELL: trend M15 up, M30 up, at least 2 of 2 the same way"
            ),
        ]
    );
    assert_eq!(
        why(&with(-0.0001)),
        "BUY: trend M15 down, M30 down, at least 2 of 2 the same way"
    );
    rules["multiTimeframe"]["confirmations"]["minimumAligned"] = json!(3);
    assert_eq!(
        only(&rules),
        "multiTimeframe.confirmations.minimumAligned: 3 of 2 timeframes can never agree (R15)"
    );
}
