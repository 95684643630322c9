//! The decision at a closed bar: which conditions hold, what stands in the way, and if nothing does, the order. The
//! caller evaluates once per closed bar; bars that still form never come in here, so nothing repaints.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::Serialize;

use super::condition::{Condition, Operand, Pair};
use super::entry::{Term, Trigger};
use super::indicator::Series;
use super::order::order;
use super::plan::Plan;
use super::risk::LossLimit;
use crate::market::{Bar, Position, Quote, Side, SymbolSpec, Timeframe, TradeMode};

/// Everything a decision may look at.
#[derive(Clone, Copy, Debug)]
pub struct MarketView<'a> {
    /// Closed bars of the plan's symbol and timeframe, oldest first; the last one has just closed.
    pub bars: &'a [Bar],
    pub quote: Quote,
    pub spec: &'a SymbolSpec,
    /// This strategy's own open positions, from the terminal's book.
    pub positions: &'a [&'a Position],
    /// The market's own clock.
    pub market_time: Timestamp,
    pub balance: Decimal,
    /// What this strategy has realised on this UTC day, in account currency.
    pub realised_today: Decimal,
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

/// One condition at this bar, for "why no trade?".
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConditionTruth {
    pub side: Side,
    /// Conditions with the same side and the same alternative must hold together.
    pub alternative: usize,
    pub text: String,
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

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    pub decision: Decision,
    pub conditions: Vec<ConditionTruth>,
    pub filters: Vec<FilterVerdict>,
}

pub fn evaluate(plan: &Plan, view: &MarketView<'_>) -> Evaluation {
    if let Err(why) = check_bars(plan, view) {
        return Evaluation {
            decision: Decision::Stay { why },
            conditions: Vec::new(),
            filters: Vec::new(),
        };
    }
    let values = Values::of(plan, view.bars);
    let mut conditions = Vec::new();
    let [buys, sells] = [Side::Buy, Side::Sell].map(|side| {
        plan.trigger(side).map_or(Some(false), |trigger| {
            judge(trigger, side, &values, &mut conditions)
        })
    });
    let filters = judge_filters(plan, view, &values);
    let decision = decide(plan, view, &values, (buys, sells), &conditions, &filters)
        .unwrap_or_else(|why| Decision::Stay { why });
    Evaluation {
        decision,
        conditions,
        filters,
    }
}

fn check_bars(plan: &Plan, view: &MarketView<'_>) -> Result<(), String> {
    let needed = plan.warmup_bars();
    if view.bars.len() < needed {
        return Err(format!("warming up {}/{needed} bars", view.bars.len()));
    }
    let sound = |bar: &Bar| {
        [bar.open, bar.high, bar.low, bar.close]
            .iter()
            .all(|price| price.is_finite() && *price > 0.0)
    };
    if let Some(bad) = view.bars.iter().find(|bar| !sound(bar)) {
        return Err(format!("the bar of {} holds no usable prices", bad.time));
    }
    if let Some(pair) = view
        .bars
        .windows(2)
        .find(|pair| pair[0].time >= pair[1].time)
    {
        return Err(format!("the bar of {} is out of order", pair[1].time));
    }
    let length = plan.timeframe.seconds();
    if let Some(last) = view.bars.last() {
        let since_close = view.market_time.as_second() - last.time.as_second() - length;
        if since_close < 0 {
            return Err(format!("the bar of {} has not closed", last.time));
        }
        if since_close >= longest_wait(plan.timeframe) {
            return Err(format!(
                "the last closed bar is old: it closed {} minutes ago",
                since_close / 60
            ));
        }
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

/// The last two values of every series of the plan.
pub(super) struct Values {
    pairs: Vec<(Series, Pair)>,
    close: f64,
}

impl Values {
    fn of(plan: &Plan, bars: &[Bar]) -> Self {
        let pairs = plan
            .series()
            .into_iter()
            .map(|series| {
                let pair = match series.values(bars).as_slice() {
                    [.., previous, last] => (*previous, *last),
                    _ => (f64::NAN, f64::NAN),
                };
                (series, pair)
            })
            .collect();
        Self {
            pairs,
            close: bars.last().map_or(f64::NAN, |bar| bar.close),
        }
    }

    pub fn pair(&self, series: Series) -> Pair {
        self.pairs
            .iter()
            .find(|(own, _)| *own == series)
            .map_or((f64::NAN, f64::NAN), |(_, pair)| *pair)
    }

    fn truth(&self, condition: &Condition) -> (Option<bool>, Pair, Pair) {
        let left = self.pair(condition.left);
        let right = match condition.right {
            Operand::Number(number) => (number, number),
            Operand::Series(series) => self.pair(series),
        };
        (condition.truth(left, right, self.close), left, right)
    }
}

/// Alternatives: true if one is known to hold, unknown if none is and one cannot be known.
fn judge(
    trigger: &Trigger,
    side: Side,
    values: &Values,
    truths: &mut Vec<ConditionTruth>,
) -> Option<bool> {
    let mut any = Some(false);
    for (alternative, term) in trigger.terms().iter().enumerate() {
        let all = judge_term(term, side, alternative, values, truths);
        any = match (any, all) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        };
    }
    any
}

fn judge_term(
    term: &Term,
    side: Side,
    alternative: usize,
    values: &Values,
    truths: &mut Vec<ConditionTruth>,
) -> Option<bool> {
    let mut all = Some(true);
    for condition in term.conditions() {
        let (value, left, right) = values.truth(condition);
        truths.push(ConditionTruth {
            side,
            alternative,
            text: condition.words(),
            value,
            left: left.1.is_finite().then_some(left.1),
            right: right.1.is_finite().then_some(right.1),
        });
        all = match (all, value) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        };
    }
    all
}

