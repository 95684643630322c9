//! Names as brokers give them, and what a platform's plain name means among them.
#![expect(clippy::unwrap_used, reason = "tests")]

use rust_decimal::Decimal;

use super::*;
use crate::market::SymbolTerms;

fn spec(name: &str, base: &str, profit: &str, mode: TradeMode) -> SymbolSpec {
    SymbolSpec {
        name: name.to_owned(),
        digits: 5,
        point: Decimal::new(1, 5),
        tick_size: Decimal::new(1, 5),
        tick_value: Decimal::ONE,
        contract_size: Decimal::ONE,
        volume_min: Decimal::new(1, 2),
        volume_max: Decimal::TEN,
        volume_step: Decimal::new(1, 2),
        stops_level: 0,
        trade_mode: mode,
        currency_base: base.to_owned(),
        currency_profit: profit.to_owned(),
        margin_per_lot: Decimal::ONE,
        terms: SymbolTerms::default(),
    }
}

fn broker(list: &[(&str, &str, &str, TradeMode)]) -> BTreeMap<String, SymbolSpec> {
    list.iter()
        .map(|(name, base, profit, mode)| ((*name).to_owned(), spec(name, base, profit, *mode)))
        .collect()
}

fn name(wanted: &str, list: &[(&str, &str, &str, TradeMode)]) -> Result<String, Unresolved> {
    resolve(wanted, &broker(list), &BTreeMap::new()).map(|spec| spec.name.clone())
}

use TradeMode::{CloseOnly, Disabled, Full};

#[test]
fn the_name_itself_a_suffix_a_prefix_and_an_alias() {
    for (wanted, broker) in [
        ("EURUSD", "EURUSD"),
        ("EURUSD", "EURUSDm"),
        ("eurusd", "EURUSD.raw"),
        ("EURUSD", "#EURUSD"),
        ("EURUSD", "mEURUSD+"),
        ("EUR/USD", "EURUSD"),
    ] {
        let found = name(wanted, &[(broker, "EUR", "USD", Full)]);
        assert_eq!(found.unwrap(), broker, "{wanted}");
    }
    assert_eq!(
        name("XAUUSD", &[("GOLD.i", "XAU", "USD", Full)]).unwrap(),
        "GOLD.i"
    );
    assert_eq!(
        name("GOLD", &[("XAUUSDm", "XAU", "USD", Full)]).unwrap(),
        "XAUUSDm"
    );
    assert_eq!(
        name("NAS100", &[("USTEC", "USD", "USD", Full)]).unwrap(),
        "USTEC"
    );
}

#[test]
fn a_view_only_twin_is_never_chosen() {
    let both = [
        ("EURUSD", "EUR", "USD", Disabled),
        ("EURUSD.ecn", "EUR", "USD", Full),
    ];
    assert_eq!(name("EURUSD", &both).unwrap(), "EURUSD.ecn");
    assert_eq!(
        name("EURUSD", &both[..1]),
        Err(Unresolved::ViewOnly {
            wanted: "EURUSD".to_owned(),
            name: "EURUSD".to_owned()
        })
    );
}

#[test]
fn text_alone_never_decides() {
    let list = [
        ("EURUSD", "USD", "JPY", Full),
        ("XAUEUR", "XAU", "EUR", Full),
        ("GOLDMINING", "USD", "USD", Full),
    ];
    // Exactly the broker's own name, and by its currencies another pair: the trader says whether it is meant.
    let told = name("EURUSD", &list).unwrap_err();
    assert!(matches!(told, Unresolved::Contradicted { .. }), "{told:?}");
    let map = BTreeMap::from([("EURUSD".to_owned(), "EURUSD".to_owned())]);
    assert_eq!(
        resolve("EURUSD", &broker(&list), &map).unwrap().name,
        "EURUSD"
    );
    // Where the broker tells no currencies, its name is all that there is.
    let silent = [("EURUSD", "", "", Full)];
    assert_eq!(name("EURUSD", &silent).unwrap(), "EURUSD");
    for other in [
        "XAUUSD-INV",
        "XAUUSD_Z26",
        "XAUUSD.inverse",
        "GOLDM6",
        "XAUUSDfut",
    ] {
        let list = [(other, "XAU", "USD", Full)];
        assert!(
            matches!(name("XAUUSD", &list), Err(Unresolved::Missing { .. })),
            "{other}"
        );
        assert_eq!(name(other, &list).unwrap(), other, "by its whole name");
    }
    let shifted = [("EURUSDx", "USD", "JPY", Full)];
    assert!(matches!(
        name("EURUSD", &shifted),
        Err(Unresolved::Missing { .. })
    ));
    assert!(matches!(
        name("XAUUSD", &list),
        Err(Unresolved::Missing { .. })
    ));
}

