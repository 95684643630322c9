//! What the Expert Advisor shows is one state of the terminal, whole.

use super::{BRIEF, Outcome, Variant, ask, buy, cid, done, ensure, has, soon, within};
use crate::harness::Rig;
use crate::scripted::Line;

fn answers(rig: &Rig, request: &str, fields: &str) -> Result<Vec<Line>, String> {
    let id = rig.peer.request(request, fields);
    let mut lines = Vec::new();
    loop {
        let line = soon(&rig.peer, &format!("END of {request}"), |line| {
            line.fields
                .get("id")
                .is_some_and(|is| *is == id.to_string())
        })?;
        match line.kind.as_str() {
            "END" => {
                lines.push(line);
                return Ok(lines);
            }
            "ERR" => return Err(format!("{request} {fields}: {}", line.raw)),
            _ => lines.push(line),
        }
    }
}

/// Positions change while they are collected: the executor sees them all before or all after.
pub fn a_snapshot_is_never_torn(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    for _ in 0..60 {
        rig.terminal.cmd("by_hand buy EURUSD 0.01 sl=1.05");
    }
    rig.terminal.sync();
    let tickets: Vec<String> = rig
        .terminal
        .truth("positions")
        .iter()
        .map(|row| row["ticket"].clone())
        .collect();
    for (from, levels) in [("1.05", "1.06"), ("1.06", "1.07")] {
        // In the midst of collecting, the broker moves the stops of the first and of the last position.
        for ticket in [&tickets[0], &tickets[59]] {
            rig.terminal.cmd(&format!(
                "hook PositionSelectByTicket 40 by_hand sltp {ticket} sl={levels}"
            ));
        }
        let rows = answers(&rig, "SNAP", "")?;
        let end = rows.last().ok_or("no END")?;
        let positions: Vec<&Line> = rows.iter().filter(|line| line.kind == "POS").collect();
        has(end, &[("npos", "60"), ("nord", "0")])?;
        ensure!(positions.len() == 60, "{} positions", positions.len());
        let stop = |ticket: &str| {
            positions
                .iter()
                .find(|line| line.get("ticket") == ticket)
                .map(|line| line.get("sl").to_owned())
        };
        let (first, last) = (stop(&tickets[0]), stop(&tickets[59]));
        ensure!(
            first == last,
            "torn: the first stop is {first:?}, the last {last:?} (was {from})"
        );
        ensure!(
            first.as_deref() == Some(&format!("{levels}000")),
            "the snapshot is of before its end: {first:?}"
        );
    }
    // One that closes meanwhile is not in it at all.
    rig.terminal.cmd(&format!(
        "hook PositionSelectByTicket 40 by_hand close {}",
        tickets[3]
    ));
    let rows = answers(&rig, "SNAP", "")?;
    has(rows.last().ok_or("no END")?, &[("npos", "59")])?;
    ensure!(
        !rows
            .iter()
            .any(|line| line.fields.get("ticket") == Some(&tickets[3])),
        "a closed position is in the snapshot"
    );
    Ok(())
}

/// A part of a position is closed: that is told at once. Where the transaction that tells so is lost, the next snapshot has
/// another `rev`, and one that has collected the position already begins again.
pub fn a_part_that_is_closed_is_seen(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    for _ in 0..60 {
        rig.terminal.cmd("by_hand buy EURUSD 0.05");
    }
    rig.terminal.sync();
    let tickets: Vec<String> = rig
        .terminal
        .truth("positions")
        .iter()
        .map(|row| row["ticket"].clone())
        .collect();
    let part = |at: usize| format!("by_hand close {} vol=0.01", tickets[at]);
    rig.terminal.cmd(&part(0));
    soon(&rig.peer, "TXN of the part", |line| {
        line.kind == "TXN" && line.get("type") == "deal_add" && line.get("vol") == "0.01"
    })?;
    rig.terminal.sync();

    rig.terminal.cmd("chance lost_txn=1");
    // Its END's `rev`, and the volumes of the first position and of the last one.
    let snapshot = || -> Result<(u64, String, String), String> {
        let rows = answers(&rig, "SNAP", "")?;
        let end = rows.last().ok_or("no END")?;
        has(end, &[("npos", "60")])?;
        let volume = |ticket: &str| {
            rows.iter()
                .find(|line| line.kind == "POS" && line.get("ticket") == ticket)
                .map(|line| line.get("vol").to_owned())
                .ok_or_else(|| format!("no POS of {ticket}"))
        };
        let rev = end.get("rev").parse().map_err(|_| end.raw.clone())?;
        Ok((rev, volume(&tickets[0])?, volume(&tickets[59])?))
    };
    let (before, _, _) = snapshot()?;
    ensure!(
        snapshot()?.0 == before,
        "`rev` grows though nothing has changed"
    );
    rig.terminal.cmd(&part(0));
    let (after, first, _) = snapshot()?;
    ensure!(first == "0.03", "the volume is {first}");
    ensure!(after > before, "`rev` is still {after}");
    for at in [0, 59] {
        rig.terminal
            .cmd(&format!("hook PositionSelectByTicket 40 {}", part(at)));
    }
    let (_, first, last) = snapshot()?;
    ensure!(
        first == "0.02" && last == "0.04",
        "torn: the first volume is {first}, the last {last}"
    );
    Ok(())
}

