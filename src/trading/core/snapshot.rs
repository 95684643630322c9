//! What the window sees: an immutable picture of the state, published after every step that changed it.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::decided::Decided;
use super::health::{Leg, LinkHealth};
use super::hours::MarketHours;
use crate::market::{
    Account, AccountId, LinkFacts, PendingOrder, Permissions, Position, Side, Timeframe,
};

/// Which terminal executes orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum TerminalMode {
    /// The settings cannot be read, so which one is meant is not known: none is used.
    Unknown,
    /// The built-in simulated terminal; no money is involved.
    Paper,
    MetaTrader,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub at: Timestamp,
    pub mode: TerminalMode,
    /// Set while the practice world runs in this process: the address of its page.
    pub practice_page: Option<String>,
    pub executor_id: Option<String>,
    pub executor_name: Option<String>,
    pub platform_url: Option<String>,
    /// In the order of [`Leg::ALL`].
    pub links: [LinkHealth; 4],
    pub trading: Trading,
    /// Platform clock minus ours, milliseconds; positive when the platform is ahead.
    pub clock_offset_ms: Option<i64>,
    pub account: Option<Account>,
    pub permissions: Option<Permissions>,
    /// The terminal behind the link.
    pub terminal: LinkFacts,
    /// The account is a demo account, or a person allowed trading on it.
    pub account_confirmed: bool,
    /// The market's clock, in UTC.
    pub market_time: Option<Timestamp>,
    pub hours: MarketHours,
    /// Newest first; the latest few hundred. Older ones are read by page.
    pub commands: Arc<Vec<CommandRow>>,
    pub counts: Counts,
    pub strategies: Vec<StrategyRow>,
    /// The terminal told what is open; until then the two lists are empty and say nothing.
    pub book_known: bool,
    pub positions: Vec<PositionRow>,
    pub orders: Vec<PendingOrder>,
    /// Accounts that the terminal is not logged in to now, with what waits for each.
    pub accounts_away: Vec<AccountAway>,
    /// Things the trader should know, newest first.
    pub notices: Vec<Notice>,
    pub settings: SettingsStatus,
    /// Nothing is opened any more and no order is under way, so that the program can end.
    pub can_end: bool,
}

impl Snapshot {
    pub const fn link(&self, leg: Leg) -> &LinkHealth {
        &self.links[leg as usize]
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Trading {
    /// New positions may be opened.
    On,
    /// No new positions; exits go on. `reason` says who paused it.
    Paused { since: Timestamp, reason: String },
    /// Emergency stop: latched until a person at this machine lifts it.
    Stopped {
        since: Timestamp,
        reason: String,
        /// What is still open or was not closed, per ticket, in words; empty when all is closed.
        remaining: Vec<String>,
        complete: bool,
    },
    /// New positions are impossible for another reason (terminal away, journal broken, key revoked).
    Blocked { since: Timestamp, reason: String },
}

/// An account that the terminal is not logged in to, and on which something of ours is open or may be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountAway {
    pub account: AccountId,
    /// What is there, in words.
    pub lines: Vec<String>,
    /// Nothing waits for it any longer.
    pub is_forgotten: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub received: u64,
    pub executed: u64,
    pub failed: u64,
    pub refused: u64,
    pub expired: u64,
    /// Final answers that the platform does not have yet.
    pub unreported: u64,
}

/// A command's place in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    Received,
    /// Accepted, but something it needs is away (the terminal, its origin's proof).
    Waiting,
    Executing,
    Executed,
    Failed,
    Expired,
    Refused,
}

impl CommandState {
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Executed | Self::Failed | Self::Expired | Self::Refused
        )
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Waiting => "waiting",
            Self::Executing => "executing",
            Self::Executed => "executed",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }
}

/// How an envelope reached us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Pusher,
    Heartbeat,
    /// The public `emergency-stop` event.
    Broadcast,
    /// A person at this machine.
    Local,
}

impl Source {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pusher => "Pusher",
            Self::Heartbeat => "heartbeat",
            Self::Broadcast => "broadcast",
            Self::Local => "this machine",
        }
    }
}

/// One line of the command log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandRow {
    pub id: String,
    pub received_at: Timestamp,
    /// The command's name as received, upper case; empty when the envelope had none.
    pub name: String,
    /// What it is about: a strategy's name, a symbol, a ticket.
    pub subject: String,
    pub source: Source,
    pub state: CommandState,
    /// From receipt to the final state, milliseconds.
    pub duration_ms: Option<u64>,
    /// The outcome or what is being waited for, in plain words.
    pub message: String,
    /// Further deliveries of the same id.
    pub repeats: u32,
    /// Whether the platform has the final status; `None` for commands that are never reported.
    pub reported: Option<bool>,
}

