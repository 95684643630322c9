//! The correlation filter: nothing is opened while a position of this program in another symbol goes the same way.
//!
//! Rules name symbols, a limit and a span. How closely two symbols go together is told by [`Closes::correlation`] over the
//! bars that had closed when the strategy's last bar began, so that a bar of another symbol that comes late changes nothing.
//!
//! [`Closes::correlation`]: crate::strategy::Closes::correlation

use rust_decimal::Decimal;
use serde::Serialize;

use super::verdict::{Limit, Look, Verdict, number};
use super::{Setting, read_action};
use crate::market::{Side, Timeframe};
use crate::strategy::closes::{Correlation, Window};
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule, quoted};

/// Most bars that are compared; terminals are not asked for more.
const MOST_BARS: i64 = 5_000;
const DAY: i64 = 86_400;
/// Two returns always lie on one line.
const LEAST_PAIRS: u32 = 4;
/// What the platform's form writes.
const USUAL_DAYS: u32 = 30;
const USUAL_PAIRS: u32 = 20;

/// A symbol beside the strategy's, as the caller knows it at a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Peer {
    /// As rules name it, or the terminal's name where they name none.
    pub name: String,
    /// With the strategy's symbol.
    pub correlation: Correlation,
    /// Whether this program has a position in it, or an order on its way, in this direction.
    pub bought: bool,
    pub sold: bool,
}

impl Peer {
    const fn has(&self, side: Side) -> bool {
        match side {
            Side::Buy => self.bought,
            Side::Sell => self.sold,
        }
    }

    fn words(&self, least: usize) -> String {
        let name = &self.name;
        let mut words = match self.correlation {
            Correlation::Known(value) => format!("{name} {}", number(value, 2, "")),
            Correlation::Unknown { pairs } if pairs < least => {
                format!("{name} unknown ({pairs} of at least {least} pairs of bars)")
            }
            Correlation::Unknown { .. } => format!("{name} unknown (a price stands still)"),
            Correlation::NoSymbol => format!("{name} not found"),
        };
        for side in [Side::Buy, Side::Sell] {
            if self.has(side) {
                words += &format!(" with a {} position", side.name());
            }
        }
        words
    }
}

/// No entries that a position in a correlated symbol already makes: in the same direction where the correlation is at least
/// the limit, in the opposite one where it is as far below zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CorrelationFilter {
    /// Above 0, at most 1.
    pub limit: Limit,
    /// As rules name them; without names every symbol in which this program has a position.
    pub symbols: Vec<String>,
    pub timeframe: Timeframe,
    pub days: u32,
    /// Bars that both symbols must have.
    pub least_pairs: u32,
    /// Symbols that the terminal does not have hold nothing back: the trader allows it.
    pub without_missing: bool,
}

impl CorrelationFilter {
    /// What is compared when the strategy's last closed bar began at this second.
    pub fn window(&self, began: i64) -> Window {
        Window {
            after: began - i64::from(self.days) * DAY,
            until: began,
        }
    }

    /// Most bars of its timeframe that a window holds.
    pub fn bars(&self) -> usize {
        usize::try_from(most_pairs(self.timeframe, self.days)).unwrap_or(usize::MAX)
    }

    pub const fn least(&self) -> usize {
        self.least_pairs as usize
    }

