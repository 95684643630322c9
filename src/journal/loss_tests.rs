//! A journal that was lost, whole or in part, is noticed, and the emergency stop outlives it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::Journal;
use crate::core::{EmergencyStop, Record};

const WAIT: Duration = Duration::from_secs(3);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_442_000 + second).unwrap()
}

fn stopped(second: i64) -> Record {
    Record::EmergencyStopped {
        stop: EmergencyStop {
            reason: "pressed".to_owned(),
            since: at(second),
            opened_before: None,
            completed_at: Some(at(second)),
            told_failed: Vec::new(),
            gone: Vec::new(),
            last_given: None,
        },
    }
}

fn stop_of(record: &Record) -> EmergencyStop {
    let Record::EmergencyStopped { stop } = record else {
        unreachable!()
    };
    stop.clone()
}

fn lifted(second: i64) -> Record {
    Record::EmergencyLifted {
        platform_at: None,
        at: at(second),
    }
}

fn owner() -> Record {
    Record::OwnerLearned {
        user_id: "user".to_owned(),
    }
}

#[test]
fn a_file_of_a_stop_that_cannot_be_read_is_a_stop() {
    for broken in [&b""[..], b"{\"reason\":\"\xc3", b"\xff\xfe", b"[1]"] {
        let (folder, path) = left_by(&[]);
        fs::write(folder.path().join("emergency-stop.latched"), broken).unwrap();
        let (_, loaded) = Journal::open(&path).unwrap();
        assert!(loaded.durable.stop.is_some(), "{broken:?}");
    }
    let (folder, path) = left_by(&[]);
    fs::create_dir(folder.path().join("emergency-stop.latched")).unwrap();
    assert!(Journal::open(&path).unwrap().1.durable.stop.is_some());
}

/// A name that points nowhere stands for a disk without room: no file can be made.
#[cfg(unix)]
#[test]
fn a_stop_that_finds_no_room_for_its_file_takes_the_one_put_by() {
    let (folder, path) = left_by(&[]);
    drop(Journal::open(&path).unwrap());
    let reserve = folder.path().join("emergency-stop.reserve");
    assert!(reserve.exists());
    let latched = folder.path().join("emergency-stop.latched");
    let stop = stop_of(&stopped(1));
    // Nothing can be made under this name, as little as where no room is.
    std::os::unix::fs::symlink(folder.path().join("no/such/folder"), &latched).unwrap();
    super::stop_beside(&path, &stop).unwrap();
    assert!(latched.exists() && !reserve.exists());
    assert!(Journal::open(&path).unwrap().1.durable.stop.is_some());
}

#[test]
fn a_stop_beside_the_journal_counts_after_a_lift_by_a_clock_that_was_ahead() {
    let (_folder, path) = left_by(&[stopped(100), lifted(200)]);
    let stop = stop_of(&stopped(150));
    super::stop_beside(&path, &stop).unwrap();
    assert!(Journal::open(&path).unwrap().1.durable.stop.is_some());
}

/// `/dev/full` takes no byte, like a disk without room.
#[cfg(target_os = "linux")]
#[test]
fn a_stop_without_room_for_its_words_stands_all_the_same() {
    let (folder, path) = left_by(&[]);
    let latched = folder.path().join("emergency-stop.latched");
    std::os::unix::fs::symlink("/dev/full", &latched).unwrap();
    super::stop_beside(&path, &stop_of(&stopped(1))).unwrap();
}

