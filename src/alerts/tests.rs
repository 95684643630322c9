//! What is told, and what is not.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::*;
use crate::core::health::{Leg, Phase};
use crate::core::snapshot::{
    CommandRow, CommandState, Notice, PositionRow, Severity, Snapshot, Source, TerminalMode,
    Trading,
};
use crate::market::{Account, MarginMode, Position, Side, Ticket};

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn at(seconds: i64) -> Timestamp {
    START + SignedDuration::from_secs(seconds)
}

/// A program that trades, with its terminal there.
fn picture() -> Snapshot {
    let mut picture = Snapshot::empty(START, TerminalMode::Paper);
    picture.trading = Trading::On;
    picture.links[Leg::Terminal as usize].phase = Phase::Up;
    picture.book_known = true;
    picture.account = Some(account(1));
    picture
}

fn account(login: u64) -> Account {
    Account {
        login,
        server: "Demo".to_owned(),
        company: String::new(),
        currency: "USD".to_owned(),
        demo: true,
        margin_mode: MarginMode::Hedging,
        balance: Decimal::ZERO,
        equity: Decimal::ZERO,
        margin: Decimal::ZERO,
        margin_free: Decimal::ZERO,
    }
}

fn command(id: &str, state: CommandState) -> CommandRow {
    CommandRow {
        id: id.to_owned(),
        received_at: START,
        name: "OPEN_POSITION".to_owned(),
        subject: String::new(),
        source: Source::Pusher,
        state,
        duration_ms: None,
        message: format!("about {id}"),
        repeats: 0,
        reported: None,
    }
}

fn position(ticket: u64, opened: i64) -> PositionRow {
    PositionRow {
        position: Position {
            ticket: Ticket(ticket),
            symbol: "EURUSD".to_owned(),
            side: Side::Buy,
            volume: Decimal::new(1, 1),
            open_price: Decimal::ONE,
            stop_loss: None,
            take_profit: None,
            profit: Decimal::new(-25, 1),
            price: Decimal::ONE,
            magic: 0,
            comment: String::new(),
            opened_at: at(opened),
        },
        own: true,
        part: None,
        strategy: None,
        current_price: None,
    }
}

fn with_commands(rows: Vec<CommandRow>) -> Snapshot {
    let mut picture = picture();
    picture.commands = Arc::new(rows);
    picture
}

fn titles(alerts: &[Alert]) -> Vec<&str> {
    alerts.iter().map(|alert| alert.title.as_str()).collect()
}

#[test]
fn what_was_there_at_the_start_is_no_news_and_nothing_is_told_twice() {
    let mut first = with_commands(vec![command("old", CommandState::Failed)]);
    first.positions = vec![position(1, 0)];
    let mut watch = AlertWatch::new(&first);
    assert_eq!(watch.look(&first, Duration::ZERO), []);

    let rows = [
        ("done", CommandState::Executed),
        ("late", CommandState::Expired),
        ("bad", CommandState::Refused),
        ("broken", CommandState::Failed),
        ("running", CommandState::Executing),
        ("old", CommandState::Failed),
    ];
    let mut next = with_commands(rows.map(|(id, state)| command(id, state)).into());
    next.positions = first.positions;
    let told = watch.look(&next, Duration::ZERO);
    let expected = [
        "OPEN_POSITION failed",
        "OPEN_POSITION refused",
        "OPEN_POSITION came too late",
    ];
    assert_eq!(titles(&told), expected);
    assert_eq!(told[0].text, "about broken");
    assert_eq!(watch.look(&next, Duration::ZERO), []);
}

#[test]
fn positions_are_told_when_they_are_opened_and_closed_and_not_when_they_are_found() {
    let mut watch = AlertWatch::new(&picture());
    let mut next = picture();
    next.at = at(300);
    // The second one was opened long before: it was found, by a journal that came back perhaps.
    next.positions = vec![position(1, 290), position(2, 0)];
    assert_eq!(
        titles(&watch.look(&next, Duration::ZERO)),
        ["BUY 0.1 EURUSD"]
    );

    // The terminal goes and comes back: nobody knows what was closed in between.
    let mut away = next.clone();
    away.book_known = false;
    away.positions.clear();
    assert_eq!(watch.look(&away, Duration::ZERO), []);
    assert_eq!(watch.look(&next, Duration::ZERO), []);

    // Another account has other positions.
    let mut other = picture();
    other.account = Some(account(2));
    assert_eq!(watch.look(&other, Duration::ZERO), []);
    assert_eq!(watch.look(&next, Duration::ZERO), []);

    next.positions.pop();
    let told = watch.look(&next, Duration::ZERO);
    assert_eq!(titles(&told), ["EURUSD closed"]);
    assert!(told[0].text.contains("-2.5"), "{}", told[0].text);
    // What others have is not told.
    next.positions[0].own = false;
    next.positions.push(position(3, 299));
    next.positions[1].own = false;
    assert_eq!(
        titles(&watch.look(&next, Duration::ZERO)),
        ["EURUSD closed"]
    );
}

