//! Limits on what a strategy may lose, trade and hold, and the smaller volume while it recovers from losses. Days, weeks
//! (from Monday) and months are those of UTC.

use rust_decimal::Decimal;
use serde::Serialize;

use super::{read_count, read_percent, used};
use crate::market::{Side, TradeMode};
use crate::strategy::evaluate::MarketView;
use crate::strategy::filters::Allowances;
use crate::strategy::language::{Language, tell};
use crate::strategy::ledger::{Node, Reader};
use crate::strategy::plan::Plan;
use crate::strategy::reason::{Reason, Rule};

/// What a strategy has done so far, by the caller's books. Money is in account currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackRecord {
    /// The lowest that what was realised on this UTC day, in this week and in this month ever was: a loss that reached its limit
    /// counts until the period is over, whatever is won after it.
    pub today: Decimal,
    pub week: Decimal,
    pub month: Decimal,
    /// The most that these results ever were below zero, in per cent of the balance of that moment: what is won later, or paid
    /// in, does not make it less.
    pub today_percent: Decimal,
    pub week_percent: Decimal,
    pub month_percent: Decimal,
    /// Positions opened on this UTC day.
    pub trades_today: u32,
    /// The most positions closed at a loss one after another on this UTC day.
    pub losses_in_row: u32,
    /// Positions closed at a profit, one after another, up to the last one closed.
    pub wins_in_row: u32,
    /// How far everything ever realised is below the most it ever was; not negative.
    pub drawdown: Decimal,
    /// Open positions of this program in the strategy's symbol, of any strategy.
    pub open_in_symbol: usize,
    /// Open positions of this program.
    pub open_at_all: usize,
}

/// The time over which a loss is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Period {
    Day,
    Week,
    Month,
}

impl Period {
    /// Whose loss it is: "today's loss".
    const fn possessive(self) -> &'static str {
        match self {
            Self::Day => "today's",
            Self::Week => "this week's",
            Self::Month => "this month's",
        }
    }

    const fn words(self, language: Language) -> &'static str {
        match self {
            Self::Day => language.pick("on a day (UTC)", "pada hari itu (UTC)"),
            Self::Week => language.pick(
                "in a week (UTC, from Monday)",
                "pada minggu itu (UTC, mulai Senin)",
            ),
            Self::Month => language.pick("in a month (UTC)", "pada bulan itu (UTC)"),
        }
    }
}

/// The unit follows the origin: rules of the platform's form speak of account currency, START settings and grouped rules
/// of per cent of the balance (C21, R17).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Loss {
    Money(Decimal),
    PercentOfBalance(Decimal),
}

/// A loss after which the strategy opens nothing more in that period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LossLimit {
    pub period: Period,
    pub most: Loss,
}

/// A smaller volume while the strategy's results are far below their best.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// Begins when results are so many per cent of the balance below their best.
    pub drawdown_percent: Decimal,
    /// The factor on the volume; between 0 and 1.
    pub factor: Decimal,
    /// Ends after so many positions in a row were closed at a profit; the next loss begins it again.
    pub wins: u32,
}

