//! Orders on an account that nets positions: nothing that is not ours is closed or reduced, and what an order came to is
//! told by its deals, because others may have changed the position on its way.

use std::time::Duration;

use rust_decimal::Decimal;

use super::durable::{Durable, IntentEntry};
use super::effect::LogLevel;
use super::orders::OrderEnd;
use super::own_book::{Change, Part, on, signed};
use super::record::Record;
use super::snapshot::Severity;
use super::state::State;
use super::step::Turn;
use crate::market::{
    AccountId, Book, Cid, Deal, DealEntry, DealReason, Fill, IntentAction, MarginMode, Position,
    Ticket,
};

/// An order's deals are awaited so long; then its answer counts.
const DEALS_AT_MOST: Duration = Duration::from_secs(5);

impl Durable {
    pub(super) fn net(&mut self, account: &AccountId, deal: &Deal) {
        let change = self.own.entry(account.clone()).or_default().count(deal);
        // A stop's deal carries the number of the order that opened the position.
        if deal.reason == DealReason::Order
            && let Some(entry) = self.intents.get_mut(&Cid(deal.magic))
            && (entry.intent.action).may_be_of(&deal.symbol, Some(deal.side))
        {
            entry.dealt.add(&change);
        }
    }
}

impl State {
    pub(super) fn nets(&self) -> bool {
        let account = self.terminal.account.as_ref();
        account.is_some_and(|account| account.margin_mode == MarginMode::Netting)
    }

    pub(super) fn see_book(&mut self, book: Option<Book>) {
        if book.is_none() {
            // Another terminal or account perhaps: the order is looked for there, and its deals are told again.
            self.undealt.clear();
        }
        self.terminal.book = book;
        self.see_own();
    }

    fn see_own(&mut self) {
        let book = self.terminal.book.iter();
        let positions = book.flat_map(|book| &book.positions);
        let parts: Vec<(Position, bool)> = positions.filter_map(|one| self.own_part(one)).collect();
        let unsure = parts.iter().filter(|(_, sure)| !sure);
        self.terminal.unsure = unsure.map(|(one, _)| one.ticket).collect();
        self.terminal.own = parts.into_iter().map(|(one, _)| one).collect();
    }

    /// What of a position is ours, as a position, and whether that is sure; its profit is what closing that part alone
    /// would bring.
    fn own_part(&self, position: &Position) -> Option<(Position, bool)> {
        if !self.nets() {
            return position.is_own().then(|| (position.clone(), true));
        }
        let account = self.durable.account.as_ref()?;
        let late = self.late_lots(position);
        let own = self.durable.own.get(account);
        let counted = own.and_then(|own| own.part_of(position, late.unwrap_or_default()));
        let part = counted.unwrap_or_else(|| self.part_without_deals(position, late));
        let Part { volume, cid, sure } = part;
        if volume <= Decimal::ZERO {
            return None;
        }
        let whole = volume == position.volume;
        let share = |amount: Decimal| {
            let part = amount.checked_mul(volume)?.checked_div(position.volume)?;
            Some(part.round_dp(2))
        };
        let part = Position {
            volume,
            profit: if whole {
                position.profit
            } else {
                share(position.profit).unwrap_or_default()
            },
            magic: cid.0,
            ..position.clone()
        };
        Some((part, sure))
    }

    /// Lots that our orders on this position were answered to have filled and that no deal tells yet; `None`: no such
    /// order is known.
    fn late_lots(&self, position: &Position) -> Option<Decimal> {
        let late = self.undealt.iter().filter_map(|(cid, (fill, _))| {
            let entry = self.durable.intents.get(cid)?;
            let missing = (fill.volume - entry.dealt.volume).max(Decimal::ZERO);
            let side = match &entry.intent.action {
                IntentAction::Open { symbol, side, .. } if *symbol == position.symbol => *side,
                IntentAction::Close { ticket, .. } if *ticket == position.ticket => {
                    position.side.opposite()
                }
                _ => return None,
            };
            Some(signed(side, missing))
        });
        late.reduce(Decimal::saturating_add)
    }

    /// The history is late, or the journal was lost: what our orders are known to have filled, or could have.
    fn part_without_deals(&self, position: &Position, late: Option<Decimal>) -> Part {
        let cid = Cid(position.magic);
        let part = |most: Decimal, sure| Part {
            volume: most.min(position.volume),
            cid,
            sure,
        };
        let asked = |entry: &IntentEntry| match &entry.intent.action {
            IntentAction::Open { volume, .. } => Some(*volume),
            _ => None,
        };
        match (late, self.durable.intents.get(&cid).and_then(asked)) {
            (Some(late), _) => part(on(position.side, late), true),
            (None, Some(asked)) => part(asked, false),
            (None, None) if cid.is_own() => part(position.volume, false),
            (None, None) => part(Decimal::ZERO, true),
        }
    }

