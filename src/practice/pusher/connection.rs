//! One client's connection after the upgrade: greeting, subscriptions, client events, keep-alive, closing.

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

use super::super::faults::{PusherFault, Server};
use super::super::gate::ConnectionSwitch;
use super::hub::{Joined, Outbound};
use super::signature::{channel_text, hmac_hex, same_text};
use super::{PusherServer, code};

/// After an unanswered ping (protocol, "Detecting that the connection is alive"); shorter when the activity timeout
/// is.
const PONG_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest wait for the client's socket to take a frame.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest wait for the client to answer a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Client events that one connection may send a second (Pusher Channels, "Client events").
const CLIENT_EVENTS_A_SECOND: u32 = 10;

/// Events written between two flushes.
const BATCH: usize = 256;

/// Channel names (Pusher Channels, "Channel naming conventions").
pub(super) fn valid_channel(name: &str) -> bool {
    (1..=164).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-=@,.;".contains(&byte))
}

pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Why a connection ends.
#[derive(Debug)]
enum End {
    /// The peer or the network ended it.
    Gone,
    /// Closed by this side with a code.
    Close(u16, String),
    /// Reset by a fault, without a close frame.
    Cut,
}

/// Runs a connection to its end; a refused one is told why and closed.
pub(super) async fn serve(
    server: PusherServer,
    mut socket: Socket,
    switch: ConnectionSwitch,
    refusal: Option<(u16, String)>,
) {
    if let Some((code, text)) = refusal {
        let error = error_frame(Some(code), &text);
        if write(&mut socket, Message::text(error.to_string()))
            .await
            .is_continue()
        {
            close(&mut socket, code, &text).await;
        }
        return;
    }
    let (socket_id, queue) = server.hub.connect();
    let mut connection = Connection {
        server: server.clone(),
        socket,
        socket_id,
        client_events: (Instant::now(), 0),
    };
    let end = match connection.run(queue).await {
        ControlFlow::Break(end) => end,
        ControlFlow::Continue(()) => End::Gone,
    };
    server.hub.disconnect(&connection.socket_id);
    match end {
        End::Gone => {}
        End::Close(code, reason) => close(&mut connection.socket, code, &reason).await,
        End::Cut => switch.cut(),
    }
}

async fn close(socket: &mut Socket, code: u16, reason: &str) {
    let frame = CloseFrame {
        code: code.into(),
        // A close frame holds 123 bytes of reason (RFC 6455, 5.5).
        reason: reason.chars().take(40).collect::<String>().into(),
    };
    let closing = async {
        socket.close(Some(frame)).await?;
        while socket.next().await.is_some_and(|frame| frame.is_ok()) {}
        Ok::<(), SocketError>(())
    };
    match tokio::time::timeout(CLOSE_TIMEOUT, closing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(target: "practice", "closing: {error}"),
        Err(_) => tracing::debug!(target: "practice", "a client did not answer the close frame"),
    }
}

async fn write(socket: &mut Socket, message: Message) -> ControlFlow<End> {
    match tokio::time::timeout(WRITE_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => ControlFlow::Continue(()),
        Ok(Err(_)) | Err(_) => ControlFlow::Break(End::Gone),
    }
}

fn error_frame(code: Option<u16>, message: &str) -> Value {
    json!({"event": "pusher:error", "data": {"code": code, "message": message}})
}

