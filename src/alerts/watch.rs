//! From one picture of the engine to the next: what is new in it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::kinds::{Alert, AlertKind, Place};
use crate::core::health::{Leg, Phase};
use crate::core::snapshot::{CommandRow, CommandState, Severity, Snapshot, Trading};
use crate::market::{AccountId, Position, Ticket};

/// The terminal may be away so long before it is told: a restart of MetaTrader takes less.
const AWAY: SignedDuration = SignedDuration::from_mins(1);
/// A position that was opened earlier than this is one that was found, not one that is new.
const FRESH: SignedDuration = SignedDuration::from_mins(2);
/// Alerts of one kind in one [`SPAN`]; what is more is told as a number when the span is over.
const MOST: usize = 5;
const SPAN: Duration = Duration::from_secs(60);
/// Longer texts are cut; Windows shows four lines.
const LONGEST: usize = 200;

/// What was seen before. One for the whole life of the program: what it saw is told once.
#[derive(Debug)]
pub struct AlertWatch {
    /// Commands whose end is known.
    ended: BTreeSet<String>,
    /// Ours on the account that is logged in; `None` while the terminal's book is not known.
    held: Option<(AccountId, BTreeMap<Ticket, Position>)>,
    /// Errors that were told.
    errors: BTreeSet<(String, Timestamp)>,
    /// Since when the emergency stop is on, and whether its end was told.
    stop: Option<(Timestamp, bool)>,
    /// The terminal was there once, and its absence was not told yet.
    terminal: TerminalSeen,
    budgets: BTreeMap<AlertKind, Budget>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TerminalSeen {
    Never,
    Up,
    AwayTold,
}

/// When alerts of a kind were given, and how many were held back since.
#[derive(Debug, Default)]
struct Budget {
    given: VecDeque<Duration>,
    held_back: usize,
}

impl AlertWatch {
    /// Whatever is in the first picture is not news.
    pub fn new(first: &Snapshot) -> Self {
        let mut watch = Self {
            ended: BTreeSet::new(),
            held: None,
            errors: BTreeSet::new(),
            stop: None,
            terminal: TerminalSeen::Never,
            budgets: BTreeMap::new(),
        };
        drop(watch.news(first));
        watch
    }

    /// What to tell now; `now` is a clock that only runs forward.
    pub fn look(&mut self, snapshot: &Snapshot, now: Duration) -> Vec<Alert> {
        let news = self.news(snapshot);
        let mut told: Vec<Alert> = self
            .budgets
            .iter_mut()
            .filter_map(|(kind, budget)| budget.rest(*kind, now))
            .collect();
        for alert in news {
            if self.budgets.entry(alert.kind).or_default().allows(now) {
                told.push(alert);
            }
        }
        told
    }

    fn news(&mut self, snapshot: &Snapshot) -> Vec<Alert> {
        let mut news = Vec::new();
        self.see_stop(snapshot, &mut news);
        self.see_commands(&snapshot.commands, &mut news);
        self.see_positions(snapshot, &mut news);
        self.see_errors(snapshot, &mut news);
        self.see_terminal(snapshot, &mut news);
        news
    }

    fn see_commands(&mut self, rows: &[CommandRow], news: &mut Vec<Alert>) {
        let ended: BTreeSet<String> = rows
            .iter()
            .filter(|row| row.state.is_final())
            .map(|row| row.id.clone())
            .collect();
        for row in rows.iter().rev().filter(|row| row.state.is_final()) {
            if self.ended.contains(&row.id) {
                continue;
            }
            let (kind, what) = match row.state {
                CommandState::Failed => (AlertKind::Failed, "failed"),
                CommandState::Refused => (AlertKind::Refused, "refused"),
                CommandState::Expired => (AlertKind::Refused, "came too late"),
                _ => continue,
            };
            let name = if row.name.is_empty() {
                "Command"
            } else {
                &row.name
            };
            news.push(alert(
                kind,
                &format!("{name} {what}"),
                &row.message,
                Place::Commands,
            ));
        }
        self.ended = ended;
    }

