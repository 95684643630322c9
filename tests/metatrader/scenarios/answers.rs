//! What an answer of the broker, or a trace of it, proves: not more, and not less.

use super::{
    BRIEF, Outcome, Variant, buy, cid, close, done, ensure, has, head, journal, res, sends, within,
};
use crate::harness::Rig;

/// The journal is gone: another disk, a reinstalled terminal.
fn lose_the_journal(rig: &mut Rig) -> Outcome {
    rig.terminal.close();
    std::fs::remove_file(journal(&rig.terminal)).map_err(|error| error.to_string())?;
    rig.terminal.restart();
    rig.reconnect();
    Ok(())
}

const IN_DOUBT: &[(&str, &str)] = &[("stage", "sent"), ("ok", "0")];

/// "Placed" for an order at the market says that the broker has it, and no more: the deal comes later, and is told then.
pub fn a_market_order_that_is_only_accepted_is_not_done(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("fault placed 0 1500");
    let order = buy(&rig.terminal, cid(1), &[]);
    let accepted = res(&rig.peer, "ORDER", &order)?;
    has(&accepted, IN_DOUBT)?;
    has(&accepted, &[("retcode", "10008")])?;
    has(&res(&rig.peer, "ORDER", &order)?, IN_DOUBT)?;
    within(BRIEF, &rig.terminal, "there is no deal", |terminal| {
        !terminal.deals_of(cid(1)).is_empty()
    })?;
    rig.terminal.sync();
    has(
        &done(&rig, "ORDER", &order)?,
        &[("dup", "1"), ("vol", "0.1"), ("retcode", "10009")],
    )?;
    ensure!(
        sends(&rig.terminal) == 1 && rig.terminal.deals_of(cid(1)).len() == 1,
        "{}",
        rig.terminal.picture()
    );
    Ok(())
}

/// The answer is lost, a part is filled and the rest still works: that is not the end of it. The rest is cancelled, and what
/// was filled is told.
pub fn a_market_order_that_still_works_is_not_done(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("symbol DE40 liquidity=0.5");
    let fields = [
        ("sym", "DE40"),
        ("vol", "1"),
        ("sl", ""),
        ("nostop", "1"),
        ("fill", "return"),
    ];
    let order = buy(&rig.terminal, cid(1), &fields);
    // So that the rest is not cancelled before it is asked for.
    rig.terminal.cmd("hook OrderSend.after 1 algo off");
    rig.terminal.cmd("fault lost 10012");
    has(&res(&rig.peer, "ORDER", &order)?, IN_DOUBT)?;
    has(&res(&rig.peer, "ORDER", &order)?, IN_DOUBT)?;
    rig.terminal.cmd("algo on");
    within(BRIEF, &rig.terminal, "the rest still works", |terminal| {
        terminal.truth("orders").is_empty()
    })?;
    rig.terminal.sync();
    has(
        &done(&rig, "ORDER", &order)?,
        &[("dup", "1"), ("vol", "0.5")],
    )
}

/// "The order has changed meanwhile" leaves open what a change or a cancellation met; a new order it refuses.
pub fn a_change_that_met_another_is_in_doubt(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let limit = [
        ("action", "pending"),
        ("type", "buy_limit"),
        ("price", "1.09500"),
    ];
    let placed = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &limit))?;
    let order = placed.get("order");
    for (n, kind, fields) in [
        (2, "MODIFY", format!("ticket={order}\tprice=1.09600")),
        (3, "CANCEL", format!("ticket={order}")),
    ] {
        rig.terminal.cmd("fault reject 10023");
        let change = format!("{}\t{fields}", head(&rig.terminal, cid(n)));
        has(&res(&rig.peer, kind, &change)?, IN_DOUBT)?;
        has(
            &res(&rig.peer, kind, &change)?,
            &[("stage", "sent"), ("retcode", "-10"), ("dup", "1")],
        )?;
    }
    rig.terminal.cmd("fault reject 10023");
    has(
        &res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(4), &[]))?,
        &[("stage", "done"), ("ok", "0"), ("retcode", "10023")],
    )
}

