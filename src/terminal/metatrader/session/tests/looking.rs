//! What became of an order: presence at once, absence only with proof.

use super::*;
use crate::market::{LevelChange, Twice};

/// A world whose order 1 was sent and left in doubt.
fn doubtful() -> World {
    let mut world = World::up_without_lists();
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
    look_for(world, fields, Twice::Opens)
}

/// The same for a change, which is believed absent soon.
fn soon(world: &mut World, fields: &str) -> Found {
    look_for(world, fields, Twice::Harmless)
}

fn look_for(world: &mut World, fields: &str, twice: Twice) -> Found {
    let before = world.findings().len();
    world.request(TerminalRequest::Find {
        cid: cid(1),
        since: None,
        twice,
        ordered: None,
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

/// Snapshots that were asked for are answered, also the one that is asked for by the answer.
fn book(world: &mut World) {
    let asked =
        |output: &Output| matches!(output, Output::Send { line, .. } if line.starts_with("SNAP"));
    while let Some(at) = world.outputs.iter().position(asked) {
        world.snapshot(&[], 2);
        world.outputs.remove(at);
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
    assert!(not_yet(&soon(&mut world, "")).contains("look 1 of 3"));
    book(&mut world);
    // Many looks at once are one.
    for _ in 0..5 {
        assert!(not_yet(&soon(&mut world, "")).contains("look 1 of 3"));
    }
    book(&mut world);
    world.live(11);
    assert!(not_yet(&soon(&mut world, "")).contains("look 2 of 3"));
    world.live(11);
    // Three looks and not half a minute.
    assert!(not_yet(&soon(&mut world, "")).contains("look 3 of 3, 22 of 30 s"));
    world.live(8);
    book(&mut world);
    assert_eq!(soon(&mut world, ""), Found::Absent);
}

#[test]
fn absence_needs_a_book_that_was_read_after_the_search_began() {
    let mut world = doubtful();
    world.live(11);
    for _ in 0..4 {
        let found = soon(&mut world, "");
        assert!(matches!(found, Found::NotYet { .. }), "{found:?}");
        world.live(11);
    }
    assert!(world.count("SNAP") >= 1);
    book(&mut world);
    assert_eq!(soon(&mut world, ""), Found::Absent);
}

#[test]
fn a_look_that_proves_nothing_begins_the_proof_anew() {
    type Spoil = fn(&mut World);
    let spoil: [(&str, Spoil); 3] = [
        ("history too short", |world| {
            let from = format!("from_ms={}", BROKER_START_MS + 3_600_000);
            assert!(not_yet(&soon(world, &from)).contains("does not cover"));
        }),
        ("broker away", |world| {
            world.flags("connected=0");
            world.flags("connected=1");
            // It counts as away until the book was read again.
            for _ in 0..3 {
                world.live(2);
                book(world);
            }
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
        soon(&mut world, "");
        book(&mut world);
        world.live(11);
        assert!(not_yet(&soon(&mut world, "")).contains("look 2"), "{name}");
        spoil(&mut world);
        world.live(20);
        let found = soon(&mut world, "");
        let said = not_yet(&found);
        assert!(said.contains("look 1 of 3"), "{name}: {said}");
    }
}

#[test]
fn a_look_on_a_moving_history_counts_for_nothing_and_spoils_nothing() {
    let mut world = doubtful();
    world.live(11);
    assert!(not_yet(&soon(&mut world, "sync=0")).contains("not synchronised"));
    soon(&mut world, "");
    book(&mut world);
    for _ in 0..2 {
        world.live(11);
        assert!(not_yet(&soon(&mut world, "sync=0")).contains("not synchronised"));
    }
    assert!(not_yet(&soon(&mut world, "")).contains("look 2 of 3"));
    world.live(11);
    book(&mut world);
    assert_eq!(soon(&mut world, ""), Found::Absent);
}

#[test]
fn an_order_may_still_execute_while_it_lives() {
    let mut world = doubtful();
    assert!(not_yet(&look(&mut world, "")).contains("time to live"));
}

/// How many seconds of looking prove its absence.
fn proven_after(world: &mut World, fields: &str, twice: Twice) -> u64 {
    world.live(11);
    let began = world.now;
    while look_for(world, fields, twice) != Found::Absent {
        book(world);
        world.live(10);
        assert!(world.now - began < Duration::from_secs(400), "never proven");
    }
    (world.now - began).as_secs()
}

/// An Expert Advisor that was put into another folder of the terminal remembers nothing of what was sent.
#[test]
fn absence_is_believed_late_where_a_second_order_could_cost_a_position() {
    // What the Expert Advisor said of the order when it was sent: nothing, that it is about to, that it did.
    let never = |world: &mut World| world.say("BYE", "reason=reload");
    let about = |world: &mut World| {
        let id = world.id("CLOSE");
        world.say("BUSY", &format!("id={id} cid={}", cid(1).0));
        world.say("BYE", "reason=reload");
    };
    let sent = |world: &mut World| {
        let id = world.id("CLOSE");
        let cid = cid(1).0;
        world.say(
            "RES",
            &format!("id={id} cid={cid} ok=0 retcode=10012 stage=sent"),
        );
        world.say("BYE", "reason=reload");
    };
    type Said = fn(&mut World);
    let cases: [(&str, Said, &str, Twice, u64); 9] = [
        ("opens, unknown", never, "where=none", Twice::Opens, 300),
        ("opens, sent", sent, "where=none", Twice::Opens, 300),
        ("opens, history", sent, "where=hist", Twice::Opens, 300),
        (
            "reverses, never sent",
            never,
            "where=none",
            Twice::Reverses,
            30,
        ),
        (
            "reverses, about to",
            about,
            "where=none",
            Twice::Reverses,
            300,
        ),
        ("reverses, sent", sent, "where=none", Twice::Reverses, 300),
        (
            "reverses, by the EA's journal",
            never,
            "where=sent",
            Twice::Reverses,
            300,
        ),
        ("harmless, sent", sent, "where=none", Twice::Harmless, 30),
        (
            "harmless, by the EA's journal",
            sent,
            "where=sent",
            Twice::Harmless,
            30,
        ),
    ];
    for (name, said, fields, twice, wanted) in cases {
        let mut world = World::up();
        world.request(TerminalRequest::Submit(close(1, 50)));
        said(&mut world);
        world.come_up();
        world.outputs.clear();
        assert_eq!(proven_after(&mut world, fields, twice), wanted, "{name}");
    }
}

/// After a restart nobody here knows how far a close came.
#[test]
fn a_close_of_before_a_restart_may_have_been_sent() {
    let mut world = World::up();
    let since = Some(utc(world.now));
    world.live(11);
    let mut found = Vec::new();
    for _ in 0..6 {
        world.request(TerminalRequest::Find {
            cid: cid(1),
            since,
            twice: Twice::Reverses,
            ordered: None,
        });
        let id = world.id("FIND");
        let cid = cid(1).0;
        world.say(
            "FOUND",
            &format!("id={id} cid={cid} where=none from_ms=0 to_ms=9999999999999 sync=1"),
        );
        found.push(world.findings().last().unwrap().clone());
        book(&mut world);
        world.live(10);
    }
    assert!(
        found.iter().all(|one| matches!(one, Found::NotYet { .. })),
        "{found:?}"
    );
}

/// The computer's clock was ahead and has been set right.
#[test]
fn an_order_that_was_made_after_now_proves_nothing() {
    let mut world = World::up();
    let since = Some(utc(world.now + Duration::from_secs(3_600)));
    for _ in 0..8 {
        world.request(TerminalRequest::Find {
            cid: cid(1),
            since,
            twice: Twice::Harmless,
            ordered: None,
        });
        let (id, from) = (world.id("FIND"), world.field("FIND", "since_ms"));
        assert!(
            from.parse::<i64>().unwrap() < BROKER_START_MS,
            "searched from before now"
        );
        let cid = cid(1).0;
        world.say(
            "FOUND",
            &format!("id={id} cid={cid} where=none from_ms=0 to_ms=9999999999999 sync=1"),
        );
        assert!(not_yet(world.findings().last().unwrap()).contains("not known when"));
        book(&mut world);
        world.live(10);
    }
    let backwards = format!(
        "from_ms={} to_ms={}",
        BROKER_START_MS - 1,
        BROKER_START_MS - 2
    );
    let mut world = doubtful();
    world.live(11);
    assert!(not_yet(&look(&mut world, &backwards)).contains("does not cover"));
}

#[test]
fn a_refusal_in_the_eas_journal_is_the_answer() {
    let mut world = doubtful();
    world.request(TerminalRequest::Find {
        cid: cid(1),
        since: None,
        twice: Twice::Opens,
        ordered: None,
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
            stop_loss: LevelChange::At(d("1.09")),
            take_profit: LevelChange::Remove,
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
    let mut world = World::up_without_lists();
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
            twice: Twice::Opens,
            ordered: None,
        });
    }
    assert_eq!(world.count("FIND"), 16);
    // Asked again meanwhile, they do not crowd in.
    world.request(TerminalRequest::Find {
        cid: cid(39),
        since: None,
        twice: Twice::Opens,
        ordered: None,
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
