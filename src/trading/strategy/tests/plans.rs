//! Whole plans: the sentence and what every key became.

use std::fmt::Write as _;

use super::*;

fn report(plan: &Plan) -> String {
    let mut text = format!(
        "{}\n\nrules: {}\nwarm-up: {} bars\n\nskipped:\n",
        plan.sentence(),
        plan.rule_count(),
        plan.warmup_bars()
    );
    for skipped in plan.skipped() {
        writeln!(text, "- {skipped}").unwrap();
    }
    text.push_str("\nkeys:\n");
    for key in plan.keys() {
        writeln!(text, "- {key}").unwrap();
    }
    text
}

#[test]
fn a_scalper_with_both_directions_filters_and_parts() {
    let plan = planned(&fixture("quarter_hour_scalper"), None).unwrap();
    assert_eq!(plan.rule_count(), 6);
    insta::assert_snapshot!(report(&plan));
}

#[test]
fn a_strategy_without_direction_runs_the_way_the_trader_chose() {
    let plan = planned(&fixture("oversold_demo"), Some(Side::Buy)).unwrap();
    assert!(plan.trigger(Side::Sell).is_none());
    insta::assert_snapshot!(report(&plan));
}

#[test]
fn a_strategy_from_the_form_with_its_switched_off_filters() {
    let plan = planned(&fixture("oversold_form"), Some(Side::Sell)).unwrap();
    assert!(plan.trigger(Side::Buy).is_none());
    insta::assert_snapshot!(report(&plan));
}

#[test]
fn r2_one_list_with_both_directions_is_parted() {
    let plan = planned(&fixture("both_ways_in_one_list"), None).unwrap();
    for side in [Side::Buy, Side::Sell] {
        let trigger = plan.trigger(side).unwrap();
        assert_eq!(trigger.terms().len(), 1);
        assert_eq!(trigger.terms()[0].conditions().len(), 3);
    }
    insta::assert_snapshot!(report(&plan));
}

/// What two strategies that use nearly everything come to, with the filters that need data from elsewhere left out.
#[test]
fn every_key_of_a_large_strategy_is_accounted_for() {
    for name in ["gold_with_everything", "bitcoin_on_weekends"] {
        let row = fixture(name);
        let request = PlanRequest {
            rules: &row["rules"],
            settings: &Value::Null,
            options: &Value::Null,
            symbol: row["symbol"].as_str().unwrap(),
            timeframe: row["timeframe"].as_str().unwrap(),
            local_direction: None,
            allowances: Allowances::without("news,correlation").unwrap(),
        };
        let plan = plan(&request).unwrap();
        insta::assert_snapshot!(name, report(&plan));
    }
}

#[test]
fn the_order_of_keys_and_the_way_numbers_are_written_change_nothing() {
    let row = fixture("both_ways_in_one_list");
    let mut other = row.clone();
    other["rules"]["riskManagement"]["lotSize"] = "0.050".into();
    other["rules"]["exit"]["trailing"]["distance"] = 50.0.into();
    assert_eq!(planned(&row, None), planned(&other, None));
}

#[test]
fn start_settings_only_tighten() {
    let row = fixture("both_ways_in_one_list");
    let sizing = planned(&row, None).unwrap().sizing().clone();
    assert_eq!(sizing.lots, decimal("0.02"));
    assert_eq!(sizing.max_positions, 2);

    let mut loose = row;
    loose["settings"]["lotSize"] = 5.into();
    loose["settings"]["maxOpenTrades"] = 1.into();
    let sizing = planned(&loose, None).unwrap().sizing().clone();
    assert_eq!(sizing.lots, decimal("0.05"));
    assert_eq!(sizing.max_positions, 1);
}

#[test]
fn a_choice_of_direction_never_overrules_the_rules() {
    let row = fixture("quarter_hour_scalper");
    assert_eq!(planned(&row, Some(Side::Sell)), planned(&row, None));
}

/// The paths of all values that hold no others.
fn leaves(value: &Value, path: &str, all: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let dot = if path.is_empty() { "" } else { "." };
                leaves(value, &format!("{path}{dot}{key}"), all);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, value) in items.iter().enumerate() {
                leaves(value, &format!("{path}[{index}]"), all);
            }
        }
        _ => all.push(path.to_owned()),
    }
}

#[test]
fn every_key_is_accounted_for() {
    for name in [
        "quarter_hour_scalper",
        "oversold_demo",
        "oversold_form",
        "both_ways_in_one_list",
    ] {
        let row = fixture(name);
        let plan = planned(&row, Some(Side::Buy)).unwrap();
        let mut expected = Vec::new();
        leaves(&row["rules"], "", &mut expected);
        if !row["settings"].is_null() {
            leaves(&row["settings"], "(settings)", &mut expected);
        }
        expected.sort();
        let mut keys: Vec<String> = plan.keys().iter().map(|key| key.path.clone()).collect();
        keys.sort();
        assert_eq!(keys, expected, "{name}");
    }
}
