//! The items, in the order in which each rests on those before it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::report::{Item, Report, terminal_words};
use super::walk::Walk;
use super::{order, tell};
use crate::cli::Mt5Check;
use crate::market::{
    Permissions, SelfTest, SymbolSpec, TerminalEvent, TerminalRequest, Timeframe, TradeMode,
};

/// An Expert Advisor that is on its chart comes within this time (docs/first-hour.md, 2.1).
const COMES_WITHIN: Duration = Duration::from_secs(20);
const SELF_TESTS: usize = 5;
const SELF_TEST_WITHIN: Duration = Duration::from_secs(40);
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
const BARS_WITHIN: Duration = Duration::from_secs(60);
const BARS: usize = 300;
/// Between the market's clock and this computer's.
const CLOCKS_APART: i64 = 5;

const AFTER: [(&str, &str); 9] = [
    ("1", "Expert Advisor's version"),
    ("2.1", "switches"),
    ("2.1", "answer time"),
    ("2.2", "self-test"),
    ("2", "broker's clock"),
    ("2", "symbols"),
    ("2", "positions and orders"),
    ("10", "bars and quotes"),
    ("5", "order"),
];

pub async fn examine(walk: &mut Walk, options: &Mt5Check, report: &mut Report) {
    let wait = Duration::from_secs(options.wait);
    let came = walk.connect(wait).await;
    let here = came.is_ok();
    let link = walk.seen.facts.link.clone();
    let seen = came.map(|took| {
        let seconds = took.as_secs_f64();
        let late = if took > COMES_WITHIN {
            "; more than 20 s: was it on its chart from the start?"
        } else {
            ""
        };
        format!("after {seconds:.1} s over the {link}{late}")
    });
    tell(report, Item::new("2.1", "Expert Advisor connects", seen));
    let (Some(account), true) = (walk.seen.account.clone(), here) else {
        for (number, title) in AFTER {
            let why = "the Expert Advisor is not connected";
            tell(report, Item::not_tried(number, title, why));
        }
        return;
    };
    report.terminal = terminal_words(&walk.seen.facts, &account);
    report.terminal.iter().for_each(crate::os::say);
    tell(report, Item::new("1", AFTER[0].1, version(walk)));
    tell(report, Item::new("2.1", AFTER[1].1, switches(walk)));
    tell(
        report,
        Item::new("2.1", AFTER[2].1, answer_time(walk).await),
    );
    for number in 1..=SELF_TESTS {
        let title = format!("self-test {number} of {SELF_TESTS}");
        tell(report, Item::new("2.2", &title, self_test(walk).await));
    }
    tell(report, Item::new("2", AFTER[4].1, clock(walk)));
    let symbol = choose(&walk.seen.symbols, options.symbol.as_deref());
    let words = symbols(&walk.seen.symbols, &symbol);
    tell(report, Item::new("2", AFTER[5].1, words));
    tell(report, Item::new("2", AFTER[6].1, book(walk).await));
    match symbol {
        Ok(symbol) => {
            tell(
                report,
                Item::new("10", AFTER[7].1, bars(walk, &symbol.name).await),
            );
            order::examine(walk, options, &symbol, report).await;
        }
        Err(why) => {
            tell(report, Item::not_tried("10", AFTER[7].1, &why));
            tell(report, Item::not_tried("5", AFTER[8].1, &why));
        }
    }
}

fn version(walk: &Walk) -> Result<String, String> {
    let (ea, ours) = (&walk.seen.facts.ea, env!("CARGO_PKG_VERSION"));
    if ea == ours {
        Ok(format!("{ea}, the one that came with this program"))
    } else {
        Err(format!(
            "{ea} runs and {ours} came with this program; install it again (fx-executor mt5 install)"
        ))
    }
}

/// Names every switch, and what to do about the first that is off.
fn switches(walk: &Walk) -> Result<String, String> {
    let Some(on) = walk.seen.permissions else {
        return Err("not told".to_owned());
    };
    let words = switch_words(on);
    let dll = if walk.seen.facts.dll_allowed {
        "on; it is not needed"
    } else {
        "off, as it should be"
    };
    let text = format!("{words}, DLL imports {dll}");
    on.missing()
        .map_or_else(|| Ok(text.clone()), |what| Err(format!("{text}: {what}")))
}

fn switch_words(on: Permissions) -> String {
    [
        ("trade server", on.connected),
        ("Algo Trading button", on.algo_trading),
        ("Expert Advisor's box", on.expert),
        ("broker allows trading", on.account),
        ("broker allows Expert Advisors", on.account_experts),
    ]
    .map(|(name, on)| format!("{name} {}", if on { "on" } else { "OFF" }))
    .join(", ")
}

async fn answer_time(walk: &mut Walk) -> Result<String, String> {
    // The first sign of life may come before the first round trip.
    for _ in 0..2 {
        walk.until(ANSWERS_WITHIN, |event| {
            matches!(event, TerminalEvent::Alive { .. }).then_some(())
        })
        .await?;
    }
    match walk.seen.latency_ms {
        Some(0) => Ok("below 1 ms".to_owned()),
        Some(ms) => Ok(format!("{ms} ms")),
        None => Err("not measured".to_owned()),
    }
}

