//! Symbols, prices, positions, orders and deals as the Expert Advisor lists them. Times stay the broker's own until a
//! clock offset makes them UTC.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::reader::{MessageError, Reader};
use crate::market::{
    Bar, Deal, DealEntry, DealReason, Execution, PendingOrder, PendingType, Position, Quote,
    Session, Side, SymbolSpec, SymbolTerms, Ticket, Timeframe, TradeMode,
};

/// A moment of the broker's clock (milliseconds) in UTC. Only the present offset is known, so what lies on the other side
/// of a daylight-saving change of the broker is an hour off.
pub fn to_utc(broker_ms: i64, offset_s: i32) -> Timestamp {
    Timestamp::from_millisecond(broker_ms.saturating_sub(i64::from(offset_s) * 1_000))
        .unwrap_or(Timestamp::UNIX_EPOCH)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymLine {
    pub spec: SymbolSpec,
}

impl SymLine {
    pub(super) fn read(r: Reader<'_>) -> Result<Self, MessageError> {
        let positive = |key: &'static str| -> Result<Decimal, MessageError> {
            let value = r.decimal(key)?;
            if value > Decimal::ZERO {
                Ok(value)
            } else {
                Err(r.wrong(key, "above zero"))
            }
        };
        let name = r.text("name")?;
        if name.is_empty() {
            return Err(r.wrong("name", "a name"));
        }
        let digits: u32 = r.number("digits")?;
        if digits > 15 {
            return Err(r.wrong("digits", "at most 15"));
        }
        let point = positive("point")?;
        let tick_size = Some(r.decimal("tick_size")?)
            .filter(|size| *size > Decimal::ZERO)
            .unwrap_or(point);
        Ok(Self {
            spec: SymbolSpec {
                name: name.to_owned(),
                digits,
                point,
                tick_size,
                tick_value: loss_value(r)?,
                contract_size: r.decimal("contract")?,
                volume_min: positive("vmin")?,
                volume_max: positive("vmax")?,
                volume_step: positive("vstep")?,
                stops_level: r.number_or_zero("stops")?,
                trade_mode: match r.text("mode")? {
                    "disabled" => TradeMode::Disabled,
                    "long" => TradeMode::LongOnly,
                    "short" => TradeMode::ShortOnly,
                    "close" => TradeMode::CloseOnly,
                    "full" => TradeMode::Full,
                    _ => return Err(r.wrong("mode", "a trade mode")),
                },
                currency_base: r.maybe("base").to_owned(),
                currency_profit: r.maybe("profit").to_owned(),
                margin_per_lot: r.decimal_or_zero("m1lot")?,
                terms: SymbolTerms {
                    path: r.maybe("path").to_owned(),
                    description: r.maybe("desc").to_owned(),
                    currency_margin: r.maybe("margin").to_owned(),
                    volume_limit: r.decimal_or_zero("vlimit")?,
                    freeze_level: r.number_or_zero("freeze")?,
                    execution: match r.text("exe")? {
                        "request" => Execution::Request,
                        "instant" => Execution::Instant,
                        "market" => Execution::Market,
                        "exchange" => Execution::Exchange,
                        _ => return Err(r.wrong("exe", "an execution mode")),
                    },
                    filling: r.number("fill")?,
                    orders: r.number("orders")?,
                    sessions: sessions(r, "tsess")?,
                },
            },
        })
    }
}

/// What a tick can lose is what risk is reckoned with, where the broker tells it.
fn loss_value(r: Reader<'_>) -> Result<Decimal, MessageError> {
    let loss = r.decimal_or_zero("tick_value_loss")?;
    if loss > Decimal::ZERO {
        return Ok(loss);
    }
    r.decimal("tick_value")
}

