//! What a trader would reckon on paper: bars, and the deals that come of them.

use super::*;
use crate::replay::ExitReason;

/// Bar 3 opens at 1.1006 with a spread of 1 pip: a buy at 1.1007 with its stop at 1.0987 and its target at 1.1037, a sell at
/// 1.1006 with its stop at 1.1026 and its target at 1.0976.
#[test]
fn a_stop_and_a_target_are_filled_where_they_stand() {
    use ExitReason::{End, StopLoss, TakeProfit};
    use Side::{Buy, Sell};
    let quiet = [1.1006, 1.1010, 1.1003, 1.1008];
    let far = [1.1006, 1.1010, 1.0970, 1.0980];
    #[expect(clippy::type_complexity, reason = "a table")]
    let cases: [(&str, Side, &[[f64; 4]], ExitReason, &str, &str); 10] = [
        (
            "target",
            Buy,
            &[[1.1006, 1.1040, 1.1000, 1.1030]],
            TakeProfit,
            "1.1037",
            "30.00",
        ),
        ("stop", Buy, &[far], StopLoss, "1.0987", "-20.00"),
        (
            "both: the stop first",
            Buy,
            &[[1.1006, 1.1040, 1.0980, 1.1030]],
            StopLoss,
            "1.0987",
            "-20.00",
        ),
        (
            "opens below the stop",
            Buy,
            &[quiet, [1.0970, 1.0975, 1.0960, 1.0965]],
            StopLoss,
            "1.0970",
            "-37.00",
        ),
        (
            "opens above the target",
            Buy,
            &[quiet, [1.1050, 1.1055, 1.1040, 1.1045]],
            TakeProfit,
            "1.1050",
            "43.00",
        ),
        ("still open", Buy, &[quiet], End, "1.1008", "1.00"),
        (
            "the ask short of the target",
            Sell,
            &[[1.1006, 1.1010, 1.0976, 1.0980]],
            End,
            "1.0981",
            "25.00",
        ),
        (
            "the ask at the target",
            Sell,
            &[[1.1006, 1.1010, 1.0975, 1.0980]],
            TakeProfit,
            "1.0976",
            "30.00",
        ),
        (
            "the ask at the stop",
            Sell,
            &[[1.1006, 1.1025, 1.1003, 1.1008]],
            StopLoss,
            "1.1026",
            "-20.00",
        ),
        (
            "opens above the stop",
            Sell,
            &[quiet, [1.1040, 1.1045, 1.1035, 1.1040]],
            StopLoss,
            "1.1041",
            "-35.00",
        ),
    ];
    for (name, side, bars, reason, price, profit) in cases {
        let kept = after_a_cross(crossing(&plain_exit(), side), settings(), bars);
        assert_eq!(kept.trades.len(), 1, "{name}");
        let trade = &kept.trades[0];
        let entry = if side == Side::Buy {
            "1.1007"
        } else {
            "1.1006"
        };
        assert_eq!(trade.open_price, decimal(entry), "{name}");
        assert_eq!(trade.opened_at.as_second(), MONDAY + 3 * QUARTER, "{name}");
        assert_eq!(
            (trade.reason, trade.close_price, trade.profit),
            (reason, decimal(price), decimal(profit)),
            "{name}"
        );
        assert_eq!(trade.balance, decimal("10000") + decimal(profit), "{name}");
    }
}

#[test]
fn a_commission_is_taken_for_the_lots_closed() {
    let settings = Settings {
        commission: decimal("7"),
        ..settings()
    };
    let bars = [[1.1006, 1.1040, 1.1000, 1.1030]];
    let kept = after_a_cross(crossing(&plain_exit(), Side::Buy), settings, &bars);
    assert_eq!(kept.trades[0].commission, decimal("0.70"));
    assert_eq!(kept.trades[0].balance, decimal("10029.30"));
}

/// The stop is 20 pips, so 70 % are due at 1.2 times that, 1.1031, and the rest at 1.1047.
#[test]
fn parts_are_closed_at_their_levels_even_within_one_bar() {
    let exit = json!({
        "stopLoss": { "type": "pips", "value": 20 },
        "smartExit": { "enabled": true, "takeProfit": { "type": "partial", "partialExits": [
            { "percentage": 70, "atRR": 1.2 }, { "percentage": 30, "atRR": 2 }
        ] } },
    });
    let bars = [[1.1006, 1.1060, 1.1000, 1.1050]];
    let kept = after_a_cross(crossing(&exit, Side::Buy), settings(), &bars);
    let deals: Vec<_> = kept
        .trades
        .iter()
        .map(|trade| {
            (
                trade.reason,
                trade.volume,
                trade.close_price,
                trade.profit,
                trade.is_last,
            )
        })
        .collect();
    assert_eq!(
        deals,
        [
            (
                ExitReason::Part,
                decimal("0.07"),
                decimal("1.1031"),
                decimal("16.80"),
                false
            ),
            (
                ExitReason::TakeProfit,
                decimal("0.03"),
                decimal("1.1047"),
                decimal("12.00"),
                true
            ),
        ]
    );
    let gap = [
        [1.1006, 1.1010, 1.1003, 1.1008],
        [1.1040, 1.1042, 1.1035, 1.1036],
    ];
    let kept = after_a_cross(crossing(&exit, Side::Buy), settings(), &gap);
    assert_eq!(
        kept.trades[0].close_price,
        decimal("1.1040"),
        "a level opened beyond"
    );
    assert_eq!(kept.trades[0].volume, decimal("0.07"));
}

