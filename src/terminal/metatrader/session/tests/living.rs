//! A link that is up: heartbeats, switches, the book, bars, deals, damage, the self-test.

use super::*;
use crate::market::Timeframe;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn life_is_told_each_second_and_only_while_something_is_heard() {
    let mut world = World::up();
    world.live(3);
    let id = world.id("PING");
    world.now += Duration::from_millis(7);
    world.say("PONG", &format!("id={id} x={id}"));
    world.pass(SECOND);
    let alive = |world: &World| {
        world
            .events()
            .iter()
            .filter_map(|event| match event {
                TerminalEvent::Alive {
                    latency_ms,
                    market_time,
                    ..
                } => Some((*latency_ms, *market_time)),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    let told = alive(&world);
    assert!(told.len() >= 3);
    // Broker time in UTC is the clock of the test.
    let (_, market_time) = told.last().unwrap();
    let off = market_time.as_millisecond() - utc(world.now).as_millisecond();
    assert!(off.abs() <= 1_000, "{off}");
    assert!(told.last().unwrap().0 >= 7);
    world.pass(SECOND * 3);
    assert!(alive(&world).len() <= told.len() + 1);
    assert!(world.count("HB") + world.count("PING") >= 5);
}

/// Each keeps the Expert Advisor's thread awake for a moment.
#[test]
fn the_round_trip_is_measured_every_five_seconds() {
    let mut world = World::up();
    for _ in 0..20 {
        world.live(1);
        if world.count("PING") > 0 {
            let id = world.id("PING");
            world.say("PONG", &format!("id={id} x={id}"));
        }
    }
    assert!(
        (4..=5).contains(&world.count("PING")),
        "{}",
        world.count("PING")
    );
}

#[test]
fn a_switch_that_is_turned_off_is_told_at_once() {
    let mut world = World::up();
    world.flags("algo=0");
    assert!(
        world
            .transcript()
            .contains("Algo Trading button is off; press it")
    );
    assert!(matches!(
        world.events().first(),
        Some(TerminalEvent::Alive { permissions, .. }) if !permissions.algo_trading
    ));
    world.request(TerminalRequest::Submit(buy(1)));
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.retcode == -5
    ));
    assert_eq!(world.count("CHECK"), 0);
}

#[test]
fn many_hints_are_one_look() {
    let mut world = World::up();
    for _ in 0..20 {
        world.say("TXN", "type=deal_add deal=9 order=8");
    }
    assert_eq!((world.count("SNAP"), world.count("HIST")), (1, 1));
    world.pass(Duration::from_millis(100));
    // One more, because hints came after the first look had begun.
    world.snapshot(&[], 2);
    world.pass(Duration::from_millis(100));
    assert_eq!(world.count("SNAP"), 2);
    world.snapshot(&[&position(5, "")], 3);
    world.pass(SECOND);
    assert_eq!(world.count("SNAP"), 2);
    let last = world
        .events()
        .into_iter()
        .rev()
        .find_map(|event| match event {
            TerminalEvent::Book(book) => Some(book.clone()),
            _ => None,
        })
        .unwrap();
    assert_eq!((last.revision, last.positions.len()), (3, 1));
    // Swap is part of the floating result, and times are UTC.
    assert_eq!(last.positions[0].profit, d("-1.20"));
    assert_eq!(last.positions[0].opened_at, utc(Duration::ZERO));
}

#[test]
fn a_snapshot_that_the_ea_began_again_is_the_last_one() {
    let mut world = World::up();
    world.request(TerminalRequest::SendBook);
    let id = world.id("SNAP");
    for ticket in [1, 2] {
        world.say("POS", &format!("id={id} {}", position(ticket, "")));
    }
    // Position 1 was closed meanwhile.
    world.say("ACC", "balance=1 equity=1 margin=0 free=1");
    world.say("POS", &format!("id={id} {}", position(2, "")));
    world.say("END", &format!("id={id} n=1 npos=1 nord=0 rev=9"));
    let text = world.transcript();
    assert!(text.contains("Book rev=9 positions=[\"#2 BUY"), "{text}");
    assert!(!text.contains("#1 BUY"));
}

#[test]
fn a_snapshot_with_too_few_lines_is_no_book() {
    let mut world = World::up();
    world.request(TerminalRequest::SendBook);
    let id = world.id("SNAP");
    world.say("POS", &format!("id={id} {}", position(1, "")));
    world.say("END", &format!("id={id} n=2 npos=2 nord=0 rev=9"));
    assert!(!world.transcript().contains("◆ Book"));
    assert_eq!(world.count("SNAP"), 2);
}

#[test]
fn a_lost_line_makes_everything_be_read_again() {
    let mut world = World::up();
    world.request(TerminalRequest::Watch {
        symbol: "EURUSD".to_owned(),
        timeframe: Timeframe::M5,
        history: 1,
    });
    let id = world.id("RATES");
    world.say(
        "RATE",
        &format!("id={id} time=1795528500 o=1.1 h=1.2 l=1.0 c=1.1 tv=9 sp=1 rv=0"),
    );
    world.say("END", &format!("id={id} n=1 synced=1 more=1"));
    world.outputs.clear();
    world.q += 1;
    world.say(
        "TICK",
        &format!("sym=EURUSD bid=1.1 ask=1.2 last=0 vol=0 ms={BROKER_START_MS} flags=6"),
    );
    // The price after the gap is not believed before the snapshot.
    assert!(!world.transcript().contains("Quote"));
    assert_eq!(
        (
            world.count("SNAP"),
            world.count("HIST"),
            world.count("RATES")
        ),
        (1, 1, 1)
    );
    world.request(TerminalRequest::Submit(buy(1)));
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.retcode == -7
    ));
    world.snapshot(&[], 2);
    world.say(
        "TICK",
        &format!("sym=EURUSD bid=1.1 ask=1.2 last=0 vol=0 ms={BROKER_START_MS} flags=6"),
    );
    assert!(world.transcript().contains("Quote"));
}

