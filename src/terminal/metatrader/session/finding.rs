//! What became of an order. Presence is believed at once; absence is a claim that needs proof: link and broker connected,
//! history synchronised and covering the order's time, a snapshot begun after the search, several looks over a time, and
//! nothing lost meanwhile.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::Context;
use super::active::{Active, Asked};
use super::memory::Looks;
use crate::market::{Cid, Fill, Found, IntentAction, Outcome, TerminalEvent, Ticket, Twice};
use crate::terminal::metatrader::message::{FoundLine, Place};
use crate::terminal::metatrader::request;
use crate::terminal::retcode::{self, Class, class_of, refusal};

/// Clocks may differ by so much: history is searched from before the order.
const BEFORE_MS: i64 = 60_000;
/// How far back is searched when nobody knows when the order was made. Absence cannot be proven then.
const UNKNOWN_TIME_MS: i64 = 30 * 86_400_000;

/// Searches under way at one time. The Expert Advisor lets 32 wait for their second look; one more would be answered
/// without it, which proves nothing.
const AT_ONCE: usize = 16;

/// A search that was asked for.
pub type Wanted = (Cid, Option<Timestamp>, Twice, Option<IntentAction>);

#[derive(Debug)]
pub struct FindAsked {
    cid: Cid,
    /// When the order was made, by the broker's clock.
    made_ms: Option<i64>,
    twice: Twice,
    at: Duration,
}

impl Active {
    pub(super) fn find(&mut self, wanted: Wanted, c: &mut Context<'_>) {
        let cid = wanted.0;
        if self.is_on_its_way(cid) {
            return not_yet(cid, "the order is on its way; its answer is awaited", c);
        }
        let sent = c.memory.sent(cid);
        if let Some(sent) = sent.filter(|sent| sent.account != self.account_name) {
            let reason = format!(
                "it was sent on account {}, and the terminal is on {}",
                sent.account, self.account_name
            );
            return not_yet(cid, &reason, c);
        }
        let searching = self
            .asked
            .values()
            .any(|(asked, _)| matches!(asked, Asked::Find(asked) if asked.cid == cid));
        if searching || self.searches.iter().any(|(waiting, ..)| *waiting == cid) {
            return;
        }
        if self.searching() >= AT_ONCE {
            self.searches.push_back(wanted);
            return;
        }
        let (_, since, twice, ordered) = wanted;
        let made = since.or(sent.map(|sent| sent.made));
        let now_ms = self.broker_ms(c);
        // One that is still to come was told by a clock that has been set since: nobody knows when it was made.
        let made_ms = made
            .map(|made| self.to_broker_ms(made))
            .filter(|made_ms| *made_ms <= now_ms.saturating_add(BEFORE_MS));
        let since_ms = made_ms.unwrap_or(now_ms - UNKNOWN_TIME_MS) - BEFORE_MS;
        let asked = FindAsked {
            cid,
            made_ms,
            twice,
            at: c.now.mono,
        };
        let id = self.ask(Asked::Find(asked), c);
        let position = match &ordered {
            Some(IntentAction::Close { ticket, .. }) => Some(ticket.0),
            _ => None,
        };
        let line = request::find(id, cid.0, since_ms, ordered.as_ref(), position);
        self.send(line, c);
    }

    pub(super) fn found(&mut self, id: Option<u64>, line: &FoundLine, c: &mut Context<'_>) {
        match id.and_then(|id| self.asked.remove(&id)) {
            Some((Asked::TestFind, _)) => self.test_found(Ok(line.clone()), c),
            Some((Asked::Find(asked), _)) if asked.cid.0 == line.cid => {
                self.judge(&asked, line, c);
            }
            Some((Asked::Find(asked), _)) => {
                self.find_failed(&asked, "the answer names another order", c);
            }
            _ => {}
        }
        self.search_next(c);
    }

    /// Begins those that wait, as far as there is room.
    pub(super) fn search_next(&mut self, c: &mut Context<'_>) {
        while self.searching() < AT_ONCE
            && let Some(wanted) = self.searches.pop_front()
        {
            self.find(wanted, c);
        }
    }

    fn searching(&self) -> usize {
        let asked = self.asked.values();
        asked
            .filter(|(asked, _)| matches!(asked, Asked::Find(_)))
            .count()
    }

    fn judge(&mut self, asked: &FindAsked, line: &FoundLine, c: &mut Context<'_>) {
        let cid = asked.cid;
        match line.place {
            Place::Position | Place::Deal if line.volume > Decimal::ZERO => {
                c.memory.looks.remove(&cid);
                self.settle(cid);
                let found = Found::Executed(Fill {
                    ticket: Ticket(line.ticket),
                    deal: Some(Ticket(line.deal)).filter(|deal| deal.0 != 0),
                    volume: line.volume,
                    price: line.price,
                    profit: line.profit,
                });
                c.emit(TerminalEvent::Found { cid, found });
            }
            Place::Done => {
                let sent = c.memory.sent(cid).and_then(|sent| sent.ticket);
                c.memory.looks.remove(&cid);
                self.settle(cid);
                let found = Found::Executed(Fill {
                    ticket: sent.unwrap_or(Ticket(line.ticket)),
                    deal: None,
                    volume: line.volume,
                    price: line.price,
                    profit: Decimal::ZERO,
                });
                c.emit(TerminalEvent::Found { cid, found });
            }
            Place::Position | Place::Deal => {
                not_yet(cid, "it was found, and its volume is not told yet", c);
            }
            Place::WorkingOrder => {
                c.memory.looks.remove(&cid);
                let reason = format!("order #{} is working at the broker", line.ticket);
                not_yet(cid, &reason, c);
            }
            Place::Refused => match class_of(line.retcode) {
                Class::Refused(_) => {
                    c.memory.looks.remove(&cid);
                    self.settle(cid);
                    let message = retcode::sentence(line.retcode);
                    c.emit(TerminalEvent::Answer {
                        cid,
                        outcome: Outcome::Refused(refusal(line.retcode, message)),
                    });
                }
                _ => self.look(asked, line, c),
            },
            Place::History | Place::Nowhere | Place::Sent => self.look(asked, line, c),
        }
    }

