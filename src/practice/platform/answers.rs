//! Answers as the platform gives them: JSON errors, and what it says where nothing is.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Map, Value, json};

/// `{error, code?, meta?}` with a status (contract §3.0).
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    error: String,
    code: Option<&'static str>,
    meta: Option<Map<String, Value>>,
}

impl ApiError {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            code: None,
            meta: None,
        }
    }

    pub(super) fn coded(status: StatusCode, code: &'static str, error: impl Into<String>) -> Self {
        Self {
            code: Some(code),
            ..Self::new(status, error)
        }
    }

    /// `meta` maps a field to its complaints.
    pub(super) fn validation(meta: Map<String, Value>) -> Self {
        Self {
            meta: Some(meta),
            ..Self::coded(
                StatusCode::BAD_REQUEST,
                "VALIDATION_ERROR",
                "Validation failed",
            )
        }
    }

    pub(super) fn invalid(field: &str, complaint: impl Into<String>) -> Self {
        let mut meta = Map::new();
        meta.insert(field.to_owned(), json!([complaint.into()]));
        Self::validation(meta)
    }

    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = json!({"error": self.error});
        if let Some(code) = self.code {
            body["code"] = code.into();
        }
        if let Some(meta) = self.meta {
            body["meta"] = meta.into();
        }
        (self.status, Json(body)).into_response()
    }
}

/// A missing route is an HTML page, not JSON.
pub(super) async fn missing() -> Response {
    let page = "<!DOCTYPE html><html><head><title>404: This page could not be found.</title></head>\
                <body><h1>404</h1><h2>This page could not be found.</h2></body></html>";
    (StatusCode::NOT_FOUND, Html(page)).into_response()
}

/// Routes that want a browser session.
pub(super) async fn no_session() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "Unauthorized")
}

/// Paths that the platform's middleware guards: a redirect to the login page.
pub(super) fn to_login(path: &str) -> Response {
    let callback: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    (
        StatusCode::TEMPORARY_REDIRECT,
        [(header::LOCATION, format!("/login?callbackUrl={callback}"))],
    )
        .into_response()
}
