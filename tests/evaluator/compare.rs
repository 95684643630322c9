//! One strategy decided by the program, bar by bar, beside what the other evaluator found.

use std::fmt;

use fx_executor::market::Bar;
use fx_executor::strategy::{Finding, Panel, Plan, PlanRequest, Program, Series, plan};
use serde_json::{Value, json};

use crate::case::{Case, Found};

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
    /// Truths that differ because both sides see the value on its threshold.
    pub ties: usize,
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
        self.ties += other.ties;
        self.differences.extend(other.differences);
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} strategies followed and {} refused by both; {} decisions, {} of them signals; {} comparisons, {} of them known; \
             {} values equal to {NEAR} and not bit for bit; {} ties; {} differences",
            self.strategies,
            self.refused,
            self.bars,
            self.entries,
            self.comparisons,
            self.known,
            self.inexact,
            self.ties,
            self.differences.len()
        )?;
        self.differences
            .iter()
            .try_for_each(|difference| writeln!(f, "{difference}"))
    }
}

/// The entry of stored rules with exits and a volume that can be followed.
fn completed(rules: &Value) -> Value {
    let mut whole = json!({
        "exit": { "stopLoss": { "type": "pips", "value": 20 }, "takeProfit": { "type": "pips", "value": 30 } },
        "riskManagement": { "lotSize": 0.1, "maxPositions": 1 },
    });
    for key in ["entry", "rules"] {
        if let Some(entry) = rules.get(key) {
            whole[key] = entry.clone();
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
                condition.words(plan.timeframe())
            )
        })
        .collect();
    let subtracted: Vec<bool> = plan
        .conditions()
        .map(|(_, _, condition)| is_subtracted(condition.left.series))
        .collect();
    if words.len() != case.comparisons {
        counts.differences.push(format!(
            "{}: the other evaluator makes {} comparisons of {words:#?}",
            case.name, case.comparisons
        ));
        return;
    }
    let found = case.found();
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
            let left = Likeness::of(finding.left, theirs.0, subtracted[number], bar.close);
            let right = Likeness::of(finding.right, theirs.1, subtracted[number], bar.close);
            for one in [left, right] {
                counts.inexact += usize::from(one == Likeness::Near);
            }
            if left != Likeness::None && right != Likeness::None {
                if byte(finding.truth) == found.truths[place] {
                    continue;
                }
                if is_tie(&found, place, words.len(), finding, before.get(number)) {
                    tie = true;
                    counts.ties += 1;
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
        before = findings;
    }
}

/// The MACD's lines are what is left of two nearly equal averages.
const fn is_subtracted(series: Series) -> bool {
    matches!(
        series,
        Series::Macd { .. } | Series::MacdSignal { .. } | Series::MacdHistogram { .. }
    )
}

const fn byte(truth: Option<bool>) -> u8 {
    match truth {
        Some(false) => 0,
        Some(true) => 1,
        None => 2,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Likeness {
    Exact,
    Near,
    None,
}

impl Likeness {
    fn of(ours: f64, theirs: f64, subtracted: bool, price: f64) -> Self {
        if ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()) {
            Self::Exact
        } else if near(ours, theirs)
            || (subtracted && (ours - theirs).abs() <= ROUNDING * price.abs())
        {
            Self::Near
        } else {
            Self::None
        }
    }
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() <= NEAR * one.abs().max(other.abs())
}

/// Both evaluators see the two sides within a billionth of each other, now or before.
fn is_tie(
    found: &Found,
    place: usize,
    row: usize,
    now: &Finding,
    before: Option<&Finding>,
) -> bool {
    let theirs = |place: usize| near(found.lefts[place], found.rights[place]);
    (near(now.left, now.right) && theirs(place))
        || before.is_some_and(|one| near(one.left, one.right) && theirs(place - row))
}
