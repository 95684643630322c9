//! What a replay came to, for `report.json` and the page. No clock and no path of this machine in it, so the same history
//! gives the same bytes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::account::Drawdown;
use super::continuity::Continuity;
use super::history::History;
use super::run::Replay;
use super::tally::{ConditionCount, Results};
use super::trade::ExitReason;
use super::verdict::Verdicts;
use crate::market::Side;
use crate::strategy::{Filter, Language};

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub strategy: String,
    pub symbol: String,
    pub timeframe: String,
    /// The plan in plain words.
    pub plan: String,
    /// What the rules ask for and the plan does not do.
    pub skipped: Vec<String>,
    /// What was assumed, and what was not counted.
    pub assumptions: Vec<String>,
    /// The first bar's beginning and the last one's end.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub history: Continuity,
    pub unused_files: Vec<String>,
    pub balance_before: Decimal,
    pub balance_after: Decimal,
    pub profit_factor: Option<Decimal>,
    pub results: Results,
    pub buys: Results,
    pub sells: Results,
    pub drawdown: Drawdown,
    /// Deals by what closed them.
    pub exits: BTreeMap<ExitReason, u64>,
    /// Bars after the warm-up.
    pub bars_decided: u64,
    /// Bars needed before the first decision, by timeframe.
    pub warmup: BTreeMap<String, usize>,
    pub bars_in_market: u64,
    pub both_in_one_bar: u64,
    pub opened_beyond: u64,
    pub months: Vec<MonthRow>,
    pub conditions: Vec<ConditionRow>,
    /// Names of the filters, in the order in which `verdicts.filtered` counts.
    pub filters: Vec<String>,
    pub verdicts: Verdicts,
}

#[derive(Clone, Debug, Serialize)]
pub struct MonthRow {
    /// `2024-01`, UTC.
    pub month: String,
    pub positions: u64,
    pub won: u64,
    pub net: Decimal,
    pub balance: Decimal,
}

#[derive(Clone, Debug, Serialize)]
pub struct ConditionRow {
    pub side: Side,
    /// Conditions with the same side and the same alternative must hold together.
    pub alternative: usize,
    pub text: String,
    #[serde(flatten)]
    pub count: ConditionCount,
}

impl Report {
    pub fn new(strategy: &str, replay: &Replay, history: &History, server_clock: &str) -> Self {
        let plan = replay.plan();
        let settings = replay.settings();
        let tally = &replay.tally;
        let conditions = plan
            .conditions()
            .zip(tally.conditions())
            .map(|((side, alternative, condition), count)| ConditionRow {
                side,
                alternative,
                text: condition.words(plan.timeframe(), Language::English),
                count,
            })
            .collect();
        let months = tally
            .months
            .iter()
            .map(|((year, month), sums)| MonthRow {
                month: format!("{year:04}-{month:02}"),
                positions: sums.positions,
                won: sums.won,
                net: sums.net,
                balance: sums.balance,
            })
            .collect();
        Self {
            strategy: strategy.to_owned(),
            symbol: plan.symbol().to_owned(),
            timeframe: plan.timeframe().to_string(),
            plan: plan.sentence(),
            skipped: plan.skipped().iter().map(ToString::to_string).collect(),
            assumptions: assumptions(replay, history, server_clock),
            from: replay.span.map(|(from, _)| from),
            to: replay.span.map(|(_, to)| to),
            history: history.continuity().clone(),
            unused_files: history.unused.clone(),
            balance_before: settings.balance,
            balance_after: replay.account.balance,
            profit_factor: tally.all.profit_factor(),
            results: tally.all.clone(),
            buys: tally.buys.clone(),
            sells: tally.sells.clone(),
            drawdown: Drawdown {
                money: cents(replay.account.drawdown.money),
                percent: cents(replay.account.drawdown.percent),
                at: replay.account.drawdown.at,
            },
            exits: tally.exits.clone(),
            bars_decided: tally.bars,
            warmup: (plan.warmup().iter())
                .map(|(timeframe, bars)| (timeframe.to_string(), *bars))
                .collect(),
            bars_in_market: tally.bars_in_market,
            both_in_one_bar: tally.both_in_one_bar,
            opened_beyond: tally.opened_beyond,
            months,
            conditions,
            filters: plan.filters().all.iter().map(filter_name).collect(),
            verdicts: replay.verdicts.clone(),
        }
    }

    /// The result in one line.
    pub fn headline(&self) -> String {
        if self.bars_decided == 0 {
            let needed: Vec<String> = self
                .warmup
                .iter()
                .map(|(timeframe, bars)| format!("{bars} of {timeframe}"))
                .collect();
            return format!(
                "No bar was decided: the history ends before the indicators are warm (bars needed first: {})",
                needed.join(", ")
            );
        }
        format!(
            "{} positions, {} won, net {}, deepest fall {} ({} %)",
            self.results.positions,
            self.results.won,
            self.results.net.normalize(),
            self.drawdown.money,
            self.drawdown.percent
        )
    }
}

fn cents(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// "HighVolatility" as "high volatility".
pub(super) fn filter_name(filter: &Filter) -> String {
    let variant = match serde_json::to_value(filter) {
        Ok(serde_json::Value::Object(map)) => map.keys().next().cloned(),
        Ok(serde_json::Value::String(text)) => Some(text),
        _ => None,
    };
    let mut words = String::new();
    for letter in variant.unwrap_or_default().chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

fn assumptions(replay: &Replay, history: &History, server_clock: &str) -> Vec<String> {
    let settings = replay.settings();
    let tally = &replay.tally;
    let spread = match (settings.spread_pips, history.has_spread) {
        (Some(pips), _) => format!("The spread is {} pips at all times.", pips.normalize()),
        (None, true) => "The spread is the history's own at each bar.".to_owned(),
        (None, false) => {
            "No spread is counted: none was given and the history has none. Real results are worse."
                .to_owned()
        }
    };
    let mut assumptions = vec![
        format!("Times of the history are {server_clock}; this report is in UTC."),
        "Prices of the history are bid prices. A decision at a bar's close is carried out at the open of the next bar.".to_owned(),
        spread,
        format!(
            "Inside a bar a stop that stood when it began is hit first, whatever else the bar reached ({} times it reached both). Otherwise the price goes from the open to the nearer extreme, to the other one, to the close.",
            tally.both_in_one_bar
        ),
        format!(
            "A level that a bar opens beyond is filled at the open ({} times).",
            tally.opened_beyond
        ),
        format!(
            "The commission is {} for a lot, opened and closed. Swap, slippage and margin are not counted.",
            settings.commission.normalize()
        ),
        format!("For {}, {}.", settings.terms.spec.name, settings.terms.tick_words()),
        "What is open when the history ends is closed at its last price.".to_owned(),
    ];
    if let Some(at) = replay.account.empty_since {
        assumptions.insert(0, format!("Nothing was left of the account at {at}: everything was closed there, and nothing was opened after it."));
    }
    if replay.plan().correlation().is_some() {
        let text = "No position of another strategy is known here, so the correlation filter holds back only where a correlation cannot be told.";
        assumptions.push(text.to_owned());
    }
    assumptions
}
