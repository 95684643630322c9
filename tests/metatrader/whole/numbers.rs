//! The numbers of tests/metatrader/numbers.rs with the executor's own link in the scripted one's place: every opening is
//! checked here and by the terminal's OrderCheck before it is sent, so it takes two round trips.

use std::time::{Duration, Instant};

use fx_executor::market::{
    Cid, IntentAction, OrderIntent, Outcome, Side, TerminalEvent, TerminalRequest, Timeframe,
};
use fx_executor::terminal::{self, MetaTraderOptions, Terminal};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::Kind;
use crate::emulated::{Emulated, Folders, Options, SOON};
use crate::numbers::{Numbers, SILENCE, Samples, cold_count, numbers_options};

struct Link {
    runtime: Runtime,
    terminal: Terminal,
    end: CancellationToken,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

impl Link {
    fn new(folders: &Folders) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let end = CancellationToken::new();
        let options = MetaTraderOptions::new(folders.common().join("Files"));
        let terminal = {
            let _inside = runtime.enter();
            terminal::spawn_metatrader(options, end.clone())
        };
        Self {
            runtime,
            terminal,
            end,
        }
    }

    fn ask(&self, request: TerminalRequest) {
        self.terminal.requests.blocking_send(request).unwrap();
    }

    /// The first event that gives something; how many quotes came before it.
    fn take<T>(&mut self, wanted: impl Fn(TerminalEvent) -> Option<T>) -> (T, usize) {
        let mut quotes = 0;
        let events = &mut self.terminal.events;
        let looking = async {
            loop {
                let event = events.recv().await.expect("the link runs");
                quotes += usize::from(matches!(event, TerminalEvent::Quote { .. }));
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        let found = self
            .runtime
            .block_on(async { tokio::time::timeout(SOON, looking).await });
        (found.expect("no such event"), quotes)
    }

    /// Sends a buy and waits for its fill; how long it took, and the quotes that came meanwhile. The position is closed
    /// outside of that.
    fn order(&mut self, counter: u64, terminal: &Emulated) -> (Duration, usize) {
        let quotes = self.drain(Duration::from_micros(fastrand::u64(5_000..25_000)));
        let began = Instant::now();
        let cid = Cid::new(0, counter);
        self.ask(TerminalRequest::Submit(OrderIntent {
            cid,
            action: IntentAction::Open {
                symbol: "EURUSD".to_owned(),
                side: Side::Buy,
                volume: "0.1".parse().unwrap(),
                stop_loss: Some("1.09".parse().unwrap()),
                take_profit: None,
                deviation: 500,
            },
            comment: String::new(),
            price: None,
            ttl_ms: 10_000,
            parent: None,
        }));
        let (outcome, more) = self.take(|event| match event {
            TerminalEvent::Answer { cid: of, outcome } if of == cid => Some(outcome),
            _ => None,
        });
        let took = began.elapsed();
        let Outcome::Done(fill) = outcome else {
            panic!("{outcome:?}");
        };
        terminal.cmd(&format!("by_hand close {}", fill.ticket.0));
        (took, quotes + more)
    }

    fn book(&mut self) -> usize {
        self.ask(TerminalRequest::SendBook);
        let (positions, _) = self.take(|event| match event {
            TerminalEvent::Book(book) => Some(book.positions.len()),
            _ => None,
        });
        positions
    }

    /// Takes what is there, for so long; the quotes in it.
    fn drain(&mut self, time: Duration) -> usize {
        let events = &mut self.terminal.events;
        let mut quotes = 0;
        let all = async {
            while let Some(event) = events.recv().await {
                quotes += usize::from(matches!(event, TerminalEvent::Quote { .. }));
            }
        };
        let _ = self
            .runtime
            .block_on(async { tokio::time::timeout(time, all).await });
        quotes
    }
}

pub fn measure(kind: Kind, count: usize) -> Numbers {
    let folders = Folders::new();
    let mut link = Link::new(&folders);
    let options: Options = numbers_options().input("InpTcp", kind == Kind::Tcp);
    let terminal = Emulated::start(folders, options);
    link.take(|event| matches!(event, TerminalEvent::Up { .. }).then_some(()));
    link.book();
    let mut pings: Vec<f64> = Vec::new();
    while pings.len() < count.div_ceil(100) {
        link.ask(TerminalRequest::SelfTest);
        let (test, _) = link.take(|event| match event {
            TerminalEvent::SelfTested(test) => Some(test),
            _ => None,
        });
        assert!(test.passed(), "{test:?}");
        pings.push(test.median_us as f64 / 1_000.0);
    }
    link.drain(Duration::from_millis(1_200));
    let idle = (terminal.stat("ea_cpu_us"), Instant::now());
    link.drain(Duration::from_secs(3));
    let idle_cpu =
        (terminal.stat("ea_cpu_us") - idle.0) as f64 / idle.1.elapsed().as_micros() as f64;
    let cold = Samples::of(cold_count(count), |i| {
        link.drain(SILENCE);
        link.order(3_000_000 + i as u64, &terminal).0
    });
    let order = Samples::of(count, |i| link.order(1_000_000 + i as u64, &terminal).0);
    for i in 1..=100 {
        link.ask(TerminalRequest::Watch {
            symbol: format!("S{i:03}"),
            timeframe: Timeframe::M1,
            history: 100,
        });
    }
    link.drain(Duration::from_secs(2));
    terminal.cmd("ticks 10");
    link.drain(Duration::from_millis(500));
    let (mut quotes, began) = (0, Instant::now());
    let order_under_ticks = Samples::of(count, |i| {
        let (took, seen) = link.order(2_000_000 + i as u64, &terminal);
        quotes += seen;
        took
    });
    let ticks_per_second = quotes as f64 / began.elapsed().as_secs_f64();
    terminal.cmd("ticks 0");
    let open = terminal.truth("positions").len();
    for _ in open..500 {
        terminal.cmd("by_hand buy EURUSD 0.01");
    }
    terminal.sync();
    link.drain(Duration::from_millis(500));
    let began = Instant::now();
    let positions = link.book();
    let snapshot_ms = began.elapsed().as_secs_f64() * 1000.0;
    assert!(positions >= 500, "{positions}");
    Numbers {
        ping: Samples::sorted(pings),
        order,
        cold,
        order_under_ticks,
        ticks_per_second,
        snapshot_ms,
        idle_cpu,
    }
}
