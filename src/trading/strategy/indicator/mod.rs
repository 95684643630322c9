//! The series that conditions compare: one number per closed bar. [`Series`] says which, [`name`](mod@name) reads it
//! from rules, [`gauge`] computes it bar by bar with TA-Lib's own streams. The table of every name, formula and warm-up is
//! `docs/rules.md`; where MetaTrader's own indicator differs (ATR averages simply, the MACD signal is a simple average),
//! TA-Lib is the truth here.

pub(super) mod gauge;
mod name;
mod spike;

use serde::Serialize;

use super::language::{Language, tell};
use crate::market::Timeframe;

pub(super) use name::{Named, normalised, read_source};

/// Bars looked back for the highest high (resistance) and the lowest low (support) where rules name no number.
pub(super) const LEVEL_BARS: u32 = 20;
/// Bars among which a squeeze is the narrowest.
pub(super) const SQUEEZE_BARS: u32 = 50;
/// Bars of the average ATR that a spike is measured by.
pub(super) const SPIKE_BARS: u32 = 20;

/// One line of the Bollinger bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Band {
    Upper,
    Middle,
    Lower,
    /// (upper − lower) / middle.
    Width,
    /// Bars since the width was the narrowest of `SQUEEZE_BARS` bars; 0 is this bar.
    SinceNarrowest,
}

impl Band {
    const fn words(self, language: Language) -> &'static str {
        match self {
            Self::Upper => language.pick("the upper Bollinger band", "Bollinger Band atas"),
            Self::Middle => language.pick("the middle Bollinger band", "Bollinger Band tengah"),
            Self::Lower => language.pick("the lower Bollinger band", "Bollinger Band bawah"),
            Self::Width => {
                language.pick("the width of the Bollinger bands", "lebar Bollinger Bands")
            }
            Self::SinceNarrowest => language.pick(
                "the age in bars of the narrowest Bollinger bands",
                "jumlah bar sejak Bollinger Bands tersempit",
            ),
        }
    }
}

/// One line of Ichimoku Kinko Hyo with its usual lengths 9, 26 and 52; the spans are those that stand under the last bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Ichimoku {
    Tenkan,
    Kijun,
    SpanA,
    SpanB,
}

/// One number per closed bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Series {
    Open,
    High,
    Low,
    /// The bar's close.
    Price,
    /// Ticks of the bar.
    Volume,
    /// Exponential moving average of the close; TA-Lib EMA.
    Ema(u32),
    /// Simple moving average of the close; TA-Lib SMA.
    Sma(u32),
    /// Simple moving average of the volume; TA-Lib SMA.
    VolumeSma(u32),
    /// Relative strength index after Wilder; TA-Lib RSI.
    Rsi(u32),
    /// EMA(fast) − EMA(slow) of the close; TA-Lib MACD.
    Macd {
        fast: u32,
        slow: u32,
        signal: u32,
    },
    /// EMA(signal) of that difference; TA-Lib MACD.
    MacdSignal {
        fast: u32,
        slow: u32,
        signal: u32,
    },
    /// The difference of the two; TA-Lib MACD.
    MacdHistogram {
        fast: u32,
        slow: u32,
        signal: u32,
    },
    /// Average true range after Wilder, in price units; TA-Lib ATR.
    Atr(u32),
    /// Average directional movement after Wilder; TA-Lib ADX.
    Adx(u32),
    /// Commodity channel index; TA-Lib CCI.
    Cci(u32),
    /// Williams' %R, from −100 to 0; TA-Lib WILLR.
    WilliamsR(u32),
    /// Parabolic stop and reverse with 0.02 and 0.2; TA-Lib SAR.
    Sar,
    /// Volume weighted average of (high + low + close) / 3 since the broker's midnight.
    Vwap,
    /// Bollinger bands around an SMA; TA-Lib BBANDS. The deviations are in thousandths.
    Bollinger {
        period: u32,
        deviations: u32,
        band: Band,
    },
    /// Slow %K; TA-Lib STOCH.
    StochasticK {
        k: u32,
        slowing: u32,
        d: u32,
    },
    /// SMA(d) of it; TA-Lib STOCH.
    StochasticD {
        k: u32,
        slowing: u32,
        d: u32,
    },
    Ichimoku(Ichimoku),
    /// The highest high of so many bars before this one.
    Resistance(u32),
    /// The lowest low of so many bars before this one.
    Support(u32),
    /// Bars since one whose true range was over so many thousandths of the average of ATR(period) over the
    /// `SPIKE_BARS` bars before it, at most `most`; 0 is this bar.
    SinceSpike {
        period: u32,
        thousandths: u32,
        most: u32,
    },
}

