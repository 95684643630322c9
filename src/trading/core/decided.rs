//! What a strategy decided at a closed bar, with everything that led to it: the answer to "why no trade?".

use jiff::Timestamp;

use crate::market::Timeframe;
use crate::strategy::{ConditionTruth, FilterVerdict};

#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The strategy's id.
    pub strategy: String,
    pub name: String,
    pub symbol: String,
    pub timeframe: Timeframe,
    /// Beginning of the bar that had just closed.
    pub bar: Timestamp,
    pub at: Timestamp,
    /// The order was only thought (shadow mode).
    pub shadow: bool,
    /// A position came of it; one whose order has no outcome yet is none.
    pub entered: bool,
    /// What was decided and why, in words.
    pub verdict: String,
    /// Empty while the bars do not allow any judgement.
    pub conditions: Vec<ConditionTruth>,
    pub filters: Vec<FilterVerdict>,
}

impl Decided {
    /// Places of the conditions that alone kept their alternative from holding: all others beside them were true.
    pub fn only_missing(&self) -> Vec<usize> {
        only_missing(
            &self
                .conditions
                .iter()
                .map(|one| ((one.side, one.alternative), one.value)),
        )
    }
}

/// Of conditions with their alternative and truth, the places of those that are the only one missing in theirs.
pub fn only_missing<K: PartialEq + Copy>(
    conditions: &(impl Iterator<Item = (K, Option<bool>)> + Clone),
) -> Vec<usize> {
    let missing = |key: K| {
        conditions
            .clone()
            .filter(|(other, value)| *other == key && *value != Some(true))
            .count()
    };
    conditions
        .clone()
        .enumerate()
        .filter(|(_, (key, value))| *value != Some(true) && missing(*key) == 1)
        .map(|(at, _)| at)
        .collect()
}
