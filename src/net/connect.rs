//! Opens a byte stream to a host: proxy choice, DNS, racing addresses, HTTP CONNECT, TLS. Each step has its own limit
//! and its own error, so that the trader reads what failed and not just that something did. Never retries: the
//! caller owns the schedule. Never falls back from TLS to plain text.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use rustls::{CertificateError, ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::either::Either;

use super::{
    proxy::{Proxy, ProxyAddressError, ProxySetting, bracketed},
    race,
};

/// A connection ready for its first byte.
pub type Stream = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// How long each step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub dns: Duration,
    pub tcp: Duration,
    pub proxy: Duration,
    pub tls: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            dns: Duration::from_secs(5),
            tcp: Duration::from_secs(8),
            proxy: Duration::from_secs(8),
            tls: Duration::from_secs(8),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(
        "the name {host} cannot be resolved ({source}); check the internet connection and the host name"
    )]
    Dns { host: String, source: io::Error },
    #[error("resolving the name {host} took longer than {limit:?}; check the DNS settings")]
    DnsTimeout { host: String, limit: Duration },
    #[error("the name {host} has no address")]
    NoAddress { host: String },
    #[error("{address} refused the connection; nothing listens there or a firewall rejects it")]
    Refused { address: SocketAddr },
    #[error("no connection to {address}: {source}")]
    Tcp {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("no address of {host} answered within {limit:?}; a firewall may drop the packets")]
    TcpTimeout { host: String, limit: Duration },
    #[error(transparent)]
    ProxyAddress(#[from] ProxyAddressError),
    #[error("the proxy {proxy} cannot be reached: {reason}")]
    ProxyUnreachable { proxy: String, reason: String },
    #[error("the proxy {proxy} demands a valid user name and password (407)")]
    ProxyCredentials { proxy: String },
    #[error("the proxy {proxy} refuses to connect to {target} (status {status})")]
    ProxyRefused {
        proxy: String,
        target: String,
        status: u16,
    },
    #[error("the proxy {proxy} broke off or answered something that is not HTTP")]
    ProxyProtocol { proxy: String },
    #[error("the proxy {proxy} did not answer within {limit:?}")]
    ProxyTimeout { proxy: String, limit: Duration },
    #[error("TLS with {host} failed: {failure}")]
    Tls { host: String, failure: TlsFailure },
    #[error("TLS with {host} was not finished within {limit:?}")]
    TlsTimeout { host: String, limit: Duration },
}

/// Why a TLS handshake failed, as far as it can be told apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFailure {
    #[error(
        "its certificate is signed by an authority this computer does not know (a virus scanner or company proxy may be reading along)"
    )]
    UnknownIssuer,
    #[error("its certificate has expired; check this computer's clock first")]
    Expired,
    #[error("its certificate is not valid yet; check this computer's clock first")]
    NotYetValid,
    #[error("its certificate is for another name")]
    WrongName,
    #[error("its certificate was revoked")]
    Revoked,
    #[error("the host name is not valid for TLS")]
    HostName,
    #[error("the server refused with the alert {0}")]
    Alert(String),
    #[error("the server does not speak TLS on this port")]
    NotTls,
    #[error("{0}")]
    Other(String),
}

/// Opens a stream to `host:port`, over TLS if asked, through the proxy that `proxy` names for it.
///
/// # Errors
/// The first step that failed; see [`ConnectError`].
pub async fn connect(
    host: &str,
    port: u16,
    tls: Option<&Arc<ClientConfig>>,
    proxy: &ProxySetting,
    limits: &Limits,
) -> Result<Stream, ConnectError> {
    let tcp = match proxy.resolve(tls.is_some(), host, port)? {
        None => open_tcp(host, port, limits).await?,
        Some(proxy) => through_proxy(&proxy, host, port, limits).await?,
    };
    match tls {
        None => Ok(Either::Left(tcp)),
        Some(config) => Ok(Either::Right(Box::new(
            open_tls(tcp, host, config, limits).await?,
        ))),
    }
}

