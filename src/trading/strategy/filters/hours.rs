//! Filters by the clock: days of the week and hours of the day, all in UTC, ends exclusive.

use rust_decimal::Decimal;
use serde::Serialize;

use super::day::{Day, day_and_minute};
use super::session::factor;
use super::verdict::{Look, Verdict};
use super::{is_on, read_items};
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::{Reason, Rule, quoted};

const DAY_MINUTES: u32 = 1_440;

/// A part of one day, in minutes since midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DayTime {
    pub day: Day,
    pub from: u32,
    pub to: u32,
}

impl DayTime {
    fn holds(self, (day, minute): (Day, u32)) -> bool {
        self.day == day && minute >= self.from && minute < self.to
    }

    fn words(self, language: Language) -> String {
        format!(
            "{} {}–{}",
            self.day.words(language),
            clock(self.from),
            clock(self.to)
        )
    }
}

/// Days of the week on which entries are allowed, hours of theirs that are avoided, and a smaller volume outside the
/// best ones: the weekend form of the session filter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayFilter {
    pub days: Vec<Day>,
    pub avoid: Vec<DayTime>,
    /// Empty: every time is as good.
    pub optimal: Vec<DayTime>,
    /// On the volume in the best hours; at most 1.
    pub optimal_factor: Decimal,
    /// On the volume in the other hours; 0 opens nothing then.
    pub other_factor: Decimal,
}

impl DayFilter {
    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        let now = day_and_minute(look.second);
        if !self.days.contains(&now.0) || self.avoid.iter().any(|time| time.holds(now)) {
            return Verdict::Blocks;
        }
        let best = self.optimal.is_empty() || self.optimal.iter().any(|time| time.holds(now));
        Verdict::times(if best {
            self.optimal_factor
        } else {
            self.other_factor
        })
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        told_at(look, &self.words(Language::English))
    }

    pub fn words(&self, language: Language) -> String {
        let days: Vec<&str> = self.days.iter().map(|day| day.words(language)).collect();
        let days = days.join(", ");
        let mut words = tell!(language; "only on {days} (UTC)"; "hanya pada hari {days} (UTC)");
        let times = |times: &[DayTime]| {
            let times: Vec<String> = times.iter().map(|time| time.words(language)).collect();
            times.join(", ")
        };
        if !self.avoid.is_empty() {
            let avoid = times(&self.avoid);
            words += &tell!(language; ", not on {avoid}"; ", tidak pada {avoid}");
        }
        let best = times(&self.optimal);
        let (factor, other) = (self.optimal_factor, self.other_factor);
        if !best.is_empty() && other == Decimal::ZERO {
            words += &tell!(language; ", and only on {best}"; ", dan hanya pada {best}");
        } else if !best.is_empty() && other != factor {
            words += &tell!(language;
                ", with the volume times {other} outside {best}";
                ", dengan volume dikali {other} di luar {best}");
        }
        if factor != Decimal::ONE {
            words += &tell!(language; ", volume times {factor}"; ", volume dikali {factor}");
        }
        words
    }
}

/// Reads `allowedDays`, `optimalTimes` and `avoidTimes` of a session filter; `None` when it has none of them. Beside listed
/// sessions the multipliers are theirs, unless there are best hours; they must not count twice.
pub(super) fn read_days(
    reader: &mut Reader,
    node: &Node<'_>,
    beside_sessions: bool,
) -> Option<DayFilter> {
    let weekend = node
        .child("mode")
        .is_some_and(|mode| read_mode(reader, &mode));
    let keys = ["allowedDays", "optimalTimes", "avoidTimes"];
    if !weekend && keys.iter().all(|key| node.child(key).is_none()) {
        return None;
    }
    let days: Vec<Day> = match node.child("allowedDays") {
        Some(listed) => read_allowed(reader, &listed),
        None if weekend => {
            let text = "is for weekends and names no \"allowedDays\"";
            reader.refuse(&node.path, Rule::Sessions, text);
            return None;
        }
        None => Day::all().collect(),
    };
    let avoid = read_times(reader, node, "avoidTimes", "nothing is opened then (UTC)");
    let optimal = read_times(reader, node, "optimalTimes", "the best hours (UTC)");
    let multipliers = node
        .child("aggressivenessMultiplier")
        .filter(|_| !optimal.is_empty() || !beside_sessions);
    let (mut optimal_factor, mut other_factor) = (Decimal::ONE, Decimal::ONE);
    if let Some(multipliers) = &multipliers {
        optimal_factor = factor(reader, multipliers, "optimal");
        other_factor = if optimal.is_empty() {
            reader.child_informational(multipliers, &["suboptimal"], "no hours are the best ones");
            optimal_factor
        } else {
            factor(reader, multipliers, "suboptimal")
        };
        if optimal_factor == Decimal::ZERO {
            let text = "leaves no volume in the best hours";
            reader.refuse(
                &format!("{}.optimal", multipliers.path),
                Rule::Sessions,
                text,
            );
        }
    } else if let Some(times) = node.child("optimalTimes").filter(|_| !optimal.is_empty()) {
        reader.skip(Reason::new(
            Rule::Sessions,
            &times.path,
            "rules don't say what changes outside these hours, so nothing does",
        ));
    }
    Some(DayFilter {
        days,
        avoid,
        optimal,
        optimal_factor,
        other_factor,
    })
}

