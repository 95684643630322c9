//! The plan's sentence in every language: the stored strategies read side by side, and what holds for any plan.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::any_filter::filter;
use super::any_plan::{condition, exits, sizing};
use super::properties::{json as anything, places};
use super::*;
use crate::strategy::{Day, Filter, Language, Matter};

/// Words that only an English clause has; the names of indicators and the trader's own loanwords are none of them.
const ENGLISH: &[&str] = &[
    "above",
    "after",
    "and",
    "any",
    "are",
    "as",
    "at",
    "average",
    "balance",
    "bars",
    "before",
    "below",
    "beyond",
    "buys",
    "close",
    "closes",
    "conditions",
    "cost",
    "currency",
    "day",
    "direction",
    "each",
    "equals",
    "every",
    "first",
    "for",
    "friday",
    "from",
    "gained",
    "has",
    "high",
    "highest",
    "hold",
    "hours",
    "if",
    "impact",
    "is",
    "its",
    "lost",
    "lots",
    "low",
    "lowest",
    "minus",
    "minutes",
    "monday",
    "month",
    "most",
    "news",
    "no",
    "not",
    "nothing",
    "of",
    "on",
    "once",
    "one",
    "only",
    "open",
    "opening",
    "opens",
    "or",
    "outside",
    "part",
    "parts",
    "pips",
    "plus",
    "position",
    "positions",
    "price",
    "profits",
    "rest",
    "row",
    "saturday",
    "sells",
    "skips",
    "so",
    "strategies",
    "sunday",
    "takes",
    "target",
    "that",
    "the",
    "times",
    "to",
    "too",
    "trails",
    "until",
    "was",
    "week",
    "when",
    "while",
    "with",
];

/// Every number, in order of size: "1.2", "-5", and both halves of "08:00".
fn numbers(text: &str) -> Vec<String> {
    let mut all: Vec<String> = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-'))
        .map(|number| number.trim_matches('.').to_owned())
        .filter(|number| number.contains(|c: char| c.is_ascii_digit()))
        .collect();
    all.sort();
    all
}

fn english_words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| ENGLISH.contains(&word.to_lowercase().as_str()))
        .collect()
}

fn assert_told(english: &str, indonesian: &str) {
    assert_eq!(
        english_words(indonesian),
        Vec::<&str>::new(),
        "{english}\n{indonesian}"
    );
    assert_eq!(
        numbers(english),
        numbers(indonesian),
        "{english}\n{indonesian}"
    );
}

fn assert_plan_told(plan: &Plan) {
    let english = plan.sentence();
    assert_eq!(english, plan.sentence_in(Language::English));
    assert_told(&english, &plan.sentence_in(Language::Indonesian));
}

/// A stored strategy with all that this computer cannot compute left out.
fn stored_plan(row: &Value, rules: &Value) -> Result<Plan, PlanRefusal> {
    plan(&PlanRequest {
        rules,
        settings: &row["settings"],
        options: &Value::Null,
        symbol: row["symbol"].as_str().unwrap(),
        timeframe: row["timeframe"].as_str().unwrap(),
        local_direction: Some(Side::Buy),
        allowances: Allowances {
            news_calendar: true,
            ..Allowances::without("correlation,riskSentiment").unwrap()
        },
    })
}

/// Name and row of every stored file.
fn rows() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/strategies");
    let mut rows: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(path).unwrap();
            (name, serde_json::from_str(&text).unwrap())
        })
        .collect();
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    rows
}

#[test]
fn every_stored_strategy_is_told_in_both_languages() {
    for (name, row) in rows() {
        let plan = stored_plan(&row, &row["rules"]).unwrap_or_else(|no| panic!("{name}: {no}"));
        assert_plan_told(&plan);
        let told = [Language::English, Language::Indonesian].map(|one| plan.sentence_in(one));
        insta::assert_snapshot!(format!("told_{name}"), told.join("\n\n"));
    }
}

#[test]
fn days_have_the_same_names_in_filters_and_exits() {
    let days = (0..7).map(|day| Day::from_sunday(day).words(Language::Indonesian));
    let expected = [
        "Minggu", "Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu",
    ];
    assert!(days.eq(expected));
    assert_eq!(Day::from_sunday(5), Day::FRIDAY);
}

/// Titles and currencies of news and names of symbols are the rules' own words, in whatever language.
fn without_foreign_words(plan: &mut Plan) {
    for filter in &mut plan.filters.all {
        if let Filter::Correlation(correlation) = filter {
            correlation.symbols.clear();
        }
        if let Filter::News(news) = filter {
            news.currencies.clear();
            for pause in &mut news.pauses {
                pause.matters.retain(|one| matches!(one, Matter::Impact(_)));
            }
        }
    }
}

/// Any stored strategy with a few places replaced by anything.
fn damaged() -> impl Strategy<Value = (Value, Value)> {
    let damage = vec((any::<Index>(), anything()), 0..4);
    (any::<Index>(), damage).prop_map(|(index, damage)| {
        let rows = rows();
        let (_, row) = index.get(&rows);
        let mut rules = row["rules"].clone();
        for (index, value) in damage {
            let mut all = Vec::new();
            places(&rules, "", &mut all);
            if !all.is_empty() {
                *rules.pointer_mut(index.get::<String>(&all)).unwrap() = value;
            }
        }
        (row.clone(), rules)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_condition_is_told_with_the_same_numbers(condition in condition()) {
        for own in Timeframe::ALL {
            let told = [Language::English, Language::Indonesian].map(|one| condition.words(own, one));
            assert_told(&told[0], &told[1]);
        }
    }

    #[test]
    fn any_plan_is_told_with_the_same_numbers(
        exits in exits(),
        sizing in sizing(),
        filters in vec(filter(), 0..5),
    ) {
        let mut plan = planned(&fixture("quarter_hour_scalper"), None).unwrap();
        plan.exits = exits;
        plan.sizing = sizing;
        plan.filters.all = filters;
        assert_plan_told(&plan);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_read_from_any_rules_is_told_with_the_same_numbers((row, rules) in damaged()) {
        if let Ok(mut plan) = stored_plan(&row, &rules) {
            without_foreign_words(&mut plan);
            assert_plan_told(&plan);
        }
    }
}
