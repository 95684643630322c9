//! Where a request ends to be one: prices, sessions, life, switches, volumes.

use super::{
    ALWAYS_OPEN, Outcome, Variant, buy, cid, close, done, ensure, has, head, res, sends, soon,
};
use crate::harness::{ACCOUNT, Rig};

/// For a sell it is the falling price that runs away, and the rising one that is none.
pub fn a_falling_price_runs_away_from_a_sell(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("price EURUSD 1.09980 1.09990");
    let sell = |n: u64, price: &str, dev: &str| {
        let fields = [
            ("type", "sell"),
            ("sl", "1.11000"),
            ("price", price),
            ("dev", dev),
        ];
        buy(&rig.terminal, cid(n), &fields)
    };
    has(
        &res(&rig.peer, "ORDER", &sell(1, "1.10000", "19"))?,
        &[("retcode", "10020"), ("stage", "refused")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "sent at a price that ran away");
    done(&rig, "ORDER", &sell(2, "1.10000", "20"))?;
    done(&rig, "ORDER", &sell(3, "1.09900", "0"))?;
    Ok(())
}

/// Where the broker takes a deviation and the request names none, it is 100 points; a close that names one keeps to it.
pub fn a_request_without_a_deviation_has_a_small_one(variant: &Variant) -> Outcome {
    const INSTANT: u8 = 1;
    let rig = variant.rig();
    rig.terminal.cmd(&format!("symbol EURUSD exe={INSTANT}"));
    // The price moves by so many points on the way to the broker, against the one who asks.
    let moves = |points: i64| {
        rig.terminal.cmd("price EURUSD 1.10000 1.10010");
        let (bid, ask) = (110_000 + points, 110_010 + points);
        let price = |points: i64| format!("{}.{:05}", points / 100_000, points % 100_000);
        rig.terminal.cmd(&format!(
            "hook OrderSend.broker 1 price EURUSD {} {}",
            price(bid),
            price(ask)
        ));
    };
    let requoted = |line: &crate::scripted::Line| has(line, &[("ok", "0"), ("retcode", "10004")]);
    let unnamed = [("price", ""), ("dev", "")];
    moves(150);
    requoted(&res(
        &rig.peer,
        "ORDER",
        &buy(&rig.terminal, cid(1), &unnamed),
    )?)?;
    moves(95);
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &unnamed))?;
    let whole = |n: u64| close(&rig.terminal, n, opened.get("pos"), "");
    moves(-150);
    requoted(&res(&rig.peer, "CLOSE", &whole(3))?)?;
    moves(-80);
    requoted(&res(
        &rig.peer,
        "CLOSE",
        &whole(4).replace("\tdev=", "\tdev=20"),
    )?)?;
    moves(-95);
    done(&rig, "CLOSE", &whole(5))?;
    Ok(())
}

/// A session is open from its beginning to its end, and to midnight when it ends then: MetaTrader cuts what goes on over
/// midnight there and says the end as 24:00 or as 0:00. A symbol without any table is left to the broker.
pub fn a_session_lasts_to_its_end(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let day = 86_400 * (rig.terminal.stat("server_ms") / 86_400_000 + 1);
    let weekday = (day / 86_400 + 4) % 7;
    let table = format!("{weekday}:60:120,{weekday}:1200:1260,{weekday}:1320:0");
    rig.terminal.cmd(&format!("symbol EURUSD tsess={table}"));
    for (n, hour, minute, open) in [
        (1, 0, 59, false),
        (2, 1, 0, true),
        (3, 1, 59, true),
        (4, 2, 0, false),
        (5, 19, 59, false),
        (6, 20, 59, true),
        (7, 21, 0, false),
        (8, 22, 0, true),
        (9, 23, 59, true),
        (10, 24, 0, false),
    ] {
        let at = 1_000 * (day + 3_600 * hour + 60 * minute + 20);
        rig.terminal.cmd(&format!("clock stand {at}"));
        rig.terminal.cmd("price EURUSD 1.10000 1.10010");
        let order = buy(&rig.terminal, cid(n), &[("made_ms", "0")]);
        let line = res(&rig.peer, "ORDER", &order)?;
        let case = |why: String| format!("{hour}:{minute:02}: {why}");
        if open {
            has(&line, &[("ok", "1")]).map_err(case)?;
        } else {
            has(&line, &[("retcode", "10018"), ("stage", "refused")]).map_err(case)?;
            ensure!(
                line.get("comment").contains("market of EURUSD is closed"),
                "{}",
                line.raw
            );
        }
    }
    rig.terminal.cmd("symbol EURUSD tsess=");
    let order = buy(&rig.terminal, cid(20), &[("made_ms", "0")]);
    let line = res(&rig.peer, "ORDER", &order)?;
    ensure!(
        !line.get("comment").contains("market of EURUSD is closed"),
        "{}",
        line.raw
    );
    rig.terminal
        .cmd(&format!("symbol EURUSD tsess={ALWAYS_OPEN}"));
    Ok(())
}

