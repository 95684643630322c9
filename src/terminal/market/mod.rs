//! The simulated market: a pure function of seed, symbol and time.
//!
//! Ask for any moment or any stretch of history and it is computed, the same for ever; nothing is stored and nothing has to
//! be computed before it. It knows nothing about accounts and orders, and never reads a clock.

mod calendar;
mod clock;
mod noise;
mod path;
mod profile;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod way;

use jiff::Timestamp;
use rust_decimal::Decimal;

pub use clock::MarketClock;
pub use noise::Noise;

use crate::market::{Bar, Quote, SymbolSpec, Timeframe};
use path::{LENGTHS, Piece, Step};
use profile::Profile;

const MINUTE_MS: i64 = 60_000;
/// The depth of a minute.
const FINEST: usize = 6;
const DAY_MINUTES: i64 = 1_440;
/// The longest history given at once.
pub const MOST_BARS: usize = 50_000;
/// The market's week starts on Sunday, as MetaTrader's weekly bars do; the epoch's first Sunday was day 3.
const FIRST_SUNDAY: i64 = 3;

/// One change of a symbol's price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    pub bid: Decimal,
    pub ask: Decimal,
}

/// Bounds of the prices over some time: a cheap way to see that nothing can have happened in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub bid_low: Decimal,
    pub bid_high: Decimal,
    pub ask_low: Decimal,
    pub ask_high: Decimal,
}

#[derive(Clone, Debug)]
pub struct Market {
    seed: u64,
    profiles: Vec<Profile>,
    /// Bars of this timeframe are walked as a replay assumes it.
    #[cfg(test)]
    straight: Option<Timeframe>,
}

