//! What survives a crash.

use super::{
    BRIEF, Outcome, Variant, buy, cid, done, ensure, has, head, journal, res, sends, soon, within,
};
use crate::emulated::SOON;
use crate::harness::Rig;

/// The terminal dies while OrderSend is at work. Whether the broker got the order or not: it is not sent again.
pub fn a_crash_while_sending_makes_no_second_deal(variant: &Variant) -> Outcome {
    for (moment, deals) in [("OrderSend.broker", 0), ("OrderSend.after", 1)] {
        let mut rig = variant.rig();
        rig.terminal.cmd(&format!("hook {moment} 1 kill"));
        let order = buy(&rig.terminal, cid(1), &[]);
        rig.peer.request("ORDER", &order);
        rig.terminal.await_death(SOON);
        ensure!(rig.peer.closed(BRIEF), "the link outlives the terminal");
        rig.terminal.restart();
        rig.reconnect();
        let again = res(&rig.peer, "ORDER", &order)?;
        if deals == 0 {
            has(
                &again,
                &[("dup", "1"), ("stage", "sent"), ("retcode", "-10")],
            )?;
        } else {
            has(
                &again,
                &[
                    ("dup", "1"),
                    ("stage", "done"),
                    ("ok", "1"),
                    ("retcode", "10009"),
                ],
            )?;
        }
        ensure!(
            sends(&rig.terminal) == 0,
            "the order was sent again after the crash"
        );
        ensure!(
            rig.terminal.deals_of(cid(1)).len() == deals,
            "{}",
            rig.terminal.picture()
        );
    }
    Ok(())
}

/// Killed without a warning: what was answered before is answered the same again.
pub fn the_memory_outlives_the_terminal(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[("max_spread", "9")]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "-12")])?;
    rig.terminal.cmd("price EURUSD 1.10000 1.10001");
    rig.kill_and_restart();
    let again = res(&rig.peer, "ORDER", &order)?;
    has(
        &again,
        &[("retcode", "-12"), ("dup", "1"), ("stage", "refused")],
    )?;
    ensure!(
        sends(&rig.terminal) == 0,
        "a refused order was sent after a crash"
    );
    Ok(())
}

/// A full disk: no order leaves, and the reason is told. When there is room again, orders go.
pub fn without_a_journal_nothing_is_sent(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("quirk disk_full=on");
    let order = buy(&rig.terminal, cid(2), &[]);
    let refused = res(&rig.peer, "ORDER", &order)?;
    has(
        &refused,
        &[("retcode", "-8"), ("stage", "refused"), ("ok", "0")],
    )?;
    ensure!(sends(&rig.terminal) == 1, "an order left without a journal");
    rig.terminal.cmd("quirk disk_full=off");
    done(&rig, "ORDER", &order)?;
    ensure!(
        rig.terminal.deals_of(cid(2)).len() == 1,
        "{}",
        rig.terminal.picture()
    );
    Ok(())
}

/// Half a record at the end of the file, as a power cut leaves it: the records after it are still whole.
pub fn a_torn_record_costs_only_itself(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.close();
    let mut text =
        std::fs::read(journal(&rig.terminal)).map_err(|error| format!("the journal: {error}"))?;
    text.extend_from_slice(b"S\t5044039279236350000\tORD");
    std::fs::write(journal(&rig.terminal), text)
        .map_err(|error| format!("the journal: {error}"))?;
    rig.terminal.restart();
    rig.reconnect();
    let told = soon(&rig.peer, "LOG about the journal", |line| {
        line.kind == "LOG"
    })?;
    has(&told, &[("level", "warn"), ("code", "journal")])?;
    let order = buy(&rig.terminal, cid(2), &[("max_spread", "9")]);
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "-12"), ("dup", "0")],
    )?;
    rig.kill_and_restart();
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "-12"), ("dup", "1")],
    )
}

/// The journal grows too large, and the next start rewrites it.
pub fn rewrite(rig: &mut Rig) -> Outcome {
    rig.terminal.close();
    let mut text = std::fs::read(journal(&rig.terminal)).map_err(|error| error.to_string())?;
    text.extend(std::iter::repeat_n(&b"damage\n"[..], 700_000).flatten());
    std::fs::write(journal(&rig.terminal), text).map_err(|error| error.to_string())?;
    rig.terminal.restart();
    rig.reconnect();
    let size = std::fs::metadata(journal(&rig.terminal))
        .map_err(|error| error.to_string())?
        .len();
    ensure!(size < 10_000, "the journal still has {size} bytes");
    Ok(())
}

