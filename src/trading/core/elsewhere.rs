//! Own positions on accounts that the terminal is not logged in to now. They are as open as the list of their account showed
//! them last, so nothing is said to be closed or not open on their behalf: who means them waits until the terminal is back.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::json;

use super::command::Command;
use super::durable::{Durable, IntentEntry, OpenCommand};
use super::handle::{Verdict, details};
use super::record::Record;
use super::snapshot::TerminalMode;
use super::state::State;
use super::step::Turn;
use crate::market::{AccountId, Cid, Fill, IntentAction, Position, Ticket};

/// Own positions of an account, by their tickets.
pub(super) type Held = BTreeMap<Ticket, Position>;

/// What is open, or may be, on accounts that are not there.
#[derive(Debug, Default)]
pub(super) struct Away {
    pub tickets: Vec<Ticket>,
    /// A line for each account.
    pub lines: Vec<String>,
    /// One of the accounts may come back.
    pub is_awaited: bool,
}

impl Away {
    /// `None`: nothing is.
    pub fn words(&self) -> Option<String> {
        (!self.lines.is_empty()).then(|| self.lines.join("; "))
    }
}

impl Durable {
    pub(super) fn hold(&mut self, account: &AccountId, shown: &[Position], gone: &[Ticket]) {
        let held = self.held.entry(account.clone()).or_default();
        for ticket in gone {
            held.remove(ticket);
        }
        for position in shown {
            held.insert(position.ticket, position.clone());
        }
        if held.is_empty() {
            self.held.remove(account);
        }
    }

    /// Own positions of every account, as its list showed them last.
    pub fn positions_shown(&self) -> impl Iterator<Item = (&AccountId, &Position)> {
        let accounts = self.held.iter();
        accounts.flat_map(|(account, held)| held.values().map(move |position| (account, position)))
    }
}

impl State {
    /// Own positions of other accounts, as their lists showed them last.
    pub(super) fn held_elsewhere(&self) -> impl Iterator<Item = (&AccountId, &Position)> {
        let here = self.durable.account.as_ref();
        let others = self.durable.held.iter();
        others
            .filter(move |(account, _)| here != Some(*account))
            .flat_map(|(account, held)| held.values().map(move |position| (account, position)))
    }

    /// Whether this is the ticket of an own position that is on another account, and of none here.
    pub(super) fn is_elsewhere(&self, ticket: Ticket) -> bool {
        self.own_position(ticket).is_none()
            && self
                .held_elsewhere()
                .any(|(_, position)| position.ticket == ticket)
    }

    /// What to add to a count of positions.
    pub(super) fn and_elsewhere(&self) -> String {
        let away = self.away(|_, _| true, |_| false);
        away.words()
            .map_or_else(String::new, |words| format!("; {words}"))
    }

    /// What falls under the emergency stop and is on other accounts.
    pub(super) fn left_elsewhere(&self) -> Away {
        let before = self
            .durable
            .stop
            .as_ref()
            .and_then(|stop| stop.opened_before);
        let within = |time| before.is_none_or(|limit| time < limit);
        self.away(
            |account, held| within(self.ordered_at(held)) && !self.is_forgotten(account),
            |entry| {
                let given = self.durable.given.get(&entry.intent.cid);
                let ordered = given.and_then(|given| given.ordered_at);
                within(ordered.unwrap_or_else(|| self.by_platform_clock(entry.made_at)))
            },
        )
    }

    /// When an own position was ordered, by the platform's clock. Where nobody wrote that down it is by the terminal's, which
    /// is taken for this computer's.
    pub(super) fn ordered_at(&self, position: &Position) -> Timestamp {
        let given = self.durable.given.get(&Cid(position.magic));
        given
            .and_then(|given| given.ordered_at)
            .unwrap_or_else(|| self.by_platform_clock(position.opened_at))
    }

    /// What is open on accounts that were forgotten: nothing waits for it, and nothing is said to be closed on its behalf.
    pub(super) fn forgotten(&self, wanted: impl Fn(&Position) -> bool) -> Vec<String> {
        let of = |account: &AccountId, position: &Position| {
            self.is_forgotten(account) && wanted(position)
        };
        self.away(of, |_| false).lines
    }

    /// The trader said that this account does not come back.
    pub(super) fn is_forgotten(&self, account: &AccountId) -> bool {
        self.durable.forgotten.contains(account)
    }

    /// What of these is on other accounts: positions, and orders to open of which nobody knows what became of them.
    pub(super) fn away(
        &self,
        position: impl Fn(&AccountId, &Position) -> bool,
        opening: impl Fn(&IntentEntry) -> bool,
    ) -> Away {
        let Some(here) = &self.durable.account else {
            return Away::default();
        };
        let mut tickets: BTreeMap<&AccountId, Vec<Ticket>> = BTreeMap::new();
        for (account, held) in self.held_elsewhere() {
            if position(account, held) {
                tickets.entry(account).or_default().push(held.ticket);
            }
        }
        let mut is_awaited = tickets.keys().any(|account| !self.is_forgotten(account));
        let here = if self.terminal.up {
            format!("the terminal is logged in to {}", here.masked())
        } else {
            format!(
                "the terminal is away and was logged in to {}",
                here.masked()
            )
        };
        let positions = tickets.iter().map(|(account, tickets)| {
            let numbers: Vec<String> = tickets.iter().map(ToString::to_string).collect();
            let what = match numbers.as_slice() {
                [one] => format!("position {one} is"),
                many => format!("positions {} are", many.join(", ")),
            };
            let there = if self.is_forgotten(account) {
                ", which was forgotten at this machine: close it in MetaTrader".to_owned()
            } else {
                format!(", and {here}")
            };
            format!("{what} on account {}{there}", account.masked())
        });
        let positions: Vec<String> = positions.collect();
        let openings = self.durable.intents.values().filter_map(|entry| {
            let account = entry.account.as_ref()?;
            let opens = matches!(entry.intent.action, IntentAction::Open { .. });
            let meant = opens && Some(account) != self.durable.account.as_ref() && opening(entry);
            meant.then(|| {
                format!(
                    "{} was sent on account {} and has no certain outcome, and {here}",
                    entry.intent.action,
                    account.masked()
                )
            })
        });
        let openings: Vec<String> = openings.collect();
        is_awaited |= !openings.is_empty();
        Away {
            tickets: tickets.into_values().flatten().collect(),
            lines: [positions, openings].concat(),
            is_awaited,
        }
    }
}

