//! The whole state: what the journal keeps, and what is known only while running.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use super::Now;
use super::awaiting::Awaited;
use super::charts::{ChartKey, Charted};
use super::clock::Doubt;
use super::closing::Sweep;
use super::command::Command;
use super::durable::Durable;
use super::effect::BeatCause;
use super::guards::Guards;
use super::health::{Leg, LinkHealth};
use super::snapshot::{CommandRow, Counts, Notice, SettingsStatus, TerminalMode};
use super::stops::StopTry;
use super::trading::Runtime;
use crate::market::{
    Account, Book, Cid, Fill, LinkFacts, Permissions, Position, Quote, Side, SymbolSpec, Ticket,
    Timeframe,
};
use crate::strategy::{Allowances, NewsCalendar, Panel, Plan};

/// Local limits: a command can make them tighter, never looser.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Lots in one order.
    pub max_lots: Option<Decimal>,
    /// Own positions at one time.
    pub max_positions: Option<usize>,
    /// Realised loss in one UTC day of the market, account currency, as a positive number.
    pub max_daily_loss: Option<Decimal>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub mode: TerminalMode,
    pub limits: Limits,
    /// Whether a RESUME command may lift the emergency stop.
    pub resume_lifts_stop: bool,
    /// The broker's symbol for a name of the platform, where the trader chose one.
    pub symbol_map: BTreeMap<String, String>,
    /// The direction of strategies whose rules have none (R1); `None` refuses them.
    pub default_direction: Option<Side>,
    /// Guards of the account as a whole.
    pub guards: Guards,
    /// Filters that strategies may run without where they cannot be computed.
    pub run_without: Allowances,
    /// The calendar of economic news, where the trader imported one.
    pub news: Option<Arc<NewsCalendar>>,
    pub settings: SettingsStatus,
    pub practice_page: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: TerminalMode::Paper,
            limits: Limits::default(),
            resume_lifts_stop: false,
            symbol_map: BTreeMap::new(),
            default_direction: None,
            guards: Guards::default(),
            run_without: Allowances::default(),
            news: None,
            settings: SettingsStatus::default(),
            practice_page: None,
        }
    }
}

impl Config {
    /// What strategies may count on here.
    pub(super) const fn allowances(&self) -> Allowances {
        Allowances {
            news_calendar: self.news.is_some(),
            ..self.run_without
        }
    }
}

/// What the terminal last said.
#[derive(Clone, Debug, Default)]
pub(super) struct TerminalView {
    pub up: bool,
    pub account: Option<Account>,
    pub permissions: Option<Permissions>,
    pub symbols: BTreeMap<String, SymbolSpec>,
    /// `None` until the terminal sent one after it came up.
    pub book: Option<Book>,
    /// What of its positions is ours: of a net position our part alone, under the order that it began with.
    pub own: Vec<Position>,
    /// Those of which it is not known yet how much is ours.
    pub unsure: BTreeSet<Ticket>,
    pub quotes: BTreeMap<String, Quote>,
    pub market_time: Option<Timestamp>,
    pub facts: LinkFacts,
}

/// Waiting and retrying of one report to the platform.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivery {
    pub in_flight: bool,
    /// Another report took its place meanwhile.
    pub outdated: bool,
    pub attempts: u32,
    pub not_before: Duration,
}

