//! The confirmation on several timeframes: on how many of them the trend goes the way of the entry.

use serde::Serialize;

use super::read_timeframe;
use super::verdict::{Look, Verdict};
use crate::market::{Side, Timeframe};
use crate::strategy::clause::trend;
use crate::strategy::indicator::Source;
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule};

/// Entries only when the trend, EMA 20 against EMA 50, goes the entry's way on so many of these timeframes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrendFilter {
    pub timeframes: Vec<Timeframe>,
    pub least: usize,
}

impl TrendFilter {
    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        let trends = self.timeframes.iter().map(|one| trend(*one, Side::Buy));
        trends.flat_map(|condition| condition.sources().collect::<Vec<_>>())
    }

    /// The way of the trend; `None` when it is not known or goes no way.
    fn side(look: &Look<'_>, timeframe: Timeframe) -> Option<Side> {
        let mut values = trend(timeframe, Side::Buy)
            .sources()
            .map(|source| look.panel.value(source))
            .collect::<Vec<_>>()
            .into_iter();
        let (fast, slow) = (values.next()?, values.next()?);
        if fast > slow {
            Some(Side::Buy)
        } else if fast < slow {
            Some(Side::Sell)
        } else {
            None
        }
    }

    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        let timeframes = self.timeframes.iter();
        let aligned = timeframes.filter(|one| Self::side(look, **one) == Some(look.side));
        Verdict::blocks_unless(aligned.count() >= self.least)
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        let told: Vec<String> = self
            .timeframes
            .iter()
            .map(|timeframe| {
                let way = match Self::side(look, *timeframe) {
                    Some(Side::Buy) => "up",
                    Some(Side::Sell) => "down",
                    None => "unknown",
                };
                format!("{timeframe} {way}")
            })
            .collect();
        format!(
            "{}: trend {}, at least {} of {} the same way",
            look.side.name(),
            told.join(", "),
            self.least,
            self.timeframes.len()
        )
    }

    pub fn words(&self, language: Language) -> String {
        let names: Vec<String> = self.timeframes.iter().map(ToString::to_string).collect();
        let (least, names) = (self.least, names.join(", "));
        tell!(language;
            "only with the trend (EMA 20 against EMA 50) of at least {least} of {names}";
            "hanya searah tren (EMA 20 terhadap EMA 50) pada minimal {least} dari {names}")
    }
}

/// `multiTimeframe`: named timeframes and how many of them must agree.
pub(super) fn read_aligned(
    reader: &mut Reader,
    node: &Node<'_>,
    own: Timeframe,
) -> Option<TrendFilter> {
    let mut timeframes = Vec::new();
    let named = node.child("timeframes");
    for key in ["primary", "secondary", "tertiary", "quaternary"] {
        if let Some(child) = named.as_ref().and_then(|named| named.child(key)) {
            let timeframe = read_timeframe(reader, &child, own)?;
            if !timeframes.contains(&timeframe) {
                timeframes.push(timeframe);
            }
            reader.used(&child, "a timeframe whose trend counts");
        }
    }
    if timeframes.is_empty() {
        refuse_nothing(reader, node, "timeframes");
        return None;
    }
    let Some(confirmations) = node.child("confirmations") else {
        refuse_nothing(reader, node, "confirmations");
        return None;
    };
    let weighted = reader.flag(&confirmations, "weightedScore");
    if let Some(child) = confirmations.child("weightedScore").filter(|_| weighted) {
        let text = "rules don't say which score is enough, so the number of timeframes counts";
        reader.skip(Reason::new(Rule::NotComputable, &child.path, text));
    }
    let text = "rules don't say which score is enough";
    reader.child_informational(&confirmations, &["weights"], text);
    if let Some(child) = confirmations.child("trendAlignment") {
        if !reader.flag(&confirmations, "trendAlignment") {
            reader.informational(node, "no trend has to agree");
            return None;
        }
        reader.used(&child, "the trend has to go the entry's way");
    }
    let least = read_least(reader, &confirmations, "minimumAligned", timeframes.len())?;
    Some(TrendFilter { timeframes, least })
}

fn read_least(reader: &mut Reader, node: &Node<'_>, key: &str, all: usize) -> Option<usize> {
    let Some(child) = node.child(key) else {
        return Some(all);
    };
    let number = reader.number(node, key)?;
    let least = usize::try_from(number)
        .ok()
        .filter(|least| number.is_integer() && (1..=all).contains(least));
    match least {
        Some(_) => reader.used(&child, "so many timeframes must agree"),
        None => {
            let text = format!("{number} of {all} timeframes can never agree");
            reader.refuse(&child.path, Rule::NotComputable, text);
        }
    }
    least
}

/// `multiTimeframeAnalysis`: every higher timeframe must agree.
pub(super) fn read_higher(
    reader: &mut Reader,
    node: &Node<'_>,
    own: Timeframe,
) -> Option<TrendFilter> {
    let Some(listed) = node.child("higherTimeframes") else {
        refuse_nothing(reader, node, "higherTimeframes");
        return None;
    };
    if let Some(child) = node.child("confirmationRequired") {
        if !reader.flag(node, "confirmationRequired") {
            reader.informational(node, "no confirmation is required");
            return None;
        }
        reader.used(
            &child,
            "the trend has to go the entry's way on each of them",
        );
    }
    let timeframes = super::read_timeframes(reader, &listed, own)?;
    if timeframes.is_empty() {
        refuse_nothing(reader, node, "higherTimeframes");
        return None;
    }
    reader.used(&listed, "timeframes whose trend counts");
    let least = timeframes.len();
    Some(TrendFilter { timeframes, least })
}

fn refuse_nothing(reader: &mut Reader, node: &Node<'_>, key: &str) {
    let text = format!("is switched on and has no {key:?}");
    reader.refuse(&node.path, Rule::NotComputable, text);
}
