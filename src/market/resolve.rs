//! Which of a broker's symbols is meant by a plain name: `XAUUSD` may be `XAUUSD`, `XAUUSDm`, `GOLD` or `#XAUUSD.r`.
//!
//! Text alone never decides: the currencies, the trade mode and the broker's folder must agree. A view-only twin is
//! never chosen, and where two symbols fit equally well the trader is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::{SymbolSpec, TradeMode};

/// Why a name is not one of the broker's symbols.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unresolved {
    #[error(
        "the terminal has no symbol for {wanted}; name the broker's in the symbol map of the settings"
    )]
    Missing { wanted: String },
    #[error(
        "the symbol map of the settings says {mapped} for {wanted}, and the terminal has no such symbol"
    )]
    MappedMissing { wanted: String, mapped: String },
    #[error("{wanted} is {name} here, and the broker lets nobody trade it (view only)")]
    ViewOnly { wanted: String, name: String },
    #[error(
        "{wanted} may be {}; choose one in the symbol map of the settings",
        .candidates.join(" or ")
    )]
    Ambiguous {
        wanted: String,
        candidates: Vec<String>,
    },
}

/// Names of the same thing, without separators. The first is the one the platform uses.
const ALIASES: &[&[&str]] = &[
    &["XAUUSD", "GOLD", "GOLDUSD"],
    &["XAGUSD", "SILVER", "SILVERUSD"],
    &[
        "US30",
        "DJ30",
        "DJI30",
        "WS30",
        "WALLSTREET30",
        "USA30",
        "DOWJONES30",
    ],
    &["US500", "SPX500", "SP500", "USA500", "SPX"],
    &[
        "NAS100",
        "US100",
        "USTEC",
        "NASDAQ100",
        "NDX100",
        "USTECH100",
        "NDX",
    ],
    &["GER40", "DE40", "DAX40", "GER30", "DE30", "DAX"],
    &["UK100", "FTSE100"],
    &["JP225", "JPN225", "NIKKEI225", "NI225"],
    &["USOIL", "WTI", "XTIUSD", "USCRUDE", "CRUDEOIL"],
    &["UKOIL", "BRENT", "XBRUSD", "UKBRENT"],
    &["BTCUSD", "BITCOIN", "XBTUSD"],
    &["ETHUSD", "ETHEREUM"],
];

/// Letters that brokers put around a name. Longer ones are other names.
const LONGEST_AFFIX: usize = 6;

/// The symbol that `wanted` means at this broker; `map` holds the trader's own choices, by upper-case plain name.
pub fn resolve<'a>(
    wanted: &str,
    specs: &'a BTreeMap<String, SymbolSpec>,
    map: &BTreeMap<String, String>,
) -> Result<&'a SymbolSpec, Unresolved> {
    let wanted = wanted.trim();
    let chosen = map
        .iter()
        .find(|(plain, _)| plain.eq_ignore_ascii_case(wanted))
        .map(|(_, chosen)| chosen);
    if let Some(mapped) = chosen {
        let spec = specs.get(mapped).ok_or_else(|| Unresolved::MappedMissing {
            wanted: wanted.to_owned(),
            mapped: mapped.clone(),
        })?;
        return tradable(wanted, spec);
    }
    // The broker's own full name, as somebody copied it from the terminal.
    let exact = specs.get(wanted);
    if let Some(spec) = exact
        && spec.trade_mode != TradeMode::Disabled
    {
        return Ok(spec);
    }

    // A letter of another alphabet that looks like one of these is another letter.
    let plain = if wanted.is_ascii() {
        letters(wanted)
    } else {
        String::new()
    };
    let mut best: Option<(u8, Vec<&SymbolSpec>)> = None;
    let mut view_only = exact;
    for spec in specs.values() {
        let Some(rank) = rank(&plain, spec) else {
            continue;
        };
        if spec.trade_mode == TradeMode::Disabled {
            view_only = view_only.or(Some(spec));
            continue;
        }
        match &mut best {
            Some((least, found)) if *least == rank => found.push(spec),
            Some((least, _)) if *least < rank => {}
            _ => best = Some((rank, vec![spec])),
        }
    }
    let Some((_, mut found)) = best else {
        return Err(match view_only {
            Some(spec) => Unresolved::ViewOnly {
                wanted: wanted.to_owned(),
                name: spec.name.clone(),
            },
            None => Unresolved::Missing {
                wanted: wanted.to_owned(),
            },
        });
    };
    // One that may be opened in both directions goes before one that may only be closed.
    if found.iter().any(|spec| spec.trade_mode == TradeMode::Full) {
        found.retain(|spec| spec.trade_mode == TradeMode::Full);
    }
    match found.as_slice() {
        [spec] => Ok(spec),
        _ => Err(Unresolved::Ambiguous {
            wanted: wanted.to_owned(),
            candidates: found
                .iter()
                .map(|spec| describe(spec))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        }),
    }
}

