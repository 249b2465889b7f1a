//! Which other sites' pages may ask for timelines (CORS, <https://fetch.spec.whatwg.org>): by `server.cors_origins`. They carry an
//! account's keys, unlike signed addresses, which any page may read.

use crate::state::AppState;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, HeaderName, ORIGIN, VARY,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What they may ask.
const PATHS: [&str; 2] = ["/api/hls", "/api/hls/metadata"];

/// Lets the pages of sites that are configured read the answer, be it an error.
pub async fn by_configuration(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let allowed = &state.http.cors_origins;
    if allowed.is_empty() || !PATHS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let origin = request.headers().get(ORIGIN).cloned();
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
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("Retry-After, X-Request-Id"));
    let resource_policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(resource_policy, HeaderValue::from_static("cross-origin"));
    response
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
        (ACCESS_CONTROL_MAX_AGE, "86400"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
