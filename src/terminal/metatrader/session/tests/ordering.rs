//! Orders on their way: checked, sent once, answered only by what is definite.

use super::*;
use crate::market::RefusalClass;

fn res(world: &mut World, kind: &str, fields: &str) {
    let (id, cid) = (world.id(kind), world.field(kind, "cid"));
    world.say("RES", &format!("id={id} cid={cid} {fields}"));
}

fn passes_check(world: &mut World) {
    res(world, "CHECK", "ok=1 retcode=0 stage=done free=9500.00");
}

const FILLED: &str =
    "ok=1 retcode=10009 deal=7 order=6 pos=5 vol=0.10 price=1.10012 profit=0 stage=done";

#[test]
fn an_entry_is_checked_sent_once_and_answered() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    passes_check(&mut world);
    res(&mut world, "ORDER", FILLED);
    insta::assert_snapshot!("entry", world.transcript());
}

#[test]
fn a_close_goes_out_at_once_with_the_positions_identifier() {
    let mut world = World::up();
    world.request(TerminalRequest::SendBook);
    world.snapshot(&[&position(50, "ident=44")], 2);
    assert!(world.transcript().contains("positions=[\"#44 BUY"));
    world.outputs.clear();
    // Even with the switch off: the terminal says so itself, nobody else stops a close.
    world.flags("algo=0");
    world.request(TerminalRequest::Submit(close(2, 44)));
    assert_eq!(world.count("CHECK"), 0);
    assert_eq!(
        (
            world.field("CLOSE", "ticket"),
            world.field("CLOSE", "ident"),
            world.field("CLOSE", "vol")
        ),
        ("44".to_owned(), "44".to_owned(), String::new())
    );
    assert_eq!(world.field("CLOSE", "acct"), "5012345@Demo-1");
    res(&mut world, "CLOSE", "ok=0 retcode=10036 stage=done");
    assert!(matches!(
        world.answers(cid(2)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.class == RefusalClass::AlreadySo
    ));
}

#[test]
fn the_deviation_counts_from_the_price_at_the_decision() {
    let mut world = World::up();
    world.request(TerminalRequest::Watch {
        symbol: "EURUSD".to_owned(),
        timeframe: crate::market::Timeframe::M1,
        history: 1,
    });
    let tick = |bid, ask| {
        format!("sym=EURUSD bid={bid} ask={ask} last=0 vol=0 ms={BROKER_START_MS} flags=6")
    };
    world.say("TICK", &tick("1.10000", "1.10010"));
    world.request(TerminalRequest::Submit(buy(1)));
    world.pass(Duration::from_millis(500));
    world.say("TICK", &tick("1.10020", "1.10030"));
    passes_check(&mut world);
    assert_eq!(world.field("ORDER", "price"), "1.1001");
    // What it waited here is taken off its life, which then counts from now.
    assert_eq!(world.field("ORDER", "ttl_ms"), "9500");
    let made: i64 = world.field("ORDER", "made_ms").parse().unwrap();
    assert_eq!(made, BROKER_START_MS + 1_500);
}

#[test]
fn without_a_quote_it_counts_from_the_price_of_the_check_for_all_tries() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    let check = "ok=1 retcode=0 stage=done free=9989.00 bid=1.10000 ask=1.10010";
    res(&mut world, "CHECK", check);
    assert_eq!(world.field("ORDER", "price"), "1.1001");
    res(&mut world, "ORDER", "ok=0 retcode=10004 stage=done");
    world.outputs.clear();
    let mut again = buy(2);
    again.parent = Some(cid(1));
    world.request(TerminalRequest::Submit(again));
    let moved = "ok=1 retcode=0 stage=done free=9989.00 bid=1.10090 ask=1.10100";
    res(&mut world, "CHECK", moved);
    assert_eq!(world.field("ORDER", "price"), "1.1001");
}

#[test]
fn what_is_refused_before_it_leaves_never_reaches_the_ea() {
    let mut world = World::up();
    let mut intent = buy(1);
    if let IntentAction::Open { volume, .. } = &mut intent.action {
        *volume = d("0.015");
    }
    world.request(TerminalRequest::Submit(intent));
    assert!(world.sent().is_empty());
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.retcode == 10_014
    ));
}

