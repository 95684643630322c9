//! Trading sessions by the platform's windows (R13) and its lists of pairs (R14).

use rust_decimal::Decimal;
use serde::Serialize;

use super::hours::{DayFilter, read_days};
use super::verdict::{Look, Verdict};
use crate::strategy::indicator::normalised;
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule, quoted};

/// A trading session, by the platform's windows in UTC, end exclusive (R13).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Session {
    Sydney,
    Tokyo,
    London,
    NewYork,
}

impl Session {
    const ALL: [Self; 4] = [Self::Sydney, Self::Tokyo, Self::London, Self::NewYork];

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
}

/// A session in which entries are allowed, with the factor on the volume; at most 1 and never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AllowedSession {
    pub session: Session,
    pub factor: Decimal,
}

/// Entries only while one of the sessions is open. Sessions that the pair list rules out for this symbol are left out
/// when the rules are read, so an empty list cannot occur.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionFilter {
    pub sessions: Vec<AllowedSession>,
    /// By the hour of the day: sessions begin and end with one.
    #[serde(skip)]
    by_hour: [Verdict; 24],
}

impl SessionFilter {
    pub fn new(sessions: Vec<AllowedSession>) -> Self {
        let mut by_hour = [Verdict::Blocks; 24];
        for (second, verdict) in (0..).step_by(3_600).zip(&mut by_hour) {
            let open = sessions.iter();
            // Where two sessions overlap, the better one counts.
            let factor = open
                .filter(|allowed| allowed.session.is_open(second))
                .map(|allowed| allowed.factor)
                .max();
            *verdict = factor.map_or(Verdict::Blocks, Verdict::times);
        }
        Self { sessions, by_hour }
    }

    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        let hour = look.second.rem_euclid(86_400) / 3_600;
        let verdict = usize::try_from(hour)
            .ok()
            .and_then(|hour| self.by_hour.get(hour));
        verdict.copied().unwrap_or(Verdict::Blocks)
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        let sessions = self.sessions.iter();
        let names: Vec<&str> = sessions.map(|allowed| allowed.session.name()).collect();
        let names = names.join(", ");
        match self.verdict(look) {
            Verdict::Blocks => format!("outside the sessions ({names})"),
            Verdict::Passes => format!("session open ({names})"),
            Verdict::Reduces(factor) => format!("session open ({names}), volume times {factor}"),
        }
    }

    pub fn words(&self, language: Language) -> String {
        let reduced = |factor: Decimal| tell!(language; ", volume times {factor}"; ", volume dikali {factor}");
        let first = self.sessions.first().map(|allowed| allowed.factor);
        let same = self
            .sessions
            .iter()
            .all(|allowed| Some(allowed.factor) == first);
        let sessions: Vec<String> = self
            .sessions
            .iter()
            .map(|allowed| {
                let (from, to) = allowed.session.hours();
                let name = allowed.session.name();
                let factor = if same || allowed.factor == Decimal::ONE {
                    String::new()
                } else {
                    reduced(allowed.factor)
                };
                format!("{name} ({from:02}:00–{to:02}:00 UTC{factor})")
            })
            .collect();
        let sessions = sessions.join(language.pick(" and ", " dan "));
        let words = tell!(language; "only in {sessions}"; "hanya di sesi {sessions}");
        match first {
            Some(factor) if same && factor != Decimal::ONE => words + &reduced(factor),
            _ => words,
        }
    }
}

/// Sessions, days of the week, or both.
pub(super) fn read_session(
    reader: &mut Reader,
    node: &Node<'_>,
    symbol: &str,
) -> (Option<SessionFilter>, Option<DayFilter>) {
    let before = reader.reasons.len();
    let sessions = read_names(reader, node);
    let days = read_days(reader, node, !sessions.is_empty());
    if sessions.is_empty() {
        if days.is_none() && reader.reasons.len() == before {
            let text = "is switched on and allows no session";
            reader.refuse(&node.path, Rule::Sessions, text);
        }
        reader.child_informational(node, &["useOptimalPairs"], "no session is listed");
        return (None, days);
    }
    let by_hours = days.as_ref().is_some_and(|days| !days.optimal.is_empty());
    (read_pairs(reader, node, symbol, &sessions, by_hours), days)
}

