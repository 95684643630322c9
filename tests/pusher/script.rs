//! A server on 127.0.0.1 that does what the test says, and a client under test connected to it.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _, future::BoxFuture};
use fx_executor::{
    net::proxy::ProxySetting,
    pusher::{
        Authorization, AuthorizeError, Authorizer, Client, Command, ConnectionState, Endpoint,
        Event, Options, StateChange, Timing, auth, spawn_with,
    },
};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{Request, Response},
        protocol::{CloseFrame, frame::coding::CloseCode},
    },
};

pub const KEY: &str = "key";
pub const SECRET: &str = "secret";
pub const PRIVATE: &str = "private-executor-1";
pub const CHANNEL_DATA: &str =
    r#"{"user_id":"u1","user_info":{"authType":"api-key","executorId":"1"}}"#;
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("{what} did not happen within {PATIENCE:?}"))
}

pub struct Server {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Server {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub fn endpoint(&self) -> Endpoint {
        endpoint_at(self.address)
    }

    pub async fn accept_tcp(&self) -> TcpStream {
        let (stream, _) = soon("a connection", self.listener.accept()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    pub async fn accept(&self) -> Peer {
        let stream = self.accept_tcp().await;
        let mut uri = String::new();
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let note_uri = |request: &Request, response: Response| {
            uri = request.uri().to_string();
            Ok(response)
        };
        let ws = soon("the upgrade", accept_hdr_async(stream, note_uri))
            .await
            .unwrap();
        Peer { ws, uri }
    }

    /// Accepts and greets.
    pub async fn greet(&self, socket_id: &str) -> Peer {
        let mut peer = self.accept().await;
        peer.greet(socket_id).await;
        peer
    }

    /// Accepts, greets and confirms the subscription to [`PRIVATE`].
    pub async fn serve(&self, socket_id: &str) -> Peer {
        let mut peer = self.greet(socket_id).await;
        peer.confirm_next().await;
        peer
    }
}

pub fn endpoint_at(address: SocketAddr) -> Endpoint {
    Endpoint {
        key: KEY.to_owned(),
        host: address.ip().to_string(),
        port: address.port(),
        tls: false,
        path: String::new(),
        proxy: ProxySetting::None,
    }
}

pub struct Peer {
    pub ws: WebSocketStream<TcpStream>,
    pub uri: String,
}

impl Peer {
    pub async fn send(&mut self, text: impl Into<String>) {
        self.ws.send(Message::text(text.into())).await.unwrap();
    }

    pub async fn greet(&mut self, socket_id: &str) {
        let data = json!({"socket_id": socket_id, "activity_timeout": 120}).to_string();
        self.send(json!({"event": "pusher:connection_established", "data": data}).to_string())
            .await;
    }

    pub async fn publish(&mut self, channel: &str, event: &str, data: &str) {
        self.send(json!({"event": event, "channel": channel, "data": data}).to_string())
            .await;
    }

    /// The next text frame, as JSON.
    pub async fn next(&mut self) -> Value {
        loop {
            match soon("a frame", self.ws.next()).await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(_)) => {}
                other => panic!("the client left: {other:?}"),
            }
        }
    }

    pub async fn expect(&mut self, event: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["event"], event, "{frame}");
        frame
    }

    /// Takes one subscription and confirms it; gives the frame.
    pub async fn confirm_next(&mut self) -> Value {
        let frame = self.expect("pusher:subscribe").await;
        let confirmation = json!({
            "event": "pusher_internal:subscription_succeeded",
            "channel": frame["data"]["channel"],
            "data": "{}",
        });
        self.send(confirmation.to_string()).await;
        frame
    }

    pub async fn close(mut self, code: u16) {
        let frame = CloseFrame {
            code: CloseCode::from(code),
            reason: "".into(),
        };
        self.ws.close(Some(frame)).await.unwrap();
        // Until the client has answered, so that the code is not lost with the connection.
        while let Ok(Some(Ok(_))) = timeout(Duration::from_secs(1), self.ws.next()).await {}
    }

