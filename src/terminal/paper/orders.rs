//! How the paper broker treats an order: the checks of a trade server in their order, then the fill.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::checks::{check_fate, check_levels, check_volume};
use super::exchange::{Exchange, closing_price};
use super::faults::Fate;
use super::ledger::Remembered;
use super::retcode::{self, refusal};
use crate::market::{
    Cid, DealReason, Fill, Found, IntentAction, LevelChange, OrderIntent, Outcome, PendingOrder,
    PendingType, Position, Quote, Refusal, RefusalClass, Side, SymbolSpec, Ticket, TradeMode,
};

/// How an order came to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The market's time when it was sent; without a price of its own, deviation counts from that moment's.
    pub sent_at: Timestamp,
    /// Real time on the way.
    pub waited: Duration,
    pub fate: Fate,
}

/// A new market order; see [`IntentAction::Open`].
struct Entry<'a> {
    symbol: &'a str,
    side: Side,
    volume: Decimal,
    stop_loss: Option<Decimal>,
    take_profit: Option<Decimal>,
    deviation: u32,
}

impl Exchange {
    /// Executes an order at the ledger's moment, or says why not. A client id that was answered before gets the same
    /// answer again, and nothing else happens.
    pub fn submit(&mut self, intent: &OrderIntent, arrival: Arrival) -> Outcome {
        if let Some(known) = self.ledger.answers.get(&intent.cid) {
            if matches!(arrival.fate, Fate::LostBefore | Fate::LostAfter) {
                return lost();
            }
            if known.is_for(intent) {
                return known.outcome.clone();
            }
            return Outcome::Refused(refusal(
                retcode::OTHER_PARAMETERS,
                format!(
                    "client id {} was used before for another order; nothing was done",
                    intent.cid
                ),
            ));
        }
        if arrival.fate == Fate::LostBefore {
            return lost();
        }
        let outcome = match self.execute(intent, arrival) {
            Ok(fill) => Outcome::Done(fill),
            Err(refusal) => Outcome::Refused(refusal),
        };
        self.ledger.answers.insert(
            intent.cid,
            Remembered {
                action: intent.action.clone(),
                comment: intent.comment.clone(),
                parent: intent.parent,
                outcome: outcome.clone(),
            },
        );
        if arrival.fate == Fate::LostAfter {
            return lost();
        }
        outcome
    }

    /// What became of a client id: the ledger remembers every one that was ever executed.
    pub fn find(&self, cid: Cid) -> Found {
        match self.ledger.answers.get(&cid).map(|known| &known.outcome) {
            Some(Outcome::Done(fill)) => Found::Executed(fill.clone()),
            _ => Found::Absent,
        }
    }

    /// Puts a pending order that is not ours into the book, as a trader at the terminal would.
    pub fn place(&mut self, mut order: PendingOrder) -> Ticket {
        order.ticket = self.ticket();
        order.placed_at = self.now();
        let ticket = order.ticket;
        self.ledger.orders.push(order);
        self.ledger.revision += 1;
        ticket
    }

    fn execute(&mut self, intent: &OrderIntent, arrival: Arrival) -> Result<Fill, Refusal> {
        let ttl = Duration::from_millis(intent.ttl_ms);
        if arrival.waited > ttl {
            return Err(refusal(
                retcode::LATE,
                format!(
                    "the order came {} ms after sending and was good for {} ms; not executed",
                    arrival.waited.as_millis(),
                    intent.ttl_ms
                ),
            ));
        }
        self.check_permissions()?;
        match &intent.action {
            IntentAction::Open {
                symbol,
                side,
                volume,
                stop_loss,
                take_profit,
                deviation,
            } => self.open(
                intent,
                &Entry {
                    symbol,
                    side: *side,
                    volume: *volume,
                    stop_loss: *stop_loss,
                    take_profit: *take_profit,
                    deviation: *deviation,
                },
                arrival,
            ),
            IntentAction::Close { ticket, volume } => {
                self.close(intent.cid, *ticket, *volume, arrival.fate)
            }
            IntentAction::Modify {
                ticket,
                stop_loss,
                take_profit,
            } => self.modify(*ticket, *stop_loss, *take_profit, arrival.fate),
            IntentAction::Cancel { ticket } => self.cancel(*ticket, arrival.fate),
        }
    }

    fn check_permissions(&self) -> Result<(), Refusal> {
        let permissions = self.switches.permissions;
        let Some(missing) = permissions.missing() else {
            return Ok(());
        };
        let code = if permissions.algo_trading && permissions.expert {
            retcode::SERVER_DISABLES_AT
        } else {
            retcode::CLIENT_DISABLES_AT
        };
        Err(refusal(code, missing))
    }

