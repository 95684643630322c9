//! When not to open: sessions, days and hours, spread, volatility, volume, regime, trends of several timeframes, news,
//! correlation.
//!
//! Each filter says at a bar whether an entry passes, passes with a smaller volume, or does not pass; what cannot be known
//! does not pass. Filters that cannot be computed here are refused by name while they are switched on (R15), unless the
//! trader allows running without them, and are informational while they are off.

mod allowances;
mod correlation;
mod day;
mod hours;
mod news;
mod regime;
mod session;
mod spread;
mod trend;
mod verdict;
mod volatility;
mod volume;

use rust_decimal::Decimal;
use serde::Serialize;

pub use allowances::Allowances;
pub use correlation::{CorrelationFilter, Peer};
pub use day::Day;
pub use hours::{DayFilter, DayTime, HourFilter};
pub use news::{CalendarFault, Impact, Matter, NewsCalendar, NewsEvent, NewsFilter, Pause};
pub use regime::{Regime, RegimeFilter};
pub use session::{AllowedSession, Session, SessionFilter};
pub use spread::SpreadFilter;
pub use trend::TrendFilter;
pub use verdict::{Limit, Look, Verdict};
pub use volatility::{HighVolatility, SpikeFilter, VolatilityFilter};
pub use volume::VolumeFilter;

pub(super) use day::day_and_minute;
pub(super) use volume::volume_factor;

use super::indicator::{Series, Source, normalised};
use super::language::Language;
use super::ledger::{Node, Reader};
use super::reason::{Reason, Rule, quoted};
use crate::market::Timeframe;

/// One reason not to open, or to open less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "a handful in a plan, each looked at in every bar: nothing is gained by a pointer"
)]
pub enum Filter {
    Session(SessionFilter),
    Days(DayFilter),
    Hours(HourFilter),
    Spread(SpreadFilter),
    Volatility(VolatilityFilter),
    Spike(SpikeFilter),
    HighVolatility(HighVolatility),
    Volume(VolumeFilter),
    Regime(RegimeFilter),
    Trend(TrendFilter),
    News(NewsFilter),
    Correlation(CorrelationFilter),
}

/// The same call on whichever filter it is.
macro_rules! each {
    ($filter:expr, $one:ident => $call:expr) => {
        match $filter {
            Filter::Session($one) => $call,
            Filter::Days($one) => $call,
            Filter::Hours($one) => $call,
            Filter::Spread($one) => $call,
            Filter::Volatility($one) => $call,
            Filter::Spike($one) => $call,
            Filter::HighVolatility($one) => $call,
            Filter::Volume($one) => $call,
            Filter::Regime($one) => $call,
            Filter::Trend($one) => $call,
            Filter::News($one) => $call,
            Filter::Correlation($one) => $call,
        }
    };
}

impl Filter {
    /// Everything it looks at, in a strategy of this timeframe.
    pub(super) fn sources(&self, own: Timeframe) -> Vec<Source> {
        let of = |series: Series| Source::new(series, own);
        match self {
            Self::Session(_)
            | Self::Days(_)
            | Self::Hours(_)
            | Self::Spread(_)
            | Self::News(_)
            | Self::Correlation(_) => Vec::new(),
            Self::Volatility(band) => vec![of(Series::Atr(band.period))],
            Self::Spike(spike) => vec![of(spike.series())],
            Self::HighVolatility(_) => vec![of(Series::Atr(14))],
            Self::Volume(_) => VolumeFilter::SERIES.map(of).to_vec(),
            Self::Regime(regime) => regime.sources().collect(),
            Self::Trend(trend) => trend.sources().collect(),
        }
    }

