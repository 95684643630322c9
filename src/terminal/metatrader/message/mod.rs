//! What the Expert Advisor says, typed (docs/metatrader-link.md). Pure; knows no session.

mod data;
mod reader;

use rust_decimal::Decimal;

pub use data::{BarLine, DealLine, OrdLine, PosLine, SymLine, TickLine};
pub use reader::MessageError;

use super::line::Line;
use crate::market::{AccountId, Permissions};
use reader::Reader;

/// One line of the Expert Advisor.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// Its number in this connection, from 1 without gaps; `None` when it is unreadable.
    pub sequence: Option<u64>,
    /// The request it answers.
    pub id: Option<u64>,
    pub kind: String,
    pub body: Result<Body, MessageError>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    Hello(Box<Hello>),
    Auth {
        mac: String,
    },
    Heartbeat {
        n: u64,
    },
    Pong,
    Busy {
        cid: u64,
    },
    Time(TimeLine),
    Flags(FlagsLine),
    Account(AccountLine),
    Log {
        level: String,
        text: String,
    },
    Error {
        code: i32,
        text: String,
    },
    Bye {
        reason: String,
    },
    Symbol(Box<SymLine>),
    Rate(BarLine),
    Bar(BarLine),
    Tick(TickLine),
    Position(Box<PosLine>),
    Order(Box<OrdLine>),
    Deal(Box<DealLine>),
    /// A hint that something changed; nothing of it is believed.
    Transaction,
    Found(Box<FoundLine>),
    Result(Box<ResultLine>),
    End(EndLine),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub proto: u32,
    pub ea: String,
    pub build: u32,
    pub term: String,
    pub path: String,
    pub login: u64,
    pub server: String,
    pub company: String,
    pub currency: String,
    pub digits: u32,
    /// `netting`, `exchange` or `hedging`.
    pub margin: String,
    pub leverage: u32,
    /// `demo`, `contest` or `real`.
    pub kind: String,
    pub nonce: String,
    pub role: String,
    pub flags: FlagsLine,
}

