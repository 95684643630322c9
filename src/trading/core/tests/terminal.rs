//! A scripted terminal: it fills, refuses, loses answers and stays silent as it is told.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::market::{
    Account, Bar, Book, Cid, Deal, Fill, Found, IntentAction, MarginMode, OrderIntent, Outcome,
    PendingOrder, PendingType, Permissions, Position, Quote, Refusal, RefusalClass, Side,
    SymbolSpec, TerminalEvent, TerminalRequest, Ticket, Timeframe, TradeMode,
};

/// What becomes of one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Fill,
    Refuse(RefusalClass),
    /// Done, and the answer is lost.
    LoseAnswer,
    /// Not done, and nobody says so.
    LoseOrder,
    /// Done, and nothing is said at all.
    FillSilently,
    /// Nothing is done and nothing said.
    Swallow,
    /// Checked, and not sent to the market yet.
    OnlyCheck,
    /// A close of half the volume.
    FillHalf,
    /// An opening without the stop and target that it asked for.
    FillWithoutStop,
}

/// What the terminal says when it is asked for an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    Works,
    NotYet,
    /// It says nothing at all.
    Silent,
}

pub struct Terminal {
    pub is_up: bool,
    pub account: Account,
    /// The broker's name for EURUSD.
    pub symbol: &'static str,
    pub positions: Vec<Position>,
    pub orders: Vec<PendingOrder>,
    /// For the next orders; afterwards everything is filled.
    pub manners: VecDeque<Manner>,
    pub memory: Memory,
    /// The account closes the oldest position first.
    pub oldest_first: bool,
    /// No book is sent while set.
    pub keeps_book: bool,
    /// Tickets that the market shows in place of those of the opening.
    pub renumbered: BTreeMap<Ticket, Ticket>,
    pub checked: BTreeSet<Cid>,
    /// It tells the price that an order is decided at.
    pub prices: bool,
    /// Lists are so many questions old.
    lag: usize,
    listed: Vec<(Vec<Position>, Vec<PendingOrder>)>,
    /// Bars for a watched series.
    pub bars: Vec<Bar>,
    /// Further symbols, with the bars of each of their series.
    pub others: BTreeMap<&'static str, Vec<Bar>>,
    /// Nobody may trade these.
    pub view_only: bool,
    /// Every series asked for, with the bars wanted.
    pub watched: Vec<(String, Timeframe, usize)>,
    pub submitted: Vec<OrderIntent>,
    pub(super) executed: BTreeMap<Cid, Fill>,
    pub(super) next_ticket: u64,
    /// Of the net position, on an account that nets them.
    pub(super) ident: u64,
    /// What others do just before the next order arrives at the broker.
    pub meddling: Option<(Side, &'static str)>,
    /// Before the Expert Advisor looks at the position, not after.
    pub meddles_early: bool,
    /// Deals that were not told yet.
    pub untold: Vec<Deal>,
    /// They stay so.
    pub tells_no_deals: bool,
    revision: u64,
}

pub fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

impl Terminal {
    pub fn new() -> Self {
        Self {
            is_up: false,
            account: account(),
            symbol: "EURUSD",
            positions: Vec::new(),
            orders: Vec::new(),
            manners: VecDeque::new(),
            memory: Memory::Works,
            oldest_first: false,
            keeps_book: false,
            renumbered: BTreeMap::new(),
            checked: BTreeSet::new(),
            prices: true,
            lag: 0,
            listed: Vec::new(),
            bars: rising_bars(600),
            others: BTreeMap::new(),
            view_only: false,
            watched: Vec::new(),
            submitted: Vec::new(),
            executed: BTreeMap::new(),
            next_ticket: 1_000,
            ident: 0,
            meddling: None,
            meddles_early: false,
            untold: Vec::new(),
            tells_no_deals: false,
            revision: 0,
        }
    }