fn read_names(reader: &mut Reader, node: &Node<'_>) -> Vec<Session> {
    let Some(listed) = node.child("allowedSessions") else {
        return Vec::new();
    };
    let mut sessions = Vec::new();
    for name in listed.items().unwrap_or_default() {
        let text = name.text().unwrap_or_default();
        match Session::from_name(text) {
            Some(session) if !sessions.contains(&session) => sessions.push(session),
            Some(_) => {}
            None => {
                let text = format!("session {} is not known", quoted(text));
                reader.refuse(&name.path, Rule::Sessions, text);
            }
        }
    }
    if listed.items().is_none() {
        reader.refuse(&listed.path, Rule::Sessions, "is not a list of sessions");
    }
    reader.used(&listed, "entries only while one of these is open (UTC)");
    sessions
}

/// Which sessions remain for this symbol, and with which volume. The pair list counts only for pairs that occur in it;
/// gold and crypto would otherwise never trade (R14).
fn read_pairs(
    reader: &mut Reader,
    node: &Node<'_>,
    symbol: &str,
    sessions: &[Session],
    by_hours: bool,
) -> Option<SessionFilter> {
    let pair: String = symbol
        .chars()
        .filter(char::is_ascii_alphabetic)
        .take(6)
        .collect::<String>()
        .to_ascii_uppercase();
    let lists = |session: &Session| session.pairs().contains(&pair.as_str());
    let listed = Session::ALL.iter().any(lists);
    let optimal_only = reader.flag(node, "useOptimalPairs");
    let multipliers = node.child("aggressivenessMultiplier").filter(|_| !by_hours);
    let of = |reader: &mut Reader, key: &str| {
        multipliers
            .as_ref()
            .map_or(Decimal::ONE, |multipliers| factor(reader, multipliers, key))
    };
    let best = of(reader, "optimal");
    let other = if listed && !optimal_only {
        of(reader, "suboptimal")
    } else {
        if let Some(multipliers) = &multipliers {
            let text = "nothing is opened outside the sessions that remain";
            reader.child_informational(multipliers, &["suboptimal"], text);
        }
        Decimal::ZERO
    };
    let allowed: Vec<AllowedSession> = sessions
        .iter()
        .map(|session| AllowedSession {
            session: *session,
            factor: if !listed || lists(session) {
                best
            } else {
                other
            },
        })
        .filter(|allowed| allowed.factor > Decimal::ZERO)
        .collect();
    settle_pairs(reader, node, &pair, listed, optimal_only);
    if allowed.is_empty() {
        let (path, text) = if best == Decimal::ZERO {
            let path = format!("{}.aggressivenessMultiplier.optimal", node.path);
            (path, "leaves no volume in the allowed sessions".to_owned())
        } else {
            let key = if optimal_only {
                "useOptimalPairs"
            } else {
                "aggressivenessMultiplier.suboptimal"
            };
            let text = format!(
                "{pair} is an optimal pair in none of the allowed sessions, so it would never trade"
            );
            (format!("{}.{key}", node.path), text)
        };
        reader.refuse(&path, Rule::Sessions, text);
        return None;
    }
    Some(SessionFilter::new(allowed))
}

fn settle_pairs(
    reader: &mut Reader,
    node: &Node<'_>,
    pair: &str,
    listed: bool,
    optimal_only: bool,
) {
    let Some(flag) = node.child("useOptimalPairs") else {
        return;
    };
    if !optimal_only {
        reader.informational(&flag, "off");
    } else if listed {
        reader.used(
            &flag,
            "only sessions in which the symbol is an optimal pair",
        );
    } else {
        let text = format!("{pair} is in no session's pair list (R14)");
        reader.informational(&flag, text);
    }
}

/// A multiplier; it may make the volume smaller, never larger than the lots that rules name.
pub(super) fn factor(reader: &mut Reader, multipliers: &Node<'_>, key: &str) -> Decimal {
    let (Some(child), Some(factor)) = (multipliers.child(key), reader.number(multipliers, key))
    else {
        return Decimal::ONE;
    };
    if factor < Decimal::ZERO {
        reader.refuse(&child.path, Rule::Sessions, "is below zero");
        return Decimal::ONE;
    }
    if factor > Decimal::ONE {
        reader.skip(Reason::new(
            Rule::Sessions,
            &child.path,
            format!("the volume is not multiplied by {factor}; it never exceeds the lots that the rules name"),
        ));
        return Decimal::ONE;
    }
    reader.used(&child, "multiplies the volume");
    factor
}
