//! Filters by the clock: sessions, pairs, days and hours; all in UTC.

use serde_json::json;

use super::refusals::{condition, one, only};
use super::*;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Monday 2026-03-02, 00:00 UTC.
const MIDNIGHT: i64 = MONDAY - 8 * HOUR;

/// Rules that always buy, with one filter.
pub(super) fn buying(key: &str, filter: Value) -> Value {
    let mut rules = one(&condition("price", "gt", &json!(1.1)));
    rules[key] = filter;
    rules
}

fn plan_for(rules: &Value, symbol: &str) -> Result<Plan, PlanRefusal> {
    plan(&PlanRequest {
        rules,
        settings: &Value::Null,
        options: &Value::Null,
        symbol,
        timeframe: "M15",
        local_direction: None,
        allowances: Allowances::default(),
    })
}

/// The lots bought when the last bar closes at this moment.
fn lots_at(plan: &Plan, second: i64) -> Option<Decimal> {
    let warmup = plan.warmup_bars();
    let all = bars(&vec![1.25; warmup], Timeframe::M15, second, 0.001);
    match decide(plan, &all).decision {
        Decision::Enter { volume, .. } => Some(volume),
        Decision::Stay { .. } => None,
    }
}

#[test]
fn r13_sessions_are_the_platforms_windows_end_exclusive() {
    for (names, open, shut) in [
        (
            &["sydney"][..],
            &[22 * HOUR, 23 * HOUR, 0, 7 * HOUR - 900][..],
            &[7 * HOUR, 21 * HOUR][..],
        ),
        (&["Tokyo"], &[0, 9 * HOUR - 900], &[9 * HOUR, 23 * HOUR]),
        (
            &["LONDON"],
            &[8 * HOUR, 17 * HOUR - 900],
            &[8 * HOUR - 900, 17 * HOUR],
        ),
        (
            &["newYork", "New York", "NEW_YORK"],
            &[13 * HOUR, 22 * HOUR - 900],
            &[13 * HOUR - 900, 22 * HOUR],
        ),
        (
            &["London", "NewYork"],
            &[8 * HOUR, 15 * HOUR, 21 * HOUR],
            &[7 * HOUR, 22 * HOUR],
        ),
    ] {
        let rules = buying(
            "sessionFilter",
            json!({ "enabled": true, "allowedSessions": names }),
        );
        let plan = rules_planned(&rules, None).unwrap();
        for second in open {
            assert!(
                lots_at(&plan, MIDNIGHT + second).is_some(),
                "{names:?} {second}"
            );
        }
        for second in shut {
            assert!(
                lots_at(&plan, MIDNIGHT + second).is_none(),
                "{names:?} {second}"
            );
        }
    }
}

#[test]
fn r13_the_multiplier_of_sessions_that_do_not_suit_the_pair_makes_the_volume_smaller_or_blocks() {
    let lots = |suboptimal: Value, symbol: &str, hour: i64| {
        let rules = buying(
            "sessionFilter",
            json!({
                "enabled": true, "allowedSessions": ["London", "Tokyo"],
                "aggressivenessMultiplier": { "optimal": 1, "suboptimal": suboptimal },
            }),
        );
        let plan = plan_for(&rules, symbol).unwrap();
        lots_at(&plan, MIDNIGHT + hour * HOUR)
    };
    let tenth = Some(decimal("0.1"));
    for (suboptimal, symbol, hour, volume) in [
        (json!(0.5), "EURUSD", 10, tenth),
        (json!(0.5), "EURUSD", 3, Some(decimal("0.05"))),
        // Both are open: the better one counts.
        (json!(0.5), "EURUSD", 8, tenth),
        (json!(0), "EURUSD", 3, None),
        (json!(0), "EURUSD", 10, tenth),
        (json!(2), "EURUSD", 3, tenth),
        // R14: gold is in no list, so every session suits it.
        (json!(0), "XAUUSD", 3, tenth),
    ] {
        assert_eq!(
            lots(suboptimal.clone(), symbol, hour),
            volume,
            "{suboptimal} {symbol} {hour}"
        );
    }
}

