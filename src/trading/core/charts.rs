//! The bars that strategies look at: one panel for each symbol and timeframe that something runs on, its history asked for
//! once and its closed bars taken as they come.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::Effect;
use super::rules::FormerRules;
use super::step::Turn;
use super::trading::Runtime;
use crate::market::{Bar, TerminalRequest, Timeframe};
use crate::strategy::{self, BarFault, Closes, Panel, Plan, Program};

/// Bars asked for beyond the warm-up.
const SPARE_BARS: usize = 50;
/// Most bars of one timeframe asked for.
const MOST_BARS: usize = 6_000;

/// A symbol and the timeframe of the strategies.
pub(super) type ChartKey = (String, Timeframe);

#[derive(Debug)]
pub(super) struct Charted {
    pub panel: Panel,
    /// Of the panel's own timeframe, where a correlation filter compares them.
    pub closes: Option<Closes>,
    /// Bars to ask the terminal for, by timeframe.
    needed: BTreeMap<Timeframe, usize>,
    /// Histories that have come since they were asked for; the panel begins anew when the last one is there.
    arrived: BTreeMap<Timeframe, Vec<Bar>>,
}

impl Charted {
    pub fn new(timeframe: Timeframe) -> Self {
        Self {
            panel: Panel::new(timeframe),
            closes: None,
            needed: BTreeMap::new(),
            arrived: BTreeMap::new(),
        }
    }

    fn register(&mut self, plan: &Plan) -> Program {
        let program = Program::new(plan, &mut self.panel);
        let own = plan.timeframe();
        for &(timeframe, bars) in plan.warmup() {
            let known = self.needed.entry(timeframe).or_default();
            *known = (bars + SPARE_BARS).max(*known);
        }
        // A higher bar is built here from its beginning on.
        let longest = self
            .needed
            .keys()
            .next_back()
            .map_or(own, |longest| *longest);
        let whole = usize::try_from(2 * longest.minutes() / own.minutes()).unwrap_or(usize::MAX);
        let known = self.needed.entry(own).or_default();
        *known = whole.max(*known).min(MOST_BARS);
        program
    }

    /// Keeps closes to compare. Whether more are needed than have been asked for.
    pub fn keep_closes(&mut self, bars: usize) -> bool {
        let own = self.panel.timeframe();
        let known = self.needed.entry(own).or_default();
        *known = (bars + SPARE_BARS).min(MOST_BARS).max(*known);
        let closes = self.closes.get_or_insert_with(|| Closes::new(own));
        closes.keep(bars)
    }

    /// Whether bars closed since the last one that was decided on: while a history is collected, the terminal tells the bars
    /// that close only with it.
    fn take_history(&mut self, timeframe: Timeframe, bars: &[Bar], offset_s: i64) -> bool {
        if !self.panel.timeframes().any(|own| own == timeframe) {
            return false;
        }
        let mut bars = bars.to_vec();
        bars.sort_by_key(|bar| bar.time);
        bars.dedup_by_key(|bar| bar.time);
        self.arrived.insert(timeframe, bars);
        let all = self
            .panel
            .timeframes()
            .all(|timeframe| self.arrived.contains_key(&timeframe));
        if !all {
            return false;
        }
        let before = self.panel.last_bar().map(|bar| bar.time);
        let arrived = std::mem::take(&mut self.arrived);
        let histories: Vec<(Timeframe, &[Bar])> = arrived
            .iter()
            .map(|(timeframe, bars)| (*timeframe, bars.as_slice()))
            .collect();
        self.panel.load(&histories, offset_s);
        if let Some(closes) = &mut self.closes
            && let Some(bars) = arrived.get(&self.panel.timeframe())
        {
            closes.load(bars);
        }
        let after = self.panel.last_bar().map(|bar| bar.time);
        before.is_some() && after > before
    }

    /// A bar that closes while other histories are awaited belongs to those that have come.
    fn take_late(&mut self, timeframe: Timeframe, bar: &Bar) {
        if let Some(bars) = self.arrived.get_mut(&timeframe)
            && bars.last().is_none_or(|last| last.time < bar.time)
        {
            bars.push(*bar);
        }
    }
}

