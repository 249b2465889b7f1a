//! `GET /media/{id}/file`: a recording for a signed-in administrator's player, or to save.

use crate::content::{Disposition, answer};
use crate::problem::{self, ApiError};
use crate::state::AppState;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tower_sessions::Session;

/// `?download=1` downloads instead of playing.
#[derive(Debug, Deserialize)]
pub struct Options {
    #[serde(default)]
    download: u8,
}

/// The recording's bytes, with ranges.
pub async fn file(
    State(state): State<AppState>,
    session: Session,
    id: Result<Path<i64>, PathRejection>,
    options: Result<Query<Options>, QueryRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let Some(user) = vault::sessions::user(&state.vault.users, &session).await? else {
        return if wants_page(&headers) {
            Ok(Redirect::to("/sign-in").into_response())
        } else {
            Err((&problem::SIGN_IN).into())
        };
    };
    let Ok(Path(id)) = id else { return Err((&problem::RECORDING_NOT_FOUND).into()) };
    let found = state.vault.recordings.find_by_id(&user.principal(), id).await?;
    let download = options.is_ok_and(|Query(options)| options.download == 1);
    let disposition = if download { Disposition::Attachment } else { Disposition::Inline };
    answer(&state.vault, found, &method, &headers, disposition).await
}

/// Whether a person followed a link, rather than a player asking for bytes.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}
