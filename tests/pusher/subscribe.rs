//! Rows 58-71: authorization and subscription.

use std::time::Duration;

use futures_util::FutureExt as _;
use fx_executor::pusher::{
    Authorization, AuthorizeError, Command, ConnectionState, Event, Options, Timing, auth,
    session::Action,
};
use serde_json::json;

use crate::{
    machine::{Machine, PRIVATE as CHANNEL, PUBLIC, delivered, secs, sent, signed, told},
    script::{Auth, PRIVATE, Server, User},
};

fn connected() -> Machine {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.connect("1.1");
    machine
}

fn failures(machine: &Machine) -> Vec<(Option<u16>, bool, Duration)> {
    told(&machine.out)
        .into_iter()
        .filter_map(|event| match event {
            Event::SubscriptionFailed {
                status,
                permanent,
                retry_in,
                ..
            } => Some((*status, *permanent, retry_in.unwrap())),
            _ => None,
        })
        .collect()
}

fn is_subscribed(machine: &Machine) -> bool {
    told(&machine.out)
        .iter()
        .any(|event| matches!(event, Event::Subscribed { .. }))
}

/// Computed with the official server library (platform contract §2).
#[test]
fn signing_test_vector() {
    let secret = "appsecret0123456789a";
    let channel = "private-executor-cm2k9x3a40002l208abcd1234";
    let data = r#"{"user_id":"cm2k9x3a40003l208abcd1234","user_info":{"authType":"api-key","executorId":"cm2k9x3a40002l208abcd1234"}}"#;
    assert_eq!(
        auth::sign(secret, "123456.7890123", channel, Some(data)),
        "23dc2e720fb130f6455a86a895f48795be789b308c17af2a4b0fe824333266df"
    );
    assert_eq!(
        auth::sign(secret, "123456.7890123", channel, None),
        "281fda9322b7d1982bc09b090e3271c352868df6b06b1fe9d3b2a1d0794b15ed"
    );
}

#[test]
fn channel_data_is_forwarded_byte_for_byte() {
    let mut machine = connected();
    let odd = "{ \"b\":1,\"a\" : \"\u{2028}\\u00e9\" }";
    let (ticket, ..) = machine.tickets[0].clone();
    machine.answer(
        ticket,
        Ok(Authorization {
            auth: "key:1".to_owned(),
            channel_data: Some(odd.to_owned()),
        }),
    );
    let text = machine.out.iter().find_map(|action| match action {
        Action::Send { text, .. } => Some(text.clone()),
        _ => None,
    });
    let frame: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
    assert_eq!(
        frame,
        json!({"event": "pusher:subscribe", "data": {"channel": CHANNEL, "auth": "key:1", "channel_data": odd}})
    );
}

#[test]
fn row_58_subscribe_before_connected_is_sent_once_after() {
    let mut machine = Machine::new(&[]);
    machine.command(Command::Subscribe(PUBLIC.to_owned()));
    machine.command(Command::Subscribe(PUBLIC.to_owned()));
    machine.command(Command::Connect);
    machine.opened();
    assert_eq!(sent(&machine.out, PUBLIC), 0);
    machine.greet("1.1");
    assert_eq!(sent(&machine.out, PUBLIC), 1);
}

