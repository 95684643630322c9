//! The platform's market data, from whatever market the practice world runs, and its health page.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::market::{Bar, Quote, Timeframe};

use super::Platform;
use super::answers::ApiError;
use super::store::iso;

/// Bars in one answer.
const MAX_BARS: usize = 1_000;

/// The health page's checks are simulated; they take this long and touch nothing.
const HEALTH_DELAY: Duration = Duration::from_millis(150);

/// Where quotes and bars come from.
pub trait MarketSource: Send + Sync + 'static {
    /// The last price, if the symbol is known.
    fn quote(&self, symbol: &str) -> Option<Quote>;
    /// The last closed bars, oldest first; empty for an unknown symbol.
    fn bars(&self, symbol: &str, timeframe: Timeframe, limit: usize) -> Vec<Bar>;
}

#[derive(Debug, Deserialize)]
pub(super) struct QuotesQuery {
    symbols: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct HistoryQuery {
    symbol: Option<String>,
    timeframe: Option<String>,
    limit: Option<usize>,
}

fn answer(platform: &Platform, data: &[Value]) -> Response {
    Json(json!({
        "success": true,
        "data": data,
        "timestamp": iso(platform.now()),
        "provider": "practice",
    }))
    .into_response()
}

fn closed() -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "No market is running")
}

pub(super) async fn quotes(
    State(platform): State<Platform>,
    Query(query): Query<QuotesQuery>,
) -> Result<Response, ApiError> {
    let market = platform.market.as_ref().ok_or_else(closed)?;
    let symbols = query.symbols.unwrap_or_default();
    let data: Vec<Value> = symbols
        .split(',')
        .map(str::trim)
        .filter_map(|symbol| {
            let quote = market.quote(symbol)?;
            Some(json!({
                "symbol": symbol,
                "bid": quote.bid,
                "ask": quote.ask,
                "timestamp": iso(quote.time),
            }))
        })
        .collect();
    Ok(answer(&platform, &data))
}

pub(super) async fn history(
    State(platform): State<Platform>,
    Query(query): Query<HistoryQuery>,
) -> Result<Response, ApiError> {
    let market = platform.market.as_ref().ok_or_else(closed)?;
    let symbol = query
        .symbol
        .ok_or_else(|| ApiError::invalid("symbol", "Required"))?;
    let timeframe: Timeframe = query.timeframe.as_deref().unwrap_or("H1").parse().map_err(
        |error: crate::market::UnknownTimeframe| ApiError::invalid("timeframe", error.to_string()),
    )?;
    let limit = query.limit.unwrap_or(100).min(MAX_BARS);
    let data: Vec<Value> = market
        .bars(&symbol, timeframe, limit)
        .into_iter()
        .map(|bar| {
            json!({
                "time": iso(bar.time),
                "open": bar.open,
                "high": bar.high,
                "low": bar.low,
                "close": bar.close,
                "volume": bar.tick_volume,
            })
        })
        .collect();
    Ok(answer(&platform, &data))
}

/// Says healthy whatever is down: it proves only that the server answers.
pub(super) async fn health(State(platform): State<Platform>) -> Response {
    tokio::time::sleep(HEALTH_DELAY).await;
    Json(json!({
        "status": "healthy",
        "timestamp": iso(platform.now()),
        "uptime": platform.started.elapsed().as_secs(),
        "version": env!("CARGO_PKG_VERSION"),
        "environment": "practice",
        "components": {
            "database": {"status": "healthy"},
            "cache": {"status": "healthy"},
            "websocket": {"status": "healthy"},
        },
        "performance": {},
        "business": {},
        "system": {},
    }))
    .into_response()
}

/// No beta limits: `GET /api/beta/config`.
pub(super) async fn beta_config() -> Response {
    Json(json!({"enabled": false, "limits": null})).into_response()
}