    fn lets_pass(&self, peer: &Peer, side: Side) -> bool {
        match peer.correlation {
            Correlation::Known(value) if value.is_finite() => {
                let same = self.limit.allows_from(value) && peer.has(side);
                let opposite = self.limit.allows_from(-value) && peer.has(side.opposite());
                !same && !opposite
            }
            Correlation::NoSymbol => self.without_missing,
            Correlation::Known(_) | Correlation::Unknown { .. } => false,
        }
    }

    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        let is_there = |name: &String| look.peers.iter().any(|peer| peer.name == *name);
        let passes = self.symbols.iter().all(is_there)
            && look
                .peers
                .iter()
                .all(|peer| self.lets_pass(peer, look.side));
        Verdict::blocks_unless(passes)
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        let nobody_knows = |name: &&String| !look.peers.iter().any(|peer| peer.name == **name);
        let told: Vec<String> = look
            .peers
            .iter()
            .map(|peer| peer.words(self.least()))
            .chain((self.symbols.iter().filter(nobody_knows)).map(|name| format!("{name} unknown")))
            .collect();
        let told = if told.is_empty() {
            "no position is open".to_owned()
        } else {
            told.join(", ")
        };
        format!(
            "{}: correlation {told}; from {} on a position that goes the same way holds it back",
            look.side.name(),
            self.limit
        )
    }

    pub fn words(&self, language: Language) -> String {
        let (limit, days, timeframe) = (self.limit, self.days, self.timeframe);
        let symbols = if self.symbols.is_empty() {
            language.pick("any symbol", "simbol mana pun").to_owned()
        } else {
            self.symbols.join(language.pick(" or ", " atau "))
        };
        tell!(language;
            "opens nothing that goes the way of a position of this program in {symbols} (correlation of {limit} or more, {timeframe} bars of {days} days)";
            "tidak membuka posisi yang searah dengan posisi program ini di {symbols} (korelasi {limit} atau lebih, bar {timeframe} selama {days} hari)")
    }

    /// What comes of symbols that are not there, each told in a sentence: reported where the trader allows running without
    /// them, else a reason to refuse.
    pub(in crate::strategy) fn without(&self, missing: &[String]) -> Vec<Reason> {
        let reason = |why: &String| {
            let text = if self.without_missing {
                format!("positions in one symbol hold nothing back, as Settings allow: {why}")
            } else {
                format!(
                    "a correlation cannot be computed: {why}; or allow running without it in Settings"
                )
            };
            Reason::new(Rule::NotComputable, "correlationFilter", text)
        };
        missing.iter().map(reason).collect()
    }
}

fn most_pairs(timeframe: Timeframe, days: u32) -> i64 {
    i64::from(days) * DAY / timeframe.seconds()
}

pub(super) fn read_correlation(
    reader: &mut Reader,
    node: &Node<'_>,
    setting: Setting<'_>,
) -> Option<CorrelationFilter> {
    let before = reader.reasons.len();
    let limit = read_limit(reader, node);
    let symbols = read_symbols(reader, node);
    let timeframe = read_first_timeframe(reader, node, setting.timeframe);
    let days = read_whole(reader, node, "lookbackPeriod", (1, 365), "days looked back");
    let least = read_whole(
        reader,
        node,
        "minDataPoints",
        (LEAST_PAIRS, 5_000),
        "bars that both symbols must have",
    );
    let (limit, timeframe) = (Limit::from(limit?), timeframe?);
    let wanted = days.unwrap_or(USUAL_DAYS);
    let least_pairs = least.unwrap_or(USUAL_PAIRS);
    let most = u32::try_from(MOST_BARS * timeframe.seconds() / DAY).unwrap_or(u32::MAX);
    let days = wanted.min(most);
    if let Some(child) = node.child("lookbackPeriod").filter(|_| days < wanted) {
        let text = format!("only the last {days} days of {timeframe} are looked at");
        reader.skip(Reason::new(Rule::NotComputable, &child.path, text));
    }
    if i64::from(least_pairs) > most_pairs(timeframe, days) {
        let text = format!("{days} days of {timeframe} never have {least_pairs} bars");
        reader.refuse(&node.path, Rule::NotComputable, text);
    }
    read_rest(reader, node);
    (reader.reasons.len() == before).then_some(CorrelationFilter {
        limit,
        symbols,
        timeframe,
        days,
        least_pairs,
        without_missing: setting.allowances.without_correlation,
    })
}

fn read_limit(reader: &mut Reader, node: &Node<'_>) -> Option<Decimal> {
    let Some(child) = node.child("maxCorrelation") else {
        let text = "is switched on and has no \"maxCorrelation\"";
        reader.refuse(&node.path, Rule::NotComputable, text);
        return None;
    };
    let limit = reader.positive(node, "maxCorrelation", Rule::NotComputable)?;
    if limit > Decimal::ONE {
        let text = format!("{limit} is not a correlation above 0 and at most 1");
        reader.refuse(&child.path, Rule::NotComputable, text);
        return None;
    }
    let text = "correlation from which on positions hold entries back";
    reader.used(&child, text);
    Some(limit)
}

