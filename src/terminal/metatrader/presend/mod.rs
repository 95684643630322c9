//! What can be known to be refused before an order leaves, in decimals and in the trader's words. Pure.
//!
//! The Expert Advisor and the broker check again; a refusal here is certain, a pass here is no promise. What only makes
//! risk smaller is not held up by checks of entries.

mod filling;

use rust_decimal::Decimal;

pub use filling::{FillMode, Fillings};

use crate::market::{
    Book, IntentAction, LevelChange, MarginMode, Position, Quote, Refusal, Side, SymbolSpec,
    SymbolTerms, Ticket, TradeMode,
};
use crate::terminal::retcode::{self, refusal};

/// What is known of the market when an order is about to leave.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// `None`: the terminal does not list this symbol.
    pub spec: Option<&'a SymbolSpec>,
    /// The last quote with its age, milliseconds; `None` while the symbol is not watched.
    pub quote: Option<(Quote, u64)>,
    pub book: Option<&'a Book>,
    /// The broker's clock, seconds.
    pub broker_seconds: i64,
    pub margin_mode: MarginMode,
    /// The broker has refused a close out of order: the oldest goes first.
    pub fifo: bool,
}

/// A quote older than this is no base for an entry.
const OLDEST_QUOTE_MS: u64 = 60_000;

pub fn check(action: &IntentAction, view: &View<'_>) -> Result<(), Refusal> {
    match action {
        IntentAction::Open {
            symbol,
            side,
            volume,
            stop_loss,
            take_profit,
            ..
        } => open(symbol, *side, *volume, (*stop_loss, *take_profit), view),
        IntentAction::Close { ticket, volume } => close(*ticket, *volume, view),
        IntentAction::Modify {
            ticket,
            stop_loss,
            take_profit,
        } => modify(*ticket, *stop_loss, *take_profit, view),
        IntentAction::Cancel { .. } => Ok(()),
    }
}

type Levels = (Option<Decimal>, Option<Decimal>);

fn open(
    symbol: &str,
    side: Side,
    volume: Decimal,
    levels: Levels,
    view: &View<'_>,
) -> Result<(), Refusal> {
    let spec = view.spec.ok_or_else(|| {
        refusal(
            retcode::UNKNOWN_SYMBOL,
            format!("the terminal has no symbol {symbol}"),
        )
    })?;
    trade_mode(spec, side)?;
    order_modes(spec, levels)?;
    session(spec, view.broker_seconds)?;
    whole_volume(spec, volume)?;
    volume_limit(spec, side, volume, view.book)?;
    on_tick_grid(spec, levels)?;
    let Some((quote, age)) = view.quote else {
        return Ok(());
    };
    if age > OLDEST_QUOTE_MS {
        return Err(refusal(
            retcode::PRICE_OFF,
            format!("the last price of {symbol} is {} s old", age / 1_000),
        ));
    }
    far_enough(spec, side, quote, levels)
}

fn close(ticket: Ticket, volume: Option<Decimal>, view: &View<'_>) -> Result<(), Refusal> {
    // Whether it is still open is the terminal's to say.
    let Some(position) = position(ticket, view.book) else {
        return Ok(());
    };
    if let Some(volume) = volume {
        if volume > position.volume {
            return Err(refusal(
                retcode::INVALID_CLOSE_VOLUME,
                format!(
                    "position {ticket} has {} lots, {volume} cannot be closed",
                    position.volume
                ),
            ));
        }
        if volume != position.volume
            && let Some(spec) = view.spec
        {
            whole_volume(spec, volume)?;
        }
    }
    if view.fifo
        && let Some(book) = view.book
        && let Some(older) = oldest(book, position)
        && older.ticket != ticket
    {
        return Err(refusal(
            retcode::FIFO_CLOSE,
            format!(
                "this account closes the oldest position first: close {} before {ticket}",
                older.ticket
            ),
        ));
    }
    Ok(())
}