/// Whether the filter is the weekend's.
fn read_mode(reader: &mut Reader, mode: &Node<'_>) -> bool {
    let text = mode.text().unwrap_or_default();
    match text.trim().to_ascii_lowercase().as_str() {
        "weekend" => {
            reader.used(mode, "goes by days of the week");
            true
        }
        "weekday" | "weekdays" | "session" | "sessions" => {
            reader.informational(mode, "goes by what is listed");
            false
        }
        _ => {
            let text = format!("mode {} is not known", quoted(text));
            reader.refuse(&mode.path, Rule::Sessions, text);
            false
        }
    }
}

fn read_allowed(reader: &mut Reader, listed: &Node<'_>) -> Vec<Day> {
    let mut days = Vec::new();
    for name in read_items(reader, listed) {
        match read_day(reader, &name) {
            Some(day) if !days.contains(&day) => days.push(day),
            _ => {}
        }
    }
    if days.is_empty() && reader.reasons.is_empty() {
        reader.refuse(&listed.path, Rule::Sessions, "allows no day");
    }
    reader.used(listed, "entries only on these days (UTC)");
    days
}

fn read_day(reader: &mut Reader, node: &Node<'_>) -> Option<Day> {
    let text = node.text().unwrap_or_default();
    let day = Day::from_name(text);
    if day.is_none() {
        let text = format!("day {} is not known", quoted(text));
        reader.refuse(&node.path, Rule::Sessions, text);
    }
    day
}

fn read_times(reader: &mut Reader, node: &Node<'_>, key: &str, text: &str) -> Vec<DayTime> {
    let Some(listed) = node.child(key) else {
        return Vec::new();
    };
    let mut times = Vec::new();
    for item in read_items(reader, &listed) {
        if !item.enabled() {
            reader.informational(&item, "switched off");
            continue;
        }
        let hour = |reader: &mut Reader, key: &str| {
            let hour = reader.number(&item, key)?;
            let minutes = u32::try_from(hour.checked_mul(Decimal::from(60))?).ok()?;
            (minutes <= DAY_MINUTES && hour.is_integer()).then_some(minutes)
        };
        let day = item.child("day").and_then(|day| read_day(reader, &day));
        let (from, to) = (hour(reader, "startHour"), hour(reader, "endHour"));
        match (day, from, to) {
            (Some(day), Some(from), Some(to)) if from < to => {
                times.push(DayTime { day, from, to });
            }
            (None, ..) if item.child("day").is_some() => {}
            _ => {
                let text = "needs a day, a startHour and a later endHour, whole hours up to 24";
                reader.refuse(&item.path, Rule::Sessions, text);
            }
        }
        for key in ["day", "startHour", "endHour", "enabled"] {
            if let Some(child) = item.child(key) {
                reader.used(&child, text);
            }
        }
        reader.child_informational(&item, &["description"], "a note that asks for nothing");
    }
    times
}

/// Hours of the day, and days left out: the time filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HourFilter {
    /// Minutes of the day; one that ends before it begins goes over midnight.
    pub hours: Option<(u32, u32)>,
    pub weekends: bool,
    /// Nothing on Fridays from this minute on.
    pub friday_from: Option<u32>,
    /// Nothing on Sundays before this minute.
    pub sunday_until: Option<u32>,
}