impl Market {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            profiles: Profile::all(),
            #[cfg(test)]
            straight: None,
        }
    }

    pub const fn seed(&self) -> u64 {
        self.seed
    }

    pub fn specs(&self) -> impl Iterator<Item = &SymbolSpec> {
        self.profiles.iter().map(|profile| &profile.spec)
    }

    pub fn spec(&self, symbol: &str) -> Option<&SymbolSpec> {
        self.profile(symbol).map(|profile| &profile.spec)
    }

    pub fn is_open(&self, symbol: &str, at: Timestamp) -> bool {
        self.profile(symbol)
            .is_some_and(|profile| profile.hours.open_minute(minute_of(at)))
    }

    /// The last price at or before `at`; while the market is closed, the one it closed with.
    pub fn quote(&self, symbol: &str, at: Timestamp) -> Option<Quote> {
        let profile = self.profile(symbol)?;
        let now_ms = at.as_millisecond();
        let mut minute = minute_of(at);
        // Markets close for whole hours, two days at most.
        while !profile.hours.open_minute(minute) {
            minute = minute.div_euclid(60) * 60 - 1;
        }
        let piece = self.minute(profile, minute)?;
        let (index, step) = self
            .steps(profile, &piece)
            .into_iter()
            .enumerate()
            .take_while(|(_, step)| piece.minute * MINUTE_MS + step.offset_ms <= now_ms)
            .last()?;
        let tick = self.tick(profile, &piece, index, step);
        Some(Quote {
            bid: tick.bid,
            ask: tick.ask,
            time: Timestamp::from_millisecond(tick.at_ms).ok()?,
        })
    }

    /// Every price change after `from_ms`, up to and including `until_ms` (milliseconds since the epoch).
    pub fn ticks(&self, symbol: &str, from_ms: i64, until_ms: i64) -> Vec<Tick> {
        let Some(profile) = self.profile(symbol) else {
            return Vec::new();
        };
        let finest = self.finest();
        let length = LENGTHS[finest];
        let first = from_ms.div_euclid(MINUTE_MS * length) * length;
        let last = until_ms.div_euclid(MINUTE_MS);
        let mut ticks = Vec::new();
        self.visit(profile, finest, first, last + 1, &mut |piece| {
            for (index, step) in self.steps(profile, piece).into_iter().enumerate() {
                let at_ms = piece.minute * MINUTE_MS + step.offset_ms;
                if at_ms > from_ms && at_ms <= until_ms {
                    ticks.push(self.tick(profile, piece, index, step));
                }
            }
        });
        ticks
    }

    /// What prices are possible in `[from_ms, until_ms]`, looked up by whole hours (`coarse`) or whole minutes;
    /// `None` when the market is closed all that time.
    pub fn range(&self, symbol: &str, from_ms: i64, until_ms: i64, coarse: bool) -> Option<Range> {
        let profile = self.profile(symbol)?;
        let depth = if coarse { 2 } else { self.finest() };
        let length = LENGTHS[depth];
        let first = from_ms.div_euclid(MINUTE_MS * length) * length;
        let last = until_ms.div_euclid(MINUTE_MS * length) * length + length;
        let mut found: Option<(i64, i64)> = None;
        self.visit(profile, depth, first, last, &mut |piece| {
            let (low, high) = found.unwrap_or((piece.low, piece.high));
            found = Some((low.min(piece.low), high.max(piece.high)));
        });
        let (low, high) = found?;
        let widest = widest_spread(profile);
        Some(Range {
            bid_low: profile.price(low),
            bid_high: profile.price(high),
            ask_low: profile.price(low + 1),
            ask_high: profile.price(high + widest),
        })
    }

    /// The bars that open at or after `from` and are closed at `now`, oldest first.
    pub fn closed_bars(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        from: Timestamp,
        now: Timestamp,
    ) -> Vec<Bar> {
        let Some(profile) = self.profile(symbol) else {
            return Vec::new();
        };
        let length = timeframe.minutes();
        let first = bar_start(
            timeframe,
            minute_of(from) + i64::from(!is_whole(from)) + length - 1,
        );
        let end = bar_start(timeframe, minute_of(now));
        self.bars_between(profile, timeframe, first, end)
    }

    /// The last `count` bars closed at `now`, oldest first; never more than [`MOST_BARS`].
    pub fn last_bars(
        &self,
        symbol: &str,
        timeframe: Timeframe,
        count: usize,
        now: Timestamp,
    ) -> Vec<Bar> {
        let Some(profile) = self.profile(symbol) else {
            return Vec::new();
        };
        let length = timeframe.minutes();
        let end = bar_start(timeframe, minute_of(now));
        let count = count.min(MOST_BARS);
        let wanted = i64::try_from(count).unwrap_or_default();
        // 7 days hold 5 of trading; the rest is for a weekend at either end.
        let reach = wanted * length * 7 / 5 + 4 * DAY_MINUTES;
        let first = bar_start(timeframe, end - reach);
        let mut bars = self.bars_between(profile, timeframe, first, end);
        let surplus = bars.len().saturating_sub(count);
        bars.drain(..surplus);
        bars
    }

    /// When the bar that is forming at `now` will have closed.
    pub fn next_close(timeframe: Timeframe, now: Timestamp) -> Timestamp {
        let minute = bar_start(timeframe, minute_of(now)) + timeframe.minutes();
        Timestamp::from_second(minute * 60).unwrap_or(Timestamp::MAX)
    }

    fn profile(&self, symbol: &str) -> Option<&Profile> {
        self.profiles
            .iter()
            .find(|profile| profile.spec.name == symbol)
    }

    fn bars_between(
        &self,
        profile: &Profile,
        timeframe: Timeframe,
        first: i64,
        end: i64,
    ) -> Vec<Bar> {
        let depth = depth_of(timeframe);
        let mut bars: Vec<Bar> = Vec::new();
        self.visit(profile, depth, first, end, &mut |piece| {
            let Ok(time) = Timestamp::from_second(bar_start(timeframe, piece.minute) * 60) else {
                return;
            };
            let bar = Bar {
                time,
                open: profile.plot_price(piece.open),
                high: profile.plot_price(piece.high),
                low: profile.plot_price(piece.low),
                close: profile.plot_price(piece.close),
                tick_volume: piece.tick_count(profile.hours),
            };
            match bars.last_mut().filter(|last| last.time == time) {
                Some(last) => {
                    last.high = last.high.max(bar.high);
                    last.low = last.low.min(bar.low);
                    last.close = bar.close;
                    last.tick_volume += bar.tick_volume;
                }
                None => bars.push(bar),
            }
        });
        bars
    }

    /// Shows `see` every piece of `depth` that opens in the minutes `[first, end)`, in order.
    fn visit(
        &self,
        profile: &Profile,
        depth: usize,
        first: i64,
        end: i64,
        see: &mut impl FnMut(&Piece),
    ) {
        if first >= end {
            return;
        }
        for day in first.div_euclid(DAY_MINUTES)..=(end - 1).div_euclid(DAY_MINUTES) {
            if let Some(piece) = self.day(profile, day) {
                descend(&piece, profile, depth, first, end, see);
            }
        }
    }

    fn minute(&self, profile: &Profile, minute: i64) -> Option<Piece> {
        let mut found = None;
        let finest = self.finest();
        let first = minute.div_euclid(LENGTHS[finest]) * LENGTHS[finest];
        self.visit(profile, finest, first, first + 1, &mut |piece| {
            found = Some(*piece);
        });
        found
    }

    fn key(&self, profile: &Profile) -> Noise {
        profile
            .spec
            .name
            .bytes()
            .fold(Noise::new(self.seed), |key, byte| key.with(u64::from(byte)))
    }

    /// A whole day: `None` when it does not trade.
    fn day(&self, profile: &Profile, day: i64) -> Option<Piece> {
        let hours = profile.hours;
        let open_minutes = hours.open_minutes(day * DAY_MINUTES, DAY_MINUTES);
        if open_minutes == 0 {
            return None;
        }
        let key = self.key(profile);
        let (start, end) = (hours.movement_time(day), hours.movement_time(day + 1));
        let open = self.anchor(profile, key, start);
        let close = self.anchor(profile, key, end);
        // Weeks of calm and of storm.
        let mood = (0.35 * key.with(101).wave(start / 5.0)).exp();
        let deviation = profile.middle * profile.daily_move * mood;
        let variance = deviation * deviation * (end - start).max(0.02);
        let noise = key.with(102).at(day);
        let (high, low) = path::extremes(open, close, variance, noise);
        let bustle = profile.pace * mood * (0.7 + 0.6 * noise.with(12).unit());
        Some(Piece {
            minute: day * DAY_MINUTES,
            depth: 0,
            open,
            high,
            low,
            close,
            extra: (bustle * open_minutes as f64) as u64,
            variance,
            noise,
        })
    }

    /// The price at the start of a day: waves of 1/8 to 128 days around the middle, long ones larger, so that the price
    /// trends for days and comes back in the end.
    fn anchor(&self, profile: &Profile, key: Noise, time: f64) -> i64 {
        let log: f64 = (-3..=7)
            .map(|power: i32| {
                let period = f64::from(power).exp2();
                let size = profile.daily_move * 0.42 * period.sqrt();
                size * key.with(103).at(i64::from(power)).wave(time / period)
            })
            .sum();
        (profile.middle * log.exp()).round() as i64
    }

    /// The depth of the pieces that are walked from price to price.
    const fn finest(&self) -> usize {
        #[cfg(test)]
        if let Some(timeframe) = self.straight {
            return depth_of(timeframe);
        }
        FINEST
    }

    fn steps(&self, profile: &Profile, piece: &Piece) -> Vec<Step> {
        #[cfg(test)]
        if self.straight.is_some() {
            return way::steps(piece);
        }
        piece.steps(profile.hours)
    }

    fn spread(&self, profile: &Profile, piece: &Piece, index: usize) -> i64 {
        #[cfg(test)]
        if self.straight.is_some() {
            return profile.spread;
        }
        spread(profile, piece, index)
    }

    fn tick(&self, profile: &Profile, piece: &Piece, index: usize, step: Step) -> Tick {
        let spread = self.spread(profile, piece, index);
        Tick {
            at_ms: piece.minute * MINUTE_MS + step.offset_ms,
            bid: profile.price(step.bid),
            ask: profile.price(step.bid + spread),
        }
    }
}

