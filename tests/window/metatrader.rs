//! The MetaTrader page: green only by proof, one next thing at a time, nothing done without consent.

use egui_kittest::kittest::Queryable;
use fx_executor::core::health::{Leg, Phase};
use fx_executor::core::hours::{ClosedMarket, MarketHours};
use fx_executor::core::snapshot::{Notice, Severity, Snapshot, TerminalMode, Trading, UiCommand};
use fx_executor::market::{Cid, LinkFacts, Permissions};
use fx_executor::ui::{ExpertInTerminal, FoundTerminals, Page, SetupWish, TerminalPresence};

use jiff::SignedDuration;

use crate::world::{self, World};
use crate::{Desk, noon_after, until};

const ITEMS: [&str; 6] = [
    "Terminal found",
    "Expert Advisor compiled",
    "Expert Advisor connected",
    "Broker connected",
    "Algo trading allowed",
    "Account known",
];

/// A program that uses MetaTrader, with everything well.
fn live() -> Snapshot {
    let mut picture = world::snapshot(world::noon());
    picture.mode = TerminalMode::MetaTrader;
    picture.practice_page = None;
    picture
}

fn waiting() -> Snapshot {
    let mut picture = live();
    let link = &mut picture.links[Leg::Terminal as usize];
    link.phase = Phase::Connecting;
    link.last_proof = None;
    picture.account = None;
    picture.permissions = None;
    picture
}

/// Opens the page over a computer with these terminals, and waits for its first look.
fn open(picture: Snapshot, change: impl FnOnce(&mut FoundTerminals)) -> Desk {
    let world = World::new(picture);
    change(&mut world.terminals.found.lock().unwrap());
    let mut desk = Desk::over(world, Page::MetaTrader, |_| {}, [1280.0, 1000.0]);
    gone(&mut desk, "Looking for terminals");
    desk
}

fn appears(desk: &mut Desk, label: &str) {
    until(desk, &format!("\"{label}\" did not appear"), |desk| {
        desk.has(label)
    });
}

fn gone(desk: &mut Desk, label: &str) {
    until(desk, &format!("\"{label}\" stays"), |desk| !desk.has(label));
}

fn with_expert(found: &mut FoundTerminals) {
    found.terminals[0].expert = world::compiled();
    found.terminals[0].presence = TerminalPresence::Running;
}

/// The lines that are done.
fn done(desk: &Desk) -> Vec<&'static str> {
    let is_done = |item: &&str| desk.has(&format!("{item}: done"));
    ITEMS.into_iter().filter(|item| is_done(item)).collect()
}

#[test]
fn everything_is_green_when_everything_is_proved() {
    let desk = open(live(), with_expert);
    assert_eq!(done(&desk), ITEMS);
    assert!(desk.has("MetaTrader is ready"));
    assert!(desk.has("demo account …234, Practice-Demo, USD, hedging"));
    assert!(!desk.has("5001234"), "the number is masked");
}

#[test]
fn what_holds_orders_though_every_line_is_green_is_said() {
    let noon = world::noon();
    let paused = Trading::Paused {
        since: noon,
        reason: "by hand".to_owned(),
    };
    let closed = MarketHours {
        closed: vec![ClosedMarket {
            symbol: "EURUSD".to_owned(),
            opens: Some(noon + SignedDuration::from_hours(36)),
        }],
        open: 0,
    };
    let some_closed = MarketHours {
        open: 1,
        ..closed.clone()
    };
    let ready = "MetaTrader is ready";
    let cases = [
        (
            paused,
            MarketHours::default(),
            "no position is opened: by hand",
            false,
        ),
        (
            Trading::On,
            closed,
            "the market is closed until Thu 00:00",
            true,
        ),
        (Trading::On, some_closed, ready, false),
    ];
    for (trading, hours, words, sleeps) in cases {
        let mut picture = live();
        picture.trading = trading;
        picture.hours = hours;
        let desk = open(picture, with_expert);
        assert_eq!(done(&desk), ITEMS);
        assert!(desk.has(words), "{words}");
        assert_eq!(desk.has("Market closed"), sleeps, "{words}");
    }
}

