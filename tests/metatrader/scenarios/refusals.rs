//! What must not be sent is not sent, and the reason is told.

use super::{ACCOUNT, Outcome, Variant, buy, cid, done, ensure, has, head, res, sends, soon};
use crate::harness::Rig;

/// An order from an outage does not execute when the link is back, not even when it is repeated.
pub fn an_old_order_is_refused(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let made = (rig.terminal.stat("server_ms") - 20_000).to_string();
    let order = buy(
        &rig.terminal,
        cid(1),
        &[("made_ms", &made), ("ttl_ms", "5000")],
    );
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "-2"), ("stage", "refused")],
    )?;
    has(
        &res(
            &rig.peer,
            "ORDER",
            &buy(&rig.terminal, cid(2), &[("ttl_ms", "")]),
        )?,
        &[("retcode", "-1"), ("stage", "refused")],
    )?;
    let later = buy(&rig.terminal, cid(1), &[("ttl_ms", "5000")]);
    has(
        &res(&rig.peer, "ORDER", &later)?,
        &[("retcode", "-2"), ("dup", "1")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "an old order was sent");
    // A clock that was set makes every order look old; what closes is late at no time.
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(3), &[]))?;
    let ticket = opened.get("pos").to_owned();
    rig.terminal.cmd("clock shift 3600");
    let close = format!(
        "cid={}\tacct={ACCOUNT}\tttl_ms=10000\tmade_ms={made}\tticket={ticket}\tident={ticket}\tvol=\tdev=\tfill=auto",
        cid(4)
    );
    done(&rig, "CLOSE", &close)?;
    Ok(())
}

/// While one order is at the broker, another waits in the Expert Advisor beyond its life.
pub fn an_order_that_waited_is_refused(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("latency 1500000");
    let first = buy(&rig.terminal, cid(1), &[]);
    let second = buy(
        &rig.terminal,
        cid(2),
        &[("ttl_ms", "500"), ("made_ms", "0")],
    );
    rig.peer
        .send(&format!("ORDER\tid=901\t{first}\nORDER\tid=902\t{second}"));
    soon(&rig.peer, "RES of the first", |line| line.is("RES", 901))?;
    has(
        &soon(&rig.peer, "RES of the second", |line| line.is("RES", 902))?,
        &[("retcode", "-2"), ("stage", "refused")],
    )?;
    ensure!(
        sends(&rig.terminal) == 1,
        "the order that had waited too long was sent"
    );
    Ok(())
}

/// While one order is at the broker the computer's clock is set back: another that waited in the link beyond its life does not
/// get younger by it. Set forward, it makes no fresh order old.
pub fn a_clock_that_is_set_gives_no_second_life(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("latency 4500000");
    let first = rig.peer.request("ORDER", &buy(&rig.terminal, cid(1), &[]));
    soon(&rig.peer, "BUSY", |line| line.is("BUSY", first))?;
    let second = buy(&rig.terminal, cid(2), &[("ttl_ms", "500")]);
    let second = rig.peer.request("ORDER", &second);
    rig.terminal.cmd("clock shift -300");
    soon(&rig.peer, "RES of the first", |line| line.is("RES", first))?;
    has(
        &soon(&rig.peer, "RES of the second", |line| {
            line.is("RES", second)
        })?,
        &[("retcode", "-2"), ("stage", "refused")],
    )?;
    ensure!(
        sends(&rig.terminal) == 1,
        "the order that had waited too long was sent"
    );

    let rig = variant.rig();
    soon(&rig.peer, "TIME", |line| line.kind == "TIME")?;
    let fresh = buy(&rig.terminal, cid(1), &[]);
    rig.terminal.cmd("clock shift 3600");
    rig.terminal.cmd("price EURUSD 1.10000 1.10010");
    done(&rig, "ORDER", &fresh)?;
    Ok(())
}

pub fn an_order_for_another_account_is_refused(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[("acct", "999@Broker-Demo")]);
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "-4"), ("stage", "refused")],
    )?;
    ensure!(
        sends(&rig.terminal) == 0,
        "an order for another account was sent"
    );
    Ok(())
}