#[test]
fn row_59_after_reconnect_everything_again_with_fresh_signatures_six_at_a_time() {
    let names: Vec<String> = (0..10).map(|number| format!("private-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut machine = Machine::new(&names);
    for (round, socket_id) in ["1.1", "2.2"].into_iter().enumerate() {
        machine.tickets.clear();
        if round == 0 {
            machine.connect(socket_id);
        } else {
            machine.ended(None);
            machine.pass_until_open();
            machine.opened();
            machine.greet(socket_id);
        }
        machine.take();
        assert_eq!(machine.tickets.len(), 6, "in parallel, but no more");
        let mut answered = 0;
        while answered < machine.tickets.len() {
            let (ticket, asked_for, ..) = machine.tickets[answered].clone();
            assert_eq!(asked_for, socket_id);
            machine.answer(ticket, Ok(signed()));
            answered += 1;
            assert!(machine.tickets.len() - answered <= 6);
        }
        assert_eq!(sent(&machine.out, "pusher:subscribe"), 10);
        for name in &names {
            machine.confirm(name);
        }
    }
}

#[test]
fn row_60_answer_for_an_older_socket_is_dropped() {
    let mut machine = connected();
    let (old, ..) = machine.tickets[0].clone();
    machine.ended(None);
    machine.pass_until_open();
    machine.opened();
    machine.greet("2.2");
    machine.take();
    machine.answer(old, Ok(signed()));
    assert_eq!(sent(&machine.out, "pusher:subscribe"), 0);
    assert_eq!(machine.session.diagnostics().stale_answers, 1);
    machine.authorize();
    assert_eq!(sent(&machine.out, "pusher:subscribe"), 1);
}

#[test]
fn row_61_away_endpoint_is_asked_again() {
    let mut machine = connected();
    let mut longest = Duration::ZERO;
    for round in 0..8 {
        machine.take();
        let (ticket, ..) = machine.tickets.last().unwrap().clone();
        let asked = machine.tickets.len();
        machine.answer(
            ticket,
            Err(AuthorizeError::Retry {
                reason: "503".to_owned(),
                after: None,
            }),
        );
        let (status, permanent, delay) = failures(&machine)[0];
        assert_eq!((status, permanent), (None, false));
        assert!(round > 0 || delay <= secs(0.5), "{delay:?}");
        longest = longest.max(delay);
        machine.pass(delay);
        assert_eq!(machine.tickets.len(), asked + 1);
        // The connection is alive meanwhile.
        machine.text("[]");
    }
    assert!(longest > secs(3.0) && longest <= secs(20.0), "{longest:?}");
    machine.take();
    let (ticket, ..) = machine.tickets.last().unwrap().clone();
    let after = Some(Duration::from_secs(7));
    machine.answer(
        ticket,
        Err(AuthorizeError::Retry {
            reason: "429".to_owned(),
            after,
        }),
    );
    assert!(failures(&machine)[0].2 >= secs(7.0), "Retry-After");
}

#[test]
fn row_62_denied_renews_once_then_stops() {
    for status in [401, 403] {
        let mut machine = connected();
        let denied = || {
            Err(AuthorizeError::Denied {
                status,
                reason: "no".to_owned(),
            })
        };
        machine.take();
        let (first, ..) = machine.tickets[0].clone();
        machine.answer(first, denied());
        let (second, _, _, renew) = machine.tickets[1].clone();
        assert!(renew, "credentials are renewed before the one retry");
        machine.answer(second, denied());
        assert_eq!(machine.tickets.len(), 2);
        let (told_status, permanent, probe) = failures(&machine)[0];
        assert_eq!((told_status, permanent), (Some(status), true));
        assert!(
            (secs(2.0)..=secs(4.0)).contains(&probe),
            "it may have been a stumble"
        );
        assert_eq!(machine.session.state(), ConnectionState::Connected);
    }
}

#[tokio::test]
async fn row_62_refresh_is_called_and_the_retry_succeeds() {
    let server = Server::start().await;
    let auth = Auth::default();
    auth.then(Err(AuthorizeError::Denied {
        status: 401,
        reason: "old key".to_owned(),
    }));
    let mut user = User::with(
        server.endpoint(),
        &[PRIVATE],
        Timing::default(),
        Options::default(),
        auth.clone(),
    );
    let _peer = server.serve("1.1").await;
    user.subscribed().await;
    assert_eq!(*auth.refreshed.lock().unwrap(), 1);
    assert_eq!(auth.asked().len(), 2);
}

#[test]
fn row_63_authorization_that_never_answers() {
    let mut machine = connected();
    machine.take();
    machine.pass(secs(10.0));
    assert_eq!(failures(&machine).len(), 1);
    machine.pass(secs(0.5));
    assert_eq!(machine.tickets.len(), 2, "asked again");
    let (late, ..) = machine.tickets[0].clone();
    machine.answer(late, Ok(signed()));
    assert_eq!(
        sent(&machine.out, "pusher:subscribe"),
        0,
        "the late answer is void"
    );
}

#[test]
fn row_64_answers_that_are_none() {
    for auth in ["", "key", "key:", "other:abc", ":abc"] {
        let mut machine = connected();
        machine.take();
        let (ticket, ..) = machine.tickets[0].clone();
        machine.answer(
            ticket,
            Ok(Authorization {
                auth: auth.to_owned(),
                channel_data: None,
            }),
        );
        assert_eq!(sent(&machine.out, "pusher:subscribe"), 0, "{auth}");
        let (_, permanent, delay) = failures(&machine)[0];
        assert!(!permanent && delay >= secs(5.0));
    }
    let given = Authorization {
        auth: "key:very-secret".to_owned(),
        channel_data: Some("also-secret".to_owned()),
    };
    assert!(!format!("{given:?}").contains("secret"));
}

#[tokio::test]
async fn row_65_slow_authorization_holds_nobody_up() {
    let server = Server::start().await;
    let auth = Auth::default();
    auth.then_later(std::future::pending().boxed());
    let mut user = User::with(
        server.endpoint(),
        &["private-slow", PRIVATE],
        Timing::default(),
        Options::default(),
        auth,
    );
    let mut peer = server.greet("1.1").await;
    let frame = peer.confirm_next().await;
    assert_eq!(frame["data"]["channel"], PRIVATE);
    user.subscribed().await;
    peer.publish(PRIVATE, "e", "delivered").await;
    assert_eq!(user.message().await, "delivered");
}

#[test]
fn row_66_unanswered_subscription_is_sent_again_then_the_connection_replaced() {
    let mut machine = connected();
    machine.authorize();
    machine.pass(secs(8.0));
    assert_eq!(machine.tickets.len(), 2, "a fresh signature");
    machine.authorize();
    assert_eq!(sent(&machine.out, "pusher:subscribe"), 2);
    machine.text("[]");
    machine.take();
    machine.pass(secs(8.0));
    assert!(
        machine
            .out
            .iter()
            .any(|action| matches!(action, Action::Close { .. }))
    );
}

/// The server took longer than the subscription's limit: it sends events from its confirmation on, whatever is being asked anew.
#[test]
fn row_66_a_late_confirmation_counts_and_so_does_what_follows_it() {
    for (first, answers) in [("confirmed", false), ("confirmed", true), ("event", false)] {
        let mut machine = connected();
        machine.authorize();
        machine.pass(secs(8.2));
        assert_eq!(machine.tickets.len(), 2, "it is asked for anew");
        if first == "confirmed" {
            machine.confirm(CHANNEL);
        }
        machine.text(&format!(
            r#"{{"event":"command-received","channel":"{CHANNEL}","data":"first"}}"#
        ));
        assert_eq!(delivered(&machine.out), ["first"], "{first}");
        assert!(is_subscribed(&machine));
        if answers {
            machine.authorize();
            assert_eq!(sent(&machine.out, "pusher:subscribe"), 1, "not once more");
        }
        machine.pass(secs(20.0));
        machine.text("[]");
        machine.text(&format!(
            r#"{{"event":"command-received","channel":"{CHANNEL}","data":"second"}}"#
        ));
        assert_eq!(delivered(&machine.out), ["first", "second"], "{first}");
    }
    // What was never asked for on this connection is a stranger's.
    let mut machine = connected();
    machine.confirm(CHANNEL);
    machine.text(&format!(
        r#"{{"event":"command-received","channel":"{CHANNEL}","data":"early"}}"#
    ));
    assert!(delivered(&machine.out).is_empty());
}

#[test]
fn row_67_server_refusal_is_retried_with_a_fresh_signature() {
    let mut machine = connected();
    machine.authorize();
    machine.take();
    machine.text(&format!(
        r#"{{"event":"pusher:subscription_error","channel":"{CHANNEL}","data":{{"type":"AuthError","error":"The connection is unauthorized.","status":401}}}}"#
    ));
    let (status, permanent, delay) = failures(&machine)[0];
    assert_eq!((status, permanent), (Some(401), false));
    machine.pass(delay);
    machine.authorize();
    machine.confirm(CHANNEL);
    assert!(is_subscribed(&machine));
}

#[test]
fn row_67_five_refusals_in_a_row_are_final() {
    let mut machine = connected();
    for _ in 0..5 {
        machine.take();
        machine.authorize();
        machine.text(&format!(r#"{{"event":"pusher:subscription_error","channel":"{CHANNEL}","data":{{"status":401}}}}"#));
        let (_, permanent, delay) = failures(&machine)[0];
        if permanent {
            assert!(delay >= secs(2.0), "no loop");
            return;
        }
        machine.pass(delay);
        machine.text("[]");
    }
    panic!("never final");
}

#[test]
fn row_68_unnamed_error_belongs_to_the_only_one_waiting() {
    for error in [
        r#"{"code":4009,"message":"not authorized"}"#,
        r#"{"code":null,"message":"Invalid signature: Expected HMAC SHA256 hex digest"}"#,
    ] {
        let mut machine = connected();
        machine.authorize();
        machine.take();
        machine.text(&format!(r#"{{"event":"pusher:error","data":{error}}}"#));
        assert_eq!(failures(&machine).len(), 1, "{error}");
    }
    let mut two = Machine::new(&[CHANNEL, PUBLIC]);
    two.connect("1.1");
    two.authorize();
    two.take();
    two.text(r#"{"event":"pusher:error","data":{"code":4009,"message":"no"}}"#);
    assert!(failures(&two).is_empty(), "with two waiting it is a guess");
    two.text(&format!(
        r#"{{"event":"pusher:error","data":{{"code":4009,"message":"no: {CHANNEL}"}}}}"#
    ));
    assert_eq!(failures(&two).len(), 1, "unless its words name it");
}

#[test]
fn row_69_final_intent_wins_with_one_subscription_on_the_wire() {
    // While the authorization runs.
    let mut machine = connected();
    machine.command(Command::Unsubscribe(CHANNEL.to_owned()));
    machine.command(Command::Subscribe(CHANNEL.to_owned()));
    for (ticket, ..) in machine.tickets.clone() {
        machine.answer(ticket, Ok(signed()));
    }
    assert_eq!(sent(&machine.out, "pusher:subscribe"), 1);
    // While the confirmation is awaited.
    machine.command(Command::Unsubscribe(CHANNEL.to_owned()));
    machine.command(Command::Subscribe(CHANNEL.to_owned()));
    machine.confirm(CHANNEL);
    assert_eq!(sent(&machine.out, "pusher:subscribe"), 1);
    assert_eq!(sent(&machine.out, "pusher:unsubscribe"), 0);
    assert!(is_subscribed(&machine));
    // Against it.
    let mut machine = connected();
    machine.authorize();
    machine.command(Command::Unsubscribe(CHANNEL.to_owned()));
    machine.confirm(CHANNEL);
    assert_eq!(sent(&machine.out, "pusher:unsubscribe"), 1);
    assert!(!is_subscribed(&machine));
}

#[test]
fn row_70_duplicate_subscribe_is_idempotent() {
    let mut machine = connected();
    machine.authorize();
    machine.command(Command::Subscribe(CHANNEL.to_owned()));
    machine.confirm(CHANNEL);
    machine.command(Command::Subscribe(CHANNEL.to_owned()));
    assert_eq!(sent(&machine.out, "pusher:subscribe"), 1);
    assert_eq!(machine.tickets.len(), 1);

    let mut machine = connected();
    machine.authorize();
    machine.pass(secs(8.0));
    machine.authorize();
    machine.take();
    machine.text(&format!(
        r#"{{"event":"pusher:error","data":{{"code":null,"message":"Existing subscription to channel {CHANNEL}"}}}}"#
    ));
    assert!(failures(&machine).is_empty());
    assert!(is_subscribed(&machine));
}

#[test]
fn row_71_every_shape_of_confirmation() {
    for data in [
        "",
        r#","data":"null""#,
        r#","data":"{}""#,
        r#","data":{}"#,
        r#","data":null"#,
        r#","data":{"presence":{"count":0}}"#,
    ] {
        let mut machine = connected();
        machine.authorize();
        machine.text(&format!(
            r#"{{"event":"pusher_internal:subscription_succeeded","channel":"{CHANNEL}"{data}}}"#
        ));
        assert!(is_subscribed(&machine), "{data}");
    }
}

#[test]
fn event_before_the_confirmation_counts_as_one() {
    let mut machine = connected();
    machine.authorize();
    machine.text(&format!(
        r#"{{"event":"e","channel":"{CHANNEL}","data":"early"}}"#
    ));
    assert!(is_subscribed(&machine));
    assert_eq!(delivered(&machine.out), ["early"]);
}
