//! What must hold whatever is sent, lost, repeated or interrupted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::{
    Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::test_runner::TestCaseError;
use rust_decimal::Decimal;

use super::{WEDNESDAY, at, cid, dec};
use crate::market::{
    DealEntry, DealReason, Found, IntentAction, LevelChange, OrderIntent, Outcome, Side,
    TerminalEvent, TerminalRequest, Ticket,
};
use crate::terminal::market::Market;
use crate::terminal::paper::desk::{Arrived, Desk, Turn};
use crate::terminal::paper::exchange::{Exchange, Switches};
use crate::terminal::paper::faults::Fate;
use crate::terminal::paper::ledger::Ledger;
use crate::terminal::paper::orders::Arrival;
use crate::terminal::paper::store::{Store, StoreError};

const SYMBOLS: [&str; 3] = ["EURUSD", "XAUUSD", "BTCUSD"];

/// How the next save ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Disk {
    Works,
    /// The save fails and says so.
    Full,
    /// The power goes before the file is replaced.
    CrashBefore,
    /// The power goes after the file was replaced, before anybody is told.
    CrashAfter,
}

#[derive(Debug)]
struct Simulated {
    bytes: Vec<u8>,
    next: Disk,
    /// Saves that still work before `next` happens.
    after: usize,
    crashed: bool,
}

#[derive(Clone, Debug)]
struct SimulatedStore(Arc<Mutex<Simulated>>);

impl Store for SimulatedStore {
    fn save(&mut self, ledger: &Ledger) -> Result<(), StoreError> {
        let mut disk = self.0.lock().unwrap();
        if disk.crashed {
            return Ok(());
        }
        let next = if disk.after == 0 {
            disk.next
        } else {
            Disk::Works
        };
        disk.after = disk.after.saturating_sub(1);
        match next {
            Disk::Works => disk.bytes = serde_json::to_vec(ledger).unwrap(),
            Disk::Full => {
                return Err(StoreError {
                    path: "account.json".into(),
                    source: std::io::ErrorKind::StorageFull.into(),
                });
            }
            Disk::CrashBefore => disk.crashed = true,
            Disk::CrashAfter => {
                disk.bytes = serde_json::to_vec(ledger).unwrap();
                disk.crashed = true;
            }
        }
        Ok(())
    }
}

#[derive(Clone, Debug)]
enum Do {
    Open {
        symbol: usize,
        side: Side,
        lots: u32,
        stop: u32,
        target: u32,
    },
    Close {
        nth: usize,
        lots: Option<u32>,
    },
    Modify {
        nth: usize,
        stop: u32,
    },
    Repeat {
        nth: usize,
    },
}

#[derive(Clone, Debug)]
struct Act {
    what: Do,
    fate: Fate,
    disk: Disk,
    /// A turn saves up to three times: the clock's promise, what the market did, the order.
    after: usize,
    wait_ms: i64,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let what = prop_oneof![
        4 => (0..SYMBOLS.len(), side, 1_u32..80, 0_u32..400, 0_u32..400).prop_map(
            |(symbol, side, lots, stop, target)| Do::Open { symbol, side, lots, stop, target }
        ),
        2 => (any::<usize>(), proptest::option::of(1_u32..80)).prop_map(|(nth, lots)| Do::Close { nth, lots }),
        1 => (any::<usize>(), 0_u32..400).prop_map(|(nth, stop)| Do::Modify { nth, stop }),
        3 => any::<usize>().prop_map(|nth| Do::Repeat { nth }),
    ];
    let fate = prop_oneof![
        6 => Just(Fate::Delivered),
        1 => Just(Fate::Requoted),
        1 => Just(Fate::Rejected(10_006)),
        2 => Just(Fate::LostBefore),
        2 => Just(Fate::LostAfter),
    ];
    let disk = prop_oneof![
        8 => Just(Disk::Works),
        1 => Just(Disk::Full),
        1 => Just(Disk::CrashBefore),
        1 => Just(Disk::CrashAfter),
    ];
    let wait = prop_oneof![0_i64..20_000, 0_i64..7_200_000];
    proptest::collection::vec(
        (what, fate, disk, 0_usize..3, wait).prop_map(|(what, fate, disk, after, wait_ms)| Act {
            what,
            fate,
            disk,
            after,
            wait_ms,
        }),
        1..30,
    )
}

