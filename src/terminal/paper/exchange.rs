//! The broker of the paper terminal: an account, its positions and the rules they live by, moved along the
//! simulated market's ticks.
//!
//! A state machine without clock, file or task: the ledger is all of its state, and what it does is a function of the
//! ledger, the market and the arguments. Swap, commission and a hedged pair's cheaper margin are left out; a balance
//! below zero stays below zero.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::ledger::Ledger;
use crate::market::{
    Deal, DealEntry, DealReason, IntentAction, PendingOrder, PendingType, Permissions, Position,
    Quote, Side, SymbolSpec, Ticket, TradeMode,
};
use crate::terminal::market::{Market, Noise, Range, Tick};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 3_600_000;

/// Switches that a trader or a broker can turn, and the practice world does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switches {
    pub permissions: Permissions,
    /// The trade session is closed by hand; quotes go on.
    pub halted: bool,
    pub trade_modes: BTreeMap<String, TradeMode>,
    /// Market orders are filled at the quote, never beside it.
    pub without_slippage: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            permissions: Permissions::ALL,
            halted: false,
            trade_modes: BTreeMap::new(),
            without_slippage: false,
        }
    }
}

#[derive(Clone, Debug)]
pub struct Exchange {
    pub(super) market: Market,
    pub(super) ledger: Ledger,
    pub(super) switches: Switches,
}

pub(super) type Quotes = BTreeMap<String, Quote>;

