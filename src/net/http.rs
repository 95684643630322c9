//! How an HTTP client of this program goes out: its TLS, its proxy, its name; never along a redirect.

use std::sync::Arc;

use rustls::ClientConfig;
use url::{Host, Url};

use super::proxy::ProxySetting;

#[derive(Debug, thiserror::Error)]
#[error("the proxy address in Settings cannot be used; it must look like http://host:port")]
pub struct ProxyError;

/// A client for one host, without limits of time: the caller knows them. The second value says whether the settings named the
/// proxy.
pub fn client_for(
    url: &Url,
    tls: &Arc<ClientConfig>,
    proxy: &ProxySetting,
) -> Result<(reqwest::ClientBuilder, bool), ProxyError> {
    let builder = reqwest::Client::builder()
        .tls_backend_preconfigured(ClientConfig::clone(tls))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .user_agent(concat!("fx-executor/", env!("CARGO_PKG_VERSION")));
    Ok(match proxy {
        // No proxy can reach this computer's own loopback.
        _ if is_loopback(url) => (builder.no_proxy(), false),
        ProxySetting::System => (builder, false),
        ProxySetting::None => (builder.no_proxy(), false),
        ProxySetting::Address(address) => {
            let proxy = reqwest::Proxy::all(address.as_str()).map_err(|_| ProxyError)?;
            (builder.proxy(proxy), true)
        }
    })
}

/// Whether an address is on this computer.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost") || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
