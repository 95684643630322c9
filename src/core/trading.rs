//! Running strategies: one decision at each closed bar, and the care for open positions at each quote.
//!
//! "Has a position" comes from the terminal's book alone. While the book lags behind an order, nothing is decided.

use std::collections::BTreeMap;
use std::time::Duration;

use super::charts::ChartKey;
use super::durable::{Purpose, StrategyEntry};
use super::effect::LogLevel;
use super::handle::strategy_of;
use super::orders::OrderEnd;
use super::snapshot::StrategyState;
use super::step::Turn;
use crate::market::{IntentAction, Position, Quote, Side, Ticket};
use crate::strategy::{
    self, Adjustment, Decision, Filter, MarketView, Opened, Plan, Program, TrackRecord,
};

/// Least slippage accepted for a strategy's entry, in points; wide spreads allow twice themselves.
const ENTRY_DEVIATION: u32 = 20;
/// At most one change of a position in this time.
const EXIT_PAUSE: Duration = Duration::from_secs(1);

/// A planned strategy at its panel.
#[derive(Debug)]
pub(super) struct Runtime {
    pub plan: Plan,
    program: Program,
    pub last_decision: String,
    exits_at: BTreeMap<Ticket, Duration>,
}

impl Runtime {
    pub const fn new(plan: Plan, program: Program) -> Self {
        Self {
            plan,
            program,
            last_decision: String::new(),
            exits_at: BTreeMap::new(),
        }
    }

    pub fn chart(&self) -> ChartKey {
        (self.plan.symbol().to_owned(), self.plan.timeframe())
    }

    pub fn is_on(&self, (symbol, timeframe): &ChartKey) -> bool {
        self.plan.symbol() == symbol && self.plan.timeframe() == *timeframe
    }
}

