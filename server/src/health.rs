//! Is it alive, is it ready?

use crate::state::AppState;
use crate::telemetry::Failure;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// How the vault is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok` or `unavailable`.
    #[schema(example = "ok")]
    status: &'static str,
    /// Why it is unavailable.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Longest the database may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Alive?
///
/// Answers as long as the process does; restart it when this fails.
#[utoipa::path(get, path = "/api/health", tag = "Health", responses((status = 200, description = "Alive.", body = Health)))]
pub async fn live() -> Json<Health> {
    Json(Health { status: "ok", reason: None })
}

/// Ready?
///
/// Whether uploads can be taken; do not send any while this fails.
#[utoipa::path(get, path = "/api/health/ready", tag = "Health",
    responses((status = 200, description = "Ready.", body = Health), (status = 503, description = "Not ready.", body = Health)))]
pub async fn ready(State(state): State<AppState>) -> Response {
    let failure = match tokio::time::timeout(PATIENCE, state.vault.ready()).await {
        Ok(Ok(())) => return Json(Health { status: "ok", reason: None }).into_response(),
        Ok(Err(error)) => Failure(Arc::new(error)),
        Err(slow) => Failure(Arc::new(slow)),
    };
    let health = Health { status: "unavailable", reason: Some("database") };
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Json(health)).into_response();
    response.extensions_mut().insert(failure);
    response
}