#[test]
fn a_line_that_comes_twice_counts_once() {
    let mut world = World::up();
    world.request(TerminalRequest::SendBook);
    let id = world.id("SNAP");
    let q = world.q + 1;
    world.say("POS", &format!("id={id} {}", position(1, "")));
    world.say_numbered(q, "POS", &format!("id={id} {}", position(1, "")));
    world.say("END", &format!("id={id} n=1 npos=1 nord=0 rev=2"));
    assert!(world.transcript().contains("Book rev=2"));
    assert_eq!(world.count("SNAP"), 1);
}

#[test]
fn a_type_of_a_later_version_is_answered_and_nothing_else_happens() {
    let mut world = World::up();
    world.say("NEWS", "text=x");
    let sent = world.sent();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].kind(), "ERR");
    assert_eq!(sent[0].get("code"), Some("-1"));
}

fn rates(world: &mut World, from: usize, count: usize, more: u8) {
    let id = world.id("RATES");
    for index in (from..from + count).rev() {
        let time = 1_795_528_800 - 300 * (index as i64 + 1);
        world.say(
            "RATE",
            &format!("id={id} time={time} o=1.1 h=1.2 l=1.0 c=1.15 tv={index} sp=1 rv=0"),
        );
    }
    world.say("END", &format!("id={id} n={count} synced=1 more={more}"));
}

#[test]
fn bars_come_whole_in_order_and_once() {
    let mut world = World::up();
    world.request(TerminalRequest::Watch {
        symbol: "EURUSD".to_owned(),
        timeframe: Timeframe::M5,
        history: 700,
    });
    assert_eq!(world.field("SUB", "bars"), "M5");
    assert_eq!(world.field("RATES", "count"), "500");
    rates(&mut world, 0, 500, 1);
    // A bar closes between two chunks.
    let closing = "sym=EURUSD tf=M5 time=1795528800 o=1.1 h=1.2 l=1.0 c=1.15 tv=1 sp=1 rv=0";
    world.say("BAR", closing);
    assert_eq!(
        (world.field("RATES", "from"), world.field("RATES", "count")),
        ("500".to_owned(), "200".to_owned())
    );
    assert!(!world.transcript().contains("Bars"));
    // The terminal's shift moved by the new bar: one comes twice.
    rates(&mut world, 499, 200, 1);
    let bars = world
        .events()
        .into_iter()
        .find_map(|event| match event {
            TerminalEvent::Bars { bars, .. } => Some(bars.clone()),
            _ => None,
        })
        .unwrap();
    assert_eq!(bars.len(), 700);
    assert!(bars.windows(2).all(|pair| pair[0].time < pair[1].time));
    // 14:00 of the broker is 12:00 UTC.
    assert_eq!(bars.last().unwrap().time, utc(Duration::ZERO));

    world.outputs.clear();
    world.say("BAR", closing);
    assert!(world.events().is_empty(), "told already");
    world.say("BAR", &closing.replace("1795528800", "1795529100"));
    assert_eq!(world.events().len(), 1);
}

