//! The symbols beside a strategy's own that its correlation filter looks at: which of the terminal's they are, their bars,
//! and what this program has open in them.

use std::collections::{BTreeMap, BTreeSet};

use super::charts::{ChartKey, Charted};
use super::state::{Config, State};
use super::step::Turn;
use super::trading::Runtime;
use crate::market::{IntentAction, Side, SymbolSpec, Timeframe, Unresolved, resolve};
use crate::strategy::{Correlation, CorrelationFilter, Panel, Peer, Plan};

/// A symbol as rules name it, and the terminal's, or why there is none.
pub(super) type Named = (String, Result<String, String>);

impl Turn<'_> {
    /// What the correlation filter of a plan looks at, and the series whose history must be asked for.
    pub fn find_peers(&mut self, plan: &Plan) -> (Vec<Named>, BTreeSet<ChartKey>) {
        let named = self.state.named_peers(plan);
        let due = keep_closes(&mut self.state.charts, plan, &named);
        (named, due)
    }

    /// The terminal came up, perhaps of another broker, or the symbol map changed: all are found anew. The series whose
    /// history must be asked for come back.
    pub fn find_peers_again(&mut self) -> BTreeSet<ChartKey> {
        let State {
            runtimes,
            candidates,
            charts,
            terminal,
            config,
            ..
        } = &mut *self.state;
        let mut due = BTreeSet::new();
        for runtime in runtimes.values_mut().chain(candidates.values_mut()) {
            runtime.peers = named_by(&runtime.plan, &terminal.symbols, config);
            due.extend(keep_closes(charts, &runtime.plan, &runtime.peers));
        }
        due
    }

    /// A filter that names no symbol looks at those in which something is open: their bars are asked for when the first
    /// position is seen.
    pub fn watch_open_symbols(&mut self) {
        let any = |runtime: &Runtime| {
            let filter = runtime.plan.correlation();
            filter
                .filter(|one| one.symbols.is_empty())
                .map(|one| (one.timeframe, one.bars()))
        };
        let wanted: BTreeSet<(Timeframe, usize)> =
            self.state.runtimes.values().filter_map(any).collect();
        if wanted.is_empty() {
            return;
        }
        let open: BTreeSet<String> = self.open_now().into_iter().map(|(one, _)| one).collect();
        let mut due = BTreeSet::new();
        for (timeframe, bars) in wanted {
            for symbol in &open {
                let key = (symbol.clone(), timeframe);
                let charted = self.state.charts.entry(key.clone());
                let charted = charted.or_insert_with(|| Charted::new(timeframe));
                if charted.keep_closes(bars) {
                    due.insert(key);
                }
            }
        }
        self.watch_all(due);
    }

    /// Symbol and direction of every position of this program, and of orders that may become one.
    fn open_now(&self) -> Vec<(String, Side)> {
        let orders = self.durable().intents.values();
        let orders = orders.filter_map(|entry| match &entry.intent.action {
            IntentAction::Open { symbol, side, .. } => Some((symbol.clone(), *side)),
            _ => None,
        });
        self.state
            .own_positions()
            .map(|position| (position.symbol.clone(), position.side))
            .chain(orders)
            .collect()
    }

    /// What the correlation filter of a strategy looks at, at the last closed bar of its panel.
    pub fn peers(&self, runtime: &Runtime, panel: &Panel) -> Vec<Peer> {
        let (Some(filter), Some(last)) = (runtime.plan.correlation(), panel.last_bar()) else {
            return Vec::new();
        };
        let open = self.open_now();
        let named: Vec<Named> = if filter.symbols.is_empty() {
            let symbols: BTreeSet<&String> = open.iter().map(|(symbol, _)| symbol).collect();
            let itself = |symbol: &String| (symbol.clone(), Ok(symbol.clone()));
            symbols.into_iter().map(itself).collect()
        } else {
            runtime.peers.clone()
        };
        let began = last.time.as_second();
        named
            .into_iter()
            .map(|(name, symbol)| {
                let symbol = symbol.ok();
                let has = |side| {
                    (open.iter()).any(|(one, own)| Some(one) == symbol.as_ref() && *own == side)
                };
                Peer {
                    name,
                    bought: has(Side::Buy),
                    sold: has(Side::Sell),
                    correlation: match &symbol {
                        Some(symbol) => {
                            self.correlation(filter, runtime.plan.symbol(), symbol, began)
                        }
                        None => Correlation::NoSymbol,
                    },
                }
            })
            .collect()
    }

    fn correlation(
        &self,
        filter: &CorrelationFilter,
        own: &str,
        other: &str,
        began: i64,
    ) -> Correlation {
        if own == other {
            return Correlation::Known(1.0);
        }
        let closes = |symbol: &str| {
            let key = (symbol.to_owned(), filter.timeframe);
            self.state.charts.get(&key)?.closes.as_ref()
        };
        match closes(own).zip(closes(other)) {
            Some((own, other)) => own.correlation(other, filter.window(began), filter.least()),
            None => Correlation::Unknown { pairs: 0 },
        }
    }

    /// A series of the correlation filter that has not come yet.
    pub fn missing_series(&self, runtime: &Runtime) -> Option<ChartKey> {
        let filter = runtime.plan.correlation()?;
        let all = series_of(runtime.plan.symbol(), filter.timeframe, &runtime.peers);
        let is_loaded = |key: &ChartKey| {
            let charted = self.state.charts.get(key);
            charted.is_some_and(|charted| charted.panel.is_loaded())
        };
        all.into_iter().find(|key| !is_loaded(key))
    }
}

