//! Lines of the EA become typed values or errors that name the field; decimals are exact.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::market::{Execution, TradeMode};

fn read(line: &str) -> Received {
    Received::read(&Line::parse(line.replace(' ', "\t").as_bytes()).unwrap())
}

const SYM: &str = "SYM q=9 t=1 id=3 name=XAUUSD.r path=Metals\\\\XAUUSD.r desc=Gold digits=2 point=0.01 tick_size=0.05 \
    tick_value=1.00 tick_value_profit=1.00 tick_value_loss=1.01 contract=100 vmin=0.01 vmax=50 vstep=0.01 vlimit=5 stops=20 \
    freeze=3 exe=exchange fill=2 orders=63 exp=15 gtc=0 mode=long calc=0 base=XAU profit=USD margin=XAU swap_long=-1 \
    swap_short=1 m1lot=4800 tsess=1:60:0,5:0:1380 qsess=1:0:1440";

#[test]
fn a_symbol_has_everything_that_orders_need() {
    let line = SYM.split_whitespace().collect::<Vec<_>>().join(" ");
    let received = read(&line);
    assert_eq!((received.sequence, received.id), (Some(9), Some(3)));
    let Ok(Body::Symbol(symbol)) = received.body else {
        panic!("{received:?}");
    };
    let spec = symbol.spec;
    assert_eq!(spec.terms.path, r"Metals\XAUUSD.r");
    assert_eq!(spec.trade_mode, TradeMode::LongOnly);
    assert_eq!(spec.terms.execution, Execution::Exchange);
    assert_eq!(spec.tick_size, "0.05".parse().unwrap());
    // The value that risk is reckoned with is the loss side's.
    assert_eq!(spec.tick_value, "1.01".parse().unwrap());
    let sessions = spec.terms.sessions.unwrap();
    assert_eq!(
        (sessions.len(), sessions[1].day, sessions[1].to),
        (2, 5, 1_380)
    );
    // The end of the day is an end, not the beginning.
    assert_eq!(sessions[0].to, 1_440);
}

#[test]
fn an_error_names_the_line_the_field_and_the_value() {
    let line = SYM.split_whitespace().collect::<Vec<_>>().join(" ");
    for (from, to, error) in [
        (
            "vstep=0.01",
            "vstep=0",
            "SYM: vstep is \"0\", not above zero",
        ),
        (
            "point=0.01",
            "point=1e-2",
            "SYM: point is \"1e-2\", not a decimal number",
        ),
        (
            "mode=long",
            "mode=odd",
            "SYM: mode is \"odd\", not a trade mode",
        ),
        (" exe=exchange", "", "SYM has no exe"),
        (
            "tsess=1:60:0",
            "tsess=7:0:1",
            "SYM: tsess is \"7:0:1,5:0:1380\", not sessions as day:from:to",
        ),
    ] {
        assert_eq!(
            read(&line.replace(from, to)).body.unwrap_err().to_string(),
            error
        );
    }
    for (line, error) in [
        (
            "HB q=1 t=1 n=-1",
            "HB: n is \"-1\", not a whole number that fits",
        ),
        (
            "FLAGS q=1 t=1 login=1 connected=2",
            "FLAGS: connected is \"2\", not 0 or 1",
        ),
        ("NEWS q=1 t=1", "the type NEWS is not one of this version"),
        (
            "RES q=1 t=1 id=1 cid=1 ok=1 retcode=10009 stage=maybe",
            "RES: stage is \"maybe\", not done, sent or refused",
        ),
    ] {
        assert_eq!(read(line).body.unwrap_err().to_string(), error, "{line}");
    }
}

#[test]
fn money_and_prices_are_exact_and_magics_whole() {
    let received = read(
        "POS q=1 t=1 id=1 ticket=18446744073709551615 ident=7 sym=EURUSD side=sell vol=0.30 open=1.10003 sl=0.00000 \
         tp=1.05000 price=1.1 profit=-0.10 swap=-0.20 magic=-2 comment= ms=0 reason=expert"
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .as_str(),
    );
    let Ok(Body::Position(line)) = received.body else {
        panic!("{received:?}");
    };
    let position = line.position_at(0);
    assert_eq!(position.volume.to_string(), "0.30");
    assert_eq!(position.profit, "-0.30".parse().unwrap());
    assert_eq!(position.stop_loss, None);
    // Somebody else's number may have its top bit set; MetaTrader shows it as a negative one.
    assert_eq!(position.magic, u64::MAX - 1);
    assert!(!position.is_own());
}

#[test]
fn another_version_is_read_as_far_as_its_number() {
    let received = read("HELLO q=1 t=1 proto=9 ea=7.0 whatever=x");
    assert!(
        matches!(received.body, Ok(Body::Hello(hello)) if hello.proto == 9 && hello.ea == "7.0")
    );
}

proptest! {
    #[test]
    fn any_line_of_any_type_is_read_or_named(
        kind in "(HELLO|AUTH|HB|BUSY|TIME|FLAGS|ACC|LOG|ERR|BYE|SYM|RATE|BAR|TICK|POS|ORD|DEAL|TXN|FOUND|RES|END|X)",
        fields in prop::collection::btree_map(
            "(q|id|n|cid|name|sym|ticket|vol|price|stage|where|ok|retcode|time|o|h|l|c|tf|mode|digits|point|tsess|ms|side|type)",
            "[-0-9.a-zA-Z:,_+]{0,24}",
            0..14,
        ),
    ) {
        let mut line = kind;
        for (key, value) in fields {
            line.push_str(&format!("\t{key}={value}"));
        }
        let received = Received::read(&Line::parse(line.as_bytes()).unwrap());
        if let Err(error) = received.body {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}

/// More than money can be: sums of such numbers would not fit.
#[test]
fn numbers_beyond_all_money_are_refused() {
    let most = "79228162514264337593543950335";
    for (kind, line) in [
        (
            "POS",
            super::super::session::tests::position(7, &format!("profit={most} swap={most}")),
        ),
        (
            "DEAL",
            format!(
                "ticket=7 type=buy entry=out profit={most} swap={most} commission={most} magic=1 ms=1"
            ),
        ),
        (
            "DEAL",
            "ticket=7 type=buy entry=out profit=-1000000000000001 magic=1 ms=1".to_owned(),
        ),
    ] {
        let received = read(&format!("{kind} q=1 t=1 {line}"));
        assert!(received.body.is_err(), "{received:?}");
    }
}