    /// The client's close code, after whatever else it sends.
    pub async fn close_code(&mut self) -> Option<u16> {
        loop {
            match soon("the close", self.ws.next()).await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| u16::from(frame.code)),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    }
}

type Answers = VecDeque<BoxFuture<'static, Result<Authorization, AuthorizeError>>>;

/// Signs, unless the test has put another answer first.
#[derive(Clone, Default)]
pub struct Auth {
    pub asked: Arc<Mutex<Vec<(String, String)>>>,
    pub refreshed: Arc<Mutex<u32>>,
    answers: Arc<Mutex<Answers>>,
}

impl Auth {
    pub fn then(&self, answer: Result<Authorization, AuthorizeError>) {
        self.then_later(async move { answer }.boxed());
    }

    pub fn then_later(&self, answer: BoxFuture<'static, Result<Authorization, AuthorizeError>>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    pub fn asked(&self) -> Vec<(String, String)> {
        self.asked.lock().unwrap().clone()
    }
}

impl Authorizer for Auth {
    fn authorize(
        &self,
        socket_id: String,
        channel: String,
    ) -> BoxFuture<'static, Result<Authorization, AuthorizeError>> {
        self.asked
            .lock()
            .unwrap()
            .push((socket_id.clone(), channel.clone()));
        if let Some(answer) = self.answers.lock().unwrap().pop_front() {
            return answer;
        }
        let signature = auth::sign(SECRET, &socket_id, &channel, Some(CHANNEL_DATA));
        let given = Authorization {
            auth: format!("{KEY}:{signature}"),
            channel_data: Some(CHANNEL_DATA.to_owned()),
        };
        async move { Ok(given) }.boxed()
    }

    fn refresh(&self) -> BoxFuture<'static, ()> {
        *self.refreshed.lock().unwrap() += 1;
        async {}.boxed()
    }
}

pub fn tls() -> Arc<rustls::ClientConfig> {
    fx_executor::net::tls::client_config().unwrap()
}

/// A client and what it has told.
pub struct User {
    pub client: Client,
    pub auth: Auth,
}

impl User {
    pub fn connect(endpoint: Endpoint) -> Self {
        Self::with(
            endpoint,
            &[PRIVATE],
            Timing::default(),
            Options::default(),
            Auth::default(),
        )
    }

    pub fn with(
        endpoint: Endpoint,
        channels: &[&str],
        timing: Timing,
        options: Options,
        auth: Auth,
    ) -> Self {
        let channels = channels.iter().map(|name| (*name).to_owned()).collect();
        let client = spawn_with(
            endpoint,
            timing,
            Arc::new(auth.clone()),
            tls(),
            channels,
            options,
        );
        Self { client, auth }
    }

    pub async fn command(&self, command: Command) {
        self.client.commands.send(command).await.unwrap();
    }

    /// The next event that `pick` accepts; others are skipped.
    pub async fn until<T>(&mut self, what: &str, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        soon(what, async {
            loop {
                let event = self.client.events.recv().await.expect("the client ended");
                if let Some(picked) = pick(event) {
                    return picked;
                }
            }
        })
        .await
    }

    pub async fn state(&mut self, state: ConnectionState) -> StateChange {
        self.until(state.name(), |event| match event {
            Event::State(change) if change.state == state => Some(change),
            _ => None,
        })
        .await
    }

    /// The reason of the next planned retry.
    pub async fn trouble(&mut self) -> StateChange {
        self.until("a failed attempt", |event| match event {
            Event::State(change) if change.retry_in.is_some() => Some(change),
            _ => None,
        })
        .await
    }

    pub async fn subscribed(&mut self) -> Option<fx_executor::pusher::Gap> {
        self.until("the subscription", |event| match event {
            Event::Subscribed { gap, .. } => Some(gap),
            _ => None,
        })
        .await
    }

    /// The data of the next message.
    pub async fn message(&mut self) -> String {
        self.until("a message", |event| match event {
            Event::Message { data, .. } => Some(data),
            _ => None,
        })
        .await
    }
}
