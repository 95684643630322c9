//! What filters look at and what they say about an entry.

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::correlation::Peer;
use super::news::NewsCalendar;
use crate::market::{Side, SymbolSpec, number_of};
use crate::strategy::evaluate::{MarketView, pip_of};
use crate::strategy::indicator::Series;
use crate::strategy::panel::Panel;

/// What a filter says about an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passes,
    /// With the volume times this; above 0 and below 1.
    Reduces(Decimal),
    Blocks,
}

impl Verdict {
    pub const fn blocks_unless(passes: bool) -> Self {
        if passes { Self::Passes } else { Self::Blocks }
    }

    /// With the volume times this factor; 0 blocks, and nothing makes it larger.
    pub fn times(factor: Decimal) -> Self {
        if factor <= Decimal::ZERO {
            Self::Blocks
        } else if factor < Decimal::ONE {
            Self::Reduces(factor)
        } else {
            Self::Passes
        }
    }
}

/// What filters look at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub panel: &'a Panel,
    /// The market's clock, in seconds since 1970 UTC.
    pub second: i64,
    pub spread_pips: f64,
    /// One pip of the symbol, in price.
    pub pip: f64,
    /// The direction of the entry.
    pub side: Side,
    pub spec: &'a SymbolSpec,
    pub news: Option<&'a NewsCalendar>,
    /// The symbols that a correlation filter looks at.
    pub peers: &'a [Peer],
}

impl<'a> Look<'a> {
    pub(in crate::strategy) fn of(view: &MarketView<'a>, side: Side) -> Self {
        let pip = pip_of(view.spec);
        let spread = number_of(view.quote.ask - view.quote.bid);
        Self {
            panel: view.panel,
            second: view.market_time.as_second(),
            spread_pips: spread / pip,
            pip,
            side,
            spec: view.spec,
            news: view.news,
            peers: view.peers,
        }
    }

    pub(super) fn atr_pips(&self, period: u32) -> f64 {
        self.panel.own(Series::Atr(period)) / self.pip
    }

    /// ATR 14 in per cent of the close.
    pub(super) fn volatility_percent(&self) -> f64 {
        let close = self.panel.last_bar().map_or(f64::NAN, |bar| bar.close);
        self.panel.own(Series::Atr(14)) / close * 100.0
    }
}

/// A billionth of the limit is no difference: both sides went through binary fractions.
const SLACK: f64 = 1e-9;

/// A limit of the rules: exactly, and as the numbers that values are compared with at each bar.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    exact: Decimal,
    /// The greatest value at most as large, the least one at least as large; NaN, which nothing keeps, where there is none.
    most: f64,
    least: f64,
}

impl Limit {
    pub(super) fn allows_up_to(self, value: f64) -> bool {
        value <= self.most
    }

    pub(super) fn allows_from(self, value: f64) -> bool {
        value >= self.least
    }
}

impl From<Decimal> for Limit {
    fn from(exact: Decimal) -> Self {
        let number = number_of(exact);
        Self {
            exact,
            most: number + number.abs() * SLACK,
            least: number - number.abs() * SLACK,
        }
    }
}

impl PartialEq for Limit {
    fn eq(&self, other: &Self) -> bool {
        self.exact == other.exact
    }
}

impl Eq for Limit {}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.exact.fmt(f)
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(&self.exact, serializer)
    }
}

pub(super) fn number(value: f64, decimals: i32, unit: &str) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    let scale = 10_f64.powi(decimals);
    format!("{}{unit}", (value * scale).round() / scale)
}
