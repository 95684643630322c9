//! An order is sent as it was asked for, or not at all.

use super::{Outcome, Variant, buy, cid, done, ensure, has, head, res, soon};
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
    let order = buy(
        &rig.terminal,
        cid(0x12_3456_789A),
        &[
            ("vol", "0.37"),
            ("sl", "1.09010"),
            ("tp", "1.12345"),
            ("tag", "breakout"),
        ],
    );
    done(&rig, "ORDER", &order)?;
    let is = position(&rig, cid(0x12_3456_789A))?;
    for (key, wanted) in [
        ("vol", 0.37),
        ("sl", 1.0901),
        ("tp", 1.12345),
        ("open", 1.1001),
    ] {
        ensure!(near(number(&is, key), wanted), "{key} is {}", is[key]);
    }
    ensure!(
        is["comment"] == "FX:4C00728T5CY4T breakout",
        "{}",
        is["comment"]
    );
    let sell = buy(
        &rig.terminal,
        cid(2),
        &[("type", "sell"), ("sl", "1.11000"), ("tp", "1.05")],
    );
    done(&rig, "ORDER", &sell)?;
    let is = position(&rig, cid(2))?;
    ensure!(
        is["type"] == "1" && near(number(&is, "sl"), 1.11) && near(number(&is, "open"), 1.1),
        "{is:?}"
    );
    let pending = buy(
        &rig.terminal,
        cid(3),
        &[
            ("action", "pending"),
            ("type", "sell_stop"),
            ("price", "1.09000"),
            ("sl", "1.09500"),
            ("tp", "1.05"),
        ],
    );
    done(&rig, "ORDER", &pending)?;
    let orders = rig.terminal.truth("orders");
    ensure!(
        orders.len() == 1
            && orders[0]["magic"] == cid(3).to_string()
            && orders[0]["fill"] == "2"
            && near(number(&orders[0], "price"), 1.09)
            && near(number(&orders[0], "sl"), 1.095),
        "{orders:?}"
    );
    Ok(())
}

/// `auto` follows the symbol's mask, a named filling is obeyed.
pub fn the_filling_is_the_brokers(variant: &Variant) -> Outcome {
    const MARKET: u8 = 2;
    const INSTANT: u8 = 1;
    for (mask, execution, wanted) in [
        (1, MARKET, "0"),
        (2, MARKET, "1"),
        (3, MARKET, "0"),
        (0, INSTANT, "2"),
    ] {
        let rig = variant.rig();
        rig.terminal
            .cmd(&format!("symbol EURUSD fill={mask} exe={execution}"));
        done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        let history = rig.terminal.truth("history");
        ensure!(
            history.len() == 1 && history[0]["fill"] == wanted,
            "mask {mask}: {history:?}"
        );
    }
    let rig = variant.rig();
    done(
        &rig,
        "ORDER",
        &buy(&rig.terminal, cid(1), &[("fill", "ioc")]),
    )?;
    ensure!(
        rig.terminal.truth("history")[0]["fill"] == "1",
        "{}",
        rig.terminal.picture()
    );
    rig.terminal.cmd("symbol EURUSD fill=1");
    has(
        &res(
            &rig.peer,
            "ORDER",
            &buy(&rig.terminal, cid(2), &[("fill", "ioc")]),
        )?,
        &[("retcode", "10030"), ("ok", "0")],
    )
}

