//! `X-HTTP-Method-Override`: for clients that can send GET and POST only (tus 1.0.0, X-HTTP-Method-Override).

use super::super::caller::Caller;
use super::super::wire::text;
use super::Version;
use crate::problem::{ApiError, ErrorBody};
use crate::state::AppState;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};

const METHOD_OVERRIDE: &str = "x-http-method-override";

/// Send bytes of an upload, ask how far it is, or give it up
///
/// What PATCH, HEAD and DELETE do, for clients that can send none of these: `X-HTTP-Method-Override` says which.
#[utoipa::path(
    post, path = "/api/storage/tus/{id}", tag = "Resumable uploads", security(("access_key" = [], "secret_key" = [])),
    params(
        ("id" = String, Path, description = "Last part of `Location`.", example = "5f0c2a"),
        ("Tus-Resumable" = String, Header, description = "1.0.0", example = "1.0.0"),
        ("X-HTTP-Method-Override" = String, Header, description = "PATCH, HEAD or DELETE.", example = "HEAD"),
    ),
    responses(
        (status = 200, description = "As to HEAD."),
        (status = 204, description = "As to PATCH or DELETE."),
        (status = 400, description = "No such method, or missing or malformed headers.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account or provider.", body = ErrorBody),
        (status = 404, description = "No such upload.", body = ErrorBody),
        (status = 409, description = "As to PATCH.", body = ErrorBody),
        (status = 410, description = "Expired.", body = ErrorBody),
        (status = 412, description = "Another version of tus.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = "4XX", description = "As to the method that is meant.", body = ErrorBody),
        (status = "5XX", description = "As to the method that is meant.", body = ErrorBody),
    )
)]
pub async fn by_header(
    caller: Caller,
    version: Version,
    state: State<AppState>,
    id: Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    match Method::from_bytes(text(&headers, METHOD_OVERRIDE).to_ascii_uppercase().as_bytes()) {
        // Boxed, as its future is large.
        Ok(Method::PATCH) => Box::pin(super::patch(caller, version, state, id, headers, body)).await,
        Ok(Method::HEAD) => super::look(caller, version, state, id).await,
        Ok(Method::DELETE) => Ok(super::terminate(caller, version, state, id).await?.into_response()),
        _ => Err(super::invalid("X-HTTP-Method-Override, PATCH, HEAD or DELETE, is needed.")),
    }
}
