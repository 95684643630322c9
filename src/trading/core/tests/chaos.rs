//! Random orders of events. What [`World::step`] asserts must hold in all of them; here also: no command acts twice,
//! and every one that came with an id is answered in the end.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::terminal::{Manner, Memory};
use super::world::{OWNER, Patching, World};
use super::{buying_rules, start_args};
use crate::core::snapshot::UiCommand;
use crate::core::{Event, Purpose, Record};
use crate::market::{IntentAction, RefusalClass, Ticket};

#[derive(Clone, Debug)]
enum Happening {
    Pusher(usize),
    Heartbeat(Vec<usize>),
    Broadcast(bool),
    Manners(Vec<Manner>),
    Memory(bool),
    TerminalDown,
    TerminalUp,
    KeepsBook(bool),
    Bar,
    Book,
    Patching(u8),
    Ui(u8),
    Journal(bool),
    Wait(u64),
    Restart,
    Garbage(String),
}

const COMMANDS: usize = 24;

/// The commands of the game: each number always means the same.
fn command(number: usize) -> (String, &'static str, Value, i64) {
    let strategy = format!("s{}", number % 2);
    let one = json!({ "strategyId": strategy, "closePositions": number.is_multiple_of(3) });
    let open = json!({ "symbol": "EURUSD", "type": "BUY", "volume": 0.1 });
    let (name, args) = match number % 16 {
        0 | 1 => ("OPEN_POSITION", open),
        2..=4 => ("START_STRATEGY", start_args(&strategy, &buying_rules())),
        5 => ("STOP_STRATEGY", one),
        6 => ("PAUSE", json!({})),
        7 => ("RESUME", json!({})),
        8 => ("CLOSE_ALL_POSITIONS", json!({})),
        9 => ("EMERGENCY_STOP", json!({ "reason": "game" })),
        10 => ("STOP_ALL", json!({})),
        11 => ("CLOSE_PROFITABLE", json!({ "minProfit": -1 })),
        12 => ("PAUSE_STRATEGY", one),
        13 => ("RESUME_STRATEGY", one),
        14 => ("RESTART", json!({})),
        _ => ("GET_STATUS", json!({})),
    };
    let age = i64::try_from(number * 7 % 40).unwrap_or(0);
    (format!("c{number}"), name, args, age)
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![
        4 => Just(Manner::Fill),
        1 => Just(Manner::FillHalf),
        1 => Just(Manner::FillWithoutStop),
        1 => Just(Manner::Refuse(RefusalClass::PriceMoved)),
        1 => Just(Manner::Refuse(RefusalClass::Wait)),
        1 => Just(Manner::Refuse(RefusalClass::AlreadySo)),
        2 => Just(Manner::LoseAnswer),
        2 => Just(Manner::LoseOrder),
        1 => Just(Manner::FillSilently),
        1 => Just(Manner::Swallow),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => (0..COMMANDS).prop_map(Happening::Pusher),
        6 => prop::collection::vec(0..COMMANDS, 0..11).prop_map(Happening::Heartbeat),
        1 => any::<bool>().prop_map(Happening::Broadcast),
        4 => prop::collection::vec(manner(), 1..6).prop_map(Happening::Manners),
        1 => any::<bool>().prop_map(Happening::Memory),
        2 => Just(Happening::TerminalDown),
        3 => Just(Happening::TerminalUp),
        1 => any::<bool>().prop_map(Happening::KeepsBook),
        4 => Just(Happening::Bar),
        2 => Just(Happening::Book),
        2 => (0..3_u8).prop_map(Happening::Patching),
        3 => (0..8_u8).prop_map(Happening::Ui),
        1 => any::<bool>().prop_map(Happening::Journal),
        4 => prop_oneof![Just(1_u64), Just(3), Just(35)].prop_map(Happening::Wait),
        1 => Just(Happening::Restart),
        1 => ".{0,40}".prop_map(Happening::Garbage),
    ]
}

