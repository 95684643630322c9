//! One order of the smallest volume, opened and closed: on a demo account, after a yes, with a far stop loss in case
//! that the closing fails. Its magic number and comment are read back whole.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::time::Instant;

use super::report::{Item, Report};
use super::tell;
use super::walk::Walk;
use crate::cli::Mt5Check;
use crate::market::{
    Account, Cid, Fill, IntentAction, MarginMode, OrderIntent, Outcome, Position, Quote, Side,
    SymbolSpec, TerminalEvent, TerminalRequest, Ticket,
};
use crate::os::say;

/// No strategy has this number.
const CHECK: u16 = u16::MAX - 1;
/// With the Expert Advisor's own 17 letters before it, a comment has the 31 that MetaTrader keeps.
const TAG: &str = "mt5-check-31ch";
const LONGEST_COMMENT: usize = 31;
const DEVIATION: u32 = 100;
const LIFE_MS: u64 = 10_000;
/// OrderSend may take a minute.
const ANSWER_WITHIN: Duration = Duration::from_secs(75);
const SHOWS_WITHIN: Duration = Duration::from_secs(15);
const QUOTE_WITHIN: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(500);
/// For the person who is asked.
const YES_WITHIN: Duration = Duration::from_secs(120);

const TITLE: &str = "order opened and closed";
const MAGIC: (&str, &str) = ("6", "magic number");
const COMMENT: (&str, &str) = ("7", "comment of 31 characters");

pub async fn examine(
    walk: &mut Walk,
    options: &Mt5Check,
    symbol: &SymbolSpec,
    report: &mut Report,
) {
    let not_tried = |report: &mut Report, why: &str| {
        for (number, title) in [("5", TITLE), MAGIC, COMMENT] {
            tell(report, Item::not_tried(number, title, why));
        }
    };
    if !options.demo_orders {
        return not_tried(report, "--demo-orders was not given; nothing was traded");
    }
    let quote = match allowed(walk, options, symbol).await {
        Ok(quote) => quote,
        Err(why) => {
            tell(report, Item::new("5", TITLE, Err(why)));
            for (number, title) in [MAGIC, COMMENT] {
                tell(report, Item::not_tried(number, title, "no order was sent"));
            }
            return;
        }
    };
    let cid = Cid::new(CHECK, counter(Timestamp::now()));
    let opened = open(walk, symbol, quote, cid).await;
    // Whatever was answered, what stands there is closed; only a refusal needs no long look.
    let (ticket, limit) = match &opened {
        Ok((ticket, _)) => (Some(*ticket), SHOWS_WITHIN),
        Err(failure) if failure.certain => (None, LOOK),
        Err(_) => (None, SHOWS_WITHIN),
    };
    let opened = opened
        .map(|(_, words)| words)
        .map_err(|failure| failure.why);
    let position = look(walk, limit, |positions| {
        let ours = |one: &&Position| one.magic == cid.0 || Some(one.ticket) == ticket;
        positions.iter().find(ours).cloned()
    })
    .await;
    match (&opened, &position) {
        (Ok(_), Ok(position)) => {
            tell(report, Item::new(MAGIC.0, MAGIC.1, magic(position, cid)));
            tell(
                report,
                Item::new(COMMENT.0, COMMENT.1, comment(position, cid)),
            );
        }
        _ => {
            for (number, title) in [MAGIC, COMMENT] {
                let why = "the order did not become a position that shows";
                tell(report, Item::not_tried(number, title, why));
            }
        }
    }
    let closed = match &position {
        Ok(position) => Some(close(walk, position.ticket, Cid(cid.0 + 1)).await),
        Err(_) => None,
    };
    let seen = match (opened, closed) {
        (Ok(opened), Some(Ok(closed))) => Ok(format!("{opened}; {closed}")),
        (Ok(opened), None) => Err(format!(
            "{opened}; but no position with its number shows: look in the terminal and close it there"
        )),
        (Err(why), None) => Err(why),
        (opened, Some(Err(why))) => Err(format!(
            "{}; it was NOT closed ({why}): close it in the terminal",
            opened.unwrap_or_else(|why| why)
        )),
        (Err(why), Some(Ok(closed))) => Err(format!("{why}; {closed}")),
    };
    tell(report, Item::new("5", TITLE, seen));
}