#[test]
fn an_emergency_stop_is_told_when_it_comes_and_when_it_is_done() {
    let mut watch = AlertWatch::new(&picture());
    let stopped = |since, complete, remaining: &[&str]| {
        let mut picture = picture();
        picture.trading = Trading::Stopped {
            since: at(since),
            reason: "drawdown".to_owned(),
            remaining: remaining.iter().map(|&one| one.to_owned()).collect(),
            complete,
        };
        picture
    };
    let told = watch.look(&stopped(1, false, &["#7"]), Duration::ZERO);
    assert_eq!(titles(&told), ["Emergency stop"]);
    assert_eq!(told[0].text, "drawdown");
    assert_eq!(watch.look(&stopped(1, false, &[]), Duration::ZERO), []);
    let told = watch.look(&stopped(1, true, &[]), Duration::ZERO);
    assert_eq!(titles(&told), ["Emergency stop done"]);
    assert_eq!(watch.look(&stopped(1, true, &[]), Duration::ZERO), []);
    // Another one, that cannot close everything.
    let told = watch.look(&stopped(9, true, &["#7 BUY"]), Duration::ZERO);
    assert_eq!(titles(&told), ["Emergency stop", "Emergency stop done"]);
    assert_eq!(told[1].text, "Still open: #7 BUY");
}

#[test]
fn a_terminal_is_told_after_a_minute_and_when_it_is_back() {
    let mut watch = AlertWatch::new(&picture());
    let away = |now: i64| {
        let mut picture = picture();
        picture.at = at(now);
        let link = &mut picture.links[Leg::Terminal as usize];
        link.phase = Phase::Retrying;
        link.since = at(100);
        picture.book_known = false;
        picture
    };
    assert_eq!(watch.look(&away(159), Duration::ZERO), []);
    assert_eq!(
        titles(&watch.look(&away(160), Duration::ZERO)),
        ["The terminal is away"]
    );
    assert_eq!(watch.look(&away(999), Duration::ZERO), []);
    assert_eq!(
        titles(&watch.look(&picture(), Duration::ZERO)),
        ["The terminal is back"]
    );
    // One that was never there is the first start's business, not an alert.
    let mut fresh = AlertWatch::new(&away(100));
    assert_eq!(fresh.look(&away(999), Duration::ZERO), []);
}

#[test]
fn an_error_is_told_once_for_each_time_it_comes() {
    let mut watch = AlertWatch::new(&picture());
    let with = |moment: i64, severity| {
        let mut picture = picture();
        picture.notices.push(Notice {
            key: "disk".to_owned(),
            severity,
            text: "The disk is full.".to_owned(),
            remedy: String::new(),
            at: at(moment),
        });
        picture
    };
    assert_eq!(watch.look(&with(1, Severity::Warning), Duration::ZERO), []);
    assert_eq!(
        titles(&watch.look(&with(2, Severity::Error), Duration::ZERO)),
        ["Needs you"]
    );
    assert_eq!(watch.look(&with(2, Severity::Error), Duration::ZERO), []);
    assert_eq!(
        watch.look(&with(3, Severity::Error), Duration::ZERO).len(),
        1
    );
}

#[test]
fn a_flood_is_cut_and_counted() {
    let mut watch = AlertWatch::new(&picture());
    let ids: Vec<String> = (0..40).map(|number| format!("c{number}")).collect();
    let rows = ids.iter().map(|id| command(id, CommandState::Failed));
    let flood = with_commands(rows.collect());
    assert_eq!(watch.look(&flood, Duration::ZERO).len(), 5);
    assert_eq!(watch.look(&flood, Duration::from_secs(59)), []);
    // Another kind is not held back by it.
    let mut stopped = flood.clone();
    stopped.trading = Trading::Stopped {
        since: START,
        reason: String::new(),
        remaining: Vec::new(),
        complete: false,
    };
    assert_eq!(
        titles(&watch.look(&stopped, Duration::from_secs(59))),
        ["Emergency stop"]
    );
    let told = watch.look(&stopped, Duration::from_secs(61));
    assert_eq!(titles(&told), ["35 more of the same kind (failed)"]);
    assert_eq!(watch.look(&stopped, Duration::from_secs(200)), []);
}

#[test]
fn kinds_are_named_in_the_settings() {
    let some: AlertKinds = "stop, terminal".parse().unwrap();
    assert!(some.has(AlertKind::Stop) && some.has(AlertKind::Terminal));
    assert!(!some.has(AlertKind::Filled));
    let none: AlertKinds = "none".parse().unwrap();
    assert!(AlertKind::ALL.into_iter().all(|kind| !none.has(kind)));
    let wrong = "stop,sotp".parse::<AlertKinds>().unwrap_err();
    assert!(
        wrong.contains("\"sotp\" is none of filled, failed"),
        "{wrong}"
    );
}

#[test]
fn a_long_text_is_cut_between_letters() {
    let mut row = command("long", CommandState::Failed);
    row.message = "ü".repeat(500);
    let mut watch = AlertWatch::new(&picture());
    let told = watch.look(&with_commands(vec![row]), Duration::ZERO);
    assert_eq!(told[0].text.chars().count(), 201);
}
