//! Volume, risk, positions and daily loss: what keeps an entry small or keeps it out.

use serde_json::json;

use super::decisions::crossing_levels;
use super::*;

#[test]
fn r8_one_position_each_way() {
    let plan = crossing_levels();
    let all = bars(&[1.25, 1.25], Timeframe::M15, MONDAY, 0.001);
    let long = position(Side::Buy, "1.2", None, "0.1");
    let short = position(Side::Sell, "1.2", None, "0.1");
    let with = |open: &[&Position]| {
        decide_with(&plan, &all, |view| {
            // The view's lifetime is its own; only the count and sides matter here.
            view.positions = match open {
                [] => &[],
                _ => Box::leak(
                    open.iter()
                        .map(|p| &*Box::leak(Box::new((*p).clone())))
                        .collect::<Vec<_>>()
                        .into_boxed_slice(),
                ),
            };
        })
    };
    assert_eq!(why(&with(&[&long])), "already has a BUY position open (#7)");
    assert_eq!(side_of(&with(&[&short])), Some(Side::Buy));
    assert_eq!(
        why(&with(&[&short, &short])),
        "has 2 of at most 2 positions open"
    );
}

#[test]
fn r17_a_day_that_lost_enough_opens_nothing_more() {
    let mut row = fixture("both_ways_in_one_list");
    row["rules"]["entry"] = json!({ "conditions": [
        { "indicator": "price", "condition": ">", "value": 1.1, "description": "BUY" },
    ]});
    let plan = planned(&row, None).unwrap();
    let all = bars(&[1.25; 400], Timeframe::H4, MONDAY, 0.004);
    let after = |realised: &str, balance: &str| {
        decide_with(&plan, &all, |view| {
            view.record.today = decimal(realised);
            view.balance = decimal(balance);
        })
    };
    // 1000 in money from the rules, 5 % of the balance from the settings: the stricter counts.
    assert_eq!(side_of(&after("-499.99", "10000")), Some(Side::Buy));
    assert_eq!(
        why(&after("-500", "10000")),
        "today's loss of 500 has reached the limit of 500"
    );
    assert_eq!(side_of(&after("-999.99", "100000")), Some(Side::Buy));
    assert_eq!(
        why(&after("-1000", "100000")),
        "today's loss of 1000 has reached the limit of 1000"
    );
}

#[test]
fn r17_what_is_being_lost_counts_and_what_is_being_won_does_not() {
    let mut rules = rules_with(&json!({ "conditions": [
        { "indicator": "price", "condition": ">", "value": 1.1, "description": "BUY" },
    ]}));
    rules["riskManagement"]["maxDailyLoss"] = json!(100);
    let plan = rules_planned(&rules, None).unwrap();
    let all = bars(&[1.25, 1.25], Timeframe::M15, MONDAY, 0.001);
    let with = |realised: &str, floating: &str| {
        let mut short = position(Side::Sell, "1.2", None, "0.1");
        short.profit = decimal(floating);
        let open: &'static [&'static Position] =
            Box::leak(Box::new([&*Box::leak(Box::new(short))]));
        side_of(&decide_with(&plan, &all, |view| {
            view.positions = open;
            view.record.today = decimal(realised);
        }))
    };
    assert_eq!(with("-60", "-39"), Some(Side::Buy));
    assert_eq!(with("-60", "-40"), None);
    assert_eq!(with("-100", "500"), None);
}

