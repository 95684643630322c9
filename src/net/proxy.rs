//! Which proxy a connection goes through.

use std::{fmt, net::IpAddr};

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio_tungstenite::tungstenite::http::Uri;

/// The `proxy` setting: absent = the system's, `"none"` = direct, else an `http://` address.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProxySetting {
    #[default]
    System,
    None,
    /// `http://[user:password@]host:port`
    Address(String),
}

/// An address may carry a password, so only the part after it is shown.
impl fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::None => f.write_str("None"),
            Self::Address(address) => {
                let shown = address
                    .rsplit_once('@')
                    .map_or(address.as_str(), |(_, host)| host);
                write!(f, "Address({shown})")
            }
        }
    }
}

/// An HTTP proxy that is asked to CONNECT.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    /// The value of `Proxy-Authorization`.
    pub(super) authorization: Option<SecretString>,
}

impl Proxy {
    pub(super) fn authorization(&self) -> Option<&str> {
        self.authorization.as_ref().map(ExposeSecret::expose_secret)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyAddressError {
    #[error("the proxy address is not of the form http://host:port")]
    Malformed,
    #[error("proxies of type {0} are not supported; use an http:// proxy")]
    Scheme(String),
}

impl ProxySetting {
    /// The proxy for one destination, `None` for a direct connection.
    ///
    /// `System` means `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, then the system's own settings (the
    /// registry on Windows): the same reading that the HTTP client uses. This computer itself is never proxied
    /// unless an address was set on purpose.
    pub fn resolve(
        &self,
        tls: bool,
        host: &str,
        port: u16,
    ) -> Result<Option<Proxy>, ProxyAddressError> {
        match self {
            Self::None => Ok(None),
            Self::System if is_this_computer(host) => Ok(None),
            Self::System => by_matcher(&Matcher::from_system(), tls, host, port),
            Self::Address(address) => by_matcher(
                &Matcher::builder().all(address.trim()).build(),
                tls,
                host,
                port,
            )
            .and_then(|proxy| proxy.ok_or(ProxyAddressError::Malformed).map(Some)),
        }
    }
}

/// The decision of one set of rules; apart so that tests need no environment.
pub fn by_matcher(
    rules: &Matcher,
    tls: bool,
    host: &str,
    port: u16,
) -> Result<Option<Proxy>, ProxyAddressError> {
    let scheme = if tls { "https" } else { "http" };
    let destination = format!("{scheme}://{}:{port}/", bracketed(host))
        .parse::<Uri>()
        .map_err(|_| ProxyAddressError::Malformed)?;
    rules
        .intercept(&destination)
        .as_ref()
        .map(proxy_of)
        .transpose()
}

fn proxy_of(intercept: &Intercept) -> Result<Proxy, ProxyAddressError> {
    let uri = intercept.uri();
    match uri.scheme_str() {
        None | Some("http") => {}
        Some(other) => return Err(ProxyAddressError::Scheme(other.to_owned())),
    }
    let host = uri.host().ok_or(ProxyAddressError::Malformed)?;
    Ok(Proxy {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: uri.port_u16().unwrap_or(80),
        authorization: intercept
            .basic_auth()
            .and_then(|value| value.to_str().ok())
            .map(|value| SecretString::from(value.to_owned())),
    })
}

fn is_this_computer(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// `host` as it stands in an address: IPv6 in brackets.
pub fn bracketed(host: &str) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}
