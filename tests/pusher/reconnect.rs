//! Rows 34-50: when and how the client comes back.

use std::time::Duration;

use fx_executor::pusher::{
    Command, ConnectionState, Endpoint, Timing,
    closing::Pace,
    session::{Action, Input, backoff::Backoff},
};

use crate::{
    machine::{Machine, PRIVATE as CHANNEL, delivered, endpoint, opens, secs, sent, states},
    script::{Server, User},
};

fn subscribed() -> Machine {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.subscribed("1.1");
    machine
}

/// Delays of attempts that are refused at once, and the moments of the attempts.
fn refused_attempts(machine: &mut Machine, count: usize) -> (Vec<Duration>, Vec<Duration>) {
    let (mut delays, mut moments) = (Vec::new(), Vec::new());
    for _ in 0..count {
        delays.push(machine.retry_in());
        while opens(&machine.take()) == 0 {
            machine.pass_to_deadline();
        }
        moments.push(machine.now);
        machine.open_failed(Pace::Backoff);
    }
    (delays, moments)
}

#[test]
fn row_34_first_retry_is_jittered() {
    let mut firsts = Vec::new();
    for seed in 0..200 {
        let mut machine = Machine::with(&[CHANNEL], endpoint(), seed);
        machine.subscribed("1.1");
        machine.ended(None);
        let (delays, _) = refused_attempts(&mut machine, 40);
        assert!(delays[0] <= secs(0.5), "{:?}", delays[0]);
        assert!(delays.iter().all(|delay| *delay <= secs(20.0)), "the cap");
        assert!(
            delays[30..].iter().any(|delay| *delay > secs(5.0)),
            "it does grow"
        );
        firsts.push(delays[0]);
    }
    let early = firsts.iter().filter(|delay| **delay < secs(0.25)).count();
    assert!(
        (60..140).contains(&early),
        "spread over the whole range: {early} of 200 in the first half"
    );
}

#[test]
fn row_34_ceilings_double_to_the_cap() {
    let timing = Timing::default();
    let mut backoff = Backoff::default();
    let mut rng = fastrand::Rng::with_seed(1);
    for ceiling in [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0] {
        let mut probe = backoff.clone();
        let most = (0..300)
            .map(|_| {
                probe
                    .clone()
                    .next(Pace::Backoff, Duration::MAX, &timing, &mut rng)
            })
            .max()
            .unwrap();
        assert!(
            most <= secs(ceiling) && most > secs(ceiling * 0.9),
            "{most:?} of {ceiling}"
        );
        probe.next(Pace::Backoff, Duration::MAX, &timing, &mut rng);
        backoff = probe;
    }
}

#[test]
fn row_35_back_within_2_s_of_a_3_s_outage() {
    let mut waits = Vec::new();
    for seed in 0..400 {
        let mut machine = Machine::with(&[CHANNEL], endpoint(), seed);
        machine.subscribed("1.1");
        let back_at = machine.now + secs(3.0);
        machine.ended(None);
        while machine.now < back_at {
            let _ = refused_attempts(&mut machine, 1);
        }
        // The attempt that just failed came after the server was back: it would have succeeded.
        waits.push(machine.now - back_at);
    }
    waits.sort();
    let p95 = waits[waits.len() * 95 / 100];
    assert!(p95 <= secs(1.5), "p95 {p95:?}");
}

