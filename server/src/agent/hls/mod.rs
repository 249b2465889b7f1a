//! `POST /api/hls` and `POST /api/hls/metadata`: recordings one after the other, for HLS players (docs/protocol.md §12).

mod request;
mod text;

pub use request::HlsRequest;
pub use text::HlsRecording;

use super::caller::Caller;
use super::storage::base_url;
use super::wire::text as header_text;
use crate::bodies;
use crate::cors;
use crate::peer::Peer;
use crate::problem::{self, ApiError, ErrorBody};
use crate::state::AppState;
use crate::turns::Turn;
use axum::Extension;
use axum::body::{Body, HttpBody as _};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures::stream;
use model::mp4::Hls;
use model::wire::header;
use std::convert::Infallible;
use std::time::Duration;
use vault::Signing;
use vault::accounts::Account;
use vault::timeline::{MAX_FRAGMENTS, MAX_RECORDINGS, Timed, Timeline};

/// Largest body, in bytes: 400 for each recording that it may name.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// A body up to this size is read without a turn.
const SMALL: u64 = 64 * 1024;
/// Longest a body may take to arrive; also how long to wait for a turn.
const PATIENCE: Duration = Duration::from_secs(10);

/// Get a playlist
///
/// HLS version 7 of all recordings that cameras began in a period (both seconds included), or of those that are named, oldest
/// first. The addresses in it live as long as it takes to play, and as long as a signed address besides.
#[utoipa::path(
    post, path = "/api/hls", tag = "Recordings", security(("access_key" = [], "secret_key" = [])),
    params(
        ("X-Kerberos-Storage-Provider" = Option<String>, Header, description = "Provider's name; empty looks everywhere.", example = "local"),
    ),
    request_body(content_type = "application/json", content = HlsRequest),
    responses(
        (status = 200, description = "The playlist.", body = String, content_type = "application/vnd.apple.mpegurl"),
        (status = 400, description = "Missing headers, or not such a request.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account.", body = ErrorBody),
        (status = 404, description = "The account has no such recording, or no such provider.", body = ErrorBody),
        (status = 409, description = "None of the recordings can be played by HLS.", body = ErrorBody),
        (status = 413, description = "More than 10,000 recordings or 200,000 fragments, or more than 4 MiB.", body = ErrorBody),
        (status = 415, description = "Compressed.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 503, description = "The database does not answer, or too many timelines are being worked on.", body = ErrorBody),
    )
)]
pub async fn playlist(
    Caller(account): Caller,
    State(state): State<AppState>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (recordings, unread) = timeline(&account, &state, &peer, &headers, body).await?;
    match recordings.first() {
        None => return Err((&problem::RECORDING_NOT_FOUND).into()),
        Some((first, _)) if recordings.iter().all(|(one, _)| one.hls.is_err()) => {
            let why = first.hls.as_ref().err().map(|why| why.sentence()).unwrap_or_default();
            return Err(ApiError::from(&problem::NOT_PLAYABLE).detail(format!("{}: {why}", first.found.key)));
        }
        Some(_) => {}
    }
    Ok(unread.until_read(streamed("application/vnd.apple.mpegurl", text::playlist(recordings))))
}

/// Get what a playlist is made of
///
/// The recordings that `POST /api/hls` would play, and those that cannot be played with why.
#[utoipa::path(
    post, path = "/api/hls/metadata", tag = "Recordings", security(("access_key" = [], "secret_key" = [])),
    params(
        ("X-Kerberos-Storage-Provider" = Option<String>, Header, description = "Provider's name; empty looks everywhere.", example = "local"),
    ),
    request_body(content_type = "application/json", content = HlsRequest),
    responses(
        (status = 200, description = "The recordings, oldest first.", body = Vec<HlsRecording>),
        (status = 400, description = "Missing headers, or not such a request.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account.", body = ErrorBody),
        (status = 404, description = "The account has no such provider.", body = ErrorBody),
        (status = 413, description = "More than 10,000 recordings or 200,000 fragments, or more than 4 MiB.", body = ErrorBody),
        (status = 415, description = "Compressed.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 503, description = "The database does not answer, or too many timelines are being worked on.", body = ErrorBody),
    )
)]
pub async fn metadata(
    Caller(account): Caller,
    State(state): State<AppState>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (recordings, unread) = timeline(&account, &state, &peer, &headers, body).await?;
    Ok(unread.until_read(streamed("application/json", text::metadata(recordings))))
}