fn tradable<'a>(wanted: &str, spec: &'a SymbolSpec) -> Result<&'a SymbolSpec, Unresolved> {
    if spec.trade_mode == TradeMode::Disabled {
        return Err(Unresolved::ViewOnly {
            wanted: wanted.to_owned(),
            name: spec.name.clone(),
        });
    }
    Ok(spec)
}

fn describe(spec: &SymbolSpec) -> String {
    if spec.terms.path.is_empty() {
        spec.name.clone()
    } else {
        format!("{} ({})", spec.name, spec.terms.path)
    }
}

/// Letters and digits alone, in upper case.
fn letters(name: &str) -> String {
    name.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect()
}

/// How well a symbol fits: 0 the same name, 1 with something around it, 2 and 3 so for an alias. `None`: not at all.
fn rank(plain: &str, spec: &SymbolSpec) -> Option<u8> {
    if plain.is_empty() {
        return None;
    }
    let name = letters(&spec.name);
    let family = ALIASES.iter().find(|family| family.contains(&plain));
    let names = std::iter::once((plain, 0)).chain(
        family
            .into_iter()
            .flat_map(|family| family.iter().copied())
            .filter(|alias| *alias != plain)
            .map(|alias| (alias, 2)),
    );
    let rank = names
        .filter_map(|(wanted, base)| {
            if name == wanted {
                return Some(base);
            }
            let (before, after) = name.split_once(wanted)?;
            let affix = before.len() + after.len();
            // Short aliases inside longer words ("DAX" in "DAXEUR3X") say nothing.
            let short = wanted.len() >= 4 && affix <= LONGEST_AFFIX || affix <= 2;
            let apart = is_pair(spec) || stands_apart(&spec.name, wanted);
            (short && apart).then_some(base + 1)
        })
        .min()?;
    currencies_fit(plain, family.copied(), spec).then_some(rank)
}

/// Whether the broker says that it is one currency, metal or coin in another.
fn is_pair(spec: &SymbolSpec) -> bool {
    !spec.currency_base.is_empty() && spec.currency_base != spec.currency_profit
}

/// Whether what is around a name can be told from it: `US30.c`, `#US30`, `US30cash`, but not `US300`.
fn stands_apart(name: &str, wanted: &str) -> bool {
    let marks: Vec<(usize, char)> = name
        .char_indices()
        .filter(|(_, letter)| letter.is_ascii_alphanumeric())
        .collect();
    let plain: String = marks
        .iter()
        .map(|(_, letter)| letter.to_ascii_uppercase())
        .collect();
    let Some(start) = plain.find(wanted) else {
        return false;
    };
    let ends = |index: usize| marks.get(index).map(|(place, _)| *place);
    let (Some(first), Some(last)) = (ends(start), ends(start + wanted.len() - 1)) else {
        return false;
    };
    let before = name.get(..first).and_then(|text| text.chars().next_back());
    let after = name.get(last + 1..).and_then(|text| text.chars().next());
    [before, after]
        .into_iter()
        .flatten()
        .all(|neighbour| !neighbour.is_ascii_alphanumeric() || neighbour.is_ascii_lowercase())
}

/// A currency pair or a metal must be one by its currencies too, not only by its name; and what the broker calls a pair is
/// meant only by both of its currencies.
fn currencies_fit(plain: &str, family: Option<&[&str]>, spec: &SymbolSpec) -> bool {
    let canonical = family
        .and_then(|family| family.first())
        .copied()
        .unwrap_or(plain);
    if is_pair(spec)
        && canonical != letters(&format!("{}{}", spec.currency_base, spec.currency_profit))
    {
        return false;
    }
    let (Some(base), Some(profit)) = (canonical.get(..3), canonical.get(3..)) else {
        return true;
    };
    let pair = profit.len() == 3 && canonical.chars().all(|letter| letter.is_ascii_alphabetic());
    if !pair {
        return true;
    }
    let is = |told: &str, wanted: &str| told.eq_ignore_ascii_case(wanted);
    // Brokers quote gold, oil and coins as contracts: base and profit both the dollar.
    let contract = family.is_some() && is(&spec.currency_base, &spec.currency_profit);
    is(&spec.currency_profit, profit) && (contract || is(&spec.currency_base, base))
}

#[cfg(test)]
mod tests {
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
        // Exactly the broker's own name is the broker's own word.
        assert_eq!(name("EURUSD", &list).unwrap(), "EURUSD");
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
}
