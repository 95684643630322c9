//! From a command's arrival to the order in the terminal's hands, the journal durable, beside one fsync of the same disk.
//!
//! The moment of the arrival cannot be seen inside the program. So the clock starts when the server writes, and what the
//! same bytes take from a write to a read on a bare socket is taken off again.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use fx_executor::core::Config;
use fx_executor::engine::{self, Connection, Engine, EngineOptions};
use fx_executor::market::{
    Account, Book, Cid, Fill, IntentAction, MarginMode, Outcome, Permissions, Position, Side,
    TerminalEvent, TerminalRequest, Ticket,
};
use fx_executor::practice::{self, PracticeOptions};
use fx_executor::settings;
use fx_executor::terminal::Terminal;
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::measure::{nanos, percentile, since};
use crate::server::{Peer, Server, frame};
use crate::table::{Row, ratio, shown};

const PATIENCE: Duration = Duration::from_secs(10);
/// Reports and heartbeats of one command are over by then.
const SETTLE: Duration = Duration::from_millis(40);

pub async fn row(quick: bool) -> Row {
    let count = if quick { 50 } else { 300 };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let end = CancellationToken::new();
    let world = practice::start(PracticeOptions::default(), end.clone())
        .await
        .unwrap();
    let server = Server::on_loopback();
    let mut file = practice::config_file(&world);
    file["pusherPort"] = server.address.port().into();
    let (terminal, mut orders) = scripted_terminal(count);
    let engine = start(folder.path(), &file.to_string(), terminal);
    let channel = format!("private-executor-{}", world.executor_id);
    let mut peer = server.subscribed().await;
    // The second channel of the engine.
    while !peer.answer().await.unwrap() {}
    sleep(Duration::from_secs(1)).await;
    let mut log = File::create(folder.path().join("fsync")).unwrap();
    let mut bare = BareSocket::open().await;
    let (mut ours, mut syncs, mut hops) = (Vec::new(), Vec::new(), Vec::new());
    for ticket in 1..=count {
        ours.push(order_of(&mut peer, &channel, ticket, &mut orders).await);
        sleep(SETTLE).await;
        syncs.push(one_fsync(&mut log));
        sleep(SETTLE).await;
        hops.push(bare.hop(&event_of(&channel, ticket)).await);
        sleep(SETTLE).await;
    }
    tokio::task::spawn_blocking(move || engine.stop())
        .await
        .unwrap();
    end.cancel();
    let [sent_p50, sync_p50, hop_p50] = [&ours, &syncs, &hops].map(|took| percentile(took, 0.5));
    let ours_p50 = sent_p50.saturating_sub(hop_p50);
    let ratio = ratio(ours_p50, sync_p50);
    Row {
        what: "event arrives → order handed to the terminal, journal durable, p50".to_owned(),
        must_be: "≤ 2 × one fsync".to_owned(),
        ours: format!(
            "{} ({} from the server's write, p99 {}; {} of it on the socket)",
            shown(ours_p50),
            shown(sent_p50),
            shown(percentile(&ours, 0.99)),
            shown(hop_p50),
        ),
        theirs: format!(
            "{} (p99 {})",
            shown(sync_p50),
            shown(percentile(&syncs, 0.99))
        ),
        ratio: format!("{ratio:.2}"),
        holds: ratio <= 2.0,
        how: format!(
            "{count} CLOSE_POSITION commands through the whole running engine: from the server's write, over the socket, the core and the journal (SQLite WAL, synchronous=FULL), to the terminal's channel, less the p50 of the same bytes over a bare loopback socket. Beside it, in turn: append 4 KiB to a file in the same folder and fsync."
        ),
    }
}

fn start(folder: &Path, config: &str, terminal: Terminal) -> Engine {
    let path = folder.join("executor-config.json");
    std::fs::write(&path, config).unwrap();
    let store = settings::secret_store(folder);
    let loaded = settings::load(&path, store.as_ref()).unwrap();
    let connection = Connection {
        settings: loaded.draft.settings().unwrap(),
        data_dir: folder.to_owned(),
    };
    engine::start(EngineOptions {
        data_dir: folder.to_owned(),
        config: Config::default(),
        connection: Some(connection),
        terminal: {
            let terminal = std::sync::Mutex::new(Some(terminal));
            Box::new(move |_, _, _| Ok(terminal.lock().unwrap().take().expect("one terminal")))
        },
        notices: Vec::new(),
        wake: std::sync::Arc::new(|| {}),
    })
    .unwrap()
}

async fn order_of(
    peer: &mut Peer,
    channel: &str,
    ticket: u64,
    orders: &mut mpsc::Receiver<(Ticket, u64)>,
) -> Duration {
    let bytes = event_of(channel, ticket);
    let started = nanos();
    peer.write(&bytes).await;
    let (closed, at) = timeout(PATIENCE, orders.recv())
        .await
        .expect("the order comes")
        .unwrap();
    assert_eq!(closed, Ticket(ticket));
    Duration::from_nanos(at - started)
}

