//! The bars of one symbol and timeframe as the calculators see them, and the higher timeframes built from them.
//!
//! A higher bar is made of the strategy's own bars as soon as the last of them has closed, aligned to the broker's day as the
//! terminal's is. So a decision never waits for a late bar of the terminal and never looks at one that still forms; where the
//! strategy's bars do not reach back to its beginning, the terminal's own bar is awaited.

use super::indicator::Series;
use super::indicator::gauge::{Gauge, Outputs};
use crate::market::{Bar, Timeframe};

/// Most bars kept for calculators that have not begun.
const MOST_HISTORY: usize = 1_100;

/// Calculators over the closed bars of one timeframe.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub timeframe: Timeframe,
    gauges: Vec<Gauge>,
    /// Bars so far, until every calculator has begun.
    history: Vec<Bar>,
    opened: bool,
    /// Bars taken.
    pub count: usize,
    /// Beginning of the last bar, in seconds since 1970.
    pub last: Option<i64>,
    /// Beginning of the last bar that must be there.
    pub due: Option<i64>,
}

impl Chart {
    pub fn new(timeframe: Timeframe) -> Self {
        Self {
            timeframe,
            gauges: Vec::new(),
            history: Vec::new(),
            opened: false,
            count: 0,
            last: None,
            due: None,
        }
    }

    /// The slot of a series' calculator and the place of its number there. A new one takes the slot `next`.
    pub fn require(&mut self, series: Series, next: usize) -> (usize, usize) {
        let mut gauges = self.gauges.iter();
        let known = gauges.find_map(|gauge| Some((gauge.slot, gauge.gives(series)?)));
        known.unwrap_or_else(|| {
            let (gauge, output) = Gauge::of(series, next);
            self.gauges.push(gauge);
            self.opened = false;
            (next, output)
        })
    }

    /// The slots of its calculators.
    pub fn slots(&self) -> impl Iterator<Item = usize> {
        self.gauges.iter().map(|gauge| gauge.slot)
    }

    /// Takes a closed bar newer than all before and puts what its calculators give into their slots. `offset_s` is the
    /// broker's clock minus UTC.
    pub fn push(&mut self, bar: &Bar, offset_s: i64, values: &mut [Outputs]) {
        self.count += 1;
        self.last = Some(bar.time.as_second());
        let day = (bar.time.as_second() + offset_s).div_euclid(86_400);
        if self.opened {
            for gauge in &mut self.gauges {
                if let Some(values) = values.get_mut(gauge.slot) {
                    gauge.take(bar, day, values);
                }
            }
            return;
        }
        self.warm_up(bar, day, values);
    }

    /// The same while not every calculator has begun.
    #[cold]
    #[inline(never)]
    fn warm_up(&mut self, bar: &Bar, day: i64, values: &mut [Outputs]) {
        if self.history.len() == MOST_HISTORY {
            self.history.remove(0);
        }
        self.history.push(*bar);
        for gauge in &mut self.gauges {
            if let Some(values) = values.get_mut(gauge.slot) {
                gauge.push(bar, day, &self.history, values);
            }
        }
        if self.gauges.iter().all(Gauge::is_open) {
            self.opened = true;
            self.history = Vec::new();
        }
    }

    pub fn forget(&mut self) {
        let mut fresh = Self::new(self.timeframe);
        fresh.gauges = self.gauges.iter().map(Gauge::begun_anew).collect();
        *self = fresh;
    }
}

/// A whole higher bar, with the broker's clock minus UTC at its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Built {
    pub bar: Bar,
    pub offset_s: i64,
}

/// A higher bar while its parts come in.
#[derive(Clone, Debug, Default)]
pub(super) struct Building {
    bar: Option<Bar>,
    /// The bar's beginning by the broker's clock, which may change within it.
    start: i64,
    /// The bar's beginning is among the parts.
    whole: bool,
    /// Beginning of the last bar that ended, by the broker's clock.
    ended: Option<i64>,
}

impl Building {
    /// Takes the next bar of the strategy. Gives the higher bars that end with it: the one before, when this bar belongs to
    /// a later one, and its own. One whose beginning was not seen comes as `Err` with its beginning.
    pub fn take(
        &mut self,
        part: &Bar,
        own: Timeframe,
        higher: Timeframe,
        offset_s: i64,
    ) -> [Option<Result<Built, i64>>; 2] {
        let local = part.time.as_second() + offset_s;
        let start = period_start(local, higher);
        let mut complete = [None, None];
        if self.ended.is_some_and(|ended| start <= ended) {
            // The hour that comes twice when the broker's clock goes back: its bar has closed.
            return complete;
        }
        if self.bar.is_some() && self.start != start {
            complete[0] = self.end();
        }
        match &mut self.bar {
            Some(bar) => {
                bar.high = bar.high.max(part.high);
                bar.low = bar.low.min(part.low);
                bar.close = part.close;
                bar.tick_volume = bar.tick_volume.saturating_add(part.tick_volume);
            }
            None => {
                self.whole |= local == start;
                self.start = start;
                self.bar = Some(Bar {
                    time: jiff::Timestamp::from_second(start - offset_s).unwrap_or(part.time),
                    ..*part
                });
            }
        }
        let ends = local + own.seconds() >= start + higher.seconds();
        if ends {
            complete[1] = self.end();
        }
        complete
    }

    fn end(&mut self) -> Option<Result<Built, i64>> {
        let bar = self.bar.take()?;
        self.ended = Some(self.start);
        let whole = std::mem::replace(&mut self.whole, true);
        Some(if whole {
            let offset_s = self.start - bar.time.as_second();
            Ok(Built { bar, offset_s })
        } else {
            Err(bar.time.as_second())
        })
    }
}

/// The beginning of the bar that holds this moment, both by the broker's clock: days and weeks begin at its midnight, weeks on
/// Sunday, as MetaTrader's do.
const fn period_start(local: i64, timeframe: Timeframe) -> i64 {
    // 1 January 1970 was a Thursday, four days after a Sunday.
    const SUNDAY: i64 = 4 * 86_400;
    let shift = match timeframe {
        Timeframe::W1 => SUNDAY,
        _ => 0,
    };
    let length = timeframe.seconds();
    (local + shift).div_euclid(length) * length - shift
}
