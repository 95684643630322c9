//! Why rules are refused or a part of them is left out, in words for the trader and the platform.

use serde::Serialize;

use super::ledger::Key;

/// What the trader and the platform are told when rules carry no direction (R1).
pub const NO_DIRECTION: &str = "this strategy doesn't say whether it buys or sells; choose in Strategies, then activate it again";

/// What stands in every reason about a moving average against a bare number (R6).
pub const AVERAGE_OR_PRICE: &str = "or a moving average of";

/// How many reasons one refusal spells out; a message must stay readable and below the platform's size limit.
const SPELLED_OUT: usize = 12;

/// Longest piece of foreign text repeated in a message, in characters.
const QUOTED: usize = 48;

/// The rule of the platform contract (§9.3) behind a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Rule {
    /// R1: the direction is never guessed.
    Direction,
    /// R3: no conditions, or unreadable ones, are never true.
    Conditions,
    /// R4: an unknown name (indicator, operator, token, key).
    UnknownName,
    /// R6: an operand that cannot mean what it says.
    AmbiguousOperand,
    /// R6: a moving average against a bare number, which the trader can decide.
    AverageOrPrice,
    /// R7: a comparison with nothing.
    MissingValue,
    /// R8: closed bars once each, and at most one position each way.
    ClosedBars,
    /// R10: no trade without a valid stop loss.
    Exits,
    /// R12: the shapes of partial exits.
    PartialExits,
    /// R13: session names and windows.
    Sessions,
    /// R15: a filter that cannot be computed here stops entries.
    NotComputable,
    /// R17: the scope and unit of a daily loss limit.
    DailyLoss,
    /// R18: a volume is never silently rounded up.
    Volume,
    /// R20: numbers, also as strings, but nothing else.
    NotANumber,
}

impl Rule {
    pub const fn code(self) -> &'static str {
        match self {
            Self::Direction => "R1",
            Self::Conditions => "R3",
            Self::UnknownName => "R4",
            Self::AmbiguousOperand | Self::AverageOrPrice => "R6",
            Self::MissingValue => "R7",
            Self::ClosedBars => "R8",
            Self::Exits => "R10",
            Self::PartialExits => "R12",
            Self::Sessions => "R13",
            Self::NotComputable => "R15",
            Self::DailyLoss => "R17",
            Self::Volume => "R18",
            Self::NotANumber => "R20",
        }
    }
}

/// One reason, with the key it is about (empty when it is about the rules as a whole).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub rule: Rule,
    pub key: String,
    pub text: String,
}

impl Reason {
    pub(super) fn new(rule: Rule, key: &str, text: impl Into<String>) -> Self {
        Self {
            rule,
            key: key.to_owned(),
            text: text.into(),
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.key.is_empty() {
            write!(f, "{} ({})", self.text, self.rule.code())
        } else {
            write!(f, "{}: {} ({})", self.key, self.text, self.rule.code())
        }
    }
}

/// A part of accepted rules that is not followed, and why. The rest runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped(pub Reason);

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Rules that will not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct PlanRefusal {
    /// Never empty.
    pub reasons: Vec<Reason>,
    /// The trader's choice of a direction would remove one of the reasons.
    pub needs_direction: bool,
    /// The trader's word on what a number means would remove one of the reasons.
    pub needs_reading: bool,
    /// What every key became, as far as the rules were read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<Key>,
}

impl std::fmt::Display for PlanRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, reason) in self.reasons.iter().take(SPELLED_OUT).enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{reason}")?;
        }
        match self.reasons.len().saturating_sub(SPELLED_OUT) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// Foreign text in quotation marks, shortened, without control characters.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(QUOTED)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(QUOTED).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}
