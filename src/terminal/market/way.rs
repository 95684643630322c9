//! A market for tests whose bars are walked as a replay assumes it: from the open to the nearer extreme, to the other one, to
//! the close, each in a third of the bar's time, through every price on the way, with one spread throughout.

use super::path::{Piece, Step};
use super::{MINUTE_MS, Market};
use crate::market::Timeframe;

impl Market {
    /// The market of this seed, its bars of this timeframe walked straight. Bars are the same as ever.
    pub fn straight(seed: u64, timeframe: Timeframe) -> Self {
        Self {
            straight: Some(timeframe),
            ..Self::new(seed)
        }
    }
}

pub(super) fn steps(piece: &Piece) -> Vec<Step> {
    let (below, above) = (piece.open - piece.low, piece.high - piece.open);
    let low_first = below < above || (below == above && piece.close >= piece.open);
    let (first, second) = if low_first {
        (piece.low, piece.high)
    } else {
        (piece.high, piece.low)
    };
    let length = piece.length() * MINUTE_MS;
    let mut steps = vec![Step {
        offset_ms: 0,
        bid: piece.open,
    }];
    let (mut from, mut left) = (piece.open, 0);
    for (to, there) in [
        (first, length / 3),
        (second, 2 * length / 3),
        (piece.close, length - 1_000),
    ] {
        let way = to - from;
        let count = way.abs().max(1);
        steps.extend((1..=count).map(|step| Step {
            offset_ms: left + (there - left) * step / count,
            bid: from + way.signum() * step,
        }));
        (from, left) = (to, there);
    }
    steps
}
