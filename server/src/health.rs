//! Liveness and readiness.

use crate::state::AppState;
use crate::telemetry::Failure;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeSet;
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
    /// Kinds of what an administrator should look at. With `disk-full` uploads are refused with 507 meanwhile.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["clock-jumped"]))]
    notices: Vec<String>,
}

impl Health {
    fn ok() -> Self {
        Self { status: "ok", reason: None, notices: Vec::new() }
    }
}

/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Alive?
///
/// Answers as long as the process does; restart it when this fails.
#[utoipa::path(get, path = "/api/health", tag = "Health", responses((status = 200, description = "Alive.", body = Health)))]
pub async fn live() -> Json<Health> {
    Json(Health::ok())
}

/// Ready?
///
/// Whether uploads can be taken; do not send any while this fails.
#[utoipa::path(get, path = "/api/health/ready", tag = "Health",
    responses((status = 200, description = "Ready.", body = Health), (status = 503, description = "Not ready.", body = Health)))]
pub async fn ready(State(state): State<AppState>) -> Response {
    let failure = match tokio::time::timeout(PATIENCE, state.vault.ready()).await {
        Ok(Ok(())) => return Json(Health { notices: notices(&state).await, ..Health::ok() }).into_response(),
        Ok(Err(error)) => Failure(Arc::new(error)),
        Err(slow) => Failure(Arc::new(slow)),
    };
    let reason = state.vault.database_harm().map_or("database", |harm| harm.code());
    let health = Health { status: "unavailable", reason: Some(reason), notices: notices(&state).await };
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Json(health)).into_response();
    response.extensions_mut().insert(failure);
    response
}

/// Each kind once, in order. No one need be signed in to see this, so it has neither names nor texts.
async fn notices(state: &AppState) -> Vec<String> {
    let known = tokio::time::timeout(PATIENCE, state.vault.notices.list()).await;
    let known = known.ok().and_then(Result::ok).unwrap_or_default();
    known.into_iter().map(|notice| notice.code).collect::<BTreeSet<_>>().into_iter().collect()
}
