//! The one Expert Advisor that is served: its lines in order, its signs of life, and who takes which line.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::book::{DealsAsked, SnapshotAsked};
use super::finding::{FindAsked, Wanted};
use super::opening::Stage;
use super::orders::Flight;
use super::selftest::Test;
use super::series::SeriesDesk;
use super::{Context, End, Output, PeerId, words};
use crate::market::{Book, Cid, Quote, SymbolSpec, TerminalRequest};
use crate::terminal::metatrader::line::Line;
use crate::terminal::metatrader::message::{
    AccountLine, Body, EndLine, FlagsLine, Hello, MessageError, Received, TimeLine,
};
use crate::terminal::metatrader::request;

/// HELLO and AUTH were the first lines of the connection.
const FIRST_SEQUENCE: u64 = 3;
/// What could not be listed is asked for again after so long.
const FAILED_PAUSE: Duration = Duration::from_secs(1);

/// A guest that has proven the secret.
pub struct Welcome {
    pub link: &'static str,
    pub hello: Hello,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub enum Asked {
    Symbols {
        specs: Vec<SymbolSpec>,
        /// Why lines were left out.
        odd: Vec<String>,
    },
    Snapshot(SnapshotAsked),
    Deals(DealsAsked),
    Rates,
    Subscription {
        symbol: String,
    },
    Find(FindAsked),
    /// A CHECK before its order, or the order itself.
    Order {
        cid: Cid,
        check: bool,
    },
    Ping {
        at: Duration,
    },
    TestCheck,
    TestFind,
    TestPing {
        at: Duration,
    },
}

#[derive(Debug)]
pub struct Active {
    pub peer: PeerId,
    pub(super) hello: Hello,
    pub(super) link: &'static str,
    /// `login@server`.
    pub(super) account_name: String,
    next_id: u64,
    next_sequence: u64,
    pub(super) heard: Duration,
    pub(super) spoke: Duration,
    pub(super) beats: u64,
    pub(super) beat_seen: u64,
    pub(super) busy: Option<(Cid, Duration)>,
    /// The EA's journal could not be written at the last order.
    pub(super) unwritten: bool,
    pub(super) flags: FlagsLine,
    pub(super) flags_told: bool,
    pub(super) money: Option<AccountLine>,
    pub(super) time: Option<(TimeLine, Duration)>,
    pub(super) damages: Vec<Duration>,
    pub(super) stage: Stage,
    pub(super) stage_since: Duration,
    pub(super) asked: BTreeMap<u64, (Asked, Duration)>,
    pub(super) symbols: BTreeMap<String, SymbolSpec>,
    pub(super) book: Option<Book>,
    /// When the snapshot behind `book` was asked for.
    pub(super) book_asked: Duration,
    /// A snapshot is wanted: by a hint (it may wait a little) or at once.
    pub(super) hinted: bool,
    /// Since when a list of positions is asked for and none came.
    pub(super) unlisted: Option<Duration>,
    pub(super) hint_served: Duration,
    /// When the book was last read again without any hint.
    pub(super) reread: Duration,
    /// The broker came back at this moment, and no snapshot from after it has come.
    pub(super) regained: Option<Duration>,
    /// Lines were lost and the snapshot that mends it has not come.
    pub(super) mending: bool,
    pub(super) series: SeriesDesk,
    pub(super) quotes: BTreeMap<String, (Quote, Duration)>,
    pub(super) flights: BTreeMap<Cid, Flight>,
    pub(super) latency: Duration,
    pub(super) alive: Duration,
    pub(super) pinged: Option<Duration>,
    /// Orders that wait for their search.
    pub(super) searches: VecDeque<Wanted>,
    pub(super) test: Option<Test>,
}

impl Active {
    pub fn new(peer: PeerId, welcome: Welcome, c: &mut Context<'_>) -> Self {
        let hello = welcome.hello;
        c.memory.looks.clear();
        c.log(
            false,
            format!(
                "Expert Advisor {} connected by {} (terminal build {}, account {}).",
                hello.ea,
                welcome.link,
                hello.build,
                hello.account().masked()
            ),
        );
        Self {
            peer,
            link: welcome.link,
            account_name: format!("{}@{}", hello.login, hello.server),
            next_id: 1,
            next_sequence: FIRST_SEQUENCE,
            heard: c.now.mono,
            spoke: c.now.mono,
            beats: 0,
            beat_seen: 0,
            busy: None,
            unwritten: false,
            flags: hello.flags,
            flags_told: false,
            money: None,
            time: None,
            damages: Vec::new(),
            stage: Stage::Facts,
            stage_since: c.now.mono,
            asked: BTreeMap::new(),
            symbols: BTreeMap::new(),
            book: None,
            book_asked: Duration::ZERO,
            reread: c.now.mono,
            regained: None,
            hinted: false,
            unlisted: None,
            hint_served: Duration::ZERO,
            mending: false,
            series: SeriesDesk::default(),
            quotes: BTreeMap::new(),
            flights: BTreeMap::new(),
            latency: Duration::ZERO,
            alive: c.now.mono,
            pinged: None,
            searches: VecDeque::new(),
            test: None,
            hello,
        }
    }

