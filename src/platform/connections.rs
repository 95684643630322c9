//! Getting a connection: names, refusals, certificates, proxies.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::scripted::{
    HTML, JSON, PAGE, SECRET, Server, answer, client, client_through, client_with, patient,
    read_request, tls,
};
use super::*;
use crate::net::proxy::ProxySetting;

const HEALTHY: &str = r#"{"status":"healthy"}"#;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// A port at which nobody listens.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Answers one connection over TLS, if the handshake succeeds, with a certificate for `name`.
async fn secure_server(name: &str) -> (u16, CertificateDer<'static>) {
    let certificate = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let der = certificate.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(certificate.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![der.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else {
            return;
        };
        read_request(&mut stream).await.unwrap();
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{HEALTHY}",
            HEALTHY.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
    });
    (port, der)
}

#[tokio::test]
async fn nothing_listening_is_said_to_be_that() {
    let nobody = url(&format!("http://127.0.0.1:{}/", free_port()));
    let error = client(&nobody).config().await.unwrap_err();
    assert_eq!(error.kind, CallErrorKind::Connect(ConnectProblem::Refused));
}

/// A name that nobody has, by RFC 6761; a resolver without a network may also be slow to say so.
#[tokio::test]
async fn a_host_without_an_address_is_said_to_be_that() {
    let nowhere = url("http://no-such-host.invalid/");
    let error = client(&nowhere).config().await.unwrap_err();
    assert!(
        matches!(
            error.kind,
            CallErrorKind::Connect(ConnectProblem::Dns) | CallErrorKind::Timeout
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_trusted_certificate_is_accepted() {
    let (port, certificate) = secure_server("localhost").await;
    let platform = url(&format!("https://localhost:{port}/"));
    let trusting = client_with(
        &platform,
        &ProxySetting::None,
        &tls(&[certificate]),
        patient(),
    );
    assert_eq!(trusting.health().await.unwrap().status, "healthy");
}

#[tokio::test]
async fn a_certificate_that_is_not_accepted_says_why() {
    let (strange_port, _) = secure_server("localhost").await;
    let (other_port, other) = secure_server("elsewhere.example").await;
    for (port, trusted, reason) in [
        (
            strange_port,
            vec![],
            "the certificate's issuer is not trusted by this computer",
        ),
        (
            other_port,
            vec![other],
            "the certificate is for another host name",
        ),
    ] {
        let platform = url(&format!("https://localhost:{port}/"));
        let client = client_with(&platform, &ProxySetting::None, &tls(&trusted), patient());
        let error = client.health().await.unwrap_err();
        assert_eq!(
            error.kind,
            CallErrorKind::Connect(ConnectProblem::Tls(reason.to_owned()))
        );
    }
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_a_tls_problem() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .await
            .unwrap();
        // Stays open: the words must decide, not the end of the connection.
        std::future::pending::<()>().await;
    });
    let error = client(&url(&format!("https://localhost:{port}/")))
        .health()
        .await
        .unwrap_err();
    assert_eq!(
        error.kind,
        CallErrorKind::Connect(ConnectProblem::Tls(
            "the other side does not speak TLS".to_owned()
        ))
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_away_is_named() {
    let proxy = Server::start(answer(407, HTML, PAGE)).await.unwrap();
    let refusing = ProxySetting::Address(proxy.url.to_string());
    let away = ProxySetting::Address(format!("http://127.0.0.1:{}", free_port()));
    for through in [refusing, away] {
        for address in ["http://platform.example/", "https://platform.example/"] {
            let error = client_through(&url(address), &through)
                .config()
                .await
                .unwrap_err();
            let kind = CallErrorKind::Connect(ConnectProblem::Proxy);
            assert_eq!(error.kind, kind, "{address} {through:?}");
        }
    }
    assert!(proxy.requests()[0].starts_with("GET http://platform.example/api/executor/config "));
    assert!(proxy.requests()[1].starts_with("CONNECT platform.example:443 "));
    assert!(!proxy.requests()[1].contains(SECRET));
}

#[tokio::test]
async fn a_proxy_gets_its_user_name_and_password() {
    let proxy = Server::start(answer(200, JSON, HEALTHY)).await.unwrap();
    let address = proxy.url.as_str().replace("http://", "http://joe:p%40ss@");
    client_through(
        &url("http://platform.example/"),
        &ProxySetting::Address(address),
    )
    .health()
    .await
    .unwrap();
    // joe:p@ss
    assert!(
        proxy.requests()[0].contains("proxy-authorization: Basic am9lOnBAc3M=\r\n"),
        "{}",
        proxy.requests()[0]
    );
}

#[tokio::test]
async fn loopback_is_never_sent_through_a_proxy() {
    let proxy = Server::start(answer(407, None, "")).await.unwrap();
    let server = Server::start(answer(200, JSON, HEALTHY)).await.unwrap();
    let through = ProxySetting::Address(proxy.url.to_string());
    client_through(&server.url, &through)
        .health()
        .await
        .unwrap();
    assert_eq!(proxy.requests(), [""; 0]);
}