/// A command with everything that happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommandDetail {
    pub row: CommandRow,
    pub timeline: Vec<TimelineStep>,
    /// The envelope exactly as it arrived.
    pub raw: String,
    /// The result body that the platform gets.
    pub result: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimelineStep {
    pub at: Timestamp,
    pub title: String,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrategyRow {
    pub id: String,
    pub name: String,
    pub symbol: String,
    pub timeframe: Option<Timeframe>,
    pub state: StrategyState,
    /// What it does, in one plain sentence; or why it cannot run.
    pub sentence: String,
    /// Why it did or did not trade at the last closed bar.
    pub last_decision: String,
    /// The same with every condition and filter; `None` before the first bar.
    #[serde(skip)]
    pub decided: Option<Arc<Decided>>,
    /// It decides and orders nothing: trades that it would have made and their result, in account currency.
    pub shadow: Option<(u32, Decimal)>,
    /// Closed bars at hand and needed before the first decision.
    pub warmup: (usize, usize),
    pub positions: usize,
    pub profit: Decimal,
    /// Which way the trader allowed it to trade when its rules do not say.
    pub direction: Option<Side>,
    /// True when it waits for that choice.
    pub needs_direction: bool,
    /// True when it waits for a word on what a number beside a moving average means; the word is given in `averages`.
    pub needs_reading: bool,
    pub averages: bool,
    pub skipped: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StrategyState {
    Running,
    Paused,
    Stopped,
    /// Its rules cannot be run as they are.
    Refused,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PositionRow {
    pub position: Position,
    /// This program's, or a part of it is.
    pub own: bool,
    /// Lots of it that are this program's, where others have a part of the same net position.
    pub part: Option<Decimal>,
    pub strategy: Option<String>,
    pub current_price: Option<Decimal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Severity {
    Info,
    Warning,
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Stable key: the same matter replaces itself.
    pub key: String,
    pub severity: Severity,
    pub text: String,
    /// What to do about it; empty when nothing needs doing.
    pub remedy: String,
    pub at: Timestamp,
}

/// The key of the notice that carries the outcome of the last self-test.
pub const SELF_TEST: &str = "self-test";

/// The key of the notice that the settings file was changed and cannot be used.
pub const SETTINGS_REFUSED: &str = "settings-refused";

impl Notice {
    /// How the keys of orders without a certain outcome begin.
    pub(super) const ORDER: &'static str = "order:";

    /// An order of which nobody knows yet what became of it. It goes when that is known, and cannot be dismissed.
    pub fn is_doubt(&self) -> bool {
        self.key.starts_with(Self::ORDER)
    }
}

/// Where the settings come from and what is wrong with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SettingsStatus {
    pub file: Option<String>,
    /// What keeps the program from connecting; the window then opens Settings.
    pub problem: Option<String>,
    /// Fields whose file value differs from the platform's and wins, in words.
    pub overrides: Vec<String>,
    /// Where the secret is kept, in words.
    pub secret_place: String,
    /// What the trader should know of the file, though it can be used.
    pub notes: Vec<String>,
    /// Which reading of the file this is; another number says that it was read again.
    pub reading: u64,
}

/// What a person asks for. Sent by the window, by `stop-all`, and by the practice check.
#[derive(Clone, Debug, PartialEq)]
pub enum UiCommand {
    /// Cancel own orders, close own positions, lock entries.
    StopEverything {
        reason: String,
    },
    /// Lift the emergency lock; deliberate.
    LiftStop,
    PauseTrading,
    ResumeTrading,
    PauseStrategy {
        id: String,
    },
    ResumeStrategy {
        id: String,
    },
    StopStrategy {
        id: String,
        close_positions: bool,
    },
    ChooseDirection {
        id: String,
        side: Option<Side>,
    },
    /// What a bare number beside a moving average means in a strategy: the length of another one, or nothing that is followed.
    ReadNumbersAsAverages {
        id: String,
        on: bool,
    },
    /// Let a strategy decide without ordering anything, or let it trade.
    SetShadow {
        id: String,
        on: bool,
    },
    ClosePosition {
        ticket: crate::market::Ticket,
    },
    /// Publish the detail of one command.
    ShowCommand {
        id: String,
    },
    /// Publish the page of commands received before this moment.
    ShowCommandsBefore {
        before: Timestamp,
    },
    /// Something that the program noticed about itself, for the person to see.
    Tell {
        notice: Notice,
    },
    DismissNotice {
        key: String,
    },
    /// Try the link to the terminal without trading; the outcome comes as the notice `self-test`.
    SelfTest,
    /// Allow trading with real money on this account.
    ConfirmAccount {
        account: AccountId,
    },
    /// Nothing waits any longer for an account that does not come back.
    ForgetAccount {
        account: AccountId,
    },
    /// Settings were saved; apply them.
    ReloadSettings,
    ReconnectNow,
    /// The program is about to end for an update, and nothing may be opened; or it stays after all.
    EndSoon {
        on: bool,
    },
    /// The computer slept: what was connected before may be dead, and positions may have changed.
    AfterSleep,
    Quit,
}

impl Snapshot {
    /// The picture before anything is known.
    pub fn empty(at: Timestamp, mode: TerminalMode) -> Self {
        Self {
            at,
            mode,
            practice_page: None,
            executor_id: None,
            executor_name: None,
            platform_url: None,
            links: std::array::from_fn(|_| LinkHealth::off(at)),
            trading: Trading::Blocked {
                since: at,
                reason: "starting".to_owned(),
            },
            clock_offset_ms: None,
            account: None,
            permissions: None,
            terminal: LinkFacts::default(),
            account_confirmed: false,
            market_time: None,
            hours: MarketHours::default(),
            commands: Arc::default(),
            counts: Counts::default(),
            strategies: Vec::new(),
            book_known: false,
            positions: Vec::new(),
            orders: Vec::new(),
            accounts_away: Vec::new(),
            notices: Vec::new(),
            settings: SettingsStatus::default(),
            can_end: false,
        }
    }
}
