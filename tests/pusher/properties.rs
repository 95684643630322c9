//! Whatever the other side does: no panic, never two sockets, attempts bounded, nothing from an old socket.

use std::time::Duration;

use fx_executor::pusher::{
    AuthorizeError, Command, Endpoint,
    closing::{Ended, Pace},
    frame::Frame,
    session::{Action, Input},
};
use proptest::prelude::*;

use crate::machine::{Machine, PRIVATE, PUBLIC, endpoint, signed};

#[derive(Clone, Debug)]
enum Step {
    Pass(u64),
    NextDeadline,
    Opened,
    OpenFailed(u8),
    Greet,
    Frame(usize),
    Text(String),
    Ended(Option<u16>),
    Answer(u8),
    /// From the socket before the current one.
    Late(usize),
    Command(u8),
    Held,
}

const FRAMES: [&str; 10] = [
    r#"{"event":"pusher:ping"}"#,
    r#"{"event":"pusher:pong"}"#,
    r#"{"event":"pusher:error","data":{"code":4009,"message":"no"}}"#,
    r#"{"event":"pusher:error","data":{"code":4200}}"#,
    r#"{"event":"pusher:error","data":{"code":null,"message":"Existing subscription to channel private-executor-1"}}"#,
    r#"{"event":"pusher_internal:subscription_succeeded","channel":"private-executor-1"}"#,
    r#"{"event":"pusher_internal:subscription_succeeded","channel":"executors"}"#,
    r#"{"event":"pusher:subscription_error","channel":"private-executor-1","data":{"status":401}}"#,
    r#"{"event":"command-received","channel":"private-executor-1","data":"{}"}"#,
    r#"{"event":"pusher:connection_established","data":{"socket_id":"7.7","activity_timeout":0}}"#,
];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let code = prop_oneof![
        Just(None),
        (1000_u16..5000).prop_map(Some),
        (4000_u16..4300).prop_map(Some)
    ];
    let step = prop_oneof![
        3 => (0_u64..40_000).prop_map(Step::Pass),
        4 => Just(Step::NextDeadline),
        4 => Just(Step::Opened),
        2 => (0_u8..5).prop_map(Step::OpenFailed),
        4 => Just(Step::Greet),
        6 => (0..FRAMES.len()).prop_map(Step::Frame),
        1 => any::<String>().prop_map(Step::Text),
        2 => code.prop_map(Step::Ended),
        4 => (0_u8..4).prop_map(Step::Answer),
        2 => (0..FRAMES.len()).prop_map(Step::Late),
        2 => (0_u8..9).prop_map(Step::Command),
        1 => Just(Step::Held),
    ];
    prop::collection::vec(step, 1..120)
}

fn take_step(machine: &mut Machine, step: Step) {
    let generation = machine.generation;
    match step {
        Step::Pass(millis) => machine.pass(Duration::from_millis(millis)),
        Step::NextDeadline => {
            if machine.session.deadline().is_some() {
                machine.pass_to_deadline();
            }
        }
        Step::Opened => machine.opened(),
        Step::OpenFailed(pace) => machine.open_failed(match pace {
            0 => Pace::Backoff,
            1 => Pace::Slow,
            2 => Pace::After(Duration::from_secs(3)),
            3 => Pace::AtOnce,
            _ => Pace::NotBefore(Duration::from_secs(1)),
        }),
        Step::Greet => machine.greet("5.5"),
        Step::Frame(index) => machine.text(FRAMES[index]),
        Step::Text(text) => machine.text(&text),
        Step::Ended(code) => machine.ended(code),
        Step::Answer(kind) => {
            if let Some((ticket, ..)) = machine.tickets.last().cloned() {
                let reason = "no".to_owned();
                machine.answer(
                    ticket,
                    match kind {
                        0 => Ok(signed()),
                        1 => Err(AuthorizeError::Denied {
                            status: 403,
                            reason,
                        }),
                        2 => Err(AuthorizeError::Retry {
                            reason,
                            after: None,
                        }),
                        _ => Err(AuthorizeError::Invalid { reason }),
                    },
                );
            }
        }
        Step::Late(index) => machine.handle(Input::Text {
            generation: generation.wrapping_sub(1),
            text: FRAMES[index],
        }),
        Step::Command(kind) => machine.command(match kind {
            0 => Command::Connect,
            1 => Command::Disconnect,
            2 => Command::Reconnect("asked".to_owned()),
            3 => Command::SetEndpoint(Endpoint {
                key: "other".to_owned(),
                ..endpoint()
            }),
            4 => Command::SetEndpoint(endpoint()),
            5 => Command::Subscribe(PUBLIC.to_owned()),
            6 => Command::Unsubscribe(PRIVATE.to_owned()),
            7 => Command::NetworkChanged,
            _ => Command::Resumed,
        }),
        Step::Held => machine.handle(Input::Held { generation }),
    }
}

