//! An order is sent as it was asked for, or not at all.

use super::{Outcome, Variant, buy, cid, done, ensure, has, head, res, sends, soon};
use crate::emulated::Row;
use crate::harness::Rig;

fn position(rig: &Rig, cid: u64) -> Result<Row, String> {
    rig.terminal
        .truth("positions")
        .into_iter()
        .find(|row| row["magic"] == cid.to_string())
        .ok_or_else(|| format!("no position of {cid}\n{}", rig.terminal.picture()))
}

fn number(row: &Row, key: &str) -> f64 {
    row[key].parse().unwrap_or(f64::NAN)
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

/// Magic, volume, levels and comment reach the broker whole.
pub fn the_order_is_what_was_asked(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let order = buy(&rig.terminal, cid(0x12_3456_789A), &[("vol", "0.37"), ("sl", "1.09010"), ("tp", "1.12345"), ("tag", "breakout")]);
    done(&rig, "ORDER", &order)?;
    let is = position(&rig, cid(0x12_3456_789A))?;
    for (key, wanted) in [("vol", 0.37), ("sl", 1.0901), ("tp", 1.12345), ("open", 1.1001)] {
        ensure!(near(number(&is, key), wanted), "{key} is {}", is[key]);
    }
    ensure!(is["comment"] == "FX:4C0E14HMPF4T breakout" || is["comment"].starts_with("FX:"), "{}", is["comment"]);
    ensure!(is["comment"].ends_with(" breakout"), "{}", is["comment"]);
    let sell = buy(&rig.terminal, cid(2), &[("type", "sell"), ("sl", "1.11000"), ("tp", "1.05")]);
    done(&rig, "ORDER", &sell)?;
    let is = position(&rig, cid(2))?;
    ensure!(is["type"] == "1" && near(number(&is, "sl"), 1.11) && near(number(&is, "open"), 1.1), "{is:?}");
    let pending = buy(&rig.terminal, cid(3), &[("action", "pending"), ("type", "sell_stop"), ("price", "1.09000"), ("sl", "1.09500"), ("tp", "1.05")]);
    done(&rig, "ORDER", &pending)?;
    let orders = rig.terminal.truth("orders");
    ensure!(orders.len() == 1 && orders[0]["magic"] == cid(3).to_string() && near(number(&orders[0], "price"), 1.09) && near(number(&orders[0], "sl"), 1.095), "{orders:?}");
    Ok(())
}

/// `auto` follows the symbol's mask, a named filling is obeyed.
pub fn the_filling_is_the_brokers(variant: &Variant) -> Outcome {
    const MARKET: u8 = 2;
    const INSTANT: u8 = 1;
    for (mask, execution, wanted) in [(1, MARKET, "0"), (2, MARKET, "1"), (3, MARKET, "0"), (0, INSTANT, "2")] {
        let rig = variant.rig();
        rig.terminal.cmd(&format!("symbol EURUSD fill={mask} exe={execution}"));
        done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        let history = rig.terminal.truth("history");
        ensure!(history.len() == 1 && history[0]["fill"] == wanted, "mask {mask}: {history:?}");
    }
    let rig = variant.rig();
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[("fill", "ioc")]))?;
    ensure!(rig.terminal.truth("history")[0]["fill"] == "1", "{}", rig.terminal.picture());
    rig.terminal.cmd("symbol EURUSD fill=1");
    has(&res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(2), &[("fill", "ioc")]))?, &[("retcode", "10030"), ("ok", "0")])
}

/// An order from an outage does not execute when the link is back, not even when it is repeated.
pub fn an_old_order_is_refused(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let made = (rig.terminal.stat("server_ms") - 20_000).to_string();
    let order = buy(&rig.terminal, cid(1), &[("made_ms", &made), ("ttl_ms", "5000")]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "-2"), ("stage", "refused")])?;
    has(&res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(2), &[("ttl_ms", "")]))?, &[("retcode", "-1"), ("stage", "refused")])?;
    let later = buy(&rig.terminal, cid(1), &[("ttl_ms", "5000")]);
    has(&res(&rig.peer, "ORDER", &later)?, &[("retcode", "-2"), ("dup", "1")])?;
    ensure!(sends(&rig.terminal) == 0, "an old order was sent");
    Ok(())
}

