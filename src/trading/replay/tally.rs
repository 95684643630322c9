//! What a replay counts as it goes, in memory that does not grow with the bars: results, months, conditions.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::tz::Offset;
use rust_decimal::Decimal;
use serde::Serialize;

use super::trade::{ExitReason, Trade};
use crate::market::Side;
use crate::strategy::{Finding, Plan};

/// Positions that are closed altogether, all of them or those of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Results {
    pub positions: u64,
    pub won: u64,
    pub lost: u64,
    /// Commission taken off, as everywhere here.
    pub net: Decimal,
    pub gross_won: Decimal,
    pub gross_lost: Decimal,
    pub commission: Decimal,
    pub best: Decimal,
    pub worst: Decimal,
    pub most_lost_in_a_row: u64,
    #[serde(skip)]
    lost_in_a_row: u64,
}

impl Results {
    fn take(&mut self, net: Decimal) {
        self.positions += 1;
        self.net += net;
        self.best = self.best.max(net);
        self.worst = self.worst.min(net);
        if net > Decimal::ZERO {
            self.won += 1;
            self.gross_won += net;
            self.lost_in_a_row = 0;
        } else if net < Decimal::ZERO {
            self.lost += 1;
            self.gross_lost -= net;
            self.lost_in_a_row += 1;
            self.most_lost_in_a_row = self.most_lost_in_a_row.max(self.lost_in_a_row);
        }
    }

    /// What was won for each unit lost; `None` without losses.
    pub fn profit_factor(&self) -> Option<Decimal> {
        Some(self.gross_won.checked_div(self.gross_lost)?.round_dp(2))
    }
}

/// A calendar month, UTC, by the moment of closing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Month {
    pub positions: u64,
    pub won: u64,
    pub net: Decimal,
    /// At the end of the month's last deal.
    pub balance: Decimal,
}

/// How one condition fared at the bars that were decided on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConditionCount {
    /// Bars at which it held.
    pub held: u64,
    pub unknown: u64,
    /// Bars at which all others of its alternative held and it alone did not.
    pub alone_missing: u64,
}

/// More conditions than this are counted one by one.
const MOST_IN_PATTERN: usize = 10;

#[derive(Clone, Debug)]
pub(super) struct Tally {
    pub all: Results,
    pub buys: Results,
    pub sells: Results,
    pub exits: BTreeMap<ExitReason, u64>,
    pub months: BTreeMap<(i16, i8), Month>,
    /// Of the bars that no pattern counts.
    counts: Vec<ConditionCount>,
    /// The conditions of each alternative.
    terms: Vec<Range<usize>>,
    /// Bars by which conditions held, a bit for each: one count a bar, however many conditions there are. Empty where they
    /// are too many for it.
    patterns: Vec<u64>,
    pub bars: u64,
    /// Bars at whose close a position was open.
    pub bars_in_market: u64,
    /// Bars that reached a stop and a target or a level, where the stop was counted.
    pub both_in_one_bar: u64,
    /// Levels or stops that a bar opened beyond, filled at its open.
    pub opened_beyond: u64,
}

impl Tally {
    pub fn new(plan: &Plan) -> Self {
        let mut terms: Vec<Range<usize>> = Vec::new();
        let mut last = None;
        for (at, (side, alternative, _)) in plan.conditions().enumerate() {
            match terms.last_mut() {
                Some(term) if last == Some((side, alternative)) => term.end = at + 1,
                _ => terms.push(at..at + 1),
            }
            last = Some((side, alternative));
        }
        let conditions = plan.conditions().count();
        let patterns = if conditions <= MOST_IN_PATTERN {
            1 << conditions
        } else {
            0
        };
        Self {
            all: Results::default(),
            buys: Results::default(),
            sells: Results::default(),
            exits: BTreeMap::new(),
            months: BTreeMap::new(),
            counts: vec![ConditionCount::default(); conditions],
            terms,
            patterns: vec![0; patterns],
            bars: 0,
            bars_in_market: 0,
            both_in_one_bar: 0,
            opened_beyond: 0,
        }
    }

    /// Whether [`Self::look_at_held`] can count them.
    pub const fn has_patterns(&self) -> bool {
        !self.patterns.is_empty()
    }

    /// Takes which conditions held at a bar, a bit for each; all of them are known.
    pub fn look_at_held(&mut self, held: u64) {
        let pattern = usize::try_from(held).ok();
        if let Some(counter) = pattern.and_then(|held| self.patterns.get_mut(held)) {
            self.bars += 1;
            *counter += 1;
        }
    }

    /// Takes every condition's finding at a bar.
    pub fn look(&mut self, findings: &[Finding]) {
        self.bars += 1;
        if let Some(counter) = pattern_of(findings).and_then(|held| self.patterns.get_mut(held)) {
            *counter += 1;
            return;
        }
        let truth = |at: usize| findings.get(at).and_then(|finding| finding.truth);
        count(&mut self.counts, &self.terms, truth, 1);
    }

    /// How each condition fared, in the plan's order.
    pub fn conditions(&self) -> Vec<ConditionCount> {
        let mut counts = self.counts.clone();
        for (held, bars) in self.patterns.iter().enumerate() {
            let truth = |at: usize| Some(held >> at & 1 == 1);
            if *bars > 0 {
                count(&mut counts, &self.terms, truth, *bars);
            }
        }
        counts
    }

    /// Takes a deal; `net` is the position's whole result when it was the last one.
    pub fn take(&mut self, trade: &Trade, net: Decimal) {
        *self.exits.entry(trade.reason).or_default() += 1;
        let side = match trade.side {
            Side::Buy => &mut self.buys,
            Side::Sell => &mut self.sells,
        };
        self.all.commission += trade.commission;
        side.commission += trade.commission;
        let date = Offset::UTC.to_datetime(trade.closed_at).date();
        let month = self.months.entry((date.year(), date.month())).or_default();
        month.net += trade.profit - trade.commission;
        month.balance = trade.balance;
        if trade.is_last {
            self.all.take(net);
            side.take(net);
            month.positions += 1;
            month.won += u64::from(net > Decimal::ZERO);
        }
    }
}

/// Which conditions held, a bit for each; `None` when one of them cannot be known.
fn pattern_of(findings: &[Finding]) -> Option<usize> {
    if findings.len() > MOST_IN_PATTERN {
        return None;
    }
    let (mut held, mut known) = (0, true);
    for finding in findings.iter().rev() {
        held = held << 1 | usize::from(finding.truth == Some(true));
        known &= finding.truth.is_some();
    }
    known.then_some(held)
}

/// Counts so many bars at which the conditions had these truths.
fn count(
    counts: &mut [ConditionCount],
    terms: &[Range<usize>],
    truth: impl Fn(usize) -> Option<bool>,
    bars: u64,
) {
    for term in terms {
        let mut lacking = 0;
        let mut missing = term.start;
        for at in term.clone() {
            match truth(at) {
                Some(true) => counts[at].held += bars,
                Some(false) => {
                    lacking += 1;
                    missing = at;
                }
                None => {
                    counts[at].unknown += bars;
                    // Whether it alone is missing cannot be said.
                    lacking += 2;
                }
            }
        }
        if lacking == 1 {
            counts[missing].alone_missing += bars;
        }
    }
}
