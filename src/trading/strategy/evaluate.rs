//! The decision at a closed bar: which conditions hold, what stands in the way, and if nothing does, the order. The
//! caller evaluates once per closed bar; bars that still form never come in here, so nothing repaints.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::filters::{Look, NewsCalendar, Peer};
use super::language::Language;
use super::order::order;
use super::panel::Panel;
use super::plan::Plan;
use super::program::{Program, Signal};
use super::risk::{TrackRecord, check_limits};
use crate::market::{Position, Quote, Side, SymbolSpec, Timeframe, number_of};

/// Everything a decision may look at.
#[derive(Clone, Copy, Debug)]
pub struct MarketView<'a> {
    /// The closed bars of the plan's symbol and timeframes; the last one has just closed.
    pub panel: &'a Panel,
    /// The plan, made ready for this panel.
    pub program: &'a Program,
    pub quote: Quote,
    pub spec: &'a SymbolSpec,
    /// This strategy's own open positions, from the terminal's book.
    pub positions: &'a [&'a Position],
    /// The market's own clock.
    pub market_time: Timestamp,
    pub balance: Decimal,
    /// What this strategy has done so far, by the books of the caller.
    pub record: TrackRecord,
    /// The calendar of economic news, where there is one.
    pub news: Option<&'a NewsCalendar>,
    /// The symbols that the plan's correlation filter looks at; none where it has no such filter.
    pub peers: &'a [Peer],
    /// Why nothing may be opened now (paused, stopped, terminal away); conditions are evaluated all the same.
    pub entries_blocked: Option<&'a str>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Decision {
    /// Open at the market.
    Enter {
        side: Side,
        volume: Decimal,
        stop_loss: Decimal,
        take_profit: Option<Decimal>,
    },
    Stay {
        why: String,
    },
}

/// One condition at this bar, for "why no trade?"; its words are the plan's.
#[derive(Clone, Debug, PartialEq)]
pub struct ConditionTruth {
    pub side: Side,
    /// Conditions with the same side and the same alternative must hold together.
    pub alternative: usize,
    pub text: Arc<str>,
    /// `None`: it cannot be known.
    pub value: Option<bool>,
    pub left: Option<f64>,
    pub right: Option<f64>,
}

/// One filter at this bar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FilterVerdict {
    pub passes: bool,
    /// The filter, the value and the limit, in words.
    pub text: String,
}

/// A decision with everything that led to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub decision: Decision,
    pub conditions: Vec<ConditionTruth>,
    pub filters: Vec<FilterVerdict>,
}

/// The decision, with the truth of every condition and filter.
pub fn evaluate(plan: &Plan, view: &MarketView<'_>) -> Evaluation {
    if let Err(why) = check_bars(plan, view.panel, view.market_time.as_second()) {
        return Evaluation {
            decision: Decision::Stay { why },
            conditions: Vec::new(),
            filters: Vec::new(),
        };
    }
    let mut findings = Vec::new();
    let signal = (view.program).observe(view.panel, pip_of(view.spec), &mut findings);
    let decision = judge(plan, view, signal).unwrap_or_else(|why| Decision::Stay { why });
    let words = view.program.words().iter();
    let conditions = words
        .zip(findings)
        .map(|((side, alternative, text), finding)| ConditionTruth {
            side: *side,
            alternative: *alternative,
            text: Arc::clone(text),
            value: finding.truth,
            left: finding.left.is_finite().then_some(finding.left),
            right: finding.right.is_finite().then_some(finding.right),
        })
        .collect();
    Evaluation {
        decision,
        conditions,
        filters: verdicts(plan, view),
    }
}

/// What every filter says; one that depends on the direction once for each that the plan has.
fn verdicts(plan: &Plan, view: &MarketView<'_>) -> Vec<FilterVerdict> {
    let mut sides = [Side::Buy, Side::Sell]
        .into_iter()
        .filter(|side| plan.trigger(*side).is_some());
    let first = sides.next().unwrap_or(Side::Buy);
    let second = sides.next();
    let mut verdicts = Vec::new();
    for filter in &plan.filters().all {
        let others = second.filter(|_| filter.is_directed());
        for side in std::iter::once(first).chain(others) {
            let look = Look::of(view, side);
            verdicts.push(FilterVerdict {
                passes: filter.passes(&look),
                text: filter.verdict_words(&look),
            });
        }
    }
    verdicts
}

/// The decision alone.
pub fn decision(plan: &Plan, view: &MarketView<'_>) -> Decision {
    decide(plan, view).unwrap_or_else(|why| Decision::Stay { why })
}

/// One pip of the symbol, in price.
pub fn pip_of(spec: &SymbolSpec) -> f64 {
    number_of(spec.pip())
}

