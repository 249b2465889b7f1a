//! `/api/storage/tus`: uploads that come in several requests, by tus 1.0.0 (docs/protocol.md §11; <https://tus.io/protocols/resumable-upload>).
//! With the extensions creation, creation-with-upload, creation-defer-length, termination, expiration and checksum; not with
//! concatenation: a recording is one file.

mod checksum;
pub mod instead;
pub mod metadata;
mod request;

use super::caller::Caller;
use super::file_body;
use super::upload::{self, refused};
use super::wire::text;
use crate::problem::{self, ApiError, ErrorBody};
use crate::state::AppState;
use axum::body::Body;
use axum::extract::{FromRequestParts, OriginalUri, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use checksum::{Checked, Checksum};
use model::wire::header;
use request::{has_bytes, invalid, is_agent, length, said, size};
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};
use vault::accounts::Account;
use vault::ingest::UploadRequest;
use vault::ingest::resumable::{Piece, Progress, ResumeError};

const VERSION: HeaderValue = HeaderValue::from_static("1.0.0");
const EXTENSIONS: &str = "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum";
const OFFSET_STREAM: &str = "application/offset+octet-stream";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const TUS_VERSION: HeaderName = HeaderName::from_static("tus-version");
const TUS_EXTENSION: HeaderName = HeaderName::from_static("tus-extension");
const TUS_MAX_SIZE: HeaderName = HeaderName::from_static("tus-max-size");
const TUS_CHECKSUM_ALGORITHM: HeaderName = HeaderName::from_static("tus-checksum-algorithm");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_DEFER_LENGTH: HeaderName = HeaderName::from_static("upload-defer-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const UPLOAD_CONCAT: HeaderName = HeaderName::from_static("upload-concat");

/// Says in every answer which version of tus this is.
pub async fn versioned(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(TUS_RESUMABLE, VERSION);
    headers.insert(TUS_VERSION, VERSION);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A request of this version of tus. Asked for after the caller: whoever may not ask is told that first.
#[derive(Debug)]
pub struct Version;

impl<S: Sync> FromRequestParts<S> for Version {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        if parts.headers.get(&TUS_RESUMABLE) == Some(&VERSION) { Ok(Self) } else { Err((&problem::TUS_VERSION).into()) }
    }
}

/// What the vault can do
///
/// Needs no credentials. Pages of the sites in `server.cors_origins` are told what they may send (CORS).
#[utoipa::path(options, path = "/api/storage/tus", tag = "Resumable uploads", responses((status = 204, description = "Version, extensions and largest size.")))]
pub async fn options(state: State<AppState>) -> Response {
    able(state)
}

/// What the vault can do
///
/// As at the address where uploads begin.
#[utoipa::path(
    options, path = "/api/storage/tus/{id}", tag = "Resumable uploads",
    params(("id" = String, Path, description = "Last part of `Location`.", example = "5f0c2a")),
    responses((status = 204, description = "Version, extensions and largest size."))
)]
pub async fn options_of_one(state: State<AppState>) -> Response {
    able(state)
}

fn able(State(state): State<AppState>) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(TUS_EXTENSION, HeaderValue::from_static(EXTENSIONS));
    headers.insert(TUS_CHECKSUM_ALGORITHM, HeaderValue::from_static(checksum::ALGORITHMS));
    headers.insert(TUS_MAX_SIZE, state.vault.resumables.max_bytes().into());
    response
}

