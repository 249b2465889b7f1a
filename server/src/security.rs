//! Headers that every answer carries, and the check that a change comes from our own pages.

use crate::peer::Peer;
use crate::problem::{self, ApiError};
use crate::public_url::PublicUrl;
use crate::state::AppState;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// For everything but pages: may load nothing, run nothing, be framed by nobody. Pages have their own.
const STRICT: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// For Swagger UI, which sets inline styles; its scripts are files.
pub const SWAGGER: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// How long browsers use TLS only, once they have seen it.
const ONE_YEAR: &str = "max-age=31536000";

/// Browsers say with it which site a request comes from.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Adds security headers that an answer does not have yet.
pub async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    add(headers);
    // Nearly everything is somebody's; what may be kept says so itself.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    if state.http.is_https() {
        headers.entry(STRICT_TRANSPORT_SECURITY).or_insert(HeaderValue::from_static(ONE_YEAR));
    }
    response
}

/// What of these headers is not there yet.
pub(crate) fn add(headers: &mut HeaderMap) {
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // same-origin, not no-referrer: without JavaScript, a form's answer redirects to its referrer
        (REFERRER_POLICY, "same-origin"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        (CONTENT_SECURITY_POLICY, STRICT),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// Refuses changes that another site's page makes with our visitor's cookie. Where there is nothing to change, that is told
/// instead: an agent whose address lacks `/api` is no page.
pub async fn same_origin(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let leads_somewhere = request.extensions().get::<MatchedPath>().is_some();
    if !reads
        && leads_somewhere
        && !is_same_origin(request.headers(), &Peer::attached(&request), state.http.public_url.as_ref())
    {
        return ApiError::from(&problem::ORIGIN).into_response();
    }
    next.run(request).await
}

/// Whether another site's page sends this. Machines, which send neither header, are no page.
pub fn is_from_elsewhere(headers: &HeaderMap, peer: &Peer, public_url: Option<&PublicUrl>) -> bool {
    let is_page = headers.contains_key(SEC_FETCH_SITE) || headers.contains_key(ORIGIN);
    is_page && !is_same_origin(headers, peer, public_url)
}

/// Decided by `Sec-Fetch-Site` if sent: pages cannot forge it, and a proxy that rewrites `Host` does not matter. Over
/// plain HTTP there is only `Origin`, which has the scheme that the client used, too. Without either: refused.
fn is_same_origin(headers: &HeaderMap, peer: &Peer, public_url: Option<&PublicUrl>) -> bool {
    if let Some(site) = headers.get(SEC_FETCH_SITE) {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(ORIGIN).and_then(|v| v.to_str().ok()) else { return false };
    if public_url.is_some_and(|url| url.origin().eq_ignore_ascii_case(origin)) {
        return true;
    }
    let host = origin.strip_prefix(if peer.https { "https://" } else { "http://" });
    let host: Option<Authority> = host.and_then(|h| h.parse().ok());
    host.is_some() && host == peer.host
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_may_change_things() {
        let peer = Peer { ip: [127, 0, 0, 1].into(), host: "vault.local:8080".parse().ok(), https: false };
        let check = |pairs: &[(HeaderName, &'static str)]| {
            let headers = pairs.iter().map(|(n, v)| (n.clone(), HeaderValue::from_static(v))).collect();
            is_same_origin(&headers, &peer, "https://vault.example/path".parse().ok().as_ref())
        };
        assert!(check(&[(SEC_FETCH_SITE, "same-origin"), (ORIGIN, "http://behind-a-proxy")]));
        assert!(check(&[(ORIGIN, "http://vault.local:8080")]));
        assert!(check(&[(ORIGIN, "https://vault.example")]));
        assert!(!check(&[(ORIGIN, "https://vault.local:8080")]), "another scheme is another origin");
        let over_tls = Peer { https: true, ..peer.clone() };
        for (origin, same) in [("https://vault.local:8080", true), ("http://vault.local:8080", false)] {
            let headers = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))]);
            assert_eq!(is_same_origin(&headers, &over_tls, None), same, "{origin}");
        }
        assert!(!check(&[]));
        assert!(!check(&[(ORIGIN, "null")]));
        assert!(!check(&[(ORIGIN, "http://vault.local")]), "another port is another origin");
        assert!(!check(&[(ORIGIN, "http://evil.example")]));
        assert!(!check(&[(ORIGIN, "http://vault.local:8080.evil.example")]));
        for site in ["cross-site", "same-site"] {
            assert!(!check(&[(SEC_FETCH_SITE, site), (ORIGIN, "http://vault.local:8080")]));
        }
    }
}
