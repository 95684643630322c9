//! A command as the platform means it: its name, its arguments, when it was made and until when it holds.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::snapshot::Source;

/// The twenty names of the platform contract §4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandName {
    StartStrategy,
    StopStrategy,
    PauseStrategy,
    ResumeStrategy,
    UpdateStrategy,
    UpdateParameters,
    Pause,
    Resume,
    StopAll,
    CloseAllPositions,
    GetStatus,
    Restart,
    CloseProfitable,
    CloseLosing,
    CloseByStrategy,
    CloseBySymbol,
    OpenPosition,
    ClosePosition,
    ModifyPosition,
    EmergencyStop,
}

/// The order inside one batch: what reduces risk goes first (contract C3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    Emergency,
    ReducesRisk,
    Other,
}

impl CommandName {
    pub const ALL: [(Self, &'static str); 20] = [
        (Self::StartStrategy, "START_STRATEGY"),
        (Self::StopStrategy, "STOP_STRATEGY"),
        (Self::PauseStrategy, "PAUSE_STRATEGY"),
        (Self::ResumeStrategy, "RESUME_STRATEGY"),
        (Self::UpdateStrategy, "UPDATE_STRATEGY"),
        (Self::UpdateParameters, "UPDATE_PARAMETERS"),
        (Self::Pause, "PAUSE"),
        (Self::Resume, "RESUME"),
        (Self::StopAll, "STOP_ALL"),
        (Self::CloseAllPositions, "CLOSE_ALL_POSITIONS"),
        (Self::GetStatus, "GET_STATUS"),
        (Self::Restart, "RESTART"),
        (Self::CloseProfitable, "CLOSE_PROFITABLE"),
        (Self::CloseLosing, "CLOSE_LOSING"),
        (Self::CloseByStrategy, "CLOSE_BY_STRATEGY"),
        (Self::CloseBySymbol, "CLOSE_BY_SYMBOL"),
        (Self::OpenPosition, "OPEN_POSITION"),
        (Self::ClosePosition, "CLOSE_POSITION"),
        (Self::ModifyPosition, "MODIFY_POSITION"),
        (Self::EmergencyStop, "EMERGENCY_STOP"),
    ];

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, text)| *text == name)
            .map(|(name, _)| *name)
    }

    pub const fn urgency(self) -> Urgency {
        match self {
            Self::EmergencyStop => Urgency::Emergency,
            Self::StopStrategy
            | Self::PauseStrategy
            | Self::Pause
            | Self::StopAll
            | Self::CloseAllPositions
            | Self::CloseProfitable
            | Self::CloseLosing
            | Self::CloseByStrategy
            | Self::CloseBySymbol
            | Self::ClosePosition => Urgency::ReducesRisk,
            Self::StartStrategy
            | Self::ResumeStrategy
            | Self::UpdateStrategy
            | Self::UpdateParameters
            | Self::Resume
            | Self::GetStatus
            | Self::Restart
            | Self::OpenPosition
            | Self::ModifyPosition => Urgency::Other,
        }
    }

    /// Closes positions that it finds itself.
    pub const fn closes(self) -> bool {
        matches!(
            self,
            Self::CloseAllPositions
                | Self::CloseProfitable
                | Self::CloseLosing
                | Self::CloseByStrategy
                | Self::CloseBySymbol
        )
    }

    /// Stops and pauses are honoured however old they are; all else goes stale (contract C4).
    pub const fn never_stale(self) -> bool {
        matches!(
            self,
            Self::EmergencyStop
                | Self::StopStrategy
                | Self::PauseStrategy
                | Self::Pause
                | Self::StopAll
        )
    }

    /// The arguments of an order that opens, changes, closes or resumes all; `None`: whatever comes is read or left. What is not known
    /// here is refused, because leaving it out would do more than was asked: `CLOSE_ALL_POSITIONS` with a symbol would
    /// close the others too.
    pub const fn arguments(self) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::OpenPosition => &[
                "symbol",
                "type",
                "action",
                "side",
                "volume",
                "lots",
                "lotSize",
                "stopLoss",
                "sl",
                "takeProfit",
                "tp",
                "deviation",
                "slippage",
                "comment",
                "magic",
                "magicNumber",
                "strategyId",
                "strategyName",
                "timeframe",
                "reason",
            ],
            Self::ModifyPosition => &[
                "ticket",
                "positionId",
                "position",
                "symbol",
                "stopLoss",
                "sl",
                "takeProfit",
                "tp",
                "comment",
                "reason",
            ],
            Self::ClosePosition => &[
                "ticket",
                "positionId",
                "position",
                "symbol",
                "volume",
                "lots",
                "lotSize",
                "deviation",
                "slippage",
                "comment",
                "reason",
            ],
            Self::CloseAllPositions => &["comment", "reason"],
            Self::CloseProfitable => &["minProfit", "comment", "reason"],
            Self::CloseLosing => &["maxLoss", "comment", "reason"],
            Self::CloseByStrategy => &["strategyId", "strategyName", "comment", "reason"],
            Self::CloseBySymbol => &["symbol", "comment", "reason"],
            // One that names a strategy would lift the pause of all others, too.
            Self::Resume => &["comment", "reason"],
            _ => return None,
        })
    }

    /// Needs proof that its issuer owns this executor: the platform does not check it for START (contract C9).
    pub const fn needs_origin(self) -> bool {
        matches!(self, Self::StartStrategy)
    }
}

