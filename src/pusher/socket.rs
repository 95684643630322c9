//! The socket: opens a WebSocket and moves frames. Reading and writing are one poll, so neither ever waits for the
//! other, and both are bounded. Understands no protocol above WebSocket.

use std::{
    collections::VecDeque,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::{Sink as _, SinkExt as _, Stream as _, StreamExt as _};
use rustls::ClientConfig;
use std::pin::Pin;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message, Utf8Bytes,
        client::IntoClientRequest as _,
        error::{CapacityError, ProtocolError},
        http::{HeaderMap, header},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    Endpoint,
    closing::{Ended, Pace},
};
use crate::net::connect::{self, ConnectError, Limits};

/// Larger messages are refused with 1009. Pusher's own limit is 10 kB, its clones pass 200 kB and more.
pub const LARGEST_MESSAGE: usize = 4 * 1024 * 1024;
const LARGEST_UNSENT: usize = 256 * 1024;
const UPGRADE_WITHIN: Duration = Duration::from_secs(10);
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// Why a socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the address {0} is not valid; check host, port and path")]
    Address(String),
    #[error("{}", refusal(*status, location.as_deref()))]
    Refused {
        status: u16,
        retry_after: Option<Duration>,
        location: Option<String>,
    },
    #[error("the server answered the upgrade with something else ({0}); is this a Pusher server?")]
    Protocol(String),
    #[error("the connection broke during the upgrade: {0}")]
    Io(std::io::Error),
    #[error("the server did not answer the upgrade within {0:?}")]
    Timeout(Duration),
}

fn refusal(status: u16, location: Option<&str>) -> String {
    let place = location.map(|to| format!(" to {to}")).unwrap_or_default();
    match status {
        200 => "a web page answered instead of the Pusher server; a login page of this network may be in the way".to_owned(),
        300..=399 => format!("the server redirects{place} (status {status}); a login page of this network may be in the way"),
        401 | 403 => format!("the server refuses the connection (status {status}); check host and path, or a firewall"),
        404 => "the server has no Pusher service at this address (status 404); check host, port and path".to_owned(),
        429 => "the server asks for fewer connections (status 429)".to_owned(),
        500..=599 => format!("the server is not ready (status {status})"),
        _ => format!("the server answered the upgrade with status {status}"),
    }
}

impl OpenError {
    /// How soon another attempt makes sense.
    pub fn pace(&self) -> Pace {
        match self {
            Self::Connect(
                ConnectError::Tls { .. }
                | ConnectError::ProxyAddress(_)
                | ConnectError::ProxyCredentials { .. },
            )
            | Self::Address(_) => Pace::Slow,
            Self::Refused {
                retry_after: Some(after),
                ..
            } => Pace::After(*after),
            Self::Refused {
                status: 300..=499, ..
            } => Pace::Slow,
            _ => Pace::Backoff,
        }
    }
}

/// Connects and upgrades. Each step has its own limit.
///
/// # Errors
/// The step that failed, in words for the trader.
pub async fn open(
    endpoint: &Endpoint,
    tls: &Arc<ClientConfig>,
    limits: &Limits,
) -> Result<Socket, OpenError> {
    let url = endpoint.url();
    let request = url
        .as_str()
        .into_client_request()
        .map_err(|_| OpenError::Address(format!("{}:{}", endpoint.host, endpoint.port)))?;
    let tls = endpoint.tls.then_some(tls);
    let stream =
        connect::connect(&endpoint.host, endpoint.port, tls, &endpoint.proxy, limits).await?;
    let config = WebSocketConfig::default()
        .read_buffer_size(64 * 1024)
        .write_buffer_size(4 * 1024)
        .max_write_buffer_size(LARGEST_UNSENT)
        .max_message_size(Some(LARGEST_MESSAGE))
        .max_frame_size(Some(LARGEST_MESSAGE));
    let (stream, _) = timeout(
        UPGRADE_WITHIN,
        client_async_with_config(request, stream, Some(config)),
    )
    .await
    .map_err(|_| OpenError::Timeout(UPGRADE_WITHIN))?
    .map_err(upgrade_error)?;
    Ok(Socket {
        stream,
        unsent: VecDeque::new(),
        unsent_bytes: 0,
        overflowed: false,
        flushed: true,
        blocked_since: None,
    })
}

fn upgrade_error(error: tungstenite::Error) -> OpenError {
    match error {
        tungstenite::Error::Http(response) => OpenError::Refused {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
            location: response
                .headers()
                .get(header::LOCATION)
                .and_then(|value| value.to_str().ok())
                // A query may carry a session's secret.
                .map(|value| {
                    value
                        .split(['?', '#'])
                        .next()
                        .unwrap_or_default()
                        .to_owned()
                }),
        },
        tungstenite::Error::Io(error) => OpenError::Io(error),
        other => OpenError::Protocol(other.to_string()),
    }
}

/// `Retry-After` in seconds or as a date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Duration::try_from(at.duration_since(jiff::Timestamp::now())).ok()
}

/// What came from the socket.
#[derive(Debug)]
pub enum Received {
    Text(Utf8Bytes),
    /// Ping, pong (tungstenite answers pings by itself) or a binary frame.
    Other {
        binary: bool,
    },
    Ended(Ended),
}

