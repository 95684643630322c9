//! Taking risk away: on the executor's word, and without the executor.

use std::time::Duration;

use super::{Outcome, Variant, buy, cid, done, ensure, has, head, res, sends, soon};
use crate::harness::Rig;
use crate::scripted::Line;

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
    Ok(())
}
