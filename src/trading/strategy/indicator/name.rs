//! Names of indicators as rules write them (contract §6.2): case, blanks and signs do not matter, a number in the name wins
//! over a `period` beside it (R5), and what is not known is refused by name.

use rust_decimal::prelude::ToPrimitive;

use super::{Band, Ichimoku, LEVEL_BARS, Series, Source};
use crate::market::Timeframe;
use crate::strategy::ledger::Node;
use crate::strategy::reason::{Reason, Rule, quoted};

/// Longest period taken from rules; more could never warm up on a terminal's history.
const LONGEST_PERIOD: u32 = 500;

/// What a name means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::strategy) enum Named {
    Series(Series),
    /// The average volume times a factor: `average_volume_1.5x`.
    AverageVolume {
        times: f64,
    },
    /// The bands as a whole; the operator says which line.
    Bands {
        period: u32,
        deviations: u32,
    },
    /// High or low of the last bar of another timeframe: `h1_high`.
    Level(Source),
    /// The last closed candle of a timeframe: `h4_candle`.
    Candle(Timeframe),
    /// The trend of a timeframe: `d1_trend`.
    Trend(Timeframe),
}

/// A name as rules write it: case, blanks and signs do not matter (R5).
pub(in crate::strategy) fn normalised(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    for c in name.trim().chars() {
        match c {
            ' ' | '-' | '_' if plain.ends_with('_') => {}
            ' ' | '-' | '_' => plain.push('_'),
            '%' => {}
            c => plain.extend(c.to_lowercase()),
        }
    }
    plain.trim_matches('_').to_owned()
}