#[test]
fn the_smaller_risk_and_the_sessions_factor_count() {
    let mut row = fixture("quarter_hour_scalper");
    row["settings"] = json!({ "maxRisk": 2 });
    assert_eq!(
        planned(&row, None).unwrap().sizing().risk_percent,
        Some(decimal("0.5"))
    );

    let mut rules = rules_with(&json!({ "conditions": [
        { "indicator": "price", "condition": ">", "value": 1.1, "description": "BUY" },
    ]}));
    rules["sessionFilter"] = json!({
        "enabled": true, "allowedSessions": ["London"], "aggressivenessMultiplier": { "optimal": 0.55 },
    });
    let plan = rules_planned(&rules, None).unwrap();
    let all = bars(&[1.25, 1.25], Timeframe::M15, MONDAY, 0.001);
    match decide(&plan, &all).decision {
        Decision::Enter { volume, .. } => assert_eq!(volume, decimal("0.05")),
        Decision::Stay { why } => panic!("{why}"),
    }
    rules["sessionFilter"]["aggressivenessMultiplier"]["optimal"] = json!(3);
    let plan = rules_planned(&rules, None).unwrap();
    assert_eq!(
        plan.skipped().len(),
        1,
        "more than the lots of the rules is never traded"
    );
    match decide(&plan, &all).decision {
        Decision::Enter { volume, .. } => assert_eq!(volume, decimal("0.1")),
        Decision::Stay { why } => panic!("{why}"),
    }
}

#[test]
fn r18_a_volume_is_whole_steps_and_never_rounded_up() {
    let plan = crossing_levels();
    let all = bars(&[1.25, 1.25], Timeframe::M15, MONDAY, 0.001);
    let with = |min: &str, step: &str, max: &str| {
        let mut spec = eurusd();
        spec.volume_min = decimal(min);
        spec.volume_step = decimal(step);
        spec.volume_max = decimal(max);
        let spec: &'static SymbolSpec = Box::leak(Box::new(spec));
        decide_with(&plan, &all, |view| view.spec = spec)
    };
    let volume = |evaluation: Evaluation| match evaluation.decision {
        Decision::Enter { volume, .. } => volume,
        Decision::Stay { why } => panic!("{why}"),
    };
    assert_eq!(volume(with("0.01", "0.03", "50")), decimal("0.09"));
    assert_eq!(volume(with("0.01", "0.01", "0.05")), decimal("0.05"));
    assert!(why(&with("0.2", "0.1", "50")).contains("(R18)"));
    assert!(why(&with("0.1", "0.15", "50")).contains("(R18)"));
}

#[test]
fn the_risk_limit_makes_the_volume_smaller() {
    let mut row = fixture("both_ways_in_one_list");
    row["rules"] = rules_with(&json!({ "conditions": [
        { "indicator": "price", "condition": ">", "value": 1.1, "description": "BUY" },
    ]}));
    row["settings"] = json!({ "maxRisk": 1 });
    let plan = planned(&row, None).unwrap();
    let all = bars(&[1.25, 1.25], Timeframe::H4, MONDAY, 0.004);
    let volume =
        |balance: &str| decide_with(&plan, &all, |view| view.balance = decimal(balance)).decision;
    // A stop of 20 pips costs 200 a lot: 1 % of 1000 pays for 0.05 lots, 1 % of 1190 still does.
    for (balance, lots) in [("1000", "0.05"), ("1190", "0.05"), ("100000", "0.1")] {
        match volume(balance) {
            Decision::Enter { volume, .. } => assert_eq!(volume, decimal(lots), "{balance}"),
            Decision::Stay { why } => panic!("{balance}: {why}"),
        }
    }
    assert!(matches!(volume("199"), Decision::Stay { why } if why.contains("(R18)")));
}

#[test]
fn a_stop_nearer_than_the_broker_allows_is_not_sent() {
    let plan = crossing_levels();
    let all = bars(&[1.25, 1.25], Timeframe::M15, MONDAY, 0.001);
    let with = |level: u32| {
        let mut spec = eurusd();
        spec.stops_level = level;
        let spec: &'static SymbolSpec = Box::leak(Box::new(spec));
        decide_with(&plan, &all, |view| view.spec = spec)
    };
    // The stop is 20 pips from the ask, so 19 from the bid.
    assert_eq!(side_of(&with(190)), Some(Side::Buy));
    assert!(why(&with(191)).contains("too close to the price"));
}