/// Begin an upload in several requests
///
/// `Upload-Metadata` says what the single request says in headers, with the keys filename, device, directory, provider,
/// capture, cloudkey, fps, duration, timestamp, device_name, region_coordinates and number_of_changes. The first bytes may come along.
#[utoipa::path(
    post, path = "/api/storage/tus", tag = "Resumable uploads", security(("access_key" = [], "secret_key" = [])),
    params(
        ("Tus-Resumable" = String, Header, description = "1.0.0", example = "1.0.0"),
        ("Upload-Length" = Option<u64>, Header, description = "Size of the recording.", example = 305956),
        ("Upload-Defer-Length" = Option<String>, Header, description = "1 if the size is said later."),
        ("Upload-Metadata" = String, Header, description = "Base64 values.", example = "filename YS5tcDQ=,device ZnJvbnQtZG9vcg=="),
    ),
    responses(
        (status = 201, description = "Begun; `Location` is where its bytes go."),
        (status = 400, description = "Missing or malformed headers.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account or provider.", body = ErrorBody),
        (status = 404, description = "No provider of this name that the account may use.", body = ErrorBody),
        (status = 409, description = "What the single request answers 409 to.", body = ErrorBody),
        (status = 412, description = "Another version of tus.", body = ErrorBody),
        (status = 413, description = "Larger than the vault accepts.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials, or too many uploads that are not finished.", body = ErrorBody),
        (status = 460, description = "The checksum of the first bytes is another.", body = ErrorBody),
        (status = 501, description = "An empty file of an agent, which sends that in a single request; or parts that were to be joined (`Upload-Concat`).", body = ErrorBody),
        (status = 502, description = "The storage provider refuses the vault.", body = ErrorBody),
        (status = 503, description = "The storage provider or the database does not answer, or the vault is busy.", body = ErrorBody),
        (status = 507, description = "The storage provider, or the vault itself, has no room left.", body = ErrorBody),
    )
)]
pub async fn create(
    Caller(account): Caller,
    _: Version,
    State(state): State<AppState>,
    OriginalUri(asked): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    file_body::check(&headers)?;
    // An extension that is not offered: a part must not be taken for a recording.
    if headers.contains_key(&UPLOAD_CONCAT) {
        return Err((&problem::TUS_CONCATENATION).into());
    }
    let length = length(&headers)?;
    let defers = text(&headers, UPLOAD_DEFER_LENGTH.as_str()) == "1";
    if length.is_some() == defers {
        return Err(invalid("Upload-Length, or Upload-Defer-Length: 1, is needed."));
    }
    let mut said = said(&headers)?;
    if length == Some(0) {
        upload::note_empty(&upload::Who::of(&account), said.get(header::FILE_NAME).map_or("", String::as_str));
        if is_agent(&headers) {
            return Err((&problem::TUS_EMPTY).into());
        }
    }
    let request = UploadRequest::read(account.clone(), length, |name| said.get(name).cloned().unwrap_or_default());
    let request = request.map_err(refused)?;
    upload::note_dropped(&request);
    said.insert(UPLOAD_METADATA.to_string(), text(&headers, UPLOAD_METADATA.as_str()));
    let checksum = request::checksum(&headers)?;
    let resumables = &state.vault.resumables;
    let mut progress = resumables.create(request, said).await.map_err(refuse)?;
    if has_bytes(&headers) {
        let piece = Piece { at: 0, length: None, size: size(&headers), only_whole: false };
        // They may be long, and an upload takes its time.
        drop(headers);
        let id = progress.id.clone();
        progress = match append(&state, account.clone(), &id, piece, checksum, body).await {
            Ok(progress) => progress,
            Err(refused) => {
                // Its client does not learn where it is.
                let _ = resumables.terminate(&account, &id).await;
                return Err(refused);
            }
        };
    }
    let mut response = (StatusCode::CREATED, told(&progress)).into_response();
    if let Ok(location) = HeaderValue::from_str(&location(asked.path(), &progress.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// How far an upload is
#[utoipa::path(
    head, path = "/api/storage/tus/{id}", tag = "Resumable uploads", security(("access_key" = [], "secret_key" = [])),
    params(("id" = String, Path, description = "Last part of `Location`.", example = "5f0c2a"), ("Tus-Resumable" = String, Header, description = "1.0.0", example = "1.0.0")),
    responses(
        (status = 200, description = "`Upload-Offset` says where to go on; below the length until the recording is stored."),
        (status = 400, description = "Missing or malformed headers."),
        (status = 401, description = "Wrong credentials."),
        (status = 403, description = "Disabled account."),
        (status = 404, description = "No such upload: begin it anew."),
        (status = 410, description = "Expired: begin it anew."),
        (status = 412, description = "Another version of tus."),
        (status = 429, description = "Too many wrong credentials."),
        (status = 503, description = "The database does not answer."),
    )
)]
pub async fn look(
    Caller(account): Caller,
    _: Version,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let progress = state.vault.resumables.look(&account, &id).await.map_err(refuse)?;
    let mut response = told(&progress).into_response();
    let headers = response.headers_mut();
    match progress.length {
        Some(length) => headers.insert(UPLOAD_LENGTH, length.into()),
        None => headers.insert(UPLOAD_DEFER_LENGTH, HeaderValue::from_static("1")),
    };
    if let Some(metadata) = progress.said.get(UPLOAD_METADATA.as_str()).filter(|text| !text.is_empty())
        && let Ok(metadata) = HeaderValue::from_str(metadata)
    {
        headers.insert(UPLOAD_METADATA, metadata);
    }
    Ok(response)
}

/// Send bytes of an upload
///
/// What has come is kept if the request breaks off. With the last byte, 204 means what 200 does after a single request.
#[utoipa::path(
    patch, path = "/api/storage/tus/{id}", tag = "Resumable uploads", security(("access_key" = [], "secret_key" = [])),
    params(
        ("id" = String, Path, description = "Last part of `Location`.", example = "5f0c2a"),
        ("Tus-Resumable" = String, Header, description = "1.0.0", example = "1.0.0"),
        ("Upload-Offset" = u64, Header, description = "Where the bytes begin.", example = 0),
        ("Upload-Checksum" = Option<String>, Header, description = "Algorithm and Base64 value: sha1, sha256, md5 or crc32."),
    ),
    request_body(content_type = "application/offset+octet-stream", description = "Bytes.", content = inline(super::schema::FileBytes)),
    responses(
        (status = 204, description = "Kept; `Upload-Offset` says how far it is."),
        (status = 400, description = "Missing or malformed headers, or a length that does not fit.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account or provider.", body = ErrorBody),
        (status = 404, description = "No such upload: begin it anew.", body = ErrorBody),
        (status = 408, description = "It stopped arriving, or arrived too slowly; what came is kept.", body = ErrorBody),
        (status = 409, description = "The bytes do not begin where the last ended, or what the single request answers 409 to.", body = ErrorBody),
        (status = 410, description = "Expired: begin it anew.", body = ErrorBody),
        (status = 412, description = "Another version of tus.", body = ErrorBody),
        (status = 413, description = "Larger than the vault accepts.", body = ErrorBody),
        (status = 415, description = "Not application/offset+octet-stream.", body = ErrorBody),
        (status = 423, description = "Another request is sending this upload.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 460, description = "The checksum is another; nothing of these bytes is kept.", body = ErrorBody),
        (status = 502, description = "The storage provider refuses the vault.", body = ErrorBody),
        (status = 503, description = "The storage provider or the database does not answer, or the vault is busy.", body = ErrorBody),
        (status = 507, description = "The storage provider, or the vault itself, has no room left.", body = ErrorBody),
    )
)]
pub async fn patch(
    Caller(account): Caller,
    _: Version,
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    if !has_bytes(&headers) {
        return Err((&problem::TUS_MEDIA_TYPE).into());
    }
    file_body::check(&headers)?;
    let at = text(&headers, UPLOAD_OFFSET.as_str()).parse();
    let at = at.map_err(|_| invalid("Upload-Offset, a number, is needed."))?;
    let piece = Piece { at, length: length(&headers)?, size: size(&headers), only_whole: false };
    let checksum = request::checksum(&headers)?;
    drop(headers);
    let progress = append(&state, account, &id, piece, checksum, body).await?;
    Ok((StatusCode::NO_CONTENT, told(&progress)).into_response())
}

