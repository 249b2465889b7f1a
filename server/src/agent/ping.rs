//! `POST /api/ping`: are these credentials valid?

use super::caller::Caller;
use crate::problem::{ApiError, ErrorBody};
use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

/// The credentials are valid.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pong {
    /// Always `pong`.
    #[schema(example = "pong")]
    message: &'static str,
    /// The account's name.
    #[schema(example = "site-a")]
    data: String,
}

/// Check credentials
///
/// Used by the agent's "Verify connection", by the Hub and by other vaults. The body is ignored.
#[utoipa::path(
    post, path = "/api/ping", tag = "Agents", security(("access_key" = [], "secret_key" = [])),
    responses(
        (status = 200, description = "The credentials are valid.", body = Pong),
        (status = 400, description = "A credential is missing.", body = ErrorBody),
        (status = 401, description = "The credentials are wrong.", body = ErrorBody),
        (status = 403, description = "The account is disabled.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
    )
)]
pub async fn ping(Caller(account): Caller) -> Result<Json<Pong>, ApiError> {
    Ok(Json(Pong { message: "pong", data: account.name }))
}