/// Preflight of other sites' pages for a playlist
#[utoipa::path(options, path = "/api/hls", tag = "Recordings", responses((status = 204, description = "Which sites may, see `server.cors_origins`.")))]
pub async fn preflight() -> Response {
    cors::preflight()
}

/// Preflight of other sites' pages for what a playlist is made of
#[utoipa::path(options, path = "/api/hls/metadata", tag = "Recordings", responses((status = 204, description = "Which sites may, see `server.cors_origins`.")))]
pub async fn metadata_preflight() -> Response {
    cors::preflight()
}

/// The recordings with their addresses, and the turn that their answer has until it is read.
async fn timeline(
    account: &Account,
    state: &AppState,
    peer: &Peer,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Vec<(Timed, String)>, Turn), ApiError> {
    let base = base_url(state, peer)?;
    let take = || async {
        let unread = state.limits.unread.take(account.id, PATIENCE).await?;
        Some((unread, state.limits.hls.take(account.id, PATIENCE).await?))
    };
    let take = || async { take().await.ok_or_else(busy) };
    // A large body is held with a turn; whoever sends a small one slowly keeps nobody else waiting.
    let (asked, (unread, _turn)) = if body.size_hint().upper().is_some_and(|size| size <= SMALL) {
        let asked = read(headers, body).await?;
        (asked, take().await?)
    } else {
        let turn = take().await?;
        (read(headers, body).await?, turn)
    };
    let provider = header_text(headers, header::PROVIDER);
    let found = match state.vault.recordings.timeline(account, &provider, &asked).await? {
        Timeline::Recordings(found) => found,
        Timeline::NotItsProvider => return Err((&problem::PROVIDER_NOT_FOUND).into()),
        Timeline::TooLong => {
            let detail = format!(
                "{MAX_RECORDINGS} recordings and {MAX_FRAGMENTS} fragments are the most of one timeline; ask for a shorter one."
            );
            return Err(ApiError::from(&problem::BODY_TOO_LARGE).detail(detail));
        }
    };
    let plays_us = found.iter().filter_map(|one| one.hls.as_ref().ok()).map(Hls::duration_us).sum();
    // Who plays all of it without a break comes to the last recording that much later.
    let usual = state.http.signed_url_lifetime(None);
    let lifetime = state.http.signed_url_lifetime(Some(usual.saturating_add(Duration::from_micros(plays_us))));
    let signing = |one: &Timed| Signing {
        found: one.found.clone(),
        ttl: lifetime,
        remuxed: one.hls.as_ref().is_ok_and(|hls| hls.remuxed),
    };
    let wanted: Vec<_> = found.iter().map(signing).collect();
    let urls = state.vault.recordings.sign_many(&wanted, &base).await?;
    Ok((found.into_iter().zip(urls).collect(), unread))
}

async fn read(headers: &HeaderMap, body: Body) -> Result<vault::timeline::Asked, ApiError> {
    request::parse(&bodies::whole(headers, body, "A request for a timeline", MAX_BODY, PATIENCE).await?)
}

fn busy() -> ApiError {
    ApiError::from(&problem::BUSY).detail("It is already working on other timelines.")
}

fn streamed(content_type: &'static str, pieces: impl Iterator<Item = String> + Send + 'static) -> Response {
    let body = Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)));
    ([(CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response()
}