/// `made_ms` counts for a level and a change as for an order, with one second of grace; what closes or cancels is never late.
pub fn what_adds_risk_is_late_and_what_ends_it_is_not(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let sell = [("type", "sell"), ("sl", "1.11000")];
    let other = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &sell))?;
    let limit = [
        ("action", "pending"),
        ("type", "buy_limit"),
        ("price", "1.09500"),
    ];
    let placed = done(&rig, "ORDER", &buy(&rig.terminal, cid(3), &limit))?;
    let made = (rig.terminal.stat("server_ms") - 8_000).to_string();
    let head = |n: u64| {
        format!(
            "cid={}\tacct={ACCOUNT}\tttl_ms=5000\tmade_ms={made}",
            cid(n)
        )
    };
    let (ticket, by, order) = (opened.get("pos"), other.get("pos"), placed.get("order"));
    let late = buy(
        &rig.terminal,
        cid(4),
        &[("ttl_ms", "5000"), ("made_ms", &made)],
    );
    for (kind, fields) in [
        ("ORDER", late),
        (
            "SLTP",
            format!("{}\tticket={ticket}\tsl=1.08\ttp=", head(5)),
        ),
        (
            "MODIFY",
            format!("{}\tticket={order}\tprice=1.096", head(6)),
        ),
    ] {
        has(
            &res(&rig.peer, kind, &fields)?,
            &[("retcode", "-2"), ("stage", "refused")],
        )
        .map_err(|why| format!("{kind}: {why}"))?;
    }
    ensure!(sends(&rig.terminal) == 3, "{} sends", sends(&rig.terminal));
    done(&rig, "CANCEL", &format!("{}\tticket={order}", head(7)))?;
    let close_by = format!("{}\tticket={ticket}\tby={by}", head(8));
    done(&rig, "CLOSEBY", &close_by)?;
    Ok(())
}

/// The broker's clock goes back an hour, and an order comes that was made by the time told before: it is as old as that time says.
pub fn an_order_made_by_the_time_before_is_as_old_as_it_says(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let time = |rig: &Rig| soon(&rig.peer, "TIME", |line| line.kind == "TIME");
    time(&rig)?;
    let before = rig.terminal.stat("server_ms");
    rig.terminal.cmd("clock offset 7200");
    has(&time(&rig)?, &[("offset_s", "7200")])?;
    rig.terminal.cmd("price EURUSD 1.10000 1.10010");
    let made = |n: u64, ms: i64| buy(&rig.terminal, cid(n), &[("made_ms", &ms.to_string())]);
    has(
        &res(&rig.peer, "ORDER", &made(1, before - 20_000))?,
        &[("retcode", "-2"), ("stage", "refused")],
    )?;
    done(&rig, "ORDER", &made(2, before))?;
    Ok(())
}

/// Until it is cancelled, for the day, until a moment, until the end of a day: placed or changed, an order lives as long as asked.
pub fn a_pending_order_lives_as_long_as_asked(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let end = (rig.terminal.stat("server_ms") / 1000 + 172_800).to_string();
    let lives = [
        ("gtc", "0"),
        ("day", "1"),
        ("specified", "2"),
        ("specified_day", "3"),
    ];
    let lives_so = |ticket: &str, life: &str| {
        let orders = rig.terminal.truth("orders");
        let order = orders.iter().find(|order| order["ticket"] == ticket);
        ensure!(
            order.is_some_and(|order| order["ttype"] == life),
            "not {life}: {order:?}"
        );
        Ok(())
    };
    for (n, (word, life)) in (1..).zip(lives) {
        let exp = if word.starts_with("specified") {
            &end
        } else {
            "0"
        };
        let fields = [
            ("action", "pending"),
            ("type", "buy_limit"),
            ("price", "1.09500"),
            ("ttype", word),
            ("exp", exp),
        ];
        let placed = done(&rig, "ORDER", &buy(&rig.terminal, cid(n), &fields))?;
        let ticket = placed.get("order");
        lives_so(ticket, life)?;
        for (more, (word, life)) in (1..).zip(lives) {
            let exp = if word.starts_with("specified") {
                &end
            } else {
                "0"
            };
            let head = head(&rig.terminal, cid(10 * n + more));
            let change =
                format!("{head}\tticket={ticket}\tprice=1.094{more}\tttype={word}\texp={exp}");
            done(&rig, "MODIFY", &change).map_err(|why| format!("{word}: {why}"))?;
            lives_so(ticket, life)?;
        }
    }
    Ok(())
}

