//! Everything that can happen to the core.

use jiff::Timestamp;
use serde_json::Value;

use super::health::LinkReport;
use super::snapshot::{Notice, Source, UiCommand};
use super::state::Config;
use crate::market::TerminalEvent;

/// One envelope as it came in.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub source: Source,
    pub raw: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Once, after the journal was read.
    Started,
    /// Time passed; sent about twice a second.
    Tick,
    /// A `command-received` event on our channel.
    Delivered(Delivery),
    /// An answered heartbeat with the rows it handed out.
    HeartbeatAnswered {
        rows: Vec<Delivery>,
    },
    /// The public `emergency-stop` event, any user's.
    EmergencyBroadcast {
        data: String,
    },
    /// Our channel carried an event under a name that nobody listens to.
    StrangeEvent {
        name: String,
    },
    /// Our channel is subscribed; what was published while we were away is gone.
    Subscribed,
    /// The user id of this executor's owner.
    OwnerLearned {
        user_id: String,
    },
    /// What the platform says this executor is.
    Identified {
        executor_id: String,
        executor_name: Option<String>,
        platform_url: String,
        /// Values of the settings file that win over the platform's, in words.
        overrides: Vec<String>,
    },
    /// Platform clock minus ours, true within half of the answer's round trip.
    ClockMeasured {
        offset_ms: i64,
        within_ms: i64,
    },
    Link(LinkReport),
    /// The platform refuses our key: no new positions until it accepts it again.
    KeyRefused {
        reason: String,
    },
    KeyAccepted,
    ReportAnswered {
        id: String,
        /// It was the interim report, which proves the issuer.
        interim: bool,
        outcome: ReportOutcome,
    },
    /// The journal's copy of a finished command's answer.
    StoredAnswer {
        id: String,
        status: String,
        result: Value,
    },
    Terminal(TerminalEvent),
    Ui(UiCommand),
    Configured(Config),
    JournalFailed {
        reason: String,
    },
    JournalRecovered,
    /// The journal was damaged or lost: what was done before is not known, nor whether a stop was on.
    JournalLost,
    Noticed(Notice),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportOutcome {
    /// The platform has it. `user_id` is the command's issuer by the platform's own record.
    Accepted {
        user_id: Option<String>,
        /// When it was given, by the same record.
        given_at: Option<Timestamp>,
    },
    /// The platform has no such command: final.
    NoSuchCommand,
    /// Not now; try again.
    Failed {
        reason: String,
        retry_at: Option<Timestamp>,
    },
}