impl Runtime {
    /// The series that it looks at.
    pub fn series(&self) -> BTreeSet<ChartKey> {
        let filter = self.plan.correlation();
        let mut all = filter.map_or_else(BTreeSet::new, |filter| {
            series_of(self.plan.symbol(), filter.timeframe, &self.peers)
        });
        all.insert(self.chart.clone());
        all
    }
}

impl State {
    /// The terminal's symbols for those that a plan's correlation filter names.
    pub(super) fn named_peers(&self, plan: &Plan) -> Vec<Named> {
        named_by(plan, &self.terminal.symbols, &self.config)
    }
}

fn named_by(plan: &Plan, symbols: &BTreeMap<String, SymbolSpec>, config: &Config) -> Vec<Named> {
    let names = plan.correlation().map_or(&[][..], |one| &one.symbols);
    let find = |name: &String| match resolve(name, symbols, &config.symbol_map) {
        Ok(spec) => Ok(spec.name.clone()),
        // What nobody may trade, as brokers often show an index, has bars all the same.
        Err(Unresolved::ViewOnly { name, .. }) => Ok(name),
        Err(unresolved) => Err(unresolved.to_string()),
    };
    names
        .iter()
        .map(|name| (name.clone(), find(name)))
        .collect()
}

/// Keeps the closes that a plan's correlation filter compares. The series of which more is needed than before come back.
fn keep_closes(
    charts: &mut BTreeMap<ChartKey, Charted>,
    plan: &Plan,
    peers: &[Named],
) -> BTreeSet<ChartKey> {
    let Some(filter) = plan.correlation() else {
        return BTreeSet::new();
    };
    let timeframe = filter.timeframe;
    let all = series_of(plan.symbol(), timeframe, peers);
    let mut keeps_more = |key: &ChartKey| {
        let charted = charts.entry(key.clone());
        let charted = charted.or_insert_with(|| Charted::new(timeframe));
        charted.keep_closes(filter.bars())
    };
    all.into_iter().filter(|key| keeps_more(key)).collect()
}

fn series_of(own: &str, timeframe: Timeframe, peers: &[Named]) -> BTreeSet<ChartKey> {
    let others = peers.iter().filter_map(|(_, symbol)| symbol.as_ref().ok());
    std::iter::once(own)
        .chain(others.map(String::as_str))
        .map(|symbol| (symbol.to_owned(), timeframe))
        .collect()
}
