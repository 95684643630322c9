//! Nothing stands in front of an order.

use super::{Outcome, Variant, buy, cid, ensure, has, soon};
use crate::harness::Rig;
use crate::scripted::Line;

fn q(line: &Line) -> u64 {
    line.get("q").parse().unwrap_or(0)
}

fn with_many_symbols(variant: &Variant) -> Rig {
    Rig::start(variant.link, variant.options().setup("many 400"))
}

/// An order that comes while hundreds of symbols are listed is answered before the list's next piece.
pub fn an_order_does_not_wait_for_a_list(variant: &Variant) -> Outcome {
    let rig = with_many_symbols(variant);
    let order = buy(&rig.terminal, cid(1), &[]);
    rig.peer
        .send(&format!("SYMS\tid=901\nORDER\tid=902\t{order}"));
    let result = soon(&rig.peer, "RES", |line| line.is("RES", 902))?;
    has(&result, &[("ok", "1")])?;
    let first = soon(&rig.peer, "SYM", |line| line.is("SYM", 901))?;
    ensure!(
        q(&result) < q(&first),
        "the list was begun before the order"
    );
    // In the midst of the list.
    let order = buy(&rig.terminal, cid(2), &[]);
    rig.peer.send("SYMS\tid=903");
    soon(&rig.peer, "the first SYM", |line| line.is("SYM", 903))?;
    rig.peer.send(&format!("ORDER\tid=904\t{order}"));
    let result = soon(&rig.peer, "RES", |line| line.is("RES", 904))?;
    let end = soon(&rig.peer, "END of SYMS", |line| line.is("END", 903))?;
    ensure!(q(&result) < q(&end), "the order waited for the whole list");
    Ok(())
}

pub fn a_ping_does_not_wait_for_a_list(variant: &Variant) -> Outcome {
    let rig = with_many_symbols(variant);
    rig.peer
        .send("SYMS\tid=901\nSNAP\tid=902\nPING\tid=903\tx=5");
    let pong = soon(&rig.peer, "PONG", |line| line.is("PONG", 903))?;
    has(&pong, &[("x", "5")])?;
    let first = soon(&rig.peer, "SYM", |line| line.is("SYM", 901))?;
    ensure!(
        q(&pong) < q(&first),
        "the list came before the answer to PING"
    );
    Ok(())
}

/// What cannot be kept is refused at once, not forgotten.
pub fn too_many_orders_are_refused(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let mut lines = String::new();
    for n in 0..300 {
        // Without a stop: refused one by one, so that nothing but the number matters.
        lines.push_str(&format!(
            "ORDER\tid={}\t{}\n",
            1_000 + n,
            buy(&rig.terminal, cid(n), &[("sl", "")])
        ));
    }
    rig.terminal.cmd("hook FileSize 1 stall 300");
    rig.peer.send_bytes(lines.as_bytes());
    let mut busy = 0;
    for n in 0..300 {
        let line = soon(&rig.peer, "RES", |line| line.is("RES", 1_000 + n))?;
        match line.get("retcode") {
            "-9" => busy += 1,
            "-1" => {}
            other => return Err(format!("retcode {other}: {}", line.raw)),
        }
    }
    ensure!(busy <= 44, "{busy} of 300 orders were refused as too many");
    ensure!(rig.peer.gaps().is_empty(), "{:?}", rig.peer.gaps());
    Ok(())
}

/// The link breaks while bars of an outage are written: the Expert Advisor connects again.
pub fn a_link_that_breaks_among_bars_ends_nothing(variant: &Variant) -> Outcome {
    let mut rig = Rig::start(variant.link, variant.options().setup("many 10"));
    for i in 1..=10 {
        let id = rig
            .peer
            .request("SUB", &format!("sym=S{i:03}\tticks=1\tbars=M1,M5"));
        rig.peer.answers(id);
        rig.terminal.cmd(&format!("price S{i:03} 1.1 1.1001"));
    }
    rig.terminal.sync();
    // Fifteen minutes pass at the broker while the terminal is busy.
    rig.terminal.cmd("hook SymbolInfoTick 1 stall 1500");
    std::thread::sleep(std::time::Duration::from_millis(60));
    for minute in 1..=15 {
        rig.terminal.cmd(&format!("clock shift {}", minute * 60));
        for i in 1..=10 {
            rig.terminal
                .cmd(&format!("price S{i:03} 1.2{minute:02} 1.2{minute:02}1"));
        }
    }
    rig.peer.cut();
    ensure!(
        rig.try_reconnect(std::time::Duration::from_secs(15)),
        "the Expert Advisor did not come back: {:?}",
        rig.terminal.logs()
    );
    ensure!(rig.terminal.is_alive(), "{:?}", rig.terminal.logs());
    Ok(())
}