#[tokio::test]
async fn row_36_refused_connection_fails_at_once() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let started = tokio::time::Instant::now();
    let mut user = User::connect(crate::script::endpoint_at(address));
    for _ in 0..3 {
        let change = user.trouble().await;
        assert!(
            change
                .reason
                .as_ref()
                .unwrap()
                .contains("refused the connection"),
            "{change:?}"
        );
    }
    assert!(
        started.elapsed() < Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn row_37_two_hundred_clients_do_not_march_in_step() {
    let mut moments = Vec::new();
    for seed in 0..200 {
        let mut machine = Machine::with(&[CHANNEL], endpoint(), seed);
        machine.subscribed("1.1");
        machine.ended(None);
        let (_, attempts) = refused_attempts(&mut machine, 30);
        moments.extend(
            attempts
                .into_iter()
                .filter(|at| *at > secs(60.0) && *at < secs(100.0)),
        );
    }
    let mut per_second = [0_u32; 40];
    for at in &moments {
        per_second[usize::try_from(at.as_secs() - 60).unwrap()] += 1;
    }
    let mean = moments.len() / 40;
    let most = *per_second.iter().max().unwrap();
    assert!(
        usize::try_from(most).unwrap() <= mean * 2 + 5,
        "{most} in one second, {mean} on average"
    );
}

#[test]
fn row_38_only_a_connection_that_held_resets_the_backoff() {
    let mut machine = subscribed();
    let mut longest = Duration::ZERO;
    for round in 0..12 {
        machine.pass(secs(2.0));
        machine.ended(None);
        longest = longest.max(machine.retry_in());
        assert_eq!(machine.last_state().attempt, round + 1);
        machine.pass_until_open();
        machine.opened();
        machine.greet("2.2");
        machine.authorize();
        machine.confirm(CHANNEL);
    }
    assert!(
        longest > secs(2.0),
        "a flapping server is met with patience: {longest:?}"
    );
    machine.pass(secs(10.0));
    machine.text("[]");
    machine.ended(None);
    assert!(
        machine.retry_in() <= secs(0.5),
        "it held for 10 s: forgiven"
    );
    assert_eq!(machine.last_state().attempt, 1);
}

#[test]
fn row_39_asked_to_reconnect_at_once() {
    for code in [4200, 4201, 4202] {
        let mut machine = subscribed();
        machine.ended(Some(code));
        assert!(machine.retry_in() <= secs(0.1), "{code}");
    }
}

#[test]
fn row_40_draining_server_is_not_stormed() {
    for seed in 0..200 {
        let mut machine = Machine::with(&[CHANNEL], endpoint(), seed);
        machine.subscribed("1.1");
        let start = machine.now;
        let mut attempts = 0;
        while machine.now < start + secs(2.0) {
            machine.ended(Some(4200));
            machine.pass_until_open();
            machine.opened();
            if machine.now < start + secs(2.0) {
                attempts += 1;
            }
        }
        assert!(attempts <= 5, "{attempts} attempts");
    }
}

#[test]
fn row_41_over_capacity_waits_a_second_and_longer() {
    let mut machine = subscribed();
    let mut last = Duration::ZERO;
    for _ in 0..5 {
        machine.ended(Some(4100));
        assert!(machine.retry_in() >= secs(1.0));
        last = machine.retry_in();
        machine.pass_until_open();
        machine.opened();
    }
    assert!(last >= secs(5.0), "{last:?}");
}

#[test]
fn row_42_tls_only_switches_to_wss() {
    let mut machine = subscribed();
    machine.ended(Some(4000));
    machine.take();
    machine.pass_until_open();
    let opened = machine.out.iter().find_map(|action| match action {
        Action::Open { endpoint, .. } => Some(endpoint.clone()),
        _ => None,
    });
    let Endpoint { tls, port, .. } = opened.unwrap();
    assert!(tls);
    assert_eq!(port, 443);
    machine.opened();
    machine.ended(Some(4000));
    assert_eq!(
        machine.last_state().state,
        ConnectionState::Failed,
        "over TLS it makes no sense"
    );
}

#[test]
fn row_42_without_a_server_behind_tls_the_settings_are_tried_again() {
    let mut machine = subscribed();
    machine.ended(Some(4000));
    let mut ways = Vec::new();
    for _ in 0..4 {
        machine.take();
        machine.pass_until_open();
        ways.extend(machine.out.iter().find_map(|action| match action {
            Action::Open { endpoint, .. } => Some(endpoint.tls),
            _ => None,
        }));
        machine.ended(None);
    }
    assert_eq!(ways, [true, true, true, false]);
}

#[test]
fn row_43_refused_for_good_stops_until_somebody_acts() {
    for code in [4001, 4003, 4004, 4005, 4006, 4007, 4008] {
        let mut machine = subscribed();
        machine.ended(Some(code));
        let last = machine.last_state().clone();
        assert_eq!(last.state, ConnectionState::Failed);
        assert!(last.reason.unwrap().contains(&code.to_string()));
        assert!(last.retry_in.unwrap() >= secs(300.0), "only a slow probe");
        machine.take();
        machine.pass(secs(290.0));
        assert_eq!(opens(&machine.out), 0);
        machine.command(Command::SetEndpoint(Endpoint {
            key: "other".to_owned(),
            ..endpoint()
        }));
        assert_eq!(opens(&machine.out), 1, "other settings start again");
    }
    let mut machine = subscribed();
    machine.ended(Some(4001));
    machine.take();
    machine.command(Command::Connect);
    assert_eq!(opens(&machine.out), 1, "so does a person");
}

#[test]
fn row_44_unauthorized_renews_once() {
    let mut machine = subscribed();
    machine.ended(Some(4009));
    assert_eq!(machine.last_state().state, ConnectionState::Connecting);
    machine.take();
    machine.pass_until_open();
    assert!(
        machine
            .out
            .iter()
            .any(|action| matches!(action, Action::Open { renew: true, .. }))
    );
    machine.opened();
    machine.ended(Some(4009));
    assert_eq!(machine.last_state().state, ConnectionState::Failed);
}

#[test]
fn row_45_unlisted_codes_follow_their_range() {
    let mut machine = subscribed();
    machine.ended(Some(4077));
    assert_eq!(machine.last_state().state, ConnectionState::Failed);
    let mut machine = subscribed();
    machine.ended(Some(4177));
    assert!(machine.retry_in() >= secs(1.0));
    let mut machine = subscribed();
    machine.ended(Some(4277));
    assert!(machine.retry_in() <= secs(0.1));
}

#[test]
fn row_46_other_codes_are_never_final() {
    for code in [
        1000, 1001, 1002, 1003, 1004, 1011, 1012, 3000, 4300, 4301, 4400, 4999, 5000,
    ] {
        let mut machine = subscribed();
        machine.ended(Some(code));
        assert_eq!(
            machine.last_state().state,
            ConnectionState::Connecting,
            "{code}"
        );
        assert!(machine.retry_in() <= secs(0.5), "{code}");
    }
}

#[test]
fn row_47_error_events_are_no_closes() {
    for code in [4200, 4009, 4000, 4300, 4301, 4302] {
        let mut machine = subscribed();
        machine.text(&format!(
            r#"{{"event":"pusher:error","data":{{"code":{code},"message":"m"}}}}"#
        ));
        machine.pass(secs(1.0));
        assert_eq!(
            machine.session.state(),
            ConnectionState::Connected,
            "{code}"
        );
        machine.text(&format!(
            r#"{{"event":"e","channel":"{CHANNEL}","data":"{code}"}}"#
        ));
        assert_eq!(delivered(&machine.out), [code.to_string()]);
    }
}

#[test]
fn row_48_disconnect_stops_everything() {
    let connecting = |machine: &mut Machine| machine.command(Command::Connect);
    let greeting = |machine: &mut Machine| {
        machine.command(Command::Connect);
        machine.opened();
    };
    let authorizing = |machine: &mut Machine| machine.connect("1.1");
    let waiting = |machine: &mut Machine| {
        machine.command(Command::Connect);
        machine.open_failed(Pace::Backoff);
    };
    let failed = |machine: &mut Machine| {
        machine.subscribed("1.1");
        machine.ended(Some(4001));
    };
    type Reach<'a> = &'a dyn Fn(&mut Machine);
    let cases: [(&str, Reach<'_>); 5] = [
        ("connecting", &connecting),
        ("greeting", &greeting),
        ("authorizing", &authorizing),
        ("waiting", &waiting),
        ("failed", &failed),
    ];
    for (name, reach) in cases {
        let mut machine = Machine::new(&[CHANNEL]);
        reach(&mut machine);
        let generation = machine.generation;
        machine.command(Command::Disconnect);
        assert_eq!(
            machine.session.state(),
            ConnectionState::Disconnected,
            "{name}"
        );
        let has_socket = !matches!(name, "waiting" | "failed");
        assert_eq!(
            machine.out.contains(&Action::Close { generation }),
            has_socket,
            "{name}"
        );
        machine.take();
        machine.handle(Input::Opened { generation });
        machine.greet("9.9");
        for (ticket, ..) in machine.tickets.clone() {
            machine.answer(ticket, Ok(crate::machine::signed()));
        }
        machine.pass(secs(4000.0));
        assert!(machine.out.is_empty(), "{name}: {:?}", machine.out);
    }
}

#[test]
fn row_49_connect_twice_is_one_connection() {
    let mut machine = Machine::new(&[CHANNEL]);
    machine.command(Command::Connect);
    machine.command(Command::Connect);
    assert_eq!(opens(&machine.out), 1);
    machine.opened();
    machine.command(Command::Connect);
    machine.greet("1.1");
    machine.command(Command::Connect);
    assert_eq!(opens(&machine.out), 1);
    for _ in 0..8 {
        machine.ended(None);
        machine.pass_until_open();
        machine.opened();
    }
    machine.pass(secs(1.0));
    machine.ended(None);
    machine.take();
    machine.command(Command::Connect);
    assert_eq!(opens(&machine.out), 1, "a waiting retry is cut short");
}

#[tokio::test]
async fn row_50_old_connection_is_closed_and_its_late_frames_discarded() {
    let server = Server::start().await;
    let mut user = User::connect(server.endpoint());
    let mut old = server.serve("1.1").await;
    user.subscribed().await;
    user.command(Command::Reconnect("test".to_owned())).await;
    assert_eq!(old.close_code().await, Some(1000));
    let mut new = server.serve("2.2").await;
    user.subscribed().await;
    new.publish(CHANNEL, "e", "new").await;
    assert_eq!(user.message().await, "new");

    let mut machine = subscribed();
    let generation = machine.generation;
    machine.command(Command::Reconnect("test".to_owned()));
    machine.opened();
    machine.greet("2.2");
    machine.authorize();
    machine.confirm(CHANNEL);
    let text = format!(r#"{{"event":"e","channel":"{CHANNEL}","data":"late"}}"#);
    machine.handle(Input::Text {
        generation,
        text: &text,
    });
    machine.handle(Input::Ended {
        generation,
        ended: fx_executor::pusher::closing::Ended {
            code: Some(4001),
            reason: String::new(),
        },
    });
    assert!(delivered(&machine.out).is_empty());
    assert_eq!(machine.session.state(), ConnectionState::Connected);
}

#[test]
fn unavailable_is_told_after_ten_seconds_and_attempts_go_on() {
    let mut machine = subscribed();
    machine.ended(None);
    machine.take();
    while machine.session.state() == ConnectionState::Connecting {
        machine.pass_until_open();
        machine.open_failed(Pace::Backoff);
        assert!(machine.now < secs(40.0));
    }
    assert_eq!(machine.session.state(), ConnectionState::Unavailable);
    machine.take();
    machine.pass(secs(30.0));
    assert!(opens(&machine.out) >= 1);
    assert_eq!(sent(&machine.out, "subscribe"), 0);
    assert!(
        states(&machine.out)
            .iter()
            .all(|change| change.state == ConnectionState::Unavailable)
    );
}

#[test]
fn the_same_endpoint_changes_nothing() {
    let mut machine = subscribed();
    machine.command(Command::SetEndpoint(endpoint()));
    assert!(machine.out.is_empty());
    machine.command(Command::SetEndpoint(Endpoint {
        key: "other".to_owned(),
        ..endpoint()
    }));
    assert_eq!(opens(&machine.out), 1);
}
