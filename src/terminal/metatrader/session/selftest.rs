//! The harmless test of a link: an OrderCheck of the smallest order, a search for an order that never was, a hundred round
//! trips. Nothing of it can trade.

use std::time::Duration;

use super::Context;
use super::active::{Active, Asked};
use crate::market::{
    Cid, IntentAction, OrderIntent, SelfTest, Side, SymbolSpec, TerminalEvent, TestItem, TradeMode,
};
use crate::terminal::metatrader::message::{FoundLine, Place, ResultLine};
use crate::terminal::metatrader::presend::FillMode;
use crate::terminal::metatrader::request::{self, Envelope};
use crate::terminal::retcode;

const ROUND_TRIPS: usize = 100;
const WITHIN: Duration = Duration::from_secs(30);
const LIFE_MS: u64 = 5_000;
const SYNC_WITHIN: Duration = Duration::from_secs(10);
const SEARCH_AGAIN: Duration = Duration::from_secs(1);
/// A client id that no order ever gets: the counter does not reach it.
const NEVER_USED: Cid = Cid::new(u16::MAX, 0xFF_FFFF_FFFF);

#[derive(Debug)]
pub struct Test {
    since: Duration,
    items: Vec<TestItem>,
    round_trips: Vec<Duration>,
    /// The history was not synchronised: search again then.
    search_at: Option<Duration>,
}

/// The report when there is nothing to test.
pub fn without_link(reason: &str) -> SelfTest {
    SelfTest {
        items: vec![item("link", false, reason)],
        ..SelfTest::default()
    }
}

fn item(name: &str, passed: bool, detail: impl Into<String>) -> TestItem {
    TestItem {
        name: name.to_owned(),
        passed,
        detail: detail.into(),
    }
}

impl Active {
    pub(super) fn begin_test(&mut self, c: &mut Context<'_>) {
        if self.test.is_some() {
            return;
        }
        self.test = Some(Test {
            since: c.now.mono,
            items: Vec::new(),
            round_trips: Vec::new(),
            search_at: None,
        });
        let Some((symbol, volume)) = self.test_symbol() else {
            return self.test_checked(Err("the broker lets no symbol be traded".to_owned()), c);
        };
        let fill = self
            .symbols
            .get(&symbol)
            .map_or(FillMode::Kill, |spec| c.memory.fillings.choose(spec));
        let intent = OrderIntent {
            price: None,
            cid: NEVER_USED,
            action: IntentAction::Open {
                symbol,
                side: Side::Buy,
                volume,
                stop_loss: None,
                take_profit: None,
                deviation: 10,
            },
            comment: "self-test".to_owned(),
            ttl_ms: LIFE_MS,
            parent: None,
        };
        let id = self.ask(Asked::TestCheck, c);
        let envelope = Envelope {
            id,
            account: &self.account_name,
            ttl_ms: LIFE_MS,
            made_ms: self.broker_ms(c),
            price: None,
            fill,
            ident: 0,
        };
        let line = request::order(&intent, envelope, true);
        self.send(line, c);
    }

    /// A currency pair if there is one.
    fn test_symbol(&self) -> Option<(String, rust_decimal::Decimal)> {
        let tradable = |spec: &&SymbolSpec| spec.trade_mode == TradeMode::Full;
        let mut all = self.symbols.values().filter(tradable);
        let spec = all
            .clone()
            .find(|spec| spec.currency_base == "EUR" && spec.currency_profit == "USD")
            .or_else(|| all.clone().find(|spec| spec.is_currency_pair()))
            .or_else(|| all.next())?;
        Some((spec.name.clone(), spec.volume_min))
    }

    pub(super) fn test_checked(&mut self, answer: Result<ResultLine, String>, c: &mut Context<'_>) {
        let Some(test) = &mut self.test else { return };
        test.items.push(match answer {
            Ok(line) if line.ok => item(
                "order check",
                true,
                format!(
                    "the smallest order would pass; {} margin would stay free",
                    line.free
                ),
            ),
            // A closed market is no fault of the link.
            Ok(line) => item(
                "order check",
                line.retcode == retcode::MARKET_CLOSED,
                format!("{} ({})", retcode::sentence(line.retcode), line.retcode),
            ),
            Err(reason) => item("order check", false, reason),
        });
        self.test_search(c);
    }

    fn test_search(&mut self, c: &mut Context<'_>) {
        let now = self.broker_ms(c);
        let id = self.ask(Asked::TestFind, c);
        self.send(request::find(id, NEVER_USED.0, now - 60_000, None, None), c);
    }

    pub(super) fn test_found(&mut self, answer: Result<FoundLine, String>, c: &mut Context<'_>) {
        let Some(test) = &mut self.test else { return };
        // Just connected, the terminal needs a moment.
        let unsynced = matches!(&answer, Ok(line) if line.place == Place::Nowhere && !line.sync);
        if unsynced && c.now.mono.saturating_sub(test.since) < SYNC_WITHIN {
            test.search_at = Some(c.now.mono + SEARCH_AGAIN);
            return;
        }
        test.items.push(match answer {
            Ok(line) if line.place == Place::Nowhere && line.sync => item(
                "search",
                true,
                "an order that never was is nowhere, and the history is synchronised",
            ),
            Ok(line) if line.place == Place::Nowhere => item(
                "search",
                false,
                "the terminal's history is not synchronised; wait a little and test again",
            ),
            Ok(_) => item("search", false, "an order was found that never was"),
            Err(reason) => item("search", false, reason),
        });
        self.test_ping(c);
    }

    fn test_ping(&mut self, c: &mut Context<'_>) {
        let id = self.ask(Asked::TestPing { at: c.now.mono }, c);
        self.send(request::ping(id), c);
    }

    pub(super) fn test_ponged(&mut self, round_trip: Duration, c: &mut Context<'_>) {
        let Some(test) = &mut self.test else { return };
        test.round_trips.push(round_trip);
        if test.round_trips.len() < ROUND_TRIPS {
            return self.test_ping(c);
        }
        let Some(mut test) = self.test.take() else {
            return;
        };
        test.round_trips.sort_unstable();
        let micros = |index: usize| {
            test.round_trips.get(index).map_or(0, |time| {
                u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
            })
        };
        let (median_us, p95_us) = (micros(ROUND_TRIPS / 2), micros(ROUND_TRIPS * 95 / 100));
        test.items.push(item(
            "round trips",
            true,
            format!("{ROUND_TRIPS} answers, median {median_us} µs, 95 of 100 within {p95_us} µs"),
        ));
        c.emit(TerminalEvent::SelfTested(SelfTest {
            items: test.items,
            median_us,
            p95_us,
        }));
    }

    pub(super) fn test_tick(&mut self, c: &mut Context<'_>) {
        let again = self
            .test
            .as_mut()
            .and_then(|test| test.search_at.take_if(|at| *at <= c.now.mono));
        if again.is_some() {
            self.test_search(c);
        }
        let late = self
            .test
            .as_ref()
            .is_some_and(|test| c.now.mono.saturating_sub(test.since) >= WITHIN);
        if late {
            self.give_up_test("no answer in time", c);
        }
    }

    pub(super) fn give_up_test(&mut self, reason: &str, c: &mut Context<'_>) {
        let Some(mut test) = self.test.take() else {
            return;
        };
        self.asked.retain(|_, (asked, _)| {
            !matches!(
                asked,
                Asked::TestCheck | Asked::TestFind | Asked::TestPing { .. }
            )
        });
        test.items.push(item("link", false, reason));
        c.emit(TerminalEvent::SelfTested(SelfTest {
            items: test.items,
            ..SelfTest::default()
        }));
    }
}
