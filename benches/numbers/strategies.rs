//! A bar closes and every strategy on it decides: how long the core takes for 10, 100 and 1,000 of them.

use std::time::Duration;

use fx_executor::core::snapshot::Counts;
use fx_executor::core::snapshot::Source;
use fx_executor::core::{Config, Delivery, Durable, Effect, Event, Now, State, step};
use fx_executor::market::{
    Account, Bar, Book, MarginMode, Outcome, Permissions, Quote, Refusal, RefusalClass, SymbolSpec,
    SymbolTerms, TerminalEvent, TerminalRequest, Timeframe, TradeMode,
};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::json;

use crate::measure::{nanos, percentile, since};
use crate::table::{Row, shown};

const SYMBOL: &str = "EURUSD";
const QUARTER: SignedDuration = SignedDuration::from_mins(15);

pub fn rows(quick: bool) -> Vec<Row> {
    let bars = if quick { 60 } else { 400 };
    let [ten, hundred, thousand] = [10, 100, 1_000].map(|count| closed_bars(count, bars));
    let each = |times: &[Duration]| percentile(times, 0.5);
    let growth = each(&thousand).as_secs_f64() / each(&hundred).as_secs_f64();
    vec![
        Row {
            what: "1,000 strategies when one bar closes, p50 / p99".to_owned(),
            must_be: "< 20 ms, linear from 10".to_owned(),
            ours: format!(
                "{} / {}",
                shown(each(&thousand)),
                shown(percentile(&thousand, 0.99))
            ),
            theirs: format!("10: {}, 100: {}", shown(each(&ten)), shown(each(&hundred))),
            ratio: format!("1,000 : 100 = {growth:.1}"),
            holds: percentile(&thousand, 0.99) < Duration::from_millis(20) && growth < 15.0,
            how: format!(
                "{bars} closed bars through the core's step with N strategies of EURUSD M15 (20 different sets of averages, RSI, ATR and spread filters), every condition explained"
            ),
        },
        Row {
            what: "bar closed -> intent, 100 strategies, p99".to_owned(),
            must_be: "< 1 ms".to_owned(),
            ours: shown(percentile(&hundred, 0.99)),
            theirs: String::new(),
            ratio: String::new(),
            holds: percentile(&hundred, 0.99) < Duration::from_millis(1),
            how: "the same step: all decisions and the intents that come of them".to_owned(),
        },
    ]
}

/// Times of the step that a closed bar takes.
fn closed_bars(strategies: usize, bars: usize) -> Vec<Duration> {
    let mut desk = Desk::with(strategies);
    (0..bars).map(|_| desk.bar_closes()).collect()
}

struct Desk {
    state: State,
    now: Now,
    price: f64,
    rng: fastrand::Rng,
}

impl Desk {
    fn with(strategies: usize) -> Self {
        let now = Now {
            mono: Duration::ZERO,
            utc: "2026-03-02T08:00:00Z".parse().unwrap(),
        };
        let state = State::new(
            Durable::default(),
            Config::default(),
            Vec::new(),
            Counts::default(),
            now,
        );
        let mut desk = Self {
            state,
            now,
            price: 1.1,
            rng: fastrand::Rng::with_seed(7),
        };
        desk.happens(Event::Started);
        desk.happens(Event::OwnerLearned {
            user_id: "owner".to_owned(),
        });
        desk.happens(Event::Terminal(TerminalEvent::Up {
            account: account(),
            permissions: Permissions::ALL,
            symbols: vec![eurusd()],
        }));
        for number in 0..strategies {
            desk.start(number);
        }
        desk
    }

    fn happens(&mut self, event: Event) {
        let effects = step(&mut self.state, event, self.now).effects;
        self.follow(effects);
    }

