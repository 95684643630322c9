//! Who is there, and whether the link lives.

use std::time::{Duration, Instant};

use super::{BRIEF, Outcome, Variant, buy, cid, done, ensure, has, sends, soon, within};
use crate::emulated::{Emulated, Folders};
use crate::harness::Rig;
use crate::scripted::{Kind, Peer, ScriptedExecutor};

fn unintroduced(variant: &Variant) -> (Emulated, Peer, ScriptedExecutor) {
    let folders = Folders::new();
    let executor = ScriptedExecutor::listen(&folders, variant.link);
    let options = variant.options().input("InpTcp", variant.link == Kind::Tcp);
    let terminal = Emulated::start(folders, options);
    let peer = executor.accept_raw(Duration::from_secs(20));
    (terminal, peer, executor)
}

/// A program that listens on the pipe and does not know the secret gets nothing done.
pub fn a_stranger_is_not_obeyed(variant: &Variant) -> Outcome {
    let (terminal, peer, _executor) = unintroduced(variant);
    soon(&peer, "HELLO", |line| line.kind == "HELLO")?;
    peer.send(&format!("CHAL\tnonce={}", "0f".repeat(32)));
    soon(&peer, "AUTH", |line| line.kind == "AUTH")?;
    peer.send(&format!("OK\tmac={}\tsid=1", "00".repeat(32)));
    peer.send(&format!("ORDER\tid=1\t{}", buy(&terminal, cid(1), &[])));
    ensure!(peer.closed(BRIEF), "the link of a stranger stays open");
    ensure!(sends(&terminal) == 0, "an order of a stranger was sent");
    let said = soon(&peer, "BYE", |line| line.kind == "BYE")?;
    has(&said, &[("reason", "auth")])
}

/// Whatever comes before the executor has proved itself ends the link.
pub fn nothing_is_done_before_ok(variant: &Variant) -> Outcome {
    let (terminal, peer, _executor) = unintroduced(variant);
    soon(&peer, "HELLO", |line| line.kind == "HELLO")?;
    peer.send(&format!("ORDER\tid=1\t{}", buy(&terminal, cid(1), &[])));
    ensure!(
        peer.closed(BRIEF),
        "the link stays open after an order that came too early"
    );
    ensure!(
        sends(&terminal) == 0,
        "an order was sent before the executor had proved itself"
    );
    Ok(())
}

/// `q` has no gap, so a gap means loss.
pub fn every_line_is_counted(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.sync();
    soon(&rig.peer, "HB", |line| line.kind == "HB")?;
    let id = rig.peer.request("SNAP", "");
    soon(&rig.peer, "END", |line| line.is("END", id))?;
    ensure!(rig.peer.gaps().is_empty(), "{}", rig.peer.gaps().join("\n"));
    Ok(())
}

/// An idle link still says once a second that it lives, and what it has heard.
pub fn it_says_that_it_lives(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.peer.send("HB\tn=41\tack=0");
    rig.peer.heartbeats(false);
    let first = rig
        .peer
        .try_take(|line| line.kind == "HB", Duration::from_secs(4))
        .ok_or("no heartbeat in 4 s of silence")?;
    has(&first, &[("ack", "41")])
}

