//! The served link with a scripted EA at the other end, over TCP and over the pipe's stand-in.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod ea;

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::session::Limits;
use super::{MetaTraderOptions, spawn};
use crate::market::{
    Cid, Found, IntentAction, OrderIntent, Outcome, Side, TerminalEvent, TerminalRequest, Ticket,
};
use crate::terminal::Terminal;
use ea::{Broker, Ea, LinkText};

const PATIENCE: Duration = Duration::from_secs(20);

struct World {
    folder: tempfile::TempDir,
    terminal: Terminal,
    end: CancellationToken,
    broker: Broker,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut MetaTraderOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = MetaTraderOptions::new(folder.path().join("Files"));
        change(&mut options);
        let end = CancellationToken::new();
        let terminal = spawn(options, end.clone());
        Self {
            folder,
            terminal,
            end,
            broker: Broker::default(),
        }
    }

    async fn text(&mut self) -> LinkText {
        self.until(
            |event| matches!(event, TerminalEvent::Down { reason } if reason.contains("waiting")),
        )
        .await;
        LinkText::read(&self.folder.path().join("Files"))
    }

    async fn until(&mut self, wanted: impl Fn(&TerminalEvent) -> bool) -> TerminalEvent {
        let events = &mut self.terminal.events;
        let finding = async {
            let mut seen = Vec::new();
            loop {
                let Some(event) = events.recv().await else {
                    panic!("the terminal ended; seen: {seen:#?}");
                };
                if wanted(&event) {
                    return event;
                }
                seen.push(event);
            }
        };
        timeout(PATIENCE, finding).await.unwrap()
    }

    async fn ask(&self, request: TerminalRequest) {
        self.terminal.requests.send(request).await.unwrap();
    }

    async fn answer(&mut self, wanted: Cid) -> Outcome {
        let event = self
            .until(|event| matches!(event, TerminalEvent::Answer { cid, .. } if *cid == wanted))
            .await;
        match event {
            TerminalEvent::Answer { outcome, .. } => outcome,
            other => panic!("{other:?}"),
        }
    }
}

fn is_up(event: &TerminalEvent) -> bool {
    matches!(event, TerminalEvent::Up { .. })
}

fn is_book(event: &TerminalEvent) -> bool {
    matches!(event, TerminalEvent::Book(_))
}

fn buy(counter: u64) -> OrderIntent {
    OrderIntent {
        price: None,
        cid: Cid::new(1, counter),
        action: IntentAction::Open {
            symbol: "EURUSD".to_owned(),
            side: Side::Buy,
            volume: "0.10".parse().unwrap(),
            stop_loss: Some("1.09".parse().unwrap()),
            take_profit: None,
            deviation: 20,
        },
        comment: "FX".to_owned(),
        ttl_ms: 5_000,
        parent: None,
    }
}

async fn trades(pipe: bool) {
    let mut world = World::new();
    let text = world.text().await;
    let ea = Ea::connect(&text, pipe, world.broker.clone()).await;
    let running = tokio::spawn(ea.run());
    world.until(is_up).await;
    world.until(is_book).await;
    world.ask(TerminalRequest::Submit(buy(1))).await;
    assert!(matches!(
        world.answer(Cid::new(1, 1)).await,
        Outcome::Done(fill) if fill.ticket == Ticket(1_000)
    ));
    // The book and the deal follow by themselves.
    world
        .until(|event| matches!(event, TerminalEvent::Book(book) if book.positions.len() == 1))
        .await;
    world.ask(TerminalRequest::SelfTest).await;
    let tested = world
        .until(|event| matches!(event, TerminalEvent::SelfTested(_)))
        .await;
    assert!(
        matches!(&tested, TerminalEvent::SelfTested(test) if test.passed()),
        "{tested:?}"
    );
    world.end.cancel();
    assert_eq!(running.await.unwrap().as_deref(), Some("shutdown"));
    assert_eq!(world.broker.orders(), 1);
}