#[test]
fn a_stop_trails_the_price_and_is_hit_on_the_way_back() {
    let exit = json!({
        "stopLoss": { "type": "pips", "value": 20 },
        "takeProfit": { "type": "pips", "value": 90 },
        "trailing": { "enabled": true, "distance": 15 },
    });
    // The low comes first, then the high at 1.1030, which brings the stop to 1.1015; the next bar falls through it.
    let bars = [
        [1.1006, 1.1010, 1.1003, 1.1008],
        [1.1010, 1.1030, 1.1008, 1.1025],
        [1.1025, 1.1026, 1.1010, 1.1012],
    ];
    let kept = after_a_cross(crossing(&exit, Side::Buy), settings(), &bars);
    assert_eq!(
        (
            kept.trades[0].reason,
            kept.trades[0].close_price,
            kept.trades[0].profit
        ),
        (ExitReason::TrailingStop, decimal("1.1015"), decimal("8.00"))
    );
    // The high comes first and the fall back to the low in the same bar takes the stop that followed it.
    let bars = [[1.1006, 1.1024, 1.0988, 1.0990]];
    let kept = after_a_cross(crossing(&exit, Side::Buy), settings(), &bars);
    assert_eq!(
        (kept.trades[0].reason, kept.trades[0].close_price),
        (ExitReason::TrailingStop, decimal("1.1009")),
        "18 pips up are the nearer extreme here: 1.1024 less 15 pips"
    );
}

#[test]
fn a_position_held_too_long_is_closed_at_an_open() {
    let exit = json!({
        "stopLoss": { "type": "pips", "value": 20 },
        "takeProfit": { "type": "pips", "value": 90 },
        "smartExit": { "enabled": true, "stopLoss": { "type": "fixed", "fixedPips": 20, "maxHoldingHours": 1 } },
    });
    let bars = [[1.1006, 1.1010, 1.1003, 1.1008]; 6];
    let kept = after_a_cross(crossing(&exit, Side::Buy), settings(), &bars);
    let trade = &kept.trades[0];
    assert_eq!(trade.closed_at.as_second(), MONDAY + 7 * QUARTER);
    assert_eq!(
        (trade.reason, trade.close_price),
        (ExitReason::Rules, decimal("1.1006"))
    );
}

#[test]
fn bars_before_the_beginning_only_warm_up() {
    let settings = Settings {
        from: Some(MONDAY + 3 * QUARTER),
        ..settings()
    };
    let bars = [[1.1006, 1.1040, 1.1000, 1.1030]];
    let kept = after_a_cross(crossing(&plain_exit(), Side::Buy), settings, &bars);
    assert!(kept.trades.is_empty(), "the cross was before");
    assert_eq!(kept.verdicts, [(3, Verdict::NoCondition)]);
}

#[test]
fn a_bar_that_comes_much_later_is_not_traded_on() {
    let mut replay = Replay::new(crossing(&plain_exit(), Side::Buy), settings());
    let mut kept = Kept::default();
    for (number, close) in [(0, 1.0991), (1, 1.0995), (2, 1.1005), (6, 1.1006)] {
        let prices = [close, close + 0.0001, close - 0.0001, close];
        replay.push(&bar(number, prices), &mut kept).unwrap();
    }
    replay.finish(&mut kept).unwrap();
    assert!(kept.trades.is_empty());
    let why = &kept.verdicts[2];
    assert!(
        matches!(why, (2, Verdict::Refused(Side::Buy, why)) if why.contains("is old")),
        "{why:?}"
    );
}

#[test]
fn a_tick_of_a_pair_based_on_the_accounts_currency_follows_the_price() {
    let mut own = terms("USDJPY", None).unwrap();
    own.follow(decimal("150"));
    assert_eq!(own.spec.tick_value, decimal("0.66666667"));
    let spec = json!({ "tick_value": 0.9, "volume_step": "0.1" });
    let mut own = terms("USDJPY", Some(&spec)).unwrap();
    own.follow(decimal("150"));
    assert_eq!(
        own.spec.tick_value,
        decimal("0.9"),
        "what the trader says stands"
    );
    assert_eq!(own.spec.volume_step, decimal("0.1"));
    assert!(terms("ACME", None).unwrap_err().contains("--spec"));
}