/// Give an upload up
#[utoipa::path(
    delete, path = "/api/storage/tus/{id}", tag = "Resumable uploads", security(("access_key" = [], "secret_key" = [])),
    params(("id" = String, Path, description = "Last part of `Location`.", example = "5f0c2a"), ("Tus-Resumable" = String, Header, description = "1.0.0", example = "1.0.0")),
    responses(
        (status = 204, description = "It is gone. A recording that was stored stays."),
        (status = 400, description = "Missing or malformed headers.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account.", body = ErrorBody),
        (status = 404, description = "No such upload.", body = ErrorBody),
        (status = 410, description = "Expired.", body = ErrorBody),
        (status = 412, description = "Another version of tus.", body = ErrorBody),
        (status = 423, description = "Another request is sending this upload.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 502, description = "The storage provider refuses the vault.", body = ErrorBody),
        (status = 503, description = "The storage provider or the database does not answer.", body = ErrorBody),
    )
)]
pub async fn terminate(
    Caller(account): Caller,
    _: Version,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    state.vault.resumables.terminate(&account, &id).await.map_err(refuse)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn append(
    state: &AppState,
    account: Account,
    id: &str,
    piece: Piece,
    checksum: Option<Checksum>,
    body: Body,
) -> Result<Progress, ApiError> {
    let bytes = upload::counted(body);
    let (who, resumables) = (upload::Who::of(&account), &state.vault.resumables);
    let outcome = match checksum {
        None => resumables.append(account, id, piece, bytes).await,
        Some(checksum) => {
            let (bytes, is_wrong) = Checked::new(bytes, checksum);
            let outcome = resumables.append(account, id, Piece { only_whole: true, ..piece }, bytes).await;
            if outcome.is_err() && is_wrong.load(Ordering::Relaxed) {
                return Err((&problem::TUS_CHECKSUM).into());
            }
            outcome
        }
    };
    match outcome {
        Ok(progress) => {
            if let Some(stored) = &progress.stored {
                upload::count(stored.outcome);
            }
            if piece.length.is_some() && progress.length == Some(0) {
                upload::note_empty(&who, progress.said.get(header::FILE_NAME).map_or("", String::as_str));
            }
            Ok(progress)
        }
        Err(ResumeError::Upload(error)) => Err(upload::refuse(state, &who, error).await),
        Err(error) => Err(refuse(error)),
    }
}

fn refuse(error: ResumeError) -> ApiError {
    let problem = match &error {
        ResumeError::NotFound => &problem::TUS_NOT_FOUND,
        ResumeError::Expired => &problem::TUS_EXPIRED,
        ResumeError::Held => &problem::TUS_HELD,
        ResumeError::WrongOffset { .. } => &problem::TUS_OFFSET,
        ResumeError::WrongLength => &problem::TUS_LENGTH,
        ResumeError::TooMany => &problem::TOO_MANY,
        ResumeError::Upload(_) => return upload_error(error),
    };
    let detail = match error {
        ResumeError::WrongOffset { received } => format!("It has {received} bytes."),
        ResumeError::TooMany => error.to_string(),
        _ => String::new(),
    };
    ApiError::from(problem).detail(detail)
}

fn upload_error(error: ResumeError) -> ApiError {
    match error {
        ResumeError::Upload(error) => refused(error),
        other => refuse(other),
    }
}

/// Relative to the address that was asked: so it is right behind any proxy.
fn location(asked: &str, id: &str) -> String {
    match asked.rsplit('/').next() {
        Some("") | None => id.to_owned(),
        Some(last) => format!("{last}/{id}"),
    }
}

fn told(progress: &Progress) -> [(HeaderName, HeaderValue); 2] {
    let expires = u64::try_from(progress.expires_at).unwrap_or(0);
    let expires = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_millis(expires));
    let expires = HeaderValue::from_str(&expires).expect("a date is ASCII");
    [(UPLOAD_OFFSET, progress.received.into()), (UPLOAD_EXPIRES, expires)]
}

#[cfg(test)]
mod tests {
    use super::location;

    #[test]
    fn the_location_leads_on_from_whatever_was_asked() {
        for (asked, wanted) in
            [("/api/storage/tus/", "x"), ("/api//storage/tus/", "x"), ("/vault/api/storage/tus", "tus/x")]
        {
            assert_eq!(location(asked, "x"), wanted, "{asked}");
        }
    }
}
