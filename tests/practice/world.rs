//! A practice world for one test, an HTTP client for its platform, and a bare WebSocket client for its Pusher.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use fx_executor::practice::{self, PracticeOptions, PracticeWorld};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longest wait for anything in these tests.
pub const LIMIT: Duration = Duration::from_secs(10);

pub struct World {
    pub world: PracticeWorld,
    pub http: reqwest::Client,
    _end: DropGuard,
}

impl Deref for World {
    type Target = PracticeWorld;

    fn deref(&self) -> &PracticeWorld {
        &self.world
    }
}

pub async fn start() -> World {
    start_with(PracticeOptions::default()).await
}

pub async fn start_with(options: PracticeOptions) -> World {
    let end = CancellationToken::new();
    let world = practice::start(options, end.clone()).await.unwrap();
    World {
        world,
        http: http_client(),
        _end: end.drop_guard(),
    }
}

pub fn http_client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(LIMIT)
        .build()
        .unwrap()
}

/// What came back from the platform.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{error} in {} {:?}", self.status, self.text))
    }

    pub fn code(&self) -> Option<String> {
        Some(self.json().get("code")?.as_str()?.to_owned())
    }
}

impl World {
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.platform_url)
    }

    /// With the executor's own credentials.
    pub fn own(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.bare(method, path)
            .header("X-API-Key", self.api_key.expose_secret())
            .header("X-API-Secret", self.api_secret.expose_secret())
    }

    pub fn bare(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, self.url(path))
    }

    pub async fn heartbeat(&self, body: &Value) -> Answer {
        let path = format!("/api/executor/{}/heartbeat", self.executor_id);
        send(self.own("POST", &path).json(body)).await
    }

    pub async fn pending(&self) -> Vec<Value> {
        let answer = self.heartbeat(&json!({"status": "online"})).await;
        answer.json()["pendingCommands"].as_array().unwrap().clone()
    }

    pub async fn report(&self, body: &Value) -> Answer {
        let path = format!("/api/executor/{}/command", self.executor_id);
        send(self.bare("PATCH", &path).json(body)).await
    }

    pub async fn sign(&self, socket_id: &str, channel: &str) -> Answer {
        let form = [("socket_id", socket_id), ("channel_name", channel)];
        send(self.own("POST", "/api/pusher/auth").form(&form)).await
    }

    pub async fn connect(&self) -> Client {
        let key = self.pusher_key.clone();
        Client::open(
            self.pusher_port,
            &format!("/app/{key}?protocol=7&client=test&version=1"),
        )
        .await
    }

    /// A client that is subscribed to the executor's channel and to `executors`.
    pub async fn executor_client(&self) -> Client {
        let mut client = self.connect().await;
        client.established().await;
        let channel = self.executor_channel();
        let answer = self.sign(&client.socket_id, &channel).await.json();
        client
            .say(&json!({"event": "pusher:subscribe", "data": {
                "channel": channel,
                "auth": answer["auth"],
                "channel_data": answer["channel_data"],
            }}))
            .await;
        client.event("pusher_internal:subscription_succeeded").await;
        client
            .say(&json!({"event": "pusher:subscribe", "data": {"channel": "executors"}}))
            .await;
        client.event("pusher_internal:subscription_succeeded").await;
        client
    }
}

pub async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let headers = response.headers().clone();
    let content_type = headers
        .get("content-type")
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    Answer {
        status: response.status().as_u16(),
        content_type,
        headers,
        text: response.text().await.unwrap(),
    }
}

pub fn hmac_hex(secret: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// A bare WebSocket client: it knows frames, not the protocol's rules.
pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub socket_id: String,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Code(u16),
    /// Without a close frame.
    Cut,
}

impl Client {
    pub async fn open(port: u16, path: &str) -> Self {
        let url = format!("ws://127.0.0.1:{port}{path}");
        let opening = tokio_tungstenite::connect_async(url);
        let (socket, _) = tokio::time::timeout(LIMIT, opening).await.unwrap().unwrap();
        Self {
            socket,
            socket_id: String::new(),
        }
    }

    /// Waits for the handshake's answer and keeps the socket id. Returns the activity timeout.
    pub async fn established(&mut self) -> u64 {
        let frame = self.event("pusher:connection_established").await;
        let data: Value = serde_json::from_str(frame["data"].as_str().unwrap()).unwrap();
        self.socket_id = data["socket_id"].as_str().unwrap().to_owned();
        data["activity_timeout"].as_u64().unwrap()
    }

    pub async fn say(&mut self, frame: &Value) {
        self.socket
            .send(Message::text(frame.to_string()))
            .await
            .unwrap();
    }

    /// The next text frame.
    pub async fn next(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(LIMIT, self.socket.next())
                .await
                .expect("a frame in time")
                .expect("an open connection")
                .expect("a readable frame");
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// The next frame with this event name; others are skipped.
    pub async fn event(&mut self, name: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["event"] == name {
                return frame;
            }
        }
    }

    /// The data of the next `command-received`, read.
    pub async fn command(&mut self) -> Value {
        let frame = self.event("command-received").await;
        serde_json::from_str(frame["data"].as_str().unwrap()).unwrap()
    }

    /// Reads until the connection ends.
    pub async fn end(&mut self) -> End {
        loop {
            match tokio::time::timeout(LIMIT, self.socket.next())
                .await
                .expect("an end in time")
            {
                Some(Ok(Message::Close(Some(frame)))) => return End::Code(frame.code.into()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return End::Cut,
            }
        }
    }
}

impl Client {
    pub async fn socket_send(&mut self, text: &str) {
        self.socket
            .send(Message::text(text.to_owned()))
            .await
            .unwrap();
    }
}