#[derive(Debug, Deserialize)]
struct Frame {
    event: String,
    #[serde(default)]
    data: Value,
    channel: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Subscribe {
    channel: String,
    auth: Option<String>,
    channel_data: Option<String>,
}

#[derive(Debug)]
struct Connection {
    server: PusherServer,
    socket: Socket,
    socket_id: String,
    /// Start of the running second and client events in it.
    client_events: (Instant, u32),
}

impl Connection {
    async fn run(&mut self, mut queue: mpsc::Receiver<Outbound>) -> ControlFlow<End> {
        let timeout = self.server.app.activity_timeout;
        let established = json!({
            "socket_id": self.socket_id,
            "activity_timeout": timeout.as_secs(),
        });
        self.say(&json!({
            "event": "pusher:connection_established",
            "data": established.to_string(),
        }))
        .await?;
        let mut faults = self.server.faults.changes();
        let mut frozen = self.server.faults.gate(Server::Pusher).frozen();
        let mut deadline = Instant::now() + timeout;
        let mut pinged = false;
        loop {
            if *frozen.borrow_and_update() {
                thaw(&mut frozen, &self.server.shutdown).await?;
            }
            self.obey_faults()?;
            let mut batch = Vec::new();
            tokio::select! {
                () = self.server.shutdown.cancelled() => {
                    return ControlFlow::Break(End::Close(code::RECONNECT, "Server shutting down".to_owned()));
                }
                _ = frozen.changed() => {}
                _ = faults.changed() => {}
                taken = queue.recv_many(&mut batch, BATCH) => {
                    if taken == 0 {
                        let text = "The client does not take its events".to_owned();
                        return ControlFlow::Break(End::Close(code::OVER_CAPACITY, text));
                    }
                    self.forward(batch).await?;
                }
                message = self.socket.next() => {
                    let Some(Ok(message)) = message else {
                        return ControlFlow::Break(End::Gone);
                    };
                    deadline = Instant::now() + timeout;
                    pinged = false;
                    self.receive(message).await?;
                }
                () = tokio::time::sleep_until(deadline) => {
                    if pinged {
                        let text = "Pong reply not received".to_owned();
                        return ControlFlow::Break(End::Close(code::PONG_MISSING, text));
                    }
                    pinged = true;
                    deadline = Instant::now() + PONG_TIMEOUT.min(timeout);
                    self.say(&json!({"event": "pusher:ping", "data": {}})).await?;
                }
            }
        }
    }

    fn obey_faults(&self) -> ControlFlow<End> {
        let end = self.server.faults.take_pusher(|fault| match fault {
            PusherFault::Drop => Some(End::Cut),
            PusherFault::Close { code, reason } => Some(End::Close(*code, reason.clone())),
            PusherFault::RejectSignature | PusherFault::Delay { .. } | PusherFault::LoseEvent => {
                None
            }
        });
        end.map_or(ControlFlow::Continue(()), ControlFlow::Break)
    }

