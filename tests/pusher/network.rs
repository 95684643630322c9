//! Rows 53-57: names, addresses, certificates, proxies and login pages.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use fx_executor::{
    net::{
        connect::{ConnectError, Limits, TlsFailure, connect},
        proxy::{ProxyAddressError, ProxySetting, by_matcher},
        race,
    },
    pusher::{Command, Endpoint, StateChange, socket},
};
use hyper_util::client::proxy::matcher::Matcher;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::Instant,
};

use crate::{
    machine::{Machine, PRIVATE as CHANNEL, secs},
    script::{Server, User, endpoint_at, soon, tls},
};

async fn trouble_at(endpoint: Endpoint) -> StateChange {
    User::connect(endpoint).trouble().await
}

#[tokio::test]
async fn row_53_unknown_name_has_its_own_reason() {
    let endpoint = Endpoint {
        host: "no-such-host.invalid".to_owned(),
        ..endpoint_at(([127, 0, 0, 1], 9).into())
    };
    let change = trouble_at(endpoint).await;
    let reason = change.reason.unwrap();
    assert!(
        reason.contains("no-such-host.invalid") && reason.contains("resolve"),
        "{reason}"
    );
    assert!(
        change.retry_in.unwrap() <= secs(0.5),
        "resolved again with the next attempt"
    );
}

#[tokio::test(start_paused = true)]
async fn row_54_black_holed_first_address_costs_a_quarter_second() {
    let hole: SocketAddr = "[2001:db8::1]:443".parse().unwrap();
    let good: SocketAddr = "192.0.2.1:443".parse().unwrap();
    let started = Instant::now();
    let won = race::first_to_connect(&[hole, good], |address| async move {
        if address == hole {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok(address)
    })
    .await
    .unwrap();
    assert_eq!(won, good);
    assert!(
        started.elapsed() < Duration::from_millis(300),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn row_54_refused_first_address_costs_nothing_and_all_failed_is_an_error() {
    let addresses: Vec<SocketAddr> =
        vec!["[::1]:1".parse().unwrap(), "127.0.0.1:1".parse().unwrap()];
    let started = Instant::now();
    let (last, error) = race::first_to_connect(&addresses, |_| async {
        Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused))
    })
    .await
    .unwrap_err();
    assert_eq!(
        (last, error.kind()),
        (addresses[1], io::ErrorKind::ConnectionRefused)
    );
    assert_eq!(started.elapsed(), Duration::ZERO);
}

#[test]
fn row_54_families_alternate() {
    let address = |text: &str| text.parse::<SocketAddr>().unwrap();
    let resolved = ["[::1]:1", "[::2]:1", "[::1]:1", "1.1.1.1:1", "2.2.2.2:1"].map(address);
    assert_eq!(
        race::interleave(&resolved),
        ["[::1]:1", "1.1.1.1:1", "[::2]:1", "2.2.2.2:1"].map(address)
    );
}

/// A TLS server whose certificate is for `name` and valid in these years, and the client's trust in its authority.
async fn tls_server(name: &str, years: (i32, i32)) -> (SocketAddr, Arc<ClientConfig>) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
    params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
    let certificate = params.signed_by(&key, &authority).unwrap();

    let provider = Arc::new(ring::default_provider());
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        )
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let Ok(mut ws) = tokio_tungstenite::accept_async(stream).await else {
                    return;
                };
                while let Some(Ok(_)) = futures_util::StreamExt::next(&mut ws).await {}
            });
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (address, Arc::new(client))
}

async fn tls_failure(address: SocketAddr, config: &Arc<ClientConfig>) -> TlsFailure {
    let error = connect(
        "localhost",
        address.port(),
        Some(config),
        &ProxySetting::None,
        &Limits::default(),
    )
    .await;
    match error.err() {
        Some(ConnectError::Tls { failure, .. }) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn row_55_tls_failures_have_distinct_reasons() {
    let (good, trusted) = tls_server("localhost", (2020, 2090)).await;
    let endpoint = Endpoint {
        host: "localhost".to_owned(),
        tls: true,
        ..endpoint_at(good)
    };
    assert!(
        socket::open(&endpoint, &trusted, &Limits::default())
            .await
            .is_ok(),
        "the good one works"
    );

    assert_eq!(tls_failure(good, &tls()).await, TlsFailure::UnknownIssuer);
    let (expired, trusted) = tls_server("localhost", (2020, 2021)).await;
    assert_eq!(tls_failure(expired, &trusted).await, TlsFailure::Expired);
    let (early, trusted) = tls_server("localhost", (2080, 2090)).await;
    assert_eq!(tls_failure(early, &trusted).await, TlsFailure::NotYetValid);
    let (other, trusted) = tls_server("other.example", (2020, 2090)).await;
    assert_eq!(tls_failure(other, &trusted).await, TlsFailure::WrongName);
    // An alert record: level fatal, handshake_failure.
    let alerting = answering(&[0x15, 3, 3, 0, 2, 2, 40]).await;
    assert!(matches!(
        tls_failure(alerting, &trusted).await,
        TlsFailure::Alert(_)
    ));
    let plain = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    assert_eq!(tls_failure(plain, &trusted).await, TlsFailure::NotTls);
}

#[tokio::test]
async fn row_55_tls_failure_is_slow_and_never_downgraded() {
    let (address, _) = tls_server("localhost", (2020, 2090)).await;
    let endpoint = Endpoint {
        host: "localhost".to_owned(),
        tls: true,
        ..endpoint_at(address)
    };
    let change = trouble_at(endpoint).await;
    assert!(change.reason.unwrap().contains("authority"));
    assert!(change.retry_in.unwrap() >= secs(30.0));

    let secure = Endpoint {
        tls: true,
        port: 443,
        ..crate::machine::endpoint()
    };
    let mut machine = Machine::with(&[CHANNEL], secure, 3);
    machine.command(Command::Connect);
    for _ in 0..20 {
        machine.open_failed(fx_executor::pusher::closing::Pace::Slow);
        machine.pass_until_open();
    }
    let all_secure = machine.out.iter().all(|action| match action {
        fx_executor::pusher::session::Action::Open { endpoint, .. } => endpoint.tls,
        _ => true,
    });
    assert!(all_secure);
}

/// A server that reads once, says this to everyone and closes.
async fn answering(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            drop(stream.read(&mut request).await);
            drop(stream.write_all(bytes).await);
            drop(stream.shutdown().await);
        }
    });
    address
}