/// What a series' numbers are numbers of. Only like is compared with like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    Price,
    /// 0 to 100.
    Percent,
    /// −100 to 0.
    NegativePercent,
    /// A difference of prices.
    Difference,
    Volume,
    /// A number of its own kind, without bounds.
    Index,
}

impl Series {
    /// A price or an average of prices: where one is above another, the market rises.
    pub(super) const fn leads(self) -> bool {
        matches!(
            self,
            Self::Open
                | Self::High
                | Self::Low
                | Self::Price
                | Self::Ema(_)
                | Self::Sma(_)
                | Self::Vwap
        )
    }

    pub(super) const fn scale(self) -> Scale {
        match self {
            Self::Open
            | Self::High
            | Self::Low
            | Self::Price
            | Self::Ema(_)
            | Self::Sma(_)
            | Self::Sar
            | Self::Vwap
            | Self::Ichimoku(_)
            | Self::Resistance(_)
            | Self::Support(_)
            | Self::Bollinger {
                band: Band::Upper | Band::Middle | Band::Lower,
                ..
            } => Scale::Price,
            Self::Rsi(_) | Self::Adx(_) | Self::StochasticK { .. } | Self::StochasticD { .. } => {
                Scale::Percent
            }
            Self::WilliamsR(_) => Scale::NegativePercent,
            Self::Macd { .. }
            | Self::MacdSignal { .. }
            | Self::MacdHistogram { .. }
            | Self::Atr(_) => Scale::Difference,
            Self::Volume | Self::VolumeSma(_) => Scale::Volume,
            Self::Cci(_) | Self::Bollinger { .. } | Self::SinceSpike { .. } => Scale::Index,
        }
    }

    /// Closed bars after which the value no longer depends, to 1e-9 of its scale, on where the history began.
    ///
    /// An EMA forgets its start by (1 − 2/(n+1)) a bar, e⁻²¹ after 10.5 n bars; Wilder's averages by (1 − 1/n),
    /// so they need twice that. ADX smooths what is smoothed already. SAR forgets at the first reversal; 200 bars hold
    /// several. VWAP begins anew at midnight: more bars than the longest day has (one with 25 hours) reach back to the last.
    pub fn warmup(self, timeframe: Timeframe) -> usize {
        const LONGEST_DAY_S: i64 = 25 * 3_600;
        match self {
            Self::Open | Self::High | Self::Low | Self::Price | Self::Volume => 2,
            Self::Sma(period) | Self::VolumeSma(period) | Self::Cci(period) => period as usize + 1,
            Self::WilliamsR(period) => period as usize + 1,
            Self::Resistance(bars) | Self::Support(bars) => bars as usize + 2,
            Self::Ema(period) => 11 * period as usize + 1,
            Self::Rsi(period) | Self::Atr(period) => 21 * period as usize + 2,
            Self::Adx(period) => 42 * period as usize + 2,
            Self::Macd { slow, signal, .. }
            | Self::MacdSignal { slow, signal, .. }
            | Self::MacdHistogram { slow, signal, .. } => {
                11 * (slow as usize + signal as usize) + 1
            }
            Self::Sar => 200,
            Self::Vwap => {
                let most_in_a_day = LONGEST_DAY_S / timeframe.seconds();
                usize::try_from(most_in_a_day).map_or(2, |bars| bars.max(1) + 1)
            }
            Self::Bollinger { period, band, .. } => match band {
                Band::Upper | Band::Middle | Band::Lower | Band::Width => period as usize + 1,
                Band::SinceNarrowest => period as usize + SQUEEZE_BARS as usize + 1,
            },
            Self::StochasticK { k, slowing, d } | Self::StochasticD { k, slowing, d } => {
                (k + slowing + d) as usize + 1
            }
            Self::SinceSpike { period, most, .. } => {
                Self::Atr(period).warmup(timeframe) + SPIKE_BARS as usize + most as usize
            }
            Self::Ichimoku(Ichimoku::Tenkan | Ichimoku::Kijun) => 53,
            Self::Ichimoku(Ichimoku::SpanA | Ichimoku::SpanB) => 80,
        }
    }

