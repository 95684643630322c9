//! One client id, at most one deal.

use super::{Outcome, Variant, buy, cid, done, ensure, has, head, res, sends};
use crate::harness::Rig;

pub fn the_same_order_twice_is_one_deal(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[]);
    let first = done(&rig, "ORDER", &order)?;
    let again = done(&rig, "ORDER", &order)?;
    has(
        &again,
        &[
            ("dup", "1"),
            ("deal", first.get("deal")),
            ("pos", first.get("pos")),
            ("vol", first.get("vol")),
            ("price", first.get("price")),
        ],
    )?;
    let other = res(
        &rig.peer,
        "ORDER",
        &buy(&rig.terminal, cid(1), &[("vol", "0.20")]),
    )?;
    has(&other, &[("retcode", "-3"), ("stage", "refused")])?;
    ensure!(
        rig.terminal.deals_of(cid(1)).len() == 1,
        "{}",
        rig.terminal.picture()
    );
    ensure!(
        sends(&rig.terminal) == 1,
        "OrderSend was called {} times",
        sends(&rig.terminal)
    );
    Ok(())
}

/// What was refused once stays refused, even when it would be possible now.
pub fn a_refusal_is_final(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[("max_spread", "9")]);
    let refused = res(&rig.peer, "ORDER", &order)?;
    has(
        &refused,
        &[
            ("retcode", "-12"),
            ("stage", "refused"),
            ("ok", "0"),
            ("dup", "0"),
        ],
    )?;
    rig.terminal.cmd("price EURUSD 1.10000 1.10001");
    let again = res(&rig.peer, "ORDER", &order)?;
    has(
        &again,
        &[("retcode", "-12"), ("stage", "refused"), ("dup", "1")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "a refused order was sent later");
    done(
        &rig,
        "ORDER",
        &buy(&rig.terminal, cid(2), &[("max_spread", "9")]),
    )?;
    Ok(())
}

/// The broker executed, the answer was lost: the order's repetition finds the deal.
pub fn a_lost_answer_is_looked_for(variant: &Variant) -> Outcome {
    // All that leave it open whether something was sent, and numbers that no reference names.
    for code in [
        "0", "10011", "10012", "10028", "10031", "10039", "10005", "10037", "10050",
    ] {
        let rig = variant.rig();
        rig.terminal.cmd(&format!("fault lost {code}"));
        let order = buy(&rig.terminal, cid(1), &[]);
        let lost = res(&rig.peer, "ORDER", &order)?;
        has(&lost, &[("stage", "sent"), ("retcode", code), ("ok", "0")])?;
        rig.terminal.sync();
        let found = done(&rig, "ORDER", &order)?;
        has(
            &found,
            &[
                ("dup", "1"),
                ("retcode", "10009"),
                ("vol", "0.1"),
                ("price", "1.10010"),
            ],
        )?;
        ensure!(
            found.get("deal") != "0" && found.get("pos") != "0",
            "{}",
            found.raw
        );
        ensure!(
            rig.terminal.deals_of(cid(1)).len() == 1,
            "{}",
            rig.terminal.picture()
        );
    }
    Ok(())
}

/// Nothing shows the order, and it may still be on its way: -10, never a second send.
pub fn what_may_have_been_sent_is_not_sent_again(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("fault unsent 10031");
    let order = buy(&rig.terminal, cid(1), &[]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("stage", "sent")])?;
    let again = res(&rig.peer, "ORDER", &order)?;
    has(
        &again,
        &[
            ("stage", "sent"),
            ("retcode", "-10"),
            ("dup", "1"),
            ("ok", "0"),
        ],
    )?;
    ensure!(
        sends(&rig.terminal) == 1,
        "OrderSend was called {} times",
        sends(&rig.terminal)
    );
    Ok(())
}

/// A lost journal (another disk, a reinstalled terminal): positions and history still know the client id.
pub fn the_terminal_itself_remembers(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[]);
    let first = done(&rig, "ORDER", &order)?;
    rig.terminal.close();
    std::fs::remove_file(super::journal(&rig.terminal))
        .map_err(|error| format!("the journal: {error}"))?;
    rig.terminal.restart();
    rig.reconnect();
    let again = done(&rig, "ORDER", &order)?;
    has(
        &again,
        &[
            ("dup", "1"),
            ("pos", first.get("pos")),
            ("deal", first.get("deal")),
        ],
    )?;
    ensure!(
        rig.terminal.deals_of(cid(1)).len() == 1,
        "{}",
        rig.terminal.picture()
    );
    // The same when the position is gone and the history alone knows it.
    rig.terminal
        .cmd(&format!("by_hand close {}", first.get("pos")));
    rig.terminal.close();
    std::fs::remove_file(super::journal(&rig.terminal))
        .map_err(|error| format!("the journal: {error}"))?;
    rig.terminal.restart();
    rig.reconnect();
    has(
        &done(&rig, "ORDER", &order)?,
        &[("dup", "1"), ("deal", first.get("deal"))],
    )?;
    Ok(())
}