/// An open WebSocket with its own small outbox.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<connect::Stream>,
    unsent: VecDeque<Message>,
    unsent_bytes: usize,
    flushed: bool,
    overflowed: bool,
    /// Since when our bytes wait for the other side.
    blocked_since: Option<Instant>,
}

impl Socket {
    /// Queues a frame. With a full outbox nothing is queued and the next poll ends the connection.
    pub fn send(&mut self, text: String) {
        if self.unsent_bytes + text.len() > LARGEST_UNSENT {
            self.overflowed = true;
            return;
        }
        self.unsent_bytes += text.len();
        self.unsent.push_back(Message::text(text));
    }

    pub const fn blocked_since(&self) -> Option<Instant> {
        self.blocked_since
    }

    /// Writes what can be written, then reads one frame. With `read` false only writes.
    pub fn poll(&mut self, cx: &mut Context<'_>, read: bool) -> Poll<Received> {
        if self.overflowed {
            return Poll::Ready(Received::Ended(Ended {
                code: None,
                reason: "too many bytes wait to be sent".to_owned(),
            }));
        }
        if let Err(error) = self.poll_write(cx) {
            return Poll::Ready(Received::Ended(self.failed(&error)));
        }
        if !read {
            return Poll::Pending;
        }
        match Pin::new(&mut self.stream).poll_next(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(Received::Ended(Ended {
                code: None,
                reason: "the server closed the connection".to_owned(),
            })),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Received::Ended(self.failed(&error))),
            Poll::Ready(Some(Ok(message))) => Poll::Ready(match message {
                Message::Text(text) => Received::Text(text),
                Message::Binary(_) => Received::Other { binary: true },
                Message::Close(frame) => Received::Ended(closed(frame)),
                Message::Ping(_) => {
                    // The pong is queued inside; the next poll sends it.
                    self.flushed = false;
                    Received::Other { binary: false }
                }
                Message::Pong(_) | Message::Frame(_) => Received::Other { binary: false },
            }),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<(), tungstenite::Error> {
        if self.flushed && self.unsent.is_empty() {
            return Ok(());
        }
        let mut stream = Pin::new(&mut self.stream);
        while !self.unsent.is_empty() && stream.as_mut().poll_ready(cx)?.is_ready() {
            if let Some(message) = self.unsent.pop_front() {
                self.unsent_bytes = self.unsent_bytes.saturating_sub(message.len());
                stream.as_mut().start_send(message)?;
                self.flushed = false;
            }
        }
        self.flushed = stream.poll_flush(cx)?.is_ready() && self.unsent.is_empty();
        if self.flushed {
            self.blocked_since = None;
        } else {
            self.blocked_since.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    /// Says why we leave, if the connection can still carry it (RFC 6455 §7.4.1), and puts the error in words.
    fn failed(&mut self, error: &tungstenite::Error) -> Ended {
        let (code, reason) = match error {
            tungstenite::Error::Capacity(CapacityError::MessageTooLong { size, .. }) => (
                Some(CloseCode::Size),
                format!(
                    "the server sent a message of {size} bytes; {LARGEST_MESSAGE} is the limit"
                ),
            ),
            tungstenite::Error::Utf8(_) => (
                Some(CloseCode::Invalid),
                "the server sent text that is not UTF-8".to_owned(),
            ),
            tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                (None, "the connection was cut without a goodbye".to_owned())
            }
            tungstenite::Error::Protocol(error) => (
                Some(CloseCode::Protocol),
                format!("the server broke the WebSocket rules: {error}"),
            ),
            tungstenite::Error::Io(error) => (None, format!("the connection broke: {error}")),
            tungstenite::Error::WriteBufferFull(_) => {
                (None, "too many bytes wait to be sent".to_owned())
            }
            other => (None, other.to_string()),
        };
        if let Some(code) = code {
            self.unsent.push_back(Message::Close(Some(CloseFrame {
                code,
                reason: Utf8Bytes::default(),
            })));
        }
        Ended { code: None, reason }
    }

    /// Sends what is left and a close frame, waits a moment for the answer, and drops the connection.
    pub async fn close(mut self) {
        let goodbye = async {
            let said = self.unsent.iter().any(Message::is_close);
            while let Some(message) = self.unsent.pop_front() {
                self.stream.feed(message).await?;
            }
            if !said {
                let frame = CloseFrame {
                    code: CloseCode::Normal,
                    reason: Utf8Bytes::default(),
                };
                self.stream.feed(Message::Close(Some(frame))).await?;
            }
            self.stream.flush().await?;
            while let Some(Ok(_)) = self.stream.next().await {}
            Ok::<(), tungstenite::Error>(())
        };
        // Polite, not important: a peer that does not answer is dropped all the same.
        if !matches!(timeout(CLOSE_WITHIN, goodbye).await, Ok(Ok(()))) {
            tracing::trace!(target: "pusher", "the old connection did not close cleanly");
        }
    }
}

fn closed(frame: Option<CloseFrame>) -> Ended {
    let code = frame
        .as_ref()
        .map(|frame| u16::from(frame.code))
        .filter(|code| !matches!(code, 1005 | 1006));
    let reason = frame
        .map(|frame| frame.reason.as_str().chars().take(200).collect())
        .unwrap_or_default();
    Ended { code, reason }
}