    /// The name in a sentence.
    pub fn words(self, language: Language) -> String {
        match self {
            Self::Open => language.pick("the open", "harga pembukaan").to_owned(),
            Self::High => language.pick("the high", "harga tertinggi").to_owned(),
            Self::Low => language.pick("the low", "harga terendah").to_owned(),
            Self::Price => language.pick("the close", "harga penutupan").to_owned(),
            Self::Volume => language.pick("the volume", "volume").to_owned(),
            Self::Ema(period) => format!("EMA {period}"),
            Self::Sma(period) => format!("SMA {period}"),
            Self::VolumeSma(period) => tell!(language;
                "the average volume of {period} bars";
                "rata-rata volume {period} bar"),
            Self::Rsi(period) => format!("RSI {period}"),
            Self::Macd { fast, slow, .. } => format!("MACD {fast}/{slow}"),
            Self::MacdSignal { fast, slow, signal } => tell!(language;
                "the MACD signal {fast}/{slow}/{signal}";
                "garis sinyal MACD {fast}/{slow}/{signal}"),
            Self::MacdHistogram { fast, slow, signal } => tell!(language;
                "the MACD histogram {fast}/{slow}/{signal}";
                "histogram MACD {fast}/{slow}/{signal}"),
            Self::Atr(period) => format!("ATR {period}"),
            Self::Adx(period) => format!("ADX {period}"),
            Self::Cci(period) => format!("CCI {period}"),
            Self::WilliamsR(period) => format!("Williams %R {period}"),
            Self::Sar => "SAR".to_owned(),
            Self::Vwap => "VWAP".to_owned(),
            Self::Bollinger {
                period,
                deviations,
                band,
            } => {
                let line = band.words(language);
                format!("{line} {period}/{}", f64::from(deviations) / 1_000.0)
            }
            Self::StochasticK { k, slowing, d } => format!("Stochastic %K {k}/{slowing}/{d}"),
            Self::StochasticD { k, slowing, d } => tell!(language;
                "the Stochastic %D {k}/{slowing}/{d}";
                "Stochastic %D {k}/{slowing}/{d}"),
            Self::Ichimoku(line) => match line {
                Ichimoku::Tenkan => "Tenkan",
                Ichimoku::Kijun => "Kijun",
                Ichimoku::SpanA => language.pick("span A", "Span A"),
                Ichimoku::SpanB => language.pick("span B", "Span B"),
            }
            .to_owned(),
            Self::Resistance(bars) => tell!(language;
                "the highest high of {bars} bars before";
                "titik tertinggi dari {bars} bar sebelumnya"),
            Self::Support(bars) => tell!(language;
                "the lowest low of {bars} bars before";
                "titik terendah dari {bars} bar sebelumnya"),
            Self::SinceSpike {
                period,
                thousandths,
                ..
            } => {
                let times = f64::from(thousandths) / 1_000.0;
                tell!(language;
                    "the bars since one over {times} times the average ATR {period}";
                    "jumlah bar sejak bar di atas {times} kali rata-rata ATR {period}")
            }
        }
    }
}

impl Series {
    /// The name beside the series that it is made of: "its signal 9" of that MACD.
    fn words_beside(self, subject: Self, language: Language) -> String {
        match (subject, self) {
            (Self::Volume, Self::VolumeSma(period)) => tell!(language;
                "its average of {period} bars";
                "rata-rata volume {period} bar"),
            (
                Self::Macd { fast, slow, signal },
                Self::MacdSignal {
                    fast: f,
                    slow: s,
                    signal: n,
                },
            ) if (fast, slow, signal) == (f, s, n) => {
                tell!(language; "its signal {signal}"; "garis sinyal {signal}")
            }
            (
                Self::StochasticK { k, slowing, d },
                Self::StochasticD {
                    k: own,
                    slowing: s,
                    d: n,
                },
            ) if (k, slowing, d) == (own, s, n) => language.pick("its %D", "garis %D").to_owned(),
            _ => self.words(language),
        }
    }
}

/// A series on a timeframe, as it stands at the close of each bar of the strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Source {
    pub series: Series,
    pub timeframe: Timeframe,
    /// As it stood one bar of the strategy earlier: a level that this bar may break, known when it opened.
    pub earlier: bool,
}

impl Source {
    pub const fn new(series: Series, timeframe: Timeframe) -> Self {
        Self {
            series,
            timeframe,
            earlier: false,
        }
    }

    /// The English name, for what is refused.
    pub fn name(self, own: Timeframe) -> String {
        self.words(own, Language::English)
    }

    /// The name in a sentence about a strategy of this timeframe.
    pub fn words(self, own: Timeframe, language: Language) -> String {
        self.placed(self.series.words(language), own, language)
    }

    /// The name on the right side of a comparison with this one.
    pub(super) fn words_beside(self, subject: Self, own: Timeframe, language: Language) -> String {
        let name = self.series.words_beside(subject.series, language);
        self.placed(name, own, language)
    }

    fn placed(self, name: String, own: Timeframe, language: Language) -> String {
        let timeframe = self.timeframe;
        if self.earlier && matches!(self.series, Series::High | Series::Low) {
            return tell!(language;
                "{name} of the last {timeframe} bar before";
                "{name} bar {timeframe} terakhir sebelumnya");
        }
        if timeframe == own && !self.earlier {
            name
        } else {
            tell!(language; "{name} on {timeframe}"; "{name} pada {timeframe}")
        }
    }
}
