//! What is acknowledged is there again, and what is wrong with a file is said.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use rust_decimal::Decimal;

use super::{Journal, JournalError, Loaded};
use crate::core::snapshot::{CommandState, Counts, Source, UiCommand};
use crate::core::{
    Config, Delivery, Durable, EmergencyStop, Event, Now, Purpose, Record, ReportOutcome, State,
    step,
};
use crate::market::{AccountId, Cid, IntentAction, OrderIntent, Position, Side, Ticket};

const WAIT: Duration = Duration::from_secs(3);

/// A journal in a folder of its own.
struct Bench {
    folder: tempfile::TempDir,
    state: State,
    now: Now,
}

impl Bench {
    fn new() -> Self {
        let now = Now {
            mono: Duration::ZERO,
            utc: "2026-03-02T09:00:00Z".parse().unwrap(),
        };
        Self {
            folder: tempfile::tempdir().unwrap(),
            state: State::new(
                Durable::default(),
                Config::default(),
                Vec::new(),
                Counts::default(),
                now,
            ),
            now,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("data").join("journal.sqlite")
    }

    /// A second passes and something happens; the records of it.
    fn records(&mut self, event: Event) -> Vec<Record> {
        self.now.utc += SignedDuration::from_secs(1);
        self.now.mono += Duration::from_secs(1);
        step(&mut self.state, event, self.now).records
    }

    fn command(&mut self, id: &str, name: &str) -> Vec<Record> {
        self.records(Event::Delivered(Delivery {
            source: Source::Pusher,
            raw: json!({ "id": id, "command": name, "parameters": { "ticket": 7, "ratio": 0.1 } })
                .to_string(),
        }))
    }

    /// A little of everything.
    fn day(&mut self) -> Vec<Record> {
        let mut all = self.records(Event::Started);
        all.extend(self.records(Event::Identified {
            executor_id: "ex".to_owned(),
            executor_name: None,
            platform_url: "https://platform.example".to_owned(),
            overrides: Vec::new(),
        }));
        for (id, name) in [
            ("p", "PAUSE"),
            ("g", "GET_STATUS"),
            ("u", "NO_SUCH"),
            ("c", "CLOSE_POSITION"),
        ] {
            all.extend(self.command(id, name));
        }
        for (id, outcome) in [
            (
                "p",
                ReportOutcome::Accepted {
                    user_id: None,
                    given_at: None,
                },
            ),
            ("g", ReportOutcome::NoSuchCommand),
        ] {
            all.extend(self.records(Event::ReportAnswered {
                id: id.to_owned(),
                interim: false,
                outcome,
            }));
        }
        all.extend(self.records(Event::Ui(UiCommand::StopEverything {
            reason: "test".to_owned(),
        })));
        all
    }
}

/// Opens, looks, and leaves without a clean end, as a killed program would.
fn look(path: &Path) -> Loaded {
    let (connection, damaged) = super::schema::open(path).unwrap();
    Loaded {
        durable: super::reading::load(&connection).unwrap(),
        rows: super::reading::newest(&connection, 300).unwrap(),
        counts: super::reading::counts(&connection).unwrap(),
        damaged,
        lost: false,
    }
}

#[test]
fn what_was_stored_is_there_again_with_and_without_a_clean_end() {
    let mut bench = Bench::new();
    let (mut journal, loaded) = Journal::open(&bench.path()).unwrap();
    assert_eq!(loaded.durable, Durable::default());
    assert!(loaded.damaged.is_none());
    for record in bench.day() {
        journal.append(&[record], WAIT).unwrap();
        journal.catch_up();
    }
    let killed = look(&bench.path());
    assert_eq!(killed.durable, *bench.state.durable());
    journal.close();
    let clean = look(&bench.path());
    assert_eq!(clean.durable, *bench.state.durable(), "from the checkpoint");
    // Further records come after the checkpoint.
    let (mut journal, loaded) = Journal::open(&bench.path()).unwrap();
    assert_eq!(loaded.durable, *bench.state.durable());
    journal
        .append(&bench.command("later", "GET_STATUS"), WAIT)
        .unwrap();
    assert_eq!(look(&bench.path()).durable, *bench.state.durable());
    journal.close();
}

#[test]
fn rows_and_counts_are_those_of_the_window() {
    let mut bench = Bench::new();
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    journal.append(&bench.day(), WAIT).unwrap();
    journal.catch_up();
    let stored = look(&bench.path());
    let shown = bench.state.snapshot(bench.now);
    assert_eq!(stored.rows, *shown.commands);
    let counts = Counts {
        unreported: 0,
        ..shown.counts
    };
    assert_eq!(stored.counts, counts);
    journal.close();
}

#[test]
fn older_commands_come_by_page_and_a_command_tells_its_story() {
    let mut bench = Bench::new();
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    journal.append(&bench.day(), WAIT).unwrap();
    let all = journal.page(Timestamp::MAX);
    let ids: Vec<_> = all.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["local-0", "c", "u", "g", "p"]);
    let older = journal.page(all[2].received_at);
    assert_eq!(older.len(), 2);
    assert_eq!((older[0].id.as_str(), older[0].reported), ("g", None));