impl Turn<'_> {
    /// A list of positions came, or deals that change what of it is ours: kept for the time after the terminal leaves this
    /// account. The paper terminal's positions are nobody's money and stay with it.
    pub fn note_held(&mut self) {
        if self.state.config.mode != TerminalMode::MetaTrader || self.state.fresh_book().is_none() {
            return;
        }
        let Some(account) = self.durable().account.clone() else {
            return;
        };
        let none = Held::new();
        let known = self.durable().held.get(&account).unwrap_or(&none);
        let mut gone: BTreeSet<Ticket> = known.keys().copied().collect();
        let mut positions = Vec::new();
        for own in self.state.own_positions() {
            gone.remove(&own.ticket);
            if known
                .get(&own.ticket)
                .is_none_or(|known| differs(known, own))
            {
                positions.push(what_is_kept(own));
            }
        }
        let gone: Vec<Ticket> = gone.into_iter().collect();
        // No two positions have one client id: what is here is not elsewhere, the broker's server has another name now.
        let moved = self.state.held_elsewhere().filter(|(_, held)| {
            let mut own = self.state.own_positions();
            own.any(|own| own.magic == held.magic)
        });
        let moved: Vec<(AccountId, Ticket)> = moved
            .map(|(account, held)| (account.clone(), held.ticket))
            .collect();
        self.hold(account, positions, gone);
        for (account, ticket) in moved {
            self.hold(account, Vec::new(), vec![ticket]);
        }
    }

    /// An opening is done; the terminal may leave the account before a list shows the position.
    pub(super) fn hold_opened(&mut self, entry: &IntentEntry, fill: &Fill) {
        let IntentAction::Open { symbol, side, .. } = &entry.intent.action else {
            return;
        };
        let account = entry.account.as_ref().or(self.durable().account.as_ref());
        let Some(account) = account.cloned() else {
            return;
        };
        let known = self.durable().held.get(&account);
        if self.state.config.mode != TerminalMode::MetaTrader
            || known.is_some_and(|held| held.contains_key(&fill.ticket))
        {
            return;
        }
        let position = Position {
            ticket: fill.ticket,
            symbol: symbol.clone(),
            side: *side,
            volume: fill.volume,
            open_price: fill.price,
            stop_loss: None,
            take_profit: None,
            profit: Decimal::ZERO,
            price: Decimal::ZERO,
            magic: entry.intent.cid.0,
            comment: String::new(),
            opened_at: self.state.terminal.market_time.unwrap_or(self.now.utc),
        };
        self.hold(account, vec![position], Vec::new());
    }

    fn hold(&mut self, account: AccountId, shown: Vec<Position>, gone: Vec<Ticket>) {
        if !shown.is_empty() || !gone.is_empty() {
            self.record(Record::Held {
                account,
                shown,
                gone,
                at: self.now.utc,
            });
        }
    }

    /// A command names a ticket of another account.
    pub(super) fn wait_for_account(&self, command: &Command, ticket: Ticket) -> Option<Verdict> {
        if self.state.own_position(ticket).is_some() {
            return None;
        }
        let away = self.state.away(|_, held| held.ticket == ticket, |_| false);
        let words = away.words()?;
        Some(if self.is_over(command, &away) {
            Verdict::Failed {
                message: words,
                details: details(&[
                    ("open", json!(away.lines)),
                    ("tickets", json!(away.tickets)),
                ]),
            }
        } else {
            Verdict::Wait { reason: words }
        })
    }

    /// What a closing command still has on other accounts.
    pub(super) fn closes_elsewhere(&self, open: &OpenCommand) -> Away {
        let chosen = open.tickets.iter().flatten();
        let chosen: Vec<Ticket> = chosen.copied().collect();
        self.state.away(
            |_, held| {
                open.awaited.contains(&Cid(held.magic))
                    || (chosen.contains(&held.ticket)
                        && self.state.own_position(held.ticket).is_none())
            },
            |entry| open.awaited.contains(&entry.intent.cid),
        )
    }

    /// Nobody waits any longer for what this command has elsewhere.
    pub(super) fn is_over(&self, command: &Command, away: &Away) -> bool {
        !away.is_awaited || self.state.time_for(command, self.now) > command.expiry()
    }
}

fn differs(known: &Position, own: &Position) -> bool {
    let facts = |one: &Position| (one.magic, one.side, one.volume);
    facts(known) != facts(own) || known.symbol != own.symbol
}

/// Without what moves with every tick and every following stop.
fn what_is_kept(own: &Position) -> Position {
    Position {
        stop_loss: None,
        take_profit: None,
        profit: Decimal::ZERO,
        price: Decimal::ZERO,
        comment: String::new(),
        ..own.clone()
    }
}