    /// The terminal answers at once; every order is refused, so that strategies go on deciding.
    fn follow(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Terminal(TerminalRequest::SendBook) => {
                    self.happens(Event::Terminal(TerminalEvent::Book(Book {
                        revision: 1,
                        ..Book::default()
                    })));
                }
                Effect::Terminal(TerminalRequest::Watch {
                    symbol,
                    timeframe,
                    history,
                }) => {
                    let bars = self.history(history);
                    self.happens(Event::Terminal(TerminalEvent::Bars {
                        symbol,
                        timeframe,
                        bars,
                    }));
                }
                Effect::Terminal(TerminalRequest::Submit(intent)) => {
                    self.happens(Event::Terminal(TerminalEvent::Answer {
                        cid: intent.cid,
                        outcome: Outcome::Refused(Refusal {
                            retcode: 10_006,
                            class: RefusalClass::Permission,
                            message: "Request rejected".to_owned(),
                        }),
                    }));
                }
                _ => {}
            }
        }
    }

    fn history(&mut self, count: usize) -> Vec<Bar> {
        let count = i64::try_from(count).unwrap();
        (0..count)
            .map(|at| self.bar(self.now.utc - QUARTER * i32::try_from(count - at).unwrap()))
            .collect()
    }

    fn bar(&mut self, time: Timestamp) -> Bar {
        let open = self.price;
        self.price = open + (self.rng.f64() - 0.5) * 0.002;
        let close = self.price;
        Bar {
            time,
            open,
            high: open.max(close) + 0.0003,
            low: open.min(close) - 0.0003,
            close,
            tick_volume: 100,
        }
    }

    fn start(&mut self, number: usize) {
        let (fast, slow) = (5 + number % 20, 30 + 2 * (number % 20));
        let cross = |direction: &str, operator: &str, rsi: &str| {
            json!({ "indicator": format!("ema_{fast}"), "condition": operator, "value": format!("ema_{slow}"),
                "description": direction, "and": { "indicator": "rsi", "condition": rsi, "value": 50 } })
        };
        let rules = json!({
            "entry": { "logic": "OR", "conditions": [
                cross("BUY", "crosses_above", "greater_than"),
                cross("SELL", "crosses_below", "less_than"),
            ] },
            "exit": { "stopLoss": { "type": "pips", "value": 20 }, "takeProfit": { "type": "pips", "value": 30 } },
            "riskManagement": { "lotSize": 0.1, "maxPositions": 2 },
            "spreadFilter": { "enabled": true, "maxSpread": 2 },
            "volatilityFilter": { "enabled": true, "minATR": 1, "maxATR": 100 },
        });
        let made = self.now.utc;
        let envelope = json!({
            "id": format!("start-{number}"), "command": "START_STRATEGY", "createdAt": made,
            "metadata": { "userId": "owner" },
            "parameters": { "strategyId": format!("s{number}"), "strategyName": format!("S {number}"),
                "symbol": SYMBOL, "timeframe": "M15", "rules": rules, "settings": {}, "options": {} },
        });
        self.happens(Event::Delivered(Delivery {
            source: Source::Pusher,
            raw: envelope.to_string(),
        }));
    }

    fn bar_closes(&mut self) -> Duration {
        let bar = self.bar(self.now.utc);
        self.now.utc += QUARTER;
        self.now.mono += Duration::from_mins(15);
        let bid = Decimal::try_from(bar.close).unwrap().round_dp(5);
        self.happens(Event::Terminal(TerminalEvent::Quote {
            symbol: SYMBOL.to_owned(),
            quote: Quote {
                bid,
                ask: bid + Decimal::new(10, 5),
                time: self.now.utc,
            },
        }));
        let event = Event::Terminal(TerminalEvent::BarClosed {
            symbol: SYMBOL.to_owned(),
            timeframe: Timeframe::M15,
            bar,
        });
        let begun = nanos();
        let step = step(&mut self.state, event, self.now);
        let took = since(begun);
        let decided = step
            .effects
            .iter()
            .filter(|effect| matches!(effect, Effect::Decided(_)))
            .count();
        assert!(decided > 0, "nobody decided");
        self.follow(step.effects);
        took
    }
}

fn account() -> Account {
    let money = Decimal::from(10_000);
    Account {
        login: 1,
        server: "Bench".to_owned(),
        company: String::new(),
        currency: "USD".to_owned(),
        demo: true,
        margin_mode: MarginMode::Hedging,
        balance: money,
        equity: money,
        margin: Decimal::ZERO,
        margin_free: money,
    }
}

fn eurusd() -> SymbolSpec {
    SymbolSpec {
        name: SYMBOL.to_owned(),
        digits: 5,
        point: Decimal::new(1, 5),
        tick_size: Decimal::new(1, 5),
        tick_value: Decimal::ONE,
        contract_size: Decimal::from(100_000),
        volume_min: Decimal::new(1, 2),
        volume_max: Decimal::from(50),
        volume_step: Decimal::new(1, 2),
        stops_level: 0,
        trade_mode: TradeMode::Full,
        currency_base: "EUR".to_owned(),
        currency_profit: "USD".to_owned(),
        margin_per_lot: Decimal::ZERO,
        terms: SymbolTerms::default(),
    }
}
