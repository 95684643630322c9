//! What the core wants done. The engine runs effects only after the step's records are stored.

use std::sync::Arc;

use serde_json::Value;

use super::decided::Decided;
use crate::market::TerminalRequest;

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Terminal(TerminalRequest),
    /// Tell the platform a command's final status.
    Report {
        id: String,
        status: &'static str,
        result: Value,
    },
    /// Tell the platform that a command is being worked on; its answer proves the issuer.
    ReportInterim {
        id: String,
        message: String,
    },
    /// Read a finished command's answer from the journal and hand it back as `Event::StoredAnswer`.
    FetchAnswer {
        id: String,
    },
    /// Send a heartbeat soon.
    Beat(BeatCause),
    /// Restart the network loops; the journal and the state stay.
    RestartLoops,
    /// Keep what a strategy decided, for whoever asks why.
    Decided(Arc<Decided>),
    Log {
        level: LogLevel,
        source: &'static str,
        text: String,
    },
}

/// Why a heartbeat is wanted; it decides how soon it may follow the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeatCause {
    /// Something arrived or changed.
    Event,
    /// The link to Pusher or the journal is back: what was missed must be asked for at once.
    Regained,
    /// A full page of rows is answered; the next ten can come.
    Drained,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Info,
    Warning,
    Error,
}

impl Effect {
    /// Whether it may run although the journal cannot store anything now: only what makes risk smaller.
    pub const fn runs_unjournaled(&self) -> bool {
        match self {
            Self::Terminal(TerminalRequest::Submit(intent)) => intent.action.reduces_risk(),
            // A stop is heard of by a beat, and by a connection that was made anew.
            Self::Terminal(_)
            | Self::Decided(_)
            | Self::Log { .. }
            | Self::Beat(_)
            | Self::RestartLoops => true,
            Self::Report { .. } | Self::ReportInterim { .. } | Self::FetchAnswer { .. } => false,
        }
    }
}
