//! Running strategies: one decision at each closed bar, and the care for open positions at each quote.
//! "Has a position" comes from the terminal's book alone. While the book lags behind an order, nothing is decided.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;

use super::charts::ChartKey;
use super::decided::Decided;
use super::durable::{IntentEntry, Progress, Purpose};
use super::effect::LogLevel;
use super::handle::strategy_of;
use super::peers::Named;
use super::rules::FormerRules;
use super::shadow::Shadow;
use super::snapshot::StrategyState;
use super::step::Turn;
use crate::market::{Cid, IntentAction, LevelChange, Position, Quote, Side, Ticket};
use crate::strategy::{
    self, Adjustment, Decision, Evaluation, Filter, MarketView, Opened, Plan, PositionView,
    Program, TrackRecord,
};

/// At most one change of a position in this time.
const EXIT_PAUSE: Duration = Duration::from_secs(1);

/// A planned strategy at its panel.
#[derive(Debug)]
pub(super) struct Runtime {
    pub plan: Plan,
    /// The bars that it looks at.
    pub chart: ChartKey,
    pub program: Program,
    /// The symbols that its correlation filter names.
    pub peers: Vec<Named>,
    /// The last bar is not decided on yet: one of a higher timeframe is missing.
    pub waits: bool,
    pub last_decision: String,
    pub decided: Option<Arc<Decided>>,
    /// The last decision that an order came of, and the order in words.
    pub ordered: Option<(Arc<Decided>, String)>,
    pub shadow: Shadow,
    exits_at: BTreeMap<Ticket, Duration>,
}

impl Runtime {
    pub fn new(plan: Plan, program: Program, peers: Vec<Named>) -> Self {
        Self {
            chart: (plan.symbol().to_owned(), plan.timeframe()),
            plan,
            program,
            peers,
            waits: false,
            last_decision: String::new(),
            decided: None,
            ordered: None,
            shadow: Shadow::default(),
            exits_at: BTreeMap::new(),
        }
    }
}

/// The strategy that decides, without its rules.
pub(super) struct Decider {
    pub id: String,
    pub name: String,
    pub symbol: String,
    /// Its number in client ids.
    pub number: u16,
    paused: bool,
}

/// A decision with what led to it, where that could be looked at.
struct Weighed {
    outcome: Result<Decision, String>,
    evaluation: Option<Evaluation>,
}

