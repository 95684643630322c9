//! What the list of positions must show before it counts as knowing an order. A terminal's lists may be later than its
//! answers, and a list that was on its way when the answer came is older than it: deciding by such a list would close a
//! position twice, or open one too many.
//!
//! What an answer said of a position outlives the patience with a list: one that was opened counts as open until a deal closes
//! it, a part that was closed of one as closed. So it does over a restart.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::durable::{Durable, IntentEntry};
use super::effect::LogLevel;
use super::orders::OrderEnd;
use super::record::Record;
use super::state::State;
use super::step::Turn;
use crate::market::{
    Book, Cid, Deal, DealEntry, Fill, IntentAction, LevelChange, Position, RefusalClass, Ticket,
};

/// So long nothing is decided by a list that does not know the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// After so long the list is believed, whatever it shows.
const AT_MOST: Duration = Duration::from_secs(300);
/// Deals that are remembered for openings in doubt, the latest.
const MOST_EARLY_EXITS: usize = 500;

/// An order that is done and that the list does not show yet.
#[derive(Debug)]
pub(super) struct Awaited {
    sign: Sign,
    since: Duration,
    told: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sign {
    /// As the answer told it.
    Opened {
        position: Box<Position>,
    },
    /// Gone, or no larger than this.
    Closed {
        ticket: Ticket,
        left: Decimal,
    },
    Cancelled {
        ticket: Ticket,
    },
    /// Gone, or its levels are these, or others than before.
    Levels {
        ticket: Ticket,
        asked: (LevelChange, LevelChange),
        before: (Option<Decimal>, Option<Decimal>),
    },
}

impl Awaited {
    pub const fn new(sign: Sign, since: Duration) -> Self {
        Self {
            sign,
            since,
            told: false,
        }
    }

    /// Whether the list is believed against it.
    fn is_over(&self, now: Duration) -> bool {
        let most = if self.sign.outlives() {
            AT_MOST
        } else {
            PATIENCE
        };
        now.saturating_sub(self.since) >= most
    }

    fn holds_up(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) < PATIENCE
    }
}

impl Sign {
    /// `volume` was open when a close was sent; an opening is taken to be of `opened_at`.
    fn of(
        entry: &IntentEntry,
        end: &OrderEnd,
        volume: Option<Decimal>,
        state: &State,
        opened_at: Timestamp,
    ) -> Option<Self> {
        let known = state.terminal.book.as_ref();
        let position = |ticket| known.and_then(|book| find(book, ticket));
        let fill = match end {
            OrderEnd::Done(fill) => Some(fill),
            OrderEnd::Refused(refusal) if refusal.class == RefusalClass::AlreadySo => None,
            OrderEnd::Refused(_)
            | OrderEnd::NotExecuted(_)
            | OrderEnd::GivenUp(_)
            | OrderEnd::Astray { .. } => return None,
        };
        Some(match &entry.intent.action {
            IntentAction::Open {
                symbol,
                side,
                stop_loss,
                take_profit,
                ..
            } => {
                let fill = fill?;
                Self::Opened {
                    position: Box::new(Position {
                        ticket: fill.ticket,
                        symbol: symbol.clone(),
                        side: *side,
                        volume: fill.volume,
                        open_price: fill.price,
                        stop_loss: *stop_loss,
                        take_profit: *take_profit,
                        profit: Decimal::ZERO,
                        price: Decimal::ZERO,
                        magic: entry.intent.cid.0,
                        comment: entry.intent.comment.clone(),
                        opened_at,
                    }),
                }
            }
            IntentAction::Close {
                ticket,
                volume: part,
            } => {
                let closed = fill.map(|fill: &Fill| fill.volume);
                let left = match volume.zip(closed) {
                    Some((before, closed)) => (before - closed).max(Decimal::ZERO),
                    // A part of nobody knows how much.
                    None if part.is_some() => return None,
                    None => Decimal::ZERO,
                };
                Self::Closed {
                    ticket: *ticket,
                    left,
                }
            }
            IntentAction::Cancel { ticket } => Self::Cancelled { ticket: *ticket },
            IntentAction::Modify {
                ticket,
                stop_loss,
                take_profit,
            } => Self::Levels {
                ticket: *ticket,
                asked: (*stop_loss, *take_profit),
                before: position(*ticket).map(levels)?,
            },
        })
    }

