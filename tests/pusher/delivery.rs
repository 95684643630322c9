//! Rows 77-81, 85 and 87: how events reach their receiver.

use std::time::Duration;

use futures_util::{FutureExt as _, SinkExt as _};
use fx_executor::pusher::{
    Command, ConnectionState, Event, Options, Timing,
    delivery::{Delivery, Limits},
    session::Filter,
};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    machine::{Machine, PRIVATE as CHANNEL, secs, told},
    script::{Auth, PRIVATE, Server, User, soon},
};

fn message(data: &str) -> Event {
    Event::Message {
        channel: PRIVATE.to_owned(),
        event: "e".to_owned(),
        data: data.to_owned(),
        received: Instant::now(),
    }
}

#[tokio::test]
async fn row_77_order_holds_across_channels() {
    let server = Server::start().await;
    let channels = ["a", "b", "c"];
    let mut user = User::with(
        server.endpoint(),
        &channels,
        Timing::default(),
        Options::default(),
        Auth::default(),
    );
    let mut peer = server.greet("1.1").await;
    for _ in channels {
        peer.confirm_next().await;
    }
    for number in 0..300 {
        peer.publish(channels[number % 3], "e", &number.to_string())
            .await;
    }
    for number in 0..300 {
        assert_eq!(user.message().await, number.to_string());
    }
}

