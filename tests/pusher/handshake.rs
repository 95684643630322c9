//! Rows 1-13: from the address to `pusher:connection_established`.

use std::time::Duration;

use fx_executor::{
    net::proxy::ProxySetting,
    pusher::{ConnectionState, Endpoint, Event, closing::Pace, session::Action},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    machine::{Machine, PRIVATE as CHANNEL, secs, sent, states, told},
    script::{CHANNEL_DATA, PRIVATE, Server, User},
};

#[tokio::test]
async fn row_01_established_with_string_data() {
    let server = Server::start().await;
    let mut user = User::connect(server.endpoint());
    let mut peer = server.greet("123456.7890123").await;
    assert!(
        peer.uri
            .starts_with("/app/key?protocol=7&client=fx-executor&version="),
        "{}",
        peer.uri
    );
    let frame = peer.confirm_next().await;
    assert_eq!(frame["data"]["channel"], PRIVATE);
    assert_eq!(frame["data"]["channel_data"], CHANNEL_DATA);
    user.subscribed().await;
    peer.publish(PRIVATE, "command-received", r#"{"id":1}"#)
        .await;
    assert_eq!(user.message().await, r#"{"id":1}"#);
    assert_eq!(
        user.auth.asked(),
        [("123456.7890123".to_owned(), PRIVATE.to_owned())]
    );
}

fn greeted_by(frame: &str) -> Machine {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.command(fx_executor::pusher::Command::Connect);
    machine.opened();
    machine.text(frame);
    machine
}

#[test]
fn row_02_established_with_object_data() {
    let machine = greeted_by(
        r#"{"event":"pusher:connection_established","data":{"socket_id":"1.2","activity_timeout":120}}"#,
    );
    assert_eq!(machine.last_state().state, ConnectionState::Connected);
    assert_eq!(machine.last_state().socket_id.as_deref(), Some("1.2"));
}

#[test]
fn row_03_no_activity_timeout() {
    let mut machine =
        greeted_by(r#"{"event":"pusher:connection_established","data":"{\"socket_id\":\"1.2\"}"}"#);
    assert_eq!(machine.last_state().state, ConnectionState::Connected);
    machine.authorize();
    machine.confirm(CHANNEL);
    machine.take();
    machine.pass(secs(14.9));
    assert_eq!(sent(&machine.out, "pusher:ping"), 0);
    machine.pass(secs(0.2));
    assert_eq!(sent(&machine.out, "pusher:ping"), 1, "the own limit counts");
}

#[test]
fn row_04_activity_timeout_is_clamped() {
    for (sent_value, silence) in [
        ("0", 5.0),
        ("-7", 5.0),
        ("1e9", 15.0),
        (r#"\"30\""#, 15.0),
        ("7.5", 7.5),
        ("null", 15.0),
    ] {
        let mut machine = greeted_by(&format!(
            r#"{{"event":"pusher:connection_established","data":"{{\"socket_id\":\"1.2\",\"activity_timeout\":{sent_value}}}"}}"#
        ));
        machine.authorize();
        machine.confirm(CHANNEL);
        machine.take();
        machine.pass(secs(silence - 0.01));
        assert_eq!(
            sent(&machine.out, "pusher:ping"),
            0,
            "{sent_value}: too early"
        );
        machine.pass(secs(0.02));
        assert_eq!(
            sent(&machine.out, "pusher:ping"),
            1,
            "{sent_value}: too late"
        );
    }
}

#[test]
fn row_05_another_event_first() {
    let mut machine = greeted_by(r#"{"event":"news","channel":"executors","data":"{}"}"#);
    machine.text(r#"{"event":"pusher:something_new"}"#);
    machine.text("[]");
    assert_eq!(machine.last_state().state, ConnectionState::Connecting);
    machine.greet("1.2");
    assert_eq!(machine.last_state().state, ConnectionState::Connected);
}

#[test]
fn row_06_error_event_ends_the_handshake() {
    for code in [4001, 4003, 4004] {
        let machine = greeted_by(&format!(
            r#"{{"event":"pusher:error","data":{{"code":{code},"message":"no"}}}}"#
        ));
        assert!(
            machine
                .out
                .iter()
                .any(|action| matches!(action, Action::Close { .. })),
            "we close it ourselves"
        );
        let last = machine.last_state();
        assert_eq!(last.state, ConnectionState::Failed);
        assert!(
            last.reason.as_ref().unwrap().contains(&code.to_string()),
            "{last:?}"
        );
    }
}

#[test]
fn row_07_codeless_close_is_classified_by_the_error_before() {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.subscribed("1.2");
    machine.text(r#"{"event":"pusher:error","data":{"code":4004,"message":"over quota"}}"#);
    assert_eq!(machine.session.state(), ConnectionState::Connected);
    machine.ended(None);
    assert_eq!(machine.last_state().state, ConnectionState::Failed);
    assert!(
        machine
            .last_state()
            .reason
            .as_ref()
            .unwrap()
            .contains("4004")
    );
}

#[test]
fn row_07_an_old_error_explains_nothing() {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.subscribed("1.2");
    machine.text(r#"{"event":"pusher:error","data":{"code":4004,"message":"over quota"}}"#);
    machine.pass(secs(6.0));
    machine.ended(None);
    assert_eq!(machine.last_state().state, ConnectionState::Connecting);
}

#[test]
fn row_08_silent_cuts_are_named_after_three() {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.command(fx_executor::pusher::Command::Connect);
    for attempt in 1..=3 {
        machine.opened();
        machine.ended(None);
        let reason = machine.last_state().reason.clone().unwrap();
        assert_eq!(reason.contains("Pusher key"), attempt == 3, "{reason}");
        machine.pass_to_deadline();
    }
    assert_eq!(
        machine.last_state().state,
        ConnectionState::Connecting,
        "and it goes on trying"
    );
}

async fn refused_with(head: &'static str) -> fx_executor::pusher::StateChange {
    let server = Server::start().await;
    let mut user = User::connect(server.endpoint());
    let mut stream = server.accept_tcp().await;
    let mut request = [0; 2048];
    let read = stream.read(&mut request).await.unwrap();
    assert!(read > 0);
    stream.write_all(head.as_bytes()).await.unwrap();
    user.trouble().await
}

#[tokio::test]
async fn row_09_refused_upgrades_are_typed_and_paced() {
    for (head, word, least, most) in [
        (
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "404",
            30.0,
            60.0,
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
            "401",
            30.0,
            60.0,
        ),
        (
            "HTTP/1.1 429 Too Many\r\nretry-after: 17\r\n\r\n",
            "429",
            17.0,
            18.0,
        ),
        (
            "HTTP/1.1 503 Away\r\nretry-after: 9\r\n\r\n",
            "503",
            9.0,
            10.0,
        ),
        ("HTTP/1.1 503 Away\r\n\r\n", "503", 0.0, 0.5),
        (
            "HTTP/1.1 301 Moved\r\nlocation: https://login.example/?token=hidden\r\n\r\n",
            "https://login.example/",
            30.0,
            60.0,
        ),
    ] {
        let change = refused_with(head).await;
        let reason = change.reason.unwrap();
        assert!(reason.contains(word), "{reason}");
        assert!(!reason.contains("hidden"), "{reason}");
        let delay = change.retry_in.unwrap();
        assert!(
            delay >= secs(least) && delay <= secs(most),
            "{word}: {delay:?}"
        );
    }
}

#[test]
fn row_10_server_accepts_and_says_nothing() {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.command(fx_executor::pusher::Command::Connect);
    machine.opened();
    let waited = machine.pass_to_deadline();
    assert!(waited <= Duration::from_secs(10), "{waited:?}");
    assert!(
        machine
            .out
            .iter()
            .any(|action| matches!(action, Action::Close { .. }))
    );
    assert!(
        machine
            .last_state()
            .reason
            .as_ref()
            .unwrap()
            .contains("did not greet")
    );
    assert!(machine.retry_in() <= secs(0.5));
}

#[test]
fn row_11_socket_id_is_verbatim() {
    for id in [
        "9865123902989456.7432392300017789",
        "0095826763221805.6600000000000001",
    ] {
        let mut machine = Machine::new(&[CHANNEL]);
        machine.connect(id);
        assert_eq!(machine.tickets[0].1, id);
    }
}

#[test]
fn row_12_second_greeting_on_one_connection() {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.connect("1.1");
    let (old, ..) = machine.tickets[0].clone();
    machine.greet("2.2");
    machine.answer(old, Ok(crate::machine::signed()));
    assert_eq!(
        sent(&machine.out, "pusher:subscribe"),
        0,
        "the old id's signature is void"
    );
    assert_eq!(machine.tickets[1].1, "2.2");
    machine.authorize();
    assert_eq!(sent(&machine.out, "pusher:subscribe"), 1);
    machine.confirm(CHANNEL);
    assert!(
        told(&machine.out)
            .iter()
            .any(|event| matches!(event, Event::Subscribed { .. }))
    );
}

#[test]
fn row_13_address() {
    let version = env!("CARGO_PKG_VERSION");
    let query = format!("?protocol=7&client=fx-executor&version={version}&flash=false");
    let cluster = Endpoint::for_cluster("abc", "ap1");
    assert_eq!(
        cluster.url(),
        format!("wss://ws-ap1.pusher.com:443/app/abc{query}")
    );
    let own = Endpoint {
        key: "a/b c?#%".to_owned(),
        host: "::1".to_owned(),
        port: 6001,
        tls: false,
        path: "/ws/prefix/".to_owned(),
        proxy: ProxySetting::None,
    };
    assert_eq!(
        own.url(),
        format!("ws://[::1]:6001/ws/prefix/app/a%2Fb%20c%3F%23%25{query}")
    );
}

#[test]
fn a_refused_attempt_is_told_with_its_retry() {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.command(fx_executor::pusher::Command::Connect);
    machine.open_failed(Pace::Backoff);
    let last = states(&machine.out).last().copied().unwrap().clone();
    assert_eq!((last.state, last.attempt), (ConnectionState::Connecting, 1));
    assert!(last.retry_in.is_some());
}
