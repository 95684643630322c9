//! The calendar of economic news: from a CSV text that the trader imports to events in order of time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::strategy::language::Language;

/// How strongly an event is expected to move its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Impact {
    Low,
    Medium,
    High,
}

impl Impact {
    pub const fn words(self, language: Language) -> &'static str {
        match self {
            Self::Low => language.pick("low", "rendah"),
            Self::Medium => language.pick("medium", "sedang"),
            Self::High => language.pick("high", "tinggi"),
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "high" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" | "none" | "holiday" | "non-economic" => Self::Low,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewsEvent {
    pub time: Timestamp,
    /// "USD"; in capitals.
    pub currency: String,
    pub impact: Impact,
    pub title: String,
}

/// Events in order of time. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewsCalendar {
    events: Vec<NewsEvent>,
}

/// Why a calendar cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct CalendarFault {
    /// The first is 1.
    pub line: usize,
    pub what: String,
}

impl CalendarFault {
    const fn new(line: usize, what: String) -> Self {
        Self { line, what }
    }
}

/// What each column may be called.
const TIME: &[&str] = &["time", "datetime", "date_time", "timestamp", "utc"];
const DATE: &[&str] = &["date"];
const CURRENCY: &[&str] = &["currency", "country"];
const IMPACT: &[&str] = &["impact", "importance"];
const TITLE: &[&str] = &["title", "event", "name"];

/// Where the columns stand.
struct Columns {
    /// A column of its own, beside a time of day.
    date: Option<usize>,
    time: usize,
    currency: usize,
    impact: usize,
    title: usize,
}

impl NewsCalendar {
    /// Reads a CSV text with a header: `time` (UTC, or with an offset), `currency`, `impact` (high, medium, low), `title`,
    /// in any order and beside others; `date` and `time` may be two columns. Commas, semicolons or tabs part them.
    ///
    /// # Errors
    /// The first line that cannot be read, with what was expected.
    pub fn parse(text: &str) -> Result<Self, CalendarFault> {
        let mut lines = text.trim_start_matches('\u{feff}').lines().zip(1..);
        let Some((header, _)) = lines.next() else {
            return Err(CalendarFault::new(1, "there is nothing in it".to_owned()));
        };
        let separator = [';', '\t']
            .into_iter()
            .find(|one| header.contains(*one))
            .unwrap_or(',');
        let columns = Columns::of(&fields(header, separator))?;
        let mut events = Vec::new();
        for (line, number) in lines {
            if !line.trim().is_empty() {
                events.push(columns.event(&fields(line, separator), number)?);
            }
        }
        if events.is_empty() {
            return Err(CalendarFault::new(
                2,
                "expected an event, found none".to_owned(),
            ));
        }
        events.sort_by_key(|event| event.time);
        Ok(Self { events })
    }

    pub fn events(&self) -> &[NewsEvent] {
        &self.events
    }

    /// Whether this second since 1970 lies in the days (UTC) from the first event to the last; nothing is known of others.
    pub fn covers(&self, second: i64) -> bool {
        let day = |event: &NewsEvent| event.time.as_second().div_euclid(86_400);
        let ends = self.events.first().zip(self.events.last());
        ends.is_some_and(|(first, last)| {
            (day(first)..=day(last)).contains(&second.div_euclid(86_400))
        })
    }

    /// The events from one second to another, both included.
    pub fn between(&self, from: i64, to: i64) -> &[NewsEvent] {
        let start = self
            .events
            .partition_point(|event| event.time.as_second() < from);
        let end = self
            .events
            .partition_point(|event| event.time.as_second() <= to);
        self.events.get(start..end).unwrap_or_default()
    }
}

impl Columns {
    fn of(header: &[String]) -> Result<Self, CalendarFault> {
        let find = |names: &[&str]| {
            header.iter().position(|name| {
                let name = name.trim().to_ascii_lowercase().replace(' ', "_");
                names.contains(&name.as_str())
            })
        };
        let need = |names: &[&str], what: &str| {
            find(names).ok_or_else(|| {
                CalendarFault::new(1, format!("expected a header with a column \"{what}\""))
            })
        };
        Ok(Self {
            date: find(DATE),
            time: need(TIME, "time")?,
            currency: need(CURRENCY, "currency")?,
            impact: need(IMPACT, "impact")?,
            title: need(TITLE, "title")?,
        })
    }

    fn event(&self, fields: &[String], line: usize) -> Result<NewsEvent, CalendarFault> {
        let field = |at: usize| fields.get(at).map_or("", |field| field.trim());
        let shown = match self.date {
            Some(date) => format!("{} {}", field(date), field(self.time)),
            None => field(self.time).to_owned(),
        };
        let time = moment(&shown).ok_or_else(|| {
            let expected = "expected a time like 2026-03-06 13:30 (UTC)";
            CalendarFault::new(line, format!("{expected}, found \"{shown}\""))
        })?;
        let shown = field(self.impact);
        let impact = Impact::from_name(shown).ok_or_else(|| {
            let expected = "expected an impact high, medium or low";
            CalendarFault::new(line, format!("{expected}, found \"{shown}\""))
        })?;
        let currency = field(self.currency).to_ascii_uppercase();
        if currency.is_empty() {
            let what = "expected a currency, found none".to_owned();
            return Err(CalendarFault::new(line, what));
        }
        Ok(NewsEvent {
            time,
            currency,
            impact,
            title: field(self.title).to_owned(),
        })
    }
}

/// A time with an offset, or one in UTC; dates also with dots, as MetaTrader writes them.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    let plain = text.replace(['.', '/'], "-").replacen(' ', "T", 1);
    let time = plain.parse::<DateTime>().ok()?;
    // A date alone does not say when.
    if !plain.contains('T') {
        return None;
    }
    TimeZone::UTC.to_timestamp(time).ok()
}

/// The fields of a line; one in quotation marks may hold the separator, and a doubled mark is one.
fn fields(line: &str, separator: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = chars.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            c if c == separator && !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    fields
}
