//! Every refusal a trader can meet before an order leaves, and that nothing else is refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::market::{Execution, Session};

fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn eurusd() -> SymbolSpec {
    SymbolSpec {
        name: "EURUSD".to_owned(),
        digits: 5,
        point: d("0.00001"),
        tick_size: d("0.00005"),
        tick_value: Decimal::ONE,
        contract_size: d("100000"),
        volume_min: d("0.02"),
        volume_max: d("50"),
        volume_step: d("0.02"),
        stops_level: 20,
        trade_mode: TradeMode::Full,
        currency_base: "EUR".to_owned(),
        currency_profit: "USD".to_owned(),
        margin_per_lot: d("1100"),
        terms: SymbolTerms::default(),
    }
}

fn position(ticket: u64, opened: i64) -> Position {
    Position {
        price: Decimal::ZERO,
        ticket: Ticket(ticket),
        symbol: "EURUSD".to_owned(),
        side: Side::Buy,
        volume: d("0.1"),
        open_price: d("1.1"),
        stop_loss: Some(d("1.09990")),
        take_profit: None,
        profit: Decimal::ZERO,
        magic: 0,
        comment: String::new(),
        opened_at: jiff::Timestamp::from_second(opened).unwrap(),
    }
}

struct Case {
    spec: SymbolSpec,
    quote: Option<(Quote, u64)>,
    book: Book,
    fifo: bool,
}

impl Case {
    fn new() -> Self {
        Self {
            spec: eurusd(),
            quote: Some((
                Quote {
                    bid: d("1.1"),
                    ask: d("1.1001"),
                    time: jiff::Timestamp::UNIX_EPOCH,
                },
                100,
            )),
            book: Book {
                revision: 1,
                positions: vec![position(1, 10), position(2, 20)],
                ..Book::default()
            },
            fifo: false,
        }
    }

    fn code(&self, action: &IntentAction) -> i32 {
        let view = View {
            spec: Some(&self.spec),
            quote: self.quote,
            book: Some(&self.book),
            broker_seconds: 0,
            margin_mode: MarginMode::Hedging,
            fifo: self.fifo,
        };
        check(action, &view).map_or_else(
            |refusal| {
                assert!(!refusal.message.is_empty());
                refusal.retcode
            },
            |()| 0,
        )
    }
}

fn buy(volume: &str, stop_loss: &str, take_profit: &str) -> IntentAction {
    let level = |text: &str| (!text.is_empty()).then(|| d(text));
    IntentAction::Open {
        symbol: "EURUSD".to_owned(),
        side: Side::Buy,
        volume: d(volume),
        stop_loss: level(stop_loss),
        take_profit: level(take_profit),
        deviation: 10,
    }
}

#[test]
fn volumes_and_levels_of_an_entry() {
    let case = Case::new();
    for (volume, stop_loss, take_profit, code) in [
        ("0.02", "1.09800", "1.10200", 0),
        ("0.02", "1.09980", "", 0),
        ("0.02", "", "", 0),
        ("0.01", "1.098", "", 10_014),
        ("0.03", "1.098", "", 10_014),
        ("50.02", "1.098", "", 10_014),
        // On the digits and not on the ticks.
        ("0.02", "1.09801", "", 10_015),
        ("0.02", "-1", "", 10_015),
        // 15 points where 20 are asked for, and the wrong side.
        ("0.02", "1.09985", "", 10_016),
        ("0.02", "1.10100", "", 10_016),
        ("0.02", "1.098", "1.09900", 10_016),
    ] {
        assert_eq!(
            case.code(&buy(volume, stop_loss, take_profit)),
            code,
            "{volume} {stop_loss} {take_profit}"
        );
    }
}

#[test]
fn what_the_broker_does_not_allow_in_a_symbol() {
    let with = |change: fn(&mut SymbolSpec)| {
        let mut case = Case::new();
        change(&mut case.spec);
        case.code(&buy("0.02", "1.098", "1.102"))
    };
    assert_eq!(with(|spec| spec.trade_mode = TradeMode::Disabled), 10_017);
    assert_eq!(with(|spec| spec.trade_mode = TradeMode::CloseOnly), 10_044);
    assert_eq!(with(|spec| spec.trade_mode = TradeMode::ShortOnly), 10_043);
    assert_eq!(with(|spec| spec.trade_mode = TradeMode::LongOnly), 0);
    assert_eq!(with(|spec| spec.terms.orders = 127 - 1), 10_035);
    assert_eq!(with(|spec| spec.terms.orders = 127 - 16), 10_035);
    assert_eq!(with(|spec| spec.terms.orders = 127 - 32), 10_035);
    // Two positions of 0.1 are held.
    assert_eq!(with(|spec| spec.terms.volume_limit = d("0.21")), 10_034);
    assert_eq!(with(|spec| spec.terms.volume_limit = d("0.22")), 0);
    // The epoch's first day was a Thursday.
    assert_eq!(
        with(|spec| spec.terms.sessions = Some(vec![Session {
            day: 5,
            from: 60,
            to: 1_440
        }])),
        10_018
    );
}

