//! The trading terms of the usual symbols, as most brokers have them, for an account in US dollars.

use rust_decimal::Decimal;
use serde_json::Value;

use crate::market::{SymbolSpec, SymbolTerms, TradeMode};

/// The terms that a replay trades under.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    pub spec: SymbolSpec,
    /// The account's currency is the base currency, so a tick's value follows the price: units of the profit currency that
    /// one tick moves for one lot.
    pub tick_in_profit_currency: Option<Decimal>,
}

impl Terms {
    /// Brings the tick's value up to this price.
    pub(super) fn follow(&mut self, price: Decimal) {
        if let Some(value) = self.tick_in_profit_currency
            && let Some(in_dollars) = value.checked_div(price)
        {
            self.spec.tick_value = in_dollars.round_dp(8);
        }
    }

    /// How the tick's value is counted, in words.
    pub fn tick_words(&self) -> String {
        let spec = &self.spec;
        match self.tick_in_profit_currency {
            Some(_) => format!(
                "one tick ({}) of one lot is worth what the price at that moment makes of it",
                spec.tick_size
            ),
            None => format!(
                "one tick ({}) of one lot is always worth {} in account currency",
                spec.tick_size,
                spec.tick_value.normalize()
            ),
        }
    }
}

/// Name, base and profit currency, digits, units of a lot, smallest volume in hundredths.
type Row = (&'static str, &'static str, &'static str, u32, i64, i64);

const SYMBOLS: [Row; 33] = [
    ("EURUSD", "EUR", "USD", 5, 100_000, 1),
    ("GBPUSD", "GBP", "USD", 5, 100_000, 1),
    ("AUDUSD", "AUD", "USD", 5, 100_000, 1),
    ("NZDUSD", "NZD", "USD", 5, 100_000, 1),
    ("USDJPY", "USD", "JPY", 3, 100_000, 1),
    ("USDCHF", "USD", "CHF", 5, 100_000, 1),
    ("USDCAD", "USD", "CAD", 5, 100_000, 1),
    ("EURGBP", "EUR", "GBP", 5, 100_000, 1),
    ("EURJPY", "EUR", "JPY", 3, 100_000, 1),
    ("EURCHF", "EUR", "CHF", 5, 100_000, 1),
    ("EURAUD", "EUR", "AUD", 5, 100_000, 1),
    ("EURCAD", "EUR", "CAD", 5, 100_000, 1),
    ("EURNZD", "EUR", "NZD", 5, 100_000, 1),
    ("GBPJPY", "GBP", "JPY", 3, 100_000, 1),
    ("GBPCHF", "GBP", "CHF", 5, 100_000, 1),
    ("GBPAUD", "GBP", "AUD", 5, 100_000, 1),
    ("GBPCAD", "GBP", "CAD", 5, 100_000, 1),
    ("AUDJPY", "AUD", "JPY", 3, 100_000, 1),
    ("AUDNZD", "AUD", "NZD", 5, 100_000, 1),
    ("AUDCAD", "AUD", "CAD", 5, 100_000, 1),
    ("AUDCHF", "AUD", "CHF", 5, 100_000, 1),
    ("NZDJPY", "NZD", "JPY", 3, 100_000, 1),
    ("NZDCAD", "NZD", "CAD", 5, 100_000, 1),
    ("CADJPY", "CAD", "JPY", 3, 100_000, 1),
    ("CADCHF", "CAD", "CHF", 5, 100_000, 1),
    ("CHFJPY", "CHF", "JPY", 3, 100_000, 1),
    ("XAUUSD", "XAU", "USD", 2, 100, 1),
    ("XAGUSD", "XAG", "USD", 3, 5_000, 1),
    ("BTCUSD", "BTC", "USD", 2, 1, 1),
    ("ETHUSD", "ETH", "USD", 2, 1, 1),
    ("US30", "USD", "USD", 1, 1, 10),
    ("US500", "USD", "USD", 1, 1, 10),
    ("NAS100", "USD", "USD", 1, 1, 10),
];

/// US dollars for one unit, rounded, where no price of the history tells it.
const RATES: [(&str, &str); 7] = [
    ("JPY", "0.0067"),
    ("GBP", "1.27"),
    ("CHF", "1.13"),
    ("CAD", "0.73"),
    ("AUD", "0.66"),
    ("NZD", "0.60"),
    ("EUR", "1.08"),
];

/// The terms of a symbol, by the table and by `changes` (any of the keys of the terms).
///
/// # Errors
/// The table does not have it and the changes are not complete, or a change is not usable.
pub fn terms(symbol: &str, changes: Option<&Value>) -> Result<Terms, String> {
    let plain: String = symbol
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect::<String>()
        .to_ascii_uppercase();
    let known = SYMBOLS.iter().find(|row| plain.starts_with(row.0));
    let base = known.map(|row| of_row(symbol, row));
    let Some(changes) = changes else {
        return base.ok_or_else(|| {
            format!(
                "the trading terms of {symbol} are not in the built-in table; give them by --spec"
            )
        });
    };
    let own_value = changes.get("tick_value").is_some();
    let mut merged = base
        .as_ref()
        .and_then(|terms| serde_json::to_value(&terms.spec).ok())
        .unwrap_or_else(|| serde_json::json!({ "name": symbol }));
    let changes = changes
        .as_object()
        .ok_or("the terms of --spec must be one JSON object")?;
    for (key, value) in changes {
        // Decimals are written as text, but a person writes numbers.
        let is_number_as_text = !matches!(key.as_str(), "digits" | "stops_level" | "terms");
        merged[key] = match value {
            Value::Number(number) if is_number_as_text => Value::String(number.to_string()),
            other => other.clone(),
        };
    }
    let spec: SymbolSpec = serde_json::from_value(merged)
        .map_err(|error| format!("the terms of --spec are not usable: {error}"))?;
    if spec.digits > 10 {
        return Err("the terms of --spec have more than 10 digits".to_owned());
    }
    for (name, value) in [
        ("point", spec.point),
        ("tick_size", spec.tick_size),
        ("tick_value", spec.tick_value),
        ("contract_size", spec.contract_size),
        ("volume_min", spec.volume_min),
        ("volume_max", spec.volume_max),
        ("volume_step", spec.volume_step),
    ] {
        if value <= Decimal::ZERO {
            return Err(format!("the terms of --spec need a {name} above zero"));
        }
    }
    let point = Decimal::new(1, spec.digits);
    if spec.point.normalize() != point.normalize() {
        return Err(format!(
            "the terms of --spec contradict each other: with {} digits a point is {point}, not {}",
            spec.digits, spec.point
        ));
    }
    if !(spec.tick_size % spec.point).is_zero() {
        return Err(format!(
            "the terms of --spec contradict each other: the tick size {} is no number of points of {}",
            spec.tick_size, spec.point
        ));
    }
    let known = serde_json::to_value(&spec).unwrap_or_default();
    if let Some(key) = changes.keys().find(|key| known.get(key.as_str()).is_none()) {
        return Err(format!(
            "the terms of --spec say \"{key}\", which means nothing"
        ));
    }
    Ok(Terms {
        spec,
        tick_in_profit_currency: base
            .and_then(|terms| terms.tick_in_profit_currency)
            .filter(|_| !own_value),
    })
}

/// Another symbol of the table that a file's name names.
pub(super) fn named_in(text: &str) -> Option<&'static str> {
    let text = text.to_ascii_uppercase();
    SYMBOLS
        .iter()
        .map(|row| row.0)
        .find(|name| text.contains(name))
}

