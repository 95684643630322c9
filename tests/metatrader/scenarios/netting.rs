//! On a netting account one position is the sum of what everybody did: what others did is theirs.

use super::{
    BRIEF, Outcome, Variant, buy, cid, done, ensure, has, head, journal, res, sends, soon, within,
};
use crate::emulated::Row;
use crate::harness::Rig;

fn netting(variant: &Variant) -> Rig {
    let options = variant.options().setup("account 1001 margin_mode=netting");
    Rig::start(variant.link, options)
}

fn close(rig: &Rig, n: u64, position: &Row, vol: &str) -> String {
    format!(
        "{}\tticket={}\tident={}\tvol={vol}\tdev=\tfill=auto",
        head(&rig.terminal, cid(n)),
        position["ticket"],
        position["ident"]
    )
}

/// The one position's side (0 buy, 1 sell) and volume; `Err` when there is another number of them.
fn is_left(rig: &Rig, side: &str, volume: f64) -> Outcome {
    let positions = rig.terminal.truth("positions");
    let fits = |row: &Row| {
        row["type"] == side && (row["vol"].parse::<f64>().unwrap_or(0.0) - volume).abs() < 1e-9
    };
    ensure!(
        positions.len() == 1 && positions.iter().all(fits),
        "not {volume} of side {side}:\n{}",
        rig.terminal.picture()
    );
    Ok(())
}

/// The trader adds to our position: CLOSE takes our part off, a part of it or all, and not a step more.
pub fn only_our_part_is_closed(variant: &Variant) -> Outcome {
    let rig = netting(variant);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("by_hand buy EURUSD 1.0");
    let position = rig.terminal.truth("positions")[0].clone();
    has(
        &res(&rig.peer, "CLOSE", &close(&rig, 2, &position, "0.2"))?,
        &[("retcode", "10038"), ("stage", "refused")],
    )?;
    done(&rig, "CLOSE", &close(&rig, 3, &position, "0.04"))?;
    has(
        &done(&rig, "CLOSE", &close(&rig, 4, &position, ""))?,
        &[("vol", "0.06")],
    )?;
    is_left(&rig, "0", 1.0)?;
    has(
        &res(&rig.peer, "CLOSE", &close(&rig, 5, &position, ""))?,
        &[("retcode", "10036"), ("stage", "refused")],
    )?;
    is_left(&rig, "0", 1.0)
}

/// The trader's opposite order closed ours and turned the position round, before the CLOSE or while it is looked at: what is
/// there now is the trader's.
pub fn a_position_that_others_turned_is_not_closed(variant: &Variant) -> Outcome {
    for in_between in [false, true] {
        let rig = netting(variant);
        done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        let position = rig.terminal.truth("positions")[0].clone();
        rig.terminal.cmd(if in_between {
            "hook PositionSelectByTicket 1 by_hand sell EURUSD 1.0"
        } else {
            "by_hand sell EURUSD 1.0"
        });
        has(
            &res(&rig.peer, "CLOSE", &close(&rig, 2, &position, ""))?,
            &[("retcode", "10036"), ("stage", "refused")],
        )?;
        let levels = format!(
            "{}\tticket={}\tident={}\tsl=1.2\ttp=",
            head(&rig.terminal, cid(3)),
            position["ticket"],
            position["ident"]
        );
        has(
            &res(&rig.peer, "SLTP", &levels)?,
            &[("retcode", "10036"), ("stage", "refused")],
        )?;
        is_left(&rig, "1", 0.9)?;
        ensure!(sends(&rig.terminal) == 1, "{} sends", sends(&rig.terminal));
    }
    // A position that nothing of ours was ever in.
    let rig = netting(variant);
    rig.terminal.cmd("by_hand buy EURUSD 1.0");
    let position = rig.terminal.truth("positions")[0].clone();
    has(
        &res(&rig.peer, "CLOSE", &close(&rig, 1, &position, ""))?,
        &[("retcode", "-1"), ("stage", "refused")],
    )
}