/// After a change of the account the Expert Advisor takes leave and introduces the new one.
pub fn another_account_is_greeted_anew(variant: &Variant) -> Outcome {
    let mut rig = Rig::start(
        variant.link,
        variant.options().setup("account 1002 server=Other-Demo"),
    );
    rig.terminal.cmd("login 1002");
    let bye = soon(&rig.peer, "BYE", |line| line.kind == "BYE")?;
    has(&bye, &[("reason", "account")])?;
    rig.reconnect();
    has(
        &rig.peer.hello(),
        &[("login", "1002"), ("server", "Other-Demo")],
    )?;
    let line = super::res(&rig.peer, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    has(&line, &[("retcode", "-4"), ("stage", "refused")])?;
    ensure!(
        sends(&rig.terminal) == 0,
        "an order for the old account was sent"
    );
    Ok(())
}

/// Damage is answered with ERR and costs nothing but the line.
pub fn a_damaged_line_is_told_and_dropped(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[]);
    for damaged in [
        format!("ORDER\tid=1\t{order}\tvol=0.20"),
        format!("ORDER\tid=1\tvol\t{order}"),
        format!("ORDER\tid=1\r\t{order}"),
        format!("\tid=1\t{order}"),
        "NONSENSE\tid=1".to_owned(),
    ] {
        rig.peer.send(&damaged);
        let told = soon(&rig.peer, "ERR", |line| line.kind == "ERR")?;
        has(&told, &[("code", "-1")])?;
    }
    ensure!(sends(&rig.terminal) == 0, "a damaged order was sent");
    done(&rig, "ORDER", &order)?;
    rig.peer
        .send(&format!("ORDER\tid=9\ttag={}", "x".repeat(70_000)));
    ensure!(
        rig.peer.closed(BRIEF),
        "a line without end does not end the link"
    );
    Ok(())
}