    fn open(
        &mut self,
        intent: &OrderIntent,
        entry: &Entry<'_>,
        arrival: Arrival,
    ) -> Result<Fill, Refusal> {
        let spec = self.spec(entry.symbol)?;
        self.check_entry_allowed(entry)?;
        self.check_session(entry.symbol)?;
        check_volume(&spec, entry.volume)?;
        let quote = self.price(entry.symbol)?;
        check_levels(&spec, entry.side, quote, entry.stop_loss, entry.take_profit)?;
        check_fate(arrival.fate, quote)?;

        let margin = self.margin_of(entry.symbol, entry.volume);
        let free = self.account().margin_free;
        if margin > free {
            return Err(refusal(
                retcode::NO_MONEY,
                format!(
                    "{} lots of {} need {margin} margin and {free} is free",
                    entry.volume, entry.symbol
                ),
            ));
        }

        let market_price = closing_price(entry.side.opposite(), quote);
        let against = self.slippage(intent.cid, &spec, quote);
        let price = worsen(entry.side, market_price, against);
        self.check_deviation(&spec, entry, price, intent.price, arrival.sent_at)?;

        let position = self.ticket();
        let deal = self.open_at(
            position,
            entry.side,
            price,
            &PendingOrder {
                ticket: position,
                symbol: entry.symbol.to_owned(),
                side: entry.side,
                kind: PendingType::Limit,
                volume: entry.volume,
                price,
                stop_loss: entry.stop_loss,
                take_profit: entry.take_profit,
                magic: intent.cid.0,
                placed_at: self.now(),
            },
        );
        if let Some(opened) = self.ledger.positions.last_mut() {
            opened.comment.clone_from(&intent.comment);
        }
        Ok(Fill {
            ticket: position,
            deal: Some(deal),
            volume: entry.volume,
            price,
            profit: Decimal::ZERO,
        })
    }

    fn close(
        &mut self,
        cid: Cid,
        ticket: Ticket,
        volume: Option<Decimal>,
        fate: Fate,
    ) -> Result<Fill, Refusal> {
        let position = self.open_position(ticket)?;
        let spec = self.spec(&position.symbol)?;
        self.check_not_disabled(&position.symbol)?;
        self.check_session(&position.symbol)?;
        let volume = volume.unwrap_or(position.volume);
        if volume > position.volume {
            return Err(refusal(
                retcode::INVALID_CLOSE_VOLUME,
                format!(
                    "position {ticket} has {} lots, {volume} cannot be closed",
                    position.volume
                ),
            ));
        }
        check_volume(&spec, volume)?;
        let quote = self.price(&position.symbol)?;
        check_fate(fate, quote)?;
        let market_price = closing_price(position.side, quote);
        let against = self.slippage(cid, &spec, quote);
        let price = worsen(position.side.opposite(), market_price, against);
        let deal = self
            .close_at(ticket, Some(volume), price, DealReason::Order, Some(cid.0))
            .ok_or_else(|| position_closed(ticket))?;
        Ok(Fill {
            ticket,
            deal: Some(deal.ticket),
            volume,
            price,
            profit: deal.profit,
        })
    }

    fn modify(
        &mut self,
        ticket: Ticket,
        stop_loss: LevelChange,
        take_profit: LevelChange,
        fate: Fate,
    ) -> Result<Fill, Refusal> {
        let position = self.open_position(ticket).map_err(|gone| Refusal {
            // Levels that cannot be set are not "already so".
            class: RefusalClass::Fix,
            ..gone
        })?;
        let spec = self.spec(&position.symbol)?;
        self.check_not_disabled(&position.symbol)?;
        self.check_session(&position.symbol)?;
        let stop_loss = stop_loss.after(position.stop_loss);
        let take_profit = take_profit.after(position.take_profit);
        if position.stop_loss == stop_loss && position.take_profit == take_profit {
            return Err(refusal(
                retcode::NO_CHANGES,
                format!("position {ticket} has these levels already"),
            ));
        }
        let quote = self.price(&position.symbol)?;
        check_levels(&spec, position.side, quote, stop_loss, take_profit)?;
        check_fate(fate, quote)?;
        if let Some(kept) = self
            .ledger
            .positions
            .iter_mut()
            .find(|kept| kept.ticket == ticket)
        {
            kept.stop_loss = stop_loss;
            kept.take_profit = take_profit;
            self.ledger.revision += 1;
        }
        Ok(Fill {
            ticket,
            deal: None,
            volume: position.volume,
            price: position.open_price,
            profit: Decimal::ZERO,
        })
    }