    async fn forward(&mut self, batch: Vec<Outbound>) -> ControlFlow<End> {
        for outbound in batch {
            match outbound {
                Outbound::Close { code, reason } => {
                    return ControlFlow::Break(End::Close(code, reason));
                }
                Outbound::Event(text) => {
                    let delay = self.server.faults.take_pusher(|fault| match fault {
                        PusherFault::Delay { ms } => Some(Duration::from_millis(*ms)),
                        _ => None,
                    });
                    if let Some(delay) = delay {
                        let wait = delay.min(super::super::faults::LONGEST);
                        self.server.faults.gate(Server::Pusher).pause(wait).await;
                    }
                    let feeding = self.socket.feed(Message::Text(text));
                    match tokio::time::timeout(WRITE_TIMEOUT, feeding).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) | Err(_) => return ControlFlow::Break(End::Gone),
                    }
                }
            }
        }
        match tokio::time::timeout(WRITE_TIMEOUT, self.socket.flush()).await {
            Ok(Ok(())) => ControlFlow::Continue(()),
            Ok(Err(_)) | Err(_) => ControlFlow::Break(End::Gone),
        }
    }

    async fn receive(&mut self, message: Message) -> ControlFlow<End> {
        match message {
            Message::Text(text) => self.obey(&text).await,
            Message::Close(_) => ControlFlow::Break(End::Gone),
            // The library answers WebSocket pings by itself; binary frames are not part of the protocol.
            Message::Ping(_) | Message::Pong(_) | Message::Binary(_) | Message::Frame(_) => {
                ControlFlow::Continue(())
            }
        }
    }

    async fn obey(&mut self, text: &Utf8Bytes) -> ControlFlow<End> {
        let Ok(frame) = serde_json::from_str::<Frame>(text) else {
            return self
                .complain(Some(code::RECONNECT), "Invalid message")
                .await;
        };
        match frame.event.as_str() {
            "pusher:ping" => self.say(&json!({"event": "pusher:pong", "data": {}})).await,
            "pusher:pong" => ControlFlow::Continue(()),
            "pusher:subscribe" => match serde_json::from_value(opened(frame.data)) {
                Ok(wish) => self.subscribe(&wish).await,
                Err(error) => {
                    self.complain(None, &format!("Invalid subscription: {error}"))
                        .await
                }
            },
            "pusher:unsubscribe" => {
                let data = opened(frame.data);
                let channel = data
                    .get("channel")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                self.server.hub.unsubscribe(&self.socket_id, channel);
                ControlFlow::Continue(())
            }
            event if event.starts_with("client-") => {
                let channel = frame.channel.unwrap_or_default();
                self.client_event(event, &channel, &frame.data).await
            }
            event => {
                let text = format!("Event {event} is not offered by this server");
                self.complain(None, &text).await
            }
        }
    }

    async fn subscribe(&mut self, wish: &Subscribe) -> ControlFlow<End> {
        if let Err(text) = self.allowed(wish) {
            return self.complain(None, &text).await;
        }
        let channel = &wish.channel;
        match self.server.hub.subscribe(&self.socket_id, channel) {
            Joined::Now => {
                self.say(&json!({
                    "event": "pusher_internal:subscription_succeeded",
                    "channel": channel,
                    "data": "{}",
                }))
                .await
            }
            Joined::Already => {
                let text = format!("Existing subscription to channel {channel}");
                self.complain(None, &text).await
            }
            Joined::TooMany => {
                let text = format!("Too many channels on one connection: {channel} was not added");
                self.complain(None, &text).await
            }
        }
    }

    /// The signature rule; the refusal's text is Pusher's.
    fn allowed(&self, wish: &Subscribe) -> Result<(), String> {
        let channel = &wish.channel;
        if !valid_channel(channel) {
            return Err(format!("Invalid channel name: {channel}"));
        }
        if channel.starts_with("presence-") || channel.starts_with("private-encrypted-") {
            return Err(format!(
                "Channel {channel}: this kind is not offered by this server"
            ));
        }
        if !channel.starts_with("private-") {
            return Ok(());
        }
        let Some((key, sent)) = wish.auth.as_deref().and_then(|auth| auth.split_once(':')) else {
            return Err(format!("Auth info required to subscribe to {channel}"));
        };
        if key != self.server.app.key {
            return Err(format!("Invalid key in subscription auth data: '{key}'"));
        }
        let signed = channel_text(&self.socket_id, channel, wish.channel_data.as_deref());
        let right = hmac_hex(self.server.app.secret.expose_secret(), &signed);
        let rejected = self
            .server
            .faults
            .take_pusher(|fault| matches!(fault, PusherFault::RejectSignature).then_some(()));
        if rejected.is_some() || !same_text(&right, sent) {
            return Err(format!(
                "Invalid signature: Expected HMAC SHA256 hex digest of {signed}, but got {sent}"
            ));
        }
        Ok(())
    }

    async fn client_event(&mut self, event: &str, channel: &str, data: &Value) -> ControlFlow<End> {
        let refused = Some(code::CLIENT_EVENT_REFUSED);
        if !channel.starts_with("private-")
            || !self.server.hub.is_subscribed(&self.socket_id, channel)
        {
            let text =
                "Client event rejected - only supported on private channels you are subscribed to";
            return self.complain(refused, text).await;
        }
        let now = Instant::now();
        let (since, count) = &mut self.client_events;
        if now.duration_since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count > CLIENT_EVENTS_A_SECOND {
            return self
                .complain(refused, "Client event rejected - rate limit exceeded")
                .await;
        }
        let hub = &self.server.hub;
        hub.publish(channel, event, data, Some(&self.socket_id))
            .await;
        ControlFlow::Continue(())
    }

    async fn complain(&mut self, code: Option<u16>, text: &str) -> ControlFlow<End> {
        self.say(&error_frame(code, text)).await
    }

    async fn say(&mut self, frame: &Value) -> ControlFlow<End> {
        write(&mut self.socket, Message::text(frame.to_string())).await
    }
}

/// While frozen the socket is neither read nor written: the kernel takes the client's bytes.
async fn thaw(
    frozen: &mut watch::Receiver<bool>,
    shutdown: &CancellationToken,
) -> ControlFlow<End> {
    tokio::select! {
        () = shutdown.cancelled() => ControlFlow::Break(End::Cut),
        _ = frozen.wait_for(|frozen| !frozen) => ControlFlow::Continue(()),
    }
}

/// Some clients send `data` as a JSON text instead of an object.
fn opened(data: Value) -> Value {
    match data {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => other,
    }
}
