//! `POST /api/storage`: one recording in one request (docs/protocol.md §4).

use super::caller::Caller;
use super::file_body;
use super::schema::{FileBytes, FileName, HeaderText};
use super::wire::text;
use crate::problem::{self, ApiError, ErrorBody};
use crate::state::AppState;
use crate::telemetry::metrics;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use futures::{Stream, TryStreamExt as _};
use model::error::StoreErrorKind;
use model::wire::{code, header};
use serde::Serialize;
use utoipa::ToSchema;
use vault::VaultError;
use vault::accounts::Account;
use vault::ingest::{Outcome, UploadError, UploadRequest};
use vault::notices::Notice;

/// What became of an upload.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uploaded {
    /// The recording's full key; empty if nothing was stored.
    #[schema(example = "site-a/1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4")]
    pub data: String,
    /// Why nothing was stored and nothing needs to be sent again; left out if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "file_empty")]
    pub ignored: Option<&'static str>,
}

/// Upload a recording
///
/// The body is the file itself; its size need not be announced. 200 means: it is durable and its
/// events will be delivered. The same file again is fine and makes no second event. An empty file is
/// answered 200 as well, with `ignored`: it can never be stored, and would be sent again for ever.
#[utoipa::path(
    post, path = "/api/storage", tag = "Agents", security(("access_key" = [], "secret_key" = [])),
    params(
        ("X-Kerberos-Storage-FileName" = inline(FileName), Header, description = "File name without directory.",
            example = "1606164482_6-818812_FundoEsquerda_229-153-288-247_51_745.mp4"),
        ("X-Kerberos-Storage-Directory" = Option<String>, Header, description = "Needed when the account's directory is `*`.", example = "site-a"),
        ("X-Kerberos-Storage-Provider" = Option<String>, Header, description = "Provider's name; empty means the account's main one.", example = "local"),
        ("X-Kerberos-Storage-Device" = inline(Option<HeaderText>), Header, description = "Device key of the agent.", example = "front-door"),
        ("X-Kerberos-Storage-Capture" = inline(Option<HeaderText>), Header, description = "Kind of device.", example = "IPCamera"),
        ("X-Kerberos-Storage-CloudKey" = inline(Option<HeaderText>), Header, description = "The owner's Hub public key.", example = ""),
        ("X-Kerberos-Storage-Fps" = Option<String>, Header, description = "Frames per second, a decimal fraction above 0, at most 240. Here and below, a bad value is dropped.", example = "24.97"),
        ("X-Kerberos-Storage-Duration" = Option<String>, Header, description = "Milliseconds.", example = "19967"),
        ("X-Kerberos-Storage-Timestamp" = Option<String>, Header, description = "Start of the recording, Unix milliseconds or seconds. Overrules the file name, like the next three.", example = "1606164482000"),
        ("X-Kerberos-Storage-DeviceName" = Option<String>, Header, description = "Camera's name.", example = "Front Door"),
        ("X-Kerberos-Storage-RegionCoordinates" = Option<String>, Header, description = "Where motion was seen, `x1-y1-x2-y2`.", example = "229-153-288-247"),
        ("X-Kerberos-Storage-NumberOfChanges" = Option<String>, Header, description = "Changed pixels; -1 when nobody counted.", example = "51"),
        ("X-Kerberos-Storage-Custom-Headers" = Option<String>, Header, description = "Which other headers are the owner's own: base64url, without padding, of a JSON array of names.", example = "WyJYLVNpdGUiXQ"),
    ),
    request_body(content_type = "video/mp4", description = "The file.", content = inline(FileBytes)),
    responses(
        (status = 200, description = "Stored; `data` is its full key. Or empty, and ignored.", body = Uploaded),
        (status = 400, description = "Missing or malformed headers, or a body that broke off.", body = ErrorBody),
        (status = 401, description = "Wrong credentials.", body = ErrorBody),
        (status = 403, description = "Disabled account or provider.", body = ErrorBody),
        (status = 404, description = "No provider of this name that the account may use.", body = ErrorBody),
        (status = 408, description = "It stopped arriving, or arrived too slowly.", body = ErrorBody),
        (status = 409, description = "Another account has a recording of this key, or the directory to itself; something that the vault has not stored lies there, or its name clashes with a directory's.", body = ErrorBody),
        (status = 413, description = "Larger than the vault accepts.", body = ErrorBody),
        (status = 415, description = "A form instead of a file, or a compressed one.", body = ErrorBody),
        (status = 429, description = "Too many wrong credentials.", body = ErrorBody),
        (status = 431, description = "More than 200 headers, or more than 256 KiB of them.", body = ErrorBody),
        (status = 502, description = "The storage provider refuses the vault.", body = ErrorBody),
        (status = 503, description = "The storage provider or the database does not answer, or the vault is busy.", body = ErrorBody),
        (status = 507, description = "The storage provider, or the vault itself, has no room left.", body = ErrorBody),
    )
)]
pub async fn upload(
    Caller(account): Caller,
    State(state): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Uploaded>, ApiError> {
    file_body::check(&headers)?;
    let (who, file, bytes) = (Who::of(&account), text(&headers, header::FILE_NAME), counted(body));
    let request = UploadRequest::read(account, length(&headers), |header| text(&headers, header));
    // They may be long, and an upload takes its time.
    drop(headers);
    let stored = match request {
        Ok(request) => {
            note_dropped(&request);
            state.vault.ingest.store(request, bytes).await
        }
        Err(refused) => Err(refused),
    };
    match stored {
        Ok(stored) => {
            count(stored.outcome);
            Ok(Json(Uploaded { data: stored.key.to_string(), ignored: None }))
        }
        Err(UploadError::Empty) => {
            note_empty(&who, &file);
            Ok(Json(Uploaded { data: String::new(), ignored: Some(code::FILE_EMPTY) }))
        }
        Err(error) => Err(refuse(&state, &who, error).await),
    }
}

/// Whose upload it is.
pub(super) struct Who {
    account_id: i64,
    account: String,
}

impl Who {
    pub(super) fn of(account: &Account) -> Self {
        Self { account_id: account.id, account: account.name.clone() }
    }
}

/// A body's bytes, counted as they come.
pub(super) fn counted(body: Body) -> impl Stream<Item = Result<Bytes, axum::Error>> + Send + Unpin + 'static {
    body.into_data_stream().inspect_ok(|chunk| metrics::received(chunk.len()))
}

