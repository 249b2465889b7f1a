//! Bodies that are read whole before anything is done with them: each has a largest size and a time to arrive in, so that
//! nobody holds a connection by sending slowly. (An upload's body is read by `vault::ingest`, which has limits of its own.)

use crate::problem::{self, ApiError};
use crate::state::AppState;
use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_ENCODING;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use std::error::Error;
use std::iter::successors;
use std::sync::Arc;
use std::time::Duration;
use tower_sessions::Session;

/// Longest encoding that is named in an answer, in characters.
const NAMED: usize = 40;

/// Reads a body; `what` names it in the answer.
///
/// # Errors
/// 400 if it does not arrive in time or breaks off, 413 if it is too large, 415 if it is compressed.
pub async fn whole(
    headers: &HeaderMap,
    body: Body,
    what: &str,
    max: usize,
    patience: Duration,
) -> Result<Bytes, ApiError> {
    as_it_is(headers)?;
    let too_large =
        || ApiError::from(&problem::BODY_TOO_LARGE).detail(format!("{what} has at most {} KiB.", max / 1024));
    if body.size_hint().lower() > max as u64 {
        return Err(too_large());
    }
    let read = tokio::time::timeout(patience, to_bytes(body, max)).await;
    let read = read.map_err(|_| ApiError::from(&problem::BODY_INVALID).detail("It did not arrive in time."))?;
    read.map_err(|error| {
        if is_too_long(&error) {
            return too_large();
        }
        ApiError::from(&problem::BODY_INVALID).detail("It broke off.").caused_by(error)
    })
}

/// Refuses what is compressed.
///
/// # Errors
/// 415, naming the encoding.
pub fn as_it_is(headers: &HeaderMap) -> Result<(), ApiError> {
    match encoding(headers) {
        None => Ok(()),
        Some(encoding) => {
            Err(ApiError::from(&problem::CONTENT_ENCODING).detail(format!("Its Content-Encoding is {encoding}.")))
        }
    }
}

/// What has been done to the body: `None` if nothing.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let lines =
        headers.get_all(CONTENT_ENCODING).iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    let codings: Vec<String> = lines
        .flat_map(|line| line.split(',').map(|coding| coding.trim().to_owned()).collect::<Vec<_>>())
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"))
        .collect();
    let named = codings.join(", ").chars().filter(|c| !c.is_control()).take(NAMED).collect();
    (!codings.is_empty()).then_some(named)
}

fn is_too_long(error: &axum::Error) -> bool {
    successors(error.source(), |error: &&(dyn Error + 'static)| (*error).source())
        .any(|error| error.is::<LengthLimitError>())
}

/// Largest body of a server function, in bytes; many times a provider's service key.
pub const MAX_FORM: usize = 256 * 1024;
/// Largest body of whoever is not signed in: thousands may be held at a time. Enough to sign in.
const MAX_STRANGERS_FORM: usize = 8 * 1024;

/// Has what a person sends arrive before their session is looked up for good; before that only to see how much they may send.
pub async fn of_people(State(state): State<AppState>, session: Session, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let max = if is_small(&body) || !is_signed_in(&state, &session).await { MAX_STRANGERS_FORM } else { MAX_FORM };
    match whole(&parts.headers, body, "A form", max, state.http.form_timeout).await {
        Ok(body) => next.run(Request::from_parts(parts, body.into())).await,
        Err(refused) => refused.into_response(),
    }
}

fn is_small(body: &Body) -> bool {
    body.size_hint().upper().is_some_and(|size| size <= MAX_STRANGERS_FORM as u64)
}

/// As it is now. The request's own session stays unread until the body is there.
async fn is_signed_in(state: &AppState, session: &Session) -> bool {
    let now = Session::new(session.id(), Arc::new(state.vault.session_store()), None);
    matches!(vault::sessions::user(&state.vault.users, &now).await, Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn what_is_compressed_is_named() {
        let with = |value| HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(value))]);
        let named = |value| encoding(&with(value));
        for (value, name) in [
            ("gzip", "gzip"),
            ("br", "br"),
            (" zstd ", "zstd"),
            ("identity, Deflate", "Deflate"),
            ("gzip, br", "gzip, br"),
        ] {
            assert_eq!(named(value).as_deref(), Some(name), "{value}");
        }
        for nothing in ["", "identity", "Identity", " , "] {
            assert_eq!(named(nothing), None, "{nothing}");
        }
        assert_eq!(encoding(&HeaderMap::new()), None);
        let mut twice = with("identity");
        twice.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(encoding(&twice).as_deref(), Some("gzip"));
        assert_eq!(named(Box::leak("x".repeat(500).into_boxed_str())).map(|name| name.len()), Some(NAMED));
    }
}
