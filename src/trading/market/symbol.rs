//! What a terminal says about a tradable symbol.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TradeMode {
    Disabled,
    LongOnly,
    ShortOnly,
    CloseOnly,
    Full,
}

/// The trading terms of one symbol, as the terminal reports them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolSpec {
    /// The broker's name.
    pub name: String,
    pub digits: u32,
    /// Smallest price step shown; `10^-digits`.
    pub point: Decimal,
    /// Prices must be a multiple of this; often equal to `point`, not always.
    pub tick_size: Decimal,
    /// Money in account currency that one tick moves for one lot.
    pub tick_value: Decimal,
    /// Units of the base asset in one lot.
    pub contract_size: Decimal,
    pub volume_min: Decimal,
    pub volume_max: Decimal,
    pub volume_step: Decimal,
    /// Least distance, in points, between the price and a stop or a pending order.
    pub stops_level: u32,
    pub trade_mode: TradeMode,
    pub currency_base: String,
    pub currency_profit: String,
    /// Margin in account currency for one lot; 0 when the terminal does not know it.
    pub margin_per_lot: Decimal,
    #[serde(default)]
    pub terms: SymbolTerms,
}

/// How a broker executes orders (MQL5, ENUM_SYMBOL_TRADE_EXECUTION).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Execution {
    Request,
    Instant,
    #[default]
    Market,
    Exchange,
}

/// One trading session: minutes of a weekday by the broker's own clock, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// 0 is Sunday.
    pub day: u8,
    pub from: u16,
    pub to: u16,
}

/// The finer terms of a symbol: how and when its broker takes orders. The default permits everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SymbolTerms {
    /// The broker's folder, for example `Forex\\Majors\\EURUSD`.
    pub path: String,
    pub description: String,
    /// Empty when unknown.
    pub currency_margin: String,
    /// Most lots of one direction, positions and orders together; 0 is no limit.
    pub volume_limit: Decimal,
    /// Points from the price within which levels and pending orders cannot be changed.
    pub freeze_level: u32,
    pub execution: Execution,
    /// MQL5, SYMBOL_FILLING_MODE: 1 fill or kill, 2 immediate or cancel, 4 book or cancel.
    pub filling: u32,
    /// MQL5, SYMBOL_ORDER_MODE: 1 market, 2 limit, 4 stop, 8 stop limit, 16 stop loss, 32 take profit, 64 close by.
    pub orders: u32,
    /// `None`: the terminal has not said, or the symbol trades always.
    pub sessions: Option<Vec<Session>>,
}

impl SymbolTerms {
    pub const FILL_OR_KILL: u32 = 1;
    pub const IMMEDIATE_OR_CANCEL: u32 = 2;
    pub const ORDER_MARKET: u32 = 1;
    pub const ORDER_STOP_LOSS: u32 = 16;
    pub const ORDER_TAKE_PROFIT: u32 = 32;

    /// Whether a session is on at this moment of the broker's clock (seconds since 1970).
    pub fn is_open(&self, broker_seconds: i64) -> bool {
        let Some(sessions) = &self.sessions else {
            return true;
        };
        let (day, minute) = weekday_minute(broker_seconds);
        sessions.iter().any(|session| {
            i64::from(session.day) == day
                && (i64::from(session.from)..i64::from(session.to)).contains(&minute)
        })
    }

    /// Minutes until the next session begins; `None` when one is on or none is known.
    pub fn opens_in(&self, broker_seconds: i64) -> Option<i64> {
        const WEEK: i64 = 7 * 1_440;
        if self.is_open(broker_seconds) {
            return None;
        }
        let (day, minute) = weekday_minute(broker_seconds);
        let now = day * 1_440 + minute;
        let begins = |session: &Session| i64::from(session.day) * 1_440 + i64::from(session.from);
        self.sessions
            .iter()
            .flatten()
            .map(|session| (begins(session) - now).rem_euclid(WEEK))
            .min()
    }
}

impl Default for SymbolTerms {
    fn default() -> Self {
        Self {
            path: String::new(),
            description: String::new(),
            currency_margin: String::new(),
            volume_limit: Decimal::ZERO,
            freeze_level: 0,
            execution: Execution::Market,
            filling: Self::FILL_OR_KILL | Self::IMMEDIATE_OR_CANCEL,
            orders: 127,
            sessions: None,
        }
    }
}

/// Sunday is 0; the epoch's first day was a Thursday.
const fn weekday_minute(seconds: i64) -> (i64, i64) {
    (
        (seconds.div_euclid(86_400) + 4).rem_euclid(7),
        seconds.rem_euclid(86_400) / 60,
    )
}