#[test]
fn a_failed_check_and_too_little_margin_send_nothing() {
    for (check, code) in [
        ("ok=0 retcode=10019 stage=refused comment=No~money", 10_019),
        ("ok=0 retcode=10031 stage=refused", 10_031),
        // A tenth of 10000 must stay free.
        ("ok=1 retcode=0 stage=done free=999.99", 10_019),
    ] {
        let mut world = World::up();
        world.request(TerminalRequest::Submit(buy(1)));
        res(&mut world, "CHECK", check);
        assert_eq!(world.count("ORDER"), 0, "{check}");
        assert!(
            matches!(
                world.answers(cid(1)).as_slice(),
                [Outcome::Refused(refusal)] if refusal.retcode == code
            ),
            "{check}"
        );
    }
}

/// All are checked before the first is sent, and each check knows of its own order alone.
#[test]
fn the_margin_of_orders_on_their_way_is_taken() {
    let mut world = World::up();
    let mut checks = Vec::new();
    for number in 1..=3 {
        world.request(TerminalRequest::Submit(buy(number)));
        checks.push(world.id("CHECK"));
    }
    // 10000 are free, and each takes 4000: a third one would leave nothing.
    for (id, number) in checks.into_iter().zip(1..) {
        let cid = cid(number).0;
        let free = "ok=1 retcode=0 stage=done free=6000";
        world.say("RES", &format!("id={id} cid={cid} {free}"));
    }
    assert_eq!(world.count("ORDER"), 2);
    assert!(matches!(
        world.answers(cid(3)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.retcode == 10_019
    ));
}

#[test]
fn a_check_without_an_answer_sends_nothing_later() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    world.live(11);
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.retcode == -2
    ));
    passes_check(&mut world);
    assert_eq!(world.count("ORDER"), 0);
}

#[test]
fn a_lost_link_leaves_sent_orders_unknown_and_checked_ones_unsent() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    passes_check(&mut world);
    world.request(TerminalRequest::Submit(buy(2)));
    world.say("BYE", "reason=shutdown");
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Unknown { .. }]
    ));
    assert!(matches!(
        world.answers(cid(2)).as_slice(),
        [Outcome::Refused(_)]
    ));
    let text = world.transcript();
    let (answer, down) = (text.find("Answer").unwrap(), text.find("Down").unwrap());
    assert!(
        answer < down,
        "the core hears of its orders before it is down"
    );
}

#[test]
fn a_lost_line_may_have_been_the_answer_and_a_late_one_still_counts() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    passes_check(&mut world);
    world.q += 1;
    world.say("HB", "n=1 ack=0");
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Unknown { .. }]
    ));
    res(&mut world, "ORDER", FILLED);
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Unknown { .. }, Outcome::Done(_)]
    ));
}

#[test]
fn doubt_is_said_once_and_never_made_into_an_answer() {
    for fields in [
        "ok=0 retcode=10012 stage=sent",
        "ok=1 retcode=10008 order=6 stage=done",
        "ok=0 retcode=-10 stage=sent",
        "ok=1 retcode=10009 order=6 stage=done",
    ] {
        let mut world = World::up();
        world.request(TerminalRequest::Submit(buy(1)));
        passes_check(&mut world);
        res(&mut world, "ORDER", fields);
        world.live(100);
        assert!(
            matches!(world.answers(cid(1)).as_slice(), [Outcome::Unknown { .. }]),
            "{fields}"
        );
        assert_eq!(world.count("ORDER"), 1);
    }
}

#[test]
fn an_answer_with_another_orders_number_is_doubt() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    passes_check(&mut world);
    let id = world.id("ORDER");
    world.say("RES", &format!("id={id} cid=99 {FILLED}"));
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Unknown { .. }]
    ));
}

#[test]
fn the_same_order_again_goes_out_with_its_own_parameters() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    world.request(TerminalRequest::Submit(buy(1)));
    assert_eq!(world.count("CHECK"), 1);
    passes_check(&mut world);
    assert_eq!(world.field("ORDER", "fill"), "fok");
    res(&mut world, "ORDER", "ok=0 retcode=10012 stage=sent");
    let answered = world.answers(cid(1)).len();
    assert_eq!(answered, 1);
}

