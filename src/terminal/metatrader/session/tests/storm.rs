//! Any lines of an EA that knows the secret: never a panic, no order that nobody asked for, no answer that nobody waits for,
//! and at most one definite answer to an order.

use proptest::prelude::*;

use super::*;

fn any_line() -> impl Strategy<Value = (String, String)> {
    let kind = prop::sample::select(vec![
        "HB", "PONG", "BUSY", "TIME", "FLAGS", "ACC", "LOG", "ERR", "SYM", "RATE", "BAR", "TICK",
        "POS", "ORD", "DEAL", "TXN", "FOUND", "RES", "END", "NEW", "HELLO", "BYE",
    ]);
    let value = prop::sample::select(vec![
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "-1",
        "-10",
        "10009",
        "10012",
        "10030",
        "1.1",
        "none",
        "pos",
        "sent",
        "done",
        "refused",
        "EURUSD",
        "M1",
        "buy",
        "in",
        "full",
        "market",
        "5044032682166583297",
        "5012345",
        "",
    ]);
    let fields = prop::collection::btree_map(
        prop::sample::select(vec![
            "id",
            "n",
            "cid",
            "ok",
            "retcode",
            "stage",
            "where",
            "deal",
            "pos",
            "vol",
            "price",
            "ticket",
            "ident",
            "sym",
            "side",
            "open",
            "magic",
            "ms",
            "type",
            "entry",
            "npos",
            "nord",
            "rev",
            "synced",
            "more",
            "sync",
            "from_ms",
            "to_ms",
            "time",
            "o",
            "h",
            "l",
            "c",
            "tf",
            "bid",
            "ask",
            "server_ms",
            "offset_s",
            "login",
            "connected",
            "algo",
            "expert",
            "account_ok",
            "expert_ok",
            "balance",
            "equity",
            "margin",
            "free",
            "code",
            "text",
            "reason",
        ]),
        value,
        0..30,
    );
    (kind, fields).prop_map(|(kind, fields)| {
        let fields: Vec<String> = fields
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        (kind.to_owned(), fields.join(" "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn nothing_is_invented(lines in prop::collection::vec((any_line(), 0_u8..10), 1..60)) {
        let mut world = World::up();
        world.request(TerminalRequest::Submit(buy(1)));
        world.request(TerminalRequest::Find { cid: cid(2), since: None, twice: crate::market::Twice::Opens, ordered: None });
        for ((kind, fields), luck) in lines {
            match luck {
                0 => world.q += 1,
                1 => world.pass(Duration::from_millis(200)),
                _ => {}
            }
            world.say(&kind, &fields);
        }
        let ordered = world.count("ORDER");
        prop_assert!(ordered <= 1);
        for event in world.events() {
            match event {
                TerminalEvent::Answer { cid: answered, .. } => {
                    prop_assert!([cid(1), cid(2)].contains(answered), "{answered}");
                }
                TerminalEvent::Found { cid: found, found: is } => {
                    prop_assert_eq!(*found, cid(2));
                    // Within the seconds of this test no absence is proven.
                    prop_assert_ne!(is, &Found::Absent);
                }
                _ => {}
            }
        }
        let definite = world
            .answers(cid(1))
            .into_iter()
            .filter(|outcome| !matches!(outcome, Outcome::Unknown { .. }))
            .count();
        prop_assert!(definite <= 1, "{}", world.transcript());
        // Executed only if it was sent.
        if world.answers(cid(1)).iter().any(|outcome| matches!(outcome, Outcome::Done(_))) {
            prop_assert_eq!(ordered, 1);
        }
    }
}
