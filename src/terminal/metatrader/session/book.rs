//! The book from snapshots, deals from history. Transactions are hints that ask for both; they are never believed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::active::{Active, Asked};
use super::opening::Stage;
use super::{Context, End};
use crate::market::{Book, TerminalEvent, Ticket};
use crate::terminal::metatrader::message::{DealLine, EndLine, OrdLine, PosLine};
use crate::terminal::metatrader::request;

const DAY_MS: i64 = 86_400_000;
/// Deals of one moment may appear one after the other.
const DEAL_OVERLAP_MS: i64 = 60_000;
/// The book is read again so often, whether anything hints at a change or not.
const READ_AGAIN: Duration = Duration::from_secs(10);
/// A terminal whose broker came back has its positions and its history so much later.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub struct SnapshotAsked {
    positions: Vec<PosLine>,
    orders: Vec<OrdLine>,
    at: Duration,
    /// Another one is wanted, begun after this one.
    again: bool,
}

#[derive(Debug, Default)]
pub struct DealsAsked {
    lines: Vec<DealLine>,
    from_ms: i64,
    again: bool,
}

impl Active {
    /// At most one snapshot is on its way; a wish meanwhile asks for one more after it.
    pub(super) fn ask_snapshot(&mut self, c: &mut Context<'_>) {
        let on_its_way = self.asked.values_mut().find_map(|(asked, _)| match asked {
            Asked::Snapshot(asked) => Some(asked),
            _ => None,
        });
        if let Some(asked) = on_its_way {
            asked.again = true;
            return;
        }
        let asked = SnapshotAsked {
            at: c.now.mono,
            ..SnapshotAsked::default()
        };
        self.unlisted.get_or_insert(c.now.mono);
        let id = self.ask(Asked::Snapshot(asked), c);
        self.send(request::snapshot(id), c);
    }

    /// What the EA listed before is of an older state.
    pub(super) fn snapshot_begins(&mut self, id: Option<u64>) {
        if let Some((Asked::Snapshot(asked), _)) = id.and_then(|id| self.asked.get_mut(&id)) {
            asked.positions.clear();
            asked.orders.clear();
        }
    }

    pub(super) fn position_listed(&mut self, id: Option<u64>, line: PosLine) {
        if let Some((Asked::Snapshot(asked), _)) = id.and_then(|id| self.asked.get_mut(&id)) {
            asked.positions.push(line);
        }
    }

    /// Orders of the history carry the id of their own request, which nobody makes.
    pub(super) fn order_listed(&mut self, id: Option<u64>, line: OrdLine) {
        if let Some((Asked::Snapshot(asked), _)) = id.and_then(|id| self.asked.get_mut(&id)) {
            asked.orders.push(line);
        }
    }

    pub(super) fn snapshot_told(
        &mut self,
        asked: &SnapshotAsked,
        end: EndLine,
        c: &mut Context<'_>,
    ) -> Result<(), End> {
        // The EA begins a snapshot again when the book changed under it: the last lines are the whole one.
        let positions = last_of(&asked.positions, end.positions, |line| line.ticket);
        let orders = last_of(&asked.orders, end.orders, |line| line.ticket);
        let (Some(positions), Some(orders)) = (positions, orders) else {
            return self.damaged("a snapshot is not whole", c);
        };
        let offset = self.offset_s();
        let renumbered = positions
            .iter()
            .filter(|line| line.ticket != line.ident)
            .map(|line| (Ticket(line.ticket), Ticket(line.ident)));
        let book = Book {
            revision: end.revision,
            renumbered: renumbered.collect(),
            positions: positions
                .iter()
                .map(|line| line.position_at(offset))
                .collect(),
            orders: orders
                .iter()
                .filter_map(|line| line.pending_at(offset))
                .collect(),
        };
        self.unlisted = None;
        self.book = Some(book.clone());
        self.book_asked = asked.at;
        self.mending = false;
        if (self.regained).is_some_and(|back| asked.at >= back + SETTLED_AFTER) {
            self.regained = None;
            self.tell_alive(c);
        }
        if self.stage == Stage::Snapshot {
            self.opening_snapshot(c);
        } else if self.is_up() {
            c.emit(TerminalEvent::Book(book));
        }
        if asked.again {
            self.ask_snapshot(c);
        }
        Ok(())
    }

