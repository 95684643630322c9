//! What became of an order: what is claimed is proved.

use std::time::{Duration, Instant};

use super::{BRIEF, Outcome, Variant, ask, buy, cid, done, ensure, has, head, res, sends};
use crate::harness::Rig;
use crate::scripted::Line;

fn find(rig: &Rig, cid: u64) -> Result<Line, String> {
    let since = rig.terminal.stat("server_ms") - 60_000;
    ask(
        &rig.peer,
        "FIND",
        &format!("cid={cid}\tsince_ms={since}"),
        "FOUND",
    )
}

/// Open, closed by somebody, working, cancelled, refused: each place has its word.
pub fn it_says_where_an_order_is(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let at = find(&rig, cid(1))?;
    has(
        &at,
        &[
            ("where", "pos"),
            ("ticket", opened.get("pos")),
            ("deal", opened.get("deal")),
            ("vol", "0.1"),
            ("volcur", "0.1"),
            ("price", "1.1001"),
        ],
    )?;

    let part = done(
        &rig,
        "CLOSE",
        &format!(
            "{}\tticket={}\tident={}\tvol=0.04\tdev=\tfill=auto",
            head(&rig.terminal, cid(2)),
            opened.get("pos"),
            opened.get("pos")
        ),
    )?;
    has(
        &find(&rig, cid(2))?,
        &[
            ("where", "deal"),
            ("deal", part.get("deal")),
            ("vol", "0.04"),
            ("volcur", "0.06"),
        ],
    )?;

    rig.terminal
        .cmd(&format!("by_hand close {}", opened.get("pos")));
    let gone = find(&rig, cid(1))?;
    has(
        &gone,
        &[
            ("where", "deal"),
            ("deal", opened.get("deal")),
            ("vol", "0.1"),
            ("volcur", "0"),
            ("price", "1.1001"),
        ],
    )?;

    let pending = done(
        &rig,
        "ORDER",
        &buy(
            &rig.terminal,
            cid(3),
            &[
                ("action", "pending"),
                ("type", "buy_limit"),
                ("price", "1.09500"),
            ],
        ),
    )?;
    has(
        &find(&rig, cid(3))?,
        &[("where", "ord"), ("ticket", pending.get("order"))],
    )?;
    done(
        &rig,
        "CANCEL",
        &format!(
            "{}\tticket={}",
            head(&rig.terminal, cid(4)),
            pending.get("order")
        ),
    )?;
    has(
        &find(&rig, cid(3))?,
        &[("where", "hist"), ("state", "canceled"), ("deal", "0")],
    )?;
    has(
        &find(&rig, cid(4))?,
        &[("where", "done"), ("retcode", "10009")],
    )?;
    let other = done(&rig, "ORDER", &buy(&rig.terminal, cid(7), &[]))?;
    let levels = format!("ticket={}\tident=\tsl=1.08\ttp=", other.get("pos"));
    let levels = format!("{}\t{levels}", head(&rig.terminal, cid(8)));
    done(&rig, "SLTP", &levels)?;
    has(&find(&rig, cid(8))?, &[("where", "done")])?;

    has(
        &res(
            &rig.peer,
            "ORDER",
            &buy(&rig.terminal, cid(5), &[("sl", "")]),
        )?,
        &[("retcode", "-1")],
    )?;
    has(
        &find(&rig, cid(5))?,
        &[("where", "refused"), ("retcode", "-1")],
    )?;

    rig.terminal.cmd("fault unsent 10031");
    has(
        &res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(6), &[]))?,
        &[("stage", "sent")],
    )?;
    has(&find(&rig, cid(6))?, &[("where", "sent")])
}

/// "Nowhere" is a claim about a terminal that knows its broker: not right after a reconnection.
pub fn an_absence_needs_a_steady_connection(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let until = Instant::now() + 2 * BRIEF;
    while find(&rig, cid(1))?.get("sync") == "0" {
        ensure!(
            Instant::now() < until,
            "a terminal in peace never proves an absence"
        );
    }
    rig.terminal.cmd("broker off");
    has(&find(&rig, cid(1))?, &[("where", "none"), ("sync", "0")])?;
    rig.terminal.cmd("broker on");
    has(&find(&rig, cid(1))?, &[("where", "none"), ("sync", "0")])?;
    ensure!(rig.peer.gaps().is_empty(), "{:?}", rig.peer.gaps());
    Ok(())
}

/// The history shows an order as filled before it shows its deal: that the order was carried out is not denied meanwhile.
pub fn a_filled_order_is_not_denied(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    // One that the Expert Advisor remembers, and one of which its memory is lost.
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal
        .cmd(&format!("by_hand buy EURUSD 0.10 magic={}", cid(2)));
    for position in rig.terminal.truth("positions") {
        rig.terminal
            .cmd(&format!("by_hand close {}", position["ticket"]));
    }
    rig.terminal.cmd("hide_deals 60000");
    for n in [1, 2] {
        has(
            &find(&rig, cid(n))?,
            &[("where", "sent"), ("sync", "0"), ("state", "filled")],
        )?;
    }
    rig.terminal.cmd("hide_deals 0");
    for n in [1, 2] {
        has(&find(&rig, cid(n))?, &[("where", "deal"), ("vol", "0.1")])?;
    }
    Ok(())
}