pub fn a_part_is_closed(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let ticket = opened.get("pos");
    let close = |n: u64, vol: &str| {
        format!(
            "{}\tticket={ticket}\tident={ticket}\tvol={vol}\tdev=\tfill=auto",
            head(&rig.terminal, cid(n))
        )
    };
    let part = done(&rig, "CLOSE", &close(2, "0.04"))?;
    has(&part, &[("vol", "0.04"), ("pos", ticket)])?;
    ensure!(
        near(number(&position(&rig, cid(1))?, "vol"), 0.06),
        "{}",
        rig.terminal.picture()
    );
    ensure!(
        rig.terminal.deals_of(cid(2)).len() == 1,
        "the closing deal does not carry its own client id\n{}",
        rig.terminal.picture()
    );
    has(
        &res(&rig.peer, "CLOSE", &close(3, "0.07"))?,
        &[("retcode", "10038"), ("stage", "refused")],
    )?;
    has(&done(&rig, "CLOSE", &close(4, ""))?, &[("vol", "0.06")])?;
    ensure!(
        rig.terminal.truth("positions").is_empty(),
        "{}",
        rig.terminal.picture()
    );
    has(
        &res(&rig.peer, "CLOSE", &close(5, ""))?,
        &[("retcode", "10036"), ("stage", "refused")],
    )
}

/// OrderSend blocks the Expert Advisor: the executor knows it before.
pub fn busy_is_said_before_sending(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("latency 700000");
    let id = rig.peer.request("ORDER", &buy(&rig.terminal, cid(1), &[]));
    let busy = soon(&rig.peer, "BUSY", |line| line.is("BUSY", id))?;
    has(&busy, &[("cid", &cid(1).to_string())])?;
    ensure!(
        rig.terminal.deals_of(cid(1)).is_empty(),
        "BUSY came after the deal"
    );
    soon(&rig.peer, "RES", |line| line.is("RES", id))?;
    Ok(())
}

/// SLTP and MODIFY change what they name and leave the rest.
pub fn levels_are_kept_unless_named(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let opened = done(
        &rig,
        "ORDER",
        &buy(&rig.terminal, cid(1), &[("tp", "1.12")]),
    )?;
    let ticket = opened.get("pos");
    done(
        &rig,
        "SLTP",
        &format!(
            "{}\tticket={ticket}\tident={ticket}\tsl=1.09500\ttp=",
            head(&rig.terminal, cid(2))
        ),
    )?;
    let is = position(&rig, cid(1))?;
    ensure!(
        near(number(&is, "sl"), 1.095) && near(number(&is, "tp"), 1.12),
        "{is:?}"
    );
    done(
        &rig,
        "SLTP",
        &format!(
            "{}\tticket={ticket}\tident={ticket}\tsl=\ttp=0",
            head(&rig.terminal, cid(3))
        ),
    )?;
    let is = position(&rig, cid(1))?;
    ensure!(
        near(number(&is, "sl"), 1.095) && near(number(&is, "tp"), 0.0),
        "{is:?}"
    );
    let pending = done(
        &rig,
        "ORDER",
        &buy(
            &rig.terminal,
            cid(4),
            &[
                ("action", "pending"),
                ("type", "buy_limit"),
                ("price", "1.09500"),
            ],
        ),
    )?;
    let order = pending.get("order");
    done(
        &rig,
        "MODIFY",
        &format!(
            "{}\tticket={order}\tprice=1.09600\tstoplimit=\tsl=\ttp=\tttype=\texp=",
            head(&rig.terminal, cid(5))
        ),
    )?;
    let orders = rig.terminal.truth("orders");
    ensure!(
        orders.len() == 1
            && near(number(&orders[0], "price"), 1.096)
            && near(number(&orders[0], "sl"), 1.09),
        "{orders:?}"
    );
    Ok(())
}

/// On a netting account orders add up in one position; each keeps its own deal and is found by it.
pub fn netting_adds_up(variant: &Variant) -> Outcome {
    let rig = Rig::start(
        variant.link,
        variant.options().setup("account 1001 margin_mode=netting"),
    );
    ensure!(
        rig.peer.hello().get("margin") == "netting",
        "{}",
        rig.peer.hello().raw
    );
    let first = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let second = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &[]))?;
    ensure!(
        second.get("pos") == first.get("pos") && first.get("pos") != "0",
        "{} and {}",
        first.raw,
        second.raw
    );
    let again = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &[]))?;
    has(&again, &[("dup", "1"), ("deal", second.get("deal"))])?;
    let positions = rig.terminal.truth("positions");
    ensure!(
        positions.len() == 1 && near(number(&positions[0], "vol"), 0.2),
        "{positions:?}"
    );
    let ticket = first.get("pos");
    let close = format!(
        "{}\tticket={ticket}\tident={ticket}\tvol=\tdev=\tfill=auto",
        head(&rig.terminal, cid(3))
    );
    has(&done(&rig, "CLOSE", &close)?, &[("vol", "0.2")])?;
    ensure!(
        rig.terminal.truth("positions").is_empty(),
        "{}",
        rig.terminal.picture()
    );
    Ok(())
}

