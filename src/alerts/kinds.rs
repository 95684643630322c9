//! The kinds of alerts, and which of them are wanted.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// What happened. Each kind can be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlertKind {
    /// A position of ours was opened or closed.
    Filled,
    /// A command failed, or something went wrong that a person must look at.
    Failed,
    /// A command was refused, or came too late.
    Refused,
    /// The emergency stop was pulled, or has closed everything.
    Stop,
    /// The terminal has been away for more than a minute.
    Terminal,
}

impl AlertKind {
    pub const ALL: [Self; 5] = [
        Self::Filled,
        Self::Failed,
        Self::Refused,
        Self::Stop,
        Self::Terminal,
    ];

    /// Its name in the settings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Filled => "filled",
            Self::Failed => "failed",
            Self::Refused => "refused",
            Self::Stop => "stop",
            Self::Terminal => "terminal",
        }
    }
}

/// The kinds that are wanted, as the settings have them: names with commas between them, or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertKinds(BTreeSet<AlertKind>);

impl Default for AlertKinds {
    fn default() -> Self {
        Self(AlertKind::ALL.into_iter().collect())
    }
}

impl AlertKinds {
    pub fn has(&self, kind: AlertKind) -> bool {
        self.0.contains(&kind)
    }
}

impl FromStr for AlertKinds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "none" {
            return Ok(Self(BTreeSet::new()));
        }
        let kind_of = |word: &str| {
            let word = word.trim();
            AlertKind::ALL
                .into_iter()
                .find(|kind| kind.name() == word)
                .ok_or_else(|| {
                    let names = AlertKind::ALL.map(AlertKind::name).join(", ");
                    format!("\"{word}\" is none of {names}; or none for none of them.")
                })
        };
        text.split(',')
            .map(kind_of)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// Where in the window more is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Overview,
    Commands,
    Positions,
    MetaTrader,
}

/// Something to tell the trader. Texts have no secrets; what comes from the platform is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub kind: AlertKind,
    pub title: String,
    pub text: String,
    pub place: Place,
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.text)
    }
}