#[tokio::test]
async fn row_78_slow_receiver_holds_the_server_back_and_loses_nothing() {
    let server = Server::start().await;
    let limits = Limits {
        channel: 4,
        backlog_events: 16,
        ..Limits::default()
    };
    let options = Options {
        delivery: limits,
        ..Options::default()
    };
    let mut user = User::with(
        server.endpoint(),
        &[PRIVATE],
        Timing::default(),
        options,
        Auth::default(),
    );
    let mut peer = server.serve("1.1").await;
    let publishing = tokio::spawn(async move {
        for number in 0..3000 {
            peer.publish(PRIVATE, "e", &number.to_string()).await;
        }
        peer
    });
    for number in 0..3000 {
        if number % 500 == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(user.message().await, number.to_string());
    }
    soon("the end", publishing).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn row_78_a_receiver_that_stands_still_costs_counted_messages_at_their_place() {
    let limits = Limits {
        channel: 1,
        backlog_events: 2,
        hold: secs(10.0),
        ..Limits::default()
    };
    let (mut delivery, mut events) = Delivery::new(limits);
    for data in ["1", "2", "3"] {
        delivery.push(message(data), Instant::now()).unwrap();
    }
    assert!(
        delivery.hold_until(Instant::now()).is_some(),
        "first the server is held back"
    );
    tokio::time::advance(secs(10.0)).await;
    assert!(
        delivery.hold_until(Instant::now()).is_none(),
        "then the connection matters more"
    );
    for data in ["4", "5"] {
        delivery.push(message(data), Instant::now()).unwrap();
    }
    assert_eq!(delivery.dropped(), 2);
    let mut seen = Vec::new();
    while delivery.has_backlog() {
        seen.extend(events.try_recv());
        delivery.drain().await.unwrap();
    }
    seen.extend(events.try_recv());
    delivery.push(message("6"), Instant::now()).unwrap();
    assert!(!delivery.has_backlog());
    while let Ok(event) = events.try_recv() {
        seen.push(event);
    }
    let shown: Vec<String> = seen
        .iter()
        .map(|event| match event {
            Event::Message { data, .. } => data.clone(),
            Event::Dropped { messages } => format!("{messages} dropped"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(shown, ["1", "2", "3", "2 dropped", "6"]);
}

#[tokio::test]
async fn row_79_panics_around_the_client_stay_where_they_are() {
    let server = Server::start().await;
    let auth = Auth::default();
    auth.then_later(async { panic!("a bug in the authorizer") }.boxed());
    let mut user = User::with(
        server.endpoint(),
        &[PRIVATE],
        Timing::default(),
        Options::default(),
        auth,
    );
    let mut peer = server.serve("1.1").await;
    user.subscribed().await;
    peer.publish(PRIVATE, "e", "alive").await;
    assert_eq!(user.message().await, "alive");
    // A receiver that panics takes its end of the channel along: the client closes its socket and ends.
    let handler = tokio::spawn(async move {
        let _events = user.client.events;
        let task = user.client.task;
        let commands = user.client.commands;
        tokio::spawn(async move {
            let _commands = commands;
            task.await
        });
        panic!("a bug in the handler");
    });
    assert!(handler.await.unwrap_err().is_panic());
    assert_eq!(peer.close_code().await, Some(1000));
}

fn id_of(event: &str, data: &str) -> Option<String> {
    let value: serde_json::Value = (event == "e").then(|| serde_json::from_str(data).ok())??;
    value.get("id")?.as_str().map(str::to_owned)
}

#[tokio::test]
async fn row_80_repeats_are_dropped_when_asked() {
    for (id_of, expected) in [
        (None, vec!["1", "1", "2"]),
        (Some(id_of as fn(&str, &str) -> _), vec!["1", "2"]),
    ] {
        let server = Server::start().await;
        let options = Options {
            id_of,
            ..Options::default()
        };
        let mut user = User::with(
            server.endpoint(),
            &[PRIVATE],
            Timing::default(),
            options,
            Auth::default(),
        );
        let mut peer = server.serve("1.1").await;
        for id in ["1", "1", "2"] {
            peer.publish(PRIVATE, "e", &format!(r#"{{"id":"{id}"}}"#))
                .await;
        }
        for id in expected {
            assert_eq!(user.message().await, format!(r#"{{"id":"{id}"}}"#));
        }
    }
    assert!(Filter::default().id_of.is_none(), "off by default");
}

#[test]
fn row_81_gap_comes_before_the_first_live_event() {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.connect("1.1");
    machine.authorize();
    machine.confirm(CHANNEL);
    let first = told(&machine.out)
        .into_iter()
        .any(|event| matches!(event, Event::Subscribed { gap: None, .. }));
    assert!(first, "the first subscription has no gap");
    machine.pass(secs(5.0));
    machine.text("[]");
    machine.pass(secs(7.0));
    machine.ended(None);
    machine.pass_until_open();
    machine.opened();
    machine.greet("2.2");
    machine.authorize();
    machine.take();
    machine.text(&format!(
        r#"{{"event":"e","channel":"{CHANNEL}","data":"live"}}"#
    ));
    let order: Vec<String> = machine
        .out
        .iter()
        .map(|action| format!("{action:?}"))
        .collect();
    let gap = told(&machine.out)
        .into_iter()
        .find_map(|event| match event {
            Event::Subscribed { gap: Some(gap), .. } => Some(gap.clone()),
            _ => None,
        })
        .expect("a gap");
    let subscribed_at = order
        .iter()
        .position(|action| action.contains("Subscribed"))
        .unwrap();
    let live_at = order
        .iter()
        .position(|action| action.contains("live"))
        .unwrap();
    assert!(subscribed_at < live_at);
    let away = gap.to.duration_since(gap.from);
    assert!(
        away.as_secs() >= 7,
        "from the last proof of life, not from the close: {away}"
    );
}

#[tokio::test]
async fn row_85_burst_of_100_000_events() {
    const EVENTS: usize = 100_000;
    let server = Server::start().await;
    let mut user = User::connect(server.endpoint());
    let mut peer = server.serve("1.1").await;
    user.subscribed().await;
    let publishing = tokio::spawn(async move {
        let filler = "x".repeat(200);
        for number in 0..EVENTS {
            let text = format!(
                r#"{{"event":"e","channel":"{PRIVATE}","data":"{{\"n\":{number},\"f\":\"{filler}\"}}"}}"#
            );
            peer.ws.feed(Message::text(text)).await.unwrap();
        }
        peer.ws.flush().await.unwrap();
        peer
    });
    let mut expected = 0;
    while expected < EVENTS {
        let event = soon("an event", user.client.events.recv()).await.unwrap();
        match event {
            Event::Message { data, .. } => {
                assert!(
                    data.starts_with(&format!(r#"{{"n":{expected},"#)),
                    "lost or reordered at {expected}: {data}"
                );
                expected += 1;
            }
            Event::Dropped { messages } => panic!("{messages} dropped"),
            _ => {}
        }
    }
    drop(publishing.await.unwrap());
}

#[tokio::test]
async fn row_87_diagnostics_hold_transitions_and_no_secrets() {
    let server = Server::start().await;
    let mut user = User::connect(server.endpoint());
    let peer = server.serve("1.1").await;
    user.subscribed().await;
    peer.close(4200).await;
    let _peer = server.serve("2.2").await;
    user.subscribed().await;
    user.command(Command::Disconnect).await;
    user.state(ConnectionState::Disconnected).await;
    let shown = user.client.diagnostics.borrow().clone();
    let states: Vec<ConnectionState> = shown
        .transitions
        .iter()
        .map(|transition| transition.state)
        .collect();
    use ConnectionState::{Connected, Connecting, Disconnected};
    assert_eq!(
        states,
        [
            Connecting,
            Connected,
            Connecting,
            Connecting,
            Connected,
            Disconnected
        ]
    );
    let lost = &shown.transitions[2];
    assert!(lost.reason.as_ref().unwrap().contains("4200"));
    assert!(lost.retry_in.is_some());
    assert_eq!((lost.attempt, shown.attempts, shown.connections), (1, 2, 2));
    let signature = fx_executor::pusher::auth::sign(
        crate::script::SECRET,
        "1.1",
        PRIVATE,
        Some(crate::script::CHANNEL_DATA),
    );
    let all = format!("{shown:?}");
    assert!(!all.contains(&signature) && !all.contains("user_info"));
}

#[test]
fn row_87_only_the_latest_transitions_are_kept() {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.subscribed("1.1");
    for _ in 0..100 {
        machine.ended(None);
        machine.pass_until_open();
        machine.opened();
    }
    assert_eq!(machine.session.diagnostics().transitions.len(), 64);
}
