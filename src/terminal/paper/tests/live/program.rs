//! The running program in a time that is made up: the core and the paper terminal's own desk, stepped together over the
//! practice market. What it decided and dealt is written down, and the bars that it saw.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::stepped::Stepped;
use crate::core::snapshot::{Counts, Source};
use crate::core::{
    Config, Decided, Delivery, Durable, Effect, Event, Now, ReportOutcome, State, step,
};
use crate::market::{
    Bar, Book, Deal, IntentAction, Outcome, Position, Side, TerminalEvent, TerminalRequest, Ticket,
    Timeframe,
};
use crate::terminal::market::Market;

const OWNER: &str = "user-owner";
/// Longer than any pause that the program makes between two changes of a position.
const PAUSE: Duration = Duration::from_secs(2);

/// When, inside a bar, the program sees a price while a position is open.
#[derive(Clone, Debug)]
pub enum Looks {
    /// At the turning points of a bar that is walked straight, where one of these profits in price is first reached, and at
    /// the price after each change.
    AtTurns { profits: Vec<Decimal> },
    /// At the first price after each such pause.
    Every(Duration),
    /// Not before the bar has closed: stops and targets stand at the terminal.
    AtCloses,
}

pub struct Setup<'a> {
    pub rules: &'a Value,
    pub symbol: &'a str,
    pub timeframe: Timeframe,
    pub market: Market,
    pub looks: Looks,
    pub start: Timestamp,
    pub bars: usize,
    pub balance: Decimal,
}

/// A deal of the live program with what led to it.
#[derive(Clone, Debug)]
pub struct Dealt {
    pub deal: Deal,
    /// The position as it was just before; `None` for an entry.
    pub position: Option<Position>,
    /// Why the program asked for it, when it did.
    pub why: String,
}

/// Everything that a run leaves behind.
#[derive(Debug, Default)]
pub struct Log {
    /// Histories as they were told before the first decision.
    pub histories: BTreeMap<Timeframe, Vec<Bar>>,
    /// Bars as they closed.
    pub closed: Vec<(Timeframe, Bar)>,
    /// Points between bid and ask at the opening of a bar that was reached.
    pub spreads: BTreeMap<Timestamp, u32>,
    pub decided: Vec<Arc<Decided>>,
    pub dealt: Vec<Dealt>,
    /// The levels that positions were opened with, by client id.
    pub levels: BTreeMap<u64, (Option<Decimal>, Option<Decimal>)>,
    /// Orders that the terminal refused.
    pub refused: Vec<(Timestamp, String)>,
}

struct Program<'a> {
    setup: &'a Setup<'a>,
    state: State,
    desk: Stepped,
    now: Now,
    book: Book,
    log: Log,
    requests: Vec<TerminalRequest>,
    /// By client id.
    whys: BTreeMap<u64, String>,
    said: String,
    /// An order was sent since this was last looked at.
    acted: bool,
}

/// Runs a strategy live from `start` on, over so many bars in which the market trades.
pub fn run(setup: &Setup<'_>) -> Log {
    let now = Now {
        mono: Duration::ZERO,
        utc: setup.start,
    };
    let config = Config::default();
    let mut program = Program {
        state: State::new(
            Durable::default(),
            config,
            Vec::new(),
            Counts::default(),
            now,
        ),
        desk: Stepped::new(setup.market.clone(), setup.start, setup.balance),
        setup,
        now,
        book: Book::default(),
        log: Log::default(),
        requests: Vec::new(),
        whys: BTreeMap::new(),
        said: String::new(),
        acted: false,
    };
    program.begin();
    let length = setup.timeframe.seconds();
    let mut opens = setup.start.as_second();
    let mut left = setup.bars;
    while left > 0 {
        let trades = is_open(setup, opens);
        if trades || is_open(setup, opens - 1) {
            program.turn(opens * 1_000);
        }
        if trades {
            program.inside(opens * 1_000, (opens + length) * 1_000);
            left -= 1;
        }
        opens += length;
    }
    program.turn(opens * 1_000);
    program.log
}

