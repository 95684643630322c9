//! The WebSocket upgrade of `GET /app/{key}`, and who is refused right after it.

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::super::gate::ConnectionSwitch;
use super::connection::serve;
use super::{PusherServer, code};

/// A client's frames are small; what it may send is bounded.
const MAX_FRAME: usize = 256 * 1_024;

/// Bytes that wait for a client's socket.
const MAX_UNSENT: usize = 4 * 1_024 * 1_024;

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    protocol: Option<String>,
}

/// Upgrades `GET /app/{key}`. A refusal comes as an error event and a closing code, as Pusher gives it.
pub(super) async fn open(
    State(server): State<PusherServer>,
    Path(key): Path<String>,
    Query(parameters): Query<Parameters>,
    ConnectInfo(switch): ConnectInfo<ConnectionSwitch>,
    headers: HeaderMap,
    mut request: Request,
) -> Response {
    let is_upgrade = headers
        .get(header::UPGRADE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let Some(accept) = headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|_| is_upgrade)
        .map(|key| derive_accept_key(key.as_bytes()))
    else {
        return (
            StatusCode::BAD_REQUEST,
            "A WebSocket upgrade is expected here",
        )
            .into_response();
    };
    let refusal = refusal(&server, &key, parameters.protocol.as_deref());
    let upgrade = hyper::upgrade::on(&mut request);
    let tasks = server.tasks.clone();
    tasks.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let config = WebSocketConfig::default()
                    .max_message_size(Some(MAX_FRAME))
                    .max_frame_size(Some(MAX_FRAME))
                    .max_write_buffer_size(MAX_UNSENT);
                let socket = WebSocketStream::from_raw_socket(
                    TokioIo::new(upgraded),
                    Role::Server,
                    Some(config),
                )
                .await;
                serve(server, socket, switch, refusal).await;
            }
            Err(error) => {
                tracing::debug!(target: "practice", "an upgrade ended early: {error}");
            }
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, accept)
        .body(Body::empty())
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn refusal(server: &PusherServer, key: &str, protocol: Option<&str>) -> Option<(u16, String)> {
    if key != server.app.key {
        let text =
            format!("App key {key} not in this cluster. Did you forget to specify the cluster?");
        return Some((code::UNKNOWN_APP, text));
    }
    match protocol.map(str::parse::<u8>) {
        None => Some((code::NO_PROTOCOL, "No protocol version supplied".to_owned())),
        Some(Ok(5..=7)) => None,
        Some(_) => Some((
            code::UNSUPPORTED_PROTOCOL,
            "Unsupported protocol version".to_owned(),
        )),
    }
}
