//! Which of a broker's symbols is meant by a plain name: `XAUUSD` may be `XAUUSD`, `XAUUSDm`, `GOLD` or `#XAUUSD.r`.
//!
//! Text alone never decides: the currencies, the trade mode and the broker's folder must agree. A view-only twin is
//! never chosen, and where two symbols fit equally well the trader is asked.

use std::collections::{BTreeMap, BTreeSet};

mod kind;

use super::{SymbolSpec, TradeMode};
use kind::{Standing, standing};

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
        "{name} is {base} in {profit} at this broker, not what its name says; if it is meant, name it for {wanted} in the symbol map of the settings"
    )]
    Contradicted {
        wanted: String,
        name: String,
        base: String,
        profit: String,
    },
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
    // The broker's own full name, as somebody copied it from the terminal, unless it is something else by that name.
    let exact = specs.get(wanted);
    if let Some(spec) = exact
        && may_open(spec)
        && is_what_it_is_called(&letters(wanted), spec)
    {
        return Ok(spec);
    }

    // A letter of another alphabet that looks like one of these is another letter.
    let plain = if wanted.is_ascii() {
        letters(wanted)
    } else {
        String::new()
    };
    // What may be opened goes before what may only be closed, then the nearer name before the farther.
    let mut best: Option<((bool, u8), Vec<&SymbolSpec>)> = None;
    let mut view_only = exact.filter(|spec| spec.trade_mode == TradeMode::Disabled);
    let mut doubtful = Vec::new();
    for spec in specs.values() {
        let Some(rank) = rank(&plain, spec) else {
            continue;
        };
        if spec.trade_mode == TradeMode::Disabled {
            view_only = view_only.or(Some(spec));
            continue;
        }
        if standing(&plain, spec) == Standing::Doubtful {
            doubtful.push(spec);
            continue;
        }
        let rank = (!may_open(spec), rank);
        match &mut best {
            Some((least, found)) if *least == rank => found.push(spec),
            Some((least, _)) if *least < rank => {}
            _ => best = Some((rank, vec![spec])),
        }
    }
    // By its name the broker's own word, by its currencies or its folder not: beside others it is asked, and alone it counts
    // unless it is plainly another pair.
    let misnamed = exact.filter(|spec| {
        spec.trade_mode != TradeMode::Disabled && !is_what_it_is_called(&plain, spec)
    });
    let Some((_, mut found)) = best else {
        if !doubtful.is_empty() {
            return Err(ambiguous(wanted, &doubtful));
        }
        if let Some(spec) = misnamed {
            return if contradicts(&plain, spec) {
                Err(Unresolved::Contradicted {
                    wanted: wanted.to_owned(),
                    name: spec.name.clone(),
                    base: spec.currency_base.clone(),
                    profit: spec.currency_profit.clone(),
                })
            } else {
                Ok(spec)
            };
        }
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
    found.extend(misnamed);
    match found.as_slice() {
        [spec] => Ok(spec),
        found => Err(ambiguous(wanted, found)),
    }
}

fn ambiguous(wanted: &str, found: &[&SymbolSpec]) -> Unresolved {
    let candidates: BTreeSet<_> = found.iter().map(|spec| describe(spec)).collect();
    Unresolved::Ambiguous {
        wanted: wanted.to_owned(),
        candidates: candidates.into_iter().collect(),
    }
}

const fn may_open(spec: &SymbolSpec) -> bool {
    !matches!(spec.trade_mode, TradeMode::Disabled | TradeMode::CloseOnly)
}

/// Whether a symbol of this name is by its currencies and its folder what the name says. Names that say nothing here
/// (a share's, an index's that no list has) are what the broker calls them.
fn is_what_it_is_called(plain: &str, spec: &SymbolSpec) -> bool {
    !says_something(plain)
        || (currencies_fit(plain, family_of(plain), spec)
            && standing(plain, spec) == Standing::Meant)
}

fn says_something(plain: &str) -> bool {
    family_of(plain).is_some() || is_currency_pair(plain)
}

fn family_of(plain: &str) -> Option<&'static [&'static str]> {
    ALIASES
        .iter()
        .find(|family| family.contains(&plain))
        .copied()
}

/// Six letters of which both halves are currencies of the platform's symbols.
fn is_currency_pair(plain: &str) -> bool {
    const CURRENCIES: [&str; 20] = [
        "AUD", "CAD", "CHF", "CNH", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "JPY", "MXN", "NOK",
        "NZD", "PLN", "SEK", "SGD", "TRY", "USD", "ZAR",
    ];
    let halves = plain.get(..3).zip(plain.get(3..));
    halves.is_some_and(|(base, profit)| CURRENCIES.contains(&base) && CURRENCIES.contains(&profit))
}

/// Whether a symbol that is named as a pair is told to be another one.
fn contradicts(plain: &str, spec: &SymbolSpec) -> bool {
    let canonical = family_of(plain).and_then(|family| family.first().copied());
    let canonical = canonical.unwrap_or(plain);
    let metal = canonical.starts_with("XAU") || canonical.starts_with("XAG");
    let pair = metal || is_currency_pair(canonical);
    pair && is_pair(spec)
        && !spec.currency_profit.is_empty()
        && !currencies_fit(plain, family_of(plain), spec)
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
    let family = family_of(plain);
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
            if is_derived(before) || is_derived(after) {
                return None;
            }
            let affix = before.len() + after.len();
            // Short aliases inside longer words ("DAX" in "DAXEUR3X") say nothing.
            let short = wanted.len() >= 4 && affix <= LONGEST_AFFIX || affix <= 2;
            let apart = is_pair(spec) || stands_apart(&spec.name, wanted);
            (short && apart).then_some(base + 1)
        })
        .min()?;
    let other = standing(plain, spec) == Standing::Another;
    (currencies_fit(plain, family, spec) && !other).then_some(rank)
}

/// Whether what stands around a name makes it another thing: a month of delivery (`Z26`, `DEC26`, `1226`), an inverse.
fn is_derived(affix: &str) -> bool {
    const WORDS: [&str; 7] = ["INV", "INVERSE", "FUT", "FWD", "SHORT", "BEAR", "VIX"];
    const MONTHS: [&str; 12] = [
        "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
    ];
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let by_letter = affix.starts_with(|letter| "FGHJKMNQUVXZ".contains(letter))
        && is_number(affix.get(1..).unwrap_or_default());
    let rest = affix.get(3..).unwrap_or_default();
    let by_name =
        MONTHS.iter().any(|month| affix.starts_with(month)) && (rest.is_empty() || is_number(rest));
    let by_date = affix.len() >= 3 && is_number(affix);
    WORDS.contains(&affix) || by_letter || by_name || by_date
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
    if is_pair(spec) {
        let told = letters(&format!("{}{}", spec.currency_base, spec.currency_profit));
        return canonical == told || family.is_some_and(|family| family.contains(&told.as_str()));
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
    is(&spec.currency_profit, profit) && (family.is_some() || is(&spec.currency_base, base))
}

#[cfg(test)]
mod tests;
