//! `GET /api/storage/signed`: where URLs signed by the vault lead. The signature is the authorisation, since a
//! browser's `<video>` sends no headers.

use crate::content::{Disposition, answer};
use crate::problem::{self, ApiError, ErrorBody};
use crate::state::AppState;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, CACHE_CONTROL, HeaderName,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

/// What the vault signed.
#[derive(Debug, Deserialize, IntoParams)]
pub struct Signed {
    /// Recording.
    #[param(example = 7)]
    id: i64,
    /// Until when, Unix seconds.
    #[param(example = 1606168082)]
    expires: i64,
    /// Hexadecimal.
    #[param(example = "9f2c…")]
    signature: String,
}

/// Play a recording by its signed address
///
/// No headers are needed; ranges work; any site's page may play it until it expires.
#[utoipa::path(
    method(get, head), path = "/api/storage/signed", tag = "Recordings", params(Signed),
    responses(
        (status = 200, description = "All bytes.", content_type = "video/mp4"),
        (status = 206, description = "The bytes of the range.", content_type = "video/mp4"),
        (status = 304, description = "Not changed."),
        (status = 403, description = "Not signed by this vault, expired, or ended with the recording or its account's keys.", body = ErrorBody),
        (status = 412, description = "If-Match does not hold.", body = ErrorBody),
        (status = 416, description = "The range lies outside.", body = ErrorBody),
        (status = 502, description = "The storage provider refuses the vault.", body = ErrorBody),
        (status = 503, description = "The storage provider or the database does not answer.", body = ErrorBody),
    )
)]
pub async fn read(
    State(state): State<AppState>,
    method: Method,
    headers: HeaderMap,
    query: Result<Query<Signed>, QueryRejection>,
) -> Response {
    let answer = verified(&state, &method, &headers, query).await;
    let mut answer = open_to_all_sites(answer.unwrap_or_else(IntoResponse::into_response));
    // The address expires; what a proxy has kept would not.
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    answer
}

async fn verified(
    state: &AppState,
    method: &Method,
    headers: &HeaderMap,
    query: Result<Query<Signed>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Ok(Query(Signed { id, expires, signature })) = query else { return Err((&problem::SIGNATURE).into()) };
    let signed_urls = &state.vault.signed_urls;
    let Some(principal) = signed_urls.verify(id, expires, &signature).await? else {
        let expired = signed_urls.has_expired(expires);
        return Err(if expired { &problem::EXPIRED } else { &problem::SIGNATURE }.into());
    };
    let found = state.vault.recordings.find_by_id(&principal, id).await?;
    answer(&state.vault, found, method, headers, Disposition::Inline).await
}

/// Preflight of scripts that ask for ranges
#[utoipa::path(options, path = "/api/storage/signed", tag = "Recordings", responses((status = 204, description = "Any site may.")))]
pub async fn preflight() -> Response {
    let mut response = open_to_all_sites(StatusCode::NO_CONTENT.into_response());
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "Range, If-Range, If-None-Match"),
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn open_to_all_sites(mut response: Response) -> Response {
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (ACCESS_CONTROL_EXPOSE_HEADERS, "Accept-Ranges, Content-Length, Content-Range, ETag"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