#[derive(Debug)]
pub struct State {
    pub(super) durable: Durable,
    pub(super) config: Config,
    /// Of this run, in each of its client ids.
    pub(super) id_bits: u16,
    pub(super) executor_id: Option<String>,
    pub(super) executor_name: Option<String>,
    pub(super) platform_url: Option<String>,
    pub(super) links: [LinkHealth; 4],
    pub(super) clock_offset: SignedDuration,
    /// Half the round trip of the measurement; `None` before the first.
    pub(super) clock_within_ms: Option<i64>,
    /// When the last event came.
    pub(super) last_step: Option<Now>,
    /// When the program went on after it had stood still.
    pub(super) stood_still_at: Option<Duration>,
    /// Since it stood still a connection to Pusher was begun; what an older one still brings may be old.
    pub(super) connects_anew: bool,
    /// The subscription is one of such a connection.
    pub(super) frames_are_new: bool,
    /// This computer's clock was set by more than it could have counted, or may have been set before this run: it tells nothing
    /// of the platform's.
    pub(super) clock_is_unsure: bool,
    /// When the connections are to be made anew.
    pub(super) restart_at: Option<Duration>,
    /// Commands that may be old and whose age is not known, and when they came.
    pub(super) undated: BTreeMap<String, Duration>,
    /// Commands that would expire by a clock that proves nothing, and since when.
    pub(super) unproven_old: BTreeMap<String, Duration>,
    /// Commands that tell no time and came before the platform's clock was known, and when they came.
    pub(super) came_undated: BTreeMap<String, Duration>,
    /// When a person resumed trading while the platform's clock was not known.
    pub(super) resumed_undated: Option<Duration>,
    /// What makes the risk smaller and came by Pusher over a connection that brings nothing old.
    pub(super) came_new: BTreeSet<String>,
    /// Commands that look older than what was ordered before they came.
    pub(super) doubtful: BTreeMap<String, Doubt>,
    /// When it was last looked at.
    pub(super) clock_measured_at: Option<Timestamp>,
    pub(super) clock_measured_mono: Duration,
    /// When the emergency stop was lifted in this run.
    pub(super) lifted_mono: Option<Duration>,
    /// How far the platform's clock was put back since this program runs.
    pub(super) put_back_by: SignedDuration,
    pub(super) key_refused: Option<(Timestamp, String)>,
    pub(super) journal_broken: Option<(Timestamp, String)>,
    /// Whether it was said meanwhile that commands stay on the platform.
    pub(super) held_back_told: bool,
    pub(super) terminal: TerminalView,
    pub(super) runtimes: BTreeMap<String, Runtime>,
    /// Plans of former rules, by strategy and the counter before which they counted.
    pub(super) former: BTreeMap<(String, u64), Runtime>,
    /// The bars that they look at.
    pub(super) charts: BTreeMap<ChartKey, Charted>,
    /// Progress of closing commands, by command id.
    pub(super) closings: BTreeMap<String, Sweep>,
    pub(super) emergency: Sweep,
    pub(super) deliveries: BTreeMap<String, Delivery>,
    pub(super) interims: BTreeMap<String, Delivery>,
    /// No report is sent before: the network loops are being restarted.
    pub(super) reports_from: Duration,
    /// Strategies that a START asks for and that are not accepted yet, by command id.
    pub(super) candidates: BTreeMap<String, Runtime>,
    /// An order ended after the book was sent: who decides by positions waits for the next one.
    pub(super) book_behind: bool,
    /// What was open when a close that has no outcome yet was sent.
    pub(super) closed_from: BTreeMap<Cid, Decimal>,
    /// Orders that are done and whose deals were not told yet, on an account that nets positions; believed then.
    pub(super) undealt: BTreeMap<Cid, (Fill, Duration)>,
    /// Orders that are done and that no book has shown yet.
    pub(super) awaited: Vec<Awaited>,
    /// Stops that the broker left out, by the client id of the opening.
    pub(super) stop_tries: BTreeMap<Cid, StopTry>,
    /// Commands for whose sake the book was asked for once more.
    pub(super) profits_asked: BTreeSet<String>,
    /// When the book was last asked for.
    pub(super) book_asked_at: Duration,
    /// When an order was sent or last looked for.
    pub(super) looked_at: BTreeMap<Cid, Duration>,
    /// Orders without outcome that the terminal, since it came up, has not been heard of once; entries wait for that.
    pub(super) unheard: BTreeSet<Cid>,
    /// No longer than until then.
    pub(super) unheard_until: Duration,
    /// Nothing is opened any more: this program is about to end, and to start again.
    pub(super) ends_soon: bool,
    /// A heartbeat handed out a full page: beat again when these are answered.
    pub(super) draining: BTreeSet<String>,
    /// What is asked for once they are answered.
    pub(super) drained: BeatCause,
    /// The newest commands for the window, newest first.
    pub(super) rows: VecDeque<CommandRow>,
    pub(super) rows_shared: Option<Arc<Vec<CommandRow>>>,
    pub(super) counts: Counts,
    pub(super) notices: Vec<Notice>,
    pub(super) strange_names: BTreeSet<String>,
    /// Emergency broadcasts that came before the owner was known.
    pub(super) held_broadcasts: Vec<(Duration, String)>,
    /// Openings that the terminal was asked not to send any more.
    pub(super) recalled: BTreeSet<Cid>,
    pub(super) blocked_since: Option<(Timestamp, String)>,
    /// Own positions whose exits nobody carries out, as told.
    pub(super) unmanaged: BTreeSet<u64>,
    /// What was said last about each guard that is near or reached.
    pub(super) guards_told: BTreeMap<&'static str, String>,
}