fn play(world: &mut World, happening: Happening) {
    match happening {
        Happening::Pusher(number) => {
            let (id, name, args, age) = command(number);
            world.pusher_made(&id, name, &args, age);
        }
        Happening::Heartbeat(numbers) => {
            let rows: Vec<_> = numbers.into_iter().map(command).collect();
            let rows: Vec<_> = rows
                .iter()
                .map(|(id, name, args, age)| (id.as_str(), *name, args.clone(), *age))
                .collect();
            world.heartbeat(&rows);
        }
        Happening::Broadcast(own) => {
            let user = if own { OWNER } else { "user-foreign" };
            let data =
                json!({ "userId": user, "reason": "game", "timestamp": world.ago(0) }).to_string();
            world.happens(Event::EmergencyBroadcast { data });
        }
        Happening::Manners(manners) => world.terminal.manners.extend(manners),
        Happening::Memory(works) => {
            world.terminal.memory = if works { Memory::Works } else { Memory::NotYet }
        }
        Happening::TerminalDown => world.terminal_down(),
        Happening::TerminalUp => world.terminal_up(),
        Happening::KeepsBook(keeps) => world.terminal.keeps_book = keeps,
        Happening::Bar => {
            if world.terminal.is_up {
                world.next_bar();
            }
        }
        Happening::Book => {
            if world.terminal.is_up {
                world.send_book();
            }
        }
        Happening::Patching(how) => {
            world.patching = [Patching::Works, Patching::Fails, Patching::Silent][usize::from(how)];
        }
        Happening::Ui(what) => world.ui(ui(what)),
        Happening::Journal(works) => world.happens(if works {
            Event::JournalRecovered
        } else {
            Event::JournalFailed {
                reason: "disk full".to_owned(),
            }
        }),
        Happening::Wait(seconds) => world.wait(seconds),
        // A restart loses what the journal does not have; a broken one keeps everything in the backlog.
        Happening::Restart => {
            if world.state.journal_broken.is_none() {
                world.terminal.is_up = false;
                world.restart();
            }
        }
        Happening::Garbage(text) => world.pusher_raw(&text),
    }
}

fn ui(what: u8) -> UiCommand {
    let id = "s0".to_owned();
    match what {
        0 => UiCommand::StopEverything {
            reason: "game".to_owned(),
        },
        1 => UiCommand::LiftStop,
        2 => UiCommand::PauseTrading,
        3 => UiCommand::ResumeTrading,
        4 => UiCommand::PauseStrategy { id },
        5 => UiCommand::ResumeStrategy { id },
        6 => UiCommand::StopStrategy {
            id,
            close_positions: true,
        },
        _ => UiCommand::ClosePosition {
            ticket: Ticket(1_001),
        },
    }
}

/// Everything works again and time passes: nothing may be left undone.
fn come_to_rest(world: &mut World) {
    world.terminal.manners.clear();
    world.terminal.memory = Memory::Works;
    world.terminal.keeps_book = false;
    world.patching = Patching::Works;
    world.happens(Event::JournalRecovered);
    world.terminal_up();
    for _ in 0..14 {
        world.wait(2);
        world.jump(60);
    }
}

fn opened_for(world: &World, id: &str) -> usize {
    let made = |record: &&Record| {
        matches!(record, Record::IntentMade { purpose: Purpose::Command { id: other }, intent, .. }
            if other == id && matches!(intent.action, IntentAction::Open { .. }))
    };
    let cids: Vec<_> = world
        .records
        .iter()
        .filter(made)
        .filter_map(|record| match record {
            Record::IntentMade { intent, .. } => Some(intent.cid),
            _ => None,
        })
        .collect();
    let done =
        |record: &&Record| matches!(record, Record::IntentDone { cid, .. } if cids.contains(cid));
    world.records.iter().filter(done).count()
}

