//! What became of an order: presence at once, absence only with proof.

use super::*;

/// A world whose order 1 was sent and left in doubt.
fn doubtful() -> World {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    let (id, cid) = (world.id("CHECK"), world.field("CHECK", "cid"));
    world.say(
        "RES",
        &format!("id={id} cid={cid} ok=1 retcode=0 stage=done free=9500"),
    );
    let id = world.id("ORDER");
    world.say(
        "RES",
        &format!("id={id} cid={cid} ok=0 retcode=10012 stage=sent"),
    );
    world.outputs.clear();
    world
}

fn look(world: &mut World, fields: &str) -> Found {
    look_for(world, fields, true)
}

fn look_for(world: &mut World, fields: &str, opens: bool) -> Found {
    let before = world.findings().len();
    world.request(TerminalRequest::Find {
        cid: cid(1),
        since: None,
        opens,
    });
    if world.findings().len() == before {
        let id = world.id("FIND");
        let to = BROKER_START_MS + i64::try_from(world.now.as_millis()).unwrap();
        let cid = cid(1).0;
        world.say(
            "FOUND",
            &replaced(
                &format!("id={id} cid={cid} where=none ticket=0 deal=0 vol=0 price=0 profit=0 from_ms=0 to_ms={to} sync=1"),
                fields,
            ),
        );
    }
    world.findings().last().unwrap().clone()
}

/// Snapshots that were asked for are answered.
fn book(world: &mut World) {
    while world
        .outputs
        .iter()
        .any(|output| matches!(output, Output::Send { line, .. } if line.starts_with("SNAP")))
    {
        world.snapshot(&[], 2);
        world.outputs.retain(
            |output| !matches!(output, Output::Send { line, .. } if line.starts_with("SNAP")),
        );
    }
}

fn not_yet(found: &Found) -> &str {
    match found {
        Found::NotYet { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn presence_is_believed_at_once() {
    for place in ["pos", "deal"] {
        let mut world = doubtful();
        let found = look(
            &mut world,
            &format!("where={place} ticket=5 deal=7 vol=0.10 price=1.1001 sync=0"),
        );
        let Found::Executed(fill) = found else {
            panic!("{found:?}");
        };
        assert_eq!((fill.ticket, fill.deal), (Ticket(5), Some(Ticket(7))));
    }
}

#[test]
fn absence_needs_three_looks_over_half_a_minute_and_a_newer_book() {
    let mut world = doubtful();
    world.live(11);
    assert!(not_yet(&look(&mut world, "")).contains("look 1 of 3"));
    book(&mut world);
    // Many looks at once are one.
    for _ in 0..5 {
        assert!(not_yet(&look(&mut world, "")).contains("look 1 of 3"));
    }
    book(&mut world);
    world.live(11);
    assert!(not_yet(&look(&mut world, "")).contains("look 2 of 3"));
    world.live(11);
    // Three looks and not half a minute.
    assert!(not_yet(&look(&mut world, "")).contains("look 3 of 3, 22 of 30 s"));
    world.live(8);
    assert_eq!(look(&mut world, ""), Found::Absent);
}

#[test]
fn absence_needs_a_book_that_was_read_after_the_search_began() {
    let mut world = doubtful();
    world.live(11);
    for _ in 0..4 {
        let found = look(&mut world, "");
        assert!(matches!(found, Found::NotYet { .. }), "{found:?}");
        world.live(11);
    }
    assert!(world.count("SNAP") >= 1);
    book(&mut world);
    assert_eq!(look(&mut world, ""), Found::Absent);
}

#[test]
fn a_look_that_proves_nothing_begins_the_proof_anew() {
    type Spoil = fn(&mut World);
    let spoil: [(&str, Spoil); 3] = [
        ("history too short", |world| {
            let from = format!("from_ms={}", BROKER_START_MS + 3_600_000);
            assert!(not_yet(&look(world, &from)).contains("does not cover"));
        }),
        ("broker away", |world| {
            world.flags("connected=0");
            world.flags("connected=1");
        }),
        ("a lost line", |world| {
            world.q += 1;
            world.say("HB", "n=1 ack=0");
            book(world);
        }),
    ];
    for (name, spoil) in spoil {
        let mut world = doubtful();
        world.live(11);
        look(&mut world, "");
        book(&mut world);
        world.live(11);
        assert!(not_yet(&look(&mut world, "")).contains("look 2"), "{name}");
        spoil(&mut world);
        world.live(20);
        assert!(
            not_yet(&look(&mut world, "")).contains("look 1 of 3"),
            "{name}"
        );
    }
}

#[test]
fn a_look_on_a_moving_history_counts_for_nothing_and_spoils_nothing() {
    let mut world = doubtful();
    world.live(11);
    assert!(not_yet(&look(&mut world, "sync=0")).contains("not synchronised"));
    look(&mut world, "");
    book(&mut world);
    for _ in 0..2 {
        world.live(11);
        assert!(not_yet(&look(&mut world, "sync=0")).contains("not synchronised"));
    }
    assert!(not_yet(&look(&mut world, "")).contains("look 2 of 3"));
    world.live(11);
    assert_eq!(look(&mut world, ""), Found::Absent);
}

#[test]
fn an_order_may_still_execute_while_it_lives() {
    let mut world = doubtful();
    assert!(not_yet(&look(&mut world, "")).contains("time to live"));
}

#[test]
fn what_the_ea_has_as_sent_gets_five_minutes() {
    let mut world = doubtful();
    world.live(11);
    for _ in 0..29 {
        let found = look(&mut world, "where=sent");
        assert!(matches!(found, Found::NotYet { .. }), "{found:?}");
        book(&mut world);
        world.live(10);
    }
    world.live(20);
    assert_eq!(look(&mut world, "where=sent"), Found::Absent);
}

#[test]
fn a_close_that_the_ea_has_as_sent_gets_half_a_minute() {
    let mut world = doubtful();
    world.live(11);
    for _ in 0..3 {
        let found = look_for(&mut world, "where=sent", false);
        assert!(matches!(found, Found::NotYet { .. }), "{found:?}");
        book(&mut world);
        world.live(10);
    }
    assert_eq!(look_for(&mut world, "where=sent", false), Found::Absent);
}

#[test]
fn a_refusal_in_the_eas_journal_is_the_answer() {
    let mut world = doubtful();
    world.request(TerminalRequest::Find {
        cid: cid(1),
        since: None,
        opens: true,
    });
    let id = world.id("FIND");
    let number = cid(1).0;
    world.say(
        "FOUND",
        &format!("id={id} cid={number} where=refused retcode=10019 from_ms=0 to_ms=0 sync=1"),
    );
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.retcode == 10_019
    ));
}

#[test]
fn a_change_that_leaves_no_trace_is_proven_by_the_eas_journal() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(OrderIntent {
        action: IntentAction::Modify {
            ticket: Ticket(50),
            stop_loss: Some(d("1.09")),
            take_profit: None,
        },
        ..close(1, 50)
    }));
    let id = world.id("SLTP");
    let number = cid(1).0;
    world.say(
        "RES",
        &format!("id={id} cid={number} ok=0 retcode=10012 stage=sent"),
    );
    let Found::Executed(fill) = look(&mut world, "where=done retcode=10009") else {
        panic!("{}", world.transcript());
    };
    assert_eq!(fill.ticket, Ticket(50));
}