/// `checkPairs` and `checkAssets` name one kind of thing.
fn read_symbols(reader: &mut Reader, node: &Node<'_>) -> Vec<String> {
    let mut symbols: Vec<String> = Vec::new();
    for key in ["checkPairs", "checkAssets"] {
        let Some(listed) = node.child(key) else {
            continue;
        };
        let Some(names) = listed.items() else {
            reader.refuse(&listed.path, Rule::UnknownName, "is not a list of symbols");
            continue;
        };
        for name in names {
            let text = name.text().unwrap_or_default().trim();
            let is_name =
                (1..=32).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic());
            if !is_name {
                let text = format!("{} is not a symbol", quoted(text));
                reader.refuse(&name.path, Rule::UnknownName, text);
            } else if !symbols.iter().any(|one| one.eq_ignore_ascii_case(text)) {
                symbols.push(text.to_owned());
            }
        }
        reader.used(
            &listed,
            "symbols whose positions hold entries back; without any every symbol",
        );
    }
    symbols
}

fn read_first_timeframe(reader: &mut Reader, node: &Node<'_>, own: Timeframe) -> Option<Timeframe> {
    let Some(listed) = node.child("timeframes") else {
        return Some(own);
    };
    let Some(names) = listed.items() else {
        reader.refuse(
            &listed.path,
            Rule::UnknownName,
            "is not a list of timeframes",
        );
        return None;
    };
    let mut all = Vec::new();
    for name in names {
        let text = name.text().unwrap_or_default();
        match text.parse::<Timeframe>() {
            Ok(timeframe) => all.push(timeframe),
            Err(_) => {
                let text = format!("timeframe {} is not known", quoted(text));
                reader.refuse(&name.path, Rule::UnknownName, text);
                return None;
            }
        }
    }
    let first = all.first().copied().unwrap_or(own);
    reader.used(&listed, "the first one is compared on");
    if all.len() > 1 {
        let text = format!("one timeframe tells the correlation, the first: {first}");
        reader.skip(Reason::new(Rule::NotComputable, &listed.path, text));
    }
    Some(first)
}

fn read_whole(
    reader: &mut Reader,
    node: &Node<'_>,
    key: &str,
    (least, most): (u32, u32),
    text: &str,
) -> Option<u32> {
    let child = node.child(key)?;
    let number = reader.number(node, key)?;
    let whole = u32::try_from(number)
        .ok()
        .filter(|whole| number.is_integer() && (least..=most).contains(whole));
    match whole {
        Some(_) => reader.used(&child, text),
        None => {
            let text = format!("{number} is not a whole number from {least} to {most}");
            reader.refuse(&child.path, Rule::NotComputable, text);
        }
    }
    whole
}

/// What is asked for without being spelled out.
fn read_rest(reader: &mut Reader, node: &Node<'_>) {
    let text = "correlations are computed anew at every closed bar";
    reader.child_informational(node, &["updateFrequency"], text);
    for (key, text) in [
        (
            "dynamicThreshold",
            "rules don't say how the limit moves, so it stays",
        ),
        (
            "groupByCurrency",
            "rules don't say what a group of symbols changes, so each counts by itself",
        ),
    ] {
        if let Some(child) = node.child(key).filter(|_| reader.flag(node, key)) {
            reader.skip(Reason::new(Rule::NotComputable, &child.path, text));
        }
    }
    if let Some(child) = node.child("skipHighlyCorrelated") {
        if reader.flag(node, "skipHighlyCorrelated") {
            reader.used(&child, "nothing is opened then");
        } else {
            let text = "rules don't say what is done instead, so nothing is opened then";
            reader.skip(Reason::new(Rule::NotComputable, &child.path, text));
        }
    }
    if let Some(action) = node.child("actionOnHighCorrelation") {
        read_action(reader, &action);
    }
}
