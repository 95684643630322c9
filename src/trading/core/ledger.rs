//! What was realised: by day for the account and each strategy, and each strategy's week, month, trades and runs of wins and
//! losses. Counted from the terminal's deals, each once; days, weeks and months are those of UTC by the market's clock.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::market::{Cid, Deal, DealEntry, Ticket, roughly};
use crate::strategy::TrackRecord;

/// Positions whose closing may have been missed are forgotten beyond this many.
const MOST_OPEN: usize = 200;
/// Deals are known one by one as far back as this; those with lower tickets are all counted.
const MOST_SEEN: usize = 2_000;

/// Realised results, account currency. The journal of earlier versions had the day's alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DayLedger {
    /// `YYYY-MM-DD` of the market's clock.
    pub day: String,
    pub total: Decimal,
    /// By strategy number.
    pub by_strategy: BTreeMap<u16, Decimal>,
    /// Deals up to this ticket are all counted. Later ones come in any order: a history may show one after another one that
    /// was made after it.
    pub last_deal: u64,
    /// Those above it that are counted, so that a repeated deal counts once.
    seen: BTreeSet<u64>,
    /// When the newest was, UTC.
    pub last_deal_at: Option<Timestamp>,
    /// By strategy number.
    pub strategies: BTreeMap<u16, StrategyLedger>,
}

/// What one strategy did; each period's numbers are of the period of its last deal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StrategyLedger {
    /// The day of the last deal.
    day: Option<Date>,
    week: Decimal,
    month: Decimal,
    /// The lowest that the day's, the week's and the month's results ever were: a limit that was reached stays reached.
    lowest_today: Decimal,
    lowest_week: Decimal,
    lowest_month: Decimal,
    /// The most that they ever were below zero, in per cent of the balance of that moment.
    worst_today: Decimal,
    worst_week: Decimal,
    worst_month: Decimal,
    today: Decimal,
    /// Positions opened on that day.
    trades: u32,
    /// Positions closed at a loss on that day without another result between.
    losses_in_row: u32,
    /// The most of them on that day.
    most_in_row: u32,
    wins_in_row: u32,
    /// Ever realised, and the most that it ever was.
    total: Decimal,
    best: Decimal,
    open: BTreeMap<Ticket, OpenResult>,
}

/// A position that is being closed in parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct OpenResult {
    volume: Decimal,
    result: Decimal,
}

impl DayLedger {
    /// `balance` is what the account held after the deal, where that is known.
    pub(super) fn count(&mut self, deal: &Deal, balance: Option<Decimal>) {
        if self.knows(deal.ticket) {
            return;
        }
        self.seen.insert(deal.ticket.0);
        if self.seen.len() > MOST_SEEN
            && let Some(oldest) = self.seen.pop_first()
        {
            self.last_deal = oldest;
        }
        self.last_deal_at = self.last_deal_at.max(Some(deal.time));
        let day = deal.time.strftime("%Y-%m-%d").to_string();
        // One of a day before may still come in; it does not bring that day back.
        let is_past = day < self.day;
        if day > self.day {
            self.day = day;
            self.total = Decimal::ZERO;
            self.by_strategy.clear();
        }
        let cid = Cid(deal.magic);
        if cid.is_own() {
            let number = cid.strategy();
            if !is_past {
                self.total += deal.profit;
                let today = self.by_strategy.entry(number).or_default();
                *today += deal.profit;
            }
            let strategy = self.strategies.entry(number).or_default();
            strategy.count(deal, balance);
        }
    }

    /// Whether this deal was counted.
    pub fn knows(&self, deal: Ticket) -> bool {
        deal.0 <= self.last_deal || self.seen.contains(&deal.0)
    }

    /// Realised result of `day` (`YYYY-MM-DD`) for one strategy.
    pub fn of_strategy(&self, day: &str, number: u16) -> Decimal {
        if day == self.day {
            self.by_strategy.get(&number).copied().unwrap_or_default()
        } else {
            Decimal::ZERO
        }
    }

    pub fn of_account(&self, day: &str) -> Decimal {
        if day == self.day {
            self.total
        } else {
            Decimal::ZERO
        }
    }

    /// What a strategy has done, seen at this moment. Open positions are not counted here.
    pub fn record(&self, number: u16, now: Timestamp) -> TrackRecord {
        let today = self.of_strategy(&now.strftime("%Y-%m-%d").to_string(), number);
        let Some(ledger) = self.strategies.get(&number) else {
            return TrackRecord {
                today,
                week: today,
                month: today,
                ..TrackRecord::default()
            };
        };
        ledger.record(now, today)
    }
}