/// `day:from:to` by commas; nothing is "not told".
fn sessions(r: Reader<'_>, key: &'static str) -> Result<Option<Vec<Session>>, MessageError> {
    let text = r.maybe(key);
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || r.wrong(key, "sessions as day:from:to");
    let mut sessions = Vec::new();
    for element in text.split(',') {
        let mut parts = element.split(':').map(|part| part.parse::<u16>().ok());
        let (Some(Some(day)), Some(Some(from)), Some(Some(to)), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        if day > 6 || from > 1_440 || to > 1_440 {
            return Err(wrong());
        }
        sessions.push(Session {
            day: u8::try_from(day).unwrap_or_default(),
            from,
            // Midnight is an end too.
            to: if to == 0 { 1_440 } else { to },
        });
    }
    Ok(Some(sessions))
}

/// A closed bar of RATE, or of BAR with its series.
#[derive(Clone, Debug, PartialEq)]
pub struct BarLine {
    pub symbol: String,
    pub timeframe: Option<Timeframe>,
    /// The bar's opening by the broker's clock, seconds.
    pub time: i64,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    tick_volume: u64,
}

impl BarLine {
    pub(super) fn rate(r: Reader<'_>) -> Result<Self, MessageError> {
        let price = |key: &'static str| -> Result<f64, MessageError> {
            let price = r.decimal(key)?;
            price
                .to_f64()
                .filter(|_| price > Decimal::ZERO)
                .ok_or_else(|| r.wrong(key, "a price"))
        };
        Ok(Self {
            symbol: String::new(),
            timeframe: None,
            time: r.number("time")?,
            open: price("o")?,
            high: price("h")?,
            low: price("l")?,
            close: price("c")?,
            tick_volume: r.number_or_zero("tv")?,
        })
    }

    pub(super) fn bar(r: Reader<'_>) -> Result<Self, MessageError> {
        let timeframe = r
            .text("tf")?
            .parse()
            .map_err(|_unknown| r.wrong("tf", "a timeframe"))?;
        Ok(Self {
            symbol: r.text("sym")?.to_owned(),
            timeframe: Some(timeframe),
            ..Self::rate(r)?
        })
    }

    pub fn bar_at(&self, offset_s: i32) -> Bar {
        Bar {
            time: to_utc(self.time.saturating_mul(1_000), offset_s),
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            tick_volume: self.tick_volume,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TickLine {
    pub symbol: String,
    pub bid: Decimal,
    pub ask: Decimal,
    pub ms: i64,
}

impl TickLine {
    pub(super) fn read(r: Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            symbol: r.text("sym")?.to_owned(),
            bid: r.decimal("bid")?,
            ask: r.decimal("ask")?,
            ms: r.number("ms")?,
        })
    }

    /// `None` while one side has no price.
    pub fn quote_at(&self, offset_s: i32) -> Option<Quote> {
        (self.bid > Decimal::ZERO && self.ask > Decimal::ZERO).then(|| Quote {
            bid: self.bid,
            ask: self.ask,
            time: to_utc(self.ms, offset_s),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PosLine {
    pub ticket: u64,
    /// Stays the same when the ticket changes (swap reopening, netting reversal).
    pub ident: u64,
    symbol: String,
    side: Side,
    volume: Decimal,
    open: Decimal,
    stop_loss: Option<Decimal>,
    take_profit: Option<Decimal>,
    profit: Decimal,
    price: Decimal,
    magic: u64,
    comment: String,
    ms: i64,
}

impl PosLine {
    pub(super) fn read(r: Reader<'_>) -> Result<Self, MessageError> {
        Ok(Self {
            ticket: r.number("ticket")?,
            ident: r.number("ident")?,
            symbol: r.text("sym")?.to_owned(),
            side: match r.text("side")? {
                "buy" => Side::Buy,
                "sell" => Side::Sell,
                _ => return Err(r.wrong("side", "buy or sell")),
            },
            volume: r.decimal("vol")?,
            open: r.decimal("open")?,
            stop_loss: r.level("sl")?,
            take_profit: r.level("tp")?,
            profit: r.decimal_or_zero("profit")? + r.decimal_or_zero("swap")?,
            price: r.decimal_or_zero("price")?,
            magic: r.magic("magic")?,
            comment: r.maybe("comment").to_owned(),
            ms: r.number("ms")?,
        })
    }

    /// By its identifier, which stays when a swap gives it another ticket (MQL5 reference, "Position properties").
    pub fn position_at(&self, offset_s: i32) -> Position {
        Position {
            ticket: Ticket(self.ident),
            symbol: self.symbol.clone(),
            side: self.side,
            volume: self.volume,
            open_price: self.open,
            stop_loss: self.stop_loss,
            take_profit: self.take_profit,
            profit: self.profit,
            price: self.price,
            magic: self.magic,
            comment: self.comment.clone(),
            opened_at: to_utc(self.ms, offset_s),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdLine {
    pub ticket: u64,
    symbol: String,
    /// `None` for a market order that is on its way.
    kind: Option<(Side, PendingType)>,
    volume: Decimal,
    price: Decimal,
    stop_loss: Option<Decimal>,
    take_profit: Option<Decimal>,
    magic: u64,
    ms: i64,
}

impl OrdLine {
    pub(super) fn read(r: Reader<'_>) -> Result<Self, MessageError> {
        let kind = match r.text("type")? {
            "close_by" => None,
            "buy" => Some((Side::Buy, PendingType::Market)),
            "sell" => Some((Side::Sell, PendingType::Market)),
            "buy_limit" => Some((Side::Buy, PendingType::Limit)),
            "sell_limit" => Some((Side::Sell, PendingType::Limit)),
            "buy_stop" | "buy_stop_limit" => Some((Side::Buy, PendingType::Stop)),
            "sell_stop" | "sell_stop_limit" => Some((Side::Sell, PendingType::Stop)),
            _ => return Err(r.wrong("type", "an order type")),
        };
        Ok(Self {
            ticket: r.number("ticket")?,
            symbol: r.text("sym")?.to_owned(),
            kind,
            volume: r.decimal("vol")?,
            price: r.decimal_or_zero("price")?,
            stop_loss: r.level("sl")?,
            take_profit: r.level("tp")?,
            magic: r.magic("magic")?,
            ms: r.number("ms")?,
        })
    }

    pub fn pending_at(&self, offset_s: i32) -> Option<PendingOrder> {
        let (side, kind) = self.kind?;
        Some(PendingOrder {
            ticket: Ticket(self.ticket),
            symbol: self.symbol.clone(),
            side,
            kind,
            volume: self.volume,
            price: self.price,
            stop_loss: self.stop_loss,
            take_profit: self.take_profit,
            magic: self.magic,
            placed_at: to_utc(self.ms, offset_s),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DealLine {
    pub ticket: u64,
    pub ms: i64,
    position: u64,
    symbol: String,
    /// `None` for balance, credit and other entries without a trade.
    side: Option<Side>,
    entry: DealEntry,
    reason: DealReason,
    volume: Decimal,
    price: Decimal,
    result: Decimal,
    magic: u64,
}

impl DealLine {
    pub(super) fn read(r: Reader<'_>) -> Result<Self, MessageError> {
        let side = match r.text("type")? {
            "buy" => Some(Side::Buy),
            "sell" => Some(Side::Sell),
            _ => None,
        };
        let entry = match r.maybe("entry") {
            "in" => DealEntry::In,
            "out" | "out_by" => DealEntry::Out,
            "inout" => DealEntry::InOut,
            _ if side.is_none() => DealEntry::In,
            _ => return Err(r.wrong("entry", "in, out, inout or out_by")),
        };
        Ok(Self {
            ticket: r.number("ticket")?,
            ms: r.number("ms")?,
            position: r.number_or_zero("pos")?,
            symbol: r.maybe("sym").to_owned(),
            side,
            entry,
            reason: match r.maybe("reason") {
                "sl" => DealReason::StopLoss,
                "tp" => DealReason::TakeProfit,
                "so" => DealReason::StopOut,
                _ => DealReason::Order,
            },
            volume: r.decimal_or_zero("vol")?,
            price: r.decimal_or_zero("price")?,
            result: r.decimal_or_zero("profit")?
                + r.decimal_or_zero("swap")?
                + r.decimal_or_zero("commission")?
                + r.decimal_or_zero("fee")?,
            magic: r.magic("magic")?,
        })
    }

    pub fn deal_at(&self, offset_s: i32) -> Option<Deal> {
        Some(Deal {
            ticket: Ticket(self.ticket),
            position: Ticket(self.position),
            symbol: self.symbol.clone(),
            side: self.side?,
            entry: self.entry,
            reason: self.reason,
            volume: self.volume,
            price: self.price,
            profit: self.result,
            magic: self.magic,
            time: to_utc(self.ms, offset_s),
        })
    }
}
