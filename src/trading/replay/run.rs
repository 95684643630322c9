//! The run over history: at each bar what happened to open positions, at each close what the plan decides. Decisions, orders
//! and exits are those of the running program; only the fills are reckoned here.
//!
//! A bar is walked in this order. Its open comes first: stops and targets beyond which it opened are filled at the open, then
//! what was decided at the last close is opened there, then the exits are asked. Inside the bar a stop that stood when it
//! began comes before everything else that the bar reached. Otherwise the price goes from the open to the nearer extreme,
//! to the other one, and to the close (a third of the bar's time each); targets and parts are filled at their own price on
//! the way, a stop trails at the extreme that it follows and can be hit on the way back.

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::account::{Account, profit};
use super::holding::Holding;
use super::overview::Overview;
use super::peers::Peers;
use super::reader::HistoryBar;
use super::symbols::Terms;
use super::tally::Tally;
use super::trade::{ExitReason, Trade};
use super::verdict::{Verdict, Verdicts};
use crate::market::{
    Bar, Cid, Deal, DealEntry, DealReason, Position, Quote, Side, Ticket, Timeframe, number_of,
};
use crate::strategy::{
    Decision, Finding, Look, MarketView, NewsCalendar, Panel, Plan, Program, Signal, TrackRecord,
    check_bars, decision, pip_of,
};

/// What a replay costs and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    pub terms: Terms,
    pub balance: Decimal,
    /// In pips; without it the history's own, or none.
    pub spread_pips: Option<Decimal>,
    /// For a lot, opened and closed, in account currency.
    pub commission: Decimal,
    /// Seconds since 1970; earlier bars only warm up.
    pub from: Option<i64>,
    /// Bars that begin then or later are not looked at.
    pub to: Option<i64>,
    /// The calendar that news filters go by.
    pub news: Option<Arc<NewsCalendar>>,
}

/// Where the deals and decisions of a replay go as they are made.
pub trait Sink {
    /// # Errors
    /// It cannot be written.
    fn traded(&mut self, trade: &Trade) -> io::Result<()>;

    /// Whether [`Decided::findings`] must be there.
    fn reads_findings(&self) -> bool {
        true
    }

    /// A closed bar and what became of it.
    ///
    /// # Errors
    /// It cannot be written.
    fn decided(&mut self, bar: &Decided<'_>) -> io::Result<()>;
}

/// A closed bar with what it showed.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    pub bar: &'a Bar,
    pub verdict: &'a Verdict,
    /// Every condition, in the plan's order; none where nobody reads them.
    pub findings: &'a [Finding],
}

/// A plan on its way through history.
#[derive(Clone, Debug)]
pub struct Replay {
    pub(super) plan: Plan,
    pub(super) program: Program,
    pub(super) panel: Panel,
    pub(super) settings: Settings,
    /// Whether a closed bar changes what exits ask for.
    looks_at_bars: bool,
    /// Whether nothing but a position itself does.
    pub(super) stands_still: bool,
    /// Whether a filter looks at other symbols.
    pub(super) compares: bool,
    /// Whether the plan limits losses in per cent of the balance.
    needs_balance: bool,
    pip: f64,
    point: f64,
    /// Smallest shown steps in a price of 1.
    units: f64,
    /// Half a hundredth of a point: two prices nearer than this are one.
    pub(super) slack: f64,
    fixed_spread: Option<(Decimal, f64)>,
    pub(super) account: Account,
    pub(super) holdings: Vec<Holding>,
    opened: u64,
    warm: bool,
    /// At the last close, where somebody reads them.
    findings: Vec<Finding>,
    /// The conditions that held there, where nobody does.
    held: Option<u64>,
    last_spread: f64,
    /// What the conditions said at the last close; decided on at the next open.
    signal: Option<Side>,
    pub(super) tally: Tally,
    pub(super) verdicts: Verdicts,
    pub(super) overview: Overview,
    pub(super) peers: Peers,
    pub(super) span: Option<(Timestamp, Timestamp)>,
}

