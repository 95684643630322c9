//! Who is let in, what is told first, and what the trader reads when nobody is.

use super::*;

#[test]
fn an_ea_greets_proves_itself_tells_everything_and_only_then_is_up() {
    let mut world = World::new();
    world.step(Input::Listening {
        note: String::new(),
    });
    world.connect();
    world.hello("");
    world.prove();
    world.facts();
    world.symbols();
    let line = position(41, "magic=5044031582654955521");
    world.snapshot(&[&line], 17);
    world.deals(&[&format!(
        "ticket=90 order=80 pos=41 sym=EURUSD type=buy entry=in reason=expert vol=0.10 price=1.10010 profit=0 swap=0 \
         commission=-0.35 fee=0 sl=0 tp=0 magic=5044031582654955521 comment= ms={BROKER_START_MS}"
    )
    .split_whitespace()
    .collect::<Vec<_>>()
    .join(" ")]);
    insta::assert_snapshot!("opening", world.transcript());
}

#[test]
fn strangers_are_refused_and_the_trader_reads_why() {
    let mut texts = String::new();
    let mut case = |name: &str, act: fn(&mut World)| {
        let mut world = World::new();
        world.step(Input::Listening {
            note: String::new(),
        });
        world.outputs.clear();
        world.connect();
        act(&mut world);
        assert!(
            world.outputs.contains(&Output::Close { peer: world.peer }),
            "{name}"
        );
        texts.push_str(&format!("== {name}\n{}\n", world.transcript()));
    };
    case("another version", |world| world.hello("proto=2"));
    case("a wrong secret", |world| {
        world.hello("");
        world.say("AUTH", &format!("mac={}", "ab".repeat(32)));
    });
    case("something else first", |world| world.say("HB", "n=1 ack=0"));
    case("a proof without a greeting", World::prove);
    case("a bad nonce", |world| world.hello("nonce=1234"));
    case("no line of ours", |world| {
        let bytes = b"GET / HTTP/1.1\r".to_vec();
        let peer = world.peer;
        world.step(Input::Line { peer, bytes });
    });
    case("silence", |world| world.pass(Duration::from_secs(5)));
    insta::assert_snapshot!("strangers", texts);
}

#[test]
fn a_proof_of_another_account_is_none() {
    let mut world = World::new();
    world.connect();
    world.hello("login=5012346");
    world.prove();
    assert!(world.transcript().contains("BYE reason=auth"));
}

#[test]
fn a_second_ea_is_refused_and_the_first_one_stays() {
    let mut world = World::up();
    let first = world.peer;
    world.connect();
    world.hello("");
    world.prove();
    insta::assert_snapshot!("second_ea", world.transcript());
    world.peer = first;
    world.outputs.clear();
    world.request(TerminalRequest::SendBook);
    assert_eq!(world.count("SNAP"), 1);
}

/// Who is not served learns why, and that it is this program which says so.
#[test]
fn another_accounts_ea_is_not_told_that_its_account_is_taken() {
    for (change, login, server, reason) in [
        ("role=other", 5_012_345, "Demo-1", "taken"),
        ("login=777", 777, "Demo-1", "other_account"),
        ("server=Live-2", 5_012_345, "Live-2", "other_account"),
    ] {
        let mut world = World::up();
        world.outputs.clear();
        world.connect();
        world.hello(change);
        let own = hex::encode([0x0e; 32]);
        let proof = secret().ea_mac(EA_NONCE, &own, login, server);
        world.say("AUTH", &format!("mac={proof}"));
        let mac = secret().refusal_mac(reason, EA_NONCE, &own);
        let bye = format!("BYE reason={reason} mac={mac}");
        let said = world.transcript();
        assert!(said.contains(&bye), "{change}: {said}");
        assert_eq!(
            said.contains("account …345 on Demo-1 is connected"),
            reason == "other_account",
            "{change}: {said}"
        );
    }
}

#[test]
fn an_account_switch_is_down_and_then_up_with_the_other_account() {
    let mut world = World::up();
    world.say("BYE", "reason=account");
    assert!(world.down().unwrap().contains("another account"));
    world.connect();
    world.hello("login=777 kind=real margin=netting");
    let own = hex::encode([0x0e; 32]);
    let mac = secret().ea_mac(EA_NONCE, &own, 777, "Demo-1");
    world.say("AUTH", &format!("mac={mac}"));
    world.say("ACC", "balance=5 equity=5 margin=0 free=5");
    world.flags("login=777");
    world.time(7_200);
    world.symbols();
    world.snapshot(&[], 1);
    world.deals(&[]);
    assert!(
        world
            .transcript()
            .contains("Up 777@Demo-1 USD Netting demo=false free=5"),
        "{}",
        world.transcript()
    );
}

