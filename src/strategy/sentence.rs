//! The plan in plain words: what a trader reads before he lets it trade. Says only what will be done.

use super::entry::Trigger;
use super::exits;
use super::filters::Filter;
use super::plan::Plan;
use crate::market::{Side, Timeframe};

pub(super) fn of(plan: &Plan) -> String {
    let mut sentences = Vec::new();
    for (side, verb) in [(Side::Buy, "Buys"), (Side::Sell, "Sells")] {
        if let Some(trigger) = plan.trigger(side) {
            sentences.push(entry(plan, trigger, verb));
        }
    }
    let terms: Vec<String> = exits::words(&plan.exits)
        .into_iter()
        .chain(sizing(plan))
        .chain(filters(plan))
        .collect();
    sentences.push(terms.join("; "));
    format!("{}.", sentences.join(". "))
}

fn entry(plan: &Plan, trigger: &Trigger, verb: &str) -> String {
    let alternatives: Vec<String> = trigger
        .terms()
        .iter()
        .map(|term| {
            let all: Vec<String> = term
                .conditions()
                .iter()
                .map(|condition| condition.words(plan.timeframe))
                .collect();
            all.join(" and ")
        })
        .collect();
    format!(
        "{verb} {} at the close of {} {} bar when {}",
        plan.symbol,
        article(plan.timeframe),
        plan.timeframe,
        alternatives.join(", or ")
    )
}

/// "an M15 bar", "an H1 bar", "a D1 bar": by the letter's sound.
const fn article(timeframe: Timeframe) -> &'static str {
    match timeframe {
        Timeframe::D1 | Timeframe::W1 => "a",
        _ => "an",
    }
}

fn sizing(plan: &Plan) -> Vec<String> {
    let sizing = &plan.sizing;
    let mut volume = if sizing.max_positions == 1 {
        format!("at most one position of {} lots", sizing.lots)
    } else {
        let most = sizing.max_positions.min(2);
        let both = plan.buys.is_some() && plan.sells.is_some();
        if both && most > 1 {
            format!("at most one position each way, of {} lots", sizing.lots)
        } else {
            format!("at most one position of {} lots", sizing.lots)
        }
    };
    if let Some(percent) = sizing.risk_percent {
        volume.push_str(&format!(
            " or fewer, so that the stop costs at most {percent} % of the balance"
        ));
    }
    std::iter::once(volume).chain(sizing.words()).collect()
}

fn filters(plan: &Plan) -> Vec<String> {
    plan.filters.all.iter().map(Filter::words).collect()
}