/// Whether an input tells the machine that the socket is gone, so that no `Close` is needed.
fn ends_socket(step: &Step) -> bool {
    matches!(step, Step::Ended(_) | Step::OpenFailed(_))
}

/// `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    ProptestConfig {
        cases: asked.unwrap_or(2000),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_order_of_events_keeps_one_socket(seed in any::<u64>(), steps in steps()) {
        let mut machine = Machine::with(&[PRIVATE, PUBLIC], endpoint(), seed);
        let mut live: Option<u64> = None;
        machine.command(Command::Connect);
        let mut steps = steps.into_iter();
        loop {
            for action in machine.take() {
                match action {
                    Action::Open { generation, .. } => {
                        prop_assert!(live.is_none(), "a second socket beside {live:?}");
                        live = Some(generation);
                    }
                    Action::Close { generation } => {
                        prop_assert_eq!(live, Some(generation));
                        live = None;
                    }
                    Action::Send { generation, .. } => prop_assert_eq!(live, Some(generation)),
                    Action::Authorize { .. } | Action::Deliver { .. } => prop_assert!(live.is_some()),
                    Action::Tell(_) => {}
                }
            }
            let Some(step) = steps.next() else { break };
            // The client reports an opened or failed attempt only once, and only for a socket that lives.
            if ends_socket(&step) {
                if live.is_none() {
                    continue;
                }
                let is_end = matches!(step, Step::Ended(_));
                let before = machine.session.diagnostics().transitions.back().cloned();
                take_step(&mut machine, step);
                let changed = machine.session.diagnostics().transitions.back().cloned() != before;
                if is_end || changed {
                    live = None;
                }
                continue;
            }
            take_step(&mut machine, step);
        }
        if let Some(at) = machine.session.deadline() {
            prop_assert!(at <= machine.now + Duration::from_secs(1300), "it never sleeps for ever");
        }
    }

    #[test]
    fn attempts_are_bounded(seed in any::<u64>(), code in prop_oneof![Just(None), (1000_u16..5000).prop_map(Some)]) {
        let mut machine = Machine::with(&[PRIVATE], endpoint(), seed);
        machine.command(Command::Connect);
        let mut attempts = 1;
        while machine.now < Duration::from_secs(60) {
            machine.opened();
            machine.ended(code);
            machine.take();
            machine.pass_until_open();
            attempts += 1;
        }
        prop_assert!(attempts <= 60, "{attempts} attempts in a minute");
    }

    #[test]
    fn any_text_is_parsed_without_panic(text in any::<String>()) {
        if let Ok(frame) = Frame::parse(&text) {
            let _ = (frame.data(), frame.error(), frame.greeting());
        }
    }

    #[test]
    fn any_data_arrives_as_it_was_sent(data in any::<String>(), event in "[a-z-]{1,20}", channel in "[a-z-]{1,20}") {
        let text = serde_json::json!({"data": data, "event": event, "channel": channel, "extra": [1]}).to_string();
        let frame = Frame::parse(&text).unwrap();
        prop_assert_eq!(&frame.event, &event);
        prop_assert_eq!(frame.channel.as_deref(), Some(channel.as_str()));
        prop_assert_eq!(frame.data().text, data);
    }

    #[test]
    fn frames_with_any_escapes_never_panic(inner in r#"(\\u[0-9a-fA-F]{4}|\\[n"\\/a-z]|[a-zé😀]){0,12}"#) {
        let text = format!(r#"{{"event":"e","channel":"c","data":"{inner}"}}"#);
        if let Ok(frame) = Frame::parse(&text) {
            let _ = frame.data();
        }
    }
}

/// So that the step for it is used with what the client would send.
#[test]
fn an_ended_socket_is_never_closed_again() {
    let mut machine = Machine::new(&[PRIVATE]);
    machine.subscribed("1.1");
    let generation = machine.generation;
    machine.handle(Input::Ended {
        generation,
        ended: Ended {
            code: None,
            reason: String::new(),
        },
    });
    assert!(
        !machine
            .out
            .iter()
            .any(|action| matches!(action, Action::Close { .. }))
    );
}