/// The answers were lost. An order at the market that the exchange cancelled for want of a counterparty was not executed; a
/// pending one that was cancelled or has expired since was placed all the same.
pub fn what_ended_without_a_deal_is_told_as_it_ended(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("symbol EURUSD liquidity=0.05");
    rig.terminal.cmd("fault lost 10012");
    let market = buy(&rig.terminal, cid(1), &[("fill", "fok")]);
    has(&res(&rig.peer, "ORDER", &market)?, IN_DOUBT)?;
    rig.terminal.sync();
    has(
        &res(&rig.peer, "ORDER", &market)?,
        &[
            ("stage", "done"),
            ("ok", "0"),
            ("retcode", "10007"),
            ("dup", "1"),
        ],
    )?;
    let end = (rig.terminal.stat("server_ms") / 1000 + 3600).to_string();
    for (n, end_by) in [(2, "cancel"), (3, "time")] {
        let limit = [
            ("action", "pending"),
            ("type", "buy_limit"),
            ("price", "1.09500"),
            ("ttype", "specified"),
            ("exp", &end),
        ];
        let pending = buy(&rig.terminal, cid(n), &limit);
        rig.terminal.cmd("fault lost 10012");
        has(&res(&rig.peer, "ORDER", &pending)?, IN_DOUBT)?;
        if end_by == "cancel" {
            let ticket = rig.terminal.truth("orders")[0]["ticket"].clone();
            rig.terminal.cmd(&format!("by_hand cancel {ticket}"));
        } else {
            rig.terminal.cmd("clock shift 7200");
            rig.terminal.cmd("price EURUSD 1.10000 1.10010");
        }
        rig.terminal.sync();
        ensure!(
            rig.terminal.truth("orders").is_empty(),
            "{}",
            rig.terminal.picture()
        );
        has(
            &res(&rig.peer, "ORDER", &pending)?,
            &[
                ("stage", "done"),
                ("ok", "1"),
                ("retcode", "10008"),
                ("dup", "1"),
            ],
        )
        .map_err(|why| format!("{end_by}: {why}"))?;
    }
    ensure!(sends(&rig.terminal) == 3, "{} sends", sends(&rig.terminal));
    Ok(())
}

/// What is not in the journal may be in the history. As long as that cannot be read, nothing is sent; afterwards the same order
/// is.
pub fn a_history_that_cannot_be_read_sends_nothing(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("quirk history=off");
    let order = buy(&rig.terminal, cid(1), &[]);
    has(
        &res(&rig.peer, "ORDER", &order)?,
        &[("retcode", "-7"), ("stage", "refused")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "it was sent");
    rig.terminal.cmd("quirk history=on");
    has(&done(&rig, "ORDER", &order)?, &[("dup", "0")])
}

/// The history shows that an order was filled before it shows the deal: known to the journal or not, it is in doubt until then,
/// and not sent a second time.
pub fn a_filled_order_without_its_deal_is_not_sent_again(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    rig.terminal.cmd("fault lost 10012");
    let orders = [1, 2].map(|n| buy(&rig.terminal, cid(n), &[]));
    has(&res(&rig.peer, "ORDER", &orders[0])?, IN_DOUBT)?;
    done(&rig, "ORDER", &orders[1])?;
    for position in rig.terminal.truth("positions") {
        rig.terminal
            .cmd(&format!("by_hand close {}", position["ticket"]));
    }
    rig.terminal.cmd("hide_deals 60000");
    has(&res(&rig.peer, "ORDER", &orders[0])?, IN_DOUBT)?;
    lose_the_journal(&mut rig)?;
    rig.terminal.cmd("hide_deals 60000");
    for order in &orders {
        let again = res(&rig.peer, "ORDER", order)?;
        has(&again, IN_DOUBT)?;
        has(&again, &[("dup", "1")])?;
    }
    rig.terminal.cmd("hide_deals 0");
    for order in &orders {
        has(&done(&rig, "ORDER", order)?, &[("dup", "1")])?;
    }
    ensure!(sends(&rig.terminal) == 0, "{} sends", sends(&rig.terminal));
    Ok(())
}

/// A part of a position is closed, or one closes another, and the journal is lost: the deal says that it was done.
pub fn a_close_is_found_without_the_journal(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let first = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let sell = [("type", "sell"), ("sl", "1.11000"), ("vol", "0.02")];
    let second = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &sell))?;
    let third = done(&rig, "ORDER", &buy(&rig.terminal, cid(3), &sell))?;
    let part = close(&rig.terminal, 4, first.get("pos"), "0.04");
    done(&rig, "CLOSE", &part)?;
    let head = head(&rig.terminal, cid(5));
    let (ticket, by) = (first.get("pos"), second.get("pos"));
    let close_by = format!("{head}\tticket={ticket}\tby={by}");
    done(&rig, "CLOSEBY", &close_by)?;
    lose_the_journal(&mut rig)?;
    has(
        &done(&rig, "CLOSE", &part)?,
        &[("dup", "1"), ("vol", "0.04")],
    )?;
    has(&done(&rig, "CLOSEBY", &close_by)?, &[("dup", "1")])?;
    ensure!(sends(&rig.terminal) == 0, "{} sends", sends(&rig.terminal));
    let left = rig.terminal.truth("positions");
    ensure!(
        left.len() == 2 && left.iter().any(|one| one["ticket"] == third.get("pos")),
        "{left:?}"
    );
    Ok(())
}

/// The history is late, and the answer names the position all the same: on hedging it has the number of its order.
pub fn an_answer_names_its_position_before_the_history_does(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal.cmd("lag history 60000");
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let position = rig.terminal.truth("positions")[0]["ticket"].clone();
    has(&opened, &[("pos", &position)])?;
    let whole = close(&rig.terminal, 2, opened.get("pos"), "");
    has(
        &done(&rig, "CLOSE", &whole)?,
        &[("pos", &position), ("vol", "0.1")],
    )
}
