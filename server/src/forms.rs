//! Forms that a browser without WebAssembly posts. Their answer leads to a page of this vault, with the error in its address
//! if there was one; the address is signed, or anybody could make a link with words of theirs in the vault's own box.

use crate::state::AppState;
use app::site::Prefix;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use percent_encoding::percent_decode_str;
use vault::said::Said;

const REFRESH: HeaderName = HeaderName::from_static("refresh");
/// Where server functions are.
const FUNCTIONS: &str = "/api/fn/";

/// What Leptos puts into an address: which function's error it is.
const FUNCTION: &str = "__path";
/// And the error.
const ERROR: &str = "__err";
/// Our proof that it is what we said.
const PROOF: &str = "__said";

/// Leads from a form to the page that shows what came of it.
pub async fn lead_back(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let said = state.vault.said();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if let Some(query) = request.uri().query().filter(|query| reads && !is_ours(&said, query)) {
        return see_other(&with(request.uri().path(), &without_error(query)));
    }
    let is_form = request.uri().path().starts_with(FUNCTIONS) && wants_page(request.headers());
    let prefix = request.extensions().get::<Prefix>().cloned().unwrap_or_default();
    let mut response = next.run(request).await;
    let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).filter(|_| is_form);
    let Some(to) = to.map(|to| signed(&said, within(&prefix, to))) else { return response };
    if response.status().is_redirection() {
        response.headers_mut().insert(LOCATION, value(&to));
        return response;
    }
    failed(response, &prefix.at(&to))
}

/// Keeps a failure's own status: browsers follow `Location` only with a redirect's, which would hide the failure from whoever
/// watches the log.
fn failed(response: Response, to: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(LOCATION);
    parts.headers.insert(REFRESH, value(&format!("0;url={to}")));
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, page(to).into_response().into_body())
}

/// An address's path and query within this site, whatever site it names: Leptos takes the page's address from `Referer`.
fn within<'a>(prefix: &Prefix, to: &'a str) -> &'a str {
    let path = match to.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => to,
    };
    let path = prefix.inside(path);
    if path.starts_with('/') && !path.starts_with("//") { path } else { "/" }
}

/// The address with its error signed, and without older ones.
fn signed(said: &Said, to: &str) -> String {
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let mut pairs = without_error(query);
    if let Some(error) = error_in(query) {
        let proof = format!("{PROOF}={}", said.sign(&error));
        pairs = [pairs, error, proof].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("&");
    }
    with(path, &pairs)
}

/// Whether a query holds no error, or one that we signed.
fn is_ours(said: &Said, query: &str) -> bool {
    let Some(error) = error_in(query) else { return true };
    last(query, PROOF).and_then(|pair| pair.split_once('=')).is_some_and(|(_, proof)| said.is_ours(&error, proof))
}

/// The error that a page would show, as it stands in the query.
fn error_in(query: &str) -> Option<String> {
    Some(format!("{}&{}", last(query, FUNCTION)?, last(query, ERROR)?))
}

fn without_error(query: &str) -> String {
    let kept = query.split('&').filter(|pair| ![FUNCTION, ERROR, PROOF].iter().any(|name| is_of(pair, name)));
    kept.collect::<Vec<_>>().join("&")
}

/// The last pair of this name: that one counts.
fn last<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').rfind(|pair| is_of(pair, name))
}

fn is_of(pair: &str, name: &str) -> bool {
    let found = pair.split_once('=').map_or(pair, |(found, _)| found);
    percent_decode_str(found).eq(name.bytes())
}

fn with(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn see_other(to: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, value(to))]).into_response()
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("/"))
}

fn wants_page(headers: &HeaderMap) -> bool {
    headers.get(ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

/// For browsers that do not go on by themselves.
fn page(to: &str) -> String {
    let to = to.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
    format!("<!DOCTYPE html>\n<title>Kerberos Vault</title>\n<p>That did not work. <a href=\"{to}\">See why</a></p>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stays_within_its_link() {
        let page = page("/sign-in?a=1&b=\"><script>");
        assert!(page.contains("href=\"/sign-in?a=1&amp;b=&quot;>&lt;script>\""), "{page}");
    }

    #[test]
    fn whatever_site_the_referer_names_the_way_leads_to_ours() {
        let prefix = Prefix::new("/vault");
        for (to, inside) in [
            ("https://vault.example/vault/media?a=1", "/media?a=1"),
            ("http://evil.example/x?", "/x?"),
            ("http://evil.example", "/"),
            ("/media", "/media"),
            ("//evil.example/x", "/"),
            ("https://a//evil.example/x", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(within(&prefix, to), inside, "{to}");
        }
    }

    #[test]
    fn an_error_is_known_however_its_name_is_written() {
        for query in ["__path=a&__err=b", "x=1&__err=b&__path=a", "%5F%5Fpath=a&__%65rr=b", "__path=1&__path=a&__err=b"]
        {
            assert!(error_in(query).is_some(), "{query}");
        }
        assert_eq!(error_in("__path=1&__path=a&__err=2&__err=b").as_deref(), Some("__path=a&__err=b"));
        assert_eq!(error_in("path=a&err=b"), None);
        assert_eq!(without_error("a=1&%5F%5Fpath=a&__err=b&__said=c&b=2"), "a=1&b=2");
    }
}