fn event_of(channel: &str, ticket: u64) -> Vec<u8> {
    let data = json!({
        "id": format!("cm{ticket:023}"),
        "command": "CLOSE_POSITION",
        "parameters": {"ticket": ticket},
        "priority": "NORMAL",
        "createdAt": Timestamp::now().to_string(),
    });
    frame(channel, "command-received", &data)
}

/// A connection with nothing behind it but somebody who reads and looks at the clock.
struct BareSocket {
    writer: TcpStream,
    read: mpsc::Receiver<(usize, u64)>,
}

impl BareSocket {
    async fn open() -> Self {
        let server = Server::on_loopback();
        let (writer, reader) = tokio::join!(server.accept(), TcpStream::connect(server.address));
        let mut reader = reader.unwrap();
        let (told, read) = mpsc::channel(8);
        tokio::spawn(async move {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes).await {
                told.send((count, nanos())).await.unwrap();
            }
        });
        Self { writer, read }
    }

    async fn hop(&mut self, bytes: &[u8]) -> Duration {
        let started = nanos();
        self.writer.write_all(bytes).await.unwrap();
        let (mut arrived, mut at) = (0, started);
        while arrived < bytes.len() {
            let read = timeout(PATIENCE, self.read.recv());
            let (count, when) = read.await.expect("the bytes come").unwrap();
            arrived += count;
            at = when;
        }
        Duration::from_nanos(at - started)
    }
}

fn one_fsync(file: &mut File) -> Duration {
    let started = nanos();
    file.write_all(&[0x5A; 4096]).unwrap();
    file.sync_all().unwrap();
    since(started)
}

/// Holds positions 1 to `count`; closes what it is told to, and says what it was told and when.
fn scripted_terminal(count: u64) -> (Terminal, mpsc::Receiver<(Ticket, u64)>) {
    let (requests, mut asked) = mpsc::channel(64);
    let (say, events) = mpsc::channel(64);
    let (told, orders) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut book = Book {
            revision: 1,
            positions: (1..=count).map(position).collect(),
            ..Book::default()
        };
        let up = TerminalEvent::Up {
            account: account(),
            permissions: Permissions::ALL,
            symbols: Vec::new(),
        };
        let mut answers = vec![up, TerminalEvent::Book(book.clone())];
        let mut pulse = interval(Duration::from_millis(500));
        loop {
            for answer in answers.drain(..) {
                if say.send(answer).await.is_err() {
                    return;
                }
            }
            tokio::select! {
                request = asked.recv() => match request {
                    Some(TerminalRequest::Submit(intent)) => {
                        let at = nanos();
                        let IntentAction::Close { ticket, .. } = intent.action else {
                            continue;
                        };
                        told.send((ticket, at)).await.unwrap();
                        book.revision += 1;
                        book.positions.retain(|position| position.ticket != ticket);
                        answers.push(TerminalEvent::Answer { cid: intent.cid, outcome: Outcome::Done(fill(ticket)) });
                        answers.push(TerminalEvent::Book(book.clone()));
                    }
                    Some(TerminalRequest::SendBook) => answers.push(TerminalEvent::Book(book.clone())),
                    Some(_) => {}
                    None => return,
                },
                _ = pulse.tick() => answers.push(TerminalEvent::Alive {
                    account: account(),
                    permissions: Permissions::ALL,
                    market_time: Timestamp::now(),
                    latency_ms: 1,
                }),
            }
        }
    });
    (Terminal { requests, events }, orders)
}

fn account() -> Account {
    Account {
        login: 1,
        server: "Numbers".to_owned(),
        company: "Numbers".to_owned(),
        currency: "USD".to_owned(),
        demo: true,
        margin_mode: MarginMode::Hedging,
        balance: Decimal::from(10_000),
        equity: Decimal::from(10_000),
        margin: Decimal::ZERO,
        margin_free: Decimal::from(10_000),
    }
}

fn position(ticket: u64) -> Position {
    Position {
        ticket: Ticket(ticket),
        symbol: "EURUSD".to_owned(),
        side: Side::Buy,
        volume: Decimal::new(1, 2),
        open_price: Decimal::new(11, 1),
        stop_loss: None,
        take_profit: None,
        price: Decimal::ZERO,
        profit: Decimal::ZERO,
        // Far above any counter of this run.
        magic: Cid::new(0, 0xFF_0000_0000 + ticket).0,
        comment: String::new(),
        opened_at: Timestamp::now(),
    }
}

fn fill(ticket: Ticket) -> Fill {
    Fill {
        ticket,
        deal: None,
        volume: Decimal::new(1, 2),
        price: Decimal::new(11, 1),
        profit: Decimal::ZERO,
    }
}
