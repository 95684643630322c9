//! The plan in plain words: what a trader reads before he lets it trade. Says only what will be done.

use super::entry::Trigger;
use super::exits;
use super::language::{Language, tell};
use super::plan::Plan;
use crate::market::{Side, Timeframe};

pub(super) fn of(plan: &Plan, language: Language) -> String {
    let mut sentences = Vec::new();
    for (side, verb) in [
        (Side::Buy, language.pick("Buys", "Beli")),
        (Side::Sell, language.pick("Sells", "Jual")),
    ] {
        if let Some(trigger) = plan.trigger(side) {
            sentences.push(entry(plan, trigger, verb, language));
        }
    }
    let terms: Vec<String> = exits::words(&plan.exits, language)
        .into_iter()
        .chain(sizing(plan, language))
        .chain(plan.filters.all.iter().map(|one| one.words(language)))
        .collect();
    sentences.push(terms.join("; "));
    format!("{}.", sentences.join(". "))
}

fn entry(plan: &Plan, trigger: &Trigger, verb: &str, language: Language) -> String {
    let alternatives: Vec<String> = trigger
        .terms()
        .iter()
        .map(|term| {
            let all: Vec<String> = term
                .conditions()
                .iter()
                .map(|condition| condition.words(plan.timeframe, language))
                .collect();
            all.join(language.pick(" and ", " dan "))
        })
        .collect();
    let (symbol, timeframe) = (&plan.symbol, plan.timeframe);
    let (article, conditions) = (
        article(timeframe),
        alternatives.join(language.pick(", or ", ", atau ")),
    );
    tell!(language;
        "{verb} {symbol} at the close of {article} {timeframe} bar when {conditions}";
        "{verb} {symbol} saat penutupan bar {timeframe} ketika {conditions}")
}

/// "an M15 bar", "an H1 bar", "a D1 bar": by the letter's sound.
const fn article(timeframe: Timeframe) -> &'static str {
    match timeframe {
        Timeframe::D1 | Timeframe::W1 => "a",
        _ => "an",
    }
}

fn sizing(plan: &Plan, language: Language) -> Vec<String> {
    let sizing = &plan.sizing;
    let lots = sizing.lots;
    let both = plan.buys.is_some() && plan.sells.is_some();
    let mut volume = if both && sizing.max_positions > 1 {
        tell!(language;
            "at most one position each way, of {lots} lots";
            "maksimal satu posisi untuk setiap arah, masing-masing {lots} lot")
    } else {
        tell!(language; "at most one position of {lots} lots"; "maksimal satu posisi {lots} lot")
    };
    if let Some(percent) = sizing.risk_percent {
        volume.push_str(&tell!(language;
            " or fewer, so that the stop costs at most {percent} % of the balance";
            " atau kurang, agar rugi di stop loss maksimal {percent} % dari saldo"));
    }
    std::iter::once(volume)
        .chain(sizing.words(language))
        .collect()
}