/// Two chunks are the same bars as one, and the forming bar is never among them.
pub fn rates_neither_overlap_nor_skip(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let times = |from: usize, count: usize| -> Result<Vec<i64>, String> {
        let rows = answers(
            &rig,
            "RATES",
            &format!("sym=EURUSD\ttf=M1\tfrom={from}\tcount={count}"),
        )?;
        let end = rows.last().ok_or("no END")?;
        has(
            end,
            &[
                ("n", &(rows.len() - 1).to_string()),
                ("synced", "1"),
                ("more", "1"),
            ],
        )?;
        Ok(rows
            .iter()
            .filter(|line| line.kind == "RATE")
            .map(|line| line.get("time").parse().unwrap_or(0))
            .collect())
    };
    let minute = || rig.terminal.stat("server_ms") / 60_000;
    let (newest, older, whole) = loop {
        let began = minute();
        let asked = (times(0, 60)?, times(60, 60)?, times(0, 120)?);
        // A bar that closes in between shifts all others, as it must.
        if minute() == began {
            break asked;
        }
    };
    ensure!(whole.len() == 120, "{} bars instead of 120", whole.len());
    ensure!(
        whole.windows(2).all(|two| two[0] < two[1]),
        "bars are not in order"
    );
    ensure!(
        [older, newest].concat() == whole,
        "two chunks are not the whole"
    );
    let forming = rig.terminal.stat("server_ms") / 60_000 * 60;
    ensure!(whole[119] < forming, "the forming bar is told as closed");
    ensure!(
        whole[119] >= forming - 120,
        "the newest closed bar is missing"
    );
    // By time: what opened before a bar is what stands before it.
    let before = answers(
        &rig,
        "RATES",
        &format!("sym=EURUSD\ttf=M1\tfrom={}\tcount=10", whole[100]),
    )?;
    let before: Vec<i64> = before
        .iter()
        .filter(|line| line.kind == "RATE")
        .map(|line| line.get("time").parse().unwrap_or(0))
        .collect();
    ensure!(before == whole[90..100], "{before:?}");
    Ok(())
}

pub fn each_bar_comes_once_when_it_has_closed(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    // The server's clock stands, so that no minute ends but those that this test ends.
    let mut forming = rig.terminal.stat("server_ms") / 60_000 * 60 + 60;
    let stand = |at: i64| {
        rig.terminal
            .cmd(&format!("clock stand {}", (at + 5) * 1_000))
    };
    stand(forming);
    answers(&rig, "SUB", "sym=EURUSD\tticks=1\tbars=M1")?;
    rig.terminal.cmd("price EURUSD 1.10002 1.10012");
    soon(&rig.peer, "TICK", |line| {
        line.kind == "TICK" && line.get("bid") == "1.10002"
    })?;
    while rig
        .peer
        .try_take(|line| line.kind == "BAR", std::time::Duration::ZERO)
        .is_some()
    {}
    let mut told = Vec::new();
    for minute in 1..=3 {
        stand(forming + 60);
        let bid = format!("1.1000{}", 3 + minute);
        rig.terminal.cmd(&format!("price EURUSD {bid} 1.10020"));
        soon(&rig.peer, "TICK", |line| {
            line.kind == "TICK" && line.get("bid") == bid
        })?;
        rig.terminal.cmd(&format!("price EURUSD {bid} 1.10021"));
        soon(&rig.peer, "TICK", |line| {
            line.kind == "TICK" && line.get("ask") == "1.10021"
        })?;
        let bar = soon(&rig.peer, "BAR", |line| line.kind == "BAR")?;
        ensure!(
            bar.get("time") == forming.to_string(),
            "bar {} instead of {forming}",
            bar.get("time")
        );
        told.push(bar.get("time").to_owned());
        forming += 60;
    }
    let id = rig.peer.request("UNSUB", "sym=EURUSD");
    soon(&rig.peer, "END", |line| line.is("END", id))?;
    let more = rig
        .peer
        .try_take(|line| line.kind == "BAR", std::time::Duration::ZERO);
    ensure!(
        more.is_none(),
        "a bar came twice or early: {more:?}, told {told:?}"
    );
    Ok(())
}