async fn open_tcp(host: &str, port: u16, limits: &Limits) -> Result<TcpStream, ConnectError> {
    let bare = host.trim_matches(['[', ']']);
    let addresses: Vec<SocketAddr> = timeout(limits.dns, tokio::net::lookup_host((bare, port)))
        .await
        .map_err(|_| ConnectError::DnsTimeout {
            host: bare.to_owned(),
            limit: limits.dns,
        })?
        .map_err(|source| ConnectError::Dns {
            host: bare.to_owned(),
            source,
        })?
        .collect();
    if addresses.is_empty() {
        return Err(ConnectError::NoAddress {
            host: bare.to_owned(),
        });
    }
    let ordered = race::interleave(&addresses);
    let stream = timeout(
        limits.tcp,
        race::first_to_connect(&ordered, TcpStream::connect),
    )
    .await
    .map_err(|_| ConnectError::TcpTimeout {
        host: bare.to_owned(),
        limit: limits.tcp,
    })?
    .map_err(|(address, source)| match source.kind() {
        io::ErrorKind::ConnectionRefused => ConnectError::Refused { address },
        _ => ConnectError::Tcp { address, source },
    })?;
    // Commands are small and urgent: never wait for a fuller packet.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(target: "net", "TCP_NODELAY cannot be set: {error}");
    }
    Ok(stream)
}

async fn through_proxy(
    proxy: &Proxy,
    host: &str,
    port: u16,
    limits: &Limits,
) -> Result<TcpStream, ConnectError> {
    let name = format!("{}:{}", bracketed(&proxy.host), proxy.port);
    let mut stream = open_tcp(&proxy.host, proxy.port, limits)
        .await
        .map_err(|error| ConnectError::ProxyUnreachable {
            proxy: name.clone(),
            reason: error.to_string(),
        })?;
    let target = format!("{}:{port}", bracketed(host));
    let answer = timeout(limits.proxy, ask_to_connect(&mut stream, proxy, &target))
        .await
        .map_err(|_| ConnectError::ProxyTimeout {
            proxy: name.clone(),
            limit: limits.proxy,
        })?;
    match answer {
        Ok(200..=299) => Ok(stream),
        Ok(407) => Err(ConnectError::ProxyCredentials { proxy: name }),
        Ok(status) => Err(ConnectError::ProxyRefused {
            proxy: name,
            target,
            status,
        }),
        Err(_) => Err(ConnectError::ProxyProtocol { proxy: name }),
    }
}

/// Sends CONNECT (RFC 9110 §9.3.6) and gives the status. Reads nothing past the blank line: what follows belongs to
/// the tunnel.
async fn ask_to_connect(stream: &mut TcpStream, proxy: &Proxy, target: &str) -> io::Result<u16> {
    const HEAD_LIMIT: usize = 16 * 1024;
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some(authorization) = proxy.authorization() {
        request.push_str("Proxy-Authorization: ");
        request.push_str(authorization);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        head.push(stream.read_u8().await?);
    }
    std::str::from_utf8(&head)
        .ok()
        .filter(|head| head.starts_with("HTTP/1."))
        .and_then(|head| head.split_ascii_whitespace().nth(1))
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}

async fn open_tls(
    tcp: TcpStream,
    host: &str,
    config: &Arc<ClientConfig>,
    limits: &Limits,
) -> Result<TlsStream<TcpStream>, ConnectError> {
    let bare = host.trim_matches(['[', ']']);
    let failed = |failure| ConnectError::Tls {
        host: bare.to_owned(),
        failure,
    };
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| failed(TlsFailure::HostName))?;
    timeout(
        limits.tls,
        TlsConnector::from(Arc::clone(config)).connect(name, tcp),
    )
    .await
    .map_err(|_| ConnectError::TlsTimeout {
        host: bare.to_owned(),
        limit: limits.tls,
    })?
    .map_err(|error| failed(TlsFailure::of(&error)))
}

impl TlsFailure {
    /// Reads the reason out of what `tokio_rustls` gives.
    pub fn of(error: &io::Error) -> Self {
        let Some(inner) = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>())
        else {
            return Self::Other(match error.kind() {
                io::ErrorKind::UnexpectedEof => {
                    "the server closed the connection during the handshake".to_owned()
                }
                _ => error.to_string(),
            });
        };
        match inner {
            rustls::Error::InvalidCertificate(certificate) => match certificate {
                CertificateError::UnknownIssuer => Self::UnknownIssuer,
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    Self::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    Self::NotYetValid
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => Self::WrongName,
                CertificateError::Revoked => Self::Revoked,
                other => Self::Other(other.to_string()),
            },
            rustls::Error::AlertReceived(alert) => Self::Alert(format!("{alert:?}")),
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            other => Self::Other(other.to_string()),
        }
    }
}