    fn cancel(&mut self, ticket: Ticket, fate: Fate) -> Result<Fill, Refusal> {
        let Some(order) = self
            .ledger
            .orders
            .iter()
            .find(|order| order.ticket == ticket)
            .cloned()
        else {
            return Err(refusal(
                retcode::INVALID_ORDER,
                format!("there is no pending order {ticket}"),
            ));
        };
        self.check_session(&order.symbol)?;
        check_fate(fate, self.price(&order.symbol)?)?;
        self.ledger.orders.retain(|kept| kept.ticket != ticket);
        self.ledger.revision += 1;
        Ok(Fill {
            ticket,
            deal: None,
            volume: order.volume,
            price: order.price,
            profit: Decimal::ZERO,
        })
    }

    fn spec(&self, symbol: &str) -> Result<SymbolSpec, Refusal> {
        self.market.spec(symbol).cloned().ok_or_else(|| {
            refusal(
                retcode::UNKNOWN_SYMBOL,
                format!("the terminal has no symbol {symbol}"),
            )
        })
    }

    fn open_position(&self, ticket: Ticket) -> Result<Position, Refusal> {
        self.position(ticket)
            .cloned()
            .ok_or_else(|| position_closed(ticket))
    }

    fn price(&self, symbol: &str) -> Result<Quote, Refusal> {
        self.market.quote(symbol, self.now()).ok_or_else(|| {
            refusal(
                retcode::MARKET_CLOSED,
                format!("there is no price for {symbol}"),
            )
        })
    }

    fn check_entry_allowed(&self, entry: &Entry<'_>) -> Result<(), Refusal> {
        self.check_not_disabled(entry.symbol)?;
        let (code, what) = match (self.trade_mode(entry.symbol), entry.side) {
            (TradeMode::CloseOnly, _) => (retcode::CLOSE_ONLY, "closing"),
            (TradeMode::LongOnly, Side::Sell) => (retcode::LONG_ONLY, "buying"),
            (TradeMode::ShortOnly, Side::Buy) => (retcode::SHORT_ONLY, "selling"),
            _ => return Ok(()),
        };
        Err(refusal(
            code,
            format!("the broker allows only {what} of {}", entry.symbol),
        ))
    }

    fn check_not_disabled(&self, symbol: &str) -> Result<(), Refusal> {
        if self.trade_mode(symbol) == TradeMode::Disabled {
            return Err(refusal(
                retcode::TRADE_DISABLED,
                format!("the broker has disabled trading of {symbol}"),
            ));
        }
        Ok(())
    }

    fn check_session(&self, symbol: &str) -> Result<(), Refusal> {
        if self.switches.halted || !self.market.is_open(symbol, self.now()) {
            return Err(refusal(
                retcode::MARKET_CLOSED,
                format!("the market for {symbol} is closed"),
            ));
        }
        Ok(())
    }

    /// The price must be within the deviation of the one that was seen; a better one always is.
    fn check_deviation(
        &self,
        spec: &SymbolSpec,
        entry: &Entry<'_>,
        price: Decimal,
        seen: Option<Decimal>,
        sent_at: Timestamp,
    ) -> Result<(), Refusal> {
        let at_sending = || {
            let then = self.market.quote(entry.symbol, sent_at)?;
            Some(closing_price(entry.side.opposite(), then))
        };
        let Some(expected) = seen.or_else(at_sending) else {
            return Ok(());
        };
        let against = match entry.side {
            Side::Buy => price - expected,
            Side::Sell => expected - price,
        };
        if against > spec.point * Decimal::from(entry.deviation) {
            return Err(refusal(
                retcode::REQUOTE,
                format!(
                    "the price went from {expected} to {price}, more than {} points away",
                    entry.deviation
                ),
            ));
        }
        Ok(())
    }

    /// How far a market order fills from the quote, as a price; positive is against the trader. Seeded by the
    /// client id: mostly none, else up to half a spread.
    fn slippage(&self, cid: Cid, spec: &SymbolSpec, quote: Quote) -> Decimal {
        if self.switches.without_slippage {
            return Decimal::ZERO;
        }
        let noise = self.noise().with(cid.0);
        let half_spread = ((quote.ask - quote.bid) / spec.tick_size / Decimal::TWO).floor();
        let most = u64::try_from(half_spread).unwrap_or(0).max(1);
        let size = Decimal::from(1 + noise.with(21).below(most)) * spec.tick_size;
        match noise.with(22).below(10) {
            0..7 => Decimal::ZERO,
            7 => -size,
            _ => size,
        }
    }
}

fn lost() -> Outcome {
    Outcome::Unknown {
        reason: "the terminal's answer was lost".to_owned(),
    }
}

fn position_closed(ticket: Ticket) -> Refusal {
    refusal(
        retcode::POSITION_CLOSED,
        format!("position {ticket} is not open"),
    )
}

/// A price moved against whoever trades in this direction.
fn worsen(side: Side, price: Decimal, against: Decimal) -> Decimal {
    match side {
        Side::Buy => price + against,
        Side::Sell => price - against,
    }
}