/// Counts an upload that was stored.
pub(super) fn count(outcome: Outcome) {
    metrics::upload(match outcome {
        Outcome::New => "new",
        Outcome::Identical => "identical",
        Outcome::Replaced => "replaced",
    });
}

/// Counts and tells an empty file, which is not stored.
pub(super) fn note_empty(who: &Who, file: &str) {
    metrics::upload(code::FILE_EMPTY);
    tracing::warn!(
        account = who.account,
        file,
        "an empty file was sent and is not stored; its agent is told to forget it"
    );
}

/// What to answer to an upload that was not stored, having counted it and told whoever has to see to it.
pub(super) async fn refuse(state: &AppState, who: &Who, error: UploadError) -> ApiError {
    if matches!(error, UploadError::DirectoryTaken) {
        tell_shut_out(state, who).await;
    }
    let refused = refused(error);
    metrics::upload(refused.code());
    refused
}

/// Whoever gave another account the directory to itself may not have known who stores there.
async fn tell_shut_out(state: &AppState, Who { account_id, account }: &Who) {
    if state.limits.shut_out.take(*account_id, state.vault.clock().elapsed()).is_err() {
        return;
    }
    let notice = Notice {
        code: "cameras-shut-out",
        subject: account_id.to_string(),
        text: format!("Cameras of {account} are refused: another account has the directory that they store in to itself."),
        cure: "End Exclusive directory in that account, or give these cameras another directory. They keep their recordings until \
               then."
            .into(),
        dismissible: true,
    };
    state.vault.notices.raise(notice).await;
}

/// The size of the body, when it was announced.
fn length(headers: &HeaderMap) -> Option<u64> {
    text(headers, CONTENT_LENGTH.as_str()).parse().ok()
}

/// Notes what is wrong of what was said of a recording, which is stored all the same. Not the values: they may be anything.
pub(super) fn note_dropped(request: &UploadRequest) {
    for header in &request.dropped {
        metrics::dropped(header);
        let (account, key) = (&request.account.name, &request.key);
        tracing::debug!(account, %key, header, "a value said of a recording is none, and is dropped");
    }
}