/// State currencies that brokers quote against each other, by the alphabet.
const CURRENCIES: &[&str] = &[
    "AED", "AUD", "BRL", "CAD", "CHF", "CLP", "CNH", "CNY", "COP", "CZK", "DKK", "EUR", "GBP",
    "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN",
    "RON", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "USD", "ZAR",
];

impl SymbolSpec {
    /// The price distance of one pip by the platform's own tables (contract §6 and R9): gold 0.1, silver 0.001,
    /// bitcoin 1, ether 0.01, yen pairs 0.01, other currency pairs 0.0001. What is in no table (indices, oil, shares)
    /// counts ten points.
    pub fn pip(&self) -> Decimal {
        // The usual name of a pair needs no search: no two of the currencies side by side spell one of these assets.
        let pair = self.pair();
        if pair.is_some_and(|(base, profit)| is_named(&self.name, base, profit)) {
            return self.pip_of_a_pair();
        }
        let named = Asset::in_text(&self.name);
        let based =
            Asset::at(self.currency_base.as_bytes()).filter(|_| self.currency_base.len() == 3);
        if let Some(asset) = named.into_iter().chain(based).min() {
            asset.pip()
        } else if pair.is_some() {
            self.pip_of_a_pair()
        } else {
            self.point * Decimal::TEN
        }
    }

    /// Yen pairs have two or three digits, and so has every pair with a price like theirs.
    const fn pip_of_a_pair(&self) -> Decimal {
        let scale = if self.digits <= 3 { 2 } else { 4 };
        Decimal::from_parts(1, 0, 0, false, scale)
    }

    /// Two different state currencies.
    pub fn is_currency_pair(&self) -> bool {
        self.pair().is_some()
    }

    /// The letters of its two currencies, when they are different state currencies.
    fn pair(&self) -> Option<(Letters, Letters)> {
        let base = Letters::try_from(self.currency_base.as_bytes()).ok()?;
        let profit = Letters::try_from(self.currency_profit.as_bytes()).ok()?;
        (base != profit && is_money(base) && is_money(profit)).then_some((base, profit))
    }

    /// The nearest price that the symbol's tick size allows.
    pub fn round_price(&self, price: Decimal) -> Decimal {
        if self.tick_size.is_zero() {
            return price.round_dp(self.digits);
        }
        ((price / self.tick_size).round() * self.tick_size).round_dp(self.digits)
    }

    /// The largest volume not above `volume` that is a whole number of steps; never rounds up.
    pub fn floor_volume(&self, volume: Decimal) -> Decimal {
        if self.volume_step.is_zero() {
            return volume;
        }
        (volume / self.volume_step).floor() * self.volume_step
    }
}

const ALPHABET: usize = 26;

/// By their first two letters, a bit for each third one. A pip is asked for at every look at an open position, so nothing is
/// searched.
static THIRDS: [u32; ALPHABET * ALPHABET] = {
    let mut thirds = [0; ALPHABET * ALPHABET];
    let mut at = 0;
    while at < CURRENCIES.len() {
        if let [first, second, third] = *CURRENCIES[at].as_bytes() {
            thirds[place(first) * ALPHABET + place(second)] |= 1 << place(third);
        }
        at += 1;
    }
    thirds
};

/// In the alphabet, in capitals or not; what is no letter is beyond it.
const fn place(letter: u8) -> usize {
    letter.to_ascii_uppercase().wrapping_sub(b'A') as usize
}

/// Of a currency.
type Letters = [u8; 3];

/// Whether they are those of a state currency.
fn is_money(letters: Letters) -> bool {
    let [first, second, third] = letters.map(place);
    let is_word = first.max(second).max(third) < ALPHABET;
    let thirds = THIRDS.get(first * ALPHABET + second);
    is_word && thirds.is_some_and(|thirds| thirds >> third & 1 == 1)
}

/// Nothing but its two currencies: `EURUSD`.
fn is_named(name: &str, [a, b, c]: Letters, [d, e, f]: Letters) -> bool {
    name.as_bytes() == [a, b, c, d, e, f]
}

/// What has a pip of its own. Where a name holds several, the first of these counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asset {
    Gold,
    Silver,
    Bitcoin,
    Ether,
}