#[test]
fn each_missing_thing_is_the_one_next_thing() {
    type Change = fn(&mut Snapshot, &mut FoundTerminals);
    let cases: [(&str, usize, Change); 13] = [
        ("Install MetaTrader 5 from your broker", 0, |_, found| {
            found.terminals.clear();
        }),
        ("Choose the terminal that is to trade", 0, |_, found| {
            found.terminals = vec![world::terminal("A", "One"), world::terminal("B", "Two")];
        }),
        ("Start MetaTrader 5 once", 1, |_, found| {
            found.terminals[0].data_dir = None;
        }),
        (
            "Install the Expert Advisor in MetaTrader 5",
            1,
            |_, found| {
                found.terminals[0].expert = ExpertInTerminal::Absent;
            },
        ),
        (
            "Install the Expert Advisor in MetaTrader 5",
            1,
            |_, found| {
                found.terminals[0].expert = ExpertInTerminal::NotCompiled;
            },
        ),
        (
            "Bring the Expert Advisor in MetaTrader 5 up to date",
            1,
            |_, found| {
                found.terminals[0].expert = ExpertInTerminal::Other {
                    version: "0.09".to_owned(),
                };
            },
        ),
        (
            "Choose MetaTrader as the terminal in Settings",
            2,
            |picture, _| {
                picture.mode = TerminalMode::Paper;
            },
        ),
        ("Drag FX-Executor onto a chart", 2, |_, _| {}),
        ("Open MetaTrader 5", 2, |_, found| {
            found.terminals[0].presence = TerminalPresence::Closed;
        }),
        ("Log in to your account in the terminal", 3, |picture, _| {
            *picture = live();
            let switches = picture.permissions.as_mut().unwrap();
            switches.connected = false;
            switches.algo_trading = false;
        }),
        ("Press the Algo Trading button", 4, |picture, _| {
            *picture = live();
            picture.permissions.as_mut().unwrap().algo_trading = false;
        }),
        (
            "Allow algo trading for the Expert Advisor",
            4,
            |picture, _| {
                *picture = live();
                picture.permissions.as_mut().unwrap().expert = false;
            },
        ),
        (
            "Ask your broker to allow Expert Advisors",
            4,
            |picture, _| {
                *picture = live();
                picture.permissions.as_mut().unwrap().account = false;
            },
        ),
    ];
    for (next, before, change) in cases {
        let mut picture = waiting();
        let mut found = FoundTerminals {
            terminals: vec![world::terminal("A", "MetaTrader 5")],
            notes: Vec::new(),
        };
        with_expert(&mut found);
        change(&mut picture, &mut found);
        // A link that is up proves a terminal with an Expert Advisor by itself.
        let desk = open(picture, |on_disk| *on_disk = found);
        assert!(desk.has(next), "{next}");
        assert!(desk.has(&format!("{}: next", ITEMS[before])), "{next}");
        assert!(done(&desk).len() >= before, "{next}: {:?}", done(&desk));
        assert!(!desk.has("MetaTrader is ready"), "{next}");
        let others = cases_next()
            .into_iter()
            .filter(|one| !next.starts_with(one));
        for other in others {
            assert!(!desk.has(other), "{next}, and not {other}");
        }
    }
}

/// What can stand as the next thing; only one may at a time.
fn cases_next() -> [&'static str; 6] {
    [
        "Install MetaTrader 5 from your broker",
        "Choose the terminal that is to trade",
        "Drag FX-Executor onto a chart",
        "Log in to your account in the terminal",
        "Press the Algo Trading button",
        "Ask your broker to allow Expert Advisors",
    ]
}

#[test]
fn the_switch_that_is_off_is_named() {
    let mut desk = open(live(), with_expert);
    desk.publish(|picture| picture.permissions.as_mut().unwrap().algo_trading = false);
    assert!(desk.has("off: the Algo Trading button"));
    assert!(desk.has("Picture: the Algo Trading button in the toolbar"));
    desk.publish(|picture| {
        let switches = picture.permissions.as_mut().unwrap();
        switches.algo_trading = true;
        switches.expert = false;
    });
    assert!(desk.has("off: the Expert Advisor's own box"));
    assert!(desk.has("with Allow Algo Trading ticked"));
}