    pub(super) fn own_position(&self, ticket: Ticket) -> Option<&Position> {
        self.own_positions().find(|own| own.ticket == ticket)
    }

    /// Lots of this position that are not ours.
    pub(super) fn others_lots(&self, ticket: Ticket) -> Decimal {
        let book = self.terminal.book.iter();
        let mut positions = book.flat_map(|book| &book.positions);
        let whole = positions.find(|one| one.ticket == ticket);
        let whole = whole.map_or(Decimal::ZERO, |position| position.volume);
        let ours = self.own_position(ticket);
        let ours = ours.map_or(Decimal::ZERO, |position| position.volume);
        (whole - ours).normalize()
    }
}

impl Turn<'_> {
    /// A deal was told. Whoever's it is, it may change what is ours.
    pub(super) fn net(&mut self, deal: Deal) {
        let Some(account) = self.durable().account.clone() else {
            return;
        };
        if !self.state.nets() {
            return;
        }
        let cid = Cid(deal.magic);
        self.record(Record::Netted { account, deal });
        self.state.see_own();
        self.end_by_deals(cid);
    }

    fn end_by_deals(&mut self, cid: Cid) {
        let fill = self.state.undealt.get(&cid).map(|(fill, _)| fill.clone());
        let entry = self.durable().intents.get(&cid).cloned();
        if let (Some(fill), Some(entry)) = (fill, entry) {
            self.order_ended(entry, OrderEnd::Done(fill));
        }
    }

    /// Orders whose deals do not come.
    pub(super) fn progress_undealt(&mut self) {
        let now = self.now.mono;
        let undealt = self.state.undealt.iter();
        let due: Vec<Cid> = undealt
            .filter(|(_, (_, until))| now >= *until)
            .map(|(cid, _)| *cid)
            .collect();
        for cid in due {
            self.end_by_deals(cid);
        }
    }

    /// A close takes no more than what is ours, and says how much that is: the position may grow on its way. Where that is
    /// not known the terminal decides, which closes nothing of others and waits for its history.
    pub(super) fn of_ours_alone(&self, action: IntentAction) -> IntentAction {
        match action {
            IntentAction::Close { ticket, volume }
                if self.state.nets()
                    && !self.state.terminal.unsure.contains(&ticket)
                    && let Some(own) = self.state.own_position(ticket) =>
            {
                let part = volume.map_or(own.volume, |part| part.min(own.volume));
                IntentAction::Close {
                    ticket,
                    volume: Some(part),
                }
            }
            other => other,
        }
    }

    /// How an order ended, by what its deals did. `None`: they are awaited.
    pub(super) fn by_its_deals(&mut self, entry: &IntentEntry, end: OrderEnd) -> Option<OrderEnd> {
        let cid = entry.intent.cid;
        let deals = matches!(
            entry.intent.action,
            IntentAction::Open { .. } | IntentAction::Close { .. }
        );
        let OrderEnd::Done(fill) = end else {
            self.state.undealt.remove(&cid);
            return Some(end);
        };
        if !deals || !self.state.nets() {
            return Some(OrderEnd::Done(fill));
        }
        if entry.dealt.volume < fill.volume && fill.deal.is_some() {
            let until = self.now.mono + DEALS_AT_MOST;
            let undealt = self.state.undealt.entry(cid);
            let (_, until) = undealt.or_insert_with(|| (fill.clone(), until));
            if self.now.mono < *until {
                self.state.see_own();
                return None;
            }
        }
        self.state.undealt.remove(&cid);
        self.assume_deal(entry, &fill);
        let known = self.durable().intents.get(&cid);
        let dealt = known.map_or_else(Change::default, |known| known.dealt.clone());
        Some(self.judge(&entry.intent.action, fill, &dealt))
    }

    /// The history does not show what was answered: it counts as if it did, or a second close would take what is not ours.
    fn assume_deal(&mut self, entry: &IntentEntry, fill: &Fill) {
        let missing = fill.volume - entry.dealt.volume;
        let (Some(ticket), Some(account)) = (fill.deal, self.durable().account.clone()) else {
            return;
        };
        if missing <= Decimal::ZERO {
            return;
        }
        let positions = self.state.terminal.book.iter();
        let mut positions = positions.flat_map(|book| &book.positions);
        let mut time = self.state.terminal.market_time.unwrap_or(self.now.utc);
        let (symbol, side, entry_kind) = match &entry.intent.action {
            IntentAction::Open { symbol, side, .. } => {
                let shown = positions.find(|one| one.symbol == *symbol);
                let reduced = shown.is_some_and(|one| one.side != *side);
                let kind = if reduced {
                    DealEntry::Out
                } else {
                    DealEntry::In
                };
                // Later than the position it would not explain what is there.
                if let Some(opened) = shown.filter(|one| one.magic == entry.intent.cid.0) {
                    time = opened.opened_at;
                }
                (symbol.clone(), *side, kind)
            }
            IntentAction::Close { ticket, .. } => {
                let own = self.durable().own.get(&account);
                let held = own.and_then(|own| own.held_in(*ticket));
                let shown = positions.find(|one| one.ticket == *ticket);
                match held.or_else(|| shown.map(|one| (one.symbol.clone(), one.side))) {
                    Some((symbol, side)) => (symbol, side.opposite(), DealEntry::Out),
                    None => return,
                }
            }
            IntentAction::Modify { .. } | IntentAction::Cancel { .. } => return,
        };
        let deal = Deal {
            ticket,
            position: fill.ticket,
            symbol,
            side,
            entry: entry_kind,
            reason: DealReason::Order,
            volume: missing,
            price: fill.price,
            profit: fill.profit,
            magic: entry.intent.cid.0,
            time,
        };
        self.record(Record::Netted { account, deal });
        self.state.see_own();
    }

    fn judge(&mut self, action: &IntentAction, fill: Fill, dealt: &Change) -> OrderEnd {
        let (price, number) = (fill.price, fill.deal.unwrap_or(fill.ticket));
        let volume = fill.volume;
        match action {
            _ if dealt.volume.is_zero() => OrderEnd::Done(fill),
            IntentAction::Open { symbol, side, .. } if dealt.grown.is_zero() => {
                let words = format!(
                    "no position was opened: {} {volume} {symbol} was carried out at {price} (deal {number}), but it only reduced a {} position that somebody else had opened just before",
                    side.name(),
                    side.opposite().name()
                );
                self.tell_astray(number, &words);
                OrderEnd::Astray { fill, words }
            }
            IntentAction::Open { symbol, side, .. } => {
                if dealt.grown < dealt.volume {
                    let against = dealt.volume - dealt.grown;
                    let words = format!(
                        "of {} {volume} {symbol} (deal {number}) {against} lots went against a position that somebody else had opened just before; {} lots are ours",
                        side.name(),
                        dealt.grown
                    );
                    self.tell_astray(number, &words);
                }
                OrderEnd::Done(Fill {
                    volume: dealt.grown,
                    ..fill
                })
            }
            _ => {
                let theirs = dealt.volume - dealt.reduced - dealt.grown;
                let mut parts = Vec::new();
                if theirs > Decimal::ZERO {
                    parts.push(format!("{theirs} lots of it reduced what is theirs"));
                }
                if dealt.grown > Decimal::ZERO {
                    parts.push(format!(
                        "{} lots of it opened the other way, without a stop",
                        dealt.grown
                    ));
                }
                if parts.is_empty() {
                    return OrderEnd::Done(fill);
                }
                let words = format!(
                    "others closed or turned position {} just before our order to close {volume} lots was carried out at {price} (deal {number}): {}",
                    fill.ticket,
                    parts.join(", ")
                );
                self.tell_astray(number, &words);
                if dealt.reduced.is_zero() {
                    return OrderEnd::Astray { fill, words };
                }
                OrderEnd::Done(Fill {
                    volume: dealt.reduced,
                    ..fill
                })
            }
        }
    }

    fn tell_astray(&mut self, deal: Ticket, words: &str) {
        let text = format!("On a netting account: {words}.");
        self.log(LogLevel::Error, "terminal", text.clone());
        self.notice(
            &format!("astray:{deal}"),
            Severity::Error,
            &text,
            "Look at the account in the terminal. On a netting account, leave a symbol that this program trades to it.",
        );
    }

    /// What to say of an opening that became part of a position of others.
    pub(super) fn shared_with_others(&self, action: &IntentAction) -> String {
        let IntentAction::Open { symbol, .. } = action else {
            return String::new();
        };
        let own = self
            .state
            .own_positions()
            .find(|own| own.symbol == *symbol)
            .map(|own| self.state.others_lots(own.ticket));
        match own.filter(|others| self.state.nets() && *others > Decimal::ZERO) {
            Some(others) => format!("; others hold {others} lots of the same net position"),
            None => String::new(),
        }
    }
}
