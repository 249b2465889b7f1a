//! A recording as an HTTP answer: ranges, conditions, file name (RFC 9110 §13, §14).

use crate::problem::{self, ApiError};
use crate::range::{self, RangeRequest};
use crate::telemetry::chain;
use axum::body::Body;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
    RANGE,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt as _;
use model::media_type;
use model::mp4::Remuxed;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vault::{Fragmented, RecordingRef, Vault, VaultError};

/// Browsers wrap a recording or a picture in a page of their own, which needs the file itself and inline styles.
const PLAYER: &str =
    "default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// All but RFC 8187's `attr-char`.
const EXCEPT_ATTR_CHARS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// Whether a browser plays or saves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Plays it.
    Inline,
    /// Saves it.
    Attachment,
}

/// As what a recording is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As it is stored.
    Stored,
    /// As a fragmented MP4, though it is none.
    Fragmented,
}

/// How often to look a recording up again that is replaced while it is read.
const LOOKS: usize = 10;

/// Answers GET or HEAD for a recording.
pub async fn answer(
    vault: &Vault,
    found: RecordingRef,
    method: &Method,
    request: &HeaderMap,
    disposition: Disposition,
) -> Result<Response, ApiError> {
    answer_as(Form::Stored, vault, found, method, request, disposition).await
}

/// The same in a form.
pub async fn answer_as(
    form: Form,
    vault: &Vault,
    mut found: RecordingRef,
    method: &Method,
    request: &HeaderMap,
    disposition: Disposition,
) -> Result<Response, ApiError> {
    for _ in 0..LOOKS {
        let answer = Box::pin(answer_unless_replaced(form, vault, &found, method, request, disposition));
        if let Some(answer) = answer.await? {
            return Ok(answer);
        }
        found = vault.recordings.find_again(&found).await?;
    }
    Err(VaultError::Replaced.into())
}

/// `None` if the recording was replaced since it was found.
async fn answer_unless_replaced(
    form: Form,
    vault: &Vault,
    found: &RecordingRef,
    method: &Method,
    request: &HeaderMap,
    disposition: Disposition,
) -> Result<Option<Response>, ApiError> {
    let remuxed = match form {
        Form::Stored => None,
        Form::Fragmented => match vault.recordings.fragmented(found).await {
            Err(VaultError::Replaced) => return Ok(None),
            found => match found?.ok_or(&problem::NOT_PLAYABLE)? {
                Fragmented::Stored => None,
                Fragmented::Made(made) => Some(made),
            },
        },
    };
    let size = remuxed.as_ref().map_or(found.size, Remuxed::len);
    let variant = if remuxed.is_some() { "-fragmented" } else { "" };
    let etag = format!("\"{}{variant}\"", found.sha256);
    let modified = UNIX_EPOCH + Duration::from_secs(u64::try_from(found.uploaded_at / 1000).unwrap_or(0));
    let conditions = Conditions { request, etag: &etag, modified };
    if !conditions.satisfied() {
        return Err((&problem::PRECONDITION).into());
    }
    let mut headers = HeaderMap::new();
    set(&mut headers, ETAG, &etag);
    set(&mut headers, LAST_MODIFIED, &httpdate::fmt_http_date(modified));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if conditions.not_modified() {
        return Ok(Some((StatusCode::NOT_MODIFIED, headers).into_response()));
    }
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type::of(found.key.file_name())));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PLAYER));
    set(&mut headers, CONTENT_DISPOSITION, &content_disposition(disposition, found.key.file_name()));

    let wanted = match request.get(RANGE).and_then(|v| v.to_str().ok()) {
        Some(header) if conditions.range_applies() => range::parse(header, size),
        _ => RangeRequest::Whole,
    };
    let (status, part) = match wanted {
        RangeRequest::Whole => (StatusCode::OK, None),
        RangeRequest::Part(part) => {
            set(&mut headers, CONTENT_RANGE, &format!("bytes {}-{}/{}", part.start, part.end - 1, size));
            (StatusCode::PARTIAL_CONTENT, Some(part))
        }
        RangeRequest::Unsatisfiable => {
            let mut refused = ApiError::from(&problem::RANGE).detail(format!("It has {size} bytes.")).into_response();
            set(refused.headers_mut(), CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(Some(refused));
        }
    };
    let length = part.as_ref().map_or(size, |p| p.end - p.start);
    headers.insert(CONTENT_LENGTH, length.into());
    if *method == Method::HEAD {
        return Ok(Some((status, headers).into_response()));
    }
    let opened = match &remuxed {
        None => vault.recordings.open(found, part).await,
        Some(remuxed) => vault.recordings.open_remuxed(found, remuxed, part.unwrap_or(0..size)).await,
    };
    let bytes = match opened {
        Err(VaultError::Replaced) => return Ok(None),
        opened => opened?,
    };
    let (span, id) = (tracing::Span::current(), found.id);
    // The head has been sent by then: all that is left is to break off, and log it.
    let bytes = bytes
        .inspect_err(move |e| span.in_scope(|| tracing::warn!(recording = id, error = chain(e), "reading broke off")));
    Ok(Some((status, headers, Body::from_stream(bytes)).into_response()))
}

