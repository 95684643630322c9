//! Rows 14-25: what a frame may look like.

use futures_util::SinkExt as _;
use fx_executor::pusher::{
    ConnectionState, Event,
    frame::{Frame, FrameError},
    session::Input,
};
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    machine::{Machine, PRIVATE as CHANNEL, PUBLIC, delivered, sent, told},
    script::{PRIVATE, Server, User},
};

fn subscribed() -> Machine {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.subscribed("1.1");
    machine
}

fn event_with(members: &str) -> String {
    format!(r#"{{"event":"e","channel":"{CHANNEL}"{members}}}"#)
}

#[test]
fn row_14_every_kind_of_data_is_delivered() {
    for (members, text) in [
        (r#","data":"{\"a\":\"x\\ny\"}""#, r#"{"a":"x\ny"}"#),
        (r#","data":"plain text""#, "plain text"),
        (r#","data":{"a" : [1,2]}"#, r#"{"a" : [1,2]}"#),
        (r#","data":12.50"#, "12.50"),
        (r#","data":null"#, ""),
        ("", ""),
        (r#","data":"null""#, "null"),
        (r#","data":"\"{}\"""#, r#""{}""#),
    ] {
        let mut machine = subscribed();
        machine.text(&event_with(members));
        assert_eq!(delivered(&machine.out), [text], "{members}");
    }
}

#[test]
fn row_15_malformed_json_is_counted_and_the_connection_kept() {
    let mut machine = subscribed();
    for text in [
        "{",
        "",
        "}{",
        r#"{"event":"e",}"#,
        "{\"event\":\"e\"",
        "nul",
    ] {
        machine.text(text);
    }
    assert_eq!(machine.session.diagnostics().malformed, 6);
    assert!(
        told(&machine.out)
            .iter()
            .any(|event| matches!(event, Event::BadFrame { .. }))
    );
    machine.text(&event_with(r#","data":"still here""#));
    assert_eq!(delivered(&machine.out), ["still here"]);
}

#[test]
fn row_16_json_that_is_no_event_is_ignored() {
    for text in [
        "[]",
        "null",
        r#""x""#,
        "{}",
        "7",
        r#"{"event":7}"#,
        r#"{"event":null}"#,
        r#"["a","b","c"]"#,
    ] {
        assert_eq!(Frame::parse(text), Err(FrameError::NotAnEvent), "{text}");
        let mut machine = subscribed();
        machine.text(text);
        assert_eq!(machine.session.state(), ConnectionState::Connected);
        assert!(delivered(&machine.out).is_empty());
    }
}

#[test]
fn row_17_every_shape_of_error_is_reported() {
    for (text, code, message) in [
        (
            r#"{"event":"pusher:error","message":"no","code":409}"#,
            Some(409),
            "no",
        ),
        (
            r#"{"event":"pusher:error","data":"{\"code\":4009,\"message\":\"no\"}"}"#,
            Some(4009),
            "no",
        ),
        (
            r#"{"event":"pusher:error","data":{"code":null,"message":"no"}}"#,
            None,
            "no",
        ),
        (r#"{"event":"pusher:error","data":"words"}"#, None, "words"),
        (r#"{"event":"pusher:error"}"#, None, ""),
    ] {
        let mut machine = subscribed();
        machine.text(text);
        let expected = Event::ServerError {
            code,
            message: message.to_owned(),
        };
        assert!(
            told(&machine.out).contains(&&expected),
            "{text}: {:?}",
            machine.out
        );
        assert_eq!(machine.session.state(), ConnectionState::Connected);
    }
}

#[test]
fn row_18_binary_frames_are_ignored_and_counted() {
    let mut machine = subscribed();
    let generation = machine.generation;
    machine.handle(Input::Other {
        generation,
        binary: true,
    });
    assert_eq!(machine.session.diagnostics().binary, 1);
    assert_eq!(machine.session.state(), ConnectionState::Connected);
}

/// Writes raw bytes behind the server's back, as an unmasked frame.
async fn raw(peer: &mut crate::script::Peer, bytes: &[u8]) {
    peer.ws.get_mut().write_all(bytes).await.unwrap();
}

#[tokio::test]
async fn row_19_invalid_utf8_fails_the_connection_with_1007() {
    let server = Server::start().await;
    let mut user = User::connect(server.endpoint());
    let mut peer = server.serve("1.1").await;
    user.subscribed().await;
    raw(&mut peer, &[0x81, 2, 0xC3, 0x28]).await;
    assert_eq!(peer.close_code().await, Some(1007));
    assert!(user.trouble().await.reason.unwrap().contains("UTF-8"));
    server.serve("2.2").await;
    assert!(user.subscribed().await.is_some());
}

#[tokio::test]
async fn row_20_large_events() {
    let server = Server::start().await;
    let mut user = User::connect(server.endpoint());
    let mut peer = server.serve("1.1").await;
    user.subscribed().await;
    let large = "x".repeat(200_000);
    peer.publish(PRIVATE, "e", &large).await;
    assert_eq!(user.message().await.len(), 200_000);
    let huge = format!(
        r#"{{"event":"e","channel":"{PRIVATE}","data":"{}"}}"#,
        "x".repeat(10 * 1024 * 1024)
    );
    // The client leaves before it has read all of it.
    let sending = peer.ws.send(Message::text(huge)).await;
    assert!(user.trouble().await.reason.unwrap().contains("bytes"));
    if sending.is_ok() {
        assert_eq!(peer.close_code().await, Some(1009));
    }
}

#[tokio::test]
async fn row_21_fragments_with_a_ping_between() {
    let server = Server::start().await;
    let mut user = User::connect(server.endpoint());
    let mut peer = server.serve("1.1").await;
    user.subscribed().await;
    let text = event_with(r#","data":"in two""#);
    let (first, second) = text.as_bytes().split_at(10);
    let frame = |opcode: u8, payload: &[u8]| {
        [&[opcode, u8::try_from(payload.len()).unwrap()], payload].concat()
    };
    raw(&mut peer, &frame(0x01, first)).await;
    raw(&mut peer, &frame(0x89, b"beat")).await;
    let pong = crate::script::soon("the pong", futures_util::StreamExt::next(&mut peer.ws)).await;
    assert_eq!(
        pong.unwrap().unwrap(),
        Message::Pong("beat".into()),
        "answered before the message is complete"
    );
    raw(&mut peer, &frame(0x80, second)).await;
    assert_eq!(user.message().await, "in two");
}

#[test]
fn row_22_unknown_protocol_events_are_not_shown() {
    let mut machine = subscribed();
    for event in [
        "pusher:cache_miss",
        "pusher:new",
        "pusher_internal:member_added",
        "pusher_internal:new",
    ] {
        machine.text(&format!(
            r#"{{"event":"{event}","channel":"{CHANNEL}","data":"{{}}"}}"#
        ));
    }
    assert!(delivered(&machine.out).is_empty());
    assert_eq!(machine.session.diagnostics().ignored, 4);
}

#[test]
fn row_23_unknown_members_and_any_order() {
    let mut machine = subscribed();
    machine.text(&format!(
        r#" {{"serial":7,"data":"d","stream":{{"event":"no"}},"channel":"{CHANNEL}","x":[{{}}],"event":"e","message_id":"m"}}"#
    ));
    assert_eq!(delivered(&machine.out), ["d"]);
}

#[test]
fn row_24_event_of_a_foreign_channel_is_dropped() {
    let mut machine = subscribed();
    machine.text(r#"{"event":"e","channel":"private-other","data":"d"}"#);
    machine.text(r#"{"event":"e","data":"d"}"#);
    machine.command(fx_executor::pusher::Command::Unsubscribe(
        CHANNEL.to_owned(),
    ));
    machine.text(&event_with(r#","data":"late""#));
    assert!(delivered(&machine.out).is_empty());
}

#[test]
fn row_25_odd_characters() {
    let mut machine = subscribed();
    machine.text(&event_with(
        ",\"data\":\"a\u{2028}b😀\\ud83d\\ude00\\u0000\"",
    ));
    assert_eq!(delivered(&machine.out), ["a\u{2028}b😀😀\u{0}"]);
    machine.take();
    for (escaped, shown) in [
        (r"x\ud800y", "x\u{FFFD}y"),
        (r"\udc00", "\u{FFFD}"),
        (r"\ud800\ud83d\ude00", "\u{FFFD}😀"),
        (r"\\ud800 \ud800", "\\ud800 \u{FFFD}"),
    ] {
        machine.pass(std::time::Duration::from_secs(2));
        machine.take();
        machine.text(&event_with(&format!(r#","data":"{escaped}""#)));
        assert_eq!(delivered(&machine.out), [shown]);
        assert!(
            told(&machine.out)
                .iter()
                .any(|event| matches!(event, Event::BadFrame { .. })),
            "reported"
        );
    }
}

#[test]
fn noise_is_dropped_before_its_data_is_decoded() {
    let mut machine = Machine::new(&[PUBLIC]);
    machine.connect("1.1");
    machine.confirm(PUBLIC);
    machine.take();
    // Half a character would be reported if the data were decoded.
    machine.text(r#"{"event":"status-update","channel":"executors","data":"\ud800"}"#);
    machine.text(r#"{"event":"emergency-stop","channel":"executors","data":"{}"}"#);
    assert_eq!(delivered(&machine.out), ["{}"]);
    assert!(
        !told(&machine.out)
            .iter()
            .any(|event| matches!(event, Event::BadFrame { .. }))
    );
    assert_eq!(sent(&machine.out, "executors"), 0);
}

#[test]
fn signatures_in_messages_are_blanked() {
    let signature = "23dc2e720fb130f6455a86a895f48795be789b308c17af2a4b0fe824333266df";
    let text = format!(
        r#"{{"event":"pusher:error","data":{{"code":null,"message":"Expected {signature}, got {signature}"}}}}"#
    );
    let error = Frame::parse(&text).unwrap().error();
    assert_eq!(error.message, "Expected …, got …");
}