/// A position, a working order and a deal: side, volumes, levels and money as the broker has them.
pub fn rows_say_what_the_broker_says(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.terminal
        .cmd("by_hand sell EURUSD 0.30 sl=1.2 tp=1.05 magic=77");
    rig.terminal.cmd("symbol DE40 liquidity=0.5");
    rig.terminal.cmd("by_hand buy DE40 2 magic=78 fill=return");
    rig.terminal.cmd("price EURUSD 1.09000 1.09010");
    rig.terminal.cmd("account 1001 commission=7 fee=2");
    let ticket = rig.terminal.truth("positions")[0]["ticket"].clone();
    rig.terminal.cmd(&format!("by_hand swap {ticket} -1.25"));
    rig.terminal.sync();
    let rows = answers(&rig, "SNAP", "")?;
    let row = |kind: &str, magic: &str| {
        rows.iter()
            .find(|line| line.kind == kind && line.get("magic") == magic)
            .ok_or_else(|| format!("no {kind} of {magic}: {rows:?}"))
    };
    let position = row("POS", "77")?;
    has(
        position,
        &[
            ("side", "sell"),
            ("vol", "0.30"),
            ("open", "1.10000"),
            ("sl", "1.20000"),
            ("tp", "1.05000"),
            ("price", "1.09010"),
            ("profit", "297.00"),
            ("swap", "-1.25"),
        ],
    )?;
    has(row("POS", "78")?, &[("side", "buy"), ("vol", "0.5")])?;
    has(
        row("ORD", "78")?,
        &[
            ("type", "buy"),
            ("vol0", "2.0"),
            ("vol", "1.5"),
            ("state", "partial"),
        ],
    )?;
    rig.terminal
        .cmd(&format!("by_hand close {}", position.get("ticket")));
    let now = rig.terminal.stat("server_ms");
    let told = answers(
        &rig,
        "HIST",
        &format!(
            "what=deals\tfrom_ms={}\tto_ms={}",
            now - 60_000,
            now + 1_000
        ),
    )?;
    has(told.last().ok_or("no END")?, &[("n", "3")])?;
    let closing = told
        .iter()
        .find(|line| line.kind == "DEAL" && line.get("entry") == "out")
        .ok_or("the closing deal is missing")?;
    has(
        closing,
        &[
            ("type", "buy"),
            ("vol", "0.30"),
            ("price", "1.09010"),
            ("profit", "297.00"),
            ("swap", "-1.25"),
            ("commission", "-2.10"),
            ("fee", "-0.60"),
        ],
    )?;
    let sessions = "1:60:1380,5:0:1260";
    rig.terminal.cmd(&format!("symbol EURUSD tsess={sessions}"));
    let symbol = ask(&rig.peer, "SYM", "sym=EURUSD", "SYM")?;
    has(&symbol, &[("tsess", sessions)])
}

/// Minutes pass while the terminal is busy: each bar that closed meanwhile is told, in its sequence.
pub fn bars_of_a_busy_time_all_come(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let first = rig.terminal.stat("server_ms") / 60_000 * 60 + 60;
    let price = |minute: i64| {
        let at = (first + 60 * minute + 5) * 1_000;
        rig.terminal.cmd(&format!("clock stand {at}"));
        rig.terminal
            .cmd(&format!("price EURUSD 1.1000{minute} 1.10020"));
    };
    price(0);
    answers(&rig, "SUB", "sym=EURUSD\tticks=1\tbars=M1")?;
    rig.terminal.sync();
    let before = rig.terminal.cmd("calls SymbolInfoTick");
    rig.terminal.cmd("hook SymbolInfoTick 1 stall 1500");
    // The call is counted when it has begun.
    within(BRIEF, &rig.terminal, "nobody looks", |terminal| {
        terminal.cmd("calls SymbolInfoTick") != before
    })?;
    for minute in 1..=5 {
        price(minute);
    }
    for minute in 0..5 {
        let bar = soon(&rig.peer, "BAR", |line| line.kind == "BAR")?;
        has(&bar, &[("time", &(first + 60 * minute).to_string())])?;
    }
    Ok(())
}

/// A comment with a TAB, a line feed and a backslash arrives as it is.
pub fn text_survives_the_line(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    done(
        &rig,
        "ORDER",
        &buy(&rig.terminal, cid(1), &[("tag", "a\\tb\\nc\\\\d")]),
    )?;
    let rows = answers(&rig, "SNAP", "")?;
    let position = rows
        .iter()
        .find(|line| line.kind == "POS")
        .ok_or("no POS")?;
    ensure!(
        position.get("comment").ends_with(" a\tb\nc\\d"),
        "{:?}",
        position.get("comment")
    );
    let symbol = ask(&rig.peer, "SYM", "sym=EURUSD", "SYM")?;
    ensure!(
        symbol.get("path") == "Forex\\Majors\\EURUSD",
        "{:?}",
        symbol.get("path")
    );
    Ok(())
}