    fn is_in(&self, book: &Book) -> bool {
        match self {
            Self::Opened { position } => {
                let own =
                    |one: &Position| one.ticket == position.ticket || one.magic == position.magic;
                book.positions.iter().any(own)
            }
            Self::Closed { ticket, left } => {
                find(book, *ticket).is_none_or(|position| position.volume <= *left)
            }
            Self::Cancelled { ticket } => book.orders.iter().all(|order| order.ticket != *ticket),
            Self::Levels {
                ticket,
                asked,
                before,
            } => find(book, *ticket).map(levels).is_none_or(|levels| {
                levels != *before || asked.0.is_met_by(levels.0) && asked.1.is_met_by(levels.1)
            }),
        }
    }

    /// Whether it is known of a position, whatever a list says for long. A position that is still listed after it was closed
    /// is closed once more, which does no harm; a part is not taken twice.
    fn outlives(&self) -> bool {
        match self {
            Self::Opened { .. } => true,
            Self::Closed { left, .. } => *left > Decimal::ZERO,
            Self::Cancelled { .. } | Self::Levels { .. } => false,
        }
    }

    /// Brings a list that does not know it up to it.
    fn put_into(&self, book: &mut Book) {
        match self {
            Self::Opened { position } => book.positions.push((**position).clone()),
            Self::Closed { ticket, left } => {
                let mut positions = book.positions.iter_mut();
                if let Some(position) = positions.find(|one| one.ticket == *ticket) {
                    position.volume = *left;
                }
            }
            Self::Cancelled { .. } | Self::Levels { .. } => {}
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Opened { position } => format!(
                "does not show position {}, which was opened; it counts as open",
                position.ticket
            ),
            Self::Closed { ticket, left } => format!(
                "still shows more of position {ticket} than is left; {left} lots count as open"
            ),
            Self::Cancelled { ticket } | Self::Levels { ticket, .. } => {
                format!("does not show the change of {ticket}")
            }
        }
    }
}

fn find(book: &Book, ticket: Ticket) -> Option<&Position> {
    let mut positions = book.positions.iter();
    positions.find(|position| position.ticket == ticket)
}

const fn levels(position: &Position) -> (Option<Decimal>, Option<Decimal>) {
    (position.stop_loss, position.take_profit)
}

impl State {
    /// Whether a position is known by the answer to its order alone: what it is worth at this moment is not.
    pub(super) fn has_unshown(&self) -> bool {
        let mut awaited = self.awaited.iter();
        awaited.any(|one| matches!(one.sign, Sign::Opened { .. }))
    }

    /// Whether no list has shown this position yet: it is known by the answer to its order alone.
    pub(super) fn is_unshown(&self, ticket: Ticket) -> bool {
        let mut awaited = self.awaited.iter();
        awaited
            .any(|one| matches!(&one.sign, Sign::Opened { position } if position.ticket == ticket))
    }
}

