//! Orders: what we ask a terminal for, under a client id that makes it happen at most once, and what can come of it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }
}

/// The terminal's number for a position, an order or a deal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ticket(pub u64);

impl std::fmt::Display for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// A client id: 8 bits application, 16 bits strategy, 40 bits counter that is never used again.
///
/// It travels whole in the order's magic number, which brokers cannot edit, so whatever an order became can be
/// found again. The top bit stays 0 because terminals read the number back as a signed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cid(pub u64);

impl Cid {
    const APPLICATION: u64 = 0x46;

    /// `strategy` is the local strategy number; 0 for orders that belong to none.
    pub const fn new(strategy: u16, counter: u64) -> Self {
        Self((Self::APPLICATION << 56) | ((strategy as u64) << 40) | (counter & 0xFF_FFFF_FFFF))
    }

    /// Every id of a strategy.
    pub const fn all_of(strategy: u16) -> std::ops::RangeInclusive<Self> {
        Self::new(strategy, 0)..=Self::new(strategy, u64::MAX)
    }

    /// Whether a magic number was made by this program.
    pub const fn is_own(self) -> bool {
        self.0 >> 56 == Self::APPLICATION
    }

    pub const fn strategy(self) -> u16 {
        ((self.0 >> 40) & 0xFFFF) as u16
    }

    pub const fn counter(self) -> u64 {
        self.0 & 0xFF_FFFF_FFFF
    }
}

impl std::fmt::Display for Cid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// What becomes of a level. One that nobody named stays as the terminal has it when the change arrives there, for somebody
/// else may have set it meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Option<String>", into = "Option<String>")]
pub enum LevelChange {
    Keep,
    Remove,
    At(Decimal),
}

impl LevelChange {
    const KEEP: &str = "keep";

    /// This level, or none.
    pub fn exactly(level: Option<Decimal>) -> Self {
        level.map_or(Self::Remove, Self::At)
    }

    /// The level that is there afterwards.
    pub const fn after(self, before: Option<Decimal>) -> Option<Decimal> {
        match self {
            Self::Keep => before,
            Self::Remove => None,
            Self::At(price) => Some(price),
        }
    }

    /// Whether a level is as it was asked to be.
    pub fn is_met_by(self, level: Option<Decimal>) -> bool {
        self.after(level) == level
    }
}

impl From<LevelChange> for Option<String> {
    fn from(change: LevelChange) -> Self {
        match change {
            LevelChange::Keep => Some(LevelChange::KEEP.to_owned()),
            LevelChange::Remove => None,
            LevelChange::At(price) => Some(price.to_string()),
        }
    }
}

impl TryFrom<Option<String>> for LevelChange {
    type Error = rust_decimal::Error;

    fn try_from(text: Option<String>) -> Result<Self, Self::Error> {
        match text.as_deref() {
            None => Ok(Self::Remove),
            Some(Self::KEEP) => Ok(Self::Keep),
            Some(price) => price.parse().map(Self::At),
        }
    }
}

impl std::fmt::Display for LevelChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keep => f.write_str("unchanged"),
            Self::Remove => f.write_str("none"),
            Self::At(price) => price.fmt(f),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum IntentAction {
    /// Open at the market.
    Open {
        symbol: String,
        side: Side,
        volume: Decimal,
        stop_loss: Option<Decimal>,
        take_profit: Option<Decimal>,
        /// Greatest accepted distance from the intent's price, in points.
        deviation: u32,
    },
    /// Close a position, or `volume` of it.
    Close {
        ticket: Ticket,
        volume: Option<Decimal>,
    },
    /// Change the levels of a position.
    Modify {
        ticket: Ticket,
        stop_loss: LevelChange,
        take_profit: LevelChange,
    },
    /// Cancel a pending order.
    Cancel { ticket: Ticket },
}

impl IntentAction {
    /// Whether this can only make the account's risk smaller.
    pub const fn reduces_risk(&self) -> bool {
        matches!(self, Self::Close { .. } | Self::Cancel { .. })
    }

    /// Whether what carries this order's client id can be of it, and not of another program that uses the same number.
    pub fn may_be_of(&self, traded: &str, on: Option<Side>) -> bool {
        match self {
            Self::Open { symbol, side, .. } => symbol == traded && on.is_none_or(|on| on == *side),
            _ => true,
        }
    }

    /// Whether it is carried out without a deal, so that no history shows it.
    pub const fn leaves_no_deal(&self) -> bool {
        matches!(self, Self::Modify { .. } | Self::Cancel { .. })
    }
}

impl std::fmt::Display for IntentAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Open {
                symbol,
                side,
                volume,
                ..
            } => write!(f, "{} {volume} {symbol}", side.name()),
            Self::Close {
                ticket,
                volume: None,
            } => write!(f, "close position {ticket}"),
            Self::Close {
                ticket,
                volume: Some(volume),
            } => write!(f, "close {volume} lots of position {ticket}"),
            Self::Modify { ticket, .. } => write!(f, "change position {ticket}"),
            Self::Cancel { ticket } => write!(f, "cancel order {ticket}"),
        }
    }
}

/// One request to the terminal. Its parameters are frozen with its `cid`; a retry is a new intent with `parent` set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderIntent {
    pub cid: Cid,
    pub action: IntentAction,
    pub comment: String,
    /// The price that was seen when this was decided. An opening's deviation counts from it, also for the orders that
    /// follow after a requote; `None`: from the price at sending.
    #[serde(default)]
    pub price: Option<Decimal>,
    /// Milliseconds after sending in which the terminal may still execute it.
    pub ttl_ms: u64,
    pub parent: Option<Cid>,
}

/// What an executed order became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The position opened, closed or changed; for a cancel, the order.
    pub ticket: Ticket,
    pub deal: Option<Ticket>,
    pub volume: Decimal,
    pub price: Decimal,
    /// Realised profit in account currency, for a close.
    pub profit: Decimal,
}

impl Fill {
    /// Of a change or a cancellation.
    pub const fn without_deal(ticket: Ticket) -> Self {
        Self {
            ticket,
            deal: None,
            volume: Decimal::ZERO,
            price: Decimal::ZERO,
            profit: Decimal::ZERO,
        }
    }
}

/// What a definite refusal allows next (the classes of the return-code table).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefusalClass {
    /// Certainly not executed: the price moved, or the broker takes another filling mode. May be tried again at a fresh
    /// price, as a new intent.
    PriceMoved,
    /// Cannot be now (market closed, too many requests): wait, then try again.
    Wait,
    /// The request itself is wrong: trying it again cannot help.
    Fix,
    /// The trader or the broker forbids it.
    Permission,
    /// What was asked for is already so: for a close, the position is gone.
    AlreadySo,
    /// For a close: the account's rule wants an older position of the symbol closed before.
    OldestFirst,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub retcode: i32,
    pub class: RefusalClass,
    pub message: String,
}

/// The answer to an [`OrderIntent`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    Done(Fill),
    Refused(Refusal),
    /// The answer was lost: it may or may not have happened. Look before anything else.
    Unknown {
        reason: String,
    },
}

/// The answer to "what became of this client id?".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum Found {
    Executed(Fill),
    /// Proven absent: positions, orders and history were searched over the whole time in question.
    Absent,
    /// The terminal cannot tell yet.
    NotYet {
        reason: String,
    },
}
