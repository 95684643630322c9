//! Settings that have been checked, and how they meet what the platform tells.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use rust_decimal::Decimal;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::check::{default_direction, platform_url, positive, switch, symbol_map, time_zone};
use super::draft::{Draft, Problem};
use super::field::Field;
use crate::alerts::AlertKinds;
use crate::core::snapshot::TerminalMode;
use crate::core::{Allowances, Guard, Guards, Side};
use crate::net::proxy::ProxySetting;
use crate::platform::{Credentials, FetchedConfig};

/// What the program runs on.
#[derive(Clone)]
pub struct Settings {
    pub platform_url: Url,
    pub credentials: Credentials,
    /// Wins over the platform's.
    pub executor_id: Option<String>,
    pub pusher: PusherSettings,
    /// May hold a password.
    pub proxy: ProxySetting,
    pub terminal: TerminalMode,
    pub limits: LocalLimits,
    /// Whether a RESUME command may lift an emergency stop.
    pub resume_lifts_stop: bool,
    /// The direction of strategies whose rules have none; without it they are refused.
    pub default_direction: Option<Side>,
    /// The broker's symbol for a name of the platform.
    pub symbol_map: BTreeMap<String, String>,
    /// Guards of the account as a whole.
    pub guards: Guards,
    /// Filters that strategies may run without where they cannot be computed.
    pub run_without: Allowances,
    /// A CSV file with economic news.
    pub news_calendar: Option<PathBuf>,
    /// MetaTrader's `Common\Files`, where it cannot be found by itself.
    pub common_files: Option<PathBuf>,
    /// Whether Windows is to start the program when the person signs in.
    pub autostart: bool,
    /// Whether the computer is kept from going to sleep by itself while a strategy runs.
    pub keep_awake: bool,
    /// Whether the program starts itself again when its engine hangs or has failed.
    pub restart_when_hung: bool,
    pub close_button: CloseButton,
    /// What Windows shows as notifications.
    pub toasts: AlertKinds,
}

/// What the window's close button does where there is an icon beside the clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CloseButton {
    #[default]
    Ask,
    Tray,
    End,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("platform", &self.platform_url.host_str())
            .field("executor_id", &self.executor_id)
            .field("pusher", &self.pusher)
            .field("terminal", &self.terminal)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// Values of the file; each wins over the platform's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PusherSettings {
    pub key: Option<String>,
    pub cluster: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub tls: Option<bool>,
    pub path: Option<String>,
}

/// Limits of this computer. A command can tighten them, never loosen them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LocalLimits {
    /// Lots of one order.
    pub max_lots: Option<Decimal>,
    pub max_positions: Option<u32>,
    /// Account currency.
    pub max_daily_loss: Option<Decimal>,
}

/// File and platform put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub executor_id: Option<String>,
    pub executor_name: Option<String>,
    pub pusher: Option<PusherTarget>,
    /// Values of the file that differ from the platform's and win, in words.
    pub overrides: Vec<String>,
}

/// Where Pusher is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PusherTarget {
    pub key: String,
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// Goes before `/app/{key}`; empty or beginning with `/`, never ending with it.
    pub path: String,
}

/// Which parts of the program a change of the settings concerns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    pub platform: bool,
    pub pusher: bool,
    pub terminal: bool,
    pub limits: bool,
}

impl Changed {
    pub const fn anything(self) -> bool {
        self.platform || self.pusher || self.terminal || self.limits
    }
}

impl Draft {
    /// The terminal that is meant, if that can be told, whatever else is wrong; paper where nothing is chosen.
    pub fn terminal(&self) -> Option<TerminalMode> {
        let mut misshapen = self.misshapen.iter();
        if misshapen.any(|problem| problem.field == Field::Terminal) {
            return None;
        }
        match self.get(Field::Terminal).trim() {
            "metatrader" => Some(TerminalMode::MetaTrader),
            "paper" | "" => Some(TerminalMode::Paper),
            _ => None,
        }
    }

