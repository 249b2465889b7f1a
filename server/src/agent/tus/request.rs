//! What a request says of an upload.

use super::checksum::Checksum;
use super::{OFFSET_STREAM, UPLOAD_CHECKSUM, UPLOAD_LENGTH, UPLOAD_METADATA, metadata};
use crate::agent::wire::text;
use crate::problem::{self, ApiError};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, USER_AGENT};
use model::wire::{CustomHeaders, header};
use std::collections::BTreeMap;
use vault::ingest::announced;

/// What was said about the file: by a header of the single request, else by the metadata; and the owner's own headers.
pub(super) fn said(headers: &HeaderMap) -> Result<BTreeMap<String, String>, ApiError> {
    let mut said = metadata::parse(&text(headers, UPLOAD_METADATA.as_str())).map_err(invalid)?;
    let custom = announced(&text(headers, header::CUSTOM_HEADERS)).unwrap_or_default();
    // Only what will be kept of them: among those that are named may be the credentials.
    let (custom, _) = CustomHeaders::collect(custom, |name| text(headers, name));
    said.extend(custom.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
    for name in header::OF_UPLOADS {
        let text = text(headers, name);
        if !text.is_empty() {
            said.insert((*name).to_owned(), text);
        }
    }
    Ok(said)
}

pub(super) fn invalid(why: &'static str) -> ApiError {
    ApiError::from(&problem::TUS_HEADER).detail(why)
}

pub(super) fn length(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    match text(headers, UPLOAD_LENGTH.as_str()).as_str() {
        "" => Ok(None),
        length => length.parse().map(Some).map_err(|_| invalid("Upload-Length is no number.")),
    }
}

pub(super) fn checksum(headers: &HeaderMap) -> Result<Option<Checksum>, ApiError> {
    match text(headers, UPLOAD_CHECKSUM.as_str()).as_str() {
        "" => Ok(None),
        checksum => Checksum::parse(checksum).map(Some).map_err(invalid),
    }
}

pub(super) fn size(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH.as_str()).parse().ok()
}

pub(super) fn has_bytes(headers: &HeaderMap) -> bool {
    text(headers, CONTENT_TYPE.as_str()).eq_ignore_ascii_case(OFFSET_STREAM)
}

/// Agents are written in Go and do not name themselves. To be told that there is no tus here they answer with a single
/// request, by which an empty file can be got rid of.
pub(super) fn is_agent(headers: &HeaderMap) -> bool {
    text(headers, USER_AGENT.as_str()).starts_with("Go-http-client")
}
