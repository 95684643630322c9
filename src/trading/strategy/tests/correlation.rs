//! The correlation filter: what its keys mean, which directions it holds back, and that nothing unknown passes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::refusals::only;
use super::times::buying;
use super::*;
use crate::strategy::{Correlation, CorrelationFilter, Filter, Window};

/// What the platform's form stores, switched on, with these changes.
fn form(changes: &Value) -> Value {
    let mut filter = json!({
        "enabled": true, "maxCorrelation": 0.7, "checkPairs": ["GBPUSD", "USDCHF"], "skipHighlyCorrelated": true,
        "timeframes": ["H1"], "lookbackPeriod": 30, "minDataPoints": 20, "updateFrequency": 24,
        "dynamicThreshold": false, "groupByCurrency": false,
    });
    for (key, value) in changes.as_object().unwrap() {
        filter[key] = value.clone();
    }
    buying("correlationFilter", filter)
}

fn read(changes: &Value) -> Plan {
    rules_planned(&form(changes), None).unwrap()
}

fn filter_of(plan: &Plan) -> &CorrelationFilter {
    plan.correlation().unwrap()
}

fn peer(name: &str, correlation: Correlation, open: &[Side]) -> Peer {
    Peer {
        name: name.to_owned(),
        correlation,
        bought: open.contains(&Side::Buy),
        sold: open.contains(&Side::Sell),
    }
}

fn beside(plan: &Plan, peers: &[Peer]) -> Evaluation {
    let bars = bars(&[1.25; 2], Timeframe::M15, MONDAY, 0.001);
    decide_beside(plan, &bars, peers, |_| {})
}

#[test]
fn positions_that_go_the_same_way_hold_entries_back() {
    use Side::{Buy, Sell};
    let buys = read(&json!({ "checkPairs": ["GBPUSD"] }));
    let mut rules = form(&json!({ "checkPairs": ["GBPUSD"] }));
    rules["entry"]["conditions"][0]["description"] = json!("SELL");
    let sells = rules_planned(&rules, None).unwrap();
    for (value, open, buys_pass, sells_pass) in [
        (0.8, &[][..], true, true),
        (0.8, &[Buy], false, true),
        (0.8, &[Sell], true, false),
        (0.8, &[Buy, Sell], false, false),
        (0.7, &[Buy], false, true),
        (0.699, &[Buy], true, true),
        (0.0, &[Buy, Sell], true, true),
        (-0.699, &[Sell], true, true),
        (-0.7, &[Sell], false, true),
        (-0.8, &[Buy], true, false),
        (-1.0, &[Buy, Sell], false, false),
    ] {
        let peers = [peer("GBPUSD", Correlation::Known(value), open)];
        for (plan, passes) in [(&buys, buys_pass), (&sells, sells_pass)] {
            let side = side_of(&beside(plan, &peers));
            assert_eq!(side.is_some(), passes, "{value} {open:?} {side:?}");
        }
    }
}

#[test]
fn a_decision_tells_every_symbol_with_its_value_and_the_limit() {
    let plan = read(&json!({}));
    let peers = [
        peer("GBPUSD", Correlation::Known(0.829), &[Side::Buy]),
        peer("USDCHF", Correlation::Known(-0.1), &[]),
    ];
    assert_eq!(
        why(&beside(&plan, &peers)),
        "BUY: correlation GBPUSD 0.83 with a BUY position, USDCHF -0.1; from 0.7 on a position that goes the same way holds it back"
    );
    let peers = [
        peer("GBPUSD", Correlation::Unknown { pairs: 12 }, &[]),
        peer("USDCHF", Correlation::Unknown { pairs: 20 }, &[]),
    ];
    let told = why(&beside(&plan, &peers)).to_owned();
    assert!(
        told.starts_with(
            "BUY: correlation GBPUSD unknown (12 of at least 20 pairs of bars), USDCHF unknown (a price stands still); "
        ),
        "{told}"
    );
    let told = why(&beside(&plan, &[])).to_owned();
    assert!(
        told.starts_with("BUY: correlation GBPUSD unknown, USDCHF unknown; "),
        "{told}"
    );
    let any = read(&json!({ "checkPairs": [] }));
    let passes = beside(&any, &[]);
    assert_eq!(side_of(&passes), Some(Side::Buy));
    assert!(passes.filters[0].text.contains("no position is open"));
}