impl State {
    /// Rows kept for the window; older ones are read from the journal.
    pub const ROWS: usize = 300;

    /// `rows` are the newest commands of the journal, newest first.
    pub fn new(
        durable: Durable,
        config: Config,
        rows: Vec<CommandRow>,
        counts: Counts,
        now: Now,
    ) -> Self {
        let unshown = durable.unshown.iter().cloned();
        let awaited = unshown.map(|sign| Awaited::new(sign, now.mono)).collect();
        let gone = durable.stop.as_ref().map(|stop| Sweep::resumed(&stop.gone));
        Self {
            durable,
            config,
            id_bits: 0,
            executor_id: None,
            executor_name: None,
            platform_url: None,
            links: std::array::from_fn(|_| LinkHealth::off(now.utc)),
            clock_offset: SignedDuration::ZERO,
            clock_within_ms: None,
            last_step: None,
            stood_still_at: None,
            connects_anew: true,
            frames_are_new: true,
            clock_is_unsure: false,
            restart_at: None,
            undated: BTreeMap::new(),
            unproven_old: BTreeMap::new(),
            came_undated: BTreeMap::new(),
            resumed_undated: None,
            came_new: BTreeSet::new(),
            doubtful: BTreeMap::new(),
            clock_measured_at: None,
            clock_measured_mono: Duration::ZERO,
            lifted_mono: None,
            put_back_by: SignedDuration::ZERO,
            key_refused: None,
            journal_broken: None,
            held_back_told: false,
            terminal: TerminalView::default(),
            runtimes: BTreeMap::new(),
            former: BTreeMap::new(),
            charts: BTreeMap::new(),
            candidates: BTreeMap::new(),
            book_behind: true,
            closed_from: BTreeMap::new(),
            undealt: BTreeMap::new(),
            awaited,
            stop_tries: BTreeMap::new(),
            profits_asked: BTreeSet::new(),
            book_asked_at: Duration::ZERO,
            closings: BTreeMap::new(),
            emergency: gone.unwrap_or_default(),
            deliveries: BTreeMap::new(),
            interims: BTreeMap::new(),
            reports_from: Duration::ZERO,
            looked_at: BTreeMap::new(),
            unheard: BTreeSet::new(),
            unheard_until: Duration::ZERO,
            ends_soon: false,
            draining: BTreeSet::new(),
            drained: BeatCause::Drained,
            rows: rows.into_iter().take(Self::ROWS).collect(),
            rows_shared: None,
            counts,
            notices: Vec::new(),
            strange_names: BTreeSet::new(),
            held_broadcasts: Vec::new(),
            recalled: BTreeSet::new(),
            blocked_since: None,
            unmanaged: BTreeSet::new(),
            guards_told: BTreeMap::new(),
        }
    }

    /// A random number, so that no other program makes the same client ids.
    #[must_use]
    pub const fn with_id_bits(mut self, bits: u16) -> Self {
        self.id_bits = bits;
        self
    }

    pub const fn durable(&self) -> &Durable {
        &self.durable
    }

    /// What the exits of a position go by: the rules that it was opened under.
    pub(super) fn exits_of(&self, id: &str, former: Option<&(String, u64)>) -> Option<&Runtime> {
        match former {
            Some(key) => self.former.get(key),
            None => self.runtimes.get(id),
        }
    }

    /// What a plan looks at.
    pub(super) fn panel(&self, plan: &Plan) -> Option<&Panel> {
        let key = (plan.symbol().to_owned(), plan.timeframe());
        self.charts.get(&key).map(|charted| &charted.panel)
    }

    /// A timeframe of which the plan needs more bars, with those that are there and those that are needed.
    pub(super) fn missing_bars(&self, plan: &Plan) -> Option<(Timeframe, usize, usize)> {
        let panel = self.panel(plan).filter(|panel| panel.is_loaded());
        plan.warmup().iter().find_map(|&(timeframe, needed)| {
            let have = panel.map_or(0, |panel| panel.count(timeframe));
            (have < needed).then_some((timeframe, have, needed))
        })
    }