fn of_row(symbol: &str, (_, base, profit, digits, contract, least): &Row) -> Terms {
    let point = Decimal::new(1, *digits);
    let tick = point * Decimal::from(*contract);
    let by_price = *base == "USD" && *profit != "USD";
    let rate = RATES
        .iter()
        .find(|(currency, _)| currency == profit)
        .and_then(|(_, rate)| rate.parse().ok())
        .unwrap_or(Decimal::ONE);
    Terms {
        spec: SymbolSpec {
            name: symbol.to_owned(),
            digits: *digits,
            point,
            tick_size: point,
            tick_value: tick * rate,
            contract_size: Decimal::from(*contract),
            volume_min: Decimal::new(*least, 2),
            volume_max: Decimal::ONE_HUNDRED,
            volume_step: Decimal::new(*least, 2),
            stops_level: 0,
            trade_mode: TradeMode::Full,
            currency_base: (*base).to_owned(),
            currency_profit: (*profit).to_owned(),
            margin_per_lot: Decimal::ZERO,
            terms: SymbolTerms::default(),
        },
        tick_in_profit_currency: by_price.then_some(tick),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::*;

    #[test]
    fn terms_that_would_turn_the_statistics_round_are_refused() {
        for (changes, told) in [
            (json!({ "tick_value": -1 }), "tick_value above zero"),
            (json!({ "tick_value": 0 }), "tick_value above zero"),
            (json!({ "volume_step": 0 }), "volume_step above zero"),
            (json!({ "foo": 1 }), "\"foo\", which means nothing"),
        ] {
            let error = terms("EURUSD", Some(&changes)).unwrap_err();
            assert!(error.contains(told), "{changes}: {error}");
        }
        let changes = json!({ "tick_value": 2, "stops_level": 5 });
        let terms = terms("EURUSD", Some(&changes)).unwrap();
        assert_eq!(terms.spec.tick_value, Decimal::TWO);
    }
}