/// Whose the position is, after what was done in turn: by us (`+`, `-` lots by an order of ours) and by the trader's hand.
pub fn what_others_took_away_is_not_ours(variant: &Variant) -> Outcome {
    let rig = netting(variant);
    let hand = |lots: f64| {
        let side = if lots > 0.0 { "buy" } else { "sell" };
        rig.terminal
            .cmd(&format!("by_hand {side} EURUSD {:.2}", lots.abs()));
    };
    let mut next = 0;
    for (steps, ours) in [
        // The trader cuts our position and adds to it later.
        (&[("ours", 0.1), ("hand", -0.05), ("hand", 1.0)][..], "0.05"),
        // Our order only made the trader's short smaller, who then turns it round.
        (&[("hand", -0.3), ("ours", 0.1), ("hand", 1.0)], ""),
        // Both hold some; ours is turned by none.
        (&[("hand", 1.0), ("ours", 0.1), ("hand", -0.5)], "0.1"),
        (&[("ours", -0.2), ("hand", -1.0), ("ours", 0.1)], "0.1"),
        (&[("ours", 0.1), ("hand", -1.0), ("hand", 2.0)], ""),
    ] {
        for (who, lots) in steps {
            if *who == "hand" {
                hand(*lots);
                continue;
            }
            next += 1;
            let (side, vol) = (
                if *lots > 0.0 { "buy" } else { "sell" },
                format!("{:.2}", lots.abs()),
            );
            let order = [("type", side), ("vol", &vol), ("sl", ""), ("nostop", "1")];
            done(&rig, "ORDER", &buy(&rig.terminal, cid(next), &order))?;
        }
        let position = rig.terminal.truth("positions")[0].clone();
        next += 1;
        let answer = res(&rig.peer, "CLOSE", &close(&rig, next, &position, ""))?;
        let wanted = if ours.is_empty() {
            [("retcode", "10036"), ("vol", "0")]
        } else {
            [("retcode", "10009"), ("vol", ours)]
        };
        has(&answer, &wanted).map_err(|why| format!("{steps:?}: {why}"))?;
        for rest in rig.terminal.truth("positions") {
            let lots: f64 = rest["vol"].parse().map_err(|_| rest["vol"].clone())?;
            hand(if rest["type"] == "0" { -lots } else { lots });
        }
    }
    Ok(())
}

/// The terminal still lists what the broker has closed: FLAT, which goes on by itself, does not sell it a second time.
pub fn a_late_list_is_not_closed_again(variant: &Variant) -> Outcome {
    let rig = netting(variant);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("lag book 3000");
    rig.terminal.cmd("lag history 3000");
    let id = rig.peer.request(
        "FLAT",
        &format!("{}\ton=1\treason=test", head(&rig.terminal, cid(2))),
    );
    let end = soon(&rig.peer, "END of FLAT", |line| line.is("END", id))?;
    has(&end, &[("n", "1"), ("left", "1")])?;
    std::thread::sleep(std::time::Duration::from_secs(4));
    ensure!(
        rig.terminal.truth("positions").is_empty() && sends(&rig.terminal) == 2,
        "{} sends\n{}",
        sends(&rig.terminal),
        rig.terminal.picture()
    );
    Ok(())
}

/// FLAT and the dead-man switch take our part off, and nothing after it, though the position keeps our magic number.
pub fn flat_leaves_the_traders_part(variant: &Variant) -> Outcome {
    let rig = netting(variant);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("by_hand buy EURUSD 1.0");
    let id = rig.peer.request(
        "FLAT",
        &format!("{}\ton=1\treason=test", head(&rig.terminal, cid(2))),
    );
    let end = soon(&rig.peer, "END of FLAT", |line| line.is("END", id))?;
    has(&end, &[("n", "1"), ("left", "0")])?;
    is_left(&rig, "0", 1.0)?;

    let options = variant
        .options()
        .setup("account 1001 margin_mode=netting")
        .input("InpDeadManSeconds", 1)
        .input("InpDeadManClose", true);
    let rig = Rig::start(variant.link, options);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("by_hand buy EURUSD 1.0");
    rig.peer.cut();
    within(BRIEF, &rig.terminal, "nothing was closed", |terminal| {
        sends(terminal) > 1
    })?;
    std::thread::sleep(std::time::Duration::from_millis(1500));
    ensure!(sends(&rig.terminal) == 2, "{} sends", sends(&rig.terminal));
    is_left(&rig, "0", 1.0)
}

fn flat(rig: &Rig, n: u64) -> Result<crate::scripted::Line, String> {
    let id = rig.peer.request(
        "FLAT",
        &format!("{}\ton=1\treason=test", head(&rig.terminal, cid(n))),
    );
    soon(&rig.peer, "END of FLAT", |line| line.is("END", id))
}