    /// The platform's clock by our last measurement.
    pub(super) fn platform_time(&self, now: Now) -> Timestamp {
        let by_own_clock = self.by_platform_clock(now.utc);
        // Whoever puts this computer's clock back does not put back the platform's. Over a sleep the other clock may stand.
        self.platform_moment(now)
            .map_or(by_own_clock, |moment| moment.max(by_own_clock))
    }

    /// What the platform's clock showed at a moment of ours.
    pub(super) fn by_platform_clock(&self, time: Timestamp) -> Timestamp {
        time.checked_add(self.clock_offset).unwrap_or(time)
    }

    /// The platform's clock now, carried on from the last measurement by a clock that nobody sets.
    pub(super) fn platform_moment(&self, now: Now) -> Option<Timestamp> {
        let measured = self.by_platform_clock(self.clock_measured_at?);
        let passed = now.mono.saturating_sub(self.clock_measured_mono);
        measured.checked_add(passed).ok()
    }

    /// The clock by which a command's expiry is judged: the platform's where the command tells a time of the platform's,
    /// else ours, which also told when it came.
    pub(super) fn time_for(&self, command: &Command, now: Now) -> Timestamp {
        if command.created_at.is_none() && command.expires_at.is_none() {
            now.utc
        } else {
            self.platform_time(now)
        }
    }

    /// Day of the market's clock, for daily limits.
    pub(super) fn market_day(&self, now: Now) -> String {
        let time = self.terminal.market_time.unwrap_or(now.utc);
        time.strftime("%Y-%m-%d").to_string()
    }

    /// From where a terminal's deals are not known.
    pub fn deals_since(&self) -> Option<Timestamp> {
        self.durable.deals_since()
    }

    /// Why no new position may be opened now; `None` when one may.
    pub(super) fn entry_block(&self, now: Now) -> Option<String> {
        self.standing_block(now)
            .or_else(|| self.search_block(now).map(str::to_owned))
    }

    /// The same without what is over in a moment.
    pub(super) fn standing_block(&self, now: Now) -> Option<String> {
        if let Some(stop) = &self.durable.stop {
            return Some(format!("the emergency stop is on ({})", stop.reason));
        }
        if let Some((_, reason)) = &self.journal_broken {
            return Some(format!("the journal cannot be written: {reason}"));
        }
        if let Some((_, reason)) = &self.key_refused {
            return Some(format!(
                "the platform refuses this executor's key: {reason}"
            ));
        }
        if let Some(problem) = &self.config.settings.problem {
            return Some(format!(
                "the settings cannot be used, so no limit of yours is known: {problem}"
            ));
        }
        if let Some(gap) = self.config.guards.gap() {
            return Some(gap.to_owned());
        }
        if let Some(pause) = &self.durable.pause {
            return Some(format!("trading is paused ({})", pause.reason));
        }
        if !self.held_broadcasts.is_empty() {
            return Some(
                "an emergency stop arrived before this executor knows its owner".to_owned(),
            );
        }
        if !self.terminal.up {
            let why = &self.terminal.facts.waits_for;
            let away = "the terminal is away";
            return Some(if why.is_empty() {
                away.to_owned()
            } else {
                format!("{away}: {why}")
            });
        }
        if let Some(account) = self.unconfirmed_account() {
            return Some(format!(
                "account {} holds real money; allow trading on it once, on the MetaTrader page",
                account.masked()
            ));
        }
        if let Some(missing) = self.terminal.permissions.and_then(Permissions::missing) {
            return Some(missing.to_owned());
        }
        let loss = -self.durable.day.of_account(&self.market_day(now));
        if let Some(limit) = self
            .config
            .limits
            .max_daily_loss
            .filter(|limit| loss >= *limit)
        {
            return Some(format!(
                "today's loss {loss} has reached the local limit {limit}"
            ));
        }
        None
    }

    /// The book, unless an order ended after it was sent.
    pub(super) fn fresh_book(&self) -> Option<&Book> {
        let current = self.terminal.up && !self.book_behind;
        self.terminal.book.as_ref().filter(|_| current)
    }

    /// Our positions; of a net position our part.
    pub(super) fn own_positions(&self) -> impl Iterator<Item = &Position> {
        self.terminal.own.iter()
    }

    pub(super) fn link_mut(&mut self, leg: Leg) -> &mut LinkHealth {
        &mut self.links[leg as usize]
    }
}