    /// The values; what cannot be read is absent.
    pub(super) fn values(&self) -> Result<Settings, Vec<Problem>> {
        let platform_url = platform_url(self.get(Field::PlatformUrl).trim()).map_err(|what| {
            vec![Problem {
                field: Field::PlatformUrl,
                what,
            }]
        })?;
        let text = |field: Field| {
            let text = self.get(field).trim();
            (!text.is_empty()).then_some(text)
        };
        let owned = |field| text(field).map(str::to_owned);
        let flag = |field| text(field).and_then(|text| switch(text).ok());
        let amount = |field| text(field).and_then(|text| positive(text).ok());
        let secret = self.secret().map_or("", |secret| secret.expose_secret());
        Ok(Settings {
            platform_url,
            credentials: Credentials {
                api_key: SecretString::from(self.get(Field::ApiKey).trim()),
                api_secret: SecretString::from(secret.trim()),
            },
            executor_id: owned(Field::ExecutorId),
            pusher: PusherSettings {
                key: owned(Field::PusherKey),
                cluster: owned(Field::PusherCluster),
                host: owned(Field::PusherHost),
                port: text(Field::PusherPort).and_then(|text| text.parse().ok()),
                tls: flag(Field::PusherTls),
                path: text(Field::PusherPath)
                    .map(|path| path.trim_end_matches('/').to_owned())
                    .filter(|path| !path.is_empty()),
            },
            proxy: self.proxy(),
            terminal: self.terminal().unwrap_or(TerminalMode::Unknown),
            limits: LocalLimits {
                max_lots: amount(Field::MaxLots),
                max_positions: text(Field::MaxPositions).and_then(|text| text.parse().ok()),
                max_daily_loss: amount(Field::MaxDailyLoss),
            },
            resume_lifts_stop: flag(Field::ResumeLiftsStop).unwrap_or(false),
            default_direction: text(Field::DefaultDirection)
                .and_then(|text| default_direction(text).ok().flatten()),
            guards: self.guards(),
            run_without: text(Field::RunWithout)
                .and_then(|text| Allowances::without(text).ok())
                .unwrap_or_default(),
            news_calendar: text(Field::NewsCalendar).map(PathBuf::from),
            common_files: text(Field::CommonFiles).map(PathBuf::from),
            autostart: flag(Field::Autostart).unwrap_or(false),
            keep_awake: flag(Field::KeepAwake).unwrap_or(true),
            restart_when_hung: flag(Field::RestartWhenHung).unwrap_or(false),
            close_button: match self.get(Field::CloseButton).trim() {
                "tray" => CloseButton::Tray,
                "end" => CloseButton::End,
                _ => CloseButton::Ask,
            },
            toasts: text(Field::Toasts)
                .and_then(|text| text.parse().ok())
                .unwrap_or_default(),
            symbol_map: text(Field::SymbolMap)
                .and_then(|text| symbol_map(text).ok())
                .unwrap_or_default(),
        })
    }

    fn guards(&self) -> Guards {
        let amount = |field| self.get(field).trim().parse().ok();
        let zone = self.get(Field::GuardTimeZone).trim();
        Guards {
            daily: Guard {
                most: amount(Field::GuardDailyLoss),
                warning: amount(Field::GuardDailyWarning),
            },
            total: Guard {
                most: amount(Field::GuardTotalLoss),
                warning: amount(Field::GuardTotalWarning),
            },
            start_balance: positive(self.get(Field::GuardStartBalance).trim()).ok(),
            zone: time_zone(zone).unwrap_or(jiff::tz::TimeZone::UTC),
        }
    }

    pub fn proxy(&self) -> ProxySetting {
        match self.proxy_address() {
            "" | "system" => ProxySetting::System,
            "none" => ProxySetting::None,
            address => ProxySetting::Address(address.to_owned()),
        }
    }
}

