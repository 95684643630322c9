//! The session as a trader meets it: what is said to the EA and to the core, line by line.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod greeting;
mod living;
mod looking;
mod ordering;
mod storm;

use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Input, Limits, Link, Moment, Output, PeerId, Setup};
use crate::market::{
    Cid, Found, IntentAction, OrderIntent, Outcome, Side, TerminalEvent, TerminalRequest, Ticket,
};
use crate::terminal::metatrader::handshake::LinkSecret;
use crate::terminal::metatrader::line::Line;
use crate::terminal::metatrader::presend::MarginReserve;

pub const EA_NONCE: &str = "eaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaea";

/// The broker's clock is two hours ahead; it began at 2026-11-24 14:00 there.
pub const BROKER_START_MS: i64 = 1_795_528_800_000;

pub fn secret() -> LinkSecret {
    LinkSecret::of([7; 32])
}

/// One link with a scripted EA at it.
pub struct World {
    pub link: Link,
    pub now: Duration,
    pub outputs: Vec<Output>,
    /// The EA's own count of its lines.
    pub q: u64,
    pub peer: PeerId,
    peers: u64,
}

impl World {
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    pub fn with(limits: Limits) -> Self {
        Self {
            link: Link::new(Setup {
                secret: secret(),
                limits,
                margin_reserve: MarginReserve { percent: 10 },
                deals_since: None,
            }),
            now: Duration::from_secs(1),
            outputs: Vec::new(),
            q: 0,
            peer: PeerId(0),
            peers: 0,
        }
    }

    pub fn step(&mut self, input: Input) {
        let now = Moment {
            mono: self.now,
            utc: utc(self.now),
        };
        self.outputs.extend(self.link.step(input, now));
    }

    pub fn request(&mut self, request: TerminalRequest) {
        self.step(Input::Request(request));
    }