    pub fn up(&mut self) -> TerminalEvent {
        self.is_up = true;
        TerminalEvent::Up {
            account: self.account.clone(),
            permissions: Permissions::ALL,
            symbols: std::iter::once(SymbolSpec {
                name: self.symbol.to_owned(),
                ..eurusd()
            })
            .chain(self.others.keys().map(|name| SymbolSpec {
                name: (*name).to_owned(),
                currency_base: name[..3].to_owned(),
                currency_profit: name[3..].to_owned(),
                trade_mode: if self.view_only {
                    TradeMode::Disabled
                } else {
                    TradeMode::Full
                },
                ..eurusd()
            }))
            .collect(),
        }
    }

    pub fn down(&mut self) -> TerminalEvent {
        self.is_up = false;
        TerminalEvent::Down {
            reason: "the cable was pulled".to_owned(),
        }
    }

    pub fn asked(&mut self, request: TerminalRequest) -> Vec<TerminalEvent> {
        if !self.is_up {
            return Vec::new();
        }
        match request {
            TerminalRequest::Watch {
                symbol,
                timeframe,
                history,
            } => {
                let others = self.others.get(symbol.as_str());
                let bars = others.unwrap_or(&self.bars).clone();
                self.watched.push((symbol.clone(), timeframe, history));
                vec![TerminalEvent::Bars {
                    symbol,
                    timeframe,
                    bars,
                }]
            }
            TerminalRequest::Unwatch { .. } => Vec::new(),
            TerminalRequest::Recall { cid } => {
                let checked = self.checked.remove(&cid);
                let withdrawn = Outcome::Refused(Refusal {
                    retcode: -5,
                    class: RefusalClass::Permission,
                    message: "withdrawn before it was sent".to_owned(),
                });
                let answer = TerminalEvent::Answer {
                    cid,
                    outcome: withdrawn,
                };
                checked.then_some(answer).into_iter().collect()
            }
            TerminalRequest::SendBook => self.book().into_iter().collect(),
            TerminalRequest::Find { .. } if self.memory == Memory::Silent => Vec::new(),
            TerminalRequest::Find { cid, .. } => {
                let found = match (self.memory, self.executed.get(&cid)) {
                    (Memory::NotYet | Memory::Silent, _) => Found::NotYet {
                        reason: "history is loading".to_owned(),
                    },
                    (Memory::Works, Some(fill)) => Found::Executed(fill.clone()),
                    (Memory::Works, None) => Found::Absent,
                };
                vec![TerminalEvent::Found { cid, found }]
            }
            TerminalRequest::Submit(intent) => {
                let opens = matches!(intent.action, IntentAction::Open { .. });
                let cid = intent.cid;
                let price = decimal("1.1");
                let priced = (opens && intent.price.is_none() && self.prices)
                    .then_some(TerminalEvent::Priced { cid, price });
                let answers = self.submit(&intent);
                priced
                    .into_iter()
                    .chain(answers)
                    .chain(self.deals())
                    .collect()
            }
            TerminalRequest::SelfTest => Vec::new(),
        }
    }

    fn submit(&mut self, intent: &OrderIntent) -> Vec<TerminalEvent> {
        let cid = intent.cid;
        let opens = matches!(intent.action, IntentAction::Open { .. });
        assert!(
            !self.submitted.iter().any(|known| known.cid == cid),
            "a client id twice"
        );
        self.submitted.push(intent.clone());
        let answer = |outcome| vec![TerminalEvent::Answer { cid, outcome }];
        let lost = || Outcome::Unknown {
            reason: "the answer was lost".to_owned(),
        };
        if let IntentAction::Close { ticket, .. } = intent.action
            && self.oldest_first
            && self.positions.iter().any(|open| open.ticket < ticket)
        {
            return answer(Outcome::Refused(Refusal {
                retcode: 10_045,
                class: RefusalClass::OldestFirst,
                message: "close the oldest first".to_owned(),
            }));
        }
        match self.manners.pop_front().unwrap_or(Manner::Fill) {
            Manner::OnlyCheck => {
                self.checked.insert(cid);
                Vec::new()
            }
            Manner::Fill => {
                let fill = self.fill(intent, Decimal::ONE);
                answer(fill.map_or_else(Outcome::Refused, Outcome::Done))
            }
            Manner::FillHalf => {
                let fill = self.fill(intent, decimal("0.5"));
                answer(fill.map_or_else(Outcome::Refused, Outcome::Done))
            }
            Manner::FillWithoutStop => {
                let fill = self.fill(intent, Decimal::ONE);
                if opens && let Some(open) = self.positions.last_mut() {
                    (open.stop_loss, open.take_profit) = (None, None);
                }
                answer(fill.map_or_else(Outcome::Refused, Outcome::Done))
            }
            Manner::Refuse(class) => answer(Outcome::Refused(Refusal {
                retcode: 10_018,
                class,
                message: "Market is closed".to_owned(),
            })),
            Manner::LoseAnswer => {
                drop(self.fill(intent, Decimal::ONE));
                answer(lost())
            }
            Manner::LoseOrder => answer(lost()),
            Manner::FillSilently => {
                drop(self.fill(intent, Decimal::ONE));
                Vec::new()
            }
            Manner::Swallow => Vec::new(),
        }
    }

