//! The calendar of economic news, the pauses around its events, and what happens without one.

use serde_json::json;

use super::refusals::only;
use super::times::buying;
use super::*;
use crate::strategy::NewsCalendar;

const CALENDAR: &str = "\
time,currency,impact,title
2026-03-02 08:30,USD,high,Non-Farm Employment Change
2026-03-02 12:00,EUR,medium,\"Retail Sales, m/m\"
2026-03-02T15:00:00+01:00,GBP,High,CPI y/y
2026-03-03 00:00,USD,low,Bank Holiday
";

fn with_calendar(rules: &Value, allowances: Allowances) -> Result<Plan, PlanRefusal> {
    plan(&PlanRequest {
        rules,
        settings: &Value::Null,
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: None,
        allowances,
    })
}

const CALENDAR_HERE: Allowances = Allowances {
    news_calendar: true,
    without_news: false,
    without_correlation: false,
    without_risk_sentiment: false,
    without_regime: false,
    numbers_are_averages: false,
};

/// Why nothing is opened so many minutes after Monday 08:00, if so.
fn blocked(filter: Value, minutes: i64) -> Option<String> {
    let calendar = NewsCalendar::parse(CALENDAR).unwrap();
    let plan = with_calendar(&buying("newsFilter", filter), CALENDAR_HERE).unwrap();
    let all = bars(&[1.25; 2], Timeframe::M15, MONDAY + minutes * 60, 0.001);
    let calendar: &'static NewsCalendar = Box::leak(Box::new(calendar));
    match decide_with(&plan, &all, |view| view.news = Some(calendar)).decision {
        Decision::Enter { .. } => None,
        Decision::Stay { why } => Some(why),
    }
}

#[test]
fn entries_pause_before_and_after_news_of_the_symbols_currencies() {
    let high = json!({ "enabled": true, "pauseBeforeMinutes": 30, "pauseAfterMinutes": 15, "highImpactOnly": true });
    assert_eq!(
        blocked(high.clone(), 0).unwrap(),
        "news: USD Non-Farm Employment Change (high impact) at 2026-03-02 08:30 UTC"
    );
    let mut named = high.clone();
    named["majorEvents"] = json!(["Retail Sales"]);
    let every = json!({ "enabled": true, "pauseBeforeMinutes": 30, "pauseAfterMinutes": 15 });
    let by_impact = json!({
        "enabled": true, "highImpact": { "pauseMinutesBefore": 60, "pauseMinutesAfter": 0 },
        "mediumImpact": { "pauseMinutesBefore": 15, "pauseMinutesAfter": 15 }, "symbols": ["GBP", "GOLD"],
    });
    for (filter, minutes, paused) in [
        (&high, -15, false),
        (&high, 45, true),
        (&high, 60, false),
        // Medium impact, and a title that was named.
        (&high, 240, false),
        (&named, 240, true),
        (&every, 240, true),
        (&every, 930, true),
        // Another currency's.
        (&high, 360, false),
        (&by_impact, 360, true),
        (&by_impact, -30, true),
        (&by_impact, 45, false),
        (&by_impact, 225, true),
        (&by_impact, 210, false),
    ] {
        assert_eq!(
            blocked(filter.clone(), minutes).is_some(),
            paused,
            "{filter} {minutes}"
        );
    }
}

#[test]
fn r15_a_calendar_that_does_not_reach_this_day_stops_entries() {
    let filter = json!({ "enabled": true, "pauseBeforeMinutes": 30, "highImpactOnly": true });
    assert_eq!(blocked(filter.clone(), 39 * 60), None);
    let said = "the news calendar does not reach this day; import a newer one (R15)";
    assert_eq!(blocked(filter.clone(), 40 * 60).as_deref(), Some(said));
    assert_eq!(blocked(filter, -9 * 60).as_deref(), Some(said));
}

