//! One strategy decided by the program, bar by bar, beside what the other evaluator found.

use std::collections::BTreeMap;
use std::fmt;

use fx_executor::market::Bar;
use fx_executor::strategy::{
    Band, Condition, Finding, Language, Panel, Plan, PlanRequest, Program, Series, plan,
};
use serde_json::{Value, json};

use crate::case::Case;
use crate::filters;

/// Bars that are loaded at once where the terminal has higher bars, as at a start; those after it come one by one.
const LOADED: usize = 300;
/// Values this near, as a part of the larger, are equal; a threshold this near is a tie.
const NEAR: f64 = 1e-9;
/// What is left when two nearly equal prices are subtracted may differ by this part of the price: a few roundings of each.
const ROUNDING: f64 = 1e-14;

#[derive(Default)]
pub struct Counts {
    pub strategies: usize,
    pub refused: usize,
    pub bars: usize,
    pub comparisons: usize,
    /// Comparisons whose truth is known.
    pub known: usize,
    /// Bars with a signal to buy or to sell.
    pub entries: usize,
    /// Values that are not equal bit for bit.
    pub inexact: usize,
    /// Truths that differ because both evaluators see a value on its threshold, each with its own roundings.
    pub ties: BTreeMap<&'static str, usize>,
    pub filters: filters::Counts,
    pub differences: Vec<String>,
}

impl Counts {
    pub fn add(&mut self, other: Self) {
        self.strategies += other.strategies;
        self.refused += other.refused;
        self.bars += other.bars;
        self.comparisons += other.comparisons;
        self.known += other.known;
        self.entries += other.entries;
        self.inexact += other.inexact;
        self.filters.add(other.filters);
        for (kind, count) in other.ties {
            *self.ties.entry(kind).or_default() += count;
        }
        self.differences.extend(other.differences);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} strategies followed and {} refused by both; {} decisions, {} of them signals; {} comparisons, {} of them known; \
             {} values equal to {NEAR} and not bit for bit; ties {:?}; {} filters, {} verdicts, {} of them hold back and {} reduce, \
             {} factors of all filters; {} differences",
            self.strategies,
            self.refused,
            self.bars,
            self.entries,
            self.comparisons,
            self.known,
            self.inexact,
            self.ties,
            self.filters.filters,
            self.filters.verdicts,
            self.filters.blocks,
            self.filters.reductions,
            self.filters.factors,
            self.differences.len()
        )?;
        self.differences
            .iter()
            .try_for_each(|difference| writeln!(f, "{difference}"))
    }
}

/// What filters of rules may be written under, but for the correlation filter.
const FILTERS: [&str; 12] = [
    "sessionFilter",
    "timeFilter",
    "spreadFilter",
    "volatilityFilter",
    "volumeConfirmation",
    "regimeDetection",
    "multiTimeframe",
    "multiTimeframeAnalysis",
    "newsFilter",
    "filters",
    "riskSentimentMonitor",
    "mtfSettings",
];

/// The entry and the filters of stored rules with exits and a volume that can be followed.
fn completed(rules: &Value) -> Value {
    let mut whole = json!({
        "exit": { "stopLoss": { "type": "pips", "value": 20 }, "takeProfit": { "type": "pips", "value": 30 } },
        "riskManagement": { "lotSize": 0.1, "maxPositions": 1 },
    });
    for key in ["entry", "rules"].iter().chain(&FILTERS) {
        if let Some(part) = rules.get(key) {
            whole[key] = part.clone();
        }
    }
    // Of the risk section only this is a filter.
    for key in ["enabled", "reduceInHighVolatility", "volatilityThreshold"] {
        if let Some(value) = rules.get("dynamicRisk").and_then(|risk| risk.get(key)) {
            whole["dynamicRisk"][key] = value.clone();
        }
    }
    // The size of an AI rule's order is no part of its entry.
    for rule in whole
        .get_mut("rules")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(action) = rule.get_mut("action").and_then(Value::as_object_mut) {
            action.remove("parameters");
        }
    }
    whole
}