#[tokio::test]
async fn an_order_over_tcp() {
    trades(false).await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_order_over_the_pipes_stand_in() {
    trades(true).await;
}

#[tokio::test]
async fn a_second_ea_is_told_why_and_the_first_one_trades_on() {
    let mut world = World::new();
    let text = world.text().await;
    let first = Ea::connect(&text, false, world.broker.clone()).await;
    let _running = tokio::spawn(first.run());
    world.until(is_up).await;
    let second = Ea::connect(&text, false, world.broker.clone()).await;
    assert_eq!(second.run().await.as_deref(), Some("taken"));
    world.ask(TerminalRequest::Submit(buy(1))).await;
    assert!(matches!(
        world.answer(Cid::new(1, 1)).await,
        Outcome::Done(_)
    ));
}

#[tokio::test]
async fn an_ea_with_another_secret_is_refused() {
    let mut world = World::new();
    let mut text = world.text().await;
    text.secret = "00".repeat(32);
    let ea = Ea::connect(&text, false, world.broker.clone()).await;
    assert_eq!(ea.run().await.as_deref(), Some("auth"));
    world
        .until(|event| {
            matches!(event, TerminalEvent::Down { reason } if reason.contains("wrong secret"))
        })
        .await;
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_with_the_link_is_found_and_never_sent_again() {
    let mut world = World::new();
    let text = world.text().await;
    let mut ea = Ea::connect(&text, false, world.broker.clone()).await;
    ea.dies_after_order = true;
    let running = tokio::spawn(ea.run());
    world.until(is_up).await;
    world.ask(TerminalRequest::Submit(buy(1))).await;
    let cid = Cid::new(1, 1);
    assert!(matches!(world.answer(cid).await, Outcome::Unknown { .. }));
    world
        .until(|event| matches!(event, TerminalEvent::Down { .. }))
        .await;
    running.await.unwrap();

    let again = Ea::connect(&text, false, world.broker.clone()).await;
    let _running = tokio::spawn(again.run());
    world.until(is_up).await;
    world.until(is_book).await;
    world
        .ask(TerminalRequest::Find {
            cid,
            since: None,
            twice: crate::market::Twice::Opens,
            ordered: None,
        })
        .await;
    let found = world
        .until(|event| matches!(event, TerminalEvent::Found { .. }))
        .await;
    assert!(
        matches!(
            &found,
            TerminalEvent::Found {
                found: Found::Executed(_),
                ..
            }
        ),
        "{found:?}"
    );
    assert_eq!(world.broker.orders(), 1);
}

#[tokio::test]
async fn a_peer_that_sends_endless_bytes_is_dropped() {
    let mut world = World::new();
    let text = world.text().await;
    let mut ea = Ea::connect(&text, false, world.broker.clone()).await;
    ea.send_raw(&vec![b'A'; 70_000]).await;
    assert_eq!(ea.run().await, None);
}

#[tokio::test]
async fn silence_ends_the_link() {
    let mut world = World::with(|options| {
        options.limits = Limits {
            dead: Duration::from_millis(300),
            ..Limits::default()
        };
    });
    let text = world.text().await;
    let mut ea = Ea::connect(&text, false, world.broker.clone()).await;
    ea.falls_silent = true;
    let _running = tokio::spawn(ea.run());
    world.until(is_up).await;
    world
        .until(|event| matches!(event, TerminalEvent::Down { reason } if reason.contains("silent")))
        .await;
}

#[tokio::test]
async fn a_taken_port_is_said_with_its_number() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut world = World::with(|options| {
        options.pipe = false;
        options.tcp = Some(port);
    });
    let down = world
        .until(|event| matches!(event, TerminalEvent::Down { .. }))
        .await;
    assert!(
        matches!(&down, TerminalEvent::Down { reason } if reason.contains(&port.to_string())),
        "{down:?}"
    );
}

/// Another copy wrote its own over it, and took that back at its end.
#[tokio::test]
async fn a_link_file_that_is_gone_is_written_again() {
    let mut world = World::new();
    world.text().await;
    let path = world.folder.path().join("Files/FX-Executor/link.txt");
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let back = async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, back).await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
}

/// Another copy wrote its own over it and was killed: nothing answers where the file points to.
#[tokio::test]
async fn a_link_file_of_a_run_that_is_gone_is_written_again() {
    for pipe in ["gone", ""] {
        let mut world = World::new();
        world.text().await;
        let path = world.folder.path().join("Files/FX-Executor/link.txt");
        let own = std::fs::read_to_string(&path).unwrap();
        // Bound and not listening: nobody else can take it meanwhile, and it refuses.
        let taken = tokio::net::TcpSocket::new_v4().unwrap();
        taken.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = taken.local_addr().unwrap().port();
        let other = format!(
            "proto=1\npipe={pipe}\nport={port}\nsecret={}\n",
            "cd".repeat(32)
        );
        std::fs::write(&path, other).unwrap();
        let back = async {
            while std::fs::read_to_string(&path).unwrap_or_default() != own {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, back).await.unwrap();
    }
}

/// As long as the other run serves, the file is its own.
#[tokio::test]
async fn a_link_file_of_a_run_that_serves_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let files = folder.path().join("Files");
    let end = CancellationToken::new();
    let _first = spawn(MetaTraderOptions::new(files.clone()), end.clone());
    let path = files.join("FX-Executor/link.txt");
    let appears = async {
        while !path.exists() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, appears).await.unwrap();
    let first = std::fs::read_to_string(&path).unwrap();
    let _second = spawn(MetaTraderOptions::new(files), end.clone());
    tokio::time::sleep(Duration::from_secs(7)).await;
    let second = std::fs::read_to_string(&path).unwrap();
    assert_ne!(first, second);
    end.cancel();
}

/// Strangers who connect and say nothing do not keep the Expert Advisor out.
#[tokio::test]
async fn idle_connections_leave_room_for_the_expert_advisor() {
    let mut world = World::new();
    let text = world.text().await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(
            tokio::net::TcpStream::connect(("127.0.0.1", text.port))
                .await
                .unwrap(),
        );
    }
    let ea = Ea::connect(&text, false, world.broker.clone()).await;
    let _running = tokio::spawn(ea.run());
    world.until(is_up).await;
}

#[tokio::test]
async fn each_start_has_its_own_secret_and_pipe() {
    let mut first = World::new();
    let one = first.text().await;
    let mut second = World::new();
    let two = second.text().await;
    assert_ne!(one.secret, two.secret);
    assert_ne!(one.pipe, two.pipe);
    assert_eq!(one.secret.len(), 64);
}