#[test]
fn a_share_or_a_contract_that_ends_is_no_metal_index_or_oil() {
    let shares = [
        ("GOLD", "#GOLD", "Stocks\\NYSE\\#GOLD", "XAUUSD.r", "XAU"),
        ("GER40", "DAX", "ETF\\Nasdaq\\DAX", "#DE40.c", "EUR"),
        ("USOIL", "#WTI", "Shares US\\#WTI", "XTIUSD", "XTI"),
        ("GOLD", "GOLD", "Stocks\\NYSE\\GOLD", "XAUUSD", "XAU"),
        ("XAUUSD", "GOLD", "Futures\\Metals\\GOLD", "XAUUSD.r", "XAU"),
        ("XAUUSD", "XAUUSD", "Futures\\XAUUSD", "XAUUSDm", "XAU"),
        ("XAUUSD", "GOLD", "NASDAQ\\GOLD", "XAUUSD.r", "XAU"),
        ("XAUUSD", "GOLD.US", "USA\\GOLD.US", "XAUUSD.r", "XAU"),
        ("GOLD", "GOLD", "USA\\Mining\\GOLD", "XAUUSD", "XAU"),
        ("XAUUSD", "GOLD", "CFD\\US\\GOLD", "XAUUSD.r", "XAU"),
        ("XAUUSD", "GOLD", "CFDs-US\\GOLD", "XAUUSD.r", "XAU"),
    ];
    for (wanted, share, path, right, base) in shares {
        let profit = if base == "EUR" { "EUR" } else { "USD" };
        let mut specs = broker(&[(share, "USD", "USD", Full), (right, base, profit, Full)]);
        if let Some(spec) = specs.get_mut(share) {
            spec.terms.path = path.to_owned();
        }
        let found = resolve(wanted, &specs, &BTreeMap::new()).map(|spec| spec.name.as_str());
        if share == wanted {
            assert!(
                matches!(found, Err(Unresolved::Ambiguous { .. })),
                "{found:?}"
            );
        } else {
            assert_eq!(found, Ok(right), "{wanted}");
        }
        // The right one may not be traded: the share is still no answer.
        if let Some(spec) = specs.get_mut(right) {
            spec.trade_mode = Disabled;
        }
        let found = resolve(wanted, &specs, &BTreeMap::new()).map(|spec| spec.name.as_str());
        assert!(share == wanted || found.is_err(), "{wanted}: {found:?}");
    }
}

