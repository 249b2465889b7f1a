//! Forms that a browser without WebAssembly posts.

use app::site::Prefix;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, LOCATION};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

const REFRESH: HeaderName = HeaderName::from_static("refresh");

/// Leads from a form that failed to the page that shows why, where the answer keeps the failure's own status: browsers
/// follow `Location` only with a redirect's, which would hide the failure from whoever watches the log.
pub async fn failed(request: Request, next: Next) -> Response {
    let wants_page = wants_page(request.headers());
    let prefix = request.extensions().get::<Prefix>().cloned().unwrap_or_default();
    let mut response = next.run(request).await;
    let status = response.status();
    if !wants_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let Some(to) = response.headers_mut().remove(LOCATION) else { return response };
    let to = to.to_str().unwrap_or("/");
    let to = if to.starts_with('/') { prefix.at(to) } else { to.to_owned() };
    let page = page(&to);
    let (mut parts, _) = response.into_parts();
    if let Ok(refresh) = HeaderValue::from_str(&format!("0;url={to}")) {
        parts.headers.insert(REFRESH, refresh);
    }
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, page.into_response().into_body())
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
}