/// Without the program the Experts log says in plain words what is missing: once, not with every attempt. The secret is
/// never in it.
pub fn it_says_what_it_waits_for(variant: &Variant) -> Outcome {
    let folders = Folders::new();
    let options = variant
        .options()
        .input("InpTcp", variant.link == Kind::Tcp)
        .setup("quirk allow_localhost=off");
    let terminal = Emulated::start(folders, options);
    let said = |part: &str| {
        terminal
            .logs()
            .iter()
            .filter(|line| line.contains(part))
            .count()
    };
    terminal.await_line("is it running? It has left no link file", BRIEF);
    let secret = "c3".repeat(32);
    let sentence = match variant.link {
        Kind::Pipe => "is it running?",
        Kind::Tcp => "add 127.0.0.1",
    };
    let told = said(sentence) + 1;
    let text = format!("proto=1\npipe=nobody\nport=9\nsecret={secret}\n");
    std::fs::write(terminal.folders.link_file(), text).map_err(|error| error.to_string())?;
    let until = Instant::now() + 2 * BRIEF;
    while said(sentence) < told {
        ensure!(Instant::now() < until, "it does not say: {sentence}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let attempts = match variant.link {
        Kind::Pipe => "FileOpen",
        Kind::Tcp => "SocketConnect",
    };
    // What the first further attempt says is there when the second one begins.
    for _ in 0..2 {
        let before = terminal.cmd(&format!("calls {attempts}"));
        let until = Instant::now() + 2 * BRIEF;
        while terminal.cmd(&format!("calls {attempts}")) == before {
            ensure!(Instant::now() < until, "it has stopped trying to connect");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    ensure!(said(sentence) == told, "{:?}", terminal.logs());
    ensure!(said(&secret) == 0, "the secret is in the Experts log");
    Ok(())
}

/// The trader reads why this Expert Advisor is not served, and it goes on trying.
pub fn a_refusal_names_the_true_reason(variant: &Variant) -> Outcome {
    for (reason, words) in [
        ("taken", "has an Expert Advisor of this account already"),
        ("other_account", "serves another account"),
    ] {
        let (terminal, peer, executor) = unintroduced(variant);
        executor.refuse(&peer, reason, true);
        ensure!(peer.closed(BRIEF), "the link stays open after {reason}");
        terminal.await_line(words, BRIEF);
        let next = executor.try_accept(BRIEF).ok_or("it does not try again")?;
        executor.handshake(&next);
    }
    Ok(())
}

/// What had not begun when the link broke is not begun any more.
pub fn a_broken_link_takes_its_orders_along(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    rig.terminal.cmd("latency 700000");
    let first = buy(&rig.terminal, cid(1), &[]);
    let second = buy(&rig.terminal, cid(2), &[]);
    rig.peer
        .send(&format!("ORDER\tid=901\t{first}\nORDER\tid=902\t{second}"));
    soon(&rig.peer, "BUSY", |line| line.is("BUSY", 901))?;
    rig.peer.cut();
    rig.reconnect();
    rig.terminal.sync();
    ensure!(
        sends(&rig.terminal) == 1,
        "an order of the broken link was sent"
    );
    ensure!(
        rig.terminal.deals_of(cid(1)).len() == 1,
        "{}",
        rig.terminal.picture()
    );
    Ok(())
}

/// A switch that was turned, another offset of the broker's clock, money that moved: told without being asked.
pub fn what_changes_is_told(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    let first = soon(&rig.peer, "TIME", |line| line.kind == "TIME")?;
    has(&first, &[("offset_s", "10800")])?;
    soon(&rig.peer, "FLAGS", |line| line.kind == "FLAGS")?;
    soon(&rig.peer, "ACC", |line| line.kind == "ACC")?;
    rig.terminal.cmd("algo off");
    let flags = soon(&rig.peer, "FLAGS", |line| line.kind == "FLAGS")?;
    has(
        &flags,
        &[("algo", "0"), ("expert", "1"), ("connected", "1")],
    )?;
    rig.terminal.cmd("broker off");
    let flags = soon(&rig.peer, "FLAGS", |line| line.kind == "FLAGS")?;
    has(&flags, &[("algo", "0"), ("connected", "0")])?;
    rig.terminal.cmd("broker on");
    rig.terminal.cmd("algo on");
    rig.terminal.cmd("clock offset 7200");
    let time = soon(&rig.peer, "TIME", |line| line.kind == "TIME")?;
    has(&time, &[("offset_s", "7200")])?;
    rig.terminal.cmd("by_hand buy EURUSD 0.10");
    let account = soon(&rig.peer, "ACC", |line| line.kind == "ACC")?;
    ensure!(account.get("margin") != "0.00", "{}", account.raw);
    Ok(())
}

/// Two connections never show the same nonce: not after a broken link, not with fresh variables, not after a crash. An old
/// proof would open the link otherwise.
pub fn a_nonce_never_comes_twice(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let mut seen = std::collections::BTreeSet::new();
    for cause in ["start", "broken link", "fresh variables", "crash"] {
        match cause {
            "broken link" => rig.peer.cut(),
            "fresh variables" => rig.terminal.reload(),
            "crash" => {
                rig.terminal.kill9();
                rig.terminal.restart();
            }
            _ => {}
        }
        if cause != "start" {
            rig.reconnect();
        }
        let nonce = rig.peer.hello().get("nonce").to_owned();
        ensure!(seen.insert(nonce), "after {cause} the nonce came again");
    }
    Ok(())
}

/// What was begun on a link that broke is no beginning of the next one's first line.
pub fn half_a_line_ends_with_its_link(variant: &Variant) -> Outcome {
    let mut rig = variant.rig();
    let order = buy(&rig.terminal, cid(1), &[]);
    rig.peer
        .send_bytes(format!("PING\tid=901\tx=5\nORDER\tid=902\t{order}").as_bytes());
    // The half came in one piece with the PING, so it has been read.
    soon(&rig.peer, "PONG", |line| line.is("PONG", 901))?;
    rig.peer.cut();
    ensure!(
        rig.try_reconnect(BRIEF),
        "the handshake of the next link failed: {:?}",
        rig.terminal.logs()
    );
    done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &[]))?;
    ensure!(sends(&rig.terminal) == 1, "{} sends", sends(&rig.terminal));
    Ok(())
}

/// A line that never ends does not fill the memory: it ends the link as soon as it is too long, before the silence does.
pub fn a_line_without_end_ends_the_link(variant: &Variant) -> Outcome {
    let rig = variant.rig();
    rig.peer.heartbeats(false);
    rig.peer.send_bytes(&[b'x'; 70_000]);
    ensure!(rig.peer.closed(BRIEF), "the link stays open");
    within(
        BRIEF,
        &rig.terminal,
        "it is not the line's length that ended the link",
        |terminal| {
            let said = terminal.logs();
            said.iter()
                .any(|line| line.contains("a line that is too long"))
        },
    )
}