/// W&T Offshore is listed as WTI, a fund as DAX, Barrick as GOLD: such a name counts where the broker says what it is, and
/// otherwise the trader is asked. Beside one of which it is certain, it is no answer.
#[test]
fn a_name_that_exchanges_give_to_shares_too_counts_where_the_broker_says_what_it_is() {
    for (wanted, broker_name, path, description, found) in [
        ("XAUUSD", "GOLD", "CFD\\GOLD", "", false),
        (
            "XAUUSD",
            "#GOLD",
            "CFD\\#GOLD",
            "Barrick Gold Corporation",
            false,
        ),
        ("XAUUSD", "GOLD", "Metals\\GOLD", "Spot gold 1 oz", true),
        ("XAUUSD", "GOLD", "Metals\\GOLD", "", true),
        ("XAUUSD", "GOLD.f", "Metals\\GOLD.f", "Gold Futures", false),
        (
            "XAGUSD",
            "#SILVER",
            "CFD\\#SILVER",
            "Silvercorp Metals Inc",
            false,
        ),
        ("USOIL", "WTI", "CFD\\US\\WTI", "", false),
        ("WTI", "WTI", "CFD\\US\\WTI", "W&T Offshore", false),
        ("USOIL", "WTI", "Energy\\US\\WTI", "W&T Offshore Inc", false),
        ("USOIL", "WTI.US", "Energy\\WTI.US", "W&T", false),
        ("USOIL", "WTI", "US\\Oil & Gas\\WTI", "", false),
        ("USOIL", "WTI", "Energies\\WTI", "", true),
        ("WTI", "WTI", "CFD\\WTI", "West Texas Intermediate", true),
        ("USOIL", "USOIL", "CFD\\USOIL", "", true),
        ("USOIL", "XTIUSD", "CFD\\XTIUSD", "", true),
        ("USOIL", "WTIf", "CFD\\WTIf", "WTI Futures, expiring", false),
        ("UKOIL", "BRENT", "CFD\\BRENT", "", false),
        ("UKOIL", "BRENT", "CFD\\BRENT", "Brent Spot", true),
        (
            "UKOIL",
            "BRENT",
            "Energies\\BRENT",
            "Brent Crude Oil Futures, expiring 31.12.2026",
            false,
        ),
        ("UKOIL", "UKBRENT", "CFD\\UKBRENT", "", true),
        ("US500", "SPX", "CFD\\US\\SPX", "", false),
        ("US500", "SPX", "Indices\\SPX", "", true),
        ("US500", "SPX", "FTSE 100 Index\\SPX", "Spirax Group", false),
        ("US500", "SPX", "CFD\\SPX", "S&P 500", true),
        ("US500", "SPX500", "CFD\\SPX500", "", true),
        ("NAS100", "NDX", "Tech Index\\NDX", "Nordex SE", false),
        (
            "US30",
            "US30.f",
            "Indices\\US30.f",
            "Dow Jones Futures",
            false,
        ),
        ("GER40", "#DAX", "CFD\\#DAX", "DAX 40 Index", true),
        (
            "BTCUSD",
            "BITCOIN",
            "CFD\\DE\\BITCOIN",
            "Bitcoin Group SE",
            false,
        ),
        (
            "BTCUSD",
            "BITCOIN",
            "Crypto\\BITCOIN",
            "Bitcoin vs US Dollar",
            true,
        ),
    ] {
        let mut specs = broker(&[(broker_name, "USD", "USD", Full)]);
        if let Some(spec) = specs.get_mut(broker_name) {
            spec.terms.path = path.to_owned();
            spec.terms.description = description.to_owned();
            spec.contract_size = Decimal::ONE_HUNDRED;
        }
        let asked = resolve(wanted, &specs, &BTreeMap::new());
        if found {
            assert_eq!(
                asked.map(|spec| spec.name.as_str()),
                Ok(broker_name),
                "{path}"
            );
        } else {
            assert!(
                matches!(asked, Err(Unresolved::Ambiguous { .. })),
                "{wanted} at {path}, {description}: {asked:?}"
            );
        }
    }
    for (wanted, doubtful, path, certain, base) in [
        ("USOIL", "WTI", "CFD\\US\\WTI", "XTIUSD", "XTI"),
        ("XAUUSD", "#GOLD", "CFD\\#GOLD", "XAUUSD.r", "XAU"),
    ] {
        let mut specs = broker(&[(doubtful, "USD", "USD", Full), (certain, base, "USD", Full)]);
        if let Some(spec) = specs.get_mut(doubtful) {
            spec.terms.path = path.to_owned();
        }
        let found = resolve(wanted, &specs, &BTreeMap::new());
        assert_eq!(found.map(|spec| spec.name.as_str()), Ok(certain));
    }
}

/// An index fund is kept among indices and is none.
#[test]
fn a_fund_on_an_index_is_not_the_index() {
    let mut specs = broker(&[("DAX", "USD", "USD", Full)]);
    for path in ["US Index ETFs\\DAX", "Index Funds\\DAX"] {
        if let Some(spec) = specs.get_mut("DAX") {
            spec.terms.path = path.to_owned();
        }
        let found = resolve("GER40", &specs, &BTreeMap::new());
        assert!(
            matches!(found, Err(Unresolved::Missing { .. })),
            "{found:?}"
        );
    }
}

#[test]
fn a_misnamed_or_closing_symbol_gives_way_to_one_that_fits() {
    let misnamed = [
        ("EURUSD", "USD", "JPY", Full),
        ("EURUSD.r", "EUR", "USD", Full),
    ];
    assert!(matches!(
        name("EURUSD", &misnamed),
        Err(Unresolved::Ambiguous { .. })
    ));
    let closing = [
        ("EURUSD", "EUR", "USD", CloseOnly),
        ("EURUSD.r", "EUR", "USD", Full),
    ];
    assert_eq!(name("EURUSD", &closing).unwrap(), "EURUSD.r");
    assert_eq!(name("EURUSD", &closing[..1]).unwrap(), "EURUSD");
}

