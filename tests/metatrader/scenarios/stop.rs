//! FLAT in detail: what it needs, how it is said, how it goes on.

use std::time::{Duration, Instant};

use super::{
    BRIEF, Outcome, Variant, after_timers, buy, cid, done, ensure, flat, has, head, res, sends,
    within,
};
use crate::emulated::SOON;
use crate::harness::{ACCOUNT, Rig};

fn open_one_and_place_one(rig: &Rig) -> Outcome {
    let limit = [
        ("action", "pending"),
        ("type", "buy_limit"),
        ("price", "1.09500"),
    ];
    done(rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    done(rig, "ORDER", &buy(&rig.terminal, cid(2), &limit))?;
    Ok(())
}

/// A full disk, or a journal that another program holds: FLAT closes and cancels, and says that the stop would not outlive a
/// restart.
pub fn a_stop_needs_no_journal(variant: &Variant) -> Outcome {
    for trouble in ["disk_full=on", "locked=journal"] {
        let mut rig = variant.rig();
        open_one_and_place_one(&rig)?;
        rig.terminal.cmd(&format!("quirk {trouble}"));
        if trouble.starts_with("locked") {
            rig.kill_and_restart();
        }
        has(&flat(&rig, 10, 1)?, &[("n", "2"), ("left", "0")])
            .map_err(|why| format!("{trouble}: {why}"))?;
        ensure!(
            rig.terminal.truth("positions").is_empty() && rig.terminal.truth("orders").is_empty(),
            "{trouble}: {}",
            rig.terminal.picture()
        );
        let said = rig.terminal.logs().join("\n");
        ensure!(
            said.contains("trading would not be stopped any more"),
            "{trouble}: {said}"
        );
    }
    Ok(())
}

/// FLAT without a plain 0 or 1, for another account or under a strange id stops nothing and allows nothing.
pub fn a_stop_is_said_in_full_or_not_at_all(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    open_one_and_place_one(&rig)?;
    let head = head(&rig.terminal, cid(10));
    let strange = head.replace(&cid(10).to_string(), "5");
    let other = head.replace(ACCOUNT, "999@Broker-Demo");
    for (on, n) in [(1, 3), (0, 4)] {
        for (fields, retcode) in [
            (format!("{head}\ton="), "-1"),
            (format!("{head}\ton=2"), "-1"),
            (head.clone(), "-1"),
            (format!("{strange}\ton={on}"), "-1"),
            (format!("{other}\ton={on}"), "-4"),
        ] {
            has(
                &res(&rig.peer, "FLAT", &fields)?,
                &[("retcode", retcode), ("stage", "refused")],
            )
            .map_err(|why| format!("{fields}: {why}"))?;
        }
        let order = res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(n), &[]))?;
        if on == 1 {
            has(&order, &[("ok", "1")])?;
            ensure!(sends(&rig.terminal) == 3, "{} sends", sends(&rig.terminal));
            flat(&rig, 11, 1)?;
        } else {
            has(&order, &[("retcode", "-11")])?;
        }
    }
    Ok(())
}

/// A broker that refuses is asked again after one second, then two, then four: not ever faster than that.
pub fn what_cannot_be_taken_off_is_tried_less_often(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("chance reject=1");
    let began = Instant::now();
    has(&flat(&rig, 10, 1)?, &[("left", "1")])?;
    within(2 * BRIEF, &rig.terminal, "FLAT gave up", |terminal| {
        sends(terminal) >= 4
    })?;
    let took = began.elapsed();
    ensure!(
        took >= Duration::from_millis(2_900),
        "three attempts in {took:?}"
    );
    rig.terminal.cmd("chance reject=0");
    within(2 * BRIEF, &rig.terminal, "FLAT gave up", |terminal| {
        terminal.truth("positions").is_empty()
    })
}

/// The broker refused, and then the terminal died: there is no doubt to wait for, it is tried again at once.
pub fn what_was_refused_before_a_restart_is_tried_again(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("chance reject=1");
    has(&flat(&rig, 10, 1)?, &[("left", "1")])?;
    rig.kill_and_restart();
    rig.terminal.cmd("chance reject=0");
    within(BRIEF, &rig.terminal, "it is held back", |terminal| {
        terminal.truth("positions").is_empty()
    })
}

/// The terminal dies with a close of FLAT on its way, before or after the broker has it: no second one is sent.
pub fn a_crash_within_a_close_makes_no_second_one(variant: &Variant) -> Outcome {
    for (moment, left) in [("OrderSend.broker", 1), ("OrderSend.after", 0)] {
        let mut rig = variant.rig();
        done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        rig.terminal.cmd(&format!("hook {moment} 1 kill"));
        rig.peer.request(
            "FLAT",
            &format!("{}\ton=1\treason=test", head(&rig.terminal, cid(10))),
        );
        rig.terminal.await_death(SOON);
        rig.terminal.restart();
        rig.reconnect();
        after_timers(&rig, 200)?;
        ensure!(
            sends(&rig.terminal) == 0 && rig.terminal.truth("positions").len() == left,
            "{moment}: {} sends\n{}",
            sends(&rig.terminal),
            rig.terminal.picture()
        );
    }
    Ok(())
}

/// The symbol's mask names a filling that the broker never takes: FLAT and the dead-man switch go through the others until one
/// is taken.
pub fn a_mask_that_is_wrong_leaves_nothing_open(variant: &Variant) -> Outcome {
    const MARKET: u8 = 2;
    const EXCHANGE: u8 = 3;
    // What the mask says, what is taken (FOK 1, IOC 2, RETURN 4), and how many requests that needs.
    for (dead, execution, mask, takes, needed) in [
        (false, MARKET, 1, 2, 3),
        (false, MARKET, 2, 1, 2),
        (false, EXCHANGE, 1, 4, 4),
        (true, MARKET, 1, 2, 3),
    ] {
        let mut options = variant.options();
        if dead {
            options = options
                .input("InpDeadManSeconds", 1)
                .input("InpDeadManClose", true);
        }
        let rig = Rig::start(variant.link, options);
        done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        rig.terminal.cmd(&format!(
            "symbol EURUSD exe={execution} fill={mask} takes={takes}"
        ));
        if dead {
            rig.peer.cut();
            within(BRIEF, &rig.terminal, "it is still open", |terminal| {
                terminal.truth("positions").is_empty()
            })?;
        } else {
            has(&flat(&rig, 10, 1)?, &[("n", "1"), ("left", "0")])?;
        }
        ensure!(
            sends(&rig.terminal) == 1 + needed && rig.terminal.truth("positions").is_empty(),
            "mask {mask}, taken {takes}: {} sends\n{}",
            sends(&rig.terminal),
            rig.terminal.picture()
        );
    }
    Ok(())
}
