//! What closes the whole position: time, the week, volatility, a signal the other way.

use rust_decimal::Decimal;
use serde::Serialize;

use super::read::{minutes, missing, optional_pips, pips, time_of_day, use_keys};
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule};

/// The length of the ATR that volatility is measured by.
pub(in crate::strategy) const VOLATILITY_ATR: u32 = 14;

const FRIDAY: i64 = 5;
const SUNDAY: i64 = 0;

/// A moment of each week, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MinuteOfWeek {
    /// 0 is Sunday.
    pub day: i64,
    /// Minutes after midnight.
    pub minute: i64,
}

impl MinuteOfWeek {
    /// Whether it has come, on its own day.
    pub(in crate::strategy) const fn has_come(self, second: i64) -> bool {
        // 1 January 1970 was a Thursday, day 4.
        let day = (second.div_euclid(86_400) + 4).rem_euclid(7);
        day == self.day && second.rem_euclid(86_400) / 60 >= self.minute
    }
}

/// A position that has not come this far at a check is closed. A check is made at the first bar that closes when another
/// `every_minutes` have passed since opening, by that bar's close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct NoProgress {
    pub least_pips: Decimal,
    /// 0: every bar is a check.
    pub every_minutes: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Closing {
    /// Longest holding time.
    pub most_minutes: Option<i64>,
    pub no_progress: Option<NoProgress>,
    /// Closed at the first of these moments; from then on nothing is opened on that day.
    pub weekly: Vec<MinuteOfWeek>,
    /// Nothing is opened on a Friday (UTC).
    pub no_friday_entry: bool,
    /// Closed when ATR 14 is above so many per cent of the close at a closed bar.
    pub above_volatility_percent: Option<Decimal>,
    /// Closed at a bar at which the entry conditions of the other direction hold.
    pub on_reverse_signal: bool,
}

impl Closing {
    /// Whether it ever closes anything.
    pub(super) fn is_asked(&self) -> bool {
        let entries_only = Self {
            no_friday_entry: self.no_friday_entry,
            ..Self::default()
        };
        *self != entries_only
    }

    fn hold_at_most(&mut self, minutes: i64) {
        let known = self.most_minutes.unwrap_or(minutes);
        self.most_minutes = Some(known.min(minutes));
    }
}

pub(super) fn read_closing(
    reader: &mut Reader,
    smart: Option<&Node<'_>>,
    smart_stop: Option<&Node<'_>>,
) -> Closing {
    let mut closing = Closing::default();
    let hours = smart_stop.filter(|stop| stop.child("maxHoldingHours").is_some());
    if let Some(stop) = hours
        && let Some(most) = minutes(reader, stop, "maxHoldingHours", 60)
    {
        closing.hold_at_most(most);
        let text = format!("closed after {}", held_words(most, Language::English));
        use_keys(reader, stop, &["maxHoldingHours"], &text);
    }
    let Some(smart) = smart else {
        return closing;
    };
    if let Some(node) = switched_on(reader, smart, "timeExit") {
        read_time(reader, &node, &mut closing);
    }
    if let Some(node) = switched_on(reader, smart, "volatilityExit") {
        read_volatility(reader, &node, &mut closing);
    }
    if let Some(node) = switched_on(reader, smart, "patternExit") {
        read_pattern(reader, &node, &mut closing);
    }
    if let Some(node) = switched_on(reader, smart, "weekendSpecific") {
        read_weekend(reader, &node, &mut closing);
    }
    closing
}

/// "4 hours", "90 minutes".
pub(in crate::strategy) fn held_words(minutes: i64, language: Language) -> String {
    match (minutes % 60, minutes / 60) {
        (0, 1) => language.pick("1 hour", "1 jam").to_owned(),
        (0, hours) => tell!(language; "{hours} hours"; "{hours} jam"),
        _ => tell!(language; "{minutes} minutes"; "{minutes} menit"),
    }
}

fn switched_on<'a>(reader: &mut Reader, holder: &Node<'a>, key: &str) -> Option<Node<'a>> {
    let node = holder.child(key)?;
    if !node.enabled() {
        reader.informational(&node, "switched off");
        return None;
    }
    use_keys(reader, &node, &["enabled"], "switched on");
    Some(node)
}