pub fn compare(case: &Case) -> Counts {
    let mut counts = Counts::default();
    let planned = plan(&PlanRequest {
        rules: &completed(&case.rules),
        settings: &Value::Null,
        options: &Value::Null,
        symbol: &case.symbol,
        timeframe: case.timeframe.name(),
        local_direction: case.chosen,
        allowances: case.allowances,
    });
    match (planned, &case.refused) {
        (Ok(plan), None) => {
            counts.strategies = 1;
            compare_bars(case, &plan, &mut counts);
        }
        (Err(_), Some(_)) => counts.refused = 1,
        (Ok(_), Some(why)) => counts.differences.push(format!(
            "{}: refused only by the other evaluator: {why}",
            case.name
        )),
        (Err(refusal), None) => counts.differences.push(format!(
            "{}: refused only by the program: {:?}",
            case.name, refusal.reasons
        )),
    }
    counts
}

fn compare_bars(case: &Case, plan: &Plan, counts: &mut Counts) {
    let words: Vec<String> = plan
        .conditions()
        .map(|(side, at, condition)| {
            format!(
                "{} {at}: {}",
                side.name(),
                condition.words(plan.timeframe(), Language::English)
            )
        })
        .collect();
    let gauges: Vec<Gauge> = plan
        .conditions()
        .map(|(_, _, condition)| Gauge::of(condition))
        .collect();
    if words.len() != case.comparisons {
        counts.differences.push(format!(
            "{}: the other evaluator makes {} comparisons of {words:#?}",
            case.name, case.comparisons
        ));
        return;
    }
    let found = case.found();
    let mut filters = filters::Comparison::new(case, plan);
    let mut panel = Panel::new(plan.timeframe());
    let program = Program::new(plan, &mut panel);
    let bars = &case.market.bars;
    let loaded = if case.market.terminal.is_empty() {
        0
    } else {
        LOADED
    };
    let own: Vec<Bar> = bars[..loaded].iter().map(|(bar, _)| *bar).collect();
    let mut histories = vec![(plan.timeframe(), own.as_slice())];
    for (timeframe, bars) in &case.market.terminal {
        histories.push((*timeframe, bars.as_slice()));
    }
    panel.load(&histories, bars[loaded.saturating_sub(1)].1);
    let mut before: Vec<Finding> = Vec::new();
    let mut named = vec![false; words.len() + 1];
    for (at, (bar, offset_s)) in bars.iter().enumerate().skip(loaded.saturating_sub(1)) {
        if at >= loaded {
            // An unusable bar is refused, and both evaluators know nothing at it.
            drop(panel.push(bar, *offset_s));
        }
        let findings = program.findings(&panel, case.pip);
        let signal = program.signal(&panel, case.pip);
        let signal = [signal.buys, signal.sells].map(byte);
        let mut tie = false;
        for (number, finding) in findings.iter().enumerate() {
            let place = at * words.len() + number;
            counts.comparisons += 1;
            counts.known += usize::from(finding.truth.is_some());
            let theirs = (found.lefts[place], found.rights[place]);
            let gauge = gauges[number];
            let left = gauge.likeness(finding.left, theirs.0, bar.close);
            let right = gauge.likeness(finding.right, theirs.1, bar.close);
            for one in [left, right] {
                counts.inexact += usize::from(one == Likeness::Near);
            }
            if left != Likeness::None && right != Likeness::None {
                if byte(finding.truth) == found.truths[place] {
                    continue;
                }
                let here = Sides::of(finding, before.get(number));
                let there = found.sides(place, words.len());
                if gauge.is_tie(here, there, bar.close) {
                    tie = true;
                    *counts.ties.entry(gauge.name()).or_default() += 1;
                    continue;
                }
            }
            if !std::mem::replace(&mut named[number], true) {
                counts.differences.push(format!(
                    "{}, bar {at} ({bar:?}), {}: {finding:?} here, {} of {theirs:?} there",
                    case.name, words[number], found.truths[place]
                ));
            }
        }
        counts.bars += 1;
        counts.entries += usize::from(matches!(signal, [1, 0] | [0, 1]));
        if signal != found.signals[at] && !tie && !std::mem::replace(&mut named[words.len()], true)
        {
            counts.differences.push(format!(
                "{}, bar {at}: signal {signal:?} here, {:?} there",
                case.name, found.signals[at]
            ));
        }
        filters.compare(at, &panel);
        before = findings;
    }
    counts.filters.add(filters.counts);
    counts.differences.append(&mut filters.differences);
}