#[test]
fn keys_say_what_is_compared() {
    let usual = CorrelationFilter {
        limit: decimal("0.7").into(),
        symbols: vec!["GBPUSD".to_owned(), "USDCHF".to_owned()],
        timeframe: Timeframe::H1,
        days: 30,
        least_pairs: 20,
        without_missing: false,
    };
    let symbols = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    for (changes, expected) in [
        (json!({}), usual.clone()),
        (
            json!({ "checkPairs": [], "checkAssets": null, "timeframes": null }),
            CorrelationFilter {
                symbols: Vec::new(),
                timeframe: Timeframe::M15,
                ..usual.clone()
            },
        ),
        (
            json!({ "checkPairs": ["GBPUSD", " gbpusd "], "checkAssets": ["XAGUSD", "US30.cash"] }),
            CorrelationFilter {
                symbols: symbols(&["GBPUSD", "XAGUSD", "US30.cash"]),
                ..usual.clone()
            },
        ),
        (
            json!({ "timeframes": ["H4", "D1"], "lookbackPeriod": "60", "minDataPoints": 50, "maxCorrelation": "1" }),
            CorrelationFilter {
                limit: Decimal::ONE.into(),
                timeframe: Timeframe::H4,
                days: 60,
                least_pairs: 50,
                ..usual.clone()
            },
        ),
        (
            json!({ "lookbackPeriod": null, "minDataPoints": null, "timeframes": ["M1"] }),
            CorrelationFilter {
                timeframe: Timeframe::M1,
                days: 3,
                ..usual
            },
        ),
    ] {
        assert_eq!(*filter_of(&read(&changes)), expected, "{changes}");
    }
}

#[test]
fn what_is_not_spelled_out_is_reported_and_stays_closed() {
    for (changes, said) in [
        (
            json!({ "timeframes": ["H4", "D1"] }),
            "timeframes: one timeframe tells the correlation, the first: H4",
        ),
        (
            json!({ "lookbackPeriod": 300 }),
            "lookbackPeriod: only the last 208 days of H1 are looked at",
        ),
        (
            json!({ "dynamicThreshold": true }),
            "dynamicThreshold: rules don't say how the limit moves, so it stays",
        ),
        (
            json!({ "groupByCurrency": true }),
            "groupByCurrency: rules don't say what a group of symbols changes, so each counts by itself",
        ),
        (
            json!({ "skipHighlyCorrelated": false }),
            "skipHighlyCorrelated: rules don't say what is done instead, so nothing is opened then",
        ),
        (
            json!({ "actionOnHighCorrelation": "reduce_size" }),
            "actionOnHighCorrelation: rules don't say by how much to reduce the volume, so nothing is opened then",
        ),
    ] {
        let plan = read(&changes);
        let skipped: Vec<String> = plan.skipped().iter().map(ToString::to_string).collect();
        assert_eq!(skipped, [format!("correlationFilter.{said} (R15)")]);
        let peers = [
            peer("GBPUSD", Correlation::Known(0.9), &[Side::Buy]),
            peer("USDCHF", Correlation::Known(0.0), &[]),
        ];
        assert_eq!(side_of(&beside(&plan, &peers)), None, "{changes}");
    }
    let skips = json!({ "actionOnHighCorrelation": "skip_trade" });
    assert!(read(&skips).skipped().is_empty());
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (changes, said) in [
        (
            json!({ "maxCorrelation": null }),
            ": is switched on and has no \"maxCorrelation\" (R15)",
        ),
        (
            json!({ "maxCorrelation": 70 }),
            ".maxCorrelation: 70 is not a correlation above 0 and at most 1 (R15)",
        ),
        (
            json!({ "maxCorrelation": 0 }),
            ".maxCorrelation: 0 must be above zero (R15)",
        ),
        (
            json!({ "checkPairs": "GBPUSD" }),
            ".checkPairs: is not a list of symbols (R4)",
        ),
        (
            json!({ "checkPairs": ["GBPUSD", 5] }),
            ".checkPairs[1]: \"\" is not a symbol (R4)",
        ),
        (
            json!({ "checkAssets": ["GBP USD"] }),
            ".checkAssets[0]: \"GBP USD\" is not a symbol (R4)",
        ),
        (
            json!({ "timeframes": ["H1", "H3"] }),
            ".timeframes[1]: timeframe \"H3\" is not known (R4)",
        ),
        (
            json!({ "lookbackPeriod": 0.5 }),
            ".lookbackPeriod: 0.5 is not a whole number from 1 to 365 (R15)",
        ),
        (
            json!({ "minDataPoints": 3 }),
            ".minDataPoints: 3 is not a whole number from 4 to 5000 (R15)",
        ),
        (
            json!({ "timeframes": ["W1"] }),
            ": 30 days of W1 never have 20 bars (R15)",
        ),
        (
            json!({ "actionOnHighCorrelation": "hedge" }),
            ".actionOnHighCorrelation: action \"hedge\" is not known (R15)",
        ),
        (
            json!({ "threshold": 0.7 }),
            ".threshold: this key is not known (R4)",
        ),
    ] {
        assert_eq!(
            only(&form(&changes)),
            format!("correlationFilter{said}"),
            "{changes}"
        );
    }
}