    pub(super) fn ask_deals(&mut self, c: &mut Context<'_>) {
        let on_its_way = self.asked.values_mut().find_map(|(asked, _)| match asked {
            Asked::Deals(asked) => Some(asked),
            _ => None,
        });
        if let Some(asked) = on_its_way {
            asked.again = true;
            return;
        }
        let now = self.broker_ms(c);
        let offset = self.offset_s();
        let known = c.memory.deals_from(&self.account_name, offset);
        let from_ms = known.unwrap_or_else(|| {
            c.setup
                .deals_since
                .map_or(now - DAY_MS, |since| self.to_broker_ms(since))
        });
        let from_ms = (from_ms - DEAL_OVERLAP_MS).max(0);
        let asked = DealsAsked {
            from_ms,
            ..DealsAsked::default()
        };
        let id = self.ask(Asked::Deals(asked), c);
        self.send(request::deals(id, from_ms, now + DAY_MS), c);
    }

    pub(super) fn deal_listed(&mut self, id: Option<u64>, line: DealLine) {
        match id.and_then(|id| self.asked.get_mut(&id)) {
            Some((Asked::Deals(asked), _)) => asked.lines.push(line),
            _ => self.hinted = true,
        }
    }

    pub(super) fn deals_told(
        &mut self,
        mut asked: DealsAsked,
        end: EndLine,
        c: &mut Context<'_>,
    ) -> Result<(), End> {
        if asked.lines.len() != end.n {
            return self.damaged("a history is not whole", c);
        }
        let opened = self.stage == Stage::Deals;
        if opened {
            self.come_up(c);
        }
        // Readers count deals by their growing tickets.
        asked.lines.sort_unstable_by_key(|line| line.ticket);
        let offset = self.offset_s();
        // A clock that was put back has dealt out times that have not come again; the mark must not wait for them.
        let now = self.broker_ms(c);
        for line in &asked.lines {
            let new =
                c.memory
                    .is_new_deal(&self.account_name, line.ticket, line.ms.min(now), offset);
            if let Some(deal) = line.deal_at(offset).filter(|_| new) {
                c.emit(TerminalEvent::Deal(deal));
            }
        }
        c.memory.history_read(
            &self.account_name,
            (asked.from_ms + DEAL_OVERLAP_MS).min(now),
            offset,
        );
        if opened && let Some(book) = self.book.clone() {
            c.emit(TerminalEvent::Book(book));
        }
        if asked.again {
            self.ask_deals(c);
        }
        Ok(())
    }

    /// Something changed at the terminal: look soon, once for many hints.
    pub(super) fn hint(&mut self, c: &mut Context<'_>) {
        if !self.is_up() {
            return;
        }
        self.hinted = true;
        self.hint_tick(c);
    }

    /// Nobody tells of what happened while the broker was away, and a hint can be lost: the book is read again all the same.
    pub(super) fn read_again(&mut self, c: &Context<'_>) {
        let now = c.now.mono;
        let settled = self
            .regained
            .is_some_and(|back| now >= back + SETTLED_AFTER && self.reread < back + SETTLED_AFTER);
        if settled || now.saturating_sub(self.reread) >= READ_AGAIN {
            self.reread = now;
            self.hinted = true;
        }
    }

    pub(super) fn hint_tick(&mut self, c: &mut Context<'_>) {
        let rested = c.now.mono.saturating_sub(self.hint_served) >= c.setup.limits.hint_pause;
        if self.hinted && rested {
            self.hinted = false;
            self.hint_served = c.now.mono;
            self.ask_snapshot(c);
            self.ask_deals(c);
        }
    }
}

/// The last `count` lines, if there are so many and no ticket stands in them twice.
fn last_of<T>(lines: &[T], count: usize, ticket: impl Fn(&T) -> u64) -> Option<&[T]> {
    let begin = lines.len().checked_sub(count)?;
    let last = lines.get(begin..)?;
    let tickets: BTreeSet<u64> = last.iter().map(ticket).collect();
    (tickets.len() == count).then_some(last)
}
