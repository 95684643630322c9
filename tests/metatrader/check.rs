//! `fx-executor mt5-check` against the shipped Expert Advisor on the emulated terminal, as a person starts it.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::emulated::{Emulated, Folders, Options, SOON};

struct Checked {
    code: Option<i32>,
    printed: String,
    report: String,
}

/// Starts the program over these folders and waits for its end.
fn check(folders: &Path, arguments: &[&str]) -> Checked {
    let report = folders.join("report.txt");
    let Output {
        status,
        stdout,
        stderr,
    } = Command::new(env!("CARGO_BIN_EXE_fx-executor"))
        .arg("mt5-check")
        .arg("--data-dir")
        .arg(folders.join("executor"))
        .arg("--common-files")
        .arg(folders.join("common/Files"))
        .arg("--report")
        .arg(&report)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Checked {
        code: status.code(),
        printed: String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap(),
        report: std::fs::read_to_string(&report).unwrap_or_default(),
    }
}

/// A terminal with the Expert Advisor on its chart, waiting for the program.
fn terminal(options: Options) -> Emulated {
    let terminal = Emulated::start(Folders::new(), options);
    terminal.await_line("Waiting for FX Executor", SOON);
    terminal
}

fn on(terminal: &Emulated, arguments: &[&str]) -> Checked {
    check(terminal.folders.data().parent().unwrap(), arguments)
}

#[test]
fn every_item_holds_on_a_good_terminal_and_nothing_is_traded() {
    let terminal = terminal(Options::default());
    let checked = on(&terminal, &[]);
    let report = &checked.report;
    assert_eq!(checked.code, Some(0), "{}", checked.printed);
    for part in [
        "✓ 2.1  Expert Advisor connects: after",
        "Account: demo …001 on Broker-Demo",
        "hedging",
        "✓ 2.1  switches: trade server on, Algo Trading button on",
        "✓ 2.2  self-test 5 of 5: order check:",
        "100 answers, median",
        "✓ 2    broker's clock: UTC",
        "✓ 2    symbols: 7 symbols, 6 may be traded; EURUSD: 5 digits",
        "✓ 2    positions and orders: 0 positions",
        "closed M1 bars of EURUSD",
        "– 5    order opened and closed: not tried",
        "[ ] 8 ",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    assert!(!report.contains("1001"), "the account is masked\n{report}");
    assert_eq!(terminal.stat("sends"), 0);
}

#[test]
fn a_demo_order_is_opened_read_back_whole_and_closed() {
    let terminal = terminal(Options::default().setup("latency 20000"));
    let checked = on(&terminal, &["--demo-orders", "--yes", "--symbol", "GBPUSD"]);
    let report = &checked.report;
    assert_eq!(checked.code, Some(0), "{}", checked.printed);
    for part in [
        "✓ 5    order opened and closed: BUY 0.01 GBPUSD at",
        "OrderSend blocked for 2",
        "; closed at",
        "✓ 6    magic number: 51",
        "✓ 7    comment of 31 characters: \"FX:",
        "[ ] 5     four more orders",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    assert_eq!(terminal.stat("sends"), 2);
    assert_eq!(terminal.truth("positions").len(), 0);
    assert_eq!(terminal.truth("deals").len(), 2);
}

#[test]
fn no_order_is_sent_on_a_real_account_or_without_a_yes() {
    for (setup, arguments, why) in [
        (
            "account 1001 kind=real",
            &["--demo-orders", "--yes"][..],
            "is no demo account; no order was sent",
        ),
        (
            "account 1001 kind=contest",
            &["--demo-orders", "--yes"],
            "is no demo account; no order was sent",
        ),
        (
            "account 1001 kind=demo",
            &["--demo-orders"],
            "nobody can be asked here; add --yes",
        ),
    ] {
        let terminal = terminal(Options::default().setup(setup));
        let checked = on(&terminal, arguments);
        assert_eq!(checked.code, Some(1), "{}", checked.printed);
        assert!(checked.report.contains(why), "{}", checked.report);
        assert_eq!(terminal.stat("sends"), 0);
    }
}

#[test]
fn what_does_not_hold_is_named_and_counted() {
    let terminal = terminal(
        Options::default()
            .setup("algo off")
            .setup("account 1001 comment=drop"),
    );
    let checked = on(&terminal, &["--demo-orders", "--yes"]);
    let report = &checked.report;
    for part in [
        "✗ 2.1  switches: ",
        "Algo Trading button OFF",
        "press it",
        "✗ 5    order opened and closed: refused",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    let failed = report.matches('✗').count();
    assert_eq!(checked.code, Some(failed as i32), "{}", checked.printed);
    assert_eq!(terminal.stat("sends"), 0);

    terminal.cmd("algo on");
    let checked = on(&terminal, &["--demo-orders", "--yes"]);
    assert_eq!(checked.code, Some(1), "{}", checked.printed);
    assert!(
        checked
            .report
            .contains("✗ 7    comment of 31 characters: \"FX:"),
        "{}",
        checked.report
    );
    assert_eq!(terminal.truth("positions").len(), 0);
}

#[test]
fn without_an_expert_advisor_it_says_what_it_waits_for_and_ends() {
    let folders = Folders::new();
    let began = Instant::now();
    let checked = check(folders.data().parent().unwrap(), &["--wait", "2"]);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(checked.code, Some(1), "{}", checked.printed);
    for part in [
        "… waiting for the Expert Advisor: open MetaTrader 5, drag FX-Executor",
        "✗ 2.1  Expert Advisor connects: ",
        "0 held, 1 failed, 9 not tried",
        "Report: ",
    ] {
        assert!(
            checked.printed.contains(part),
            "{part}\n{}",
            checked.printed
        );
    }
}