/// While one order is at the broker, another waits in the Expert Advisor beyond its life.
pub fn an_order_that_waited_is_refused(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("latency 1500000");
    let first = buy(&rig.terminal, cid(1), &[]);
    let second = buy(&rig.terminal, cid(2), &[("ttl_ms", "500"), ("made_ms", "0")]);
    rig.peer.send(&format!("ORDER\tid=901\t{first}\nORDER\tid=902\t{second}"));
    soon(&rig.peer, "RES of the first", |line| line.is("RES", 901))?;
    has(&soon(&rig.peer, "RES of the second", |line| line.is("RES", 902))?, &[("retcode", "-2"), ("stage", "refused")])?;
    ensure!(sends(&rig.terminal) == 1, "the order that had waited too long was sent");
    Ok(())
}

pub fn an_order_for_another_account_is_refused(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[("acct", "999@Broker-Demo")]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "-4"), ("stage", "refused")])?;
    ensure!(sends(&rig.terminal) == 0, "an order for another account was sent");
    Ok(())
}

/// Market execution knows no deviation; the Expert Advisor keeps it.
pub fn the_price_may_not_run_away(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("price EURUSD 1.10020 1.10030");
    let order = buy(&rig.terminal, cid(1), &[("price", "1.10010"), ("dev", "19")]);
    has(&res(&rig.peer, "ORDER", &order)?, &[("retcode", "10020"), ("stage", "refused")])?;
    ensure!(sends(&rig.terminal) == 0, "the order was sent at a price that had run away");
    done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &[("price", "1.10010"), ("dev", "20")]))?;
    // A better price is no deviation.
    done(&rig, "ORDER", &buy(&rig.terminal, cid(3), &[("price", "1.10100"), ("dev", "0")]))?;
    Ok(())
}

pub fn no_stop_no_order(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    for (n, changes) in [
        &[("sl", "")][..],
        &[("sl", "0")],
        &[("sl", "1.10500")],
        &[("sl", "abc")],
        &[("type", "sell"), ("sl", "1.09000")],
        &[("action", "pending"), ("type", "buy_limit"), ("price", "1.09000"), ("sl", "1.09500")],
    ]
    .iter()
    .enumerate()
    {
        let line = res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(n as u64 + 1), changes))?;
        has(&line, &[("retcode", "-1"), ("stage", "refused")]).map_err(|why| format!("{changes:?}: {why}"))?;
    }
    ensure!(sends(&rig.terminal) == 0, "an order without a valid stop was sent");
    done(&rig, "ORDER", &buy(&rig.terminal, cid(20), &[("sl", ""), ("nostop", "1")]))?;
    Ok(())
}

pub fn a_part_is_closed(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let ticket = opened.get("pos");
    let close = |n: u64, vol: &str| format!("{}\tticket={ticket}\tident={ticket}\tvol={vol}\tdev=\tfill=auto", head(&rig.terminal, cid(n)));
    let part = done(&rig, "CLOSE", &close(2, "0.04"))?;
    has(&part, &[("vol", "0.04"), ("pos", ticket)])?;
    ensure!(near(number(&position(&rig, cid(1))?, "vol"), 0.06), "{}", rig.terminal.picture());
    ensure!(rig.terminal.deals_of(cid(2)).len() == 1, "the closing deal does not carry its own client id\n{}", rig.terminal.picture());
    has(&res(&rig.peer, "CLOSE", &close(3, "0.07"))?, &[("retcode", "10038"), ("stage", "refused")])?;
    has(&done(&rig, "CLOSE", &close(4, ""))?, &[("vol", "0.06")])?;
    ensure!(rig.terminal.truth("positions").is_empty(), "{}", rig.terminal.picture());
    has(&res(&rig.peer, "CLOSE", &close(5, ""))?, &[("retcode", "10036"), ("stage", "refused")])
}

/// Each of the switches that forbid trading is told by its name, and nothing is sent.
pub fn a_forbidden_order_names_the_switch(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    for (n, (off, on, word)) in [
        ("algo off", "algo on", "Algo Trading button"),
        ("expert off", "expert on", "properties"),
        ("account 1001 trade=off", "account 1001 trade=on", "account to trade"),
        ("account 1001 expert=off", "account 1001 expert=on", "Expert Advisors on this account"),
        ("broker off", "broker on", "connection"),
    ]
    .into_iter()
    .enumerate()
    {
        rig.terminal.cmd(off);
        let line = res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(n as u64 + 1), &[]))?;
        has(&line, &[("retcode", "-5"), ("stage", "refused")])?;
        ensure!(line.get("comment").contains(word), "{off}: {}", line.get("comment"));
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
    rig.terminal.cmd(&format!("symbol EURUSD tsess={other}:0:1440"));
    has(&res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(1), &[]))?, &[("retcode", "10018"), ("stage", "refused")])?;
    rig.terminal.cmd(&format!("symbol EURUSD tsess={today}:0:1440"));
    let old = rig.terminal.stat("server_ms") - 120_000;
    rig.terminal.cmd(&format!("symbol EURUSD tick_ms={old}"));
    has(&res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(2), &[]))?, &[("retcode", "10021"), ("stage", "refused")])?;
    ensure!(sends(&rig.terminal) == 0, "an order went into a closed or silent market");
    rig.terminal.cmd("price EURUSD 1.10000 1.10010");
    done(&rig, "ORDER", &buy(&rig.terminal, cid(3), &[]))?;
    Ok(())
}