/// Market execution knows no deviation; the Expert Advisor keeps it.
pub fn the_price_may_not_run_away(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("price EURUSD 1.10020 1.10030");
    let order = buy(
        &rig.terminal,
        cid(1),
        &[("price", "1.10010"), ("dev", "19")],
    );
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "10020"), ("stage", "refused")],
    )?;
    ensure!(
        sends(&rig.terminal) == 0,
        "the order was sent at a price that had run away"
    );
    done(
        &rig,
        "ORDER",
        &buy(
            &rig.terminal,
            cid(2),
            &[("price", "1.10010"), ("dev", "20")],
        ),
    )?;
    // A better price is no deviation.
    done(
        &rig,
        "ORDER",
        &buy(&rig.terminal, cid(3), &[("price", "1.10100"), ("dev", "0")]),
    )?;
    Ok(())
}

pub fn no_stop_no_order(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    for (n, changes) in [
        &[("sl", "")][..],
        &[("sl", ""), ("nostop", "")],
        &[("sl", "0")],
        &[("sl", "1.10500")],
        &[("sl", "abc")],
        &[("type", "sell"), ("sl", "1.09000")],
        &[
            ("action", "pending"),
            ("type", "buy_limit"),
            ("price", "1.09000"),
            ("sl", "1.09500"),
        ],
    ]
    .iter()
    .enumerate()
    {
        let line = res(
            &rig.peer,
            "ORDER",
            &buy(&rig.terminal, cid(n as u64 + 1), changes),
        )?;
        has(&line, &[("retcode", "-1"), ("stage", "refused")])
            .map_err(|why| format!("{changes:?}: {why}"))?;
    }
    ensure!(
        sends(&rig.terminal) == 0,
        "an order without a valid stop was sent"
    );
    done(
        &rig,
        "ORDER",
        &buy(&rig.terminal, cid(20), &[("sl", ""), ("nostop", "1")]),
    )?;
    Ok(())
}

/// What OPEN may not do, MODIFY may not do either: an order that would fill without a stop needs the same word.
pub fn a_pending_order_keeps_its_stop(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let pending = [
        ("action", "pending"),
        ("type", "buy_limit"),
        ("price", "1.09500"),
    ];
    let placed = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &pending))?;
    let modify = |n: u64, fields: &str| {
        let head = head(&rig.terminal, cid(n));
        format!("{head}\tticket={}\t{fields}", placed.get("order"))
    };
    for (n, fields) in [
        "sl=0",
        "sl=0.0\tprice=1.09600",
        "sl=1.09550",
        "price=1.08900",
        "tp=1.09400",
    ]
    .iter()
    .enumerate()
    {
        has(
            &res(&rig.peer, "MODIFY", &modify(n as u64 + 2, fields))?,
            &[("retcode", "-1"), ("stage", "refused")],
        )
        .map_err(|why| format!("{fields}: {why}"))?;
    }
    ensure!(sends(&rig.terminal) == 1, "{} sends", sends(&rig.terminal));
    done(&rig, "MODIFY", &modify(20, "sl=0\tnostop=1"))?;
    // Placed or left without one by that word, it may be moved without saying it again.
    done(&rig, "MODIFY", &modify(21, "price=1.09400"))?;
    Ok(())
}

/// Each of the switches that forbid trading is told by its name, and nothing is sent.
pub fn a_forbidden_order_names_the_switch(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    for (n, (off, on, word)) in [
        ("algo off", "algo on", "Algo Trading button"),
        ("expert off", "expert on", "properties"),
        (
            "account 1001 trade=off",
            "account 1001 trade=on",
            "account to trade",
        ),
        (
            "account 1001 expert=off",
            "account 1001 expert=on",
            "Expert Advisors on this account",
        ),
        ("broker off", "broker on", "connection"),
    ]
    .into_iter()
    .enumerate()
    {
        rig.terminal.cmd(off);
        let line = res(
            &rig.peer,
            "ORDER",
            &buy(&rig.terminal, cid(n as u64 + 1), &[]),
        )?;
        has(&line, &[("retcode", "-5"), ("stage", "refused")])?;
        ensure!(
            line.get("comment").contains(word),
            "{off}: {}",
            line.get("comment")
        );
        rig.terminal.cmd(on);
    }
    ensure!(sends(&rig.terminal) == 0, "a forbidden order was sent");
    Ok(())
}