/// Reads a name, with its parameters from the same condition where the name has none; the keys that said them are noted.
pub(in crate::strategy) fn read_source(
    name: &Node<'_>,
    condition: &Node<'_>,
    period_key: &'static str,
    keys: &mut Vec<&'static str>,
) -> Result<Named, Reason> {
    let Some(text) = name.text() else {
        return Err(unknown(name, "is not the name of an indicator"));
    };
    let plain = normalised(text);
    let negative = text
        .trim()
        .rsplit_once("_-")
        .is_some_and(|(_, digits)| digits.starts_with(|c: char| c.is_ascii_digit()));
    if negative {
        return Err(unknown(
            name,
            &format!("{} has a negative period", quoted(text)),
        ));
    }
    if let Some(named) = of_another_timeframe(&plain) {
        return Ok(named);
    }
    if let Some(times) = average_volume(&plain) {
        return Ok(Named::AverageVolume { times });
    }
    let (base, suffix) = split_suffix(&plain);
    let mut terms = Terms {
        name,
        text,
        condition,
        period_key,
        suffix,
        keys,
    };
    let series = match (base, suffix) {
        ("price" | "close", None) => Series::Price,
        ("open", None) => Series::Open,
        ("high", None) => Series::High,
        ("low", None) => Series::Low,
        ("volume" | "tick_volume", None) => Series::Volume,
        ("ema", _) => Series::Ema(terms.period(None)?),
        ("sma" | "ma", _) => Series::Sma(terms.period(None)?),
        ("volume_ma" | "volume_sma" | "sma_volume" | "average_volume" | "avg_volume", _) => {
            Series::VolumeSma(terms.period(Some(20))?)
        }
        ("rsi", _) => Series::Rsi(terms.period(Some(14))?),
        ("atr", _) => Series::Atr(terms.period(Some(14))?),
        ("adx", _) => Series::Adx(terms.period(Some(14))?),
        ("cci", _) => Series::Cci(terms.period(Some(14))?),
        ("williams_r" | "willr" | "williams", _) => Series::WilliamsR(terms.period(Some(14))?),
        ("macd", None) => {
            let (fast, slow, signal) = terms.macd()?;
            Series::Macd { fast, slow, signal }
        }
        ("macd_signal", None) => {
            let (fast, slow, signal) = terms.macd()?;
            Series::MacdSignal { fast, slow, signal }
        }
        ("macd_histogram" | "macd_hist", None) => {
            let (fast, slow, signal) = terms.macd()?;
            Series::MacdHistogram { fast, slow, signal }
        }
        ("stochastic" | "stoch" | "stochastic_k" | "stoch_k", None) => {
            let (k, slowing, d) = terms.stochastic()?;
            Series::StochasticK { k, slowing, d }
        }
        ("stochastic_d" | "stoch_d", None) => {
            let (k, slowing, d) = terms.stochastic()?;
            Series::StochasticD { k, slowing, d }
        }
        ("bollinger_bands" | "bollinger" | "bb" | "bbands", _) => {
            let (period, deviations) = terms.bands()?;
            return Ok(Named::Bands { period, deviations });
        }
        ("bollinger_upper" | "bb_upper" | "upper_band", _) => terms.band(Band::Upper)?,
        ("bollinger_middle" | "bb_middle" | "middle_band", _) => terms.band(Band::Middle)?,
        ("bollinger_lower" | "bb_lower" | "lower_band", _) => terms.band(Band::Lower)?,
        ("sar" | "psar" | "parabolic_sar", None) => Series::Sar,
        ("vwap", None) => Series::Vwap,
        ("tenkan" | "ichimoku_tenkan" | "tenkan_sen", None) => Series::Ichimoku(Ichimoku::Tenkan),
        ("kijun" | "ichimoku_kijun" | "kijun_sen", None) => Series::Ichimoku(Ichimoku::Kijun),
        ("senkou_a" | "senkou_span_a" | "ichimoku_senkou_a", None) => {
            Series::Ichimoku(Ichimoku::SpanA)
        }
        ("senkou_b" | "senkou_span_b" | "ichimoku_senkou_b", None) => {
            Series::Ichimoku(Ichimoku::SpanB)
        }
        ("resistance", _) => Series::Resistance(terms.period(Some(LEVEL_BARS))?),
        ("support", _) => Series::Support(terms.period(Some(LEVEL_BARS))?),
        ("ichimoku", None) => {
            return Err(Reason::new(
                Rule::AmbiguousOperand,
                &name.path,
                "Ichimoku has several lines; name one: tenkan, kijun, senkou_a or senkou_b",
            ));
        }
        ("obv", None) => {
            return Err(Reason::new(
                Rule::AmbiguousOperand,
                &name.path,
                "OBV counts from wherever the terminal's history begins, so it cannot be compared",
            ));
        }
        _ => {
            return Err(unknown(
                name,
                &format!("indicator {} is not known to this program", quoted(text)),
            ));
        }
    };
    Ok(Named::Series(series))
}

fn unknown(name: &Node<'_>, text: &str) -> Reason {
    Reason::new(Rule::UnknownName, &name.path, text)
}

/// The parameters of a name: its own suffix and the keys beside it.
struct Terms<'a, 'n> {
    name: &'a Node<'n>,
    text: &'a str,
    condition: &'a Node<'n>,
    period_key: &'static str,
    suffix: Option<u32>,
    /// The keys that were read.
    keys: &'a mut Vec<&'static str>,
}

impl Terms<'_, '_> {
    fn period(&mut self, usual: Option<u32>) -> Result<u32, Reason> {
        if let Some(suffix) = self.suffix {
            return in_range(suffix, &self.name.path);
        }
        match self.whole(self.period_key)? {
            Some(period) => Ok(period),
            None => usual.ok_or_else(|| {
                Reason::new(
                    Rule::MissingValue,
                    &self.name.path,
                    format!("{} has no period", quoted(self.text)),
                )
            }),
        }
    }

    fn whole(&mut self, key: &'static str) -> Result<Option<u32>, Reason> {
        self.keys.push(key);
        let Some(node) = self.condition.child(key) else {
            return Ok(None);
        };
        let whole = node
            .number()
            .filter(rust_decimal::Decimal::is_integer)
            .and_then(|number| u32::try_from(number).ok());
        match whole {
            Some(whole) => in_range(whole, &node.path).map(Some),
            None => Err(Reason::new(
                Rule::NotANumber,
                &node.path,
                "is not a whole number of bars",
            )),
        }
    }