fn modify(
    ticket: Ticket,
    stop_loss: LevelChange,
    take_profit: LevelChange,
    view: &View<'_>,
) -> Result<(), Refusal> {
    let (Some(position), Some(spec)) = (position(ticket, view.book), view.spec) else {
        return Ok(());
    };
    let changed = (
        new_level(stop_loss, position.stop_loss),
        new_level(take_profit, position.take_profit),
    );
    order_modes(spec, changed)?;
    on_tick_grid(spec, changed)?;
    let Some((quote, _)) = view.quote else {
        return Ok(());
    };
    frozen(spec, position, quote)?;
    far_enough(spec, position.side, quote, changed)
}

/// A level that is to be set and is not so already.
fn new_level(change: LevelChange, before: Option<Decimal>) -> Option<Decimal> {
    change.after(before).filter(|_| !change.is_met_by(before))
}

fn position(ticket: Ticket, book: Option<&Book>) -> Option<&Position> {
    book?
        .positions
        .iter()
        .find(|position| position.ticket == ticket)
}

/// The position that must be closed before others of its symbol and direction.
pub fn oldest<'a>(book: &'a Book, than: &Position) -> Option<&'a Position> {
    book.positions
        .iter()
        .filter(|other| other.symbol == than.symbol && other.side == than.side)
        .min_by_key(|other| (other.opened_at, other.ticket))
}

fn trade_mode(spec: &SymbolSpec, side: Side) -> Result<(), Refusal> {
    let (code, what) = match (spec.trade_mode, side) {
        (TradeMode::Disabled, _) => (retcode::TRADE_DISABLED, "no trading"),
        (TradeMode::CloseOnly, _) => (retcode::CLOSE_ONLY, "only closing"),
        (TradeMode::LongOnly, Side::Sell) => (retcode::LONG_ONLY, "only buying"),
        (TradeMode::ShortOnly, Side::Buy) => (retcode::SHORT_ONLY, "only selling"),
        _ => return Ok(()),
    };
    Err(refusal(
        code,
        format!("the broker allows {what} of {}", spec.name),
    ))
}

fn order_modes(spec: &SymbolSpec, (stop_loss, take_profit): Levels) -> Result<(), Refusal> {
    for (wanted, mode, what) in [
        (true, SymbolTerms::ORDER_MARKET, "market orders"),
        (
            stop_loss.is_some(),
            SymbolTerms::ORDER_STOP_LOSS,
            "a stop loss",
        ),
        (
            take_profit.is_some(),
            SymbolTerms::ORDER_TAKE_PROFIT,
            "a take profit",
        ),
    ] {
        if wanted && spec.terms.orders & mode == 0 {
            return Err(refusal(
                retcode::INVALID_ORDER,
                format!("the broker does not take {what} in {}", spec.name),
            ));
        }
    }
    Ok(())
}

fn session(spec: &SymbolSpec, broker_seconds: i64) -> Result<(), Refusal> {
    if spec.terms.is_open(broker_seconds) {
        return Ok(());
    }
    let opens = spec.terms.opens_in(broker_seconds).map_or_else(
        || "and lists no session".to_owned(),
        |minutes| format!("and opens in {} h {} min", minutes / 60, minutes % 60),
    );
    Err(refusal(
        retcode::MARKET_CLOSED,
        format!("the market for {} is closed {opens}", spec.name),
    ))
}

fn whole_volume(spec: &SymbolSpec, volume: Decimal) -> Result<(), Refusal> {
    let problem = if volume < spec.volume_min {
        format!("is below the least volume {}", spec.volume_min)
    } else if volume > spec.volume_max {
        format!("is above the greatest volume {}", spec.volume_max)
    } else if spec.floor_volume(volume) != volume {
        format!("is not a multiple of {}", spec.volume_step)
    } else {
        return Ok(());
    };
    Err(refusal(
        retcode::INVALID_VOLUME,
        format!("{}: {volume} lots {problem}", spec.name),
    ))
}

