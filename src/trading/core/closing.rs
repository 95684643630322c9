//! Closing positions and cancelling orders until the terminal shows them gone: verified per ticket, retried, and told
//! per ticket when it cannot be done. Never waits for entry checks.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::durable::{IntentEntry, Progress as OrderProgress, Purpose};
use super::handle::{Verdict, count, details};
use super::latched::Gone;
use super::orders::{ORDER_LIFE_MS, OrderEnd};
use super::state::State;
use super::step::Turn;
use crate::market::{Book, Cid, IntentAction, MarginMode, RefusalClass, Ticket};

/// What a closing is after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    Position(Ticket),
    Order(Ticket),
}

impl Target {
    pub const fn ticket(self) -> Ticket {
        match self {
            Self::Position(ticket) | Self::Order(ticket) => ticket,
        }
    }

    /// Whether it is there to be ended; of a net position only our part is.
    fn is_in(self, book: &Book, state: &State) -> bool {
        match self {
            Self::Position(ticket) if state.nets() => state.own_position(ticket).is_some(),
            Self::Position(ticket) => book
                .positions
                .iter()
                .any(|position| position.ticket == ticket),
            Self::Order(ticket) => book.orders.iter().any(|order| order.ticket == ticket),
        }
    }

    /// What an order to get out is after.
    const fn of(action: &IntentAction) -> Option<Self> {
        match action {
            IntentAction::Close { ticket, .. } => Some(Self::Position(*ticket)),
            IntentAction::Cancel { ticket } => Some(Self::Order(*ticket)),
            IntentAction::Open { .. } | IntentAction::Modify { .. } => None,
        }
    }

    const fn action(self) -> IntentAction {
        match self {
            Self::Position(ticket) => IntentAction::Close {
                ticket,
                volume: None,
            },
            Self::Order(ticket) => IntentAction::Cancel { ticket },
        }
    }
}

/// Progress on a set of tickets. Rebuilt after a restart from the orders that are still without outcome.
#[derive(Debug, Default)]
pub(super) struct Sweep {
    tickets: BTreeMap<Target, Progress>,
    /// The account closes the oldest position first: one at a time then, in the order of the tickets.
    oldest_first: bool,
    /// Of a position of this account only a part may be ours.
    nets: bool,
}

#[derive(Debug, Default)]
struct Progress {
    cid: Option<Cid>,
    tries: u32,
    /// Others were on their way when it was sent.
    in_company: bool,
    not_before: Duration,
    last_error: Option<String>,
    /// What the terminal answered; it counts once the book agrees.
    answered: Option<String>,
    /// We closed or cancelled something of it.
    by_us: bool,
    /// Orders that were sent to end it.
    sent: BTreeSet<Cid>,
    /// How it ended, in words.
    gone: Option<String>,
    /// It is on another account than the terminal.
    away: bool,
}

impl Sweep {
    /// Goes on where another life of the program ended.
    pub fn resumed(gone: &[Gone]) -> Self {
        let tickets = gone.iter().map(|gone| {
            let progress = Progress {
                gone: Some(gone.how.clone()),
                by_us: gone.by_us,
                ..Progress::default()
            };
            (gone.target, progress)
        });
        Self {
            tickets: tickets.collect(),
            ..Self::default()
        }
    }

    /// What is gone now, also by an answer alone that the book may still take back.
    pub fn gone(&self) -> impl Iterator<Item = Gone> {
        self.tickets.iter().filter_map(|(target, progress)| {
            Some(Gone {
                target: *target,
                how: progress
                    .gone
                    .as_ref()
                    .or(progress.answered.as_ref())?
                    .clone(),
                by_us: progress.by_us,
            })
        })
    }