    /// The order happens, or it is about nothing that exists.
    pub fn fill(&mut self, intent: &OrderIntent, part: Decimal) -> Result<Fill, Refusal> {
        if self.account.margin_mode == MarginMode::Netting && !intent.action.leaves_no_deal() {
            return self.fill_net(intent, part);
        }
        self.next_ticket += 1;
        let gone = Refusal {
            retcode: 10_036,
            class: RefusalClass::AlreadySo,
            message: "Position is closed".to_owned(),
        };
        let deal = Some(Ticket(self.next_ticket));
        let mut fill = Fill {
            ticket: Ticket(self.next_ticket),
            deal,
            volume: Decimal::ZERO,
            price: decimal("1.1"),
            profit: Decimal::ZERO,
        };
        match &intent.action {
            IntentAction::Open {
                symbol,
                side,
                volume,
                stop_loss,
                take_profit,
                ..
            } => {
                fill.volume = *volume;
                self.positions.push(Position {
                    ticket: fill.ticket,
                    symbol: symbol.clone(),
                    side: *side,
                    volume: *volume,
                    open_price: fill.price,
                    stop_loss: *stop_loss,
                    take_profit: *take_profit,
                    price: Decimal::ZERO,
                    profit: Decimal::ZERO,
                    magic: intent.cid.0,
                    comment: intent.comment.clone(),
                    opened_at: "2026-03-02T09:00:00Z".parse().unwrap(),
                });
            }
            IntentAction::Close { ticket, volume } => {
                let index = self
                    .positions
                    .iter()
                    .position(|open| open.ticket == *ticket);
                let position = &mut self.positions[index.ok_or(gone)?];
                fill.ticket = *ticket;
                fill.volume = volume.unwrap_or(position.volume) * part;
                fill.profit = position.profit * fill.volume / position.volume;
                position.volume -= fill.volume;
                self.positions.retain(|open| !open.volume.is_zero());
            }
            IntentAction::Modify {
                ticket,
                stop_loss,
                take_profit,
            } => {
                let position = self
                    .positions
                    .iter_mut()
                    .find(|open| open.ticket == *ticket);
                let position = position.ok_or(gone)?;
                fill.ticket = *ticket;
                position.stop_loss = stop_loss.after(position.stop_loss);
                position.take_profit = take_profit.after(position.take_profit);
            }
            IntentAction::Cancel { ticket } => {
                fill.ticket = *ticket;
                self.orders.retain(|order| order.ticket != *ticket);
            }
        }
        self.executed.insert(intent.cid, fill.clone());
        Ok(fill)
    }

    pub fn book(&mut self) -> Option<TerminalEvent> {
        self.revision += 1;
        self.listed
            .push((self.positions.clone(), self.orders.clone()));
        let at = self.listed.len().saturating_sub(self.lag + 1);
        let (positions, orders) = self.listed[at].clone();
        (!self.keeps_book).then_some({
            TerminalEvent::Book(Book {
                revision: self.revision,
                positions,
                orders,
                renumbered: self.renumbered.clone(),
            })
        })
    }

    /// From now on its lists are so many questions old, and no older than this moment.
    pub fn lags(&mut self, lag: usize) {
        self.lag = lag;
        self.listed.clear();
    }