/// 10 dollars hold no fall of 25 pips with 0.1 lots; the stop at 1.0907 is never reached.
#[test]
fn an_empty_account_trades_no_more() {
    let exit = json!({
        "stopLoss": { "type": "pips", "value": 100 },
        "takeProfit": { "type": "pips", "value": 300 },
    });
    let settings = Settings {
        balance: decimal("10"),
        ..settings()
    };
    let bars = [
        [1.1006, 1.1008, 1.1000, 1.1005],
        [1.1005, 1.1005, 1.0975, 1.0982],
        [1.0982, 1.1010, 1.0980, 1.1008],
        [1.1008, 1.1030, 1.1005, 1.1025],
    ];
    let kept = after_a_cross(crossing(&exit, Side::Buy), settings, &bars);
    let [trade] = &kept.trades[..] else {
        panic!("{:?}", kept.trades)
    };
    assert_eq!(
        (trade.reason, trade.close_price, trade.balance),
        (ExitReason::Ruin, decimal("1.0982"), decimal("-15.00"))
    );
    let again = Verdict::Refused(Side::Buy, "nothing is left of the account".to_owned());
    assert!(kept.verdicts.contains(&(5, again)), "{:?}", kept.verdicts);
}

/// A check that closes nothing leaves the parts at their own prices, also of what was sold, whose gain needs the ask.
#[test]
fn a_check_for_progress_changes_no_price_of_a_part() {
    let exit = |checked: bool| {
        json!({
            "stopLoss": { "type": "pips", "value": 20 },
            "smartExit": {
                "takeProfit": { "type": "partial", "partialExits": [
                    { "percentage": 50, "atRR": 1 }, { "percentage": 50, "atRR": 3 }
                ] },
                "timeExit": { "maxHoldingMinutes": 600, "exitIfNoProgress": checked, "minProgressPips": 2 },
            },
        })
    };
    let falls = [
        [1.1006, 1.1008, 1.0995, 1.0996],
        [1.0996, 1.0997, 1.0970, 1.0972],
        [1.0972, 1.0973, 1.0930, 1.0940],
    ];
    let rises =
        falls.map(|[open, high, low, close]| [open, low, high, close].map(|price| 2.2012 - price));
    for (side, bars) in [(Side::Sell, falls), (Side::Buy, rises)] {
        let deals = |checked| {
            let kept = after_a_cross(crossing(&exit(checked), side), settings(), &bars);
            let deals = kept.trades.into_iter();
            deals
                .map(|trade| (trade.reason, trade.volume, trade.close_price))
                .collect::<Vec<_>>()
        };
        assert_eq!(deals(true), deals(false), "{side:?}");
        assert_eq!(deals(true).len(), 2, "{side:?}: {:?}", deals(true));
    }
}

/// A part that is closed at a loss is closed where the price went, and only there.
#[test]
fn a_part_closed_at_a_loss_is_filled_where_the_price_goes() {
    use ExitReason::{End, Part};
    let quiet = [1.1006, 1.1010, 1.1003, 1.1008];
    let parts = |value: f64| {
        json!({
            "stopLoss": { "type": "pips", "value": 50 },
            "enhancedPartialExits": { "levels": [
                { "percentage": 50, "triggerType": "price",
                  "priceTarget": { "type": "absolute", "value": value } },
            ] },
        })
    };
    type Deals = &'static [(ExitReason, &'static str)];
    #[expect(clippy::type_complexity, reason = "a table")]
    let cases: [(&str, Side, f64, &[[f64; 4]], Deals); 5] = [
        (
            "never there",
            Side::Buy,
            1.05,
            &[quiet, quiet],
            &[(End, "1.1008")],
        ),
        (
            "down to it",
            Side::Buy,
            1.0990,
            &[quiet, [1.1006, 1.1010, 1.0985, 1.1008]],
            &[(Part, "1.0990"), (End, "1.1008")],
        ),
        (
            "opens below it",
            Side::Buy,
            1.0990,
            &[quiet, [1.0980, 1.0995, 1.0975, 1.0990]],
            &[(Part, "1.0980"), (End, "1.0990")],
        ),
        (
            "never there",
            Side::Sell,
            1.15,
            &[quiet, quiet],
            &[(End, "1.1009")],
        ),
        (
            "up to it, by the ask",
            Side::Sell,
            1.1030,
            &[quiet, [1.1006, 1.1035, 1.1003, 1.1008]],
            &[(Part, "1.1030"), (End, "1.1009")],
        ),
    ];
    for (name, side, value, bars, deals) in cases {
        let plan = crossing(&parts(value), side);
        let kept = after_a_cross(plan, settings(), bars);
        let found: Vec<_> = kept
            .trades
            .iter()
            .map(|trade| (trade.reason, trade.close_price))
            .collect();
        let expected: Vec<_> = deals
            .iter()
            .map(|(reason, price)| (*reason, decimal(price)))
            .collect();
        assert_eq!(found, expected, "{name} {side:?}");
    }
}