    /// 12, 26 and 9 where the condition says nothing else.
    fn macd(&mut self) -> Result<(u32, u32, u32), Reason> {
        let fast = self.whole("fastPeriod")?.unwrap_or(12);
        let slow = self.whole("slowPeriod")?.unwrap_or(26);
        let signal = self.whole("signalPeriod")?.unwrap_or(9);
        if fast >= slow {
            return Err(Reason::new(
                Rule::AmbiguousOperand,
                &format!("{}.fastPeriod", self.condition.path),
                format!("the fast period {fast} is not below the slow one {slow}"),
            ));
        }
        Ok((fast, slow, signal))
    }

    /// 14, 3 and 3 where the condition says nothing else.
    fn stochastic(&mut self) -> Result<(u32, u32, u32), Reason> {
        let k = match self.whole("kPeriod")? {
            Some(k) => k,
            None => self.whole(self.period_key)?.unwrap_or(14),
        };
        Ok((
            k,
            self.whole("slowing")?.unwrap_or(3),
            self.whole("dPeriod")?.unwrap_or(3),
        ))
    }

    /// 20 bars and 2 deviations where the condition says nothing else.
    fn bands(&mut self) -> Result<(u32, u32), Reason> {
        let period = self.period(Some(20))?;
        self.keys.push("stdDev");
        let Some(node) = self.condition.child("stdDev") else {
            return Ok((period, 2_000));
        };
        let thousandths = node
            .number()
            .and_then(|number| (number * rust_decimal::Decimal::ONE_THOUSAND).to_u32())
            .filter(|thousandths| (100..=10_000).contains(thousandths));
        match thousandths {
            Some(thousandths) => Ok((period, thousandths)),
            None => Err(Reason::new(
                Rule::NotANumber,
                &node.path,
                "is not between 0.1 and 10 deviations",
            )),
        }
    }

    fn band(&mut self, band: Band) -> Result<Series, Reason> {
        let (period, deviations) = self.bands()?;
        Ok(Series::Bollinger {
            period,
            deviations,
            band,
        })
    }
}

fn in_range(period: u32, path: &str) -> Result<u32, Reason> {
    if (2..=LONGEST_PERIOD).contains(&period) {
        Ok(period)
    } else {
        Err(Reason::new(
            Rule::UnknownName,
            path,
            format!("period {period} is not between 2 and {LONGEST_PERIOD}"),
        ))
    }
}

/// `ema_50` → (`ema`, 50); a suffix too large to be a number stays part of the name, which is then unknown.
fn split_suffix(plain: &str) -> (&str, Option<u32>) {
    if let Some((base, digits)) = plain.rsplit_once('_')
        && digits.chars().all(|c| c.is_ascii_digit())
        && let Ok(period) = digits.parse()
    {
        return (base, Some(period));
    }
    (plain, None)
}

/// `h1_high`, `h4_candle`, `d1_trend`.
fn of_another_timeframe(plain: &str) -> Option<Named> {
    let (timeframe, what) = plain.split_once('_')?;
    let timeframe: Timeframe = timeframe.parse().ok()?;
    let level = |series| {
        Named::Level(Source {
            series,
            timeframe,
            earlier: true,
        })
    };
    match what {
        "high" => Some(level(Series::High)),
        "low" => Some(level(Series::Low)),
        "candle" => Some(Named::Candle(timeframe)),
        "trend" => Some(Named::Trend(timeframe)),
        _ => None,
    }
}

/// `average_volume_1.5x` → 1.5
fn average_volume(plain: &str) -> Option<f64> {
    let factor = plain
        .strip_prefix("average_volume_")
        .or_else(|| plain.strip_prefix("avg_volume_"))?
        .strip_suffix('x')?;
    let digits = factor.chars().all(|c| c.is_ascii_digit() || c == '.');
    factor
        .parse::<f64>()
        .ok()
        .filter(|factor| digits && *factor > 0.0 && *factor <= 100.0)
}