#[test]
fn every_way_down_says_what_to_do() {
    let mut texts = String::new();
    let mut case = |name: &str, act: fn(&mut World)| {
        let mut world = World::up();
        act(&mut world);
        let down = world.down().unwrap_or_else(|| panic!("{name} is not down"));
        assert_eq!(
            world.outputs.last(),
            world
                .outputs
                .iter()
                .rfind(|output| matches!(output, Output::Emit(TerminalEvent::Link(_)))),
            "{name}"
        );
        texts.push_str(&format!("{name}: {down}\n"));
    };
    case("closed", |world| {
        let peer = world.peer;
        world.step(Input::Closed {
            peer,
            why: "it closed the connection".to_owned(),
        });
    });
    case("silent", |world| world.pass(Duration::from_secs(6)));
    case("silent inside an order", |world| {
        world.say("BUSY", "id=1 cid=7");
        world.pass(Duration::from_secs(61));
    });
    case("reloaded", |world| world.say("BYE", "reason=reload"));
    case("closed down", |world| world.say("BYE", "reason=shutdown"));
    case("too long a line", |world| {
        let peer = world.peer;
        world.step(Input::Damaged {
            peer,
            error: crate::terminal::metatrader::line::LineError::TooLong,
        });
    });
    case("another account without a word", |world| {
        world.flags("login=6");
    });
    case("lines keep getting lost", |world| {
        for _ in 0..5 {
            world.q += 2;
            world.say("HB", "n=1 ack=0");
        }
    });
    case("the program ends", |world| world.step(Input::Shutdown));
    insta::assert_snapshot!("ways_down", texts);
}

#[test]
fn an_order_that_keeps_the_terminal_busy_is_waited_for() {
    let mut world = World::up();
    world.say("BUSY", "id=1 cid=7");
    world.pass(Duration::from_secs(59));
    assert_eq!(world.down(), None);
    assert!(world.transcript().contains("busy: Some(Cid(7))"));
    world.say("HB", "n=1 ack=0");
    assert!(world.transcript().ends_with("waits_for: \"\" })\n"));
    world.pass(Duration::from_secs(6));
    assert!(world.down().is_some());
}

#[test]
fn an_opening_that_stops_begins_anew() {
    for (steps, what) in [
        (0, "account, switches and time"),
        (1, "symbols"),
        (2, "positions"),
        (3, "deals"),
    ] {
        let mut world = World::new();
        world.connect();
        world.hello("");
        world.prove();
        if steps > 0 {
            world.facts();
        }
        if steps > 1 {
            world.symbols();
        }
        if steps > 2 {
            world.snapshot(&[], 1);
        }
        world.live(31);
        let down = world.down().unwrap();
        assert!(down.contains(what), "{down}");
        assert!(!world.transcript().contains("◆ Up"));
    }
}

#[test]
fn without_pipe_and_port_the_reason_is_told_once() {
    let mut world = World::new();
    for _ in 0..3 {
        world.step(Input::NotListening {
            reason: "the port is taken".to_owned(),
        });
    }
    let downs = world
        .events()
        .iter()
        .filter(|event| matches!(event, TerminalEvent::Down { .. }))
        .count();
    assert_eq!(downs, 1);
    assert!(world.down().unwrap().contains("the port is taken"));
}

#[test]
fn while_nothing_is_up_orders_are_certainly_not_sent() {
    let mut world = World::new();
    world.connect();
    world.hello("");
    world.prove();
    world.outputs.clear();
    world.request(TerminalRequest::Submit(buy(1)));
    world.request(TerminalRequest::Find {
        cid: cid(1),
        since: None,
        twice: crate::market::Twice::Opens,
        ordered: None,
    });
    world.request(TerminalRequest::SelfTest);
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.retcode == -7
    ));
    assert!(matches!(
        world.findings().as_slice(),
        [Found::NotYet { .. }]
    ));
    assert!(world.sent().is_empty());
    assert!(world.transcript().contains("SelfTested"));
}

#[test]
fn an_odd_symbol_keeps_no_other_away() {
    let mut world = World::new();
    world.connect();
    world.hello("");
    world.prove();
    world.facts();
    let id = world.id("SYMS");
    for line in [symbol("EURUSD", ""), symbol("ODDUSD", "point=0")] {
        world.say("SYM", &format!("id={id} {line}"));
    }
    world.say("END", &format!("id={id} n=2"));
    world.snapshot(&[], 1);
    world.deals(&[]);
    assert!(world.transcript().contains("symbols=1"));
}

#[test]
fn silent_strangers_make_room_and_never_for_long() {
    let mut world = World::new();
    world.step(Input::Listening {
        note: String::new(),
    });
    world.connect();
    world.hello("");
    let first = world.peer;
    // Each newcomer finds the door full of silent ones.
    for _ in 0..200 {
        world.connect();
    }
    let newest = world.peer;
    world.outputs.clear();
    world.hello("");
    assert_eq!(world.count("CHAL"), 1, "the newest is heard");
    // And one that has greeted was not sent away for it.
    world.peer = first;
    world.q = 1;
    world.prove();
    assert_eq!(world.count("OK"), 1);
    world.outputs.clear();
    world.pass(Duration::from_millis(2_100));
    let closed = world
        .outputs
        .iter()
        .filter(|one| matches!(one, Output::Close { peer } if *peer != newest));
    assert_eq!(closed.count(), 62);
    let told = world
        .outputs
        .iter()
        .filter(|one| matches!(one, Output::Log { .. }));
    assert_eq!(told.count(), 1);
}
