//! The market regime: trending up, trending down, ranging or volatile, with a confidence from 0 to 100.
//!
//! Rules name the regimes and not how they are told; here, from closed bars of one timeframe, in this order:
//! - volatile: ATR 7 is at least 1.5 times ATR 28. Confidence: 100 × (ATR 7 / ATR 28) / 3, at most 100; so 50 at the limit.
//! - trending up or down: ADX 14 is at least 25, and EMA 20 is above or below EMA 50. Confidence: 2 × ADX, at most 100.
//! - ranging: everything else. Confidence: 100 − 2 × ADX, at least 0.
//!
//! 25 is Wilder's usual limit for a trend ("New Concepts in Technical Trading Systems", 1978).

use rust_decimal::Decimal;
use serde::Serialize;

use super::verdict::{Limit, Look, Verdict, number};
use super::{read_timeframe, read_timeframes};
use crate::market::Timeframe;
use crate::strategy::indicator::{Series, Source, normalised};
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule, quoted};

const TREND_ADX: f64 = 25.0;
const VOLATILE_RATIO: f64 = 1.5;
const SERIES: [Series; 5] = [
    Series::Adx(14),
    Series::Ema(20),
    Series::Ema(50),
    Series::Atr(7),
    Series::Atr(28),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Regime {
    TrendingUp,
    TrendingDown,
    Ranging,
    Volatile,
}

impl Regime {
    const ALL: [Self; 4] = [
        Self::TrendingUp,
        Self::TrendingDown,
        Self::Ranging,
        Self::Volatile,
    ];

    pub const fn words(self, language: Language) -> &'static str {
        match self {
            Self::TrendingUp => language.pick("trending up", "tren naik"),
            Self::TrendingDown => language.pick("trending down", "tren turun"),
            Self::Ranging => language.pick("ranging", "sideways"),
            Self::Volatile => language.pick("volatile", "volatil"),
        }
    }

    /// `TRENDING` is either trend.
    fn from_name(name: &str) -> &'static [Self] {
        match normalised(name).as_str() {
            "trending" | "trend" => &[Self::TrendingUp, Self::TrendingDown],
            "trending_up" | "uptrend" => &[Self::TrendingUp],
            "trending_down" | "downtrend" => &[Self::TrendingDown],
            "ranging" | "range" => &[Self::Ranging],
            "volatile" => &[Self::Volatile],
            _ => &[],
        }
    }

    const fn is_trend(self) -> bool {
        matches!(self, Self::TrendingUp | Self::TrendingDown)
    }

    /// Both trends are one family.
    fn is_like(self, other: Self) -> bool {
        self == other || (self.is_trend() && other.is_trend())
    }

    /// The regime of a timeframe and its confidence; `None` when a value is not known.
    fn at(look: &Look<'_>, timeframe: Timeframe) -> Option<(Self, f64)> {
        let [adx, fast, slow, lately, long] =
            SERIES.map(|series| look.panel.value(Source::new(series, timeframe)));
        let ratio = lately / long;
        if ![adx, fast, slow, ratio]
            .iter()
            .all(|value| value.is_finite())
        {
            return None;
        }
        Some(if ratio >= VOLATILE_RATIO {
            (Self::Volatile, (100.0 * ratio / 3.0).min(100.0))
        } else if adx >= TREND_ADX && fast > slow {
            (Self::TrendingUp, (2.0 * adx).min(100.0))
        } else if adx >= TREND_ADX && fast < slow {
            (Self::TrendingDown, (2.0 * adx).min(100.0))
        } else {
            (Self::Ranging, (100.0 - 2.0 * adx).max(0.0))
        })
    }
}

/// Entries only in some regimes of a timeframe, told with some confidence, and with the same family of regime on others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegimeFilter {
    pub primary: Timeframe,
    pub confirming: Vec<Timeframe>,
    pub preferred: Vec<Regime>,
    /// 0 to 100.
    pub min_confidence: Decimal,
}

impl RegimeFilter {
    pub(super) fn sources(&self) -> impl Iterator<Item = Source> {
        let timeframes = std::iter::once(self.primary).chain(self.confirming.iter().copied());
        timeframes.flat_map(|timeframe| SERIES.map(|series| Source::new(series, timeframe)))
    }

    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        let passes = Regime::at(look, self.primary).is_some_and(|(regime, confidence)| {
            self.preferred.contains(&regime)
                && Limit::from(self.min_confidence).allows_from(confidence)
                && self.confirming.iter().all(|timeframe| {
                    Regime::at(look, *timeframe).is_some_and(|(other, _)| regime.is_like(other))
                })
        });
        Verdict::blocks_unless(passes)
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        let told: Vec<String> = std::iter::once(&self.primary)
            .chain(&self.confirming)
            .map(|timeframe| match Regime::at(look, *timeframe) {
                Some((regime, confidence)) => format!(
                    "{timeframe} is {} (confidence {})",
                    regime.words(Language::English),
                    number(confidence, 0, "")
                ),
                None => format!("the regime of {timeframe} is unknown"),
            })
            .collect();
        format!("{}; {}", told.join(", "), self.words(Language::English))
    }

    pub fn words(&self, language: Language) -> String {
        let own = self.primary;
        let mut words = if self.preferred.len() == Regime::ALL.len() {
            tell!(language;
                "only in a clear regime of {own}";
                "hanya jika kondisi pasar {own} jelas")
        } else {
            let names = self.preferred.iter().map(|regime| regime.words(language));
            let names = names.collect::<Vec<_>>();
            let names = names.join(language.pick(" or ", " atau "));
            tell!(language; "only while {own} is {names}"; "hanya selama pasar {own} sedang {names}")
        };
        if self.min_confidence > Decimal::ZERO {
            let least = self.min_confidence;
            words += &tell!(language;
                " with a confidence of at least {least}";
                " dengan tingkat keyakinan minimal {least}");
        }
        if !self.confirming.is_empty() {
            let names: Vec<String> = self.confirming.iter().map(ToString::to_string).collect();
            let names = names.join(language.pick(" and ", " dan "));
            words += &tell!(language; " and {names} too"; " dan begitu juga {names}");
        }
        words
    }
}