    pub fn ended(&mut self, cid: Cid, end: &OrderEnd, mono: Duration) {
        let Some((target, progress)) = self
            .tickets
            .iter_mut()
            .find(|(_, progress)| progress.cid == Some(cid) || progress.sent.contains(&cid))
        else {
            return;
        };
        if progress.cid == Some(cid) {
            progress.cid = None;
            progress.not_before = mono;
        } else if !matches!(end, OrderEnd::Done(_)) {
            // One that was repeated while it was in doubt: the later one counts.
            return;
        }
        match end {
            OrderEnd::Done(fill) => {
                progress.by_us = true;
                progress.answered = Some(match target {
                    Target::Position(_) if self.nets => format!(
                        "{} lots closed at {} (profit {})",
                        fill.volume, fill.price, fill.profit
                    ),
                    Target::Position(_) => {
                        format!("closed at {} (profit {})", fill.price, fill.profit)
                    }
                    Target::Order(_) => "cancelled".to_owned(),
                });
            }
            OrderEnd::Astray { words, .. } => progress.answered = Some(words.clone()),
            OrderEnd::Refused(refusal) if refusal.class == RefusalClass::AlreadySo && self.nets => {
                progress.answered = Some("nothing of it was ours any more".to_owned());
                progress.not_before += pause_after(progress.tries, refusal.class);
            }
            OrderEnd::Refused(refusal) if refusal.class == RefusalClass::AlreadySo => {
                let before = progress.answered.take();
                progress.answered = before.or_else(|| Some("was already closed".to_owned()));
                progress.not_before += pause_after(progress.tries, refusal.class);
            }
            OrderEnd::Refused(refusal) => {
                progress.last_error = Some(refusal.message.clone());
                if refusal.class == RefusalClass::OldestFirst {
                    self.oldest_first = true;
                    if progress.in_company {
                        // Its turn had not come; that was no attempt.
                        progress.tries = progress.tries.saturating_sub(1);
                        return;
                    }
                }
                progress.not_before += pause_after(progress.tries, refusal.class);
            }
            OrderEnd::NotExecuted(reason) | OrderEnd::GivenUp(reason) => {
                progress.last_error = Some(reason.clone());
            }
        }
    }

    /// Takes in what the terminal shows now; `theirs` are the lots of a position that are not ours and stay. Of what is
    /// `away` its list says nothing.
    fn look(
        &mut self,
        shown: impl Fn(Target) -> bool,
        theirs: impl Fn(Target) -> Decimal,
        away: impl Fn(Target) -> bool,
        undecided: impl Fn(&Cid) -> bool,
    ) {
        let nets = self.nets;
        for (target, progress) in &mut self.tickets {
            progress.away = progress.gone.is_none() && away(*target);
            if progress.cid.is_some() || progress.away {
                continue;
            }
            let is_shown = shown(*target);
            // Gone, perhaps by an order of ours of which nobody knows yet what became of it: it is told when that is known.
            if !is_shown && progress.sent.iter().any(&undecided) {
                continue;
            }
            let answered = progress.answered.take();
            if is_shown {
                progress.gone = None;
                if let Some(answered) = answered {
                    let error = format!("the terminal says \"{answered}\" and still shows it");
                    progress.last_error = Some(error);
                }
            } else if progress.gone.is_none() {
                let mut how = answered.unwrap_or_else(|| {
                    let what = if nets {
                        "nothing of it is ours any more"
                    } else {
                        "is not open any more"
                    };
                    what.to_owned()
                });
                let theirs = theirs(*target);
                if theirs > Decimal::ZERO {
                    how.push_str(&format!("; the {theirs} lots there are not ours and stay"));
                }
                progress.gone = Some(how);
            }
        }
    }

    fn all_gone(&self) -> bool {
        self.tickets
            .values()
            .all(|progress| progress.gone.is_some())
    }

    /// Tickets that are still open although an attempt failed, with the reason.
    pub fn troubles(&self) -> Vec<String> {
        self.tickets
            .iter()
            .filter(|(_, progress)| progress.gone.is_none() && !progress.away)
            .filter_map(|(target, progress)| {
                let error = progress.last_error.as_ref()?;
                Some(format!(
                    "{}: {error} (tried {} times)",
                    target.ticket(),
                    progress.tries
                ))
            })
            .collect()
    }

    pub fn closed(&self) -> Vec<String> {
        self.tickets
            .iter()
            .filter_map(|(target, progress)| {
                Some(format!("{} {}", target.ticket(), progress.gone.as_ref()?))
            })
            .collect()
    }

