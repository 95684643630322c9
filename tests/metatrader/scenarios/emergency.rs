//! Taking risk away: on the executor's word, and without the executor.

use std::time::Duration;

use super::{
    BRIEF, Outcome, Variant, after_timers, buy, cid, done, ensure, has, head, res, sends, soon,
    within,
};
use crate::emulated::{Emulated, Folders};
use crate::harness::Rig;
use crate::scripted::{Kind, Line, ScriptedExecutor};

fn flat(rig: &Rig, cid: u64, on: u8) -> Result<(usize, Line), String> {
    let id = rig.peer.request(
        "FLAT",
        &format!("{}\ton={on}\treason=test", head(&rig.terminal, cid)),
    );
    let end = soon(&rig.peer, "END of FLAT", |line| line.is("END", id))?;
    let mut results = 0;
    while rig
        .peer
        .try_take(|line| line.is("RES", id), Duration::ZERO)
        .is_some()
    {
        results += 1;
    }
    Ok((results, end))
}

fn open_one_and_place_one(rig: &Rig) -> Outcome {
    done(rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    done(
        rig,
        "ORDER",
        &buy(
            &rig.terminal,
            cid(2),
            &[
                ("action", "pending"),
                ("type", "buy_limit"),
                ("price", "1.09500"),
            ],
        ),
    )?;
    Ok(())
}

/// FLAT cancels and closes all of ours, then refuses orders until it is taken back: after a crash as well.
pub fn flat_takes_ours_off_and_stays(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    open_one_and_place_one(&rig)?;
    let (results, end) = flat(&rig, cid(10), 1)?;
    has(&end, &[("n", "2"), ("left", "0")])?;
    ensure!(results == 2, "{results} RES for two tickets");
    ensure!(
        rig.terminal.deals_of(cid(10)).len() == 1,
        "the close does not carry the FLAT's id\n{}",
        rig.terminal.picture()
    );
    ensure!(
        rig.terminal.truth("positions").is_empty() && rig.terminal.truth("orders").is_empty(),
        "{}",
        rig.terminal.picture()
    );
    has(
        &res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(3), &[]))?,
        &[("retcode", "-11"), ("stage", "refused")],
    )?;
    rig.kill_and_restart();
    has(
        &res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(4), &[]))?,
        &[("retcode", "-11"), ("stage", "refused")],
    )?;
    flat(&rig, cid(11), 0)?;
    done(&rig, "ORDER", &buy(&rig.terminal, cid(5), &[]))?;
    Ok(())
}

/// A requote and a filling that the broker does not take after all are no reason to leave a position open.
pub fn flat_does_not_give_up(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("fault reject 10030");
    rig.terminal.cmd("fault requote");
    let (results, end) = flat(&rig, cid(10), 1)?;
    has(&end, &[("n", "1"), ("left", "0")])?;
    ensure!(results == 1, "{results} RES for one ticket");
    ensure!(
        rig.terminal.truth("positions").is_empty() && sends(&rig.terminal) == 4,
        "{} sends\n{}",
        sends(&rig.terminal),
        rig.terminal.picture()
    );
    Ok(())
}

/// The answer of a close is lost: a second FLAT does not send another one, which on netting could turn the position round.
pub fn flat_does_not_close_twice(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("fault unsent 10031");
    let (_, end) = flat(&rig, cid(10), 1)?;
    has(&end, &[("n", "1"), ("left", "1")])?;
    let (_, end) = flat(&rig, cid(11), 1)?;
    has(&end, &[("n", "1"), ("left", "1")])?;
    ensure!(sends(&rig.terminal) == 2, "{} sends", sends(&rig.terminal));
    Ok(())
}

fn forsaken(variant: &Variant, close: bool) -> Rig {
    let options = variant
        .options()
        .input("InpDeadManSeconds", 1)
        .input("InpDeadManClose", close);
    Rig::start(variant.link, options)
}

