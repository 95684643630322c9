//! Orders on their way: checked here, checked by the terminal's OrderCheck when they open risk, sent once, answered when
//! the answer is definite.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Context;
use super::active::{Active, Asked};
use super::memory::SentOrder;
use super::outcome::outcome;
use crate::market::{
    Cid, IntentAction, OrderIntent, Outcome, Refusal, RefusalClass, Side, SymbolSpec,
    TerminalEvent, Ticket,
};
use crate::terminal::metatrader::message::{ResultLine, Stage};
use crate::terminal::metatrader::presend::{self, FillMode, View};
use crate::terminal::metatrader::request::{self, Envelope};
use crate::terminal::retcode::{self, Class, class_of, refusal};

/// After its life an order may still stand inside OrderSend for so long.
const AFTER_LIFE: Duration = Duration::from_secs(60);
/// Orders of which nothing was heard are forgotten here; the core still looks for them.
const FORGET_AFTER: Duration = Duration::from_secs(900);
/// An OrderCheck without an answer; nothing was sent then.
const CHECK_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub struct Flight {
    intent: OrderIntent,
    made: Duration,
    made_utc: Timestamp,
    fill: FillMode,
    /// What it decided at; the deviation is reckoned from it.
    price: Option<Decimal>,
    /// False while only a CHECK is on its way.
    sent: bool,
    free_before: Decimal,
    /// Margin that it takes, by the terminal's check.
    takes: Decimal,
    /// It was already said that nobody knows.
    doubted: bool,
}

impl Active {
    pub(super) fn submit(&mut self, intent: OrderIntent, c: &mut Context<'_>) {
        let cid = intent.cid;
        if self.flights.contains_key(&cid) {
            c.log(true, format!("Order {cid} is on its way already."));
            return;
        }
        let opens = matches!(intent.action, IntentAction::Open { .. });
        let named = intent.price.is_some();
        if opens && let Err(refusal) = self.may_open() {
            return answer(cid, Outcome::Refused(refusal), c);
        }
        let spec = self.spec_of(&intent.action).cloned();
        let checked = presend::check(&intent.action, &self.view(spec.as_ref(), c));
        if let Err(refusal) = checked {
            return answer(cid, Outcome::Refused(refusal), c);
        }
        // What went out before under this id goes out unchanged.
        let before = c.memory.sent(cid).map(|sent| (sent.fill, sent.price));
        let (fill, price) = before.unwrap_or_else(|| {
            let fill = spec
                .as_ref()
                .map_or(FillMode::Kill, |spec| c.memory.fillings.choose(spec));
            // The deviation counts from what the core saw, where it saw a price; for a further try from the price of
            // the first.
            let parent = intent.parent.and_then(|parent| c.memory.sent(parent));
            let price = intent
                .price
                .or_else(|| parent.and_then(|parent| parent.price))
                .or_else(|| self.price_now(&intent.action));
            (fill, price)
        });
        let flight = Flight {
            made: c.now.mono,
            made_utc: c.now.utc,
            fill,
            price,
            sent: false,
            free_before: self.money.map_or(Decimal::ZERO, |money| money.free),
            takes: Decimal::ZERO,
            doubted: false,
            intent,
        };
        self.flights.insert(cid, flight);
        if let Some(price) = price.filter(|_| !named) {
            c.emit(TerminalEvent::Priced { cid, price });
        }
        if opens && before.is_none() {
            self.send_check(cid, c);
        } else {
            self.send_order(cid, c);
        }
    }

    /// The price that an entry would be filled at.
    fn price_now(&self, action: &IntentAction) -> Option<Decimal> {
        let IntentAction::Open { symbol, .. } = action else {
            return None;
        };
        let (quote, _) = self.quotes.get(symbol)?;
        entry_price(action, quote.bid, quote.ask)
    }

    /// Entries wait for what exits do not.
    fn may_open(&self) -> Result<(), Refusal> {
        if let Some(missing) = self.permissions().missing() {
            return Err(refusal(retcode::NOT_PERMITTED, missing));
        }
        if self.mending {
            return Err(refusal(
                retcode::NOT_SYNCHRONISED,
                "lines of the Expert Advisor were lost; positions are being read again",
            ));
        }
        Ok(())
    }

