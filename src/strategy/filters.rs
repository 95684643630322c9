//! When not to open: trading sessions, spread, volatility. Filters that cannot be computed here are refused by name
//! while they are switched on (R15), and pass as informational while they are off.

use rust_decimal::Decimal;
use serde::Serialize;

use super::indicator::{Series, normalised};
use super::ledger::{Node, Reader};
use super::reason::{Reason, Rule, quoted};

/// Filters of the stored shapes that need data this program does not have yet.
const NOT_COMPUTABLE: [(&str, &str); 9] = [
    ("newsFilter", "the news filter"),
    ("correlationFilter", "the correlation filter"),
    ("regimeDetection", "the market regime filter"),
    ("volumeConfirmation", "the volume confirmation"),
    ("riskSentimentMonitor", "the risk sentiment monitor"),
    ("multiTimeframe", "the confirmation on several timeframes"),
    (
        "multiTimeframeAnalysis",
        "the confirmation on several timeframes",
    ),
    ("mtfSettings", "the confirmation on several timeframes"),
    ("timeFilter", "the time filter"),
];

/// A trading session, by the platform's windows in UTC, end exclusive (R13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Session {
    Sydney,
    Tokyo,
    London,
    NewYork,
}

impl Session {
    fn from_name(name: &str) -> Option<Self> {
        Some(match normalised(name).replace('_', "").as_str() {
            "sydney" => Self::Sydney,
            "tokyo" | "asian" | "asia" => Self::Tokyo,
            "london" => Self::London,
            "newyork" => Self::NewYork,
            _ => return None,
        })
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sydney => "Sydney",
            Self::Tokyo => "Tokyo",
            Self::London => "London",
            Self::NewYork => "New York",
        }
    }

    /// First hour and the hour after the last, UTC.
    pub const fn hours(self) -> (i64, i64) {
        match self {
            Self::Sydney => (22, 7),
            Self::Tokyo => (0, 9),
            Self::London => (8, 17),
            Self::NewYork => (13, 22),
        }
    }

    /// Whether it is on at this second since 1970 UTC.
    pub const fn is_open(self, second: i64) -> bool {
        let hour = second.rem_euclid(86_400) / 3_600;
        let (from, to) = self.hours();
        if from < to {
            hour >= from && hour < to
        } else {
            hour >= from || hour < to
        }
    }

    /// The pairs that the platform calls optimal for the session.
    const fn pairs(self) -> &'static [&'static str] {
        match self {
            Self::Sydney => &["AUDUSD", "NZDUSD"],
            Self::Tokyo => &["USDJPY", "EURJPY", "AUDJPY", "NZDJPY"],
            Self::London => &["EURUSD", "GBPUSD", "EURGBP", "USDCHF"],
            Self::NewYork => &["EURUSD", "USDCAD", "USDJPY", "GBPUSD"],
        }
    }

    const ALL: [Self; 4] = [Self::Sydney, Self::Tokyo, Self::London, Self::NewYork];
}

/// Entries only while one of the sessions is open. Sessions that the pair list rules out for this symbol are left out
/// when the rules are read, so an empty list cannot occur.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionFilter {
    pub sessions: Vec<Session>,
}

/// Entries only while the average true range of the strategy's timeframe lies in this band, in pips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct VolatilityFilter {
    pub period: u32,
    pub min_pips: Option<Decimal>,
    pub max_pips: Option<Decimal>,
}

/// No entries while ATR 14 is above this share of the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HighVolatility {
    pub above_percent: Decimal,
}

/// One reason not to open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Filter {
    Session(SessionFilter),
    /// Most spread, in pips.
    Spread {
        max_pips: Decimal,
    },
    Volatility(VolatilityFilter),
    HighVolatility(HighVolatility),
}

