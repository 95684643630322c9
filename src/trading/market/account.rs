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

impl Account {
    pub fn id(&self) -> AccountId {
        AccountId {
            login: self.login,
            server: self.server.clone(),
        }
    }
}

/// Which account at which broker; written `login@server`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct AccountId {
    pub login: u64,
    pub server: String,
}

impl AccountId {
    /// The login with its middle hidden, for places that others may see.
    pub fn masked(&self) -> String {
        let digits = self.login.to_string();
        let tail = digits.get(digits.len().saturating_sub(3)..).unwrap_or("");
        format!("…{tail} on {}", self.server)
    }
}

impl std::fmt::Display for AccountId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.login, self.server)
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for AccountId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is no account; login@server is one");
        let (login, server) = text.split_once('@').ok_or_else(wrong)?;
        Ok(Self {
            login: login.parse().map_err(|_| wrong())?,
            server: server.to_owned(),
        })
    }
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
