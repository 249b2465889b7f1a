//! Which other sites' pages may ask for timelines, and send recordings in several requests (CORS, <https://fetch.spec.whatwg.org>): by
//! `server.cors_origins`. They carry an account's keys, unlike signed addresses, which any page may read.

use crate::state::AppState;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Where they may ask for timelines.
const TIMELINES: [&str; 2] = ["/api/hls", "/api/hls/metadata"];
/// Where they may send, and below.
const UPLOADS: &str = "/api/storage/tus";

/// What they may read of an answer besides its body.
const EXPOSED: HeaderValue = HeaderValue::from_static("Retry-After, X-Request-Id");
const EXPOSED_OF_UPLOADS: HeaderValue = HeaderValue::from_static(
    "Location, Upload-Offset, Upload-Length, Upload-Defer-Length, Upload-Metadata, Upload-Expires, Tus-Resumable, Tus-Version, \
     Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Retry-After, X-Request-Id",
);
const METHODS_OF_UPLOADS: HeaderValue = HeaderValue::from_static("POST, HEAD, PATCH, DELETE, OPTIONS");
/// How long a browser need not ask again, in seconds.
const ONE_DAY: HeaderValue = HeaderValue::from_static("86400");

/// Lets the pages of sites that are configured read the answer, be it an error.
pub async fn by_configuration(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (allowed, path) = (&state.http.cors_origins, request.uri().path());
    let is_upload = path.strip_prefix(UPLOADS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if allowed.is_empty() || !(is_upload || TIMELINES.contains(&path)) {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let asked = (is_upload && request.method() == Method::OPTIONS).then(|| request.headers().clone());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let any = allowed.iter().find(|one| *one == "*");
    let Some(origin) = any.or_else(|| allowed.iter().find(|one| Some(*one) == origin.as_ref())) else {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        return response;
    };
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    if any.is_none() {
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, if is_upload { EXPOSED_OF_UPLOADS } else { EXPOSED });
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource_policy, HeaderValue::from_static("cross-origin"));
    if let Some(asked) = asked {
        answer_preflight(&asked, headers);
    }
    response
}

/// Says what may be sent with an upload: any header, since an account's owner may name any (docs/protocol.md §4). Whoever asks
/// for something else by OPTIONS, as clients of tus may, is told nothing of it.
fn answer_preflight(asked: &HeaderMap, headers: &mut HeaderMap) {
    if !asked.contains_key(ORIGIN) || !asked.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
        return;
    }
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS_OF_UPLOADS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, ONE_DAY);
    for wanted in asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.append(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
}

/// What may be sent; [`by_configuration`] says to whom.
pub fn preflight() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS"),
        (
            ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, X-Kerberos-Storage-AccessKey, X-Kerberos-Storage-SecretAccessKey, \
             X-Kerberos-Storage-Provider, X-Kerberos-Storage-Directory",
        ),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(ACCESS_CONTROL_MAX_AGE, ONE_DAY);
    response
}
