//! Round trips and loads over both links, without sanitizers, above a simulated broker of known latency. The test prints the
//! table and holds it to generous limits, so that it can fail on a slow machine only for a reason.
//!
//! Each order's position is closed outside the time taken: the simulated broker values all positions at every tick and
//! order, and that would be read as the link's. Orders come at any moment of the timer's period. "Cold" is the first order
//! after more than a second without a request, when a pipe is looked at once a timer event.
//! More samples: `FX_NUMBERS=300 cargo test --test metatrader numbers -- --nocapture`.

use std::time::{Duration, Instant};

use crate::emulated::Options;
use crate::harness::{Rig, buy};
use crate::scripted::Kind;
use crate::whole;

/// How long the simulated broker takes for an order, in milliseconds; the tables show what the link and the Expert Advisor add.
const BROKER_MS: f64 = 1.0;
/// Above it count the orders of the numbers.
const CID: u64 = 0x4604_0000_0000_0000;

/// Sorted milliseconds.
#[derive(Debug)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// `once` makes the sample of a number and says how long it took.
    pub fn of(count: usize, once: impl FnMut(usize) -> Duration) -> Self {
        let took = (0..count).map(once);
        Self::sorted(took.map(|took| took.as_secs_f64() * 1000.0).collect())
    }

    pub fn sorted(mut all: Vec<f64>) -> Self {
        all.sort_by(f64::total_cmp);
        Self(all)
    }

    pub fn at(&self, share: f64) -> f64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "an index"
        )]
        let index = ((self.0.len() - 1) as f64 * share).round() as usize;
        self.0[index]
    }
}

/// What one link does.
#[derive(Debug)]
pub struct Numbers {
    pub ping: Samples,
    pub order: Samples,
    pub cold: Samples,
    pub order_under_ticks: Samples,
    pub ticks_per_second: f64,
    pub snapshot_ms: f64,
    /// Share of one processor that the Expert Advisor's thread uses when nothing happens.
    pub idle_cpu: f64,
}

pub fn numbers_options() -> Options {
    Options::default()
        .measured()
        .setup("many 100")
        .setup("latency 1000")
        .setup("account 1001 balance=100000000")
}

/// After so long without a request a pipe is cold.
pub const SILENCE: Duration = Duration::from_millis(1_100);

pub const fn cold_count(count: usize) -> usize {
    count.div_ceil(15)
}

/// Until any moment of the Expert Advisor's timer.
pub fn rest() {
    std::thread::sleep(Duration::from_micros(fastrand::u64(5_000..25_000)));
}

/// `count` samples of each, with a scripted executor; the Expert Advisor's timer is at its floor of 10 ms.
pub fn measure(kind: Kind, count: usize) -> Numbers {
    let rig = Rig::start(kind, numbers_options());
    let order = |cid: u64| {
        rig.peer.forget();
        let began = Instant::now();
        let res = rig.peer.res("ORDER", &buy(cid, ""));
        let took = began.elapsed();
        assert_eq!(res.get("retcode"), "10009", "{}", res.raw);
        rig.terminal
            .cmd(&format!("by_hand close {}", res.get("pos")));
        took
    };
    let orders = |base: u64| {
        Samples::of(count, |i| {
            rest();
            order(base + i as u64)
        })
    };
    let ping = Samples::of(count, |_| {
        let began = Instant::now();
        let id = rig.peer.request("PING", "x=1");
        rig.peer.answer("PONG", id);
        began.elapsed()
    });
    // The Expert Advisor listens to a pipe without a pause for a second after the last request.
    std::thread::sleep(Duration::from_millis(1200));
    let idle = (rig.terminal.stat("ea_cpu_us"), Instant::now());
    std::thread::sleep(Duration::from_secs(2));
    #[expect(clippy::cast_precision_loss, reason = "microseconds of some seconds")]
    let idle_cpu =
        (rig.terminal.stat("ea_cpu_us") - idle.0) as f64 / idle.1.elapsed().as_micros() as f64;
    let cold = Samples::of(cold_count(count), |i| {
        std::thread::sleep(SILENCE);
        rest();
        order(CID + 3_000_000 + i as u64)
    });
    let warm = orders(CID + 1_000_000);
    for i in 1..=100 {
        let id = rig
            .peer
            .request("SUB", &format!("sym=S{i:03}\tticks=1\tbars=M1"));
        rig.peer.answers(id);
    }
    rig.terminal.cmd("ticks 10");
    std::thread::sleep(Duration::from_millis(500));
    let before = (rig.peer.count("TICK"), Instant::now());
    let order_under_ticks = orders(CID + 2_000_000);
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    let ticks_per_second =
        (rig.peer.count("TICK") - before.0) as f64 / before.1.elapsed().as_secs_f64();
    rig.terminal.cmd("ticks 0");
    let open = rig.terminal.truth("positions").len();
    for _ in open..500 {
        rig.terminal.cmd("by_hand buy EURUSD 0.01");
    }
    rig.terminal.sync();
    rig.peer.forget();
    let began = Instant::now();
    let id = rig.peer.request("SNAP", "");
    let lines = rig.peer.answers(id);
    let snapshot_ms = began.elapsed().as_secs_f64() * 1000.0;
    assert!(lines.iter().filter(|line| line.kind == "POS").count() >= 500);
    assert!(rig.peer.gaps().is_empty(), "{:?}", rig.peer.gaps());
    Numbers {
        ping,
        order: warm,
        cold,
        order_under_ticks,
        ticks_per_second,
        snapshot_ms,
        idle_cpu,
    }
}

#[test]
fn round_trips_and_loads() {
    let count = std::env::var("FX_NUMBERS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(60);
    println!(
        "| executor | link | ping median | p99 | order above the broker, median | p99 | cold, median | p99 | with 100 x 10 ticks/s, median | p99 | ticks/s | SNAP 500 | idle CPU |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for kind in [Kind::Pipe, Kind::Tcp] {
        show("scripted", kind, &measure(kind, count));
        show("its own link", kind, &whole::numbers::measure(kind, count));
    }
}

fn show(executor: &str, kind: Kind, n: &Numbers) {
    println!(
        "| {executor} | {kind:?} | {:.2} ms | {:.2} | {:.2} ms | {:.2} | {:.2} ms | {:.2} | {:.2} ms | {:.2} | {:.0} | {:.1} ms | {:.2} % |",
        n.ping.at(0.5),
        n.ping.at(0.99),
        n.order.at(0.5) - BROKER_MS,
        n.order.at(0.99) - BROKER_MS,
        n.cold.at(0.5) - BROKER_MS,
        n.cold.at(0.99) - BROKER_MS,
        n.order_under_ticks.at(0.5) - BROKER_MS,
        n.order_under_ticks.at(0.99) - BROKER_MS,
        n.ticks_per_second,
        n.snapshot_ms,
        n.idle_cpu * 100.0,
    );
    assert!(
        n.order.at(0.5) < 20.0,
        "an order waits for more than a timer event"
    );
    assert!(
        n.order_under_ticks.at(0.5) < 2.0 * n.order.at(0.5) + 10.0,
        "ticks stand before orders"
    );
    assert!(n.snapshot_ms < 1000.0);
    assert!(n.idle_cpu < 0.25);
}