    /// A position that is there already.
    pub fn holds(&mut self, ticket: u64, magic: u64, profit: &str) {
        self.positions.push(Position {
            ticket: Ticket(ticket),
            symbol: "EURUSD".to_owned(),
            side: Side::Buy,
            volume: decimal("0.10"),
            open_price: decimal("1.1"),
            stop_loss: Some(decimal("1.09")),
            take_profit: Some(decimal("1.12")),
            price: Decimal::ZERO,
            profit: decimal(profit),
            magic,
            comment: String::new(),
            opened_at: "2026-03-02T08:30:00Z".parse().unwrap(),
        });
    }

    pub fn holds_order(&mut self, ticket: u64, magic: u64) {
        self.orders.push(PendingOrder {
            ticket: Ticket(ticket),
            symbol: "EURUSD".to_owned(),
            side: Side::Buy,
            kind: PendingType::Limit,
            volume: decimal("0.10"),
            price: decimal("1.05"),
            stop_loss: None,
            take_profit: None,
            magic,
            placed_at: "2026-03-02T08:30:00Z".parse().unwrap(),
        });
    }

    pub fn opens(&self) -> usize {
        let open = |intent: &&OrderIntent| matches!(intent.action, IntentAction::Open { .. });
        self.submitted.iter().filter(open).count()
    }

    pub fn closes(&self) -> usize {
        let close = |intent: &&OrderIntent| matches!(intent.action, IntentAction::Close { .. });
        self.submitted.iter().filter(close).count()
    }

    /// The next bar of the rising market, with a price and the market's clock at its close.
    pub fn next_bar(&mut self) -> Vec<TerminalEvent> {
        let last = *self.bars.last().unwrap();
        let second = last.time.as_second() + Timeframe::M15.seconds();
        let bar = bar(second, last.close + 0.0001);
        self.bars.push(bar);
        let close = Timestamp::from_second(second + Timeframe::M15.seconds()).unwrap();
        let bid = Decimal::try_from(bar.close).unwrap().round_dp(5);
        vec![
            TerminalEvent::Alive {
                account: account(),
                permissions: Permissions::ALL,
                market_time: close,
                latency_ms: 3,
            },
            TerminalEvent::Quote {
                symbol: "EURUSD".to_owned(),
                quote: Quote {
                    bid,
                    ask: bid + decimal("0.0001"),
                    time: close,
                },
            },
            TerminalEvent::BarClosed {
                symbol: "EURUSD".to_owned(),
                timeframe: Timeframe::M15,
                bar,
            },
        ]
    }
}

fn bar(second: i64, close: f64) -> Bar {
    Bar {
        time: Timestamp::from_second(second).unwrap(),
        open: close,
        high: close + 0.0002,
        low: close - 0.0002,
        close,
        tick_volume: 50,
    }
}

fn rising_bars(count: i64) -> Vec<Bar> {
    let end: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
    let mut close = 1.04;
    (0..count)
        .map(|index| {
            close += 0.0001;
            bar(
                end.as_second() - (count - index) * Timeframe::M15.seconds(),
                close,
            )
        })
        .collect()
}

pub fn account() -> Account {
    Account {
        login: 77,
        server: "Demo".to_owned(),
        company: "Broker".to_owned(),
        currency: "USD".to_owned(),
        demo: true,
        margin_mode: MarginMode::Hedging,
        balance: decimal("10000"),
        equity: decimal("10000"),
        margin: Decimal::ZERO,
        margin_free: decimal("10000"),
    }
}

pub fn eurusd() -> SymbolSpec {
    SymbolSpec {
        name: "EURUSD".to_owned(),
        digits: 5,
        point: decimal("0.00001"),
        tick_size: decimal("0.00001"),
        tick_value: Decimal::ONE,
        contract_size: decimal("100000"),
        volume_min: decimal("0.01"),
        volume_max: decimal("50"),
        volume_step: decimal("0.01"),
        stops_level: 10,
        trade_mode: TradeMode::Full,
        currency_base: "EUR".to_owned(),
        currency_profit: "USD".to_owned(),
        margin_per_lot: decimal("3300"),
        terms: crate::market::SymbolTerms::default(),
    }
}