/// How long a command without an expiry of its own holds: the platform's figure for START (contract C4).
pub const DEFAULT_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// One command, read from any envelope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Command {
    pub id: String,
    /// The id was made here because the envelope had none, or the order came from this machine: never reported.
    pub local: bool,
    /// Upper case, as received.
    pub name: String,
    pub args: Map<String, Value>,
    pub source: Source,
    /// The issuer's user id, when the envelope names it.
    pub issuer: Option<String>,
    /// The executor the envelope is addressed to, when it names one.
    pub addressee: Option<String>,
    /// The platform's clock.
    pub created_at: Option<Timestamp>,
    /// `created_at` is the moment it came: it told no time of its own.
    #[serde(default)]
    pub dated_here: bool,
    /// The last order that was known when it came, where it tells no time of its own: it was given after that, whatever this
    /// computer's clock says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_after: Option<Timestamp>,
    /// When it came it looked older than what was ordered before it came: the last of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubted: Option<Timestamp>,
    /// The platform's clock.
    pub expires_at: Option<Timestamp>,
    /// Our clock.
    pub received_at: Timestamp,
    /// The envelope exactly as it arrived.
    pub raw: String,
}

/// Why an argument cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    #[error("\"{0}\" is missing")]
    Missing(&'static str),
    #[error("\"{key}\" is not {expected}: {found}")]
    Wrong {
        key: String,
        expected: &'static str,
        found: String,
    },
    #[error("\"{first}\" and \"{second}\" contradict each other")]
    Conflict { first: String, second: String },
    #[error("stopLoss is 0: name a price, or leave it out to open without a stop")]
    StopOfZero,
    #[error("\"{0}\" means nothing here; is it misspelt?")]
    Unknown(String),
    #[error(
        "\"{0}\": a position that is opened by a command belongs to no strategy, so stopping or closing the strategy would leave it open; send the order without it, or activate the strategy"
    )]
    OfAStrategy(&'static str),
}

impl Command {
    /// When it was given, by the platform's clock, where that is told and not concluded from its arrival.
    pub fn told_at(&self) -> Option<Timestamp> {
        self.created_at.filter(|_| !self.dated_here)
    }

    /// It was given when it came, whatever it tells; it holds as long as it was to hold.
    pub fn came_at(&mut self, at: Timestamp) {
        if let Some((made, expires)) = self.created_at.zip(self.expires_at) {
            self.expires_at = at.checked_add(expires.duration_since(made)).ok();
        }
        self.created_at = Some(at);
        self.dated_here = true;
    }

