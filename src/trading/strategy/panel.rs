//! Everything that strategies of one symbol and timeframe look at: each series once, sampled at each close of their bar.

use std::mem::discriminant;

use super::chart::{Building, Chart};
use super::indicator::gauge::{MOST_OUTPUTS, Outputs, UNKNOWN};
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
pub(super) struct Place {
    /// Among all numbers of a close.
    number: usize,
    earlier: bool,
}

impl Place {
    pub(super) const fn is_earlier(self) -> bool {
        self.earlier
    }
}

/// The numbers at the previous and at the last close.
#[derive(Clone, Copy)]
pub(super) struct LastPairs<'a> {
    previous: &'a [f64],
    last: &'a [f64],
}

impl LastPairs<'_> {
    /// The same as [`Panel::pair`] for what is not an earlier source.
    #[inline(always)]
    pub fn pair(&self, place: Place) -> (f64, f64) {
        let values = (self.previous.get(place.number), self.last.get(place.number));
        match values {
            (Some(previous), Some(last)) => (*previous, *last),
            _ => (f64::NAN, f64::NAN),
        }
    }
}

/// The closes whose numbers are kept: the last one and the two before it.
const KEPT: usize = 3;

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
    /// Everything that is looked at.
    places: Vec<(Source, Place)>,
    /// What every calculator gives at each of the closes, the oldest first.
    closes: [Vec<Outputs>; KEPT],
    /// What those of higher timeframes gave at the last of their own; it counts from the strategy's next close.
    coming: Vec<Outputs>,
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
            places: Vec::new(),
            closes: [const { Vec::new() }; KEPT],
            coming: Vec::new(),
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
        let next = self.coming.len();
        let (slot, output) = self.charts[chart].require(source.series, next);
        if slot == next {
            for values in self.closes.iter_mut().chain([&mut self.coming]) {
                values.push(UNKNOWN);
            }
        }
        let place = Place {
            number: MOST_OUTPUTS * slot + output,
            earlier: source.earlier,
        };
        self.places.push((source, place));
        self.loaded = false;
        place
    }

    fn place(&self, source: Source) -> Option<Place> {
        // The kind tells most of them apart. Conditions know their places: what filters and exits look up at a bar stands at the
        // end.
        let kind = discriminant(&source.series);
        let mut places = self.places.iter().rev();
        let (_, place) =
            places.find(|(one, _)| discriminant(&one.series) == kind && *one == source)?;
        Some(*place)
    }

    /// The values of a source at the previous and at the last close; each one bar earlier for an earlier source.
    #[inline]
    pub(super) fn pair(&self, Place { number, earlier }: Place) -> (f64, f64) {
        let last = if earlier { KEPT - 2 } else { KEPT - 1 };
        let value = |close: usize| {
            let numbers = self.closes[close].as_flattened();
            numbers.get(number).copied().unwrap_or(f64::NAN)
        };
        (value(last - 1), value(last))
    }

    #[inline(always)]
    pub(super) fn last_pairs(&self) -> LastPairs<'_> {
        let [_, previous, last] = &self.closes;
        LastPairs {
            previous: previous.as_flattened(),
            last: last.as_flattened(),
        }
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
        for values in self.closes.iter_mut().chain([&mut self.coming]) {
            values.fill(UNKNOWN);
        }
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
        let [oldest, previous, last] = &mut self.closes;
        // The oldest one's room is the next one's.
        std::mem::swap(oldest, previous);
        std::mem::swap(previous, last);
        self.charts[0].push(bar, offset_s, last);
        for at in 1..self.charts.len() {
            self.count_in(at);
        }
        Ok(())
    }

    /// What the calculators of a higher timeframe gave last counts from the last close on.
    fn count_in(&mut self, at: usize) {
        let last = &mut self.closes[KEPT - 1];
        for slot in self.charts[at].slots() {
            last[slot] = self.coming[slot];
        }
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
        if waited {
            self.count_in(at);
        }
    }

    fn push_higher(&mut self, at: usize, bar: &Bar, offset_s: i64) -> bool {
        let chart = &mut self.charts[at];
        if !is_sound(bar) || chart.last.is_some_and(|last| last >= bar.time.as_second()) {
            return false;
        }
        chart.push(bar, offset_s, &mut self.coming);
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
    let prices = [bar.open, bar.high, bar.low, bar.close];
    // All of them, as none is expected not to be; and quarters, as their sum is infinite only with one of them.
    let are_above = prices.iter().fold(true, |all, price| all & (*price > 0.0));
    let [open, high, low, close] = prices.map(|price| price * 0.25);
    are_above && (open + high) + (low + close) < f64::INFINITY
}
