//! When the market is closed and nothing is wrong.

use super::world::World;
use super::{buying_rules, start_args};
use crate::market::{Session, TerminalEvent};

/// Minutes from Monday 00:00 by the broker's clock.
fn weekdays() -> Vec<Session> {
    let whole = |day| Session {
        day,
        from: 0,
        to: 24 * 60,
    };
    (1..=5).map(whole).collect()
}

#[test]
fn a_weekend_is_named_with_the_moment_when_it_ends() {
    let mut world = World::ready();
    world.pusher("a", "START_STRATEGY", &start_args("s1", &buying_rules()));
    world.assert_executed("a");
    let spec = world.state.terminal.symbols.get_mut("EURUSD").unwrap();
    spec.terms.sessions = Some(weekdays());
    world.state.terminal.facts.clock_offset_s = 7_200;
    // Saturday, 23:30:10 by the broker's clock; then Monday, half a minute in.
    for (utc, opens) in [
        ("2026-11-28T21:30:10Z", Some("2026-11-29T22:00:00Z")),
        ("2026-11-29T22:00:30Z", None),
    ] {
        world.state.terminal.market_time = Some(utc.parse().unwrap());
        let hours = world.state.market_hours();
        assert_eq!(hours.all_closed(), opens.is_some(), "{hours:?}");
        assert_eq!(hours.opens(), opens.map(|at| at.parse().unwrap()));
    }
    world.terminal_says(vec![TerminalEvent::Down {
        reason: "gone".to_owned(),
    }]);
    assert!(!world.state.market_hours().all_closed());
}
