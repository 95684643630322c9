//! What the journal's records say after a crash, a rewriting or damage, and for how long it counts.

use super::journal::{sealed, with_journal};
use super::{
    BRIEF, Outcome, Variant, after_timers, buy, cid, done, ensure, flat, has, journal, res, sends,
    soon, within,
};
use crate::harness::Rig;
use crate::scripted::Line;

/// An order with too small a limit for the spread: refused for good, and open to all once the spread is smaller.
fn refused(rig: &Rig, n: u64) -> Result<String, String> {
    rig.terminal.cmd("price EURUSD 1.10000 1.10010");
    let order = buy(&rig.terminal, cid(n), &[("max_spread", "9")]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "-12")])?;
    rig.terminal.cmd("price EURUSD 1.10000 1.10001");
    Ok(order)
}

/// It is known as refused, and not sent.
fn is_remembered(rig: &Rig, order: &str) -> Outcome {
    has(
        &res(&rig.peer, "ORDER", order)?,
        &[("retcode", "-12"), ("dup", "1")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "a refused order was sent");
    Ok(())
}

/// Lines that are no records, of about so many bytes.
fn damage(bytes: usize) -> String {
    format!("{}\n", "x".repeat(60_000)).repeat(bytes.div_ceil(60_001))
}

/// A close in doubt of FLAT or of the dead-man switch is in no memory: a journal that should be rewritten at the next start
/// waits for it, and the start after that one still does not close a second time.
pub fn a_close_in_doubt_is_not_rewritten_away(variant: &Variant) -> Outcome {
    for dead in [false, true] {
        let mut options = variant.options();
        if dead {
            options = options
                .input("InpDeadManSeconds", 1)
                .input("InpDeadManClose", true);
        }
        let mut rig = Rig::start(variant.link, options);
        done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        rig.terminal.cmd("fault unsent 10031");
        if dead {
            rig.peer.cut();
            within(BRIEF, &rig.terminal, "nothing was closed", |terminal| {
                sends(terminal) == 2
            })?;
            rig.terminal.sync();
        } else {
            has(&flat(&rig, 10, 1)?, &[("left", "1")])?;
        }
        rig.terminal.close();
        let path = journal(&rig.terminal);
        let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
        std::fs::write(path, text + &damage(5_000_000)).map_err(|error| error.to_string())?;
        for _ in 0..2 {
            rig.terminal.restart();
            // Long enough for the dead-man switch too.
            after_timers(&rig, 200)?;
            ensure!(
                sends(&rig.terminal) == 0,
                "dead man {dead}: a close in doubt was sent again"
            );
        }
    }
    Ok(())
}

/// A crash between the two steps of rewriting leaves the new journal under its first name, and that one counts, even when it is
/// held for a while. What lies there beside a journal is older than it, and does not count.
pub fn a_journal_and_its_successor_are_told_apart(variant: &Variant) -> Outcome {
    for (alone, held) in [(true, false), (true, true), (false, false)] {
        let mut rig = variant.rig();
        let order = refused(&rig, 1)?;
        if held {
            rig.terminal.cmd("quirk locked=journal-main.txt.new");
        }
        rig.terminal.close();
        let path = journal(&rig.terminal);
        let new = path.with_extension("txt.new");
        if alone {
            std::fs::rename(&path, &new).map_err(|error| error.to_string())?;
        } else {
            std::fs::write(new, sealed("#\told\t1")).map_err(|error| error.to_string())?;
        }
        rig.terminal.restart();
        rig.reconnect();
        if held {
            has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "-8")])?;
            rig.terminal.cmd("quirk locked=");
        }
        is_remembered(&rig, &order).map_err(|why| format!("alone {alone}: {why}"))?;
    }
    Ok(())
}

/// The disk is full while the journal is rewritten, or another program holds it at the moment of the change: the old one
/// stays, and what is written behind its torn end is whole.
pub fn a_rewriting_that_fails_costs_nothing(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let order = refused(&rig, 1)?;
    rig.terminal.cmd("quirk disk_full=on");
    with_journal(&mut rig, |text| text.to_owned() + &damage(5_000_000))?;
    rig.terminal.cmd("quirk disk_full=off");
    rig.kill_and_restart();
    is_remembered(&rig, &order).map_err(|why| format!("full disk: {why}"))?;

    let mut rig = variant.rig();
    rig.terminal.cmd("quirk locked=journal-main.txt.new");
    with_journal(&mut rig, |text| {
        text.to_owned() + &damage(5_000_000) + "S\t5044039279236350000\tORD"
    })?;
    rig.terminal.cmd("quirk locked=");
    rig.terminal.cmd("hook FileMove 1 quirk locked=journal");
    rig.terminal
        .cmd("hook FileMove 1 hook FileOpen 1 quirk locked=");
    rig.terminal.reload();
    rig.reconnect();
    ensure!(
        rig.terminal.cmd("calls FileMove") == "1",
        "it was not rewritten"
    );
    let order = refused(&rig, 2)?;
    rig.kill_and_restart();
    is_remembered(&rig, &order).map_err(|why| format!("held: {why}"))
}

/// A journal that cannot be rewritten grows, and only its end is read at start: trading that was stopped long ago stays
/// stopped.
pub fn a_stop_is_read_from_a_huge_journal(variant: &Variant) -> Outcome {
    const MARK: usize = 8_388_608;
    let is_stopped = |rig: &Rig, n: u64| {
        has(
            &res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(n), &[]))?,
            &[("retcode", "-11"), ("stage", "refused")],
        )
    };
    let mut rig = variant.rig();
    flat(&rig, 10, 1)?;
    rig.terminal.cmd("quirk locked=journal-main.txt.new");
    with_journal(&mut rig, |text| {
        let text = text.to_owned() + &damage(MARK - 100_000);
        format!("{text}{}\n", "x".repeat(MARK - text.len() - 50))
    })?;
    is_stopped(&rig, 1)?;
    with_journal(&mut rig, |text| text.to_owned() + &damage(15_000_000))?;
    is_stopped(&rig, 2)
}

/// A record that says another thing than what was written is told and left out.
pub fn a_damaged_record_is_not_believed(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let order = refused(&rig, 1)?;
    rig.terminal.cmd("price EURUSD 1.10000 1.10010");
    with_journal(&mut rig, |text| {
        text.replace("refused\t0\t-12\t", "refused\t0\t-11\t")
    })?;
    let told = soon(&rig.peer, "LOG about the journal", |line: &Line| {
        line.kind == "LOG"
    })?;
    has(&told, &[("level", "warn"), ("code", "journal")])?;
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "-12"), ("dup", "0")],
    )
}

/// What FLAT sent six minutes ago and never heard of holds no position back any more.
pub fn an_old_doubt_holds_nothing_back(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let then = rig.terminal.stat("server_ms") - 360_000;
    let sent = sealed(&format!("S\t0\tFLAT\t0\t{then}\t{}", opened.get("pos")));
    with_journal(&mut rig, |text| text.to_owned() + &sent)?;
    has(&flat(&rig, 10, 1)?, &[("n", "1"), ("left", "0")])
}

/// FLAT is said while another program holds the journal. What the journal says when it can be read is older: that trading was
/// allowed again before.
pub fn an_older_record_lifts_no_stop(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    flat(&rig, 10, 1)?;
    flat(&rig, 11, 0)?;
    rig.terminal.cmd("quirk locked=journal");
    rig.kill_and_restart();
    flat(&rig, 12, 1)?;
    rig.terminal.cmd("quirk locked=");
    has(
        &res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(1), &[]))?,
        &[("retcode", "-11"), ("stage", "refused")],
    )
}
