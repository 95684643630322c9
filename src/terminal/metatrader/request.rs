//! What the executor says, as lines (docs/metatrader-link.md). Pure; the session chooses the numbers.

use rust_decimal::Decimal;

use super::line::LineText;
use super::presend::FillMode;
use crate::market::{IntentAction, LevelChange, OrderIntent, Side, Timeframe};

pub fn challenge(nonce: &str) -> String {
    LineText::new("CHAL").with("nonce", nonce).finish()
}

pub fn accepted(mac: &str, session: &str) -> String {
    LineText::new("OK")
        .with("mac", mac)
        .with("sid", session)
        .finish()
}

pub fn bye(reason: &str) -> String {
    LineText::new("BYE").with("reason", reason).finish()
}

/// To an EA that has proven itself and is not served now.
pub fn not_served(reason: &str, mac: &str) -> String {
    LineText::new("BYE")
        .with("reason", reason)
        .with("mac", mac)
        .finish()
}

pub fn error(id: Option<u64>, text: &str) -> String {
    let line = LineText::new("ERR");
    let line = match id {
        Some(id) => line.with("id", id),
        None => line,
    };
    line.with("code", super::super::retcode::BAD_ARGUMENTS)
        .with("text", text)
        .finish()
}

pub fn heartbeat(n: u64, seen: u64) -> String {
    LineText::new("HB").with("n", n).with("ack", seen).finish()
}

pub fn ping(id: u64) -> String {
    LineText::new("PING").with("id", id).with("x", id).finish()
}

pub fn symbols(id: u64) -> String {
    LineText::new("SYMS").with("id", id).finish()
}

pub fn snapshot(id: u64) -> String {
    LineText::new("SNAP").with("id", id).finish()
}

pub fn subscribe(id: u64, symbol: &str, timeframes: &[Timeframe]) -> String {
    let bars: Vec<&str> = timeframes
        .iter()
        .map(|timeframe| timeframe.name())
        .collect();
    LineText::new("SUB")
        .with("id", id)
        .with("sym", symbol)
        .with("ticks", 1)
        .with("bars", bars.join(","))
        .finish()
}

pub fn unsubscribe(id: u64, symbol: &str) -> String {
    LineText::new("UNSUB")
        .with("id", id)
        .with("sym", symbol)
        .finish()
}

/// `count` closed bars that end `from` bars before the newest.
pub fn rates(id: u64, symbol: &str, timeframe: Timeframe, from: usize, count: usize) -> String {
    LineText::new("RATES")
        .with("id", id)
        .with("sym", symbol)
        .with("tf", timeframe)
        .with("from", from)
        .with("count", count)
        .finish()
}

/// Deals between two moments of the broker's clock.
pub fn deals(id: u64, from_ms: i64, to_ms: i64) -> String {
    LineText::new("HIST")
        .with("id", id)
        .with("from_ms", from_ms)
        .with("to_ms", to_ms)
        .with("what", "deals")
        .finish()
}

/// What became of a client id. `ordered`, and of a close the position's identifier, tell it from another program's.
pub fn find(
    id: u64,
    cid: u64,
    since_ms: i64,
    ordered: Option<&IntentAction>,
    position: Option<u64>,
) -> String {
    let line = LineText::new("FIND")
        .with("id", id)
        .with("cid", cid)
        .with("since_ms", since_ms);
    let line = match ordered {
        Some(IntentAction::Open {
            symbol,
            side,
            volume,
            ..
        }) => line
            .with("sym", symbol)
            .with("type", word(*side))
            .with("vol", plain(*volume)),
        _ => line,
    };
    match position {
        Some(position) => line.with("pos", position),
        None => line,
    }
    .finish()
}

const fn word(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

/// What every order line carries beside its action.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    pub id: u64,
    /// `login@server`.
    pub account: &'a str,
    pub ttl_ms: u64,
    /// When it was made, by the broker's clock.
    pub made_ms: i64,
    /// What an entry decided at; `None`: no quote of the symbol is known, the price of the moment is taken.
    pub price: Option<Decimal>,
    pub fill: FillMode,
    /// The position's identifier where the action names a position.
    pub ident: u64,
}

