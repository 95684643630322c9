//! The paper account's money: profits, margin, and the book as a terminal shows it.

use rust_decimal::Decimal;

use super::exchange::{Exchange, Quotes, closing_price};
use crate::market::{Account, Book, MarginMode, Position, Side};

impl Exchange {
    /// Profit in account currency, to the cent.
    pub(super) fn profit(&self, position: &Position, price: Decimal, volume: Decimal) -> Decimal {
        let Some(spec) = self.market.spec(&position.symbol) else {
            return Decimal::ZERO;
        };
        let rise = match position.side {
            Side::Buy => price - position.open_price,
            Side::Sell => position.open_price - price,
        };
        (rise / spec.tick_size * spec.tick_value * volume).round_dp(2)
    }

    pub(super) fn margin_of(&self, symbol: &str, volume: Decimal) -> Decimal {
        self.market
            .spec(symbol)
            .map_or(Decimal::ZERO, |spec| spec.margin_per_lot * volume)
            .round_dp(2)
    }

    pub(super) fn margin(&self) -> Decimal {
        self.ledger
            .positions
            .iter()
            .map(|position| self.margin_of(&position.symbol, position.volume))
            .sum()
    }

    /// What is open, with the floating profits of the ledger's moment.
    pub fn book(&self) -> Book {
        let now = self.now();
        let mut quotes = Quotes::new();
        for symbol in self.exposed() {
            if let Some(quote) = self.market.quote(&symbol, now) {
                quotes.insert(symbol, quote);
            }
        }
        let positions = self
            .ledger
            .positions
            .iter()
            .map(|position| {
                let mut position = position.clone();
                if let Some(quote) = quotes.get(&position.symbol) {
                    let price = closing_price(position.side, *quote);
                    position.profit = self.profit(&position, price, position.volume);
                    position.price = price;
                }
                position
            })
            .collect();
        Book {
            revision: self.ledger.revision,
            positions,
            orders: self.ledger.orders.clone(),
            ..Book::default()
        }
    }

    pub fn account(&self) -> Account {
        let floating: Decimal = self
            .book()
            .positions
            .iter()
            .map(|position| position.profit)
            .sum();
        let equity = self.ledger.balance + floating;
        let margin = self.margin();
        Account {
            login: 7_000_000 + self.market.seed() % 1_000_000,
            server: "Paper".to_owned(),
            company: "Simulated market".to_owned(),
            currency: "USD".to_owned(),
            demo: true,
            margin_mode: MarginMode::Hedging,
            balance: self.ledger.balance,
            equity,
            margin,
            margin_free: equity - margin,
        }
    }
}