    let detail = journal.detail("p").unwrap();
    let titles: Vec<_> = detail
        .timeline
        .iter()
        .map(|step| step.title.as_str())
        .collect();
    assert_eq!(titles, ["received", "executed", "answer ready", "reported"]);
    assert!(detail.raw.contains("\"PAUSE\""));
    assert!(detail.result.unwrap().contains("\"success\":true"));
    assert_eq!(detail.row.state, CommandState::Executed);
    assert_eq!(detail.row.reported, Some(true));

    let (status, result) = journal.answer("u").unwrap();
    assert_eq!(
        (status.as_str(), &result["success"]),
        ("failed", &json!(false))
    );
    assert!(journal.answer("never").is_none());
    assert!(journal.detail("never").is_none());
    journal.close();
}

/// A kill between the order and the list that follows it, at each place of a day.
#[test]
fn the_list_is_made_good_after_a_kill_before_it_followed() {
    let day = Bench::new().day();
    for followed in 0..=day.len() {
        let mut bench = Bench::new();
        let day = bench.day();
        let (mut journal, _) = Journal::open(&bench.path()).unwrap();
        journal.append(&day[..followed], WAIT).unwrap();
        journal.catch_up();
        journal.append(&day[followed..], WAIT).unwrap();
        drop(journal);
        let (mut journal, loaded) = Journal::open(&bench.path()).unwrap();
        let shown = bench.state.snapshot(bench.now);
        assert_eq!(loaded.rows, *shown.commands, "followed {followed}");
        assert_eq!(journal.detail("p").unwrap().timeline.len(), 4);
        assert_eq!(journal.answer("u").unwrap().0, "failed");
    }
}

