//! The terminal goes to another account: what was done on one says nothing about the other, even in the midst of a request.

use super::{BRIEF, Outcome, Variant, buy, cid, done, ensure, has, head, res, sends, soon, within};
use crate::emulated::Row;
use crate::harness::{ACCOUNT, Rig};

const OTHER: &str = "2002@Broker-Demo";

/// On 1001, with a second account of the same broker.
fn two_accounts(variant: &Variant, mode: &str) -> Rig {
    let options = variant
        .options()
        .setup(&format!("account 1001 margin_mode={mode}"))
        .setup(&format!("account 2002 margin_mode={mode} balance=5000"));
    Rig::start(variant.link, options)
}

fn go_to(rig: &mut Rig, login: u32) {
    rig.terminal.cmd(&format!("login {login}"));
    rig.reconnect();
}

fn on(account: &str, fields: &str) -> String {
    fields.replace(ACCOUNT, account)
}

fn the_position(rig: &Rig) -> Row {
    rig.terminal.truth("positions")[0].clone()
}

fn close(rig: &Rig, n: u64, account: &str, position: &Row) -> String {
    let head = on(account, &head(&rig.terminal, cid(n)));
    let (ticket, ident) = (&position["ticket"], &position["ident"]);
    format!("{head}\tticket={ticket}\tident={ident}\tvol=\tdev=\tfill=auto")
}

/// On netting, fills that the history does not show yet count as deals: those of this account. What was bought on another
/// one makes nothing of the trader's ours, and what was sold there takes nothing of ours away.
pub fn fills_count_on_their_own_account(variant: &Variant) -> Outcome {
    let mut rig = two_accounts(variant, "netting");
    go_to(&mut rig, 2002);
    rig.terminal.cmd("by_hand buy EURUSD 1.0");
    let traders = the_position(&rig);
    go_to(&mut rig, 1001);
    // Lists so late that the answer knows no position.
    rig.terminal.cmd("lag book 5000");
    rig.terminal.cmd("lag history 5000");
    done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    rig.terminal.cmd("lag book 0");
    rig.terminal.cmd("lag history 0");
    go_to(&mut rig, 2002);
    has(
        &res(&rig.peer, "CLOSE", &close(&rig, 2, OTHER, &traders))?,
        &[("retcode", "-1"), ("stage", "refused")],
    )?;
    rig.terminal
        .cmd(&format!("by_hand close {}", traders["ticket"]));

    let order = buy(&rig.terminal, cid(3), &[("acct", OTHER)]);
    done(&rig, "ORDER", &order)?;
    let ours = the_position(&rig);
    go_to(&mut rig, 1001);
    let sell = [("type", "sell"), ("sl", ""), ("nostop", "1")];
    done(&rig, "ORDER", &buy(&rig.terminal, cid(4), &sell))?;
    go_to(&mut rig, 2002);
    has(
        &done(&rig, "CLOSE", &close(&rig, 5, OTHER, &ours))?,
        &[("vol", "0.1")],
    )
}

/// The terminal goes to another account while OrderSend is inside: the answer is about the account that was asked. Its fill
/// makes nothing of the trader's ours on the other one, and is ours on its own.
pub fn an_answer_is_of_the_account_that_was_asked(variant: &Variant) -> Outcome {
    let mut rig = two_accounts(variant, "netting");
    go_to(&mut rig, 2002);
    rig.terminal.cmd("by_hand buy EURUSD 1.0");
    let traders = the_position(&rig);
    go_to(&mut rig, 1001);
    rig.terminal.cmd("hook OrderSend.after 1 login_now 2002");
    let answer = done(&rig, "ORDER", &buy(&rig.terminal, cid(1), &[]))?;
    ensure!(answer.get("pos") != traders["ident"], "{}", answer.raw);
    rig.reconnect();
    has(
        &res(&rig.peer, "CLOSE", &close(&rig, 2, OTHER, &traders))?,
        &[("retcode", "-1"), ("stage", "refused")],
    )?;
    go_to(&mut rig, 1001);
    rig.terminal.cmd("hide_history 60000");
    rig.terminal.cmd("by_hand buy EURUSD 1.0");
    let position = the_position(&rig);
    has(
        &done(&rig, "CLOSE", &close(&rig, 3, ACCOUNT, &position))?,
        &[("vol", "0.1")],
    )
}

/// Between the first look at the account and OrderSend lie a check and a write to the disk: the account is looked at again.
pub fn an_account_that_changes_before_sending_gets_nothing(variant: &Variant) -> Outcome {
    for mode in ["hedging", "netting"] {
        let mut rig = two_accounts(variant, mode);
        rig.terminal.cmd("hook OrderCheck 1 login_now 2002");
        let order = buy(&rig.terminal, cid(1), &[]);
        let refused = res(&rig.peer, "ORDER", &order)?;
        has(&refused, &[("retcode", "-4"), ("stage", "refused")])?;
        ensure!(
            sends(&rig.terminal) == 0,
            "{mode}: it was sent to the other account"
        );
        ensure!(
            rig.terminal.truth("positions").is_empty(),
            "{mode}: {}",
            rig.terminal.picture()
        );
        // It is no doubt that would be looked into: nothing was sent, and that is known for good.
        rig.reconnect();
        go_to(&mut rig, 1001);
        let again = res(&rig.peer, "ORDER", &order)?;
        has(
            &again,
            &[("retcode", "-4"), ("stage", "refused"), ("dup", "1")],
        )?;
    }
    Ok(())
}