#[test]
fn bars_that_are_not_synchronised_are_waited_for() {
    let mut world = World::up();
    world.request(TerminalRequest::Watch {
        symbol: "EURUSD".to_owned(),
        timeframe: Timeframe::H1,
        history: 10,
    });
    let id = world.id("RATES");
    world.say("END", &format!("id={id} n=0 synced=0 more=0"));
    world.pass(Duration::from_millis(400));
    assert_eq!(world.count("RATES"), 1);
    world.pass(Duration::from_millis(200));
    assert_eq!(world.count("RATES"), 2);
    assert!(!world.transcript().contains("Bars"));
    rates(&mut world, 0, 10, 0);
    assert!(world.transcript().contains("Bars"));
}

#[test]
fn one_chunk_at_a_time_whatever_is_watched() {
    let mut world = World::up();
    for timeframe in [Timeframe::M1, Timeframe::M5, Timeframe::H1] {
        for symbol in ["EURUSD", "GBPUSD"] {
            world.request(TerminalRequest::Watch {
                symbol: symbol.to_owned(),
                timeframe,
                history: 10,
            });
        }
    }
    assert_eq!(world.count("RATES"), 1);
    assert_eq!(world.field("SUB", "bars"), "M1,M5,H1");
    world.request(TerminalRequest::Unwatch {
        symbol: "GBPUSD".to_owned(),
        timeframe: Timeframe::M5,
    });
    assert_eq!(world.field("SUB", "bars"), "M1,H1");
}

fn closing_deal(ticket: u64, ms: i64) -> String {
    format!(
        "ticket={ticket} order=1 pos=41 sym=EURUSD type=sell entry=out reason=sl vol=0.10 price=1.098 profit=-21 \
         swap=-1 commission=-0.5 fee=0 sl=0 tp=0 magic=0 comment= ms={ms}"
    )
    .split_whitespace()
    .collect::<Vec<_>>()
    .join(" ")
}

/// At the end of summer time; what was dealt before lies in the future then.
#[test]
fn a_broker_clock_that_is_put_back_hides_no_deal() {
    const HOUR: i64 = 3_600_000;
    let told = |world: &World| {
        let deal = |event: &TerminalEvent| matches!(event, TerminalEvent::Deal(_));
        world.events().iter().filter(|event| deal(event)).count()
    };
    let mut world = World::up();
    world.live(5);
    world.say("TXN", "type=deal_add");
    let first = closing_deal(90, BROKER_START_MS + 4_000);
    world.deals(&[&first]);
    world.time(3_600);
    let mut known = vec![first];
    for (ticket, seconds) in [(91, 9), (92, 14), (93, 19)] {
        world.live(5);
        world.say("TXN", "type=deal_add");
        let ms = BROKER_START_MS - HOUR + seconds * 1_000;
        let from: i64 = world.field("HIST", "from_ms").parse().unwrap();
        assert!(from <= ms, "deal {ticket} is not asked for");
        known.push(closing_deal(ticket, ms));
        let lines: Vec<&str> = known.iter().map(String::as_str).collect();
        world.deals(&lines);
        assert_eq!(told(&world), known.len());
    }
}

