//! `GET /api/storage/blob`: the bytes, for ML services and scripts.

use super::caller::Caller;
use super::schema::FullKey;
use super::storage::find;
use crate::content::{Disposition, answer};
use crate::problem::{ApiError, ErrorBody};
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;

/// Read a recording
///
/// Consumers send what they read from the event: FileName = `payload.key`, Provider = `source`.
/// `Range`, `If-None-Match` and `If-Range` are understood; the ETag is the content's SHA-256.
#[utoipa::path(
    method(get, head), path = "/api/storage/blob", tag = "Recordings", security(("access_key" = [], "secret_key" = [])),
    params(
        ("X-Kerberos-Storage-FileName" = inline(FullKey), Header, description = "Full key, `directory/filename`.",
            example = "site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4"),
        ("X-Kerberos-Storage-Provider" = Option<String>, Header, description = "Provider's name; empty looks everywhere.", example = "local"),
        ("Range" = Option<String>, Header, description = "One range of bytes.", example = "bytes=0-1023"),
    ),
    responses(
        (status = 200, description = "All bytes.", content_type = "video/mp4"),
        (status = 206, description = "The bytes of the range.", content_type = "video/mp4"),
        (status = 304, description = "Not changed."),
        (status = 400, description = "Missing or malformed headers.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account.", body = ErrorBody),
        (status = 404, description = "The account has no such recording, or no such provider.", body = ErrorBody),
        (status = 412, description = "If-Match does not hold.", body = ErrorBody),
        (status = 416, description = "The range lies outside.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 502, description = "The storage provider refuses the vault.", body = ErrorBody),
        (status = 503, description = "The storage provider or the database does not answer.", body = ErrorBody),
    )
)]
pub async fn read(
    Caller(account): Caller,
    State(state): State<AppState>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let found = find(&state.vault, &account, &headers).await?;
    answer(&state.vault, found, &method, &headers, Disposition::Attachment).await
}
