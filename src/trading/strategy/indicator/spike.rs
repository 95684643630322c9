//! How long ago a bar moved far more than usual.

use ta_lib::{AtrStream, RetCode};

use super::SPIKE_BARS;
use crate::market::Bar;

/// Counts the bars since one whose true range was over a factor times the average of ATR over the [`SPIKE_BARS`] bars
/// before it.
#[derive(Clone, Debug)]
pub(super) struct Spike {
    atr: AtrStream,
    factor: f64,
    /// Farther back than this it does not matter.
    most: u32,
    /// ATR at the last bars, oldest first.
    averages: Vec<f64>,
    close: f64,
    /// Bars since the last spike, or since it could first be seen.
    since: u32,
    spiked: bool,
}

impl Spike {
    /// `atr` has taken every bar up to this one, with this value.
    pub fn new(atr: AtrStream, value: f64, thousandths: u32, most: u32, bar: &Bar) -> Self {
        Self {
            atr,
            factor: f64::from(thousandths) / 1_000.0,
            most,
            averages: vec![value],
            close: bar.close,
            since: 0,
            spiked: false,
        }
    }

    /// The bars since the last spike, at most `most`; NaN while that is not known.
    pub fn take(&mut self, bar: &Bar) -> Result<f64, RetCode> {
        let range = bar.high.max(self.close) - bar.low.min(self.close);
        if self.averages.len() == SPIKE_BARS as usize {
            let usual = self.averages.iter().sum::<f64>() / f64::from(SPIKE_BARS);
            if range > self.factor * usual {
                self.spiked = true;
                self.since = 0;
            } else {
                self.since = self.since.saturating_add(1);
            }
            self.averages.rotate_left(1);
            self.averages.pop();
        }
        self.averages
            .push(self.atr.update(bar.high, bar.low, bar.close)?);
        self.close = bar.close;
        let known = self.spiked || self.since >= self.most;
        Ok(if known {
            f64::from(self.since.min(self.most))
        } else {
            f64::NAN
        })
    }
}