impl StrategyLedger {
    /// What was done, seen at this moment; `today` is what this UTC day has realised. Open positions are not counted here.
    pub fn record(&self, now: Timestamp, today: Decimal) -> TrackRecord {
        let now = date(now);
        let same = |of: fn(Date) -> Date| self.day.map(of) == Some(of(now));
        let in_period = |held: bool, amount: Decimal| if held { amount } else { Decimal::ZERO };
        let is_today = same(|day| day);
        TrackRecord {
            today: today.min(in_period(is_today, self.lowest_today)),
            week: in_period(same(monday), self.lowest_week.min(self.week)),
            month: in_period(
                same(Date::first_of_month),
                self.lowest_month.min(self.month),
            ),
            today_percent: in_period(is_today, self.worst_today),
            week_percent: in_period(same(monday), self.worst_week),
            month_percent: in_period(same(Date::first_of_month), self.worst_month),
            trades_today: if is_today { self.trades } else { 0 },
            losses_in_row: if is_today {
                self.most_in_row.max(self.losses_in_row)
            } else {
                0
            },
            wins_in_row: self.wins_in_row,
            drawdown: (self.best - self.total).max(Decimal::ZERO),
            open_in_symbol: 0,
            open_at_all: 0,
        }
    }

    /// `balance` is what the account held after the deal, where that is known.
    pub fn count(&mut self, deal: &Deal, balance: Option<Decimal>) {
        let day = date(deal.time);
        // The newest day that is known: a deal that comes in late does not bring back the one it was made on.
        let today = self.day.map_or(day, |known| known.max(day));
        let before = self.day.replace(today);
        if before != Some(today) {
            self.trades = 0;
            self.losses_in_row = 0;
            self.most_in_row = 0;
            self.today = Decimal::ZERO;
            self.lowest_today = Decimal::ZERO;
            self.worst_today = Decimal::ZERO;
        }
        // Most deals are of the day of the one before.
        let same = |one: Date, of: fn(Date) -> Date| one == today || of(one) == of(today);
        if !before.is_some_and(|before| same(before, monday)) {
            self.week = Decimal::ZERO;
            self.lowest_week = Decimal::ZERO;
            self.worst_week = Decimal::ZERO;
        }
        if !before.is_some_and(|before| same(before, Date::first_of_month)) {
            self.month = Decimal::ZERO;
            self.lowest_month = Decimal::ZERO;
            self.worst_month = Decimal::ZERO;
        }
        if same(day, monday) {
            self.week += deal.profit;
        }
        if same(day, Date::first_of_month) {
            self.month += deal.profit;
        }
        if day == today {
            self.today += deal.profit;
        }
        self.lowest_today = self.lowest_today.min(self.today);
        self.lowest_week = self.lowest_week.min(self.week);
        self.lowest_month = self.lowest_month.min(self.month);
        if let Some(balance) = balance {
            let worst = |known, result| worst_percent(known, result, balance);
            self.worst_today = worst(self.worst_today, self.today);
            self.worst_week = worst(self.worst_week, self.week);
            self.worst_month = worst(self.worst_month, self.month);
        }
        self.total += deal.profit;
        self.best = self.best.max(self.total);
        match deal.entry {
            DealEntry::In => {
                if day == today && !self.open.contains_key(&deal.position) {
                    self.trades += 1;
                }
                self.open.entry(deal.position).or_default().volume += deal.volume;
                if self.open.len() > MOST_OPEN {
                    self.open.pop_first();
                }
            }
            DealEntry::Out | DealEntry::InOut => self.close(deal),
        }
    }

    /// A position counts as won or lost once all of it is closed.
    fn close(&mut self, deal: &Deal) {
        let mut open = self.open.remove(&deal.position).unwrap_or_default();
        open.volume -= deal.volume;
        open.result += deal.profit;
        if open.volume > Decimal::ZERO {
            self.open.insert(deal.position, open);
        } else if open.result > Decimal::ZERO {
            self.wins_in_row += 1;
            self.losses_in_row = 0;
        } else if open.result < Decimal::ZERO {
            self.losses_in_row += 1;
            self.most_in_row = self.most_in_row.max(self.losses_in_row);
            self.wins_in_row = 0;
        } else {
            self.wins_in_row = 0;
            self.losses_in_row = 0;
        }
    }
}

/// The larger one of what is known and of how much a result is below zero, in per cent of the balance after it.
fn worst_percent(known: Decimal, result: Decimal, balance: Decimal) -> Decimal {
    /// Far more than binary fractions lose on the way.
    const SLACK: f64 = 1e-9;
    let lost = -result;
    if lost <= Decimal::ZERO {
        return known;
    }
    // Most results are far from the worst one, and need no division.
    let reached = roughly(known) * roughly(balance) * (1.0 - SLACK);
    if roughly(lost) * 100.0 < reached {
        return known;
    }
    let percent = lost
        .checked_mul(Decimal::ONE_HUNDRED)
        .and_then(|hundredfold| hundredfold.checked_div(balance.max(Decimal::ZERO)))
        .unwrap_or(Decimal::ONE_HUNDRED);
    known.max(percent)
}

fn date(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

/// The first day of the day's week.
fn monday(day: Date) -> Date {
    let since = i32::from(day.weekday().to_monday_zero_offset());
    day.checked_sub(jiff::Span::new().days(since))
        .unwrap_or(day)
}