pub fn a_closed_or_silent_market_is_not_traded(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let minutes = rig.terminal.stat("server_ms") / 60_000;
    let today = (minutes / 1_440 + 4) % 7;
    let other = (today + 3) % 7;
    rig.terminal
        .cmd(&format!("symbol EURUSD tsess={other}:0:1440"));
    let closed = res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    has(&closed, &[("retcode", "10018"), ("stage", "refused")])?;
    // By the table of sessions, without asking a terminal that may not know better.
    ensure!(
        closed.get("comment").contains("market of EURUSD is closed"),
        "{}",
        closed.raw
    );
    rig.terminal
        .cmd(&format!("symbol EURUSD tsess={today}:0:1440"));
    let old = rig.terminal.stat("server_ms") - 120_000;
    rig.terminal.cmd(&format!("symbol EURUSD tick_ms={old}"));
    has(
        &res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(2), &[]))?,
        &[("retcode", "10021"), ("stage", "refused")],
    )?;
    ensure!(
        sends(&rig.terminal) == 0,
        "an order went into a closed or silent market"
    );
    rig.terminal.cmd("price EURUSD 1.10000 1.10010");
    done(&rig, "ORDER", &buy(&rig.terminal, cid(3), &[]))?;
    Ok(())
}

/// What the trader or another program opened is not closed, not changed, not cancelled.
pub fn a_strangers_position_is_not_touched(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("by_hand buy EURUSD 0.10 magic=77");
    rig.terminal
        .cmd("by_hand buy_limit EURUSD 0.10 price=1.05 magic=77");
    let ticket = rig.terminal.truth("positions")[0]["ticket"].clone();
    let close = format!(
        "{}\tticket={ticket}\tident=\tvol=\tdev=\tfill=auto",
        head(&rig.terminal, cid(1))
    );
    has(
        &res(&rig.peer, "CLOSE", &close)?,
        &[("retcode", "-1"), ("stage", "refused")],
    )?;
    let levels = format!(
        "{}\tticket={ticket}\tident=\tsl=1.05\ttp=",
        head(&rig.terminal, cid(2))
    );
    has(
        &res(&rig.peer, "SLTP", &levels)?,
        &[("retcode", "-1"), ("stage", "refused")],
    )?;
    let order = rig.terminal.truth("orders")[0]["ticket"].clone();
    for (n, kind, change) in [(3, "CANCEL", ""), (5, "MODIFY", "\tprice=1.06\tnostop=1")] {
        let head = head(&rig.terminal, cid(n));
        has(
            &res(&rig.peer, kind, &format!("{head}\tticket={order}{change}"))?,
            &[("retcode", "-1"), ("stage", "refused")],
        )?;
    }
    let id = rig.peer.request(
        "FLAT",
        &format!("{}\ton=1\treason=test", head(&rig.terminal, cid(4))),
    );
    let end = soon(&rig.peer, "END of FLAT", |line| line.is("END", id))?;
    has(&end, &[("n", "0"), ("left", "0")])?;
    ensure!(
        rig.terminal.truth("positions").len() == 1,
        "a stranger's position was closed"
    );
    ensure!(
        sends(&rig.terminal) == 0,
        "something was sent about a stranger's position"
    );
    Ok(())
}

/// CHECK asks the broker's rules and leaves nothing behind: not even in the memory of client ids.
pub fn a_check_sends_nothing(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[]);
    let check = res(&rig.peer, "CHECK", &order)?;
    has(&check, &[("ok", "1"), ("stage", "done"), ("retcode", "0")])?;
    ensure!(check.get("margin") == "110.01", "{}", check.raw);
    let much = res(
        &rig.peer,
        "CHECK",
        &buy(&rig.terminal, cid(1), &[("vol", "50")]),
    )?;
    has(
        &much,
        &[("ok", "0"), ("stage", "refused"), ("retcode", "10019")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "a CHECK was sent");
    has(&done(&rig, "ORDER", &order)?, &[("dup", "0")])
}

