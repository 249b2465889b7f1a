//! `POST /api/storage/forward/media`: forward one recording to other vaults (docs/protocol.md §6).

use super::caller::Caller;
use super::schema::FullKey;
use super::storage::{Data, find};
use crate::problem::{self, ApiError, ErrorBody};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;

/// Forward a recording
///
/// Queues it for the on-demand vaults of its account; 200 means that it will be sent, whatever crashes next. The body
/// is ignored.
#[utoipa::path(
    post, path = "/api/storage/forward/media", tag = "Recordings", security(("access_key" = [], "secret_key" = [])),
    params(
        ("X-Kerberos-Storage-FileName" = inline(FullKey), Header, description = "Full key, `directory/filename`.",
            example = "site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4"),
        ("X-Kerberos-Storage-Provider" = Option<String>, Header, description = "Provider's name; empty looks everywhere.", example = "local"),
    ),
    responses(
        (status = 200, description = "It will be sent; `data` repeats its key.", body = Data),
        (status = 400, description = "Missing or malformed headers.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account.", body = ErrorBody),
        (status = 404, description = "The account has no such recording, or no such provider.", body = ErrorBody),
        (status = 409, description = "The account has no integration that forwards on demand.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 503, description = "The database does not answer.", body = ErrorBody),
    )
)]
pub async fn forward(
    Caller(account): Caller,
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<Data>, ApiError> {
    let found = find(&state.vault, &account, &headers).await?;
    match state.vault.forwarding.to_vaults_of(&account, &found).await? {
        0 => Err((&problem::NOT_FORWARDED).into()),
        _ => Ok(Json(Data { data: found.key.to_string() })),
    }
}