/// Whether it may be sent at all; asks the person.
async fn allowed(
    walk: &mut Walk,
    options: &Mt5Check,
    symbol: &SymbolSpec,
) -> Result<Quote, String> {
    let account = walk
        .seen
        .account
        .clone()
        .ok_or("the account is not known")?;
    if !account.demo || walk.seen.facts.contest {
        return Err(format!(
            "account {} is no demo account; no order was sent",
            account.id().masked()
        ));
    }
    let taken = || {
        let book = walk.seen.book.iter().flat_map(|book| &book.positions);
        book.clone().any(|one| one.symbol == symbol.name)
    };
    if account.margin_mode == MarginMode::Netting && taken() {
        return Err(format!(
            "this is a netting account and {} has a position; name another symbol with --symbol",
            symbol.name
        ));
    }
    if !options.yes {
        agreed(walk, &account, symbol).await?;
    }
    if let Some(quote) = walk.seen.quotes.get(&symbol.name) {
        return Ok(*quote);
    }
    walk.until(QUOTE_WITHIN, |event| match event {
        TerminalEvent::Quote { symbol: of, quote } if *of == symbol.name => Some(*quote),
        _ => None,
    })
    .await
    .map_err(|why| {
        format!(
            "no price of {} came ({why}); is its market open?",
            symbol.name
        )
    })
}

async fn agreed(walk: &mut Walk, account: &Account, symbol: &SymbolSpec) -> Result<(), String> {
    if !std::io::stdin().is_terminal() {
        return Err("nobody can be asked here; add --yes".to_owned());
    }
    say(format!(
        "Buy {} {} on the demo account {} and close it at once? Type yes:",
        symbol.volume_min,
        symbol.name,
        account.id().masked()
    ));
    let answer = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).is_ok() && line.trim() == "yes"
    });
    // The link goes on meanwhile.
    let link = walk.until(YES_WITHIN, |_| None::<()>);
    tokio::select! {
        yes = answer => match yes {
            Ok(true) => Ok(()),
            _ => Err("not agreed; no order was sent".to_owned()),
        },
        ended = link => Err(ended.err().unwrap_or_else(|| "no answer".to_owned())),
    }
}

/// 256 a second since 2024, above whatever an earlier check took.
fn counter(now: Timestamp) -> u64 {
    const EPOCH: i64 = 1_704_067_200;
    u64::try_from(now.as_second() - EPOCH).unwrap_or(0) << 8
}

async fn open(
    walk: &mut Walk,
    symbol: &SymbolSpec,
    quote: Quote,
    cid: Cid,
) -> Result<(Ticket, String), Failure> {
    let intent = OrderIntent {
        cid,
        action: IntentAction::Open {
            symbol: symbol.name.clone(),
            side: Side::Buy,
            volume: symbol.volume_min,
            stop_loss: Some(symbol.round_price(quote.bid * Decimal::new(98, 2))),
            take_profit: None,
            deviation: DEVIATION,
        },
        comment: TAG.to_owned(),
        price: Some(quote.ask),
        ttl_ms: LIFE_MS,
        parent: None,
    };
    let words = intent.action.to_string();
    let (fill, times) = send(walk, intent).await?;
    let words = format!("{words} at {}, ticket {}, {times}", fill.price, fill.ticket);
    Ok((fill.ticket, words))
}

async fn close(walk: &mut Walk, ticket: Ticket, cid: Cid) -> Result<String, String> {
    let intent = OrderIntent {
        cid,
        action: IntentAction::Close {
            ticket,
            volume: None,
        },
        comment: String::new(),
        price: None,
        ttl_ms: LIFE_MS,
        parent: None,
    };
    let (fill, times) = send(walk, intent).await.map_err(|failure| failure.why)?;
    look(walk, SHOWS_WITHIN, |positions| {
        let open = positions.iter().any(|one| one.ticket == ticket);
        (!open).then_some(())
    })
    .await
    .map_err(|_late| format!("closed by deal at {}, yet it still shows", fill.price))?;
    Ok(format!("closed at {}, {times}", fill.price))
}

/// Why there is no deal to speak of.
struct Failure {
    /// Nothing was traded, for certain.
    certain: bool,
    why: String,
}

