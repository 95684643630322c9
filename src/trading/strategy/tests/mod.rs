//! Outcomes that a trader would check: what a plan says, when it enters, what it refuses.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod any_filter;
mod any_plan;
mod batches;
mod choices;
mod clauses;
mod closes;
mod closing;
mod correlation;
mod decisions;
mod exit_properties;
mod exits;
mod filters;
mod indicators;
mod languages;
mod levels;
mod limits;
mod market_filters;
mod mirrored_halves;
mod news;
mod panels;
mod partial_exits;
mod plans;
mod properties;
mod refusals;
mod refused_exits;
mod several_timeframes;
mod sizing;
mod standing;
mod switches;
mod times;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::{
    Adjustment, Allowances, Decision, Evaluation, MarketView, Opened, Panel, Peer, Plan,
    PlanRefusal, PlanRequest, PositionView, Program, Touch, TrackRecord, evaluate, manage,
    next_touch, plan,
};
use crate::market::{Bar, Position, Quote, Side, SymbolSpec, Ticket, Timeframe, TradeMode};

/// Monday 2026-03-02, 08:00 UTC: London has just opened.
const MONDAY: i64 = 1_772_438_400;

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

macro_rules! stored {
    ($name:literal) => {
        include_str!(concat!(
            "../../../../tests/fixtures/strategies/",
            $name,
            ".json"
        ))
    };
}

fn fixture(name: &str) -> Value {
    let text = match name {
        "quarter_hour_scalper" => stored!("quarter_hour_scalper"),
        "oversold_demo" => stored!("oversold_demo"),
        "oversold_form" => stored!("oversold_form"),
        "both_ways_in_one_list" => stored!("both_ways_in_one_list"),
        "gold_with_everything" => stored!("gold_with_everything"),
        "bitcoin_on_weekends" => stored!("bitcoin_on_weekends"),
        other => panic!("no fixture {other}"),
    };
    serde_json::from_str(text).unwrap()
}

fn planned(row: &Value, local: Option<Side>) -> Result<Plan, PlanRefusal> {
    plan(&PlanRequest {
        rules: &row["rules"],
        settings: &row["settings"],
        options: &Value::Null,
        symbol: row["symbol"].as_str().unwrap(),
        timeframe: row["timeframe"].as_str().unwrap(),
        local_direction: local,
        allowances: Allowances::default(),
    })
}

fn rules_planned(rules: &Value, local: Option<Side>) -> Result<Plan, PlanRefusal> {
    plan(&PlanRequest {
        rules,
        settings: &Value::Null,
        options: &Value::Null,
        symbol: "EURUSD",
        timeframe: "M15",
        local_direction: local,
        allowances: Allowances::default(),
    })
}

/// Complete rules around these entry rules.
fn rules_with(entry: &Value) -> Value {
    serde_json::json!({
        "entry": entry,
        "exit": { "stopLoss": { "type": "pips", "value": 20 }, "takeProfit": { "type": "pips", "value": 30 } },
        "riskManagement": { "lotSize": 0.1, "maxPositions": 2 },
    })
}

