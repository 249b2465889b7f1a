//! The site's files: embedded in release builds, otherwise read from disk when the vault starts. A vault that runs goes on
//! serving what it was started with, whatever is built beside it.

use app::PageFiles;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use rust_embed::{EmbeddedFile, RustEmbed};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

#[derive(RustEmbed)]
#[folder = "../target/site"]
#[allow_missing = true]
struct Embedded;

/// The site by path.
static SITE: LazyLock<Site> = LazyLock::new(Site::of::<Embedded>);

/// Takes up the site as it is now, unless that has been done.
pub fn take_up() {
    LazyLock::force(&SITE);
}

struct Site(BTreeMap<String, File>);

struct File {
    content: Bytes,
    kind: String,
    /// With its quotes.
    etag: String,
}

impl Site {
    fn of<E: RustEmbed>() -> Self {
        let file = |path: Cow<'static, str>| Some((path.to_string(), E::get(&path)?.into()));
        Self(E::iter().filter_map(file).collect())
    }

    fn get(&self, path: &str) -> Option<&File> {
        self.0.get(path)
    }
}

impl From<EmbeddedFile> for File {
    fn from(file: EmbeddedFile) -> Self {
        let kind = content_type(file.metadata.mimetype());
        let etag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
        let content = match file.data {
            Cow::Borrowed(embedded) => Bytes::from_static(embedded),
            Cow::Owned(read) => read.into(),
        };
        Self { content, kind, etag }
    }
}

/// The file at the request's path, if there is one.
pub fn find(request: &Request) -> Option<Response> {
    let path = percent_decode(request.uri().path().trim_start_matches('/'))?;
    respond(&SITE, &path, request.headers())
}

/// `/pkg/*`: a file or 404, never a page: HTML in place of a script helps nobody.
pub async fn pkg(request: Request) -> Response {
    find(&request).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// The files each page needs besides the common ones, from `pkg/<version>/pages.json`, which `cargo xtask site` writes.
/// Empty without a site.
pub fn page_files() -> PageFiles {
    static PAGES: LazyLock<Arc<BTreeMap<String, Vec<String>>>> =
        LazyLock::new(|| Arc::new(read_pages().unwrap_or_default()));
    PageFiles::new(Arc::clone(&PAGES))
}

fn read_pages() -> Option<BTreeMap<String, Vec<String>>> {
    let is_it = |path: &&String| version_of(path).is_some() && path.ends_with("/pages.json");
    let path = SITE.0.keys().find(is_it)?;
    let folder = path.strip_suffix("pages.json")?;
    let pages: BTreeMap<String, Vec<String>> = serde_json::from_slice(&SITE.get(path)?.content).ok()?;
    let addresses = |files: Vec<String>| files.into_iter().map(|file| format!("/{folder}{file}")).collect();
    Some(pages.into_iter().map(|(page, files)| (page, addresses(files))).collect())
}

/// The version in `pkg/<version>/<file>`, whose content never changes.
fn version_of(path: &str) -> Option<&str> {
    let (version, _) = path.strip_prefix("pkg/")?.split_once('/')?;
    Some(version)
}

fn respond(site: &Site, path: &str, request: &HeaderMap) -> Option<Response> {
    if path.is_empty() || path.ends_with('/') || path.ends_with(".br") {
        return None;
    }
    let plain = site.get(path)?;
    let compressed = site.get(&format!("{path}.br"));
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&plain.kind) {
        headers.insert(CONTENT_TYPE, value);
    }
    // Browsers revalidate files without a version in their path, mostly with 304.
    let lifetime = if version_of(path).is_some() { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(lifetime));
    let mut file = plain;
    if let Some(compressed) = compressed {
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        if accepts_brotli(request) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("br"));
            file = compressed;
        }
    }
    let unchanged = request
        .get(IF_NONE_MATCH)
        .is_some_and(|tags| tags.to_str().is_ok_and(|t| t.split(',').any(|t| t.trim() == file.etag)));
    if let Ok(value) = HeaderValue::from_str(&file.etag) {
        headers.insert(ETAG, value);
    }
    if unchanged {
        return Some((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    Some((headers, Body::from(file.content.clone())).into_response())
}

fn content_type(mime: &str) -> String {
    match mime {
        text if text.starts_with("text/") => format!("{text}; charset=utf-8"),
        other => other.to_owned(),
    }
}

fn accepts_brotli(request: &HeaderMap) -> bool {
    let accepted = request.get(ACCEPT_ENCODING).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("br") && parts.all(|p| !matches!(p, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

fn percent_decode(path: &str) -> Option<String> {
    let path = percent_decode_str(path).decode_utf8().ok()?;
    (!path.split('/').any(|part| part == "..")).then(|| path.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_never_climbs() {
        assert_eq!(percent_decode("a%20b/c.js").as_deref(), Some("a b/c.js"));
        for bad in ["../x", "a/%2e%2e/x", "%ff"] {
            assert_eq!(percent_decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_what_has_a_version_in_its_path_is_kept() {
        assert_eq!(version_of("pkg/1f0e/media.wasm"), Some("1f0e"));
        for changes in ["pkg/kerberos-vault.wasm", "favicon.svg", "other/1f0e/media.wasm"] {
            assert_eq!(version_of(changes), None, "{changes}");
        }
    }

    #[test]
    fn brotli_only_where_wanted() {
        let accepts =
            |v: &'static str| accepts_brotli(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(v))]));
        assert!(accepts("gzip, deflate, br") && accepts("br;q=0.5"));
        assert!(!accepts("gzip") && !accepts("br;q=0, gzip") && !accepts_brotli(&HeaderMap::new()));
    }
}