    /// Trading was stopped or paused while the terminal checked it.
    pub(super) fn recall(&mut self, cid: Cid, c: &mut Context<'_>) {
        if self.flights.get(&cid).is_some_and(|flight| !flight.sent) {
            self.flights.remove(&cid);
            let withdrawn = refusal(
                retcode::NOT_PERMITTED,
                "withdrawn before it was sent to the broker: trading was stopped or paused meanwhile",
            );
            answer(cid, Outcome::Refused(withdrawn), c);
        }
    }

    fn spec_of(&self, action: &IntentAction) -> Option<&SymbolSpec> {
        let ticket = match action {
            IntentAction::Open { symbol, .. } => return self.symbols.get(symbol),
            IntentAction::Close { ticket, .. } | IntentAction::Modify { ticket, .. } => ticket,
            IntentAction::Cancel { .. } => return None,
        };
        let book = self.book.as_ref()?;
        let position = book
            .positions
            .iter()
            .find(|position| position.ticket == *ticket)?;
        self.symbols.get(&position.symbol)
    }

    fn view<'a>(&'a self, spec: Option<&'a SymbolSpec>, c: &Context<'_>) -> View<'a> {
        let quote = spec
            .and_then(|spec| self.quotes.get(&spec.name))
            .map(|(quote, at)| {
                let age = c.now.mono.saturating_sub(*at).as_millis();
                (*quote, u64::try_from(age).unwrap_or(u64::MAX))
            });
        View {
            spec,
            quote,
            book: self.book.as_ref().filter(|_| !self.mending),
            broker_seconds: self.broker_ms(c).div_euclid(1_000),
            margin_mode: self.margin_mode(),
            fifo: c.memory.fifo.contains(&self.account_name),
        }
    }

    fn send_check(&mut self, cid: Cid, c: &mut Context<'_>) {
        self.send_line(cid, true, c);
    }

    /// Sends the order, once and for all.
    fn send_order(&mut self, cid: Cid, c: &mut Context<'_>) {
        let Some(flight) = self.flights.get_mut(&cid) else {
            return;
        };
        if left(flight, c.now.mono).is_zero() {
            self.flights.remove(&cid);
            let late = refusal(retcode::LATE, retcode::sentence(retcode::LATE));
            return answer(cid, Outcome::Refused(late), c);
        }
        flight.sent = true;
        let order = SentOrder {
            made: flight.made_utc,
            sent: c.now.mono,
            ttl: Duration::from_millis(flight.intent.ttl_ms),
            fill: flight.fill,
            price: flight.price,
            ticket: ticket_of(&flight.intent.action),
            account: self.account_name.clone(),
            surely: c.memory.sent(cid).is_some_and(|before| before.surely),
        };
        c.memory.remember(cid, order);
        c.memory.looks.remove(&cid);
        self.send_line(cid, false, c);
    }

    fn send_line(&mut self, cid: Cid, check: bool, c: &mut Context<'_>) {
        let id = self.ask(Asked::Order { cid, check }, c);
        let Some(flight) = self.flights.get(&cid) else {
            return;
        };
        let ident = match &flight.intent.action {
            // The book knows a position by its identifier, which stays when a swap renumbers it.
            IntentAction::Close { ticket, .. } | IntentAction::Modify { ticket, .. } => ticket.0,
            IntentAction::Open { .. } | IntentAction::Cancel { .. } => 0,
        };
        let ttl = left(flight, c.now.mono).as_millis();
        let envelope = Envelope {
            id,
            account: &self.account_name,
            ttl_ms: u64::try_from(ttl).unwrap_or(u64::MAX),
            // Its life was shortened by what it waited here, so it counts from now.
            made_ms: self.broker_ms(c),
            price: flight.price,
            fill: flight.fill,
            ident,
        };
        let line = request::order(&flight.intent, envelope, check);
        self.send(line, c);
    }

    pub(super) fn result(&mut self, id: Option<u64>, line: &ResultLine, c: &mut Context<'_>) {
        match id.and_then(|id| self.asked.remove(&id)) {
            Some((Asked::TestCheck, _)) => self.test_checked(Ok(line.clone()), c),
            Some((Asked::Order { cid, check }, _)) if cid.0 == line.cid => {
                if check {
                    self.checked(cid, line, c);
                } else {
                    self.executed(cid, line, c);
                }
            }
            Some((Asked::Order { cid, .. }, _)) => {
                let reason = format!("the answer names another order than {cid}");
                c.log(true, reason.clone());
                self.doubt(cid, &reason, c);
            }
            _ => c.log(true, "An answer came that nobody waits for."),
        }
    }

    fn checked(&mut self, cid: Cid, line: &ResultLine, c: &mut Context<'_>) {
        // The terminal does not know of those that were let through since, and answers in turn: their checks first.
        let others = self.flights.values();
        let taken: Decimal = others
            .filter(|flight| flight.sent && !flight.doubted)
            .map(|flight| flight.takes)
            .sum();
        let Some(flight) = self.flights.get_mut(&cid) else {
            return;
        };
        if line.ok {
            flight.takes = (flight.free_before - line.free).max(Decimal::ZERO);
            // Nobody watches this symbol: the price of the check is the first that is known.
            if flight.price.is_none() {
                flight.price = entry_price(&flight.intent.action, line.bid, line.ask);
                if let Some(price) = flight.price {
                    c.emit(TerminalEvent::Priced { cid, price });
                }
            }
            let reserve = c.setup.margin_reserve;
            match reserve.check(flight.free_before, line.free - taken) {
                Ok(()) => return self.send_order(cid, c),
                Err(refusal) => {
                    self.flights.remove(&cid);
                    return answer(cid, Outcome::Refused(refusal), c);
                }
            }
        }
        // Nothing was sent: another filling mode may be checked under the same id.
        if line.retcode == retcode::INVALID_FILL
            && let Some(next) = self.other_filling(cid, c)
            && let Some(flight) = self.flights.get_mut(&cid)
        {
            flight.fill = next;
            return self.send_check(cid, c);
        }
        let Some(flight) = self.flights.remove(&cid) else {
            return;
        };
        let line = ResultLine {
            stage: Stage::Refused,
            ..line.clone()
        };
        let outcome = match outcome(&flight.intent.action, &line) {
            // A CHECK sends nothing, so nothing is in doubt.
            Outcome::Unknown { reason } => Outcome::Refused(Refusal {
                retcode: line.retcode,
                class: RefusalClass::Wait,
                message: reason,
            }),
            known => known,
        };
        answer(cid, outcome, c);
    }

    fn executed(&mut self, cid: Cid, line: &ResultLine, c: &mut Context<'_>) {
        let Some(flight) = self.flights.get(&cid) else {
            return;
        };
        let mut outcome = outcome(&flight.intent.action, line);
        self.heard_of_journal(line, c);
        match &mut outcome {
            Outcome::Unknown { reason } => {
                let reason = reason.clone();
                if line.stage != Stage::Refused {
                    c.memory.surely_sent(cid);
                }
                return self.doubt(cid, &reason, c);
            }
            Outcome::Refused(refusal) => {
                if refusal.retcode == retcode::FIFO_CLOSE {
                    c.memory.fifo.insert(self.account_name.clone());
                }
                if refusal.retcode == retcode::INVALID_FILL
                    && let Some(next) = self.other_filling(cid, c)
                {
                    // Its parameters are frozen with its id: a new intent uses the other mode.
                    refusal.class = RefusalClass::PriceMoved;
                    refusal.message = format!(
                        "{} The next order of this symbol asks for {}.",
                        refusal.message,
                        next.name()
                    );
                }
            }
            Outcome::Done(_) => self.hinted = true,
        }
        self.flights.remove(&cid);
        answer(cid, outcome, c);
        self.hint_tick(c);
    }

    /// Remembers that the broker refused this order's filling mode.
    fn other_filling(&self, cid: Cid, c: &mut Context<'_>) -> Option<FillMode> {
        let flight = self.flights.get(&cid)?;
        let spec = self.spec_of(&flight.intent.action)?;
        c.memory.fillings.refuse(spec, flight.fill)
    }

    /// The EA could not use the line.
    pub(super) fn order_failed(
        &mut self,
        cid: Cid,
        check: bool,
        code: i32,
        text: &str,
        c: &mut Context<'_>,
    ) {
        let message = format!("{} {text}", retcode::sentence(code));
        match class_of(code) {
            Class::Refused(_) => {
                self.flights.remove(&cid);
                answer(cid, Outcome::Refused(refusal(code, message)), c);
            }
            _ if check => {
                self.flights.remove(&cid);
                let refusal = refusal(retcode::BAD_ARGUMENTS, message);
                answer(cid, Outcome::Refused(refusal), c);
            }
            _ => self.doubt(cid, &message, c),
        }
    }

    fn doubt(&mut self, cid: Cid, reason: &str, c: &mut Context<'_>) {
        if let Some(flight) = self.flights.get_mut(&cid)
            && flight.sent
            && !flight.doubted
        {
            flight.doubted = true;
            let outcome = Outcome::Unknown {
                reason: reason.to_owned(),
            };
            answer(cid, outcome, c);
        }
    }

    /// Whether an answer of this order may still come and nobody was told otherwise.
    pub(super) fn is_on_its_way(&self, cid: Cid) -> bool {
        self.flights.get(&cid).is_some_and(|flight| !flight.doubted)
    }

    pub(super) fn settle(&mut self, cid: Cid) {
        self.flights.remove(&cid);
    }

    /// A line was lost; it may have been anybody's answer.
    pub(super) fn doubt_flights(&mut self, reason: &str, c: &mut Context<'_>) {
        let cids: Vec<Cid> = self.flights.keys().copied().collect();
        for cid in cids {
            self.doubt(cid, reason, c);
        }
    }

    /// The link is gone. What was only checked was certainly not sent.
    pub(super) fn lose_flights(&mut self, reason: &str, c: &mut Context<'_>) {
        for (cid, flight) in std::mem::take(&mut self.flights) {
            if flight.doubted {
                continue;
            }
            let outcome = if flight.sent {
                Outcome::Unknown {
                    reason: reason.to_owned(),
                }
            } else {
                Outcome::Refused(refusal(
                    retcode::NOT_SYNCHRONISED,
                    format!("the order was not sent: {reason}"),
                ))
            };
            answer(cid, outcome, c);
        }
    }

    pub(super) fn flights_tick(&mut self, c: &mut Context<'_>) {
        let now = c.now.mono;
        let mut late = Vec::new();
        let mut unchecked = Vec::new();
        for (cid, flight) in &self.flights {
            let age = now.saturating_sub(flight.made);
            let life = Duration::from_millis(flight.intent.ttl_ms);
            if !flight.sent && age >= CHECK_WITHIN.min(life) {
                unchecked.push(*cid);
            } else if flight.sent && !flight.doubted && age >= life + AFTER_LIFE {
                late.push(*cid);
            }
        }
        for cid in unchecked {
            self.flights.remove(&cid);
            let message = "the terminal did not check the order in time; it was not sent";
            answer(cid, Outcome::Refused(refusal(retcode::LATE, message)), c);
        }
        for cid in late {
            self.doubt(cid, "the Expert Advisor did not answer", c);
        }
        self.flights
            .retain(|_, flight| now.saturating_sub(flight.made) < FORGET_AFTER);
        let flights = &self.flights;
        self.asked.retain(|_, (asked, _)| match asked {
            Asked::Order { cid, .. } => flights.contains_key(cid),
            _ => true,
        });
    }
}

/// The price at which an entry is filled.
fn entry_price(action: &IntentAction, bid: Decimal, ask: Decimal) -> Option<Decimal> {
    let IntentAction::Open { side, .. } = action else {
        return None;
    };
    let price = match side {
        Side::Buy => ask,
        Side::Sell => bid,
    };
    (price > Decimal::ZERO).then_some(price)
}

/// What is left of an order's life.
fn left(flight: &Flight, now: Duration) -> Duration {
    Duration::from_millis(flight.intent.ttl_ms).saturating_sub(now.saturating_sub(flight.made))
}

const fn ticket_of(action: &IntentAction) -> Option<Ticket> {
    match action {
        IntentAction::Open { .. } => None,
        IntentAction::Close { ticket, .. }
        | IntentAction::Modify { ticket, .. }
        | IntentAction::Cancel { ticket } => Some(*ticket),
    }
}

fn answer(cid: Cid, outcome: Outcome, c: &mut Context<'_>) {
    c.emit(TerminalEvent::Answer { cid, outcome });
}
