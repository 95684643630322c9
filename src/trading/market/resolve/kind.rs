//! What a broker says that a symbol is, by its folder, its description and its currencies: the metal, oil, index or coin that
//! its name says, or a share, a fund or a contract with a last day that has the same name.
//!
//! `Stocks\NYSE\#GOLD` is a mining company, `WTI` an oil company, `DAX` a fund, `Futures\GOLD` has a price of its own. Where
//! the broker says neither, the trader is asked.

use super::{family_of, is_pair, letters, says_something};
use crate::market::SymbolSpec;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// What its name says, as far as the broker tells.
    Meant,
    /// It may as well be something else by that name.
    Doubtful,
    /// Something else by that name.
    Another,
}

/// Names under which exchanges list shares and funds, too.
const TICKERS: [&str; 9] = [
    "GOLD", "SILVER", "WTI", "BRENT", "SPX", "NDX", "DAX", "BITCOIN", "ETHEREUM",
];
/// What ends on a day.
const ENDING: [&str; 6] = ["futur", "forward", "option", "warrant", "expir", "deliver"];
const FUTURES: [&str; 6] = ["fut", "cme", "cbot", "comex", "nymex", "eurex"];
const FUNDS: [&str; 6] = ["fund", "funds", "etf", "etfs", "etn", "etns"];
const SHARES: [&str; 3] = ["stock", "share", "equit"];
const EXCHANGES: [&str; 11] = [
    "bond", "bonds", "nyse", "nasdaq", "lse", "xetra", "euronext", "usa", "mining", "adr", "adrs",
];
/// Where companies are kept as well: a folder that says oil beside one of these may be their branch.
const PLACES: [&str; 9] = [
    "us", "uk", "eu", "de", "gas", "sector", "tech", "ftse", "sp",
];
/// After a point in the name: an exchange.
const MARKETS: [&str; 13] = [
    "US", "UK", "DE", "FR", "N", "O", "OQ", "L", "TO", "NYSE", "NAS", "NASDAQ", "LSE",
];
const COMPANIES: [&str; 22] = [
    "inc",
    "corp",
    "corporation",
    "plc",
    "ltd",
    "limited",
    "trust",
    "company",
    "co",
    "group",
    "holding",
    "holdings",
    "technologies",
    "offshore",
    "mining",
    "miners",
    "resources",
    "barrick",
    "se",
    "ag",
    "sa",
    "nv",
];

struct Kind {
    /// Words of a folder that has such things.
    folder: &'static [&'static str],
    /// Words of a description of one.
    described: &'static [&'static str],
}

const METAL: Kind = Kind {
    folder: &["metal", "precious", "bullion", "spot", "commod"],
    described: &[
        "spot", "ounce", "oz", "troy", "xau", "xag", "bullion", "dollar", "usd",
    ],
};
const OIL: Kind = Kind {
    folder: &["oil", "energ", "commod", "crude", "petrol"],
    described: &["oil", "crude", "texas", "brent"],
};
const COIN: Kind = Kind {
    folder: &["crypt", "coin"],
    described: &["bitcoin", "ethereum", "dollar", "usd", "crypt"],
};
const INDEX: Kind = Kind {
    folder: &["indic", "index"],
    described: &["indic", "index", "cash", "500", "100", "40", "30", "225"],
};

/// A name of which nothing is known here is what the broker calls by it.
pub(super) fn standing(plain: &str, spec: &SymbolSpec) -> Standing {
    if !says_something(plain) {
        return Standing::Meant;
    }
    let family = family_of(plain).unwrap_or_default();
    let kind = match family.first().copied().unwrap_or_default() {
        "" => None,
        metal if metal.starts_with("XA") => Some(METAL),
        "USOIL" | "UKOIL" => Some(OIL),
        "BTCUSD" | "ETHUSD" => Some(COIN),
        _ => Some(INDEX),
    };
    let folder = Words::of(folder(spec));
    let described = Words::of(&spec.terms.description);
    if is_elsewhere(&folder, kind.as_ref().is_some_and(Kind::is_index)) {
        return Standing::Another;
    }
    if described.begins(&ENDING) || described.has(&FUNDS) {
        return Standing::Doubtful;
    }
    let Some(kind) = kind.filter(|_| !is_pair(spec) && is_a_ticker(family, spec)) else {
        return Standing::Meant;
    };
    if described.has(&COMPANIES) || is_of_a_market(&spec.name) {
        return Standing::Doubtful;
    }
    let kept_so = folder.begins(kind.folder) && !folder.has(&PLACES);
    let called_so = described.begins(kind.described);
    if called_so || (kept_so && described.is_empty()) {
        Standing::Meant
    } else {
        Standing::Doubtful
    }
}

impl Kind {
    fn is_index(&self) -> bool {
        self.folder == INDEX.folder
    }
}

/// Whether the folder has shares, funds or contracts that end. An index among "Stock Indices" is an index.
fn is_elsewhere(folder: &Words, is_index: bool) -> bool {
    let among_shares = folder.begins(&SHARES) || folder.has(&EXCHANGES);
    let among_indices = is_index && folder.begins(INDEX.folder);
    folder.begins(&ENDING)
        || folder.has(&FUTURES)
        || folder.has(&FUNDS)
        || (among_shares && !among_indices)
}

/// Whether its name holds none of the names that only the thing itself has.
fn is_a_ticker(family: &[&str], spec: &SymbolSpec) -> bool {
    let name = letters(&spec.name);
    let (tickers, others): (Vec<&str>, Vec<&str>) =
        family.iter().partition(|one| TICKERS.contains(one));
    let named = |list: &[&str]| list.iter().any(|one| name.contains(one));
    named(&tickers) && !named(&others)
}

fn is_of_a_market(name: &str) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, market)| MARKETS.contains(&market))
}

/// Where the broker keeps it, without its own name.
fn folder(spec: &SymbolSpec) -> &str {
    let path = &spec.terms.path;
    path.rfind(['\\', '/'])
        .and_then(|end| path.get(..end))
        .unwrap_or_default()
}

struct Words(Vec<String>);

impl Words {
    fn of(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let words = lower.split(|letter: char| !letter.is_ascii_alphanumeric());
        Self(
            words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        )
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has(&self, list: &[&str]) -> bool {
        self.0.iter().any(|word| list.contains(&word.as_str()))
    }

    fn begins(&self, list: &[&str]) -> bool {
        let begins = |word: &String| list.iter().any(|one| word.starts_with(one));
        self.0.iter().any(begins)
    }
}