struct World {
    disk: Arc<Mutex<Simulated>>,
    desk: Desk<SimulatedStore>,
    now_ms: i64,
    sent: Vec<OrderIntent>,
    /// What the trader was told for good.
    told: BTreeMap<u64, Outcome>,
    /// The latest moment that the trader saw.
    shown_ms: i64,
    /// The disk was full when the clock's promise was due.
    promise_failed: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let now_ms = at(WEDNESDAY).as_millisecond();
        let ledger = Ledger::new(seed, now_ms, dec("5000"));
        let disk = Arc::new(Mutex::new(Simulated {
            bytes: serde_json::to_vec(&ledger).unwrap(),
            next: Disk::Works,
            after: 0,
            crashed: false,
        }));
        let desk = start(&disk);
        Self {
            disk,
            desk,
            now_ms,
            sent: Vec::new(),
            told: BTreeMap::new(),
            shown_ms: now_ms,
            promise_failed: false,
        }
    }

    fn intent(&self, what: &Do) -> Option<OrderIntent> {
        let ledger = &self.desk.exchange().ledger;
        let ticket = |nth: usize| {
            let count = ledger.positions.len().max(1);
            ledger
                .positions
                .get(nth % count)
                .map_or(Ticket(1), |position| position.ticket)
        };
        let level = |symbol: &str, pips: u32, below: bool| {
            let market = &self.desk.exchange().market;
            let spec = market.spec(symbol).unwrap();
            let quote = market.quote(symbol, self.desk.exchange().now()).unwrap();
            let distance = spec.pip() * Decimal::from(pips);
            (pips > 0).then(|| {
                spec.round_price(if below {
                    quote.bid - distance
                } else {
                    quote.ask + distance
                })
            })
        };
        let action = match what {
            Do::Repeat { nth } => {
                return (!self.sent.is_empty()).then(|| self.sent[nth % self.sent.len()].clone());
            }
            Do::Open {
                symbol,
                side,
                lots,
                stop,
                target,
            } => IntentAction::Open {
                symbol: SYMBOLS[*symbol].to_owned(),
                side: *side,
                volume: Decimal::new(i64::from(*lots), 2),
                stop_loss: level(SYMBOLS[*symbol], *stop, *side == Side::Buy),
                take_profit: level(SYMBOLS[*symbol], *target, *side == Side::Sell),
                deviation: 50,
            },
            Do::Close { nth, lots } => IntentAction::Close {
                ticket: ticket(*nth),
                volume: lots.map(|lots| Decimal::new(i64::from(lots), 2)),
            },
            Do::Modify { nth, stop } => {
                let ticket = ticket(*nth);
                let stop_loss = self.desk.exchange().position(ticket).and_then(|position| {
                    level(&position.symbol, *stop, position.side == Side::Buy)
                });
                IntentAction::Modify {
                    ticket,
                    stop_loss: LevelChange::exactly(stop_loss),
                    take_profit: LevelChange::Remove,
                }
            }
        };
        Some(OrderIntent {
            price: None,
            cid: cid(self.sent.len() as u64 + 1),
            action,
            comment: String::new(),
            ttl_ms: 1_000,
            parent: None,
        })
    }

    fn act(&mut self, act: &Act) -> Result<(), TestCaseError> {
        let Some(intent) = self.intent(&act.what) else {
            return Ok(());
        };
        if !matches!(act.what, Do::Repeat { .. }) {
            self.sent.push(intent.clone());
        }
        self.now_ms += act.wait_ms;
        {
            let mut disk = self.disk.lock().unwrap();
            disk.next = act.disk;
            disk.after = act.after;
        }
        let sent_at = self.desk.exchange().now();
        let events = self.desk.turn(Turn {
            market_ms: self.now_ms,
            mono: Duration::from_millis(u64::try_from(self.now_ms).unwrap()),
            requests: vec![Arrived {
                request: TerminalRequest::Submit(intent.clone()),
                arrival: Arrival {
                    sent_at,
                    waited: Duration::ZERO,
                    fate: act.fate,
                },
            }],
            switches: Switches::default(),
            ..Turn::default()
        });
        let shown = events.iter().filter_map(|event| match event {
            TerminalEvent::Alive { market_time, .. } => Some(market_time.as_millisecond()),
            _ => None,
        });
        if self.disk.lock().unwrap().crashed {
            // A killed program tells nobody anything.
            self.restart();
            return Ok(());
        }
        self.promise_failed |= act.disk == Disk::Full;
        self.shown_ms = shown.fold(self.shown_ms, i64::max);
        self.disk.lock().unwrap().next = Disk::Works;
        let answers: Vec<&Outcome> = events
            .iter()
            .filter_map(|event| match event {
                TerminalEvent::Answer { cid, outcome } if *cid == intent.cid => Some(outcome),
                _ => None,
            })
            .collect();
        prop_assert_eq!(answers.len(), 1);
        let outcome = answers[0].clone();
        let is_final = match &outcome {
            Outcome::Unknown { .. } => false,
            Outcome::Refused(refusal) => refusal.retcode != -8,
            Outcome::Done(_) => true,
        };
        if is_final {
            // What was said once for good is never said differently.
            let first = self
                .told
                .entry(intent.cid.0)
                .or_insert_with(|| outcome.clone());
            prop_assert_eq!(&*first, &outcome);
        }
        Ok(())
    }

    fn restart(&mut self) {
        let mut disk = self.disk.lock().unwrap();
        disk.crashed = false;
        disk.next = Disk::Works;
        drop(disk);
        self.desk = start(&self.disk);
        self.now_ms = self.desk.exchange().ledger.resume_ms;
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let exchange = self.desk.exchange();
        let ledger = &exchange.ledger;
        let profits: Decimal = ledger.deals.iter().map(|deal| deal.profit).sum();
        prop_assert_eq!(ledger.balance, ledger.deposit + profits);
        let stored: Ledger = serde_json::from_slice(&self.disk.lock().unwrap().bytes).unwrap();
        prop_assert_eq!(&stored.deals, &ledger.deals);
        prop_assert_eq!(&stored.answers, &ledger.answers);
        prop_assert_eq!(&stored.positions, &ledger.positions);
        // A kill at this moment would not turn the clock back.
        prop_assert!(stored.resume_ms >= self.shown_ms || self.promise_failed);

        let mut by_cid: BTreeMap<u64, u32> = BTreeMap::new();
        let mut open: BTreeMap<Ticket, Decimal> = BTreeMap::new();
        for deal in &ledger.deals {
            if deal.reason == DealReason::Order {
                *by_cid.entry(deal.magic).or_default() += 1;
            }
            match deal.entry {
                DealEntry::In => *open.entry(deal.position).or_default() += deal.volume,
                DealEntry::Out | DealEntry::InOut => {
                    *open.entry(deal.position).or_default() -= deal.volume;
                }
            }
        }
        prop_assert!(by_cid.values().all(|count| *count == 1), "{:?}", by_cid);
        open.retain(|_, volume| !volume.is_zero());
        let held: BTreeMap<Ticket, Decimal> = ledger
            .positions
            .iter()
            .map(|position| (position.ticket, position.volume))
            .collect();
        prop_assert_eq!(open, held);

        let mut tickets: Vec<Ticket> = ledger.deals.iter().map(|deal| deal.ticket).collect();
        tickets.sort_unstable();
        tickets.dedup();
        prop_assert_eq!(tickets.len(), ledger.deals.len());

        for deal in &ledger.deals {
            if deal.entry == DealEntry::Out {
                let quote = exchange.market.quote(&deal.symbol, deal.time).unwrap();
                let (best, gain) = match deal.side {
                    Side::Sell => (quote.bid, deal.price - quote.bid),
                    Side::Buy => (quote.ask, quote.ask - deal.price),
                };
                match deal.reason {
                    DealReason::StopLoss | DealReason::StopOut => prop_assert_eq!(deal.price, best),
                    DealReason::TakeProfit => prop_assert!(gain <= Decimal::ZERO),
                    DealReason::Order => prop_assert!(gain <= quote.ask - quote.bid),
                }
            }
        }

        for intent in &self.sent {
            let found = exchange.find(intent.cid);
            match self.told.get(&intent.cid.0) {
                Some(Outcome::Done(fill)) => prop_assert_eq!(found, Found::Executed(fill.clone())),
                Some(Outcome::Refused(_)) => prop_assert_eq!(found, Found::Absent),
                Some(Outcome::Unknown { .. }) | None => {
                    let executed = matches!(found, Found::Executed(_));
                    let dealt = by_cid.contains_key(&intent.cid.0);
                    let makes_deal = matches!(
                        intent.action,
                        IntentAction::Open { .. } | IntentAction::Close { .. }
                    );
                    prop_assert!(!makes_deal || executed == dealt);
                }
            }
        }
        Ok(())
    }
}

