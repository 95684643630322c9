//! The trading account and what its terminal permits.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarginMode {
    Hedging,
    Netting,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub login: u64,
    pub server: String,
    pub company: String,
    pub currency: String,
    pub demo: bool,
    pub margin_mode: MarginMode,
    pub balance: Decimal,
    pub equity: Decimal,
    pub margin: Decimal,
    pub margin_free: Decimal,
}

/// Every switch that must be on before an order can pass. `None` in [`Permissions::missing`] means all are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permissions {
    /// The terminal is connected to its trade server.
    pub connected: bool,
    /// The terminal's "Algo Trading" button.
    pub algo_trading: bool,
    /// The Expert Advisor's own "Allow Algo Trading" box.
    pub expert: bool,
    /// The broker allows trading on this account.
    pub account: bool,
    /// The broker allows Expert Advisors on this account.
    #[serde(default = "allowed")]
    pub account_experts: bool,
}

const fn allowed() -> bool {
    true
}

impl Permissions {
    pub const ALL: Self = Self {
        connected: true,
        algo_trading: true,
        expert: true,
        account: true,
        account_experts: true,
    };

    /// The first switch that is off and what to do about it, in words a trader can act on.
    pub const fn missing(self) -> Option<&'static str> {
        if !self.connected {
            Some(
                "the terminal has no connection to its trade server; see the connection bars in its lower right corner",
            )
        } else if !self.algo_trading {
            Some("the terminal's Algo Trading button is off; press it")
        } else if !self.expert {
            Some(
                "the Expert Advisor may not trade; press F7 on its chart and tick Allow Algo Trading",
            )
        } else if !self.account {
            Some(
                "the broker does not allow trading on this account; was it opened with the investor password?",
            )
        } else if !self.account_experts {
            Some("the broker does not allow Expert Advisors on this account; ask the broker")
        } else {
            None
        }
    }
}
