//! Everything that strategies of one symbol and timeframe look at: each series once, sampled at each close of their bar.

use std::mem::discriminant;

use super::chart::{Building, Chart, Sample};
use super::indicator::{Series, Source};
use crate::market::{Bar, Timeframe};

/// Why a bar was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BarFault {
    /// Not newer than the last one; it may come twice.
    #[error("the bar of {0} is not newer than the last one")]
    Old(jiff::Timestamp),
    #[error("the bar of {0} holds no usable prices")]
    Unusable(jiff::Timestamp),
}

/// Where the two values of a source stand that a decision looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(usize);

/// The pairs of values of a source: at the previous close and the one before it, at the last one and the previous.
const KEPT: usize = 2;

const UNKNOWN: (f64, f64) = (f64::NAN, f64::NAN);

/// The charts of a symbol for strategies of one timeframe.
///
/// All values are those at the close of the strategy's bars: a series of a higher timeframe stands still between two of
/// its own closes, and a cross of it happens at the close of the strategy's bar that closes its bar, once.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The strategies' own timeframe first.
    charts: Vec<Chart>,
    /// One for each higher chart.
    buildings: Vec<Building>,
    samples: Vec<Sample>,
    /// Of each sample the older pair, then the newer one.
    pairs: Vec<(f64, f64)>,
    /// Broker's clock minus UTC, in seconds.
    offset_s: i64,
    last: Option<Bar>,
    fault: Option<BarFault>,
    /// Nothing was asked for since the history came.
    loaded: bool,
    /// Bars may have closed since the last one that are not here yet.
    outdated: bool,
}

impl Panel {
    pub fn new(timeframe: Timeframe) -> Self {
        Self {
            charts: vec![Chart::new(timeframe)],
            buildings: Vec::new(),
            samples: Vec::new(),
            pairs: Vec::new(),
            offset_s: 0,
            last: None,
            fault: None,
            loaded: false,
            outdated: false,
        }
    }

    /// Whether the history came after everything that is looked at was named.
    pub const fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// The terminal was away; its history comes again.
    pub const fn expect_history(&mut self) {
        self.outdated = true;
    }

    /// Whether bars may have closed since the last one that are not here yet.
    pub const fn is_outdated(&self) -> bool {
        self.outdated
    }

    pub fn timeframe(&self) -> Timeframe {
        self.charts[0].timeframe
    }

    /// Timeframes whose history is needed, the own one first.
    pub fn timeframes(&self) -> impl Iterator<Item = Timeframe> {
        self.charts.iter().map(|chart| chart.timeframe)
    }

    /// The last closed bar.
    pub const fn last_bar(&self) -> Option<&Bar> {
        self.last.as_ref()
    }

    /// The last bar could not be used; everything begins anew after it.
    pub const fn fault(&self) -> Option<&BarFault> {
        self.fault.as_ref()
    }

    /// Bars taken of a timeframe.
    pub fn count(&self, timeframe: Timeframe) -> usize {
        self.charts
            .iter()
            .find(|chart| chart.timeframe == timeframe)
            .map_or(0, |chart| chart.count)
    }

    /// The place of a source; a new one has no values before the history comes again.
    pub(super) fn require(&mut self, source: Source) -> Place {
        if let Some(place) = self.place(source) {
            return place;
        }
        let chart = self
            .charts
            .iter()
            .position(|chart| chart.timeframe == source.timeframe)
            .unwrap_or_else(|| {
                self.charts.push(Chart::new(source.timeframe));
                self.buildings.push(Building::default());
                self.charts.len() - 1
            });
        let place = self.charts[chart].require(source.series);
        self.samples.push(Sample {
            source,
            chart,
            place,
        });
        self.pairs.extend([UNKNOWN; KEPT]);
        self.loaded = false;
        Self::place_of(self.samples.len() - 1, source)
    }

    fn place(&self, source: Source) -> Option<Place> {
        // The kind tells most of them apart. Conditions know their places: what filters and exits look up at a bar stands at the
        // end.
        let kind = discriminant(&source.series);
        let mut samples = self.samples.iter().map(|sample| sample.source);
        let at = samples.rposition(|one| discriminant(&one.series) == kind && one == source)?;
        Some(Self::place_of(at, source))
    }

    /// One bar earlier is one pair earlier.
    const fn place_of(sample: usize, source: Source) -> Place {
        let newer = if source.earlier { 0 } else { 1 };
        Place(KEPT * sample + newer)
    }

    /// The values of a source at the previous and at the last close.
    #[inline]
    pub(super) fn pair(&self, Place(at): Place) -> (f64, f64) {
        self.pairs.get(at).copied().unwrap_or(UNKNOWN)
    }

    /// The last value of a series of the own timeframe; NaN when nobody asked for it before the history came.
    pub(super) fn value(&self, source: Source) -> f64 {
        let place = self.place(source);
        place.map_or(f64::NAN, |place| self.pair(place).1)
    }

    /// The last value of a series of the own timeframe.
    pub(super) fn own(&self, series: Series) -> f64 {
        self.value(Source::new(series, self.timeframe()))
    }