#[test]
fn after_a_reconnection_deals_are_told_from_the_last_one_and_never_twice() {
    let deal = closing_deal;
    let mut world = World::up();
    world.say("TXN", "type=deal_add");
    world.deals(&[&deal(90, BROKER_START_MS + 5_000)]);
    world.say("BYE", "reason=reload");
    world.connect();
    world.hello("");
    world.prove();
    world.facts();
    world.symbols();
    world.snapshot(&[], 2);
    let from: i64 = world.field("HIST", "from_ms").parse().unwrap();
    assert!(from <= BROKER_START_MS + 5_000 && from > BROKER_START_MS - 3_600_000);
    world.deals(&[
        &deal(92, BROKER_START_MS + 7_000),
        &deal(91, BROKER_START_MS + 6_000),
        &deal(90, BROKER_START_MS + 5_000),
    ]);
    let deals: Vec<_> = world
        .events()
        .into_iter()
        .filter_map(|event| match event {
            TerminalEvent::Deal(deal) => Some((deal.ticket.0, deal.profit)),
            _ => None,
        })
        .collect();
    let result = d("-22.5");
    assert_eq!(deals, [(90, result), (91, result), (92, result)]);
}

#[test]
fn the_self_test_tries_everything_and_trades_nothing() {
    let mut world = World::up();
    world.request(TerminalRequest::SelfTest);
    let cid = world.field("CHECK", "cid");
    assert_eq!(world.field("CHECK", "vol"), "0.01");
    let id = world.id("CHECK");
    world.say(
        "RES",
        &format!("id={id} cid={cid} ok=1 retcode=0 stage=done free=9989.00"),
    );
    // The terminal was just started: the search is repeated.
    for sync in [0, 1] {
        let id = world.id("FIND");
        world.say(
            "FOUND",
            &format!("id={id} cid={cid} where=none from_ms=0 to_ms=9999999999999 sync={sync}"),
        );
        if sync == 0 {
            world.pass(SECOND);
        }
    }
    for _ in 0..100 {
        let id = world.id("PING");
        world.now += Duration::from_micros(300);
        world.say("PONG", &format!("id={id} x={id}"));
    }
    let report = world
        .events()
        .into_iter()
        .find_map(|event| match event {
            TerminalEvent::SelfTested(report) => Some(report.clone()),
            _ => None,
        })
        .unwrap();
    assert!(report.passed(), "{report:?}");
    assert_eq!((report.median_us, report.p95_us), (300, 300));
    assert_eq!(report.items.len(), 3);
    assert_eq!((world.count("ORDER"), world.count("CLOSE")), (0, 0));
}

/// Nobody tells of what happened while the broker was away.
#[test]
fn after_an_outage_of_the_broker_all_is_read_again_before_anything_is_opened() {
    let mut world = World::up();
    world.flags("connected=0");
    world.live(3);
    world.outputs.clear();
    world.flags("connected=1");
    let refused = |world: &mut World, number| {
        world.request(TerminalRequest::Submit(buy(number)));
        world.answers(cid(number)).len()
    };
    assert_eq!(refused(&mut world, 1), 1);
    world.pass(Duration::from_millis(100));
    world.snapshot(&[], 2);
    assert_eq!(
        refused(&mut world, 2),
        1,
        "the terminal is still catching up"
    );
    world.live(3);
    while world.count("SNAP") > 0 {
        world.snapshot(&[], 3);
        world.outputs.retain(
            |output| !matches!(output, Output::Send { line, .. } if line.starts_with("SNAP")),
        );
    }
    assert_eq!(refused(&mut world, 3), 0);
    assert_eq!(world.count("CHECK"), 1);
}

/// A hint that was lost costs ten seconds.
#[test]
fn the_book_is_read_again_without_any_hint() {
    let mut world = World::up();
    world.live(9);
    assert_eq!((world.count("SNAP"), world.count("HIST")), (0, 0));
    world.live(2);
    assert_eq!((world.count("SNAP"), world.count("HIST")), (1, 1));
}

/// Orders would go out by what was true long ago.
#[test]
fn one_that_lives_and_lists_nothing_is_left() {
    for answer in [false, true] {
        let mut world = World::up();
        world.request(TerminalRequest::SendBook);
        for _ in 0..32 {
            world.live(1);
            if answer {
                let id = world.id("SNAP");
                world.say("ERR", &format!("id={id} code=-9 text=busy"));
            }
        }
        let text = world.transcript();
        assert!(
            text.contains("has not told its positions for 30 s"),
            "{text}"
        );
        // Asked for again, and no flood of it.
        assert!(
            (2..40).contains(&world.count("SNAP")),
            "{}",
            world.count("SNAP")
        );
    }
}
