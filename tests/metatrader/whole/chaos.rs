//! Everything at once: executor and terminal die at any moment, links are cut, answers are lost, late and doubled, prices
//! are requoted, while the platform orders. At the end each order has at most one deal, each intent and each command a
//! final state, and the executor's book is the broker's.
//!
//! Longer: `FX_WHOLE_ORDERS=1000 FX_WHOLE_SEED=7 cargo test --test metatrader whole::chaos -- --nocapture`. A run of more
//! than a thousand orders uses the link's real limits; a short one is less patient before it believes in an absence
//! (`FX_EXECUTOR_LINK_LOOKS`, README.md beside).

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::executor::Executor;
use super::rig::{Rig, is_ended};
use super::verdict::{Intent, Wrongs, closed_by, count_wrongs, intents, tickets};
use super::{Kind, Whole};
use crate::emulated::{Emulated, Options};

/// Commands that may be under way at one time.
const AT_ONCE: usize = 12;
/// Within this time a short run proves an absence (`SHORT_LOOKS`).
const PROVED: Duration = Duration::from_secs(12);
/// Looks, and seconds between the first and the last of them, that prove an absence in a short run.
const SHORT_LOOKS: &str = "3,8";
/// Orders above which a run has time for the real limits.
const LONG_RUN: u64 = 1_000;

const STEPS: [&str; 6] = [
    "before-journal",
    "after-journal",
    "before-send",
    "after-send",
    "before-report",
    "after-report",
];
const CALLS: [&str; 9] = [
    "OrderSend",
    "OrderSend.broker",
    "OrderSend.after",
    "FileFlush",
    "FileWriteArray",
    "HistorySelect",
    "PositionsTotal",
    "SymbolInfoTick",
    "OrderCheck",
];
/// By chance at each OrderSend.
const FAULTS: &str = "chance lost=0.06 unsent=0.01 late=0.03 placed=0.02 requote=0.05 changed=0.02 kill_before=0.003 kill_after=0.004 duplicated_txn=0.2 lost_txn=0.1 late_txn_ms=30";
const NO_FAULTS: &str = "chance lost=0 unsent=0 late=0 placed=0 requote=0 changed=0 kill_before=0 kill_after=0 duplicated_txn=0 lost_txn=0 late_txn_ms=0";

fn number_from(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

/// How often each kind of trouble happened.
type Troubles = BTreeMap<&'static str, u32>;

struct Storm<'a> {
    executor: &'a mut Executor,
    terminal: &'a mut Emulated,
    platform: &'a Rig,
    looks: Option<&'static str>,
    troubles: Troubles,
    chance: fastrand::Rng,
}