#[test]
fn a_list_that_cannot_follow_holds_up_no_record_and_follows_later() {
    let mut bench = Bench::new();
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    journal.append(&bench.day(), WAIT).unwrap();
    let other = rusqlite::Connection::open(bench.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    journal.catch_up();
    assert!(journal.is_ahead(), "the file is held");
    let (status, _) = journal.answer("u").unwrap();
    assert_eq!(status, "failed", "the records know it");
    let shown = bench.state.snapshot(bench.now);
    assert_eq!(super::latest(&bench.path(), 300).unwrap(), *shown.commands);
    other.execute_batch("COMMIT").unwrap();
    let more = bench.command("more", "GET_STATUS");
    journal.append(&more, WAIT).unwrap();
    assert!(!journal.relaxed, "records are written through to the disk");
    journal.catch_up();
    assert!(!journal.is_ahead());
    let shown = bench.state.snapshot(bench.now);
    assert_eq!(journal.page(Timestamp::MAX), *shown.commands);
}

#[test]
fn a_file_that_is_held_at_the_start_holds_nothing_up() {
    let mut bench = Bench::new();
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    journal.append(&bench.day(), WAIT).unwrap();
    journal.catch_up();
    journal
        .append(&bench.command("late", "GET_STATUS"), WAIT)
        .unwrap();
    drop(journal);
    let other = rusqlite::Connection::open(bench.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (mut journal, loaded) = Journal::open(&bench.path()).unwrap();
    assert_eq!(loaded.durable, *bench.state.durable());
    assert!(journal.is_ahead());
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(journal.detail("late").unwrap().timeline.len(), 3);
    assert!(!journal.is_ahead());
}

/// A record holds the command one level down, and is read by a reader that has an end.
#[test]
fn what_is_nested_as_deeply_as_can_be_read_can_be_read_again() {
    let nested = |deep: usize| "[".repeat(deep) + &"]".repeat(deep);
    let private = "$serde_json::private::RawValue";
    for x in [
        nested(110),
        nested(123),
        format!(r#"{{"{private}":{}}}"#, json!(nested(110))),
        format!(r#"{{"a":1,"{private}":5}}"#),
        format!(r#"[{{"a":1,"{private}":"not json"}}]"#),
        r#"{"a":1,"$serde_json::private::Number":"x"}"#.to_owned(),
    ] {
        let mut bench = Bench::new();
        let raw = format!(r#"{{"id":"nested","command":"GET_STATUS","parameters":{{"x":{x}}}}}"#);
        let (mut journal, _) = Journal::open(&bench.path()).unwrap();
        let records = bench.records(Event::Delivered(Delivery {
            source: Source::Pusher,
            raw,
        }));
        journal.append(&records, WAIT).unwrap();
        journal.catch_up();
        assert!(!journal.is_ahead(), "{x}");
        drop(journal);
        let (_, loaded) = Journal::open(&bench.path()).unwrap();
        assert_eq!(loaded.durable, *bench.state.durable(), "{x}");
        assert_eq!(loaded.rows.len(), 1);
    }
}

#[test]
fn a_journal_of_the_format_before_is_taken_over() {
    let mut bench = Bench::new();
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    journal.append(&bench.day(), WAIT).unwrap();
    journal.close();
    let old = rusqlite::Connection::open(bench.path()).unwrap();
    old.execute_batch(
        "DROP TABLE story; DROP TABLE projected; PRAGMA user_version = 1;
         CREATE INDEX record_command ON record (command_id) WHERE command_id IS NOT NULL;",
    )
    .unwrap();
    drop(old);
    let (mut journal, loaded) = Journal::open(&bench.path()).unwrap();
    assert_eq!(loaded.durable, *bench.state.durable());
    assert_eq!(loaded.rows, *bench.state.snapshot(bench.now).commands);
    assert_eq!(journal.detail("p").unwrap().timeline.len(), 4);
    journal
        .append(&bench.command("later", "GET_STATUS"), WAIT)
        .unwrap();
    assert_eq!(journal.detail("later").unwrap().timeline.len(), 3);
}

#[test]
fn the_emergency_stop_can_be_read_beside_its_owner() {
    let mut bench = Bench::new();
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    let mut watch = super::EmergencyWatch::open(&bench.path()).unwrap();
    assert!(!watch.look().unwrap().latched);
    journal.append(&bench.day(), WAIT).unwrap();
    let status = watch.look().unwrap();
    assert_eq!(watch.look().unwrap(), status, "nothing counts twice");
    let anew = super::EmergencyWatch::open(&bench.path()).unwrap().look();
    assert_eq!(anew.unwrap(), status);
    assert!(
        status.latched && status.completed_at.is_none(),
        "the terminal is away"
    );
    journal.close();
}

/// A drill on an account that does not let everything be closed: who watches reads each ticket and why.
#[test]
fn what_a_stop_has_not_closed_is_named_per_ticket() {
    let bench = Bench::new();
    let at = bench.now.utc;
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    let account = |login| AccountId {
        login,
        server: "Demo".to_owned(),
    };
    let position = |ticket| Position {
        ticket: Ticket(ticket),
        symbol: "EURUSD".to_owned(),
        side: Side::Buy,
        volume: Decimal::new(1, 1),
        open_price: Decimal::ONE,
        stop_loss: None,
        take_profit: None,
        price: Decimal::ONE,
        profit: Decimal::ZERO,
        magic: Cid::new(0, ticket).0,
        comment: String::new(),
        opened_at: at,
    };
    let close = |number, ticket| Record::IntentMade {
        intent: OrderIntent {
            cid: Cid::new(0, number),
            parent: None,
            action: IntentAction::Close {
                ticket: Ticket(ticket),
                volume: None,
            },
            comment: String::new(),
            price: None,
            ttl_ms: 10_000,
        },
        purpose: Purpose::Emergency,
        account: Some(account(78)),
        platform_at: None,
        at,
    };
    let held = |login, shown, gone| Record::Held {
        account: account(login),
        shown,
        gone,
        at,
    };
    let stop = EmergencyStop {
        reason: "drill".to_owned(),
        since: at,
        opened_before: None,
        completed_at: None,
        told_failed: Vec::new(),
        gone: Vec::new(),
        last_given: None,
    };
    let records = [
        held(77, vec![position(10)], Vec::new()),
        Record::AccountSeen {
            account: account(78),
            at,
        },
        held(
            78,
            vec![position(11), position(12), position(13)],
            Vec::new(),
        ),
        Record::EmergencyStopped { stop },
    ];
    journal.append(&records, WAIT).unwrap();
    let mut watch = super::EmergencyWatch::open(&bench.path()).unwrap();
    let on = |ticket, account| {
        format!(
            "#{ticket} BUY 0.1 EURUSD on account …{account} on Demo, as its list showed it last"
        )
    };
    assert_eq!(
        watch.look().unwrap().troubles,
        [on(10, 77), on(11, 78), on(12, 78), on(13, 78)]
    );
    let records = [
        close(21, 11),
        close(22, 12),
        Record::IntentFailed {
            cid: Cid::new(0, 21),
            reason: "Market is closed (10018)".to_owned(),
            at,
        },
        held(78, Vec::new(), vec![Ticket(13)]),
    ];
    journal.append(&records, WAIT).unwrap();
    assert_eq!(
        watch.look().unwrap().troubles,
        [
            "#11: Market is closed (10018)".to_owned(),
            "close position #12: no certain outcome yet".to_owned(),
            on(10, 77),
            on(12, 78)
        ]
    );
    let records = [
        held(78, Vec::new(), vec![Ticket(11), Ticket(12)]),
        Record::AccountForgotten {
            account: account(77),
            at,
        },
    ];
    journal.append(&records, WAIT).unwrap();
    assert_eq!(
        watch.look().unwrap().troubles,
        ["close position #12: no certain outcome yet"]
    );
    journal.close();
}

#[test]
fn a_damaged_file_is_put_aside_and_said() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.path().parent().unwrap()).unwrap();
    std::fs::write(
        bench.path(),
        b"this was a journal once, before the disk failed",
    )
    .unwrap();
    let loaded = look(&bench.path());
    let kept = loaded.damaged.unwrap();
    assert!(kept.to_string_lossy().contains(".corrupt-"));
    assert!(
        std::fs::read_to_string(kept)
            .unwrap()
            .contains("before the disk failed")
    );
    assert_eq!(loaded.durable, Durable::default());
}

#[test]
fn damage_inside_the_file_is_noticed_at_the_start() {
    let mut bench = Bench::new();
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    for n in 0..300 {
        journal
            .append(&bench.command(&format!("g{n}"), "GET_STATUS"), WAIT)
            .unwrap();
    }
    journal.close();
    let mut bytes = std::fs::read(bench.path()).unwrap();
    let third = bytes.len() / 3;
    bytes[third..third * 2].fill(0xA5);
    std::fs::write(bench.path(), bytes).unwrap();
    assert!(look(&bench.path()).damaged.is_some());
}

#[test]
fn a_journal_of_a_newer_version_is_refused_and_left_as_it_is() {
    let bench = Bench::new();
    drop(look(&bench.path()));
    let connection = rusqlite::Connection::open(bench.path()).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let Err(error @ JournalError::Sqlite { .. }) = Journal::open(&bench.path()).map(|_| ()) else {
        panic!("it was opened");
    };
    assert!(error.to_string().contains("newer version"), "{error}");
    let left = std::fs::read_dir(bench.path().parent().unwrap()).unwrap();
    let corrupt = left.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("corrupt")
    });
    assert_eq!(corrupt.count(), 0);
}

#[test]
fn a_locked_file_is_an_error_that_passes() {
    let mut bench = Bench::new();
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    let other = rusqlite::Connection::open(bench.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let records = bench.command("p", "PAUSE");
    let error = journal.append(&records, WAIT).unwrap_err();
    assert!(error.contains("locked"), "{error}");
    assert!(
        look_only(&bench.path()).open.is_empty(),
        "all of it or nothing"
    );
    other.execute_batch("COMMIT").unwrap();
    journal.append(&records, WAIT).unwrap();
    assert_eq!(look_only(&bench.path()), *bench.state.durable());
    journal.close();
}

fn look_only(path: &Path) -> Durable {
    super::reading::load(&rusqlite::Connection::open(path).unwrap()).unwrap()
}

/// On systems where an open file can be deleted, what is written to it afterwards would be gone with the program.
#[cfg(unix)]
#[test]
fn a_journal_that_was_deleted_takes_no_more_records() {
    let mut bench = Bench::new();
    std::fs::create_dir_all(bench.path().parent().unwrap()).unwrap();
    let (mut journal, _) = Journal::open(&bench.path()).unwrap();
    let records = bench.command("a", "PAUSE");
    journal.append(&records, WAIT).unwrap();
    std::fs::remove_file(bench.path()).unwrap();
    let records = bench.command("b", "PAUSE");
    let error = journal.append(&records, WAIT).unwrap_err();
    assert!(error.contains("was deleted"), "{error}");
    // Another file in its place is not it.
    std::fs::write(bench.path(), "").unwrap();
    let error = journal.append(&records, WAIT).unwrap_err();
    assert!(error.contains("is another file now"), "{error}");
    // A stop is kept beside it all the same, and stands at the next start.
    let stop = bench.records(Event::Ui(UiCommand::StopEverything {
        reason: "drill".to_owned(),
    }));
    journal.append(&stop, WAIT).unwrap_err();
    std::fs::remove_file(bench.path()).unwrap();
    let (_, loaded) = Journal::open(&bench.path()).unwrap();
    assert!(loaded.durable.stop.is_some());
}
