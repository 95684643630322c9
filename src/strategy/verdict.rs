//! Filters at a bar: whether they let an entry pass, and in words which value met which limit.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::filters::{Filter, HighVolatility, VolatilityFilter};
use super::indicator::Series;
use super::panel::Panel;

/// What filters look at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub panel: &'a Panel,
    /// The market's clock, in seconds since 1970 UTC.
    pub second: i64,
    pub spread_pips: f64,
    /// One pip of the symbol, in price.
    pub pip: f64,
}

impl Look<'_> {
    fn atr_pips(&self, period: u32) -> f64 {
        self.panel.own(Series::Atr(period)) / self.pip
    }

    /// ATR 14 in per cent of the close.
    fn volatility_percent(&self) -> f64 {
        let close = self.panel.last_bar().map_or(f64::NAN, |bar| bar.close);
        self.panel.own(Series::Atr(14)) / close * 100.0
    }
}

impl Filter {
    /// What cannot be known does not pass.
    pub fn passes(&self, look: &Look<'_>) -> bool {
        match self {
            Self::Session(session) => session.sessions.iter().any(|s| s.is_open(look.second)),
            Self::Spread { max_pips } => at_most(look.spread_pips, *max_pips),
            Self::Volatility(band) => {
                let atr = look.atr_pips(band.period);
                band.min_pips.is_none_or(|min| at_least(atr, min))
                    && band.max_pips.is_none_or(|max| at_most(atr, max))
            }
            Self::HighVolatility(HighVolatility { above_percent }) => {
                at_most(look.volatility_percent(), *above_percent)
            }
        }
    }

    /// The filter, the value and the limit.
    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        match self {
            Self::Session(session) => {
                let names: Vec<&str> = session.sessions.iter().map(|s| s.name()).collect();
                let names = names.join(", ");
                if self.passes(look) {
                    format!("session open ({names})")
                } else {
                    format!("outside the sessions ({names})")
                }
            }
            Self::Spread { max_pips } => format!(
                "spread {}, at most {max_pips}",
                number(look.spread_pips, 2, " pips")
            ),
            Self::Volatility(band) => format!(
                "ATR {} {}, {}",
                band.period,
                number(look.atr_pips(band.period), 2, " pips"),
                limits(band)
            ),
            Self::HighVolatility(HighVolatility { above_percent }) => format!(
                "ATR 14 is {} of the price, at most {above_percent} %",
                number(look.volatility_percent(), 4, " %")
            ),
        }
    }
}

fn limits(band: &VolatilityFilter) -> String {
    match (band.min_pips, band.max_pips) {
        (Some(min), Some(max)) => format!("between {min} and {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "any".to_owned(),
    }
}

/// A billionth of the limit is no difference: both sides went through binary fractions.
const SLACK: f64 = 1e-9;

fn at_most(value: f64, limit: Decimal) -> bool {
    limit
        .to_f64()
        .is_some_and(|limit| value <= limit + limit.abs() * SLACK)
}

fn at_least(value: f64, limit: Decimal) -> bool {
    limit
        .to_f64()
        .is_some_and(|limit| value >= limit - limit.abs() * SLACK)
}

fn number(value: f64, decimals: i32, unit: &str) -> String {
    if !value.is_finite() {
        return "unknown".to_owned();
    }
    let scale = 10_f64.powi(decimals);
    format!("{}{unit}", (value * scale).round() / scale)
}
