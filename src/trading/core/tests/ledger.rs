//! What the terminal's deals come to, by day, week, month and run, and what strategies make of it.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::cid_of;
use super::terminal::decimal;
use super::world::World;
use crate::core::ledger::{DayLedger, StrategyLedger};
use crate::market::{Cid, Deal, DealEntry, DealReason, Side, TerminalEvent, Ticket};

fn at(time: &str) -> Timestamp {
    format!("{time}:00Z").parse().unwrap()
}

/// Deals of strategy 1: the position, whether it opens, the lots, the profit, the time.
fn ledger(deals: &[(u64, DealEntry, &str, &str, &str)]) -> DayLedger {
    let mut ledger = DayLedger::default();
    for ((position, entry, volume, profit, time), ticket) in deals.iter().zip(1..) {
        let deal = Deal {
            ticket: Ticket(ticket),
            position: Ticket(*position),
            symbol: "EURUSD".to_owned(),
            side: Side::Buy,
            entry: *entry,
            reason: DealReason::Order,
            volume: decimal(volume),
            price: decimal("1.1"),
            profit: decimal(profit),
            magic: Cid::new(1, 1).0,
            time: at(time),
        };
        ledger.count(&deal, None);
    }
    ledger
}

use DealEntry::{In, Out};

/// The lowest counts: a limit that was reached holds until its period is over, whatever is won after it.
#[test]
fn results_are_counted_by_day_week_and_month_of_utc() {
    let ledger = ledger(&[
        // Saturday 28 February, Sunday 1 March, Monday 2 March.
        (1, Out, "0.1", "-10", "2026-02-28T23:59"),
        (2, Out, "0.1", "-20", "2026-03-01T23:59"),
        (3, Out, "0.1", "-40", "2026-03-02T00:00"),
        (4, Out, "0.1", "5", "2026-03-02T12:00"),
    ]);
    for (now, today, week, month) in [
        ("2026-03-02T13:00", "-40", "-40", "-60"),
        ("2026-03-03T00:00", "0", "-40", "-60"),
        ("2026-03-09T00:00", "0", "0", "-60"),
        ("2026-04-01T00:00", "0", "0", "0"),
    ] {
        let record = ledger.record(1, at(now));
        let told = (record.today, record.week, record.month);
        assert_eq!(
            told,
            (decimal(today), decimal(week), decimal(month)),
            "{now}"
        );
    }
    assert_eq!(ledger.record(2, at("2026-03-02T13:00")).week, Decimal::ZERO);
}

/// A loss of 2 % of the balance stays one when the balance has grown since.
#[test]
fn a_limit_in_per_cent_that_was_reached_holds_for_its_day() {
    let mut ledger = StrategyLedger::default();
    let mut count = |position: u64, profit: &str, balance: &str| {
        let deal = Deal {
            ticket: Ticket(position),
            position: Ticket(position),
            symbol: "EURUSD".to_owned(),
            side: Side::Buy,
            entry: Out,
            reason: DealReason::Order,
            volume: Decimal::ONE,
            price: decimal("1.1"),
            profit: decimal(profit),
            magic: 0,
            time: at("2026-03-02T10:00"),
        };
        ledger.count(&deal, Some(decimal(balance)));
        ledger.record(at("2026-03-02T11:00"), Decimal::ZERO)
    };
    assert_eq!(count(1, "100", "10100").today_percent, Decimal::ZERO);
    let lost = count(2, "-302", "9798").today_percent.round_dp(3);
    assert_eq!(lost, decimal("2.062"));
    let won = count(3, "1500", "11298");
    assert_eq!(won.today_percent.round_dp(3), lost);
    assert_eq!(won.week_percent.round_dp(3), lost);
    assert_eq!(won.month_percent.round_dp(3), lost);
}

#[test]
fn a_position_is_won_or_lost_as_a_whole() {
    let day = "2026-03-02T10:00";
    let deals = [
        (1, In, "0.2", "0", day),
        (1, Out, "0.1", "30", day),
        // The rest loses less than the first part won.
        (1, Out, "0.1", "-10", day),
        (2, In, "0.1", "0", day),
        (2, Out, "0.1", "-5", day),
        (3, In, "0.1", "0", day),
        (3, Out, "0.1", "-5", day),
        (4, In, "0.1", "0", day),
    ];
    for (count, trades, wins, losses, drawdown) in [
        (2, 1, 0, 0, "0"),
        (3, 1, 1, 0, "10"),
        (5, 2, 0, 1, "15"),
        (8, 4, 0, 2, "20"),
    ] {
        let record = ledger(&deals[..count]).record(1, at("2026-03-02T11:00"));
        let told = (
            record.trades_today,
            record.wins_in_row,
            record.losses_in_row,
            record.drawdown,
        );
        assert_eq!(told, (trades, wins, losses, decimal(drawdown)), "{count}");
    }
    let tomorrow = ledger(&deals).record(1, at("2026-03-03T00:00"));
    assert_eq!((tomorrow.trades_today, tomorrow.losses_in_row), (0, 0));
    assert_eq!(tomorrow.drawdown, decimal("20"));
}