fn judge_filters(plan: &Plan, view: &MarketView<'_>, values: &Values) -> Vec<FilterVerdict> {
    let filters = &plan.filters;
    let pip = view.spec.pip();
    let mut verdicts = Vec::new();
    if let Some(session) = &filters.session {
        let open = session.sessions.iter().any(|s| s.is_open(view.market_time));
        let names: Vec<&str> = session.sessions.iter().map(|s| s.name()).collect();
        let names = names.join(", ");
        verdicts.push(FilterVerdict {
            passes: open,
            text: if open {
                format!("session open ({names})")
            } else {
                format!("outside the sessions ({names})")
            },
        });
    }
    if let Some(most) = filters.max_spread_pips {
        let spread = (view.quote.ask - view.quote.bid)
            .checked_div(pip)
            .unwrap_or(Decimal::MAX)
            .round_dp(2)
            .normalize();
        verdicts.push(FilterVerdict {
            passes: spread <= most,
            text: format!("spread {spread} pips, at most {most}"),
        });
    }
    let in_pips = |atr: f64| {
        let pips = Decimal::from_f64(atr)?.checked_div(pip)?;
        Some(pips.round_dp(2).normalize())
    };
    if let Some(band) = filters.volatility {
        let atr = in_pips(values.pair(Series::Atr(band.period)).1);
        let passes = atr.is_some_and(|atr| {
            band.min_pips.is_none_or(|min| atr >= min) && band.max_pips.is_none_or(|max| atr <= max)
        });
        let value = atr.map_or_else(|| "unknown".to_owned(), |atr| format!("{atr} pips"));
        let limits = match (band.min_pips, band.max_pips) {
            (Some(min), Some(max)) => format!("between {min} and {max}"),
            (Some(min), None) => format!("at least {min}"),
            (None, Some(max)) => format!("at most {max}"),
            (None, None) => "any".to_owned(),
        };
        verdicts.push(FilterVerdict {
            passes,
            text: format!("ATR {} {value}, {limits}", band.period),
        });
    }
    if let Some(high) = filters.high_volatility {
        let percent = Decimal::from_f64(values.pair(Series::Atr(14)).1 / values.close * 100.0)
            .map(|percent| percent.round_dp(4).normalize());
        let value = percent.map_or_else(|| "unknown".to_owned(), |p| format!("{p} %"));
        verdicts.push(FilterVerdict {
            passes: percent.is_some_and(|percent| percent <= high.above_percent),
            text: format!(
                "ATR 14 is {value} of the price, at most {} %",
                high.above_percent
            ),
        });
    }
    verdicts
}

/// Names the first condition that nobody can judge, with what is known of it.
fn cannot_be_known(conditions: &[ConditionTruth]) -> String {
    let number = |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |v| v.to_string());
    conditions
        .iter()
        .find(|condition| condition.value.is_none())
        .map_or_else(
            || "a condition cannot be known at this bar".to_owned(),
            |condition| {
                format!(
                    "\"{}\" cannot be known at this bar (it compares {} with {})",
                    condition.text,
                    number(condition.left),
                    number(condition.right)
                )
            },
        )
}

fn decide(
    plan: &Plan,
    view: &MarketView<'_>,
    values: &Values,
    truth: (Option<bool>, Option<bool>),
    conditions: &[ConditionTruth],
    filters: &[FilterVerdict],
) -> Result<Decision, String> {
    let side = match truth {
        (Some(true), Some(true)) => {
            return Err("buying and selling conditions hold at the same bar".to_owned());
        }
        (Some(true), Some(false)) => Side::Buy,
        (Some(false), Some(true)) => Side::Sell,
        (Some(false), Some(false)) => return Err("no entry condition holds".to_owned()),
        _ => return Err(cannot_be_known(conditions)),
    };
    check_limits(plan, view, side)?;
    if let Some(blocking) = filters.iter().find(|filter| !filter.passes) {
        return Err(blocking.text.clone());
    }
    order(plan, view, values, side).map_err(|why| format!("{}: {why}", side.name()))
}

fn check_limits(plan: &Plan, view: &MarketView<'_>, side: Side) -> Result<(), String> {
    if let Some(why) = view.entries_blocked {
        return Err(why.to_owned());
    }
    if let Some(open) = view.positions.iter().find(|position| position.side == side) {
        return Err(format!(
            "already has a {} position open ({})",
            side.name(),
            open.ticket
        ));
    }
    if view.positions.len() >= plan.sizing.max_positions as usize {
        return Err(format!(
            "has {} of at most {} positions open",
            view.positions.len(),
            plan.sizing.max_positions
        ));
    }
    let floating: Decimal = view.positions.iter().map(|position| position.profit).sum();
    let today = view.realised_today + floating.min(Decimal::ZERO);
    for limit in &plan.sizing.daily_loss {
        let most = match limit {
            LossLimit::Money(money) => *money,
            LossLimit::PercentOfBalance(percent) => {
                (view.balance * *percent / Decimal::ONE_HUNDRED).max(Decimal::ZERO)
            }
        };
        if -today >= most {
            return Err(format!(
                "today's loss of {} has reached the limit of {}",
                (-today).round_dp(2).normalize(),
                most.round_dp(2).normalize()
            ));
        }
    }
    match (view.spec.trade_mode, side) {
        (TradeMode::Full, _)
        | (TradeMode::LongOnly, Side::Buy)
        | (TradeMode::ShortOnly, Side::Sell) => Ok(()),
        _ => Err(format!(
            "the broker does not allow opening a {} position in {}",
            side.name(),
            view.spec.name
        )),
    }
}