impl Recovery {
    pub fn is_on(&self, record: &TrackRecord, balance: Decimal) -> bool {
        let limit = balance.max(Decimal::ZERO) * self.drawdown_percent / Decimal::ONE_HUNDRED;
        record.drawdown > Decimal::ZERO
            && record.drawdown >= limit
            && record.wins_in_row < self.wins
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Limits {
    pub losses: Vec<LossLimit>,
    pub daily_trades: Option<u32>,
    pub losses_in_row: Option<u32>,
    /// Open positions in the symbol, of every strategy of this program.
    pub in_symbol: Option<u32>,
    /// Open positions of this program at all: none is known to be uncorrelated.
    pub at_all: Option<u32>,
}

impl Limits {
    /// Whether a loss is limited in per cent of the balance.
    pub fn need_balance(&self) -> bool {
        let mut losses = self.losses.iter();
        losses.any(|limit| matches!(limit.most, Loss::PercentOfBalance(_)))
    }

    pub(super) fn words(&self, language: Language) -> Vec<String> {
        let mut parts = Vec::new();
        for limit in &self.losses {
            let period = limit.period.words(language);
            let amount = match limit.most {
                Loss::Money(money) => tell!(language;
                    "{money} in account currency";
                    "{money} dalam mata uang akun"),
                Loss::PercentOfBalance(percent) => {
                    tell!(language; "{percent} % of the balance"; "{percent} % dari saldo")
                }
            };
            parts.push(tell!(language;
                "opens nothing more {period} that has lost {amount}";
                "tidak membuka posisi lagi {period} setelah rugi {amount}"));
        }
        if let Some(most) = self.daily_trades {
            parts.push(tell!(language;
                "opens at most {most} positions a day (UTC)";
                "membuka maksimal {most} posisi per hari (UTC)"));
        }
        if let Some(most) = self.losses_in_row {
            parts.push(tell!(language;
                "opens nothing more on a day (UTC) after {most} losses in a row";
                "tidak membuka posisi lagi pada hari itu (UTC) setelah {most} kali rugi berturut-turut"));
        }
        if let Some(most) = self.in_symbol {
            parts.push(tell!(language;
                "opens nothing while {most} positions of all strategies are open in the symbol";
                "tidak membuka posisi selama ada {most} posisi terbuka dari semua strategi di simbol ini"));
        }
        if let Some(most) = self.at_all {
            parts.push(tell!(language;
                "opens nothing while {most} positions of all strategies are open, as any two may be correlated";
                "tidak membuka posisi selama ada {most} posisi terbuka dari semua strategi, karena dua posisi mana pun bisa berkorelasi"));
        }
        parts
    }

    /// The first limit that is reached.
    fn check(&self, view: &MarketView<'_>) -> Result<(), String> {
        let record = &view.record;
        let floating: Decimal = view.positions.iter().map(|position| position.profit).sum();
        for limit in &self.losses {
            let (realised, lost_percent) = match limit.period {
                Period::Day => (record.today, record.today_percent),
                Period::Week => (record.week, record.week_percent),
                Period::Month => (record.month, record.month_percent),
            };
            if let Loss::PercentOfBalance(percent) = limit.most
                && lost_percent >= percent
            {
                return Err(format!(
                    "{} loss of {} % of the balance has reached the limit of {percent} %",
                    limit.period.possessive(),
                    lost_percent.round_dp(2).normalize(),
                ));
            }
            let lost = -(realised + floating.min(Decimal::ZERO));
            let most = match limit.most {
                Loss::Money(money) => money,
                Loss::PercentOfBalance(percent) => {
                    (view.balance * percent / Decimal::ONE_HUNDRED).max(Decimal::ZERO)
                }
            };
            if lost >= most {
                return Err(format!(
                    "{} loss of {} has reached the limit of {}",
                    limit.period.possessive(),
                    lost.round_dp(2).normalize(),
                    most.round_dp(2).normalize()
                ));
            }
        }
        let reached =
            |most: Option<u32>, count: usize| most.is_some_and(|most| count >= most as usize);
        if reached(self.daily_trades, record.trades_today as usize) {
            return Err(format!(
                "has opened {} positions today, as many as it may",
                record.trades_today
            ));
        }
        if reached(self.losses_in_row, record.losses_in_row as usize) {
            return Err(format!(
                "has lost {} times in a row today and opens nothing more",
                record.losses_in_row
            ));
        }
        if reached(self.in_symbol, record.open_in_symbol) {
            return Err(format!(
                "{} positions are open in {}, as many as it allows",
                record.open_in_symbol, view.spec.name
            ));
        }
        if reached(self.at_all, record.open_at_all) {
            return Err(format!(
                "{} positions are open that may be correlated, as many as it allows",
                record.open_at_all
            ));
        }
        Ok(())
    }
}

/// Whatever forbids an entry in this direction before any filter is asked.
pub(in crate::strategy) fn check_limits(
    plan: &Plan,
    view: &MarketView<'_>,
    side: Side,
) -> Result<(), String> {
    if let Some(why) = view.entries_blocked {
        return Err(why.to_owned());
    }
    if let Some(open) = view.positions.iter().find(|position| position.side == side) {
        return Err(format!(
            "already has a {} position open ({})",
            side.name(),
            open.ticket
        ));
    }
    if view.positions.len() >= plan.sizing.max_positions as usize {
        return Err(format!(
            "has {} of at most {} positions open",
            view.positions.len(),
            plan.sizing.max_positions
        ));
    }
    plan.sizing.limits.check(view)?;
    match (view.spec.trade_mode, side) {
        (TradeMode::Full, _)
        | (TradeMode::LongOnly, Side::Buy)
        | (TradeMode::ShortOnly, Side::Sell) => Ok(()),
        _ => Err(format!(
            "the broker does not allow opening a {} position in {}",
            side.name(),
            view.spec.name
        )),
    }
}

/// Grouped rules speak of per cent, others of account currency (C21).
pub(super) fn read_limits(
    reader: &mut Reader,
    node: &Node<'_>,
    grouped: bool,
    allowances: Allowances,
) -> Limits {
    let mut limits = Limits::default();
    for (key, period) in [
        ("maxDailyLoss", Period::Day),
        ("maxWeeklyLoss", Period::Week),
        ("maxMonthlyLoss", Period::Month),
    ] {
        let most = if grouped {
            read_percent(reader, node, key).map(Loss::PercentOfBalance)
        } else {
            let money = reader.positive(node, key, Rule::DailyLoss);
            let text = match period {
                Period::Day => "a day, in account currency",
                Period::Week => "a week, in account currency",
                Period::Month => "a month, in account currency",
            };
            used(reader, node, key, text);
            money.map(Loss::Money)
        };
        limits
            .losses
            .extend(most.map(|most| LossLimit { period, most }));
    }
    limits.daily_trades = read_count(reader, node, "maxDailyTrades", "positions opened a UTC day");
    limits.losses_in_row = read_count(
        reader,
        node,
        "maxConsecutiveLosses",
        "losses in a row after which nothing more is opened on that UTC day",
    );
    limits.in_symbol = read_count(
        reader,
        node,
        "maxPositionsPerSymbol",
        "open positions of all strategies in the symbol",
    );
    limits.at_all = read_correlated(reader, node, allowances);
    if let Some(drawdown) = node.child("maxDrawdown") {
        reader.refuse(
            &drawdown.path,
            Rule::DailyLoss,
            "doesn't say whether it is money or per cent, nor from where it is counted; use maxDailyLoss, maxWeeklyLoss or maxMonthlyLoss",
        );
    }
    limits
}

/// Correlations are not computed here. The limit is kept all the same: every open position counts as correlated.
fn read_correlated(reader: &mut Reader, node: &Node<'_>, allowances: Allowances) -> Option<u32> {
    let child = node.child("maxCorrelatedPositions")?;
    let flag = node.child("correlationCheck");
    let text = "correlations are not computed here, so every open position counts as correlated";
    reader.child_informational(node, &["correlationThreshold"], text);
    if let Some(flag) = &flag {
        reader.informational(flag, text);
    }
    if allowances.without_correlation {
        let text = "correlated positions are not limited; Settings allow running without it";
        reader.skip(Reason::new(Rule::NotComputable, &child.path, text));
        return None;
    }
    read_count(reader, node, "maxCorrelatedPositions", text)
}

pub(super) fn read_recovery(reader: &mut Reader, node: &Node<'_>) -> Option<Recovery> {
    let mode = node.child("recoveryMode")?;
    if !mode.enabled() {
        reader.informational(&mode, "switched off");
        return None;
    }
    if let Some(flag) = mode.child("enabled") {
        reader.used(&flag, "switched on");
    }
    for key in ["triggerDrawdown", "reduceSizeBy", "requireWinStreak"] {
        if mode.child(key).is_none() {
            let text = format!("is switched on and has no {key:?}");
            reader.refuse(&mode.path, Rule::Volume, text);
        }
    }
    let drawdown_percent = read_percent(reader, &mode, "triggerDrawdown");
    // Per cent; below one it is taken for a fraction, which is the smaller volume of the two readings.
    let reduce = reader.positive(&mode, "reduceSizeBy", Rule::Volume);
    let reduce = reduce.map(|reduce| {
        if reduce < Decimal::ONE {
            reduce * Decimal::ONE_HUNDRED
        } else {
            reduce
        }
    });
    if let Some(reduce) = reduce.filter(|reduce| *reduce >= Decimal::ONE_HUNDRED) {
        let path = format!("{}.reduceSizeBy", mode.path);
        let text = format!("a volume smaller by {reduce} % is none");
        reader.refuse(&path, Rule::Volume, text);
        return None;
    }
    used(
        reader,
        &mode,
        "reduceSizeBy",
        "per cent by which the volume is smaller",
    );
    let wins = read_count(
        reader,
        &mode,
        "requireWinStreak",
        "profits in a row after which the volume is whole again",
    );
    Some(Recovery {
        drawdown_percent: drawdown_percent?,
        factor: Decimal::ONE - reduce? / Decimal::ONE_HUNDRED,
        wins: wins?,
    })
}