fn volume_limit(
    spec: &SymbolSpec,
    side: Side,
    volume: Decimal,
    book: Option<&Book>,
) -> Result<(), Refusal> {
    let limit = spec.terms.volume_limit;
    let Some(book) = book.filter(|_| limit > Decimal::ZERO) else {
        return Ok(());
    };
    let held: Decimal = book
        .positions
        .iter()
        .filter(|position| position.symbol == spec.name && position.side == side)
        .map(|position| position.volume)
        .chain(
            book.orders
                .iter()
                .filter(|order| order.symbol == spec.name && order.side == side)
                .map(|order| order.volume),
        )
        .sum();
    if held + volume > limit {
        return Err(refusal(
            retcode::LIMIT_VOLUME,
            format!(
                "the broker allows {limit} lots of {} in one direction; {held} are held and {volume} were asked for",
                spec.name
            ),
        ));
    }
    Ok(())
}

fn on_tick_grid(spec: &SymbolSpec, (stop_loss, take_profit): Levels) -> Result<(), Refusal> {
    for (name, level) in [("stop loss", stop_loss), ("take profit", take_profit)] {
        let Some(level) = level else { continue };
        if level <= Decimal::ZERO || spec.round_price(level) != level {
            return Err(refusal(
                retcode::INVALID_PRICE,
                format!(
                    "{name} {level} is not a multiple of {}'s tick size {}",
                    spec.name, spec.tick_size
                ),
            ));
        }
    }
    Ok(())
}

/// The price that closes a position of this direction.
fn closing_price(side: Side, quote: Quote) -> Decimal {
    match side {
        Side::Buy => quote.bid,
        Side::Sell => quote.ask,
    }
}

fn far_enough(
    spec: &SymbolSpec,
    side: Side,
    quote: Quote,
    (stop_loss, take_profit): Levels,
) -> Result<(), Refusal> {
    let price = closing_price(side, quote);
    let least = spec.point * Decimal::from(spec.stops_level);
    for (name, level, below) in [
        ("stop loss", stop_loss, side == Side::Buy),
        ("take profit", take_profit, side == Side::Sell),
    ] {
        let Some(level) = level else { continue };
        let distance = if below { price - level } else { level - price };
        if distance <= Decimal::ZERO || distance < least {
            return Err(refusal(
                retcode::INVALID_STOPS,
                format!(
                    "{name} {level} of a {} must be at least {} points {} {price}",
                    side.name(),
                    spec.stops_level,
                    if below { "below" } else { "above" }
                ),
            ));
        }
    }
    Ok(())
}

fn frozen(spec: &SymbolSpec, position: &Position, quote: Quote) -> Result<(), Refusal> {
    let freeze = spec.point * Decimal::from(spec.terms.freeze_level);
    let price = closing_price(position.side, quote);
    for (name, level) in [
        ("stop loss", position.stop_loss),
        ("take profit", position.take_profit),
    ] {
        if let Some(level) = level
            && freeze > Decimal::ZERO
            && (level - price).abs() <= freeze
        {
            return Err(refusal(
                retcode::FROZEN,
                format!(
                    "the {name} {level} of {} is within {} points of {price}; the broker has frozen it",
                    position.ticket, spec.terms.freeze_level
                ),
            ));
        }
    }
    Ok(())
}

/// The margin that must stay free after an entry: so many per cent of what was free before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarginReserve {
    pub percent: u32,
}

impl MarginReserve {
    /// `free_after` is what the terminal reckons would be free after the order.
    pub fn check(self, free_before: Decimal, free_after: Decimal) -> Result<(), Refusal> {
        let reserve =
            (free_before * Decimal::from(self.percent) / Decimal::ONE_HUNDRED).round_dp(2);
        if free_after < reserve {
            return Err(refusal(
                retcode::NO_MONEY,
                format!(
                    "after this order {free_after} margin would be free; {reserve} ({} % of what is free now) must stay",
                    self.percent
                ),
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