async fn self_test(walk: &mut Walk) -> Result<String, String> {
    walk.ask(TerminalRequest::SelfTest).await?;
    let test: SelfTest = walk
        .until(SELF_TEST_WITHIN, |event| match event {
            TerminalEvent::SelfTested(test) => Some(test.clone()),
            _ => None,
        })
        .await?;
    let items: Vec<String> = test
        .items
        .iter()
        .map(|item| {
            let failed = if item.passed { "" } else { "FAILED: " };
            format!("{}: {failed}{}", item.name, item.detail)
        })
        .collect();
    let text = items.join("; ");
    if test.passed() { Ok(text) } else { Err(text) }
}

fn clock(walk: &Walk) -> Result<String, String> {
    let Some((market, here)) = walk.seen.clock else {
        return Err("not told".to_owned());
    };
    let offset = walk.seen.facts.clock_offset_s;
    let apart = market.duration_since(here).as_secs();
    let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    let text = format!(
        "UTC{sign}{}:{:02}, {apart} s from this computer's clock",
        size / 3_600,
        size % 3_600 / 60
    );
    if apart.abs() <= CLOCKS_APART {
        Ok(text)
    } else {
        Err(format!(
            "{text}; set this computer's clock (Windows: Settings, Time, Sync now)"
        ))
    }
}

/// The named symbol; else a currency pair if there is one.
fn choose(all: &[SymbolSpec], wanted: Option<&str>) -> Result<SymbolSpec, String> {
    if let Some(wanted) = wanted {
        let named = all.iter().find(|spec| spec.name == wanted);
        return named
            .cloned()
            .ok_or_else(|| format!("the broker has no symbol {wanted}"));
    }
    let tradable = || all.iter().filter(|spec| spec.trade_mode == TradeMode::Full);
    tradable()
        .find(|spec| spec.currency_base == "EUR" && spec.currency_profit == "USD")
        .or_else(|| tradable().find(|spec| spec.is_currency_pair()))
        .or_else(|| tradable().next())
        .cloned()
        .ok_or_else(|| "the broker lets no symbol be traded".to_owned())
}

fn symbols(all: &[SymbolSpec], chosen: &Result<SymbolSpec, String>) -> Result<String, String> {
    let spec = chosen.as_ref().map_err(Clone::clone)?;
    let tradable = all.iter().filter(|one| one.trade_mode == TradeMode::Full);
    let sessions = match spec.terms.sessions.as_deref() {
        None => "no sessions told".to_owned(),
        Some(sessions) => {
            let days: BTreeSet<u8> = sessions.iter().map(|session| session.day).collect();
            format!("sessions on {} days", days.len())
        }
    };
    let text = format!(
        "{} symbols, {} may be traded; {}: {} digits, tick {} worth {}, lots {} to {} by {}, stops level {}, freeze level {}, {:?} execution, filling mask {}, margin of one lot {}, {sessions}",
        all.len(),
        tradable.count(),
        spec.name,
        spec.digits,
        spec.tick_size,
        spec.tick_value,
        spec.volume_min,
        spec.volume_max,
        spec.volume_step,
        spec.stops_level,
        spec.terms.freeze_level,
        spec.terms.execution,
        spec.terms.filling,
        spec.margin_per_lot,
    );
    let missing: Vec<&str> = [
        ("tick size", spec.tick_size.is_zero()),
        ("tick value", spec.tick_value.is_zero()),
        ("volume step", spec.volume_step.is_zero()),
        ("smallest volume", spec.volume_min.is_zero()),
    ]
    .into_iter()
    .filter_map(|(name, missing)| missing.then_some(name))
    .collect();
    if missing.is_empty() {
        Ok(text)
    } else {
        Err(format!("{text}; missing: {}", missing.join(", ")))
    }
}

async fn book(walk: &mut Walk) -> Result<String, String> {
    walk.ask(TerminalRequest::SendBook).await?;
    let book = walk
        .until(ANSWERS_WITHIN, |event| match event {
            TerminalEvent::Book(book) => Some(book.clone()),
            _ => None,
        })
        .await?;
    let own = book.positions.iter().filter(|one| one.is_own()).count();
    let own_orders = book.orders.iter().filter(|one| one.is_own()).count();
    Ok(format!(
        "{} positions ({own} of this program), {} pending orders ({own_orders} of this program)",
        book.positions.len(),
        book.orders.len()
    ))
}

async fn bars(walk: &mut Walk, symbol: &str) -> Result<String, String> {
    let began = tokio::time::Instant::now();
    walk.ask(TerminalRequest::Watch {
        symbol: symbol.to_owned(),
        timeframe: Timeframe::M1,
        history: BARS,
    })
    .await?;
    let bars = walk
        .until(BARS_WITHIN, |event| match event {
            TerminalEvent::Bars {
                symbol: of, bars, ..
            } if of == symbol => Some(bars.clone()),
            _ => None,
        })
        .await?;
    let took = began.elapsed().as_secs_f64();
    let Some(last) = bars.last() else {
        return Err(format!("{symbol} has no closed M1 bars"));
    };
    let text = format!(
        "{} closed M1 bars of {symbol} after {took:.1} s, the last opened {}",
        bars.len(),
        last.time
    );
    if bars.windows(2).all(|two| two[0].time < two[1].time) {
        Ok(text)
    } else {
        Err(format!("{text}; they are out of order"))
    }
}