fn read_time(reader: &mut Reader, node: &Node<'_>, closing: &mut Closing) {
    if node.child("maxHoldingMinutes").is_some()
        && let Some(most) = minutes(reader, node, "maxHoldingMinutes", 1)
    {
        closing.hold_at_most(most);
        let text = format!("closed after {}", held_words(most, Language::English));
        use_keys(reader, node, &["maxHoldingMinutes"], &text);
    }
    if reader.flag(node, "exitIfNoProgress") {
        let every = match node.child("checkEveryMinutes") {
            Some(_) => minutes(reader, node, "checkEveryMinutes", 1),
            None => Some(0),
        };
        let least = pips(reader, node, "minProgressPips");
        if let (Some(every_minutes), Some(least_pips)) = (every, least) {
            closing.no_progress = Some(NoProgress {
                least_pips,
                every_minutes,
            });
            let keys = ["exitIfNoProgress", "minProgressPips", "checkEveryMinutes"];
            let text = "closed when a check finds less profit than this";
            use_keys(reader, node, &keys, text);
        }
    } else {
        reader.child_informational(node, &["minProgressPips"], "exitIfNoProgress is off");
        let text = "the holding time is checked at every price";
        reader.child_informational(node, &["checkEveryMinutes"], text);
    }
}

fn read_volatility(reader: &mut Reader, node: &Node<'_>, closing: &mut Closing) {
    let key = "volatilityThreshold";
    if reader.flag(node, "exitOnHighVolatility") {
        match reader.positive(node, key, Rule::Exits) {
            Some(threshold) if threshold < Decimal::ONE => {
                let percent = (threshold * Decimal::ONE_HUNDRED).normalize();
                closing.above_volatility_percent = Some(percent);
                let text = format!("closed when ATR 14 is over {percent} % of the price");
                use_keys(reader, node, &["exitOnHighVolatility", key], &text);
            }
            Some(_) => {
                let text = "is not a fraction of the price below 1";
                reader.refuse(&format!("{}.{key}", node.path), Rule::Exits, text);
            }
            None => {
                missing::<()>(reader, node, key);
            }
        }
    } else {
        reader.child_informational(node, &[key], "exitOnHighVolatility is off");
    }
    if optional_pips(reader, node, "protectProfitAbove").is_some() {
        let text = "rules do not say how a profit is protected; volatility closes the position, whatever its profit";
        skip(reader, node, "protectProfitAbove", text);
    }
}

fn read_pattern(reader: &mut Reader, node: &Node<'_>, closing: &mut Closing) {
    if reader.flag(node, "exitOnReverseSignal") {
        closing.on_reverse_signal = true;
        let text = "closed when the entry conditions of the other direction hold";
        use_keys(reader, node, &["exitOnReverseSignal"], text);
    }
    for (key, text) in [
        (
            "exitOnWeakeningMomentum",
            "rules do not say by which indicator and how much momentum weakens",
        ),
        (
            "rsiDivergence",
            "rules do not say between which highs and lows RSI diverges",
        ),
    ] {
        if reader.flag(node, key) {
            skip(reader, node, key, text);
        }
    }
}

fn read_weekend(reader: &mut Reader, node: &Node<'_>, closing: &mut Closing) {
    if reader.flag(node, "closeAllBySunday") {
        if let Some(minute) = time_of_day(reader, node, "sundayCloseTime") {
            let moment = MinuteOfWeek {
                day: SUNDAY,
                minute,
            };
            closing.weekly.push(moment);
            let keys = ["closeAllBySunday", "sundayCloseTime"];
            use_keys(reader, node, &keys, "closed on Sunday at this time, UTC");
        }
    } else {
        reader.child_informational(node, &["sundayCloseTime"], "closeAllBySunday is off");
    }
    if node.child("fridayCloseTime").is_some()
        && let Some(minute) = time_of_day(reader, node, "fridayCloseTime")
    {
        let moment = MinuteOfWeek {
            day: FRIDAY,
            minute,
        };
        closing.weekly.push(moment);
        let text = "closed on Friday at this time, UTC";
        use_keys(reader, node, &["fridayCloseTime"], text);
    }
    if reader.flag(node, "avoidFridayEntry") {
        closing.no_friday_entry = true;
        let text = "nothing is opened on a Friday, UTC";
        use_keys(reader, node, &["avoidFridayEntry"], text);
    }
}

fn skip(reader: &mut Reader, node: &Node<'_>, key: &str, text: &str) {
    let path = format!("{}.{key}", node.path);
    reader.skip(Reason::new(Rule::Exits, &path, text));
}