impl Turn<'_> {
    /// A list came. Brings it up to what is known for certain; whether nothing else is awaited of it.
    pub(super) fn take_list(&mut self, book: &mut Book) -> bool {
        let now = self.now.mono;
        self.state
            .awaited
            .retain(|one| !one.is_over(now) && !one.sign.is_in(book));
        self.note_unshown();
        let behind = self.state.awaited.iter().any(|one| one.holds_up(now));
        let mut told = Vec::new();
        for one in &mut self.state.awaited {
            if !one.holds_up(now) {
                one.sign.put_into(book);
                if !std::mem::replace(&mut one.told, true) {
                    told.push(one.sign.words());
                }
            }
        }
        for words in told {
            let text = format!(
                "The terminal's list is late: it {words} until a deal or the list says more."
            );
            self.log(LogLevel::Warning, "terminal", text);
        }
        !behind
    }

    /// Nothing is awaited of the lists of another account.
    pub(super) fn await_nothing(&mut self) {
        self.state.awaited.clear();
        self.note_unshown();
    }

    /// What must be known after a restart.
    fn note_unshown(&mut self) {
        let awaited = self.state.awaited.iter().map(|one| &one.sign);
        let unshown: Vec<Sign> = awaited.filter(|sign| sign.outlives()).cloned().collect();
        if unshown != self.durable().unshown {
            self.record(Record::Unshown { signs: unshown });
        }
    }

    /// An order ended: from now on only a list that shows it counts.
    pub(super) fn await_in_book(&mut self, entry: &IntentEntry, end: &OrderEnd) {
        let volume = self.state.closed_from.remove(&entry.intent.cid);
        let opened_at = self.state.terminal.market_time.unwrap_or(self.now.utc);
        let mut sign = Sign::of(entry, end, volume, self.state, opened_at);
        if let Some(Sign::Opened { position }) = &mut sign {
            position.volume = self.durable().left_of(position.ticket, position.volume);
            if position.volume.is_zero() {
                return;
            }
        }
        // "Not there" may be said by a list that is as late.
        if let (Some(Sign::Closed { ticket, left }), OrderEnd::Done(_)) = (&sign, end)
            && left.is_zero()
        {
            self.await_no_opening(*ticket);
        }
        let now = self.now.mono;
        self.state
            .awaited
            .extend(sign.map(|sign| Awaited::new(sign, now)));
        self.note_unshown();
    }

    fn await_no_opening(&mut self, ticket: Ticket) {
        let is_it = |one: &Awaited| matches!(&one.sign, Sign::Opened { position } if position.ticket == ticket);
        self.state.awaited.retain(|one| !is_it(one));
    }

    /// A close goes out: how much is open now.
    pub(super) fn note_volume(&mut self, cid: Cid, action: &IntentAction) {
        if let IntentAction::Close { ticket, .. } = action
            && let Some(book) = &self.state.terminal.book
            && let Some(position) = find(book, *ticket)
        {
            let volume = position.volume;
            self.state.closed_from.insert(cid, volume);
        }
    }

    /// A deal took something of a position that no list has shown open: only the rest is open, or nothing.
    pub(super) fn seen_closed(&mut self, deal: &Deal) {
        if deal.entry == DealEntry::In {
            return;
        }
        for one in &mut self.state.awaited {
            if let Sign::Opened { position } = &mut one.sign
                && position.ticket == deal.position
            {
                position.volume = left_after(position.volume, deal);
            }
        }
        self.state.awaited.retain(
            |one| !matches!(&one.sign, Sign::Opened { position } if position.volume.is_zero()),
        );
        self.note_unshown();
    }
}

/// What is open after a deal that took something. One that turned the position leaves nothing of it.
fn left_after(volume: Decimal, deal: &Deal) -> Decimal {
    match deal.entry {
        DealEntry::In => volume,
        DealEntry::Out => (volume - deal.volume).max(Decimal::ZERO),
        DealEntry::InOut => Decimal::ZERO,
    }
}

impl Durable {
    /// While an opening has no outcome, its position may end before anybody knows that it began.
    pub(super) fn note_early_exit(&mut self, deal: &Deal) {
        let opens = |entry: &IntentEntry| matches!(entry.intent.action, IntentAction::Open { .. });
        if !self.intents.values().any(opens) {
            self.early_exits.clear();
        } else if deal.entry != DealEntry::In {
            // An opening on an account that is away may stay without outcome for days.
            let over = (self.early_exits.len() + 1).saturating_sub(MOST_EARLY_EXITS);
            self.early_exits.drain(..over);
            self.early_exits.push(deal.clone());
        }
    }

    /// What is left of so much that was opened.
    fn left_of(&self, ticket: Ticket, volume: Decimal) -> Decimal {
        let exits = self.early_exits.iter();
        exits
            .filter(|deal| deal.position == ticket)
            .fold(volume, left_after)
    }
}