/// Another program on the account used the same number: its deal is not told as the outcome of ours, nothing is sent, and
/// the refusal says why.
pub fn another_programs_deal_is_not_ours(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let ours = done(&rig, "ORDER", &buy(&rig.terminal, cid(9), &[]))?;
    for (n, theirs) in [
        (1, "sell EURUSD 0.1"),
        (2, "buy EURUSD 0.3"),
        (3, "buy GBPUSD 0.1"),
        (4, "buy EURUSD 0.1"),
        (6, "buy_limit EURUSD 0.3 price=1.05"),
    ] {
        rig.terminal
            .cmd(&format!("by_hand {theirs} magic={}", cid(n)));
        let sent = sends(&rig.terminal);
        let (kind, fields) = if n == 4 {
            let ticket = ours.get("pos");
            let fields = format!(
                "{}\tticket={ticket}\tident={ticket}\tvol=\tdev=\tfill=auto",
                head(&rig.terminal, cid(n))
            );
            ("CLOSE", fields)
        } else {
            ("ORDER", buy(&rig.terminal, cid(n), &[]))
        };
        let refused = [("retcode", "-13"), ("stage", "refused")];
        let answer = res(&rig.peer, kind, &fields)?;
        has(&answer, &refused).map_err(|why| format!("{theirs}: {why}"))?;
        has(
            &answer,
            &[("comment", "this id is used by another program")],
        )?;
        has(&res(&rig.peer, kind, &fields)?, &refused)?;
        ensure!(sends(&rig.terminal) == sent, "{theirs}: it was sent");
        let since = rig.terminal.stat("server_ms") - 60_000;
        let ordered = if n == 4 {
            format!("pos={}", ours.get("pos"))
        } else {
            "sym=EURUSD\ttype=buy\tvol=0.1".to_owned()
        };
        let search = format!("cid={}\tsince_ms={since}\t{ordered}", cid(n));
        let found = super::ask(&rig.peer, "FIND", &search, "FOUND")?;
        has(&found, &[("where", "refused"), ("retcode", "-13")])?;
    }
    done(&rig, "ORDER", &buy(&rig.terminal, cid(5), &[]))?;
    Ok(())
}

/// A change leaves no deal. Whether one in doubt was carried out is seen by all that it named, and by nothing else: not by
/// another position's levels, and not by an order that is gone for another reason.
pub fn a_change_in_doubt_is_judged_by_all_it_named(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let end = rig.terminal.stat("server_ms") / 1000 + 3600;
    let place = |n: u64| {
        let fields = [
            ("action", "pending"),
            ("type", "buy_stop_limit"),
            ("price", "1.105"),
            ("stoplimit", "1.103"),
            ("ttype", "specified"),
            ("exp", &end.to_string()),
        ];
        done(&rig, "ORDER", &buy(&rig.terminal, cid(n), &fields))
    };
    let open = |n: u64, tp: &str| done(&rig, "ORDER", &buy(&rig.terminal, cid(n), &[("tp", tp)]));
    let (one, two) = (open(1, "1.12")?, open(2, "1.13")?);
    let (one, two) = (one.get("pos"), two.get("pos"));
    let order = place(3)?.get("order").to_owned();
    let levels = |fields: &str| ("SLTP", format!("ticket={one}\tident={one}\t{fields}"));
    let modify = |fields: &str| ("MODIFY", format!("ticket={order}\t{fields}"));
    let changes = [
        levels("sl=1.09\ttp=1.125"),
        levels("sl=1.095\ttp=1.125"),
        // The ticket has become another position's, which has this level already.
        ("SLTP", format!("ticket={two}\tident={one}\tsl=\ttp=1.13")),
        modify("price=1.106"),
        modify("stoplimit=1.102"),
        modify("sl=1.091"),
        modify("tp=1.12"),
        modify(&format!("exp={}", end + 60)),
        modify("ttype=day"),
        ("CANCEL", format!("ticket={order}")),
    ];
    let mut next = 10;
    for (kind, fields) in &changes {
        for (fault, carried_out) in [("unsent", false), ("lost", true)] {
            next += 1;
            rig.terminal.cmd(&format!("fault {fault} 10012"));
            let change = format!("{}\t{fields}", head(&rig.terminal, cid(next)));
            let wanted = if carried_out {
                [("stage", "done"), ("ok", "1"), ("retcode", "10009")]
            } else {
                [("stage", "sent"), ("ok", "0"), ("retcode", "-10")]
            };
            let case = |why: String| format!("{kind} {fields} {fault}: {why}");
            has(&res(&rig.peer, kind, &change)?, &[("stage", "sent")]).map_err(case)?;
            let again = res(&rig.peer, kind, &change)?;
            has(&again, &wanted).map_err(case)?;
            has(&again, &[("dup", "1")]).map_err(case)?;
        }
    }

    // Filled before the cancellation reached it: it was not cancelled.
    let order = place(4)?.get("order").to_owned();
    rig.terminal.cmd("fault unsent 10012");
    let cancel = format!("{}\tticket={order}", head(&rig.terminal, cid(5)));
    has(&res(&rig.peer, "CANCEL", &cancel)?, &[("stage", "sent")])?;
    rig.terminal.cmd(&format!("by_hand fill {order} 0.10"));
    has(
        &res(&rig.peer, "CANCEL", &cancel)?,
        &[("stage", "sent"), ("ok", "0"), ("retcode", "-10")],
    )
}

