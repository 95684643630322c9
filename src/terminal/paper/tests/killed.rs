//! A real process, really killed: the child trades on a file as fast as it can, the parent kills it at some moment and
//! looks at what is left.
#![expect(
    clippy::disallowed_methods,
    reason = "watches and kills a real process"
)]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{WEDNESDAY, at, close, dec, intent, open};
use crate::market::{Found, OrderIntent, Outcome, Side, TerminalEvent, TerminalRequest};
use crate::terminal::market::Market;
use crate::terminal::paper::desk::{Arrived, Desk, Turn};
use crate::terminal::paper::exchange::Exchange;
use crate::terminal::paper::faults::Fate;
use crate::terminal::paper::ledger::Ledger;
use crate::terminal::paper::orders::Arrival;
use crate::terminal::paper::store::FileStore;

const FOLDER: &str = "PAPER_ACCOUNT_OF_A_KILLED_CHILD";
const KILLS: u64 = 12;

fn load(folder: &Path) -> (FileStore, Ledger) {
    let store = FileStore::new(folder.join("account.json"));
    let ledger = store
        .load()
        .unwrap()
        .unwrap_or_else(|| Ledger::new(1, at(WEDNESDAY).as_millisecond(), dec("10000")));
    (store, ledger)
}

/// Every third order closes the oldest position.
fn order(counter: u64, ledger: &Ledger) -> OrderIntent {
    match ledger.positions.first() {
        Some(oldest) if counter.is_multiple_of(3) => intent(counter, close(oldest.ticket)),
        _ => intent(counter, open("EURUSD", Side::Buy, "0.01")),
    }
}

/// Bytes that the children have said.
fn length(folder: &Path) -> u64 {
    fs::metadata(folder.join("said")).map_or(0, |found| found.len())
}

/// The child's life; does nothing unless the parent started it.
#[test]
fn child_that_trades_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let folder = Path::new(&folder);
    let (store, ledger) = load(folder);
    let mut said = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("said"))
        .unwrap();
    let first = ledger.answers.len() as u64 + 1;
    let mut desk = Desk::new(Exchange::new(Market::new(1), ledger), store, 0);
    for counter in first.. {
        let order = order(counter, &desk.exchange().ledger);
        let arrived = Arrived {
            arrival: Arrival {
                sent_at: desk.exchange().now(),
                waited: Duration::ZERO,
                fate: Fate::Delivered,
            },
            request: TerminalRequest::Submit(order),
        };
        let market_ms = desk.exchange().ledger.now_ms + 100;
        // Each order comes twice, as after a doubtful answer.
        for event in desk.turn(Turn {
            market_ms,
            requests: vec![arrived.clone(), arrived],
            ..Turn::default()
        }) {
            if let TerminalEvent::Answer { cid, outcome } = event {
                let line = serde_json::to_string(&(cid, outcome)).unwrap() + "\n";
                said.write_all(line.as_bytes()).unwrap();
            }
        }
    }
}

#[test]
fn a_killed_process_leaves_one_deal_for_a_client_id_and_everything_it_said() {
    let folder = tempfile::tempdir().unwrap();
    for kill in 0..KILLS {
        let before = length(folder.path());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "terminal::paper::tests::killed::child_that_trades_until_it_is_killed",
            ])
            .env(FOLDER, folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let talking = (0..2_000).any(|_| {
            std::thread::sleep(Duration::from_millis(5));
            length(folder.path()) > before
        });
        assert!(talking, "the child said nothing in ten seconds");
        // The moment of the kill is what is varied.
        std::thread::sleep(Duration::from_micros(kill * 7_300));
        child.kill().unwrap();
        child.wait().unwrap();

        let (_, ledger) = load(folder.path());
        let exchange = Exchange::new(Market::new(1), ledger);
        let ledger = &exchange.ledger;
        let mut deals: BTreeMap<u64, u32> = BTreeMap::new();
        for deal in &ledger.deals {
            *deals.entry(deal.magic).or_default() += 1;
        }
        assert!(deals.values().all(|count| *count == 1), "{deals:?}");
        let profits: rust_decimal::Decimal = ledger.deals.iter().map(|deal| deal.profit).sum();
        assert_eq!(ledger.balance, dec("10000") + profits);
        let mut heard = 0;
        let said = fs::read_to_string(folder.path().join("said")).unwrap_or_default();
        // A line that the kill cut short was not said.
        for line in said
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
        {
            let Ok((cid, outcome)) = serde_json::from_str::<(crate::market::Cid, Outcome)>(line)
            else {
                continue;
            };
            heard += 1;
            match outcome {
                Outcome::Done(fill) => assert_eq!(exchange.find(cid), Found::Executed(fill)),
                Outcome::Refused(_) => assert_eq!(exchange.find(cid), Found::Absent),
                Outcome::Unknown { .. } => panic!("nothing was lost"),
            }
        }
        // Every kill came after at least one answer.
        assert!(heard > kill, "{heard} answers heard by kill {kill}");
    }
}

/// Many orders in one turn are stored one after the other; the program may die before the first of their deals was read.
#[test]
fn deals_of_a_turn_that_nobody_could_read_are_told_again_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let (store, ledger) = load(folder.path());
    let mut desk = Desk::new(Exchange::new(Market::new(1), ledger), store, 0);
    let market_ms = desk.exchange().ledger.now_ms + 100;
    let requests = (1..=20).map(|counter| Arrived {
        arrival: Arrival {
            sent_at: desk.exchange().now(),
            waited: Duration::ZERO,
            fate: Fate::Delivered,
        },
        request: TerminalRequest::Submit(intent(counter, open("EURUSD", Side::Buy, "0.01"))),
    });
    let turn = Turn {
        market_ms,
        requests: requests.collect(),
        ..Turn::default()
    };
    let deals = |events: Vec<TerminalEvent>| {
        let deals = events.into_iter().filter_map(|event| match event {
            TerminalEvent::Deal(deal) => Some(deal.ticket),
            _ => None,
        });
        deals.collect::<Vec<_>>()
    };
    let made = deals(desk.turn(turn));
    assert_eq!(made.len(), 20);
    drop(desk);

    let (store, ledger) = load(folder.path());
    let mut desk = Desk::new(Exchange::new(Market::new(1), ledger), store, 0);
    let again = Turn {
        market_ms: market_ms + 100,
        ..Turn::default()
    };
    assert_eq!(deals(desk.turn(again)), made);
}