impl Turn<'_> {
    pub fn decide(&mut self, id: &str) {
        let Some(strategy) = self.durable().strategies.get(id) else {
            return;
        };
        if strategy.state != StrategyState::Running && strategy.state != StrategyState::Paused {
            return;
        }
        let strategy = strategy.clone();
        let decision = self.evaluate(&strategy);
        let (said, action) = match decision {
            Ok(Decision::Enter {
                side,
                volume,
                stop_loss,
                take_profit,
            }) => {
                let said = format!("{} {volume} {}", side.name(), strategy.symbol);
                let action = IntentAction::Open {
                    symbol: strategy.symbol.clone(),
                    side,
                    volume,
                    stop_loss: Some(stop_loss),
                    take_profit,
                    deviation: self.entry_deviation(&strategy.symbol),
                };
                (said, Some((action, volume)))
            }
            Ok(Decision::Stay { why }) | Err(why) => (why, None),
        };
        let said = match action {
            None => said,
            Some((action, volume)) => match self.entry_refusal(&strategy.symbol, volume) {
                Some(reason) => format!("{said} was not opened: {reason}"),
                None => {
                    self.log(
                        LogLevel::Info,
                        "strategy",
                        format!("{}: {said}", strategy.name),
                    );
                    let purpose = Purpose::Entry {
                        strategy: id.to_owned(),
                    };
                    self.submit(action, purpose);
                    said
                }
            },
        };
        self.decided(id, said);
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

    fn decided(&mut self, id: &str, said: String) {
        if let Some(runtime) = self.state.runtimes.get_mut(id) {
            runtime.last_decision = said;
        }
    }

    /// What the rules say at the last closed bar, or why nobody can tell.
    fn evaluate(&self, strategy: &StrategyEntry) -> Result<Decision, String> {
        let runtime = self
            .state
            .runtimes
            .get(&strategy.id)
            .ok_or("it is not planned")?;
        let panel = self.state.panel(&runtime.plan).ok_or("it has no bars")?;
        let view = &self.state.terminal;
        let book = view.book.as_ref().filter(|_| !self.state.book_behind);
        let book = book.ok_or("the terminal's list of positions is not up to date")?;
        let in_doubt = self.durable().intents.values().any(|entry| {
            entry.purpose
                == Purpose::Entry {
                    strategy: strategy.id.clone(),
                }
        });
        if in_doubt {
            return Err("an earlier order of this strategy has no certain outcome yet".to_owned());
        }
        let quote = *view.quotes.get(&strategy.symbol).ok_or("no price yet")?;
        let spec = view
            .symbols
            .get(&strategy.symbol)
            .ok_or("the terminal does not know the symbol")?;
        let positions: Vec<&Position> = book
            .positions
            .iter()
            .filter(|position| position.is_own() && strategy_of(position) == strategy.number)
            .collect();
        let paused =
            (strategy.state == StrategyState::Paused).then(|| "the strategy is paused".to_owned());
        let blocked = paused.or_else(|| self.state.entry_block(self.now));
        let decision = strategy::decision(
            &runtime.plan,
            &MarketView {
                panel,
                program: &runtime.program,
                quote,
                spec,
                positions: &positions,
                market_time: view.market_time.unwrap_or(quote.time),
                balance: view
                    .account
                    .as_ref()
                    .map(|account| account.balance)
                    .unwrap_or_default(),
                record: self.track_record(strategy),
                news: self.state.config.news.as_deref(),
                entries_blocked: blocked.as_deref(),
            },
        );
        // Whatever the rules say: nothing opens while entries are blocked.
        match (decision, blocked) {
            (Decision::Enter { side, .. }, Some(reason)) => {
                Err(format!("{} signal, but {reason}", side.name()))
            }
            (decision, _) => Ok(decision),
        }
    }

    /// Whether what runs is this plan; the settings of this computer may have changed since it was made.
    pub fn runs_as(&self, id: &str, plan: &Plan) -> bool {
        let runtime = self.state.runtimes.get(id);
        runtime.is_some_and(|runtime| runtime.plan == *plan)
    }

    /// How far the calendar reaches that the plan's news filter goes by.
    pub fn calendar_note(&self, plan: &Plan) -> Option<String> {
        let news = |filter: &Filter| matches!(filter, Filter::News(_));
        let asked = plan.filters().all.iter().any(news);
        let last = self.state.config.news.as_ref()?.events().last()?;
        asked.then(|| {
            format!(
                "the news calendar reaches to {}; nothing is opened after that day",
                last.time.strftime("%Y-%m-%d")
            )
        })
    }

    /// What the strategy has done and what is open, orders on their way among it.
    fn track_record(&self, strategy: &StrategyEntry) -> TrackRecord {
        let time = self.state.terminal.market_time.unwrap_or(self.now.utc);
        let opening = self.durable().intents.values();
        let opening = opening.filter_map(|entry| match &entry.intent.action {
            IntentAction::Open { symbol, .. } => Some(symbol),
            _ => None,
        });
        let open = self.state.own_positions().map(|position| &position.symbol);
        let symbols: Vec<&String> = open.chain(opening).collect();
        let here = symbols.iter().filter(|symbol| ***symbol == strategy.symbol);
        TrackRecord {
            open_in_symbol: here.count(),
            open_at_all: symbols.len(),
            ..self.durable().day.record(strategy.number, time)
        }
    }

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
        };
        let name = self
            .durable()
            .strategies
            .get(strategy)
            .map_or_else(|| strategy.to_owned(), |entry| entry.name.clone());
        self.log(LogLevel::Info, "strategy", format!("{name}: {said}"));
        self.decided(strategy, said);
    }

    pub fn quoted(&mut self, symbol: &str, quote: Quote) {
        self.state.terminal.quotes.insert(symbol.to_owned(), quote);
        if self.state.book_behind || !self.state.terminal.up {
            return;
        }
        let own: Vec<Position> = self
            .state
            .own_positions()
            .filter(|position| position.symbol == symbol)
            .cloned()
            .collect();
        for position in own {
            self.care_for(&position, quote);
        }
    }

    /// Trailing, partial closes and time exits; they go on for stopped and paused strategies too.
    fn care_for(&mut self, position: &Position, quote: Quote) {
        let cid = crate::market::Cid(position.magic);
        let Some(id) = self
            .durable()
            .strategy_by_number(cid.strategy())
            .map(|strategy| strategy.id.clone())
        else {
            return;
        };
        if self.position_has_order(position.ticket) {
            return;
        }
        let Some(opened) = self.durable().openings.get(&cid).copied() else {
            return;
        };
        let now = self.now.mono;
        let market_time = self.state.terminal.market_time.unwrap_or(quote.time);
        let Some(spec) = self.state.terminal.symbols.get(&position.symbol) else {
            return;
        };
        let Some(runtime) = self.state.runtimes.get_mut(&id) else {
            return;
        };
        let last = runtime.exits_at.get(&position.ticket);
        if last.is_some_and(|last| now.saturating_sub(*last) < EXIT_PAUSE) {
            return;
        }
        let opened = Opened {
            volume: opened.volume,
            stop_loss: opened.stop_loss,
        };
        let Some(adjustment) =
            strategy::manage(&runtime.plan, position, &opened, quote, spec, market_time)
        else {
            return;
        };
        runtime
            .exits_at
            .retain(|_, at| now.saturating_sub(*at) < Duration::from_secs(60));
        runtime.exits_at.insert(position.ticket, now);
        let ticket = position.ticket;
        let (action, why) = match adjustment {
            Adjustment::MoveStop { stop_loss, why } => (
                IntentAction::Modify {
                    ticket,
                    stop_loss: Some(stop_loss),
                    take_profit: position.take_profit,
                },
                why,
            ),
            Adjustment::Close { volume, why } => (IntentAction::Close { ticket, volume }, why),
        };
        self.log(
            LogLevel::Info,
            "strategy",
            format!("Position {ticket}: {why}"),
        );
        self.submit(action, Purpose::Exit { strategy: id });
    }

    fn position_has_order(&self, ticket: Ticket) -> bool {
        self.durable()
            .intents
            .values()
            .any(|entry| match entry.intent.action {
                IntentAction::Close { ticket: other, .. }
                | IntentAction::Modify { ticket: other, .. }
                | IntentAction::Cancel { ticket: other } => other == ticket,
                IntentAction::Open { .. } => false,
            })
    }
}

/// The price at which a position would be closed now.
pub(super) const fn closing_price(side: Side, quote: Quote) -> rust_decimal::Decimal {
    match side {
        Side::Buy => quote.bid,
        Side::Sell => quote.ask,
    }
}