/// A journal that has grown too large is rewritten, and what it knows stays known.
pub fn a_large_journal_is_rewritten(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[("max_spread", "9")]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "-12")])?;
    let sent = buy(&rig.terminal, cid(2), &[]);
    rig.terminal.cmd("fault unsent 10031");
    has(&res(&rig.peer, "ORDER", &sent)?, &[("stage", "sent")])?;
    rewrite(&mut rig)?;
    rig.terminal.cmd("price EURUSD 1.10000 1.10001");
    rig.kill_and_restart();
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "-12"), ("dup", "1")],
    )?;
    has(
        &res(&rig.peer, "ORDER", &sent)?,
        &[("retcode", "-10"), ("dup", "1")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "{} sends", sends(&rig.terminal));
    Ok(())
}

/// Another program holds the journal while the Expert Advisor starts, or its drive is lost: nothing is sent, since nobody
/// knows what was sent before. When it can be read, what it says holds.
pub fn a_locked_journal_is_waited_for(variant: &Variant) -> Outcome {
    for trouble in ["locked", "unreadable"] {
        journal_comes_late(variant, trouble)?;
    }
    Ok(())
}

fn journal_comes_late(variant: &Variant, trouble: &str) -> Outcome {
    let mut rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[("max_spread", "9")]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "-12")])?;
    rig.terminal.cmd("price EURUSD 1.10000 1.10001");
    rig.terminal.cmd(&format!("quirk {trouble}=journal"));
    rig.kill_and_restart();
    let other = buy(&rig.terminal, cid(2), &[]);
    has(
        &res(&rig.peer, "ORDER", &other)?,
        &[("retcode", "-8"), ("stage", "refused")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "sent without a journal");
    rig.terminal.cmd(&format!("quirk {trouble}="));
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "-12"), ("dup", "1")],
    )?;
    done(&rig, "ORDER", &other)?;
    Ok(())
}

/// A full disk, and a journal that another program holds: what only closes or cancels goes on and says so, once each;
/// nothing is opened.
pub fn closing_needs_no_journal(variant: &Variant) -> Outcome {
    for (mode, trouble) in [
        ("hedging", "disk_full=on"),
        ("netting", "disk_full=on"),
        ("hedging", "locked=journal"),
        ("netting", "locked=journal"),
    ] {
        let options = variant
            .options()
            .setup(&format!("account 1001 margin_mode={mode}"));
        let mut rig = Rig::start(variant.link, options);
        let case = format!("{mode} {trouble}");
        let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        let limit = [
            ("action", "pending"),
            ("type", "buy_limit"),
            ("price", "1.09500"),
        ];
        let pending = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &limit))?;
        rig.terminal.cmd(&format!("quirk {trouble}"));
        if trouble.starts_with("locked") {
            rig.kill_and_restart();
        }
        let sent = sends(&rig.terminal);
        let order = buy(&rig.terminal, cid(3), &[]);
        has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "-8")])?;
        let position = opened.get("pos");
        let part = format!(
            "{}\tticket={position}\tident={position}\tvol=0.04\tdev=\tfill=auto",
            head(&rig.terminal, cid(4))
        );
        let first = res(&rig.peer, "CLOSE", &part)?;
        has(&first, &[("ok", "1"), ("unwritten", "1"), ("vol", "0.04")])
            .map_err(|why| format!("{case}: {why}"))?;
        has(
            &res(&rig.peer, "CLOSE", &part)?,
            &[("dup", "1"), ("deal", first.get("deal"))],
        )?;
        let cancel = format!(
            "{}\tticket={}",
            head(&rig.terminal, cid(5)),
            pending.get("order")
        );
        has(
            &res(&rig.peer, "CANCEL", &cancel)?,
            &[("ok", "1"), ("unwritten", "1")],
        )?;
        ensure!(
            sends(&rig.terminal) == sent + 2,
            "{case}: {} sends after {sent}",
            sends(&rig.terminal)
        );
        let said = rig.terminal.logs().join("\n");
        ensure!(said.contains("cannot be written"), "{case}: {said}");
    }
    Ok(())
}