impl Exchange {
    pub fn new(market: Market, ledger: Ledger) -> Self {
        Self {
            market,
            ledger,
            switches: Switches::default(),
        }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.ledger.now_ms).unwrap_or(Timestamp::MAX)
    }

    /// The price at which an entry is decided now.
    pub fn entry_price(&self, action: &IntentAction) -> Option<Decimal> {
        let IntentAction::Open { symbol, side, .. } = action else {
            return None;
        };
        let quote = self.market.quote(symbol, self.now())?;
        Some(match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        })
    }

    pub(super) fn noise(&self) -> Noise {
        Noise::new(self.market.seed()).with(0x70_61_70_65_72)
    }

    pub fn specs(&self) -> Vec<SymbolSpec> {
        self.market
            .specs()
            .map(|spec| {
                let mut spec = spec.clone();
                spec.trade_mode = self.trade_mode(&spec.name);
                spec
            })
            .collect()
    }

    pub(super) fn trade_mode(&self, symbol: &str) -> TradeMode {
        self.switches
            .trade_modes
            .get(symbol)
            .copied()
            .unwrap_or(TradeMode::Full)
    }

    /// Moves the account along every price change up to `until_ms`: stops, targets, pending orders, stop-out.
    /// A moment that has passed already changes nothing.
    pub fn advance(&mut self, until_ms: i64) {
        while self.ledger.now_ms < until_ms {
            let symbols = self.exposed();
            if symbols.is_empty() || self.switches.halted {
                self.ledger.now_ms = until_ms;
                return;
            }
            let next = self.ledger.now_ms + 1;
            let hour_end = (next.div_euclid(HOUR_MS) * HOUR_MS + HOUR_MS - 1).min(until_ms);
            if self.is_quiet(&symbols, next, hour_end, true) {
                self.ledger.now_ms = hour_end;
                continue;
            }
            let minute_end = (next.div_euclid(MINUTE_MS) * MINUTE_MS + MINUTE_MS - 1).min(until_ms);
            if !self.is_quiet(&symbols, next, minute_end, false) {
                self.play(&symbols, minute_end);
            }
            self.ledger.now_ms = minute_end;
        }
    }

    pub(super) fn exposed(&self) -> Vec<String> {
        let mut symbols: Vec<String> = self
            .ledger
            .positions
            .iter()
            .map(|position| position.symbol.clone())
            .chain(self.ledger.orders.iter().map(|order| order.symbol.clone()))
            .collect();
        symbols.sort_unstable();
        symbols.dedup();
        symbols
    }

    /// Whether certainly nothing happens to the account in `[from_ms, until_ms]`.
    fn is_quiet(&self, symbols: &[String], from_ms: i64, until_ms: i64, coarse: bool) -> bool {
        let mut worst = self.ledger.balance;
        for symbol in symbols {
            let range = self.market.range(symbol, from_ms, until_ms, coarse);
            if range.is_some_and(|range| self.touches(symbol, &range)) {
                return false;
            }
            // A closed market keeps its price.
            let (low, high) = match (range, self.market.quote(symbol, self.now())) {
                (Some(range), _) => (range.bid_low, range.ask_high),
                (None, Some(quote)) => (quote.bid, quote.ask),
                (None, None) => return false,
            };
            for position in self.positions_of(symbol) {
                let price = match position.side {
                    Side::Buy => low,
                    Side::Sell => high,
                };
                worst += self.profit(position, price, position.volume);
            }
        }
        worst >= self.stop_out_equity()
    }

    fn touches(&self, symbol: &str, range: &Range) -> bool {
        self.positions_of(symbol).any(|position| {
            let (stop, target) = (position.stop_loss, position.take_profit);
            match position.side {
                Side::Buy => {
                    stop.is_some_and(|stop| range.bid_low <= stop)
                        || target.is_some_and(|target| range.bid_high >= target)
                }
                Side::Sell => {
                    stop.is_some_and(|stop| range.ask_high >= stop)
                        || target.is_some_and(|target| range.ask_low <= target)
                }
            }
        }) || self
            .ledger
            .orders
            .iter()
            .filter(|order| order.symbol == symbol)
            .any(|order| match (order.side, order.kind) {
                (Side::Buy, PendingType::Limit) => range.ask_low <= order.price,
                (Side::Buy, PendingType::Stop) => range.ask_high >= order.price,
                (Side::Sell, PendingType::Limit) => range.bid_high >= order.price,
                (Side::Sell, PendingType::Stop) => range.bid_low <= order.price,
                (_, PendingType::Market) => true,
            })
    }

    /// Goes through every price change after the ledger's moment, up to `until_ms`.
    fn play(&mut self, symbols: &[String], until_ms: i64) {
        let mut quotes: Quotes = symbols
            .iter()
            .filter_map(|symbol| {
                let quote = self.market.quote(symbol, self.now())?;
                Some((symbol.clone(), quote))
            })
            .collect();
        let mut ticks: Vec<(&String, Tick)> = symbols
            .iter()
            .flat_map(|symbol| {
                self.market
                    .ticks(symbol, self.ledger.now_ms, until_ms)
                    .into_iter()
                    .map(move |tick| (symbol, tick))
            })
            .collect();
        ticks.sort_by_key(|(_, tick)| tick.at_ms);
        for (symbol, tick) in ticks {
            self.ledger.now_ms = tick.at_ms;
            let quote = Quote {
                bid: tick.bid,
                ask: tick.ask,
                time: self.now(),
            };
            quotes.insert(symbol.clone(), quote);
            self.fill_pending(symbol, quote);
            self.fill_stops(symbol, quote);
            self.stop_out(&quotes);
        }
    }

    fn fill_stops(&mut self, symbol: &str, quote: Quote) {
        let due: Vec<(Ticket, Decimal, DealReason)> = self
            .positions_of(symbol)
            .filter_map(|position| {
                let (price, reason) = stop_fill(position, quote)?;
                Some((position.ticket, price, reason))
            })
            .collect();
        for (ticket, price, reason) in due {
            self.close_at(ticket, None, price, reason, None);
        }
    }

    fn fill_pending(&mut self, symbol: &str, quote: Quote) {
        let due: Vec<PendingOrder> = self
            .ledger
            .orders
            .iter()
            .filter(|order| order.symbol == symbol && pending_price(order, quote).is_some())
            .cloned()
            .collect();
        for order in due {
            self.ledger
                .orders
                .retain(|kept| kept.ticket != order.ticket);
            self.ledger.revision += 1;
            let margin = self.margin_of(&order.symbol, order.volume);
            let account = self.account();
            // Without the money for it, a pending order is dropped when its price comes, as brokers do.
            if let Some(price) = pending_price(&order, quote)
                && account.margin_free >= margin
            {
                self.open_at(order.ticket, order.side, price, &order);
            }
        }
    }

    /// Below half of the margin in equity, the broker closes the worst position, then looks again.
    fn stop_out(&mut self, quotes: &Quotes) {
        loop {
            let floating: Vec<(Ticket, Decimal, Decimal)> = self
                .ledger
                .positions
                .iter()
                .filter_map(|position| {
                    let price = closing_price(position.side, *quotes.get(&position.symbol)?);
                    let profit = self.profit(position, price, position.volume);
                    Some((position.ticket, price, profit))
                })
                .collect();
            let equity = self.ledger.balance
                + floating
                    .iter()
                    .map(|(_, _, profit)| *profit)
                    .sum::<Decimal>();
            if equity >= self.stop_out_equity() {
                return;
            }
            let now = self.now();
            let worst = floating
                .into_iter()
                .filter(|(ticket, _, _)| {
                    self.position(*ticket)
                        .is_some_and(|position| self.market.is_open(&position.symbol, now))
                })
                .min_by_key(|(_, _, profit)| *profit);
            let Some((ticket, price, _)) = worst else {
                return;
            };
            self.close_at(ticket, None, price, DealReason::StopOut, None);
        }
    }

    /// Half of the margin; nothing is at stake without a position.
    fn stop_out_equity(&self) -> Decimal {
        if self.ledger.positions.is_empty() {
            return Decimal::MIN;
        }
        self.margin() / Decimal::TWO
    }

    pub(super) fn ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.ledger.next_ticket);
        self.ledger.next_ticket += 1;
        ticket
    }

    /// Makes a position and its entry deal, with the terms of `order`.
    pub(super) fn open_at(
        &mut self,
        position: Ticket,
        side: Side,
        price: Decimal,
        order: &PendingOrder,
    ) -> Ticket {
        let deal = self.ticket();
        let now = self.now();
        self.ledger.positions.push(Position {
            ticket: position,
            symbol: order.symbol.clone(),
            side,
            volume: order.volume,
            open_price: price,
            stop_loss: order.stop_loss,
            take_profit: order.take_profit,
            price: Decimal::ZERO,
            profit: Decimal::ZERO,
            magic: order.magic,
            comment: String::new(),
            opened_at: now,
        });
        self.ledger.deals.push(Deal {
            ticket: deal,
            position,
            symbol: order.symbol.clone(),
            side,
            entry: DealEntry::In,
            reason: DealReason::Order,
            volume: order.volume,
            price,
            profit: Decimal::ZERO,
            magic: order.magic,
            time: now,
        });
        self.ledger.revision += 1;
        deal
    }

    /// Closes `volume` of a position (all of it by default) at a price.
    pub(super) fn close_at(
        &mut self,
        ticket: Ticket,
        volume: Option<Decimal>,
        price: Decimal,
        reason: DealReason,
        magic: Option<u64>,
    ) -> Option<Deal> {
        let index = self
            .ledger
            .positions
            .iter()
            .position(|position| position.ticket == ticket)?;
        let position = self.ledger.positions.get(index)?.clone();
        let volume = volume.unwrap_or(position.volume);
        let profit = self.profit(&position, price, volume);
        let deal = Deal {
            ticket: self.ticket(),
            position: ticket,
            symbol: position.symbol.clone(),
            side: position.side.opposite(),
            entry: DealEntry::Out,
            reason,
            volume,
            price,
            profit,
            magic: magic.unwrap_or(position.magic),
            time: self.now(),
        };
        if volume < position.volume {
            if let Some(kept) = self.ledger.positions.get_mut(index) {
                kept.volume -= volume;
            }
        } else {
            self.ledger.positions.remove(index);
        }
        self.ledger.balance += profit;
        self.ledger.revision += 1;
        self.ledger.deals.push(deal.clone());
        Some(deal)
    }

    pub fn position(&self, ticket: Ticket) -> Option<&Position> {
        self.ledger
            .positions
            .iter()
            .find(|position| position.ticket == ticket)
    }

    fn positions_of<'a>(&'a self, symbol: &'a str) -> impl Iterator<Item = &'a Position> {
        self.ledger
            .positions
            .iter()
            .filter(move |position| position.symbol == symbol)
    }
}

