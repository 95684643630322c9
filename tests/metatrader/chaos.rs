//! Orders under everything at once: lost and late answers, requotes, transactions doubled and dropped, kills of the terminal at
//! random calls. The scripted executor behaves as a careful one must: it never makes a new order out of a doubt, it asks
//! again with the same cid. Whatever happens, a cid has at most one entry deal.
//! Longer: `FX_CHAOS_ORDERS=2000 FX_CHAOS_SEED=7 cargo test --test metatrader chaos`.

use std::time::{Duration, Instant};

use crate::emulated::{Options, SOON};
use crate::harness::{Rig, buy};
use crate::scripted::Kind;

const FIRST_CID: u64 = 0x4603_0000_0000_0000;
const CALLS: &[&str] = &[
    "OrderSend",
    "OrderSend.broker",
    "OrderSend.after",
    "FileFlush",
    "FileWriteArray",
    "FileOpen",
    "HistorySelect",
    "PositionsTotal",
    "SymbolInfoTick",
    "OrderCheck",
];

/// Sends `cid` until its outcome is definite or stays in doubt (journalled as sent, and nowhere to be found: the executor would
/// take that for unknown); how often the terminal had to be started again.
fn settle(rig: &mut Rig, cid: u64) -> u32 {
    let mut restarts = 0;
    let mut doubts = 0;
    while doubts < 15 {
        doubts += 1;
        if !rig.terminal.is_alive() {
            rig.terminal.restart();
            restarts += 1;
        }
        // The link may end a moment before the process is seen to be gone.
        let gone = Instant::now() + SOON;
        while rig.peer.closed(Duration::ZERO)
            && rig.terminal.is_alive()
            && !rig.try_reconnect(Duration::from_millis(300))
        {
            assert!(
                Instant::now() < gone,
                "the Expert Advisor did not come back"
            );
        }
        let id = rig.peer.request("ORDER", &buy(cid, ""));
        let answer = rig.peer.try_take(
            |line| line.is("RES", id) || line.is("ERR", id),
            Duration::from_secs(10),
        );
        match answer {
            Some(line) if line.kind == "RES" && line.get("stage") != "sent" => {
                let definite = line.get("stage") == "done"
                    || matches!(line.get("retcode"), "-1" | "-3" | "-11");
                if definite {
                    return restarts;
                }
            }
            _ => {}
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    restarts
}

#[test]
fn a_cid_is_at_most_one_deal() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let seed = number("FX_CHAOS_SEED", fastrand::u64(..1_000_000));
    let orders = number("FX_CHAOS_ORDERS", 40);
    println!("FX_CHAOS_SEED={seed} FX_CHAOS_ORDERS={orders}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let kind = if seed.is_multiple_of(2) {
        Kind::Pipe
    } else {
        Kind::Tcp
    };
    let options = Options::default()
        .setup(&format!("seed {seed}"))
        .setup("account 1001 balance=100000000")
        .setup(
            "chance lost=0.15 unsent=0.05 late=0.1 requote=0.05 kill_before=0.02 kill_after=0.03",
        )
        .setup("chance duplicated_txn=0.2 lost_txn=0.1 late_txn_ms=30");
    let mut rig = Rig::start(kind, options);
    let mut restarts = 0;
    for n in 0..orders {
        if chance.u32(..4) == 0 {
            let call = CALLS[chance.usize(..CALLS.len())];
            let _ = rig
                .terminal
                .try_cmd(&format!("hook {call} {} kill", 1 + chance.u32(..3)));
        }
        restarts += settle(&mut rig, FIRST_CID + n);
    }
    // A last start without hooks, so that nothing more dies; then what the broker still has is carried out.
    rig.terminal.restart();
    while rig.terminal.stat("late") > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let deals = rig.terminal.truth("deals");
    let mut executed = 0;
    for n in 0..orders {
        let magic = (FIRST_CID + n).to_string();
        let of_it: Vec<_> = deals.iter().filter(|deal| deal["magic"] == magic).collect();
        assert!(
            of_it.len() <= 1,
            "seed {seed}: cid {magic} has {} deals: {of_it:?}",
            of_it.len()
        );
        executed += of_it.len();
    }
    println!("{orders} orders over {kind:?}: {executed} executed, {restarts} restarts");
    assert!(
        executed as u64 > orders / 2,
        "seed {seed}: only {executed} of {orders} orders were executed"
    );
}