impl Storm<'_> {
    fn count(&mut self, what: &'static str) {
        *self.troubles.entry(what).or_default() += 1;
    }

    fn start_executor(&mut self, dies_at: Option<&str>) {
        let mut start = self.platform.start(&["--headless"]);
        if let Some(looks) = self.looks {
            start = start.env("FX_EXECUTOR_LINK_LOOKS", looks);
        }
        if let Some(step) = dies_at {
            start = start.env("FX_EXECUTOR_FAILPOINT", step);
        }
        *self.executor = start.go();
    }

    async fn rest(&mut self, from: u64, to: u64) {
        tokio::time::sleep(Duration::from_millis(self.chance.u64(from..to))).await;
    }

    /// Tells a terminal that may die meanwhile.
    fn tell(&mut self, words: &str) {
        // A dying process is not always a dead one yet.
        for _ in 0..100 {
            if self.terminal.try_cmd(words).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
            self.revive();
        }
        self.terminal.cmd(words);
    }

    fn revive(&mut self) {
        if !self.terminal.is_alive() {
            self.count("terminal died by itself at a call");
            self.terminal.restart();
        }
        if self.executor.has_ended() {
            self.count("executor died at a named step");
            self.start_executor(None);
        }
    }

    /// Every other trouble meets a system that works: one that trades again. A doubt holds back what opens until its
    /// absence is proved, and an executor that dies before that begins anew.
    async fn recover(&mut self) {
        let deals = |terminal: &Emulated| {
            terminal
                .try_cmd("truth deals")
                .map_or(0, |told| told.0.len())
        };
        let before = deals(self.terminal);
        let began = Instant::now();
        while deals(self.terminal) == before && began.elapsed() < PROVED {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.revive();
        }
    }

    async fn trouble(&mut self) {
        self.revive();
        match self.chance.u32(..20) {
            0..=3 => {
                self.count("executor killed");
                self.executor.kill();
                self.rest(0, 1_500).await;
                self.start_executor(None);
            }
            4..=6 => {
                let step = STEPS[self.chance.usize(..STEPS.len())];
                self.executor.kill();
                self.start_executor(Some(step));
            }
            7..=8 => {
                self.count("terminal killed");
                self.terminal.kill9();
                self.rest(0, 1_500).await;
                self.terminal.restart();
            }
            9..=12 => {
                let call = CALLS[self.chance.usize(..CALLS.len())];
                let nth = 1 + self.chance.u32(..6);
                self.tell(&format!("hook {call} {nth} kill"));
            }
            13 => {
                self.count("both killed");
                self.executor.kill();
                self.terminal.kill9();
                if self.chance.bool() {
                    self.terminal.restart();
                    self.rest(0, 1_000).await;
                    self.start_executor(None);
                } else {
                    self.start_executor(None);
                    self.rest(0, 1_000).await;
                    self.terminal.restart();
                }
            }
            14..=15 => {
                self.count("expert advisor reloaded");
                self.tell("reload");
            }
            16 => {
                self.count("terminal frozen");
                self.terminal.freeze();
                self.rest(500, 7_000).await;
                self.terminal.thaw();
            }
            17 => {
                self.count("broker away");
                self.tell("broker off");
                self.rest(300, 3_000).await;
                self.tell("broker on");
            }
            18 => {
                self.count("history late");
                self.tell("lag history 1200");
                self.rest(1_000, 4_000).await;
                self.tell("lag history 0");
            }
            _ => {
                self.count("algo button off");
                self.tell("algo off");
                self.rest(300, 1_500).await;
                self.tell("algo on");
            }
        }
    }

    /// Everything works again; what is still wanted of the broker is carried out.
    async fn heal(&mut self) {
        self.revive();
        for words in [NO_FAULTS, "broker on", "algo on", "lag history 0"] {
            self.tell(words);
        }
        // A last start, so that no hook is left.
        self.terminal.restart();
        self.executor.kill();
        self.start_executor(None);
        while self.terminal.stat("late") > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// What the platform orders, one command after the other, until `orders` of them were sent and a
/// fifth of that number opened something: refusals come fast, and a long run of them proves little.
async fn load(platform: &Rig, orders: u64, mut chance: fastrand::Rng) {
    let mut under_way: Vec<(String, Instant)> = Vec::new();
    let mut open: BTreeSet<u64> = BTreeSet::new();
    let (mut sent, mut opened) = (0, 0);
    while sent < orders || (opened * 5 <= orders && sent < 5 * orders) {
        under_way.retain(|(id, _)| {
            let Some(row) = platform.world.command_row(id) else {
                return true;
            };
            if row.command == "OPEN_POSITION" && row.status == "executed" {
                opened += 1;
                open.extend(
                    row.result
                        .iter()
                        .filter_map(|result| result["ticket"].as_u64()),
                );
            }
            !is_ended(&row)
        });
        // Doubts may last; the platform goes on meanwhile.
        let fresh = |(_, since): &&(String, Instant)| since.elapsed() < Duration::from_secs(8);
        if under_way.iter().filter(fresh).count() >= AT_ONCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        }
        let known: Vec<u64> = open.iter().copied().collect();
        let ticket = (!known.is_empty()).then(|| known[chance.usize(..known.len())]);
        let (name, parameters) = match (chance.u32(..10), ticket) {
            (6..=8, Some(ticket)) => {
                open.remove(&ticket);
                ("CLOSE_POSITION", json!({"ticket": ticket}))
            }
            (9, Some(ticket)) => {
                let stop = 1.09 - f64::from(chance.u32(..100)) / 100_000.0;
                (
                    "MODIFY_POSITION",
                    json!({"ticket": ticket, "stopLoss": stop}),
                )
            }
            _ => {
                let order =
                    json!({"symbol": "EURUSD", "type": "BUY", "volume": 0.01, "stopLoss": 1.09});
                ("OPEN_POSITION", order)
            }
        };
        let id = if chance.u32(..5) == 0 {
            platform.row_only(name, parameters)
        } else {
            platform.send(name, parameters).await
        };
        under_way.push((id, Instant::now()));
        sent += 1;
        tokio::time::sleep(Duration::from_millis(chance.u64(..220))).await;
    }
}

