//! Which markets are closed now, by the sessions that the broker lists: a weekend, a holiday, the nightly break.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::State;
use crate::market::SymbolSpec;

/// The markets of what runs here, by the broker's sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MarketHours {
    pub closed: Vec<ClosedMarket>,
    /// How many are open.
    pub open: usize,
}

impl MarketHours {
    /// Nothing can trade now, and nothing is wrong.
    pub const fn all_closed(&self) -> bool {
        self.open == 0 && !self.closed.is_empty()
    }

    /// When the first of the closed ones opens.
    pub fn opens(&self) -> Option<Timestamp> {
        self.closed.iter().filter_map(|closed| closed.opens).min()
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClosedMarket {
    pub symbol: String,
    pub opens: Option<Timestamp>,
}

impl State {
    /// The hours of the symbols that strategies run on or positions are open in; of all symbols when there are none.
    pub(super) fn market_hours(&self) -> MarketHours {
        let Some(time) = self.terminal.market_time.filter(|_| self.terminal.up) else {
            return MarketHours::default();
        };
        let charted = self.charts.keys().map(|(symbol, _)| symbol.as_str());
        let held = self
            .own_positions()
            .map(|position| position.symbol.as_str());
        let wanted: BTreeSet<&str> = charted.chain(held).collect();
        if wanted.is_empty() {
            return self.hours_of_all(time);
        }
        let mut hours = MarketHours::default();
        let specs = wanted
            .iter()
            .filter_map(|symbol| self.terminal.symbols.get(*symbol));
        for spec in specs {
            match self.closed(spec, time) {
                Some(closed) => hours.closed.push(closed),
                None => hours.open += 1,
            }
        }
        hours
    }

    /// Nothing is said of single symbols that nobody uses; when all are closed, the first to open stands for them.
    fn hours_of_all(&self, time: Timestamp) -> MarketHours {
        let mut first: Option<ClosedMarket> = None;
        for spec in self.terminal.symbols.values() {
            let Some(closed) = self.closed(spec, time) else {
                return MarketHours::default();
            };
            let opens = |one: &ClosedMarket| one.opens.unwrap_or(Timestamp::MAX);
            if first
                .as_ref()
                .is_none_or(|first| opens(&closed) < opens(first))
            {
                first = Some(closed);
            }
        }
        MarketHours {
            closed: first.into_iter().collect(),
            open: 0,
        }
    }

    fn closed(&self, spec: &SymbolSpec, time: Timestamp) -> Option<ClosedMarket> {
        let broker = time.as_second() + i64::from(self.terminal.facts.clock_offset_s);
        if spec.terms.is_open(broker) {
            return None;
        }
        let minutes = spec.terms.opens_in(broker);
        let opens = minutes.and_then(|minutes| {
            let whole = time - SignedDuration::from_secs(broker.rem_euclid(60));
            whole.checked_add(SignedDuration::from_mins(minutes)).ok()
        });
        Some(ClosedMarket {
            symbol: spec.name.clone(),
            opens,
        })
    }
}