impl Settings {
    /// The file's values where it has them, the platform's elsewhere.
    pub fn resolve(&self, fetched: Option<&FetchedConfig>) -> Resolved {
        let told = fetched.map(|fetched| &fetched.config);
        let mut overrides = Vec::new();
        let mut choose = |field: Field, own: Option<&String>, told: Option<&String>| {
            if let (Some(own), Some(told)) = (own, told)
                && own != told
            {
                overrides.push(format!(
                    "{}: the file says {own}, the platform says {told}; the file's value is used",
                    field.key()
                ));
            }
            own.or(told).filter(|value| !value.is_empty()).cloned()
        };
        let executor_id = choose(
            Field::ExecutorId,
            self.executor_id.as_ref(),
            told.map(|told| &told.executor_id),
        );
        let key = choose(
            Field::PusherKey,
            self.pusher.key.as_ref(),
            told.and_then(|told| told.pusher_key.as_ref()),
        );
        let cluster = choose(
            Field::PusherCluster,
            self.pusher.cluster.as_ref(),
            told.and_then(|told| told.pusher_cluster.as_ref()),
        );
        if let Some(host) = &self.pusher.host {
            overrides.push(format!(
                "{}: Pusher is reached at {host}",
                Field::PusherHost.key()
            ));
        }
        let host = self
            .pusher
            .host
            .clone()
            .or_else(|| cluster.map(|cluster| format!("ws-{cluster}.pusher.com")));
        let tls = self.pusher.tls.unwrap_or(true);
        Resolved {
            executor_id,
            executor_name: told
                .map(|told| told.executor_name.clone())
                .filter(|name| !name.is_empty()),
            pusher: key.zip(host).map(|(key, host)| PusherTarget {
                key,
                host,
                port: self.pusher.port.unwrap_or(if tls { 443 } else { 80 }),
                tls,
                path: self.pusher.path.clone().unwrap_or_default(),
            }),
            overrides,
        }
    }

    /// What must be done again when `self` replaces `before`.
    pub fn changed_from(&self, before: &Self) -> Changed {
        let same_key = self.credentials.api_key.expose_secret()
            == before.credentials.api_key.expose_secret()
            && self.credentials.api_secret.expose_secret()
                == before.credentials.api_secret.expose_secret();
        let platform = self.platform_url != before.platform_url
            || !same_key
            || self.executor_id != before.executor_id
            || self.proxy != before.proxy;
        Changed {
            platform,
            // A subscription is signed with the key, so another key needs another subscription.
            pusher: platform || self.pusher != before.pusher,
            terminal: self.terminal != before.terminal || self.common_files != before.common_files,
            limits: self.limits != before.limits
                || self.resume_lifts_stop != before.resume_lifts_stop
                || self.symbol_map != before.symbol_map
                || self.default_direction != before.default_direction
                || self.guards != before.guards
                || self.run_without != before.run_without
                || self.news_calendar != before.news_calendar,
        }
    }

    /// Whether the platform runs on this computer.
    pub fn platform_is_local(&self) -> bool {
        crate::net::http::is_loopback(&self.platform_url)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;
    use crate::settings::check::check_field;
    use crate::settings::document::Document;

    fn settings(extra: &str) -> Settings {
        let text = format!(
            r#"{{"platformUrl":"https://fx.example.com/","apiKey":"exe_1","apiSecret":"yyy"{extra}}}"#
        );
        Draft::of(Document::parse(text.as_bytes()).unwrap())
            .settings()
            .unwrap()
    }

    fn fetched() -> FetchedConfig {
        serde_json::from_str(
            r#"{"executorId":"c1","executorName":"Desk","pusherKey":"k1","pusherCluster":"ap1",
                "fetched_at":"2026-01-05T10:00:00Z"}"#,
        )
        .unwrap()
    }

    #[test]
    fn three_values_are_enough_and_the_rest_comes_from_the_platform() {
        let settings = settings("");
        assert_eq!(settings.resolve(None).pusher, None);
        assert_eq!(
            settings.resolve(Some(&fetched())),
            Resolved {
                executor_id: Some("c1".to_owned()),
                executor_name: Some("Desk".to_owned()),
                pusher: Some(PusherTarget {
                    key: "k1".to_owned(),
                    host: "ws-ap1.pusher.com".to_owned(),
                    port: 443,
                    tls: true,
                    path: String::new(),
                }),
                overrides: Vec::new(),
            }
        );
    }