#[test]
fn what_speaks_to_us_is_a_stronger_proof_than_what_is_seen_on_the_disk() {
    for hidden in [true, false] {
        let desk = open(live(), |found| {
            if hidden {
                found.terminals.clear();
            }
        });
        assert_eq!(done(&desk), ITEMS);
        assert!(desk.has("MetaTrader is ready"));
    }
}

#[test]
fn a_silent_link_is_not_green_and_its_age_is_told() {
    let mut desk = open(live(), with_expert);
    desk.publish(|picture| {
        picture.links[Leg::Terminal as usize].last_proof = Some(noon_after(0));
    });
    desk.pass(30);
    assert_eq!(done(&desk), ITEMS[..2], "what the link told counts no more");
    for item in &ITEMS[2..] {
        assert!(desk.has(&format!("{item}: stale")), "{item}");
    }
    assert!(desk.has("30 s ago"));
    assert!(desk.has("Wait a moment, or look at the terminal"));
}

#[test]
fn the_paper_terminal_is_not_taken_for_metatrader() {
    let picture = world::snapshot(world::noon());
    assert_eq!(picture.mode, TerminalMode::Paper);
    let mut desk = open(picture, with_expert);
    assert_eq!(done(&desk), ITEMS[..2]);
    assert!(desk.has("It can run once the Expert Advisor is connected."));
    desk.press("Open Settings");
    assert!(desk.has("Test connection") || desk.has("Reading the settings"));
}

#[test]
fn nothing_is_installed_before_a_person_agreed_to_the_steps() {
    let mut desk = open(waiting(), |_| {});
    desk.press("Show what would be done…");
    appears(&mut desk, "What would be done in MetaTrader 5");
    assert!(desk.has("Write the Expert Advisor 0.10"));
    assert!(desk.has("Not touched: the list of allowed addresses"));
    assert_eq!(*desk.world.terminals.agreed.lock().unwrap(), []);
    desk.press("Cancel");
    assert!(!desk.has("What would be done in"));
    assert_eq!(*desk.world.terminals.agreed.lock().unwrap(), []);

    desk.press("Show what would be done…");
    appears(&mut desk, "I agree, do this");
    desk.press("I agree, do this");
    appears(&mut desk, "0 errors, a new FX-Executor.ex5");
    let install = |start| SetupWish::Install {
        terminal: "D0E8209F77C8".to_owned(),
        start,
    };
    assert_eq!(
        *desk.world.terminals.agreed.lock().unwrap(),
        [install(false)]
    );
    appears(&mut desk, "Expert Advisor compiled: done");
    assert!(desk.has("Open MetaTrader 5"), "the next thing follows");
}

#[test]
fn another_wish_shows_other_steps_before_consent() {
    let mut desk = open(waiting(), |_| {});
    desk.press("Show what would be done…");
    appears(&mut desk, "Then you drag it onto a chart");
    desk.press("Then start the terminal with the Expert Advisor on a chart");
    appears(
        &mut desk,
        "Start the terminal with the Expert Advisor on a EURUSD chart",
    );
    desk.press("I agree, do this");
    appears(&mut desk, "What was done");
    let agreed = desk.world.terminals.agreed.lock().unwrap().clone();
    assert!(
        matches!(agreed.as_slice(), [SetupWish::Install { start: true, .. }]),
        "{agreed:?}"
    );
}

#[test]
fn a_compiler_error_is_told_and_nothing_turns_green() {
    let mut desk = open(waiting(), |_| {});
    *desk.world.terminals.compile_error.lock().unwrap() =
        Some("MetaEditor found 1 errors: FX-Executor.mq5(12,5): error 256".to_owned());
    desk.press("Show what would be done…");
    appears(&mut desk, "I agree, do this");
    desk.press("I agree, do this");
    appears(&mut desk, "FX-Executor.mq5(12,5): error 256");
    assert!(desk.has("✗ Compile it by this terminal's own MetaEditor"));
    assert!(!desk.has("Expert Advisor compiled: done"));
}