impl Filter {
    /// Series of the strategy's timeframe that it looks at.
    pub(super) fn series(&self) -> Option<Series> {
        match self {
            Self::Session(_) | Self::Spread { .. } => None,
            Self::Volatility(band) => Some(Series::Atr(band.period)),
            Self::HighVolatility(_) => Some(Series::Atr(14)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Filters {
    /// All must let an entry pass.
    pub all: Vec<Filter>,
    /// The volume is multiplied by this; at most 1.
    pub volume_factor: Decimal,
}

pub(super) fn read_filters(reader: &mut Reader, rules: &Node<'_>, symbol: &str) -> Filters {
    let mut filters = Filters {
        all: Vec::new(),
        volume_factor: Decimal::ONE,
    };
    read_into(reader, rules, symbol, &mut filters);
    if let Some(nested) = rules.child("filters") {
        if nested.enabled() {
            read_into(reader, &nested, symbol, &mut filters);
        } else {
            reader.informational(&nested, "switched off");
        }
    }
    filters
}

fn read_into(reader: &mut Reader, holder: &Node<'_>, symbol: &str, filters: &mut Filters) {
    for (key, name) in NOT_COMPUTABLE {
        if let Some(node) = holder.child(key)
            && is_on(reader, &node)
        {
            reader.refuse(
                &node.path,
                Rule::NotComputable,
                format!("{name} is switched on and cannot be computed here yet; switch it off to run without it"),
            );
        }
    }
    let taken = |filters: &Filters, kind: fn(&Filter) -> bool| filters.all.iter().any(kind);
    let known = taken(filters, |one| matches!(one, Filter::Session(_)));
    if let Some(node) = once(reader, holder, "sessionFilter", known)
        && let Some((session, factor)) = read_session(reader, &node, symbol)
    {
        filters.all.push(Filter::Session(session));
        filters.volume_factor = factor;
    }
    let known = taken(filters, |one| matches!(one, Filter::Spread { .. }));
    if let Some(node) = once(reader, holder, "spreadFilter", known)
        && let Some(max_pips) = read_spread(reader, &node)
    {
        filters.all.push(Filter::Spread { max_pips });
    }
    let known = taken(filters, |one| matches!(one, Filter::Volatility(_)));
    if let Some(node) = once(reader, holder, "volatilityFilter", known)
        && let Some(band) = read_volatility(reader, &node)
    {
        filters.all.push(Filter::Volatility(band));
    }
}

/// The filter under this key if it is on; a second one of the same kind is refused.
fn once<'a>(reader: &mut Reader, holder: &Node<'a>, key: &str, taken: bool) -> Option<Node<'a>> {
    let node = holder.child(key)?;
    if !is_on(reader, &node) {
        return None;
    }
    if taken {
        reader.refuse(&node.path, Rule::UnknownName, "is given twice");
        return None;
    }
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

fn read_session(
    reader: &mut Reader,
    node: &Node<'_>,
    symbol: &str,
) -> Option<(SessionFilter, Decimal)> {
    let mut sessions = Vec::new();
    let listed = node.child("allowedSessions");
    for name in listed
        .iter()
        .flat_map(|listed| listed.items().unwrap_or_default())
    {
        let text = name.text().unwrap_or_default();
        match Session::from_name(text) {
            Some(session) => sessions.push(session),
            None => reader.refuse(
                &name.path,
                Rule::Sessions,
                format!("session {} is not known", quoted(text)),
            ),
        }
    }
    for key in ["mode", "allowedDays", "optimalTimes", "avoidTimes"] {
        if let Some(node) = node.child(key) {
            reader.refuse(
                &node.path,
                Rule::Sessions,
                "sessions by days of the week cannot be followed yet",
            );
        }
    }
    if let Some(listed) = &listed {
        reader.used(listed, "entries only while one of these is open (UTC)");
    }
    if sessions.is_empty() {
        if reader.reasons.is_empty() {
            reader.refuse(
                &node.path,
                Rule::Sessions,
                "is switched on and allows no session",
            );
        }
        return None;
    }
    let optimal_only = reader.flag(node, "useOptimalPairs");
    if optimal_only {
        keep_optimal(reader, node, symbol, &mut sessions)?;
    }
    let volume_factor = read_multiplier(reader, node)?;
    reader.child_informational(node, &["useOptimalPairs"], "off");
    Some((SessionFilter { sessions }, volume_factor))
}

/// The pair list counts only for pairs that occur in it; gold and crypto would otherwise never trade (R14).
fn keep_optimal(
    reader: &mut Reader,
    node: &Node<'_>,
    symbol: &str,
    sessions: &mut Vec<Session>,
) -> Option<()> {
    let pair: String = symbol
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(6)
        .collect::<String>()
        .to_ascii_uppercase();
    let flag = node.child("useOptimalPairs")?;
    let listed = Session::ALL
        .iter()
        .any(|session| session.pairs().contains(&pair.as_str()));
    if !listed {
        reader.informational(&flag, "the symbol is in no session's pair list");
        return Some(());
    }
    sessions.retain(|session| session.pairs().contains(&pair.as_str()));
    if sessions.is_empty() {
        reader.refuse(
            &flag.path,
            Rule::Sessions,
            format!(
                "{pair} is an optimal pair in none of the allowed sessions, so it would never trade"
            ),
        );
        return None;
    }
    reader.used(
        &flag,
        "only sessions in which the symbol is an optimal pair",
    );
    Some(())
}

/// The multiplier of the sessions that remain. It may make the volume smaller, never larger than the lots that rules name.
fn read_multiplier(reader: &mut Reader, node: &Node<'_>) -> Option<Decimal> {
    let Some(multipliers) = node.child("aggressivenessMultiplier") else {
        return Some(Decimal::ONE);
    };
    let optimal = reader
        .number(&multipliers, "optimal")
        .unwrap_or(Decimal::ONE);
    if let Some(suboptimal) = multipliers.child("suboptimal") {
        reader.informational(
            &suboptimal,
            "nothing is opened outside the sessions that remain",
        );
    }
    let Some(child) = multipliers.child("optimal") else {
        return Some(Decimal::ONE);
    };
    if optimal <= Decimal::ZERO {
        reader.refuse(
            &child.path,
            Rule::Sessions,
            "leaves no volume in the allowed sessions",
        );
        return None;
    }
    if optimal > Decimal::ONE {
        reader.skip(Reason::new(
            Rule::Sessions,
            &child.path,
            format!("the volume is not multiplied by {optimal}; it never exceeds the lots that the rules name"),
        ));
        return Some(Decimal::ONE);
    }
    reader.used(&child, "multiplies the volume");
    Some(optimal)
}

fn read_spread(reader: &mut Reader, node: &Node<'_>) -> Option<Decimal> {
    let max = reader.positive(node, "maxSpread", Rule::NotComputable);
    if max.is_none() && node.child("maxSpread").is_none() {
        reader.refuse(
            &node.path,
            Rule::NotComputable,
            "is switched on and has no \"maxSpread\"",
        );
    }
    if let Some(child) = node.child("maxSpread") {
        reader.used(&child, "most spread, in pips");
    }
    if let Some(action) = node.child("action") {
        read_action(reader, &action);
    }
    max
}

fn read_volatility(reader: &mut Reader, node: &Node<'_>) -> Option<VolatilityFilter> {
    let min_pips = reader.positive(node, "minATR", Rule::NotComputable);
    let max_pips = reader.positive(node, "maxATR", Rule::NotComputable);
    for key in ["minATR", "maxATR"] {
        if let Some(child) = node.child(key) {
            reader.used(&child, "bound on ATR, in pips");
        }
    }
    if min_pips.is_none() && max_pips.is_none() {
        if reader.reasons.is_empty() {
            reader.refuse(
                &node.path,
                Rule::NotComputable,
                "is switched on and has neither \"minATR\" nor \"maxATR\"",
            );
        }
        return None;
    }
    let period = match reader.number(node, "period") {
        None => 14,
        Some(number) => {
            let whole = u32::try_from(number)
                .ok()
                .filter(|whole| number.is_integer() && (1..=1_000).contains(whole));
            let path = format!("{}.period", node.path);
            let Some(whole) = whole else {
                reader.refuse(&path, Rule::NotANumber, "is not a whole number of bars");
                return None;
            };
            if let Some(child) = node.child("period") {
                reader.used(&child, "bars of ATR");
            }
            whole
        }
    };
    if let Some(optimal) = node.child("optimalATRRange") {
        reader.informational(&optimal, "inside it nothing changes");
    }
    if let Some(actions) = node.child("action") {
        for key in ["belowMin", "aboveMax"] {
            if let Some(action) = actions.child(key) {
                read_action(reader, &action);
            }
        }
        if let Some(normal) = actions.child("inOptimal") {
            if normal.text() == Some("NORMAL") {
                reader.informational(&normal, "inside it nothing changes");
            } else {
                reader.refuse(&normal.path, Rule::NotComputable, "is not NORMAL");
            }
        }
    }
    if let Some(spike) = node.child("volatilitySpike").filter(Node::enabled) {
        reader.refuse(
            &spike.path,
            Rule::NotComputable,
            "the pause after a volatility spike cannot be kept yet",
        );
    }
    Some(VolatilityFilter {
        period,
        min_pips,
        max_pips,
    })
}

/// Outside a filter's bounds nothing is opened. Rules that would only reduce the volume do not say by how much, so they
/// come to the same, and that is reported.
fn read_action(reader: &mut Reader, action: &Node<'_>) {
    let text = action.text().unwrap_or_default();
    match normalised(text).as_str() {
        "skip" => reader.used(action, "nothing is opened then"),
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