impl HourFilter {
    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        let (day, minute) = day_and_minute(look.second);
        let in_hours = self.hours.is_none_or(|(from, to)| {
            if from < to {
                minute >= from && minute < to
            } else {
                minute >= from || minute < to
            }
        });
        let left_out = (self.weekends && day.is_weekend())
            || (day == Day::FRIDAY && self.friday_from.is_some_and(|from| minute >= from))
            || (day == Day::SUNDAY && self.sunday_until.is_some_and(|until| minute < until));
        Verdict::blocks_unless(in_hours && !left_out)
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        told_at(look, &self.words(Language::English))
    }

    pub fn words(&self, language: Language) -> String {
        let mut parts = Vec::new();
        if let Some((from, to)) = self.hours {
            let (from, to) = (clock(from), clock(to));
            parts.push(tell!(language; "only {from}–{to} UTC"; "hanya pukul {from}–{to} UTC"));
        }
        if self.weekends {
            let words = language.pick(
                "not on Saturday and Sunday (UTC)",
                "tidak pada hari Sabtu dan Minggu (UTC)",
            );
            parts.push(words.to_owned());
        }
        if let Some(from) = self.friday_from.map(clock) {
            parts.push(tell!(language;
                "not on Friday from {from} UTC on";
                "tidak pada hari Jumat mulai pukul {from} UTC"));
        }
        if let Some(until) = self.sunday_until.map(clock) {
            parts.push(tell!(language;
                "not on Sunday before {until} UTC";
                "tidak pada hari Minggu sebelum pukul {until} UTC"));
        }
        parts.join(", ")
    }
}

/// Each key leaves something out; what one of them leaves out stays out.
pub(super) fn read_hours(reader: &mut Reader, node: &Node<'_>) -> Option<HourFilter> {
    let mut filter = HourFilter::default();
    if let Some(child) = node.child("allowedHours") {
        filter.hours = child.text().and_then(span);
        match filter.hours {
            Some(_) => reader.used(&child, "entries only in these hours (UTC)"),
            None => refuse_time(reader, &child, "\"HH:MM-HH:MM\" with two different times"),
        }
    }
    filter.weekends = reader.flag(node, "excludeWeekends");
    if let Some(child) = node.child("excludeWeekends").filter(|_| filter.weekends) {
        reader.used(&child, "nothing is opened on Saturday and Sunday (UTC)");
    }
    filter.friday_from = read_excluded(reader, node, "excludeFriday", "after");
    filter.sunday_until = read_excluded(reader, node, "excludeSunday", "before");
    if filter == HourFilter::default() && reader.reasons.is_empty() {
        let text = "is switched on and names no times";
        reader.refuse(&node.path, Rule::Sessions, text);
    }
    (filter != HourFilter::default()).then_some(filter)
}

fn read_excluded(reader: &mut Reader, node: &Node<'_>, key: &str, bound: &str) -> Option<u32> {
    let child = node.child(key)?;
    if !is_on(reader, &child) {
        return None;
    }
    let Some(time) = child.child(bound) else {
        let text = format!("needs {bound:?} with a time \"HH:MM\"");
        reader.refuse(&child.path, Rule::Sessions, text);
        return None;
    };
    let minute = time.text().and_then(minute);
    match minute {
        Some(_) => reader.used(&time, "nothing is opened then (UTC)"),
        None => refuse_time(reader, &time, "a time \"HH:MM\""),
    }
    minute
}

fn refuse_time(reader: &mut Reader, node: &Node<'_>, expected: &str) {
    let shown = node
        .text()
        .map_or_else(|| node.value.to_string(), str::to_owned);
    let text = format!("{} is not {expected}", quoted(&shown));
    reader.refuse(&node.path, Rule::Sessions, text);
}

fn span(text: &str) -> Option<(u32, u32)> {
    let (from, to) = text.split_once(['-', '–'])?;
    let span = (minute(from)?, minute(to)?);
    (span.0 != span.1).then_some(span)
}

/// "HH:MM" as a minute of the day; 24:00 is its end.
fn minute(text: &str) -> Option<u32> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        (digits && (1..=2).contains(&text.len())).then(|| text.parse::<u32>().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (minutes < 60 && hours * 60 + minutes <= DAY_MINUTES).then_some(hours * 60 + minutes)
}

/// A filter's own words behind the time they are held against.
fn told_at(look: &Look<'_>, words: &str) -> String {
    let (day, minute) = day_and_minute(look.second);
    format!(
        "{} {} UTC: {words}",
        day.words(Language::English),
        clock(minute)
    )
}

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
