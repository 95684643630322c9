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
    /// Margin in account currency for one lot.
    pub margin_per_lot: Decimal,
}

impl SymbolSpec {
    /// The price distance of one pip by the platform's table (contract R9): gold 0.1, bitcoin 1,
    /// yen pairs 0.01, other currency pairs 0.0001.
    pub fn pip(&self) -> Decimal {
        let name = self.name.to_ascii_uppercase();
        if name.starts_with("XAU") {
            Decimal::new(1, 1)
        } else if name.starts_with("BTC") {
            Decimal::ONE
        } else if self.currency_profit == "JPY" {
            Decimal::new(1, 2)
        } else {
            Decimal::new(1, 4)
        }
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