    /// How long an order is looked for in vain before it counts as absent. A broker may carry one out minutes after it was
    /// sent, and an Expert Advisor in another folder of the terminal remembers nothing of it.
    fn patience(asked: &FindAsked, line: &FoundLine, c: &Context<'_>) -> Duration {
        let limits = &c.setup.limits;
        // After a restart nobody here knows how far it came.
        let sent = c.memory.sent(asked.cid).is_none_or(|sent| sent.surely);
        match asked.twice {
            Twice::Opens => limits.sent_over,
            Twice::Reverses if sent || line.place == Place::Sent => limits.sent_over,
            Twice::Reverses | Twice::Harmless => limits.looks_over,
        }
    }

    /// One look in vain.
    fn look(&mut self, asked: &FindAsked, line: &FoundLine, c: &mut Context<'_>) {
        let cid = asked.cid;
        let over = Self::patience(asked, line, c);
        if let Some(reason) = self.proves_nothing(asked, line, c) {
            c.memory.looks.remove(&cid);
            return not_yet(cid, &reason, c);
        }
        // Deals came in between the Expert Advisor's own two looks, as they always do on a busy account. This look
        // says nothing; those before were each made on a history that stood still, and count on.
        if !line.sync {
            return not_yet(cid, "the terminal's history is not synchronised", c);
        }
        let now = c.now.mono;
        let wanted = c.setup.limits.looks;
        let pause = over / wanted.max(2);
        let looks = c.memory.looks.entry(cid).or_insert(Looks {
            first: now,
            last: now,
            count: 1,
        });
        if looks.count > 0 && now.saturating_sub(looks.last) >= pause {
            looks.last = now;
            looks.count += 1;
        }
        let looks = *looks;
        let span = now.saturating_sub(looks.first);
        let fresh_book = !self.mending && self.book.is_some() && self.book_asked >= looks.first;
        if looks.count >= wanted && span >= over && fresh_book {
            c.memory.looks.remove(&cid);
            self.settle(cid);
            c.emit(TerminalEvent::Found {
                cid,
                found: Found::Absent,
            });
            return;
        }
        // The proof needs a book that was read after the search began.
        if !fresh_book {
            self.ask_snapshot(c);
        }
        let what = if line.place == Place::Sent {
            "the Expert Advisor sent it and nothing shows it yet"
        } else {
            "it is nowhere"
        };
        let reason = format!(
            "{what}; look {} of {wanted}, {} of {} s",
            looks.count,
            span.as_secs(),
            over.as_secs()
        );
        not_yet(cid, &reason, c);
    }

    /// Why this look does not count.
    fn proves_nothing(
        &self,
        asked: &FindAsked,
        line: &FoundLine,
        c: &Context<'_>,
    ) -> Option<String> {
        let Some(made_ms) = asked.made_ms else {
            return Some("it is not known when the order was made".to_owned());
        };
        if !self.permissions().connected {
            return Some("the terminal has no connection to its trade server".to_owned());
        }
        let now_ms = self.broker_ms(c);
        if line.from_ms > made_ms
            || line.from_ms > line.to_ms
            || line.to_ms < now_ms.saturating_sub(BEFORE_MS)
        {
            return Some(
                "the history that was searched does not cover the order's time".to_owned(),
            );
        }
        let alive = c
            .memory
            .sent(asked.cid)
            .is_some_and(|sent| c.now.mono < sent.sent + sent.ttl);
        alive.then(|| "its time to live is not over".to_owned())
    }

    pub(super) fn find_failed(&mut self, asked: &FindAsked, text: &str, c: &mut Context<'_>) {
        c.memory.looks.remove(&asked.cid);
        let after = c.now.mono.saturating_sub(asked.at).as_secs();
        let reason = format!("the Expert Advisor could not look ({text}, after {after} s)");
        not_yet(asked.cid, &reason, c);
        self.search_next(c);
    }

    pub(super) fn give_up_finds(&mut self, reason: &str, c: &mut Context<'_>) {
        for (cid, ..) in std::mem::take(&mut self.searches) {
            not_yet(cid, reason, c);
        }
        for (asked, _) in self.asked.values() {
            if let Asked::Find(asked) = asked {
                not_yet(asked.cid, reason, c);
            }
        }
    }
}

fn not_yet(cid: Cid, reason: &str, c: &mut Context<'_>) {
    c.emit(TerminalEvent::Found {
        cid,
        found: Found::NotYet {
            reason: reason.to_owned(),
        },
    });
}
