//! Shadow mode: a strategy decides as always, and instead of an order a position is thought. It lives by the real quotes
//! and the same exits, so a trader can watch a day before he lets it trade. It is forgotten at a restart.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::effect::LogLevel;
use super::record::Record;
use super::step::Turn;
use super::trading::closing_price;
use crate::market::{Position, Quote, Side, SymbolSpec, Ticket};
use crate::strategy::{self, Adjustment, Opened, Panel, Plan, PositionView, Program};

/// What a shadowed strategy would have.
#[derive(Debug, Default)]
pub(super) struct Shadow {
    pub position: Option<(Position, Opened)>,
    pub trades: u32,
    /// In account currency, without commission and swap.
    pub profit: Decimal,
}

impl Shadow {
    pub fn open(
        &mut self,
        symbol: &str,
        (side, volume): (Side, Decimal),
        (stop_loss, take_profit): (Decimal, Option<Decimal>),
        quote: Quote,
        at: Timestamp,
    ) {
        let open_price = match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        let position = Position {
            ticket: Ticket(0),
            symbol: symbol.to_owned(),
            side,
            volume,
            open_price,
            stop_loss: Some(stop_loss),
            take_profit,
            price: closing_price(side, quote),
            profit: Decimal::ZERO,
            magic: 0,
            comment: "shadow".to_owned(),
            opened_at: at,
        };
        self.position = Some((position, Opened { volume, stop_loss }));
    }

    /// What happens to the position at this quote, in words.
    fn quoted(
        &mut self,
        (plan, program): (&Plan, &Program),
        panel: &Panel,
        quote: Quote,
        spec: &SymbolSpec,
        now: Timestamp,
    ) -> Option<String> {
        let (position, opened) = self.position.as_mut()?;
        let price = closing_price(position.side, quote);
        position.price = price;
        let sign = match position.side {
            Side::Buy => Decimal::ONE,
            Side::Sell => Decimal::NEGATIVE_ONE,
        };
        let beyond = |level: Decimal| (price - level) * sign;
        let hit = if position
            .stop_loss
            .is_some_and(|stop| beyond(stop) <= Decimal::ZERO)
        {
            Some((position.volume, "stop loss".to_owned()))
        } else if position
            .take_profit
            .is_some_and(|target| beyond(target) >= Decimal::ZERO)
        {
            Some((position.volume, "take profit".to_owned()))
        } else {
            let view = PositionView {
                position,
                opened: *opened,
                spec,
                panel,
                program,
            };
            match strategy::manage(plan, &view, quote, now)? {
                Adjustment::MoveStop { stop_loss, why } => {
                    position.stop_loss = Some(stop_loss);
                    return Some(format!("stop moved to {stop_loss}: {why}"));
                }
                Adjustment::Close { volume, why } => Some((volume.unwrap_or(position.volume), why)),
            }
        };
        let (volume, why) = hit?;
        let ticks = ((price - position.open_price) * sign).checked_div(spec.tick_size)?;
        let profit = (ticks * spec.tick_value * volume).round_dp(2);
        self.profit += profit;
        position.volume -= volume;
        if position.volume <= Decimal::ZERO {
            self.position = None;
            self.trades += 1;
        }
        Some(format!(
            "closed {} lots at {price} ({why}), result {profit}",
            volume.normalize()
        ))
    }
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
                && let Some(text) = runtime
                    .shadow
                    .quoted(what, &charted.panel, quote, spec, now)
            {
                said.push((id.clone(), text));
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