/// The link goes, and the executor does not come back for a while.
fn leave(rig: &Rig) -> Outcome {
    let before = sends(&rig.terminal);
    rig.peer.cut();
    let until = std::time::Instant::now() + Duration::from_secs(5);
    while sends(&rig.terminal) == before {
        ensure!(
            std::time::Instant::now() < until,
            "the dead-man switch did nothing"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    rig.terminal.sync();
    Ok(())
}

pub fn the_dead_man_cancels_what_is_pending(variant: &Variant) -> Outcome {
    let mut rig = forsaken(variant, false);
    rig.terminal
        .cmd("by_hand buy_limit EURUSD 0.10 price=1.05 magic=77");
    open_one_and_place_one(&rig)?;
    leave(&rig)?;
    let orders = rig.terminal.truth("orders");
    ensure!(
        orders.iter().all(|row| row["magic"] == "77"),
        "ours is still working: {orders:?}"
    );
    rig.reconnect();
    let told = soon(&rig.peer, "LOG of the dead-man switch", |line| {
        line.kind == "LOG" && line.get("code") == "deadman"
    })?;
    ensure!(told.get("text").contains("1 s"), "{}", told.raw);
    ensure!(
        rig.terminal.truth("positions").len() == 1,
        "the position was closed without being told so"
    );
    ensure!(sends(&rig.terminal) == 3, "{} sends", sends(&rig.terminal));
    Ok(())
}

pub fn the_dead_man_closes_when_told(variant: &Variant) -> Outcome {
    let rig = forsaken(variant, true);
    open_one_and_place_one(&rig)?;
    leave(&rig)?;
    let until = std::time::Instant::now() + Duration::from_secs(5);
    while !rig.terminal.truth("positions").is_empty() {
        ensure!(
            std::time::Instant::now() < until,
            "the position is still open\n{}",
            rig.terminal.picture()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    ensure!(
        rig.terminal.truth("orders").is_empty(),
        "{}",
        rig.terminal.picture()
    );
    ensure!(sends(&rig.terminal) == 4, "{} sends", sends(&rig.terminal));
    ensure!(
        rig.terminal.deals_of(cid(1)).len() == 2,
        "the close does not carry the id of what it closes\n{}",
        rig.terminal.picture()
    );
    Ok(())
}

fn nothing_is_left(terminal: &Emulated) -> bool {
    terminal.truth("orders").is_empty() && terminal.truth("positions").is_empty()
}

fn place(rig: &Rig, n: u64, price: &str) -> Outcome {
    let pending = [
        ("action", "pending"),
        ("type", "buy_limit"),
        ("price", price),
    ];
    done(rig, "ORDER", &buy(&rig.terminal, cid(n), &pending)).map(drop)
}

/// One cancellation that fails is no reason to leave the order at work: neither for FLAT nor for the dead-man switch.
pub fn what_fails_is_tried_again(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    place(&rig, 1, "1.09500")?;
    rig.terminal.cmd("fault reject 10006");
    let (_, end) = flat(&rig, cid(10), 1)?;
    has(&end, &[("n", "1"), ("left", "1")])?;
    within(BRIEF, &rig.terminal, "FLAT gave up", nothing_is_left)?;
    soon(&rig.peer, "LOG of FLAT", |line| {
        line.kind == "LOG" && line.get("code") == "flat" && line.get("text").contains("Took off")
    })?;

    let rig = forsaken(variant, false);
    place(&rig, 1, "1.09500")?;
    rig.terminal.cmd("fault reject 10006");
    rig.peer.cut();
    within(
        BRIEF,
        &rig.terminal,
        "the dead-man switch gave up",
        nothing_is_left,
    )?;
    ensure!(sends(&rig.terminal) == 3, "{} sends", sends(&rig.terminal));
    Ok(())
}

/// A FLAT that left something goes on after a restart, and never for another account.
pub fn flat_goes_on_after_a_restart(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    open_one_and_place_one(&rig)?;
    rig.terminal.cmd("algo off");
    let (_, end) = flat(&rig, cid(10), 1)?;
    has(&end, &[("n", "2"), ("left", "2")])?;
    rig.kill_and_restart();
    rig.terminal.cmd("algo on");
    within(BRIEF, &rig.terminal, "FLAT did not go on", nothing_is_left)?;
    ensure!(
        rig.terminal.deals_of(cid(10)).len() == 1,
        "the close does not carry the FLAT's id\n{}",
        rig.terminal.picture()
    );
    Ok(())
}

/// The terminal dies with a close at the broker: what goes on after the restart does not close a second time.
pub fn flat_closes_once_over_a_restart(variant: &Variant) -> Outcome {
    for mode in ["hedging", "netting"] {
        let options = variant
            .options()
            .setup(&format!("account 1001 margin_mode={mode}"));
        let mut rig = Rig::start(variant.link, options);
        done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        rig.terminal.cmd("fault unsent 10031");
        let (_, end) = flat(&rig, cid(10), 1)?;
        has(&end, &[("left", "1")])?;
        rig.kill_and_restart();
        after_timers(&rig, 200)?;
        ensure!(
            sends(&rig.terminal) == 0,
            "{mode}: a close in doubt was sent again"
        );
    }
    Ok(())
}

/// The cancelling of a pending order has no answer, and after a restart it fills: the position has the order's number and is
/// closed at once all the same.
pub fn what_fills_after_a_restart_is_closed_at_once(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    place(&rig, 1, "1.09500")?;
    rig.terminal.cmd("fault unsent 10031");
    let (_, end) = flat(&rig, cid(10), 1)?;
    has(&end, &[("left", "1")])?;
    // So that it is not cancelled before it fills.
    rig.terminal.cmd("algo off");
    rig.kill_and_restart();
    rig.terminal.cmd("algo off");
    rig.terminal.cmd("price EURUSD 1.09350 1.09360");
    ensure!(
        rig.terminal.truth("positions").len() == 1,
        "{}",
        rig.terminal.picture()
    );
    rig.terminal.cmd("algo on");
    within(
        BRIEF,
        &rig.terminal,
        "what filled is left open",
        nothing_is_left,
    )
}

/// The Algo Trading button is off at the moment the switch lets go: it goes on when the button is on again.
pub fn the_dead_man_waits_for_the_button(variant: &Variant) -> Outcome {
    let rig = forsaken(variant, true);
    open_one_and_place_one(&rig)?;
    rig.terminal.cmd("algo off");
    rig.peer.cut();
    rig.terminal
        .await_line("Algo Trading button of the terminal is off", BRIEF);
    ensure!(sends(&rig.terminal) == 2, "{} sends", sends(&rig.terminal));
    rig.terminal.cmd("algo on");
    within(
        BRIEF,
        &rig.terminal,
        "the dead-man switch gave up",
        nothing_is_left,
    )
}

/// A pending order that fills while another one is being cancelled is a position in the same breath.
pub fn what_fills_meanwhile_is_closed_too(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    place(&rig, 1, "1.09500")?;
    place(&rig, 2, "1.09400")?;
    rig.terminal
        .cmd("hook OrderSend 1 price EURUSD 1.09350 1.09360");
    let (_, end) = flat(&rig, cid(10), 1)?;
    has(&end, &[("left", "0")])?;
    ensure!(nothing_is_left(&rig.terminal), "{}", rig.terminal.picture());

    let rig = forsaken(variant, true);
    place(&rig, 1, "1.09500")?;
    place(&rig, 2, "1.09400")?;
    rig.terminal
        .cmd("hook OrderSend 1 price EURUSD 1.09350 1.09360");
    rig.peer.cut();
    within(
        BRIEF,
        &rig.terminal,
        "a filled order stayed open",
        nothing_is_left,
    )
}

/// A second Expert Advisor of an account that the program serves waits and lets everything be, however long; but only the
/// program itself may tell it that it is served.
pub fn who_waits_beside_a_served_one_takes_nothing_off(variant: &Variant) -> Outcome {
    for (proven, stays) in [(true, true), (false, false)] {
        let folders = Folders::new();
        let executor = ScriptedExecutor::listen(&folders, variant.link);
        let options = variant
            .options()
            .input("InpTcp", variant.link == Kind::Tcp)
            .input("InpDeadManSeconds", 2)
            .input("InpDeadManClose", true);
        let terminal = Emulated::start(folders, options);
        let magic = cid(1);
        terminal.cmd(&format!("by_hand buy EURUSD 0.10 magic={magic}"));
        let until = std::time::Instant::now() + Duration::from_secs(12);
        while std::time::Instant::now() < until && !terminal.truth("positions").is_empty() {
            if let Some(peer) = executor.try_accept(Duration::from_millis(100)) {
                executor.refuse(&peer, "taken", proven);
            }
        }
        ensure!(
            stays != terminal.truth("positions").is_empty(),
            "proven {proven}: {}\n{:?}",
            terminal.picture(),
            terminal.logs()
        );
    }
    Ok(())
}

/// FLAT is of one account: on another one orders pass, and what is said there does not lift it, over a restart too.
pub fn flat_is_of_one_account(variant: &Variant) -> Outcome {
    let options = variant
        .options()
        .setup("account 2002 balance=5000 kind=demo");
    let mut rig = Rig::start(variant.link, options);
    let flat = |rig: &Rig, account: &str, on: u8| {
        let fields = head(&rig.terminal, cid(90)).replace(crate::harness::ACCOUNT, account);
        let id = rig
            .peer
            .request("FLAT", &format!("{fields}\ton={on}\treason=test"));
        soon(&rig.peer, "END of FLAT", |line| line.is("END", id))
    };
    let other = "2002@Broker-Demo";
    flat(&rig, crate::harness::ACCOUNT, 1)?;
    rig.terminal.cmd("login 2002");
    rig.reconnect();
    let there = buy(&rig.terminal, cid(1), &[("acct", other)]);
    done(&rig, "ORDER", &there)?;
    flat(&rig, other, 1)?;
    flat(&rig, other, 0)?;
    rig.terminal.cmd("login 1001");
    rig.reconnect();
    for (n, restarts) in [(2, false), (3, true)] {
        if restarts {
            rig.kill_and_restart();
        }
        let here = buy(&rig.terminal, cid(n), &[]);
        has(&res(&rig.peer, "ORDER", &here)?, &[("retcode", "-11")])?;
    }
    flat(&rig, crate::harness::ACCOUNT, 0)?;
    done(&rig, "ORDER", &buy(&rig.terminal, cid(4), &[]))?;
    Ok(())
}

/// An order that waits when FLAT comes is not sent any more: nothing is opened in front of the stop.
pub fn flat_goes_before_what_waits(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("latency 700000");
    let first = rig.peer.request("ORDER", &buy(&rig.terminal, cid(1), &[]));
    soon(&rig.peer, "BUSY", |line| line.is("BUSY", first))?;
    rig.peer.send(&format!(
        "ORDER\tid=901\t{}\nFLAT\tid=902\t{}\ton=1\treason=test",
        buy(&rig.terminal, cid(2), &[]),
        head(&rig.terminal, cid(10))
    ));
    has(
        &soon(&rig.peer, "RES of the one that waited", |line| {
            line.is("RES", 901)
        })?,
        &[("retcode", "-11"), ("stage", "refused")],
    )?;
    one_was_opened_and_closed(&rig)
}

/// By FLAT, request 902; nothing else was sent.
fn one_was_opened_and_closed(rig: &Rig) -> Outcome {
    let end = soon(&rig.peer, "END of FLAT", |line| line.is("END", 902))?;
    has(&end, &[("n", "1"), ("left", "0")])?;
    ensure!(
        sends(&rig.terminal) == 2 && nothing_is_left(&rig.terminal),
        "{} sends\n{}",
        sends(&rig.terminal),
        rig.terminal.picture()
    );
    Ok(())
}

/// However many orders wait, there is a place for FLAT.
pub fn flat_goes_before_more_than_may_wait(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("latency 700000");
    let first = rig.peer.request("ORDER", &buy(&rig.terminal, cid(1), &[]));
    soon(&rig.peer, "BUSY", |line| line.is("BUSY", first))?;
    let waiting: Vec<String> = (0..300)
        .map(|n| {
            let order = buy(&rig.terminal, cid(100 + n), &[]);
            format!("ORDER\tid={}\t{order}", 1_000 + n)
        })
        .collect();
    rig.peer.send(&waiting.join("\n"));
    rig.peer.send(&format!(
        "FLAT\tid=902\t{}\ton=1\treason=test",
        head(&rig.terminal, cid(10))
    ));
    has(
        &soon(&rig.peer, "RES of the last one", |line| {
            line.is("RES", 1_299)
        })?,
        &[("retcode", "-9")],
    )?;
    one_was_opened_and_closed(&rig)
}