    #[test]
    fn the_file_wins_and_says_so() {
        let settings = settings(
            r#","executorId":"c2","pusherKey":"k1","pusherCluster":"eu","pusherHost":"localhost","pusherTls":false,
                "pusherPath":"/ws/""#,
        );
        let resolved = settings.resolve(Some(&fetched()));
        assert_eq!(resolved.executor_id.as_deref(), Some("c2"));
        assert_eq!(
            resolved.pusher,
            Some(PusherTarget {
                key: "k1".to_owned(),
                host: "localhost".to_owned(),
                port: 80,
                tls: false,
                path: "/ws".to_owned(),
            })
        );
        insta::assert_snapshot!(resolved.overrides.join("\n"), @"
        executorId: the file says c2, the platform says c1; the file's value is used
        pusherCluster: the file says eu, the platform says ap1; the file's value is used
        pusherHost: Pusher is reached at localhost
        ");
    }

    #[test]
    fn a_change_concerns_only_what_it_touches() {
        let before = settings("");
        let none = Changed::default();
        for (extra, changed) in [
            ("", none),
            (r#","theme":"dark""#, none),
            (
                r#","maxLots":1"#,
                Changed {
                    limits: true,
                    ..none
                },
            ),
            (
                r#","terminal":"metatrader""#,
                Changed {
                    terminal: true,
                    ..none
                },
            ),
            (
                r#","pusherCluster":"eu""#,
                Changed {
                    pusher: true,
                    ..none
                },
            ),
            (
                r#","proxy":"none""#,
                Changed {
                    platform: true,
                    pusher: true,
                    ..none
                },
            ),
        ] {
            assert_eq!(settings(extra).changed_from(&before), changed, "{extra}");
        }
    }

    proptest! {
        /// A text that passes its check is read, none is lost on the way; a text that does not is named, alone.
        #[test]
        fn what_is_checked_is_what_is_read(
            n in 0..Field::ALL.len(),
            text in prop_oneof![
                "[ -~]{0,12}", "https?://[a-z:@/.0-9]{1,14}", "[0-9]{0,5}[.]?[0-9]{1,5}", "true|false|none|paper|metatrader",
            ]
        ) {
            let field = Field::ALL[n];
            let mut draft = Draft::default();
            draft.set(Field::PlatformUrl, "https://fx.example.com");
            draft.set(Field::ApiKey, "exe_1");
            draft.set_secret("yyy");
            draft.set(field, &text);
            let blank = text.trim().is_empty();
            let usable = check_field(field, &text).is_ok() && !(blank && field.is_required());
            match draft.settings() {
                Ok(settings) => {
                    prop_assert!(usable);
                    let read = match field {
                        Field::PusherPort => settings.pusher.port.is_some(),
                        Field::PusherTls => settings.pusher.tls.is_some(),
                        Field::MaxLots => settings.limits.max_lots.is_some(),
                        Field::MaxPositions => settings.limits.max_positions.is_some(),
                        Field::MaxDailyLoss => settings.limits.max_daily_loss.is_some(),
                        Field::Proxy => settings.proxy != ProxySetting::System || text.trim() == "system",
                        _ => !blank,
                    };
                    prop_assert_eq!(read, !blank);
                }
                Err(problems) => {
                    prop_assert!(!usable);
                    let named: Vec<Field> = problems.iter().map(|problem| problem.field).collect();
                    prop_assert_eq!(named, [field]);
                }
            }
        }
    }

    #[test]
    fn a_proxy_gets_its_password_back_as_it_was() {
        let settings = settings(r#","proxy":"http://joe:p%40ss@proxy:8080""#);
        assert_eq!(
            settings.proxy,
            ProxySetting::Address("http://joe:p%40ss@proxy:8080".to_owned())
        );
        assert!(!format!("{settings:?}").contains("p%40ss"));
    }
}