impl Replay {
    pub fn new(plan: Plan, settings: Settings) -> Self {
        let mut panel = Panel::new(plan.timeframe());
        let program = Program::new(&plan, &mut panel);
        panel.load(&[], 0);
        let spec = &settings.terms.spec;
        let point = number_of(spec.point);
        let fixed_spread = settings.spread_pips.map(|pips| {
            let spread = spec.round_price(pips * spec.pip());
            (spread, number_of(spread))
        });
        Self {
            looks_at_bars: plan.exits().look_at_bars(),
            stands_still: plan.exits().stand_still(),
            compares: plan.correlation().is_some(),
            needs_balance: plan.sizing().limits.need_balance(),
            pip: pip_of(spec),
            point,
            units: (0..spec.digits).fold(1.0, |units, _| units * 10.0),
            slack: point / 200.0,
            fixed_spread,
            account: Account::new(settings.balance),
            holdings: Vec::with_capacity(2),
            opened: 0,
            warm: false,
            findings: Vec::new(),
            held: None,
            last_spread: 0.0,
            signal: None,
            tally: Tally::new(&plan),
            verdicts: Verdicts {
                filtered: vec![0; plan.filters().all.len()],
                ..Verdicts::default()
            },
            overview: Overview::new(),
            peers: Peers::default(),
            span: None,
            plan,
            program,
            panel,
            settings,
        }
    }

    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether no bar came that was to be judged.
    pub const fn is_empty(&self) -> bool {
        self.span.is_none()
    }

    /// Positions closed so far.
    pub const fn positions(&self) -> u64 {
        self.tally.all.positions
    }

    /// Timeframes above the plan's own that it looks at.
    pub fn higher(&self) -> Vec<Timeframe> {
        self.panel.timeframes().skip(1).collect()
    }

    /// Takes a closed bar of a higher timeframe that closed before the plan's next bar begins.
    pub fn push_higher(&mut self, timeframe: Timeframe, bar: &Bar) {
        self.panel.push_from_terminal(timeframe, bar);
    }

    /// Takes the next closed bar. `false` when it is past the end that was set.
    ///
    /// # Errors
    /// The sink's.
    pub fn push<S: Sink>(&mut self, read: &HistoryBar, sink: &mut S) -> io::Result<bool> {
        let bar = &read.bar;
        let opens = bar.time.as_second();
        if self.settings.to.is_some_and(|to| opens >= to) {
            return Ok(false);
        }
        let spread = self.spread(read);
        self.last_spread = spread;
        if !self.holdings.is_empty() {
            self.open_beyond(bar, spread, sink)?;
        }
        if let Some(side) = self.signal.take() {
            let verdict = self.decide(side, bar, spread);
            self.decided(&verdict, sink)?;
        }
        if !self.holdings.is_empty() {
            self.walk(bar, spread, sink)?;
        }
        // The reader lets no bar through that is old or has no usable prices.
        drop(self.panel.push(bar, read.offset_s));
        if self.looks_at_bars {
            for at in 0..self.holdings.len() {
                self.look_ahead(at);
            }
        }
        if self.settings.from.is_none_or(|from| opens >= from) {
            self.close_bar(bar, spread, sink)?;
        }
        Ok(true)
    }