struct Conditions<'a> {
    request: &'a HeaderMap,
    etag: &'a str,
    modified: SystemTime,
}

impl Conditions<'_> {
    fn satisfied(&self) -> bool {
        match (self.text(&IF_MATCH), self.date(&IF_UNMODIFIED_SINCE)) {
            (Some(tags), _) => self.is_among(tags, false),
            (None, Some(since)) => self.modified <= since,
            (None, None) => true,
        }
    }

    fn not_modified(&self) -> bool {
        match (self.text(&IF_NONE_MATCH), self.date(&IF_MODIFIED_SINCE)) {
            (Some(tags), _) => self.is_among(tags, true),
            (None, Some(since)) => self.modified <= since,
            (None, None) => false,
        }
    }

    fn range_applies(&self) -> bool {
        match self.text(&IF_RANGE) {
            None => true,
            Some(validator) => validator == self.etag || self.date(&IF_RANGE) == Some(self.modified),
        }
    }

    fn is_among(&self, tags: &str, weakly: bool) -> bool {
        let mut tags = tags.split(',').map(str::trim);
        tags.any(|tag| tag == "*" || tag == self.etag || (weakly && tag.strip_prefix("W/") == Some(self.etag)))
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        self.request.get(name)?.to_str().ok().map(str::trim)
    }

    fn date(&self, name: &HeaderName) -> Option<SystemTime> {
        httpdate::parse_http_date(self.text(name)?).ok()
    }
}

/// RFC 6266: a plain name that every client can read, and the real one (RFC 8187).
fn content_disposition(disposition: Disposition, name: &str) -> String {
    let kind = if disposition == Disposition::Inline { "inline" } else { "attachment" };
    let readable: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    let encoded = utf8_percent_encode(name, EXCEPT_ATTR_CHARS);
    format!("{kind}; filename=\"{readable}\"; filename*=UTF-8''{encoded}")
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy)]
    enum Ask {
        Satisfied,
        NotModified,
        RangeApplies,
    }

    fn check(ask: Ask, name: HeaderName, value: &'static str) -> bool {
        let request = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        let modified = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let conditions = Conditions { request: &request, etag: "\"abc\"", modified };
        match ask {
            Ask::Satisfied => conditions.satisfied(),
            Ask::NotModified => conditions.not_modified(),
            Ask::RangeApplies => conditions.range_applies(),
        }
    }

    #[test]
    fn dates_are_those_of_rfc_9110() {
        assert!(check(Ask::NotModified, IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT"));
        assert!(!check(Ask::NotModified, IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:36 GMT"));
        assert!(!check(Ask::NotModified, IF_MODIFIED_SINCE, "yesterday"));
    }

    #[test]
    fn tags() {
        for tags in ["\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\""] {
            assert!(check(Ask::NotModified, IF_NONE_MATCH, tags), "{tags}");
        }
        assert!(!check(Ask::NotModified, IF_NONE_MATCH, "\"x\""));
        assert!(!check(Ask::Satisfied, IF_MATCH, "\"x\""));
        assert!(check(Ask::Satisfied, IF_MATCH, "\"abc\""));
        assert!(check(Ask::RangeApplies, IF_RANGE, "\"abc\""));
        assert!(!check(Ask::RangeApplies, IF_RANGE, "W/\"abc\""));
        assert!(check(Ask::RangeApplies, IF_RANGE, "Sun, 06 Nov 1994 08:49:37 GMT"));
    }

    #[test]
    fn names_survive_or_are_made_harmless() {
        assert_eq!(
            content_disposition(Disposition::Attachment, "été \"a\".mp4"),
            "attachment; filename=\"_t_ _a_.mp4\"; filename*=UTF-8''%C3%A9t%C3%A9%20%22a%22.mp4"
        );
    }
}