    /// Time passes in ticks of 50 ms, without a word of the EA.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now += Duration::from_millis(50);
            self.step(Input::Tick);
        }
    }

    /// Time passes and the EA lives: a heartbeat each second.
    pub fn live(&mut self, seconds: u64) {
        for n in 0..seconds {
            self.pass(Duration::from_secs(1));
            self.say("HB", &format!("n={n} ack=0"));
        }
    }

    pub fn connect(&mut self) {
        self.peers += 1;
        self.peer = PeerId(self.peers);
        self.q = 0;
        self.step(Input::Connected {
            peer: self.peer,
            link: "tcp",
            nonce: [0x0e; 32],
        });
    }

    /// A line of the EA; blanks stand for tabs, `~` for a blank.
    pub fn say(&mut self, kind: &str, fields: &str) {
        self.q += 1;
        self.say_numbered(self.q, kind, fields);
    }

    pub fn say_numbered(&mut self, q: u64, kind: &str, fields: &str) {
        let mut line = format!("{kind}\tq={q}\tt={}", self.now.as_micros());
        for field in fields.split(' ').filter(|field| !field.is_empty()) {
            line.push('\t');
            line.push_str(&field.replace('~', " "));
        }
        let bytes = line.into_bytes();
        self.step(Input::Line {
            peer: self.peer,
            bytes,
        });
    }

    pub fn hello(&mut self, change: &str) {
        self.say("HELLO", &hello(change));
    }

    pub fn prove(&mut self) {
        let own = hex::encode([0x0e; 32]);
        let mac = secret().ea_mac(EA_NONCE, &own, 5_012_345, "Demo-1");
        self.say("AUTH", &format!("mac={mac}"));
    }

    pub fn facts(&mut self) {
        self.say(
            "ACC",
            "balance=10000.00 equity=10000.00 margin=0 free=10000.00",
        );
        self.flags("");
        self.time(7_200);
    }

    pub fn time(&mut self, offset: i64) {
        let ms = BROKER_START_MS
            + (offset - 7_200) * 1_000
            + i64::try_from(self.now.as_millis()).unwrap();
        self.say("TIME", &format!("server_ms={ms} offset_s={offset}"));
    }

    pub fn flags(&mut self, change: &str) {
        let flags = "connected=1 algo=1 expert=1 account_ok=1 expert_ok=1 dll=0 login=5012345";
        self.say("FLAGS", &replaced(flags, change));
    }

    /// The id of the newest request of this kind.
    pub fn id(&self, kind: &str) -> String {
        self.field(kind, "id")
    }

    pub fn field(&self, kind: &str, key: &str) -> String {
        self.sent()
            .iter()
            .rev()
            .find(|line| line.kind() == kind)
            .unwrap_or_else(|| panic!("no {kind} was sent:\n{}", self.transcript()))
            .get(key)
            .unwrap()
            .to_owned()
    }

    pub fn sent(&self) -> Vec<Line> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::Send { line, .. } => {
                    Some(Line::parse(line.trim_end_matches('\n').as_bytes()).unwrap())
                }
                _ => None,
            })
            .collect()
    }

    pub fn count(&self, kind: &str) -> usize {
        self.sent()
            .iter()
            .filter(|line| line.kind() == kind)
            .count()
    }

    pub fn symbols(&mut self) {
        let id = self.id("SYMS");
        for name in ["EURUSD", "GBPUSD"] {
            let line = symbol(name, "");
            self.say("SYM", &format!("id={id} {line}"));
        }
        self.say("END", &format!("id={id} n=2"));
    }

    pub fn snapshot(&mut self, positions: &[&str], revision: u64) {
        let id = self.id("SNAP");
        for line in positions {
            self.say("POS", &format!("id={id} {line}"));
        }
        let n = positions.len();
        self.say(
            "END",
            &format!("id={id} n={n} npos={n} nord=0 rev={revision}"),
        );
    }

    pub fn deals(&mut self, deals: &[&str]) {
        let id = self.id("HIST");
        for line in deals {
            self.say("DEAL", &format!("id={id} {line}"));
        }
        self.say("END", &format!("id={id} n={}", deals.len()));
    }

    /// A world whose link is up, with nothing said so far.
    pub fn up() -> Self {
        Self::up_with(Limits::default())
    }

    /// A link that does not end because lists do not come.
    pub fn up_without_lists() -> Self {
        Self::up_with(Limits {
            listing: Duration::MAX,
            ..Limits::default()
        })
    }

    fn up_with(limits: Limits) -> Self {
        let mut world = Self::with(limits);
        world.come_up();
        world.outputs.clear();
        world
    }

    pub fn come_up(&mut self) {
        self.step(Input::Listening {
            note: String::new(),
        });
        self.connect();
        self.hello("");
        self.prove();
        self.facts();
        self.symbols();
        self.snapshot(&[], 1);
        self.deals(&[]);
    }

    pub fn events(&self) -> Vec<&TerminalEvent> {
        self.outputs
            .iter()
            .filter_map(|output| match output {
                Output::Emit(event) => Some(event),
                _ => None,
            })
            .collect()
    }

    pub fn answers(&self, cid: Cid) -> Vec<Outcome> {
        self.events()
            .into_iter()
            .filter_map(|event| match event {
                TerminalEvent::Answer {
                    cid: answered,
                    outcome,
                } if *answered == cid => Some(outcome.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn findings(&self) -> Vec<Found> {
        self.events()
            .into_iter()
            .filter_map(|event| match event {
                TerminalEvent::Found { found, .. } => Some(found.clone()),
                _ => None,
            })
            .collect()
    }

    pub fn down(&self) -> Option<String> {
        self.events()
            .into_iter()
            .rev()
            .find_map(|event| match event {
                TerminalEvent::Down { reason } => Some(reason.clone()),
                _ => None,
            })
    }

    /// Everything that came out, to be read.
    pub fn transcript(&self) -> String {
        let mut text = String::new();
        for output in &self.outputs {
            match output {
                Output::Send { peer, line } => {
                    let line = line.trim_end().replace('\t', " ");
                    writeln!(text, "→{} {line}", peer.0).unwrap();
                }
                Output::Close { peer } => writeln!(text, "×{}", peer.0).unwrap(),
                Output::Log { warning, text: log } => {
                    writeln!(text, "{} {log}", if *warning { "!" } else { "·" }).unwrap();
                }
                Output::Emit(event) => writeln!(text, "◆ {}", brief(event)).unwrap(),
            }
        }
        text
    }
}

fn brief(event: &TerminalEvent) -> String {
    match event {
        TerminalEvent::Up {
            account, symbols, ..
        } => format!(
            "Up {}@{} {} {:?} demo={} free={} symbols={}",
            account.login,
            account.server,
            account.currency,
            account.margin_mode,
            account.demo,
            account.margin_free,
            symbols.len()
        ),
        TerminalEvent::Book(book) => format!(
            "Book rev={} positions={:?}",
            book.revision,
            book.positions
                .iter()
                .map(|position| format!(
                    "{} {} {} {} @{} {}",
                    position.ticket,
                    position.side.name(),
                    position.volume,
                    position.symbol,
                    position.open_price,
                    position.opened_at
                ))
                .collect::<Vec<_>>()
        ),
        other => format!("{other:?}"),
    }
}

pub fn utc(mono: Duration) -> Timestamp {
    Timestamp::from_millisecond(BROKER_START_MS - 7_200_000).unwrap() + mono
}

/// `change` holds fields that replace those of the same key.
fn replaced(fields: &str, change: &str) -> String {
    fields
        .split(' ')
        .map(|field| {
            let key = field.split('=').next().unwrap();
            change
                .split(' ')
                .find(|other| other.split('=').next().unwrap() == key)
                .unwrap_or(field)
        })
        .collect::<Vec<_>>()
        .join(" ")
}

pub fn hello(change: &str) -> String {
    let fields = format!(
        "proto=1 ea=0.1.0 build=5200 term=ab12 path=C:\\\\MT5 login=5012345 server=Demo-1 company=Broker~Ltd ccy=USD \
         digits=2 margin=hedging leverage=100 kind=demo nonce={EA_NONCE} role=main link=tcp connected=1 algo=1 expert=1 \
         account_ok=1 expert_ok=1 dll=0"
    );
    let fields = fields.split_whitespace().collect::<Vec<_>>().join(" ");
    replaced(&fields, change)
}

pub fn symbol(name: &str, change: &str) -> String {
    let base = &name[..3];
    let fields = format!(
        "name={name} path=Forex\\\\{name} desc={name} digits=5 point=0.00001 tick_size=0.00001 tick_value=1 \
         tick_value_profit=1 tick_value_loss=1 contract=100000 vmin=0.01 vmax=100 vstep=0.01 vlimit=0 stops=10 freeze=0 \
         exe=market fill=3 orders=127 exp=15 gtc=0 mode=full calc=0 base={base} profit=USD margin={base} swap_long=0 \
         swap_short=0 m1lot=1100 tsess=1:0:1440,2:0:1440,3:0:1440,4:0:1440,5:0:1440 qsess="
    );
    let fields = fields.split_whitespace().collect::<Vec<_>>().join(" ");
    replaced(&fields, change)
}

pub fn position(ticket: u64, change: &str) -> String {
    replaced(
        &format!(
            "ticket={ticket} ident={ticket} sym=EURUSD side=buy vol=0.10 open=1.10010 sl=1.09800 tp=0 price=1.10000 \
             profit=-1.00 swap=-0.20 magic=0 comment= ms={BROKER_START_MS} reason=expert"
        )
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" "),
        change,
    )
}

pub fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub fn cid(counter: u64) -> Cid {
    Cid::new(1, counter)
}

pub fn buy(counter: u64) -> OrderIntent {
    OrderIntent {
        price: None,
        cid: cid(counter),
        action: IntentAction::Open {
            symbol: "EURUSD".to_owned(),
            side: Side::Buy,
            volume: d("0.10"),
            stop_loss: Some(d("1.09800")),
            take_profit: None,
            deviation: 20,
        },
        comment: format!("FX {counter:x}"),
        ttl_ms: 10_000,
        parent: None,
    }
}

pub fn close(counter: u64, ticket: u64) -> OrderIntent {
    OrderIntent {
        price: None,
        cid: cid(counter),
        action: IntentAction::Close {
            ticket: Ticket(ticket),
            volume: None,
        },
        comment: String::new(),
        ttl_ms: 10_000,
        parent: None,
    }
}
