//! A vault below a path of its host, as `server.public_url` says: `https://nvr.example/vault`.
//!
//! Requests come with this path, or without it if the proxy takes it off. Inside nobody sees it: it is taken off before a
//! request is routed. Browsers must see it in every address: answers' headers get it here, the links of pages by
//! `app::site::at`.

use crate::peer::Peer;
use crate::public_url::PublicUrl;
use crate::state::HttpOptions;
use app::site::Prefix;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use std::sync::Arc;

/// The vault's routes, below that path too.
pub(crate) fn mount(routes: Router, http: &Arc<HttpOptions>) -> Router {
    match &http.public_url {
        Some(url) if !url.path().is_empty() => {
            Router::new().fallback_service(routes).layer(from_fn_with_state(http.clone(), below))
        }
        _ => routes,
    }
}

async fn below(State(http): State<Arc<HttpOptions>>, mut request: Request, next: Next) -> Response {
    let Some(url) = &http.public_url else { return next.run(request).await };
    let taken_off = without(request.uri(), url.path());
    // Whoever comes by another name and without the path goes on like that.
    let prefix = match taken_off.is_some() || is_by_name(&request, url, http.trust_proxy) {
        true => Prefix::new(url.path()),
        false => Prefix::default(),
    };
    if let Some(uri) = taken_off {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(prefix.clone());
    let mut response = next.run(request).await;
    add(response.headers_mut(), &prefix);
    response
}

/// Whether it is for the public address, whose path a proxy has then taken off.
fn is_by_name(request: &Request, url: &PublicUrl, trust_proxy: bool) -> bool {
    Peer::of(request, trust_proxy).host.is_some_and(|host| host == *url.host())
}

/// The address without this path before it; `None` if it is not there.
fn without(uri: &Uri, prefix: &str) -> Option<Uri> {
    let (path, query) = (uri.path().strip_prefix(prefix)?, uri.query());
    if !path.is_empty() && !path.starts_with('/') {
        return None;
    }
    let path = if path.is_empty() { "/" } else { path };
    let path_and_query = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(path_and_query.parse().ok()?);
    Uri::from_parts(parts).ok()
}

/// Adds the path to where an answer leads and to what its cookies are for.
fn add(headers: &mut HeaderMap, prefix: &Prefix) {
    if let Some(to) = headers.get(LOCATION).and_then(|to| to.to_str().ok())
        && to.starts_with('/')
        && !to.starts_with("//")
        && let Ok(to) = HeaderValue::from_str(&prefix.at(to))
    {
        headers.insert(LOCATION, to);
    }
    let cookies: Vec<HeaderValue> =
        headers.get_all(SET_COOKIE).iter().map(|cookie| below_path(cookie, prefix)).collect();
    headers.remove(SET_COOKIE);
    for cookie in cookies {
        headers.append(SET_COOKIE, cookie);
    }
}

fn below_path(cookie: &HeaderValue, prefix: &Prefix) -> HeaderValue {
    let Ok(text) = cookie.to_str() else { return cookie.clone() };
    let part = |part: &str| if part.trim() == "Path=/" { format!(" Path={}", prefix.path()) } else { part.to_owned() };
    let text = text.split(';').map(part).collect::<Vec<_>>().join(";");
    HeaderValue::from_str(&text).unwrap_or_else(|_| cookie.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_taken_off_whole() {
        let without = |uri: &'static str| without(&Uri::from_static(uri), "/vault").map(|uri| uri.to_string());
        for (uri, inside) in [
            ("/vault", Some("/")),
            ("/vault/", Some("/")),
            ("/vault?a=1", Some("/?a=1")),
            ("/vault/media?account=a%2Fb", Some("/media?account=a%2Fb")),
            ("/vault/vault/x", Some("/vault/x")),
            ("/vaults", None),
            ("/media", None),
            ("/", None),
        ] {
            assert_eq!(without(uri).as_deref(), inside, "{uri}");
        }
    }

    #[test]
    fn answers_lead_below_it() {
        let added = |name, value: &'static str| {
            let mut headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
            add(&mut headers, &Prefix::new("/vault"));
            headers.into_iter().next().expect("one").1
        };
        assert_eq!(added(LOCATION, "/media?done=deleted"), "/vault/media?done=deleted");
        assert_eq!(added(LOCATION, "/"), "/vault/");
        for elsewhere in ["https://nvr.example/vault/media", "//elsewhere.example/"] {
            assert_eq!(added(LOCATION, elsewhere), elsewhere);
        }
        assert_eq!(
            added(SET_COOKIE, "vault=1; HttpOnly; Path=/; Max-Age=3"),
            "vault=1; HttpOnly; Path=/vault; Max-Age=3"
        );
        assert_eq!(added(SET_COOKIE, "vault=; Path=/other"), "vault=; Path=/other");
    }
}