    /// The history has ended: what is open is closed at the last price.
    ///
    /// # Errors
    /// The sink's.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) -> io::Result<()> {
        if let Some(side) = self.signal.take() {
            self.decided(&Verdict::Ended(side), sink)?;
        }
        match self.span {
            Some((_, at)) => self.close_all(at, ExitReason::End, sink),
            None => Ok(()),
        }
    }

    /// At the last bar's close.
    fn close_all<S: Sink>(
        &mut self,
        at: Timestamp,
        reason: ExitReason,
        sink: &mut S,
    ) -> io::Result<()> {
        let Some(last) = self.panel.last_bar().copied() else {
            return Ok(());
        };
        while !self.holdings.is_empty() {
            let price = self.closing(0, last.close, self.last_spread);
            self.close(0, price, None, at, reason, "", sink)?;
        }
        Ok(())
    }

    fn spread(&self, read: &HistoryBar) -> f64 {
        match self.fixed_spread {
            Some((_, spread)) => spread,
            None => f64::from(read.spread_points.unwrap_or(0)) * self.point,
        }
    }

    pub(super) fn price(&self, price: f64) -> Decimal {
        let units = (price * self.units).round() as i64;
        Decimal::new(units, self.settings.terms.spec.digits)
    }

    pub(super) fn quote(&self, bid: f64, spread: f64, time: Timestamp) -> Quote {
        let bid = self.price(bid);
        let spread = match self.fixed_spread {
            Some((spread, _)) => spread,
            None => self.price(spread),
        };
        Quote {
            bid,
            ask: bid + spread,
            time,
        }
    }

    /// The price at which a position could be closed at this bid.
    pub(super) fn closing_f(&self, at: usize, bid: f64, spread: f64) -> f64 {
        if self.holdings[at].sign > 0.0 {
            bid
        } else {
            bid + spread
        }
    }

    fn closing(&self, at: usize, bid: f64, spread: f64) -> Decimal {
        self.price(self.closing_f(at, bid, spread))
    }

    fn close_bar<S: Sink>(&mut self, bar: &Bar, spread: f64, sink: &mut S) -> io::Result<()> {
        let closes = bar.time.as_second() + self.plan.timeframe().seconds();
        let end = Timestamp::from_second(closes).unwrap_or(bar.time);
        let begin = self.span.map_or(bar.time, |(begin, _)| begin);
        self.span = Some((begin, end));
        let mut equity = self.account.balance_f;
        for at in 0..self.holdings.len() {
            equity += self.holdings[at].floating(self.closing_f(at, bar.close, spread));
        }
        self.tally.bars_in_market += u64::from(!self.holdings.is_empty());
        let fall = self.account.mark(equity, end);
        self.overview.take(bar, equity, fall);
        if self.account.empty_since.is_some() {
            self.close_all(end, ExitReason::Ruin, sink)?;
        }
        let Signal { buys, sells } = self.observe(sink.reads_findings());
        if !self.warm {
            self.warm = check_bars(&self.plan, &self.panel, closes).is_ok();
            if !self.warm {
                return self.decided(&Verdict::WarmingUp, sink);
            }
        }
        match self.held {
            Some(held) => self.tally.look_at_held(held),
            None => self.tally.look(&self.findings),
        }
        let verdict = match (buys, sells) {
            (Some(true), Some(false)) => {
                self.signal = Some(Side::Buy);
                return Ok(());
            }
            (Some(false), Some(true)) => {
                self.signal = Some(Side::Sell);
                return Ok(());
            }
            (Some(true), Some(true)) => Verdict::BothWays,
            (Some(false), Some(false)) => Verdict::NoCondition,
            _ => Verdict::Unknown,
        };
        self.decided(&verdict, sink)
    }

    /// What the conditions say at the last close.
    fn observe(&mut self, are_read: bool) -> Signal {
        let (panel, pip) = (&self.panel, self.pip);
        if !are_read
            && self.tally.has_patterns()
            && let Some((signal, held)) = self.program.glance(panel, pip)
        {
            self.held = Some(held);
            self.findings.clear();
            return signal;
        }
        self.held = None;
        self.program.observe(panel, pip, &mut self.findings)
    }

    fn decided<S: Sink>(&mut self, verdict: &Verdict, sink: &mut S) -> io::Result<()> {
        self.verdicts.count(verdict);
        let Some(bar) = self.panel.last_bar() else {
            return Ok(());
        };
        sink.decided(&Decided {
            bar,
            verdict,
            findings: &self.findings,
        })
    }

    /// What a signal comes to at the next bar's open. What can be told without decimals is told first; the decision itself
    /// is the program's.
    fn decide(&mut self, side: Side, bar: &Bar, spread: f64) -> Verdict {
        if self.account.empty_since.is_some() {
            return Verdict::Refused(side, "nothing is left of the account".to_owned());
        }
        let open = self.holdings.iter();
        if open.clone().any(|holding| holding.position.side == side) {
            return Verdict::AlreadyOpen(side);
        }
        if self.holdings.len() >= self.plan.sizing().max_positions as usize {
            return Verdict::MostOpen(side);
        }
        let peers = self.peers();
        let look = Look {
            panel: &self.panel,
            second: bar.time.as_second(),
            spread_pips: spread / self.pip,
            pip: self.pip,
            side,
            spec: &self.settings.terms.spec,
            news: self.settings.news.as_deref(),
            peers: &peers,
        };
        let mut filters = self.plan.filters().all.iter();
        if let Some(at) = filters.position(|filter| !filter.passes(&look)) {
            return Verdict::Filtered(side, at);
        }
        let quote = self.quote(bar.open, spread, bar.time);
        self.settings.terms.follow(quote.bid);
        for holding in &mut self.holdings {
            let price = match holding.position.side {
                Side::Buy => quote.bid,
                Side::Sell => quote.ask,
            };
            holding.position.price = price;
            holding.position.profit = profit(
                holding.position.side,
                holding.position.open_price,
                price,
                holding.position.volume,
                &self.settings.terms.spec,
            );
        }
        let positions: Vec<&Position> = self.holdings.iter().map(|own| &own.position).collect();
        let decision = decision(
            &self.plan,
            &MarketView {
                panel: &self.panel,
                program: &self.program,
                quote,
                spec: &self.settings.terms.spec,
                positions: &positions,
                market_time: bar.time,
                balance: self.account.balance,
                record: TrackRecord {
                    open_in_symbol: positions.len(),
                    open_at_all: positions.len(),
                    ..self.account.record(bar.time)
                },
                news: self.settings.news.as_deref(),
                peers: &peers,
                entries_blocked: None,
            },
        );
        match decision {
            Decision::Stay { why } => Verdict::Refused(side, why),
            Decision::Enter {
                side,
                volume,
                stop_loss,
                take_profit,
            } => {
                self.open(side, volume, stop_loss, take_profit, quote);
                Verdict::Opened(side, volume)
            }
        }
    }

    /// Counts a deal, with the balance after it where that matters.
    pub(super) fn count(&mut self, deal: &Deal) {
        let balance = self.needs_balance.then_some(self.account.balance);
        self.account.ledger.count(deal, balance);
    }

    fn open(
        &mut self,
        side: Side,
        volume: Decimal,
        stop_loss: Decimal,
        take_profit: Option<Decimal>,
        quote: Quote,
    ) {
        self.opened += 1;
        let open_price = match side {
            Side::Buy => quote.ask,
            Side::Sell => quote.bid,
        };
        // There is but one symbol, and nobody asks for its name.
        let position = Position {
            ticket: Ticket(self.opened),
            symbol: String::new(),
            side,
            volume,
            open_price,
            stop_loss: Some(stop_loss),
            take_profit,
            profit: Decimal::ZERO,
            price: open_price,
            magic: Cid::new(1, self.opened).0,
            comment: String::new(),
            opened_at: quote.time,
        };
        let deal = Deal {
            ticket: Ticket(0),
            position: position.ticket,
            symbol: String::new(),
            side,
            entry: DealEntry::In,
            reason: DealReason::Order,
            volume,
            price: open_price,
            profit: Decimal::ZERO,
            magic: 0,
            time: quote.time,
        };
        self.count(&deal);
        let spec = &self.settings.terms.spec;
        let holding = Holding::new(self.opened, position, spec);
        self.holdings.push(holding);
        self.look_ahead(self.holdings.len() - 1);
    }
}
