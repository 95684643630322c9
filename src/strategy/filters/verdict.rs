//! What filters look at and what they say about an entry.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::correlation::Peer;
use super::news::NewsCalendar;
use crate::market::{Side, SymbolSpec};
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

    /// The factor on the volume.
    pub const fn factor(self) -> Decimal {
        match self {
            Self::Passes => Decimal::ONE,
            Self::Reduces(factor) => factor,
            Self::Blocks => Decimal::ZERO,
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
        let spread = (view.quote.ask - view.quote.bid).to_f64();
        Self {
            panel: view.panel,
            second: view.market_time.as_second(),
            spread_pips: spread.map_or(f64::NAN, |spread| spread / pip),
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

pub(super) fn at_most(value: f64, limit: Decimal) -> bool {
    limit
        .to_f64()
        .is_some_and(|limit| value <= limit + limit.abs() * SLACK)
}

pub(super) fn at_least(value: f64, limit: Decimal) -> bool {
    limit
        .to_f64()
        .is_some_and(|limit| value >= limit - limit.abs() * SLACK)
}

pub(super) fn number(value: f64, decimals: i32, unit: &str) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    let scale = 10_f64.powi(decimals);
    format!("{}{unit}", (value * scale).round() / scale)
}