impl Turn<'_> {
    pub fn decide(&mut self, id: &str) {
        let Some(strategy) = self.durable().strategies.get(id) else {
            return;
        };
        if strategy.state != StrategyState::Running && strategy.state != StrategyState::Paused {
            return;
        }
        let strategy = Decider {
            id: strategy.id.clone(),
            name: strategy.name.clone(),
            symbol: strategy.symbol.clone(),
            number: strategy.number,
            paused: strategy.state == StrategyState::Paused,
        };
        let shadow = self.durable().shadows.contains(id);
        let weighed = self.weigh(&strategy, shadow);
        match weighed.outcome {
            Ok(Decision::Enter {
                side,
                volume,
                stop_loss,
                take_profit,
            }) => {
                let levels = (stop_loss, take_profit);
                self.enter(
                    &strategy,
                    (side, volume),
                    levels,
                    (shadow, weighed.evaluation),
                );
            }
            Ok(Decision::Stay { why }) | Err(why) => {
                self.decided_at_bar(&strategy, shadow, (why, false), weighed.evaluation);
            }
        }
    }

    pub(super) fn decided(&mut self, id: &str, said: String) {
        if let Some(runtime) = self.state.runtimes.get_mut(id) {
            runtime.last_decision = said;
        }
    }

    /// What the rules say at the last closed bar, or why nobody can tell.
    fn weigh(&self, strategy: &Decider, shadow: bool) -> Weighed {
        match self.evaluate(strategy, shadow) {
            Err(why) => Weighed {
                outcome: Err(why),
                evaluation: None,
            },
            Ok((evaluation, blocked)) => {
                // Whatever the rules say: nothing opens while entries are blocked.
                let outcome = match (evaluation.decision.clone(), blocked) {
                    (Decision::Enter { side, .. }, Some(reason)) => {
                        Err(format!("{} signal, but {reason}", side.name()))
                    }
                    (decision, _) => Ok(decision),
                };
                Weighed {
                    outcome,
                    evaluation: Some(evaluation),
                }
            }
        }
    }

    fn evaluate(
        &self,
        strategy: &Decider,
        shadow: bool,
    ) -> Result<(Evaluation, Option<String>), String> {
        let runtime = self
            .state
            .runtimes
            .get(&strategy.id)
            .ok_or("it is not planned")?;
        let panel = self.state.panel(&runtime.plan).ok_or("it has no bars")?;
        let view = &self.state.terminal;
        let book = self.state.fresh_book();
        book.ok_or("the terminal's list of positions is not up to date")?;
        let orders = (self.durable().intents).range(Cid::all_of(strategy.number));
        let mut orders = orders.map(|(_, entry)| &entry.intent.action);
        let in_doubt = orders.any(|action| matches!(action, IntentAction::Open { .. }));
        if in_doubt {
            return Err("an earlier order of this strategy has no certain outcome yet".to_owned());
        }
        let quote = *view.quotes.get(&strategy.symbol).ok_or("no price yet")?;
        let spec = view
            .symbols
            .get(&strategy.symbol)
            .ok_or("the terminal does not know the symbol")?;
        let thought = runtime.shadow.positions.iter().filter(|_| shadow);
        let positions: Vec<&Position> = self
            .state
            .own_positions()
            .filter(|position| strategy_of(position) == strategy.number)
            .chain(thought.map(|(position, _)| position))
            .collect();
        let paused = strategy.paused.then(|| "the strategy is paused".to_owned());
        let blocked = paused.or_else(|| self.state.entry_block(self.now));
        let evaluation = strategy::evaluate(
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
                record: self.track_record(strategy, runtime, shadow),
                news: self.state.config.news.as_deref(),
                peers: &self.peers(runtime, panel),
                entries_blocked: blocked.as_deref(),
            },
        );
        Ok((evaluation, blocked))
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

    /// What the strategy has done and what is open, orders on their way among it; in shadow mode what it thought of instead.
    fn track_record(&self, strategy: &Decider, runtime: &Runtime, shadow: bool) -> TrackRecord {
        let time = self.state.terminal.market_time.unwrap_or(self.now.utc);
        let ledger = if shadow {
            &runtime.shadow.ledger
        } else {
            &self.durable().day
        };
        let record = ledger.record(strategy.number, time);
        let limits = &runtime.plan.sizing().limits;
        if limits.in_symbol.is_none() && limits.at_all.is_none() {
            return record;
        }
        let opening = self.durable().intents.values();
        let opening = opening.filter_map(|entry| match &entry.intent.action {
            IntentAction::Open { symbol, .. } => Some(symbol),
            _ => None,
        });
        let open = self.state.own_positions().map(|position| &position.symbol);
        let thought = runtime.shadow.positions.iter().filter(|_| shadow);
        let thought = thought.map(|(position, _)| &position.symbol);
        let symbols: Vec<&String> = open.chain(opening).chain(thought).collect();
        let here = symbols.iter().filter(|symbol| ***symbol == strategy.symbol);
        TrackRecord {
            open_in_symbol: here.count(),
            open_at_all: symbols.len(),
            ..record
        }
    }

    pub fn quoted(&mut self, symbol: &str, quote: Quote) {
        self.state.terminal.quotes.insert(symbol.to_owned(), quote);
        self.quote_shadows(symbol, quote);
        self.care_for_all(symbol, quote);
    }

    /// A bar of this chart has closed: exits that look at bars are asked at the price that is there, not at the next one.
    pub fn care_at_close(&mut self, chart: &ChartKey) {
        let mut runtimes = self
            .state
            .runtimes
            .values()
            .chain(self.state.former.values());
        let asked = runtimes.any(|one| one.chart == *chart && one.plan.exits().look_at_bars());
        let quote = self.state.terminal.quotes.get(&chart.0).copied();
        if let Some(quote) = quote.filter(|_| asked) {
            self.quote_shadows(&chart.0, quote);
            self.care_for_all(&chart.0, quote);
        }
    }

    fn care_for_all(&mut self, symbol: &str, quote: Quote) {
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

    /// Following stops, partial closes and everything else that the exits ask for; they go on for stopped and paused strategies too.
    fn care_for(&mut self, position: &Position, quote: Quote) {
        let cid = Cid(position.magic);
        let Some(id) = self
            .durable()
            .strategy_by_number(cid.strategy())
            .map(|strategy| strategy.id.clone())
        else {
            return;
        };
        let Some(opened) = self.durable().openings.get(&cid) else {
            return;
        };
        let opened = Opened {
            volume: opened.volume,
            stop_loss: opened.stop_loss,
        };
        let now = self.now.mono;
        let market_time = self.state.terminal.market_time.unwrap_or(quote.time);
        let former = self.durable().former_of(&id, cid);
        let former = former.map(FormerRules::key);
        let Some(adjustment) = self
            .state
            .exits_of(&id, former.as_ref())
            .and_then(|runtime| {
                let last = runtime.exits_at.get(&position.ticket);
                if last.is_some_and(|last| now.saturating_sub(*last) < EXIT_PAUSE) {
                    return None;
                }
                let view = PositionView {
                    position,
                    opened,
                    spec: self.state.terminal.symbols.get(&position.symbol)?,
                    panel: self.state.panel(&runtime.plan)?,
                    program: &runtime.program,
                };
                strategy::manage(&runtime.plan, &view, quote, market_time)
            })
        else {
            return;
        };
        if self.has_order_before(position.ticket, &adjustment) {
            return;
        }
        let runtime = match &former {
            Some(key) => self.state.former.get_mut(key),
            None => self.state.runtimes.get_mut(&id),
        };
        let Some(runtime) = runtime else {
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
                    stop_loss: LevelChange::At(stop_loss),
                    take_profit: LevelChange::Keep,
                },
                why.to_string(),
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

    /// Whether an order for this position is on its way.
    pub fn position_has_order(&self, ticket: Ticket) -> bool {
        self.orders_of(ticket).next().is_some()
    }

    /// Whether this must wait for an order that is on its way for the position. A change of its levels that is in doubt
    /// does not hold up a close: whatever became of it, as much is open as before.
    fn has_order_before(&self, ticket: Ticket, adjustment: &Adjustment) -> bool {
        let whole = matches!(adjustment, Adjustment::Close { volume: None, .. });
        let closes = matches!(adjustment, Adjustment::Close { .. });
        self.orders_of(ticket).any(|entry| {
            let change_in_doubt = entry.progress == Progress::Unknown
                && matches!(entry.intent.action, IntentAction::Modify { .. });
            !(closes && change_in_doubt || whole && self.may_be_repeated(entry))
        })
    }

    fn orders_of(&self, ticket: Ticket) -> impl Iterator<Item = &IntentEntry> {
        let orders = self.durable().intents.values();
        orders
            .filter(|entry| self.is_here(entry))
            .filter(move |entry| match entry.intent.action {
                IntentAction::Close { ticket: other, .. }
                | IntentAction::Modify { ticket: other, .. }
                | IntentAction::Cancel { ticket: other } => other == ticket,
                IntentAction::Open { .. } => false,
            })
    }
}

/// The price at which a position would be closed now.
pub(super) const fn closing_price(side: Side, quote: Quote) -> Decimal {
    match side {
        Side::Buy => quote.bid,
        Side::Sell => quote.ask,
    }
}
