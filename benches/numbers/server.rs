//! The Pusher server that both clients connect to. It does only what a row asks for, so that its own work does
//! not blur the numbers: a frame is put together before its moment and written in one call.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

pub const CHANNEL: &str = "numbers";
pub const KEY: &str = "numbers";

pub struct Server {
    listener: TcpListener,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // As servers do, so that the same port can be had again at once.
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(1024).unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub fn on_loopback() -> Self {
        Self::start(([127, 0, 0, 1], 0).into())
    }

    pub async fn accept(&self) -> TcpStream {
        let (stream, _) = self.listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// Accepts one client and takes it to its subscription.
    pub async fn subscribed(&self) -> Peer {
        let mut peer = Peer::greet(self.accept().await).await.unwrap();
        while !peer.answer().await.unwrap() {}
        peer
    }

    /// Serves everyone who comes, until dropped; connections are cut with it.
    pub async fn serve_all(self) {
        let mut peers = tokio::task::JoinSet::new();
        loop {
            let stream = self.accept().await;
            peers.spawn(async move {
                if let Some(mut peer) = Peer::greet(stream).await {
                    while peer.answer().await.is_some() {}
                }
            });
        }
    }
}

pub struct Peer {
    socket: WebSocketStream<TcpStream>,
}

impl Peer {
    async fn greet(stream: TcpStream) -> Option<Self> {
        let mut socket = accept_async(stream).await.ok()?;
        let data = json!({"socket_id": "1.1", "activity_timeout": 120}).to_string();
        let hello = json!({"event": "pusher:connection_established", "data": data});
        socket.send(Message::text(hello.to_string())).await.ok()?;
        Some(Self { socket })
    }

    /// Answers one frame; true when it was a subscription, `None` when the client is gone.
    pub async fn answer(&mut self) -> Option<bool> {
        let Message::Text(text) = self.socket.next().await?.ok()? else {
            return Some(false);
        };
        let frame: Value = serde_json::from_str(&text).ok()?;
        let answer = match frame["event"].as_str()? {
            "pusher:subscribe" => json!({
                "event": "pusher_internal:subscription_succeeded",
                "channel": frame["data"]["channel"],
                "data": "{}",
            }),
            "pusher:ping" => json!({"event": "pusher:pong", "data": {}}),
            _ => return Some(false),
        };
        self.socket
            .send(Message::text(answer.to_string()))
            .await
            .ok()?;
        Some(frame["event"] == "pusher:subscribe")
    }

    /// Writes frames made by [`frame`] as they are.
    pub async fn write(&mut self, bytes: &[u8]) {
        self.socket.get_mut().write_all(bytes).await.unwrap();
    }
}

/// A whole WebSocket text frame with one event in it; `data` travels as a JSON text, as Pusher's servers send it.
pub fn frame(channel: &str, event: &str, data: &Value) -> Vec<u8> {
    let text = json!({"event": event, "channel": channel, "data": data.to_string()}).to_string();
    let mut bytes = vec![0x81];
    match u16::try_from(text.len()) {
        Ok(length @ 0..=125) => bytes.push(length as u8),
        Ok(length) => {
            bytes.push(126);
            bytes.extend(length.to_be_bytes());
        }
        Err(_) => {
            bytes.push(127);
            bytes.extend((text.len() as u64).to_be_bytes());
        }
    }
    bytes.extend(text.as_bytes());
    bytes
}