#[test]
fn one_of_several_is_picked_and_removal_asks_too() {
    let mut desk = open(waiting(), |found| {
        found.terminals = vec![world::terminal("A", "One"), world::terminal("B", "Two")];
    });
    desk.press("Use Two");
    assert!(desk.has("2 found; Two is chosen"));
    assert!(desk.has("Install the Expert Advisor in Two"));

    let mut desk = open(waiting(), with_expert);
    desk.press("Remove it…");
    appears(&mut desk, "What would be removed from MetaTrader 5");
    assert_eq!(*desk.world.terminals.agreed.lock().unwrap(), []);
    desk.press("I agree, remove this");
    appears(&mut desk, "Expert Advisor compiled: next");
}

#[test]
fn a_real_account_trades_only_after_one_explicit_answer() {
    let mut picture = live();
    picture.account.as_mut().unwrap().demo = false;
    picture.account_confirmed = false;
    let mut desk = open(picture, with_expert);
    assert!(desk.has("REAL account …234"));
    assert!(desk.has("not allowed to trade yet"));
    desk.press("Allow trading on this account…");
    assert!(desk.has("This is a REAL account. Allow trading?"));
    assert!(desk.has("Account 5001234 on Practice-Demo"));
    assert_eq!(desk.sent(), []);
    desk.press("Cancel");
    assert_eq!(desk.sent(), []);
    desk.press("Allow trading on this account…");
    desk.press("Allow trading with real money");
    let confirmed = UiCommand::ConfirmAccount {
        account: fx_executor::market::AccountId {
            login: 5_001_234,
            server: "Practice-Demo".to_owned(),
        },
    };
    assert_eq!(desk.sent(), [confirmed]);
    assert!(
        !desk.has("Account known: done"),
        "only the engine's word counts"
    );
    desk.publish(|picture| picture.account_confirmed = true);
    assert!(desk.has("Account known: done"));
}

#[test]
fn the_self_test_is_asked_for_and_its_outcome_is_shown() {
    let mut desk = open(live(), with_expert);
    desk.press("Run the self-test");
    assert_eq!(desk.sent(), [UiCommand::SelfTest]);
    assert!(desk.has("Testing…"));
    desk.pass(1);
    desk.publish(|picture| {
        picture.notices.push(Notice {
            key: "self-test".to_owned(),
            severity: Severity::Info,
            text: "CHECK passed; FIND answered; 100 pings, median 0.4 ms".to_owned(),
            remedy: String::new(),
            at: noon_after(1),
        });
    });
    assert!(desk.has("100 pings, median 0.4 ms"));
    assert!(!desk.has("Testing…"));

    desk.press("Run the self-test");
    assert!(
        !desk.has("100 pings, median 0.4 ms"),
        "the old outcome is not the new one"
    );
    desk.publish(|picture| {
        picture.links[Leg::Terminal as usize].last_proof = Some(noon_after(45));
    });
    desk.pass(45);
    assert!(
        !desk.has("Testing…"),
        "a lost answer is not waited for for ever"
    );
}

#[test]
fn every_switch_that_is_off_is_named() {
    type Change = fn(&mut Permissions);
    let cases: [(&str, Change); 5] = [
        ("no connection to its trade server", |on| {
            on.connected = false;
        }),
        ("off: the Algo Trading button", |on| on.algo_trading = false),
        ("off: the Expert Advisor's own box", |on| on.expert = false),
        ("does not allow trading on this account", |on| {
            on.account = false;
        }),
        ("does not allow Expert Advisors on this account", |on| {
            on.account_experts = false;
        }),
    ];
    for (words, change) in cases {
        let mut desk = open(live(), with_expert);
        assert!(!desk.has(words), "{words}");
        desk.publish(|picture| change(picture.permissions.as_mut().unwrap()));
        assert!(desk.has(words), "{words}");
        assert!(!desk.has("MetaTrader is ready"), "{words}");
    }
}

