//! Which bodies are files (docs/protocol.md §4). What is refused here would be stored as it is, and no player would take it for
//! a recording.

use super::wire::text;
use crate::problem::{self, ApiError};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};

/// Longest encoding that is named in an answer, in characters.
const NAMED: usize = 40;

/// Refuses forms and what is compressed.
///
/// # Errors
/// 415, naming the encoding.
pub(super) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    if is_form(headers) {
        return Err((&problem::MEDIA_TYPE).into());
    }
    match encoding(headers) {
        None => Ok(()),
        Some(encoding) => {
            Err(ApiError::from(&problem::CONTENT_ENCODING).detail(format!("Its Content-Encoding is {encoding}.")))
        }
    }
}

/// A form from a browser or `curl -F`. `application/x-www-form-urlencoded` is accepted: `curl --data-binary` sends it with
/// any file.
fn is_form(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_TYPE.as_str()).to_ascii_lowercase().starts_with("multipart/form-data")
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn forms_are_told_from_files() {
        let with = |value| is_form(&with(CONTENT_TYPE, value));
        assert!(with("multipart/form-data; boundary=x") && with("Multipart/Form-Data"));
        for a_file in ["video/mp4", "application/octet-stream", "application/x-www-form-urlencoded", ""] {
            assert!(!with(a_file), "{a_file}");
        }
        assert!(!is_form(&HeaderMap::new()));
    }

    #[test]
    fn what_is_compressed_is_named() {
        let named = |value| encoding(&with(CONTENT_ENCODING, value));
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
        let mut twice = with(CONTENT_ENCODING, "identity");
        twice.append(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(encoding(&twice).as_deref(), Some("gzip"));
        assert_eq!(named(Box::leak("x".repeat(500).into_boxed_str())).map(|name| name.len()), Some(NAMED));
    }
}
