//! Where the Pusher server is (Pusher protocol, "Connection").

use url::Url;

use crate::net::proxy::{ProxySetting, bracketed};

/// One Pusher application on one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The application key; public, it is part of the address.
    pub key: String,
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// Path before `/app/{key}` on self-hosted servers; empty on Pusher's own.
    pub path: String,
    pub proxy: ProxySetting,
}

impl Endpoint {
    /// Pusher's own servers in one cluster, for example `ap1`.
    pub fn for_cluster(key: &str, cluster: &str) -> Self {
        Self {
            key: key.to_owned(),
            host: format!("ws-{cluster}.pusher.com"),
            port: 443,
            tls: true,
            path: String::new(),
            proxy: ProxySetting::System,
        }
    }

    /// The address of the socket, the port always written out.
    pub fn url(&self) -> String {
        let scheme = if self.tls { "wss" } else { "ws" };
        format!(
            "{scheme}://{}:{}{}?protocol=7&client=fx-executor&version={}&flash=false",
            bracketed(&self.host),
            self.port,
            self.request_path(),
            env!("CARGO_PKG_VERSION"),
        )
    }

    /// The same application over TLS: what close code 4000 asks for.
    pub(crate) fn secured(&self) -> Self {
        Self {
            tls: true,
            port: if self.port == 80 { 443 } else { self.port },
            ..self.clone()
        }
    }

    /// Prefix and key, percent-encoded.
    fn request_path(&self) -> String {
        let Ok(mut url) = Url::parse("ws://host/") else {
            return String::new();
        };
        if let Ok(mut segments) = url.path_segments_mut() {
            let prefix = self.path.split('/').filter(|part| !part.is_empty());
            segments.clear().extend(prefix).push("app").push(&self.key);
        }
        url.path().to_owned()
    }
}
