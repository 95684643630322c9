//! What the journal stores: every change of [`super::Durable`], in order.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::awaiting::Sign;
use super::closing::Target;
use super::command::Command;
use super::durable::Purpose;
use super::guards::GuardDay;
use super::latched::{EmergencyStop, Gone};
use super::rules::StrategyEntry;
use super::snapshot::{CommandState, StrategyState};
use crate::market::{AccountId, Cid, Deal, Fill, OrderIntent, Position, Side, Ticket};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A command arrived for the first time.
    Received {
        command: Command,
    },
    /// A command changed its state, with the reason in plain words.
    Moved {
        id: String,
        state: CommandState,
        reason: String,
        at: Timestamp,
    },
    /// A later copy of an open command named its sender, which the first one lacked.
    IssuerNamed {
        id: String,
        issuer: String,
    },
    /// The platform confirmed who issued the command (`None`: it does not say).
    InterimReported {
        id: String,
        issuer: Option<String>,
        at: Timestamp,
    },
    /// The positions a closing command works on, and orders on their way that may still become such positions.
    ClosingPlanned {
        id: String,
        tickets: Vec<Ticket>,
        #[serde(default)]
        awaited: Vec<Cid>,
    },
    /// The final answer, waiting until the platform has it.
    ReportDue {
        id: String,
        status: String,
        result: Value,
        at: Timestamp,
    },
    /// The trader's word on moving averages against bare numbers.
    NumbersReadAsAverages {
        id: String,
        on: bool,
        at: Timestamp,
    },
    /// A strategy decides without ordering, or trades again.
    ShadowSet {
        id: String,
        on: bool,
        at: Timestamp,
    },
    /// When the platform was given a command that did not tell.
    Dated {
        id: String,
        at: Timestamp,
    },
    /// Its own word on when it was given cannot be right: it was given when it came.
    DatedByArrival {
        id: String,
        at: Timestamp,
    },
    /// The platform's clock went back: what was ordered after this moment was ordered so much earlier.
    ClockPutBack {
        after: Timestamp,
        by: SignedDuration,
        /// Not only what lay ahead: it was seen only when the clock had caught up.
        #[serde(default)]
        all: bool,
        at: Timestamp,
    },
    /// The platform has the answer, or will never take it (`accepted: false`: it knows no such command).
    ReportSettled {
        id: String,
        accepted: bool,
        at: Timestamp,
    },
    /// How closed positions were opened, and rules that none of the open ones was opened under.
    PositionsForgotten {
        cids: Vec<Cid>,
        former: Vec<(String, u64)>,
        at: Timestamp,
    },
    /// An order, before it is sent.
    IntentMade {
        intent: OrderIntent,
        purpose: Purpose,
        /// Where it is sent to; only there can be seen what became of it.
        #[serde(default)]
        account: Option<AccountId>,
        /// The same moment by the platform's clock, where that is known.
        #[serde(default)]
        platform_at: Option<Timestamp>,
        at: Timestamp,
    },
    /// The price that an order which named none was decided at.
    IntentPriced {
        cid: Cid,
        price: Decimal,
        at: Timestamp,
    },
    /// Nobody knows whether the order happened.
    IntentUnknown {
        cid: Cid,
        reason: String,
        at: Timestamp,
    },
    /// An opening is about to be done; whether its stop stands is to be seen.
    StopDue {
        cid: Cid,
        at: Timestamp,
    },
    /// Its stop stands, or the position is closed or being closed.
    StopSettled {
        cid: Cid,
        at: Timestamp,
    },
    IntentDone {
        cid: Cid,
        fill: Fill,
        at: Timestamp,
    },
    /// Certainly not executed.
    IntentFailed {
        cid: Cid,
        reason: String,
        at: Timestamp,
    },
    /// All that answers said of positions and no list has shown yet.
    Unshown {
        signs: Vec<Sign>,
    },
    Dealt {
        deal: Deal,
        /// What the account held after it, as far as that is known.
        #[serde(default)]
        balance: Option<Decimal>,
    },
    /// A deal of anybody on an account that nets positions: it tells what of them is ours.
    Netted {
        account: AccountId,
        deal: Deal,
    },
    StrategyStored {
        strategy: StrategyEntry,
    },
    StrategyMoved {
        id: String,
        state: StrategyState,
        reason: String,
        at: Timestamp,
    },
    DirectionChosen {
        id: String,
        side: Option<Side>,
        at: Timestamp,
    },
    Paused {
        reason: String,
        #[serde(default)]
        by_hand_only: bool,
        at: Timestamp,
    },
    Unpaused {
        /// By a person at this machine.
        #[serde(default)]
        here: bool,
        /// The same moment by the platform's clock, where that is known.
        #[serde(default)]
        platform_at: Option<Timestamp>,
        at: Timestamp,
    },
    EmergencyStopped {
        stop: EmergencyStop,
    },
    /// A command that asked for the stop was answered as failed, because not everything was closed yet.
    EmergencyToldFailed {
        id: String,
        at: Timestamp,
    },
    /// What the stop has to say of a ticket; nothing while it is shown again.
    EmergencyTicket {
        target: Target,
        gone: Option<Gone>,
    },
    /// Nothing of ours is open any more.
    EmergencyCompleted {
        at: Timestamp,
    },
    EmergencyLifted {
        /// The earliest that the platform's clock can have shown then, where it is known.
        #[serde(default)]
        platform_at: Option<Timestamp>,
        at: Timestamp,
    },
    /// The lift happened before the platform's clock was known; this is what it showed then, at the earliest.
    LiftDated {
        platform_at: Timestamp,
        at: Timestamp,
    },
    /// When a person resumed trading, by the platform's clock, which is known only now.
    ResumeDated {
        platform_at: Timestamp,
        at: Timestamp,
    },
    OwnerLearned {
        user_id: String,
    },
    /// The terminal is logged in to this account from now on.
    AccountSeen {
        account: AccountId,
        at: Timestamp,
    },
    /// The list of an account showed own positions that are new or changed, and does not show others any more.
    Held {
        account: AccountId,
        shown: Vec<Position>,
        gone: Vec<Ticket>,
        at: Timestamp,
    },
    /// The trader says that this account does not come back; nothing waits for it any longer.
    AccountForgotten {
        account: AccountId,
        at: Timestamp,
    },
    /// A day of the account's guards began.
    GuardDayBegan {
        began: GuardDay,
        at: Timestamp,
    },
    /// The trader allows trading with real money on this account.
    AccountConfirmed {
        account: AccountId,
        at: Timestamp,
    },
}

impl Record {
    /// The command this record belongs to, for its timeline.
    pub fn command_id(&self) -> Option<&str> {
        match self {
            Self::Received { command } => Some(&command.id),
            Self::Moved { id, .. }
            | Self::IssuerNamed { id, .. }
            | Self::Dated { id, .. }
            | Self::DatedByArrival { id, .. }
            | Self::InterimReported { id, .. }
            | Self::ClosingPlanned { id, .. }
            | Self::ReportDue { id, .. }
            | Self::ReportSettled { id, .. } => Some(id),
            Self::IntentMade { purpose, .. } => purpose.command_id(),
            _ => None,
        }
    }
}