    fn see_positions(&mut self, snapshot: &Snapshot, news: &mut Vec<Alert>) {
        let up = snapshot.link(Leg::Terminal).phase == Phase::Up && snapshot.book_known;
        let Some(account) = snapshot.account.as_ref().filter(|_| up) else {
            // Nobody knows what is open: what comes back later is compared with nothing.
            self.held = None;
            return;
        };
        let account = account.id();
        let own = snapshot.positions.iter().filter(|row| row.own);
        let own: BTreeMap<Ticket, Position> = own
            .map(|row| (row.position.ticket, row.position.clone()))
            .collect();
        let before = self.held.take().filter(|(before, _)| *before == account);
        if let Some((_, before)) = &before {
            let clock = snapshot.market_time.unwrap_or(snapshot.at);
            for (ticket, position) in &own {
                let age = clock.duration_since(position.opened_at);
                if !before.contains_key(ticket) && age < FRESH {
                    let title = format!(
                        "{} {} {}",
                        position.side.name(),
                        position.volume,
                        position.symbol
                    );
                    let text = format!("Opened at {} (position {ticket}).", position.open_price);
                    news.push(alert(AlertKind::Filled, &title, &text, Place::Positions));
                }
            }
            for (ticket, position) in before
                .iter()
                .filter(|(ticket, _)| !own.contains_key(ticket))
            {
                let title = format!("{} closed", position.symbol);
                let text = format!(
                    "{} {} lots, position {ticket}; its profit was {} when it was last seen.",
                    position.side.name(),
                    position.volume,
                    position.profit
                );
                news.push(alert(AlertKind::Filled, &title, &text, Place::Positions));
            }
        }
        self.held = Some((account, own));
    }

    fn see_errors(&mut self, snapshot: &Snapshot, news: &mut Vec<Alert>) {
        let errors = snapshot
            .notices
            .iter()
            .filter(|notice| notice.severity == Severity::Error);
        let errors: BTreeMap<(String, Timestamp), &str> = errors
            .map(|notice| ((notice.key.clone(), notice.at), notice.text.as_str()))
            .collect();
        for (key, text) in &errors {
            if !self.errors.contains(key) {
                news.push(alert(AlertKind::Failed, "Needs you", text, Place::Overview));
            }
        }
        self.errors = errors.into_keys().collect();
    }

    fn see_stop(&mut self, snapshot: &Snapshot, news: &mut Vec<Alert>) {
        let Trading::Stopped {
            since,
            reason,
            remaining,
            complete,
        } = &snapshot.trading
        else {
            self.stop = None;
            return;
        };
        let known = self.stop.filter(|(known, _)| known == since);
        if known.is_none() {
            news.push(alert(
                AlertKind::Stop,
                "Emergency stop",
                reason,
                Place::Positions,
            ));
        }
        let told = known.is_some_and(|(_, told)| told);
        if *complete && !told {
            let text = if remaining.is_empty() {
                "Everything of this program is closed. No new positions until you lift it."
                    .to_owned()
            } else {
                format!("Still open: {}", remaining.join("; "))
            };
            news.push(alert(
                AlertKind::Stop,
                "Emergency stop done",
                &text,
                Place::Positions,
            ));
        }
        self.stop = Some((*since, *complete));
    }

    fn see_terminal(&mut self, snapshot: &Snapshot, news: &mut Vec<Alert>) {
        let link = snapshot.link(Leg::Terminal);
        match (self.terminal, link.phase) {
            (_, Phase::Off) => self.terminal = TerminalSeen::Never,
            (TerminalSeen::AwayTold, Phase::Up) => {
                self.terminal = TerminalSeen::Up;
                news.push(alert(
                    AlertKind::Terminal,
                    "The terminal is back",
                    "Trading goes on when its positions are read.",
                    Place::MetaTrader,
                ));
            }
            (_, Phase::Up) => self.terminal = TerminalSeen::Up,
            (TerminalSeen::Up, _) if snapshot.at.duration_since(link.since) >= AWAY => {
                self.terminal = TerminalSeen::AwayTold;
                let text = format!(
                    "Nothing can be opened or closed from here; stops lie at the broker. {}",
                    link.detail
                );
                news.push(alert(
                    AlertKind::Terminal,
                    "The terminal is away",
                    text.trim(),
                    Place::MetaTrader,
                ));
            }
            _ => {}
        }
    }
}

impl Budget {
    fn allows(&mut self, now: Duration) -> bool {
        while self
            .given
            .front()
            .is_some_and(|at| now.saturating_sub(*at) >= SPAN)
        {
            self.given.pop_front();
        }
        let allowed = self.given.len() < MOST;
        if allowed {
            self.given.push_back(now);
        } else {
            self.held_back += 1;
        }
        allowed
    }

    /// What was held back, once the span is over.
    fn rest(&mut self, kind: AlertKind, now: Duration) -> Option<Alert> {
        let over = self
            .given
            .front()
            .is_none_or(|at| now.saturating_sub(*at) >= SPAN);
        if self.held_back == 0 || !over {
            return None;
        }
        let count = std::mem::take(&mut self.held_back);
        let title = format!("{count} more of the same kind ({})", kind.name());
        self.given.push_back(now);
        Some(alert(
            kind,
            &title,
            "They are in the window.",
            Place::Overview,
        ))
    }
}

fn alert(kind: AlertKind, title: &str, text: &str, place: Place) -> Alert {
    Alert {
        kind,
        title: cut(title),
        text: cut(text),
        place,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}