/// Given while the journal could not be written: it may reach further than the one that the journal knows.
#[test]
fn a_later_stop_beside_the_journal_widens_the_one_in_it() {
    let spared = EmergencyStop {
        opened_before: Some(at(0)),
        last_given: Some(at(0)),
        told_failed: vec!["e1".to_owned()],
        ..stop_of(&stopped(1))
    };
    let record = Record::EmergencyStopped {
        stop: spared.clone(),
    };
    // As given by hand, given again to an executor that was killed, and cut by a kill.
    let later = stop_of(&stopped(5));
    let again = EmergencyStop {
        opened_before: None,
        last_given: Some(at(9)),
        ..spared.clone()
    };
    let json = |stop: &EmergencyStop| serde_json::to_vec(stop).unwrap();
    for (file, since, last_given) in [
        (json(&later), at(5), None),
        (json(&again), at(1), Some(at(9))),
        (Vec::new(), at(1), None),
    ] {
        let (folder, path) = left_by(std::slice::from_ref(&record));
        fs::write(folder.path().join("emergency-stop.latched"), file).unwrap();
        let (journal, loaded) = Journal::open(&path).unwrap();
        let stop = loaded.durable.stop.unwrap();
        assert_eq!((stop.since, stop.last_given), (since, last_given));
        assert_eq!((stop.opened_before, stop.completed_at), (None, None));
        assert_eq!(stop.told_failed, ["e1"]);
        journal.close();
        let (_, loaded) = Journal::open(&path).unwrap();
        assert_eq!(loaded.durable.stop.unwrap().since, since, "not stored");
    }
}

#[test]
fn a_file_that_says_no_more_than_the_journal_changes_nothing() {
    let known = stop_of(&stopped(5));
    let (folder, path) = left_by(&[stopped(1), lifted(2), stopped(5)]);
    let latched = folder.path().join("emergency-stop.latched");
    // The file of the stop before, which was lifted, and its own.
    for file in [stop_of(&stopped(1)), known.clone()] {
        fs::write(&latched, serde_json::to_vec(&file).unwrap()).unwrap();
        let (journal, loaded) = Journal::open(&path).unwrap();
        assert_eq!(loaded.durable.stop.as_ref(), Some(&known));
        journal.close();
        let kept: EmergencyStop = serde_json::from_slice(&fs::read(&latched).unwrap()).unwrap();
        assert_eq!(kept.since, known.since);
    }
}

/// Killed between lifting it and removing the file; who only looks at the file would say that it is on.
#[test]
fn the_file_of_a_stop_that_was_lifted_goes_at_the_next_start() {
    let (folder, path) = left_by(&[stopped(1), lifted(2)]);
    let stop = stop_of(&stopped(1));
    super::stop_beside(&path, &stop).unwrap();
    assert!(Journal::open(&path).unwrap().1.durable.stop.is_none());
    assert!(!super::stop_stands(&path));
    assert!(folder.path().join("emergency-stop.reserve").exists());
}

#[test]
fn the_file_of_a_stop_that_is_on_is_made_again() {
    let (folder, path) = left_by(&[stopped(1)]);
    let file = folder.path().join("emergency-stop.latched");
    fs::remove_file(&file).unwrap();
    drop(Journal::open(&path).unwrap());
    assert!(file.exists());
}