fn start(disk: &Arc<Mutex<Simulated>>) -> Desk<SimulatedStore> {
    let ledger: Ledger = serde_json::from_slice(&disk.lock().unwrap().bytes).unwrap();
    let exchange = Exchange::new(Market::new(ledger.seed), ledger);
    Desk::new(exchange, SimulatedStore(Arc::clone(disk)), 60_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn money_adds_up_and_no_client_id_deals_twice_whatever_happens(seed in 0_u64..1_000, acts in acts()) {
        let mut world = World::new(seed);
        for act in &acts {
            world.act(act)?;
            world.check()?;
        }
        // A last kill, and everything that was said still holds.
        world.restart();
        world.check()?;
        // Every order is sent once more: nothing new may come of those that were answered.
        let deals = world.desk.exchange().ledger.deals.len();
        let answered: Vec<OrderIntent> = world
            .sent
            .iter()
            .filter(|intent| world.told.contains_key(&intent.cid.0))
            .cloned()
            .collect();
        let moment = world.desk.exchange().ledger.now_ms;
        world.now_ms = moment;
        for intent in answered {
            let nth = world.sent.iter().position(|sent| sent.cid == intent.cid).unwrap();
            world.act(&Act { what: Do::Repeat { nth }, fate: Fate::Delivered, disk: Disk::Works, after: 0, wait_ms: 0 })?;
        }
        prop_assert_eq!(world.desk.exchange().ledger.deals.len(), deals);
        world.check()?;
    }
}