/// The terminal's clock lies behind the broker's: a deal that is later than now is found all the same.
pub fn a_deal_of_the_future_is_found(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("clock shift 600");
    rig.terminal
        .cmd(&format!("by_hand buy EURUSD 0.10 magic={}", cid(1)));
    let ticket = rig.terminal.truth("positions")[0]["ticket"].clone();
    rig.terminal.cmd(&format!("by_hand close {ticket}"));
    rig.terminal.cmd("clock shift 0");
    has(&find(&rig, cid(1))?, &[("where", "deal"), ("vol", "0.1")])
}

/// The broker's clock lay behind when the deal was made: one that is earlier than the order itself is found, and not made twice.
pub fn a_deal_of_before_is_found(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("clock shift -3600");
    rig.terminal
        .cmd(&format!("by_hand buy EURUSD 0.10 magic={}", cid(1)));
    let ticket = rig.terminal.truth("positions")[0]["ticket"].clone();
    rig.terminal.cmd(&format!("by_hand close {ticket}"));
    rig.terminal.cmd("clock shift 0");
    has(&find(&rig, cid(1))?, &[("where", "deal"), ("vol", "0.1")])?;
    has(
        &done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?,
        &[("dup", "1")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "a second order was sent");
    Ok(())
}

/// The trade server was away between the two looks, however long ago: what it did meanwhile may not be shown yet.
pub fn an_absence_needs_a_connection_all_the_while(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let until = Instant::now() + 2 * BRIEF;
    while find(&rig, cid(1))?.get("sync") == "0" {
        ensure!(
            Instant::now() < until,
            "a terminal in peace never proves an absence"
        );
    }
    // From the first look on: away, back again, and then busy for longer than a new connection is distrusted.
    for (calls, what) in [(3, "broker off"), (12, "broker on"), (14, "stall 2500")] {
        rig.terminal.cmd(&format!(
            "hook HistorySelect 1 hook TerminalInfoInteger {calls} {what}"
        ));
    }
    has(&find(&rig, cid(1))?, &[("where", "none"), ("sync", "0")])
}

/// A history that changes between the two looks is still coming: it proves no absence.
pub fn a_history_that_grows_proves_no_absence(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let until = Instant::now() + 2 * BRIEF;
    while find(&rig, cid(1))?.get("sync") == "0" {
        ensure!(
            Instant::now() < until,
            "a terminal in peace never proves an absence"
        );
    }
    rig.terminal
        .cmd("hook HistorySelect 2 by_hand buy EURUSD 0.10");
    has(&find(&rig, cid(1))?, &[("where", "none"), ("sync", "0")])?;
    ensure!(
        rig.terminal.truth("deals").len() == 1,
        "nothing came between the two looks\n{}",
        rig.terminal.picture()
    );
    has(&find(&rig, cid(1))?, &[("where", "none"), ("sync", "1")])
}

/// The broker refused a change, or carried it out, and then the terminal died: both are known as they ended.
pub fn a_refused_change_is_refused_after_a_restart(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let limit = [
        ("action", "pending"),
        ("type", "buy_limit"),
        ("price", "1.09500"),
    ];
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let placed = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &limit))?;
    let (position, order) = (opened.get("pos"), placed.get("order"));
    let change = |n: u64, kind: &'static str, fields: String| {
        let fields = format!("{}\tticket={fields}", head(&rig.terminal, cid(n)));
        (n, kind, fields)
    };
    let levels = |sl: &str| format!("{position}\tident={position}\tsl={sl}\ttp=");
    let refused = [
        change(3, "SLTP", levels("1.08")),
        change(4, "MODIFY", format!("{order}\tprice=1.09400")),
        change(5, "CANCEL", order.to_owned()),
    ];
    let carried_out = change(6, "SLTP", levels("1.07"));
    for (_, kind, fields) in &refused {
        rig.terminal.cmd("fault reject 10006");
        has(
            &res(&rig.peer, kind, fields)?,
            &[("stage", "done"), ("ok", "0"), ("retcode", "10006")],
        )?;
    }
    done(&rig, carried_out.1, &carried_out.2)?;
    rig.kill_and_restart();
    for (n, kind, fields) in &refused {
        let case = |why: String| format!("{kind}: {why}");
        has(
            &find(&rig, cid(*n))?,
            &[("where", "refused"), ("retcode", "10006")],
        )
        .map_err(case)?;
        has(
            &res(&rig.peer, kind, fields)?,
            &[("ok", "0"), ("retcode", "10006"), ("dup", "1")],
        )
        .map_err(case)?;
    }
    has(&find(&rig, cid(6))?, &[("where", "done")])?;
    has(&done(&rig, carried_out.1, &carried_out.2)?, &[("dup", "1")])?;
    ensure!(sends(&rig.terminal) == 0, "{} sends", sends(&rig.terminal));
    Ok(())
}

/// A terminal that has just met its broker, by a reconnection or at its own start, has not heard everything yet: for two
/// seconds it proves no absence.
pub fn an_absence_is_not_proved_right_after_a_connection(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    for starts in [false, true] {
        if !starts {
            rig.terminal.cmd("broker off");
            // By then the Expert Advisor has seen it.
            has(&find(&rig, cid(1))?, &[("where", "none"), ("sync", "0")])?;
        }
        let began = Instant::now();
        if starts {
            rig.terminal.reload();
            rig.reconnect();
        } else {
            rig.terminal.cmd("broker on");
        }
        while find(&rig, cid(1))?.get("sync") == "0" {
            ensure!(
                began.elapsed() < 2 * BRIEF,
                "starts {starts}: it never proves an absence"
            );
        }
        let took = began.elapsed();
        ensure!(
            took >= Duration::from_secs(2),
            "starts {starts}: an absence is proved after {took:?}"
        );
    }
    Ok(())
}