#[test]
fn r14_with_optimal_pairs_only_a_listed_pair_trades_only_in_its_sessions() {
    let filter =
        json!({ "enabled": true, "allowedSessions": ["London", "Tokyo"], "useOptimalPairs": true });
    let rules = buying("sessionFilter", filter);
    for (symbol, words) in [
        ("EURUSD", "only in London (08:00–17:00 UTC)."),
        ("usdjpy.pro", "only in Tokyo (00:00–09:00 UTC)."),
        (
            "BTCUSD",
            "only in London (08:00–17:00 UTC) and Tokyo (00:00–09:00 UTC).",
        ),
    ] {
        let sentence = plan_for(&rules, symbol).unwrap().sentence();
        assert!(sentence.ends_with(words), "{symbol}: {sentence}");
    }
    let refusal = plan_for(&rules, "AUDUSD").unwrap_err().to_string();
    assert!(
        refusal.ends_with("so it would never trade (R13)"),
        "{refusal}"
    );
}

#[test]
fn r13_the_weekend_goes_by_days_with_the_best_and_the_avoided_hours() {
    let filter = json!({
        "enabled": true, "mode": "weekend", "allowedDays": ["Friday", "saturday", "Sun"], "allowedSessions": [],
        "optimalTimes": [{ "day": "Saturday", "startHour": 8, "endHour": 24, "description": "busy" }],
        "avoidTimes": [{ "day": "Sunday", "startHour": 20, "endHour": 24 }],
        "aggressivenessMultiplier": { "optimal": 1, "suboptimal": 0.3 },
    });
    let rules = buying("sessionFilter", filter);
    let plan = rules_planned(&rules, None).unwrap();
    assert!(plan.skipped().is_empty());
    assert!(plan.sentence().ends_with(
        "only on Friday, Saturday, Sunday (UTC), not on Sunday 20:00–24:00, with the volume times 0.3 outside Saturday 08:00–24:00."
    ), "{}", plan.sentence());
    for (day, hour, lots) in [
        (0, 12, None),
        (4, 0, Some("0.03")),
        (5, 7, Some("0.03")),
        (5, 8, Some("0.1")),
        (5, 23, Some("0.1")),
        (6, 19, Some("0.03")),
        (6, 20, None),
        (7, 0, None),
    ] {
        let at = MIDNIGHT + day * DAY + hour * HOUR;
        assert_eq!(
            lots_at(&plan, at),
            lots.map(decimal),
            "day {day} hour {hour}"
        );
    }
    let mut strict = rules.clone();
    strict["sessionFilter"]["aggressivenessMultiplier"]["suboptimal"] = json!(0);
    let plan = rules_planned(&strict, None).unwrap();
    assert_eq!(lots_at(&plan, MIDNIGHT + 5 * DAY + 7 * HOUR), None);
    let mut silent = rules;
    silent["sessionFilter"]["aggressivenessMultiplier"] = Value::Null;
    let plan = rules_planned(&silent, None).unwrap();
    assert_eq!(
        plan.skipped()[0].to_string(),
        "sessionFilter.optimalTimes: rules don't say what changes outside these hours, so nothing does (R13)"
    );
}

#[test]
fn r13_a_multiplier_counts_once_where_sessions_and_avoided_hours_stand_together() {
    let mut rules = buying(
        "sessionFilter",
        json!({
            "enabled": true, "allowedSessions": ["London"],
            "avoidTimes": [{ "day": "Monday", "startHour": 12, "endHour": 13 }],
            "aggressivenessMultiplier": { "optimal": 0.5 },
        }),
    );
    let lots = |rules: &Value, hour: i64| {
        lots_at(&rules_planned(rules, None).unwrap(), MIDNIGHT + hour * HOUR)
    };
    assert_eq!(lots(&rules, 10), Some(decimal("0.05")));
    assert_eq!(lots(&rules, 12), None);
    assert_eq!(lots(&rules, 18), None);
    rules["sessionFilter"]["allowedSessions"] = Value::Null;
    assert_eq!(lots(&rules, 18), Some(decimal("0.05")));
}