    /// How many of them this sweep ended. What its stop, the trader or another command closed is not its deed.
    fn ended_by_us(&self) -> usize {
        let gone = self.tickets.values().filter(|one| one.gone.is_some());
        gone.filter(|progress| progress.by_us).count()
    }

    pub fn headline(&self) -> String {
        match self.ended_by_us() {
            0 => "nothing was closed".to_owned(),
            closed => count(closed, "position closed", "positions closed"),
        }
    }

    /// What stands before the list of what is gone.
    pub fn verb(&self) -> &'static str {
        if self.ended_by_us() == 0 {
            "nothing was closed:"
        } else {
            "closed"
        }
    }

    /// Every ticket that is still open was tried at least so often.
    pub fn least_tries(&self) -> u32 {
        let open = self
            .tickets
            .values()
            .filter(|progress| progress.gone.is_none() && !progress.away);
        open.map(|progress| progress.tries).min().unwrap_or(0)
    }
}

fn pause_after(tries: u32, class: RefusalClass) -> Duration {
    match class {
        RefusalClass::PriceMoved => Duration::ZERO,
        _ => Duration::from_secs(1 << tries.min(5)),
    }
}

impl Turn<'_> {
    /// Takes in what became of the orders and what an up-to-date book shows.
    pub fn settle_sweep(&self, sweep: &mut Sweep, targets: &[Target], purpose: &Purpose) {
        sweep.nets = self.state.nets();
        for target in targets {
            sweep.tickets.entry(*target).or_default();
        }
        // A close that met nothing of ours any more may have opened the other way.
        let opened = self.state.own_positions().filter(|own| {
            let cid = Cid(own.magic);
            let mut tickets = sweep.tickets.values();
            tickets.any(|progress| progress.sent.contains(&cid))
        });
        let opened: Vec<Target> = opened.map(|own| Target::Position(own.ticket)).collect();
        for target in opened {
            sweep.tickets.entry(target).or_default();
        }
        for progress in sweep.tickets.values_mut() {
            let order = progress
                .cid
                .and_then(|cid| self.durable().intents.get(&cid));
            let in_doubt = order.filter(|entry| entry.progress == OrderProgress::Unknown);
            let Some(entry) = in_doubt else { continue };
            if self.may_be_repeated(entry) {
                progress.cid = None;
            }
            progress.last_error = Some("the outcome of the last try is not known yet".to_owned());
        }
        self.adopt_orders(sweep, purpose);
        if let Some(book) = self.state.fresh_book() {
            let theirs = |target| match target {
                Target::Position(ticket) if self.state.nets() => self.state.others_lots(ticket),
                _ => Decimal::ZERO,
            };
            let away = |target| matches!(target, Target::Position(ticket) if self.state.is_elsewhere(ticket));
            let undecided = |cid: &Cid| self.durable().intents.contains_key(cid);
            sweep.look(
                |target| target.is_in(book, self.state),
                theirs,
                away,
                undecided,
            );
        }
    }

    /// Sends what must be sent now. An attempt waits until the book has taken in the last order, and an order that
    /// somebody else sent for the same ticket comes first.
    ///
    /// A few at a time: they keep a terminal busy, which carries out one after the other, and the last of them is
    /// over within its time to live even at a broker that takes a second for each. Answers make room for the next.
    pub fn send_sweep(&mut self, sweep: &mut Sweep, purpose: &Purpose) {
        const MOST_AT_ONCE: usize = 8;
        let orders = self.durable().intents.values();
        let under_way = orders
            .filter(|entry| entry.progress == OrderProgress::Made && self.is_here(entry))
            .count();
        let most = if sweep.oldest_first { 1 } else { MOST_AT_ONCE };
        let mut room = most.saturating_sub(under_way);
        for (target, progress) in &mut sweep.tickets {
            if room == 0 {
                break;
            }
            // What nothing was sent for yet may be closed by an older list, too, where a close names its position: lists can
            // fail to come.
            let book = if progress.sent.is_empty() && self.closes_by_name() {
                self.state.terminal.book.as_ref()
            } else {
                self.state.fresh_book()
            };
            let due = progress.gone.is_none()
                && progress.cid.is_none()
                && self.now.mono >= progress.not_before
                && book.is_some_and(|book| target.is_in(book, self.state))
                && !self.is_ending(target.ticket());
            if due {
                progress.in_company = room < most;
                room -= 1;
                progress.tries += 1;
                let cid = self.submit(target.action(), purpose.clone());
                progress.sent.insert(cid);
                progress.cid = Some(cid);
            }
        }
    }

    /// Whether an order to close or cancel it is on its way.
    fn is_ending(&self, ticket: Ticket) -> bool {
        let orders = self.durable().intents.values();
        orders
            .filter(|entry| !self.may_be_repeated(entry))
            .any(|entry| match entry.intent.action {
                IntentAction::Close { ticket: other, .. }
                | IntentAction::Cancel { ticket: other } => other == ticket,
                IntentAction::Open { .. } | IntentAction::Modify { .. } => false,
            })
    }

    /// Whether an order to get out is so long in doubt that another one may go out for the same ticket, while the terminal
    /// still shows it. Closing twice is harmless where a close names its position; where positions are netted it could
    /// open the other way, so there only a proven absence helps.
    pub fn may_be_repeated(&self, entry: &IntentEntry) -> bool {
        let life = SignedDuration::from_millis(ORDER_LIFE_MS.cast_signed());
        entry.progress == OrderProgress::Unknown
            && entry.intent.action.reduces_risk()
            && self.now.utc.duration_since(entry.made_at) > life
            && self.closes_by_name()
    }

    /// Whether closing what is closed already is harmless.
    fn closes_by_name(&self) -> bool {
        let account = self.state.terminal.account.as_ref();
        account.is_some_and(|account| account.margin_mode == MarginMode::Hedging)
    }

    /// Orders of this purpose that were already on their way, from before a restart.
    fn adopt_orders(&self, sweep: &mut Sweep, purpose: &Purpose) {
        for entry in self
            .durable()
            .intents
            .values()
            .filter(|entry| entry.purpose == *purpose && self.is_here(entry))
        {
            let Some(target) = Target::of(&entry.intent.action) else {
                continue;
            };
            let progress = sweep.tickets.entry(target).or_default();
            progress.sent.insert(entry.intent.cid);
            if !self.may_be_repeated(entry) {
                progress.cid = Some(entry.intent.cid);
                progress.tries = progress.tries.max(1);
            }
        }
    }

    /// One look at a closing command.
    pub fn advance_closing(&mut self, id: &str, targets: &[Target]) -> Verdict {
        const GIVE_UP_AFTER: u32 = 5;
        let mut sweep = self.state.closings.remove(id).unwrap_or_default();
        let purpose = Purpose::Closing { id: id.to_owned() };
        self.settle_sweep(&mut sweep, targets, &purpose);
        let all_gone = sweep.all_gone();
        let exhausted = sweep.least_tries() >= GIVE_UP_AFTER
            && !self.has_orders(&purpose)
            && self.state.fresh_book().is_some();
        if !all_gone && !exhausted {
            self.send_sweep(&mut sweep, &purpose);
        }
        let closed = sweep.closed();
        let beside = self.state.beside_journal();
        let verdict = if all_gone {
            Verdict::Done {
                message: if closed.is_empty() {
                    "nothing to close: no own position matches".to_owned()
                } else {
                    format!("{}: {}{beside}", sweep.headline(), closed.join("; "))
                },
                details: details(&[("closed", json!(closed))]),
            }
        } else if exhausted {
            let troubles = sweep.troubles();
            Verdict::Failed {
                message: format!(
                    "{} of {} closed; still open: {}{beside}",
                    closed.len(),
                    targets.len(),
                    troubles.join("; ")
                ),
                details: details(&[("closed", json!(closed)), ("open", json!(troubles))]),
            }
        } else {
            Verdict::Busy {
                what: format!(
                    "closing {}: {} done{beside}",
                    count(targets.len(), "position", "positions"),
                    closed.len()
                ),
            }
        };
        self.state.closings.insert(id.to_owned(), sweep);
        verdict
    }

    pub fn has_orders(&self, purpose: &Purpose) -> bool {
        self.durable()
            .intents
            .values()
            .any(|entry| entry.purpose == *purpose && self.is_here(entry))
    }
}