    /// Every argument must be one of these: a stop loss that is misspelt must not become none.
    pub fn only(&self, keys: &[&str]) -> Result<(), ArgumentError> {
        match self.args.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(unknown) => Err(ArgumentError::Unknown(unknown.clone())),
            None => Ok(()),
        }
    }

    pub fn known(&self) -> Option<CommandName> {
        CommandName::parse(&self.name)
    }

    /// When it was made: on the platform's clock where the envelope says so.
    pub fn made(&self) -> Timestamp {
        self.created_at.unwrap_or(self.received_at)
    }

    /// When it stops being valid, on the platform's clock.
    pub fn expiry(&self) -> Timestamp {
        self.expires_at.unwrap_or_else(|| {
            self.made()
                .checked_add(DEFAULT_LIFE)
                .unwrap_or(Timestamp::MAX)
        })
    }

    /// What it is about, for the log: a strategy's name, a symbol or a ticket.
    pub fn subject(&self) -> String {
        for key in ["strategyName", "strategyId", "symbol", "ticket", "reason"] {
            match self.args.get(key) {
                Some(Value::String(text)) if !text.is_empty() => return text.clone(),
                Some(Value::Number(number)) => return number.to_string(),
                _ => {}
            }
        }
        String::new()
    }

    /// A text argument; blank counts as absent.
    pub fn text(&self, key: &'static str) -> Result<&str, ArgumentError> {
        match self.args.get(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.trim()),
            None | Some(Value::Null | Value::String(_)) => Err(ArgumentError::Missing(key)),
            Some(other) => Err(wrong(key, "a text", other)),
        }
    }

    /// The first present of several names for the same thing; two that differ are refused (contract C20).
    pub fn one_of(
        &self,
        keys: &[&'static str],
    ) -> Result<Option<(&'static str, &Value)>, ArgumentError> {
        let mut found: Option<(&'static str, &Value)> = None;
        for key in keys {
            let Some(value) = self.args.get(*key).filter(|value| !value.is_null()) else {
                continue;
            };
            match found {
                None => found = Some((key, value)),
                Some((_, first)) if same(first, value) => {}
                Some((first, _)) => {
                    return Err(ArgumentError::Conflict {
                        first: first.to_owned(),
                        second: (*key).to_owned(),
                    });
                }
            }
        }
        Ok(found)
    }

    /// A number, written as a number or as text; `None` when absent.
    pub fn decimal(&self, keys: &[&'static str]) -> Result<Option<Decimal>, ArgumentError> {
        let Some((key, value)) = self.one_of(keys)? else {
            return Ok(None);
        };
        decimal_of(value)
            .map(Some)
            .ok_or_else(|| wrong(key, "a number", value))
    }

    /// Something stands there that [`Command::flag`] cannot read.
    pub fn unclear_flag(&self, key: &'static str) -> Option<&Value> {
        let given = self.args.get(key).filter(|value| !value.is_null());
        given.filter(|_| self.flag(key).is_none())
    }

    pub fn flag(&self, key: &'static str) -> Option<bool> {
        match self.args.get(key) {
            Some(Value::Bool(flag)) => Some(*flag),
            Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            Some(Value::String(text)) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }
}

fn same(first: &Value, second: &Value) -> bool {
    match (decimal_of(first), decimal_of(second)) {
        (Some(a), Some(b)) => a == b,
        _ => match (first, second) {
            (Value::String(a), Value::String(b)) => a.trim().eq_ignore_ascii_case(b.trim()),
            _ => first == second,
        },
    }
}

/// Reads a JSON number or numeric text without going through a float where the text allows it.
pub fn decimal_of(value: &Value) -> Option<Decimal> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    text.parse::<Decimal>()
        .or_else(|_| Decimal::from_scientific(&text))
        .ok()
}

fn wrong(key: &str, expected: &'static str, found: &Value) -> ArgumentError {
    let mut found = found.to_string();
    if found.chars().count() > 60 {
        found = found.chars().take(60).chain(['…']).collect();
    }
    ArgumentError::Wrong {
        key: key.to_owned(),
        expected,
        found,
    }
}