/// The computer may have been off over a weekend.
#[test]
fn a_terminal_is_asked_for_the_deals_since_the_last_one_that_is_known() {
    let mut world = World::ready();
    assert_eq!(world.state.deals_since(), None);
    world.terminal_says(vec![TerminalEvent::Deal(Deal {
        ticket: Ticket(5),
        position: Ticket(1),
        symbol: "EURUSD".to_owned(),
        side: Side::Buy,
        entry: Out,
        reason: DealReason::StopLoss,
        volume: decimal("0.1"),
        price: decimal("1.1"),
        profit: decimal("-10"),
        magic: cid_of("s1", 1).0,
        time: at("2026-02-20T10:00"),
    })]);
    world.restart();
    let since = "2026-02-19T10:00:00Z".parse().unwrap();
    assert_eq!(world.state.deals_since(), Some(since));
}

#[test]
fn the_ledger_of_an_older_journal_is_read() {
    let old = r#"{"day":"2026-03-02","total":"-7","by_strategy":{"1":"-7"},"last_deal":9}"#;
    let ledger: DayLedger = serde_json::from_str(old).unwrap();
    let record = ledger.record(1, at("2026-03-02T11:00"));
    assert_eq!(
        (record.today, record.week, record.trades_today),
        (decimal("-7"), decimal("-7"), 0)
    );
    let kept =
        serde_json::to_string(&self::ledger(&[(1, In, "0.1", "0", "2026-03-02T10:00")])).unwrap();
    let again: DayLedger = serde_json::from_str(&kept).unwrap();
    assert_eq!(again.record(1, at("2026-03-02T11:00")).trades_today, 1);
}

/// A history may show a deal after one that was made later.
#[test]
fn deals_are_counted_in_whatever_order_they_come() {
    let mut world = World::ready_with(crate::core::Config {
        limits: crate::core::Limits {
            max_daily_loss: Some(decimal("100")),
            ..crate::core::Limits::default()
        },
        ..crate::core::Config::default()
    });
    let deal = |ticket, profit, time| Deal {
        ticket: Ticket(ticket),
        position: Ticket(1),
        symbol: "EURUSD".to_owned(),
        side: Side::Buy,
        entry: Out,
        reason: DealReason::Order,
        volume: decimal("0.1"),
        price: decimal("1.1"),
        profit: decimal(profit),
        magic: cid_of("s1", 1).0,
        time,
    };
    let now = world.now.utc;
    let late = TerminalEvent::Deal(deal(2_001, "-900", now));
    world.terminal_says(vec![
        TerminalEvent::Deal(deal(2_002, "-5", now)),
        late.clone(),
        late,
    ]);
    assert_eq!(world.count_logs("Deal #2001"), 1);
    assert!(world.is_blocked_by("today's loss 905"));
    // One of yesterday does not bring yesterday back.
    let before = world.ago(24 * 3_600);
    world.terminal_says(vec![TerminalEvent::Deal(deal(1_999, "-7", before))]);
    assert!(world.is_blocked_by("today's loss 905"));
    world.restart();
    assert!(world.state.durable().day.knows(Ticket(2_001)));
    assert!(!world.state.durable().day.knows(Ticket(2_000)));
}

#[test]
fn a_day_that_is_past_keeps_out_of_the_numbers_of_today() {
    let ledger = ledger(&[
        (1, Out, "0.1", "-20", "2026-03-02T10:00"),
        (2, Out, "0.1", "-10", "2026-03-01T23:59"),
    ]);
    let record = ledger.record(1, at("2026-03-02T13:00"));
    let told = (record.today, record.week, record.month, record.drawdown);
    let wanted = ["-20", "-20", "-30", "30"].map(decimal);
    assert_eq!(told, (wanted[0], wanted[1], wanted[2], wanted[3]));
}