async fn run(kind: Kind, seed: u64, orders: u64) {
    let patient = orders > LONG_RUN;
    let looks = (!patient).then_some(SHORT_LOOKS);
    let began = Instant::now();
    let mut chance = fastrand::Rng::with_seed(seed);
    let options = Options::default()
        .setup(&format!("seed {seed}"))
        .setup("account 1001 balance=100000000")
        .setup(FAULTS);
    let mut whole = Whole::with(kind, options).await;
    let over = CancellationToken::new();
    let mut storm = Storm {
        executor: &mut whole.executor,
        terminal: &mut whole.terminal,
        platform: &whole.platform,
        looks,
        troubles: Troubles::new(),
        chance: chance.fork(),
    };
    let storming = async {
        storm.executor.kill();
        storm.start_executor(None);
        while !over.is_cancelled() {
            // Death by itself is noticed soon; trouble takes its time.
            for _ in 0..storm.chance.u32(if patient { 10..40 } else { 3..16 }) {
                tokio::time::sleep(Duration::from_millis(100)).await;
                storm.revive();
            }
            if storm.chance.bool() {
                storm.recover().await;
            }
            storm.trouble().await;
        }
    };
    let loading = async {
        load(&whole.platform, orders, chance.fork()).await;
        over.cancel();
    };
    tokio::join!(storming, loading);
    storm.heal().await;
    let stormed = began.elapsed();
    let patience = Duration::from_secs(if patient { 900 } else { 120 });
    let settled = whole
        .platform
        .world
        .wait_for(patience, |world| {
            let rows = world.command_rows();
            rows.iter().all(is_ended).then_some(())
        })
        .await;
    let troubles = std::mem::take(&mut storm.troubles);
    // Closing intents may be in doubt longer than their commands.
    let decided = super::executor::until(patience, || {
        let undecided = |intent: &&Intent| intent.done + intent.failed == 0;
        (!intents(&whole.platform)
            .values()
            .any(|intent| undecided(&intent)))
        .then_some(())
    })
    .await;
    let healed = began.elapsed().saturating_sub(stormed);

    // Our book is the broker's: closing all that is ours names each of its tickets, and leaves none.
    let positions = tickets(&whole.terminal.truth("positions"));
    // The list that knows the last found order may be on its way for a moment.
    let mut status = whole.executes("GET_STATUS", json!({})).await;
    let wanted = Some(positions.len() as u64);
    for _ in 0..10 {
        if status["openPositions"].as_u64() == wanted {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        status = whole.executes("GET_STATUS", json!({})).await;
    }
    let same_count = status["openPositions"].as_u64() == wanted;
    let close = whole.send("CLOSE_ALL_POSITIONS", json!({})).await;
    let all_closed = whole
        .platform
        .world
        .wait_for(Duration::from_secs(300), |world| {
            world.command_row(&close).filter(is_ended)
        })
        .await;
    let closed = closed_by(&whole.platform, &close);
    let left = tickets(&whole.terminal.truth("positions"));

    let deals = whole.terminal.truth("deals");
    let intents = intents(&whole.platform);
    let wrongs = count_wrongs(&whole.platform, &deals, &intents);
    let rows = whole.platform.world.command_rows();
    let executed = rows.iter().filter(|row| row.status == "executed").count();
    println!(
        "{kind:?}, seed {seed}: {} commands ({executed} executed, {} failed with a reason), {} intents, {} deals in, {} deals out, {} open at the end; {:.0} s of trouble, {:.0} s until all was final; {wrongs:?}",
        rows.len(),
        rows.len() - executed,
        intents.len(),
        whole.entries().len(),
        whole.exits().len(),
        positions.len(),
        stormed.as_secs_f64(),
        healed.as_secs_f64(),
    );
    println!("  {troubles:?}");
    let mut reasons: BTreeMap<String, u32> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.status == "failed") {
        let message = row
            .result
            .as_ref()
            .map_or("", |r| r["message"].as_str().unwrap_or_default());
        let text: String = message
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        *reasons
            .entry(format!("{}: {text}", row.command))
            .or_default() += 1;
    }
    for (reason, count) in &reasons {
        println!("  {count} x {reason}");
    }
    assert!(settled.is_some(), "commands without a final status");
    assert!(decided.is_some(), "intents without a final state");
    assert_eq!(wrongs, Wrongs::default());
    assert!(same_count, "{status} and the broker has {positions:?}");
    assert_eq!(
        all_closed.map(|row| row.status).as_deref(),
        Some("executed")
    );
    assert_eq!(closed, positions);
    assert!(left.is_empty(), "{left:?}");
    assert!(
        whole.entries().len() as u64 * 5 > orders,
        "too few deals to prove much"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_an_order_is_at_most_one_deal() {
    let orders = number_from("FX_WHOLE_ORDERS", 200);
    let seed = number_from("FX_WHOLE_SEED", fastrand::u64(..1_000_000));
    println!("FX_WHOLE_SEED={seed} FX_WHOLE_ORDERS={orders}");
    let one = tokio::spawn(run(Kind::Pipe, seed, orders.div_ceil(2)));
    let other = tokio::spawn(run(Kind::Tcp, seed + 1, orders / 2));
    one.await.unwrap();
    other.await.unwrap();
}
