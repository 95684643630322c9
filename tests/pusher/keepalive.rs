//! Rows 26-33 and 51-52: is the other side still there?

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use fx_executor::pusher::{
    Command, ConnectionState, Event, Options, Timing, delivery,
    session::{Action, Input},
    wake::{SleepDetector, TICK},
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    machine::{Machine, PRIVATE as CHANNEL, opens, secs, sent},
    script::{Auth, PRIVATE, Server, User, soon},
};

fn subscribed() -> Machine {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.subscribed("1.1");
    machine
}

#[tokio::test]
async fn row_26_protocol_ping_is_answered_while_the_receiver_sleeps() {
    let server = Server::start().await;
    let limits = delivery::Limits {
        channel: 1,
        ..delivery::Limits::default()
    };
    let options = Options {
        delivery: limits,
        ..Options::default()
    };
    let _asleep = User::with(
        server.endpoint(),
        &[PRIVATE],
        Timing::default(),
        options,
        Auth::default(),
    );
    let mut peer = server.serve("1.1").await;
    for number in 0..50 {
        peer.publish(PRIVATE, "e", &number.to_string()).await;
    }
    peer.send(r#"{"event":"pusher:ping","data":{}}"#).await;
    peer.expect("pusher:pong").await;
}

#[tokio::test]
async fn row_27_websocket_ping_gets_its_payload_back() {
    let server = Server::start().await;
    let _user = User::connect(server.endpoint());
    let mut peer = server.serve("1.1").await;
    peer.ws.send(Message::Ping("payload".into())).await.unwrap();
    let pong = soon("the pong", peer.ws.next()).await.unwrap().unwrap();
    assert_eq!(pong, Message::Pong("payload".into()));
}

#[test]
fn row_28_silence_is_answered_by_one_ping_event() {
    let mut machine = subscribed();
    machine.pass(secs(22.0));
    assert_eq!(
        sent(&machine.out, r#"{"event":"pusher:ping","data":{}}"#),
        1
    );
}

#[test]
fn row_29_anything_counts_as_life() {
    for life in [
        r#"{"event":"pusher:pong","data":{}}"#,
        r#"{"event":"pusher:pong"}"#,
        r#"{"event":"x"}"#,
        "[]",
    ] {
        let mut machine = subscribed();
        machine.pass(secs(16.0));
        machine.text(life);
        machine.pass(secs(14.0));
        assert_eq!(
            machine.session.state(),
            ConnectionState::Connected,
            "{life}"
        );
    }
    let mut machine = subscribed();
    machine.pass(secs(16.0));
    let generation = machine.generation;
    machine.handle(Input::Other {
        generation,
        binary: false,
    });
    machine.pass(secs(14.0));
    assert_eq!(machine.session.state(), ConnectionState::Connected);
}

#[test]
fn row_29_pong_tells_the_latency() {
    let mut machine = subscribed();
    machine.pass(secs(15.0));
    machine.pass(secs(0.04));
    machine.take();
    machine.text(r#"{"event":"pusher:pong","data":{}}"#);
    let latency = Some(secs(0.04));
    assert!(
        machine
            .out
            .contains(&Action::Tell(Event::Alive { latency }))
    );
    assert_eq!(machine.session.diagnostics().latency, latency);
}

#[test]
fn row_30_no_answer_is_noticed_within_25_s() {
    let mut machine = subscribed();
    let lost = machine.now;
    while machine.session.state() == ConnectionState::Connected {
        machine.pass_to_deadline();
    }
    let took = machine.now - lost;
    assert!(took <= secs(25.0), "{took:?}");
    assert!(
        machine
            .out
            .iter()
            .any(|action| matches!(action, Action::Close { .. }))
    );
    assert!(machine.retry_in() <= secs(0.5));
}

/// A peer that keeps the connection and never says a word more: what dropped packets look like from here. The limits
/// are a tenth of the default ones; row 30 has the default ones in virtual time.
#[tokio::test]
async fn row_31_half_open_connection_is_replaced() {
    let server = Server::start().await;
    let timing = Timing {
        ping_after: Duration::from_millis(1500),
        pong_within: Duration::from_millis(800),
        ..Timing::default()
    };
    let mut user = User::with(
        server.endpoint(),
        &[PRIVATE],
        timing,
        Options::default(),
        Auth::default(),
    );
    let frozen = server.serve("1.1").await;
    user.subscribed().await;
    let since = Instant::now();
    let reason = user.trouble().await.reason.unwrap();
    assert!(
        since.elapsed() <= Duration::from_millis(2500),
        "{:?}",
        since.elapsed()
    );
    assert!(reason.contains("silent"), "{reason}");
    server.serve("2.2").await;
    assert!(user.subscribed().await.is_some());
    drop(frozen);
}

#[tokio::test]
async fn row_32_blocked_writes_end_the_connection() {
    let server = Server::start().await;
    let timing = Timing {
        write_within: Duration::from_millis(300),
        ..Timing::default()
    };
    let mut user = User::with(
        server.endpoint(),
        &[PRIVATE],
        timing,
        Options::default(),
        Auth::default(),
    );
    let peer = server.serve("1.1").await;
    user.subscribed().await;
    // The peer stops reading. Unanswerable pings make the client write until the buffers are full.
    let (mut sink, stream) = peer.ws.split();
    let flood = tokio::spawn(async move {
        while sink
            .send(Message::text(r#"{"event":"pusher:ping","data":{}}"#))
            .await
            .is_ok()
        {}
    });
    let reason = user.trouble().await.reason.unwrap();
    assert!(
        reason.contains("could not be sent") || reason.contains("too many bytes"),
        "{reason}"
    );
    flood.abort();
    drop(stream);
}

#[test]
fn row_33_steady_traffic_still_gets_a_slow_ping() {
    let mut machine = subscribed();
    for _ in 0..130 {
        machine.pass(secs(1.0));
        machine.text(r#"{"event":"x"}"#);
    }
    assert_eq!(sent(&machine.out, "pusher:ping"), 2);
    assert_eq!(machine.session.state(), ConnectionState::Connected);
}

#[test]
fn row_51_sleep_is_noticed_by_the_wall_clock() {
    let mut sleep = SleepDetector::default();
    let start = secs(1_800_000_000.0);
    assert_eq!(sleep.tick(start), None);
    assert_eq!(sleep.tick(start + TICK), None);
    assert_eq!(
        sleep.tick(start + TICK + TICK + secs(4.0)),
        None,
        "a busy computer is not a sleeping one"
    );
    let woken = start + TICK * 3 + secs(604.0);
    assert_eq!(sleep.tick(woken), Some(secs(600.0)));
    assert_eq!(
        sleep.tick(woken - secs(3600.0)),
        None,
        "a clock set back is no sleep"
    );
}

#[test]
fn row_51_wake_proves_the_connection_or_replaces_it() {
    let mut machine = subscribed();
    machine.command(Command::Resumed);
    assert_eq!(sent(&machine.out, "pusher:ping"), 1);
    let waited = machine.pass_to_deadline();
    assert!(waited <= secs(5.0), "{waited:?}");
    assert_eq!(machine.session.state(), ConnectionState::Connecting);

    let mut alive = subscribed();
    alive.command(Command::Resumed);
    alive.text(r#"{"event":"pusher:pong"}"#);
    alive.pass(secs(14.0));
    assert_eq!(alive.session.state(), ConnectionState::Connected);
}

#[test]
fn row_52_network_change_cuts_the_backoff() {
    let mut machine = subscribed();
    machine.command(Command::NetworkChanged);
    assert_eq!(sent(&machine.out, "pusher:ping"), 1, "connected: prove it");
    for _ in 0..12 {
        machine.ended(None);
        machine.pass_to_deadline();
        machine.opened();
    }
    machine.pass(secs(1.0));
    machine.ended(None);
    machine.take();
    machine.command(Command::NetworkChanged);
    assert_eq!(opens(&machine.out), 1, "waiting: now");
    machine.pass(secs(3.0));
    let stuck = machine.generation;
    machine.command(Command::NetworkChanged);
    assert_eq!(
        opens(&machine.out),
        2,
        "an attempt over the old network starts again"
    );
    assert!(machine.out.contains(&Action::Close { generation: stuck }));
}