/// Numbers for the platform's own way of telling regimes.
const TUNING: [&str; 9] = [
    "trendPeriod",
    "trendThreshold",
    "volatilityPeriod",
    "volatilityThreshold",
    "rangePeriod",
    "rangeThreshold",
    "weightTrend",
    "weightVolatility",
    "weightRange",
];

pub(super) fn read_regime(
    reader: &mut Reader,
    node: &Node<'_>,
    own: Timeframe,
) -> Option<RegimeFilter> {
    let before = reader.reasons.len();
    let primary = match node.child("primaryTimeframe") {
        Some(child) => read_timeframe(reader, &child, own)?,
        None => own,
    };
    let listed = node.child("confirmationTimeframes");
    let several =
        node.child("enableMTFAnalysis").is_none() || reader.flag(node, "enableMTFAnalysis");
    let confirming = match &listed {
        Some(listed) if several => read_timeframes(reader, listed, own)?,
        _ => Vec::new(),
    };
    if let Some(flag) = node.child("enableMTFAnalysis") {
        reader.used(&flag, "whether other timeframes must confirm");
    }
    for child in node.child("primaryTimeframe").iter().chain(&listed) {
        reader.used(child, "timeframes whose regime is told");
    }
    let preferred = match node.child("preferredRegimes") {
        Some(listed) => read_preferred(reader, &listed),
        None => Regime::ALL.to_vec(),
    };
    let min_confidence = match node.child("minConfidence") {
        Some(child) => {
            let least = reader.number(node, "minConfidence")?;
            if least < Decimal::ZERO || least > Decimal::ONE_HUNDRED {
                let text = format!("{least} is not a confidence from 0 to 100");
                reader.refuse(&child.path, Rule::NotComputable, text);
            }
            reader.used(&child, "least confidence, 0 to 100");
            least
        }
        None => Decimal::ZERO,
    };
    skip_the_rest(reader, node);
    (reader.reasons.len() == before).then_some(RegimeFilter {
        primary,
        confirming: confirming
            .into_iter()
            .filter(|timeframe| *timeframe != primary)
            .collect(),
        preferred,
        min_confidence,
    })
}

fn read_preferred(reader: &mut Reader, listed: &Node<'_>) -> Vec<Regime> {
    let mut preferred = Vec::new();
    for name in listed.items().unwrap_or_default() {
        let text = name.text().unwrap_or_default();
        let found = Regime::from_name(text);
        if found.is_empty() {
            let text = format!("regime {} is not known", quoted(text));
            reader.refuse(&name.path, Rule::NotComputable, text);
        }
        preferred.extend(found);
    }
    if preferred.is_empty() && reader.reasons.is_empty() {
        reader.refuse(&listed.path, Rule::NotComputable, "allows no regime");
    }
    reader.used(listed, "entries only in these regimes");
    preferred
}

fn skip_the_rest(reader: &mut Reader, node: &Node<'_>) {
    let text = "tunes the platform's own way of telling regimes; here they are told by ADX 14, EMA 20 and 50, ATR 7 and 28";
    let mut tuned = TUNING.iter().filter_map(|key| node.child(key));
    if let Some(first) = tuned.next() {
        reader.skip(Reason::new(Rule::NotComputable, &first.path, text));
    }
    tuned.for_each(|other| reader.drop_part(&other.path, text));
    let text = "the regime is told anew at every closed bar";
    reader.child_informational(
        node,
        &["lookbackPeriod", "minDataPoints", "updateFrequency"],
        text,
    );
    for (key, text) in [
        (
            "enableTransitionDetection",
            "a change of regime asks for nothing by itself",
        ),
        (
            "weekendMode",
            "rules don't say what differs on weekends, so nothing does",
        ),
    ] {
        if let Some(child) = node.child(key).filter(|_| reader.flag(node, key)) {
            reader.skip(Reason::new(Rule::NotComputable, &child.path, text));
        }
    }
    if let Some(child) = node.child("regimeSpecific").filter(Node::enabled) {
        reader.skip(Reason::new(
            Rule::NotComputable,
            &child.path,
            "stops, targets and volume are the same in every regime",
        ));
    }
}