impl Asset {
    const fn pip(self) -> Decimal {
        match self {
            Self::Gold => Decimal::from_parts(1, 0, 0, false, 1),
            Self::Silver => Decimal::from_parts(1, 0, 0, false, 3),
            Self::Bitcoin => Decimal::ONE,
            Self::Ether => Decimal::from_parts(1, 0, 0, false, 2),
        }
    }

    /// The asset whose name begins here, in capitals or not.
    fn at(text: &[u8]) -> Option<Self> {
        let begins = |word: &[u8]| {
            text.get(..word.len())
                .is_some_and(|own| own.eq_ignore_ascii_case(word))
        };
        match text.first()?.to_ascii_uppercase() {
            b'X' if begins(b"XAU") => Some(Self::Gold),
            b'G' if begins(b"GOLD") => Some(Self::Gold),
            b'X' if begins(b"XAG") => Some(Self::Silver),
            b'S' if begins(b"SILVER") => Some(Self::Silver),
            b'B' if begins(b"BTC") => Some(Self::Bitcoin),
            b'E' if begins(b"ETH") => Some(Self::Ether),
            _ => None,
        }
    }

    /// The first of those that a name holds anywhere.
    fn in_text(name: &str) -> Option<Self> {
        let name = name.as_bytes();
        (0..name.len())
            .filter_map(|from| Self::at(&name[from..]))
            .min()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    pub fn spec(name: &str, base: &str, profit: &str, digits: u32) -> SymbolSpec {
        SymbolSpec {
            name: name.to_owned(),
            digits,
            point: Decimal::new(1, digits),
            tick_size: Decimal::new(1, digits),
            tick_value: Decimal::ONE,
            contract_size: Decimal::ONE,
            volume_min: Decimal::new(1, 2),
            volume_max: Decimal::ONE_HUNDRED,
            volume_step: Decimal::new(1, 2),
            stops_level: 0,
            trade_mode: TradeMode::Full,
            currency_base: base.to_owned(),
            currency_profit: profit.to_owned(),
            margin_per_lot: Decimal::ONE,
            terms: SymbolTerms::default(),
        }
    }

    #[test]
    fn a_pip_is_what_the_platforms_tables_say() {
        for (name, base, profit, digits, pip) in [
            ("EURUSD", "EUR", "USD", 5, "0.0001"),
            ("USDJPY.r", "USD", "JPY", 3, "0.01"),
            ("XAUUSDm", "XAU", "USD", 3, "0.1"),
            ("GOLD", "USD", "USD", 2, "0.1"),
            ("XAGUSD", "XAG", "USD", 3, "0.001"),
            ("BTCUSD", "BTC", "USD", 2, "1"),
            ("ETHUSDm", "ETH", "USD", 2, "0.01"),
            ("US30", "USD", "USD", 1, "1"),
        ] {
            assert_eq!(
                spec(name, base, profit, digits).pip(),
                pip.parse::<Decimal>().unwrap(),
                "{name}"
            );
        }
    }

    #[test]
    fn no_two_currencies_side_by_side_spell_another_asset() {
        for first in CURRENCIES {
            for second in CURRENCIES {
                assert_eq!(Asset::in_text(&format!("{first}{second}")), None);
            }
        }
    }

    #[test]
    fn a_currency_is_one_in_small_letters_too() {
        assert!(CURRENCIES.is_sorted());
        assert!(spec("eurusd", "eur", "Usd", 5).is_currency_pair());
        assert!(!spec("EURUSD", "EUR", "EUR", 5).is_currency_pair());
        assert!(!spec("XAUUSD", "XAU", "USD", 2).is_currency_pair());
        assert_eq!(spec("xauusd", "xau", "USD", 2).pip(), Decimal::new(1, 1));
    }

    #[test]
    fn sessions_are_by_the_brokers_weekday() {
        let terms = SymbolTerms {
            sessions: Some(
                (1..=5)
                    .map(|day| Session {
                        day,
                        from: 5,
                        to: 1_435,
                    })
                    .collect(),
            ),
            ..SymbolTerms::default()
        };
        // 2026-11-27 is a Friday.
        let friday = "2026-11-27T00:00:00Z"
            .parse::<jiff::Timestamp>()
            .unwrap()
            .as_second();
        assert!(!terms.is_open(friday));
        assert!(terms.is_open(friday + 5 * 60));
        assert!(!terms.is_open(friday + 1_435 * 60));
        assert_eq!(terms.opens_in(friday + 1_435 * 60), Some(2 * 1_440 + 10));
        assert_eq!(terms.opens_in(friday + 3_600), None);
        assert!(SymbolTerms::default().is_open(friday));
    }
}
