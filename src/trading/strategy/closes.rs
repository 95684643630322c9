//! The closes of a symbol, kept to be compared with another's, and how closely two of them go together.

use std::collections::VecDeque;

use crate::market::{Bar, Timeframe};

/// Kept beyond what is asked for: what closed since the bar that is decided on must not push out what is compared.
const SPARE: usize = 1_000;
/// Returns that deviate less than this from their mean stand still; what is left of them is rounding.
const LEAST_DEVIATION: f64 = 1e-12;

/// Closes of one symbol and timeframe with the beginnings of their bars, oldest first.
#[derive(Clone, Debug)]
pub struct Closes {
    timeframe: Timeframe,
    most: usize,
    bars: VecDeque<(i64, f64)>,
}

/// The part of two series that is compared, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// A bar must have closed after this.
    pub after: i64,
    /// And not later than this.
    pub until: i64,
}

/// How closely two symbols go together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Correlation {
    /// From -1 to 1.
    Known(f64),
    /// By so few bars, or by prices that stand still, nobody can tell.
    Unknown { pairs: usize },
    /// There is no such symbol here.
    NoSymbol,
}

impl Closes {
    pub const fn new(timeframe: Timeframe) -> Self {
        Self {
            timeframe,
            most: SPARE,
            bars: VecDeque::new(),
        }
    }

    /// Keeps at least so many from now on. Whether that is more than before, so that older ones are missing.
    pub fn keep(&mut self, bars: usize) -> bool {
        let grows = bars + SPARE > self.most;
        self.most = self.most.max(bars + SPARE);
        grows
    }

    /// Begins anew with these bars, oldest first.
    pub fn load(&mut self, bars: &[Bar]) {
        self.bars.clear();
        for bar in bars {
            self.push(bar);
        }
    }

    /// Takes a closed bar that is newer than all before and has a usable price.
    pub fn push(&mut self, bar: &Bar) {
        let time = bar.time.as_second();
        let is_newer = self.bars.back().is_none_or(|(last, _)| *last < time);
        if !is_newer || !bar.close.is_finite() || bar.close <= 0.0 {
            return;
        }
        if self.bars.len() == self.most {
            self.bars.pop_front();
        }
        self.bars.push_back((time, bar.close));
    }

    /// Those whose bars closed within the window.
    fn within(&self, window: Window) -> impl Iterator<Item = (i64, f64)> {
        let length = self.timeframe.seconds();
        let from = (self.bars).partition_point(|(time, _)| time + length <= window.after);
        let until = (self.bars).partition_point(|(time, _)| time + length <= window.until);
        self.bars.range(from..until.max(from)).copied()
    }

    /// Pearson's correlation of the simple returns from one close to the next, of bars that both symbols have. With fewer
    /// than `least` of these nobody can tell.
    pub fn correlation(&self, other: &Self, window: Window, least: usize) -> Correlation {
        let mut others = other.within(window).peekable();
        let pairs: Vec<(f64, f64)> = self
            .within(window)
            .filter_map(|(time, own)| {
                while others.next_if(|(theirs, _)| *theirs < time).is_some() {}
                let (_, theirs) = others.next_if(|(theirs, _)| *theirs == time)?;
                Some((own, theirs))
            })
            .collect();
        let unknown = Correlation::Unknown { pairs: pairs.len() };
        if pairs.len() < least {
            return unknown;
        }
        pearson(&pairs).map_or(unknown, Correlation::Known)
    }
}

/// Of the returns between these pairs of closes; `None` when one of both stands still.
fn pearson(closes: &[(f64, f64)]) -> Option<f64> {
    let returns = closes
        .iter()
        .zip(closes.iter().skip(1))
        .map(|(before, after)| (after.0 / before.0 - 1.0, after.1 / before.1 - 1.0));
    let count = closes.len().saturating_sub(1) as f64;
    let sums = (returns.clone()).fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let mean = (sums.0 / count, sums.1 / count);
    let (mut both, mut own, mut theirs) = (0.0, 0.0, 0.0);
    for (one, other) in returns {
        let (one, other) = (one - mean.0, other - mean.1);
        both += one * other;
        own += one * one;
        theirs += other * other;
    }
    let moves = |squares: f64| squares > count * LEAST_DEVIATION * LEAST_DEVIATION;
    if !moves(own) || !moves(theirs) {
        return None;
    }
    let correlation = both / (own.sqrt() * theirs.sqrt());
    correlation
        .is_finite()
        .then(|| correlation.clamp(-1.0, 1.0))
}