pub(super) fn refused(error: UploadError) -> ApiError {
    let problem = match error {
        UploadError::MissingName => &problem::MISSING_NAME,
        UploadError::InvalidName(_) | UploadError::NameNotKept(_) => &problem::INVALID_NAME,
        UploadError::DirectoryMissing => &problem::DIRECTORY_MISSING,
        UploadError::DirectoryInvalid(_) => &problem::DIRECTORY_INVALID,
        UploadError::DirectoryTaken => &problem::DIRECTORY_TAKEN,
        UploadError::InvalidHeader { .. } => &problem::HEADER_INVALID,
        UploadError::Empty => &problem::FILE_EMPTY,
        UploadError::Form => &problem::MEDIA_TYPE,
        UploadError::TooLarge { .. } => &problem::FILE_TOO_LARGE,
        UploadError::AccountDisabled => &problem::ACCOUNT_DISABLED,
        UploadError::WrongCredentials => &problem::WRONG_CREDENTIALS,
        UploadError::Locked(_) => &problem::LOCKED,
        UploadError::NotYours => &problem::KEY_TAKEN,
        UploadError::Foreign { .. } => &problem::KEY_FOREIGN,
        UploadError::Clash(_) => &problem::KEY_CLASH,
        UploadError::ProviderNotFound(_) => &problem::PROVIDER_NOT_FOUND,
        UploadError::ProviderDisabled(_) => &problem::PROVIDER_DISABLED,
        UploadError::DirectoryChanged | UploadError::Busy => &problem::BUSY,
        UploadError::NoRoom(e) => return ApiError::from(&problem::VAULT_FULL).caused_by(e),
        UploadError::Spool(e) if e.kind() == std::io::ErrorKind::StorageFull => {
            return ApiError::from(&problem::VAULT_FULL).caused_by(e);
        }
        UploadError::Stalled(_) | UploadError::TooSlow(_) => &problem::FILE_STALLED,
        UploadError::Loop => &problem::FORWARD_LOOP,
        UploadError::Incomplete(_) => return ApiError::from(&problem::FILE_INCOMPLETE).caused_by(error),
        UploadError::Spool(_) | UploadError::Crashed(_) | UploadError::Vault(VaultError::Conflict(_)) => {
            return ApiError::from(&problem::UPLOAD_FAILED).caused_by(error);
        }
        UploadError::Vault(VaultError::NotFound(_)) => &problem::PROVIDER_NOT_FOUND,
        UploadError::Vault(e) => return e.into(),
        // If a provider lost an upload half-way, that is not the agent's fault: it keeps the file and tries again.
        UploadError::Store(e) if is_unexpected(e.kind) => {
            return ApiError::from(&problem::PROVIDER_UNAVAILABLE).caused_by(e);
        }
        UploadError::Store(e) => return e.into(),
    };
    let detail = match &error {
        UploadError::InvalidName(why) | UploadError::DirectoryInvalid(why) => format!("It {why}."),
        UploadError::TooLarge { max } => format!("This vault accepts up to {max} bytes."),
        UploadError::Stalled(seconds) => format!("No byte came for {seconds} seconds."),
        UploadError::TooSlow(least) => format!("Less than {least} bytes a second came."),
        UploadError::InvalidHeader { header } => format!("{header} is too long or holds control characters."),
        UploadError::Foreign { provider, key } => format!("The provider is {provider}, the name {key}."),
        UploadError::DirectoryChanged => error.to_string(),
        UploadError::Clash(why) | UploadError::NameNotKept(why) => why.clone(),
        _ => String::new(),
    };
    ApiError::from(problem).detail(detail)
}

/// Errors that only make sense on reading, or mean that the provider lost parts of an upload.
fn is_unexpected(kind: StoreErrorKind) -> bool {
    use StoreErrorKind::{Corrupt, Interrupted, NotFound, Range};
    matches!(kind, NotFound | Range | Interrupted | Corrupt)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ObjectKey;
    use model::key::NameError;

    #[test]
    fn the_tables_codes_are_the_vaults() {
        for error in [
            UploadError::MissingName,
            UploadError::InvalidName(NameError::Empty),
            UploadError::DirectoryMissing,
            UploadError::DirectoryInvalid(NameError::Empty),
            UploadError::DirectoryTaken,
            UploadError::InvalidHeader { header: "x" },
            UploadError::Empty,
            UploadError::Form,
            UploadError::TooLarge { max: 1 },
            UploadError::AccountDisabled,
            UploadError::WrongCredentials,
            UploadError::DirectoryChanged,
            UploadError::Locked("x".into()),
            UploadError::NotYours,
            UploadError::Foreign { provider: "x".into(), key: ObjectKey::parse("a/b").expect("valid") },
            UploadError::Clash("x".into()),
            UploadError::NameNotKept("x".into()),
            UploadError::ProviderNotFound("x".into()),
            UploadError::ProviderDisabled("x".into()),
            UploadError::Busy,
            UploadError::Stalled(1),
            UploadError::TooSlow(1),
            UploadError::Loop,
            UploadError::NoRoom(vault::NoRoom { folder: "/data".into(), left_kib: 0, needed_kib: 1 }),
        ] {
            let code = error.code();
            assert_eq!(refused(error).problem.code, code);
        }
    }
}