/// The history comes late, and the position has our magic number: what our orders are known to have filled is ours, over a
/// restart too, and not the trader's lots beside it.
pub fn a_late_history_makes_nothing_ours(variant: &Variant) -> Outcome {
    for way in ["CLOSE", "FLAT", "FLAT after a restart", "dead man"] {
        let dead = way == "dead man";
        let mut options = variant.options().setup("account 1001 margin_mode=netting");
        if dead {
            options = options
                .input("InpDeadManSeconds", 1)
                .input("InpDeadManClose", true);
        }
        let mut rig = Rig::start(variant.link, options);
        rig.terminal.cmd("lag history 60000");
        done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        rig.terminal.cmd("by_hand buy EURUSD 1.0");
        let position = rig.terminal.truth("positions")[0].clone();
        if way == "CLOSE" {
            has(
                &done(&rig, "CLOSE", &close(&rig, 2, &position, ""))?,
                &[("vol", "0.1")],
            )?;
            // Whether more of it is ours, nobody knows before the history comes; closed twice it is not.
            has(
                &res(&rig.peer, "CLOSE", &close(&rig, 3, &position, ""))?,
                &[("retcode", "-7"), ("stage", "refused")],
            )?;
        } else if dead {
            rig.peer.cut();
            within(BRIEF, &rig.terminal, "nothing was closed", |terminal| {
                terminal.truth("deals").len() > 2
            })?;
            std::thread::sleep(std::time::Duration::from_millis(1500));
        } else {
            if way != "FLAT" {
                rig.kill_and_restart();
                rig.terminal.cmd("hide_history 60000");
            }
            flat(&rig, 2)?;
        }
        is_left(&rig, "0", 1.0).map_err(|why| format!("{way}: {why}"))?;
    }
    Ok(())
}

/// The history comes late, and the position is the trader's: nothing of it is changed or closed on the guess that it is ours.
/// One that we opened gets its stop meanwhile.
pub fn a_strangers_position_is_safe_while_the_history_is_late(variant: &Variant) -> Outcome {
    let levels = |rig: &Rig, n: u64, position: &Row| {
        format!(
            "{}\tticket={}\tident={}\tsl=1.05\ttp=",
            head(&rig.terminal, cid(n)),
            position["ticket"],
            position["ident"]
        )
    };
    let rig = netting(variant);
    rig.terminal.cmd("by_hand buy EURUSD 1.0 magic=77");
    rig.terminal.cmd("hide_history 60000");
    let position = rig.terminal.truth("positions")[0].clone();
    for (n, kind, fields) in [
        (1, "SLTP", levels(&rig, 1, &position)),
        (2, "CLOSE", close(&rig, 2, &position, "")),
        (3, "CLOSE", close(&rig, 3, &position, "0.1")),
    ] {
        has(
            &res(&rig.peer, kind, &fields)?,
            &[("retcode", "-7"), ("stage", "refused")],
        )
        .map_err(|why| format!("{n}: {why}"))?;
    }
    has(&flat(&rig, 4)?, &[("left", "0")])?;
    ensure!(sends(&rig.terminal) == 0, "{} sends", sends(&rig.terminal));
    is_left(&rig, "0", 1.0)?;

    let mut rig = netting(variant);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    let position = rig.terminal.truth("positions")[0].clone();
    rig.terminal.close();
    std::fs::remove_file(journal(&rig.terminal)).map_err(|error| error.to_string())?;
    rig.terminal.restart();
    rig.terminal.cmd("hide_history 60000");
    rig.reconnect();
    done(&rig, "SLTP", &levels(&rig, 2, &position))?;
    let stop = &rig.terminal.truth("positions")[0]["sl"];
    ensure!(stop.starts_with("1.05"), "the stop is at {stop}");
    Ok(())
}

/// A close that could not be judged without the history is no refusal for good: the same one is carried out when it has come.
pub fn a_close_that_waits_for_the_history_may_be_repeated(variant: &Variant) -> Outcome {
    let mut rig = netting(variant);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.close();
    std::fs::remove_file(journal(&rig.terminal)).map_err(|error| error.to_string())?;
    rig.terminal.restart();
    rig.terminal.cmd("hide_history 60000");
    rig.reconnect();
    let position = rig.terminal.truth("positions")[0].clone();
    let ours = close(&rig, 2, &position, "");
    has(&res(&rig.peer, "CLOSE", &ours)?, &[("retcode", "-7")])?;
    rig.terminal.cmd("hide_history 0");
    has(
        &done(&rig, "CLOSE", &ours)?,
        &[("vol", "0.1"), ("dup", "0")],
    )
}