/// OrderSend blocks the Expert Advisor: the executor knows it before.
pub fn busy_is_said_before_sending(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("latency 700000");
    let id = rig.peer.request("ORDER", &buy(&rig.terminal, cid(1), &[]));
    let busy = soon(&rig.peer, "BUSY", |line| line.is("BUSY", id))?;
    has(&busy, &[("cid", &cid(1).to_string())])?;
    ensure!(rig.terminal.deals_of(cid(1)).is_empty(), "BUSY came after the deal");
    soon(&rig.peer, "RES", |line| line.is("RES", id))?;
    Ok(())
}

/// SLTP and MODIFY change what they name and leave the rest.
pub fn levels_are_kept_unless_named(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[("tp", "1.12")]))?;
    let ticket = opened.get("pos");
    done(&rig, "SLTP", &format!("{}\tticket={ticket}\tident={ticket}\tsl=1.09500\ttp=", head(&rig.terminal, cid(2))))?;
    let is = position(&rig, cid(1))?;
    ensure!(near(number(&is, "sl"), 1.095) && near(number(&is, "tp"), 1.12), "{is:?}");
    done(&rig, "SLTP", &format!("{}\tticket={ticket}\tident={ticket}\tsl=\ttp=0", head(&rig.terminal, cid(3))))?;
    let is = position(&rig, cid(1))?;
    ensure!(near(number(&is, "sl"), 1.095) && near(number(&is, "tp"), 0.0), "{is:?}");
    let pending = done(&rig, "ORDER", &buy(&rig.terminal, cid(4), &[("action", "pending"), ("type", "buy_limit"), ("price", "1.09500")]))?;
    let order = pending.get("order");
    done(&rig, "MODIFY", &format!("{}\tticket={order}\tprice=1.09600\tstoplimit=\tsl=\ttp=\tttype=\texp=", head(&rig.terminal, cid(5))))?;
    let orders = rig.terminal.truth("orders");
    ensure!(orders.len() == 1 && near(number(&orders[0], "price"), 1.096) && near(number(&orders[0], "sl"), 1.09), "{orders:?}");
    Ok(())
}

/// What the trader or another program opened is not closed, not changed, not cancelled.
pub fn a_strangers_position_is_not_touched(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("by_hand buy EURUSD 0.10 magic=77");
    rig.terminal.cmd("by_hand buy_limit EURUSD 0.10 price=1.05 magic=77");
    let ticket = rig.terminal.truth("positions")[0]["ticket"].clone();
    let close = format!("{}\tticket={ticket}\tident=\tvol=\tdev=\tfill=auto", head(&rig.terminal, cid(1)));
    has(&res(&rig.peer, "CLOSE", &close)?, &[("retcode", "-1"), ("stage", "refused")])?;
    let levels = format!("{}\tticket={ticket}\tident=\tsl=1.05\ttp=", head(&rig.terminal, cid(2)));
    has(&res(&rig.peer, "SLTP", &levels)?, &[("retcode", "-1"), ("stage", "refused")])?;
    if let Some(order) = rig.terminal.truth("orders").first() {
        let cancel = format!("{}\tticket={}", head(&rig.terminal, cid(3)), order["ticket"]);
        has(&res(&rig.peer, "CANCEL", &cancel)?, &[("retcode", "-1"), ("stage", "refused")])?;
    }
    let id = rig.peer.request("FLAT", &format!("{}\ton=1\treason=test", head(&rig.terminal, cid(4))));
    let end = soon(&rig.peer, "END of FLAT", |line| line.is("END", id))?;
    has(&end, &[("n", "0"), ("left", "0")])?;
    ensure!(rig.terminal.truth("positions").len() == 1, "a stranger's position was closed");
    ensure!(sends(&rig.terminal) == 0, "something was sent about a stranger's position");
    Ok(())
}