impl Turn<'_> {
    /// A plan with its place at the panel; the terminal is asked for the bars that are new there.
    pub fn runtime(&mut self, plan: Plan) -> Runtime {
        let key = (plan.symbol().to_owned(), plan.timeframe());
        let charted = self
            .state
            .charts
            .entry(key.clone())
            .or_insert_with(|| Charted::new(plan.timeframe()));
        let program = charted.register(&plan);
        let is_new = !charted.panel.is_loaded();
        let (peers, mut due) = self.find_peers(&plan);
        if is_new {
            due.insert(key);
        }
        self.watch_all(due);
        Runtime::new(plan, program, peers)
    }

    /// Plans what strategies ran on before, for the positions that were opened then.
    pub fn plan_former(&mut self) {
        let missing: Vec<FormerRules> = self
            .durable()
            .former
            .iter()
            .filter(|one| !self.state.former.contains_key(&one.key()))
            .cloned()
            .collect();
        for one in missing {
            if let Ok(plan) = self.plan_exits(&one.strategy) {
                let runtime = self.runtime(plan);
                self.state.former.insert(one.key(), runtime);
            }
        }
        let kept: BTreeSet<(String, u64)> =
            self.durable().former.iter().map(FormerRules::key).collect();
        self.state.former.retain(|key, _| kept.contains(key));
    }

    /// Asks a terminal that is there for these series; one that comes is asked for all.
    pub fn watch_all(&mut self, due: BTreeSet<ChartKey>) {
        if self.state.terminal.up {
            for key in due {
                self.watch(&key);
            }
        }
    }

    fn watch(&mut self, (symbol, timeframe): &ChartKey) {
        let Some(charted) = self.state.charts.get_mut(&(symbol.clone(), *timeframe)) else {
            return;
        };
        charted.arrived.clear();
        charted.panel.expect_history();
        let wanted: Vec<Timeframe> = charted.panel.timeframes().collect();
        for timeframe in wanted {
            // The terminal keeps one history for each series, long enough for all who look at it.
            let history = self
                .state
                .charts
                .iter()
                .filter(|((other, _), _)| other == symbol)
                .filter_map(|(_, charted)| charted.needed.get(&timeframe))
                .max()
                .copied()
                .unwrap_or(SPARE_BARS);
            self.effect(Effect::Terminal(TerminalRequest::Watch {
                symbol: symbol.clone(),
                timeframe,
                history,
            }));
        }
    }

    /// The terminal came up: ask again for every series that something runs on.
    pub fn watch_again(&mut self) {
        self.find_peers_again();
        let used: BTreeSet<ChartKey> = self
            .state
            .runtimes
            .values()
            .chain(self.state.candidates.values())
            .chain(self.state.former.values())
            .flat_map(Runtime::series)
            .collect();
        self.state.charts.retain(|key, _| used.contains(key));
        for key in used {
            self.watch(&key);
        }
    }

    pub fn bars_arrived(&mut self, symbol: &str, timeframe: Timeframe, bars: &[Bar]) {
        let offset_s = self.broker_offset();
        let mut due = Vec::new();
        for (key, charted) in &mut self.state.charts {
            if key.0 == symbol && charted.take_history(timeframe, bars, offset_s) {
                due.push(key.clone());
            }
        }
        for key in due {
            self.decide_all(&key);
        }
    }

    pub fn bar_closed(&mut self, symbol: &str, timeframe: Timeframe, bar: Bar) {
        let offset_s = self.broker_offset();
        let mut due = Vec::new();
        let mut late = Vec::new();
        let mut broken = Vec::new();
        for (key, charted) in &mut self.state.charts {
            if key.0 != symbol {
                continue;
            }
            charted.take_late(timeframe, &bar);
            if key.1 == timeframe {
                if let Some(closes) = &mut charted.closes {
                    closes.push(&bar);
                }
                match charted.panel.push(&bar, offset_s) {
                    Ok(()) => due.push(key.clone()),
                    Err(BarFault::Old(_)) => {}
                    Err(BarFault::Unusable(_)) => {
                        due.push(key.clone());
                        broken.push(key.clone());
                    }
                }
            } else {
                charted.panel.push_from_terminal(timeframe, &bar);
                late.push(key.clone());
            }
        }
        for key in due {
            self.decide_all(&key);
            self.care_at_close(&key);
        }
        for key in late {
            self.decide_late(&key);
        }
        for key in broken {
            self.watch(&key);
        }
    }

    fn decide_all(&mut self, key: &ChartKey) {
        self.decide_those(key, |_| true);
    }

    /// Those whose decision waited for the bar of a higher timeframe that is there now.
    fn decide_late(&mut self, key: &ChartKey) {
        self.decide_those(key, |runtime| runtime.waits);
    }

    fn decide_those(&mut self, key: &ChartKey, which: impl Fn(&Runtime) -> bool) {
        let Some(charted) = self.state.charts.get(key) else {
            return;
        };
        let mut due = Vec::new();
        for (id, runtime) in &mut self.state.runtimes {
            if runtime.chart == *key && which(runtime) {
                runtime.waits = strategy::awaited(&runtime.plan, &charted.panel).is_some();
                due.push(id.clone());
            }
        }
        for id in due {
            self.decide(&id);
        }
    }

    /// The broker's clock minus UTC, in seconds.
    fn broker_offset(&self) -> i64 {
        i64::from(self.state.terminal.facts.clock_offset_s)
    }
}