/// A folder in which these were stored, as a killed program leaves it: the last of them are in the WAL alone.
fn left_by(records: &[Record]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let (mut first, _) = Journal::open(&path).unwrap();
    first.append(&[owner()], WAIT).unwrap();
    first.close();
    let live = tempfile::tempdir().unwrap();
    copy(folder.path(), live.path());
    let (mut journal, _) = Journal::open(&live.path().join("journal.sqlite")).unwrap();
    for record in records {
        journal.append(std::slice::from_ref(record), WAIT).unwrap();
        journal.catch_up();
    }
    copy(live.path(), folder.path());
    journal.close();
    if !live.path().join("emergency-stop.latched").exists() {
        drop(fs::remove_file(
            folder.path().join("emergency-stop.latched"),
        ));
    }
    (folder, path)
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

fn wal(path: &Path) -> PathBuf {
    path.with_file_name("journal.sqlite-wal")
}

type Damage = fn(&Path);

fn damages() -> [(&'static str, Damage); 5] {
    [
        ("missing", |path| {
            fs::remove_file(path).unwrap();
            fs::remove_file(wal(path)).unwrap();
        }),
        ("missing, its WAL left", |path| {
            fs::remove_file(path).unwrap();
        }),
        ("empty", |path| {
            fs::write(path, b"").unwrap();
            fs::remove_file(wal(path)).unwrap();
        }),
        ("without WAL", |path| fs::remove_file(wal(path)).unwrap()),
        ("WAL damaged", |path| {
            let mut bytes = fs::read(wal(path)).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..middle + 64].fill(0xA5);
            fs::write(wal(path), bytes).unwrap();
        }),
    ]
}

#[test]
fn a_lost_journal_is_noticed_and_the_stop_stays_on() {
    for (name, damage) in damages() {
        let (_folder, path) = left_by(&[stopped(1), owner(), owner()]);
        damage(&path);
        let (journal, loaded) = Journal::open(&path).unwrap();
        assert!(loaded.lost, "{name}");
        let stop = loaded.durable.stop.unwrap();
        assert_eq!(
            (stop.reason.as_str(), stop.since),
            ("pressed", at(1)),
            "{name}"
        );
        if name == "missing" {
            assert_eq!(stop.completed_at, None, "it looks once more");
        }
        // Nobody has heard of it yet.
        drop(journal);
        let (mut journal, loaded) = Journal::open(&path).unwrap();
        assert!(loaded.lost && loaded.durable.stop.is_some(), "{name}");
        journal.append(&[owner()], WAIT).unwrap();
        journal.catch_up();
        drop(journal);
        let (mut journal, loaded) = Journal::open(&path).unwrap();
        assert!(loaded.lost, "{name}");
        journal.tells_of_the_loss();
        journal.append(&[lifted(2)], WAIT).unwrap();
        journal.catch_up();
        drop(journal);
        let (_, loaded) = Journal::open(&path).unwrap();
        assert!(!loaded.lost && loaded.durable.stop.is_none(), "{name}");
    }
}

#[test]
fn nothing_is_said_of_a_journal_that_is_whole() {
    for records in [
        vec![owner()],
        vec![stopped(1)],
        vec![stopped(1), lifted(2)],
        vec![stopped(1), lifted(2), stopped(3)],
        vec![lifted(1), stopped(1), owner()],
    ] {
        let (_folder, path) = left_by(&records);
        let on = matches!(
            records.iter().rev().find(|record| **record != owner()),
            Some(Record::EmergencyStopped { .. })
        );
        let (_, loaded) = Journal::open(&path).unwrap();
        assert!(!loaded.lost && loaded.damaged.is_none());
        assert_eq!(loaded.durable.stop.is_some(), on, "{records:?}");
        assert_eq!(path.with_file_name("emergency-stop.latched").exists(), on);
    }
}

#[test]
fn a_mark_of_a_stop_that_was_lifted_does_not_latch_again() {
    let (_folder, path) = left_by(&[stopped(1)]);
    let mark = path.with_file_name("emergency-stop.latched");
    let left = fs::read(&mark).unwrap();
    let (mut journal, _) = Journal::open(&path).unwrap();
    journal.append(&[lifted(2)], WAIT).unwrap();
    drop(journal);
    fs::write(&mark, left).unwrap();
    let (_, loaded) = Journal::open(&path).unwrap();
    assert!(loaded.durable.stop.is_none());
    // One that cannot be read says that a stop was on, and no more.
    fs::write(&mark, b"").unwrap();
    let (_, loaded) = Journal::open(&path).unwrap();
    assert!(loaded.durable.stop.is_some());
}

/// The file beside has it on, the journal does not, and another program holds the journal: the stop is on all the same.
#[test]
fn a_stop_that_cannot_be_written_at_the_start_is_on_and_written_later() {
    let (_folder, path) = left_by(&[stopped(1)]);
    fs::remove_file(&path).unwrap();
    fs::remove_file(wal(&path)).unwrap();
    // A journal of nothing.
    let mark = path.with_file_name("emergency-stop.latched");
    let kept = fs::read(&mark).unwrap();
    fs::remove_file(&mark).unwrap();
    drop(Journal::open(&path).unwrap());
    fs::write(&mark, kept).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (mut journal, loaded) = Journal::open(&path).unwrap();
    assert!(loaded.durable.stop.is_some());
    other.execute_batch("COMMIT").unwrap();
    journal.append(&[owner()], WAIT).unwrap();
    drop(journal);
    fs::remove_file(&mark).unwrap();
    let (_, loaded) = Journal::open(&path).unwrap();
    assert!(loaded.durable.stop.is_some(), "the journal has it now");
}
