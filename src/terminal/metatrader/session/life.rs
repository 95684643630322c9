//! Signs of life and of damage: heartbeats, round trips, silence, lost lines.

use std::time::Duration;

use super::active::{Active, Asked};
use super::{Context, End, words};
use crate::terminal::metatrader::request;

/// Proof of life is told so often.
const ALIVE_EVERY: Duration = Duration::from_secs(1);
/// The round trip is measured so often: after each, the Expert Advisor listens without a pause for a moment, which costs
/// the trader's processor time.
const PING_EVERY: Duration = Duration::from_secs(5);
const DAMAGE_WINDOW: Duration = Duration::from_secs(60);

impl Active {
    pub(super) fn ponged(&mut self, id: Option<u64>, c: &mut Context<'_>) {
        match id.and_then(|id| self.asked.remove(&id)) {
            Some((Asked::Ping { at }, _)) => self.latency = c.now.mono.saturating_sub(at),
            Some((Asked::TestPing { at }, _)) => {
                self.test_ponged(c.now.mono.saturating_sub(at), c);
            }
            _ => {}
        }
    }

    /// Something of the EA was lost: a snapshot comes before anything else is believed.
    pub(super) fn damaged(&mut self, what: &str, c: &mut Context<'_>) -> Result<(), End> {
        let now = c.now.mono;
        self.damages
            .retain(|at| now.saturating_sub(*at) < DAMAGE_WINDOW);
        self.damages.push(now);
        c.log(true, format!("The link was damaged: {what}."));
        if self.damages.len() >= c.setup.limits.damage {
            return Err(End::new(Some("proto"), words::damaged(what)));
        }
        c.memory.looks.clear();
        self.doubt_flights("a line of the Expert Advisor was lost", c);
        self.give_up_finds("a line of the Expert Advisor was lost", c);
        self.give_up_test("a line of the Expert Advisor was lost", c);
        // Orders stay: their answers are definite whenever they come.
        self.asked
            .retain(|_, (asked, _)| matches!(asked, Asked::Order { .. } | Asked::Ping { .. }));
        if self.is_up() {
            self.mending = true;
            self.ask_snapshot(c);
            self.ask_deals(c);
            self.collect_again(c);
        } else {
            self.open_again(c);
        }
        Ok(())
    }

    pub fn tick(&mut self, c: &mut Context<'_>) -> Result<(), End> {
        let now = c.now.mono;
        let limits = c.setup.limits;
        let silence = now.saturating_sub(self.heard);
        match self.busy {
            Some((_, since)) if now.saturating_sub(since) >= limits.dead_busy => {
                let seconds = limits.dead_busy.as_secs();
                return Err(End::new(None, words::silent_in_order(seconds)));
            }
            None if silence >= limits.dead => {
                return Err(End::new(None, words::silent(limits.dead.as_secs())));
            }
            _ => {}
        }
        if !self.is_up() {
            self.opening_tick(c)?;
        } else if self.busy.is_none() && self.is_listless(c) {
            return Err(End::new(None, words::listless(limits.listing.as_secs())));
        } else {
            self.served(c);
        }
        if now.saturating_sub(self.spoke) >= limits.quiet {
            self.beats += 1;
            self.send(request::heartbeat(self.beats, self.beat_seen), c);
        }
        Ok(())
    }

    /// Whoever cannot be asked for his positions is no terminal to trade at, however alive.
    fn is_listless(&self, c: &Context<'_>) -> bool {
        let since = self.unlisted;
        since.is_some_and(|since| c.now.mono.saturating_sub(since) >= c.setup.limits.listing)
    }

    /// The regular work of a link that is up.
    fn served(&mut self, c: &mut Context<'_>) {
        self.ask_again(c);
        self.search_next(c);
        self.read_again(c);
        self.hint_tick(c);
        self.flights_tick(c);
        self.series_tick(c);
        self.test_tick(c);
        let now = c.now.mono;
        if now.saturating_sub(self.alive) < ALIVE_EVERY {
            return;
        }
        // Only what was heard is a proof of life.
        if self.heard >= self.alive {
            self.tell_alive(c);
        }
        self.alive = now;
        let pinging = self
            .asked
            .values()
            .any(|(asked, _)| matches!(asked, Asked::Ping { .. }));
        let rested = self
            .pinged
            .is_none_or(|at| now.saturating_sub(at) >= PING_EVERY);
        if !pinging && rested {
            self.pinged = Some(now);
            let id = self.ask(Asked::Ping { at: now }, c);
            self.send(request::ping(id), c);
        }
    }

    /// Listings without an answer are asked for again.
    fn ask_again(&mut self, c: &mut Context<'_>) {
        let now = c.now.mono;
        let limit = c.setup.limits.answer;
        if self.busy.is_some() {
            return;
        }
        let late: Vec<u64> = self
            .asked
            .iter()
            .filter(|(_, (asked, at))| {
                now.saturating_sub(*at) >= limit
                    && matches!(
                        asked,
                        Asked::Snapshot(_) | Asked::Deals(_) | Asked::Rates | Asked::Find(_)
                    )
            })
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            match self.asked.remove(&id) {
                Some((Asked::Snapshot(_), _)) => self.ask_snapshot(c),
                Some((Asked::Deals(_), _)) => self.ask_deals(c),
                Some((Asked::Rates, _)) => self.rates_failed(id, 0, "no answer", c),
                Some((Asked::Find(asked), _)) => self.find_failed(&asked, "no answer", c),
                _ => {}
            }
        }
    }
}
