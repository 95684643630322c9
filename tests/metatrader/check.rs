//! `fx-executor mt5-check` against the shipped Expert Advisor on the emulated terminal, as a person starts it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::emulated::{Emulated, Folders, Options, SOON};

struct Checked {
    code: Option<i32>,
    printed: String,
    report: String,
}

/// The program over these folders.
fn program(folders: &Path, arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fx-executor"));
    program
        .arg("mt5-check")
        .arg("--data-dir")
        .arg(folders.join("executor"))
        .arg("--common-files")
        .arg(folders.join("common/Files"))
        .arg("--report")
        .arg(folders.join("report.txt"))
        .args(arguments);
    program
}

fn checked(folders: &Path, output: Output) -> Checked {
    Checked {
        code: output.status.code(),
        printed: String::from_utf8(output.stdout).unwrap()
            + &String::from_utf8(output.stderr).unwrap(),
        report: std::fs::read_to_string(folders.join("report.txt")).unwrap_or_default(),
    }
}

/// Starts it and waits for its end.
fn check(folders: &Path, arguments: &[&str]) -> Checked {
    let output = program(folders, arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    checked(folders, output)
}

/// The same at a terminal where a person types `answer`.
fn check_answered(folders: &Path, arguments: &[&str], answer: &str) -> Checked {
    let program = program(folders, arguments);
    let words: Vec<String> = std::iter::once(program.get_program())
        .chain(program.get_args())
        .map(|word| format!("'{}'", word.to_str().unwrap()))
        .collect();
    let mut child = Command::new("script")
        .args(["-qec", &words.join(" "), "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keyboard = child.stdin.take().unwrap();
    writeln!(keyboard, "{answer}").unwrap();
    let output = child.wait_with_output().unwrap();
    drop(keyboard);
    checked(folders, output)
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
fn an_order_whose_answer_was_lost_is_not_left_open() {
    let terminal = terminal(Options::default().setup("fault lost 10012"));
    let checked = on(&terminal, &["--demo-orders", "--yes"]);
    let report = &checked.report;
    assert_eq!(checked.code, Some(1), "{}", checked.printed);
    assert!(
        report.contains("✗ 5    order opened and closed: no certain outcome"),
        "{report}"
    );
    assert!(report.contains("; closed at"), "{report}");
    assert_eq!(terminal.truth("positions").len(), 0);
}

#[test]
fn a_person_is_asked_and_only_yes_sends_the_order() {
    for (answer, code, sends, words) in [
        ("no", 1, 0, "not agreed; no order was sent"),
        ("yes", 0, 2, "✓ 5    order opened and closed"),
    ] {
        let terminal = terminal(Options::default());
        let root = terminal.folders.data().parent().unwrap().to_owned();
        let checked = check_answered(&root, &["--demo-orders"], answer);
        let question = "Buy 0.01 EURUSD on the demo account …001 on Broker-Demo and close it at once? Type yes:";
        assert!(checked.printed.contains(question), "{}", checked.printed);
        assert_eq!(checked.code, Some(code), "{}", checked.printed);
        assert!(checked.report.contains(words), "{}", checked.report);
        assert_eq!(terminal.stat("sends"), sends);
    }
}

#[test]
fn beside_a_running_program_on_the_same_folder_it_does_nothing() {
    let folders = Folders::new();
    let root = folders.data().parent().unwrap().to_owned();
    let mut first = program(&root, &["--wait", "60"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + SOON;
    while !folders.link_file().exists() {
        assert!(Instant::now() < until, "no link.txt");
        std::thread::sleep(Duration::from_millis(5));
    }
    let link = std::fs::read(folders.link_file()).unwrap();
    let second = check(&root, &[]);
    assert_eq!(second.code, Some(3), "{}", second.printed);
    assert!(
        second.printed.contains("end it first"),
        "{}",
        second.printed
    );
    assert_eq!(std::fs::read(folders.link_file()).unwrap(), link);
    first.kill().unwrap();
    first.wait().unwrap();
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
