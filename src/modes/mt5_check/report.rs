//! The report: what was seen, and what a person still has to do, by the numbers of docs/first-hour.md. Account numbers
//! are masked, so that it can be sent to somebody.

use std::fmt;

use jiff::Timestamp;

use crate::market::{Account, LinkFacts, MarginMode};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Held,
    Failed,
    NotTried,
}

#[derive(Debug)]
pub struct Item {
    /// In docs/first-hour.md.
    pub number: &'static str,
    pub title: String,
    pub mark: Mark,
    pub seen: String,
}

impl Item {
    pub fn new(number: &'static str, title: &str, seen: Result<String, String>) -> Self {
        let (mark, seen) = match seen {
            Ok(seen) => (Mark::Held, seen),
            Err(why) => (Mark::Failed, why),
        };
        Self {
            number,
            title: title.to_owned(),
            mark,
            seen,
        }
    }

    pub fn not_tried(number: &'static str, title: &str, why: &str) -> Self {
        Self {
            number,
            title: title.to_owned(),
            mark: Mark::NotTried,
            seen: why.to_owned(),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mark, not) = match self.mark {
            Mark::Held => ('✓', ""),
            Mark::Failed => ('✗', ""),
            Mark::NotTried => ('–', "not tried: "),
        };
        write!(
            f,
            "{mark} {:<4} {}: {not}{}",
            self.number, self.title, self.seen
        )
    }
}

#[derive(Debug)]
pub struct Report {
    at: Timestamp,
    /// Which terminal and which account; empty while none came.
    pub terminal: Vec<String>,
    pub items: Vec<Item>,
}

impl Report {
    pub const fn new(at: Timestamp) -> Self {
        Self {
            at,
            terminal: Vec::new(),
            items: Vec::new(),
        }
    }

    pub fn count(&self, mark: Mark) -> usize {
        self.items.iter().filter(|item| item.mark == mark).count()
    }

    pub fn failed(&self) -> usize {
        self.count(Mark::Failed)
    }

    /// All tried items of this number held.
    fn held(&self, number: &str) -> bool {
        let mut items = self.items.iter().filter(|item| item.number == number);
        items.clone().next().is_some() && items.all(|item| item.mark == Mark::Held)
    }

    /// What is left for a person.
    fn by_hand(&self) -> Vec<(&'static str, &'static str)> {
        let (order, magic, comment) = if self.held("5") {
            (
                "four more orders, a pending order placed and cancelled, and the platform's answer to each",
                "the column Magic in the terminal, and the number again after a restart of the terminal",
                "the comment after a stop loss closed the position",
            )
        } else {
            (
                "five orders opened and closed (one by mt5-check --demo-orders), a pending order placed and cancelled",
                "the whole magic number on order, deal and position, also after a restart of the terminal",
                "the comment on the position, its deal, and after a stop loss closed it",
            )
        };
        vec![
            (
                "1",
                "the installation: warnings and seconds of MetaEditor (fx-executor mt5 install)",
            ),
            (
                "2.3-7",
                "ending, killing and freezing FX Executor; much data; a working day",
            ),
            ("3", "the same over TCP (the input InpTcp)"),
            (
                "4",
                "round trips with the terminal minimised, the computer locked, and over remote desktop",
            ),
            ("5", order),
            ("6", magic),
            ("7", comment),
            (
                "8",
                "the Expert Advisor started anew in seven ways, with a position open",
            ),
            ("9", "the start by configuration"),
            (
                "10",
                "an order while the bars of another symbol are loading",
            ),
            ("11", "the weekend"),
            ("12", "an update of the terminal"),
        ]
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "FX Executor {}: mt5-check", env!("CARGO_PKG_VERSION"))?;
        writeln!(f, "{}, {}", self.at, std::env::consts::OS)?;
        for line in &self.terminal {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "\nSeen (numbers of docs/first-hour.md)")?;
        for item in &self.items {
            writeln!(f, "{item}")?;
        }
        writeln!(
            f,
            "{} held, {} failed, {} not tried",
            self.count(Mark::Held),
            self.failed(),
            self.count(Mark::NotTried)
        )?;
        writeln!(f, "\nStill to be done by a person")?;
        for (number, what) in self.by_hand() {
            writeln!(f, "[ ] {number:<5} {what}")?;
        }
        Ok(())
    }
}

/// The terminal and its account for the report's head.
pub fn terminal_words(facts: &LinkFacts, account: &Account) -> Vec<String> {
    let kind = match (account.demo, facts.contest) {
        (_, true) => "contest",
        (true, _) => "demo",
        (false, _) => "REAL",
    };
    let mode = match account.margin_mode {
        MarginMode::Hedging => "hedging",
        MarginMode::Netting => "netting",
    };
    vec![
        format!("Terminal: build {}, {}", facts.build, facts.terminal_path),
        format!("Expert Advisor: {} over {}", facts.ea, facts.link),
        format!(
            "Account: {kind} {}, {}, {}, {mode}, leverage 1:{}",
            account.id().masked(),
            account.company,
            account.currency,
            facts.leverage
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_tried_stays_with_the_person() {
        let mut report = Report::new(Timestamp::UNIX_EPOCH);
        report.items = vec![
            Item::new("2.1", "connects", Err("nobody came".to_owned())),
            Item::not_tried("5", "an order", "no link"),
        ];
        let text = report.to_string();
        for part in [
            "✗ 2.1  connects: nobody came",
            "– 5    an order: not tried: no link",
            "0 held, 1 failed, 1 not tried",
            "[ ] 5     five orders opened",
            "[ ] 12    an update",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        report.items = vec![Item::new("5", "an order", Ok("one deal".to_owned()))];
        assert!(report.to_string().contains("[ ] 5     four more"));
    }
}