impl Hello {
    pub fn account(&self) -> AccountId {
        AccountId {
            login: self.login,
            server: self.server.clone(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagsLine {
    pub permissions: Permissions,
    pub dll: bool,
    /// Of FLAGS; HELLO has its own.
    pub login: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLine {
    /// The broker's clock, milliseconds.
    pub server_ms: i64,
    /// The broker's clock is ahead of UTC by so many seconds.
    pub offset_s: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountLine {
    pub balance: Decimal,
    pub equity: Decimal,
    pub margin: Decimal,
    pub free: Decimal,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundLine {
    pub cid: u64,
    pub place: Place,
    pub ticket: u64,
    pub deal: u64,
    pub volume: Decimal,
    pub price: Decimal,
    pub profit: Decimal,
    pub from_ms: i64,
    pub to_ms: i64,
    pub sync: bool,
    pub retcode: i32,
}

/// Where an order was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Position,
    WorkingOrder,
    Deal,
    /// An order of the history without a deal.
    History,
    /// The EA's journal has it as sent; nothing shows it yet.
    Sent,
    /// The EA's journal has a definite refusal.
    Refused,
    /// The EA's journal has the success of a change that leaves no other trace (SLTP, CANCEL).
    Done,
    Nowhere,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultLine {
    pub cid: u64,
    pub ok: bool,
    pub retcode: i32,
    pub deal: u64,
    pub order: u64,
    pub position: u64,
    pub volume: Decimal,
    pub price: Decimal,
    /// The prices at which it was checked or sent; 0 when it came to neither.
    pub bid: Decimal,
    pub ask: Decimal,
    pub profit: Decimal,
    pub comment: String,
    pub error: i32,
    pub stage: Stage,
    /// It went out although the EA's journal could not be written.
    pub unwritten: bool,
    pub free: Decimal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Definite; the code decides.
    Done,
    /// OrderSend was called and its outcome is not definite.
    Sent,
    /// Never sent.
    Refused,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EndLine {
    pub n: usize,
    pub synced: bool,
    pub more: bool,
    pub positions: usize,
    pub orders: usize,
    pub revision: u64,
}

impl Received {
    pub fn read(line: &Line) -> Self {
        let reader = Reader(line);
        Self {
            sequence: reader.number("q").ok(),
            id: reader.number("id").ok(),
            kind: line.kind().to_owned(),
            body: body(reader, line.kind()),
        }
    }
}

/// The year 2100: what lies beyond is no clock.
const LATEST_MS: i64 = 4_102_444_800_000;
/// A computer whose clock is three years off can still be talked to.
const MOST_OFFSET_S: i32 = 3 * 366 * 86_400;

fn body(r: Reader<'_>, kind: &str) -> Result<Body, MessageError> {
    Ok(match kind {
        "HELLO" => Body::Hello(Box::new(hello(r)?)),
        "AUTH" => Body::Auth {
            mac: r.text("mac")?.to_owned(),
        },
        "HB" => Body::Heartbeat { n: r.number("n")? },
        "PONG" => Body::Pong,
        "BUSY" => Body::Busy {
            cid: r.magic("cid")?,
        },
        "TIME" => Body::Time(TimeLine {
            server_ms: r.number_within("server_ms", 0..=LATEST_MS)?,
            offset_s: r.number_within("offset_s", -MOST_OFFSET_S..=MOST_OFFSET_S)?,
        }),
        "FLAGS" => Body::Flags(flags(r)?),
        "ACC" => Body::Account(AccountLine {
            balance: r.decimal("balance")?,
            equity: r.decimal("equity")?,
            margin: r.decimal("margin")?,
            free: r.decimal("free")?,
        }),
        "LOG" => Body::Log {
            level: r.maybe("level").to_owned(),
            text: r.text("text")?.to_owned(),
        },
        "ERR" => Body::Error {
            code: r.number("code")?,
            text: r.maybe("text").to_owned(),
        },
        "BYE" => Body::Bye {
            reason: r.maybe("reason").to_owned(),
        },
        "SYM" => Body::Symbol(Box::new(SymLine::read(r)?)),
        "RATE" => Body::Rate(BarLine::rate(r)?),
        "BAR" => Body::Bar(BarLine::bar(r)?),
        "TICK" => Body::Tick(TickLine::read(r)?),
        "POS" => Body::Position(Box::new(PosLine::read(r)?)),
        "ORD" => Body::Order(Box::new(OrdLine::read(r)?)),
        "DEAL" => Body::Deal(Box::new(DealLine::read(r)?)),
        "TXN" => Body::Transaction,
        "FOUND" => Body::Found(Box::new(found(r)?)),
        "RES" => Body::Result(Box::new(result(r)?)),
        "END" => Body::End(EndLine {
            n: r.number("n")?,
            synced: r.flag_or_off("synced")?,
            more: r.flag_or_off("more")?,
            positions: r.number_or_zero("npos")?,
            orders: r.number_or_zero("nord")?,
            revision: r.number_or_zero("rev")?,
        }),
        _ => {
            return Err(MessageError::UnknownType {
                kind: kind.to_owned(),
            });
        }
    })
}

fn hello(r: Reader<'_>) -> Result<Hello, MessageError> {
    // Another version may have other fields: it is told so before anything else is read.
    let proto = r.number("proto")?;
    if proto != super::handshake::PROTOCOL {
        return Ok(Hello::of_version(proto, r.maybe("ea")));
    }
    let login = r.number("login")?;
    let kind = r.text("kind")?;
    if !matches!(kind, "demo" | "contest" | "real") {
        return Err(r.wrong("kind", "demo, contest or real"));
    }
    let margin = r.text("margin")?;
    if !matches!(margin, "netting" | "exchange" | "hedging") {
        return Err(r.wrong("margin", "netting, exchange or hedging"));
    }
    Ok(Hello {
        proto,
        ea: r.text("ea")?.to_owned(),
        build: r.number("build")?,
        term: r.maybe("term").to_owned(),
        path: r.maybe("path").to_owned(),
        login,
        server: r.text("server")?.to_owned(),
        company: r.maybe("company").to_owned(),
        currency: r.text("ccy")?.to_owned(),
        digits: r.number("digits")?,
        margin: margin.to_owned(),
        leverage: r.number_or_zero("leverage")?,
        kind: kind.to_owned(),
        nonce: r.text("nonce")?.to_owned(),
        role: r.maybe("role").to_owned(),
        flags: FlagsLine {
            login,
            ..flags_of(r)?
        },
    })
}

impl Hello {
    fn of_version(proto: u32, ea: &str) -> Self {
        Self {
            proto,
            ea: ea.to_owned(),
            build: 0,
            term: String::new(),
            path: String::new(),
            login: 0,
            server: String::new(),
            company: String::new(),
            currency: String::new(),
            digits: 0,
            margin: String::new(),
            leverage: 0,
            kind: String::new(),
            nonce: String::new(),
            role: String::new(),
            flags: FlagsLine {
                permissions: Permissions::ALL,
                dll: false,
                login: 0,
            },
        }
    }
}

fn flags(r: Reader<'_>) -> Result<FlagsLine, MessageError> {
    Ok(FlagsLine {
        login: r.number("login")?,
        ..flags_of(r)?
    })
}

fn flags_of(r: Reader<'_>) -> Result<FlagsLine, MessageError> {
    Ok(FlagsLine {
        permissions: Permissions {
            connected: r.flag("connected")?,
            algo_trading: r.flag("algo")?,
            expert: r.flag("expert")?,
            account: r.flag("account_ok")?,
            account_experts: r.flag("expert_ok")?,
        },
        dll: r.flag_or_off("dll")?,
        login: 0,
    })
}

fn found(r: Reader<'_>) -> Result<FoundLine, MessageError> {
    Ok(FoundLine {
        cid: r.magic("cid")?,
        place: match r.text("where")? {
            "pos" => Place::Position,
            "ord" => Place::WorkingOrder,
            "deal" => Place::Deal,
            "hist" => Place::History,
            "sent" => Place::Sent,
            "refused" => Place::Refused,
            "done" => Place::Done,
            "none" => Place::Nowhere,
            _ => return Err(r.wrong("where", "a place of the contract")),
        },
        ticket: r.number_or_zero("ticket")?,
        deal: r.number_or_zero("deal")?,
        volume: r.decimal_or_zero("vol")?,
        price: r.decimal_or_zero("price")?,
        profit: r.decimal_or_zero("profit")?,
        from_ms: r.number_or_zero("from_ms")?,
        to_ms: r.number_or_zero("to_ms")?,
        sync: r.flag_or_off("sync")?,
        retcode: r.number_or_zero("retcode")?,
    })
}

fn result(r: Reader<'_>) -> Result<ResultLine, MessageError> {
    Ok(ResultLine {
        cid: r.magic("cid")?,
        ok: r.flag("ok")?,
        retcode: r.number("retcode")?,
        deal: r.number_or_zero("deal")?,
        order: r.number_or_zero("order")?,
        position: r.number_or_zero("pos")?,
        volume: r.decimal_or_zero("vol")?,
        price: r.decimal_or_zero("price")?,
        bid: r.decimal_or_zero("bid")?,
        ask: r.decimal_or_zero("ask")?,
        profit: r.decimal_or_zero("profit")?,
        comment: r.maybe("comment").to_owned(),
        error: r.number_or_zero("err")?,
        stage: match r.text("stage")? {
            "done" => Stage::Done,
            "sent" => Stage::Sent,
            "refused" => Stage::Refused,
            _ => return Err(r.wrong("stage", "done, sent or refused")),
        },
        unwritten: r.flag_or_off("unwritten")?,
        free: r.decimal_or_zero("free")?,
    })
}

#[cfg(test)]
mod tests;