    pub fn is_up(&self) -> bool {
        self.stage == Stage::Up
    }

    pub fn line(&mut self, bytes: &[u8], c: &mut Context<'_>) -> Result<(), End> {
        self.heard = c.now.mono;
        if self.busy.take().is_some() && self.is_up() {
            self.tell_facts(c);
        }
        let line = match Line::parse(bytes) {
            Ok(line) => line,
            Err(error) => {
                // The missing number shows as a gap too; once is enough.
                self.next_sequence += 1;
                self.send(request::error(None, &error.to_string()), c);
                return self.damaged(&error.to_string(), c);
            }
        };
        let received = Received::read(&line);
        let Some(sequence) = received.sequence else {
            self.next_sequence += 1;
            self.send(request::error(received.id, "no q"), c);
            return self.damaged("a line without its number", c);
        };
        if sequence < self.next_sequence {
            c.log(true, format!("Line {sequence} came twice; it is ignored."));
            return Ok(());
        }
        let lost = sequence - self.next_sequence;
        self.next_sequence = sequence + 1;
        if lost > 0 {
            self.damaged(&format!("{lost} lines were lost"), c)?;
        }
        match received.body {
            Ok(body) => self.take(received.id, body, c),
            Err(error) => self.unusable(received.id, &error, &received.kind, c),
        }
    }

    fn unusable(
        &mut self,
        id: Option<u64>,
        error: &MessageError,
        kind: &str,
        c: &mut Context<'_>,
    ) -> Result<(), End> {
        let text = error.to_string();
        // One odd symbol of a broker must not keep all others away; it cannot be traded.
        if kind == "SYM" {
            if let Some((Asked::Symbols { odd, .. }, _)) = id.and_then(|id| self.asked.get_mut(&id))
            {
                odd.push(text);
            }
            return Ok(());
        }
        self.send(request::error(id, &text), c);
        if matches!(error, MessageError::UnknownType { .. }) {
            return Ok(());
        }
        self.damaged(&text, c)
    }

    fn take(&mut self, id: Option<u64>, body: Body, c: &mut Context<'_>) -> Result<(), End> {
        match body {
            Body::Hello(_) | Body::Auth { .. } => {
                return Err(End::new(Some("proto"), words::damaged("it greeted twice")));
            }
            Body::Bye { reason } => return Err(End::new(None, words::goodbye(&reason))),
            Body::Heartbeat { n } => self.beat_seen = n,
            Body::Pong => self.ponged(id, c),
            Body::Busy { cid } => {
                self.busy = Some((Cid(cid), c.now.mono));
                c.memory.surely_sent(Cid(cid));
                if self.is_up() {
                    self.tell_facts(c);
                }
            }
            Body::Time(time) => self.clock(time, c),
            Body::Flags(flags) => self.switches(flags, c)?,
            Body::Account(money) => {
                self.snapshot_begins(id);
                self.money = Some(money);
                self.opening_told(c);
            }
            Body::Log { level, text } => {
                let warning = matches!(level.as_str(), "warn" | "warning" | "error");
                c.log(warning, format!("Expert Advisor: {text}"));
            }
            Body::Error { code, text } => self.request_failed(id, code, &text, c)?,
            Body::Symbol(symbol) => {
                if let Some((Asked::Symbols { specs, .. }, _)) =
                    id.and_then(|id| self.asked.get_mut(&id))
                {
                    specs.push(symbol.spec);
                }
            }
            Body::Rate(bar) => self.rate(id, bar),
            Body::Bar(bar) => self.bar(&bar, c),
            Body::Tick(tick) => self.ticked(&tick, c),
            Body::Position(position) => self.position_listed(id, *position),
            Body::Order(order) => self.order_listed(id, *order),
            Body::Deal(deal) => self.deal_listed(id, *deal),
            Body::Transaction => self.hint(c),
            Body::Found(found) => self.found(id, &found, c),
            Body::Result(result) => self.result(id, &result, c),
            Body::End(end) => self.request_ended(id, end, c)?,
        }
        Ok(())
    }

