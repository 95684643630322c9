//! A server that answers each connection with the bytes it was told to, and a client for it, for the tests of this
//! folder.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use secrecy::SecretString;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Credentials, Limits, PlatformClient, Report, ReportStatus};
use crate::net::proxy::ProxySetting;

pub const KEY: &str = "exe_00112233445566778899aabbccddeeff";
pub const SECRET: &str = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2";
pub const JSON: Option<&str> = Some("application/json");
pub const HTML: Option<&str> = Some("text/html; charset=utf-8");
pub const PAGE: &str = "<!DOCTYPE html><title>marked-page</title>";

/// A TLS configuration that trusts these certificates and no others.
pub fn tls(trusted: &[CertificateDer<'static>]) -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate.clone()).unwrap();
    }
    Arc::new(
        rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

/// Long enough for a busy computer.
pub const fn patient() -> Limits {
    Limits {
        connect: Duration::from_secs(10),
        silence: Duration::from_secs(10),
        total: Duration::from_secs(20),
        body: 64 * 1024,
    }
}

/// For servers that never come to an end.
pub const fn hasty() -> Limits {
    Limits {
        silence: Duration::from_millis(300),
        total: Duration::from_millis(600),
        ..patient()
    }
}

pub fn client(url: &Url) -> PlatformClient {
    client_through(url, &ProxySetting::None)
}

pub fn client_through(url: &Url, proxy: &ProxySetting) -> PlatformClient {
    client_with(url, proxy, &tls(&[]), patient())
}

pub fn client_with(
    url: &Url,
    proxy: &ProxySetting,
    tls: &Arc<rustls::ClientConfig>,
    limits: Limits,
) -> PlatformClient {
    let credentials = Credentials {
        api_key: SecretString::from(KEY),
        api_secret: SecretString::from(SECRET),
    };
    PlatformClient::with_limits(url, &credentials, tls, proxy, limits).unwrap()
}

pub fn report() -> Report {
    Report {
        command_id: "cmd_1".to_owned(),
        status: ReportStatus::Executed,
        result: json!({"success": true, "message": "done"}),
    }
}

/// What the server does with a request once it has read it.
#[derive(Clone, Debug)]
pub enum Act {
    /// Send these bytes and close.
    Send(Vec<u8>),
    /// Read the request and say nothing.
    Silence,
    /// Close with a reset, without a byte.
    Reset,
    /// Send the head and half of the promised body, then close.
    HalfBody,
    /// Send the head and then one byte of body now and then, forever.
    Drip,
    /// Send a body without an end.
    Flood,
}

/// An HTTP answer with this status, content type and body.
pub fn answer(status: u16, content_type: Option<&str>, body: &str) -> Act {
    answer_with(status, content_type, body, "")
}

/// As [`answer`], with further header lines, each ended by CRLF.
pub fn answer_with(status: u16, content_type: Option<&str>, body: &str, headers: &str) -> Act {
    let content_type =
        content_type.map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
    Act::Send(
        format!(
            "HTTP/1.1 {status} X\r\n{content_type}{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

#[derive(Debug)]
pub struct Server {
    pub url: Url,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Every request gets the same treatment.
    pub async fn start(act: Act) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, act.clone(), Arc::clone(&seen)));
            }
        });
        let url = Url::parse(&format!("http://{address}/")).map_err(std::io::Error::other)?;
        Ok(Self {
            url,
            requests,
            task,
        })
    }

    /// The requests so far, head and body.
    pub fn requests(&self) -> Vec<String> {
        self.requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, act: Act, seen: Arc<Mutex<Vec<String>>>) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let done = match act {
        Act::Send(bytes) => {
            let sent = stream.write_all(&bytes).await;
            sent.and(stream.shutdown().await)
        }
        Act::Silence => {
            std::future::pending::<()>().await;
            Ok(())
        }
        Act::Reset => stream.set_zero_linger(),
        Act::HalfBody => {
            let text = format!("{head}Content-Length: 100\r\n\r\n{{\"success\":true");
            let sent = stream.write_all(text.as_bytes()).await;
            sent.and(stream.shutdown().await)
        }
        Act::Drip => {
            let mut sent = stream
                .write_all(format!("{head}Content-Length: 50000\r\n\r\n").as_bytes())
                .await;
            while sent.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
                sent = stream.write_all(b" ").await;
            }
            sent
        }
        Act::Flood => {
            let mut sent = stream
                .write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes())
                .await;
            let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
            while sent.is_ok() {
                sent = stream.write_all(chunk.as_bytes()).await;
            }
            sent
        }
    };
    // The client may be gone before everything was said to it; that is what some scripts are about.
    drop(done);
}

/// Head and body; `None` when the other side ends before.
pub async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse::<usize>().ok())
            .unwrap_or_default();
        if body.len() >= length {
            return Some(text);
        }
    }
}