/// The history comes late, and what our orders filled is reckoned from their answers: a part that was told twice, while its rest
/// was cancelled, is one part, and no order's is forgotten.
pub fn what_was_filled_is_counted_once(variant: &Variant) -> Outcome {
    let rig = netting(variant);
    rig.terminal.cmd("lag history 60000");
    for (n, vol, filled) in [(1, "1", "0.5"), (2, "0.1", "0.1"), (3, "0.1", "0.1")] {
        if vol != filled {
            rig.terminal.cmd("fault partial 10010 0.5");
        }
        let fields = [
            ("sym", "DE40"),
            ("vol", vol),
            ("sl", ""),
            ("nostop", "1"),
            ("fill", "return"),
        ];
        has(
            &done(&rig, "ORDER", &buy(&rig.terminal, cid(n), &fields))?,
            &[("vol", filled)],
        )?;
    }
    rig.terminal.cmd("by_hand buy DE40 3");
    let position = rig.terminal.truth("positions")[0].clone();
    // Of another symbol.
    let sell = [("type", "sell"), ("sl", ""), ("nostop", "1")];
    done(&rig, "ORDER", &buy(&rig.terminal, cid(5), &sell))?;
    rig.terminal.cmd("by_hand buy EURUSD 0.10");
    has(
        &done(&rig, "CLOSE", &close(&rig, 4, &position, ""))?,
        &[("vol", "0.7")],
    )?;
    is_left(&rig, "0", 3.0)
}

/// What we bought was closed by hand, and the trader has opened a position of his own: our fill is not of that one, whether its
/// answer named its position or came too early for that.
pub fn a_fill_of_an_earlier_position_makes_nothing_ours(variant: &Variant) -> Outcome {
    for named in [true, false] {
        let rig = netting(variant);
        rig.terminal.cmd("lag history 60000");
        if !named {
            rig.terminal.cmd("lag book 60000");
        }
        let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
        ensure!(named != (opened.get("pos") == "0"), "{}", opened.raw);
        rig.terminal.cmd("lag book 0");
        let ours = rig.terminal.truth("positions")[0]["ticket"].clone();
        rig.terminal.cmd(&format!("by_hand close {ours}"));
        if !named {
            rig.terminal.cmd("clock shift 10");
            rig.terminal.cmd("price EURUSD 1.10000 1.10010");
        }
        rig.terminal.cmd("by_hand buy EURUSD 1.0");
        let position = rig.terminal.truth("positions")[0].clone();
        has(
            &res(&rig.peer, "CLOSE", &close(&rig, 2, &position, ""))?,
            &[("retcode", "-7"), ("stage", "refused")],
        )
        .map_err(|why| format!("named {named}: {why}"))?;
        is_left(&rig, "0", 1.0)?;
    }
    Ok(())
}

/// Neither the journal nor the history says what is ours: nothing is closed. As soon as the history comes our part is, by
/// FLAT alone.
pub fn what_nobody_knows_is_closed_when_the_history_comes(variant: &Variant) -> Outcome {
    let mut rig = netting(variant);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("by_hand buy EURUSD 1.0");
    rig.terminal.close();
    std::fs::remove_file(journal(&rig.terminal)).map_err(|error| error.to_string())?;
    rig.terminal.restart();
    rig.terminal.cmd("hide_history 60000");
    rig.reconnect();
    let position = rig.terminal.truth("positions")[0].clone();
    has(
        &res(&rig.peer, "CLOSE", &close(&rig, 2, &position, ""))?,
        &[("retcode", "-7"), ("stage", "refused")],
    )?;
    has(&flat(&rig, 3)?, &[("n", "1"), ("left", "1")])?;
    is_left(&rig, "0", 1.1)?;
    rig.terminal.cmd("hide_history 0");
    within(BRIEF, &rig.terminal, "ours is not closed", |terminal| {
        terminal.truth("deals").len() > 2
    })?;
    is_left(&rig, "0", 1.0)
}

/// FLAT has closed our part, the journal was rewritten, and the history comes late: the trader's part is not closed as ours.
pub fn a_rewritten_journal_knows_what_flat_closed(variant: &Variant) -> Outcome {
    let mut rig = netting(variant);
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("by_hand buy EURUSD 1.0");
    let position = rig.terminal.truth("positions")[0].clone();
    has(&flat(&rig, 2)?, &[("n", "1"), ("left", "0")])?;
    super::journal::rewrite(&mut rig)?;
    rig.kill_and_restart();
    rig.terminal.cmd("hide_history 60000");
    has(
        &res(&rig.peer, "CLOSE", &close(&rig, 3, &position, ""))?,
        &[("retcode", "-7"), ("stage", "refused")],
    )?;
    ensure!(sends(&rig.terminal) == 0, "{} sends", sends(&rig.terminal));
    is_left(&rig, "0", 1.0)
}
