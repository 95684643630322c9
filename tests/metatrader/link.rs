//! The shipped Expert Advisor on both links, with every quirk the links are known for, and across kills.

use std::time::Duration;

use crate::emulated::{Emulated, Folders, Options, SOON};
use crate::harness::{Rig, buy};
use crate::scripted::{Kind, ScriptedExecutor};

const CID: u64 = 0x4601_0000_0000_0001;

#[test]
fn an_order_goes_through_on_both_links() {
    for kind in [Kind::Pipe, Kind::Tcp] {
        let rig = Rig::start(kind, Options::default());
        assert_eq!(rig.peer.hello().get("login"), "1001");
        let pong = {
            let id = rig.peer.request("PING", "x=7");
            rig.peer.answer("PONG", id)
        };
        assert_eq!(pong.get("x"), "7");
        let res = rig.peer.res("ORDER", &buy(CID, ""));
        assert_eq!(
            (res.get("retcode"), res.get("stage"), res.get("cid")),
            ("10009", "done", CID.to_string().as_str()),
            "{}",
            res.raw
        );
        let again = rig.peer.res("ORDER", &buy(CID, ""));
        assert_eq!(
            (again.get("dup"), again.get("order")),
            ("1", res.get("order")),
            "{}",
            again.raw
        );
        assert_eq!(rig.terminal.deals_of(CID).len(), 1);
        assert_eq!(rig.terminal.stat("sends"), 1);
        assert_eq!(
            rig.terminal.stat("pipe_turns_missed"),
            0,
            "between reading and writing a pipe wants FileSeek or FileFlush"
        );
        assert!(rig.peer.gaps().is_empty(), "{:?}", rig.peer.gaps());
    }
}

#[test]
fn short_reads_and_short_writes_lose_nothing() {
    for kind in [Kind::Pipe, Kind::Tcp] {
        let rig = Rig::start(
            kind,
            Options::default().setup("quirk short_send=7 short_read=3"),
        );
        let id = rig.peer.request("SYMS", "");
        let lines = rig.peer.answers(id);
        assert_eq!(lines.last().unwrap().get("n"), "7");
        assert_eq!(lines.len(), 8);
        assert_eq!(rig.peer.res("ORDER", &buy(CID, "")).get("retcode"), "10009");
        assert!(rig.peer.gaps().is_empty(), "{:?}", rig.peer.gaps());
    }
}

#[test]
fn tcp_without_the_allowed_address_says_what_to_do() {
    let folders = Folders::new();
    let _executor = ScriptedExecutor::listen(&folders, Kind::Tcp);
    let terminal = Emulated::start(
        folders,
        Options::default()
            .input("InpTcp", true)
            .setup("quirk allow_localhost=off"),
    );
    terminal.await_line("127.0.0.1", SOON);
}

#[test]
fn a_killed_terminal_does_not_execute_twice() {
    let mut rig = Rig::pipe();
    rig.terminal.cmd("hook OrderSend.after 1 kill");
    rig.peer.request("ORDER", &buy(CID, ""));
    rig.terminal.await_death(SOON);
    rig.terminal.restart();
    rig.reconnect();
    let res = rig.peer.res("ORDER", &buy(CID, ""));
    assert_eq!(res.get("dup"), "1", "{}", res.raw);
    assert_eq!(rig.terminal.deals_of(CID).len(), 1);
    assert_eq!(rig.terminal.stat("sends"), 0, "it was found, not sent");
}

#[test]
fn a_reloaded_expert_advisor_comes_back_by_itself() {
    let mut rig = Rig::pipe();
    rig.terminal.reload();
    rig.reconnect();
    assert_eq!(rig.peer.res("ORDER", &buy(CID, "")).get("retcode"), "10009");
}

#[test]
fn a_frozen_terminal_answers_when_it_thaws() {
    let rig = Rig::pipe();
    rig.terminal.freeze();
    let id = rig.peer.request("PING", "x=1");
    assert!(
        rig.peer
            .try_take(|line| line.is("PONG", id), Duration::from_millis(300))
            .is_none()
    );
    rig.terminal.thaw();
    rig.peer.answer("PONG", id);
}

#[test]
fn a_peer_that_stops_reading_is_survived() {
    let rig = Rig::start(Kind::Tcp, Options::default().setup("many 40"));
    rig.peer.stall(true);
    for _ in 0..200 {
        rig.peer.request("SYMS", "");
    }
    std::thread::sleep(Duration::from_millis(300));
    rig.peer.stall(false);
    let id = rig.peer.request("PING", "x=1");
    let answered = rig
        .peer
        .try_take(|line| line.is("PONG", id), SOON)
        .is_some();
    assert!(
        answered || rig.peer.closed(SOON),
        "either it answers or it has dropped the link"
    );
}