/// Sends it and waits for its answer; the times are the terminal's, as far as the link shows them.
async fn send(walk: &mut Walk, intent: OrderIntent) -> Result<(Fill, String), Failure> {
    let cid = intent.cid;
    let sent = Instant::now();
    let (mut busy, mut deal_first) = (None, false);
    let doubtful = |why: String| Failure {
        certain: false,
        why,
    };
    walk.ask(TerminalRequest::Submit(intent))
        .await
        .map_err(doubtful)?;
    let outcome = walk
        .until(ANSWER_WITHIN, |event| match event {
            TerminalEvent::Link(facts) if facts.busy == Some(cid) => {
                busy = Some(Instant::now());
                None
            }
            TerminalEvent::Deal(deal) if deal.magic == cid.0 => {
                deal_first = true;
                None
            }
            TerminalEvent::Answer { cid: of, outcome } if *of == cid => Some(outcome.clone()),
            _ => None,
        })
        .await
        .map_err(|why| {
            doubtful(format!(
                "no answer to the order with magic {}: {why}",
                cid.0
            ))
        })?;
    let ms = |since: Instant| since.elapsed().as_secs_f64() * 1_000.0;
    let blocked = busy.map_or_else(
        || "OrderSend's own time was not seen".to_owned(),
        |busy| format!("OrderSend blocked for {:.1} ms", ms(busy)),
    );
    let announced = if deal_first {
        "its deal was announced before"
    } else {
        "no deal was announced before"
    };
    match outcome {
        Outcome::Done(fill) => Ok((
            fill,
            format!(
                "result after {:.1} ms, {blocked}, {announced} the result",
                ms(sent)
            ),
        )),
        Outcome::Refused(refusal) => Err(Failure {
            certain: true,
            why: format!(
                "refused: {} ({}); nothing was traded",
                refusal.message, refusal.retcode
            ),
        }),
        Outcome::Unknown { reason } => Err(doubtful(format!(
            "no certain outcome ({reason}): look for magic {} in the terminal's History",
            cid.0
        ))),
    }
}

/// Looks at the terminal's positions again and again.
async fn look<T>(
    walk: &mut Walk,
    limit: Duration,
    mut pick: impl FnMut(&[Position]) -> Option<T>,
) -> Result<T, String> {
    let until = Instant::now() + limit;
    loop {
        walk.ask(TerminalRequest::SendBook).await?;
        let found = walk
            .until(LOOK, |event| match event {
                TerminalEvent::Book(book) => pick(&book.positions),
                _ => None,
            })
            .await;
        if found.is_ok() || Instant::now() >= until {
            return found;
        }
    }
}

fn magic(position: &Position, cid: Cid) -> Result<String, String> {
    if position.magic == cid.0 {
        Ok(format!(
            "{}, all {} digits on position {}",
            cid.0,
            cid.0.to_string().len(),
            position.ticket
        ))
    } else {
        Err(format!(
            "{} was sent and {} came back",
            cid.0, position.magic
        ))
    }
}

fn comment(position: &Position, cid: Cid) -> Result<String, String> {
    let sent = format!("FX:{} {TAG}", base32(cid));
    debug_assert_eq!(sent.len(), LONGEST_COMMENT);
    if position.comment == sent {
        Ok(format!("\"{sent}\" came back whole"))
    } else {
        Err(format!(
            "\"{sent}\" was sent and \"{}\" came back. Trading does not rest on it, but it should be known",
            position.comment
        ))
    }
}

/// As the Expert Advisor writes a client id: 13 letters of Crockford's alphabet.
fn base32(cid: Cid) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    (0..13)
        .rev()
        .map(|place| char::from(LETTERS[(cid.0 >> (5 * place)) as usize & 31]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_comment_is_as_long_as_metatrader_keeps() {
        let cid = Cid::new(CHECK, 0xFF_FFFF_FFFF);
        assert_eq!(format!("FX:{} {TAG}", base32(cid)).len(), LONGEST_COMMENT);
        assert_eq!(base32(Cid(32)), "0000000000010");
    }

    #[test]
    fn the_checks_ids_are_own_and_no_strategys() {
        let cid = Cid::new(CHECK, counter(Timestamp::now()));
        assert!(cid.is_own());
        assert_eq!(cid.strategy(), CHECK);
        assert!(cid.counter() > 0);
    }
}