#[test]
fn r13_days_and_hours_that_cannot_be_meant_are_refused() {
    let weekend = |key: &str, value: Value| {
        let mut filter = json!({ "enabled": true, "mode": "weekend", "allowedDays": ["Sunday"] });
        filter[key] = value;
        only(&buying("sessionFilter", filter))
    };
    for (key, value, said) in [
        (
            "mode",
            json!("moon"),
            "sessionFilter.mode: mode \"moon\" is not known (R13)",
        ),
        (
            "allowedDays",
            json!(["Someday"]),
            "sessionFilter.allowedDays[0]: day \"Someday\" is not known (R13)",
        ),
        (
            "allowedDays",
            Value::Null,
            "sessionFilter: is for weekends and names no \"allowedDays\" (R13)",
        ),
        (
            "avoidTimes",
            json!([{ "day": "Sunday", "startHour": 10, "endHour": 10 }]),
            "sessionFilter.avoidTimes[0]: needs a day, a startHour and a later endHour, whole hours up to 24 (R13)",
        ),
        (
            "avoidTimes",
            json!([{ "day": "Sunday", "startHour": 10, "endHour": 25 }]),
            "sessionFilter.avoidTimes[0]: needs a day, a startHour and a later endHour, whole hours up to 24 (R13)",
        ),
    ] {
        assert_eq!(weekend(key, value), said);
    }
    let hours = |filter: Value| only(&buying("timeFilter", filter));
    for (filter, said) in [
        (
            json!({ "enabled": true }),
            "timeFilter: is switched on and names no times (R13)",
        ),
        (
            json!({ "enabled": true, "allowedHours": "7-22" }),
            "timeFilter.allowedHours: \"7-22\" is not \"HH:MM-HH:MM\" with two different times (R13)",
        ),
        (
            json!({ "enabled": true, "excludeFriday": { "after": "25:00" } }),
            "timeFilter.excludeFriday.after: \"25:00\" is not a time \"HH:MM\" (R13)",
        ),
        (
            json!({ "enabled": true, "excludeSunday": { "after": "20:00" } }),
            "timeFilter.excludeSunday: needs \"before\" with a time \"HH:MM\" (R13)",
        ),
    ] {
        assert_eq!(hours(filter), said);
    }
    let off = json!({ "excludeWeekends": true, "excludeFriday": { "enabled": false } });
    assert!(rules_planned(&buying("timeFilter", off), None).is_ok());
}

#[test]
fn hours_of_the_day_and_the_ends_of_the_week_are_kept() {
    let filter = json!({
        "enabled": true, "allowedHours": "07:00-22:00", "excludeWeekends": true,
        "excludeFriday": { "after": "20:00" }, "excludeSunday": { "before": "22:00" },
    });
    let mut rules = one(&condition("price", "gt", &json!(1.1)));
    rules["filters"] = json!({ "timeFilter": filter });
    let plan = rules_planned(&rules, None).unwrap();
    for (day, minutes, opens) in [
        (0, 7 * 60, true),
        (0, 6 * 60 + 45, false),
        (0, 21 * 60 + 45, true),
        (0, 22 * 60, false),
        (4, 19 * 60 + 45, true),
        (4, 20 * 60, false),
        (5, 12 * 60, false),
        (6, 12 * 60, false),
        (6, 23 * 60, false),
    ] {
        let at = MIDNIGHT + day * DAY + minutes * 60;
        assert_eq!(
            lots_at(&plan, at).is_some(),
            opens,
            "day {day} minute {minutes}"
        );
    }
    let over_midnight = buying(
        "timeFilter",
        json!({ "allowedHours": "22:00-02:00", "excludeSunday": { "before": "22:30" } }),
    );
    let plan = rules_planned(&over_midnight, None).unwrap();
    for (day, minutes, opens) in [
        (0, 0, true),
        (0, 120, false),
        (0, 1_320, true),
        (6, 60, false),
        (6, 1_335, false),
        (6, 1_350, true),
    ] {
        let at = MIDNIGHT + day * DAY + minutes * 60;
        assert_eq!(
            lots_at(&plan, at).is_some(),
            opens,
            "day {day} minute {minutes}"
        );
    }
}
