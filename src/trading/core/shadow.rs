//! Shadow mode: a strategy decides as always, and instead of an order a position is thought. It lives by the real quotes
//! and the same exits and limits, so a trader can watch a day before he lets it trade. It is forgotten at a restart.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::effect::LogLevel;
use super::ledger::DayLedger;
use super::record::Record;
use super::step::Turn;
use super::trading::closing_price;
use crate::market::{Cid, Deal, DealEntry, DealReason, Position, Quote, Side, SymbolSpec, Ticket};
use crate::strategy::{self, Adjustment, Opened, Panel, Plan, PositionView, Program};

/// What a shadowed strategy would have.
#[derive(Debug, Default)]
pub(super) struct Shadow {
    pub positions: Vec<(Position, Opened)>,
    /// Closed ones.
    pub trades: u32,
    /// In account currency, without commission and swap.
    pub profit: Decimal,
    /// What its limits go by.
    pub ledger: DayLedger,
    deals: u64,
}

impl Shadow {
    pub fn open(
        &mut self,
        symbol: &str,
        (side, volume): (Side, Decimal),
        (stop_loss, take_profit): (Decimal, Option<Decimal>),
        quote: Quote,
        (number, at): (u16, Timestamp),
    ) {
        let open_price = match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        let position = Position {
            ticket: Ticket(self.deals + 1),
            symbol: symbol.to_owned(),
            side,
            volume,
            open_price,
            stop_loss: Some(stop_loss),
            take_profit,
            price: closing_price(side, quote),
            profit: Decimal::ZERO,
            magic: Cid::new(number, 0).0,
            comment: "shadow".to_owned(),
            opened_at: at,
        };
        self.count(&position, DealEntry::In, (volume, Decimal::ZERO), at);
        self.positions
            .push((position, Opened { volume, stop_loss }));
    }

    fn count(
        &mut self,
        position: &Position,
        entry: DealEntry,
        (volume, profit): (Decimal, Decimal),
        time: Timestamp,
    ) {
        self.deals += 1;
        let deal = Deal {
            ticket: Ticket(self.deals),
            position: position.ticket,
            symbol: position.symbol.clone(),
            side: position.side,
            entry,
            reason: DealReason::Order,
            volume,
            price: position.price,
            profit,
            magic: position.magic,
            time,
        };
        self.ledger.count(&deal, None);
    }

    /// What happens to the positions at this quote, in words.
    fn quoted(
        &mut self,
        what: (&Plan, &Program),
        panel: &Panel,
        quote: Quote,
        spec: &SymbolSpec,
        now: Timestamp,
    ) -> Vec<String> {
        let mut said = Vec::new();
        for (mut position, opened) in std::mem::take(&mut self.positions) {
            let price = closing_price(position.side, quote);
            position.price = price;
            match adjustment(what, (&position, opened), panel, quote, spec, now) {
                Some(Adjustment::MoveStop { stop_loss, why }) => {
                    position.stop_loss = Some(stop_loss);
                    said.push(format!("stop moved to {stop_loss}: {why}"));
                }
                Some(Adjustment::Close { volume, why }) => {
                    let volume = volume.unwrap_or(position.volume);
                    let profit = profit(&position, volume, spec);
                    self.profit += profit;
                    self.count(&position, DealEntry::Out, (volume, profit), now);
                    position.volume -= volume;
                    said.push(format!(
                        "closed {} lots at {price} ({why}), result {profit}",
                        volume.normalize()
                    ));
                }
                None => {}
            }
            if position.volume <= Decimal::ZERO {
                self.trades += 1;
            } else {
                position.profit = profit(&position, position.volume, spec);
                self.positions.push((position, opened));
            }
        }
        said
    }
}

/// At the stop, at the target, else what the exits ask for.
fn adjustment(
    (plan, program): (&Plan, &Program),
    (position, opened): (&Position, Opened),
    panel: &Panel,
    quote: Quote,
    spec: &SymbolSpec,
    now: Timestamp,
) -> Option<Adjustment> {
    let beyond = |level: Decimal| (position.price - level) * sign(position.side);
    let all = |why: &str| {
        Some(Adjustment::Close {
            volume: None,
            why: why.to_owned(),
        })
    };
    if position
        .stop_loss
        .is_some_and(|stop| beyond(stop) <= Decimal::ZERO)
    {
        return all("stop loss");
    }
    if position
        .take_profit
        .is_some_and(|target| beyond(target) >= Decimal::ZERO)
    {
        return all("take profit");
    }
    let view = PositionView {
        position,
        opened,
        spec,
        panel,
        program,
    };
    strategy::manage(plan, &view, quote, now)
}

const fn sign(side: Side) -> Decimal {
    match side {
        Side::Buy => Decimal::ONE,
        Side::Sell => Decimal::NEGATIVE_ONE,
    }
}

fn profit(position: &Position, volume: Decimal, spec: &SymbolSpec) -> Decimal {
    ((position.price - position.open_price) * sign(position.side))
        .checked_div(spec.tick_size)
        .map(|ticks| (ticks * spec.tick_value * volume).round_dp(2))
        .unwrap_or_default()
}

impl Turn<'_> {
    pub fn set_shadow(&mut self, id: &str, on: bool) {
        let Some(strategy) = self.durable().strategies.get(id) else {
            return;
        };
        let name = strategy.name.clone();
        self.record(Record::ShadowSet {
            id: id.to_owned(),
            on,
            at: self.now.utc,
        });
        if let Some(runtime) = self.state.runtimes.get_mut(id) {
            runtime.shadow = Shadow::default();
        }
        let text = if on {
            format!(
                "{name}: shadow mode on. It decides and orders nothing; open positions stay managed."
            )
        } else {
            format!("{name}: shadow mode off. It trades again.")
        };
        self.log(LogLevel::Warning, "strategy", text);
    }

    pub fn quote_shadows(&mut self, symbol: &str, quote: Quote) {
        let Some(spec) = self.state.terminal.symbols.get(symbol) else {
            return;
        };
        let now = self.state.terminal.market_time.unwrap_or(quote.time);
        let mut said = Vec::new();
        for (id, runtime) in &mut self.state.runtimes {
            let what = (&runtime.plan, &runtime.program);
            if runtime.plan.symbol() == symbol
                && let Some(charted) = self.state.charts.get(&runtime.chart)
            {
                let panel = &charted.panel;
                let texts = runtime.shadow.quoted(what, panel, quote, spec, now);
                said.extend(texts.into_iter().map(|text| (id.clone(), text)));
            }
        }
        for (id, text) in said {
            let name = self
                .durable()
                .strategies
                .get(&id)
                .map_or(id.as_str(), |strategy| strategy.name.as_str());
            let text = format!("{name} (shadow): {text}");
            self.log(LogLevel::Info, "strategy", text);
        }
    }
}