/// A switch that is turned off between the look at it and OrderSend: the terminal itself refuses, with a code or without
/// one, and nothing has left.
pub fn a_switch_turned_at_the_last_moment_leaves_no_doubt(variant: &Variant) -> Outcome {
    for (n, mute, retcode) in [(1, "off", "10027"), (2, "on", "-5")] {
        let rig = variant.rig();
        rig.terminal.cmd(&format!("quirk mute={mute}"));
        rig.terminal.cmd("hook OrderSend 1 algo off");
        let order = buy(&rig.terminal, cid(n), &[]);
        let refused = res(&rig.peer, "ORDER", &order)?;
        has(&refused, &[("ok", "0"), ("retcode", retcode)])?;
        ensure!(refused.get("stage") != "sent", "{}", refused.raw);
        rig.terminal.cmd("algo on");
        has(
            &res(&rig.peer, "ORDER", &order)?,
            &[("dup", "1"), ("retcode", retcode)],
        )?;
        ensure!(
            rig.terminal.deals_of(cid(n)).is_empty() && sends(&rig.terminal) == 1,
            "{}",
            rig.terminal.picture()
        );
    }
    Ok(())
}

/// The answer was lost days ago and the position is gone since: a repetition that is made today looks where the order was sent.
pub fn a_lost_answer_of_days_ago_is_found(variant: &Variant) -> Outcome {
    let options = variant
        .options()
        .setup("clock shift -259200")
        .setup("price EURUSD 1.10000 1.10010");
    let rig = Rig::start(variant.link, options);
    rig.terminal.cmd("fault lost 10012");
    let lost = res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    has(&lost, &[("stage", "sent"), ("ok", "0")])?;
    let ticket = rig.terminal.truth("positions")[0]["ticket"].clone();
    rig.terminal.cmd(&format!("by_hand close {ticket}"));
    rig.terminal.cmd("clock shift 0");
    has(
        &done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?,
        &[("dup", "1"), ("retcode", "10009"), ("vol", "0.1")],
    )?;
    ensure!(sends(&rig.terminal) == 1, "{} sends", sends(&rig.terminal));
    Ok(())
}

/// The answer was lost, and the deal was found: that is known from then on, whether or not the terminal can show it again, and
/// after a crash as well.
pub fn what_was_found_once_stays_known(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    rig.terminal.cmd("fault lost 10012");
    let order = buy(&rig.terminal, cid(1), &[]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("stage", "sent")])?;
    rig.terminal.sync();
    let found = done(&rig, "ORDER", &order)?;
    rig.terminal
        .cmd(&format!("by_hand close {}", found.get("pos")));
    for crash in [false, true] {
        if crash {
            rig.kill_and_restart();
        }
        rig.terminal.cmd("quirk history=off");
        has(
            &done(&rig, "ORDER", &order)?,
            &[
                ("dup", "1"),
                ("deal", found.get("deal")),
                ("vol", found.get("vol")),
                ("price", found.get("price")),
            ],
        )
        .map_err(|why| format!("crash {crash}: {why}"))?;
    }
    Ok(())
}