#[test]
fn the_filter_is_told_in_both_languages() {
    let plan = read(&json!({ "timeframes": ["H4"] }));
    assert!(plan.sentence().ends_with(
        "opens nothing that goes the way of a position of this program in GBPUSD or USDCHF (correlation of 0.7 or more, H4 bars of 30 days)."
    ), "{}", plan.sentence());
    let any = read(&json!({ "checkPairs": [] }));
    let told = any.sentence_in(super::super::Language::Indonesian);
    assert!(told.ends_with(
        "tidak membuka posisi yang searah dengan posisi program ini di simbol mana pun (korelasi 0.7 atau lebih, bar H1 selama 30 hari)."
    ), "{told}");
}

#[test]
fn r15_symbols_that_are_not_there_refuse_unless_the_trader_allows_running_without() {
    let missing = ["the terminal has no symbol for USDCHF".to_owned()];
    let plan = read(&json!({}));
    assert_eq!(plan.fit_symbols(&[]), Ok(Vec::new()));
    assert_eq!(
        plan.fit_symbols(&missing).unwrap_err().to_string(),
        "correlationFilter: a correlation cannot be computed: the terminal has no symbol for USDCHF; or allow running without it in Settings (R15)"
    );
    let request = PlanRequest {
        rules: &form(&json!({})),
        settings: &Value::Null,
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: None,
        allowances: Allowances::without("correlation").unwrap(),
    };
    let allowed = super::plan(&request).unwrap();
    assert_eq!(
        allowed.fit_symbols(&missing).unwrap()[0].to_string(),
        "correlationFilter: positions in one symbol hold nothing back, as Settings allow: the terminal has no symbol for USDCHF (R15)"
    );
    let peers = [
        peer("GBPUSD", Correlation::Known(0.9), &[]),
        peer("USDCHF", Correlation::NoSymbol, &[]),
    ];
    assert_eq!(side_of(&beside(&plan, &peers)), None);
    assert_eq!(side_of(&beside(&allowed, &peers)), Some(Side::Buy));
    let held = [
        peer("GBPUSD", Correlation::Known(0.9), &[Side::Buy]),
        peer("USDCHF", Correlation::NoSymbol, &[]),
    ];
    assert_eq!(
        side_of(&beside(&allowed, &held)),
        None,
        "those that are there count"
    );
}

#[test]
fn only_what_had_closed_when_the_last_bar_began_is_compared() {
    let plan = read(&json!({ "lookbackPeriod": 2 }));
    let filter = filter_of(&plan);
    let expected = Window {
        after: MONDAY - 2 * 86_400,
        until: MONDAY,
    };
    assert_eq!(filter.window(MONDAY), expected);
    assert_eq!((filter.bars(), filter.least()), (48, 20));
}

fn any_correlation() -> impl Strategy<Value = Correlation> {
    prop_oneof![
        (-1.0_f64..=1.0).prop_map(Correlation::Known),
        select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).prop_map(Correlation::Known),
        (0_usize..40).prop_map(|pairs| Correlation::Unknown { pairs }),
        Just(Correlation::NoSymbol),
    ]
}

proptest! {
    /// With any symbols, positions and correlations: nothing passes beside an unknown one or against a correlated position.
    #[test]
    fn nothing_unknown_ever_passes(
        all in vec((any_correlation(), any::<bool>(), any::<bool>()), 0..5),
        named in 0_usize..6,
        limit in 1_i64..=100,
        allowed in any::<bool>(),
        sells in any::<bool>(),
    ) {
        let filter = CorrelationFilter {
            limit: Decimal::new(limit, 2).into(),
            symbols: (0..named).map(|number| format!("S{number}")).collect(),
            timeframe: Timeframe::H1,
            days: 30,
            least_pairs: 20,
            without_missing: allowed,
        };
        let peers: Vec<Peer> = (0..).zip(&all).map(|(number, (correlation, bought, sold))| Peer {
            name: format!("S{number}"),
            correlation: *correlation,
            bought: *bought,
            sold: *sold,
        }).collect();
        let mut plan = read(&json!({ "checkPairs": ["GBPUSD"] }));
        plan.filters.all = vec![Filter::Correlation(filter)];
        if sells {
            std::mem::swap(&mut plan.buys, &mut plan.sells);
        }
        let evaluation = beside(&plan, &peers);
        let limit = limit as f64 / 100.0;
        let harmless = |peer: &Peer| match peer.correlation {
            Correlation::NoSymbol => allowed,
            Correlation::Known(value) if value.is_finite() => {
                let (same, opposite) = if sells { (peer.sold, peer.bought) } else { (peer.bought, peer.sold) };
                let held = (same && value >= limit) || (opposite && value <= -limit);
                !held
            }
            _ => false,
        };
        let expected = named <= peers.len() && peers.iter().all(harmless);
        prop_assert_eq!(side_of(&evaluation).is_some(), expected);
        prop_assert_eq!(evaluation.filters[0].passes, expected);
        for peer in &peers {
            prop_assert!(evaluation.filters[0].text.contains(&peer.name));
        }
    }
}