    /// Whether its verdict depends on the direction of the entry.
    pub const fn is_directed(&self) -> bool {
        matches!(self, Self::Trend(_) | Self::Correlation(_))
    }

    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        each!(self, one => one.verdict(look))
    }

    /// What cannot be known does not pass.
    pub fn passes(&self, look: &Look<'_>) -> bool {
        self.verdict(look) != Verdict::Blocks
    }

    /// The filter, the value and the limit.
    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        each!(self, one => one.verdict_words(look))
    }

    /// What it does, for the plan's sentence.
    pub fn words(&self, language: Language) -> String {
        each!(self, one => one.words(language))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filters {
    /// All must let an entry pass.
    pub all: Vec<Filter>,
}

impl Filters {
    /// The factor on the volume of an entry.
    ///
    /// # Errors
    /// The first filter that does not let it pass.
    pub fn factor(&self, look: &Look<'_>) -> Result<Decimal, &Filter> {
        let mut factor = Decimal::ONE;
        for filter in &self.all {
            match filter.verdict(look) {
                Verdict::Passes => {}
                Verdict::Reduces(own) => factor *= own,
                Verdict::Blocks => return Err(filter),
            }
        }
        Ok(factor)
    }
}

/// What the reader of filters must know about the strategy and this computer.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub symbol: &'a str,
    pub timeframe: Timeframe,
    pub allowances: Allowances,
}

pub(super) fn read_filters(reader: &mut Reader, rules: &Node<'_>, setting: Setting<'_>) -> Filters {
    let mut all = Vec::new();
    let mut seen = Vec::new();
    read_into(reader, rules, setting, &mut all, &mut seen);
    if let Some(nested) = rules.child("filters") {
        if nested.enabled() {
            if let Some(flag) = nested.child("enabled") {
                reader.used(&flag, "switched on");
            }
            read_into(reader, &nested, setting, &mut all, &mut seen);
        } else {
            reader.informational(&nested, "switched off");
        }
    }
    Filters { all }
}

fn read_into(
    reader: &mut Reader,
    holder: &Node<'_>,
    setting: Setting<'_>,
    all: &mut Vec<Filter>,
    seen: &mut Vec<&'static str>,
) {
    let (own, allowances) = (setting.timeframe, setting.allowances);
    if let Some(node) = once(reader, holder, "sessionFilter", seen) {
        let (sessions, days) = session::read_session(reader, &node, setting.symbol);
        all.extend(sessions.map(Filter::Session));
        all.extend(days.map(Filter::Days));
    }
    if let Some(node) = once(reader, holder, "timeFilter", seen) {
        all.extend(hours::read_hours(reader, &node).map(Filter::Hours));
    }
    if let Some(node) = once(reader, holder, "spreadFilter", seen) {
        all.extend(spread::read_spread(reader, &node).map(Filter::Spread));
    }
    if let Some(node) = once(reader, holder, "volatilityFilter", seen) {
        let (band, spike) = volatility::read_volatility(reader, &node, own);
        all.extend(band.map(Filter::Volatility));
        all.extend(spike.map(Filter::Spike));
    }
    if let Some(node) = once(reader, holder, "volumeConfirmation", seen) {
        all.extend(volume::read_volume(reader, &node).map(Filter::Volume));
    }
    if let Some(node) = once(reader, holder, "regimeDetection", seen) {
        if allowances.without_regime {
            run_without(reader, &node, "the market regime filter");
        } else {
            all.extend(regime::read_regime(reader, &node, own).map(Filter::Regime));
        }
    }
    if let Some(node) = once(reader, holder, "multiTimeframe", seen) {
        all.extend(trend::read_aligned(reader, &node, own).map(Filter::Trend));
    }
    if let Some(node) = once(reader, holder, "multiTimeframeAnalysis", seen) {
        all.extend(trend::read_higher(reader, &node, own).map(Filter::Trend));
    }
    if let Some(node) = once(reader, holder, "newsFilter", seen) {
        if allowances.news_calendar {
            all.extend(news::read_news(reader, &node).map(Filter::News));
        } else if allowances.without_news {
            run_without(reader, &node, "the news filter");
        } else {
            let text = "the news filter is switched on and there is no news calendar here; import one in Settings, allow running without it there, or switch it off";
            reader.refuse(&node.path, Rule::NotComputable, text);
        }
    }
    if let Some(node) = once(reader, holder, "correlationFilter", seen) {
        let read = correlation::read_correlation(reader, &node, setting);
        all.extend(read.map(Filter::Correlation));
    }
    for (key, name, allowed) in [
        (
            "riskSentimentMonitor",
            "the risk sentiment monitor",
            Some(allowances.without_risk_sentiment),
        ),
        (
            "mtfSettings",
            "the confirmation on several timeframes",
            None,
        ),
    ] {
        let Some(node) = once(reader, holder, key, seen) else {
            continue;
        };
        let text = match allowed {
            Some(true) => {
                run_without(reader, &node, name);
                continue;
            }
            Some(false) => format!(
                "{name} is switched on and cannot be computed here; allow running without it in Settings, or switch it off"
            ),
            None => format!(
                "{name} is switched on and cannot be computed here; switch it off to run without it"
            ),
        };
        reader.refuse(&node.path, Rule::NotComputable, text);
    }
}

