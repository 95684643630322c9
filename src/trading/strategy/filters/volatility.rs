//! Filters by the average true range: a band in pips, a pause after a spike, and a ceiling in per cent of the price.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

use super::verdict::{Limit, Look, Verdict, number};
use super::{is_on, read_action};
use crate::market::Timeframe;
use crate::strategy::indicator::{SPIKE_BARS, Series};
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Rule, quoted};

/// No pause after a spike lasts longer than this many bars.
const LONGEST_PAUSE: i64 = 1_000;

/// Entries only while the average true range of the strategy's timeframe lies in this band, in pips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct VolatilityFilter {
    pub period: u32,
    pub min_pips: Option<Limit>,
    pub max_pips: Option<Limit>,
}

impl VolatilityFilter {
    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        let atr = look.atr_pips(self.period);
        Verdict::blocks_unless(
            self.min_pips.is_none_or(|min| min.allows_from(atr))
                && self.max_pips.is_none_or(|max| max.allows_up_to(atr)),
        )
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        let limits = match (self.min_pips, self.max_pips) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => "any".to_owned(),
        };
        let atr = number(look.atr_pips(self.period), 2, " pips");
        format!("ATR {} {atr}, {limits}", self.period)
    }

    pub fn words(&self, language: Language) -> String {
        let atr = format!("ATR {}", self.period);
        match (self.min_pips, self.max_pips) {
            (Some(min), Some(max)) => tell!(language;
                "only while {atr} is {min} to {max} pips";
                "hanya selama {atr} antara {min} dan {max} pip"),
            (Some(min), None) => tell!(language;
                "only while {atr} is at least {min} pips";
                "hanya selama {atr} minimal {min} pip"),
            (None, Some(max)) => tell!(language;
                "only while {atr} is at most {max} pips";
                "hanya selama {atr} maksimal {max} pip"),
            (None, None) => {
                tell!(language; "only while {atr} is known"; "hanya selama {atr} diketahui")
            }
        }
    }
}

/// No entries for some minutes after a bar of the strategy's timeframe whose true range was over `times` the average of
/// ATR over the `SPIKE_BARS` bars before it. The pause counts from that bar's close, in whole bars, rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SpikeFilter {
    pub period: u32,
    pub times: Decimal,
    pub resume_minutes: i64,
    /// The same pause in bars.
    bars: u32,
}

impl SpikeFilter {
    pub(super) fn series(&self) -> Series {
        let thousandths = self.times * Decimal::ONE_THOUSAND;
        Series::SinceSpike {
            period: self.period,
            thousandths: thousandths.to_u32().unwrap_or(u32::MAX),
            most: self.bars,
        }
    }

    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        Verdict::blocks_unless(look.panel.own(self.series()) >= f64::from(self.bars))
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        let since = look.panel.own(self.series());
        if since >= f64::from(self.bars) {
            format!("no bar over {} times the average ATR lately", self.times)
        } else {
            format!(
                "{} bars since one moved over {} times the average ATR, pauses for {}",
                number(since, 0, ""),
                self.times,
                self.bars
            )
        }
    }

    pub fn words(&self, language: Language) -> String {
        let (minutes, times, period) = (self.resume_minutes, self.times, self.period);
        tell!(language;
            "opens nothing for {minutes} minutes after a bar that moved over {times} times the average ATR {period} of {SPIKE_BARS} bars";
            "tidak membuka posisi selama {minutes} menit setelah bar yang bergerak lebih dari {times} kali rata-rata ATR {period} selama {SPIKE_BARS} bar")
    }
}

/// No entries while ATR 14 is above this share of the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HighVolatility {
    pub above_percent: Limit,
}

impl HighVolatility {
    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        Verdict::blocks_unless(self.above_percent.allows_up_to(look.volatility_percent()))
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        format!(
            "ATR 14 is {} of the price, at most {} %",
            number(look.volatility_percent(), 4, " %"),
            self.above_percent
        )
    }

    pub fn words(&self, language: Language) -> String {
        let percent = self.above_percent;
        tell!(language;
            "opens nothing while ATR 14 is over {percent} % of the price";
            "tidak membuka posisi selama ATR 14 di atas {percent} % dari harga")
    }
}