/// What would keep an order from being sent keeps a CHECK from saying that it would go.
pub fn a_check_names_the_switch(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[]);
    for (off, on, word) in [
        ("algo off", "algo on", "Algo Trading button"),
        ("expert off", "expert on", "properties"),
        ("broker off", "broker on", "connection"),
    ] {
        rig.terminal.cmd(off);
        let check = res(&rig.peer, "CHECK", &order)?;
        has(
            &check,
            &[("ok", "0"), ("retcode", "-5"), ("stage", "refused")],
        )?;
        ensure!(check.get("comment").contains(word), "{off}: {}", check.raw);
        rig.terminal.cmd(on);
    }
    has(&res(&rig.peer, "CHECK", &order)?, &[("ok", "1")])
}

/// OrderCheck stands before what may add risk, which it stops without a request, and never before closing and cancelling.
pub fn closing_asks_nobody_first(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let much = buy(&rig.terminal, cid(1), &[("vol", "50")]);
    has(
        &res(&rig.peer, "ORDER", &much)?,
        &[("retcode", "10019"), ("stage", "refused")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "an order without money was sent");
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &[]))?;
    let limit = [
        ("action", "pending"),
        ("type", "buy_limit"),
        ("price", "1.09500"),
    ];
    let placed = done(&rig, "ORDER", &buy(&rig.terminal, cid(3), &limit))?;
    let checks = rig.terminal.cmd("calls OrderCheck");
    let cancel = format!(
        "{}\tticket={}",
        head(&rig.terminal, cid(4)),
        placed.get("order")
    );
    done(&rig, "CANCEL", &cancel)?;
    let whole = close(&rig.terminal, 5, opened.get("pos"), "");
    done(&rig, "CLOSE", &whole)?;
    ensure!(
        rig.terminal.cmd("calls OrderCheck") == checks,
        "OrderCheck was asked before a close or a cancellation"
    );
    Ok(())
}

/// No volume at all means the whole position; a volume of nothing, or one that is no number, means nothing.
pub fn a_close_of_nothing_closes_nothing(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    for (n, vol) in [(2, "0"), (3, "0.00"), (4, "-0.1"), (5, "all")] {
        let nothing = close(&rig.terminal, n, opened.get("pos"), vol);
        has(
            &res(&rig.peer, "CLOSE", &nothing)?,
            &[("retcode", "-1"), ("stage", "refused")],
        )
        .map_err(|why| format!("vol={vol}: {why}"))?;
    }
    ensure!(sends(&rig.terminal) == 1, "{} sends", sends(&rig.terminal));
    Ok(())
}

/// The same order again with its fields in another sequence and another life is the same order.
pub fn the_same_order_is_known_by_what_it_orders(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[]);
    let first = done(&rig, "ORDER", &order)?;
    let mut fields: Vec<&str> = order.split('\t').collect();
    fields.reverse();
    let again = fields.join("\t").replace("ttl_ms=10000", "ttl_ms=20000");
    has(
        &done(&rig, "ORDER", &again)?,
        &[("dup", "1"), ("deal", first.get("deal"))],
    )
}

/// A symbol that the trader has taken out of the Market Watch has no prices there, and its position is closed all the same.
pub fn a_symbol_that_nobody_watches_is_closed(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("symbol EURUSD selected=off");
    let whole = close(&rig.terminal, 2, opened.get("pos"), "");
    done(&rig, "CLOSE", &whole)?;
    is_flat(&rig)
}

fn is_flat(rig: &Rig) -> Outcome {
    ensure!(
        rig.terminal.truth("positions").is_empty(),
        "{}",
        rig.terminal.picture()
    );
    Ok(())
}