    fn request_ended(
        &mut self,
        id: Option<u64>,
        end: EndLine,
        c: &mut Context<'_>,
    ) -> Result<(), End> {
        let Some(id) = id else { return Ok(()) };
        match self.asked.remove(&id) {
            Some((Asked::Symbols { specs, odd }, _)) => {
                self.symbols_told(specs, &odd, end, c)?;
            }
            Some((Asked::Snapshot(asked), _)) => self.snapshot_told(&asked, end, c)?,
            Some((Asked::Deals(asked), _)) => self.deals_told(asked, end, c)?,
            Some((Asked::Rates, _)) => self.rates_told(id, end, c),
            _ => {}
        }
        Ok(())
    }

    fn request_failed(
        &mut self,
        id: Option<u64>,
        code: i32,
        text: &str,
        c: &mut Context<'_>,
    ) -> Result<(), End> {
        let Some((asked, _)) = id.and_then(|id| self.asked.remove(&id)) else {
            c.log(
                true,
                format!("The Expert Advisor could not use a line: {text} ({code})."),
            );
            return Ok(());
        };
        match asked {
            Asked::Order { cid, check } => self.order_failed(cid, check, code, text, c),
            Asked::Find(asked) => self.find_failed(&asked, text, c),
            Asked::Rates => self.rates_failed(id.unwrap_or_default(), code, text, c),
            Asked::Subscription { symbol } => {
                c.log(
                    true,
                    format!("{symbol} cannot be watched: {text} ({code})."),
                );
            }
            Asked::TestCheck => self.test_checked(Err(text.to_owned()), c),
            Asked::TestFind => self.test_found(Err(text.to_owned()), c),
            Asked::TestPing { .. } | Asked::Ping { .. } => {}
            Asked::Symbols { .. } | Asked::Snapshot(_) | Asked::Deals(_) => {
                c.log(
                    true,
                    format!("The Expert Advisor cannot list: {text} ({code})."),
                );
                if self.is_up() {
                    self.hinted = true;
                    self.hint_served = c.now.mono + FAILED_PAUSE;
                }
            }
        }
        Ok(())
    }

    pub fn request(&mut self, request: TerminalRequest, c: &mut Context<'_>) {
        match request {
            TerminalRequest::Watch {
                symbol,
                timeframe,
                history,
            } => self.watch(&symbol, timeframe, history, c),
            TerminalRequest::Unwatch { symbol, timeframe } => self.unwatch(&symbol, timeframe, c),
            TerminalRequest::Submit(intent) => self.submit(intent, c),
            TerminalRequest::Find {
                cid,
                since,
                twice,
                ordered,
            } => self.find((cid, since, twice, ordered), c),
            TerminalRequest::Recall { cid } => self.recall(cid, c),
            TerminalRequest::SendBook => self.ask_snapshot(c),
            TerminalRequest::SelfTest => self.begin_test(c),
        }
    }

    /// The link ends: nothing that was on its way is said to have happened, or not to have.
    pub fn ended(&mut self, end: &End, c: &mut Context<'_>) {
        c.memory.looks.clear();
        self.lose_flights(&end.reason, c);
        self.give_up_finds(&end.reason, c);
        self.give_up_test(&end.reason, c);
        c.close(self.peer, end.bye);
    }

    pub(super) fn ask(&mut self, asked: Asked, c: &Context<'_>) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.asked.insert(id, (asked, c.now.mono));
        id
    }

    pub(super) fn send(&mut self, line: String, c: &mut Context<'_>) {
        self.spoke = c.now.mono;
        c.out.push(Output::Send {
            peer: self.peer,
            line,
        });
    }
}