fn is_open(setup: &Setup<'_>, second: i64) -> bool {
    let at = Timestamp::from_second(second).unwrap();
    setup.market.is_open(setup.symbol, at)
}

impl Program<'_> {
    fn begin(&mut self) {
        self.happens(Event::Started);
        self.happens(Event::Identified {
            executor_id: "executor".to_owned(),
            executor_name: None,
            platform_url: "https://platform.example".to_owned(),
            overrides: Vec::new(),
        });
        self.happens(Event::OwnerLearned {
            user_id: OWNER.to_owned(),
        });
        self.turn(self.setup.start.as_millisecond());
        let args = json!({
            "strategyId": "s", "strategyName": "s", "symbol": self.setup.symbol, "timeframe": self.setup.timeframe,
            "rules": self.setup.rules, "enabled": true, "options": {}, "settings": {},
        });
        let until = self.now.utc + SignedDuration::from_secs(300);
        let envelope = json!({
            "id": "start", "command": "START_STRATEGY", "type": "START_STRATEGY", "priority": "HIGH",
            "executorId": "executor", "parameters": args, "payload": args,
            "metadata": { "source": "web_platform", "userId": OWNER, "assignmentId": "assignment" },
            "createdAt": self.now.utc, "timestamp": self.now.utc, "expiresAt": until,
        });
        self.happens(Event::Delivered(Delivery {
            source: Source::Pusher,
            raw: envelope.to_string(),
        }));
        self.settle(self.setup.start.as_millisecond());
    }

    /// The terminal and then the program at this moment of the market, until neither has anything more to say.
    fn turn(&mut self, market_ms: i64) {
        self.now.mono += PAUSE;
        self.now.utc = Timestamp::from_millisecond(market_ms).unwrap();
        // So far on at once looks as if the program had stood still; it takes a moment to trust what it is told.
        self.happens(Event::Tick);
        self.now.mono += 2 * PAUSE;
        let events = self.desk.turn(market_ms, self.now.mono, Vec::new());
        self.told(events);
        self.happens(Event::Tick);
        self.settle(market_ms);
    }

    fn settle(&mut self, market_ms: i64) {
        for _ in 0..20 {
            if self.requests.is_empty() {
                return;
            }
            let requests = std::mem::take(&mut self.requests);
            let events = self.desk.turn(market_ms, self.now.mono, requests);
            self.told(events);
        }
        panic!("program and terminal never come to rest");
    }

    /// What happens inside a bar.
    fn inside(&mut self, from_ms: i64, until_ms: i64) {
        let symbol = self.setup.symbol;
        let first = self.setup.market.ticks(symbol, from_ms - 1, from_ms);
        if let Some(first) = first.first() {
            let spec = self.setup.market.spec(symbol).unwrap();
            let points = ((first.ask - first.bid) / spec.point).try_into().unwrap();
            let time = Timestamp::from_millisecond(from_ms).unwrap();
            self.log.spreads.insert(time, points);
        }
        if self.book.positions.is_empty() || matches!(self.setup.looks, Looks::AtCloses) {
            return;
        }
        let ticks = self.setup.market.ticks(symbol, from_ms, until_ms - 1);
        let mut looks: BTreeSet<i64> = BTreeSet::new();
        match &self.setup.looks {
            Looks::AtCloses => {}
            Looks::Every(pause) => {
                let pause_ms = i64::try_from(pause.as_millis()).unwrap();
                let mut next = from_ms;
                for tick in &ticks {
                    if tick.at_ms >= next + pause_ms {
                        looks.insert(tick.at_ms);
                        next = tick.at_ms;
                    }
                }
            }
            Looks::AtTurns { profits } => {
                let length = until_ms - from_ms;
                looks.extend([length / 3, 2 * length / 3, length - 1_000].map(|at| from_ms + at));
                for position in &self.book.positions {
                    for wanted in profits {
                        looks.extend(
                            ticks
                                .iter()
                                .find(|tick| match position.side {
                                    Side::Buy => tick.bid - position.open_price >= *wanted,
                                    Side::Sell => position.open_price - tick.ask >= *wanted,
                                })
                                .map(|tick| tick.at_ms),
                        );
                    }
                }
            }
        }
        while let Some(at_ms) = looks.pop_first() {
            self.acted = false;
            self.turn(at_ms);
            if self.book.positions.is_empty() {
                return;
            }
            if self.acted && matches!(self.setup.looks, Looks::AtTurns { .. }) {
                let next = ticks.iter().find(|tick| tick.at_ms > at_ms);
                looks.extend(next.map(|tick| tick.at_ms));
            }
        }
    }

    fn told(&mut self, events: Vec<TerminalEvent>) {
        for event in events {
            self.note(&event);
            self.happens(Event::Terminal(event));
        }
    }

    /// One event and everything that the platform answers to it at once.
    fn happens(&mut self, event: Event) {
        let mut queue = VecDeque::from([event]);
        while let Some(event) = queue.pop_front() {
            let done = step(&mut self.state, event, self.now);
            for effect in done.effects {
                match effect {
                    Effect::Report { id, .. } => queue.push_back(accepted(id, false)),
                    Effect::ReportInterim { id, .. } => queue.push_back(accepted(id, true)),
                    Effect::Decided(decided) => {
                        // The outcome of an order takes the place of the order.
                        let all = &mut self.log.decided;
                        match all.iter_mut().find(|one| one.bar == decided.bar) {
                            Some(before) => *before = decided,
                            None => all.push(decided),
                        }
                    }
                    Effect::Log { text, .. } => self.said = text,
                    Effect::Terminal(request) => self.asked(request),
                    Effect::FetchAnswer { .. } | Effect::Beat(_) | Effect::RestartLoops => {}
                }
            }
        }
    }

    fn asked(&mut self, request: TerminalRequest) {
        if let TerminalRequest::Submit(intent) = &request {
            self.acted = true;
            match &intent.action {
                IntentAction::Open {
                    stop_loss,
                    take_profit,
                    ..
                } => {
                    let levels = (*stop_loss, *take_profit);
                    self.log.levels.insert(intent.cid.0, levels);
                }
                IntentAction::Close { ticket, .. } => {
                    let why = self.said.strip_prefix(&format!("Position {ticket}: "));
                    self.whys.insert(intent.cid.0, why.unwrap().to_owned());
                }
                IntentAction::Modify { .. } | IntentAction::Cancel { .. } => {}
            }
        }
        self.requests.push(request);
    }

    fn note(&mut self, event: &TerminalEvent) {
        match event {
            TerminalEvent::Bars {
                timeframe, bars, ..
            } => {
                assert!(self.log.decided.is_empty(), "a history in the middle");
                self.log.histories.insert(*timeframe, bars.clone());
            }
            TerminalEvent::BarClosed { timeframe, bar, .. } => {
                self.log.closed.push((*timeframe, *bar));
            }
            TerminalEvent::Book(book) => self.book = book.clone(),
            TerminalEvent::Deal(deal) => {
                let held = |ticket: Ticket| {
                    let mut positions = self.book.positions.iter();
                    positions.find(|held| held.ticket == ticket).cloned()
                };
                self.log.dealt.push(Dealt {
                    deal: deal.clone(),
                    position: held(deal.position),
                    why: self.whys.get(&deal.magic).cloned().unwrap_or_default(),
                });
            }
            TerminalEvent::Answer {
                outcome: Outcome::Refused(refusal),
                ..
            } => {
                let words = refusal.message.clone();
                self.log.refused.push((self.now.utc, words));
            }
            _ => {}
        }
    }
}

fn accepted(id: String, interim: bool) -> Event {
    Event::ReportAnswered {
        id,
        interim,
        outcome: ReportOutcome::Accepted {
            user_id: Some(OWNER.to_owned()),
            given_at: None,
        },
    }
}
