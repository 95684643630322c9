//! The settings one by one: key, name and help.

/// Every setting, in the order in which a person fills them in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    PlatformUrl,
    ApiKey,
    ApiSecret,
    ExecutorId,
    PusherKey,
    PusherCluster,
    PusherHost,
    PusherPort,
    PusherTls,
    PusherPath,
    Proxy,
    Terminal,
    MaxLots,
    MaxPositions,
    MaxDailyLoss,
    ResumeLiftsStop,
}

impl Field {
    pub const ALL: [Self; 16] = [
        Self::PlatformUrl,
        Self::ApiKey,
        Self::ApiSecret,
        Self::ExecutorId,
        Self::PusherKey,
        Self::PusherCluster,
        Self::PusherHost,
        Self::PusherPort,
        Self::PusherTls,
        Self::PusherPath,
        Self::Proxy,
        Self::Terminal,
        Self::MaxLots,
        Self::MaxPositions,
        Self::MaxDailyLoss,
        Self::ResumeLiftsStop,
    ];

    /// The key in the file.
    pub const fn key(self) -> &'static str {
        match self {
            Self::PlatformUrl => "platformUrl",
            Self::ApiKey => "apiKey",
            Self::ApiSecret => "apiSecret",
            Self::ExecutorId => "executorId",
            Self::PusherKey => "pusherKey",
            Self::PusherCluster => "pusherCluster",
            Self::PusherHost => "pusherHost",
            Self::PusherPort => "pusherPort",
            Self::PusherTls => "pusherTls",
            Self::PusherPath => "pusherPath",
            Self::Proxy => "proxy",
            Self::Terminal => "terminal",
            Self::MaxLots => "maxLots",
            Self::MaxPositions => "maxPositions",
            Self::MaxDailyLoss => "maxDailyLoss",
            Self::ResumeLiftsStop => "resumeLiftsStop",
        }
    }

    /// The key inside `"pusher": {…}`, the form of older installs.
    pub(super) const fn key_in_pusher(self) -> Option<&'static str> {
        match self {
            Self::PusherKey => Some("key"),
            Self::PusherCluster => Some("cluster"),
            Self::PusherHost => Some("host"),
            Self::PusherPort => Some("port"),
            Self::PusherTls => Some("tls"),
            Self::PusherPath => Some("path"),
            _ => None,
        }
    }

    /// The name on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::PlatformUrl => "Platform address",
            Self::ApiKey => "API key",
            Self::ApiSecret => "API secret",
            Self::ExecutorId => "Executor ID",
            Self::PusherKey => "Pusher key",
            Self::PusherCluster => "Pusher cluster",
            Self::PusherHost => "Pusher host",
            Self::PusherPort => "Pusher port",
            Self::PusherTls => "Pusher over TLS",
            Self::PusherPath => "Pusher path",
            Self::Proxy => "Proxy",
            Self::Terminal => "Terminal",
            Self::MaxLots => "Most lots per order",
            Self::MaxPositions => "Most open positions",
            Self::MaxDailyLoss => "Largest daily loss",
            Self::ResumeLiftsStop => "RESUME lifts the emergency stop",
        }
    }

    pub const fn help(self) -> &'static str {
        match self {
            Self::PlatformUrl => {
                "The web platform's own address, as in the browser: https://fx.example.com, or http://localhost:3000 \
                 when it runs on this computer."
            }
            Self::ApiKey => "From the platform's page of this executor. It begins with exe_.",
            Self::ApiSecret => {
                "Shown once when the executor was created on the platform: 64 characters. It is kept in the secret \
                 store, not in the file."
            }
            Self::ExecutorId => {
                "Leave it empty: the platform tells it. A value here wins over the platform's."
            }
            Self::PusherKey | Self::PusherCluster => {
                "Leave it empty: the platform tells it. A value here wins over the platform's and must match its \
                 NEXT_PUBLIC_PUSHER settings."
            }
            Self::PusherHost => {
                "Only for a Pusher-compatible server of your own, such as soketi. Empty: Pusher's host for the cluster."
            }
            Self::PusherPort => "Empty: 443 with TLS, 80 without.",
            Self::PusherTls => {
                "true (the default) or false. Without TLS anybody on the way can read commands."
            }
            Self::PusherPath => "Only for a server of your own behind a path. Begins with /.",
            Self::Proxy => {
                "Empty: this computer's own proxy settings. none: a direct connection. Or http://host:port, with \
                 user:password@ before the host if it asks for one."
            }
            Self::Terminal => {
                "paper: simulated, no money is involved. metatrader: orders go to MetaTrader 5."
            }
            Self::MaxLots => {
                "No order of this program is larger, whatever a command says. In lots; empty: no limit of our own."
            }
            Self::MaxPositions => {
                "No further position is opened beyond this number, whatever a command says. Empty: no limit of our own."
            }
            Self::MaxDailyLoss => {
                "In the account's currency. Once a day's loss reaches it, nothing is opened until the next day. Empty: \
                 no limit of our own."
            }
            Self::ResumeLiftsStop => {
                "true or false (the default). With true, a RESUME command from the platform lifts an emergency stop; \
                 with false only a person at this computer can."
            }
        }
    }

    /// Without these the program cannot connect.
    pub const fn is_required(self) -> bool {
        matches!(self, Self::PlatformUrl | Self::ApiKey | Self::ApiSecret)
    }
}