/// Market, instant, exchange and request execution, with the fillings that each symbol allows.
pub fn each_execution_mode_is_traded(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    for (n, symbol) in ["EURUSD", "USDJPY", "XAUUSD.r", "DE40", "AUDUSD"]
        .into_iter()
        .enumerate()
    {
        let changes = [("sym", symbol), ("vol", "1"), ("sl", ""), ("nostop", "1")];
        let order = buy(&rig.terminal, cid(n as u64 + 1), &changes);
        done(&rig, "ORDER", &order).map_err(|why| format!("{symbol}: {why}"))?;
        let is = position(&rig, cid(n as u64 + 1))?;
        ensure!(
            is["sym"] == symbol && near(number(&is, "vol"), 1.0),
            "{is:?}"
        );
        let ticket = &is["ticket"];
        let close = format!(
            "{}\tticket={ticket}\tident={ticket}\tvol=\tdev=\tfill=auto",
            head(&rig.terminal, cid(n as u64 + 100))
        );
        done(&rig, "CLOSE", &close).map_err(|why| format!("{symbol}: {why}"))?;
    }
    Ok(())
}

/// A position is what its identifier says: a swap may have given it another ticket, and a ticket may have become another's.
pub fn the_identifier_names_the_position(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let first = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let second = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &[]))?;
    let sltp = |n: u64, ticket: &str, ident: &str, sl: &str| {
        format!(
            "{}\tticket={ticket}\tident={ident}\tsl={sl}\ttp=",
            head(&rig.terminal, cid(n))
        )
    };
    let stops = |one: f64, two: f64| {
        let is = [position(&rig, cid(1))?, position(&rig, cid(2))?];
        ensure!(
            near(number(&is[0], "sl"), one) && near(number(&is[1], "sl"), two),
            "not {one} and {two}: {is:?}"
        );
        Ok(())
    };
    let (one, two) = (first.get("pos"), second.get("pos"));
    done(&rig, "SLTP", &sltp(3, one, two, "1.09100"))?;
    stops(1.09, 1.091)?;
    rig.terminal.cmd(&format!("by_hand reopen {two}"));
    done(&rig, "SLTP", &sltp(4, two, two, "1.09200"))?;
    stops(1.09, 1.092)?;
    // Nothing has this identifier any more.
    has(
        &res(&rig.peer, "SLTP", &sltp(5, one, "1", "1.09300"))?,
        &[("retcode", "10036"), ("stage", "refused")],
    )?;
    stops(1.09, 1.092)
}

/// The rest of a partial fill is cancelled before the answer comes, and what was filled until then is all in it.
pub fn the_answer_leaves_no_rest(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let fields = [
        ("sym", "DE40"),
        ("vol", "1"),
        ("sl", ""),
        ("nostop", "1"),
        ("fill", "return"),
    ];
    let other = rig.terminal.cmd("by_hand buy EURUSD 0.10");
    let ours = other.parse::<u64>().map_err(|_| other)? + 1;
    rig.terminal.cmd("fault partial 10010 0.5");
    rig.terminal
        .cmd(&format!("hook OrderSend 2 by_hand fill {ours} 0.2"));
    let line = res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(1), &fields))?;
    has(
        &line,
        &[("ok", "1"), ("order", &ours.to_string()), ("vol", "0.7")],
    )?;
    ensure!(
        rig.terminal.truth("orders").is_empty()
            && near(number(&position(&rig, cid(1))?, "vol"), 0.7),
        "{}",
        rig.terminal.picture()
    );
    Ok(())
}