#[test]
fn the_terminal_behind_the_link_is_told_with_its_age() {
    let mut desk = open(live(), with_expert);
    for words in [
        "Terminal and link",
        "named pipe",
        "Expert Advisor",
        env!("CARGO_PKG_VERSION"),
        "6140",
        "UTC+3:00",
        "1:100",
        "1 ms",
        "off, as it should be",
    ] {
        assert!(desk.has(words), "{words}");
    }
    assert!(desk.has("of this program"));
    desk.publish(|picture| {
        picture.terminal.ea = "0.0.9".to_owned();
        picture.terminal.busy = Some(Cid(0x4600_0100_0000_0007));
        picture.terminal.dll_allowed = true;
        picture.links[Leg::Terminal as usize].last_proof = Some(noon_after(0));
    });
    assert!(desk.has("executing order 4600010000000007"));
    assert!(desk.has("on; this program needs none"));
    assert!(desk.has("0.0.9; this program has"));
    desk.pass(30);
    assert!(desk.has("30 s ago"));
    assert!(desk.has("not known now"), "an old ping is none");
    desk.publish(|picture| {
        picture.terminal = LinkFacts {
            waits_for: "the Expert Advisor was silent for 5 s; is MetaTrader 5 frozen?".to_owned(),
            ..LinkFacts::default()
        };
    });
    assert!(desk.has("The Expert Advisor was silent for 5 s; is MetaTrader 5 frozen?"));
    assert!(!desk.has("UTC+3:00"));
    desk.publish(|picture| picture.mode = TerminalMode::Paper);
    assert!(!desk.has("Terminal and link"));
}

#[test]
fn an_order_without_a_certain_outcome_is_in_sight_with_its_reason() {
    let mut picture = live();
    picture.notices.insert(
        0,
        Notice {
            key: "order:4600010000000007".to_owned(),
            severity: Severity::Warning,
            text: "BUY 0.10 EURUSD has no certain outcome: the link was lost.".to_owned(),
            remedy: "Nothing to do: it is looked for at the terminal.".to_owned(),
            at: world::noon(),
        },
    );
    let mut desk = open(picture.clone(), with_expert);
    assert!(desk.has("Orders without a certain outcome"));
    assert!(desk.has("BUY 0.10 EURUSD has no certain outcome: the link was lost."));
    desk.publish(|picture| {
        picture.notices.remove(0);
    });
    assert!(!desk.has("certain outcome"));

    let desk = Desk::new(picture.clone(), Page::Overview);
    assert!(desk.has("BUY 0.10 EURUSD has no certain outcome: the link was lost."));
    let dismissable = |desk: &Desk| desk.harness.query_all_by_label("Dismiss").count();
    assert_eq!(
        dismissable(&desk),
        picture.notices.len() - 1,
        "an order in doubt stays until its outcome is known"
    );
}

#[test]
fn a_self_test_needs_a_person_only_when_it_failed() {
    let mut picture = live();
    picture.notices.insert(
        0,
        Notice {
            key: "self-test".to_owned(),
            severity: Severity::Info,
            text: "✓ order check: the smallest order would pass".to_owned(),
            remedy: String::new(),
            at: world::noon(),
        },
    );
    let mut desk = Desk::new(picture, Page::Overview);
    assert!(!desk.has("the smallest order would pass"));
    desk.publish(|picture| {
        picture.notices[0].severity = Severity::Warning;
        picture.notices[0].text = "✗ search: the history is not synchronised".to_owned();
    });
    assert!(desk.has("the history is not synchronised"));
}

#[test]
fn a_contest_account_is_called_one() {
    let mut picture = live();
    picture.terminal.contest = true;
    let desk = open(picture, with_expert);
    assert!(desk.has("contest account …234, Practice-Demo, USD, hedging"));
}

#[test]
fn the_keyboard_alone_reaches_the_consent() {
    let mut desk = open(waiting(), |_| {});
    let reaches = |desk: &mut Desk, label: &str| {
        for _ in 0..60 {
            desk.harness.key_press(egui::Key::Tab);
            desk.settle();
            let mut found = desk.harness.query_all_by_label(label);
            if found.any(|node| node.is_focused()) {
                return;
            }
        }
        panic!("Tab never reaches \"{label}\"");
    };
    reaches(&mut desk, "Show what would be done…");
    desk.harness.key_press(egui::Key::Enter);
    appears(&mut desk, "What would be done in MetaTrader 5");
    reaches(&mut desk, "I agree, do this");
    desk.harness.key_press(egui::Key::Space);
    appears(&mut desk, "What was done");
    assert_eq!(desk.world.terminals.agreed.lock().unwrap().len(), 1);
}
