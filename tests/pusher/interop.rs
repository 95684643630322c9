//! The same client against soketi 1.6.1, with events from the official npm library. Everything stays on 127.0.0.1;
//! soketi's discovery would broadcast to the network otherwise.

use std::{
    net::UdpSocket,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use fx_executor::{
    net::proxy::ProxySetting,
    pusher::{Authorization, ConnectionState, Endpoint, Event, Options, Timing, auth},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Instant, timeout},
};

use crate::script::{Auth, CHANNEL_DATA, PRIVATE, User, soon};

const KEY: &str = "app-key";
const SECRET: &str = "app-secret";

fn interop() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
    assert!(
        folder.join("node_modules/@soketi/soketi").is_dir()
            && folder.join("node_modules/pusher").is_dir(),
        "soketi and the official Pusher library are not installed: run `npm ci --ignore-scripts` in tests/interop \
         (tests/run does), with Node 20",
    );
    folder
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

struct Soketi {
    process: Child,
    config: tempfile::TempDir,
    port: u16,
}

impl Soketi {
    async fn start() -> Self {
        let port = free_port().await;
        let cluster_port = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let config = json!({
            "host": "127.0.0.1", "port": port,
            "metrics.host": "127.0.0.1", "metrics.port": free_port().await,
            "shutdownGracePeriod": 500,
            "cluster.hostname": "127.0.0.1", "cluster.address": "127.0.0.1", "cluster.unicast": "127.0.0.1",
            "cluster.broadcast": "127.0.0.1", "cluster.port": cluster_port,
            "eventLimits.maxPayloadInKb": 400,
            "appManager.array.apps": [{
                "id": "app-id", "key": KEY, "secret": SECRET, "enabled": true, "enableClientMessages": true,
                "maxConnections": -1, "maxBackendEventsPerSecond": -1, "maxClientEventsPerSecond": -1,
                "maxReadRequestsPerSecond": -1, "webhooks": [],
            }],
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("soketi.json"), config.to_string()).unwrap();
        let process = Self::run(folder.path(), port).await;
        Self {
            process,
            config: folder,
            port,
        }
    }

    async fn run(config: &Path, port: u16) -> Child {
        let mut process = Command::new("node")
            .arg(interop().join("node_modules/.bin/soketi"))
            .arg("start")
            .arg(format!("--config={}", config.join("soketi.json").display()))
            .current_dir(interop())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node must be installed");
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains("up and running") {
                    return true;
                }
            }
            false
        };
        let ready = timeout(Duration::from_secs(40), ready)
            .await
            .expect("soketi did not start");
        assert!(ready, "soketi ended instead of listening on {port}");
        // Keep its stdout drained, so that it never blocks on it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        process
    }

    async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Asks it to end: it closes every connection with 4200 and keeps accepting for a moment.
    async fn drain(&mut self) {
        let id = self.process.id().expect("it runs").to_string();
        let asked = Command::new("kill")
            .arg("-TERM")
            .arg(id)
            .status()
            .await
            .unwrap();
        assert!(asked.success());
        timeout(Duration::from_secs(20), self.process.wait())
            .await
            .expect("soketi does not end")
            .unwrap();
    }

    async fn restart(&mut self) {
        self.process = Self::run(self.config.path(), self.port).await;
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint {
            key: KEY.to_owned(),
            host: "127.0.0.1".to_owned(),
            port: self.port,
            tls: false,
            path: String::new(),
            proxy: ProxySetting::None,
        }
    }
}