#[test]
fn a_refused_filling_mode_is_not_asked_for_again() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    // A check may be repeated under the same id: it sends nothing.
    res(&mut world, "CHECK", "ok=0 retcode=10030 stage=refused");
    assert_eq!(world.field("CHECK", "fill"), "ioc");
    passes_check(&mut world);
    assert_eq!(world.field("ORDER", "fill"), "ioc");
    // The order may not: its parameters are frozen, so a new intent follows.
    res(&mut world, "ORDER", "ok=0 retcode=10030 stage=done");
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.class == RefusalClass::PriceMoved
    ));
    world.request(TerminalRequest::Submit(buy(2)));
    assert_eq!(world.field("CHECK", "fill"), "return");
    res(&mut world, "CHECK", "ok=0 retcode=10030 stage=refused");
    assert!(matches!(
        world.answers(cid(2)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.class == RefusalClass::Fix
    ));
}

#[test]
fn an_account_that_closes_oldest_first_is_remembered() {
    let mut world = World::up();
    world.request(TerminalRequest::SendBook);
    let later = format!("ms={}", BROKER_START_MS + 1);
    world.snapshot(&[&position(50, ""), &position(51, &later)], 2);
    world.request(TerminalRequest::Submit(close(1, 51)));
    res(&mut world, "CLOSE", "ok=0 retcode=10045 stage=done");
    world.request(TerminalRequest::Submit(close(2, 51)));
    assert!(matches!(
        world.answers(cid(2)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.message.contains("close #50 before #51")
    ));
    world.request(TerminalRequest::Submit(close(3, 50)));
    assert_eq!(world.field("CLOSE", "ticket"), "50");
}

#[test]
fn a_line_the_ea_cannot_use_is_a_refusal_only_when_the_code_is_definite() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    passes_check(&mut world);
    let id = world.id("ORDER");
    world.say("ERR", &format!("id={id} code=-1 text=no~vol"));
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.message.contains("no vol")
    ));
    world.request(TerminalRequest::Submit(buy(2)));
    passes_check(&mut world);
    let id = world.id("ORDER");
    world.say("ERR", &format!("id={id} code=-10 text=what"));
    assert!(matches!(
        world.answers(cid(2)).as_slice(),
        [Outcome::Unknown { .. }]
    ));
}

/// The EA's journal cannot be written: told with the order that shows it, until an order shows the contrary.
#[test]
fn a_journal_that_cannot_be_written_is_told() {
    let mut world = World::up();
    let told = |world: &World, unwritten: bool| {
        let words = format!("unwritten: {unwritten}");
        world.transcript().matches(&words).count()
    };
    let closed = "ok=1 retcode=10009 deal=7 order=6 vol=0.10 price=1.1 stage=done";
    world.request(TerminalRequest::Submit(close(2, 50)));
    res(&mut world, "CLOSE", &format!("{closed} unwritten=1"));
    assert_eq!(told(&world, true), 1);
    world.request(TerminalRequest::Submit(close(3, 51)));
    let refused = "ok=0 retcode=-8 stage=refused";
    res(&mut world, "CLOSE", refused);
    let before = told(&world, false);
    world.request(TerminalRequest::Submit(close(4, 52)));
    res(&mut world, "CLOSE", closed);
    assert_eq!(told(&world, false), before + 1);
}

#[test]
fn an_opening_is_recalled_only_while_it_is_checked() {
    let mut world = World::up();
    world.request(TerminalRequest::Submit(buy(1)));
    world.request(TerminalRequest::Recall { cid: cid(1) });
    assert!(matches!(
        world.answers(cid(1)).as_slice(),
        [Outcome::Refused(refusal)] if refusal.message.contains("withdrawn before it was sent")
    ));
    passes_check(&mut world);
    assert_eq!(world.count("ORDER"), 0, "its check comes late");
    world.request(TerminalRequest::Submit(buy(2)));
    passes_check(&mut world);
    world.request(TerminalRequest::Recall { cid: cid(2) });
    assert_eq!(world.count("ORDER"), 1);
    assert!(world.answers(cid(2)).is_empty(), "it is at the broker");
}
