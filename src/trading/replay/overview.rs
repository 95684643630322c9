//! The course of a replay for its charts: the whole of it in a bounded number of steps, the end of it bar by bar.

use std::collections::VecDeque;

use rust_decimal::Decimal;

use super::trade::Trade;
use crate::market::{Bar, Side, number_of};

/// At twice so many steps, two become one.
const STEPS: usize = 800;
/// At twice so many positions, every second one is left out.
const MARKS: usize = 400;
/// Bars of the last chart.
const LAST_BARS: usize = 240;

/// Some bars in a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Seconds since 1970, the first bar's beginning.
    pub from: i64,
    pub open: f64,
    pub high: f64,
    pub low: f64,
    pub close: f64,
    /// At the last bar's close.
    pub equity: f64,
    /// The deepest fall below the highest equity.
    pub fall: f64,
}

/// A position for a chart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub side: Side,
    pub opened_at: i64,
    pub open: f64,
    pub closed_at: i64,
    pub close: f64,
    pub won: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Overview {
    pub steps: Vec<Step>,
    /// Bars of a step.
    per_step: u64,
    in_last: u64,
    pub marks: Vec<Mark>,
    /// One of so many positions is kept.
    pub one_of: u64,
    positions: u64,
    /// Up to twice as many as the last chart has.
    recent: Vec<Bar>,
    pub last_marks: VecDeque<Mark>,
}

impl Overview {
    pub fn new() -> Self {
        Self {
            steps: Vec::with_capacity(2 * STEPS),
            per_step: 1,
            in_last: 1,
            marks: Vec::new(),
            one_of: 1,
            positions: 0,
            recent: Vec::with_capacity(2 * LAST_BARS),
            last_marks: VecDeque::new(),
        }
    }

    pub fn take(&mut self, bar: &Bar, equity: f64, fall: f64) {
        if self.recent.len() == 2 * LAST_BARS {
            self.recent.drain(..LAST_BARS);
        }
        self.recent.push(*bar);
        if self.in_last < self.per_step
            && let Some(step) = self.steps.last_mut()
        {
            self.in_last += 1;
            step.high = step.high.max(bar.high);
            step.low = step.low.min(bar.low);
            step.close = bar.close;
            step.equity = equity;
            step.fall = step.fall.max(fall);
            return;
        }
        if self.steps.len() == 2 * STEPS {
            self.halve();
        }
        self.in_last = 1;
        self.steps.push(Step {
            from: bar.time.as_second(),
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            equity,
            fall,
        });
    }

    /// Those of the last chart, oldest first.
    pub fn last_bars(&self) -> &[Bar] {
        let older = self.recent.len().saturating_sub(LAST_BARS);
        &self.recent[older..]
    }

    fn halve(&mut self) {
        for at in 0..STEPS {
            let (first, second) = (self.steps[2 * at], self.steps[2 * at + 1]);
            self.steps[at] = Step {
                high: first.high.max(second.high),
                low: first.low.min(second.low),
                close: second.close,
                equity: second.equity,
                fall: first.fall.max(second.fall),
                ..first
            };
        }
        self.steps.truncate(STEPS);
        self.per_step *= 2;
    }

    /// Takes a position that is closed altogether.
    pub fn close(&mut self, trade: &Trade, net: Decimal) {
        let mark = Mark {
            side: trade.side,
            opened_at: trade.opened_at.as_second(),
            open: number_of(trade.open_price),
            closed_at: trade.closed_at.as_second(),
            close: number_of(trade.close_price),
            won: net > Decimal::ZERO,
        };
        if self.last_marks.len() == LAST_BARS {
            self.last_marks.pop_front();
        }
        self.last_marks.push_back(mark);
        if self.positions.is_multiple_of(self.one_of) {
            if self.marks.len() == 2 * MARKS {
                let mut keep = false;
                self.marks.retain(|_| {
                    keep = !keep;
                    keep
                });
                self.one_of *= 2;
            }
            self.marks.push(mark);
        }
        self.positions += 1;
    }
}