/// A higher timeframe that the plan looks at and whose last closed bar has not come yet.
pub fn awaited(plan: &Plan, panel: &Panel) -> Option<Timeframe> {
    let mut timeframes = plan.warmup().iter().map(|(timeframe, _)| *timeframe);
    timeframes.find(|timeframe| panel.awaits(*timeframe))
}

/// What a decision needs of the bars: enough of each timeframe, the last one closed and not long ago.
pub fn check_bars(plan: &Plan, panel: &Panel, now: i64) -> Result<(), String> {
    check_bars_within(longest_wait(plan.timeframe()), plan, panel, now)
}

/// The same for what closes or protects a position. What the last bar of a week said holds until the market opens again,
/// when nothing else has closed since.
pub(super) fn check_bars_for_exits(plan: &Plan, panel: &Panel, now: i64) -> Result<(), String> {
    let own = longest_wait(plan.timeframe());
    let longest = if panel.is_outdated() {
        own
    } else {
        own.max(longest_wait(Timeframe::D1))
    };
    check_bars_within(longest, plan, panel, now)
}

fn check_bars_within(longest: i64, plan: &Plan, panel: &Panel, now: i64) -> Result<(), String> {
    if let Some(fault) = panel.fault() {
        return Err(format!("{fault}; the bars after it are counted anew"));
    }
    for &(timeframe, needed) in plan.warmup() {
        let have = panel.count(timeframe);
        if have < needed {
            let which = if timeframe == plan.timeframe() {
                "bars".to_owned()
            } else {
                format!("bars of {timeframe}")
            };
            return Err(format!("warming up {have}/{needed} {which}"));
        }
    }
    let Some(last) = panel.last_bar() else {
        return Err("there are no bars".to_owned());
    };
    let since_close = now - last.time.as_second() - plan.timeframe().seconds();
    if since_close < 0 {
        return Err(format!("the bar of {} has not closed", last.time));
    }
    if since_close >= longest {
        return Err(format!(
            "the last closed bar is old: it closed {} minutes ago",
            since_close / 60
        ));
    }
    if let Some(late) = awaited(plan, panel) {
        return Err(format!("the last bar of {late} has not come yet"));
    }
    Ok(())
}

/// Seconds after a bar's close in which it may still be acted on. The tick that shows the close can come late in a thin
/// market; a day's bar waits over a weekend and a holiday for the market to open, a shorter one does not, because the price
/// may have jumped by then.
pub(super) const fn longest_wait(timeframe: Timeframe) -> i64 {
    match timeframe {
        Timeframe::D1 | Timeframe::W1 => 4 * 86_400,
        Timeframe::M1 => 300,
        _ => timeframe.seconds(),
    }
}

/// Names the first condition that nobody can judge, with what is known of it.
fn cannot_be_known(plan: &Plan, view: &MarketView<'_>) -> String {
    let number = |value: f64| {
        if value.is_finite() {
            value.to_string()
        } else {
            "unknown".to_owned()
        }
    };
    let findings = view.program.findings(view.panel, pip_of(view.spec));
    plan.conditions()
        .zip(findings)
        .find(|(_, finding)| finding.truth.is_none())
        .map_or_else(
            || "a condition cannot be known at this bar".to_owned(),
            |((_, _, condition), finding)| {
                format!(
                    "\"{}\" cannot be known at this bar (it compares {} with {})",
                    condition.words(plan.timeframe(), Language::English),
                    number(finding.left),
                    number(finding.right)
                )
            },
        )
}

fn decide(plan: &Plan, view: &MarketView<'_>) -> Result<Decision, String> {
    check_bars(plan, view.panel, view.market_time.as_second())?;
    let signal = view.program.signal(view.panel, pip_of(view.spec));
    judge(plan, view, signal)
}

/// What follows from the conditions, with everything that may stand in the way.
fn judge(plan: &Plan, view: &MarketView<'_>, signal: Signal) -> Result<Decision, String> {
    let Signal { buys, sells } = signal;
    let side = match (buys, sells) {
        (Some(true), Some(true)) => {
            return Err("buying and selling conditions hold at the same bar".to_owned());
        }
        (Some(true), Some(false)) => Side::Buy,
        (Some(false), Some(true)) => Side::Sell,
        (Some(false), Some(false)) => return Err("no entry condition holds".to_owned()),
        _ => return Err(cannot_be_known(plan, view)),
    };
    check_limits(plan, view, side)?;
    let look = Look::of(view, side);
    let factor = (plan.filters().factor(&look)).map_err(|filter| filter.verdict_words(&look))?;
    order(plan, view, side, factor).map_err(|why| format!("{}: {why}", side.name()))
}