#[test]
fn without_a_time_absence_is_never_proven() {
    let mut world = World::up();
    for _ in 0..10 {
        assert!(not_yet(&look(&mut world, "")).contains("not known when"));
        world.live(10);
    }
}

#[test]
fn an_order_on_its_way_and_one_of_another_account_are_not_searched() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    assert!(not_yet(&look(&mut world, "")).contains("on its way"));
    assert_eq!(world.count("FIND"), 0);
    let mut world = doubtful();
    world.say("BYE", "reason=account");
    world.connect();
    world.hello("login=777");
    let own = hex::encode([0x0e; 32]);
    let mac = secret().ea_mac(EA_NONCE, &own, 777, "Demo-1");
    world.say("AUTH", &format!("mac={mac}"));
    world.say("ACC", "balance=5 equity=5 margin=0 free=5");
    world.flags("login=777");
    world.time(7_200);
    world.symbols();
    world.snapshot(&[], 1);
    world.deals(&[]);
    assert!(not_yet(&look(&mut world, "")).contains("account 5012345@Demo-1"));
}

#[test]
fn a_working_rest_is_neither_done_nor_absent() {
    let mut world = doubtful();
    world.live(11);
    let reason = look(&mut world, "where=ord ticket=6");
    assert!(not_yet(&reason).contains("#6 is working"));
}

/// The Expert Advisor has room for 32 that wait for their second look; the others would be answered without proof.
#[test]
fn many_doubts_are_searched_a_few_at_a_time_and_each_gets_its_turn() {
    let mut world = World::up();
    for number in 0..40 {
        world.request(TerminalRequest::Find {
            cid: cid(number),
            since: Some(utc(world.now)),
            opens: true,
        });
    }
    assert_eq!(world.count("FIND"), 16);
    // Asked again meanwhile, they do not crowd in.
    world.request(TerminalRequest::Find {
        cid: cid(39),
        since: None,
        opens: true,
    });
    for asked in 0..40 {
        let lines: Vec<(String, String)> = world
            .sent()
            .iter()
            .filter(|line| line.kind() == "FIND")
            .map(|line| {
                let of = |key| line.get(key).unwrap().to_owned();
                (of("id"), of("cid"))
            })
            .collect();
        let (id, of) = &lines[asked];
        world.say(
            "FOUND",
            &format!("id={id} cid={of} where=none from_ms=0 to_ms=9999999999999 sync=1"),
        );
    }
    assert_eq!(world.count("FIND"), 40);
    assert_eq!(world.findings().len(), 40);
}
