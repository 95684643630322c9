//! What the list of positions must show before it counts as knowing an order. A terminal's lists may be later than its
//! answers, and a list that was on its way when the answer came is older than it: deciding by such a list would close a
//! position twice, or open one too many.

use std::time::Duration;

use rust_decimal::Decimal;

use super::durable::IntentEntry;
use super::orders::OrderEnd;
use super::state::State;
use super::step::Turn;
use crate::market::{
    Book, Cid, Deal, DealEntry, Fill, IntentAction, LevelChange, Position, RefusalClass, Ticket,
};

/// After so long the list is believed, whatever it shows: the order's position may have been closed at once.
const AT_MOST: Duration = Duration::from_secs(10);

/// An order that is done and that the list does not show yet.
#[derive(Debug)]
pub(super) struct Awaited {
    sign: Sign,
    until: Duration,
}

#[derive(Debug, PartialEq, Eq)]
enum Sign {
    Opened {
        ticket: Ticket,
        cid: Cid,
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

impl Sign {
    /// `volume` was open when a close was sent; `known` is the list of now.
    fn of(
        entry: &IntentEntry,
        end: &OrderEnd,
        volume: Option<Decimal>,
        known: Option<&Book>,
    ) -> Option<Self> {
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
            IntentAction::Open { .. } => Self::Opened {
                ticket: fill?.ticket,
                cid: entry.intent.cid,
            },
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
            Self::Opened { ticket, cid } => {
                let own = |one: &Position| one.ticket == *ticket || one.magic == cid.0;
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
}

fn find(book: &Book, ticket: Ticket) -> Option<&Position> {
    let mut positions = book.positions.iter();
    positions.find(|position| position.ticket == ticket)
}

const fn levels(position: &Position) -> (Option<Decimal>, Option<Decimal>) {
    (position.stop_loss, position.take_profit)
}

impl State {
    /// A list came. Whether it knows everything that was answered.
    pub(super) fn knows_the_answers(&mut self, book: &Book, now: Duration) -> bool {
        self.awaited
            .retain(|one| now < one.until && !one.sign.is_in(book));
        self.awaited.is_empty()
    }
}

impl Turn<'_> {
    /// An order ended: from now on only a list that shows it counts.
    pub(super) fn await_in_book(&mut self, entry: &IntentEntry, end: &OrderEnd) {
        let volume = self.state.closed_from.remove(&entry.intent.cid);
        let sign = Sign::of(entry, end, volume, self.state.terminal.book.as_ref());
        let until = self.now.mono + AT_MOST;
        let awaited = sign.map(|sign| Awaited { sign, until });
        self.state.awaited.extend(awaited);
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

    /// A position whose end is told need not be shown open before.
    pub(super) fn seen_closed(&mut self, deal: &Deal) {
        if deal.entry != DealEntry::In {
            let is_it = |one: &Awaited| matches!(one.sign, Sign::Opened { ticket, .. } if ticket == deal.position);
            self.state.awaited.retain(|one| !is_it(one));
        }
    }
}