/// The price that a position of this side is closed at.
pub(super) const fn closing_price(side: Side, quote: Quote) -> Decimal {
    match side {
        Side::Buy => quote.bid,
        Side::Sell => quote.ask,
    }
}

/// The fill of a position's stop or target at this price change. A stop is a market order: it gets the price that is
/// there, which after a gap is worse than its level. A target gets its level, never better.
fn stop_fill(position: &Position, quote: Quote) -> Option<(Decimal, DealReason)> {
    let price = closing_price(position.side, quote);
    let reached = |level: Decimal, by_falling: bool| {
        if by_falling {
            price <= level
        } else {
            price >= level
        }
    };
    let is_buy = position.side == Side::Buy;
    if position.stop_loss.is_some_and(|stop| reached(stop, is_buy)) {
        return Some((price, DealReason::StopLoss));
    }
    position
        .take_profit
        .filter(|target| reached(*target, !is_buy))
        .map(|target| (target, DealReason::TakeProfit))
}

/// The fill of a pending order at this price change: a limit gets its price, a stop the price that is there.
fn pending_price(order: &PendingOrder, quote: Quote) -> Option<Decimal> {
    let price = closing_price(order.side.opposite(), quote);
    let reached = match (order.side, order.kind) {
        (Side::Buy, PendingType::Limit) | (Side::Sell, PendingType::Stop) => price <= order.price,
        (Side::Buy, PendingType::Stop) | (Side::Sell, PendingType::Limit) => price >= order.price,
        (_, PendingType::Market) => true,
    };
    reached.then_some(match order.kind {
        PendingType::Limit => order.price,
        PendingType::Stop | PendingType::Market => price,
    })
}
