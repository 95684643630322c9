//! Histories small enough to reckon by hand, files that are broken, and outputs that must not change.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod clocks;
mod decisions;
mod fills;
mod invariants;
mod outputs;
mod peers;
mod reading;

use std::io;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{Decided, HistoryBar, Replay, Settings, Sink, Trade, Verdict, terms};
use crate::market::{Bar, Side};
use crate::strategy::{Plan, PlanRequest, plan};

/// Monday 2026-03-02, 08:00 UTC.
const MONDAY: i64 = 1_772_438_400;
const QUARTER: i64 = 900;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Opens when the close crosses above 1.1, in the direction chosen.
fn crossing(exit: &Value, side: Side) -> Plan {
    let rules = json!({
        "entry": { "logic": "AND", "conditions": [
            { "indicator": "price", "condition": "crosses_above", "value": 1.1 }
        ] },
        "exit": exit,
        "riskManagement": { "lotSize": 0.1, "maxPositions": 2 },
    });
    plan(&PlanRequest {
        rules: &rules,
        settings: &Value::Null,
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: Some(side),
        allowances: crate::strategy::Allowances::default(),
    })
    .unwrap()
}

/// A stop of 20 and a target of 30 pips.
fn plain_exit() -> Value {
    json!({
        "stopLoss": { "type": "pips", "value": 20 },
        "takeProfit": { "type": "pips", "value": 30 },
    })
}

fn settings() -> Settings {
    Settings {
        terms: terms("EURUSD", None).unwrap(),
        balance: decimal("10000"),
        spread_pips: Some(Decimal::ONE),
        commission: Decimal::ZERO,
        from: None,
        to: None,
        news: None,
    }
}

fn bar(number: i64, [open, high, low, close]: [f64; 4]) -> HistoryBar {
    HistoryBar {
        bar: Bar {
            time: Timestamp::from_second(MONDAY + number * QUARTER).unwrap(),
            open,
            high,
            low,
            close,
            tick_volume: 100,
        },
        spread_points: None,
        offset_s: 0,
    }
}

#[derive(Debug, Default)]
struct Kept {
    trades: Vec<Trade>,
    verdicts: Vec<(i64, Verdict)>,
}

impl Sink for Kept {
    fn traded(&mut self, trade: &Trade) -> io::Result<()> {
        self.trades.push(trade.clone());
        Ok(())
    }

    fn decided(&mut self, decided: &Decided<'_>) -> io::Result<()> {
        let number = (decided.bar.time.as_second() - MONDAY) / QUARTER;
        self.verdicts.push((number, decided.verdict.clone()));
        Ok(())
    }
}

/// Three bars of which the last one crosses above 1.1, then these.
fn after_a_cross(plan: Plan, settings: Settings, bars: &[[f64; 4]]) -> Kept {
    let before = [
        [1.0990, 1.0992, 1.0988, 1.0991],
        [1.0991, 1.0996, 1.0990, 1.0995],
        [1.0995, 1.1006, 1.0994, 1.1005],
    ];
    let mut replay = Replay::new(plan, settings);
    let mut kept = Kept::default();
    for (number, prices) in (0..).zip(before.iter().chain(bars)) {
        assert!(replay.push(&bar(number, *prices), &mut kept).unwrap());
    }
    replay.finish(&mut kept).unwrap();
    kept
}
