//! How a day becomes hours, minutes and ticks.
//!
//! A day's open, high, low and close are drawn first; then every piece of time is split into shorter ones that keep its
//! open, close, extremes and tick count exactly. So any bar of any timeframe is reached in a few steps, without the market before
//! it, and a longer bar is always the sum of its shorter ones. Between two known prices the path is a Brownian
//! bridge, and its extremes follow the bridge's own law.

use super::calendar::Hours;
use super::noise::Noise;

/// Minutes of a piece at each depth; a piece of one depth is split into pieces of the next.
pub const LENGTHS: [i64; 7] = [1_440, 240, 60, 30, 15, 5, 1];
/// Every minute that trades has at least this many ticks: an open, a close and two extremes.
pub const LEAST_TICKS: u64 = 4;
/// At most so many pieces come of one.
const MOST_PIECES: usize = 6;

/// A piece of time with its prices, in ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// First minute, since the epoch.
    pub minute: i64,
    pub depth: usize,
    pub open: i64,
    pub high: i64,
    pub low: i64,
    pub close: i64,
    /// Ticks in the piece beyond [`LEAST_TICKS`] a minute.
    pub extra: u64,
    /// Variance of the movement, in squared ticks.
    pub variance: f64,
    pub noise: Noise,
}

/// One price change: milliseconds into its minute, bid in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub offset_ms: i64,
    pub bid: i64,
}

/// Brings a price that left `[low, high]` back in, as a mirror would.
fn fold(price: f64, low: i64, high: i64) -> i64 {
    let (low_f, high_f) = (low as f64, high as f64);
    let mirrored = if price > high_f {
        2.0 * high_f - price
    } else if price < low_f {
        2.0 * low_f - price
    } else {
        price
    };
    (mirrored.round() as i64).clamp(low, high)
}

/// The highest point of a Brownian bridge from 0 to `rise`: its exact law, inverted.
fn bridge_height(rise: f64, variance: f64, noise: Noise) -> f64 {
    let chance = noise.unit().max(1e-6);
    f64::midpoint(
        rise,
        (rise * rise - 2.0 * variance * chance.ln()).max(0.0).sqrt(),
    )
}

/// High and low of a bridge between two prices.
pub fn extremes(open: i64, close: i64, variance: f64, noise: Noise) -> (i64, i64) {
    let rise = (close - open) as f64;
    let up = bridge_height(rise, variance, noise.with(1)).round() as i64;
    let down = bridge_height(-rise, variance, noise.with(2)).round() as i64;
    (
        (open + up).max(open.max(close)),
        (open - down).min(open.min(close)),
    )
}

impl Piece {
    pub const fn length(&self) -> i64 {
        LENGTHS[self.depth]
    }

    pub const fn end(&self) -> i64 {
        self.minute + self.length()
    }

    pub fn tick_count(&self, hours: Hours) -> u64 {
        self.extra + LEAST_TICKS * hours.open_minutes(self.minute, self.length())
    }

    /// The shorter pieces that trade, in order. A minute has none.
    pub fn split(&self, hours: Hours) -> Vec<Self> {
        let Some(length) = LENGTHS.get(self.depth + 1).copied() else {
            return Vec::new();
        };
        let mut weights = [0.0; MOST_PIECES];
        let count = (self.length() / length) as usize;
        for (slot, weight) in weights.iter_mut().enumerate().take(count) {
            let minute = self.minute + slot as i64 * length;
            // Uneven shares at every depth make quiet and lively spells of every length.
            let mood = 0.55 + 0.9 * self.noise.at(minute).with(3).unit();
            *weight = hours.weight(minute, length) * mood;
        }
        let total: f64 = weights.iter().sum();
        if total <= 0.0 {
            return Vec::new();
        }

        let mut pieces: Vec<Self> = Vec::with_capacity(count);
        let mut open = self.open;
        let mut passed = 0.0;
        let mut extra_given = 0;
        for (slot, weight) in weights.into_iter().enumerate().take(count) {
            if weight <= 0.0 {
                continue;
            }
            let minute = self.minute + slot as i64 * length;
            let noise = self.noise.at(minute);
            let left = total - passed;
            passed += weight;
            let is_last = total - passed < total * 1e-9;
            let variance = self.variance * weight / total;
            let close = if is_last {
                self.close
            } else {
                let mean = open as f64 + (self.close - open) as f64 * weight / left;
                let spread = (variance * (left - weight) / left).max(0.0).sqrt();
                fold(mean + spread * noise.with(4).bell(), self.low, self.high)
            };
            let (high, low) = extremes(open, close, variance, noise);
            let extra_until = if is_last {
                self.extra
            } else {
                (self.extra as f64 * passed / total) as u64
            };
            pieces.push(Self {
                minute,
                depth: self.depth + 1,
                open,
                high,
                low,
                close,
                extra: extra_until - extra_given,
                variance,
                noise,
            });
            extra_given = extra_until;
            open = if is_last {
                close
            } else {
                self.next_open(close, variance, length, noise)
            };
        }
        self.reach_extremes(&mut pieces);
        pieces
    }