    /// Begins anew with these bars, oldest first, of any of the timeframes.
    pub fn load(&mut self, histories: &[(Timeframe, &[Bar])], offset_s: i64) {
        self.forget();
        self.loaded = true;
        self.outdated = false;
        self.offset_s = offset_s;
        let of = |timeframe| {
            histories
                .iter()
                .find(|(own, _)| *own == timeframe)
                .map_or(&[][..], |(_, bars)| *bars)
        };
        let mut higher: Vec<std::iter::Peekable<std::slice::Iter<'_, Bar>>> = self
            .charts
            .iter()
            .skip(1)
            .map(|chart| of(chart.timeframe).iter().peekable())
            .collect();
        for bar in of(self.timeframe()) {
            let opens = bar.time.as_second();
            let closes = opens + self.timeframe().seconds();
            for (at, bars) in higher.iter_mut().enumerate() {
                let length = self.charts[at + 1].timeframe.seconds();
                // Only what had closed when this bar began: what closes with it is built from it.
                while let Some(next) = bars.next_if(|next| next.time.as_second() + length <= opens)
                {
                    self.push_higher(at + 1, next, offset_s);
                }
            }
            // An unusable bar makes everything begin anew, as it does while running.
            drop(self.push(bar, offset_s));
            for (at, bars) in higher.iter_mut().enumerate() {
                let timeframe = self.charts[at + 1].timeframe;
                // What closed with it and could not be built is awaited, as it is while running.
                while let Some(next) = bars.next_if(|next| {
                    self.charts[at + 1].due > self.charts[at + 1].last
                        && next.time.as_second() + timeframe.seconds() <= closes
                }) {
                    self.push_from_terminal(timeframe, next);
                }
            }
        }
    }

    fn forget(&mut self) {
        for chart in &mut self.charts {
            chart.forget();
        }
        self.buildings.fill(Building::default());
        self.pairs.fill(UNKNOWN);
        self.last = None;
        self.fault = None;
    }

    /// Takes a closed bar of the strategies' own timeframe. `offset_s` is the broker's clock minus UTC.
    ///
    /// # Errors
    /// It is not newer than the last one, or holds no usable prices; then everything begins anew.
    pub fn push(&mut self, bar: &Bar, offset_s: i64) -> Result<(), BarFault> {
        if self.last.is_some_and(|last| last.time >= bar.time) {
            return Err(BarFault::Old(bar.time));
        }
        if !is_sound(bar) {
            self.forget();
            self.last = Some(*bar);
            self.fault = Some(BarFault::Unusable(bar.time));
            return Err(BarFault::Unusable(bar.time));
        }
        self.fault = None;
        self.offset_s = offset_s;
        self.last = Some(*bar);
        let own = self.timeframe();
        for at in 1..self.charts.len() {
            let timeframe = self.charts[at].timeframe;
            let complete = self.buildings[at - 1].take(bar, own, timeframe, offset_s);
            for ended in complete.into_iter().flatten() {
                let start = ended.map_or_else(|start| start, |built| built.bar.time.as_second());
                self.charts[at].due = Some(start);
                if let Ok(built) = ended {
                    self.push_higher(at, &built.bar, built.offset_s);
                }
            }
        }
        self.charts[0].push(bar, offset_s);
        let (kept, _) = self.pairs.as_chunks_mut::<KEPT>();
        for (sample, [older, newer]) in self.samples.iter().zip(kept) {
            let value = self.charts[sample.chart].value(sample.place);
            *older = *newer;
            *newer = (older.1, value);
        }
        Ok(())
    }

    /// Takes a closed bar of a higher timeframe from the terminal, where none was built. It counts from the strategy's next
    /// bar, or from its last one when that has waited for it.
    pub fn push_from_terminal(&mut self, timeframe: Timeframe, bar: &Bar) {
        let Some(at) = self
            .charts
            .iter()
            .position(|chart| chart.timeframe == timeframe)
            .filter(|at| *at > 0)
        else {
            return;
        };
        if !self.push_higher(at, bar, self.offset_s) {
            return;
        }
        let closed = bar.time.as_second() + timeframe.seconds();
        let own = self.timeframe().seconds();
        let waited = self
            .last
            .is_some_and(|last| closed <= last.time.as_second() + own);
        let (kept, _) = self.pairs.as_chunks_mut::<KEPT>();
        for (sample, [_, newer]) in self.samples.iter().zip(kept) {
            if waited && sample.chart == at {
                newer.1 = self.charts[at].value(sample.place);
            }
        }
    }

    fn push_higher(&mut self, at: usize, bar: &Bar, offset_s: i64) -> bool {
        let chart = &mut self.charts[at];
        if !is_sound(bar) || chart.last.is_some_and(|last| last >= bar.time.as_second()) {
            return false;
        }
        chart.push(bar, offset_s);
        true
    }

    /// Whether the last closed bar of a higher timeframe is missing: a decision that looks at it waits.
    pub fn awaits(&self, timeframe: Timeframe) -> bool {
        self.charts
            .iter()
            .skip(1)
            .any(|chart| chart.timeframe == timeframe && chart.due > chart.last)
    }
}

fn is_sound(bar: &Bar) -> bool {
    let is_price = |price: f64| price > 0.0 && price < f64::INFINITY;
    is_price(bar.open) && is_price(bar.high) && is_price(bar.low) && is_price(bar.close)
}