fn run_without(reader: &mut Reader, node: &Node<'_>, name: &str) {
    let text = format!("{name} is not followed; Settings allow running without it");
    reader.skip(Reason::new(Rule::NotComputable, &node.path, text));
}

/// The filter under this key if it is on; a second one of the same kind is refused, also when the first asks for nothing.
fn once<'a>(
    reader: &mut Reader,
    holder: &Node<'a>,
    key: &'static str,
    seen: &mut Vec<&'static str>,
) -> Option<Node<'a>> {
    let node = holder.child(key)?;
    if !node.value.is_object() {
        reader.refuse(&node.path, Rule::UnknownName, "is not an object");
        return None;
    }
    if !is_on(reader, &node) {
        return None;
    }
    let kind = match key {
        "multiTimeframeAnalysis" => "multiTimeframe",
        _ => key,
    };
    if seen.contains(&kind) {
        reader.refuse(&node.path, Rule::UnknownName, "is given twice");
        return None;
    }
    seen.push(kind);
    Some(node)
}

/// Off only when it says `enabled: false`; missing counts as on, which can only restrict (R16).
fn is_on(reader: &mut Reader, node: &Node<'_>) -> bool {
    if !node.enabled() {
        reader.informational(node, "switched off");
        return false;
    }
    if let Some(flag) = node.child("enabled") {
        reader.used(&flag, "switched on");
    }
    true
}

/// Outside a filter's bounds nothing is opened. Rules that would only reduce the volume do not say by how much, so they
/// come to the same, and that is reported.
fn read_action(reader: &mut Reader, action: &Node<'_>) {
    let text = action.text().unwrap_or_default();
    match normalised(text).as_str() {
        "skip" | "skip_trade" => reader.used(action, "nothing is opened then"),
        "reduce_size" => reader.skip(Reason::new(
            Rule::NotComputable,
            &action.path,
            "rules don't say by how much to reduce the volume, so nothing is opened then",
        )),
        _ => reader.refuse(
            &action.path,
            Rule::NotComputable,
            format!("action {} is not known", quoted(text)),
        ),
    }
}

/// A timeframe that the strategy can look at: its own or a longer one.
fn read_timeframe(reader: &mut Reader, node: &Node<'_>, own: Timeframe) -> Option<Timeframe> {
    let text = node.text().unwrap_or_default();
    let Ok(timeframe) = text.parse::<Timeframe>() else {
        let text = format!("timeframe {} is not known", quoted(text));
        reader.refuse(&node.path, Rule::UnknownName, text);
        return None;
    };
    if timeframe < own {
        let text = format!("asks for {timeframe}, which is shorter than the strategy's {own}");
        reader.refuse(&node.path, Rule::NotComputable, text);
        return None;
    }
    Some(timeframe)
}

/// The items of a list; anything else is refused, because a list that is not read would be passed over.
fn read_items<'a>(reader: &mut Reader, listed: &Node<'a>) -> Vec<Node<'a>> {
    listed.items().unwrap_or_else(|| {
        reader.refuse(&listed.path, Rule::UnknownName, "is not a list");
        Vec::new()
    })
}

/// The texts of a list.
fn read_texts<'a>(reader: &mut Reader, listed: &Node<'a>) -> Vec<&'a str> {
    let items = read_items(reader, listed);
    let texts = items.iter().filter_map(|item| {
        if item.text().is_none() {
            reader.refuse(&item.path, Rule::UnknownName, "is not a text");
        }
        item.text()
    });
    texts.collect()
}

fn read_timeframes(
    reader: &mut Reader,
    listed: &Node<'_>,
    own: Timeframe,
) -> Option<Vec<Timeframe>> {
    let mut timeframes = Vec::new();
    for name in read_items(reader, listed) {
        let timeframe = read_timeframe(reader, &name, own)?;
        if !timeframes.contains(&timeframe) {
            timeframes.push(timeframe);
        }
    }
    Some(timeframes)
}
