//! The money of a replay: the balance, what a UTC day has realised, and how far equity fell.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::core::StrategyLedger;
use crate::market::{Side, SymbolSpec, number_of};
use crate::strategy::TrackRecord;

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub balance: Decimal,
    /// The same, for curves.
    pub balance_f: f64,
    day: i64,
    realised: Decimal,
    /// What limits by week, month, trades and runs of losses are judged by.
    pub ledger: StrategyLedger,
    peak: f64,
    /// The deepest fall below this very peak.
    fall: f64,
    pub drawdown: Drawdown,
    /// When nothing was left; from then on nothing is opened.
    pub empty_since: Option<Timestamp>,
}

/// The deepest fall of equity below its highest point, by the closes of bars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Drawdown {
    /// In account currency.
    pub money: f64,
    /// Of that highest point.
    pub percent: f64,
    pub at: Option<Timestamp>,
}

impl Account {
    pub fn new(balance: Decimal) -> Self {
        let balance_f = number_of(balance);
        Self {
            balance,
            balance_f,
            day: i64::MIN,
            realised: Decimal::ZERO,
            ledger: StrategyLedger::default(),
            peak: balance_f,
            fall: 0.0,
            drawdown: Drawdown::default(),
            empty_since: None,
        }
    }

    pub fn book(&mut self, net: Decimal, at: Timestamp) {
        self.turn_to(at);
        self.realised += net;
        self.balance += net;
        self.balance_f = number_of(self.balance);
    }

    /// What has been done up to this moment; open positions are not counted here.
    pub fn record(&mut self, at: Timestamp) -> TrackRecord {
        self.turn_to(at);
        self.ledger.record(at, self.realised)
    }

    fn turn_to(&mut self, at: Timestamp) {
        let day = at.as_second().div_euclid(86_400);
        if day != self.day {
            self.day = day;
            self.realised = Decimal::ZERO;
        }
    }

    /// Takes the equity at a bar's close and gives how far it is below its highest point.
    pub fn mark(&mut self, equity: f64, at: Timestamp) -> f64 {
        if equity <= 0.0 {
            self.empty_since.get_or_insert(at);
        }
        if equity > self.peak {
            self.peak = equity;
            self.fall = 0.0;
        }
        let fall = self.peak - equity;
        if fall > self.fall {
            self.fall = fall;
            self.deepen(fall, at);
        }
        fall
    }

    /// The equity is further below its highest point than it was since.
    fn deepen(&mut self, fall: f64, at: Timestamp) {
        if fall > self.drawdown.money {
            self.drawdown.money = fall;
            self.drawdown.at = Some(at);
        }
        if self.peak > 0.0 {
            self.drawdown.percent = self.drawdown.percent.max(fall / self.peak * 100.0);
        }
    }
}

/// What closing so much at this price brings, in account currency, to the cent.
pub(super) fn profit(
    side: Side,
    open: Decimal,
    close: Decimal,
    volume: Decimal,
    spec: &SymbolSpec,
) -> Decimal {
    let rise = match side {
        Side::Buy => close - open,
        Side::Sell => open - close,
    };
    rise.checked_div(spec.tick_size)
        .and_then(|ticks| ticks.checked_mul(spec.tick_value)?.checked_mul(volume))
        .unwrap_or_default()
        .round_dp(2)
}