/// The official library in a process of its own.
struct Publisher {
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Publisher {
    fn start(port: u16) -> Self {
        let mut process = Command::new("node")
            .arg("publish.cjs")
            .arg(port.to_string())
            .current_dir(interop())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node must be installed");
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self {
            input: process.stdin.take().unwrap(),
            output,
            _process: process,
        }
    }

    async fn publish(&mut self, command: &Value) {
        self.input
            .write_all(format!("{command}\n").as_bytes())
            .await
            .unwrap();
        let answer = timeout(Duration::from_secs(30), self.output.next_line())
            .await
            .expect("the publisher hangs");
        assert_eq!(answer.unwrap().as_deref(), Some("ok"));
    }
}

/// `channel_data` goes along on every channel. soketi verifies it only on presence channels: on private ones it
/// computes the signature over two parts, unlike the hosted service, so there it is signed over two.
#[derive(Clone)]
struct Signer {
    secret: &'static str,
}

impl fx_executor::pusher::Authorizer for Signer {
    fn authorize(
        &self,
        socket_id: String,
        channel: String,
    ) -> futures_util::future::BoxFuture<
        'static,
        Result<Authorization, fx_executor::pusher::AuthorizeError>,
    > {
        let signed_data = channel.starts_with("presence-").then_some(CHANNEL_DATA);
        let signature = auth::sign(self.secret, &socket_id, &channel, signed_data);
        Box::pin(std::future::ready(Ok(Authorization {
            auth: format!("{KEY}:{signature}"),
            channel_data: Some(CHANNEL_DATA.to_owned()),
        })))
    }
}

fn user(soketi: &Soketi, secret: &'static str) -> User {
    user_of(soketi, secret, PRIVATE)
}

fn user_of(soketi: &Soketi, secret: &'static str, channel: &str) -> User {
    let client = fx_executor::pusher::spawn_with(
        soketi.endpoint(),
        Timing::default(),
        std::sync::Arc::new(Signer { secret }),
        crate::script::tls(),
        vec![channel.to_owned()],
        Options::default(),
    );
    User {
        client,
        auth: Auth::default(),
    }
}

#[tokio::test]
async fn soketi_single_large_and_many_events() {
    let soketi = Soketi::start().await;
    let mut user = user(&soketi, SECRET);
    user.subscribed().await;
    let mut publisher = Publisher::start(soketi.port);

    let command = json!({"id": "c1", "type": "START_STRATEGY", "payload": {"name": "é😀\u{2028}"}});
    publisher
        .publish(&json!({"channel": PRIVATE, "event": "command-received", "data": command}))
        .await;
    let data: Value = serde_json::from_str(&user.message().await).unwrap();
    assert_eq!(data, command);

    publisher
        .publish(&json!({"channel": PRIVATE, "event": "large", "data": "x".repeat(200_000)}))
        .await;
    assert_eq!(user.message().await.len(), 200_000);

    publisher
        .publish(&json!({"channel": PRIVATE, "event": "many", "count": 1000}))
        .await;
    for number in 0..1000 {
        assert_eq!(
            user.message().await,
            format!(r#"{{"n":{number}}}"#),
            "none lost, none reordered"
        );
    }
}

#[tokio::test]
async fn soketi_verifies_the_forwarded_channel_data() {
    let soketi = Soketi::start().await;
    let mut user = user_of(&soketi, SECRET, "presence-room");
    user.subscribed().await;
    let mut publisher = Publisher::start(soketi.port);
    publisher
        .publish(&json!({"channel": "presence-room", "event": "e", "data": "in"}))
        .await;
    assert_eq!(user.message().await, "in");
}

#[tokio::test]
async fn soketi_killed_and_restarted() {
    let mut soketi = Soketi::start().await;
    let mut user = user(&soketi, SECRET);
    user.subscribed().await;
    soketi.kill().await;
    user.trouble().await;
    soketi.restart().await;
    let back = Instant::now();
    let gap = user.subscribed().await.expect("a gap");
    let took = back.elapsed();
    assert!(gap.to > gap.from);
    assert!(
        took <= Duration::from_secs(2),
        "{took:?} after the server was back"
    );
    let mut publisher = Publisher::start(soketi.port);
    publisher
        .publish(&json!({"channel": PRIVATE, "event": "e", "data": "again"}))
        .await;
    assert_eq!(user.message().await, "again");
}

#[tokio::test]
async fn soketi_draining_is_not_stormed() {
    let mut soketi = Soketi::start().await;
    let mut user = user(&soketi, SECRET);
    user.subscribed().await;
    let before = user.client.diagnostics.borrow().attempts;
    soketi.drain().await;
    let attempts = user.client.diagnostics.borrow().attempts - before;
    assert!(attempts <= 8, "{attempts} attempts while it drained");
    soketi.restart().await;
    let back = Instant::now();
    user.subscribed().await;
    assert!(
        back.elapsed() <= Duration::from_secs(2),
        "{:?}",
        back.elapsed()
    );
}

#[tokio::test]
async fn soketi_refuses_a_wrong_signature() {
    let soketi = Soketi::start().await;
    let mut user = user(&soketi, "not-the-secret");
    let (status, reason) = user
        .until("the refusal", |event| match event {
            Event::SubscriptionFailed { status, reason, .. } => Some((status, reason)),
            _ => None,
        })
        .await;
    assert_eq!(status, Some(401), "{reason}");
    // The connection itself stays.
    let state = soon("a look", async {
        user.client.diagnostics.borrow().transitions.back().cloned()
    })
    .await;
    assert_eq!(state.unwrap().state, ConnectionState::Connected);
}