/// What a crash left at work at the market is cancelled when the terminal is back, though the executor is not there yet; what
/// others have at work there is theirs.
pub fn only_our_leftovers_are_cancelled(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    rig.terminal.cmd("symbol DE40 liquidity=0.5");
    rig.terminal.cmd("by_hand buy DE40 1 magic=77 fill=return");
    rig.terminal.cmd("symbol DE40 liquidity=0.5");
    let fields = [
        ("sym", "DE40"),
        ("vol", "1"),
        ("sl", ""),
        ("nostop", "1"),
        ("fill", "return"),
    ];
    rig.terminal.cmd("hook OrderSend.after 1 kill");
    rig.peer
        .request("ORDER", &buy(&rig.terminal, cid(1), &fields));
    rig.terminal.await_death(SOON);
    rig.terminal.restart();
    let ours = cid(1).to_string();
    within(
        BRIEF,
        &rig.terminal,
        "the rest of our order still works",
        |terminal| {
            terminal
                .truth("orders")
                .iter()
                .all(|row| row["magic"] != ours)
        },
    )?;
    rig.terminal.sync();
    let orders = rig.terminal.truth("orders");
    ensure!(
        orders.len() == 1 && orders[0]["magic"] == "77" && sends(&rig.terminal) == 1,
        "a stranger's order was cancelled: {} sends\n{}",
        sends(&rig.terminal),
        rig.terminal.picture()
    );
    ensure!(
        rig.terminal.deals_of(cid(1)).len() == 1,
        "our order left no rest\n{}",
        rig.terminal.picture()
    );
    Ok(())
}

/// A journal that is rewritten while trading is stopped: it stays stopped over the next crash.
pub fn a_rewritten_journal_keeps_the_stop(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let flat = |rig: &Rig, n: u64, on: u8| {
        let head = head(&rig.terminal, cid(n));
        let id = rig
            .peer
            .request("FLAT", &format!("{head}\ton={on}\treason=test"));
        soon(&rig.peer, "END of FLAT", |line| line.is("END", id))
    };
    flat(&rig, 10, 1)?;
    rewrite(&mut rig)?;
    rig.kill_and_restart();
    has(
        &res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(1), &[]))?,
        &[("retcode", "-11"), ("stage", "refused")],
    )?;
    flat(&rig, 11, 0)?;
    done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &[]))?;
    Ok(())
}

/// Changes the journal while the terminal is down, and starts it again.
pub fn with_journal(rig: &mut Rig, change: impl Fn(&str) -> String) -> Outcome {
    rig.terminal.close();
    let path = journal(&rig.terminal);
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    std::fs::write(path, change(&text)).map_err(|error| error.to_string())?;
    rig.terminal.restart();
    rig.reconnect();
    Ok(())
}

/// A record as the Expert Advisor seals it: with 32 bits of FNV-1a.
pub fn sealed(record: &str) -> String {
    let hash = record
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    format!("{record}\t{:08x}\n", hash & 0xffff_ffff)
}

/// The memory is full of what was answered since: what is in doubt is not forgotten for it, and not sent again.
pub fn a_full_memory_keeps_what_is_in_doubt(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[]);
    rig.terminal.cmd("fault unsent 10031");
    has(&res(&rig.peer, "ORDER", &order)?, &[("stage", "sent")])?;
    let last = buy(&rig.terminal, cid(2), &[("max_spread", "9")]);
    let now = rig.terminal.stat("server_ms");
    let others: String = (10..10 + 5300)
        .map(|n| {
            let rest = "\t0".repeat(13);
            sealed(&format!(
                "R\t{}\tORDER\t1\t{now}\trefused\t0\t-12{rest}",
                cid(n)
            ))
        })
        .collect();
    with_journal(&mut rig, |before| format!("{before}{others}"))?;
    has(&res(&rig.peer, "ORDER", &last)?, &[("retcode", "-12")])?;
    // Of those the newest are known.
    for n in [5000, 5309] {
        let other = res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(n), &[]))?;
        has(&other, &[("retcode", "-3")]).map_err(|why| format!("{n} is forgotten: {why}"))?;
    }
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "-10"), ("dup", "1")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "{} sends", sends(&rig.terminal));
    Ok(())
}

/// A journal that is too large to be read whole is read from its end: what was answered last is known.
pub fn a_huge_journal_is_read_from_its_end(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[("max_spread", "9")]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "-12")])?;
    let damage = format!("{}\n", "x".repeat(60_000)).repeat(300);
    with_journal(&mut rig, |record| format!("{damage}{record}"))?;
    rig.terminal.cmd("price EURUSD 1.10000 1.10001");
    // The first time from what was read, the second time from what was written anew.
    for _ in 0..2 {
        has(
            &res(&rig.peer, "ORDER", &order)?,
            &[("retcode", "-12"), ("dup", "1")],
        )?;
        rig.kill_and_restart();
    }
    ensure!(sends(&rig.terminal) == 0, "{} sends", sends(&rig.terminal));
    Ok(())
}
