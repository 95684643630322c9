//! The plan in plain words: what a trader reads before he lets it trade. Says only what will be done.

use super::entry::Trigger;
use super::exits::{Distance, StopLoss, Target};
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
    let terms: Vec<String> = exits(plan)
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

fn exits(plan: &Plan) -> Vec<String> {
    let exits = &plan.exits;
    let mut parts = vec![format!("Stop {}", stop(&exits.stop_loss))];
    if let Some((last, before)) = exits.partials.split_last() {
        for level in before {
            parts.push(format!(
                "takes {} % at {} times the stop",
                level.percent, level.ratio
            ));
        }
        parts.push(format!("the rest at {} times the stop", last.ratio));
    } else {
        parts.push(match exits.target {
            Some(Target::Distance(distance)) => format!("target {}", self::distance(distance)),
            Some(Target::Ratio(ratio)) => format!("target {ratio} times the stop"),
            None => "no target".to_owned(),
        });
    }
    if let Some(trailing) = &exits.trailing {
        let starts = match trailing.activate_at_ratio {
            Some(ratio) => format!("the profit is {ratio} times the stop"),
            None => format!("the profit is {} pips", trailing.distance_pips),
        };
        parts.push(format!(
            "trails by {} pips once {starts}",
            trailing.distance_pips
        ));
    }
    if let Some(minutes) = exits.max_holding_minutes {
        parts.push(if minutes % 60 == 0 {
            format!("closes after {} hours", minutes / 60)
        } else {
            format!("closes after {minutes} minutes")
        });
    }
    parts
}

fn stop(stop: &StopLoss) -> String {
    let distance = distance(stop.distance);
    match (stop.min_pips, stop.max_pips) {
        (Some(min), Some(max)) => format!("{distance}, between {min} and {max} pips"),
        (Some(min), None) => format!("{distance}, at least {min} pips"),
        (None, Some(max)) => format!("{distance}, at most {max} pips"),
        (None, None) => distance,
    }
}

fn distance(distance: Distance) -> String {
    match distance {
        Distance::Pips(pips) => format!("{pips} pips"),
        Distance::Percent(percent) => format!("{percent} % of the price"),
        Distance::Atr { period, multiplier } => format!("{multiplier} times ATR {period}"),
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