#[test]
fn a_closed_market_says_when_it_opens() {
    let mut spec = eurusd();
    spec.terms.sessions = Some(vec![Session {
        day: 5,
        from: 65,
        to: 1_440,
    }]);
    let refusal = session(&spec, 0).unwrap_err();
    assert_eq!(
        refusal.message,
        "the market for EURUSD is closed and opens in 25 h 5 min"
    );
}

#[test]
fn an_entry_needs_a_fresh_price_and_an_exit_does_not() {
    let mut case = Case::new();
    case.quote = case.quote.map(|(quote, _)| (quote, 60_001));
    assert_eq!(case.code(&buy("0.02", "1.098", "")), 10_021);
    let close = IntentAction::Close {
        ticket: Ticket(1),
        volume: None,
    };
    assert_eq!(case.code(&close), 0);
}

#[test]
fn closing_is_held_up_by_nothing_but_its_volume_and_fifo() {
    let mut case = Case::new();
    case.spec.trade_mode = TradeMode::CloseOnly;
    case.spec.terms.sessions = Some(vec![Session {
        day: 5,
        from: 0,
        to: 1,
    }]);
    let close = |ticket, volume: Option<&str>| IntentAction::Close {
        ticket: Ticket(ticket),
        volume: volume.map(d),
    };
    assert_eq!(case.code(&close(2, None)), 0);
    assert_eq!(case.code(&close(2, Some("0.02"))), 0);
    assert_eq!(case.code(&close(2, Some("0.03"))), 10_014);
    assert_eq!(case.code(&close(2, Some("0.12"))), 10_038);
    // Unknown here: the terminal decides.
    assert_eq!(case.code(&close(9, Some("0.12"))), 0);
    case.fifo = true;
    assert_eq!(case.code(&close(2, None)), 10_045);
    assert_eq!(case.code(&close(1, None)), 0);
}

#[test]
fn levels_are_not_moved_within_the_freeze_level() {
    let mut case = Case::new();
    let modify = |stop_loss: &str| IntentAction::Modify {
        ticket: Ticket(1),
        stop_loss: LevelChange::At(d(stop_loss)),
        take_profit: LevelChange::Remove,
    };
    assert_eq!(case.code(&modify("1.09900")), 0);
    assert_eq!(case.code(&modify("1.09995")), 10_016);
    // The present stop is 10 points away.
    case.spec.terms.freeze_level = 10;
    assert_eq!(case.code(&modify("1.09900")), 10_029);
    case.spec.terms.freeze_level = 9;
    assert_eq!(case.code(&modify("1.09900")), 0);
}

#[test]
fn a_share_of_the_margin_stays_free() {
    let reserve = MarginReserve { percent: 20 };
    assert!(reserve.check(d("1000"), d("200")).is_ok());
    let refusal = reserve.check(d("1000"), d("199.99")).unwrap_err();
    assert_eq!(refusal.retcode, 10_019);
}

#[test]
fn filling_follows_the_mask_and_learns_from_refusals() {
    let with = |filling, execution| {
        let mut spec = eurusd();
        spec.terms.filling = filling;
        spec.terms.execution = execution;
        Fillings::default().choose(&spec)
    };
    assert_eq!(with(3, Execution::Market), FillMode::Kill);
    assert_eq!(with(2, Execution::Market), FillMode::Cancel);
    assert_eq!(with(0, Execution::Exchange), FillMode::Return);
    assert_eq!(with(0, Execution::Instant), FillMode::Kill);

    let mut spec = eurusd();
    spec.terms.filling = SymbolTerms::IMMEDIATE_OR_CANCEL;
    let mut fillings = Fillings::default();
    assert_eq!(
        fillings.refuse(&spec, FillMode::Cancel),
        Some(FillMode::Kill)
    );
    assert_eq!(fillings.choose(&spec), FillMode::Kill);
    assert_eq!(
        fillings.refuse(&spec, FillMode::Kill),
        Some(FillMode::Return)
    );
    assert_eq!(fillings.refuse(&spec, FillMode::Return), None);
    assert_eq!(fillings.choose(&spec), FillMode::Cancel);
}
