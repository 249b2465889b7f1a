//! Which bodies are files (docs/protocol.md §4). What is refused here would be stored as it is, and no player would take it for
//! a recording.

use super::wire::text;
use crate::bodies;
use crate::problem::{self, ApiError};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

/// Refuses forms and what is compressed.
///
/// # Errors
/// 415, naming the encoding.
pub(super) fn check(headers: &HeaderMap) -> Result<(), ApiError> {
    if is_form(headers) {
        return Err((&problem::MEDIA_TYPE).into());
    }
    bodies::as_it_is(headers)
}

/// A form from a browser or `curl -F`. `application/x-www-form-urlencoded` is accepted: `curl --data-binary` sends it with
/// any file.
fn is_form(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_TYPE.as_str()).to_ascii_lowercase().starts_with("multipart/form-data")
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
}
