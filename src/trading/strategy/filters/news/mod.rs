//! The news filter: nothing is opened around events of the symbol's currencies.

mod calendar;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;

pub use calendar::{CalendarFault, Impact, NewsCalendar, NewsEvent};

use super::verdict::{Look, Verdict};
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::reason::Rule;

/// No pause around news is longer than this many minutes.
const LONGEST_PAUSE: i64 = 7 * 1_440;

/// What counts as news: an impact, or words of the title.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Matter {
    Impact(Impact),
    /// All words of it occur in the title.
    Title(String),
}

impl Matter {
    fn is(&self, event: &NewsEvent) -> bool {
        match self {
            Self::Impact(impact) => event.impact == *impact,
            Self::Title(words) => {
                let title = plain(&event.title);
                let holds = |words: &str| {
                    let mut words = words.split(' ');
                    words.all(|word| title.split(' ').any(|own| own == word))
                };
                let words = plain(words);
                holds(&words)
                    || match words.as_str() {
                        // Calendars write it out.
                        "nfp" => holds("non farm") || holds("nonfarm"),
                        "fomc" => holds("federal funds rate"),
                        _ => false,
                    }
            }
        }
    }
}

/// Minutes without entries around some news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    pub matters: Vec<Matter>,
    pub before_minutes: i64,
    pub after_minutes: i64,
}

/// No entries around news of the symbol's currencies, and of further ones that rules name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewsFilter {
    pub pauses: Vec<Pause>,
    /// Besides the symbol's own.
    pub currencies: Vec<String>,
}

impl NewsFilter {
    fn blocking<'a>(&self, look: &Look<'a>, calendar: &'a NewsCalendar) -> Option<&'a NewsEvent> {
        let own = [&look.spec.currency_base, &look.spec.currency_profit];
        let concerns = |event: &NewsEvent| {
            let mut all = own.into_iter().chain(&self.currencies);
            event.currency == "ALL" || all.any(|one| one.eq_ignore_ascii_case(&event.currency))
        };
        self.pauses.iter().find_map(|pause| {
            let from = look.second - pause.after_minutes * 60;
            let to = look.second + pause.before_minutes * 60;
            let mut events = calendar.between(from, to).iter();
            events.find(|event| {
                concerns(event) && pause.matters.iter().any(|matter| matter.is(event))
            })
        })
    }

    pub fn verdict(&self, look: &Look<'_>) -> Verdict {
        Verdict::blocks_unless(look.news.is_some_and(|calendar| {
            calendar.covers(look.second) && self.blocking(look, calendar).is_none()
        }))
    }

    pub fn verdict_words(&self, look: &Look<'_>) -> String {
        let Some(calendar) = look.news else {
            return "there is no news calendar (R15)".to_owned();
        };
        if !calendar.covers(look.second) {
            return "the news calendar does not reach this day; import a newer one (R15)"
                .to_owned();
        }
        match self.blocking(look, calendar) {
            Some(event) => format!(
                "news: {} {} ({} impact) at {} UTC",
                event.currency,
                event.title,
                event.impact.words(Language::English),
                event.time.strftime("%Y-%m-%d %H:%M")
            ),
            None => "no news near".to_owned(),
        }
    }

    pub fn words(&self, language: Language) -> String {
        let pauses: Vec<String> = self
            .pauses
            .iter()
            .map(|pause| {
                let impacts = pause.matters.iter().filter_map(|matter| match matter {
                    Matter::Impact(impact) => Some(impact.words(language)),
                    Matter::Title(_) => None,
                });
                let titles = pause.matters.iter().filter_map(|matter| match matter {
                    Matter::Title(title) => Some(title.as_str()),
                    Matter::Impact(_) => None,
                });
                let impacts: Vec<&str> = impacts.collect();
                let titles: Vec<&str> = titles.collect();
                let mut what = String::new();
                if !impacts.is_empty() {
                    let impacts = impacts.join(", ");
                    what =
                        tell!(language; "news of {impacts} impact"; "berita berdampak {impacts}");
                }
                if !titles.is_empty() {
                    let and = language.pick(" and ", " dan ");
                    let joint = if what.is_empty() { "" } else { and };
                    what.push_str(&format!("{joint}{}", titles.join(", ")));
                }
                let (before, after) = (pause.before_minutes, pause.after_minutes);
                tell!(language;
                    "{before} minutes before and {after} after {what}";
                    "{before} menit sebelum dan {after} menit sesudah {what}")
            })
            .collect();
        let pauses = pauses.join(", ");
        let mut words = tell!(language;
            "opens nothing {pauses} for the symbol's currencies";
            "tidak membuka posisi {pauses} untuk mata uang simbol ini");
        if !self.currencies.is_empty() {
            let further = self.currencies.join(", ");
            words += &tell!(language; " and {further}"; " dan {further}");
        }
        words
    }
}