fn descend(
    piece: &Piece,
    profile: &Profile,
    depth: usize,
    first: i64,
    end: i64,
    see: &mut impl FnMut(&Piece),
) {
    if piece.depth == depth {
        if piece.minute >= first && piece.minute < end {
            see(piece);
        }
        return;
    }
    for part in piece.split(profile.hours) {
        if part.end() > first && part.minute < end {
            descend(&part, profile, depth, first, end, see);
        }
    }
}

/// The depth of the pieces that make up bars of a timeframe.
const fn depth_of(timeframe: Timeframe) -> usize {
    match timeframe {
        Timeframe::W1 | Timeframe::D1 => 0,
        Timeframe::H4 => 1,
        Timeframe::H1 => 2,
        Timeframe::M30 => 3,
        Timeframe::M15 => 4,
        Timeframe::M5 => 5,
        Timeframe::M1 => FINEST,
    }
}

/// Spread in ticks: wider in quiet hours, widest around the daily rollover at 22:00, different from minute to minute.
fn spread(profile: &Profile, piece: &Piece, index: usize) -> i64 {
    let hour = piece.minute.div_euclid(60);
    let quiet = (1.6 - 0.5 * profile.hours.liveliness(hour)).clamp(0.8, 1.6);
    let of_day = piece.minute.rem_euclid(DAY_MINUTES);
    let rollover = if (1_315..1_335).contains(&of_day) {
        2.5
    } else {
        1.0
    };
    let minute = 0.8 + 0.5 * piece.noise.with(13).unit();
    let wobble = i64::from(piece.noise.with(14).with(index as u64).below(4) == 0);
    ((profile.spread as f64 * quiet * rollover * minute) as i64).max(1) + wobble
}

/// No spread is wider (1.6 × 2.5 × 1.3 of the typical one, and the wobble).
const fn widest_spread(profile: &Profile) -> i64 {
    profile.spread * 6 + 2
}

fn minute_of(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(MINUTE_MS)
}

fn is_whole(at: Timestamp) -> bool {
    at.as_nanosecond().rem_euclid(60_000_000_000) == 0
}

/// The first minute of the bar that holds `minute`.
fn bar_start(timeframe: Timeframe, minute: i64) -> i64 {
    let length = timeframe.minutes();
    let shift = if timeframe == Timeframe::W1 {
        FIRST_SUNDAY * DAY_MINUTES
    } else {
        0
    };
    (minute - shift).div_euclid(length) * length + shift
}

const _: () = assert!(LENGTHS[FINEST] == 1 && LENGTHS[0] == DAY_MINUTES);
