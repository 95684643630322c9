//! Applies HTTP faults around a handler: before it (nothing processed) or after it (answer lost).

use std::time::Duration;

use axum::Json;
use axum::extract::{ConnectInfo, Request};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse as _, Response};
use serde_json::json;

use super::super::gate::ConnectionSwitch;
use super::{Call, Faults, HttpFault, LONGEST, Server};

/// Runs `next` unless a fault stands on this call.
pub(in crate::practice) async fn apply(
    faults: &Faults,
    call: Call,
    request: Request,
    next: Next,
) -> Response {
    let switch = request
        .extensions()
        .get::<ConnectInfo<ConnectionSwitch>>()
        .map(|info| info.0.clone())
        .unwrap_or_default();
    let Some(fault) = faults.take_http(call) else {
        return next.run(request).await;
    };
    tracing::debug!(target: "practice", "fault on {call:?}: {fault:?}");
    let server = match call {
        Call::PusherRest => Server::Pusher,
        _ => Server::Platform,
    };
    match fault {
        HttpFault::Status {
            status,
            retry_after,
        } => {
            let status = StatusCode::from_u16(status)
                .ok()
                .filter(|status| !status.is_informational())
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let wait = retry_after.map(|seconds| [(header::RETRY_AFTER, seconds.to_string())]);
            let body = Json(json!({"error": "A fault of the practice world"}));
            match wait {
                Some(wait) => (status, wait, body).into_response(),
                None => (status, body).into_response(),
            }
        }
        HttpFault::Html => {
            Html("<!DOCTYPE html><html><body>Please sign in to this network.</body></html>")
                .into_response()
        }
        HttpFault::Empty => StatusCode::OK.into_response(),
        HttpFault::Slow { ms } => {
            let wait = Duration::from_millis(ms).min(LONGEST);
            faults.gate(server).pause(wait).await;
            next.run(request).await
        }
        HttpFault::Reset => {
            switch.cut();
            StatusCode::OK.into_response()
        }
        HttpFault::LostAnswer => {
            let answer = next.run(request).await;
            switch.cut();
            answer
        }
        HttpFault::Hang => {
            faults.gate(server).pause(LONGEST).await;
            switch.cut();
            StatusCode::OK.into_response()
        }
    }
}
