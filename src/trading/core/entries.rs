//! From the decision to open to what became of it. A decision counts as an entry only where a position came of its order.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::decided::Decided;
use super::durable::Purpose;
use super::effect::{Effect, LogLevel};
use super::orders::OrderEnd;
use super::step::Turn;
use super::trading::Decider;
use crate::market::{IntentAction, Side};
use crate::strategy::Evaluation;

/// Least slippage accepted for a strategy's entry, in points; wide spreads allow twice themselves.
const ENTRY_DEVIATION: u32 = 20;

impl Turn<'_> {
    /// Opens, or thinks of opening.
    pub(super) fn enter(
        &mut self,
        strategy: &Decider,
        (side, volume): (Side, Decimal),
        (stop_loss, take_profit): (Decimal, Option<Decimal>),
        (shadow, evaluation): (bool, Option<Evaluation>),
    ) {
        let said = format!("{} {volume} {}", side.name(), strategy.symbol);
        if let Some(reason) = self.entry_refusal(&strategy.symbol, volume) {
            let verdict = format!("{said} was not opened: {reason}");
            return self.decided_at_bar(strategy, shadow, (verdict, false), evaluation);
        }
        let mode = if shadow { " (shadow)" } else { "" };
        self.log(
            LogLevel::Info,
            "strategy",
            format!("{}{mode}: {said}", strategy.name),
        );
        if !shadow {
            let verdict = format!("{said} ordered, without an outcome yet");
            self.decided_at_bar(strategy, shadow, (verdict, false), evaluation);
            if let Some(runtime) = self.state.runtimes.get_mut(&strategy.id) {
                runtime.ordered = runtime.decided.clone().map(|decided| (decided, said));
            }
            let action = IntentAction::Open {
                symbol: strategy.symbol.clone(),
                side,
                volume,
                stop_loss: Some(stop_loss),
                take_profit,
                deviation: self.entry_deviation(&strategy.symbol),
            };
            let purpose = Purpose::Entry {
                strategy: strategy.id.clone(),
            };
            self.submit(action, purpose);
            return;
        }
        let quote = self.state.terminal.quotes.get(&strategy.symbol).copied();
        let at = self.state.terminal.market_time;
        if let (Some(runtime), Some(quote)) = (self.state.runtimes.get_mut(&strategy.id), quote) {
            let levels = (stop_loss, take_profit);
            let by = (strategy.number, at.unwrap_or(quote.time));
            let shadow = &mut runtime.shadow;
            shadow.open(&strategy.symbol, (side, volume), levels, quote, by);
        }
        let verdict = format!("{said} (shadow: nothing was ordered)");
        self.decided_at_bar(strategy, shadow, (verdict, true), evaluation);
    }

    pub(super) fn decided_at_bar(
        &mut self,
        strategy: &Decider,
        shadow: bool,
        (verdict, entered): (String, bool),
        evaluation: Option<Evaluation>,
    ) {
        let state = &mut self.state;
        let runtime = state.runtimes.get_mut(&strategy.id);
        if let Some(runtime) = runtime
            && let Some(charted) = state.charts.get(&runtime.chart)
            && let Some(bar) = charted.panel.last_bar().map(|bar| bar.time)
        {
            let (conditions, filters) =
                evaluation.map_or_else(Default::default, |all| (all.conditions, all.filters));
            let decided = Arc::new(Decided {
                strategy: strategy.id.clone(),
                name: strategy.name.clone(),
                symbol: strategy.symbol.clone(),
                timeframe: runtime.plan.timeframe(),
                bar,
                at: self.now.utc,
                shadow,
                entered,
                verdict: verdict.clone(),
                conditions,
                filters,
            });
            runtime.decided = Some(Arc::clone(&decided));
            self.effect(Effect::Decided(decided));
        }
        self.decided(&strategy.id, verdict);
    }

    fn entry_deviation(&self, symbol: &str) -> u32 {
        let view = &self.state.terminal;
        let spread = view
            .quotes
            .get(symbol)
            .zip(view.symbols.get(symbol))
            .and_then(|(quote, spec)| (quote.ask - quote.bid).checked_div(spec.point))
            .and_then(|points| u32::try_from(points.trunc()).ok())
            .unwrap_or(0);
        ENTRY_DEVIATION.max(spread.saturating_mul(2))
    }

    /// What became of the order, for the window, the log and the record of the bar that it was decided at.
    pub fn entry_ended(&mut self, strategy: &str, end: &OrderEnd) {
        let said = match end {
            OrderEnd::Done(fill) => format!(
                "opened {} lots at {}, ticket {}",
                fill.volume, fill.price, fill.ticket
            ),
            OrderEnd::Refused(refusal) => {
                format!("the terminal refused the order: {}", refusal.message)
            }
            OrderEnd::NotExecuted(reason) => format!("not opened: {reason}"),
            OrderEnd::GivenUp(reason) => format!("nobody knows whether it opened: {reason}"),
            OrderEnd::Astray { words, .. } => words.clone(),
        };
        let name = self
            .durable()
            .strategies
            .get(strategy)
            .map_or_else(|| strategy.to_owned(), |entry| entry.name.clone());
        self.log(LogLevel::Info, "strategy", format!("{name}: {said}"));
        self.decided(strategy, said);
        self.order_settled(strategy, end);
    }

    fn order_settled(&mut self, strategy: &str, end: &OrderEnd) {
        let Some(runtime) = self.state.runtimes.get_mut(strategy) else {
            return;
        };
        let Some((ordered, said)) = runtime.ordered.take() else {
            return;
        };
        let (entered, verdict) = match end {
            OrderEnd::Done(_) => (true, said),
            OrderEnd::Refused(refusal) => {
                let why = &refusal.message;
                (false, format!("{said} ordered, and refused: {why}"))
            }
            OrderEnd::NotExecuted(why) => (false, format!("{said} ordered, and not opened: {why}")),
            OrderEnd::GivenUp(words) | OrderEnd::Astray { words, .. } => {
                (false, format!("{said} ordered: {words}"))
            }
        };
        let settled = Arc::new(Decided {
            entered,
            verdict,
            ..(*ordered).clone()
        });
        if runtime
            .decided
            .as_ref()
            .is_some_and(|last| last.bar == settled.bar)
        {
            runtime.decided = Some(Arc::clone(&settled));
        }
        self.effect(Effect::Decided(settled));
    }
}
