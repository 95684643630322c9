//! The symbols of the simulated market: their trading terms and their temper.
//!
//! Tick value and margin are constants of the symbol, reckoned at its middle price for an account in US dollars with
//! leverage 1:100 (gold 1:50, bitcoin 1:10). A real terminal recomputes them as rates move.

use rust_decimal::Decimal;

use super::calendar::Hours;
use crate::market::{SymbolSpec, SymbolTerms, TradeMode};

#[derive(Clone, Debug)]
pub struct Profile {
    pub spec: SymbolSpec,
    pub hours: Hours,
    /// Points in one tick.
    pub tick_points: i64,
    /// The price that the market wanders around, in ticks.
    pub middle: f64,
    /// Standard deviation of a day's movement, as a share of the price.
    pub daily_move: f64,
    /// Typical spread in ticks.
    pub spread: i64,
    /// Typical price changes in a minute.
    pub pace: f64,
}

/// The numbers of one symbol; prices in points.
struct Terms {
    name: &'static str,
    currencies: (&'static str, &'static str),
    digits: u32,
    tick_points: i64,
    /// In hundredths of a cent.
    tick_value: i64,
    contract: i64,
    /// In hundredths of a lot.
    volume: (i64, i64, i64),
    stops_level: u32,
    margin: i64,
    hours: Hours,
    middle_points: i64,
    daily_move: f64,
    spread: i64,
    pace: f64,
}

const SYMBOLS: [Terms; 5] = [
    Terms {
        name: "EURUSD",
        currencies: ("EUR", "USD"),
        digits: 5,
        tick_points: 1,
        tick_value: 10_000,
        contract: 100_000,
        volume: (1, 10_000, 1),
        stops_level: 10,
        margin: 1_100,
        hours: Hours::Week,
        middle_points: 110_000,
        daily_move: 0.005,
        spread: 8,
        pace: 55.0,
    },
    Terms {
        name: "GBPUSD",
        currencies: ("GBP", "USD"),
        digits: 5,
        tick_points: 1,
        tick_value: 10_000,
        contract: 100_000,
        volume: (1, 10_000, 1),
        stops_level: 15,
        margin: 1_280,
        hours: Hours::Week,
        middle_points: 128_000,
        daily_move: 0.006,
        spread: 12,
        pace: 60.0,
    },
    Terms {
        name: "USDJPY",
        currencies: ("USD", "JPY"),
        digits: 3,
        tick_points: 1,
        tick_value: 6_667,
        contract: 100_000,
        volume: (1, 10_000, 1),
        stops_level: 10,
        margin: 1_000,
        hours: Hours::Week,
        middle_points: 150_000,
        daily_move: 0.006,
        spread: 9,
        pace: 60.0,
    },
    Terms {
        name: "XAUUSD",
        currencies: ("XAU", "USD"),
        digits: 2,
        tick_points: 1,
        tick_value: 10_000,
        contract: 100,
        volume: (1, 5_000, 1),
        stops_level: 20,
        margin: 4_800,
        hours: Hours::Week,
        middle_points: 240_000,
        daily_move: 0.010,
        spread: 22,
        pace: 90.0,
    },
    Terms {
        name: "BTCUSD",
        currencies: ("BTC", "USD"),
        digits: 2,
        tick_points: 10,
        tick_value: 1_000,
        contract: 1,
        volume: (1, 1_000, 1),
        stops_level: 500,
        margin: 6_500,
        hours: Hours::Always,
        middle_points: 6_500_000,
        daily_move: 0.025,
        spread: 150,
        pace: 70.0,
    },
];

impl Profile {
    pub fn all() -> Vec<Self> {
        SYMBOLS.iter().map(Terms::profile).collect()
    }

    pub fn price(&self, ticks: i64) -> Decimal {
        Decimal::new(ticks * self.tick_points, self.spec.digits)
    }

    pub fn plot_price(&self, ticks: i64) -> f64 {
        const SCALES: [f64; 6] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0, 100_000.0];
        // Dividing whole numbers gives the f64 nearest to the decimal price.
        (ticks * self.tick_points) as f64 / SCALES[self.spec.digits as usize]
    }
}

impl Terms {
    fn profile(&self) -> Profile {
        Profile {
            spec: SymbolSpec {
                name: self.name.to_owned(),
                digits: self.digits,
                point: Decimal::new(1, self.digits),
                tick_size: Decimal::new(self.tick_points, self.digits),
                tick_value: Decimal::new(self.tick_value, 4),
                contract_size: Decimal::from(self.contract),
                volume_min: Decimal::new(self.volume.0, 2),
                volume_max: Decimal::new(self.volume.1, 2),
                volume_step: Decimal::new(self.volume.2, 2),
                stops_level: self.stops_level,
                trade_mode: TradeMode::Full,
                currency_base: self.currencies.0.to_owned(),
                currency_profit: self.currencies.1.to_owned(),
                margin_per_lot: Decimal::from(self.margin),
                terms: SymbolTerms {
                    path: format!(r"Practice\{}", self.name),
                    currency_margin: self.currencies.0.to_owned(),
                    sessions: self.hours.sessions(),
                    ..SymbolTerms::default()
                },
            },
            hours: self.hours,
            tick_points: self.tick_points,
            middle: self.middle_points as f64 / self.tick_points as f64,
            daily_move: self.daily_move,
            spread: self.spread,
            pace: self.pace,
        }
    }
}
