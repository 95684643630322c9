//! An own position on an account that does not come back: named by an emergency stop, and forgotten by a second process.

use fx_executor::core::Record;
use fx_executor::journal::Journal;
use fx_executor::market::{AccountId, Cid, Position, Side, Ticket};
use jiff::Timestamp;
use rust_decimal::Decimal;
use std::time::Duration;

use crate::rig::{LONG, Rig};

fn left_on(account: &AccountId) -> [Record; 3] {
    let at = Timestamp::now();
    let position = Position {
        ticket: Ticket(4_711),
        symbol: "EURUSD".to_owned(),
        side: Side::Buy,
        volume: Decimal::new(1, 1),
        open_price: Decimal::ONE,
        stop_loss: None,
        take_profit: None,
        price: Decimal::ONE,
        profit: Decimal::ZERO,
        magic: Cid::new(0, 77).0,
        comment: String::new(),
        opened_at: at,
    };
    [
        Record::AccountSeen {
            account: account.clone(),
            at,
        },
        Record::Held {
            account: account.clone(),
            shown: vec![position],
            gone: Vec::new(),
            at,
        },
        Record::AccountSeen {
            account: AccountId {
                login: 1,
                server: "Another".to_owned(),
            },
            at,
        },
    ]
}

async fn run(rig: &Rig, arguments: &[&str]) -> (Option<i32>, String) {
    let mut program = rig.start(arguments).go();
    let status = program.ends(LONG).await;
    (status.code(), program.printed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_does_not_come_back_is_named_and_can_be_forgotten() {
    let rig = Rig::new().await;
    let account = AccountId {
        login: 55_501,
        server: "Demo-Ended".to_owned(),
    };
    let (mut journal, _) = Journal::open(&rig.data().join("journal.sqlite")).unwrap();
    journal
        .append(&left_on(&account), Duration::from_secs(3))
        .unwrap();
    journal.close();
    let (code, text) = run(&rig, &["forget-account", "55501"]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("no executor is running"), "{text}");

    let mut executor = rig.subscribed().await;
    let (code, text) = run(&rig, &["stop-all"]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(
        text.contains("still open: #4711 BUY 0.1 EURUSD on account …501 on Demo-Ended"),
        "{text}"
    );
    let (code, text) = run(&rig, &["forget-account"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("55501 on Demo-Ended"), "{text}");
    let (code, text) = run(&rig, &["forget-account", "55502"]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("nothing waits for this account"), "{text}");
    let (code, text) = run(&rig, &["forget-account", "55501"]).await;
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = run(&rig, &["stop-all"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("not closed, on an account that was forgotten at this machine: #4711 BUY"),
        "{text}"
    );
    executor.end_cleanly().await;
}

/// Real money is allowed at this machine alone: with a typed yes, by the running executor or before it starts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn real_money_is_allowed_without_a_window() {
    let rig = Rig::new().await;
    let (code, text) = run(&rig, &["allow-real", "5012345"]).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("account 5012345 is not known"), "{text}");
    let named = ["allow-real", "5012345", "--server", "Live 1"];
    let (code, text) = run(&rig, &named).await;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("real money stays forbidden"), "{text}");
    let agreed = [named.as_slice(), &["--yes"]].concat();
    let (code, text) = run(&rig, &agreed).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("5012345 on Live 1"), "{text}");

    let mut executor = rig.subscribed().await;
    let second = ["allow-real", "77", "--server", "Live 2", "--yes"];
    let (code, text) = run(&rig, &second).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(
        executor
            .printed()
            .contains("Trading with real money is allowed on account"),
        "{}",
        executor.printed()
    );
    executor.end_cleanly().await;
    let (code, text) = run(&rig, &["allow-real"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(
        text.contains("5012345 on Live 1") && text.contains("77 on Live 2"),
        "{text}"
    );
}