/// A computer whose clock is five minutes fast makes every price look old; it is the clock that is wrong. A price that is old
/// by the quotes' own time is still refused.
pub fn a_wrong_clock_makes_no_price_old(variant: &Variant) -> Outcome {
    let options = variant
        .options()
        .setup("clock shift -300")
        .setup("price EURUSD 1.10000 1.10010")
        .setup("clock shift 0");
    let rig = Rig::start(variant.link, options);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let old = rig.terminal.stat("server_ms") - 300_000 - 90_000;
    rig.terminal.cmd(&format!("symbol EURUSD tick_ms={old}"));
    let line = res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(2), &[]))?;
    has(&line, &[("retcode", "10021"), ("stage", "refused")])
}

/// An id that is none of ours would make a position that nobody finds again.
pub fn a_strange_client_id_is_refused(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    for strange in [
        "5",
        "-5",
        "0",
        "9223372036854775807",
        "9223372036854775808",
        "5044039279236349953x",
    ] {
        let order = buy(&rig.terminal, cid(1), &[("cid", strange)]);
        let refused = res(&rig.peer, "ORDER", &order)?;
        has(&refused, &[("retcode", "-1"), ("stage", "refused")])?;
        ensure!(refused.get("comment").contains(strange), "{}", refused.raw);
    }
    ensure!(sends(&rig.terminal) == 0, "{} sends", sends(&rig.terminal));
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    Ok(())
}

/// Where the broker takes a deviation, it gets what is left of the order's: what the price moved on the way to the terminal and
/// what it moves on the way to the broker are one limit.
pub fn the_deviation_is_given_once(variant: &Variant) -> Outcome {
    const INSTANT: u8 = 1;
    let rig = variant.rig();
    rig.terminal.cmd(&format!("symbol EURUSD exe={INSTANT}"));
    let limits = [("price", "1.10010"), ("dev", "20")];
    for (n, moved, executed) in [(1, 25, false), (2, 19, true)] {
        rig.terminal.cmd("price EURUSD 1.10015 1.10025");
        rig.terminal.cmd(&format!(
            "hook OrderSend.broker 1 price EURUSD 1.100{} 1.100{}",
            moved,
            moved + 10
        ));
        let line = res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(n), &limits))?;
        has(
            &line,
            &[if executed {
                ("retcode", "10009")
            } else {
                ("retcode", "10004")
            }],
        )?;
        ensure!(
            rig.terminal.deals_of(cid(n)).len() == usize::from(executed),
            "moved by {moved} points: {}",
            rig.terminal.picture()
        );
    }
    Ok(())
}

/// A number that 64 bits do not hold is damage: neither cut to what fits nor taken for the greatest.
pub fn a_number_too_long_is_no_number(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let refused = [("retcode", "-1"), ("stage", "refused")];
    let order = buy(&rig.terminal, cid(1), &[("dev", "9223372036854775808")]);
    has(&res(&rig.peer, "ORDER", &order)?, &refused)?;
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &[]))?;
    let ticket: u128 = opened.get("pos").parse().map_err(|_| opened.raw.clone())?;
    for (n, long) in [1_u128 << 63, (1 << 63) + ticket, (1 << 64) + ticket]
        .into_iter()
        .enumerate()
    {
        let head = head(&rig.terminal, cid(n as u64 + 3));
        let close = format!("{head}\tticket={long}\tident=\tvol=\tdev=\tfill=auto");
        has(&res(&rig.peer, "CLOSE", &close)?, &refused)
            .map_err(|why| format!("ticket {long}: {why}"))?;
    }
    ensure!(sends(&rig.terminal) == 1, "{} sends", sends(&rig.terminal));
    Ok(())
}
