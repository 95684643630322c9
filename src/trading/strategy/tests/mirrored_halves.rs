//! R1: two halves that mirror each other say the direction only where nothing in them speaks for the other one.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::strategy::{Language, NO_DIRECTION, Plan, PlanRefusal};

/// What a pair of conditions says: the first one buys, or it may be meant either way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Says {
    Buy,
    Trend,
    Either,
}

type Pair = (Says, Value, Value);

fn pair(says: Says, indicator: &str, operator: &str, values: (Value, Value)) -> Pair {
    let other = match operator {
        "gt" => "lt",
        "lt" => "gt",
        "gte" => "lte",
        "crosses_above" => "crosses_below",
        "crosses_below" => "crosses_above",
        "bullish" => "bearish",
        "histogram_positive" => "histogram_negative",
        "k_crosses_above_d" => "k_crosses_below_d",
        other => panic!("{other}"),
    };
    let condition = |operator: &str, value: Value| json!({ "indicator": indicator, "condition": operator, "value": value });
    (
        says,
        condition(operator, values.0),
        condition(other, values.1),
    )
}

/// Each pair so that the first one is what a buyer would write who follows the market.
fn pairs() -> Vec<Pair> {
    let both = |value: Value| (value.clone(), value);
    let line = |says, left, operator, right: &str| pair(says, left, operator, both(json!(right)));
    let level = |says, left, operator, one: f64, other: f64| {
        pair(says, left, operator, (json!(one), json!(other)))
    };
    use Says::{Buy, Either, Trend};
    vec![
        line(Trend, "price", "gt", "ema_50"),
        line(Trend, "price", "gte", "sma_50"),
        line(Trend, "price", "gt", "vwap"),
        line(Trend, "price", "crosses_above", "ema_20"),
        line(Trend, "low", "gt", "ema_200"),
        line(Trend, "ema_9", "gt", "ema_21"),
        line(Trend, "ema_21", "lt", "ema_9"),
        line(Trend, "ema_50", "lt", "price"),
        line(Trend, "ema_9", "crosses_above", "sma_21"),
        line(Buy, "price", "gt", "sar"),
        line(Buy, "price", "gt", "kijun"),
        line(Buy, "tenkan", "gt", "kijun"),
        line(Buy, "price", "gt", "bollinger_middle"),
        line(Buy, "macd", "crosses_above", "macd_signal"),
        line(Buy, "macd_signal", "lt", "macd"),
        line(Buy, "stochastic_k", "crosses_above", "stochastic_d"),
        pair(Trend, "h4_candle", "bullish", both(Value::Null)),
        pair(Trend, "d1_trend", "bullish", both(Value::Null)),
        pair(Buy, "macd", "histogram_positive", both(Value::Null)),
        pair(Buy, "stochastic", "k_crosses_above_d", both(Value::Null)),
        level(Buy, "rsi", "crosses_above", 30.0, 70.0),
        level(Buy, "rsi", "gt", 50.0, 50.0),
        level(Buy, "rsi", "gt", 45.0, 55.0),
        level(Buy, "stochastic_k", "crosses_above", 20.0, 80.0),
        level(Buy, "cci", "crosses_above", -100.0, 100.0),
        level(Buy, "cci", "gt", 0.0, 0.0),
        level(Buy, "williams_r", "crosses_above", -80.0, -20.0),
        level(Buy, "macd_histogram", "gt", 0.0, 0.0),
        level(Either, "rsi", "gt", 70.0, 30.0),
        level(Either, "rsi", "crosses_above", 70.0, 30.0),
        level(Either, "rsi", "gt", 30.0, 30.0),
        level(Either, "cci", "crosses_above", 100.0, -100.0),
        level(Either, "williams_r", "gt", -20.0, -80.0),
        level(Either, "adx", "gt", 25.0, 20.0),
        level(Either, "atr", "gt", 0.001, 0.001),
        level(Either, "price", "gt", 1.1, 1.1),
        line(Either, "price", "gt", "bollinger_lower"),
        line(Either, "price", "gt", "resistance"),
        line(Either, "price", "lt", "high"),
        line(Either, "ema_20", "gt", "vwap"),
        line(Either, "volume", "gt", "volume_ma"),
    ]
}

fn listed(first: &[&Value], second: &[&Value]) -> Result<Plan, PlanRefusal> {
    let all: Vec<&Value> = first.iter().chain(second).copied().collect();
    rules_planned(
        &rules_with(&json!({ "logic": "AND", "conditions": all })),
        None,
    )
}

/// The halves of these pairs, each as it is or turned round.
fn halves(of: &[(Pair, bool)]) -> Result<Plan, PlanRefusal> {
    let side = |turned: bool| -> Vec<&Value> {
        of.iter()
            .map(|((_, one, other), own)| if *own == turned { one } else { other })
            .collect()
    };
    listed(&side(false), &side(true))
}

fn words(plan: &Plan, side: Side) -> String {
    let conditions = plan.trigger(side).unwrap().terms()[0].conditions();
    let words = conditions
        .iter()
        .map(|condition| condition.words(Timeframe::M15, Language::English));
    words.collect::<Vec<_>>().join(" and ")
}

#[test]
fn a_dip_buyer_is_asked_and_told_which_two_conditions_disagree() {
    let all = pairs();
    let trend = (all[0].clone(), true);
    for (says, one, other) in &all {
        if *says != Says::Buy {
            continue;
        }
        let refusal =
            halves(&[trend.clone(), ((*says, one.clone(), other.clone()), false)]).unwrap_err();
        assert!(refusal.needs_direction, "{one}");
        let text = refusal.to_string();
        assert!(text.starts_with(NO_DIRECTION), "{text}");
        assert!(
            text.contains("\"the close is below EMA 50\" for selling"),
            "{text}"
        );
    }
    let rsi = all.iter().find(|(_, one, _)| one["value"] == json!(30.0));
    let refusal = halves(&[trend, (rsi.unwrap().clone(), false)]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        format!(
            "{NO_DIRECTION}: the second half turns the first one round, but in one half \"RSI 14 crosses above 30\" speaks for buying and \"the close is below EMA 50\" for selling; or begin each description with BUY or SELL (R1)"
        )
    );
}

#[test]
fn a_slower_series_above_a_quicker_one_speaks_for_selling() {
    let plan = halves(&[(pairs()[7].clone(), false)]).unwrap();
    assert_eq!(words(&plan, Side::Buy), "EMA 50 is below the close");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn no_half_holds_opposing_evidence(
        chosen in prop::collection::vec((prop::sample::select(pairs()), prop::bool::weighted(0.2)), 1..5),
        turned in any::<bool>(),
    ) {
        let chosen: Vec<_> = chosen.into_iter().map(|(pair, own)| (pair, own != turned)).collect();
        let agree = chosen.iter().all(|(_, own)| *own == chosen[0].1);
        let plain = chosen.iter().all(|((says, _, _), _)| *says != Says::Either);
        let trend = chosen.iter().any(|((says, _, _), _)| *says == Says::Trend);
        match halves(&chosen) {
            Ok(plan) => {
                prop_assert!(agree && plain && trend, "{}", words(&plan, Side::Buy));
                let following: Vec<_> = chosen.iter().map(|(pair, _)| (pair.clone(), false)).collect();
                prop_assert_eq!(words(&plan, Side::Buy), words(&halves(&following).unwrap(), Side::Buy));
            }
            Err(refusal) => {
                prop_assert!(refusal.needs_direction, "{}", refusal);
                prop_assert!(!(agree && plain && trend), "{}", refusal);
            }
        }
    }
}
