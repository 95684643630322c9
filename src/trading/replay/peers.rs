//! The other symbols that a correlation filter looks at: their files, told by their names, and their closes as history goes
//! on. A replay has positions of its own strategy alone, so in another symbol nothing is ever open.

use std::path::PathBuf;

use super::clock::ServerClock;
use super::history::{History, named, other_symbol};
use super::reader::HistoryError;
use super::run::Replay;
use crate::market::{Bar, Side};
use crate::strategy::{Closes, Correlation, Peer, Plan};

/// Closes by symbol; `None` where no file has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    own: Option<Closes>,
    /// In the order of the filter's symbols.
    others: Vec<Option<Closes>>,
}

/// Where the next bar of a file belongs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    Own,
    Other(usize),
}

/// The files of a replay by whose bars they are.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Of the strategy's symbol, as far as their names tell.
    pub own: Vec<PathBuf>,
    /// Of the symbols that the correlation filter names, in its order.
    others: Vec<Vec<PathBuf>>,
}

impl Files {
    pub fn of(plan: &Plan, paths: &[PathBuf]) -> Self {
        let symbols = plan.correlation().map_or(&[][..], |one| &one.symbols);
        let mut files = Self {
            own: Vec::new(),
            others: vec![Vec::new(); symbols.len()],
        };
        for path in paths {
            let is_of = |symbol: &String| symbol != plan.symbol() && named(path, symbol);
            let other = symbols.iter().position(is_of);
            match other.filter(|_| !named(path, plan.symbol())) {
                Some(at) => files.others[at].push(path.clone()),
                None => files.own.push(path.clone()),
            }
        }
        files
    }
}

impl History {
    /// Gives a replay the bars that its correlation filter compares. Symbols that no file has come back, each in a sentence.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn compare(
        &mut self,
        replay: &mut Replay,
        files: &Files,
        clock: &ServerClock,
    ) -> Result<Vec<String>, HistoryError> {
        let plan = replay.plan();
        let own = plan.symbol().to_owned();
        let others = |plan: &Plan| {
            let filter = plan.correlation()?;
            let others = filter.symbols.iter().enumerate();
            let others = others.filter(|(_, one)| **one != own);
            let others: Vec<_> = others.map(|(at, one)| (at, one.clone())).collect();
            (!others.is_empty()).then(|| (filter.timeframe, filter.bars(), others))
        };
        let Some((timeframe, bars, others)) = others(plan) else {
            return Ok(Vec::new());
        };
        let closes = || {
            let mut closes = Closes::new(timeframe);
            closes.keep(bars);
            closes
        };
        let mut missing = Vec::new();
        let usual = plan.timeframe();
        let wanted = (timeframe, usual);
        let of_own = files.own.iter();
        let of_own: Vec<PathBuf> = of_own
            .filter(|path| other_symbol(path, &own).is_none())
            .cloned()
            .collect();
        let has_own = self.add_compared(Place::Own, &of_own, wanted, clock)?;
        replay.peers.own = has_own.then(closes);
        replay.peers.others = vec![None; files.others.len()];
        for (at, name) in others {
            let place = Place::Other(at);
            if !has_own {
                missing.push(format!(
                    "no file has bars of {own} {timeframe} to compare those of {name} with"
                ));
            } else if self.add_compared(place, &files.others[at], wanted, clock)? {
                replay.peers.others[at] = Some(closes());
            } else {
                missing.push(format!("no file has bars of {name} {timeframe}"));
            }
        }
        Ok(missing)
    }
}

impl Replay {
    /// Takes a bar to compare that closed before the plan's next bar begins.
    pub(super) fn push_compared(&mut self, place: Place, bar: &Bar) {
        let closes = match place {
            Place::Own => self.peers.own.as_mut(),
            Place::Other(at) => self.peers.others.get_mut(at).and_then(Option::as_mut),
        };
        if let Some(closes) = closes {
            closes.push(bar);
        }
    }

    /// What the correlation filter looks at, at the last closed bar.
    pub(super) fn peers(&self) -> Vec<Peer> {
        if !self.compares {
            return Vec::new();
        }
        let (Some(filter), Some(last)) = (self.plan.correlation(), self.panel.last_bar()) else {
            return Vec::new();
        };
        let own = self.plan.symbol();
        let has = |side: Side| self.holdings.iter().any(|one| one.position.side == side);
        let itself = || Peer {
            name: own.to_owned(),
            correlation: Correlation::Known(1.0),
            bought: has(Side::Buy),
            sold: has(Side::Sell),
        };
        if filter.symbols.is_empty() {
            let is_open = !self.holdings.is_empty();
            return is_open.then(itself).into_iter().collect();
        }
        let window = filter.window(last.time.as_second());
        let correlation = |at: usize| match self.peers.others.get(at) {
            Some(Some(other)) => self
                .peers
                .own
                .as_ref()
                .map_or(Correlation::Unknown { pairs: 0 }, |own| {
                    own.correlation(other, window, filter.least())
                }),
            _ => Correlation::NoSymbol,
        };
        let names = filter.symbols.iter().enumerate();
        names
            .map(|(at, name)| {
                if name == own {
                    return itself();
                }
                Peer {
                    name: name.clone(),
                    correlation: correlation(at),
                    bought: false,
                    sold: false,
                }
            })
            .collect()
    }
}
