//! The guards of the account: how far equity may fall, by whose day, and what only a person lifts.

use serde_json::json;

use super::terminal::decimal;
use super::world::World;
use crate::core::snapshot::{Severity, UiCommand};
use crate::core::{Amount, Config, Event, Guard, Guards};
use crate::market::{Permissions, TerminalEvent};

/// The account's balance and equity at a moment of the market.
fn equity(world: &mut World, time: &str, balance: &str, equity: &str) {
    let mut account = world.terminal.account.clone();
    account.balance = decimal(balance);
    account.equity = decimal(equity);
    world.terminal_says(vec![TerminalEvent::Alive {
        account,
        permissions: Permissions::ALL,
        market_time: format!("{time}:00Z").parse().unwrap(),
        latency_ms: 3,
    }]);
}

fn guarded(guards: Guards) -> World {
    let mut world = World::ready();
    let config = Config {
        guards,
        ..world.config.clone()
    };
    world.happens(Event::Configured(config));
    world
}

fn guard(most: &str, warning: &str) -> Guard {
    Guard {
        most: Some(most.parse().unwrap()),
        warning: Some(warning.parse().unwrap()),
    }
}

fn told(world: &World, key: &str) -> Option<Severity> {
    let notices = &world.state.notices;
    notices
        .iter()
        .find(|notice| notice.key == key)
        .map(|notice| notice.severity)
}

#[test]
fn a_daily_loss_of_equity_warns_then_stops_until_a_person_resumes() {
    let mut world = guarded(Guards {
        daily: guard("5%", "300"),
        ..Guards::default()
    });
    equity(&mut world, "2026-03-03T09:00", "10000", "10000");
    equity(&mut world, "2026-03-03T10:00", "10000", "9701");
    assert_eq!(told(&world, "guard:daily"), None);
    equity(&mut world, "2026-03-03T11:00", "10000", "9700");
    assert_eq!(told(&world, "guard:daily"), Some(Severity::Warning));
    assert!(!world.is_blocked_by(""));
    equity(&mut world, "2026-03-03T12:00", "10000", "9500");
    assert_eq!(told(&world, "guard:daily"), Some(Severity::Error));
    assert!(world.is_blocked_by("today's loss on equity has reached the account's guard of 500"));

    world.pusher("r", "RESUME", &json!({}));
    assert!(
        world.is_blocked_by("guard of 500"),
        "not by the platform's word"
    );
    // Equity has recovered; it stays latched, over a restart and into the next day.
    equity(&mut world, "2026-03-03T13:00", "10000", "9900");
    world.restart();
    world.terminal_up();
    equity(&mut world, "2026-03-04T00:00", "9900", "9900");
    assert!(world.is_blocked_by("guard of 500"));
    world.ui(UiCommand::ResumeTrading);
    assert!(!world.is_blocked_by(""));
}

#[test]
fn resumed_while_equity_is_still_so_low_it_stops_again() {
    let mut world = guarded(Guards {
        total: guard("1000", "5%"),
        start_balance: Some(decimal("10000")),
        ..Guards::default()
    });
    equity(&mut world, "2026-03-03T09:00", "9600", "9600");
    assert_eq!(told(&world, "guard:total"), None);
    equity(&mut world, "2026-03-03T10:00", "9600", "9500");
    assert_eq!(told(&world, "guard:total"), Some(Severity::Warning));
    equity(&mut world, "2026-03-03T11:00", "9000", "9000");
    assert!(
        world.is_blocked_by("the total loss on equity has reached the account's guard of 1000")
    );
    world.ui(UiCommand::ResumeTrading);
    equity(&mut world, "2026-03-03T11:01", "9000", "9000");
    assert!(world.is_blocked_by("guard of 1000"));
    equity(&mut world, "2026-03-03T12:00", "9000", "9001");
    world.ui(UiCommand::ResumeTrading);
    equity(&mut world, "2026-03-03T12:01", "9000", "9001");
    assert!(!world.is_blocked_by(""));
}

#[test]
fn the_day_begins_at_the_firms_midnight_with_the_higher_of_balance_and_equity() {
    let mut world = guarded(Guards {
        daily: guard("500", "400"),
        zone: jiff::tz::TimeZone::get("Europe/Prague").unwrap(),
        ..Guards::default()
    });
    // 23:59 and 00:00 in Prague, an hour ahead of UTC in winter.
    equity(&mut world, "2026-03-03T22:59", "10000", "9700");
    equity(&mut world, "2026-03-03T23:00", "9700", "9800");
    equity(&mut world, "2026-03-03T23:30", "9700", "9401");
    assert_eq!(
        told(&world, "guard:daily"),
        None,
        "399 since the firm's midnight"
    );
    equity(&mut world, "2026-03-04T01:00", "9700", "9300");
    assert!(world.is_blocked_by("guard of 500"));
    // 29 March 2026 is the first day of summer time there: midnight is at 23:00 before it, and at 22:00 after.
    let zone = jiff::tz::TimeZone::get("Europe/Prague").unwrap();
    let guards = Guards {
        zone,
        ..Guards::default()
    };
    let day = |time: &str| {
        guards
            .day(format!("{time}:00Z").parse().unwrap())
            .to_string()
    };
    assert_eq!(day("2026-03-28T22:59"), "2026-03-28");
    assert_eq!(day("2026-03-28T23:00"), "2026-03-29");
    assert_eq!(day("2026-03-29T22:00"), "2026-03-30");
}

#[test]
fn a_total_guard_without_start_balance_opens_nothing() {
    let world = guarded(Guards {
        total: guard("10%", "8%"),
        ..Guards::default()
    });
    assert!(world.is_blocked_by("needs the start balance"));
}

#[test]
fn amounts_are_money_or_per_cent() {
    for (text, amount) in [
        ("500", Some(Amount::Money(decimal("500")))),
        (" 4.5 % ", Some(Amount::Percent(decimal("4.5")))),
        ("0", None),
        ("101%", None),
        ("-5", None),
        ("5 percent", None),
    ] {
        assert_eq!(text.parse::<Amount>().ok(), amount, "{text}");
    }
}

/// The first words after a start come before the market's clock is known; on the computer's clock it may be another day.
#[test]
fn a_day_begins_by_the_markets_clock_and_not_again_after_a_restart() {
    let guards = Guards {
        daily: guard("500", "300"),
        ..Guards::default()
    };
    let mut world = guarded(guards.clone());
    world.config.guards = guards;
    equity(&mut world, "2026-03-03T23:50", "10000", "10000");
    equity(&mut world, "2026-03-03T23:55", "9750", "9750");
    for _ in 0..3 {
        world.restart();
        let account = world.terminal.account.clone();
        assert_eq!(world.state.terminal.market_time, None);
        world.terminal_says(vec![TerminalEvent::Up {
            account,
            permissions: Permissions::ALL,
            symbols: Vec::new(),
        }]);
        equity(&mut world, "2026-03-03T23:57", "9750", "9750");
    }
    let base = |world: &World| {
        let days = world.state.durable().guard_days.values();
        days.map(|began| began.base.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(base(&world), ["10000"]);
    equity(&mut world, "2026-03-04T00:01", "9750", "9750");
    assert_eq!(base(&world), ["9750"]);
    // A clock that was put back over midnight begins no day again.
    equity(&mut world, "2026-03-03T23:59", "9500", "9500");
    assert_eq!(base(&world), ["9750"]);
}
