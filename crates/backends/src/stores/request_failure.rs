//! What all stores have in common when they fail.

use crate::http::body;
use futures::TryStreamExt;
use model::error::{Cause, StoreError, StoreErrorKind};
use model::ports::{ByteStream, Part};
use model::probe::ProbeFailure;
use reqwest::Response;

/// Bytes per part of a multipart upload to a store over the network.
pub(super) const PART_SIZE: usize = 8 * 1024 * 1024;

pub(super) const NO_OBJECT: &str = "There is no such recording in this store.";
pub(super) const UNKNOWN_UPLOAD: &str = "The store does not know this upload, or not any more.";
pub(super) const LOST_PARTS: &str = "The upload's parts do not join to a whole; it must be sent again.";
pub(super) const TAKEN: &str = "Something lies there already, and is not replaced.";
pub(super) const OUT_OF_RANGE: &str = "The range lies outside the recording.";
const BROKE_OFF: &str = "The store broke off in the middle of a recording.";

/// A failed request: the kind of failure, its words and its cure.
#[derive(Debug)]
pub(super) struct RequestFailure {
    pub(super) kind: StoreErrorKind,
    pub(super) failure: ProbeFailure,
    pub(super) source: Option<Cause>,
}

impl From<RequestFailure> for StoreError {
    fn from(trouble: RequestFailure) -> Self {
        Self { kind: trouble.kind, message: trouble.failure.reason, source: trouble.source }
    }
}

impl RequestFailure {
    pub(super) fn new(kind: StoreErrorKind, reason: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { kind, failure: ProbeFailure { reason: reason.into(), cure: cure.into() }, source: None }
    }

    /// No answer. Waiting helps in some cases, and they cannot be told apart: retrying is never wrong.
    pub(super) fn of_connection(failure: ProbeFailure) -> Self {
        Self { kind: StoreErrorKind::Unavailable, failure, source: None }
    }

    /// The object is not there.
    pub(super) fn no_object() -> Self {
        Self::new(StoreErrorKind::NotFound, NO_OBJECT, "Check the key.")
    }

    /// The range lies outside the object.
    pub(super) fn out_of_range() -> Self {
        Self::new(StoreErrorKind::Range, OUT_OF_RANGE, "Ask for bytes that are there.")
    }

    /// Something lies there, and was to stay.
    pub(super) fn taken() -> Self {
        Self::new(StoreErrorKind::Taken, TAKEN, "Give it another name, or take away what lies there.")
    }

    /// The store has no room left.
    pub(super) fn full() -> Self {
        Self::new(StoreErrorKind::Full, "The store is full.", "Free some space there, or raise the bucket's quota.")
    }

    /// The store is overloaded.
    pub(super) fn slow_down() -> Self {
        Self::new(
            StoreErrorKind::Unavailable,
            "The store asks to slow down.",
            "Wait a little; if it stays so, the store is too small for the load.",
        )
    }

    /// The store failed internally.
    pub(super) fn of_its_own(status: u16) -> Self {
        Self::new(
            StoreErrorKind::Unavailable,
            format!("The store has trouble of its own (status {status})."),
            "See the store's log, and try again.",
        )
    }

    /// Adds the cause.
    pub(super) fn caused_by(self, source: impl Into<Cause>) -> Self {
        Self { source: Some(source.into()), ..self }
    }
}

pub(super) fn no_object() -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, NO_OBJECT)
}

pub(super) fn unknown_upload() -> StoreError {
    StoreError::new(StoreErrorKind::NotFound, UNKNOWN_UPLOAD)
}

pub(super) fn taken() -> StoreError {
    StoreError::new(StoreErrorKind::Taken, TAKEN)
}

pub(super) fn lost_parts() -> StoreError {
    StoreError::new(StoreErrorKind::Interrupted, LOST_PARTS)
}

pub(super) fn out_of_range() -> StoreError {
    StoreError::new(StoreErrorKind::Range, OUT_OF_RANGE)
}

pub(super) fn no_ranges() -> StoreError {
    StoreError::new(StoreErrorKind::Unavailable, "The store does not answer requests for a part of a recording.")
}

pub(super) fn broke_off(cause: impl Into<Cause>) -> StoreError {
    StoreError::caused(StoreErrorKind::Unavailable, BROKE_OFF, cause)
}

/// The whole object's size in a `Content-Range`: `bytes 10-19/1000`.
pub(super) fn size_in(content_range: &str) -> Option<u64> {
    content_range.rsplit_once('/')?.1.trim().parse().ok()
}

/// The body of an answer as a recording's bytes.
pub(super) fn stream_of(response: Response) -> ByteStream {
    Box::pin(body(response).map_err(broke_off))
}

/// Whether parts are numbered 1, 2, 3… without gaps, and there is at least one.
pub(super) fn check_parts(parts: &[Part]) -> Result<(), StoreError> {
    let gaps = parts.iter().zip(1u32..).any(|(part, number)| part.number != number);
    if parts.is_empty() || gaps { Err(lost_parts()) } else { Ok(()) }
}

/// A server's code in readable form, if it looks like a code.
pub(super) fn printable(code: &str) -> String {
    let plain = (1..=64).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric());
    if plain { format!(" ({code})") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_tells_the_objects_size() {
        assert_eq!(size_in("bytes 10-19/1000"), Some(1000));
        assert_eq!((size_in("bytes 10-19/*"), size_in("bytes 10-19"), size_in("")), (None, None, None));
    }

    #[test]
    fn passes_on_no_text_of_the_servers() {
        assert_eq!(printable("MalformedXML"), " (MalformedXML)");
        assert_eq!(printable("<script>"), "");
        assert_eq!(printable(""), "");
    }
}