/// JSON that parsers treat as something of their own, at the ends of what numbers and texts can be.
fn odd_json() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "null",
        "-0.0",
        "1e308",
        "5e-324",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "0.1000000000000000055511151231257827",
        r#""""#,
        r#""\u0000\ud83d\ude00""#,
        r#""\ud83d""#,
    ]);
    let key = prop::sample::select(vec![
        "",
        "id",
        "rules",
        "$serde_json::private::Number",
        "$serde_json::private::RawValue",
        "$__toml_private_datetime",
        "__proto__",
    ]);
    leaf.prop_map(str::to_owned)
        .prop_recursive(6, 24, 4, move |inner| {
            let entry = (key.clone(), inner.clone());
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(|list| format!("[{}]", list.join(","))),
                prop::collection::vec(entry, 0..4).prop_map(|entries| {
                    let entries: Vec<_> = entries
                        .into_iter()
                        .map(|(key, value)| format!("\"{key}\":{value}"))
                        .collect();
                    format!("{{{}}}", entries.join(","))
                }),
            ]
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_command_acts_twice_and_each_is_answered(happenings in prop::collection::vec(happening(), 1..60)) {
        let mut world = World::ready();
        for happening in happenings {
            play(&mut world, happening);
        }
        come_to_rest(&mut world);
        let durable = world.state.durable().clone();
        prop_assert!(durable.open.is_empty(), "still open: {:?}", durable.open.values().map(|open| (&open.command.id, &open.command.name, &open.reason)).collect::<Vec<_>>());
        prop_assert!(durable.reports.is_empty(), "unreported: {:?}", durable.reports.keys().collect::<Vec<_>>());
        prop_assert!(durable.intents.is_empty());
        if let Some(stop) = &durable.stop {
            prop_assert!(stop.completed_at.is_some());
        }
        for number in 0..COMMANDS {
            let (id, name, ..) = command(number);
            prop_assert!(opened_for(&world, &id) <= 1, "{id} opened twice");
            let finals = world.records.iter().filter(|record| matches!(record, Record::Moved { id: other, state, .. } if *other == id && state.is_final())).count();
            // A stop that could not close everything in time says so, and once more when it is complete.
            let is_amended = name == "EMERGENCY_STOP" && finals == 2;
            prop_assert!(finals <= 1 || is_amended, "{id} ended {finals} times");
            let told: Vec<_> = world.reports.iter().filter(|(other, ..)| *other == id).map(|(_, status, _)| status).collect();
            prop_assert_eq!(!told.is_empty(), durable.finished.contains_key(&id), "{} was not answered", id);
            let amended = |pair: &[&String]| is_amended && pair[0] == "failed" && pair[1] == "executed";
            prop_assert!(told.windows(2).all(|pair| pair[0] == pair[1] || amended(pair)), "{} was answered in two ways", id);
        }
    }

    /// [`World::step`] reads each record back as the next start would.
    #[test]
    fn whatever_a_command_carries_can_be_read_again(odd in odd_json(), deep in 0..140_usize, number in 0..COMMANDS) {
        let mut world = World::ready();
        let (_, name, args, _) = command(number);
        let deep = "[".repeat(deep) + &odd + &"]".repeat(deep);
        let Value::Object(mut args) = args else { unreachable!() };
        args.insert("odd".to_owned(), Value::Null);
        let args = Value::Object(args).to_string().replace("\"odd\":null", &format!("\"odd\":{deep}"));
        for inside in [args.clone(), format!("{{\"strategy\":{args},\"odd\":{deep}}}")] {
            world.pusher_raw(&format!(
                r#"{{"id":"c{number}","command":"{name}","parameters":{inside},"metadata":{{"userId":"{OWNER}","odd":{odd}}},"odd":{odd}}}"#
            ));
        }
        come_to_rest(&mut world);
        world.restart();
    }

    #[test]
    fn any_text_is_read_or_refused(text in ".{0,200}") {
        let mut world = World::ready();
        world.pusher_raw(&text);
        prop_assert!(world.state.durable().open.is_empty());
    }
}

/// More with `FX_CORE_CASES=…`.
fn cases() -> u32 {
    let wanted = std::env::var("FX_CORE_CASES").ok();
    wanted.and_then(|cases| cases.parse().ok()).unwrap_or(64)
}