/// Two positions of ours close each other; one of ours and a stranger's never do.
pub fn a_position_closes_another_of_ours(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let first = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let sell = [("type", "sell"), ("sl", "1.11000"), ("vol", "0.04")];
    let second = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &sell))?;
    rig.terminal.cmd("by_hand sell EURUSD 0.10 magic=77");
    let strangers = rig.terminal.truth("positions");
    let strangers = strangers
        .iter()
        .find(|position| position["magic"] == "77")
        .ok_or("there is no stranger")?;
    let close_by = |id: u64, by: &str| {
        let head = head(&rig.terminal, cid(id));
        format!("{head}\tticket={}\tident=\tby={by}", first.get("pos"))
    };
    let refused = res(&rig.peer, "CLOSEBY", &close_by(3, &strangers["ticket"]))?;
    has(&refused, &[("retcode", "-1"), ("stage", "refused")])?;
    let (ticket, by) = (&strangers["ticket"], first.get("pos"));
    let turned = format!("{}\tticket={ticket}\tby={by}", head(&rig.terminal, cid(5)));
    let refused = res(&rig.peer, "CLOSEBY", &turned)?;
    has(&refused, &[("retcode", "-1"), ("stage", "refused")])?;
    done(&rig, "CLOSEBY", &close_by(4, second.get("pos")))?;
    let left = rig.terminal.truth("positions");
    let volumes: Vec<&str> = left.iter().map(|one| one["vol"].as_str()).collect();
    ensure!(
        volumes == ["0.06", "0.1"] || volumes == ["0.06", "0.10"],
        "{volumes:?}: {}",
        rig.terminal.picture()
    );
    Ok(())
}

/// A stop-limit order opens at its limit, and that is what its stops are measured against. Price, limit and end reach the
/// broker, and a change that does not name them keeps them.
pub fn a_pending_order_keeps_its_limit_and_its_end(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let end = (rig.terminal.stat("server_ms") / 1000 + 3600).to_string();
    for (n, kind, price, limit, wrong, sl, tp, later) in [
        (
            1,
            "buy_stop_limit",
            "1.105",
            "1.103",
            "1.104",
            "1.1",
            "1.104",
            "1.106",
        ),
        (
            4,
            "sell_stop_limit",
            "1.095",
            "1.097",
            "1.096",
            "1.1",
            "1.096",
            "1.094",
        ),
    ] {
        let order = |n: u64, sl: &str| {
            let fields = [
                ("action", "pending"),
                ("type", kind),
                ("price", price),
                ("stoplimit", limit),
                ("sl", sl),
                ("tp", tp),
                ("ttype", "specified"),
                ("exp", &end),
            ];
            buy(&rig.terminal, cid(n), &fields)
        };
        has(
            &res(&rig.peer, "ORDER", &order(n, wrong))?,
            &[("retcode", "-1"), ("stage", "refused")],
        )?;
        let placed = done(&rig, "ORDER", &order(n + 1, sl))?;
        let is_placed = |price: &str| {
            let orders = rig.terminal.truth("orders");
            let is = orders
                .iter()
                .find(|row| row["ticket"] == placed.get("order"));
            let wanted = [
                ("price", price),
                ("stoplimit", limit),
                ("sl", sl),
                ("tp", tp),
            ];
            ensure!(
                is.is_some_and(|is| is["exp"] == end
                    && is["ttype"] == "2"
                    && wanted
                        .iter()
                        .all(|(key, value)| near(number(is, key), value.parse().unwrap_or(0.0)))),
                "not {wanted:?} until {end}: {is:?}"
            );
            Ok(())
        };
        is_placed(price)?;
        let change = format!(
            "{}\tticket={}\tprice={later}\tstoplimit=\tsl=\ttp=\tttype=\texp=",
            head(&rig.terminal, cid(n + 2)),
            placed.get("order")
        );
        done(&rig, "MODIFY", &change)?;
        is_placed(later)?;
    }
    Ok(())
}