fn eurusd() -> SymbolSpec {
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

/// Closed bars with these closes, a range of `range` around each, the last one closing at `close_at`.
fn bars(closes: &[f64], timeframe: Timeframe, close_at: i64, range: f64) -> Vec<Bar> {
    let count = i64::try_from(closes.len()).unwrap();
    closes
        .iter()
        .zip(0_i64..)
        .map(|(close, index)| Bar {
            time: Timestamp::from_second(close_at - (count - index) * timeframe.seconds()).unwrap(),
            open: *close,
            high: close + range / 2.0,
            low: close - range / 2.0,
            close: *close,
            tick_volume: 100,
        })
        .collect()
}

/// What `plan` decides right at the close of the last bar, on a quiet account.
fn decide(plan: &Plan, bars: &[Bar]) -> Evaluation {
    decide_with(plan, bars, |_| {})
}

fn decide_with(plan: &Plan, bars: &[Bar], change: impl FnOnce(&mut MarketView<'_>)) -> Evaluation {
    decide_beside(plan, bars, &[], change)
}

fn decide_beside(
    plan: &Plan,
    bars: &[Bar],
    peers: &[Peer],
    change: impl FnOnce(&mut MarketView<'_>),
) -> Evaluation {
    let spec = eurusd();
    let last = bars.last().unwrap();
    let market_time =
        Timestamp::from_second(last.time.as_second() + plan.timeframe().seconds()).unwrap();
    let bid = Decimal::try_from(last.close)
        .unwrap_or(Decimal::ONE)
        .round_dp(5);
    let mut panel = Panel::new(plan.timeframe());
    let program = Program::new(plan, &mut panel);
    panel.load(&[(plan.timeframe(), bars)], 0);
    let mut view = MarketView {
        panel: &panel,
        program: &program,
        quote: Quote {
            bid,
            ask: bid + decimal("0.00010"),
            time: market_time,
        },
        spec: &spec,
        positions: &[],
        market_time,
        balance: decimal("10000"),
        record: TrackRecord::default(),
        news: None,
        peers,
        entries_blocked: None,
    };
    change(&mut view);
    evaluate(plan, &view)
}

/// An open position's view of the market.
struct Scene {
    plan: Plan,
    panel: Panel,
    program: Program,
    spec: SymbolSpec,
    position: Position,
    opened: Opened,
}

impl Scene {
    /// A position opened with the stop and the volume that it has.
    fn new(plan: Plan, position: Position, bars: &[Bar]) -> Self {
        let mut panel = Panel::new(plan.timeframe());
        let program = Program::new(&plan, &mut panel);
        panel.load(&[(plan.timeframe(), bars)], 0);
        let opened = Opened {
            volume: position.volume,
            stop_loss: position.stop_loss.unwrap(),
        };
        Self {
            plan,
            panel,
            program,
            spec: eurusd(),
            position,
            opened,
        }
    }

    fn view(&self) -> PositionView<'_> {
        PositionView {
            position: &self.position,
            opened: self.opened,
            spec: &self.spec,
            panel: &self.panel,
            program: &self.program,
        }
    }

    /// What the exits ask for at this bid, the ask one pip above it.
    fn at(&self, bid: &str, second: i64) -> Option<Adjustment> {
        let bid = decimal(bid);
        self.quoted(bid, bid + decimal("0.0001"), second)
    }

    fn quoted(&self, bid: Decimal, ask: Decimal, second: i64) -> Option<Adjustment> {
        let time = Timestamp::from_second(second).unwrap();
        manage(&self.plan, &self.view(), Quote { bid, ask, time }, time)
    }

    fn touch(&self) -> Touch {
        next_touch(&self.plan, &self.view())
    }
}

fn side_of(evaluation: &Evaluation) -> Option<Side> {
    match &evaluation.decision {
        Decision::Enter { side, .. } => Some(*side),
        Decision::Stay { .. } => None,
    }
}

fn why(evaluation: &Evaluation) -> &str {
    match &evaluation.decision {
        Decision::Stay { why } => why,
        entered @ Decision::Enter { .. } => panic!("expected to stay out, got {entered:?}"),
    }
}

fn position(side: Side, open_price: &str, stop_loss: Option<&str>, volume: &str) -> Position {
    Position {
        ticket: Ticket(7),
        symbol: "EURUSD".to_owned(),
        side,
        volume: decimal(volume),
        open_price: decimal(open_price),
        stop_loss: stop_loss.map(decimal),
        take_profit: None,
        price: Decimal::ZERO,
        profit: Decimal::ZERO,
        magic: 0,
        comment: String::new(),
        opened_at: Timestamp::from_second(MONDAY).unwrap(),
    }
}
