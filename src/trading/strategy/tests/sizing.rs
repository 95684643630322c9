//! How many lots, and the limits that look at what a strategy has done.

use serde_json::json;

use super::refusals::only;
use super::times::buying;
use super::*;

fn lots(
    rules: &Value,
    second: i64,
    change: impl FnOnce(&mut MarketView<'_>),
) -> Result<Decimal, String> {
    let plan = rules_planned(rules, None).unwrap();
    let all = bars(
        &vec![1.25; plan.warmup_bars()],
        Timeframe::M15,
        second,
        0.0010,
    );
    match decide_with(&plan, &all, change).decision {
        Decision::Enter { volume, .. } => Ok(volume),
        Decision::Stay { why } => Err(why),
    }
}

#[test]
fn atr_sizing_lets_so_many_average_ranges_cost_the_risk() {
    let risk = |useful: Value| buying("dynamicRisk", useful);
    let by_atr = json!({ "useATRSizing": true, "atrMultiplier": 2.5, "riskPercentage": 1 });
    // ATR is 10 pips; 25 pips cost 250 a lot.
    for (balance, volume) in [("1000", "0.04"), ("2500", "0.1"), ("100000", "0.1")] {
        let sized = lots(&risk(by_atr.clone()), MONDAY, |view| {
            view.balance = decimal(balance);
        });
        assert_eq!(sized, Ok(decimal(volume)), "{balance}");
    }
    let sentence = rules_planned(&risk(by_atr), None).unwrap().sentence();
    assert!(
        sentence.contains("so few lots that 2.5 times ATR 14 cost at most 1 % of the balance"),
        "{sentence}"
    );

    let without = risk(json!({ "useATRSizing": true, "riskPercentage": 1 }));
    let plan = rules_planned(&without, None).unwrap();
    assert_eq!(plan.sizing().risk_percent, Some(Decimal::ONE));
    assert_eq!(
        plan.skipped()[0].to_string(),
        "dynamicRisk.useATRSizing: rules name no \"atrMultiplier\", so the lots are capped by what the stop costs instead (R18)"
    );
    assert_eq!(
        only(&risk(json!({ "useATRSizing": true, "atrMultiplier": 2 }))),
        "dynamicRisk: sizes by risk but has no \"riskPercentage\" (R18)"
    );
}

#[test]
fn r18_multipliers_make_the_volume_smaller_and_never_larger_than_the_lots_named() {
    let saturday = MONDAY + 5 * 86_400;
    let weekend = |multiplier: Value| {
        buying(
            "dynamicRisk",
            json!({ "weekendMultiplier": multiplier, "maxPositionSize": 0.08 }),
        )
    };
    for (multiplier, second, volume) in [
        (json!(0.5), MONDAY, "0.08"),
        (json!(0.5), saturday, "0.04"),
        (json!(0.5), saturday + 86_400, "0.04"),
        (json!(3), saturday, "0.08"),
    ] {
        assert_eq!(
            lots(&weekend(multiplier.clone()), second, |_| {}),
            Ok(decimal(volume)),
            "{multiplier}"
        );
    }
    assert_eq!(
        rules_planned(&weekend(json!(3)), None).unwrap().skipped()[0].to_string(),
        "dynamicRisk.weekendMultiplier: the volume is not multiplied by 3; it never exceeds the lots that the rules name (R18)"
    );
    let tiny = lots(&weekend(json!(0.1)), saturday, |_| {}).unwrap_err();
    assert!(
        tiny.contains("a volume is never rounded up (R18)"),
        "{tiny}"
    );
}

fn limited(key: &str, value: Value) -> Value {
    let mut rules = buying("notes", Value::Null);
    rules["riskManagement"][key] = value;
    rules
}

#[test]
fn r17_weekly_and_monthly_losses_stop_entries_in_their_own_unit() {
    let week = limited("maxWeeklyLoss", json!(200));
    let mut percent = limited("maxMonthlyLoss", json!(5));
    percent["riskManagement"]["baseLotSize"] = json!(0.1);
    let with = |rules: &Value, week: &str, month: &str| {
        lots(rules, MONDAY, |view| {
            view.record.week = decimal(week);
            view.record.month = decimal(month);
        })
    };
    assert!(with(&week, "-199", "-900").is_ok());
    assert_eq!(
        with(&week, "-200", "0").unwrap_err(),
        "this week's loss of 200 has reached the limit of 200"
    );
    assert!(with(&percent, "-900", "-499").is_ok());
    assert_eq!(
        with(&percent, "0", "-500").unwrap_err(),
        "this month's loss of 500 has reached the limit of 500"
    );
    let sentence = rules_planned(&percent, None).unwrap().sentence();
    assert!(
        sentence.contains("opens nothing more in a month (UTC) that has lost 5 % of the balance"),
        "{sentence}"
    );
}

#[test]
fn counts_of_trades_losses_and_positions_are_kept() {
    type Change = fn(&mut TrackRecord);
    let cases: [(&str, u32, Change, Change, &str); 4] = [
        (
            "maxDailyTrades",
            3,
            |record| record.trades_today = 2,
            |record| record.trades_today = 3,
            "has opened 3 positions today, as many as it may",
        ),
        (
            "maxConsecutiveLosses",
            2,
            |record| record.losses_in_row = 1,
            |record| record.losses_in_row = 2,
            "has lost 2 times in a row today and opens nothing more",
        ),
        (
            "maxPositionsPerSymbol",
            2,
            |record| record.open_in_symbol = 1,
            |record| record.open_in_symbol = 2,
            "2 positions are open in EURUSD, as many as it allows",
        ),
        (
            "maxCorrelatedPositions",
            1,
            |record| record.open_at_all = 0,
            |record| record.open_at_all = 1,
            "1 positions are open that may be correlated, as many as it allows",
        ),
    ];
    for (key, most, below, at, said) in cases {
        let rules = limited(key, json!(most));
        assert!(
            lots(&rules, MONDAY, |view| below(&mut view.record)).is_ok(),
            "{key}"
        );
        assert_eq!(
            lots(&rules, MONDAY, |view| at(&mut view.record)).unwrap_err(),
            said
        );
    }
    assert_eq!(
        only(&limited("maxDailyTrades", json!(2.5))),
        "riskManagement.maxDailyTrades: is not a whole number (R20)"
    );
}

#[test]
fn r17_a_drawdown_without_unit_is_refused() {
    assert!(
        only(&limited("maxDrawdown", json!(10)))
            .starts_with("riskManagement.maxDrawdown: doesn't say whether it is money or per cent")
    );
}

#[test]
fn recovery_trades_less_until_enough_profits_in_a_row() {
    let mode =
        json!({ "enabled": true, "triggerDrawdown": 5, "reduceSizeBy": 50, "requireWinStreak": 3 });
    let rules = limited("recoveryMode", mode);
    for (drawdown, wins, volume) in [
        ("0", 0, "0.1"),
        ("499", 0, "0.1"),
        ("500", 0, "0.05"),
        ("900", 2, "0.05"),
        ("900", 3, "0.1"),
    ] {
        let sized = lots(&rules, MONDAY, |view| {
            view.record.drawdown = decimal(drawdown);
            view.record.wins_in_row = wins;
        });
        assert_eq!(sized, Ok(decimal(volume)), "{drawdown} {wins}");
    }
    assert_eq!(
        only(&limited(
            "recoveryMode",
            json!({ "enabled": true, "triggerDrawdown": 5, "reduceSizeBy": 50 })
        )),
        "riskManagement.recoveryMode: is switched on and has no \"requireWinStreak\" (R18)"
    );
}

#[test]
fn r16_a_section_without_enabled_is_on_and_a_filter_switched_off_asks_for_nothing() {
    for (key, on) in [
        (
            "regimeDetection",
            json!({ "preferredRegimes": ["TRENDING"] }),
        ),
        ("spreadFilter", json!({ "maxSpread": 2 })),
        ("timeFilter", json!({ "excludeWeekends": true })),
        ("volumeConfirmation", json!({ "minVolumeMultiplier": 1.5 })),
    ] {
        let plan = rules_planned(&buying(key, on.clone()), None).unwrap();
        assert_eq!(plan.filters().all.len(), 1, "{key}");
        let mut off = on;
        off["enabled"] = json!(false);
        let plan = rules_planned(&buying(key, off), None).unwrap();
        assert!(plan.filters().all.is_empty(), "{key}");
    }
}