/// Both stored shapes: one pause for all, or one for each impact.
pub(super) fn read_news(reader: &mut Reader, node: &Node<'_>) -> Option<NewsFilter> {
    let before = reader.reasons.len();
    let mut pauses = Vec::new();
    for (key, impact) in [
        ("highImpact", Impact::High),
        ("mediumImpact", Impact::Medium),
        ("lowImpact", Impact::Low),
    ] {
        if let Some(child) = node.child(key)
            && super::is_on(reader, &child)
        {
            let matters = vec![Matter::Impact(impact)];
            pauses.extend(read_pause(
                reader,
                &child,
                ["pauseMinutesBefore", "pauseMinutesAfter"],
                matters,
            ));
        }
    }
    let matters = read_matters(reader, node);
    let keys = ["pauseBeforeMinutes", "pauseAfterMinutes"];
    if keys.iter().any(|key| node.child(key).is_some()) {
        pauses.extend(read_pause(reader, node, keys, matters));
    } else if let Some(listed) = node.child("majorEvents").filter(|_| named(&matters)) {
        let text = "names events and no minutes to pause around them";
        reader.refuse(&listed.path, Rule::NotComputable, text);
    }
    if pauses.is_empty() && reader.reasons.len() == before {
        let text = "is switched on and names no minutes to pause";
        reader.refuse(&node.path, Rule::NotComputable, text);
    }
    let mut currencies: Vec<String> = Vec::new();
    if let Some(listed) = node.child("symbols") {
        let names = super::read_texts(reader, &listed).into_iter();
        currencies.extend(names.map(|name| name.trim().to_ascii_uppercase()));
        reader.used(&listed, "currencies whose news count, besides the symbol's");
    }
    (reader.reasons.len() == before).then_some(NewsFilter { pauses, currencies })
}

/// Without "high impact only" every event counts; named events count whatever their impact.
fn read_matters(reader: &mut Reader, node: &Node<'_>) -> Vec<Matter> {
    let high_only = reader.flag(node, "highImpactOnly");
    let mut matters = vec![Matter::Impact(Impact::High)];
    if !high_only {
        matters.extend([Matter::Impact(Impact::Medium), Matter::Impact(Impact::Low)]);
    }
    if let Some(flag) = node.child("highImpactOnly") {
        reader.used(&flag, "which impact counts");
    }
    if let Some(listed) = node.child("majorEvents") {
        let titles = super::read_texts(reader, &listed).into_iter();
        let titles = titles.filter(|title| !plain(title).is_empty());
        matters.extend(titles.map(|title| Matter::Title(title.trim().to_owned())));
        reader.used(&listed, "events that count whatever their impact");
    }
    matters
}

/// Whether titles are among what counts.
fn named(matters: &[Matter]) -> bool {
    matters
        .iter()
        .any(|matter| matches!(matter, Matter::Title(_)))
}

fn read_pause(
    reader: &mut Reader,
    node: &Node<'_>,
    keys: [&str; 2],
    matters: Vec<Matter>,
) -> Option<Pause> {
    if keys.iter().all(|key| node.child(key).is_none()) {
        let text = "is switched on and names no minutes to pause";
        reader.refuse(&node.path, Rule::NotComputable, text);
        return None;
    }
    let mut minutes = keys.map(|key| {
        let Some(child) = node.child(key) else {
            return Some(0);
        };
        let minutes = reader.number(node, key)?;
        let whole = minutes.ceil().to_i64();
        let whole = whole.filter(|_| minutes >= Decimal::ZERO && minutes <= LONGEST_PAUSE.into());
        match whole {
            Some(_) => reader.used(&child, "minutes without entries"),
            None => reader.refuse(
                &child.path,
                Rule::NotANumber,
                format!("{minutes} is not a number of minutes from 0 to {LONGEST_PAUSE}"),
            ),
        }
        whole
    });
    let [before_minutes, after_minutes] = [minutes[0].take()?, minutes[1].take()?];
    Some(Pause {
        matters,
        before_minutes,
        after_minutes,
    })
}

/// Lower-case words with single blanks between them.
fn plain(text: &str) -> String {
    let words = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").to_lowercase()
}
