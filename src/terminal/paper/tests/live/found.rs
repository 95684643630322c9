//! What a comparison found.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

/// Why live and replay may differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The price jumped over a stop, which live gets what is there.
    StopJumped,
    /// The bar opened beyond a target: replay gives the open, the paper terminal the target.
    BeyondTarget,
    /// The bar reached the stop that stood when it began, and before it a target, a part or a price that the stop followed:
    /// replay counts the stop first.
    StopFirst,
    /// A sell's stop or target was reached, or was not, because the spread changed inside the bar.
    Spread,
    /// A stop that follows, or a part: live sees the prices of some moments, replay those of the bar.
    Way,
    /// A week's last bar: live tries at the close, and the market has closed.
    WeekEnds,
}

/// What was compared.
#[derive(Debug, Default)]
pub struct Compared {
    pub decisions: usize,
    pub conditions: usize,
    pub entries: usize,
    pub exits: usize,
    /// By what closed them, in live's words.
    pub exits_by: BTreeMap<&'static str, usize>,
    pub differences: BTreeMap<Why, usize>,
    /// How far prices jumped over stops, altogether.
    pub jumped: Decimal,
    /// Bars in which nothing but conditions was compared, because a difference was not over.
    pub apart: usize,
}

impl Compared {
    pub fn add(&mut self, other: Self) {
        self.decisions += other.decisions;
        self.conditions += other.conditions;
        self.entries += other.entries;
        self.exits += other.exits;
        for (by, count) in other.exits_by {
            *self.exits_by.entry(by).or_default() += count;
        }
        for (why, count) in other.differences {
            *self.differences.entry(why).or_default() += count;
        }
        self.jumped += other.jumped;
        self.apart += other.apart;
    }

    /// Whether at most so many per cent of the trades differ in more than the price that a stop got.
    pub fn is_at_most_different(&self, percent: usize) -> bool {
        let all: usize = self.differences.values().sum();
        let jumped = self.differences.get(&Why::StopJumped);
        let differ = all - jumped.copied().unwrap_or_default();
        differ * 100 <= self.entries * percent
    }
}