#[test]
fn news_without_minutes_or_without_a_list_are_refused() {
    for (filter, said) in [
        (
            json!({ "highImpact": { "enabled": true } }),
            "newsFilter.highImpact: is switched on and names no minutes to pause (R15)",
        ),
        (
            json!({ "highImpact": { "pauseMinutesAfter": 5 }, "majorEvents": ["NFP"] }),
            "newsFilter.majorEvents: names events and no minutes to pause around them (R15)",
        ),
        (
            json!({ "pauseBeforeMinutes": 30, "symbols": "USD" }),
            "newsFilter.symbols: is not a list",
        ),
        (
            json!({ "pauseBeforeMinutes": 30, "majorEvents": ["NFP", 5] }),
            "newsFilter.majorEvents[1]: is not a text",
        ),
    ] {
        let refusal = with_calendar(&buying("newsFilter", filter), CALENDAR_HERE).unwrap_err();
        let reasons = refusal.reasons;
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        let refused = reasons[0].to_string();
        assert!(refused.starts_with(said), "{refused}");
    }
}

#[test]
fn r15_what_cannot_be_computed_is_refused_unless_the_trader_allows_running_without() {
    for (key, name) in [
        ("newsFilter", "news"),
        ("riskSentimentMonitor", "riskSentiment"),
    ] {
        let rules = buying(key, json!({ "enabled": true, "checkDXY": true }));
        assert!(only(&rules).starts_with(&format!("{key}: the ")));
        let allowances = Allowances::without(name).unwrap();
        let plan = with_calendar(&rules, allowances).unwrap();
        let skipped = plan.skipped()[0].to_string();
        assert!(
            skipped.ends_with("is not followed; Settings allow running without it (R15)"),
            "{skipped}"
        );
        let others = Allowances::without("regime").unwrap();
        assert!(with_calendar(&rules, others).is_err(), "{key}");
    }
    let regime = buying(
        "regimeDetection",
        json!({ "preferredRegimes": ["unknown here"] }),
    );
    assert!(with_calendar(&regime, Allowances::without("regime").unwrap()).is_ok());
    assert_eq!(
        Allowances::without("news, moon").unwrap_err(),
        "\"moon\" is not one of news, correlation, riskSentiment, regime"
    );
}

#[test]
fn a_calendar_is_read_in_the_forms_that_are_about() {
    let dated = "Date;Time;Country;Importance;Event\n2026.03.06;13:30;usd;Moderate;NFP\n";
    let calendar = NewsCalendar::parse(dated).unwrap();
    let event = &calendar.events()[0];
    assert_eq!(
        (event.time.to_string().as_str(), event.currency.as_str()),
        ("2026-03-06T13:30:00Z", "USD")
    );
    let unordered =
        "title,time,impact,currency\nb,2026-03-07 10:00,low,EUR\na,2026-03-06 10:00:30,low,EUR\n";
    let calendar = NewsCalendar::parse(unordered).unwrap();
    let titles: Vec<&str> = calendar
        .events()
        .iter()
        .map(|event| event.title.as_str())
        .collect();
    assert_eq!(titles, ["a", "b"]);
}

#[test]
fn a_broken_calendar_is_named_with_its_line_and_what_was_expected() {
    let head = "time,currency,impact,title\n2026-03-06 13:30,USD,high,CPI\n";
    for (text, said) in [
        (String::new(), "line 1: there is nothing in it"),
        (
            "time,currency,title\n".to_owned(),
            "line 1: expected a header with a column \"impact\"",
        ),
        (
            "time,currency,impact,title\n".to_owned(),
            "line 2: expected an event, found none",
        ),
        (
            format!("{head}soon,USD,high,CPI\n"),
            "line 3: expected a time like 2026-03-06 13:30 (UTC), found \"soon\"",
        ),
        (
            format!("{head}2026-03-06,USD,high,CPI\n"),
            "line 3: expected a time like 2026-03-06 13:30 (UTC), found \"2026-03-06\"",
        ),
        (
            format!("{head}\n2026-03-06 14:00,USD,huge,CPI\n"),
            "line 4: expected an impact high, medium or low, found \"huge\"",
        ),
        (
            format!("{head}2026-03-06 14:00,,high,CPI\n"),
            "line 3: expected a currency, found none",
        ),
    ] {
        assert_eq!(
            NewsCalendar::parse(&text).unwrap_err().to_string(),
            said,
            "{text:?}"
        );
    }
}