#[test]
fn a_contract_with_a_date_in_its_name_is_no_spot() {
    for (wanted, dated, base) in [
        ("XAUUSD", "GOLD_DEC26", "XAU"),
        ("XAUUSD", "GOLD_1226", "XAU"),
        ("XAUUSD", "GOLD.1226", "XAU"),
        ("US30", "US30-DEC26", "USD"),
        ("US30", "US30_MAR27", "USD"),
        ("UKOIL", "BRENT-JAN27", "USD"),
        ("GER40", "DE40.Dec26", "EUR"),
    ] {
        let profit = if base == "EUR" { "EUR" } else { "USD" };
        let found = name(wanted, &[(dated, base, profit, Full)]);
        assert!(
            matches!(found, Err(Unresolved::Missing { .. })),
            "{dated}: {found:?}"
        );
    }
}

#[test]
fn an_index_among_stock_indices_is_found() {
    for (wanted, broker_name, path, currency) in [
        ("US30", "US30.c", "Stock Indices\\US30.c", "USD"),
        ("NAS100", "USTEC", "Stock Indices\\USTEC", "USD"),
        ("GER40", "DE40.c", "Equity Indices\\Cash\\DE40.c", "EUR"),
        ("US30", "US30", "Indices\\USA\\US30", "USD"),
    ] {
        let mut specs = broker(&[(broker_name, currency, currency, Full)]);
        if let Some(spec) = specs.get_mut(broker_name) {
            spec.terms.path = path.to_owned();
        }
        let found = resolve(wanted, &specs, &BTreeMap::new()).map(|spec| spec.name.as_str());
        assert_eq!(found, Ok(broker_name));
    }
    let mut specs = broker(&[("EURUSD.x", "EUR", "USD", Full)]);
    if let Some(spec) = specs.get_mut("EURUSD.x") {
        spec.terms.path = "Funded\\Forex\\EURUSD.x".to_owned();
    }
    let found = resolve("EURUSD", &specs, &BTreeMap::new()).map(|spec| spec.name.as_str());
    assert_eq!(found, Ok("EURUSD.x"));
}

#[test]
fn a_misspelt_or_cut_name_is_no_other_instrument() {
    let list = [
        ("XAUUSD", "XAU", "USD", Full),
        ("AUDUSD", "AUD", "USD", Full),
        ("EURUSD", "EUR", "USD", Full),
        ("USDJPYm", "USD", "JPY", Full),
        ("US300", "USD", "USD", Full),
        ("USTEC1", "USD", "USD", Full),
    ];
    for wanted in [
        "AUUSD",
        "RUSD",
        "URUSD",
        "USDJP",
        "EURUS",
        "US30",
        "NAS100",
        "日本URUSD",
        "ЕURUSD",
        "",
    ] {
        assert!(
            matches!(name(wanted, &list), Err(Unresolved::Missing { .. })),
            "{wanted}: {:?}",
            name(wanted, &list)
        );
    }
    let apart = [
        ("US30cash", "USD", "USD", Full),
        ("#DE40.c", "EUR", "EUR", Full),
    ];
    assert_eq!(name("US30", &apart).unwrap(), "US30cash");
    assert_eq!(name("GER40", &apart).unwrap(), "#DE40.c");
}

#[test]
fn two_that_fit_are_asked_about_and_the_map_answers() {
    let list = [
        ("EURUSD.a", "EUR", "USD", Full),
        ("EURUSD.b", "EUR", "USD", Full),
        ("EURUSD.old", "EUR", "USD", CloseOnly),
    ];
    assert_eq!(
        name("EURUSD", &list),
        Err(Unresolved::Ambiguous {
            wanted: "EURUSD".to_owned(),
            candidates: vec!["EURUSD.a".to_owned(), "EURUSD.b".to_owned()]
        })
    );
    let map = |to: &str| BTreeMap::from([("EURUSD".to_owned(), to.to_owned())]);
    let specs = broker(&list);
    assert_eq!(
        resolve("eurusd", &specs, &map("EURUSD.b")).unwrap().name,
        "EURUSD.b"
    );
    assert!(matches!(
        resolve("EURUSD", &specs, &map("EURUSD.c")),
        Err(Unresolved::MappedMissing { .. })
    ));
}