fn flat(rig: &Rig, n: u64, account: &str) -> u64 {
    let head = on(account, &head(&rig.terminal, cid(n)));
    rig.peer
        .request("FLAT", &format!("{head}\ton=1\treason=test"))
}

/// FLAT takes nothing off on the account to which the terminal goes meanwhile, and goes on when it is back.
pub fn flat_ends_with_its_account(variant: &Variant) -> Outcome {
    let mut rig = two_accounts(variant, "hedging");
    go_to(&mut rig, 2002);
    let order = buy(&rig.terminal, cid(1), &[("acct", OTHER)]);
    done(&rig, "ORDER", &order)?;
    go_to(&mut rig, 1001);
    for n in [2, 3] {
        done(&rig, "ORDER", &buy(&rig.terminal, cid(n), &[]))?;
    }
    let sent = sends(&rig.terminal);
    rig.terminal.cmd("hook OrderSend.after 1 login_now 2002");
    let id = flat(&rig, 10, ACCOUNT);
    soon(&rig.peer, "RES of FLAT", |line| line.is("RES", id))?;
    ensure!(rig.peer.closed(BRIEF), "the account is not greeted anew");
    ensure!(
        rig.peer.waiting().iter().all(|line| !line.is("END", id)),
        "END of FLAT tells of another account"
    );
    rig.reconnect();
    rig.terminal.sync();
    ensure!(
        rig.terminal.truth("positions").len() == 1 && sends(&rig.terminal) == sent + 1,
        "FLAT of 1001 went on with 2002\n{}",
        rig.terminal.picture()
    );
    go_to(&mut rig, 1001);
    within(BRIEF, &rig.terminal, "FLAT did not go on", |terminal| {
        terminal.truth("positions").is_empty()
    })
}

/// On both accounts a position of ours has one number, and the terminal goes to the other one while FLAT makes its request:
/// what is meant stays open until the terminal is back, and what is not meant stays open.
pub fn flat_looks_at_the_account_before_it_sends(variant: &Variant) -> Outcome {
    let mut rig = two_accounts(variant, "hedging");
    for (n, login, account) in [(1, 2002, OTHER), (2, 1001, ACCOUNT)] {
        go_to(&mut rig, login);
        rig.terminal.cmd("next_ticket 7000");
        let order = buy(&rig.terminal, cid(n), &[("acct", account)]);
        has(&done(&rig, "ORDER", &order)?, &[("pos", "7000")])?;
    }
    let sent = sends(&rig.terminal);
    rig.terminal.cmd("hook SymbolInfoTick 1 login_now 2002");
    let id = flat(&rig, 10, ACCOUNT);
    let refused = soon(&rig.peer, "RES of FLAT", |line| line.is("RES", id))?;
    has(&refused, &[("retcode", "-4"), ("stage", "refused")])?;
    rig.reconnect();
    ensure!(
        sends(&rig.terminal) == sent && rig.terminal.truth("positions 2002").len() == 1,
        "a close of 1001 was sent on 2002\n{}",
        rig.terminal.picture()
    );
    go_to(&mut rig, 1001);
    within(BRIEF, &rig.terminal, "FLAT did not go on", |terminal| {
        terminal.truth("positions").is_empty()
    })
}

/// A close in doubt on one account holds back nothing on another one, whose broker has given a position the same number.
pub fn what_flat_holds_back_is_of_one_account(variant: &Variant) -> Outcome {
    let mut rig = two_accounts(variant, "hedging");
    go_to(&mut rig, 2002);
    rig.terminal.cmd("next_ticket 7000");
    let order = buy(&rig.terminal, cid(1), &[("acct", OTHER)]);
    done(&rig, "ORDER", &order)?;
    go_to(&mut rig, 1001);
    rig.terminal.cmd("next_ticket 7000");
    let opened = done(&rig, "ORDER", &buy(&rig.terminal, cid(2), &[]))?;
    has(&opened, &[("pos", "7000")])?;

    // Both FLATs are there before the first of them begins: the terminal goes to the other account between them.
    rig.terminal.cmd("fault unsent 10031");
    rig.terminal.cmd("hook OrderSend.after 1 login_now 2002");
    let lines = [(901, ACCOUNT), (902, OTHER)].map(|(id, account)| {
        let head = on(account, &head(&rig.terminal, cid(id)));
        format!("FLAT\tid={id}\t{head}\ton=1\treason=test\n")
    });
    rig.peer.send_bytes(lines.concat().as_bytes());
    let first = soon(&rig.peer, "RES of FLAT", |line| line.is("RES", 901))?;
    has(&first, &[("stage", "sent"), ("pos", "7000")])?;
    let second = soon(&rig.peer, "RES of the other FLAT", |line| {
        line.is("RES", 902)
    })?;
    has(&second, &[("ok", "1"), ("pos", "7000")])?;
    ensure!(
        rig.terminal.truth("positions 2002").is_empty()
            && rig.terminal.truth("positions 1001").len() == 1,
        "{}",
        rig.terminal.picture()
    );
    Ok(())
}