/// The band, the pause after a spike, or both.
pub(super) fn read_volatility(
    reader: &mut Reader,
    node: &Node<'_>,
    own: Timeframe,
) -> (Option<VolatilityFilter>, Option<SpikeFilter>) {
    let min_pips = reader.positive(node, "minATR", Rule::NotComputable);
    let max_pips = reader.positive(node, "maxATR", Rule::NotComputable);
    for key in ["minATR", "maxATR"] {
        if let Some(child) = node.child(key) {
            reader.used(&child, "bound on ATR, in pips");
        }
    }
    if let (Some(min), Some(max)) = (min_pips, max_pips)
        && min > max
    {
        let text = format!("minATR {min} is above maxATR {max}, so it would never trade");
        reader.refuse(&node.path, Rule::NotComputable, text);
    }
    let Some(period) = read_period(reader, node) else {
        return (None, None);
    };
    let spike = node
        .child("volatilitySpike")
        .filter(|spike| is_on(reader, spike))
        .and_then(|spike| read_spike(reader, &spike, period, own));
    let band = (min_pips.is_some() || max_pips.is_some()).then_some(VolatilityFilter {
        period,
        min_pips: min_pips.map(Limit::from),
        max_pips: max_pips.map(Limit::from),
    });
    if band.is_none() && spike.is_none() && reader.reasons.is_empty() {
        let text = "is switched on and has neither \"minATR\" nor \"maxATR\"";
        reader.refuse(&node.path, Rule::NotComputable, text);
    }
    if let Some(optimal) = node.child("optimalATRRange") {
        reader.informational(&optimal, "inside it nothing changes");
    }
    if let Some(actions) = node.child("action") {
        read_actions(reader, &actions);
    }
    (band, spike)
}

fn read_period(reader: &mut Reader, node: &Node<'_>) -> Option<u32> {
    let Some(child) = node.child("period") else {
        return Some(14);
    };
    let number = reader.number(node, "period")?;
    let whole = u32::try_from(number)
        .ok()
        .filter(|whole| number.is_integer() && (1..=1_000).contains(whole));
    match whole {
        Some(_) => reader.used(&child, "bars of ATR"),
        None => reader.refuse(
            &child.path,
            Rule::NotANumber,
            "is not a whole number of bars",
        ),
    }
    whole
}

fn read_actions(reader: &mut Reader, actions: &Node<'_>) {
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

fn read_spike(
    reader: &mut Reader,
    node: &Node<'_>,
    period: u32,
    own: Timeframe,
) -> Option<SpikeFilter> {
    let times = reader.positive(node, "threshold", Rule::NotComputable);
    let minutes = reader.positive(node, "resumeAfter", Rule::NotComputable);
    if let Some(action) = node.child("action") {
        let text = action.text().unwrap_or_default();
        if text.eq_ignore_ascii_case("pause") || text.eq_ignore_ascii_case("skip") {
            reader.used(&action, "nothing is opened after a spike");
        } else {
            let text = format!("action {} is not known", quoted(text));
            reader.refuse(&action.path, Rule::NotComputable, text);
        }
    }
    for (key, text) in [
        ("threshold", "times the average ATR that make a spike"),
        ("resumeAfter", "minutes of the pause"),
    ] {
        match node.child(key) {
            Some(child) => reader.used(&child, text),
            None => {
                let text = format!("is switched on and has no {key:?}");
                reader.refuse(&node.path, Rule::NotComputable, text);
            }
        }
    }
    let (times, minutes) = (times?, minutes?);
    let thousandths = (times * Decimal::ONE_THOUSAND).normalize();
    if times <= Decimal::ONE || thousandths.scale() > 0 || thousandths.to_u32().is_none() {
        let path = format!("{}.threshold", node.path);
        let text = format!("{times} is not a factor above 1 in thousandths");
        reader.refuse(&path, Rule::NotComputable, text);
        return None;
    }
    let resume_minutes = minutes.ceil().to_i64().unwrap_or(i64::MAX);
    let bars = resume_minutes.saturating_add(own.minutes() - 1) / own.minutes();
    if bars > LONGEST_PAUSE {
        let path = format!("{}.resumeAfter", node.path);
        let text = format!("a pause of {resume_minutes} minutes is over {LONGEST_PAUSE} bars");
        reader.refuse(&path, Rule::NotComputable, text);
        return None;
    }
    Some(SpikeFilter {
        period,
        times,
        resume_minutes,
        bars: u32::try_from(bars).ok()?,
    })
}
