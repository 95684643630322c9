use std::fs;

use super::{WEDNESDAY, at, close, dec, exchange_at, filled, intent, open, submit};
use crate::market::Side;
use crate::terminal::paper::PaperError;
use crate::terminal::paper::ledger::Ledger;
use crate::terminal::paper::store::{FileStore, Store};

#[test]
fn an_account_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.json");
    let mut exchange = exchange_at(WEDNESDAY);
    filled(submit(
        &mut exchange,
        &intent(1, open("EURUSD", Side::Buy, "0.10")),
    ));
    submit(&mut exchange, &intent(2, open("EURUSD", Side::Buy, "0")));
    let mut store = FileStore::new(path.clone());
    assert!(store.load().unwrap().is_none());
    store.save(&exchange.ledger).unwrap();
    assert_eq!(store.load().unwrap(), Some(exchange.ledger.clone()));
    // Nothing else is left beside it.
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["account.json"]);
}

#[test]
fn a_broken_file_is_kept_and_reported() {
    let whole = serde_json::to_string(&Ledger::new(
        1,
        at(WEDNESDAY).as_millisecond(),
        dec("10000"),
    ))
    .unwrap();
    let other_version = whole.replace("\"version\":1", "\"version\":9");
    for (bytes, says) in [
        ("{\"version\":1,\n \"seed\": oops}", "line 2 column"),
        ("", "line 1 column 0"),
        (&whole[..whole.len() / 2], "line 1 column"),
        (other_version.as_str(), "version is 9"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.json");
        fs::write(&path, bytes).unwrap();
        let error = FileStore::new(path.clone()).load().unwrap_err();
        let text = error.to_string();
        let PaperError::Broken { kept, .. } = error else {
            panic!("{text}");
        };
        assert!(
            text.contains(says) && text.contains("account.json.broken-"),
            "{text}"
        );
        assert_eq!(fs::read_to_string(&kept).unwrap(), bytes);
        assert!(!path.exists());
    }
}

#[test]
fn a_save_that_fails_leaves_the_account_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.json");
    let mut store = FileStore::new(path.clone());
    let first = Ledger::new(1, 1_000, dec("10000"));
    store.save(&first).unwrap();
    // The temporary file's place is taken by a folder: creating it fails.
    fs::create_dir(folder.path().join("account.json.tmp")).unwrap();
    let error = store
        .save(&Ledger::new(1, 2_000, dec("1")))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("account.json") && error.contains("free some space"),
        "{error}"
    );
    assert_eq!(store.load().unwrap(), Some(first));
}

#[test]
fn what_a_kill_left_of_a_write_is_ignored_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.json");
    let mut store = FileStore::new(path);
    let first = Ledger::new(1, 1_000, dec("10000"));
    store.save(&first).unwrap();
    fs::write(
        folder.path().join("account.json.tmp"),
        "{\"version\":1,\"se",
    )
    .unwrap();
    assert_eq!(store.load().unwrap(), Some(first));
    let second = Ledger::new(1, 2_000, dec("9000"));
    store.save(&second).unwrap();
    assert_eq!(store.load().unwrap(), Some(second));
}

#[test]
fn going_back_to_a_mark_undoes_everything() {
    let mut exchange = exchange_at(WEDNESDAY);
    let kept = filled(submit(
        &mut exchange,
        &intent(1, open("EURUSD", Side::Buy, "0.10")),
    ));
    let before = exchange.ledger.clone();
    for action in [
        open("XAUUSD", Side::Sell, "0.10"),
        close(kept.ticket),
        open("EURUSD", Side::Buy, "0"),
    ] {
        let mark = exchange.ledger.mark();
        let order = intent(2, action);
        submit(&mut exchange, &order);
        assert!(exchange.ledger.changed_since(&mark));
        exchange.ledger.roll_back(mark, Some(order.cid));
        assert_eq!(exchange.ledger, before);
    }
}