const fn byte(truth: Option<bool>) -> u8 {
    match truth {
        Some(false) => 0,
        Some(true) => 1,
        None => 2,
    }
}

/// Both sides of a comparison before and now.
#[derive(Clone, Copy)]
pub struct Sides {
    pub left: [f64; 2],
    pub right: [f64; 2],
}

impl Sides {
    fn of(now: &Finding, before: Option<&Finding>) -> Self {
        Self {
            left: [before.map_or(f64::NAN, |one| one.left), now.left],
            right: [before.map_or(f64::NAN, |one| one.right), now.right],
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Likeness {
    Exact,
    Near,
    None,
}

/// How far roundings may lead apart what a comparison looks at.
#[derive(Clone, Copy)]
enum Gauge {
    Plain,
    /// The MACD's lines are what is left of two nearly equal averages of prices.
    Difference,
    /// The square of a band's width is what is left of two nearly equal squares of prices. With the deviations.
    Width(f64),
}

impl Gauge {
    fn of(condition: &Condition) -> Self {
        let series = condition.sources().map(|source| source.series);
        series.fold(Self::Plain, |gauge, series| match series {
            Series::Macd { .. } | Series::MacdSignal { .. } | Series::MacdHistogram { .. } => {
                Self::Difference
            }
            Series::Bollinger {
                band: Band::Width,
                deviations,
                ..
            } => Self::Width(f64::from(deviations) / 1_000.0),
            _ => gauge,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "of plain values",
            Self::Difference => "of the MACD's lines",
            Self::Width(_) => "of widths",
        }
    }

    fn likeness(self, ours: f64, theirs: f64, price: f64) -> Likeness {
        if ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()) {
            Likeness::Exact
        } else if self.is_near(ours, theirs, price) {
            Likeness::Near
        } else {
            Likeness::None
        }
    }

    fn is_near(self, one: f64, other: f64, price: f64) -> bool {
        let apart = (one - other).abs();
        apart <= NEAR * one.abs().max(other.abs())
            || match self {
                Self::Plain => false,
                Self::Difference => apart <= ROUNDING * price.abs(),
                Self::Width(deviations) => {
                    apart * (one + other).abs() <= 4.0 * deviations.powi(2) * ROUNDING
                }
            }
    }

    /// Both evaluators see the two sides (of a width that must rise: the two values) within roundings of each other, before or
    /// now, and not the same values: then roundings decide, and differently. Equal values must give equal truths.
    fn is_tie(self, here: Sides, there: Sides, price: f64) -> bool {
        let pairs = |sides: Sides| match self {
            Self::Width(_) => [(sides.left[0], sides.left[1]); 2],
            Self::Plain | Self::Difference => [
                (sides.left[0], sides.right[0]),
                (sides.left[1], sides.right[1]),
            ],
        };
        let near = |(one, other)| self.is_near(one, other, price);
        let exact = |one: f64, other: f64| one.to_bits() == other.to_bits();
        pairs(here)
            .into_iter()
            .zip(pairs(there))
            .any(|(here, there)| {
                near(here) && near(there) && !(exact(here.0, there.0) && exact(here.1, there.1))
            })
    }
}