    /// Minutes open a little off the last close, and now and then (news) far off it.
    fn next_open(&self, close: i64, variance: f64, length: i64, noise: Noise) -> i64 {
        if length > 1 {
            return close;
        }
        let news = noise.with(5).below(1_500) == 0;
        let size = variance.sqrt() * if news { 4.0 } else { 0.15 };
        fold(
            close as f64 + size * noise.with(6).bell(),
            self.low,
            self.high,
        )
    }

    /// The piece that came nearest to an extreme, or went farthest beyond it, reaches it exactly; the others stay inside.
    fn reach_extremes(&self, pieces: &mut [Self]) {
        let top = pieces.iter().map(|piece| piece.high).max();
        let bottom = pieces.iter().map(|piece| piece.low).min();
        let mut top_left = true;
        let mut bottom_left = true;
        for piece in pieces {
            let (upper, lower) = (piece.open.max(piece.close), piece.open.min(piece.close));
            if top_left && Some(piece.high) == top {
                top_left = false;
                piece.high = self.high;
            } else if piece.high > self.high {
                piece.high = (2 * self.high - piece.high).max(upper);
            }
            if bottom_left && Some(piece.low) == bottom {
                bottom_left = false;
                piece.low = self.low;
            } else if piece.low < self.low {
                piece.low = (2 * self.low - piece.low).min(lower);
            }
        }
    }

    /// The price changes of a minute: the first at its start, through both extremes, the last at its close.
    pub fn steps(&self, hours: Hours) -> Vec<Step> {
        let count = self.tick_count(hours).max(LEAST_TICKS) as usize;
        let bids = self.bids(count);
        let slot = 60_000.0 / count as f64;
        bids.into_iter()
            .enumerate()
            .map(|(index, bid)| {
                let shift = if index == 0 {
                    0.0
                } else {
                    0.9 * self.noise.with(7).with(index as u64).unit()
                };
                Step {
                    offset_ms: ((index as f64 + shift) * slot) as i64,
                    bid,
                }
            })
            .collect()
    }

    fn bids(&self, count: usize) -> Vec<i64> {
        let inner = (count - 2) as u64;
        let last = count - 1;
        let first_draw = 1 + self.noise.with(8).below(inner) as usize;
        let second_draw = {
            let draw = 1 + self.noise.with(9).below(inner - 1) as usize;
            if draw >= first_draw { draw + 1 } else { draw }
        };
        let (early, late) = (first_draw.min(second_draw), first_draw.max(second_draw));
        // A rising minute tends to make its low first.
        let low_first =
            self.noise.with(10).unit() < if self.close >= self.open { 0.7 } else { 0.3 };
        let (low_at, high_at) = if low_first {
            (early, late)
        } else {
            (late, early)
        };

        let mut stops = [
            (0, self.open),
            (low_at, self.low),
            (high_at, self.high),
            (last, self.close),
        ];
        stops.sort_unstable_by_key(|(index, _)| *index);

        let mut bids = vec![self.open; count];
        let size = (self.high - self.low) as f64 * 0.15;
        for pair in stops.windows(2) {
            let [(from, start), (to, goal)] = pair else {
                continue;
            };
            let steps = (to - from) as f64;
            for (index, bid) in bids.iter_mut().enumerate().take(to + 1).skip(*from) {
                let done = (index - from) as f64 / steps;
                let line = *start as f64 + (goal - start) as f64 * done;
                let sway = size * (4.0 * done * (1.0 - done)).max(0.0).sqrt();
                let noise = self.noise.with(11).with(index as u64).bell();
                *bid = fold(line + sway * noise, self.low, self.high);
            }
        }
        bids
    }
}
