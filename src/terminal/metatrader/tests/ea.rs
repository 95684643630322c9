//! A scripted Expert Advisor: it speaks the contract for one symbol and fills every order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::terminal::metatrader::line::{Line, Splitter};
use crate::terminal::metatrader::peer::Stream;
use crate::terminal::metatrader::session::tests as lines;

/// What `link.txt` says.
#[derive(Clone)]
pub struct LinkText {
    /// The stand-in's path.
    pub pipe: std::path::PathBuf,
    pub port: u16,
    pub secret: String,
}

impl LinkText {
    pub fn read(common_files: &Path) -> Self {
        let text = std::fs::read_to_string(common_files.join("FX-Executor/link.txt")).unwrap();
        let values: BTreeMap<&str, &str> = text
            .lines()
            .map(|line| line.split_once('=').unwrap())
            .collect();
        assert_eq!(values["proto"], "1");
        Self {
            pipe: common_files
                .parent()
                .unwrap()
                .join("pipe")
                .join(values["pipe"]),
            port: values["port"].parse().unwrap(),
            secret: values["secret"].to_owned(),
        }
    }
}

/// What outlives an EA: the positions by client id, and how often OrderSend was called.
#[derive(Clone, Default)]
pub struct Broker(Arc<Mutex<(BTreeMap<u64, u64>, usize)>>);

impl Broker {
    pub fn orders(&self) -> usize {
        self.0.lock().unwrap().1
    }

    fn fill(&self, cid: u64) -> u64 {
        let mut inner = self.0.lock().unwrap();
        inner.1 += 1;
        let ticket = 999 + inner.1 as u64;
        inner.0.insert(cid, ticket);
        ticket
    }

    fn positions(&self) -> BTreeMap<u64, u64> {
        self.0.lock().unwrap().0.clone()
    }
}

pub struct Ea {
    stream: Box<dyn Stream>,
    splitter: Splitter,
    broker: Broker,
    secret: String,
    q: u64,
    pub dies_after_order: bool,
    pub falls_silent: bool,
}

enum After {
    GoOn,
    Die,
}

impl Ea {
    pub async fn connect(text: &LinkText, pipe: bool, broker: Broker) -> Self {
        let stream: Box<dyn Stream> = if pipe {
            #[cfg(unix)]
            {
                Box::new(tokio::net::UnixStream::connect(&text.pipe).await.unwrap())
            }
            #[cfg(not(unix))]
            unreachable!()
        } else {
            Box::new(TcpStream::connect(("127.0.0.1", text.port)).await.unwrap())
        };
        Self {
            stream,
            splitter: Splitter::default(),
            broker,
            secret: text.secret.clone(),
            q: 0,
            dies_after_order: false,
            falls_silent: false,
        }
    }

    pub async fn send_raw(&mut self, bytes: &[u8]) {
        // The other end may drop the connection meanwhile.
        drop(self.stream.write_all(bytes).await);
    }

    async fn say(&mut self, kind: &str, fields: &str) {
        self.q += 1;
        let mut line = format!("{kind}\tq={}\tt={}", self.q, self.q * 10);
        for field in fields.split(' ').filter(|field| !field.is_empty()) {
            line.push('\t');
            line.push_str(&field.replace('~', " "));
        }
        line.push('\n');
        self.send_raw(line.as_bytes()).await;
    }

    async fn next_line(&mut self) -> Option<Line> {
        loop {
            if let Some(line) = self.splitter.next_line() {
                return Some(Line::parse(&line.unwrap()).unwrap());
            }
            let mut buffer = [0; 4_096];
            let reading = timeout(Duration::from_secs(20), self.stream.read(&mut buffer));
            match reading.await.unwrap() {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.splitter.push(&buffer[..count]),
            }
        }
    }

    /// Until the link ends; the reason of the executor's BYE, if it said one.
    pub async fn run(mut self) -> Option<String> {
        if self.q == 0 {
            self.say("HELLO", &lines::hello("")).await;
        }
        loop {
            let line = self.next_line().await?;
            if line.kind() == "BYE" {
                return line.get("reason").map(str::to_owned);
            }
            if matches!(self.answer(&line).await, After::Die) {
                return None;
            }
        }
    }

    async fn answer(&mut self, line: &Line) -> After {
        let get = |key: &str| line.get(key).unwrap_or_default().to_owned();
        let id = get("id");
        match line.kind() {
            "CHAL" => {
                let text = format!("ea|{}|{}|5012345|Demo-1|1", lines::EA_NONCE, get("nonce"));
                let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.as_bytes()).unwrap();
                mac.update(text.as_bytes());
                let mac = hex::encode(mac.finalize().into_bytes());
                self.say("AUTH", &format!("mac={mac}")).await;
            }
            "OK" => self.tell_facts().await,
            "SYMS" => {
                let symbol = lines::symbol("EURUSD", "tsess=");
                self.say("SYM", &format!("id={id} {symbol}")).await;
                self.say("END", &format!("id={id} n=1")).await;
            }
            "SNAP" => {
                let positions = self.broker.positions();
                for (cid, ticket) in &positions {
                    let line = lines::position(*ticket, &format!("magic={cid}"));
                    self.say("POS", &format!("id={id} {line}")).await;
                }
                let n = positions.len();
                self.say("END", &format!("id={id} n={n} npos={n} nord=0 rev={n}"))
                    .await;
            }
            "HIST" => self.say("END", &format!("id={id} n=0")).await,
            "HB" if self.falls_silent => {}
            "PING" if self.falls_silent => {}
            "HB" => self.say("HB", &format!("n=1 ack={}", get("n"))).await,
            "PING" => self.say("PONG", &format!("id={id} x={}", get("x"))).await,
            "CHECK" => {
                let cid = get("cid");
                self.say(
                    "RES",
                    &format!("id={id} cid={cid} ok=1 retcode=0 stage=done free=9000"),
                )
                .await;
            }
            "ORDER" => {
                let cid = get("cid");
                self.say("BUSY", &format!("id={id} cid={cid}")).await;
                let ticket = self.broker.fill(cid.parse().unwrap());
                if self.dies_after_order {
                    return After::Die;
                }
                self.say(
                    "RES",
                    &format!(
                        "id={id} cid={cid} ok=1 retcode=10009 order=1 deal=2 pos={ticket} vol=0.10 price=1.1 profit=0 stage=done"
                    ),
                )
                .await;
                self.say("TXN", "type=deal_add").await;
            }
            "FIND" => {
                let cid = get("cid");
                let found = self.broker.positions().get(&cid.parse().unwrap()).copied();
                let fields = found.map_or_else(
                    || "where=none".to_owned(),
                    |ticket| format!("where=pos ticket={ticket} deal=2 vol=0.10 price=1.1"),
                );
                self.say(
                    "FOUND",
                    &format!("id={id} cid={cid} {fields} from_ms=0 to_ms=9999999999999 sync=1"),
                )
                .await;
            }
            _ => {}
        }
        After::GoOn
    }

    async fn tell_facts(&mut self) {
        self.say("ACC", "balance=10000 equity=10000 margin=0 free=10000")
            .await;
        self.say(
            "FLAGS",
            "connected=1 algo=1 expert=1 account_ok=1 expert_ok=1 dll=0 login=5012345",
        )
        .await;
        let now = jiff::Timestamp::now().as_millisecond() + 7_200_000;
        self.say("TIME", &format!("server_ms={now} offset_s=7200"))
            .await;
    }
}