/// The order line of an intent; `check` makes it one that sends nothing.
pub fn order(intent: &OrderIntent, envelope: Envelope<'_>, check: bool) -> String {
    let kind = match (&intent.action, check) {
        (IntentAction::Open { .. }, true) => "CHECK",
        (IntentAction::Open { .. }, false) => "ORDER",
        (IntentAction::Close { .. }, _) => "CLOSE",
        (IntentAction::Modify { .. }, _) => "SLTP",
        (IntentAction::Cancel { .. }, _) => "CANCEL",
    };
    let line = LineText::new(kind)
        .with("id", envelope.id)
        .with("cid", intent.cid.0)
        .with("acct", envelope.account)
        .with("ttl_ms", envelope.ttl_ms)
        .with("made_ms", envelope.made_ms);
    match &intent.action {
        IntentAction::Open {
            symbol,
            side,
            volume,
            stop_loss,
            take_profit,
            deviation,
        } => open_fields(
            line,
            &Market {
                symbol,
                side: *side,
                volume: *volume,
                stop_loss: *stop_loss,
                take_profit: *take_profit,
                deviation: *deviation,
                price: envelope.price,
                fill: envelope.fill,
                tag: &intent.comment,
            },
        ),
        IntentAction::Close { ticket, volume } => line
            .with("ticket", ticket.0)
            .with("ident", envelope.ident)
            .with("vol", volume.map_or_else(String::new, plain))
            .with("dev", CLOSE_DEVIATION)
            .with("fill", envelope.fill.name()),
        IntentAction::Modify {
            ticket,
            stop_loss,
            take_profit,
        } => line
            .with("ticket", ticket.0)
            .with("ident", envelope.ident)
            .with("sl", changed(*stop_loss))
            .with("tp", changed(*take_profit)),
        IntentAction::Cancel { ticket } => line.with("ticket", ticket.0),
    }
    .finish()
}

/// Points by which a close may miss its price: getting out matters more than the price.
const CLOSE_DEVIATION: u32 = 1_000;

struct Market<'a> {
    symbol: &'a str,
    side: Side,
    volume: Decimal,
    stop_loss: Option<Decimal>,
    take_profit: Option<Decimal>,
    deviation: u32,
    price: Option<Decimal>,
    fill: FillMode,
    tag: &'a str,
}

fn open_fields(line: LineText, order: &Market<'_>) -> LineText {
    line.with("action", "deal")
        .with("sym", order.symbol)
        .with("type", word(order.side))
        .with("vol", plain(order.volume))
        .with("price", level(order.price))
        .with("stoplimit", 0)
        .with("sl", level(order.stop_loss))
        .with("tp", level(order.take_profit))
        .with("dev", order.deviation)
        .with("fill", order.fill.name())
        .with("ttype", "gtc")
        .with("exp", 0)
        .with("tag", order.tag)
        .with("max_spread", "")
        // Without a stop only when the intent says so.
        .with("nostop", u8::from(order.stop_loss.is_none()))
}

fn level(level: Option<Decimal>) -> String {
    level.map_or_else(|| "0".to_owned(), plain)
}

/// Empty keeps what the terminal has.
fn changed(level: LevelChange) -> String {
    match level {
        LevelChange::Keep => String::new(),
        LevelChange::Remove => "0".to_owned(),
        LevelChange::At(price) => plain(price),
    }
}

fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Ticket;

    #[test]
    fn a_search_says_what_was_ordered() {
        let open = IntentAction::Open {
            symbol: "EURUSD".to_owned(),
            side: Side::Sell,
            volume: Decimal::ONE,
            stop_loss: None,
            take_profit: None,
            deviation: 0,
        };
        assert_eq!(
            find(1, 2, 3, Some(&open), None),
            "FIND\tid=1\tcid=2\tsince_ms=3\tsym=EURUSD\ttype=sell\tvol=1\n"
        );
        let close = IntentAction::Close {
            ticket: Ticket(9),
            volume: None,
        };
        assert_eq!(
            find(1, 2, 3, Some(&close), Some(8)),
            "FIND\tid=1\tcid=2\tsince_ms=3\tpos=8\n"
        );
    }
}