/// A CONNECT proxy that asks for `user:pass` and says what it was asked for.
async fn proxy() -> (SocketAddr, tokio::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (asked, requests) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let asked = asked.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap().to_owned();
                // base64 of user:pass
                let known = head.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n");
                asked
                    .send(head.lines().next().unwrap().to_owned())
                    .await
                    .unwrap();
                if !known {
                    drop(
                        stream
                            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                            .await,
                    );
                    return;
                }
                let Ok(mut upstream) = TcpStream::connect(&target).await else {
                    drop(stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").await);
                    return;
                };
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n")
                    .await
                    .unwrap();
                drop(tokio::io::copy_bidirectional(&mut stream, &mut upstream).await);
            });
        }
    });
    (address, requests)
}

#[tokio::test]
async fn row_56_proxy_with_password_works() {
    let server = Server::start().await;
    let (address, mut requests) = proxy().await;
    let endpoint = Endpoint {
        proxy: ProxySetting::Address(format!("http://user:pass@{address}")),
        ..server.endpoint()
    };
    let mut user = User::connect(endpoint);
    server.serve("1.1").await;
    user.subscribed().await;
    let request = soon("the request", requests.recv()).await.unwrap();
    assert_eq!(request, format!("CONNECT {} HTTP/1.1", server.address));
}

#[tokio::test]
async fn row_56_proxy_failures_are_typed() {
    let target = "127.0.0.1";
    let limits = Limits {
        proxy: Duration::from_millis(200),
        ..Limits::default()
    };
    let through = |address: SocketAddr, login: &'static str| async move {
        let setting = ProxySetting::Address(format!("http://{login}{address}"));
        connect(target, 9, None, &setting, &limits)
            .await
            .err()
            .unwrap()
    };
    let (address, _requests) = proxy().await;
    assert!(matches!(
        through(address, "").await,
        ConnectError::ProxyCredentials { .. }
    ));
    assert!(matches!(
        through(address, "user:pass@").await,
        ConnectError::ProxyRefused { status: 502, .. }
    ));
    let html = answering(b"<html>").await;
    assert!(matches!(
        through(html, "").await,
        ConnectError::ProxyProtocol { .. }
    ));
    let nobody = {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        free.local_addr().unwrap()
    };
    assert!(matches!(
        through(nobody, "").await,
        ConnectError::ProxyUnreachable { .. }
    ));
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = through(silent.local_addr().unwrap(), "").await;
    assert!(matches!(error, ConnectError::ProxyTimeout { .. }));
    let setting = ProxySetting::Address("socks5://127.0.0.1:1".to_owned());
    let error = connect(target, 9, None, &setting, &limits)
        .await
        .err()
        .unwrap();
    assert!(
        matches!(
            error,
            ConnectError::ProxyAddress(ProxyAddressError::Scheme(_))
        ),
        "{error:?}"
    );
}

#[test]
fn row_56_system_rules() {
    let rules = Matcher::builder()
        .http("http://plain:3128")
        .https("http://secure:3129")
        .no("pusher.example, .internal, 10.0.0.0/8")
        .build();
    let chosen = |tls, host: &str| {
        by_matcher(&rules, tls, host, 443)
            .unwrap()
            .map(|proxy| (proxy.host, proxy.port))
    };
    assert_eq!(
        chosen(true, "ws-ap1.pusher.com"),
        Some(("secure".to_owned(), 3129))
    );
    assert_eq!(
        chosen(false, "ws-ap1.pusher.com"),
        Some(("plain".to_owned(), 3128))
    );
    for direct in ["pusher.example", "a.internal", "10.1.2.3"] {
        assert_eq!(chosen(true, direct), None, "{direct}");
    }
    assert!(
        ProxySetting::System
            .resolve(false, "127.0.0.1", 80)
            .unwrap()
            .is_none()
    );
    assert!(
        ProxySetting::System
            .resolve(false, "::1", 80)
            .unwrap()
            .is_none()
    );
    let shown = format!(
        "{:?}",
        ProxySetting::Address("http://user:hidden@host:1".to_owned())
    );
    assert!(!shown.contains("hidden"), "{shown}");
}

#[tokio::test]
async fn row_57_login_pages_are_named() {
    let page =
        answering(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>log in</html>").await;
    let change = trouble_at(endpoint_at(page)).await;
    assert!(change.reason.unwrap().contains("login page"));
    let moved = answering(b"HTTP/1.1 302 Found\r\nlocation: http://login.example/\r\n\r\n").await;
    let change = trouble_at(endpoint_at(moved)).await;
    assert!(change.reason.unwrap().contains("http://login.example/"));
}
